//! Rows about what a role may do.
//!
//! The statements of the declared document, by number: 0 archive, 1 key, 2 list,
//! 3 publish, 4 read, 5 secret, 6 topic.

use super::Edit::{Add, Replace, Set, Text, With};
use super::*;

pub(super) fn rows(desired: &Desired) -> Vec<Row> {
    edited(Part::Permissions, ROWS, &desired.permissions, |live, reading| live.permissions = Some(reading))
}

const ROWS: &[(&str, Expected, Edit)] = &[
    // The same in other words.
    ("statements in another order", COSMETIC, With(|policy| statements(policy).reverse())),
    ("actions in another order", COSMETIC, Set(&[("/Statement/0/Action", r#"["s3:PutObject","s3:GetObject"]"#)])),
    ("an action twice", COSMETIC, Set(&[("/Statement/0/Action", r#"["s3:PutObject","s3:GetObject","s3:GetObject"]"#)])),
    ("actions in upper case", COSMETIC, Replace(&[("s3:GetObject", "S3:GETOBJECT")])),
    ("an action as a list", COSMETIC, Set(&[("/Statement/3/Action", r#"["sqs:SendMessage"]"#)])),
    ("a resource as a list", COSMETIC, Set(&[("/Statement/0/Resource", r#"["arn:aws:s3:::orders-archive/*"]"#)])),
    ("the first statement last", COSMETIC, With(|policy| statements(policy).rotate_left(1))),
    (
        "a condition's value as a list",
        COSMETIC,
        Set(&[("/Statement/5/Condition/IpAddress/aws:SourceIp", r#"["10.0.0.0/16"]"#)]),
    ),
    (
        "a condition's values in another order",
        COSMETIC,
        Set(&[("/Statement/3/Condition/StringEquals/aws:SourceVpce", r#"["vpce-5e6f7a8b","vpce-1a2b3c4d"]"#)]),
    ),
    (
        "a condition's value twice",
        COSMETIC,
        Set(&[(
            "/Statement/3/Condition/StringEquals/aws:SourceVpce",
            r#"["vpce-5e6f7a8b","vpce-1a2b3c4d","vpce-5e6f7a8b"]"#,
        )]),
    ),
    ("a condition's key in another case", COSMETIC, Replace(&[("aws:SourceVpce", "AWS:sourcevpce")])),
    ("a boolean without quotes", COSMETIC, Set(&[("/Statement/6/Condition/Bool/aws:SecureTransport", "true")])),
    ("a statement renamed", COSMETIC, Set(&[("/Statement/0/Sid", r#""ByHand""#)])),
    ("a statement without its name", COSMETIC, Set(&[("/Statement/0/Sid", "")])),
    (
        "white space",
        COSMETIC,
        Text(|text| {
            let value: Value = serde_json::from_str(text).unwrap();
            serde_json::to_string_pretty(&value).unwrap()
        }),
    ),
    (
        "the version after the statements",
        COSMETIC,
        Text(|text| {
            let rest = text.strip_prefix(r#"{"Version":"2012-10-17","#).unwrap();
            format!(r#"{},"Version":"2012-10-17"}}"#, format!("{{{rest}").strip_suffix('}').unwrap())
        }),
    ),
    ("letters escaped", COSMETIC, Replace(&[("orders-archive", "\\u006frders-archive")])),
    (
        "a statement split by action",
        COSMETIC,
        With(|policy| {
            let mut half = policy["Statement"][0].clone();
            policy["Statement"][0]["Action"] = json!("s3:GetObject");
            half["Action"] = json!("s3:PutObject");
            half["Sid"] = json!("Half");
            statements(policy).push(half);
        }),
    ),
    (
        "a statement split by a condition's values",
        COSMETIC,
        With(|policy| {
            let mut half = policy["Statement"][3].clone();
            policy["Statement"][3]["Condition"]["StringEquals"]["aws:SourceVpce"] = json!("vpce-1a2b3c4d");
            half["Condition"]["StringEquals"]["aws:SourceVpce"] = json!("vpce-5e6f7a8b");
            half["Sid"] = json!("Half");
            statements(policy).push(half);
        }),
    ),
    (
        "a statement twice",
        COSMETIC,
        With(|policy| {
            let mut again = policy["Statement"][1].clone();
            again["Sid"] = json!("Again");
            statements(policy).push(again);
        }),
    ),
    (
        "a statement that another covers",
        COSMETIC,
        Add(r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::orders-archive/2026/*"}"#),
    ),
    (
        "a resource that another covers",
        COSMETIC,
        Set(&[("/Statement/0/Resource", r#"["arn:aws:s3:::orders-archive/*","arn:aws:s3:::orders-archive/2026/*"]"#)]),
    ),
    ("a star twice", COSMETIC, Set(&[("/Statement/0/Resource", r#""arn:aws:s3:::orders-archive/**""#)])),
    (
        "a range split in two",
        COSMETIC,
        Set(&[("/Statement/5/Condition/IpAddress/aws:SourceIp", r#"["10.0.0.0/17","10.0.128.0/17"]"#)]),
    ),
    ("a range with host bits", COSMETIC, Set(&[("/Statement/5/Condition/IpAddress/aws:SourceIp", r#""10.0.3.4/16""#)])),
    ("ArnLike for ArnEquals", COSMETIC, Replace(&[("ArnEquals", "ArnLike")])),
    ("StringLike for StringEquals without a star", COSMETIC, Replace(&[("StringEquals", "StringLike")])),
    (
        "a value that another covers",
        COSMETIC,
        Set(&[("/Statement/2/Condition/StringLike/s3:prefix", r#"["in/*","in/2026/*","out/*"]"#)]),
    ),
    (
        "a condition that follows from another",
        COSMETIC,
        Set(&[("/Statement/3/Condition/Null", r#"{"aws:SourceVpce":"false"}"#)]),
    ),
    (
        "all but two actions denied",
        COSMETIC,
        With(|policy| {
            policy["Statement"][0]["Action"] = json!("s3:*");
            statements(policy).push(json!({"Effect": "Deny", "NotAction": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::orders-archive/*"}));
        }),
    ),
    (
        "all but the bucket denied",
        COSMETIC,
        Add(r#"{"Effect":"Deny","Action":"s3:PutObject","NotResource":"arn:aws:s3:::orders-archive/*"}"#),
    ),
    ("a denial of what is not allowed", COSMETIC, Add(r#"{"Effect":"Deny","Action":"iam:*","Resource":"*"}"#)),
    ("an older version without variables", COSMETIC, Set(&[("/Version", r#""2008-10-17""#)])),
    ("no version", COSMETIC, Set(&[("/Version", "")])),
    ("an id for the document", COSMETIC, Set(&[("/Id", r#""by-hand""#)])),
    // Less.
    ("an action less", NARROWED, Set(&[("/Statement/0/Action", r#""s3:GetObject""#)])),
    ("an action misspelled", NARROWED, Set(&[("/Statement/0/Action", r#"["s3:GetObject","s3:Put Object"]"#)])),
    ("a statement less", NARROWED, Set(&[("/Statement/6", "")])),
    ("no statements", NARROWED, Set(&[("/Statement", "[]")])),
    ("a narrower resource", NARROWED, Set(&[("/Statement/0/Resource", r#""arn:aws:s3:::orders-archive/2026/*""#)])),
    ("one character for a star", NARROWED, Set(&[("/Statement/0/Resource", r#""arn:aws:s3:::orders-archive/?""#)])),
    ("one more condition", NARROWED, Set(&[("/Statement/0/Condition", r#"{"Bool":{"aws:SecureTransport":"true"}}"#)])),
    (
        "one more key in a condition",
        NARROWED,
        Set(&[("/Statement/3/Condition/StringEquals/aws:PrincipalTag~1team", r#""shop""#)]),
    ),
    (
        "a condition's value less",
        NARROWED,
        Set(&[("/Statement/3/Condition/StringEquals/aws:SourceVpce", r#""vpce-1a2b3c4d""#)]),
    ),
    ("a smaller range", NARROWED, Set(&[("/Statement/5/Condition/IpAddress/aws:SourceIp", r#""10.0.0.0/17""#)])),
    ("a denial of everything", NARROWED, Add(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#)),
    (
        "a denial of one prefix",
        NARROWED,
        Add(r#"{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::orders-archive/secret/*"}"#),
    ),
    (
        "a denial under a condition",
        NARROWED,
        Add(r#"{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#),
    ),
    ("StringEquals for StringLike", NARROWED, Replace(&[("StringLike", "StringEquals")])),
    (
        "a variable for a star",
        NARROWED,
        Set(&[("/Statement/0/Resource", r#""arn:aws:s3:::orders-archive/${aws:username}/*""#)]),
    ),
    (
        "an older version, and what is no variable in it",
        NARROWED,
        Set(&[
            ("/Version", r#""2008-10-17""#),
            ("/Statement/0/Resource", r#""arn:aws:s3:::orders-archive/${aws:username}/*""#),
        ]),
    ),
    // More.
    (
        "one more action",
        WIDENED,
        Set(&[("/Statement/0/Action", r#"["s3:DeleteObject","s3:GetObject","s3:PutObject"]"#)]),
    ),
    ("all actions of a service", WIDENED, Set(&[("/Statement/0/Action", r#""s3:*""#)])),
    ("a star after an action", WIDENED, Set(&[("/Statement/0/Action", r#"["s3:GetObject*","s3:PutObject"]"#)])),
    // Nothing else matches it today; AWS may add what does tomorrow.
    ("a star that matches nothing more yet", WIDENED, Set(&[("/Statement/1/Action", r#""kms:Decrypt*""#)])),
    ("every resource", WIDENED, Set(&[("/Statement/0/Resource", r#""*""#)])),
    ("a star without the slash", WIDENED, Set(&[("/Statement/0/Resource", r#""arn:aws:s3:::orders-archive*""#)])),
    (
        "one more resource",
        WIDENED,
        Set(&[("/Statement/0/Resource", r#"["arn:aws:s3:::orders-archive/*","arn:aws:s3:::orders-out/*"]"#)]),
    ),
    ("any account", WIDENED, Set(&[("/Statement/3/Resource", r#""arn:aws:sqs:eu-west-1:*:orders""#)])),
    (
        "any character for one",
        WIDENED,
        Set(&[("/Statement/5/Resource", r#""arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/d?-*""#)]),
    ),
    ("a condition dropped", WIDENED, Set(&[("/Statement/3/Condition", "")])),
    ("an empty condition", WIDENED, Set(&[("/Statement/3/Condition", "{}")])),
    (
        "one more value",
        WIDENED,
        Set(&[("/Statement/3/Condition/StringEquals/aws:SourceVpce", r#"["vpce-1a2b3c4d","vpce-5e6f7a8b","vpce-9"]"#)]),
    ),
    (
        "StringLike for StringEquals with a star",
        WIDENED,
        Replace(&[("StringEquals", "StringLike"), ("vpce-5e6f7a8b", "vpce-5e6f7a8b*")]),
    ),
    ("StringEqualsIfExists", WIDENED, Replace(&[("StringEquals", "StringEqualsIfExists")])),
    ("StringEqualsIgnoreCase", WIDENED, Replace(&[("StringEquals", "StringEqualsIgnoreCase")])),
    ("ForAllValues", WIDENED, Replace(&[("StringEquals", "ForAllValues:StringEquals")])),
    ("ArnLike with a star", WIDENED, Replace(&[("ArnEquals", "ArnLike"), ("function:orders", "function:orders*")])),
    ("a star in ArnEquals", WIDENED, Replace(&[("function:orders", "function:*")])),
    ("a star without its slash in a prefix", WIDENED, Replace(&[("in/*", "in*")])),
    ("a larger range", WIDENED, Replace(&[("10.0.0.0/16", "10.0.0.0/8")])),
    ("every address", WIDENED, Replace(&[("10.0.0.0/16", "0.0.0.0/0")])),
    ("BoolIfExists", WIDENED, Replace(&[("\"Bool\"", "\"BoolIfExists\"")])),
    ("true or false", WIDENED, Set(&[("/Statement/6/Condition/Bool/aws:SecureTransport", r#"["true","false"]"#)])),
    (
        "all but one resource",
        WIDENED,
        Add(r#"{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::payroll/*"}"#),
    ),
    ("all but one service", WIDENED, Add(r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#)),
    (
        "the right to pass a role",
        WIDENED,
        Add(r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/admin"}"#),
    ),
    (
        "more, with a denial of the rest",
        WIDENED,
        Add(
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::orders-out/*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}"#,
        ),
    ),
    // Something else.
    (
        "an account off by one",
        CHANGED,
        Set(&[("/Statement/3/Resource", r#""arn:aws:sqs:eu-west-1:123456789013:orders""#)]),
    ),
    ("another region", CHANGED, Set(&[("/Statement/3/Resource", r#""arn:aws:sqs:eu-west-2:123456789012:orders""#)])),
    ("a bucket in another case", CHANGED, Replace(&[("orders-archive", "orders-Archive")])),
    ("a service that looks alike", CHANGED, Replace(&[("s3:GetObject", "s3-object-lambda:GetObject")])),
    ("an action that looks alike", CHANGED, Replace(&[("s3:GetObject", "s3:GetObjectVersion")])),
    ("another condition key", CHANGED, Replace(&[("aws:SourceVpce", "aws:SourceVpc")])),
    ("another value", CHANGED, Replace(&[("vpce-5e6f7a8b", "vpce-5e6f7a8c")])),
    ("StringNotEquals", CHANGED, Replace(&[("StringEquals", "StringNotEquals")])),
    ("NotIpAddress", CHANGED, Replace(&[("\"IpAddress\"", "\"NotIpAddress\"")])),
    ("a range beside it", CHANGED, Replace(&[("10.0.0.0/16", "10.1.0.0/16")])),
    (
        "all resources but the declared one",
        CHANGED,
        Replace(&[(
            r#""Resource":"arn:aws:s3:::orders-archive/*""#,
            r#""NotResource":"arn:aws:s3:::orders-archive/*""#,
        )]),
    ),
    (
        "all actions but the declared one",
        CHANGED,
        Replace(&[(r#""Action":"kms:Decrypt""#, r#""NotAction":"kms:Decrypt""#)]),
    ),
    ("more here and less there", CHANGED, Set(&[("/Statement/0/Action", r#"["s3:DeleteObject","s3:GetObject"]"#)])),
    ("an allowance that denies", NARROWED, Set(&[("/Statement/6/Effect", r#""Deny""#)])),
    // Nobody can say.
    ("no JSON", UNREADABLE, Text(|_| "nonsense".to_owned())),
    ("broken off", UNREADABLE, Text(|text| text.chars().take(100).collect())),
    (
        "an element that does not exist",
        UNREADABLE,
        Replace(&[(r#""Action":"kms:Decrypt""#, r#""Actions":"kms:Decrypt""#)]),
    ),
    ("an operator that does not exist", UNREADABLE, Replace(&[("ArnEquals", "ArnMatches")])),
    ("an effect that does not exist", UNREADABLE, Set(&[("/Statement/0/Effect", r#""Permit""#)])),
];
