//! Situations that a reader of the code thought of, each as a test.

use std::time::Duration;

use ambit::api::v1alpha1::{DeletionPolicy, MachineIdentityStatus, ManagementPolicy};
use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::controller::outcome::Outcome;

use super::process::{Process, Rest};
use super::stage::{Stage, TIMING};
use super::verdicts::condition;
use super::{clock, declare, simulate};

/// A stage with an identity that was proven and rests.
async fn settled() -> Stage {
    let stage = Stage::new();
    stage.create("uid-1");
    assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
    stage
}

#[test]
fn an_observed_identity_that_is_refused_turns_no_pod_away() {
    simulate(async {
        let stage = settled().await;
        let table = stage.cluster.table("shop");
        stage.edit(|spec| {
            spec.management_policy = ManagementPolicy::Observe;
            spec.scopes[1].actions = vec!["sqs:SendMesage".into()];
        });
        let outcome = Process::start(&stage, &FaultPlan::none()).once().await;
        assert_eq!(outcome, Some(Outcome::Refused));
        assert_eq!(stage.cluster.table("shop"), table);
    });
}

#[test]
fn one_failed_call_does_not_take_back_what_was_proven() {
    simulate(async {
        let stage = settled().await;
        let before = stage.object().unwrap().status;
        for call in 0..6 {
            clock::advance(TIMING.resync * 2);
            let mut process = Process::start(&stage, &FaultPlan::at(call, Fault::ErrorBefore(ErrorKind::Transient)));
            process.once().await;
            clock::advance(TIMING.resync * 2);
            let outcome = process.once().await;
            assert!(matches!(outcome, Some(Outcome::Failed(_) | Outcome::Settled | Outcome::Applied)), "{outcome:?}");
            let status = stage.object().unwrap().status;
            assert_eq!(conditions(status.as_ref()), conditions(before.as_ref()), "call {call}");
        }
    });
}

/// Whoever waits in the crowd of one account takes the place of an identity of another.
#[test]
fn an_account_whose_calls_wait_for_each_other_is_left_alone_for_a_while() {
    simulate(async {
        let stage = settled().await;
        clock::advance(TIMING.resync * 2);
        let mut process = Process::start(&stage, &FaultPlan::none());
        let before = (stage.cloud.calls(), stage.object());
        stage.cloud.set_backlog(Duration::from_secs(20));
        clock::advance(TIMING.resync * 2);
        process.once().await;
        clock::advance(TIMING.resync * 2);
        let Some(Outcome::Deferred(pause)) = process.once().await else { panic!("it does not wait") };
        assert!(pause >= Duration::from_secs(20) && pause <= Duration::from_secs(40), "{pause:?}");
        assert_eq!((stage.cloud.calls(), stage.object()), before);
        assert_eq!(process.once().await, Some(Outcome::Settled), "nobody is kept away twice in a row");
        assert_ne!(stage.cloud.calls(), before.0);
        // What is said to differ is looked at in whatever crowd.
        stage.by_hand(|role| assert!(role.attached.insert("arn:a".into())));
        assert_eq!(process.look().await, Rest::Settled);
        assert!(stage.role().unwrap().attached.is_empty());
    });
}

/// The table stands between pods and a start without the role: it is not the cloud's to decide when
/// it is put right.
#[test]
fn a_lost_entry_is_remade_while_the_cloud_is_away() {
    simulate(async {
        let lost = async |plan: &FaultPlan| {
            let stage = settled().await;
            let mut process = Process::start(&stage, plan);
            process.context().memory.note("uid-1", |memory| memory.suspicions += 1);
            ambit::cluster::Cluster::unbind(&stage.cluster, "shop", "orders").await.unwrap();
            let outcome = process.once().await;
            (outcome, stage.cluster.table("shop").service_accounts.get("orders").map(|entry| entry.ready))
        };
        let plan = FaultPlan::none();
        assert_eq!(lost(&plan).await, (Some(Outcome::Settled), Some(true)));
        let observe = plan.calls().iter().position(|call| *call == "observe").unwrap();
        let away = FaultPlan::at(observe, Fault::ErrorBefore(ErrorKind::Transient));
        let (outcome, ready) = lost(&away).await;
        assert!(matches!(outcome, Some(Outcome::Failed(_))), "{outcome:?}");
        assert_eq!(ready, Some(false), "pods wait until the role was looked at");
    });
}

fn conditions(status: Option<&MachineIdentityStatus>) -> Vec<(String, String, String)> {
    let conditions = status.into_iter().flat_map(|status| &status.conditions);
    conditions.map(|found| (found.type_.clone(), found.status.clone(), found.reason.clone())).collect()
}

