//! Whatever a policy is, the work and the text are bounded, and no line breaks.

use super::{allow, explained, said};
use crate::policy::catalogue::Catalogue;
use crate::policy::explain::document;
use crate::policy::statement::Policy;
use proptest::prelude::*;

fn list(texts: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = texts.map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(","))
}

#[test]
fn long_lists_are_counted() {
    let queues = list((0..50).map(|n| format!("arn:aws:sqs:eu-west-1:123456789012:q{n:02}")));
    assert_eq!(
        allow(r#""sqs:SendMessage""#, &queues),
        "can send messages to queues `q00`, `q01`, `q02`, `q03`, `q04`, `q05`, `q06`, `q07` and 42 more"
    );
    let buckets = list((0..5_000).map(|n| format!("arn:aws:s3:::b{n:04}")));
    assert!(allow(r#""s3:*""#, &buckets).ends_with("and 92 more and 4900 more resources"));
    let names = list((0..30).map(|n| format!("sqs:frob{n:02}")));
    assert!(allow(&names, r#""*""#).ends_with("`sqs:frob07` and 22 more"));
}

#[test]
fn a_summary_has_room_for_a_status() {
    let statements: Vec<String> = (0..100)
        .map(|n| format!(r#"{{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*","Condition":{{"StringEquals":{{"aws:SourceVpce":"vpce-{n:03}"}}}}}}"#))
        .collect();
    let explanation = explained(&format!(r#"{{"Statement":[{}]}}"#, statements.join(",")));
    assert_eq!(explanation.sentences.len(), 100);
    let summary = explanation.summary();
    assert!(summary.chars().count() <= 1024, "{}", summary.len());
    let told = summary.matches("can send").count();
    assert!(summary.ends_with(&format!("; and {} more sentences", 100 - told)), "{summary}");
    assert!(told > 10);
    let long = "x".repeat(70);
    let values = list((0..8).map(|n| format!("{n}{long}")));
    let one = explained(&format!(
        r#"{{"Statement":[{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringEquals":{{"aws:x":{values}}}}}}}]}}"#
    ));
    assert!(one.text().chars().count() > 321);
    assert_eq!(one.summary().chars().count(), 321);
    assert!(one.summary().ends_with('…'));
}

#[test]
fn a_wildcard_that_was_not_taken_apart_may_be_anything() {
    let actions = list((0..10_000).map(|n| format!("*:*{n}*")));
    let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"*"}}]}}"#);
    let explanation = explained(&text);
    assert_eq!(explanation.sensitivity(), Some(crate::policy::explain::Sensitivity::Unknown));
    assert!(explanation.text().contains("more"));
}

#[test]
fn what_has_no_room_is_counted() {
    let statements: Vec<String> = (0..3_000)
        .map(|n| format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{"StringEquals":{{"aws:x":"{n}"}}}}}}"#))
        .collect();
    let explanation = explained(&format!(r#"{{"Statement":[{}]}}"#, statements.join(",")));
    let last = explanation.sentences.last().unwrap();
    let said = explanation.sentences.len() - 1;
    assert_eq!(last.text, format!("there is more than can be said here: {} parts", 3_000 - said));
}

/// Each of these has a megabyte, and would take minutes if some step had no bound.
#[test]
fn the_largest_policies_end() {
    let megabyte = |statement: &dyn Fn(usize) -> String| {
        let mut text = "{\"Statement\":[".to_owned();
        let mut number = 0;
        while text.len() < 1_000_000 {
            text.push_str(if number == 0 { "" } else { "," });
            text.push_str(&statement(number));
            number += 1;
        }
        text + "]}"
    };
    let resources = list((0..25_000).map(|n| format!("arn:aws:s3:::b{n}*/?{n}*")));
    let wild = list((0..60_000).map(|n| format!("ec2:*{n}*")));
    for text in [
        format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"*:*e*","Resource":{resources}}}]}}"#),
        format!(r#"{{"Statement":[{{"Effect":"Allow","Action":{wild},"Resource":"*"}}]}}"#),
        format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"s3:*","NotResource":{resources}}}]}}"#),
        megabyte(&|n| format!(r#"{{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:instance/i-{n}*"}}"#)),
        megabyte(&|n| {
            format!(
                r#"{{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{{"StringLike":{{"aws:x":"{n}*"}}}}}}"#
            )
        }),
        megabyte(&|n| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"{n:012}"}},"Action":"s3:*","Resource":"arn:aws:s3:::b{n}"}}"#
            )
        }),
        megabyte(&|n| {
            format!(r#"{{"Effect":"Allow","Action":["s3:*{}*","x:{n}*"],"Resource":"arn:aws:s3:::b{n}*"}}"#, n % 26)
        }),
    ] {
        let explanation = explained(&text);
        assert!(explanation.sentences.len() <= 2_100, "{}", explanation.sentences.len());
        assert!(explanation.text().len() < 5_000_000);
    }
}

