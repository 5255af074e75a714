//! Reconciling an identity: declare → resolve → observe → plan → lint → apply →
//! report → requeue.
//!
//! Only the steps marked I/O take a client. Between observing and applying
//! everything is pure.

use std::time::Duration;

use super::accounts::Account;
use super::apply;
use super::bind;
use super::case::{Case, failed};
use super::context::Context;
use super::outcome::Outcome;
use super::removal;
use super::stop::{Gate, Stop};
use crate::api::v1alpha1::{MachineIdentity, ManagementPolicy};
use crate::cloud::Depth;
use crate::plan::{Decision, Findings, Reason, Refusal, Resolved, Verdict, decide, resolve};

/// How soon pods that run without their identity are counted again.
const RECOUNT: Duration = Duration::from_mins(30);

/// Brings an identity one step nearer to what was declared: as a rule all the way.
pub async fn reconcile(context: &Context, identity: &MachineIdentity) -> Outcome {
    let Some(case) = Case::open(context, identity) else { return Outcome::Finished };
    if identity.metadata.deletion_timestamp.is_some() {
        return removal::remove(&case).await;
    }
    if identity.spec.management_policy == ManagementPolicy::Paused {
        return pause(&case).await;
    }
    // resolve: pure
    let Some(grounds) = context.world.grounds(&case.incarnation.key, identity, &context.installation) else {
        return Outcome::Waiting(context.timing.consistency_window);
    };
    let resolved = match resolve(case.declaration(), &grounds, context.catalogue) {
        Ok(resolved) => resolved,
        Err(refusal) => return refuse(&case, refusal, grounds.earlier_claim.is_some()).await,
    };
    if case.rests(&resolved) {
        return Outcome::Settled;
    }
    let mut findings = accepted(&case, &resolved);
    // observe, plan, lint, apply, prove: I/O and pure in turn
    let outcome = match pursue(&case, &resolved, &mut findings).await {
        Ok(outcome) => outcome,
        Err(stop) => stop.settle(&case, &resolved, &mut findings).await,
    };
    if case.overlooks(&outcome) {
        return outcome;
    }
    // report: I/O
    match case.report(findings).await {
        Ok(()) => outcome,
        Err(error) => failed(&error),
    }
}

/// From an accepted declaration to a proven identity.
async fn pursue(case: &Case<'_>, resolved: &Resolved, findings: &mut Findings) -> Result<Outcome, Stop> {
    first_visit(case, findings).await?; // I/O, once
    let account = account(case, resolved)?; // pure
    in_its_place(case, resolved)?; // pure
    if resolved.enforce {
        bind::prepare(case, resolved).await?; // I/O
    }
    let name = &resolved.desired.name;
    let observation = account.cloud.observe(name, Depth::Full).await.map_err(Stop::cloud)?; // I/O
    let absent_for_long = matches!(observation, crate::domain::Observation::Absent) && case.absent_for_long();
    let decision = decide(&resolved.desired, &observation, &case.recorded(), absent_for_long); // pure
    let changed = matches!(decision, Decision::Change(_));
    apply::carry_out(case, resolved, &account, &observation, decision, findings).await?; // lint: pure, apply: I/O
    bind::prove(case, resolved, &account, findings).await?; // I/O
    if resolved.enforce {
        bind::deliver(case, resolved, findings).await?; // I/O
    } else {
        findings.bound =
            Verdict::good(Reason::Observing, "`spec.managementPolicy` is Observe: the binding table stays as it is");
    }
    if findings.bound.reason == Reason::PodsWithoutIdentity {
        case.note_full_look(RECOUNT);
        return Ok(Outcome::Waiting(RECOUNT));
    }
    case.note_full_look(case.context.timing.resync);
    Ok(if changed { Outcome::Applied } else { Outcome::Settled })
}

/// On the first visit all conditions are written as unknown before anything
/// takes time: an object without conditions counts as ready to many tools.
async fn first_visit(case: &Case<'_>, findings: &Findings) -> Result<(), Stop> {
    if case.status().is_some() {
        return Ok(());
    }
    case.report(findings.clone()).await.map_err(Stop::cluster)
}

/// What is known when a declaration was accepted and nothing else was looked at.
fn accepted(case: &Case<'_>, resolved: &Resolved) -> Findings {
    let previous = case.status();
    Findings {
        accepted: Verdict::good(Reason::Accepted, "the declaration is valid and may be carried out"),
        credentials: Verdict::good(
            Reason::Federated,
            "pods get short-lived credentials by federation; no key is stored",
        ),
        aws: previous.and_then(|status| status.aws),
        summary: Some(resolved.summary.clone()),
        scopes: case.identity.spec.scopes.len(),
        ..Findings::waiting("work on this declaration has begun")
    }
}

/// The account in use, when it is in order.
fn account(case: &Case<'_>, resolved: &Resolved) -> Result<Account, Stop> {
    let name = &case.identity.spec.account_ref.name;
    let Some(account) = case.context.accounts.get(name, &resolved.account) else {
        let verdict = Verdict::working(Reason::Pending, format!("CloudAccount '{name}' is being checked"));
        return Err(Stop::provisioned(verdict, Outcome::Waiting(case.context.timing.consistency_window)));
    };
    match &account.trouble {
        None => Ok(account),
        Some(trouble) => {
            let message = format!("CloudAccount '{name}': {}", trouble.verdict.message);
            let verdict = Verdict::new(trouble.verdict.reason, trouble.verdict.standing, message);
            Err(Stop::account(verdict, trouble.concerns_binding))
        }
    }
}

/// An account that was replaced by another of the same name is no move: the role
/// would stay behind with all its access.
fn in_its_place(case: &Case<'_>, resolved: &Resolved) -> Result<(), Stop> {
    match case.made_elsewhere(&resolved.role_arn) {
        None => Ok(()),
        Some(why) => {
            let verdict = Verdict::terminal(Reason::Conflict, why);
            Err(Stop::provisioned(verdict, Outcome::Refused))
        }
    }
}

/// A refused declaration: nothing is made, new pods are turned away, and what
/// an earlier declaration made stays as it is.
async fn refuse(case: &Case<'_>, Refusal(verdict): Refusal, subject_taken: bool) -> Outcome {
    // A service account that is another identity's has that one's entry, and
    // without `Enforce` the table is not Ambit's to change.
    let gate = if subject_taken || case.identity.spec.management_policy != ManagementPolicy::Enforce {
        Gate::Leave
    } else {
        Gate::Shut(format!("{}: {}", verdict.reason.name(), verdict.message))
    };
    let waiting = "waits until the declaration is accepted; what an earlier one made stays as it is";
    let findings = Findings {
        accepted: verdict,
        aws: case.status().and_then(|status| status.aws),
        scopes: case.identity.spec.scopes.len(),
        ..Findings::waiting(waiting)
    };
    if let Err(error) = bind::turn_away(case, gate).await {
        return failed(&error);
    }
    match case.report(findings).await {
        Ok(()) => Outcome::Refused,
        Err(error) => failed(&error),
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
        summary: previous.and_then(|status| status.summary),
        scopes: case.identity.spec.scopes.len(),
        drift: Vec::new(),
    };
    match case.report(findings).await {
        Ok(()) => Outcome::Refused,
        Err(error) => failed(&error),
    }
}
