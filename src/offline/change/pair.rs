//! One identity as it was and as it will be.

use super::access::{self, Role};
use super::{Change, Ground, Item, Means, Refused, Verdict, settings, spot_of};
use crate::api::v1alpha1::{DeletionPolicy, Enforcement, ManagementPolicy};
use crate::names::InstallationId;
use crate::offline::code::Code;
use crate::offline::compiled;
use crate::offline::world::{Declared, World};
use crate::plan::{Refusal, Resolved};

/// An identity in two worlds, of which at least one has it.
pub(super) struct Pair<'a> {
    old: Option<&'a Declared>,
    new: Option<&'a Declared>,
    /// Whether both worlds have the same policies.
    alike: bool,
}

/// One side of a pair, judged.
struct Side<'a> {
    declared: &'a Declared,
    /// What it compiles to, whether it is accepted or not; nothing if it cannot be compiled.
    compiled: Option<Resolved>,
    /// Why it is not accepted.
    refusal: Option<Refusal>,
    /// What was not there to judge it by.
    missing: Vec<String>,
    /// Whether labels decide over it that are not known: it may be accepted or not.
    is_unlabelled: bool,
    /// What happens to what is live where it does not fit.
    enforcement: Enforcement,
}

const CLOSED: &str = "its access is closed: its role is denied everything until it fits again";
const CLOSED_UNLESS: &str =
    "its access is closed: its role is denied everything until it fits again, unless what is live fits";
const LIVE_IS_JUDGED: &str = "what is live is judged, and its role is denied everything if that does not fit";

/// The identities that do not stand alike on alike grounds, in the order of their keys.
pub(super) fn differing<'a>(old: &'a World, new: &'a World, installation: &InstallationId) -> Vec<Pair<'a>> {
    let (mut olds, mut news) = (old.identities.iter().peekable(), new.identities.iter().peekable());
    let alike = old.has_policies_of(new);
    let mut pairs = Vec::new();
    loop {
        let pair = match (olds.peek(), news.peek()) {
            (None, None) => return pairs,
            (Some(one), Some(other)) if one.key == other.key => Pair { old: olds.next(), new: news.next(), alike },
            (Some(one), Some(other)) if one.key < other.key => Pair { old: olds.next(), new: None, alike },
            (Some(_), None) => Pair { old: olds.next(), new: None, alike },
            (_, Some(_)) => Pair { old: None, new: news.next(), alike },
        };
        if !(alike && pair.is_same(old, new, installation)) {
            pairs.push(pair);
        }
    }
}

impl Pair<'_> {
    /// Whether it is declared alike, on grounds that differ in nothing but perhaps the policies.
    fn is_same(&self, old: &World, new: &World, installation: &InstallationId) -> bool {
        let (Some(one), Some(other)) = (self.old, self.new) else { return false };
        if one.identity.spec != other.identity.spec {
            return false;
        }
        let (before, after) = (old.grounds(one, installation), new.grounds(other, installation));
        let account = match (&before.account, &after.account) {
            (Some(before), Some(after)) => before.spec == after.spec,
            (None, None) => true,
            _ => false,
        };
        account && before.namespace_labels == after.namespace_labels && before.earlier_claim == after.earlier_claim
    }

    /// What changes; nothing if nothing does.
    pub(super) fn change(&self, old: &World, new: &World, ground: Ground<'_>) -> Option<Change> {
        match (self.old, self.new) {
            (None, None) => None,
            (None, Some(declared)) => Some(created(&Side::of(new, declared, ground), ground)),
            (Some(declared), None) => Some(deleted(&Side::of(old, declared, ground), ground)),
            (Some(one), Some(other)) => {
                changed(&Side::of(old, one, ground), &Side::of(new, other, ground), self.alike, ground)
            }
        }
    }
}

impl<'a> Side<'a> {
    fn of(world: &World, declared: &'a Declared, ground: Ground<'_>) -> Self {
        let judged = world.judge(declared, ground.installation, ground.catalogue);
        let (compiled, refusal) = match judged.outcome {
            Ok(resolved) => (Some(resolved), None),
            Err(mut refusal) => {
                let objection = refusal.objection.as_mut().map(|objection| objection.resolved.clone());
                (
                    objection.or_else(|| compiled(world, declared, ground.installation, ground.catalogue).ok()),
                    Some(refusal),
                )
            }
        };
        let is_unlabelled = !judged.missing.is_empty() && world.has_policies() && world.lacks_labels(declared);
        let enforcement = world.enforcement(declared, ground.installation);
        Self { declared, compiled, refusal, missing: judged.missing, is_unlabelled, enforcement }
    }

    /// Whether the files lack what it is judged by.
    fn is_open(&self) -> bool {
        !self.missing.is_empty()
    }

