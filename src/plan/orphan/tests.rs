use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::{OwnPolicies, OwnerTags};
use crate::names::PrincipalKind;
use crate::plan::sample::{installation, key, owner};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

const LAG: Duration = Duration::from_secs(15);
const SECOND: Duration = Duration::from_secs(1);

fn swept(owner: &Owner) -> Swept {
    Swept {
        kind: PrincipalKind::Role,
        name: PrincipalName::role(&owner.installation, &owner.identity).to_string(),
        id: "AROA1".into(),
        arn: String::new(),
        on_our_path: true,
        owner: OwnerTags {
            installation: Some(owner.installation.to_string()),
            identity: Some(owner.identity.to_string()),
            uid: Some(owner.uid.clone()),
            retained: None,
        },
        other_tags: BTreeMap::new(),
        trust: Err(String::new()),
        boundary: None,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        groups: BTreeSet::new(),
        last_used: None,
        own: OwnPolicies { permissions: "p", closed: "c", sessions: "s" },
    }
}

fn ours() -> Owned {
    Owned::of(&swept(&owner()), &installation()).unwrap()
}

#[test]
fn a_principal_is_owned_when_path_name_and_all_tags_agree() {
    assert_eq!(
        ours(),
        Owned { name: PrincipalName::role(&installation(), &key()), id: "AROA1".into(), owner: owner() }
    );
    let spoilt: [fn(&mut Swept); 9] = [
        |role| role.on_our_path = false,
        |role| role.name = "another".into(),
        |role| role.name = role.name.to_uppercase(),
        |role| role.owner.installation = None,
        |role| role.owner.installation = Some("other".into()),
        |role| role.owner.identity = None,
        |role| role.owner.identity = Some("shop".into()),
        |role| role.owner.uid = None,
        |role| role.owner.uid = Some(String::new()),
    ];
    for (at, spoil) in spoilt.into_iter().enumerate() {
        let mut role = swept(&owner());
        spoil(&mut role);
        assert_eq!(Owned::of(&role, &installation()), None, "spoilt in way {at}");
    }
}

#[test]
fn what_was_left_behind_on_purpose_is_owned_by_nobody_until_another_takes_it_over() {
    let mut role = swept(&owner());
    role.owner.retained.clone_from(&role.owner.uid);
    assert_eq!(Owned::of(&role, &installation()), None);
    role.owner.uid = Some("uid-2".into());
    assert_eq!(Owned::of(&role, &installation()).map(|owned| owned.owner.uid), Some("uid-2".into()));
}

#[test]
fn only_those_without_an_identity_of_that_name_are_orphans() {
    assert_eq!(orphans(vec![ours()], |_| false), [ours()]);
    assert_eq!(orphans(vec![ours()], |found| *found == key()), []);
}

#[test]
fn an_orphan_counts_when_two_sweeps_far_enough_apart_found_it() {
    let mut watch = Watch::default();
    assert_eq!(watch.confirm(vec![ours()], at(0), Duration::ZERO, LAG), []);
    assert_eq!(watch.confirm(vec![ours()], at(14), SECOND * 14, LAG), [], "reads may lag as long as that");
    assert_eq!(watch.confirm(vec![ours()], at(15), SECOND * 15, LAG), [ours()]);
    assert_eq!(watch.confirm(vec![ours()], at(16), SECOND * 16, LAG), [ours()], "as long as it is there");
    assert_eq!(watch.confirm(vec![], at(30), SECOND * 30, LAG), []);
    assert_eq!(watch.confirm(vec![ours()], at(60), SECOND * 60, LAG), [], "it was gone meanwhile");
}

#[test]
fn another_role_or_another_owner_of_the_same_name_is_found_anew() {
    let others: [fn(&mut Owned); 2] = [|it| it.id = "AROA2".into(), |it| it.owner.uid = "uid-2".into()];
    for change in others {
        let mut watch = Watch::default();
        watch.confirm(vec![ours()], at(0), Duration::ZERO, LAG);
        let mut other = ours();
        change(&mut other);
        assert_eq!(watch.confirm(vec![other.clone()], at(60), SECOND * 60, LAG), []);
        assert_eq!(watch.confirm(vec![other.clone()], at(120), SECOND * 120, LAG), [other]);
    }
}

/// Ours and of one name, and yet two.
#[test]
fn a_role_and_a_user_of_one_name_do_not_meet() {
    let user = Swept { kind: PrincipalKind::User, ..swept(&owner()) };
    let user = Owned::of(&user, &installation()).unwrap();
    assert_eq!(user.name, PrincipalName::of(PrincipalKind::User, &installation(), &key()));
    assert_eq!((user.name.as_str(), user.id == ours().id), (ours().name.as_str(), true));
    let mut watch = Watch::default();
    assert_eq!(watch.confirm(vec![ours()], at(0), Duration::ZERO, LAG), []);
    assert_eq!(watch.confirm(vec![user.clone()], at(60), SECOND * 60, LAG), [], "another was seen before");
    assert_eq!(watch.confirm(vec![ours(), user.clone()], at(120), SECOND * 120, LAG), std::slice::from_ref(&user));
    let both = vec![ours(), user];
    assert_eq!(watch.confirm(both.clone(), at(180), SECOND * 180, LAG), both);
}

