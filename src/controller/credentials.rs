//! Credentials in a Secret: issued when the identity was proven usable, renewed in
//! time, deleted when nobody declares them any more and while the identity is suspended.
//!
//! INVARIANTS:
//! - The cloud is asked for credentials only when the Secret's place was seen to be free or ours.
//! - They are written into the Secret first and into status next: status never tells of
//!   credentials that stand nowhere, and whoever goes on after a crash issues others.
//! - They never leave one function, `tend::issue`: nothing else of the controller sees them.

mod tend;

use std::time::Duration;

use super::accounts::Account;
use super::case::Case;
use super::keys;
use super::outcome::{Failure, Outcome};
use super::stop::Stop;
use crate::api::v1alpha1::CredentialsStatus;
use crate::cloud::ErrorKind;
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::domain::SessionSeconds;
use crate::plan::{Findings, Issued, Place, Reason, Recorded, Resolved, Standing, Storing, Verdict, place};
use tend::{Problem, tend};

/// What came of looking after credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What `CredentialsFresh` says.
    pub verdict: Verdict,
    /// What it failed on.
    pub failure: Option<Failure>,
}

impl Kept {
    pub(super) fn quiet(verdict: Verdict) -> Self {
        Self { verdict, failure: None }
    }

    /// Whether whoever uses the credentials lacks nothing.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.verdict.standing, Standing::Good | Standing::Tolerated)
    }

    /// Whether the role itself need not be looked at for it. An exchange that is refused means more
    /// than late credentials: a pod that exchanges its own token would be refused as well.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_good() && self.failure != Some(Failure::Cloud(ErrorKind::NotFound))
    }

    /// An outcome that does not hide that something is to be tried again.
    #[must_use]
    pub fn urging(&self, outcome: Outcome) -> Outcome {
        match (self.failure, outcome) {
            (_, outcome @ (Outcome::Failed(_) | Outcome::Deferred(_))) | (None, outcome) => outcome,
            (Some(failure), _) => Outcome::Failed(failure),
        }
    }
}

/// Renews credentials that are due, and says how they are. This waits for nothing else
/// about the identity: pods that exchange their own tokens would not wait either.
pub async fn keep(case: &Case<'_>, resolved: &Resolved) -> Kept {
    if let Some(terms) = resolved.key() {
        return keys::keep(case, resolved, terms).await;
    }
    note_next(case, None);
    let Some(target) = resolved.secret() else {
        let message = "short-lived credentials are handed out by federation; no key is stored";
        return Kept::quiet(Verdict::good(Reason::Federated, message));
    };
    let now = case.context.now();
    let issued = usable(case);
    if !resolved.enforce {
        note_next(case, issued.as_ref().map(|issued| issued.expires).filter(|end| *end > now));
        return Kept::quiet(issued.map_or_else(only_observed, |issued| issued.observed(now)));
    }
    if case.recorded().suspended {
        let message =
            format!("credentials are issued anew, into Secret '{}', when the identity is open again", target.name);
        return Kept::quiet(Verdict::working(Reason::Suspended, message));
    }
    let is_seen = case.status().is_some_and(|status| status.observed_generation == case.identity.metadata.generation);
    match issued.filter(|issued| is_seen || issued.target == *target) {
        Some(_) if is_seen => tend(case, resolved, target, bounded(case, resolved.desired.session)).await,
        Some(issued) => {
            note_next(case, Some(issued.next));
            Kept::quiet(issued.verdict(now))
        }
        None => {
            let message =
                format!("credentials are written into Secret '{}' when the role is proven usable", target.name);
            Kept::quiet(Verdict::working(Reason::Pending, message))
        }
    }
}

fn only_observed() -> Verdict {
    let message = "`spec.managementPolicy` is Observe: no credentials are issued, and no Secret is written";
    Verdict::good(Reason::Observing, message)
}

