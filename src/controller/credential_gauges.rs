//! The state of credentials in Secrets, counted when somebody asks.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::api::v1alpha1::MachineIdentity;
use crate::plan::Issued;

/// The states of credentials, from good to useless.
const STATES: [&str; 4] = ["fresh", "due", "overdue", "expired"];

/// Counts credentials in Secrets by account and state, from the cache: no series outlives what
/// it tells of, and none is about a single identity.
pub struct CredentialGauges {
    /// The identities.
    pub identities: Store<MachineIdentity>,
    /// The time now.
    pub clock: fn() -> Timestamp,
}

impl fmt::Debug for CredentialGauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialGauges")
    }
}

/// What is told of the credentials of one account.
#[derive(Debug, Default)]
struct Told {
    counts: [i64; 4],
    soonest: Option<Timestamp>,
}

/// The state of credentials, as a place in [`STATES`].
fn state(issued: &Issued, now: Timestamp) -> usize {
    let reached = [issued.next, issued.overdue_from(), issued.expires].map(|moment| moment <= now);
    reached.iter().rposition(|is_reached| *is_reached).map_or(0, |last| last + 1)
}

impl CredentialGauges {
    fn told(&self, now: Timestamp) -> BTreeMap<String, Told> {
        let mut accounts: BTreeMap<String, Told> = BTreeMap::new();
        for identity in self.identities.state() {
            let status = identity.status.as_ref().and_then(|status| status.credentials.as_ref());
            let Some(issued) = status.and_then(Issued::read) else { continue };
            let told = accounts.entry(identity.spec.account_ref.name.clone()).or_default();
            if let Some(count) = told.counts.get_mut(state(&issued, now)) {
                *count += 1;
            }
            told.soonest = Some(told.soonest.map_or(issued.expires, |soonest| soonest.min(issued.expires)));
        }
        accounts
    }
}

impl Collector for CredentialGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = (self.clock)();
        let accounts = self.told(now);
        let mut expiring = encoder.encode_descriptor(
            "ambit_credentials_expiring",
            "Credentials in Secrets; due ones should be renewed now, overdue ones were not in time",
            None,
            MetricType::Gauge,
        )?;
        for (account, told) in &accounts {
            for (state, count) in STATES.into_iter().zip(told.counts) {
                let labels = [("account", account.as_str()), ("state", state)];
                ConstGauge::new(count).encode(expiring.encode_family(&labels)?)?;
            }
        }
        let mut soonest = encoder.encode_descriptor(
            "ambit_credentials_soonest_expiry_seconds",
            "Time until the first credentials in a Secret run out; negative when they have",
            None,
            MetricType::Gauge,
        )?;
        for (account, told) in &accounts {
            let Some(expires) = told.soonest else { continue };
            let seconds = expires.duration_since(now).as_secs();
            ConstGauge::new(seconds).encode(soonest.encode_family(&[("account", account.as_str())])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::reflector;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;
    use crate::telemetry::metrics::Metrics;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    /// An identity whose credentials are renewed and run out so many minutes from now.
    fn identity(name: &str, account: &str, minutes: Option<(i64, i64)>) -> MachineIdentity {
        let at = |minutes: i64| (now() + jiff::SignedDuration::from_mins(minutes)).to_string();
        let credentials = minutes.map(|(next, expires)| {
            json!({"secretName": name, "format": "Environment", "issuedTime": at(next - 40),
                "nextRotationTime": at(next), "expirationTime": at(expires)})
        });
        serde_json::from_value(json!({
            "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"accountRef": {"name": account}, "subject": {"serviceAccount": {"name": name}}, "scopes": []},
            "status": {"credentials": credentials},
        }))
        .unwrap()
    }

    #[test]
    fn states_are_counted_by_account_and_no_identity_is_named() {
        let (identities, mut writer) = reflector::store();
        for (name, account, minutes) in [
            ("a", "prod", Some((40, 60))),
            ("b", "prod", Some((1, 21))),
            ("c", "prod", Some((0, 20))),
            ("d", "prod", Some((-5, 15))),
            ("e", "prod", Some((-21, -1))),
            ("f", "test", Some((30, 50))),
            ("g", "federated", None),
        ] {
            writer.apply_watcher_event(&Event::Apply(identity(name, account, minutes)));
        }
        let metrics = Metrics::default();
        metrics.collect(Box::new(CredentialGauges { identities, clock: now }));
        metrics.credentials("renewed");
        let text = metrics.text(true).unwrap();
        for line in [
            r#"ambit_credentials_expiring{account="prod",state="fresh"} 2"#,
            r#"ambit_credentials_expiring{account="prod",state="due"} 1"#,
            r#"ambit_credentials_expiring{account="prod",state="overdue"} 1"#,
            r#"ambit_credentials_expiring{account="prod",state="expired"} 1"#,
            r#"ambit_credentials_expiring{account="test",state="expired"} 0"#,
            r#"ambit_credentials_soonest_expiry_seconds{account="prod"} -60"#,
            r#"ambit_credentials_soonest_expiry_seconds{account="test"} 3000"#,
            r#"ambit_credential_renewals_total{outcome="renewed"} 1"#,
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in:\n{text}");
        }
        assert!(!text.contains("federated") && !text.contains("name="), "{text}");
    }
}
