//! Where a call waits for its turn, so that a scheduler decides who goes on.

use std::future::poll_fn;
use std::task::Poll;

/// Stands before every call of a process.
#[derive(Debug, Clone, Copy)]
pub enum Gate {
    /// Calls go on at once.
    Open,
    /// Each call waits until its process is polled once more.
    Turns,
}

impl Gate {
    /// Waits for the turn.
    pub async fn pass(self) {
        let mut waited = matches!(self, Self::Open);
        poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}
