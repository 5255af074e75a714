//! What an account tells of by itself, in Ambit's own words.
//!
//! Events only shorten the time until somebody looks. Nothing is decided by
//! what they say: they may come late, twice, in any order, or never, and the
//! sweep finds what they leave out.

use async_trait::async_trait;

use super::{CloudError, FaultPlan};
use crate::domain::ChangeEvent;

/// The most messages that come at once.
pub const MOST_AT_ONCE: usize = 10;

/// By what a message is deleted. Each delivery of a message has another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// One message of a queue, as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// By what it is deleted.
    pub receipt: Receipt,
    /// What it says.
    pub record: Record,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Somebody did something to a role of this name, whosever it is.
    Role {
        /// The role's name, as the caller wrote it.
        name: String,
        /// What was done.
        change: ChangeEvent,
    },
    /// Somebody did something to what all identities of the account rely on.
    Account(ChangeEvent),
    /// The operator did it itself.
    Ours,
    /// It is about something that Ambit does not look after, or changed nothing.
    Foreign,
    /// It is not the record of an event, and why.
    Malformed(String),
}

/// The queue in which an account tells what is done to it.
///
/// A message that was received and not deleted comes again after a while, so a
/// receiver that stops at any moment loses nothing. Messages may come twice and
/// in any order.
#[async_trait]
pub trait EventQueue: Send + Sync {
    /// Waits a bounded time for messages, and gives those that came: at most
    /// [`MOST_AT_ONCE`], none where none came. To give up waiting loses nothing.
    async fn receive(&self) -> Result<Vec<Message>, CloudError>;

    /// Deletes messages. What is gone already is deleted. Where it fails, some
    /// of them may be deleted and the others come again.
    async fn delete(&self, receipts: &[Receipt]) -> Result<(), CloudError>;
}

/// A queue whose calls go as a [`FaultPlan`] has it.
#[derive(Debug, Clone)]
pub struct FaultyQueue<Q> {
    inner: Q,
    plan: FaultPlan,
}

impl<Q: EventQueue> FaultyQueue<Q> {
    /// Puts a queue under a plan.
    #[must_use]
    pub fn new(inner: Q, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }
}

#[async_trait]
impl<Q: EventQueue> EventQueue for FaultyQueue<Q> {
    async fn receive(&self) -> Result<Vec<Message>, CloudError> {
        self.plan.around("receive", self.inner.receive(), |kind| CloudError::injected("receive", kind)).await
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<(), CloudError> {
        self.plan.around("delete", self.inner.delete(receipts), |kind| CloudError::injected("delete", kind)).await
    }
}
