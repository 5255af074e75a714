//! Credentials in a Secret, over the whole life of an identity.

mod crashes;
mod life;
mod refused;
mod renewed;
mod suspended;

use std::time::Duration;

use ambit::api::v1alpha1::{CredentialsStatus, MachineIdentitySpec};
use ambit::cloud::{CANARY, FaultPlan};
use ambit::cluster::MemorySecret;
use ambit::controller::Remembered;
use ambit::controller::context::Context;
use ambit::controller::identity::reconcile;
use ambit::controller::outcome::Outcome;
use jiff::Timestamp;
use serde_json::json;

use super::clock;
use super::declare::{self, NAMESPACE};
use super::gate::Gate;
use super::process::counted;
use super::stage::{Stage, TIMING};
use super::verdicts::condition;

const SECRET: &str = "orders-aws";

/// More rounds than any of these stories needs.
const ROUNDS: usize = 200;

/// Asks for a Secret.
fn secret(spec: &mut MachineIdentitySpec, name: &str) {
    spec.credentials = serde_json::from_value(json!({"sessionSecret": {"secretName": name}})).unwrap();
}

fn file(spec: &mut MachineIdentitySpec, profile: Option<&str>) {
    let asked = json!({"secretName": SECRET, "format": "SharedCredentialsFile", "profile": profile});
    spec.credentials = serde_json::from_value(json!({ "sessionSecret": asked })).unwrap();
}

fn federation(spec: &mut MachineIdentitySpec) {
    spec.credentials = serde_json::from_value(json!({"federation": {}})).unwrap();
}

fn suspend(stage: &Stage) {
    stage.edit(|spec| spec.suspend = true);
}

fn resume(stage: &Stage) {
    stage.edit(|spec| spec.suspend = false);
}

/// A stage on which Secrets may be asked for, with an identity that asks for one.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.judge_by(vec![declare::generous_policy()]);
    let mut identity = declare::identity("orders", "uid-1");
    secret(&mut identity.spec, SECRET);
    stage.apply(identity);
    stage
}

/// An operator that sleeps as its outcomes say, and no longer than its credentials allow.
pub(super) struct Keeper<'a> {
    stage: &'a Stage,
    plan: FaultPlan,
    context: Context,
}

impl<'a> Keeper<'a> {
    pub(super) fn start(stage: &'a Stage, plan: &FaultPlan) -> Self {
        Self { stage, plan: plan.clone(), context: stage.start(plan, Gate::Open) }
    }

    pub(super) fn remember(&self, (uid, remembered): (String, Remembered)) {
        self.context.memory.note(&uid, |memory| *memory = remembered);
    }

    pub(super) fn remembered(&self) -> (String, Remembered) {
        let uid = self.stage.object().unwrap().metadata.uid.unwrap();
        let remembered = self.context.memory.recall(&uid);
        (uid, remembered)
    }

    /// One reconciliation; how long the operator sleeps after it. Nothing where it was killed in it.
    pub(super) async fn once(&mut self) -> Option<(Outcome, Duration)> {
        let object = self.stage.object().unwrap();
        let uid = object.metadata.uid.clone().unwrap();
        let outcome = tokio::select! {
            outcome = reconcile(&self.context, &object) => Some(outcome),
            () = self.plan.hung() => None,
        };
        let Some(outcome) = outcome else {
            clock::advance(Duration::from_secs(1));
            self.context = self.stage.start(&self.plan, Gate::Open);
            return None;
        };
        let memory = self.context.memory.recall(&uid);
        let failed_before = memory.failures;
        self.context.memory.note(&uid, |memory| memory.failures = counted(&outcome, failed_before));
        let until =
            |due: Option<Timestamp>| due.map(|due| Duration::try_from(due.duration_since(clock::now())).unwrap());
        let pause = match &outcome {
            Outcome::Failed(failure) => failure.pause(failed_before, 0.5),
            Outcome::Waiting(pause) | Outcome::Deferred(pause) => *pause,
            Outcome::Refused | Outcome::Finished => TIMING.resync,
            Outcome::Applied | Outcome::Settled => {
                let look = until(memory.next_full_look).unwrap_or(TIMING.resync);
                until(memory.next_credentials).unwrap_or(look).min(look)
            }
        };
        Some((outcome, pause))
    }

    /// Works and sleeps until a moment.
    pub(super) async fn until(&mut self, moment: Timestamp) {
        for _ in 0..ROUNDS {
            if self.stage.object().is_none() {
                return;
            }
            let pause = match self.once().await {
                Some((_, pause)) => pause,
                None => Duration::ZERO,
            };
            if clock::now() + pause > moment {
                clock::advance_to(moment.as_millisecond().max(clock::now().as_millisecond()));
                return;
            }
            clock::advance(pause);
        }
        panic!("no rest until {moment}: {:#?}", self.stage.object().map(|object| object.status));
    }

