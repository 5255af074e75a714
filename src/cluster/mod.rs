//! Everything that is said to the API server, behind one port.
//!
//! Imports `api`, `domain` and `names`. No decision is made here, and nothing
//! here knows a cloud.

mod error;
mod events;
mod kubernetes;
mod memory;
mod memory_accounts;
mod memory_secrets;
mod pods;
mod port;
mod secrets;
mod service_accounts;
mod tables;

pub use error::{ClusterError, ClusterErrorKind};
pub use events::{Announcement, Recorder};
pub use kubernetes::KubernetesCluster;
pub use memory::MemoryCluster;
pub use memory_secrets::MemorySecret;
pub use port::{AccountReporter, BindingEntry, Cluster, Incarnation, ServiceAccountSeen, Sign, Way};
