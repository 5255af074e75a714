use super::*;
use crate::plan::drift::{DriftClass, Part};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn good() -> Findings {
    Findings {
        accepted: Verdict::good(Reason::Accepted, "accepted"),
        provisioned: Verdict::good(Reason::Provisioned, "provisioned"),
        bound: Verdict::good(Reason::Bound, "bound"),
        in_sync: Verdict::good(Reason::InSync, "in sync"),
        credentials: Verdict::good(Reason::Federated, "federated"),
        proof: Verdict::good(Reason::Verified, "verified"),
        aws: None,
        delivery: None,
        issued: None,
        drift: Some(Vec::new()),
        contest: None,
        suspension: None,
        handled: None,
        summary: Some("can do little".into()),
        scopes: 2,
    }
}

fn first(findings: Findings) -> MachineIdentityStatus {
    conclude(None, Some(1), findings, at(0))
}

fn ready_of(status: &MachineIdentityStatus) -> (String, String) {
    let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
    (ready.status.clone(), ready.reason.clone())
}

fn types(status: &MachineIdentityStatus) -> Vec<&str> {
    status.conditions.iter().map(|condition| condition.type_.as_str()).collect()
}

fn difference(class: DriftClass, summary: &str) -> Difference {
    Difference::new(Part::Attachment, class, summary)
}

const SIX: [&str; 6] = ["Ready", "Accepted", "Provisioned", "Bound", "InSync", "CredentialsFresh"];

#[test]
fn all_good_is_ready_with_the_proof() {
    let status = first(good());
    assert_eq!(ready_of(&status), ("True".into(), "Verified".into()));
    assert_eq!(types(&status), SIX);
    assert_eq!((status.observed_generation, status.scope_count, status.drift_count), (Some(1), Some(2), Some(0)));
    assert_eq!(status.last_verified_time, Some(Time(at(0))));
    assert!(settled(Some(&status), Some(1)));
    assert!(!settled(Some(&status), Some(2)));
    assert!(!settled(None, Some(1)));
}

#[test]
fn equal_findings_give_an_equal_status_whatever_the_time() {
    let before = first(good());
    assert_eq!(conclude(Some(&before), Some(1), good(), at(100)), before);
    let waiting = first(Findings::waiting("begun"));
    assert_eq!(conclude(Some(&waiting), Some(1), Findings::waiting("begun"), at(100)), waiting);
}

#[test]
fn each_standing_reads_as_the_table_has_it() {
    let verdict = |standing| Verdict::new(Reason::Throttled, standing, "why");
    let cases = [
        (Standing::Working, "Unknown", Some("Reconciling")),
        (Standing::Retrying, "False", Some("Reconciling")),
        (Standing::Terminal, "False", Some("Stalled")),
        (Standing::Good, "True", None),
        (Standing::Tolerated, "True", None),
    ];
    for (standing, expected, beside) in cases {
        let status = first(Findings { provisioned: verdict(standing), ..good() });
        assert_eq!(ready_of(&status).0, expected, "{standing:?}");
        assert_eq!(types(&status), SIX.into_iter().chain(beside).collect::<Vec<_>>());
        if let Some(beside) = status.conditions.get(6) {
            assert_eq!(
                (beside.status.as_str(), beside.reason.as_str(), beside.message.as_str()),
                ("True", "Throttled", "why")
            );
        }
    }
    let paused = Verdict::new(Reason::Paused, Standing::Suspended, "paused");
    let status = first(Findings { proof: paused, ..good() });
    assert_eq!((ready_of(&status), types(&status)), (("Unknown".into(), "Paused".into()), SIX.into()));
}

