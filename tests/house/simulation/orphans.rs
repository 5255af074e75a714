//! Roles that outlived their identity: which of them go, how many at once, and
//! what becomes of them when every call fails or the process is killed.

use std::collections::BTreeMap;

use ambit::api::v1alpha1::OrphanPolicy;
use ambit::cloud::{ErrorKind, Fault, FaultPlan};

use super::declare;
use super::town::{Operator, account, key, lose, orphans_removed, ours, role_name, status, swept, town};
use super::{clock, simulate, truth};

#[test]
fn a_role_goes_after_two_sweeps_and_nobody_elses_does() {
    let stage = town(3);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.rounds(2).await;
        assert_eq!(swept(&stage).1, "SweptInFull");
        lose(&stage, 0..1);
        operator.round().await;
        assert_eq!((ours(&stage), status(&stage).orphans.unwrap().found), (3, Some(1)), "one sweep proves little");
        operator.round().await;
        assert!(stage.cloud.role(role_name(0).as_str()).is_none());
        truth::assert_others_untouched(&stage, 2);
        assert_eq!(orphans_removed(&stage), Some(1));
        let told: Vec<String> = stage.cluster.announcements().into_iter().map(|told| told.note).collect();
        let name = role_name(0);
        assert!(told.contains(&format!("removed roles whose identity is gone: {name} of shop/it-0")), "{told:?}");
        operator.round().await;
        assert_eq!(status(&stage).orphans.unwrap().found, Some(0));
    });
}

#[test]
fn it_is_closed_first_and_deleted_last() {
    let stage = town(1);
    lose(&stage, 0..1);
    simulate(async {
        let plan = FaultPlan::none();
        Operator::start(&stage, &plan).rounds(2).await;
        let calls = plan.calls();
        let begin = calls.iter().position(|call| *call == "write-removals").unwrap();
        let steps: Vec<&str> = calls[begin..].iter().copied().filter(|call| *call != "report-account").collect();
        assert_eq!(
            steps,
            [
                "write-removals",
                "live",
                "observe",
                "close",
                "detach",
                "remove-inline",
                "live",
                "remove-permissions",
                "open",
                "live",
                "delete",
                "announce-account",
            ]
        );
    });
}

#[test]
fn what_was_left_behind_on_purpose_stays() {
    let stage = town(2);
    let keep = stage.cloud.role(role_name(0).as_str()).unwrap();
    stage.cloud.change_by_hand(&keep.name, |role| {
        let uid = role.tags["ambit.dev/uid"].clone();
        role.tags.insert("ambit.dev/retained".to_owned(), uid);
    });
    lose(&stage, 0..2);
    simulate(async {
        Operator::start(&stage, &FaultPlan::none()).rounds(20).await;
        assert_eq!((ours(&stage), stage.cloud.role(&keep.name).is_some()), (1, true));
        assert_eq!(status(&stage).orphans.unwrap().found, Some(0), "it is no orphan");
    });
}

#[test]
fn an_account_that_keeps_orphans_only_counts_them() {
    let stage = town(3);
    let mut keeping = account(&stage);
    keeping.spec.orphans = OrphanPolicy::Keep;
    stage.cluster.put_account(keeping);
    lose(&stage, 0..2);
    simulate(async {
        Operator::start(&stage, &FaultPlan::none()).rounds(5).await;
        assert_eq!(ours(&stage), 3);
        let kept = "the whole account was read; roles of this installation without an identity: 2, kept because `spec.orphans` is Keep";
        assert_eq!(swept(&stage), ("True".into(), "SweptInFull".into(), kept.into()));
    });
}

#[test]
fn nothing_is_an_orphan_while_not_all_identities_are_known() {
    let stage = town(3);
    lose(&stage, 0..1);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.fleet.complete = false;
        operator.rounds(5).await;
        assert_eq!(ours(&stage), 3);
        operator.fleet.complete = true;
        operator.rounds(2).await;
        assert_eq!(ours(&stage), 2);
    });
}

#[test]
fn an_identity_that_is_declared_again_keeps_its_role() {
    let stage = town(2);
    lose(&stage, 0..1);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.round().await;
        stage.cluster.put(&key(0), declare::identity("it-0", "uid-again"));
        operator.rounds(5).await;
        assert_eq!(ours(&stage), 2);
    });
}

#[test]
fn a_fifth_goes_within_an_hour_and_the_rest_after_an_alarm() {
    // Three roles of others lie on the path: 50 in all.
    let stage = town(47);
    lose(&stage, 0..30);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.rounds(2).await;
        let begun = clock::now();
        assert_eq!((ours(&stage), orphans_removed(&stage)), (37, Some(10)));
        let (status, reason, message) = swept(&stage);
        assert_eq!((status.as_str(), reason.as_str()), ("False", "DeletionBudgetSpent"));
        assert!(message.starts_with("roles of this installation that have no identity any more and stay for now: 20; 10 were removed since 2023-"), "{message}");
        assert!(message.contains(", and no more than 10 of 50 are within an hour; "), "{message}");
        let warned = |reason: &str| {
            stage.cluster.announcements().iter().filter(|told| told.warning && told.reason == reason).count()
        };
        assert_eq!((warned("DeletionBudgetSpent"), warned("OrphansRemoved")), (1, 1));

        // A process that was just started knows as much.
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        while clock::now().duration_since(begun) < jiff::SignedDuration::from_mins(45) {
            operator.round().await;
            assert_eq!(ours(&stage), 37, "nothing more within the hour");
        }
        assert_eq!(warned("DeletionBudgetSpent"), 1, "told once");
        for _ in 0..80 {
            operator.round().await;
        }
        assert_eq!((ours(&stage), swept(&stage).1.as_str()), (17, "SweptInFull"));
        truth::assert_others_untouched(&stage, 17);
    });
}

