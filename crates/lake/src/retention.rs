//! Retention: files whose last event has grown old are dropped, and dropped files deleted when no reader needs them.

use std::sync::Arc;

use ecs::Timestamp;

use crate::columns::milliseconds;
use crate::commit::commit;
use crate::error::Result;
use crate::lake::Lake;
use crate::manifest::{DataFile, RemovedFile, file_path};

/// What retention did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retained {
    /// Files dropped because all their events were ingested too long ago.
    pub dropped: u64,
    /// The events in them.
    pub events: u64,
    /// Files deleted, that were dropped or replaced at least the grace ago.
    pub deleted: u64,
}

impl Lake {
    /// Drops files all of whose events were ingested before `now` less the retention, and deletes files that were
    /// dropped or replaced at least the grace before `now`.
    ///
    /// An event is kept for at least the retention after it was ingested, however old its `@timestamp` is; how much
    /// longer depends on the other events of its file.
    ///
    /// # Errors
    /// When a manifest cannot be committed or a file not be deleted; the next call goes on.
    pub fn retain(&self, now: Timestamp) -> Result<Retained> {
        let inner = &*self.inner;
        let _one_at_a_time = inner.maintenance.lock()?;
        let before = |age| now.checked_sub(age).ok().and_then(milliseconds);
        let oldest = inner.settings.retention.and_then(before);
        let deletable = before(inner.settings.grace);
        let is_old = |file: &DataFile| {
            let last = file.ingested.map(|(_, last)| last);
            oldest.zip(last).is_some_and(|(oldest, last)| last < oldest)
        };
        let is_deletable = |file: &RemovedFile| deletable.is_some_and(|before| file.at <= before);
        let mut retained = Retained::default();
        for (folder, state) in self.streams()? {
            // Deleted first: a file that is named and not there is no harm among the removed ones.
            let gone: Vec<String> = state
                .manifest
                .removed
                .iter()
                .filter(|file| is_deletable(file))
                .map(|file| file.name.clone())
                .collect();
            for name in &gone {
                inner.storage.delete(&file_path(&folder, name))?;
            }
            retained.deleted += gone.len() as u64;
            let mut dropped: (u64, u64) = (0, 0);
            let manifest = commit(&*inner.storage, &folder, Arc::clone(&state.manifest), |current| {
                let old: Vec<&DataFile> = current.files.iter().filter(|file| is_old(file)).collect();
                dropped = (old.len() as u64, old.iter().map(|file| file.rows).sum());
                if old.is_empty() && !current.removed.iter().any(|file| gone.contains(&file.name)) {
                    return Ok(None);
                }
                let at = milliseconds(now).unwrap_or(i64::MAX);
                let mut removed: Vec<RemovedFile> =
                    current.removed.iter().filter(|file| !gone.contains(&file.name)).cloned().collect();
                removed.extend(old.iter().map(|file| RemovedFile { name: file.name.clone(), at }));
                let files = current.files.iter().filter(|file| !is_old(file)).cloned().collect();
                let mut next = current.clone();
                next.files = files;
                next.removed = removed;
                Ok(Some(next))
            })?;
            retained.dropped += dropped.0;
            retained.events += dropped.1;
            self.install(&folder, &manifest)?;
        }
        Ok(retained)
    }
}
