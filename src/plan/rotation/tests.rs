use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::domain::{AccessKey, LastUse};
use crate::names::AccessKeyId;

pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;
const A: &str = "AKIAAAAAAAAAAAAAAAAA";
const B: &str = "AKIABBBBBBBBBBBBBBBB";
const C: &str = "AKIACCCCCCCCCCCCCCCC";

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn id(text: &str) -> AccessKeyId {
    AccessKeyId::parse(text).unwrap()
}

pub fn key(text: &str, created: i64) -> AccessKey {
    AccessKey { id: id(text), active: true, created: at(created) }
}

pub fn record(text: &str, created: i64) -> KeyRecord {
    KeyRecord { id: id(text), created: at(created), published: Some(at(created)) }
}

pub fn consumer(pod: &str) -> Consumer {
    let container = Some("app".to_owned());
    Consumer { pod: pod.to_owned(), container, how: How::Env, made: Some(at(-60)), started: Some(at(-60)) }
}

/// Three months, and a day.
pub fn policy() -> Policy {
    let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
    Policy { rotate_every: seconds(90 * DAY), overlap: seconds(DAY), request: None }
}

fn asked(value: &str, revoke_old: bool) -> Policy {
    Policy { request: Some(Request { value: value.to_owned(), revoke_old }), ..policy() }
}

/// A Secret with this key, published when it was made, and nobody who uses it.
pub fn seen(published: &str, keys: &[AccessKey]) -> Seen {
    let time = keys.iter().find(|key| key.id.as_str() == published).map(|key| key.created);
    Seen {
        secret: SecretSeen::Ours {
            published: Some(Published { id: id(published), time: time.or(Some(at(0))) }),
            superseded: None,
        },
        keys: keys.to_vec(),
        last_use: keys.iter().map(|key| (key.id.clone(), LastUse::Never)).collect(),
        consumers: Some(Vec::new()),
        watched: Duration::MAX,
        confirmed_missing: false,
    }
}

/// The same with another key, which the Secret had before.
pub fn with_two(new: &str, made: i64, old: &str, before: i64) -> Seen {
    let mut seen = seen(new, &[key(old, before), key(new, made)]);
    let published = seen.secret.published().cloned();
    seen.secret = SecretSeen::Ours { published, superseded: Some(id(old)) };
    seen
}

fn nothing(keys: &[AccessKey]) -> Seen {
    Seen { secret: SecretSeen::Absent, last_use: BTreeMap::new(), ..seen(A, keys) }
}

fn step(state: &Rotation, seen: &Seen, policy: &Policy, second: i64) -> Move {
    next(state, seen, policy, at(second), Jitter::NONE)
}

/// One key, published at second 0.
fn stable() -> Rotation {
    Rotation {
        since: Some(at(0)),
        current: Some(record(A, 0)),
        next_rotation: Some(at(90 * DAY)),
        ..Rotation::default()
    }
}

/// A second one, made and published after a hundred seconds.
fn rotating(phase: Phase, since: i64) -> Rotation {
    Rotation {
        phase,
        since: Some(at(since)),
        current: Some(record(B, 100)),
        previous: Some(record(A, 0)),
        next_rotation: Some(at(100 + 90 * DAY)),
        ..Rotation::default()
    }
}

fn two() -> Seen {
    with_two(B, 100, A, 0)
}

fn state_of(step: Move) -> Rotation {
    match step {
        Move::RecordState(state) | Move::WriteIntent(state, _) => state,
        other => panic!("{other:?}"),
    }
}

