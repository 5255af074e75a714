//! Becoming a role with a token: to prove that it can be done, or to keep what comes of it.

use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityOutput;
use jiff::Timestamp;

use super::AwsCloud;
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{Credentials, SessionSeconds, WebToken, repeats};
use crate::names::PrincipalName;

const OPERATION: &str = "sts:AssumeRoleWithWebIdentity";

/// The shortest session that STS gives: what comes of a proof is dropped at once.
const PROOF_SECONDS: i32 = 900;

impl AwsCloud {
    /// Assumes the role with a token, as a pod would, and drops the credentials unread.
    pub(super) async fn prove_assumable(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        self.assume(name, token, "ambit-proof", PROOF_SECONDS).await.map(drop)
    }

    /// Assumes the role with a token and keeps the credentials.
    pub(super) async fn assumed(
        &self,
        name: &PrincipalName,
        token: &WebToken,
        session: SessionSeconds,
    ) -> Result<Credentials, CloudError> {
        let seconds = i32::try_from(session.get()).unwrap_or(PROOF_SECONDS);
        let answer = self.assume(name, token, "ambit-secret", seconds).await?;
        answer.credentials.and_then(credentials).ok_or_else(|| CloudError {
            kind: ErrorKind::Transient,
            operation: OPERATION,
            code: String::new(),
            message: "the answer has no credentials that can be used".to_owned(),
        })
    }

    /// The request is not signed: it succeeds on the token's strength alone.
    async fn assume(
        &self,
        name: &PrincipalName,
        token: &WebToken,
        session: &str,
        seconds: i32,
    ) -> Result<AssumeRoleWithWebIdentityOutput, CloudError> {
        let request = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(self.account.role_arn(name.as_str()))
            .role_session_name(session)
            .duration_seconds(seconds)
            .web_identity_token(token.expose());
        self.call(OPERATION, request.send()).await.map_err(|error| about_the_token(error, token))
    }
}

/// What is whole: half of it would be worse than none.
fn credentials(found: aws_sdk_sts::types::Credentials) -> Option<Credentials> {
    let expires = Timestamp::from_second(found.expiration.secs()).ok()?;
    let (id, key, token) = (found.access_key_id, found.secret_access_key, found.session_token);
    let is_whole =
        [&id, &key, &token].iter().all(|part| !part.is_empty() && part.chars().all(|sign| sign.is_ascii_graphic()));
    is_whole.then(|| Credentials::new(id, key, token, expires))
}

/// Here alone an expired token is the pod's, not Ambit's own: the next try
/// brings a fresh one. Whatever a cloud may echo, the token does not travel on.
fn about_the_token(mut error: CloudError, token: &WebToken) -> CloudError {
    if error.code.starts_with("ExpiredToken") {
        error.kind = ErrorKind::Transient;
    }
    if repeats(&error.message, token.expose()) || repeats(&error.code, token.expose()) {
        error.code.clear();
        "the answer repeats the token and is withheld".clone_into(&mut error.message);
    }
    error
}

#[cfg(test)]
#[path = "prove_tests.rs"]
mod tests;
