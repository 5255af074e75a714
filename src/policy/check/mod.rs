//! Lints policy documents: finds what AWS refuses, what can never do what it
//! says, and what gives away more than it seems to.
//!
//! Everything is told with a code, a place, and how to mend it. The rules
//! reason about one document and are deliberately simple; whether one document
//! allows more than another is the comparison's business.
//!
//! ```text
//! text ── shape ──▶ policy ── actions, resources, variables, keys, values,
//!                             contradictions, who, danger, size, covered ──▶ findings
//! ```

mod actions;
mod code;
mod contradiction;
mod covered;
mod danger;
mod explain;
mod keys;
mod kind;
mod report;
mod resources;
mod shape;
mod size;
mod spot;
mod values;
mod variables;
mod ways;
mod who;
mod wild;

#[cfg(test)]
mod tests;

pub use code::{Code, Severity};
pub use kind::Kind;

use super::catalogue::Catalogue;
use super::json::Node;
use super::place::{Place, Position};
use super::statement::{Policy, Statement, Version};
use actions::Reach;
use keys::Keys;
use report::Report;
use spot::Tree;

/// The longest text that is looked at, in bytes. No policy of AWS comes near it.
const LONGEST: usize = 1024 * 1024;

/// Something in a policy that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// How grave it is here.
    pub severity: Severity,
    /// The element.
    pub place: Place,
    /// Where it begins in the text.
    pub position: Position,
    /// The position behind its last character.
    pub end: Position,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// A document on its way through the rules.
struct Subject<'a> {
    policy: &'a Policy,
    kind: Kind,
    catalogue: &'a Catalogue,
}

impl Subject<'_> {
    /// Whether `${key}` is a variable, and not text.
    fn has_variables(&self) -> bool {
        self.policy.version == Version::V2012
    }

    fn statements(&self) -> impl Iterator<Item = (usize, &Statement)> {
        self.policy.statements.iter().enumerate()
    }
}

/// Looks at a document, in the order of its text. What it is attached to is taken from the
/// document where `kind` does not say it.
#[must_use]
pub fn findings(text: &str, kind: Option<Kind>, catalogue: &Catalogue) -> Vec<Finding> {
    if text.len() > LONGEST {
        let mut report = Report::new(None);
        let message = format!("the policy has {} bytes: at most {LONGEST} are read", text.len());
        report.add(Code::TooLarge, &[], message, "no policy of AWS is that large");
        return report.finish(text);
    }
    let node = match Node::read(text) {
        Ok(node) => node,
        Err(error) => {
            let mut report = Report::new(None);
            shape::broken(text, &error, &mut report);
            return report.finish(text);
        }
    };
    let tree = Tree::of(node);
    let mut report = Report::new(Some(&tree));
    shape::check(&tree, &mut report);
    match Policy::read(text) {
        Ok(policy) => {
            let kind = kind.unwrap_or_else(|| Kind::of(&policy));
            rules(&Subject { policy: &policy, kind, catalogue }, text, &mut report);
        }
        // Whatever the reader refuses is told, also if the look at the structure missed it.
        Err(error) if report.count(Severity::Error) == 0 => {
            report.add(Code::NotAPolicy, &[], error.to_string(), "");
        }
        Err(_) => {}
    }
    report.finish(text)
}

/// All that is asked of a document that can be read.
fn rules(subject: &Subject<'_>, text: &str, report: &mut Report<'_>) {
    let mut keys = Keys::new(subject.catalogue);
    who::check(subject, report);
    size::check(subject, text, report);
    for (index, statement) in subject.statements() {
        let reach = Reach::of(statement, subject.catalogue);
        actions::check(index, statement, &reach, subject.catalogue, report);
        resources::check(subject, index, statement, &reach, report);
        variables::check(subject, index, statement, &mut keys, report);
        values::check(subject, index, statement, &mut keys, report);
        keys::check(subject, index, statement, &reach, &mut keys, report);
        contradiction::check(subject, index, statement, &mut keys, report);
    }
    danger::check(subject, report);
    covered::check(subject, report);
}
