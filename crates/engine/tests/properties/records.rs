//! CloudTrail records of every sort, and files of them.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn record() -> impl Strategy<Value = Value> {
    let one_of = |values: &'static [&'static str]| proptest::sample::select(values);
    let id = 0..40u32;
    let kind = one_of(&["IAMUser", "AWSService", "AssumedRole", "Root"]);
    (
        id,
        one_of(&["DisableKey", "ScheduleKeyDeletion", "DeleteAlias", "ListKeys", "disablekey"]),
        one_of(&["kms.amazonaws.com", "s3.amazonaws.com"]),
        one_of(&["192.0.2.7", "198.51.100.1", "AWS Internal"]),
        one_of(&["eu-west-1", "us-east-1", "ap-south-1"]),
        proptest::option::of(one_of(&["AccessDenied", ""])),
        one_of(&["ana", "ben"]),
        kind,
        one_of(&["Boto3/1.34 boto", "console", "-"]),
        any::<bool>(),
    )
        .prop_map(|(id, name, source, address, region, error, user, kind, agent, key)| {
            let mut record = json!({
                "eventVersion": "1.11", "userIdentity": {"type": kind, "userName": user, "arn": "arn:aws:iam::111122223333:user/x"},
                "eventTime": "2024-05-06T07:08:09Z", "eventSource": source, "eventName": name, "awsRegion": region,
                "sourceIPAddress": address, "userAgent": agent, "errorCode": error,
                "eventID": format!("00000000-0000-4000-8000-{id:012}"), "recipientAccountId": "111122223333",
            });
            if key {
                record["requestParameters"] = json!({"keyId": "key-abc-1", "nested": {"eventName": "DisableKey"}});
            }
            record
        })
}

/// A file: records, and whether it is cut off before its end.
pub(crate) fn file() -> impl Strategy<Value = (Vec<Value>, bool, bool)> {
    (proptest::collection::vec(record(), 0..12), any::<bool>(), any::<bool>())
}

/// The records in the order of their places, a new file from each cut on.
pub(crate) fn shuffled(records: Vec<Value>, places: &[u16], cuts: &[usize]) -> Vec<(Vec<Value>, bool, bool)> {
    let mut placed: Vec<(u16, Value)> = places.iter().copied().zip(records).collect();
    placed.sort_by_key(|(place, _)| *place);
    let mut files: Vec<(Vec<Value>, bool, bool)> = Vec::new();
    for (at, (_, record)) in placed.into_iter().enumerate() {
        if files.is_empty() || cuts.contains(&at) {
            files.push((Vec::new(), at % 2 == 0, false));
        }
        if let Some((records, ..)) = files.last_mut() {
            records.push(record);
        }
    }
    files
}

pub(crate) fn write(folder: &Path, files: &[(Vec<Value>, bool, bool)]) {
    for (at, (records, lines, cut)) in files.iter().enumerate() {
        let mut text = if *lines {
            records.iter().map(|r| format!("{r}\n")).collect::<String>()
        } else {
            json!({"Records": records}).to_string()
        };
        if *cut {
            text.truncate(text.len() * 2 / 3);
        }
        std::fs::write(folder.join(format!("{at:03}.json")), text).unwrap();
    }
}
