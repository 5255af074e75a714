//! What the answers of an account mean for all its identities.

use std::collections::BTreeSet;

use super::account::{AccountSettings, Federated, Federation, WebIdentity};
use super::drift::{self, Difference, ProviderDifference, ProviderSought};
use super::reason::{Reason, Standing, Verdict};
use crate::api::v1alpha1::ProviderPolicy;
use crate::domain::{Cluster, Observation, Provider, ProviderStep, Reading, Usage};
use crate::names::{ClusterArn, InstallationId, printable};
use crate::policy::Document;

/// From this many hundredths of a quota on, people are told.
const NEAR: u64 = 90;

/// What was asked of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The account that the credentials belong to.
    pub caller: String,
    /// The boundary.
    pub boundary: Observation<Reading>,
    /// What pods prove themselves by.
    pub proof: Proof,
    /// What is used up; or why that is not known.
    pub usage: Result<Usage, String>,
}

/// What an account said of what pods prove themselves by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The issuer's provider.
    Provider(Observation<Provider>),
    /// The cluster whose pods EKS hands roles.
    Cluster(Observation<Cluster>),
}

/// What the answers are judged by, beside the settings.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    /// This installation.
    pub installation: &'a InstallationId,
    /// The meaning that the boundary must have.
    pub pinned: Option<&'a str>,
    /// The boundary as it was read last.
    pub boundary: Option<&'a Document>,
    /// The thumbprints as they were first seen.
    pub thumbprints: Option<&'a BTreeSet<String>>,
    /// The audiences that other `CloudAccount`s with the same provider declare; absent while
    /// not all of them are known.
    pub others: Option<&'a BTreeSet<String>>,
}

/// What a verdict on an account keeps its identities from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hinders {
    /// Nothing.
    Nothing,
    /// New roles are not made; those that exist are looked after.
    NewRoles,
    /// The way from pod to role.
    Binding,
    /// Everything.
    Everything,
}

/// What the answers come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What `Ready` says.
    pub verdict: Verdict,
    /// What it keeps identities from.
    pub hinders: Hinders,
    /// How boundary and provider differ.
    pub drift: Vec<Difference>,
    /// What to do about the provider at once: without it nothing works.
    pub needed: Option<ProviderStep>,
    /// What to do about it when it was written down.
    pub repairs: Vec<ProviderStep>,
}

/// Credentials of another account than the declared one, if they are.
#[must_use]
pub fn another_account(settings: &AccountSettings, caller: &str) -> Option<Verdict> {
    (caller != settings.account.as_str()).then(|| {
        Verdict::terminal(
            Reason::CloudDenied,
            format!(
                "Ambit's credentials belong to account {caller}, but `spec.aws.accountId` is {}: correct one of them, or set `spec.aws.assumeRole`",
                settings.account
            ),
        )
    })
}

/// Judges what an account answered. The gravest decides.
#[must_use]
pub fn judge_account(settings: &AccountSettings, base: Baseline<'_>, answers: &Answers) -> Judgement {
    let found = match (&settings.federation, &answers.proof) {
        (Federation::WebIdentity(WebIdentity { federated, .. }), Proof::Provider(provider)) => {
            let sought = ProviderSought {
                issuer: federated.issuer.as_str(),
                audience: &federated.audience,
                others: base.others,
                installation: base.installation.as_str(),
                thumbprints: base.thumbprints,
            };
            drift::provider(sought, provider)
        }
        _ => Vec::new(),
    };
    let may_change = settings.web_identity().is_some_and(|web| web.provider == ProviderPolicy::Create);
    let step = |wanted: fn(&ProviderStep) -> bool| {
        let mends = found.iter().filter_map(|found| found.mend.clone());
        mends.filter(move |step| may_change && wanted(step))
    };
    let needed = step(|step| !matches!(step, ProviderStep::RemoveAudience { .. })).next();
    let repairs = step(|step| matches!(step, ProviderStep::RemoveAudience { .. })).collect();
    let pinned = pin(base, &answers.boundary);
    let nothing = |verdict| (Hinders::Nothing, verdict);
    let verdicts = [
        another_account(settings, &answers.caller).map(|verdict| (Hinders::Everything, verdict)),
        boundary_missing(settings, &answers.boundary).map(|verdict| (Hinders::Everything, verdict)),
        proof_missing(settings, base, &answers.proof)
            .filter(|_| needed.is_none())
            .map(|verdict| (Hinders::Binding, verdict)),
        pinned.as_ref().map(|found| (Hinders::NewRoles, boundary_changed(found))),
        quota(answers).filter(|used_up| used_up.standing != Standing::Good).map(nothing),
        provider_stays_changed(&found, may_change).map(nothing),
        quota(answers).map(nothing),
    ];
    let worst = verdicts.into_iter().flatten().next();
    let (hinders, verdict) = worst.unwrap_or_else(|| (Hinders::Nothing, in_order(settings, answers)));
    let mut drift: Vec<Difference> = pinned.into_iter().collect();
    drift.extend(found.into_iter().filter(|found| is_told(found, needed.as_ref())).map(|found| found.difference));
    Judgement { verdict, hinders, drift, needed, repairs }
}

/// What is mended in the same breath, because nothing works without it, is no drift.
fn is_told(found: &ProviderDifference, needed: Option<&ProviderStep>) -> bool {
    needed.is_none() || found.mend.as_ref() != needed
}

