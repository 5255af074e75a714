//! Rules of `CloudAccount`.

use serde_json::{Value, json};

use super::Case;
use super::cases::{selectors, short_name};
use crate::house::merged;

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

/// An account whose roles EKS hands to pods. It is another one than the operator's, so nothing is ever
/// asked of it.
pub fn stored_on_eks() -> Value {
    let change = json!({"metadata": {"name": "stored-on-eks"}, "spec": {"aws": {
        "accountId": "999999999999", "permissionsBoundaryArn": "arn:aws:iam::999999999999:policy/ambit-boundary",
        "federation": {"webIdentity": null, "podIdentity": {"clusterName": "prod-eu"}},
    }}});
    merged(base(), &change)
}

fn cluster(name: &str) -> Value {
    aws(&json!({"federation": {"webIdentity": null, "podIdentity": {"clusterName": name}}}))
}

fn aws(change: &Value) -> Value {
    json!({"spec": {"aws": change}})
}

fn issuer(url: &str) -> Value {
    aws(&json!({"federation": {"webIdentity": {"issuer": url}}}))
}

fn pipelines_of(url: &str) -> Value {
    aws(&json!({"federation": {"pipelines": [{"issuer": url}]}}))
}

/// How pods get token and environment.
fn delivered(change: &Value) -> Value {
    aws(&json!({"federation": {"webIdentity": change}}))
}

fn directory(path: &str) -> Value {
    delivered(&json!({"token": {"directory": path}}))
}

fn sweep(interval: &str) -> Value {
    json!({"spec": {"sweepInterval": interval}})
}

fn queue(url: &str) -> Value {
    json!({"spec": {"events": {"aws": {"queueUrl": url}}}})
}

const BOUNDARY_OF_CHINA: &str = "arn:aws-cn:iam::123456789012:policy/ambit-boundary";

fn issuers() -> Vec<Case> {
    vec![
        Case::new(
            base(),
            "spec.aws.federation.webIdentity.issuer",
            "must be the issuer's URL as it stands in tokens: 'https://…' without wildcard, query, or slash at its end",
        )
        .accepts(["https://oidc.example.com", "https://127.0.0.1:6443"].map(issuer))
        .refuses(
            [
                "http://oidc.example.com",
                "https://oidc.example.com/",
                "https://*.example.com",
                "https://a.example?b",
                "https://a.example#b",
                "https://${a}.example",
            ]
            .map(issuer),
        ),
        Case::new(
            base(),
            "spec.aws.federation.pipelines[].issuer",
            "must be the issuer's URL as it stands in tokens: 'https://…' without wildcard, query, or slash at its end",
        )
        .accepts(["https://oidc.example.com", "https://127.0.0.1:6443"].map(pipelines_of))
        .refuses(
            [
                "http://oidc.example.com",
                "https://oidc.example.com/",
                "https://*.example.com",
                "https://a.example?b",
                "https://a.example#b",
                "https://${a}.example",
            ]
            .map(pipelines_of),
        ),
    ]
}

pub fn cases() -> Vec<Case> {
    [issuers(), deliveries(), others(), events()].concat()
}

fn deliveries() -> Vec<Case> {
    vec![
        Case::new(
            base(),
            "spec.aws.federation.webIdentity",
            "must leave `token.directory` out with `delivery` 'ServiceAccountAnnotation': the webhook of EKS mounts tokens where its own settings say",
        )
        .accepts([
            delivered(&json!({"delivery": "PodAdmission", "token": {"directory": "/var/run/secrets/x"}})),
            delivered(&json!({"delivery": "ServiceAccountAnnotation", "token": {"expiration": "30m"}})),
            delivered(&json!({"delivery": "ServiceAccountAnnotation"})),
        ])
        .refuses([delivered(
            &json!({"delivery": "ServiceAccountAnnotation", "token": {"directory": "/var/run/secrets/x"}}),
        )]),
        Case::new(
            base(),
            "spec.aws.federation.webIdentity.token.expiration",
            "must be a duration from '10m' to '24h'",
        )
        .accepts(["10m", "1h", "24h"].map(|time| delivered(&json!({"token": {"expiration": time}}))))
        .refuses(["9m59s", "0h", "24h1s", "1441m"].map(|time| delivered(&json!({"token": {"expiration": time}})))),
        Case::new(
            base(),
            "spec.aws.federation.webIdentity.token.directory",
            "must be a directory below '/var/run/secrets/', such as '/var/run/secrets/ambit.dev', without '..' and without a slash at its end",
        )
        .accepts(["/var/run/secrets/ambit.dev", "/var/run/secrets/a/b_c-d.e", "/var/run/secrets/kubernetes.io.mine"].map(directory))
        .refuses(
            [
                "token", "/", "/etc", "/var/run/secrets", "/var/run/secrets/", "/var/run/secrets/x/", "/var/run/secrets//x",
                "/var/run/secrets/../x", "/var/run/secrets/x/..", "/var/run/secrets/x..y", "/var/run/secrets/.x",
                "/var/run/secrets/x y", "/var/run/secrets/x:y", "/var/run/secretsx/y", "/var/run/secrets/x\n",
            ]
            .map(directory),
        ),
        Case::new(
            base(),
            "spec.aws.federation.webIdentity.token.directory",
            "must lie outside of '/var/run/secrets/kubernetes.io', '/var/run/secrets/eks.amazonaws.com' and '/var/run/secrets/pods.eks.amazonaws.com', where Kubernetes and EKS mount their own",
        )
        .accepts([directory("/var/run/secrets/kubernetes.iox"), directory("/var/run/secrets/x/kubernetes.io")])
        .refuses(
            [
                "/var/run/secrets/kubernetes.io", "/var/run/secrets/kubernetes.io/serviceaccount",
                "/var/run/secrets/eks.amazonaws.com/serviceaccount", "/var/run/secrets/pods.eks.amazonaws.com/x",
            ]
            .map(directory),
        ),
    ]
}

