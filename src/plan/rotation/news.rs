//! What people are told when a step was done.

use super::consumers::what_breaks;
use super::state::{Cause, Move, Phase, Rotation, Seen};
use crate::names::AccessKeyId;

/// Something that happened to a key. Its text is the event's note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A rotation begins. In an emergency: what it breaks.
    Started(Cause, Option<String>),
    /// The Secret has another key.
    Published {
        /// The key that it has.
        new: AccessKeyId,
        /// The key that it had.
        old: Option<AccessKeyId>,
    },
    /// A key was found that may have been in the Secret.
    Found(AccessKeyId),
    /// The overlap is over.
    Confirming(AccessKeyId),
    /// Nobody holds the old key any more, or nobody waits.
    Retiring(AccessKeyId),
    /// The old key is inactive.
    Deactivated(AccessKeyId),
    /// The old key was, or is to be, active again.
    NeededAfterAll(AccessKeyId),
    /// The old key is gone.
    Finished(AccessKeyId),
    /// A key that never was in the Secret is on its way out.
    Unpublished(AccessKeyId),
}

/// What there is to tell once a step was done. Of most there is nothing.
#[must_use]
pub fn news(before: &Rotation, done: &Move, seen: &Seen) -> Option<News> {
    match done {
        Move::WriteIntent(_, cause) => {
            let breaks = (*cause == Cause::Emergency).then(|| what_breaks(seen.consumers.as_deref()));
            Some(News::Started(*cause, breaks))
        }
        Move::RecordState(after) => recorded(before, after),
        Move::Activate(id) => Some(News::NeededAfterAll(id.clone())),
        Move::Supersede(id) if before.previous.as_ref().is_none_or(|previous| previous.id != *id) => {
            Some(News::Unpublished(id.clone()))
        }
        Move::Supersede(_)
        | Move::CreateKey
        | Move::Deactivate(_)
        | Move::DeleteKey(_)
        | Move::Wait(..)
        | Move::Refuse(_) => None,
    }
}

fn recorded(before: &Rotation, after: &Rotation) -> Option<News> {
    let id = |rotation: &Rotation| rotation.previous.as_ref().map(|previous| previous.id.clone());
    if let Some(current) = &after.current
        && before.current.as_ref().is_none_or(|known| known.id != current.id)
    {
        return Some(News::Published { new: current.id.clone(), old: id(after) });
    }
    if before.deactivated.is_none() && after.deactivated.is_some() {
        return id(after).map(News::Deactivated);
    }
    match (before.phase, after.phase) {
        (from, to) if from == to => None,
        (_, Phase::Stable) => id(before).map(News::Finished),
        (Phase::Stable, Phase::Published) => id(after).map(News::Found),
        (Phase::Retiring, Phase::Published) => id(after).map(News::NeededAfterAll),
        (_, Phase::Confirming) => id(after).map(News::Confirming),
        (_, Phase::Retiring) => id(after).map(News::Retiring),
        _ => None,
    }
}

impl News {
    /// The event's reason: one word.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Started(..) => "RotationStarted",
            Self::Published { .. } => "KeyPublished",
            Self::Found(_) => "KeyFound",
            Self::Confirming(_) => "KeyConfirming",
            Self::Retiring(_) => "KeyRetiring",
            Self::Deactivated(_) => "KeyDeactivated",
            Self::NeededAfterAll(_) => "KeyNeeded",
            Self::Finished(_) => "RotationFinished",
            Self::Unpublished(_) => "KeyUnpublished",
        }
    }

    /// The word by which it is counted.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Started(..) => "started",
            Self::Published { .. } => "published",
            Self::Found(_) => "found",
            Self::Confirming(_) => "confirming",
            Self::Retiring(_) => "retiring",
            Self::Deactivated(_) => "deactivated",
            Self::NeededAfterAll(_) => "needed",
            Self::Finished(_) => "finished",
            Self::Unpublished(_) => "unpublished",
        }
    }

    /// Whether somebody should look at it.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        match self {
            Self::Started(cause, _) => matches!(cause, Cause::Emergency | Cause::Lost),
            Self::Found(_) | Self::NeededAfterAll(_) | Self::Unpublished(_) => true,
            Self::Published { .. }
            | Self::Confirming(_)
            | Self::Retiring(_)
            | Self::Deactivated(_)
            | Self::Finished(_) => false,
        }
    }
}

impl std::fmt::Display for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Started(Cause::First, _) => write!(f, "the first access key is being made"),
            Self::Started(Cause::Due, _) => write!(f, "the access key has reached its age: a new one is being made"),
            Self::Started(Cause::Requested, _) => write!(f, "somebody asked for a new access key: it is being made"),
            Self::Started(Cause::Lost, _) => {
                write!(
                    f,
                    "the Secret or its access key was deleted or deactivated by somebody else: a new key is being made"
                )
            }
            Self::Started(Cause::Emergency, breaks) => {
                write!(f, "somebody asked for a new access key, and the old one goes as soon as it is in the Secret")?;
                breaks.as_ref().map_or(Ok(()), |breaks| write!(f, "; {breaks}"))
            }
            Self::Published { new, old: None } => write!(f, "the Secret has the access key `{new}`"),
            Self::Published { new, old: Some(old) } => {
                write!(f, "the Secret has the new access key `{new}`; `{old}` works still")
            }
            Self::Found(id) => write!(
                f,
                "there is another access key, `{id}`, and it is not known whether anybody holds it: it goes as an old key goes"
            ),
            Self::Confirming(id) => {
                write!(f, "the overlap is over: the old access key `{id}` goes when nobody holds it")
            }
            Self::Retiring(id) => write!(f, "the old access key `{id}` is being deactivated"),
            Self::Deactivated(id) => {
                write!(f, "the old access key `{id}` is inactive; until it is deleted it can be activated again")
            }
            Self::NeededAfterAll(id) => {
                write!(
                    f,
                    "the old access key `{id}` turned out to be in use: it works again, and the overlap begins anew"
                )
            }
            Self::Finished(id) => write!(f, "the old access key `{id}` is gone"),
            Self::Unpublished(id) => write!(
                f,
                "the access key `{id}` was never in the Secret: it is being removed; unless a call failed shortly before, somebody else made it"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
