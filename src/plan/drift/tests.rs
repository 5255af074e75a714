use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::plan::sample::{by_hand, desired, live, permissions, trust};
use crate::policy::deny_all;

type Change = fn(&mut Observed);
/// Part, class, words and step.
type Told = (&'static str, &'static str, &'static str, &'static str);

/// What one change of the live principal is told as.
fn told(change: impl FnOnce(&mut Observed)) -> Vec<(&'static str, &'static str, String, &'static str)> {
    let desired = desired();
    let mut found = live(&desired);
    change(&mut found);
    let step = |found: &Difference| found.mend.as_ref().map_or("none", Step::name);
    let told = |found: Difference| (found.part.name(), found.class.name(), found.summary.clone(), step(&found));
    let found = judge(&desired, &found).into_iter().filter(|found| found.class != DriftClass::Cosmetic);
    found.map(told).collect()
}

fn assert_told<const N: usize>(cases: [(Change, Told); N]) {
    for (change, (part, class, summary, mend)) in cases {
        assert_eq!(told(change), [(part, class, summary.to_owned(), mend)]);
    }
}

fn document(statements: &str) -> Reading {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
    Reading::Document(Document::read(&text).unwrap())
}

/// The declared trust with some of its text replaced.
fn trust_with(replaced: &[(&str, &str)]) -> Reading {
    let text = replaced.iter().fold(trust("orders").text().to_owned(), |text, (from, to)| text.replace(from, to));
    Reading::Document(Document::read(&text).unwrap())
}

#[test]
fn equal_differs_in_nothing() {
    assert_eq!(told(|_| {}), []);
    assert_eq!(told(|found| found.session = None), [], "what the cloud does not tell differs in nothing");
    assert_eq!(told(|found| drop(found.other_tags.insert("team".into(), "shop".into()))), []);
}

