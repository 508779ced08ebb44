//! From sources into the lake: deliveries are decoded, their events committed, and only then the source hears of it.
//!
//! Every input leaves a line in the lake as well, in the data stream of [`INPUTS`]: its account.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ecs::{DataStream, Document, Timestamp};
use ingest::decode::Outcome;
use ingest::decode::{Buffers, Limits};
use ingest::enrich::Enrichment;
use ingest::events::{EventContext, events_of};
use ingest::ledger::InputAccount;
use ingest::source::{Delivery, LiveSource, Receipt};
use lake::{Event, Lake};
use state::{PoisonDelivery, Store};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::error::ServerError;
use crate::log::Log;
use crate::scheduler::with_causes;

/// The data set in which each input that was taken in leaves its account.
pub const INPUTS: &str = "bartizan.input";

/// The key under which a source's checkpoint is kept.
const CHECKPOINT: &str = "checkpoint";

/// So many deliveries are committed together at most.
const MOST_TOGETHER: usize = 16;

/// How much came in.
#[derive(Debug, Default)]
pub struct IntakeCounts {
    /// Events that are in the lake.
    pub events: AtomicU64,
    /// Events that were there already.
    pub duplicates: AtomicU64,
    /// Records that became nothing, each with a reason in the account of its input.
    pub dropped: AtomicU64,
    /// Inputs.
    pub inputs: AtomicU64,
    /// Deliveries that were set aside.
    pub set_aside: AtomicU64,
    /// Times that a source or a commit failed; what failed comes again.
    pub failures: AtomicU64,
}

/// What takes events in.
#[derive(Clone)]
pub struct Intake {
    /// Where events go.
    pub lake: Lake,
    /// Where checkpoints and what was set aside go.
    pub store: Arc<dyn Store>,
    /// Databases for addresses, and user agents.
    pub enrichment: Arc<Enrichment>,
    /// How much came in.
    pub counts: Arc<IntakeCounts>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where what happens is written.
    pub log: Log,
    /// What is told to be done is in the lake's files, not in the log of this machine alone: another node may go on from
    /// there.
    pub flushes_first: bool,
}

