//! One input read, decoded and scanned, without looking at any other: the part of a hunt that threads share out.

use std::num::NonZeroU32;

use ecs::Timestamp;
use ingest::decode::{
    Decoded, Fault, FaultReason, Item, Limits, RecordKind, SkipReason, StreamBuffers, Streamed, decode_stream,
};
use ingest::duplicate::EventKey;
use ingest::ledger::{Counts, DropReason};
use ingest::source::{InputFile, stdin};

use crate::shared_scan::{EventNames, FoundEvent, Scanner};
use crate::sightings::Sightings;

/// Something to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HuntInput {
    /// A file.
    File(InputFile),
    /// Standard input.
    Stdin,
    /// Bytes at hand, in any form that a file may have.
    Memory {
        /// What to call them.
        name: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Something that was found and cannot be read.
    Unreadable {
        /// Its path.
        name: String,
        /// Why not.
        reason: SkipReason,
    },
}

impl HuntInput {
    /// What the ledger calls it.
    pub fn name(&self) -> String {
        match self {
            Self::File(file) => file.name(),
            Self::Stdin => stdin::NAME.to_owned(),
            Self::Memory { name, .. } | Self::Unreadable { name, .. } => name.clone(),
        }
    }

    /// Its size as stored, where that is known beforehand.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.bytes,
            Self::Memory { bytes, .. } => bytes.len() as u64,
            Self::Stdin | Self::Unreadable { .. } => 0,
        }
    }
}

/// What one input gave beside its events.
///
/// It grows, with a dead letter to be written, by the faults. The input itself is not in it.
#[derive(Debug, Default)]
pub(crate) struct InputFindings {
    /// `None` when it could not be opened.
    pub(crate) decoded: Option<Decoded>,
    /// What kept it from being read, or from being read to its end.
    pub(crate) unreadable: Option<SkipReason>,
    /// As stored.
    pub(crate) bytes_in: u64,
    /// Records that gave no event, by reason.
    pub(crate) dropped: Counts,
    /// The first and the last time of the events that have one.
    pub(crate) times: Option<(Timestamp, Timestamp)>,
    /// Accounts and regions that the records name.
    pub(crate) names: EventNames,
    /// What could not be read, in order, for the dead letter; empty without one.
    pub(crate) faults: Vec<FaultNote>,
    /// The first record that was handed over and turned out to be no JSON.
    pub(crate) late_fault: Option<(u64, FaultReason)>,
    /// What investigations see of it, when there will be any.
    pub(crate) sightings: Option<Sightings>,
}

/// Takes the events of an input, in their order.
pub(crate) trait TakeEvents {
    /// Takes an event; with its time and itself, when it is a hit.
    fn event(&mut self, note: EventNote, found: Option<(Option<Timestamp>, FoundEvent)>);

    /// Takes an event before the range that is history for some rule, or an indicator outside of it. It is counted as
    /// outside of the range.
    fn history(&mut self, key: EventKey, event: FoundEvent);
}

/// The events of an input whose turn has not come.
///
/// It grows with the input by an [`EventNote`] an event, and by the events that are hits.
#[derive(Debug)]
pub(crate) struct InputEvents {
    notes: Vec<EventNote>,
    /// How many notes lie before it, the time, and the event.
    found: Vec<(usize, Option<Timestamp>, FoundEvent)>,
    /// How many notes lie before it, its key, and the event.
    history: Vec<(usize, EventKey, FoundEvent)>,
}

impl InputEvents {
    /// None yet, with room for as many as the last input had that was read with the same buffers.
    pub(crate) fn with_room(buffers: &ReadBuffers) -> Self {
        let notes = Vec::with_capacity(buffers.events.min(MOST_EXPECTED));
        Self { notes, found: Vec::new(), history: Vec::new() }
    }

    /// How many there are, without history.
    pub(crate) fn len(&self) -> usize {
        self.notes.len()
    }

    /// Hands them on.
    pub(crate) fn hand_over(self, to: &mut dyn TakeEvents) {
        let mut found = self.found.into_iter().peekable();
        let mut history = self.history.into_iter().peekable();
        for (position, note) in self.notes.into_iter().enumerate() {
            while let Some((_, key, event)) = history.next_if(|(at, ..)| *at <= position) {
                to.history(key, event);
            }
            // Not `next_if`, which moves what it finds to and fro for every event.
            let is_found = found.peek().is_some_and(|(at, ..)| *at == position);
            let event = if is_found { found.next() } else { None };
            to.event(note, event.map(|(_, time, event)| (time, event)));
        }
        for (_, key, event) in history {
            to.history(key, event);
        }
    }
}

impl TakeEvents for InputEvents {
    fn event(&mut self, note: EventNote, found: Option<(Option<Timestamp>, FoundEvent)>) {
        self.found.extend(found.map(|(time, event)| (self.notes.len(), time, event)));
        self.notes.push(note);
    }

    fn history(&mut self, key: EventKey, event: FoundEvent) {
        self.history.push((self.notes.len(), key, event));
    }
}

