//! The port: everything that reconciling an identity asks of the API server.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use super::ClusterError;
use super::events::Announcement;
use crate::api::v1alpha1::{Binding, CloudAccount, CloudAccountStatus, MachineIdentity, MachineIdentityStatus};
use crate::domain::annotation::Annotations;
use crate::domain::{SecretSeen, SecretVersion, SecretWrite, WebToken};
use crate::names::IdentityKey;

/// One incarnation of an object: a name alone would also mean its successor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation {
    /// Namespace and name.
    pub key: IdentityKey,
    /// The UID.
    pub uid: String,
}

/// One line of a namespace's binding table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingEntry {
    /// The service account.
    pub service_account: String,
    /// What its pods get.
    pub binding: Binding,
}

/// A service account as it was read, and what it says to the webhook of EKS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountSeen {
    /// Its UID.
    pub uid: String,
    /// Its version: it is annotated only as it was read.
    pub version: String,
    /// Its annotations for the webhook, and the mark of who wrote them.
    pub annotations: Annotations,
}

/// By what a pod is seen to have an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign<'a> {
    /// The identity that Ambit's own injection leaves in an annotation; absent where that says nothing.
    pub identity: Option<&'a str>,
    /// The variable in a container's environment, whoever put it there.
    pub variable: &'a str,
    /// What the variable says; absent where any value will do.
    pub value: Option<&'a str>,
}

/// What leads from the pods of a service account to a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The service account, if it is there.
    pub service_account: Option<ServiceAccountSeen>,
    /// Its line in the namespace's binding table.
    pub entry: Option<Binding>,
}

/// What the reconciliation of an identity asks of the API server.
///
/// Every write names an [`Incarnation`] or is harmless for its successor; every
/// method bounds its own time and may be repeated at will.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// The object as the API server has it now, not as a cache has it.
    async fn live(&self, key: &IdentityKey) -> Result<Option<MachineIdentity>, ClusterError>;

    /// Keeps the object from vanishing until its principal is gone.
    async fn hold(&self, identity: &Incarnation) -> Result<(), ClusterError>;

    /// Lets the object go. Done if it is gone already.
    async fn release(&self, identity: &Incarnation) -> Result<(), ClusterError>;

    /// Makes the service account if it is not there. One that is there is used
    /// as it is.
    async fn ensure_service_account(&self, namespace: &str, name: &str) -> Result<(), ClusterError>;

    /// The service account as the API server has it now.
    async fn service_account(&self, namespace: &str, name: &str) -> Result<Option<ServiceAccountSeen>, ClusterError>;

    /// Makes these the annotations that Ambit has on a service account, and takes away those that
    /// it had before and nobody has changed since. `seen` must be as it was read: `Conflict` when
    /// anybody changed it since.
    async fn annotate(
        &self,
        namespace: &str,
        name: &str,
        seen: &ServiceAccountSeen,
        annotations: &Annotations,
    ) -> Result<(), ClusterError>;

    /// What leads from the pods of a service account to a principal now.
    async fn way(&self, namespace: &str, service_account: &str) -> Result<Way, ClusterError>;

    /// A token of the service account, good for ten minutes.
    async fn token(&self, namespace: &str, service_account: &str, audience: &str) -> Result<WebToken, ClusterError>;

    /// A Secret by its metadata. Its data is never read.
    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<SecretSeen>, ClusterError>;

    /// Writes a Secret that says that it is the identity's: a new one, or else this very version
    /// of one. `Conflict` where something else is there by now, `NotFound` where it is gone.
    async fn write_secret(
        &self,
        identity: &Incarnation,
        name: &str,
        version: Option<&SecretVersion>,
        written: &SecretWrite,
    ) -> Result<(), ClusterError>;

    /// The pods of a namespace that have not ended, as they are now.
    async fn pods(&self, namespace: &str) -> Result<Vec<Pod>, ClusterError>;

    /// Deletes this very version of a Secret. Done if it is gone; `Conflict` where another version is there.
    async fn delete_secret(&self, namespace: &str, name: &str, version: &SecretVersion) -> Result<(), ClusterError>;

    /// Puts an entry into the namespace's table unless the identity has one for
    /// this service account already. What else it has is removed.
    async fn reserve(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError>;

    /// Puts an entry into the namespace's table, and removes entries of the
    /// same identity for other service accounts. Writes only what differs.
    async fn bind(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError>;

    /// Removes the entries of an identity from the namespace's table.
    async fn unbind(&self, namespace: &str, identity: &str) -> Result<(), ClusterError>;

    /// How many pods of a service account run without the identity, because they
    /// were created before it.
    async fn pods_without(&self, namespace: &str, service_account: &str, sign: Sign<'_>)
    -> Result<usize, ClusterError>;

    /// Writes the status. `NotFound` when the incarnation is gone.
    async fn write_status(&self, identity: &Incarnation, status: &MachineIdentityStatus) -> Result<(), ClusterError>;

    /// Writes the status of an object that is as it was read in this version. `Conflict` when anybody
    /// changed it since, `NotFound` when the incarnation is gone.
    async fn write_status_at(
        &self,
        identity: &Incarnation,
        version: &str,
        status: &MachineIdentityStatus,
    ) -> Result<(), ClusterError>;

    /// Tells people. Failing to tell never fails anything else.
    async fn announce(&self, identity: &Incarnation, announcement: &Announcement);
}

/// Writes what is known of an account.
#[async_trait]
pub trait AccountReporter: Send + Sync {
    /// The account as the API server has it now, not as a cache has it.
    async fn live_account(&self, name: &str) -> Result<Option<CloudAccount>, ClusterError>;

    /// Writes the status of an account, all but its removals. Done if the incarnation is gone.
    async fn report_account(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError>;

    /// Writes down the removals of an account, and nothing else. `account` must be
    /// as it was read: `Conflict` when anybody changed it since, `NotFound` when the
    /// incarnation is gone.
    async fn write_removals(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError>;

    /// Tells people. Failing to tell never fails anything else.
    async fn announce_account(&self, account: &CloudAccount, announcement: &Announcement);
}
