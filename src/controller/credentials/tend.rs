//! One Secret that is declared: looked at, written where that is due, and what is said when it
//! cannot be done.

use super::super::annotated::lost;
use super::super::bind::unproven;
use super::super::case::{Case, later};
use super::super::identity::in_its_place;
use super::super::outcome::Failure;
use super::super::stop::cluster_verdict;
use super::{Kept, delete, issued, note_next, usable};
use crate::cloud::ErrorKind;
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::domain::{SecretVersion, SecretWrite, SessionSeconds};
use crate::plan::{Delivery, Issued, Means, Place, Reason, Resolved, SecretTarget, Standing, Stored, Verdict, place};

/// Why credentials could not be looked after.
pub(super) struct Problem {
    pub(super) verdict: Verdict,
    pub(super) failure: Failure,
    /// Whether what status tells of does not stand in the Secret any more.
    is_lost: bool,
}

impl Problem {
    fn new(verdict: Verdict, failure: Failure) -> Self {
        Self { verdict, failure, is_lost: false }
    }

    /// A request about a Secret failed.
    pub(super) fn secret(error: &ClusterError) -> Self {
        tracing::warn!(error.type = error.kind.name(), %error, "a request to the API server failed");
        let verdict = match error.kind {
            ClusterErrorKind::Denied => Verdict::terminal(
                Reason::ClusterRefused,
                format!(
                    "the API server does not let Ambit keep Secrets: {error}; Ambit may do so where the chart's value `credentials.secrets` is true"
                ),
            ),
            _ => cluster_verdict(error),
        };
        Self::new(verdict, Failure::Cluster(error.kind))
    }

    /// What people are told, and what is counted.
    fn told(self, issued: Option<&Issued>, target: &SecretTarget, case: &Case<'_>) -> Kept {
        let Self { verdict, failure, is_lost } = self;
        let is_taken = verdict.reason == Reason::SecretTaken;
        case.context.metrics.credentials(if is_taken { "taken" } else { "failed" });
        let issued = issued.filter(|issued| issued.target == *target && !is_taken);
        let verdict = match issued {
            Some(_) if is_lost => {
                let message = format!(
                    "Secret '{}' is gone or was changed, and cannot be written anew: {}",
                    target.name, verdict.message
                );
                let standing =
                    if verdict.standing == Standing::Working { Standing::Retrying } else { verdict.standing };
                Verdict::new(verdict.reason, standing, message)
            }
            Some(issued) => issued.failing(&verdict, case.context.now()),
            None => verdict,
        };
        Kept { verdict, failure: Some(failure) }
    }
}

/// Looks after the credentials of a declared Secret.
pub(super) async fn tend(case: &Case<'_>, resolved: &Resolved, target: &SecretTarget, session: SessionSeconds) -> Kept {
    let known = issued(case);
    let tended = attempt(case, resolved, target, (known.as_ref(), session)).await;
    let next = tended.as_ref().ok().map(|issued| {
        let look = case.context.memory.recall(&case.incarnation.uid).next_secret_look;
        look.map_or(issued.next, |look| look.min(issued.next))
    });
    // After a failure its own pause counts.
    note_next(case, next);
    match tended {
        Ok(issued) => Kept::quiet(issued.verdict(case.context.now())),
        Err(problem) => problem.told(usable(case).as_ref(), target, case),
    }
}

/// Leaves credentials that are good where they are, and issues others in place of all else.
async fn attempt(
    case: &Case<'_>,
    resolved: &Resolved,
    target: &SecretTarget,
    (known, session): (Option<&Issued>, SessionSeconds),
) -> Result<Issued, Problem> {
    let good = usable(case).filter(|known| known.target == *target && !known.is_due(case.context.now()));
    if let Some(good) = good.as_ref().filter(|_| !look_is_due(case, resolved)) {
        return Ok(good.clone());
    }
    let key = &case.incarnation.key;
    let seen = case.context.cluster.secret(&key.namespace, &target.name).await;
    let seen = seen.map_err(|error| Problem::secret(&error))?;
    let place = place(&target.name, target.keys(), seen.as_ref(), key, &case.incarnation.uid);
    let is_whole = matches!(place, Place::Ours(_, true));
    if let Some(good) = good.filter(|_| is_whole) {
        note_look(case, resolved);
        return Ok(good.clone());
    }
    let is_lost = known.is_some_and(|known| known.target == *target) && !is_whole;
    let lost = |problem: Problem| Problem { is_lost, ..problem };
    let version = free_or_ours(target, place).map_err(lost)?;
    let previous = moved(case, known, target).await?;
    let at = case.context.now();
    let expires = issue(case, resolved, target, (version.as_ref(), session)).await.map_err(lost)?;
    let issued = Issued::new(target.clone(), &case.incarnation.uid, at, (expires, session), previous);
    note_look(case, resolved);
    case.record(&issued).await.map_err(|error| Problem::new(cluster_verdict(&error), Failure::Cluster(error.kind)))?;
    let is_renewed = known.is_some_and(|known| known.target == *target) && is_whole;
    tell(case, &issued, is_renewed).await;
    Ok(issued)
}

