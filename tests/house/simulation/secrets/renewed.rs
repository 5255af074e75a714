//! Renewal: in time, whatever else is wrong, and told when it fails.

use std::time::Duration;

use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::controller::outcome::Outcome;
use jiff::Timestamp;

use super::super::declare::NAMESPACE;
use super::super::verdicts::{Kstatus, kstatus};
use super::super::{clock, simulate};
use super::{Keeper, SECRET, assert_fresh, assert_reads, assert_unseen, credentials, kept, read, stage, told, written};

/// These calls fail, all others do not.
fn failing(calls: &[&'static str], kind: ErrorKind) -> FaultPlan {
    FaultPlan::of(calls, Fault::ErrorBefore(kind))
}

fn next(stage: &super::Stage) -> Timestamp {
    credentials(stage).next_rotation_time.unwrap().0
}

#[test]
fn credentials_are_renewed_when_two_thirds_of_their_life_are_over_and_cost_no_look_at_the_role() {
    simulate(async {
        let stage = stage();
        let keeper = kept(&stage).await;
        let (first, issued) = (next(&stage), credentials(&stage).issued_time.unwrap().0);
        let pause = first.duration_since(issued).as_mins();
        assert!((35..=40).contains(&pause), "{pause}");
        let writes = stage.cluster.writes();
        let plan = FaultPlan::none();
        let mut watched = Keeper::start(&stage, &plan);
        watched.remember(keeper.remembered());
        watched.until(first - Duration::from_secs(1)).await;
        assert_eq!((stage.cloud.issued(), stage.cluster.writes()), (1, writes));
        watched.during(Duration::from_secs(2)).await;
        assert_eq!(stage.cloud.issued(), 2);
        assert_eq!(stage.cluster.writes(), writes + 2, "one of the Secret, one of status");
        assert_fresh(&stage, SECRET);
        let calls = plan.calls();
        let other = calls.iter().filter(|call| {
            !["secret", "token", "credentials", "write-secret", "write-status", "announce"].contains(call)
        });
        assert_eq!(other.count(), 0, "{calls:?}");
        assert_eq!(told(&stage), ["CredentialsIssued", "CredentialsRenewed"]);
    });
}

/// A day of renewals: none is late, none comes in bursts, and the newest is always in the Secret.
#[test]
fn a_day_long_there_are_always_good_credentials() {
    simulate(async {
        let stage = stage();
        let mut keeper = kept(&stage).await;
        for _ in 0..24 * 12 {
            keeper.during(Duration::from_mins(5)).await;
            let rest = credentials(&stage).expiration_time.unwrap().0.duration_since(clock::now());
            assert!(rest.as_mins() >= 19, "{rest:?}");
        }
        assert_fresh(&stage, SECRET);
        let issued = stage.cloud.issued();
        assert!((36..=41).contains(&issued), "{issued}");
    });
}

#[test]
fn a_restart_renews_nothing_that_is_good_and_forgets_nothing_that_is_due() {
    simulate(async {
        let stage = stage();
        drop(kept(&stage).await);
        clock::advance(Duration::from_mins(20));
        let mut fresh = Keeper::start(&stage, &FaultPlan::none());
        fresh.during(Duration::from_mins(10)).await;
        assert_eq!(stage.cloud.issued(), 1);
        drop(fresh);
        clock::advance(Duration::from_mins(20));
        let mut late = Keeper::start(&stage, &FaultPlan::none());
        late.once().await.unwrap();
        assert_eq!(stage.cloud.issued(), 2);
        assert_fresh(&stage, SECRET);
    });
}

/// A failed renewal leaves the old credentials where they are. Soon nobody needs to know; when
/// a quarter of what is left is over, everybody does.
#[test]
fn a_renewal_that_keeps_failing_is_told_before_credentials_run_out() {
    simulate(async {
        let stage = stage();
        let keeper = kept(&stage).await;
        let (due, end) = (next(&stage), credentials(&stage).expiration_time.unwrap().0);
        let before = written(&stage, SECRET);
        // The cloud does not answer, and the API server does.
        let plan = failing(&["observe", "prove", "credentials"], ErrorKind::Transient);
        let mut cut_off = Keeper::start(&stage, &plan);
        cut_off.remember(keeper.remembered());
        cut_off.until(due - Duration::from_secs(1)).await;
        assert_fresh(&stage, SECRET);
        cut_off.during(Duration::from_secs(20)).await;
        assert_reads(&stage, "CredentialsFresh", "True", "Rotating");
        assert_reads(&stage, "Ready", "True", "Verified");
        let message = read(&stage, "CredentialsFresh").2;
        assert!(
            message.starts_with(&format!("the credentials in Secret 'orders-aws' are good until {end}; ")),
            "{message}"
        );
        assert!(message.contains("the cloud cannot be reached or does not answer"), "{message}");
        cut_off.during(Duration::from_mins(7)).await;
        assert_reads(&stage, "CredentialsFresh", "False", "Overdue");
        let (status, reason, message) = read(&stage, "Ready");
        assert_eq!(status, "False", "{reason}: {message}");
        assert_eq!(kstatus(&stage.object().unwrap()), Kstatus::InProgress, "it is tried again by itself");
        cut_off.until(end).await;
        cut_off.during(Duration::from_mins(2)).await;
        let message = read(&stage, "CredentialsFresh").2;
        assert!(message.contains(&format!("ran out at {end} and cannot be renewed: ")), "{message}");
        assert_eq!(written(&stage, SECRET), before, "the old credentials stay where they are");
        let told_of = told(&stage);
        assert_eq!(told_of[..3], ["CredentialsIssued", "Rotating", "Overdue"], "each is told once: {told_of:?}");
        assert_eq!(told_of.len(), 3);
        // The cloud answers again.
        let mut back = Keeper::start(&stage, &FaultPlan::none());
        back.remember(cut_off.remembered());
        back.settle().await;
        assert_fresh(&stage, SECRET);
        assert_eq!(told(&stage).last().unwrap(), "CredentialsRenewed");
    });
}

/// What is wrong with the role keeps no credentials from being renewed: pods that exchange
/// their own tokens would go on as well.
#[test]
fn renewal_waits_for_nothing_else() {
    simulate(async {
        let stage = stage();
        let keeper = kept(&stage).await;
        let due = next(&stage);
        // Reading roles is denied from now on; STS is not IAM.
        let mut blind = Keeper::start(&stage, &failing(&["observe"], ErrorKind::Throttled));
        blind.remember(keeper.remembered());
        stage.annotate("ambit.dev/reconcile", "now");
        blind.until(due + Duration::from_mins(1)).await;
        assert_eq!(stage.cloud.issued(), 2);
        assert_reads(&stage, "Ready", "False", "Throttled");
        assert_reads(&stage, "CredentialsFresh", "True", "Fresh");
        assert!(next(&stage) > due);
        assert_unseen(&stage);
    });
}

/// An exchange that is refused means more than late credentials: the role is looked at at once,
/// although no sweep has found anything.
#[test]
fn a_refused_exchange_has_the_role_looked_at() {
    simulate(async {
        let stage = stage();
        let mut keeper = kept(&stage).await;
        let due = next(&stage);
        stage.by_hand(|role| role.trust = role.trust.replace("shop:orders", "shop:thief"));
        keeper.until(due - Duration::from_secs(1)).await;
        assert!(stage.role().unwrap().trust.contains("shop:thief"));
        keeper.during(Duration::from_secs(5)).await;
        assert_reads(&stage, "InSync", "True", "Repaired");
        assert_eq!(stage.cloud.issued(), 2);
        assert_fresh(&stage, SECRET);
    });
}

#[test]
fn a_secret_that_is_gone_or_was_changed_is_written_anew_within_a_sweeps_interval() {
    simulate(async {
        let stage = stage();
        let mut keeper = kept(&stage).await;
        stage.cluster.lose_secret(NAMESPACE, SECRET);
        keeper.during(Duration::from_mins(11)).await;
        assert_eq!(stage.cloud.issued(), 2);
        assert_fresh(&stage, SECRET);
        stage.cluster.change_secret(NAMESPACE, SECRET, "AWS_SESSION_TOKEN", "by hand");
        keeper.during(Duration::from_mins(11)).await;
        assert_eq!(stage.cloud.issued(), 3);
        assert_fresh(&stage, SECRET);
        // What others add to it is theirs.
        stage.cluster.change_secret(NAMESPACE, SECRET, "AWS_REGION", "eu-west-1");
        keeper.during(Duration::from_mins(11)).await;
        assert_eq!(stage.cloud.issued(), 3);
        assert_eq!(written(&stage, SECRET).data["AWS_REGION"], "eu-west-1");
        assert_eq!(told(&stage), ["CredentialsIssued"; 3]);
        // And at once where somebody asks for it.
        stage.cluster.lose_secret(NAMESPACE, SECRET);
        stage.annotate("ambit.dev/reconcile", "now");
        assert_eq!(keeper.settle().await, Outcome::Settled);
        assert_fresh(&stage, SECRET);
    });
}

/// Somebody deletes the Secret while the cloud is away: good credentials that stand nowhere are none.
#[test]
fn a_lost_secret_that_cannot_be_written_is_told_at_once() {
    simulate(async {
        let stage = stage();
        let keeper = kept(&stage).await;
        stage.cluster.lose_secret(NAMESPACE, SECRET);
        let mut cut_off = Keeper::start(&stage, &failing(&["credentials"], ErrorKind::Transient));
        cut_off.remember(keeper.remembered());
        cut_off.during(Duration::from_mins(12)).await;
        assert_reads(&stage, "CredentialsFresh", "False", "CloudUnreachable");
        let message = read(&stage, "CredentialsFresh").2;
        assert!(
            message.starts_with("Secret 'orders-aws' is gone or was changed, and cannot be written anew: "),
            "{message}"
        );
        assert_reads(&stage, "Ready", "False", "CloudUnreachable");
    });
}

/// A clock that was set back by a day must not make Ambit wait a day.
#[test]
fn a_clock_that_is_set_back_delays_nothing() {
    simulate(async {
        let stage = stage();
        clock::set_forward(Duration::from_hours(24));
        let mut keeper = kept(&stage).await;
        clock::set_back(Duration::from_hours(24));
        keeper.settle().await;
        assert_eq!(stage.cloud.issued(), 2);
        assert_fresh(&stage, SECRET);
    });
}
