//! Listening to accounts: what somebody does to a role wakes its identity at once.
//!
//! INVARIANTS:
//! - An event decides nothing. It is remembered, and has somebody look; what is
//!   done follows from the look.
//! - A message is deleted only after all that it concerns was woken. What stops
//!   before that is delivered again, to this process or another.
//! - A queue has one listener, because a message comes to one only. Where several
//!   accounts name the same queue, the first by name has it, and the others say so.
//! - Accounts are listened to apart from each other and from everything else: a
//!   queue that is broken, slow or flooded delays no sweep and no reconciliation.

mod heard;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, SinkExt as _};
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use tokio::task::JoinHandle;

use self::heard::Heard;
use super::accounts::Account;
use super::caches::Caches;
use super::context::Context;
use super::outcome::Failure;
use super::wake::{Wake, WakeAccounts};
use crate::api::v1alpha1::{CloudAccount, MachineIdentity};
use crate::cloud::{CloudError, ErrorKind, EventQueue, Message, Record};
use crate::domain::ChangeEvent;
use crate::names::{IdentityKey, PrincipalName};
use crate::plan::account::AccountSettings;
use crate::telemetry::metrics::Metrics;

/// How long to wait until the list of identities is complete again.
const INCOMPLETE: Duration = Duration::from_secs(1);
/// Failures in a row that pass by themselves are told from this one on.
const PATIENCE: u32 = 3;
/// Records tell the time to the second: what they name may have been done this much later.
const PRECISION: Duration = Duration::from_secs(1);

/// What listening takes.
pub(super) struct Listening {
    pub(super) context: Arc<Context>,
    pub(super) caches: Caches,
    pub(super) metrics: Metrics,
    pub(super) wake: Wake,
    pub(super) wake_accounts: WakeAccounts,
}

/// Nobody is left to wake: the operator stops.
#[derive(Debug, PartialEq, Eq)]
struct Stopping;

/// An account that is listened to. Ends with this value.
struct Listener {
    settings: AccountSettings,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens to every account that has a queue, for as long as it has it.
///
/// May be dropped at any moment: what was received and not deleted comes again.
pub(super) async fn listen(listening: Arc<Listening>) {
    if listening.caches.identities.wait_until_ready().await.is_err() {
        return;
    }
    let mut listeners = HashMap::new();
    loop {
        let mut changed = std::pin::pin!(listening.context.accounts.changed());
        changed.as_mut().enable();
        if keep(&listening, &mut listeners).await == Err(Stopping) {
            return;
        }
        changed.await;
    }
}

/// Starts and stops listening so that exactly the accounts in use are listened to.
async fn keep(listening: &Arc<Listening>, listeners: &mut HashMap<String, Listener>) -> Result<(), Stopping> {
    let accounts = listening.context.accounts.all();
    listeners.retain(|name, listener| {
        let same = accounts.get(name).is_some_and(|account| account.settings == listener.settings);
        same && first_of_queue(&accounts, name).is_none() && !listener.task.is_finished()
    });
    for (name, account) in &accounts {
        if listeners.contains_key(name) {
            continue;
        }
        let Some(queue) = account.cloud.events() else {
            listening.context.accounts.note_events_failure(name, None);
            continue;
        };
        if let Some(first) = first_of_queue(&accounts, name) {
            listening.leave_to(first, name).await?;
            continue;
        }
        let task = tokio::spawn(attend(Arc::clone(listening), name.clone(), queue));
        listeners.insert(name.clone(), Listener { settings: account.settings.clone(), task });
    }
    Ok(())
}

/// The account that has the queue of another, if it is not that one itself.
fn first_of_queue<'a>(accounts: &'a HashMap<String, Account>, name: &str) -> Option<&'a str> {
    let queue = accounts.get(name)?.settings.queue.as_ref()?;
    let sharing = accounts.iter().filter(|(_, account)| account.settings.queue.as_ref() == Some(queue));
    sharing.map(|(other, _)| other.as_str()).min().filter(|first| *first != name)
}

/// Listens to one account until the operator stops.
async fn attend(listening: Arc<Listening>, account: String, queue: Arc<dyn EventQueue>) {
    let mut heard = Heard::default();
    let mut failures = 0;
    loop {
        if !listening.caches.claims.is_complete() {
            tokio::time::sleep(INCOMPLETE).await;
            continue;
        }
        let round = AssertUnwindSafe(listening.round(&account, queue.as_ref(), &mut heard)).catch_unwind().await;
        let (failure, error) = match round {
            Ok(Ok(Ok(()))) => {
                failures = 0;
                continue;
            }
            Ok(Ok(Err(Stopping))) => return,
            Ok(Err(error)) => (Failure::Cloud(error.kind), error),
            // What was received is not deleted, and comes again.
            Err(_) => (
                Failure::Bug,
                own_failure(
                    ErrorKind::Transient,
                    "taking in a message failed by a mistake of Ambit's own; please report this",
                ),
            ),
        };
        let pause = failure.pause(failures, (listening.context.spread)());
        failures = failures.saturating_add(1);
        listening.failed(&account, &error, failures).await;
        tokio::time::sleep(pause).await;
    }
}

/// Why events are not received, where it is not the cloud's word.
fn own_failure(kind: ErrorKind, message: impl Into<String>) -> CloudError {
    CloudError { kind, operation: "events", code: String::new(), message: message.into() }
}

impl Listening {
    /// Receives once, takes in what came, and deletes it.
    async fn round(
        &self,
        account: &str,
        queue: &dyn EventQueue,
        heard: &mut Heard,
    ) -> Result<Result<(), Stopping>, CloudError> {
        let messages = queue.receive().await?;
        if messages.is_empty() {
            self.works(account).await;
            return Ok(Ok(()));
        }
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
        if let Err(stopping) = self.take_in(account, messages, heard).await {
            return Ok(Err(stopping));
        }
        queue.delete(&receipts).await?;
        self.works(account).await;
        Ok(Ok(()))
    }

