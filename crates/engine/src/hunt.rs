//! A hunt: every input read once, every rule over every event, everything accounted for.
//!
//! Inputs are read by several threads, one input a thread. What they find is taken in the order of the inputs,
//! so that the alerts, the account and what counts as a duplicate do not depend on the number of threads. One job is
//! done without threads: what one thread makes and another gives back costs the allocator more. It takes each hit as soon
//! as it is found, while the processor's cache still has it.
//!
//! ```text
//!   inputs ──▶ worker: read, decode, scan ──▶ InputEvents ──(in order)──▶ duplicates, detect ──▶ sink
//!                     (as many as jobs)   └──▶ InputFindings ──(in order)──▶ ledger
//!                                              at most 4 a job are waiting
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

use alert::AlertContext;
use ecs::Timestamp;
use ingest::dead_letter::DeadLetter;
use ingest::decode::{Check, Limits};
use ingest::duplicate::{EventKey, SeenEvents};
use ingest::ledger::{InputAccount, Ledger};
use triage::evidence::Evidence;

use crate::detect::{AlertSink, Detection};
use crate::error::EngineError;
use crate::indicators::{IndicatorAccount, IndicatorReader};
use crate::outcome::RuleOutcome;
use crate::plan::Plan;
use crate::read_input::{
    EventNote, HuntInput, InputEvents, InputFindings, ReadBuffers, TakeEvents, read_input,
};
use crate::shared_scan::{FoundEvent, ScanSettings, SharedScan};
use crate::windows::Windows;

/// How to hunt.
#[derive(Debug)]
pub struct HuntOptions<'p> {
    /// Which events, and what is known of fields and addresses.
    pub scan: ScanSettings<'p>,
    /// Threads that read and scan.
    pub jobs: NonZeroUsize,
    /// Caps on what one input may cost.
    pub limits: Limits,
    /// The most alerts of one rule, the oldest; `None` for no cap.
    pub max_signals: Option<u32>,
    /// How rules are run whose meaning depends on their window.
    pub windows: Windows,
    /// What alerts say of this run.
    pub alerts: AlertContext,
    /// Whether to see every event for investigations, whatever the range.
    pub investigates: bool,
}

/// What happens during a hunt, for progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HuntEvent {
    /// Once, at the start.
    Started {
        /// How many inputs there are.
        inputs: usize,
        /// Their size as stored, as far as known.
        bytes: u64,
    },
    /// An input is done. Inputs are done in their order.
    InputDone {
        /// What the ledger calls it.
        name: String,
        /// Its size as stored.
        bytes: u64,
        /// Records that came in.
        records: u64,
    },
}

/// The account of a hunt.
#[derive(Debug)]
pub struct HuntSummary {
    /// Every input and every record.
    pub ledger: Ledger,
    /// Every rule.
    pub rules: Vec<RuleOutcome>,
    /// Every file of indicators, in the order of [`Plan::indicators`].
    pub indicators: Vec<IndicatorAccount>,
    /// What was seen for investigations; `None` when that was not asked for.
    pub evidence: Option<Evidence>,
}

/// Where a hunt hands over what it finds while it runs.
pub struct HuntOutput<'o> {
    /// Takes the alerts.
    pub alerts: &'o mut dyn AlertSink,
    /// Keeps what could not be read.
    pub dead_letter: Option<&'o mut DeadLetter<Box<dyn Write>>>,
    /// Is told how far the hunt is.
    pub progress: &'o mut dyn FnMut(HuntEvent),
}

/// How many inputs a thread may be ahead of the first that is not done, so that memory stays bounded.
const AHEAD: usize = 4;

