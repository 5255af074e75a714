//! The controllers of a leading operator, wired to the API server.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{PredicateConfig, WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource, ResourceExt};

use super::account::{self, AccountContext};
use super::accounts::Accounts;
use super::bindings;
use super::caches::Caches;
use super::claims::Claims;
use super::connect::AwsConnect;
use super::context::{Context, Timing};
use super::guard;
use super::identity;
use super::memory::Memory;
use super::outcome::Outcome;
use super::sweep;
use super::watch;
use crate::api::v1alpha1::{BindingTable, CloudAccount, MachineIdentity, ScopePolicy};
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

/// Wakes identities: a bounded queue, so that a sender waits when nobody keeps up.
type Wake = mpsc::Sender<ObjectRef<MachineIdentity>>;
const WAKE_QUEUE: usize = 1024;

/// What all controllers share.
#[derive(Clone)]
struct Shared {
    context: Arc<Context>,
    account: Arc<AccountContext>,
    caches: Caches,
    cluster: KubernetesCluster,
    metrics: Metrics,
    wake: Wake,
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
    let claims = Arc::new(Claims::default());
    let (identities, identity_writer) = reflector::store();
    let (accounts, account_writer) = reflector::store();
    let (policies, policy_writer) = reflector::store();
    let (namespaces, namespace_writer) = reflector::store();
    let caches = Caches { identities, accounts, policies, namespaces, claims };
    let shared = shared(&settings, &client, &metrics, &caches, wake);
    metrics.collect(Box::new(super::gauges::Identities(caches.identities.clone())));

    let policies = follow(watch::all(Api::all(client.clone())), policy_writer, shared.clone(), wake_all);
    let namespaces = follow(metadata(&client), namespace_writer, shared.clone(), wake_namespace);
    let accounts = {
        let shared = shared.clone();
        let inspected = shared.clone();
        let stream = watch::all::<CloudAccount>(Api::all(client.clone()))
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
        let stream = watch::all::<MachineIdentity>(Api::all(client.clone()))
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
    let tables = Controller::new(Api::<BindingTable>::all(client.clone()), watcher::Config::default())
        .graceful_shutdown_on(stop.clone())
        .run(reconcile_table, |_, _, _| Action::await_change(), Arc::new(shared))
        .for_each(|_| std::future::ready(()));
    // The caches are followed only as long as a controller works with them.
    let controllers = futures::future::join3(accounts, identities, tables);
    let followers = futures::future::join(policies, namespaces);
    futures::future::select(Box::pin(controllers), Box::pin(followers)).await;
}

fn shared(settings: &Settings, client: &Client, metrics: &Metrics, caches: &Caches, wake: Wake) -> Shared {
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
    watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), watcher::Config::default()).default_backoff()
}

/// Keeps a cache, and wakes the identities that a change concerns.
async fn follow<K, F>(
    stream: impl futures::Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static,
    writer: reflector::store::Writer<K>,
    shared: Shared,
    concerned: F,
) where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    F: Fn(&Shared, Option<&K>) -> Vec<ObjectRef<MachineIdentity>>,
{
    let mut events = std::pin::pin!(stream.reflect(writer));
    while let Some(event) = events.next().await {
        let woken = match &event {
            Ok(Event::Apply(object) | Event::Delete(object)) => concerned(&shared, Some(object)),
            Ok(Event::InitDone) => concerned(&shared, None),
            Ok(Event::Init | Event::InitApply(_)) | Err(_) => Vec::new(),
        };
        shared.wake(woken).await;
    }
}

fn wake_all(shared: &Shared, _: Option<&ScopePolicy>) -> Vec<ObjectRef<MachineIdentity>> {
    references(&shared.caches.identities, |_| true)
}

fn wake_namespace(
    shared: &Shared,
    namespace: Option<&PartialObjectMeta<Namespace>>,
) -> Vec<ObjectRef<MachineIdentity>> {
    let name = namespace.map(ResourceExt::name_any);
    references(&shared.caches.identities, |identity| name.is_none() || identity.namespace() == name)
}

fn references(
    store: &Store<MachineIdentity>,
    wanted: impl Fn(&MachineIdentity) -> bool,
) -> Vec<ObjectRef<MachineIdentity>> {
    store
        .state()
        .iter()
        .filter(|identity| wanted(identity))
        .map(|identity| ObjectRef::from_obj(identity.as_ref()))
        .collect()
}

impl Shared {
    async fn wake(&self, identities: Vec<ObjectRef<MachineIdentity>>) {
        let mut wake = self.wake.clone();
        for identity in identities {
            // The other end is gone only when the operator stops.
            if wake.send(identity).await.is_err() {
                return;
            }
        }
    }

    /// Keeps the index of claims, and wakes those that waited behind one that goes.
    fn note_identity(&self, event: &Result<Event<MachineIdentity>, watcher::Error>) {
        let claims = &self.caches.claims;
        match event {
            Ok(Event::Apply(identity) | Event::InitApply(identity)) => claims.note(identity),
            Ok(Event::Delete(identity)) => {
                let namespace = identity.namespace().unwrap_or_default();
                let waiting = claims.withdraw(identity);
                let references = waiting.iter().map(|name| ObjectRef::new(name).within(&namespace)).collect();
                self.context.memory.forget(identity.uid().as_deref().unwrap_or_default());
                self.wake_later(references);
            }
            Ok(Event::Init) => claims.begin(),
            Ok(Event::InitDone) => {
                claims.complete();
                // Whatever was judged before the list was complete is judged again.
                self.wake_later(references(&self.caches.identities, |_| true));
            }
            Err(_) => {}
        }
    }

    fn note_account(&self, event: &Result<Event<CloudAccount>, watcher::Error>) {
        if let Ok(Event::Delete(account)) = event {
            let name = account.name_any();
            self.account.accounts.remove(&name);
            self.wake_later(references(&self.caches.identities, |identity| identity.spec.account_ref.name == name));
        }
    }

    /// Wakes from where nobody may wait.
    fn wake_later(&self, identities: Vec<ObjectRef<MachineIdentity>>) {
        let shared = self.clone();
        tokio::spawn(async move { shared.wake(identities).await });
    }
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
    Ok(guard::next(&outcome, context.timing.resync, failed_before, (context.spread)()))
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
    let checked = account::reconcile(&shared.account, account).await;
    if checked.wake_identities {
        shared.wake(references(&shared.caches.identities, |identity| identity.spec.account_ref.name == name)).await;
    }
    let in_order = matches!(checked.outcome, Outcome::Waiting(_));
    let Some(used) = shared.account.accounts.find(&name).filter(|_| in_order) else { return checked.outcome };
    let start = Instant::now();
    match sweep::take(used.cloud.as_ref(), Timestamp::now()).await {
        Ok(snapshot) => {
            let suspects = sweep::suspects(&shared.context, &snapshot, shared.caches.identities_of(&name));
            shared.metrics.swept(&name, start.elapsed(), suspects.len());
            shared.wake(suspects.iter().map(|identity| ObjectRef::from_obj(identity.as_ref())).collect()).await;
        }
        Err(error) => tracing::warn!(error.type = error.kind.name(), %error, "a sweep did not reach its end"),
    }
    checked.outcome
}

async fn reconcile_table(table: Arc<BindingTable>, shared: Arc<Shared>) -> Result<Action, std::convert::Infallible> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let work = bindings::reconcile(&shared.cluster, &shared.caches, &table);
    let outcome = guard::watched(&shared.metrics, "bindings", (&namespace, &name), work).await;
    Ok(guard::next(&outcome, shared.context.timing.resync, 0, (shared.context.spread)()))
}
