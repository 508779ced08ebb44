//! `bartizan lake ingest`: logs become events of a lake, each once, with an account of everything read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use ecs::{DataStream, Timestamp};
use engine::{HuntEvent, HuntInput};
use ingest::dead_letter::DeadLetter;
use ingest::decode::{Check, FaultReason, Item, Limits, SkipReason, StreamBuffers, Streamed, decode_stream};
use ingest::enrich::Enrichment;
use ingest::events::{DecodedEvent, EventContext, NoEvent, event_of};
use ingest::ledger::{InputAccount, Ledger};
use lake::{Event, Lake, LakeError, Settings};
use serde_json::json;

use super::hunt::{self, Inputs};
use super::lake_folder::LakeFolder;
use super::{Context, ListFormat};
use crate::args;
use crate::earlier_output::is_earlier_output;
use crate::exit_status::ExitStatus;
use crate::printer::{Output, count, visible};
use crate::reporter::coverage::Coverage;
use crate::reporter::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  bartizan lake ingest ./AWSLogs --lake ./lake
  aws cloudtrail lookup-events | bartizan lake ingest - --lake ./lake
  bartizan lake ingest ./AWSLogs --lake s3://example-lake/bartizan --lake-log ./log

What is there already changes nothing: the same files may be given again.";

/// Arguments of `bartizan lake ingest`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files and folders with logs in any form that `hunt` reads; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    lake: LakeFolder,
    /// The format of the account
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
    /// Exit with 2 also when an input was not read whole
    #[arg(long)]
    strict: bool,
    /// The most bytes of one input after decompression, such as 512MiB or 2GiB; the records before that place count.
    /// Plain NDJSON may be of any size
    #[arg(long, value_name = "SIZE", value_parser = args::byte_size, default_value = "1GiB")]
    max_input_bytes: usize,
    /// Keep what could not be read in this file, as NDJSON with file, offset and reason
    #[arg(long, value_name = "FILE")]
    dead_letter: Option<PathBuf>,
    /// MaxMind-format database of places, for source.geo
    #[arg(long, value_name = "FILE")]
    geoip_city: Option<PathBuf>,
    /// MaxMind-format database of networks, for source.as
    #[arg(long, value_name = "FILE")]
    geoip_asn: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let own_files: Vec<&Path> = args.dead_letter.iter().map(PathBuf::as_path).collect();
    let Inputs { inputs, own_files: mut left_out, case_folders } = hunt::inputs(&args.paths, &own_files)?;
    for own in &left_out {
        if !is_earlier_output(own).with_context(|| format!("cannot read {}", own.display()))? {
            anyhow::bail!(
                "{} lies among what is to be read and is no earlier output of this program, so it is not overwritten",
                own.display()
            );
        }
    }
    let inputs = match args.lake.path() {
        Some(lake) => without_the_lake(inputs, lake, &mut left_out),
        None => inputs,
    };
    if inputs.is_empty() {
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        anyhow::bail!("nothing to read below {}", paths.join(", "));
    }
    let enrichment = Enrichment::open(args.geoip_city.as_deref(), args.geoip_asn.as_deref())
        .context("cannot use the database of addresses")?;
    let lake = args.lake.open(Settings::default())?;
    let recovery = lake.recovery();
    if recovery.torn_bytes > 0 {
        context.printer.warn(format!(
            "the process that wrote to the lake before ended in the middle of an append: {} that nobody was told of are set aside",
            count(recovery.torn_bytes, "byte", "bytes")
        ));
    }
    let dead_letter = args.dead_letter.as_deref().map(open_dead_letter).transpose()?;
    let mut progress = Progress::new(&context.printer);
    progress
        .event(HuntEvent::Started { inputs: inputs.len(), bytes: inputs.iter().map(HuntInput::bytes).sum() });
    let mut ingest = Ingest::new(&lake, context.now, dead_letter);
    let limits =
        Limits { decompressed_bytes: args.max_input_bytes, check: Check::Outline, ..Limits::default() };
    let mut buffers = StreamBuffers::default();
    for input in &inputs {
        let records = ingest.input(input, &limits, &enrichment, &mut buffers)?;
        progress.event(HuntEvent::InputDone { name: input.name(), bytes: input.bytes(), records });
    }
    ingest.commit()?;
    lake.flush().context("the events are in the lake's log, and cannot be written to its files")?;
    progress.finish();
    let Ingest { ledger, streams, clashes, dead_letter, .. } = ingest;
    let whole = ledger.read() == ledger.inputs();
    let mut coverage = Coverage::of_reading(ledger);
    coverage.own_files = left_out;
    coverage.case_folders = case_folders;
    if let (Some(letter), Some(path)) = (dead_letter, &args.dead_letter) {
        coverage.dead_letter = Some((path.clone(), letter.written()));
        letter.finish().context("cannot write what could not be read")?;
    }
    let mut out = context.printer.stdout();
    match args.format {
        ListFormat::Text => {
            coverage.write_reading(&mut out)?;
            write_streams(&mut out, &streams, clashes)?;
        }
        ListFormat::Json => {
            let mut account = coverage.reading_json();
            account["lake"] = json!({ "appended": streams, "clashes": clashes });
            serde_json::to_writer_pretty(&mut out, &account)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(if args.strict && !whole { ExitStatus::CouldNotRun } else { ExitStatus::Done })
}

fn write_streams(out: &mut Output, streams: &BTreeMap<String, u64>, clashes: u64) -> std::io::Result<()> {
    let label = |at: usize| if at == 0 { "lake" } else { "" };
    if streams.is_empty() {
        writeln!(out, "  {:10}nothing new", "lake")?;
    }
    for (at, (stream, events)) in streams.iter().enumerate() {
        writeln!(out, "  {:10}{}: {} new", label(at), visible(stream), count(*events, "event", "events"))?;
    }
    if clashes > 0 {
        let values = count(clashes, "value", "values");
        writeln!(
            out,
            "  {:10}{values} of another type than the column: null there, whole in the document",
            ""
        )?;
    }
    Ok(())
}

/// The inputs that do not lie in the lake itself.
fn without_the_lake(inputs: Vec<HuntInput>, lake: &Path, left_out: &mut Vec<PathBuf>) -> Vec<HuntInput> {
    let Ok(lake_folder) = lake.canonicalize() else { return inputs };
    let is_of_lake = |input: &HuntInput| match input {
        HuntInput::File(file) => file.path.canonicalize().is_ok_and(|path| path.starts_with(&lake_folder)),
        _ => false,
    };
    let (own, inputs): (Vec<_>, Vec<_>) = inputs.into_iter().partition(is_of_lake);
    if !own.is_empty() {
        left_out.push(lake.to_owned());
    }
    inputs
}

fn open_dead_letter(path: &Path) -> anyhow::Result<DeadLetter<Box<dyn Write>>> {
    let file = File::create(path).with_context(|| format!("cannot write to {}", path.display()))?;
    Ok(DeadLetter::new(Box::new(BufWriter::new(file))))
}

/// Events of one append, at most: one fsync for many small files.
const APPEND_EVENTS: usize = 5_000;
/// Bytes of their records.
const APPEND_BYTES: usize = 32 << 20;
/// Inputs whose account waits for an append.
const OPEN_INPUTS: usize = 1_000;

/// What waits for the next append, and the account of what was appended.
struct Ingest<'l> {
    lake: &'l Lake,
    now: Timestamp,
    dead_letter: Option<DeadLetter<Box<dyn Write>>>,
    /// With the position in `open` of the input that each is from.
    pending: Vec<(usize, DecodedEvent)>,
    pending_bytes: usize,
    /// Accounts of inputs some of whose events may be pending; the last is being read.
    open: Vec<InputAccount>,
    ledger: Ledger,
    /// Events that are new, by data stream.
    streams: BTreeMap<String, u64>,
    clashes: u64,
}

