use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::{Denial, Reading};
use crate::names::PrincipalKind;
use crate::plan::sample::{by_hand, desired, desired_user, live, permissions, trust};
use crate::policy::{Document, deny_all, nobody};

fn recorded(desired: &Desired) -> Recorded {
    Recorded {
        id: Some("AROA1".into()),
        permissions: Some(desired.permissions.meaning().to_string()),
        trust: Some(desired.trust.meaning().to_string()),
        boundary: Some(desired.boundary.to_string()),
        session: Some(desired.session.get()),
        ..Recorded::default()
    }
}

fn present(live: Observed) -> Observation<Observed> {
    Observation::Present(live)
}

fn plan(desired: &Desired, live: Observed, recorded: &Recorded) -> Plan {
    match decide(desired, &present(live), recorded, false) {
        Decision::Change(plan) => plan,
        other => panic!("no plan: {other:?}"),
    }
}

fn names(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(Step::name).collect()
}

#[test]
fn a_principal_is_born_without_permissions() {
    let desired = desired();
    let decision = decide(&desired, &Observation::Absent, &Recorded::default(), false);
    let Decision::Change(plan) = decision else { panic!("{decision:?}") };
    assert_eq!(names(&plan), ["create", "set-permissions"]);
    assert_eq!(plan.drift, []);
}

#[test]
fn one_look_does_not_prove_that_it_is_gone() {
    let desired = desired();
    let known = recorded(&desired);
    assert_eq!(decide(&desired, &Observation::Absent, &known, false), Decision::Vanished);
    let decision = decide(&desired, &Observation::Absent, &known, true);
    let Decision::Change(plan) = decision else { panic!("{decision:?}") };
    assert_eq!(names(&plan), ["create", "set-permissions"]);
    let told: Vec<&str> = plan.drift.iter().map(|difference| difference.summary.as_str()).collect();
    assert_eq!(told, ["the role was deleted by somebody else"]);
}

#[test]
fn equal_is_settled() {
    let desired = desired();
    assert_eq!(decide(&desired, &present(live(&desired)), &recorded(&desired), false), Decision::Settled);
}

#[test]
fn whatever_is_not_provably_ours_is_left_alone() {
    let desired = desired();
    let arn = live(&desired).arn;
    let elsewhere = Observed { on_our_path: false, ..live(&desired) };
    let mut untagged = live(&desired);
    untagged.owner.identity = None;
    let mut of_another = live(&desired);
    of_another.owner.installation = Some("other".into());
    let recreated = Observed { id: "AROA2".into(), ..live(&desired) };
    let tagless = format!(
        "`{arn}` exists and its tags do not say that it belongs to this identity; Ambit leaves it alone: delete it, or tag it `ambit.dev/installation` = `sim` and `ambit.dev/identity` = `shop/orders` to hand it over"
    );
    let cases = [
        (
            elsewhere,
            format!(
                "`{arn}` has the name of this identity's role but lies on another path; Ambit did not make it and leaves it alone: rename or delete it"
            ),
        ),
        (untagged, tagless.clone()),
        (of_another, tagless),
        (
            recreated,
            format!(
                "`{arn}` has the id `AROA2` instead of `AROA1`: somebody deleted the role and made another of the same name; Ambit leaves it alone: delete it"
            ),
        ),
    ];
    for (found, why) in cases {
        let decision = decide(&desired, &present(found), &recorded(&desired), false);
        assert_eq!(decision, Decision::NotOurs(why));
    }
}

#[test]
fn an_earlier_incarnations_principal_is_taken_over() {
    let desired = desired();
    let mut found = live(&desired);
    found.owner.uid = Some("uid-0".into());
    let plan = plan(&desired, found, &Recorded::default());
    assert_eq!(plan.steps, [Step::SetOwner(desired.owner.clone())]);
}

