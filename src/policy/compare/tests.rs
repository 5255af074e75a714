use super::*;
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::request::Outcome;

/// A policy of one statement, its elements written as JSON.
fn allow(elements: &str) -> Policy {
    Policy::read(&format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{elements}}}]}}"#)).unwrap()
}

fn policy(statements: &str) -> Policy {
    Policy::read(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn on(resource: &str) -> String {
    format!(r#""Action":"s3:GetObject","Resource":"{resource}""#)
}

fn when(condition: &str) -> String {
    format!(r#""Action":"s3:GetObject","Resource":"*","Condition":{{{condition}}}"#)
}

/// Both answers, each `=`, `+` or `?`; every witness replays.
fn signs(old: &Policy, new: &Policy) -> String {
    let found = compare(old, new).unwrap();
    let sign = |direction: &Direction, from: &Policy, to: &Policy| match &direction.verdict {
        Verdict::None => '=',
        Verdict::Unknown { .. } => '?',
        Verdict::New(witness) => {
            assert_eq!(alone(&Prepared::new(from), witness).outcome, Outcome::Allowed);
            assert!(alone(&Prepared::new(to), witness).outcome.denies());
            '+'
        }
    };
    [sign(&found.forward, new, old), sign(&found.backward, old, new)].into_iter().collect()
}

#[test]
fn actions() {
    let action = |text: &str| allow(&format!(r#"{text},"Resource":"*""#));
    for (old, new, expected) in [
        (r#""Action":"s3:GetObject""#, r#""Action":"S3:getobject""#, "=="),
        (r#""Action":"s3:GetObject""#, r#""Action":"s3:Get*""#, "+="),
        (r#""Action":"s3:Get*""#, r#""Action":"s3:*Object""#, "++"),
        (r#""Action":["s3:*","s3:GetObject"]"#, r#""Action":"s3:*""#, "=="),
        (r#""Action":"s3:GetObject""#, r#""Action":"s3:Get Object""#, "=+"),
        (r#""NotAction":"s3:GetObject""#, r#""NotAction":"s3:Get Object""#, "+="),
        (r#""NotAction":"s3:*""#, r#""Action":"sqs:*""#, "=+"),
        (r#""Action":"*""#, r#""Action":"*:*""#, "=="),
        (r#""Action":"*""#, r#""NotAction":"s3:DeleteBucket""#, "=+"),
        (r#""Action":["a:ab*","a:*bc"]"#, r#""Action":["a:ab*","a:*bc","a:ab*bc"]"#, "=="),
        (r#""Action":"s*:Get*""#, r#""Action":["s3:Get*","sqs:Get*"]"#, "=+"),
    ] {
        assert_eq!(signs(&action(old), &action(new)), expected, "{old} → {new}");
    }
}

#[test]
fn resources() {
    for (old, new, expected) in [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/*", "=="),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b*", "+="),
        ("arn:aws:s3:::b/k", "arn:aws:s3:::B/k", "++"),
        ("*", "arn:*", "=+"),
        ("arn:*", "arn:*:*:*:*:*", "=="),
        ("arn:aws:s3:*", "arn:aws:s3:::*", "=+"),
        ("arn:aws:s3", "arn:aws:s3:*:*:*", "=="),
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/*", "+="),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}", "=+"),
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:UserName}", "=="),
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:userid}", "++"),
        ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", "+="),
        ("arn:aws:s3:::b/??", "arn:aws:s3:::b/*", "+="),
        ("arn:aws:s3:::b/?*", "arn:aws:s3:::b/*?", "=="),
    ] {
        assert_eq!(signs(&allow(&on(old)), &allow(&on(new))), expected, "{old} → {new}");
    }
}

#[test]
fn conditions() {
    for (old, new, expected) in [
        (r#""StringEquals":{"aws:a":"x"}"#, r#""StringEquals":{"AWS:A":["x","x"]}"#, "=="),
        (r#""StringEquals":{"aws:a":"*"}"#, r#""StringLike":{"aws:a":"*"}"#, "+="),
        (r#""StringEquals":{"aws:a":"x"}"#, r#""StringEqualsIfExists":{"aws:a":"x"}"#, "+="),
        (r#""StringEquals":{"aws:a":"x"}"#, r#""StringEqualsIgnoreCase":{"aws:a":"X"}"#, "+="),
        (r#""StringNotEquals":{"aws:a":"x"}"#, r#""StringNotEqualsIfExists":{"aws:a":"x"}"#, "=="),
        (r#""StringNotEquals":{"aws:a":"x"}"#, r#""StringNotEquals":{"aws:a":["x","y"]}"#, "=+"),
        (r#""StringLike":{"aws:a":"*"}"#, r#""Null":{"aws:a":"false"}"#, "=="),
        (r#""Bool":{"aws:a":true}"#, r#""Bool":{"aws:a":"true"}"#, "=="),
        (r#""Bool":{"aws:a":"true"}"#, r#""BoolIfExists":{"aws:a":"true"}"#, "+="),
        (r#""ArnEquals":{"aws:a":"arn:aws:s3:::b"}"#, r#""ArnLike":{"aws:a":"arn:aws:s3:::b"}"#, "=="),
        (r#""ArnLike":{"aws:a":"arn:*:s3:::b"}"#, r#""StringLike":{"aws:a":"arn:*:s3:::b"}"#, "+="),
        (r#""NumericLessThan":{"aws:a":5}"#, r#""NumericLessThanEquals":{"aws:a":"5.0"}"#, "+="),
        (r#""NumericLessThan":{"aws:a":5}"#, r#""NumericLessThan":{"aws:a":[3,5]}"#, "=="),
        (r#""DateLessThan":{"aws:a":"2026-01-01"}"#, r#""DateLessThan":{"aws:a":"1767225600"}"#, "=="),
        (r#""IpAddress":{"aws:a":["10.0.0.0/9","10.128.0.0/9"]}"#, r#""IpAddress":{"aws:a":"10.0.0.0/8"}"#, "=="),
        (r#""IpAddress":{"aws:a":"10.0.0.0/8"}"#, r#""IpAddress":{"aws:a":"10.0.0.0/7"}"#, "+="),
        (r#""NotIpAddress":{"aws:a":"10.0.0.0/8"}"#, r#""NotIpAddress":{"aws:a":"10.1.2.3"}"#, "+="),
        (r#""ForAllValues:StringEquals":{"aws:a":"x"}"#, r#""ForAllValues:StringEqualsIfExists":{"aws:a":"x"}"#, "=="),
        (r#""ForAnyValue:StringEquals":{"aws:a":"x"}"#, r#""ForAllValues:StringEquals":{"aws:a":"x"}"#, "++"),
        (r#""StringEquals":{"aws:a":"${aws:b}"}"#, r#""StringLike":{"aws:a":"*"}"#, "+="),
        (r#""StringEquals":{"aws:a":"${aws:b}"}"#, r#""StringEquals":{"aws:a":"${aws:b, 'x'}"}"#, "+?"),
        (r#""ForAnyValue:StringEquals":{"aws:a":""}"#, r#""Null":{"aws:a":"true"}"#, "++"),
        (r#""StringEquals":{"aws:a":"x","aws:b":"y"}"#, r#""StringEquals":{"aws:a":"x"}"#, "+="),
        (r#""BinaryEquals":{"aws:a":"YQ=="}"#, r#""BinaryEquals":{"aws:a":["YQ==","Yg=="]}"#, "+="),
        // Together they leave nothing to allow.
        (
            r#""StringEquals":{"aws:a":"x"},"StringLike":{"aws:a":"y*"}"#,
            r#""Null":{"aws:a":["true"]},"Bool":{"aws:a":"true"}"#,
            "==",
        ),
    ] {
        assert_eq!(signs(&allow(&when(old)), &allow(&when(new))), expected, "{old} → {new}");
    }
}

#[test]
fn corners_of_conditions() {
    let nothing = r#""Null":{"aws:a":"true"},"Bool":{"aws:a":"true"}"#;
    for (old, new, expected) in [
        // A variable may stand for a whole ARN, and for any text in any case.
        (nothing, r#""ArnEquals":{"aws:SourceArn":"${aws:PrincipalArn}"}"#, "+="),
        (r#""StringEquals":{"aws:a":"${aws:b}"}"#, r#""StringEqualsIgnoreCase":{"aws:a":"${aws:b}"}"#, "+?"),
        // Two conditions that are not understood need not be one.
        (r#""NumericEquals":{"aws:a":"abc"}"#, r#""NumericEqualsIfExists":{"aws:a":"abc"}"#, "+?"),
        (r#""NumericEquals":{"aws:a":"abc"}"#, r#""NumericEquals":{"aws:a":"abc"}"#, "=="),
        // A value that is no number is neither more nor less than one.
        (r#""NumericLessThanIfExists":{"aws:a":"5"}"#, r#""Null":{"aws:a":["true","false"]}"#, "+="),
        (r#""NotIpAddress":{"aws:a":["0.0.0.0/0","::/0"]}"#, r#""Null":{"aws:a":"true"}"#, "=+"),
        (
            r#""NumericLessThan":{"aws:a":"170141183460469231731"}"#,
            r#""NumericGreaterThan":{"aws:a":"-170141183460469231731"}"#,
            "++",
        ),
        (r#""DateGreaterThan":{"aws:a":"0001-01-01T00:00:00Z"}"#, r#""Null":{"aws:a":"false"}"#, "+?"),
        // Empty texts: nothing in a set, a value otherwise.
        (r#""StringLike":{"aws:a":"*"}"#, r#""Null":{"aws:a":"false"}"#, "=="),
        (
            r#""ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"false"}"#,
            r#""ForAnyValue:StringEquals":{"aws:TagKeys":"a"}"#,
            "++",
        ),
        (r#""StringEqualsIgnoreCase":{"aws:a":"k"}"#, r#""StringEqualsIgnoreCase":{"aws:a":"K"}"#, "=="),
        // A key that is a list is refused by operators for one value.
        (r#""StringNotEquals":{"aws:TagKeys":"a"}"#, r#""StringNotEquals":{"aws:TagKeys":["a","a"]}"#, "=="),
        (r#""Null":{"aws:TagKeys":"false"}"#, r#""StringLike":{"aws:TagKeys":"*"}"#, "=+"),
    ] {
        assert_eq!(signs(&allow(&when(old)), &allow(&when(new))), expected, "{old} → {new}");
    }
}

#[test]
fn the_account_of_a_resource_is_what_its_arn_says() {
    let on = |resource: &str, condition: &str| {
        allow(&format!(r#""Action":"s3:GetObject","Resource":"{resource}","Condition":{{{condition}}}"#))
    };
    let absent = r#""Null":{"aws:ResourceAccount":"true"}"#;
    let is = |account: &str| format!(r#""StringEquals":{{"aws:ResourceAccount":"{account}"}}"#);
    for (old, new, expected) in [
        (policy(""), on("arn:aws:s3:*:*:b", absent), "+="),
        (policy(""), on("arn:aws:s3:*:111122223333:b", absent), "=="),
        (policy(""), on("arn:aws:iam::aws:policy/x", absent), "+="),
        (policy(""), on("arn:aws:s3:*:111122223333:b", &is("444455556666")), "=="),
        (on("arn:aws:s3:*:*:b", &is("111122223333")), on("arn:aws:s3:*:111122223333:b", &is("111122223333")), "=+"),
        (on("arn:aws:s3:::b", &is("${aws:PrincipalAccount}")), on("arn:aws:s3:::b", ""), "+="),
    ] {
        assert_eq!(signs(&old, &new), expected);
    }
}

#[test]
fn statements_together() {
    let all = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let deny = |rest: &str| format!(r#"{all},{{"Effect":"Deny",{rest}}}"#);
    for (old, new, expected) in [
        (all.to_owned(), deny(r#""Action":"sqs:*","Resource":"*""#), "=="),
        (all.to_owned(), deny(r#""Action":"s3:*","NotResource":"*""#), "=="),
        (all.to_owned(), deny(r#""Action":"s3:*","Resource":"arn:aws:s3:::secret/*""#), "=+"),
        (
            deny(r#""Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#),
            deny(r#""Action":"s3:*","Resource":"*","Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}"#),
            "=+",
        ),
        (
            // Two halves are the whole.
            all.to_owned(),
            [
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:a":"x"}}}"#,
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:a":"x"}}}"#,
            ]
            .join(","),
            "==",
        ),
        (
            // With a variable that may be the name that is denied.
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"}"#.to_owned(),
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/bob"}"#.to_owned(),
            "=?",
        ),
        (String::new(), String::new(), "=="),
        (String::new(), all.to_owned(), "+="),
    ] {
        assert_eq!(signs(&policy(&old), &policy(&new)), expected, "{old} → {new}");
    }
}

#[test]
fn who_may_assume_a_role() {
    let trust = |principal: &str, condition: &str| {
        allow(&format!(r#""Principal":{principal},"Action":"sts:AssumeRole","Condition":{{{condition}}}"#))
    };
    let role = r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#;
    for (old, new, expected) in [
        ((role, ""), (r#"{"AWS":"arn:aws:iam::111122223333:role/path/app"}"#, ""), "=="),
        ((role, ""), (r#"{"AWS":"111122223333"}"#, ""), "+="),
        ((r#"{"AWS":"111122223333"}"#, ""), (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, ""), "=="),
        ((role, ""), (r#""*""#, ""), "+="),
        ((r#"{"AWS":"arn:aws:iam::111122223333:role/x"}"#, ""), (r#"{"AWS":"111122223333"}"#, ""), "+="),
        ((r#"{"Service":"x.amazonaws.com"}"#, ""), (r#"{"Service":"x.amazonaws.com"}"#, ""), "=="),
        ((r#""*""#, ""), (r#"{"AWS":"*"}"#, ""), "=="),
        (
            (r#"{"Service":"ec2.amazonaws.com"}"#, ""),
            (r#"{"Service":["ec2.amazonaws.com","ecs.amazonaws.com"]}"#, ""),
            "+=",
        ),
        ((role, r#""StringEquals":{"sts:ExternalId":"x"}"#), (role, ""), "+="),
        ((r#""*""#, r#""StringEquals":{"aws:PrincipalType":"Account"}"#), (r#""*""#, ""), "+="),
        ((r#""*""#, r#""StringEquals":{"aws:PrincipalType":"Account"}"#), (role, ""), "++"),
        ((r#""*""#, r#""ArnLike":{"aws:PrincipalArn":"arn:aws-cn:iam::*:role/x"}"#), (role, ""), "++"),
        ((r#""*""#, r#""ArnLike":{"aws:PrincipalArn":"arn:aws:sts::*:federated-user/x"}"#), (role, ""), "++"),
        ((r#"{"AWS":"lambda.amazonaws.com"}"#, ""), (r#"{"Service":"lambda.amazonaws.com"}"#, ""), "+="),
        ((r#""*""#, r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}"#), (role, ""), "=="),
        (
            (r#""*""#, r#""StringEquals":{"aws:PrincipalAccount":"111122223333"}"#),
            (r#"{"AWS":"111122223333"}"#, ""),
            "==",
        ),
        (
            (r#"{"Federated":"arn:aws:iam::1:oidc-provider/i"}"#, r#""StringEquals":{"i:sub":"a:b"}"#),
            (r#"{"Federated":"arn:aws:iam::1:oidc-provider/i"}"#, r#""StringLike":{"i:sub":"a:*"}"#),
            "+=",
        ),
    ] {
        let (before, after) = (trust(old.0, old.1), trust(new.0, new.1));
        assert_eq!(signs(&before, &after), expected, "{old:?} → {new:?}");
    }
}

#[test]
fn what_is_not_understood_is_unknown_where_it_matters() {
    let odd = allow(r#""Action":"s3:GetObject","Resource":"*","Condition":{"StringIs":{"aws:a":"x"}}"#);
    let plain = allow(r#""Action":"s3:GetObject","Resource":"*""#);
    let found = compare(&plain, &odd).unwrap();
    assert_eq!(found.forward.verdict, Verdict::None, "whatever it says, it cannot allow more");
    let misspelt = r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Principle":"*","Action":"s3:*","Resource":"*"}"#;
    let open = allow(r#""Principal":"*","Action":"s3:*","Resource":"*""#);
    assert_eq!(signs(&open, &policy(misspelt)), "=?", "it may be about somebody");
    let wild = allow(&format!(r#""Action":"{}","Resource":"*""#, "?".repeat(90)));
    assert_eq!(signs(&plain, &wild), "?+", "too many wildcards to follow");
    let Verdict::Unknown { reason, candidate } = found.backward.verdict else { panic!("{:?}", found.backward) };
    assert_eq!(
        reason,
        "the new policy is not understood at `Statement[0].Condition.StringIs.aws:a`: its operator is not a condition operator",
    );
    assert_eq!(candidate.unwrap().action, "s3:GetObject".to_ascii_lowercase());
}

#[test]
fn documents_of_different_kinds_have_no_common_question() {
    let trust = allow(r#""Principal":"*","Action":"sts:AssumeRole""#);
    let bucket = allow(r#""Principal":"*","Action":"s3:*","Resource":"*""#);
    let identity = allow(r#""Action":"s3:*","Resource":"*""#);
    assert_eq!(
        compare(&trust, &identity).unwrap_err().to_string(),
        "a trust policy cannot be compared with the policy of an identity: both must be of one kind",
    );
    assert!(compare(&bucket, &trust).is_err());
    assert!(compare(&policy(""), &trust).is_ok(), "an empty policy is of every kind");
}

#[test]
fn answers_tell_their_domain() {
    let with =
        |action: &str, resource: &str| allow(&format!(r#""Action":["s3:GetObject",{action}],"Resource":"{resource}""#));
    let domain = |action: &str, resource: &str| {
        let found = compare(&allow(&on(resource)), &with(action, resource)).unwrap();
        (found.forward.domain(), found.forward.is_latent())
    };
    assert_eq!(domain(r#""s3:PutObject""#, "*"), (Domain::Catalogue, false));
    assert_eq!(domain(r#""s3:PutObjectFromTheFuture""#, "*"), (Domain::Arn, true));
    assert_eq!(domain(r#""s3:ListAllMyBuckets""#, "arn:aws:s3:::b/*"), (Domain::Arn, true), "it has no resource");
    assert_eq!(domain(r#""s3:PutObject""#, "arn:aws:s3:nowhere:1:b/*"), (Domain::Pattern, true));
    let found = compare(&allow(&on("*")), &with(r#""s3:PutObject""#, "*")).unwrap();
    let Verdict::New(witness) = found.forward.verdict else { panic!() };
    assert_eq!((witness.action.as_str(), witness.resource.as_str()), ("s3:PutObject", "arn:aws:s3:::x/x"));
}

#[test]
fn layers_limit_each_other() {
    let all = || allow(r#""Action":"*","Resource":"*""#);
    let s3 = || allow(r#""Action":"s3:*","Resource":"*""#);
    let layers = |identity: Policy, boundary: Policy| Layers {
        identity: vec![identity],
        boundary: Some(boundary),
        ..Layers::default()
    };
    let found = compare_layers(&layers(s3(), all()), &layers(all(), s3()));
    assert_eq!((found.forward.verdict, found.backward.verdict), (Verdict::None, Verdict::None));
    let found = compare_layers(&layers(all(), s3()), &layers(all(), all()));
    assert_eq!(found.forward.verdict.answer(), Answer::New);
    // What the policy of a resource gives to everybody, the boundary does not limit.
    let bucket = Some(allow(r#""Principal":"*","Action":"s3:GetObject","Resource":"*""#));
    let with = |identity: Policy| Layers { resource: bucket.clone(), ..layers(identity, policy("")) };
    let found = compare_layers(&with(s3()), &with(policy("")));
    assert_eq!(found.backward.verdict, Verdict::None);
}

#[test]
fn too_much_is_unknown_and_ends() {
    let infix: Vec<String> = (0..200).map(|number| format!(r#""*a{number}b*""#)).collect();
    let of = |range: &[String]| allow(&format!(r#""Action":"s3:GetObject","Resource":[{}]"#, range.join(",")));
    let arns: Vec<String> = infix.iter().map(|text| text.replace("\"*", "\"arn:aws:s3:::*")).collect();
    let found = compare(&of(&arns[..100]), &of(&arns[100..])).unwrap();
    assert!(matches!(found.forward.verdict, Verdict::Unknown { .. } | Verdict::New(_)));
    let statements = vec![r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#; 600].join(",");
    let found = compare(&policy(&statements), &policy("")).unwrap();
    assert!(
        matches!(found.backward.verdict, Verdict::Unknown { reason, .. } if reason == "there are more than 512 statements")
    );
    let long = allow(&format!(r#""Action":"s3:GetObject","Resource":"{}""#, "a".repeat(170_000)));
    let found = compare(&long, &policy("")).unwrap();
    assert!(
        matches!(found.backward.verdict, Verdict::Unknown { reason, .. } if reason == "the texts of both policies have more than 160000 bytes")
    );
    let stars = allow(&format!(r#""Action":"s3:GetObject","Resource":"{}""#, "*a".repeat(10_000)));
    let _ = compare(&stars, &allow(&on("arn:aws:s3:::b")));
}

#[test]
fn a_comparison_is_made_once() {
    use crate::policy::Document;
    let read = |text: &str| Document::read(text).unwrap();
    let one = read(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#);
    let two = read(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#);
    let cache = Cache::new(1);
    let first = cache.compare(&one, &two).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &cache.compare(&one, &two).unwrap()));
    cache.compare(&two, &one).unwrap();
    assert!(!std::sync::Arc::ptr_eq(&first, &cache.compare(&one, &two).unwrap()), "there was room for one");
}
