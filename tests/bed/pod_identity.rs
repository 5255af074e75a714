//! EKS Pod Identity: EKS hands roles to pods by associations, to those that were declared and to
//! nobody else.
//!
//! No webhook of EKS is here: the tests write into pods what it would, and a stand-in for the agent
//! of a node exchanges their tokens.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use ambit_bed::{
    ACCOUNT_ID, ACCOUNT_NAME, Bed, BedOptions, CLUSTER_NAME, INSTALLATION, OPERATOR_USER, REGION, ROOT_KEY, cluster_arn,
};
use aws_sdk_eks::Client;
use aws_sdk_eks::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_eks::error::ProvideErrorMetadata as _;
use aws_sdk_eks::types::PodIdentityAssociation;
use serde_json::{Value, json};

use crate::eyes::{condition, own_tenant, pod_spec};
use crate::house::{Talk, merged, until};
use crate::least_privilege::operator_key;
use crate::main_job::reader;
use crate::root::{Root, iam, role_arn, role_name};

/// Another cluster of the account, whose tokens the same API server signs.
const OTHER_CLUSTER: &str = "other";
const AUDIENCE: &str = "pods.eks.amazonaws.com";

fn eks(bed: &Bed, (key, secret): (&str, &str)) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(bed.direct_url())
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .build();
    Client::from_conf(config)
}

/// The owner of the account, at EKS.
struct Owner(Client);

impl Owner {
    async fn association(&self, namespace: &str, account: &str) -> Option<PodIdentityAssociation> {
        let list = self.0.list_pod_identity_associations().cluster_name(CLUSTER_NAME).namespace(namespace);
        let found = list.service_account(account).send().await.unwrap().associations.unwrap_or_default();
        let id = found.into_iter().next()?.association_id.unwrap();
        let read = self.0.describe_pod_identity_association().cluster_name(CLUSTER_NAME).association_id(id);
        read.send().await.unwrap().association
    }

    /// An association that somebody else makes.
    async fn tie(&self, cluster: &str, namespace: &str, account: &str, role: &str) -> String {
        let made = self.0.create_pod_identity_association().cluster_name(cluster).namespace(namespace);
        let made = made.service_account(account).role_arn(role).send().await.unwrap();
        made.association.unwrap().association_id.unwrap()
    }

    async fn untie(&self, cluster: &str, id: &str) {
        self.0.delete_pod_identity_association().cluster_name(cluster).association_id(id).send().await.unwrap();
    }
}

/// The agent of a node of a cluster. It ends when this is dropped.
struct Agent {
    process: Child,
    port: u16,
}

