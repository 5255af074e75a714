//! Every state that can be reached, and what must hold in each.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};

use ambit::plan::rotation::{Move, Phase, Waiting};
use foldhash::quality::FixedState;

use super::words;
use super::world::{Act, Bounds, Deed, World};

/// The most steps that a run without faults takes.
const LONGEST_RUN: usize = 100;

/// What an exploration went through.
#[derive(Debug, Default)]
pub struct Explored {
    pub states: usize,
    pub steps: usize,
    /// The most keys that were published on one way that came to rest.
    pub publications: u8,
    /// In how many states it turned out that a pod which never restarts keeps the old key.
    pub held: usize,
}

/// A set of what was seen, by fingerprints of 128 bits: two that differ have the same
/// once in more states than anybody can visit.
struct Known {
    hashers: [FixedState; 2],
    seen: HashSet<u128, BuildHasherDefault<Taken>>,
}

/// A fingerprint is a hash already.
#[derive(Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        panic!("only fingerprints are kept");
    }

    fn write_u128(&mut self, fingerprint: u128) {
        #[expect(clippy::cast_possible_truncation, reason = "half of it is enough for a place in a table")]
        let half = fingerprint as u64;
        self.0 = half;
    }
}

impl Known {
    fn new() -> Self {
        Self { hashers: [1, 2].map(FixedState::with_seed), seen: HashSet::default() }
    }

    fn fingerprint(&self, world: &World) -> u128 {
        let [one, two] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(world)));
        one << 64 | two
    }

    fn is_new(&mut self, world: &World) -> bool {
        let fingerprint = self.fingerprint(world);
        self.seen.insert(fingerprint)
    }
}

/// Goes through all states, nearest first, and fails with the shortest way to a wrong one.
pub fn explore(bounds: &Bounds) -> Explored {
    let mut explored = Explored::default();
    let mut known = Known::new();
    let mut settling = Settling { converged: [Known::new(), Known::new()] };
    // How each state was reached: from which one, and by what.
    let mut ways: Vec<(usize, Option<Act>)> = vec![(0, None)];
    let mut queue = VecDeque::from([(World::default(), 0)]);
    known.is_new(&World::default());
    while let Some((world, at)) = queue.pop_front() {
        explored.states += 1;
        if is_settled(&world).is_ok() {
            explored.publications = explored.publications.max(world.publications);
        }
        let judged = judge(&world, bounds).and_then(|()| settling.converges(&world, bounds));
        match judged {
            Ok(is_held) => explored.held += usize::from(is_held),
            Err(why) => panic!("{why}\n{}", way(&ways, at, bounds)),
        }
        for act in world.acts(bounds) {
            explored.steps += 1;
            let next = world.after(act, bounds);
            if known.is_new(&next) {
                ways.push((at, Some(act)));
                queue.push_back((next, ways.len() - 1));
            }
        }
    }
    explored
}

/// What must hold in every state.
fn judge(world: &World, bounds: &Bounds) -> Result<(), String> {
    if world.keys().count() > 2 {
        return Err("three keys".into());
    }
    if let Some(published) = world.published()
        && world.deletions == 0
        && !world.key(published).is_some_and(|key| key.active)
    {
        return Err(format!("the Secret has key {published}, which does not work"));
    }
    for (name, pod) in [("env", world.env), ("files", world.files)] {
        let is_broken = |id| !world.key(id).is_some_and(|key| key.active);
        if !world.was_emergency && world.deletions == 0 && pod.holds.is_some_and(is_broken) {
            return Err(format!("the pod with {name} holds key {:?}, which does not work", pod.holds));
        }
    }
    let wanted = 1 + world.asked;
    if bounds.rotate_every == NEVER && world.deletions == 0 && world.publications > wanted {
        return Err(format!("{} publications, and {wanted} were wanted", world.publications));
    }
    Ok(())
}

/// Hours after which no key is rotated by age within an exploration.
pub const NEVER: u8 = 100;

/// Runs of one leader without faults, from wherever the others left off.
struct Settling {
    /// What is known to end well, with pods that restart, and with pods that never do.
    converged: [Known; 2],
}

