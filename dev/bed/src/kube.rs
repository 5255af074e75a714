//! What the bed puts into the API server: the chart's objects and its own account.

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::cloud;
use crate::error::{BedError, Doing, Result};
use crate::issuers;
use crate::layout::Layout;
use crate::parts::{INSTALLATION, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE};
use crate::state::State;

/// The name of the bed's `CloudAccount`.
pub const ACCOUNT_NAME: &str = "bed";
/// The label of the namespaces that the account selects.
pub const NAMESPACE_LABEL: (&str, &str) = ("ambit.dev/tenant", "yes");
/// The audience of the tokens that the cloud takes.
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// Long enough for any bed: the operator's token is made anew at each start of the operator.
const OPERATOR_TOKEN_SECONDS: i64 = 7 * 24 * 3600;

/// A client of its own runtime: each test makes its own, so that none outlives the runtime it belongs to.
pub(crate) async fn client(layout: &Layout) -> Result<Client> {
    // Fails only where a provider is installed already, which serves as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let path = layout.kubeconfig();
    let wrong = |source| BedError::Kubeconfig { path: path.clone(), source: Box::new(source) };
    let kubeconfig = Kubeconfig::read_from(&path).map_err(wrong)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(wrong)?;
    Client::try_from(config).doing(|| "make a client of the API server".to_owned())
}

/// Whether the API server says that it is ready.
pub(crate) async fn ready(client: &Client) -> std::result::Result<(), String> {
    let request = hyper::Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
    match client.request_text(request).await {
        Ok(text) if text == "ok" => Ok(()),
        Ok(text) => Err(text),
        Err(error) => Err(crate::error::chain(&error)),
    }
}

/// Lets everybody read the discovery document and the keys of the token issuer, as the cloud must.
pub(crate) async fn publish_issuer(client: &Client) -> Result<()> {
    let binding: ClusterRoleBinding = object(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "bed-issuer-discovery"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                    "name": "system:service-account-issuer-discovery"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:unauthenticated"}],
    }))?;
    Api::<ClusterRoleBinding>::all(client.clone())
        .patch("bed-issuer-discovery", &PatchParams::apply("bed"), &Patch::Apply(binding))
        .await
        .doing(|| "publish the token issuer".to_owned())?;
    Ok(())
}

/// Makes a namespace, with labels, unless it is there.
pub(crate) async fn namespace(client: &Client, name: &str, labels: &[(&str, &str)]) -> Result<()> {
    let labels: serde_json::Map<String, Value> =
        labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let namespace: Namespace =
        object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))?;
    Api::<Namespace>::all(client.clone())
        .patch(name, &PatchParams::apply("bed"), &Patch::Apply(namespace))
        .await
        .doing(|| format!("make the namespace `{name}`"))?;
    Ok(())
}

/// Whether the controllers have made the service account that pods get by default.
pub(crate) async fn default_account(client: &Client) -> std::result::Result<(), String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    accounts.get("default").await.map(drop).map_err(|error| error.to_string())
}

/// A token of the operator's service account.
pub(crate) async fn operator_token(client: &Client) -> Result<String> {
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(OPERATOR_TOKEN_SECONDS), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    mint(client, OPERATOR_NAMESPACE, OPERATOR_ACCOUNT, &request).await
}

/// Asks the API server for a token of a service account.
pub(crate) async fn mint(client: &Client, namespace: &str, account: &str, request: &TokenRequest) -> Result<String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let answer = accounts
        .create_token_request(account, &PostParams::default(), request)
        .await
        .doing(|| format!("get a token of the service account `{namespace}/{account}`"))?;
    Ok(answer.status.map(|status| status.token).unwrap_or_default())
}

