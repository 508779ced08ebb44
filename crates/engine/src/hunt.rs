//! A hunt: every input read once, every rule over every event, everything accounted for.
//!
//! Inputs are read by several threads, one input a thread. What they find is taken in the order of the inputs,
//! so that the alerts, the account and what counts as a duplicate do not depend on the number of threads. One job is
//! done without threads: what one thread makes and another gives back costs the allocator more.
//!
//! ```text
//!   inputs ──▶ worker: read, decode, scan ──▶ InputFindings ──(in order)──▶ duplicates, ledger, detect ──▶ sink
//!                     (as many as jobs)         at most 4 a job are waiting
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

use alert::AlertContext;
use ingest::dead_letter::DeadLetter;
use ingest::decode::{Check, Limits};
use ingest::duplicate::SeenEvents;
use ingest::ledger::{InputAccount, Ledger};

use crate::detect::{AlertSink, Detection};
use crate::error::EngineError;
use crate::indicators::{IndicatorAccount, IndicatorReader};
use crate::outcome::RuleOutcome;
use crate::plan::Plan;
use crate::read_input::{HuntInput, InputFindings, ReadBuffers, read_input};
use crate::shared_scan::{ScanSettings, SharedScan};
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
    let HuntOptions { scan, jobs, mut limits, max_signals, windows, alerts } = options;
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
    let mut account =
        Account { ledger: Ledger::new(), seen, seen_history, progress, detection, indicators, output };
    if jobs.get() == 1 {
        let (mut scanner, mut buffers) = (shared.scanner(), ReadBuffers::default());
        for input in inputs {
            let findings = read_input(input, &limits, keep_faults, &mut scanner, &mut buffers);
            account.take(input, findings)?;
        }
        return account.finish();
    }
    let turn = Turn::new(jobs.get() * AHEAD);
    std::thread::scope(|threads| {
        let (send, receive) = mpsc::channel::<(usize, InputFindings)>();
        for _ in 0..jobs.get().min(inputs.len()) {
            let (send, turn, shared, limits) = (send.clone(), &turn, &shared, &limits);
            threads.spawn(move || {
                let (mut scanner, mut buffers) = (shared.scanner(), ReadBuffers::default());
                while let Some(at) = turn.next(inputs.len()) {
                    let findings = read_input(&inputs[at], limits, keep_faults, &mut scanner, &mut buffers);
                    if send.send((at, findings)).is_err() {
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
    progress: InputProgress,
    detection: Detection<'p>,
    indicators: Vec<IndicatorAccount>,
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
        receive: &mpsc::Receiver<(usize, InputFindings)>,
        turn: &Turn,
    ) -> Result<(), EngineError> {
        let mut early: BTreeMap<usize, InputFindings> = BTreeMap::new();
        for (at, input) in inputs.iter().enumerate() {
            let findings = loop {
                if let Some(findings) = early.remove(&at) {
                    break findings;
                }
                // Every worker is gone and the input is missing: one of them panicked.
                let Ok((position, findings)) = receive.recv() else {
                    return Err(EngineError::Worker { input: input.name() });
                };
                early.insert(position, findings);
            };
            self.take(input, findings)?;
            turn.done();
        }
        Ok(())
    }

    fn finish(self) -> Result<HuntSummary, EngineError> {
        let Self { ledger, detection, indicators, output, .. } = self;
        let coverage = ledger.coverage();
        let rules = detection.finish(coverage.first_event().zip(coverage.last_event()), output.alerts)?;
        Ok(HuntSummary { ledger, rules, indicators })
    }

    fn take(&mut self, input: &HuntInput, findings: InputFindings) -> Result<(), EngineError> {
        let name = input.name();
        if let Some(letter) = &mut self.output.dead_letter {
            for fault in &findings.faults {
                letter
                    .write(&name, fault.offset, &fault.reason, &fault.bytes)
                    .map_err(EngineError::DeadLetter)?;
            }
        }
        self.progress.done += input.bytes();
        if findings.events.len() > self.seen.room() {
            let events = self.seen.len() + findings.events.len();
            let expected = self.progress.expected_events(events).max(events);
            self.seen.reserve(expected - self.seen.len());
        }
        let mut account = InputAccount::open(name.as_str());
        account.counts.add(&findings.dropped);
        for (key, event) in &findings.history {
            if self.seen_history.insert(*key) {
                self.detection.history(event)?;
            }
        }
        let mut found = findings.found.into_iter().peekable();
        // Counted by number first: names are looked up once an input and not once an event.
        let mut accounts = vec![0u64; findings.names.accounts.len()];
        let mut regions = vec![0u64; findings.names.regions.len()];
        let count = |counts: &mut [u64], number: Option<NonZeroU32>| {
            if let Some(count) = number.and_then(|number| counts.get_mut(number.get() as usize - 1)) {
                *count += 1;
            }
        };
        let (mut events, mut without_time) = (0, 0);
        for (position, note) in findings.events.iter().enumerate() {
            // Not `next_if`, which moves what it finds to and fro for every event.
            let is_found = found.peek().is_some_and(|(at, ..)| *at == position);
            let event = if is_found { found.next() } else { None };
            if !self.seen.insert(note.key) {
                account.add_duplicate();
                continue;
            }
            events += 1;
            without_time += u64::from(!note.has_time);
            count(&mut accounts, note.account);
            count(&mut regions, note.region);
            if let Some((_, time, event)) = event {
                self.detection.event(event, time, self.output.alerts)?;
            }
        }
        account.add_events(events, without_time, findings.times);
        account
            .coverage
            .add_names(findings.names.accounts.counted(&accounts), findings.names.regions.counted(&regions));
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
