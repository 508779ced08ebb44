//! Where files and manifests lie: a folder or a bucket, with the few operations that a lake needs of either.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};

use crate::bucket::Bucket;
use crate::error::Result;
use crate::folder::Folder;

/// Where a lake lies.
#[derive(Clone)]
pub struct Store {
    pub(crate) storage: Arc<dyn Storage>,
}

impl Store {
    /// A local folder, made when the lake is opened. Its file system must know hard links.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self { storage: Arc::new(Folder::new(path.into())) }
    }

    /// A bucket, or a part of one: paths begin with `prefix` (`""` for none). The store must support
    /// [`object_store::PutMode::Create`] and answer listings that are up to date, as S3 does.
    ///
    /// # Errors
    /// When no thread for the transfers can be started.
    pub fn bucket(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self> {
        Ok(Self { storage: Arc::new(Bucket::new(store, prefix)?) })
    }

    /// A bucket on S3, or on a store that speaks its protocol. Settings have the names of `object_store`'s
    /// `AmazonS3ConfigKey`, for example `aws_region`, `aws_endpoint`, `aws_access_key_id`, `aws_allow_http`.
    ///
    /// # Errors
    /// When a setting is unknown or the client cannot be made of them.
    #[cfg(feature = "s3")]
    pub fn s3<'a>(
        bucket: &str,
        prefix: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self> {
        Self::s3_built(bucket, prefix, settings, |builder| builder)
    }

    #[cfg(feature = "s3")]
    fn s3_built<'a>(
        bucket: &str,
        prefix: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
        finish: impl FnOnce(object_store::aws::AmazonS3Builder) -> object_store::aws::AmazonS3Builder,
    ) -> Result<Self> {
        use crate::error::LakeError;
        use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
        let fault = |name: &str, e: object_store::Error| LakeError::BucketSetting {
            name: name.to_owned(),
            reason: e.to_string(),
        };
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
        for (name, value) in settings {
            let key: AmazonS3ConfigKey = name.parse().map_err(|e| fault(name, e))?;
            builder = builder.with_config(key, value);
        }
        let store = finish(builder).build().map_err(|e| fault("bucket", e))?;
        Self::bucket(Arc::new(store), prefix)
    }

    /// As [`Store::s3`], with credentials that are asked for again whenever they have run out.
    ///
    /// # Errors
    /// As [`Store::s3`].
    #[cfg(feature = "s3")]
    pub fn s3_with<'a>(
        bucket: &str,
        prefix: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
        credentials: Arc<dyn crate::bucket_credentials::BucketCredentials>,
    ) -> Result<Self> {
        let provider = crate::bucket_credentials::KeptKey::new(credentials);
        Self::s3_built(bucket, prefix, settings, |builder| builder.with_credentials(Arc::new(provider)))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.storage.fmt(f)
    }
}

/// What a lake asks of a store. Paths are relative, with slashes.
pub(crate) trait Storage: fmt::Debug + Send + Sync {
    /// Writes a file, replacing one that is there. When it returns, the file is durable and whole.
    fn put(&self, path: &str, bytes: Bytes) -> Result<()>;
    /// Writes a file unless there is one, in one step; false when there is one. When it returns, the file is durable.
    fn put_new(&self, path: &str, bytes: Bytes) -> Result<bool>;
    /// The whole file; `None` when it is not there.
    fn get(&self, path: &str) -> Result<Option<Bytes>>;
    /// A Parquet file, to read parts of; `None` when it is not there.
    fn open(&self, path: &str) -> Result<Option<OpenFile>>;
    /// The paths of all files below a folder, in byte order.
    fn list(&self, folder: &str) -> Result<Vec<String>>;
    /// The names of the folders in a folder, in byte order.
    fn folders(&self, folder: &str) -> Result<Vec<String>>;
    /// Deletes a file; one that is not there is deleted already.
    fn delete(&self, path: &str) -> Result<()>;
}

/// An opened Parquet file.
pub(crate) enum OpenFile {
    /// On disk.
    Local(std::fs::File),
    /// In memory.
    Whole(Bytes),
}

impl Length for OpenFile {
    fn len(&self) -> u64 {
        match self {
            Self::Local(file) => Length::len(file),
            Self::Whole(bytes) => Length::len(bytes),
        }
    }
}

impl ChunkReader for OpenFile {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(match self {
            Self::Local(file) => Box::new(file.get_read(start)?),
            Self::Whole(bytes) => Box::new(bytes.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        match self {
            Self::Local(file) => file.get_bytes(start, length),
            Self::Whole(bytes) => bytes.get_bytes(start, length),
        }
    }
}
