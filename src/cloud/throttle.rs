//! How fast one account may be called.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{CloudError, ErrorKind};

/// How many calls an account takes at once before they are spaced.
const WINDOW: Duration = Duration::from_secs(1);

/// How long a call may wait for its turn. Beyond that it fails as throttled, so
/// that every method of the port still ends in bounded time.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The pace at which one account is called, shared by all who call it.
///
/// Each call reserves its own moment and waits for that one alone: callers are
/// served in the order in which they came, and no crowd wakes for one turn. A
/// caller that gives up while it waits leaves its moment unused.
#[derive(Debug)]
pub struct RateLimit(Option<Pace>);

#[derive(Debug)]
struct Pace {
    per_second: NonZeroU32,
    /// When the bucket would be empty of debts. Every call moves it one interval on.
    settled: Mutex<Instant>,
}

impl RateLimit {
    /// No limit at all.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// So many calls per second, and as many at once after a second of rest.
    #[must_use]
    pub fn per_second(requests: NonZeroU32) -> Self {
        Self(Some(Pace { per_second: requests, settled: Mutex::new(Instant::now()) }))
    }

    /// How long a call would wait that came now.
    #[must_use]
    pub fn backlog(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |pace| pace.backlog(Instant::now()))
    }

    /// Waits until a call may go out.
    pub async fn take(&self, operation: &'static str) -> Result<(), CloudError> {
        let Some(pace) = &self.0 else { return Ok(()) };
        let wait = pace.reserve(Instant::now()).ok_or_else(|| pace.overload(operation))?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }
}

impl Pace {
    /// The next free moment after what is reserved, and how far off it is.
    fn next(&self, settled: Instant, now: Instant) -> (Instant, Duration) {
        let next = settled.max(now) + WINDOW / self.per_second.get();
        (next, next.saturating_duration_since(now + WINDOW))
    }

    fn backlog(&self, now: Instant) -> Duration {
        self.next(*self.settled.lock().unwrap_or_else(PoisonError::into_inner), now).1
    }

    /// Reserves the next free moment: how far off it is, or nothing if too far.
    fn reserve(&self, now: Instant) -> Option<Duration> {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, wait) = self.next(*settled, now);
        if wait > LONGEST_WAIT {
            return None;
        }
        *settled = next;
        Some(wait)
    }

    fn overload(&self, operation: &'static str) -> CloudError {
        CloudError {
            kind: ErrorKind::Throttled,
            operation,
            code: String::new(),
            message: format!(
                "calls worth more than {} s wait already at {} per second; raise the account's `requestsPerSecond` or wait",
                LONGEST_WAIT.as_secs(),
                self.per_second,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(requests: u32) -> RateLimit {
        RateLimit::per_second(NonZeroU32::new(requests).unwrap())
    }

    /// How long each of so many callers that come at one moment has to wait.
    fn waits(limit: &RateLimit, now: Instant, callers: usize) -> Vec<u128> {
        let pace = limit.0.as_ref().unwrap();
        (0..callers).map(|_| pace.reserve(now).unwrap().as_millis()).collect()
    }

    #[test]
    fn lets_a_burst_of_one_second_through_and_spaces_the_rest_in_order() {
        let (limit, now) = (limit(10), Instant::now());
        assert_eq!(waits(&limit, now, 10), [0; 10]);
        assert_eq!(waits(&limit, now, 3), [100, 200, 300]);
        let later = now + Duration::from_millis(300);
        assert_eq!(waits(&limit, later, 2), [100, 200]);
    }

    #[test]
    fn the_backlog_is_what_the_next_caller_waits() {
        let (limit, now) = (limit(10), Instant::now());
        let pace = limit.0.as_ref().unwrap();
        assert_eq!((pace.backlog(now), RateLimit::unlimited().backlog()), (Duration::ZERO, Duration::ZERO));
        assert_eq!(waits(&limit, now, 11).last(), Some(&100));
        assert_eq!((pace.backlog(now).as_millis(), waits(&limit, now, 1)), (200, vec![200]));
    }

    #[test]
    fn never_saves_more_than_one_burst() {
        let limit = limit(2);
        let later = Instant::now() + Duration::from_hours(1);
        assert_eq!(waits(&limit, later, 4), [0, 0, 500, 1000]);
    }

    #[tokio::test]
    async fn waits_for_its_turn() {
        let (limit, start) = (limit(50), Instant::now());
        for _ in 0..55 {
            limit.take("iam:GetRole").await.unwrap();
        }
        assert!(start.elapsed() >= Duration::from_millis(95), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn refuses_what_would_wait_too_long_and_recovers() {
        let (limit, now) = (limit(1), Instant::now());
        assert_eq!(waits(&limit, now, 61).last(), Some(&60_000));
        let error = limit.take("iam:GetRole").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Throttled);
        assert_eq!(
            error.to_string(),
            "iam:GetRole: calls worth more than 60 s wait already at 1 per second; \
             raise the account's `requestsPerSecond` or wait",
        );
        assert_eq!(waits(&limit, now + Duration::from_secs(1), 1), [60_000]);
    }

    #[tokio::test]
    async fn can_be_lifted() {
        let (limit, start) = (RateLimit::unlimited(), Instant::now());
        for _ in 0..10_000 {
            limit.take("iam:GetRole").await.unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
