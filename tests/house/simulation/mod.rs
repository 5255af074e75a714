//! Simulations: deterministic, without sleeping, with a clock of their own.

mod annotations;
mod clock;
mod contests;
mod crash_points;
mod declare;
mod delivery;
mod edges;
mod faulty_cluster;
mod gate;
mod guardrails;
mod heard;
mod keys;
mod lag;
mod leftovers;
mod monitor;
mod observed;
mod orphans;
mod orphans_paced;
mod pinned;
mod process;
mod random;
mod rotation;
mod scheduler;
mod secrets;
mod shared_accounts;
mod stage;
mod status_table;
mod stories;
mod suspended;
mod sweeps;
mod town;
mod truth;
mod two_operators;
mod verdicts;

/// Runs a simulation to its end. Nothing in it waits for anything real.
fn simulate<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}
