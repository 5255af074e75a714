//! A role as the account in memory keeps it.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::Depth;
use crate::cloud::aws::{CLOSED, PERMISSIONS};
use crate::domain::{Denial, Observed, OwnerTags, Reading};
use crate::names::Owner;
use crate::policy::{Document, deny_all};

const INSTALLATION: &str = "ambit.dev/installation";
const IDENTITY: &str = "ambit.dev/identity";
const UID: &str = "ambit.dev/uid";

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
        let tags = [
            (INSTALLATION, owner.installation.to_string()),
            (IDENTITY, owner.identity.to_string()),
            (UID, owner.uid.clone()),
        ];
        self.tags.extend(tags.map(|(key, value)| (key.to_owned(), value)));
    }

    /// What a policy of this name says.
    #[must_use]
    pub fn permissions(&self) -> Option<&str> {
        self.inline.get(PERMISSIONS).map(String::as_str)
    }

    /// Whether everything is denied.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.denial() == Denial::InPlace
    }

    fn denial(&self) -> Denial {
        match self.inline.get(CLOSED) {
            None => Denial::Absent,
            Some(text) if reading(text).means(&deny_all()) => Denial::InPlace,
            Some(_) => Denial::Altered,
        }
    }

    /// The role as the port tells it.
    pub(super) fn observed(&self, path: &str, depth: Depth) -> Observed {
        let on_our_path = self.path == path;
        let ours = on_our_path.then_some(&self.inline);
        let complete = on_our_path && depth == Depth::Full;
        let all = ours.filter(|_| complete);
        let mut other_tags = self.tags.clone();
        let owner = OwnerTags {
            installation: other_tags.remove(INSTALLATION),
            identity: other_tags.remove(IDENTITY),
            uid: other_tags.remove(UID),
        };
        Observed {
            id: self.id.clone(),
            arn: self.arn.clone(),
            on_our_path,
            owner,
            trust: reading(&self.trust),
            boundary: self.boundary.clone(),
            session: Some(self.session),
            permissions: ours.and_then(|inline| inline.get(PERMISSIONS)).map(|text| reading(text)),
            denial: if complete { self.denial() } else { Denial::Absent },
            other_inline: all.into_iter().flat_map(BTreeMap::keys).filter(|name| is_foreign(name)).cloned().collect(),
            attached: if complete { self.attached.clone() } else { BTreeSet::new() },
            other_tags,
            complete,
        }
    }
}

fn is_foreign(policy: &str) -> bool {
    policy != PERMISSIONS && policy != CLOSED
}

fn reading(text: &str) -> Reading {
    match Document::read(text) {
        Ok(document) => Reading::Document(document),
        Err(reason) => Reading::Unreadable(reason.to_string()),
    }
}
