use std::collections::BTreeSet;

use super::*;
use crate::plan::lint;
use crate::plan::sample::{by_hand, desired, desired_user, live, owner};

fn removal(live: Observed, recorded_id: Option<&str>) -> Removal {
    plan_removal(&owner(), &Observation::Present(live), recorded_id, &desired().boundary)
}

fn names(removal: &Removal) -> Vec<&'static str> {
    match removal {
        Removal::Remove(steps) => steps.iter().map(Step::name).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_denied_first_and_deleted_last() {
    let mut found = live(&desired());
    assert_eq!(names(&removal(found.clone(), Some("AROA1"))), ["close", "remove-permissions", "open", "delete"]);
    found.attached = BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]);
    found.other_inline = by_hand(&[]);
    let planned = removal(found.clone(), Some("AROA1"));
    assert_eq!(names(&planned), ["close", "detach", "remove-inline", "remove-permissions", "open", "delete"]);
    let Removal::Remove(steps) = planned else { unreachable!() };
    assert_eq!(lint(found.kind, &steps, &owner(), &Observation::Present(found), true), []);
}

#[test]
fn a_deletion_goes_on_where_it_was_broken_off() {
    let closed = Observed { denial: Denial::InPlace, ..live(&desired()) };
    assert_eq!(names(&removal(closed, None)), ["remove-permissions", "open", "delete"]);
    let bare = Observed { denial: Denial::InPlace, permissions: None, ..live(&desired()) };
    assert_eq!(names(&removal(bare, None)), ["open", "delete"]);
}

/// Without the boundary Ambit may not even write the denial.
#[test]
fn a_boundary_that_was_taken_away_is_put_back_first() {
    for boundary in [None, Some("other".to_owned())] {
        let found = Observed { boundary, ..live(&desired()) };
        let planned = names(&removal(found, None));
        assert_eq!(planned, ["set-boundary", "close", "remove-permissions", "open", "delete"]);
    }
}

#[test]
fn what_is_absent_is_gone() {
    assert_eq!(plan_removal(&owner(), &Observation::Absent, Some("AROA1"), &desired().boundary), Removal::Gone);
}

/// Each fence by itself is enough to leave a principal alone.
#[test]
fn only_this_incarnations_principal_is_removed() {
    let ours = live(&desired());
    let changed = |change: fn(&mut Observed)| {
        let mut found = ours.clone();
        change(&mut found);
        found
    };
    let fences = [
        ("path", changed(|found| found.on_our_path = false)),
        ("installation", changed(|found| found.owner.installation = Some("other".into()))),
        ("identity", changed(|found| found.owner.identity = Some("shop/mailer".into()))),
        ("a later incarnation", changed(|found| found.owner.uid = Some("uid-2".into()))),
        ("no UID", changed(|found| found.owner.uid = None)),
        ("unique id", changed(|found| found.id = "AROA2".into())),
    ];
    let note = format!("`{}` is not this identity's role and was left alone", ours.arn);
    for (fence, found) in fences {
        assert_eq!(removal(found, Some("AROA1")), Removal::NotOurs(note.clone()), "{fence}");
    }
}

/// The keys go between the denial and the rest, and not by this plan.
#[test]
fn a_user_leaves_its_groups_and_loses_its_password() {
    let mut found = live(&desired_user());
    let plain = ["close", "remove-permissions", "open", "delete"];
    assert_eq!(names(&removal(found.clone(), Some("AROA1"))), plain);
    found.groups = BTreeSet::from(["admins".into(), "testers".into()]);
    found.attached = BTreeSet::from(["arn:a".into()]);
    let rest = ["leave-group", "leave-group", "detach", "remove-permissions", "open", "delete"];
    // Where nobody told of a password, none may be left.
    for (has_password, removes) in [(Some(true), true), (None, true), (Some(false), false)] {
        let found = Observed { has_password, ..found.clone() };
        let planned = removal(found.clone(), Some("AROA1"));
        let password = if removes { vec!["remove-password"] } else { Vec::new() };
        assert_eq!(names(&planned), [vec!["close"], password, rest.to_vec()].concat());
        let Removal::Remove(steps) = planned else { unreachable!() };
        assert_eq!(lint(found.kind, &steps, &owner(), &Observation::Present(found), true), []);
    }
    let note = format!("`{}` is not this identity's user and was left alone", found.arn);
    assert_eq!(removal(found, Some("AROA2")), Removal::NotOurs(note));
}
