//! Writing what was found out about an account, and telling people of what is new.

use kube::ResourceExt as _;

use super::account::AccountContext;
use super::outcome::{Failure, Outcome};
use crate::api::v1alpha1::{CloudAccount, CloudAccountStatus};
use crate::cluster::Announcement;
use crate::plan::{AccountFindings, conclude_account, without_ledger};

/// Writes what was found, if it is new. The error is the outcome that follows.
pub async fn report(
    context: &AccountContext,
    account: &CloudAccount,
    findings: AccountFindings,
) -> Result<(), Outcome> {
    let uid = account.uid().unwrap_or_default();
    let written = context.memory.recall(&uid).status;
    let previous = written.or_else(|| account.status.clone());
    let status = conclude_account(previous.as_ref(), account.metadata.generation, findings, context.now()); // pure
    if previous.as_ref() == Some(&status) {
        context.memory.note(&uid, |known| known.status = previous);
        return Ok(());
    }
    match context.reporter.report_account(account, &without_ledger(&status)).await {
        Ok(()) => {
            for announcement in news(previous.as_ref(), &status) {
                context.reporter.announce_account(account, &announcement).await;
            }
            context.memory.note(&uid, |known| known.status = Some(status));
            Ok(())
        }
        Err(error) => {
            tracing::warn!(error.type = error.kind.name(), %error, "the status of an account was not written");
            Err(Outcome::Failed(Failure::Cluster(error.kind)))
        }
    }
}

/// What people are told of: conditions that changed, and differences that are new.
fn news(previous: Option<&CloudAccountStatus>, status: &CloudAccountStatus) -> Vec<Announcement> {
    let mut news = Vec::new();
    for name in ["Ready", "Swept"] {
        let find = |status: &CloudAccountStatus| status.conditions.iter().find(|one| one.type_ == name).cloned();
        let (Some(now), before) = (find(status), previous.and_then(find)) else { continue };
        let same = before.as_ref().is_some_and(|before| (&before.status, &before.reason) == (&now.status, &now.reason));
        // A first sweep that went well is no news.
        let is_dull = now.status == "True" && name == "Swept" && before.is_none_or(|before| before.status != "False");
        if !same && !is_dull && now.status != "Unknown" {
            news.push(Announcement { warning: now.status == "False", reason: now.reason, note: now.message });
        }
    }
    let told = previous.and_then(|previous| previous.drift.as_ref()).map(|drift| drift.items.as_slice());
    let items = status.drift.iter().flat_map(|drift| &drift.items);
    let fresh = items.filter(|item| {
        !told
            .unwrap_or_default()
            .iter()
            .any(|known| (&known.part, &known.subject, &known.class) == (&item.part, &item.subject, &item.class))
    });
    let words: Vec<&str> = fresh.map(|item| item.summary.as_str()).collect();
    if !words.is_empty() {
        news.push(Announcement { warning: true, reason: "Drifted".to_owned(), note: words.join("; ") });
    }
    news
}
