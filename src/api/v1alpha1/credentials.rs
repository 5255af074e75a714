//! How an identity's credentials reach whoever uses them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the subject gets its credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("[has(self.federation), has(self.sessionSecret), has(self.accessKey)].filter(set, set).size() == 1")
    .message("must set exactly one of `federation`, `sessionSecret` and `accessKey`"))]
pub struct CredentialsSpec {
    /// By federation: a token that the cluster signs, and no stored key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federation: Option<FederationCredentials>,
    /// By a Secret in which Ambit keeps short-lived credentials: for programs that
    /// cannot exchange a token themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_secret: Option<SessionSecretCredentials>,
    /// By an access key in a Secret, which Ambit rotates: for what cannot federate at all. The
    /// identity is a user then, and no role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<AccessKeyCredentials>,
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

/// An access key in a Secret of the identity's own namespace. A new one is made and put there;
/// the old one goes when the overlap is over, when the cloud knows of no use since, and when
/// every pod that uses the Secret has the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!has(self.profile) || self.format == 'SharedCredentialsFile'")
        .message("must set `profile` only with `format` 'SharedCredentialsFile': environment variables have no profile"),
    validation = Rule::new("self.secretName == oldSelf.secretName && self.format == oldSelf.format && has(self.profile) == has(oldSelf.profile) && (!has(self.profile) || self.profile == oldSelf.profile)")
        .message("`secretName`, `format` and `profile` must stay as they are: a key is told once, when it is made; make another MachineIdentity instead"),
    validation = Rule::new("duration(self.overlap) + duration(self.overlap) <= duration(self.rotateEvery)")
        .message("`overlap` must be at most half of `rotateEvery`: the old key has to be gone before the next rotation")
)]
pub struct AccessKeyCredentials {
    /// The Secret. Ambit makes it and never takes over one that is there already.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
    )]
    pub secret_name: String,
    /// What stands in the Secret. There is no `AWS_SESSION_TOKEN`.
    #[serde(default)]
    pub format: SecretFormat,
    /// The profile of the shared credentials file. Absent: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9_.@-]*[A-Za-z0-9])?$"))]
    pub profile: Option<String>,
    /// How old a key may become: 90 days, if nothing is said. It is rotated up to a tenth sooner,
    /// so that not all keys are rotated at once.
    #[serde(default = "ninety_days")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]+(h|m|s))+$"))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h') && duration(self) <= duration('8784h')")
        .message("must be a duration from '1h' to '8784h'"))]
    pub rotate_every: Duration,
    /// How long the old key stays beside the new one at least, and for how long the cloud must know
    /// of no use of it: 24 hours, if nothing is said. The cloud may tell of a use hours late.
    #[serde(default = "one_day")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]+(h|m|s))+$"))]
    pub overlap: Duration,
}

fn ninety_days() -> Duration {
    std::time::Duration::from_hours(90 * 24).into()
}

fn one_day() -> Duration {
    std::time::Duration::from_hours(24).into()
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
    /// How far the rotation of an access key is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RotationPhase>,
    /// When the phase began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_start_time: Option<Time>,
    /// The access key that the Secret has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<AccessKeyStatus>,
    /// The access key that it had before, for as long as that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<AccessKeyStatus>,
    /// When the previous key was found to be inactive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deactivated_time: Option<Time>,
    /// The value of the annotation `ambit.dev/rotate` that was acted on last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_rotate: Option<String>,
    /// Whether the previous key goes without waiting for anybody, because somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_previous: Option<bool>,
}

/// How far the rotation of an access key is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RotationPhase {
    /// One key, and it is in the Secret; or none yet.
    #[default]
    Stable,
    /// A key is to be made and put into the Secret.
    Creating,
    /// It is in the Secret, and the overlap runs.
    Published,
    /// The overlap is over. Does anybody still hold the old key?
    Confirming,
    /// The old key goes: first it is deactivated, later it is deleted.
    Retiring,
}

/// An access key. Its id is no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessKeyStatus {
    /// Its id.
    #[schemars(length(min = 16, max = 128))]
    pub access_key_id: String,
    /// When it was made, by the cloud's clock.
    pub created_time: Time,
    /// When it was put into the Secret, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_time: Option<Time>,
}
