use super::*;
use crate::domain::OwnerTags;
use crate::plan::Severity;
use crate::plan::sample::owner;

const ROLE: &str = "arn:aws:iam::123456789012:role/ambit/sim/orders";
const OTHER: &str = "arn:aws:iam::123456789012:role/admin";

fn pods() -> PodsOf {
    PodsOf::new("shop", "orders")
}

fn live() -> Association {
    let owner = owner();
    Association {
        id: "a-1".into(),
        pods: pods(),
        principal: ROLE.into(),
        onward: None,
        names_pods: true,
        narrowed: false,
        owner: OwnerTags {
            installation: Some(owner.installation.to_string()),
            identity: Some(owner.identity.to_string()),
            uid: Some(owner.uid),
            retained: None,
        },
    }
}

fn decided(change: impl FnOnce(&mut Association)) -> Tie {
    let mut live = live();
    change(&mut live);
    tie(&Sought { owner: &owner(), pods: &pods(), role_arn: ROLE }, &Observation::Present(live))
}

fn create() -> AssociationStep {
    AssociationStep::Create { owner: owner(), pods: pods(), principal: ROLE.into() }
}

fn update() -> AssociationStep {
    AssociationStep::Update { id: "a-1".into(), principal: ROLE.into() }
}

fn remake() -> Vec<AssociationStep> {
    vec![AssociationStep::Delete { id: "a-1".into() }, create()]
}

type Case = (fn(&mut Association), Vec<AssociationStep>, DriftClass, Severity, &'static str);

#[test]
fn each_difference_has_its_steps_and_its_words() {
    let cases: [Case; 6] = [
        (
            |live| live.principal = OTHER.into(),
            vec![update()],
            DriftClass::Changed,
            Severity::Critical,
            "names `arn:aws:iam::123456789012:role/admin` instead of `arn:aws:iam::123456789012:role/ambit/sim/orders`",
        ),
        (
            |live| live.names_pods = false,
            vec![update()],
            DriftClass::Narrowed,
            Severity::Warning,
            "has session tags switched off, without which the role lets nobody in",
        ),
        (
            |live| live.onward = Some(OTHER.into()),
            remake(),
            DriftClass::Changed,
            Severity::Critical,
            "leads on to `arn:aws:iam::123456789012:role/admin`",
        ),
        (
            |live| live.narrowed = true,
            remake(),
            DriftClass::Narrowed,
            Severity::Warning,
            "has a policy of its own, which leaves pods less than was declared",
        ),
        (
            |live| live.owner.uid = Some("uid-0".into()),
            remake(),
            DriftClass::Changed,
            Severity::Warning,
            "does not name this identity's UID in its tags",
        ),
        (
            |live| (live.names_pods, live.narrowed) = (false, true),
            remake(),
            DriftClass::Narrowed,
            Severity::Warning,
            "has session tags switched off, without which the role lets nobody in, and has a policy of its own, which leaves pods less than was declared",
        ),
    ];
    for (change, steps, class, severity, words) in cases {
        let Tie::Change(planned, difference) = decided(change) else { panic!("{words}") };
        assert_eq!(planned, steps, "{words}");
        assert_eq!((difference.class, difference.severity(), difference.part), (class, severity, Part::Association));
        assert_eq!(difference.summary, format!("the association of pods of service account `orders` {words}"));
    }
    assert_eq!(decided(|_| {}), Tie::Settled);
}

#[test]
fn one_that_is_not_there_is_made() {
    let sought = Sought { owner: &owner(), pods: &pods(), role_arn: ROLE };
    let Tie::Change(steps, difference) = tie(&sought, &Observation::Absent) else { panic!() };
    assert_eq!((steps, difference.class, difference.widens), (vec![create()], DriftClass::Missing, false));
    assert_eq!(
        difference.summary,
        "pods of service account `orders` have no association with the role, so EKS gives it to none of them"
    );
}

/// Whoever made it: what does not prove to be this identity's is left as it is.
#[test]
fn one_without_our_proof_is_left_alone() {
    let cases: [fn(&mut Association); 5] = [
        |live| live.owner = OwnerTags::default(),
        |live| live.owner.installation = None,
        |live| live.owner.installation = Some("other".into()),
        |live| live.owner.identity = Some("shop/mailer".into()),
        |live| live.owner.identity = Some("bank/orders".into()),
    ];
    for change in cases {
        let Tie::NotOurs(difference) = decided(|live| {
            change(live);
            live.principal = OTHER.into();
        }) else {
            panic!()
        };
        assert_eq!((difference.class, difference.severity()), (DriftClass::Foreign, Severity::Critical));
        assert_eq!(
            difference.summary,
            "pods of service account `orders` have the association `a-1` with `arn:aws:iam::123456789012:role/admin`, and its tags do not say that it belongs to this identity; Ambit leaves it alone: delete it, or tag it `ambit.dev/installation` = `sim` and `ambit.dev/identity` = `shop/orders` to hand it over"
        );
    }
}

#[test]
fn only_this_incarnations_own_goes_with_it() {
    let found = |change: fn(&mut Association)| {
        let mut live = live();
        change(&mut live);
        untie(&owner(), &Observation::Present(live))
    };
    assert_eq!(found(|_| {}), Some(AssociationStep::Delete { id: "a-1".into() }));
    assert_eq!(found(|live| live.owner.uid = Some("uid-2".into())), None, "a later one has taken its place");
    assert_eq!(found(|live| live.owner.uid = None), None);
    assert_eq!(found(|live| live.owner.installation = None), None);
    assert_eq!(untie(&owner(), &Observation::Absent), None);
}
