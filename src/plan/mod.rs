//! Decisions: from what was declared and what was observed to what to do and
//! what to say.
//!
//! Pure: no client, no tokio, no environment, no clock. Time is an argument.
//! Imports `domain`, `policy`, `api` and `names` only.

pub mod account;
mod deletion;
mod desired;
mod difference;
mod lint;
mod planner;
mod reason;
#[cfg(test)]
mod sample;
mod status;

pub use deletion::{Removal, plan_removal};
pub use desired::{Declaration, Delivery, Grounds, Refusal, Resolved, compile, resolve};
pub use difference::{Difference, DriftClass, Part, differences};
pub use lint::{Finding, lint};
pub use planner::{Decision, Plan, Recorded, decide};
pub use reason::{Reason, Standing, Verdict};
pub use status::{Findings, conclude, items, settled};
