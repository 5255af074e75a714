//! What all controllers share, and who wakes whom: every change that concerns
//! an identity reaches it through one bounded queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _};
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource, ResourceExt};

use super::account::AccountContext;
use super::caches::Caches;
use super::context::Context;
use super::policies::Policies;
use crate::api::v1alpha1::{
    Binding, BindingTable, CloudAccount, MachineIdentity, ManagementPolicy, ScopePolicy, TABLE_NAME,
};
use crate::cluster::KubernetesCluster;
use crate::domain::PodsOf;
use crate::names::{IdentityKey, InstallationId};
use crate::plan::account::AccountSettings;
use crate::plan::contest::is_about;
use crate::plan::{self, Declaration, Part, Storing};
use crate::telemetry::metrics::Metrics;

/// Wakes identities: a bounded queue, so that a sender waits when nobody keeps up.
pub(super) type Wake = mpsc::Sender<ObjectRef<MachineIdentity>>;
pub(super) type WakeAccounts = mpsc::Sender<ObjectRef<CloudAccount>>;
pub(super) type WakeTables = mpsc::Sender<ObjectRef<BindingTable>>;
pub(super) const WAKE_QUEUE: usize = 1024;

/// What all controllers share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    pub(super) account: Arc<AccountContext>,
    pub(super) caches: Caches,
    pub(super) cluster: KubernetesCluster,
    pub(super) client: Client,
    pub(super) metrics: Metrics,
    pub(super) wake: Wake,
    pub(super) wake_tables: WakeTables,
}

/// Keeps a cache, and wakes the identities that a change concerns.
pub(super) async fn follow<K, F>(
    stream: impl futures::Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static,
    writer: reflector::store::Writer<K>,
    shared: Shared,
    concerned: F,
) where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    F: Fn(&Caches, &Event<K>) -> Vec<ObjectRef<MachineIdentity>>,
{
    let mut events = std::pin::pin!(stream.reflect(writer));
    while let Some(event) = events.next().await {
        let Ok(event) = event else { continue };
        shared.caches.note_change();
        let woken = concerned(&shared.caches, &event);
        shared.wake(woken).await;
    }
}

/// The identities that a changed policy speaks for, or spoke for.
pub(super) fn judged_by(
    known: &Policies,
    caches: &Caches,
    event: &Event<ScopePolicy>,
) -> Vec<ObjectRef<MachineIdentity>> {
    let versions = known.note(event);
    if versions.is_empty() {
        return Vec::new();
    }
    let none = BTreeMap::new();
    references(&caches.identities, |identity| {
        let namespace = caches.namespaces.get(&ObjectRef::new(&identity.namespace().unwrap_or_default()));
        let labels = namespace.as_ref().and_then(|namespace| namespace.metadata.labels.as_ref()).unwrap_or(&none);
        versions.iter().any(|version| plan::guardrail::speaks_for(version, identity, labels))
    })
}

/// The identities of a namespace that changed; all of them where any may have.
pub(super) fn in_namespace(
    caches: &Caches,
    event: &Event<PartialObjectMeta<Namespace>>,
) -> Vec<ObjectRef<MachineIdentity>> {
    match event {
        Event::Apply(namespace) | Event::Delete(namespace) => {
            let name = namespace.name_any();
            references(&caches.identities, |identity| identity.namespace().as_deref() == Some(&name))
        }
        Event::InitDone => references(&caches.identities, |_| true),
        Event::Init | Event::InitApply(_) => Vec::new(),
    }
}

/// The identities in place whose entry in a table is not as Ambit wrote it. What Ambit writes
/// itself is told as well and differs in nothing, as a rule: where it turns pods away before
/// status says why, one look too many follows.
pub(super) fn altered_in(
    caches: &Caches,
    installation: &InstallationId,
    event: &Event<BindingTable>,
) -> Vec<ObjectRef<MachineIdentity>> {
    let (table, is_gone) = match event {
        Event::Apply(table) | Event::InitApply(table) => (table, false),
        Event::Delete(table) => (table, true),
        Event::Init | Event::InitDone => return Vec::new(),
    };
    let namespace = table.namespace();
    references(&caches.identities, |identity| {
        identity.namespace() == namespace
            && identity.spec.management_policy == ManagementPolicy::Enforce
            && is_watched(identity).is_some_and(|is_fought_over| {
                expected_entry(caches, installation, identity).is_some_and(|(service_account, expected)| {
                    let entry = table.spec.service_accounts.get(&service_account).filter(|_| !is_gone);
                    let differs = !plan::binding_differences(&service_account, &expected, true, entry).is_empty();
                    differs != is_fought_over
                })
            })
    })
}

/// Whether an identity's entry should be as declared; or, where Ambit has given up on it, whether
/// somebody has put it right.
fn is_watched(identity: &MachineIdentity) -> Option<bool> {
    let status = identity.status.as_ref()?;
    let binding = [Part::ServiceAccount, Part::BindingTable];
    let is_fought_over = status.contest.as_ref().is_some_and(|contest| contest.stopped && is_about(contest, &binding));
    (is_fought_over || plan::settled(Some(status), identity.metadata.generation)).then_some(is_fought_over)
}