fn others() -> Vec<Case> {
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
            stored_on_eks(),
            "spec.aws",
            "`federation.podIdentity` and `region` must stay as they are: associations of that cluster would be left behind; make another CloudAccount instead",
        )
        .about_changes()
        .accepts([
            aws(&json!({"federation": {"pipelines": [{"issuer": "https://token.actions.githubusercontent.com"}]}})),
            aws(&json!({"assumeRole": {"arn": "arn:aws:iam::999999999999:role/ambit"}})),
        ])
        .refuses([
            cluster("prod-us"),
            aws(&json!({"region": "us-east-1"})),
            aws(&json!({"federation": {"podIdentity": null, "webIdentity": {"issuer": "https://oidc.example.com/id/1"}}})),
        ]),
        Case::new(
            base(),
            "spec.aws.federation",
            "must set exactly one of `webIdentity` and `podIdentity`; `pipelines` may stand beside either",
        )
        .accepts([json!({}), cluster("prod-eu"), cluster("1_2-3")])
        .refuses([
            aws(&json!({"federation": {"webIdentity": null}})),
            aws(&json!({"federation": {"podIdentity": {"clusterName": "prod-eu"}}})),
        ]),
        Case::new(
            base(),
            "spec.events",
            "must set `aws`: it is the only source of events that this version supports",
        )
        .accepts([json!({}), queue("https://sqs.us-east-1.amazonaws.com/123456789012/ambit-events")])
        .refuses([json!({"spec": {"events": {}}})]),
        Case::new(base(), "spec.sweepInterval", "must be a duration from '1s' to '24h'")
            .accepts(["1s", "10m", "24h"].map(sweep))
            .refuses(["0s", "25h", "1440m1s"].map(sweep)),
    ]
}

fn events() -> Vec<Case> {
    vec![
        Case::new(
            base(),
            "spec.events.aws.queueUrl",
            "must be the queue's URL as SQS gives it: 'https://sqs.eu-west-1.amazonaws.com/123456789012/NAME'",
        )
        .accepts(
            [
                "https://sqs.eu-west-1.amazonaws.com/123456789012/a",
                "https://sqs.eu-west-1.amazonaws.com/999999999999/ambit_events-1.fifo",
            ]
            .map(queue),
        )
        .refuses(
            [
                "http://sqs.eu-west-1.amazonaws.com/123456789012/ambit",
                "https://sqs.eu-west-1.amazonaws.com/123456789012/",
                "https://sqs.eu-west-1.amazonaws.com/1234/ambit-events",
                "https://sqs.eu-west-1.amazonaws.com/123456789012/ambit/x",
                "https://sqs.eu-west-1.amazonaws.com/123456789012/ambit?x=y",
                "https://example.com/123456789012/ambit-events-of-mine",
                "https://sqs.eu-west-1.amazonaws.com@x.example/123456789012/ambit",
                "arn:aws:sqs:eu-west-1:123456789012:ambit-events-of-mine",
            ]
            .map(queue),
        ),
        Case::new(base(), "spec", "`events.aws.queueUrl` must be a queue in the partition of the account")
            .accepts([
                queue("https://sqs.us-east-1.amazonaws.com/123456789012/ambit-events"),
                merged(
                    aws(&json!({"partition": "aws-cn", "permissionsBoundaryArn": BOUNDARY_OF_CHINA})),
                    &queue("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/ambit-events"),
                ),
            ])
            .refuses([
                queue("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/ambit-events"),
                queue("https://sqs.us-gov-west-1.amazonaws.com/123456789012/ambit-events"),
                merged(
                    aws(&json!({"partition": "aws-cn", "permissionsBoundaryArn": BOUNDARY_OF_CHINA})),
                    &queue("https://sqs.us-east-1.amazonaws.com/123456789012/ambit-events"),
                ),
            ]),
    ]
}