/// What waits for a person is not hidden behind what goes on by itself, nor
/// anything behind "pending".
#[test]
fn ready_tells_the_worst() {
    let reason = |findings: Findings| ready_of(&first(findings)).1;
    let terminal = Verdict::terminal(Reason::Conflict, "conflict");
    let retrying = Verdict::retrying(Reason::Throttled, "throttled");
    let propagating = Verdict::working(Reason::Propagating, "propagating");
    let pending = || Findings { accepted: good().accepted, ..Findings::waiting("begun") };
    assert_eq!(reason(Findings { in_sync: terminal.clone(), provisioned: retrying.clone(), ..pending() }), "Conflict");
    assert_eq!(reason(Findings { in_sync: retrying.clone(), ..pending() }), "Throttled");
    assert_eq!(reason(Findings { proof: retrying, ..pending() }), "Throttled");
    assert_eq!(reason(Findings { proof: propagating.clone(), ..pending() }), "Propagating");
    assert_eq!(reason(Findings { proof: propagating, in_sync: terminal, ..good() }), "Conflict");
    assert_eq!(reason(pending()), "Pending");
}

#[test]
fn transition_times_move_only_when_a_status_flips() {
    let before = first(good());
    let throttled = Findings { provisioned: Verdict::retrying(Reason::Throttled, "why"), ..good() };
    let after = conclude(Some(&before), Some(2), throttled, at(60));
    for condition in &after.conditions {
        let flipped = ["Ready", "Provisioned", "Reconciling"].contains(&condition.type_.as_str());
        let expected = if flipped { at(60) } else { at(0) };
        assert_eq!(condition.last_transition_time, Time(expected), "{}", condition.type_);
        assert_eq!(condition.observed_generation, Some(2), "{}", condition.type_);
    }
    assert_eq!(after.last_verified_time, before.last_verified_time, "it was not verified again");
}

#[test]
fn fractions_of_seconds_are_left_out() {
    let odd = Timestamp::from_millisecond(1_700_000_000_999).unwrap();
    let status = conclude(None, Some(1), good(), odd);
    assert_eq!(status.last_verified_time, Some(Time(at(0))));
}

#[test]
fn drift_has_a_class_a_beginning_and_a_bound() {
    let many: Vec<Difference> =
        (0..25).map(|number| difference(DriftClass::Changed, &format!("part {number}"))).collect();
    let with = |drift| Findings { drift: Some(drift), ..good() };
    let status = first(with(many));
    let drift = status.drift.clone().unwrap();
    assert_eq!((status.drift_count, drift.items.len(), drift.truncated), (Some(25), 20, true));
    let worse = vec![difference(DriftClass::Changed, "a"), difference(DriftClass::Foreign, "b")];
    let later = conclude(Some(&status), Some(1), with(worse), at(60)).drift.unwrap();
    assert_eq!((later.class.as_str(), later.since, later.truncated), ("Foreign", Time(at(0)), false));
    let long = first(with(vec![difference(DriftClass::Missing, &"ä".repeat(1200))]));
    let cut = &long.drift.unwrap().items[0].summary;
    assert_eq!((cut.chars().count(), cut.chars().last()), (1024, Some('…')));
}

fn tolerated() -> Verdict {
    Verdict::tolerated(Reason::ScopeDenied, "it no longer fits")
}

/// What no longer fits and is let be is usable, and both can be seen.
#[test]
fn what_is_tolerated_is_ready_and_says_so() {
    let status = first(Findings { accepted: tolerated(), ..good() });
    assert_eq!(types(&status), SIX);
    assert_eq!(ready_of(&status), ("True".into(), "ScopeDenied".into()));
    assert_eq!(status.conditions[0].message, "it no longer fits");
    let accepted = &status.conditions[1];
    assert_eq!((accepted.status.as_str(), accepted.reason.as_str()), ("False", "ScopeDenied"));
    assert!(settled(Some(&status), Some(1)));
    let throttled = Verdict::retrying(Reason::Throttled, "why");
    let status = first(Findings { accepted: tolerated(), provisioned: throttled, ..good() });
    assert_eq!(ready_of(&status), ("False".into(), "Throttled".into()), "other trouble counts as ever");
}

#[test]
fn revoked_access_matters_more_than_why() {
    let revoked = Verdict::terminal(Reason::Revoked, "denied");
    let refused = Verdict::terminal(Reason::ScopeDenied, "why");
    let status = first(Findings { accepted: refused, provisioned: revoked, ..Findings::waiting("begun") });
    assert_eq!(ready_of(&status), ("False".into(), "Revoked".into()));
    assert_eq!(types(&status), SIX.into_iter().chain(["Stalled"]).collect::<Vec<_>>());
}

