//! Clients for AWS: found and signed in by the standard chain, with TLS by rustls.

use aws_config::SdkConfig;

use super::aws_chain::AwsChain;

/// What is not left to the standard chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// Instead of `AWS_REGION`, the profile's, or that of the machine.
    pub region: Option<String>,
    /// A profile of the shared files, instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// Instead of `AWS_ENDPOINT_URL`: another place that speaks the same protocols.
    pub endpoint_url: Option<String>,
}

/// Clients that sources share.
///
/// Credentials come from the environment, the shared files, a web identity token, a container or the instance, in the
/// order of the AWS SDKs, and are renewed by themselves. The region tells the partition.
#[derive(Debug, Clone)]
pub struct AwsClients {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
}

impl AwsClients {
    /// Reads the environment and the shared files. Nothing is sent yet.
    pub async fn load(settings: &AwsSettings) -> Self {
        Self::new(&AwsChain::load(settings).await.config)
    }

    /// With a configuration at hand. Where an endpoint is set, buckets are part of the path, not of the host's name.
    pub fn new(config: &SdkConfig) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(config.endpoint_url().is_some())
            .build();
        Self { s3: aws_sdk_s3::Client::from_conf(s3), sqs: aws_sdk_sqs::Client::new(config) }
    }
}
