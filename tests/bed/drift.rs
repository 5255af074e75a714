//! What somebody changes by hand is found, told and undone.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::eyes::condition;
use crate::house::{House, Talk, house};
use crate::main_job::reader;
use crate::root::{EVERYTHING, Live, Root, role_name};

/// What an allowance of everything in S3 adds to reading objects of one bucket.
const MORE: &str = "can now remove the policy of bucket `x`; can now use `s3:AssociateAccessGrantsIdentityCenter` on resource `arn:aws:s3:us-east-1:123456789012:access-grants/default`; can now use `s3:BypassGovernanceRetention` on object `x/x`; and 45 more kinds of access";

/// An identity as it stood before somebody came.
struct Stage {
    bed: House,
    talk: Talk,
    root: Root,
    role: String,
    before: Value,
    live: Live,
}

async fn stage(namespace: &str) -> Stage {
    let bed = house().await;
    let talk = bed.tenant(namespace).await;
    let (root, role) = (Root::of(&bed), role_name(namespace, "orders"));
    talk.apply(&reader("orders", "orders", "drift-in")).await.unwrap();
    let before = talk.ready("orders").await;
    let live = root.role(&role).await.unwrap();
    Stage { bed, talk, root, role, before, live }
}

impl Stage {
    /// What was done must be told as this part and in these words, and be undone.
    async fn found(self, part: &str, (class, severity): (&str, &str), summary: &str) {
        let shown = ["permissions", "trust", "inlinePolicy"].contains(&part) && class != "Missing";
        assert_ne!(self.root.role(&self.role).await.unwrap(), self.live, "nothing was changed by hand");
        let repaired = |object: &Value| condition(object, "InSync").1 == "Repaired";
        let versions = self.talk.versions(&self.before, repaired).await;
        let drifted: Vec<&Value> = versions.iter().filter(|one| condition(one, "InSync").1 == "Drifted").collect();
        assert!(!drifted.is_empty(), "the drift was never written down: {}", json!(versions));
        for object in drifted {
            let item = &object["status"]["drift"]["items"][0];
            assert_eq!([&item["part"], &item["class"], &item["summary"]], [part, class, summary]);
            assert_eq!(object["status"]["drift"]["items"].as_array().unwrap().len(), 1);
            assert_eq!(item["severity"], severity);
            assert_eq!(item["witness"]["action"].is_string(), shown, "{item}");
            assert_eq!(object["status"]["drift"]["class"], class);
            assert_eq!(object["status"]["driftCount"], 1);
            assert_eq!(condition(object, "InSync"), ("False", "Drifted", &*format!("{summary}; it is being repaired")));
            assert_eq!(condition(object, "Ready").0, "False");
        }
        let last = versions.last().unwrap();
        assert_eq!(condition(last, "InSync"), ("True", "Repaired", &*format!("repaired: {summary}")));
        assert_eq!(condition(last, "Ready").1, "Verified");
        assert_eq!(last["status"]["drift"], Value::Null);
        assert_eq!(self.root.role(&self.role).await.unwrap(), self.live, "it is as it was, with the same id");
        let told = self.talk.heard("orders", "Repaired", summary).await;
        assert_eq!((told.kind.as_str(), told.count), ("Normal", 1));
        let told = self.talk.heard("orders", "Drifted", summary).await;
        assert_eq!((told.kind.as_str(), told.count), ("Warning", 1));
    }
}

#[tokio::test]
async fn an_attached_policy_is_detached() {
    let stage = stage("drift-attached").await;
    let arn = stage.root.attach(&stage.role).await;
    let summary = format!("the managed policy `{arn}` is attached and was not declared");
    stage.found("attachment", ("Foreign", "critical"), &summary).await;
}

#[tokio::test]
async fn another_inline_policy_is_removed() {
    let stage = stage("drift-inline").await;
    stage.root.put_inline(&stage.role, "extra", EVERYTHING).await;
    let summary = format!("the inline policy `extra` is there and was not declared: {MORE}");
    stage.found("inlinePolicy", ("Foreign", "critical"), &summary).await;
}

#[tokio::test]
async fn changed_permissions_are_set_back() {
    let stage = stage("drift-permissions").await;
    stage.root.put_inline(&stage.role, "ambit", EVERYTHING).await;
    let summary = format!("the permissions policy allows more than was declared, for example: {MORE}");
    stage.found("permissions", ("Widened", "critical"), &summary).await;
}

#[tokio::test]
async fn lost_permissions_are_given_back() {
    let stage = stage("drift-lost").await;
    stage.root.iam.delete_role_policy().role_name(&stage.role).policy_name("ambit").send().await.unwrap();
    stage.found("permissions", ("Missing", "warning"), "the permissions policy is missing").await;
}

