//! Decisions: from what was declared and what was observed to what to do and
//! what to say.
//!
//! Pure: no client, no tokio, no environment, no clock. Time is an argument.
//! Imports `domain`, `policy`, `api` and `names` only.

pub mod account;
mod account_check;
mod account_status;
mod association;
mod closing;
pub mod contest;
mod course;
mod credentials;
mod deletion;
mod delivery;
mod desired;
mod drift;
pub mod guardrail;
mod judged;
mod lint;
mod neighbours;
pub mod orphan;
pub mod pipeline;
mod planner;
pub mod pod_identity;
mod reason;
mod refusal;
pub mod rotation;
#[cfg(test)]
mod sample;
mod status;
mod suspension;

pub use account_check::{
    Answers, Baseline, Hinders, Judgement, Proof, another_account, judge_account, provider_changed,
};
pub use account_status::{
    AccountFindings, SweepCounts, conclude_account, ledger, only_ledger, tally, with_ledger, without_ledger,
};
pub use association::{Sought, Tie, tie, untie};
pub use closing::{Closing, plan_closing};
pub use course::{Course, Past, Revocation, course};
pub use credentials::{Holds, Issued, Place, SecretTarget, Storing, credential_type, place};
pub use deletion::{Removal, plan_removal};
pub use delivery::{Annotated, Claim, Delivery, Injected, Keyed, Means, Stored, delivery, may_be_of};
pub use desired::{Declaration, Grounds, Resolved, User, compile, principal, resolve};
pub use drift::{
    BoundaryChange, Difference, DriftClass, Part, ProviderDifference, ProviderSought, Severity, attribute, author,
    binding_differences, boundary_change, differences, in_words, is_told, judge, pinned_boundary, provider, told,
};
pub use judged::Judged;
pub use lint::{Finding, lint};
pub use neighbours::{Neighbours, neighbours};
pub use planner::{Decision, Plan, Recorded, decide};
pub use reason::{Reason, Standing, Verdict};
pub use refusal::{Fault, Objection, Refusal};
pub use status::{Findings, conclude, credentialed, rejudged, settled};
pub use suspension::{Progress, Suspension, plan_suspension};
