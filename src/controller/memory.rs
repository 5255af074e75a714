//! What the operator remembers of each incarnation between reconciliations.
//!
//! All of it may be lost at any moment: it saves calls and writes, and spaces
//! reads apart, but no decision is wrong without it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::api::v1alpha1::MachineIdentityStatus;
use crate::plan::Judged;

/// What is remembered of one incarnation.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// When the principal was first found absent.
    pub absent_since: Option<Timestamp>,
    /// When the next full look at the cloud is due.
    pub next_full_look: Option<Timestamp>,
    /// A sweep or an event says that something differs.
    pub suspected: bool,
    /// When Ambit last changed the principal: an older snapshot says nothing about it.
    pub changed_at: Option<Timestamp>,
    /// How often in a row it failed.
    pub failures: u32,
    /// How the guardrails judged it last.
    pub judged: Option<Judged>,
    /// The status as last written: the cache may lag behind it.
    pub status: Option<MachineIdentityStatus>,
}

/// The memory of all incarnations, by UID.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<HashMap<String, Remembered>>,
}

impl Memory {
    /// What is remembered of an incarnation.
    #[must_use]
    pub fn recall(&self, uid: &str) -> Remembered {
        self.lock().get(uid).cloned().unwrap_or_default()
    }

    /// Changes what is remembered of an incarnation.
    pub fn note(&self, uid: &str, change: impl FnOnce(&mut Remembered)) {
        change(self.lock().entry(uid.to_owned()).or_default());
    }

    /// Forgets an incarnation.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Remembered>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
