//! Annotations that others change, that cannot be written, or that nobody remembers.

use ambit::cloud::{ErrorKind, FaultPlan};
use ambit::cluster::{Cluster as _, ServiceAccountSeen};
use ambit::domain::annotation::{ANNOTATED_BY, AUDIENCE, Annotations, READ_BY_WEBHOOK, ROLE_ARN};

use super::declare::{self, BOUNDARY, NAMESPACE, annotated_account};
use super::delivery::{annotated, failing_at, told};
use super::process::{Process, Rest};
use super::stage::Stage;
use super::{simulate, truth};
use ambit::api::v1alpha1::ServiceAccountSubject;

/// As one that was deleted and made again.
fn replace_service_account(stage: &Stage) {
    for name in READ_BY_WEBHOOK.into_iter().chain([ANNOTATED_BY]) {
        stage.cluster.annotate_by_hand(NAMESPACE, "orders", name, None);
    }
}

/// What Ambit said, and nobody has written down.
async fn say_unnoted(stage: &Stage, service_account: &str) {
    let role = stage.resolved().unwrap().role_arn;
    let said: Annotations =
        [(ROLE_ARN.to_owned(), role), (ANNOTATED_BY.to_owned(), stage.key.name.clone())].into_iter().collect();
    stage.cluster.ensure_service_account(NAMESPACE, service_account).await.unwrap();
    let seen: ServiceAccountSeen = stage.cluster.service_account(NAMESPACE, service_account).await.unwrap().unwrap();
    stage.cluster.annotate(NAMESPACE, service_account, &seen, &said).await.unwrap();
}

fn move_away(stage: &Stage) {
    stage.edit(|spec| spec.subject.service_account = Some(ServiceAccountSubject { name: "orders-2".into() }));
}

#[test]
fn where_nothing_injects_an_identity_that_needs_it_is_not_ready() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none()).without_injection();
        process.once().await;
        let message = "nobody gives pods of service account 'orders' the role: this Ambit is installed without its own injection (chart value `admission.injection`), and CloudAccount 'prod' does not say `spec.aws.federation.webIdentity.delivery: ServiceAccountAnnotation`: set that, or install the injection, which needs Kubernetes 1.36";
        assert_eq!(told(&stage, "Bound"), ("False".into(), "InjectionUnavailable".into(), message.into()));
        assert_eq!(told(&stage, "Ready").1, "InjectionUnavailable");
        assert_eq!(told(&stage, "Provisioned").0, "True", "the role is made all the same");
        let entry = stage.cluster.table(NAMESPACE).service_accounts["orders"].clone();
        assert_eq!((entry.ready, entry.reason), (false, Some(message.to_owned())));
        stage.change_account(annotated_account());
        process.check_account();
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
        // Whoever switches back by mistake takes nothing from anybody.
        stage.change_account(declare::account(BOUNDARY));
        process.check_account();
        stage.watch_delivery();
        process.once().await;
        assert_eq!(told(&stage, "Bound").1, "InjectionUnavailable");
        assert_eq!(stage.watched(), (1, 1), "pods get the role from the webhook still");
    });
}

/// Taking access away waits for nothing in the cluster, whatever kind of trouble that is.
#[test]
fn a_service_account_that_cannot_be_written_keeps_no_role_alive() {
    simulate(async {
        for kind in [ErrorKind::Denied, ErrorKind::Invalid, ErrorKind::Conflict, ErrorKind::Transient] {
            let stage = failing_at("annotate", kind, async || {
                let stage = annotated().await;
                stage.cluster.delete(&stage.key);
                stage
            })
            .await;
            assert!(stage.role().is_none(), "{kind:?}");
            assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Gone);
            truth::assert_gone(&stage);
        }
    });
}

#[test]
fn a_service_account_that_cannot_be_written_stops_no_work_on_the_role() {
    simulate(async {
        let stage = failing_at("annotate", ErrorKind::Denied, async || {
            let stage = annotated().await;
            move_away(&stage);
            stage
        })
        .await;
        assert!(stage.role().unwrap().trust.contains("shop:orders-2"));
        assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
        truth::assert_live(&stage);
    });
}

/// Two operators write one status: the note of the one may be lost by the other.
#[test]
fn what_nobody_noted_is_taken_away_all_the_same() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        process.run().await;
        say_unnoted(&stage, "orders").await;
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
        say_unnoted(&stage, "orders").await;
        stage.cluster.delete(&stage.key);
        assert_eq!(process.run().await, Rest::Gone);
        truth::assert_gone(&stage);
    });
}

/// One that was elected again remembers its own last word of status, and another has written since.
#[test]
fn a_deletion_goes_by_the_status_that_is_live() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let mut before = Process::start(&stage, &FaultPlan::none());
        before.run().await;
        stage.change_account(annotated_account());
        Process::start(&stage, &FaultPlan::none()).run().await;
        truth::assert_live(&stage);
        move_away(&stage);
        stage.cluster.delete(&stage.key);
        before.check_account();
        assert_eq!(before.run().await, Rest::Gone);
        truth::assert_gone(&stage);
    });
}

/// Minutes, not hours: until then the gate refuses its pods.
#[test]
fn a_sweep_notices_a_service_account_that_was_replaced() {
    simulate(async {
        let stage = annotated().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Settled);
        replace_service_account(&stage);
        assert_eq!(process.look().await, Rest::Settled);
        truth::assert_live(&stage);
        assert_eq!(told(&stage, "InSync").1, "Repaired");
    });
}

#[test]
fn a_sweep_asks_for_no_service_account_where_none_is_annotated() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        let plan = FaultPlan::none();
        let mut process = Process::start(&stage, &plan);
        process.run().await;
        let before = plan.calls().len();
        process.look().await;
        assert_eq!(plan.calls()[before..], ["sweep"]);
    });
}

/// Two programs that each put the other's annotation right would go on for ever.
#[test]
fn ambit_gives_up_annotations_that_are_changed_back_each_time() {
    simulate(async {
        let stage = annotated().await;
        let mut process = Process::start(&stage, &FaultPlan::none());
        process.run().await;
        let change = || stage.cluster.annotate_by_hand(NAMESPACE, "orders", AUDIENCE, Some("theirs"));
        for round in 0..3 {
            change();
            assert_eq!(process.look().await, Rest::Settled, "round {round}");
            truth::assert_live(&stage);
        }
        change();
        assert_eq!(process.look().await, Rest::Waits);
        assert_eq!(told(&stage, "InSync").1, "Contested");
        let writes = stage.cluster.writes();
        process.look().await;
        assert_eq!(stage.cluster.annotations(NAMESPACE, "orders")[AUDIENCE], "theirs");
        assert_eq!(stage.cluster.writes(), writes);
        // The other one gives in.
        stage.cluster.annotate_by_hand(NAMESPACE, "orders", AUDIENCE, Some("sts.amazonaws.com"));
        assert_eq!(process.look().await, Rest::Settled);
        truth::assert_live(&stage);
    });
}
