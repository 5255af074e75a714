//! Reconciling an account: check what all its identities rely on, sweep, look
//! after orphans, report.
//!
//! Checks cost calls and find little, so they go with few sweeps: at the start,
//! when the spec changes, when something says that provider or boundary were
//! changed, after anything that was not in order, and otherwise once an hour.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::account_check::{self, Checked};
use super::account_memory::{AccountMemory, Known};
use super::account_repair::repaired;
use super::account_report::report;
use super::accounts::{Account, Accounts, Connect};
use super::leftovers;
use super::orphans;
use super::outcome::{Failure, Outcome};
use super::stop::cloud_verdict;
use super::sweep::Report;
use crate::api::v1alpha1::{CloudAccount, MachineIdentity};
use crate::cloud::{CloudError, ErrorKind};
use crate::cluster::{AccountReporter, Cluster};
use crate::domain::Listed;
use crate::names::{IdentityKey, InstallationId};
use crate::plan::orphan::{Owned, orphans as orphans_among};
use crate::plan::{AccountFindings, Neighbours, Reason, Standing, SweepCounts, Verdict, neighbours, tally};

/// How often an account that is in order is checked.
const CHECKED_EVERY: Duration = Duration::from_hours(1);

/// What reconciling an account has at hand.
pub struct AccountContext {
    /// This installation.
    pub installation: InstallationId,
    /// Where accounts are put in use.
    pub accounts: Arc<Accounts>,
    /// Makes clouds.
    pub connect: Arc<dyn Connect>,
    /// Writes the status.
    pub reporter: Arc<dyn AccountReporter>,
    /// Tells whether an identity is really gone.
    pub cluster: Arc<dyn Cluster>,
    /// How long reads at the cloud may lag behind writes.
    pub consistency_window: Duration,
    /// What is remembered.
    pub memory: AccountMemory,
    /// The time now.
    pub clock: fn() -> Timestamp,
    /// Time that passed since some moment, and that nobody can set.
    pub steady: fn() -> Duration,
    /// A number in 0..1 that differs from call to call.
    pub spread: fn() -> f64,
}

/// What a sweep found beside what it told the identities.
#[derive(Debug, Clone)]
pub struct SweepReport {
    /// When it began.
    pub began: Timestamp,
    /// What it counted. Orphans are counted from `orphans`.
    pub counts: SweepCounts,
    /// The roles of this installation whose identity is gone; absent while not all
    /// identities are known.
    pub orphans: Option<Vec<Owned>>,
    /// The associations of the cluster that no identity of the account asks for; absent as well.
    pub associations: Option<Vec<Listed>>,
}

impl SweepReport {
    /// What a sweep told. `exists` says whether there is an identity of a name;
    /// absent while not all of them are known.
    #[must_use]
    pub fn of(report: &Report, installation: &InstallationId, exists: Option<impl Fn(&IdentityKey) -> bool>) -> Self {
        let counts = SweepCounts {
            pages: report.pages,
            calls: report.calls,
            roles: report.roles,
            ours: report.ours,
            suspects: report.suspects.len(),
            orphans: 0,
        };
        let owned = || report.strangers.iter().filter_map(|swept| Owned::of(swept, installation)).collect();
        let associations = exists.is_some().then(|| report.associations.clone());
        let orphans = exists.map(|exists| orphans_among(owned(), exists));
        Self { began: report.began, counts, orphans, associations }
    }
}

/// Without events what was changed by hand is found by the next sweep: later, and all the same.
fn without_events(ready: Verdict, error: &CloudError) -> Verdict {
    if ready.standing != Standing::Good {
        return ready;
    }
    let message = format!(
        "{}; but its events cannot be received, so what is changed by hand is found by sweeps only: {error}; {}",
        ready.message,
        hearing_again(error.kind)
    );
    // A provider that is changed is the graver of the two.
    let reason = if ready.reason == Reason::ProviderChanged { ready.reason } else { Reason::EventsUnavailable };
    Verdict::good(reason, message)
}

