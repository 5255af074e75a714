//! The OIDC provider through which a cluster's tokens are trusted.

use std::collections::BTreeSet;

/// A registered OIDC provider as found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provider {
    /// The audiences that it accepts.
    pub audiences: BTreeSet<String>,
    /// The fingerprints of certificates that it trusts, in lower case. May be empty: AWS then
    /// relies on its own list of authorities.
    pub thumbprints: BTreeSet<String>,
    /// The installation in its ownership tag, if it has one.
    pub installation: Option<String>,
}

/// One change to a provider, carried out by one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderStep {
    /// Register the issuer with this audience.
    Create {
        /// The audience.
        audience: String,
    },
    /// Accept one more audience.
    AddAudience {
        /// The audience.
        audience: String,
    },
    /// Accept an audience no longer.
    RemoveAudience {
        /// The audience.
        audience: String,
    },
}

impl ProviderStep {
    /// A short name for logs and for counting.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create-provider",
            Self::AddAudience { .. } => "add-audience",
            Self::RemoveAudience { .. } => "remove-audience",
        }
    }
}
