//! A policy of about 2 kB as a service has one, the layers around it, and
//! requests that go through its statements in turn.

use ambit::policy::{Layers, Policy, Request};
use serde_json::{Value, json};

use super::Result;

/// The catalogue as it is embedded.
pub const CATALOGUE: &str = include_str!("../../src/policy/catalogue/data/aws.txt");

const ROLE: &str = "arn:aws:iam::111122223333:role/ambit/orders";

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// What the service itself may do.
pub fn policy() -> String {
    let endpoint = json!({"StringEquals": {"aws:SourceVpce": ["vpce-1a2b3c4d", "vpce-5e6f7a8b"]}});
    document(&[
        json!({"Sid": "ReadOrders", "Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging"],
            "Resource": ["arn:aws:s3:::orders-in/*", "arn:aws:s3:::orders-archive/2026/*"], "Condition": endpoint}),
        json!({"Sid": "ListOrders", "Effect": "Allow", "Action": "s3:ListBucket",
            "Resource": ["arn:aws:s3:::orders-in", "arn:aws:s3:::orders-archive"],
            "Condition": {"StringLike": {"s3:prefix": ["2026/*", "incoming/*", ""]}, "NumericLessThanEquals": {"s3:max-keys": "1000"}}}),
        json!({"Sid": "Queues", "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueue*"],
            "Resource": ["arn:aws:sqs:eu-west-1:111122223333:orders", "arn:aws:sqs:eu-west-1:111122223333:orders-*"]}),
        json!({"Sid": "Publish", "Effect": "Allow", "Action": "sns:Publish",
            "Resource": "arn:aws:sns:eu-west-1:111122223333:order-events",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        json!({"Sid": "Table", "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            "Resource": "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
            "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/tenant}"]}}}),
        json!({"Sid": "Secrets", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
            "Resource": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders/*"}),
        json!({"Sid": "Keys", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "arn:aws:kms:eu-west-1:111122223333:key/*",
            "Condition": {"StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"]}}}),
        json!({"Sid": "Office", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*",
            "Condition": {"NotIpAddressIfExists": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}}),
    ])
}

/// The policy with a second one, a boundary, a session policy, a bucket's policy, and two levels of
/// SCPs and one of RCPs.
pub fn layers(policy: &str) -> Result<Layers<Policy>> {
    let read = |text: &str| Policy::read(text);
    let logs = document(&[
        json!({"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}),
    ]);
    let boundary = document(&[
        json!({"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}),
        json!({"Effect": "Deny", "Action": ["ec2:*", "rds:*"], "Resource": "*"}),
    ]);
    let session = document(&[
        json!({"Effect": "Allow", "Action": ["s3:*", "sqs:*", "sns:*", "dynamodb:*", "kms:*"], "Resource": "*"}),
    ]);
    let bucket = document(&[
        json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::orders-in/*"}),
        json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
    ]);
    let full = document(&[json!({"Effect": "Allow", "Action": "*", "Resource": "*"})]);
    let regions = document(&[
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        json!({"Effect": "Deny", "NotAction": ["iam:*", "sts:*", "s3:*"], "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}}),
    ]);
    let own = document(&[json!({"Effect": "Deny", "Principal": "*", "Action": ["s3:*", "sqs:*"], "Resource": "*",
        "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abcd123456"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}})]);
    Ok(Layers {
        identity: vec![read(policy)?, read(&logs)?],
        boundary: Some(read(&boundary)?),
        session: Some(read(&session)?),
        resource: Some(read(&bucket)?),
        scps: vec![vec![read(&full)?], vec![read(&regions)?]],
        rcps: vec![vec![read(&own)?]],
        management_account: None,
    })
}

/// Requests that are allowed, denied by a statement, and denied because nothing allows them.
pub fn requests() -> Vec<Request> {
    let queue = "arn:aws:sqs:eu-west-1:111122223333:orders-late";
    [
        ("s3:GetObject", "arn:aws:s3:::orders-in/2026/11/22/1.json"),
        ("s3:GetObject", "arn:aws:s3:::orders-archive/2025/11/22/1.json"),
        ("s3:ListBucket", "arn:aws:s3:::orders-in"),
        ("s3:DeleteObject", "arn:aws:s3:::orders-in/2026/11/22/1.json"),
        ("sqs:ReceiveMessage", queue),
        ("sqs:GetQueueUrl", queue),
        ("sqs:PurgeQueue", queue),
        ("sns:Publish", "arn:aws:sns:eu-west-1:111122223333:order-events"),
        ("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"),
        ("dynamodb:DeleteItem", "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders/db-a1b2c3"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:111122223333:log-group:orders:log-stream:a"),
        ("ec2:DescribeInstances", "*"),
        ("iam:PassRole", ROLE),
        ("s3:ListAllMyBuckets", "*"),
    ]
    .into_iter()
    .map(|(action, resource)| {
        let mut request = Request {
            action: action.to_owned(),
            resource: resource.to_owned(),
            principal: Some(ROLE.replace(":iam:", ":sts:").replace("role/ambit", "assumed-role") + "/pod-1"),
            ..Request::default()
        };
        for (key, value) in [
            ("aws:SourceVpce", "vpce-5e6f7a8b"),
            ("aws:SecureTransport", "true"),
            ("aws:RequestedRegion", "eu-west-1"),
            ("aws:PrincipalOrgID", "o-abcd123456"),
            ("aws:PrincipalTag/tenant", "north"),
            ("s3:prefix", "2026/11/"),
            ("s3:max-keys", "100"),
            ("kms:ViaService", "s3.eu-west-1.amazonaws.com"),
        ] {
            request.context.set(key, value);
        }
        request.context.set_list("dynamodb:LeadingKeys", vec!["north".to_owned()]);
        request
    })
    .collect()
}
