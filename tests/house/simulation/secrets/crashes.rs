//! Every call fails once, in every way, and the process is killed before and after every
//! call: the newest credentials stand in the Secret all the same, and nowhere else.

use std::time::Duration;

use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::controller::Remembered;

use super::super::declare::NAMESPACE;
use super::super::stage::Stage;
use super::super::{clock, simulate, truth};
use super::{
    Keeper, SECRET, assert_fresh, assert_unseen, assert_withdrawn, credentials, federation, file, kept, resume, secret,
    stage, suspend,
};

/// What happens to an identity with a Secret, and what must be at the end.
struct Story {
    name: &'static str,
    /// Whether the Secret was written before.
    settled: bool,
    act: fn(&Stage),
    ending: Ending,
}

#[derive(Clone, Copy)]
enum Ending {
    /// These credentials stand in this Secret and no other.
    Kept(&'static str),
    Federated,
    Suspended,
    Gone,
}

const STORIES: [Story; 10] = [
    Story { name: "issue", settled: false, act: |_| {}, ending: Ending::Kept(SECRET) },
    Story { name: "renew", settled: true, act: due, ending: Ending::Kept(SECRET) },
    Story {
        name: "another form",
        settled: true,
        act: |stage| stage.edit(|spec| file(spec, None)),
        ending: Ending::Kept(SECRET),
    },
    Story {
        name: "move",
        settled: true,
        act: |stage| stage.edit(|spec| secret(spec, "moved")),
        ending: Ending::Kept("moved"),
    },
    Story {
        name: "lost",
        settled: true,
        act: |stage| {
            stage.cluster.lose_secret(NAMESPACE, SECRET);
            stage.annotate("ambit.dev/reconcile", "now");
        },
        ending: Ending::Kept(SECRET),
    },
    Story { name: "federation", settled: true, act: |stage| stage.edit(federation), ending: Ending::Federated },
    Story { name: "suspend", settled: true, act: suspend, ending: Ending::Suspended },
    Story {
        name: "suspend when the name is another one",
        settled: true,
        act: |stage| {
            stage.edit(|spec| secret(spec, "moved"));
            suspend(stage);
        },
        ending: Ending::Suspended,
    },
    Story {
        name: "suspend and take it back at once",
        settled: true,
        act: |stage| {
            suspend(stage);
            resume(stage);
        },
        ending: Ending::Kept(SECRET),
    },
    Story { name: "delete", settled: true, act: |stage| stage.cluster.delete(&stage.key), ending: Ending::Gone },
];

/// Sleeps until the credentials are due.
fn due(stage: &Stage) {
    clock::advance_to(credentials(stage).next_rotation_time.unwrap().0.as_millisecond());
}

fn faults() -> Vec<Fault> {
    let kinds = [
        ErrorKind::Transient,
        ErrorKind::Throttled,
        ErrorKind::Conflict,
        ErrorKind::NotFound,
        ErrorKind::Denied,
        ErrorKind::Invalid,
    ];
    let mut faults = vec![Fault::ErrorAfter(ErrorKind::Transient), Fault::HangBefore, Fault::HangAfter];
    faults.extend(kinds.map(Fault::ErrorBefore));
    faults
}

/// Plays a story under a plan; the number of its calls.
async fn play(story: &Story, plan: FaultPlan, is_warm: bool) -> usize {
    let stage = stage();
    let mut memory: Option<(String, Remembered)> = None;
    if story.settled {
        memory = Some(kept(&stage).await.remembered());
    }
    (story.act)(&stage);
    let mut keeper = Keeper::start(&stage, &plan);
    if let Some(memory) = memory.filter(|_| is_warm) {
        keeper.remember(memory);
    }
    // Long enough for every retry, and short enough that nothing else is due.
    keeper.during(Duration::from_mins(15)).await;
    let calls = plan.calls().len();
    // What failed once is not left over: a last look in peace changes nothing but what it must.
    let mut last = Keeper::start(&stage, &FaultPlan::none());
    if stage.object().is_some() {
        last.settle().await;
    }
    match story.ending {
        Ending::Kept(name) => {
            assert_fresh(&stage, name);
            assert_eq!(stage.cluster.secret_names(NAMESPACE), [name]);
        }
        Ending::Federated => {
            assert!(stage.cluster.secret_names(NAMESPACE).is_empty());
            truth::assert_live(&stage);
        }
        Ending::Suspended => {
            truth::assert_suspended(&stage);
            assert_withdrawn(&stage);
        }
        Ending::Gone => {
            truth::assert_gone(&stage);
            assert!(stage.cluster.secret_names(NAMESPACE).is_empty());
        }
    }
    assert_unseen(&stage);
    calls
}

/// Tells where it was when an assertion fails.
struct Here<'a>(&'a str, FaultPlan, String);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("in story `{}`, {}; calls: {:?}", self.0, self.2, self.1.calls());
        }
    }
}

#[test]
fn every_call_of_every_story_may_fail_once() {
    simulate(async {
        let mut points = 0;
        for story in &STORIES {
            for is_warm in [true, false] {
                let calls = Box::pin(play(story, FaultPlan::none(), is_warm)).await;
                for call in 0..calls {
                    for fault in faults() {
                        let plan = FaultPlan::at(call, fault);
                        let _here =
                            Here(story.name, plan.clone(), format!("warm: {is_warm}, {fault:?} at call {call}"));
                        Box::pin(play(story, plan, is_warm)).await;
                        points += 1;
                    }
                }
            }
        }
        println!("points at which keeping credentials was disturbed: {points}");
        assert!(points > 1000);
    });
}

#[test]
fn an_outage_may_begin_at_any_call() {
    simulate(async {
        for story in &STORIES {
            let calls = Box::pin(play(story, FaultPlan::none(), true)).await;
            for call in 0..calls {
                let plan = FaultPlan::during(call..call + 6, Fault::ErrorBefore(ErrorKind::Transient));
                let _here = Here(story.name, plan.clone(), format!("an outage from call {call}"));
                Box::pin(play(story, plan, true)).await;
            }
        }
    });
}
