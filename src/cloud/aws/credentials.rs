//! Working under a role in the account, when one is named.

use std::sync::Arc;
use std::time::Instant;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

use super::{AwsAccount, CallObserver, errors};

const OPERATION: &str = "sts:AssumeRole";

/// The configuration with the account's role in place of the ambient credentials.
///
/// The session carries the installation's name, so that the account's own audit
/// trail tells which Ambit it was.
pub(super) async fn assumed(config: SdkConfig, account: &AwsAccount, observer: &Arc<dyn CallObserver>) -> SdkConfig {
    let Some(role) = &account.assume_role else { return config };
    let mut provider = AssumeRoleProvider::builder(&role.arn)
        .session_name(format!("ambit-{}", account.installation))
        .configure(&config);
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    let watched = Watched { inner: provider.build().await, observer: Arc::clone(observer) };
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(watched)).build()
}

/// Tells the observer of the calls that the SDK makes by itself to stay logged in.
struct Watched {
    inner: AssumeRoleProvider,
    observer: Arc<dyn CallObserver>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched(…)")
    }
}

impl Watched {
    async fn credentials(&self) -> provider::Result {
        let start = Instant::now();
        let answer = self.inner.provide_credentials().await;
        let failure = answer.as_ref().err().map(|error| errors::from_credentials(OPERATION, error));
        errors::tell(self.observer.as_ref(), OPERATION, failure.as_ref(), start.elapsed());
        answer
    }
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
