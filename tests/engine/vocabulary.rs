//! Random policies and requests over few words, so that they meet often.

use ambit::policy::{Policy, Request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// A statement as JSON.
pub type Statement = Map<String, Value>;

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "S3:getobject",
    "s3:GetObjectAcl",
    "s3:Get*",
    "s3:*",
    "s3:*Object",
    "s3:?etObject",
    "*",
    "*:Get*",
    "s*:SendMessage",
    "sqs:SendMessage",
    "sqs:*",
    "sqs:Send*",
    "iam:PassRole",
    "s3:Get Object",
];

const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b*",
    "arn:aws:s3:::?/k",
    "arn:aws:s3:::*k",
    "arn:aws:s3:::b/${aws:username}",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team, 'k'}",
    "arn:aws:s3*",
    "arn:aws:sqs",
    "arn:*:s3:::b/k",
    "arn:aws:sqs:*:111122223333:q",
    "arn:aws:sqs:eu-west-1:*:q*",
    "arn:aws:*:*:*:*",
];

const CONDITIONS: &[(&str, &str, &[&str])] = &[
    ("StringEquals", "aws:SourceVpce", &["vpce-1"]),
    ("StringEquals", "aws:sourcevpce", &["vpce-1", "vpce-2"]),
    ("StringNotEquals", "aws:SourceVpce", &["vpce-1"]),
    ("StringEqualsIfExists", "aws:SourceVpce", &["vpce-1"]),
    ("StringLike", "aws:SourceVpce", &["vpce-*"]),
    ("StringEquals", "aws:SourceVpce", &["vpce-*"]),
    ("StringNotLike", "aws:SourceVpce", &["*1"]),
    ("StringEqualsIgnoreCase", "aws:SourceVpce", &["VPCE-1"]),
    ("Null", "aws:SourceVpce", &["true"]),
    ("Null", "aws:SourceVpce", &["false"]),
    ("NumericLessThan", "s3:max-keys", &["10"]),
    ("NumericGreaterThanEquals", "s3:max-keys", &["10"]),
    ("NumericNotEquals", "s3:max-keys", &["5", "7"]),
    ("DateLessThan", "aws:CurrentTime", &["2026-01-01T00:00:00Z"]),
    ("DateGreaterThanEquals", "aws:CurrentTime", &["2026-01-01"]),
    ("IpAddress", "aws:SourceIp", &["10.0.0.0/8"]),
    ("NotIpAddress", "aws:SourceIp", &["10.1.0.0/16", "2001:db8::/32"]),
    ("Bool", "aws:SecureTransport", &["true"]),
    ("BoolIfExists", "aws:SecureTransport", &["false"]),
    ("ForAllValues:StringEquals", "aws:TagKeys", &["a", "b"]),
    ("ForAnyValue:StringEquals", "aws:TagKeys", &["a"]),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", &["a"]),
    ("ForAllValues:StringNotLike", "aws:TagKeys", &["b*"]),
    ("Null", "aws:TagKeys", &["false"]),
    ("ArnLike", "aws:SourceArn", &["arn:aws:s3:*:*:b"]),
    ("ArnNotEquals", "aws:SourceArn", &["arn:aws:s3:::b"]),
    ("StringEquals", "aws:ResourceAccount", &["111122223333"]),
    ("StringEquals", "aws:ResourceAccount", &["${aws:PrincipalAccount}"]),
    ("StringEquals", "aws:ResourceTag/owner", &["${aws:username}"]),
    ("StringLike", "aws:username", &["b*"]),
    ("BinaryEquals", "k:blob", &["YQ=="]),
    ("StringIs", "aws:SourceVpce", &["vpce-1"]),
];

const PRINCIPALS: &[&str] = &[
    r#""*""#,
    r#"{"AWS":"*"}"#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#,
    r#"{"AWS":["arn:aws:iam::111122223333:user/ann","arn:aws:iam::444455556666:role/app"]}"#,
    r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/s"}"#,
    r#"{"Service":"lambda.amazonaws.com"}"#,
    r#"{"Service":["lambda.amazonaws.com","ec2.amazonaws.com"],"AWS":"444455556666"}"#,
    r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/id.example"}"#,
];

