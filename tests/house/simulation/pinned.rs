//! A boundary whose meaning is pinned: no new role is made under another one, whatever fails.

use std::time::Duration;

use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::names::BoundaryArn;
use ambit::policy::Document;

use super::declare::BOUNDARY;
use super::stage::{Stage, TIMING};
use super::town::{Operator, account, ready, town};
use super::{clock, simulate};

const PINNED: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","sqs:*"],"Resource":"*"}]}"#;
/// Says the same with another statement, which the digest does not see through.
const RESTATED: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","sqs:*","sqs:Send*"],"Resource":"*"}]}"#;
const WIDER: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn write(stage: &Stage, document: &str) {
    stage.cloud.write_boundary(&BoundaryArn::parse(BOUNDARY).unwrap(), document);
}

fn pinned() -> Stage {
    let stage = town(1);
    let mut account = account(&stage);
    let digest = Document::read(PINNED).unwrap().meaning().to_string();
    account.spec.aws.as_mut().unwrap().permissions_boundary_digest = Some(digest);
    stage.cluster.put_account(account);
    write(&stage, PINNED);
    stage
}

fn hinders_new_roles(operator: &Operator<'_>) -> bool {
    operator.trouble().is_some_and(|trouble| trouble.only_new_roles)
}

#[test]
fn a_check_that_fails_lifts_nothing() {
    let until_told = async |plan: &FaultPlan| {
        let stage = pinned();
        let mut operator = Operator::start(&stage, plan);
        operator.round().await;
        assert_eq!((ready(&stage).1.as_str(), operator.trouble()), ("Verified", None));
        write(&stage, WIDER);
        operator.suspect();
        operator.round().await;
        assert_eq!(ready(&stage).1, "BoundaryChanged");
        assert!(hinders_new_roles(&operator));
        let calls = plan.calls().len();
        for _ in 0..3 {
            clock::advance(Duration::from_hours(2));
            operator.round().await;
            assert!(hinders_new_roles(&operator), "a role would be made under the wider boundary");
        }
        calls
    };
    simulate(async {
        let calls = until_told(&FaultPlan::none()).await;
        let plan = FaultPlan::during(calls..1000, Fault::ErrorBefore(ErrorKind::Throttled));
        assert_eq!(until_told(&plan).await, calls);
        assert!(plan.calls().len() > calls, "something failed");
    });
}

#[test]
fn before_the_first_check_no_new_role_is_made() {
    simulate(async {
        let stage = pinned();
        let mut operator = Operator::start(&stage, &FaultPlan::during(0..1, Fault::ErrorBefore(ErrorKind::Throttled)));
        operator.round().await;
        assert!(hinders_new_roles(&operator));
        operator.round().await;
        assert_eq!((ready(&stage).1.as_str(), operator.trouble()), ("Verified", None));
    });
}

/// The digest is what was pinned. Nobody could say after a restart that another one allows the same.
#[test]
fn another_spelling_of_the_same_is_told_as_such() {
    simulate(async {
        let stage = pinned();
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.round().await;
        assert_ne!(Document::read(RESTATED).unwrap().meaning(), Document::read(PINNED).unwrap().meaning());
        write(&stage, RESTATED);
        operator.suspect();
        operator.round().await;
        assert!(hinders_new_roles(&operator));
        let (_, reason, message) = ready(&stage);
        assert!(reason == "BoundaryChanged" && message.contains("it allows the same in another way"), "{message}");
        let drift = super::town::status(&stage).drift.unwrap();
        assert_eq!((drift.items[0].class.as_str(), drift.items[0].severity.as_str()), ("Changed", "warning"));
    });
}

/// An event may come before the cloud shows what it tells of.
#[test]
fn what_an_event_tells_of_is_looked_at_twice() {
    simulate(async {
        let stage = pinned();
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.round().await;
        operator.suspect();
        let before = clock::now();
        operator.round().await;
        assert_eq!(ready(&stage).1, "Verified", "the change does not show yet");
        let pause = Duration::try_from(clock::now().duration_since(before)).unwrap();
        assert!(pause <= TIMING.consistency_window.mul_f64(1.2), "{pause:?}");
        write(&stage, WIDER);
        operator.round().await;
        assert_eq!(ready(&stage).1, "BoundaryChanged");
    });
}
