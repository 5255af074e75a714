//! `ambit diff` and `ambit sweep` on a real API server and a cloud that enforces IAM, as people who
//! may read and nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ambit_bed::{
    ACCOUNT_ID, ACCOUNT_NAME, Bed, BedOptions, Fault, FaultKind, INSTALLATION, NAMESPACE_LABEL, Part, REGION,
};
use serde_json::{Value, json};

use crate::eyes::condition;
use crate::house::{Talk, anything, merged, until};
use crate::main_job::reader;
use crate::root::{EVERYTHING, Root, role_name};

/// What the commands need in AWS, as docs/drift.md says.
const READS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
    "iam:GetRole","iam:ListRolePolicies","iam:GetRolePolicy","iam:ListAttachedRolePolicies",
    "iam:GetAccountAuthorizationDetails"]}]}"#;
/// Nothing that helps.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":"s3:ListAllMyBuckets"}]}"#;

/// A person: where the cluster is for them, and their key at the cloud.
struct Person {
    kubeconfig: PathBuf,
    key: (String, String),
}

/// How a command ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {}{}", self.out, self.err))
    }
}

/// A user of the cloud with this policy.
async fn user(bed: &Bed, name: &str, policy: &str) -> (String, String) {
    let iam = Root::of(bed).iam;
    iam.create_user().user_name(name).send().await.unwrap();
    iam.put_user_policy().user_name(name).policy_name("own").policy_document(policy).send().await.unwrap();
    let key = iam.create_access_key().user_name(name).send().await.unwrap().access_key.unwrap();
    (key.access_key_id, key.secret_access_key)
}

/// A kubeconfig with a token of a service account.
async fn kubeconfig(bed: &Bed, namespace: &str, account: &str) -> PathBuf {
    let token = bed.kubectl(&["-n", namespace, "create", "token", account, "--duration=1h"]).await.unwrap();
    let text = std::fs::read_to_string(bed.kubeconfig()).unwrap();
    let mut file: Value = serde_saphyr::from_str(&text).unwrap();
    for user in file["users"].as_array_mut().unwrap() {
        user["user"] = json!({"token": token.trim()});
    }
    for context in file["contexts"].as_array_mut().unwrap() {
        context["context"]["namespace"] = json!(namespace);
    }
    let path = bed.dir().join(format!("{account}.kubeconfig"));
    std::fs::write(&path, file.to_string()).unwrap();
    path
}

fn command(bed: &Bed, person: &Person, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ambit"));
    let environment = BTreeMap::from([
        ("AWS_ENDPOINT_URL", bed.endpoint_url()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", person.key.0.clone()),
        ("AWS_SECRET_ACCESS_KEY", person.key.1.clone()),
        ("KUBECONFIG", person.kubeconfig.to_string_lossy().into_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]);
    command.args(arguments).env_remove("AMBIT_INSTALLATION").envs(environment).stdin(Stdio::null());
    command
}

/// Runs a command to its end, away from the thread that serves the test.
async fn ambit(bed: &Bed, person: &Person, arguments: &[&str]) -> Said {
    let mut command = command(bed, person, arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A namespace under a policy of its own.
async fn team(bed: &Bed, name: &str) -> Talk {
    let talk = Talk { client: bed.client().await.unwrap(), namespace: name.to_owned() };
    let labels = json!({NAMESPACE_LABEL.0: NAMESPACE_LABEL.1, "team": name});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    talk.apply(&namespace).await.unwrap();
    talk
}

/// Lets everybody ask for anything.
fn policy() -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "all"},
        "spec": {"namespaceSelector": {}, "allow": [anything()]},
    })
}

/// An example, as if it were written for the bed's account.
fn example(name: &str) -> String {
    let path = format!("{}/examples/drift/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.replace("123456789012", ACCOUNT_ID).replace("name: prod", &format!("name: {ACCOUNT_NAME}"))
}

fn bound(kind: &str, name: &str, role: &str, namespace: &str, account: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    })
}

/// A bed with two teams at work, an auditor, and a viewer of one team.
struct Stage {
    bed: Bed,
    shop: Talk,
    auditor: Person,
    viewer: Person,
}

