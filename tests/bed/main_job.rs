//! The main job: from a declaration to a role that works, and back.

use std::collections::{BTreeMap, BTreeSet};

use ambit_bed::{ACCOUNT_ID, INSTALLATION, boundary_arn};
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::eyes::{condition, pod_spec};
use crate::house::{House, Talk, house, identity, merged, until};
use crate::root::{Live, Root, role_arn, role_name};

const READS: &str = r#"{"name":"inbox","actions":["s3:GetObject"],"resources":["arn:aws:s3:::BUCKET/*"]}"#;

/// An identity that may read one bucket and nothing else.
pub fn reader(name: &str, account: &str, bucket: &str) -> Value {
    let scope: Value = serde_json::from_str(&READS.replace("BUCKET", bucket)).unwrap();
    merged(identity(name, account), &json!({"spec": {"scopes": [scope]}}))
}

/// Exactly what the role of such an identity must be.
fn declared(bed: &House, talk: &Talk, object: &Value, id: &str, bucket: &str) -> Live {
    let name = object["metadata"]["name"].as_str().unwrap();
    let account = object["spec"]["subject"]["serviceAccount"]["name"].as_str().unwrap();
    let host = bed.issuer().replace("https://", "");
    let tags = [
        ("ambit.dev/installation", INSTALLATION.to_owned()),
        ("ambit.dev/identity", format!("{}/{name}", talk.namespace)),
        ("ambit.dev/uid", object["metadata"]["uid"].as_str().unwrap().to_owned()),
    ];
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": format!("arn:aws:iam::{ACCOUNT_ID}:oidc-provider/{host}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{host}:aud"): "sts.amazonaws.com",
            format!("{host}:sub"): format!("system:serviceaccount:{}:{account}", talk.namespace),
        }},
    }]});
    let permissions = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Inbox", "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*"),
    }]});
    Live {
        arn: role_arn(&talk.namespace, name),
        id: id.to_owned(),
        path: format!("/ambit/{INSTALLATION}/"),
        tags: tags.map(|(key, value)| (key.to_owned(), value)).into(),
        boundary: Some(boundary_arn()),
        session: Some(7200),
        trust,
        inline: BTreeMap::from([("ambit".to_owned(), permissions)]),
        attached: BTreeSet::new(),
    }
}

#[tokio::test]
async fn a_deployment_gets_exactly_the_declared_role_whatever_came_first() {
    let bed = house().await;
    let talk = bed.tenant("job-deploy").await;
    bed.plant(&["buckets", "deploy-in", "deploy-other"]).await.unwrap();
    // The deployment comes first: its pods are refused until the identity is proven.
    let labels = json!({"app": "orders", "ambit.dev/identity": "required"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "orders"}},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(&bed, "orders")}},
    });
    talk.create(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "orders"}})).await.unwrap();
    talk.create(&deployment).await.unwrap();
    until("the refusal of the deployment's pods", async || {
        let set = json!(talk.kind("apps/v1", "ReplicaSet").list(&ListParams::default()).await.unwrap().items);
        let message = set[0]["status"]["conditions"][0]["message"].as_str().unwrap_or_default().to_owned();
        if message.contains("no machine identity in namespace `job-deploy` is bound") { Ok(()) } else { Err(message) }
    })
    .await;

    let asked = merged(reader("orders", "orders", "deploy-in"), &json!({"spec": {"sessionDuration": "2h"}}));
    talk.apply(&asked).await.unwrap();
    let object = talk.ready("orders").await;
    assert_eq!(
        condition(&object, "Ready"),
        ("True", "Verified", "a token of service account 'orders' was exchanged for credentials of the role")
    );
    assert_eq!(object["status"]["summary"], "can read objects in `deploy-in`");
    let id = object["status"]["aws"]["roleId"].as_str().unwrap();
    let live = Root::of(&bed).role(&role_name("job-deploy", "orders")).await.unwrap();
    assert_eq!(live, declared(&bed, &talk, &object, id, "deploy-in"));
    assert_eq!(object["status"]["aws"]["roleArn"], live.arn);

    let pod = until("the deployment's pod", async || {
        let pods = talk.kind("v1", "Pod").list(&ListParams::default().labels("app=orders")).await.unwrap();
        pods.items.first().and_then(|pod| pod.metadata.name.clone()).ok_or_else(String::new)
    })
    .await;
    assert_eq!(talk.read(&bed, &pod, "deploy-in").await, Some(0));
    assert_eq!(talk.read(&bed, &pod, "deploy-other").await, Some(3), "denied by S3");
}

/// A pod that was given a role's ARN and a token of its own service account.
async fn impostor(bed: &House, talk: &Talk, name: &str, account: &str, arn: &str) {
    let mut spec = pod_spec(bed, account);
    let env = [
        ("AWS_ENDPOINT_URL", bed.endpoint_url()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ROLE_ARN", arn.to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/cloud/token".to_owned()),
    ];
    spec["containers"][0]["env"] = env.map(|(name, value)| json!({"name": name, "value": value})).into();
    spec["containers"][0]["volumeMounts"] = json!([{"name": "cloud", "mountPath": "/var/run/secrets/cloud"}]);
    let token = json!({"serviceAccountToken": {"audience": "sts.amazonaws.com", "path": "token"}});
    spec["volumes"] = json!([{"name": "cloud", "projected": {"sources": [token]}}]);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    talk.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}})).await.unwrap();
    talk.create(&pod).await.unwrap();
}

