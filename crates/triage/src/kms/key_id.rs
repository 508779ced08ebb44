//! KMS keys and aliases by their canonical ids, and which key or keys an event is about.

use std::fmt;

use serde_json::Value;

use crate::event::Event;

/// A KMS key. Printed as an ARN; a part that nobody named is left empty there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The account that owns it; `None` when only its id is known.
    pub account: Option<String>,
    /// Its Region; `None` when only its id is known.
    pub region: Option<String>,
    /// The key id: `mrk-…` for a multi-Region key.
    pub id: String,
}

/// An alias, such as `alias/payments`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasId {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The account that it is in.
    pub account: Option<String>,
    /// Its Region.
    pub region: Option<String>,
    /// With `alias/` before it.
    pub name: String,
}

/// What an event calls a key by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef {
    /// The key itself.
    Key(KeyId),
    /// An alias: which key that is depends on when.
    Alias(AliasId),
}

impl KeyId {
    /// Reads the ARN of a key. `None` for anything else, such as the ARN of an alias.
    pub fn parse_arn(text: &str) -> Option<Self> {
        match KeyRef::parse_arn(text)? {
            KeyRef::Key(key) => Some(key),
            KeyRef::Alias(_) => None,
        }
    }

    /// Is it a multi-Region key? Its replicas in other Regions have the same id.
    pub fn is_multi_region(&self) -> bool {
        self.id.starts_with("mrk-")
    }

    /// Are both the same multi-Region key, in the same Region or in another one?
    pub fn is_related(&self, other: &Self) -> bool {
        self.is_multi_region()
            && (&self.id, &self.account, &self.partition) == (&other.id, &other.account, &other.partition)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        write!(
            out,
            "arn:{}:kms:{}:{}:key/{}",
            self.partition,
            text(&self.region),
            text(&self.account),
            self.id
        )
    }
}

impl KeyRef {
    /// Reads the ARN of a key or of an alias.
    pub fn parse_arn(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let (partition, service) = (parts.next()?.to_owned(), parts.next()?);
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (region, account) = (part(parts.next()?), part(parts.next()?));
        let name = parts.next()?;
        if service != "kms" {
            return None;
        }
        match name.strip_prefix("key/") {
            Some(id) if is_id(id) => Some(Self::Key(KeyId { partition, account, region, id: id.to_owned() })),
            None if is_alias(name) => {
                Some(Self::Alias(AliasId { partition, account, region, name: name.to_owned() }))
            }
            _ => None,
        }
    }

    /// Reads what a call may name a key by: an ARN, an id, or `alias/…`; for the last two the account and Region of the
    /// record are the key's. `None` when it can't be a key's name.
    pub fn parse(text: &str, account: Option<&str>, region: Option<&str>) -> Option<Self> {
        if text.starts_with("arn:") {
            return Self::parse_arn(text);
        }
        let partition = partition_of(region).to_owned();
        let (account, region) = (account.map(str::to_owned), region.map(str::to_owned));
        if is_alias(text) {
            return Some(Self::Alias(AliasId { partition, account, region, name: text.to_owned() }));
        }
        is_id(text).then(|| Self::Key(KeyId { partition, account, region, id: text.to_owned() }))
    }
}

/// The partition of a Region; `aws` when nothing says otherwise.
pub(crate) fn partition_of(region: Option<&str>) -> &'static str {
    match region {
        Some(region) if region.starts_with("cn-") => "aws-cn",
        Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_alias(text: &str) -> bool {
    text.len() <= 300 && text.strip_prefix("alias/").is_some_and(|name| !name.is_empty())
}

/// What the members of a record name keys by.
#[derive(Debug, Default)]
pub(crate) struct Named<'a> {
    /// The ARNs of `resources`, in their order.
    pub(crate) resources: &'a [&'a str],
    /// Of `responseElements`.
    pub(crate) response: Option<&'a str>,
    /// Of `requestParameters`.
    pub(crate) request: Option<&'a str>,
    /// Set for ReEncrypt: `sourceKeyId` and `destinationKeyId` of `requestParameters`.
    pub(crate) both: Option<[Option<&'a str>; 2]>,
    /// Of `serviceEventDetails`.
    pub(crate) details: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
}

