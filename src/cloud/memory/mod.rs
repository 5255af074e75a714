//! An account in memory, for tests that are quick and must see everything.
//!
//! It keeps the rules of IAM that Ambit relies on: one role of a name in the
//! account whatever its path and case, no deletion while policies remain,
//! boundaries that must exist, quotas, unique ids, tokens checked against the
//! provider and the trust document. It has no authorisation of its own: the
//! caller may do anything, so that a test sees every wrong write instead of a
//! refusal.

mod account;
mod association;
mod hand;
mod hand_users;
mod queue;
mod role;
mod trust;
mod user;
mod users;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::account::Account;
use super::{AssociationPage, Cloud, CloudError, Depth, EventQueue, Page, PageToken};
use crate::domain::{
    AccessKey, Association, AssociationStep, Cluster, Credentials, KeyStep, LastUse, NewAccessKey, Observation,
    Observed, PodsOf, Provider, ProviderStep, Reading, SessionSeconds, Step, StepDone, Usage, WebToken, reading,
};
use crate::names::{
    AccessKeyId, AccountId, BoundaryArn, ClusterArn, InstallationId, IssuerUrl, PrincipalKind, PrincipalName, RolePath,
};

pub use self::association::MemoryAssociation;
pub use self::queue::MemoryQueue;
pub use self::role::MemoryRole;
pub use self::trust::CANARY;
pub use self::user::{MemoryKey, MemoryUser};

/// One installation's view of an account in memory. Clones see the same account.
#[derive(Debug, Clone)]
pub struct MemoryCloud {
    account: Arc<Mutex<Account>>,
    path: RolePath,
    installation: InstallationId,
    queue: Option<MemoryQueue>,
    cluster: Option<ClusterArn>,
    users: bool,
}

impl MemoryCloud {
    /// An empty account, seen by the installation whose roles lie on `path`.
    #[must_use]
    pub fn new(account: AccountId, path: RolePath, installation: InstallationId) -> Self {
        Self {
            account: Arc::new(Mutex::new(Account::new(account))),
            path,
            installation,
            queue: None,
            cluster: None,
            users: false,
        }
    }

    /// The same account as another installation sees it.
    #[must_use]
    pub fn seen_by(&self, path: RolePath, installation: InstallationId) -> Self {
        Self { path, installation, queue: None, cluster: None, users: false, ..self.clone() }
    }

    /// The same account, which tells what is done to it in a queue: what the test puts there.
    #[must_use]
    pub fn telling_in(self, queue: MemoryQueue) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// The same account, whose cluster this one is.
    #[must_use]
    pub fn in_cluster(self, cluster: ClusterArn) -> Self {
        Self { cluster: Some(cluster), ..self }
    }

    /// The same account, where Ambit makes users as well: sweeps bring them.
    #[must_use]
    pub fn making_users(self) -> Self {
        Self { users: true, ..self }
    }

