//! The port: everything that Ambit asks of a cloud account.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{CloudError, EventQueue};
use crate::domain::{
    AccessKey, Association, AssociationStep, Cluster, Credentials, KeyStep, LastUse, Listed, NewAccessKey, Observation,
    Observed, PodsOf, Provider, ProviderStep, Reading, SessionSeconds, Step, StepDone, Swept, Usage, WebToken,
};
use crate::names::{AccessKeyId, BoundaryArn, IssuerUrl, PrincipalName};

/// How much to read of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only what Ambit itself writes: right after it was written.
    Own,
    /// Foreign policies as well.
    Full,
}

/// Where the next page of a sweep begins. Opaque to all but the adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(pub String);

/// One page of a sweep. Only a sweep that reached a page without `next` has
/// seen everything; a partial one says nothing about what it did not list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// All roles of the account, those of others too; users as well where Ambit makes them.
    pub principals: Vec<Swept>,
    /// Where to go on.
    pub next: Option<PageToken>,
}

/// One page of all associations of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationPage {
    /// Those of others too.
    pub associations: Vec<Listed>,
    /// Where to go on.
    pub next: Option<PageToken>,
}

/// One account of one cloud, as seen by one installation.
///
/// Every method bounds its own time. A step may be repeated at will: see
/// [`Step`]. Errors carry their kind, and nobody looks deeper than that.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Reads a principal.
    async fn observe(&self, name: &PrincipalName, depth: Depth) -> Result<Observation<Observed>, CloudError>;

    /// Takes one step on a principal with exactly one call.
    ///
    /// Whether it is taken on a role or on a user stands in the name. `Create` answers `Conflict`
    /// when the name is taken; a removal of what is not there is done. A step that only the other
    /// kind knows is `Invalid`. Of a principal that is not there at all, a cloud may
    /// say `Denied` instead, because nothing shows any more whose it was: only
    /// `observe` tells that it is gone.
    async fn apply(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError>;

    /// All access keys of a user. A user that is not there has none; of it, too, a cloud may say `Denied`.
    async fn access_keys(&self, user: &PrincipalName) -> Result<Vec<AccessKey>, CloudError>;

    /// When a key was used last.
    async fn last_use(&self, key: &AccessKeyId) -> Result<LastUse, CloudError>;

    /// Makes an access key. Its secret is in this one reply, and nowhere else: where the reply is
    /// lost, or is of no use, there is a key that nobody has.
    ///
    /// `LimitExceeded` where the user has as many as it may, `NotFound` where there is no such user.
    async fn create_access_key(&self, user: &PrincipalName) -> Result<NewAccessKey, CloudError>;

    /// Takes one step on an access key with exactly one call.
    ///
    /// `NotFound` where a key that is to be activated or deactivated is not there.
    async fn change_access_key(&self, user: &PrincipalName, step: &KeyStep) -> Result<(), CloudError>;

    /// Proves that a token's holder can become the principal, and drops what it got.
    async fn prove(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError>;

    /// Credentials of the principal for a token's holder, good for so long. Each call
    /// hands out new ones; those that were handed out before stay good until they run out.
    async fn credentials(
        &self,
        name: &PrincipalName,
        token: &WebToken,
        session: SessionSeconds,
    ) -> Result<Credentials, CloudError>;

    /// One page of all principals of the account.
    async fn sweep(&self, from: Option<&PageToken>) -> Result<Page, CloudError>;

    /// Reads the provider registered for an issuer.
    async fn observe_provider(&self, issuer: &IssuerUrl) -> Result<Observation<Provider>, CloudError>;

    /// Takes one step on the provider of an issuer with exactly one call.
    async fn apply_provider(&self, issuer: &IssuerUrl, step: &ProviderStep) -> Result<(), CloudError>;

    /// Reads the cluster by whose associations the account hands principals to pods. Absent too
    /// where the account names none.
    async fn observe_cluster(&self) -> Result<Observation<Cluster>, CloudError>;

    /// Reads the association of a service account's pods. Of a cluster that is not there, none is.
    async fn observe_association(&self, pods: &PodsOf) -> Result<Observation<Association>, CloudError>;

    /// Takes one step on an association with exactly one call.
    ///
    /// `NotFound` where the cluster, the association or the principal is not there, or not yet.
    async fn apply_association(&self, step: &AssociationStep) -> Result<(), CloudError>;

    /// One page of all associations of the cluster.
    async fn sweep_associations(&self, from: Option<&PageToken>) -> Result<AssociationPage, CloudError>;

    /// Reads the boundary: what it says now. One whose text Ambit may not read is
    /// there and unreadable.
    async fn observe_boundary(&self, boundary: &BoundaryArn) -> Result<Observation<Reading>, CloudError>;

    /// What the account counts of itself.
    async fn usage(&self) -> Result<Usage, CloudError>;

    /// The account that the credentials belong to.
    async fn account(&self) -> Result<String, CloudError>;

    /// How long a call would wait that came now, because others came before it.
    fn backlog(&self) -> Duration {
        Duration::ZERO
    }

    /// The queue in which the account tells what is done to it, where it has one. Its calls are
    /// paced with all others.
    fn events(&self) -> Option<Arc<dyn EventQueue>> {
        None
    }
}
