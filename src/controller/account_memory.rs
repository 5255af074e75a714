//! What the operator remembers of each account between reconciliations.
//!
//! All of it may be lost at any moment: it saves calls and writes, and spaces
//! sweeps apart, but no decision is wrong without it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::account_check::Checked;
use super::leftovers::Leftovers;
use crate::api::v1alpha1::{CloudAccountStatus, ContestStatus};
use crate::plan::Verdict;
use crate::plan::orphan::Watch;
use crate::policy::Document;

/// What is remembered of one account.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What the last check found.
    pub checked: Option<Checked>,
    /// When the next check is due; at once if absent.
    pub next_check: Option<Timestamp>,
    /// When the next sweep is due; at once if absent.
    pub next_sweep: Option<Timestamp>,
    /// The boundary as it was when it was last as it should be.
    pub boundary: Option<Document>,
    /// Orphans that sweeps found.
    pub orphans: Watch,
    /// Associations that nobody asks for.
    pub leftovers: Leftovers,
    /// Orphans that could not be removed, by id, when that was tried and why not: a try that
    /// changed something counts against the budget, so they are left for an hour and the
    /// others come first.
    pub stuck: BTreeMap<String, (Timestamp, Verdict)>,
    /// When this process last wrote down that orphans are removed, as measured since it began.
    pub spent_at: Option<Duration>,
    /// How often the provider was repaired, and under which generation.
    pub contest: Option<(Option<i64>, ContestStatus)>,
    /// The status as it was written last: the cache may lag behind it.
    pub status: Option<CloudAccountStatus>,
}

/// The memory of all accounts, by UID.
#[derive(Debug, Default)]
pub struct AccountMemory {
    entries: Mutex<HashMap<String, Known>>,
}

impl AccountMemory {
    /// What is remembered of an account.
    #[must_use]
    pub fn recall(&self, uid: &str) -> Known {
        self.lock().get(uid).cloned().unwrap_or_default()
    }

    /// Changes what is remembered of an account.
    pub fn note<T>(&self, uid: &str, change: impl FnOnce(&mut Known) -> T) -> T {
        change(self.lock().entry(uid.to_owned()).or_default())
    }

    /// Forgets an account.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
