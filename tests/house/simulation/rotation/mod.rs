//! The rotation of access keys, with everything that can come between: two leaders,
//! crashes, replies that are lost, calls that fail, pods that restart or never do, clocks
//! that are set. Every state of a small world is visited.

mod explore;
mod shape;
mod words;
mod world;

use explore::{NEVER, explore};
use world::Bounds;

/// Two rotations that are asked for, from the first key to the end of the second: an hour
/// of overlap and an hour of grace each.
const PLAIN: Bounds = Bounds {
    leaders: 2,
    env: true,
    files: false,
    hours: 4,
    rotate_every: NEVER,
    requests: &[false, false],
    keys: 4,
    jumps: 0,
    jump: 3,
    lists_lag: false,
    deletions: 0,
    slow_looks: false,
};

/// Visits all of it, and sees to it that so many publications are covered to their end.
fn play(story: &str, bounds: &Bounds, publications: u8) {
    let explored = explore(bounds);
    println!("rotation, {story}: {explored:?}");
    assert_eq!(explored.publications, publications, "{story}: it is to cover as many");
}

/// The whole of it: any step of either leader may come at any later time, or never.
#[test]
fn two_rotations_with_two_leaders() {
    play("two rotations with two leaders", &PLAIN, 3);
}

/// The old key goes at once, whoever holds it; the second time in the middle of a rotation.
#[test]
fn emergencies_with_two_leaders() {
    let bounds = Bounds { hours: 1, requests: &[true, true], ..PLAIN };
    play("emergencies with two leaders", &bounds, 3);
}

/// Nobody asks: keys are rotated by age.
#[test]
fn rotations_by_age() {
    let bounds = Bounds { leaders: 1, hours: 12, rotate_every: 5, requests: &[], keys: 5, ..PLAIN };
    play("rotations by age", &bounds, 3);
}

/// A list may lack what was just made.
#[test]
fn lists_that_lag() {
    let bounds = Bounds { hours: 2, requests: &[false], lists_lag: true, ..PLAIN };
    play("lists that lag", &bounds, 2);
}

/// Between reading status and Secret and reading keys and pods, anything may happen.
#[test]
fn looks_that_take_their_time() {
    let bounds = Bounds { hours: 2, requests: &[false], keys: 3, slow_looks: true, ..PLAIN };
    play("looks that take their time", &bounds, 2);
}

/// A clock that is set, ahead or back, does not make the old key go early.
#[test]
fn clocks_that_are_set() {
    let bounds = Bounds { leaders: 1, files: true, hours: 3, requests: &[false], keys: 3, jumps: 2, ..PLAIN };
    play("clocks that are set", &bounds, 2);
    let both = Bounds { env: false, files: true, hours: 2, requests: &[false], keys: 3, jumps: 1, ..PLAIN };
    play("clocks that are set, with two leaders", &both, 2);
}

/// A person deletes the Secret. What pods hold may break then, but it comes right again.
#[test]
fn a_person_deletes_the_secret() {
    let bounds = Bounds { hours: 2, requests: &[false], keys: 4, deletions: 1, ..PLAIN };
    play("a person deletes the Secret", &bounds, 3);
}