/// What the account needs of an event: few bytes, since there are many.
#[derive(Debug)]
pub(crate) struct EventNote {
    pub(crate) key: EventKey,
    /// A number of its accounts.
    pub(crate) account: Option<NonZeroU32>,
    /// A number of its regions.
    pub(crate) region: Option<NonZeroU32>,
    /// Does the record say when it happened?
    pub(crate) has_time: bool,
}

/// A fault, with its bytes.
#[derive(Debug)]
pub(crate) struct FaultNote {
    pub(crate) offset: u64,
    pub(crate) reason: FaultReason,
    pub(crate) bytes: Vec<u8>,
}

/// What one thread uses again from input to input.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffers {
    stream: StreamBuffers,
    /// How many events the last input had: a guess at the next one's.
    events: usize,
}

impl ReadBuffers {
    /// How many events the last input had.
    pub(crate) fn last_events(&self) -> usize {
        self.events
    }
}

/// Memory is set aside for at most so many events beforehand.
const MOST_EXPECTED: usize = 1 << 14;

/// Reads one input to its end, and hands over its events as they are found. Never fails: what goes wrong is among the
/// findings.
pub(crate) fn read_input(
    input: &HuntInput,
    limits: &Limits,
    keep_faults: bool,
    scanner: &mut Scanner<'_>,
    buffers: &mut ReadBuffers,
    events: &mut dyn TakeEvents,
) -> InputFindings {
    let mut findings = InputFindings::default();
    let mut count = 0;
    let name = input.name();
    let mut sink = |item: Item<'_>| match item {
        Item::Fault(fault) => findings.fault(&fault, keep_faults),
        Item::Record(record) if record.kind == RecordKind::CloudTrailDigest => {
            findings.drop_record(DropReason::NotAnEvent(record.kind));
        }
        Item::Record(record) => match scanner.scan(&record, &mut findings.names) {
            Ok(scanned) if !scanned.in_range => {
                findings.drop_record(DropReason::OutsideOfRange);
                if let Some(event) = scanned.found {
                    events.history(scanned.key, *event);
                }
            }
            Ok(scanned) => {
                let found = scanned.found.map(|mut event| {
                    event.document.set("log.file.path", name.as_str());
                    event.document.set("log.offset", record.offset);
                    (scanned.time, *event)
                });
                if let Some(time) = scanned.time {
                    let (first, last) = findings.times.unwrap_or((time, time));
                    findings.times = Some((first.min(time), last.max(time)));
                }
                let note = EventNote {
                    key: scanned.key,
                    account: scanned.account,
                    region: scanned.region,
                    has_time: scanned.time.is_some(),
                };
                count += 1;
                events.event(note, found);
            }
            Err(reason) => {
                if findings.late_fault.is_none() {
                    findings.late_fault = Some((record.offset, reason.clone()));
                }
                findings.fault(
                    &Fault { offset: record.offset, reason, bytes: record.text.as_bytes() },
                    keep_faults,
                );
            }
        },
    };
    let read = match input {
        HuntInput::File(file) => {
            file.open().map(|file| decode_stream(file, limits, &mut buffers.stream, &mut sink))
        }
        HuntInput::Stdin => {
            Ok(decode_stream(std::io::stdin().lock(), limits, &mut buffers.stream, &mut sink))
        }
        HuntInput::Memory { bytes, .. } => {
            Ok(decode_stream(bytes.as_slice(), limits, &mut buffers.stream, &mut sink))
        }
        HuntInput::Unreadable { reason, .. } => Err(reason.clone()),
    };
    let Streamed { decoded, bytes_in, stopped } = match read {
        Ok(Streamed { bytes_in: 0, stopped: Some(reason), .. }) | Err(reason) => {
            findings.unreadable = Some(reason);
            return findings;
        }
        Ok(streamed) => streamed,
    };
    findings.bytes_in = bytes_in;
    if let Some(SkipReason::Unreadable(error)) = &stopped {
        // What came before the error counts; what would have come after it is one fault.
        let (offset, reason) = (decoded.bytes_decompressed, FaultReason::ReadStopped(error.clone()));
        findings.late_fault.get_or_insert_with(|| (offset, reason.clone()));
        findings.fault(&Fault { offset, reason, bytes: &[] }, keep_faults);
    }
    findings.unreadable = stopped;
    buffers.events = count;
    findings.sightings = scanner.end_sightings();
    findings.decoded = Some(decoded);
    findings
}

impl InputFindings {
    fn drop_record(&mut self, reason: DropReason) {
        self.dropped.records_in += 1;
        self.dropped.drop_record(reason);
    }

    fn fault(&mut self, fault: &Fault<'_>, keep: bool) {
        self.drop_record(DropReason::Fault(fault.reason.clone()));
        if keep {
            self.faults.push(FaultNote {
                offset: fault.offset,
                reason: fault.reason.clone(),
                bytes: fault.bytes.to_vec(),
            });
        }
    }
}
