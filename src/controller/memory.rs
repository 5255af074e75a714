//! What the operator remembers of each incarnation between reconciliations.
//!
//! All of it may be lost at any moment: it saves calls and writes, and spaces
//! reads apart, but no decision is wrong without it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::api::v1alpha1::{ContestStatus, MachineIdentityStatus};
use crate::domain::ChangeEvent;
use crate::names::{AccessKeyId, Digest};
use crate::plan::{Judged, Verdict};

/// What a comparison depended on: where all of it is the same, so is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// The digest of what was found.
    pub fingerprint: Digest,
    /// The generation of the declaration.
    pub generation: Option<i64>,
    /// The state of what declarations are judged by.
    pub revision: u64,
}

/// A repair of what somebody else changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// What to write down when it succeeded.
    pub contest: ContestStatus,
    /// What is repaired, in words.
    pub words: String,
    /// The unique id of the principal that was lost.
    pub lost_id: Option<String>,
}

/// What is remembered of one incarnation.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// When the principal was first found absent.
    pub absent_since: Option<Timestamp>,
    /// When the next full look at the cloud is due.
    pub next_full_look: Option<Timestamp>,
    /// When its credentials are to be looked after next.
    pub next_credentials: Option<Timestamp>,
    /// When the next look at the Secret with its credentials is due.
    pub next_secret_look: Option<Timestamp>,
    /// What was said of its access key last.
    pub key_verdict: Option<Verdict>,
    /// Its access key, and since when this process has known it, by a clock that nobody sets.
    pub key_known: Option<(AccessKeyId, Duration)>,
    /// Its access key, and since when the cloud does not list it, by the same clock.
    pub key_missed: Option<(AccessKeyId, Duration)>,
    /// How often a sweep, an event or a table said that something differs.
    pub suspicions: u64,
    /// How many of these a full look has answered.
    pub answered: u64,
    /// What events said that somebody did since it was last seen to be in order, the newest first.
    pub change_events: Vec<ChangeEvent>,
    /// When the last full look that ended well began.
    pub looked_at: Option<Timestamp>,
    /// Whether its turn was left to others the last time.
    pub deferred: bool,
    /// When Ambit last changed the principal: an older snapshot says nothing about it.
    pub changed_at: Option<Timestamp>,
    /// What is being repaired, until live was seen to equal declared again.
    pub repair: Option<Repair>,
    /// What a sweep compared and found to be as it should, or as was told.
    pub compared: Option<Compared>,
    /// How often in a row it failed.
    pub failures: u32,
    /// How the guardrails judged it last.
    pub judged: Option<Judged>,
    /// The status as last written: the cache may lag behind it.
    pub status: Option<MachineIdentityStatus>,
}

/// The most change events that are remembered of one incarnation.
const MAX_CHANGES: usize = 8;

impl Remembered {
    /// Notes what an event said that somebody did; the oldest is forgotten where there are many.
    pub fn note_change(&mut self, change: ChangeEvent) {
        if self.change_events.iter().all(|known| known.event != change.event) {
            let place = self.change_events.iter().take_while(|known| known.at > change.at).count();
            self.change_events.insert(place, change);
            self.change_events.truncate(MAX_CHANGES);
        }
        self.suspicions += 1;
    }

    /// Whether something was said to differ since the last full look began.
    #[must_use]
    pub fn is_suspected(&self) -> bool {
        self.suspicions > self.answered
    }
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

    /// How many incarnations are remembered.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether nothing is remembered")]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Forgets all incarnations but these.
    pub fn keep_only(&self, is_known: impl Fn(&str) -> bool) {
        self.lock().retain(|uid, _| is_known(uid));
    }

    /// Forgets an incarnation.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Remembered>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