#[test]
fn an_outage_is_told_when_it_lasts() {
    simulate(async {
        let stage = settled().await;
        let plan = FaultPlan::during(0..100, Fault::ErrorBefore(ErrorKind::Transient));
        let mut process = Process::start(&stage, &plan);
        clock::advance(TIMING.resync * 2);
        process.once().await;
        clock::advance(TIMING.resync * 2);
        for _ in 0..4 {
            assert!(matches!(process.once().await, Some(Outcome::Failed(_))));
        }
        // All calls fail, the one that writes the status too: nothing is lost, and nothing was changed.
        assert!(stage.role().is_some());
    });
}

#[test]
fn a_role_is_let_go_only_after_two_looks() {
    simulate(async {
        let stage = settled().await;
        stage.cluster.delete(&ambit::names::IdentityKey::new("shop", "orders"));
        let mut process = Process::start(&stage, &FaultPlan::none());
        let mut looks_after_deletion = 0;
        while stage.object().is_some() {
            let Some(Outcome::Waiting(pause)) = process.once().await else { break };
            if stage.role().is_none() {
                looks_after_deletion += 1;
            }
            assert_eq!(pause, TIMING.consistency_window);
            clock::advance(pause);
        }
        assert!(stage.object().is_none());
        // The reconciliation that deleted, and one look: the second look let it go.
        assert_eq!(looks_after_deletion, 2);
    });
}

#[test]
fn an_account_that_became_another_is_no_move() {
    simulate(async {
        let stage = settled().await;
        let role = stage.role();
        let mut object = stage.object().unwrap();
        let mut status = object.status.take().unwrap();
        status.aws.as_mut().unwrap().role_arn = Some("arn:aws:iam::210987654321:role/ambit/house/shop-orders".into());
        object.status = Some(status.clone());
        let key = ambit::names::IdentityKey::new("shop", "orders");
        let incarnation = ambit::cluster::Incarnation { key: key.clone(), uid: "uid-1".into() };
        ambit::cluster::Cluster::write_status(&stage.cluster, &incarnation, &status).await.unwrap();
        stage.edit(|spec| drop(spec.scopes.pop()));
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.once().await, Some(Outcome::Refused));
        let object = stage.object().unwrap();
        let provisioned = condition(&object, "Provisioned").unwrap();
        assert_eq!((provisioned.status.as_str(), provisioned.reason.as_str()), ("False", "Conflict"));
        assert!(
            provisioned
                .message
                .starts_with("this identity's role is `arn:aws:iam::210987654321:role/ambit/house/shop-orders`, but")
        );
        stage.cluster.delete(&key);
        process.once().await;
        assert!(stage.object().is_some(), "the object stays: its role is elsewhere");
        assert_eq!(stage.role(), role);
    });
}

#[test]
fn pods_without_the_identity_are_counted() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let account = stage.object().unwrap().spec.subject.service_account.unwrap().name;
        stage.cluster.run_bare_pods("shop", &account, 2);
        Process::start(&stage, &FaultPlan::none()).once().await;
        let object = stage.object().unwrap();
        let bound = condition(&object, "Bound").unwrap();
        assert_eq!((bound.status.as_str(), bound.reason.as_str()), ("True", "PodsWithoutIdentity"));
        assert_eq!(
            bound.message,
            format!(
                "2 running pods of service account '{account}' were created before and do not have the role: restart them; new pods get it"
            )
        );
        assert_eq!(condition(&object, "Ready").unwrap().status, "True");
    });
}

/// A role that was made under another account than its `CloudAccount` names now is
/// not marked, so people are told what to do before that account comes back.
#[test]
fn a_role_that_is_retained_in_another_account_is_told_to_be_unmarked() {
    simulate(async {
        let stage = settled().await;
        stage.edit(|spec| spec.deletion_policy = DeletionPolicy::Retain);
        let mut account = (*declare::account(declare::BOUNDARY)).clone();
        account.spec.aws.as_mut().unwrap().account_id = "999999999999".into();
        stage.change_account(account.into());
        let role = stage.role();
        stage.cluster.delete(&stage.key);
        assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Gone);
        assert_eq!(stage.role(), role, "nothing marks it");
        let told = stage.cluster.announcements().into_iter().filter(|told| told.reason == "Retained");
        let told: Vec<(bool, String)> = told.map(|told| (told.warning, told.note)).collect();
        let note = "the role stays as it is, but CloudAccount 'prod' is not the one any more that it was made under, so it was not marked as left behind: before that comes back, set its `spec.orphans` to Keep";
        assert_eq!(told, [(true, note.to_owned())]);
    });
}
