//! Deleting an identity: the same way with nothing desired.
//!
//! Pods first lose the injection, then the principal is denied everything, then
//! it goes, and only when two looks, spaced apart, found nothing is the object
//! let go.

use super::accounts::Account;
use super::annotated::{self, Hindrance};
use super::apply;
use super::association;
use super::case::{Case, failed};
use super::context::Context;
use super::credentials;
use super::keys;
use super::outcome::{Failure, Outcome};
use super::stop::cloud_verdict;
use super::suspension;
use crate::api::v1alpha1::{DeletionPolicy, FINALIZER, MachineIdentity, ManagementPolicy};
use crate::cloud::{CloudError, Depth, ErrorKind};
use crate::domain::{Observation, Step};
use crate::names::{Owner, PrincipalKind, PrincipalName};
use crate::plan::account::AccountSettings;
use crate::plan::{Findings, Grounds, Reason, Removal, Standing, Verdict, lint, plan_removal};

/// So many failures in a row pass by themselves: stale credentials, a policy that was just changed.
const PATIENCE: u32 = 8;

/// Takes a deletion one step further: as a rule to its end.
pub async fn remove(case: &Case<'_>) -> Outcome {
    let cluster = &case.context.cluster;
    // The cache may be behind: what counts before anything is destroyed is the object itself.
    let live = match cluster.live(&case.incarnation.key).await {
        Ok(live) => live.filter(|live| live.metadata.uid.as_deref() == Some(&case.incarnation.uid)),
        Err(error) => return failed(&error),
    };
    let Some(live) = live.filter(is_held) else {
        case.context.memory.forget(&case.incarnation.uid);
        return Outcome::Finished;
    };
    // Another operator may have written down since what must be looked after.
    case.context.memory.note(&case.incarnation.uid, |memory| memory.status.clone_from(&live.status));
    if live.metadata.deletion_timestamp.is_none() {
        return Outcome::Waiting(case.context.timing.consistency_window);
    }
    let manner = manner(&live);
    if live.spec.suspend && !matches!(manner, Manner::Delete) {
        match close_first(case, matches!(manner, Manner::Wait)).await {
            Ok(None) => {}
            Ok(Some(outcome)) => return outcome,
            Err(trouble) => return trouble.settle(case, "the object stays until its role is closed").await,
        }
    }
    match manner {
        Manner::Wait => wait(case).await,
        Manner::Retain => match retain(case, live.spec.management_policy == ManagementPolicy::Observe).await {
            Ok(outcome) => outcome,
            Err(trouble) => trouble.settle(case, "the object stays until its role is marked as left behind").await,
        },
        Manner::Delete => match delete(case).await {
            Ok(outcome) => outcome,
            Err(trouble) => trouble.settle(case, "the object stays until its role is gone").await,
        },
    }
}

