//! What was asked of the cloud and of the API server, and how it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use ambit_bed::{Bed, Counts, Part};

use super::{Result, load, usage};

/// Calls that every identity of an account shares.
const OF_THE_ACCOUNT: [&str; 8] = [
    "sts:GetCallerIdentity",
    "sts:AssumeRole",
    "iam:GetPolicy",
    "iam:GetOpenIDConnectProvider",
    "iam:ListOpenIDConnectProviders",
    "iam:CreateOpenIDConnectProvider",
    "iam:AddClientIDToOpenIDConnectProvider",
    "iam:GetAccountAuthorizationDetails",
];
/// Every full look begins with this one.
const LOOK: &str = "iam:GetRole";
const SWEEP: &str = "iam:GetAccountAuthorizationDetails";
/// Writes that are told apart: they change no object that is kept.
const APART: [&str; 3] = ["events", "serviceaccounts/token", "leases"];

/// Calls to the cloud.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    pub for_identities: u64,
    pub for_account: u64,
    pub writes: u64,
    pub full_looks: u64,
    pub sweeps: u64,
    by_action: BTreeMap<String, u64>,
}

impl Calls {
    /// The operator's calls between two counts. Proofs are not signed.
    pub fn between(before: &Counts, after: &Counts) -> Self {
        let mut calls = Self::default();
        for (action, count) in ["operator", "unsigned"].iter().filter_map(|&who| after.callers.get(who)).flatten() {
            let earlier =
                ["operator", "unsigned"].iter().filter_map(|&who| before.callers.get(who)?.get(action)).sum::<u64>();
            calls.add(action, count - earlier.min(*count));
        }
        calls
    }

    fn add(&mut self, action: &str, count: u64) {
        let reads = action.contains(":Get") || action.contains(":List") || action.starts_with("sts:");
        let owner = if OF_THE_ACCOUNT.contains(&action) { &mut self.for_account } else { &mut self.for_identities };
        *owner += count;
        self.writes += if reads { 0 } else { count };
        self.full_looks += if action == LOOK { count } else { 0 };
        self.sweeps += if action == SWEEP { count } else { 0 };
        if count > 0 {
            self.by_action.insert(action.to_owned(), count);
        }
    }
}

/// All counters at one moment.
#[derive(Debug, Clone)]
pub struct Reading {
    counts: Counts,
    writes: BTreeMap<String, u64>,
    sweeps: u64,
    cpu: BTreeMap<Part, Duration>,
}

impl Reading {
    pub async fn take(bed: &Bed) -> Result<Self> {
        Ok(Self {
            counts: bed.counts().await?,
            writes: bed.api_writes(0)?,
            sweeps: load::metric(bed, "ambit_sweeps_total").await as u64,
            cpu: usage::cpu(bed),
        })
    }

    /// Whether there was more than renewing leases since then.
    pub fn busier_than(&self, before: &Self) -> bool {
        let writes = |reading: &Self| -> u64 {
            reading.writes.iter().filter(|(what, _)| !what.contains("leases")).map(|(_, count)| count).sum()
        };
        self.counts.total > before.counts.total || writes(self) > writes(before)
    }

    /// How many identities were looked at in full since then.
    pub fn full_looks_since(&self, before: &Self) -> u64 {
        self.counts.of(LOOK) - before.counts.of(LOOK)
    }

    /// What was spent since then.
    pub fn since(&self, before: &Self) -> Spent {
        let mut by_write = self.writes.clone();
        for (what, count) in &before.writes {
            by_write.entry(what.clone()).and_modify(|now| *now -= count);
        }
        by_write.retain(|_, count| *count > 0);
        let is_apart = |what: &str| APART.iter().any(|apart| what.split(' ').nth(1) == Some(apart));
        let sum =
            |apart: bool| by_write.iter().filter(|(what, _)| is_apart(what) == apart).map(|(_, count)| count).sum();
        let cpu = self.cpu.iter().map(|(part, time)| {
            // A part that was restarted began anew.
            let earlier = before.cpu.get(part).copied().unwrap_or_default();
            (*part, time.checked_sub(earlier).unwrap_or(*time))
        });
        Spent {
            calls: Calls::between(&before.counts, &self.counts),
            writes: sum(false),
            apart: sum(true),
            events: by_write.iter().filter(|(what, _)| what.contains(" events")).map(|(_, count)| count).sum(),
            sweeps: self.sweeps.saturating_sub(before.sweeps),
            cpu: cpu.collect(),
            by_write,
        }
    }
}

/// What was spent between two readings.
#[derive(Debug)]
pub struct Spent {
    pub calls: Calls,
    pub writes: u64,
    pub apart: u64,
    pub events: u64,
    pub sweeps: u64,
    pub cpu: BTreeMap<Part, Duration>,
    by_write: BTreeMap<String, u64>,
}

impl Spent {
    pub fn calls_per_sweep(&self) -> f64 {
        self.calls.sweeps as f64 / self.sweeps.max(1) as f64
    }

    /// Every call and every write by its name.
    pub fn details(&self) {
        let told = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
        };
        note(&format!("calls: {}", told(&self.calls.by_action)));
        note(&format!("writes: {}", told(&self.by_write)));
    }
}

pub fn title(text: &str) {
    println!("\n{text}");
}

pub fn line(what: &str, value: &str) {
    println!("  {what:<44} {value}");
}

pub fn note(text: &str) {
    println!("  ({text})");
}

pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

pub fn per(count: u64, number: usize) -> String {
    format!("{:.2}", count as f64 / number.max(1) as f64)
}
