//! Who owns what: one Ambit in one cluster, and one identity in it.

use super::name;

name!(
    /// One Ambit in one cluster. Part of role paths, of ownership tags and of
    /// the operator's own policy, so it is chosen by people and never changes.
    InstallationId,
    "an installation id",
    "have 1 to 20 characters of `a-z`, `0-9` and `-`, and begin and end with a letter or digit",
    |text| (1..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
);

/// The namespace and name of a `MachineIdentity`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    /// The namespace.
    pub namespace: String,
    /// The name within it.
    pub name: String,
}

impl IdentityKey {
    /// Names an identity. Both texts come from the API server, which has checked them.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl std::fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One incarnation of an identity, of one installation: who may change a
/// principal in the cloud.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The installation.
    pub installation: InstallationId,
    /// The identity.
    pub identity: IdentityKey,
    /// The UID of its incarnation: a recreated object is another owner.
    pub uid: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_a_short_label() {
        for right in ["a", "prod-eu", "x9", "abcdefghijklmnopqrst"] {
            assert!(InstallationId::parse(right).is_ok(), "{right}");
        }
        for wrong in ["", "-a", "a-", "A", "a_b", "a/b", "abcdefghijklmnopqrstu"] {
            assert!(InstallationId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
