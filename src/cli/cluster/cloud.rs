//! The cloud of an account, asked by a person and not by the operator.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::cloud::aws::{AwsCloud, Manners};
use crate::cloud::{CallObserver, Cloud, CloudError, ErrorKind, RateLimit};
use crate::controller::aws_account;
use crate::names::InstallationId;
use crate::plan::account::AccountSettings;

/// Makes clouds. Behind a trait, so that commands can be tested with one in memory.
#[async_trait]
pub trait Clouds: Send + Sync {
    /// Connects. Nothing is asked yet.
    async fn connect(&self, settings: &AccountSettings, installation: &InstallationId) -> Reach;
}

/// A cloud within reach, and the calls that were made to it.
pub struct Reach {
    /// The cloud.
    pub cloud: Arc<dyn Cloud>,
    /// How often what was called.
    pub calls: Arc<Counter>,
}

/// Counts calls by operation.
#[derive(Debug, Default)]
pub struct Counter(Mutex<BTreeMap<String, u64>>);

impl Counter {
    /// How often what was called.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl CallObserver for Counter {
    fn observed(&self, service: &'static str, operation: &'static str, _: &str, _: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(format!("{service}:{operation}")).or_default() += 1;
    }
}

/// AWS with the ambient credentials of whoever runs the command.
struct Own {
    assume: bool,
}

/// Clouds for the person's own credentials, or for the role that the account names.
pub fn caller_clouds(assume: bool) -> impl Clouds {
    Own { assume }
}

#[async_trait]
impl Clouds for Own {
    async fn connect(&self, settings: &AccountSettings, installation: &InstallationId) -> Reach {
        let mut account = aws_account(settings, installation);
        if !self.assume {
            account.assume_role = None;
        }
        let calls = Arc::new(Counter::default());
        let pace = NonZeroU32::new(settings.requests_per_second).unwrap_or(NonZeroU32::MIN);
        let manners = Manners {
            rate: Arc::new(RateLimit::per_second(pace)),
            observer: Arc::clone(&calls) as Arc<dyn CallObserver>,
            ..Manners::default()
        };
        Reach { cloud: Arc::new(AwsCloud::connect(account, manners).await), calls }
    }
}

/// Makes sure that the credentials are of the account: in another one every role would be missing.
pub async fn own_account(cloud: &dyn Cloud, name: &str, settings: &AccountSettings) -> Result<(), String> {
    let found = cloud.account().await.map_err(|error| failed(&error))?;
    if found == settings.account.as_str() {
        return Ok(());
    }
    Err(format!(
        "your AWS credentials are of account {found}, and CloudAccount `{name}` is account {}: choose others with AWS_PROFILE, or use `--assume`",
        settings.account
    ))
}

/// Why the cloud did not answer, and what to do.
pub fn failed(error: &CloudError) -> String {
    let fix = match error.kind {
        ErrorKind::Denied if error.code.is_empty() => {
            return format!(
                "{}: there are no AWS credentials that can be used: sign in as for any AWS program, or choose others with AWS_PROFILE",
                error.operation
            );
        }
        ErrorKind::Denied if error.code.starts_with("Expired") || error.code == "RequestExpired" => "sign in again",
        ErrorKind::Denied if error.code.contains("Token") || error.code.contains("Signature") => {
            "choose other credentials with AWS_PROFILE"
        }
        ErrorKind::Denied => "ask for the rights that docs/drift.md lists, or use `--assume`",
        ErrorKind::Throttled => "wait, and ask again",
        ErrorKind::Transient => "check the network, AWS_ENDPOINT_URL and proxies, and ask again",
        _ => "compare the CloudAccount with the account",
    };
    format!("{error}; {fix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_says_what_to_do() {
        let error = |kind, code: &str, message: &str| {
            failed(&CloudError { kind, operation: "iam:GetRole", code: code.into(), message: message.into() })
        };
        assert_eq!(
            error(ErrorKind::Denied, "", "there are no credentials"),
            "iam:GetRole: there are no AWS credentials that can be used: sign in as for any AWS program, or choose others with AWS_PROFILE"
        );
        assert_eq!(
            error(ErrorKind::Denied, "AccessDenied", "bob may not"),
            "iam:GetRole: bob may not; ask for the rights that docs/drift.md lists, or use `--assume`"
        );
        assert_eq!(error(ErrorKind::Denied, "ExpiredToken", "too old"), "iam:GetRole: too old; sign in again");
        assert_eq!(
            error(ErrorKind::Denied, "InvalidClientTokenId", "who?"),
            "iam:GetRole: who?; choose other credentials with AWS_PROFILE"
        );
        assert_eq!(
            error(ErrorKind::Transient, "", "no connection: refused"),
            "iam:GetRole: no connection: refused; check the network, AWS_ENDPOINT_URL and proxies, and ask again"
        );
        assert_eq!(error(ErrorKind::Throttled, "Throttling", "slow"), "iam:GetRole: slow; wait, and ask again");
    }

    #[test]
    fn calls_are_counted_by_operation() {
        let counter = Counter::default();
        for operation in ["GetRole", "GetRole", "GetRolePolicy"] {
            counter.observed("iam", operation, "OK", Duration::ZERO);
        }
        let counts = BTreeMap::from([("iam:GetRole".to_owned(), 2), ("iam:GetRolePolicy".to_owned(), 1)]);
        assert_eq!(counter.counts(), counts);
    }
}
