//! What changes of a role beside its permissions: who may become it, its place,
//! its boundary, its sessions, and how it is managed.

use std::time::Duration;

use super::access::Role;
use super::{Item, Part, Way, spot_of};
use crate::api::v1alpha1::{DeletionPolicy, DeliveryMethod, ManagementPolicy, PodAdmission};
use crate::offline::code::Code;
use crate::offline::world::Declared;
use crate::plan::SecretTarget;
use crate::plan::account::{AccountSettings, Federation, TokenSettings};
use crate::plan::guardrail::hours;
use crate::plan::pipeline::pipeline;
use crate::policy::compare::{self, Direction, Verdict};
use crate::policy::explain::{self, Change};
use crate::policy::{Catalogue, Policy, Request};

/// What differs, and what else there is to know.
pub(super) fn differences(old: &Role<'_>, new: &Role<'_>, catalogue: &Catalogue) -> (Vec<Item>, Vec<String>) {
    let mut items = moved(old, new);
    items.extend(trust(old, new, catalogue));
    items.extend(boundary(old, new));
    items.extend(session(old, new));
    (items, notes(old, new))
}

/// Who uses an identity.
pub(super) fn subject(declared: &Declared) -> String {
    let subject = &declared.identity.spec.subject;
    if let Some(pipeline) = subject.pipeline.as_ref().and_then(|subject| pipeline(subject).ok()) {
        return format!("pipeline {}", pipeline.words);
    }
    let account = subject.service_account.as_ref();
    let name = account.map_or("", |account| account.name.as_str());
    format!("service account `{}/{name}`", declared.key.namespace)
}

fn item(role: &Role<'_>, part: Part, way: Way, code: Code, field: &str, [head, english]: [String; 2]) -> Item {
    Item {
        part,
        way,
        code,
        sensitivity: None,
        actions: Vec::new(),
        head,
        english,
        witness: None,
        spot: spot_of(role.declared, field),
        field: field.to_owned(),
    }
}

/// Another account, path or name makes another role.
fn moved(old: &Role<'_>, new: &Role<'_>) -> Vec<Item> {
    let (before, after) = (&old.resolved.role_arn, &new.resolved.role_arn);
    if before == after {
        return Vec::new();
    }
    let field = "spec.accountRef.name";
    let gained = "it is another role: all that it may do there is new";
    let lost = "the role that it had is no longer its own, and whatever names that one no longer reaches it";
    let item = |way, code, arn: &str, english: &str| {
        item(new, Part::Role, way, code, field, [format!("role {arn}"), english.to_owned()])
    };
    vec![item(Way::Wider, Code::Wider, after, gained), item(Way::Narrower, Code::Narrower, before, lost)]
}

/// Whoever may become the role has all that it has.
pub(super) fn trust(old: &Role<'_>, new: &Role<'_>, catalogue: &Catalogue) -> Option<Item> {
    let (before, after) = (&old.resolved.desired.trust, &new.resolved.desired.trust);
    if before.same_meaning(after) {
        return None;
    }
    let (old_policy, new_policy) = (Policy::read(before.text()).ok()?, Policy::read(after.text()).ok()?);
    // Another role has another policy, which may say the same of the same subject.
    if old.resolved.role_arn != new.resolved.role_arn && who(new, old) == who(old, new) {
        return None;
    }
    let comparison = compare::compare(&old_policy, &new_policy).ok()?;
    let Direction { verdict, .. } = &comparison.forward;
    let (way, code, witness) = match verdict {
        Verdict::None => return lost_trust(old, new, &comparison.backward, catalogue),
        Verdict::New(request) => (Way::Wider, Code::Handover, Some((**request).clone())),
        Verdict::Unknown { candidate, .. } => (Way::Undecided, Code::Undecided, candidate.as_deref().cloned()),
    };
    let english = match way {
        Way::Undecided => said(&comparison.forward, Change::Wider, catalogue)?,
        _ => "whoever proves to be that can now do all that the role may do".to_owned(),
    };
    // A trust policy speaks of whatever role it stands at, and the engine of one that it made up.
    let resource = new.resolved.role_arn.clone();
    let witness = witness.map(|request| Request { resource, ..request });
    let head = exchange(old, new);
    Some(Item { witness, ..item(new, Part::Trust, way, code, "spec.subject", [head, english]) })
}