/// From the first key over a whole rotation, each step by name.
#[test]
fn a_rotation_goes_its_way() {
    let fresh = Rotation::default();
    let creating = Rotation { phase: Phase::Creating, since: Some(at(0)), ..fresh.clone() };
    assert_eq!(step(&fresh, &nothing(&[]), &policy(), 0), Move::WriteIntent(creating.clone(), Cause::First));
    assert_eq!(step(&creating, &nothing(&[]), &policy(), 0), Move::CreateKey);
    let one = seen(A, &[key(A, 0)]);
    assert_eq!(step(&creating, &one, &policy(), 0), Move::RecordState(stable()));
    assert_eq!(step(&stable(), &one, &policy(), 5), Move::Wait(at(90 * DAY), Waiting::NotDue));

    let day = 90 * DAY;
    let begun = Rotation { phase: Phase::Creating, since: Some(at(day)), ..stable() };
    assert_eq!(step(&stable(), &one, &policy(), day), Move::WriteIntent(begun.clone(), Cause::Due));
    assert_eq!(step(&begun, &one, &policy(), day), Move::CreateKey);
    assert_eq!(publication(&one, &id(B)), Publication { id: id(B), superseded: Some(id(A)) });

    let both = with_two(B, day, A, 0);
    let published = state_of(step(&begun, &both, &policy(), day + 5));
    let expected = Rotation {
        current: Some(record(B, day)),
        next_rotation: Some(at(day + 90 * DAY)),
        ..rotating(Phase::Published, day + 5)
    };
    assert_eq!(published, expected);
    let over = day + 5 + DAY;
    assert_eq!(step(&published, &both, &policy(), over - 1), Move::Wait(at(over), Waiting::Overlap(Vec::new())));
    let confirming = state_of(step(&published, &both, &policy(), over));
    assert_eq!((confirming.phase, confirming.since), (Phase::Confirming, Some(at(over))));
    let retiring = state_of(step(&confirming, &both, &policy(), over));
    assert_eq!(retiring.phase, Phase::Retiring);
    assert_eq!(step(&retiring, &both, &policy(), over), Move::Deactivate(id(A)));

    let mut inactive = both.clone();
    inactive.keys[0].active = false;
    let waits = state_of(step(&retiring, &inactive, &policy(), over));
    assert_eq!(waits, Rotation { deactivated: Some(at(over)), ..retiring });
    assert_eq!(step(&waits, &inactive, &policy(), over), Move::Wait(at(over + DAY), Waiting::Grace));
    assert_eq!(step(&waits, &inactive, &policy(), over + DAY), Move::DeleteKey(id(A)));

    let alone = seen(B, &[key(B, day)]);
    let done = state_of(step(&waits, &alone, &policy(), over + DAY));
    assert_eq!((done.phase, &done.previous, done.deactivated), (Phase::Stable, &None, None));
    let again = step(&done, &alone, &policy(), over + DAY);
    assert_eq!(again, Move::Wait(at(day + 90 * DAY), Waiting::NotDue));
}

#[test]
fn what_is_not_ours_is_refused() {
    let mut foreign = two();
    foreign.secret = SecretSeen::Foreign("why".into());
    for phase in [Phase::Stable, Phase::Creating, Phase::Published, Phase::Confirming, Phase::Retiring] {
        let state = Rotation { revoke_old: true, ..rotating(phase, 100) };
        assert_eq!(step(&state, &foreign, &asked("1", true), DAY), Move::Refuse("why".into()), "{phase:?}");
    }
}

/// Whoever published it may have ended before it was written down; in whatever phase
/// status stands, the Secret is right.
#[test]
fn what_is_published_is_recorded_first() {
    for phase in [Phase::Stable, Phase::Creating, Phase::Published, Phase::Confirming, Phase::Retiring] {
        let before = Rotation { phase, ..stable() };
        let after = state_of(step(&before, &two(), &asked("1", true), 200));
        assert_eq!(after, rotating(Phase::Published, 200), "{phase:?}");
    }
    // Status was lost: what the other key is, nobody knows.
    let after = state_of(step(&Rotation::default(), &two(), &policy(), 200));
    let previous = Some(KeyRecord { published: None, ..record(A, 0) });
    assert_eq!(after, Rotation { previous, ..rotating(Phase::Published, 200) });
    // The other key is younger, so it never was in the Secret: no old key.
    let younger = seen(A, &[key(A, 0), key(B, 1)]);
    let after = state_of(step(&Rotation::default(), &younger, &policy(), 200));
    assert_eq!((after.phase, after.previous), (Phase::Stable, None));
}

