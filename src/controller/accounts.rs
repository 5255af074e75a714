//! The accounts that are in use, and the cloud behind each.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

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
}

/// All accounts, by the name of their `CloudAccount`.
#[derive(Default)]
pub struct Accounts {
    entries: RwLock<HashMap<String, Account>>,
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
    }

    /// Takes an account out of use.
    pub fn remove(&self, name: &str) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}
