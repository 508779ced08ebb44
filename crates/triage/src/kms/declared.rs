//! Calls of other services that name a KMS key for a resource, and calls that change what a trail records.

use serde_json::Value;

use super::key_id::{KeyId, KeyRef, text};
use super::sighting::{KMS, Sighting};
use crate::event::Event;

/// Calls that make or change a resource and may name a KMS key for it. Source: the API references of the services.
const DECLARING: [(&str, &[&str]); 16] = [
    (
        "ec2.amazonaws.com",
        &["CreateVolume", "RunInstances", "CopySnapshot", "CopyImage", "ModifyEbsDefaultKmsKeyId"],
    ),
    (
        "rds.amazonaws.com",
        &[
            "CreateDBInstance",
            "CreateDBCluster",
            "ModifyDBInstance",
            "ModifyDBCluster",
            "CopyDBSnapshot",
            "CopyDBClusterSnapshot",
            "RestoreDBInstanceFromDBSnapshot",
            "RestoreDBClusterFromSnapshot",
            "StartExportTask",
        ],
    ),
    ("s3.amazonaws.com", &["PutBucketEncryption"]),
    ("secretsmanager.amazonaws.com", &["CreateSecret", "UpdateSecret"]),
    ("lambda.amazonaws.com", &["CreateFunction", "UpdateFunctionConfiguration"]),
    ("dynamodb.amazonaws.com", &["CreateTable", "UpdateTable"]),
    ("sqs.amazonaws.com", &["CreateQueue", "SetQueueAttributes"]),
    ("sns.amazonaws.com", &["CreateTopic", "SetTopicAttributes"]),
    ("kinesis.amazonaws.com", &["CreateStream", "StartStreamEncryption"]),
    ("logs.amazonaws.com", &["CreateLogGroup", "AssociateKmsKey"]),
    ("cloudtrail.amazonaws.com", &["CreateTrail", "UpdateTrail"]),
    ("ssm.amazonaws.com", &["PutParameter"]),
    ("elasticfilesystem.amazonaws.com", &["CreateFileSystem"]),
    ("eks.amazonaws.com", &["CreateCluster", "AssociateEncryptionConfig"]),
    ("backup.amazonaws.com", &["CreateBackupVault"]),
    ("redshift.amazonaws.com", &["CreateCluster", "ModifyCluster"]),
];

/// Calls that change what is recorded.
const TRAIL_CALLS: [&str; 4] = ["PutEventSelectors", "StopLogging", "StartLogging", "DeleteTrail"];

/// Whether an event of another service says which resources use which key. Lambda writes versions of its API behind the
/// names of calls.
pub(crate) fn declares(provider: &str, action: &str) -> bool {
    let mut actions =
        DECLARING.iter().filter(|(name, _)| *name == provider).flat_map(|(_, actions)| *actions);
    let dated = provider == "lambda.amazonaws.com";
    actions.any(|name| {
        *name == action || dated && action.strip_prefix(name).is_some_and(|rest| rest.starts_with("20"))
    })
}

/// Whether an event changes what a trail records.
pub(crate) fn changes_trail(provider: &str, action: &str) -> bool {
    provider == "cloudtrail.amazonaws.com" && TRAIL_CALLS.contains(&action)
}

/// Whether the error of another service may come from the state of a key, such as `KMS.DisabledException`.
pub(crate) fn blames_kms(code: &str) -> bool {
    let code = code.as_bytes();
    code.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"kms"))
}

/// Whether a member, as JSON text, may name a key: where it says no, reading it finds none.
pub fn may_name_key(member: &str) -> bool {
    const PARTS: [&[u8]; 4] = [b"kms", b"keyid", b"keyarn", b"encryptionkey"];
    let text = member.as_bytes();
    let begins = |at: usize, part: &[u8]| {
        text.get(at..at + part.len()).is_some_and(|text| text.eq_ignore_ascii_case(part))
    };
    text.iter().enumerate().any(|(at, byte)| match byte {
        b'k' | b'K' | b'e' | b'E' => PARTS.iter().any(|part| begins(at, part)),
        // A letter may be written so.
        b'\\' => text.get(at + 1) == Some(&b'u'),
        _ => false,
    })
}

/// The keys that a call names for its resource, ARNs first, then ids and aliases in the account and Region of the event.
pub(crate) fn declared_keys(event: &Event) -> Vec<KeyRef> {
    let mut found = Vec::new();
    walk(&event.request, "", event, &mut found);
    walk(&event.response, "", event, &mut found);
    found.sort_by_key(|(is_arn, _)| !is_arn);
    let mut keys: Vec<KeyRef> = Vec::new();
    for (_, key) in found {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The key in the message of an error that KMS caused in another service, else in the call.
pub(crate) fn blamed_keys(event: &Event) -> Vec<KeyRef> {
    let message = event.error_message.as_deref().unwrap_or_default();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_:/".contains(letter);
    let words = message.split(|letter| !is_part(letter));
    let keys: Vec<KeyRef> =
        words.filter_map(|word| KeyId::parse_arn(word.trim_end_matches(':'))).map(KeyRef::Key).collect();
    if keys.is_empty() { declared_keys(event) } else { keys }
}

fn walk(value: &Value, name: &str, event: &Event, found: &mut Vec<(bool, KeyRef)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| walk(value, name, event, found)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, name, event, found)),
        Value::String(text) if text.starts_with("arn:") => {
            found.extend(KeyRef::parse_arn(text).map(|key| (true, key)));
        }
        Value::String(text) if names_key(name) && (text.starts_with("alias/") || looks_like_id(text)) => {
            let key = KeyRef::parse(text, event.account.as_deref(), event.region.as_deref());
            found.extend(key.map(|key| (false, key)));
        }
        _ => {}
    }
}

