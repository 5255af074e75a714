//! Reconciling an account: connect, check what all its identities rely on,
//! sweep, report.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt as _;

use super::accounts::{Account, Accounts, Connect, Trouble};
use super::outcome::{Failure, Outcome};
use super::stop::cloud_verdict;
use crate::api::v1alpha1::{CloudAccount, CloudAccountStatus, ProviderPolicy};
use crate::cloud::{Cloud, CloudError, ErrorKind};
use crate::cluster::AccountReporter;
use crate::domain::{Observation, ProviderStep};
use crate::names::InstallationId;
use crate::plan::account::AccountSettings;
use crate::plan::{Reason, Standing, Verdict};

/// What reconciling an account has at hand.
pub struct AccountContext {
    /// This installation.
    pub installation: InstallationId,
    /// Where accounts are put in use.
    pub accounts: Arc<Accounts>,
    /// Makes clouds.
    pub connect: Arc<dyn Connect>,
    /// Writes the status.
    pub reporter: Arc<dyn AccountReporter>,
    /// The time now.
    pub clock: fn() -> Timestamp,
}

/// What checking an account found.
pub struct Checked {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether identities must be looked at again because the account changed.
    pub wake_identities: bool,
    verdict: Verdict,
}

impl Checked {
    /// Without sweeps nobody finds what was changed by hand: that is the
    /// account's trouble, though identities can still be made.
    pub fn sweep_failed(&mut self, error: &CloudError) {
        tracing::warn!(error.type = error.kind.name(), %error, "a sweep did not reach its end");
        let verdict = cloud_verdict(error);
        let message = format!("the account cannot be swept, so drift is found only by full looks: {}", verdict.message);
        self.verdict = Verdict { message, ..verdict };
        self.outcome = Outcome::Failed(Failure::Cloud(error.kind));
    }
}

/// Checks an account and puts it in use.
pub async fn check(context: &AccountContext, account: &CloudAccount) -> Checked {
    let name = account.name_any();
    let before = context.accounts.find(&name);
    let (verdict, outcome) = match AccountSettings::parse(&account.spec, &context.installation) {
        Ok(settings) => enter(context, account, settings).await,
        Err(error) => {
            context.accounts.remove(&name);
            (Verdict::terminal(Reason::AccountNotFound, error.to_string()), Outcome::Refused)
        }
    };
    let wake_identities = changed(before.as_ref(), context.accounts.find(&name).as_ref());
    Checked { outcome, wake_identities, verdict }
}

/// Connects, checks, and puts the account in use with what was found.
async fn enter(context: &AccountContext, account: &CloudAccount, settings: AccountSettings) -> (Verdict, Outcome) {
    let name = account.name_any();
    let generation = account.metadata.generation;
    let cloud = match context.accounts.get(&name, &settings) {
        Some(account) => Ok(account.cloud),
        None => context.connect.connect(&settings).await,
    };
    let cloud = match cloud {
        Ok(cloud) => cloud,
        Err(error) => return (cloud_verdict(&error), Outcome::Failed(Failure::Cloud(error.kind))),
    };
    let trouble = examine(cloud.as_ref(), &settings, &context.installation).await;
    let failed = trouble.as_ref().map(|(_, kind)| *kind);
    let trouble = trouble.map(|(trouble, _)| trouble);
    let verdict = trouble.as_ref().map_or_else(|| in_order(&settings), |trouble| trouble.verdict.clone());
    // A passing failure to check says nothing new: identities go on and meet it themselves.
    let trouble = trouble.filter(|trouble| trouble.verdict.standing == Standing::Terminal);
    context.accounts.put(&name, Account { generation, settings, cloud, trouble });
    match failed {
        None => (verdict, Outcome::Waiting(interval(account))),
        Some(kind) => (verdict, Outcome::Failed(Failure::Cloud(kind))),
    }
}

fn in_order(settings: &AccountSettings) -> Verdict {
    Verdict::good(
        Reason::Verified,
        format!("credentials, boundary and OIDC provider are in order; roles are made under `{}`", settings.path),
    )
}

