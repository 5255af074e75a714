//! The one step that comes next.

use std::time::Duration;

use jiff::Timestamp;

use super::calendar::{self, Jitter};
use super::evidence::{self, Hindrance, RETRY, later};
use super::state::{
    Cause, KeyRecord, Move, Phase, Policy, Publication, Published, Rotation, SecretSeen, Seen, Waiting,
};
use crate::domain::AccessKey;
use crate::names::AccessKeyId;

/// The most keys that a user may have. The cloud sees to it.
const MOST_KEYS: usize = 2;

/// Clocks of two processes may differ by so much without anybody's correcting the other.
const SKEW: Duration = Duration::from_mins(1);

/// Decides what to do next, from what is persisted and what was just seen.
#[must_use]
pub fn next(state: &Rotation, seen: &Seen, policy: &Policy, now: Timestamp, jitter: Jitter) -> Move {
    // As the API server keeps times, so that what is written equals what is read.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Look { state, seen, policy, now, jitter }.next()
}

/// What to write into the Secret with the key that was just made, and for which
/// [`Move::CreateKey`] was decided by this look.
#[must_use]
pub fn publication(seen: &Seen, made: &AccessKeyId) -> Publication {
    let before = seen.secret.published().map(|published| &published.id);
    let other = seen.keys.first().map(|key| &key.id);
    let superseded = before.or(other).or(seen.secret.superseded()).cloned();
    Publication { id: made.clone(), superseded }
}

#[derive(Clone, Copy)]
struct Look<'a> {
    state: &'a Rotation,
    seen: &'a Seen,
    policy: &'a Policy,
    now: Timestamp,
    jitter: Jitter,
}

/// Whether the key that the Secret names can be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Works,
    Lost,
    Unsure,
}

impl<'a> Look<'a> {
    fn next(self) -> Move {
        if let SecretSeen::Foreign(why) = &self.seen.secret {
            return Move::Refuse(why.clone());
        }
        if let Some(published) = self.seen.secret.published()
            && self.state.current.as_ref().is_none_or(|current| current.id != published.id)
        {
            return Move::RecordState(self.with_published(published));
        }
        if let Some(healed) = self.with_possible_times() {
            return Move::RecordState(healed);
        }
        if self.state.phase == Phase::Creating {
            return self.create();
        }
        // While the Secret has no key, first things first: it gets one.
        if self.seen.secret.published().is_some()
            && let Some(unknown) = self.unknown_key()
        {
            return self.deal_with(unknown);
        }
        match self.state.previous.as_ref().map(|previous| (previous, self.seen.key(&previous.id))) {
            None => self.rest(),
            Some((_, None)) => Move::RecordState(self.finished()),
            Some((previous, Some(key))) => self.replace(previous, key),
        }
    }

    /// What was published is the truth, whatever status says: whoever published it
    /// may have ended before it was written down.
    fn with_published(self, published: &Published) -> Rotation {
        let created = self.seen.key(&published.id).map(|key| key.created).or(published.time).unwrap_or(self.now);
        let record = |record: &Option<KeyRecord>| {
            record.clone().filter(|record| record.id != published.id && self.seen.key(&record.id).is_some())
        };
        let is_older = |key: &&AccessKey| key.id != published.id && key.created <= created;
        let unknown = || self.seen.keys.iter().find(is_older).map(unpublished);
        let previous = record(&self.state.current).or_else(|| record(&self.state.previous)).or_else(unknown);
        Rotation {
            phase: if previous.is_some() { Phase::Published } else { Phase::Stable },
            since: Some(self.now),
            current: Some(KeyRecord { id: published.id.clone(), created, published: published.time }),
            deactivated: None,
            next_rotation: Some(calendar::due(created, self.policy.rotate_every, self.jitter)),
            handled: self.state.handled.clone(),
            revoke_old: self.state.revoke_old && previous.is_some(),
            previous,
        }
    }

    /// Times to come, in place of what has been: the clock was ahead when they were
    /// written. What waits for them begins to wait anew.
    fn with_possible_times(self) -> Option<Rotation> {
        let latest = later(self.now, SKEW);
        let possible = |time: Option<Timestamp>| time.map(|time| if time > latest { self.now } else { time });
        let healed = Rotation {
            since: possible(self.state.since),
            deactivated: possible(self.state.deactivated),
            ..self.state.clone()
        };
        (healed != *self.state).then_some(healed)
    }

