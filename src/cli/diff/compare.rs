//! The comparison of one identity, computed purely from what was gathered.

use serde::Serialize;

use super::parts::{association_part, binding_parts, part, role_parts};
use super::side::Side;
use crate::api::v1alpha1::{Binding, MachineIdentity, ManagementPolicy};
use crate::domain::annotation::Annotations;
use crate::domain::{Association, Observation, Observed};
use crate::names::IdentityKey;
use crate::plan::{Decision, Difference, DriftClass, Part, Recorded, Resolved, Severity, decide};
use crate::policy::Request;

/// Everything that was gathered about one identity.
pub struct Gathered {
    pub key: IdentityKey,
    pub identity: MachineIdentity,
    /// The name of its account.
    pub account: String,
    pub resolved: Resolved,
    pub live: Observation<Observed>,
    pub service_account: ServiceAccount,
    pub entry: Entry,
    /// What hands the role to its pods, where EKS does and it could be read.
    pub association: Option<Observation<Association>>,
    /// What could not be looked at, and why.
    pub not_looked_at: Vec<String>,
}

/// A service account.
pub enum ServiceAccount {
    /// It could not be read.
    NotRead,
    /// There is none of that name.
    Absent,
    /// It is there, with these annotations.
    There(Annotations),
}

/// The entry of a service account in the namespace's table.
pub enum Entry {
    /// The table could not be read.
    NotRead,
    /// There is none.
    Absent,
    There(Binding),
}

/// How an identity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Live is as declared.
    InSync,
    /// Live is written in another way and means the same.
    Cosmetic,
    /// Something differs.
    Drifted,
    /// The role is not there.
    Missing,
    /// A role of its name is somebody else's.
    Foreign,
}

/// One identity, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    pub identity: String,
    pub account: String,
    pub account_id: String,
    pub role_arn: String,
    pub state: State,
    /// The gravest among the differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<&'static str>,
    /// Whether live allows more than was declared, or may.
    pub widens: bool,
    /// Why there is nothing to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What one should know beside it.
    pub notes: Vec<String>,
    /// Every part, also those that do not differ.
    pub parts: Vec<PartReport>,
    pub not_looked_at: Vec<String>,
}

/// One part on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartReport {
    pub part: &'static str,
    /// Which one, where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it differs; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<DifferenceReport>,
    pub desired: Side,
    pub live: Side,
}

/// How a part differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceReport {
    /// What the words for class and severity stand for: the gravest is the greatest.
    #[serde(skip)]
    pub rank: (Severity, DriftClass),
    pub class: &'static str,
    pub severity: &'static str,
    pub widens: bool,
    pub summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// Since when status tells of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Who did it, as status tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// A request that one side allows and the other does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    pub action: String,
    pub resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub context: std::collections::BTreeMap<String, Vec<String>>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct By {
    pub principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub operation: String,
    pub event: String,
    pub time: String,
}

impl Witness {
    pub fn of(request: &Request) -> Self {
        Self {
            action: request.action.clone(),
            resource: request.resource.clone(),
            principal: request.principal.clone(),
            context: request.context.iter().map(|value| (value.key.clone(), value.values.clone())).collect(),
        }
    }
}

/// Compares.
pub fn compared(gathered: &Gathered) -> Compared {
    let Gathered { identity, resolved, live, .. } = gathered;
    let desired = &resolved.desired;
    let aws = identity.status.as_ref().and_then(|status| status.aws.as_ref());
    let recorded = Recorded { id: aws.and_then(|aws| aws.id().map(str::to_owned)), ..Recorded::default() };
    let (mut parts, mut about, mut state) = (Vec::new(), None, State::InSync);
    match (live, decide(desired, live, &recorded, true)) {
        (_, Decision::NotOurs(why)) => {
            about = Some(why);
            state = State::Foreign;
        }
        (Observation::Absent, _) => {
            let words = absent(recorded.id.as_deref());
            about = Some(words.clone());
            state = State::Missing;
            let difference = Difference::new(Part::Role, DriftClass::Missing, words);
            let there = Side::line(format!("role {}", resolved.role_arn));
            parts.push(part(identity, Part::Role, None, Some(difference), there, Side::line("not there")));
        }
        (Observation::Present(live), _) => parts.extend(role_parts(identity, resolved, live)),
    }
    parts.extend(association_part(gathered));
    parts.extend(binding_parts(gathered));
    if state == State::InSync {
        state = standing(&parts);
    }
    let gravest = parts.iter().filter_map(|part| part.difference.as_ref()).max_by_key(|found| found.rank);
    Compared {
        identity: gathered.key.to_string(),
        account: gathered.account.clone(),
        account_id: resolved.account.account.to_string(),
        role_arn: resolved.role_arn.clone(),
        state,
        class: if state == State::Foreign { Some(DriftClass::Foreign.name()) } else { gravest.map(|one| one.class) },
        severity: if state == State::Foreign {
            Some(Severity::Warning.name())
        } else {
            gravest.map(|one| one.severity)
        },
        widens: parts.iter().filter_map(|part| part.difference.as_ref()).any(|found| found.widens),
        about,
        notes: notes(identity),
        not_looked_at: gathered.not_looked_at.clone(),
        parts,
    }
}

/// A role that is not there. Whether it was, the identity's status knows.
pub fn absent(id: Option<&str>) -> String {
    match id {
        Some(id) => format!("the role is not there; it was, with the id `{id}`: somebody deleted it"),
        None => "the role is not there: it was not made yet".to_owned(),
    }
}

fn standing(parts: &[PartReport]) -> State {
    match parts.iter().filter_map(|part| Some(part.difference.as_ref()?.rank.1)).max() {
        None => State::InSync,
        Some(DriftClass::Cosmetic) => State::Cosmetic,
        Some(_) => State::Drifted,
    }
}

fn notes(identity: &MachineIdentity) -> Vec<String> {
    let status = identity.status.as_ref();
    let mut notes = Vec::new();
    if identity.metadata.deletion_timestamp.is_some() {
        notes.push("it is being deleted, and its role with it".to_owned());
    }
    if identity.spec.suspend {
        notes.push(
            "it is suspended: its role is to be denied everything and to let nobody in, whatever is declared"
                .to_owned(),
        );
    }
    match identity.spec.management_policy {
        ManagementPolicy::Enforce => {}
        ManagementPolicy::Observe => {
            notes.push("`managementPolicy` is Observe: Ambit repairs nothing of it".to_owned());
        }
        ManagementPolicy::Paused => notes.push("`managementPolicy` is Paused: Ambit does not look at it".to_owned()),
    }
    let observed = status.and_then(|status| status.observed_generation);
    if observed != identity.metadata.generation {
        notes.push("Ambit has not worked on the newest declaration yet".to_owned());
    }
    let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    for condition in conditions.iter().filter(|condition| condition.type_ == "Ready" && condition.reason == "Revoked") {
        notes.push(format!("Ambit itself denies it everything: {}", condition.message));
    }
    for condition in conditions.iter().filter(|one| one.type_ == "Accepted" && one.status == "False") {
        notes.push(format!("the declaration is not accepted: {}: {}", condition.reason, condition.message));
    }
    notes
}
