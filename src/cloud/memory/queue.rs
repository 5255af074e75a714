//! A queue in memory, as unruly as a real one may be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::cloud::events::{EventQueue, MOST_AT_ONCE, Message, Receipt, Record};
use crate::cloud::{CloudError, ErrorKind};

/// How long `receive` waits for a message: not long, so that tests are quick.
const PATIENCE: Duration = Duration::from_millis(50);

/// A queue in memory. Clones are the same queue.
///
/// What was received and not deleted comes again when a test says so, because
/// only the test knows how much time has passed.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Kept>,
    sent: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    waiting: VecDeque<Record>,
    /// Delivered, by receipt, and not deleted yet.
    delivered: Vec<Message>,
    deliveries: u64,
    deleted: u64,
    gone: bool,
}

impl MemoryQueue {
    /// Puts a message at the end.
    pub fn send(&self, record: Record) {
        self.locked().waiting.push_back(record);
        self.0.sent.notify_one();
    }

    /// Puts back what was delivered and not deleted, the last first: another order than before.
    pub fn deliver_again(&self) {
        let mut kept = self.locked();
        while let Some(message) = kept.delivered.pop() {
            kept.waiting.push_back(message.record);
        }
        self.0.sent.notify_one();
    }

    /// From now on the queue does not exist.
    pub fn vanish(&self) {
        self.locked().gone = true;
        self.0.sent.notify_one();
    }

    /// It exists again, as it was.
    pub fn come_back(&self) {
        self.locked().gone = false;
    }

    /// How many messages wait, were delivered and not deleted, and were deleted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, u64) {
        let kept = self.locked();
        (kept.waiting.len(), kept.delivered.len(), kept.deleted)
    }

    fn locked(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn must_exist(&self, operation: &'static str) -> Result<(), CloudError> {
        if !self.gone {
            return Ok(());
        }
        let message = "The specified queue does not exist.".to_owned();
        Err(CloudError { kind: ErrorKind::NotFound, operation, code: "QueueDoesNotExist".to_owned(), message })
    }

    fn deliver(&mut self) -> Vec<Message> {
        let most = self.waiting.len().min(MOST_AT_ONCE);
        let records: Vec<Record> = self.waiting.drain(..most).collect();
        let delivered: Vec<Message> = records
            .into_iter()
            .map(|record| {
                self.deliveries += 1;
                Message { receipt: Receipt(self.deliveries.to_string()), record }
            })
            .collect();
        self.delivered.extend(delivered.iter().cloned());
        delivered
    }
}

#[async_trait]
impl EventQueue for MemoryQueue {
    async fn receive(&self) -> Result<Vec<Message>, CloudError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let delivered = {
                let mut kept = self.locked();
                kept.must_exist("sqs:ReceiveMessage")?;
                kept.deliver()
            };
            let waits = delivered.is_empty() && tokio::time::timeout_at(deadline, self.0.sent.notified()).await.is_ok();
            if !waits {
                return Ok(delivered);
            }
        }
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<(), CloudError> {
        let mut kept = self.locked();
        kept.must_exist("sqs:DeleteMessage")?;
        let before = kept.delivered.len();
        kept.delivered.retain(|message| !receipts.contains(&message.receipt));
        let gone = before - kept.delivered.len();
        kept.deleted += gone as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Fault, FaultPlan, FaultyQueue};

    #[tokio::test]
    async fn what_is_not_deleted_comes_again_with_another_receipt() {
        let queue = MemoryQueue::default();
        queue.send(Record::Ours);
        queue.send(Record::Foreign);
        let first = queue.receive().await.unwrap();
        let receipts: Vec<Receipt> = first.iter().map(|message| message.receipt.clone()).collect();
        assert_eq!(queue.counts(), (0, 2, 0));
        queue.deliver_again();
        let again = queue.receive().await.unwrap();
        let records: Vec<Record> = again.iter().map(|message| message.record.clone()).collect();
        assert_eq!(records, [Record::Foreign, Record::Ours], "in another order");
        queue.delete(&receipts).await.unwrap();
        assert_eq!(queue.counts(), (0, 2, 0), "an old receipt deletes nothing, and is no failure");
        queue.delete(&[again[0].receipt.clone()]).await.unwrap();
        assert_eq!(queue.counts(), (0, 1, 1));
    }

    #[tokio::test]
    async fn waits_a_bounded_time_and_gives_few_at_once() {
        let queue = MemoryQueue::default();
        assert_eq!(queue.receive().await.unwrap(), []);
        for _ in 0..25 {
            queue.send(Record::Foreign);
        }
        let mut sizes = Vec::new();
        for _ in 0..3 {
            sizes.push(queue.receive().await.unwrap().len());
        }
        assert_eq!(sizes, [10, 10, 5]);
        let (waiting, sender) = (queue.clone(), queue.clone());
        let waiting = tokio::spawn(async move { waiting.receive().await.unwrap() });
        tokio::task::yield_now().await;
        sender.send(Record::Ours);
        assert_eq!(waiting.await.unwrap().len(), 1, "a message ends the wait");
    }

    #[tokio::test]
    async fn fails_where_a_plan_says_so() {
        let queue = MemoryQueue::default();
        queue.send(Record::Ours);
        let faulty = FaultyQueue::new(queue.clone(), FaultPlan::at(0, Fault::ErrorAfter(ErrorKind::Transient)));
        let lost = faulty.receive().await.unwrap_err();
        assert_eq!((lost.kind, lost.operation), (ErrorKind::Transient, "receive"));
        assert_eq!(queue.counts(), (0, 1, 0), "it was delivered to nobody, and comes again");
        queue.vanish();
        assert_eq!(faulty.receive().await.unwrap_err().kind, ErrorKind::NotFound);
        queue.come_back();
        queue.deliver_again();
        assert_eq!(faulty.receive().await.unwrap().len(), 1);
    }
}
