//! Reads one object of a bucket whole, and tells an object that cannot be read from a bucket that cannot be reached.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use jiff::Timestamp;

use super::delivery::Input;
use crate::decode::{FaultReason, SkipReason};

/// Why an object was not read.
#[derive(Debug)]
pub(crate) enum ObjectFailure {
    /// It will not be read another time either.
    Skip(SkipReason),
    /// It is gone, or access is denied; that may change.
    Unreadable(String),
    /// The surroundings failed.
    Unreachable(Box<dyn std::error::Error + Send + Sync>),
}

/// Codes that speak of the one object, or of the key that it is encrypted with.
const OBJECT_CODES: [&str; 6] =
    ["NoSuchKey", "NoSuchBucket", "NoSuchVersion", "AccessDenied", "AllAccessDisabled", "InvalidObjectState"];

/// Reads an object. `region` is that of its bucket, where it is known.
pub(crate) async fn read_object(
    client: &Client,
    bucket: &str,
    key: &str,
    region: Option<&str>,
    most_bytes: u64,
) -> Result<Input, ObjectFailure> {
    let limit = usize::try_from(most_bytes).unwrap_or(usize::MAX);
    let over_size = || ObjectFailure::Skip(SkipReason::Fault(FaultReason::OverSize { limit }));
    let mut request = client.get_object().bucket(bucket).key(key).customize();
    if let Some(region) =
        region.filter(|region| client.config().region().map(Region::as_ref) != Some(*region))
    {
        request = request
            .config_override(aws_sdk_s3::config::Builder::new().region(Region::new(region.to_owned())));
    }
    let mut object = request.send().await.map_err(failure)?;
    let length = object.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if length > limit {
        return Err(over_size());
    }
    let mut bytes = Vec::with_capacity(length);
    while let Some(chunk) =
        object.body.try_next().await.map_err(|error| ObjectFailure::Unreachable(Box::new(error)))?
    {
        if bytes.len() + chunk.len() > limit {
            return Err(over_size());
        }
        bytes.extend_from_slice(&chunk);
    }
    let modified = object.last_modified().and_then(|at| Timestamp::from_second(at.secs()).ok());
    Ok(Input { name: format!("s3://{bucket}/{key}"), bytes, modified })
}

fn failure<E>(error: SdkError<E>) -> ObjectFailure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let is_of_object = match error.code() {
        Some(code) => OBJECT_CODES.contains(&code) || code.starts_with("KMS."),
        None => error.raw_response().is_some_and(|response| response.status().as_u16() == 404),
    };
    if is_of_object {
        ObjectFailure::Unreadable(reason(&error))
    } else {
        ObjectFailure::Unreachable(Box::new(error))
    }
}

/// The code and the message of the service, where it gave an answer.
fn reason<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    }
}
