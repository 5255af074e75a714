//! Access keys of a user, over the whole life of an identity.

mod crashes;
mod life;

use std::time::Duration;

use ambit::api::v1alpha1::{CredentialsStatus, MachineIdentitySpec, ROTATE, RotationPhase};
use ambit::cloud::{FaultPlan, MemoryUser};
use ambit::names::AccessKeyId;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::clock;
use super::declare::{self, NAMESPACE};
use super::secrets::{Keeper, assert_reads, read};
use super::stage::Stage;

const SECRET: &str = "orders-key";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders-in";

fn key(spec: &mut MachineIdentitySpec) {
    let asked = json!({"secretName": SECRET, "rotateEvery": "48h", "overlap": "2h"});
    spec.credentials = serde_json::from_value(json!({ "accessKey": asked })).unwrap();
}

/// A stage on which access keys may be asked for, with an identity that asks for one.
fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.cloud = stage.cloud.clone().making_users();
    stage.cluster.keep_time(clock::now);
    stage.judge_by(vec![declare::generous_policy()]);
    stage.change_account(declare::account_with_keys());
    let mut identity = declare::identity("orders", "uid-1");
    key(&mut identity.spec);
    stage.apply(identity);
    stage
}

/// An identity whose first key was just published, and the operator that did it.
async fn keyed(stage: &Stage) -> Keeper<'_> {
    let mut keeper = Keeper::start(stage, &FaultPlan::none());
    keeper.settle().await;
    assert_keyed(stage);
    keeper
}

fn ask(stage: &Stage, value: &str) {
    stage.annotate(ROTATE, value);
}

fn user(stage: &Stage) -> Option<MemoryUser> {
    stage.cloud.user(stage.name.as_str())
}

fn credentials(stage: &Stage) -> CredentialsStatus {
    stage.object().unwrap().status.unwrap().credentials.unwrap()
}

fn phase(stage: &Stage) -> RotationPhase {
    credentials(stage).phase.unwrap()
}

/// The key in the Secret: its id and its secret.
fn in_secret(stage: &Stage) -> Option<(AccessKeyId, String)> {
    let data = stage.cluster.secret_of(NAMESPACE, SECRET)?.data;
    let id = AccessKeyId::parse(data.get("AWS_ACCESS_KEY_ID")?).unwrap();
    Some((id, data.get("AWS_SECRET_ACCESS_KEY")?.clone()))
}

/// The id of the key in the Secret.
fn current(stage: &Stage) -> AccessKeyId {
    in_secret(stage).unwrap().0
}

fn works(stage: &Stage, (id, secret): &(AccessKeyId, String)) -> bool {
    stage.cloud.key_allows(id, secret, "sqs:ReceiveMessage", QUEUE)
}

/// A pod that has the Secret in its environment, and began now.
fn start_pod(stage: &Stage, name: &str) {
    let container = json!({"name": "main", "envFrom": [{"secretRef": {"name": SECRET}}]});
    let now = clock::now().to_string();
    let running = json!({"name": "main", "state": {"running": {"startedAt": now}}});
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": name, "creationTimestamp": now}, "spec": {"containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [running]},
    }))
    .unwrap();
    stage.cluster.put_pod(NAMESPACE, name, pod);
}

/// The key in the Secret works and is the one that status tells of; nothing of it stands where
/// people look; pods may start.
fn assert_keyed(stage: &Stage) {
    let kept = in_secret(stage).unwrap();
    assert!(works(stage, &kept), "{}", kept.0);
    assert!(!stage.cloud.key_allows(&kept.0, &kept.1, "sqs:DeleteQueue", QUEUE), "only what was declared");
    assert_reads(stage, "Ready", "True", "Evaluated");
    let status = credentials(stage);
    assert_eq!(status.current.unwrap().access_key_id, kept.0.to_string());
    assert_eq!(status.secret_name, SECRET);
    assert!(stage.cluster.table(NAMESPACE).service_accounts["orders"].ready);
    let aws = stage.object().unwrap().status.unwrap().aws.unwrap();
    assert_eq!((aws.role_arn, aws.user_arn), (None, user(stage).map(|user| user.arn)));
    assert_unseen(stage);
}

/// One key, and nothing under way.
fn assert_stable(stage: &Stage) {
    assert_keyed(stage);
    assert_eq!(phase(stage), RotationPhase::Stable);
    assert_eq!(credentials(stage).previous, None);
    let keys: Vec<AccessKeyId> = user(stage).unwrap().keys.into_iter().map(|key| key.id).collect();
    assert_eq!(keys, [current(stage)]);
    assert_reads(stage, "CredentialsFresh", "True", "Fresh");
}

/// No secret that the cloud ever told stands where people look.
fn assert_unseen(stage: &Stage) {
    let object = serde_json::to_string(&stage.object()).unwrap();
    let announced = format!("{:?}", stage.cluster.announcements());
    let table = format!("{:?}", stage.cluster.table(NAMESPACE));
    for text in [object, announced, table] {
        for secret in stage.cloud.secrets() {
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

fn told(stage: &Stage) -> Vec<String> {
    let all = stage.cluster.announcements().into_iter().map(|told| told.reason);
    all.filter(|reason| reason.starts_with("Key") || reason.starts_with("Rotation")).collect()
}

/// An hour, in which the operator does what is to be done.
async fn hour(keeper: &mut Keeper<'_>) {
    keeper.during(Duration::from_hours(1)).await;
}
