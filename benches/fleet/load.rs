//! The fleet: identities in ten namespaces, and waiting for them.

use std::time::{Duration, Instant};

use ambit::api::v1alpha1::MachineIdentity;
use ambit_bed::{Bed, Part};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::Api;
use kube::api::{ListParams, PostParams};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Result;
use super::figures::Reading;

const NAMESPACES: usize = 10;
/// How many objects are applied at once.
const HANDS: usize = 16;
/// How often the operator's own count is looked at.
const POLL: Duration = Duration::from_millis(50);
/// What ends a wait that would never end by itself.
const LIMIT: Duration = Duration::from_mins(5);

/// Everybody may ask for anything: the guardrail is not what is measured.
const POLICY: &str = r#"
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: fleet}
spec:
  namespaceSelector: {matchLabels: {ambit.dev/tenant: "yes"}}
  allow:
  - {name: all, actions: ["*"], resources: ["*"]}
"#;

/// So many identities, spread over the namespaces.
pub struct Fleet(usize);

impl Fleet {
    pub fn of(size: usize) -> Self {
        Self(size)
    }

    pub fn size(&self) -> usize {
        self.0
    }

    /// The namespaces and their guardrail.
    pub async fn prepare(&self, bed: &Bed) -> Result<()> {
        bed.apply(POLICY).await?;
        for number in 0..NAMESPACES {
            bed.tenant(&namespace(number)).await?;
        }
        Ok(())
    }

    /// Creates every identity.
    pub async fn declare(&self, bed: &Bed) -> Result<()> {
        let client = bed.client().await?;
        futures::stream::iter(0..self.0)
            .map(|number| {
                let api: Api<MachineIdentity> = Api::namespaced(client.clone(), &namespace(number % NAMESPACES));
                async move {
                    api.create(&PostParams::default(), &identity(number)?).await?;
                    Ok::<_, Box<dyn std::error::Error>>(())
                }
            })
            .buffer_unordered(HANDS)
            .try_collect()
            .await
    }
}

fn namespace(number: usize) -> String {
    format!("fleet-{number}")
}

/// An identity with its own service account and two scopes.
fn identity(number: usize) -> Result<MachineIdentity> {
    let name = format!("worker-{number:04}");
    Ok(serde_json::from_value(serde_json::json!({
        "apiVersion": "ambit.dev/v1alpha1",
        "kind": "MachineIdentity",
        "metadata": {"name": name, "namespace": namespace(number % NAMESPACES)},
        "spec": {
            "accountRef": {"name": "bed"},
            "subject": {"serviceAccount": {"name": name}},
            "scopes": [
                {"name": "inbox", "access": ["List", "Read"],
                 "resources": [format!("arn:aws:s3:::{name}-in"), format!("arn:aws:s3:::{name}-in/*")]},
                {"name": "publish", "actions": ["sqs:SendMessage"],
                 "resources": [format!("arn:aws:sqs:us-east-1:000000000000:{name}")]},
            ],
        },
    }))?)
}

/// Waits until the API server says of every identity that it is Ready. The
/// operator's own count, taken from its watch, says when to ask.
pub async fn await_ready(bed: &Bed, fleet: &Fleet, start: Instant) -> Result<Duration> {
    let api: Api<MachineIdentity> = Api::all(bed.client().await?);
    let mut told = Instant::now();
    loop {
        let ready = ready_by_metrics(bed).await;
        if ready >= fleet.size() {
            let seen = start.elapsed();
            let list = api.list(&ListParams::default()).await?;
            if list.items.iter().filter(|identity| is_ready(identity)).count() == fleet.size() {
                return Ok(seen);
            }
        }
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            eprintln!("  … {ready} ready after {:.0} s", start.elapsed().as_secs_f64());
        }
        if start.elapsed() > LIMIT {
            let list = api.list(&ListParams::default()).await?;
            let late = list.items.iter().filter(|identity| !is_ready(identity)).take(3).map(says).collect::<Vec<_>>();
            return Err(format!("only {ready} became Ready within {} s; {}", LIMIT.as_secs(), late.join("; ")).into());
        }
        tokio::time::sleep(POLL).await;
    }
}

fn is_ready(identity: &MachineIdentity) -> bool {
    identity.status.as_ref().is_some_and(|status| {
        status.observed_generation == identity.metadata.generation
            && status.conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

fn says(identity: &MachineIdentity) -> String {
    let conditions = identity.status.iter().flat_map(|status| &status.conditions);
    let told: Vec<String> =
        conditions.map(|condition| format!("{} {} {}", condition.type_, condition.reason, condition.message)).collect();
    format!("`{}`: {}", identity.metadata.name.as_deref().unwrap_or_default(), told.join(", "))
}

/// Waits until an operator that was just started has reconciled every identity once.
pub async fn await_looked_at(bed: &Bed, fleet: &Fleet) -> Result<()> {
    let start = Instant::now();
    while metric(bed, "ambit_reconcile_total{controller=\"identity\"").await < fleet.size() as f64 {
        if start.elapsed() > LIMIT {
            return Err("the restarted operator did not look at every identity".into());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Waits until so many full looks were taken.
pub async fn await_full_looks(bed: &Bed, before: &Reading, wanted: u64) -> Result<()> {
    let start = Instant::now();
    while Reading::take(bed).await?.full_looks_since(before) < wanted {
        if start.elapsed() > LIMIT {
            return Err(format!("fewer than {wanted} full looks within {} s", LIMIT.as_secs()).into());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

async fn ready_by_metrics(bed: &Bed) -> usize {
    metric(bed, "ambit_identities{status=\"True\"").await as usize
}

/// The sum of the operator's series that begin with this; 0 while nobody answers.
pub async fn metric(bed: &Bed, prefix: &str) -> f64 {
    let text = scrape(bed).await.unwrap_or_default();
    let values = text.lines().filter(|line| line.starts_with(prefix)).filter_map(|line| line.rsplit(' ').next());
    values.filter_map(|value| value.parse::<f64>().ok()).sum()
}

async fn scrape(bed: &Bed) -> std::io::Result<String> {
    let url = bed.operator_url(Part::Operator);
    let mut stream = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