#[tokio::test]
async fn an_identity_that_moves_takes_the_role_from_the_old_service_account() {
    let bed = house().await;
    let talk = bed.tenant("job-move").await;
    bed.plant(&["buckets", "move-in"]).await.unwrap();
    talk.apply(&reader("orders", "old", "move-in")).await.unwrap();
    let before = talk.ready("orders").await;
    talk.pod(&bed, "old", "old").await.unwrap();
    impostor(&bed, &talk, "thief", "thief", &role_arn("job-move", "orders")).await;
    assert_eq!(talk.read(&bed, "old", "move-in").await, Some(0));
    assert_eq!(talk.read(&bed, "thief", "move-in").await, Some(4), "refused by STS");

    talk.apply(&reader("orders", "new", "move-in")).await.unwrap();
    let after = talk.ready("orders").await;
    assert_eq!(after["status"]["aws"]["roleId"], before["status"]["aws"]["roleId"]);
    assert_eq!(talk.read(&bed, "old", "move-in").await, Some(4), "the old one is refused by STS");
    talk.pod(&bed, "new", "new").await.unwrap();
    assert_eq!(talk.read(&bed, "new", "move-in").await, Some(0));
    assert_eq!(talk.entry("old").await, Value::Null);
    assert_eq!(talk.entry("new").await["ready"], true);
    talk.pod(&bed, "plain", "old").await.expect("a service account without identity has ordinary pods");
}

/// Reads a bucket with one session, before and after what happens between two files' coming.
pub const TWICE: &str = r"
import boto3, os, sys, time
from botocore.exceptions import ClientError
folder, bucket = sys.argv[1:]
s3 = boto3.client('s3')
s3.get_object(Bucket=bucket, Key='hello.txt')
open(folder + '/began', 'w').close()
end = time.monotonic() + 60
while not os.path.exists(folder + '/go') and time.monotonic() < end: time.sleep(0.02)
try:
    s3.get_object(Bucket=bucket, Key='hello.txt')
except ClientError as problem:
    sys.exit(problem.response['Error']['Code'])
";

#[tokio::test]
async fn a_lowered_scope_is_denied_to_sessions_that_were_there_before() {
    let bed = house().await;
    let talk = bed.tenant("job-lower").await;
    bed.plant(&["buckets", "lower-in", "lower-out"]).await.unwrap();
    talk.apply(&reader("orders", "orders", "lower-in")).await.unwrap();
    let before = talk.ready("orders").await;
    talk.pod(&bed, "orders", "orders").await.unwrap();

    let folder = bed.dir().join("pods/lower");
    std::fs::create_dir_all(&folder).unwrap();
    let python = bed.workload(&[]).unwrap().remove(0);
    let program = [&python, "-c", TWICE, &folder.to_string_lossy(), "lower-in"].map(str::to_owned);
    let session = bed.run_pod("job-lower", "orders", &program);
    let lower = async {
        until(
            "the session's first read",
            async || {
                if folder.join("began").exists() { Ok(()) } else { Err(String::new()) }
            },
        )
        .await;
        talk.apply(&reader("orders", "orders", "lower-out")).await.unwrap();
        let after = talk.ready("orders").await;
        std::fs::write(folder.join("go"), "").unwrap();
        after
    };
    let (run, after) = tokio::join!(session, lower);
    let run = run.unwrap();
    assert_eq!((run.status.code(), run.stderr.trim()), (Some(1), "AccessDenied"));
    assert_eq!(after["status"]["aws"]["roleId"], before["status"]["aws"]["roleId"], "it was updated in place");
    assert_eq!(talk.read(&bed, "orders", "lower-in").await, Some(3));
    assert_eq!(talk.read(&bed, "orders", "lower-out").await, Some(0));
}

#[tokio::test]
async fn a_deleted_identity_leaves_nothing_but_the_service_account() {
    let bed = house().await;
    let talk = bed.tenant("job-delete").await;
    bed.plant(&["buckets", "delete-in"]).await.unwrap();
    let (root, name) = (Root::of(&bed), role_name("job-delete", "orders"));
    talk.apply(&reader("orders", "orders", "delete-in")).await.unwrap();
    talk.ready("orders").await;
    talk.pod(&bed, "orders", "orders").await.unwrap();
    assert_eq!(talk.read(&bed, "orders", "delete-in").await, Some(0));

    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(root.role(&name).await, None);
    assert_eq!(talk.entry("orders").await, Value::Null);
    assert_eq!(talk.read(&bed, "orders", "delete-in").await, Some(4), "the next session is refused");
    assert!(talk.kind("v1", "ServiceAccount").get_opt("orders").await.unwrap().is_some());
}
