//! What a bed shall consist of.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The choices of whoever starts a bed. [`BedOptions::default`] is the whole of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each says whether one independent part is there")]
pub struct BedOptions {
    /// The bed's folder; a new temporary one where absent.
    pub dir: Option<PathBuf>,
    /// The project's folder; searched where absent.
    pub root: Option<PathBuf>,
    /// kube-controller-manager.
    pub controllers: bool,
    /// The cloud endpoint and the proxy before it.
    pub cloud: bool,
    /// The chart's objects and the `CloudAccount` named `bed`.
    pub chart: bool,
    /// The operator, which needs all of the above.
    pub operator: bool,
    /// The operator's binary; `AMBIT_BIN` or the debug build where absent.
    pub operator_bin: Option<PathBuf>,
    /// `sweepInterval` of the account.
    pub sweep_interval: String,
    /// A queue into which the cloud puts what is done to its roles, named in the account.
    pub events: bool,
    /// A cluster of EKS in the cloud, whose pods get their roles by EKS Pod Identity, as the
    /// account says.
    #[serde(default)]
    pub pod_identity: bool,
    /// Whether the account lets identities have access keys.
    #[serde(default)]
    pub access_keys: bool,
    /// `requestsPerSecond` of the account.
    pub requests_per_second: u32,
    /// How often the operator looks at a settled identity again.
    pub resync_interval: String,
    /// How long the operator lets the cloud become consistent.
    pub consistency_window: String,
    /// Which log lines the operator writes, as its `--log` has it; its own choice where absent.
    pub log: Option<String>,
    /// Added to every call to the cloud.
    #[serde(with = "millis")]
    pub latency: Duration,
    /// More values for the chart, each `name=value`.
    pub chart_values: Vec<String>,
}

impl Default for BedOptions {
    fn default() -> Self {
        Self {
            dir: None,
            root: None,
            controllers: true,
            cloud: true,
            chart: true,
            operator: true,
            operator_bin: None,
            sweep_interval: "5s".to_owned(),
            events: false,
            pod_identity: false,
            access_keys: false,
            requests_per_second: 500,
            resync_interval: "30s".to_owned(),
            consistency_window: "1s".to_owned(),
            log: None,
            latency: Duration::ZERO,
            chart_values: Vec::new(),
        }
    }
}

impl BedOptions {
    /// The API server alone, for tests of what it does with an object. No
    /// controller makes service accounts there.
    #[must_use]
    pub fn api_only() -> Self {
        Self { controllers: false, cloud: false, chart: false, operator: false, ..Self::default() }
    }

    /// Everything but the operator.
    #[must_use]
    pub fn no_operator() -> Self {
        Self { operator: false, ..Self::default() }
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// Reads a short time such as `30ms` or `5s`.
pub fn short_time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` must be a whole number with the unit `ms`, `s` or `m`, as in `30ms`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_need_a_unit() {
        assert_eq!(short_time("30ms"), Ok(Duration::from_millis(30)));
        assert_eq!(short_time("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(short_time("2m"), Ok(Duration::from_mins(2)));
        for wrong in ["30", "ms", "", "1.5s", "3h"] {
            assert_eq!(
                short_time(wrong).unwrap_err(),
                format!("`{wrong}` must be a whole number with the unit `ms`, `s` or `m`, as in `30ms`")
            );
        }
    }
}
