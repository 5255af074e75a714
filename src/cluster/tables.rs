//! The one writer of binding tables: many changes to a namespace's table that
//! come together become one write.
//!
//! A table is read, changed and put back under its resource version rather than
//! applied: two operators that run at once must merge their entries, not
//! overwrite each other's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::PostParams;
use kube::core::ObjectMeta;
use kube::{Api, Client};
use tokio::sync::oneshot;

use super::error::{ClusterError, ClusterErrorKind};
use super::kubernetes::bounded;
use super::port::BindingEntry;
use crate::api::v1alpha1::{BindingTable, BindingTableFields, TABLE_NAME};

/// One change to a namespace's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Put an entry unless the identity has one for this service account.
    Reserve(BindingEntry),
    /// Put an entry, and remove those of the same identity for other service accounts.
    Put(BindingEntry),
    /// Remove every entry of an identity.
    Remove {
        /// The identity's name.
        identity: String,
    },
}

/// How often a write that met another writer's is tried again.
const ATTEMPTS: u32 = 5;

type Answer = oneshot::Sender<Result<(), ClusterError>>;
type Waiting = HashMap<String, Vec<(Change, Answer)>>;

/// The writer. A namespace is in `waiting` while a task works on it.
#[derive(Clone)]
pub(super) struct Tables {
    client: Client,
    waiting: Arc<Mutex<Waiting>>,
}

impl Tables {
    pub(super) fn new(client: Client) -> Self {
        Self { client, waiting: Arc::default() }
    }

    /// Makes a change and waits until it is stored.
    pub(super) async fn submit(&self, namespace: &str, change: Change) -> Result<(), ClusterError> {
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = self.lock();
            let is_first = !waiting.contains_key(namespace);
            waiting.entry(namespace.to_owned()).or_default().push((change, answer));
            is_first
        };
        if is_first {
            // A task of its own, so that it goes on when the first caller is cancelled.
            tokio::spawn(self.clone().work(namespace.to_owned()));
        }
        answered.await.unwrap_or_else(|_| Err(transient("the writer of binding tables stopped")))
    }

    /// Writes batch after batch until no change is left.
    async fn work(self, namespace: String) {
        while let Some(batch) = self.take(&namespace) {
            let changes: Vec<&Change> = batch.iter().map(|(change, _)| change).collect();
            let outcome = self.write(&namespace, &changes).await;
            for (_, answer) in batch {
                // A caller that was cancelled no longer listens.
                let _ = answer.send(outcome.clone());
            }
        }
    }

    fn take(&self, namespace: &str) -> Option<Vec<(Change, Answer)>> {
        let mut waiting = self.lock();
        let batch = waiting.get_mut(namespace).map(std::mem::take).unwrap_or_default();
        if batch.is_empty() {
            waiting.remove(namespace);
            return None;
        }
        Some(batch)
    }

    async fn write(&self, namespace: &str, changes: &[&Change]) -> Result<(), ClusterError> {
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            outcome = self.write_once(namespace, changes).await;
            if !matches!(&outcome, Err(error) if error.kind == ClusterErrorKind::Conflict) {
                break;
            }
        }
        outcome
    }

    async fn write_once(&self, namespace: &str, changes: &[&Change]) -> Result<(), ClusterError> {
        let api: Api<BindingTable> = Api::namespaced(self.client.clone(), namespace);
        let found = bounded("get bindingtable", api.get_opt(TABLE_NAME)).await?;
        let mut fields = found.as_ref().map(|table| table.spec.clone()).unwrap_or_default();
        for change in changes {
            make(&mut fields, change);
        }
        let parameters = PostParams { field_manager: Some("ambit".into()), ..PostParams::default() };
        match found {
            Some(table) if table.spec == fields => Ok(()),
            Some(table) => {
                let changed = BindingTable { spec: fields, ..table };
                bounded("update bindingtable", api.replace(TABLE_NAME, &parameters, &changed)).await.map(drop)
            }
            None if fields.service_accounts.is_empty() => Ok(()),
            None => {
                let metadata = ObjectMeta { name: Some(TABLE_NAME.into()), ..ObjectMeta::default() };
                let first = BindingTable { metadata, spec: fields };
                bounded("create bindingtable", api.create(&parameters, &first)).await.map(drop)
            }
        }
    }

    /// The map stays whole whatever panicked while it was held: every change to
    /// it is a single operation.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes one change to the fields of a table.
pub(super) fn make(fields: &mut BindingTableFields, change: &Change) {
    match change {
        Change::Put(entry) => {
            leave_other_accounts(fields, entry);
            fields.service_accounts.insert(entry.service_account.clone(), entry.binding.clone());
        }
        Change::Reserve(entry) => {
            leave_other_accounts(fields, entry);
            let present = fields.service_accounts.get(&entry.service_account);
            if present.is_none_or(|binding| binding.identity != entry.binding.identity) {
                fields.service_accounts.insert(entry.service_account.clone(), entry.binding.clone());
            }
        }
        Change::Remove { identity } => {
            fields.service_accounts.retain(|_, binding| binding.identity != *identity);
        }
    }
}

/// Removes the identity's entries for other service accounts than the entry's.
fn leave_other_accounts(fields: &mut BindingTableFields, entry: &BindingEntry) {
    let identity = &entry.binding.identity;
    fields
        .service_accounts
        .retain(|account, binding| binding.identity != *identity || *account == entry.service_account);
}

fn transient(message: &str) -> ClusterError {
    ClusterError { kind: ClusterErrorKind::Transient, operation: "update bindingtable", message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::Binding;

    fn put(account: &str, identity: &str) -> Change {
        Change::Put(BindingEntry {
            service_account: account.into(),
            binding: Binding {
                identity: identity.into(),
                ready: true,
                reason: None,
                audience: "sts.amazonaws.com".into(),
                env: vec![],
            },
        })
    }

    fn accounts(fields: &BindingTableFields) -> Vec<&str> {
        fields.service_accounts.keys().map(String::as_str).collect()
    }

    #[test]
    fn an_identity_that_moves_leaves_no_entry_behind() {
        let mut fields = BindingTableFields::default();
        make(&mut fields, &put("old", "orders"));
        make(&mut fields, &put("other", "mailer"));
        make(&mut fields, &put("new", "orders"));
        assert_eq!(accounts(&fields), ["new", "other"]);
    }

    #[test]
    fn a_reservation_leaves_what_the_identity_has() {
        let mut fields = BindingTableFields::default();
        make(&mut fields, &put("a", "orders"));
        let Change::Put(mut entry) = put("a", "orders") else { unreachable!() };
        entry.binding.ready = false;
        make(&mut fields, &Change::Reserve(entry.clone()));
        assert!(fields.service_accounts["a"].ready);
        entry.binding.identity = "mailer".into();
        make(&mut fields, &Change::Reserve(entry));
        assert!(!fields.service_accounts["a"].ready);
    }

    #[test]
    fn removal_takes_the_identitys_entries_and_no_others() {
        let mut fields = BindingTableFields::default();
        make(&mut fields, &put("a", "orders"));
        make(&mut fields, &put("b", "mailer"));
        make(&mut fields, &Change::Remove { identity: "orders".into() });
        assert_eq!(accounts(&fields), ["b"]);
    }
}
