//! A queue that tells of new objects in buckets: read, delivered, and only then deleted from the queue.
//!
//! Source: Amazon SQS Developer Guide, "Visibility timeout", "Short and long polling", "Dead-letter queues".

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName};
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::aws_clients::AwsClients;
use super::cloudtrail_key::not_a_log;
use super::delivery::{Delivery, LiveSource, Receipt, SetAside};
use super::s3_notification::{NotifiedObject, S3Message, read_s3_message};
use super::s3_object::{ObjectFailure, read_object};
use crate::decode::{Limits, SkipReason};
use crate::error::IngestError;
use crate::ledger::InputAccount;

/// Which queue, and how patient to be with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsSettings {
    /// What messages call the source.
    pub name: String,
    /// The address of the queue.
    pub queue_url: String,
    /// How long one request waits for messages: up to 20 seconds, which is the default.
    pub wait: Duration,
    /// How long a message stays hidden from others before that is extended. Extended at every third of it, as long as
    /// the message is under way. Default 5 minutes.
    pub visibility: Duration,
    /// After how long a message that could not be read or kept comes again. Default 1 minute.
    pub retry_after: Duration,
    /// A message whose object is missing or denied is set aside when it was received so often. Default 5. A redrive
    /// policy of the queue must allow for more, or it takes the message first.
    pub most_receives: u32,
    /// Larger objects are skipped, with the reason. Default 1 GiB.
    pub most_bytes: u64,
    /// Read the files of CloudTrail Insights too. Default no.
    pub insights: bool,
}

impl SqsSettings {
    /// The defaults.
    pub fn new(name: impl Into<String>, queue_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            queue_url: queue_url.into(),
            wait: Duration::from_secs(20),
            visibility: Duration::from_secs(300),
            retry_after: Duration::from_secs(60),
            most_receives: 5,
            most_bytes: Limits::default().decompressed_bytes as u64,
            insights: false,
        }
    }
}

/// A queue that tells of new objects. One delivery is one message.
///
/// A message is deleted in [`LiveSource::done`] and nowhere else. One that is no notification is set aside at once; one
/// whose object is missing or denied, when it was received [`SqsSettings::most_receives`] times. When the bucket
/// cannot be reached, the message goes back to the queue, however often.
#[derive(Debug)]
pub struct SqsSource {
    settings: SqsSettings,
    clients: AwsClients,
    /// Received, and not handed over yet.
    received: VecDeque<(Receipt, Message)>,
    hidden: Arc<Hidden>,
    heartbeat: JoinHandle<()>,
    next_receipt: u64,
}

/// The messages that others must not see.
#[derive(Debug, Default)]
struct Hidden {
    handles: Mutex<BTreeMap<Receipt, String>>,
    failures: AtomicU64,
}

impl Hidden {
    fn insert(&self, receipt: Receipt, handle: String) {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).insert(receipt, handle);
    }

    fn remove(&self, receipt: Receipt) -> Option<String> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).remove(&receipt)
    }

    fn all(&self) -> Vec<(Receipt, String)> {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.iter().map(|(receipt, handle)| (*receipt, handle.clone())).collect()
    }
}

/// What became of a message.
enum Read {
    Delivery(Delivery),
    /// It is to come again.
    Later,
}

impl SqsSource {
    /// Starts to keep what it will receive hidden from others; nothing is received yet. Must be called on a Tokio
    /// runtime with time and input-output enabled.
    pub fn new(settings: SqsSettings, clients: AwsClients) -> Self {
        let hidden = Arc::<Hidden>::default();
        let heartbeat = tokio::spawn(keep_hidden(
            clients.sqs.clone(),
            settings.queue_url.clone(),
            settings.visibility,
            Arc::clone(&hidden),
        ));
        Self { settings, clients, received: VecDeque::new(), hidden, heartbeat, next_receipt: 0 }
    }

    /// How often a message could not be kept hidden from others; it may then come twice.
    pub fn visibility_failures(&self) -> u64 {
        self.hidden.failures.load(Ordering::Relaxed)
    }

    async fn receive(&mut self) -> Result<(), IngestError> {
        let answer = self
            .clients
            .sqs
            .receive_message()
            .queue_url(&self.settings.queue_url)
            .max_number_of_messages(10)
            .wait_time_seconds(seconds(self.settings.wait))
            .visibility_timeout(seconds(self.settings.visibility))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await
            .map_err(|error| self.error("receive messages", error))?;
        for message in answer.messages.unwrap_or_default() {
            let receipt = Receipt(self.next_receipt);
            self.next_receipt += 1;
            self.hidden.insert(receipt, message.receipt_handle().unwrap_or_default().to_owned());
            self.received.push_back((receipt, message));
        }
        Ok(())
    }

