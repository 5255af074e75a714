//! What the operator says about an identity.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::credentials::CredentialsStatus;
use super::delivery::DeliveryStatus;
use super::drift::{ContestStatus, DriftStatus};

/// What the operator knows about the identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MachineIdentityStatus {
    /// The generation of the spec that this status is about.
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
    /// How pods got the identity when it was last delivered. Absent: as every account has it
    /// that says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryStatus>,
    /// How the live principal differed when it was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftStatus>,
    /// The credentials that Ambit keeps in a Secret, where the identity asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsStatus>,
    /// How often in a row the same drift was repaired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contest: Option<ContestStatus>,
    /// How far the closing of a suspended identity has come. It stays until the identity is
    /// open again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionStatus>,
    /// The value of the annotation `ambit.dev/reconcile` that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile: Option<String>,
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

/// How far the closing of a suspended identity has come. Each time is when the cloud was first
/// seen to have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuspensionStatus {
    /// The principal is denied everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_time: Option<Time>,
    /// Nobody can become the principal any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_emptied_time: Option<Time>,
    /// Sessions from before `sessionsBefore` are denied, also when the identity is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_denied_time: Option<Time>,
    /// The time before which sessions are denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_before: Option<Time>,
}

/// The principal in AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsStatus {
    /// The role's ARN. Absent where the identity is a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub role_arn: Option<String>,
    /// The role's unique id. A role of another id under the same name is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub role_id: Option<String>,
    /// The user's ARN, where the identity has an access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub user_arn: Option<String>,
    /// The user's unique id. A user of another id under the same name is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub user_id: Option<String>,
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
    /// Sessions from before this time are denied everything, because the identity was suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_denied_before: Option<Time>,
    /// The pod identity association that was read back, where pods get the role by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_identity_association: Option<AssociationStatus>,
}

impl AwsStatus {
    /// The ARN of the role or user.
    #[must_use]
    pub fn arn(&self) -> Option<&str> {
        self.role_arn.as_deref().or(self.user_arn.as_deref())
    }

    /// The unique id of the role or user.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.role_id.as_deref().or(self.user_id.as_deref())
    }
}

/// A pod identity association: what hands a role to the pods of a service account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssociationStatus {
    /// Its id at EKS.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    /// The service account whose pods get the role.
    #[schemars(length(min = 1, max = 253))]
    pub service_account: String,
}
