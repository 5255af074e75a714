use super::*;
use crate::plan::drift::{DriftClass, Part};
use crate::plan::orphan::Ledger;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn counts() -> SweepCounts {
    SweepCounts { pages: 10, calls: 10, roles: 10_000, ours: 1_000, suspects: 0, orphans: 0 }
}

fn good() -> AccountFindings {
    AccountFindings {
        swept: Some(Verdict::good(Reason::SweptInFull, "the whole account was read")),
        sweep: Some(counts()),
        identities: Some(IdentityCounts { total: 2, ready: 1, not_ready: 1, drifted: 0 }),
        usage: Some(Usage { roles: Some(10_000), roles_quota: Some(20_000) }),
        boundary: Some("sha256:1".into()),
        provider: Some(Provider { thumbprints: ["aa".to_owned()].into(), ..Provider::default() }),
        drift: Some(Vec::new()),
        ..AccountFindings::only(Verdict::good(Reason::Verified, "in order"))
    }
}

fn first() -> CloudAccountStatus {
    conclude_account(None, Some(1), good(), at(0))
}

fn condition_of<'a>(status: &'a CloudAccountStatus, name: &str) -> (&'a str, &'a str, i64) {
    let found = status.conditions.iter().find(|condition| condition.type_ == name).unwrap();
    assert_eq!(found.observed_generation, status.observed_generation);
    (&found.status, &found.reason, found.last_transition_time.0.as_second() - at(0).as_second())
}

#[test]
fn both_conditions_are_always_there() {
    let only =
        conclude_account(None, Some(1), AccountFindings::only(Verdict::terminal(Reason::CloudDenied, "no")), at(0));
    let names: Vec<&str> = only.conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(names, ["Ready", "Swept", "Stalled"]);
    assert_eq!(condition_of(&only, "Swept"), ("Unknown", "Pending", 0));
    assert_eq!(condition_of(&first(), "Swept"), ("True", "SweptInFull", 0));
}

#[test]
fn equal_findings_give_an_equal_status_whatever_the_time() {
    assert_eq!(conclude_account(Some(&first()), Some(1), good(), at(600)), first());
    let between = AccountFindings { swept: None, sweep: None, identities: None, ..good() };
    assert_eq!(conclude_account(Some(&first()), Some(1), between, at(600)), first());
    let nothing = AccountFindings::only(Verdict::good(Reason::Verified, "in order"));
    assert_eq!(conclude_account(Some(&first()), Some(1), nothing, at(600)), first());
}

#[test]
fn the_time_of_a_sweep_moves_with_something_else() {
    let more = SweepCounts { roles: 10_001, ..counts() };
    let status = conclude_account(Some(&first()), Some(1), AccountFindings { sweep: Some(more), ..good() }, at(600));
    let swept = status.last_sweep.unwrap();
    assert_eq!((swept.time, swept.roles), (Time(at(600)), 10_001));
    // A change that no sweep found does not move it.
    let denied = AccountFindings::only(Verdict::terminal(Reason::CloudDenied, "no"));
    let status = conclude_account(Some(&first()), Some(1), denied, at(600));
    assert_eq!(status.last_sweep, first().last_sweep);
    assert_eq!((condition_of(&status, "Ready").2, condition_of(&status, "Swept").2), (600, 0));
    assert_eq!((status.usage, status.boundary, status.provider), (first().usage, first().boundary, first().provider));
}

#[test]
fn a_boundary_that_means_something_else_has_a_time() {
    assert_eq!(first().boundary.unwrap().changed_time, None, "the first time is no change");
    let other = AccountFindings { boundary: Some("sha256:2".into()), ..good() };
    let status = conclude_account(Some(&first()), Some(1), other.clone(), at(600));
    assert_eq!(status.boundary, Some(BoundaryStatus { digest: "sha256:2".into(), changed_time: Some(Time(at(600))) }));
    assert_eq!(conclude_account(Some(&status), Some(1), other, at(900)), status);
}

