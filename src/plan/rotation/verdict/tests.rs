use super::*;
use crate::plan::reason::Standing;
use crate::plan::rotation::tests::{DAY, HOUR, at, consumer, key, policy, record, seen, with_two};

const NEW: &str = "AKIANEW0000000000000";
const OLD: &str = "AKIAOLD0000000000000";

fn stable() -> Rotation {
    Rotation {
        since: Some(at(0)),
        current: Some(record(NEW, 0)),
        next_rotation: Some(at(90 * DAY)),
        ..Rotation::default()
    }
}

fn in_phase(phase: Phase) -> Rotation {
    Rotation { phase, previous: Some(record(OLD, -5)), ..stable() }
}

fn said(state: &Rotation, seen: &Seen, decided: &Move, second: i64) -> (Reason, Standing, String) {
    let Verdict { reason, standing, message } = verdict(state, seen, &policy(), decided, at(second));
    (reason, standing, message)
}

fn wait(why: Waiting) -> Move {
    Move::Wait(at(7 * HOUR), why)
}

#[expect(clippy::too_many_lines, reason = "one row for each state")]
#[test]
fn each_state_has_its_words() {
    let one = seen(NEW, &[key(NEW, 0)]);
    let both = with_two(NEW, 0, OLD, -5);
    let table = [
        (
            stable(),
            &one,
            wait(Waiting::NotDue),
            (Reason::Fresh, Standing::Good),
            "the Secret has the key `AKIANEW0000000000000`, made at 2023-11-14T22:13:20Z; it is rotated at 2024-02-12T22:13:20Z",
        ),
        (
            Rotation { phase: Phase::Creating, ..Rotation::default() },
            &one,
            Move::CreateKey,
            (Reason::Rotating, Standing::Working),
            "the first access key is being made",
        ),
        (
            Rotation { phase: Phase::Creating, ..stable() },
            &one,
            Move::CreateKey,
            (Reason::Rotating, Standing::Good),
            "a new key is being made; the Secret has `AKIANEW0000000000000` until then",
        ),
        (
            Rotation { phase: Phase::Creating, ..stable() },
            &both,
            wait(Waiting::HeldBy(vec![consumer("orders-0")])),
            (Reason::HeldByConsumer, Standing::Tolerated),
            "there is no room for a new key: there is another one, and it is not known whether it is held by pod `orders-0` (env of container `app`): restart it",
        ),
        (
            in_phase(Phase::Published),
            &both,
            wait(Waiting::Overlap(Vec::new())),
            (Reason::Rotating, Standing::Good),
            "the Secret has the new key `AKIANEW0000000000000`; the old key `AKIAOLD0000000000000` stays until 2023-11-15T22:13:20Z at least",
        ),
        (
            in_phase(Phase::Published),
            &both,
            wait(Waiting::Overlap(vec![consumer("orders-0")])),
            (Reason::Rotating, Standing::Good),
            "the Secret has the new key `AKIANEW0000000000000`; the old key `AKIAOLD0000000000000` stays until 2023-11-15T22:13:20Z at least; until then pod `orders-0` (env of container `app`) has to be restarted",
        ),
        (
            in_phase(Phase::Confirming),
            &both,
            wait(Waiting::HeldBy(vec![consumer("orders-0")])),
            (Reason::HeldByConsumer, Standing::Tolerated),
            "pod `orders-0` (env of container `app`) still holds the old key `AKIAOLD0000000000000`: restart it",
        ),
        (
            in_phase(Phase::Confirming),
            &both,
            wait(Waiting::HeldBy(vec![consumer("orders-0"), consumer("orders-1")])),
            (Reason::HeldByConsumer, Standing::Tolerated),
            "pod `orders-0` (env of container `app`), pod `orders-1` (env of container `app`) still hold the old key `AKIAOLD0000000000000`: restart them",
        ),
        (
            in_phase(Phase::Confirming),
            &both,
            wait(Waiting::UsedAt(at(60))),
            (Reason::HeldByConsumer, Standing::Tolerated),
            "the old key `AKIAOLD0000000000000` was used at 2023-11-14T22:14:20Z, by nobody that Ambit knows: CloudTrail says who; it goes when it was not used for 1 day",
        ),
        (
            in_phase(Phase::Confirming),
            &both,
            wait(Waiting::UseUnknown),
            (Reason::Rotating, Standing::Good),
            "the old key `AKIAOLD0000000000000` stays: the cloud did not say when it was used last",
        ),
        (
            in_phase(Phase::Confirming),
            &both,
            wait(Waiting::ConsumersUnknown),
            (Reason::Rotating, Standing::Good),
            "the old key `AKIAOLD0000000000000` stays: the pods could not be read, so it is not known who holds it",
        ),
        (
            in_phase(Phase::Confirming),
            &both,
            wait(Waiting::Rereading(vec![consumer("orders-0")])),
            (Reason::Rotating, Standing::Good),
            "the Secret has the new key `AKIANEW0000000000000`; the old key `AKIAOLD0000000000000` stays until the files are up to date of pod `orders-0` (env of container `app`)",
        ),
        (
            in_phase(Phase::Retiring),
            &both,
            wait(Waiting::Grace),
            (Reason::Rotating, Standing::Good),
            "the old key `AKIAOLD0000000000000` is inactive and is deleted at 2023-11-15T05:13:20Z; if something needs it, activate it again",
        ),
        (
            in_phase(Phase::Retiring),
            &both,
            Move::Deactivate(record(OLD, 0).id),
            (Reason::Rotating, Standing::Good),
            "the Secret has the new key `AKIANEW0000000000000`; the old key `AKIAOLD0000000000000` is on its way out",
        ),
        (
            stable(),
            &one,
            Move::Refuse("the Secret is somebody's".into()),
            (Reason::SecretTaken, Standing::Terminal),
            "the Secret is somebody's",
        ),
    ];
    for (state, seen, decided, (reason, standing), message) in table {
        assert_eq!(said(&state, seen, &decided, HOUR), (reason, standing, message.to_owned()), "{decided:?}");
    }
}

