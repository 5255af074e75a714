//! Where no Secret is written, and whose Secrets are left alone.

use std::time::Duration;

use ambit::api::v1alpha1::ManagementPolicy;
use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::cluster::MemorySecret;
use ambit::controller::outcome::Outcome;

use super::super::declare::{self, NAMESPACE};
use super::super::simulate;
use super::super::stage::Stage;
use super::super::verdicts::{Kstatus, kstatus};
use super::{
    Keeper, SECRET, assert_fresh, assert_reads, assert_unseen, credentials, federation, kept, read, secret, stage,
    told, written,
};

/// A Secret that somebody else made.
fn foreign(label: Option<&str>, owner: Option<&str>) -> MemorySecret {
    MemorySecret {
        credentials_of: label.map(str::to_owned),
        owners: owner.map(str::to_owned).into_iter().collect(),
        data: [("AWS_ACCESS_KEY_ID".to_owned(), "theirs".to_owned())].into(),
        ..MemorySecret::default()
    }
}

#[test]
fn a_secret_of_somebody_else_is_never_touched_and_nothing_is_issued() {
    simulate(async {
        for (label, owner) in [
            (None, None),
            (Some("orders"), None),
            (None, Some("uid-1")),
            (Some("orders"), Some("uid-0")),
            (Some("mailer"), Some("uid-2")),
        ] {
            let stage = stage();
            stage.cluster.put_secret(NAMESPACE, SECRET, foreign(label, owner));
            let before = written(&stage, SECRET);
            let mut keeper = Keeper::start(&stage, &FaultPlan::none());
            keeper.during(Duration::from_mins(30)).await;
            assert_eq!(written(&stage, SECRET), before);
            assert_eq!(stage.cloud.issued(), 0, "nothing is issued that cannot be kept");
            assert_reads(&stage, "CredentialsFresh", "False", "SecretTaken");
            assert_reads(&stage, "Ready", "False", "SecretTaken");
            assert_eq!(kstatus(&stage.object().unwrap()), Kstatus::Failed);
            assert_eq!(told(&stage), ["SecretTaken"], "told once, whoever tries again");
            let binding = &stage.cluster.table(NAMESPACE).service_accounts["orders"];
            assert!(!binding.ready, "pods must not find what somebody else put there");
            // It goes, and all is well by itself.
            stage.cluster.lose_secret(NAMESPACE, SECRET);
            keeper.during(Duration::from_mins(6)).await;
            assert_fresh(&stage, SECRET);
        }
    });
}

/// Somebody puts a Secret of theirs where ours was: it is theirs, and pods are turned away.
#[test]
fn a_secret_that_took_the_place_of_ours_is_left_alone() {
    simulate(async {
        let stage = stage();
        let mut keeper = kept(&stage).await;
        stage.cluster.put_secret(NAMESPACE, SECRET, foreign(None, None));
        let before = written(&stage, SECRET);
        keeper.during(Duration::from_mins(11)).await;
        assert_eq!((written(&stage, SECRET), stage.cloud.issued()), (before.clone(), 1));
        assert_reads(&stage, "CredentialsFresh", "False", "SecretTaken");
        assert!(!stage.cluster.table(NAMESPACE).service_accounts["orders"].ready);
        // Nor is it deleted when the identity goes.
        stage.cluster.delete(&stage.key);
        keeper.during(Duration::from_mins(5)).await;
        assert_eq!(stage.object(), None);
        assert_eq!(written(&stage, SECRET), before);
    });
}

/// Nor when the declaration moves on.
#[test]
fn what_is_not_ours_is_not_deleted_when_the_declaration_changes() {
    simulate(async {
        let changes: [fn(&Stage); 2] =
            [|stage| stage.edit(federation), |stage| stage.edit(|spec| secret(spec, "moved"))];
        for change in changes {
            let stage = stage();
            let mut keeper = kept(&stage).await;
            stage.cluster.put_secret(NAMESPACE, SECRET, foreign(None, None));
            let before = written(&stage, SECRET);
            change(&stage);
            keeper.settle().await;
            assert_reads(&stage, "Ready", "True", "Verified");
            assert_eq!(written(&stage, SECRET), before);
            assert!(!told(&stage).contains(&"SecretDeleted".to_owned()));
        }
    });
}

