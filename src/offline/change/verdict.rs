//! What becomes of an identity, in one word.

use super::{Item, Way};
use crate::offline::code::Code;

/// Whether an identity comes, stays or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Means {
    /// It is not in the old files.
    Create,
    /// It is in both.
    Change,
    /// It is not in the new files.
    Delete,
}

/// What becomes of the access of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// More is allowed.
    Wider,
    /// Less is allowed.
    Narrower,
    /// More of one thing and less of another.
    Both,
    /// It could not be decided.
    Undecided,
    /// The same is allowed, and it is managed in another way.
    Settings,
    /// The same is allowed, and nothing else changes either.
    Cosmetic,
    /// It comes.
    Created,
    /// It goes.
    Deleted,
    /// Its declaration is new, and not accepted.
    Refused,
    /// It was accepted, and no longer is, although its declaration is the same.
    NoLongerAllowed,
    /// It was refused, and no longer is: all its access is new.
    NowAllowed,
}

impl Verdict {
    /// The verdict on an identity that is accepted on both sides; nothing if nothing differs.
    pub(super) fn of(items: &[Item], notes: &[String], rewritten: bool) -> Option<Self> {
        let has = |way| items.iter().any(|item| item.way == way);
        Some(match (has(Way::Wider), has(Way::Undecided), has(Way::Narrower)) {
            (true, _, true) => Self::Both,
            (true, _, false) => Self::Wider,
            (false, true, _) => Self::Undecided,
            (false, false, true) => Self::Narrower,
            _ if !notes.is_empty() => Self::Settings,
            _ if rewritten => Self::Cosmetic,
            _ => return None,
        })
    }

    /// The name that it has in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Narrower => "narrower",
            Self::Both => "both",
            Self::Undecided => "undecided",
            Self::Settings => "settings",
            Self::Cosmetic => "cosmetic",
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Refused => "refused",
            Self::NoLongerAllowed => "noLongerAllowed",
            Self::NowAllowed => "nowAllowed",
        }
    }

    /// The number that it is told under. A refusal has that of its reason.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Wider | Self::NowAllowed => Code::Wider,
            Self::Narrower => Code::Narrower,
            Self::Both => Code::Both,
            Self::Undecided => Code::Undecided,
            Self::Settings | Self::Cosmetic => Code::Cosmetic,
            Self::Created => Code::Created,
            Self::Deleted => Code::Deleted,
            Self::Refused => Code::InvalidScope,
            Self::NoLongerAllowed => Code::NoLongerAllowed,
        }
    }

    /// Whether more is allowed than before, or may be.
    #[must_use]
    pub fn widens(self) -> bool {
        matches!(self, Self::Wider | Self::Both | Self::Undecided | Self::Created | Self::NowAllowed)
    }

    /// Whether it is refused.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Refused | Self::NoLongerAllowed)
    }
}
