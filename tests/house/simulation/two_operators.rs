//! Two operators that both believe to lead. The lease makes this rare; nothing
//! may depend on that it never happens.

use ambit::api::v1alpha1::{MachineIdentitySpec, ServiceAccountSubject};
use ambit::cloud::FaultPlan;

use super::declare::{narrow_policy, scope_policy};
use super::process::{Process, Rest};
use super::scheduler::{Deed, Scheduler};
use super::simulate;
use super::stage::Stage;
use super::truth;
use super::verdicts::condition;

/// How many schedules each story is played under. `AMBIT_SEEDS` asks for more.
fn seeds() -> u64 {
    std::env::var("AMBIT_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}

fn other_scopes(spec: &mut MachineIdentitySpec) {
    spec.scopes.truncate(1);
    spec.scopes[0].actions = vec!["sqs:ReceiveMessage".into(), "sqs:DeleteMessage".into()];
}

fn other_subject(spec: &mut MachineIdentitySpec) {
    spec.subject.service_account = Some(ServiceAccountSubject { name: "orders-2".into() });
}

fn is_there(stage: &Stage) -> bool {
    stage.object().is_some()
}

fn is_gone(stage: &Stage) -> bool {
    stage.object().is_none()
}

/// Tells the seed when something is wrong.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {}", self.0);
        }
    }
}

/// Plays a story under many schedules. It must end with a live identity.
fn play(story: &str, prepare: fn(&Stage), deeds: fn() -> Vec<Deed>, end: fn(&Stage)) {
    let seeds = seeds();
    for seed in 0..seeds {
        let _seed = Seed(seed);
        let stage = Stage::new();
        prepare(&stage);
        Scheduler::new(&stage, deeds(), seed).run();
        end(&stage);
    }
    println!("schedules of two operators, {story}: {seeds}");
}

fn settled(stage: &Stage) {
    stage.create("uid-1");
    simulate(async { assert_eq!(Process::start(stage, &FaultPlan::none()).run().await, Rest::Settled) });
}

fn live_and_idle(stage: &Stage) {
    truth::assert_live(stage);
    let mut process = Process::start(stage, &FaultPlan::none());
    simulate(truth::assert_idle(stage, &mut process));
}

#[test]
fn create() {
    play("create", |stage| stage.create("uid-1"), Vec::new, live_and_idle);
}

#[test]
fn update_of_scopes_and_subject() {
    play(
        "update",
        |stage| {
            settled(stage);
            stage.edit(|spec| {
                other_scopes(spec);
                other_subject(spec);
            });
        },
        Vec::new,
        live_and_idle,
    );
}

#[test]
fn an_edit_while_both_create() {
    let deeds = || vec![Deed { possible: is_there, act: |stage| stage.edit(other_scopes) }];
    play("edit during creation", |stage| stage.create("uid-1"), deeds, live_and_idle);
}

#[test]
fn repair() {
    play(
        "repair",
        |stage| {
            settled(stage);
            stage.by_hand(|role| {
                role.boundary = None;
                role.trust = role.trust.replace("shop:orders", "shop:thief");
                role.inline.insert("ambit".to_owned(), role.inline["ambit"].replace("orders-in", "*"));
                role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
            });
        },
        Vec::new,
        live_and_idle,
    );
}

#[test]
fn deletion() {
    let deeds = || vec![Deed { possible: is_there, act: |stage| stage.cluster.delete(&stage.key) }];
    play("delete", settled, deeds, truth::assert_gone);
}

/// The new incarnation has the old one's name, and so its role's name.
#[test]
fn deletion_and_recreation() {
    let deeds = || {
        vec![
            Deed { possible: is_there, act: |stage| stage.cluster.delete(&stage.key) },
            Deed {
                possible: is_gone,
                act: |stage| {
                    stage.create("uid-2");
                    stage.edit(other_subject);
                },
            },
        ]
    };
    play("delete and recreate", settled, deeds, live_and_idle);
}

/// Deleted while both may still be making it.
#[test]
fn deletion_during_creation_and_recreation() {
    let deeds = || {
        vec![
            Deed { possible: is_there, act: |stage| stage.cluster.delete(&stage.key) },
            Deed { possible: is_gone, act: |stage| stage.create("uid-2") },
        ]
    };
    play("delete during creation, and recreate", |stage| stage.create("uid-1"), deeds, live_and_idle);
}

fn revoke(stage: &Stage) {
    stage.judge_by(vec![narrow_policy("Revoke")]);
}

fn says(stage: &Stage, reason: &str) -> bool {
    stage.object().is_some_and(|object| condition(&object, "Ready").is_some_and(|ready| ready.reason == reason))
}

fn revoked_and_idle(stage: &Stage) {
    truth::assert_revoked(stage);
    let mut process = Process::start(stage, &FaultPlan::none());
    simulate(truth::assert_idle(stage, &mut process));
}

#[test]
fn revocation() {
    let deeds = || vec![Deed { possible: is_there, act: revoke }];
    play("revoke", settled, deeds, revoked_and_idle);
}

/// One may still deny while the other opens already.
#[test]
fn revocation_and_return() {
    let deeds = || {
        vec![
            Deed { possible: is_there, act: revoke },
            Deed {
                possible: |stage| says(stage, "Revoked") || says(stage, "ScopeDenied"),
                act: |stage| stage.judge_by(vec![scope_policy()]),
            },
        ]
    };
    play("revoke, and back", settled, deeds, live_and_idle);
}

#[test]
fn revocation_and_a_narrower_declaration() {
    let deeds = || {
        vec![
            Deed { possible: is_there, act: revoke },
            Deed { possible: is_there, act: |stage| stage.edit(|spec| spec.scopes.truncate(1)) },
        ]
    };
    play("revoke, and narrow", settled, deeds, live_and_idle);
}

#[test]
fn revocation_during_creation() {
    let deeds = || vec![Deed { possible: |stage| stage.role().is_some(), act: revoke }];
    play("revoke during creation", |stage| stage.create("uid-1"), deeds, closed_or_never_open);
}

/// What was made before the policy came is denied, whatever status came to say of it.
fn closed_or_never_open(stage: &Stage) {
    let role = stage.role().unwrap();
    assert!(role.is_closed() || role.permissions().is_none(), "{role:?}");
}
