//! From the first Secret to the last.

use std::time::Duration;

use ambit::cloud::{Fault, FaultPlan};
use ambit::controller::outcome::Outcome;

use super::super::declare::NAMESPACE;
use super::super::{clock, simulate, truth};
use super::{
    Keeper, SECRET, assert_fresh, assert_reads, assert_unseen, credentials, federation, file, kept, secret, stage,
    told, written,
};

#[test]
fn a_secret_is_written_when_the_role_is_proven_and_before_pods_may_start() {
    simulate(async {
        let (stage, plan) = (stage(), FaultPlan::none());
        let mut keeper = Keeper::start(&stage, &plan);
        assert_eq!(keeper.once().await.unwrap().0, Outcome::Applied);
        assert_fresh(&stage, SECRET);
        let calls = plan.calls();
        let at = |call: &str| calls.iter().position(|found| *found == call).unwrap();
        let order = ["prove", "secret", "credentials", "write-secret", "bind"].map(at);
        assert!(order.is_sorted(), "{calls:?}");
        assert_eq!(calls.iter().filter(|call| **call == "credentials").count(), 1);
        let keys: Vec<String> = written(&stage, SECRET).data.into_keys().collect();
        assert_eq!(keys, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
        assert_eq!(told(&stage), ["CredentialsIssued"]);
        let note = stage.cluster.announcements().into_iter().find(|told| told.reason == "CredentialsIssued").unwrap();
        let end = credentials(&stage).expiration_time.unwrap().0;
        assert_eq!(
            note.note,
            format!("credentials were issued: environment variables in Secret `orders-aws`, good until {end}")
        );
    });
}

/// What happens to a declaration, one change after the other, on one identity.
#[test]
fn the_secret_follows_the_declaration() {
    simulate(async {
        let stage = stage();
        let mut keeper = kept(&stage).await;
        // Another form in the same Secret: the keys of the first one go.
        stage.edit(|spec| file(spec, None));
        keeper.settle().await;
        assert_fresh(&stage, SECRET);
        let data = written(&stage, SECRET).data;
        assert_eq!(data.keys().collect::<Vec<_>>(), ["credentials"]);
        let expected = "[default]\naws_access_key_id = canary-id-2\naws_secret_access_key = canary-key-2\naws_session_token = canary-token-2\n";
        assert_eq!(data["credentials"], expected);
        // Another profile.
        stage.edit(|spec| file(spec, Some("orders")));
        keeper.settle().await;
        assert_fresh(&stage, SECRET);
        assert!(written(&stage, SECRET).data["credentials"].starts_with("[orders]\n"));
        // Another name: the new one is there before the old one goes.
        stage.edit(|spec| secret(spec, "moved"));
        let plan = FaultPlan::none();
        let mut watched = Keeper::start(&stage, &plan);
        watched.remember(keeper.remembered());
        watched.settle().await;
        assert_fresh(&stage, "moved");
        let calls = plan.calls();
        let at = |call: &str| calls.iter().position(|found| *found == call).unwrap();
        assert!(at("write-secret") < at("bind") && at("bind") < at("delete-secret"), "{calls:?}");
        assert_eq!(stage.cluster.secret_names(NAMESPACE), ["moved"]);
        // No Secret any more: pods get their tokens again first.
        stage.edit(federation);
        watched.settle().await;
        assert_reads(&stage, "CredentialsFresh", "True", "Federated");
        assert_reads(&stage, "Ready", "True", "Verified");
        assert!(stage.cluster.secret_names(NAMESPACE).is_empty());
        assert_eq!(stage.object().unwrap().status.unwrap().credentials, None);
        truth::assert_live(&stage);
        assert_eq!(
            told(&stage),
            [
                "CredentialsIssued",
                "CredentialsIssued",
                "CredentialsIssued",
                "CredentialsIssued",
                "SecretDeleted",
                "SecretDeleted"
            ]
        );
        assert_unseen(&stage);
    });
}

/// The number of a call in what follows when the declared name changes.
async fn position_of(call: &str) -> usize {
    let (stage, plan) = (stage(), FaultPlan::none());
    let before = kept(&stage).await.remembered();
    stage.edit(|spec| secret(spec, "b"));
    let mut keeper = Keeper::start(&stage, &plan);
    keeper.remember(before);
    keeper.settle().await;
    plan.calls().iter().position(|found| *found == call).unwrap()
}

/// Names that change faster than Secrets are deleted leave nothing behind.
#[test]
fn a_name_that_changes_again_at_once_leaves_nothing_behind() {
    simulate(async {
        let deletion = position_of("delete-secret").await;
        for last in ["c", SECRET] {
            let stage = stage();
            let before = kept(&stage).await.remembered();
            stage.edit(|spec| secret(spec, "b"));
            let mut killed = Keeper::start(&stage, &FaultPlan::at(deletion, Fault::HangBefore));
            killed.remember(before);
            assert!(killed.once().await.is_none());
            assert_eq!(credentials(&stage).previous_secret_name.as_deref(), Some(SECRET));
            assert_eq!(stage.cluster.secret_names(NAMESPACE), ["b", SECRET]);
            stage.edit(|spec| secret(spec, last));
            killed.settle().await;
            assert_fresh(&stage, last);
            assert_eq!(stage.cluster.secret_names(NAMESPACE), [last]);
        }
    });
}

#[test]
fn a_secret_goes_with_its_identity_after_the_role_is_gone() {
    simulate(async {
        let stage = stage();
        let keeper = kept(&stage).await;
        stage.cluster.delete(&stage.key);
        let plan = FaultPlan::none();
        let mut watched = Keeper::start(&stage, &plan);
        watched.remember(keeper.remembered());
        watched.during(Duration::from_mins(5)).await;
        truth::assert_gone(&stage);
        assert!(stage.cluster.secret_names(NAMESPACE).is_empty());
        let calls = plan.calls();
        let at = |call: &str| calls.iter().position(|found| *found == call).unwrap();
        assert!(at("close") < at("delete") && at("delete") < at("delete-secret"), "{calls:?}");
        assert!(at("delete-secret") < at("release"), "{calls:?}");
        assert_eq!(told(&stage), ["CredentialsIssued", "SecretDeleted"]);
    });
}

/// Nothing is asked or written while nothing is due, but for a look at the Secret once in a sweep's interval.
#[test]
fn a_settled_identity_costs_one_look_at_its_secret_now_and_then() {
    simulate(async {
        let stage = stage();
        let keeper = kept(&stage).await;
        let (writes, announced) = (stage.cluster.writes(), stage.cluster.announcements().len());
        let plan = FaultPlan::none();
        let mut watched = Keeper::start(&stage, &plan);
        watched.remember(keeper.remembered());
        let begun = clock::millis();
        watched.during(Duration::from_mins(34)).await;
        assert!(clock::millis() - begun >= 34 * 60_000);
        let calls = plan.calls();
        assert!(calls.iter().all(|call| *call == "secret"), "{calls:?}");
        assert!((3..=4).contains(&calls.len()), "every ten minutes, and up to a tenth sooner: {calls:?}");
        assert_eq!((stage.cluster.writes(), stage.cluster.announcements().len()), (writes, announced));
    });
}
