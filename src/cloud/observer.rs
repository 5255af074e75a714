//! Watching the calls to a cloud, for metrics.

use std::time::Duration;

/// Told of every call that went out to a cloud, once it is over.
///
/// Each call goes out once: the adapters never retry by themselves.
pub trait CallObserver: Send + Sync {
    /// One call is over. `code` is `OK`, the cloud's own error code, or the kind
    /// of the failure where no answer came.
    fn observed(&self, service: &'static str, operation: &'static str, code: &str, elapsed: Duration);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl CallObserver for Unobserved {
    fn observed(&self, _: &'static str, _: &'static str, _: &str, _: Duration) {}
}
