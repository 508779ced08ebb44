//! Tells events that are in files already: the keys of the files whose times cover an event, read when first asked for.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::data_file::keys;
use crate::error::Result;
use crate::event::EventKey;
use crate::manifest::{DataFile, Manifest, file_path};
use crate::storage::Storage;

/// Keys of files, of which those not used for longest are forgotten when they are too many.
#[derive(Debug)]
pub(crate) struct KnownEvents {
    limit: usize,
    count: usize,
    turn: u64,
    /// By path: when last used, and the keys.
    files: BTreeMap<String, (u64, Arc<HashSet<EventKey>>)>,
}

impl KnownEvents {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, count: 0, turn: 0, files: BTreeMap::new() }
    }

    /// Remembers the keys of a file that was just written.
    pub(crate) fn insert(&mut self, path: String, keys: HashSet<EventKey>) {
        self.turn += 1;
        self.count += keys.len();
        if let Some((_, before)) = self.files.insert(path, (self.turn, Arc::new(keys))) {
            self.count -= before.len();
        }
        while self.count > self.limit && self.files.len() > 1 {
            let oldest = self.files.iter().min_by_key(|(_, (turn, _))| *turn).map(|(path, _)| path.clone());
            let Some((_, dropped)) = oldest.and_then(|path| self.files.remove(&path)) else { break };
            self.count -= dropped.len();
        }
    }

    fn of_file(
        &mut self,
        storage: &dyn Storage,
        path: &str,
        file: &DataFile,
    ) -> Result<Arc<HashSet<EventKey>>> {
        self.turn += 1;
        if let Some((turn, keys)) = self.files.get_mut(path) {
            *turn = self.turn;
            return Ok(Arc::clone(keys));
        }
        let found: HashSet<EventKey> = keys(storage, path, file)?.into_iter().collect();
        let kept = Arc::new(found.clone());
        self.insert(path.to_owned(), found);
        Ok(kept)
    }

    /// For each event (its time and key): is it in a file that came after version `since`?
    pub(crate) fn find(
        &mut self,
        storage: &dyn Storage,
        folder: &str,
        manifest: &Manifest,
        since: u64,
        events: &[(Option<i64>, EventKey)],
    ) -> Result<Vec<bool>> {
        let mut found = vec![false; events.len()];
        for file in manifest.files.iter().filter(|file| file.since > since) {
            let covers = |at: Option<i64>| match at {
                Some(at) => file.time.is_some_and(|(least, greatest)| least <= at && at <= greatest),
                None => file.untimed > 0,
            };
            if !events.iter().any(|(at, _)| covers(*at)) {
                continue;
            }
            let keys = self.of_file(storage, &file_path(folder, &file.name), file)?;
            for (found, (at, key)) in found.iter_mut().zip(events) {
                *found |= covers(*at) && keys.contains(key);
            }
        }
        Ok(found)
    }
}
