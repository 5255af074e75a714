//! AWS policies: compiled from scopes, read back, compared, said in English.
//!
//! This room is pure: it has no client, no clock and no environment, and
//! imports nothing but `names`.
//!
//! ```text
//! scopes ── compile ──▶ Document ── sent ──▶ the cloud ── read ──▶ Document
//!    │         │            └──────────── same_meaning ────────────────┘
//! english   catalogue
//! ```

pub mod catalogue;
mod compile;
mod condition;
mod document;
mod english;
mod expand;
mod json;
mod problem;
mod read;
mod scope;
mod statement;
mod trust;

pub use catalogue::{AccessLevel, Catalogue};
pub use compile::{MAX_PERMISSIONS, permissions};
pub use document::{Document, size_for_iam};
pub use english::summary;
pub use problem::{Problem, ScopeError};
pub use read::Unreadable;
pub use scope::{Condition, Grant, Ground, Scope};
pub use trust::{MAX_TRUST, TrustError, deny_all, service_account_subject, web_identity_trust};