/// What to do about events that are not received.
fn hearing_again(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "make the queue, or correct `spec.events.aws.queueUrl`",
        ErrorKind::Denied => "compare Ambit's own policy with `ambit account policy`, and look at the queue's policy",
        ErrorKind::Invalid | ErrorKind::LimitExceeded => "correct `spec.events.aws.queueUrl`",
        ErrorKind::Conflict | ErrorKind::Throttled | ErrorKind::Transient => "it is tried again",
    }
}

/// The identities of an account, as its reconciliation sees them.
#[async_trait]
pub trait Fleet: Send + Sync {
    /// Those that the cache has.
    fn identities_of(&self, account: &str) -> Vec<Arc<MachineIdentity>>;

    /// All `CloudAccount`s. An account is not reconciled before all were listed.
    fn accounts(&self) -> Vec<Arc<CloudAccount>>;

    /// Has them looked at.
    async fn wake(&self, identities: Vec<Arc<MachineIdentity>>);

    /// Reads the whole account, and wakes the identities that differ.
    async fn sweep(&self, name: &str, account: &Account) -> Result<SweepReport, CloudError>;
}

impl AccountContext {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// What others share with an account; absent while that is not known.
    #[must_use]
    pub fn neighbours(&self, fleet: &dyn Fleet, account: &CloudAccount) -> Option<Neighbours> {
        neighbours(account, &fleet.accounts(), &self.installation)
    }

    /// A moment about so far ahead: a tenth sooner or later, so that accounts and
    /// replicas do not come together.
    fn about(&self, span: Duration) -> Timestamp {
        let span = span.mul_f64(0.9 + 0.2 * (self.spread)());
        self.now().checked_add(span).unwrap_or(Timestamp::MAX)
    }
}

/// Looks after an account: checks and sweeps as they are due, and reports.
pub async fn reconcile(context: &AccountContext, fleet: &dyn Fleet, account: &CloudAccount) -> Outcome {
    let checked = checked(context, fleet, account).await; // I/O, when due
    let mut findings = checked.findings.clone();
    let outcome = match &checked {
        Checked { failed: Some(kind), .. } => Outcome::Failed(Failure::Cloud(*kind)),
        Checked { usable: true, .. } => swept(context, fleet, account, &mut findings).await, // I/O, when due
        _ => Outcome::Refused,
    };
    if !checked.usable {
        findings.swept = Some(unswept(&findings.ready));
    }
    if let Some(error) = context.accounts.events_failure(&account.name_any()) {
        findings.ready = without_events(findings.ready, &error);
    }
    match report(context, account, findings).await {
        Ok(()) => sooner(context, account, outcome),
        Err(failure) => failure,
    }
}

/// The pause until whatever is due first, a sweep or a check.
fn sooner(context: &AccountContext, account: &CloudAccount, outcome: Outcome) -> Outcome {
    let next_check = context.memory.recall(&account.uid().unwrap_or_default()).next_check;
    match (outcome, next_check) {
        (Outcome::Waiting(pause), Some(due)) => Outcome::Waiting(pause.min(until(due, context.now()))),
        (outcome, _) => outcome,
    }
}

/// What the last check found, after making one if it is due.
async fn checked(context: &AccountContext, fleet: &dyn Fleet, account: &CloudAccount) -> Checked {
    let uid = account.uid().unwrap_or_default();
    let known = context.memory.recall(&uid);
    let name = account.name_any();
    let is_suspected = context.accounts.take_suspicion(&name);
    let is_due = is_suspected || check_is_due(context, account, &known);
    if let Some(checked) = known.checked.clone().filter(|_| !is_due) {
        return checked;
    }
    let before = context.accounts.find(&name);
    let mut checked = account_check::check(context, fleet, account, &known).await;
    if !checked.repairs.is_empty() {
        checked = repaired(context, fleet, account, checked).await;
    }
    // What was heard of may be so young that the cloud does not show it yet.
    let pause = if is_suspected { context.consistency_window } else { CHECKED_EVERY };
    let next = checked.sound.then(|| context.about(pause));
    if is_suspected && checked.failed.is_some() {
        // Nothing was looked at: it is still to be looked at twice.
        context.accounts.suspect(&name);
    }
    context.memory.note(&uid, |known| {
        known.checked = Some(checked.clone());
        known.next_check = next;
    });
    if changed(before.as_ref(), context.accounts.find(&name).as_ref()) {
        fleet.wake(fleet.identities_of(&name)).await;
    }
    checked
}

