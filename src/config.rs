//! Settings of a running operator, read once from arguments and environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use crate::names::InstallationId;

/// How `ambit run` runs.
#[derive(Debug, Clone, Args)]
pub struct RunConfig {
    /// The name of this Ambit in role paths and ownership tags: 1 to 20
    /// characters of a-z, 0-9 and -. Two clusters must never share one, and it
    /// must never change
    #[arg(long, env = "AMBIT_INSTALLATION", value_parser = InstallationId::parse)]
    pub installation: InstallationId,
    /// Where probes and metrics are served
    #[arg(long, env = "AMBIT_HTTP_ADDRESS", default_value = "0.0.0.0:8080")]
    pub http_address: SocketAddr,
    /// The namespace of the lease that decides which replica is active
    #[arg(long, env = "AMBIT_LEASE_NAMESPACE", default_value = "ambit-system")]
    pub lease_namespace: String,
    /// The name of that lease
    #[arg(long, env = "AMBIT_LEASE_NAME", default_value = "ambit")]
    pub lease_name: String,
    /// The name of this process in the lease and in events. Default: a random one
    #[arg(long, env = "POD_NAME")]
    pub instance: Option<String>,
    /// How often each identity is looked at in full, beside the sweeps of its account
    #[arg(long, env = "AMBIT_RESYNC_INTERVAL", default_value = "6h", value_parser = duration)]
    pub resync_interval: Duration,
    /// How long reads at the cloud may lag behind writes: the pause between two
    /// looks before something counts as gone
    #[arg(long, env = "AMBIT_CONSISTENCY_WINDOW", default_value = "15s", value_parser = duration)]
    pub consistency_window: Duration,
    /// How many identities are reconciled at once
    #[arg(long, env = "AMBIT_CONCURRENCY", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// Whether the cluster has Ambit's own injection, which gives pods their credentials. The chart
    /// sets it: without it, identities that need it say so and are not ready
    #[arg(long, env = "AMBIT_INJECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub injection: bool,
    /// Which log lines are written, as `RUST_LOG` has it
    #[arg(long, env = "AMBIT_LOG", default_value = "info,kube=warn")]
    pub log: String,
}

/// A duration such as `30s`, `5m` or `1h30m`, of at least a tenth of a second.
fn duration(text: &str) -> Result<Duration, String> {
    let refused =
        || format!("`{text}` is not a duration: it must look like `30s`, `5m` or `1h30m`, and be at least 100ms");
    let parsed: kube::core::Duration = text.parse().map_err(|_| refused())?;
    if parsed.is_negative() {
        return Err(refused());
    }
    let parsed = Duration::from(parsed);
    if parsed < Duration::from_millis(100) { Err(refused()) } else { Ok(parsed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_kubernetes_writes_them() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["", "5", "0s", "-5s", "soon"] {
            assert_eq!(
                duration(wrong).unwrap_err(),
                format!("`{wrong}` is not a duration: it must look like `30s`, `5m` or `1h30m`, and be at least 100ms")
            );
        }
    }
}
