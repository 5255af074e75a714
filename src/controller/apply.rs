//! Carrying out a decision about the principal: lint, record, step by step,
//! read back.

use super::accounts::Account;
use super::case::Case;
use super::outcome::{Failure, Outcome};
use super::stop::Stop;
use crate::api::v1alpha1::AwsStatus;
use crate::cloud::{Depth, ErrorKind};
use crate::domain::{Observation, Observed, Step};
use crate::names::PrincipalName;
use crate::plan::{Decision, Difference, Findings, Plan, Reason, Recorded, Resolved, Verdict, decide, items, lint};

/// Carries out a decision. Returns only when live was read back and equals declared.
pub async fn carry_out(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    observation: &Observation<Observed>,
    decision: Decision,
    findings: &mut Findings,
) -> Result<(), Stop> {
    if matches!(observation, Observation::Present(_)) {
        case.forget_absence();
    }
    match decision {
        Decision::Settled => {
            note_live(resolved, observation, findings);
            keep_repaired(case, findings);
            Ok(())
        }
        Decision::NotOurs(why) => {
            let verdict = Verdict::terminal(Reason::Conflict, why.clone());
            Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Invalid))).shutting(why))
        }
        Decision::Vanished => Err(vanished(case, resolved, findings)),
        Decision::Change(plan) if !resolved.enforce => Err(only_observed(case, observation, plan, findings)),
        Decision::Change(plan) => {
            veto(case, observation, &plan.steps)?; // pure
            record(case, observation, &plan, findings).await?; // I/O
            take(case, &resolved.desired.name, account, &plan.steps, findings).await?; // I/O
            read_back(case, resolved, account, observation, &plan, findings).await // I/O
        }
    }
}

/// The separate linter has the last word.
pub fn veto(case: &Case<'_>, observation: &Observation<Observed>, steps: &[Step]) -> Result<(), Stop> {
    let found = lint(steps, &case.owner(), observation, false);
    if found.is_empty() {
        return Ok(());
    }
    let list = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    tracing::error!(identity = %case.incarnation.key, findings = %list, "a plan was vetoed");
    let message = format!("Ambit's own check refused its plan, and nothing was changed: {list}; please report this");
    Err(Stop::provisioned(Verdict::terminal(Reason::UnsafePlan, message), Outcome::Failed(Failure::Bug)))
}

/// Drift is written down before it is repaired, so that nobody can miss it; and
/// the id of a role that is gone is forgotten before another takes its place.
async fn record(
    case: &Case<'_>,
    observation: &Observation<Observed>,
    plan: &Plan,
    findings: &mut Findings,
) -> Result<(), Stop> {
    if plan.drift.is_empty() {
        return Ok(());
    }
    if *observation == Observation::Absent
        && let Some(aws) = &mut findings.aws
    {
        aws.role_id = None;
    }
    findings.drift.clone_from(&plan.drift);
    findings.in_sync = Verdict::retrying(Reason::Drifted, format!("{}; it is being repaired", words(&plan.drift)));
    // Told once: while the repair keeps failing, status says why and does not flap.
    let told = case.status().and_then(|status| status.drift);
    if told.is_some_and(|told| told.items == items(&plan.drift)) {
        return Ok(());
    }
    case.report(findings.clone()).await.map_err(Stop::cluster)
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

/// Nothing was provisioned as declared if a step failed; what was recorded of
/// an earlier declaration stays.
fn failed(step: &Step, error: crate::cloud::CloudError, findings: &mut Findings) -> Stop {
    // Drift stays told until it is repaired.
    if findings.drift.is_empty() && findings.in_sync.reason != Reason::Revoked {
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
    plan: &Plan,
    findings: &mut Findings,
) -> Result<(), Stop> {
    let depth = match before {
        Observation::Absent => Depth::Own,
        Observation::Present(_) => Depth::Full,
    };
    let after = account.cloud.observe(&resolved.desired.name, depth).await.map_err(Stop::cloud)?;
    match decide(&resolved.desired, &after, &Recorded::default(), true) {
        Decision::Settled => {}
        Decision::NotOurs(why) => {
            let verdict = Verdict::terminal(Reason::Conflict, why);
            return Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Conflict))));
        }
        Decision::Vanished | Decision::Change(_) => {
            let verdict =
                Verdict::working(Reason::Pending, "the cloud does not show yet what was written; it is read again");
            return Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::NotFound))));
        }
    }
    findings.drift.clear();
    note_live(resolved, &after, findings);
    if !plan.drift.is_empty() {
        let note = format!("repaired: {}", words(&plan.drift));
        findings.in_sync = Verdict::good(Reason::Repaired, note.clone());
        case.announce(false, "Repaired", note).await;
    }
    Ok(())
}

