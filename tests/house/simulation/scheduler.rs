//! Two operators at once: a seeded scheduler lets one of them go on by one call
//! at a time, lets time pass, kills, and plays the user.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use ambit::cloud::FaultPlan;
use ambit::controller::context::Context;
use ambit::controller::identity::reconcile;
use ambit::controller::outcome::Outcome;
use ambit::plan::settled;

use super::clock;
use super::declare::NAMESPACE;
use super::gate::Gate;
use super::process::{counted, swept};
use super::random::Random;
use super::stage::{Stage, TIMING};

/// More turns than any story needs.
const TURNS: usize = 5_000;

/// Something that a user does, when it can be done.
pub struct Deed {
    pub possible: fn(&Stage) -> bool,
    pub act: fn(&Stage),
}

/// What makes an object another one to an operator: its incarnation, its
/// generation, whether it is being deleted, and what it is judged by.
type Material = Option<(Option<String>, Option<i64>, bool, usize)>;

fn material(stage: &Stage) -> Material {
    let meta = stage.object()?.metadata;
    Some((meta.uid, meta.generation, meta.deletion_timestamp.is_some(), stage.judgements()))
}

/// What the scheduler knows of an operator.
#[derive(Default)]
struct Lane {
    /// When its reconciliation began, while one is under way.
    busy_since: Cell<Option<i64>>,
    /// Until when it waits.
    asleep_until: Cell<i64>,
    /// What it has seen, while nothing is left for it to do.
    parked_at: Cell<Option<Material>>,
    sweep_is_due: Cell<bool>,
}

impl Lane {
    fn is_parked(&self, stage: &Stage) -> bool {
        let seen = self.parked_at.take();
        self.parked_at.set(seen.clone());
        seen.is_some_and(|seen| seen == material(stage)) && !self.sweep_is_due.get()
    }

    fn can_go_on(&self, stage: &Stage) -> bool {
        self.asleep_until.get() <= clock::millis() && !self.is_parked(stage)
    }

    async fn sleep(&self, pause: Duration) {
        self.asleep_until.set(clock::millis() + i64::try_from(pause.as_millis()).unwrap());
        poll_fn(|_| if self.asleep_until.get() <= clock::millis() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    async fn park(&self, stage: &Stage, seen: Material) {
        self.parked_at.set(Some(seen));
        poll_fn(|_| if self.is_parked(stage) { Poll::Pending } else { Poll::Ready(()) }).await;
        self.parked_at.set(None);
    }
}

/// What an operator does all day.
async fn work(stage: Stage, context: Context, lane: Rc<Lane>) {
    loop {
        let seen = material(&stage);
        let mut pause = None;
        if let Some(object) = stage.object() {
            lane.busy_since.set(Some(clock::millis()));
            if lane.sweep_is_due.take() {
                look_around(&stage, &context).await;
            }
            let outcome = reconcile(&context, &object).await;
            lane.busy_since.set(None);
            let uid = object.metadata.uid.unwrap_or_default();
            let failed_before = context.memory.recall(&uid).failures;
            context.memory.note(&uid, |memory| memory.failures = counted(&outcome, failed_before));
            pause = match outcome {
                Outcome::Failed(failure) => Some(failure.pause(failed_before, 0.5)),
                Outcome::Waiting(pause) | Outcome::Deferred(pause) => Some(pause),
                Outcome::Applied | Outcome::Settled | Outcome::Refused | Outcome::Finished => None,
            };
        }
        lane.sweep_is_due.set(false);
        match pause {
            Some(pause) => lane.sleep(pause).await,
            None => lane.park(&stage, seen).await,
        }
    }
}

/// A sweep, and the look at the table that a change of it causes.
async fn look_around(stage: &Stage, context: &Context) {
    let Some(object) = stage.object() else { return };
    let _ = swept(context, &object).await;
    let table = stage.cluster.table(NAMESPACE).service_accounts;
    let bound = table.values().any(|binding| binding.identity == stage.key.name);
    if settled(object.status.as_ref(), object.metadata.generation) && !bound {
        let uid = object.metadata.uid.unwrap_or_default();
        context.memory.note(&uid, |memory| memory.suspicions += 1);
    }
}

struct Operator {
    lane: Rc<Lane>,
    work: Pin<Box<dyn Future<Output = ()>>>,
}

impl Operator {
    fn start(stage: &Stage) -> Self {
        let lane = Rc::new(Lane::default());
        let context = stage.start(&FaultPlan::none(), Gate::Turns);
        Self { work: Box::pin(work(stage.clone(), context, Rc::clone(&lane))), lane }
    }

    fn go_on(&mut self) {
        let mut context = std::task::Context::from_waker(Waker::noop());
        assert!(self.work.as_mut().poll(&mut context).is_pending(), "an operator never ends");
    }
}

/// Two operators over one stage.
pub struct Scheduler<'a> {
    stage: &'a Stage,
    operators: Vec<Operator>,
    random: Random,
    deeds: std::vec::IntoIter<Deed>,
    next: Option<Deed>,
    kills: bool,
}

impl<'a> Scheduler<'a> {
    /// Starts two operators, and has the deeds of a user before it.
    pub fn new(stage: &'a Stage, deeds: Vec<Deed>, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut deeds = deeds.into_iter();
        let next = deeds.next();
        let operators = vec![Operator::start(stage), Operator::start(stage)];
        Self { stage, operators, kills: random.one_in(2), random, deeds, next }
    }

