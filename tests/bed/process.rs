//! The operator's process: before its kinds exist, beside another, killed, and asked to end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ambit_bed::{Bed, BedOptions, OPERATOR_NAMESPACE, Part};
use serde_json::{Value, json};

use crate::eyes::own_tenant;
use crate::house::{Talk, identity, merged, until};
use crate::least_privilege::operator_key;
use crate::root::{Root, role_name};
use crate::web;

/// The operator's lease, and the longest that another copy may need to see that it ended.
const LEASE: Duration = Duration::from_secs(15 + 5);
/// A pod has this long to end before the kubelet kills it, less what the operator gives itself.
const ORDERLY: Duration = Duration::from_secs(20);

#[tokio::test]
async fn two_operators_take_turns_from_before_their_kinds_exist_to_an_orderly_end() {
    let bed = Bed::start(BedOptions::no_operator()).await.unwrap();
    before_the_kinds(&bed).await;
    let talk = own_tenant(&bed, "turns").await;
    for name in names(0..4) {
        talk.apply(&identity(&name, &name)).await.unwrap();
    }
    all_ready(&talk, names(0..4)).await;
    metrics(&bed).await;
    a_refusal_asks_the_cloud_nothing(&bed, &talk).await;
    the_leader_is_killed(&bed, &talk).await;
    the_leader_is_asked_to_end(&bed, &talk).await;
    no_secret_is_written_anywhere(&bed, &talk).await;
    bed.finish().unwrap();
}

fn names(range: std::ops::Range<u8>) -> impl Iterator<Item = String> {
    range.map(|number| format!("id-{number}"))
}

async fn all_ready(talk: &Talk, names: impl Iterator<Item = String>) {
    for name in names {
        talk.ready(&name).await;
    }
}

async fn status(bed: &Bed, part: Part, path: &str) -> u16 {
    web::get(&format!("{}{path}", bed.operator_url(part))).await.0
}

