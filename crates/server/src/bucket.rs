//! The bucket of a lake, opened as whoever the standard chain of AWS says that this process is.

use std::error::Error;
use std::sync::Arc;

use futures::future::BoxFuture;
use ingest::source::{AwsChain, AwsSettings};
use lake::Store;
use lake::bucket_credentials::{BucketCredentials, BucketKey};
use tokio::sync::OnceCell;

use crate::clock::Clock;
use crate::error::ServerError;

/// Opens a bucket. Region and credentials come from the environment, the profile, or the machine, and `AWS_ENDPOINT_URL` leads
/// to another store that speaks the protocol of S3.
///
/// # Errors
/// When the client cannot be made. Whether there is such a bucket is known with the first transfer.
pub async fn open_bucket(bucket: &str, prefix: &str, clock: Arc<dyn Clock>) -> Result<Store, ServerError> {
    let chain = AwsChain::load(&AwsSettings::default()).await;
    let mut settings = Vec::new();
    settings.extend(chain.region().map(|region| ("aws_region", region)));
    if let Some(url) = chain.endpoint_url() {
        settings.push(("aws_endpoint", url));
        if url.starts_with("http://") {
            settings.push(("aws_allow_http", "true"));
        }
    }
    let credentials = Arc::new(OfChain { clock, chain: OnceCell::new() });
    Ok(Store::s3_with(bucket, prefix, settings, credentials)?)
}

/// The chain, read on the thread that transfers: its connections live there.
#[derive(Debug)]
struct OfChain {
    clock: Arc<dyn Clock>,
    chain: OnceCell<AwsChain>,
}

impl BucketCredentials for OfChain {
    fn key(&self) -> BoxFuture<'_, Result<BucketKey, Box<dyn Error + Send + Sync>>> {
        Box::pin(async {
            let chain =
                self.chain.get_or_init(|| async { AwsChain::load(&AwsSettings::default()).await }).await;
            let key = chain.key().await?;
            let now = std::time::SystemTime::from(self.clock.now());
            let good_for = key.expires.map(|expires| expires.duration_since(now).unwrap_or_default());
            Ok(BucketKey { id: key.id, secret: key.secret, session_token: key.session_token, good_for })
        })
    }
}