/// What nobody is going to mend hinders nobody by itself, but is not in order.
fn provider_stays_changed(found: &[ProviderDifference], may_change: bool) -> Option<Verdict> {
    let stays = found.iter().filter(|found| !may_change || found.mend.is_none());
    let stays: Vec<&Difference> = stays.map(|found| &found.difference).collect();
    (!stays.is_empty()).then(|| provider_changed(&stays, ""))
}

/// What `Ready` says of a provider that differs, and of what became of its repair.
#[must_use]
pub fn provider_changed(differences: &[&Difference], repair: &str) -> Verdict {
    let words: Vec<&str> = differences.iter().map(|found| found.summary.as_str()).collect();
    Verdict::good(Reason::ProviderChanged, format!("identities can be made, but {}{repair}", words.join("; ")))
}

fn pin(base: Baseline<'_>, boundary: &Observation<Reading>) -> Option<Difference> {
    match (base.pinned, boundary) {
        (Some(pinned), Observation::Present(live)) => drift::pinned_boundary(pinned, live, base.boundary),
        _ => None,
    }
}

fn boundary_missing(settings: &AccountSettings, boundary: &Observation<Reading>) -> Option<Verdict> {
    (*boundary == Observation::Absent).then(|| {
        let message = format!("the permissions boundary `{}` does not exist: create it first", settings.boundary);
        Verdict::terminal(Reason::BoundaryMissing, message)
    })
}

fn boundary_changed(found: &Difference) -> Verdict {
    Verdict::terminal(
        Reason::BoundaryChanged,
        format!(
            "{}; no role is made under it: set it back, or set `spec.aws.permissionsBoundaryDigest` to what it means now",
            found.summary
        ),
    )
}

fn proof_missing(settings: &AccountSettings, base: Baseline<'_>, proof: &Proof) -> Option<Verdict> {
    match (&settings.federation, proof) {
        (Federation::WebIdentity(web), Proof::Provider(provider)) => {
            provider_missing(settings, &web.federated, base, provider)
        }
        (Federation::PodIdentity { cluster_arn, .. }, Proof::Cluster(found)) => cluster_missing(cluster_arn, found),
        // Nothing was asked of what the settings name now.
        _ => Some(Verdict::working(Reason::Pending, "what pods prove themselves by is being looked at")),
    }
}

/// The cluster must be the one that every role's trust names.
fn cluster_missing(cluster: &ClusterArn, found: &Observation<Cluster>) -> Option<Verdict> {
    let message = match found {
        Observation::Present(found) if found.arn == cluster.as_str() => return None,
        Observation::Present(found) => format!(
            "the EKS cluster `{}` is `{}`, and not `{cluster}`: correct `spec.aws.accountId`, `spec.aws.region` and `spec.aws.federation.podIdentity.clusterName`",
            cluster.name(),
            printable(&found.arn)
        ),
        Observation::Absent => format!(
            "there is no EKS cluster `{cluster}`, so EKS hands no role to its pods: correct `spec.aws.accountId`, `spec.aws.region` and `spec.aws.federation.podIdentity.clusterName`"
        ),
    };
    Some(Verdict::terminal(Reason::ClusterMissing, message))
}

fn provider_missing(
    settings: &AccountSettings,
    web: &Federated,
    base: Baseline<'_>,
    provider: &Observation<Provider>,
) -> Option<Verdict> {
    let whose = match provider {
        Observation::Present(found) if found.audiences.contains(&web.audience) => return None,
        Observation::Present(found) => found.installation.as_deref().filter(|of| *of != base.installation.as_str()),
        Observation::Absent => None,
    };
    let mut message = format!(
        "there is no OIDC provider for `{}` with audience `{}` in account {} that Ambit may use: register it, or add the audience to it",
        web.issuer, web.audience, settings.account
    );
    if let Some(installation) = whose {
        message = format!(
            "{message}; it belongs to installation `{}`, which takes other audiences off again unless its CloudAccount says `provider: Existing`",
            printable(installation)
        );
    }
    Some(Verdict::terminal(Reason::ProviderMissing, message))
}

/// A quota that is used up keeps nothing that exists from working, and who needs a
/// new role is refused by the account itself: so it hinders nobody here.
fn quota(answers: &Answers) -> Option<Verdict> {
    let (roles, most) = answers.usage.as_ref().ok().and_then(Usage::of_roles)?;
    if roles >= most {
        let message = format!(
            "all {most} roles that the account may have are used up, so no identity can be added; those that exist go on: raise the quota, or remove roles that nobody uses"
        );
        return Some(Verdict::terminal(Reason::LimitExceeded, message));
    }
    let is_near = u64::from(roles) * 100 >= u64::from(most) * NEAR;
    is_near.then(|| {
        let message = format!(
            "all is in order, but {roles} of the {most} roles that the account may have are used up: raise the quota in time, or remove roles that nobody uses"
        );
        Verdict::good(Reason::QuotaNear, message)
    })
}

fn in_order(settings: &AccountSettings, answers: &Answers) -> Verdict {
    let unknown = answers.usage.as_ref().err().map(|why| format!("; its quotas are not known: {why}"));
    let proof = match settings.federation {
        Federation::WebIdentity(_) => "OIDC provider",
        Federation::PodIdentity { .. } => "EKS cluster",
    };
    Verdict::good(
        Reason::Verified,
        format!(
            "credentials, boundary and {proof} are in order; roles are made under `{}`{}",
            settings.path,
            unknown.unwrap_or_default()
        ),
    )
}

#[cfg(test)]
mod tests;
