//! What a pod gets when it is created.

use serde_json::{Value, json};

use super::pods::{annotation, environment, mounts, pod, volumes};
use crate::house::{House, Talk, house, identity, merged};

const FOLDER: &str = "/var/run/secrets/ambit.dev";

/// A namespace where service account `orders` has a ready identity of that name.
async fn tenant(house: &House, name: &str) -> (Talk, String) {
    let talk = house.tenant(name).await;
    talk.apply(&identity("orders", "orders")).await.unwrap();
    let ready = talk.ready("orders").await;
    (talk, ready["status"]["aws"]["roleArn"].as_str().unwrap().to_owned())
}

fn injected(role: &str) -> Vec<(String, String)> {
    [
        ("AWS_ROLE_ARN", role),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/ambit.dev/token"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
        ("AWS_REGION", ambit_bed::REGION),
        ("AWS_DEFAULT_REGION", ambit_bed::REGION),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn token_volume() -> Value {
    let token = json!({"audience": "sts.amazonaws.com", "expirationSeconds": 3600, "path": "token"});
    json!({"name": "ambit-token", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": token}]}})
}

fn token_mount() -> Value {
    json!({"name": "ambit-token", "mountPath": FOLDER, "readOnly": true})
}

#[tokio::test]
async fn every_container_gets_token_and_environment() {
    let house = house().await;
    let (talk, role) = tenant(&house, "inject-all").await;
    let containers = json!({
        "containers": [{"name": "main", "image": "none"}, {"name": "side", "image": "none"}],
        "initContainers": [{"name": "first", "image": "none"}],
    });
    let made = talk.try_create(&merged(pod("web", "orders"), &json!({"spec": containers}))).await.unwrap();
    assert_eq!(annotation(&made), "orders");
    assert_eq!(volumes(&made), [token_volume()]);
    for container in ["/spec/containers/0", "/spec/containers/1", "/spec/initContainers/0"] {
        let container = made.pointer(container).unwrap();
        assert_eq!(environment(container), injected(&role), "{}", container["name"]);
        assert_eq!(mounts(container), [token_mount()], "{}", container["name"]);
    }
}

#[tokio::test]
async fn what_the_pod_sets_itself_stays() {
    let house = house().await;
    let (talk, role) = tenant(&house, "inject-own").await;
    let own = json!({"spec": {
        "volumes": [{"name": "data", "emptyDir": {}}],
        "containers": [
            {"name": "main", "image": "none", "env": [{"name": "AWS_REGION", "value": "eu-north-1"}, {"name": "X", "value": "y"}],
             "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            {"name": "other", "image": "none", "volumeMounts": [{"name": "data", "mountPath": format!("{FOLDER}/")}]},
        ],
    }});
    let made = talk.try_create(&merged(pod("web", "orders"), &own)).await.unwrap();
    assert_eq!(volumes(&made), [json!({"name": "data", "emptyDir": {}}), token_volume()]);

    let main = &made["spec"]["containers"][0];
    let mut expected = vec![("AWS_REGION".to_owned(), "eu-north-1".to_owned()), ("X".to_owned(), "y".to_owned())];
    expected.extend(injected(&role).into_iter().filter(|(name, _)| name != "AWS_REGION"));
    assert_eq!(environment(main), expected);
    assert_eq!(mounts(main), [json!({"name": "data", "mountPath": "/data"}), token_mount()]);

    let other = &made["spec"]["containers"][1];
    assert_eq!(mounts(other), [json!({"name": "data", "mountPath": format!("{FOLDER}/")})]);
    assert_eq!(environment(other), injected(&role));
}

/// Tools copy pods, with all that was added to them.
#[tokio::test]
async fn a_copy_of_a_pod_gets_nothing_twice() {
    let house = house().await;
    let (talk, role) = tenant(&house, "inject-copy").await;
    let first = talk.try_create(&pod("web", "orders")).await.unwrap();
    let copy = json!({
        "apiVersion": "v1", "kind": "Pod", "spec": first["spec"],
        "metadata": {"name": "copy", "annotations": first["metadata"]["annotations"]},
    });
    let second = talk.try_create(&copy).await.unwrap();
    assert_eq!(annotation(&second), "orders");
    assert_eq!(volumes(&second), [token_volume()]);
    assert_eq!(environment(&second["spec"]["containers"][0]), injected(&role));
    assert_eq!(mounts(&second["spec"]["containers"][0]), [token_mount()]);
}

#[tokio::test]
async fn a_pod_that_names_no_service_account_uses_the_default_one() {
    let house = house().await;
    let talk = house.tenant("inject-default").await;
    talk.apply(&identity("everybody", "default")).await.unwrap();
    talk.ready("everybody").await;
    let nameless = merged(pod("web", ""), &json!({"spec": {"serviceAccountName": null}}));
    let made = talk.try_create(&nameless).await.unwrap();
    assert_eq!(annotation(&made), "everybody");
    assert_eq!(made["spec"]["serviceAccountName"], "default");
    assert_eq!(volumes(&made), [token_volume()]);
}

#[tokio::test]
async fn a_service_account_without_an_identity_gets_nothing() {
    let house = house().await;
    let (talk, _) = tenant(&house, "inject-none").await;
    talk.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "other"}})).await.unwrap();
    let made = talk.try_create(&pod("web", "other")).await.unwrap();
    untouched(&made);
}

/// An annotation says what the injection did, so nobody else may write it.
#[tokio::test]
async fn an_annotation_written_by_hand_is_taken_away() {
    let house = house().await;
    let (talk, _) = tenant(&house, "inject-forged").await;
    talk.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "other"}})).await.unwrap();
    let forged = json!({"metadata": {"annotations": {"ambit.dev/identity": "payroll", "team": "shop"}}});
    let made = talk.try_create(&merged(pod("web", "other"), &forged)).await.unwrap();
    assert_eq!(made["metadata"]["annotations"], json!({"team": "shop"}));
    let made = talk.try_create(&merged(pod("web", "orders"), &forged)).await.unwrap();
    assert_eq!(made["metadata"]["annotations"], json!({"team": "shop", "ambit.dev/identity": "orders"}));
}

/// The cluster and the operator must be able to start, whatever Ambit thinks.
#[tokio::test]
async fn pods_of_the_system_are_left_alone() {
    let house = house().await;
    for namespace in ["kube-system", ambit_bed::OPERATOR_NAMESPACE] {
        let talk = Talk { namespace: namespace.to_owned(), client: house.client().await.unwrap() };
        let label = json!({"metadata": {"labels": {"ambit.dev/identity": "required"}}});
        let made = talk.try_create(&merged(pod("web", "default"), &label)).await.unwrap();
        untouched(&made);
    }
}

#[track_caller]
fn untouched(pod: &Value) {
    assert_eq!(*annotation(pod), Value::Null);
    assert_eq!(volumes(pod), Vec::<Value>::new());
    assert_eq!(environment(&pod["spec"]["containers"][0]), []);
}
