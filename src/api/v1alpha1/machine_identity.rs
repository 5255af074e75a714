//! `MachineIdentity`: one identity, who may use it, and what it may do.

use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{AccessName, NameRef, ScopeCondition};
use super::credentials::CredentialsSpec;
use super::pipeline::PipelineSubject;
use super::status::MachineIdentityStatus;

/// One identity: who may use it, and exactly what it may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[kube(
    group = "ambit.dev",
    version = "v1alpha1",
    kind = "MachineIdentity",
    plural = "machineidentities",
    namespaced,
    shortname = "mid",
    category = "ambit",
    status = "MachineIdentityStatus",
    derive = "PartialEq",
    selectable = ".spec.accountRef.name",
    validation = Rule::new("size(self.metadata.name) <= 63").message("must have a name of at most 63 characters"),
    doc = "One cloud identity for a machine: who may use it, and exactly the access that it needs.",
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the identity was proven usable."
    ),
    printcolumn(
        name = "REASON",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why."
    ),
    printcolumn(
        name = "SCOPES",
        type_ = "integer",
        json_path = ".status.scopeCount",
        description = "The number of scopes."
    ),
    printcolumn(
        name = "DRIFT",
        type_ = "integer",
        json_path = ".status.driftCount",
        description = "The number of differences between declared and live."
    ),
    printcolumn(
        name = "SERVICEACCOUNT",
        type_ = "string",
        priority = 1,
        json_path = ".spec.subject.serviceAccount.name",
        description = "The service account that uses the identity."
    ),
    printcolumn(
        name = "PRINCIPAL",
        type_ = "string",
        priority = 1,
        json_path = ".status.aws.roleArn",
        description = "The principal in the cloud."
    ),
    printcolumn(
        name = "SUMMARY",
        type_ = "string",
        priority = 1,
        json_path = ".status.summary",
        description = "What it may do, in words."
    ),
    printcolumn(
        name = "ROTATES",
        type_ = "string",
        priority = 1,
        json_path = ".status.credentials.nextRotationTime",
        description = "When the credentials in its Secret are renewed."
    ),
    printcolumn(
        name = "MESSAGE",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "The whole message."
    ),
    printcolumn(
        name = "AGE",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Time since it was created."
    )
)]
#[x_kube(validation = Rule::new("self.accountRef.name == oldSelf.accountRef.name")
    .message("`accountRef` must stay as it is: the principal lives in that account; make another MachineIdentity instead"),
    validation = Rule::new("!has(self.credentials) || !has(self.credentials.sessionSecret) || has(self.subject.serviceAccount)")
        .message("`credentials.sessionSecret` must go with `subject.serviceAccount`: a pipeline exchanges its own token, by federation"),
    validation = Rule::new("!has(self.credentials) || !has(self.credentials.accessKey) || has(self.subject.serviceAccount)")
        .message("`credentials.accessKey` must go with `subject.serviceAccount`: a pipeline exchanges its own token, by federation"),
    validation = Rule::new("(has(self.credentials) && has(self.credentials.accessKey)) == (has(oldSelf.credentials) && has(oldSelf.credentials.accessKey))")
        .message("`credentials.accessKey` must stay set or unset: its principal is a user, and all others are roles; make another MachineIdentity instead"))]
pub struct MachineIdentitySpec {
    /// The `CloudAccount` in which the principal is made.
    pub account_ref: NameRef,
    /// Who may use the identity.
    pub subject: SubjectSpec,
    /// What it may do: each scope is one named piece of access.
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub scopes: Vec<ScopeSpec>,
    /// The longest session that the cloud hands out.
    #[serde(default = "one_hour")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]+(h|m|s))+$"))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h') && duration(self) <= duration('12h')")
        .message("must be a duration from '1h' to '12h'"))]
    pub session_duration: Duration,
    /// How the subject gets its credentials. Absent: by federation, without a stored key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsSpec>,
    /// Whether it is closed: everything is denied, nobody can become its principal, and sessions
    /// that are there are denied, until it is false again.
    #[serde(default)]
    pub suspend: bool,
    /// Whether Ambit repairs what differs, only reports it, or does nothing.
    #[serde(default)]
    pub management_policy: ManagementPolicy,
    /// What happens to the principal when the identity is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Whether pods wait until the identity was proven usable.
    #[serde(default)]
    pub pod_admission: PodAdmission,
}

fn one_hour() -> Duration {
    std::time::Duration::from_hours(1).into()
}

/// Who may use the identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.serviceAccount) != has(self.pipeline)")
        .message("must set exactly one of `serviceAccount` and `pipeline`"),
    validation = Rule::new("has(self.serviceAccount) == has(oldSelf.serviceAccount)")
        .message("must stay of one kind: a role that pods may use does not become one that a pipeline may use; make another MachineIdentity instead")
)]
pub struct SubjectSpec {
    /// A service account of the same namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccountSubject>,
    /// A pipeline outside of the cluster, by what its tokens say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineSubject>,
}

/// A service account of the identity's own namespace. Made if it is not there;
/// one that is there is used and never deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountSubject {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"))]
    pub name: String,
}

/// One named piece of access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.access) != has(self.actions)").message("must set exactly one of `access` and `actions`"))]
pub struct ScopeSpec {
    /// Its name, unique in the identity.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Levels of access, as AWS documents them for each action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub access: Vec<AccessName>,
    /// Single actions, such as `sqs:SendMessage`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100), inner(length(min = 3, max = 128)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new("self.all(a, a.matches('^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$'))")
            .message("must be actions such as 'sqs:SendMessage': a service without wildcards, a colon, and an action")
    )]
    pub actions: Vec<String>,
    /// The resources, as ARNs.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 1024)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new("self.all(r, r == '*' || r.startsWith('arn:'))")
            .message("must be ARNs such as 'arn:aws:s3:::orders-in/*', or '*' for actions that take no resource"),
        validation = Rule::new("self.all(r, !r.contains('${'))")
            .message("must not contain policy variables: '${' is not allowed"),
        validation = Rule::new(r"self.all(r, r.matches(r'^[ -~\x{a0}-\x{ff}]*$'))")
            .message("must be made of printable characters of Latin-1: the cloud takes no others")
    )]
    pub resources: Vec<String>,
    /// Conditions, all of which must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub conditions: Vec<ScopeCondition>,
}

/// What Ambit does about differences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ManagementPolicy {
    /// Make, repair and delete.
    #[default]
    Enforce,
    /// Read and report, change nothing.
    Observe,
    /// Neither read nor change anything in the cloud.
    Paused,
}

/// What happens to the principal when the identity is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays as it is, with its tags.
    Retain,
}

/// Whether pods wait for the identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PodAdmission {
    /// Pods are refused until the identity was proven usable.
    #[default]
    RequireReady,
    /// Pods start without credentials while it is not ready.
    Allow,
}
