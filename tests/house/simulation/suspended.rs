//! Suspensions beside which something else goes on, and operators that read late.

use std::time::Duration;

use ambit::api::v1alpha1::{DeletionPolicy, MachineIdentitySpec, ManagementPolicy};
use ambit::cloud::{Fault, FaultPlan, MemoryRole};
use ambit::controller::accounts::{Account, Trouble};
use ambit::controller::identity::reconcile;
use ambit::controller::outcome::Outcome;
use ambit::plan::{Reason, Verdict};
use ambit::policy::{Document, MAX_INLINE, deny_all, nobody, size_for_iam};

use super::clock;
use super::declare::{ACCOUNT, narrow_policy};
use super::process::{Process, Rest};
use super::stage::{Stage, TIMING};
use super::verdicts::condition;
use super::{simulate, truth};

/// An identity that is settled.
async fn settled() -> Stage {
    let stage = Stage::new();
    stage.create("uid-1");
    assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
    stage
}

fn suspend(spec: &mut MachineIdentitySpec) {
    spec.suspend = true;
}

fn resume(spec: &mut MachineIdentitySpec) {
    spec.suspend = false;
}

fn means(text: &str, document: &Document) -> bool {
    Document::read(text).unwrap().same_meaning(document)
}

fn is_shut(role: &MemoryRole) -> bool {
    role.is_closed() && means(&role.trust, &nobody())
}

#[test]
fn a_paused_identity_is_closed_before_its_deletion_waits() {
    simulate(async {
        let stage = settled().await;
        stage.edit(|spec| {
            suspend(spec);
            spec.management_policy = ManagementPolicy::Paused;
        });
        stage.cluster.delete(&stage.key);
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        truth::assert_suspended(&stage);
        let ready = condition(&stage.object().unwrap(), "Ready").unwrap().message.clone();
        assert!(ready.contains("the object is being deleted and stays while"), "{ready}");
        truth::assert_idle(&stage, &mut process).await;
        // Sweeps go on watching over it.
        stage.by_hand(|role| role.trust = role.trust.replace("Deny", "Allow"));
        assert_eq!(process.look().await, Rest::Waits);
        truth::assert_suspended(&stage);
        stage.edit(|spec| spec.management_policy = ManagementPolicy::Enforce);
        stage.cluster.delete(&stage.key);
        assert_eq!(process.run().await, Rest::Gone);
        truth::assert_gone(&stage);
    });
}

#[test]
fn a_role_that_stays_behind_is_closed_first() {
    simulate(async {
        let stage = settled().await;
        stage.edit(|spec| {
            suspend(spec);
            spec.deletion_policy = DeletionPolicy::Retain;
        });
        stage.cluster.delete(&stage.key);
        assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Gone);
        let role = stage.role().unwrap();
        assert!(is_shut(&role), "{role:?}");
        assert!(role.inline.contains_key("ambit-sessions") && role.tags.contains_key("ambit.dev/retained"));
    });
}

fn with_trouble_about_the_provider(stage: &Stage) -> Process<'_> {
    let process = Process::start(stage, &FaultPlan::none());
    let accounts = &process.context().accounts;
    let account = accounts.find(ACCOUNT).unwrap();
    let verdict = Verdict::terminal(Reason::ProviderMissing, "there is no OIDC provider");
    let trouble = Some(Trouble { verdict, concerns_binding: true, only_new_roles: false });
    accounts.put(ACCOUNT, Account { trouble, ..account });
    process
}

/// By what pods prove themselves does not matter when nobody is to be let in.
#[test]
fn a_missing_provider_keeps_nobody_from_taking_access_away() {
    simulate(async {
        let stage = settled().await;
        stage.edit(suspend);
        assert_eq!(with_trouble_about_the_provider(&stage).run().await, Rest::Waits);
        truth::assert_suspended(&stage);
        let stage = settled().await;
        stage.judge_by(vec![narrow_policy("Revoke")]);
        assert_eq!(with_trouble_about_the_provider(&stage).run().await, Rest::Waits);
        truth::assert_revoked(&stage);
    });
}

/// Two operators that both believe to lead: the one whose cache is behind opens nothing, and says nothing.
#[test]
fn an_operator_that_reads_late_opens_nothing() {
    simulate(async {
        let stage = settled().await;
        let old = stage.object().unwrap();
        let late = Process::start(&stage, &FaultPlan::none());
        assert_eq!(reconcile(late.context(), &old).await, Outcome::Settled);
        stage.edit(suspend);
        assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Waits);
        truth::assert_suspended(&stage);
        let before = (stage.cloud.writes(), stage.cluster.writes());
        for _ in 0..3 {
            clock::advance(TIMING.resync);
            let outcome = reconcile(late.context(), &old).await;
            assert_eq!(outcome, Outcome::Deferred(TIMING.consistency_window));
        }
        assert_eq!((stage.cloud.writes(), stage.cluster.writes()), before);
        truth::assert_suspended(&stage);
    });
}

/// Sessions of the old role open no other, and nobody else took their denial away.
#[test]
fn a_role_that_was_lost_has_no_old_sessions() {
    simulate(async {
        let stage = settled().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        for change in [suspend, resume] {
            stage.edit(change);
            process.run().await;
        }
        assert!(stage.role().unwrap().inline.contains_key("ambit-sessions"));
        assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
        assert!(!stage.role().unwrap().inline.contains_key("ambit-sessions"));
        let told = stage.cluster.announcements();
        assert!(told.iter().all(|told| !told.note.contains("sessions from before")), "{told:?}");
    });
}

