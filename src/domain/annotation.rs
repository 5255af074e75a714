//! What a service account says to the webhook of EKS (amazon-eks-pod-identity-webhook), and who
//! wrote it.

use std::collections::BTreeMap;

/// The role that pods of the service account get. Without it the webhook adds nothing.
pub const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";
/// The audience of their tokens.
pub const AUDIENCE: &str = "eks.amazonaws.com/audience";
/// How many seconds their tokens are valid. The webhook raises what is less than its own minimum.
pub const TOKEN_EXPIRATION: &str = "eks.amazonaws.com/token-expiration";
/// Whether they ask the STS endpoint of their region.
pub const REGIONAL_ENDPOINTS: &str = "eks.amazonaws.com/sts-regional-endpoints";
/// The identity for which Ambit wrote the others.
pub const ANNOTATED_BY: &str = "ambit.dev/annotated-by";

/// What the webhook reads.
pub const READ_BY_WEBHOOK: [&str; 4] = [ROLE_ARN, AUDIENCE, TOKEN_EXPIRATION, REGIONAL_ENDPOINTS];

/// The variable by which a pod is seen to have a role, whoever gave it.
pub const ROLE_VARIABLE: &str = "AWS_ROLE_ARN";

/// Annotations by their names.
pub type Annotations = BTreeMap<String, String>;
