//! The controllers of a leading operator, wired to the API server.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::channel::mpsc;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::Event;
use kube::runtime::{PredicateConfig, WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};

use super::account::{self, AccountContext};
use super::accounts::{Account, Accounts};
use super::bindings;
use super::caches::Caches;
use super::claims::Claims;
use super::connect::AwsConnect;
use super::context::{Context, Timing};
use super::guard;
use super::identity;
use super::memory::Memory;
use super::outcome::Outcome;
use super::policies::Policies;
use super::sweep;
use super::wake::{Shared, WAKE_QUEUE, Wake, WakeTables, follow, in_namespace, judged_by, references};
use super::watch;
use crate::api::v1alpha1::{BindingTable, CloudAccount, MachineIdentity};
use crate::cloud::CloudError;
use crate::cluster::{KubernetesCluster, Recorder};
use crate::names::InstallationId;
use crate::policy::Catalogue;
use crate::telemetry::metrics::Metrics;

/// How a running operator works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This installation.
    pub installation: InstallationId,
    /// The name of this process in events.
    pub instance: Option<String>,
    /// The times to keep.
    pub timing: Timing,
    /// How many identities are reconciled at once.
    pub concurrency: u16,
}

/// Runs all controllers until `stop` resolves and what they had begun is finished.
pub async fn run(
    settings: Settings,
    client: Client,
    metrics: Metrics,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let stop = futures::FutureExt::shared(futures::FutureExt::boxed(stop));
    let (wake, woken) = mpsc::channel(WAKE_QUEUE);
    let (wake_tables, woken_tables) = mpsc::channel(WAKE_QUEUE);
    let claims = Arc::new(Claims::default());
    let (identities, identity_writer) = reflector::store();
    let (accounts, account_writer) = reflector::store();
    let (policies, policy_writer) = reflector::store();
    let (namespaces, namespace_writer) = reflector::store();
    let caches = Caches { identities, accounts, policies, namespaces, claims };
    let shared = shared(&settings, &client, &metrics, &caches, (wake, wake_tables));
    metrics.collect(Box::new(super::gauges::Identities(caches.identities.clone())));

    let known = Policies::default();
    let concerned = move |caches: &Caches, event: &_| judged_by(&known, caches, event);
    let policies =
        follow(watch::all(Api::all(client.clone()), metrics.clone()), policy_writer, shared.clone(), concerned);
    let namespaces = follow(metadata(&client), namespace_writer, shared.clone(), in_namespace);
    let accounts = {
        let shared = shared.clone();
        let inspected = shared.clone();
        let stream = watch::all::<CloudAccount>(Api::all(client.clone()), metrics.clone())
            .inspect(move |event| inspected.note_account(event))
            .reflect(account_writer)
            .applied_objects()
            .predicate_filter(watch::material, PredicateConfig::default());
        Controller::for_stream(stream, caches.accounts.clone())
            .graceful_shutdown_on(stop.clone())
            .run(reconcile_account, |_, _, _| Action::await_change(), Arc::new(shared))
            .for_each(|_| std::future::ready(()))
    };
    let identities = {
        let inspected = shared.clone();
        let stream = watch::all::<MachineIdentity>(Api::all(client.clone()), metrics.clone())
            .inspect(move |event| inspected.note_identity(event))
            .reflect(identity_writer)
            .applied_objects()
            .predicate_filter(watch::material, PredicateConfig::default());
        let controller = Controller::for_stream(stream, caches.identities.clone())
            .with_config(Config::default().concurrency(settings.concurrency))
            .reconcile_on(woken)
            .graceful_shutdown_on(stop.clone())
            .run(reconcile_identity, |_, _, _| Action::await_change(), Arc::new(shared.clone()))
            .for_each(|_| std::future::ready(()));
        let caches = caches.clone();
        async move {
            // An identity judged by half-filled caches would be refused for nothing.
            if caches.wait_until_ready().await {
                controller.await;
            }
        }
    };
    let tables = {
        let inspected = shared.clone();
        let (store, writer) = reflector::store();
        let stream = watch::all::<BindingTable>(Api::all(client.clone()), metrics.clone())
            .inspect(move |event| inspected.note_table(event))
            .reflect(writer)
            .applied_objects();
        Controller::for_stream(stream, store)
            .reconcile_on(woken_tables)
            .graceful_shutdown_on(stop.clone())
            .run(reconcile_table, |_, _, _| Action::await_change(), Arc::new(shared))
            .for_each(|_| std::future::ready(()))
    };
    // The caches are followed only as long as a controller works with them.
    let controllers = futures::future::join3(accounts, identities, tables);
    let followers = futures::future::join(policies, namespaces);
    futures::future::select(Box::pin(controllers), Box::pin(followers)).await;
}

