//! How access is taken away from a principal that stays: by denying it everything.

use super::planner::not_ours;
use crate::domain::{Observation, Observed, Step};
use crate::names::{BoundaryArn, Owner};

/// What to do about a principal whose identity no longer fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// One look found nothing. A second, far enough on, makes it certain.
    Absent,
    /// What stands there is not provably ours and is left alone.
    NotOurs(String),
    /// It is denied everything already.
    Closed,
    /// It fits and stays as it is.
    Fits,
    /// Take these steps.
    Close(Vec<Step>),
}

/// Plans the denial of a principal that does not fit.
///
/// INVARIANT: nothing is planned for a principal that is not provably ours, and
/// nothing is given but the boundary, without which Ambit may not write a denial. What another
/// boundary held back passes within the declared one until the very next step, the denial:
/// nothing else is taken off, because the principal may have to be opened again as it was.
#[must_use]
pub fn plan_closing(
    owner: &Owner,
    observation: &Observation<Observed>,
    recorded_id: Option<&str>,
    boundary: &BoundaryArn,
    fits: impl FnOnce(&Observed) -> bool,
) -> Closing {
    let live = match observation {
        Observation::Absent => return Closing::Absent,
        Observation::Present(live) => live,
    };
    if let Some(why) = not_ours(owner, live, recorded_id) {
        return Closing::NotOurs(why);
    }
    if live.is_denied() {
        return Closing::Closed;
    }
    if fits(live) {
        return Closing::Fits;
    }
    let mut steps = Vec::new();
    // Ambit may write policies only under the boundary, and a denial is one.
    if live.boundary.as_deref() != Some(boundary.as_str()) {
        steps.push(Step::SetBoundary(boundary.clone()));
    }
    steps.push(Step::Close);
    Closing::Close(steps)
}

#[cfg(test)]
mod tests;
