//! When a key is rotated.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// One part in so many of a key's or a session's life is left to chance.
const SPREAD: u64 = 10;

/// Where in the time left to chance an identity has its place: always the same for
/// the same identity, so that many do not come at once and none moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter(u32);

impl Jitter {
    /// As late as can be.
    pub const NONE: Self = Self(0);
    /// As early as can be.
    pub const MOST: Self = Self(u32::MAX);

    /// The place of the identity with this UID.
    #[must_use]
    pub fn of(uid: &str) -> Self {
        let digest = Sha256::digest(uid.as_bytes());
        Self(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
    }

    /// How much earlier than the end of such a span.
    fn within(self, seconds: u64) -> u64 {
        let early = (u128::from(seconds / SPREAD) * u128::from(self.0)) >> 32;
        u64::try_from(early).unwrap_or_default()
    }
}

/// When a key is rotated: at most a tenth of the interval early, and never late.
#[must_use]
pub fn due(created: Timestamp, rotate_every: Duration, jitter: Jitter) -> Timestamp {
    let every = rotate_every.as_secs();
    later(created, every - jitter.within(every))
}

fn later(time: Timestamp, seconds: u64) -> Timestamp {
    time.checked_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn due_after(seconds: u64, jitter: Jitter) -> i64 {
        due(at(0), Duration::from_secs(seconds), jitter).as_second() - at(0).as_second()
    }

    #[test]
    fn a_key_is_rotated_at_most_a_tenth_early_and_never_late() {
        assert_eq!(due_after(90 * DAY, Jitter::NONE), 90 * 86_400);
        assert_eq!(due_after(90 * DAY, Jitter::MOST), 81 * 86_400 + 1);
        for uid in 0..1000 {
            let after = due_after(90 * DAY, Jitter::of(&uid.to_string()));
            assert!((81 * 86_400..=90 * 86_400).contains(&after), "{uid}: {after}");
        }
    }

    #[test]
    fn identities_are_spread_over_that_time_and_stay_where_they_are() {
        let mut parts = [0; 10];
        for uid in 0..1000 {
            let early = 100_000 - due_after(100_000, Jitter::of(&format!("uid-{uid}")));
            parts[usize::try_from(early / 1000).unwrap()] += 1;
        }
        assert!(parts.iter().all(|count| (60..140).contains(count)), "{parts:?}");
        assert_eq!(due_after(90 * DAY, Jitter::of("uid-1")), 7_550_351);
    }

    #[test]
    fn no_interval_is_too_long_or_too_short() {
        assert_eq!(due(at(0), Duration::MAX, Jitter::NONE), Timestamp::MAX);
        assert_eq!(due(at(0), Duration::MAX, Jitter::MOST), Timestamp::MAX);
        assert_eq!(due_after(0, Jitter::MOST), 0);
        assert_eq!(due_after(1, Jitter::MOST), 1);
    }
}
