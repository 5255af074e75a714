//! What a plan lets through on its way: followed step by step, with every policy
//! taken for the worse that it may be.

use crate::domain::{Denial, Observed, Reading, Step};
use crate::policy::compare::{Answer, beyond};
use crate::policy::{Document, Policy, deny_all};

/// A policy of which nobody says that it should stay.
struct Foreign<'a> {
    which: Which<'a>,
    may_allow: bool,
    may_deny: bool,
    /// Whether it is a denial of everything, so that nothing passes while it stands.
    denies_all: bool,
}

/// Where a policy comes from. An inline policy and a group may have the same name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which<'a> {
    /// What stands in the place of Ambit's denial.
    Denial,
    Inline(&'a str),
    Attached(&'a str),
    Group(&'a str),
}

/// How far the way was gone.
struct Way<'a> {
    steps: &'a [Step],
    live: &'a Observed,
    foreign: Vec<Foreign<'a>>,
    is_closed: bool,
    /// Whether another boundary still stands, which may hold anything back.
    is_bounded_otherwise: bool,
    /// Whether the permissions are those that were found.
    has_old_permissions: bool,
}

/// The steps that let through what was held back until then and was not declared.
pub(super) fn exposing<'a>(steps: &'a [Step], live: &'a Observed) -> impl Iterator<Item = &'a Step> {
    let mut way = Way {
        steps,
        live,
        foreign: foreign(live),
        is_closed: live.denial == Denial::InPlace,
        is_bounded_otherwise: live.boundary.is_some() && steps.iter().any(|step| matches!(step, Step::SetBoundary(_))),
        has_old_permissions: true,
    };
    steps.iter().enumerate().filter(move |(at, step)| way.exposes(*at, step)).map(|(_, step)| step)
}

fn foreign(live: &Observed) -> Vec<Foreign<'_>> {
    let unread = |which| Foreign { which, may_allow: true, may_deny: true, denies_all: false };
    let attached = live.attached.iter().map(|arn| unread(Which::Attached(arn)));
    let groups = live.groups.iter().map(|group| unread(Which::Group(group)));
    let inline = live.other_inline.iter().map(|(name, reading)| {
        let (may_allow, may_deny) = may(reading);
        Foreign { which: Which::Inline(name), may_allow, may_deny, denies_all: denies_all(reading) }
    });
    let altered = (live.denial == Denial::Altered).then(|| unread(Which::Denial));
    attached.chain(groups).chain(inline).chain(altered).collect()
}

/// Whether a policy may allow something, and whether it may deny something.
fn may(reading: &Reading) -> (bool, bool) {
    match reading {
        Reading::Unreadable(_) => (true, true),
        Reading::Document(document) => Policy::read(document.text())
            .map_or((true, true), |policy| (policy.allows_anything(), policy.denies_anything())),
    }
}

fn denies_all(reading: &Reading) -> bool {
    reading.means(&deny_all())
}

impl Way<'_> {
    /// Takes a step; whether it lets something through.
    fn exposes(&mut self, at: usize, step: &Step) -> bool {
        let exposes = match step {
            Step::Detach(arn) => self.loses(at, Which::Attached(arn)),
            Step::LeaveGroup(group) => self.loses(at, Which::Group(group)),
            Step::RemoveInline(name) => self.loses(at, Which::Inline(name)),
            Step::Open => {
                self.is_closed = false;
                self.loses(at, Which::Denial)
            }
            Step::Close => {
                self.is_closed = true;
                self.foreign.retain(|one| one.which != Which::Denial);
                false
            }
            // Only after it can all be denied, and then it must be if anything is left.
            Step::SetBoundary(_) => {
                let held_back = std::mem::take(&mut self.is_bounded_otherwise);
                let is_denied_next = matches!(self.steps.get(at + 1), Some(Step::Close));
                held_back && !is_denied_next && (self.has_foreign_access() || self.is_handed_over_after(at))
            }
            Step::SetTrust(trust) => {
                gives(Some(&self.live.trust), trust) && (self.has_foreign_access() || self.has_too_much())
            }
            Step::SetPermissions(permissions) if permissions.same_meaning(&deny_all()) => {
                self.has_old_permissions = false;
                self.is_closed = true;
                false
            }
            Step::SetPermissions(permissions) => {
                self.has_old_permissions = false;
                let old = self.live.permissions.as_ref();
                let held_back = old.is_some_and(|old| may(old).1) && self.has_foreign_access();
                held_back || gives(old, permissions) && self.is_handed_over_after(at)
            }
            _ => false,
        };
        exposes && !self.is_closed && !self.is_held()
    }

    /// Whether somebody else's denial of everything still stands.
    fn is_held(&self) -> bool {
        let own = self.live.permissions.as_ref().filter(|_| self.has_old_permissions);
        self.foreign.iter().any(|one| one.denies_all) || own.is_some_and(denies_all)
    }

    /// Takes a foreign policy away; whether it may have held something back.
    fn loses(&mut self, at: usize, which: Which<'_>) -> bool {
        let Some(place) = self.foreign.iter().position(|one| one.which == which) else { return false };
        let gone = self.foreign.remove(place);
        // A denial cannot be written yet, and what may allow must be gone when the boundary is.
        if self.is_bounded_otherwise && gone.may_allow {
            return false;
        }
        let own = !self.has_old_permissions || self.live.permissions.as_ref().is_some_and(|old| may(old).0);
        gone.may_deny && (self.has_foreign_access() || self.has_too_much() || own && self.is_handed_over_after(at))
    }

    fn has_foreign_access(&self) -> bool {
        self.foreign.iter().any(|one| one.may_allow)
    }

    /// Whether the permissions that were found are still there and allow more than will be.
    fn has_too_much(&self) -> bool {
        let planned = self.steps.iter().find_map(|step| match step {
            Step::SetPermissions(permissions) => Some(permissions),
            _ => None,
        });
        let old = self.live.permissions.as_ref().filter(|_| self.has_old_permissions);
        old.zip(planned).is_some_and(|(old, planned)| exceeds(old, planned))
    }

    /// Whether somebody loses the role after this step.
    fn is_handed_over_after(&self, at: usize) -> bool {
        let after = self.steps.get(at + 1..).unwrap_or_default();
        after.iter().any(|step| matches!(step, Step::SetTrust(trust) if exceeds(&self.live.trust, trust)))
    }
}

/// Whether a document allows what the one before it does not.
fn gives(old: Option<&Reading>, new: &Document) -> bool {
    match old {
        None | Some(Reading::Unreadable(_)) => true,
        Some(Reading::Document(old)) => is_beyond(old, new),
    }
}

/// Whether what was found allows what a document does not.
fn exceeds(found: &Reading, document: &Document) -> bool {
    match found {
        Reading::Unreadable(_) => true,
        Reading::Document(found) => is_beyond(document, found),
    }
}

fn is_beyond(old: &Document, new: &Document) -> bool {
    let (Ok(old), Ok(new)) = (Policy::read(old.text()), Policy::read(new.text())) else { return true };
    beyond(&old, &new).map_or(true, |direction| direction.verdict.answer() != Answer::None)
}