    /// Runs until nobody has anything left to do and two sweeps changed nothing.
    pub fn run(&mut self) {
        self.until_quiet();
        for _ in 0..10 {
            let before = (self.stage.cloud.writes(), self.stage.cluster.writes());
            for _ in 0..2 {
                clock::advance(Duration::from_mins(10));
                self.operators.iter().for_each(|operator| operator.lane.sweep_is_due.set(true));
                self.until_quiet();
            }
            if (self.stage.cloud.writes(), self.stage.cluster.writes()) == before {
                return;
            }
        }
        panic!("the operators never rest: they undo each other's work");
    }

    fn until_quiet(&mut self) {
        for _ in 0..TURNS {
            if !self.turn() {
                return;
            }
        }
        panic!("no rest after {TURNS} turns: {:#?}", self.stage.object().map(|object| object.status));
    }

    /// One turn; false when there is nothing to do for anybody.
    fn turn(&mut self) -> bool {
        let ready: Vec<usize> =
            (0..self.operators.len()).filter(|at| self.operators[*at].lane.can_go_on(self.stage)).collect();
        let may_act = self.next.as_ref().is_some_and(|deed| (deed.possible)(self.stage));
        if may_act && (ready.is_empty() || self.random.one_in(8)) {
            let deed = std::mem::replace(&mut self.next, self.deeds.next());
            if let Some(deed) = deed {
                (deed.act)(self.stage);
            }
            return true;
        }
        if self.random.one_in(10) {
            let span = Duration::from_millis(self.random.below(4_000) as u64);
            self.let_time_pass(span);
        }
        if ready.is_empty() {
            return self.wait_for_the_next();
        }
        let chosen = ready[self.random.below(ready.len())];
        if self.kills && self.random.one_in(60) {
            self.operators[chosen] = Operator::start(self.stage);
        } else {
            self.operators[chosen].go_on();
        }
        true
    }

    /// Lets time pass, but no reconciliation lasts as long as reads may lag:
    /// that much is assumed of a process that is alive.
    fn let_time_pass(&self, span: Duration) {
        let then = clock::millis() + i64::try_from(span.as_millis()).unwrap();
        let window = i64::try_from(TIMING.consistency_window.as_millis()).unwrap();
        let busy = self.operators.iter().filter_map(|operator| operator.lane.busy_since.get());
        if busy.into_iter().all(|since| then - since < window) {
            clock::advance(span);
        }
    }

    fn wait_for_the_next(&self) -> bool {
        let asleep = self.operators.iter().map(|operator| operator.lane.asleep_until.get());
        match asleep.filter(|until| *until > clock::millis()).min() {
            Some(until) => clock::advance_to(until),
            None => return false,
        }
        true
    }
}
