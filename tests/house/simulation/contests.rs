//! Somebody else manages the same role and changes back what Ambit repairs.

use std::time::Duration;

use ambit::api::v1alpha1::MachineIdentity;
use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::cluster::Cluster as _;
use ambit::controller::outcome::Outcome;

use super::clock;
use super::process::{Process, Rest};
use super::stage::{Stage, TIMING};
use super::verdicts::{Argo, Kstatus, argo, condition, kstatus};
use super::{simulate, truth};

const THEIRS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// The other party: whenever it looks, it attaches its policy again.
fn attach(stage: &Stage) {
    stage.by_hand(|role| assert!(role.attached.insert(THEIRS.into())));
}

async fn fought(stage: &Stage) -> Process<'_> {
    stage.create("uid-1");
    let mut process = Process::start(stage, &FaultPlan::none());
    assert_eq!(process.run().await, Rest::Settled);
    for round in 1..=3 {
        clock::advance(Duration::from_mins(2));
        attach(stage);
        assert_eq!(process.look().await, Rest::Settled);
        let status = stage.object().unwrap().status.unwrap();
        assert_eq!(status.contest.unwrap().parts[0].rounds, round);
        assert!(stage.role().unwrap().attached.is_empty(), "round {round} is repaired");
        truth::assert_live(stage);
    }
    process
}

#[test]
fn after_three_repairs_it_stops_and_says_so() {
    simulate(async {
        let stage = Stage::new();
        let mut process = fought(&stage).await;
        attach(&stage);
        let told = stage.cluster.announcements().len();
        assert_eq!(process.look().await, Rest::Waits);
        let object = stage.object().unwrap();
        let in_sync = condition(&object, "InSync").unwrap();
        assert_eq!(in_sync.reason, "Contested");
        assert_eq!(
            in_sync.message,
            "the managed policy `arn:aws:iam::aws:policy/ReadOnlyAccess` is attached and was not declared; it was repaired 3 times and changed again each time, so Ambit has stopped: find who else manages the role, then change the spec or set the annotation `ambit.dev/reconcile` to a new value"
        );
        assert_eq!((kstatus(&object), argo(&object)), (Kstatus::Failed, Argo::Degraded));
        let status = object.status.unwrap();
        assert_eq!((status.drift_count, status.drift.unwrap().items.len()), (Some(1), 1));
        let reasons: Vec<String> =
            stage.cluster.announcements().into_iter().skip(told).map(|told| told.reason).collect();
        assert_eq!(reasons, ["Contested"]);

        // It stays so, however long, and nobody writes anything.
        let before = (stage.cloud.writes(), stage.cluster.writes());
        assert_eq!(process.look().await, Rest::Waits);
        assert_eq!((stage.cloud.writes(), stage.cluster.writes()), before);
    });
}

#[test]
fn it_ends_when_the_other_party_gives_in() {
    simulate(async {
        let stage = Stage::new();
        let mut process = fought(&stage).await;
        attach(&stage);
        assert_eq!(process.look().await, Rest::Waits);
        stage.by_hand(|role| role.attached.clear());
        assert_eq!(process.look().await, Rest::Settled);
        truth::assert_live(&stage);
    });
}

#[test]
fn a_person_can_have_it_repaired_again() {
    simulate(async {
        for how in ["edit", "annotation"] {
            let stage = Stage::new();
            let mut process = fought(&stage).await;
            attach(&stage);
            assert_eq!(process.look().await, Rest::Waits);
            match how {
                "edit" => stage.edit(|spec| spec.session_duration = Duration::from_hours(2).into()),
                _ => stage.annotate("ambit.dev/reconcile", "1"),
            }
            assert_eq!(process.look().await, Rest::Settled, "{how}");
            truth::assert_live(&stage);
            let status = stage.object().unwrap().status.unwrap();
            let handled = (how == "annotation").then(|| "1".to_owned());
            assert_eq!(status.last_handled_reconcile, handled);
        }
    });
}

/// The other party deletes the role: Ambit stops making it anew, and what stands in its place
/// later is still known not to be its own.
#[test]
fn a_role_that_is_deleted_each_time_is_made_anew_three_times() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Settled);
        let delete = || assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
        for round in 1..=3 {
            clock::advance(Duration::from_mins(2));
            delete();
            assert_eq!(process.look().await, Rest::Settled, "round {round}");
            truth::assert_live(&stage);
        }
        let id = stage.object().unwrap().status.unwrap().aws.unwrap().role_id;
        delete();
        assert_eq!(process.look().await, Rest::Waits);
        let assert_stopped = || {
            let object = stage.object().unwrap();
            assert_eq!(condition(&object, "InSync").unwrap().reason, "Contested");
            let provisioned = condition(&object, "Provisioned").unwrap();
            assert_eq!((provisioned.status.as_str(), provisioned.reason.as_str()), ("False", "Contested"));
            let status = object.status.unwrap();
            assert_eq!((status.aws.unwrap().role_id, status.drift_count), (id.clone(), Some(1)));
            assert!(stage.role().is_none());
        };
        assert_stopped();
        let table = stage.cluster.table("shop");
        assert!(
            table.service_accounts.values().all(|binding| !binding.ready),
            "pods would start without access: {table:?}"
        );
        let (told, writes) = (stage.cluster.announcements().len(), stage.cluster.writes());
        for _ in 0..3 {
            clock::advance(TIMING.resync * 2);
            assert_eq!(process.look().await, Rest::Waits);
            assert_stopped();
        }
        // A process that remembers nothing says nothing else.
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        assert_stopped();
        assert_eq!((stage.cluster.announcements().len(), stage.cluster.writes()), (told, writes));
        // Sweeps leave it alone as well.
        let looks = stage.cloud.calls()["observe"];
        assert_eq!(super::process::swept(process.context(), &stage.object().unwrap()).await, Outcome::Settled);
        assert_eq!(stage.cloud.calls()["observe"], looks);
    });
}

