//! The state of all identities, counted when somebody asks.

use std::collections::BTreeMap;
use std::fmt;

use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::api::v1alpha1::{MachineIdentity, MachineIdentityStatus};
use crate::plan::Severity;

/// Counts identities by the status and reason of their `Ready` condition.
///
/// Counted from the cache at each scrape, so that no series outlives what it
/// tells of; and by reason rather than by name, so that their number is bounded.
pub struct Identities(pub Store<MachineIdentity>);

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identities")
    }
}

impl Collector for Identities {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut drift = Severity::ALL.map(|severity| (severity.name(), 0_i64));
        for identity in self.0.state() {
            let status = identity.status.as_ref();
            let ready = status.and_then(|status| status.conditions.iter().find(|c| c.type_ == "Ready"));
            let key =
                ready.map_or_else(|| ("Unknown".into(), "Pending".into()), |c| (c.status.clone(), c.reason.clone()));
            *counts.entry(key).or_default() += 1;
            for severity in status.into_iter().flat_map(severities) {
                drift.iter_mut().filter(|(name, _)| *name == severity).for_each(|(_, count)| *count += 1);
            }
        }
        let mut family = encoder.encode_descriptor(
            "ambit_identities",
            "Identities by their Ready condition",
            None,
            MetricType::Gauge,
        )?;
        for ((status, reason), count) in counts {
            let labels = [("status", status), ("reason", reason)];
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        let mut items = encoder.encode_descriptor(
            "ambit_drift_items",
            "Differences between declared and live; critical is access that nobody declared",
            None,
            MetricType::Gauge,
        )?;
        // Each is there even when there is none: an alert must not wait for the first.
        for (severity, count) in drift {
            ConstGauge::new(count).encode(items.encode_family(&[("severity", severity)])?)?;
        }
        Ok(())
    }
}

/// The severity of each difference of an identity. Those that status only counts
/// are at most as grave as the last that it lists.
fn severities(status: &MachineIdentityStatus) -> Vec<&str> {
    let listed: Vec<&str> =
        status.drift.iter().flat_map(|drift| &drift.items).map(|item| item.severity.as_str()).collect();
    let all = status.drift_count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let Some(last) = listed.last().copied() else { return Vec::new() };
    let more = all.saturating_sub(listed.len());
    listed.into_iter().chain(std::iter::repeat_n(last, more)).collect()
}
