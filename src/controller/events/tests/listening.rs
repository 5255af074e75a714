//! Who listens to a queue, and what ends it.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::cloud::Receipt;
use crate::names::QueueUrl;

#[tokio::test]
async fn accounts_are_listened_to_as_they_come_and_go_and_a_broken_one_hinders_no_other() {
    let mut stage = stage();
    let accounts = Arc::clone(&stage.listening.context.accounts);
    let task = tokio::spawn(listen(Arc::clone(&stage.listening)));
    let broken = MemoryQueue::default();
    broken.vanish();
    accounts.put("test", account(Some(&broken), "1h"));
    accounts.put("without-a-queue", account(None, "1h"));
    accounts.put(ACCOUNT, account(Some(&stage.queue), "1h"));
    stage.queue.send(changed("orders", "e-1"));
    assert_eq!(stage.woken.next().await.unwrap().name, "orders");
    until(|| accounts.events_failure("test").is_some()).await;
    assert_eq!(stage.woken_accounts.next().await.unwrap().name, "test");

    // Other settings, another queue: the first is no longer received from.
    let other = MemoryQueue::default();
    accounts.put(ACCOUNT, account(Some(&other), "2h"));
    other.send(changed("mailer", "e-2"));
    assert_eq!(stage.woken.next().await.unwrap().name, "mailer");
    until(|| other.counts() == (0, 0, 1)).await;
    stage.queue.send(changed("orders", "e-3"));

    // A queue that is no longer named is no trouble, and one whose account went is left alone.
    accounts.put("test", account(None, "2h"));
    until(|| accounts.events_failure("test").is_none()).await;
    accounts.remove(ACCOUNT);
    accounts.put("last", account(None, "1h"));
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    other.send(changed("orders", "e-4"));
    tokio::task::yield_now().await;
    assert_eq!((stage.queue.counts().0, other.counts()), (1, (1, 0, 1)));
}

/// An account whose spec names a queue.
fn naming(queue: &MemoryQueue, url: &str) -> Account {
    let account = account(Some(queue), "1h");
    let queue = Some(QueueUrl::parse(url).unwrap());
    Account { settings: AccountSettings { queue, ..account.settings }, ..account }
}

#[tokio::test]
async fn of_accounts_that_name_the_same_queue_one_listens_and_the_others_say_so() {
    const ONE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/one";
    const TWO: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/two";
    let mut stage = stage();
    let accounts = Arc::clone(&stage.listening.context.accounts);
    accounts.put("test", naming(&stage.queue, ONE));
    accounts.put(ACCOUNT, naming(&stage.queue, ONE));
    let task = tokio::spawn(listen(Arc::clone(&stage.listening)));
    assert_eq!(stage.woken_accounts.next().await.unwrap(), ObjectRef::new("test"));
    let why = accounts.events_failure("test").unwrap();
    assert_eq!(
        (why.kind, why.to_string().as_str()),
        (
            ErrorKind::Invalid,
            "events: `spec.events.aws.queueUrl` must be a queue of its own, and CloudAccount 'prod' names it too"
        )
    );
    // Only its own account takes what comes: nothing is deleted as somebody else's.
    stage.queue.send(changed("orders", "e-1"));
    assert_eq!(stage.woken.next().await.unwrap().name, "orders");
    assert_eq!(accounts.events_failure(ACCOUNT), None);

    // The other is heard as soon as the queue is its own.
    accounts.put(ACCOUNT, naming(&MemoryQueue::default(), TWO));
    stage.queue.send(changed("other", "e-2"));
    assert_eq!(stage.woken.next().await.unwrap().name, "other");
    until(|| accounts.events_failure("test").is_none()).await;
    task.abort();
}

/// A queue whose first message brings the listener down.
struct Poisoned {
    queue: MemoryQueue,
    met: AtomicBool,
}

#[async_trait]
impl EventQueue for Poisoned {
    async fn receive(&self) -> Result<Vec<Message>, CloudError> {
        assert!(self.met.swap(true, Ordering::SeqCst), "on purpose");
        self.queue.receive().await
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<(), CloudError> {
        self.queue.delete(receipts).await
    }
}

#[tokio::test]
async fn a_listener_that_panics_goes_on() {
    let mut stage = stage();
    let queue = Poisoned { queue: stage.queue.clone(), met: AtomicBool::new(false) };
    stage.queue.send(changed("orders", "e-1"));
    let task = tokio::spawn(attend(Arc::clone(&stage.listening), ACCOUNT.to_owned(), Arc::new(queue)));
    assert_eq!(stage.woken.next().await.unwrap().name, "orders");
    task.abort();
}
