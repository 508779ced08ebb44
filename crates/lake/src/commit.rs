//! Puts the next version of a manifest: conditionally, again after another writer was quicker.

use std::sync::Arc;

use crate::error::{LakeError, Result};
use crate::manifest::{KEPT_VERSIONS, Manifest, manifest_path, newest, versions};
use crate::storage::Storage;

const ATTEMPTS: u32 = 100;

/// Commits what `change` makes of the newest manifest, and answers with the newest afterwards. `change` is asked again
/// after every conflict, with the manifest that was quicker; `None` leaves it as it is.
pub(crate) fn commit(
    storage: &dyn Storage,
    folder: &str,
    start: Arc<Manifest>,
    mut change: impl FnMut(&Manifest) -> Result<Option<Manifest>>,
) -> Result<Arc<Manifest>> {
    let stream = start.data_stream();
    let mut current = start;
    for _ in 0..ATTEMPTS {
        let Some(mut next) = change(&current)? else { return Ok(current) };
        next.version = current.version + 1;
        let path = manifest_path(folder, next.version);
        if storage.put_new(&path, next.encode(&path)?)? {
            let there = versions(storage, folder)?;
            let last = there.last().copied().unwrap_or(next.version);
            if last < next.version + KEPT_VERSIONS {
                for version in there.iter().filter(|version| **version + KEPT_VERSIONS <= last) {
                    storage.delete(&manifest_path(folder, *version))?;
                }
                return Ok(Arc::new(next));
            }
            // The place was free only because others are so far ahead that they removed what was there.
            storage.delete(&path)?;
        }
        current = match newest(storage, folder)? {
            Some(newest) => Arc::new(newest),
            None => Arc::new(Manifest::empty(&stream)),
        };
    }
    Err(LakeError::Contended { stream: stream.name(), attempts: ATTEMPTS })
}
