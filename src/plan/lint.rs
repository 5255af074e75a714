//! A second pair of eyes on every plan, written apart from the planner.
//!
//! It knows nothing of how a plan came about. A finding means that the planner
//! is wrong, so the plan is not carried out.

mod trust;
mod way;

#[cfg(test)]
pub(super) use trust::inexact;

use crate::domain::{Observation, Observed, Step};
use crate::names::{Owner, PrincipalKind};

/// The longest trust policy that IAM takes by default.
const MAX_TRUST: usize = 2048;
/// The most characters of inline policies that IAM takes for a role, and for a user.
const MAX_INLINE: usize = 10_240;
const MAX_USER_INLINE: usize = 2048;

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A step on a principal whose tags name another identity.
    #[error("step `{0}` would change a principal that belongs to another identity")]
    ForeignOwner(&'static str),
    /// A step that the kind of principal does not know, or that was planned for the other kind.
    #[error("step `{0}` cannot be taken on this {1}")]
    WrongKind(&'static str, &'static str),
    /// A step on a principal outside our path.
    #[error("step `{0}` would change a principal outside this installation's path")]
    ForeignPath(&'static str),
    /// A trust policy that is not exact.
    #[error("the trust policy of step `{0}` is not exact: {1}")]
    InexactTrust(&'static str, &'static str),
    /// A document over its limit.
    #[error("the document of step `{step}` has {size} characters and must have at most {limit}")]
    Oversize {
        /// The step.
        step: &'static str,
        /// Its size as IAM counts it.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Permissions before everything that bounds them.
    #[error("step `{0}` comes before the step that bounds it")]
    Order(&'static str),
    /// A step that lets through what was held back until then and was not declared.
    #[error("step `{0}` would allow for a moment what was denied before and was not declared: deny everything first")]
    Exposing(&'static str),
    /// Deletion of something that was not denied first, or that should exist.
    #[error("step `{0}` belongs to a deletion and no deletion was asked for")]
    UnaskedDeletion(&'static str),
}

/// Checks every step of a plan for a role or a user.
#[must_use]
pub fn lint(
    kind: PrincipalKind,
    steps: &[Step],
    owner: &Owner,
    observation: &Observation<Observed>,
    deleting: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for step in steps {
        findings.extend(sense(kind, step, observation));
        findings.extend(ownership(step, owner, observation));
        findings.extend(documents(kind, step));
        findings.extend(intent(step, deleting));
    }
    findings.extend(order(steps));
    if let (Observation::Present(live), false) = (observation, deleting) {
        findings.extend(way::exposing(steps, live).map(|step| Finding::Exposing(step.name())));
    }
    findings
}

/// Nobody becomes a user, and a role is in no group and has no password.
fn sense(kind: PrincipalKind, step: &Step, observation: &Observation<Observed>) -> Option<Finding> {
    let takes = match kind {
        PrincipalKind::Role => !matches!(step, Step::LeaveGroup(_) | Step::RemovePassword),
        PrincipalKind::User => !matches!(step, Step::SetTrust(_) | Step::SetSession(_)),
    };
    let is_meant = !matches!(observation, Observation::Present(live) if live.kind != kind);
    (!takes || !is_meant).then(|| Finding::WrongKind(step.name(), kind.word()))
}

fn ownership(step: &Step, owner: &Owner, observation: &Observation<Observed>) -> Option<Finding> {
    let Observation::Present(live) = observation else { return None };
    if !live.on_our_path {
        return Some(Finding::ForeignPath(step.name()));
    }
    (!live.owner.name_identity_of(owner)).then(|| Finding::ForeignOwner(step.name()))
}

fn documents(kind: PrincipalKind, step: &Step) -> Vec<Finding> {
    let most = if kind == PrincipalKind::User { MAX_USER_INLINE } else { MAX_INLINE };
    let (document, limit, is_trust) = match step {
        Step::Create(birth) => (&birth.trust, MAX_TRUST, true),
        Step::SetTrust(trust) => (trust, MAX_TRUST, true),
        Step::SetPermissions(permissions) => (permissions, most, false),
        _ => return Vec::new(),
    };
    let size = crate::policy::size_for_iam(document.text());
    let mut findings = Vec::new();
    if size > limit {
        findings.push(Finding::Oversize { step: step.name(), size, limit });
    }
    if is_trust {
        findings.extend(trust::inexact(document.text()).map(|why| Finding::InexactTrust(step.name(), why)));
    }
    findings
}

fn intent(step: &Step, deleting: bool) -> Option<Finding> {
    let deletes = matches!(step, Step::Delete | Step::RemovePermissions);
    (deletes && !deleting).then(|| Finding::UnaskedDeletion(step.name()))
}

/// Whatever gives access comes after whatever bounds it, and deletion after denial.
fn order(steps: &[Step]) -> Vec<Finding> {
    let last = |wanted: fn(&Step) -> bool| steps.iter().rposition(wanted);
    let bounding = last(|s| matches!(s, Step::Create(_) | Step::SetBoundary(_)));
    let closing = last(|s| matches!(s, Step::Close));
    let early = |(at, step): (usize, &Step)| match step {
        Step::SetPermissions(_) if bounding.is_some_and(|bounding| at < bounding) => Some(Finding::Order(step.name())),
        Step::Open | Step::Delete if closing.is_some_and(|closing| at < closing) => Some(Finding::Order(step.name())),
        _ => None,
    };
    steps.iter().enumerate().filter_map(early).collect()
}

#[cfg(test)]
mod tests;