#[tokio::test]
async fn widened_trust_is_narrowed() {
    let stage = stage("drift-trust").await;
    let wide = stage.live.trust.to_string().replace(":orders\"", ":*\"").replace("StringEquals", "StringLike");
    assert_ne!(wide, stage.live.trust.to_string());
    let update = stage.root.iam.update_assume_role_policy().role_name(&stage.role);
    update.policy_document(wide).send().await.unwrap();
    let provider = stage.live.trust["Statement"][0]["Principal"]["Federated"].as_str().unwrap();
    let issuer = provider.split_once("oidc-provider/").unwrap().1;
    let summary = format!(
        "the trust policy allows more than was declared, for example: subject `system:serviceaccount:drift-trust:x` of issuer `{issuer}` for audience `sts.amazonaws.com` can now assume this role"
    );
    stage.found("trust", ("Widened", "critical"), &summary).await;
}

#[tokio::test]
async fn a_removed_boundary_is_put_back() {
    let stage = stage("drift-boundary").await;
    stage.root.iam.delete_role_permissions_boundary().role_name(&stage.role).send().await.unwrap();
    stage.found("boundary", ("Missing", "critical"), "the role has no permissions boundary").await;
}

#[tokio::test]
async fn a_longer_session_is_shortened() {
    let stage = stage("drift-session").await;
    stage.root.iam.update_role().role_name(&stage.role).max_session_duration(43_200).send().await.unwrap();
    stage.found("sessionDuration", ("Widened", "critical"), "a session may last 43200 s instead of 3600 s").await;
}

#[tokio::test]
async fn a_lost_uid_tag_is_written_again() {
    let stage = stage("drift-tag").await;
    stage.root.iam.untag_role().role_name(&stage.role).tag_keys("ambit.dev/uid").send().await.unwrap();
    stage.found("tags", ("Missing", "warning"), "the ownership tags do not name this identity's UID").await;
}

#[tokio::test]
async fn a_deleted_role_is_missed_twice_and_then_made_anew() {
    let stage = stage("drift-deleted").await;
    let (talk, bed) = (&stage.talk, &stage.bed);
    bed.plant(&["buckets", "drift-in"]).await.unwrap();
    talk.pod(bed, "orders", "orders").await.unwrap();
    stage.root.delete(&stage.role).await;

    let repaired = |object: &Value| condition(object, "InSync").1 == "Repaired";
    let versions = talk.versions(&stage.before, repaired).await;
    let messages: Vec<(&str, &str)> =
        versions.iter().map(|one| (condition(one, "InSync").1, condition(one, "InSync").2)).collect();
    let summary = "the role was deleted by somebody else";
    let live = stage.root.role(&stage.role).await.unwrap();
    let (old, new) = (&stage.live.id, &live.id);
    let repaired = format!("repaired: {summary}; the role's unique id was `{old}` and is `{new}` now");
    assert_eq!(
        messages,
        [
            ("Drifted", "the role was not found; it is looked for again in 1 s and then made anew"),
            ("Drifted", &*format!("{summary}; it is being repaired")),
            ("Repaired", &*repaired),
        ]
    );
    let missing = &versions[1]["status"]["drift"]["items"][0];
    assert_eq!([&missing["part"], &missing["class"], &missing["summary"]], ["role", "Missing", summary]);
    assert_ne!(live.id, stage.live.id);
    assert_eq!(Live { id: stage.live.id.clone(), ..live.clone() }, stage.live);
    assert_eq!(versions[2]["status"]["aws"]["roleId"], live.id);
    assert_eq!(talk.heard("orders", "Repaired", summary).await.count, 1);
    assert_eq!(talk.read(bed, "orders", "drift-in").await, Some(0), "its pods go on");
}

#[tokio::test]
async fn a_deleted_service_account_is_made_again_and_a_table_is_written_anew() {
    let stage = stage("drift-cluster").await;
    let (talk, bed) = (&stage.talk, &stage.bed);
    let entry = talk.entry("orders").await;
    assert_eq!(entry["ready"], true);
    talk.kind("v1", "ServiceAccount").delete("orders", &DeleteParams::default()).await.unwrap();
    talk.kind("ambit.dev/v1alpha1", "BindingTable").delete("ambit", &DeleteParams::default()).await.unwrap();
    crate::house::until("the table's entry", async || {
        let found = talk.entry("orders").await;
        if found == entry { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
    assert!(talk.kind("v1", "ServiceAccount").get_opt("orders").await.unwrap().is_some());
    let repaired = |object: &Value| condition(object, "InSync").1 == "Repaired";
    let versions = talk.versions(&stage.before, repaired).await;
    let items = versions.iter().filter_map(|one| one["status"]["drift"]["items"].as_array()).flatten();
    let told: BTreeSet<(&str, &str)> =
        items.map(|item| (item["part"].as_str().unwrap(), item["class"].as_str().unwrap())).collect();
    assert!(told.contains(&("bindingTable", "Missing")), "{told:?}");
    assert!(told.contains(&("serviceAccount", "Missing")), "{told:?}");
    talk.heard("orders", "Repaired", "service account").await;
    talk.pod(bed, "orders", "orders").await.unwrap();
    let names: BTreeMap<String, Value> = serde_json::from_value(entry).unwrap();
    assert_eq!(names["identity"], "orders");
}
