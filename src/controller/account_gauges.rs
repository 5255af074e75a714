//! The state of all accounts, told when somebody asks.

use std::fmt;

use kube::ResourceExt as _;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::api::v1alpha1::CloudAccount;
use crate::plan::{Reason, Severity};

/// What a gauge says of an account.
type Value = fn(&CloudAccount) -> i64;

/// Tells orphans and drift of each account, from the cache: no series outlives its account.
pub struct AccountGauges(pub Store<CloudAccount>);

impl fmt::Debug for AccountGauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountGauges")
    }
}

impl Collector for AccountGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let accounts = self.0.state();
        let gauges: [(&str, &str, Value); 2] = [
            ("ambit_orphans", "Roles of this installation whose identity is gone", orphans),
            ("ambit_deletion_budget_spent", "1 while roles stay because too many would go at once", budget_spent),
        ];
        let mut items = encoder.encode_descriptor(
            "ambit_account_drift_items",
            "Differences of an account's provider and boundary; critical is access that nobody declared",
            None,
            MetricType::Gauge,
        )?;
        for account in &accounts {
            for severity in Severity::ALL.map(Severity::name) {
                let labels = [("account", account.name_any()), ("severity", severity.to_owned())];
                ConstGauge::new(drift_items(account, severity)).encode(items.encode_family(&labels)?)?;
            }
        }
        for (name, help, value) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for account in &accounts {
                let labels = [("account", account.name_any())];
                ConstGauge::new(value(account)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn drift_items(account: &CloudAccount, severity: &str) -> i64 {
    let drift = account.status.as_ref().and_then(|status| status.drift.as_ref());
    let items = drift.into_iter().flat_map(|drift| &drift.items).filter(|item| item.severity == severity);
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

fn orphans(account: &CloudAccount) -> i64 {
    let found = account.status.as_ref().and_then(|status| status.orphans.as_ref()).and_then(|orphans| orphans.found);
    found.map_or(0, i64::from)
}

fn budget_spent(account: &CloudAccount) -> i64 {
    let mut conditions = account.status.iter().flat_map(|status| &status.conditions);
    let reason = Reason::DeletionBudgetSpent.name();
    i64::from(conditions.any(|condition| condition.type_ == "Swept" && condition.reason == reason))
}

#[cfg(test)]
mod tests {
    use kube::runtime::reflector;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;
    use crate::telemetry::metrics::Metrics;

    #[test]
    fn the_drift_of_an_account_is_told_by_severity() {
        let item = json!({"part": "Provider", "class": "Changed", "severity": "critical",
            "summary": "other thumbprints", "since": "2026-11-22T08:00:00Z"});
        let account: CloudAccount = serde_json::from_value(json!({
            "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": "prod"},
            "spec": {"namespaceSelector": {}},
            "status": {"drift": {"class": "Changed", "since": "2026-11-22T08:00:00Z", "items": [item]}},
        }))
        .unwrap();
        let (store, mut writer) = reflector::store();
        writer.apply_watcher_event(&Event::Apply(account));
        let metrics = Metrics::default();
        metrics.collect(Box::new(AccountGauges(store)));
        let text = metrics.text(true).unwrap();
        for (severity, count) in [("info", 0), ("warning", 0), ("critical", 1)] {
            let line = format!("ambit_account_drift_items{{account=\"prod\",severity=\"{severity}\"}} {count}\n");
            assert!(text.contains(&line), "{line} is not in:\n{text}");
        }
    }
}