/// Nobody gets it; perhaps somebody loses it.
fn lost_trust(old: &Role<'_>, new: &Role<'_>, backward: &Direction, catalogue: &Catalogue) -> Option<Item> {
    let english = said(backward, Change::Narrower, catalogue)?;
    let (way, code) = match &backward.verdict {
        Verdict::Unknown { .. } => (Way::Undecided, Code::Undecided),
        _ => (Way::Narrower, Code::Narrower),
    };
    let head = exchange(old, new);
    Some(item(new, Part::Trust, way, code, "spec.subject", [head, english]))
}

fn said(direction: &Direction, change: Change, catalogue: &Catalogue) -> Option<String> {
    let text = explain::direction(direction, change, catalogue)?.text;
    let plain = text.strip_prefix("wider: ").or_else(|| text.strip_prefix("narrower: "));
    Some(plain.unwrap_or(&text).to_owned())
}

/// Who may become it now, and who could.
fn exchange(old: &Role<'_>, new: &Role<'_>) -> String {
    let (before, after) = (who(old, new), who(new, old));
    if before == after {
        format!("{after}, by another proof than before")
    } else {
        format!("{after} instead of {before}")
    }
}

/// Who may become a role, with as much of the proof as tells two apart.
fn who(role: &Role<'_>, other: &Role<'_>) -> String {
    let mut words = subject(role.declared);
    let Some(own) = role.resolved.account.web_identity() else { return of_cluster(role, other, words) };
    let theirs = other.resolved.account.web_identity();
    if theirs.is_none_or(|theirs| theirs.issuer != own.issuer) {
        words = format!("{words} of issuer `{}`", own.issuer);
    }
    if theirs.is_none_or(|theirs| theirs.audience != own.audience) {
        words = format!("{words} for audience `{}`", own.audience);
    }
    words
}

/// Pods that EKS hands the role, with their cluster where that tells two apart.
fn of_cluster(role: &Role<'_>, other: &Role<'_>, words: String) -> String {
    let cluster = |role: &Role<'_>| role.resolved.delivery()?.handed_to().map(|handed_to| handed_to.cluster.clone());
    match (cluster(role), cluster(other)) {
        (Some(own), theirs) if theirs.as_ref() != Some(&own) => format!("{words} of EKS cluster `{own}`"),
        _ => words,
    }
}

fn boundary(old: &Role<'_>, new: &Role<'_>) -> Option<Item> {
    let (before, after) = (&old.resolved.desired.boundary, &new.resolved.desired.boundary);
    if before == after {
        return None;
    }
    let head = format!("boundary {after} instead of {before}");
    let english =
        "what a boundary allows is not in the files, so it cannot be decided whether access widens".to_owned();
    Some(item(new, Part::Boundary, Way::Undecided, Code::Undecided, "spec.accountRef.name", [head, english]))
}

fn session(old: &Role<'_>, new: &Role<'_>) -> Option<Item> {
    let (before, after) = (old.resolved.desired.session.get(), new.resolved.desired.session.get());
    let (way, code) = match after.cmp(&before) {
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Greater => (Way::Wider, Code::Wider),
        std::cmp::Ordering::Less => (Way::Narrower, Code::Narrower),
    };
    let said = |seconds: u32| hours(Duration::from_secs(seconds.into()));
    let head = format!("sessions of up to {} instead of {}", said(after), said(before));
    let english = match way {
        Way::Wider => "credentials that somebody took can be used for longer",
        _ => "credentials that somebody took can be used for less long",
    };
    Some(item(new, Part::Session, way, code, "spec.sessionDuration", [head, english.to_owned()]))
}