/// Before pods may start: what is declared stands in the Secret. Failures that nobody feels
/// yet come back instead of stopping.
pub async fn provide(
    case: &Case<'_>,
    resolved: &Resolved,
    account: &Account,
    findings: &mut Findings,
) -> Result<Option<Failure>, Stop> {
    if let Some(terms) = resolved.key().filter(|_| resolved.enforce) {
        return keys::provide(case, resolved, (terms, account), findings).await;
    }
    let Some(target) = resolved.secret().filter(|_| resolved.enforce) else { return Ok(None) };
    let kept = tend(case, resolved, target, resolved.desired.session).await;
    findings.issued = status(case);
    match kept.failure.filter(|_| !kept.is_good()) {
        None => {
            findings.credentials = kept.verdict;
            Ok(kept.failure)
        }
        Some(failure) => {
            let is_taken = kept.verdict.reason == Reason::SecretTaken;
            let message = kept.verdict.message.clone();
            let stop = Stop::credentials(kept.verdict, Outcome::Failed(failure));
            // Pods would find what somebody else put there.
            Err(if is_taken { stop.shutting(message) } else { stop })
        }
    }
}

/// Deletes Secrets that are no longer declared, now that what is declared is in place.
pub async fn retire(case: &Case<'_>, resolved: &Resolved, findings: &mut Findings) -> Result<(), Stop> {
    let Some(kept) = status(case).filter(|_| resolved.key().is_none()) else { return Ok(()) };
    if let Some(previous) = &kept.previous_secret_name {
        delete(case, previous).await.map_err(|error| undeleted(&error))?;
    }
    let is_declared = resolved.secret().is_some();
    if !is_declared {
        delete(case, &kept.secret_name).await.map_err(|error| undeleted(&error))?;
    }
    findings.issued = is_declared.then_some(CredentialsStatus { previous_secret_name: None, ..kept });
    Ok(())
}

/// A Secret that is no longer declared is still there.
fn undeleted(error: &ClusterError) -> Stop {
    let Problem { verdict, failure, .. } = Problem::secret(error);
    Stop::credentials(verdict, Outcome::Failed(failure))
}

/// Deletes every Secret that may hold the identity's credentials, now that the identity goes.
pub async fn remove(case: &Case<'_>) -> Result<(), ClusterError> {
    for name in names(case) {
        delete(case, &name).await?;
    }
    Ok(())
}

/// Deletes every Secret that may hold the identity's credentials, because it is suspended. Nobody
/// else would: so what could not be deleted stays in status, and is tried again.
pub async fn withdraw(case: &Case<'_>, findings: &mut Findings) -> Result<(), Failure> {
    for name in names(case) {
        match delete_ours(case, &name).await {
            Ok(true) => tell_deleted(case, &name).await,
            Ok(false) => {}
            Err(error) => {
                let Problem { verdict: Verdict { reason, standing, message }, failure, .. } = Problem::secret(&error);
                let message = format!("Secret '{name}' of the suspended identity was not deleted: {message}");
                findings.credentials = Verdict::new(reason, standing, message);
                return Err(failure);
            }
        }
    }
    findings.issued = None;
    findings.credentials = suspended(None);
    Ok(())
}

/// What is said of credentials while the identity is suspended.
#[must_use]
pub fn suspended(issued: Option<&CredentialsStatus>) -> Verdict {
    const NOBODY: &str = "nobody gets credentials while the identity is suspended";
    match issued {
        None => Verdict::working(Reason::Suspended, format!("{NOBODY}, and none stand in a Secret")),
        Some(kept) => {
            let message = format!("{NOBODY}; Secret '{}' with those from before is deleted", kept.secret_name);
            Verdict::working(Reason::Pending, message)
        }
    }
}

/// The Secrets that may hold the identity's credentials.
fn names(case: &Case<'_>) -> Vec<String> {
    // What was written and not recorded yet has the declared name.
    let declared = Storing::of(&case.identity.spec).map(|stored| stored.target().name.clone());
    let recorded = status(case);
    let previous = recorded.as_ref().and_then(|kept| kept.previous_secret_name.clone());
    let current = recorded.map(|kept| kept.secret_name).filter(|name| declared.as_ref() != Some(name));
    declared.into_iter().chain(current).chain(previous).collect()
}

