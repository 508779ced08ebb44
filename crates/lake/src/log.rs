//! The log: what is in it is durable. Appends that come at once share one fsync.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::{LakeError, Result};
use crate::folder::{fault, make_folder, names, sync_parent};
use crate::log_entry::frame;
use crate::log_recovery::{Segment, read_log, segment_header, segment_path};

/// The log of one writer, open for writing by one process at a time.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    /// Names this log among those of other writers; made once.
    pub(crate) writer: String,
    active: Mutex<Active>,
    synced: Mutex<Synced>,
    /// An fsync failed: nobody knows what is on disk.
    failed: AtomicBool,
    /// Held locked until the process ends or the log is dropped.
    _lock: File,
}

#[derive(Debug)]
struct Active {
    file: Arc<File>,
    path: PathBuf,
    first: u64,
    /// Where the next entry begins.
    end: u64,
    /// The last sequence written.
    last: u64,
    /// Known to be durable, in this segment.
    durable: u64,
}

#[derive(Debug)]
struct Synced {
    /// The last sequence that is durable.
    last: u64,
}

/// What opening the log found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) segments: Vec<Segment>,
    pub(crate) torn: u64,
}

impl Log {
    /// Opens the log in a folder, making it when there is none. A torn tail is moved to a file of its own.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Opened)> {
        make_folder(folder)?;
        let path = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(fault("cannot open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LakeError::Locked { folder: folder.to_owned() }),
            Err(TryLockError::Error(e)) => return Err(fault("cannot lock", &path)(e)),
        }
        let writer = writer_of(folder)?;
        let segments = read_log(folder)?;
        let mut torn = 0;
        for segment in &segments {
            if segment.torn > 0 {
                torn += segment.torn;
                set_tail_aside(segment)?;
            }
            // What a killed process wrote and did not sync counts from now on.
            let path = &segment.path;
            File::open(path).and_then(|file| file.sync_all()).map_err(fault("cannot sync", path))?;
        }
        let last = segments.last().map_or(0, Segment::last);
        let active = new_segment(folder, last + 1)?;
        let log = Self {
            folder: folder.to_owned(),
            writer,
            active: Mutex::new(active),
            synced: Mutex::new(Synced { last }),
            failed: AtomicBool::new(false),
            _lock: lock,
        };
        Ok((log, Opened { segments, torn }))
    }

    /// Goes on behind a sequence that a manifest knows, when the log itself has less: it was trimmed.
    pub(crate) fn continue_after(&self, sequence: u64) -> Result<()> {
        let mut synced = self.synced.lock()?;
        let mut active = self.active.lock()?;
        if active.last < sequence {
            let path = active.path.clone();
            *active = new_segment(&self.folder, sequence + 1)?;
            synced.last = sequence;
            fs::remove_file(&path).map_err(fault("cannot remove", &path))?;
        }
        Ok(())
    }

    /// Writes an entry; it is durable after [`sync`](Self::sync). Answers with its sequence.
    pub(crate) fn write(&self, payload: &[u8]) -> Result<u64> {
        if self.failed.load(Ordering::Acquire) {
            return Err(LakeError::LogFailed);
        }
        let mut active = self.active.lock()?;
        let sequence = active.last + 1;
        let Some(bytes) = frame(payload, sequence, active.durable) else {
            return Err(LakeError::TooLarge { bytes: payload.len() as u64 });
        };
        if let Err(e) = (&*active.file).write_all(&bytes) {
            // A full disk: take back what was written of the entry, so that the next one follows the last whole one.
            if active.file.set_len(active.end).is_err() {
                self.failed.store(true, Ordering::Release);
            }
            return Err(fault("cannot write", &active.path)(e));
        }
        active.end += bytes.len() as u64;
        active.last = sequence;
        Ok(sequence)
    }

    /// Waits until an entry is durable. `published` is called once for each fsync with the last durable sequence,
    /// before anybody is told.
    pub(crate) fn sync(&self, sequence: u64, published: impl FnOnce(u64) -> Result<()>) -> Result<()> {
        let mut synced = self.synced.lock()?;
        if synced.last >= sequence {
            return Ok(());
        }
        if self.failed.load(Ordering::Acquire) {
            return Err(LakeError::LogFailed);
        }
        let (file, path, last, end, first) = {
            let active = self.active.lock()?;
            (Arc::clone(&active.file), active.path.clone(), active.last, active.end, active.first)
        };
        self.sync_file(&file, &path)?;
        let mut active = self.active.lock()?;
        if active.first == first {
            active.durable = end;
        }
        drop(active);
        published(last)?;
        synced.last = last;
        Ok(())
    }

