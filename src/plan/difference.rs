//! What differs between a declared principal and the live one.
//!
//! Each difference knows its part, its class, its words, and the steps that
//! undo it. Meaning is compared, not text: a reordered document is no difference.

use crate::domain::{Denial, Desired, Observed, Reading, Step};

/// The part of a principal that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name says it; `name` gives the words that status shows")]
pub enum Part {
    Role,
    Tags,
    Boundary,
    Trust,
    SessionDuration,
    Permissions,
    InlinePolicy,
    Attachment,
}

impl Part {
    /// The word that status shows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Tags => "tags",
            Self::Boundary => "boundary",
            Self::Trust => "trust",
            Self::SessionDuration => "sessionDuration",
            Self::Permissions => "permissions",
            Self::InlinePolicy => "inlinePolicy",
            Self::Attachment => "attachment",
        }
    }
}

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftClass {
    /// It is there and different.
    Changed,
    /// It was declared and is not there.
    Missing,
    /// It is there and nobody declared it.
    Foreign,
}

impl DriftClass {
    /// The word that status shows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Changed => "Changed",
            Self::Missing => "Missing",
            Self::Foreign => "Foreign",
        }
    }
}

/// One difference between declared and live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The part.
    pub part: Part,
    /// The class.
    pub class: DriftClass,
    /// In words.
    pub summary: String,
    /// The step that undoes it.
    pub mend: Step,
}

impl Difference {
    fn new(part: Part, class: DriftClass, summary: impl Into<String>, mend: Step) -> Self {
        Self { part, class, summary: summary.into(), mend }
    }
}

/// Everything that differs, in an order that does not depend on the cloud's.
#[must_use]
pub fn differences(desired: &Desired, live: &Observed) -> Vec<Difference> {
    let mut found = Vec::new();
    found.extend(tags(desired, live));
    found.extend(boundary(desired, live));
    found.extend(trust(desired, live));
    found.extend(session(desired, live));
    found.extend(permissions(desired, live));
    found.extend(foreign(live));
    found
}

fn tags(desired: &Desired, live: &Observed) -> Option<Difference> {
    (!live.owner.name_exactly(&desired.owner)).then(|| {
        let summary = "the ownership tags do not name this identity's UID";
        Difference::new(Part::Tags, DriftClass::Changed, summary, Step::SetOwner(desired.owner.clone()))
    })
}

fn boundary(desired: &Desired, live: &Observed) -> Option<Difference> {
    let mend = || Step::SetBoundary(desired.boundary.clone());
    match live.boundary.as_deref() {
        Some(found) if found == desired.boundary.as_str() => None,
        Some(found) => {
            let summary = format!("the permissions boundary is `{found}` instead of `{}`", desired.boundary);
            Some(Difference::new(Part::Boundary, DriftClass::Changed, summary, mend()))
        }
        None => {
            Some(Difference::new(Part::Boundary, DriftClass::Missing, "the role has no permissions boundary", mend()))
        }
    }
}

fn trust(desired: &Desired, live: &Observed) -> Option<Difference> {
    let summary = match &live.trust {
        reading if reading.means(&desired.trust) => return None,
        Reading::Document(_) => "the trust policy is not the declared one".to_owned(),
        Reading::Unreadable(why) => format!("the trust policy cannot be read: {why}"),
    };
    Some(Difference::new(Part::Trust, DriftClass::Changed, summary, Step::SetTrust(desired.trust.clone())))
}

fn session(desired: &Desired, live: &Observed) -> Option<Difference> {
    let found = live.session.filter(|seconds| *seconds != desired.session.get())?;
    let summary = format!("a session may last {found} s instead of {} s", desired.session.get());
    Some(Difference::new(Part::SessionDuration, DriftClass::Changed, summary, Step::SetSession(desired.session)))
}

fn permissions(desired: &Desired, live: &Observed) -> Option<Difference> {
    let (class, summary) = match &live.permissions {
        Some(reading) if reading.means(&desired.permissions) => return None,
        Some(Reading::Document(_)) => (DriftClass::Changed, "the permissions are not the declared ones".to_owned()),
        Some(Reading::Unreadable(why)) => (DriftClass::Changed, format!("the permissions cannot be read: {why}")),
        None => (DriftClass::Missing, "the permissions are missing".to_owned()),
    };
    Some(Difference::new(Part::Permissions, class, summary, Step::SetPermissions(desired.permissions.clone())))
}

/// Policies that nobody declared, and a denial that was not taken away.
fn foreign(live: &Observed) -> Vec<Difference> {
    let attached = live.attached.iter().map(|arn| {
        let summary = format!("the managed policy `{arn}` is attached and was not declared");
        Difference::new(Part::Attachment, DriftClass::Foreign, summary, Step::Detach(arn.clone()))
    });
    let inline = live.other_inline.iter().map(|name| {
        let summary = format!("the inline policy `{name}` is there and was not declared");
        Difference::new(Part::InlinePolicy, DriftClass::Foreign, summary, Step::RemoveInline(name.clone()))
    });
    let denial = match live.denial {
        Denial::InPlace => Some((DriftClass::Changed, "the role is closed by an explicit denial of everything")),
        Denial::Altered => {
            Some((DriftClass::Foreign, "the inline policy in the place of Ambit's own denial was not written by Ambit"))
        }
        Denial::Absent => None,
    };
    let denial = denial.map(|(class, summary)| Difference::new(Part::InlinePolicy, class, summary, Step::Open));
    attached.chain(inline).chain(denial).collect()
}

#[cfg(test)]
mod tests;
