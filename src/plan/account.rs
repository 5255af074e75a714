//! A `CloudAccount` as settings that were checked.

use std::time::Duration;

use crate::api::v1alpha1::{
    AccessKeyPolicy, AssumeRole, CloudAccountSpec, DeliveryMethod, FederationSpec, PipelineIssuer, ProviderPolicy,
    TokenSpec, WebIdentitySpec, sts_audience,
};
use crate::names::{
    AccountId, BoundaryArn, ClusterArn, ClusterName, InstallationId, IssuerUrl, NameError, Partition, PrincipalName,
    QueueUrl, Region, RolePath,
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
    /// How pods of this cluster prove themselves.
    pub federation: Federation,
    /// The issuers of pipelines that the account trusts.
    pub pipelines: Vec<Federated>,
    /// The role to assume first.
    pub assume_role: Option<AssumeRole>,
    /// The queue in which the account tells what is done to it, if it does.
    pub queue: Option<QueueUrl>,
    /// Whether there may be users with access keys.
    pub allows_access_keys: bool,
    /// The most calls per second.
    pub requests_per_second: u32,
    /// How often the account is swept.
    pub sweep_interval: Duration,
}

/// How pods prove themselves to the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Federation {
    /// By tokens of the cluster's own issuer.
    WebIdentity(WebIdentity),
    /// To EKS, which becomes the role for them.
    PodIdentity {
        /// The cluster's name.
        cluster_name: ClusterName,
        /// Its ARN, by which clusters of one name are told apart.
        cluster_arn: ClusterArn,
    },
}

/// Tokens of the cluster's own issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The issuer.
    pub federated: Federated,
    /// How pods get token and environment.
    pub delivery: DeliveryMethod,
    /// The tokens that they get.
    pub token: TokenSettings,
}

/// The tokens that pods get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// How many seconds a token is valid.
    pub expiration_seconds: i32,
    /// Where it is mounted.
    pub directory: String,
}

/// An issuer whose tokens the account trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federated {
    /// The issuer.
    pub issuer: IssuerUrl,
    /// The audience of its tokens.
    pub audience: String,
    /// Whether Ambit registers it.
    pub provider: ProviderPolicy,
}

/// Why an account cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A union without its member. The API server refuses it, unless its rules are older.
    #[error("`{0}` must be set")]
    Missing(&'static str),
    /// A value that cannot be. The API server refuses it, unless its rules are older.
    #[error("`{field}` {must}")]
    Value {
        /// The field.
        field: &'static str,
        /// What must hold.
        must: &'static str,
    },
    /// A union with none of its members, or with both.
    #[error("`spec.aws.federation` must set exactly one of `webIdentity` and `podIdentity`")]
    Federation,
    /// A name that is none.
    #[error("`{field}`: {source}")]
    Name {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: NameError,
    },
}

impl AccountError {
    /// The field that somebody must change.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Missing(field) | Self::Name { field, .. } | Self::Value { field, .. } => field,
            Self::Federation => "spec.aws.federation",
        }
    }
}

impl AccountSettings {
    /// Checks a spec.
    pub fn parse(spec: &CloudAccountSpec, installation: &InstallationId) -> Result<Self, AccountError> {
        let aws = spec.aws.as_ref().ok_or(AccountError::Missing("spec.aws"))?;
        let events = spec.events.as_ref().and_then(|events| events.aws.as_ref());
        let named = |field| move |source| AccountError::Name { field, source };
        let account = AccountId::parse(&aws.account_id).map_err(named("spec.aws.accountId"))?;
        let partition = Partition::parse(&aws.partition).map_err(named("spec.aws.partition"))?;
        let region = Region::parse(&aws.region).map_err(named("spec.aws.region"))?;
        Ok(Self {
            federation: federation(&aws.federation, (&partition, &region, &account))?,
            account,
            partition,
            region,
            path: RolePath::parse(&aws.role_path)
                .and_then(|path| path.join(installation))
                .map_err(named("spec.aws.rolePath"))?,
            boundary: BoundaryArn::parse(&aws.permissions_boundary_arn)
                .map_err(named("spec.aws.permissionsBoundaryArn"))?,
            pipelines: aws.federation.pipelines.iter().map(federated).collect::<Result<_, _>>()?,
            assume_role: aws.assume_role.clone(),
            queue: events
                .map(|events| QueueUrl::parse(&events.queue_url))
                .transpose()
                .map_err(named("spec.events.aws.queueUrl"))?,
            allows_access_keys: aws.access_keys == AccessKeyPolicy::Allowed,
            requests_per_second: u32::try_from(spec.requests_per_second).unwrap_or(1).max(1),
            sweep_interval: Duration::from(spec.sweep_interval).max(Duration::from_secs(1)),
        })
    }