/// Runs the rules of a plan over all inputs.
///
/// # Errors
/// When alerts or dead letters cannot be handed over. Whatever is wrong with inputs and rules is in the summary.
pub fn hunt(
    plan: &Plan<'_>,
    inputs: &[HuntInput],
    options: HuntOptions<'_>,
    output: HuntOutput<'_>,
) -> Result<HuntSummary, EngineError> {
    let HuntOptions { scan, jobs, mut limits, max_signals, windows, alerts, investigates } = options;
    // The scan itself checks each record that it takes.
    limits.check = Check::Outline;
    let shared = SharedScan::new(plan, scan).with_history(windows);
    let mut detection = Detection::new(plan, alerts, max_signals).over(windows, scan.range);
    let mut reader = IndicatorReader::new(scan.now);
    let mut indicators = Vec::with_capacity(plan.indicators.len());
    for file in &plan.indicators {
        indicators.push(reader.read(file, &mut |indicator| detection.indicator(&indicator))?);
    }
    let progress = InputProgress { bytes: inputs.iter().map(HuntInput::bytes).sum(), done: 0 };
    (output.progress)(HuntEvent::Started { inputs: inputs.len(), bytes: progress.bytes });
    let keep_faults = output.dead_letter.is_some();
    let seen = SeenEvents::new();
    let seen_history = SeenEvents::new();
    let mut account = Account {
        ledger: Ledger::new(),
        seen,
        seen_history,
        seen_outside: SeenEvents::new(),
        progress,
        detection,
        indicators,
        evidence: investigates.then(Evidence::default),
        output,
    };
    if jobs.get() == 1 {
        let (mut scanner, mut buffers) = (shared.scanner(), ReadBuffers::default());
        for input in inputs {
            account.make_room(buffers.last_events());
            if investigates {
                scanner.begin_sightings(&input.name());
            }
            let mut taken = TakenEvents::of(&mut account);
            let findings = read_input(input, &limits, keep_faults, &mut scanner, &mut buffers, &mut taken);
            let counts = taken.counts()?;
            account.take(input, findings, &counts)?;
        }
        return account.finish();
    }
    let turn = Turn::new(jobs.get() * AHEAD);
    std::thread::scope(|threads| {
        let (send, receive) = mpsc::channel::<(usize, (InputFindings, InputEvents))>();
        for _ in 0..jobs.get().min(inputs.len()) {
            let (send, turn, shared, limits) = (send.clone(), &turn, &shared, &limits);
            threads.spawn(move || {
                let (mut scanner, mut buffers) = (shared.scanner(), ReadBuffers::default());
                while let Some(at) = turn.next(inputs.len()) {
                    let mut events = InputEvents::with_room(&buffers);
                    if investigates {
                        scanner.begin_sightings(&inputs[at].name());
                    }
                    let findings =
                        read_input(&inputs[at], limits, keep_faults, &mut scanner, &mut buffers, &mut events);
                    if send.send((at, (findings, events))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let result = account.take_in_order(inputs, &receive, &turn);
        // Whatever came of it, nobody must wait for a turn that will not come.
        turn.stop();
        result
    })?;
    account.finish()
}

/// Hands out the positions of inputs, none too far ahead of the first that is not done.
#[derive(Debug)]
struct Turn {
    state: Mutex<TurnState>,
    moved: Condvar,
    ahead: usize,
}

#[derive(Debug, Default)]
struct TurnState {
    next: usize,
    done: usize,
    stopped: bool,
}

impl Turn {
    fn new(ahead: usize) -> Self {
        Self { state: Mutex::default(), moved: Condvar::new(), ahead }
    }

    /// Waits for a position; `None` when there are no more.
    fn next(&self, inputs: usize) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped || state.next >= inputs {
                return None;
            }
            if state.next < state.done + self.ahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).done += 1;
        self.moved.notify_all();
    }

    fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.moved.notify_all();
    }
}

/// What is known of the inputs that were taken so far.
struct Account<'p, 'o> {
    ledger: Ledger,
    seen: SeenEvents,
    /// Those that are history. The account has them as outside of the range, so they are no duplicates there.
    seen_history: SeenEvents,
    /// Those outside of the range, as far as investigations see them.
    seen_outside: SeenEvents,
    progress: InputProgress,
    detection: Detection<'p>,
    indicators: Vec<IndicatorAccount>,
    evidence: Option<Evidence>,
    output: HuntOutput<'o>,
}

/// How far the inputs are taken, in bytes as stored.
#[derive(Debug, Clone, Copy)]
struct InputProgress {
    /// Of all inputs whose size is known.
    bytes: u64,
    done: u64,
}

/// Room is made for at most so many events on the strength of a guess.
const MOST_GUESSED: f64 = (1 << 20) as f64;

impl InputProgress {
    /// How many events all inputs will have had, when those done had so many. A guess.
    fn expected_events(self, events: usize) -> usize {
        let share = self.done.max(1) as f64 / self.bytes.max(1) as f64;
        (events as f64 / share).min(MOST_GUESSED) as usize
    }
}

impl Account<'_, '_> {
    fn take_in_order(
        &mut self,
        inputs: &[HuntInput],
        receive: &mpsc::Receiver<(usize, (InputFindings, InputEvents))>,
        turn: &Turn,
    ) -> Result<(), EngineError> {
        let mut early = BTreeMap::new();
        for (at, input) in inputs.iter().enumerate() {
            let (findings, events) = loop {
                if let Some(findings) = early.remove(&at) {
                    break findings;
                }
                // Every worker is gone and the input is missing: one of them panicked.
                let Ok((position, findings)) = receive.recv() else {
                    return Err(EngineError::Worker { input: input.name() });
                };
                early.insert(position, findings);
            };
            self.make_room(events.len());
            let mut taken = TakenEvents::of(self);
            events.hand_over(&mut taken);
            let counts = taken.counts()?;
            self.take(input, findings, &counts)?;
            turn.done();
        }
        Ok(())
    }

    fn finish(self) -> Result<HuntSummary, EngineError> {
        let Self { ledger, detection, indicators, evidence, output, .. } = self;
        let coverage = ledger.coverage();
        let rules = detection.finish(coverage.first_event().zip(coverage.last_event()), output.alerts)?;
        Ok(HuntSummary { ledger, rules, indicators, evidence })
    }

    /// Makes room for an input with so many events, or so many as are guessed.
    fn make_room(&mut self, coming: usize) {
        if coming > self.seen.room() {
            let known = self.seen.len();
            let expected = self.progress.expected_events(known).max(known + coming);
            self.seen.reserve(expected - known);
        }
    }

    /// Takes what an input gave beside its events, which were taken.
    fn take(
        &mut self,
        input: &HuntInput,
        findings: InputFindings,
        counts: &EventCounts,
    ) -> Result<(), EngineError> {
        let name = input.name();
        if let Some(letter) = &mut self.output.dead_letter {
            for fault in &findings.faults {
                letter
                    .write(&name, fault.offset, &fault.reason, &fault.bytes)
                    .map_err(EngineError::DeadLetter)?;
            }
        }
        if let (Some(evidence), Some(sightings)) = (&mut self.evidence, findings.sightings) {
            sightings.give_to(evidence, &counts.is_new, &mut self.seen_outside);
        }
        self.progress.done += input.bytes();
        let mut account = InputAccount::open(name.as_str());
        account.counts.add(&findings.dropped);
        for _ in 0..counts.duplicates {
            account.add_duplicate();
        }
        account.add_events(counts.events, counts.without_time, findings.times);
        let names = &findings.names;
        account
            .coverage
            .add_names(names.accounts.counted(&counts.accounts), names.regions.counted(&counts.regions));
        match (findings.decoded, findings.unreadable) {
            (Some(decoded), _) => account.close(&decoded, findings.bytes_in, findings.late_fault),
            (None, reason) => {
                let reason = reason.unwrap_or(ingest::decode::SkipReason::Empty);
                account = InputAccount::skipped(name.as_str(), reason);
            }
        }
        let (bytes, records) = (input.bytes(), account.counts.records_in);
        self.ledger.add(account);
        (self.output.progress)(HuntEvent::InputDone { name, bytes, records });
        Ok(())
    }
}

/// Events of one input on their way into the account and to the rules.
struct TakenEvents<'a, 'p, 'o> {
    account: &'a mut Account<'p, 'o>,
    counts: EventCounts,
    /// Events since the last hit. Looking up many ids in a row is faster than one now and then.
    notes: Vec<EventNote>,
    /// The first thing that went wrong; nothing is taken after it.
    failed: Option<EngineError>,
}

/// How many events of one input were taken.
#[derive(Debug, Default)]
struct EventCounts {
    events: u64,
    without_time: u64,
    duplicates: u64,
    /// Of each event in turn, whether it is none; empty unless investigations ask.
    is_new: Vec<bool>,
    notes_new: bool,
    /// By number: names are looked up once an input and not once an event.
    accounts: Vec<u64>,
    regions: Vec<u64>,
}

impl EventCounts {
    /// Counts an event; false when it is a duplicate.
    fn note(&mut self, note: &EventNote, seen: &mut SeenEvents) -> bool {
        let is_new = seen.insert(note.key);
        if self.notes_new {
            self.is_new.push(is_new);
        }
        if is_new {
            self.events += 1;
            self.without_time += u64::from(!note.has_time);
            count(&mut self.accounts, note.account);
            count(&mut self.regions, note.region);
        } else {
            self.duplicates += 1;
        }
        is_new
    }
}

/// So many events wait for a hit to come.
const MOST_NOTES: usize = 1024;

impl<'a, 'p, 'o> TakenEvents<'a, 'p, 'o> {
    fn of(account: &'a mut Account<'p, 'o>) -> Self {
        let counts = EventCounts { notes_new: account.evidence.is_some(), ..EventCounts::default() };
        Self { account, counts, notes: Vec::with_capacity(MOST_NOTES), failed: None }
    }

    fn counts(mut self) -> Result<EventCounts, EngineError> {
        self.take_notes();
        self.failed.map_or(Ok(self.counts), Err)
    }

    fn take_notes(&mut self) {
        for note in self.notes.drain(..) {
            self.counts.note(&note, &mut self.account.seen);
        }
    }
}

impl TakeEvents for TakenEvents<'_, '_, '_> {
    fn event(&mut self, note: EventNote, found: Option<(Option<Timestamp>, FoundEvent)>) {
        if self.failed.is_some() {
            return;
        }
        let Some((time, event)) = found else {
            self.notes.push(note);
            if self.notes.len() == MOST_NOTES {
                self.take_notes();
            }
            return;
        };
        self.take_notes();
        let account = &mut *self.account;
        if self.counts.note(&note, &mut account.seen) {
            self.failed = account.detection.event(event, time, account.output.alerts).err();
        }
    }

    fn history(&mut self, key: EventKey, event: FoundEvent) {
        if self.failed.is_none() && self.account.seen_history.insert(key) {
            self.failed = self.account.detection.history(&event).err();
        }
    }
}

fn count(counts: &mut Vec<u64>, number: Option<NonZeroU32>) {
    let Some(at) = number.map(|number| number.get() as usize - 1) else { return };
    if at >= counts.len() {
        counts.resize(at + 1, 0);
    }
    counts[at] += 1;
}
