//! A clock that moves only when a test moves it. Each test thread has its own.

use std::cell::Cell;
use std::time::Duration;

use jiff::Timestamp;

thread_local! {
    static MILLIS: Cell<i64> = const { Cell::new(1_700_000_000_000) };
    /// By how much the clock was set forward.
    static SET_FORWARD: Cell<i64> = const { Cell::new(0) };
    /// How much time passes whenever somebody measures it.
    static PACE: Cell<i64> = const { Cell::new(0) };
}

/// The time now.
pub fn now() -> Timestamp {
    Timestamp::from_millisecond(millis() + SET_FORWARD.get()).unwrap()
}

/// The time that passed, which nobody can set.
pub fn steady() -> Duration {
    advance(Duration::from_millis(PACE.get().unsigned_abs()));
    Duration::from_millis(millis().unsigned_abs())
}

/// Sets the clock forward, as somebody may: no time passes by that.
pub fn set_forward(span: Duration) {
    SET_FORWARD.set(SET_FORWARD.get() + i64::try_from(span.as_millis()).unwrap());
}

/// From now on so much time passes whenever somebody measures it.
pub fn set_pace(span: Duration) {
    PACE.set(i64::try_from(span.as_millis()).unwrap());
}

/// Sets the clock back.
pub fn set_back(span: Duration) {
    SET_FORWARD.set(SET_FORWARD.get() - i64::try_from(span.as_millis()).unwrap());
}

/// The time now as a number, to compute with.
pub fn millis() -> i64 {
    MILLIS.get()
}

/// Lets time pass.
pub fn advance(span: Duration) {
    MILLIS.set(millis() + i64::try_from(span.as_millis()).unwrap());
}

/// Lets time pass until a moment, unless it is over.
pub fn advance_to(moment: i64) {
    MILLIS.set(millis().max(moment));
}