    /// A key is to be made and published.
    fn create(self) -> Move {
        if let Some(request) = self.policy.pending(self.state) {
            // It comes before the new key, so the new key is what it asks for.
            let cause = if request.revoke_old { Cause::Emergency } else { Cause::Requested };
            return Move::WriteIntent(self.intent(self.state.revoke_old), cause);
        }
        if self.seen.keys.len() < MOST_KEYS {
            return Move::CreateKey;
        }
        let kept = self.seen.secret.published().map(|published| &published.id);
        let kept = kept.or(self.state.current.as_ref().map(|current| &current.id));
        let spare = || self.seen.keys.iter().filter(|key| kept != Some(&key.id));
        if let Some(lost) = spare().find(|key| self.was_never_published(key)) {
            return self.shed(lost);
        }
        let published = self.published_time();
        match spare().min_by_key(|key| (key.created, &key.id)) {
            None => Move::Wait(later(self.now, RETRY), Waiting::NotListed),
            Some(key) if self.is_urgent() => self.shed(key),
            Some(key) => match self.hindrance(&key.id, published) {
                Some((until, why)) => Move::Wait(until, why),
                None => self.shed(key),
            },
        }
    }

    /// A key that is neither the Secret's nor the one before it.
    fn unknown_key(self) -> Option<&'a AccessKey> {
        let published = self.seen.secret.published().map(|published| &published.id);
        let previous = self.state.previous.as_ref().map(|previous| &previous.id);
        let mut unknown = self.seen.keys.iter().filter(|key| ![published, previous].contains(&Some(&key.id)));
        let is_previous_there = previous.is_some_and(|id| self.seen.key(id).is_some());
        unknown.find(|key| self.was_never_published(key) || !is_previous_there)
    }

    /// Nobody holds what was never published. Anything else may be held, and goes as
    /// any old key goes.
    fn deal_with(self, unknown: &AccessKey) -> Move {
        if self.was_never_published(unknown) {
            return self.shed(unknown);
        }
        Move::RecordState(Rotation {
            phase: Phase::Published,
            since: Some(self.now),
            previous: Some(unpublished(unknown)),
            deactivated: None,
            ..self.state.clone()
        })
    }

    /// Whether a key never was in the Secret. Keys are published in the order in which
    /// they are made, because each publication ends the chance of all that were made
    /// before it: so what is younger than the Secret's key has not been there.
    fn was_never_published(self, key: &AccessKey) -> bool {
        let current = self.state.current.as_ref();
        let last = match self.seen.secret.published() {
            None => match current {
                None => return true,
                Some(current) => Some(current.created),
            },
            Some(published) => {
                let recorded = current.filter(|current| current.id == published.id).map(|current| current.created);
                self.seen.key(&published.id).map(|key| key.created).or(recorded)
            }
        };
        last.is_some_and(|last| key.created > last)
    }

    /// One key, and nothing under way.
    fn rest(self) -> Move {
        let created = self.state.current.as_ref().map(|current| current.created);
        let due = created.map(|created| calendar::due(created, self.policy.rotate_every, self.jitter));
        let health = self.health();
        let request = self.policy.pending(self.state);
        let cause = match health {
            Health::Lost if self.state.current.is_none() => Some(Cause::First),
            Health::Lost => Some(Cause::Lost),
            Health::Unsure => return Move::Wait(later(self.now, RETRY), Waiting::NotListed),
            Health::Works => match request {
                Some(request) if request.revoke_old => Some(Cause::Emergency),
                Some(_) => Some(Cause::Requested),
                None => due.is_some_and(|due| due <= self.now).then_some(Cause::Due),
            },
        };
        if let Some(cause) = cause {
            return Move::WriteIntent(self.intent(false), cause);
        }
        let settled = Rotation {
            phase: Phase::Stable,
            next_rotation: due,
            previous: None,
            deactivated: None,
            revoke_old: false,
            ..self.state.clone()
        };
        if settled == *self.state {
            Move::Wait(due.unwrap_or(self.now), Waiting::NotDue)
        } else {
            Move::RecordState(settled)
        }
    }

    /// The new key is in the Secret, the old one goes.
    fn replace(self, previous: &KeyRecord, key: &AccessKey) -> Move {
        if self.health() == Health::Lost && self.seen.keys.len() < MOST_KEYS {
            return Move::WriteIntent(self.intent(self.state.revoke_old), Cause::Lost);
        }
        let published = self.published_time();
        let phase = |phase| Move::RecordState(Rotation { phase, since: Some(self.now), ..self.state.clone() });
        let wait = |(until, why): Hindrance| Move::Wait(until, why);
        match self.state.phase {
            Phase::Retiring => self.retire(previous, key),
            Phase::Published | Phase::Confirming if self.is_urgent() => phase(Phase::Retiring),
            Phase::Published => {
                let overlap = evidence::overlap(self.state.since, published, self.seen, self.policy, self.now);
                overlap.map_or_else(|| phase(Phase::Confirming), wait)
            }
            Phase::Confirming => {
                let hindrance = self.hindrance(&previous.id, published);
                hindrance.map_or_else(|| phase(Phase::Retiring), wait)
            }
            // Nothing writes this; whatever did, the old key is there.
            Phase::Stable | Phase::Creating => phase(Phase::Published),
        }
    }

    /// Deactivated first, deleted when the grace is over.
    fn retire(self, previous: &KeyRecord, key: &AccessKey) -> Move {
        if self.is_urgent() {
            return self.shed(key);
        }
        let again =
            Rotation { phase: Phase::Published, since: Some(self.now), deactivated: None, ..self.state.clone() };
        let current = self.state.current.as_ref();
        if evidence::turned_out_in_use(&previous.id, current, self.state.since, self.seen, self.policy) {
            return if key.active { Move::RecordState(again) } else { Move::Activate(key.id.clone()) };
        }
        match self.state.deactivated {
            None if key.active || self.seen.secret.superseded() != Some(&key.id) => self.shed(key),
            None => Move::RecordState(Rotation { deactivated: Some(self.now), ..self.state.clone() }),
            // Somebody needs it.
            Some(_) if key.active => Move::RecordState(again),
            Some(deactivated) => {
                let until = later(deactivated, self.policy.grace());
                if until > self.now { Move::Wait(until, Waiting::Grace) } else { self.shed(key) }
            }
        }
    }

    /// The next step on the way of a key that goes.
    ///
    /// INVARIANT: no key is deactivated or deleted unless the Secret says that it will
    /// not have it again.
    fn shed(self, key: &AccessKey) -> Move {
        if self.seen.secret.superseded() != Some(&key.id) {
            return Move::Supersede(key.id.clone());
        }
        if key.active { Move::Deactivate(key.id.clone()) } else { Move::DeleteKey(key.id.clone()) }
    }

    fn hindrance(self, old: &AccessKeyId, published: Option<Timestamp>) -> Option<Hindrance> {
        evidence::overlap(published, published, self.seen, self.policy, self.now)
            .or_else(|| evidence::in_use(old, published, self.seen, self.policy, self.now))
    }

    fn health(self) -> Health {
        let Some(published) = self.seen.secret.published() else { return Health::Lost };
        match self.seen.key(&published.id) {
            Some(key) if key.active => Health::Works,
            None if !self.seen.confirmed_missing => Health::Unsure,
            _ => Health::Lost,
        }
    }

    fn published_time(self) -> Option<Timestamp> {
        self.state.current.as_ref().and_then(|current| current.published)
    }

    fn is_urgent(self) -> bool {
        self.state.revoke_old || self.policy.pending(self.state).is_some_and(|request| request.revoke_old)
    }

    fn intent(self, revoke_old: bool) -> Rotation {
        let request = self.policy.pending(self.state);
        Rotation {
            phase: Phase::Creating,
            since: Some(self.now),
            deactivated: None,
            handled: request.map(|request| request.value.clone()).or_else(|| self.state.handled.clone()),
            revoke_old: revoke_old || request.is_some_and(|request| request.revoke_old),
            ..self.state.clone()
        }
    }

    fn finished(self) -> Rotation {
        Rotation {
            phase: Phase::Stable,
            since: Some(self.now),
            previous: None,
            deactivated: None,
            revoke_old: false,
            ..self.state.clone()
        }
    }
}

/// A key of which nobody knows whether it was ever in the Secret.
fn unpublished(key: &AccessKey) -> KeyRecord {
    KeyRecord { id: key.id.clone(), created: key.created, published: None }
}
