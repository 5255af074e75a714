//! The test bed of Ambit: a real API server, an endpoint that enforces IAM, a
//! proxy that counts between them, a stand-in for the kubelet, and the
//! operator under its own account and its own cloud user.
//!
//! Tests and benchmarks use [`Bed`]; a person uses the program `bed`. Both
//! drive the same parts. A [`Bed`] that a test started ends with the test,
//! however the test ends.

mod audit;
mod bed;
pub mod cli;
mod cloud;
mod error;
mod http;
mod issuers;
mod kube;
mod kubelet;
mod layout;
mod options;
mod parts;
mod pki;
mod ports;
mod process;
pub mod proxy;
mod reaper;
mod run;
mod state;
mod wait;

pub use bed::Bed;
pub use cloud::{
    ACCOUNT_ID, BOUNDARY_NAME, CLUSTER_NAME, OPERATOR_USER, REGION, ROOT_KEY, boundary_arn, cluster_arn, queue_url,
};
pub use error::{BedError, Result, chain};
pub use issuers::{CIRCLECI_ORGANIZATION, ISSUERS, Issuer};
pub use kube::{ACCOUNT_NAME, AUDIENCE, NAMESPACE_LABEL};
pub use kubelet::{PodName, PodRun};
pub use layout::{Layout, Project};
pub use options::{BedOptions, short_time};
pub use parts::{INSTALLATION, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE, Part};
pub use ports::Ports;
pub use process::ProcessId;
pub use proxy::{Counts, Fault, FaultKind};
pub use state::{AccessKey, State};