const PRINCIPAL_CONDITIONS: &[(&str, &str, &[&str])] = &[
    ("ArnLike", "aws:PrincipalArn", &["arn:aws:iam::*:role/a*"]),
    ("StringNotLike", "aws:PrincipalArn", &["arn:aws:iam::111122223333:*"]),
    ("StringEquals", "aws:PrincipalAccount", &["111122223333"]),
    ("StringNotEquals", "aws:PrincipalAccount", &["444455556666"]),
    ("StringEquals", "aws:PrincipalType", &["User"]),
    ("StringLike", "aws:PrincipalOrgID", &["o-1"]),
    ("StringEquals", "id.example:sub", &["system:serviceaccount:shop:orders"]),
    ("StringLike", "id.example:sub", &["system:serviceaccount:shop:*"]),
];

fn some<T: Clone + std::fmt::Debug + 'static>(all: &'static [T], most: usize) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(select(all), 1..=most)
}

fn one_or_many(values: &[&str]) -> Value {
    if let [only] = values { json!(only) } else { json!(values) }
}

fn with_conditions(statement: &mut Statement, conditions: &[(&str, &str, &[&str])]) {
    let mut all = Map::new();
    for (operator, key, values) in conditions {
        let operators = all.entry((*operator).to_owned()).or_insert_with(|| json!({}));
        operators[*key] = one_or_many(values);
    }
    if !all.is_empty() {
        statement.insert("Condition".into(), Value::Object(all));
    }
}

/// A statement of an identity's policy.
pub fn statement() -> impl Strategy<Value = Statement> {
    let conditions = proptest::collection::vec(select(CONDITIONS), 0..3);
    (any::<bool>(), 0..6, some(ACTIONS, 3), some(RESOURCES, 3), conditions).prop_map(
        |(allows, negated, actions, resources, conditions)| {
            let mut statement = Map::new();
            statement.insert("Effect".into(), json!(if allows { "Allow" } else { "Deny" }));
            statement.insert(if negated == 0 { "NotAction" } else { "Action" }.into(), one_or_many(&actions));
            statement.insert(if negated == 1 { "NotResource" } else { "Resource" }.into(), one_or_many(&resources));
            with_conditions(&mut statement, &conditions);
            statement
        },
    )
}

/// A statement of a resource's policy.
pub fn resource_statement() -> impl Strategy<Value = Statement> {
    let conditions = proptest::collection::vec(select(PRINCIPAL_CONDITIONS), 0..3);
    (statement(), select(PRINCIPALS), 0..6, conditions).prop_map(|(mut statement, principal, negated, conditions)| {
        let name = if negated == 0 && statement["Effect"] == "Deny" { "NotPrincipal" } else { "Principal" };
        statement.insert(name.into(), serde_json::from_str(principal).unwrap());
        if !conditions.is_empty() {
            with_conditions(&mut statement, &conditions);
        }
        statement
    })
}

/// Some statements.
pub fn statements(one: impl Strategy<Value = Statement>) -> impl Strategy<Value = Vec<Statement>> {
    proptest::collection::vec(one, 1..4)
}

/// The document of statements.
pub fn document(statements: &[Statement]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// The policy of statements.
pub fn policy(statements: &[Statement]) -> Policy {
    Policy::read(&document(statements)).unwrap()
}

const REQUESTED: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:PutObject",
    "s3:ListAllMyBuckets",
    "sqs:SendMessage",
    "sns:SendMessage",
    "sqs:GetQueueUrl",
    "iam:PassRole",
    "ec2:Getx",
];

const ASKED: &[&str] = &[
    "*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b/bob",
    "arn:aws:s3:::b/bob/x",
    "arn:aws:s3:::c/k",
    "arn:aws:s3:::bk",
    "arn:aws-cn:s3:::b/k",
    "arn:aws:sqs:eu-west-1:111122223333:q",
    "arn:aws:sqs:eu-west-1:444455556666:q2",
    "arn:aws:sqs:us-east-1:111122223333:q",
    "arn:aws:iam::111122223333:role/x",
];

