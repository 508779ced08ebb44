//! A lake open for writing: appends, what readers see of it, and what opening it found.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use ecs::{DataStream, Timestamp};

use crate::columns::{columns, milliseconds, milliseconds_up};
use crate::commit::commit;
use crate::error::{LakeError, Result};
use crate::event::{Event, EventKey, PreparedEvent};
use crate::known_events::KnownEvents;
use crate::log::Log;
use crate::log_entry::{LogEntry, encode};
use crate::manifest::{Manifest, STREAMS, file_path, newest, stream_folder};
use crate::schema::{INGESTED, StreamSchema};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::statistics::time_bounds;
use crate::storage::{Storage, Store};
use crate::stream::{MemoryBatch, StreamState, Streams};

/// A lake open for writing. Cheap to clone; clones are the same lake, and may be used from several threads.
///
/// Several processes may write to one store, each with a log of its own. Calls block on files and transfers.
#[derive(Debug, Clone)]
pub struct Lake {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) settings: Settings,
    pub(crate) log: Log,
    /// One append at a time goes through here; it does not wait for the disk.
    appending: Mutex<Appending>,
    /// Written to the log, not yet durable. Locks are taken in this order: `appending`, the log's, this, `visible`.
    unpublished: Mutex<Vec<Unpublished>>,
    /// What readers see; held for the moment of a look or a replacement.
    visible: Mutex<Streams>,
    pub(crate) known: Mutex<KnownEvents>,
    /// One flush, compaction or retention at a time.
    pub(crate) maintenance: Mutex<()>,
    /// Is this writer one of several that take the lake over from each other?
    pub(crate) owns: AtomicBool,
    recovery: Recovery,
}

#[derive(Debug, Default)]
pub(crate) struct Appending {
    streams: BTreeMap<String, AppendingStream>,
    /// No event is stamped before this any more: milliseconds since the epoch.
    stamp_from: Option<i64>,
}

/// What appends know of a data stream.
#[derive(Debug, Default)]
struct AppendingStream {
    schema: StreamSchema,
    /// Of the events that are not in files.
    keys: HashSet<EventKey>,
    /// Duplicates of appends that brought nothing else; the next batch carries their number.
    duplicates: u64,
}

#[derive(Debug)]
struct Unpublished {
    folder: String,
    data_stream: DataStream,
    schema: StreamSchema,
    batch: MemoryBatch,
}

/// What an append answers, once its events are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Events that are in the lake by this append.
    pub appended: u64,
    /// Events that were there already, or twice in this append: same id and same `@timestamp`.
    pub duplicates: u64,
    /// Which of the events given these are: their positions, ascending.
    pub left_out: Vec<usize>,
    /// Values that their column could not take, because they are of another type; they are in the document.
    pub clashes: u64,
    /// Events without a readable `@timestamp`: found by `event.ingested`, or without a time range.
    pub without_time: u64,
    /// The `event.ingested` that new events of this append have: the `now` of the append in whole milliseconds, or
    /// later when the lake had promised so. Much later than `now` means that a clock has been wrong.
    pub ingested: Timestamp,
}

/// What opening a lake found in its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Entries whose events were not yet in files.
    pub entries: u64,
    /// Their events.
    pub events: u64,
    /// Bytes of an entry that was being written when the process ended; nobody had been told that it is there.
    /// They are kept in a file beside the log, ending in `.torn`.
    pub torn_bytes: u64,
    /// Files of this writer that no manifest names, because it ended while it made them; removed.
    pub unfinished_files: u64,
}