fn is_held(identity: &MachineIdentity) -> bool {
    identity.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// What a deletion does to the principal.
enum Manner {
    Delete,
    Retain,
    Wait,
}

fn manner(identity: &MachineIdentity) -> Manner {
    match (identity.spec.management_policy, identity.spec.deletion_policy) {
        (_, DeletionPolicy::Retain) | (ManagementPolicy::Observe, _) => Manner::Retain,
        (ManagementPolicy::Paused, DeletionPolicy::Delete) => Manner::Wait,
        (ManagementPolicy::Enforce, DeletionPolicy::Delete) => Manner::Delete,
    }
}

/// What is suspended and not deleted is closed first. `None` when it is, and nothing is left to say.
async fn close_first(case: &Case<'_>, object_stays: bool) -> Result<Option<Outcome>, Trouble> {
    let grounds = grounds(case)?;
    let is_taken = grounds.earlier_claim.is_some();
    let Some(settings) = settings(case, grounds) else {
        let told = case.status().and_then(|status| status.suspension);
        let is_closed = told.is_some_and(|suspension| suspension.sessions_denied_time.is_some());
        return if is_closed { Ok(None) } else { Err(no_account(case, "`spec.suspend` to false to leave it open")) };
    };
    let name = case.principal();
    if !object_stays && case.made_elsewhere(&settings.principal_arn(&name)).is_some() {
        return Ok(None);
    }
    let (outcome, is_closed) = suspension::hold_closed(case, &settings, is_taken).await;
    Ok((object_stays || !is_closed).then_some(outcome))
}

/// Paused: the object stays, and says what would let it go.
async fn wait(case: &Case<'_>) -> Outcome {
    let message = "`spec.managementPolicy` is Paused, so the role is not deleted and the object stays: set it to Enforce to delete the role, or `spec.deletionPolicy` to Retain to keep it";
    let verdict = Verdict::new(Reason::Paused, Standing::Suspended, message);
    match case.report(findings(case, verdict.clone(), verdict)).await {
        Ok(()) => Outcome::Refused,
        Err(error) => failed(&error),
    }
}

/// The principal stays as it is, and is marked as left behind: a sweep would
/// take it for one that was forgotten. One that is gone, or is not provably this
/// incarnation's, is no reason to stay.
async fn retain(case: &Case<'_>, manages_nothing: bool) -> Result<Outcome, Trouble> {
    let retained = Reason::Retained.name();
    let Some(account) = account(case)? else {
        let note = format!(
            "the role stays as it is, but there is no usable CloudAccount '{}' to mark it as left behind: before that comes back, set its `spec.orphans` to Keep",
            case.identity.spec.account_ref.name
        );
        case.announce(true, &retained, note).await;
        return let_go(case).await;
    };
    let name = case.principal();
    if case.made_elsewhere(&account.settings.principal_arn(&name)).is_some() {
        let note = format!(
            "the role stays as it is, but CloudAccount '{}' is not the one any more that it was made under, so it was not marked as left behind: before that comes back, set its `spec.orphans` to Keep",
            case.identity.spec.account_ref.name
        );
        case.announce(true, &retained, note).await;
        return let_go(case).await;
    }
    match mark(case, &account, &name).await? {
        Marked::Done => {}
        Marked::Unknown => return Ok(Outcome::Waiting(case.context.timing.consistency_window)),
        // Who lets Ambit look only would wait for ever.
        Marked::Denied(error) if manages_nothing && case.remembered.failures >= PATIENCE => {
            let note = format!(
                "the role stays as it is, and could not be marked as left behind: {error}; before Ambit may change roles there, set `spec.orphans` of the CloudAccount to Keep"
            );
            case.announce(true, &retained, note).await;
            return let_go(case).await;
        }
        Marked::Denied(error) => return Err(Trouble::cloud(&error)),
    }
    case.announce(false, &retained, "the role stays as it is; nothing manages it any more").await;
    let_go(case).await
}

/// What came of marking a role as left behind.
enum Marked {
    /// It is, or there is none to mark.
    Done,
    /// Whether there is one is not known yet.
    Unknown,
    /// It was seen, and may not be tagged.
    Denied(CloudError),
}

/// Marks the role, if there is one of this identity: it may be of an earlier incarnation that this
/// one only observed.
async fn mark(case: &Case<'_>, account: &Account, name: &PrincipalName) -> Result<Marked, Trouble> {
    let observation = account.cloud.observe(name, Depth::Own).await.map_err(|error| Trouble::cloud(&error))?;
    let live = match &observation {
        Observation::Present(live) => live,
        // A role that was made a moment ago may not be seen yet.
        Observation::Absent if case.absent_for_long() => return Ok(Marked::Done),
        Observation::Absent => return Ok(Marked::Unknown),
    };
    let is_another = case.recorded().id.is_some_and(|id| id != live.id);
    let incarnation = case.owner();
    let is_ours = live.on_our_path && live.owner.name_identity_of(&incarnation) && !is_another;
    let Some(uid) = live.owner.uid.clone().filter(|_| is_ours && !live.owner.is_retained()) else {
        return Ok(Marked::Done);
    };
    let owner = Owner { uid, ..incarnation };
    let step = Step::Retain(owner.clone());
    let found = lint(name.kind(), std::slice::from_ref(&step), &owner, &observation, false);
    if !found.is_empty() {
        return Err(vetoed(&found));
    }
    match account.cloud.apply(name, &step).await {
        Ok(_) => Ok(Marked::Done),
        Err(error) if error.kind == ErrorKind::Denied => Ok(Marked::Denied(error)),
        Err(error) => Err(Trouble::cloud(&error)),
    }
}

/// Lets the object go, when nothing in the cluster leads to its principal any more.
async fn let_go(case: &Case<'_>) -> Result<Outcome, Trouble> {
    let cluster = &case.context.cluster;
    let key = &case.incarnation.key;
    if let Err(error) = credentials::remove(case).await {
        return Ok(failed(&error));
    }
    if let Err(error) = cluster.unbind(&key.namespace, &key.name).await {
        return Ok(failed(&error));
    }
    annotated::withdraw(case, None).await?;
    if let Err(error) = cluster.release(&case.incarnation).await {
        return Ok(failed(&error));
    }
    case.context.memory.forget(&case.incarnation.uid);
    Ok(Outcome::Finished)
}

impl From<Hindrance> for Trouble {
    fn from(Hindrance { verdict, error }: Hindrance) -> Self {
        Self { verdict, outcome: Outcome::Failed(Failure::Cluster(error.kind)) }
    }
}

/// Why a deletion cannot go on now.
struct Trouble {
    verdict: Verdict,
    outcome: Outcome,
}

impl Trouble {
    fn cloud(error: &CloudError) -> Self {
        tracing::warn!(error.type = error.kind.name(), %error, "a call to the cloud failed");
        Self { verdict: cloud_verdict(error), outcome: Outcome::Failed(Failure::Cloud(error.kind)) }
    }

    async fn settle(self, case: &Case<'_>, until: &str) -> Outcome {
        let message = format!("{until}: {}", self.verdict.message);
        let verdict = Verdict { message, ..self.verdict };
        match case.report(findings(case, verdict.clone(), verdict)).await {
            Ok(()) => self.outcome,
            Err(error) => failed(&error),
        }
    }
}

async fn delete(case: &Case<'_>) -> Result<Outcome, Trouble> {
    let key = &case.incarnation.key;
    if let Err(error) = case.context.cluster.unbind(&key.namespace, &key.name).await {
        return Ok(failed(&error));
    }
    // Whatever is in the way, the role is taken away all the same; the object is not let go before.
    if let Err(Hindrance { error, .. }) = annotated::withdraw(case, None).await {
        tracing::warn!(error.type = error.kind.name(), %error, "annotations of a service account stay for now");
    }
    let account =
        account(case)?.ok_or_else(|| no_account(case, "`spec.deletionPolicy` to Retain to leave the role behind"))?;
    let name = case.principal();
    if let Some(why) = case.made_elsewhere(&account.settings.principal_arn(&name)) {
        let verdict = Verdict::terminal(Reason::Conflict, why);
        return Err(Trouble { verdict, outcome: Outcome::Waiting(case.context.timing.resync) });
    }
    let observation = account.cloud.observe(&name, Depth::Full).await.map_err(|error| Trouble::cloud(&error))?;
    let owner = case.owner();
    match plan_removal(&owner, &observation, case.recorded().id.as_deref(), &account.settings.boundary) {
        Removal::Gone => {
            let is_certain = case.absent_for_long();
            if untied(case, &account).await? || !is_certain {
                return Ok(Outcome::Waiting(case.context.timing.consistency_window));
            }
            let_go(case).await
        }
        Removal::NotOurs(note) => {
            if untied(case, &account).await? {
                return Ok(Outcome::Waiting(case.context.timing.consistency_window));
            }
            case.announce(true, Reason::Conflict.name().as_str(), note).await;
            let_go(case).await
        }
        Removal::Remove(steps) => {
            let found = lint(name.kind(), &steps, &owner, &observation, true);
            if !found.is_empty() {
                return Err(vetoed(&found));
            }
            tell(case).await?;
            // What hands the role to pods goes when the role gives nothing any more.
            let closed = steps.iter().position(|step| matches!(step, Step::Close)).map_or(0, |at| at + 1);
            let (first, rest) = steps.split_at(closed);
            take(&account, &name, first).await?;
            untied(case, &account).await?;
            if name.kind() == PrincipalKind::User {
                keys::delete_all(&account, &name).await.map_err(|error| Trouble::cloud(&error))?;
            }
            take(&account, &name, rest).await?;
            case.forget_absence();
            Ok(Outcome::Waiting(case.context.timing.consistency_window))
        }
    }
}

/// Removes what hands the role to pods, and says whether there was any.
async fn untied(case: &Case<'_>, account: &Account) -> Result<bool, Trouble> {
    association::remove(case, account).await.map_err(|error| Trouble::cloud(&error))
}

async fn take(account: &Account, name: &PrincipalName, steps: &[Step]) -> Result<(), Trouble> {
    for step in steps {
        tracing::info!(step = step.name(), principal = %name, "removing the principal");
        apply::away(account.cloud.as_ref(), name, step).await.map_err(|error| Trouble::cloud(&error))?;
    }
    Ok(())
}

/// People who look meanwhile see that it is being deleted.
async fn tell(case: &Case<'_>) -> Result<(), Trouble> {
    let verdict = Verdict::working(Reason::Deleting, "the role is denied everything and then deleted");
    let written = case.report(findings(case, verdict.clone(), verdict)).await;
    written.map_err(|error| Trouble {
        verdict: Verdict::retrying(Reason::Deleting, error.to_string()),
        outcome: failed(&error),
    })
}

/// Without its account nothing can be deleted, and nothing is let go.
fn no_account(case: &Case<'_>, or_set: &str) -> Trouble {
    let message = format!(
        "there is no usable CloudAccount '{}'; restore it, or set {or_set}",
        case.identity.spec.account_ref.name
    );
    let verdict = Verdict::terminal(Reason::AccountNotFound, message);
    Trouble { verdict, outcome: Outcome::Waiting(case.context.timing.resync) }
}

/// The account that the principal lives in, if there is one.
fn account(case: &Case<'_>) -> Result<Option<Account>, Trouble> {
    let Some(settings) = settings(case, grounds(case)?) else { return Ok(None) };
    let name = &case.identity.spec.account_ref.name;
    case.context.accounts.get(name, &settings).map(Some).ok_or_else(|| being_checked(case))
}

fn grounds<'a>(case: &Case<'a>) -> Result<Grounds<'a>, Trouble> {
    let Context { world, installation, .. } = case.context;
    world.grounds(&case.incarnation.key, case.identity, installation).ok_or_else(|| being_checked(case))
}