/// Its secret was in a reply that was lost, or in a process that ended.
#[test]
fn a_key_that_was_never_published_goes_and_makes_room() {
    let creating = Rotation { phase: Phase::Creating, ..stable() };
    for state in [creating, stable()] {
        let mut lost = seen(A, &[key(A, 0), key(B, 1)]);
        assert_eq!(step(&state, &lost, &policy(), 5), Move::Supersede(id(B)));
        lost.secret = SecretSeen::Ours { published: lost.secret.published().cloned(), superseded: Some(id(B)) };
        assert_eq!(step(&state, &lost, &policy(), 5), Move::Deactivate(id(B)));
        lost.keys[1].active = false;
        assert_eq!(step(&state, &lost, &policy(), 5), Move::DeleteKey(id(B)));
    }
    // Before there is a Secret, the second key makes one; only two lost keys leave no room.
    let first = Rotation { phase: Phase::Creating, ..Rotation::default() };
    let one = nothing(&[key(A, 0)]);
    assert_eq!(step(&first, &one, &policy(), 5), Move::CreateKey);
    assert_eq!(publication(&one, &id(B)), Publication { id: id(B), superseded: Some(id(A)) });
    assert_eq!(step(&first, &nothing(&[key(A, 0), key(B, 1)]), &policy(), 5), Move::Supersede(id(A)));
}

/// It may have been published in the same second, or before.
#[test]
fn a_key_that_may_have_been_published_goes_as_an_old_one() {
    let same_second = seen(A, &[key(A, 0), key(B, 0)]);
    let after = state_of(step(&stable(), &same_second, &policy(), 5));
    let previous = Some(KeyRecord { published: None, ..record(B, 0) });
    assert_eq!(after, Rotation { phase: Phase::Published, since: Some(at(5)), previous, ..stable() });
    // While a key is made, it is not given away for the room it takes.
    let creating = Rotation { phase: Phase::Creating, ..stable() };
    let mut held = same_second;
    held.consumers = Some(vec![consumer("orders-0")]);
    assert!(matches!(step(&creating, &held, &policy(), 5), Move::Wait(_, Waiting::Overlap(_))));
    assert!(matches!(step(&creating, &held, &policy(), 2 * DAY), Move::Wait(_, Waiting::HeldBy(_))));
    held.consumers = Some(Vec::new());
    assert_eq!(step(&creating, &held, &policy(), 2 * DAY), Move::Supersede(id(B)));
}

/// After the overlap, each thing that hinders the old key from going.
#[test]
fn the_old_key_stays_while_anything_speaks_for_it() {
    let state = rotating(Phase::Confirming, 200);
    let now = 2 * DAY;
    let again = at(now + 300);
    let waits = |change: &dyn Fn(&mut Seen)| {
        let mut seen = two();
        change(&mut seen);
        step(&state, &seen, &policy(), now)
    };
    assert_eq!(state_of(waits(&|_| ())).phase, Phase::Retiring);
    let held = Consumer { started: Some(at(100)), ..consumer("orders-0") };
    assert_eq!(
        waits(&|seen| seen.consumers = Some(vec![held.clone()])),
        Move::Wait(again, Waiting::HeldBy(vec![held.clone()]))
    );
    let restarted = Consumer { started: Some(at(101)), ..held.clone() };
    assert_eq!(state_of(waits(&|seen| seen.consumers = Some(vec![restarted.clone()]))).phase, Phase::Retiring);
    assert_eq!(waits(&|seen| seen.consumers = None), Move::Wait(again, Waiting::ConsumersUnknown));
    assert_eq!(waits(&|seen| seen.last_use.clear()), Move::Wait(again, Waiting::UseUnknown));
    let used = |second: i64| waits(&|seen| seen.last_use = BTreeMap::from([(id(A), LastUse::At(at(second)))]));
    assert_eq!(used(DAY + 1), Move::Wait(at(2 * DAY + 1), Waiting::UsedAt(at(DAY + 1))));
    assert_eq!(state_of(used(DAY)).phase, Phase::Retiring);
}

