//! What a bulk read brings: much, and most of it never looked at.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::observed::{Denial, Observed, OwnerTags, Reading};
use crate::names::{Digest, PrincipalKind};
use crate::policy::{Document, deny_all};

/// A document as it came, unread; or why there is no text.
pub type Raw = Result<String, String>;

/// A principal found by a sweep. Its documents are read only when somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// What it is.
    pub kind: PrincipalKind,
    /// Its name, as the cloud spells it.
    pub name: String,
    /// Its unique id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Whether it lies on the path of this installation.
    pub on_our_path: bool,
    /// Whose it is.
    pub owner: OwnerTags,
    /// Tags beside Ambit's own.
    pub other_tags: BTreeMap<String, String>,
    /// Who may become it.
    pub trust: Raw,
    /// The boundary's ARN.
    pub boundary: Option<String>,
    /// Inline policies by name, Ambit's own among them.
    pub inline: BTreeMap<String, Raw>,
    /// Managed policies that are attached, by ARN.
    pub attached: BTreeSet<String>,
    /// The groups of a user.
    pub groups: BTreeSet<String>,
    /// When it was last used, as far as the cloud keeps that.
    pub last_used: Option<Timestamp>,
    /// Which of the inline policies are Ambit's.
    pub own: OwnPolicies,
}

/// The names under which an adapter keeps Ambit's own inline policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnPolicies {
    /// What Ambit grants.
    pub permissions: &'static str,
    /// What denies everything.
    pub closed: &'static str,
    /// What denies everything to old sessions.
    pub sessions: &'static str,
}

impl Swept {
    /// The digest of all that Ambit compares. Two sweeps that saw the same
    /// principal unchanged have the same; its last use does not count.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let mut text = String::with_capacity(4096);
        let mut add = |part: &str| {
            // The length first, so that no two lists of parts run together alike.
            text.push_str(&part.len().to_string());
            text.push(':');
            text.push_str(part);
        };
        let raw = |raw: &Raw| raw.as_ref().map_or_else(|why| format!("!{why}"), Clone::clone);
        for part in [&self.id, &self.arn] {
            add(part);
        }
        add(self.kind.word());
        add(if self.on_our_path { "ours" } else { "" });
        let OwnerTags { installation, identity, uid, retained } = &self.owner;
        for tag in [installation, identity, uid, retained, &self.boundary] {
            add(if tag.is_some() { "+" } else { "-" });
            add(tag.as_deref().unwrap_or_default());
        }
        add(&raw(&self.trust));
        add(&self.inline.len().to_string());
        for (name, document) in &self.inline {
            add(name);
            add(&raw(document));
        }
        add(&self.attached.len().to_string());
        for part in self.attached.iter().chain(&self.groups) {
            add(part);
        }
        Digest::of(&text)
    }

    /// Reads its documents. The longest session is not among what a sweep brings.
    #[must_use]
    pub fn read(&self) -> Observed {
        let mut observed = Observed {
            kind: self.kind,
            id: self.id.clone(),
            arn: self.arn.clone(),
            on_our_path: self.on_our_path,
            owner: self.owner.clone(),
            trust: reading(&self.trust),
            boundary: self.boundary.clone(),
            session: None,
            permissions: None,
            denial: Denial::Absent,
            sessions_denied_before: None,
            other_inline: BTreeMap::new(),
            attached: self.attached.clone(),
            groups: self.groups.clone(),
            has_password: None,
            other_tags: self.other_tags.clone(),
            complete: true,
        };
        for (name, document) in &self.inline {
            observed.add_inline(self.own, name.clone(), reading(document));
        }
        observed
    }
}

impl Observed {
    /// Sorts an inline policy by its name into what Ambit wrote and what it did not. A denial is
    /// one only while it says so: whoever rewrites it must not be taken for closed.
    pub fn add_inline(&mut self, own: OwnPolicies, name: String, document: Reading) {
        match name.as_str() {
            name if name == own.permissions => self.permissions = Some(document),
            name if name == own.closed => {
                self.denial = if document.means(&deny_all()) { Denial::InPlace } else { Denial::Altered };
            }
            name if name == own.sessions && document.denies_sessions_before().is_some() => {
                self.sessions_denied_before = document.denies_sessions_before();
            }
            _ => drop(self.other_inline.insert(name, document)),
        }
    }
}

/// Reads a document as it came.
#[must_use]
pub fn reading(raw: &Raw) -> Reading {
    match raw.as_ref().map(|text| Document::read(text)) {
        Ok(Ok(document)) => Reading::Document(document),
        Ok(Err(why)) => Reading::Unreadable(why.to_string()),
        Err(why) => Reading::Unreadable(why.clone()),
    }
}