#[test]
fn without_the_right_the_message_names_the_charts_value() {
    simulate(async {
        let stage = stage();
        let plan = FaultPlan::of(&["secret", "write-secret", "delete-secret"], Fault::ErrorBefore(ErrorKind::Denied));
        let mut denied = Keeper::start(&stage, &plan);
        denied.during(Duration::from_mins(10)).await;
        assert_reads(&stage, "Ready", "False", "ClusterRefused");
        let (status, reason, message) = read(&stage, "CredentialsFresh");
        assert_eq!((status.as_str(), reason.as_str()), ("False", "ClusterRefused"));
        assert_eq!(
            message,
            "the API server does not let Ambit keep Secrets: secret: on purpose; Ambit may do so where the chart's value `credentials.secrets` is true"
        );
        assert_eq!((stage.cloud.issued(), told(&stage)), (0, vec!["ClusterRefused".to_owned()]));
        assert!(plan.calls().len() < 300, "it is tried patiently: {}", plan.calls().len());
        // Federation needs no such right, and the identity can go.
        stage.edit(federation);
        denied.settle().await;
        assert_reads(&stage, "Ready", "True", "Verified");
    });
}

/// The right is taken away later: what stands in the Secret goes with its owner, and nothing hangs.
#[test]
fn a_right_that_was_withdrawn_keeps_no_identity_from_going() {
    simulate(async {
        let stage = stage();
        let keeper = kept(&stage).await;
        let plan = FaultPlan::of(&["secret", "write-secret", "delete-secret"], Fault::ErrorBefore(ErrorKind::Denied));
        let mut denied = Keeper::start(&stage, &plan);
        denied.remember(keeper.remembered());
        stage.cluster.delete(&stage.key);
        denied.during(Duration::from_mins(5)).await;
        assert_eq!(stage.object(), None);
        assert_eq!(told(&stage), ["CredentialsIssued", "ClusterRefused"]);
    });
}

#[test]
fn what_no_policy_allows_is_refused_and_nothing_is_issued() {
    simulate(async {
        let stage = stage();
        stage.judge_by(vec![declare::scope_policy()]);
        let mut keeper = Keeper::start(&stage, &FaultPlan::none());
        assert_eq!(keeper.once().await.unwrap().0, Outcome::Refused);
        let (_, reason, message) = read(&stage, "Accepted");
        assert_eq!(reason, "ScopeDenied");
        assert_eq!(
            message,
            "'shop/orders' asks for credentials of type SessionSecret, which ScopePolicy 'all' does not allow: take another type, or ask the owners of ScopePolicy 'all'"
        );
        assert_eq!(stage.cloud.issued(), 0);
        // An identity that is in place by federation does not get a Secret by an edit either.
        stage.edit(federation);
        keeper.settle().await;
        assert_reads(&stage, "Ready", "True", "Verified");
        stage.edit(|spec| secret(spec, SECRET));
        keeper.settle().await;
        assert_reads(&stage, "Accepted", "False", "ScopeDenied");
        assert_eq!((stage.cloud.issued(), stage.cluster.secret_names(NAMESPACE)), (0, Vec::new()));
    });
}

/// Who is not looked after gets nothing new: what there is runs out, and status says when.
#[test]
fn an_identity_that_is_paused_refused_revoked_or_observed_gets_no_new_credentials() {
    type Change = fn(&Stage);
    let pause = |stage: &Stage| stage.edit(|spec| spec.management_policy = ManagementPolicy::Paused);
    let observe = |stage: &Stage| stage.edit(|spec| spec.management_policy = ManagementPolicy::Observe);
    let refuse = |stage: &Stage| stage.edit(|spec| spec.scopes[0].actions = vec!["sqs:ReceiveMesage".into()]);
    let revoke = |stage: &Stage| stage.judge_by(vec![declare::narrow_policy("Revoke")]);
    let cases: [(&str, Change, &str, &str); 4] = [
        ("paused", pause, "Unknown", "Paused"),
        ("observed", observe, "True", "Observing"),
        ("refused", refuse, "Unknown", "Pending"),
        ("revoked", revoke, "Unknown", "Pending"),
    ];
    simulate(async {
        for (name, change, status, reason) in cases {
            let stage = stage();
            let mut keeper = kept(&stage).await;
            let end = credentials(&stage).expiration_time.unwrap().0;
            let before = written(&stage, SECRET);
            change(&stage);
            keeper.settle().await;
            keeper.until(end - Duration::from_secs(1)).await;
            assert_reads(&stage, "CredentialsFresh", status, reason);
            keeper.during(Duration::from_mins(5)).await;
            assert_eq!((written(&stage, SECRET), stage.cloud.issued()), (before, 1), "{name}");
            let message = read(&stage, "CredentialsFresh").2;
            match name {
                "observed" => {
                    assert_reads(&stage, "CredentialsFresh", "False", "Overdue");
                    assert!(
                        message.starts_with(&format!("the credentials in Secret 'orders-aws' ran out at {end}")),
                        "{message}"
                    );
                }
                "paused" => assert_reads(&stage, "CredentialsFresh", "Unknown", "Paused"),
                _ => assert!(message.ends_with(&format!("are not renewed, and run out at {end}")), "{name}: {message}"),
            }
            assert_unseen(&stage);
        }
    });
}
