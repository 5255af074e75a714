//! `ScopePolicy`: what identities of some namespaces may ask for.

use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{AccessName, NameRef, NamespaceSelector, ScopeCondition};

/// What the identities of the selected namespaces may ask for. What several
/// policies allow adds up; what any of them denies or limits holds for all.
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
    printcolumn(name = "ENFORCEMENT", type_ = "string", json_path = ".spec.enforcement", description = "What happens to identities that no longer fit."),
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
    /// What may be asked for. What no rule of any selecting policy allows is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub allow: Vec<AccessRule>,
    /// What may never be asked for, whatever any policy allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub deny: Vec<AccessRule>,
    /// The longest session that may be asked for. Of several policies the shortest holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]+(h|m|s))+$"))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h') && duration(self) <= duration('12h')")
        .message("must be a duration from '1h' to '12h'"))]
    pub max_session_duration: Option<Duration>,
    /// The most scopes that an identity may have. Of several policies the fewest hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50))]
    pub max_scopes: Option<i32>,
    /// Whether actions that change who has access may be asked for at all, where a
    /// rule allows them. Absent: not, unless another policy says `Allow`. `Forbid`
    /// of any policy holds for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_management: Option<PermissionsManagement>,
    /// The kinds of credentials that may be asked for. Of several policies only what
    /// all of them list. Absent: federation, without a stored key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub credential_types: Vec<CredentialType>,
    /// The pipelines that may be subjects. Absent: none, unless another policy lists some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["issuer".into()]))]
    pub pipelines: Vec<PipelineRule>,
    /// What happens to an identity that was accepted before and no longer fits: `Warn`
    /// says so and leaves its access as it is, `Revoke` denies its role everything
    /// until it fits again, whatever its `managementPolicy`. One policy that says
    /// `Revoke` is enough.
    #[serde(default)]
    pub enforcement: Enforcement,
}

/// A piece of access that may, or may never, be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.access) != has(self.actions)").message("must set exactly one of `access` and `actions`"))]
pub struct AccessRule {
    /// The rule's name, shown in refusals.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Levels of access: every action of these levels, of whatever service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub access: Vec<AccessName>,
    /// Actions, with wildcards where wanted. `*` alone is every action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 128)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new(r"self.all(a, a.matches(r'^(\*|[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+)$'))")
            .message("must be actions such as 's3:GetObject' or 's3:Get*', or '*' for every action")
    )]
    pub actions: Vec<String>,
    /// Resources as ARNs, with wildcards where wanted; `*` is every resource.
    /// `${namespace}` and `${name}` stand for those of the identity.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 1024)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new("self.all(r, r == '*' || r.startsWith('arn:'))")
            .message("must be ARNs such as 'arn:aws:s3:::shared/${namespace}/*', or '*' for every resource"),
        validation = Rule::new("self.all(r, !r.replace('${namespace}', '.').replace('${name}', '.').contains('${'))")
            .message("must not contain variables other than '${namespace}' and '${name}'"),
        validation = Rule::new(r"self.all(r, r.matches(r'^[ -~\x{a0}-\x{ff}]*$'))")
            .message("must be made of printable characters of Latin-1: the cloud takes no others")
    )]
    pub resources: Vec<String>,
    /// Conditions. Under `allow` a scope must imply all of them; under `deny` only
    /// requests that meet all of them are denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub conditions: Vec<ScopeCondition>,
}

/// Whether actions that change who has access may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PermissionsManagement {
    /// They may, where a rule allows them.
    Allow,
    /// They may not, whatever any rule allows.
    Forbid,
}

/// A kind of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum CredentialType {
    /// Short-lived credentials for a token that the cluster or an issuer signs.
    Federation,
    /// Short-lived credentials that Ambit keeps in a Secret.
    SessionSecret,
    /// An access key of a user that Ambit keeps in a Secret and rotates.
    AccessKey,
}

/// Pipelines of one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineRule {
    /// The issuer of their tokens, such as `https://token.actions.githubusercontent.com`.
    #[schemars(length(min = 10, max = 255), regex(pattern = "^https://[^*?#$ ]+$"))]
    pub issuer: String,
    /// Their repositories or projects, such as `acme/shop`. `*` stands for any text
    /// without a slash.
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub repositories: Vec<String>,
}

/// What happens to an identity that no longer fits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Enforcement {
    /// It is told, and its access stays as it is.
    #[default]
    Warn,
    /// Its role is denied everything until it fits again.
    Revoke,
}
