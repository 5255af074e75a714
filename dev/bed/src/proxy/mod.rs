//! The proxy in front of the cloud endpoint: counts, delays, and fails calls on request.
//!
//! It passes every request on with its own Host header, because signatures
//! cover it. It knows nothing about the cloud but where a call says what it is.

pub(crate) mod classify;
mod control;
pub mod counts;
pub mod faults;
mod serve;

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use counts::Counts;
pub use faults::{Fault, FaultKind};

use crate::error::{Doing, Result};
use crate::ports::Ports;

/// What a proxy needs to know to start.
#[derive(Debug, Clone, Copy)]
pub struct ProxyOptions {
    /// Where it listens and where the endpoint is.
    pub ports: Ports,
    /// Added to every call before it is passed on.
    pub latency: Duration,
}

/// Serves until `stop` resolves; every open connection is cut then.
pub async fn run(options: ProxyOptions, stop: impl Future<Output = ()>) -> Result<()> {
    let proxy = listen(options.ports.proxy()).await?;
    let control = listen(options.ports.proxy_control()).await?;
    serve_on(options, proxy, control, stop).await;
    Ok(())
}

async fn serve_on(options: ProxyOptions, proxy: TcpListener, control: TcpListener, stop: impl Future<Output = ()>) {
    let shared = serve::Shared::new(options.ports.cloud(), options.latency);
    tokio::select! {
        () = serve::accept(proxy, shared.clone()) => {}
        () = control::accept(control, shared) => {}
        () = stop => {}
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpListener::bind(address).await.doing(|| format!("listen on {address}"))
}

/// A proxy on a thread of its own in this process, for tests and benchmarks:
/// they then need no binary beside their own.
#[derive(Debug)]
pub(crate) struct ProxyThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProxyThread {
    /// Starts to listen; the ports are bound when this returns.
    pub(crate) fn start(options: ProxyOptions) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .doing(|| "start the proxy's runtime".to_owned())?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (listening, ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let listeners =
                    async { Ok((listen(options.ports.proxy()).await?, listen(options.ports.proxy_control()).await?)) };
                match listeners.await {
                    Ok((proxy, control)) => {
                        let _ = listening.send(Ok(()));
                        serve_on(options, proxy, control, async { drop(stopped.await) }).await;
                    }
                    Err(error) => drop(listening.send(Err(error))),
                }
            });
            runtime.shutdown_background();
        });
        ready.recv().unwrap_or(Ok(()))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for ProxyThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
