//! Whether the old key may go.

use std::time::Duration;

use jiff::Timestamp;

use super::consumers::{Consumer, How, REREAD};
use super::state::{KeyRecord, Policy, Seen, Waiting};
use crate::domain::LastUse;
use crate::names::AccessKeyId;

/// When to look again at what no time decides.
pub(super) const RETRY: Duration = Duration::from_mins(5);

/// So much of the overlap passes by time that the process itself measured. A clock that
/// is set forward does not make it shorter than that; a process that begins anew waits
/// no longer than that again.
const MEASURED: Duration = Duration::from_hours(1);

/// Until when to wait, and why.
pub(super) type Hindrance = (Timestamp, Waiting);

pub(super) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Those that hold the old key until they are restarted.
fn holders(seen: &Seen, published: Option<Timestamp>) -> Vec<Consumer> {
    let all = seen.consumers.iter().flatten();
    all.filter(|consumer| consumer.holds(published)).cloned().collect()
}

/// Whether the overlap, which began at `since`, runs still.
pub(super) fn overlap(
    since: Option<Timestamp>,
    published: Option<Timestamp>,
    seen: &Seen,
    policy: &Policy,
    now: Timestamp,
) -> Option<Hindrance> {
    let by_clock = since.map_or(now, |since| later(since, policy.overlap));
    let measured = policy.overlap.min(MEASURED).saturating_sub(seen.watched);
    let until = by_clock.max(later(now, measured));
    (until > now).then(|| (until, Waiting::Overlap(holders(seen, published))))
}

/// What hinders the old key from going after the overlap. Everything that is not known does.
pub(super) fn in_use(
    old: &AccessKeyId,
    published: Option<Timestamp>,
    seen: &Seen,
    policy: &Policy,
    now: Timestamp,
) -> Option<Hindrance> {
    let again = later(now, RETRY);
    let Some(consumers) = &seen.consumers else { return Some((again, Waiting::ConsumersUnknown)) };
    let held_by = holders(seen, published);
    if !held_by.is_empty() {
        return Some((again, Waiting::HeldBy(held_by)));
    }
    let files: Vec<Consumer> = consumers.iter().filter(|consumer| consumer.how == How::Files).cloned().collect();
    let reread = published.map_or(now, |published| later(published, REREAD));
    let reread = reread.max(later(now, REREAD.saturating_sub(seen.watched)));
    if !files.is_empty() && reread > now {
        return Some((reread, Waiting::Rereading(files)));
    }
    match seen.last_use.get(old).copied().unwrap_or_default() {
        LastUse::Unknown => Some((again, Waiting::UseUnknown)),
        LastUse::Never => None,
        LastUse::At(time) => {
            let until = later(time, policy.overlap);
            (until > now).then_some((until, Waiting::UsedAt(time)))
        }
    }
}

/// Whether a key that is on its way out since then turned out to be in use. Nothing here
/// depends on the present time: else it would come and go with the clock.
pub(super) fn turned_out_in_use(
    old: &AccessKeyId,
    current: Option<&KeyRecord>,
    since: Option<Timestamp>,
    seen: &Seen,
    policy: &Policy,
) -> bool {
    let is_used = match (seen.last_use.get(old), since) {
        (Some(LastUse::At(time)), Some(since)) => later(*time, policy.overlap) > since,
        _ => false,
    };
    is_used || !holders(seen, current.and_then(|current| current.published)).is_empty()
}
