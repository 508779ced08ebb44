//! Credentials for a bucket, asked for when they are needed and kept until they run out.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Who knows the credentials.
pub trait BucketCredentials: std::fmt::Debug + Send + Sync {
    /// Those of now. Called on the thread of the transfers.
    fn key(&self) -> BoxFuture<'_, Result<BucketKey, Box<dyn Error + Send + Sync>>>;
}

/// What requests are signed with.
pub struct BucketKey {
    /// The access key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Of credentials for a while.
    pub session_token: Option<String>,
    /// For how long they are of use; `None` for ever.
    pub good_for: Option<Duration>,
}

/// They are asked for again so long before they run out: what is signed with them takes a while to arrive.
const EARLY: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(crate) struct KeptKey {
    credentials: Arc<dyn BucketCredentials>,
    /// Until when, and what.
    kept: Mutex<Option<(Option<Instant>, Arc<AwsCredential>)>>,
}

impl KeptKey {
    pub(crate) fn new(credentials: Arc<dyn BucketCredentials>) -> Self {
        Self { credentials, kept: Mutex::new(None) }
    }

    async fn key(&self) -> Result<Arc<AwsCredential>, Box<dyn Error + Send + Sync>> {
        let mut kept = self.kept.lock().await;
        let now = Instant::now();
        if let Some((until, key)) = &*kept
            && until.is_none_or(|until| now < until)
        {
            return Ok(Arc::clone(key));
        }
        let BucketKey { id, secret, session_token, good_for } = self.credentials.key().await?;
        let key = Arc::new(AwsCredential { key_id: id, secret_key: secret, token: session_token });
        let until = good_for.map(|good_for| now + good_for.saturating_sub(EARLY));
        *kept = Some((until, Arc::clone(&key)));
        Ok(key)
    }
}

impl CredentialProvider for KeptKey {
    type Credential = AwsCredential;

    fn get_credential<'s, 'f>(&'s self) -> BoxFuture<'f, object_store::Result<Arc<AwsCredential>>>
    where
        's: 'f,
        Self: 'f,
    {
        let key =
            async { self.key().await.map_err(|source| object_store::Error::Generic { store: "S3", source }) };
        Box::pin(key)
    }
}