impl Lake {
    /// Opens a lake, making it when there is none, and reads back from the log what is not in files.
    ///
    /// `log` is a local folder for the log of this writer, also where the store is a bucket. The events in it that are
    /// not flushed exist nowhere else.
    ///
    /// # Errors
    /// [`LakeError::Locked`] when another process has the log open; [`LakeError::DamagedLog`] and
    /// [`LakeError::DamagedManifest`] when something acknowledged cannot be read: nothing is changed then.
    pub fn open(store: Store, log: &Path, settings: Settings) -> Result<Self> {
        let storage = store.storage;
        let (log, opened) = Log::open(log)?;
        let mut streams = Streams::new();
        let mut appending = Appending::default();
        let mut recovery = Recovery { torn_bytes: opened.torn, ..Recovery::default() };
        for folder in storage.folders(STREAMS)? {
            let Some(manifest) = newest(&*storage, &folder)? else { continue };
            let (manifest, removed) = remove_unfinished(&*storage, &folder, manifest, &log.writer)?;
            recovery.unfinished_files += removed;
            log.continue_after(manifest.committed_by(&log.writer))?;
            let stamped = manifest.files.iter().filter_map(|file| file.ingested).map(|(_, last)| last).max();
            appending.stamp_from = appending.stamp_from.max(stamped);
            let state = StreamState::new(manifest);
            let schema = (*state.schema).clone();
            appending
                .streams
                .insert(folder.clone(), AppendingStream { schema, ..AppendingStream::default() });
            streams.insert(folder, Arc::new(state));
        }
        for entry in opened.segments.into_iter().flat_map(|segment| segment.entries) {
            replay(entry, &log.writer, &mut streams, &mut appending, &mut recovery, &settings)?;
        }
        let known = KnownEvents::new(settings.known_ids);
        let inner = Inner {
            storage,
            settings,
            log,
            appending: Mutex::new(appending),
            unpublished: Mutex::new(Vec::new()),
            visible: Mutex::new(streams),
            known: Mutex::new(known),
            maintenance: Mutex::new(()),
            owns: AtomicBool::new(false),
            recovery,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What opening the lake found.
    pub fn recovery(&self) -> &Recovery {
        &self.inner.recovery
    }

    /// Appends events; returns when they are durable and visible to every snapshot that is taken from then on.
    ///
    /// Their `event.ingested` becomes `now`, in milliseconds, but never less than that of an earlier append nor than
    /// what [`snapshot_through`](Self::snapshot_through) was asked for. An event with the id and `@timestamp` of one that is in
    /// the data stream is counted and left out, so that a delivery may be repeated. What other writers brought is known
    /// as of the last commit or [`refresh`](Self::refresh); a flush leaves out what they brought meanwhile.
    ///
    /// # Errors
    /// The events are not acknowledged; they may be in the lake or not, so that the caller appends them again.
    /// After [`LakeError::LogFailed`] the lake must be opened again.
    pub fn append(&self, stream: &DataStream, events: Vec<Event>, now: Timestamp) -> Result<Receipt> {
        let inner = &*self.inner;
        let memory: u64 = self.streams()?.values().map(|state| state.memory_bytes()).sum();
        if memory >= inner.settings.memory_bytes
            && let Err(source) = self.flush()
        {
            return Err(LakeError::MemoryFull { bytes: memory, source: Box::new(source) });
        }
        let folder = stream_folder(stream)?;
        let mut ingested = milliseconds(now).unwrap_or(i64::MAX);
        let mut prepared: Vec<PreparedEvent> =
            events.into_iter().map(|event| PreparedEvent::new(event, now)).collect();
        let keys: Vec<_> = prepared.iter().map(|event| (event.timestamp, event.key())).collect();

        let (mut appending, there, checked) = match self.find_known(&folder, &keys) {
            // Another writer has replaced the file, and its grace is over since this one looked.
            Err(LakeError::DamagedFile { .. }) => {
                self.refresh()?;
                self.find_known(&folder, &keys)?
            }
            found => found?,
        };
        if let Some(from) = appending.stamp_from.filter(|from| *from > ingested) {
            // Another append was quicker with a later time, or the clock went back.
            ingested = from;
            prepared.iter_mut().for_each(|event| event.stamp(whole_milliseconds(from)));
        }
        appending.stamp_from = Some(ingested);
        let at = appending.streams.entry(folder.clone()).or_default();
        let mut seen = BTreeSet::new();
        let (mut new, mut left_out) = (Vec::new(), Vec::new());
        for (position, ((event, (_, key)), there)) in prepared.into_iter().zip(&keys).zip(there).enumerate() {
            if !there && !at.keys.contains(key) && seen.insert(*key) {
                new.push(event);
            } else {
                left_out.push(position);
            }
        }
        let duplicates = left_out.len() as u64;
        let mut receipt = Receipt {
            appended: 0,
            duplicates,
            left_out,
            clashes: 0,
            without_time: 0,
            ingested: whole_milliseconds(ingested),
        };
        let sequence = if new.is_empty() {
            at.duplicates += duplicates;
            // What these are duplicates of may still be on its way to the disk.
            inner.unpublished.lock()?.last().map_or(0, |last| last.batch.sequence)
        } else {
            let mut schema = at.schema.clone();
            let columns =
                columns(&new, ingested, &mut schema, &inner.settings.catalog, inner.settings.max_columns)
                    .map_err(|source| LakeError::Columns { stream: stream.name(), source })?;
            let payload = encode(stream, ingested, &new).map_err(|source| LakeError::File {
                action: "cannot compress for",
                path: "log".into(),
                source,
            })?;
            // Held over both, so that whoever syncs the entry finds the batch to publish.
            let mut unpublished = inner.unpublished.lock()?;
            let sequence = inner.log.write(&payload)?;
            receipt.appended = new.len() as u64;
            receipt.clashes = columns.clashes.values().sum();
            receipt.without_time = new.iter().filter(|event| event.timestamp.is_none()).count() as u64;
            let bytes = new.iter().map(PreparedEvent::bytes).sum();
            let duplicates = duplicates + std::mem::take(&mut at.duplicates);
            at.schema = schema.clone();
            at.keys.extend(&seen);
            let batch = MemoryBatch { sequence, columns, bytes, duplicates, checked };
            let data_stream = stream.clone();
            unpublished.push(Unpublished { folder, data_stream, schema, batch });
            sequence
        };
        drop(appending);
        inner.log.sync(sequence, |through| inner.publish(through))?;
        Ok(receipt)
    }

    /// Begins an append: which of its events are in files, as of which version of the manifest.
    fn find_known(
        &self,
        folder: &str,
        events: &[(Option<i64>, EventKey)],
    ) -> Result<(MutexGuard<'_, Appending>, Vec<bool>, u64)> {
        let inner = &*self.inner;
        let appending = inner.appending.lock()?;
        let Some(state) = self.streams()?.get(folder).cloned() else {
            return Ok((appending, vec![false; events.len()], 0));
        };
        let manifest = &state.manifest;
        let there = inner.known.lock()?.find(&*inner.storage, folder, manifest, 0, events)?;
        Ok((appending, there, manifest.version))
    }

    /// Looks for what other writers have committed since this one last did. Each flush, compaction and retention of a
    /// data stream looks as well, when another was quicker.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn refresh(&self) -> Result<()> {
        for folder in self.inner.storage.folders(STREAMS)? {
            if let Some(manifest) = newest(&*self.inner.storage, &folder)? {
                self.install(&folder, &Arc::new(manifest))?;
            }
        }
        Ok(())
    }

    /// Takes all data streams over from the other writers that have done so: from now on none of these brings events into
    /// files, until it takes them over in turn. Writers that never do so are not concerned.
    ///
    /// This is what keeps events with old stamps out that a writer has acknowledged to nobody, slept over, and writes when
    /// it wakes: whoever goes on from a position would never see them. A data stream that begins at that very moment
    /// has no manifest yet, and is not covered.
    ///
    /// # Errors
    /// When a manifest cannot be read or put.
    pub fn take_over(&self) -> Result<()> {
        let inner = &*self.inner;
        inner.owns.store(true, Ordering::Release);
        for folder in inner.storage.folders(STREAMS)? {
            let Some(manifest) = newest(&*inner.storage, &folder)? else { continue };
            let manifest = commit(&*inner.storage, &folder, Arc::new(manifest), |current| {
                if current.owner.as_ref() == Some(&inner.log.writer) {
                    return Ok(None);
                }
                let mut next = current.clone();
                next.owner = Some(inner.log.writer.clone());
                Ok(Some(next))
            })?;
            self.install(&folder, &manifest)?;
        }
        Ok(())
    }

    /// The events that wait in memory, over all data streams, are enough for a file.
    ///
    /// # Errors
    /// [`LakeError::Poisoned`] after a panic.
    pub fn is_flush_due(&self) -> Result<bool> {
        let streams = self.streams()?;
        let rows: u64 = streams.values().map(|state| state.memory_rows()).sum();
        let bytes: u64 = streams.values().map(|state| state.memory_bytes()).sum();
        Ok(rows >= self.inner.settings.flush_rows || bytes >= self.inner.settings.flush_bytes)
    }

    /// The earliest `event.ingested` of the events that are in the log of this writer and not yet in files; `None` when
    /// there are none.
    ///
    /// # Errors
    /// [`LakeError::Poisoned`] after a panic.
    pub fn unflushed_since(&self) -> Result<Option<Timestamp>> {
        let streams = self.streams()?;
        let batches = streams.values().flat_map(|state| &state.memory);
        let stamps = batches.filter_map(|batch| time_bounds(&batch.columns.batch, INGESTED));
        Ok(stamps.map(|(least, _)| whole_milliseconds(least)).min())
    }

    /// The lake as it is now. It never changes, and nothing that writes waits for it.
    ///
    /// # Errors
    /// [`LakeError::Poisoned`] after a panic.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let inner = &self.inner;
        Ok(Snapshot::new(self.streams()?, Arc::clone(&inner.storage), inner.settings.catalog.clone()))
    }

