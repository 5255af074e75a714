//! What status says, computed purely from what was found out.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::drift::{self, Difference};
use super::reason::{Reason, Standing, Verdict};
use crate::api::v1alpha1::{
    AwsStatus, ContestStatus, CredentialsStatus, DeliveryStatus, MachineIdentityStatus, SuspensionStatus,
};

/// Everything that one reconciliation found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// Whether the declaration may be carried out.
    pub accepted: Verdict,
    /// Whether the principal is there, as declared.
    pub provisioned: Verdict,
    /// Whether the subject gets it.
    pub bound: Verdict,
    /// Whether live equals declared.
    pub in_sync: Verdict,
    /// Whether credentials are fresh.
    pub credentials: Verdict,
    /// Whether the identity was proven usable. Counts when all others are good.
    pub proof: Verdict,
    /// The principal, as far as it is known.
    pub aws: Option<AwsStatus>,
    /// How pods get it. Absent if that was not found out: what was told stays.
    pub delivery: Option<DeliveryStatus>,
    /// The credentials that stand in a Secret.
    pub issued: Option<CredentialsStatus>,
    /// How live differs from declared. Absent if that was not found out: what was told stays.
    pub drift: Option<Vec<Difference>>,
    /// Whether somebody else changes back what Ambit repairs.
    pub contest: Option<ContestStatus>,
    /// How far the closing of a suspended identity has come, until it is open again.
    pub suspension: Option<SuspensionStatus>,
    /// The request for a full look that was acted on.
    pub handled: Option<String>,
    /// What the identity may do, in words.
    pub summary: Option<String>,
    /// The number of scopes.
    pub scopes: usize,
}

/// The new status, given the one before it.
///
/// Equal findings give an equal status, times included: a settled identity
/// causes no write.
#[must_use]
pub fn conclude(
    previous: Option<&MachineIdentityStatus>,
    generation: Option<i64>,
    findings: Findings,
    now: Timestamp,
) -> MachineIdentityStatus {
    let now = seconds(now);
    let ready = ready(&findings);
    let conditions = conditions(previous, generation, &findings, &ready, &now);
    let proven = ready.standing == Standing::Good;
    let told = previous.and_then(|status| status.drift.as_ref());
    let (drift, drift_count) = match &findings.drift {
        Some(found) => (drift::told(told, found, &now), Some(i32::try_from(found.len()).unwrap_or(i32::MAX))),
        None => (told.cloned(), previous.and_then(|status| status.drift_count).or(Some(0))),
    };
    let status = MachineIdentityStatus {
        observed_generation: generation,
        conditions,
        summary: findings.summary,
        aws: findings.aws,
        delivery: match findings.delivery {
            Some(delivery) => Some(delivery).filter(|delivery| *delivery != DeliveryStatus::default()),
            None => previous.and_then(|status| status.delivery.clone()),
        },
        credentials: findings.issued,
        drift_count,
        drift,
        contest: findings.contest,
        suspension: findings.suspension,
        last_handled_reconcile: findings.handled,
        last_verified_time: previous.and_then(|status| status.last_verified_time.clone()),
        scope_count: Some(i32::try_from(findings.scopes).unwrap_or(i32::MAX)),
    };
    match previous {
        Some(previous) if *previous == status && (!proven || status.last_verified_time.is_some()) => status,
        _ if proven => MachineIdentityStatus { last_verified_time: Some(now), ..status },
        _ => status,
    }
}

