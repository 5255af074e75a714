//! Carrying out a decision about the principal: lint, record, step by step,
//! read back.

use super::accounts::Account;
use super::association::{self, Look};
use super::bind;
use super::case::Case;
use super::drifted;
use super::outcome::{Failure, Outcome};
use super::stop::Stop;
use super::suspension;
use crate::api::v1alpha1::AwsStatus;
use crate::cloud::{Cloud, CloudError, Depth, ErrorKind};
use crate::domain::{Observation, Observed, Reading, Step, StepDone};
use crate::names::{PrincipalKind, PrincipalName};
use crate::plan::{Decision, Difference, Findings, Reason, Recorded, Resolved, Verdict, decide, lint};
use crate::policy::deny_all;

/// What was seen of an identity, and what is to be done about the principal.
pub struct Seen {
    pub observation: Observation<Observed>,
    pub decision: Decision,
    /// What differs of service account and table.
    pub binding: Vec<Difference>,
    /// What hands the principal to pods.
    pub association: Look,
}

/// Carries out a decision, and remakes what differs of the binding. Returns only when live was read
/// back and equals declared: with who may become the principal, as it was read.
pub async fn carry_out(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    seen: Seen,
    findings: &mut Findings,
) -> Result<Reading, Stop> {
    let Seen { observation, decision, binding, association } = seen;
    let observation = &observation;
    if matches!(observation, Observation::Present(_)) {
        case.forget_absence();
    }
    let decision = drifted::told(case, decision, resolved, observation);
    let is_there = matches!(observation, Observation::Present(_));
    let decision = if resolved.enforce || !is_there { decision } else { association.told_in(decision) };
    let drift = association.drift(case, resolved);
    match decision {
        Decision::Settled => {
            mend(case, resolved, Some(observation), (binding, drift), findings).await?; // I/O
            finish(case, resolved, account, (observation, association), findings).await // I/O
        }
        Decision::NotOurs(why) => Err(drifted::not_ours(case, why, findings)),
        Decision::Vanished => Err(drifted::vanished(case, resolved, findings)),
        Decision::Change(plan) if !resolved.enforce => Err(drifted::only_observed(case, observation, plan, findings)),
        Decision::Change(plan) => {
            suspension::is_over(case, observation, &plan).await?; // I/O, where something is opened
            veto(case, resolved.desired.name.kind(), observation, &plan.steps)?; // pure
            let drift = [plan.drift, drift].concat();
            mend(case, resolved, Some(observation), (binding, drift), findings).await?; // pure, I/O
            take(case, &resolved.desired.name, account, &plan.steps, findings).await?; // I/O
            let after = read_back(case, resolved, account, observation).await?; // I/O
            finish(case, resolved, account, (&after, association), findings).await // I/O
        }
    }
}

/// Tells what somebody else changed of binding and principal, and remakes the binding.
pub async fn mend(
    case: &Case<'_>,
    resolved: &Resolved,
    observation: Option<&Observation<Observed>>,
    (binding, drift): (Vec<Difference>, Vec<Difference>),
    findings: &mut Findings,
) -> Result<(), Stop> {
    let is_bound = binding.is_empty();
    drifted::begin(case, resolved, observation, [binding, drift].concat(), findings).await?;
    if is_bound { Ok(()) } else { bind::prepare(case, resolved).await }
}

/// The separate linter has the last word.
pub fn veto(
    case: &Case<'_>,
    kind: PrincipalKind,
    observation: &Observation<Observed>,
    steps: &[Step],
) -> Result<(), Stop> {
    let found = lint(kind, steps, &case.owner(), observation, false);
    if found.is_empty() {
        return Ok(());
    }
    let list = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    tracing::error!(identity = %case.incarnation.key, findings = %list, "a plan was vetoed");
    let message = format!("Ambit's own check refused its plan, and nothing was changed: {list}; please report this");
    Err(Stop::provisioned(Verdict::terminal(Reason::UnsafePlan, message), Outcome::Failed(Failure::Bug)))
}

/// Takes the steps in order. The first that fails ends it: the next
/// reconciliation observes again and goes on from what it finds.
pub async fn take(
    case: &Case<'_>,
    name: &PrincipalName,
    account: &Account,
    steps: &[Step],
    findings: &mut Findings,
) -> Result<(), Stop> {
    for step in steps {
        let now = case.context.now();
        case.context.memory.note(&case.incarnation.uid, |memory| memory.changed_at = Some(now));
        case.forget_absence();
        tracing::info!(step = step.name(), principal = %name, "changing the principal");
        account.cloud.apply(name, step).await.map_err(|error| failed(step, error, findings))?;
    }
    Ok(())
}

/// Takes a step on the way out. Where others filled the role, the denial takes the place of its permissions.
pub async fn away(cloud: &dyn Cloud, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
    match cloud.apply(name, step).await {
        Err(error) if error.kind == ErrorKind::LimitExceeded && *step == Step::Close => {
            cloud.apply(name, &Step::SetPermissions(deny_all())).await
        }
        done => done,
    }
}

