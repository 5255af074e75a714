//! Findings about a set of files, as the operator and a careful reader would have them.

use super::code::Code;
use super::finding::Finding;
use super::lint;
use super::manifest::{Content, Manifest};
use super::ungrounded;
use super::world::{Judged, World};
use crate::api::v1alpha1::CloudAccount;
use crate::names::InstallationId;
use crate::plan::Reason;
use crate::plan::account::AccountSettings;
use crate::policy::Catalogue;

/// How to get what is missing to judge an identity by.
pub const HOW_TO_GET: &str = "hand in what the cluster has: `kubectl get cloudaccounts,scopepolicies,machineidentities,namespaces -o yaml > cluster.yaml`, and `--with cluster.yaml`";

/// What is to be said of the objects beyond what the API server says of each by itself.
#[must_use]
pub fn findings(
    objects: &[Manifest],
    world: &World,
    installation: &InstallationId,
    catalogue: &Catalogue,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for declared in &world.identities {
        found.extend(identity(&world.judge(declared, installation, catalogue), installation, catalogue));
    }
    for manifest in objects {
        match &manifest.content {
            Content::Account(object) => found.extend(account(manifest, object, installation)),
            Content::Policy(object) => found.extend(lint::policy(manifest, object, catalogue)),
            Content::Identity(_) | Content::Namespace(_) | Content::Test(_) => {}
        }
    }
    found
}

fn identity(judged: &Judged<'_>, installation: &InstallationId, catalogue: &Catalogue) -> Vec<Finding> {
    let manifest = &judged.declared.manifest;
    let faults = |faults: &[crate::plan::Fault]| {
        let told = faults
            .iter()
            .map(|fault| manifest.finding(Code::of(fault.reason), &fault.field, fault.message.clone(), None));
        told.collect::<Vec<_>>()
    };
    let refusal = judged.outcome.as_ref().err();
    if judged.missing.is_empty() {
        return refusal.map_or_else(Vec::new, |refusal| faults(&refusal.faults));
    }
    let mut found = faults(&ungrounded::faults(judged.declared, installation, catalogue));
    let first = refusal.and_then(|refusal| refusal.faults.first());
    let field = first.map_or("metadata.namespace", |fault| &fault.field);
    let mut message = format!(
        "it is not known whether it would be accepted, because the files do not hold {}",
        listed(&judged.missing)
    );
    if let Some(fault) = first.filter(|fault| matches!(fault.reason, Reason::ScopeDenied | Reason::Undecidable)) {
        message = format!("{message}; as far as the files tell, {}", fault.message);
    }
    found.push(manifest.finding(Code::NotJudged, field, message, Some(HOW_TO_GET)));
    found
}

fn account(manifest: &Manifest, account: &CloudAccount, installation: &InstallationId) -> Option<Finding> {
    let error = AccountSettings::parse(&account.spec, installation).err()?;
    Some(manifest.finding(Code::AccountNotFound, error.field(), format!("the account cannot be used: {error}"), None))
}

/// Things in a sentence.
#[must_use]
pub fn listed(missing: &[String]) -> String {
    match missing.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests;
