//! One active operator at a time: for efficiency, not for safety.
//!
//! Leases do not fence: for a moment two operators may both believe that they
//! lead. Every write is made so that this does no harm.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseCreateMode, LeaseManager, LeaseManagerBuilder};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a lease is good for without renewal, and how much earlier it is renewed.
const LEASE_SECONDS: u64 = 15;
const GRACE_SECONDS: u64 = 5;
/// How long giving the lease back may take.
const RELEASE: Duration = Duration::from_secs(3);

/// Whether this process leads, now and as it changes.
pub struct Lease {
    state: watch::Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
}

impl Lease {
    /// Competes for a lease from now on.
    pub async fn compete(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
    ) -> kube_lease_manager::Result<Self> {
        let manager = LeaseManagerBuilder::new(client, name)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_duration(LEASE_SECONDS)
            .with_grace(GRACE_SECONDS)
            .with_create_mode(LeaseCreateMode::AutoCreate)
            .build()
            .await?;
        let (state, task) = manager.watch().await;
        Ok(Self { state, task })
    }

    /// Whether this process leads.
    pub fn state(&mut self) -> &mut watch::Receiver<bool> {
        &mut self.state
    }

    /// Gives the lease back, so that another replica need not wait for its end.
    pub async fn release(self) {
        drop(self.state);
        let released = tokio::time::timeout(RELEASE, self.task).await;
        if !matches!(released, Ok(Ok(Ok(_)))) {
            tracing::warn!("the lease was not given back; it ends by itself");
        }
    }
}