/// Takes steps that deny a role everything. Where it has no room for one more policy, because
/// others filled it, the denial takes the place of the permissions: that never needs more room.
pub async fn close(
    case: &Case<'_>,
    (name, account): (&PrincipalName, &Account),
    observation: &Observation<Observed>,
    steps: &[Step],
    findings: &mut Findings,
) -> Result<(), Stop> {
    let at = steps.iter().position(|step| *step == Step::Close).unwrap_or(steps.len());
    let (first, denial) = steps.split_at(at);
    take(case, name, account, first, findings).await?;
    match take(case, name, account, denial, findings).await {
        Err(stop) if stop.is_for_want_of_room() && !denial.is_empty() => {
            let instead = [Step::SetPermissions(deny_all())];
            veto(case, name.kind(), observation, &instead)?;
            take(case, name, account, &instead, findings).await
        }
        done => done,
    }
}

/// Nothing was provisioned as declared if a step failed; what was recorded of
/// an earlier declaration stays.
fn failed(step: &Step, error: crate::cloud::CloudError, findings: &mut Findings) -> Stop {
    // Drift stays told until it is repaired.
    if findings.drift.as_ref().is_none_or(Vec::is_empty) && findings.in_sync.reason != Reason::Revoked {
        findings.in_sync = Verdict::working(Reason::Pending, format!("step `{}` has not succeeded yet", step.name()));
    }
    let bounding = matches!(step, Step::Create(_) | Step::SetBoundary(_));
    if bounding && error.kind == ErrorKind::NotFound {
        let message =
            format!("the permissions boundary does not exist: {error}; create it, or correct the CloudAccount");
        let verdict = Verdict::terminal(Reason::BoundaryMissing, message);
        return Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Invalid)));
    }
    Stop::cloud(error)
}

/// Reads what was written. Foreign policies are looked for again only where
/// some were removed: a role that was just made cannot have any.
async fn read_back(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    before: &Observation<Observed>,
) -> Result<Observation<Observed>, Stop> {
    let (depth, sessions_denied_before) = match before {
        Observation::Absent => (Depth::Own, None),
        Observation::Present(_) => (Depth::Full, case.recorded().sessions_denied_before),
    };
    let recorded = Recorded { sessions_denied_before, ..Recorded::default() };
    let after = account.cloud.observe(&resolved.desired.name, depth).await.map_err(Stop::cloud)?;
    match decide(&resolved.desired, &after, &recorded, true) {
        Decision::Settled => Ok(after),
        Decision::NotOurs(why) => {
            let verdict = Verdict::terminal(Reason::Conflict, why);
            Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Conflict))))
        }
        Decision::Vanished | Decision::Change(_) => {
            let verdict =
                Verdict::working(Reason::Pending, "the cloud does not show yet what was written; it is read again");
            Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::NotFound))))
        }
    }
}

/// The principal is as declared: what hands it to pods comes after it, and then all is.
async fn finish(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    (observation, association): (&Observation<Observed>, Look),
    findings: &mut Findings,
) -> Result<Reading, Stop> {
    note_live(resolved, observation, findings);
    association::establish(case, resolved, account, association, findings).await?; // I/O
    findings.drift = Some(Vec::new());
    findings.in_sync = Verdict::good(Reason::InSync, "live equals declared");
    drifted::settled(case, findings).await;
    Ok(match observation {
        Observation::Present(live) => live.trust.clone(),
        Observation::Absent => Reading::Unreadable("there is no role".to_owned()),
    })
}

/// The principal is as declared: that is what status may say of it.
fn note_live(resolved: &Resolved, observation: &Observation<Observed>, findings: &mut Findings) {
    let Observation::Present(live) = observation else { return };
    let before = findings.aws.take().unwrap_or_else(|| {
        // Suspended before anything was written down of the role.
        let suspension = findings.suspension.as_ref();
        let sessions_denied_before = suspension.and_then(|suspension| suspension.sessions_before.clone());
        AwsStatus { sessions_denied_before, ..AwsStatus::default() }
    });
    let (arn, id) = (Some(live.arn.clone()), Some(live.id.clone()));
    let (role, user) = match resolved.desired.name.kind() {
        PrincipalKind::Role => ((arn, id), (None, None)),
        PrincipalKind::User => ((None, None), (arn, id)),
    };
    let session = resolved.desired.session.get();
    findings.aws = Some(AwsStatus {
        role_arn: role.0,
        role_id: role.1,
        user_arn: user.0,
        user_id: user.1,
        permissions_digest: resolved.desired.permissions.meaning().to_string(),
        trust_digest: resolved.desired.trust.meaning().to_string(),
        permissions_boundary_arn: live.boundary.clone(),
        session_seconds: i32::try_from(session).ok().filter(|_| resolved.desired.name.kind() == PrincipalKind::Role),
        ..before
    });
    findings.suspension = None;
    findings.provisioned =
        Verdict::good(Reason::Provisioned, "the role was read back with the declared trust, permissions and boundary");
}
