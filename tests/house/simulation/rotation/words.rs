//! Between the world's small numbers and the machine's own words.

use std::sync::LazyLock;
use std::time::Duration;

use ambit::domain::{AccessKey, LastUse};
use ambit::names::AccessKeyId;
use ambit::plan::rotation::{
    Consumer, How, Jitter, KeyRecord, Move, Policy, Published, Request, Rotation, SecretSeen, Seen, next, publication,
};
use jiff::Timestamp;

use super::world::{Bounds, Deed, Record, Secret, Status, World};

/// The overlap, and with it the grace: one hour, the world's unit of time.
const OVERLAP: Duration = Duration::from_hours(1);
const HOUR: i64 = 3_600;
const BEGIN: i64 = 1_700_000_000;

static IDS: LazyLock<Vec<AccessKeyId>> =
    LazyLock::new(|| (0..100).map(|id| AccessKeyId::parse(&format!("AKIA{id:016}")).unwrap()).collect());

fn id(number: u8) -> AccessKeyId {
    IDS[usize::from(number)].clone()
}

fn number(id: &AccessKeyId) -> u8 {
    id.as_str()[4..].parse().unwrap()
}

fn time(hour: i8) -> Timestamp {
    Timestamp::from_second(BEGIN + i64::from(hour) * HOUR).unwrap()
}

fn hour(time: Timestamp) -> i8 {
    let seconds = time.as_second() - BEGIN;
    assert_eq!(seconds % HOUR, 0, "the world knows whole hours only: {time}");
    i8::try_from(seconds / HOUR).unwrap()
}

/// The newest key, and whether the process has known it for an hour.
type Watched = Option<(u8, bool)>;

/// What the machine makes of a look at the world.
pub fn asked(world: &World, watched: Watched, lags: bool, bounds: &Bounds) -> (Seen, Move) {
    let request = (world.asked > 0).then(|| Request { value: world.asked.to_string(), revoke_old: world.is_emergency });
    let rotate_every = Duration::from_hours(u64::from(bounds.rotate_every));
    let policy = Policy { rotate_every, overlap: OVERLAP, request };
    let seen = seen(world, watched, lags);
    let decided = next(&rotation(&world.status), &seen, &policy, time(world.hour + world.offset), Jitter::NONE);
    (seen, decided)
}

/// What a leader is about to do after a look. Nothing, if it waits.
pub fn decide(world: &World, watched: Watched, lags: bool, bounds: &Bounds) -> Option<Deed> {
    let (seen, decided) = asked(world, watched, lags, bounds);
    Some(match decided {
        Move::WriteIntent(state, _) | Move::RecordState(state) => Deed::Write(status(&state)),
        Move::CreateKey => {
            let written = publication(&seen, &id(world.made));
            Deed::Create { superseded: written.superseded.as_ref().map(number) }
        }
        Move::Supersede(id) => Deed::Supersede(number(&id)),
        Move::Deactivate(id) => Deed::Deactivate(number(&id)),
        Move::Activate(id) => Deed::Activate(number(&id)),
        Move::DeleteKey(id) => Deed::Delete(number(&id)),
        Move::Wait(..) => return None,
        Move::Refuse(why) => panic!("{why}"),
    })
}

/// Pods are idle, so that the cloud never knows of a use: what keeps the old key is
/// that somebody holds it.
fn seen(world: &World, watched: Watched, lags: bool) -> Seen {
    let listed = world.keys().filter(|key| !(lags && key.created == world.hour));
    let keys: Vec<AccessKey> =
        listed.map(|key| AccessKey { id: id(key.id), active: key.active, created: time(key.created) }).collect();
    Seen {
        secret: world.secret.map_or(SecretSeen::Absent, secret_seen),
        last_use: keys.iter().map(|key| (key.id.clone(), LastUse::Never)).collect(),
        keys,
        consumers: Some(consumers(world)),
        watched: if watched.is_some_and(|(_, hour)| hour) { OVERLAP } else { Duration::ZERO },
        confirmed_missing: world.published().is_some_and(|id| world.key(id).is_none()),
    }
}

fn secret_seen(secret: Secret) -> SecretSeen {
    SecretSeen::Ours {
        published: secret.published.map(|(key, hour)| Published { id: id(key), time: Some(time(hour)) }),
        superseded: secret.superseded.map(id),
    }
}

fn consumers(world: &World) -> Vec<Consumer> {
    let pods = [("env", world.env, How::Env), ("files", world.files, How::Files)];
    let running = pods.into_iter().filter(|(_, pod, _)| pod.holds.is_some());
    running
        .map(|(name, pod, how)| {
            let started = Some(time(pod.started));
            Consumer { pod: name.to_owned(), container: Some("app".to_owned()), how, made: started, started }
        })
        .collect()
}

fn rotation(status: &Status) -> Rotation {
    Rotation {
        phase: status.phase,
        since: status.since.map(time),
        current: status.current.map(key_record),
        previous: status.previous.map(key_record),
        deactivated: status.deactivated.map(time),
        next_rotation: status.next.map(time),
        handled: (status.handled > 0).then(|| status.handled.to_string()),
        revoke_old: status.revoke_old,
    }
}

fn key_record(record: Record) -> KeyRecord {
    KeyRecord { id: id(record.id), created: time(record.created), published: record.published.map(time) }
}

fn status(rotation: &Rotation) -> Status {
    let record = |record: &KeyRecord| Record {
        id: number(&record.id),
        created: hour(record.created),
        published: record.published.map(hour),
    };
    Status {
        phase: rotation.phase,
        since: rotation.since.map(hour),
        current: rotation.current.as_ref().map(record),
        previous: rotation.previous.as_ref().map(record),
        deactivated: rotation.deactivated.map(hour),
        next: rotation.next_rotation.map(hour),
        handled: rotation.handled.as_ref().map_or(0, |handled| handled.parse().unwrap()),
        revoke_old: rotation.revoke_old,
    }
}
