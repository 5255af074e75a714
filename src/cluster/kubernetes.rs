//! The port over a real API server.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::ObjectMeta;
use kube::{Api, Client, ResourceExt as _};
use serde::Serialize;

use super::error::{ClusterError, ClusterErrorKind};
use super::events::{Announcement, Recorder};
use super::pods;
use super::port::{AccountReporter, BindingEntry, Cluster, Incarnation, ServiceAccountSeen, Sign, Way};
use super::secrets;
use super::service_accounts;
use super::tables::{Change, Tables};
use crate::api::v1alpha1::{
    BindingTable, CloudAccount, CloudAccountStatus, FINALIZER, MachineIdentity, MachineIdentityStatus, TABLE_NAME,
};
use crate::domain::annotation::Annotations;
use crate::domain::{SecretSeen, SecretVersion, SecretWrite, WebToken};
use crate::names::IdentityKey;

/// The longest that one request may take: the client library has no limit of its own.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a probe's token lives: the shortest that the API server gives out,
/// and the longest that the admission policy lets the operator ask for.
const TOKEN_SECONDS: i64 = 600;

/// The API server.
#[derive(Clone)]
pub struct KubernetesCluster {
    client: Client,
    recorder: Recorder,
    tables: Tables,
}

/// The fields that one field manager owns, and nothing else.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Partial<'a, S> {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a S>,
}

impl Partial<'_, MachineIdentityStatus> {
    /// The UID makes the API server refuse the patch for any other incarnation.
    fn of(identity: &Incarnation) -> Self {
        let metadata = ObjectMeta {
            name: Some(identity.key.name.clone()),
            namespace: Some(identity.key.namespace.clone()),
            uid: Some(identity.uid.clone()),
            ..ObjectMeta::default()
        };
        Self { api_version: "ambit.dev/v1alpha1", kind: "MachineIdentity", metadata, status: None }
    }
}

impl KubernetesCluster {
    /// Speaks through a client, and through the batching writer of binding tables.
    #[must_use]
    pub fn new(client: Client, recorder: Recorder) -> Self {
        let tables = Tables::new(client.clone());
        Self { client, recorder, tables }
    }

    fn identities(&self, namespace: &str) -> Api<MachineIdentity> {
        Api::namespaced(self.client.clone(), namespace)
    }

    fn service_accounts(&self, namespace: &str) -> Api<ServiceAccount> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// Bounds a request in time and sorts its error.
pub(super) async fn bounded<T>(
    operation: &'static str,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, ClusterError> {
    match tokio::time::timeout(TIMEOUT, request).await {
        Ok(answer) => answer.map_err(|error| ClusterError::new(operation, &error)),
        Err(_) => Err(ClusterError {
            kind: ClusterErrorKind::Transient,
            operation,
            message: format!("the API server did not answer within {} s", TIMEOUT.as_secs()),
        }),
    }
}

#[async_trait]
impl Cluster for KubernetesCluster {
    async fn live(&self, key: &IdentityKey) -> Result<Option<MachineIdentity>, ClusterError> {
        bounded("get machineidentity", self.identities(&key.namespace).get_opt(&key.name)).await
    }

    async fn hold(&self, identity: &Incarnation) -> Result<(), ClusterError> {
        let mut partial = Partial::of(identity);
        partial.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
        let api = self.identities(&identity.key.namespace);
        // Forced: the finalizer is Ambit's own, whoever else may have written it down.
        let parameters = PatchParams::apply("ambit-finalizer").force();
        let patch = Patch::Apply(&partial);
        bounded("patch finalizers", api.patch_metadata(&identity.key.name, &parameters, &patch)).await.map(drop)
    }

