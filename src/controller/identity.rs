//! Reconciling an identity: declare → resolve → observe → plan → lint → apply →
//! report → requeue.
//!
//! Only the steps marked I/O take a client. Between observing and applying
//! everything is pure.

use std::time::Duration;

use super::accounts::{Account, Trouble};
use super::apply::{self, Seen};
use super::association;
use super::bind;
use super::case::{Case, failed};
use super::context::Context;
use super::credentials::{self, Kept};
use super::drifted;
use super::outcome::Outcome;
use super::removal;
use super::revocation;
use super::stop::{Gate, Stop};
use super::suspension;
use crate::api::v1alpha1::{MachineIdentity, ManagementPolicy};
use crate::cloud::Depth;
use crate::domain::{Observation, Observed, Step};
use crate::plan::account::AccountSettings;
use crate::plan::{Course, Decision, Findings, Reason, Resolved, Verdict, decide};

/// How soon pods that run without their identity are counted again.
const RECOUNT: Duration = Duration::from_mins(30);

/// The longest that calls may wait for each other before more identities are kept away.
const CROWD: Duration = Duration::from_secs(5);

/// Brings an identity one step nearer to what was declared: as a rule all the way.
pub async fn reconcile(context: &Context, identity: &MachineIdentity) -> Outcome {
    let Some(case) = Case::open(context, identity) else { return Outcome::Finished };
    if identity.metadata.deletion_timestamp.is_some() {
        return removal::remove(&case).await;
    }
    let Some(grounds) = context.world.grounds(&case.incarnation.key, identity, &context.installation) else {
        return Outcome::Waiting(context.timing.consistency_window);
    };
    let is_paused = identity.spec.management_policy == ManagementPolicy::Paused;
    // resolve: pure
    match case.course(&grounds) {
        // A pause keeps Ambit's hands off, and not those of a policy that revokes.
        Course::Pursue(..) | Course::Refuse(_) if is_paused => pause(&case).await,
        Course::Suspend(account) => suspension::suspend(&case, &account, grounds.earlier_claim.is_some()).await,
        Course::Pursue(resolved, accepted) => look_after(&case, &resolved, accepted).await,
        Course::Revoke(revocation) => revocation::revoke(&case, &grounds, &revocation).await,
        Course::Refuse(refusal) => refuse(&case, refusal.verdict, grounds.earlier_claim.is_some()).await,
    }
}

/// A declaration that is carried out, or that is in place and stays so.
async fn look_after(case: &Case<'_>, resolved: &Resolved, accepted: Verdict) -> Outcome {
    // What runs out does not wait for anything else. Credentials in a Secret alone: I/O
    let kept = credentials::keep(case, resolved).await;
    let is_at_rest = case.rests(resolved) && credentials::are_in_place(case, resolved) && kept.is_quiet();
    let outcome = if is_at_rest {
        rest(case, resolved, &accepted, &kept).await
    } else {
        go_the_way(case, resolved, accepted, &kept).await
    };
    credentials::in_time(case, outcome)
}

/// A declaration that is in place: only how it is judged may be new.
async fn rest(case: &Case<'_>, resolved: &Resolved, accepted: &Verdict, kept: &Kept) -> Outcome {
    let outcome = kept.urging(Outcome::Settled);
    if case.overlooks(&outcome) {
        return outcome;
    }
    match case.rejudge(accepted, &bind::verified(resolved), &kept.verdict).await {
        Ok(()) => outcome,
        Err(error) => failed(&error),
    }
}

/// From an accepted declaration to what status says of it.
async fn go_the_way(case: &Case<'_>, resolved: &Resolved, accepted: Verdict, kept: &Kept) -> Outcome {
    let mut findings = begun(case, resolved, accepted, kept);
    // observe, plan, lint, apply, prove: I/O and pure in turn
    let outcome = match pursue(case, resolved, &mut findings).await {
        Ok(outcome) => outcome,
        Err(stop) => stop.settle(case, &mut findings).await,
    };
    let outcome = if findings.credentials == kept.verdict { kept.urging(outcome) } else { outcome };
    if case.overlooks(&outcome) || matches!(outcome, Outcome::Deferred(_)) {
        return outcome;
    }
    // report: I/O
    match case.report(findings).await {
        Ok(()) => outcome,
        Err(error) => failed(&error),
    }
}

/// How long to stay away from an account whose calls wait for each other already: whoever waits
/// there takes the place of an identity of another account. Nobody is kept away twice in a row,
/// nor where something is said to differ.
fn crowded(case: &Case<'_>, account: &Account) -> Option<Duration> {
    let backlog = account.cloud.backlog();
    let is_asked_for = case.remembered.is_suspected() || case.requested() != case.handled();
    let is_kept_away = backlog > CROWD && !case.remembered.deferred && !is_asked_for;
    case.context.memory.note(&case.incarnation.uid, |memory| memory.deferred = is_kept_away);
    is_kept_away.then(|| backlog.mul_f64(1.0 + (case.context.spread)()))
}

