//! What one policy allows and another does not, with a request that shows it.
//!
//! The question is whether some request is allowed by one side and not by the
//! other. All requests are sorted into classes that no statement tells apart,
//! one dimension after the other, and one of each class is looked at:
//!
//! ```text
//! actions ──▶ callers ──▶ resources ──▶ context ──▶ a request ──▶ replayed by the evaluator
//! (names)    (principals)  (ARN segments)  (keys)
//! ```
//!
//! INVARIANTS:
//! - `None` is said only when every class was looked at, no budget ended, and
//!   everything that is not known was taken both ways.
//! - `New` is said only with a request on which the evaluator, which shares no
//!   matching code with this room, agrees.
//! - The work is bounded by steps, not by a clock: the same question has the
//!   same answer everywhere.

mod actions;
mod answer;
mod arns;
mod bits;
mod budget;
mod cache;
mod callers;
mod conditions;
mod direction;
mod form;
mod formula;
mod frame;
mod glob;
mod ground;
mod hash;
mod principals;
mod sides;
mod test;
mod values;

pub use answer::{Answer, Changes, Comparison, Direction, Domain, Domains, Verdict};
pub use cache::Cache;
pub use sides::{Mismatch, TOO_MUCH};

use super::request::Layers;
use super::statement::Policy;
use sides::Pair;

/// What changes from `old` to `new`, each taken alone.
pub fn compare(old: &Policy, new: &Policy) -> Result<Comparison, Mismatch> {
    Ok(Pair::of_policies(old, new)?.compare())
}

/// What `new` allows and `old` does not: the half of [`compare`] that a guardrail asks for.
pub fn beyond(old: &Policy, new: &Policy) -> Result<Direction, Mismatch> {
    Ok(Pair::of_policies(old, new)?.forward())
}

/// One request for each kind of access that `new` allows and `old` does not: the half of [`changes`]
/// that a refusal is worded from.
pub fn beyond_each(old: &Policy, new: &Policy) -> Result<Changes, Mismatch> {
    Ok(Pair::of_policies(old, new)?.changes_forward())
}

/// What `new` allows and `old` does not, and the other way round: one request for each level of
/// access to each kind of resource of each service, as far as the work allows.
///
/// This is for people; whether there is a difference at all is what [`compare`] says.
pub fn changes(old: &Policy, new: &Policy) -> Result<[Changes; 2], Mismatch> {
    Ok(Pair::of_policies(old, new)?.changes())
}

/// What changes from one stack of policies to another, for a caller of the resource's own account
/// of whom no more is known.
///
/// The question leaves out what does not follow from the statements alone: keys of KMS and roles to
/// be assumed, whose own policy must allow as well; the management account, service-linked roles
/// and whatever else SCPs and RCPs do not reach.
#[must_use]
pub fn compare_layers(old: &Layers<Policy>, new: &Layers<Policy>) -> Comparison {
    Pair::of_layers(old, new).compare()
}

#[cfg(test)]
mod tests;
