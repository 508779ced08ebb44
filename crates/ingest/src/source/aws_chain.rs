//! Who this process is to AWS: credentials, region and endpoint by the standard chain.

use std::time::SystemTime;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::ProvideCredentials;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::aws_clients::AwsSettings;
use crate::error::IngestError;

/// The environment and the shared files, read. Credentials come from the environment, the shared files, a web identity
/// token, a container or the instance, in the order of the AWS SDKs.
#[derive(Debug, Clone)]
pub struct AwsChain {
    pub(crate) config: SdkConfig,
}

/// What requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsKey {
    /// The access key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Of credentials for a while.
    pub session_token: Option<String>,
    /// Until when they are of use; `None` for ever.
    pub expires: Option<SystemTime>,
}

impl std::fmt::Debug for AwsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsKey").field("id", &self.id).field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl AwsChain {
    /// Reads the environment and the shared files. Nothing is sent yet, but where only the machine knows the region.
    pub async fn load(settings: &AwsSettings) -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        Self { config: loader.load().await }
    }

    /// `AWS_REGION`, the profile's, or that of the machine.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// `AWS_ENDPOINT_URL`, or the profile's.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.config.endpoint_url()
    }

    /// The credentials of now.
    ///
    /// # Errors
    /// When there are none, or who gives them does not answer.
    pub async fn key(&self) -> Result<AwsKey, IngestError> {
        let fault = |source| IngestError::Source {
            name: "AWS".to_owned(),
            action: "find credentials".to_owned(),
            source,
        };
        let Some(provider) = self.config.credentials_provider() else {
            return Err(fault("the standard chain has no link".into()));
        };
        let found = provider.provide_credentials().await.map_err(|error| fault(error.into()))?;
        Ok(AwsKey {
            id: found.access_key_id().to_owned(),
            secret: found.secret_access_key().to_owned(),
            session_token: found.session_token().map(str::to_owned),
            expires: found.expiry(),
        })
    }
}
