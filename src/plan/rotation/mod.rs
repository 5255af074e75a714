//! The rotation of access keys: which one step comes next. Pure.
//!
//! ```text
//! Stable -> Creating -> Published -> Confirming -> Retiring -> Stable
//!             make one,   the overlap   who still     deactivate,
//!             put it into  runs         holds the     wait, delete
//!             the Secret                old one?
//! ```
//!
//! Each look reads, live and in this order: the status, the Secret's metadata, the
//! keys, the last use of those that the Secret does not name, the pods. [`next`]
//! gives one [`Move`], the caller makes it and looks again. A process that ends
//! anywhere on the way loses nothing but its look.
//!
//! What keeps this safe does not depend on who leads, on the clock, or on status:
//!
//! 1. **Only the maker publishes.** A key's secret is in the one reply of the call
//!    that made it. Whoever got it writes it into the Secret at once, on condition
//!    that the Secret is still the one of the look *before* the key was made (same
//!    UID and resource version, or still absent), and never tries on another
//!    condition.
//! 2. **Nothing goes that could still be published.** A key is deactivated only when
//!    the Secret itself says that it has been superseded. Publishing writes that of
//!    the key before it; of a key whose secret was lost, [`Move::Supersede`] does, on
//!    the same condition. Either write moves the Secret on, so whoever still holds
//!    the secret of a superseded key comes too late. It stays true for ever, so it
//!    does not matter how late a call arrives that was decided by it.
//! 3. **The cloud keeps no more than two keys**, and all calls name a key by its id.
//! 4. **Times only delay.** Whether a pod still holds the old key is decided by the
//!    cluster's clocks alone; a wait counts by the operator's clock and by time that
//!    the process itself has measured.
//!
//! It follows that the key that the Secret names is active, whatever else happens.
//! One thing is beyond this: if a *person* deletes the Secret while a process is held
//! up between making a key and publishing it, that process may publish a key that is
//! on its way out. The next look finds it and makes another.
//!
//! A key that was deactivated is kept for as long as the overlap again, at most a
//! day, before it is deleted. If it turns out to be in use after all, it is activated
//! again; so can anybody do by hand, and then the overlap begins anew.

mod calendar;
mod consumers;
mod evidence;
mod machine;
mod marks;
mod news;
mod state;
mod terms;
#[cfg(test)]
mod tests;
mod verdict;

pub use calendar::{Jitter, due};
pub use consumers::{Consumer, How, consumers, what_breaks};
pub use machine::{next, publication};
pub use marks::{annotations, seen_secret, superseding};
pub use news::{News, news};
pub use state::{
    Cause, KeyRecord, Move, Phase, Policy, Publication, Published, Request, Rotation, SecretSeen, Seen, Waiting,
};
pub use terms::{KeyTerms, REVOKE_OLD, request};
pub use verdict::verdict;
