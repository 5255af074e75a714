//! Simulations: deterministic, without sleeping, with a clock of their own.

mod clock;
mod crash_points;
mod declare;
mod edges;
mod faulty_cluster;
mod gate;
mod guardrails;
mod lag;
mod monitor;
mod process;
mod random;
mod scheduler;
mod stage;
mod status_table;
mod stories;
mod truth;
mod two_operators;
mod verdicts;

/// Runs a simulation to its end. Nothing in it waits for anything real.
fn simulate<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}
