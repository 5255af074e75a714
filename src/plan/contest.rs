//! Whether somebody else changes back what Ambit repairs.
//!
//! Two controllers that each repair the other's work would go on for ever, at
//! the cost of calls, of events that nobody reads, and of access that comes and
//! goes. After three rounds Ambit stops and says so.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::drift::{Difference, Part};
use crate::api::v1alpha1::{ContestStatus, ContestedPart};

/// How often the same drift is repaired before Ambit stops.
pub const ROUNDS: i32 = 3;

/// The same drift, later than this after its last repair, is a new one. As a
/// rule; where sweeps are rarer, so is the other party noticed.
const QUIET: Duration = Duration::from_hours(1);

/// How many sweeps without it make the same drift a new one.
const QUIET_SWEEPS: u32 = 3;

/// The most parts that status keeps.
const MAX_PARTS: usize = 20;
/// The longest subject that status keeps.
const MAX_SUBJECT: usize = 2048;

/// What a contest so far means for drift that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contest {
    /// Repair it. This is what to remember once that succeeded.
    Repair(ContestStatus),
    /// Stop: it was repaired so many times and came back each time. This is what to remember of it.
    Stop(i32, ContestStatus),
}

/// Judges drift by what was repaired before. No time that passes makes new what Ambit has
/// given up on.
#[must_use]
pub fn contest(
    before: Option<&ContestStatus>,
    drift: &[Difference],
    sweep_interval: Duration,
    now: Timestamp,
) -> Contest {
    let before = before.filter(|before| before.stopped || !is_over(before, sweep_interval, now));
    let is_found = |known: &&ContestedPart| drift.iter().any(|found| is_same(known, &part(found)));
    if let Some(before) = before
        && let Some(known) = before.parts.iter().filter(|known| known.rounds >= ROUNDS).find(is_found)
    {
        return Contest::Stop(known.rounds, ContestStatus { stopped: true, ..before.clone() });
    }
    let mut parts = before.map(|before| before.parts.clone()).unwrap_or_default();
    for anew in drift.iter().map(part) {
        match parts.iter_mut().find(|known| is_same(known, &anew)) {
            Some(known) => known.rounds += 1,
            None => parts.push(anew),
        }
    }
    // The most contested are kept.
    parts.sort_by_key(|part| std::cmp::Reverse(part.rounds));
    parts.truncate(MAX_PARTS);
    let last_repair_time = Time(Timestamp::from_second(now.as_second()).unwrap_or(now));
    Contest::Repair(ContestStatus { parts, last_repair_time, stopped: false })
}

/// Whether one of these parts was changed back so often that Ambit gives it up.
#[must_use]
pub fn is_about(contest: &ContestStatus, parts: &[Part]) -> bool {
    let mut contested = contest.parts.iter().filter(|known| known.rounds >= ROUNDS);
    contested.any(|known| parts.iter().any(|part| part.name() == known.part))
}

/// Whether what was repaired has stayed so for long enough.
fn is_over(contest: &ContestStatus, sweep_interval: Duration, now: Timestamp) -> bool {
    let quiet = QUIET.max(sweep_interval.saturating_mul(QUIET_SWEEPS));
    let since = Duration::try_from(now.duration_since(contest.last_repair_time.0)).unwrap_or_default();
    since > quiet
}

/// What is changed, whatever it is changed to: another party may write another value each time.
fn part(difference: &Difference) -> ContestedPart {
    let subject = difference.subject.as_ref().map(|subject| subject.chars().take(MAX_SUBJECT).collect());
    ContestedPart { part: difference.part.name().to_owned(), subject, rounds: 1 }
}

