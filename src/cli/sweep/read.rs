//! Reading a whole account, page by page, and keeping only what the question needs.

use std::collections::{BTreeMap, BTreeSet};

use super::Arguments;
use super::trusting::Asked;
use crate::api::v1alpha1::MachineIdentity;
use crate::cli::cluster::{Objects, Stage, failed, role_names};
use crate::cloud::Cloud;
use crate::domain::Swept;
use crate::names::{InstallationId, PrincipalKind};
use crate::plan::account::AccountSettings;

/// What was seen of an account.
#[derive(Debug, Default)]
pub struct Seen {
    /// Roles on our path, and others that have the name of an identity's role, by name.
    pub kept: BTreeMap<String, Swept>,
    pub pages: usize,
    pub roles: usize,
    pub ours: usize,
    /// Why the last page was not reached.
    pub problem: Option<String>,
    /// Who trusts the issuer that was asked for.
    pub trusting: Asked,
}

/// The identities of all accounts, in all namespaces.
pub async fn identities(objects: &dyn Objects) -> Result<Vec<MachineIdentity>, String> {
    objects.identities(None).await.map_err(|trouble| trouble.message)
}

/// Reads all pages, or as many as answer.
pub async fn account(
    arguments: &Arguments,
    settings: &AccountSettings,
    identities: &[MachineIdentity],
    installation: &InstallationId,
    cloud: &dyn Cloud,
    stage: &Stage,
) -> Seen {
    let names: BTreeSet<String> = role_names(identities, installation);
    let mut seen = Seen::default();
    if let Some(issuer) = &arguments.trusting {
        seen.trusting = Asked::about(issuer, settings);
    }
    let mut next = None;
    loop {
        stage.enter(format!("reading page {} of account `{}`", seen.pages + 1, arguments.account));
        let page = match cloud.sweep(next.as_ref()).await {
            Ok(page) => page,
            Err(error) => {
                seen.problem = Some(failed(&error));
                return seen;
            }
        };
        seen.pages += 1;
        // Users, where there are any, are not judged here yet.
        for role in page.principals.into_iter().filter(|found| found.kind == PrincipalKind::Role) {
            seen.roles += 1;
            seen.ours += usize::from(role.on_our_path);
            seen.trusting.look(&role);
            let is_wanted = role.on_our_path || names.contains(&role.name);
            if is_wanted && arguments.trusting.is_none() {
                seen.kept.insert(role.name.clone(), role);
            }
        }
        next = page.next;
        if next.is_none() {
            return seen;
        }
    }
}