#[test]
fn what_is_late_says_what_hinders_it() {
    let state = stable();
    let one = seen(NEW, &[key(NEW, 0)]);
    let creating = Rotation { phase: Phase::Creating, ..state.clone() };
    let (reason, ..) = said(&creating, &one, &Move::CreateKey, 90 * DAY + HOUR);
    assert_eq!(reason, Reason::Rotating);
    assert_eq!(
        said(&creating, &one, &Move::CreateKey, 90 * DAY + HOUR + 1),
        (
            Reason::Overdue,
            Standing::Tolerated,
            "the key `AKIANEW0000000000000` was to be rotated at 2024-02-12T22:13:20Z: a new key is being made; the Secret has `AKIANEW0000000000000` until then".to_owned()
        )
    );
    let held = wait(Waiting::HeldBy(vec![consumer("orders-0")]));
    let both = with_two(NEW, 0, OLD, -5);
    let (reason, _, message) = said(&in_phase(Phase::Confirming), &both, &held, 91 * DAY);
    assert_eq!(reason, Reason::Overdue);
    assert!(message.ends_with("still holds the old key `AKIAOLD0000000000000`: restart it"), "{message}");
}

#[test]
fn a_secret_without_a_key_that_works_is_no_success() {
    let mut inactive = seen(NEW, &[key(NEW, 0)]);
    inactive.keys[0].active = false;
    let mut gone = seen(NEW, &[]);
    gone.confirmed_missing = true;
    let mut deleted = seen(NEW, &[key(NEW, 0)]);
    deleted.secret = crate::plan::rotation::SecretSeen::Absent;
    let creating = Rotation { phase: Phase::Creating, ..stable() };
    for lost in [inactive, gone, deleted] {
        for state in [&creating, &stable(), &in_phase(Phase::Confirming)] {
            let (reason, standing, message) = said(state, &lost, &Move::CreateKey, HOUR);
            assert_eq!((reason, standing), (Reason::Rotating, Standing::Retrying), "{message}");
            assert!(message.starts_with("the Secret or its key `AKIANEW0000000000000` was deleted"), "{message}");
        }
    }
    let held = wait(Waiting::HeldBy(vec![consumer("orders-0")]));
    let mut deleted = with_two(NEW, 0, OLD, -5);
    deleted.secret = crate::plan::rotation::SecretSeen::Absent;
    assert_eq!(
        said(&in_phase(Phase::Confirming), &deleted, &held, HOUR).2,
        "the Secret or its key `AKIANEW0000000000000` was deleted or deactivated by somebody else: a new key is made as soon as there is room for it; pod `orders-0` (env of container `app`) still holds the old key `AKIAOLD0000000000000`: restart it"
    );
    // One look that does not find it proves nothing.
    let (reason, ..) = said(&stable(), &seen(NEW, &[]), &wait(Waiting::NotListed), HOUR);
    assert_eq!(reason, Reason::Fresh);
}

/// Equal states give equal words, or status would be written at every look.
#[test]
fn the_words_do_not_change_with_the_time() {
    let both = with_two(NEW, 0, OLD, -5);
    let state = in_phase(Phase::Published);
    let at_look = |second: i64| {
        let decided = Move::Wait(at(DAY + second), Waiting::Overlap(vec![consumer("orders-0")]));
        said(&state, &both, &decided, second)
    };
    assert_eq!(at_look(1), at_look(2));
}

#[test]
fn a_span_is_told_in_its_largest_unit() {
    let table = [(86_400, "1 day"), (7_200, "2 hours"), (5_400, "90 minutes"), (61, "61 seconds"), (1, "1 second")];
    for (seconds, words) in table {
        assert_eq!(in_words(Duration::from_secs(seconds)), words);
    }
}
