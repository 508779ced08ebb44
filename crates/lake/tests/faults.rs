//! A store that fails at any of its calls, before or after it did what it was asked for: nothing is lost or doubled.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bartizan_lake::{Lake, LakeError, Settings, Snapshot, Store};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use sample::{at, event, ids, once, small, stream};

/// A bucket whose call number `left` (from zero) fails, and all later ones when it stays broken.
#[derive(Debug)]
struct Faulty {
    bucket: Arc<InMemory>,
    left: AtomicI64,
    /// The call does what it should and its answer is lost.
    after: bool,
    stays: bool,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

impl Faulty {
    fn fails(&self) -> bool {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        left == 0 || (left < 0 && self.stays)
    }

    fn fault() -> Error {
        Error::Generic { store: "faulty", source: "the connection is gone".into() }
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let fails = self.fails();
        if fails && !self.after {
            return Err(Self::fault());
        }
        let answer = self.bucket.put_opts(at, payload, options).await;
        if fails { Err(Self::fault()) } else { answer }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.bucket.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        if self.fails() { Err(Self::fault()) } else { self.bucket.get_opts(at, options).await }
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        if self.fails() {
            Box::pin(futures::stream::once(async { Err(Self::fault()) }))
        } else {
            self.bucket.delete_stream(paths)
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if self.fails() {
            Box::pin(futures::stream::once(async { Err(Self::fault()) }))
        } else {
            self.bucket.list(prefix)
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        if self.fails() { Err(Self::fault()) } else { self.bucket.list_with_delimiter(prefix).await }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.bucket.copy_opts(from, to, options).await
    }
}

/// Appends, flushes, compacts and retains, going on after each fault as a server would.
fn work(lake: &Lake, from: i64) -> i64 {
    let mut next = from;
    for round in 0..4 {
        let events: Vec<_> = ((next - 3).max(0)..next + 4).map(event).collect();
        // A delivery is repeated until it is acknowledged.
        let mut acknowledged = false;
        for _ in 0..3 {
            acknowledged = acknowledged || lake.append(&stream(), events.clone(), at(round)).is_ok();
        }
        if !acknowledged {
            return next;
        }
        next += 4;
        let _ = lake.flush();
        if round % 2 == 1 {
            let _ = lake.compact(at(round));
            let _ = lake.retain(at(3_600_000));
        }
    }
    next
}

fn settings() -> Settings {
    small()
}

#[test]
fn a_fault_at_any_call_loses_and_doubles_nothing() {
    let mut beyond = 0;
    for call in 0.. {
        for (after, stays) in [(false, false), (true, false), (false, true), (true, true)] {
            let bucket = Arc::new(InMemory::new());
            let log = tempfile::tempdir().unwrap();
            let whole = || Store::bucket(bucket.clone(), "").unwrap();
            let faulty =
                Arc::new(Faulty { bucket: bucket.clone(), left: AtomicI64::new(call), after, stays });
            let what = format!("call {call}, after {after}, stays {stays}");
            let mut acknowledged = 0;
            match Lake::open(Store::bucket(faulty.clone(), "").unwrap(), log.path(), settings()) {
                Ok(lake) => {
                    acknowledged = work(&lake, 0);
                    // What readers see is right all the time.
                    if !stays && faulty.left.load(Ordering::SeqCst) < 0 {
                        assert_eq!(ids(&lake.snapshot().unwrap()), once(0..acknowledged), "{what}");
                    }
                }
                Err(LakeError::Bucket { .. }) => {}
                Err(e) => panic!("{what}: {e}"),
            }
            if faulty.left.load(Ordering::SeqCst) >= 0 {
                beyond += 1;
            }
            // The process ends here, and another begins with a store that works.
            let lake = Lake::open(whole(), log.path(), settings()).unwrap();
            let there = ids(&lake.snapshot().unwrap());
            assert!(there.values().all(|count| *count == 1), "{what}");
            let count = there.len() as i64;
            assert!(count == acknowledged || count == acknowledged + 4, "{what}: {count}, {acknowledged}");
            assert_eq!(there, once(0..count), "{what}");
            let acknowledged = work(&lake, count);
            assert_eq!(ids(&lake.snapshot().unwrap()), once(0..acknowledged), "{what}");
            lake.flush().unwrap();
            let read = Snapshot::read(whole(), None, &settings()).unwrap();
            assert_eq!(ids(&read), once(0..acknowledged), "{what}");
        }
        if beyond == 4 {
            assert!(call > 30, "only {call} calls");
            return;
        }
    }
}
