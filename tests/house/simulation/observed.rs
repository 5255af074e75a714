//! Roles that are only observed: everything that is not as declared is told, and nothing is touched.

use std::time::Duration;

use ambit::api::v1alpha1::ManagementPolicy;
use ambit::cloud::FaultPlan;
use ambit::controller::outcome::Outcome;

use super::process::{Process, Rest, swept};
use super::stage::Stage;
use super::verdicts::condition;
use super::{clock, declare, simulate};

const THEIRS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// A role that was made for an identity which is declared anew, and with less, by somebody who only
/// wants to see what Ambit would say.
async fn restored() -> Stage {
    let stage = Stage::new();
    stage.create("uid-1");
    assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
    stage.cluster.lose(&stage.key);
    let mut object = declare::identity("orders", "uid-2");
    object.spec.management_policy = ManagementPolicy::Observe;
    object.spec.scopes.pop();
    stage.apply(object);
    stage
}

/// Parts and classes that status tells.
fn told(stage: &Stage) -> Vec<(String, String)> {
    let drift = stage.object().unwrap().status.unwrap().drift;
    let items = drift.into_iter().flat_map(|drift| drift.items);
    items.map(|item| (item.part, item.class)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(part, class)| ((*part).to_owned(), (*class).to_owned())).collect()
}

#[test]
fn what_never_was_as_declared_is_told_too() {
    simulate(async {
        let stage = restored().await;
        let role = stage.role();
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        assert_eq!(told(&stage), pairs(&[("permissions", "Widened"), ("tags", "Changed")]));
        let object = stage.object().unwrap();
        assert_eq!(object.status.as_ref().unwrap().drift_count, Some(2));
        assert_eq!(condition(&object, "InSync").unwrap().reason, "Drifted");
        assert_eq!(stage.role(), role, "nothing is touched");

        // And so is what comes to it.
        clock::advance(Duration::from_mins(5));
        stage.by_hand(|role| assert!(role.attached.insert(THEIRS.into())));
        assert_eq!(process.look().await, Rest::Waits);
        assert!(told(&stage).contains(&("attachment".to_owned(), "Foreign".to_owned())), "{:?}", told(&stage));
    });
}

#[test]
fn a_role_that_goes_or_becomes_anothers_is_found_by_the_next_sweep() {
    simulate(async {
        let stage = restored().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        let role = stage.role().unwrap();
        clock::advance(Duration::from_mins(5));
        assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
        let sweep = async || swept(process.context(), &stage.object().unwrap()).await;
        assert_ne!(sweep().await, Outcome::Settled, "it is gone");
        stage.cloud.plant(role.clone());
        assert_eq!(sweep().await, Outcome::Settled, "it is back, as it was told");
        stage.by_hand(|role| role.tags.clear());
        assert_ne!(sweep().await, Outcome::Settled, "it is somebody else's");
        assert!(matches!(process.once().await, Some(Outcome::Failed(_))));
        assert_eq!(told(&stage), pairs(&[("role", "Foreign")]));
        let sweep = async || swept(process.context(), &stage.object().unwrap()).await;
        assert_eq!(sweep().await, Outcome::Settled, "that is told");
    });
}

/// What was told of a role that is gone is not told any more.
#[test]
fn a_role_that_is_gone_has_no_drift() {
    simulate(async {
        let stage = restored().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        clock::advance(Duration::from_mins(5));
        assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
        assert_eq!(process.look().await, Rest::Waits);
        let object = stage.object().unwrap();
        assert_eq!((told(&stage), condition(&object, "InSync").unwrap().status.as_str()), (vec![], "Unknown"));
        assert_eq!(condition(&object, "Provisioned").unwrap().reason, "Observing");
    });
}

/// A role that was once recorded, and that somebody deletes while it is only observed.
#[test]
fn a_role_that_is_gone_is_told_once() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Settled);
        stage.edit(|spec| spec.management_policy = ManagementPolicy::Observe);
        assert_eq!(process.run().await, Rest::Settled);
        assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
        assert_eq!(process.run().await, Rest::Waits);
        assert_eq!(told(&stage), pairs(&[("role", "Missing")]));
        let before = (stage.object(), stage.cluster.announcements().len(), stage.cluster.writes());
        for restarted in [false, true] {
            if restarted {
                process = Process::start(&stage, &FaultPlan::none());
            }
            assert_eq!(process.run().await, Rest::Waits);
            let after = (stage.object(), stage.cluster.announcements().len(), stage.cluster.writes());
            assert_eq!(after, before, "restarted: {restarted}");
        }
    });
}

/// Where Ambit may only look, nothing can be marked, and nothing waits for it for ever.
#[test]
fn an_identity_that_only_observed_can_be_deleted_where_nothing_may_be_marked() {
    simulate(async {
        let stage = restored().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        stage.cluster.delete(&stage.key);
        stage.cloud.forbid_tagging();
        let mut refused = 0;
        while stage.object().is_some() {
            let outcome = process.counted_once().await;
            refused += u32::from(matches!(outcome, Outcome::Failed(_)));
            assert!(refused < 20, "{outcome:?}");
        }
        assert_eq!(refused, 8, "what passes by itself has time to pass");
        assert!(!stage.role().unwrap().tags.contains_key("ambit.dev/retained"));
        let told = stage.cluster.announcements().into_iter().last().unwrap();
        assert!(told.warning && told.note.contains("could not be marked as left behind"), "{told:?}");
    });
}

/// Without a mark, the role would be taken for one whose identity was lost, and removed.
#[test]
fn deleting_an_identity_that_only_observed_marks_its_role_as_left_behind() {
    simulate(async {
        let stage = restored().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        stage.cluster.delete(&stage.key);
        assert_eq!(process.run().await, Rest::Gone);
        let role = stage.role().unwrap();
        assert!(role.tags.contains_key("ambit.dev/retained"), "{:?}", role.tags);
        assert!(role.permissions().is_some() && !role.is_closed());
    });
}
