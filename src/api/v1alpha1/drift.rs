//! What status says of drift: how live differs from declared, who did it, and
//! whether somebody keeps doing it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// How live differs from declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// The gravest class among the items, from the least: `Narrowed`, `Missing`,
    /// `Changed`, `Foreign`, `Unreadable`, `Widened`.
    #[schemars(length(max = 32))]
    pub class: String,
    /// Since when live has differed.
    pub since: Time,
    /// The differences, 20 at most, the gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub items: Vec<DriftItem>,
    /// Whether there are more differences than items.
    #[serde(default)]
    pub truncated: bool,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftItem {
    /// The part that differs: `permissions`, `trust`, `boundary`, `tags`,
    /// `sessionDuration`, `inlinePolicy`, `attachment`, `group`, `loginProfile`,
    /// `role`, `association`, `serviceAccount`, `bindingTable` or, of an account, `provider`.
    #[schemars(length(max = 64))]
    pub part: String,
    /// Which one, where there may be several: the name of an inline policy or of
    /// a group, or the ARN of an attached policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub subject: Option<String>,
    /// `Narrowed`, `Missing`, `Changed`, `Foreign`, `Unreadable` or `Widened`.
    #[schemars(length(max = 32))]
    pub class: String,
    /// How much it matters: `warning`, or `critical` where somebody may have
    /// access that nobody declared.
    #[schemars(length(max = 16))]
    pub severity: String,
    /// The difference in words.
    #[schemars(length(max = 1024))]
    pub summary: String,
    /// Since when this has been seen.
    pub since: Time,
    /// A request that one side allows and the other does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<DriftWitness>,
    /// Who did it, where an event said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<DriftAuthor>,
}

/// A request that shows a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftWitness {
    /// Such as `s3:DeleteObject`.
    #[schemars(length(max = 256))]
    pub action: String,
    /// An ARN, or `*` for an action without a resource.
    #[schemars(length(max = 2048))]
    pub resource: String,
    /// Who calls, where the difference is about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub principal: Option<String>,
    /// The condition keys of the request, 20 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub context: Vec<WitnessKey>,
}

/// One condition key of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WitnessKey {
    /// The key.
    #[schemars(length(max = 256))]
    pub key: String,
    /// Its values, 20 at most.
    #[schemars(length(max = 20), inner(length(max = 1024)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub values: Vec<String>,
}

/// Who did something, as the account's own record of events has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftAuthor {
    /// Who called: an ARN where there is one.
    #[schemars(length(max = 2048))]
    pub principal: String,
    /// The address or the service that the call came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub source: Option<String>,
    /// What was called, such as `iam:PutRolePolicy`.
    #[schemars(length(max = 128))]
    pub operation: String,
    /// The event's id in the account's trail.
    #[schemars(length(max = 128))]
    pub event: String,
    /// When the cloud says that it happened.
    pub time: Time,
}

/// How often in a row the same drift was repaired: more than once says that
/// somebody else changes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContestStatus {
    /// The parts that were repaired, 20 at most.
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub parts: Vec<ContestedPart>,
    /// When something was repaired last.
    pub last_repair_time: Time,
    /// Whether Ambit has given up on it.
    #[serde(default)]
    pub stopped: bool,
}

/// A part that was repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContestedPart {
    /// The part, as drift names it.
    #[schemars(length(max = 64))]
    pub part: String,
    /// Which one, where there may be several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub subject: Option<String>,
    /// How often in a row it was repaired.
    #[schemars(range(min = 1, max = 1000))]
    pub rounds: i32,
}
