//! Every part of an identity, with what it says on both sides.

use super::compare::{By, DifferenceReport, Entry, Gathered, PartReport, ServiceAccount, Witness};
use super::side::Side;
use crate::api::v1alpha1::{Binding, DriftItem, MachineIdentity, PodAdmission};
use crate::domain::{Denial, Observation, Observed, OwnerTags};
use crate::names::{Owner, PrincipalKind};
use crate::plan::{
    Claim, Delivery, Difference, DriftClass, Part, Resolved, Sought, Tie, binding_differences, judge, tie,
};

/// Every part of the role, in the order in which it is judged.
pub fn role_parts(identity: &MachineIdentity, resolved: &Resolved, live: &Observed) -> Vec<PartReport> {
    let desired = &resolved.desired;
    let mut found = judge(desired, live);
    let mut take = |part: Part, subject: Option<&str>| {
        let at = found.iter().position(|one| one.part == part && one.subject.as_deref() == subject)?;
        Some(found.remove(at))
    };
    let mut parts = Vec::new();
    let mut add = |kind: Part, subject: Option<&str>, sides: (Side, Side)| {
        parts.push(part(identity, kind, subject, take(kind, subject), sides.0, sides.1));
    };
    add(Part::Tags, None, tags(&desired.owner, &live.owner));
    let bounded = live.boundary.clone().unwrap_or_else(|| "no permissions boundary".to_owned());
    add(Part::Boundary, None, (Side::line(desired.boundary.to_string()), Side::line(bounded)));
    // Nobody becomes a user, so there is neither trust nor session to compare.
    let is_role = live.kind == PrincipalKind::Role;
    if is_role {
        add(Part::Trust, None, (Side::policy(desired.trust.text()), Side::found(&live.trust)));
    }
    let lasts = live.session.map_or_else(|| "not told".to_owned(), |seconds| format!("at most {seconds} s"));
    let session = format!("at most {} s", desired.session.get());
    if is_role {
        add(Part::SessionDuration, None, (Side::line(session), Side::line(lasts)));
    }
    let permissions =
        live.permissions.as_ref().map_or_else(|| Side::line("nothing: the policy is not there"), Side::found);
    add(Part::Permissions, None, (Side::policy(desired.permissions.text()), permissions));
    let undeclared = || Side::line("not declared");
    for (name, reading) in &live.other_inline {
        add(Part::InlinePolicy, Some(name), (undeclared(), Side::found(reading)));
    }
    let denial = match live.denial {
        Denial::Absent => None,
        Denial::InPlace => Some("everything is denied, by Ambit's own policy `ambit-closed`"),
        Denial::Altered => Some("the policy `ambit-closed` says something else than Ambit's denial"),
    };
    if let Some(denial) = denial {
        add(Part::InlinePolicy, None, (Side::line("no denial"), Side::line(denial)));
    }
    for arn in &live.attached {
        add(Part::Attachment, Some(arn), (undeclared(), Side::line("attached; what it allows was not read")));
    }
    for group in &live.groups {
        add(Part::Group, Some(group), (undeclared(), Side::line("the user is in it; what it allows was not read")));
    }
    if let Some(has_password) = live.has_password {
        let password = if has_password { "a password for the console" } else { "no password" };
        add(Part::LoginProfile, None, (Side::line("no password"), Side::line(password)));
    }
    // Whatever judges more parts one day is told as well.
    for difference in found {
        let (kind, subject) = (difference.part, difference.subject.clone());
        parts.push(part(identity, kind, subject.as_deref(), Some(difference), Side::default(), Side::default()));
    }
    parts
}

/// The tags that say whose a role is.
fn tags(owner: &Owner, live: &OwnerTags) -> (Side, Side) {
    let tag = |name: &str, value: Option<&str>| match value {
        Some(value) => format!("ambit.dev/{name} = {value}"),
        None => format!("no tag ambit.dev/{name}"),
    };
    let (installation, identity) = (owner.installation.to_string(), owner.identity.to_string());
    let all = |installation, identity, uid| Side {
        words: vec![tag("installation", installation), tag("identity", identity), tag("uid", uid)],
        ..Side::default()
    };
    (
        all(Some(&installation), Some(&identity), Some(&owner.uid)),
        all(live.installation.as_deref(), live.identity.as_deref(), live.uid.as_deref()),
    )
}

/// What hands the role to pods, where EKS does.
pub fn association_part(gathered: &Gathered) -> Option<PartReport> {
    let Gathered { identity, resolved, association, .. } = gathered;
    let (found, handed_to) = (association.as_ref()?, resolved.delivery()?.handed_to()?);
    let sought = Sought { owner: &resolved.desired.owner, pods: &handed_to.pods, role_arn: &resolved.role_arn };
    let difference = match tie(&sought, found) {
        Tie::Settled => None,
        Tie::Change(_, difference) | Tie::NotOurs(difference) => Some(*difference),
    };
    let words = |role: &str| format!("pods of `{}` in {} get {role}", handed_to.pods, handed_to.cluster);
    let live = match found {
        Observation::Absent => Side::line("no association"),
        Observation::Present(live) => {
            let mut side = Side::line(words(&live.principal));
            side.words.extend(live.onward.iter().map(|role| format!("and become {role} from there")));
            side.words.extend((!live.names_pods).then(|| "session tags are switched off".to_owned()));
            side.words.extend(live.narrowed.then(|| "with a policy of its own".to_owned()));
            side
        }
    };
    Some(part(identity, Part::Association, None, difference, Side::line(words(&resolved.role_arn)), live))
}