impl Agent {
    async fn start(bed: &Bed, cluster: &str) -> Self {
        let node = format!("node-of-{cluster}");
        let key = bed.plant(&["node", "--name", &node, "--cluster", cluster]).await.unwrap();
        let python = bed.workload(&[]).unwrap().remove(0);
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/dev/cloud/agent.py"))
            .args(["--cluster", cluster])
            .env("AWS_ENDPOINT_URL", bed.direct_url())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", key["accessKeyId"].as_str().unwrap())
            .env("AWS_SECRET_ACCESS_KEY", key["secretAccessKey"].as_str().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }

    /// A pod as the webhook of EKS leaves it on a node with this agent.
    fn pod(&self, bed: &Bed, name: &str, account: &str) -> Value {
        let mut spec = pod_spec(bed, account);
        let folder = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount";
        let env = [
            ("AWS_ENDPOINT_URL", bed.endpoint_url()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://127.0.0.1:{}/v1/credentials", self.port)),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", format!("{folder}/eks-pod-identity-token")),
        ];
        spec["containers"][0]["env"] = env.map(|(name, value)| json!({"name": name, "value": value})).into();
        let mount = json!([{"name": "eks-pod-identity-token", "mountPath": folder, "readOnly": true}]);
        spec["containers"][0]["volumeMounts"] = mount;
        let token = json!({"audience": AUDIENCE, "expirationSeconds": 86400, "path": "eks-pod-identity-token"});
        let projected = json!({"sources": [{"serviceAccountToken": token}]});
        spec["volumes"] = json!([{"name": "eks-pod-identity-token", "projected": projected}]);
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// How a pod's read ended, and what was said of it.
async fn reads(bed: &Bed, talk: &Talk, pod: &str, bucket: &str) -> (Option<i32>, String) {
    let program = bed.workload(&["read", bucket, "hello.txt"]).unwrap();
    let run = bed.run_pod(&talk.namespace, pod, &program).await.unwrap();
    (run.status.code(), format!("{}{}", run.stdout, run.stderr))
}

/// A pod that is admitted, with its service account.
async fn admitted(bed: &Bed, talk: &Talk, agent: &Agent, name: &str, account: &str) {
    let account_object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}});
    talk.apply(&account_object).await.unwrap();
    talk.create(&agent.pod(bed, name, account)).await.unwrap();
}

async fn on_eks() -> Bed {
    Bed::start(BedOptions { pod_identity: true, ..BedOptions::default() }).await.unwrap()
}

#[tokio::test]
async fn exactly_the_declared_pods_get_the_role() {
    let bed = on_eks().await;
    bed.plant(&["buckets", "handed-in", "handed-other"]).await.unwrap();
    bed.plant(&["cluster", OTHER_CLUSTER, "--issuer", &bed.issuer()]).await.unwrap();
    let owner = Owner(eks(&bed, ROOT_KEY));
    let agent = Agent::start(&bed, CLUSTER_NAME).await;
    let talk = own_tenant(&bed, "handed").await;

    talk.apply(&reader("orders", "orders", "handed-in")).await.unwrap();
    let object = talk.ready("orders").await;
    let said = "by its association and its trust as they were read back, EKS gives the role to pods of service account 'orders' in cluster 'bed', and to nobody else";
    assert_eq!(condition(&object, "Ready"), ("True", "Evaluated", said));
    let role = role_arn("handed", "orders");
    let found = owner.association("handed", "orders").await.unwrap();
    assert_eq!(found.role_arn.as_deref(), Some(role.as_str()));
    let uid = object["metadata"]["uid"].as_str().unwrap();
    let tags = [("identity", "handed/orders"), ("installation", INSTALLATION), ("uid", uid)];
    let tags = tags.map(|(key, value)| (format!("ambit.dev/{key}"), value.to_owned()));
    assert_eq!(found.tags.unwrap(), tags.into());
    assert_eq!(object["status"]["aws"]["podIdentityAssociation"]["id"], found.association_id.unwrap());
    let trust = &Root::of(&bed).role(&role_name("handed", "orders")).await.unwrap().trust["Statement"][0];
    assert_eq!(trust["Principal"], json!({"Service": AUDIENCE}));
    assert_eq!(trust["Condition"]["StringEquals"]["aws:RequestTag/eks-cluster-arn"], cluster_arn());
    assert_eq!(talk.entry("orders").await, json!({"identity": "orders", "ready": true}), "the table only gates");

    admitted(&bed, &talk, &agent, "reader", "orders").await;
    assert_eq!(reads(&bed, &talk, "reader", "handed-in").await, (Some(0), "hello from handed-in\n\n".to_owned()));
    assert_eq!(reads(&bed, &talk, "reader", "handed-other").await.0, Some(3), "denied by S3");
    nobody_else_gets_it(&bed, &talk, &owner, &agent, &role).await;
    bed.finish().unwrap();
}

/// Whoever may make associations may name the role for other pods, and gets nobody into it.
async fn nobody_else_gets_it(bed: &Bed, talk: &Talk, owner: &Owner, agent: &Agent, role: &str) {
    admitted(bed, talk, agent, "without", "thief").await;
    let (code, text) = reads(bed, talk, "without", "handed-in").await;
    assert!(code == Some(5) && text.contains("ResourceNotFoundException"), "no association: {text}");
    owner.tie(CLUSTER_NAME, "handed", "thief", role).await;
    let (code, text) = reads(bed, talk, "without", "handed-in").await;
    assert!(code == Some(5) && text.contains("AccessDeniedException"), "another service account: {text}");

    let theirs = own_tenant(bed, "handed-2").await;
    owner.tie(CLUSTER_NAME, "handed-2", "orders", role).await;
    admitted(bed, &theirs, agent, "reader", "orders").await;
    let (code, text) = reads(bed, &theirs, "reader", "handed-in").await;
    assert!(code == Some(5) && text.contains("AccessDeniedException"), "another namespace: {text}");

    // The same namespace and service account, in another cluster that shares the account.
    let elsewhere = Agent::start(bed, OTHER_CLUSTER).await;
    owner.tie(OTHER_CLUSTER, "handed", "orders", role).await;
    admitted(bed, talk, &elsewhere, "elsewhere", "orders").await;
    let (code, text) = reads(bed, talk, "elsewhere", "handed-in").await;
    assert!(code == Some(5) && text.contains("AccessDeniedException"), "another cluster: {text}");
    assert_eq!(reads(bed, talk, "reader", "handed-in").await.0, Some(0), "or the refusals would prove nothing");
}

#[tokio::test]
async fn an_association_is_kept_as_declared_moved_and_removed() {
    let bed = on_eks().await;
    bed.plant(&["buckets", "kept-in"]).await.unwrap();
    let owner = Owner(eks(&bed, ROOT_KEY));
    let agent = Agent::start(&bed, CLUSTER_NAME).await;
    let talk = own_tenant(&bed, "kept").await;
    talk.apply(&reader("orders", "orders", "kept-in")).await.unwrap();
    talk.ready("orders").await;
    admitted(&bed, &talk, &agent, "reader", "orders").await;
    assert_eq!(reads(&bed, &talk, "reader", "kept-in").await.0, Some(0));
    what_is_changed_is_told_and_repaired(&bed, &talk, &owner).await;
    assert_eq!(reads(&bed, &talk, "reader", "kept-in").await.0, Some(0));
    another_service_account_takes_it_over(&bed, &talk, &owner, &agent).await;
    deletion_takes_both(&bed, &talk, &owner).await;
    bed.finish().unwrap();
}

/// Waits until an association that is repaired was told as drift of this class.
async fn repaired(talk: &Talk, before: &Value, class: &str) {
    let versions = talk.versions(before, |object| condition(object, "InSync").1 == "Repaired").await;
    let told = versions.iter().find(|one| condition(one, "InSync").1 == "Drifted").expect("it was written down");
    let item = &told["status"]["drift"]["items"][0];
    assert_eq!((&item["part"], &item["class"]), (&json!("association"), &json!(class)), "{item}");
}

async fn what_is_changed_is_told_and_repaired(bed: &Bed, talk: &Talk, owner: &Owner) {
    // A role that anybody's pods get.
    let root = Root::of(bed);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}"#;
    root.iam.create_role().role_name("admin").assume_role_policy_document(trust).send().await.unwrap();
    let other = format!("arn:aws:iam::{ACCOUNT_ID}:role/admin");
    let role = role_arn("kept", "orders");
    let found = owner.association("kept", "orders").await.unwrap();
    let id = found.association_id.unwrap();

