//! The OIDC provider through which a cluster's tokens are trusted.

use std::collections::BTreeSet;

/// A registered OIDC provider as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The audiences that it accepts.
    pub audiences: BTreeSet<String>,
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
}
