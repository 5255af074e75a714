//! Which pods are refused, and in which words.

use kube::api::ListParams;
use serde_json::{Value, json};

use super::pods::{annotation, environment, pod, refusal, required};
use crate::house::{Talk, house, identity, merged, until};

/// An identity that is never accepted: S3 has no such action.
fn hopeless(name: &str) -> Value {
    let scope = json!({"name": "inbox", "actions": ["s3:GetObjekt"], "resources": ["arn:aws:s3:::orders-in/*"]});
    merged(identity(name, name), &json!({"spec": {"scopes": [scope]}}))
}

async fn accounts(talk: &Talk, names: &[&str]) {
    for name in names {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        talk.apply(&account).await.unwrap();
    }
}

#[tokio::test]
async fn a_pod_whose_identity_is_not_ready_is_refused_with_the_reason() {
    let house = house().await;
    let talk = house.tenant("gate-not-ready").await;
    accounts(&talk, &["orders"]).await;
    talk.apply(&hopeless("orders")).await.unwrap();
    let refused = talk.condition("orders", "Accepted", "False").await;
    let conditions = refused["status"]["conditions"].as_array().unwrap();
    let accepted = conditions.iter().find(|condition| condition["type"] == "Accepted").unwrap();
    let (reason, message) = (accepted["reason"].as_str().unwrap(), accepted["message"].as_str().unwrap());
    assert_eq!(reason, "UnknownAction");
    assert!(message.contains("did you mean"), "{message}");
    let expected = format!(
        "machine identity `orders` of service account `orders` is not ready ({reason}: {message}); the pod can start once it is; to see what it waits for: kubectl get mid orders -n gate-not-ready"
    );
    assert_eq!(refusal(talk.try_create(&pod("web", "orders")).await, "pod-gate"), expected);
    // One refusal, and the one that helps.
    assert_eq!(refusal(talk.try_create(&required(pod("web", "orders"))).await, "pod-gate"), expected);
    // Others of the namespace are not held up.
    talk.try_create(&pod("web", "default")).await.unwrap();
}

#[tokio::test]
async fn a_pod_that_asks_for_an_identity_is_refused_while_there_is_none() {
    let house = house().await;
    let talk = house.tenant("gate-required").await;
    accounts(&talk, &["orders"]).await;
    let expected = |account: &str| {
        format!(
            "the pod is labelled `ambit.dev/identity: required`, but no machine identity in namespace `gate-required` is bound to service account `{account}` yet; to see which there are: kubectl get mid -n gate-required"
        )
    };
    // Without any table in the namespace, and with one that does not have the service account.
    assert_eq!(refusal(talk.try_create(&required(pod("web", "orders"))).await, "pod-required"), expected("orders"));
    let forged =
        merged(required(pod("web", "orders")), &json!({"metadata": {"annotations": {"ambit.dev/identity": "x"}}}));
    assert_eq!(refusal(talk.try_create(&forged).await, "pod-required"), expected("orders"));
    talk.apply(&identity("orders", "orders")).await.unwrap();
    talk.ready("orders").await;
    assert_eq!(refusal(talk.try_create(&required(pod("web", "default"))).await, "pod-required"), expected("default"));
    // The API server may learn of the new table a moment later.
    until("the pod's admission", async || {
        talk.try_create(&required(pod("web", "orders"))).await.map_err(|status| status.message)
    })
    .await;
}

#[tokio::test]
async fn a_volume_that_only_has_the_right_name_is_refused() {
    let house = house().await;
    let talk = house.tenant("gate-volume").await;
    talk.apply(&identity("orders", "orders")).await.unwrap();
    talk.ready("orders").await;
    let expected = "volume `ambit-token` must hold a service account token for the audience `sts.amazonaws.com` under the path `token`; rename the volume of the pod, and the right one is added by itself";
    let token = |audience: &str, path: &str| {
        let source = json!({"serviceAccountToken": {"audience": audience, "path": path}});
        json!({"name": "ambit-token", "projected": {"sources": [source]}})
    };
    for volume in [
        json!({"name": "ambit-token", "emptyDir": {}}),
        token("https://other.example", "token"),
        token("sts.amazonaws.com", "elsewhere"),
    ] {
        let wrong = merged(pod("web", "orders"), &json!({"spec": {"volumes": [volume]}}));
        assert_eq!(refusal(talk.try_create(&wrong).await, "pod-gate"), expected, "{volume}");
    }
}

#[tokio::test]
async fn a_pod_may_start_without_where_the_identity_says_so() {
    let house = house().await;
    let talk = house.tenant("gate-allow").await;
    accounts(&talk, &["orders"]).await;
    talk.apply(&merged(hopeless("orders"), &json!({"spec": {"podAdmission": "Allow"}}))).await.unwrap();
    talk.condition("orders", "Accepted", "False").await;
    let made = talk.try_create(&pod("web", "orders")).await.unwrap();
    assert_eq!(*annotation(&made), Value::Null);
    assert_eq!(environment(&made["spec"]["containers"][0]), []);
}

fn deployment(name: &str) -> Value {
    let labels = json!({"app": name, "ambit.dev/identity": "required"});
    let template = json!({"metadata": {"labels": labels}, "spec": pod(name, name)["spec"]});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
    })
}

/// What the controller of a deployment's pods says, or nothing.
async fn failure(talk: &Talk) -> Option<String> {
    let sets = talk.kind("apps/v1", "ReplicaSet").list(&ListParams::default()).await.unwrap();
    let conditions = sets.items.first().map(|set| set.data["status"]["conditions"].clone())?;
    let failed = conditions.as_array()?.iter().find(|condition| condition["type"] == "ReplicaFailure")?.clone();
    failed["message"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_deployment_gets_its_pod_once_its_identity_is_ready() {
    let house = house().await;
    let talk = house.tenant("gate-late").await;
    accounts(&talk, &["late"]).await;
    talk.apply(&deployment("late")).await.unwrap();
    let said = until("a refused pod", async || failure(&talk).await.ok_or_else(String::new)).await;
    assert!(
        said.contains("no machine identity in namespace `gate-late` is bound to service account `late` yet"),
        "{said}"
    );

    talk.apply(&identity("late", "late")).await.unwrap();
    let made = until("the deployment's pod", async || {
        let pods = talk.kind("v1", "Pod").list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        pods.items.first().map(|pod| json!(pod)).ok_or_else(|| "no pod".to_owned())
    })
    .await;
    assert_eq!(*annotation(&made), "late");
    assert_eq!(environment(&made["spec"]["containers"][0]).len(), 5);
}