    /// The lake with every event whose `event.ingested` is before `at`: none will be stamped before it any more.
    ///
    /// This is what makes `event.ingested` a position from which to go on: one that has read the half-open range from
    /// its last position to `at` has every event once, and goes on from `at`, over restarts and compaction. After a
    /// restart, ask for the last position first, so that a clock which was set back cannot stamp before it. It waits
    /// for the appends that are on their way to the disk. Events of other writers to the same store are not covered:
    /// they come with the stamps of their appends when their writers flush.
    ///
    /// # Errors
    /// [`LakeError::LogFailed`] and others when what is on its way cannot be made durable.
    pub fn snapshot_through(&self, at: Timestamp) -> Result<Snapshot> {
        let inner = &*self.inner;
        let mut appending = inner.appending.lock()?;
        appending.stamp_from = appending.stamp_from.max(milliseconds_up(at));
        let last = inner.unpublished.lock()?.last().map_or(0, |last| last.batch.sequence);
        inner.log.sync(last, |through| inner.publish(through))?;
        drop(appending);
        self.snapshot()
    }

    pub(crate) fn streams(&self) -> Result<Streams> {
        Ok(self.inner.visible.lock()?.clone())
    }

    /// Makes everything appended so far durable and visible, in a closed segment of the log; its last sequence.
    pub(crate) fn close_segment(&self) -> Result<(u64, MutexGuard<'_, Appending>)> {
        let appending = self.inner.appending.lock()?;
        let inner = &*self.inner;
        let through = inner.log.rotate(|through| inner.publish(through))?;
        Ok((through, appending))
    }

