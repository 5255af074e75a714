//! The port in memory, for simulations: one cluster that many tasks share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::core::ObjectMeta;

use super::error::{ClusterError, ClusterErrorKind};
use super::events::Announcement;
use super::memory_accounts::ServiceAccounts;
use super::memory_secrets::{MemorySecret, Secrets};
use super::port::{AccountReporter, BindingEntry, Cluster, Incarnation, ServiceAccountSeen, Sign, Way};
use super::tables::{Change, make};
use crate::api::v1alpha1::{
    BindingTableFields, CloudAccount, CloudAccountStatus, FINALIZER, MachineIdentity, MachineIdentityStatus,
    OrphanStatus,
};
use crate::domain::annotation::Annotations;
use crate::domain::{SecretSeen, SecretVersion, SecretWrite, WebToken};
use crate::names::IdentityKey;

/// What the cluster holds.
#[derive(Debug, Default)]
struct State {
    identities: BTreeMap<IdentityKey, MachineIdentity>,
    service_accounts: ServiceAccounts,
    tables: BTreeMap<String, BindingTableFields>,
    bare_pods: BTreeMap<(String, String), usize>,
    announcements: Vec<Announcement>,
    secrets: Secrets,
    pods: BTreeMap<(String, String), Pod>,
    /// What the API server's clock says.
    clock: Option<fn() -> Timestamp>,
    accounts: BTreeMap<String, CloudAccount>,
    writes: usize,
}

/// A cluster in memory. A clone is the same cluster.
#[derive(Debug, Clone, Default)]
pub struct MemoryCluster {
    state: Arc<Mutex<State>>,
}

impl MemoryCluster {
    /// Stores an object as a user's `apply` would: spec and generation change, the rest stays.
    pub fn put(&self, key: &IdentityKey, mut identity: MachineIdentity) {
        let mut state = self.lock();
        if let Some(old) = state.identities.get(key) {
            identity.metadata.uid.clone_from(&old.metadata.uid);
            identity.metadata.finalizers.clone_from(&old.metadata.finalizers);
            identity.metadata.generation = old.metadata.generation.map(|generation| generation + 1);
            identity.status.clone_from(&old.status);
            identity.metadata.resource_version.clone_from(&old.metadata.resource_version);
        }
        touch(&mut identity.metadata);
        state.identities.insert(key.clone(), identity);
    }

    /// Deletes an object as the API server does: at once, or when its finalizers are gone.
    pub fn delete(&self, key: &IdentityKey) {
        let mut state = self.lock();
        let Some(identity) = state.identities.get_mut(key) else { return };
        if identity.metadata.finalizers.as_ref().is_none_or(Vec::is_empty) {
            state.identities.remove(key);
            return;
        }
        identity.metadata.generation = identity.metadata.generation.map(|generation| generation + 1);
        identity.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
    }

    /// Takes an object away, finalizers or not, as a restore from an old backup does.
    pub fn lose(&self, key: &IdentityKey) {
        self.lock().identities.remove(key);
    }

    /// All objects as they are stored.
    #[must_use]
    pub fn identities(&self) -> Vec<MachineIdentity> {
        self.lock().identities.values().cloned().collect()
    }

    /// Stores an account; one that is there keeps its status.
    pub fn put_account(&self, mut account: CloudAccount) {
        let mut state = self.lock();
        let name = account.metadata.name.clone().unwrap_or_default();
        if let Some(old) = state.accounts.get(&name) {
            account.status.clone_from(&old.status);
        }
        touch(&mut account.metadata);
        state.accounts.insert(name, account);
    }

