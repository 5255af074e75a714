use std::collections::BTreeSet;

use super::*;
use crate::plan::sample::{desired, live, permissions, trust};

type Change = fn(&mut Observed);

/// What one change of the live principal is told as.
fn told(change: impl FnOnce(&mut Observed)) -> Vec<(&'static str, &'static str, String, &'static str)> {
    let desired = desired();
    let mut found = live(&desired);
    change(&mut found);
    let told = |found: Difference| (found.part.name(), found.class.name(), found.summary, found.mend.name());
    differences(&desired, &found).into_iter().map(told).collect()
}

#[test]
fn equal_differs_in_nothing() {
    assert_eq!(told(|_| {}), []);
    assert_eq!(told(|found| found.session = None), [], "what the cloud does not tell differs in nothing");
    assert_eq!(told(|found| drop(found.other_tags.insert("team".into(), "shop".into()))), []);
}

#[test]
fn each_part_is_told_in_its_words() {
    /// Part, class, words and step.
    type Told = (&'static str, &'static str, &'static str, &'static str);
    let cases: [(Change, Told); 13] = [
        (
            |found| found.owner.uid = None,
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
            |found| found.trust = Reading::Document(trust("thief")),
            ("trust", "Changed", "the trust policy is not the declared one", "set-trust"),
        ),
        (
            |found| found.trust = Reading::Unreadable("it is not JSON".into()),
            ("trust", "Changed", "the trust policy cannot be read: it is not JSON", "set-trust"),
        ),
        (
            |found| found.session = Some(7200),
            ("sessionDuration", "Changed", "a session may last 7200 s instead of 3600 s", "set-session"),
        ),
        (
            |found| found.permissions = Some(Reading::Document(permissions(&["s3:*"]))),
            ("permissions", "Changed", "the permissions are not the declared ones", "set-permissions"),
        ),
        (
            |found| found.permissions = Some(Reading::Unreadable("it is not JSON".into())),
            ("permissions", "Changed", "the permissions cannot be read: it is not JSON", "set-permissions"),
        ),
        (
            |found| found.permissions = None,
            ("permissions", "Missing", "the permissions are missing", "set-permissions"),
        ),
        (
            |found| found.attached = BTreeSet::from(["arn:a".to_owned()]),
            ("attachment", "Foreign", "the managed policy `arn:a` is attached and was not declared", "detach"),
        ),
        (
            |found| found.other_inline = BTreeSet::from(["by-hand".to_owned()]),
            ("inlinePolicy", "Foreign", "the inline policy `by-hand` is there and was not declared", "remove-inline"),
        ),
        (
            |found| found.denial = Denial::InPlace,
            ("inlinePolicy", "Changed", "the role is closed by an explicit denial of everything", "open"),
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
    ];
    for (change, (part, class, summary, mend)) in cases {
        assert_eq!(told(change), [(part, class, summary.to_owned(), mend)]);
    }
}
