//! What differs between a declared principal and the live one, and how grave it is.
//!
//! Each difference knows its part, its class, its words, a request that shows
//! it, and the step that undoes it. What documents allow is compared, not their
//! text: a reordered document differs only cosmetically, which is no drift.

mod attribution;
mod binding;
mod boundary;
mod meaning;
mod provider;
mod told;

pub use attribution::attribute;
pub use binding::binding_differences;
pub use boundary::{BoundaryChange, boundary_change, pinned_boundary};
pub use provider::{ProviderDifference, ProviderSought, provider};
pub use told::{author, is_told, told};

use self::meaning::{Detail, Meaning, beyond, meaning};
use crate::domain::{ChangeEvent, Denial, Desired, Observation, Observed, Reading, Step};
use crate::policy::{Document, Request};

/// The part of a principal, or of what leads to it, that differs.
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
    Group,
    LoginProfile,
    Provider,
    Association,
    ServiceAccount,
    BindingTable,
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
            Self::Group => "group",
            Self::LoginProfile => "loginProfile",
            Self::Provider => "provider",
            Self::Association => "association",
            Self::ServiceAccount => "serviceAccount",
            Self::BindingTable => "bindingTable",
        }
    }
}

/// What kind of difference it is, from the least to the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftClass {
    /// Written in another way, and meaning the same: no drift, and left alone.
    Cosmetic,
    /// Less than was declared.
    Narrowed,
    /// It was declared and is not there.
    Missing,
    /// It is there and different: more and less, neither, or nobody can decide.
    Changed,
    /// It is there and nobody declared it.
    Foreign,
    /// It is there and cannot be read.
    Unreadable,
    /// More than was declared.
    Widened,
}

impl DriftClass {
    /// The word that status shows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosmetic => "Cosmetic",
            Self::Narrowed => "Narrowed",
            Self::Missing => "Missing",
            Self::Changed => "Changed",
            Self::Foreign => "Foreign",
            Self::Unreadable => "Unreadable",
            Self::Widened => "Widened",
        }
    }
}

/// Whom a difference concerns, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nobody.
    Info,
    /// Something does not work, or will not.
    Warning,
    /// Somebody may have access that nobody declared.
    Critical,
}

impl Severity {
    /// All of them, for metrics that name each.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word in metrics and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One difference between declared and live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The part.
    pub part: Part,
    /// Which one, where there may be several: the name of an inline policy or of a group, the ARN
    /// of an attached policy.
    pub subject: Option<String>,
    /// The class.
    pub class: DriftClass,
    /// Whether live allows what was not declared, or may.
    pub widens: bool,
    /// In words.
    pub summary: String,
    /// A request that one side allows and the other does not.
    pub witness: Option<Request>,
    /// The step that undoes it, where one at the principal does.
    pub mend: Option<Step>,
    /// Who did it, where an event told.
    pub by: Option<ChangeEvent>,
}

impl Difference {
    /// A difference of which nothing more is known.
    pub fn new(part: Part, class: DriftClass, summary: impl Into<String>) -> Self {
        Self { part, subject: None, class, widens: false, summary: summary.into(), witness: None, mend: None, by: None }
    }

    pub(super) fn mended_by(self, step: Step) -> Self {
        Self { mend: Some(step), ..self }
    }

    pub(super) fn widening(self) -> Self {
        Self { widens: true, ..self }
    }

    /// Whom it concerns.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.class {
            DriftClass::Cosmetic => Severity::Info,
            DriftClass::Unreadable | DriftClass::Widened => Severity::Critical,
            _ if self.widens => Severity::Critical,
            _ => Severity::Warning,
        }
    }
}

/// Everything that differs and has a meaning, in an order that does not depend on the cloud's.
/// What documents allow is not said in words: [`in_words`] does, for those that are told.
#[must_use]
pub fn differences(desired: &Desired, live: &Observed) -> Vec<Difference> {
    let mut all = all(desired, live, Detail::Class);
    all.retain(|difference| difference.class != DriftClass::Cosmetic);
    all
}

/// Everything that differs, in words, what has no meaning included.
#[must_use]
pub fn judge(desired: &Desired, live: &Observed) -> Vec<Difference> {
    all(desired, live, Detail::Words)
}

/// The same differences in words.
#[must_use]
pub fn in_words(found: &[Difference], desired: &Desired, observation: &Observation<Observed>) -> Vec<Difference> {
    let judged = match observation {
        Observation::Present(live) if !found.is_empty() => judge(desired, live),
        _ => Vec::new(),
    };
    let said = |difference: &Difference| {
        let same = |other: &&Difference| other.part == difference.part && other.subject == difference.subject;
        let said = judged.iter().find(same).unwrap_or(difference).clone();
        // Who made it is known of the difference, not of its words.
        Difference { by: difference.by.clone(), ..said }
    };
    found.iter().map(said).collect()
}

fn all(desired: &Desired, live: &Observed, detail: Detail) -> Vec<Difference> {
    let mut found = Vec::new();
    found.extend(tags(desired, live));
    found.extend(boundary(desired, live));
    found.extend(trust(desired, live, detail));
    found.extend(session(desired, live));
    found.extend(permissions(desired, live, detail));
    found.extend(foreign(desired, live, detail));
    found
}

fn tags(desired: &Desired, live: &Observed) -> Option<Difference> {
    if live.owner.name_exactly(&desired.owner) {
        return None;
    }
    let class = if live.owner.uid.is_none() { DriftClass::Missing } else { DriftClass::Changed };
    let summary = "the ownership tags do not name this identity's UID";
    Some(Difference::new(Part::Tags, class, summary).mended_by(Step::SetOwner(desired.owner.clone())))
}

