use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::plan::sample;

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

fn target(format: SecretFormat, profile: Option<&str>) -> SecretTarget {
    SecretTarget { holds: Holds::Session, name: "orders-aws".to_owned(), format, profile: profile.map(str::to_owned) }
}

fn environment() -> SecretTarget {
    target(SecretFormat::Environment, None)
}

/// Credentials that were issued now, and by the cloud's word live so many minutes.
fn lasting(uid: &str, minutes: i64, asked: u64) -> Issued {
    let asked = SessionSeconds::new(asked).unwrap();
    Issued::new(environment(), uid, noon(), (after(minutes), asked), None)
}

/// After how many minutes such credentials are renewed.
fn renewed_after(issued: &Issued) -> f64 {
    issued.next.duration_since(issued.at).as_secs_f64() / 60.0
}

fn said(verdict: &Verdict) -> (&'static str, String, &str) {
    (verdict.status(), verdict.reason.name(), &verdict.message)
}

#[test]
fn credentials_are_renewed_at_two_thirds_of_their_life_and_up_to_a_tenth_sooner() {
    for (minutes, seconds) in [(60, 3600), (12 * 60, 43_200)] {
        let latest = f64::from(i32::try_from(minutes).unwrap()) * 2.0 / 3.0;
        let pauses: Vec<f64> =
            (0..500).map(|uid| renewed_after(&lasting(&format!("uid-{uid}"), minutes, seconds))).collect();
        // Status keeps whole seconds.
        assert!(pauses.iter().all(|pause| (latest * 0.9 - 0.02..=latest).contains(pause)), "{minutes}");
        let (least, most) = pauses.iter().fold((f64::MAX, 0.0_f64), |(a, b), pause| (a.min(*pause), b.max(*pause)));
        assert!(most - least > latest * 0.09, "they are spread: {least} to {most}");
    }
    assert_eq!(lasting("uid-1", 60, 3600), lasting("uid-1", 60, 3600), "and the same for the same identity");
    let later = Issued::new(environment(), "uid-1", after(1), (after(61), SessionSeconds::MIN), None);
    assert_ne!(renewed_after(&later).to_bits(), renewed_after(&lasting("uid-1", 60, 3600)).to_bits());
}

/// STS gives at least a quarter of an hour, whatever was asked for.
#[test]
fn a_short_life_keeps_a_reserve_where_it_can() {
    for (minutes, latest) in [(15, 10.0), (12, 7.0), (10, 5.0)] {
        let pause = renewed_after(&lasting("uid-1", minutes, 3600));
        assert!((5.0..=latest).contains(&pause), "{minutes}: {pause}");
    }
    let short = lasting("uid-1", 3, 3600);
    assert_eq!(short.next, after(5), "never more often than every five minutes");
    assert!(short.is_overdue(after(3)) && !short.is_overdue(after(2)));
}

#[test]
fn clocks_that_differ_lead_to_no_storm_and_no_gap() {
    // The cloud's clock is far ahead: its word on the end is no reason to wait longer than was asked for.
    assert!(renewed_after(&lasting("uid-1", 600, 3600)) <= 40.0);
    // It is far behind: what it says has run out already is renewed now and then, not all the time.
    let past = lasting("uid-1", -30, 3600);
    assert_eq!(past.next, after(5));
    let (status, reason, message) =
        (past.verdict(noon()).status(), past.verdict(noon()).reason, past.verdict(noon()).message);
    assert_eq!((status, reason), ("False", Reason::Overdue));
    assert!(message.starts_with("the credentials in Secret 'orders-aws' ran out at 2026-11-22T11:30:00Z"), "{message}");
    // Ambit's own clock is set back by a day: nobody waits a day.
    let issued = lasting("uid-1", 60, 3600);
    assert!(!issued.is_due(after(0)) && !issued.is_due(after(-5)) && issued.is_due(after(-6)));
    assert!(issued.is_due(issued.next) && !issued.is_due(after(30)));
}

