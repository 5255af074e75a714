//! Every identity of an account beside what was read of it in bulk. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use super::read::Seen;
use crate::api::v1alpha1::{AwsStatus, MachineIdentity};
use crate::cli::cluster::key;
use crate::cli::diff::{self, Witness};
use crate::domain::{Denial, Observation, Observed};
use crate::names::{InstallationId, PrincipalName};
use crate::plan::account::AccountSettings;
use crate::plan::orphan::Owned;
use crate::plan::{Decision, Declaration, Difference, DriftClass, Recorded, Resolved, compile, decide, judge};
use crate::policy::Catalogue;

/// What a bulk read cannot tell. It stands under the answer.
pub const NOT_LOOKED_AT: [&str; 4] = [
    "the longest session of roles: bulk reads leave it out, `ambit diff` has it",
    "the way from pods to roles: `ambit diff` has it",
    "what the boundary and attached managed policies hold: only whether they are the declared ones",
    "policies of resources and of the organisation",
];

/// How an identity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    InSync,
    /// Written in another way, and meaning the same.
    Cosmetic,
    /// Ambit itself denies it everything.
    Revoked,
    /// Somebody suspended it, and it is closed.
    Suspended,
    /// It is being deleted.
    Deleting,
    /// Its declaration cannot be made into a role, so there is nothing to compare with.
    Refused,
    /// The account was not read to its end, and the role was not seen.
    NotSeen,
    Missing,
    /// A role of its name is somebody else's.
    Foreign,
    Drifted,
}

/// All identities, and the roles on our path that have none in any account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    pub identities: Vec<Row>,
    /// Those that the operator takes for orphans, and removes unless it is told to keep them.
    pub orphans: Vec<LeftOver>,
    /// Those that were left behind on purpose.
    pub retained: Vec<LeftOver>,
    /// Those that do not prove to be Ambit's. Nobody touches them.
    pub strays: Vec<LeftOver>,
}

/// One identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub identity: String,
    pub role: String,
    pub state: State,
    /// Why there is nothing to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Item>,
    /// When its role was last used, as far as the cloud keeps that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub part: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub class: &'static str,
    pub severity: &'static str,
    pub widens: bool,
    pub summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOver {
    pub role: String,
    pub arn: String,
    /// The identity that its tags name; none where they do not name this installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}

impl Compared {
    pub fn widens(&self) -> bool {
        self.identities.iter().flat_map(|row| &row.differences).any(|item| item.widens)
    }

    /// Whether anything is not as it should be.
    pub fn differs(&self) -> bool {
        !self.orphans.is_empty()
            || !self.strays.is_empty()
            || self.identities.iter().any(|row| row.state > State::Deleting)
    }

    /// How many identities stand so.
    pub fn count(&self, state: State) -> usize {
        self.identities.iter().filter(|row| row.state == state).count()
    }
}

/// Compares all. `taken` has the names of the roles of all identities, of whatever account.
pub fn compared(
    seen: &Seen,
    identities: &[MachineIdentity],
    taken: &BTreeSet<String>,
    settings: &AccountSettings,
    installation: &InstallationId,
) -> Compared {
    let mut rows: Vec<Row> = identities.iter().map(|one| row(seen, one, settings, installation)).collect();
    rows.sort_by(|a, b| a.identity.cmp(&b.identity));
    let mut compared = Compared { identities: rows, orphans: vec![], retained: vec![], strays: vec![] };
    for role in seen.kept.values().filter(|role| role.on_our_path && !taken.contains(&role.name)) {
        let is_ours = role.owner.installation.as_deref() == Some(installation.as_str());
        let left_over = LeftOver {
            role: role.name.clone(),
            arn: role.arn.clone(),
            identity: role.owner.identity.clone().filter(|_| is_ours),
            last_used: role.last_used.map(|time| time.to_string()),
        };
        // As the operator judges it.
        if Owned::of(role, installation).is_some() {
            compared.orphans.push(left_over);
        } else if is_ours && role.owner.is_retained() {
            compared.retained.push(left_over);
        } else {
            compared.strays.push(left_over);
        }
    }
    compared
}

fn row(seen: &Seen, identity: &MachineIdentity, settings: &AccountSettings, installation: &InstallationId) -> Row {
    let key = key(identity);
    let name = PrincipalName::role(installation, &key);
    let role = seen.kept.get(name.as_str());
    let mut row = Row {
        identity: key.to_string(),
        role: name.to_string(),
        state: State::InSync,
        about: None,
        differences: Vec::new(),
        last_used: role.and_then(|role| role.last_used).map(|time| time.to_string()),
    };
    if identity.metadata.deletion_timestamp.is_some() {
        row.state = State::Deleting;
        return row;
    }
    let declaration = Declaration { identity, key: &key };
    let resolved = match compile(declaration, settings.clone(), installation, Catalogue::embedded()) {
        Ok(resolved) => resolved,
        Err(refusal) => {
            row.state = State::Refused;
            row.about = Some(format!("{}: {}", refusal.verdict.reason.name(), refusal.verdict.message));
            return row;
        }
    };
    match role.map(crate::domain::Swept::read) {
        None => absent(&mut row, identity, seen),
        Some(live) => present(&mut row, identity, &resolved, live),
    }
    row
}

fn absent(row: &mut Row, identity: &MachineIdentity, seen: &Seen) {
    if seen.problem.is_some() {
        row.state = State::NotSeen;
        return;
    }
    row.state = State::Missing;
    let aws = identity.status.as_ref().and_then(|status| status.aws.as_ref());
    row.about = Some(diff::absent(aws.and_then(AwsStatus::id)));
}

fn present(row: &mut Row, identity: &MachineIdentity, resolved: &Resolved, live: Observed) {
    let is_closed = live.denial == Denial::InPlace;
    let status = identity.status.as_ref();
    let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    let is_suspended =
        identity.spec.suspend && conditions.iter().any(|one| one.type_ == "InSync" && one.reason == "Suspended");
    let is_revoked = conditions.iter().any(|one| one.type_ == "InSync" && one.reason == "Revoked");
    let recorded = Recorded {
        id: status.and_then(|status| status.aws.as_ref()).and_then(|aws| aws.id().map(str::to_owned)),
        ..Recorded::default()
    };
    let found = judge(&resolved.desired, &live);
    if let Decision::NotOurs(why) = decide(&resolved.desired, &Observation::Present(live), &recorded, true) {
        (row.state, row.about) = (State::Foreign, Some(why));
        return;
    }
    if is_closed && is_suspended {
        row.state = State::Suspended;
        row.about = Some("somebody suspended it: it is denied everything and lets nobody in".to_owned());
        return;
    }
    if is_closed && is_revoked {
        row.state = State::Revoked;
        row.about = Some("Ambit itself denies it everything, as a ScopePolicy says".to_owned());
        return;
    }
    row.state = match found.iter().map(|one| one.class).max() {
        None => State::InSync,
        Some(DriftClass::Cosmetic) => State::Cosmetic,
        Some(_) => State::Drifted,
    };
    row.differences = found.into_iter().map(item).collect();
}

fn item(found: Difference) -> Item {
    Item {
        part: found.part.name(),
        class: found.class.name(),
        severity: found.severity().name(),
        widens: found.widens,
        witness: found.witness.as_ref().map(Witness::of),
        subject: found.subject,
        summary: found.summary,
    }
}
