//! A user as the account in memory keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::role::{looked_at, owner_tags, parted, retained_tags};
use crate::cloud::Depth;
use crate::cloud::aws::OWN;
use crate::domain::{AccessKey, Denial, Observed, Swept};
use crate::names::{AccessKeyId, Owner, PrincipalKind};
use crate::policy::nobody;

/// A user in all its parts, to look at and to change by hand. Documents are plain texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryUser {
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its path.
    pub path: String,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
    /// The boundary's ARN.
    pub boundary: Option<String>,
    /// Inline policies by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of the attached policies.
    pub attached: BTreeSet<String>,
    /// The names of its groups.
    pub groups: BTreeSet<String>,
    /// Whether it has a password for the console.
    pub has_password: bool,
    /// Its access keys, in the order in which they were made.
    pub keys: Vec<MemoryKey>,
}

/// An access key. `Debug` leaves the secret out, as it is left out everywhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct MemoryKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Its secret.
    pub secret: String,
    /// Whether it can be used.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last, as the account tells it.
    pub last_used: Option<Timestamp>,
}

impl MemoryKey {
    /// What a list tells of it.
    #[must_use]
    pub fn listed(&self) -> AccessKey {
        AccessKey { id: self.id.clone(), active: self.active, created: self.created }
    }
}

impl fmt::Debug for MemoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, secret: _, active, created, last_used } = self;
        write!(f, "MemoryKey({id}, active: {active}, created: {created}, last used: {last_used:?})")
    }
}

impl MemoryUser {
    /// A user that somebody else made: without tags, boundary, policies and keys.
    /// The account gives it its id and ARN when it is planted.
    #[must_use]
    pub fn foreign(name: &str, path: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: String::new(),
            arn: String::new(),
            path: path.to_owned(),
            tags: BTreeMap::new(),
            boundary: None,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            groups: BTreeSet::new(),
            has_password: false,
            keys: Vec::new(),
        }
    }

    /// Writes the tags that say whose it is.
    pub fn tag(&mut self, owner: &Owner) {
        self.tags.extend(owner_tags(owner));
    }

    /// Writes the mark of what its owner left behind.
    pub fn retain(&mut self, owner: &Owner) {
        self.tags.extend(retained_tags(owner));
    }

    /// What a policy of Ambit's name says.
    #[must_use]
    pub fn permissions(&self) -> Option<&str> {
        self.inline.get(OWN.permissions).map(String::as_str)
    }

    /// Whether everything is denied.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.swept(&self.path).read().denial == Denial::InPlace
    }

    /// The user as a sweep tells it.
    pub(super) fn swept(&self, path: &str) -> Swept {
        let (owner, other_tags) = parted(&self.tags);
        Swept {
            kind: PrincipalKind::User,
            name: self.name.clone(),
            id: self.id.clone(),
            arn: self.arn.clone(),
            on_our_path: self.path == path,
            owner,
            other_tags,
            trust: Ok(nobody().text().to_owned()),
            boundary: self.boundary.clone(),
            inline: self.inline.iter().map(|(name, text)| (name.clone(), Ok(text.clone()))).collect(),
            attached: self.attached.clone(),
            groups: self.groups.clone(),
            last_used: None,
            own: OWN,
        }
    }

    /// The user as a look at it alone tells it.
    pub(super) fn observed(&self, path: &str, depth: Depth) -> Observed {
        let mut observed = looked_at(self.swept(path).read(), depth);
        observed.has_password = observed.complete.then_some(self.has_password);
        observed
    }
}
