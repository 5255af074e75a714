//! Failing on purpose, at the k-th call, to show that every moment can be survived.

use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{AssociationPage, Cloud, CloudError, Depth, ErrorKind, EventQueue, Page, PageToken};
use crate::domain::{
    AccessKey, Association, AssociationStep, Cluster, Credentials, KeyStep, LastUse, NewAccessKey, Observation,
    Observed, PodsOf, Provider, ProviderStep, Reading, SessionSeconds, Step, StepDone, Usage, WebToken,
};
use crate::names::{AccessKeyId, BoundaryArn, IssuerUrl, PrincipalName};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and had no effect.
    ErrorBefore(ErrorKind),
    /// It had its effect and the reply was lost.
    ErrorAfter(ErrorKind),
    /// It never went out and never ends: the process is killed before it.
    HangBefore,
    /// It had its effect and never ends: the process is killed after it.
    HangAfter,
}

/// Counts the calls of all the ports that share it, and says which of them fail.
///
/// Clones are the same plan, so that calls to a cloud and to a cluster stand in
/// one row and "the k-th call" means the k-th of both.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    faults: Vec<(Range<usize>, Fault)>,
    named: Vec<(&'static str, Fault)>,
    calls: Mutex<Vec<&'static str>>,
    hung: Notify,
}

impl FaultPlan {
    /// Nothing fails; calls are only counted.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The call with this number fails; the first has number 0.
    #[must_use]
    pub fn at(call: usize, fault: Fault) -> Self {
        Self::during(call..call + 1, fault)
    }

    /// All calls with these numbers fail.
    #[must_use]
    pub fn during(calls: Range<usize>, fault: Fault) -> Self {
        Self(Arc::new(Shared { faults: vec![(calls, fault)], ..Shared::default() }))
    }

    /// All calls of these names fail.
    #[must_use]
    pub fn of(calls: &[&'static str], fault: Fault) -> Self {
        let named = calls.iter().map(|call| (*call, fault)).collect();
        Self(Arc::new(Shared { named, ..Shared::default() }))
    }

    /// The names of all calls so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a call hangs: the moment to kill whatever made it.
    pub async fn hung(&self) {
        self.0.hung.notified().await;
    }

    /// Carries out a call as the plan has it. `fail` makes the port's own error.
    pub async fn around<T, E>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, E>>,
        fail: impl FnOnce(ErrorKind) -> E,
    ) -> Result<T, E> {
        match self.next(call) {
            None => work.await,
            Some(Fault::ErrorBefore(kind)) => Err(fail(kind)),
            Some(Fault::ErrorAfter(kind)) => work.await.and_then(|_| Err(fail(kind))),
            Some(Fault::HangBefore) => self.hang().await,
            Some(Fault::HangAfter) => {
                drop(work.await);
                self.hang().await
            }
        }
    }

    fn next(&self, call: &'static str) -> Option<Fault> {
        let mut calls = self.0.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let number = calls.len();
        calls.push(call);
        let by_number = self.0.faults.iter().find(|(numbers, _)| numbers.contains(&number)).map(|(_, fault)| *fault);
        by_number.or_else(|| self.0.named.iter().find(|(name, _)| *name == call).map(|(_, fault)| *fault))
    }

    async fn hang<T>(&self) -> T {
        self.0.hung.notify_one();
        std::future::pending().await
    }
}

/// A cloud whose calls go as a [`FaultPlan`] has it.
#[derive(Debug, Clone)]
pub struct Faulty<C> {
    inner: C,
    plan: FaultPlan,
}

impl<C: Cloud> Faulty<C> {
    /// Puts a cloud under a plan.
    #[must_use]
    pub fn new(inner: C, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    async fn around<T>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        self.plan.around(call, work, |kind| CloudError::injected(call, kind)).await
    }
}

#[async_trait]
impl<C: Cloud> Cloud for Faulty<C> {
    async fn observe(&self, name: &PrincipalName, depth: Depth) -> Result<Observation<Observed>, CloudError> {
        self.around("observe", self.inner.observe(name, depth)).await
    }

    async fn apply(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
        self.around(step.name(), self.inner.apply(name, step)).await
    }

    async fn access_keys(&self, user: &PrincipalName) -> Result<Vec<AccessKey>, CloudError> {
        self.around("access-keys", self.inner.access_keys(user)).await
    }

    async fn last_use(&self, key: &AccessKeyId) -> Result<LastUse, CloudError> {
        self.around("last-use", self.inner.last_use(key)).await
    }

    async fn create_access_key(&self, user: &PrincipalName) -> Result<NewAccessKey, CloudError> {
        self.around("create-access-key", self.inner.create_access_key(user)).await
    }

    async fn change_access_key(&self, user: &PrincipalName, step: &KeyStep) -> Result<(), CloudError> {
        self.around(step.name(), self.inner.change_access_key(user, step)).await
    }

    async fn prove(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        self.around("prove", self.inner.prove(name, token)).await
    }

    async fn credentials(
        &self,
        name: &PrincipalName,
        token: &WebToken,
        session: SessionSeconds,
    ) -> Result<Credentials, CloudError> {
        self.around("credentials", self.inner.credentials(name, token, session)).await
    }

    async fn sweep(&self, from: Option<&PageToken>) -> Result<Page, CloudError> {
        self.around("sweep", self.inner.sweep(from)).await
    }

    async fn observe_provider(&self, issuer: &IssuerUrl) -> Result<Observation<Provider>, CloudError> {
        self.around("observe-provider", self.inner.observe_provider(issuer)).await
    }

    async fn apply_provider(&self, issuer: &IssuerUrl, step: &ProviderStep) -> Result<(), CloudError> {
        self.around(step.name(), self.inner.apply_provider(issuer, step)).await
    }

    async fn observe_cluster(&self) -> Result<Observation<Cluster>, CloudError> {
        self.around("observe-cluster", self.inner.observe_cluster()).await
    }

    async fn observe_association(&self, pods: &PodsOf) -> Result<Observation<Association>, CloudError> {
        self.around("observe-association", self.inner.observe_association(pods)).await
    }

    async fn apply_association(&self, step: &AssociationStep) -> Result<(), CloudError> {
        self.around(step.name(), self.inner.apply_association(step)).await
    }

    async fn sweep_associations(&self, from: Option<&PageToken>) -> Result<AssociationPage, CloudError> {
        self.around("sweep-associations", self.inner.sweep_associations(from)).await
    }

    async fn observe_boundary(&self, boundary: &BoundaryArn) -> Result<Observation<Reading>, CloudError> {
        self.around("observe-boundary", self.inner.observe_boundary(boundary)).await
    }

    async fn usage(&self) -> Result<Usage, CloudError> {
        self.around("usage", self.inner.usage()).await
    }

    async fn account(&self) -> Result<String, CloudError> {
        self.around("account", self.inner.account()).await
    }

    fn backlog(&self) -> Duration {
        self.inner.backlog()
    }

    fn events(&self) -> Option<Arc<dyn EventQueue>> {
        self.inner.events()
    }
}

#[cfg(test)]
#[path = "faulty_tests.rs"]
mod tests;
