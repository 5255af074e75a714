//! Roles whose identity is gone, and those that were left behind on purpose; and
//! what the account says of itself.

use ambit_bed::{ACCOUNT_NAME, Bed, BedOptions, Part};
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::eyes::{condition, own_tenant};
use crate::house::{Talk, identity, merged, until};
use crate::root::{Root, role_name};

const NAMESPACE: &str = "orphans";

async fn account(talk: &Talk) -> Value {
    json!(talk.kind("ambit.dev/v1alpha1", "CloudAccount").get(ACCOUNT_NAME).await.unwrap())
}

/// Waits until the account says so.
async fn says(talk: &Talk, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    until(what, async || {
        let object = account(talk).await;
        if holds(&object["status"]) { Ok(object) } else { Err(object["status"].to_string()) }
    })
    .await
}

/// The events about the account that have this reason.
async fn told(talk: &Talk, reason: &str) -> Vec<String> {
    let events: Api<k8s_openapi::api::events::v1::Event> = Api::namespaced(talk.client.clone(), "default");
    let all = events.list(&ListParams::default()).await.unwrap();
    let ours = all.into_iter().filter(|event| event.reason.as_deref() == Some(reason));
    ours.filter_map(|event| event.note).collect()
}

#[tokio::test]
async fn a_role_without_its_identity_goes_and_one_that_was_left_behind_stays() {
    let bed = Bed::start(BedOptions { sweep_interval: "1s".to_owned(), ..BedOptions::default() }).await.unwrap();
    let (talk, root) = (own_tenant(&bed, NAMESPACE).await, Root::of(&bed));
    let tags = [("ambit.dev/installation", "other"), ("ambit.dev/identity", "orphans/none"), ("ambit.dev/uid", "u")];
    let neighbour = root.plant("neighbour", "/ambit/bed/", &tags).await;
    let retain = json!({"spec": {"deletionPolicy": "Retain"}});
    talk.apply(&identity("lost", "lost")).await.unwrap();
    talk.apply(&merged(identity("kept", "kept"), &retain)).await.unwrap();
    let uid = talk.ready("kept").await["metadata"]["uid"].clone();
    talk.ready("lost").await;
    root.attach(&role_name(NAMESPACE, "lost")).await;

    talk.delete("MachineIdentity", "kept").await;
    talk.gone("MachineIdentity", "kept").await;
    let kept = root.role(&role_name(NAMESPACE, "kept")).await.unwrap();
    assert_eq!(json!(kept.tags["ambit.dev/retained"]), uid);
    by_force(&bed, &talk, "lost").await;

    until("the end of the orphan", async || {
        let names = root.names_on("/ambit/bed/").await;
        if names.contains(&role_name(NAMESPACE, "lost")) { Err(format!("{names:?}")) } else { Ok(()) }
    })
    .await;
    let settled = says(&talk, "an account without orphans", |status| {
        status["orphans"]["found"] == 0 && status["orphans"]["removed"] == 1 && status["lastSweep"]["ours"] == 2
    })
    .await;
    assert_eq!((condition(&settled, "Ready").1, condition(&settled, "Swept").1), ("Verified", "SweptInFull"));
    let note = format!("removed roles whose identity is gone: {} of orphans/lost", role_name(NAMESPACE, "lost"));
    assert_eq!(told(&talk, "OrphansRemoved").await, [note]);
    it_says_what_it_is(&settled["status"]);
    it_writes_nothing_more(&bed, &talk).await;
    assert_eq!(root.role(&role_name(NAMESPACE, "kept")).await, Some(kept));
    assert_eq!(root.role("neighbour").await, Some(neighbour));
    bed.finish().unwrap();
}

/// Takes an identity away past its finalizer, while nobody looks.
async fn by_force(bed: &Bed, talk: &Talk, name: &str) {
    bed.stop_part(Part::Operator).await.unwrap();
    talk.delete("MachineIdentity", name).await;
    talk.patch(name, &json!({"metadata": {"finalizers": null}})).await;
    talk.gone("MachineIdentity", name).await;
    bed.start_part(Part::Operator).await.unwrap();
}

fn it_says_what_it_is(status: &Value) {
    assert_eq!(status["identities"], json!({"total": 0, "ready": 0, "notReady": 0, "drifted": 0}));
    assert_eq!(status["provider"]["audiences"], json!(["sts.amazonaws.com"]));
    assert!(status["boundary"]["digest"].as_str().unwrap().starts_with("sha256:"), "{status}");
    assert!(status["usage"]["roles"].as_i64() >= Some(2) && status["usage"]["rolesQuota"] == 200_000, "{status}");
    assert_eq!(status["drift"], Value::Null);
}

/// Sweep after sweep leaves the object as it is, and asks for nothing but pages.
async fn it_writes_nothing_more(bed: &Bed, talk: &Talk) {
    let before = account(talk).await["metadata"]["resourceVersion"].clone();
    bed.reset_counts().await.unwrap();
    let calls = until("four sweeps", async || {
        let calls = bed.counts().await.unwrap().calls;
        let sweeps = calls.get("iam:GetAccountAuthorizationDetails").copied().unwrap_or_default();
        if sweeps >= 4 { Ok(calls) } else { Err(format!("{sweeps}")) }
    })
    .await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(account(talk).await["metadata"]["resourceVersion"], before);
}