/// The version to write over, where there is something of ours.
fn free_or_ours(target: &SecretTarget, place: Place) -> Result<Option<SecretVersion>, Problem> {
    let name = &target.name;
    match place {
        Place::Free => Ok(None),
        Place::Ours(version, _) => Ok(Some(version)),
        // Nobody says when it is free, so it is looked at again, each time later.
        Place::Taken(why) => {
            Err(Problem::new(Verdict::terminal(Reason::SecretTaken, why), Failure::Cluster(ClusterErrorKind::Invalid)))
        }
        Place::Leaving => Err(Problem::new(
            Verdict::retrying(
                Reason::Pending,
                format!("Secret '{name}' is being deleted; it is made anew when it is gone"),
            ),
            Failure::Cluster(ClusterErrorKind::NotFound),
        )),
    }
}

/// The Secret of an earlier name that is to be deleted when this one is written. There is
/// never more than one.
async fn moved(case: &Case<'_>, known: Option<&Issued>, target: &SecretTarget) -> Result<Option<String>, Problem> {
    let Some(known) = known else { return Ok(None) };
    let previous = known.previous.clone().filter(|previous| *previous != target.name);
    if known.target.name == target.name {
        return Ok(previous);
    }
    if let Some(previous) = previous {
        delete(case, &previous).await.map_err(|error| Problem::secret(&error))?;
    }
    Ok(Some(known.target.name.clone()))
}

/// Has credentials issued and writes them into the Secret. Returns when they run out.
async fn issue(
    case: &Case<'_>,
    resolved: &Resolved,
    target: &SecretTarget,
    (version, session): (Option<&SecretVersion>, SessionSeconds),
) -> Result<jiff::Timestamp, Problem> {
    let Some(delivery) = resolved.delivery() else { return Err(no_subject()) };
    let Delivery { service_account, means: Means::Stored(Stored { audience, .. }) } = delivery else {
        return Err(no_subject());
    };
    let name = &case.identity.spec.account_ref.name;
    let account = case.context.accounts.get(name, &resolved.account).filter(|_| is_in_its_place(case, resolved));
    let account = account.ok_or_else(|| {
        let verdict = Verdict::working(Reason::Pending, format!("CloudAccount '{name}' is being checked"));
        Problem::new(verdict, Failure::Cloud(ErrorKind::Transient))
    })?;
    let cluster = &case.context.cluster;
    let token = cluster.token(&case.incarnation.key.namespace, service_account, audience).await.map_err(|error| {
        let verdict = match error.kind {
            ClusterErrorKind::NotFound => lost(service_account),
            _ => cluster_verdict(&error),
        };
        Problem::new(verdict, Failure::Cluster(error.kind))
    })?;
    let issued = account.cloud.credentials(&resolved.desired.name, &token, session).await.map_err(|error| {
        tracing::warn!(error.type = error.kind.name(), %error, "credentials were not issued");
        let (verdict, failure) = unproven(case, &error);
        Problem::new(verdict, failure)
    })?;
    let written =
        cluster.write_secret(&case.incarnation, &target.name, version, &SecretWrite::data(target.data(&issued))).await;
    written.map_err(|error| Problem::secret(&error))?;
    Ok(issued.expires())
}

/// An account that was replaced by another of the same name hands out nothing.
fn is_in_its_place(case: &Case<'_>, resolved: &Resolved) -> bool {
    in_its_place(case, &resolved.role_arn).is_ok()
}

/// Only the API server's older rules let it pass, and `resolve` does not.
fn no_subject() -> Problem {
    let message = "`spec.credentials.sessionSecret` must go with `spec.subject.serviceAccount`";
    Problem::new(Verdict::terminal(Reason::InvalidScope, message), Failure::Bug)
}

async fn tell(case: &Case<'_>, issued: &Issued, is_renewed: bool) {
    let (reason, word) =
        if is_renewed { (Reason::CredentialsRenewed, "renewed") } else { (Reason::CredentialsIssued, "issued") };
    case.context.metrics.credentials(word);
    tracing::info!(secret = issued.target.name, expires = %issued.expires, "credentials were {word}");
    let note = format!("credentials were {word}: {}, good until {}", issued.target.words(), issued.expires);
    case.announce(false, &reason.name(), note).await;
}

/// Whether the Secret itself is to be looked at: as often as the account is swept, and
/// whenever somebody asks for a full look. First seen, it is put somewhere into the coming interval.
fn look_is_due(case: &Case<'_>, resolved: &Resolved) -> bool {
    let now = case.context.now();
    let due = case.context.memory.recall(&case.incarnation.uid).next_secret_look.unwrap_or_else(|| {
        let first = later(now, resolved.account.sweep_interval.mul_f64((case.context.spread)()));
        case.context.memory.note(&case.incarnation.uid, |memory| memory.next_secret_look = Some(first));
        first
    });
    due <= now || case.requested() != case.handled()
}

fn note_look(case: &Case<'_>, resolved: &Resolved) {
    let next = later(case.context.now(), case.context.spread_out(resolved.account.sweep_interval));
    case.context.memory.note(&case.incarnation.uid, |memory| memory.next_secret_look = Some(next));
}
