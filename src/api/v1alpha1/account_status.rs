//! What the operator says about an account.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::drift::DriftStatus;

/// What is known of the account.
///
/// A settled account causes no write: numbers are those of the last sweep or
/// check that found anything new, and times move only together with them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudAccountStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Swept`, always; `Reconciling` or `Stalled` while they are true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The account's identities, counted when it was last swept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<IdentityCounts>,
    /// The last sweep that reached its end and whose counts differ from the sweep before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sweep: Option<SweepStatus>,
    /// Roles of this installation whose identity is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphans: Option<OrphanStatus>,
    /// How much of the account is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageStatus>,
    /// The permissions boundary as it was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<BoundaryStatus>,
    /// The OIDC provider of the cluster's issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderStatus>,
    /// How provider and boundary differ from what was declared or first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftStatus>,
}

/// Identities by what their status says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentityCounts {
    /// All of them.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub total: i32,
    /// Those whose `Ready` is True.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub ready: i32,
    /// All others.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub not_ready: i32,
    /// Those that are not as declared.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub drifted: i32,
}

/// What a sweep counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweepStatus {
    /// When it ended. A later sweep that counted the same moves it only if something
    /// else in this status changed with it.
    pub time: Time,
    /// The pages that were read.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub pages: i32,
    /// The calls that it took.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub calls: i32,
    /// The roles in the account, everybody's.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub roles: i32,
    /// Those on this installation's path.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub ours: i32,
    /// The identities that were not as declared, and were looked at again.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub suspects: i32,
    /// The roles whose identity is gone.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub orphans: i32,
}

/// Roles whose identity is gone, and how many of them were removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanStatus {
    /// How many the last sweep found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub found: Option<i32>,
    /// How many removals were begun since `windowStart`. The count begins anew when
    /// an hour has passed without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub removed: Option<i32>,
    /// The first removal that `removed` counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_start: Option<Time>,
    /// The last removal that `removed` counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_removal_time: Option<Time>,
}

/// What the account counts of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageStatus {
    /// The roles that there are.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub roles: i32,
    /// The roles that there may be.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub roles_quota: i32,
}

/// The permissions boundary as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoundaryStatus {
    /// The digest of what it means: another way to write the same does not change
    /// it. `spec.aws.permissionsBoundaryDigest` pins it.
    #[schemars(length(max = 80))]
    pub digest: String,
    /// When Ambit noticed that it means something else than before. Absent: it never has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_time: Option<Time>,
}

/// The OIDC provider as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderStatus {
    /// The audiences that it accepts, 100 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 255)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub audiences: Vec<String>,
    /// The fingerprints of certificates that it trusted when it was first seen
    /// under this generation of the spec, 5 at most. `drift` lists what changed since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(length(max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub thumbprints: Vec<String>,
}
