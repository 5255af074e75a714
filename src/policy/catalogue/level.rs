//! Access levels, as AWS sorts its actions.

/// How deep an action reaches. Each action has exactly one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// See that things exist.
    List,
    /// See what is in them.
    Read,
    /// Create, change, delete, use.
    Write,
    /// Change tags, and nothing else.
    Tagging,
    /// Change who may do what.
    Permissions,
}

impl AccessLevel {
    /// Every level, from the weakest to the strongest.
    pub const ALL: [Self; 5] = [Self::List, Self::Read, Self::Write, Self::Tagging, Self::Permissions];

    /// The level as a scope names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "List",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Tagging => "Tagging",
            Self::Permissions => "Permissions",
        }
    }

    /// Reads a level as a scope names it.
    pub fn parse(text: &str) -> Result<Self, UnknownLevel> {
        let unknown = || UnknownLevel {
            text: crate::names::shortened(text),
            nearest: super::nearest(text, Self::ALL.iter().map(|level| level.as_str())),
        };
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(unknown)
    }

    /// The level that a letter of the data file stands for.
    pub(super) fn from_letter(letter: &str) -> Option<Self> {
        Some(match letter {
            "L" => Self::List,
            "R" => Self::Read,
            "W" => Self::Write,
            "T" => Self::Tagging,
            "P" => Self::Permissions,
            _ => return None,
        })
    }
}

impl std::fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no access level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an access level: it must be `List`, `Read`, `Write`, `Tagging` or `Permissions`{}",
    super::did_you_mean(nearest)
)]
pub struct UnknownLevel {
    /// The refused text, cut to a length fit for a message.
    pub text: String,
    /// What may have been meant.
    pub nearest: Vec<String>,
}
