//! A watched folder: files that are new, or have changed, are delivered when nobody writes to them any more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::delivery::{Delivery, Input, LiveSource, Receipt};
use super::directory::{Found, InputFile, find};
use crate::decode::{FaultReason, Limits, Outcome, SkipReason};
use crate::error::IngestError;
use crate::ledger::InputAccount;

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderSettings {
    /// What messages call the source.
    pub name: String,
    /// Files and folders; folders with all that lies below them.
    pub paths: Vec<PathBuf>,
    /// A file that was last changed so long ago is taken when it is first seen: it was moved in, or lay there before.
    /// Default 10 seconds.
    pub settled_after: SignedDuration,
    /// Any other file is taken when its size and time were the same so long before. Default one second.
    pub unchanged_for: SignedDuration,
    /// Larger files are skipped, with the reason. Default 1 GiB.
    pub most_bytes: u64,
}

impl FolderSettings {
    /// The defaults.
    pub fn new(name: impl Into<String>, paths: Vec<PathBuf>) -> Self {
        Self {
            name: name.into(),
            paths,
            settled_after: SignedDuration::from_secs(10),
            unchanged_for: SignedDuration::from_secs(1),
            most_bytes: Limits::default().decompressed_bytes as u64,
        }
    }
}

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    bytes: u64,
    /// Nanoseconds since the epoch; `None` where the file system does not say.
    modified: Option<i64>,
}

/// A watched folder. It reads with blocking calls.
///
/// A file is taken when its size and time are the same in two polls, [`FolderSettings::unchanged_for`] apart, or when
/// its time lies [`FolderSettings::settled_after`] back. It is delivered again, whole, when either has changed since: whoever keeps
/// the events knows those that it has. One delivery is one file, in the order of the paths.
#[derive(Debug)]
pub struct FolderSource {
    settings: FolderSettings,
    /// Delivered and acknowledged.
    known: BTreeMap<PathBuf, Version>,
    /// Seen in the last poll and not taken yet, and when they were first seen as they are.
    unsettled: BTreeMap<PathBuf, (Version, Timestamp)>,
    /// To be delivered.
    queue: VecDeque<(PathBuf, Version)>,
    in_flight: BTreeMap<Receipt, UnderWay>,
    /// What was reported as unreadable, so that it is said once.
    reported: BTreeSet<(PathBuf, SkipReason)>,
    /// To be reported.
    skipped: Vec<InputAccount>,
    next_receipt: u64,
}

#[derive(Debug)]
struct UnderWay {
    file: Option<(PathBuf, Version)>,
    reported: Vec<(PathBuf, SkipReason)>,
}

#[derive(Serialize, Deserialize)]
struct Checkpoint {
    version: u32,
    files: Vec<(String, Version)>,
}

const CHECKPOINT_VERSION: u32 = 1;

impl FolderSource {
    /// Watches from now on; `checkpoint` is what [`LiveSource::checkpoint`] gave, if there is one.
    ///
    /// # Errors
    /// [`IngestError::Checkpoint`] when it is not one of a folder.
    pub fn new(settings: FolderSettings, checkpoint: Option<&[u8]>) -> Result<Self, IngestError> {
        let known = match checkpoint {
            Some(bytes) => read_checkpoint(&settings.name, bytes)?,
            None => BTreeMap::new(),
        };
        Ok(Self {
            settings,
            known,
            unsettled: BTreeMap::new(),
            queue: VecDeque::new(),
            in_flight: BTreeMap::new(),
            reported: BTreeSet::new(),
            skipped: Vec::new(),
            next_receipt: 0,
        })
    }

    /// Looks for files that are new or changed, and queues those that are settled. [`LiveSource::next`] does so by
    /// itself whenever the queue is empty.
    ///
    /// # Errors
    /// [`IngestError::NoSuchPath`] when a watched path is gone.
    pub fn poll(&mut self, now: Timestamp) -> Result<(), IngestError> {
        let Found { files, skipped } = find(&self.settings.paths)?;
        let under_way: BTreeSet<&Path> = self
            .in_flight
            .values()
            .filter_map(|under_way| under_way.file.as_ref())
            .chain(&self.queue)
            .map(|(path, _)| path.as_path())
            .collect();
        let mut unsettled = BTreeMap::new();
        let mut queue = Vec::new();
        let mut unreadable = skipped;
        let mut present = BTreeSet::new();
        for InputFile { path, .. } in files {
            let version = match version(&path) {
                Ok(version) => version,
                Err(reason) => {
                    unreadable.push((path, reason));
                    continue;
                }
            };
            if self.known.get(&path) != Some(&version) && !under_way.contains(path.as_path()) {
                let before = self.unsettled.get(&path).filter(|(before, _)| *before == version);
                let since = before.map_or(now, |(_, since)| *since);
                if self.is_settled(&version, since, now) {
                    queue.push((path.clone(), version));
                } else {
                    unsettled.insert(path.clone(), (version, since));
                }
            }
            present.insert(path);
        }
        self.queue.extend(queue);
        self.unsettled = unsettled;
        self.known.retain(|path, _| present.contains(path));
        self.reported.retain(|entry| unreadable.contains(entry) || present.contains(&entry.0));
        for (path, reason) in unreadable {
            self.report(path, reason);
        }
        Ok(())
    }

