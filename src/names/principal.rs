//! The name that an identity's principal has in the cloud.

use super::{IdentityKey, InstallationId};
use sha2::{Digest as _, Sha256};

/// What a principal of an identity is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A role, which somebody with a token or an association becomes.
    #[default]
    Role,
    /// A user, who has access keys and no password.
    User,
}

impl PrincipalKind {
    /// The word for it, which is also how its ARN begins.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

/// What a principal is, and its name: readable, deterministic, and unique for the triple of
/// installation, namespace and name. Roles and users have names of their own each.
///
/// It depends on names alone, not on the object's UID, so that ARNs that stand
/// in resource policies stay true when an identity is recreated.
///
/// INVARIANT: at most 64 characters of `a-z`, `0-9` and `-`; two names differ
/// even when case is ignored, because only lower case is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalName {
    kind: PrincipalKind,
    name: String,
}

impl PrincipalName {
    /// The longest name that IAM takes for a role, and for a user.
    pub const MAX_LENGTH: usize = 64;
    const HASH_LENGTH: usize = 10;

    /// The principal of an identity of an installation.
    #[must_use]
    pub fn of(kind: PrincipalKind, installation: &InstallationId, identity: &IdentityKey) -> Self {
        let hash = hash(installation, identity);
        let readable: String = readable(&identity.namespace, &identity.name).collect();
        Self { kind, name: format!("{}-{hash}", readable.trim_matches('-')) }
    }

    /// The role of an identity of an installation.
    #[must_use]
    pub fn role(installation: &InstallationId, identity: &IdentityKey) -> Self {
        Self::of(PrincipalKind::Role, installation, identity)
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// Whether a principal of this name may be that of an identity so called: a quick look, without
    /// the hash, that leaves few of many. `of` then says whether it is.
    #[must_use]
    pub fn may_be(principal: &str, namespace: &str, name: &str) -> bool {
        let Some((stem, hash)) = principal.rsplit_once('-') else { return false };
        if hash.len() != Self::HASH_LENGTH {
            return false;
        }
        let mut rest = readable(namespace, name).skip_while(|c| *c == '-');
        let begins = stem.chars().all(|c| rest.next() == Some(c));
        begins && rest.all(|c| c == '-')
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Namespace and name as they stand in a role's name: cut to fit, and in letters that IAM takes.
fn readable<'a>(namespace: &'a str, name: &'a str) -> impl Iterator<Item = char> + 'a {
    const ROOM: usize = PrincipalName::MAX_LENGTH - PrincipalName::HASH_LENGTH - 1;
    namespace
        .chars()
        .chain(['-'])
        .chain(name.chars())
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .take(ROOM)
}

/// Ten base32 characters (50 bits) over the three names with a separator that
/// none of them can contain, so that `a`/`b-c` and `a-b`/`c` stay apart.
fn hash(installation: &InstallationId, identity: &IdentityKey) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hasher = Sha256::new();
    for part in [installation.as_str(), &identity.namespace, &identity.name] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let bytes = hasher.finalize();
    let bits = bytes.iter().take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    (0..PrincipalName::HASH_LENGTH)
        .map(|index| {
            let five = (bits >> (59 - 5 * index)) & 31;
            char::from(ALPHABET[usize::try_from(five).unwrap_or_default()])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(installation: &str, namespace: &str, identity: &str) -> PrincipalName {
        PrincipalName::role(&InstallationId::parse(installation).unwrap(), &IdentityKey::new(namespace, identity))
    }

    #[test]
    fn is_readable_and_never_changes() {
        assert_eq!(name("bed", "shop", "orders").as_str(), "shop-orders-4saa5mh6ap");
    }

    #[test]
    fn names_that_would_run_together_stay_apart() {
        assert_ne!(name("i", "a", "b-c"), name("i", "a-b", "c"));
        assert_ne!(name("i", "a", "b"), name("j", "a", "b"));
        assert_ne!(name("i", "a", "b.c"), name("i", "a", "b-c"));
    }

    #[test]
    fn a_quick_look_at_a_name_leaves_few() {
        assert!(PrincipalName::may_be("shop-orders-4saa5mh6ap", "shop", "orders"));
        for (namespace, name) in [("shop", "order"), ("shop", "orders2"), ("sho", "porders"), ("bank", "orders")] {
            assert!(!PrincipalName::may_be("shop-orders-4saa5mh6ap", namespace, name), "{namespace}/{name}");
        }
        assert!(!PrincipalName::may_be("shop-orders", "shop", "orders"), "without a hash it is none of Ambit's");
    }

    proptest! {
        #[test]
        fn fits_iam_for_any_names(ns in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", id in "[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?") {
            let name = name("prod", &ns, &id);
            prop_assert!(name.as_str().len() <= PrincipalName::MAX_LENGTH);
            prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!name.as_str().starts_with('-'));
            prop_assert!(PrincipalName::may_be(name.as_str(), &ns, &id));
        }
    }
}