/// Whether the chart's admission policies are in effect: a pod that asks for an
/// identity must be refused while its namespace has none.
pub(crate) async fn admission(client: &Client) -> std::result::Result<(), String> {
    let pod: Pod = object(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "bed-asks-for-an-identity", "labels": {"ambit.dev/identity": "required"}},
        "spec": {"containers": [{"name": "main", "image": "none"}]},
    }))
    .map_err(|error| error.to_string())?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    match Api::<Pod>::namespaced(client.clone(), "default").create(&dry_run, &pod).await {
        Err(kube::Error::Api(status)) if status.message.contains("ValidatingAdmissionPolicy") => Ok(()),
        Err(error) => Err(crate::error::chain(&error)),
        Ok(_) => Err("a pod that asks for an identity is still admitted without one".to_owned()),
    }
}

/// The bed's `CloudAccount`.
pub(crate) fn account(state: &State) -> Value {
    let (label, value) = NAMESPACE_LABEL;
    let mut account = json!({
        "apiVersion": "ambit.dev/v1alpha1",
        "kind": "CloudAccount",
        "metadata": {"name": ACCOUNT_NAME},
        "spec": {
            "aws": {
                "accountId": cloud::ACCOUNT_ID,
                "partition": "aws",
                "region": cloud::REGION,
                "rolePath": "/ambit/",
                "permissionsBoundaryArn": cloud::boundary_arn(),
                "federation": {"webIdentity": {
                    "issuer": state.issuer(), "audience": AUDIENCE, "provider": "Create",
                }, "pipelines": issuers::declared()},
            },
            "namespaceSelector": {"matchLabels": {label: value}},
            "sweepInterval": state.options.sweep_interval,
            "requestsPerSecond": state.options.requests_per_second,
        },
    });
    if state.options.events {
        account["spec"]["events"] = json!({"aws": {"queueUrl": cloud::queue_url()}});
    }
    if state.options.pod_identity {
        account["spec"]["aws"]["federation"] = json!({"podIdentity": {"clusterName": cloud::CLUSTER_NAME}});
    }
    if state.options.access_keys {
        account["spec"]["aws"]["accessKeys"] = json!("Allowed");
    }
    account
}

/// Arguments with which Helm renders the chart for the bed.
pub(crate) fn chart_arguments(chart: &str, more: &[String]) -> Vec<String> {
    let installation = format!("installation={INSTALLATION}");
    let mut arguments: Vec<String> =
        ["template", OPERATOR_ACCOUNT, chart, "--namespace", OPERATOR_NAMESPACE, "--set", &installation]
            .map(str::to_owned)
            .into();
    for value in more {
        arguments.extend(["--set".to_owned(), value.clone()]);
    }
    arguments
}

/// The chart's objects as two lists: what must be known first, and the rest.
/// No kubelet runs here, so no copy of the operator is asked for.
pub(crate) fn split(rendered: &str) -> Result<(Value, Value)> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(rendered)
        .map_err(|error| BedError::Parse { what: "the rendered chart".to_owned(), problem: error.to_string() })?;
    let (first, mut rest): (Vec<Value>, Vec<Value>) = objects
        .into_iter()
        .filter(|object| !object.is_null())
        .partition(|object| object["kind"] == "CustomResourceDefinition");
    for object in &mut rest {
        if object["kind"] == "Deployment" {
            object["spec"]["replicas"] = json!(0);
        }
    }
    let list = |items: Vec<Value>| json!({"apiVersion": "v1", "kind": "List", "items": items});
    Ok((list(first), list(rest)))
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| BedError::Parse { what: "an object of the bed".to_owned(), problem: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_come_first_and_the_deployment_has_no_copies() {
        let rendered = "---\n# a comment only\n---\nkind: Deployment\nspec: {replicas: 2}\n---\nkind: CustomResourceDefinition\n---\nkind: ServiceAccount\n";
        let (first, rest) = split(rendered).unwrap();
        assert_eq!(first["items"], json!([{"kind": "CustomResourceDefinition"}]));
        assert_eq!(rest["items"], json!([{"kind": "Deployment", "spec": {"replicas": 0}}, {"kind": "ServiceAccount"}]));
    }

    #[test]
    fn a_chart_that_is_not_yaml_is_named() {
        assert!(split("a: [").unwrap_err().to_string().starts_with("cannot read the rendered chart: "));
    }
}
