//! The controllers of a leading operator, wired to the API server.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::future::{self, BoxFuture};
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::Event;
use kube::runtime::{PredicateConfig, WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};

use super::account::{self, AccountContext, SweepReport};
use super::account_gauges::AccountGauges;
use super::account_memory::AccountMemory;
use super::accounts::{Account, Accounts};
use super::bindings;
use super::caches::Caches;
use super::claims::Claims;
use super::connect::AwsConnect;
use super::context::{Context, Timing};
use super::credential_gauges::CredentialGauges;
use super::events::{self, Listening};
use super::guard;
use super::identity;
use super::memory::Memory;
use super::outcome::Outcome;
use super::policies::Policies;
use super::sweep::{Broken, Sweeps};
use super::wake::{Shared, WAKE_QUEUE, Wake, WakeTables, follow, in_namespace, judged_by};
use super::watch;
use crate::api::v1alpha1::{BindingTable, CloudAccount, MachineIdentity};
use crate::cloud::CloudError;
use crate::cluster::{KubernetesCluster, Recorder};
use crate::names::{IdentityKey, InstallationId};
use crate::policy::Catalogue;
use crate::telemetry::metrics::{Metrics, SweepFigures};

/// What comes to be looked at again beside what changed.
type Woken<K> = mpsc::Receiver<ObjectRef<K>>;

/// Resolves when the operator is to stop.
type Stop = future::Shared<BoxFuture<'static, ()>>;

/// How a running operator works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This installation.
    pub installation: InstallationId,
    /// The name of this process in events.
    pub instance: Option<String>,
    /// The times to keep.
    pub timing: Timing,
    /// Whether Ambit's own policies give pods their credentials in this cluster.
    pub injects: bool,
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
    let stop = stop.boxed().shared();
    let (wake, woken) = mpsc::channel(WAKE_QUEUE);
    let (wake_tables, woken_tables) = mpsc::channel(WAKE_QUEUE);
    let (wake_accounts, woken_accounts) = mpsc::channel(WAKE_QUEUE);
    let claims = Arc::new(Claims::default());
    let (identities, identity_writer) = reflector::store();
    let (accounts, account_writer) = reflector::store();
    let (policies, policy_writer) = reflector::store();
    let (namespaces, namespace_writer) = reflector::store();
    let caches = Caches { identities, accounts, policies, namespaces, claims, changes: Arc::default() };
    let shared = shared(&settings, &client, &metrics, &caches, (wake, wake_tables));
    metrics.collect(Box::new(super::gauges::Identities(caches.identities.clone())));
    metrics.collect(Box::new(AccountGauges(caches.accounts.clone())));
    metrics.collect(Box::new(CredentialGauges { identities: caches.identities.clone(), clock: Timestamp::now }));

    let known = Policies::default();
    let concerned = move |caches: &Caches, event: &_| judged_by(&known, caches, event);
    let policies =
        follow(watch::all(Api::all(client.clone()), metrics.clone()), policy_writer, shared.clone(), concerned);
    let namespaces = follow(metadata(&client), namespace_writer, shared.clone(), in_namespace);
    let events = events::listen(Arc::new(Listening {
        context: Arc::clone(&shared.context),
        caches: caches.clone(),
        metrics: metrics.clone(),
        wake: shared.wake.clone(),
        wake_accounts,
    }));
    let accounts = account_controller(&shared, account_writer, woken_accounts, stop.clone());
    let identities = identity_controller(&shared, identity_writer, woken, (settings.concurrency, stop.clone()));
    let tables = table_controller(&shared, woken_tables, stop);
    // The caches are followed only as long as a controller works with them.
    let controllers = future::join3(accounts, identities, tables);
    let followers = future::join3(policies, namespaces, events);
    future::select(Box::pin(controllers), Box::pin(followers)).await;
}

fn account_controller(
    shared: &Shared,
    writer: Writer<CloudAccount>,
    woken: Woken<CloudAccount>,
    stop: Stop,
) -> impl Future<Output = ()> + use<> {
    let inspected = shared.clone();
    let stream = watch::all::<CloudAccount>(Api::all(shared.client.clone()), shared.metrics.clone())
        .inspect(move |event| inspected.note_account(event))
        .reflect(writer)
        .applied_objects()
        .predicate_filter(watch::material, PredicateConfig::default());
    Controller::for_stream(stream, shared.caches.accounts.clone())
        .reconcile_on(woken)
        .graceful_shutdown_on(stop)
        .run(reconcile_account, |_, _, _| Action::await_change(), Arc::new(shared.clone()))
        .for_each(|_| std::future::ready(()))
}

fn identity_controller(
    shared: &Shared,
    writer: Writer<MachineIdentity>,
    woken: Woken<MachineIdentity>,
    (concurrency, stop): (u16, Stop),
) -> impl Future<Output = ()> + use<> {
    let inspected = shared.clone();
    let stream = watch::all::<MachineIdentity>(Api::all(shared.client.clone()), shared.metrics.clone())
        .inspect(move |event| inspected.note_identity(event))
        .reflect(writer)
        .applied_objects()
        .predicate_filter(watch::material, PredicateConfig::default());
    let controller = Controller::for_stream(stream, shared.caches.identities.clone())
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_on(woken)
        .graceful_shutdown_on(stop)
        .run(reconcile_identity, |_, _, _| Action::await_change(), Arc::new(shared.clone()))
        .for_each(|_| std::future::ready(()));
    let caches = shared.caches.clone();
    async move {
        // An identity judged by half-filled caches would be refused for nothing.
        if caches.wait_until_ready().await {
            controller.await;
        }
    }
}

