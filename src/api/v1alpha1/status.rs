//! What the operator says about an identity.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What the operator knows about the identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MachineIdentityStatus {
    /// The generation of the spec that this status tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Accepted`, `Provisioned`, `Bound`, `InSync` and
    /// `CredentialsFresh`, always; `Reconciling` or `Stalled` while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// What the identity may do, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub summary: Option<String>,
    /// The principal in AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsStatus>,
    /// How the live principal differed when it was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftStatus>,
    /// When the identity was last proven usable. It moves only when something changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_verified_time: Option<Time>,
    /// The number of scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 50))]
    pub scope_count: Option<i32>,
    /// The number of differences between declared and live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub drift_count: Option<i32>,
}

/// The principal in AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsStatus {
    /// The role's ARN.
    #[schemars(length(max = 2048))]
    pub role_arn: String,
    /// The role's unique id. A role of another id under the same name is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub role_id: Option<String>,
    /// The digest of the permissions as they were last declared and read back.
    #[schemars(length(max = 80))]
    pub permissions_digest: String,
    /// The digest of the trust as it was last declared and read back.
    #[schemars(length(max = 80))]
    pub trust_digest: String,
    /// The permissions boundary that was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub permissions_boundary_arn: Option<String>,
    /// The longest session in seconds that was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3600, max = 43_200))]
    pub session_seconds: Option<i32>,
}

/// How live differs from declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// The worst class among the items: `None`, `Changed`, `Missing` or `Foreign`.
    #[schemars(length(max = 32))]
    pub class: String,
    /// Since when live has differed, or when it was last repaired.
    pub since: Time,
    /// The differences, 20 at most.
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
    /// `sessionDuration`, `inlinePolicy`, `attachment` or `role`.
    #[schemars(length(max = 64))]
    pub part: String,
    /// `Changed`, `Missing` or `Foreign`.
    #[schemars(length(max = 32))]
    pub class: String,
    /// The difference in words.
    #[schemars(length(max = 512))]
    pub summary: String,
}
