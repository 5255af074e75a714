//! Sweeps that are broken off, that come too late, and that find nothing new.

use std::sync::Arc;

use ambit::cloud::{ErrorKind, Fault, FaultPlan, MemoryRole};
use ambit::controller::context::Context;
use ambit::controller::outcome::Outcome;
use ambit::controller::sweep::{Broken, Report};

use super::clock;
use super::declare::ACCOUNT;
use super::gate::Gate;
use super::process::{Process, Rest};
use super::simulate;
use super::stage::{Stage, TIMING};

/// A stage with an identity that rests, and roles of others enough for so many pages.
async fn settled(stage: &Stage) -> Process<'_> {
    stage.create("uid-1");
    let mut process = Process::start(stage, &FaultPlan::none());
    assert_eq!(process.run().await, Rest::Settled);
    for number in 0..6 {
        stage.cloud.plant(MemoryRole::foreign(&format!("of-somebody-else-{number}"), "/"));
    }
    clock::advance(std::time::Duration::from_mins(1));
    process
}

/// A process that knows what another one knows, and whose calls go as a plan has it.
fn knowing(stage: &Stage, process: &Process<'_>, plan: &FaultPlan) -> Context {
    let context = stage.start(plan, Gate::Open);
    let (uid, remembered) = process.remembered().unwrap();
    context.memory.note(&uid, |memory| *memory = remembered);
    context
}

async fn sweep(stage: &Stage, context: &Context) -> Result<Report, Broken> {
    let account = context.accounts.find(ACCOUNT).unwrap();
    let identities = stage.object().into_iter().map(Arc::new).collect();
    context.sweeps.run(context, (ACCOUNT, account.cloud.as_ref()), identities).await
}

/// Pages, roles, ours, roles without an identity, suspects.
fn figures(report: &Report) -> (usize, usize, usize, usize, usize) {
    (report.pages, report.roles, report.ours, report.strangers.len(), report.suspects.len())
}

fn at(call: usize, kind: ErrorKind) -> FaultPlan {
    FaultPlan::at(call, Fault::ErrorBefore(kind))
}

#[test]
fn a_sweep_reads_every_page_once_and_tells_ours_from_others() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(3);
        let context = knowing(&stage, &process, &FaultPlan::none());
        let before = (stage.cloud.writes(), stage.cluster.writes());
        let report = sweep(&stage, &context).await.unwrap();
        // Ten roles: the identity's, three planted on our path, six elsewhere.
        assert_eq!(figures(&report), (4, 10, 4, 3, 0));
        assert_eq!(report.calls, 4);
        assert_eq!((stage.cloud.writes(), stage.cluster.writes()), before);
    });
}

#[test]
fn a_broken_sweep_goes_on_from_the_page_that_failed() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(3);
        for failing in 0..4 {
            for kind in [ErrorKind::Transient, ErrorKind::Throttled] {
                let plan = at(failing, kind);
                let context = knowing(&stage, &process, &plan);
                let broken = sweep(&stage, &context).await.unwrap_err();
                assert_eq!((broken.error.kind, broken.suspects.len()), (kind, 0));
                let report = sweep(&stage, &context).await.unwrap();
                assert_eq!(figures(&report), (4, 10, 4, 3, 0));
                assert_eq!((plan.calls().len(), report.calls), (5, 5), "no page is read twice, and failures count");
            }
        }
    });
}

/// A process that is stopped, or whose time is up, loses the page that it waited for and no other.
#[test]
fn a_cancelled_sweep_goes_on_where_it_was() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(3);
        for hanging in 0..4 {
            let plan = FaultPlan::at(hanging, Fault::HangBefore);
            let context = knowing(&stage, &process, &plan);
            tokio::select! {
                ended = sweep(&stage, &context) => panic!("it hangs: {ended:?}"),
                () = plan.hung() => {}
            }
            assert_eq!(figures(&sweep(&stage, &context).await.unwrap()), (4, 10, 4, 3, 0));
            assert_eq!(plan.calls().len(), 5, "no page is read twice");
        }
    });
}

/// An account that does not answer, or that is throttled, delays no other.
#[test]
fn accounts_are_swept_apart_from_each_other() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(3);
        let plan = FaultPlan::at(2, Fault::HangBefore);
        let context = knowing(&stage, &process, &plan);
        let hanging = context.accounts.find(ACCOUNT).unwrap().cloud;
        let identities = || stage.object().into_iter().map(Arc::new).collect();
        let slow = context.sweeps.run(&context, ("slow", hanging.as_ref()), Vec::new());
        let other = context.sweeps.run(&context, (ACCOUNT, &stage.cloud), identities());
        tokio::select! {
            biased;
            ended = slow => panic!("it hangs: {ended:?}"),
            report = other => assert_eq!(figures(&report.unwrap()), (4, 10, 4, 3, 0)),
        }
        // What the slow one had read is kept.
        let report = context.sweeps.run(&context, ("slow", hanging.as_ref()), Vec::new()).await.unwrap();
        assert_eq!((report.pages, report.calls), (4, 5));
    });
}

#[test]
fn a_mark_that_the_cloud_no_longer_knows_begins_the_sweep_anew() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(3);
        let plan = at(2, ErrorKind::Invalid);
        let context = knowing(&stage, &process, &plan);
        assert!(sweep(&stage, &context).await.is_err());
        assert_eq!(figures(&sweep(&stage, &context).await.unwrap()), (4, 10, 4, 3, 0));
        assert_eq!(plan.calls().len(), 3 + 4);
    });
}

