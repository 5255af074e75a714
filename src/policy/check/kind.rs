//! What a policy is attached to, more exactly than its elements can show it.

use crate::policy::statement::{Policy, PolicyKind};

/// The kind of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Attached to a user, a group or a role.
    Identity,
    /// Attached to a bucket, a queue, a key.
    Resource,
    /// Who may assume a role.
    Trust,
    /// A service control policy of an organisation.
    Scp,
    /// A resource control policy of an organisation.
    Rcp,
    /// A permissions boundary.
    Boundary,
    /// Given along when a role is assumed.
    Session,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Identity, Self::Resource, Self::Trust, Self::Scp, Self::Rcp, Self::Boundary, Self::Session];

    /// The kind as it is named on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Resource => "resource",
            Self::Trust => "trust",
            Self::Scp => "scp",
            Self::Rcp => "rcp",
            Self::Boundary => "boundary",
            Self::Session => "session",
        }
    }

    /// The kind for people, with its article.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Identity => "the policy of an identity",
            Self::Resource => "the policy of a resource",
            Self::Trust => "a trust policy",
            Self::Scp => "a service control policy",
            Self::Rcp => "a resource control policy",
            Self::Boundary => "a permissions boundary",
            Self::Session => "a session policy",
        }
    }

    /// The kind that a document shows. Boundaries, session policies and SCPs look like the policy
    /// of an identity, RCPs like that of a resource.
    pub(super) fn of(policy: &Policy) -> Self {
        match policy.kind() {
            None | Some(PolicyKind::Identity) => Self::Identity,
            Some(PolicyKind::Resource) => Self::Resource,
            // The policy of a container registry has no resources either.
            Some(PolicyKind::Trust) => {
                let actions = policy.statements.iter().flat_map(|statement| &statement.action.values);
                let all = actions.into_iter().all(|action| action.to_ascii_lowercase().starts_with("sts:"));
                if all { Self::Trust } else { Self::Resource }
            }
        }
    }

    /// Whether statements say who.
    pub(super) fn has_principals(self) -> bool {
        matches!(self, Self::Resource | Self::Trust | Self::Rcp)
    }

    /// Whether an Allow in it grants, and does not merely leave room for other grants.
    pub(super) fn grants(self) -> bool {
        matches!(self, Self::Identity | Self::Resource | Self::Trust)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