#[test]
fn files_count_as_read_again_after_three_minutes() {
    let short = Policy { overlap: Duration::from_secs(10), ..policy() };
    let state = rotating(Phase::Confirming, 110);
    let mut seen = two();
    let reader = Consumer { how: How::Files, ..consumer("orders-0") };
    seen.consumers = Some(vec![reader.clone()]);
    let waits = Move::Wait(at(280), Waiting::Rereading(vec![reader.clone()]));
    assert_eq!(step(&state, &seen, &short, 279), waits);
    assert_eq!(state_of(step(&state, &seen, &short, 280)).phase, Phase::Retiring);
    // A clock that was set forward does not make it three minutes.
    seen.watched = Duration::from_secs(100);
    let waits = Move::Wait(at(DAY + 80), Waiting::Rereading(vec![reader]));
    assert_eq!(step(&state, &seen, &short, DAY), waits);
}

#[test]
fn a_clock_that_is_set_does_not_shorten_the_overlap() {
    let mut seen = two();
    let state = rotating(Phase::Published, 100);
    // Forward: an hour of it is measured.
    seen.watched = Duration::from_mins(10);
    let waits = Move::Wait(at(30 * DAY + 3000), Waiting::Overlap(Vec::new()));
    assert_eq!(step(&state, &seen, &policy(), 30 * DAY), waits);
    seen.watched = Duration::from_hours(1);
    assert_eq!(state_of(step(&state, &seen, &policy(), 30 * DAY)).phase, Phase::Confirming);
    // Back: it begins anew.
    let ahead = rotating(Phase::Published, 30 * DAY);
    assert_eq!(state_of(step(&ahead, &seen, &policy(), 200)), rotating(Phase::Published, 200));
    let ahead = Rotation { deactivated: Some(at(30 * DAY)), ..rotating(Phase::Retiring, 100) };
    let healed = Rotation { deactivated: Some(at(200)), ..rotating(Phase::Retiring, 100) };
    assert_eq!(state_of(step(&ahead, &seen, &policy(), 200)), healed);
    // The clocks of two leaders may differ a little, and then neither writes.
    let near = rotating(Phase::Published, 230);
    assert_eq!(step(&near, &seen, &policy(), 200), Move::Wait(at(230 + DAY), Waiting::Overlap(Vec::new())));
}

#[test]
fn a_key_that_turns_out_to_be_in_use_is_activated_again() {
    let state = Rotation { deactivated: Some(at(2 * DAY)), ..rotating(Phase::Retiring, 2 * DAY) };
    let again = rotating(Phase::Published, 3 * DAY);
    let mut inactive = two();
    inactive.keys[0].active = false;
    // The cloud told late of a use.
    inactive.last_use.insert(id(A), LastUse::At(at(DAY + 1)));
    assert_eq!(step(&state, &inactive, &policy(), 3 * DAY), Move::Activate(id(A)));
    inactive.keys[0].active = true;
    assert_eq!(step(&state, &inactive, &policy(), 3 * DAY), Move::RecordState(again.clone()));
    // A pod that was not seen before.
    let mut held = two();
    held.keys[0].active = false;
    held.consumers = Some(vec![consumer("orders-0")]);
    assert_eq!(step(&state, &held, &policy(), 3 * DAY), Move::Activate(id(A)));
    // A person did it.
    assert_eq!(step(&state, &two(), &policy(), 3 * DAY), Move::RecordState(again));
}

/// A process that just began has measured nothing. That is no reason to go back.
#[test]
fn a_restart_does_not_bring_back_what_is_on_its_way_out() {
    let state = Rotation { deactivated: Some(at(2 * DAY)), ..rotating(Phase::Retiring, 2 * DAY) };
    let mut seen = two();
    seen.keys[0].active = false;
    seen.watched = Duration::ZERO;
    seen.consumers = Some(vec![Consumer { how: How::Files, ..consumer("orders-0") }]);
    seen.last_use.clear();
    assert_eq!(step(&state, &seen, &policy(), 2 * DAY), Move::Wait(at(3 * DAY), Waiting::Grace));
}