#[test]
fn old_pages_are_not_put_beside_new_ones() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(3);
        let plan = at(2, ErrorKind::Transient);
        let context = knowing(&stage, &process, &plan);
        assert!(sweep(&stage, &context).await.is_err());
        clock::advance(std::time::Duration::from_mins(10));
        assert_eq!(figures(&sweep(&stage, &context).await.unwrap()), (4, 10, 4, 3, 0));
        assert_eq!(plan.calls().len(), 3 + 4);
    });
}

/// A partial list is never read as absence.
#[test]
fn what_a_broken_sweep_did_not_see_is_not_gone() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(3);
        assert!(stage.cloud.remove_by_hand(stage.name.as_str()));
        for failing in 0..3 {
            let context = knowing(&stage, &process, &at(failing, ErrorKind::Transient));
            let broken = sweep(&stage, &context).await.unwrap_err();
            assert_eq!(broken.suspects, []);
            assert!(!context.memory.recall("uid-1").is_suspected());
        }
        let context = knowing(&stage, &process, &FaultPlan::none());
        assert_eq!(sweep(&stage, &context).await.unwrap().suspects.len(), 1);
        assert!(context.memory.recall("uid-1").is_suspected());
    });
}

/// What a broken sweep did see counts at once.
#[test]
fn what_a_broken_sweep_saw_is_looked_at() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.cloud.set_page_size(1);
        stage.by_hand(|role| assert!(role.attached.insert("arn:a".into())));
        stage.cloud.plant(MemoryRole::foreign("zoo", "/"));
        let roles = stage.cloud.roles();
        let page = roles.iter().position(|role| role.name == stage.name.as_str()).unwrap();
        assert!(page + 1 < roles.len(), "a page follows that can fail");
        for (failing, seen) in [(page, 0), (page + 1, 1)] {
            let context = knowing(&stage, &process, &at(failing, ErrorKind::Transient));
            let broken = sweep(&stage, &context).await.unwrap_err();
            assert_eq!(broken.suspects.len(), seen, "page {failing} of {}", roles.len());
            assert_eq!(context.memory.recall("uid-1").is_suspected(), seen == 1);
        }
    });
}

/// A snapshot that began before Ambit's own last write never overrules it.
#[test]
fn what_was_read_before_a_write_says_nothing() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        stage.by_hand(|role| assert!(role.attached.insert("arn:a".into())));
        let context = knowing(&stage, &process, &FaultPlan::none());
        context.memory.note("uid-1", |memory| memory.changed_at = Some(clock::now()));
        assert_eq!(sweep(&stage, &context).await.unwrap().suspects, []);
        clock::advance(std::time::Duration::from_secs(1));
        assert_eq!(sweep(&stage, &context).await.unwrap().suspects.len(), 1);
    });
}

/// What was compared once is told by its digest, and whatever the comparison
/// depended on has it made again.
#[test]
fn what_did_not_change_is_not_compared_again() {
    simulate(async {
        let stage = Stage::new();
        let process = settled(&stage).await;
        let context = knowing(&stage, &process, &FaultPlan::none());
        let compared = || context.memory.recall("uid-1").compared;
        context.memory.note("uid-1", |memory| memory.compared = None);
        assert_eq!(sweep(&stage, &context).await.unwrap().suspects, []);
        let first = compared().unwrap();
        // A lie that only a comparison by digest lets stand.
        stage.by_hand(|role| drop(role.tags.insert("team".into(), "shop".into())));
        assert_eq!(sweep(&stage, &context).await.unwrap().suspects, []);
        assert_eq!(compared(), Some(first), "tags of others are nothing that Ambit compares");
        stage.by_hand(|role| assert!(role.attached.insert("arn:a".into())));
        assert_eq!(sweep(&stage, &context).await.unwrap().suspects.len(), 1);
        assert_eq!(compared(), None);
        stage.by_hand(|role| role.attached.clear());
        assert_eq!(sweep(&stage, &context).await.unwrap().suspects, []);
        assert_eq!(compared(), Some(first));
        stage.change_boundary(super::declare::OTHER_BOUNDARY);
        assert_eq!(
            sweep(&stage, &context).await.unwrap().suspects.len(),
            1,
            "the declaration means something else now"
        );
    });
}

/// Text that means the same is neither repaired nor counted, however often it is seen.
#[test]
fn what_is_written_in_another_way_is_left_alone() {
    simulate(async {
        let stage = Stage::new();
        let mut process = settled(&stage).await;
        stage.by_hand(|role| {
            let permissions = role.inline.get_mut("ambit").unwrap();
            *permissions = permissions.replace("\"Action\"", " \"Action\" ").replace("s3:Get", "S3:GET");
        });
        let before = (stage.cloud.writes(), stage.cluster.writes());
        assert_eq!(process.run().await, Rest::Settled);
        clock::advance(TIMING.resync);
        assert_eq!(process.once().await, Some(Outcome::Settled));
        assert_eq!((stage.cloud.writes(), stage.cluster.writes()), before);
        assert_eq!(stage.object().unwrap().status.unwrap().drift_count, Some(0));
    });
}
