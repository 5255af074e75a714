//! Rules of `CloudAccount`.

use serde_json::{Value, json};

use super::Case;
use super::cases::{selectors, short_name};

fn base() -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": "other"},
        "spec": {"aws": {
            "accountId": "123456789012", "region": "eu-west-1",
            "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/ambit-boundary",
            "federation": {"webIdentity": {"issuer": "https://oidc.example.com/id/1"}},
        }},
    })
}

/// The bed's own account, which is stored.
fn stored() -> Value {
    json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": ambit_bed::ACCOUNT_NAME}})
}

fn aws(change: &Value) -> Value {
    json!({"spec": {"aws": change}})
}

fn issuer(url: &str) -> Value {
    aws(&json!({"federation": {"webIdentity": {"issuer": url}}}))
}

fn sweep(interval: &str) -> Value {
    json!({"spec": {"sweepInterval": interval}})
}

const BOUNDARY_OF_CHINA: &str = "arn:aws-cn:iam::123456789012:policy/ambit-boundary";

pub fn cases() -> Vec<Case> {
    vec![
        short_name(&base()),
        selectors(&base()),
        Case::new(base(), "spec", "must set `aws`: it is the only cloud that this version supports")
            .accepts([json!({})])
            .refuses([json!({"spec": {"aws": null}})]),
        Case::new(
            stored(),
            "spec.aws",
            "`accountId`, `partition` and `rolePath` must stay as they are: roles that exist would be lost; make another CloudAccount instead",
        )
        .about_changes()
        .accepts([aws(&json!({"region": "eu-west-1"}))])
        .refuses([
            aws(&json!({"accountId": "123456789012"})),
            aws(&json!({"rolePath": "/elsewhere/"})),
            aws(&json!({"partition": "aws-cn", "permissionsBoundaryArn": BOUNDARY_OF_CHINA})),
            // The default is another path than none at all: it counts as a change only where it is one.
            aws(&json!({"rolePath": "/"})),
        ]),
        Case::new(
            base(),
            "spec.aws",
            "`permissionsBoundaryArn` must be the ARN of a managed policy in the partition of the account",
        )
        .accepts([aws(&json!({"partition": "aws-cn", "permissionsBoundaryArn": BOUNDARY_OF_CHINA}))])
        .refuses([aws(&json!({"permissionsBoundaryArn": BOUNDARY_OF_CHINA}))]),
        Case::new(
            base(),
            "spec.aws.federation",
            "must set `webIdentity`: it is the only federation that this version supports",
        )
        .accepts([json!({})])
        .refuses([aws(&json!({"federation": {"webIdentity": null}}))]),
        Case::new(
            base(),
            "spec.aws.federation.webIdentity.issuer",
            "must be the issuer's URL as it stands in tokens: 'https://…' without wildcard, query, or slash at its end",
        )
        .accepts(["https://oidc.example.com", "https://127.0.0.1:6443"].map(issuer))
        .refuses(
            ["http://oidc.example.com", "https://oidc.example.com/", "https://*.example.com", "https://a.example?b", "https://a.example#b", "https://${a}.example"]
                .map(issuer),
        ),
        Case::new(base(), "spec.sweepInterval", "must be a duration from '1s' to '24h'")
            .accepts(["1s", "10m", "24h"].map(sweep))
            .refuses(["0s", "25h", "1440m1s"].map(sweep)),
    ]
}