impl Intake {
    /// Asks a source again and again until told to stop, as long as this node is the active one. What fails is logged,
    /// counted and tried again.
    pub async fn run(
        &self,
        mut source: Box<dyn LiveSource>,
        is_active: &AtomicBool,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut wait = Duration::from_secs(1);
        while !*stop.borrow() {
            if !is_active.load(Ordering::Relaxed) {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            let pause = match self.turn(&mut *source).await {
                Ok(0) => Duration::from_secs(1),
                Ok(_) => {
                    wait = Duration::from_secs(1);
                    continue;
                }
                Err(error) => {
                    self.counts.failures.fetch_add(1, Ordering::Relaxed);
                    self.log.error("source", source.name(), &with_causes(&error));
                    wait = (wait * 2).min(Duration::from_secs(60));
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Takes what a source has at present; how many deliveries there were.
    ///
    /// # Errors
    /// When the source, the lake or the state fails. What was not acknowledged comes again.
    pub async fn turn(&self, source: &mut dyn LiveSource) -> Result<usize, ServerError> {
        let now = self.clock.now();
        let mut deliveries = Vec::new();
        // What is at hand does not wait for what may come.
        while deliveries.is_empty() || deliveries.len() < MOST_TOGETHER && !source.would_wait() {
            match source.next(now).await {
                Ok(Some(delivery)) => deliveries.push(delivery),
                Ok(None) => break,
                // What came before the fault is taken all the same.
                Err(error) if deliveries.is_empty() => return Err(error.into()),
                Err(error) => {
                    self.log.error("source", source.name(), &with_causes(&error));
                    break;
                }
            }
        }
        let receipts: Vec<Receipt> = deliveries.iter().map(|delivery| delivery.receipt).collect();
        if let Err(error) = self.commit(source.name(), deliveries, now).await {
            let reason = with_causes(&error);
            for receipt in receipts {
                source.failed(receipt, &reason).await?;
            }
            return Err(error);
        }
        for receipt in &receipts {
            source.done(*receipt).await?;
        }
        if !receipts.is_empty()
            && let Some(checkpoint) = source.checkpoint()
        {
            self.store.put_checkpoint(source.name(), CHECKPOINT, &checkpoint, now).await?;
        }
        Ok(receipts.len())
    }

    /// Where a source went on from after a restart; `None` for the beginning.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn checkpoint(&self, source: &str) -> Result<Option<Vec<u8>>, ServerError> {
        Ok(self.store.checkpoint(source, CHECKPOINT).await?)
    }

    async fn commit(
        &self,
        source: &str,
        deliveries: Vec<Delivery>,
        now: Timestamp,
    ) -> Result<(), ServerError> {
        for set_aside in deliveries.iter().flat_map(|delivery| &delivery.set_aside) {
            let poison = PoisonDelivery {
                source: set_aside.source.clone(),
                id: set_aside.id.clone(),
                reason: set_aside.reason.clone(),
                body_excerpt: set_aside.excerpt.clone(),
                time: now,
            };
            self.store.add_poison(poison).await?;
            self.counts.set_aside.fetch_add(1, Ordering::Relaxed);
            self.log.error("source", source, &format!("set aside {}: {}", set_aside.id, set_aside.reason));
        }
        let (this, source) = (self.clone(), source.to_owned());
        let work = move || this.commit_inputs(&source, deliveries, now);
        tokio::task::spawn_blocking(work).await.map_err(|error| ServerError::Defect(error.to_string()))?
    }

    fn commit_inputs(
        &self,
        source: &str,
        deliveries: Vec<Delivery>,
        now: Timestamp,
    ) -> Result<(), ServerError> {
        let limits = Limits::default();
        let context = EventContext::new(now, &self.enrichment, &limits);
        let mut buffers = Buffers::default();
        let mut accounts = Vec::new();
        for delivery in deliveries {
            accounts.extend(delivery.skipped);
            for input in &delivery.inputs {
                let decoded = events_of(input, &context, &mut buffers);
                let mut account = decoded.account;
                let mut streams: BTreeMap<String, (DataStream, Vec<Event>)> = BTreeMap::new();
                for event in decoded.events {
                    let (_, events) = streams
                        .entry(event.data_stream.name())
                        .or_insert_with(|| (event.data_stream.clone(), Vec::new()));
                    events.push(Event { id: event.id, document: event.document, raw: event.raw });
                }
                for (stream, events) in streams.into_values() {
                    let receipt = self.append(&stream, events)?;
                    account.move_to_duplicates(receipt.1);
                }
                accounts.push(account);
            }
        }
        for account in accounts {
            self.account(source, &account)?;
        }
        self.settle()
    }

    /// To be called between appends and what tells their sender that they are done.
    ///
    /// # Errors
    /// When the lake's files cannot be written; then nobody is to be told.
    pub fn settle(&self) -> Result<(), ServerError> {
        if self.flushes_first {
            self.lake.flush()?;
        }
        Ok(())
    }

    /// Appends events; how many were new and how many were there.
    ///
    /// # Errors
    /// When the lake cannot take them.
    pub fn append(&self, stream: &DataStream, events: Vec<Event>) -> Result<(u64, u64), ServerError> {
        let receipt = self.lake.append(stream, events, self.clock.now())?;
        self.counts.events.fetch_add(receipt.appended, Ordering::Relaxed);
        self.counts.duplicates.fetch_add(receipt.duplicates, Ordering::Relaxed);
        Ok((receipt.appended, receipt.duplicates))
    }

    /// Keeps the account of an input, in the lake and in the log.
    fn account(&self, source: &str, account: &InputAccount) -> Result<(), ServerError> {
        let now = self.clock.now();
        let counts = &account.counts;
        self.counts.inputs.fetch_add(1, Ordering::Relaxed);
        self.counts.dropped.fetch_add(counts.dropped(), Ordering::Relaxed);
        let outcome = match &account.outcome {
            Outcome::Read => "read".to_owned(),
            Outcome::PartlyRead { offset, reason } => format!("partly read: {reason} at byte {offset}"),
            Outcome::Skipped(reason) => format!("skipped: {reason}"),
        };
        let mut document = Document::new();
        document.set("@timestamp", format!("{now:.3}"));
        document.set("event.kind", "state");
        document.set("event.dataset", INPUTS);
        document.set("log.file.path", account.name.as_str());
        document.set("bartizan.input.source", source);
        document.set("bartizan.input.outcome", outcome.as_str());
        document.set("bartizan.input.bytes", counts.bytes_in);
        document.set("bartizan.input.records", counts.records_in);
        document.set("bartizan.input.events", counts.events);
        document.set("bartizan.input.duplicates", counts.duplicates);
        document.set("bartizan.input.dropped", counts.dropped());
        let reasons: Vec<String> = counts.drops.iter().map(|(reason, n)| format!("{reason}: {n}")).collect();
        if !reasons.is_empty() {
            document.set("bartizan.input.reasons", reasons);
        }
        self.log.input(source, &account.name, &outcome, counts.records_in, counts.events, counts.dropped());
        let id = format!("{source} {} {now}", account.name);
        self.lake.append(&DataStream::logs(INPUTS), vec![Event { id, document, raw: None }], now)?;
        Ok(())
    }
}