    /// The ARN that an identity's role or user has or will have.
    #[must_use]
    pub fn principal_arn(&self, name: &PrincipalName) -> String {
        format!("arn:{}:iam::{}:{}{}{name}", self.partition, self.account, name.kind().word(), self.path)
    }

    /// How pods of the cluster get token and environment, where tokens of its issuer open roles.
    #[must_use]
    pub fn delivery(&self) -> Option<DeliveryMethod> {
        match &self.federation {
            Federation::WebIdentity(web) => Some(web.delivery),
            Federation::PodIdentity { .. } => None,
        }
    }

    /// The issuer of the cluster's own tokens, where the account trusts it.
    #[must_use]
    pub fn web_identity(&self) -> Option<&Federated> {
        match &self.federation {
            Federation::WebIdentity(web) => Some(&web.federated),
            Federation::PodIdentity { .. } => None,
        }
    }

    /// The cluster whose pods EKS hands roles, where it does.
    #[must_use]
    pub fn cluster(&self) -> Option<&ClusterArn> {
        match &self.federation {
            Federation::WebIdentity(_) => None,
            Federation::PodIdentity { cluster_arn, .. } => Some(cluster_arn),
        }
    }

    /// The ARN of an issuer's OIDC provider in the account.
    #[must_use]
    pub fn provider_arn(&self, issuer: &IssuerUrl) -> String {
        format!("arn:{}:iam::{}:oidc-provider/{}", self.partition, self.account, issuer.host_and_path())
    }
}

fn federation(
    spec: &FederationSpec,
    (partition, region, account): (&Partition, &Region, &AccountId),
) -> Result<Federation, AccountError> {
    let named = |field| move |source| AccountError::Name { field, source };
    match (&spec.web_identity, &spec.pod_identity) {
        (Some(web), None) => {
            let issuer = IssuerUrl::parse(&web.issuer).map_err(named("spec.aws.federation.webIdentity.issuer"))?;
            let federated = Federated { issuer, audience: web.audience.clone(), provider: web.provider };
            Ok(Federation::WebIdentity(WebIdentity { federated, delivery: web.delivery, token: token(web)? }))
        }
        (None, Some(pods)) => {
            let field = "spec.aws.federation.podIdentity.clusterName";
            let cluster_name = ClusterName::parse(&pods.cluster_name).map_err(named(field))?;
            let cluster_arn = ClusterArn::of(partition, region, account, &cluster_name);
            Ok(Federation::PodIdentity { cluster_name, cluster_arn })
        }
        _ => Err(AccountError::Federation),
    }
}

/// The tokens' settings, within the bounds that the API server keeps as well: what stands in a
/// binding table must be fit for every pod.
fn token(web: &WebIdentitySpec) -> Result<TokenSettings, AccountError> {
    let TokenSpec { expiration, directory } = web.token.clone().unwrap_or_default();
    let seconds = i32::try_from(Duration::from(expiration).as_secs()).ok().filter(|it| (600..=86_400).contains(it));
    let field = "spec.aws.federation.webIdentity.token.expiration";
    let must = "must be a duration from '10m' to '24h'";
    let expiration_seconds = seconds.ok_or(AccountError::Value { field, must })?;
    let field = "spec.aws.federation.webIdentity.token.directory";
    let must = "must be a directory of its own below '/var/run/secrets/', such as '/var/run/secrets/ambit.dev'";
    if !is_fit(&directory) {
        return Err(AccountError::Value { field, must });
    }
    Ok(TokenSettings { expiration_seconds, directory })
}

/// Whether a token may be mounted there: nobody else's directory, and none that leads elsewhere.
fn is_fit(directory: &str) -> bool {
    const OF_OTHERS: [&str; 3] = ["kubernetes.io", "eks.amazonaws.com", "pods.eks.amazonaws.com"];
    let Some(below) = directory.strip_prefix("/var/run/secrets/") else { return false };
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !name.contains("..")
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let mut names = below.split('/').peekable();
    let is_free = names.peek().is_none_or(|first| !OF_OTHERS.contains(first));
    directory.len() <= 128 && is_free && names.all(is_name)
}

fn federated(pipeline: &PipelineIssuer) -> Result<Federated, AccountError> {
    let named = |source| AccountError::Name { field: "spec.aws.federation.pipelines", source };
    Ok(Federated {
        issuer: IssuerUrl::parse(&pipeline.issuer).map_err(named)?,
        audience: pipeline.audience.clone().unwrap_or_else(sts_audience),
        provider: pipeline.provider.unwrap_or_default(),
    })
}
