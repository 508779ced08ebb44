//! What a message of a queue tells of new objects in a bucket, in whichever wrapping it comes.
//!
//! Sources: Amazon S3 User Guide, "Event message structure" (keys are URL-encoded, a space as `+`) and "EventBridge
//! event message structure" (keys are as they are); Amazon SNS Developer Guide, "Parsing message formats"; AWS
//! CloudTrail User Guide, "Configuring Amazon SNS notifications for CloudTrail".

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Message {
    /// Objects, in the order in which they are named.
    Objects(Vec<NotifiedObject>),
    /// S3 tries whether it may write to the queue, when notifications are set up.
    Test,
}

/// An object that a message names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotifiedObject {
    /// Its bucket.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// The bucket's region, where the message says it.
    pub region: Option<String>,
    /// What became of the object, such as `ObjectCreated:Put` or `Object Deleted`, where it was not created: there is
    /// nothing to be read.
    pub not_created: Option<String>,
}

impl NotifiedObject {
    /// What the ledger calls it.
    pub fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// Why a message is none that tells of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotS3Message {
    /// The text.
    #[error("not a JSON object")]
    NotJson,
    /// JSON of another meaning.
    #[error("not a notification of S3")]
    NotS3,
    /// One of its records names no bucket or no key.
    #[error("a record without bucket or key")]
    NoObject,
    /// A key that is no text when decoded.
    #[error("an object key that is not UTF-8")]
    KeyNotUtf8,
    /// SNS in SNS in SNS.
    #[error("wrapped too often")]
    WrappedTooOften,
}

/// How often a message may be wrapped.
const MOST_WRAPS: usize = 3;

/// Reads the body of a message: a notification of S3, or of EventBridge, or CloudTrail's own of new log files; each
/// plain, or in the envelope of SNS.
///
/// # Errors
/// When it is anything else. Nothing of it is then used: a message is read whole or not at all.
pub fn read_s3_message(body: &str) -> Result<S3Message, NotS3Message> {
    let mut text = body.to_owned();
    for _ in 0..=MOST_WRAPS {
        let Ok(Value::Object(message)) = serde_json::from_str(&text) else {
            return Err(NotS3Message::NotJson);
        };
        let is_sns = message.contains_key("TopicArn") || text_of(&message, "Type") == Some("Notification");
        match message.get("Message") {
            Some(Value::String(inner)) if is_sns => text = inner.clone(),
            _ => return read_unwrapped(&message),
        }
    }
    Err(NotS3Message::WrappedTooOften)
}

fn read_unwrapped(message: &Map<String, Value>) -> Result<S3Message, NotS3Message> {
    if text_of(message, "Event") == Some("s3:TestEvent") {
        return Ok(S3Message::Test);
    }
    if let Some(records) = message.get("Records").and_then(Value::as_array) {
        return records.iter().map(s3_record).collect::<Result<_, _>>().map(S3Message::Objects);
    }
    if text_of(message, "source") == Some("aws.s3") {
        return Ok(S3Message::Objects(vec![eventbridge_object(message)?]));
    }
    if let (Some(bucket), Some(keys)) =
        (text_of(message, "s3Bucket"), message.get("s3ObjectKey").and_then(Value::as_array))
    {
        let object = |key: &Value| {
            let key = key.as_str().filter(|key| !key.is_empty()).ok_or(NotS3Message::NoObject)?;
            object(Some(bucket), Some(key.to_owned()), None, None)
        };
        return keys.iter().map(object).collect::<Result<_, _>>().map(S3Message::Objects);
    }
    Err(NotS3Message::NotS3)
}

/// One record of S3's own notification.
fn s3_record(record: &Value) -> Result<NotifiedObject, NotS3Message> {
    let text = |path: &str| record.pointer(path).and_then(Value::as_str);
    if text("/eventSource").is_some_and(|source| source != "aws:s3") || record.get("s3").is_none() {
        return Err(NotS3Message::NotS3);
    }
    let key = text("/s3/object/key").map(decode_key).transpose()?;
    let event = text("/eventName").unwrap_or("ObjectCreated");
    let event = event.strip_prefix("s3:").unwrap_or(event);
    object(
        text("/s3/bucket/name"),
        key,
        text("/awsRegion"),
        (!event.starts_with("ObjectCreated")).then_some(event),
    )
}

fn eventbridge_object(message: &Map<String, Value>) -> Result<NotifiedObject, NotS3Message> {
    let detail = message.get("detail").ok_or(NotS3Message::NoObject)?;
    let text = |path: &str| detail.pointer(path).and_then(Value::as_str);
    let kind = text_of(message, "detail-type").unwrap_or_default();
    object(
        text("/bucket/name"),
        text("/object/key").map(str::to_owned),
        text_of(message, "region"),
        (kind != "Object Created").then_some(kind),
    )
}

