//! Proving that a role can be assumed.

use super::AwsCloud;
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::WebToken;
use crate::names::PrincipalName;

/// The shortest session that STS gives: what comes of it is dropped at once.
const SESSION_SECONDS: i32 = 900;

impl AwsCloud {
    /// Assumes the role with a token, as a pod would, and drops the credentials unread.
    ///
    /// The request is not signed: it succeeds on the token's strength alone.
    pub(super) async fn prove_assumable(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        let request = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(self.account.role_arn(name.as_str()))
            .role_session_name("ambit-proof")
            .duration_seconds(SESSION_SECONDS)
            .web_identity_token(token.expose());
        let answer = self.call("sts:AssumeRoleWithWebIdentity", request.send()).await;
        answer.map(drop).map_err(|error| about_the_token(error, token))
    }
}

/// Here alone an expired token is the pod's, not Ambit's own: the next try
/// brings a fresh one. Whatever a cloud may echo, the token does not travel on.
fn about_the_token(mut error: CloudError, token: &WebToken) -> CloudError {
    if error.code.starts_with("ExpiredToken") {
        error.kind = ErrorKind::Transient;
    }
    if holds_part_of(&error.message, token.expose()) || holds_part_of(&error.code, token.expose()) {
        error.code.clear();
        "the answer repeats the token and is withheld".clone_into(&mut error.message);
    }
    error
}

/// Whether a text, which may have been cut, holds a telling piece of a secret.
fn holds_part_of(text: &str, secret: &str) -> bool {
    const TELLING: usize = 16;
    let piece = |from: usize| secret.get(from..from + TELLING);
    if secret.len() < TELLING {
        return !secret.is_empty() && text.contains(secret);
    }
    (0..=secret.len() - TELLING).any(|from| piece(from).is_some_and(|piece| text.contains(piece)))
}