/// What nobody had written down yet is denied, waited for and remembered all the same.
#[test]
fn sessions_are_denied_also_where_status_did_not_know_the_role() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let rehearsed = FaultPlan::none();
        Process::start(&stage, &rehearsed).once().await;
        let made = rehearsed.calls().iter().position(|call| *call == "set-permissions").unwrap();
        let stage = Stage::new();
        stage.create("uid-1");
        Process::start(&stage, &FaultPlan::at(made, Fault::HangAfter)).once().await;
        assert!(stage.role().unwrap().permissions().is_some());
        stage.edit(suspend);
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        let status = stage.object().unwrap().status.unwrap();
        assert!(status.aws.is_none() && status.suspension.as_ref().unwrap().sessions_before.is_some());
        let before = status.suspension.unwrap().sessions_before;
        stage.edit(resume);
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
        let aws = stage.object().unwrap().status.unwrap().aws.unwrap();
        assert_eq!(aws.sessions_denied_before, before);
        assert!(stage.role().unwrap().inline.contains_key("ambit-sessions"));
    });
}

/// Leaves no room for one more policy.
fn fill(role: &mut MemoryRole) {
    let text = |pad: usize| {
        let bucket = "x".repeat(pad);
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{bucket}"}}}}"#
        )
    };
    let used: usize = role.inline.values().map(|text| size_for_iam(text)).sum();
    let room = MAX_INLINE - used - size_for_iam(&text(0)) - 20;
    role.inline.insert("by-hand".to_owned(), text(room));
}

/// Whoever may write policies must not keep a role open by that.
#[test]
fn a_role_without_room_is_closed_by_what_it_has() {
    simulate(async {
        let stage = settled().await;
        stage.by_hand(fill);
        stage.edit(suspend);
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        let role = stage.role().unwrap();
        assert!(means(&role.inline["ambit"], &deny_all()) && means(&role.trust, &nobody()), "{role:?}");
        assert_eq!(condition(&stage.object().unwrap(), "Ready").unwrap().reason, "Suspended");
        truth::assert_idle(&stage, &mut process).await;
        stage.edit(resume);
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
        let told = stage.cluster.announcements();
        assert!(told.iter().all(|told| !told.note.contains("permissions policy")), "{told:?}");

        let stage = settled().await;
        stage.by_hand(fill);
        stage.judge_by(vec![narrow_policy("Revoke")]);
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        assert!(means(&stage.role().unwrap().inline["ambit"], &deny_all()));
        assert_eq!(condition(&stage.object().unwrap(), "Ready").unwrap().reason, "Revoked");
        truth::assert_idle(&stage, &mut process).await;
        stage.cluster.delete(&stage.key);
        assert_eq!(process.run().await, Rest::Gone);
        truth::assert_gone(&stage);
    });
}

/// Where not even that fits, nobody new is let in, and it is told what stands in the way.
#[test]
fn a_role_that_cannot_be_denied_lets_in_nobody_new() {
    simulate(async {
        let stage = settled().await;
        stage.by_hand(|role| {
            role.inline.clear();
            fill(role);
        });
        stage.edit(suspend);
        let mut process = Process::start(&stage, &FaultPlan::none());
        let outcome = process.counted_once().await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        let role = stage.role().unwrap();
        assert!(means(&role.trust, &nobody()) && !role.is_closed(), "{role:?}");
        assert_eq!(condition(&stage.object().unwrap(), "Ready").unwrap().reason, "LimitExceeded");
        clock::advance(Duration::from_mins(10));
        stage.by_hand(|role| drop(role.inline.remove("by-hand")));
        assert_eq!(process.run().await, Rest::Waits);
        truth::assert_suspended(&stage);
    });
}

/// Its role would be deleted with it: there the denial takes the same way.
#[test]
fn a_role_without_room_can_be_deleted() {
    simulate(async {
        let stage = settled().await;
        stage.by_hand(fill);
        stage.cluster.delete(&stage.key);
        assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Gone);
        truth::assert_gone(&stage);
    });
}

/// Nobody is told of a denial as if somebody else had written it.
#[test]
fn what_is_only_observed_stays_closed_and_says_why() {
    simulate(async {
        let stage = settled().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        stage.edit(suspend);
        process.run().await;
        stage.edit(|spec| {
            resume(spec);
            spec.management_policy = ManagementPolicy::Observe;
        });
        assert_eq!(process.run().await, Rest::Waits);
        assert!(is_shut(&stage.role().unwrap()));
        let object = stage.object().unwrap();
        let ready = condition(&object, "Ready").unwrap();
        let message = "the role was closed when the identity was suspended, and `spec.managementPolicy` is Observe, so Ambit does not open it: set it to Enforce";
        assert_eq!((&*ready.reason, &*ready.message), ("Suspended", message));
        let status = object.status.as_ref().unwrap();
        assert_eq!((status.drift.as_ref(), status.drift_count), (None, Some(0)));
        truth::assert_idle(&stage, &mut process).await;
        stage.edit(|spec| spec.management_policy = ManagementPolicy::Enforce);
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
    });
}

#[test]
fn one_that_is_declared_suspended_has_no_role_until_it_is_resumed() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        stage.edit(suspend);
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        assert_eq!(stage.role(), None);
        let object = stage.object().unwrap();
        let ready = condition(&object, "Ready").unwrap();
        assert_eq!(&*ready.reason, "Suspended");
        assert!(ready.message.contains("there is no role"), "{}", ready.message);
        truth::assert_idle(&stage, &mut process).await;
        stage.edit(resume);
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
        assert!(!stage.role().unwrap().inline.contains_key("ambit-sessions"));
    });
}
