//! One operator process: it reconciles, waits as outcomes say, sweeps, and may
//! be killed and started again.

use std::sync::Arc;
use std::time::Duration;

use ambit::api::v1alpha1::MachineIdentity;
use ambit::cloud::FaultPlan;
use ambit::controller::Remembered;
use ambit::controller::accounts::Account;
use ambit::controller::context::Context;
use ambit::controller::identity::reconcile;
use ambit::controller::outcome::Outcome;

use super::clock;
use super::declare::ACCOUNT;
use super::gate::Gate;
use super::stage::{Stage, TIMING};

/// More rounds than any story needs.
const ROUNDS: usize = 80;

/// The pause before a sweep.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// How a run came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// The object is there and nothing is left to do.
    Settled,
    /// The object waits for a person.
    Waits,
    /// The object is gone.
    Gone,
}

/// A process whose calls go as a plan has it.
pub struct Process<'a> {
    stage: &'a Stage,
    plan: FaultPlan,
    context: Context,
    kills: usize,
}

impl<'a> Process<'a> {
    /// Starts a process.
    pub fn start(stage: &'a Stage, plan: &FaultPlan) -> Self {
        Self { context: stage.start(plan, Gate::Open), plan: plan.clone(), stage, kills: 0 }
    }

    /// What it remembers of the identity.
    pub fn remembered(&self) -> Option<(String, Remembered)> {
        let uid = self.stage.object()?.metadata.uid?;
        let remembered = self.context.memory.recall(&uid);
        Some((uid, remembered))
    }

    /// Gives it another process's memory, as if it had run all the time.
    pub fn remember(&self, memory: Option<(String, Remembered)>) {
        let Some((uid, remembered)) = memory else { return };
        self.context.memory.note(&uid, |memory| *memory = remembered);
    }

    /// Puts the account in use as it is now, as its own reconciliation does.
    pub fn check_account(&self) {
        let account = self.context.accounts.find(ACCOUNT).unwrap();
        self.context.accounts.put(ACCOUNT, Account { settings: self.stage.settings(), ..account });
    }

    /// In a cluster without Ambit's own injection.
    pub fn without_injection(mut self) -> Self {
        self.context.injects = false;
        self
    }

    /// What it has at hand.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// How often it was killed.
    pub fn kills(&self) -> usize {
        self.kills
    }

    /// Works until a sweep and then a full look find nothing left to do.
    pub async fn run(&mut self) -> Rest {
        let mut resynced = None;
        for _ in 0..ROUNDS {
            let Some(object) = self.stage.object() else { return Rest::Gone };
            let Some(outcome) = self.until_killed(Work::Reconcile(&object)).await else { continue };
            let failed_before = self.count_failures(&object, &outcome);
            match outcome {
                Outcome::Failed(failure) => clock::advance(failure.pause(failed_before, 0.5)),
                Outcome::Waiting(pause) if pause < TIMING.resync => clock::advance(pause),
                Outcome::Deferred(pause) => clock::advance(pause),
                Outcome::Finished => {}
                Outcome::Applied | Outcome::Settled | Outcome::Refused | Outcome::Waiting(_) => {
                    let settled = matches!(outcome, Outcome::Applied | Outcome::Settled);
                    let rest = if settled { Rest::Settled } else { Rest::Waits };
                    clock::advance(LOOK_AGAIN);
                    if self.until_killed(Work::Sweep(&object)).await == Some(Outcome::Settled) {
                        if resynced == Some(self.kills) {
                            return rest;
                        }
                        resynced = Some(self.kills);
                        clock::advance(TIMING.resync);
                    }
                }
            }
        }
        panic!("no rest after {ROUNDS} rounds: {:#?}", self.stage.object().map(|object| object.status));
    }

    /// Reconciles once; `None` when it was killed in it.
    pub async fn once(&mut self) -> Option<Outcome> {
        let object = self.stage.object().unwrap();
        self.until_killed(Work::Reconcile(&object)).await
    }