#[test]
fn a_request_begins_a_rotation_once() {
    let one = seen(A, &[key(A, 0)]);
    let begun = Rotation { phase: Phase::Creating, since: Some(at(5)), handled: Some("1".into()), ..stable() };
    assert_eq!(step(&stable(), &one, &asked("1", false), 5), Move::WriteIntent(begun.clone(), Cause::Requested));
    assert_eq!(step(&begun, &one, &asked("1", false), 5), Move::CreateKey);
    let handled = Rotation { handled: Some("1".into()), ..stable() };
    assert_eq!(step(&handled, &one, &asked("1", false), 5), Move::Wait(at(90 * DAY), Waiting::NotDue));
    // One that comes while a key is made is answered by that key.
    let joined = step(&Rotation { handled: None, ..begun.clone() }, &one, &asked("2", false), 5);
    assert_eq!(joined, Move::WriteIntent(Rotation { handled: Some("2".into()), ..begun }, Cause::Requested));
    // One that comes later waits until there is room.
    let waits = step(&rotating(Phase::Published, 100), &two(), &asked("3", false), 200);
    assert!(matches!(waits, Move::Wait(_, Waiting::Overlap(_))));
}

#[test]
fn in_an_emergency_the_old_key_waits_for_nobody() {
    let one = seen(A, &[key(A, 0)]);
    let emergency = asked("1", true);
    let Move::WriteIntent(begun, Cause::Emergency) = step(&stable(), &one, &emergency, 50) else { panic!() };
    assert!(begun.revoke_old);
    assert_eq!(step(&begun, &one, &emergency, 50), Move::CreateKey, "the new one comes first");
    let mut held = two();
    held.consumers = Some(vec![consumer("orders-0")]);
    held.watched = Duration::ZERO;
    held.last_use.clear();
    let published = state_of(step(&begun, &held, &emergency, 100));
    assert_eq!((published.phase, published.revoke_old), (Phase::Published, true));
    let retiring = state_of(step(&published, &held, &emergency, 100));
    assert_eq!(retiring.phase, Phase::Retiring);
    assert_eq!(step(&retiring, &held, &emergency, 100), Move::Deactivate(id(A)));
    held.keys[0].active = false;
    assert_eq!(step(&retiring, &held, &emergency, 100), Move::DeleteKey(id(A)));
    let done = state_of(step(&retiring, &seen(B, &[key(B, 100)]), &emergency, 100));
    assert_eq!((done.phase, done.revoke_old, done.handled), (Phase::Stable, false, Some("1".to_owned())));
}

/// Both keys may be in wrong hands: the old one goes, then the one after it is replaced.
#[test]
fn an_emergency_in_the_middle_of_a_rotation_ends_it_and_begins_another() {
    let emergency = asked("1", true);
    for phase in [Phase::Published, Phase::Confirming] {
        let hurried = state_of(step(&rotating(phase, 100), &two(), &emergency, 200));
        assert_eq!((hurried.phase, hurried.handled), (Phase::Retiring, None), "{phase:?}");
    }
    let waits = Rotation { deactivated: Some(at(100)), ..rotating(Phase::Retiring, 100) };
    let mut inactive = two();
    inactive.keys[0].active = false;
    assert_eq!(step(&waits, &inactive, &emergency, 200), Move::DeleteKey(id(A)));
    let alone = seen(B, &[key(B, 100)]);
    let stable = state_of(step(&waits, &alone, &emergency, 200));
    assert!(matches!(step(&stable, &alone, &emergency, 200), Move::WriteIntent(_, Cause::Emergency)));
    // While a key is made, that key is the one; the old one goes as soon as it is there.
    let creating = Rotation { phase: Phase::Creating, ..self::stable() };
    let Move::WriteIntent(urgent, Cause::Emergency) = step(&creating, &seen(A, &[key(A, 0)]), &emergency, 200) else {
        panic!()
    };
    assert!(urgent.revoke_old && urgent.phase == Phase::Creating);
}

