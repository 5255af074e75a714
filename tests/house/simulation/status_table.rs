//! The truth table of status, as others read it.

use ambit::api::v1alpha1::{MachineIdentity, ManagementPolicy};
use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::controller::outcome::Outcome;

use super::process::{Process, Rest};
use super::stage::Stage;
use super::verdicts::{Argo, Kstatus, argo, condition, kstatus};
use super::{clock, simulate};

/// The numbers of calls in a creation.
const HOLD: usize = 1;
const CREATE: usize = 5;
const PROVE: usize = 9;

/// What is done to a new object before an operator looks at it.
type Change = fn(&Stage);

/// How a status reads: `Ready`, its reason, what stands beside it, and to whom.
type Row = (&'static str, &'static str, Option<&'static str>, Kstatus, Argo);

const WORKING: Row = ("Unknown", "Pending", Some("Reconciling"), Kstatus::InProgress, Argo::Progressing);
const PROPAGATING: Row = ("Unknown", "Propagating", Some("Reconciling"), Kstatus::InProgress, Argo::Progressing);
const THROTTLED: Row = ("False", "Throttled", Some("Reconciling"), Kstatus::InProgress, Argo::Progressing);
const UNREACHABLE: Row = ("False", "CloudUnreachable", Some("Reconciling"), Kstatus::InProgress, Argo::Progressing);
const DENIED: Row = ("False", "CloudDenied", Some("Stalled"), Kstatus::Failed, Argo::Degraded);
const LIMITED: Row = ("False", "LimitExceeded", Some("Stalled"), Kstatus::Failed, Argo::Degraded);
const REFUSED: Row = ("False", "UnknownAction", Some("Stalled"), Kstatus::Failed, Argo::Degraded);
const GOOD: Row = ("True", "Verified", None, Kstatus::Current, Argo::Healthy);
const PAUSED: Row = ("Unknown", "Paused", None, Kstatus::InProgress, Argo::Suspended);

/// Asserts how a status reads, and what holds for every status.
fn assert_reads(object: &MachineIdentity, (status, reason, beside, to_kstatus, to_argo): Row) {
    let ready = condition(object, "Ready").unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), (status, reason), "{}", ready.message);
    let conditions = &object.status.as_ref().unwrap().conditions;
    let mut expected = vec!["Ready", "Accepted", "Provisioned", "Bound", "InSync", "CredentialsFresh"];
    expected.extend(beside);
    assert_eq!(conditions.iter().map(|found| found.type_.as_str()).collect::<Vec<_>>(), expected);
    for found in conditions {
        assert_eq!(found.observed_generation, object.metadata.generation, "{found:?}");
        assert!(found.reason.starts_with(|first: char| first.is_ascii_uppercase()), "{found:?}");
        assert!(!found.message.is_empty(), "{found:?}");
    }
    if let Some(beside) = beside {
        assert_eq!(condition(object, beside).unwrap().status, "True");
    }
    assert_eq!((kstatus(object), argo(object)), (to_kstatus, to_argo));
}

/// One reconciliation of a new object under a plan.
async fn once(plan: FaultPlan, change: fn(&Stage)) -> (Stage, Option<Outcome>) {
    let stage = Stage::new();
    stage.create("uid-1");
    change(&stage);
    let outcome = Process::start(&stage, &plan).once().await;
    (stage, outcome)
}

fn at(call: usize, kind: ErrorKind) -> FaultPlan {
    FaultPlan::at(call, Fault::ErrorBefore(kind))
}

#[test]
fn every_situation_reads_as_the_table_has_it() {
    let no_change: Change = |_| {};
    let unknown_action: Change = |stage| stage.edit(|spec| spec.scopes[1].actions = vec!["sqs:SendMesage".into()]);
    let pause: Change = |stage| stage.edit(|spec| spec.management_policy = ManagementPolicy::Paused);
    let rows: [(FaultPlan, Change, Row); 10] = [
        (FaultPlan::at(HOLD, Fault::HangBefore), no_change, WORKING),
        (at(PROVE, ErrorKind::Denied), no_change, PROPAGATING),
        (at(CREATE, ErrorKind::Throttled), no_change, THROTTLED),
        (at(CREATE, ErrorKind::Transient), no_change, UNREACHABLE),
        (at(CREATE, ErrorKind::Denied), no_change, DENIED),
        (at(CREATE, ErrorKind::LimitExceeded), no_change, LIMITED),
        (FaultPlan::none(), unknown_action, REFUSED),
        (FaultPlan::none(), no_change, GOOD),
        (FaultPlan::none(), pause, PAUSED),
        (at(CREATE, ErrorKind::Throttled), pause, PAUSED),
    ];
    simulate(async {
        for (plan, change, row) in rows {
            let (stage, _) = once(plan, change).await;
            assert_reads(&stage.object().unwrap(), row);
        }
    });
}

#[test]
fn a_refused_declaration_makes_nothing() {
    simulate(async {
        let (stage, outcome) =
            once(FaultPlan::none(), |stage| stage.edit(|spec| spec.scopes[1].actions = vec!["sqs:SendMesage".into()]))
                .await;
        assert_eq!(outcome, Some(Outcome::Refused));
        assert!(stage.cloud.writes().is_empty());
        let message = &condition(&stage.object().unwrap(), "Accepted").unwrap().message.clone();
        assert!(message.contains("sqs:SendMessage"), "offers the nearest name: {message}");
    });
}

