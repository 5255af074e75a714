//! AWS: identities are IAM roles, proof is `AssumeRoleWithWebIdentity`. Where EKS hands roles to
//! pods, an association of EKS ties both. Identities that cannot federate are IAM users with access
//! keys; files of users stand beside those of roles.
//!
//! A file per group of operations; every request goes through
//! [`AwsCloud::call`], which paces it, measures it and translates its failure.

mod access_keys;
mod apply;
mod association;
mod credentials;
mod errors;
mod facts;
mod observe;
mod operator_policy;
mod pages;
mod prove;
mod provider;
mod queue;
mod sweep;
mod tags;
mod trail;
mod user;
mod user_steps;
mod whole;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};

use super::{
    AssociationPage, CallObserver, Cloud, CloudError, Depth, EventQueue, Page, PageToken, RateLimit, Unobserved,
};
use crate::domain::{
    AccessKey, Association, AssociationStep, Cluster, Credentials, KeyStep, LastUse, NewAccessKey, Observation,
    Observed, OwnPolicies, PodsOf, Provider, ProviderStep, Reading, SessionSeconds, Step, StepDone, Usage, WebToken,
};
use crate::names::{
    AccessKeyId, AccountId, BoundaryArn, ClusterArn, InstallationId, IssuerUrl, Partition, PrincipalKind,
    PrincipalName, QueueUrl, Region, RolePath,
};

pub use operator_policy::operator_policy;

/// The inline policy that holds what Ambit grants.
pub const PERMISSIONS: &str = "ambit";

/// The inline policy by which Ambit denies everything.
pub const CLOSED: &str = "ambit-closed";

/// The inline policy by which Ambit denies what old sessions do.
pub const SESSIONS: &str = "ambit-sessions";

/// The names of Ambit's own inline policies.
pub const OWN: OwnPolicies = OwnPolicies { permissions: PERMISSIONS, closed: CLOSED, sessions: SESSIONS };

/// One account as one installation manages it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsAccount {
    /// The account.
    pub account: AccountId,
    /// The partition it belongs to.
    pub partition: Partition,
    /// The region whose endpoints are called.
    pub region: Region,
    /// The path of the roles and users, the installation's own segment included.
    pub path: RolePath,
    /// The installation.
    pub installation: InstallationId,
    /// The role to work under; without one, the ambient credentials are used.
    pub assume_role: Option<AssumeRole>,
    /// Where the account tells what is done to it, if it does.
    pub events: Option<AwsEvents>,
    /// The cluster whose pods EKS hands roles, if it does.
    pub cluster: Option<ClusterArn>,
    /// Whether Ambit makes users here, for identities that have access keys.
    pub users: bool,
}

impl AwsAccount {
    /// The ARN of something of IAM in this account.
    fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }

    /// The ARN of a user on this installation's path.
    fn user_arn(&self, name: &str) -> String {
        self.iam_arn(&format!("user{}{name}", self.path))
    }

    /// The ARN of a role on this installation's path.
    fn role_arn(&self, name: &str) -> String {
        self.iam_arn(&format!("role{}{name}", self.path))
    }

    /// The ARN of the provider that stands for an issuer.
    fn provider_arn(&self, issuer: &IssuerUrl) -> String {
        self.iam_arn(&format!("oidc-provider/{}", issuer.host_and_path()))
    }
}

/// Where an account tells what is done to it, and what is of interest beside roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsEvents {
    /// The queue.
    pub queue: QueueUrl,
    /// The policy that bounds every role.
    pub boundary: BoundaryArn,
    /// The issuer whose provider every role trusts, where roles trust one.
    pub issuer: Option<IssuerUrl>,
}

/// A role in the account that Ambit works under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// Its ARN.
    pub arn: String,
    /// What the account's owner agreed on, against confused deputies.
    pub external_id: Option<String>,
}

/// How an account is called.
#[derive(Clone)]
pub struct Manners {
    /// How fast. Share it when the connection is made anew, so that the pace is kept.
    pub rate: Arc<RateLimit>,
    /// Who watches the calls.
    pub observer: Arc<dyn CallObserver>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a whole call may take, waiting for its turn not counted.
    pub call_timeout: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            rate: Arc::new(RateLimit::unlimited()),
            observer: Arc::new(Unobserved),
            connect_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(10),
        }
    }
}

/// An AWS account, called through the official SDK.
#[derive(Clone)]
pub struct AwsCloud {
    account: AwsAccount,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    eks: aws_sdk_eks::Client,
    config: SdkConfig,
    connect_timeout: Duration,
    call_timeout: Duration,
    rate: Arc<RateLimit>,
    observer: Arc<dyn CallObserver>,
}