    pub(super) async fn during(&mut self, span: Duration) {
        self.until(clock::now() + span).await;
    }

    /// Works without sleeping for long, until nothing is left to do at once.
    pub(super) async fn settle(&mut self) -> Outcome {
        for _ in 0..ROUNDS {
            match self.once().await {
                Some((Outcome::Failed(_), pause)) => clock::advance(pause),
                Some((Outcome::Waiting(pause), _)) if pause <= TIMING.consistency_window => clock::advance(pause),
                Some((outcome, _)) => return outcome,
                None => {}
            }
        }
        panic!("no rest: {:#?}", self.stage.object().map(|object| object.status));
    }
}

/// An identity whose Secret was just written, and an operator that knows it.
async fn kept(stage: &Stage) -> Keeper<'_> {
    let mut keeper = Keeper::start(stage, &FaultPlan::none());
    keeper.settle().await;
    assert_fresh(stage, SECRET);
    keeper
}

fn written(stage: &Stage, name: &str) -> MemorySecret {
    stage.cluster.secret_of(NAMESPACE, name).unwrap_or_else(|| panic!("there must be a Secret `{name}`"))
}

fn credentials(stage: &Stage) -> CredentialsStatus {
    stage.object().unwrap().status.unwrap().credentials.unwrap()
}

/// Status, reason and message of a condition.
pub(super) fn read(stage: &Stage, name: &str) -> (String, String, String) {
    let object = stage.object().unwrap();
    let found = condition(&object, name).unwrap();
    (found.status.clone(), found.reason.clone(), found.message.clone())
}

pub(super) fn assert_reads(stage: &Stage, name: &str, status: &str, reason: &str) {
    let (found, why, message) = read(stage, name);
    assert_eq!((found.as_str(), why.as_str()), (status, reason), "{name}: {message}");
}

/// The reasons of all that was announced of credentials.
fn told(stage: &Stage) -> Vec<String> {
    const OF_CREDENTIALS: [&str; 7] = [
        "CredentialsIssued",
        "CredentialsRenewed",
        "SecretDeleted",
        "Rotating",
        "Overdue",
        "SecretTaken",
        "ClusterRefused",
    ];
    let all = stage.cluster.announcements().into_iter().map(|told| told.reason);
    all.filter(|reason| OF_CREDENTIALS.contains(&reason.as_str())).collect()
}

/// The newest credentials that the cloud handed out stand in this Secret and in no other, it says whose
/// they are, status tells of exactly them, and pods may start.
fn assert_fresh(stage: &Stage, name: &str) {
    let object = stage.object().unwrap();
    assert_reads(stage, "CredentialsFresh", "True", "Fresh");
    assert_reads(stage, "Ready", "True", "Verified");
    let found = written(stage, name);
    let number = stage.cloud.issued();
    assert!(number > 0);
    for part in ["id", "key", "token"] {
        let canary = format!("{CANARY}-{part}-{number}");
        assert!(found.data.values().any(|value| value.contains(&canary)), "{canary} is not in {:?}", found.data.keys());
    }
    assert_eq!(found.own_keys, found.data.keys().cloned().collect());
    assert_eq!(found.credentials_of.as_deref(), Some("orders"));
    assert_eq!(found.owners, object.metadata.uid.into_iter().collect());
    let status = credentials(stage);
    assert_eq!((status.secret_name.as_str(), status.previous_secret_name), (name, None));
    let times = [status.issued_time, status.next_rotation_time, status.expiration_time].map(|time| time.unwrap().0);
    assert!(times[0] < times[1] && times[1] < times[2] && clock::now() < times[1], "{times:?} {}", clock::now());
    let binding = &stage.cluster.table(NAMESPACE).service_accounts["orders"];
    assert!(binding.ready && binding.audience.is_none(), "{binding:?}");
    assert_unseen(stage);
}

/// No Secret holds credentials, and status says so.
fn assert_withdrawn(stage: &Stage) {
    assert!(stage.cluster.secret_names(NAMESPACE).is_empty());
    assert_eq!(stage.object().unwrap().status.unwrap().credentials, None);
    let (status, reason, message) = read(stage, "CredentialsFresh");
    assert_eq!((status.as_str(), reason.as_str()), ("Unknown", "Suspended"));
    assert_eq!(message, "nobody gets credentials while the identity is suspended, and none stand in a Secret");
}

/// No part of any credentials stands where people look.
fn assert_unseen(stage: &Stage) {
    let object = serde_json::to_string(&stage.object()).unwrap();
    let announced = format!("{:?}", stage.cluster.announcements());
    let table = format!("{:?}", stage.cluster.table(NAMESPACE));
    for text in [object, announced, table] {
        assert!(!text.contains(&format!("{CANARY}-")), "{text}");
    }
}
