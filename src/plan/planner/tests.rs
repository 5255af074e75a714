use std::collections::BTreeSet;

use super::*;
use crate::domain::Reading;
use crate::plan::lint;
use crate::plan::sample::{desired, live, permissions, trust};

fn recorded(desired: &Desired) -> Recorded {
    Recorded {
        id: Some("AROA1".into()),
        permissions: Some(desired.permissions.meaning().to_string()),
        trust: Some(desired.trust.meaning().to_string()),
        boundary: Some(desired.boundary.to_string()),
        session: Some(desired.session.get()),
        revoked: false,
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
    assert_eq!(told, ["the role was deleted by somebody else; it is made anew and gets another unique id"]);
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
    found.other_inline = BTreeSet::from(["by-hand".into()]);
    let expected = [
        "set-owner",
        "set-boundary",
        "close",
        "detach",
        "remove-inline",
        "set-trust",
        "set-session",
        "set-permissions",
        "open",
    ];
    assert_eq!(names(&plan(&desired, found, &recorded(&desired))), expected);
}

#[test]
fn it_is_closed_only_while_subject_and_permissions_both_change() {
    let desired = desired();
    let other_trust = Reading::Document(trust("other"));
    let other_permissions = Some(Reading::Document(permissions(&["s3:PutObject"])));
    let cases = [
        (Observed { trust: other_trust.clone(), ..live(&desired) }, vec!["set-trust"]),
        (Observed { permissions: other_permissions.clone(), ..live(&desired) }, vec!["set-permissions"]),
        (
            Observed { trust: other_trust.clone(), permissions: None, ..live(&desired) },
            vec!["set-trust", "set-permissions"],
        ),
        (
            Observed { trust: other_trust.clone(), permissions: other_permissions.clone(), ..live(&desired) },
            vec!["close", "set-trust", "set-permissions", "open"],
        ),
        (
            Observed { trust: other_trust, permissions: other_permissions, denial: Denial::InPlace, ..live(&desired) },
            vec!["set-trust", "set-permissions", "open"],
        ),
        (Observed { denial: Denial::InPlace, ..live(&desired) }, vec!["open"]),
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

/// What matters of a principal's state: to whom it gives what.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    subject: &'static str,
    own: BTreeSet<&'static str>,
    foreign: BTreeSet<String>,
    closed: bool,
    boundary: Option<String>,
}

const SUBJECTS: [&str; 2] = ["orders", "other"];
const ACTIONS: [&str; 3] = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"];

/// The actions that a number stands for.
fn actions(mask: usize) -> Vec<&'static str> {
    ACTIONS.into_iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, action)| action).collect()
}

impl State {
    fn of(live: &Observed) -> Self {
        let own = match &live.permissions {
            Some(Reading::Document(document)) => actions_of(document),
            _ => BTreeSet::new(),
        };
        let subject = match &live.trust {
            Reading::Document(document) => subject_of(document),
            Reading::Unreadable(_) => "nobody knows",
        };
        let foreign = live.attached.iter().chain(&live.other_inline).cloned().collect();
        Self { subject, own, foreign, closed: live.denial == Denial::InPlace, boundary: live.boundary.clone() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::SetTrust(document) => self.subject = subject_of(document),
            Step::SetPermissions(document) => self.own = actions_of(document),
            Step::Detach(name) | Step::RemoveInline(name) => drop(self.foreign.take(name)),
            Step::Close => self.closed = true,
            Step::Open => self.closed = false,
            Step::SetBoundary(boundary) => self.boundary = Some(boundary.to_string()),
            Step::SetOwner(_) | Step::SetSession(_) => {}
            Step::Create(_) | Step::RemovePermissions | Step::Delete => panic!("no step of a change: {step:?}"),
        }
    }

    fn grants(&self) -> BTreeSet<(&'static str, String)> {
        if self.closed {
            return BTreeSet::new();
        }
        let own = self.own.iter().map(|action| (*action).to_owned());
        own.chain(self.foreign.iter().cloned()).map(|action| (self.subject, action)).collect()
    }
}

fn subject_of(document: &crate::policy::Document) -> &'static str {
    SUBJECTS.into_iter().find(|subject| document.same_meaning(&trust(subject))).unwrap()
}

fn actions_of(document: &crate::policy::Document) -> BTreeSet<&'static str> {
    ACTIONS.into_iter().filter(|action| document.text().contains(action)).collect()
}

/// Every state that a principal of ours can be found in, as far as it matters here.
fn every_state(desired: &Desired) -> Vec<Observed> {
    let trusts = SUBJECTS
        .map(|subject| Reading::Document(trust(subject)))
        .into_iter()
        .chain([Reading::Unreadable("it is not JSON".into())]);
    let permissions: Vec<Option<Reading>> = (1..8)
        .map(|mask| Some(Reading::Document(permissions(&actions(mask)))))
        .chain([None, Some(Reading::Unreadable("it is not JSON".into()))])
        .collect();
    let mut states = Vec::new();
    for trust in trusts {
        for permissions in &permissions {
            for rest in 0..64_usize {
                let bit = |bit: usize| rest & (1 << bit) != 0;
                let mut found = live(desired);
                found.trust = trust.clone();
                found.permissions.clone_from(permissions);
                found.denial = if bit(0) { Denial::InPlace } else { Denial::Absent };
                found.attached = ["foreign:A", "foreign:B"].into_iter().filter(|_| bit(1)).map(str::to_owned).collect();
                found.other_inline = ["s3:PutObject"].into_iter().filter(|_| bit(2)).map(str::to_owned).collect();
                found.boundary = bit(3).then(|| if bit(4) { desired.boundary.to_string() } else { "other".to_owned() });
                found.owner.uid = bit(5).then(|| desired.owner.uid.clone());
                states.push(found);
            }
        }
    }
    states
}

/// The invariant of `Plan`, over every state and every declaration: no prefix
/// grants what is granted neither before nor after, and nothing is newly
/// granted before the boundary stands.
#[test]
fn no_prefix_of_a_plan_is_wider_than_both_ends() {
    let mut plans = 0;
    for mask in [1, 2, 7] {
        let desired = Desired { permissions: permissions(&actions(mask)), ..desired() };
        for found in every_state(&desired) {
            let Decision::Change(plan) = decide(&desired, &present(found.clone()), &Recorded::default(), false) else {
                assert_eq!(State::of(&found), State::of(&live(&desired)));
                continue;
            };
            assert_holds(&desired, &found, &plan);
            plans += 1;
        }
    }
    assert!(plans > 5_000, "{plans}");
}

fn assert_holds(desired: &Desired, found: &Observed, plan: &Plan) {
    let found_nothing = lint(&plan.steps, &desired.owner, &present(found.clone()), false);
    assert_eq!(found_nothing, [], "{:?}", names(plan));
    let end = State::of(&live(desired));
    let before = State::of(found).grants();
    let allowed: BTreeSet<_> = before.union(&end.grants()).cloned().collect();
    let mut state = State::of(found);
    for step in &plan.steps {
        state.take(step);
        let grants = state.grants();
        let stands = state.boundary.as_deref() == Some(desired.boundary.as_str());
        let fits = grants.is_subset(if stands { &allowed } else { &before });
        assert!(fits, "after `{}` of {:?}, found as {found:?}: {grants:?}", step.name(), names(plan));
    }
    assert_eq!(state, end, "{:?}", names(plan));
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
