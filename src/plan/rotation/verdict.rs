//! What `CredentialsFresh` says of a rotation.

use std::time::Duration;

use jiff::Timestamp;

use super::consumers::{self, Consumer};
use super::evidence::later;
use super::state::{KeyRecord, Move, Phase, Policy, Rotation, Seen, Waiting};
use crate::plan::reason::{Reason, Verdict};

/// A rotation may take so long to make its key before it is overdue.
const LATE: Duration = Duration::from_hours(1);

/// What the condition says, given the step that was decided on. It depends on the time
/// in one way only: whether a rotation is overdue.
#[must_use]
pub fn verdict(state: &Rotation, seen: &Seen, policy: &Policy, decided: &Move, now: Timestamp) -> Verdict {
    if let Move::Refuse(why) = decided {
        return Verdict::terminal(Reason::SecretTaken, why.clone());
    }
    let Some(current) = &state.current else {
        return Verdict::working(Reason::Rotating, "the first access key is being made");
    };
    let said = progress(state, policy, current, decided);
    if is_lost(current, seen) {
        let lost = format!("the Secret or its key {} was deleted or deactivated by somebody else", key(current));
        let message = match state.previous {
            None => format!("{lost}: a new key is being made"),
            Some(_) => format!("{lost}: a new key is made as soon as there is room for it; {}", said.message),
        };
        return Verdict::retrying(Reason::Rotating, message);
    }
    match state.next_rotation {
        Some(due) if later(due, LATE) < now => {
            let message = format!("the key {} was to be rotated at {due}: {}", key(current), said.message);
            Verdict::tolerated(Reason::Overdue, message)
        }
        _ => said,
    }
}

/// Whether pods that start now get no key that works.
fn is_lost(current: &KeyRecord, seen: &Seen) -> bool {
    match (seen.secret.published(), seen.key(&current.id)) {
        (Some(_), Some(key)) => !key.active,
        (Some(_), None) => seen.confirmed_missing,
        (None, _) => true,
    }
}

/// How far the rotation is.
fn progress(state: &Rotation, policy: &Policy, current: &KeyRecord, decided: &Move) -> Verdict {
    let rotating = |message: String| Verdict::good(Reason::Rotating, message);
    let Some(previous) = &state.previous else {
        return match (state.phase, decided) {
            (Phase::Creating, Move::Wait(_, Waiting::HeldBy(holders))) => {
                let message = format!(
                    "there is no room for a new key: there is another one, and it is not known whether it is held by {}: restart {}",
                    consumers::in_words(holders),
                    it_or_them(holders)
                );
                Verdict::tolerated(Reason::HeldByConsumer, message)
            }
            (Phase::Creating, _) => {
                rotating(format!("a new key is being made; the Secret has {} until then", key(current)))
            }
            _ => fresh(state, current),
        };
    };
    let (new, old) = (key(current), key(previous));
    match (state.phase, decided) {
        (_, Move::Wait(_, Waiting::HeldBy(holders))) => {
            let (words, them) = (consumers::in_words(holders), it_or_them(holders));
            let hold = if holders.len() == 1 { "holds" } else { "hold" };
            let message = format!("{words} still {hold} the old key {old}: restart {them}");
            Verdict::tolerated(Reason::HeldByConsumer, message)
        }
        (Phase::Confirming, Move::Wait(_, Waiting::UsedAt(time))) => {
            let days = in_words(policy.overlap);
            let message = format!(
                "the old key {old} was used at {time}, by nobody that Ambit knows: CloudTrail says who; it goes when it was not used for {days}"
            );
            Verdict::tolerated(Reason::HeldByConsumer, message)
        }
        (Phase::Published, Move::Wait(_, Waiting::Overlap(holders))) => {
            let until = state.since.map_or(Timestamp::MAX, |since| later(since, policy.overlap));
            let held = if holders.is_empty() {
                String::new()
            } else {
                format!("; until then {} to be restarted", must(holders))
            };
            rotating(format!("the Secret has the new key {new}; the old key {old} stays until {until} at least{held}"))
        }
        (_, Move::Wait(_, Waiting::Rereading(readers))) => {
            let words = consumers::in_words(readers);
            rotating(format!(
                "the Secret has the new key {new}; the old key {old} stays until the files are up to date of {words}"
            ))
        }
        (_, Move::Wait(_, Waiting::UseUnknown)) => {
            rotating(format!("the old key {old} stays: the cloud did not say when it was used last"))
        }
        (_, Move::Wait(_, Waiting::ConsumersUnknown)) => {
            rotating(format!("the old key {old} stays: the pods could not be read, so it is not known who holds it"))
        }
        (Phase::Retiring, Move::Wait(until, Waiting::Grace)) => rotating(format!(
            "the old key {old} is inactive and is deleted at {until}; if something needs it, activate it again"
        )),
        (Phase::Retiring, _) => {
            rotating(format!("the Secret has the new key {new}; the old key {old} is on its way out"))
        }
        _ => rotating(format!("the Secret has the new key {new}; the old key {old} stays for now")),
    }
}

fn fresh(state: &Rotation, current: &KeyRecord) -> Verdict {
    let next = state.next_rotation.map(|due| format!("; it is rotated at {due}")).unwrap_or_default();
    Verdict::good(Reason::Fresh, format!("the Secret has the key {}, made at {}{next}", key(current), current.created))
}

fn must(holders: &[Consumer]) -> String {
    let have = if holders.len() == 1 { "has" } else { "have" };
    format!("{} {have}", consumers::in_words(holders))
}

fn it_or_them(holders: &[Consumer]) -> &'static str {
    if holders.len() == 1 { "it" } else { "them" }
}

fn key(record: &KeyRecord) -> String {
    format!("`{}`", record.id)
}

/// A span in its largest whole unit.
fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        0 => (0, "second"),
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