#[test]
fn what_is_said_follows_their_life() {
    let issued = Issued { next: after(40), ..lasting("uid-1", 60, 3600) };
    assert_eq!(issued.overdue_from(), after(45));
    let fresh = "the credentials in Secret 'orders-aws' are good until 2026-11-22T13:00:00Z and are renewed at 2026-11-22T12:40:00Z";
    for minutes in [0, 39, 44] {
        assert_eq!(said(&issued.verdict(after(minutes))), ("True", "Fresh".into(), fresh), "{minutes}");
    }
    let overdue =
        "the credentials in Secret 'orders-aws' run out at 2026-11-22T13:00:00Z and have not been renewed yet";
    assert_eq!(said(&issued.verdict(after(45))), ("False", "Overdue".into(), overdue));
    let why = Verdict::working(Reason::Propagating, "the cloud says no");
    let failing = "the credentials in Secret 'orders-aws' are good until 2026-11-22T13:00:00Z; they could not be looked after, and it is tried again: the cloud says no";
    assert_eq!(said(&issued.failing(&why, after(44))), ("True", "Rotating".into(), failing));
    let (before, since) = (
        "the credentials in Secret 'orders-aws' run out at 2026-11-22T13:00:00Z and cannot be renewed: the cloud says no",
        "the credentials in Secret 'orders-aws' ran out at 2026-11-22T13:00:00Z and cannot be renewed: the cloud says no",
    );
    assert_eq!(said(&issued.failing(&why, after(45))), ("False", "Overdue".into(), before));
    assert_eq!(said(&issued.failing(&why, after(60))), ("False", "Overdue".into(), since));
    assert_eq!(issued.failing(&why, after(45)).standing, Standing::Retrying);
    let terminal = Verdict::terminal(Reason::ClusterRefused, "no right");
    assert_eq!(issued.failing(&terminal, after(45)).standing, Standing::Terminal);
    let observed = |minutes| issued.observed(after(minutes));
    assert_eq!((observed(59).reason, observed(59).status()), (Reason::Observing, "True"));
    assert_eq!((observed(60).reason, observed(60).standing), (Reason::Overdue, Standing::Terminal));
    let waits = "it waits; until then the credentials in Secret 'orders-aws' are not renewed, and run out at 2026-11-22T13:00:00Z";
    assert_eq!(said(&issued.unattended("it waits")), ("Unknown", "Pending".into(), waits));
}

#[test]
fn status_tells_all_of_it_and_is_read_back() {
    for target in [environment(), target(SecretFormat::SharedCredentialsFile, Some("orders"))] {
        let issued = Issued { target, previous: Some("old".to_owned()), ..lasting("uid-1", 60, 3600) };
        assert_eq!(Issued::read(&issued.status()), Some(issued.clone()));
        let stored: CredentialsStatus = serde_json::from_value(json!(issued.status())).unwrap();
        assert_eq!(stored, issued.status(), "the API server keeps whole seconds");
    }
    let only_named = CredentialsStatus { secret_name: "orders-aws".to_owned(), ..CredentialsStatus::default() };
    assert_eq!(Issued::read(&only_named), None);
}

#[test]
fn a_secret_is_asked_for_in_one_of_two_forms() {
    let asked = |credentials| {
        let mut identity = sample::identity();
        identity.spec.credentials = serde_json::from_value(credentials).unwrap();
        (SecretTarget::of(&identity.spec), credential_type(&identity.spec))
    };
    let secret = |target| (Some(target), CredentialType::SessionSecret);
    assert_eq!(asked(json!(null)), (None, CredentialType::Federation));
    assert_eq!(asked(json!({"federation": {}})), (None, CredentialType::Federation));
    assert_eq!(asked(json!({"sessionSecret": {"secretName": "orders-aws"}})), secret(environment()));
    let file = |profile| json!({"sessionSecret": {"secretName": "orders-aws", "format": "SharedCredentialsFile", "profile": profile}});
    assert_eq!(asked(file(Some("default"))), secret(target(SecretFormat::SharedCredentialsFile, None)));
    assert_eq!(asked(file(None)), secret(target(SecretFormat::SharedCredentialsFile, None)));
    assert_eq!(asked(file(Some("orders"))), secret(target(SecretFormat::SharedCredentialsFile, Some("orders"))));
}