#[test]
fn texts_of_others_cannot_break_a_line() {
    let text = r#"{"Effect":"Allow","Action":"sqs:\n`x\u202e","Resource":"arn:aws:s3:::\u0007b","Condition":{"StringEquals":{"aws:\rk":"v\u2028`w"}}}"#;
    assert_eq!(
        said(text),
        "can use `sqs:\u{fffd}'x\u{fffd}` on resource `arn:aws:s3:::\u{fffd}b`, only where `aws:\u{fffd}k` is `v\u{fffd}'w`"
    );
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        "[a-z0-9]{1,4}:[A-Za-z*?]{0,6}",
        "arn:aws:(s3|sqs|iam|\\*)?:[a-z*]{0,3}:[0-9*]{0,3}:[a-z/:*?${}]{0,8}",
        "s3:(Get|Put|\\*)[A-Za-z]{0,6}[*]?",
        ".{0,6}",
        "[\\PC\n\r\u{202e}`]{0,6}",
    ]
}

fn statement() -> impl Strategy<Value = serde_json::Value> {
    let names = prop::sample::select(vec!["Action", "NotAction"]);
    let whats = prop::sample::select(vec!["Resource", "NotResource"]);
    let operators = prop_oneof![
        prop::sample::select(vec![
            "StringLike",
            "ForAllValues:StringNotEqualsIfExists",
            "ForAnyValue:ArnNotLike",
            "NumericLessThanIfExists",
            "DateGreaterThan",
            "NotIpAddress",
            "Null",
            "BoolIfExists",
            "Frob",
        ])
        .prop_map(str::to_owned),
        ".{0,5}",
    ];
    let principals = prop::option::of(prop_oneof![
        Just(serde_json::json!("*")),
        (prop::sample::select(vec!["AWS", "Service", "Federated", "CanonicalUser"]), texts())
            .prop_map(|(kind, text)| serde_json::json!({ kind: text })),
    ]);
    let lists = || prop::collection::vec(texts(), 0..4);
    (any::<bool>(), names, lists(), whats, lists(), prop::option::of((operators, texts(), lists())), principals)
        .prop_map(|(allow, name, actions, what, resources, condition, principal)| {
            let mut statement =
                serde_json::json!({ "Effect": if allow { "Allow" } else { "Deny" }, name: actions, what: resources });
            if let Some((operator, key, values)) = condition {
                statement["Condition"] = serde_json::json!({ operator: { key: values } });
            }
            if let Some(principal) = principal {
                statement["Principal"] = principal;
            }
            statement
        })
}

proptest! {
    #[test]
    fn no_policy_breaks_it(statements in prop::collection::vec(statement(), 0..6)) {
        let text = serde_json::json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        if let Ok(policy) = Policy::read(&text) {
            let explanation = document(&policy, Catalogue::embedded());
            prop_assert!(!explanation.sentences.is_empty(), "{}", text);
            for sentence in &explanation.sentences {
                prop_assert!(!sentence.text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{:?}", sentence);
                prop_assert!(sentence.text.matches('`').count() % 2 == 0, "{:?}", sentence);
                prop_assert!(!sentence.text.contains("  ") || text.contains("  "), "{:?}", sentence);
            }
            prop_assert!(explanation.summary().chars().count() <= 1024);
        }
    }
}
