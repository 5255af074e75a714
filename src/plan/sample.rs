//! An identity, its principal and its account, for the tests of this room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Declaration, Grounds};
use crate::api::v1alpha1::{CloudAccount, MachineIdentity, ScopePolicy};
use crate::domain::{Denial, Desired, Observed, OwnerTags, Reading, SessionSeconds};
use crate::names::{Arn, BoundaryArn, IdentityKey, InstallationId, IssuerUrl, Owner, PrincipalKind, PrincipalName};
use crate::policy::{ClaimTest, Document, nobody, web_identity_trust};

pub const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/ambit-boundary";
pub const CLUSTER: &str = "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu";
pub const ISSUER: &str = "https://oidc.example.com/id/A";

pub fn installation() -> InstallationId {
    InstallationId::parse("sim").unwrap()
}

pub fn key() -> IdentityKey {
    IdentityKey::new("shop", "orders")
}

pub fn owner() -> Owner {
    Owner { installation: installation(), identity: key(), uid: "uid-1".into() }
}

/// Trust in one service account.
pub fn trust(service_account: &str) -> Document {
    let provider = Arn::parse("arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A").unwrap();
    let subject = format!("system:serviceaccount:shop:{service_account}");
    web_identity_trust(
        &provider,
        &IssuerUrl::parse(ISSUER).unwrap(),
        "sts.amazonaws.com",
        &[ClaimTest::is("sub", subject)],
    )
    .unwrap()
}

/// Permissions for these actions.
pub fn permissions(actions: &[&str]) -> Document {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    });
    Document::read(&policy.to_string()).unwrap()
}

/// An inline policy that somebody wrote by hand.
pub fn by_hand(actions: &[&str]) -> BTreeMap<String, Reading> {
    BTreeMap::from([("by-hand".to_owned(), Reading::Document(permissions(actions)))])
}

pub fn desired() -> Desired {
    Desired {
        name: PrincipalName::role(&installation(), &key()),
        owner: owner(),
        trust: trust("orders"),
        permissions: permissions(&["s3:GetObject"]),
        boundary: BoundaryArn::parse(BOUNDARY).unwrap(),
        session: SessionSeconds::MIN,
    }
}

/// The same for an identity that has access keys.
pub fn desired_user() -> Desired {
    Desired { name: PrincipalName::of(PrincipalKind::User, &installation(), &key()), trust: nobody(), ..desired() }
}

/// The live principal that equals a desired one.
pub fn live(desired: &Desired) -> Observed {
    let kind = desired.name.kind();
    Observed {
        kind,
        id: "AROA1".into(),
        arn: format!("arn:aws:iam::123456789012:{}/ambit/sim/{}", kind.word(), desired.name),
        on_our_path: true,
        owner: tags(&desired.owner),
        trust: Reading::Document(desired.trust.clone()),
        boundary: Some(desired.boundary.to_string()),
        session: (kind == PrincipalKind::Role).then(|| desired.session.get()),
        permissions: Some(Reading::Document(desired.permissions.clone())),
        denial: Denial::Absent,
        sessions_denied_before: None,
        other_inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        groups: BTreeSet::new(),
        has_password: (kind == PrincipalKind::User).then_some(false),
        other_tags: BTreeMap::new(),
        complete: true,
    }
}

fn tags(owner: &Owner) -> OwnerTags {
    OwnerTags {
        installation: Some(owner.installation.to_string()),
        identity: Some(owner.identity.to_string()),
        uid: Some(owner.uid.clone()),
        retained: None,
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub fn identity() -> MachineIdentity {
    read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "uid-1", "generation": 1},
        "spec": {
            "accountRef": {"name": "prod"},
            "subject": {"serviceAccount": {"name": "orders"}},
            "scopes": [{"name": "publish", "actions": ["sqs:SendMessage"],
                "resources": ["arn:aws:sqs:eu-west-1:123456789012:orders"]}],
        },
    }))
}

/// An account that selects namespaces of the team `shop`.
pub fn account() -> CloudAccount {
    read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": "prod"},
        "spec": {
            "aws": {
                "accountId": "123456789012", "region": "eu-west-1", "permissionsBoundaryArn": BOUNDARY,
                "federation": {"webIdentity": {"issuer": ISSUER}},
            },
            "namespaceSelector": {"matchLabels": {"team": "shop"}},
        },
    }))
}

/// The same account, where EKS hands roles to pods.
pub fn pod_identity_account() -> CloudAccount {
    let mut account = account();
    let aws = account.spec.aws.as_mut().unwrap();
    aws.federation = read(json!({"podIdentity": {"clusterName": "prod-eu"}}));
    account
}

/// A policy for namespaces of the team `shop`.
pub fn scope_policy() -> ScopePolicy {
    read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "shop"},
        "spec": {"namespaceSelector": {"matchLabels": {"team": "shop"}}, "accountRefs": [{"name": "prod"}],
            "allow": [{"name": "any", "actions": ["*"], "resources": ["*"]}]},
    }))
}

/// Grounds on which the identity is accepted.
pub fn grounds(installation: &InstallationId) -> Grounds<'_> {
    Grounds {
        installation,
        account: Some(Arc::new(account())),
        namespace_labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
        policies: vec![Arc::new(scope_policy())],
        earlier_claim: None,
    }
}

pub fn declaration<'a>(identity: &'a MachineIdentity, key: &'a IdentityKey) -> Declaration<'a> {
    Declaration { identity, key }
}
