//! In which order a principal is mended.
//!
//! Every step by itself leads from what is granted towards what was declared.
//! On the way, though, a permission may meet a subject that it was never meant
//! for, and a policy that goes may have been a denial that held another back.
//! So what surely only takes away goes first, what may be a denial goes last,
//! and where no order is safe all is denied until the end.
//!
//! ```text
//! whose it is ─▶ what bounds it ─▶ (deny all) ─▶ foreign permissions ─▶ who may use it
//!      ─▶ what it may do ─▶ what may be a denial ─▶ what is one ─▶ (deny no more)
//! ```
//!
//! Another boundary may be what holds all of it back, and Ambit may write a policy, a
//! denial too, only under its own. So it stays until nothing foreign is left:
//!
//! ```text
//! whose it is ─▶ foreign permissions ─▶ who may use it ─▶ what bounds it ─▶ what it may do ─▶ what is a denial
//! ```
//!
//! Permissions of Ambit's own name that give more are overwritten under the new boundary
//! only. Where they meet another subject as well, all is denied right after it is set.

use crate::domain::{Denial, Observed, Reading, Step};
use crate::plan::drift::{Difference, DriftClass, Part};
use crate::policy::{Document, Policy, deny_all};

/// Orders the mending steps so that no state on the way is wider than both ends.
pub(super) fn ordered(found: &[Difference], live: &Observed) -> Vec<Step> {
    let view = View::of(found, live);
    let mut steps: Vec<Step> = found.iter().filter_map(|difference| difference.mend.clone()).collect();
    if view.needs_closing() {
        steps.push(Step::Close);
        steps.push(Step::Open);
    }
    let closes = view.denied == Denied::ByAmbit || view.needs_closing();
    steps.sort_by_key(|step| view.rank(step, live, closes));
    steps.dedup();
    steps
}

/// What a policy can do to the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It can only give.
    Allows,
    /// It can only take.
    Denies,
    /// Either, or nobody knows.
    Unknown,
}

/// When the trust policy is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// At once: those who keep access had it before.
    First,
    /// Between what was granted and what will be.
    Middle,
    /// When all else is as declared, or is what both subjects may have.
    Last,
}

/// Whether everything is denied, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denied {
    Not,
    /// By a policy that goes when all that it holds back is gone.
    ByOthers,
    /// By Ambit, which opens last.
    ByAmbit,
}

/// What the order depends on.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact of the live principal")]
struct View {
    denied: Denied,
    /// When trust is set, if it is.
    turn: Option<Turn>,
    /// Whether another boundary stands, which may hold anything back.
    is_bounded_otherwise: bool,
    /// Whether there are permissions of Ambit's name.
    has_permissions: bool,
    /// Whether they may allow what was not declared.
    gives_more: bool,
    /// Whether they may deny something.
    may_deny: bool,
    /// How many foreign policies may be a denial of what another allows.
    unknown: usize,
}

impl View {
    fn of(found: &[Difference], live: &Observed) -> Self {
        let of = |part| found.iter().find(|difference| difference.part == part);
        let permissions = of(Part::Permissions);
        let inline = || live.other_inline.values().map(effect);
        let altered = usize::from(live.denial == Denial::Altered);
        let unread = live.attached.len() + live.groups.len() + altered;
        let unknown = unread + inline().filter(|effect| *effect == Effect::Unknown).count();
        let may_deny = live.permissions.as_ref().is_some_and(|own| effect(own) != Effect::Allows);
        let only_more = permissions.is_some_and(|it| it.class == DriftClass::Widened);
        let none_denies = unknown == 0 && inline().all(|effect| effect == Effect::Allows);
        let is_bounded_otherwise = live.boundary.is_some() && of(Part::Boundary).is_some();
        let turn = of(Part::Trust).map(|trust| match trust.class {
            DriftClass::Widened => Turn::First,
            DriftClass::Narrowed => Turn::Last,
            // Declared permissions are a part of what the old subject had.
            _ if only_more && none_denies && !is_bounded_otherwise => Turn::Last,
            _ => Turn::Middle,
        });
        let everything = deny_all();
        let mut policies = live.permissions.iter().chain(live.other_inline.values());
        let denied = match live.denial {
            Denial::InPlace => Denied::ByAmbit,
            _ if policies.any(|policy| policy.means(&everything)) => Denied::ByOthers,
            _ => Denied::Not,
        };
        Self {
            denied,
            turn,
            is_bounded_otherwise,
            has_permissions: live.permissions.is_some(),
            gives_more: permissions.is_some_and(|it| it.widens),
            may_deny,
            unknown,
        }
    }

    /// Whether no order of the steps is safe.
    fn needs_closing(&self) -> bool {
        let is_between = self.turn == Some(Turn::Middle);
        if self.is_bounded_otherwise {
            // Nothing foreign is left when a denial may be written.
            return self.denied == Denied::Not && is_between && self.gives_more;
        }
        // Whichever of the two goes first may have held the other back.
        let between_policies = self.unknown > 1 || self.unknown == 1 && self.may_deny && self.gives_more;
        // Between the subjects nothing may be granted but what both may have.
        let between_subjects = is_between && (self.gives_more || self.unknown == 1 && self.has_permissions);
        self.denied == Denied::Not && (between_policies || between_subjects)
    }

    fn rank(&self, step: &Step, live: &Observed, closes: bool) -> u8 {
        // What may be a denial holds nothing back but what is declared, unless own permissions give more.
        let holds_back = self.gives_more && !closes && self.denied == Denied::Not && !self.is_bounded_otherwise;
        let unknown = if holds_back { 13 } else { 6 };
        match step {
            Step::Create(_) => 0,
            // A password gives somebody else what the user may do, and may go before all else.
            Step::SetOwner(_) | Step::Retain(_) | Step::RemovePassword => 1,
            Step::SetBoundary(_) if !self.is_bounded_otherwise => 2,
            Step::SetBoundary(_) if self.needs_closing() => 7,
            Step::SetBoundary(_) => 10,
            Step::Close if self.is_bounded_otherwise => 8,
            Step::Close => 3,
            Step::SetTrust(_) => match self.turn {
                Some(Turn::First) => 4,
                Some(Turn::Middle) | None => 9,
                Some(Turn::Last) => 14,
            },
            Step::RemoveInline(name) => match live.other_inline.get(name).map(effect) {
                Some(Effect::Allows) => 5,
                Some(Effect::Denies) => 15,
                Some(Effect::Unknown) | None => unknown,
            },
            // What a group allows or denies is not read.
            Step::Detach(_) | Step::LeaveGroup(_) => unknown,
            Step::SetSession(_) => 11,
            // The denial stands in the place of the permissions, and is what `Open` takes away elsewhere.
            Step::SetPermissions(_) if live.has_denial_for_permissions() => 17,
            Step::RemovePermissions | Step::SetPermissions(_) => 12,
            // What stands in the place of the denial and is none goes as other policies go.
            Step::Open if !closes => unknown,
            // What has its name and is no such denial goes before it comes.
            Step::DenySessions(_) | Step::AdmitSessions => 16,
            Step::Open => 17,
            Step::Delete => 18,
        }
    }
}

/// What a policy as found can do.
fn effect(reading: &Reading) -> Effect {
    let Reading::Document(document) = reading else { return Effect::Unknown };
    effect_of(document)
}

fn effect_of(document: &Document) -> Effect {
    match Policy::read(document.text()) {
        Ok(policy) if !policy.denies_anything() => Effect::Allows,
        Ok(policy) if !policy.allows_anything() => Effect::Denies,
        _ => Effect::Unknown,
    }
}

#[cfg(test)]
mod tests;
