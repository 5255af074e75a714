//! Whether pods get the role while the way by which they get it is switched.

use std::sync::Mutex;

use ambit::api::v1alpha1::Binding;
use ambit::cloud::{ErrorKind, Fault, FaultPlan};
use ambit::cluster::MemoryCluster;
use ambit::domain::annotation::{ANNOTATED_BY, AUDIENCE, Annotations, ROLE_ARN};

use super::declare::{self, BOUNDARY, NAMESPACE, annotated_account};
use super::process::{Process, Rest};
use super::stage::Stage;
use super::stories::Story;
use super::verdicts::condition;
use super::{simulate, stories, truth};

/// What becomes of a pod that is created.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pod {
    /// It starts with this role.
    With(String),
    /// It starts with nothing.
    Bare,
    /// It is turned away, and its controller tries again.
    Refused,
}

/// What the chart's policies and the webhook of EKS make of a pod, by what they have read. Ambit's
/// injection comes first, and the webhook leaves a container that names a role or a token's file.
fn pod(entry: Option<&Binding>, annotations: &Annotations) -> Pod {
    const READ_BY_SDKS: [&str; 2] = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    let mut env: Vec<(String, String)> = entry
        .iter()
        .flat_map(|entry| &entry.env)
        .map(|variable| (variable.name.clone(), variable.value.clone()))
        .collect();
    let is_left = env.iter().any(|(name, _)| READ_BY_SDKS.contains(&name.as_str()));
    if let Some(arn) = annotations.get(ROLE_ARN).filter(|_| !is_left) {
        env.push(("AWS_ROLE_ARN".to_owned(), arn.clone()));
        env.push(("AWS_WEB_IDENTITY_TOKEN_FILE".to_owned(), "/token".to_owned()));
    }
    let is_given = |entry: &Binding| {
        entry.required_env.is_empty() || env.iter().any(|(name, _)| entry.required_env.contains(name))
    };
    if entry.is_some_and(|entry| !entry.ready || !is_given(entry)) {
        return Pod::Refused;
    }
    env.into_iter().find(|(name, _)| name == "AWS_ROLE_ARN").map_or(Pod::Bare, |(_, arn)| Pod::With(arn))
}

/// Everything that was ever to be read of a service account.
#[derive(Debug, Default)]
struct Seen {
    entries: Vec<Option<Binding>>,
    annotations: Vec<Annotations>,
}

/// Looks at a service account at every moment.
#[derive(Debug)]
pub struct Watch {
    namespace: String,
    service_account: String,
    role_arn: String,
    seen: Mutex<Seen>,
}

impl Watch {
    pub fn over(namespace: &str, service_account: &str, role_arn: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            service_account: service_account.to_owned(),
            role_arn: role_arn.to_owned(),
            seen: Mutex::default(),
        }
    }

    /// Panics if a pod that is created now does not get the role; or if one is let in without it
    /// whose admission has read the table, the annotations or both at an earlier moment.
    pub fn look(&self, cluster: &MemoryCluster) {
        let entry = cluster.table(&self.namespace).service_accounts.get(&self.service_account).cloned();
        let annotations = cluster.annotations(&self.namespace, &self.service_account);
        let role = Pod::With(self.role_arn.clone());
        assert_eq!(pod(entry.as_ref(), &annotations), role, "with {entry:?} and {annotations:?}");
        let mut seen = self.seen.lock().unwrap();
        if !seen.entries.contains(&entry) {
            seen.entries.push(entry);
        }
        if !seen.annotations.contains(&annotations) {
            seen.annotations.push(annotations);
        }
        for entry in &seen.entries {
            for annotations in &seen.annotations {
                let found = pod(entry.as_ref(), annotations);
                assert!(found == role || found == Pod::Refused, "{found:?} with {entry:?} and {annotations:?}");
            }
        }
    }

    /// How many different entries and annotations there were.
    pub fn counted(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap();
        (seen.entries.len(), seen.annotations.len())
    }
}

fn story(name: &str) -> Story {
    stories::delivered().into_iter().find(|story| story.name == name).unwrap()
}

/// An identity that is settled, and whose pods get it from the webhook.
pub async fn annotated() -> Stage {
    let stage = Stage::new();
    stage.change_account(annotated_account());
    stage.create("uid-1");
    assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
    truth::assert_live(&stage);
    stage
}

pub fn told(stage: &Stage, name: &str) -> (String, String, String) {
    let object = stage.object().unwrap();
    let found = condition(&object, name).unwrap();
    (found.status.clone(), found.reason.clone(), found.message.clone())
}

