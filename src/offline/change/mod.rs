//! What a change of files changes in meaning, identity by identity.
//!
//! ```text
//! two worlds ── pair ──▶ what stands on each side ── judge ──▶ accepted, refused, not judged
//!                                                     │
//!                     access, settings ◀── compared ──┘──▶ Change
//! ```
//!
//! Identities that are declared alike on alike grounds are not looked at: they
//! cannot mean something else.

mod access;
mod pair;
mod settings;
#[cfg(test)]
mod tests;
mod verdict;

pub use verdict::{Means, Verdict};

use super::code::Code;
use super::finding::Spot;
use super::world::{Declared, World};
use crate::names::{IdentityKey, InstallationId};
use crate::policy::explain::Sensitivity;
use crate::policy::{Catalogue, Request};

/// What two worlds are compared by.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The installation whose roles they would be.
    pub installation: &'a InstallationId,
    /// What AWS has.
    pub catalogue: &'a Catalogue,
    /// How many threads do the work.
    pub threads: usize,
}

/// What happens to one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub key: IdentityKey,
    /// Whether it comes, stays or goes.
    pub means: Means,
    /// What becomes of its access.
    pub verdict: Verdict,
    /// The name of its role, if that is known.
    pub role: Option<String>,
    /// What differs, the most sensitive gain first, then what is lost.
    pub items: Vec<Item>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Why its new declaration is not accepted.
    pub refusal: Option<Refused>,
    /// Where it stands in the new files; in the old ones, if it goes.
    pub spot: Spot,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What of the identity differs.
    pub part: Part,
    /// Which way.
    pub way: Way,
    /// The number that it is told under.
    pub code: Code,
    /// How sensitive it is, where that can be said.
    pub sensitivity: Option<Sensitivity>,
    /// The actions that it is about, of which the first stands for the others; none for what is not
    /// permissions.
    pub actions: Vec<String>,
    /// What it is about, in short: `s3:DeleteObject on arn:aws:s3:::orders-in/*`.
    pub head: String,
    /// What it means, in a sentence without its full stop.
    pub english: String,
    /// A request that shows it.
    pub witness: Option<Request>,
    /// Where what causes it stands.
    pub spot: Spot,
    /// The field that causes it; empty where that is not known.
    pub field: String,
}

/// A part of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What it may do.
    Permissions,
    /// Who may become it.
    Trust,
    /// The role itself: its account and its name.
    Role,
    /// What bounds it.
    Boundary,
    /// How long its credentials live.
    Session,
}

impl Part {
    /// The name that it has in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::Trust => "trust",
            Self::Role => "role",
            Self::Boundary => "boundary",
            Self::Session => "session",
        }
    }
}

/// Which way a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// More than before.
    Wider,
    /// It could not be decided whether it is more.
    Undecided,
    /// Less than before.
    Narrower,
}

impl Way {
    /// The name that it has in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Undecided => "undecided",
            Self::Narrower => "narrower",
        }
    }
}

/// Why a declaration is not accepted, and what then happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The number of the reason.
    pub code: Code,
    /// The reason's word, as it stands in status.
    pub reason: String,
    /// The sentence.
    pub message: String,
    /// What the operator would do about it.
    pub effect: &'static str,
    /// Where what is refused stands.
    pub spot: Spot,
    /// The field.
    pub field: String,
}

impl Item {
    /// What a gain calls for beside its way: `data loss`, `permissions`, `credentials`, `data`,
    /// `handover`.
    #[must_use]
    pub fn label(&self) -> Option<&'static str> {
        if self.way == Way::Narrower {
            return None;
        }
        if self.part == Part::Trust {
            return Some("handover");
        }
        match self.sensitivity? {
            Sensitivity::Deletion => Some("data loss"),
            Sensitivity::PermissionsManagement => Some("permissions"),
            Sensitivity::DataReading if self.actions.iter().any(|action| is_of_secrets(action)) => Some("credentials"),
            Sensitivity::DataReading => Some("data"),
            _ => None,
        }
    }

    /// Whether it can destroy data, change who has access or hand access over, or may do so.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        let grave = matches!(self.code, Code::DataLoss | Code::Permissions | Code::Handover);
        self.way == Way::Undecided || (self.way == Way::Wider && grave)
    }
}

/// Whether an action returns what opens other doors.
fn is_of_secrets(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let of_service = ["secretsmanager:", "ssm:getparameter", "cognito-identity:", "redshift:getclustercredentials"];
    of_service.iter().any(|start| action.starts_with(start)) || action == "ec2:getpassworddata"
}

impl Change {
    /// Whether access widens, or may.
    #[must_use]
    pub fn widens(&self) -> bool {
        self.verdict.widens()
    }

    /// Whether something in it is grave; see [`Item::is_grave`].
    #[must_use]
    pub fn is_grave(&self) -> bool {
        self.verdict == Verdict::Undecided || (self.widens() && self.items.iter().any(Item::is_grave))
    }
}

/// What changes from one world to another, in the order of the identities' keys.
#[must_use]
pub fn changes(old: &World, new: &World, ground: Ground<'_>) -> Vec<Change> {
    let pairs = pair::differing(old, new, ground.installation);
    let share = pairs.len().div_ceil(ground.threads.max(1)).max(1);
    let work = |pairs: &[pair::Pair<'_>]| -> Vec<Change> {
        pairs.iter().filter_map(|pair| pair.change(old, new, ground)).collect()
    };
    if pairs.len() <= 1 || ground.threads <= 1 {
        return work(&pairs);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = pairs.chunks(share).map(|chunk| (chunk, scope.spawn(|| work(chunk)))).collect();
        // A thread that died leaves its share to this one: an answer is never short.
        threads.into_iter().flat_map(|(chunk, thread)| thread.join().unwrap_or_else(|_| work(chunk))).collect()
    })
}

/// Where the field of an identity stands.
fn spot_of(declared: &Declared, field: &str) -> Spot {
    declared.manifest.spot_of(field)
}
