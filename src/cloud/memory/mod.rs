//! An account in memory, for tests that are quick and must see everything.
//!
//! It keeps the rules of IAM that Ambit relies on: one role of a name in the
//! account whatever its path and case, no deletion while policies remain,
//! boundaries that must exist, quotas, unique ids, tokens checked against the
//! provider and the trust document. It has no authorisation of its own: the
//! caller may do anything, so that a test sees every wrong write instead of a
//! refusal.

mod account;
mod hand;
mod role;
mod trust;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::account::Account;
use super::{Cloud, CloudError, Depth, Page, PageToken, Swept};
use crate::domain::{Observation, Observed, Provider, ProviderStep, Step, StepDone, WebToken};
use crate::names::{AccountId, BoundaryArn, InstallationId, IssuerUrl, PrincipalName, RolePath};

pub use self::role::MemoryRole;

/// One installation's view of an account in memory. Clones see the same account.
#[derive(Debug, Clone)]
pub struct MemoryCloud {
    account: Arc<Mutex<Account>>,
    path: RolePath,
    installation: InstallationId,
}

impl MemoryCloud {
    /// An empty account, seen by the installation whose roles lie on `path`.
    #[must_use]
    pub fn new(account: AccountId, path: RolePath, installation: InstallationId) -> Self {
        Self { account: Arc::new(Mutex::new(Account::new(account))), path, installation }
    }

    /// The same account as another installation sees it.
    #[must_use]
    pub fn seen_by(&self, path: RolePath, installation: InstallationId) -> Self {
        Self { account: Arc::clone(&self.account), path, installation }
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
        Ok(match account.read(name.as_str()) {
            Some(role) => Observation::Present(role.observed(self.path.as_str(), depth)),
            None => Observation::Absent,
        })
    }

    async fn apply(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
        let mut account = self.locked();
        account.count(step.name());
        match step {
            Step::Create(birth) => account.create(name.as_str(), self.path.as_str(), birth),
            Step::Delete => account.delete(name.as_str()).map(|()| StepDone::Done),
            step => account.change(name.as_str(), step).map(|()| StepDone::Done),
        }
    }

    async fn prove(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        let mut account = self.locked();
        account.count("prove");
        account.prove(name.as_str(), self.path.as_str(), token)
    }

    async fn sweep(&self, from: Option<&PageToken>) -> Result<Page, CloudError> {
        let mut account = self.locked();
        account.count("sweep");
        let (roles, next) = account.page(from.map(|token| token.0.as_str()));
        let ours = roles.into_iter().filter(|role| role.path == self.path.as_str());
        let principals = ours
            .map(|role| {
                // As IAM does: its bulk read does not tell the longest session.
                let observed = Observed { session: None, ..role.observed(self.path.as_str(), Depth::Full) };
                Swept { observed, name: role.name }
            })
            .collect();
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
        match step {
            ProviderStep::Create { audience } => {
                account.count("create-provider");
                account.create_provider(issuer, audience, &self.installation)
            }
            ProviderStep::AddAudience { audience } => {
                account.count("add-audience");
                account.add_audience(issuer, audience)
            }
        }
    }

    async fn observe_boundary(&self, boundary: &BoundaryArn) -> Result<Observation<()>, CloudError> {
        let mut account = self.locked();
        account.count("observe-boundary");
        let exists = account.boundaries.contains(boundary.as_str());
        Ok(if exists { Observation::Present(()) } else { Observation::Absent })
    }

    async fn account(&self) -> Result<String, CloudError> {
        let mut account = self.locked();
        account.count("account");
        Ok(account.id.to_string())
    }
}

#[cfg(test)]
mod tests;
