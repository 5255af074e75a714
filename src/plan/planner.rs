//! From the declared principal and the observed one to an ordered plan.

use super::difference::{Difference, DriftClass, Part, differences};
use crate::domain::{Birth, Denial, Desired, Observation, Observed, Step};
use crate::names::Owner;

/// What was recorded the last time that live equalled declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The principal's unique id. With tags and path it proves ownership.
    pub id: Option<String>,
    /// Digest of the permissions that were in place.
    pub permissions: Option<String>,
    /// Digest of the trust that was in place.
    pub trust: Option<String>,
    /// The boundary that was in place.
    pub boundary: Option<String>,
    /// The longest session that was in place.
    pub session: Option<u32>,
    /// Whether Ambit itself has denied the principal everything, or was about to.
    pub revoked: bool,
}

impl Recorded {
    /// Whether this access was in place before, so that whatever differs now was
    /// changed by somebody else.
    fn was_in_place(&self, desired: &Desired) -> bool {
        self.permissions.as_deref() == Some(&desired.permissions.meaning().to_string())
            && self.trust.as_deref() == Some(&desired.trust.meaning().to_string())
    }

    /// Whether exactly this declaration was in place before. The boundary does
    /// not count: it is the account's, which changes without the identity.
    #[must_use]
    pub fn holds(&self, desired: &Desired) -> bool {
        // An older version of Ambit did not write the session down.
        self.was_in_place(desired) && self.session.is_none_or(|session| session == desired.session.get())
    }

    /// Whether a difference was made by somebody else.
    fn makes_drift(&self, desired: &Desired, difference: &Difference) -> bool {
        let same_declaration = match difference.part {
            Part::SessionDuration => self.session == Some(desired.session.get()),
            Part::Boundary => self.boundary.as_deref() == Some(desired.boundary.as_str()),
            _ => !(self.revoked && difference.mend == Step::Open),
        };
        self.was_in_place(desired) && same_declaration
    }
}

/// An ordered, complete list of steps.
///
/// INVARIANT: taken in order, no prefix of it grants anything that is granted
/// neither before the first step nor after the last, and none gives the
/// permissions of one declaration to the subject of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What somebody else changed, empty when the declaration itself is new.
    pub drift: Vec<Difference>,
}

/// What to do about a principal that should exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Live equals declared.
    Settled,
    /// Take these steps.
    Change(Plan),
    /// A principal of our name that is not provably ours: touch nothing, say why.
    NotOurs(String),
    /// It was there and is not: look again later before making it anew.
    Vanished,
}

/// Decides what to do. `confirmed_absent` says that an earlier look, far enough
/// back, found nothing either.
#[must_use]
pub fn decide(
    desired: &Desired,
    observation: &Observation<Observed>,
    recorded: &Recorded,
    confirmed_absent: bool,
) -> Decision {
    match observation {
        Observation::Absent if recorded.id.is_some() && !confirmed_absent => Decision::Vanished,
        Observation::Absent => Decision::Change(Plan { steps: birth(desired), drift: lost(desired, recorded) }),
        Observation::Present(live) => match not_ours(&desired.owner, live, recorded.id.as_deref()) {
            Some(why) => Decision::NotOurs(why),
            None => change(desired, live, recorded),
        },
    }
}

/// Why a principal is not provably ours, if it is not.
pub(super) fn not_ours(owner: &Owner, live: &Observed, recorded_id: Option<&str>) -> Option<String> {
    let arn = &live.arn;
    if !live.on_our_path {
        return Some(format!(
            "`{arn}` has the name of this identity's role but lies on another path; Ambit did not make it and leaves it alone: rename or delete it"
        ));
    }
    if !live.owner.name_identity_of(owner) {
        return Some(format!(
            "`{arn}` exists and its tags do not say that it belongs to this identity; Ambit leaves it alone: delete it, or tag it `ambit.dev/installation` = `{}` and `ambit.dev/identity` = `{}` to hand it over",
            owner.installation, owner.identity
        ));
    }
    match recorded_id {
        Some(id) if id != live.id => Some(format!(
            "`{arn}` has the id `{}` instead of `{id}`: somebody deleted the role and made another of the same name; Ambit leaves it alone: delete it",
            live.id
        )),
        _ => None,
    }
}

/// The loss of a principal that was there, told as drift.
fn lost(desired: &Desired, recorded: &Recorded) -> Vec<Difference> {
    let mend = birth(desired).swap_remove(0);
    let summary = "the role was deleted by somebody else; it is made anew and gets another unique id";
    let difference = Difference { part: Part::Role, class: DriftClass::Missing, summary: summary.to_owned(), mend };
    recorded.id.iter().map(|_| difference.clone()).collect()
}

/// Without permissions first: they come when trust and boundary stand.
fn birth(desired: &Desired) -> Vec<Step> {
    let birth = Birth {
        owner: desired.owner.clone(),
        trust: desired.trust.clone(),
        boundary: desired.boundary.clone(),
        session: desired.session,
    };
    vec![Step::Create(birth), Step::SetPermissions(desired.permissions.clone())]
}

fn change(desired: &Desired, live: &Observed, recorded: &Recorded) -> Decision {
    let found = differences(desired, live);
    if found.is_empty() {
        return Decision::Settled;
    }
    let steps = ordered(&found, live);
    let drift = found.into_iter().filter(|difference| recorded.makes_drift(desired, difference)).collect();
    Decision::Change(Plan { steps, drift })
}

/// Orders the mending steps so that no state on the way is wider than both ends.
fn ordered(found: &[Difference], live: &Observed) -> Vec<Step> {
    let mut steps: Vec<Step> = found.iter().map(|difference| difference.mend.clone()).collect();
    let differs = |part| found.iter().any(|difference| difference.part == part);
    // Another subject must not hold the old permissions for a moment, nor the
    // old subject the new ones: deny everything while both change.
    if differs(Part::Trust)
        && differs(Part::Permissions)
        && live.permissions.is_some()
        && live.denial != Denial::InPlace
    {
        steps.push(Step::Close);
        steps.push(Step::Open);
    }
    steps.sort_by_key(rank);
    steps.dedup();
    steps
}

/// What comes first: whose it is, what bounds it, what takes access away, who
/// may use it, and only then what gives access.
fn rank(step: &Step) -> u8 {
    match step {
        Step::Create(_) => 0,
        Step::SetOwner(_) => 1,
        Step::SetBoundary(_) => 2,
        Step::Close => 3,
        Step::Detach(_) => 4,
        Step::RemoveInline(_) => 5,
        Step::SetTrust(_) => 6,
        Step::SetSession(_) => 7,
        Step::RemovePermissions => 8,
        Step::SetPermissions(_) => 9,
        Step::Open => 10,
        Step::Delete => 11,
    }
}

#[cfg(test)]
mod tests;