/// From an accepted declaration to a proven identity.
async fn pursue(case: &Case<'_>, resolved: &Resolved, findings: &mut Findings) -> Result<Outcome, Stop> {
    first_visit(case, findings).await?; // I/O, once
    suspension::over(case)?; // pure
    let account = account(case, &resolved.account)?; // pure
    in_its_place(case, &resolved.role_arn)?; // pure
    let mut binding = Vec::new();
    if resolved.enforce {
        binding = drifted::binding(case, resolved).await?; // I/O
        // What somebody else changed is told before it is made again.
        if binding.is_empty() {
            bind::prepare(case, resolved).await?; // I/O
        }
    }
    if binding.is_empty()
        && let Some(pause) = crowded(case, &account)
    {
        return Ok(Outcome::Deferred(pause));
    }
    let name = &resolved.desired.name;
    let observation = match account.cloud.observe(name, Depth::Full).await {
        Ok(observation) => observation,
        Err(error) => {
            // The cloud is not needed to turn pods away or to make a service account.
            if !case.is_contested() {
                apply::mend(case, resolved, None, (binding, Vec::new()), findings).await?; // I/O
            }
            return Err(Stop::cloud(error));
        }
    };
    let association = association::look(resolved, &account).await; // I/O
    let absent_for_long = matches!(observation, Observation::Absent) && case.absent_for_long();
    let mut decision = decide(&resolved.desired, &observation, &case.recorded(), absent_for_long); // pure
    case.attribute(&mut decision); // pure
    may_be_made(case, &account, &decision)?; // pure
    let changed = matches!(decision, Decision::Change(_));
    hold_observed(case, resolved, &observation, &decision).await?; // I/O, once
    let seen = Seen { observation, decision, binding, association };
    let trust = apply::carry_out(case, resolved, &account, seen, findings).await?; // lint: pure, apply: I/O
    bind::prove(case, resolved, &account, &trust, findings).await?; // I/O
    let failing = credentials::provide(case, resolved, &account, findings).await?; // I/O
    if resolved.enforce {
        bind::deliver(case, resolved, findings).await?; // I/O
        credentials::retire(case, resolved, findings).await?; // I/O
    } else {
        findings.bound =
            Verdict::good(Reason::Observing, "`spec.managementPolicy` is Observe: the binding table stays as it is");
    }
    if findings.bound.reason == Reason::PodsWithoutIdentity {
        return Ok(Outcome::Waiting(case.note_full_look(RECOUNT)));
    }
    case.note_full_look(case.context.timing.resync);
    Ok(match failing {
        Some(failure) => Outcome::Failed(failure),
        None if changed => Outcome::Applied,
        None => Outcome::Settled,
    })
}

/// Where a role of ours is only observed, the object is held as well: its deletion has to mark the
/// role as left behind, or it would be taken for one whose identity was lost.
async fn hold_observed(
    case: &Case<'_>,
    resolved: &Resolved,
    observation: &Observation<Observed>,
    decision: &Decision,
) -> Result<(), Stop> {
    let is_ours = matches!(observation, Observation::Present(_)) && !matches!(decision, Decision::NotOurs(_));
    if resolved.enforce || !is_ours { Ok(()) } else { bind::hold(case).await }
}

/// On the first visit all conditions are written as unknown before anything
/// takes time: an object without conditions counts as ready to many tools.
async fn first_visit(case: &Case<'_>, findings: &Findings) -> Result<(), Stop> {
    if case.status().is_some() {
        return Ok(());
    }
    case.report(findings.clone()).await.map_err(Stop::cluster)
}

/// What is known when a declaration was judged and nothing else was looked at.
fn begun(case: &Case<'_>, resolved: &Resolved, accepted: Verdict, kept: &Kept) -> Findings {
    let previous = case.status();
    let mut findings = Findings {
        accepted,
        credentials: kept.verdict.clone(),
        aws: previous.as_ref().and_then(|status| status.aws.clone()),
        issued: credentials::status(case),
        summary: Some(resolved.summary.clone()),
        scopes: case.identity.spec.scopes.len(),
        contest: case.contest(),
        suspension: previous.and_then(|status| status.suspension),
        handled: case.requested(),
        ..Findings::waiting("work on this declaration has begun")
    };
    drifted::keep_told(case, &mut findings);
    if findings.suspension.is_some() {
        findings.in_sync = Verdict::working(Reason::Suspended, "the role is closed and is being opened again");
    } else if case.recorded().revoked {
        // Remembered until it is open, so that the denial is not taken for somebody else's.
        findings.in_sync =
            Verdict::working(Reason::Revoked, "the role was denied everything and is being opened again");
    }
    findings
}

/// The account in use, when it is in order.
fn account(case: &Case<'_>, settings: &AccountSettings) -> Result<Account, Stop> {
    in_use(case, settings, |trouble| !trouble.only_new_roles)
}

