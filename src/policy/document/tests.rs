use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Document {
    Document::read(text).unwrap()
}

fn unreadable(text: &str) -> String {
    Document::read(text).unwrap_err().to_string()
}

const PLAIN: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"One","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:SourceVpce":["a","b"],"s3:authType":"x"},"Bool":{"aws:SecureTransport":"true"}}},{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}]}"#;

#[test]
fn what_has_no_meaning_makes_no_difference() {
    let cosmetic = r#"
    { "Id": "anything", "Statement": [
        { "Resource": ["*"], "NotAction": ["IAM:*"], "Effect": "Deny", "Sid": "" },
        { "Effect": "Allow", "Action": ["s3:putobject", "S3:GetObject", "s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"],
          "Condition": { "Bool": { "AWS:SecureTransport": true }, "StringEquals": { "s3:authType": ["x", "x"], "aws:sourcevpce": ["b", "a"] } } },
        { "Resource": "*", "NotAction": "iam:*", "Effect": "Deny" }
      ], "Version": "2012-10-17" }"#;
    assert!(read(PLAIN).same_meaning(&read(cosmetic)));
    assert_ne!(read(PLAIN), read(cosmetic));
    assert_ne!(read(PLAIN).digest(), read(cosmetic).digest());
}

#[test]
fn a_single_statement_needs_no_list_and_an_old_version_no_name() {
    let one = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let list =
        r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":["*"],"Resource":["*"],"Condition":{}}]}"#;
    assert!(read(one).same_meaning(&read(list)));
    assert!(!read(one).same_meaning(&read(&list.replace("2008", "2012"))));
}

