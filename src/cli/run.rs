//! `ambit run`: the operator's process, from start to the last finished reconciliation.

use std::time::Duration;

use kube::api::ListParams;
use kube::{Api, Client};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Exit;
use crate::api::v1alpha1::{BindingTable, CloudAccount, MachineIdentity, ScopePolicy};
use crate::config::RunConfig;
use crate::controller::context::Timing;
use crate::controller::leader::Lease;
use crate::controller::runtime::{self, Settings};
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::{http, logs};

/// How long reconciliations may take to finish after the process was asked to stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long to wait before the API server is asked again whether it knows the kinds.
const RETRY: Duration = Duration::from_secs(2);

pub(super) fn main(config: RunConfig) -> Result<Exit, String> {
    logs::install(&config.log)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("the runtime cannot start: {error}"))?;
    let exit = runtime.block_on(serve(config));
    runtime.shutdown_timeout(Duration::from_secs(1));
    exit
}

async fn serve(config: RunConfig) -> Result<Exit, String> {
    let mut stop = stop_signal()?;
    let health = Health::default();
    let metrics = Metrics::default();
    let listener = http::bind(config.http_address)
        .await
        .map_err(|error| format!("`{}` cannot be served: {error}", config.http_address))?;
    tokio::spawn(http::serve(listener, health.clone(), metrics.clone()));
    let client = client().await?;
    tracing::info!(installation = %config.installation, version = env!("CARGO_PKG_VERSION"), "started");
    tokio::select! {
        () = kinds_known(&client) => health.set_synced(),
        _ = stop.changed() => return Ok(Exit::Fine),
    }
    let instance = config.instance.clone().unwrap_or_else(random_name);
    let mut lease =
        Lease::compete(client.clone(), &config.lease_namespace, &config.lease_name, &instance).await.map_err(
            |error| format!("the lease `{}/{}` cannot be used: {error}", config.lease_namespace, config.lease_name),
        )?;
    tokio::select! {
        led = lease.state().wait_for(|leads| *leads) => { led.map_err(|_| "the lease is no longer competed for".to_owned())?; }
        _ = stop.changed() => return Ok(Exit::Fine),
    }
    health.set_leading(true);
    tracing::info!("leading");
    let exit = lead(&config, instance, client, metrics, lease.state().clone(), stop, &health).await;
    health.set_leading(false);
    lease.release().await;
    exit
}

/// Works as the leader until asked to stop or until the lease is lost.
async fn lead(
    config: &RunConfig,
    instance: String,
    client: Client,
    metrics: Metrics,
    mut leads: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
    health: &Health,
) -> Result<Exit, String> {
    let settings = Settings {
        installation: config.installation.clone(),
        instance: Some(instance),
        timing: Timing { resync: config.resync_interval, consistency_window: config.consistency_window },
        injects: config.injection,
        concurrency: config.concurrency,
    };
    let mut asked = stop.clone();
    let until_asked = async move {
        let _ = asked.wait_for(|stop| *stop).await;
    };
    let work = runtime::run(settings, client, metrics, until_asked);
    let mut work = std::pin::pin!(work);
    tokio::select! {
        () = &mut work => return Ok(Exit::Fine),
        _ = leads.wait_for(|leads| !*leads) => {
            // Another replica takes over at once: nothing more is begun here.
            return Err("the lease was lost; another replica leads now".to_owned());
        }
        _ = stop.wait_for(|stop| *stop) => {}
    }
    health.set_stopping();
    tracing::info!("stopping: what was begun is finished first");
    if tokio::time::timeout(GRACE, &mut work).await.is_err() {
        tracing::warn!("some reconciliations did not finish in time; the next leader goes on with them");
    }
    Ok(Exit::Fine)
}

/// Becomes true when the process is asked to stop.
fn stop_signal() -> Result<watch::Receiver<bool>, String> {
    let failed = |error| format!("signals cannot be received: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sender.send_replace(true);
        // A second one means that nobody wants to wait.
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(receiver)
}

async fn client() -> Result<Client, String> {
    let mut config = kube::Config::infer()
        .await
        .map_err(|error| format!("no access to a cluster: {error}; set KUBECONFIG, or run in a pod"))?;
    config.connect_timeout = Some(Duration::from_secs(5));
    // Watches are renewed by the server before this; anything longer is a dead connection.
    config.read_timeout = Some(Duration::from_secs(330));
    Client::try_from(config).map_err(|error| format!("the API server cannot be used: {error}"))
}

/// Waits until the API server answers for all kinds. Without its definitions an
/// operator is not ready; it does not crash.
async fn kinds_known(client: &Client) {
    loop {
        match ask(client).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "the API server does not answer for Ambit's kinds yet: are their definitions installed, and may the operator list them?");
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn ask(client: &Client) -> kube::Result<()> {
    let one = ListParams::default().limit(1);
    Api::<CloudAccount>::all(client.clone()).list_metadata(&one).await?;
    Api::<ScopePolicy>::all(client.clone()).list_metadata(&one).await?;
    Api::<MachineIdentity>::all(client.clone()).list_metadata(&one).await?;
    Api::<BindingTable>::all(client.clone()).list_metadata(&one).await?;
    Ok(())
}

fn random_name() -> String {
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
    format!("ambit-{random:016x}")
}
