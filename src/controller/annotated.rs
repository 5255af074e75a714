//! What Ambit says on service accounts to the webhook of EKS.
//!
//! Which service accounts that may be stands in status before anything is said there, so that
//! nothing that was said is forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;

use super::case::Case;
use super::context::Context;
use super::outcome::{Failure, Outcome};
use super::stop::Stop;
use crate::api::v1alpha1::{Binding, MachineIdentity, ManagementPolicy};
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::domain::annotation::Annotations;
use crate::names::PrincipalName;
use crate::plan::contest::is_about;
use crate::plan::{Annotated, Claim, Course, Part, Reason, Verdict, may_be_of};

/// How many service accounts a sweep asks for at once.
const AT_ONCE: usize = 8;
/// How long it goes on asking: it must come to its end in time.
const LONGEST: Duration = Duration::from_mins(1);

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

/// Takes away what Ambit said on any service account but one: on those that are noted, and on the
/// declared one, in case a note was lost.
pub async fn withdraw(case: &Case<'_>, keep: Option<&str>) -> Result<(), Hindrance> {
    let noted = noted(case);
    let subject = case.identity.spec.subject.service_account.as_ref();
    let all: BTreeSet<&String> = noted.iter().chain(subject.map(|subject| &subject.name)).collect();
    let cluster = &case.context.cluster;
    let key = &case.incarnation.key;
    for name in all.into_iter().filter(|name| Some(name.as_str()) != keep) {
        let doing = format!("take its annotations off service account '{name}'");
        let Some(seen) = cluster.service_account(&key.namespace, name).await.map_err(failed)? else { continue };
        if is_ours(case, &seen.annotations) {
            tracing::info!(namespace = key.namespace, service_account = name, "taking annotations away");
            let done = cluster.annotate(&key.namespace, name, &seen, &Annotations::new()).await;
            done.map_err(|error| hindered(error, &doing, ", or remove its annotations yourself"))?;
        }
    }
    let kept: Vec<String> = noted.iter().filter(|name| Some(name.as_str()) == keep).cloned().collect();
    if kept == noted { Ok(()) } else { case.note_annotated(kept).await.map_err(failed) }
}

/// Whether Ambit may have said something on any service account.
pub fn is_noted(case: &Case<'_>) -> bool {
    !noted(case).is_empty()
}

/// Whether Ambit may have said something still: what is noted, and what the service account shows.
pub async fn is_left(case: &Case<'_>, service_account: &str) -> Result<bool, Stop> {
    if is_noted(case) {
        return Ok(true);
    }
    let cluster = &case.context.cluster;
    let seen = cluster.service_account(&case.incarnation.key.namespace, service_account).await;
    Ok(seen.map_err(Stop::cluster)?.is_some_and(|seen| is_ours(case, &seen.annotations)))
}

fn is_ours(case: &Case<'_>, found: &Annotations) -> bool {
    let key = &case.incarnation.key;
    may_be_of(&key.name, &PrincipalName::role(&case.context.installation, key), found)
}

/// Those of the identities in place whose service account does not say any more what Ambit said
/// there. Nobody watches service accounts, so sweeps ask for those that are noted; where the API
/// server is slow, not for all of them, and for others each time.
pub async fn astray(context: &Context, identities: Vec<Arc<MachineIdentity>>) -> Vec<Arc<MachineIdentity>> {
    let until = context.now().checked_add(LONGEST).unwrap_or(Timestamp::MAX);
    let asked = identities.into_iter().take_while(|_| context.now() < until);
    let asked = asked.map(|identity| async move { is_astray(context, &identity).await.then_some(identity) });
    futures::stream::iter(asked).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await
}

/// Marks the identity then, so that its next reconciliation looks itself.
async fn is_astray(context: &Context, identity: &MachineIdentity) -> bool {
    let Some(case) = Case::open(context, identity) else { return false };
    let is_watched = is_noted(&case)
        && identity.metadata.deletion_timestamp.is_none()
        && identity.spec.management_policy == ManagementPolicy::Enforce
        && !case.remembered.is_suspected();
    if !is_watched {
        return false;
    }
    let grounds = context.world.grounds(&case.incarnation.key, identity, &context.installation);
    let Some(Course::Pursue(resolved, _)) = grounds.map(|grounds| case.course(&grounds)) else { return false };
    let given_up = case.contest().filter(|contest| contest.stopped);
    let is_fought_over = given_up.is_some_and(|contest| is_about(&contest, &[Part::ServiceAccount]));
    let Some(delivery) = resolved.delivery().filter(|_| is_fought_over || case.is_in_place(&resolved)) else {
        return false;
    };
    let Some(wanted) = delivery.annotated() else { return false };
    let key = &case.incarnation.key;
    let Ok(seen) = context.cluster.service_account(&key.namespace, &delivery.service_account).await else {
        return false;
    };
    // Where Ambit has given up on it, it is news that somebody has put it right.
    let differs = seen.is_none_or(|seen| wanted.claim(&key.name, &seen.annotations) != Claim::InPlace);
    let is_news = differs != is_fought_over;
    if is_news {
        context.memory.note(&case.incarnation.uid, |memory| memory.suspicions += 1);
    }
    is_news
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
    // An admission policy or webhook says so in these words, and RBAC does not.
    let is_admission = ["denied request", "denied the request"].iter().any(|words| error.message.contains(words));
    let mend = if is_admission {
        "change what refuses it; where that is the chart's own policy, its value `admission.excludeNamespaces` names the namespace"
    } else {
        "set the chart value `delivery.serviceAccountAnnotation` to true"
    };
    let message = format!("the API server does not let Ambit {doing}: {error}; {mend}{or_else}");
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
