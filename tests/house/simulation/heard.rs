//! What events say: who did something is told, and nothing follows from it but a look.

use std::time::Duration;

use ambit::cloud::{FaultPlan, MemoryRole};
use ambit::controller::outcome::Outcome;
use ambit::domain::{ChangeEvent, Target};

use super::clock;
use super::process::{Process, Rest};
use super::simulate;
use super::stage::{Stage, TIMING};
use super::verdicts::condition;

const THEIRS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn change(event: &str) -> ChangeEvent {
    ChangeEvent {
        at: clock::now(),
        event: event.to_owned(),
        operation: "iam:AttachRolePolicy".to_owned(),
        principal: "arn:aws:iam::123456789012:user/mallory".to_owned(),
        source: Some("203.0.113.9".to_owned()),
        target: Target::Attachment(THEIRS.to_owned()),
    }
}

/// Somebody's hand.
fn attach(role: &mut MemoryRole) {
    role.attached.insert(THEIRS.into());
}

/// A process hears of something.
fn hear(process: &Process<'_>, event: &str) {
    let (uid, mut remembered) = process.remembered().unwrap();
    remembered.note_change(change(event));
    process.remember(Some((uid, remembered)));
}

async fn settled(stage: &Stage) -> Process<'_> {
    stage.create("uid-1");
    let mut process = Process::start(stage, &FaultPlan::none());
    assert_eq!(process.run().await, Rest::Settled);
    clock::advance(Duration::from_mins(2));
    process
}

fn in_sync(stage: &Stage) -> String {
    condition(&stage.object().unwrap(), "InSync").unwrap().message.clone()
}

const BY: &str = " (changed by `arn:aws:iam::123456789012:user/mallory` from 203.0.113.9)";

#[test]
fn what_is_heard_is_looked_at_at_once_and_told_with_its_author() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        stage.by_hand(attach);
        assert_eq!(process.once().await, Some(Outcome::Settled), "nobody has said anything");
        hear(&process, "e-1");
        assert_eq!(process.once().await, Some(Outcome::Applied));
        assert_eq!(
            in_sync(&stage),
            format!("repaired: the managed policy `{THEIRS}` is attached and was not declared{BY}")
        );
        assert!(stage.role().unwrap().attached.is_empty());
    });
}

#[test]
fn an_event_about_what_is_in_order_writes_nothing_and_is_forgotten() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        let before = (stage.cloud.writes(), stage.cluster.writes(), stage.object());
        hear(&process, "e-1");
        assert_eq!(process.once().await, Some(Outcome::Settled));
        assert_eq!((stage.cloud.writes(), stage.cluster.writes(), stage.object()), before);
        let (_, remembered) = process.remembered().unwrap();
        assert_eq!(
            (remembered.is_suspected(), remembered.change_events.len()),
            (false, 1),
            "the cloud may not show it yet"
        );
        let again = clock::now() + TIMING.consistency_window;
        assert_eq!(remembered.next_full_look, Some(again));
        clock::advance(TIMING.consistency_window);
        assert_eq!(process.once().await, Some(Outcome::Settled));
        assert_eq!((stage.cloud.writes(), stage.cluster.writes(), stage.object()), before);
        let (_, remembered) = process.remembered().unwrap();
        assert_eq!(remembered.change_events, []);
        assert!(remembered.next_full_look > Some(again + Duration::from_hours(1)));

        // What is found later, by a sweep, is not put down to whoever did that.
        stage.by_hand(attach);
        assert_eq!(process.look().await, Rest::Settled);
        assert_eq!(
            in_sync(&stage),
            format!("repaired: the managed policy `{THEIRS}` is attached and was not declared")
        );
    });
}

/// Its time may be anything: whoever may write to the queue writes it.
#[test]
fn an_event_of_a_time_to_come_is_looked_at_once() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        let (uid, mut remembered) = process.remembered().unwrap();
        remembered.note_change(ChangeEvent { at: clock::now() + Duration::from_hours(1000), ..change("e-1") });
        process.remember(Some((uid, remembered)));
        assert_eq!(process.once().await, Some(Outcome::Settled));
        assert_eq!(process.remembered().unwrap().1.change_events, []);
    });
}

#[test]
fn no_more_than_eight_events_are_kept_the_newest_first_and_each_once() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        for number in 0..10 {
            clock::advance(Duration::from_secs(1));
            hear(&process, &number.to_string());
            hear(&process, &number.to_string());
        }
        let (_, mut remembered) = process.remembered().unwrap();
        let kept = |change_events: &[ChangeEvent]| {
            change_events.iter().map(|change| change.event.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(kept(&remembered.change_events), "9 8 7 6 5 4 3 2");
        remembered.note_change(ChangeEvent { at: clock::now() - Duration::from_secs(3), ..change("late") });
        assert_eq!(kept(&remembered.change_events), "9 8 7 late 6 5 4 3");
    });
}

/// Somebody did something to the role as such.
fn hear_of_role(process: &Process<'_>, event: &str, operation: &str) {
    let (uid, mut remembered) = process.remembered().unwrap();
    remembered.note_change(ChangeEvent { operation: operation.to_owned(), target: Target::Role, ..change(event) });
    process.remember(Some((uid, remembered)));
}

#[test]
fn who_deleted_the_role_is_told_before_and_after_it_is_made_anew() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
        hear_of_role(&process, "e-1", "iam:DeleteRole");
        assert!(matches!(process.once().await, Some(Outcome::Waiting(_))));
        let told = in_sync(&stage);
        assert!(told.starts_with(&format!("the role was not found{BY}; it is looked for again in ")), "{told}");
        clock::advance(Duration::from_mins(2));
        assert_eq!(process.once().await, Some(Outcome::Applied));
        let told = in_sync(&stage);
        assert!(told.starts_with(&format!("repaired: the role was deleted by somebody else{BY}; ")), "{told}");
    });
}

#[test]
fn who_made_another_role_of_the_same_name_is_told() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        stage.by_hand(|role| role.id = "AROATHEIRS".to_owned());
        hear_of_role(&process, "e-1", "iam:DeleteRole");
        clock::advance(Duration::from_secs(1));
        hear_of_role(&process, "e-2", "iam:CreateRole");
        assert!(matches!(process.once().await, Some(Outcome::Failed(_))));
        let told = in_sync(&stage);
        assert!(told.ends_with(&format!("Ambit leaves it alone: delete it{BY}")), "{told}");
        let drift = stage.object().unwrap().status.unwrap().drift.unwrap();
        let by = drift.items[0].by.as_ref().map(|by| (by.operation.as_str(), by.event.as_str()));
        assert_eq!((drift.items.len(), by), (1, Some(("iam:CreateRole", "e-2"))));
    });
}