/// Whatever every identity of the account relies on.
async fn examine(
    cloud: &dyn Cloud,
    settings: &AccountSettings,
    installation: &InstallationId,
) -> Option<(Trouble, ErrorKind)> {
    let role = |verdict| Trouble { verdict, concerns_binding: false };
    let failed = |error: CloudError| (role(cloud_verdict(&error)), error.kind);
    match cloud.account().await {
        Err(error) => return Some(failed(error)),
        Ok(found) if found != settings.account.as_str() => {
            let message = format!(
                "Ambit's credentials belong to account {found}, but `spec.aws.accountId` is {}: correct one of them, or set `spec.aws.assumeRole`",
                settings.account
            );
            return Some((role(Verdict::terminal(Reason::CloudDenied, message)), ErrorKind::Invalid));
        }
        Ok(_) => {}
    }
    match cloud.observe_boundary(&settings.boundary).await {
        Err(error) => return Some(failed(error)),
        Ok(Observation::Absent) => {
            let message = format!("the permissions boundary `{}` does not exist: create it first", settings.boundary);
            return Some((role(Verdict::terminal(Reason::BoundaryMissing, message)), ErrorKind::Invalid));
        }
        Ok(Observation::Present(())) => {}
    }
    provider(cloud, settings, installation).await.err()
}

/// The issuer is registered with the audience: made so, or found so.
async fn provider(
    cloud: &dyn Cloud,
    settings: &AccountSettings,
    installation: &InstallationId,
) -> Result<(), (Trouble, ErrorKind)> {
    let binding = |verdict| Trouble { verdict, concerns_binding: true };
    let failed = |error: CloudError| (binding(cloud_verdict(&error)), error.kind);
    let audience = settings.audience.clone();
    let step = match cloud.observe_provider(&settings.issuer).await.map_err(failed)? {
        Observation::Present(provider) if provider.audiences.contains(&audience) => return Ok(()),
        Observation::Present(provider) if provider.installation.as_deref() == Some(installation.as_str()) => {
            Some(ProviderStep::AddAudience { audience })
        }
        // Somebody else's: it is theirs to say which audiences it accepts.
        Observation::Present(_) => None,
        Observation::Absent => Some(ProviderStep::Create { audience }),
    };
    let Some(step) = step.filter(|_| settings.provider == ProviderPolicy::Create) else {
        let message = format!(
            "there is no OIDC provider for `{}` with audience `{}` in account {} that Ambit may use: register it, or add the audience to it",
            settings.issuer, settings.audience, settings.account
        );
        return Err((binding(Verdict::terminal(Reason::ProviderMissing, message)), ErrorKind::Invalid));
    };
    match cloud.apply_provider(&settings.issuer, &step).await {
        // Somebody else registered it at the same moment: the next check sees it.
        Err(error) if error.kind == ErrorKind::Conflict => Ok(()),
        other => other.map_err(failed),
    }
}

fn changed(before: Option<&Account>, after: Option<&Account>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            before.generation != after.generation
                || before.settings != after.settings
                || before.trouble != after.trouble
        }
        (before, after) => before.is_some() != after.is_some(),
    }
}

/// The pause between two sweeps of the account.
#[must_use]
pub fn interval(account: &CloudAccount) -> Duration {
    Duration::from(account.spec.sweep_interval).max(Duration::from_secs(1))
}

/// Writes what was found, if it is new.
pub async fn report(context: &AccountContext, account: &CloudAccount, checked: Checked) -> Outcome {
    let status = status(account, &checked.verdict, (context.clock)());
    if account.status.as_ref() == Some(&status) {
        return checked.outcome;
    }
    match context.reporter.report_account(account, &status).await {
        Ok(()) => checked.outcome,
        Err(error) => {
            tracing::warn!(error.type = error.kind.name(), %error, "the status of an account was not written");
            Outcome::Failed(Failure::Cluster(error.kind))
        }
    }
}

fn status(account: &CloudAccount, verdict: &Verdict, now: Timestamp) -> CloudAccountStatus {
    let now = Time(Timestamp::from_second(now.as_second()).unwrap_or(now));
    let beside = match verdict.standing {
        Standing::Working | Standing::Retrying => Some("Reconciling"),
        Standing::Terminal => Some("Stalled"),
        Standing::Good | Standing::Suspended | Standing::Tolerated => None,
    };
    let previous = account.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let condition = |name: &str, status: &str| {
        let same = previous.iter().find(|condition| condition.type_ == name && condition.status == status);
        Condition {
            type_: name.to_owned(),
            status: status.to_owned(),
            reason: verdict.reason.name(),
            message: verdict.message.clone(),
            observed_generation: account.metadata.generation,
            last_transition_time: same.map_or_else(|| now.clone(), |condition| condition.last_transition_time.clone()),
        }
    };
    let mut conditions = vec![condition("Ready", verdict.status())];
    conditions.extend(beside.map(|name| condition(name, "True")));
    CloudAccountStatus { observed_generation: account.metadata.generation, conditions }
}