/// `kmsKeyId`, `KMSMasterKeyID`, `keyArn`, …
fn names_key(member: &str) -> bool {
    let member = member.to_ascii_lowercase();
    member.contains("kms") || member == "keyarn" || member == "keyid" || member.contains("encryptionkey")
}

fn looks_like_id(text: &str) -> bool {
    text.starts_with("mrk-")
        || text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The resource that a call is about: an ARN where the record has one, else the name that the call goes by.
pub(crate) fn resource_of(event: &Event) -> Option<String> {
    const NAMES: [&str; 24] = [
        "bucketName",
        "tableName",
        "dBInstanceIdentifier",
        "dBClusterIdentifier",
        "functionName",
        "functionArn",
        "queueUrl",
        "queueName",
        "topicArn",
        "streamName",
        "streamARN",
        "logGroupName",
        "trailARN",
        "volumeId",
        "snapshotId",
        "fileSystemId",
        "aRN",
        "secretId",
        "backupVaultName",
        "clusterIdentifier",
        "imageId",
        "name",
        "Bucket",
        "key",
    ];
    let is_key = |arn: &&str| KeyRef::parse_arn(arn).is_none();
    if let Some(arn) = event.resources.iter().filter_map(|resource| resource.arn.as_deref()).find(is_key) {
        return Some(arn.to_owned());
    }
    let instances = event.response.pointer("/instancesSet/items/0").unwrap_or(&Value::Null);
    if let Some(instance) = text(instances, "instanceId") {
        return Some(instance.to_owned());
    }
    let of = |value: &Value| NAMES.iter().find_map(|name| text(value, name).map(str::to_owned));
    // What is made has its name in the response; a copied snapshot's request names the source.
    of(&event.response).or_else(|| of(&event.request))
}

/// What was done to a trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrailChange {
    pub(crate) sighting: Sighting,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    /// Name or ARN.
    pub(crate) trail: Option<String>,
    pub(crate) does: TrailAct,
}

/// What was done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TrailAct {
    /// It leaves events of KMS out from now on.
    LeavesKmsOut,
    /// It takes them in from now on, as far as its selectors say.
    TakesKmsIn,
    /// It records nothing.
    Stops,
    /// It records again.
    Starts,
}

/// What an event changes about a trail; `None` for a failure.
pub(crate) fn trail_change(event: &Event) -> Option<TrailChange> {
    let does = match event.action.as_str() {
        _ if !event.succeeded() => return None,
        "PutEventSelectors" if leaves_kms_out(&event.request) => TrailAct::LeavesKmsOut,
        "PutEventSelectors" => TrailAct::TakesKmsIn,
        "StopLogging" | "DeleteTrail" => TrailAct::Stops,
        "StartLogging" => TrailAct::Starts,
        _ => return None,
    };
    let trail = text(&event.request, "trailName").or_else(|| text(&event.request, "name"));
    Some(TrailChange {
        sighting: Sighting::of(event),
        account: event.account.clone(),
        region: event.region.clone(),
        trail: trail.map(str::to_owned),
        does,
    })
}

/// By basic selectors, or by advanced ones that leave the event source out.
fn leaves_kms_out(request: &Value) -> bool {
    let array =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let names_kms =
        |value: &Value, name: &str| array(value, name).iter().any(|source| source.as_str() == Some(KMS));
    let basic = array(request, "eventSelectors");
    let advanced = array(request, "advancedEventSelectors");
    basic.iter().any(|selector| names_kms(selector, "excludeManagementEventSources"))
        || advanced.iter().flat_map(|selector| array(selector, "fieldSelectors")).any(|field| {
            text(&field, "field") == Some("eventSource")
                && (names_kms(&field, "notEquals")
                    || names_kms(&field, "notStartsWith")
                    || !array(&field, "equals").is_empty() && !names_kms(&field, "equals"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_no_key_is_passed_over() {
        for names in [
            r#"{"kmsKeyId":"alias/a"}"#,
            r#"{"KMSMasterKeyID":"k"}"#,
            r#"{"x":"arn:aws:kms:eu-west-1:1:key/k"}"#,
            r#"{"keyArn":"k"}"#,
            r#"{"KeyId":"k"}"#,
            r#"{"a":{"encryptionKey":"k"}}"#,
            r#"{"\u006bmsKeyId":"k"}"#,
        ] {
            assert!(may_name_key(names), "{names}");
        }
        for other in ["null", "{}", r#"{"name":"/a/key","type":"String","tokens":["keys"]}"#] {
            assert!(!may_name_key(other), "{other}");
        }
    }
}