async fn stage() -> Stage {
    let options = BedOptions { sweep_interval: "1h".to_owned(), ..BedOptions::default() };
    let bed = Bed::start(options).await.unwrap();
    let shop = team(&bed, "shop").await;
    let bank = team(&bed, "bank").await;
    shop.apply(&policy()).await.unwrap();
    for (talk, bucket) in [(&shop, "orders-in"), (&bank, "ledger")] {
        talk.apply(&reader("orders", "orders", bucket)).await.unwrap();
        talk.ready("orders").await;
    }
    for account in ["auditor", "viewer"] {
        shop.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}))
            .await
            .unwrap();
    }
    let audit = bound("ClusterRoleBinding", "auditor", "ambit-audit", "shop", "auditor").to_string();
    bed.apply(&audit).await.unwrap();
    let view =
        merged(bound("RoleBinding", "viewer", "view", "shop", "viewer"), &json!({"metadata": {"namespace": "shop"}}));
    bed.apply(&view.to_string()).await.unwrap();
    let key = user(&bed, "auditor", READS).await;
    let auditor = Person { kubeconfig: kubeconfig(&bed, "shop", "auditor").await, key: key.clone() };
    let viewer = Person { kubeconfig: kubeconfig(&bed, "shop", "viewer").await, key };
    Stage { bed, shop, auditor, viewer }
}

#[tokio::test]
async fn what_is_live_is_shown_beside_what_is_declared_to_whoever_may_read() {
    let stage = stage().await;
    let Stage { bed, shop, auditor, viewer } = &stage;
    let root = Root::of(bed);
    let role = role_name("shop", "orders");
    until("a diff without differences", async || {
        let said = ambit(bed, auditor, &["diff", "orders"]).await;
        if said.code == Some(0) { Ok(()) } else { Err(format!("{}{}", said.out, said.err)) }
    })
    .await;
    // Ambit looks on while somebody widens the role, and may not repair it meanwhile.
    bed.stop_part(Part::Operator).await.unwrap();
    let before = shop.get("orders").await;
    bed.reset_counts().await.unwrap();
    root.put_inline(&role, "extra", EVERYTHING).await;
    let said = ambit(bed, auditor, &["diff", "orders", "-n", "shop", "-o", "json"]).await;
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let one = &said.json()["identities"][0];
    assert_eq!((&one["identity"], &one["class"]), (&json!("shop/orders"), &json!("Foreign")), "{one}");
    let extra = one["parts"].as_array().unwrap().iter().find(|part| part["subject"] == "extra").unwrap();
    assert_eq!(extra["difference"]["widens"], true);
    assert_eq!(extra["live"]["document"]["Statement"][0]["Action"], json!(["s3:*"]));
    let others: Vec<&Value> =
        one["parts"].as_array().unwrap().iter().filter(|part| part["difference"].is_object()).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    let counts = bed.counts().await.unwrap();
    assert!(counts.calls.keys().all(|call| call.contains(":Get") || call.contains(":List")), "{counts:?}");
    assert_eq!(shop.get("orders").await, before, "nothing was written");

    root.delete(&role).await;
    let said = ambit(bed, auditor, &["diff", "shop/orders", "bank/orders"]).await;
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("  MISSING: the role is not there; it was, with the id `AROA"), "{}", said.out);
    assert!(said.out.contains("bank/orders: role bank-orders-"), "{}", said.out);
    assert!(said.out.contains("  in sync: live is as declared\n"), "{}", said.out);

    wrong_input(bed, auditor).await;
    no_rights(bed, auditor, viewer).await;
    nobody_answers(bed, auditor).await;
    bed.check_cloud().unwrap();
}

async fn wrong_input(bed: &Bed, auditor: &Person) {
    for (arguments, expected) in [
        (
            &["diff", "order"][..],
            "ambit: `shop/order` was not compared: namespace `shop` has no MachineIdentity `order`: did you mean `orders`?\n",
        ),
        (&["sweep", "bad"], "ambit: there is no CloudAccount `bad`: did you mean `bed`?\n"),
        (&["diff", "a/b/c"], "ambit: `a/b/c` is no name of an identity: it must look like `orders` or `shop/orders`\n"),
        (&["diff", "orders", "--context", "no-such"], "ambit: the kubeconfig has no context `no-such`: "),
        (&["diff", "orders", "--kubeconfig", "/no/such"], "ambit: `--kubeconfig /no/such` cannot be used: "),
    ] {
        let said = ambit(bed, auditor, arguments).await;
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {}", said.err);
        assert!(said.err.starts_with(expected), "{arguments:?}: {}", said.err);
    }
}

