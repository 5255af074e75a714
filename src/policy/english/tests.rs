use super::*;
use crate::policy::AccessLevel::{List, Permissions, Read, Write};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn access(name: &str, levels: &[AccessLevel], resources: &[&str]) -> Scope {
    Scope {
        name: name.into(),
        grant: Grant::Access(levels.to_vec()),
        resources: owned(resources),
        conditions: Vec::new(),
    }
}

fn actions(name: &str, actions: &[&str], resources: &[&str]) -> Scope {
    Scope {
        name: name.into(),
        grant: Grant::Actions(owned(actions)),
        resources: owned(resources),
        conditions: Vec::new(),
    }
}

fn with(mut scope: Scope, operator: &str, key: &str, values: &[&str]) -> Scope {
    scope.conditions.push(Condition { key: key.into(), operator: operator.into(), values: owned(values) });
    scope
}

fn said(scopes: &[Scope]) -> String {
    summary(scopes, Catalogue::embedded())
}

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";

#[test]
fn the_usual_identity_reads_well() {
    let inbox = access("inbox", &[List, Read], &["arn:aws:s3:::orders-in", "arn:aws:s3:::orders-in/*"]);
    let publish =
        with(actions("publish", &["sqs:SendMessage"], &[QUEUE]), "StringEquals", "aws:SourceVpce", &["vpce-1a2b3c4d"]);
    let text = "can list and read objects in `orders-in`; can send messages to queue `orders`, only through endpoint `vpce-1a2b3c4d`";
    assert_eq!(said(&[inbox.clone(), publish.clone()]), text);
    assert_eq!(said(&[publish, inbox]), text, "the order of scopes does not matter");
}

#[test]
fn levels_and_kinds_are_words() {
    for (levels, resources, text) in [
        (&[Write][..], &["arn:aws:s3:::b", "arn:aws:s3:::b/*"][..], "can write bucket `b` and objects in `b`"),
        (&[Permissions], &["arn:aws:s3:::*"], "can change who has access to every bucket"),
        (&[Read, Write], &["arn:aws:s3:::b/in/*"], "can read and write objects under `b/in/`"),
        (&[Read], &["arn:aws:s3:::b/k"], "can read object `b/k`"),
        (&[Read], &["arn:aws:s3:::*/*"], "can read objects in every bucket"),
        (&[Read], &["arn:aws:s3:::a-*/*"], "can read objects in buckets like `a-*`"),
        (&[Read], &["arn:aws:sqs:eu-west-1:123456789012:a-*"], "can read queues like `a-*`"),
        (
            &[Read],
            &["arn:aws:dynamodb:eu-west-1:123456789012:table/a", "arn:aws:dynamodb:eu-west-1:123456789012:table/b"],
            "can read tables `a` and `b`",
        ),
        (&[Read], &["arn:aws:states:eu-west-1:123456789012:stateMachine:m"], "can read state machine `m`"),
        (&[Read], &["arn:aws:logs:eu-west-1:123456789012:log-group:/a/b:*"], "can read log group `/a/b`"),
        (
            &[Read],
            &["arn:aws:lambda:eu-west-1:123456789012:*"],
            "can read resources like `arn:aws:lambda:eu-west-1:123456789012:*`",
        ),
        (&[Read], &["nonsense"], "can read resource `nonsense`"),
    ] {
        assert_eq!(said(&[access("x", levels, resources)]), text);
    }
}

#[test]
fn actions_are_said_of_what_they_act_on() {
    for (names, resources, text) in [
        (
            &["sqs:ReceiveMessage", "sqs:DeleteMessage"][..],
            &[QUEUE][..],
            "can delete messages from and receive messages from queue `orders`",
        ),
        (
            &["s3:GetObject", "s3:ListBucket"],
            &["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "can read objects in `b` and list what is in bucket `b`",
        ),
        (&["sqs:SetQueueAttributes"], &[QUEUE], "can use `sqs:SetQueueAttributes` on queue `orders`"),
        (&["s3:Get*"], &["arn:aws:s3:::b/*"], "can use `s3:Get*` on objects in `b`"),
        (&["sts:GetCallerIdentity"], &["*"], "can use `sts:GetCallerIdentity`"),
        (
            &["sqs:a", "sqs:b", "sqs:c", "sqs:d", "sqs:e"],
            &[QUEUE],
            "can use `sqs:a`, `sqs:b`, `sqs:c` and 2 more on queue `orders`",
        ),
    ] {
        assert_eq!(said(&[actions("x", names, resources)]), text);
    }
}

#[test]
fn actions_on_everything_name_what_they_act_on() {
    for (name, text) in [
        ("sqs:SendMessage", "can send messages to every queue"),
        ("s3:GetObject", "can read objects in every bucket"),
        ("s3:ListAllMyBuckets", "can list all buckets"),
        ("sqs:TagQueue", "can use `sqs:TagQueue`"),
    ] {
        assert_eq!(said(&[actions("x", &[name], &["*"])]), text);
    }
}

#[test]
fn texts_of_others_cannot_break_the_line() {
    let scope = with(actions("x", &["sqs:a\nb`c"], &[QUEUE]), "StringEquals", "aws:a\rb", &["v\u{1b}w"]);
    let text = "can use `sqs:a\u{fffd}b'c` on queue `orders`, only where `aws:a\u{fffd}b` is `v\u{fffd}w`";
    assert_eq!(said(&[scope]), text);
}

#[test]
fn conditions_are_words() {
    let base = || actions("x", &["sqs:SendMessage"], &[QUEUE]);
    for (operator, key, values, text) in [
        ("IpAddress", "aws:SourceIp", &["10.0.0.0/8"][..], "only from address `10.0.0.0/8`"),
        ("Bool", "aws:SecureTransport", &["true"], "only over TLS"),
        ("Bool", "aws:SecureTransport", &["false"], "only where `aws:SecureTransport` meets `Bool` `false`"),
        ("StringEquals", "aws:RequestedRegion", &["b", "a"], "only in region `a` or `b`"),
        (
            "StringEquals",
            "aws:PrincipalTag/team",
            &["a", "b", "c", "d"],
            "only where `aws:PrincipalTag/team` is `a`, `b`, `c` or 1 more",
        ),
        ("StringNotEquals", "aws:SourceVpce", &["a"], "only where `aws:SourceVpce` meets `StringNotEquals` `a`"),
    ] {
        assert_eq!(
            said(&[with(base(), operator, key, values)]),
            format!("can send messages to queue `orders`, {text}")
        );
    }
}

#[test]
fn the_summary_is_bounded_and_counts_the_rest() {
    let scopes: Vec<Scope> =
        (0..50).map(|n| actions(&format!("s{n:02}"), &["sqs:SendMessage"], &[&format!("{QUEUE}-{n}")])).collect();
    let text = said(&scopes);
    assert!(text.chars().count() <= 1024, "{}", text.len());
    assert!(text.starts_with("can send messages to queue `orders-0`; can send"), "{text}");
    let told = text.matches("can send").count();
    assert!(text.ends_with(&format!("; and {} more scopes", 50 - told)), "{text}");
    assert!(told > 15, "{text}");
}

#[test]
fn a_scope_of_many_things_is_only_counted() {
    let long: Vec<String> = (0..9).map(|n| format!("arn:aws:s3:::{}{n}", "x".repeat(400))).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let scope =
        with(access("big", &[List], &long), "StringEquals", "aws:SourceVpce", &[&"v".repeat(70), &"w".repeat(70)]);
    assert_eq!(said(&[scope]), "can do all that scope `big` names on 9 resources, under conditions");
    assert_eq!(said(&[]), "");
}
