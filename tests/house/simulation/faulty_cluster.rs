//! A cluster whose calls go as a fault plan has it: the same plan as the
//! cloud's, so that all calls stand in one row.

use std::sync::Arc;

use ambit::api::v1alpha1::{CloudAccount, CloudAccountStatus, MachineIdentity, MachineIdentityStatus};
use ambit::cloud::{ErrorKind, FaultPlan};
use ambit::cluster::{
    AccountReporter, Announcement, BindingEntry, Cluster, ClusterError, ClusterErrorKind, Incarnation,
    ServiceAccountSeen, Sign, Way,
};
use ambit::domain::annotation::Annotations;
use ambit::domain::{SecretSeen, SecretVersion, SecretWrite, WebToken};
use ambit::names::IdentityKey;
use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use super::gate::Gate;

/// A cluster under a plan.
pub struct FaultyCluster<C> {
    inner: C,
    plan: FaultPlan,
    gate: Gate,
    watch: Arc<dyn Fn() + Send + Sync>,
}

impl<C: Cluster> FaultyCluster<C> {
    /// Puts a cluster under a plan, behind a gate.
    pub fn new(inner: C, plan: FaultPlan, gate: Gate) -> Self {
        Self { inner, plan, gate, watch: Arc::new(|| {}) }
    }

    /// Has something looked at before and after every call.
    pub fn watched(self, watch: impl Fn() + Send + Sync + 'static) -> Self {
        Self { watch: Arc::new(watch), ..self }
    }

    async fn around<T>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, ClusterError>>,
    ) -> Result<T, ClusterError> {
        let fail = |kind| ClusterError { kind: as_cluster(kind), operation: call, message: "on purpose".to_owned() };
        self.gate.pass().await;
        (self.watch)();
        let done = self.plan.around(call, work, fail).await;
        (self.watch)();
        done
    }
}

/// The nearest that an API server can answer.
fn as_cluster(kind: ErrorKind) -> ClusterErrorKind {
    match kind {
        ErrorKind::NotFound => ClusterErrorKind::NotFound,
        ErrorKind::Conflict => ClusterErrorKind::Conflict,
        ErrorKind::Denied => ClusterErrorKind::Denied,
        ErrorKind::Invalid | ErrorKind::LimitExceeded => ClusterErrorKind::Invalid,
        ErrorKind::Throttled | ErrorKind::Transient => ClusterErrorKind::Transient,
    }
}

#[async_trait]
impl<C: Cluster> Cluster for FaultyCluster<C> {
    async fn live(&self, key: &IdentityKey) -> Result<Option<MachineIdentity>, ClusterError> {
        self.around("live", self.inner.live(key)).await
    }

    async fn hold(&self, identity: &Incarnation) -> Result<(), ClusterError> {
        self.around("hold", self.inner.hold(identity)).await
    }

    async fn release(&self, identity: &Incarnation) -> Result<(), ClusterError> {
        self.around("release", self.inner.release(identity)).await
    }

    async fn ensure_service_account(&self, namespace: &str, name: &str) -> Result<(), ClusterError> {
        self.around("ensure-service-account", self.inner.ensure_service_account(namespace, name)).await
    }

    async fn service_account(&self, namespace: &str, name: &str) -> Result<Option<ServiceAccountSeen>, ClusterError> {
        self.around("service-account", self.inner.service_account(namespace, name)).await
    }

    async fn annotate(
        &self,
        namespace: &str,
        name: &str,
        seen: &ServiceAccountSeen,
        annotations: &Annotations,
    ) -> Result<(), ClusterError> {
        self.around("annotate", self.inner.annotate(namespace, name, seen, annotations)).await
    }

    async fn way(&self, namespace: &str, service_account: &str) -> Result<Way, ClusterError> {
        self.around("way", self.inner.way(namespace, service_account)).await
    }

    async fn token(&self, namespace: &str, service_account: &str, audience: &str) -> Result<WebToken, ClusterError> {
        self.around("token", self.inner.token(namespace, service_account, audience)).await
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<SecretSeen>, ClusterError> {
        self.around("secret", self.inner.secret(namespace, name)).await
    }

    async fn write_secret(
        &self,
        identity: &Incarnation,
        name: &str,
        version: Option<&SecretVersion>,
        written: &SecretWrite,
    ) -> Result<(), ClusterError> {
        self.around("write-secret", self.inner.write_secret(identity, name, version, written)).await
    }

    async fn delete_secret(&self, namespace: &str, name: &str, version: &SecretVersion) -> Result<(), ClusterError> {
        self.around("delete-secret", self.inner.delete_secret(namespace, name, version)).await
    }

    async fn reserve(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError> {
        self.around("reserve", self.inner.reserve(namespace, entry)).await
    }

    async fn bind(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError> {
        self.around("bind", self.inner.bind(namespace, entry)).await
    }

    async fn unbind(&self, namespace: &str, identity: &str) -> Result<(), ClusterError> {
        self.around("unbind", self.inner.unbind(namespace, identity)).await
    }

    async fn pods_without(&self, namespace: &str, account: &str, sign: Sign<'_>) -> Result<usize, ClusterError> {
        self.around("pods-without", self.inner.pods_without(namespace, account, sign)).await
    }

    async fn pods(&self, namespace: &str) -> Result<Vec<Pod>, ClusterError> {
        self.around("pods", self.inner.pods(namespace)).await
    }

    async fn write_status_at(
        &self,
        identity: &Incarnation,
        version: &str,
        status: &MachineIdentityStatus,
    ) -> Result<(), ClusterError> {
        self.around("write-status-at", self.inner.write_status_at(identity, version, status)).await
    }

    async fn write_status(&self, identity: &Incarnation, status: &MachineIdentityStatus) -> Result<(), ClusterError> {
        self.around("write-status", self.inner.write_status(identity, status)).await
    }

    async fn announce(&self, identity: &Incarnation, announcement: &Announcement) {
        let work = async {
            self.inner.announce(identity, announcement).await;
            Ok(())
        };
        // Telling people cannot fail; it can only be cut off.
        let _: Result<(), ClusterError> = self.around("announce", work).await;
    }
}

#[async_trait]
impl<C: AccountReporter + Cluster> AccountReporter for FaultyCluster<C> {
    async fn live_account(&self, name: &str) -> Result<Option<CloudAccount>, ClusterError> {
        self.around("live-account", self.inner.live_account(name)).await
    }

    async fn report_account(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError> {
        self.around("report-account", self.inner.report_account(account, status)).await
    }

    async fn write_removals(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError> {
        self.around("write-removals", self.inner.write_removals(account, status)).await
    }

    async fn announce_account(&self, account: &CloudAccount, announcement: &Announcement) {
        let work = async {
            self.inner.announce_account(account, announcement).await;
            Ok(())
        };
        let _: Result<(), ClusterError> = self.around("announce-account", work).await;
    }
}