fn table_controller(shared: &Shared, woken: Woken<BindingTable>, stop: Stop) -> impl Future<Output = ()> + use<> {
    let inspected = shared.clone();
    let (store, writer) = reflector::store();
    let stream = watch::all::<BindingTable>(Api::all(shared.client.clone()), shared.metrics.clone())
        .inspect(move |event| inspected.note_table(event))
        .reflect(writer)
        .applied_objects();
    Controller::for_stream(stream, store)
        .reconcile_on(woken)
        .graceful_shutdown_on(stop)
        .run(reconcile_table, |_, _, _| Action::await_change(), Arc::new(shared.clone()))
        .for_each(|_| std::future::ready(()))
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
        sweeps: Sweeps::default(),
        timing: settings.timing,
        metrics: metrics.clone(),
        injects: settings.injects,
        catalogue: Catalogue::embedded(),
        clock: Timestamp::now,
        steady,
        spread,
    };
    let account = AccountContext {
        installation: installation.clone(),
        accounts,
        connect: Arc::new(AwsConnect::new(installation, Arc::new(metrics.clone()))),
        reporter: Arc::new(cluster.clone()),
        cluster: Arc::new(cluster.clone()),
        consistency_window: settings.timing.consistency_window,
        memory: AccountMemory::default(),
        clock: Timestamp::now,
        steady,
        spread,
    };
    Shared {
        context: Arc::new(context),
        account: Arc::new(account),
        caches: caches.clone(),
        cluster,
        client: client.clone(),
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

/// Time since the first call of it.
fn steady() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
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
    let work = Box::pin(identity::reconcile(context, &identity));
    let outcome = guard::watched(&shared.metrics, "identity", (&namespace, &name), work).await;
    let failed_before = context.memory.recall(&uid).failures;
    match outcome {
        Outcome::Failed(_) => context.memory.note(&uid, |memory| memory.failures = failed_before.saturating_add(1)),
        Outcome::Finished => context.memory.forget(&uid),
        // It neither failed nor went well.
        Outcome::Deferred(_) => {}
        _ => context.memory.note(&uid, |memory| memory.failures = 0),
    }
    Ok(guard::next(&outcome, next_look(context, &uid), failed_before, (context.spread)()))
}

/// The time to what is due next of an identity, as it was noted: a full look, or its credentials.
fn next_look(context: &Context, uid: &str) -> Duration {
    let memory = context.memory.recall(uid);
    let pause = |due: Timestamp| Duration::try_from(due.duration_since(context.now())).unwrap_or_default();
    let look = memory.next_full_look.map_or(context.timing.resync, pause);
    memory.next_credentials.map(pause).map_or(look, |due| due.min(look)).max(Duration::from_secs(1))
}

async fn reconcile_account(
    account: Arc<CloudAccount>,
    shared: Arc<Shared>,
) -> Result<Action, std::convert::Infallible> {
    let name = account.name_any();
    let work = Box::pin(account::reconcile(&shared.account, shared.as_ref(), &account));
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

#[async_trait]
impl account::Fleet for Shared {
    fn identities_of(&self, account: &str) -> Vec<Arc<MachineIdentity>> {
        self.caches.identities_of(account)
    }

    fn accounts(&self) -> Vec<Arc<CloudAccount>> {
        // The controller begins when all were listed, and a new list takes the place of the old at once.
        self.caches.accounts.state()
    }

    async fn wake(&self, identities: Vec<Arc<MachineIdentity>>) {
        self.wake(identities.iter().map(|identity| ObjectRef::from_obj(identity.as_ref())).collect()).await;
    }

    async fn sweep(&self, name: &str, used: &Account) -> Result<SweepReport, CloudError> {
        let start = Instant::now();
        let identities = self.caches.identities_of(name);
        self.forget_the_gone();
        match self.context.sweeps.run(&self.context, (name, used.cloud.as_ref()), identities).await {
            Ok(report) => {
                let (pages, roles, ours) = (report.pages, report.roles, report.ours);
                let figures = SweepFigures { pages, roles, ours, suspects: report.suspects.len() };
                self.metrics.swept(name, start.elapsed(), figures);
                account::Fleet::wake(self, report.suspects.clone()).await;
                // Asked after the sweep: what was declared meanwhile is no orphan.
                let exists = |identity: &IdentityKey| self.caches.identity(identity).is_some();
                let known = self.caches.is_complete().then_some(exists);
                Ok(SweepReport::of(&report, &self.context.installation, known))
            }
            Err(Broken { error, suspects }) => {
                self.metrics.sweep_broken(name);
                account::Fleet::wake(self, suspects).await;
                Err(error)
            }
        }
    }
}

impl Shared {
    /// Forgets identities that went while a sweep compared them.
    fn forget_the_gone(&self) {
        let identities = self.caches.identities.state();
        let accounts = self.caches.accounts.state();
        if self.context.memory.len() <= identities.len() + accounts.len() {
            return;
        }
        let uids = identities.iter().filter_map(|identity| identity.uid());
        let known: HashSet<String> = uids.chain(accounts.iter().filter_map(|account| account.uid())).collect();
        self.context.memory.keep_only(|uid| known.contains(uid));
    }
}

async fn reconcile_table(table: Arc<BindingTable>, shared: Arc<Shared>) -> Result<Action, std::convert::Infallible> {
    // Whatever was altered before all identities were listed.
    if shared.caches.is_complete() {
        shared.note_table(&Ok(Event::Apply(table.as_ref().clone())));
    }
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let work = bindings::reconcile(&shared.cluster, &shared.caches, &shared.context.installation, &table);
    let outcome = guard::watched(&shared.metrics, "bindings", (&namespace, &name), work).await;
    Ok(guard::next(&outcome, shared.context.timing.resync, 0, (shared.context.spread)()))
}