#[test]
fn a_pause_touches_nothing() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Settled);
        let (calls, table) = (stage.cloud.calls(), stage.cluster.table("shop"));
        stage.edit(|spec| spec.management_policy = ManagementPolicy::Paused);
        assert_eq!(process.once().await, Some(Outcome::Refused));
        assert_eq!(process.once().await, Some(Outcome::Refused));
        assert_reads(&stage.object().unwrap(), PAUSED);
        assert_eq!((stage.cloud.calls(), stage.cluster.table("shop")), (calls, table));
    });
}

/// An edit that nobody looked at yet must not read as finished.
#[test]
fn an_edit_reads_as_in_progress_before_it_is_seen() {
    simulate(async {
        let (stage, _) = once(FaultPlan::none(), |_| {}).await;
        stage.edit(|spec| drop(spec.scopes.pop()));
        let object = stage.object().unwrap();
        assert_eq!((kstatus(&object), argo(&object)), (Kstatus::InProgress, Argo::Progressing));
    });
}

#[test]
fn transition_times_move_only_when_a_status_flips() {
    simulate(async {
        let (stage, _) = once(at(CREATE, ErrorKind::Denied), |_| {}).await;
        let before = stage.object().unwrap();
        clock::advance(std::time::Duration::from_secs(100));
        Process::start(&stage, &at(4, ErrorKind::Throttled)).once().await;
        let after = stage.object().unwrap();
        assert_reads(&after, THROTTLED);
        let mut moved = Vec::new();
        for found in &after.status.as_ref().unwrap().conditions {
            let earlier = condition(&before, &found.type_);
            let same_time = earlier.map(|earlier| &earlier.last_transition_time) == Some(&found.last_transition_time);
            let same_status = earlier.map(|earlier| &earlier.status) == Some(&found.status);
            assert_eq!(same_time, same_status, "{found:?}");
            if !same_time {
                moved.push(found.type_.clone());
            }
        }
        assert_eq!(moved, ["Reconciling"], "Ready stayed False: only its reason changed");
    });
}

/// What is told of drift while it is repaired, and afterwards.
#[test]
fn drift_is_told_before_it_is_repaired_and_remembered_after() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        process.run().await;
        stage.by_hand(|role| {
            role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".into());
        });
        clock::advance(super::stage::TIMING.resync);
        // Killed when the drift was written down and the first step not yet taken.
        let plan = FaultPlan::at(5, Fault::HangBefore);
        let mut killed = Process::start(&stage, &plan);
        killed.remember(process.remembered());
        assert_eq!(killed.once().await, None, "{:?}", plan.calls());
        let object = stage.object().unwrap();
        let status = object.status.clone().unwrap();
        assert_eq!((status.drift_count, status.drift.unwrap().class.as_str()), (Some(1), "Foreign"));
        assert_reads(&object, ("False", "Drifted", Some("Reconciling"), Kstatus::InProgress, Argo::Progressing));
        killed.run().await;
        let object = stage.object().unwrap();
        assert_reads(&object, GOOD);
        let in_sync = condition(&object, "InSync").unwrap();
        assert_eq!(in_sync.reason, "Repaired");
        assert_eq!(
            in_sync.message,
            "repaired: the managed policy `arn:aws:iam::aws:policy/AdministratorAccess` is attached and was not declared"
        );
    });
}

/// A step that keeps failing must not make the drift disappear from status.
#[test]
fn drift_stays_told_while_its_repair_fails() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        process.run().await;
        stage.by_hand(|role| role.session = 43_200);
        clock::advance(super::stage::TIMING.resync);
        let mut told = Vec::new();
        for call in [6, 3, 3] {
            let plan = at(call, ErrorKind::Denied);
            let mut refused = Process::start(&stage, &plan);
            refused.remember(process.remembered());
            refused.once().await;
            assert_eq!(plan.calls()[call], "set-session");
            told.push((stage.cluster.writes(), stage.cluster.announcements().len()));
            process = refused;
        }
        assert_eq!((told[1], told[2]), (told[0], told[0]), "a failure that repeats itself is told once");
        let object = stage.object().unwrap();
        assert_reads(&object, DENIED);
        assert_eq!(condition(&object, "InSync").unwrap().reason, "Drifted");
        assert_eq!(object.status.unwrap().drift_count, Some(1));
    });
}

/// What the declaration itself changes is no drift, and no "repair" is announced.
#[test]
fn a_new_declaration_is_no_drift() {
    simulate(async {
        for fail in [false, true] {
            let stage = Stage::new();
            stage.create("uid-1");
            let mut process = Process::start(&stage, &FaultPlan::none());
            process.run().await;
            stage.edit(|spec| spec.session_duration = std::time::Duration::from_hours(2).into());
            if fail {
                let mut refused = Process::start(&stage, &at(3, ErrorKind::Transient));
                refused.once().await;
            }
            process.run().await;
            let object = stage.object().unwrap();
            assert_reads(&object, GOOD);
            assert_eq!(condition(&object, "InSync").unwrap().reason, "InSync");
            let told = stage.cluster.announcements();
            assert!(told.iter().all(|told| told.reason != "Repaired" && told.reason != "Drifted"), "{told:?}");
        }
    });
}
