//! How an identity's credentials reach whoever uses them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the subject gets its credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.federation) != has(self.sessionSecret)")
    .message("must set exactly one of `federation` and `sessionSecret`"))]
pub struct CredentialsSpec {
    /// By federation: a token that the cluster signs, and no stored key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federation: Option<FederationCredentials>,
    /// By a Secret in which Ambit keeps short-lived credentials: for programs that
    /// cannot exchange a token themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_secret: Option<SessionSecretCredentials>,
}

/// Credentials by federation. It has no settings yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(deny_unknown_fields)]
pub struct FederationCredentials {}

/// Short-lived credentials in a Secret of the identity's own namespace, renewed at
/// two thirds of their life. They live as long as `sessionDuration` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.profile) || self.format == 'SharedCredentialsFile'")
    .message("must set `profile` only with `format` 'SharedCredentialsFile': environment variables have no profile"))]
pub struct SessionSecretCredentials {
    /// The Secret. Ambit makes it and never takes over one that is there already. With
    /// another name, the credentials move: the new Secret is written, then the old one is deleted.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
    )]
    pub secret_name: String,
    /// What stands in the Secret.
    #[serde(default)]
    pub format: SecretFormat,
    /// The profile of the shared credentials file. Absent: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9_.@-]*[A-Za-z0-9])?$"))]
    pub profile: Option<String>,
}

/// The form of credentials in a Secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SecretFormat {
    /// The keys `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    #[default]
    Environment,
    /// The key `credentials`: a shared credentials file of AWS with one profile.
    SharedCredentialsFile,
}

/// The credentials that Ambit keeps for the identity. Nothing secret stands here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsStatus {
    /// The Secret that holds them.
    #[schemars(length(max = 253))]
    pub secret_name: String,
    /// The form in which they stand there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<SecretFormat>,
    /// The profile of the shared credentials file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub profile: Option<String>,
    /// When they were issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_time: Option<Time>,
    /// When they run out, as the cloud said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,
    /// When they are renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation_time: Option<Time>,
    /// A Secret that held them before under another name, and is still to be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub previous_secret_name: Option<String>,
}