#[test]
fn each_form_stands_alone_in_its_secret() {
    let part = |text: &str| text.to_owned();
    let credentials = Credentials::new(part("ASIAX"), part("key/+="), part("token=="), noon());
    let written = |target: &SecretTarget| {
        let data = target.data(&credentials);
        assert_eq!(data.expose().keys().copied().collect::<Vec<_>>(), target.keys());
        assert!(data.absent().iter().all(|key| !target.keys().contains(key)));
        (data.expose().clone(), data.absent().to_vec())
    };
    let (values, absent) = written(&environment());
    let expected =
        [("AWS_ACCESS_KEY_ID", "ASIAX"), ("AWS_SECRET_ACCESS_KEY", "key/+="), ("AWS_SESSION_TOKEN", "token==")];
    assert_eq!(values, expected.map(|(key, value)| (key, value.to_owned())).into());
    assert_eq!(absent, ["credentials"]);
    for (profile, heading) in [(None, "[default]"), (Some("orders"), "[orders]")] {
        let (values, absent) = written(&target(SecretFormat::SharedCredentialsFile, profile));
        let file = format!(
            "{heading}\naws_access_key_id = ASIAX\naws_secret_access_key = key/+=\naws_session_token = token==\n"
        );
        assert_eq!(values, BTreeMap::from([("credentials", file)]));
        assert_eq!(absent, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
    }
}

/// A Secret with this label, owned by these identities, in which Ambit's values stand.
fn seen(label: Option<&str>, owners: &[&str], own_keys: &[&str]) -> SecretSeen {
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    SecretSeen {
        version: SecretVersion { uid: "uid-of-secret".to_owned(), resource_version: "7".to_owned() },
        credentials_of: label.map(str::to_owned),
        owners: all(owners),
        own_keys: all(own_keys),
        annotations: BTreeMap::new(),
        key_written: None,
        deleting: false,
    }
}

#[test]
fn a_secret_is_ours_by_label_and_owner_together() {
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let judged = |found: Option<SecretSeen>| place("orders-aws", &keys, found.as_ref(), &sample::key(), "uid-1");
    let ours = |is_whole| Place::Ours(seen(None, &[], &[]).version, is_whole);
    assert_eq!(judged(None), Place::Free);
    assert_eq!(judged(Some(seen(Some("orders"), &["uid-1"], &keys))), ours(true));
    assert_eq!(judged(Some(seen(Some("orders"), &["uid-1", "uid-2"], &keys))), ours(true));
    assert_eq!(judged(Some(seen(Some("orders"), &["uid-1"], &keys[..1]))), ours(false), "a value was changed by hand");
    let leaving = SecretSeen { deleting: true, ..seen(Some("orders"), &["uid-1"], &keys) };
    assert_eq!(judged(Some(leaving)), Place::Leaving);
    let fix = "so it is left as it is: name another one in `spec.credentials.sessionSecret.secretName`, or delete it";
    for (found, whose) in [
        (seen(None, &[], &[]), "was not made by Ambit"),
        (seen(None, &["uid-1"], &keys), "was not made by Ambit"),
        (seen(Some("orders"), &[], &keys), "was made for an earlier MachineIdentity of this name"),
        (seen(Some("orders"), &["uid-0"], &keys), "was made for an earlier MachineIdentity of this name"),
        (seen(Some("mailer"), &["uid-2"], &keys), "holds the credentials of MachineIdentity 'mailer'"),
        (seen(Some("mailer"), &["uid-1"], &keys), "holds the credentials of MachineIdentity 'mailer'"),
    ] {
        let words = format!("Secret 'orders-aws' is there already and {whose}, {fix}");
        assert_eq!(judged(Some(found)), Place::Taken(words));
    }
}
