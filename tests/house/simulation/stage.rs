//! The stage of a simulation: a cluster, an account with roles of other people
//! in it, and one identity to watch over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ambit::api::v1alpha1::{CloudAccount, MachineIdentity, MachineIdentitySpec, ScopePolicy};
use ambit::cloud::{Cloud, FaultPlan, Faulty, MemoryAssociation, MemoryCloud, MemoryRole};
use ambit::cluster::{Cluster, MemoryCluster};
use ambit::controller::Memory;
use ambit::controller::accounts::{Account, Accounts};
use ambit::controller::context::{Context, Timing, World};
use ambit::controller::sweep::Sweeps;
use ambit::domain::{PodsOf, Provider};
use ambit::names::{
    AccountId, BoundaryArn, ClusterArn, IdentityKey, InstallationId, IssuerUrl, Owner, PrincipalName, RolePath,
};
use ambit::plan::account::AccountSettings;
use ambit::plan::{Declaration, Grounds, Resolved, compile};
use ambit::policy::Catalogue;
use ambit::telemetry::metrics::Metrics;

use super::clock;
use super::declare::{
    self, ACCOUNT, ACCOUNT_ID, AUDIENCE, BOUNDARY, CLUSTER, ISSUER, NAMESPACE, OTHER_BOUNDARY, OTHER_CLUSTER,
};
use super::delivery::Watch;
use super::faulty_cluster::FaultyCluster;
use super::gate::Gate;
use super::monitor::{Declared, Monitored};

/// The times that simulated operators keep: those of a real one.
pub const TIMING: Timing = Timing { resync: Duration::from_hours(6), consistency_window: Duration::from_secs(15) };

/// The caches, as plain data.
pub struct Scenery {
    account: Mutex<Arc<CloudAccount>>,
    policies: Mutex<Vec<Arc<ScopePolicy>>>,
    /// How often what identities are judged by has changed.
    changes: AtomicUsize,
    revision: AtomicU64,
}

impl World for Scenery {
    fn grounds<'a>(
        &self,
        _: &IdentityKey,
        _: &MachineIdentity,
        installation: &'a InstallationId,
    ) -> Option<Grounds<'a>> {
        Some(Grounds {
            installation,
            account: Some(Arc::clone(&self.account.lock().unwrap())),
            namespace_labels: BTreeMap::new(),
            policies: self.policies.lock().unwrap().clone(),
            earlier_claim: None,
        })
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
}

/// Everything that operators work on, and that outlives them.
#[derive(Clone)]
pub struct Stage {
    pub cluster: MemoryCluster,
    pub cloud: MemoryCloud,
    pub key: IdentityKey,
    pub name: PrincipalName,
    scenery: Arc<Scenery>,
    installation: InstallationId,
    declared: Declared,
    planted: Vec<MemoryRole>,
    watch: Arc<OnceLock<Watch>>,
    /// The cluster, where EKS hands roles to pods.
    eks: Option<ClusterArn>,
    tied: Vec<MemoryAssociation>,
}

/// The clusters of the account.
fn clusters() -> [ClusterArn; 2] {
    [CLUSTER, OTHER_CLUSTER].map(|arn| ClusterArn::parse(arn).unwrap())
}

impl Stage {
    /// An account with a provider, two boundaries and roles of other people.
    pub fn new() -> Self {
        let installation = InstallationId::parse("sim").unwrap();
        let path = RolePath::parse("/ambit/sim/").unwrap();
        let cloud = MemoryCloud::new(AccountId::parse(ACCOUNT_ID).unwrap(), path, installation.clone());
        for boundary in [BOUNDARY, OTHER_BOUNDARY] {
            cloud.add_boundary(&BoundaryArn::parse(boundary).unwrap());
        }
        cloud.set_clock(clock::now);
        let provider = Provider { audiences: BTreeSet::from([AUDIENCE.to_owned()]), ..Provider::default() };
        cloud.plant_provider(&IssuerUrl::parse(ISSUER).unwrap(), provider);
        let key = IdentityKey::new(NAMESPACE, "orders");
        let mut stage = Self {
            cluster: MemoryCluster::default(),
            cloud,
            name: PrincipalName::role(&installation, &key),
            key,
            scenery: Arc::new(Scenery {
                account: Mutex::new(declare::account(BOUNDARY)),
                policies: Mutex::new(vec![declare::scope_policy()]),
                changes: AtomicUsize::new(0),
                revision: AtomicU64::new(0),
            }),
            installation,
            declared: Declared::default(),
            planted: Vec::new(),
            watch: Arc::default(),
            eks: None,
            tied: Vec::new(),
        };
        stage.plant_others();
        stage
    }

