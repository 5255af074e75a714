//! The OIDC provider that stands for the cluster's issuer.

use super::{AwsCloud, errors, tags};
use crate::cloud::CloudError;
use crate::domain::{Observation, Provider, ProviderStep};
use crate::names::IssuerUrl;

impl AwsCloud {
    pub(super) async fn provider(&self, issuer: &IssuerUrl) -> Result<Observation<Provider>, CloudError> {
        let arn = self.account.provider_arn(issuer);
        let request = self.iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
        let Some(answer) = errors::found(self.call("iam:GetOpenIDConnectProvider", request).await)? else {
            return Ok(Observation::Absent);
        };
        let (owner, _) = tags::read(answer.tags);
        Ok(Observation::Present(Provider {
            audiences: answer.client_id_list.unwrap_or_default().into_iter().collect(),
            thumbprints: lowered(answer.thumbprint_list),
            installation: owner.installation,
        }))
    }

    pub(super) async fn take_provider_step(&self, issuer: &IssuerUrl, step: &ProviderStep) -> Result<(), CloudError> {
        match step {
            ProviderStep::Create { audience } => self.create_provider(issuer, audience).await,
            ProviderStep::AddAudience { audience } => self.add_audience(issuer, audience).await,
            ProviderStep::RemoveAudience { audience } => self.remove_audience(issuer, audience).await,
        }
    }

    /// No thumbprints are given: AWS then checks the issuer's certificate itself.
    async fn create_provider(&self, issuer: &IssuerUrl, audience: &str) -> Result<(), CloudError> {
        const OPERATION: &str = "iam:CreateOpenIDConnectProvider";
        let tag = tags::tag(OPERATION, tags::INSTALLATION, self.account.installation.as_str())?;
        let request = self.iam.create_open_id_connect_provider().url(issuer.as_str()).client_id_list(audience);
        self.call(OPERATION, request.tags(tag).send()).await.map(drop)
    }

    async fn add_audience(&self, issuer: &IssuerUrl, audience: &str) -> Result<(), CloudError> {
        let arn = self.account.provider_arn(issuer);
        let request = self.iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn);
        self.call("iam:AddClientIDToOpenIDConnectProvider", request.client_id(audience).send()).await.map(drop)
    }

    async fn remove_audience(&self, issuer: &IssuerUrl, audience: &str) -> Result<(), CloudError> {
        let arn = self.account.provider_arn(issuer);
        let request = self.iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(arn);
        self.call("iam:RemoveClientIDFromOpenIDConnectProvider", request.client_id(audience).send()).await.map(drop)
    }
}

fn lowered(thumbprints: Option<Vec<String>>) -> std::collections::BTreeSet<String> {
    thumbprints.unwrap_or_default().into_iter().map(|thumbprint| thumbprint.to_ascii_lowercase()).collect()
}
