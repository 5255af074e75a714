//! The way of a call through the proxy.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::classify::{Call, classify};
use super::counts::Counts;
use super::faults::{self, Fault, FaultKind};

/// Headers that speak about one connection and are not passed on.
const OF_THE_CONNECTION: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "expect", "upgrade"];

type Body = BoxBody<Bytes, hyper::Error>;

/// What all connections share.
#[derive(Clone)]
pub(super) struct Shared(Arc<Inner>);

struct Inner {
    endpoint: u16,
    client: Client<HttpConnector, Full<Bytes>>,
    latency_micros: AtomicU64,
    counts: Mutex<Counts>,
    faults: Mutex<Vec<Fault>>,
    callers: Mutex<BTreeMap<String, String>>,
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends here")]
pub(super) struct Cut;

impl Shared {
    pub(super) fn new(endpoint: u16, latency: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
        let shared = Self(Arc::new(Inner {
            endpoint,
            client,
            latency_micros: AtomicU64::new(0),
            counts: Mutex::default(),
            faults: Mutex::default(),
            callers: Mutex::default(),
        }));
        shared.set_latency(latency);
        shared
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.latency_micros.store(micros, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.0.counts)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        lock(&self.0.faults)
    }

    pub(super) fn callers(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        lock(&self.0.callers)
    }

    /// Counts a call and says which fault it meets.
    fn note(&self, call: &Call) -> Option<Fault> {
        let caller = match &call.key {
            None => "unsigned".to_owned(),
            Some(key) => self.callers().get(key).cloned().unwrap_or_else(|| "session".to_owned()),
        };
        let fault = faults::meet(&mut self.faults(), &call.action);
        let mut counts = self.counts();
        counts.add(&call.action, &caller);
        counts.faults += u64::from(fault.is_some());
        fault
    }

    async fn pass_on(&self, parts: hyper::http::request::Parts, body: Bytes) -> Result<Response<Body>, Cut> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri: Uri = format!("http://127.0.0.1:{}{path}", self.0.endpoint).parse().map_err(|_| Cut)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = parts.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = parts.headers;
        drop_connection_headers(request.headers_mut());
        let mut response = self.0.client.request(request).await.map_err(|_| Cut)?;
        drop_connection_headers(response.headers_mut());
        Ok(response.map(BodyExt::boxed))
    }

    /// One call: count, delay, fail or pass on.
    async fn handle(self, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
        let call = classify(parts.method.as_str(), parts.uri.query(), &parts.headers, &body);
        let fault = self.note(&call);
        let latency = self.0.latency_micros.load(Ordering::Relaxed);
        if latency > 0 {
            tokio::time::sleep(Duration::from_micros(latency)).await;
        }
        let answer = match fault {
            None => self.pass_on(parts, body).await,
            Some(fault) => {
                if fault.kind.passes_on() {
                    // Read to its end, so that the effect is complete before the fault shows.
                    if let Ok(response) = self.pass_on(parts, body).await {
                        let _ = response.into_body().collect().await;
                    }
                }
                fail(&fault).await
            }
        };
        if answer.as_ref().map_or(true, |response| response.status().as_u16() >= 400) {
            self.counts().add_failure(&call.action);
        }
        answer
    }
}

async fn fail(fault: &Fault) -> Result<Response<Body>, Cut> {
    match fault.kind {
        FaultKind::Refuse | FaultKind::RefuseAfter => Ok(refusal(fault)),
        FaultKind::Drop | FaultKind::DropAfter => Err(Cut),
        FaultKind::Hold | FaultKind::HoldAfter => std::future::pending().await,
    }
}

fn refusal(fault: &Fault) -> Response<Body> {
    let text = format!(
        "<ErrorResponse><Error><Type>Receiver</Type><Code>{}</Code><Message>asked for by the test bed</Message></Error><RequestId>bed</RequestId></ErrorResponse>",
        fault.code
    );
    let mut response = Response::new(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed());
    *response.status_mut() =
        hyper::StatusCode::from_u16(fault.status).unwrap_or(hyper::StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("text/xml"));
    response
}

fn drop_connection_headers(headers: &mut HeaderMap) {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves connections until dropped.
pub(super) async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file handles, say: give the others time to end.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| shared.clone().handle(request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
