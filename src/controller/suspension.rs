//! Closing an identity that somebody suspended: everything denied, nobody let in, old sessions
//! denied. Each part is read back before the next one, and status says when.
//!
//! What counts is what is live. Nothing else that the declaration says is looked at: also one that
//! is paused, only observed or refused is closed.

use jiff::{Timestamp, ToSpan as _};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::accounts::Account;
use super::apply;
use super::bind;
use super::case::{Case, failed};
use super::credentials;
use super::identity::{account_to_close, in_its_place};
use super::keys;
use super::outcome::{Failure, Outcome};
use super::stop::{Gate, Stop};
use crate::api::v1alpha1::SuspensionStatus;
use crate::cloud::{Depth, ErrorKind};
use crate::domain::{Observation, Observed, Step};
use crate::names::{PrincipalKind, PrincipalName};
use crate::plan::account::AccountSettings;
use crate::plan::{Findings, Plan, Progress, Reason, Suspension, Verdict, plan_suspension};
use crate::policy::nobody;

/// Every step and a look after the last one.
const LOOKS: usize = 4;

/// Closes the identity's principal and turns its pods away.
pub async fn suspend(case: &Case<'_>, settings: &AccountSettings, subject_taken: bool) -> Outcome {
    hold_closed(case, settings, subject_taken).await.0
}

/// The same, and whether the principal was read back as closed.
pub async fn hold_closed(case: &Case<'_>, settings: &AccountSettings, subject_taken: bool) -> (Outcome, bool) {
    let mut findings = begun(case);
    let outcome = if case.rests_suspended() {
        closed(case, &mut findings);
        Outcome::Refused
    } else {
        let closed = close(case, settings, &mut findings).await;
        // Whatever came of that: what stands in a Secret is no longer handed out. I/O
        let withdrawn = credentials::withdraw(case, &mut findings).await;
        match (closed, withdrawn) {
            (Ok(()), Ok(())) => {
                case.note_full_look(case.context.timing.resync);
                Outcome::Refused
            }
            (Ok(()), Err(failure)) => Outcome::Failed(failure),
            (Err(stop), withdrawn) => match (stop.settle(case, &mut findings).await, withdrawn) {
                (Outcome::Refused | Outcome::Waiting(_), Err(failure)) => Outcome::Failed(failure),
                (outcome, _) => outcome,
            },
        }
    };
    // Nor does anybody find credentials in a Secret.
    let is_closed = findings.in_sync.reason == Reason::Suspended && !matches!(outcome, Outcome::Failed(_));
    // Whoever else has the service account keeps it.
    let gate = if subject_taken { Gate::Yield } else { Gate::Shut(gate_reason()) };
    let turned_away = bind::turn_away(case, gate, &mut findings).await;
    let told = case.report(findings).await;
    match turned_away.and(told) {
        Ok(()) => (outcome, is_closed),
        Err(error) => (failed(&error), is_closed),
    }
}

/// Nothing that is closed is opened by an operator that reads late: somebody may have suspended the
/// identity since. The object itself has the last word, and status is left to whoever knows more.
pub async fn is_over(case: &Case<'_>, observation: &Observation<Observed>, plan: &Plan) -> Result<(), Stop> {
    let Observation::Present(live) = observation else { return Ok(()) };
    let opens = |step: &Step| match step {
        Step::Open => true,
        Step::SetTrust(_) => live.trust.means(&nobody()),
        Step::SetPermissions(_) => live.has_denial_for_permissions(),
        _ => false,
    };
    if !plan.steps.iter().any(opens) {
        return Ok(());
    }
    let object = case.context.cluster.live(&case.incarnation.key).await.map_err(Stop::cluster)?;
    let is_same = object.is_some_and(|object| {
        object.metadata.uid.as_deref() == Some(&case.incarnation.uid)
            && object.metadata.generation == case.identity.metadata.generation
            && !object.spec.suspend
    });
    if is_same {
        return Ok(());
    }
    let verdict = Verdict::working(Reason::Pending, "the object was changed; it is looked at again");
    Err(Stop::provisioned(verdict, Outcome::Deferred(case.context.timing.consistency_window)))
}

