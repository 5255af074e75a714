//! How pods get the credentials of an identity.

use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where tokens are mounted unless an account says otherwise.
pub const TOKEN_DIRECTORY: &str = "/var/run/secrets/ambit.dev";
/// How many seconds tokens are valid unless an account says otherwise.
pub const TOKEN_SECONDS: i32 = 3600;

/// How pods of a service account get token and environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeliveryMethod {
    /// Ambit's admission policies add them when a pod is created. Needs Kubernetes 1.36.
    #[default]
    PodAdmission,
    /// Ambit annotates the service account, and the webhook of EKS
    /// (amazon-eks-pod-identity-webhook) adds them when a pod is created.
    ServiceAccountAnnotation,
}

/// The tokens that pods get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenSpec {
    /// How long a token is valid. The kubelet renews it in time.
    #[serde(default = "one_hour")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]+(h|m|s))+$"))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('10m') && duration(self) <= duration('24h')")
        .message("must be a duration from '10m' to '24h'"))]
    pub expiration: Duration,
    /// The directory in which containers find the file `token`.
    #[serde(default = "token_directory")]
    #[schemars(length(max = 128))]
    #[x_kube(
        validation = Rule::new("self.matches('^/var/run/secrets(/[A-Za-z0-9][A-Za-z0-9._-]*)+$') && !self.contains('..')")
            .message("must be a directory below '/var/run/secrets/', such as '/var/run/secrets/ambit.dev', without '..' and without a slash at its end"),
        validation = Rule::new("!['kubernetes.io', 'eks.amazonaws.com', 'pods.eks.amazonaws.com'].exists(o, self == '/var/run/secrets/' + o || self.startsWith('/var/run/secrets/' + o + '/'))")
            .message("must lie outside of '/var/run/secrets/kubernetes.io', '/var/run/secrets/eks.amazonaws.com' and '/var/run/secrets/pods.eks.amazonaws.com', where Kubernetes and EKS mount their own")
    )]
    pub directory: String,
}

fn one_hour() -> Duration {
    std::time::Duration::from_hours(1).into()
}

fn token_directory() -> String {
    TOKEN_DIRECTORY.into()
}

impl Default for TokenSpec {
    fn default() -> Self {
        Self { expiration: one_hour(), directory: token_directory() }
    }
}

/// How pods got an identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeliveredBy {
    /// Ambit's admission policies added token and environment.
    #[default]
    PodAdmission,
    /// The webhook of EKS added them, as annotations of the service account say.
    ServiceAccountAnnotation,
    /// EKS handed them the role, by an association of EKS Pod Identity.
    PodIdentity,
    /// Nobody adds anything: pods name the Secret in which Ambit keeps credentials.
    SessionSecret,
    /// Nobody adds anything: pods name the Secret in which Ambit keeps an access key.
    AccessKey,
}

/// How pods got the identity when it was last delivered. Absent: by Ambit's admission policies,
/// with a token of one hour in `/var/run/secrets/ambit.dev`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStatus {
    /// The way.
    #[serde(default)]
    pub method: DeliveredBy,
    /// How many seconds tokens are valid, where that is not one hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 600, max = 86_400))]
    pub expiration_seconds: Option<i32>,
    /// Where tokens are mounted, where that is not `/var/run/secrets/ambit.dev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub directory: Option<String>,
    /// The service accounts that Ambit annotated, or was about to: written down before it does,
    /// so that no annotation is forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub annotated_service_accounts: Vec<String>,
}