    /// Shows readers a manifest in place of the one they have, and no longer the batches that are in its files.
    pub(crate) fn install(&self, folder: &str, manifest: &Arc<Manifest>) -> Result<()> {
        let inner = &*self.inner;
        let (_, mut appending) = self.close_segment()?;
        let stream = manifest.data_stream();
        let state = match self.streams()?.get(folder) {
            Some(state) => Arc::clone(state),
            None => Arc::new(StreamState::new(Manifest::empty(&stream))),
        };
        if state.manifest.version >= manifest.version {
            return Ok(());
        }
        let through = manifest.committed_by(&inner.log.writer);
        let mut memory = Vec::new();
        let mut keys = HashSet::new();
        for batch in state.memory.iter().filter(|batch| batch.sequence > through) {
            let mut known = inner.known.lock()?;
            let batch =
                batch.checked_against(&stream.name(), folder, manifest, &mut known, &*inner.storage)?;
            keys.extend(batch.keys());
            memory.push(batch);
        }
        let schema = state.schema.merged(&manifest.schema);
        let at = appending.streams.entry(folder.to_owned()).or_default();
        at.schema = at.schema.merged(&schema);
        at.keys = keys;
        let state = StreamState { manifest: Arc::clone(manifest), schema: Arc::new(schema), memory };
        inner.visible.lock()?.insert(folder.to_owned(), Arc::new(state));
        Ok(())
    }
}

