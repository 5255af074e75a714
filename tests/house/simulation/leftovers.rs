//! Associations that nobody asks for any more: which of them go, and when.

use ambit::api::v1alpha1::OrphanPolicy;
use ambit::cloud::{ErrorKind, Fault, FaultPlan, MemoryAssociation};
use ambit::domain::PodsOf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::declare::{self, BOUNDARY, NAMESPACE};
use super::process::{Process, Rest};
use super::stage::Stage;
use super::town::{Operator, account};
use super::{simulate, truth};

/// An identity whose role EKS hands to pods, and that is settled.
async fn settled() -> Stage {
    let stage = Stage::with_pod_identity();
    stage.cluster.put_account((*declare::pod_identity_account(BOUNDARY)).clone());
    stage.create("uid-1");
    assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
    stage
}

/// One more association, as this installation would have made it for the identity.
fn plant(stage: &Stage, service_account: &str) {
    let own = stage.association("orders").unwrap();
    let pods = PodsOf::new(NAMESPACE, service_account);
    stage.cloud.plant_association(stage.eks().unwrap(), MemoryAssociation { pods, ..own });
}

fn there(stage: &Stage, service_account: &str) -> bool {
    stage.association(service_account).is_some()
}

fn told(stage: &Stage) -> Vec<String> {
    let all = stage.cluster.announcements().into_iter().filter(|told| told.reason == "OrphansRemoved");
    all.map(|told| told.note).filter(|note| note.contains("associations")).collect()
}

#[test]
fn an_association_goes_after_its_role_and_never_before() {
    simulate(async {
        let stage = settled().await;
        stage.cluster.lose(&stage.key);
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        let mut rounds = 0;
        while there(&stage, "orders") {
            let role_was_there = stage.role().is_some();
            operator.round().await;
            rounds += 1;
            assert!(there(&stage, "orders") || !role_was_there || stage.role().is_none(), "it had an effect still");
            assert!(rounds < 10);
        }
        assert_eq!(stage.role(), None);
        truth::assert_others_untouched(&stage, 0);
        assert_eq!(told(&stage), ["removed associations that gave nothing any more, of pods of shop/orders"]);
        let before = (stage.cloud.writes(), told(&stage));
        operator.rounds(10).await;
        assert_eq!((stage.cloud.writes(), told(&stage)), before, "nothing is left to do, and nothing to tell");
    });
}

#[test]
fn what_the_role_does_not_trust_any_more_goes_and_what_works_stays() {
    simulate(async {
        let stage = settled().await;
        plant(&stage, "orders-before");
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.round().await;
        assert!(there(&stage, "orders-before"), "one sweep proves little");
        operator.round().await;
        assert!(!there(&stage, "orders-before"));
        assert!(there(&stage, "orders") && stage.role().is_some());
        operator.rounds(5).await;
        truth::assert_live(&stage);
    });
}

#[test]
fn a_role_that_was_left_behind_keeps_its_association() {
    simulate(async {
        let stage = settled().await;
        stage.by_hand(|role| {
            let uid = role.tags["ambit.dev/uid"].clone();
            role.tags.insert("ambit.dev/retained".to_owned(), uid);
        });
        stage.cluster.lose(&stage.key);
        Operator::start(&stage, &FaultPlan::none()).rounds(10).await;
        assert!(there(&stage, "orders") && stage.role().is_some());
    });
}

#[test]
fn nothing_goes_while_it_may_be_wanted() {
    simulate(async {
        // Not while all identities are not known, and not where an account keeps what it finds.
        let stage = settled().await;
        plant(&stage, "orders-before");
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.fleet.complete = false;
        operator.rounds(5).await;
        assert!(there(&stage, "orders-before"));
        let mut keeping = account(&stage);
        keeping.spec.orphans = OrphanPolicy::Keep;
        stage.cluster.put_account(keeping);
        operator.fleet.complete = true;
        operator.rounds(5).await;
        assert!(there(&stage, "orders-before"));

        // Not while the identity is being worked on: the old one may be what works.
        let stage = settled().await;
        plant(&stage, "orders-before");
        stage.edit(|spec| spec.session_duration = std::time::Duration::from_hours(2).into());
        Operator::start(&stage, &FaultPlan::none()).rounds(5).await;
        assert!(there(&stage, "orders-before"));
    });
}

/// Not what tags say is another's, and it is read once and not with every sweep.
#[test]
fn what_is_anothers_is_looked_at_once() {
    simulate(async {
        let stage = settled().await;
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.rounds(3).await;
        let looks = || stage.cloud.calls()["observe-association"];
        let before = looks();
        operator.rounds(10).await;
        assert_eq!(looks(), before);
        truth::assert_others_untouched(&stage, 1);
    });
}

/// Of several accounts with the same roles only the oldest removes.
#[test]
fn a_younger_account_removes_nothing() {
    simulate(async {
        let stage = settled().await;
        plant(&stage, "orders-before");
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        let mut elder = account(&stage);
        elder.metadata.name = Some("elder".to_owned());
        elder.metadata.uid = Some("uid-elder".to_owned());
        let second = jiff::Timestamp::from_second(1).unwrap();
        elder.metadata.creation_timestamp = Some(Time(second));
        let mut younger = account(&stage);
        let later = jiff::Timestamp::from_second(2).unwrap();
        younger.metadata.creation_timestamp = Some(Time(later));
        stage.cluster.put_account(younger);
        operator.fleet.others.push(elder);
        operator.rounds(5).await;
        assert!(there(&stage, "orders-before"));
    });
}

#[test]
fn a_fault_at_any_call_takes_nothing_that_works_and_stops_nothing() {
    let play = |plan: FaultPlan| {
        simulate(async {
            let stage = settled().await;
            plant(&stage, "orders-before");
            let mut operator = Operator::start(&stage, &plan);
            for _ in 0..12 {
                operator.round().await;
                assert!(there(&stage, "orders"), "{:?}", plan.calls());
            }
            assert!(!there(&stage, "orders-before"), "{:?}", plan.calls());
            truth::assert_live(&stage);
            plan.calls().len()
        })
    };
    let calls = play(FaultPlan::none());
    let kinds = [ErrorKind::Transient, ErrorKind::Throttled, ErrorKind::NotFound, ErrorKind::Denied];
    let mut faults = vec![Fault::ErrorAfter(ErrorKind::Transient), Fault::HangBefore, Fault::HangAfter];
    faults.extend(kinds.map(Fault::ErrorBefore));
    let mut points = 0;
    for call in 0..calls {
        for fault in &faults {
            play(FaultPlan::at(call, *fault));
            points += 1;
        }
    }
    println!("crash points of leftovers: {points}, all survived");
    assert!(points > 50);
}
