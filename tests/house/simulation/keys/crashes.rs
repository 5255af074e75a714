//! Every call fails once, in every way, and the process is killed before and after every call:
//! one key stands in the Secret and works, nothing is left over, and no rotation happens twice.

use std::time::Duration;

use ambit::cloud::{ErrorKind, Fault, FaultPlan};

use super::super::{clock, simulate};
use super::*;

fn faults() -> Vec<Fault> {
    let kinds = [ErrorKind::Transient, ErrorKind::Conflict, ErrorKind::NotFound, ErrorKind::Denied];
    let mut faults = vec![Fault::ErrorAfter(ErrorKind::Transient), Fault::HangBefore, Fault::HangAfter];
    faults.extend(kinds.map(Fault::ErrorBefore));
    faults
}

/// Lets hours pass. The Secret's key works at every moment, once there was one.
async fn pass(stage: &Stage, keeper: &mut Keeper<'_>, hours: u32) {
    let mut had_one = in_secret(stage).is_some();
    for _ in 0..hours * 6 {
        keeper.during(Duration::from_mins(10)).await;
        let kept = in_secret(stage);
        assert!(kept.is_some() || !had_one, "there was a key, and there is none");
        had_one |= kept.is_some();
        assert!(kept.is_none_or(|kept| works(stage, &kept)), "what the Secret has does not work");
        assert!(user(stage).is_none_or(|user| user.keys.len() <= 2));
    }
}

/// From nothing to a first key, or from a key to the next one.
async fn play(value: Option<&str>, plan: FaultPlan) -> usize {
    let stage = stage();
    let mut memory = None;
    let mut expected = 1;
    if let Some(value) = value {
        memory = Some(keyed(&stage).await.remembered());
        clock::advance(Duration::from_mins(1));
        ask(&stage, value);
        expected = 2;
    }
    let mut keeper = Keeper::start(&stage, &plan);
    if let Some(memory) = memory {
        keeper.remember(memory);
    }
    pass(&stage, &mut keeper, 8).await;
    let calls = plan.calls();
    assert_stable(&stage);
    let published = told(&stage).iter().filter(|reason| *reason == "KeyPublished").count();
    assert!(published <= expected, "published {published} times: {:?}", told(&stage));
    // A key whose secret was lost is made anew, and no more than that.
    assert!(stage.cloud.secrets().len() <= expected + 1, "{} keys were made", stage.cloud.secrets().len());
    calls.len()
}

fn every_point(story: &str, value: Option<&'static str>) {
    simulate(async {
        let calls = Box::pin(play(value, FaultPlan::none())).await;
        let mut points = 0;
        for call in 0..calls {
            for fault in faults() {
                println!("{story}: {fault:?} at call {call}");
                Box::pin(play(value, FaultPlan::at(call, fault))).await;
                points += 1;
            }
        }
        println!("crash points of `{story}`: {points}");
        assert!(points > 50);
    });
}

#[test]
fn of_the_first_key() {
    every_point("first", None);
}

#[test]
fn of_a_rotation() {
    every_point("rotation", Some("now"));
}

#[test]
fn of_an_emergency() {
    every_point("emergency", Some("revoke-old/now"));
}
