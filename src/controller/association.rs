//! What hands the principal to pods, where the cloud itself does.
//!
//! It is looked at together with the principal, so that drift of both is told
//! before either is repaired, and it is made when the principal stands. What an
//! identity had for another service account goes last.

use super::accounts::Account;
use super::case::Case;
use super::outcome::{Failure, Outcome};
use super::stop::{Stop, cloud_verdict};
use crate::api::v1alpha1::AssociationStatus;
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{Association, AssociationStep, Observation, PodsOf};
use crate::plan::pod_identity::HandedTo;
use crate::plan::{Decision, Delivery, Difference, Findings, Plan, Reason, Resolved, Sought, Tie, Verdict, tie, untie};

/// What was seen, or why nothing was.
pub enum Look {
    /// There is nothing to look at: pods do not get the principal by an association.
    Needless,
    /// Its id, where it is there, and what to do about it.
    Seen(Option<String>, Tie),
    /// The cloud did not tell. The principal is looked after all the same.
    Failed(CloudError),
}

/// Looks at the association, where there is to be one.
pub async fn look(resolved: &Resolved, account: &Account) -> Look {
    let Some(handed_to) = handed_to(resolved) else { return Look::Needless };
    match account.cloud.observe_association(&handed_to.pods).await {
        Ok(found) => judged(resolved, handed_to, &found),
        Err(error) => Look::Failed(error),
    }
}

fn handed_to(resolved: &Resolved) -> Option<&HandedTo> {
    resolved.delivery().and_then(Delivery::handed_to)
}

fn judged(resolved: &Resolved, handed_to: &HandedTo, found: &Observation<Association>) -> Look {
    let sought = Sought { owner: &resolved.desired.owner, pods: &handed_to.pods, role_arn: &resolved.role_arn };
    let id = match found {
        Observation::Present(live) => Some(live.id.clone()),
        Observation::Absent => None,
    };
    Look::Seen(id, tie(&sought, found))
}

impl Look {
    /// What somebody else changed and is repaired: it was in place before.
    #[must_use]
    pub fn drift(&self, case: &Case<'_>, resolved: &Resolved) -> Vec<Difference> {
        match self {
            Self::Seen(_, Tie::Change(_, difference)) if case.is_in_place(resolved) => vec![(**difference).clone()],
            _ => Vec::new(),
        }
    }

    /// Where Ambit only observes: a decision that tells of the association as well.
    #[must_use]
    pub fn told_in(&self, decision: Decision) -> Decision {
        let Self::Seen(_, Tie::Change(_, difference) | Tie::NotOurs(difference)) = self else { return decision };
        match decision {
            Decision::Settled => {
                Decision::Change(Plan { steps: Vec::new(), drift: vec![(**difference).clone()], due: Vec::new() })
            }
            Decision::Change(mut plan) => {
                plan.drift.push((**difference).clone());
                Decision::Change(plan)
            }
            other => other,
        }
    }
}

/// Makes it as it should be, and reads it back. The principal stands already.
pub async fn establish(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    look: Look,
    findings: &mut Findings,
) -> Result<(), Stop> {
    let Some(handed_to) = handed_to(resolved) else { return Ok(()) };
    let (id, tie) = match look {
        Look::Needless => return Ok(()),
        Look::Seen(id, tie) => (id, tie),
        Look::Failed(error) => return Err(failed(&error)),
    };
    let id = match tie {
        Tie::Settled => id,
        Tie::NotOurs(difference) => return Err(not_ours(difference, findings)),
        Tie::Change(steps, _) => {
            take(case, account, &steps).await?;
            Some(read_back(resolved, account, handed_to, findings).await?)
        }
    };
    leave_behind(case, account, handed_to).await?;
    if let (Some(aws), Some(id)) = (&mut findings.aws, id) {
        let service_account = handed_to.pods.service_account.clone();
        aws.pod_identity_association = Some(AssociationStatus { id, service_account });
    }
    Ok(())
}

