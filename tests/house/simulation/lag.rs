//! Reads that lag behind writes: one look that finds nothing proves nothing.

use ambit::cloud::{ErrorKind, Fault, FaultPlan};

use super::process::{Process, Rest};
use super::simulate;
use super::stage::Stage;
use super::truth;

#[test]
fn a_creation_survives_reads_and_proofs_that_lag() {
    simulate(async {
        for lag in 0..8 {
            let stage = Stage::new();
            stage.cloud.lag_reads(lag);
            stage.cloud.lag_proofs(lag);
            stage.create("uid-1");
            let mut process = Process::start(&stage, &FaultPlan::none());
            assert_eq!(process.run().await, Rest::Settled, "lag {lag}");
            truth::assert_live(&stage);
            assert_eq!(stage.role().unwrap().id, "AROA00000000000000004", "made once: the fourth in the account");
            truth::assert_idle(&stage, &mut process).await;
        }
    });
}

/// The role was absent long ago, before it was made. That look must not count
/// towards its deletion, or the role outlives its identity.
#[test]
fn a_look_from_before_the_creation_does_not_count_as_gone() {
    simulate(async {
        let stage = Stage::new();
        stage.create("uid-1");
        stage.cloud.lag_reads(2);
        // `CreateRole` is throttled for longer than reads may lag.
        let throttled = FaultPlan::during(5..60, Fault::ErrorBefore(ErrorKind::Throttled));
        let mut process = Process::start(&stage, &throttled);
        process.run_until(|stage| stage.role().is_some()).await;
        stage.cluster.delete(&stage.key);
        assert_eq!(process.run().await, Rest::Gone);
        truth::assert_gone(&stage);
    });
}