    /// The same, where EKS hands roles to pods, in two clusters and to those of other people too.
    pub fn with_pod_identity() -> Self {
        let mut stage = Self::new();
        let cluster = ClusterArn::parse(CLUSTER).unwrap();
        stage.cloud = stage.cloud.clone().in_cluster(cluster.clone());
        let theirs = "arn:aws:iam::123456789012:role/of-somebody-else";
        let untagged = MemoryAssociation::foreign(PodsOf::new(NAMESPACE, "mailer"), theirs);
        let mut of_another = MemoryAssociation::foreign(PodsOf::new("bank", "orders"), theirs);
        of_another.tags = [("installation", "other"), ("identity", "bank/orders"), ("uid", "uid-of-another")]
            .map(|(key, value)| (format!("ambit.dev/{key}"), value.to_owned()))
            .into();
        for association in [untagged, of_another] {
            stage.cloud.plant_association(&cluster, association);
        }
        // Pods of the same name, in another cluster of the account.
        let elsewhere = MemoryAssociation::foreign(PodsOf::new(NAMESPACE, "orders"), theirs);
        stage.cloud.plant_association(&ClusterArn::parse(OTHER_CLUSTER).unwrap(), elsewhere);
        stage.change_account(declare::pod_identity_account(BOUNDARY));
        stage.eks = Some(cluster);
        stage.tied = stage.associations();
        stage
    }

    /// The cluster, where EKS hands roles to pods.
    pub fn eks(&self) -> Option<&ClusterArn> {
        self.eks.as_ref()
    }

    /// All associations, of both clusters.
    pub fn associations(&self) -> Vec<MemoryAssociation> {
        clusters().iter().flat_map(|cluster| self.cloud.associations(cluster)).collect()
    }