    /// Takes in what came at once: everything that it concerns is woken when this is over.
    async fn take_in(&self, account: &str, messages: Vec<Message>, heard: &mut Heard) -> Result<(), Stopping> {
        let owners = self.owners(account, &messages);
        for message in messages {
            let result = match message.record {
                Record::Role { name, change } => match owners.get(&name.to_ascii_lowercase()) {
                    Some(identity) => self.of_role(identity, change, heard).await?,
                    None => "foreign",
                },
                Record::Account(change) => self.of_account(account, &change, heard).await?,
                Record::Ours => "ours",
                Record::Foreign => "foreign",
                Record::Malformed(why) => {
                    tracing::warn!(account, %why, "a message is not the record of an event and is deleted");
                    "malformed"
                }
            };
            self.metrics.heard(account, result);
        }
        Ok(())
    }

    /// The identities whose roles are named, by the role's name. All identities are passed once.
    fn owners(&self, account: &str, messages: &[Message]) -> HashMap<String, Arc<MachineIdentity>> {
        let named = messages.iter().filter_map(|message| match &message.record {
            Record::Role { name, .. } => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        let named: Vec<String> = named.collect();
        let mut owners = HashMap::new();
        if named.is_empty() {
            return owners;
        }
        for identity in self.caches.identities.state() {
            if identity.spec.account_ref.name != account {
                continue;
            }
            let (Some(namespace), Some(name)) = (&identity.metadata.namespace, &identity.metadata.name) else {
                continue;
            };
            // Deriving a name takes time, and other installations may have roles of nearly the same name.
            let mut alike = named.iter().filter(|role| PrincipalName::may_be(role, namespace, name)).peekable();
            if alike.peek().is_none() {
                continue;
            }
            let derived = PrincipalName::role(&self.context.installation, &IdentityKey::new(namespace, name));
            if alike.any(|role| derived.as_str() == role) {
                owners.insert(derived.to_string(), identity);
            }
        }
        owners
    }

    async fn of_role(
        &self,
        identity: &MachineIdentity,
        change: ChangeEvent,
        heard: &mut Heard,
    ) -> Result<&'static str, Stopping> {
        if heard.knows(&change.event) {
            return Ok("duplicate");
        }
        let uid = identity.uid().unwrap_or_default();
        if self.is_late(identity, &uid, &change) {
            return Ok("late");
        }
        tracing::info!(
            namespace = identity.namespace(),
            object = identity.name_any(),
            operation = change.operation,
            by = change.principal,
            event = change.event,
            "somebody changed the role of an identity"
        );
        let event = change.event.clone();
        self.context.memory.note(&uid, |memory| memory.note_change(change));
        // The other end is gone only when the operator stops.
        self.wake.clone().send(ObjectRef::from_obj(identity)).await.map_err(|_| Stopping)?;
        heard.note(event);
        Ok("woken")
    }

    /// Whether the cloud was looked at and found in order since it was done. Where a difference
    /// is told, nothing is late: it may say who made it.
    fn is_late(&self, identity: &MachineIdentity, uid: &str, change: &ChangeEvent) -> bool {
        let remembered = self.context.memory.recall(uid);
        let status = remembered.status.as_ref().or(identity.status.as_ref());
        let differs = status.is_some_and(|status| status.drift.is_some());
        let seen = change.at.checked_add(PRECISION + self.context.timing.consistency_window).ok();
        !differs && remembered.looked_at.zip(seen).is_some_and(|(looked, seen)| seen <= looked)
    }

    /// What all identities of the account rely on is looked at by the account's own check.
    async fn of_account(
        &self,
        account: &str,
        change: &ChangeEvent,
        heard: &mut Heard,
    ) -> Result<&'static str, Stopping> {
        if heard.knows(&change.event) {
            return Ok("duplicate");
        }
        tracing::info!(
            account,
            operation = change.operation,
            by = change.principal,
            event = change.event,
            "somebody changed what all identities of an account rely on"
        );
        self.context.accounts.suspect(account);
        self.wake_account(account).await?;
        heard.note(change.event.clone());
        Ok("account")
    }

    async fn wake_account(&self, account: &str) -> Result<(), Stopping> {
        self.wake_accounts.clone().send(ObjectRef::<CloudAccount>::new(account)).await.map_err(|_| Stopping)
    }

    /// The account says that its queue is another's: what came for it would be lost without a word.
    async fn leave_to(&self, first: &str, account: &str) -> Result<(), Stopping> {
        let why =
            format!("`spec.events.aws.queueUrl` must be a queue of its own, and CloudAccount '{first}' names it too");
        if self.context.accounts.note_events_failure(account, Some(&own_failure(ErrorKind::Invalid, why))) {
            tracing::warn!(account, first, "two accounts name the same queue of events");
            self.wake_account(account).await?;
        }
        Ok(())
    }

    /// The account says when its events are received again.
    async fn works(&self, account: &str) {
        if self.context.accounts.note_events_failure(account, None) {
            tracing::info!(account, "events are received again");
            let _ = self.wake_account(account).await;
        }
    }

    /// The account says when its events are not received. What passes by itself is told only
    /// when it does not.
    async fn failed(&self, account: &str, error: &CloudError, failures: u32) {
        tracing::warn!(account, error.type = error.kind.name(), %error, failures, "events cannot be received");
        if (!error.kind.is_passing() || failures >= PATIENCE)
            && self.context.accounts.note_events_failure(account, Some(error))
        {
            let _ = self.wake_account(account).await;
        }
    }
}

#[cfg(test)]
mod tests;
