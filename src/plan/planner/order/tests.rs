//! Every state in which a role or a user of ours can be found, as far as the order of its
//! repair depends on it; and of each, every meaning that what nobody can read may
//! have. Whatever is granted on the way was granted before or is declared.

use super::*;
use crate::domain::{Desired, Observation};
use crate::names::PrincipalKind;
use crate::plan::drift::differences;
use crate::plan::sample::{desired, desired_user, live, trust};
use crate::plan::{Decision, Recorded, decide, lint};
use crate::policy::deny_all;

const ACTIONS: [&str; 3] = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"];
const ALL: u8 = 0b111;

/// What a policy does to each action: the bits that it allows and those that it denies.
type Does = (u8, u8);

/// A policy that nobody can read. A single action and subject are looked at at a
/// time, so it is enough that it does nothing, or the one, or the other, to all.
const ANYTHING: [Does; 3] = [(0, 0), (ALL, 0), (0, ALL)];

/// Before the name of a group, whose policies are as unread as attached ones.
const GROUP: &str = "group:";

/// What a role or a user grants: to which subjects, by which policies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct World {
    /// The first bit is the declared subject, the second another one. Of a user, the first is whoever
    /// has its keys and the second whoever knows its password.
    subjects: u8,
    own: Does,
    foreign: Vec<(String, Does)>,
    /// What stands in the place of the denial.
    altered: Does,
    is_closed: bool,
    boundary: Boundary,
}

/// What bounds a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary {
    None,
    Declared,
    /// Another one, which holds nothing back.
    Open,
    /// Another one, which holds everything back.
    Shut,
}

impl World {
    /// Each pair of a subject and an action, as a bit.
    fn grants(&self) -> u8 {
        if self.boundary == Boundary::Shut {
            return 0;
        }
        let all = self.foreign.iter().map(|(_, does)| *does).chain([self.own, self.altered]);
        let (allows, denies) = all.fold((0, 0), |all, one| (all.0 | one.0, all.1 | one.1));
        let actions = if self.is_closed { 0 } else { allows & !denies };
        let to = |subject: u8| if self.subjects & (1 << subject) == 0 { 0 } else { actions << (3 * subject) };
        to(0) | to(1)
    }

    /// What may be granted on the way from here, beside what is granted at its end; nothing where
    /// another boundary makes a promise impossible.
    fn tolerates(&self, declared: u8, closes: bool) -> Option<u8> {
        match self.boundary {
            Boundary::None | Boundary::Declared => Some(self.grants()),
            // A policy that may be a denial goes early.
            Boundary::Open => {
                let may_deny = |(name, does): &(String, Does)| name != "denies" && does.1 != 0;
                let denies = self.altered.1 != 0 || self.foreign.iter().any(may_deny);
                (!denies).then(|| self.grants())
            }
            // Own permissions that allow too much are written after the boundary, and so is a denial.
            Boundary::Shut => {
                let is_wide = closes || self.own.0 & !self.own.1 & !declared != 0;
                let own = if is_wide { self.own } else { (0, 0) };
                let altered = if closes { (self.altered.0, 0) } else { (0, 0) };
                Some(World { boundary: Boundary::Declared, foreign: Vec::new(), own, altered, ..self.clone() }.grants())
            }
        }
    }

    fn take(&mut self, step: &Step, declared: u8) {
        match step {
            Step::SetTrust(_) => self.subjects = 1,
            Step::SetPermissions(_) => self.own = (declared, 0),
            Step::RemovePassword => self.subjects &= 1,
            Step::Detach(name) | Step::RemoveInline(name) => self.foreign.retain(|(other, _)| other != name),
            Step::LeaveGroup(group) => self.foreign.retain(|(other, _)| other.strip_prefix(GROUP) != Some(group)),
            Step::Close => (self.is_closed, self.altered) = (true, (0, 0)),
            Step::Open => (self.is_closed, self.altered) = (false, (0, 0)),
            Step::SetBoundary(_) => self.boundary = Boundary::Declared,
            Step::SetOwner(_) | Step::Retain(_) | Step::SetSession(_) | Step::DenySessions(_) => {}
            Step::Create(_) | Step::RemovePermissions | Step::AdmitSessions | Step::Delete => {
                panic!("no step of a repair: {step:?}")
            }
        }
    }
}

