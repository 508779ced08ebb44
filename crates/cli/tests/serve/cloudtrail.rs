//! CloudTrail files as the trail would write them.

use std::io::Write;

use serde_json::{Value, json};

pub(crate) const DELETED: &str = "AWS KMS Imported Key Material Deleted";
pub(crate) const DISABLED: &str = "AWS KMS Customer Managed Key Disabled or Scheduled for Deletion";

/// A call to KMS; the number makes the event's id.
pub(crate) fn kms_call(action: &str, number: u32) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/mallory",
            "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE", "userName": "mallory"
        },
        "eventTime": "2026-03-10T10:00:00Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": action,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"},
        "responseElements": null,
        "requestID": "00000000-0000-4000-8000-000000000000",
        "eventID": event_id(number),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management"
    })
}

pub(crate) fn event_id(number: u32) -> String {
    format!("11111111-2222-4333-8444-{number:012}")
}

/// A gzipped file of records.
pub(crate) fn log_file(records: &[Value]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&serde_json::to_vec(&json!({ "Records": records })).unwrap()).unwrap();
    encoder.finish().unwrap()
}

/// The key under which the trail would put the file of that number.
pub(crate) fn log_key(number: u32) -> String {
    format!(
        "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/10/\
         111122223333_CloudTrail_eu-west-1_20260310T1000Z_{number:016}.json.gz"
    )
}
