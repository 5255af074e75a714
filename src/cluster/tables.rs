//! The one writer of binding tables: many changes to a namespace's table that
//! come together become one write.
//!
//! A table grows with its namespace, and what a write costs the API server grows
//! with the table. So after each write the next changes gather for a while that
//! is a multiple of what the write took: however large the tables, writing them
//! stays a small part of the time. A change that comes alone is written at once.
//!
//! A table is read, changed and put back under its resource version rather than
//! applied: two operators that run at once must merge their entries, not
//! overwrite each other's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
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

/// How many times as long as a write took the next changes gather.
const GATHER: u32 = 4;
/// The shortest and the longest time that changes gather.
const GATHER_BOUNDS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

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
        let mut known = None;
        while let Some(batch) = self.take(&namespace) {
            let changes: Vec<&Change> = batch.iter().map(|(change, _)| change).collect();
            let start = Instant::now();
            let outcome = self.write(&namespace, &changes, &mut known).await;
            for (_, answer) in batch {
                // A caller that was cancelled no longer listens.
                let _ = answer.send(outcome.clone());
            }
            tokio::time::sleep(pause(start.elapsed())).await;
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

    async fn write(
        &self,
        namespace: &str,
        changes: &[&Change],
        known: &mut Option<BindingTable>,
    ) -> Result<(), ClusterError> {
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            outcome = self.write_once(namespace, changes, known).await;
            // It was changed or deleted meanwhile: the next attempt reads it anew.
            let overtaken =
                |error: &ClusterError| matches!(error.kind, ClusterErrorKind::Conflict | ClusterErrorKind::NotFound);
            if !outcome.as_ref().is_err_and(overtaken) {
                break;
            }
        }
        outcome
    }

    /// Makes the changes to the table as this task wrote it last, or else as the
    /// API server has it, and keeps what was written for the next time.
    async fn write_once(
        &self,
        namespace: &str,
        changes: &[&Change],
        known: &mut Option<BindingTable>,
    ) -> Result<(), ClusterError> {
        let api: Api<BindingTable> = Api::namespaced(self.client.clone(), namespace);
        if let Some(next) = known.take().and_then(|table| changed(table, changes)) {
            // If anybody else wrote it meanwhile the API server refuses this, and it is read anew.
            *known = Some(put(&api, &next).await?);
            return Ok(());
        }
        // That nothing is to be written is concluded only from what was just read.
        if let Some(table) = bounded("get bindingtable", api.get_opt(TABLE_NAME)).await? {
            if let Some(next) = changed(table, changes) {
                *known = Some(put(&api, &next).await?);
            }
            return Ok(());
        }
        let metadata = ObjectMeta { name: Some(TABLE_NAME.into()), ..ObjectMeta::default() };
        if let Some(first) = changed(BindingTable { metadata, ..BindingTable::default() }, changes) {
            bounded("create bindingtable", api.create(&parameters(), &first)).await?;
        }
        Ok(())
    }

    /// The map stays whole whatever panicked while it was held: every change to
    /// it is a single operation.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some("ambit".into()), ..PostParams::default() }
}

async fn put(api: &Api<BindingTable>, table: &BindingTable) -> Result<BindingTable, ClusterError> {
    bounded("update bindingtable", api.replace(TABLE_NAME, &parameters(), table)).await
}

/// The table after the changes; nothing if they make no difference.
fn changed(table: BindingTable, changes: &[&Change]) -> Option<BindingTable> {
    let mut fields = table.spec.clone();
    for change in changes {
        make(&mut fields, change);
    }
    // One empty entry tells the API server to keep no record of who set which
    // field: only Ambit writes tables, and the record is as large as the table.
    let no_record = Some(vec![ManagedFieldsEntry::default()]);
    let metadata = ObjectMeta { managed_fields: no_record, ..table.metadata };
    (table.spec != fields).then_some(BindingTable { metadata, spec: fields })
}

/// How long changes gather after a write that took so long.
fn pause(write: Duration) -> Duration {
    write.saturating_mul(GATHER).clamp(GATHER_BOUNDS.0, GATHER_BOUNDS.1)
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

    fn put_entry(account: &str, identity: &str) -> Change {
        Change::Put(BindingEntry {
            service_account: account.into(),
            binding: Binding {
                identity: identity.into(),
                ready: true,
                audience: Some("sts.amazonaws.com".into()),
                ..Binding::default()
            },
        })
    }

    fn accounts(fields: &BindingTableFields) -> Vec<&str> {
        fields.service_accounts.keys().map(String::as_str).collect()
    }

    #[test]
    fn an_identity_that_moves_leaves_no_entry_behind() {
        let mut fields = BindingTableFields::default();
        make(&mut fields, &put_entry("old", "orders"));
        make(&mut fields, &put_entry("other", "mailer"));
        make(&mut fields, &put_entry("new", "orders"));
        assert_eq!(accounts(&fields), ["new", "other"]);
    }

    #[test]
    fn a_reservation_leaves_what_the_identity_has() {
        let mut fields = BindingTableFields::default();
        make(&mut fields, &put_entry("a", "orders"));
        let Change::Put(mut entry) = put_entry("a", "orders") else { unreachable!() };
        entry.binding.ready = false;
        make(&mut fields, &Change::Reserve(entry.clone()));
        assert!(fields.service_accounts["a"].ready);
        entry.binding.identity = "mailer".into();
        make(&mut fields, &Change::Reserve(entry));
        assert!(!fields.service_accounts["a"].ready);
    }

    #[test]
    fn what_makes_no_difference_is_no_write() {
        let mut table = BindingTable::default();
        let first = changed(table.clone(), &[&put_entry("a", "orders")]).unwrap();
        assert_eq!(first.metadata.managed_fields, Some(vec![ManagedFieldsEntry::default()]));
        table.spec = first.spec;
        assert_eq!(changed(table, &[&put_entry("a", "orders")]), None);
    }

    #[test]
    fn changes_gather_longer_where_writes_take_longer() {
        let pauses = [1, 50, 10_000].map(|millis| pause(Duration::from_millis(millis)).as_millis());
        assert_eq!(pauses, [100, 200, 1000]);
    }

    #[test]
    fn removal_takes_the_identitys_entries_and_no_others() {
        let mut fields = BindingTableFields::default();
        make(&mut fields, &put_entry("a", "orders"));
        make(&mut fields, &put_entry("b", "mailer"));
        make(&mut fields, &Change::Remove { identity: "orders".into() });
        assert_eq!(accounts(&fields), ["b"]);
    }
}
