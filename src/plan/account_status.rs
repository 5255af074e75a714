//! What the status of an account says, computed purely from what was found out.

use std::borrow::Borrow;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::drift::{self, Difference};
use super::orphan::Ledger;
use super::reason::{Reason, Standing, Verdict};
use crate::api::v1alpha1::{
    BoundaryStatus, CloudAccountStatus, IdentityCounts, MachineIdentity, OrphanStatus, ProviderStatus, SweepStatus,
    UsageStatus,
};
use crate::domain::{Provider, Usage};

const MAX_AUDIENCES: usize = 100;
const MAX_THUMBPRINTS: usize = 5;
const MAX_AUDIENCE: usize = 255;
const MAX_THUMBPRINT: usize = 64;

/// What a sweep counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepCounts {
    /// The pages that were read.
    pub pages: usize,
    /// The calls that it took.
    pub calls: usize,
    /// The roles in the account.
    pub roles: usize,
    /// Those on this installation's path.
    pub ours: usize,
    /// The identities that were not as declared.
    pub suspects: usize,
    /// The roles whose identity is gone.
    pub orphans: usize,
}

/// What is known of an account after looking at it. What was not looked at is
/// absent, and stays as it was told.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountFindings {
    /// Whether identities can be made.
    pub ready: Verdict,
    /// Whether the account was read in full.
    pub swept: Option<Verdict>,
    /// What that counted.
    pub sweep: Option<SweepCounts>,
    /// The identities.
    pub identities: Option<IdentityCounts>,
    /// What is used up.
    pub usage: Option<Usage>,
    /// The digest of what the boundary means.
    pub boundary: Option<String>,
    /// The provider, if one is registered.
    pub provider: Option<Provider>,
    /// How boundary and provider differ.
    pub drift: Option<Vec<Difference>>,
}

impl AccountFindings {
    /// Nothing but whether identities can be made.
    #[must_use]
    pub fn only(ready: Verdict) -> Self {
        Self {
            ready,
            swept: None,
            sweep: None,
            identities: None,
            usage: None,
            boundary: None,
            provider: None,
            drift: None,
        }
    }
}

/// Counts identities by what their status says.
#[must_use]
pub fn tally<I: Borrow<MachineIdentity>>(identities: &[I]) -> IdentityCounts {
    let count = |wanted: fn(&MachineIdentity) -> bool| {
        number(identities.iter().filter(|identity| wanted((*identity).borrow())).count())
    };
    let total = number(identities.len());
    let ready = count(|identity| {
        let conditions = identity.status.iter().flat_map(|status| &status.conditions);
        conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    });
    let drifted = count(|identity| {
        identity.status.as_ref().and_then(|status| status.drift_count).is_some_and(|differences| differences > 0)
    });
    IdentityCounts { total, ready, not_ready: total.saturating_sub(ready), drifted }
}

/// The new status, given the one before it.
///
/// Equal findings give an equal status, times included: a settled account causes no write.
#[must_use]
pub fn conclude_account(
    previous: Option<&CloudAccountStatus>,
    generation: Option<i64>,
    findings: AccountFindings,
    now: Timestamp,
) -> CloudAccountStatus {
    let now = Time(Timestamp::from_second(now.as_second()).unwrap_or(now));
    let old = previous.cloned().unwrap_or_default();
    let conditions = conditions(&old, generation, &findings, &now);
    let is_new_spec = old.observed_generation != generation;
    let orphans = findings.sweep.map(|counts| found(old.orphans.clone(), counts));
    let mut status = CloudAccountStatus {
        observed_generation: generation,
        conditions,
        identities: findings.identities.or(old.identities),
        last_sweep: match (findings.sweep, &old.last_sweep) {
            (Some(counts), before) => Some(sweep(counts, before.as_ref().map_or(&now, |before| &before.time))),
            (None, before) => before.clone(),
        },
        orphans: orphans.or(old.orphans),
        usage: findings.usage.and_then(usage).or(old.usage),
        boundary: boundary(old.boundary, findings.boundary, &now),
        provider: match findings.provider {
            Some(found) => Some(provider(old.provider.as_ref().filter(|_| !is_new_spec), found)),
            None => old.provider,
        },
        drift: match findings.drift {
            Some(found) => drift::told(old.drift.as_ref(), &found, &now),
            None => old.drift,
        },
    };
    // The time of the sweep moves only together with something else.
    if previous != Some(&status)
        && findings.sweep.is_some()
        && let Some(sweep) = &mut status.last_sweep
    {
        sweep.time = now;
    }
    status
}

fn conditions(
    old: &CloudAccountStatus,
    generation: Option<i64>,
    findings: &AccountFindings,
    now: &Time,
) -> Vec<Condition> {
    let ready = &findings.ready;
    let beside = match ready.standing {
        Standing::Working | Standing::Retrying => Some("Reconciling"),
        Standing::Terminal => Some("Stalled"),
        Standing::Good | Standing::Suspended | Standing::Tolerated => None,
    };
    let condition = |name: &str, verdict: Verdict| condition(old, generation, name, verdict, now);
    let mut listed = vec![condition("Ready", ready.clone()), swept(old, generation, findings, now)];
    listed.extend(beside.map(|name| condition(name, Verdict { standing: Standing::Good, ..ready.clone() })));
    listed
}