impl Named<'_> {
    /// The keys, without repetition; for ReEncrypt the source, then the destination, even when they are the same.
    ///
    /// An ARN goes before an id, as `awsRegion` and the Region in the ARN differ in AWS's own samples.
    pub(crate) fn keys(&self) -> Vec<KeyRef> {
        // Whatever `type` says: aliases are called keys there as well, and older records have none.
        let keys = self.resources.iter().filter_map(|arn| KeyId::parse_arn(arn)).map(KeyRef::Key);
        let read = |text: Option<&str>| KeyRef::parse(text?, self.account, self.region);
        if let Some([source, destination]) = self.both {
            let mut keys: Vec<KeyRef> = keys.take(2).collect();
            let (source, destination) = (read(source), read(destination));
            return match (keys.pop(), keys.pop()) {
                (Some(second), Some(first)) => vec![first, second],
                // One alone is the destination's when the request says so, and the source's otherwise.
                (Some(only), _) => match (source, destination) {
                    (source, Some(destination)) if destination == only => {
                        vec![source.unwrap_or(only), destination]
                    }
                    (Some(source), None) if source != only => vec![source, only],
                    (_, destination) => vec![only.clone(), destination.unwrap_or(only)],
                },
                _ => source.into_iter().chain(destination).collect(),
            };
        }
        let mut found: Vec<KeyRef> = Vec::new();
        for key in keys {
            if !found.contains(&key) {
                found.push(key);
            }
        }
        if found.is_empty() {
            let first = read(self.response).or_else(|| read(self.request)).or_else(|| read(self.details));
            found.extend(first);
        }
        found
    }
}

/// The keys that an event of KMS is about, in the order in which the record names them; empty for an event of another
/// service, and for calls that are about no key, such as ListAliases.
///
/// ReEncrypt gives its source, then its destination. Source of the order: AWS KMS developer guide,
/// logging-using-cloudtrail.html and the sample records there.
pub fn keys_of(event: &Event) -> Vec<KeyRef> {
    if event.provider != "kms.amazonaws.com" {
        return Vec::new();
    }
    let resources: Vec<&str> =
        event.resources.iter().filter_map(|resource| resource.arn.as_deref()).collect();
    Named {
        resources: &resources,
        response: key_of_response(&event.response),
        request: text(&event.request, "keyId").or_else(|| text(&event.request, "targetKeyId")),
        both: (event.action == "ReEncrypt")
            .then(|| ["sourceKeyId", "destinationKeyId"].map(|name| text(&event.request, name))),
        details: text(&event.service_details, "keyId"),
        account: event.account.as_deref(),
        region: event.region.as_deref(),
    }
    .keys()
}

pub(crate) fn key_of_response(response: &Value) -> Option<&str> {
    let metadata = response.get("keyMetadata").unwrap_or(&Value::Null);
    text(response, "keyId").or_else(|| text(metadata, "arn")).or_else(|| text(metadata, "keyId"))
}

