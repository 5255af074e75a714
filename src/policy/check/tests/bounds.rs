//! Large and strange documents: they end in time, and nothing breaks.

use super::{codes, found, whole};
use crate::policy::catalogue::Catalogue;
use crate::policy::check::{Code, Kind, Severity, findings};
use proptest::prelude::*;

fn texts(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(|index| format!("\"{}\"", text(index))).collect::<Vec<_>>().join(",")
}

#[test]
fn each_kind_has_its_size() {
    let policy = |length: usize, principal: &str| {
        let empty =
            format!(r#"{{"Effect":"Deny",{principal}"Action":"s3:GetObject","Resource":"arn:aws:s3:::orders/"}}"#);
        let rest = length - whole(&empty).chars().filter(|sign| !sign.is_whitespace()).count();
        empty.replace("orders/", &format!("orders/{}", "x".repeat(rest)))
    };
    let who = r#""Principal":"*","#;
    for (kind, principal, limit, told) in [
        (
            Kind::Identity,
            "",
            10_240,
            "the policy has 10241 characters: even the inline policies of a role, which are the largest, may have 10240",
        ),
        (Kind::Boundary, "", 6_144, "the policy has 6145 characters: a permissions boundary may have 6144"),
        (Kind::Session, "", 2_048, "the policy has 2049 characters: a session policy may have 2048"),
        (Kind::Trust, who, 2_048, "the policy has 2049 characters: a trust policy may have 2048"),
        (
            Kind::Scp,
            "",
            5_120,
            "the policy has 5125 characters: a service control policy, white space included, may have 5120",
        ),
        (
            Kind::Rcp,
            who,
            5_120,
            "the policy has 5125 characters: a resource control policy, white space included, may have 5120",
        ),
    ] {
        let large = |length: usize| {
            let found = found(&policy(length, principal), Some(kind));
            found.into_iter().find(|finding| finding.code == Code::TooLarge && finding.severity == Severity::Error)
        };
        assert_eq!(large(limit + 1).map(|finding| finding.message).as_deref(), Some(told));
        assert_eq!(large(limit - 5), None, "{kind}");
    }
    let warned = found(&policy(6_145, ""), None);
    assert_eq!(
        warned.iter().map(|finding| (finding.severity, finding.message.as_str())).collect::<Vec<_>>(),
        [(
            Severity::Warning,
            "the policy has 6145 characters: it fits only as an inline policy of a role; a managed policy may have 6144, a group's inline policies 5120, a user's 2048"
        )]
    );
    assert_eq!(codes(&policy(6_144, ""), None), Vec::<&str>::new());
}

#[test]
fn more_than_a_megabyte_is_not_read() {
    let found = found(&" ".repeat(1_048_577), None);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "the policy has 1048577 bytes: at most 1048576 are read");
}

#[test]
fn only_the_first_findings_are_shown() {
    let actions = texts(2_000, |index| format!("s3:Nothing{index}"));
    let found = found(&format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}"#), None);
    assert_eq!(found.len(), 501);
    assert_eq!(found[0].code, Code::NotChecked);
    assert_eq!(found[0].message, "1501 more findings are not shown");
}

#[test]
fn ten_thousand_wildcards_are_bounded_work() {
    let many = |text: &dyn Fn(usize) -> String| texts(10_000, text);
    let actions = |list: &str| format!(r#"{{"Effect":"Allow","Action":[{list}],"Resource":"*"}}"#);
    let resources = |list: &str| format!(r#"{{"Effect":"Allow","Action":["s3:*","ec2:*"],"Resource":[{list}]}}"#);
    let values = |list: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{"StringLike":{{"aws:SourceVpce":[{list}]}},"StringNotLike":{{"aws:SourceVpce":[{list}]}}}}}}"#
        )
    };
    let one = |action: &str| format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"arn:aws:ec2:*:*:a*b*/*"}}"#);
    let documents = [
        actions(&many(&|index| format!("ec2:*a*{index}*e*"))),
        actions(&many(&|index| format!("?*:*{index}*"))),
        resources(&texts(1_000, |index| format!("arn:aws:ec2:*:*:*a*b*{index}*"))),
        values(&many(&|index| format!("*a*{index}*b*"))),
        (0..2_000).map(|index| one(&format!("ec2:*{index}*"))).collect::<Vec<_>>().join(","),
        (0..2_000).map(|_| one("ec2:D*")).collect::<Vec<_>>().join(","),
        actions(&format!("\"ec2:{}\"", "*a".repeat(400_000))),
        values(&format!("\"{}\"", "*a".repeat(200_000))),
    ];
    let cut = documents.map(|document| {
        let found = findings(&whole(&document), None, Catalogue::embedded());
        assert!(found.len() <= 502);
        found.iter().any(|finding| finding.message.starts_with("the policy has more patterns than"))
    });
    assert_eq!(cut, [false, false, false, true, false, false, false, true]);
}

const PLAIN: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"One","Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:GetObject","iam:*"],"Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"StringEquals":{"aws:SourceVpce":["a","b"]},"NumericLessThan":{"s3:max-keys":5},"ForAllValues:StringLike":{"aws:TagKeys":"*"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"ArnLike":{"aws:SourceArn":"arn:aws:sns:*"}}},{"Effect":"Deny","NotAction":"iam:*","NotResource":"*"}]}"#;

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = found(&String::from_utf8_lossy(&bytes), None);
    }

    #[test]
    fn no_mutation_breaks_it(
        at in 0..PLAIN.len(),
        length in 0_usize..40,
        with in "[\\[\\]{}:,\"a0-9*?$/é\\\\ ]{0,6}",
        kind in proptest::option::of(0_usize..7),
    ) {
        let end = (at + length).min(PLAIN.len());
        let mutated = format!("{}{with}{}", &PLAIN[..at], &PLAIN[end..]);
        for finding in found(&mutated, kind.map(|kind| Kind::ALL[kind])) {
            prop_assert!(finding.position <= finding.end);
            prop_assert!(finding.message.len() < 700, "{}", finding.message);
        }
    }
}
