//! Checking what all identities of an account rely on: credentials, boundary,
//! provider or cluster, quotas.
//!
//! It takes five calls, so it goes with few sweeps only: see
//! [`account`](super::account).

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::ResourceExt as _;

use super::account::{AccountContext, Fleet};
use super::account_memory::Known;
use super::accounts::{Account, Trouble};
use super::stop::cloud_verdict;
use crate::api::v1alpha1::{CloudAccount, CloudAccountStatus, ProviderPolicy};
use crate::cloud::{Cloud, CloudError, ErrorKind};
use crate::cluster::Announcement;
use crate::domain::{Observation, ProviderStep, Reading};
use crate::plan::account::{AccountSettings, Federated};
use crate::plan::{
    AccountFindings, Answers, Baseline, Hinders, Judgement, Proof, ProviderSought, Reason, Standing, Verdict,
    another_account, boundary_change, judge_account, provider,
};
use crate::policy::Document;

/// What checking an account found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What status says of it.
    pub findings: AccountFindings,
    /// Whether the account can be swept, and identities be made in it.
    pub usable: bool,
    /// Whether nothing is wrong at all, so that the next check has time.
    pub sound: bool,
    /// What it failed on, if it did.
    pub failed: Option<ErrorKind>,
    /// What is to be done about the provider when it was written down.
    pub repairs: Vec<ProviderStep>,
}

impl Checked {
    fn refused(verdict: Verdict) -> Self {
        let findings = AccountFindings::only(verdict);
        Self { findings, usable: false, sound: false, failed: None, repairs: Vec::new() }
    }

    fn failed(error: &CloudError) -> Self {
        Self { failed: Some(error.kind), ..Self::refused(cloud_verdict(error)) }
    }
}

/// Checks an account and puts it in use with what was found.
pub async fn check(context: &AccountContext, fleet: &dyn Fleet, account: &CloudAccount, known: &Known) -> Checked {
    let name = account.name_any();
    let settings = match AccountSettings::parse(&account.spec, &context.installation) {
        Ok(settings) => settings,
        Err(error) => {
            context.accounts.remove(&name);
            return Checked::refused(Verdict::terminal(Reason::AccountNotFound, error.to_string()));
        }
    };
    let generation = account.metadata.generation;
    let before = context.accounts.get(&name, &settings);
    let cloud = match &before {
        Some(before) => Ok(Arc::clone(&before.cloud)),
        None => context.connect.connect(&settings).await,
    };
    let cloud = match cloud {
        Ok(cloud) => cloud,
        Err(error) => return Checked::failed(&error),
    };
    let (checked, hinders) = match examine(context, fleet, account, known, &settings, &cloud).await {
        Ok(judged) => judged,
        Err((error, hinders)) => (Checked::failed(&error), hinders),
    };
    let verdict = &checked.findings.ready;
    let trouble = match verdict.standing {
        Standing::Terminal => trouble(verdict, hinders),
        _ if checked.failed.is_none() => None,
        // A passing failure to check says nothing new: identities go on and meet it themselves.
        _ => match before.filter(|before| before.generation == generation) {
            Some(before) => before.trouble,
            None => pinned(account).and_then(|_| trouble(verdict, Hinders::NewRoles)),
        },
    };
    context.accounts.put(&name, Account { generation, settings, cloud, trouble });
    checked
}

/// The digest of what the boundary must mean.
fn pinned(account: &CloudAccount) -> Option<&str> {
    account.spec.aws.as_ref()?.permissions_boundary_digest.as_deref()
}

fn trouble(verdict: &Verdict, hinders: Hinders) -> Option<Trouble> {
    (hinders != Hinders::Nothing).then(|| Trouble {
        verdict: verdict.clone(),
        concerns_binding: hinders == Hinders::Binding,
        only_new_roles: hinders == Hinders::NewRoles,
    })
}

type Examined = Result<(Checked, Hinders), (CloudError, Hinders)>;

/// Asks, judges, and does what must be done before anything works.
async fn examine(
    context: &AccountContext,
    fleet: &dyn Fleet,
    account: &CloudAccount,
    known: &Known,
    settings: &AccountSettings,
    cloud: &Arc<dyn Cloud>,
) -> Examined {
    let answers = match ask(cloud.as_ref(), settings).await? {
        Ok(answers) => answers,
        Err(elsewhere) => {
            return Ok((
                Checked { failed: Some(ErrorKind::Invalid), ..Checked::refused(elsewhere) },
                Hinders::Everything,
            ));
        }
    };
    let status = known.status.as_ref().or(account.status.as_ref());
    let thumbprints = first_seen(account, status);
    let pinned = pinned(account);
    let others = context.neighbours(fleet, account).map(|neighbours| neighbours.audiences);
    let base = Baseline {
        installation: &context.installation,
        pinned,
        boundary: known.boundary.as_ref(),
        thumbprints: thumbprints.as_ref(),
        others: others.as_ref(),
    };
    let judged = judge_account(settings, base, &answers); // pure
    let needed = judged.needed.clone();
    if let (Some(step), Some(web)) = (&needed, settings.web_identity()) {
        match cloud.apply_provider(&web.issuer, step).await {
            // Somebody else registered it at the same moment: the next check sees it.
            Err(error) if error.kind == ErrorKind::Conflict => {}
            other => other.map_err(|error| (error, Hinders::Binding))?,
        }
    }
    let mut unregistered = None;
    for listed in settings.pipelines.iter().filter(|listed| listed.provider == ProviderPolicy::Create) {
        if let Err(error) = register(context, cloud.as_ref(), listed).await {
            unregistered.get_or_insert((listed, error));
        }
    }
    tell_boundary(context, account, known, pinned, &answers.boundary).await;
    let hinders = judged.hinders;
    let mut checked = checked(judged, answers, needed.is_some());
    // It concerns the issuer's pipelines alone: what else was found stays found.
    if let Some((listed, error)) = unregistered.filter(|_| checked.findings.ready.standing == Standing::Good) {
        let message = format!(
            "the issuer `{}` of pipelines could not be registered: {error}; compare Ambit's own policy with `ambit account policy`, or set `provider: Existing` for it",
            listed.issuer
        );
        checked.findings.ready = Verdict::retrying(Reason::ProviderMissing, message);
    }
    Ok((checked, hinders))
}