#[test]
fn what_bounds_comes_before_what_gives() {
    let desired = desired();
    let mut found = live(&desired);
    found.owner.uid = None;
    found.boundary = None;
    found.session = Some(7200);
    found.trust = Reading::Document(trust("thief"));
    found.permissions = Some(Reading::Document(permissions(&["s3:*"])));
    found.attached = BTreeSet::from(["arn:aws:iam::aws:policy/AdministratorAccess".into()]);
    found.other_inline = by_hand(&["s3:*"]);
    let expected = [
        "set-owner",
        "set-boundary",
        "close",
        "remove-inline",
        "detach",
        "set-trust",
        "set-session",
        "set-permissions",
        "open",
    ];
    assert_eq!(names(&plan(&desired, found, &recorded(&desired))), expected);
}

/// The least interruption: it is closed only where no order is safe.
#[test]
fn it_is_closed_only_where_no_order_is_safe() {
    let desired = desired();
    let of = |actions: &[&str]| Some(Reading::Document(permissions(actions)));
    let other_trust = || Reading::Document(trust("other"));
    let managed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let inline =
        |document: &str| BTreeMap::from([("no".to_owned(), Reading::Document(Document::read(document).unwrap()))]);
    let denial =
        inline(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}"#);
    let everything = inline(deny_all().text());
    let found = live(&desired);
    let cases = [
        (Observed { trust: other_trust(), ..found.clone() }, vec!["set-trust"]),
        (Observed { permissions: of(&["s3:PutObject"]), ..found.clone() }, vec!["set-permissions"]),
        (Observed { trust: other_trust(), permissions: None, ..found.clone() }, vec!["set-trust", "set-permissions"]),
        // The old subject must not get the new permissions, nor the new one the old.
        (
            Observed { trust: other_trust(), permissions: of(&["s3:PutObject"]), ..found.clone() },
            vec!["close", "set-trust", "set-permissions", "open"],
        ),
        // What is declared, the old subject had already.
        (
            Observed { trust: other_trust(), permissions: of(&["s3:*"]), ..found.clone() },
            vec!["set-permissions", "set-trust"],
        ),
        (
            Observed {
                trust: other_trust(),
                permissions: of(&["s3:*"]),
                other_inline: denial.clone(),
                ..found.clone()
            },
            vec!["close", "set-trust", "set-permissions", "remove-inline", "open"],
        ),
        (
            Observed {
                trust: other_trust(),
                permissions: of(&["s3:PutObject"]),
                denial: Denial::InPlace,
                ..found.clone()
            },
            vec!["set-trust", "set-permissions", "open"],
        ),
        (Observed { denial: Denial::InPlace, ..found.clone() }, vec!["open"]),
        // Somebody denied everything already. That goes when there is nothing left that it holds back.
        (
            Observed {
                trust: other_trust(),
                attached: managed(&["arn:a", "arn:b"]),
                other_inline: everything,
                ..found.clone()
            },
            vec!["detach", "detach", "set-trust", "remove-inline"],
        ),
        // A denial goes last: it may be what holds the rest back.
        (
            Observed { permissions: of(&["s3:*"]), other_inline: denial, ..found.clone() },
            vec!["set-permissions", "remove-inline"],
        ),
        (
            Observed { permissions: of(&["s3:*"]), attached: managed(&["arn:a"]), ..found.clone() },
            vec!["set-permissions", "detach"],
        ),
        (
            Observed { permissions: of(&["s3:*"]), other_inline: by_hand(&["sqs:*"]), ..found.clone() },
            vec!["remove-inline", "set-permissions"],
        ),
        // Of two that nobody has read, either may be what holds the other back.
        (
            Observed { attached: managed(&["arn:a", "arn:b"]), ..found.clone() },
            vec!["close", "detach", "detach", "open"],
        ),
        (
            Observed { trust: other_trust(), attached: managed(&["arn:a"]), ..found.clone() },
            vec!["close", "detach", "set-trust", "open"],
        ),
        (Observed { attached: managed(&["arn:a"]), denial: Denial::Altered, ..found }, vec!["close", "detach", "open"]),
    ];
    for (found, expected) in cases {
        assert_eq!(names(&plan(&desired, found, &recorded(&desired))), expected);
    }
}