    /// Reads all objects that a message names.
    async fn read(&self, receipt: Receipt, message: &Message) -> Result<Read, IngestError> {
        let (id, body) = (message.message_id().unwrap_or_default(), message.body().unwrap_or_default());
        let mut delivery = Delivery::empty(receipt);
        let set_aside = |reason| SetAside::new(&self.settings.name, id, reason, body);
        match read_s3_message(body) {
            Err(error) => delivery.set_aside.push(set_aside(error.to_string())),
            Ok(S3Message::Test) => {
                let name = format!("{} message {id}", self.settings.name);
                delivery.skipped.push(InputAccount::skipped(name, SkipReason::TestMessage));
            }
            Ok(S3Message::Objects(objects)) => {
                for object in objects {
                    match self.read_object(&object).await {
                        Ok(input) => delivery.inputs.push(input),
                        Err(ObjectFailure::Skip(reason)) => {
                            delivery.skipped.push(InputAccount::skipped(object.name(), reason));
                        }
                        Err(ObjectFailure::Unreadable(_))
                            if receives(message) < self.settings.most_receives =>
                        {
                            return Ok(Read::Later);
                        }
                        Err(ObjectFailure::Unreadable(reason)) => {
                            delivery.set_aside.push(set_aside(format!("{}: {reason}", object.name())));
                        }
                        Err(ObjectFailure::Unreachable(source)) => {
                            return Err(self.boxed_error(format!("read {}", object.name()), source));
                        }
                    }
                }
            }
        }
        Ok(Read::Delivery(delivery))
    }

    async fn read_object(&self, object: &NotifiedObject) -> Result<super::Input, ObjectFailure> {
        if let Some(what) = &object.not_created {
            return Err(ObjectFailure::Skip(SkipReason::NotCreated(what.clone())));
        }
        if let Some(reason) = not_a_log(&object.key, self.settings.insights) {
            return Err(ObjectFailure::Skip(reason));
        }
        let region = object.region.as_deref();
        read_object(&self.clients.s3, &object.bucket, &object.key, region, self.settings.most_bytes).await
    }

    /// Lets others see a message again, after a while.
    async fn release(&self, receipt: Receipt) -> Result<(), IngestError> {
        let Some(handle) = self.hidden.remove(receipt) else { return Ok(()) };
        self.clients
            .sqs
            .change_message_visibility()
            .queue_url(&self.settings.queue_url)
            .receipt_handle(handle)
            .visibility_timeout(seconds(self.settings.retry_after))
            .send()
            .await
            .map_err(|error| self.error("give a message back", error))?;
        Ok(())
    }

    fn error(&self, action: &str, source: impl std::error::Error + Send + Sync + 'static) -> IngestError {
        self.boxed_error(action.to_owned(), Box::new(source))
    }

    fn boxed_error(&self, action: String, source: Box<dyn std::error::Error + Send + Sync>) -> IngestError {
        IngestError::Source { name: self.settings.name.clone(), action, source }
    }
}

#[async_trait]
impl LiveSource for SqsSource {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn next(&mut self, _now: Timestamp) -> Result<Option<Delivery>, IngestError> {
        loop {
            if self.received.is_empty() {
                self.receive().await?;
            }
            // It stays in its place until it was read, in case that nobody waits for the answer any more.
            let Some((receipt, message)) = self.received.front().cloned() else { return Ok(None) };
            let read = self.read(receipt, &message).await;
            self.received.pop_front();
            match read {
                Ok(Read::Delivery(delivery)) => return Ok(Some(delivery)),
                Ok(Read::Later) => self.release(receipt).await?,
                Err(error) => {
                    // The first error says more than that of giving the message back.
                    let _ = self.release(receipt).await;
                    return Err(error);
                }
            }
        }
    }

    fn would_wait(&self) -> bool {
        self.received.is_empty()
    }

    async fn done(&mut self, receipt: Receipt) -> Result<(), IngestError> {
        let Some(handle) = self.hidden.remove(receipt) else { return Ok(()) };
        self.clients
            .sqs
            .delete_message()
            .queue_url(&self.settings.queue_url)
            .receipt_handle(handle)
            .send()
            .await
            .map_err(|error| self.error("delete a message", error))?;
        Ok(())
    }

    async fn failed(&mut self, receipt: Receipt, _reason: &str) -> Result<(), IngestError> {
        self.release(receipt).await
    }
}

impl Drop for SqsSource {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// Extends the time for which messages under way are hidden, for ever.
async fn keep_hidden(client: Client, queue_url: String, visibility: Duration, hidden: Arc<Hidden>) {
    loop {
        tokio::time::sleep(visibility / 3).await;
        for batch in hidden.all().chunks(10) {
            let entries = batch.iter().filter_map(|(receipt, handle)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(receipt.0.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(seconds(visibility))
                    .build()
                    .ok()
            });
            let request = client.change_message_visibility_batch().queue_url(&queue_url);
            let failures = match request.set_entries(Some(entries.collect())).send().await {
                Ok(answer) => answer.failed().len(),
                Err(_) => batch.len(),
            };
            hidden.failures.fetch_add(failures as u64, Ordering::Relaxed);
        }
    }
}

fn receives(message: &Message) -> u32 {
    let count = MessageSystemAttributeName::ApproximateReceiveCount;
    message.attributes().and_then(|attributes| attributes.get(&count)?.parse().ok()).unwrap_or(1)
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
