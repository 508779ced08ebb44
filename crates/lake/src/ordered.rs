//! Whole events in the order of their time, in memory that does not grow with the range: part after part of it.

use std::collections::{BTreeMap, VecDeque};

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, StringArray};

use crate::error::{LakeError, Result};
use crate::event::{StoredEvent, restore};
use crate::pruning::MillisecondRange;
use crate::scan::{ScanAccount, ScanBatch, ScanRequest};
use crate::schema::{ID, ORIGINAL, SOURCE};
use crate::snapshot::Snapshot;

/// Events of a part: so many are held at once, unless more have nearly the same time.
const PART_EVENTS: u64 = 8_192;
/// Times are told apart in so many intervals.
const INTERVALS: usize = 65_536;

/// An iterator over whole events by the time that the request's range is about, then by id and data stream. Events
/// without that time come first, and only without a range.
#[derive(Debug)]
pub struct OrderedDocuments {
    snapshot: Snapshot,
    request: ScanRequest,
    /// The parts of the range; `None` until the times have been read.
    parts: Option<VecDeque<MillisecondRange>>,
    batches: Vec<ScanBatch>,
    /// Of the part at hand: which batch, which row.
    rows: VecDeque<(usize, usize)>,
    account: ScanAccount,
}

impl Snapshot {
    /// Whole events in order of time, which [`documents`](Self::documents) gives in the order of the files. The columns
    /// of the request do not matter. Costs a first look at the times alone.
    pub fn documents_in_order(&self, request: &ScanRequest) -> OrderedDocuments {
        OrderedDocuments {
            snapshot: self.clone(),
            request: request.clone(),
            parts: None,
            batches: Vec::new(),
            rows: VecDeque::new(),
            account: ScanAccount::default(),
        }
    }
}

impl OrderedDocuments {
    /// What was read so far. A file that is read for several parts of the range counts as often.
    pub fn account(&self) -> ScanAccount {
        self.account
    }

    /// Reads the times and cuts the range where enough events are together.
    fn cut(&self) -> Result<VecDeque<MillisecondRange>> {
        let whole = MillisecondRange::new(self.request.time);
        let field = self.request.time_field.column();
        let request = ScanRequest { columns: Some(vec![field.to_owned()]), ..self.request.clone() };
        let mut untimed = 0;
        // Times by their whole intervals, which grow when there are too many.
        let mut interval = 1;
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for batch in self.snapshot.scan_range(&request, whole) {
            let batch = batch?.batch;
            for at in batch.column(0).as_primitive::<TimestampMillisecondType>() {
                match at {
                    Some(at) => *counts.entry(at.div_euclid(interval)).or_default() += 1,
                    None => untimed += 1,
                }
            }
            while counts.len() > INTERVALS {
                interval *= 2;
                let mut wider: BTreeMap<i64, u64> = BTreeMap::new();
                for (at, count) in counts {
                    *wider.entry(at.div_euclid(2)).or_default() += count;
                }
                counts = wider;
            }
        }
        let mut parts = VecDeque::new();
        let mut part = MillisecondRange { untimed: untimed > 0, ..whole };
        let mut events = untimed;
        for (at, count) in counts {
            let at = at.saturating_mul(interval);
            if events > 0 && events + count > PART_EVENTS {
                parts.push_back(MillisecondRange { to: Some(at), ..part });
                // What lies before was counted, so that no end of the whole range is left out here.
                part = MillisecondRange { from: Some(at), untimed: false, to: whole.to };
                events = 0;
            }
            events += count;
        }
        if events > 0 {
            parts.push_back(part);
        }
        Ok(parts)
    }

    fn read(&mut self, part: MillisecondRange) -> Result<()> {
        let field = self.request.time_field.column();
        let columns = Some([field, ID, SOURCE, ORIGINAL].map(str::to_owned).into());
        let request = ScanRequest { columns, ..self.request.clone() };
        let mut scan = self.snapshot.scan_range(&request, part);
        self.batches = scan.by_ref().collect::<Result<_>>()?;
        self.account.add(scan.account());
        let mut rows = Vec::new();
        for (at, batch) in self.batches.iter().enumerate() {
            let times = batch.batch.column(0).as_primitive::<TimestampMillisecondType>();
            let ids = text(batch, ID)?;
            for row in 0..batch.batch.num_rows() {
                let time = times.is_valid(row).then(|| times.value(row));
                rows.push((time, ids.value(row), batch.data_stream.name(), at, row));
            }
        }
        rows.sort_unstable();
        self.rows = rows.into_iter().map(|(_, _, _, at, row)| (at, row)).collect();
        Ok(())
    }

    fn event(&self, at: usize, row: usize) -> Result<StoredEvent> {
        let batch = &self.batches[at];
        let (id, raws) = (text(batch, ID)?.value(row).to_owned(), text(batch, ORIGINAL)?);
        let raw = raws.is_valid(row).then(|| raws.value(row));
        let Some(document) = restore(text(batch, SOURCE)?.value(row), raw) else {
            return Err(damaged(batch, "a document is not the JSON object that was written"));
        };
        Ok(StoredEvent { data_stream: batch.data_stream.clone(), id, document })
    }
}

fn text<'a>(batch: &'a ScanBatch, name: &str) -> Result<&'a StringArray> {
    let column = batch.batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.ok_or_else(|| damaged(batch, "a column is not the text that was written"))
}

fn damaged(batch: &ScanBatch, reason: &str) -> LakeError {
    LakeError::DamagedFile { path: format!("a file of {}", batch.data_stream), reason: reason.to_owned() }
}

impl Iterator for OrderedDocuments {
    type Item = Result<StoredEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((at, row)) = self.rows.pop_front() {
                return Some(self.event(at, row));
            }
            self.batches.clear();
            let done = match &mut self.parts {
                None => self.cut().map(|parts| self.parts = Some(parts)),
                Some(parts) => {
                    let part = parts.pop_front()?;
                    self.read(part)
                }
            };
            if let Err(e) = done {
                self.parts = Some(VecDeque::new());
                return Some(Err(e));
            }
        }
    }
}
