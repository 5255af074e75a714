//! Principals that outlived their identity, and how many of them may go at once.
//!
//! An identity's finalizer sees to it that its principal goes first. An orphan
//! is what is left when that could not happen: the finalizer was taken off by
//! hand, a cluster was restored from a backup, a process ended at the wrong moment.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::Swept;
use crate::names::{IdentityKey, InstallationId, Owner, PrincipalName};

/// How long a removal counts against the budget.
pub const WINDOW: Duration = Duration::from_hours(1);
/// One role of so many may be removed within the window.
const ONE_OF: u32 = 5;

/// A principal of an installation, and the owner that its tags name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Its name.
    pub name: PrincipalName,
    /// Its unique id.
    pub id: String,
    /// The owner.
    pub owner: Owner,
}

impl Owned {
    /// Whose a swept principal is. Nothing unless path, name and every tag agree:
    /// what is only nearly ours is not taken for ours. Nothing either if it was
    /// left behind on purpose.
    #[must_use]
    pub fn of(swept: &Swept, installation: &InstallationId) -> Option<Self> {
        let tags = &swept.owner;
        if !swept.on_our_path || tags.is_retained() || tags.installation.as_deref() != Some(installation.as_str()) {
            return None;
        }
        let (namespace, name) = tags.identity.as_deref()?.split_once('/')?;
        let identity = IdentityKey::new(namespace, name);
        let principal = PrincipalName::of(swept.kind, installation, &identity);
        let uid = tags.uid.clone().filter(|uid| !uid.is_empty())?;
        let owner = Owner { installation: installation.clone(), identity, uid };
        (principal.as_str() == swept.name).then(|| Self { name: principal, id: swept.id.clone(), owner })
    }
}

/// Those whose identity is gone. One that was declared again under the same name
/// takes the principal over by itself, so nothing of that name is an orphan.
#[must_use]
pub fn orphans(owned: Vec<Owned>, exists: impl Fn(&IdentityKey) -> bool) -> Vec<Owned> {
    owned.into_iter().filter(|owned| !exists(&owned.owner.identity)).collect()
}

/// What earlier sweeps found. It may be lost: then everything is found anew.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// By kind and name: a role and a user may have the same name.
    seen: BTreeMap<PrincipalName, Seen>,
}

#[derive(Debug, Clone)]
struct Seen {
    orphan: Owned,
    /// When the sweep began that found it first, as the clock said.
    first: Timestamp,
    /// When that was, as time measured that nobody can set.
    steady: Duration,
}

impl Watch {
    /// Takes in what a complete sweep found, and says which of it an earlier sweep
    /// found as well, longer ago than reads may lag: by the clock, and by `steady`,
    /// which is measured and which a clock that is set forward does not hurry.
    pub fn confirm(&mut self, found: Vec<Owned>, began: Timestamp, steady: Duration, lag: Duration) -> Vec<Owned> {
        let mut before = std::mem::take(&mut self.seen);
        let mut confirmed = Vec::new();
        for orphan in found {
            let name = orphan.name.clone();
            let known = before.remove(&name).filter(|known| known.orphan == orphan);
            let seen = known.unwrap_or_else(|| Seen { orphan: orphan.clone(), first: began, steady });
            let is_ripe = seen.first.checked_add(lag).is_ok_and(|ripe| ripe <= began)
                && seen.first < began
                && seen.steady.saturating_add(lag) <= steady;
            self.seen.insert(name, seen);
            confirmed.extend(is_ripe.then_some(orphan));
        }
        confirmed
    }
}

/// The removals that count against the budget, as they were written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// How many.
    pub removed: u32,
    /// The first of them.
    pub since: Option<Timestamp>,
    /// The last of them.
    pub last: Option<Timestamp>,
}

/// How many of so many roles may be removed within the window.
#[must_use]
pub fn budget(roles: usize) -> u32 {
    (u32::try_from(roles).unwrap_or(u32::MAX) / ONE_OF).max(1)
}

impl Ledger {
    /// The removals that still count. They count until a whole window has passed
    /// without one, so that no span of that length ever has more than the budget.
    /// A clock that went back makes them count longer, never shorter.
    fn counted(self, now: Timestamp) -> Self {
        let over = self.last.and_then(|last| last.checked_add(WINDOW).ok()).is_none_or(|end| end <= now);
        if over { Self::default() } else { self }
    }

    /// The moment by which removals are judged: now, unless less time was measured
    /// since the last of them than the clock says, because somebody set it forward.
    /// What another process removed is judged by the clock alone.
    #[must_use]
    pub fn judged_at(self, now: Timestamp, since_last: Option<Duration>) -> Timestamp {
        let measured = self.last.zip(since_last).and_then(|(last, since)| last.checked_add(since).ok());
        measured.map_or(now, |measured| measured.min(now))
    }

    /// How many more may be removed now.
    #[must_use]
    pub fn left(self, roles: usize, now: Timestamp) -> u32 {
        budget(roles).saturating_sub(self.counted(now).removed)
    }

    /// The ledger when so many more are about to be removed: what still counts is
    /// `judged` by one moment, and `now` is written down.
    #[must_use]
    pub fn spend(self, count: u32, judged: Timestamp, now: Timestamp) -> Self {
        let counted = self.counted(judged);
        Self {
            removed: counted.removed.saturating_add(count),
            since: Some(counted.since.unwrap_or(now)),
            // Never back, or what was removed before would stop counting early.
            last: Some(counted.last.map_or(now, |last| last.max(now))),
        }
    }

    /// The ledger when so many of those were left alone after all.
    #[must_use]
    pub fn refund(self, count: u32) -> Self {
        Self { removed: self.removed.saturating_sub(count), ..self }
    }
}

#[cfg(test)]
mod tests;