fn boundary(desired: &Desired, live: &Observed) -> Option<Difference> {
    let (class, summary) = match live.boundary.as_deref() {
        Some(found) if found == desired.boundary.as_str() => return None,
        Some(found) => {
            (DriftClass::Changed, format!("the permissions boundary is `{found}` instead of `{}`", desired.boundary))
        }
        None => (DriftClass::Missing, format!("the {} has no permissions boundary", live.kind.word())),
    };
    // What another boundary allows is not read, and none at all allows everything.
    let difference = Difference::new(Part::Boundary, class, summary).widening();
    Some(difference.mended_by(Step::SetBoundary(desired.boundary.clone())))
}

fn trust(desired: &Desired, live: &Observed, detail: Detail) -> Option<Difference> {
    let difference = document(Part::Trust, "the trust policy", &desired.trust, &live.trust, detail)?;
    Some(difference.mended_by(Step::SetTrust(desired.trust.clone())))
}

fn session(desired: &Desired, live: &Observed) -> Option<Difference> {
    let declared = desired.session.get();
    let found = live.session.filter(|seconds| *seconds != declared)?;
    let longer = found > declared;
    let class = if longer { DriftClass::Widened } else { DriftClass::Narrowed };
    let summary = format!("a session may last {found} s instead of {declared} s");
    let difference = Difference { widens: longer, ..Difference::new(Part::SessionDuration, class, summary) };
    Some(difference.mended_by(Step::SetSession(desired.session)))
}

fn permissions(desired: &Desired, live: &Observed, detail: Detail) -> Option<Difference> {
    let difference = match &live.permissions {
        Some(reading) => document(Part::Permissions, "the permissions policy", &desired.permissions, reading, detail)?,
        None => Difference::new(Part::Permissions, DriftClass::Missing, "the permissions policy is missing"),
    };
    Some(difference.mended_by(Step::SetPermissions(desired.permissions.clone())))
}

/// A document that was declared and is there, in whatever form.
fn document(part: Part, what: &str, declared: &Document, live: &Reading, detail: Detail) -> Option<Difference> {
    let found = match live {
        Reading::Document(found) => found,
        Reading::Unreadable(why) => {
            let summary = format!("{what} cannot be read: {why}");
            return Some(Difference::new(part, DriftClass::Unreadable, summary).widening());
        }
    };
    let Meaning { class, widens, words, witness } = meaning(declared, found, detail)?;
    let (said, example) = match class {
        DriftClass::Cosmetic => ("is written in another way and means the same", ""),
        DriftClass::Widened => ("allows more than was declared", ", for example"),
        DriftClass::Narrowed => ("allows less than was declared", ", for example"),
        _ => ("is not the declared one", ""),
    };
    let summary = if words.is_empty() { format!("{what} {said}") } else { format!("{what} {said}{example}: {words}") };
    Some(Difference { widens, witness, ..Difference::new(part, class, summary) })
}

/// Policies, groups and a password that nobody declared, and a denial that was not taken away.
fn foreign(desired: &Desired, live: &Observed, detail: Detail) -> Vec<Difference> {
    let attached = live.attached.iter().map(|arn| {
        let summary = format!("the managed policy `{arn}` is attached and was not declared");
        let difference = Difference::new(Part::Attachment, DriftClass::Foreign, summary).widening();
        Difference { subject: Some(arn.clone()), ..difference.mended_by(Step::Detach(arn.clone())) }
    });
    let groups = live.groups.iter().map(|group| {
        let summary = format!("the user is in the group `{group}`, which was not declared");
        let difference = Difference::new(Part::Group, DriftClass::Foreign, summary).widening();
        Difference { subject: Some(group.clone()), ..difference.mended_by(Step::LeaveGroup(group.clone())) }
    });
    let password = (live.has_password == Some(true)).then(|| {
        let summary = "the user has a password for the console, and none was declared";
        Difference::new(Part::LoginProfile, DriftClass::Widened, summary).widening().mended_by(Step::RemovePassword)
    });
    let inline = live.other_inline.iter().map(|(name, reading)| foreign_inline(desired, name, reading, detail));
    let denial = match live.denial {
        Denial::Absent => None,
        Denial::InPlace => Some(Difference::new(
            Part::InlinePolicy,
            DriftClass::Narrowed,
            format!("the {} is closed by an explicit denial of everything", live.kind.word()),
        )),
        Denial::Altered => Some(
            Difference::new(
                Part::InlinePolicy,
                DriftClass::Foreign,
                "the inline policy in the place of Ambit's own denial was not written by Ambit",
            )
            .widening(),
        ),
    };
    let denial = denial.map(|difference| difference.mended_by(Step::Open));
    attached.chain(groups).chain(password).chain(inline).chain(denial).collect()
}

fn foreign_inline(desired: &Desired, name: &str, reading: &Reading, detail: Detail) -> Difference {
    let there = format!("the inline policy `{name}` is there and was not declared");
    let found = match reading {
        Reading::Unreadable(why) => {
            let summary = format!("{there}; it cannot be read: {why}");
            Difference::new(Part::InlinePolicy, DriftClass::Unreadable, summary).widening()
        }
        Reading::Document(document) => {
            let Meaning { class, widens, words, witness } = beyond(&desired.permissions, document, detail);
            let summary = if !widens {
                format!("{there}; it allows nothing beyond what was declared")
            } else if words.is_empty() {
                there
            } else {
                format!("{there}: {words}")
            };
            Difference { widens, witness, ..Difference::new(Part::InlinePolicy, class, summary) }
        }
    };
    Difference { subject: Some(name.to_owned()), ..found.mended_by(Step::RemoveInline(name.to_owned())) }
}

#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