#[test]
fn a_window_of_no_length_still_takes_two_sweeps() {
    let mut watch = Watch::default();
    assert_eq!(watch.confirm(vec![ours()], at(0), Duration::ZERO, Duration::ZERO), []);
    assert_eq!(
        watch.confirm(vec![ours()], at(0), Duration::ZERO, Duration::ZERO),
        [],
        "the same sweep is no second one"
    );
    assert_eq!(watch.confirm(vec![ours()], at(1), SECOND * 1, Duration::ZERO), [ours()]);
}

#[test]
fn a_clock_that_is_set_forward_brings_no_two_sweeps_apart() {
    let mut watch = Watch::default();
    assert_eq!(watch.confirm(vec![ours()], at(0), SECOND, LAG), []);
    assert_eq!(watch.confirm(vec![ours()], at(9000), SECOND * 15, LAG), [], "fourteen seconds were measured");
    assert_eq!(watch.confirm(vec![ours()], at(9001), SECOND * 16, LAG), [ours()]);
}

#[test]
fn a_fifth_may_go_and_one_always() {
    let budgets: Vec<u32> = [0, 1, 4, 5, 9, 10, 50, 1000].map(budget).into();
    assert_eq!(budgets, [1, 1, 1, 1, 1, 2, 10, 200]);
}

#[test]
fn removals_count_until_an_hour_has_passed_without_one() {
    let none = Ledger::default();
    assert_eq!(none.left(50, at(0)), 10);
    let some = none.spend(4, at(0), at(0)).spend(3, at(3599), at(3599));
    assert_eq!(some, Ledger { removed: 7, since: Some(at(0)), last: Some(at(3599)) });
    assert_eq!(some.left(50, at(3600)), 3, "the last of them is a second old");
    assert_eq!(some.left(50, at(3599 + 3599)), 3);
    assert_eq!(some.left(50, at(3599 + 3600)), 10);
    assert_eq!(some.spend(2, at(9000), at(9000)), Ledger { removed: 2, since: Some(at(9000)), last: Some(at(9000)) });
    assert_eq!(some.left(10, at(3600)), 0, "never below nothing");
    assert_eq!(some.refund(5).removed, 2);
    assert_eq!(some.refund(50).removed, 0);
}

#[test]
fn a_clock_that_goes_back_makes_removals_count_longer() {
    let some = Ledger::default().spend(10, at(5000), at(5000));
    assert_eq!(some.left(50, at(0)), 0);
    let more = some.spend(1, at(0), at(0));
    assert_eq!((more.removed, more.last), (11, Some(at(5000))));
}

#[test]
fn a_clock_that_is_set_forward_gives_no_second_budget() {
    let spent = Ledger::default().spend(10, at(0), at(0));
    let judged = spent.judged_at(at(90_000), Some(Duration::from_mins(59)));
    assert_eq!((judged, spent.left(50, judged)), (at(59 * 60), 0));
    let more = spent.spend(1, judged, at(90_000));
    assert_eq!(more, Ledger { removed: 11, since: Some(at(0)), last: Some(at(90_000)) });
    let over = spent.judged_at(at(90_000), Some(Duration::from_hours(1)));
    assert_eq!(spent.left(50, over), 10);
    assert_eq!(spent.judged_at(at(90_000), None), at(90_000), "nobody measured what another process did");
    assert_eq!(spent.judged_at(at(60), Some(Duration::from_hours(1))), at(60), "nor does a clock that went back hurry");
    assert_eq!(Ledger::default().judged_at(at(60), Some(SECOND)), at(60));
}

proptest::proptest! {
    #[test]
    fn no_span_of_an_hour_has_more_than_the_budget(
        steps in proptest::collection::vec((0_i64..2500, 0_u32..30), 1..60),
        roles in 1_usize..200,
    ) {
        let (mut now, mut ledger) = (0, Ledger::default());
        let mut taken: Vec<(i64, u32)> = Vec::new();
        for (pause, wanted) in steps {
            now += pause;
            let count = wanted.min(ledger.left(roles, at(now)));
            if count > 0 {
                ledger = ledger.spend(count, at(now), at(now));
                taken.push((now, count));
            }
            let lately: u32 = taken.iter().filter(|(when, _)| now - when < 3600).map(|(_, count)| count).sum();
            proptest::prop_assert!(lately <= budget(roles), "{lately} of {}", budget(roles));
        }
    }
}