async fn take(case: &Case<'_>, account: &Account, steps: &[AssociationStep]) -> Result<(), Stop> {
    for step in steps {
        let now = case.context.now();
        case.context.memory.note(&case.incarnation.uid, |memory| memory.changed_at = Some(now));
        tracing::info!(step = step.name(), identity = %case.incarnation.key, "changing the association");
        account.cloud.apply_association(step).await.map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Reads what was written, and tells its id.
async fn read_back(
    resolved: &Resolved,
    account: &Account,
    handed_to: &HandedTo,
    findings: &mut Findings,
) -> Result<String, Stop> {
    let found = account.cloud.observe_association(&handed_to.pods).await.map_err(|error| failed(&error))?;
    match judged(resolved, handed_to, &found) {
        Look::Seen(Some(id), Tie::Settled) => Ok(id),
        Look::Seen(_, Tie::NotOurs(difference)) => Err(not_ours(difference, findings)),
        _ => {
            let message = "EKS does not show the association yet as it was written; it is read again";
            let verdict = Verdict::working(Reason::Pending, message);
            Err(Stop::bound(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::NotFound))))
        }
    }
}

/// What the identity had for another service account goes when the new one stands. Whose it is,
/// its tags say.
async fn leave_behind(case: &Case<'_>, account: &Account, handed_to: &HandedTo) -> Result<(), Stop> {
    let before = case.status().and_then(|status| status.aws).and_then(|aws| aws.pod_identity_association);
    let Some(before) = before.filter(|before| before.service_account != handed_to.pods.service_account) else {
        return Ok(());
    };
    let pods = PodsOf::new(&case.incarnation.key.namespace, before.service_account);
    let found = account.cloud.observe_association(&pods).await.map_err(|error| failed(&error))?;
    match untie(&case.owner(), &found) {
        Some(step) => take(case, account, &[step]).await,
        None => Ok(()),
    }
}

/// Removes all that the identity has, and says whether there was any. `false` twice, spaced apart,
/// says that nothing is left.
pub async fn remove(case: &Case<'_>, account: &Account) -> Result<bool, CloudError> {
    if account.settings.cluster().is_none() {
        return Ok(false);
    }
    let namespace = &case.incarnation.key.namespace;
    let subject = case.identity.spec.subject.service_account.as_ref().map(|subject| subject.name.clone());
    let before = case.status().and_then(|status| status.aws).and_then(|aws| aws.pod_identity_association);
    let mut of: Vec<String> = subject.into_iter().chain(before.map(|before| before.service_account)).collect();
    of.dedup();
    let mut was_there = false;
    for service_account in of {
        let found = account.cloud.observe_association(&PodsOf::new(namespace, service_account)).await?;
        if let Some(step) = untie(&case.owner(), &found) {
            tracing::info!(step = step.name(), identity = %case.incarnation.key, "removing the association");
            account.cloud.apply_association(&step).await?;
            was_there = true;
        }
    }
    Ok(was_there)
}

/// What stands in its place belongs to somebody else, and is not touched: pods that start now
/// would get whatever that gives them.
fn not_ours(difference: Box<Difference>, findings: &mut Findings) -> Stop {
    let why = difference.summary.clone();
    findings.in_sync = Verdict::terminal(Reason::Drifted, why.clone());
    findings.drift = Some(vec![*difference]);
    let verdict = Verdict::terminal(Reason::Conflict, why.clone());
    Stop::bound(verdict, Outcome::Failed(Failure::Cloud(ErrorKind::Invalid))).shutting(why)
}

/// A call that failed says nothing about the principal.
fn failed(error: &CloudError) -> Stop {
    tracing::warn!(error.type = error.kind.name(), %error, "a call to the cloud failed");
    Stop::bound(cloud_verdict(error), Outcome::Failed(Failure::Cloud(error.kind)))
}
