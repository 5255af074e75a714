//! `ScopePolicy`: what identities of some namespaces may ask for.

use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::{AccessName, NameRef, NamespaceSelector, ScopeCondition};

/// What the identities of the selected namespaces may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[kube(
    group = "ambit.dev",
    version = "v1alpha1",
    kind = "ScopePolicy",
    plural = "scopepolicies",
    shortname = "sp",
    shortname = "scp",
    category = "ambit",
    derive = "PartialEq",
    doc = "What the identities of some namespaces may ask for. An identity in a namespace that no policy selects is refused.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("must have a name of at most 63 characters"),
    printcolumn(name = "ALLOWS", type_ = "string", json_path = ".spec.allow[*].name", description = "The names of what is allowed."),
    printcolumn(name = "DENIES", type_ = "string", json_path = ".spec.deny[*].name", description = "The names of what is denied."),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was created.")
)]
pub struct ScopePolicySpec {
    /// The namespaces that the policy speaks for. Empty: all.
    pub namespace_selector: NamespaceSelector,
    /// The accounts that it speaks for. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub account_refs: Vec<NameRef>,
    /// What may be asked for. This version stores the rules and does not yet enforce them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub allow: Vec<AllowRule>,
    /// What may never be asked for, whatever is allowed. This version stores the rules and does not yet enforce them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub deny: Vec<DenyRule>,
    /// The longest session that may be asked for. This version does not yet enforce it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]+(h|m|s))+$"))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h') && duration(self) <= duration('12h')")
        .message("must be a duration from '1h' to '12h'"))]
    pub max_session_duration: Option<Duration>,
}

/// Something that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.access) != has(self.actions)").message("must set exactly one of `access` and `actions`"))]
pub struct AllowRule {
    /// The rule's name, shown in refusals.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Levels of access.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub access: Vec<AccessName>,
    /// Actions, with wildcards where wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub actions: Vec<String>,
    /// Resources, with wildcards and `${namespace}` and `${name}` where wanted.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 1024)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub resources: Vec<String>,
    /// Conditions that the scope must imply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub conditions: Vec<ScopeCondition>,
}

/// Something that may never be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DenyRule {
    /// The rule's name, shown in refusals.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Actions, with wildcards where wanted.
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub actions: Vec<String>,
    /// Resources, with wildcards where wanted.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 1024)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub resources: Vec<String>,
}
