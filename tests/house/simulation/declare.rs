//! The objects that simulations are about.

use std::sync::Arc;

use ambit::api::v1alpha1::{
    AccessKeyPolicy, CloudAccount, DeliveryMethod, MachineIdentity, ScopePolicy, TokenSpec, WebIdentitySpec,
};
use serde_json::{Value, json};

pub const ACCOUNT: &str = "prod";
pub const ACCOUNT_ID: &str = "123456789012";
pub const NAMESPACE: &str = "shop";
pub const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/ambit-boundary";
pub const OTHER_BOUNDARY: &str = "arn:aws:iam::123456789012:policy/ambit-boundary-2";
pub const ISSUER: &str = "https://oidc.example.com/id/A";
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// The cluster, where EKS hands roles to pods.
pub const CLUSTER: &str = "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu";
/// Another cluster of the account.
pub const OTHER_CLUSTER: &str = "arn:aws:eks:us-east-1:123456789012:cluster/prod-eu";

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// An account whose roles have this boundary.
pub fn account(boundary: &str) -> Arc<CloudAccount> {
    Arc::new(read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount",
        "metadata": {"name": ACCOUNT, "uid": "uid-account", "generation": 1},
        "spec": {
            "aws": {
                "accountId": ACCOUNT_ID, "region": "eu-west-1", "permissionsBoundaryArn": boundary,
                "federation": {"webIdentity": {"issuer": ISSUER}},
            },
            "namespaceSelector": {},
        },
    })))
}

/// An account whose pods get their credentials from the webhook of EKS.
pub fn annotated_account() -> Arc<CloudAccount> {
    let mut account = (*account(BOUNDARY)).clone();
    web(&mut account).delivery = DeliveryMethod::ServiceAccountAnnotation;
    Arc::new(account)
}

/// An account whose tokens live for half an hour, in another directory.
pub fn account_of_other_tokens() -> Arc<CloudAccount> {
    let mut account = (*account(BOUNDARY)).clone();
    let expiration = std::time::Duration::from_mins(30).into();
    web(&mut account).token = Some(TokenSpec { expiration, directory: "/var/run/secrets/cloud".to_owned() });
    Arc::new(account)
}

fn web(account: &mut CloudAccount) -> &mut WebIdentitySpec {
    account.spec.aws.as_mut().and_then(|aws| aws.federation.web_identity.as_mut()).unwrap()
}

/// The same, where EKS hands roles to pods.
pub fn pod_identity_account(boundary: &str) -> Arc<CloudAccount> {
    let mut account = CloudAccount::clone(&account(boundary));
    account.spec.aws.as_mut().unwrap().federation = read(json!({"podIdentity": {"clusterName": "prod-eu"}}));
    Arc::new(account)
}

/// A policy that selects every namespace and allows anything.
pub fn scope_policy() -> Arc<ScopePolicy> {
    policy(&json!({"namespaceSelector": {}, "allow": [{"name": "any", "actions": ["*"], "resources": ["*"]}]}))
}

/// The same, and credentials in Secrets too.
pub fn generous_policy() -> Arc<ScopePolicy> {
    policy(&json!({"namespaceSelector": {}, "allow": [{"name": "any", "actions": ["*"], "resources": ["*"]}],
        "credentialTypes": ["Federation", "SessionSecret", "AccessKey"]}))
}

/// An account that lets identities have access keys.
pub fn account_with_keys() -> Arc<CloudAccount> {
    let mut account = CloudAccount::clone(&account(BOUNDARY));
    account.spec.aws.as_mut().unwrap().access_keys = AccessKeyPolicy::Allowed;
    Arc::new(account)
}

/// A policy that selects every namespace and allows no more than to receive
/// messages from the inbox.
pub fn narrow_policy(enforcement: &str) -> Arc<ScopePolicy> {
    let inbox = json!({"name": "inbox", "actions": ["sqs:ReceiveMessage"],
        "resources": ["arn:aws:sqs:eu-west-1:123456789012:orders-in"]});
    policy(&json!({"namespaceSelector": {}, "allow": [inbox], "enforcement": enforcement}))
}

/// A policy for other namespaces.
pub fn policy_of_others() -> Arc<ScopePolicy> {
    policy(&json!({"namespaceSelector": {"matchLabels": {"team": "bank"}}, "enforcement": "Revoke"}))
}

fn policy(spec: &Value) -> Arc<ScopePolicy> {
    Arc::new(read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "all"}, "spec": spec,
    })))
}

/// A new object as the API server stores it.
pub fn identity(name: &str, uid: &str) -> MachineIdentity {
    read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "uid": uid, "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "accountRef": {"name": ACCOUNT},
            "subject": {"serviceAccount": {"name": "orders"}},
            "scopes": [
                {"name": "inbox", "actions": ["sqs:ReceiveMessage"],
                 "resources": ["arn:aws:sqs:eu-west-1:123456789012:orders-in"]},
                {"name": "publish", "actions": ["sqs:SendMessage"],
                 "resources": ["arn:aws:sqs:eu-west-1:123456789012:orders"]},
            ],
        },
    }))
}
