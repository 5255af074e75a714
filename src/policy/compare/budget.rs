//! How much work a comparison may do. It is counted in steps, not in time, so
//! that the same question has the same answer on every machine.

use std::cell::Cell;

/// The work that is left.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<u64>,
}

/// The work was not enough: the answer is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exhausted;

impl Budget {
    pub(super) fn of(steps: u64) -> Self {
        Self { left: Cell::new(steps) }
    }

    /// Takes steps. A step is a few machine words' worth of work.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Exhausted> {
        let left = self.left.get().checked_sub(steps as u64);
        self.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(Exhausted)
    }
}
