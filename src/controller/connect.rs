//! Making the cloud of an account.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;

use super::accounts::Connect;
use crate::cloud::aws::{AssumeRole, AwsAccount, AwsCloud, AwsEvents, Manners};
use crate::cloud::{CallObserver, Cloud, CloudError, RateLimit};
use crate::names::InstallationId;
use crate::plan::account::AccountSettings;

/// Makes clouds of AWS accounts.
pub struct AwsConnect {
    installation: InstallationId,
    observer: Arc<dyn CallObserver>,
}

impl AwsConnect {
    /// Calls are told to the observer.
    #[must_use]
    pub fn new(installation: InstallationId, observer: Arc<dyn CallObserver>) -> Self {
        Self { installation, observer }
    }
}

/// An account's settings in the words of the adapter.
#[must_use]
pub fn aws_account(settings: &AccountSettings, installation: &InstallationId) -> AwsAccount {
    AwsAccount {
        account: settings.account.clone(),
        partition: settings.partition.clone(),
        region: settings.region.clone(),
        path: settings.path.clone(),
        installation: installation.clone(),
        assume_role: settings
            .assume_role
            .as_ref()
            .map(|role| AssumeRole { arn: role.arn.clone(), external_id: role.external_id.clone() }),
        events: settings.queue.as_ref().map(|queue| AwsEvents {
            queue: queue.clone(),
            boundary: settings.boundary.clone(),
            issuer: settings.web_identity().map(|web| web.issuer.clone()),
        }),
        cluster: settings.cluster().cloned(),
        users: settings.allows_access_keys,
    }
}

#[async_trait]
impl Connect for AwsConnect {
    async fn connect(&self, settings: &AccountSettings) -> Result<Arc<dyn Cloud>, CloudError> {
        let pace = NonZeroU32::new(settings.requests_per_second).unwrap_or(NonZeroU32::MIN);
        let manners = Manners {
            rate: Arc::new(RateLimit::per_second(pace)),
            observer: Arc::clone(&self.observer),
            ..Manners::default()
        };
        Ok(Arc::new(AwsCloud::connect(aws_account(settings, &self.installation), manners).await))
    }
}
