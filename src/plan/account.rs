//! A `CloudAccount` as settings that were checked.

use std::time::Duration;

use crate::api::v1alpha1::{AssumeRole, CloudAccountSpec, ProviderPolicy};
use crate::names::{
    AccountId, BoundaryArn, InstallationId, IssuerUrl, NameError, Partition, PrincipalName, QueueUrl, Region, RolePath,
};

/// Everything that is needed to work in an account. It can only be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSettings {
    /// The account.
    pub account: AccountId,
    /// Its partition.
    pub partition: Partition,
    /// The region whose endpoints are used.
    pub region: Region,
    /// The path of this installation's principals.
    pub path: RolePath,
    /// What bounds each of them.
    pub boundary: BoundaryArn,
    /// The issuer whose tokens the account trusts.
    pub issuer: IssuerUrl,
    /// The audience of those tokens.
    pub audience: String,
    /// Whether Ambit registers the issuer.
    pub provider: ProviderPolicy,
    /// The role to assume first.
    pub assume_role: Option<AssumeRole>,
    /// The queue in which the account tells what is done to it, if it does.
    pub queue: Option<QueueUrl>,
    /// The most calls per second.
    pub requests_per_second: u32,
    /// How often the account is swept.
    pub sweep_interval: Duration,
}

/// Why an account cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A union without its member. The API server refuses it, unless its rules are older.
    #[error("`{0}` must be set")]
    Missing(&'static str),
    /// A name that is none.
    #[error("`{field}`: {source}")]
    Name {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: NameError,
    },
}

impl AccountSettings {
    /// Checks a spec.
    pub fn parse(spec: &CloudAccountSpec, installation: &InstallationId) -> Result<Self, AccountError> {
        let aws = spec.aws.as_ref().ok_or(AccountError::Missing("spec.aws"))?;
        let web =
            aws.federation.web_identity.as_ref().ok_or(AccountError::Missing("spec.aws.federation.webIdentity"))?;
        let events = spec.events.as_ref().and_then(|events| events.aws.as_ref());
        let named = |field| move |source| AccountError::Name { field, source };
        Ok(Self {
            account: AccountId::parse(&aws.account_id).map_err(named("spec.aws.accountId"))?,
            partition: Partition::parse(&aws.partition).map_err(named("spec.aws.partition"))?,
            region: Region::parse(&aws.region).map_err(named("spec.aws.region"))?,
            path: RolePath::parse(&aws.role_path)
                .and_then(|path| path.join(installation))
                .map_err(named("spec.aws.rolePath"))?,
            boundary: BoundaryArn::parse(&aws.permissions_boundary_arn)
                .map_err(named("spec.aws.permissionsBoundaryArn"))?,
            issuer: IssuerUrl::parse(&web.issuer).map_err(named("spec.aws.federation.webIdentity.issuer"))?,
            audience: web.audience.clone(),
            provider: web.provider,
            assume_role: aws.assume_role.clone(),
            queue: events
                .map(|events| QueueUrl::parse(&events.queue_url))
                .transpose()
                .map_err(named("spec.events.aws.queueUrl"))?,
            requests_per_second: u32::try_from(spec.requests_per_second).unwrap_or(1).max(1),
            sweep_interval: Duration::from(spec.sweep_interval).max(Duration::from_secs(1)),
        })
    }

    /// The ARN that an identity's role has or will have.
    #[must_use]
    pub fn role_arn(&self, name: &PrincipalName) -> String {
        format!("arn:{}:iam::{}:role{}{name}", self.partition, self.account, self.path)
    }

    /// The ARN of the issuer's OIDC provider in the account.
    #[must_use]
    pub fn provider_arn(&self) -> String {
        format!("arn:{}:iam::{}:oidc-provider/{}", self.partition, self.account, self.issuer.host_and_path())
    }
}