impl Inner {
    /// Shows readers what has become durable.
    fn publish(&self, through: u64) -> Result<()> {
        let mut unpublished = self.unpublished.lock()?;
        let mut visible = self.visible.lock()?;
        let later =
            unpublished.iter().position(|one| one.batch.sequence > through).unwrap_or(unpublished.len());
        for Unpublished { folder, data_stream, schema, batch } in unpublished.drain(..later) {
            let state = match visible.get(&folder) {
                Some(state) => state.with(Arc::new(batch), &schema),
                None => StreamState::new(Manifest::empty(&data_stream)).with(Arc::new(batch), &schema),
            };
            visible.insert(folder, Arc::new(state));
        }
        Ok(())
    }
}

pub(crate) fn whole_milliseconds(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
}

/// Brings an entry of the log back into memory, unless its events are in files.
pub(crate) fn replay_into(
    entry: LogEntry,
    writer: &str,
    streams: &mut Streams,
    schema: &mut StreamSchema,
    settings: &Settings,
) -> Result<Option<u64>> {
    let LogEntry { sequence, data_stream, ingested, events } = entry;
    let folder = stream_folder(&data_stream)?;
    let state = match streams.get(&folder) {
        Some(state) => Arc::clone(state),
        None => Arc::new(StreamState::new(Manifest::empty(&data_stream))),
    };
    if sequence <= state.manifest.committed_by(writer) {
        return Ok(None);
    }
    let columns = columns(&events, ingested, schema, &settings.catalog, settings.max_columns)
        .map_err(|source| LakeError::Columns { stream: data_stream.name(), source })?;
    let bytes = events.iter().map(PreparedEvent::bytes).sum();
    let batch = MemoryBatch { sequence, columns, bytes, duplicates: 0, checked: 0 };
    let rows = batch.rows();
    streams.insert(folder, Arc::new(state.with(Arc::new(batch), schema)));
    Ok(Some(rows))
}

fn replay(
    entry: LogEntry,
    writer: &str,
    streams: &mut Streams,
    appending: &mut Appending,
    recovery: &mut Recovery,
    settings: &Settings,
) -> Result<()> {
    appending.stamp_from = appending.stamp_from.max(Some(entry.ingested));
    let at = appending.streams.entry(stream_folder(&entry.data_stream)?).or_default();
    let keys: Vec<EventKey> = entry.events.iter().map(PreparedEvent::key).collect();
    if let Some(rows) = replay_into(entry, writer, streams, &mut at.schema, settings)? {
        at.keys.extend(keys);
        recovery.entries += 1;
        recovery.events += rows;
    }
    Ok(())
}

/// Removes files that this writer made and did not commit. Nobody else uses its name, and it has just been opened.
fn remove_unfinished(
    storage: &dyn Storage,
    folder: &str,
    manifest: Manifest,
    writer: &str,
) -> Result<(Manifest, u64)> {
    let unfinished = |manifest: &Manifest| -> Result<Vec<String>> {
        let files = manifest.files.iter().map(|file| &file.name);
        let known: BTreeSet<String> = files
            .chain(manifest.removed.iter().map(|file| &file.name))
            .map(|name| file_path(folder, name))
            .collect();
        let mut paths = storage.list(&format!("{STREAMS}/{folder}/files"))?;
        paths.retain(|path| {
            path.rsplit('/').next().is_some_and(|name| name.starts_with(writer)) && !known.contains(path)
        });
        Ok(paths)
    };
    if unfinished(&manifest)?.is_empty() {
        return Ok((manifest, 0));
    }
    // A version of ours first: a manifest that is still on its way from the process before then comes too late to name
    // a file that is removed here.
    let manifest = commit(storage, folder, Arc::new(manifest), |current| Ok(Some(current.clone())))?;
    let paths = unfinished(&manifest)?;
    for path in &paths {
        storage.delete(path)?;
    }
    Ok(((*manifest).clone(), paths.len() as u64))
}
