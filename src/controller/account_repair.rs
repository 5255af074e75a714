//! Repairing what an account's OIDC provider accepts and nobody declared.

use kube::ResourceExt as _;

use super::account::{AccountContext, Fleet, interval};
use super::account_check::{self, Checked};
use super::account_report::report;
use crate::api::v1alpha1::{CloudAccount, ContestStatus};
use crate::cluster::Announcement;
use crate::plan::contest::{Contest, contest};
use crate::plan::{Difference, DriftClass, Part, Standing, provider_changed};

/// Repairs the provider: what it was is written down first, and looked at after.
/// If somebody else changes it back each time, it stays as it is and that is told.
pub async fn repaired(
    context: &AccountContext,
    fleet: &dyn Fleet,
    account: &CloudAccount,
    checked: Checked,
) -> Checked {
    let used = context.accounts.find(&account.name_any());
    let Some(used) = used.filter(|_| checked.failed.is_none()) else { return checked };
    let Some(web) = used.settings.web_identity() else { return checked };
    let uid = account.uid().unwrap_or_default();
    // It has been there since the check before: no time that passes makes it new.
    let stayed = context.memory.recall(&uid).checked.is_some_and(|last| !extra(&last).is_empty());
    let before = before(context, account).map(|before| ContestStatus { stopped: stayed, ..before });
    let round = match contest(before.as_ref(), &extra(&checked), interval(account), context.now()) {
        Contest::Stop(rounds, _) => {
            return stays(
                checked,
                &format!(
                    "; it was taken off {rounds} times and came back each time, so Ambit has stopped: find who else manages the provider, then change the CloudAccount's spec"
                ),
            );
        }
        Contest::Repair(round) => round,
    };
    if report(context, account, checked.findings.clone()).await.is_err() {
        return checked;
    }
    for step in &checked.repairs {
        tracing::info!(step = step.name(), account = account.name_any(), "changing the OIDC provider");
        if let Err(error) = used.cloud.apply_provider(&web.issuer, step).await {
            tracing::warn!(error.type = error.kind.name(), %error, "the OIDC provider was not repaired");
            return stays(checked, &format!("; taking it off failed and is tried again: {error}"));
        }
    }
    context.memory.note(&uid, |known| known.contest = Some((account.metadata.generation, round)));
    let words: Vec<String> = extra(&checked).into_iter().map(|difference| difference.summary).collect();
    let note = format!("repaired: {}", words.join("; "));
    let announcement = Announcement { warning: false, reason: "Repaired".to_owned(), note };
    context.reporter.announce_account(account, &announcement).await;
    let again = account_check::check(context, fleet, account, &context.memory.recall(&uid)).await;
    // Not sound: the next sweep comes with a check, because reads may lag.
    Checked { sound: false, ..again }
}

/// What was repaired before under this spec: whoever changes it begins anew.
fn before(context: &AccountContext, account: &CloudAccount) -> Option<ContestStatus> {
    let (generation, before) = context.memory.recall(&account.uid().unwrap_or_default()).contest?;
    (generation == account.metadata.generation).then_some(before)
}

/// What is repaired: all else that differs at a provider is mended at once, or by nobody.
fn extra(checked: &Checked) -> Vec<Difference> {
    let drift = checked.findings.drift.iter().flatten();
    drift.filter(|found| found.part == Part::Provider && found.class == DriftClass::Foreign).cloned().collect()
}

/// `Ready` says what was not repaired, unless it has something graver to say.
fn stays(mut checked: Checked, why: &str) -> Checked {
    if checked.findings.ready.standing == Standing::Good {
        let differences: Vec<&Difference> = checked.findings.drift.iter().flatten().collect();
        checked.findings.ready = provider_changed(&differences, why);
    }
    checked
}
