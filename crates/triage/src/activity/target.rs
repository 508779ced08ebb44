//! What a call was about: an ARN, an id or a name from its record.

use serde_json::Value;

use crate::event::{Event, resources_of_record};

/// Parameters that name what a call is about, the telling ones first. Spellings are those of CloudTrail.
const NAMES: [&str; 34] = [
    "keyId",
    "bucketName",
    "snapshotId",
    "volumeId",
    "imageId",
    "instanceId",
    "dBSnapshotIdentifier",
    "dBClusterSnapshotIdentifier",
    "dBInstanceIdentifier",
    "dBClusterIdentifier",
    "tableName",
    "recoveryPointArn",
    "backupVaultName",
    "fileSystemId",
    "secretId",
    "accessKeyId",
    "policyArn",
    "roleName",
    "userName",
    "groupName",
    "policyName",
    "functionName",
    "trailName",
    "detectorId",
    "configurationRecorderName",
    "deliveryChannelName",
    "flowLogId",
    "logGroupName",
    "alarmNames",
    "customKeyStoreId",
    "aliasName",
    "clusterIdentifier",
    "stackName",
    "name",
];

/// What a call was about, where its record names it.
pub(super) fn target_of(event: &Event) -> Option<String> {
    let arns = event.resources.iter().filter_map(|resource| resource.arn.as_deref());
    target_among(arns, &event.request)
}

/// The same of a record's `resources` and `requestParameters`, as their JSON texts; empty for what it does not have.
pub(super) fn target_of_texts(resources: &str, parameters: &str) -> Option<String> {
    let tree = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let resources = resources_of_record(&tree(resources));
    target_among(resources.iter().filter_map(|resource| resource.arn.as_deref()), &tree(parameters))
}

fn target_among<'a>(arns: impl Iterator<Item = &'a str> + Clone, parameters: &Value) -> Option<String> {
    // Records of KMS name aliases beside keys.
    let arn = arns.clone().find(|arn| arn.contains(":key/")).or_else(|| arns.clone().next());
    arn.map(str::to_owned).or_else(|| NAMES.iter().find_map(|name| text_under(parameters, name)))
}

/// The first text under a name, at any depth: EC2 wraps its ids in sets of items.
fn text_under(tree: &Value, name: &str) -> Option<String> {
    match tree {
        Value::Object(map) => match map.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Array(texts)) if texts.iter().any(Value::is_string) => {
                texts.iter().find_map(Value::as_str).map(str::to_owned)
            }
            _ => map.values().find_map(|value| text_under(value, name)),
        },
        Value::Array(values) => values.iter().find_map(|value| text_under(value, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::place::Place;

    #[test]
    fn targets() {
        for (record, expected) in [
            (
                json!({ "resources": [{ "ARN": "arn:aws:kms:r:1:alias/a" }, { "ARN": "arn:aws:kms:r:1:key/k" }] }),
                Some("arn:aws:kms:r:1:key/k"),
            ),
            (json!({ "requestParameters": { "snapshotId": "snap-1", "force": true } }), Some("snap-1")),
            (
                json!({ "requestParameters": { "instancesSet": { "items": [{ "instanceId": "i-1" }] } } }),
                Some("i-1"),
            ),
            (json!({ "requestParameters": { "userName": "eve", "accessKeyId": "AKIA1" } }), Some("AKIA1")),
            (json!({ "requestParameters": null }), None),
        ] {
            let mut record = record;
            record["eventTime"] = "2026-03-02T09:00:00Z".into();
            let event = Event::of_record(record.as_object().unwrap(), Place::Unknown).unwrap();
            assert_eq!(target_of(&event).as_deref(), expected, "{record}");
            let text = |name: &str| record.get(name).map(Value::to_string).unwrap_or_default();
            let written = target_of_texts(&text("resources"), &text("requestParameters"));
            assert_eq!(written.as_deref(), expected, "{record}");
        }
    }
}
