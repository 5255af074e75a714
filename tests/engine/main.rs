//! The policy engine from outside: its commands as other programs see them,
//! what must hold of every answer, and AWS's own policies.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod commands;
mod guardrail;
mod managed;
mod properties;
mod seeds;
mod vocabulary;