#[test]
fn drift_is_what_somebody_else_changed() {
    let desired = desired();
    let drifted = Observed {
        session: Some(7200),
        attached: BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]),
        ..live(&desired)
    };
    let parts = |recorded: &Recorded| -> Vec<Part> {
        plan(&desired, drifted.clone(), recorded).drift.iter().map(|difference| difference.part).collect()
    };
    let in_place = recorded(&desired);
    assert_eq!(parts(&in_place), [Part::SessionDuration, Part::Attachment]);
    for session in [None, Some(10_800)] {
        let other_session = Recorded { session, ..in_place.clone() };
        assert_eq!(parts(&other_session), [Part::Attachment], "the session was declared anew");
    }
    let other_permissions = Recorded { permissions: Some("sha256:00".into()), ..in_place };
    assert_eq!(parts(&other_permissions), [], "the declaration is new");
}

/// What Ambit closed itself is opened again without blaming anybody.
#[test]
fn ambits_own_denial_is_no_drift() {
    let desired = desired();
    let closed = Observed {
        denial: Denial::InPlace,
        attached: BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]),
        ..live(&desired)
    };
    let parts = |revoked: bool| -> Vec<Part> {
        let recorded = Recorded { revoked, ..recorded(&desired) };
        let plan = plan(&desired, closed.clone(), &recorded);
        assert_eq!(names(&plan), ["detach", "open"]);
        plan.drift.iter().map(|difference| difference.part).collect()
    };
    assert_eq!(parts(true), [Part::Attachment]);
    assert_eq!(parts(false), [Part::Attachment, Part::InlinePolicy]);
}

/// A declaration that differs in nothing but the session is another one.
#[test]
fn a_declaration_is_in_place_with_its_session() {
    let desired = desired();
    assert!(recorded(&desired).holds(&desired));
    for other in [
        Recorded { permissions: None, ..recorded(&desired) },
        Recorded { trust: None, ..recorded(&desired) },
        Recorded { session: Some(7200), ..recorded(&desired) },
    ] {
        assert!(!other.holds(&desired), "{other:?}");
    }
    let before_sessions_were_recorded = Recorded { session: None, ..recorded(&desired) };
    assert!(before_sessions_were_recorded.holds(&desired));
}

#[test]
fn a_new_boundary_of_the_account_is_no_drift() {
    let desired = desired();
    let mut live = live(&desired);
    live.boundary = Some("arn:aws:iam::123456789012:policy/before".into());
    let told = |boundary: Option<&str>| {
        let recorded = Recorded { boundary: boundary.map(str::to_owned), ..recorded(&desired) };
        plan(&desired, live.clone(), &recorded).drift.len()
    };
    assert_eq!(told(Some("arn:aws:iam::123456789012:policy/before")), 0);
    assert_eq!(told(Some(desired.boundary.as_str())), 1);
}

