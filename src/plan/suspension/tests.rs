use super::*;
use crate::domain::{Denial, Reading};
use crate::plan::sample::{desired, live, owner};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn plan(live: Observed) -> Suspension {
    let desired = desired();
    plan_suspension(&owner(), &Observation::Present(live), Some("AROA1"), &desired.boundary, at(100))
}

fn steps(live: Observed) -> Vec<&'static str> {
    match plan(live) {
        Suspension::Close(_, steps) => steps.iter().map(Step::name).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_part_waits_until_the_one_before_it_was_read_back() {
    let mut role = live(&desired());
    assert_eq!(steps(role.clone()), ["close"]);
    role.denial = Denial::InPlace;
    assert_eq!(steps(role.clone()), ["set-trust"]);
    role.trust = Reading::Document(nobody());
    assert_eq!(steps(role.clone()), ["deny-sessions"]);
    role.sessions_denied_before = Some(at(99));
    assert_eq!(steps(role.clone()), ["deny-sessions"], "an earlier suspension reaches less far");
    role.sessions_denied_before = Some(at(100));
    assert_eq!(plan(role.clone()), Suspension::Closed);
    role.denial = Denial::Altered;
    assert_eq!(steps(role.clone()), ["close"], "whoever rewrites the denial opens nothing for long");
    role.boundary = None;
    assert_eq!(steps(role), ["set-boundary", "close"]);
}

#[test]
fn whatever_is_not_provably_ours_is_left_alone() {
    let role = Observed { on_our_path: false, ..live(&desired()) };
    assert!(matches!(plan(role), Suspension::NotOurs(why) if why.contains("lies on another path")));
    let absent = plan_suspension(&owner(), &Observation::Absent, None, &desired().boundary, at(100));
    assert_eq!(absent, Suspension::Absent);
}