    /// An account as it is stored.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<CloudAccount> {
        self.lock().accounts.get(name).cloned()
    }

    /// The object as it is stored.
    #[must_use]
    pub fn get(&self, key: &IdentityKey) -> Option<MachineIdentity> {
        self.lock().identities.get(key).cloned()
    }

    /// A namespace's table.
    #[must_use]
    pub fn table(&self, namespace: &str) -> BindingTableFields {
        self.lock().tables.get(namespace).cloned().unwrap_or_default()
    }

    /// Whether a service account exists.
    #[must_use]
    pub fn has_service_account(&self, namespace: &str, name: &str) -> bool {
        self.lock().service_accounts.seen(namespace, name).is_some()
    }

    /// The annotations of a service account, its own and those of others.
    #[must_use]
    pub fn annotations(&self, namespace: &str, name: &str) -> Annotations {
        self.lock().service_accounts.annotations(namespace, name)
    }

    /// Annotates a service account, or takes an annotation away, as a person would. It is made if
    /// it is not there.
    pub fn annotate_by_hand(&self, namespace: &str, name: &str, annotation: &str, value: Option<&str>) {
        self.lock().service_accounts.annotate_by_hand((namespace, name), annotation, value);
    }

    /// So many pods of a service account run without any injection.
    pub fn run_bare_pods(&self, namespace: &str, service_account: &str, count: usize) {
        self.lock().bare_pods.insert((namespace.to_owned(), service_account.to_owned()), count);
    }

    /// From now on the API server notes times by this clock.
    pub fn keep_time(&self, clock: fn() -> Timestamp) {
        self.lock().clock = Some(clock);
    }

    /// A pod is there, or is there in another state.
    pub fn put_pod(&self, namespace: &str, name: &str, pod: Pod) {
        self.lock().pods.insert((namespace.to_owned(), name.to_owned()), pod);
    }

    /// A Secret with all that is in it.
    #[must_use]
    pub fn secret_of(&self, namespace: &str, name: &str) -> Option<MemorySecret> {
        self.lock().secrets.get(namespace, name).cloned()
    }

    /// Stores a Secret as somebody else would: another incarnation, whatever was there.
    pub fn put_secret(&self, namespace: &str, name: &str, secret: MemorySecret) {
        self.lock().secrets.put(namespace, name, secret);
    }

    /// Deletes a Secret by hand.
    pub fn lose_secret(&self, namespace: &str, name: &str) {
        self.lock().secrets.lose(namespace, name);
    }

    /// Changes a value of a Secret by hand.
    pub fn change_secret(&self, namespace: &str, name: &str, key: &str, value: &str) {
        self.lock().secrets.change(namespace, name, key, value);
    }

    /// The names of all Secrets of a namespace.
    #[must_use]
    pub fn secret_names(&self, namespace: &str) -> Vec<String> {
        self.lock().secrets.names(namespace)
    }

    /// What was announced so far.
    #[must_use]
    pub fn announcements(&self) -> Vec<Announcement> {
        self.lock().announcements.clone()
    }

    /// How many writes took effect.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.lock().writes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, namespace: &str, change: &Change) {
        let mut state = self.lock();
        let table = state.tables.entry(namespace.to_owned()).or_default();
        let before = table.clone();
        make(table, change);
        if *table != before {
            state.writes += 1;
        }
    }
}

impl State {
    /// The object, if it is the incarnation that is meant.
    fn incarnation(&mut self, identity: &Incarnation) -> Result<&mut MachineIdentity, ClusterError> {
        self.identities
            .get_mut(&identity.key)
            .filter(|found| found.metadata.uid.as_deref() == Some(&identity.uid))
            .ok_or_else(|| ClusterError {
                kind: ClusterErrorKind::NotFound,
                operation: "patch",
                message: format!("machineidentity `{}` was not found", identity.key),
            })
    }
}

#[async_trait]
impl Cluster for MemoryCluster {
    async fn live(&self, key: &IdentityKey) -> Result<Option<MachineIdentity>, ClusterError> {
        Ok(self.get(key))
    }

    async fn hold(&self, identity: &Incarnation) -> Result<(), ClusterError> {
        let mut state = self.lock();
        let found = state.incarnation(identity)?;
        found.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
        touch(&mut found.metadata);
        state.writes += 1;
        Ok(())
    }

    async fn release(&self, identity: &Incarnation) -> Result<(), ClusterError> {
        let mut state = self.lock();
        let Ok(found) = state.incarnation(identity) else { return Ok(()) };
        found.metadata.finalizers = None;
        if found.metadata.deletion_timestamp.is_some() {
            state.identities.remove(&identity.key);
        }
        state.writes += 1;
        Ok(())
    }

    async fn ensure_service_account(&self, namespace: &str, name: &str) -> Result<(), ClusterError> {
        let mut state = self.lock();
        if state.service_accounts.ensure(namespace, name) {
            state.writes += 1;
        }
        Ok(())
    }

    async fn service_account(&self, namespace: &str, name: &str) -> Result<Option<ServiceAccountSeen>, ClusterError> {
        Ok(self.lock().service_accounts.seen(namespace, name))
    }

    async fn annotate(
        &self,
        namespace: &str,
        name: &str,
        seen: &ServiceAccountSeen,
        annotations: &Annotations,
    ) -> Result<(), ClusterError> {
        let mut state = self.lock();
        if state.service_accounts.annotate((namespace, name), seen, annotations)? {
            state.writes += 1;
        }
        Ok(())
    }

    async fn way(&self, namespace: &str, service_account: &str) -> Result<Way, ClusterError> {
        let state = self.lock();
        let entry = state.tables.get(namespace).and_then(|table| table.service_accounts.get(service_account)).cloned();
        Ok(Way { service_account: state.service_accounts.seen(namespace, service_account), entry })
    }