    let before = talk.get("orders").await;
    let change = owner.0.update_pod_identity_association().cluster_name(CLUSTER_NAME).association_id(&id);
    change.role_arn(&other).send().await.unwrap();
    repaired(talk, &before, "Changed").await;
    let found = owner.association("kept", "orders").await.unwrap();
    assert_eq!((found.role_arn.as_deref(), found.association_id.as_deref()), (Some(role.as_str()), Some(id.as_str())));

    let before = talk.get("orders").await;
    owner.untie(CLUSTER_NAME, &id).await;
    repaired(talk, &before, "Missing").await;
    let found = owner.association("kept", "orders").await.unwrap();
    assert_eq!(found.role_arn.as_deref(), Some(role.as_str()));
    assert_ne!(found.association_id.as_deref(), Some(id.as_str()), "it was made anew");

    // Somebody else's, in its place: told, and left alone.
    owner.untie(CLUSTER_NAME, &found.association_id.unwrap()).await;
    let theirs = owner.tie(CLUSTER_NAME, "kept", "orders", &other).await;
    let object = talk.reason("orders", "Bound", "Conflict").await;
    assert_eq!(object["status"]["drift"]["items"][0]["class"], "Foreign");
    assert_eq!(talk.entry("orders").await["ready"], false, "new pods would get somebody else's role");
    let found = owner.association("kept", "orders").await.unwrap();
    assert_eq!(
        (found.association_id.as_deref(), found.role_arn.as_deref()),
        (Some(theirs.as_str()), Some(other.as_str()))
    );
    owner.untie(CLUSTER_NAME, &theirs).await;
    talk.ready("orders").await;
}