/// A look that ends before anything was compared takes nothing back of what was told.
#[test]
fn a_failed_call_ends_no_contest_and_takes_back_no_drift() {
    simulate(async {
        for kind in [ErrorKind::Throttled, ErrorKind::Denied] {
            let stage = Stage::new();
            let mut process = fought(&stage).await;
            attach(&stage);
            assert_eq!(process.look().await, Rest::Waits);
            let before = stage.object().unwrap();
            let memory = process.remembered();
            let plan = FaultPlan::during(0..20, Fault::ErrorBefore(kind));
            let mut failing = Process::start(&stage, &plan);
            failing.remember(memory);
            clock::advance(TIMING.resync * 2);
            for _ in 0..5 {
                failing.once().await;
            }
            let now = stage.object().unwrap();
            let told = |object: &MachineIdentity| {
                let status = object.status.clone().unwrap();
                (status.drift, status.drift_count, status.contest, condition(object, "InSync").cloned())
            };
            assert_eq!(told(&now), told(&before), "{kind:?}");
            let writes = stage.cloud.writes();
            assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Waits);
            assert_eq!(stage.cloud.writes(), writes, "{kind:?}: it is not repaired again because time passed");
        }
    });
}

/// Somebody takes the entry of the table away.
async fn unbind(stage: &Stage) {
    stage.cluster.unbind("shop", "orders").await.unwrap();
    assert!(stage.cluster.table("shop").service_accounts.is_empty());
}

/// While a contest is on nothing of the identity is repaired, and all that differs is told.
#[test]
fn what_is_lost_beside_a_contest_is_told() {
    simulate(async {
        let stage = Stage::new();
        let mut process = fought(&stage).await;
        attach(&stage);
        assert_eq!(process.look().await, Rest::Waits);
        unbind(&stage).await;
        clock::advance(TIMING.resync * 2);
        assert_eq!(process.once().await, Some(Outcome::Waiting(TIMING.resync)));
        let object = stage.object().unwrap();
        assert_eq!(condition(&object, "InSync").unwrap().reason, "Contested");
        let drift = object.status.unwrap().drift.unwrap();
        let told: Vec<&str> = drift.items.iter().map(|item| item.part.as_str()).collect();
        assert_eq!(told, ["attachment", "bindingTable"]);
        assert!(stage.cluster.table("shop").service_accounts.is_empty() && !stage.role().unwrap().attached.is_empty());
    });
}

/// An entry that is taken away each time is given up as well, and no sweep asks about it.
#[test]
fn a_fight_over_the_table_ends_too() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Settled);
        for round in 0..4 {
            clock::advance(Duration::from_mins(2));
            unbind(&stage).await;
            process.context().memory.note("uid-1", |memory| memory.suspicions += 1);
            let rest = process.look().await;
            assert_eq!(rest, if round < 3 { Rest::Settled } else { Rest::Waits }, "round {round}");
        }
        let object = stage.object().unwrap();
        assert_eq!(condition(&object, "InSync").unwrap().reason, "Contested");
        assert!(stage.cluster.table("shop").service_accounts.is_empty());
        assert_eq!(super::process::swept(process.context(), &object).await, Outcome::Settled);

        // Nor does a look that fails begin it anew.
        let memory = process.remembered();
        let plan = FaultPlan::at(1, Fault::ErrorBefore(ErrorKind::Throttled));
        let mut failing = Process::start(&stage, &plan);
        failing.remember(memory);
        clock::advance(TIMING.resync * 2);
        let outcome = failing.once().await;
        assert_eq!(plan.calls()[..2], ["way", "observe"]);
        assert!(matches!(outcome, Some(Outcome::Failed(_))), "it is looked at again soon: {outcome:?}");
        assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Waits);
        assert!(stage.cluster.table("shop").service_accounts.is_empty());
        assert_eq!(condition(&stage.object().unwrap(), "InSync").unwrap().reason, "Contested");
    });
}

/// The same annotation asks for nothing twice.
#[test]
fn a_request_to_look_is_answered_once() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Settled);
        stage.annotate("ambit.dev/reconcile", "now");
        let looks = || stage.cloud.calls()["observe"];
        let before = looks();
        assert_eq!(process.once().await, Some(Outcome::Settled));
        assert_eq!(looks(), before + 1);
        let writes = stage.cluster.writes();
        assert_eq!(process.once().await, Some(Outcome::Settled));
        assert_eq!((looks(), stage.cluster.writes()), (before + 1, writes));
    });
}