/// Whether a status says that this generation is proven and nothing is left to do.
#[must_use]
pub fn settled(status: Option<&MachineIdentityStatus>, generation: Option<i64>) -> bool {
    status.is_some_and(|status| {
        status.observed_generation == generation
            && status.conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

/// The status of an identity that is as it was, but judged anew: nothing else is
/// looked at, and nothing else changes. `proof` is what `Ready` says of one that
/// is accepted, and `credentials` must be good.
#[must_use]
pub fn rejudged(
    previous: &MachineIdentityStatus,
    accepted: &Verdict,
    proof: &Verdict,
    credentials: &Verdict,
    now: Timestamp,
) -> MachineIdentityStatus {
    let ready = usable(accepted, proof);
    let anew = [("Ready", ready), ("Accepted", accepted.clone()), ("CredentialsFresh", credentials.clone())];
    replaced(previous, anew, now)
}

/// The status of an identity whose credentials were just issued, before anything else is concluded.
#[must_use]
pub fn credentialed(
    previous: &MachineIdentityStatus,
    issued: CredentialsStatus,
    verdict: &Verdict,
    now: Timestamp,
) -> MachineIdentityStatus {
    let status = replaced(previous, [("CredentialsFresh", verdict.clone())], now);
    MachineIdentityStatus { credentials: Some(issued), ..status }
}

/// A status with other verdicts for some conditions.
fn replaced<const N: usize>(
    previous: &MachineIdentityStatus,
    verdicts: [(&str, Verdict); N],
    now: Timestamp,
) -> MachineIdentityStatus {
    let now = seconds(now);
    let mut status = previous.clone();
    for (name, verdict) in verdicts {
        let anew = condition(Some(previous), previous.observed_generation, name, verdict, &now);
        status.conditions.iter_mut().filter(|found| found.type_ == name).for_each(|found| *found = anew.clone());
    }
    status
}

/// What `Ready` says when nothing hinders it: the proof, unless there is
/// something to say that is let be.
fn usable(accepted: &Verdict, proof: &Verdict) -> Verdict {
    match accepted.standing {
        Standing::Tolerated => Verdict { standing: Standing::Good, ..accepted.clone() },
        _ => proof.clone(),
    }
}

/// The first condition that is not good, or the proof.
fn ready(findings: &Findings) -> Verdict {
    if findings.proof.standing == Standing::Suspended {
        return findings.proof.clone();
    }
    let Findings { accepted, provisioned, bound, in_sync, credentials, proof, .. } = findings;
    // That access was taken away matters more than why.
    if matches!(provisioned.reason, Reason::Revoked | Reason::Suspended) && provisioned.standing == Standing::Terminal {
        return provisioned.clone();
    }
    let worst = [accepted, provisioned, bound, in_sync, credentials, proof]
        .into_iter()
        .filter(|verdict| !matches!(verdict.standing, Standing::Good | Standing::Tolerated));
    // What waits for a person outranks what goes on by itself, and whatever says
    // something outranks "pending", so that nothing is hidden behind it.
    let terminal = worst.clone().find(|verdict| verdict.standing == Standing::Terminal);
    let retrying = worst.clone().find(|verdict| verdict.standing == Standing::Retrying);
    let telling = worst.clone().find(|verdict| verdict.reason != Reason::Pending);
    let worst = terminal.or(retrying).or(telling).or(worst.clone().next());
    worst.cloned().unwrap_or_else(|| usable(accepted, proof))
}

fn conditions(
    previous: Option<&MachineIdentityStatus>,
    generation: Option<i64>,
    findings: &Findings,
    ready: &Verdict,
    now: &Time,
) -> Vec<Condition> {
    let mut listed = vec![
        ("Ready", ready.clone()),
        ("Accepted", findings.accepted.clone()),
        ("Provisioned", findings.provisioned.clone()),
        ("Bound", findings.bound.clone()),
        ("InSync", findings.in_sync.clone()),
        ("CredentialsFresh", findings.credentials.clone()),
    ];
    let beside = match ready.standing {
        Standing::Working | Standing::Retrying => Some("Reconciling"),
        Standing::Terminal => Some("Stalled"),
        Standing::Good | Standing::Suspended | Standing::Tolerated => None,
    };
    // These two exist only while they are true.
    listed.extend(beside.map(|name| (name, Verdict { standing: Standing::Good, ..ready.clone() })));
    listed.into_iter().map(|(name, verdict)| condition(previous, generation, name, verdict, now)).collect()
}

fn condition(
    previous: Option<&MachineIdentityStatus>,
    generation: Option<i64>,
    name: &str,
    verdict: Verdict,
    now: &Time,
) -> Condition {
    let status = verdict.status().to_owned();
    let unchanged = previous
        .and_then(|previous| previous.conditions.iter().find(|condition| condition.type_ == name))
        .filter(|condition| condition.status == status);
    Condition {
        type_: name.to_owned(),
        last_transition_time: unchanged.map_or_else(|| now.clone(), |condition| condition.last_transition_time.clone()),
        status,
        reason: verdict.reason.name(),
        message: verdict.message,
        observed_generation: generation,
    }
}

/// The API server keeps whole seconds; more would make equal statuses differ.
fn seconds(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}

impl Findings {
    /// Before anything is known but that the identity exists.
    #[must_use]
    pub fn waiting(message: &str) -> Self {
        let pending = || Verdict::working(Reason::Pending, message);
        Self {
            accepted: pending(),
            provisioned: pending(),
            bound: pending(),
            in_sync: pending(),
            credentials: pending(),
            proof: pending(),
            aws: None,
            delivery: None,
            issued: None,
            drift: Some(Vec::new()),
            contest: None,
            suspension: None,
            handled: None,
            summary: None,
            scopes: 0,
        }
    }
}

#[cfg(test)]
mod tests;