impl Settling {
    /// From each state, one leader that begins anew comes to one key, the Secret's; or,
    /// while a pod holds the old one and never restarts, to saying so.
    fn converges(&mut self, world: &World, bounds: &Bounds) -> Result<bool, String> {
        let mut alone = *world;
        alone.leaders = Default::default();
        self.run(alone, true, bounds)?;
        self.run(alone, false, bounds)
    }

    fn run(&mut self, mut world: World, restarts: bool, bounds: &Bounds) -> Result<bool, String> {
        // The cloud works again, however often it did not.
        let bounds = &Bounds { leaders: 1, keys: u8::MAX, slow_looks: false, ..*bounds };
        let known = &mut self.converged[usize::from(restarts)];
        // Only a run that ended well is known: one that goes in a circle has no end.
        let mut passed = Vec::new();
        for _ in 0..LONGEST_RUN {
            let here = known.fingerprint(&world);
            if known.seen.contains(&here) {
                known.seen.extend(passed);
                return Ok(false);
            }
            passed.push(here);
            let looked = world.after(Act::Look(0, false), bounds);
            if looked.leaders[0].deed.is_some() {
                world = looked;
                while world.leaders[0].deed.is_some() {
                    world = world.after(Act::Do(0), bounds);
                }
                continue;
            }
            let is_held = match words::asked(&looked, looked.leaders[0].watched, false, bounds).1 {
                Move::Wait(_, Waiting::NotDue) => is_settled(&world).map(|()| false)?,
                Move::Wait(_, Waiting::HeldBy(_)) if !restarts => is_safe(&world).map(|()| true)?,
                _ => {
                    world = hour_later(looked, restarts, bounds);
                    continue;
                }
            };
            known.seen.extend(passed);
            return Ok(is_held);
        }
        Err(format!("no end after {LONGEST_RUN} steps, restarts: {restarts}; at last {world:?}"))
    }
}

/// The pods do what they do, and an hour passes.
fn hour_later(world: World, restarts: bool, bounds: &Bounds) -> World {
    let mut next = world;
    if restarts && bounds.env {
        next = next.after(Act::RestartEnv, bounds);
    }
    if bounds.files && next.published().is_some() {
        next = next.after(Act::ReadFiles, bounds);
    }
    next.after(Act::Hour, bounds)
}

fn is_settled(world: &World) -> Result<(), String> {
    let ids: Vec<u8> = world.keys().filter(|key| key.active).map(|key| key.id).collect();
    let is_right = world.keys().count() == 1
        && world.published().is_some_and(|published| ids == [published])
        && world.status.phase == Phase::Stable
        && world.status.handled == world.asked;
    if is_right { Ok(()) } else { Err(format!("it rests, and is not settled: {world:?}")) }
}

/// It is said that the old key is held: it is there, or whoever holds it would be broken. Only an
/// emergency, or a person who deletes the Secret, breaks a pod; that it is to be restarted is right then.
fn is_safe(world: &World) -> Result<(), String> {
    let may_be_broken = world.was_emergency || world.deletions > 0;
    let works = |id| may_be_broken || world.key(id).is_some_and(|key| key.active);
    let is_right = world.keys().count() == 2 && world.env.holds.is_none_or(works);
    if is_right { Ok(()) } else { Err(format!("it is held, and does not work: {world:?}")) }
}

/// The way to a state, in one line each.
fn way(ways: &[(usize, Option<Act>)], mut at: usize, bounds: &Bounds) -> String {
    let mut acts = Vec::new();
    while let (from, Some(act)) = ways[at] {
        acts.push(act);
        at = from;
    }
    let mut world = World::default();
    let mut text = String::new();
    for act in acts.into_iter().rev() {
        let deed = match act {
            Act::Do(at) | Act::Fail(at) | Act::LoseReply(at) => world.leaders[at].deed,
            _ => None,
        };
        world = world.after(act, bounds);
        let decided = match act {
            Act::Look(..) => world.leaders.iter().filter_map(|it| it.deed).collect::<Vec<Deed>>(),
            _ => Vec::new(),
        };
        let _ = writeln!(text, "{act:?} {deed:?} {decided:?}");
    }
    let _ = writeln!(text, "{world:#?}");
    text
}
