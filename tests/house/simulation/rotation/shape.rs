//! One shape for worlds of which the same can come.
//!
//! What nothing reads any more is forgotten: how long ago something was that is over,
//! or what a leader is about to do in vain. So there are fewer worlds to visit, and
//! none is left out.

use super::world::{Bounds, Deed, LEADERS, Leader, Status, World};

/// Gives a world its shape.
pub fn tidy(world: &mut World, bounds: &Bounds) {
    if world.asked == world.status.handled {
        world.is_emergency = false;
    }
    let reader = Reader::of(world, bounds);
    reader.tidy_status(&mut world.status);
    tidy_env(world);
    let before = *world;
    for leader in &mut world.leaders {
        tidy_leader(leader, &before, bounds);
        if let Some(Deed::Write(status)) = &mut leader.deed {
            reader.tidy_status(status);
        }
        if let Some(begun) = &mut leader.begun {
            reader.tidy_status(&mut begun.status);
        }
    }
    world.keys.sort_by_key(|key| key.map_or(u8::MAX, |key| key.id));
    if bounds.leaders == LEADERS {
        world.leaders.sort();
    }
}

/// Who will read the operator's clock from now on.
struct Reader {
    /// The earliest that the clock will show.
    earliest: i8,
}

impl Reader {
    fn of(world: &World, bounds: &Bounds) -> Self {
        let offset = if world.jumps < bounds.jumps { world.offset.min(-bounds.jump) } else { world.offset };
        Self { earliest: world.hour + offset }
    }

    /// A wait that is over is over, however long ago. Of the previous key, only the id counts.
    fn tidy_status(&self, status: &mut Status) {
        let over = |time: Option<i8>| time.map(|time| time.max(self.earliest - 1));
        status.since = over(status.since);
        status.deactivated = over(status.deactivated);
        if let Some(previous) = &mut status.previous {
            previous.created = 0;
            previous.published = None;
        }
    }
}

/// Whether a pod started after a publication is all that counts. Those to come are later.
fn tidy_env(world: &mut World) {
    let begun = world.leaders.iter().filter_map(|leader| leader.begun);
    let seen = begun.map(|begun| (begun.secret, begun.status)).chain([(world.secret, world.status)]);
    let times: Vec<i8> = seen
        .flat_map(|(secret, status)| {
            let published = secret.and_then(|secret| secret.published).map(|(_, time)| time);
            [published, status.current.and_then(|current| current.published)]
        })
        .flatten()
        .collect();
    let times = || times.iter().copied();
    let started = world.env.started;
    if times().all(|time| started <= time) {
        world.env.started = 0;
    } else if times().all(|time| started > time) {
        world.env.started = times().max().unwrap_or_default() + 1;
    }
}

fn tidy_leader(leader: &mut Leader, world: &World, bounds: &Bounds) {
    let newest = world.newest();
    leader.watched = leader.watched.filter(|(id, _)| Some(*id) == newest || leader.begun.is_some());
    let absence_is_over = leader.needs_absence && world.secret.is_some() && world.deletions == bounds.deletions;
    leader.outdated |= absence_is_over;
    let is_vain = match leader.deed {
        None => true,
        Some(Deed::Write(_) | Deed::Publish { .. } | Deed::Supersede(_)) => leader.outdated,
        Some(Deed::Create { .. }) => world.made >= bounds.keys,
        Some(Deed::Deactivate(id) | Deed::Activate(id) | Deed::Delete(id)) => world.key(id).is_none(),
    };
    if is_vain {
        *leader = Leader { begun: leader.begun, watched: leader.watched, ..Leader::default() };
    }
    if leader.outdated {
        leader.needs_absence = false;
        if let Some(Deed::Create { superseded }) = &mut leader.deed {
            *superseded = None;
        }
    }
}
