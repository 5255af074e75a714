//! The decorator around every reconciliation: bounded in time, isolated from
//! panics, logged and counted, and turned into the moment of the next one.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use kube::runtime::controller::Action;
use tracing::Instrument as _;

use super::outcome::{Failure, Outcome};
use crate::cloud::ErrorKind;
use crate::telemetry::metrics::Metrics;

/// The longest that one reconciliation may take. Every call in it is bounded by
/// itself; this is for what nobody thought of.
const LONGEST: Duration = Duration::from_mins(5);

/// Runs one reconciliation.
pub async fn watched(
    metrics: &Metrics,
    controller: &'static str,
    (namespace, name): (&str, &str),
    work: impl Future<Output = Outcome>,
) -> Outcome {
    // Not `name`: in JSON logs that is the span's own.
    let span = tracing::info_span!("reconcile", controller, namespace, object = name);
    let start = Instant::now();
    let outcome = bounded(work, LONGEST).instrument(span.clone()).await;
    let elapsed = start.elapsed();
    metrics.reconciled(controller, outcome.name(), elapsed);
    span.in_scope(|| match &outcome {
        Outcome::Settled | Outcome::Waiting(_) | Outcome::Deferred(_) => {
            tracing::debug!(outcome = outcome.name(), ?elapsed, "reconciled");
        }
        Outcome::Failed(failure) => {
            tracing::warn!(outcome = outcome.name(), error.type = failure.name(), ?elapsed, "reconciled");
        }
        _ => tracing::info!(outcome = outcome.name(), ?elapsed, "reconciled"),
    });
    outcome
}

async fn bounded(work: impl Future<Output = Outcome>, longest: Duration) -> Outcome {
    let isolated = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(longest, isolated).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => {
            tracing::error!("a reconciliation panicked; the others are not affected; please report this");
            Outcome::Failed(Failure::Bug)
        }
        Err(_) => Outcome::Failed(Failure::Cloud(ErrorKind::Transient)),
    }
}

/// When to look again. `failed_before` counts the failures in a row before this one.
#[must_use]
pub fn next(outcome: &Outcome, resync: Duration, failed_before: u32, spread: f64) -> Action {
    match outcome {
        // What is refused may be closed, and what is closed is looked at in full as well.
        Outcome::Applied | Outcome::Settled | Outcome::Refused => Action::requeue(resync),
        Outcome::Waiting(pause) | Outcome::Deferred(pause) => Action::requeue(*pause),
        Outcome::Finished => Action::await_change(),
        Outcome::Failed(failure) => Action::requeue(failure.pause(failed_before, spread)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_outcome() {
        let outcome = bounded(async { panic!("on purpose") }, LONGEST).await;
        assert_eq!(outcome, Outcome::Failed(Failure::Bug));
    }

    /// Sweeps do not see everything: a role that is closed is looked at like one in use.
    #[test]
    fn what_is_refused_is_looked_at_again_like_what_is_settled() {
        let hour = Duration::from_hours(1);
        let when = |outcome| next(&outcome, hour, 0, 0.5);
        assert_eq!(when(Outcome::Refused), Action::requeue(hour));
        assert_eq!(when(Outcome::Settled), Action::requeue(hour));
        assert_eq!(when(Outcome::Finished), Action::await_change());
    }

    #[tokio::test]
    async fn an_endless_reconciliation_ends() {
        let outcome = bounded(std::future::pending(), Duration::from_millis(1)).await;
        assert_eq!(outcome, Outcome::Failed(Failure::Cloud(ErrorKind::Transient)));
    }
}