/// What the process says of itself in a metric; nothing where it does not say it.
async fn metric(bed: &Bed, part: Part, name: &str) -> Option<f64> {
    let text = web::get(&format!("{}/metrics", bed.operator_url(part))).await.1;
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

async fn leads(bed: &Bed, part: Part) {
    until(&format!("the leadership of {part}"), async || match metric(bed, part, "ambit_leader").await {
        Some(1.0) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// Alive but not ready, without a crash, until the definitions come.
async fn before_the_kinds(bed: &Bed) {
    bed.kubectl(&["delete", "crd", "--all", "--wait"]).await.unwrap();
    bed.start_part(Part::Operator).await.unwrap();
    let process = bed.process(Part::Operator).unwrap();
    until("the operator's word about its kinds", async || {
        let log = bed.logs(Part::Operator).unwrap();
        let said = "the API server does not answer for Ambit's kinds yet: are their definitions installed, and may the operator list them?";
        // Twice: it goes on asking.
        if log.matches(said).count() >= 2 { Ok(()) } else { Err(log) }
    })
    .await;
    assert_eq!(status(bed, Part::Operator, "/healthz").await, 200);
    let (code, text) = web::get(&format!("{}/readyz", bed.operator_url(Part::Operator))).await;
    assert_eq!((code, &*text), (503, "the API server has not answered yet, or the process is stopping\n"));

    let definitions = bed.dir().join("helm/definitions.json").to_string_lossy().into_owned();
    let account = bed.account_file().to_string_lossy().into_owned();
    bed.kubectl(&["apply", "--server-side", "-f", &definitions]).await.unwrap();
    bed.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "-f", &definitions]).await.unwrap();
    bed.kubectl(&["apply", "--server-side", "-f", &account]).await.unwrap();
    until("the operator's readiness", async || match status(bed, Part::Operator, "/readyz").await {
        200 => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
    leads(bed, Part::Operator).await;
    assert_eq!(bed.process(Part::Operator).unwrap(), process);
    assert!(process.alive(), "the same process all along");
}

async fn metrics(bed: &Bed) {
    let (code, text) = web::get(&format!("{}/metrics", bed.operator_url(Part::Operator))).await;
    assert_eq!(code, 200);
    for line in [
        r#"ambit_identities{status="True",reason="Verified"} 4"#,
        r#"ambit_cloud_requests_total{provider="aws",service="iam",operation="CreateRole",code="OK"} 4"#,
        r#"ambit_cloud_requests_total{provider="aws",service="sts",operation="AssumeRoleWithWebIdentity",code="OK"} 4"#,
        r#"ambit_build_info{version="0.1.0"} 1"#,
        r#"ambit_drift_items{severity="warning"} 0"#,
        r#"ambit_drift_items{severity="critical"} 0"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
    }
    for name in [
        "ambit_reconcile_total",
        "ambit_reconcile_duration_seconds_bucket",
        "ambit_sweeps_total",
        "ambit_sweep_duration_seconds",
    ] {
        assert!(text.lines().any(|found| found.starts_with(&format!("{name}{{"))), "{name} is not in:\n{text}");
    }
    assert!(!text.contains("id-0"), "no name of an object is a label:\n{text}");
}

/// What was refused is known from the declaration alone: no call is made for it.
async fn a_refusal_asks_the_cloud_nothing(bed: &Bed, talk: &Talk) {
    bed.reset_counts().await.unwrap();
    let unknown = json!({"spec": {"scopes": [{"name": "s", "actions": ["s3:GetObjekt"], "resources": ["*"]}]}});
    let lost = json!({"spec": {"accountRef": {"name": "no-such"}}});
    for (name, change) in [("unknown", &unknown), ("lost", &lost)] {
        talk.apply(&merged(identity(name, name), change)).await.unwrap();
        talk.condition(name, "Accepted", "False").await;
    }
    let counts = bed.counts().await.unwrap();
    // What the account's own check and its sweep ask.
    let checks = [
        "iam:GetAccountAuthorizationDetails",
        "iam:GetAccountSummary",
        "iam:GetOpenIDConnectProvider",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "sts:GetCallerIdentity",
    ];
    assert!(counts.calls.keys().all(|call| checks.contains(&call.as_str())), "{counts:?}");
    for name in ["unknown", "lost"] {
        talk.delete("MachineIdentity", name).await;
        talk.gone("MachineIdentity", name).await;
    }
}

async fn the_leader_is_killed(bed: &Bed, talk: &Talk) {
    bed.second_operator().await.unwrap();
    until("the second's readiness", async || match status(bed, Part::SecondOperator, "/readyz").await {
        200 => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
    assert_eq!(metric(bed, Part::SecondOperator, "ambit_leader").await, Some(0.0), "it only waits");
    let before = roles(bed).await;

    for name in names(4..8) {
        talk.apply(&identity(&name, &name)).await.unwrap();
    }
    bed.kill_part(Part::Operator).unwrap();
    let killed = Instant::now();
    leads(bed, Part::SecondOperator).await;
    assert!(killed.elapsed() <= LEASE, "it took {:?}", killed.elapsed());
    all_ready(talk, names(0..8)).await;
    let after = roles(bed).await;
    assert!(before.iter().all(|role| after.contains(role)), "nothing was made twice");
    let ours: BTreeSet<String> = names(0..8).map(|name| role_name("turns", &name)).collect();
    assert_eq!(Root::of(bed).names_on("/ambit/bed/").await, ours);
}

/// Each role by its name and unique id.
async fn roles(bed: &Bed) -> BTreeSet<(String, String)> {
    let root = Root::of(bed);
    let mut found = BTreeSet::new();
    for name in root.names_on("/ambit/bed/").await {
        let id = root.role(&name).await.unwrap().id;
        found.insert((name, id));
    }
    found
}

async fn the_leader_is_asked_to_end(bed: &Bed, talk: &Talk) {
    let process = bed.process(Part::SecondOperator).unwrap();
    let asked = Instant::now();
    assert!(std::process::Command::new("kill").arg(process.pid.to_string()).status().unwrap().success());
    until("the end of the process", async || if process.alive() { Err(String::new()) } else { Ok(()) }).await;
    assert!(asked.elapsed() < ORDERLY, "it took {:?}", asked.elapsed());
    let file = bed.dir().join(format!("logs/second-operator.{}.status", process.pid));
    until("the exit status", async || match std::fs::read_to_string(&file).unwrap_or_default().as_str() {
        "exit status: 0" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
    let lease = ["-n", OPERATOR_NAMESPACE, "get", "lease", "ambit", "-o", "jsonpath={.spec.holderIdentity}"];
    assert_eq!(bed.kubectl(&lease).await.unwrap(), "", "the lease was given back");
    let log = bed.logs(Part::SecondOperator).unwrap();
    assert!(log.contains("stopping: what was begun is finished first"), "{log}");
    assert!(!log.contains("was not given back"), "{log}");

    bed.start_part(Part::Operator).await.unwrap();
    talk.apply(&identity("id-8", "id-8")).await.unwrap();
    talk.ready("id-8").await;
}

/// Tokens begin with `eyJ`; the key is the operator's own at the cloud.
async fn no_secret_is_written_anywhere(bed: &Bed, talk: &Talk) {
    let key = operator_key(bed).secret_access_key;
    assert!(key.len() >= 20, "there is a key to look for");
    let mut looked_at = 0;
    for file in std::fs::read_dir(bed.dir().join("logs")).unwrap() {
        let path = file.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains(&key) && !text.contains("eyJ"), "a secret is in {}", path.display());
        looked_at += 1;
    }
    assert!(looked_at > 5);
    for kind in ["events.events.k8s.io", "machineidentities", "bindingtables", "cloudaccounts"] {
        let text = bed.kubectl(&["get", kind, "-A", "-o", "yaml"]).await.unwrap();
        assert!(!text.contains(&key) && !text.contains("eyJ"), "a secret is among the {kind}");
    }
    let log = bed.logs(Part::Operator).unwrap();
    for line in log.lines() {
        let parsed: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in `{line}`"));
        assert!(parsed["timestamp"].is_string() && parsed["level"].is_string(), "{line}");
    }
    let named = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let about = |line: Value| line["span"]["namespace"] == *talk.namespace && line["span"]["object"] == "id-8";
    assert!(named.into_iter().any(about), "a line tells which object it is about");
}
