//! What a call asked for and got, as text and as objects: `request_parameters`, `response_elements` and their like.

use serde_json::{Map, Value};

use super::absence::is_absent;
use super::java_string::{java_length, java_string, java_string_without};
use super::moves::put;

/// Which of the two forms of a payload a document keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retain {
    /// Text and objects.
    #[default]
    All,
    /// Text only.
    Keyword,
    /// Objects only (`aws.cloudtrail.flattened.*`).
    Flattened,
    /// Text, and of the objects only the keys that Elastic's own rules read.
    Minimal,
    /// Neither.
    None,
}

impl Retain {
    fn text(self) -> bool {
        matches!(self, Self::All | Self::Keyword | Self::Minimal)
    }

    fn flattened(self) -> bool {
        matches!(self, Self::All | Self::Flattened | Self::Minimal)
    }
}

/// Text of this many UTF-16 units or more has no copy as objects: Lucene refuses longer terms.
const FLATTENED_BELOW: usize = 32_766;

/// Name in the record, name of the field.
const PAYLOADS: [(&str, &str); 4] = [
    ("requestParameters", "request_parameters"),
    ("responseElements", "response_elements"),
    ("additionalEventData", "additional_eventdata"),
    ("serviceEventDetails", "service_event_details"),
];

/// What [`Retain::Minimal`] keeps of the objects.
const MINIMAL: [(&str, &[&str]); 2] = [
    (
        "request_parameters",
        &[
            "cidrIp",
            "dryRun",
            "fromPort",
            "includeDeprecated",
            "policyArn",
            "serialNumber",
            "withDecryption",
            "x-amz-server-side-encryption-customer-algorithm",
        ],
    ),
    ("additional_eventdata", &["SSEApplied"]),
];

/// The payloads of one record as text.
#[derive(Debug, Default)]
pub(super) struct PayloadTexts {
    texts: [Option<String>; PAYLOADS.len()],
    /// Additional event data without its `UserName`, of a record whose user name may be taken from there.
    without_user_name: Option<String>,
}

impl PayloadTexts {
    /// Must be read before absent values are dropped: they still count for the order of the keys.
    pub(super) fn read(record: &Map<String, Value>) -> Self {
        let payload = |key: &str| record.get(key).filter(|value| !is_absent(value));
        Self {
            texts: PAYLOADS.map(|(raw, _)| payload(raw).map(java_string)),
            without_user_name: (record.get("eventName").and_then(Value::as_str)
                == Some("UserAuthentication"))
            .then(|| payload("additionalEventData")?.as_object())
            .flatten()
            .map(|map| java_string_without(map, "UserName")),
        }
    }

    /// Tells that `additionalEventData.UserName` has been moved away.
    pub(super) fn user_name_was_taken(&mut self) {
        self.texts[2] = self.without_user_name.take();
    }
}

/// Moves the payloads into `aws.cloudtrail` as text, and into its `flattened` as they are.
pub(super) fn move_payloads(
    record: &mut Map<String, Value>,
    texts: PayloadTexts,
    retain: Retain,
    (cloudtrail, flattened): (&mut Map<String, Value>, &mut Map<String, Value>),
) {
    for ((raw, field), text) in PAYLOADS.into_iter().zip(texts.texts) {
        let (Some(payload), Some(text)) = (record.remove(raw), text) else { continue };
        if retain.flattened() && java_length(&text) < FLATTENED_BELOW && !is_absent(&payload) {
            let kept = if retain == Retain::Minimal { minimal(field, &payload) } else { Some(payload) };
            put(flattened, field, kept);
        }
        if retain.text() {
            cloudtrail.insert(field.to_owned(), Value::String(text));
        }
    }
}

fn minimal(field: &str, payload: &Value) -> Option<Value> {
    let (_, keys) = MINIMAL.into_iter().find(|(name, _)| *name == field)?;
    let kept: Map<String, Value> =
        keys.iter().filter_map(|key| Some(((*key).to_owned(), payload.get(key)?.clone()))).collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integration::aws_cloudtrail::absence::drop_absent;
    use serde_json::json;

    fn payloads(record: Value, retain: Retain) -> (Value, Value) {
        let Value::Object(mut record) = record else { panic!("not an object") };
        let texts = PayloadTexts::read(&record);
        drop_absent(&mut record);
        let (mut cloudtrail, mut flattened) = (Map::new(), Map::new());
        move_payloads(&mut record, texts, retain, (&mut cloudtrail, &mut flattened));
        (Value::Object(cloudtrail), Value::Object(flattened))
    }

    #[test]
    fn a_payload_is_kept_as_text_and_as_objects() {
        let record = json!({
            "requestParameters": {"p": 1, "a": {"x": null, "y": 2.0}},
            "responseElements": {"a": "-"},
            "additionalEventData": null,
            "serviceEventDetails": "as text"
        });
        let texts = json!({"request_parameters": "{p=1, a={y=2.0}}", "service_event_details": "as text"});
        let objects =
            json!({"request_parameters": {"p": 1, "a": {"y": 2.0}}, "service_event_details": "as text"});
        assert_eq!(payloads(record.clone(), Retain::All), (texts.clone(), objects.clone()));
        assert_eq!(payloads(record.clone(), Retain::Keyword), (texts.clone(), json!({})));
        assert_eq!(payloads(record.clone(), Retain::Flattened), (json!({}), objects));
        assert_eq!(payloads(record.clone(), Retain::Minimal), (texts, json!({})));
        assert_eq!(payloads(record, Retain::None), (json!({}), json!({})));
    }

    #[test]
    fn the_minimum_keeps_what_rules_read() {
        let record = json!({
            "requestParameters": {"policyArn": "arn:p", "dryRun": false, "roleName": "r"},
            "additionalEventData": {"SSEApplied": "Default", "x": 1},
            "responseElements": {"policyArn": "arn:p"}
        });
        let (_, objects) = payloads(record, Retain::Minimal);
        let expected = json!({
            "request_parameters": {"policyArn": "arn:p", "dryRun": false},
            "additional_eventdata": {"SSEApplied": "Default"}
        });
        assert_eq!(objects, expected);
    }

    #[test]
    fn long_payloads_are_kept_as_text_alone() {
        // `{a=` and `}` are four units; the emoji counts for two and has four bytes.
        let record = |units: usize| json!({"requestParameters": {"a": "😀".repeat((units - 4) / 2)}});
        for (units, expected) in [(32_764, true), (32_766, false)] {
            let (texts, objects) = payloads(record(units), Retain::All);
            let text = texts["request_parameters"].as_str().unwrap();
            assert_eq!(text.encode_utf16().count(), units);
            assert_eq!(objects.get("request_parameters").is_some(), expected, "{units}");
        }
    }
}
