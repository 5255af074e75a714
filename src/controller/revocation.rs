//! Taking access away from an identity that no longer fits, where a policy says
//! so: its role is denied everything, and its pods are turned away.
//!
//! What counts is what is live. The denial comes first, and it is written down
//! before it is made, so that whoever goes on after a crash knows whose it is.

use super::accounts::Account;
use super::apply;
use super::bind;
use super::case::{Case, failed};
use super::identity::{account_to_close, in_its_place, refused, refusing};
use super::outcome::{Failure, Outcome};
use super::stop::{Gate, Stop};
use crate::cloud::{Depth, ErrorKind};
use crate::domain::{Observation, Observed, Step};
use crate::names::PrincipalName;
use crate::plan::{Closing, Findings, Grounds, Reason, Revocation, Verdict, plan_closing};

/// A refused declaration whose role must fit or be denied everything.
pub async fn revoke(case: &Case<'_>, grounds: &Grounds<'_>, revocation: &Revocation) -> Outcome {
    let mut findings = refused(case, revocation.verdict.clone());
    let outcome = match close(case, grounds, revocation, &mut findings).await {
        Ok(outcome) => outcome,
        Err(stop) => stop.settle(case, &mut findings).await,
    };
    let gate = gate(case, grounds, revocation, &findings);
    let turned_away = bind::turn_away(case, gate, &mut findings).await;
    let told = case.report(findings).await;
    match turned_away.and(told) {
        Ok(()) => outcome,
        Err(error) => failed(&error),
    }
}

/// What happens to the identity's pods. Without its role they are turned away, also where
/// `managementPolicy` keeps Ambit's hands off the table: the policy that revokes has the last word.
fn gate(case: &Case<'_>, grounds: &Grounds<'_>, revocation: &Revocation, findings: &Findings) -> Gate {
    let verdict = &revocation.verdict;
    let subject_taken = grounds.earlier_claim.is_some();
    let is_denied = findings.in_sync.reason == Reason::Revoked;
    if is_denied && !subject_taken {
        return Gate::Shut(format!("{}: {}", verdict.reason.name(), verdict.message));
    }
    refusing(case, verdict, subject_taken)
}

/// What must be done about a role as it was found.
pub fn closing(
    case: &Case<'_>,
    grounds: &Grounds<'_>,
    revocation: &Revocation,
    observation: &Observation<Observed>,
) -> Closing {
    let fits = |live: &Observed| revocation.tolerates(live, case.declaration(), grounds, case.context.catalogue);
    plan_closing(&case.owner(), observation, case.recorded().id.as_deref(), &revocation.account.boundary, fits)
}

/// Denies the role everything, unless it fits or is denied already.
async fn close(
    case: &Case<'_>,
    grounds: &Grounds<'_>,
    revocation: &Revocation,
    findings: &mut Findings,
) -> Result<Outcome, Stop> {
    if case.rests_revoked() {
        closed(revocation, findings);
        return Ok(Outcome::Refused);
    }
    if case.recorded().revoked {
        findings.in_sync = denied();
    }
    let account = account_to_close(case, &revocation.account)?; // pure
    let name = case.principal();
    in_its_place(case, &account.settings.principal_arn(&name))?; // pure
    let observation = account.cloud.observe(&name, Depth::Full).await.map_err(Stop::cloud)?; // I/O
    match closing(case, grounds, revocation, &observation) {
        Closing::Absent if case.absent_for_long() => Ok(Outcome::Refused),
        Closing::Absent => Err(missed(case)),
        Closing::NotOurs(why) => {
            let verdict = Verdict::terminal(Reason::Conflict, why);
            Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Invalid))))
        }
        Closing::Fits => {
            *findings = refused(case, revocation.verdict.clone());
            case.note_full_look(case.context.timing.resync);
            Ok(Outcome::Refused)
        }
        Closing::Closed => {
            closed(revocation, findings);
            case.note_full_look(case.context.timing.resync);
            Ok(Outcome::Refused)
        }
        Closing::Close(steps) => {
            apply::veto(case, name.kind(), &observation, &steps)?; // pure
            announce(case, findings).await?; // I/O
            deny(case, &name, &account, (&observation, &steps), findings).await?; // I/O
            closed(revocation, findings);
            case.note_full_look(case.context.timing.resync);
            Ok(Outcome::Refused)
        }
    }
}

/// Says that the denial which follows is Ambit's own.
async fn announce(case: &Case<'_>, findings: &mut Findings) -> Result<(), Stop> {
    findings.in_sync = denied();
    findings.provisioned = Verdict::working(Reason::Pending, "the role is being denied everything");
    case.report(findings.clone()).await.map_err(Stop::cluster)
}

/// Takes the steps, and looks whether they took effect.
async fn deny(
    case: &Case<'_>,
    name: &PrincipalName,
    account: &Account,
    (observation, steps): (&Observation<Observed>, &[Step]),
    findings: &mut Findings,
) -> Result<(), Stop> {
    apply::close(case, (name, account), observation, steps, findings).await?;
    let after = account.cloud.observe(name, Depth::Full).await.map_err(Stop::cloud)?;
    if matches!(&after, Observation::Present(live) if live.is_denied()) {
        return Ok(());
    }
    let verdict = Verdict::working(Reason::Pending, "the cloud does not show the denial yet; it is read again");
    Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::NotFound))))
}

/// The role is denied everything.
fn closed(revocation: &Revocation, findings: &mut Findings) {
    let message = format!("its role is denied everything until it fits again: {}", revocation.verdict.message);
    findings.provisioned = Verdict::terminal(Reason::Revoked, message);
    findings.in_sync = denied();
}

/// What is said of the comparison with the declaration, meanwhile.
fn denied() -> Verdict {
    let message = "the role is denied everything on purpose, and is not compared with the declaration";
    Verdict::working(Reason::Revoked, message)
}

/// The role was not found. One look is no proof.
fn missed(case: &Case<'_>) -> Stop {
    let window = case.context.timing.consistency_window;
    let message =
        format!("the role was not found; it is looked for again in {} s, to deny it everything", window.as_secs());
    Stop::provisioned(Verdict::retrying(Reason::Pending, message), Outcome::Waiting(window))
}
