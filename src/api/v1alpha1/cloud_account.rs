//! `CloudAccount`: a cloud account that Ambit manages identities in.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::NamespaceSelector;

/// A cloud account in which Ambit makes principals for identities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[kube(
    group = "ambit.dev",
    version = "v1alpha1",
    kind = "CloudAccount",
    shortname = "ca",
    shortname = "cac",
    category = "ambit",
    status = "CloudAccountStatus",
    derive = "PartialEq",
    doc = "A cloud account in which Ambit makes one principal for each identity.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("must have a name of at most 63 characters"),
    printcolumn(name = "READY", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether identities can be made in this account."),
    printcolumn(name = "REASON", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", description = "Why."),
    printcolumn(name = "ACCOUNT", type_ = "string", json_path = ".spec.aws.accountId", description = "The account's id at its cloud."),
    printcolumn(name = "MESSAGE", type_ = "string", priority = 1, json_path = ".status.conditions[?(@.type==\"Ready\")].message", description = "The whole message."),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was created.")
)]
#[x_kube(validation = Rule::new("has(self.aws)").message("must set `aws`: it is the only cloud that this version supports"))]
pub struct CloudAccountSpec {
    /// An account of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsAccountSpec>,
    /// The namespaces whose identities may use the account. Absent: none. Empty: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<NamespaceSelector>,
    /// How often the whole account is read to find what changed there.
    #[serde(default = "ten_minutes")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]+(h|m|s))+$"))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')")
        .message("must be a duration from '1s' to '24h'"))]
    pub sweep_interval: Duration,
    /// The most calls per second that Ambit makes to this account.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests_per_second: i32,
}

fn ten_minutes() -> Duration {
    std::time::Duration::from_mins(10).into()
}

fn ten() -> i32 {
    10
}

/// An account of AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self.accountId == oldSelf.accountId && self.partition == oldSelf.partition && self.rolePath == oldSelf.rolePath")
        .message("`accountId`, `partition` and `rolePath` must stay as they are: roles that exist would be lost; make another CloudAccount instead"),
    validation = Rule::new("self.permissionsBoundaryArn.startsWith('arn:' + self.partition + ':iam::')")
        .message("`permissionsBoundaryArn` must be the ARN of a managed policy in the partition of the account")
)]
pub struct AwsAccountSpec {
    /// The account's id: twelve digits.
    #[schemars(length(min = 12, max = 12), regex(pattern = "^[0-9]{12}$"))]
    pub account_id: String,
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, …
    #[serde(default = "aws")]
    #[schemars(length(min = 3, max = 24), regex(pattern = "^aws(-[a-z-]+)?$"))]
    pub partition: String,
    /// The region whose STS endpoint is called, and that pods get as their default.
    #[schemars(length(min = 5, max = 32), regex(pattern = "^[a-z]{2,}(-[a-z]+)+-[0-9]+$"))]
    pub region: String,
    /// A role to assume before each call. Absent: Ambit's own ambient credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRole>,
    /// The path under which all roles are made. Ambit adds its installation id to it.
    #[serde(default = "ambit_path")]
    #[schemars(length(min = 1, max = 400), regex(pattern = "^/([A-Za-z0-9_+=,.@-]+/)*$"))]
    pub role_path: String,
    /// The managed policy that bounds every role that Ambit makes.
    #[schemars(
        length(min = 20, max = 2048),
        regex(pattern = "^arn:aws(-[a-z-]+)?:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+$")
    )]
    pub permissions_boundary_arn: String,
    /// How identities of this cluster prove themselves to the account.
    pub federation: FederationSpec,
}

fn aws() -> String {
    "aws".into()
}

fn ambit_path() -> String {
    "/ambit/".into()
}

/// A role that Ambit assumes to work in the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssumeRole {
    /// The role's ARN.
    #[schemars(
        length(min = 20, max = 2048),
        regex(pattern = "^arn:aws(-[a-z-]+)?:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$")
    )]
    pub arn: String,
    /// The external id that the role's trust policy asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224), regex(pattern = "^[A-Za-z0-9_+=,.@:/-]+$"))]
    pub external_id: Option<String>,
}

/// How subjects prove themselves without a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.webIdentity)").message("must set `webIdentity`: it is the only federation that this version supports"))]
pub struct FederationSpec {
    /// Tokens of the cluster's own OIDC issuer (IRSA).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_identity: Option<WebIdentitySpec>,
}

/// Federation through the cluster's OIDC issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebIdentitySpec {
    /// The issuer's URL, as it stands in the tokens.
    #[schemars(length(min = 10, max = 255))]
    #[x_kube(validation = Rule::new("self.startsWith('https://') && !self.endsWith('/') && !self.contains('*') && !self.contains('?') && !self.contains('#') && !self.contains('$')")
        .message("must be the issuer's URL as it stands in tokens: 'https://…' without wildcard, query, or slash at its end"))]
    pub issuer: String,
    /// The audience of the tokens.
    #[serde(default = "sts_audience")]
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9._:/-]+$"))]
    pub audience: String,
    /// Whether Ambit registers the issuer with the account, or expects it there.
    #[serde(default)]
    pub provider: ProviderPolicy,
}

fn sts_audience() -> String {
    "sts.amazonaws.com".into()
}

/// What to do about the OIDC provider in the account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProviderPolicy {
    /// Register it if it is not there.
    #[default]
    Create,
    /// Expect it to be there.
    Existing,
}

/// What is known of the account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudAccountStatus {
    /// The generation of the spec that this status tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// `Ready`, and `Reconciling` or `Stalled` while they are true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