/// What was told of the sweeps stays told while nothing new is known of them.
fn swept(old: &CloudAccountStatus, generation: Option<i64>, findings: &AccountFindings, now: &Time) -> Condition {
    let told = old.conditions.iter().find(|condition| condition.type_ == "Swept");
    match (&findings.swept, told) {
        (Some(verdict), _) => condition(old, generation, "Swept", verdict.clone(), now),
        (None, Some(told)) => Condition { observed_generation: generation, ..told.clone() },
        (None, None) => {
            let pending = Verdict::working(Reason::Pending, "the account was not swept yet");
            condition(old, generation, "Swept", pending, now)
        }
    }
}

fn condition(old: &CloudAccountStatus, generation: Option<i64>, name: &str, verdict: Verdict, now: &Time) -> Condition {
    let status = verdict.status().to_owned();
    let same = old.conditions.iter().find(|condition| condition.type_ == name && condition.status == status);
    Condition {
        type_: name.to_owned(),
        last_transition_time: same.map_or_else(|| now.clone(), |condition| condition.last_transition_time.clone()),
        status,
        reason: verdict.reason.name(),
        message: verdict.message,
        observed_generation: generation,
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn sweep(counts: SweepCounts, time: &Time) -> SweepStatus {
    let SweepCounts { pages, calls, roles, ours, suspects, orphans } = counts;
    SweepStatus {
        time: time.clone(),
        pages: number(pages),
        calls: number(calls),
        roles: number(roles),
        ours: number(ours),
        suspects: number(suspects),
        orphans: number(orphans),
    }
}

fn found(old: Option<OrphanStatus>, counts: SweepCounts) -> OrphanStatus {
    OrphanStatus { found: Some(number(counts.orphans)), ..old.unwrap_or_default() }
}

fn usage(usage: Usage) -> Option<UsageStatus> {
    let (roles, most) = usage.of_roles()?;
    Some(UsageStatus {
        roles: i32::try_from(roles).unwrap_or(i32::MAX),
        roles_quota: i32::try_from(most).unwrap_or(i32::MAX),
    })
}

fn boundary(old: Option<BoundaryStatus>, found: Option<String>, now: &Time) -> Option<BoundaryStatus> {
    match (old, found) {
        (old, None) => old,
        (None, Some(digest)) => Some(BoundaryStatus { digest, changed_time: None }),
        (Some(old), Some(digest)) if old.digest == digest => Some(old),
        (Some(_), Some(digest)) => Some(BoundaryStatus { digest, changed_time: Some(now.clone()) }),
    }
}

/// The audiences as they are, the thumbprints as they were first seen.
fn provider(old: Option<&ProviderStatus>, found: Provider) -> ProviderStatus {
    let cut = |text: String, most: usize| text.chars().take(most).collect::<String>();
    let audiences = found.audiences.into_iter().take(MAX_AUDIENCES).map(|text| cut(text, MAX_AUDIENCE)).collect();
    let thumbprints = match old {
        Some(old) => old.thumbprints.clone(),
        None => found.thumbprints.into_iter().take(MAX_THUMBPRINTS).map(|text| cut(text, MAX_THUMBPRINT)).collect(),
    };
    ProviderStatus { audiences, thumbprints }
}

/// The removals that status has written down.
#[must_use]
pub fn ledger(status: Option<&CloudAccountStatus>) -> Ledger {
    let Some(orphans) = status.and_then(|status| status.orphans.as_ref()) else { return Ledger::default() };
    Ledger {
        removed: orphans.removed.and_then(|removed| u32::try_from(removed).ok()).unwrap_or_default(),
        since: orphans.window_start.as_ref().map(|time| time.0),
        last: orphans.last_removal_time.as_ref().map(|time| time.0),
    }
}

/// A status that says nothing but how many removals count: what another field
/// manager writes, so that no report from a cache that lags can take it back.
#[must_use]
pub fn only_ledger(ledger: Ledger) -> CloudAccountStatus {
    // Rounded up, so that a removal never counts too short.
    let second = |time: Timestamp| {
        let later = time.as_second().saturating_add(i64::from(time.subsec_nanosecond() > 0));
        Time(Timestamp::from_second(later).unwrap_or(time))
    };
    let orphans = OrphanStatus {
        found: None,
        removed: Some(i32::try_from(ledger.removed).unwrap_or(i32::MAX)),
        window_start: ledger.since.map(second),
        last_removal_time: ledger.last.map(second),
    };
    CloudAccountStatus { orphans: Some(orphans), ..CloudAccountStatus::default() }
}

/// A status as it is reported: all but the removals.
#[must_use]
pub fn without_ledger(status: &CloudAccountStatus) -> CloudAccountStatus {
    let found = status.orphans.as_ref().and_then(|orphans| orphans.found);
    let orphans = found.map(|found| OrphanStatus { found: Some(found), ..OrphanStatus::default() });
    CloudAccountStatus { orphans, ..status.clone() }
}

/// A status with other removals.
#[must_use]
pub fn with_ledger(status: CloudAccountStatus, ledger: Ledger) -> CloudAccountStatus {
    let written = only_ledger(ledger).orphans.unwrap_or_default();
    let found = status.orphans.as_ref().and_then(|orphans| orphans.found);
    CloudAccountStatus { orphans: Some(OrphanStatus { found, ..written }), ..status }
}

#[cfg(test)]
mod tests;
