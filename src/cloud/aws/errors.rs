//! From the SDK's errors to Ambit's kinds.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;

use crate::cloud::{CallObserver, CloudError, ErrorKind};

/// The longest message that is kept: enough for AWS's own sentences with two ARNs.
const LONGEST_MESSAGE: usize = 500;
const LONGEST_CODE: usize = 64;

/// Reduces a failed call to what Ambit does about it.
pub(super) fn translate<E>(operation: &'static str, error: &SdkError<E>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let transient = |message: &str| failure(ErrorKind::Transient, operation, "", message);
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let (code, message) = (answer.err().code(), answer.err().message());
            from_answer(operation, status, code.unwrap_or_default(), message.unwrap_or_default())
        }
        SdkError::TimeoutError(_) => transient("no answer came within the time limit"),
        SdkError::ResponseError(answer) => {
            let status = answer.raw().status().as_u16();
            transient(&format!("an answer with status {status} came that is not AWS's"))
        }
        SdkError::ConstructionFailure(_) => {
            failure(ErrorKind::Invalid, operation, "", &format!("the request could not be built: {}", innermost(error)))
        }
        other => match cause::<CredentialsError>(other) {
            Some(credentials) => from_credentials(operation, credentials),
            None => transient(&format!("no connection: {}", innermost(other))),
        },
    }
}

/// An answer that said no.
///
/// A code is AWS's signature under an answer. Without one it came from something
/// in between, and must not be taken for AWS's word: a proxy's 404 is no proof
/// that a role does not exist.
pub(super) fn from_answer(operation: &'static str, status: u16, code: &str, message: &str) -> CloudError {
    if code.is_empty() {
        let message = format!("an answer with status {status} came that has no AWS error code");
        return failure(ErrorKind::Transient, operation, "", &message);
    }
    failure(kind(code, status), operation, code, message)
}

/// The kind of an error code. Some services add `Exception` to the same word.
fn kind(code: &str, status: u16) -> ErrorKind {
    match code.strip_suffix("Exception").unwrap_or(code) {
        "NoSuchEntity" | "ResourceNotFound" | "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => {
            ErrorKind::NotFound
        }
        "EntityAlreadyExists"
        | "ResourceInUse"
        | "DeleteConflict"
        | "ConcurrentModification"
        | "EntityTemporarilyUnmodifiable" => ErrorKind::Conflict,
        "Throttling"
        | "Throttled"
        | "ThrottledRequest"
        | "RequestThrottled"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "KmsThrottled"
        | "OverLimit" => ErrorKind::Throttled,
        "AccessDenied"
        | "KmsAccessDenied"
        | "NotAuthorized"
        | "UnauthorizedOperation"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "UnrecognizedClient"
        | "ExpiredToken"
        | "RequestExpired"
        | "OptInRequired"
        | "RegionDisabled"
        | "IDPRejectedClaim" => ErrorKind::Denied,
        "LimitExceeded" | "ResourceLimitExceeded" | "ReportGenerationLimitExceeded" => ErrorKind::LimitExceeded,
        "IDPCommunicationError"
        | "OpenIdIdpCommunicationError"
        | "ServiceFailure"
        | "ServiceUnavailable"
        | "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "RequestTimeout" => ErrorKind::Transient,
        _ if status == 429 => ErrorKind::Throttled,
        _ if status >= 500 => ErrorKind::Transient,
        _ => ErrorKind::Invalid,
    }
}

/// Why there are no credentials to sign with. Nothing was asked of the account.
pub(super) fn from_credentials(operation: &'static str, error: &CredentialsError) -> CloudError {
    if let Some(refusal) = cause::<AssumeRoleError>(error) {
        let code = refusal.code().unwrap_or_default();
        let words = format!("the account's role cannot be assumed: {}", refusal.message().unwrap_or_default());
        let kind = if code.is_empty() { ErrorKind::Transient } else { kind(code, 400) };
        return failure(kind, operation, code, &words);
    }
    match error {
        CredentialsError::ProviderTimedOut(_) => {
            failure(ErrorKind::Transient, operation, "", "no credentials came within the time limit")
        }
        CredentialsError::ProviderError(_) => {
            failure(ErrorKind::Transient, operation, "", &format!("no credentials: {}", innermost(error)))
        }
        CredentialsError::CredentialsNotLoaded(_) => failure(
            ErrorKind::Denied,
            operation,
            "",
            "there are no credentials: give Ambit's pod an identity, or set `assumeRole`",
        ),
        other => failure(ErrorKind::Denied, operation, "", &format!("no credentials: {}", innermost(other))),
    }
}

/// An answer that says yes and leaves out what it must hold.
pub(super) fn incomplete(operation: &'static str, what: &str) -> CloudError {
    failure(ErrorKind::Transient, operation, "", &format!("the answer lacks {what}"))
}

/// An answer that says yes and holds what cannot be used.
pub(super) fn unusable(operation: &'static str, why: &dyn Error) -> CloudError {
    failure(ErrorKind::Transient, operation, "", &why.to_string())
}

/// A request that the SDK refused to build.
pub(super) fn unbuildable(operation: &'static str, error: &dyn Error) -> CloudError {
    failure(ErrorKind::Invalid, operation, "", &format!("the request could not be built: {error}"))
}

/// A request that is not sent, because it cannot be right.
pub(super) fn refused(operation: &'static str, why: &str) -> CloudError {
    failure(ErrorKind::Invalid, operation, "", why)
}

/// Turns "no such thing" into an answer.
pub(super) fn found<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tells the observer how a call ended.
pub(super) fn tell(
    observer: &dyn CallObserver,
    operation: &'static str,
    failure: Option<&CloudError>,
    elapsed: Duration,
) {
    let (service, action) = operation.split_once(':').unwrap_or(("aws", operation));
    let code = match failure {
        None => "OK",
        Some(failure) if failure.code.is_empty() => failure.kind.name(),
        Some(failure) => &failure.code,
    };
    observer.observed(service, action, code, elapsed);
}

fn failure(kind: ErrorKind, operation: &'static str, code: &str, message: &str) -> CloudError {
    CloudError { kind, operation, code: cut(code, LONGEST_CODE), message: cut(message, LONGEST_MESSAGE) }
}

/// Control characters go, so that an answer cannot forge lines in a log.
fn cut(text: &str, limit: usize) -> String {
    let mut kept: String = text.chars().filter(|c| !c.is_control()).take(limit + 1).collect();
    if let Some((end, _)) = kept.char_indices().nth(limit) {
        kept.truncate(end);
        kept.push('…');
    }
    kept
}

/// The first of a kind among an error and its causes.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The words at the end of the chain, which say what happened; those before only say where.
fn innermost(error: &dyn Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        last = error.to_string();
        next = error.source();
    }
    last
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
