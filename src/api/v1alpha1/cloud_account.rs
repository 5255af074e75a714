//! `CloudAccount`: a cloud account that Ambit manages identities in.

use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account_status::CloudAccountStatus;
use super::common::NamespaceSelector;
use super::delivery::{DeliveryMethod, TokenSpec};

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
    printcolumn(name = "SWEPT", type_ = "string", json_path = ".status.conditions[?(@.type==\"Swept\")].status", description = "Whether the account was read in full, so that drift is found."),
    printcolumn(name = "IDENTITIES", type_ = "integer", json_path = ".status.identities.total", description = "Identities in this account when it was last swept."),
    printcolumn(name = "ACCOUNT", type_ = "string", priority = 1, json_path = ".spec.aws.accountId", description = "The account's id at its cloud."),
    printcolumn(name = "DRIFTED", type_ = "integer", priority = 1, json_path = ".status.identities.drifted", description = "Identities that were not as declared when it was last swept."),
    printcolumn(name = "ORPHANS", type_ = "integer", priority = 1, json_path = ".status.orphans.found", description = "Roles whose identity is gone."),
    printcolumn(name = "MESSAGE", type_ = "string", priority = 1, json_path = ".status.conditions[?(@.type==\"Ready\")].message", description = "The whole message."),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was created.")
)]
#[x_kube(
    validation = Rule::new("has(self.aws)").message("must set `aws`: it is the only cloud that this version supports"),
    validation = Rule::new("!has(self.aws) || !has(self.events) || !has(self.events.aws) || ((self.aws.partition == 'aws-cn') == self.events.aws.queueUrl.startsWith('https://sqs.cn-') && (self.aws.partition == 'aws-us-gov') == self.events.aws.queueUrl.startsWith('https://sqs.us-gov-'))")
        .message("`events.aws.queueUrl` must be a queue in the partition of the account")
)]
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
    /// The source of change events for this account. Absent: sweeps find the changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventsSpec>,
    /// The most calls per second that Ambit makes to this account.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests_per_second: i32,
    /// What becomes of roles of this installation whose identity is gone for good.
    /// `Delete` removes at most a fifth of the installation's roles within an hour (but
    /// always one), and 20 after one sweep.
    #[serde(default)]
    pub orphans: OrphanPolicy,
    /// Who may set `spec.suspend` of an identity of the account back to false, or delete an
    /// identity while it is suspended.
    #[serde(default)]
    pub resume_by: ResumeBy,
}

/// Who may open a suspended identity again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ResumeBy {
    /// Whoever may edit it.
    #[default]
    Anyone,
    /// Whoever may edit it, but for the user who suspended it.
    AnotherPerson,
}

/// What becomes of roles whose identity is gone, and that were not left behind on
/// purpose by `deletionPolicy: Retain`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OrphanPolicy {
    /// They are denied everything and deleted when two sweeps found them: at most a
    /// fifth of the installation's roles within an hour (but always one), and 20
    /// after one sweep.
    #[default]
    Delete,
    /// They are counted in status, and stay.
    Keep,
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
    validation = Rule::new("!has(oldSelf.federation.podIdentity) || (has(self.federation.podIdentity) && self.federation.podIdentity.clusterName == oldSelf.federation.podIdentity.clusterName && self.region == oldSelf.region)")
        .message("`federation.podIdentity` and `region` must stay as they are: associations of that cluster would be left behind; make another CloudAccount instead"),
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
    /// What the boundary must mean: the digest that `status.boundary.digest` shows.
    /// While it means something else, no new role is made under it. Absent: a change of
    /// it is an event and `status.boundary.changedTime`, and holds nothing back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 39, max = 39), regex(pattern = "^sha256:[0-9a-f]{32}$"))]
    pub permissions_boundary_digest: Option<String>,
    /// How identities of this cluster prove themselves to the account.
    pub federation: FederationSpec,
    /// Whether identities may be users with access keys. Ambit's own policy has to allow it as
    /// well: `ambit account policy` prints what that takes.
    #[serde(default)]
    pub access_keys: AccessKeyPolicy,
}