fn shared(
    settings: &Settings,
    client: &Client,
    metrics: &Metrics,
    caches: &Caches,
    (wake, wake_tables): (Wake, WakeTables),
) -> Shared {
    let recorder = Recorder::new(client.clone(), settings.instance.clone());
    let cluster = KubernetesCluster::new(client.clone(), recorder);
    let accounts = Arc::new(Accounts::default());
    let installation = settings.installation.clone();
    let context = Context {
        installation: installation.clone(),
        cluster: Arc::new(cluster.clone()),
        accounts: Arc::clone(&accounts),
        world: Arc::new(caches.clone()),
        memory: Memory::default(),
        timing: settings.timing,
        catalogue: Catalogue::embedded(),
        clock: Timestamp::now,
        spread,
    };
    let account = AccountContext {
        installation: installation.clone(),
        accounts,
        connect: Arc::new(AwsConnect::new(installation, Arc::new(metrics.clone()))),
        reporter: Arc::new(cluster.clone()),
        clock: Timestamp::now,
    };
    Shared {
        context: Arc::new(context),
        account: Arc::new(account),
        caches: caches.clone(),
        cluster,
        metrics: metrics.clone(),
        wake,
        wake_tables,
    }
}

/// A number in 0..1 that differs from call to call: the hasher's random seed is
/// random enough to spread retries.
fn spread() -> f64 {
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0_u8);
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

fn metadata(
    client: &Client,
) -> impl futures::Stream<Item = Result<Event<PartialObjectMeta<Namespace>>, watcher::Error>> + Send + 'static {
    watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .modify(|namespace| namespace.metadata.managed_fields = None)
}

async fn reconcile_identity(
    identity: Arc<MachineIdentity>,
    shared: Arc<Shared>,
) -> Result<Action, std::convert::Infallible> {
    let (namespace, name) = (identity.namespace().unwrap_or_default(), identity.name_any());
    let uid = identity.uid().unwrap_or_default();
    let context = &shared.context;
    let work = identity::reconcile(context, &identity);
    let outcome = guard::watched(&shared.metrics, "identity", (&namespace, &name), work).await;
    let failed_before = context.memory.recall(&uid).failures;
    match outcome {
        Outcome::Failed(_) => context.memory.note(&uid, |memory| memory.failures = failed_before.saturating_add(1)),
        Outcome::Finished => context.memory.forget(&uid),
        _ => context.memory.note(&uid, |memory| memory.failures = 0),
    }
    Ok(guard::next(&outcome, next_look(context, &uid), failed_before, (context.spread)()))
}

/// The time to an identity's next full look, as it was noted.
fn next_look(context: &Context, uid: &str) -> Duration {
    let noted = context.memory.recall(uid).next_full_look;
    let pause = noted.and_then(|due| Duration::try_from(due.duration_since(context.now())).ok());
    pause.unwrap_or(context.timing.resync).max(Duration::from_secs(1))
}

async fn reconcile_account(
    account: Arc<CloudAccount>,
    shared: Arc<Shared>,
) -> Result<Action, std::convert::Infallible> {
    let name = account.name_any();
    let work = check_and_sweep(&account, &shared);
    let outcome = guard::watched(&shared.metrics, "account", ("", &name), work).await;
    let uid = account.uid().unwrap_or_default();
    let failed_before = shared.context.memory.recall(&uid).failures;
    let failed = matches!(outcome, Outcome::Failed(_));
    shared
        .context
        .memory
        .note(&uid, |memory| memory.failures = if failed { failed_before.saturating_add(1) } else { 0 });
    let interval = account::interval(&account);
    Ok(guard::next(&outcome, interval, failed_before, (shared.context.spread)()))
}

async fn check_and_sweep(account: &CloudAccount, shared: &Shared) -> Outcome {
    let name = account.name_any();
    let mut checked = account::check(&shared.account, account).await;
    if checked.wake_identities {
        shared.wake(references(&shared.caches.identities, |identity| identity.spec.account_ref.name == name)).await;
    }
    let in_order = matches!(checked.outcome, Outcome::Waiting(_));
    if let Some(used) = shared.account.accounts.find(&name).filter(|_| in_order)
        && let Err(error) = sweep_all(&name, &used, shared).await
    {
        checked.sweep_failed(&error);
    }
    account::report(&shared.account, account, checked).await
}

async fn sweep_all(name: &str, used: &Account, shared: &Shared) -> Result<(), CloudError> {
    let start = Instant::now();
    let snapshot = sweep::take(used.cloud.as_ref(), Timestamp::now()).await?;
    let suspects = sweep::suspects(&shared.context, &snapshot, shared.caches.identities_of(name));
    shared.metrics.swept(name, start.elapsed(), suspects.len());
    shared.wake(suspects.iter().map(|identity| ObjectRef::from_obj(identity.as_ref())).collect()).await;
    Ok(())
}

async fn reconcile_table(table: Arc<BindingTable>, shared: Arc<Shared>) -> Result<Action, std::convert::Infallible> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let work = bindings::reconcile(&shared.cluster, &shared.caches, &table);
    let outcome = guard::watched(&shared.metrics, "bindings", (&namespace, &name), work).await;
    Ok(guard::next(&outcome, shared.context.timing.resync, 0, (shared.context.spread)()))
}
