//! An account with many identities, and the process that looks after it.

use std::sync::Arc;
use std::time::Duration;

use ambit::api::v1alpha1::{CloudAccount, CloudAccountStatus, MachineIdentity};
use ambit::cloud::{Cloud, CloudError, FaultPlan, Faulty, MemoryRole};
use ambit::controller::account::{AccountContext, Fleet, SweepReport, reconcile};
use ambit::controller::account_memory::AccountMemory;
use ambit::controller::accounts::{Account, Connect, Trouble};
use ambit::controller::context::Context;
use ambit::controller::outcome::Outcome;
use ambit::names::{IdentityKey, InstallationId, Owner, PrincipalName};
use ambit::plan::account::AccountSettings;
use async_trait::async_trait;

use super::clock;
use super::declare::{self, ACCOUNT, BOUNDARY, NAMESPACE};
use super::faulty_cluster::FaultyCluster;
use super::gate::Gate;
use super::stage::{Stage, TIMING};

/// The cloud of the account, whoever connects.
struct Same(Arc<dyn Cloud>);

#[async_trait]
impl Connect for Same {
    async fn connect(&self, _: &AccountSettings) -> Result<Arc<dyn Cloud>, CloudError> {
        Ok(Arc::clone(&self.0))
    }
}

/// The identities of the cluster in memory, as a cache that never lags.
pub struct Cached<'a> {
    stage: &'a Stage,
    context: Context,
    /// Whether all identities are known.
    pub complete: bool,
    /// The other accounts that there are.
    pub others: Vec<CloudAccount>,
}

#[async_trait]
impl Fleet for Cached<'_> {
    fn identities_of(&self, _: &str) -> Vec<Arc<MachineIdentity>> {
        self.stage.cluster.identities().into_iter().map(Arc::new).collect()
    }

    fn accounts(&self) -> Vec<Arc<CloudAccount>> {
        self.others.iter().cloned().chain([account(self.stage)]).map(Arc::new).collect()
    }

    async fn wake(&self, _: Vec<Arc<MachineIdentity>>) {}

    async fn sweep(&self, name: &str, used: &Account) -> Result<SweepReport, CloudError> {
        let identities = self.identities_of(name);
        let swept = self.context.sweeps.run(&self.context, (name, used.cloud.as_ref()), identities).await;
        let exists = |key: &IdentityKey| self.stage.cluster.get(key).is_some();
        let report = swept.map_err(|broken| broken.error)?;
        Ok(SweepReport::of(&report, &self.context.installation, self.complete.then_some(exists)))
    }
}

/// A process that looks after the account.
pub struct Operator<'a> {
    stage: &'a Stage,
    plan: FaultPlan,
    context: AccountContext,
    pub fleet: Cached<'a>,
}

impl<'a> Operator<'a> {
    /// Starts it.
    pub fn start(stage: &'a Stage, plan: &FaultPlan) -> Self {
        let identities = stage.start(plan, Gate::Open);
        let cloud: Arc<dyn Cloud> = Arc::new(Faulty::new(stage.cloud.clone(), plan.clone()));
        let accounts = Arc::clone(&identities.accounts);
        accounts.remove(ACCOUNT);
        let cluster = Arc::new(FaultyCluster::new(stage.cluster.clone(), plan.clone(), Gate::Open));
        let context = AccountContext {
            installation: installation(),
            accounts,
            connect: Arc::new(Same(cloud)),
            reporter: Arc::<FaultyCluster<_>>::clone(&cluster),
            cluster,
            consistency_window: TIMING.consistency_window,
            memory: AccountMemory::default(),
            clock: clock::now,
            steady: clock::steady,
            spread: || 0.5,
        };
        let fleet = Cached { stage, context: identities, complete: true, others: Vec::new() };
        Self { stage, plan: plan.clone(), context, fleet }
    }

    /// One reconciliation, and the pause after it. A process that is killed in it starts again.
    pub async fn round(&mut self) {
        let account = account(self.stage);
        let outcome = tokio::select! {
            outcome = reconcile(&self.context, &self.fleet, &account) => Some(outcome),
            () = self.plan.hung() => None,
        };
        match outcome {
            Some(Outcome::Failed(failure)) => clock::advance(failure.pause(0, 0.5)),
            Some(Outcome::Waiting(pause)) => clock::advance(pause),
            Some(other) => panic!("an account is never done: {other:?}"),
            None => {
                clock::advance(Duration::from_secs(1));
                *self = Self::start(self.stage, &self.plan);
            }
        }
    }

    /// What hinders the identities of the account.
    pub fn trouble(&self) -> Option<Trouble> {
        self.context.accounts.find(ACCOUNT)?.trouble
    }

    /// Something says that provider or boundary were changed.
    pub fn suspect(&self) {
        self.context.accounts.suspect(ACCOUNT);
    }

    /// Several of them.
    pub async fn rounds(&mut self, count: usize) {
        for _ in 0..count {
            self.round().await;
        }
    }
}

pub fn installation() -> InstallationId {
    InstallationId::parse("sim").unwrap()
}

pub fn account(stage: &Stage) -> CloudAccount {
    stage.cluster.account(ACCOUNT).unwrap()
}

pub fn status(stage: &Stage) -> CloudAccountStatus {
    account(stage).status.unwrap()
}

/// Status, reason and message of `Swept`.
pub fn swept(stage: &Stage) -> (String, String, String) {
    let status = status(stage);
    let found = status.conditions.iter().find(|condition| condition.type_ == "Swept").unwrap();
    (found.status.clone(), found.reason.clone(), found.message.clone())
}

pub fn key(number: usize) -> IdentityKey {
    IdentityKey::new(NAMESPACE, format!("it-{number}"))
}

pub fn role_name(number: usize) -> PrincipalName {
    PrincipalName::role(&installation(), &key(number))
}

/// Plants the role of an identity, with everything that a role can have.
pub fn plant(stage: &Stage, number: usize) {
    let owner = Owner { installation: installation(), identity: key(number), uid: format!("uid-{number}") };
    let mut role = MemoryRole::foreign(role_name(number).as_str(), "/ambit/sim/");
    role.tag(&owner);
    role.boundary = Some(BOUNDARY.to_owned());
    role.inline.insert("ambit".to_owned(), "{}".to_owned());
    role.inline.insert("by-hand".to_owned(), "{}".to_owned());
    role.attached.insert("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
    stage.cloud.plant(role);
}

/// An account with so many identities and their roles.
pub fn town(identities: usize) -> Stage {
    let stage = Stage::new();
    stage.cluster.put_account((*declare::account(BOUNDARY)).clone());
    for number in 0..identities {
        plant(&stage, number);
        stage.cluster.put(&key(number), declare::identity(&key(number).name, &format!("uid-{number}")));
    }
    stage
}

pub fn lose(stage: &Stage, numbers: std::ops::Range<usize>) {
    numbers.for_each(|number| stage.cluster.lose(&key(number)));
}

pub fn ours(stage: &Stage) -> usize {
    stage.cloud.roles().len() - stage.planted().len()
}

pub fn orphans_removed(stage: &Stage) -> Option<i32> {
    status(stage).orphans.and_then(|orphans| orphans.removed)
}

/// Status, reason and message of `Ready`.
pub fn ready(stage: &Stage) -> (String, String, String) {
    let status = status(stage);
    let found = status.conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
    (found.status.clone(), found.reason.clone(), found.message.clone())
}