#[test]
fn what_has_meaning_makes_a_difference() {
    let plain = read(PLAIN);
    for (old, new) in [
        ("\"Allow\"", "\"Deny\""),
        ("s3:GetObject", "s3:GetObjectAcl"),
        ("\"NotAction\"", "\"Action\""),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::B/*"),
        ("StringEquals", "StringLike"),
        ("StringEquals", "StringEqualsIfExists"),
        ("\"aws:SourceVpce\":[\"a\",\"b\"]", "\"aws:SourceVpce\":[\"a\"]"),
        ("\"aws:SourceVpce\":[\"a\",\"b\"]", "\"aws:SourceVpce\":[\"a\",\"B\"]"),
        ("aws:SourceVpce", "aws:SourceVpc"),
        (",\"Bool\":{\"aws:SecureTransport\":\"true\"}", ""),
        ("\"Resource\":\"*\"", "\"NotResource\":\"*\""),
        ("2012-10-17", "2008-10-17"),
        (",{\"Effect\":\"Deny\",\"NotAction\":\"iam:*\",\"Resource\":\"*\"}", ""),
    ] {
        let changed = PLAIN.replace(old, new);
        assert_ne!(changed, PLAIN, "{old}");
        assert!(!plain.same_meaning(&read(&changed)), "{old} → {new}");
    }
}

#[test]
fn principals_are_read_in_every_form() {
    let trust = |principal: &str| {
        read(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{principal},"Action":"sts:AssumeRole"}}]}}"#
        ))
    };
    let named =
        trust(r#""Principal":{"AWS":["arn:aws:iam::1:root","arn:aws:iam::2:root"],"Service":"ec2.amazonaws.com"}"#);
    assert!(named.same_meaning(&trust(
        r#""Principal":{"Service":["ec2.amazonaws.com"],"AWS":["arn:aws:iam::2:root","arn:aws:iam::1:root"]}"#
    )));
    assert!(!named.same_meaning(&trust(
        r#""NotPrincipal":{"AWS":["arn:aws:iam::1:root","arn:aws:iam::2:root"],"Service":"ec2.amazonaws.com"}"#
    )));
    assert!(!trust(r#""Principal":"*""#).same_meaning(&trust(r#""Principal":{"AWS":"*"}"#)), "not certainly the same");
    assert!(!trust(r#""Principal":{"AWS":"a"}"#).same_meaning(&trust(r#""Principal":{"Service":"a"}"#)));
}

#[test]
fn the_case_of_a_tag_key_and_of_an_issuer_counts() {
    let with = |key: &str| {
        read(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringEquals":{{"{key}":"a"}}}}}}}}"#
        ))
    };
    assert!(with("aws:PrincipalArn").same_meaning(&with("AWS:principalarn")));
    assert!(!with("aws:ResourceTag/Team").same_meaning(&with("aws:ResourceTag/team")));
    assert!(!with("oidc.example/id/A:sub").same_meaning(&with("oidc.example/id/a:sub")));
}

#[test]
fn what_is_not_understood_is_named_with_its_place() {
    for (text, message) in [
        ("", "the policy is not valid JSON: EOF while parsing a value at line 1 column 0"),
        ("{}", "the policy cannot be read at `Statement`: it must be there"),
        ("[]", "the policy cannot be read at `policy`: it must be an object, not a list"),
        (r#"{"Statement":[1]}"#, "the policy cannot be read at `Statement[0]`: it must be an object, not a number"),
        (
            r#"{"Statement":[],"Version":"2020-01-01"}"#,
            "the policy cannot be read at `Version`: it must be `2012-10-17` or `2008-10-17`",
        ),
        (r#"{"Statement":[],"Extra":1}"#, "the policy cannot be read at `Extra`: it is not an element of a policy"),
        (
            r#"{"Statement":[],"Statement":[]}"#,
            "the policy cannot be read at `Statement`: it stands twice in one object",
        ),
        (
            r#"{"Statement":{"Effect":"allow","Action":"*"}}"#,
            "the policy cannot be read at `Statement.Effect`: it must be `Allow` or `Deny`",
        ),
        (
            r#"{"Statement":{"Effect":"Allow"}}"#,
            "the policy cannot be read at `Statement.Action`: it or `NotAction` must be there",
        ),
        (
            r#"{"Statement":[{"Effect":"Allow","Action":"a","NotAction":"b"}]}"#,
            "the policy cannot be read at `Statement[0].Action`: it cannot stand beside `NotAction`",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":[1]}}"#,
            "the policy cannot be read at `Statement.Action`: it must be a text or a list of texts, not a number",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"a","Principal":{"Aws":"b"}}}"#,
            "the policy cannot be read at `Statement.Principal.Aws`: it is not an element of a policy",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"a","Resource":"*","Condition":{"StringIs":{"aws:a":"b"}}}}"#,
            "the policy cannot be read at `Statement[0].Condition.StringIs.aws:a`: its operator is not a condition operator",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"a","Condition":{"Bool":{"aws:a":null}}}}"#,
            "the policy cannot be read at `Statement.Condition.Bool.aws:a`: it must be a text or a list of texts, not null",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"a","Resource":"\ud800"}}"#,
            "the policy cannot be read at `Statement.Resource`: it has an escape that stands for no character",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"a"}}"#,
            "the policy cannot be read at `Statement[0].Resource`: it or `NotResource` must be there",
        ),
    ] {
        assert_eq!(unreadable(text), message, "{text}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    assert_eq!(unreadable(&" ".repeat(1_048_577)), "the policy has 1048577 bytes: at most 1048576 are read");
    assert!(unreadable(&"[".repeat(1_000_000)).starts_with("the policy is not valid JSON: EOF while parsing a list"));
    assert!(unreadable(&"{\"a\":".repeat(100_000)).starts_with("the policy is not valid JSON: EOF while parsing"));
    let deep = format!("{{\"Statement\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(unreadable(&deep), "the policy cannot be read at `Statement[0]`: it must be an object, not a list");
}

#[test]
fn size_leaves_out_white_space_only() {
    assert_eq!(size_for_iam("{ \"a\":\t\"b\u{a0}é\"\r\n}"), 11);
}

#[test]
fn debug_does_not_show_the_text() {
    let document = read(PLAIN);
    assert_eq!(format!("{document:?}"), format!("Document({}, {} characters)", document.digest(), PLAIN.len()));
    assert_eq!(document.to_string(), PLAIN);
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Document::read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_mutation_breaks_it(at in 0..PLAIN.len(), length in 0_usize..40, with in "[\\[\\]{}:,\"a0-9\\\\ ]{0,6}") {
        let end = (at + length).min(PLAIN.len());
        let mutated = format!("{}{with}{}", &PLAIN[..at], &PLAIN[end..]);
        if let Ok(document) = Document::read(&mutated) {
            prop_assert_eq!(document.text(), mutated.as_str());
        }
    }

    #[test]
    fn any_order_of_any_values_means_the_same(values in proptest::collection::vec("[a-z:*\"\\\\é\u{1}]{0,8}", 1..6)) {
        let texts = |values: &[String]| serde_json::to_string(values).unwrap();
        let policy = |list: &str| format!(r#"{{"Statement":{{"Effect":"Allow","Action":"a:b","Resource":{list},"Condition":{{"StringLike":{{"aws:x":{list}}}}}}}}}"#);
        let mut turned = values.clone();
        turned.reverse();
        turned.push(values[0].clone());
        prop_assert!(read(&policy(&texts(&values))).same_meaning(&read(&policy(&texts(&turned)))));
    }
}
