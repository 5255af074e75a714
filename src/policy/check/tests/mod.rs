//! Each code with documents that raise it, told exactly, and a near miss of
//! each that does not.

mod actions;
mod bounds;
mod conditions;
mod danger;
mod resources;
mod shape;
mod size;
mod who;

use super::{Code, Finding, Kind, findings};
use crate::policy::catalogue::Catalogue;
use std::collections::BTreeSet;

/// A document that raises a code, and one that nearly does.
struct Case {
    code: Code,
    kind: Option<Kind>,
    /// A whole document, or statements of one.
    text: &'static str,
    /// Of the first finding of that code.
    place: &'static str,
    at: (usize, usize),
    told: &'static str,
    /// What does not raise the code.
    near: &'static str,
}

const CASES: [&[Case]; 7] =
    [shape::CASES, actions::CASES, resources::CASES, conditions::CASES, who::CASES, danger::CASES, size::CASES];

fn cases() -> impl Iterator<Item = &'static Case> {
    CASES.into_iter().flatten()
}

/// Statements as a whole document; they begin in its second line.
fn whole(text: &str) -> String {
    if text.starts_with("{\"Effect\"") || text.starts_with("{\"Sid\"") {
        format!("{{\"Version\":\"2012-10-17\",\"Statement\":[\n  {text}\n]}}")
    } else {
        text.to_owned()
    }
}

fn found(text: &str, kind: Option<Kind>) -> Vec<Finding> {
    findings(&whole(text), kind, Catalogue::embedded())
}

fn codes(text: &str, kind: Option<Kind>) -> Vec<&'static str> {
    found(text, kind).iter().map(|finding| finding.code.id()).collect()
}

#[test]
fn every_code_is_raised_with_its_place_and_words() {
    for case in cases() {
        let found = found(case.text, case.kind);
        let first = found.iter().find(|finding| finding.code == case.code);
        let Some(first) = first else { panic!("{} is not raised by {}: {found:?}", case.code, case.text) };
        assert_eq!(format!("{}: {}", first.severity, first.message), case.told, "{}", case.text);
        assert_eq!((first.position.line, first.position.column), case.at, "{}", case.text);
        assert_eq!(first.place.to_string(), case.place, "{}", case.text);
        assert!(first.end > first.position || case.code == Code::InvalidJson, "{}", case.text);
        let help = first.help.as_deref().unwrap_or_default();
        assert!(!help.is_empty() && !help.ends_with('.'), "{}: {help}", case.code);
    }
}

#[test]
fn a_near_miss_is_not_told() {
    for case in cases() {
        let told = codes(case.near, case.kind);
        assert!(!told.contains(&case.code.id()), "{} is raised by {}", case.code, case.near);
    }
}

#[test]
fn every_code_has_a_case() {
    // These two have tests of their own, because their documents are long.
    let mut covered = BTreeSet::from([Code::TooLarge, Code::NotChecked]);
    covered.extend(cases().map(|case| case.code));
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !covered.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_good_policy_has_no_findings() {
    let good = [
        r#"{"Version":"2012-10-17","Statement":[
            {"Sid":"ScopeInbox","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],
             "Resource":["arn:aws:s3:::orders-in","arn:aws:s3:::orders-in/*"]},
            {"Sid":"ScopePublish","Effect":"Allow","Action":"sqs:SendMessage",
             "Resource":"arn:aws:sqs:eu-west-1:123456789012:orders",
             "Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
            "Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"},
            "Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{
            "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:aud":"sts.amazonaws.com",
            "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:sub":"system:serviceaccount:shop:orders"}}}]}"#,
    ];
    for text in good {
        assert_eq!(found(text, None), Vec::new());
    }
}

#[test]
fn common_policies_of_every_kind_have_no_findings() {
    let regions = r#"{"Effect":"Deny","NotAction":["iam:*","sts:*","route53:*"],"Resource":"*",
        "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1"]},
        "ArnNotLike":{"aws:PrincipalARN":"arn:aws:iam::*:role/admin"}}},{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let perimeter = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
        "Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-1"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}"#;
    let key = r#"{"Sid":"the account decides","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Decrypt","Resource":"*",
        "Condition":{"StringEquals":{"kms:CallerAccount":"123456789012","kms:ViaService":"s3.eu-west-1.amazonaws.com"}}}"#;
    let bucket = r#"{"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::orders/*",
        "Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::123456789012:distribution/A"}}},
        {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::orders","arn:aws:s3:::orders/*"],
        "Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;
    let registry = r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":["ecr:BatchGetImage"]}"#;
    let roles = r#"{"Sid":"","Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]},
        {"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:saml-provider/S"},"Action":"sts:AssumeRoleWithSAML",
        "Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}},
        {"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity",
        "Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"eu-west-1:1"},
        "ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}}}"#;
    let own = r#"{"Effect":"Allow","Action":["iam:CreateAccessKey","iam:GetUser"],"Resource":"arn:aws:iam::*:user/${aws:username}"},
        {"Effect":"Deny","NotAction":["iam:EnableMFADevice","sts:GetSessionToken"],"Resource":"*",
        "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}"#;
    for (text, kind) in [
        (regions, Some(Kind::Scp)),
        (perimeter, Some(Kind::Rcp)),
        (key, None),
        (bucket, None),
        (registry, None),
        (roles, None),
        (own, None),
    ] {
        assert_eq!(found(text, kind), Vec::new());
    }
}

#[test]
fn the_policies_that_ambit_writes_have_no_findings() {
    use crate::names::{Arn, IssuerUrl};
    let issuer = IssuerUrl::parse("https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE").unwrap();
    let provider =
        Arn::parse("arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE").unwrap();
    let claims = [crate::policy::ClaimTest::is("sub", "system:serviceaccount:shop:orders")];
    let trust = crate::policy::web_identity_trust(&provider, &issuer, "sts.amazonaws.com", &claims);
    assert_eq!(found(trust.unwrap().text(), Some(Kind::Trust)), Vec::new());
    assert_eq!(found(crate::policy::deny_all().text(), Some(Kind::Identity)), Vec::new());
}

#[test]
fn all_mistakes_of_the_structure_are_told_at_once() {
    let text = "{\n\"Version\":1,\n\"Statement\":[\n{\"Effect\":1,\"Action\":{}},\n7,\n{\"Effect\":\"Deny\"}]}";
    let told: Vec<(usize, String)> =
        found(text, None).into_iter().map(|finding| (finding.position.line, finding.message)).collect();
    assert_eq!(
        told,
        [
            (2, "`Version` must be `2012-10-17` or `2008-10-17`".to_owned()),
            (4, "`Effect` must be `Allow` or `Deny`".to_owned()),
            (4, "`Action` must be a text or a list of texts, not an object".to_owned()),
            (5, "`Statement[1]` must be an object, not a number".to_owned()),
            (6, "`Action` or `NotAction` is missing".to_owned()),
        ]
    );
}

#[test]
fn a_deny_with_conditions_takes_nothing_away() {
    let deny = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}},{{"Effect":"Deny","NotAction":"s3:*","Resource":"*"{condition}}}"#
        )
    };
    assert_eq!(codes(&deny(""), None), Vec::<&str>::new());
    let conditional = deny(r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#);
    assert_eq!(codes(&conditional, None), ["AMB0263"]);
}

#[test]
fn what_only_leaves_room_is_not_dangerous() {
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    for kind in [Kind::Scp, Kind::Boundary, Kind::Session] {
        assert_eq!(codes(all, Some(kind)), Vec::<&str>::new(), "{kind}");
    }
    assert_eq!(codes(all, Some(Kind::Identity)), ["AMB0260"]);
}
