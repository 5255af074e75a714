//! Decisions: from what was declared and what was observed to what to do and
//! what to say.
//!
//! Pure: no client, no tokio, no environment, no clock. Time is an argument.
//! Imports `domain`, `policy`, `api` and `names` only.

pub mod account;
mod closing;
mod course;
mod deletion;
mod desired;
mod difference;
pub mod guardrail;
mod judged;
mod lint;
mod planner;
mod reason;
mod refusal;
#[cfg(test)]
mod sample;
mod status;

pub use closing::{Closing, plan_closing};
pub use course::{Course, Past, Revocation, course};
pub use deletion::{Removal, plan_removal};
pub use desired::{Declaration, Delivery, Grounds, Resolved, compile, resolve};
pub use difference::{Difference, DriftClass, Part, differences};
pub use judged::Judged;
pub use lint::{Finding, lint};
pub use planner::{Decision, Plan, Recorded, decide};
pub use reason::{Reason, Standing, Verdict};
pub use refusal::{Fault, Objection, Refusal};
pub use status::{Findings, conclude, items, rejudged, settled};
