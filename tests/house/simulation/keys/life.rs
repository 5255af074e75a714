//! From the first key to the last.

use ambit::api::v1alpha1::{ManagementPolicy, RotationPhase};
use ambit::cloud::FaultPlan;
use ambit::controller::outcome::Outcome;

use super::super::declare::{self, NAMESPACE};
use super::super::town::Operator;
use super::super::{clock, simulate, truth};
use super::*;

#[test]
fn a_key_is_published_when_the_user_stands_and_before_pods_may_start() {
    simulate(async {
        let (stage, plan) = (stage(), FaultPlan::none());
        let mut keeper = Keeper::start(&stage, &plan);
        keeper.settle().await;
        assert_stable(&stage);
        let calls = plan.calls();
        let at = |call: &str| calls.iter().position(|found| *found == call).unwrap();
        let order =
            ["create", "set-permissions", "write-status-at", "create-access-key", "write-secret", "bind"].map(at);
        assert!(order.is_sorted(), "{calls:?}");
        assert_eq!(stage.role(), None, "a user, and no role");
        let made = user(&stage).unwrap();
        assert_eq!(made.boundary.as_deref(), Some(declare::BOUNDARY));
        assert!(!made.has_password && made.groups.is_empty());
        let data = stage.cluster.secret_of(NAMESPACE, SECRET).unwrap().data;
        assert_eq!(data.into_keys().collect::<Vec<_>>(), ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
        assert_eq!(told(&stage), ["RotationStarted", "KeyPublished"]);
        truth::assert_others_untouched(&stage, 0);
        // What rests causes no calls.
        let before = plan.calls().len();
        keeper.once().await;
        assert_eq!(plan.calls().len(), before, "{:?}", plan.calls());
    });
}

/// A pod that began with the old key holds it back until it is restarted; then the key is first
/// made inactive and later deleted.
#[test]
fn an_old_key_goes_when_nobody_holds_it() {
    simulate(async {
        let stage = stage();
        let mut keeper = keyed(&stage).await;
        clock::advance(Duration::from_secs(5));
        start_pod(&stage, "web");
        let old = in_secret(&stage).unwrap();
        ask(&stage, "now");
        keeper.settle().await;
        let new = in_secret(&stage).unwrap();
        assert_ne!(old.0, new.0);
        assert!(works(&stage, &old) && works(&stage, &new));
        assert_eq!(phase(&stage), RotationPhase::Published);
        assert_reads(&stage, "CredentialsFresh", "True", "Rotating");
        for _ in 0..4 {
            hour(&mut keeper).await;
            assert!(works(&stage, &old), "the pod was not restarted");
        }
        assert_reads(&stage, "CredentialsFresh", "False", "HeldByConsumer");
        let (_, _, message) = read(&stage, "CredentialsFresh");
        assert!(message.contains("pod `web`") && message.contains(old.0.as_str()), "{message}");
        assert_reads(&stage, "Ready", "True", "Evaluated");
        start_pod(&stage, "web");
        hour(&mut keeper).await;
        assert!(!works(&stage, &old) && works(&stage, &new));
        assert_eq!(phase(&stage), RotationPhase::Retiring);
        assert_eq!(user(&stage).unwrap().keys.len(), 2, "it can be activated again");
        for _ in 0..3 {
            hour(&mut keeper).await;
        }
        assert_stable(&stage);
        assert_eq!(in_secret(&stage), Some(new));
        let expected =
            ["RotationStarted", "KeyPublished", "KeyConfirming", "KeyRetiring", "KeyDeactivated", "RotationFinished"];
        assert_eq!(told(&stage)[2..], expected);
    });
}

#[test]
fn a_key_that_somebody_uses_stays_until_it_was_not_used_for_the_overlap() {
    simulate(async {
        let stage = stage();
        let mut keeper = keyed(&stage).await;
        let old = in_secret(&stage).unwrap();
        ask(&stage, "now");
        for _ in 0..5 {
            hour(&mut keeper).await;
            assert!(stage.cloud.use_key(&old.0, clock::now()));
        }
        hour(&mut keeper).await;
        assert!(works(&stage, &old));
        assert_reads(&stage, "CredentialsFresh", "False", "HeldByConsumer");
        for _ in 0..5 {
            hour(&mut keeper).await;
        }
        assert!(!works(&stage, &old));
        assert_keyed(&stage);
    });
}

#[test]
fn keys_are_rotated_by_their_age() {
    simulate(async {
        let stage = stage();
        let mut keeper = keyed(&stage).await;
        let first = in_secret(&stage).unwrap();
        let due = credentials(&stage).next_rotation_time.unwrap().0;
        for _ in 0..60 {
            let is_before = clock::now() + Duration::from_hours(1) < due;
            hour(&mut keeper).await;
            assert!(works(&stage, &in_secret(&stage).unwrap()));
            assert!(!is_before || current(&stage) == first.0, "not before its time");
        }
        assert_ne!(current(&stage), first.0);
        assert_stable(&stage);
        assert!(!works(&stage, &first));
    });
}

#[test]
fn an_emergency_waits_for_nobody() {
    simulate(async {
        let stage = stage();
        let mut keeper = keyed(&stage).await;
        clock::advance(Duration::from_secs(5));
        start_pod(&stage, "web");
        let old = in_secret(&stage).unwrap();
        ask(&stage, "revoke-old/1");
        keeper.settle().await;
        assert!(!works(&stage, &old));
        assert_stable(&stage);
        let notes: Vec<String> = stage.cluster.announcements().into_iter().map(|told| told.note).collect();
        assert!(notes.iter().any(|note| note.contains("until they are restarted, these fail: pod `web`")), "{notes:?}");
    });
}

/// What is told once cannot be told back: keys go with a suspension, and another one comes after it.
#[test]
fn a_suspended_identity_has_no_keys() {
    simulate(async {
        let stage = stage();
        let mut keeper = keyed(&stage).await;
        let old = in_secret(&stage).unwrap();
        stage.edit(|spec| spec.suspend = true);
        keeper.settle().await;
        let closed = user(&stage).unwrap();
        assert!(closed.is_closed() && closed.keys.is_empty(), "{closed:?}");
        assert_eq!(stage.cluster.secret_names(NAMESPACE), Vec::<String>::new());
        assert_eq!(stage.object().unwrap().status.unwrap().credentials, None);
        assert_reads(&stage, "Ready", "False", "Suspended");
        stage.edit(|spec| spec.suspend = false);
        keeper.during(Duration::from_mins(10)).await;
        assert_stable(&stage);
        assert!(!works(&stage, &old));
    });
}

#[test]
fn a_deleted_identity_leaves_neither_user_nor_key_nor_secret() {
    simulate(async {
        let stage = stage();
        let mut keeper = keyed(&stage).await;
        stage.cluster.delete(&stage.key);
        keeper.during(Duration::from_mins(10)).await;
        assert_eq!((stage.object(), user(&stage)), (None, None));
        assert_eq!(stage.cluster.secret_names(NAMESPACE), Vec::<String>::new());
        truth::assert_others_untouched(&stage, 0);
    });
}

/// The sweep that finds its user removes the keys before the denial: none works at any moment after it.
#[test]
fn a_user_whose_identity_is_lost_goes_with_its_keys() {
    simulate(async {
        let stage = stage();
        stage.cluster.put_account((*declare::account_with_keys()).clone());
        keyed(&stage).await;
        stage.cluster.lose(&stage.key);
        Operator::start(&stage, &FaultPlan::none()).rounds(10).await;
        assert_eq!(user(&stage), None);
        truth::assert_others_untouched(&stage, 0);
    });
}

/// Whatever people do to Secret and keys, there is one key again, and it works.
#[test]
fn what_people_break_is_made_whole() {
    type Act = fn(&Stage);
    let acts: [(&str, Act); 5] = [
        ("the Secret is deleted", |stage| stage.cluster.lose_secret(NAMESPACE, SECRET)),
        ("the Secret is written over", |stage| {
            stage.cluster.change_secret(NAMESPACE, SECRET, "AWS_SECRET_ACCESS_KEY", "mine");
        }),
        ("the key is deleted", |stage| assert!(stage.cloud.remove_key_by_hand(&current(stage)))),
        ("the key is made inactive", |stage| {
            assert!(stage.cloud.change_key_by_hand(&current(stage), |key| key.active = false));
        }),
        ("the user gets a password and a group", |stage| {
            let changed = stage.cloud.change_user_by_hand(stage.name.as_str(), |user| {
                user.has_password = true;
                user.groups.insert("admins".to_owned());
            });
            assert!(changed);
        }),
    ];
    for (what, act) in acts {
        simulate(async {
            println!("{what}");
            let stage = stage();
            let mut keeper = keyed(&stage).await;
            act(&stage);
            stage.annotate("ambit.dev/reconcile", what);
            for _ in 0..8 {
                hour(&mut keeper).await;
            }
            assert_stable(&stage);
            let user = user(&stage).unwrap();
            assert!(!user.has_password && user.groups.is_empty());
        });
    }
}

#[test]
fn no_key_is_made_where_nobody_agreed() {
    simulate(async {
        let forbidding = stage();
        forbidding.change_account(declare::account(declare::BOUNDARY));
        let mut keeper = Keeper::start(&forbidding, &FaultPlan::none());
        assert_eq!(keeper.settle().await, Outcome::Refused);
        assert_reads(&forbidding, "Accepted", "False", "InvalidScope");
        let (_, _, message) = read(&forbidding, "Accepted");
        assert!(message.contains("`spec.aws.accessKeys: Allowed`"), "{message}");
        let unlisted = stage();
        unlisted.judge_by(vec![declare::scope_policy()]);
        let mut keeper = Keeper::start(&unlisted, &FaultPlan::none());
        assert_eq!(keeper.settle().await, Outcome::Refused);
        assert_reads(&unlisted, "Accepted", "False", "ScopeDenied");
        let observing = stage();
        observing.edit(|spec| spec.management_policy = ManagementPolicy::Observe);
        Keeper::start(&observing, &FaultPlan::none()).settle().await;
        for stage in [forbidding, unlisted, observing] {
            assert_eq!(user(&stage), None);
            assert_eq!(stage.cluster.secret_names(NAMESPACE), Vec::<String>::new());
        }
    });
}

/// A Secret of somebody else is left alone, and no key is made for it.
#[test]
fn a_secret_that_is_there_already_stays_as_it_is() {
    simulate(async {
        let stage = stage();
        stage.cluster.put_secret(NAMESPACE, SECRET, ambit::cluster::MemorySecret::default());
        let before = stage.cluster.secret_of(NAMESPACE, SECRET);
        Keeper::start(&stage, &FaultPlan::none()).during(Duration::from_hours(1)).await;
        assert_eq!(stage.cluster.secret_of(NAMESPACE, SECRET), before);
        assert!(user(&stage).unwrap().keys.is_empty());
        assert_reads(&stage, "Ready", "False", "SecretTaken");
    });
}
