//! What the commands that look at a cluster and a cloud have in common: where
//! the cluster is, how its objects are read, and with whose credentials the
//! cloud is asked. They only read.

mod cloud;
#[cfg(test)]
pub(super) mod fake;
mod installation;
mod kubernetes;
mod objects;

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Exit, tell};
use crate::names::InstallationId;

pub(super) use cloud::{Clouds, Reach, caller_clouds, failed, own_account};
pub(super) use installation::{key, learned, role_names};
pub(super) use kubernetes::connect;
pub(super) use objects::{Objects, Trouble, near};

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Words for people, 100 characters wide
    Table,
    /// JSON for programs
    Json,
}

/// Which cluster, and how long to wait for it and for the cloud.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// The context of the kubeconfig; without it, the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig; without it, what `KUBECONFIG` names, or `~/.kube/config`, or the pod's own
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// How long everything together may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
}

/// Which Ambit, and with whose credentials its cloud is asked.
#[derive(Debug, Clone, Args)]
pub struct Asking {
    /// The installation whose roles they are. Without it, it is learned from the roles that
    /// identities of the cluster have
    #[arg(long, env = "AMBIT_INSTALLATION", value_parser = InstallationId::parse)]
    pub installation: Option<InstallationId>,
    /// Work under the role that `spec.aws.assumeRole` of the `CloudAccount` names, as the operator
    /// does. Without this, the account is asked with your own AWS credentials alone, whatever the
    /// `CloudAccount` says
    #[arg(long)]
    pub assume: bool,
}

/// What the command does at the moment, for who waits in vain.
#[derive(Clone)]
pub struct Stage(Arc<Mutex<String>>);

impl Stage {
    /// Nothing was begun yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new("connecting".to_owned())))
    }

    /// This is done now.
    pub fn enter(&self, what: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what.into();
    }

    fn name(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs a command until it ends or its time is up. Being interrupted ends the process at once:
/// nothing was begun that must be finished.
pub fn run(timeout: Duration, stage: &Stage, work: impl Future<Output = Result<Exit, String>>) -> Result<Exit, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("the runtime cannot start: {error}"))?;
    let outcome = runtime.block_on(async { tokio::time::timeout(timeout, work).await });
    // A plug-in that asks for credentials may still wait for a person.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|_| {
        let limit = kube::core::Duration::from(timeout);
        tell(&format!(
            "ambit: time is up: {} was not done within {limit}; nothing was concluded. Wait longer with `--timeout`",
            crate::names::printable(&stage.name())
        ));
        Ok(Exit::TimedOut)
    })
}

/// A duration such as `30s`, `5m` or `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is not a time to wait: it must look like `30s`, `5m` or `1h30m`");
    let parsed: kube::core::Duration = text.parse().map_err(|_| refused())?;
    let is_none = parsed.is_negative() || Duration::from(parsed).is_zero();
    if is_none { Err(refused()) } else { Ok(Duration::from(parsed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_wait_is_some_time() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "0s", "-1s", "5", "soon"] {
            let words = format!("`{wrong}` is not a time to wait: it must look like `30s`, `5m` or `1h30m`");
            assert_eq!(duration(wrong), Err(words));
        }
    }

    #[test]
    fn a_command_whose_time_is_up_ends_with_four() {
        let never = std::future::pending();
        assert_eq!(run(Duration::from_millis(1), &Stage::new(), never), Ok(Exit::TimedOut));
        assert_eq!(run(Duration::from_mins(1), &Stage::new(), async { Ok(Exit::Wider) }), Ok(Exit::Wider));
    }
}