/// One way in which a part can be found: what it means for sure, or every meaning that it may have.
struct Variant<T> {
    found: T,
    means: Vec<Does>,
    told: Vec<Difference>,
}

fn document(mask: Does) -> Reading {
    if mask == (0, ALL) {
        return Reading::Document(deny_all());
    }
    let named = |bits: u8| ACTIONS.into_iter().enumerate().filter(move |(bit, _)| bits & (1 << bit) != 0);
    let statement = |effect: &str, bits: u8| {
        let actions: Vec<&str> = named(bits).map(|(_, action)| action).collect();
        serde_json::json!({"Effect": effect, "Action": actions, "Resource": "*"})
    };
    let statements: Vec<_> = [("Allow", mask.0), ("Deny", mask.1)]
        .into_iter()
        .filter(|(_, bits)| *bits != 0)
        .map(|(effect, bits)| statement(effect, bits))
        .collect();
    let text = serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Reading::Document(Document::read(&text).unwrap())
}

fn unreadable() -> Reading {
    Reading::Unreadable("it is not JSON".into())
}

/// Everything that a role or a user of ours can be found with, beside one declaration.
struct Space {
    desired: Desired,
    declared: u8,
    /// The trust, and whether there is a password. Here a meaning is a set of subjects.
    trusts: Vec<Variant<(Reading, Option<bool>)>>,
    owns: Vec<Variant<Option<Reading>>>,
    inline: Vec<(&'static str, Variant<Reading>)>,
    attached: Vec<(&'static str, Vec<Difference>)>,
    denials: Vec<Variant<Denial>>,
}

impl Space {
    fn of(kind: PrincipalKind, declared: u8) -> Self {
        let Reading::Document(permissions) = document((declared, 0)) else { unreachable!() };
        let desired = match kind {
            PrincipalKind::Role => Desired { permissions, ..desired() },
            PrincipalKind::User => Desired { permissions, ..desired_user() },
        };
        let told = |change: &dyn Fn(&mut Observed)| {
            let mut found = live(&desired);
            change(&mut found);
            differences(&desired, &found)
        };
        let trust_in = |found: Reading, subjects: &[u8]| Variant {
            told: told(&|live| live.trust = found.clone()),
            means: subjects.iter().map(|subjects| (*subjects, 0)).collect(),
            found: (found, None),
        };
        let password = |found: bool, subjects: u8| Variant {
            told: told(&|live| live.has_password = Some(found)),
            means: vec![(subjects, 0)],
            found: (Reading::Document(desired.trust.clone()), Some(found)),
        };
        let text = |from: &str, to: &str| {
            Reading::Document(Document::read(&trust("orders").text().replace(from, to)).unwrap())
        };
        let both = r#"["system:serviceaccount:shop:orders","system:serviceaccount:shop:other"]"#;
        let of_roles = || {
            vec![
                trust_in(Reading::Document(trust("orders")), &[1]),
                trust_in(Reading::Document(trust("other")), &[2]),
                trust_in(text(r#""system:serviceaccount:shop:orders""#, both), &[3]),
                // The declared subject, under some condition.
                trust_in(text(r#""Condition":{"#, r#""Condition":{"Bool":{"aws:SecureTransport":"true"},"#), &[0, 1]),
                trust_in(unreadable(), &[0, 1, 2, 3]),
            ]
        };
        let trusts = match kind {
            PrincipalKind::Role => of_roles(),
            PrincipalKind::User => vec![password(false, 1), password(true, 3)],
        };
        let own = |found: Option<Reading>, means: &[Does]| Variant {
            told: told(&|live| live.permissions.clone_from(&found)),
            means: means.to_vec(),
            found,
        };
        let known = (1..=ALL).map(|mask| (mask, 0)).chain([(ALL, 0b010), (ALL, 0b001), (0b010, 0b001), (0, ALL)]);
        let owns = known
            .map(|does| own(Some(document(does)), &[does]))
            .chain([own(None, &[(0, 0)]), own(Some(unreadable()), &ANYTHING)])
            .collect();
        let inline = |name: &'static str, found: Reading, means: &[Does]| {
            let told = told(&|live| drop(live.other_inline.insert(name.to_owned(), found.clone())));
            (name, Variant { told, means: means.to_vec(), found })
        };
        let inline = vec![
            inline("allows", document((0b100, 0)), &[(0b100, 0)]),
            inline("both", document((0b100, 0b001)), &[(0b100, 0b001)]),
            inline("denies", document((0, ALL)), &[(0, ALL)]),
            inline("unreadable", unreadable(), &ANYTHING),
        ];
        // A group may have the name of an inline policy.
        let unread: &[&str] = match kind {
            PrincipalKind::Role => &["arn:a", "arn:b"],
            PrincipalKind::User => &["group:denies", "arn:a", "group:b"],
        };
        let attached = unread.iter().map(|name| (*name, told(&|live| join(live, name)))).collect();
        let denial = |found: Denial, means: &[Does]| Variant {
            told: told(&|live| live.denial = found),
            means: means.to_vec(),
            found,
        };
        let denials = vec![
            denial(Denial::Absent, &[(0, 0)]),
            denial(Denial::InPlace, &[(0, 0)]),
            denial(Denial::Altered, &ANYTHING),
        ];
        Self { desired, declared, trusts, owns, inline, attached, denials }
    }

    /// Every state, as the numbers of its variants.
    fn states(&self) -> Vec<State<'_>> {
        let mut states = Vec::new();
        for trust in &self.trusts {
            for own in &self.owns {
                for denial in &self.denials {
                    for inline in 0..1 << self.inline.len() {
                        for attached in 0..=self.attached.len() {
                            states.push(State {
                                space: self,
                                trust,
                                own,
                                denial,
                                inline,
                                attached,
                                number: states.len(),
                            });
                        }
                    }
                }
            }
        }
        states
    }
}

/// Adds what nobody reads: a group or an attached policy.
fn join(live: &mut Observed, name: &str) {
    match name.strip_prefix(GROUP) {
        Some(group) => live.groups.insert(group.to_owned()),
        None => live.attached.insert(name.to_owned()),
    };
}

/// One state in which a role or a user can be found.
struct State<'a> {
    space: &'a Space,
    trust: &'a Variant<(Reading, Option<bool>)>,
    own: &'a Variant<Option<Reading>>,
    denial: &'a Variant<Denial>,
    /// Which inline policies there are, by bit.
    inline: usize,
    /// How many policies are attached.
    attached: usize,
    number: usize,
}

impl State<'_> {
    fn inline(&self) -> impl Iterator<Item = &(&'static str, Variant<Reading>)> {
        self.space.inline.iter().enumerate().filter(|(bit, _)| self.inline & (1 << bit) != 0).map(|(_, one)| one)
    }

    fn attached(&self) -> &[(&'static str, Vec<Difference>)] {
        &self.space.attached[..self.attached]
    }

    fn observed(&self) -> Observed {
        let mut found = live(&self.space.desired);
        (found.trust, found.has_password) = self.trust.found.clone();
        found.permissions.clone_from(&self.own.found);
        found.denial = self.denial.found;
        found.other_inline = self.inline().map(|(name, one)| ((*name).to_owned(), one.found.clone())).collect();
        self.attached().iter().for_each(|(name, _)| join(&mut found, name));
        // These go with every other part in some state, and not with each.
        found.boundary = [Some(self.space.desired.boundary.to_string()), Some("other".into()), None]
            .into_iter()
            .nth(self.number % 7)
            .unwrap_or(found.boundary);
        found.owner.uid = found.owner.uid.filter(|_| !self.number.is_multiple_of(5));
        found
    }

    /// What differs: put together from what was found of each part alone.
    fn found(&self, observed: &Observed) -> Vec<Difference> {
        let mut bare = live(&self.space.desired);
        (bare.boundary, bare.owner) = (observed.boundary.clone(), observed.owner.clone());
        let outer = differences(&self.space.desired, &bare);
        let mut unread: Vec<_> = self.attached().iter().collect();
        unread.sort_by_key(|(name, _)| (name.starts_with(GROUP), *name));
        let attached = unread.into_iter().flat_map(|(_, told)| told);
        let inline = self.inline().flat_map(|(_, one)| &one.told);
        let inner = self.trust.told.iter().chain(&self.own.told).chain(attached).chain(inline).chain(&self.denial.told);
        outer.into_iter().chain(inner.cloned()).collect()
    }

    /// Every world that looks like this.
    fn worlds(&self, observed: &Observed) -> Vec<World> {
        let boundaries: &[Boundary] = match observed.boundary.as_deref() {
            None => &[Boundary::None],
            Some(found) if found == self.space.desired.boundary.as_str() => &[Boundary::Declared],
            Some(_) => &[Boundary::Open, Boundary::Shut],
        };
        let nothing = |boundary: &Boundary| World {
            subjects: 0,
            own: (0, 0),
            foreign: Vec::new(),
            altered: (0, 0),
            is_closed: self.denial.found == Denial::InPlace,
            boundary: *boundary,
        };
        let mut worlds: Vec<World> = boundaries.iter().map(nothing).collect();
        let mut each = |means: &[Does], put: &dyn Fn(&mut World, Does)| {
            let with = |world: &World| {
                let world = world.clone();
                means
                    .iter()
                    .map(move |does| {
                        let mut world = world.clone();
                        put(&mut world, *does);
                        world
                    })
                    .collect::<Vec<_>>()
            };
            worlds = worlds.iter().flat_map(with).collect();
        };
        each(&self.trust.means, &|world, (subjects, _)| world.subjects = subjects);
        each(&self.own.means, &|world, does| world.own = does);
        each(&self.denial.means, &|world, does| world.altered = does);
        for (name, one) in self.inline() {
            each(&one.means, &|world, does| world.foreign.push(((*name).to_owned(), does)));
        }
        for (arn, _) in self.attached() {
            each(&ANYTHING, &|world, does| world.foreign.push(((*arn).to_owned(), does)));
        }
        worlds
    }

    /// Whether all that matters of its policies is whether they allow or deny. Of one that does
    /// both, what exactly it denies may leave an order that the planner does not look for; and
    /// where all there is was declared, nothing can be too much.
    fn is_told_by_its_effects(&self) -> bool {
        let is_one = |does: &Does| does.0 == 0 || does.1 == 0;
        self.space.declared != ALL
            && self.own.means.iter().all(is_one)
            && self.inline().all(|(_, one)| one.means.iter().all(is_one))
    }

    fn end(&self) -> World {
        World {
            subjects: 1,
            own: (self.space.declared, 0),
            foreign: Vec::new(),
            altered: (0, 0),
            is_closed: false,
            boundary: Boundary::Declared,
        }
    }
}

/// Why a step in a world leads to something that was never meant, if it does.
fn exposed(worlds: &[World], steps: &[Step], end: &World, declared: u8) -> Option<String> {
    let closes = steps.contains(&Step::Close);
    for world in worlds {
        let Some(before) = world.tolerates(declared, closes) else { continue };
        let mut now = world.clone();
        for step in steps {
            now.take(step, declared);
            // Nothing is newly granted before a boundary stands.
            let allowed = if now.boundary == Boundary::None { before } else { before | end.grants() };
            if now.grants() & !allowed != 0 {
                return Some(format!(
                    "after `{}`: {:06b} of {allowed:06b}, found as {world:?}",
                    step.name(),
                    now.grants()
                ));
            }
        }
        // Permissions that mean the same are left alone.
        let own = now.own.0 & !now.own.1;
        if (World { own: (own, 0), ..now.clone() }) != *end {
            return Some(format!("ends as {now:?}"));
        }
    }
    None
}

/// Whether there is an order of these steps that needs no denial and that the cloud takes:
/// Ambit may write permissions only under its own boundary. What a set of steps leads to
/// does not depend on their order, so only sets are looked at.
fn has_safe_order(worlds: &[World], steps: &[Step], end: &World, declared: u8) -> bool {
    let is_safe = |set: usize| {
        worlds.iter().all(|world| {
            let mut now = world.clone();
            let taken = steps.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0);
            taken.for_each(|(_, step)| now.take(step, declared));
            now.grants() & !(world.grants() | end.grants()) == 0
        })
    };
    let boundary = steps.iter().position(|step| matches!(step, Step::SetBoundary(_)));
    let is_taken = |set: usize, bit: usize| {
        let is_bounded = boundary.is_none_or(|boundary| set & (1 << boundary) != 0);
        is_bounded || !matches!(steps[bit], Step::SetPermissions(_))
    };
    let mut reached = vec![false; 1 << steps.len()];
    reached[0] = true;
    for set in 1..reached.len() {
        let is_next = |bit: usize| set & (1 << bit) != 0 && reached[set & !(1 << bit)] && is_taken(set, bit);
        let is_next = (0..steps.len()).any(is_next);
        reached[set] = is_next && is_safe(set);
    }
    reached[reached.len() - 1]
}

/// The invariant of `Plan`, over every state, every meaning and every declaration.
#[test]
fn no_prefix_of_a_plan_is_wider_than_both_ends() {
    let (mut plans, mut lives, mut closings, mut judged, mut needless) = (0, 0, 0, 0, Vec::new());
    let declared = [0b001, 0b010, ALL];
    let kinds = [PrincipalKind::Role, PrincipalKind::User];
    for (kind, declared) in kinds.into_iter().flat_map(|kind| declared.map(|declared| (kind, declared))) {
        let space = Space::of(kind, declared);
        for state in space.states() {
            let observed = state.observed();
            let found = state.found(&observed);
            if found.is_empty() {
                continue;
            }
            let steps = ordered(&found, &observed);
            let names: Vec<&str> = steps.iter().map(Step::name).collect();
            let worlds = state.worlds(&observed);
            let exposed = exposed(&worlds, &steps, &state.end(), declared);
            assert_eq!(exposed, None, "{names:?}");
            plans += 1;
            lives += worlds.len();
            let present = Observation::Present(observed.clone());
            // Comparing documents takes time, and those of each part were compared before.
            if state.number % 61 == 0 {
                let Decision::Change(plan) = decide(&space.desired, &present, &Recorded::default(), false) else {
                    panic!("no plan for {found:?}")
                };
                assert_eq!(plan.steps, steps);
                assert_eq!(lint(kind, &steps, &space.desired.owner, &present, false), [], "{names:?}");
            }
            closings += usize::from(steps.contains(&Step::Close));
            if steps.contains(&Step::Close) && state.is_told_by_its_effects() {
                judged += 1;
                let mends: Vec<Step> = found.iter().filter_map(|found| found.mend.clone()).collect();
                if has_safe_order(&worlds, &mends, &state.end(), declared) {
                    let (trust, own) = (&state.trust.means, &state.own.means);
                    let why = format!("{declared:03b} {trust:?} {own:?} {} {} {names:?}", state.inline, state.attached);
                    needless.push(why);
                }
            }
        }
    }
    let figures = format!("{plans} plans, {lives} worlds, {closings} closings, {judged} judged");
    assert!(plans > 28_000 && lives > 800_000 && closings > 6_500 && judged > 1_000, "{figures}");
    assert!(needless.is_empty(), "{}: {:#?}", needless.len(), &needless[..needless.len().min(40)]);
}