/// Live equals declared: that is what status may say of the principal.
fn note_live(resolved: &Resolved, observation: &Observation<Observed>, findings: &mut Findings) {
    let Observation::Present(live) = observation else { return };
    findings.aws = Some(AwsStatus {
        role_arn: live.arn.clone(),
        role_id: Some(live.id.clone()),
        permissions_digest: resolved.desired.permissions.meaning().to_string(),
        trust_digest: resolved.desired.trust.meaning().to_string(),
        permissions_boundary_arn: live.boundary.clone(),
        session_seconds: i32::try_from(resolved.desired.session.get()).ok(),
    });
    findings.provisioned =
        Verdict::good(Reason::Provisioned, "the role was read back with the declared trust, permissions and boundary");
    findings.in_sync = Verdict::good(Reason::InSync, "live equals declared");
}

/// "Repaired" stays until the declaration changes, so that it can be read later.
fn keep_repaired(case: &Case<'_>, findings: &mut Findings) {
    let status = case.status();
    let generation = case.identity.metadata.generation;
    let repaired = status.iter().flat_map(|status| &status.conditions).find(|condition| {
        condition.type_ == "InSync" && condition.reason == "Repaired" && condition.observed_generation == generation
    });
    if let Some(condition) = repaired {
        findings.in_sync = Verdict::good(Reason::Repaired, condition.message.clone());
    }
}

/// The role is gone. One look is no proof: it is looked at again later.
fn vanished(case: &Case<'_>, resolved: &Resolved, findings: &mut Findings) -> Stop {
    let window = case.context.timing.consistency_window;
    findings.provisioned = Verdict::retrying(Reason::Pending, "the role was not found");
    let then = if resolved.enforce {
        "and then made anew"
    } else {
        "and not made anew, because `spec.managementPolicy` is Observe"
    };
    let message = format!("the role was not found; it is looked for again in {} s {then}", window.as_secs());
    Stop::in_sync(Verdict::retrying(Reason::Drifted, message.clone()), Outcome::Waiting(window)).shutting(message)
}

/// `Observe`: differences are told and left.
fn only_observed(case: &Case<'_>, observation: &Observation<Observed>, plan: Plan, findings: &mut Findings) -> Stop {
    let resync = case.context.timing.resync;
    case.note_full_look(resync);
    if *observation == Observation::Absent {
        let message = "the role does not exist, and `spec.managementPolicy` is Observe, so it is not made";
        return Stop::provisioned(Verdict::terminal(Reason::Observing, message), Outcome::Waiting(resync));
    }
    findings.provisioned = Verdict::good(Reason::Provisioned, "the role exists; whether it is as declared says InSync");
    let message = if plan.drift.is_empty() {
        format!("{} steps would be needed; `spec.managementPolicy` is Observe, so none was taken", plan.steps.len())
    } else {
        format!("{}; `spec.managementPolicy` is Observe, so nothing was repaired", words(&plan.drift))
    };
    findings.drift = plan.drift;
    Stop::in_sync(Verdict::terminal(Reason::Drifted, message), Outcome::Waiting(resync))
}

/// Differences in one line.
fn words(drift: &[Difference]) -> String {
    const SHOWN: usize = 3;
    let mut text = drift.iter().take(SHOWN).map(|d| d.summary.as_str()).collect::<Vec<_>>().join("; ");
    if drift.len() > SHOWN {
        text = format!("{text}; and {} more", drift.len() - SHOWN);
    }
    text
}
