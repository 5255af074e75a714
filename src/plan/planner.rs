//! From the declared principal and the observed one to an ordered plan.

mod order;

use jiff::Timestamp;

use super::drift::{Difference, DriftClass, Part, differences};
use crate::domain::{Birth, Desired, Observation, Observed, Step};
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
    /// Whether credentials were issued into a Secret.
    pub secret: bool,
    /// Whether Ambit itself has denied the principal everything, or was about to.
    pub revoked: bool,
    /// Whether Ambit itself lets nobody become the principal, or was about to.
    pub suspended: bool,
    /// The time before which sessions are to stay denied.
    pub sessions_denied_before: Option<Timestamp>,
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
            Part::Trust => !self.suspended,
            // A suspension that had not come so far yet.
            _ if matches!(difference.mend, Some(Step::DenySessions(_))) => !self.suspended,
            _ => !((self.revoked || self.suspended) && difference.mend == Some(Step::Open)),
        };
        self.was_in_place(desired) && same_declaration
    }
}

/// An ordered, complete list of steps.
///
/// INVARIANT: taken in order, no prefix of it grants anything that is granted
/// neither before the first step nor after the last, and none gives the
/// permissions of one declaration to the subject of another.
///
/// Under another boundary no order can promise all of it, because Ambit may write a policy
/// or a denial only under its own. Such a boundary is taken for one that may hold everything
/// back, so nothing foreign is left when it goes. What remains: permissions of Ambit's own
/// name that allow too much do so, within the declared boundary, until the very next step that
/// writes a policy; and a policy that may be a denial goes early, so that what it alone held back,
/// and the other boundary does not, may pass until its own step comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What somebody else changed, empty when the declaration itself is new.
    pub drift: Vec<Difference>,
    /// What else is not as declared: it never was.
    pub due: Vec<Difference>,
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
        Observation::Absent => {
            Decision::Change(Plan { steps: birth(desired), drift: lost(desired, recorded), due: Vec::new() })
        }
        Observation::Present(live) => match not_ours(&desired.owner, live, recorded.id.as_deref()) {
            Some(why) => Decision::NotOurs(why),
            None => change(desired, live, recorded),
        },
    }
}

/// Why a principal is not provably ours, if it is not.
pub(super) fn not_ours(owner: &Owner, live: &Observed, recorded_id: Option<&str>) -> Option<String> {
    let (arn, kind) = (&live.arn, live.kind.word());
    if !live.on_our_path {
        return Some(format!(
            "`{arn}` has the name of this identity's {kind} but lies on another path; Ambit did not make it and leaves it alone: rename or delete it"
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
            "`{arn}` has the id `{}` instead of `{id}`: somebody deleted the {kind} and made another of the same name; Ambit leaves it alone: delete it",
            live.id
        )),
        _ => None,
    }
}

/// The loss of a principal that was there, told as drift.
fn lost(desired: &Desired, recorded: &Recorded) -> Vec<Difference> {
    let summary = format!("the {} was deleted by somebody else", desired.name.kind().word());
    let mend = birth(desired).into_iter().next();
    let difference = Difference { mend, ..Difference::new(Part::Role, DriftClass::Missing, summary) };
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
    let mut found = differences(desired, live);
    found.extend(old_sessions(live, recorded));
    if found.is_empty() {
        return Decision::Settled;
    }
    let steps = order::ordered(&found, live);
    let is_closed_by_ambit = (recorded.revoked || recorded.suspended) && live.has_denial_for_permissions();
    let is_closing = |difference: &Difference| is_closed_by_ambit && difference.part == Part::Permissions;
    let (drift, due) =
        found.into_iter().partition(|difference| recorded.makes_drift(desired, difference) && !is_closing(difference));
    Decision::Change(Plan { steps, drift, due })
}

/// What was denied to sessions from before a suspension stays denied to them.
fn old_sessions(live: &Observed, recorded: &Recorded) -> Option<Difference> {
    let before = recorded.sessions_denied_before?;
    if live.sessions_denied_before.is_some_and(|live| live >= before) {
        return None;
    }
    let summary = format!("sessions from before {before} are no longer denied");
    let difference = Difference::new(Part::InlinePolicy, DriftClass::Missing, summary).widening();
    Some(difference.mended_by(Step::DenySessions(before)))
}

#[cfg(test)]
mod tests;