fn is_same(one: &ContestedPart, other: &ContestedPart) -> bool {
    (&one.part, &one.subject) == (&other.part, &other.subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::drift::DriftClass;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn drift(part: Part, subject: &str, summary: &str) -> Difference {
        Difference { subject: Some(subject.into()), ..Difference::new(part, DriftClass::Foreign, summary) }
    }

    fn rounds(contest: &Contest) -> Vec<i32> {
        match contest {
            Contest::Repair(next) => next.parts.iter().map(|part| part.rounds).collect(),
            Contest::Stop(after, _) => vec![-after],
        }
    }

    /// What comes of drift at so many seconds, in these parts.
    fn fight(moments: &[(i64, &[&str])], interval: Duration) -> Vec<Vec<i32>> {
        let mut before = None;
        let mut told = Vec::new();
        for (number, (second, subjects)) in moments.iter().enumerate() {
            let words = format!("in words that differ: {number}");
            let found: Vec<_> = subjects.iter().map(|subject| drift(Part::Attachment, subject, &words)).collect();
            let contest = contest(before.as_ref(), &found, interval, at(*second));
            told.push(rounds(&contest));
            if let Contest::Repair(next) = contest {
                before = Some(next);
            }
        }
        told
    }

    #[test]
    fn the_fourth_time_is_not_repaired() {
        let moments: [(i64, &[&str]); 5] = [(0, &["a"]), (60, &["a"]), (120, &["a"]), (180, &["a"]), (240, &["a"])];
        assert_eq!(fight(&moments, MINUTE), [[1], [2], [3], [-3], [-3]]);
    }

    #[test]
    fn after_a_quiet_hour_it_is_a_new_one() {
        let after = |last: i64| fight(&[(0, &["a"]), (60, &["a"]), (120, &["a"]), (120 + last, &["a"])], MINUTE);
        assert_eq!(after(3_601), [[1], [2], [3], [1]]);
        assert_eq!(after(3_600), [[1], [2], [3], [-3]]);
    }

    #[test]
    fn where_sweeps_are_rare_a_quiet_hour_says_nothing() {
        let at_hours = |last: i64| {
            let hours = [0, 24, 48, last].map(|hour| (hour * 3_600, &["a"] as &[&str]));
            fight(&hours, Duration::from_hours(24))
        };
        assert_eq!(at_hours(72), [[1], [2], [3], [-3]]);
        assert_eq!(at_hours(48 + 73), [[1], [2], [3], [1]]);
    }

    /// A party that changes two parts, one after the other, is one party.
    #[test]
    fn each_part_has_its_own_rounds() {
        let moments: [(i64, &[&str]); 7] =
            [(0, &["a"]), (1, &["b"]), (2, &["a"]), (3, &["b"]), (4, &["a"]), (5, &["b"]), (6, &["a"])];
        assert_eq!(
            fight(&moments, MINUTE),
            [vec![1], vec![1, 1], vec![2, 1], vec![2, 2], vec![3, 2], vec![3, 3], vec![-3]]
        );
        let more: [(i64, &[&str]); 4] = [(0, &["a"]), (1, &["a"]), (2, &["a", "b"]), (3, &["b", "a"])];
        assert_eq!(fight(&more, MINUTE), [vec![1], vec![2], vec![3, 1], vec![-3]]);
    }

    /// What Ambit has given up on does not become new because time passes.
    #[test]
    fn what_was_stopped_stays_so() {
        let found = [drift(Part::Attachment, "a", "")];
        let third = ContestStatus {
            parts: vec![ContestedPart { part: "attachment".into(), subject: Some("a".into()), rounds: 3 }],
            last_repair_time: Time(at(0)),
            stopped: false,
        };
        let stopped = ContestStatus { stopped: true, ..third.clone() };
        assert_eq!(contest(Some(&third), &found, MINUTE, at(1)), Contest::Stop(3, stopped.clone()));
        let later = at(1_000_000);
        assert_eq!(contest(Some(&stopped), &found, MINUTE, later), Contest::Stop(3, stopped.clone()));
        assert_eq!(rounds(&contest(Some(&third), &found, MINUTE, later)), [1]);
        assert_eq!(rounds(&contest(Some(&stopped), &[drift(Part::Trust, "", "")], MINUTE, later)), [3, 1]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let found: Vec<_> = (0..50).map(|number| drift(Part::Attachment, &number.to_string(), "")).collect();
        assert_eq!(rounds(&contest(None, &found, MINUTE, at(0))).len(), 20);
    }
}
