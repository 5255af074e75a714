//! The state of all identities, counted when somebody asks.

use std::collections::BTreeMap;
use std::fmt;

use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::api::v1alpha1::MachineIdentity;

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
        let mut drift = 0;
        for identity in self.0.state() {
            let status = identity.status.as_ref();
            let ready = status.and_then(|status| status.conditions.iter().find(|c| c.type_ == "Ready"));
            let key =
                ready.map_or_else(|| ("Unknown".into(), "Pending".into()), |c| (c.status.clone(), c.reason.clone()));
            *counts.entry(key).or_default() += 1;
            drift += status.and_then(|status| status.drift_count).map_or(0, i64::from);
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
        let items = encoder.encode_descriptor(
            "ambit_drift_items",
            "Differences between declared and live",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(drift).encode(items)
    }
}
