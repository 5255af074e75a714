//! The offline commands from outside: what they print, and how they end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod explain;
mod folder;
mod golden;
mod pipelines;
mod plan;
mod pod_identity;
mod render;
mod samples;
mod scenarios;
mod validate;
