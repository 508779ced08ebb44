//! The Amazon SNS connector: one message published to a topic.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>. Credentials are those of the process that sends.

use serde::{Deserialize, Serialize};

use super::{check_timeout, usual_timeout};
use crate::error::ConfigError;

/// Settings of an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnsConfig {
    /// `arn:aws:sns:<region>:<account>:<topic>`; says the region too. A topic whose name ends in `.fifo` gets a message
    /// once, however often it is sent within five minutes.
    pub topic_arn: String,
    /// How long the whole exchange may take: 1 to 300, 15 when missing.
    #[serde(default = "usual_timeout")]
    pub timeout_seconds: u32,
}

impl SnsConfig {
    pub(super) fn check(&self, at: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        check_timeout(self.timeout_seconds, at)?;
        let parts: Vec<&str> = self.topic_arn.split(':').collect();
        match parts[..] {
            ["arn", partition, "sns", region, account, topic]
                if partition.starts_with("aws")
                    && !region.is_empty()
                    && account.len() == 12
                    && account.bytes().all(|byte| byte.is_ascii_digit())
                    && !topic.is_empty() =>
            {
                Ok(())
            }
            _ => Err(ConfigError::value(
                at("topic_arn"),
                "must look like arn:aws:sns:eu-central-1:123456789012:alerts",
            )),
        }
    }

    /// The region that the topic is in.
    pub fn region(&self) -> &str {
        self.topic_arn.split(':').nth(3).unwrap_or_default()
    }
}

#[cfg(feature = "aws")]
mod publish {
    use std::time::Duration;

    use aws_sdk_sns::config::Region;
    use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata};

    use super::SnsConfig;
    use crate::message::Message;
    use crate::send::{MAX_EXCERPT, Receipt, SendError, Sending};

    impl SnsConfig {
        pub(crate) async fn send(
            &self,
            subject: &str,
            text: &str,
            message: &Message,
            sending: &mut Sending<'_>,
        ) -> Result<Receipt, SendError> {
            let Some(aws) = &sending.transports.aws else {
                return Err(SendError::invalid("no AWS credentials are set up here".to_owned()));
            };
            let config = aws_sdk_sns::config::Builder::from(aws)
                .region(Region::new(self.region().to_owned()))
                // Trying again is the outbox's business.
                .retry_config(aws_sdk_sns::config::retry::RetryConfig::disabled())
                .build();
            let is_fifo = self.topic_arn.ends_with(".fifo");
            let publish = aws_sdk_sns::Client::from_conf(config)
                .publish()
                .topic_arn(&self.topic_arn)
                .subject(subject)
                .message(text)
                .set_message_group_id(is_fifo.then(|| message.rule_id.chars().take(128).collect()))
                .set_message_deduplication_id(is_fifo.then(|| message.key.clone()))
                .send();
            let timeout = Duration::from_secs(self.timeout_seconds.into());
            let host = format!("SNS in {}", self.region());
            let answer = match tokio::time::timeout(timeout, publish).await {
                Ok(answer) => answer,
                Err(_) => return Err(SendError::TimedOut { host, timeout }),
            };
            match answer {
                Ok(answer) => {
                    let id = answer.message_id().unwrap_or("not given");
                    Ok(Receipt::new(message, format!("SNS message id {id}")))
                }
                Err(error) => {
                    let status = error.raw_response().map(|answer| answer.status().as_u16());
                    let code = error.code().unwrap_or_default().to_owned();
                    let reason =
                        sending.redaction.excerpt(&DisplayErrorContext(&error).to_string(), MAX_EXCERPT);
                    let is_retryable = match status {
                        None => error.as_service_error().is_none(),
                        Some(status) => {
                            status == 429 || status >= 500 || code.contains("Throttl") || is_credential(&code)
                        }
                    };
                    Err(SendError::Sns { topic: self.topic_arn.clone(), code, reason, is_retryable })
                }
            }
        }
    }

    /// Credentials are renewed.
    fn is_credential(code: &str) -> bool {
        ["ExpiredToken", "ExpiredTokenException", "RequestExpired"].contains(&code)
    }
}