    /// Syncs everything and begins a new segment; answers with the last sequence before it.
    pub(crate) fn rotate(&self, published: impl FnOnce(u64) -> Result<()>) -> Result<u64> {
        let mut synced = self.synced.lock()?;
        if self.failed.load(Ordering::Acquire) {
            return Err(LakeError::LogFailed);
        }
        let mut active = self.active.lock()?;
        let last = active.last;
        if synced.last < last {
            self.sync_file(&active.file, &active.path)?;
            published(last)?;
            synced.last = last;
        }
        if active.last >= active.first {
            *active = new_segment(&self.folder, last + 1)?;
        }
        Ok(last)
    }

    /// Removes the segments all of whose entries are in files, the last of them being `through`.
    pub(crate) fn trim(&self, through: u64) -> Result<()> {
        let active = self.active.lock()?.first;
        let mut firsts: Vec<u64> = names(&self.folder, false)?
            .iter()
            .filter_map(|name| name.strip_suffix(".log")?.parse().ok())
            .collect();
        firsts.sort_unstable();
        for (first, next) in firsts.iter().zip(firsts.iter().skip(1)) {
            if *first < active && next - 1 <= through {
                let path = segment_path(&self.folder, *first);
                fs::remove_file(&path).map_err(fault("cannot remove", &path))?;
            }
        }
        Ok(())
    }

    fn sync_file(&self, file: &File, path: &Path) -> Result<()> {
        file.sync_data().map_err(|e| {
            self.failed.store(true, Ordering::Release);
            fault("cannot sync", path)(e)
        })
    }
}

fn new_segment(folder: &Path, first: u64) -> Result<Active> {
    let path = segment_path(folder, first);
    // One of this name has no whole entry: otherwise the next would come later.
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&path)
        .map_err(fault("cannot make", &path))?;
    let header = segment_header(first);
    (&file).write_all(&header).and_then(|()| file.sync_all()).map_err(fault("cannot write", &path))?;
    sync_parent(&path)?;
    drop(file);
    // Appending, so that an entry which was taken back leaves no hole.
    let file = OpenOptions::new().append(true).open(&path).map_err(fault("cannot open", &path))?;
    let end = header.len() as u64;
    Ok(Active { file: Arc::new(file), path, first, end, last: first - 1, durable: end })
}

/// Copies a torn tail to a file of its own, then cuts it off.
fn set_tail_aside(segment: &Segment) -> Result<()> {
    let path = &segment.path;
    let bytes = fs::read(path).map_err(fault("cannot read", path))?;
    let whole = usize::try_from(segment.whole).unwrap_or(usize::MAX).min(bytes.len());
    let aside = path.with_extension("torn");
    let mut file = File::create(&aside).map_err(fault("cannot write", &aside))?;
    file.write_all(&bytes[whole..]).and_then(|()| file.sync_all()).map_err(fault("cannot write", &aside))?;
    sync_parent(&aside)?;
    let file = OpenOptions::new().write(true).open(path).map_err(fault("cannot open", path))?;
    file.set_len(segment.whole).and_then(|()| file.sync_all()).map_err(fault("cannot cut", path))
}

/// The writer's name: 128 random bits, made when the log is.
fn writer_of(folder: &Path) -> Result<String> {
    let path = folder.join("writer");
    if let Ok(text) = fs::read_to_string(&path)
        && text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return Ok(text);
    }
    // The standard library's hash keys come from the system's random numbers.
    let random = || RandomState::new().build_hasher().finish();
    let writer = format!("{:016x}{:016x}", random(), random());
    let unfinished = folder.join("writer.unfinished");
    let mut file = File::create(&unfinished).map_err(fault("cannot write", &unfinished))?;
    file.write_all(writer.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(fault("cannot write", &unfinished))?;
    fs::rename(&unfinished, &path).map_err(fault("cannot write", &path))?;
    sync_parent(&path)?;
    Ok(writer)
}