    /// Whose pods, in which cluster, get a role.
    pub fn get(&self, role: &str) -> Vec<(ClusterArn, PodsOf)> {
        let tied = |cluster: ClusterArn| {
            let all = self.cloud.associations(&cluster).into_iter();
            all.map(move |found| (cluster.clone(), found.pods)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = clusters().into_iter().flat_map(tied).collect();
        all.retain(|(cluster, pods)| self.cloud.handed_to(cluster, pods).as_deref() == Some(role));
        all
    }

    /// Those of other people, as they were planted.
    pub fn tied(&self) -> &[MemoryAssociation] {
        &self.tied
    }

    /// The identity's association as it is.
    pub fn association(&self, service_account: &str) -> Option<MemoryAssociation> {
        let pods = PodsOf::new(NAMESPACE, service_account);
        self.cloud.associations(self.eks.as_ref()?).into_iter().find(|found| found.pods == pods)
    }

    /// Changes the identity's association by hand.
    pub fn tie_by_hand(&self, change: impl FnOnce(&mut MemoryAssociation)) {
        let cluster = self.eks.as_ref().unwrap();
        let pods = PodsOf::new(NAMESPACE, "orders");
        assert!(self.cloud.change_association(cluster, &pods, change), "there is no association to change");
    }

    /// Roles that are none of this identity's: all of them must stay as they are.
    fn plant_others(&mut self) {
        let owner = |installation: &str, name: &str| Owner {
            installation: InstallationId::parse(installation).unwrap(),
            identity: IdentityKey::new(NAMESPACE, name),
            uid: "uid-of-another".to_owned(),
        };
        let untagged = MemoryRole::foreign("made-by-a-person", "/ambit/sim/");
        let mut of_another_installation = MemoryRole::foreign("of-another-installation", "/ambit/sim/");
        of_another_installation.tag(&owner("other", "orders"));
        let mut of_another_identity = MemoryRole::foreign("of-another-identity", "/ambit/sim/");
        of_another_identity.tag(&owner("sim", "mailer"));
        of_another_identity.inline.insert("anything".to_owned(), "{}".to_owned());
        for role in [untagged, of_another_installation, of_another_identity] {
            self.cloud.plant(role);
        }
        self.planted = self.cloud.roles();
    }

    /// The roles of other people, as they were planted.
    pub fn planted(&self) -> &[MemoryRole] {
        &self.planted
    }

    /// Applies a new object, or a changed spec of the one that is there.
    pub fn apply(&self, object: MachineIdentity) {
        self.cluster.put(&self.key, object);
        if let Some(resolved) = self.resolved() {
            self.declared.note(&resolved.desired);
        }
    }

    /// Creates the object with its usual spec.
    pub fn create(&self, uid: &str) {
        self.apply(declare::identity(&self.key.name, uid));
    }

    /// Edits the spec.
    pub fn edit(&self, change: impl FnOnce(&mut MachineIdentitySpec)) {
        let mut object = self.object().unwrap();
        change(&mut object.spec);
        self.apply(object);
    }

    /// Sets an annotation.
    pub fn annotate(&self, key: &str, value: &str) {
        let mut object = self.object().unwrap();
        object.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        self.apply(object);
    }

    /// Gives the account another boundary.
    pub fn change_boundary(&self, boundary: &str) {
        let account = if self.eks.is_some() { declare::pod_identity_account } else { declare::account };
        self.change_account(account(boundary));
    }

    /// Puts another account in its place.
    pub fn change_account(&self, account: Arc<CloudAccount>) {
        *self.scenery.account.lock().unwrap() = account;
        self.scenery.revision.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on pods of the identity's service account must get its role at every moment.
    pub fn watch_delivery(&self) {
        let resolved = self.resolved().unwrap();
        let service_account = &resolved.delivery().unwrap().service_account;
        let watch = self.watch.get_or_init(|| Watch::over(NAMESPACE, service_account, &resolved.role_arn));
        watch.look(&self.cluster);
    }

    /// How many different entries and annotations pods could have met since then.
    pub fn watched(&self) -> (usize, usize) {
        self.watch.get().unwrap().counted()
    }

    /// Replaces all policies.
    pub fn judge_by(&self, policies: Vec<Arc<ScopePolicy>>) {
        *self.scenery.policies.lock().unwrap() = policies;
        self.scenery.changes.fetch_add(1, Ordering::Relaxed);
        self.scenery.revision.fetch_add(1, Ordering::Relaxed);
    }

    /// How often what identities are judged by has changed: those concerned are woken by it.
    pub fn judgements(&self) -> usize {
        self.scenery.changes.load(Ordering::Relaxed)
    }

    /// The object as it is stored.
    pub fn object(&self) -> Option<MachineIdentity> {
        self.cluster.get(&self.key)
    }

    /// The identity's role as it is.
    pub fn role(&self) -> Option<MemoryRole> {
        self.cloud.role(self.name.as_str())
    }

    /// Changes the identity's role by hand.
    pub fn by_hand(&self, change: impl FnOnce(&mut MemoryRole)) {
        assert!(self.cloud.change_by_hand(self.name.as_str(), change), "there is no role to change");
    }

    /// The settings of the account as it is.
    pub fn settings(&self) -> AccountSettings {
        let account = Arc::clone(&self.scenery.account.lock().unwrap());
        AccountSettings::parse(&account.spec, &self.installation).unwrap()
    }

    /// What follows from the object and the account as they are, whatever policies say.
    pub fn resolved(&self) -> Option<Resolved> {
        let object = self.object()?;
        let settings = self.settings();
        let declaration = Declaration { identity: &object, key: &self.key };
        compile(declaration, settings, &self.installation, Catalogue::embedded()).ok()
    }

    /// The cloud, looked at after every change.
    pub fn monitored(&self, gate: Gate) -> Monitored {
        Monitored {
            cloud: self.cloud.clone(),
            cluster: self.cluster.clone(),
            key: self.key.clone(),
            installation: self.installation.to_string(),
            declared: self.declared.clone(),
            eks: self.eks.clone(),
            gate,
        }
    }

    /// A process that was just started and remembers nothing.
    pub fn start(&self, plan: &FaultPlan, gate: Gate) -> Context {
        let cloud = Faulty::new(self.monitored(gate), plan.clone());
        let watched = self.clone();
        let watch = move || watched.watch.get().iter().for_each(|watch| watch.look(&watched.cluster));
        let cluster = FaultyCluster::new(self.cluster.clone(), plan.clone(), gate).watched(watch);
        self.context(Arc::new(cluster), Arc::new(cloud))
    }

    fn context(&self, cluster: Arc<dyn Cluster>, cloud: Arc<dyn Cloud>) -> Context {
        let accounts = Arc::new(Accounts::default());
        let settings = self.settings();
        accounts.put(ACCOUNT, Account { generation: Some(1), settings, cloud, trouble: None });
        Context {
            installation: self.installation.clone(),
            cluster,
            accounts,
            world: Arc::<Scenery>::clone(&self.scenery),
            memory: Memory::default(),
            sweeps: Sweeps::default(),
            timing: TIMING,
            metrics: Metrics::default(),
            injects: true,
            catalogue: Catalogue::embedded(),
            clock: clock::now,
            steady: clock::steady,
            spread: || 0.5,
        }
    }
}
