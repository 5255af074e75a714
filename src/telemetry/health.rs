//! Whether the process lives, and whether it is fit for work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The state that the probes answer from.
#[derive(Debug, Clone, Default)]
pub struct Health {
    synced: Arc<AtomicBool>,
    leading: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
}

impl Health {
    /// The API server answered, and this process waits or works.
    pub fn set_synced(&self) {
        self.synced.store(true, Ordering::Relaxed);
    }

    /// This process leads, or does not.
    pub fn set_leading(&self, leading: bool) {
        self.leading.store(leading, Ordering::Relaxed);
    }

    /// The process was asked to stop.
    pub fn set_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether this process leads.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.leading.load(Ordering::Relaxed)
    }

    /// Ready: the API server knows Ambit's kinds and answered once. A standby
    /// replica is ready too, or a rolling update would wait for it for ever.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.synced.load(Ordering::Relaxed) && !self.stopping.load(Ordering::Relaxed)
    }
}
