//! Ambit against a real API server and a cloud that enforces IAM.
//!
//! Most tests share one bed and work in namespaces of their own, so that they
//! run beside each other. Without the bed's programs these tests fail and say
//! which command builds them; none is skipped.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access_keys;
mod bounds;
mod ceiling;
mod cel;
mod chart;
mod checklist;
mod cli;
mod commands;
mod crash;
mod crds;
mod delivery;
mod drift;
mod events;
mod examples;
mod eyes;
mod generated;
mod guardrails;
mod house;
mod least_privilege;
mod main_job;
mod orphans;
mod outages;
mod parity;
mod pipelines;
mod pod_identity;
mod policies;
mod process;
mod refusals;
mod root;
mod schema;
mod session_secret;
mod suspension;
mod web;
