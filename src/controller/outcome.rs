//! How a reconciliation ended, and when the next one is due.

use std::time::Duration;

use crate::cloud::ErrorKind;
use crate::cluster::ClusterErrorKind;

/// How a reconciliation ended. Recorded by one decorator, for logs and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Something was changed, and it is as it should be.
    Applied,
    /// It was as it should be; nothing was asked or changed.
    Settled,
    /// It goes on by itself after a while.
    Waiting(Duration),
    /// It was not begun, because calls to its account wait for each other already.
    Deferred(Duration),
    /// Nothing can be done until somebody changes something.
    Refused,
    /// The object is gone, or is being deleted and its principal is gone.
    Finished,
    /// It failed and is tried again, each time later.
    Failed(Failure),
}

impl Outcome {
    /// A stable word for metrics and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Settled => "settled",
            Self::Waiting(_) => "waiting",
            Self::Deferred(_) => "deferred",
            Self::Refused => "refused",
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
        }
    }
}

/// What a reconciliation failed on. The kind decides how patiently it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// A call to the cloud.
    Cloud(ErrorKind),
    /// A request to the API server.
    Cluster(ClusterErrorKind),
    /// A plan that the linter vetoed, or a panic: a bug of Ambit's.
    Bug,
}

impl Failure {
    /// A stable word for metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloud(kind) => kind.name(),
            Self::Cluster(kind) => kind.name(),
            Self::Bug => "Bug",
        }
    }

    /// The first pause and the longest one.
    fn pauses(self) -> (Duration, Duration) {
        let (first, longest) = match self {
            // Passes by itself, often at once.
            Self::Cluster(ClusterErrorKind::Conflict) => (100, 5_000),
            Self::Cloud(ErrorKind::Conflict | ErrorKind::NotFound) | Self::Cluster(ClusterErrorKind::NotFound) => {
                (1_000, 30_000)
            }
            Self::Cloud(ErrorKind::Transient) | Self::Cluster(ClusterErrorKind::Transient) => (500, 60_000),
            Self::Cloud(ErrorKind::Throttled) => (2_000, 60_000),
            // Waits for a person; looked at again because nobody tells Ambit when they are done.
            Self::Cloud(ErrorKind::Denied | ErrorKind::LimitExceeded | ErrorKind::Invalid)
            | Self::Cluster(ClusterErrorKind::Denied | ClusterErrorKind::Invalid)
            | Self::Bug => (5_000, 300_000),
        };
        (Duration::from_millis(first), Duration::from_millis(longest))
    }

    /// The pause before the next attempt: doubling from the first to the
    /// longest, spread by `spread` in 0..1 so that a herd does not come back together.
    #[must_use]
    pub fn pause(self, failed_before: u32, spread: f64) -> Duration {
        let (first, longest) = self.pauses();
        let doubled = first.saturating_mul(2_u32.saturating_pow(failed_before.min(20)));
        doubled.min(longest).mul_f64(0.75 + 0.5 * spread.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let failure = Failure::Cloud(ErrorKind::Transient);
        let pauses: Vec<u128> = [0, 1, 2, 30].map(|n| failure.pause(n, 0.5).as_millis()).into();
        assert_eq!(pauses, [500, 1_000, 2_000, 60_000]);
    }

    #[test]
    fn what_waits_for_a_person_is_tried_rarely() {
        for kind in [ErrorKind::Denied, ErrorKind::LimitExceeded, ErrorKind::Invalid] {
            assert!(Failure::Cloud(kind).pause(0, 0.0) > Duration::from_secs(3), "{kind:?}");
        }
    }

    #[test]
    fn equal_failures_spread() {
        let failure = Failure::Cloud(ErrorKind::Throttled);
        assert!(failure.pause(3, 0.0) < failure.pause(3, 1.0));
    }
}
