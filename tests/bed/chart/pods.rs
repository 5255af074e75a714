//! Pods and what the policies did to them.

use ambit_bed::OPERATOR_ACCOUNT;
use kube::core::Status;
use serde_json::{Value, json};

use crate::house::merged;

/// A pod with one container, which no kubelet will ever run.
pub fn pod(name: &str, service_account: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"serviceAccountName": service_account, "containers": [{"name": "main", "image": "none"}]},
    })
}

/// The same pod, which must not start without an identity.
pub fn required(pod: Value) -> Value {
    merged(pod, &json!({"metadata": {"labels": {"ambit.dev/identity": "required"}}}))
}

/// What a policy of the chart said when it refused.
#[track_caller]
pub fn refusal(result: Result<Value, Box<Status>>, policy: &str) -> String {
    let Err(status) = result else { panic!("`{policy}` must refuse") };
    let name = format!("{OPERATOR_ACCOUNT}-{policy}");
    let before = format!("ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: ");
    let Some((_, said)) = status.message.split_once(&before) else { panic!("not by `{policy}`: {}", status.message) };
    assert_eq!(status.code, 403);
    said.to_owned()
}

/// The identity that a pod was given, by its annotation.
pub fn annotation(pod: &Value) -> &Value {
    &pod["metadata"]["annotations"]["ambit.dev/identity"]
}

/// The pod's volumes apart from those that Kubernetes itself adds.
pub fn volumes(pod: &Value) -> Vec<Value> {
    own(&pod["spec"]["volumes"])
}

/// A container's mounts apart from those that Kubernetes itself adds.
pub fn mounts(container: &Value) -> Vec<Value> {
    own(&container["volumeMounts"])
}

fn own(list: &Value) -> Vec<Value> {
    let all = list.as_array().into_iter().flatten();
    all.filter(|item| !item["name"].as_str().unwrap().starts_with("kube-api-access-")).cloned().collect()
}

/// A container's environment as pairs.
pub fn environment(container: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = container["env"].as_array().into_iter().flatten();
    all.map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect()
}