    fn revokes(&self) -> bool {
        self.enforcement == Enforcement::Revoke
    }

    fn role(&self) -> Option<Role<'_>> {
        Some(Role { resolved: self.compiled.as_ref()?, declared: self.declared })
    }

    fn change(&self, means: Means, verdict: Verdict) -> Change {
        Change {
            key: self.declared.key.clone(),
            means,
            verdict,
            role: self.compiled.as_ref().map(|resolved| resolved.desired.name.to_string()),
            items: Vec::new(),
            notes: Vec::new(),
            refusal: None,
            spot: spot_of(self.declared, ""),
        }
    }

    fn refused(&self, effect: &'static str) -> Option<Refused> {
        let refusal = self.refusal.as_ref()?;
        let field = refusal.faults.first().map(|fault| fault.field.clone()).unwrap_or_default();
        Some(Refused {
            code: Code::of(refusal.verdict.reason),
            reason: refusal.verdict.reason.name(),
            message: refusal.verdict.message.clone(),
            effect,
            spot: spot_of(self.declared, &field),
            field,
        })
    }

    /// That it could not be judged.
    fn not_judged(&self) -> String {
        let missing = self.missing.join(" and ");
        format!("not judged by guardrails: the files do not hold {missing}; add the files that do with --with")
    }
}

fn created(side: &Side<'_>, ground: Ground<'_>) -> Change {
    if side.refusal.is_some() && !side.is_open() {
        let mut change = side.change(Means::Create, Verdict::Refused);
        change.refusal = side.refused("no role is made for it");
        return change;
    }
    let mut change = side.change(Means::Create, Verdict::Created);
    if side.is_open() {
        change.notes.push(side.not_judged());
    }
    if let Some(role) = side.role() {
        let (items, notes) = access::items(None, Some(&role), ground.catalogue);
        change.items = items;
        change.notes.push(format!("who may use it: {}", settings::subject(side.declared)));
        change.notes.extend(notes);
    }
    change
}

fn deleted(side: &Side<'_>, ground: Ground<'_>) -> Change {
    let mut change = side.change(Means::Delete, Verdict::Deleted);
    let spec = &side.declared.identity.spec;
    let kept = match (spec.management_policy, spec.deletion_policy) {
        (_, DeletionPolicy::Retain) => Some("its role stays as it is: `deletionPolicy` is Retain"),
        (ManagementPolicy::Observe, _) => Some("its role stays as it is: `managementPolicy` is Observe"),
        (ManagementPolicy::Paused, _) => {
            Some("its role and the object stay until it is no longer paused: `managementPolicy` is Paused")
        }
        (ManagementPolicy::Enforce, DeletionPolicy::Delete) => None,
    };
    if let Some(kept) = kept {
        change.notes.push(kept.to_owned());
    } else if let Some(refusal) = side.refusal.as_ref().filter(|_| !side.is_open()) {
        change.notes.push(format!("it was refused before: {}", refusal.verdict.message));
    } else if let Some(role) = side.role() {
        let (items, notes) = access::items(Some(&role), None, ground.catalogue);
        change.items = items;
        change.notes.extend(notes);
    }
    change
}

fn changed(old: &Side<'_>, new: &Side<'_>, alike: bool, ground: Ground<'_>) -> Option<Change> {
    let rewritten = old.declared.identity.spec != new.declared.identity.spec;
    if (old.is_open() && new.is_open()) || old.is_unlabelled || new.is_unlabelled {
        return open(old, new, rewritten, alike, ground);
    }
    match (&old.refusal, &new.refusal) {
        (None, None) => compared(old, new, rewritten, ground),
        (None, Some(_)) => Some(refused(old, new, rewritten, ground)),
        (Some(refusal), None) => Some(now_allowed(old, new, refusal, ground)),
        (Some(before), Some(after)) => refused_again((old, before), (new, after), rewritten),
    }
}