/// Whether there may be users with access keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessKeyPolicy {
    /// There may be none.
    #[default]
    Forbidden,
    /// An identity may ask for one by `credentials.accessKey`, where a `ScopePolicy` lets it.
    Allowed,
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

/// The source of an account's change events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.aws)").message("must set `aws`: it is the only source of events that this version supports"))]
pub struct EventsSpec {
    /// Records of CloudTrail, which EventBridge puts into a queue of SQS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsEventsSpec>,
}

/// Records of CloudTrail in a queue of SQS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsEventsSpec {
    /// The queue's URL. A rule of EventBridge delivers the changes of IAM to it, and nobody but
    /// Ambit reads it. It may lie in another region, and in another account that lets Ambit in.
    #[schemars(length(min = 40, max = 256))]
    #[x_kube(validation = Rule::new("self.matches('^https://sqs[.][a-z0-9-]+[.][a-z0-9.-]+/[0-9]{12}/[A-Za-z0-9_-]{1,75}([.]fifo|[A-Za-z0-9_-]{0,5})$')")
        .message("must be the queue's URL as SQS gives it: 'https://sqs.eu-west-1.amazonaws.com/123456789012/NAME'"))]
    pub queue_url: String,
}

/// How subjects prove themselves without a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.webIdentity) != has(self.podIdentity)").message("must set exactly one of `webIdentity` and `podIdentity`; `pipelines` may stand beside either"))]
pub struct FederationSpec {
    /// Tokens of the cluster's own OIDC issuer (IRSA).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_identity: Option<WebIdentitySpec>,
    /// EKS Pod Identity: EKS hands pods the credentials of the role that an association names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_identity: Option<PodIdentitySpec>,
    /// The issuers of pipelines whose tokens the account trusts. Which pipelines of theirs may
    /// have an identity, `pipelines` of a `ScopePolicy` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["issuer".into()]))]
    pub pipelines: Vec<PipelineIssuer>,
}

/// An issuer of pipelines' tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipelineIssuer {
    /// The issuer's URL, as it stands in the tokens: `https://token.actions.githubusercontent.com`
    /// for GitHub Actions, `https://gitlab.com`, `https://agent.buildkite.com`,
    /// `https://oidc.circleci.com/org/ID`.
    #[schemars(length(min = 10, max = 255))]
    #[x_kube(validation = Rule::new("self.startsWith('https://') && !self.endsWith('/') && !self.contains('*') && !self.contains('?') && !self.contains('#') && !self.contains('$')")
        .message("must be the issuer's URL as it stands in tokens: 'https://…' without wildcard, query, or slash at its end"))]
    pub issuer: String,
    /// The audience of the tokens. For CircleCI it is the id of the organization. Absent:
    /// `sts.amazonaws.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9._:/-]+$"))]
    pub audience: Option<String>,
    /// Whether Ambit registers the issuer with the account, or expects it there. Absent: it
    /// registers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderPolicy>,
}

/// Federation through the cluster's OIDC issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.delivery != 'ServiceAccountAnnotation' || !has(self.token) || self.token.directory == '/var/run/secrets/ambit.dev'")
    .message("must leave `token.directory` out with `delivery` 'ServiceAccountAnnotation': the webhook of EKS mounts tokens where its own settings say"))]
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
    /// How pods get token and environment. It may be changed at any time: the new way is in place
    /// before the old one goes, and pods that run keep theirs.
    #[serde(default)]
    pub delivery: DeliveryMethod,
    /// The tokens that pods get. Absent: valid for one hour, in `/var/run/secrets/ambit.dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenSpec>,
}

/// Federation through EKS Pod Identity. The cluster runs the EKS Pod Identity Agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodIdentitySpec {
    /// The name of this cluster at EKS. It lies in the account and in its `region`.
    #[schemars(length(min = 1, max = 100), regex(pattern = "^[0-9A-Za-z][0-9A-Za-z_-]*$"))]
    pub cluster_name: String,
}

/// The audience of tokens where none is declared.
#[must_use]
pub fn sts_audience() -> String {
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
