//! What hands a principal to the pods of a service account, where the cloud itself does.

use super::observed::OwnerTags;
use crate::names::Owner;

/// A cluster as its cloud knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its full name, in which place and account stand.
    pub arn: String,
}

/// The pods of one service account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodsOf {
    /// The namespace.
    pub namespace: String,
    /// The service account.
    pub service_account: String,
}

impl PodsOf {
    /// The pods of a service account.
    #[must_use]
    pub fn new(namespace: impl Into<String>, service_account: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), service_account: service_account.into() }
    }
}

impl std::fmt::Display for PodsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.service_account)
    }
}

/// An association as found: pods, and the principal that they get.
///
/// A cluster has at most one for the pods of a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// Its id, which no later one has.
    pub id: String,
    /// Whose pods.
    pub pods: PodsOf,
    /// The ARN of the principal.
    pub principal: String,
    /// The ARN of another principal that pods become from there.
    pub onward: Option<String>,
    /// Whether the cloud says for whom it becomes the principal. Where it does not, no trust that
    /// asks for that lets it in.
    pub names_pods: bool,
    /// Whether it has a policy of its own, which leaves pods less than the principal has.
    pub narrowed: bool,
    /// Whose it is.
    pub owner: OwnerTags,
}

/// An association as a list of all of them tells it: not more than that it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Whose pods.
    pub pods: PodsOf,
}

/// One change to an association, carried out by one call.
///
/// An association that is remade has another id, so a step that comes late meets nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssociationStep {
    /// Make it. Fails with `Conflict` where these pods have one.
    Create {
        /// Whose it is, written as tags.
        owner: Owner,
        /// Whose pods.
        pods: PodsOf,
        /// The ARN of the principal.
        principal: String,
    },
    /// Give it this principal, and have the cloud say for whom it becomes it.
    Update {
        /// The association.
        id: String,
        /// The ARN of the principal.
        principal: String,
    },
    /// Remove it. Done where it is gone already.
    Delete {
        /// The association.
        id: String,
    },
}

impl AssociationStep {
    /// A short name for logs and for counting.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create-association",
            Self::Update { .. } => "update-association",
            Self::Delete { .. } => "delete-association",
        }
    }
}