/// Refused on both sides. What is live may be something else, that fits or does not.
fn refused_again(
    (old, before): (&Side<'_>, &Refusal),
    (new, after): (&Side<'_>, &Refusal),
    rewritten: bool,
) -> Option<Change> {
    let closes = !old.revokes() && new.revokes();
    let loosens = old.revokes() && !new.revokes();
    let is_new = before.verdict.reason != after.verdict.reason
        || after.faults.iter().any(|fault| !before.faults.contains(fault));
    let loosened = "no ScopePolicy that selects it says `enforcement: Revoke` any more: a role that was closed stays \
                    closed until the identity fits again";
    if !closes && !rewritten && !is_new {
        let mut change = loosens.then(|| new.change(Means::Change, Verdict::Settings))?;
        change.notes.push(loosened.to_owned());
        change.notes.push(format!("it is refused as before: {}", after.verdict.message));
        return Some(change);
    }
    let (verdict, effect) = match (closes && !rewritten, new.revokes()) {
        (true, _) => (Verdict::NoLongerAllowed, CLOSED_UNLESS),
        (false, true) => (Verdict::Refused, LIVE_IS_JUDGED),
        (false, false) => (Verdict::Refused, "nothing is changed in the cloud"),
    };
    let mut change = new.change(Means::Change, verdict);
    change.refusal = new.refused(effect);
    if loosens {
        change.notes.push(loosened.to_owned());
    }
    change.notes.push(format!("it was refused before too: {}", before.verdict.message));
    Some(change)
}

/// Accepted on both sides.
fn compared(old: &Side<'_>, new: &Side<'_>, rewritten: bool, ground: Ground<'_>) -> Option<Change> {
    let (items, notes) = differences(old, new, ground);
    let verdict = Verdict::of(&items, &notes, rewritten)?;
    Some(Change { items, notes, ..new.change(Means::Change, verdict) })
}

fn differences(old: &Side<'_>, new: &Side<'_>, ground: Ground<'_>) -> (Vec<Item>, Vec<String>) {
    let (Some(before), Some(after)) = (old.role(), new.role()) else { return Default::default() };
    let moved = before.resolved.role_arn != after.resolved.role_arn;
    let (mut items, mut notes) = settings::differences(&before, &after, ground.catalogue);
    let (permissions, more) = access::items(Some(&before).filter(|_| !moved), Some(&after), ground.catalogue);
    items.extend(permissions);
    // Who gets it stands first, then what.
    items.sort_by_key(|item| (item.way, item.part != super::Part::Trust));
    notes.splice(0..0, more);
    (items, notes)
}

/// Accepted before, and no longer.
fn refused(old: &Side<'_>, new: &Side<'_>, rewritten: bool, ground: Ground<'_>) -> Change {
    if rewritten {
        let mut change = new.change(Means::Change, Verdict::Refused);
        let effect = if new.revokes() { LIVE_IS_JUDGED } else { "its role stays as it was before this change" };
        change.refusal = new.refused(effect);
        // What it would have been is worth knowing to whoever is asked to allow it.
        change.items = if new.compiled.is_some() { differences(old, new, ground).0 } else { Vec::new() };
        return change;
    }
    let is_objection = new.refusal.as_ref().is_some_and(|refusal| refusal.objection.is_some());
    let effect = match (is_objection, new.enforcement) {
        (true, Enforcement::Revoke) => CLOSED,
        (true, Enforcement::Warn) => "it is only told: its access stays as it is",
        (false, Enforcement::Revoke) => CLOSED_UNLESS,
        (false, Enforcement::Warn) => "nothing more is changed in the cloud until that is mended",
    };
    let mut change = new.change(Means::Change, Verdict::NoLongerAllowed);
    change.role = change.role.or_else(|| old.compiled.as_ref().map(|resolved| resolved.desired.name.to_string()));
    change.refusal = new.refused(effect);
    change
}

/// Refused before: nothing says that it had access, so all of it is new. If it had a role, whoever
/// else may become it now is told.
fn now_allowed(old: &Side<'_>, new: &Side<'_>, refusal: &Refusal, ground: Ground<'_>) -> Change {
    let mut change = new.change(Means::Change, Verdict::NowAllowed);
    if let Some(role) = new.role() {
        let (items, notes) = access::items(None, Some(&role), ground.catalogue);
        let trust = old.role().and_then(|before| settings::trust(&before, &role, ground.catalogue));
        change.items = trust.into_iter().chain(items).collect();
        change.items.sort_by_key(|item| item.way);
        change.notes = notes;
    }
    change.notes.insert(0, format!("it was refused before, so all its access is new: {}", refusal.verdict.message));
    change
}

/// A side, or both, cannot be judged whole by the files. Where what it is judged by changes too, it
/// cannot be said what becomes of it.
fn open(old: &Side<'_>, new: &Side<'_>, rewritten: bool, alike: bool, ground: Ground<'_>) -> Option<Change> {
    let mut change = if old.compiled.is_some() && new.compiled.is_some() {
        compared(old, new, rewritten, ground)
    } else {
        rewritten.then(|| new.change(Means::Change, Verdict::Undecided))
    };
    let means_the_same = |change: &Change| matches!(change.verdict, Verdict::Cosmetic | Verdict::Settings);
    if (!alike || !rewritten) && change.as_ref().is_none_or(means_the_same) {
        let mut undecided = new.change(Means::Change, Verdict::Undecided);
        undecided.notes = change.map(|change| change.notes).unwrap_or_default();
        undecided.notes.push("what it is judged by changes: whether it is accepted may change too".to_owned());
        change = Some(undecided);
    }
    let mut change = change?;
    let side = if new.is_open() { new } else { old };
    change.notes.push(side.not_judged());
    Some(change)
}
