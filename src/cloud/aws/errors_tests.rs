use std::sync::Mutex;

use super::*;

#[test]
fn every_code_has_its_kind() {
    use ErrorKind::{Conflict, Denied, Invalid, LimitExceeded, NotFound, Throttled, Transient};
    let table = [
        ("NoSuchEntity", 404, NotFound),
        ("NoSuchEntityException", 404, NotFound),
        ("EntityAlreadyExists", 409, Conflict),
        ("EntityAlreadyExistsException", 409, Conflict),
        ("DeleteConflict", 409, Conflict),
        ("ConcurrentModification", 409, Conflict),
        ("EntityTemporarilyUnmodifiable", 409, Conflict),
        ("Throttling", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("RequestLimitExceeded", 503, Throttled),
        ("TooManyRequestsException", 429, Throttled),
        ("PriorRequestNotComplete", 400, Throttled),
        ("SomethingNew", 429, Throttled),
        ("AccessDenied", 403, Denied),
        ("AccessDeniedException", 403, Denied),
        ("InvalidClientTokenId", 403, Denied),
        ("SignatureDoesNotMatch", 403, Denied),
        ("UnrecognizedClientException", 403, Denied),
        ("ExpiredToken", 403, Denied),
        ("ExpiredTokenException", 400, Denied),
        ("OptInRequired", 403, Denied),
        ("IDPRejectedClaim", 403, Denied),
        ("RegionDisabledException", 403, Denied),
        ("LimitExceeded", 409, LimitExceeded),
        ("LimitExceededException", 409, LimitExceeded),
        ("MalformedPolicyDocument", 400, Invalid),
        ("InvalidInput", 400, Invalid),
        ("ValidationError", 400, Invalid),
        ("InvalidIdentityToken", 400, Invalid),
        ("InvalidAction", 400, Invalid),
        ("UnmodifiableEntity", 400, Invalid),
        ("SomethingNew", 400, Invalid),
        ("IDPCommunicationError", 400, Transient),
        ("OpenIdIdpCommunicationError", 400, Transient),
        ("ServiceFailure", 500, Transient),
        ("ServiceUnavailable", 503, Transient),
        ("InternalFailure", 500, Transient),
        ("RequestTimeout", 400, Transient),
        ("SomethingNew", 502, Transient),
    ];
    for (code, status, expected) in table {
        let error = from_answer("iam:GetRole", status, code, "words");
        assert_eq!((error.kind, error.code.as_str()), (expected, code), "{code} {status}");
    }
}

#[test]
fn an_answer_without_a_code_is_not_the_clouds_word() {
    for status in [200, 302, 400, 403, 404, 409, 500, 503] {
        let error = from_answer("iam:GetRole", status, "", "<html>");
        assert_eq!(error.kind, ErrorKind::Transient, "{status}");
        assert_eq!(
            error.to_string(),
            format!("iam:GetRole: an answer with status {status} came that has no AWS error code"),
        );
    }
}

#[test]
fn messages_are_short_and_on_one_line() {
    let error = from_answer("iam:GetRole", 400, &"C".repeat(1000), &format!("a\r\nb{}", "ü".repeat(10_000)));
    assert_eq!(error.message.chars().count(), LONGEST_MESSAGE + 1);
    assert!(error.message.starts_with("abü") && error.message.ends_with('…'), "{}", error.message);
    assert_eq!(error.code.chars().count(), LONGEST_CODE + 1);
}

#[test]
fn missing_credentials_say_what_to_do() {
    let error = from_credentials("iam:GetRole", &CredentialsError::not_loaded("nothing in the chain"));
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(
        error.to_string(),
        "iam:GetRole: there are no credentials: give Ambit's pod an identity, or set `assumeRole`",
    );
    let error = from_credentials("iam:GetRole", &CredentialsError::provider_timed_out(Duration::from_secs(5)));
    assert_eq!(error.kind, ErrorKind::Transient);
}

#[test]
fn a_refused_role_of_the_account_keeps_its_code() {
    let refusal = AssumeRoleError::generic(
        aws_sdk_sts::error::ErrorMetadata::builder().code("AccessDenied").message("no").build(),
    );
    let error = from_credentials("iam:GetRole", &CredentialsError::provider_error(refusal));
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "AccessDenied"));
    assert_eq!(error.to_string(), "iam:GetRole: the account's role cannot be assumed: no");
}

#[test]
fn the_observer_hears_service_operation_and_code() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);
    impl CallObserver for Heard {
        fn observed(&self, service: &'static str, operation: &'static str, code: &str, elapsed: Duration) {
            self.0.lock().unwrap().push(format!("{service} {operation} {code} {}", elapsed.as_secs()));
        }
    }
    let heard = Heard::default();
    let elapsed = Duration::from_secs(2);
    tell(&heard, "iam:GetRole", None, elapsed);
    tell(&heard, "iam:GetRole", Some(&from_answer("iam:GetRole", 404, "NoSuchEntity", "")), elapsed);
    tell(&heard, "sts:AssumeRole", Some(&incomplete("sts:AssumeRole", "x")), elapsed);
    assert_eq!(
        *heard.0.lock().unwrap(),
        ["iam GetRole OK 2", "iam GetRole NoSuchEntity 2", "sts AssumeRole Transient 2"],
    );
}