/// The way from pod to role.
pub fn binding_parts(gathered: &Gathered) -> Vec<PartReport> {
    let Gathered { identity, resolved, .. } = gathered;
    let Some(delivery) = resolved.delivery() else { return Vec::new() };
    let account = &delivery.service_account;
    let (was_read, found) = match &gathered.entry {
        Entry::NotRead => (false, None),
        Entry::Absent => (true, None),
        Entry::There(binding) => (true, Some(binding)),
    };
    let expected = expected(gathered, delivery, found);
    let exists = !matches!(gathered.service_account, ServiceAccount::Absent);
    // Pods of an identity that is not ready yet may start without it, where it says so.
    let is_due = found.is_some() || expected.ready || identity.spec.pod_admission == PodAdmission::RequireReady;
    let mut differences = binding_differences(account, &expected, exists, found);
    differences.retain(|one| one.part != Part::BindingTable || (was_read && is_due));
    // Nothing is said there of an identity that is not ready.
    let annotated = delivery.annotated().filter(|_| expected.ready);
    if let (Some(annotated), ServiceAccount::There(found)) = (annotated, &gathered.service_account) {
        differences.extend(match annotated.claim(&expected.identity, found) {
            Claim::Foreign(what) => Some(foreign(account, &what)),
            Claim::InPlace | Claim::Free => annotated.difference(account, &expected.identity, found),
        });
    }
    let mut take = |part: Part| {
        let at = differences.iter().position(|one| one.part == part)?;
        Some(differences.remove(at))
    };
    let mut parts = Vec::new();
    let wanted = annotated.map(|annotated| annotated.annotations(&expected.identity));
    let live = match &gathered.service_account {
        ServiceAccount::NotRead => None,
        ServiceAccount::Absent => Some(Side::line("not there")),
        ServiceAccount::There(found) => Some(Side::service_account(account, wanted.as_ref().map(|_| found))),
    };
    if let Some(live) = live {
        let desired = Side::service_account(account, wanted.as_ref());
        parts.push(part(identity, Part::ServiceAccount, None, take(Part::ServiceAccount), desired, live));
    }
    if was_read {
        let desired = if is_due { Side::binding(&expected) } else { Side::line("none while it is not ready") };
        let live = found.map_or_else(|| Side::line("no entry"), Side::binding);
        parts.push(part(identity, Part::BindingTable, None, take(Part::BindingTable), desired, live));
    }
    parts
}

/// What somebody else says on a service account, and Ambit leaves as it is.
fn foreign(service_account: &str, what: &str) -> Difference {
    let summary = format!("service account `{service_account}` has {what}, which somebody else wrote");
    Difference::new(Part::ServiceAccount, DriftClass::Foreign, summary)
}

/// The entry as the operator would write it. Whether pods of an identity that is not ready have
/// to wait depends on how far it got, which only the operator knows.
fn expected(gathered: &Gathered, delivery: &Delivery, found: Option<&Binding>) -> Binding {
    let conditions = gathered.identity.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let is_ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let ready = is_ready || found.is_some_and(|entry| entry.ready);
    delivery.binding(&gathered.key.name, (!ready).then(|| "it is not ready".to_owned()))
}

/// One part with its two sides, and what status tells of its difference.
pub fn part(
    identity: &MachineIdentity,
    part: Part,
    subject: Option<&str>,
    difference: Option<Difference>,
    desired: Side,
    live: Side,
) -> PartReport {
    let difference = difference.map(|found| {
        let told = told(identity, &found);
        let time = |time: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Time| time.0.to_string();
        DifferenceReport {
            rank: (found.severity(), found.class),
            class: found.class.name(),
            severity: found.severity().name(),
            widens: found.widens,
            witness: found.witness.as_ref().map(Witness::of),
            since: told.map(|item| time(&item.since)),
            by: told.and_then(|item| item.by.as_ref()).map(|by| By {
                principal: by.principal.clone(),
                source: by.source.clone(),
                operation: by.operation.clone(),
                event: by.event.clone(),
                time: time(&by.time),
            }),
            summary: found.summary,
        }
    });
    PartReport { part: part.name(), subject: subject.map(str::to_owned), difference, desired, live }
}

/// What status tells of the same difference.
fn told<'a>(identity: &'a MachineIdentity, found: &Difference) -> Option<&'a DriftItem> {
    let items = &identity.status.as_ref()?.drift.as_ref()?.items;
    items.iter().find(|item| {
        item.part == found.part.name() && item.class == found.class.name() && item.subject == found.subject
    })
}