async fn no_rights(bed: &Bed, auditor: &Person, viewer: &Person) {
    let said = ambit(bed, viewer, &["diff", "orders", "-n", "bank"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.starts_with("ambit: you may not get machineidentities in namespace `bank`: "), "{}", said.err);
    assert!(said.err.ends_with("; ask for a role that allows it, such as `view`\n"), "{}", said.err);
    let said = ambit(bed, viewer, &["diff", "orders"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("you may not get cloudaccounts in the whole cluster: "), "{}", said.err);
    assert!(said.err.contains("the chart's `ambit-audit`"), "{}", said.err);
    let nobody = Person { kubeconfig: auditor.kubeconfig.clone(), key: user(bed, "nobody", NOTHING).await };
    let said = ambit(bed, &nobody, &["diff", "bank/orders"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("; ask for the rights that docs/drift.md lists, or use `--assume`\n"), "{}", said.err);
    let said = ambit(bed, &nobody, &["sweep", ACCOUNT_NAME]).await;
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    let stranger = Person { kubeconfig: auditor.kubeconfig.clone(), key: ("AKIANOBODY".into(), "none".into()) };
    let said = ambit(bed, &stranger, &["diff", "bank/orders"]).await;
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
}

async fn nobody_answers(bed: &Bed, auditor: &Person) {
    bed.set_latency(Duration::from_secs(8)).await.unwrap();
    let began = Instant::now();
    let said = ambit(bed, auditor, &["diff", "bank/orders", "--timeout", "1s"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(4), ""), "{}", said.err);
    let words = "ambit: time is up: reaching account `bed` was not done within 1s; nothing was concluded. Wait longer with `--timeout`\n";
    assert_eq!(said.err, words);
    assert!(began.elapsed() < Duration::from_secs(6), "it ended at once: {:?}", began.elapsed());
    interrupted(bed, auditor).await;
    bed.set_latency(Duration::ZERO).await.unwrap();
    bed.stop_part(Part::Proxy).await.unwrap();
    let said = ambit(bed, auditor, &["diff", "bank/orders"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("sts:GetCallerIdentity: no connection: "), "{}", said.err);
    let nowhere = bed.dir().join("nowhere.kubeconfig");
    let text = std::fs::read_to_string(&auditor.kubeconfig).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:1");
    std::fs::write(&nowhere, file.to_string()).unwrap();
    let lost = Person { kubeconfig: nowhere, key: auditor.key.clone() };
    let said = ambit(bed, &lost, &["sweep", ACCOUNT_NAME]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.starts_with("ambit: the API server at https://127.0.0.1:1/ cannot be reached: "), "{}", said.err);
    bed.start_part(Part::Proxy).await.unwrap();
}

/// Being interrupted ends it at once, and with the signal, so that a shell sees it.
async fn interrupted(bed: &Bed, auditor: &Person) {
    use std::os::unix::process::ExitStatusExt as _;
    bed.reset_counts().await.unwrap();
    let mut command = command(bed, auditor, &["diff", "bank/orders"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the first call to the cloud", async || {
        let counts = bed.counts().await.unwrap();
        if counts.calls.is_empty() { Err(format!("{counts:?}")) } else { Ok(()) }
    })
    .await;
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = until("its end", async || child.try_wait().unwrap().ok_or_else(String::new)).await;
    assert_eq!(ended.signal(), Some(2));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout, output.stderr), (Vec::new(), Vec::new()), "nothing half said");
}

#[tokio::test]
async fn an_account_is_swept_and_one_edit_denies_every_role_that_trusts_an_issuer() {
    let stage = stage().await;
    let Stage { bed, shop, auditor, .. } = &stage;
    let root = Root::of(bed);
    let issuer = bed.issuer();
    root.plant("bystander", "/", &[]).await;
    let left_over = role_name("shop", "gone");
    let tags = [
        ("ambit.dev/installation", INSTALLATION),
        ("ambit.dev/identity", "shop/gone"),
        ("ambit.dev/uid", "2b1c7e0a-0000-4000-8000-000000000000"),
    ];
    root.plant(&left_over, &format!("/ambit/{INSTALLATION}/"), &tags).await;
    bed.reset_counts().await.unwrap();
    let said = ambit(bed, auditor, &["sweep", ACCOUNT_NAME, "-o", "json"]).await;
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let report = said.json();
    let states: Vec<(&str, &str)> = report["compared"]["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["identity"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("bank/orders", "inSync"), ("shop/orders", "inSync")]);
    assert_eq!(report["compared"]["orphans"][0]["identity"], "shop/gone");
    assert_eq!((&report["complete"], &report["ours"]), (&json!(true), &json!(3)));
    let calls = json!({"iam:GetAccountAuthorizationDetails": report["pages"], "sts:GetCallerIdentity": 1});
    assert_eq!(report["calls"], calls);
    let writes = bed.counts().await.unwrap();
    assert!(writes.calls.keys().all(|call| call.contains(":Get") || call.contains(":List")), "{writes:?}");
    root.delete(&left_over).await;

    who_reaches(bed, auditor).await;
    a_page_that_fails(bed, auditor).await;

    // On the day on which the issuer was broken into.
    let said = ambit(bed, auditor, &["sweep", ACCOUNT_NAME, "--trusting", &issuer]).await;
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains(&format!("2 roles trust {issuer}: 2 open, 0 closed\n")), "{}", said.out);
    for expected in
        ["MachineIdentity shop/orders", "MachineIdentity bank/orders", "  read objects in `ledger` and `orders-in`"]
    {
        assert!(said.out.contains(expected), "{expected} is not in:\n{}", said.out);
    }
    assert!(!said.out.contains("bystander"), "it trusts another:\n{}", said.out);

    bed.apply(&example("close-everything")).await.unwrap();
    for namespace in ["shop", "bank"] {
        let talk = Talk { namespace: namespace.to_owned(), client: shop.client.clone() };
        let object = talk.reason("orders", "Ready", "Revoked").await;
        assert_eq!(condition(&object, "InSync").1, "Revoked");
        let live = root.role(&role_name(namespace, "orders")).await.unwrap();
        assert_eq!(live.inline["ambit-closed"]["Statement"][0]["Effect"], "Deny", "read back from {}", live.arn);
    }
    let said = ambit(bed, auditor, &["sweep", ACCOUNT_NAME, "--trusting", &issuer]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains(&format!("2 roles trust {issuer}: 0 open, 2 closed\n")), "{}", said.out);
    let said = ambit(bed, auditor, &["sweep", ACCOUNT_NAME]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("\n2 revoked\n"), "{}", said.out);
    bed.check_cloud().unwrap();
}

/// A tool that reaches the customers' database, and nobody remembers why.
async fn who_reaches(bed: &Bed, auditor: &Person) {
    let talk = team(bed, "tooling").await;
    bed.apply(&example("customers-db")).await.unwrap();
    talk.ready("config-tool").await;
    let database = format!("arn:aws:rds:eu-west-1:{ACCOUNT_ID}:cluster:customers-db");
    let said = ambit(bed, auditor, &["sweep", ACCOUNT_NAME, "--reaching", &database]).await;
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let answer = said.out.replace("\n  ", " ");
    let expected = format!(
        "\npods of service account tooling/config-tool → MachineIdentity tooling/config-tool → role {} → statement Lookup of policy ambit → {database}: can use `rds-data:ExecuteStatement` on cluster `customers-db`; last used: ",
        role_name("tooling", "config-tool")
    );
    assert!(answer.contains(&expected), "{answer}");
    assert!(!answer.contains("orders"), "{answer}");
    talk.delete("MachineIdentity", "config-tool").await;
    talk.gone("MachineIdentity", "config-tool").await;
    let said = ambit(bed, auditor, &["sweep", ACCOUNT_NAME, "--reaching", &database]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains(&format!("\nnobody reaches {database}\n")), "{}", said.out);
}

async fn a_page_that_fails(bed: &Bed, auditor: &Person) {
    let refuse = Fault::nth("iam:GetAccountAuthorizationDetails", 1, FaultKind::Refuse).answering(400, "Throttling");
    bed.set_fault(&refuse).await.unwrap();
    let said = ambit(bed, auditor, &["sweep", ACCOUNT_NAME]).await;
    bed.clear_faults().await.unwrap();
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.out.contains("PARTIAL: the rest was not read: iam:GetAccountAuthorizationDetails: "), "{}", said.out);
    assert!(said.out.contains("\n2 not seen\n"), "what was not seen is not missing:\n{}", said.out);
    assert!(said.err.starts_with("ambit: the account was not read to its end: "), "{}", said.err);
}
