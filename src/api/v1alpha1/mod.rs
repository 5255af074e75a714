//! `ambit.dev/v1alpha1`.

mod account_status;
mod binding_table;
mod cloud_account;
mod common;
mod crds;
mod credentials;
mod delivery;
mod drift;
mod machine_identity;
mod pipeline;
mod scope_policy;
mod status;

pub use account_status::{
    BoundaryStatus, CloudAccountStatus, IdentityCounts, OrphanStatus, ProviderStatus, SweepStatus, UsageStatus,
};
pub use binding_table::{Binding, BindingTable, BindingTableFields, EnvVar, TABLE_NAME};
pub use cloud_account::{
    AccessKeyPolicy, AssumeRole, AwsAccountSpec, AwsEventsSpec, CloudAccount, CloudAccountSpec, EventsSpec,
    FederationSpec, OrphanPolicy, PipelineIssuer, PodIdentitySpec, ProviderPolicy, ResumeBy, WebIdentitySpec,
    sts_audience,
};
pub use common::{AccessName, NameRef, NamespaceSelector, ScopeCondition, SelectorOperator, SelectorRequirement};
pub use crds::{KINDS, all as crds, yaml as crds_yaml};
pub use credentials::{
    AccessKeyCredentials, AccessKeyStatus, CredentialsSpec, CredentialsStatus, FederationCredentials, RotationPhase,
    SecretFormat, SessionSecretCredentials,
};
pub use delivery::{DeliveredBy, DeliveryMethod, DeliveryStatus, TOKEN_DIRECTORY, TOKEN_SECONDS, TokenSpec};
pub use drift::{ContestStatus, ContestedPart, DriftAuthor, DriftItem, DriftStatus, DriftWitness, WitnessKey};
pub use machine_identity::{
    DeletionPolicy, MachineIdentity, MachineIdentitySpec, ManagementPolicy, PodAdmission, ScopeSpec,
    ServiceAccountSubject, SubjectSpec,
};
pub use pipeline::{
    BuildkitePipeline, CircleciPipeline, GithubIds, GithubPipeline, GitlabPipeline, OidcPipeline, PipelineSubject,
};
pub use scope_policy::{
    AccessRule, CredentialType, Enforcement, PermissionsManagement, PipelineRule, ScopePolicy, ScopePolicySpec,
};
pub use status::{AssociationStatus, AwsStatus, MachineIdentityStatus, SuspensionStatus};

/// The API group of every kind.
pub const GROUP: &str = "ambit.dev";

/// An identity whose annotation of this name gets another value is looked at in
/// full, and repaired again where Ambit had given up.
pub const RECONCILE: &str = "ambit.dev/reconcile";

/// An identity whose annotation of this name gets another value gets another access key, or other
/// credentials in its Secret. A value that begins with `revoke-old/` takes the old key away at once.
pub const ROTATE: &str = "ambit.dev/rotate";

/// A Secret with this label holds the credentials of the identity that it names.
pub const CREDENTIALS_OF: &str = "ambit.dev/credentials-of";

/// The finalizer that keeps an identity until its principal is gone.
pub const FINALIZER: &str = "ambit.dev/principal";