async fn another_service_account_takes_it_over(bed: &Bed, talk: &Talk, owner: &Owner, agent: &Agent) {
    talk.patch("orders", &json!({"spec": {"subject": {"serviceAccount": {"name": "orders-2"}}}})).await;
    talk.ready("orders").await;
    assert!(owner.association("kept", "orders").await.is_none(), "the old one is gone");
    assert!(owner.association("kept", "orders-2").await.is_some());
    admitted(bed, talk, agent, "reader-2", "orders-2").await;
    assert_eq!(reads(bed, talk, "reader-2", "kept-in").await.0, Some(0));
    assert_eq!(reads(bed, talk, "reader", "kept-in").await.0, Some(5), "the old pods get nothing any more");
}

async fn deletion_takes_both(bed: &Bed, talk: &Talk, owner: &Owner) {
    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert!(owner.association("kept", "orders-2").await.is_none());
    assert_eq!(Root::of(bed).role(&role_name("kept", "orders")).await, None);
    assert_eq!(reads(bed, talk, "reader-2", "kept-in").await.0, Some(5));
}

#[tokio::test]
async fn the_operator_may_touch_no_association_but_its_own_and_pass_no_role_but_its_own() {
    let bed = on_eks().await;
    bed.plant(&["cluster", OTHER_CLUSTER, "--issuer", &bed.issuer()]).await.unwrap();
    let owner = Owner(eks(&bed, ROOT_KEY));
    let key = operator_key(&bed);
    let operator = eks(&bed, (&key.access_key_id, &key.secret_access_key));
    let talk = own_tenant(&bed, "rights").await;
    talk.apply(&reader("orders", "orders", "rights-in")).await.unwrap();
    talk.ready("orders").await;
    let role = role_arn("rights", "orders");
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}"#;
    let root = Root::of(&bed);
    root.iam.create_role().role_name("admin").assume_role_policy_document(trust).send().await.unwrap();
    let admin = format!("arn:aws:iam::{ACCOUNT_ID}:role/admin");

    let create = |cluster: &str, account: &str, role: &str| {
        let made = operator.create_pod_identity_association().cluster_name(cluster).namespace("rights");
        made.service_account(account).role_arn(role)
    };
    let ours = ("ambit.dev/installation", INSTALLATION);
    let wrong = [
        ("another cluster", create(OTHER_CLUSTER, "a", &role).tags(ours.0, ours.1)),
        ("another role", create(CLUSTER_NAME, "a", &admin).tags(ours.0, ours.1)),
        ("no tag", create(CLUSTER_NAME, "a", &role)),
        ("another installation's tag", create(CLUSTER_NAME, "a", &role).tags(ours.0, "other")),
        ("one more tag", create(CLUSTER_NAME, "a", &role).tags(ours.0, ours.1).tags("team", "admins")),
    ];
    for (why, request) in wrong {
        let error = request.send().await.expect_err(why);
        assert_eq!(error.code(), Some("AccessDeniedException"), "{why}");
    }
    create(CLUSTER_NAME, "a", &role).tags(ours.0, ours.1).send().await.unwrap();

    let theirs = owner.tie(CLUSTER_NAME, "rights", "theirs", &admin).await;
    let update = operator.update_pod_identity_association().cluster_name(CLUSTER_NAME).association_id(&theirs);
    assert_eq!(update.role_arn(&role).send().await.unwrap_err().code(), Some("AccessDeniedException"));
    let delete = operator.delete_pod_identity_association().cluster_name(CLUSTER_NAME).association_id(&theirs);
    assert_eq!(delete.send().await.unwrap_err().code(), Some("AccessDeniedException"));
    let own = owner.association("rights", "orders").await.unwrap().association_id.unwrap();
    let update = operator.update_pod_identity_association().cluster_name(CLUSTER_NAME).association_id(&own);
    assert_eq!(update.role_arn(&admin).send().await.unwrap_err().code(), Some("AccessDeniedException"));
    bed.finish().unwrap();
}