/// How new pods get it. Pods that run keep what they have, and whoever may create pods may mount a
/// token as they like: it is no question of access.
fn delivered(before: &AccountSettings, after: &AccountSettings, in_secret: bool) -> Vec<String> {
    let (was, now) = match (&before.federation, &after.federation) {
        (Federation::WebIdentity(was), Federation::WebIdentity(now)) => (was, now),
        (Federation::PodIdentity { .. }, Federation::PodIdentity { .. }) => return Vec::new(),
        (Federation::WebIdentity(_), Federation::PodIdentity { .. }) => {
            let what =
                "EKS hands its new pods the role; pods that run lose it when their credentials end: restart them";
            return vec![format!("`federation` goes from webIdentity to podIdentity: {what}")];
        }
        (Federation::PodIdentity { .. }, Federation::WebIdentity(_)) => {
            let what = "the API server refuses a way back from `podIdentity` for a CloudAccount that exists";
            return vec![format!("{what}: make another CloudAccount")];
        }
    };
    let mut notes = Vec::new();
    if before.region != after.region && now.delivery == DeliveryMethod::PodAdmission {
        notes.push(format!("its pods get region {} instead of {}", after.region, before.region));
    }
    // Nobody gives pods a token.
    if in_secret {
        return notes;
    }
    if was.delivery != now.delivery {
        let what = match now.delivery {
            DeliveryMethod::PodAdmission => {
                "Ambit's admission policies add token and environment to its new pods, and its service account loses Ambit's annotations"
            }
            DeliveryMethod::ServiceAccountAnnotation => {
                "its service account is annotated, and the webhook of EKS adds token and environment to its new pods"
            }
        };
        notes.push(format!("`delivery` goes from {:?} to {:?}: {what}", was.delivery, now.delivery));
    }
    let lasting =
        |token: &TokenSettings| hours(Duration::from_secs(u64::try_from(token.expiration_seconds).unwrap_or_default()));
    let (old, new) = (&was.token, &now.token);
    if old.expiration_seconds != new.expiration_seconds {
        notes.push(format!("tokens of its new pods are valid for {} instead of {}", lasting(new), lasting(old)));
    }
    if old.directory != new.directory {
        let (found, was) = (&new.directory, &old.directory);
        notes.push(format!("its new pods find their token in `{found}` instead of `{was}`"));
    }
    notes
}

/// How the credentials reach whoever uses them. The role may do the same.
fn credentials(old: &Role<'_>, new: &Role<'_>) -> Option<String> {
    let (before, after) = (old.resolved.secret(), new.resolved.secret());
    let what = match (before, after) {
        (None, None) => return None,
        (Some(one), Some(other)) if one == other => return None,
        (None, Some(_)) => "whoever can read that Secret has the access, until what was read runs out",
        (Some(_), None) => "the Secret is deleted, and only the subject's own tokens give access",
        (Some(one), Some(other)) if one.name == other.name => "whatever reads the Secret must read the new form",
        (Some(_), Some(_)) => "the new Secret is written, then the old one is deleted",
    };
    let words = |target: Option<&SecretTarget>| target.map_or_else(|| "federation".to_owned(), SecretTarget::words);
    Some(format!("`credentials` go from {} to {}: {what}", words(before), words(after)))
}

/// What does not change access, and matters all the same.
fn notes(old: &Role<'_>, new: &Role<'_>) -> Vec<String> {
    let (before, after) = (&old.declared.identity.spec, &new.declared.identity.spec);
    let mut notes = Vec::new();
    if before.management_policy != after.management_policy {
        let what = match after.management_policy {
            ManagementPolicy::Enforce => "Ambit makes the role as it is declared, and repairs what differs",
            ManagementPolicy::Observe => "Ambit changes nothing at the role any more, and only tells what differs",
            ManagementPolicy::Paused => "Ambit neither reads nor changes the role any more",
        };
        let (from, to) = (before.management_policy, after.management_policy);
        notes.push(format!("`managementPolicy` goes from {from:?} to {to:?}: {what}"));
    }
    if before.deletion_policy != after.deletion_policy {
        let what = match after.deletion_policy {
            DeletionPolicy::Delete => "the role goes when the identity is deleted",
            DeletionPolicy::Retain => "the role stays, with its access, when the identity is deleted",
        };
        let (from, to) = (before.deletion_policy, after.deletion_policy);
        notes.push(format!("`deletionPolicy` goes from {from:?} to {to:?}: {what}"));
    }
    if before.pod_admission != after.pod_admission {
        let what = match after.pod_admission {
            PodAdmission::RequireReady => "pods wait until the identity was proven usable",
            PodAdmission::Allow => "pods start without credentials while the identity is not ready",
        };
        let (from, to) = (before.pod_admission, after.pod_admission);
        notes.push(format!("`podAdmission` goes from {from:?} to {to:?}: {what}"));
    }
    notes.extend(credentials(old, new));
    if before.account_ref != after.account_ref {
        notes.push(
            "the API server refuses another `accountRef` for an identity that exists: declare a new MachineIdentity"
                .to_owned(),
        );
    }
    let (before, after) = (&old.resolved.account, &new.resolved.account);
    if let Some(delivery) = new.resolved.delivery() {
        notes.extend(delivered(before, after, delivery.secret().is_some()));
    }
    notes
}
