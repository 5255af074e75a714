//! Access keys in a Secret: made when the user stands, rotated, and deleted with the user.
//!
//! What is done next, `plan::rotation` decides, from one look at a time. Here is the I/O.
//!
//! INVARIANTS:
//! - A key's secret never leaves one function, `turn::publish`: whoever made a key puts it into
//!   the Secret of the look before, or forgets it.
//! - What is about to be done stands in status before it is done, and only in a status that
//!   nobody has changed since the look.
//! - Only a user that was read back as this identity's gets a key, and loses one.

mod turn;

use super::accounts::Account;
use super::case::Case;
use super::credentials::Kept;
use super::outcome::Failure;
use super::stop::Stop;
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::KeyStep;
use crate::names::PrincipalName;
use crate::plan::rotation::{KeyTerms, Policy, Rotation};
use crate::plan::{Findings, Reason, Resolved, Verdict};
use turn::{Turned, turn};

/// So many steps are taken at once. More than a whole rotation has.
const MOST_STEPS: usize = 24;

/// Rotates a key that is due, and says how it is. As with credentials that run out, this waits for
/// nothing else about the identity.
pub(super) async fn keep(case: &Case<'_>, resolved: &Resolved, terms: &KeyTerms) -> Kept {
    if !resolved.enforce {
        let message = "`spec.managementPolicy` is Observe: no access key is made or rotated";
        return Kept::quiet(Verdict::good(Reason::Observing, message));
    }
    if case.recorded().suspended {
        let message =
            format!("a new access key is put into Secret '{}' when the identity is open again", terms.target.name);
        return Kept::quiet(Verdict::working(Reason::Suspended, message));
    }
    let is_seen = case.status().is_some_and(|status| status.observed_generation == case.identity.metadata.generation);
    if !is_seen || case.recorded().id.is_none() {
        let message = format!("an access key is put into Secret '{}' when the user stands", terms.target.name);
        return Kept::quiet(Verdict::working(Reason::Pending, message));
    }
    if let Some(told) = told(case, terms) {
        return told;
    }
    let name = &case.identity.spec.account_ref.name;
    if let Some(account) = case.context.accounts.get(name, &resolved.account) {
        return tend(case, resolved, terms, &account).await;
    }
    let verdict = Verdict::working(Reason::Pending, format!("CloudAccount '{name}' is being checked"));
    Kept { verdict, failure: Some(Failure::Cloud(ErrorKind::Transient)) }
}

/// What was found out the last time, where nothing but time can have changed it.
fn told(case: &Case<'_>, terms: &KeyTerms) -> Option<Kept> {
    let memory = case.context.memory.recall(&case.incarnation.uid);
    let verdict =
        memory.key_verdict.filter(|_| memory.next_credentials.is_some_and(|next| next > case.context.now()))?;
    let rotation = rotation(case);
    let is_asked_for = policy(case, terms).pending(&rotation).is_some() || case.requested() != case.handled();
    // A suspension takes the key away.
    let is_told = rotation.current.is_some() && !is_asked_for && !case.remembered.is_suspected();
    is_told.then_some(Kept { verdict, failure: None })
}

/// Before pods may start: there is a key in the Secret.
pub(super) async fn provide(
    case: &Case<'_>,
    resolved: &Resolved,
    (terms, account): (&KeyTerms, &Account),
    findings: &mut Findings,
) -> Result<Option<Failure>, Stop> {
    let kept = match told(case, terms) {
        Some(kept) => kept,
        None => tend(case, resolved, terms, account).await,
    };
    findings.issued = super::credentials::status(case);
    if kept.is_good() {
        findings.credentials = kept.verdict;
        return Ok(kept.failure);
    }
    let is_taken = kept.verdict.reason == Reason::SecretTaken;
    let message = kept.verdict.message.clone();
    let pause = case.context.timing.consistency_window;
    let outcome = kept.failure.map_or(super::outcome::Outcome::Waiting(pause), super::outcome::Outcome::Failed);
    let stop = Stop::credentials(kept.verdict, outcome);
    Err(if is_taken { stop.shutting(message) } else { stop })
}

/// Takes the rotation as far as it goes now.
async fn tend(case: &Case<'_>, resolved: &Resolved, terms: &KeyTerms, account: &Account) -> Kept {
    note_next(case, None, None);
    for _ in 0..MOST_STEPS {
        match turn(case, resolved, terms, account).await {
            Turned::On => {}
            Turned::Waits(until, verdict) => {
                note_next(case, Some(until), Some(verdict.clone()));
                return Kept::quiet(verdict);
            }
            Turned::Failed(verdict, failure) => {
                case.context.metrics.credentials("failed");
                return Kept { verdict, failure: Some(failure) };
            }
        }
    }
    let message = "the rotation of the access key goes on in a moment";
    Kept { verdict: Verdict::working(Reason::Rotating, message), failure: Some(Failure::Cloud(ErrorKind::NotFound)) }
}

/// Deletes all keys of a user that was just read back as the identity's, and is denied everything.
/// Says how many there were.
pub(super) async fn delete_all(account: &Account, user: &PrincipalName) -> Result<usize, CloudError> {
    let keys = account.cloud.access_keys(user).await?;
    for key in &keys {
        tracing::info!(key = %key.id, principal = %user, "deleting an access key");
        account.cloud.change_access_key(user, &KeyStep::Delete(key.id.clone())).await?;
    }
    Ok(keys.len())
}

/// What status says of the rotation.
fn rotation(case: &Case<'_>) -> Rotation {
    Rotation::read(super::credentials::status(case).as_ref())
}

fn policy(case: &Case<'_>, terms: &KeyTerms) -> Policy {
    terms.policy(case.identity)
}

fn note_next(case: &Case<'_>, next: Option<jiff::Timestamp>, verdict: Option<Verdict>) {
    case.context.memory.note(&case.incarnation.uid, |memory| {
        memory.next_credentials = next;
        memory.key_verdict = verdict;
    });
}