#[tokio::test]
async fn the_account_says_where_its_cluster_is_missing_and_keeps_its_cluster() {
    let bed = on_eks().await;
    let talk = own_tenant(&bed, "cluster").await;
    let account =
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": ACCOUNT_NAME}});
    let aws = |change: Value| json!({"spec": {"aws": change}});
    for refused in [
        aws(json!({"federation": {"podIdentity": {"clusterName": "another"}}})),
        aws(json!({"federation": {"podIdentity": null, "webIdentity": {"issuer": "https://oidc.example.com/a"}}})),
        aws(json!({"region": "eu-west-1"})),
    ] {
        let status = talk.try_change(&account, &refused).await.unwrap_err();
        let message = "`federation.podIdentity` and `region` must stay as they are: associations of that cluster would be left behind; make another CloudAccount instead";
        assert!(status.message.contains(message), "{refused}: {}", status.message);
    }
    let arn = format!("arn:aws:eks:{REGION}:{ACCOUNT_ID}:cluster/nowhere");
    // As `ambit account policy` prints it for that account.
    let may = json!({"Effect": "Allow", "Action": "eks:DescribeCluster", "Resource": arn});
    let may = json!({"Version": "2012-10-17", "Statement": [may]}).to_string();
    let root = iam(&bed.direct_url(), ROOT_KEY);
    root.put_user_policy().user_name(OPERATOR_USER).policy_name("nowhere").policy_document(may).send().await.unwrap();
    let written = std::fs::read_to_string(bed.account_file()).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    let change = json!({"metadata": {"name": "missing"}, "spec": {"aws": {
        "rolePath": "/missing/", "federation": {"podIdentity": {"clusterName": "nowhere"}}}}});
    talk.apply(&merged(written, &change)).await.unwrap();
    let api = talk.kind("ambit.dev/v1alpha1", "CloudAccount");
    let message = until("the account's verdict", async || {
        let object = json!(api.get("missing").await.map_err(|error| error.to_string())?);
        let (status, reason, message) = condition(&object, "Ready");
        let is_it = status == "False" && reason == "ClusterMissing";
        if is_it { Ok(message.to_owned()) } else { Err(object["status"].to_string()) }
    })
    .await;
    assert!(
        message.starts_with(&format!("there is no EKS cluster `{arn}`, so EKS hands no role to its pods: correct"))
    );
    bed.finish().unwrap();
}

#[tokio::test]
async fn the_example_is_accepted_by_the_api_server() {
    let bed = Bed::start(BedOptions { controllers: false, cloud: false, operator: false, ..BedOptions::default() });
    let bed = bed.await.unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/pod-identity");
    bed.kubectl(&["create", "namespace", "shop"]).await.unwrap();
    for way in [&["--dry-run=server"][..], &["--dry-run=server", "--server-side"]] {
        bed.kubectl(&[&["apply", "-f", folder], way].concat()).await.unwrap();
    }
    bed.finish().unwrap();
}