/// Registers the issuer of pipelines, or its audience, where that is missing. What else its provider
/// accepts is nobody's fault here: people use it for more than Ambit.
async fn register(context: &AccountContext, cloud: &dyn Cloud, listed: &Federated) -> Result<(), CloudError> {
    let found = cloud.observe_provider(&listed.issuer).await?;
    let sought = ProviderSought {
        issuer: listed.issuer.as_str(),
        audience: &listed.audience,
        others: None,
        installation: context.installation.as_str(),
        thumbprints: None,
    };
    let missing = provider(sought, &found).into_iter().find_map(|found| found.mend);
    let Some(step) = missing else { return Ok(()) };
    match cloud.apply_provider(&listed.issuer, &step).await {
        // Somebody else registered it at the same moment: the next check sees it.
        Err(error) if error.kind == ErrorKind::Conflict => Ok(()),
        other => other,
    }
}

fn checked(judged: Judgement, answers: Answers, changed: bool) -> Checked {
    let Judgement { verdict, hinders, drift, repairs, .. } = judged;
    let usable = hinders <= Hinders::NewRoles;
    let good = verdict.standing == Standing::Good;
    let findings = AccountFindings {
        usage: answers.usage.ok(),
        boundary: meaning(&answers.boundary).map(|document| document.meaning().to_string()),
        // What was just changed is looked at before it is told.
        provider: match answers.proof {
            Proof::Provider(Observation::Present(found)) if !changed => Some(found),
            _ => None,
        },
        drift: Some(drift),
        ..AccountFindings::only(verdict)
    };
    let failed = (!usable).then_some(ErrorKind::Invalid);
    Checked { findings, usable, sound: good && !changed && repairs.is_empty(), failed, repairs }
}

/// Asks everything that can be asked. The inner error: credentials of another
/// account, of which nothing more should be asked.
async fn ask(cloud: &dyn Cloud, settings: &AccountSettings) -> Result<Result<Answers, Verdict>, (CloudError, Hinders)> {
    let everything = |error| (error, Hinders::Everything);
    let caller = cloud.account().await.map_err(everything)?;
    if let Some(verdict) = another_account(settings, &caller) {
        return Ok(Err(verdict));
    }
    let boundary = cloud.observe_boundary(&settings.boundary).await.map_err(everything)?;
    let proof = match settings.web_identity() {
        Some(web) => cloud.observe_provider(&web.issuer).await.map(Proof::Provider),
        None => cloud.observe_cluster().await.map(Proof::Cluster),
    };
    let proof = proof.map_err(|error| (error, Hinders::Binding))?;
    // No quota is worth more than the identities: an older policy of the operator does not let it count.
    let usage = cloud.usage().await.map_err(|error| error.to_string());
    Ok(Ok(Answers { caller, boundary, proof, usage }))
}

/// The thumbprints that were there when the provider was first seen under this spec.
fn first_seen(account: &CloudAccount, status: Option<&CloudAccountStatus>) -> Option<BTreeSet<String>> {
    let status = status.filter(|status| status.observed_generation == account.metadata.generation)?;
    let seen = status.provider.as_ref()?;
    Some(seen.thumbprints.iter().cloned().collect())
}

fn meaning(boundary: &Observation<Reading>) -> Option<&Document> {
    match boundary {
        Observation::Present(Reading::Document(document)) => Some(document),
        _ => None,
    }
}

/// Tells people of a boundary that means something else than before, and
/// remembers it. One that is pinned is drift, and remembered only while it is right.
async fn tell_boundary(
    context: &AccountContext,
    account: &CloudAccount,
    known: &Known,
    pinned: Option<&str>,
    boundary: &Observation<Reading>,
) {
    let Some(document) = meaning(boundary) else { return };
    let digest = document.meaning().to_string();
    if pinned.is_some_and(|pinned| pinned != digest) {
        return;
    }
    let uid = account.uid().unwrap_or_default();
    context.memory.note(&uid, |known| known.boundary = Some(document.clone()));
    let told = known.status.as_ref().or(account.status.as_ref()).and_then(|status| status.boundary.as_ref());
    let words = match (&known.boundary, told) {
        (Some(before), _) => boundary_change(before, document).map(|change| change.words),
        (None, Some(told)) if told.digest != digest => {
            Some(format!("its digest is `{digest}` instead of `{}`; what exactly changed was not seen", told.digest))
        }
        _ => None,
    };
    if let Some(words) = words {
        let note = format!("the permissions boundary of all roles was changed: {words}");
        tracing::warn!(account = account.name_any(), note, "the permissions boundary was changed");
        let announcement = Announcement { warning: true, reason: Reason::BoundaryChanged.name(), note };
        context.reporter.announce_account(account, &announcement).await;
    }
}