    async fn release(&self, identity: &Incarnation) -> Result<(), ClusterError> {
        let api = self.identities(&identity.key.namespace);
        let found = bounded("get machineidentity", api.get_metadata_opt(&identity.key.name)).await?;
        // Gone, or there is another incarnation under its name: either way it was let go.
        let Some(found) = found.filter(|found| found.uid().as_deref() == Some(&identity.uid)) else { return Ok(()) };
        // The whole list is replaced, not only what Ambit's field manager owns: the
        // finalizer may have come with a backup, written down by somebody else. The
        // resource version keeps those of others as they are.
        let mut partial = Partial::of(identity);
        partial.metadata.resource_version = found.resource_version();
        partial.metadata.finalizers =
            Some(found.finalizers().iter().filter(|name| *name != FINALIZER).cloned().collect());
        let patch = Patch::Merge(&partial);
        let parameters = PatchParams::default();
        match bounded("patch finalizers", api.patch_metadata(&identity.key.name, &parameters, &patch)).await {
            Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    async fn ensure_service_account(&self, namespace: &str, name: &str) -> Result<(), ClusterError> {
        service_accounts::ensure(&self.service_accounts(namespace), name).await
    }

    async fn service_account(&self, namespace: &str, name: &str) -> Result<Option<ServiceAccountSeen>, ClusterError> {
        service_accounts::seen(&self.service_accounts(namespace), name).await
    }

    async fn annotate(
        &self,
        namespace: &str,
        name: &str,
        seen: &ServiceAccountSeen,
        annotations: &Annotations,
    ) -> Result<(), ClusterError> {
        service_accounts::annotate(&self.service_accounts(namespace), name, seen, annotations).await
    }

    async fn way(&self, namespace: &str, service_account: &str) -> Result<Way, ClusterError> {
        let found = self.service_account(namespace, service_account).await?;
        let tables: Api<BindingTable> = Api::namespaced(self.client.clone(), namespace);
        let table = bounded("get bindingtable", tables.get_opt(TABLE_NAME)).await?;
        let entry = table.and_then(|mut table| table.spec.service_accounts.remove(service_account));
        Ok(Way { service_account: found, entry })
    }

    async fn token(&self, namespace: &str, service_account: &str, audience: &str) -> Result<WebToken, ClusterError> {
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: vec![audience.to_owned()],
                expiration_seconds: Some(TOKEN_SECONDS),
                bound_object_ref: None,
            },
            ..TokenRequest::default()
        };
        let api = self.service_accounts(namespace);
        let parameters = PostParams::default();
        let answer = bounded("create token", api.create_token_request(service_account, &parameters, &request)).await?;
        answer.status.map(|status| WebToken::new(status.token)).ok_or_else(|| ClusterError {
            kind: ClusterErrorKind::Transient,
            operation: "create token",
            message: "the API server answered without a token".into(),
        })
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<SecretSeen>, ClusterError> {
        secrets::look(&self.client, namespace, name).await
    }

    async fn write_secret(
        &self,
        identity: &Incarnation,
        name: &str,
        version: Option<&SecretVersion>,
        written: &SecretWrite,
    ) -> Result<(), ClusterError> {
        secrets::write(&self.client, identity, name, version, written).await
    }

    async fn delete_secret(&self, namespace: &str, name: &str, version: &SecretVersion) -> Result<(), ClusterError> {
        secrets::delete(&self.client, namespace, name, version).await
    }

    async fn reserve(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError> {
        self.tables.submit(namespace, Change::Reserve(entry)).await
    }

    async fn bind(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError> {
        self.tables.submit(namespace, Change::Put(entry)).await
    }

    async fn unbind(&self, namespace: &str, identity: &str) -> Result<(), ClusterError> {
        self.tables.submit(namespace, Change::Remove { identity: identity.to_owned() }).await
    }

    async fn pods_without(
        &self,
        namespace: &str,
        service_account: &str,
        sign: Sign<'_>,
    ) -> Result<usize, ClusterError> {
        pods::without(&Api::namespaced(self.client.clone(), namespace), service_account, sign).await
    }

    async fn pods(&self, namespace: &str) -> Result<Vec<Pod>, ClusterError> {
        pods::running(&Api::namespaced(self.client.clone(), namespace)).await
    }

    async fn write_status(&self, identity: &Incarnation, status: &MachineIdentityStatus) -> Result<(), ClusterError> {
        self.patch_status(identity, None, status).await
    }

    async fn write_status_at(
        &self,
        identity: &Incarnation,
        version: &str,
        status: &MachineIdentityStatus,
    ) -> Result<(), ClusterError> {
        self.patch_status(identity, Some(version.to_owned()), status).await
    }

    async fn announce(&self, identity: &Incarnation, announcement: &Announcement) {
        self.recorder.publish(identity, announcement).await;
    }
}

#[async_trait]
impl AccountReporter for KubernetesCluster {
    async fn live_account(&self, name: &str) -> Result<Option<CloudAccount>, ClusterError> {
        let api: Api<CloudAccount> = Api::all(self.client.clone());
        bounded("get cloudaccount", api.get_opt(name)).await
    }

    async fn report_account(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError> {
        // Forced: nobody but the operator writes status, and another version of it may have.
        match self.patch_account(account, "ambit-status", None, status).await {
            Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    async fn write_removals(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError> {
        // Forced over an older version that wrote all of the status under one name;
        // the resource version keeps two operators from counting past each other.
        self.patch_account(account, "ambit-removals", account.resource_version(), status).await
    }

    async fn announce_account(&self, account: &CloudAccount, announcement: &Announcement) {
        self.recorder.publish_for_account(account, announcement).await;
    }
}

impl KubernetesCluster {
    async fn patch_status(
        &self,
        identity: &Incarnation,
        resource_version: Option<String>,
        status: &MachineIdentityStatus,
    ) -> Result<(), ClusterError> {
        let mut partial = Partial { status: Some(status), ..Partial::of(identity) };
        partial.metadata.resource_version = resource_version;
        let api = self.identities(&identity.key.namespace);
        // Forced: nobody but the operator writes status, and another version of it may have.
        let parameters = PatchParams::apply("ambit-status").force();
        let patch = Patch::Apply(&partial);
        bounded("patch status", api.patch_status(&identity.key.name, &parameters, &patch)).await.map(drop)
    }

    async fn patch_account(
        &self,
        account: &CloudAccount,
        manager: &str,
        resource_version: Option<String>,
        status: &CloudAccountStatus,
    ) -> Result<(), ClusterError> {
        let name = account.name_any();
        let (uid, named) = (account.uid(), Some(name.clone()));
        let metadata = ObjectMeta { name: named, uid, resource_version, ..ObjectMeta::default() };
        let partial =
            Partial { api_version: "ambit.dev/v1alpha1", kind: "CloudAccount", metadata, status: Some(status) };
        let api: Api<CloudAccount> = Api::all(self.client.clone());
        let parameters = PatchParams::apply(manager).force();
        bounded("patch status", api.patch_status(&name, &parameters, &Patch::Apply(&partial))).await.map(drop)
    }
}