const GIVEN: &[(&str, &[&str])] = &[
    ("aws:SourceVpce", &["vpce-1"]),
    ("aws:SourceVpce", &["vpce-2"]),
    ("aws:SourceVpce", &["vpce-*"]),
    ("aws:SourceVpce", &["Vpce-1"]),
    ("aws:SourceVpce", &["other"]),
    ("s3:max-keys", &["5"]),
    ("s3:max-keys", &["10"]),
    ("s3:max-keys", &["7"]),
    ("aws:CurrentTime", &["2025-06-01T00:00:00Z"]),
    ("aws:CurrentTime", &["2026-01-01T00:00:00Z"]),
    ("aws:SourceIp", &["10.1.2.3"]),
    ("aws:SourceIp", &["10.2.0.1"]),
    ("aws:SourceIp", &["2001:db8::1"]),
    ("aws:SecureTransport", &["true"]),
    ("aws:SecureTransport", &["false"]),
    ("aws:TagKeys", &["a", "b"]),
    ("aws:TagKeys", &["a", "c"]),
    ("aws:TagKeys", &["bb", "b"]),
    ("aws:SourceArn", &["arn:aws:s3:::b"]),
    ("aws:SourceArn", &["arn:aws:s3:eu-west-1::b"]),
    ("aws:ResourceAccount", &["111122223333"]),
    ("aws:ResourceAccount", &["444455556666"]),
    ("aws:PrincipalAccount", &["111122223333"]),
    ("aws:ResourceTag/owner", &["bob"]),
    ("aws:username", &["bob"]),
    ("aws:username", &["k"]),
    ("aws:PrincipalTag/team", &["bob"]),
    ("k:blob", &["YQ=="]),
    ("aws:PrincipalOrgID", &["o-1"]),
    ("id.example:sub", &["system:serviceaccount:shop:orders"]),
    ("id.example:sub", &["system:serviceaccount:shop:other"]),
];

const CALLERS: &[&str] = &[
    "*",
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:iam::111122223333:role/other",
    "arn:aws:iam::111122223333:user/ann",
    "arn:aws:iam::444455556666:role/app",
    "arn:aws:iam::444455556666:user/ann",
    "arn:aws:iam::777788889999:role/a",
    "arn:aws:sts::111122223333:assumed-role/app/s",
    "arn:aws:sts::111122223333:assumed-role/app/t",
    "lambda.amazonaws.com",
    "ec2.amazonaws.com",
    "s3.amazonaws.com",
    "arn:aws:iam::111122223333:oidc-provider/id.example",
];

/// A request by a caller of the resource's own account.
pub fn request() -> impl Strategy<Value = Request> {
    let given = proptest::collection::vec(select(GIVEN), 0..6);
    (select(REQUESTED), select(ASKED), given).prop_map(|(action, resource, given)| {
        let mut request = Request { action: action.into(), resource: resource.into(), ..Request::default() };
        for (key, values) in given {
            match values {
                [only] => request.context.set(key, *only),
                many => request.context.set_list(key, many.iter().map(|value| (*value).to_owned()).collect()),
            }
        }
        // Where the ARN names the account, the key cannot say another.
        if let Some(account) = resource.split(':').nth(4).filter(|account| account.len() == 12)
            && request.context.get("aws:ResourceAccount").is_some()
        {
            request.context.set("aws:ResourceAccount", account);
        }
        request
    })
}

/// A request by somebody.
pub fn called_request() -> impl Strategy<Value = Request> {
    (request(), select(CALLERS)).prop_map(|(mut request, caller)| {
        request.principal = Some(caller.to_owned());
        // What follows from the caller is not the request's to say.
        request.context.remove("aws:PrincipalAccount");
        request.context.remove("aws:username");
        request
    })
}
