//! What every reconciliation of an identity has at hand.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::accounts::Accounts;
use super::memory::Memory;
use super::sweep::Sweeps;
use crate::api::v1alpha1::MachineIdentity;
use crate::cluster::Cluster;
use crate::names::{IdentityKey, InstallationId};
use crate::plan::Grounds;
use crate::policy::Catalogue;
use crate::telemetry::metrics::Metrics;

/// The caches that a declaration is judged by.
pub trait World: Send + Sync {
    /// What an identity is judged by beside its own text. `None` while its
    /// namespace is not known.
    fn grounds<'a>(
        &self,
        key: &IdentityKey,
        identity: &MachineIdentity,
        installation: &'a InstallationId,
    ) -> Option<Grounds<'a>>;

    /// A number that differs whenever what identities are judged by may have changed.
    fn revision(&self) -> u64;
}

/// The times that a running operator keeps.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How often each identity is looked at in full, beside the sweeps.
    pub resync: Duration,
    /// How long reads at the cloud may lag behind writes.
    pub consistency_window: Duration,
}

/// What every reconciliation has at hand.
pub struct Context {
    /// This installation.
    pub installation: InstallationId,
    /// The API server.
    pub cluster: Arc<dyn Cluster>,
    /// The accounts and their clouds.
    pub accounts: Arc<Accounts>,
    /// The caches.
    pub world: Arc<dyn World>,
    /// What is remembered.
    pub memory: Memory,
    /// The sweeps that are under way.
    pub sweeps: Sweeps,
    /// The times to keep.
    pub timing: Timing,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether Ambit's own policies give pods their credentials in this cluster.
    pub injects: bool,
    /// What AWS knows.
    pub catalogue: &'static Catalogue,
    /// The time now.
    pub clock: fn() -> Timestamp,
    /// Time that nobody can set.
    pub steady: fn() -> Duration,
    /// A number in 0..1 that differs from call to call, to spread retries.
    pub spread: fn() -> f64,
}

impl Context {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A time span, shortened by up to a tenth.
    #[must_use]
    pub fn spread_out(&self, span: Duration) -> Duration {
        span.mul_f64(1.0 - 0.1 * (self.spread)())
    }
}
