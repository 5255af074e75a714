//! Metrics. What is counted is counted here; what is a state is computed from
//! the caches when it is asked for, so that nothing outlives its object.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::cloud::CallObserver;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    provider: &'static str,
    service: &'static str,
    operation: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    provider: &'static str,
    service: &'static str,
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    controller: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    controller: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccountLabels {
    account: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    account: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

/// What may come of a message of an account's queue.
pub const EVENT_RESULTS: [&str; 7] = ["woken", "account", "duplicate", "late", "ours", "foreign", "malformed"];

type Seconds = Gauge<f64, std::sync::atomic::AtomicU64>;

/// What one complete sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepFigures {
    /// The pages that were read.
    pub pages: usize,
    /// All principals of the account.
    pub roles: usize,
    /// Those of this installation.
    pub ours: usize,
    /// The identities that were found different.
    pub suspects: usize,
}

/// What is measured of sweeps, by account.
#[derive(Clone, Default)]
struct Sweeps {
    complete: Family<AccountLabels, Counter>,
    broken: Family<AccountLabels, Counter>,
    pages: Family<AccountLabels, Counter>,
    suspects: Family<AccountLabels, Counter>,
    seconds: Family<AccountLabels, Seconds>,
    ended: Family<AccountLabels, Seconds>,
    roles: Family<AccountLabels, Gauge>,
    ours: Family<AccountLabels, Gauge>,
}

impl Sweeps {
    fn register(&self, ambit: &mut Registry) {
        ambit.register("sweeps", "Complete sweeps of an account", self.complete.clone());
        ambit.register("sweeps_broken", "Sweeps of an account that were broken off", self.broken.clone());
        ambit.register("sweep_pages", "Pages that sweeps read, each with one call", self.pages.clone());
        ambit.register("sweep_suspects", "Identities that a sweep found different", self.suspects.clone());
        ambit.register("sweep_duration_seconds", "Time that the last sweep took", self.seconds.clone());
        let ended = "When the last complete sweep ended, in seconds since 1970";
        ambit.register("sweep_last_success_timestamp_seconds", ended, self.ended.clone());
        ambit.register("sweep_roles", "Roles of the account in the last sweep", self.roles.clone());
        ambit.register("sweep_roles_ours", "Roles of this installation in the last sweep", self.ours.clone());
    }