fn settings(case: &Case<'_>, grounds: Grounds<'_>) -> Option<AccountSettings> {
    AccountSettings::parse(&grounds.account?.spec, &case.context.installation).ok()
}

fn being_checked(case: &Case<'_>) -> Trouble {
    let name = &case.identity.spec.account_ref.name;
    Trouble {
        verdict: Verdict::working(Reason::Deleting, format!("CloudAccount '{name}' is being checked")),
        outcome: Outcome::Waiting(case.context.timing.consistency_window),
    }
}

fn vetoed(found: &[crate::plan::Finding]) -> Trouble {
    let list = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    tracing::error!(findings = %list, "a deletion was vetoed");
    let message = format!("Ambit's own check refused its plan: {list}; please report this");
    Trouble { verdict: Verdict::terminal(Reason::UnsafePlan, message), outcome: Outcome::Failed(Failure::Bug) }
}

/// What status says while an identity goes.
fn findings(case: &Case<'_>, provisioned: Verdict, proof: Verdict) -> Findings {
    const GOES: &str = "the object is being deleted";
    let previous = case.status();
    Findings {
        accepted: Verdict::good(Reason::Accepted, GOES),
        provisioned,
        credentials: credentials::unattended(case, GOES),
        proof,
        issued: credentials::status(case),
        aws: previous.as_ref().and_then(|status| status.aws.clone()),
        suspension: previous.as_ref().and_then(|status| status.suspension.clone()),
        summary: previous.and_then(|status| status.summary),
        scopes: case.identity.spec.scopes.len(),
        handled: case.handled(),
        ..Findings::waiting(GOES)
    }
}