/// A document in other words is judged, and is no drift.
#[test]
fn what_has_no_meaning_is_told_only_when_asked() {
    let desired = desired();
    let mut found = live(&desired);
    found.permissions = Some(document(r#"{"Resource":"*","Action":"S3:getobject","Effect":"Allow"}"#));
    assert_eq!(differences(&desired, &found), []);
    let all = judge(&desired, &found);
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!(one.summary, "the permissions policy is written in another way and means the same");
    assert_eq!((one.class, one.severity(), one.widens), (DriftClass::Cosmetic, Severity::Info, false));
}

#[test]
fn each_part_is_told_in_its_words() {
    assert_told([
        (
            |found| found.owner.uid = None,
            ("tags", "Missing", "the ownership tags do not name this identity's UID", "set-owner"),
        ),
        (
            |found| found.owner.uid = Some("uid-0".into()),
            ("tags", "Changed", "the ownership tags do not name this identity's UID", "set-owner"),
        ),
        (
            |found| found.boundary = None,
            ("boundary", "Missing", "the role has no permissions boundary", "set-boundary"),
        ),
        (
            |found| found.boundary = Some("other".into()),
            (
                "boundary",
                "Changed",
                "the permissions boundary is `other` instead of `arn:aws:iam::123456789012:policy/ambit-boundary`",
                "set-boundary",
            ),
        ),
        (
            |found| found.session = Some(7200),
            ("sessionDuration", "Widened", "a session may last 7200 s instead of 3600 s", "set-session"),
        ),
        (
            |found| found.attached = BTreeSet::from(["arn:a".to_owned()]),
            ("attachment", "Foreign", "the managed policy `arn:a` is attached and was not declared", "detach"),
        ),
        (
            |found| found.denial = Denial::InPlace,
            ("inlinePolicy", "Narrowed", "the role is closed by an explicit denial of everything", "open"),
        ),
        (
            |found| found.denial = Denial::Altered,
            (
                "inlinePolicy",
                "Foreign",
                "the inline policy in the place of Ambit's own denial was not written by Ambit",
                "open",
            ),
        ),
    ]);
}

#[test]
fn what_a_user_was_given_beside_is_told() {
    let cases: [(Change, Told); 3] = [
        (
            |live| live.groups = ["admins".to_owned()].into(),
            ("group", "Foreign", "the user is in the group `admins`, which was not declared", "leave-group"),
        ),
        (
            |live| live.has_password = Some(true),
            (
                "loginProfile",
                "Widened",
                "the user has a password for the console, and none was declared",
                "remove-password",
            ),
        ),
        (|live| live.boundary = None, ("boundary", "Missing", "the user has no permissions boundary", "set-boundary")),
    ];
    let desired = crate::plan::sample::desired_user();
    for (change, (part, class, summary, mend)) in cases {
        let mut found = live(&desired);
        change(&mut found);
        let found = judge(&desired, &found);
        let [found] = &found[..] else { panic!("{found:?}") };
        let told = (found.part.name(), found.class.name(), found.summary.as_str(), found.mend.as_ref().unwrap().name());
        assert_eq!(told, (part, class, summary, mend));
        assert_eq!(found.severity(), Severity::Critical);
    }
}

#[test]
fn trust_is_told_by_who_comes_in() {
    assert_told([
        (
            |found| found.trust = Reading::Document(trust("thief")),
            (
                "trust",
                "Changed",
                "the trust policy is not the declared one: subject `system:serviceaccount:shop:thief` of issuer `oidc.example.com/id/A` for audience `sts.amazonaws.com` can now assume this role; subject `system:serviceaccount:shop:orders` of issuer `oidc.example.com/id/A` for audience `sts.amazonaws.com` can no longer assume this role",
                "set-trust",
            ),
        ),
        (
            |found| found.trust = trust_with(&[("StringEquals", "StringLike"), ("shop:orders", "shop:*")]),
            (
                "trust",
                "Widened",
                "the trust policy allows more than was declared, for example: subject `system:serviceaccount:shop:x` of issuer `oidc.example.com/id/A` for audience `sts.amazonaws.com` can now assume this role",
                "set-trust",
            ),
        ),
        (
            |found| found.trust = trust_with(&[("StringEquals", "StringEqualsIfExists")]),
            (
                "trust",
                "Widened",
                "the trust policy allows more than was declared, for example: a token of issuer `oidc.example.com/id/A` that names no subject without an audience can now assume this role",
                "set-trust",
            ),
        ),
        (
            |found| found.trust = Reading::Unreadable("it is not JSON".into()),
            ("trust", "Unreadable", "the trust policy cannot be read: it is not JSON", "set-trust"),
        ),
    ]);
}

#[test]
fn permissions_are_told_by_what_is_allowed() {
    assert_told([
        (
            |found| found.permissions = Some(Reading::Document(permissions(&["s3:*"]))),
            (
                "permissions",
                "Widened",
                "the permissions policy allows more than was declared, for example: can now remove the policy of bucket `x`; can now use `s3:AssociateAccessGrantsIdentityCenter` on resource `arn:aws:s3:us-east-1:123456789012:access-grants/default`; can now use `s3:BypassGovernanceRetention` on object `x/x`; and 44 more kinds of access",
                "set-permissions",
            ),
        ),
        (
            |found| found.permissions = Some(Reading::Document(permissions(&["s3:PutObject"]))),
            (
                "permissions",
                "Changed",
                "the permissions policy is not the declared one: can now write object `x/x`; can no longer read object `x/x`",
                "set-permissions",
            ),
        ),
        (
            |found| {
                let four = ["s3:GetObject", "sqs:SendMessage", "iam:CreateUser", "kms:Decrypt", "ec2:RunInstances"];
                found.permissions = Some(Reading::Document(permissions(&four)));
            },
            (
                "permissions",
                "Widened",
                "the permissions policy allows more than was declared, for example: can now create user `x`; can now decrypt with key `x`; can now launch instances with image `x`; and 1 more kind of access",
                "set-permissions",
            ),
        ),
        (
            |found| found.permissions = Some(document("[]")),
            (
                "permissions",
                "Narrowed",
                "the permissions policy allows less than was declared, for example: can no longer read object `x/x`",
                "set-permissions",
            ),
        ),
        (
            |found| {
                let two = ["s3:GetObject", "s3:GetObjectOfTomorrow"];
                found.permissions = Some(Reading::Document(permissions(&two)));
            },
            (
                "permissions",
                "Widened",
                "the permissions policy allows more than was declared, for example: can now use `s3:getobjectoftomorrow`, which AWS may add later",
                "set-permissions",
            ),
        ),
        (
            |found| found.permissions = Some(Reading::Unreadable("it is not JSON".into())),
            ("permissions", "Unreadable", "the permissions policy cannot be read: it is not JSON", "set-permissions"),
        ),
        (
            |found| found.permissions = None,
            ("permissions", "Missing", "the permissions policy is missing", "set-permissions"),
        ),
    ]);
}

#[test]
fn foreign_policies_are_told_by_what_they_add() {
    assert_told([
        (
            |found| found.other_inline = by_hand(&["s3:GetObject", "sqs:SendMessage"]),
            (
                "inlinePolicy",
                "Foreign",
                "the inline policy `by-hand` is there and was not declared: can now send messages to queue `x`",
                "remove-inline",
            ),
        ),
        (
            |found| found.other_inline = by_hand(&["s3:GetObject"]),
            (
                "inlinePolicy",
                "Foreign",
                "the inline policy `by-hand` is there and was not declared; it allows nothing beyond what was declared",
                "remove-inline",
            ),
        ),
        (
            |found| found.other_inline = BTreeMap::from([("no".to_owned(), Reading::Document(deny_all()))]),
            (
                "inlinePolicy",
                "Foreign",
                "the inline policy `no` is there and was not declared; it allows nothing beyond what was declared",
                "remove-inline",
            ),
        ),
        (
            |found| {
                let why = Reading::Unreadable("it is not JSON".into());
                found.other_inline = BTreeMap::from([("no".to_owned(), why)]);
            },
            (
                "inlinePolicy",
                "Unreadable",
                "the inline policy `no` is there and was not declared; it cannot be read: it is not JSON",
                "remove-inline",
            ),
        ),
    ]);
}

fn at(second: i64) -> Time {
    Time(jiff::Timestamp::from_second(1_700_000_000 + second).unwrap())
}

fn attached(arn: &str) -> Difference {
    Difference {
        subject: Some(arn.to_owned()),
        widens: true,
        ..Difference::new(Part::Attachment, DriftClass::Foreign, format!("`{arn}` is attached"))
    }
}

fn change() -> ChangeEvent {
    ChangeEvent {
        at: jiff::Timestamp::from_second(1_700_000_000).unwrap(),
        event: "e-1".into(),
        operation: "iam:AttachRolePolicy".into(),
        principal: "arn:aws:iam::123456789012:user/mallory".into(),
        source: Some("192.0.2.1".into()),
        target: crate::domain::Target::Attachment("arn:a".into()),
    }
}

/// Whatever may give access stands before whatever takes it, and the item tells all of it.
#[test]
fn the_gravest_stands_first() {
    let narrowed = Difference::new(Part::Permissions, DriftClass::Narrowed, "less");
    let changed = Difference::new(Part::Tags, DriftClass::Changed, "tags");
    let found = [narrowed, changed, Difference { by: Some(change()), ..attached("arn:a") }];
    let drift = super::told(None, &found, &at(0)).unwrap();
    let items: Vec<_> = drift.items.iter().map(|item| (item.class.as_str(), item.severity.as_str())).collect();
    assert_eq!(items, [("Foreign", "critical"), ("Changed", "warning"), ("Narrowed", "warning")]);
    assert_eq!((drift.class.as_str(), drift.since, drift.truncated), ("Foreign", at(0), false));
    let first = &drift.items[0];
    assert_eq!((first.part.as_str(), first.subject.as_deref()), ("attachment", Some("arn:a")));
    let by = first.by.as_ref().unwrap();
    assert_eq!((by.event.as_str(), by.operation.as_str()), ("e-1", "iam:AttachRolePolicy"));
    assert_eq!((by.principal.as_str(), by.source.as_deref()), (change().principal.as_str(), Some("192.0.2.1")));
    assert_eq!(super::told(None, &[], &at(0)), None);
}

/// Each item has its own time, and who did it is not forgotten when the event is.
#[test]
fn what_was_told_keeps_its_time_and_its_author() {
    let first = Difference { by: Some(change()), ..attached("arn:a") };
    let before = super::told(None, &[first], &at(0)).unwrap();
    let after = super::told(Some(&before), &[attached("arn:a"), attached("arn:b")], &at(60)).unwrap();
    let items: Vec<_> =
        after.items.iter().map(|item| (item.subject.as_deref(), item.since.clone(), item.by.is_some())).collect();
    assert_eq!(items, [(Some("arn:a"), at(0), true), (Some("arn:b"), at(60), false)]);
    assert_eq!(after.since, at(0));
}

#[test]
fn the_same_drift_is_told_once_whoever_made_it() {
    let before = super::told(None, &[attached("arn:a")], &at(0)).unwrap();
    assert!(is_told(Some(&before), &[Difference { by: Some(change()), ..attached("arn:a") }]));
    assert!(!is_told(Some(&before), &[attached("arn:b")]));
    assert!(!is_told(Some(&before), &[attached("arn:a"), attached("arn:b")]));
    assert!(!is_told(Some(&before), &[]));
    assert!(!is_told(None, &[attached("arn:a")]));
    assert!(is_told(None, &[]));
}

/// What the engine cannot decide is taken for the worse, and not for equal.
#[test]
fn what_cannot_be_decided_counts_as_wider() {
    let mut found = live(&desired());
    // The same access, in a policy of another kind.
    let of_a_resource = r#"[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Principal":"*"}]"#;
    found.permissions = Some(document(of_a_resource));
    let all = differences(&desired(), &found);
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!((one.class, one.severity(), one.widens), (DriftClass::Changed, Severity::Critical, true));
    assert_eq!((one.witness.as_ref(), one.mend.as_ref().map(Step::name)), (None, Some("set-permissions")));
    assert_eq!(
        one.summary,
        "the permissions policy is not the declared one: what differs cannot be decided: the policy of an identity cannot be compared with the policy of a resource: both must be of one kind"
    );
}
