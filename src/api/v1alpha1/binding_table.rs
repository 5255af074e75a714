//! `BindingTable`: which service accounts of a namespace have an identity.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// The name of the one table in each namespace.
pub const TABLE_NAME: &str = "ambit";

/// Which service accounts of a namespace have an identity, read by the
/// admission policies on every pod creation.
///
/// One table for all: a parameter object for each identity would cost time on
/// every pod creation that grows with their number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "ambit.dev",
    version = "v1alpha1",
    kind = "BindingTable",
    namespaced,
    no_spec,
    shortname = "bindtab",
    category = "ambit",
    derive = "PartialEq",
    derive = "Default",
    doc = "Which service accounts of the namespace have an identity. Written by Ambit alone, read by its admission policies.",
    validation = Rule::new("self.metadata.name == 'ambit'").message("must be named 'ambit': a namespace has one table"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was created.")
)]
pub struct BindingTableFields {
    /// By the service account's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 5000))]
    pub service_accounts: BTreeMap<String, Binding>,
}

/// What a pod of one service account gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.ready || has(self.reason)").message("must say in `reason` why it is not ready"))]
pub struct Binding {
    /// The name of the identity in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    pub identity: String,
    /// Whether the identity was proven usable. Pods wait until it was.
    pub ready: bool,
    /// Why it is not ready, for the message that a refused pod gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// The audience of the projected token. Absent: pods get no token from Ambit, and the entry
    /// only holds them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub audience: Option<String>,
    /// How many seconds the token is valid. Absent: 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 600, max = 86_400))]
    pub expiration_seconds: Option<i32>,
    /// The directory in which the token is mounted. Absent: `/var/run/secrets/ambit.dev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub directory: Option<String>,
    /// The environment that the cloud's SDKs look for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvVar>,
    /// Variables that somebody else's webhook adds: a container that has none of them was not
    /// given its credentials, and its pod is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub required_env: Vec<String>,
}

/// One environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct EnvVar {
    /// Its name.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Its value.
    #[schemars(length(max = 2048))]
    pub value: String,
}