#[test]
fn thumbprints_stay_as_first_seen_until_the_spec_changes() {
    let other = || AccountFindings {
        provider: Some(Provider { thumbprints: ["bb".to_owned()].into(), ..Provider::default() }),
        ..good()
    };
    let same = conclude_account(Some(&first()), Some(1), other(), at(600));
    assert_eq!(same.provider.unwrap().thumbprints, ["aa"]);
    let accepted = conclude_account(Some(&first()), Some(2), other(), at(600));
    assert_eq!(accepted.provider.unwrap().thumbprints, ["bb"]);
}

#[test]
fn drift_keeps_its_time_and_goes_when_it_is_over() {
    let drifted = || AccountFindings {
        drift: Some(vec![Difference::new(Part::Provider, DriftClass::Foreign, "one more audience")]),
        ..good()
    };
    let status = conclude_account(Some(&first()), Some(1), drifted(), at(600));
    let drift = status.drift.clone().unwrap();
    assert_eq!(
        (drift.class.as_str(), drift.items[0].part.as_str(), drift.since),
        ("Foreign", "provider", Time(at(600)))
    );
    assert_eq!(conclude_account(Some(&status), Some(1), drifted(), at(900)), status);
    assert_eq!(conclude_account(Some(&status), Some(1), good(), at(900)).drift, None);
}

#[test]
fn what_comes_from_outside_is_bounded() {
    let provider = Provider {
        audiences: (0..200).map(|n| format!("{n}{}", "x".repeat(300))).collect(),
        thumbprints: (0..9).map(|n| format!("{n}{}", "f".repeat(100))).collect(),
        installation: None,
    };
    let status = conclude_account(None, Some(1), AccountFindings { provider: Some(provider), ..good() }, at(0));
    let told = status.provider.unwrap();
    assert_eq!((told.audiences.len(), told.thumbprints.len()), (100, 5));
    assert!(
        told.audiences.iter().all(|text| text.len() == 255) && told.thumbprints.iter().all(|text| text.len() == 64)
    );
}

#[test]
fn removals_are_written_apart_and_read_back() {
    let spent = Ledger::default().spend(10, at(5), at(5));
    let written = only_ledger(spent);
    let text = serde_json::to_value(&written).unwrap();
    assert_eq!(
        text.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["orphans"],
        "no other field is another manager's"
    );
    assert!(text["orphans"].get("found").is_none());
    let whole = with_ledger(first(), spent);
    assert_eq!(ledger(Some(&whole)), spent);
    assert_eq!(without_ledger(&whole), first());
    let next = conclude_account(Some(&whole), Some(1), good(), at(600));
    assert_eq!(next, whole, "a report keeps what was written down");
    assert_eq!(ledger(None), Ledger::default());
}

#[test]
fn a_removal_is_written_down_no_earlier_than_it_was() {
    let between = Timestamp::from_millisecond(at(5).as_millisecond() + 1).unwrap();
    assert_eq!(ledger(Some(&only_ledger(Ledger::default().spend(1, between, between)))).last, Some(at(6)));
}

#[test]
fn identities_are_counted_by_what_their_status_says() {
    let read = |status: serde_json::Value| -> MachineIdentity {
        let mut object = serde_json::to_value(crate::plan::sample::identity()).unwrap();
        object["status"] = status;
        serde_json::from_value(object).unwrap()
    };
    let ready = |status: &str, drift: i32| {
        let condition = serde_json::json!({"type": "Ready", "status": status, "reason": "R", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        read(serde_json::json!({"conditions": [condition], "driftCount": drift}))
    };
    let identities = [ready("True", 0), ready("True", 2), ready("False", 1), crate::plan::sample::identity()];
    assert_eq!(tally(&identities), IdentityCounts { total: 4, ready: 2, not_ready: 2, drifted: 2 });
    assert_eq!(tally::<MachineIdentity>(&[]), IdentityCounts::default());
}
