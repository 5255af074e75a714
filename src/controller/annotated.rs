//! What Ambit says on service accounts to the webhook of EKS.
//!
//! Which service accounts that may be stands in status before anything is said there, so that
//! nothing that was said is forgotten.

use super::case::Case;
use super::outcome::{Failure, Outcome};
use super::stop::Stop;
use crate::api::v1alpha1::Binding;
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::domain::annotation::Annotations;
use crate::names::PrincipalName;
use crate::plan::{Annotated, Claim, Reason, Verdict, may_be_of};

/// What keeps Ambit from changing the annotations of a service account.
pub struct Hindrance {
    /// What to say of it.
    pub verdict: Verdict,
    /// What the API server said.
    pub error: ClusterError,
}

impl From<Hindrance> for Stop {
    fn from(hindrance: Hindrance) -> Self {
        Self::bound(hindrance.verdict, Outcome::Failed(Failure::Cluster(hindrance.error.kind)))
    }
}

/// Says on the service account which role its pods get. Returns only when that was read back.
pub async fn say(case: &Case<'_>, service_account: &str, wanted: &Annotated) -> Result<(), Stop> {
    let cluster = &case.context.cluster;
    let key = &case.incarnation.key;
    let way = cluster.way(&key.namespace, service_account).await.map_err(Stop::cluster)?;
    let seen = way.service_account.ok_or_else(|| missing(service_account))?;
    let claim = wanted.claim(&key.name, &seen.annotations);
    if let Claim::Foreign(what) = claim {
        return Err(foreign(service_account, &what, way.entry.as_ref()));
    }
    let mut noted = noted(case);
    if !noted.iter().any(|name| name == service_account) {
        noted.push(service_account.to_owned());
        case.note_annotated(noted).await.map_err(Stop::cluster)?;
    }
    if claim == Claim::InPlace {
        return Ok(());
    }
    tracing::info!(namespace = key.namespace, service_account, "annotating the service account");
    let annotations = wanted.annotations(&key.name);
    let done = cluster.annotate(&key.namespace, service_account, &seen, &annotations).await;
    done.map_err(|error| hindered(error, &format!("annotate service account '{service_account}'"), ""))?;
    let after = cluster.service_account(&key.namespace, service_account).await.map_err(Stop::cluster)?;
    let is_there = after.is_some_and(|after| wanted.claim(&key.name, &after.annotations) == Claim::InPlace);
    if is_there { Ok(()) } else { Err(unseen(&format!("the annotations of service account '{service_account}'"))) }
}

/// Takes away what Ambit said on any service account but one. Where nothing is noted, nothing is asked.
pub async fn withdraw(case: &Case<'_>, keep: Option<&str>) -> Result<(), Hindrance> {
    let noted = noted(case);
    let (kept, left): (Vec<String>, Vec<String>) = noted.into_iter().partition(|name| Some(name.as_str()) == keep);
    if left.is_empty() {
        return Ok(());
    }
    let cluster = &case.context.cluster;
    let key = &case.incarnation.key;
    let principal = PrincipalName::derive(&case.context.installation, key);
    for name in &left {
        let doing = format!("take its annotations off service account '{name}'");
        let Some(seen) = cluster.service_account(&key.namespace, name).await.map_err(failed)? else { continue };
        if may_be_of(&key.name, &principal, &seen.annotations) {
            tracing::info!(namespace = key.namespace, service_account = name, "taking annotations away");
            let done = cluster.annotate(&key.namespace, name, &seen, &Annotations::new()).await;
            done.map_err(|error| hindered(error, &doing, ", or remove its annotations yourself"))?;
        }
    }
    case.note_annotated(kept).await.map_err(failed)
}

/// Whether Ambit may have said something on any service account.
pub fn is_noted(case: &Case<'_>) -> bool {
    !noted(case).is_empty()
}

fn noted(case: &Case<'_>) -> Vec<String> {
    case.status().and_then(|status| status.delivery).map(|it| it.annotated_service_accounts).unwrap_or_default()
}

/// What needs no right but those that every Ambit has.
fn failed(error: ClusterError) -> Hindrance {
    let message = format!("the API server did not do what Ambit asked: {error}");
    Hindrance { verdict: Verdict::retrying(Reason::Pending, message), error }
}

/// What needs the right to change service accounts.
fn hindered(error: ClusterError, doing: &str, or_else: &str) -> Hindrance {
    if error.kind != ClusterErrorKind::Denied {
        return failed(error);
    }
    let message = format!(
        "the API server does not let Ambit {doing}: {error}; set the chart value `delivery.serviceAccountAnnotation` to true{or_else}"
    );
    Hindrance { verdict: Verdict::terminal(Reason::ClusterRefused, message), error }
}

/// Somebody else's annotations. Where pods get the role by Ambit's own injection still, they go on
/// getting it; where they would get the other role, they are turned away.
fn foreign(service_account: &str, what: &str, entry: Option<&Binding>) -> Stop {
    let message = format!(
        "service account '{service_account}' has {what}, which somebody else wrote and Ambit does not overwrite: remove it, or name another service account"
    );
    let verdict = Verdict::terminal(Reason::AnnotationConflict, message.clone());
    let stop = Stop::bound(verdict, Outcome::Failed(Failure::Cluster(ClusterErrorKind::Invalid)));
    let is_injected = entry.is_some_and(|entry| entry.ready && entry.audience.is_some());
    if is_injected { stop } else { stop.shutting(message) }
}

/// A service account that is not there, although it was a moment ago.
pub fn missing(service_account: &str) -> Stop {
    Stop::bound(lost(service_account), Outcome::Failed(Failure::Cluster(ClusterErrorKind::NotFound)))
}

/// What is said of it.
pub fn lost(service_account: &str) -> Verdict {
    let message = format!("service account '{service_account}' does not exist; it is made when it is looked for again");
    Verdict::retrying(Reason::ServiceAccountMissing, message)
}

/// What was written and is not there: somebody was quicker.
pub fn unseen(what: &str) -> Stop {
    let message = format!("{what} were changed while Ambit wrote them; they are looked at again");
    Stop::bound(
        Verdict::retrying(Reason::Pending, message),
        Outcome::Failed(Failure::Cluster(ClusterErrorKind::Conflict)),
    )
}