/// The account in use, to take access away in: by what subjects prove themselves is no matter then.
pub(super) fn account_to_close(case: &Case<'_>, settings: &AccountSettings) -> Result<Account, Stop> {
    in_use(case, settings, |trouble| !trouble.only_new_roles && !trouble.concerns_binding)
}

fn in_use(
    case: &Case<'_>,
    settings: &AccountSettings,
    hinders: impl FnOnce(&&Trouble) -> bool,
) -> Result<Account, Stop> {
    let name = &case.identity.spec.account_ref.name;
    let Some(account) = case.context.accounts.get(name, settings) else {
        let verdict = Verdict::working(Reason::Pending, format!("CloudAccount '{name}' is being checked"));
        return Err(Stop::provisioned(verdict, Outcome::Waiting(case.context.timing.consistency_window)));
    };
    match account.trouble.as_ref().filter(hinders) {
        None => Ok(account),
        Some(trouble) => Err(in_trouble(name, trouble)),
    }
}

fn in_trouble(name: &str, trouble: &Trouble) -> Stop {
    let message = format!("CloudAccount '{name}': {}", trouble.verdict.message);
    let verdict = Verdict::new(trouble.verdict.reason, trouble.verdict.standing, message);
    Stop::account(verdict, trouble.concerns_binding)
}

/// Where the account keeps new roles from being made, those that exist are looked after all the same.
fn may_be_made(case: &Case<'_>, account: &Account, decision: &Decision) -> Result<(), Stop> {
    let makes =
        matches!(decision, Decision::Change(plan) if plan.steps.iter().any(|step| matches!(step, Step::Create(_))));
    match account.trouble.as_ref().filter(|_| makes) {
        None => Ok(()),
        Some(trouble) => Err(in_trouble(&case.identity.spec.account_ref.name, trouble)),
    }
}

/// An account that was replaced by another of the same name is no move: the role
/// would stay behind with all its access.
pub(super) fn in_its_place(case: &Case<'_>, role_arn: &str) -> Result<(), Stop> {
    match case.made_elsewhere(role_arn) {
        None => Ok(()),
        Some(why) => {
            let verdict = Verdict::terminal(Reason::Conflict, why);
            Err(Stop::provisioned(verdict, Outcome::Refused))
        }
    }
}

/// A refused declaration: nothing is made, new pods are turned away, and what
/// an earlier declaration made stays as it is.
async fn refuse(case: &Case<'_>, verdict: Verdict, subject_taken: bool) -> Outcome {
    let gate = refusing(case, &verdict, subject_taken);
    let mut findings = refused(case, verdict);
    let turned_away = bind::turn_away(case, gate, &mut findings).await;
    let told = case.report(findings).await;
    match turned_away.and(told) {
        Ok(()) => Outcome::Refused,
        Err(error) => failed(&error),
    }
}

/// What happens to the pods of a refused declaration. A service account that is
/// another identity's has that one's entry, and without `Enforce` the table is
/// not Ambit's to change.
pub(super) fn refusing(case: &Case<'_>, verdict: &Verdict, subject_taken: bool) -> Gate {
    if case.identity.spec.management_policy != ManagementPolicy::Enforce {
        return Gate::Leave;
    }
    if subject_taken {
        return Gate::Yield;
    }
    Gate::Shut(format!("{}: {}", verdict.reason.name(), verdict.message))
}

/// What is known of a refused declaration.
pub(super) fn refused(case: &Case<'_>, verdict: Verdict) -> Findings {
    const WAITS: &str = "waits until the declaration is accepted; what an earlier one made stays as it is";
    Findings {
        accepted: verdict,
        credentials: credentials::unattended(case, WAITS),
        aws: case.status().and_then(|status| status.aws),
        suspension: case.status().and_then(|status| status.suspension),
        issued: credentials::status(case),
        scopes: case.identity.spec.scopes.len(),
        handled: case.handled(),
        ..Findings::waiting(WAITS)
    }
}

/// A paused identity: neither the cloud nor the table is touched.
async fn pause(case: &Case<'_>) -> Outcome {
    let message =
        "`spec.managementPolicy` is Paused: Ambit neither reads nor changes anything until it is Enforce or Observe";
    let verdict = Verdict::new(Reason::Paused, crate::plan::Standing::Suspended, message);
    let previous = case.status();
    let findings = Findings {
        accepted: verdict.clone(),
        provisioned: verdict.clone(),
        bound: verdict.clone(),
        in_sync: verdict.clone(),
        credentials: verdict.clone(),
        proof: verdict,
        aws: previous.as_ref().and_then(|status| status.aws.clone()),
        issued: credentials::status(case),
        summary: previous.and_then(|status| status.summary),
        scopes: case.identity.spec.scopes.len(),
        delivery: None,
        drift: Some(Vec::new()),
        contest: None,
        suspension: case.status().and_then(|status| status.suspension),
        handled: case.handled(),
    };
    match case.report(findings).await {
        Ok(()) => Outcome::Refused,
        Err(error) => failed(&error),
    }
}
