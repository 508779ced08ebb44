//! AWS KMS by its SDK: a client for the Region and account of a key, reading and writing by roles of their own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_kms::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kms::error::{BoxError, DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use jiff::Timestamp;

use crate::{
    CallReceipt, KeyArn, KeyService, KeyServices, KeyState, LiveKey, Place, RoleTemplate, ServiceError,
    ServiceFault, USER_AGENT_NAME,
};

/// What is not left to the standard chain of the AWS SDKs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// A profile of the shared files, instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// Instead of `AWS_ENDPOINT_URL`: another place that speaks the same protocols.
    pub endpoint_url: Option<String>,
    /// The role that is assumed for `DescribeKey`; without one, the credentials of the chain read.
    pub read_role_arn: Option<RoleTemplate>,
    /// The role that is assumed for the two calls; without one, the credentials of the chain write.
    pub role_arn: Option<RoleTemplate>,
}

/// Finds KMS for any key. Credentials come from the standard chain, when they are first needed.
#[derive(Debug, Clone)]
pub struct AwsKeyServices {
    settings: AwsSettings,
}

impl AwsKeyServices {
    /// Nothing is read or sent yet.
    pub fn new(settings: AwsSettings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl KeyServices for AwsKeyServices {
    async fn of(&self, key: &KeyArn, session: &str) -> Result<Arc<dyn KeyService>, ServiceError> {
        let base = base(&self.settings, key.region()).await;
        let read = assumed(&base, self.settings.read_role_arn.as_ref(), key, session).await;
        let write = assumed(&base, self.settings.role_arn.as_ref(), key, session).await;
        Ok(Arc::new(AwsKeyService {
            region: key.region().to_owned(),
            account: self.settings.role_arn.as_ref().map(|role| role.account_for(key)),
            read: named(&read),
            write: named(&write),
            sts: aws_sdk_sts::Client::new(&base),
        }))
    }
}

/// KMS in one Region.
struct AwsKeyService {
    region: String,
    /// That of the role that writes; `None` when the credentials of the chain write.
    account: Option<String>,
    read: aws_sdk_kms::Client,
    write: aws_sdk_kms::Client,
    sts: aws_sdk_sts::Client,
}

async fn base(settings: &AwsSettings, region: &str) -> SdkConfig {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(30))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .region(Region::new(region.to_owned()));
    if let Ok(name) = AppName::new(USER_AGENT_NAME) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

/// The same with the credentials of a role.
async fn assumed(base: &SdkConfig, role: Option<&RoleTemplate>, key: &KeyArn, session: &str) -> SdkConfig {
    let Some(role) = role else { return base.clone() };
    let session: String =
        session.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(64).collect();
    let provider =
        AssumeRoleProvider::builder(role.role_for(key)).session_name(session).configure(base).build().await;
    let provider = aws_sdk_kms::config::SharedCredentialsProvider::new(provider);
    base.clone().into_builder().credentials_provider(provider).build()
}

fn named(config: &SdkConfig) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::from_conf(aws_sdk_kms::config::Builder::from(config).interceptor(OurName).build())
}

/// The SDK puts the name of an application into `x-amz-user-agent` alone; which of the two headers CloudTrail records is not
/// the same for all services, so `user-agent` gets it too. It is not part of the signature.
#[derive(Debug)]
struct OurName;

impl Intercept for OurName {
    fn name(&self) -> &'static str {
        "our name in the user agent"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let agent = headers.get("user-agent").unwrap_or_default().to_owned();
        if !agent.contains(USER_AGENT_NAME) {
            headers.insert("user-agent", format!("{agent} app/{USER_AGENT_NAME}"));
        }
        Ok(())
    }
}

#[async_trait]
impl KeyService for AwsKeyService {
    async fn place(&self) -> Result<Place, ServiceError> {
        let region = self.region.clone();
        if let Some(account) = self.account.clone() {
            return Ok(Place { account, region });
        }
        let answer = self.sts.get_caller_identity().send().await;
        let identity = answer.map_err(|error| failed("GetCallerIdentity", &error))?;
        Ok(Place { account: identity.account().unwrap_or_default().to_owned(), region })
    }

    async fn describe(&self, key: &KeyArn) -> Result<LiveKey, ServiceError> {
        const CALL: &str = "DescribeKey";
        let answer = self.read.describe_key().key_id(key.as_str()).send().await;
        let answer = answer.map_err(|error| failed(CALL, &error))?;
        let incomplete = || ServiceError {
            fault: ServiceFault::Refused,
            call: CALL,
            message: "the answer names no key or no state".to_owned(),
        };
        let metadata = answer.key_metadata().ok_or_else(incomplete)?;
        let arn = metadata.arn().and_then(|arn| arn.parse().ok()).ok_or_else(incomplete)?;
        let Ok(state) = metadata.key_state().ok_or_else(incomplete)?.as_str().parse::<KeyState>();
        Ok(LiveKey {
            arn,
            state,
            deletion_date: metadata.deletion_date().and_then(|date| Timestamp::from_second(date.secs()).ok()),
            pending_window_days: metadata.pending_deletion_window_in_days(),
            origin: metadata.origin().map(|origin| origin.as_str().to_owned()),
            is_managed_by_aws: metadata.key_manager().is_some_and(|manager| manager.as_str() == "AWS"),
        })
    }

    /// By the id and not the ARN: an id means a key of the client's own account and Region, and no other.
    async fn cancel_deletion(&self, key: &KeyArn) -> Result<CallReceipt, ServiceError> {
        let answer = self.write.cancel_key_deletion().key_id(key.id()).send().await;
        let answer = answer.map_err(|error| failed("CancelKeyDeletion", &error))?;
        Ok(CallReceipt { request_id: answer.request_id().map(str::to_owned) })
    }

    /// By the id, as [`Self::cancel_deletion`].
    async fn enable(&self, key: &KeyArn) -> Result<CallReceipt, ServiceError> {
        let answer = self.write.enable_key().key_id(key.id()).send().await;
        let answer = answer.map_err(|error| failed("EnableKey", &error))?;
        Ok(CallReceipt { request_id: answer.request_id().map(str::to_owned) })
    }
}

fn failed<E, R>(call: &'static str, error: &SdkError<E, R>) -> ServiceError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let SdkError::ServiceError(refused) = error else {
        // Without the debug form of the request, which follows after the causes.
        let text = DisplayErrorContext(error).to_string();
        let message = text.split(" (").next().unwrap_or_default().to_owned();
        return ServiceError { fault: ServiceFault::NotReached, call, message };
    };
    let code = refused.err().code().unwrap_or("no code");
    let fault = match code {
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "ExpiredTokenException" => ServiceFault::Denied,
        "NotFoundException" => ServiceFault::NotFound,
        "KMSInvalidStateException" | "DisabledException" => ServiceFault::WrongState,
        _ => ServiceFault::Refused,
    };
    let message = match refused.err().message() {
        Some(text) => format!("{code}: {text}"),
        None => code.to_owned(),
    };
    ServiceError { fault, call, message }
}
