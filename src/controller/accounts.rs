//! The accounts that are in use, and the cloud behind each.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::cloud::{Cloud, CloudError};
use crate::plan::Verdict;
use crate::plan::account::AccountSettings;

/// Makes the cloud of an account.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Connects. No call to the cloud is needed for it.
    async fn connect(&self, settings: &AccountSettings) -> Result<Arc<dyn Cloud>, CloudError>;
}

/// One account in use.
#[derive(Clone)]
pub struct Account {
    /// The generation of the `CloudAccount` that was checked: who may use the
    /// account may change with it while the settings stay.
    pub generation: Option<i64>,
    /// The settings that `cloud` was made from.
    pub settings: AccountSettings,
    /// The cloud.
    pub cloud: Arc<dyn Cloud>,
    /// What is wrong with the account as a whole, if anything: identities wait until it is mended.
    pub trouble: Option<Trouble>,
}

/// What is wrong with an account, and which condition of its identities says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it concerns the way from pod to role, not the role itself.
    pub concerns_binding: bool,
    /// Whether it only keeps new principals from being made.
    pub only_new_roles: bool,
}

/// All accounts, by the name of their `CloudAccount`.
#[derive(Default)]
pub struct Accounts {
    entries: RwLock<HashMap<String, Account>>,
    /// Why the events of an account are not received.
    events_failures: RwLock<HashMap<String, CloudError>>,
    changed: Notify,
    suspected: RwLock<HashSet<String>>,
}

impl Accounts {
    /// The account of a name, when it was made from these settings.
    #[must_use]
    pub fn get(&self, name: &str, settings: &AccountSettings) -> Option<Account> {
        self.find(name).filter(|account| account.settings == *settings)
    }

    /// The account of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Account> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Puts an account in use.
    pub fn put(&self, name: &str, account: Account) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), account);
        self.changed.notify_waiters();
    }

    /// All accounts that are in use, by name.
    #[must_use]
    pub fn all(&self) -> HashMap<String, Account> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells when an account was put in use or taken out of it, from now on.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Why the events of an account are not received, if they should be and are not.
    #[must_use]
    pub fn events_failure(&self, name: &str) -> Option<CloudError> {
        self.events_failures.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Notes whether events are received. Says whether that is news: the words of one kind of
    /// failure may differ each time, and are told once.
    pub fn note_events_failure(&self, name: &str, why: Option<&CloudError>) -> bool {
        let mut failures = self.events_failures.write().unwrap_or_else(PoisonError::into_inner);
        let is_news = failures.get(name).map(|error| error.kind) != why.map(|error| error.kind);
        match why {
            None => drop(failures.remove(name)),
            Some(error) if is_news => drop(failures.insert(name.to_owned(), error.clone())),
            Some(_) => {}
        }
        is_news
    }

    /// Notes that something says that provider or boundary of an account were changed:
    /// its next reconciliation checks it.
    pub fn suspect(&self, name: &str) {
        self.suspected.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// Whether something said so, which is thereby forgotten.
    #[must_use]
    pub fn take_suspicion(&self, name: &str) -> bool {
        self.suspected.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// Takes an account out of use.
    pub fn remove(&self, name: &str) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.note_events_failure(name, None);
        self.changed.notify_waiters();
    }
}
