//! The reconcile functions, and the process around them.
//!
//! Each reconcile function reads as a table of contents. Decisions are made in
//! `plan`; what is said to a cloud is in `cloud`, to the API server in `cluster`.

pub mod account;
mod account_check;
mod account_gauges;
pub mod account_memory;
mod account_repair;
mod account_report;
pub mod accounts;
mod annotated;
mod apply;
mod association;
mod bind;
pub mod bindings;
pub mod caches;
mod case;
pub mod claims;
mod connect;
pub mod context;
mod credential_gauges;
mod credentials;
mod drifted;
mod events;
mod gauges;
mod guard;
pub mod identity;
mod keys;
pub mod leader;
mod leftovers;
mod memory;
mod orphans;
pub mod outcome;
mod policies;
mod removal;
mod revocation;
pub mod runtime;
mod stop;
mod suspension;
pub mod sweep;
mod wake;
mod watch;

pub use connect::aws_account;
pub use memory::{Memory, Remembered};