#[test]
fn a_settled_account_asks_for_its_pages_and_writes_nothing() {
    let stage = town(5);
    stage.cloud.set_page_size(3);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.rounds(2).await;
        let (written, before) = (stage.cluster.writes(), stage.cloud.calls());
        // The check is due again after an hour; five sweeps come before.
        operator.rounds(3).await;
        let asked: BTreeMap<&str, u64> = stage
            .cloud
            .calls()
            .into_iter()
            .map(|(call, count)| (call, count - before.get(call).copied().unwrap_or_default()))
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(asked, BTreeMap::from([("sweep", 9)]));
        operator.rounds(20).await;
        assert_eq!(stage.cluster.writes(), written, "{:#?}", status(&stage));
        assert!(stage.cloud.writes().is_empty());
        let checks = stage.cloud.calls()["usage"];
        assert!((3..=5).contains(&checks), "about one an hour: {checks}");
    });
}

/// One role that the cloud never lets go keeps no other from going, and uses up
/// no more of the budget than one an hour.
#[test]
fn a_role_that_cannot_be_removed_keeps_no_other() {
    let stage = town(12);
    let first = (0..4).map(|number| role_name(number).to_string()).min().unwrap();
    lose(&stage, 0..4);
    simulate(async {
        let twin = town(12);
        lose(&twin, 0..4);
        let plan = FaultPlan::none();
        Operator::start(&twin, &plan).rounds(2).await;
        let close = plan.calls().iter().position(|call| *call == "close").unwrap();
        let denied = FaultPlan::at(close, Fault::ErrorBefore(ErrorKind::Denied));
        let mut operator = Operator::start(&stage, &denied);
        operator.rounds(2).await;
        assert_eq!((ours(&stage), stage.cloud.role(&first).is_some()), (10, true), "two of the three went");
        for _ in 0..40 {
            operator.round().await;
        }
        assert_eq!((ours(&stage), swept(&stage).1.as_str()), (8, "SweptInFull"), "and it goes when it can");
    });
}

fn faults() -> Vec<Fault> {
    let kinds =
        [ErrorKind::Transient, ErrorKind::Throttled, ErrorKind::Conflict, ErrorKind::NotFound, ErrorKind::Denied];
    let mut faults = vec![Fault::ErrorAfter(ErrorKind::Transient), Fault::HangBefore, Fault::HangAfter];
    faults.extend(kinds.map(Fault::ErrorBefore));
    faults
}

/// At every call of the removal of two of eleven roles a fault: no more than two
/// are ever removed within the hour, and in the end both are.
#[test]
fn a_fault_at_any_call_never_removes_more_and_never_stops_it() {
    let play = |plan: FaultPlan| {
        simulate(async {
            let stage = town(8);
            lose(&stage, 0..5);
            let begun = clock::now();
            let mut operator = Operator::start(&stage, &plan);
            while clock::now().duration_since(begun) < jiff::SignedDuration::from_mins(55) {
                operator.round().await;
                assert!(ours(&stage) >= 6, "more than the budget: {:?}", plan.calls());
            }
            let calls = plan.calls().len();
            for _ in 0..60 {
                operator.round().await;
            }
            truth::assert_others_untouched(&stage, 3);
            calls
        })
    };
    let calls = play(FaultPlan::none());
    let mut points = 0;
    for call in 0..calls {
        for fault in faults() {
            play(FaultPlan::at(call, fault));
            points += 1;
        }
    }
    println!("crash points of orphans: {points}, all survived");
    assert!(points > 100);
}

/// A process that is killed right after it wrote its intent, however often it
/// starts again, has used the budget up and removes nothing for an hour.
#[test]
fn a_crash_loop_removes_no_more_than_was_written_down() {
    let stage = || {
        let stage = town(47);
        lose(&stage, 0..30);
        stage
    };
    simulate(async {
        let plan = FaultPlan::none();
        Operator::start(&stage(), &plan).rounds(2).await;
        let intent = plan.calls().iter().position(|call| *call == "write-removals").unwrap();
        let stage = stage();
        for start in 0..5 {
            Operator::start(&stage, &FaultPlan::at(intent, Fault::HangAfter)).rounds(2).await;
            if start > 0 {
                assert_eq!(swept(&stage).1, "DeletionBudgetSpent");
            }
            assert_eq!((ours(&stage), orphans_removed(&stage)), (47, Some(10)));
        }
    });
}
