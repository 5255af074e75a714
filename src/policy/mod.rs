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
pub mod ceiling;
pub mod check;
pub mod compare;
mod compile;
mod condition;
mod document;
mod english;
pub mod evaluate;
mod expand;
pub mod explain;
mod json;
mod operator;
mod pattern;
mod place;
mod problem;
mod read;
mod request;
mod scope;
mod statement;
mod trust;
mod value;

pub use catalogue::{AccessLevel, Catalogue};
pub use compile::{MAX_INLINE, MAX_PERMISSIONS, MAX_USER_INLINE, MAX_USER_PERMISSIONS, permissions, permissions_of};
pub use document::{Document, size_for_iam};
pub use english::summary;
pub use operator::{Comparison, Operator, Order, SetOperator};
pub use pattern::is_pattern;
pub use place::{Place, Position};
pub use problem::{Problem, ScopeError};
pub use read::Unreadable;
pub use request::{Context, ContextValue, Decision, Layer, Layers, Matched, Outcome, Request};
pub use scope::{Condition, Grant, Ground, Scope};
pub use statement::{Policy, PolicyKind, Unknown};
pub use trust::{
    ClaimTest, MAX_TRUST, POD_IDENTITY, POD_IDENTITY_ACTIONS, TrustError, deny_all, deny_sessions_before, nobody,
    pod_identity_claims, pod_identity_trust, service_account_subject, sessions_denied_before, web_identity_trust,
};
