//! Removing orphans in time: neither longer than a reconciliation may take, nor
//! sooner because a clock was set forward, and what is told of it is true.

use std::time::Duration;

use ambit::cloud::{ErrorKind, Fault, FaultPlan};

use super::declare::BOUNDARY;
use super::town::{Operator, lose, orphans_removed, ours, swept, town};
use super::{clock, declare, simulate};

/// Each look at the clock takes fifty seconds, so two minutes are over after two removals.
#[test]
fn removals_end_in_time_and_what_was_not_touched_is_given_back() {
    // With three roles of others 50 in all, and still nine may go when there are 48.
    let stage = town(47);
    lose(&stage, 0..9);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.round().await;
        clock::set_pace(Duration::from_secs(50));
        operator.round().await;
        assert_eq!((ours(&stage), orphans_removed(&stage)), (45, Some(2)));
        let rest = "the whole account was read; roles of this installation without an identity: 7, which go after the next sweeps";
        assert_eq!(swept(&stage), ("True".into(), "SweptInFull".into(), rest.into()));
        clock::set_pace(Duration::ZERO);
        operator.round().await;
        assert_eq!((ours(&stage), orphans_removed(&stage)), (38, Some(9)));
    });
}

#[test]
fn no_more_than_twenty_go_after_one_sweep() {
    let stage = town(147);
    lose(&stage, 0..25);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.rounds(2).await;
        assert_eq!(orphans_removed(&stage), Some(20));
        operator.round().await;
        assert_eq!(orphans_removed(&stage), Some(25));
    });
}

#[test]
fn a_clock_that_is_set_forward_gives_no_second_budget() {
    let stage = town(47);
    lose(&stage, 0..30);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.rounds(2).await;
        assert_eq!(orphans_removed(&stage), Some(10));
        clock::set_forward(Duration::from_hours(5));
        operator.rounds(3).await;
        assert_eq!((ours(&stage), orphans_removed(&stage)), (37, Some(10)), "minutes passed, whatever the clock says");
        assert_eq!(swept(&stage).1, "DeletionBudgetSpent");
    });
}

/// Once the last of them went, the very same sweep says so.
#[test]
fn the_alarm_ends_with_the_last_orphan() {
    let stage = town(47);
    lose(&stage, 0..11);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.rounds(2).await;
        assert_eq!((ours(&stage), swept(&stage).1.as_str()), (37, "DeletionBudgetSpent"));
        while ours(&stage) == 37 {
            operator.round().await;
        }
        assert_eq!((ours(&stage), swept(&stage).1.as_str()), (36, "SweptInFull"));
    });
}

/// What the cloud refused was not removed, and the alarm says why.
#[test]
fn the_alarm_counts_only_what_was_removed() {
    simulate(async {
        let stage = || {
            let stage = town(47);
            lose(&stage, 0..30);
            stage
        };
        let plan = FaultPlan::none();
        Operator::start(&stage(), &plan).rounds(2).await;
        // The first call of a removal looks at the role, before anything is changed.
        let look = plan.calls().iter().position(|call| *call == "write-removals").unwrap() + 2;
        assert_eq!(plan.calls()[look], "observe");
        let stage = stage();
        let throttled = FaultPlan::at(look, Fault::ErrorBefore(ErrorKind::Throttled));
        Operator::start(&stage, &throttled).rounds(2).await;
        let (_, reason, message) = swept(&stage);
        assert_eq!((ours(&stage), orphans_removed(&stage), reason.as_str()), (47, Some(0), "DeletionBudgetSpent"));
        assert!(message.starts_with("roles of this installation that have no identity any more and stay for now: 30; 0 were removed, and no more than 10 of 50 are within an hour; it goes on after the next sweep: "), "{message}");
        assert!(message.contains("; one could not be removed: "), "{message}");
    });
}

/// Two `CloudAccount`s of the same account and path have one budget: that of the older.
#[test]
fn only_the_oldest_account_removes() {
    let stage = town(10);
    lose(&stage, 0..1);
    simulate(async {
        let mut elder = (*declare::account(BOUNDARY)).clone();
        elder.metadata.name = Some("elder".into());
        elder.metadata.uid = Some("uid-elder".into());
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.fleet.others.push(elder);
        operator.rounds(5).await;
        let left = "the whole account was read; roles of this installation without an identity: 1, left to CloudAccount 'elder', which has the same account and path and is older";
        assert_eq!((ours(&stage), swept(&stage).2.as_str()), (10, left));
        operator.fleet.others.clear();
        operator.round().await;
        assert_eq!(ours(&stage), 9);
    });
}
