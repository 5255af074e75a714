//! `ambit.dev/v1alpha1`.

mod binding_table;
mod cloud_account;
mod common;
mod crds;
mod machine_identity;
mod scope_policy;
mod status;

pub use binding_table::{Binding, BindingTable, BindingTableFields, EnvVar, TABLE_NAME};
pub use cloud_account::{
    AssumeRole, AwsAccountSpec, CloudAccount, CloudAccountSpec, CloudAccountStatus, FederationSpec, ProviderPolicy,
    WebIdentitySpec,
};
pub use common::{AccessName, NameRef, NamespaceSelector, ScopeCondition, SelectorOperator, SelectorRequirement};
pub use crds::{KINDS, all as crds, yaml as crds_yaml};
pub use machine_identity::{
    CredentialsSpec, DeletionPolicy, FederationCredentials, MachineIdentity, MachineIdentitySpec, ManagementPolicy,
    PodAdmission, ScopeSpec, ServiceAccountSubject, SubjectSpec,
};
pub use scope_policy::{
    AccessRule, CredentialType, Enforcement, PermissionsManagement, PipelineRule, ScopePolicy, ScopePolicySpec,
};
pub use status::{AwsStatus, DriftItem, DriftStatus, MachineIdentityStatus};

/// The API group of every kind.
pub const GROUP: &str = "ambit.dev";

/// The finalizer that keeps an identity until its principal is gone.
pub const FINALIZER: &str = "ambit.dev/principal";