#[test]
fn a_pod_gets_what_the_rules_say() {
    let annotations: Annotations = [(ROLE_ARN.to_owned(), "arn".to_owned())].into();
    let gate = Binding { ready: true, required_env: vec!["AWS_ROLE_ARN".into()], ..Binding::default() };
    let shut = Binding { ready: false, ..gate.clone() };
    assert_eq!(pod(None, &Annotations::new()), Pod::Bare);
    assert_eq!(pod(None, &annotations), Pod::With("arn".into()));
    assert_eq!(pod(Some(&gate), &annotations), Pod::With("arn".into()));
    assert_eq!(pod(Some(&gate), &Annotations::new()), Pod::Refused);
    assert_eq!(pod(Some(&shut), &annotations), Pod::Refused);
}

/// The watch would see nothing where nothing is switched.
#[test]
fn a_switch_is_one_change_of_each_side() {
    for (name, way) in [("delivery: by annotation", true), ("delivery: back to admission", false)] {
        simulate(async move {
            let begun = story(name).begin().await;
            let before = begun.stage.cluster.writes();
            let mut process = Process::start(&begun.stage, &FaultPlan::none());
            process.remember(begun.memory.clone());
            assert_eq!(process.run().await, Rest::Settled);
            assert_eq!(begun.stage.watched(), (2, 2), "{name}: two entries, two sets of annotations");
            // The note before the annotations, or that they are gone; each side; and what was reached.
            assert_eq!(begun.stage.cluster.writes() - before, 4, "{name}");
            let table = begun.stage.cluster.table(NAMESPACE);
            assert_eq!(table.service_accounts["orders"].audience.is_none(), way, "{name}");
        });
    }
}

/// Nobody else changed anything, so no drift is told and nobody is blamed.
#[test]
fn a_switch_is_no_drift() {
    for name in stories::delivered().iter().map(|story| story.name).filter(|name| name.starts_with("delivery")) {
        simulate(async {
            let begun = story(name).begin().await;
            let told = begun.stage.cluster.announcements().len();
            let mut process = Process::start(&begun.stage, &FaultPlan::none());
            process.remember(begun.memory.clone());
            process.run().await;
            assert_eq!(begun.stage.cluster.announcements().len(), told, "{name}");
        });
    }
}

/// The account is set back while the switch is half done, at every call of it.
#[test]
fn a_switch_that_is_taken_back_on_the_way_leaves_nothing_behind() {
    let there_and_back = [("delivery: by annotation", false), ("delivery: back to admission", true)];
    for (name, is_annotated) in there_and_back {
        simulate(async {
            let plan = FaultPlan::none();
            let begun = story(name).begin().await;
            Process::start(&begun.stage, &plan).once().await;
            let calls = plan.calls().len();
            assert!(calls > 5, "{calls}");
            for call in 0..calls {
                for fault in [Fault::HangBefore, Fault::HangAfter, Fault::ErrorBefore(ErrorKind::Transient)] {
                    let begun = story(name).begin().await;
                    Process::start(&begun.stage, &FaultPlan::at(call, fault)).once().await;
                    let back = if is_annotated { annotated_account() } else { declare::account(BOUNDARY) };
                    begun.stage.change_account(back);
                    let mut process = Process::start(&begun.stage, &FaultPlan::none());
                    assert_eq!(process.run().await, Rest::Settled, "{name}, call {call}");
                    truth::assert_live(&begun.stage);
                    truth::assert_idle(&begun.stage, &mut process).await;
                }
            }
        });
    }
}

#[test]
fn annotations_of_somebody_else_are_left_alone_and_told() {
    simulate(async {
        let stage = Stage::new();
        let theirs = "arn:aws:iam::123456789012:role/theirs";
        stage.cluster.annotate_by_hand(NAMESPACE, "orders", ROLE_ARN, Some(theirs));
        let before = stage.cluster.annotations(NAMESPACE, "orders");
        stage.change_account(annotated_account());
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        process.counted_once().await;
        let message = format!(
            "service account 'orders' has `eks.amazonaws.com/role-arn: {theirs}`, which somebody else wrote and Ambit does not overwrite: remove it, or name another service account"
        );
        assert_eq!(told(&stage, "Bound"), ("False".into(), "AnnotationConflict".into(), message.clone()));
        assert_eq!(told(&stage, "Ready").1, "AnnotationConflict");
        assert_eq!(stage.cluster.annotations(NAMESPACE, "orders"), before);
        let entry = stage.cluster.table(NAMESPACE).service_accounts["orders"].clone();
        assert_eq!((entry.ready, entry.reason), (false, Some(message)));
        // It goes on by itself when they are gone.
        stage.cluster.annotate_by_hand(NAMESPACE, "orders", ROLE_ARN, None);
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
    });
}

/// Pods go on getting the role the old way, which the annotations do not stand in the way of.
#[test]
fn a_conflict_keeps_a_switch_from_being_made_and_no_pod_from_starting() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
        stage.watch_delivery();
        let before = stage.cluster.table(NAMESPACE);
        stage.cluster.annotate_by_hand(NAMESPACE, "orders", AUDIENCE, Some("other"));
        stage.change_account(annotated_account());
        Process::start(&stage, &FaultPlan::none()).counted_once().await;
        assert_eq!(told(&stage, "Bound").1, "AnnotationConflict");
        assert_eq!(stage.cluster.table(NAMESPACE), before);
    });
}

