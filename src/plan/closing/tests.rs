use std::collections::BTreeSet;

use super::*;
use crate::domain::Denial;
use crate::names::PrincipalKind;
use crate::plan::lint;
use crate::plan::sample::{desired, live, owner};

fn closing(live: Observed, fits: bool) -> Closing {
    plan_closing(&owner(), &Observation::Present(live), Some("AROA1"), &desired().boundary, |_| fits)
}

#[test]
fn what_does_not_fit_is_denied_and_nothing_else_is_done() {
    let mut found = live(&desired());
    found.attached = BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]);
    let planned = closing(found.clone(), false);
    assert_eq!(planned, Closing::Close(vec![Step::Close]));
    assert_eq!(lint(PrincipalKind::Role, &[Step::Close], &owner(), &Observation::Present(found), false), []);
}

/// Somebody rewrote the denial: it is written anew.
#[test]
fn a_denial_that_says_something_else_is_none() {
    let found = Observed { denial: Denial::Altered, ..live(&desired()) };
    assert_eq!(closing(found, false), Closing::Close(vec![Step::Close]));
}

/// Without the boundary Ambit may not even write the denial.
#[test]
fn a_boundary_that_was_taken_away_is_put_back_first() {
    for boundary in [None, Some("other".to_owned())] {
        let found = Observed { boundary, ..live(&desired()) };
        let steps = vec![Step::SetBoundary(desired().boundary), Step::Close];
        assert_eq!(closing(found, false), Closing::Close(steps));
    }
}

#[test]
fn what_fits_or_is_denied_already_stays() {
    assert_eq!(closing(live(&desired()), true), Closing::Fits);
    for fits in [false, true] {
        let found = Observed { denial: Denial::InPlace, boundary: None, ..live(&desired()) };
        assert_eq!(closing(found, fits), Closing::Closed, "a denial stays until the declaration fits");
    }
}

#[test]
fn what_is_not_provably_ours_is_left_alone() {
    let ours = live(&desired());
    let mut untagged = ours.clone();
    untagged.owner.identity = None;
    for found in
        [Observed { on_our_path: false, ..ours.clone() }, Observed { id: "AROA2".into(), ..ours.clone() }, untagged]
    {
        assert!(matches!(closing(found.clone(), false), Closing::NotOurs(_)), "{found:?}");
    }
    let absent = plan_closing(&owner(), &Observation::Absent, None, &desired().boundary, |_| false);
    assert_eq!(absent, Closing::Absent);
}