#[test]
fn nothing_foreign_is_left_when_another_boundary_goes() {
    let desired = desired();
    let known = recorded(&desired);
    let attached = BTreeSet::from(["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()]);
    let denied = Observed {
        boundary: Some("arn:aws:iam::123456789012:policy/deny-all".into()),
        attached: attached.clone(),
        trust: Reading::Document(trust("other")),
        ..live(&desired)
    };
    let steps = |live: &Observed| names(&plan(&desired, live.clone(), &known));
    assert_eq!(steps(&denied), ["detach", "set-trust", "set-boundary"]);
    // Own permissions that allow more: a denial follows at once.
    let wide = Observed { permissions: Some(Reading::Document(permissions(&["s3:*"]))), ..denied.clone() };
    assert_eq!(steps(&wide), ["detach", "set-boundary", "close", "set-trust", "set-permissions", "open"]);
    // Without any boundary nothing was held back by one.
    let none = Observed { boundary: None, ..denied };
    assert_eq!(steps(&none), ["set-boundary", "close", "detach", "set-trust", "open"]);
}

/// A user is judged as a role is, and is called one.
#[test]
fn a_user_is_told_as_a_user() {
    let desired = desired_user();
    let known = recorded(&desired);
    assert_eq!(decide(&desired, &present(live(&desired)), &known, false), Decision::Settled);
    assert_eq!(live(&desired).kind, PrincipalKind::User);
    let Decision::Change(plan) = decide(&desired, &Observation::Absent, &known, true) else { panic!("no plan") };
    assert_eq!(names(&plan), ["create", "set-permissions"]);
    let told: Vec<&str> = plan.drift.iter().map(|difference| difference.summary.as_str()).collect();
    assert_eq!(told, ["the user was deleted by somebody else"]);
    let arn = live(&desired).arn;
    assert!(arn.starts_with("arn:aws:iam::123456789012:user/ambit/sim/"), "{arn}");
    for (found, why) in [
        (
            Observed { on_our_path: false, ..live(&desired) },
            "has the name of this identity's user but lies on another path; Ambit did not make it and leaves it alone: rename or delete it",
        ),
        (
            Observed { id: "AROA2".into(), ..live(&desired) },
            "has the id `AROA2` instead of `AROA1`: somebody deleted the user and made another of the same name; Ambit leaves it alone: delete it",
        ),
    ] {
        assert_eq!(decide(&desired, &present(found), &known, false), Decision::NotOurs(format!("`{arn}` {why}")));
    }
}

/// A password goes at once: it only gives. What a group says is not read, so it goes as an
/// attached policy does.
#[test]
fn a_user_loses_what_it_was_given_beside() {
    let desired = desired_user();
    let one = |text: &str| BTreeSet::from([text.to_owned()]);
    let found = Observed { has_password: Some(true), ..live(&desired) };
    let cases = [
        (found.clone(), vec!["remove-password"]),
        (Observed { groups: one("admins"), ..found.clone() }, vec!["remove-password", "leave-group"]),
        (
            Observed { groups: one("admins"), attached: one("arn:a"), ..found.clone() },
            vec!["remove-password", "close", "detach", "leave-group", "open"],
        ),
        // The group may deny what own permissions allow too much.
        (
            Observed {
                groups: one("admins"),
                permissions: Some(Reading::Document(permissions(&["s3:*"]))),
                ..live(&desired)
            },
            vec!["set-permissions", "leave-group"],
        ),
        (
            Observed { boundary: Some("other".into()), groups: one("admins"), ..found },
            vec!["remove-password", "leave-group", "set-boundary"],
        ),
    ];
    for (found, expected) in cases {
        let plan = plan(&desired, found, &recorded(&desired));
        assert_eq!(names(&plan), expected);
        assert!(plan.due.iter().all(|due| due.part == Part::Boundary), "{:?}", plan.due);
    }
}

/// A suspension that was taken back before it had come to its end.
#[test]
fn what_a_suspension_had_not_done_yet_is_nobodys_drift() {
    let desired = desired();
    let before = Timestamp::from_second(100).unwrap();
    let known = Recorded { sessions_denied_before: Some(before), ..recorded(&desired) };
    let live = live(&desired);
    let plan = |recorded: &Recorded, live: &Observed| plan(&desired, live.clone(), recorded);
    assert_eq!(plan(&known, &live).drift.len(), 1, "somebody took it away");
    let suspended = Recorded { suspended: true, ..known };
    let opened = plan(&suspended, &live);
    assert_eq!((opened.drift.len(), names(&opened)), (0, vec!["deny-sessions"]));
    // Where there was no room for the denial, it stands in the place of the permissions and goes last.
    let full = Observed {
        permissions: Some(Reading::Document(deny_all())),
        trust: Reading::Document(nobody()),
        other_inline: by_hand(&["s3:*"]),
        ..live
    };
    let opened = plan(&suspended, &full);
    let told: Vec<Part> = opened.drift.iter().map(|found| found.part).collect();
    assert_eq!(told, [Part::InlinePolicy], "what others wrote is drift, and nothing that Ambit wrote");
    assert_eq!(names(&opened), ["remove-inline", "set-trust", "deny-sessions", "set-permissions"]);
}