    /// Reconciles once, counts failures, and waits as the outcome says.
    pub async fn counted_once(&mut self) -> Outcome {
        let object = self.stage.object().unwrap();
        let outcome = self.until_killed(Work::Reconcile(&object)).await.unwrap();
        let failed_before = self.count_failures(&object, &outcome);
        match outcome {
            Outcome::Failed(failure) => clock::advance(failure.pause(failed_before, 0.5)),
            Outcome::Waiting(pause) | Outcome::Deferred(pause) => clock::advance(pause),
            _ => {}
        }
        outcome
    }

    /// Sweeps once and does what follows from it, within minutes.
    pub async fn look(&mut self) -> Rest {
        clock::advance(LOOK_AGAIN);
        let object = self.stage.object().unwrap();
        self.until_killed(Work::Sweep(&object)).await;
        for _ in 0..ROUNDS {
            match self.once().await {
                Some(Outcome::Failed(failure)) => clock::advance(failure.pause(0, 0.5)),
                Some(Outcome::Waiting(pause)) if pause < TIMING.resync => clock::advance(pause),
                Some(Outcome::Applied | Outcome::Settled) => return Rest::Settled,
                Some(Outcome::Waiting(_) | Outcome::Refused) => return Rest::Waits,
                Some(Outcome::Deferred(pause)) => clock::advance(pause),
                Some(Outcome::Finished) | None => {}
            }
        }
        panic!("no rest after {ROUNDS} rounds");
    }

    /// Works until something holds, and no further.
    pub async fn run_until(&mut self, holds: impl Fn(&Stage) -> bool) {
        for _ in 0..ROUNDS {
            if holds(self.stage) {
                return;
            }
            match self.once().await {
                Some(Outcome::Failed(failure)) => clock::advance(failure.pause(0, 0.5)),
                Some(Outcome::Waiting(pause)) => clock::advance(pause),
                _ => {}
            }
        }
        panic!("it did not come about in {ROUNDS} rounds");
    }

    /// Does a piece of work; `None` when the process was killed in it and started again.
    async fn until_killed(&mut self, work: Work<'_>) -> Option<Outcome> {
        let outcome = tokio::select! {
            outcome = work.done_by(&self.context) => Some(outcome),
            () = self.plan.hung() => None,
        };
        if outcome.is_none() {
            self.kills += 1;
            clock::advance(Duration::from_secs(1));
            self.context = self.stage.start(&self.plan, Gate::Open);
        }
        outcome
    }

    /// Counts failures in a row as the runtime does. Returns those before this one.
    fn count_failures(&self, object: &MachineIdentity, outcome: &Outcome) -> u32 {
        let uid = object.metadata.uid.clone().unwrap();
        let before = self.context.memory.recall(&uid).failures;
        self.context.memory.note(&uid, |memory| memory.failures = counted(outcome, before));
        before
    }
}

/// Failures in a row after an outcome, as the runtime counts them.
pub fn counted(outcome: &Outcome, before: u32) -> u32 {
    match outcome {
        Outcome::Failed(_) => before + 1,
        Outcome::Deferred(_) => before,
        _ => 0,
    }
}

/// A piece of work that a process can be killed in.
enum Work<'a> {
    Reconcile(&'a MachineIdentity),
    Sweep(&'a MachineIdentity),
}

impl Work<'_> {
    async fn done_by(self, context: &Context) -> Outcome {
        match self {
            Self::Reconcile(object) => Box::pin(reconcile(context, object)).await,
            Self::Sweep(object) => swept(context, object).await,
        }
    }
}

/// Sweeps the account. `Settled` when the sweep reached its end and found nothing.
pub async fn swept(context: &Context, object: &MachineIdentity) -> Outcome {
    let account = context.accounts.find(ACCOUNT).unwrap();
    let identities = vec![Arc::new(object.clone())];
    match context.sweeps.run(context, (ACCOUNT, account.cloud.as_ref()), identities).await {
        Err(_) => Outcome::Waiting(Duration::from_secs(1)),
        Ok(report) if report.suspects.is_empty() => Outcome::Settled,
        Ok(_) => Outcome::Waiting(Duration::ZERO),
    }
}