    fn forget(&self, labels: &AccountLabels) {
        for counters in [&self.complete, &self.broken, &self.pages, &self.suspects] {
            counters.remove(labels);
        }
        for times in [&self.seconds, &self.ended] {
            times.remove(labels);
        }
        for gauges in [&self.roles, &self.ours] {
            gauges.remove(labels);
        }
    }
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All metrics of the process. A clone is the same set.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Histograms<ServiceLabels>,
    reconciles: Family<ReconcileLabels, Counter>,
    reconcile_seconds: Histograms<ControllerLabels>,
    sweeps: Sweeps,
    events: Family<EventLabels, Counter>,
    renewals: Family<OutcomeLabels, Counter>,
    undecodable: Family<KindLabels, Counter>,
    leader: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            reconciles: Family::default(),
            reconcile_seconds: Family::new_with_constructor(seconds),
            sweeps: Sweeps::default(),
            events: Family::default(),
            renewals: Family::default(),
            undecodable: Family::default(),
            leader: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let ambit = registry.sub_registry_with_prefix("ambit");
        ambit.register("cloud_requests", "Calls to a cloud, by how they ended", self.calls.clone());
        ambit.register("cloud_request_duration_seconds", "Time that calls to a cloud took", self.call_seconds.clone());
        ambit.register("reconcile", "Reconciliations, by how they ended", self.reconciles.clone());
        ambit.register("reconcile_duration_seconds", "Time that reconciliations took", self.reconcile_seconds.clone());
        self.sweeps.register(ambit);
        ambit.register("events", "Messages of an account's queue, by what came of them", self.events.clone());
        let renewals =
            "Credentials written into Secrets: issued, renewed, or not, because that failed or the place is taken";
        ambit.register("credential_renewals", renewals, self.renewals.clone());
        ambit.register(
            "undecodable_objects",
            "Objects that could not be decoded and were left out",
            self.undecodable.clone(),
        );
        ambit.register("leader", "1 while this process leads", self.leader.clone());
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        ambit.register("build", "What is running", build);
    }

    /// Adds a collector that is asked at each scrape.
    pub fn collect(&self, collector: Box<dyn Collector>) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(collector);
    }

    /// The exposition.
    pub fn text(&self, leading: bool) -> Result<String, std::fmt::Error> {
        self.leader.set(i64::from(leading));
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }

    /// One reconciliation is over.
    pub fn reconciled(&self, controller: &'static str, result: &'static str, elapsed: Duration) {
        self.reconciles.get_or_create(&ReconcileLabels { controller, result }).inc();
        self.reconcile_seconds.get_or_create(&ControllerLabels { controller }).observe(elapsed.as_secs_f64());
    }

    /// Credentials were written into a Secret, or should have been.
    pub fn credentials(&self, outcome: &'static str) {
        self.renewals.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// An object could not be decoded.
    pub fn undecodable(&self, kind: &str) {
        self.undecodable.get_or_create(&KindLabels { kind: kind.to_owned() }).inc();
    }

    /// One sweep reached its end.
    pub fn swept(&self, account: &str, elapsed: Duration, figures: SweepFigures) {
        let labels = AccountLabels { account: account.to_owned() };
        let sweeps = &self.sweeps;
        sweeps.complete.get_or_create(&labels).inc();
        sweeps.seconds.get_or_create(&labels).set(elapsed.as_secs_f64());
        sweeps.pages.get_or_create(&labels).inc_by(figures.pages as u64);
        sweeps.suspects.get_or_create(&labels).inc_by(figures.suspects as u64);
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        sweeps.roles.get_or_create(&labels).set(gauge(figures.roles));
        sweeps.ours.get_or_create(&labels).set(gauge(figures.ours));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        sweeps.ended.get_or_create(&labels).set(now.as_secs_f64());
    }

    /// One sweep was broken off.
    pub fn sweep_broken(&self, account: &str) {
        self.sweeps.broken.get_or_create(&AccountLabels { account: account.to_owned() }).inc();
    }

    /// A message of an account's queue was taken in.
    pub fn heard(&self, account: &str, result: &'static str) {
        self.events.get_or_create(&EventLabels { account: account.to_owned(), result }).inc();
    }

    /// An account is gone: its series go with it.
    pub fn forget_account(&self, account: &str) {
        self.sweeps.forget(&AccountLabels { account: account.to_owned() });
        for result in EVENT_RESULTS {
            self.events.remove(&EventLabels { account: account.to_owned(), result });
        }
    }
}

impl CallObserver for Metrics {
    fn observed(&self, service: &'static str, operation: &'static str, code: &str, elapsed: Duration) {
        let provider = "aws";
        let labels = CallLabels { provider, service, operation, code: code.to_owned() };
        self.calls.get_or_create(&labels).inc();
        let labels = ServiceLabels { provider, service, operation };
        self.call_seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_gone_leaves_no_series() {
        let metrics = Metrics::default();
        for result in EVENT_RESULTS {
            metrics.heard("prod", result);
        }
        metrics.heard("test", "woken");
        let count = |account| metrics.text(true).unwrap().matches(&format!("account=\"{account}\"")).count();
        assert_eq!((count("prod"), count("test")), (7, 1));
        metrics.forget_account("prod");
        assert_eq!((count("prod"), count("test")), (0, 1));
    }

    #[test]
    fn counts_calls_by_service_operation_and_code() {
        let metrics = Metrics::default();
        metrics.observed("iam", "GetRole", "NoSuchEntity", Duration::from_millis(3));
        metrics.reconciled("identity", "applied", Duration::from_millis(8));
        let text = metrics.text(true).unwrap();
        for line in [
            r#"ambit_cloud_requests_total{provider="aws",service="iam",operation="GetRole",code="NoSuchEntity"} 1"#,
            r#"ambit_reconcile_total{controller="identity",result="applied"} 1"#,
            "ambit_leader 1",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