    /// `subject|audience`, as the in-memory cloud reads it.
    async fn token(&self, namespace: &str, service_account: &str, audience: &str) -> Result<WebToken, ClusterError> {
        if !self.has_service_account(namespace, service_account) {
            return Err(ClusterError {
                kind: ClusterErrorKind::NotFound,
                operation: "create token",
                message: format!("serviceaccount `{service_account}` was not found"),
            });
        }
        Ok(WebToken::new(format!("system:serviceaccount:{namespace}:{service_account}|{audience}")))
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<SecretSeen>, ClusterError> {
        Ok(self.lock().secrets.seen(namespace, name))
    }

    async fn write_secret(
        &self,
        identity: &Incarnation,
        name: &str,
        version: Option<&SecretVersion>,
        written: &SecretWrite,
    ) -> Result<(), ClusterError> {
        let mut state = self.lock();
        let now = state.clock.map(|clock| clock());
        state.secrets.write(identity, name, version, (written, now))?;
        state.writes += 1;
        Ok(())
    }

    async fn delete_secret(&self, namespace: &str, name: &str, version: &SecretVersion) -> Result<(), ClusterError> {
        let mut state = self.lock();
        if state.secrets.delete(namespace, name, version)? {
            state.writes += 1;
        }
        Ok(())
    }

    async fn reserve(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError> {
        self.change(namespace, &Change::Reserve(entry));
        Ok(())
    }

    async fn bind(&self, namespace: &str, entry: BindingEntry) -> Result<(), ClusterError> {
        self.change(namespace, &Change::Put(entry));
        Ok(())
    }

    async fn unbind(&self, namespace: &str, identity: &str) -> Result<(), ClusterError> {
        self.change(namespace, &Change::Remove { identity: identity.to_owned() });
        Ok(())
    }

    async fn pods_without(&self, namespace: &str, account: &str, _sign: Sign<'_>) -> Result<usize, ClusterError> {
        Ok(self.lock().bare_pods.get(&(namespace.to_owned(), account.to_owned())).copied().unwrap_or_default())
    }

    async fn pods(&self, namespace: &str) -> Result<Vec<Pod>, ClusterError> {
        let state = self.lock();
        let found = state.pods.iter().filter(|((found, _), _)| found == namespace);
        Ok(found.map(|(_, pod)| pod.clone()).collect())
    }

    async fn write_status(&self, identity: &Incarnation, status: &MachineIdentityStatus) -> Result<(), ClusterError> {
        let mut state = self.lock();
        let found = state.incarnation(identity)?;
        found.status = Some(status.clone());
        touch(&mut found.metadata);
        state.writes += 1;
        Ok(())
    }

    async fn write_status_at(
        &self,
        identity: &Incarnation,
        version: &str,
        status: &MachineIdentityStatus,
    ) -> Result<(), ClusterError> {
        let found = self.lock().incarnation(identity)?.metadata.resource_version.clone();
        if found.as_deref() != Some(version) {
            return Err(modified("patch status"));
        }
        self.write_status(identity, status).await
    }

    async fn announce(&self, _identity: &Incarnation, announcement: &Announcement) {
        self.lock().announcements.push(announcement.clone());
    }
}

/// Another version of an object.
fn touch(metadata: &mut ObjectMeta) {
    let version: u64 = metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
    metadata.resource_version = Some((version + 1).to_string());
}

fn modified(operation: &'static str) -> ClusterError {
    let message = "the object has been modified".to_owned();
    ClusterError { kind: ClusterErrorKind::Conflict, operation, message }
}

impl State {
    /// The account, if it is the incarnation that is meant.
    fn account(&mut self, account: &CloudAccount) -> Result<&mut CloudAccount, ClusterError> {
        let name = account.metadata.name.clone().unwrap_or_default();
        let found = self.accounts.get_mut(&name).filter(|found| found.metadata.uid == account.metadata.uid);
        found.ok_or_else(|| ClusterError {
            kind: ClusterErrorKind::NotFound,
            operation: "patch",
            message: format!("cloudaccount `{name}` was not found"),
        })
    }
}

#[async_trait]
impl AccountReporter for MemoryCluster {
    async fn live_account(&self, name: &str) -> Result<Option<CloudAccount>, ClusterError> {
        Ok(self.account(name))
    }

    async fn report_account(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError> {
        let mut state = self.lock();
        let Ok(found) = state.account(account) else { return Ok(()) };
        let old = found.status.take().and_then(|status| status.orphans).unwrap_or_default();
        let mut status = status.clone();
        let counted = status.orphans.as_ref().and_then(|orphans| orphans.found);
        let orphans = OrphanStatus { found: counted, ..old };
        status.orphans = (orphans != OrphanStatus::default()).then_some(orphans);
        found.status = Some(status);
        touch(&mut found.metadata);
        state.writes += 1;
        Ok(())
    }

    async fn write_removals(&self, account: &CloudAccount, status: &CloudAccountStatus) -> Result<(), ClusterError> {
        let mut state = self.lock();
        let found = state.account(account)?;
        if found.metadata.resource_version != account.metadata.resource_version {
            return Err(modified("patch status"));
        }
        let mut changed = found.status.take().unwrap_or_default();
        let counted = changed.orphans.and_then(|orphans| orphans.found);
        let written = status.orphans.clone().unwrap_or_default();
        changed.orphans = Some(OrphanStatus { found: counted, ..written });
        found.status = Some(changed);
        touch(&mut found.metadata);
        state.writes += 1;
        Ok(())
    }

    async fn announce_account(&self, _account: &CloudAccount, announcement: &Announcement) {
        self.lock().announcements.push(announcement.clone());
    }
}
