//! Where a reconciliation stopped, which condition says so, and what follows.

use super::bind;
use super::case::Case;
use super::outcome::{Failure, Outcome};
use crate::api::v1alpha1::ManagementPolicy;
use crate::cloud::{CloudError, ErrorKind};
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::plan::{Findings, Reason, Verdict};

/// What happens to pods that want the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// What the table says stays.
    Leave,
    /// The service account is another identity's: its entry in the table stays, and what this one
    /// said on the service account is taken away.
    Yield,
    /// New pods are turned away, with this reason.
    Shut(String),
}

/// The condition that a stop is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Provisioned,
    Bound,
    InSync,
    Credentials,
    Proof,
}

/// A reconciliation that stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    place: Place,
    verdict: Verdict,
    outcome: Outcome,
    gate: Gate,
}

impl Stop {
    fn new(place: Place, verdict: Verdict, outcome: Outcome) -> Self {
        Self { place, verdict, outcome, gate: Gate::Leave }
    }

    /// Stopped at the principal.
    #[must_use]
    pub fn provisioned(verdict: Verdict, outcome: Outcome) -> Self {
        Self::new(Place::Provisioned, verdict, outcome)
    }

    /// Stopped at the comparison of live and declared.
    #[must_use]
    pub fn in_sync(verdict: Verdict, outcome: Outcome) -> Self {
        Self::new(Place::InSync, verdict, outcome)
    }

    /// Stopped at the credentials that are to stand in a Secret.
    #[must_use]
    pub fn credentials(verdict: Verdict, outcome: Outcome) -> Self {
        Self::new(Place::Credentials, verdict, outcome)
    }

    /// Stopped at the proof that the identity is usable.
    #[must_use]
    pub fn proof(verdict: Verdict, outcome: Outcome) -> Self {
        Self::new(Place::Proof, verdict, outcome)
    }

    /// Stopped on the way from pod to principal.
    #[must_use]
    pub fn bound(verdict: Verdict, outcome: Outcome) -> Self {
        Self::new(Place::Bound, verdict, outcome)
    }

    /// Stopped because the account as a whole is not in order. The account's
    /// own reconciliation wakes its identities when it is.
    #[must_use]
    pub fn account(verdict: Verdict, concerns_binding: bool) -> Self {
        let place = if concerns_binding { Place::Bound } else { Place::Provisioned };
        Self::new(place, verdict, Outcome::Refused)
    }

    /// Turns new pods away as well.
    #[must_use]
    pub fn shutting(self, reason: impl Into<String>) -> Self {
        Self { gate: Gate::Shut(reason.into()), ..self }
    }

    /// A call to the cloud failed.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`, which gives the error away")]
    pub fn cloud(error: CloudError) -> Self {
        tracing::warn!(error.type = error.kind.name(), %error, "a call to the cloud failed");
        Self::provisioned(cloud_verdict(&error), Outcome::Failed(Failure::Cloud(error.kind)))
    }

    /// Whether it was stopped by a quota of the cloud.
    #[must_use]
    pub fn is_for_want_of_room(&self) -> bool {
        self.outcome == Outcome::Failed(Failure::Cloud(ErrorKind::LimitExceeded))
    }

    /// A request to the API server failed.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`, which gives the error away")]
    pub fn cluster(error: ClusterError) -> Self {
        tracing::warn!(error.type = error.kind.name(), %error, "a request to the API server failed");
        Self::bound(cluster_verdict(&error), Outcome::Failed(Failure::Cluster(error.kind)))
    }

    /// Writes the stop into the findings, and the gate into the table.
    pub async fn settle(self, case: &Case<'_>, findings: &mut Findings) -> Outcome {
        let slot = match self.place {
            Place::Provisioned => &mut findings.provisioned,
            Place::Bound => &mut findings.bound,
            Place::InSync => &mut findings.in_sync,
            Place::Credentials => &mut findings.credentials,
            Place::Proof => &mut findings.proof,
        };
        *slot = self.verdict;
        if case.identity.spec.management_policy == ManagementPolicy::Enforce
            && let Err(error) = bind::turn_away(case, self.gate, findings).await
        {
            return super::case::failed(&error);
        }
        self.outcome
    }
}

/// What a failed request to the API server means for the identity.
#[must_use]
pub fn cluster_verdict(error: &ClusterError) -> Verdict {
    match error.kind {
        ClusterErrorKind::Denied | ClusterErrorKind::Invalid => Verdict::terminal(
            Reason::ClusterRefused,
            format!("the API server refuses Ambit's own request: {error}; compare its permissions with the chart's"),
        ),
        _ => Verdict::retrying(Reason::Pending, format!("the API server did not do what Ambit asked: {error}")),
    }
}

/// What a failed call means for the identity.
#[must_use]
pub fn cloud_verdict(error: &CloudError) -> Verdict {
    match error.kind {
        ErrorKind::Throttled => Verdict::retrying(
            Reason::Throttled,
            format!("the cloud limits the rate of calls, and Ambit waits: {error}"),
        ),
        ErrorKind::Denied => Verdict::terminal(
            Reason::CloudDenied,
            format!(
                "the cloud does not let Ambit do this: {error}; compare Ambit's own policy with `ambit account policy`"
            ),
        ),
        ErrorKind::LimitExceeded => Verdict::terminal(
            Reason::LimitExceeded,
            format!("a quota of the account is used up: {error}; raise it or remove what is not needed"),
        ),
        ErrorKind::Invalid => {
            Verdict::terminal(Reason::InvalidScope, format!("the cloud refuses what was declared: {error}"))
        }
        ErrorKind::NotFound | ErrorKind::Conflict => {
            Verdict::retrying(Reason::Pending, format!("the cloud is still changing: {error}"))
        }
        ErrorKind::Transient => Verdict::retrying(
            Reason::CloudUnreachable,
            format!("the cloud cannot be reached or does not answer: {error}"),
        ),
    }
}
