//! The caches of the API server's objects, as identities are judged by them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};

use super::claims::Claims;
use super::context::World;
use crate::api::v1alpha1::{CloudAccount, MachineIdentity, ScopePolicy};
use crate::names::{IdentityKey, InstallationId};
use crate::plan::Grounds;

/// The caches.
#[derive(Clone)]
pub struct Caches {
    /// All identities.
    pub identities: Store<MachineIdentity>,
    /// All accounts.
    pub accounts: Store<CloudAccount>,
    /// All scope policies.
    pub policies: Store<ScopePolicy>,
    /// All namespaces, by metadata only.
    pub namespaces: Store<PartialObjectMeta<Namespace>>,
    /// Who claimed which service account.
    pub claims: Arc<Claims>,
    /// How often what identities are judged by has changed.
    pub changes: Arc<AtomicU64>,
}

impl Caches {
    /// Notes that something changed that identities are judged by.
    pub fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until everything that identities are judged by was listed. False
    /// when that can no longer happen because the operator stops.
    pub async fn wait_until_ready(&self) -> bool {
        self.accounts.wait_until_ready().await.is_ok()
            && self.policies.wait_until_ready().await.is_ok()
            && self.namespaces.wait_until_ready().await.is_ok()
    }

    /// The identities of an account.
    #[must_use]
    pub fn identities_of(&self, account: &str) -> Vec<Arc<MachineIdentity>> {
        self.identities.state().into_iter().filter(|identity| identity.spec.account_ref.name == account).collect()
    }

    /// Whether every identity that there is was listed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.claims.is_complete()
    }

    /// One identity.
    #[must_use]
    pub fn identity(&self, key: &IdentityKey) -> Option<Arc<MachineIdentity>> {
        self.identities.get(&ObjectRef::new(&key.name).within(&key.namespace))
    }
}

impl World for Caches {
    fn grounds<'a>(
        &self,
        key: &IdentityKey,
        identity: &MachineIdentity,
        installation: &'a InstallationId,
    ) -> Option<Grounds<'a>> {
        if !self.claims.is_complete() {
            return None;
        }
        let namespace = self.namespaces.get(&ObjectRef::new(&key.namespace))?;
        let labels: BTreeMap<String, String> = namespace.metadata.labels.clone().unwrap_or_default();
        Some(Grounds {
            installation,
            account: self.accounts.get(&ObjectRef::new(&identity.spec.account_ref.name)),
            namespace_labels: labels,
            policies: self.policies.state(),
            earlier_claim: self.claims.earlier(identity),
        })
    }

    fn revision(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}