#[test]
fn judging_anew_changes_nothing_else() {
    let before = first(good());
    let proof = Verdict::good(Reason::Verified, "verified");
    let federated = good().credentials;
    let rejudged = |status: &_, accepted: &_, proof: &_, now| super::rejudged(status, accepted, proof, &federated, now);
    let warned = rejudged(&before, &tolerated(), &proof, at(60));
    let whole = conclude(Some(&before), Some(1), Findings { accepted: tolerated(), ..good() }, at(60));
    assert_eq!(warned.conditions, whole.conditions);
    assert_eq!(MachineIdentityStatus { conditions: before.conditions.clone(), ..warned.clone() }, before);
    assert_eq!(warned.conditions[0].last_transition_time, Time(at(0)), "Ready stayed True");
    assert_eq!(warned.conditions[1].last_transition_time, Time(at(60)));
    assert_eq!(rejudged(&warned, &tolerated(), &proof, at(90)), warned);
    let back = rejudged(&warned, &good().accepted, &proof, at(120));
    assert_eq!(ready_of(&back), ("True".into(), "Verified".into()));
    assert_eq!(rejudged(&before, &good().accepted, &proof, at(60)), before);
}

#[test]
fn credentials_are_written_down_before_anything_else_is_concluded() {
    let issued = CredentialsStatus { secret_name: "orders-aws".into(), ..CredentialsStatus::default() };
    let before = first(Findings { provisioned: Verdict::retrying(Reason::Throttled, "why"), ..good() });
    let after = credentialed(&before, issued.clone(), &Verdict::good(Reason::Fresh, "fresh"), at(60));
    assert_eq!(after.credentials, Some(issued.clone()));
    assert_eq!(ready_of(&after), ("False".into(), "Throttled".into()));
    assert_eq!(after.conditions[5].reason, "Fresh");
    assert_eq!(after.conditions[..5], before.conditions[..5]);
    let concluded = conclude(Some(&after), Some(1), Findings { issued: Some(issued), ..good() }, at(90));
    assert_eq!(concluded.credentials, after.credentials);
}

#[test]
fn overdue_credentials_hold_ready_back_and_rotating_ones_do_not() {
    let with = |credentials| first(Findings { credentials, ..good() });
    let rotating = with(Verdict::good(Reason::Rotating, "tried again"));
    assert_eq!((ready_of(&rotating), types(&rotating)), (("True".into(), "Verified".into()), SIX.into()));
    let overdue = with(Verdict::retrying(Reason::Overdue, "why"));
    assert_eq!(ready_of(&overdue), ("False".into(), "Overdue".into()));
    assert_eq!(types(&overdue).last(), Some(&"Reconciling"));
    let taken = with(Verdict::terminal(Reason::SecretTaken, "why"));
    assert_eq!(ready_of(&taken), ("False".into(), "SecretTaken".into()));
    assert_eq!(types(&taken).last(), Some(&"Stalled"));
}

#[test]
fn a_look_that_compared_nothing_leaves_what_was_told() {
    let found = vec![difference(DriftClass::Changed, "a"), difference(DriftClass::Foreign, "b")];
    let told = first(Findings { drift: Some(found), ..good() });
    let unreachable = Verdict::retrying(Reason::CloudUnreachable, "why");
    let blind = Findings { drift: None, provisioned: unreachable, ..good() };
    let later = conclude(Some(&told), Some(1), blind.clone(), at(60));
    assert_eq!((later.drift_count, &later.drift), (Some(2), &told.drift));
    let never = conclude(None, Some(1), blind, at(60));
    assert_eq!((never.drift_count, never.drift), (Some(0), None));
    let mended = conclude(Some(&told), Some(1), good(), at(60));
    assert_eq!((mended.drift_count, mended.drift), (Some(0), None));
}
