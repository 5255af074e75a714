//! The queue of SQS in which the account tells what is done to it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use tokio::sync::OnceCell;

use super::trail::Reader;
use super::{AwsCloud, AwsEvents, errors};
use crate::cloud::{CloudError, EventQueue, MOST_AT_ONCE, Message, RateLimit, Receipt};

/// How long SQS holds a question while no message is there: the longest that it offers, because
/// a question that waits costs no more than one that does not.
const WAIT: Duration = Duration::from_secs(20);

/// The most calls per second. SQS counts its calls apart from IAM's and takes thousands: this
/// only keeps a flood of messages from keeping the operator busy.
const PACE: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);

/// One account's queue.
pub(super) struct AwsQueue {
    cloud: AwsCloud,
    sqs: aws_sdk_sqs::Client,
    events: AwsEvents,
    /// Known when the operator has asked who it is.
    reader: OnceCell<Reader>,
}

impl AwsQueue {
    /// Nothing is called yet. The queue has a pace of its own, so that no flood of messages takes
    /// the turns of sweeps and reconciliations. The queue's own region is asked, which may be another than the account's.
    pub(super) fn new(cloud: &AwsCloud, events: &AwsEvents) -> Self {
        let region = aws_config::Region::new(events.queue.region().to_owned());
        let times = super::times(cloud.connect_timeout, WAIT + cloud.call_timeout);
        let config = cloud.config.to_builder().region(region).timeout_config(times).build();
        Self {
            cloud: AwsCloud { rate: Arc::new(RateLimit::per_second(PACE)), ..cloud.clone() },
            sqs: aws_sdk_sqs::Client::new(&config),
            events: events.clone(),
            reader: OnceCell::new(),
        }
    }

    /// What records are read with. Who the operator is, is asked once.
    async fn reader(&self) -> Result<&Reader, CloudError> {
        const OPERATION: &str = "sts:GetCallerIdentity";
        let ask = || async {
            let answer = self.cloud.call(OPERATION, self.cloud.sts.get_caller_identity().send()).await?;
            let account = &self.cloud.account;
            Ok(Reader {
                account: account.account.to_string(),
                caller: answer.arn.ok_or_else(|| errors::incomplete(OPERATION, "the caller's ARN"))?,
                boundary: self.events.boundary.to_string(),
                provider: self.events.issuer.as_ref().map(|issuer| account.provider_arn(issuer)),
            })
        };
        self.reader.get_or_try_init(ask).await
    }
}

#[async_trait]
impl EventQueue for AwsQueue {
    async fn receive(&self) -> Result<Vec<Message>, CloudError> {
        let reader = self.reader().await?;
        let request = self
            .sqs
            .receive_message()
            .queue_url(self.events.queue.as_str())
            .max_number_of_messages(i32::try_from(MOST_AT_ONCE).unwrap_or(1))
            .wait_time_seconds(i32::try_from(WAIT.as_secs()).unwrap_or(0));
        let answer = self.cloud.call("sqs:ReceiveMessage", request.send()).await?;
        let messages = answer.messages.unwrap_or_default().into_iter().filter_map(|message| {
            let receipt = Receipt(message.receipt_handle?);
            Some(Message { receipt, record: reader.read(message.body.as_deref().unwrap_or_default()) })
        });
        Ok(messages.collect())
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<(), CloudError> {
        const OPERATION: &str = "sqs:DeleteMessageBatch";
        for some in receipts.chunks(MOST_AT_ONCE) {
            let mut entries = Vec::with_capacity(some.len());
            for (number, receipt) in some.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(&receipt.0);
                entries.push(entry.build().map_err(|error| errors::unbuildable(OPERATION, &error))?);
            }
            let request = self.sqs.delete_message_batch().queue_url(self.events.queue.as_str());
            let answer = self.cloud.call(OPERATION, request.set_entries(Some(entries)).send()).await?;
            // A receipt that is no longer valid belongs to a message that was deleted, or comes again.
            if let Some(failed) = answer.failed.iter().find(|failed| !failed.code.contains("ReceiptHandleIsInvalid")) {
                let message = failed.message.clone().unwrap_or_default();
                return Err(errors::from_answer(OPERATION, 400, &failed.code, &message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