/// Waits with opening an identity again until new sessions are not taken for old ones.
pub fn over(case: &Case<'_>) -> Result<(), Stop> {
    let recorded = case.recorded();
    let before = recorded.sessions_denied_before.filter(|_| recorded.suspended);
    let Some(left) =
        before.and_then(|before| std::time::Duration::try_from(before.duration_since(case.context.now())).ok())
    else {
        return Ok(());
    };
    let message =
        format!("sessions of now would be denied with the old ones; it is opened again in {} s", left.as_secs() + 1);
    let verdict = Verdict::working(Reason::Suspended, message);
    Err(Stop::provisioned(verdict, Outcome::Waiting(left + std::time::Duration::from_secs(1))))
}

/// What the suspension asks for next.
pub fn next(case: &Case<'_>, settings: &AccountSettings, observation: &Observation<Observed>) -> Suspension {
    let before = case.status().and_then(|status| status.suspension?.sessions_before);
    let before = before.map_or(Timestamp::MIN, |time| time.0);
    plan_suspension(&case.owner(), observation, case.recorded().id.as_deref(), &settings.boundary, before)
}

async fn close(case: &Case<'_>, settings: &AccountSettings, findings: &mut Findings) -> Result<(), Stop> {
    let account = account_to_close(case, settings)?; // pure
    let name = case.principal();
    in_its_place(case, &settings.principal_arn(&name))?; // pure
    let mut taken = Vec::new();
    for _ in 0..LOOKS {
        let observation = account.cloud.observe(&name, Depth::Full).await.map_err(Stop::cloud)?; // I/O
        let before = cutoff(case, findings);
        let recorded = case.recorded();
        let next = plan_suspension(&case.owner(), &observation, recorded.id.as_deref(), &settings.boundary, before);
        match next {
            Suspension::Absent if !case.is_held() || case.absent_for_long() => {
                closed(case, findings);
                return Ok(());
            }
            Suspension::Absent => return Err(missed(case)),
            Suspension::NotOurs(why) => {
                let verdict = Verdict::terminal(Reason::Conflict, why);
                return Err(Stop::provisioned(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Invalid))));
            }
            // What was told once cannot be told back, so a key is not only denied but goes.
            Suspension::Closed if name.kind() == PrincipalKind::User && has_keys(&account, &name).await? => {}
            Suspension::Closed => {
                note(case, findings, Progress::WHOLE, before);
                closed(case, findings);
                return Ok(());
            }
            // What was written is not to be seen yet.
            Suspension::Close(_, steps) if steps == taken => return Err(unseen(&steps)),
            Suspension::Close(progress, steps) => {
                apply::veto(case, name.kind(), &observation, &steps)?; // pure
                note(case, findings, progress, before);
                case.report(findings.clone()).await.map_err(Stop::cluster)?; // I/O: whose denial follows
                let done = apply::close(case, (&name, &account), &observation, &steps, findings).await; // I/O
                if done.as_ref().is_err_and(Stop::is_for_want_of_room) && !lets_in_nobody(&observation) {
                    // What cannot be denied is at least given to nobody else.
                    apply::take(case, &name, &account, &[Step::SetTrust(nobody())], findings).await?; // I/O
                }
                done?;
                taken = steps;
            }
        }
    }
    Err(unseen(&taken))
}

/// Deletes the keys of a user that is closed, and says whether there were any.
async fn has_keys(account: &Account, user: &PrincipalName) -> Result<bool, Stop> {
    keys::delete_all(account, user).await.map(|count| count > 0).map_err(Stop::cloud)
}

fn lets_in_nobody(observation: &Observation<Observed>) -> bool {
    matches!(observation, Observation::Present(live) if live.trust.means(&nobody()))
}

/// The time before which sessions are denied. What is issued while the emptied trust spreads
/// counts as old as well.
fn cutoff(case: &Case<'_>, findings: &Findings) -> Timestamp {
    let known = findings.suspension.as_ref().and_then(|suspension| suspension.sessions_before.as_ref());
    known.map_or_else(
        || {
            let window = case.context.timing.consistency_window;
            let later = case.context.now().checked_add(window).unwrap_or(Timestamp::MAX);
            // Times of tokens are whole seconds.
            whole(later).checked_add(1.second()).unwrap_or(later)
        },
        |time| time.0,
    )
}