/// What the table should say of an identity that is in place: by its service account, the entry.
fn expected_entry(
    caches: &Caches,
    installation: &InstallationId,
    identity: &MachineIdentity,
) -> Option<(String, Binding)> {
    let account = caches.accounts.get(&ObjectRef::new(&identity.spec.account_ref.name))?;
    let settings = AccountSettings::parse(&account.spec, installation).ok()?;
    let key = IdentityKey::new(identity.namespace()?, identity.name_any());
    let role_arn = settings.principal_arn(&plan::principal(Declaration { identity, key: &key }, installation));
    let subject = identity.spec.subject.service_account.as_ref()?;
    let pods = PodsOf::new(&key.namespace, &subject.name);
    let delivery = plan::delivery(&pods, Storing::of(&identity.spec), &settings, &role_arn);
    let expected = delivery.binding(&key.name, None);
    Some((delivery.service_account, expected))
}

pub(super) fn references(
    store: &Store<MachineIdentity>,
    wanted: impl Fn(&MachineIdentity) -> bool,
) -> Vec<ObjectRef<MachineIdentity>> {
    store
        .state()
        .iter()
        .filter(|identity| wanted(identity))
        .map(|identity| ObjectRef::from_obj(identity.as_ref()))
        .collect()
}

impl Shared {
    pub(super) async fn wake(&self, identities: Vec<ObjectRef<MachineIdentity>>) {
        let mut wake = self.wake.clone();
        for identity in identities {
            // The other end is gone only when the operator stops.
            if wake.send(identity).await.is_err() {
                return;
            }
        }
    }

    /// Keeps the index of claims, and wakes those that waited behind one that goes.
    pub(super) fn note_identity(&self, event: &Result<Event<MachineIdentity>, watcher::Error>) {
        let claims = &self.caches.claims;
        match event {
            Ok(Event::InitApply(identity)) => drop(claims.note(identity)),
            Ok(Event::Apply(identity)) => {
                let namespace = identity.namespace().unwrap_or_default();
                let concerned = claims.note(identity);
                self.wake_later(concerned.iter().map(|name| ObjectRef::new(name).within(&namespace)).collect());
            }
            Ok(Event::Delete(identity)) => {
                let namespace = identity.namespace().unwrap_or_default();
                let waiting = claims.withdraw(identity);
                let references = waiting.iter().map(|name| ObjectRef::new(name).within(&namespace)).collect();
                self.context.memory.forget(identity.uid().as_deref().unwrap_or_default());
                self.wake_later(references);
                self.look_over_table(&namespace);
            }
            Ok(Event::Init) => claims.begin(),
            Ok(Event::InitDone) => {
                claims.complete();
                // Whatever was judged before the list was complete is judged again.
                self.wake_later(references(&self.caches.identities, |_| true));
            }
            Err(_) => {}
        }
    }

    pub(super) fn note_account(&self, event: &Result<Event<CloudAccount>, watcher::Error>) {
        if self.is_news(event) {
            self.caches.note_change();
        }
        if let Ok(Event::Delete(account)) = event {
            let name = account.name_any();
            self.account.accounts.remove(&name);
            self.context.sweeps.forget(&name);
            self.metrics.forget_account(&name);
            self.account.memory.forget(account.uid().as_deref().unwrap_or_default());
            self.wake_later(references(&self.caches.identities, |identity| identity.spec.account_ref.name == name));
        }
    }

    /// Whether identities may be judged otherwise now: not when only an account's status was written.
    fn is_news(&self, event: &Result<Event<CloudAccount>, watcher::Error>) -> bool {
        let Ok(Event::Apply(account)) = event else { return true };
        let known = self.caches.accounts.get(&ObjectRef::from_obj(account));
        let facts = |account: &CloudAccount| (account.metadata.uid.clone(), account.metadata.generation);
        known.is_none_or(|known| facts(&known) != facts(account))
    }

    /// A table whose entries were lost or altered, or that is gone itself, is mended: the
    /// identities that it belongs to are looked at again.
    pub(super) fn note_table(&self, event: &Result<Event<BindingTable>, watcher::Error>) {
        let Ok(event) = event else { return };
        let altered = altered_in(&self.caches, &self.context.installation, event);
        for identity in &altered {
            let known = self.caches.identities.get(identity);
            let uid = known.and_then(|identity| identity.uid()).unwrap_or_default();
            self.context.memory.note(&uid, |memory| memory.suspicions += 1);
        }
        self.wake_later(altered);
    }

    /// Has the table of a namespace looked over for entries whose identity is gone.
    fn look_over_table(&self, namespace: &str) {
        let mut wake = self.wake_tables.clone();
        let table = ObjectRef::new(TABLE_NAME).within(namespace);
        tokio::spawn(async move { wake.send(table).await });
    }

    /// Wakes from where nobody may wait.
    fn wake_later(&self, identities: Vec<ObjectRef<MachineIdentity>>) {
        let shared = self.clone();
        tokio::spawn(async move { shared.wake(identities).await });
    }
}

#[cfg(test)]
mod tests;
