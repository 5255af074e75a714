//! Guardrails from outside: generated pairs of policies and identities, judged
//! by requests as well, and escapes that somebody might try.

mod allowance;
mod escapes;
mod generated;
mod pairs;
mod sampled;

use std::collections::BTreeMap;
use std::sync::Arc;

use ambit::api::v1alpha1::{CloudAccount, MachineIdentity, ScopePolicy};
use ambit::names::{IdentityKey, InstallationId};
use ambit::plan::{Declaration, Grounds, Refusal, Resolved, resolve};
use ambit::policy::Catalogue;
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";

/// A policy for every namespace.
fn policy(name: &str, rules: &Value) -> serde_json::Result<ScopePolicy> {
    let mut spec = json!({"namespaceSelector": {}});
    for (field, value) in rules.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    let object =
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": name}, "spec": spec});
    serde_json::from_value(object)
}

/// An identity with these scopes, and whatever else is set.
fn identity(key: &IdentityKey, rest: &Value) -> serde_json::Result<MachineIdentity> {
    let mut spec = json!({"accountRef": {"name": "prod"}, "subject": {"serviceAccount": {"name": "app"}}});
    for (field, value) in rest.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    let metadata = json!({"name": key.name, "namespace": key.namespace, "uid": "uid-1", "generation": 1});
    serde_json::from_value(
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity", "metadata": metadata, "spec": spec}),
    )
}

fn account() -> CloudAccount {
    let aws = json!({
        "accountId": ACCOUNT, "region": "eu-west-1",
        "permissionsBoundaryArn": format!("arn:aws:iam::{ACCOUNT}:policy/bounds"),
        "federation": {"webIdentity": {"issuer": "https://oidc.example.com/id/A"}},
    });
    let spec = json!({"aws": aws, "namespaceSelector": {}});
    let object =
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": "prod"}, "spec": spec});
    serde_json::from_value(object).unwrap()
}

/// What the operator would say of an identity.
fn judged(key: &IdentityKey, identity: &MachineIdentity, policies: Vec<ScopePolicy>) -> Result<Resolved, Refusal> {
    let installation = InstallationId::parse("sim").unwrap();
    let grounds = Grounds {
        installation: &installation,
        account: Some(Arc::new(account())),
        namespace_labels: BTreeMap::new(),
        policies: policies.into_iter().map(Arc::new).collect(),
        earlier_claim: None,
    };
    resolve(Declaration { identity, key }, &grounds, Catalogue::embedded())
}
