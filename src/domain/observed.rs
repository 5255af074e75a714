//! What the cloud says now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::names::{Owner, PrincipalKind};
use crate::policy::{Document, deny_all, sessions_denied_before};

/// The answer to a question about one thing in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation<T> {
    /// It is there.
    Present(T),
    /// It is not there. One such answer proves little: reads lag behind writes.
    Absent,
}

/// A document as found: understood, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Understood.
    Document(Document),
    /// Not understood, and why. Never equal to anything that was declared.
    Unreadable(String),
}

impl Reading {
    /// Whether it means the same as a declared document.
    #[must_use]
    pub fn means(&self, declared: &Document) -> bool {
        matches!(self, Self::Document(found) if found.same_meaning(declared))
    }

    /// The time before which it denies sessions, where it does that and nothing else.
    #[must_use]
    pub fn denies_sessions_before(&self) -> Option<Timestamp> {
        let Self::Document(found) = self else { return None };
        sessions_denied_before(found)?.parse().ok()
    }
}

/// The tags that say whose a principal is. Any of them may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerTags {
    /// The installation.
    pub installation: Option<String>,
    /// `namespace/name` of the identity.
    pub identity: Option<String>,
    /// The UID of the identity's incarnation.
    pub uid: Option<String>,
    /// The UID of the incarnation that left the principal behind when it went.
    pub retained: Option<String>,
}

impl OwnerTags {
    /// Whether they name this installation and this identity, of whatever incarnation.
    #[must_use]
    pub fn name_identity_of(&self, owner: &Owner) -> bool {
        self.installation.as_deref() == Some(owner.installation.as_str())
            && self.identity.as_deref() == Some(owner.identity.to_string().as_str())
    }

    /// Whether they name this owner and no other incarnation.
    #[must_use]
    pub fn name_exactly(&self, owner: &Owner) -> bool {
        self.name_identity_of(owner) && self.uid.as_deref() == Some(owner.uid.as_str())
    }

    /// Whether whoever owned it last left it behind on purpose. A later
    /// incarnation that takes it over writes its own UID, and the mark is void.
    #[must_use]
    pub fn is_retained(&self) -> bool {
        self.retained.is_some() && self.retained == self.uid
    }
}

/// What stands where Ambit writes its denial of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Nothing, or nobody looked.
    Absent,
    /// The denial.
    InPlace,
    /// A policy that says something else.
    Altered,
}

/// A principal as found in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What it is.
    pub kind: PrincipalKind,
    /// Its unique id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Whether it lies on the path of this installation.
    pub on_our_path: bool,
    /// Whose it is.
    pub owner: OwnerTags,
    /// Who may become it: nobody, if it is a user.
    pub trust: Reading,
    /// The boundary's ARN.
    pub boundary: Option<String>,
    /// The longest session in seconds. Absent where the cloud did not tell: its
    /// bulk reads leave it out.
    pub session: Option<u32>,
    /// What Ambit itself wrote as permissions.
    pub permissions: Option<Reading>,
    /// Ambit's own denial of everything.
    pub denial: Denial,
    /// The time before which Ambit denies sessions everything.
    pub sessions_denied_before: Option<Timestamp>,
    /// Inline policies that Ambit did not write, by name.
    pub other_inline: BTreeMap<String, Reading>,
    /// Managed policies that are attached, by ARN.
    pub attached: BTreeSet<String>,
    /// The groups of a user, whose policies it has as well.
    pub groups: BTreeSet<String>,
    /// Whether a user has a password for the console. Absent where the cloud did not tell: its
    /// bulk reads leave it out.
    pub has_password: Option<bool>,
    /// Tags beside Ambit's own, kept for the inventory.
    pub other_tags: BTreeMap<String, String>,
    /// Whether foreign policies were looked for. When not, `other_inline`, `attached`
    /// and `groups` are empty because nobody asked.
    pub complete: bool,
}

impl Observed {
    /// Whether Ambit denies it everything: by a policy of its own for that, or, where a role had no
    /// room for one more, in the place of its permissions.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.denial == Denial::InPlace || self.has_denial_for_permissions()
    }

    /// Whether the denial of everything stands in the place of its permissions.
    #[must_use]
    pub fn has_denial_for_permissions(&self) -> bool {
        self.permissions.as_ref().is_some_and(|permissions| permissions.means(&deny_all()))
    }
}