    fn is_settled(&self, version: &Version, since: Timestamp, now: Timestamp) -> bool {
        let unchanged_for = self.settings.unchanged_for.max(SignedDuration::from_nanos(1));
        if now.duration_since(since) >= unchanged_for {
            return true;
        }
        let settled = now.as_nanosecond() - self.settings.settled_after.as_nanos();
        version.modified.is_some_and(|modified| i128::from(modified) <= settled)
    }

    /// Enters a file that cannot be read in the ledger, once.
    fn report(&mut self, path: PathBuf, reason: SkipReason) {
        let name = InputFile { path: path.clone(), bytes: 0 }.name();
        if self.reported.insert((path, reason.clone())) {
            self.skipped.push(InputAccount::skipped(name, reason));
        }
    }

    fn read(&self, path: &Path, version: &Version) -> Result<Input, SkipReason> {
        let most = usize::try_from(self.settings.most_bytes).unwrap_or(usize::MAX);
        let over_size = SkipReason::Fault(FaultReason::OverSize { limit: most });
        if version.bytes > self.settings.most_bytes {
            return Err(over_size);
        }
        let file = InputFile { path: path.to_owned(), bytes: version.bytes };
        let mut bytes = Vec::with_capacity(usize::try_from(version.bytes).unwrap_or(0));
        file.read(&Limits { decompressed_bytes: most, ..Limits::default() }, &mut bytes)?;
        if bytes.len() > most {
            return Err(over_size);
        }
        let modified = version.modified.and_then(|at| Timestamp::from_nanosecond(at.into()).ok());
        Ok(Input { name: file.name(), bytes, modified })
    }
}

#[async_trait]
impl LiveSource for FolderSource {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn next(&mut self, now: Timestamp) -> Result<Option<Delivery>, IngestError> {
        if self.queue.is_empty() {
            self.poll(now)?;
        }
        let mut taken = None;
        while let Some((path, version)) = self.queue.pop_front() {
            match self.read(&path, &version) {
                Ok(input) => {
                    taken = Some((input, path, version));
                    break;
                }
                // Its size will not change by itself; when it does, the file is looked at again.
                Err(reason @ SkipReason::Fault(_)) => {
                    self.report(path.clone(), reason);
                    self.known.insert(path, version);
                }
                Err(reason) => self.report(path, reason),
            }
        }
        if taken.is_none() && self.skipped.is_empty() {
            return Ok(None);
        }
        let receipt = Receipt(self.next_receipt);
        self.next_receipt += 1;
        let mut delivery = Delivery::empty(receipt);
        delivery.skipped = std::mem::take(&mut self.skipped);
        let reported = delivery.skipped.iter().filter_map(reported_entry).collect();
        let file = taken.map(|(input, path, version)| {
            delivery.inputs.push(input);
            (path, version)
        });
        self.in_flight.insert(receipt, UnderWay { file, reported });
        Ok(Some(delivery))
    }

    async fn done(&mut self, receipt: Receipt) -> Result<(), IngestError> {
        if let Some((path, version)) = self.in_flight.remove(&receipt).and_then(|under_way| under_way.file) {
            self.known.insert(path, version);
        }
        Ok(())
    }

    async fn failed(&mut self, receipt: Receipt, _reason: &str) -> Result<(), IngestError> {
        // The next poll finds the file as new as before.
        for entry in self.in_flight.remove(&receipt).map(|under_way| under_way.reported).unwrap_or_default() {
            self.known.remove(&entry.0);
            self.reported.remove(&entry);
        }
        Ok(())
    }

    fn checkpoint(&self) -> Option<Vec<u8>> {
        // A path that is not Unicode is left out, and its file is read again after a restart.
        let name = |path: &PathBuf| path.to_str().map(str::to_owned);
        let files = self.known.iter().filter_map(|(path, version)| Some((name(path)?, *version))).collect();
        serde_json::to_vec(&Checkpoint { version: CHECKPOINT_VERSION, files }).ok()
    }
}

fn reported_entry(account: &InputAccount) -> Option<(PathBuf, SkipReason)> {
    match &account.outcome {
        Outcome::Skipped(reason) => Some((PathBuf::from(&account.name), reason.clone())),
        _ => None,
    }
}

fn version(path: &Path) -> Result<Version, SkipReason> {
    let metadata = path.metadata().map_err(|error| SkipReason::Unreadable(error.to_string()))?;
    let modified = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    Ok(Version {
        bytes: metadata.len(),
        modified: modified.and_then(|at| i64::try_from(at.as_nanosecond()).ok()),
    })
}

fn read_checkpoint(name: &str, bytes: &[u8]) -> Result<BTreeMap<PathBuf, Version>, IngestError> {
    let error = |reason: String| IngestError::Checkpoint { name: name.to_owned(), reason };
    let checkpoint: Checkpoint = serde_json::from_slice(bytes).map_err(|e| error(e.to_string()))?;
    if checkpoint.version != CHECKPOINT_VERSION {
        return Err(error(format!("version {} is not known", checkpoint.version)));
    }
    Ok(checkpoint.files.into_iter().map(|(path, version)| (PathBuf::from(path), version)).collect())
}
