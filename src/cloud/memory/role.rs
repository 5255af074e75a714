//! A role as the account in memory keeps it.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::Depth;
use crate::cloud::aws::OWN;
use crate::domain::{Denial, Observed, OwnerTags, Swept};
use crate::names::{Owner, PrincipalKind};

const INSTALLATION: &str = "ambit.dev/installation";
const IDENTITY: &str = "ambit.dev/identity";
const UID: &str = "ambit.dev/uid";
const RETAINED: &str = "ambit.dev/retained";

/// A role in all its parts, to look at and to change by hand.
///
/// Documents are plain texts here, so that a test can put nonsense in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRole {
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
    /// Who may become it.
    pub trust: String,
    /// The boundary's ARN.
    pub boundary: Option<String>,
    /// The longest session in seconds.
    pub session: u32,
    /// Inline policies by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of the attached policies.
    pub attached: BTreeSet<String>,
}

impl MemoryRole {
    /// A role that somebody else made: without tags, boundary and policies.
    /// The account gives it its id and ARN when it is planted.
    #[must_use]
    pub fn foreign(name: &str, path: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: String::new(),
            arn: String::new(),
            path: path.to_owned(),
            tags: BTreeMap::new(),
            trust: r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
            boundary: None,
            session: 3600,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
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

    /// What a policy of this name says.
    #[must_use]
    pub fn permissions(&self) -> Option<&str> {
        self.inline.get(OWN.permissions).map(String::as_str)
    }

    /// Whether everything is denied.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.swept(&self.path).read().denial == Denial::InPlace
    }

    /// The role as a sweep tells it.
    pub(super) fn swept(&self, path: &str) -> Swept {
        let (owner, other_tags) = parted(&self.tags);
        Swept {
            kind: PrincipalKind::Role,
            name: self.name.clone(),
            id: self.id.clone(),
            arn: self.arn.clone(),
            on_our_path: self.path == path,
            owner,
            other_tags,
            trust: Ok(self.trust.clone()),
            boundary: self.boundary.clone(),
            inline: self.inline.iter().map(|(name, text)| (name.clone(), Ok(text.clone()))).collect(),
            attached: self.attached.clone(),
            groups: BTreeSet::new(),
            last_used: None,
            own: OWN,
        }
    }

    /// The role as a look at it alone tells it. Policies of a role on another path are not read.
    pub(super) fn observed(&self, path: &str, depth: Depth) -> Observed {
        Observed { session: Some(self.session), ..looked_at(self.swept(path).read(), depth) }
    }
}

/// What a look at one principal tells of all that there is.
pub(super) fn looked_at(observed: Observed, depth: Depth) -> Observed {
    let complete = observed.on_our_path && depth == Depth::Full;
    let mut observed = Observed { complete, ..observed };
    if !observed.on_our_path {
        observed.permissions = None;
    }
    if !observed.complete {
        observed.denial = Denial::Absent;
        observed.sessions_denied_before = None;
        observed.other_inline.clear();
        observed.attached.clear();
        observed.groups.clear();
    }
    observed
}

/// The mark of what an owner left behind.
pub(super) fn retained_tags(owner: &Owner) -> BTreeMap<String, String> {
    let tags = [(INSTALLATION, owner.installation.to_string()), (RETAINED, owner.uid.clone())];
    tags.map(|(key, value)| (key.to_owned(), value)).into()
}

/// The tags that say whose something is.
pub(super) fn owner_tags(owner: &Owner) -> BTreeMap<String, String> {
    let tags = [
        (INSTALLATION, owner.installation.to_string()),
        (IDENTITY, owner.identity.to_string()),
        (UID, owner.uid.clone()),
    ];
    tags.map(|(key, value)| (key.to_owned(), value)).into()
}

/// Parts them from all others.
pub(super) fn parted(tags: &BTreeMap<String, String>) -> (OwnerTags, BTreeMap<String, String>) {
    let mut other_tags = tags.clone();
    let owner = OwnerTags {
        installation: other_tags.remove(INSTALLATION),
        identity: other_tags.remove(IDENTITY),
        uid: other_tags.remove(UID),
        retained: other_tags.remove(RETAINED),
    };
    (owner, other_tags)
}