fn check_is_due(context: &AccountContext, account: &CloudAccount, known: &Known) -> bool {
    let name = account.name_any();
    let used = context.accounts.find(&name);
    used.is_none_or(|used| used.generation != account.metadata.generation)
        || known.next_check.is_none_or(|due| due <= context.now())
}

fn changed(before: Option<&Account>, after: Option<&Account>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            before.generation != after.generation
                || before.settings != after.settings
                || before.trouble != after.trouble
        }
        (before, after) => before.is_some() != after.is_some(),
    }
}

/// Sweeps, if a sweep is due. Ends with the time to the next one.
async fn swept(
    context: &AccountContext,
    fleet: &dyn Fleet,
    account: &CloudAccount,
    findings: &mut AccountFindings,
) -> Outcome {
    let (name, uid) = (account.name_any(), account.uid().unwrap_or_default());
    let known = context.memory.recall(&uid);
    let now = context.now();
    // One that is farther off than the interval allows was noted under a longer one.
    let farthest = now.checked_add(interval(account).mul_f64(1.2)).unwrap_or(Timestamp::MAX);
    if let Some(due) = known.next_sweep.filter(|due| *due > now && *due <= farthest) {
        return Outcome::Waiting(until(due, now));
    }
    let Some(used) = context.accounts.find(&name) else { return Outcome::Waiting(context.consistency_window) };
    match fleet.sweep(&name, &used).await {
        Ok(swept) => {
            let next = context.about(interval(account));
            context.memory.note(&uid, |known| known.next_sweep = Some(next));
            look_over(context, fleet, account, &used, swept, findings).await;
            Outcome::Waiting(until(next, context.now()))
        }
        Err(error) => {
            // What was found in order may be the cause, unless the cloud only wants to be asked later.
            if !error.kind.is_passing() {
                context.memory.note(&uid, |known| known.next_check = None);
            }
            findings.swept = Some(failed(&error));
            Outcome::Failed(Failure::Cloud(error.kind))
        }
    }
}

/// What a complete sweep says of the account.
async fn look_over(
    context: &AccountContext,
    fleet: &dyn Fleet,
    account: &CloudAccount,
    used: &Account,
    mut swept: SweepReport,
    findings: &mut AccountFindings,
) {
    let orphans = swept.orphans.as_ref().map(Vec::len);
    let told = context.memory.recall(&account.uid().unwrap_or_default()).status;
    let before = told.and_then(|status| status.last_sweep).map_or(0, |sweep| sweep.orphans);
    findings.sweep = Some(SweepCounts {
        orphans: orphans.unwrap_or_else(|| usize::try_from(before).unwrap_or_default()),
        ..swept.counts
    });
    let associations = swept.associations.take();
    findings.swept = Some(orphans::look_after(context, fleet, account, used, swept).await);
    if let Some(associations) = associations.filter(|associations| !associations.is_empty()) {
        leftovers::look_after(context, fleet, account, used, associations).await;
    }
    findings.identities = Some(tally(&fleet.identities_of(&account.name_any())));
}

/// Without sweeps nobody finds what was changed by hand: that is told apart from
/// `Ready`, because identities can still be made.
fn failed(error: &CloudError) -> Verdict {
    tracing::warn!(error.type = error.kind.name(), %error, "a sweep did not reach its end");
    let verdict = cloud_verdict(error);
    let message = format!("the account cannot be swept, so drift is found only by full looks: {}", verdict.message);
    Verdict { message, ..verdict }
}

/// While the account is not in order nobody sweeps it.
fn unswept(ready: &Verdict) -> Verdict {
    Verdict::new(
        ready.reason,
        ready.standing,
        format!("the account is not swept while it is not in order: {}", ready.message),
    )
}

/// The pause between two sweeps of the account.
#[must_use]
pub fn interval(account: &CloudAccount) -> Duration {
    Duration::from(account.spec.sweep_interval).max(Duration::from_secs(1))
}

fn until(due: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or_default().max(Duration::from_millis(100))
}
