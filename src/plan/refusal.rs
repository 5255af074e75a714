//! Why a declaration is not accepted.

use super::desired::Resolved;
use super::reason::{Reason, Verdict};
use crate::api::v1alpha1::Enforcement;

/// Why a declaration is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What status says of it.
    pub verdict: Verdict,
    /// Each thing that is wrong, by itself, with its field.
    pub faults: Vec<Fault>,
    /// Where only the guardrails are against it: what it would be without them.
    pub objection: Option<Box<Objection>>,
}

/// One thing that is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Why it is refused.
    pub reason: Reason,
    /// The field, such as `spec.scopes[0].actions[2]`.
    pub field: String,
    /// What is wrong, and how to mend it.
    pub message: String,
}

/// A sound declaration that the guardrails do not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// What it compiles to.
    pub resolved: Resolved,
    /// What is to happen if exactly this was accepted before.
    pub enforcement: Enforcement,
}

impl Refusal {
    /// How many faults a verdict tells in full.
    const TOLD: usize = 3;

    /// A refusal for one thing.
    pub(super) fn new(reason: Reason, field: &str, message: impl Into<String>) -> Self {
        Self::of(reason, vec![Fault { reason, field: field.to_owned(), message: message.into() }], |fault| {
            fault.message.clone()
        })
    }

    /// A refusal for several things: the first ones are told in full, the rest counted.
    pub(super) fn of(reason: Reason, faults: Vec<Fault>, words: impl Fn(&Fault) -> String) -> Self {
        let mut message = faults.iter().take(Self::TOLD).map(words).collect::<Vec<_>>().join("; ");
        if let Some(more @ 1..) = faults.len().checked_sub(Self::TOLD) {
            message = format!("{message}; and {more} more");
        }
        Self { verdict: Verdict::terminal(reason, message), faults, objection: None }
    }

    /// The same refusal of a declaration that only the guardrails are against.
    pub(super) fn objecting(self, resolved: Resolved, enforcement: Enforcement) -> Self {
        Self { objection: Some(Box::new(Objection { resolved, enforcement })), ..self }
    }
}