/// Writes down what was read back, and when it was first seen.
fn note(case: &Case<'_>, findings: &mut Findings, progress: Progress, before: Timestamp) {
    let now = || Time(whole(case.context.now()));
    let suspension = findings.suspension.get_or_insert_with(SuspensionStatus::default);
    let first = |seen: bool, time: &mut Option<Time>| *time = time.take().filter(|_| seen).or_else(|| seen.then(now));
    first(progress.is_denied, &mut suspension.denied_time);
    first(progress.is_trust_empty, &mut suspension.trust_emptied_time);
    first(progress.are_sessions_denied, &mut suspension.sessions_denied_time);
    // Only when nobody new is let in any more is it known which sessions are old. Where somebody
    // opened the trust meanwhile, there are newer ones.
    suspension.sessions_before = progress.is_trust_empty.then_some(Time(before));
    if let (true, Some(aws)) = (progress.is_trust_empty, &mut findings.aws) {
        aws.sessions_denied_before = Some(Time(before));
    }
}

fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// What is known when a suspension begins or goes on.
fn begun(case: &Case<'_>) -> Findings {
    let previous = case.status();
    let issued = credentials::status(case);
    Findings {
        accepted: Verdict::good(Reason::Accepted, "the declaration is judged again when it is resumed"),
        provisioned: Verdict::working(Reason::Pending, "the role is being closed"),
        bound: Verdict::working(Reason::Suspended, "pods are turned away while the identity is suspended"),
        in_sync: Verdict::working(Reason::Pending, "the role is being closed"),
        credentials: credentials::suspended(issued.as_ref()),
        issued,
        aws: previous.as_ref().and_then(|status| status.aws.clone()),
        summary: previous.as_ref().and_then(|status| status.summary.clone()),
        suspension: Some(previous.and_then(|status| status.suspension).unwrap_or_default()),
        scopes: case.identity.spec.scopes.len(),
        handled: case.requested(),
        ..Findings::waiting("the identity is suspended")
    }
}

/// Everything was read back.
fn closed(case: &Case<'_>, findings: &mut Findings) {
    let since = findings.suspension.as_ref().and_then(|suspension| suspension.denied_time.as_ref());
    let what = since.map_or_else(
        || "there is no role".to_owned(),
        |time| {
            format!(
                "its role is denied everything since {}, lets nobody in, and denies the sessions that were there",
                time.0
            )
        },
    );
    let then = match case.identity.metadata.deletion_timestamp {
        None => "set it to false to open the identity again",
        Some(_) => {
            "the object is being deleted and stays while `spec.managementPolicy` is Paused: set that to Enforce to delete the role, or `spec.deletionPolicy` to Retain to keep it closed"
        }
    };
    let message = format!("`spec.suspend` is true: {what}; {then}");
    findings.provisioned = Verdict::terminal(Reason::Suspended, message);
    findings.in_sync =
        Verdict::working(Reason::Suspended, "the role is closed on purpose, and is not compared with the declaration");
}

fn gate_reason() -> String {
    format!(
        "{}: the identity is suspended; `spec.suspend` must be false before its pods may start",
        Reason::Suspended.name()
    )
}

/// The role was not found. One look is no proof.
fn missed(case: &Case<'_>) -> Stop {
    let window = case.context.timing.consistency_window;
    let message = format!("the role was not found; it is looked for again in {} s, to close it", window.as_secs());
    Stop::provisioned(Verdict::retrying(Reason::Pending, message), Outcome::Waiting(window))
}

fn unseen(steps: &[Step]) -> Stop {
    let names: Vec<&str> = steps.iter().map(Step::name).collect();
    let message = format!("the cloud does not show `{}` yet; it is read again", names.join("`, `"));
    Stop::provisioned(Verdict::working(Reason::Pending, message), Outcome::Failed(Failure::Cloud(ErrorKind::NotFound)))
}
