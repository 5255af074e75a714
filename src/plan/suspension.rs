//! How a principal is closed when somebody suspends its identity, and what proves it.

use jiff::Timestamp;

use super::planner::not_ours;
use crate::domain::{Observation, Observed, Step};
use crate::names::{BoundaryArn, Owner};
use crate::policy::nobody;

/// What to do next about a principal whose identity is suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suspension {
    /// One look found nothing. A second, far enough on, makes it certain.
    Absent,
    /// What stands there is not provably ours and is left alone.
    NotOurs(String),
    /// So much of it was read back, and these steps come next.
    Close(Progress, Vec<Step>),
    /// Everything was read back.
    Closed,
}

/// What of a suspension was read back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything is denied.
    pub is_denied: bool,
    /// Nobody may become the principal.
    pub is_trust_empty: bool,
    /// Sessions from before are denied.
    pub are_sessions_denied: bool,
}

impl Progress {
    /// All of it.
    pub const WHOLE: Self = Self { is_denied: true, is_trust_empty: true, are_sessions_denied: true };
}

/// Plans the next part of a suspension: everything is denied, nobody may become the principal, and
/// sessions from before `before` are denied for good.
///
/// INVARIANT: the parts come in this order, and each only when the one before it was read back.
/// Nothing is planned for a principal that is not provably ours, and nothing is given but the
/// boundary, without which Ambit may not write a denial.
#[must_use]
pub fn plan_suspension(
    owner: &Owner,
    observation: &Observation<Observed>,
    recorded_id: Option<&str>,
    boundary: &BoundaryArn,
    before: Timestamp,
) -> Suspension {
    let live = match observation {
        Observation::Absent => return Suspension::Absent,
        Observation::Present(live) => live,
    };
    if let Some(why) = not_ours(owner, live, recorded_id) {
        return Suspension::NotOurs(why);
    }
    let is_denied = live.is_denied();
    let is_trust_empty = is_denied && live.trust.means(&nobody());
    let progress = Progress { is_denied, is_trust_empty, are_sessions_denied: false };
    if !is_denied {
        let bound = (live.boundary.as_deref() != Some(boundary.as_str())).then(|| Step::SetBoundary(boundary.clone()));
        return Suspension::Close(progress, bound.into_iter().chain([Step::Close]).collect());
    }
    if !is_trust_empty {
        return Suspension::Close(progress, vec![Step::SetTrust(nobody())]);
    }
    if live.sessions_denied_before.is_none_or(|live| live < before) {
        return Suspension::Close(progress, vec![Step::DenySessions(before)]);
    }
    Suspension::Closed
}

#[cfg(test)]
mod tests;