#[test]
fn what_somebody_else_deleted_or_deactivated_is_replaced() {
    let lost = |seen: &Seen| matches!(step(&stable(), seen, &policy(), 50), Move::WriteIntent(_, Cause::Lost));
    let mut inactive = seen(A, &[key(A, 0)]);
    inactive.keys[0].active = false;
    assert!(lost(&inactive));
    assert!(lost(&nothing(&[key(A, 0)])), "the Secret is gone");
    let mut gone = seen(A, &[]);
    assert_eq!(step(&stable(), &gone, &policy(), 50), Move::Wait(at(350), Waiting::NotListed), "reads may lag");
    gone.confirmed_missing = true;
    assert!(lost(&gone));
    // In the middle of a rotation, the older key stays, and so does what is known of it.
    let mut newer_gone = seen(B, &[key(A, 0)]);
    newer_gone.confirmed_missing = true;
    let Move::WriteIntent(again, Cause::Lost) = step(&rotating(Phase::Confirming, 200), &newer_gone, &policy(), 300)
    else {
        panic!()
    };
    assert_eq!((again.phase, again.previous.clone()), (Phase::Creating, Some(record(A, 0))));
    assert_eq!(step(&again, &newer_gone, &policy(), 300), Move::CreateKey);
    let third = with_two(C, 300, A, 0);
    let after = state_of(step(&again, &third, &policy(), 300));
    assert_eq!((after.phase, after.previous), (Phase::Published, Some(record(A, 0))));
    // With two keys there is no room: the old one goes its way, and then a new one is made.
    let mut newer_inactive = two();
    newer_inactive.keys[1].active = false;
    newer_inactive.consumers = Some(vec![consumer("orders-0")]);
    let waits = step(&rotating(Phase::Confirming, 200), &newer_inactive, &policy(), 2 * DAY);
    assert!(matches!(waits, Move::Wait(_, Waiting::HeldBy(_))), "{waits:?}");
}

#[test]
fn a_new_interval_counts_at_once() {
    let weekly = Policy { rotate_every: Duration::from_hours(7 * 24), ..policy() };
    let one = seen(A, &[key(A, 0)]);
    let after = state_of(step(&stable(), &one, &weekly, 50));
    assert_eq!(after, Rotation { next_rotation: Some(at(7 * DAY)), ..stable() });
    assert_eq!(step(&after, &one, &weekly, 50), Move::Wait(at(7 * DAY), Waiting::NotDue));
}

/// The clock's fractions are not kept, so they must not make a difference.
#[test]
fn a_settled_key_causes_no_write() {
    let one = seen(A, &[key(A, 0)]);
    let now = Timestamp::from_millisecond(1_700_000_000_999).unwrap();
    assert_eq!(next(&stable(), &one, &policy(), now, Jitter::NONE), Move::Wait(at(90 * DAY), Waiting::NotDue));
    let recorded = state_of(next(&Rotation::default(), &one, &policy(), now, Jitter::NONE));
    assert_eq!(recorded.since, Some(at(0)));
}

/// No key is touched that the Secret has not given up, whatever else is seen.
#[test]
fn only_what_is_superseded_is_touched() {
    let mut unmarked = two();
    unmarked.secret = SecretSeen::Ours { published: unmarked.secret.published().cloned(), superseded: None };
    let retiring = rotating(Phase::Retiring, 100);
    assert_eq!(step(&retiring, &unmarked, &policy(), 2 * DAY), Move::Supersede(id(A)));
    let urgent = Rotation { revoke_old: true, ..retiring.clone() };
    assert_eq!(step(&urgent, &unmarked, &policy(), 2 * DAY), Move::Supersede(id(A)));
    unmarked.keys[0].active = false;
    let waits = Rotation { deactivated: Some(at(100)), ..retiring };
    assert_eq!(step(&waits, &unmarked, &policy(), 4 * DAY), Move::Supersede(id(A)));
}
