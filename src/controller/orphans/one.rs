//! Removing one principal whose identity is gone.

use crate::cloud::{CloudError, Depth};
use crate::cluster::ClusterError;
use crate::controller::account::AccountContext;
use crate::controller::accounts::Account;
use crate::controller::apply;
use crate::controller::keys;
use crate::controller::stop::cloud_verdict;
use crate::domain::{Observation, Step};
use crate::names::PrincipalKind;
use crate::plan::orphan::Owned;
use crate::plan::{Reason, Removal, Verdict, lint, plan_removal};

/// What became of one orphan.
pub enum Fate {
    /// It was removed.
    Removed,
    /// Nothing was changed: it is gone already, is another's, or lives.
    LeftAlone,
    /// Its identity was declared again while it was being removed, and keeps it.
    Spared,
}

/// Why an orphan could not be removed.
pub struct Trouble {
    /// Why.
    pub verdict: Verdict,
    /// Whether something was changed before.
    pub amid: bool,
}

impl Trouble {
    fn before(verdict: Verdict) -> Self {
        Self { verdict, amid: false }
    }

    /// Whether the others will fare no better.
    pub fn is_general(&self) -> bool {
        matches!(self.verdict.reason, Reason::CloudUnreachable | Reason::Throttled)
    }
}

/// Removes one, if the API server and the cloud both say now that it is an orphan.
pub async fn remove(context: &AccountContext, used: &Account, orphan: &Owned) -> Result<Fate, Trouble> {
    if lives(context, orphan).await.map_err(Trouble::before)? {
        return Ok(Fate::LeftAlone);
    }
    let before = |error: CloudError| Trouble::before(cloud_failed(&error));
    let observation = used.cloud.observe(&orphan.name, Depth::Full).await.map_err(before)?;
    if matches!(&observation, Observation::Present(live) if live.owner.is_retained()) {
        return Ok(Fate::LeftAlone);
    }
    let Removal::Remove(steps) = plan_removal(&orphan.owner, &observation, Some(&orphan.id), &used.settings.boundary)
    else {
        return Ok(Fate::LeftAlone);
    };
    let findings = lint(orphan.name.kind(), &steps, &orphan.owner, &observation, true);
    if !findings.is_empty() {
        let list = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        tracing::error!(findings = %list, principal = %orphan.name, "the removal of a role without an identity was vetoed");
        let message = format!("Ambit's own check refused its plan: {list}; please report this");
        return Err(Trouble::before(Verdict::terminal(Reason::UnsafePlan, message)));
    }
    take(context, used, orphan, &steps).await
}

/// Takes the steps. Who declares the identity again meanwhile keeps the role: its
/// own reconciliation opens it.
async fn take(context: &AccountContext, used: &Account, orphan: &Owned, steps: &[Step]) -> Result<Fate, Trouble> {
    let identity = &orphan.owner.identity;
    for (at, step) in steps.iter().enumerate() {
        let amid = |verdict| Trouble { verdict, amid: at > 0 };
        let is_final = matches!(step, Step::RemovePermissions | Step::Delete);
        if is_final && lives(context, orphan).await.map_err(amid)? {
            tracing::info!(principal = %orphan.name, %identity, "an identity was declared again: its role stays");
            return Ok(Fate::Spared);
        }
        // While it is denied everything: what was told once goes before the denial does.
        if *step == Step::Open && orphan.name.kind() == PrincipalKind::User {
            if lives(context, orphan).await.map_err(amid)? {
                return Ok(Fate::Spared);
            }
            let deleted = keys::delete_all(used, &orphan.name).await;
            deleted.map_err(|error| Trouble { verdict: cloud_failed(&error), amid: true })?;
        }
        tracing::info!(step = step.name(), principal = %orphan.name, %identity, "removing a role whose identity is gone");
        let done = apply::away(used.cloud.as_ref(), &orphan.name, step).await;
        // That a step failed does not say that it had no effect.
        done.map_err(|error| Trouble { verdict: cloud_failed(&error), amid: true })?;
    }
    Ok(Fate::Removed)
}

/// Whether an identity of this name is there now, of whatever incarnation.
async fn lives(context: &AccountContext, orphan: &Owned) -> Result<bool, Verdict> {
    match context.cluster.live(&orphan.owner.identity).await {
        Ok(live) => Ok(live.is_some()),
        Err(error) => Err(unwritten(&error)),
    }
}

fn cloud_failed(error: &CloudError) -> Verdict {
    tracing::warn!(error.type = error.kind.name(), %error, "a role without an identity was not removed");
    cloud_verdict(error)
}

pub fn unwritten(error: &ClusterError) -> Verdict {
    tracing::warn!(error.type = error.kind.name(), %error, "the removal of roles without an identity was not written down");
    let message = format!(
        "the whole account was read, but roles without an identity stay, because their removal could not be written down: {error}"
    );
    Verdict::retrying(Reason::Pending, message)
}
