//! The access keys of a user.

use jiff::Timestamp;

use crate::names::AccessKeyId;

/// One access key as the cloud lists it. Its secret was told once, to whoever made it, and is
/// not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Whether it can be used.
    pub active: bool,
    /// When it was made, by the cloud's clock.
    pub created: Timestamp,
}

/// When a key was used last, as far as the cloud tells. It may tell hours late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LastUse {
    /// It was not asked, or did not answer.
    #[default]
    Unknown,
    /// It knows of no use.
    Never,
    /// The last use that it knows of.
    At(Timestamp),
}

/// One change to a key that is there, carried out by exactly one call.
///
/// Taking it again leads to the same state. A key that is gone counts as deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    /// Make it usable again.
    Activate(AccessKeyId),
    /// Make it unusable. It can be activated again.
    Deactivate(AccessKeyId),
    /// Delete it for good.
    Delete(AccessKeyId),
}

impl KeyStep {
    /// A short name for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Activate(_) => "activate-key",
            Self::Deactivate(_) => "deactivate-key",
            Self::Delete(_) => "delete-key",
        }
    }

    /// The key.
    #[must_use]
    pub fn id(&self) -> &AccessKeyId {
        match self {
            Self::Activate(id) | Self::Deactivate(id) | Self::Delete(id) => id,
        }
    }
}

/// A key that was just made, with its secret. The cloud tells it this once.
///
/// There is no `Display`, and `Debug` tells the id alone, so that the secret cannot reach a log
/// by accident.
///
/// INVARIANT: the secret is of printable ASCII without spaces, so it can neither end a line nor
/// begin another entry of a file.
#[derive(Clone)]
pub struct NewAccessKey {
    key: AccessKey,
    secret: String,
}

/// Why a secret cannot be used. It never holds what was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret access key that the cloud sent must have 1 to 256 printable ASCII characters and no space; it is not stored, and the key is deleted"
)]
pub struct BadSecret;

impl NewAccessKey {
    /// The longest secret that is taken. AWS makes 40 characters.
    const LONGEST: usize = 256;

    /// Takes a key over.
    pub fn new(key: AccessKey, secret: String) -> Result<Self, BadSecret> {
        let is_right =
            (1..=Self::LONGEST).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if is_right { Ok(Self { key, secret }) } else { Err(BadSecret) }
    }

    /// What the cloud lists of it.
    #[must_use]
    pub fn key(&self) -> &AccessKey {
        &self.key
    }

    /// The secret itself, for the Secret that it goes into.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.secret
    }
}

impl std::fmt::Debug for NewAccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewAccessKey({})", self.key.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(secret: &str) -> Result<NewAccessKey, BadSecret> {
        let id = AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
        NewAccessKey::new(AccessKey { id, active: true, created: Timestamp::UNIX_EPOCH }, secret.to_owned())
    }

    #[test]
    fn the_secret_never_shows_itself() {
        assert_eq!(format!("{:?}", made("canary/+=").unwrap()), "NewAccessKey(AKIAIOSFODNN7EXAMPLE)");
        let error = made("canary\n").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
    }

    #[test]
    fn what_could_end_a_line_or_hide_is_refused() {
        for wrong in ["", "a b", "a\nb", "a\rb", "a\tb", "a\u{0}", "é", "\u{7f}", &"x".repeat(257)] {
            assert!(made(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(made("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap().expose_secret().len(), 40);
    }
}