impl<'l> Ingest<'l> {
    fn new(lake: &'l Lake, now: Timestamp, dead_letter: Option<DeadLetter<Box<dyn Write>>>) -> Self {
        Self {
            lake,
            now,
            dead_letter,
            pending: Vec::new(),
            pending_bytes: 0,
            open: Vec::new(),
            ledger: Ledger::new(),
            streams: BTreeMap::new(),
            clashes: 0,
        }
    }

    /// Reads an input to its end; answers with the number of its records. What is wrong with the input is in the account.
    fn input(
        &mut self,
        input: &HuntInput,
        limits: &Limits,
        enrichment: &Enrichment,
        buffers: &mut StreamBuffers,
    ) -> anyhow::Result<u64> {
        let name = input.name();
        let (modified, context) = (modified(input), EventContext::new(self.now, enrichment, limits));
        self.open.push(InputAccount::open(&name));
        let (mut failed, mut late_fault, mut records) = (None, None, 0);
        let mut sink = |item: Item<'_>| {
            // What cannot be kept must not be read on and lost.
            if failed.is_some() {
                return;
            }
            records += 1;
            let done = match item {
                Item::Fault(fault) => self.fault(&name, fault.offset, fault.reason, fault.bytes),
                Item::Record(record) => match event_of(&record, &name, modified, &context) {
                    Ok((event, _)) => self.event(event, record.text.len()),
                    Err(NoEvent::Dropped(reason)) => {
                        self.account().add_drop(reason);
                        Ok(())
                    }
                    Err(NoEvent::Fault(reason)) => {
                        late_fault.get_or_insert((record.offset, reason.clone()));
                        self.fault(&name, record.offset, reason, record.text.as_bytes())
                    }
                },
            };
            failed = done.err();
        };
        let read = match input {
            HuntInput::File(file) => file.open().map(|file| decode_stream(file, limits, buffers, &mut sink)),
            HuntInput::Stdin => Ok(decode_stream(std::io::stdin().lock(), limits, buffers, &mut sink)),
            HuntInput::Memory { bytes, .. } => {
                Ok(decode_stream(bytes.as_slice(), limits, buffers, &mut sink))
            }
            HuntInput::Unreadable { reason, .. } => Err(reason.clone()),
        };
        if let Some(error) = failed {
            return Err(error);
        }
        match read {
            Ok(Streamed { bytes_in: 0, stopped: Some(reason), .. }) | Err(reason) => {
                *self.account() = InputAccount::skipped(&name, reason);
            }
            Ok(Streamed { decoded, bytes_in, stopped }) => {
                if let Some(SkipReason::Unreadable(error)) = stopped {
                    // What came before the error counts; what would have come after it is one fault.
                    let (offset, reason) = (decoded.bytes_decompressed, FaultReason::ReadStopped(error));
                    late_fault.get_or_insert_with(|| (offset, reason.clone()));
                    self.fault(&name, offset, reason, &[])?;
                }
                self.account().close(&decoded, bytes_in, late_fault);
            }
        }
        if self.open.len() >= OPEN_INPUTS {
            self.commit()?;
        }
        Ok(records)
    }

    /// Of the input that is being read.
    fn account(&mut self) -> &mut InputAccount {
        if self.open.is_empty() {
            self.open.push(InputAccount::open(""));
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn fault(&mut self, name: &str, offset: u64, reason: FaultReason, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(letter) = &mut self.dead_letter {
            letter.write(name, offset, &reason, bytes)?;
        }
        self.account().add_fault(reason);
        Ok(())
    }

    fn event(&mut self, event: DecodedEvent, bytes: usize) -> anyhow::Result<()> {
        self.pending.push((self.open.len() - 1, event));
        self.pending_bytes += bytes;
        if self.pending.len() >= APPEND_EVENTS || self.pending_bytes >= APPEND_BYTES {
            let being_read = self.open.pop();
            self.append(being_read)?;
        }
        Ok(())
    }

    /// Appends what is pending and closes the accounts of all inputs.
    fn commit(&mut self) -> anyhow::Result<()> {
        self.append(None)
    }

    /// Appends what is pending; the account of an input that is being read stays open.
    fn append(&mut self, being_read: Option<InputAccount>) -> anyhow::Result<()> {
        self.pending_bytes = 0;
        let goes_on = being_read.is_some();
        self.open.extend(being_read);
        let mut streams: BTreeMap<String, Coming> = BTreeMap::new();
        for (input, read) in self.pending.drain(..) {
            let (account, region) = (read.account().map(str::to_owned), read.region().map(str::to_owned));
            let DecodedEvent { id, data_stream, document, raw, time } = read;
            let event = Event { id, document, raw };
            let coming = streams.entry(data_stream.name()).or_insert_with(|| Coming {
                data_stream,
                events: Vec::new(),
                counted: Vec::new(),
            });
            coming.events.push(event);
            coming.counted.push(Counted { input, account, region, time });
        }
        for (name, Coming { data_stream, events, counted }) in streams {
            let receipt =
                self.lake.append(&data_stream, events, self.now).map_err(|error| self.stopped(error))?;
            self.clashes += receipt.clashes;
            if receipt.appended > 0 {
                *self.streams.entry(name).or_default() += receipt.appended;
            }
            let mut left_out = receipt.left_out.into_iter().peekable();
            for (position, one) in counted.into_iter().enumerate() {
                let Some(account) = self.open.get_mut(one.input) else { continue };
                if left_out.next_if_eq(&position).is_some() {
                    account.add_duplicate();
                } else {
                    account.add_event(one.account.as_deref(), one.region.as_deref(), one.time);
                }
            }
        }
        let being_read = if goes_on { self.open.pop() } else { None };
        self.open.drain(..).for_each(|account| self.ledger.add(account));
        self.open.extend(being_read);
        if self.lake.is_flush_due().map_err(|error| self.stopped(error))? {
            self.lake.flush().map_err(|error| self.stopped(error))?;
        }
        Ok(())
    }

    /// Why the command ends here, and what is kept of what it did.
    fn stopped(&self, error: LakeError) -> anyhow::Error {
        let events = self.streams.values().sum();
        anyhow::Error::from(error).context(format!(
            "{} in the lake, and then it could take no more: give the same files again when this is mended",
            count(events, "new event is", "new events are")
        ))
    }
}

/// What is appended to one data stream.
struct Coming {
    data_stream: DataStream,
    events: Vec<Event>,
    /// One for each event.
    counted: Vec<Counted>,
}

/// What the account needs of an event.
struct Counted {
    input: usize,
    account: Option<String>,
    region: Option<String>,
    time: Option<Timestamp>,
}

/// When a file was last changed: it stands in for the time of records that have none, so that they are the same events when
/// the file is given again.
fn modified(input: &HuntInput) -> Option<Timestamp> {
    let HuntInput::File(file) = input else { return None };
    let modified = file.path.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Timestamp::from_millisecond(i64::try_from(since.as_millis()).ok()?).ok()
}