/// What others wrote as well stays when Ambit takes its own away.
#[test]
fn equal_annotations_of_somebody_else_are_no_conflict_and_stay() {
    simulate(async {
        let stage = Stage::new();
        stage.cluster.annotate_by_hand(NAMESPACE, "orders", AUDIENCE, Some("sts.amazonaws.com"));
        stage.change_account(annotated_account());
        stage.create("uid-1");
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Settled);
        assert!(stage.cluster.annotations(NAMESPACE, "orders").contains_key(ANNOTATED_BY));
        stage.cluster.delete(&stage.key);
        assert_eq!(process.run().await, Rest::Gone);
        let left: Annotations = [(AUDIENCE.to_owned(), "sts.amazonaws.com".to_owned())].into();
        assert_eq!(stage.cluster.annotations(NAMESPACE, "orders"), left);
    });
}

#[test]
fn a_refused_identity_leaves_no_annotation() {
    simulate(async {
        let stage = annotated().await;
        stage.edit(|spec| spec.scopes[0].actions = vec!["sqs:ReceiveMesage".into()]);
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Waits);
        truth::assert_annotated(&stage, None);
        assert!(!stage.cluster.table(NAMESPACE).service_accounts["orders"].ready);
        truth::assert_idle(&stage, &mut process).await;
        stage.edit(|spec| spec.scopes[0].actions = vec!["sqs:ReceiveMessage".into()]);
        assert_eq!(process.run().await, Rest::Settled);
        truth::assert_live(&stage);
    });
}

/// Reconciles a stage once, without the right that one call needs.
async fn without_the_right(call: &str, make: impl AsyncFn() -> Stage) -> Stage {
    failing_at(call, ErrorKind::Denied, make).await
}

/// Reconciles a stage once, and the first call of that name fails.
pub async fn failing_at(call: &str, kind: ErrorKind, make: impl AsyncFn() -> Stage) -> Stage {
    let rehearsed = FaultPlan::none();
    Process::start(&make().await, &rehearsed).once().await;
    let calls = rehearsed.calls();
    let at = calls.iter().position(|name| *name == call).unwrap_or_else(|| panic!("no `{call}` in {calls:?}"));
    let stage = make().await;
    Process::start(&stage, &FaultPlan::at(at, Fault::ErrorBefore(kind))).once().await;
    stage
}

const VALUE: &str = "set the chart value `delivery.serviceAccountAnnotation` to true";

#[test]
fn a_missing_right_is_told_with_the_value_that_gives_it() {
    simulate(async {
        let stage = without_the_right("annotate", async || {
            let stage = Stage::new();
            stage.create("uid-1");
            assert_eq!(Process::start(&stage, &FaultPlan::none()).run().await, Rest::Settled);
            stage.watch_delivery();
            stage.change_account(annotated_account());
            stage
        })
        .await;
        let (status, reason, message) = told(&stage, "Bound");
        assert_eq!((status.as_str(), reason.as_str()), ("False", "ClusterRefused"));
        let expected = format!(
            "the API server does not let Ambit annotate service account 'orders': annotate: on purpose; {VALUE}"
        );
        assert_eq!(message, expected);
    });
}

#[test]
fn without_the_right_a_refusal_is_told_all_the_same() {
    simulate(async {
        let stage = without_the_right("annotate", async || {
            let stage = annotated().await;
            stage.edit(|spec| spec.scopes[0].actions = vec!["sqs:ReceiveMesage".into()]);
            stage
        })
        .await;
        let (_, reason, message) = told(&stage, "Bound");
        assert_eq!(reason, "ClusterRefused");
        assert!(message.ends_with(&format!("{VALUE}, or remove its annotations yourself")), "{message}");
        assert_eq!(told(&stage, "Accepted").1, "UnknownAction");
        assert!(!stage.cluster.table(NAMESPACE).service_accounts["orders"].ready);
    });
}

/// Taking access away must not wait for a right in the cluster; letting the object go does.
#[test]
fn without_the_right_a_deletion_takes_the_role_and_keeps_the_object() {
    simulate(async {
        let stage = without_the_right("annotate", async || {
            let stage = annotated().await;
            stage.cluster.delete(&stage.key);
            stage
        })
        .await;
        assert!(stage.role().is_none());
        assert!(stage.cluster.annotations(NAMESPACE, "orders").contains_key(ROLE_ARN));
        let mut process = Process::start(&stage, &FaultPlan::none());
        assert_eq!(process.run().await, Rest::Gone);
        truth::assert_gone(&stage);
    });
}
