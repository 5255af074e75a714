//! What is persisted, what is seen, and the steps that come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::consumers::Consumer;
use crate::domain::{AccessKey, LastUse};
use crate::names::AccessKeyId;

pub use crate::api::v1alpha1::RotationPhase as Phase;

/// A key that is, or was, in the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id.
    pub id: AccessKeyId,
    /// When it was made, by the cloud's clock.
    pub created: Timestamp,
    /// When it was put into the Secret. Absent if that is not known.
    pub published: Option<Timestamp>,
}

/// What status keeps of a rotation. All times are of whole seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotation {
    /// How far it is.
    pub phase: Phase,
    /// When the phase began.
    pub since: Option<Timestamp>,
    /// The key that the Secret had when it was looked at last.
    pub current: Option<KeyRecord>,
    /// The key before it, for as long as it exists.
    pub previous: Option<KeyRecord>,
    /// When the one before it was found to be inactive.
    pub deactivated: Option<Timestamp>,
    /// When the next rotation begins.
    pub next_rotation: Option<Timestamp>,
    /// The request that was acted on last.
    pub handled: Option<String>,
    /// Whether the old key goes without waiting for anybody.
    pub revoke_old: bool,
}

/// What the Secret's metadata say. Its data are never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSeen {
    /// There is none.
    Absent,
    /// It is not this identity's, and why. It is never touched.
    Foreign(String),
    /// It is this identity's.
    Ours {
        /// The key that it has, if it has one.
        published: Option<Published>,
        /// A key that it will never have, or never have again.
        superseded: Option<AccessKeyId>,
    },
}

/// The key that the Secret has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: AccessKeyId,
    /// When it was put there, by the API server's clock. Absent if nothing says so.
    pub time: Option<Timestamp>,
}

impl SecretSeen {
    /// The key that the Secret has.
    #[must_use]
    pub fn published(&self) -> Option<&Published> {
        match self {
            Self::Ours { published, .. } => published.as_ref(),
            Self::Absent | Self::Foreign(_) => None,
        }
    }

    /// The key that it will not have again.
    #[must_use]
    pub fn superseded(&self) -> Option<&AccessKeyId> {
        match self {
            Self::Ours { superseded, .. } => superseded.as_ref(),
            Self::Absent | Self::Foreign(_) => None,
        }
    }
}

/// What one look found. Each part was read live, in the order in which it stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The Secret.
    pub secret: SecretSeen,
    /// All keys of the user.
    pub keys: Vec<AccessKey>,
    /// The last use of keys that the Secret does not name. Those not listed are unknown.
    pub last_use: BTreeMap<AccessKeyId, LastUse>,
    /// Who uses the Secret. Absent if that could not be found out. Only needed if
    /// [`Seen::has_other_keys`], and to tell what an emergency breaks.
    pub consumers: Option<Vec<Consumer>>,
    /// For how long this process has known the Secret's key, or, while the Secret has
    /// none, the one that status has; measured by a clock that nobody can set.
    pub watched: Duration,
    /// Whether an earlier look, longer ago than reads lag, did not find the Secret's
    /// key in the cloud either.
    pub confirmed_missing: bool,
}

impl Seen {
    /// Whether there are keys beside the one that the Secret has. If not, neither
    /// their last use nor the pods matter.
    #[must_use]
    pub fn has_other_keys(&self) -> bool {
        let published = self.secret.published();
        self.keys.iter().any(|key| published.is_none_or(|published| published.id != key.id))
    }

    pub(super) fn key(&self, id: &AccessKeyId) -> Option<&AccessKey> {
        self.keys.iter().find(|key| key.id == *id)
    }
}

/// A request of `ambit rotate`, as the annotation has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The annotation's value. A new value is a new request.
    pub value: String,
    /// Whether the old key goes at once, whoever holds it.
    pub revoke_old: bool,
}

/// What was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How old a key may become.
    pub rotate_every: Duration,
    /// How long the old key stays at least, and for how long it must have been unused.
    pub overlap: Duration,
    /// What was asked for by hand, handled or not.
    pub request: Option<Request>,
}

impl Policy {
    /// The longest time for which a deactivated key is kept.
    const LONGEST_GRACE: Duration = Duration::from_hours(24);

    /// How long a deactivated key is kept before it is deleted.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.overlap.min(Self::LONGEST_GRACE)
    }

    /// The request, if it was not acted on yet.
    #[must_use]
    pub fn pending(&self, state: &Rotation) -> Option<&Request> {
        self.request.as_ref().filter(|request| state.handled.as_ref() != Some(&request.value))
    }
}

/// Why a rotation begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There was no key yet.
    First,
    /// Its day has come.
    Due,
    /// Somebody asked for it.
    Requested,
    /// Somebody asked for it, and the old key goes at once.
    Emergency,
    /// The Secret, or the key that it names, was deleted or deactivated by somebody else.
    Lost,
}

/// Why nothing is done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// All is well.
    NotDue,
    /// The overlap runs. These still hold the old key.
    Overlap(Vec<Consumer>),
    /// These hold the old key, and must be restarted.
    HeldBy(Vec<Consumer>),
    /// These read the new key by themselves, and may not have done so yet.
    Rereading(Vec<Consumer>),
    /// The old key was used after the new one was published, by somebody who is not known.
    UsedAt(Timestamp),
    /// It could not be found out when the old key was used last.
    UseUnknown,
    /// It could not be found out who uses the Secret.
    ConsumersUnknown,
    /// The old key is inactive, and is kept for a while.
    Grace,
    /// The cloud does not list the key that the Secret has. Reads may lag.
    NotListed,
}

/// What is written into the Secret's metadata when a key is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The key that the Secret has from now on.
    pub id: AccessKeyId,
    /// The key that it will not have again.
    pub superseded: Option<AccessKeyId>,
}

/// One step of I/O.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Write into status what is about to be done; only if status is still the one that was read.
    WriteIntent(Rotation, Cause),
    /// Make a key and, with its secret in hand, write at once what [`super::publication`]
    /// says; only if the Secret is still the one that was read, or is still absent. If
    /// that fails, forget the secret.
    CreateKey,
    /// Write into the Secret that it will never have this key; only if it is still the
    /// one that was read. Where there is none, make one without data.
    Supersede(AccessKeyId),
    /// Make a key inactive.
    Deactivate(AccessKeyId),
    /// Make a key active again.
    Activate(AccessKeyId),
    /// Delete a key. That it is gone already is as good.
    DeleteKey(AccessKeyId),
    /// Write into status what was found; only if status is still the one that was read.
    RecordState(Rotation),
    /// Nothing now. Look again at this time at the latest, or when a pod changes.
    Wait(Timestamp, Waiting),
    /// Nothing at all until somebody sets it right: the Secret is not this identity's.
    Refuse(String),
}