fn object(
    bucket: Option<&str>,
    key: Option<String>,
    region: Option<&str>,
    not_created: Option<&str>,
) -> Result<NotifiedObject, NotS3Message> {
    let filled = |text: &&str| !text.is_empty();
    let bucket = bucket.filter(filled).ok_or(NotS3Message::NoObject)?.to_owned();
    let key = key.filter(|key| !key.is_empty()).ok_or(NotS3Message::NoObject)?;
    let region = region.filter(filled).map(str::to_owned);
    Ok(NotifiedObject { bucket, key, region, not_created: not_created.map(str::to_owned) })
}

/// As forms are encoded: `+` is a space.
fn decode_key(key: &str) -> Result<String, NotS3Message> {
    let key = key.replace('+', " ");
    let decoded = percent_decode_str(&key).decode_utf8().map_err(|_| NotS3Message::KeyNotUtf8)?;
    Ok(decoded.into_owned())
}

fn text_of<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plain(key: &str) -> Value {
        json!({"Records": [{
            "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "trail"}, "object": {"key": key, "size": 5}},
        }]})
    }

    fn eventbridge(key: &str, kind: &str) -> Value {
        json!({
            "version": "0", "source": "aws.s3", "detail-type": kind, "region": "cn-north-1",
            "detail": {"bucket": {"name": "trail"}, "object": {"key": key}},
        })
    }

    fn sns(message: &Value) -> Value {
        json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t", "Message": message.to_string()})
    }

    /// The names of the objects, with what is said of them.
    fn read(message: &Value) -> Result<Vec<String>, NotS3Message> {
        let S3Message::Objects(objects) = read_s3_message(&message.to_string())? else {
            return Ok(vec!["test".to_owned()]);
        };
        let say = |object: NotifiedObject| {
            let name = object.name();
            let parts = [Some(name), object.region, object.not_created].into_iter().flatten();
            parts.collect::<Vec<_>>().join(" ")
        };
        Ok(objects.into_iter().map(say).collect())
    }

    #[test]
    fn objects_are_found_in_every_wrapping() {
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"});
        let cloudtrail = json!({"s3Bucket": "trail", "s3ObjectKey": ["a b", "c%20d"]});
        let mut removed = plain("k");
        removed["Records"][0]["eventName"] = json!("ObjectRemoved:Delete");
        let mut replicated = plain("k");
        replicated["Records"][0]["eventName"] = json!("s3:ObjectCreated:Copy");
        for (message, expected) in [
            (plain("a/b%2Bc+d%3D%C3%A9.json.gz"), vec!["s3://trail/a/b+c d=é.json.gz eu-west-1"]),
            (sns(&plain("k")), vec!["s3://trail/k eu-west-1"]),
            (sns(&sns(&plain("k"))), vec!["s3://trail/k eu-west-1"]),
            (eventbridge("a+b%20c", "Object Created"), vec!["s3://trail/a+b%20c cn-north-1"]),
            (sns(&eventbridge("k", "Object Created")), vec!["s3://trail/k cn-north-1"]),
            (eventbridge("k", "Object Deleted"), vec!["s3://trail/k cn-north-1 Object Deleted"]),
            (removed, vec!["s3://trail/k eu-west-1 ObjectRemoved:Delete"]),
            (replicated, vec!["s3://trail/k eu-west-1"]),
            (cloudtrail.clone(), vec!["s3://trail/a b", "s3://trail/c%20d"]),
            (sns(&cloudtrail), vec!["s3://trail/a b", "s3://trail/c%20d"]),
            (test.clone(), vec!["test"]),
            (sns(&test), vec!["test"]),
            (json!({"Records": []}), vec![]),
        ] {
            assert_eq!(read(&message).unwrap(), expected, "{message}");
        }
    }

    #[test]
    fn anything_else_is_refused_whole() {
        let mut half = plain("k");
        half["Records"].as_array_mut().unwrap().push(json!({"eventSource": "aws:s3", "s3": {}}));
        for (message, expected) in [
            (json!([1]), NotS3Message::NotJson),
            (json!({"Message": "{}"}), NotS3Message::NotS3),
            (sns(&json!("text")), NotS3Message::NotJson),
            (json!({"Records": [{"eventVersion": "1.08", "userIdentity": {}}]}), NotS3Message::NotS3),
            (json!({"Records": [{"eventSource": "aws:ses", "s3": {}}]}), NotS3Message::NotS3),
            (half, NotS3Message::NoObject),
            (plain(""), NotS3Message::NoObject),
            (plain("%ff"), NotS3Message::KeyNotUtf8),
            (eventbridge("", "Object Created"), NotS3Message::NoObject),
            (json!({"s3Bucket": "trail", "s3ObjectKey": [1]}), NotS3Message::NoObject),
            (sns(&sns(&sns(&sns(&plain("k"))))), NotS3Message::WrappedTooOften),
        ] {
            assert_eq!(read(&message), Err(expected), "{message}");
        }
        assert_eq!(read_s3_message("{"), Err(NotS3Message::NotJson));
    }
}