/// A member that is a text, and not empty.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::place::Place;

    const A: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-0000-4000-8000-000000000001";
    const B: &str = "arn:aws:kms:eu-west-1:111122223333:key/bbbbbbbb-0000-4000-8000-000000000002";
    const ID: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const ALIAS: &str = "arn:aws:kms:eu-west-1:111122223333:alias/payments";

    fn named(action: &str, members: Value) -> Vec<String> {
        let mut record = json!({
            "eventTime": "2026-03-14T10:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": action,
            "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
        });
        let (Some(record), Some(members)) = (record.as_object_mut(), members.as_object()) else { panic!() };
        record.extend(members.clone());
        let keys = keys_of(&Event::of_record(record, Place::Unknown).unwrap());
        let print = |key: &KeyRef| match key {
            KeyRef::Key(key) => key.to_string(),
            KeyRef::Alias(alias) => format!("{}@{}", alias.name, alias.region.as_deref().unwrap_or("")),
        };
        keys.iter().map(print).collect()
    }

    #[test]
    fn which_key() {
        let table: &[(&str, &str, Value, &[&str])] = &[
            (
                "a resource without a type, before all else",
                "DisableKey",
                json!({ "resources": [{ "ARN": A }], "requestParameters": { "keyId": "other" } }),
                &[A],
            ),
            (
                "an alias beside it, typed as a key",
                "UpdateAlias",
                json!({ "resources": [{ "ARN": ALIAS, "type": "AWS::KMS::Key" }, { "ARN": A, "type": "AWS::KMS::Key" }] }),
                &[A],
            ),
            (
                "the response",
                "EnableKey",
                json!({ "responseElements": { "keyId": A }, "requestParameters": { "keyId": ID } }),
                &[A],
            ),
            (
                "the metadata of a new key",
                "CreateKey",
                json!({ "responseElements": { "keyMetadata": { "arn": A } } }),
                &[A],
            ),
            (
                "an ARN asked for",
                "Decrypt",
                json!({ "requestParameters": { "keyId": A }, "awsRegion": "us-east-1" }),
                &[A],
            ),
            ("an id asked for", "DisableKey", json!({ "requestParameters": { "keyId": ID } }), &[A]),
            (
                "an alias asked for",
                "Encrypt",
                json!({ "requestParameters": { "keyId": "alias/payments" } }),
                &["alias/payments@eu-west-1"],
            ),
            (
                "the ARN of an alias",
                "Encrypt",
                json!({ "requestParameters": { "keyId": ALIAS }, "awsRegion": "us-east-1" }),
                &["alias/payments@eu-west-1"],
            ),
            (
                "a service event",
                "DeleteExpiredKeyMaterial",
                json!({ "serviceEventDetails": { "keyId": ID } }),
                &[A],
            ),
            (
                "two keys",
                "ReEncrypt",
                json!({ "resources": [{ "ARN": B }, { "ARN": A }], "requestParameters": { "destinationKeyId": ID } }),
                &[B, A],
            ),
            (
                "two keys that are one",
                "ReEncrypt",
                json!({ "resources": [{ "ARN": A }, { "ARN": A }] }),
                &[A, A],
            ),
            (
                "one resource, the source",
                "ReEncrypt",
                json!({ "resources": [{ "ARN": B }], "requestParameters": { "destinationKeyId": A } }),
                &[B, A],
            ),
            (
                "one resource, the destination",
                "ReEncrypt",
                json!({ "resources": [{ "ARN": A }], "requestParameters": { "sourceKeyId": B, "destinationKeyId": ID } }),
                &[B, A],
            ),
            (
                "only the request",
                "ReEncrypt",
                json!({ "requestParameters": { "sourceKeyId": B, "destinationKeyId": "alias/x" } }),
                &[B, "alias/x@eu-west-1"],
            ),
            ("no key", "ListAliases", json!({ "requestParameters": { "limit": 5 }, "resources": null }), &[]),
            ("not a key's name", "Decrypt", json!({ "requestParameters": { "keyId": "a b:c" } }), &[]),
        ];
        for (says, action, members, expected) in table {
            assert_eq!(&named(action, members.clone()), expected, "{says}");
        }
    }

    #[test]
    fn arns_read_and_print() {
        for arn in [A, "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"] {
            assert_eq!(KeyId::parse_arn(arn).map(|key| key.to_string()).as_deref(), Some(arn));
        }
        for not in ["", ALIAS, "arn:aws:s3:::bucket/key/1", "arn:aws:kms:eu-west-1:111122223333:key/", ID] {
            assert_eq!(KeyId::parse_arn(not), None, "{not}");
        }
        let unknown = KeyRef::parse(ID, None, Some("cn-north-1"));
        assert!(
            matches!(unknown, Some(KeyRef::Key(key)) if key.partition == "aws-cn" && key.account.is_none())
        );
    }

    #[test]
    fn replicas_are_related() {
        let of = |region: &str, id: &str| {
            KeyId::parse_arn(&format!("arn:aws:kms:{region}:111122223333:key/{id}")).unwrap()
        };
        assert!(of("eu-west-1", "mrk-1").is_related(&of("us-east-1", "mrk-1")));
        assert!(!of("eu-west-1", "mrk-1").is_related(&of("us-east-1", "mrk-2")));
        assert!(!of("eu-west-1", ID).is_related(&of("us-east-1", ID)));
    }
}
