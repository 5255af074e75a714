//! How the permissions boundary of an account changed.

use super::meaning::{Detail, Meaning, meaning};
use super::{Difference, DriftClass, Part};
use crate::domain::Reading;
use crate::policy::Document;

/// What a boundary's change comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundaryChange {
    /// What kind of change it is.
    pub class: DriftClass,
    /// Whether it lets roles do more than before, or may.
    pub widens: bool,
    /// In English, with a request that shows it.
    pub words: String,
}

/// What changed from one boundary to the next; nothing if they mean the same.
#[must_use]
pub fn boundary_change(before: &Document, after: &Document) -> Option<BoundaryChange> {
    let Meaning { class, widens, words, witness } = meaning(before, after, Detail::Words)?;
    if class == DriftClass::Cosmetic {
        return None;
    }
    let direction = match class {
        DriftClass::Widened => "it allows more than before",
        DriftClass::Narrowed => "it allows less than before",
        _ => "it allows something else than before",
    };
    let shown = witness.map(|request| format!("; such as `{}` on `{}`", request.action, request.resource));
    Some(BoundaryChange { class, widens, words: format!("{direction}: {words}{}", shown.unwrap_or_default()) })
}

/// How a boundary differs from the meaning that is pinned; nothing if it has it.
/// `known` is the boundary as it was when it last had that meaning, if that is remembered.
#[must_use]
pub fn pinned_boundary(pinned: &str, live: &Reading, known: Option<&Document>) -> Option<Difference> {
    let live = match live {
        Reading::Document(live) => live,
        Reading::Unreadable(why) => {
            let summary =
                format!("the permissions boundary cannot be read, so it cannot be compared with `{pinned}`: {why}");
            return Some(Difference::new(Part::Boundary, DriftClass::Unreadable, summary).widening());
        }
    };
    let found = live.meaning().to_string();
    if found == pinned {
        return None;
    }
    let change = known
        .filter(|known| known.meaning().to_string() == pinned)
        .and_then(|known| meaning(known, live, Detail::Words));
    let Some(Meaning { class, widens, words, witness }) = change else {
        let summary = format!("the permissions boundary means `{found}` instead of `{pinned}`");
        return Some(Difference::new(Part::Boundary, DriftClass::Changed, summary).widening());
    };
    // A pin is a digest. What allows the same and has another is for whoever pinned it to judge, as
    // nobody could tell after a restart that it does.
    let (class, words) = match class {
        DriftClass::Cosmetic => (DriftClass::Changed, "it allows the same in another way".to_owned()),
        class => (class, words),
    };
    let summary = format!("the permissions boundary means `{found}` instead of `{pinned}`: {words}");
    Some(Difference { widens, witness, ..Difference::new(Part::Boundary, class, summary) })
}

#[cfg(test)]
mod tests;
