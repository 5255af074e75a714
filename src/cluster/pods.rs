//! Pods: those that run without an identity, and those that may use a Secret.

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, ResourceExt as _};

use super::error::ClusterError;
use super::kubernetes::bounded;
use super::port::Sign;

/// The annotation that Ambit's injection leaves on a pod: the identity's name.
const INJECTED: &str = "ambit.dev/identity";

/// How many pods of a service account do not show the sign.
pub(super) async fn without(api: &Api<Pod>, service_account: &str, sign: Sign<'_>) -> Result<usize, ClusterError> {
    // From the API server's cache: a count that is a moment old is good enough.
    let running = ListParams::default()
        .match_any()
        .fields(&format!("spec.serviceAccountName={service_account},status.phase!=Succeeded,status.phase!=Failed"));
    if let Some(identity) = sign.identity {
        let is_injected =
            |pod: &PartialObjectMeta<Pod>| pod.annotations().get(INJECTED).is_some_and(|name| name == identity);
        let pods = bounded("list pods", api.list_metadata(&running)).await?;
        // As a rule that is all, and whole pods need not be read.
        if pods.items.iter().all(is_injected) {
            return Ok(0);
        }
    }
    let pods = bounded("list pods", api.list(&running)).await?;
    Ok(pods.items.iter().filter(|pod| !shows(pod, sign)).count())
}

/// The pods that have not ended, page by page, as the API server has them now.
pub(super) async fn running(api: &Api<Pod>) -> Result<Vec<Pod>, ClusterError> {
    const PAGE: u32 = 200;
    let mut wanted = ListParams::default().fields("status.phase!=Succeeded,status.phase!=Failed").limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = bounded("list pods", api.list(&wanted)).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => wanted = wanted.continue_token(&token),
            None => return Ok(all),
        }
    }
}

/// Whether a pod shows the sign: in its annotation, or in the environment of any container.
fn shows(pod: &Pod, sign: Sign<'_>) -> bool {
    let injected = pod.annotations().get(INJECTED).map(String::as_str);
    if sign.identity.is_some() && injected == sign.identity {
        return true;
    }
    let spec = pod.spec.as_ref();
    let containers =
        spec.into_iter().flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
    containers
        .flat_map(|container| container.env.iter().flatten())
        .any(|found| found.name == sign.variable && (sign.value.is_none() || found.value.as_deref() == sign.value))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/ambit/sim/orders";

    fn pod(annotation: Option<&str>, spec: &Value) -> Pod {
        let annotations = annotation.map(|name| json!({INJECTED: name}));
        let metadata = json!({"name": "web", "annotations": annotations});
        serde_json::from_value(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})).unwrap()
    }

    fn with(role: &str) -> Value {
        json!({"name": "main", "env": [{"name": "X", "value": ARN}, {"name": "AWS_ROLE_ARN", "value": role}]})
    }

    #[test]
    fn a_pod_has_an_identity_by_its_annotation_or_its_environment() {
        let (bare, other) = (json!({"name": "main"}), with("arn:aws:iam::123456789012:role/other"));
        let own = json!({"name": "main", "env": [{"name": "X", "value": ARN}]});
        let shown = |annotation: Option<&str>, containers: Value| {
            let pod = pod(annotation, &containers);
            let sign = |identity| Sign { identity, variable: "AWS_ROLE_ARN", value: Some(ARN) };
            [Some("orders"), None].map(|identity| shows(&pod, sign(identity)))
        };
        let one = |container: &Value| json!({"containers": [container]});
        assert_eq!(shown(Some("orders"), one(&bare)), [true, false], "the annotation says nothing of the webhook");
        assert_eq!(shown(Some("mailer"), one(&bare)), [false, false]);
        assert_eq!(shown(None, one(&other)), [false, false], "another role");
        assert_eq!(shown(None, one(&own)), [false, false], "another variable");
        assert_eq!(shown(None, one(&with(ARN))), [true, true]);
        assert_eq!(shown(None, json!({"containers": [bare, with(ARN)]})), [true, true], "one container may be skipped");
        assert_eq!(shown(None, json!({"containers": [bare], "initContainers": [with(ARN)]})), [true, true]);
        let any = Sign { identity: None, variable: "X", value: None };
        let found = |container: &Value| shows(&pod(Some("orders"), &one(container)), any);
        assert_eq!((found(&bare), found(&own)), (false, true), "whatever the variable says");
    }
}
