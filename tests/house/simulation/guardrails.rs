//! What a change of a policy costs, and what is told of it.

use ambit::cloud::FaultPlan;
use ambit::controller::outcome::Outcome;

use super::declare::{narrow_policy, policy_of_others, scope_policy};
use super::process::{Process, Rest};
use super::stage::Stage;
use super::verdicts::{Argo, Kstatus, argo, condition, kstatus};
use super::{simulate, truth};

/// A stage with an identity that was proven and rests, and a process that knows it.
async fn settled(stage: &Stage) -> Process<'_> {
    stage.create("uid-1");
    let mut process = Process::start(stage, &FaultPlan::none());
    assert_eq!(process.run().await, Rest::Settled);
    assert_eq!(process.once().await, Some(Outcome::Settled));
    process
}

/// What was told since then, in short.
fn told(stage: &Stage, since: usize) -> Vec<(bool, String)> {
    stage.cluster.announcements().into_iter().skip(since).map(|told| (told.warning, told.reason)).collect()
}

#[test]
fn a_policy_that_changes_nothing_costs_nothing() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        let before = (stage.cloud.calls(), stage.cluster.writes());
        for policies in [vec![scope_policy()], vec![scope_policy(), policy_of_others()], vec![scope_policy()]] {
            stage.judge_by(policies);
            assert_eq!(process.once().await, Some(Outcome::Settled));
            assert_eq!((stage.cloud.calls(), stage.cluster.writes()), before);
        }
    });
}

/// Nobody has to ask the cloud to say that something no longer fits.
#[test]
fn a_warning_asks_the_cloud_nothing_and_is_told_once() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        let calls = stage.cloud.calls();
        let (writes, since) = (stage.cluster.writes(), stage.cluster.announcements().len());
        stage.judge_by(vec![narrow_policy("Warn")]);
        for _ in 0..3 {
            assert_eq!(process.once().await, Some(Outcome::Settled));
        }
        truth::assert_tolerated(&stage);
        let object = stage.object().unwrap();
        assert_eq!((kstatus(&object), argo(&object)), (Kstatus::Current, Argo::Healthy));
        assert_eq!((stage.cloud.calls(), stage.cluster.writes()), (calls.clone(), writes + 1));
        assert_eq!(told(&stage, since), [(true, "ScopeDenied".to_owned())]);
        stage.judge_by(vec![scope_policy()]);
        for _ in 0..3 {
            assert_eq!(process.once().await, Some(Outcome::Settled));
        }
        truth::assert_live(&stage);
        assert_eq!((stage.cloud.calls(), stage.cluster.writes()), (calls, writes + 2));
        assert_eq!(told(&stage, since)[1..], [(false, "Verified".to_owned())]);
    });
}

#[test]
fn a_revocation_comes_to_rest_and_is_told_once() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        let since = stage.cluster.announcements().len();
        stage.judge_by(vec![narrow_policy("Revoke")]);
        assert_eq!(process.once().await, Some(Outcome::Refused));
        truth::assert_revoked(&stage);
        let object = stage.object().unwrap();
        assert_eq!((kstatus(&object), argo(&object)), (Kstatus::Failed, Argo::Degraded));
        let before = (stage.cloud.calls(), stage.cluster.writes());
        for _ in 0..3 {
            assert_eq!(process.once().await, Some(Outcome::Refused));
        }
        assert_eq!((stage.cloud.calls(), stage.cluster.writes()), before);
        let expected = [(true, "ScopeDenied".to_owned()), (true, "Revoked".to_owned())];
        assert_eq!(told(&stage, since), expected);

        stage.judge_by(vec![scope_policy()]);
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
        let expected = [(false, "Verified".to_owned())];
        assert_eq!(told(&stage, since)[2..], expected, "its own denial is no drift");
        assert_eq!(condition(&stage.object().unwrap(), "InSync").unwrap().reason, "InSync");
    });
}

/// What was written beforehand tells whose the denial is.
#[test]
fn a_denial_is_written_down_before_it_is_made() {
    simulate(async {
        let stage = Stage::new();
        let remembered = settled(&stage).await.remembered();
        stage.judge_by(vec![narrow_policy("Revoke")]);
        let plan = FaultPlan::at(3, ambit::cloud::Fault::HangBefore);
        let mut process = Process::start(&stage, &plan);
        process.remember(remembered);
        assert_eq!(process.once().await, None);
        assert_eq!(plan.calls(), ["observe", "write-status", "announce", "close"]);
        let object = stage.object().unwrap();
        let provisioned = condition(&object, "Provisioned").unwrap();
        assert_eq!((&*provisioned.reason, &*provisioned.message), ("Pending", "the role is being denied everything"));
        assert_eq!(condition(&object, "InSync").unwrap().reason, "Revoked");
        process.run().await;
        truth::assert_revoked(&stage);
    });
}
