//! What a change of a policy does to identities that are at work.

use std::collections::BTreeSet;

use ambit_bed::{Bed, BedOptions, NAMESPACE_LABEL};
use serde_json::{Value, json};

use crate::eyes::condition;
use crate::house::{House, Talk, anything, house, until};
use crate::main_job::{TWICE, reader};
use crate::root::{Root, role_name};

/// What the account's own check and its sweep ask, identities or not.
const CHECKS: [&str; 6] = [
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountSummary",
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "sts:GetCallerIdentity",
];

/// A policy for the one namespace whose label this is.
fn policy(team: &str, enforcement: &str, allow: &Value) -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": team},
        "spec": {"namespaceSelector": {"matchLabels": {"team": team}}, "enforcement": enforcement, "allow": [allow]},
    })
}

/// A rule that allows another bucket than the one that is read.
fn elsewhere() -> Value {
    json!({"name": "elsewhere", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::elsewhere/*"]})
}

/// A pod that reads a bucket under a policy of its own.
async fn at_work(bed: &House, team: &str) -> Talk {
    let talk = bed.namespace(team, &[NAMESPACE_LABEL, ("team", team)]).await;
    bed.plant(&["buckets", team]).await.unwrap();
    talk.apply(&policy(team, "Warn", &anything())).await.unwrap();
    talk.apply(&reader("orders", "orders", team)).await.unwrap();
    talk.ready("orders").await;
    talk.pod(bed, "orders", "orders").await.unwrap();
    assert_eq!(talk.read(bed, "orders", team).await, Some(0));
    talk
}

#[tokio::test]
async fn a_policy_that_warns_says_so_and_leaves_access_as_it_is() {
    let bed = house().await;
    let team = "guard-warn";
    let talk = at_work(&bed, team).await;
    let live = Root::of(&bed).role(&role_name(team, "orders")).await.unwrap();
    talk.apply(&policy(team, "Warn", &elsewhere())).await.unwrap();
    let object = talk.reason("orders", "Accepted", "ScopeDenied").await;
    let (status, _, message) = condition(&object, "Accepted");
    assert_eq!(status, "False");
    let kept = "; its access stays as it is, because no ScopePolicy that selects it says `enforcement: Revoke`";
    assert!(message.starts_with("'guard-warn/orders' asks in scope `inbox` ") && message.ends_with(kept), "{message}");
    assert_eq!(condition(&object, "Ready"), ("True", "ScopeDenied", message));
    assert_eq!(condition(&object, "Stalled").0, "");
    let cut: String = message.chars().take(64).collect();
    let told = talk.heard("orders", "ScopeDenied", &cut).await;
    assert_eq!((told.kind.as_str(), told.count), ("Warning", 1));
    assert_eq!(talk.read(&bed, "orders", team).await, Some(0));
    talk.pod(&bed, "new", "orders").await.expect("new pods get it too");
    assert_eq!(Root::of(&bed).role(&role_name(team, "orders")).await.unwrap(), live);

    talk.apply(&policy(team, "Warn", &anything())).await.unwrap();
    let object = talk.reason("orders", "Accepted", "Accepted").await;
    assert_eq!((condition(&object, "Accepted").0, condition(&object, "Ready").1), ("True", "Verified"));
}

#[tokio::test]
async fn a_policy_that_revokes_denies_sessions_that_have_begun_until_it_fits_again() {
    let bed = house().await;
    let team = "guard-revoke";
    let talk = at_work(&bed, team).await;
    let live = Root::of(&bed).role(&role_name(team, "orders")).await.unwrap();
    let folder = bed.dir().join("pods/guard-revoke");
    std::fs::create_dir_all(&folder).unwrap();
    let python = bed.workload(&[]).unwrap().remove(0);
    let program = [&python, "-c", TWICE, &folder.to_string_lossy(), team].map(str::to_owned);
    let session = bed.run_pod(team, "orders", &program);
    let revoke = async {
        let began = async || if folder.join("began").exists() { Ok(()) } else { Err(String::new()) };
        until("the session's first read", began).await;
        talk.apply(&policy(team, "Revoke", &elsewhere())).await.unwrap();
        let object = talk.reason("orders", "Ready", "Revoked").await;
        std::fs::write(folder.join("go"), "").unwrap();
        object
    };
    let (run, object) = tokio::join!(session, revoke);
    let run = run.unwrap();
    assert_eq!((run.status.code(), run.stderr.trim()), (Some(1), "AccessDenied"));
    let (_, reason, why) = condition(&object, "Accepted");
    assert_eq!(reason, "ScopeDenied");
    let message = format!("its role is denied everything until it fits again: {why}");
    assert_eq!(condition(&object, "Provisioned"), ("False", "Revoked", &*message));
    assert_eq!(condition(&object, "Stalled"), ("True", "Revoked", &*message));
    assert_eq!(talk.heard("orders", "Revoked", "its role is denied everything").await.kind, "Warning");
    let refused = talk.pod(&bed, "late", "orders").await.unwrap_err();
    assert!(refused.contains("ScopeDenied: 'guard-revoke/orders' asks in scope `inbox`"), "{refused}");

    talk.apply(&policy(team, "Revoke", &anything())).await.unwrap();
    let object = talk.ready("orders").await;
    assert_eq!(condition(&object, "InSync").1, "InSync", "its own denial is no drift");
    assert_eq!(Root::of(&bed).role(&role_name(team, "orders")).await.unwrap(), live);
    assert_eq!(talk.read(&bed, "orders", team).await, Some(0));
    talk.pod(&bed, "late", "orders").await.unwrap();
}

#[tokio::test]
async fn a_policy_asks_the_cloud_nothing_about_those_it_does_not_speak_for() {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    let mut talks = Vec::new();
    for team in ["shop", "bank"] {
        let talk = Talk { client: bed.client().await.unwrap(), namespace: team.to_owned() };
        let labels = json!({NAMESPACE_LABEL.0: NAMESPACE_LABEL.1, "team": team});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": team, "labels": labels}});
        talk.apply(&namespace).await.unwrap();
        talk.apply(&policy(team, "Warn", &anything())).await.unwrap();
        talk.apply(&reader("orders", "orders", team)).await.unwrap();
        talk.ready("orders").await;
        talks.push(talk);
    }
    let bank = talks[1].get("orders").await;
    bed.reset_counts().await.unwrap();
    for (allow, reason) in [(elsewhere(), "ScopeDenied"), (anything(), "Accepted")] {
        talks[0].apply(&policy("shop", "Warn", &allow)).await.unwrap();
        talks[0].reason("orders", "Accepted", reason).await;
    }
    let counts = bed.counts().await.unwrap();
    let asked: BTreeSet<&str> = counts.calls.keys().map(String::as_str).collect();
    assert!(asked.iter().all(|call| CHECKS.contains(call)), "{counts:?}");
    assert_eq!(talks[1].get("orders").await, bank, "nothing was written about it");
}
