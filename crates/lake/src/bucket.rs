//! A store in a bucket: S3, or any other that `object_store` speaks to.

use std::future::Future;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use futures::TryStreamExt;
use futures::channel::oneshot;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
use tokio::runtime::{Builder, Handle};

use crate::error::{LakeError, Result};
use crate::storage::{OpenFile, Storage};

/// Transfers run on a thread of their own, so that a lake may be used from threads of any kind.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    transfers: Handle,
    /// Dropped with the bucket, which ends the thread.
    _open: oneshot::Sender<()>,
}

impl Bucket {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self> {
        let fault =
            |source| LakeError::File { action: "cannot start transfers to", path: "bucket".into(), source };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(fault)?;
        let transfers = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("lake-transfers".to_owned())
            .spawn(move || runtime.block_on(closed))
            .map_err(fault)?;
        Ok(Self { store, prefix: prefix.trim_matches('/').to_owned(), transfers, _open: open })
    }

    fn path(&self, path: &str) -> Path {
        if self.prefix.is_empty() { Path::from(path) } else { Path::from(format!("{}/{path}", self.prefix)) }
    }

    /// Runs a transfer to its end.
    fn wait<T: Send + 'static>(
        &self,
        action: &'static str,
        path: &str,
        transfer: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T> {
        let (done, answer) = mpsc::sync_channel(1);
        drop(self.transfers.spawn(async move {
            // Nobody waits any more when the lake is dropped meanwhile.
            let _ = done.send(transfer.await);
        }));
        let answer = answer.recv().map_err(|_| LakeError::Poisoned)?;
        answer.map_err(|source| LakeError::Bucket { action, path: path.to_owned(), source })
    }
}

impl Storage for Bucket {
    fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let (store, at) = (Arc::clone(&self.store), self.path(path));
        self.wait("cannot write", path, async move { store.put(&at, bytes.into()).await.map(|_| ()) })
    }

    fn put_new(&self, path: &str, bytes: Bytes) -> Result<bool> {
        let (store, at) = (Arc::clone(&self.store), self.path(path));
        self.wait("cannot write", path, async move {
            match store.put_opts(&at, bytes.into(), PutMode::Create.into()).await {
                Ok(_) => Ok(true),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
                Err(e) => Err(e),
            }
        })
    }

    fn get(&self, path: &str) -> Result<Option<Bytes>> {
        let (store, at) = (Arc::clone(&self.store), self.path(path));
        self.wait("cannot read", path, async move {
            match store.get(&at).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(e) => Err(e),
            }
        })
    }

    fn open(&self, path: &str) -> Result<Option<OpenFile>> {
        Ok(self.get(path)?.map(OpenFile::Whole))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        let (store, at) = (Arc::clone(&self.store), self.path(folder));
        let found: Vec<_> =
            self.wait("cannot list", folder, async move { store.list(Some(&at)).try_collect().await })?;
        let mut names: Vec<String> = found
            .iter()
            .filter_map(|meta| meta.location.filename().map(|name| format!("{folder}/{name}")))
            .collect();
        names.sort();
        Ok(names)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>> {
        let (store, at) = (Arc::clone(&self.store), self.path(folder));
        let found =
            self.wait("cannot list", folder, async move { store.list_with_delimiter(Some(&at)).await })?;
        let mut names: Vec<String> =
            found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    fn delete(&self, path: &str) -> Result<()> {
        let (store, at) = (Arc::clone(&self.store), self.path(path));
        self.wait("cannot delete", path, async move {
            match store.delete(&at).await {
                Err(e) if !matches!(e, Error::NotFound { .. }) => Err(e),
                _ => Ok(()),
            }
        })
    }
}
