//! A clock that moves only when a test moves it. Each test thread has its own.

use std::cell::Cell;
use std::time::Duration;

use jiff::Timestamp;

thread_local! {
    static MILLIS: Cell<i64> = const { Cell::new(1_700_000_000_000) };
}

/// The time now.
pub fn now() -> Timestamp {
    Timestamp::from_millisecond(millis()).unwrap()
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
