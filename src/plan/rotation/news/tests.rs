use super::*;
use crate::plan::rotation::tests::{at, consumer, key, record, seen, with_two};

const NEW: &str = "AKIANEW0000000000000";
const OLD: &str = "AKIAOLD0000000000000";

fn stable(current: &str) -> Rotation {
    Rotation { since: Some(at(0)), current: Some(record(current, 0)), ..Rotation::default() }
}

fn in_phase(phase: Phase) -> Rotation {
    Rotation { phase, previous: Some(record(OLD, -5)), ..stable(NEW) }
}

#[expect(clippy::needless_pass_by_value, reason = "what is told is made where it is told")]
fn told(before: &Rotation, done: Move) -> Option<(&'static str, bool, String)> {
    let news = news(before, &done, &seen(NEW, &[key(NEW, 0)]))?;
    Some((news.reason(), news.is_warning(), news.to_string()))
}

#[test]
fn each_transition_is_told_once() {
    let creating = Rotation { phase: Phase::Creating, ..stable(OLD) };
    let inactive = Rotation { deactivated: Some(at(9)), ..in_phase(Phase::Retiring) };
    let record_state = |state: Rotation| Move::RecordState(state);
    let table = [
        (
            creating.clone(),
            record_state(in_phase(Phase::Published)),
            "KeyPublished",
            "the Secret has the new access key `AKIANEW0000000000000`; `AKIAOLD0000000000000` works still",
        ),
        (
            Rotation::default(),
            record_state(stable(NEW)),
            "KeyPublished",
            "the Secret has the access key `AKIANEW0000000000000`",
        ),
        (
            in_phase(Phase::Published),
            record_state(in_phase(Phase::Confirming)),
            "KeyConfirming",
            "the overlap is over: the old access key `AKIAOLD0000000000000` goes when nobody holds it",
        ),
        (
            in_phase(Phase::Confirming),
            record_state(in_phase(Phase::Retiring)),
            "KeyRetiring",
            "the old access key `AKIAOLD0000000000000` is being deactivated",
        ),
        (
            in_phase(Phase::Retiring),
            record_state(inactive.clone()),
            "KeyDeactivated",
            "the old access key `AKIAOLD0000000000000` is inactive; until it is deleted it can be activated again",
        ),
        (
            inactive.clone(),
            record_state(in_phase(Phase::Published)),
            "KeyNeeded",
            "the old access key `AKIAOLD0000000000000` turned out to be in use: it works again, and the overlap begins anew",
        ),
        (inactive, record_state(stable(NEW)), "RotationFinished", "the old access key `AKIAOLD0000000000000` is gone"),
        (
            stable(NEW),
            record_state(in_phase(Phase::Published)),
            "KeyFound",
            "there is another access key, `AKIAOLD0000000000000`, and it is not known whether anybody holds it: it goes as an old key goes",
        ),
        (
            stable(NEW),
            Move::Supersede(record(OLD, 0).id),
            "KeyUnpublished",
            "the access key `AKIAOLD0000000000000` was never in the Secret: it is being removed; unless a call failed shortly before, somebody else made it",
        ),
    ];
    for (before, done, reason, words) in table {
        let (told, _, text) = told(&before, done).unwrap();
        assert_eq!((told, text.as_str()), (reason, words));
    }
}

#[test]
fn of_most_steps_there_is_nothing_to_tell() {
    let retiring = in_phase(Phase::Retiring);
    let id = record(OLD, 0).id;
    for done in [
        Move::CreateKey,
        Move::Supersede(id.clone()),
        Move::Deactivate(id.clone()),
        Move::DeleteKey(id),
        Move::RecordState(Rotation { next_rotation: Some(at(1)), ..retiring.clone() }),
    ] {
        assert_eq!(told(&retiring, done.clone()), None, "{done:?}");
    }
}

#[test]
fn the_beginning_says_why_and_an_emergency_what_it_breaks() {
    let begin = |cause| told(&stable(NEW), Move::WriteIntent(stable(NEW), cause)).unwrap();
    assert_eq!(begin(Cause::First).2, "the first access key is being made");
    assert_eq!(begin(Cause::Due).2, "the access key has reached its age: a new one is being made");
    assert_eq!(begin(Cause::Requested).2, "somebody asked for a new access key: it is being made");
    let (reason, is_warning, text) = begin(Cause::Lost);
    assert_eq!((reason, is_warning), ("RotationStarted", true));
    assert!(text.ends_with("by somebody else: a new key is being made"), "{text}");
    let mut both = with_two(NEW, 0, OLD, -5);
    both.consumers = Some(vec![consumer("orders-0")]);
    let news = news(&stable(NEW), &Move::WriteIntent(stable(NEW), Cause::Emergency), &both).unwrap();
    assert!(news.is_warning());
    assert_eq!(
        news.to_string(),
        "somebody asked for a new access key, and the old one goes as soon as it is in the Secret; until they are restarted, these fail: pod `orders-0` (env of container `app`); whatever else uses the old key fails at once"
    );
}
