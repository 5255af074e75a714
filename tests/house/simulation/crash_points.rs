//! Every call of every story fails once, in every way, and the process is
//! killed before and after every call. What was declared comes about all the same.

use ambit::cloud::{ErrorKind, Fault, FaultPlan};

use super::process::{Process, Rest};
use super::stage::TIMING;
use super::stories::{self, Story};
use super::{clock, simulate};

const KINDS: [ErrorKind; 7] = [
    ErrorKind::Transient,
    ErrorKind::Throttled,
    ErrorKind::Conflict,
    ErrorKind::NotFound,
    ErrorKind::Denied,
    ErrorKind::Invalid,
    ErrorKind::LimitExceeded,
];

/// Every way in which a call can fail.
fn faults() -> Vec<Fault> {
    let mut faults = vec![Fault::ErrorAfter(ErrorKind::Transient), Fault::HangBefore, Fault::HangAfter];
    faults.extend(KINDS.map(Fault::ErrorBefore));
    faults
}

/// Whether a process goes on that has been there all the time, or a new one.
#[derive(Debug, Clone, Copy)]
enum Start {
    Warm,
    Fresh,
}

/// Tells where it was when an assertion fails.
struct Here<'a>(&'a Story, Start, FaultPlan, String);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("in story `{}`, {:?}, with {}; calls: {:?}", self.0.name, self.1, self.3, self.2.calls());
        }
    }
}

/// Runs a story under a plan. Returns the number of calls.
async fn play(story: &Story, start: Start, plan: FaultPlan, fault: String) -> usize {
    let _here = Here(story, start, plan.clone(), fault);
    let begun = story.begin().await;
    let mut process = Process::start(&begun.stage, &plan);
    if matches!(start, Start::Warm) {
        process.remember(begun.memory.clone());
    }
    let rest = process.run().await;
    let calls = plan.calls().len();
    begun.assert_ended(story.ending, rest, &mut process).await;
    calls
}

/// Every point of a story. Returns how many there were.
async fn every_point(story: &Story) -> usize {
    let mut points = 0;
    for start in [Start::Warm, Start::Fresh] {
        let calls = play(story, start, FaultPlan::none(), "no fault".to_owned()).await;
        for call in 0..calls {
            for fault in faults() {
                play(story, start, FaultPlan::at(call, fault), format!("{fault:?} at call {call}")).await;
                points += 1;
            }
        }
    }
    points
}

fn every_point_of(what: &str, stories: &[Story]) {
    let mut total = 0;
    for story in stories {
        let points = simulate(every_point(story));
        println!("crash points of `{}`: {points}", story.name);
        assert!(points > 0);
        total += points;
    }
    println!("crash points of {what}: {total}, all survived");
}

#[test]
fn creation_and_update_survive_a_fault_at_every_call() {
    every_point_of("creation and update", &stories::made());
}

#[test]
fn repair_survives_a_fault_at_every_call() {
    every_point_of("repair", &stories::repaired());
}

#[test]
fn deletion_and_observation_survive_a_fault_at_every_call() {
    every_point_of("deletion and observation", &stories::ended());
}

#[test]
fn changes_of_policies_survive_a_fault_at_every_call() {
    every_point_of("policies", &stories::guarded());
}

/// Where delivery is switched, pods get the role at every moment: each call is watched.
#[test]
fn switches_of_delivery_survive_a_fault_at_every_call() {
    every_point_of("delivery", &stories::delivered());
}

#[test]
fn suspension_survives_a_fault_at_every_call() {
    every_point_of("suspension", &stories::suspended());
}

#[test]
fn associations_survive_a_fault_at_every_call() {
    every_point_of("associations", &stories::handed());
}

#[test]
fn every_story_survives_a_long_outage_that_begins_at_any_call() {
    let mut total = 0;
    for story in stories::all() {
        total += simulate(async {
            let calls = play(&story, Start::Warm, FaultPlan::none(), "no fault".to_owned()).await;
            for call in 0..calls {
                let fault = Fault::ErrorBefore(ErrorKind::Transient);
                let plan = FaultPlan::during(call..call + 7, fault);
                play(&story, Start::Warm, plan, format!("an outage from call {call}")).await;
            }
            calls
        });
    }
    println!("outages in all: {total}, all survived");
}

/// The clock must move only as outcomes say: a creation needs no waiting.
#[test]
fn a_creation_without_faults_needs_no_waiting() {
    let story = &stories::all()[0];
    simulate(async {
        let begun = story.begin().await;
        let before = clock::millis();
        let mut process = Process::start(&begun.stage, &FaultPlan::none());
        assert_eq!((process.run().await, process.kills()), (Rest::Settled, 0));
        let looking = 2 * 60_000 + i64::try_from(TIMING.resync.as_millis()).unwrap();
        assert_eq!(clock::millis() - before, looking, "only the pauses before two sweeps and a full look");
    });
}
