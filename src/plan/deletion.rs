//! How a principal goes: denied first, deleted last.

use crate::domain::{Denial, Observation, Observed, Step};
use crate::names::{BoundaryArn, Owner, PrincipalKind};

/// What to do about a principal whose identity is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// One look found nothing. A second, far enough on, makes it certain.
    Gone,
    /// What stands there belongs to somebody else and stays.
    NotOurs(String),
    /// Take these steps, then look again.
    Remove(Vec<Step>),
}

/// Plans the removal of the principal of exactly this owner.
///
/// INVARIANT: nothing is planned unless tags, UID and path name this owner and
/// the recorded id, where there is one, is the live one. A principal that a
/// later incarnation has taken over is thereby safe from an older one.
///
/// The access keys of a user are no part of it: they go between the denial and the rest.
#[must_use]
pub fn plan_removal(
    owner: &Owner,
    observation: &Observation<Observed>,
    recorded_id: Option<&str>,
    boundary: &BoundaryArn,
) -> Removal {
    let live = match observation {
        Observation::Absent => return Removal::Gone,
        Observation::Present(live) => live,
    };
    if !live.on_our_path || !live.owner.name_exactly(owner) || recorded_id.is_some_and(|id| id != live.id) {
        return Removal::NotOurs(format!(
            "`{}` is not this identity's {} and was left alone",
            live.arn,
            live.kind.word()
        ));
    }
    let mut steps = Vec::new();
    // Ambit may write policies only under the boundary, and a denial is one. What another boundary
    // held back passes within the declared one until the very next step, the denial: that comes
    // before all else here, because nothing that is found says which policy holds another back.
    if live.boundary.as_deref() != Some(boundary.as_str()) {
        steps.push(Step::SetBoundary(boundary.clone()));
    }
    if live.denial != Denial::InPlace {
        steps.push(Step::Close);
    }
    // Where nobody told whether there is a password, none must be left.
    if live.kind == PrincipalKind::User && live.has_password != Some(false) {
        steps.push(Step::RemovePassword);
    }
    steps.extend(live.groups.iter().cloned().map(Step::LeaveGroup));
    steps.extend(live.attached.iter().cloned().map(Step::Detach));
    steps.extend(live.other_inline.keys().cloned().map(Step::RemoveInline));
    if live.permissions.is_some() {
        steps.push(Step::RemovePermissions);
    }
    if live.sessions_denied_before.is_some() {
        steps.push(Step::AdmitSessions);
    }
    // The denial goes last of all policies, when nothing is left that it denies.
    steps.push(Step::Open);
    steps.push(Step::Delete);
    Removal::Remove(steps)
}

#[cfg(test)]
mod tests;