    fn locked(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Cloud for MemoryCloud {
    async fn observe(&self, name: &PrincipalName, depth: Depth) -> Result<Observation<Observed>, CloudError> {
        let mut account = self.locked();
        account.count("observe");
        let (name, kind, path) = (name.as_str(), name.kind(), self.path.as_str());
        let found = match kind {
            PrincipalKind::Role => account.read(name).map(|role| role.observed(path, depth)),
            PrincipalKind::User => account.read_user(name).map(|user| user.observed(path, depth)),
        };
        Ok(found.map_or(Observation::Absent, Observation::Present))
    }

    async fn apply(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
        let mut account = self.locked();
        account.count(step.name());
        let (name, kind, path) = (name.as_str(), name.kind(), self.path.as_str());
        let done = match (kind, step) {
            (PrincipalKind::Role, Step::Create(birth)) => return account.create(name, path, birth),
            (PrincipalKind::Role, Step::Delete) => account.delete(name),
            (PrincipalKind::Role, step) => account.change(name, step),
            (PrincipalKind::User, Step::Create(birth)) => return account.create_user(name, path, birth),
            (PrincipalKind::User, Step::Delete) => account.delete_user(name),
            (PrincipalKind::User, step) => account.change_user(name, step),
        };
        done.map(|()| StepDone::Done)
    }

    async fn access_keys(&self, user: &PrincipalName) -> Result<Vec<AccessKey>, CloudError> {
        let mut account = self.locked();
        account.count("access-keys");
        Ok(account.list_keys(user.as_str()))
    }

    async fn last_use(&self, key: &AccessKeyId) -> Result<LastUse, CloudError> {
        let mut account = self.locked();
        account.count("last-use");
        account.last_use(key)
    }

    async fn create_access_key(&self, user: &PrincipalName) -> Result<NewAccessKey, CloudError> {
        let mut account = self.locked();
        account.count("create-access-key");
        let now = (account.clock)();
        account.create_key(user.as_str(), now)
    }

    async fn change_access_key(&self, user: &PrincipalName, step: &KeyStep) -> Result<(), CloudError> {
        let mut account = self.locked();
        account.count(step.name());
        account.change_key(user.as_str(), step)
    }

    async fn prove(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        let mut account = self.locked();
        account.count("prove");
        account.prove(name.as_str(), self.path.as_str(), token)
    }

    async fn credentials(
        &self,
        name: &PrincipalName,
        token: &WebToken,
        session: SessionSeconds,
    ) -> Result<Credentials, CloudError> {
        let mut account = self.locked();
        account.count("credentials");
        account.issue(name.as_str(), self.path.as_str(), token, session)
    }

    async fn sweep(&self, from: Option<&PageToken>) -> Result<Page, CloudError> {
        let mut account = self.locked();
        account.count("sweep");
        let (from, path) = (from.map(|token| token.0.as_str()), self.path.as_str());
        if let Some(from) = from.and_then(Account::users_from) {
            let (users, next) = account.page_of_users(from);
            let principals = users.into_iter().map(|user| user.swept(path)).collect();
            return Ok(Page { principals, next: next.map(PageToken) });
        }
        let (roles, next) = account.page(from);
        let next = next.or_else(|| account.first_users().filter(|_| self.users));
        let principals = roles.into_iter().map(|role| role.swept(path)).collect();
        Ok(Page { principals, next: next.map(PageToken) })
    }

    async fn observe_provider(&self, issuer: &IssuerUrl) -> Result<Observation<Provider>, CloudError> {
        let mut account = self.locked();
        account.count("observe-provider");
        Ok(match account.providers.get(issuer.host_and_path()) {
            Some(provider) => Observation::Present(provider.clone()),
            None => Observation::Absent,
        })
    }

    async fn apply_provider(&self, issuer: &IssuerUrl, step: &ProviderStep) -> Result<(), CloudError> {
        let mut account = self.locked();
        account.count(step.name());
        match step {
            ProviderStep::Create { audience } => account.create_provider(issuer, audience, &self.installation),
            ProviderStep::AddAudience { audience } => account.add_audience(issuer, audience),
            ProviderStep::RemoveAudience { audience } => account.remove_audience(issuer, audience),
        }
    }

    async fn observe_cluster(&self) -> Result<Observation<Cluster>, CloudError> {
        let mut account = self.locked();
        account.count("observe-cluster");
        let cluster = self.cluster.as_ref().filter(|cluster| account.clusters.contains_key(cluster));
        Ok(cluster.map_or(Observation::Absent, |cluster| Observation::Present(Cluster { arn: cluster.to_string() })))
    }

    async fn observe_association(&self, pods: &PodsOf) -> Result<Observation<Association>, CloudError> {
        let mut account = self.locked();
        account.count("observe-association");
        let found = account.read_association(self.cluster.as_ref(), pods);
        Ok(found.map_or(Observation::Absent, Observation::Present))
    }

    async fn apply_association(&self, step: &AssociationStep) -> Result<(), CloudError> {
        let mut account = self.locked();
        account.count(step.name());
        account.take_association_step(self.cluster.as_ref(), step)
    }

    async fn sweep_associations(&self, from: Option<&PageToken>) -> Result<AssociationPage, CloudError> {
        let mut account = self.locked();
        account.count("sweep-associations");
        let from = from.map(|token| token.0.as_str());
        let (associations, next) = account.association_page(self.cluster.as_ref(), from);
        Ok(AssociationPage { associations, next: next.map(PageToken) })
    }

    async fn observe_boundary(&self, boundary: &BoundaryArn) -> Result<Observation<Reading>, CloudError> {
        let mut account = self.locked();
        account.count("observe-boundary");
        let text = account.boundaries.get(boundary.as_str());
        Ok(text.map_or(Observation::Absent, |text| Observation::Present(reading(&Ok(text.clone())))))
    }

    async fn usage(&self) -> Result<Usage, CloudError> {
        let mut account = self.locked();
        account.count("usage");
        let roles = u32::try_from(account.roles().count()).ok();
        Ok(Usage { roles, roles_quota: Some(account.roles_quota) })
    }

    async fn account(&self) -> Result<String, CloudError> {
        let mut account = self.locked();
        account.count("account");
        Ok(account.id.to_string())
    }

    fn backlog(&self) -> Duration {
        self.locked().backlog
    }

    fn events(&self) -> Option<Arc<dyn EventQueue>> {
        let queue = self.queue.clone()?;
        Some(Arc::new(queue))
    }
}

#[cfg(test)]
mod tests;