impl AwsCloud {
    /// Connects with the ambient credentials, which may be a pod's, a file's or
    /// the environment's, as with any AWS program. Nothing is called yet.
    pub async fn connect(account: AwsAccount, manners: Manners) -> Self {
        let ambient = aws_config::defaults(BehaviorVersion::latest())
            .region(aws_config::Region::new(account.region.as_str().to_owned()))
            .load()
            .await;
        Self::with_config(account, &ambient, manners).await
    }

    async fn with_config(account: AwsAccount, config: &SdkConfig, manners: Manners) -> Self {
        let polite = config
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(times(manners.connect_timeout, manners.call_timeout))
            .build();
        let config = credentials::assumed(polite, &account, &manners.observer).await;
        Self {
            account,
            iam: aws_sdk_iam::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            eks: aws_sdk_eks::Client::new(&config),
            config,
            connect_timeout: manners.connect_timeout,
            call_timeout: manners.call_timeout,
            rate: manners.rate,
            observer: manners.observer,
        }
    }

    /// Sends one request: the only place from which calls go out.
    async fn call<T, E>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.rate.take(operation).await?;
        let start = Instant::now();
        let answer = request.await.map_err(|error| errors::translate(operation, &error));
        errors::tell(self.observer.as_ref(), operation, answer.as_ref().err(), start.elapsed());
        answer
    }
}

fn times(connect: Duration, call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(connect).operation_timeout(call).build()
}

#[async_trait]
impl Cloud for AwsCloud {
    async fn observe(&self, name: &PrincipalName, depth: Depth) -> Result<Observation<Observed>, CloudError> {
        match (name.kind(), depth) {
            (PrincipalKind::Role, Depth::Own) => Box::pin(self.observe_own(name)).await,
            (PrincipalKind::Role, Depth::Full) => Box::pin(self.observe_full(name)).await,
            (PrincipalKind::User, Depth::Own) => Box::pin(self.observe_own_user(name)).await,
            (PrincipalKind::User, Depth::Full) => Box::pin(self.observe_full_user(name)).await,
        }
    }

    async fn apply(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
        match name.kind() {
            PrincipalKind::Role => self.take_step(name, step).await,
            PrincipalKind::User => self.take_users_step(name, step).await,
        }
    }

    async fn access_keys(&self, user: &PrincipalName) -> Result<Vec<AccessKey>, CloudError> {
        self.list_access_keys(user).await
    }

    async fn last_use(&self, key: &AccessKeyId) -> Result<LastUse, CloudError> {
        self.key_last_used(key).await
    }

    async fn create_access_key(&self, user: &PrincipalName) -> Result<NewAccessKey, CloudError> {
        self.make_access_key(user).await
    }

    async fn change_access_key(&self, user: &PrincipalName, step: &KeyStep) -> Result<(), CloudError> {
        self.take_key_step(user, step).await
    }

    async fn prove(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        self.prove_assumable(name, token).await
    }

    async fn credentials(
        &self,
        name: &PrincipalName,
        token: &WebToken,
        session: SessionSeconds,
    ) -> Result<Credentials, CloudError> {
        self.assumed(name, token, session).await
    }

    async fn sweep(&self, from: Option<&PageToken>) -> Result<Page, CloudError> {
        self.sweep_page(from).await
    }

    async fn observe_provider(&self, issuer: &IssuerUrl) -> Result<Observation<Provider>, CloudError> {
        self.provider(issuer).await
    }

    async fn apply_provider(&self, issuer: &IssuerUrl, step: &ProviderStep) -> Result<(), CloudError> {
        self.take_provider_step(issuer, step).await
    }

    async fn observe_cluster(&self) -> Result<Observation<Cluster>, CloudError> {
        self.cluster().await
    }

    async fn observe_association(&self, pods: &PodsOf) -> Result<Observation<Association>, CloudError> {
        Box::pin(self.association(pods)).await
    }

    async fn apply_association(&self, step: &AssociationStep) -> Result<(), CloudError> {
        self.take_association_step(step).await
    }

    async fn sweep_associations(&self, from: Option<&PageToken>) -> Result<AssociationPage, CloudError> {
        self.association_page(from).await
    }

    async fn observe_boundary(&self, boundary: &BoundaryArn) -> Result<Observation<Reading>, CloudError> {
        self.boundary(boundary).await
    }

    async fn usage(&self) -> Result<Usage, CloudError> {
        self.summary().await
    }

    async fn account(&self) -> Result<String, CloudError> {
        self.caller_account().await
    }

    fn backlog(&self) -> Duration {
        self.rate.backlog()
    }

    fn events(&self) -> Option<Arc<dyn EventQueue>> {
        let events = self.account.events.as_ref()?;
        Some(Arc::new(queue::AwsQueue::new(self, events)))
    }
}

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