/// Whether nothing but time can make something to do.
#[must_use]
pub fn are_in_place(case: &Case<'_>, resolved: &Resolved) -> bool {
    let kept = status(case);
    match (resolved.secret(), kept.as_ref().and_then(Issued::read)) {
        _ if !resolved.enforce => true,
        _ if resolved.key().is_some() => kept.is_some_and(|kept| kept.current.is_some()),
        (None, _) => kept.is_none(),
        (Some(target), issued) => issued.is_some_and(|issued| issued.target == *target && issued.previous.is_none()),
    }
}

/// The outcome of a reconciliation, no later than the credentials need the next one.
#[must_use]
pub fn in_time(case: &Case<'_>, outcome: Outcome) -> Outcome {
    let memory = case.context.memory.recall(&case.incarnation.uid);
    let Some(due) = memory.next_credentials else { return outcome };
    let pause = Duration::try_from(due.duration_since(case.context.now())).unwrap_or_default();
    let pause = pause.max(Duration::from_secs(1));
    match outcome {
        Outcome::Waiting(other) => Outcome::Waiting(other.min(pause)),
        Outcome::Refused => Outcome::Waiting(pause),
        other => other,
    }
}

/// What status says of credentials.
#[must_use]
pub fn status(case: &Case<'_>) -> Option<CredentialsStatus> {
    case.status()?.credentials
}

/// What is said of credentials while the declaration is not carried out.
#[must_use]
pub fn unattended(case: &Case<'_>, why: &str) -> Verdict {
    let key = status(case).filter(|kept| kept.current.is_some());
    match (issued(case), key) {
        (Some(issued), _) => issued.unattended(why),
        (None, Some(kept)) => {
            let message = format!("{why}; until then the access key in Secret '{}' is not rotated", kept.secret_name);
            Verdict::working(Reason::Pending, message)
        }
        (None, None) => Verdict::working(Reason::Pending, why),
    }
}

fn issued(case: &Case<'_>) -> Option<Issued> {
    Issued::read(&status(case)?)
}

/// The credentials that stand in a Secret, unless they are from before a suspension, which denies
/// them for good.
fn usable(case: &Case<'_>) -> Option<Issued> {
    let Recorded { suspended, sessions_denied_before, .. } = case.recorded();
    issued(case).filter(|issued| sessions_denied_before.map_or(!suspended, |before| issued.at >= before))
}

/// How long credentials may live before the role is as declared: no longer than it is known to allow.
fn bounded(case: &Case<'_>, declared: SessionSeconds) -> SessionSeconds {
    let recorded = case.recorded().session.and_then(|seconds| SessionSeconds::new(seconds.into()));
    recorded.map_or(declared, |recorded| recorded.min(declared))
}

/// Notes when credentials are to be looked after again.
fn note_next(case: &Case<'_>, next: Option<jiff::Timestamp>) {
    case.context.memory.note(&case.incarnation.uid, |memory| memory.next_credentials = next);
}

/// Deletes a Secret that is provably the identity's. Where the right to do so was taken from
/// Ambit for good, the Secret goes with its owner.
async fn delete(case: &Case<'_>, name: &str) -> Result<(), ClusterError> {
    const PATIENCE: u32 = 3;
    match delete_ours(case, name).await {
        Ok(true) => {
            tell_deleted(case, name).await;
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(error) if error.kind == ClusterErrorKind::Denied && case.remembered.failures >= PATIENCE => {
            tracing::warn!(error.type = error.kind.name(), %error, "a Secret was not deleted");
            let note = format!(
                "Secret '{name}' may hold credentials of the identity and could not be deleted: {error}; delete it, or leave it to be deleted with the identity"
            );
            case.announce(true, &Reason::ClusterRefused.name(), note).await;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn tell_deleted(case: &Case<'_>, name: &str) {
    case.announce(false, &Reason::SecretDeleted.name(), format!("Secret '{name}' was deleted")).await;
}

/// Whether there was one to delete.
async fn delete_ours(case: &Case<'_>, name: &str) -> Result<bool, ClusterError> {
    let (cluster, key) = (&case.context.cluster, &case.incarnation.key);
    let seen = cluster.secret(&key.namespace, name).await?;
    let Place::Ours(version, _) = place(name, &[], seen.as_ref(), key, &case.incarnation.uid) else {
        return Ok(false);
    };
    cluster.delete_secret(&key.namespace, name, &version).await?;
    Ok(true)
}
