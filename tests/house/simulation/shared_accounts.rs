//! An OIDC provider that several have a say in.

use std::collections::BTreeSet;
use std::time::Duration;

use ambit::cloud::FaultPlan;
use ambit::domain::Provider;
use ambit::names::IssuerUrl;

use super::declare::{self, AUDIENCE, BOUNDARY, ISSUER};
use super::stage::Stage;
use super::town::{Operator, ready, town};
use super::{clock, simulate};

/// Makes the provider this installation's own, with these audiences.
fn register(stage: &Stage, audiences: &[&str]) {
    let audiences = audiences.iter().map(|audience| (*audience).to_owned()).collect::<BTreeSet<String>>();
    let provider = Provider { audiences, installation: Some("sim".into()), ..Provider::default() };
    stage.cloud.plant_provider(&IssuerUrl::parse(ISSUER).unwrap(), provider);
}

fn taken_off(stage: &Stage) -> u64 {
    stage.cloud.calls().get("remove-audience").copied().unwrap_or_default()
}

#[test]
fn the_audience_of_another_account_stays() {
    let stage = town(1);
    register(&stage, &[AUDIENCE, "theirs"]);
    simulate(async {
        let mut other = (*declare::account(BOUNDARY)).clone();
        other.metadata.name = Some("other".into());
        other.metadata.uid = Some("uid-other".into());
        let aws = other.spec.aws.as_mut().unwrap();
        aws.federation.web_identity.as_mut().unwrap().audience = "theirs".into();
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        operator.fleet.others.push(other);
        operator.rounds(3).await;
        assert_eq!((taken_off(&stage), ready(&stage).1.as_str()), (0, "Verified"));
        operator.fleet.others.clear();
        clock::advance(Duration::from_hours(2));
        operator.rounds(2).await;
        assert_eq!(taken_off(&stage), 1, "now nobody declares it");
    });
}

/// Somebody else adds it again each time: after three rounds Ambit stops, and says so.
#[test]
fn a_fight_over_an_audience_ends() {
    let stage = town(1);
    simulate(async {
        let mut operator = Operator::start(&stage, &FaultPlan::none());
        for round in 1..=6 {
            register(&stage, &[AUDIENCE, "theirs"]);
            operator.round().await;
            assert_eq!(taken_off(&stage), round.min(3), "round {round}");
        }
        let (status, reason, message) = ready(&stage);
        assert_eq!((status.as_str(), reason.as_str()), ("True", "ProviderChanged"));
        assert!(message.contains("also accepts the audience `theirs`, which was not declared; "), "{message}");
        assert!(message.ends_with("; it was taken off 3 times and came back each time, so Ambit has stopped: find who else manages the provider, then change the CloudAccount's spec"), "{message}");
    });
}
