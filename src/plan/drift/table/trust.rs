//! Rows about who may become a role.

use super::Edit::{Add, Replace, Set, Text, With};
use super::*;

pub(super) fn rows(desired: &Desired) -> Vec<Row> {
    edited(Part::Trust, ROWS, &desired.trust, |live, reading| live.trust = reading)
}

const SUB: &str = "/Statement/0/Condition/StringEquals/oidc.example.com~1id~1A:sub";
const AUD: &str = "/Statement/0/Condition/StringEquals/oidc.example.com~1id~1A:aud";

const ROWS: &[(&str, Expected, Edit)] = &[
    // The same in other words.
    (
        "the subject before the audience",
        COSMETIC,
        Replace(&[(
            r#""oidc.example.com/id/A:aud":"sts.amazonaws.com","oidc.example.com/id/A:sub":"system:serviceaccount:shop:orders""#,
            r#""oidc.example.com/id/A:sub":"system:serviceaccount:shop:orders","oidc.example.com/id/A:aud":"sts.amazonaws.com""#,
        )]),
    ),
    (
        "a list of one provider",
        COSMETIC,
        Replace(&[(r#"{"Federated":""#, r#"{"Federated":[""#), (r#"id/A"},"#, r#"id/A"]},"#)]),
    ),
    ("the action as a list", COSMETIC, Set(&[("/Statement/0/Action", r#"["sts:AssumeRoleWithWebIdentity"]"#)])),
    ("the action in another case", COSMETIC, Replace(&[("sts:AssumeRole", "STS:assumerole")])),
    ("the claims' keys in another case", COSMETIC, Replace(&[("oidc.example.com/id/A:", "OIDC.example.com/id/A:")])),
    ("a name for the statement", COSMETIC, Set(&[("/Statement/0/Sid", r#""ByHand""#)])),
    ("a list of one subject", COSMETIC, Set(&[(SUB, r#"["system:serviceaccount:shop:orders"]"#)])),
    ("StringLike without a star", COSMETIC, Replace(&[("StringEquals", "StringLike")])),
    (
        "the claims under two operators",
        COSMETIC,
        Set(&[
            (SUB, ""),
            (
                "/Statement/0/Condition/StringLike",
                r#"{"oidc.example.com/id/A:sub":"system:serviceaccount:shop:orders"}"#,
            ),
        ]),
    ),
    (
        "a statement twice",
        COSMETIC,
        With(|policy| {
            let mut again = policy["Statement"][0].clone();
            again["Sid"] = json!("Again");
            statements(policy).push(again);
        }),
    ),
    ("one statement that is no list", COSMETIC, With(|policy| policy["Statement"] = policy["Statement"][0].clone())),
    (
        "white space",
        COSMETIC,
        Text(|text| {
            let value: Value = serde_json::from_str(text).unwrap();
            serde_json::to_string_pretty(&value).unwrap()
        }),
    ),
    (
        "a denial of all other subjects",
        COSMETIC,
        Add(
            r#"{"Effect":"Deny","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringNotEquals":{"oidc.example.com/id/A:sub":"system:serviceaccount:shop:orders"}}}"#,
        ),
    ),
    // Fewer.
    ("one more condition", NARROWED, Set(&[("/Statement/0/Condition/IpAddress", r#"{"aws:SourceIp":"10.0.0.0/8"}"#)])),
    ("one more claim", NARROWED, Set(&[("/Statement/0/Condition/StringEquals/oidc.example.com~1id~1A:amr", r#""x""#)])),
    ("a denial for everybody", NARROWED, Add(r#"{"Effect":"Deny","Principal":"*","Action":"sts:*"}"#)),
    ("a statement that denies", NARROWED, Set(&[("/Statement/0/Effect", r#""Deny""#)])),
    // More.
    ("a subject with a star", WIDENED, Replace(&[("StringEquals", "StringLike"), ("shop:orders", "shop:*")])),
    ("a star after the subject", WIDENED, Replace(&[("StringEquals", "StringLike"), ("shop:orders", "shop:orders*")])),
    (
        "any character in the subject",
        WIDENED,
        Replace(&[("StringEquals", "StringLike"), ("shop:orders", "shop:order?")]),
    ),
    (
        "one more subject",
        WIDENED,
        Set(&[(SUB, r#"["system:serviceaccount:shop:orders","system:serviceaccount:shop:thief"]"#)]),
    ),
    ("one more audience", WIDENED, Set(&[(AUD, r#"["sts.amazonaws.com","https://kubernetes.default.svc"]"#)])),
    ("no subject", WIDENED, Set(&[(SUB, "")])),
    ("no audience", WIDENED, Set(&[(AUD, "")])),
    ("no condition", WIDENED, Set(&[("/Statement/0/Condition", "")])),
    ("StringEqualsIfExists", WIDENED, Replace(&[("StringEquals", "StringEqualsIfExists")])),
    ("StringEqualsIgnoreCase", WIDENED, Replace(&[("StringEquals", "StringEqualsIgnoreCase")])),
    ("ForAllValues", WIDENED, Replace(&[("StringEquals", "ForAllValues:StringEquals")])),
    (
        "one more provider",
        WIDENED,
        Set(&[
            (
                "/Statement/0/Principal/Federated",
                r#"["arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A","arn:aws:iam::123456789012:oidc-provider/evil.example.com"]"#,
            ),
            ("/Statement/0/Condition", ""),
        ]),
    ),
    (
        "another account",
        WIDENED,
        Add(r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"sts:AssumeRole"}"#),
    ),
    (
        "a role of the same account",
        WIDENED,
        Add(r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/ci"},"Action":"sts:AssumeRole"}"#),
    ),
    (
        "a service",
        WIDENED,
        Add(r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#),
    ),
    ("everybody", WIDENED, Add(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#)),
    (
        "everybody under a condition",
        WIDENED,
        Add(
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}"#,
        ),
    ),
    (
        "everybody but one",
        WIDENED,
        Add(r#"{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"sts:AssumeRole"}"#),
    ),
    (
        "sessions may be tagged",
        WIDENED,
        Set(&[("/Statement/0/Action", r#"["sts:AssumeRoleWithWebIdentity","sts:TagSession"]"#)]),
    ),
    ("every action", WIDENED, Set(&[("/Statement/0/Action", r#""sts:*""#)])),
    // Others.
    ("another subject", CHANGED, Replace(&[("shop:orders", "shop:thief")])),
    ("a namespace that looks alike", CHANGED, Replace(&[("serviceaccount:shop:", "serviceaccount:shop-dev:")])),
    ("a subject in another case", CHANGED, Replace(&[("shop:orders", "shop:Orders")])),
    ("another audience", CHANGED, Replace(&[("sts.amazonaws.com", "https://kubernetes.default.svc")])),
    ("the provider of an account off by one", CHANGED, Replace(&[("::123456789012:", "::123456789013:")])),
    (
        "a provider that looks alike",
        CHANGED,
        Replace(&[("oidc-provider/oidc.example.com/id/A", "oidc-provider/oidc.example.com/id/B")]),
    ),
    ("the claim of another issuer", CHANGED, Replace(&[("id/A:sub", "id/B:sub")])),
    ("StringNotEquals", CHANGED, Replace(&[("StringEquals", "StringNotEquals")])),
    ("all but the provider", CHANGED, Replace(&[("\"Principal\"", "\"NotPrincipal\"")])),
    ("another action", CHANGED, Replace(&[("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML")])),
    // Nobody can say.
    ("no JSON", UNREADABLE, Text(|_| "nonsense".to_owned())),
    ("nothing", UNREADABLE, Text(|_| String::new())),
    ("an element that does not exist", UNREADABLE, Replace(&[("\"Principal\"", "\"Principals\"")])),
    ("an operator that does not exist", UNREADABLE, Replace(&[("StringEquals", "StringMatches")])),
];
