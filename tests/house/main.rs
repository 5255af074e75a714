//! The whole controller in one process: its real reconcile functions over a
//! cluster and a cloud in memory, with every fault that can be put in their way.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells how much it tried"
)]

mod simulation;
mod tidy;
