//! Fields that a record gives almost as they are: `aws.cloudtrail`, `event`, `cloud`, `source`, `user_agent`, `group`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::category::{Category, DEFAULT_TYPES, category};
use super::instant::read_instant;
use super::java_string::java_string;
use super::moves::{move_keys, put, put_object, take_object};
use super::outcome::outcome;
use super::related::as_ip;

/// Name in the record, name under `aws.cloudtrail`.
const CLOUDTRAIL: [(&str, &str); 12] = [
    ("eventVersion", "event_version"),
    ("eventType", "event_type"),
    ("eventCategory", "event_category"),
    ("requestID", "request_id"),
    ("apiVersion", "api_version"),
    ("readOnly", "read_only"),
    ("recipientAccountId", "recipient_account_id"),
    ("sessionCredentialFromConsole", "session_credential_from_console"),
    ("errorCode", "error_code"),
    ("errorMessage", "error_message"),
    ("vpcEndpointId", "vpc_endpoint_id"),
    ("vpcEndpointAccountId", "vpc_endpoint_account_id"),
];
const ADDENDUM: [(&str, &str); 4] = [
    ("reason", "reason"),
    ("updatedFields", "updated_fields"),
    ("originalRequestID", "original_request_id"),
    ("originalEventID", "original_event_id"),
];

/// A value as text; anything but text as Java prints it.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => java_string(other),
    }
}

/// `@timestamp` from the record's `eventTime`, which is taken out. Read before absent values are dropped.
pub(super) fn event_time(record: &mut Map<String, Value>, errors: &mut Vec<String>) -> Option<String> {
    let raw = record.remove("eventTime").filter(|raw| !raw.is_null() && raw != "")?;
    let time = read_instant(&raw);
    if time.is_none() {
        errors.push(format!("the record's eventTime {raw} is no date"));
    }
    time
}

/// The fields of `aws.cloudtrail` that stand at the top of a record.
pub(super) fn cloudtrail(record: &mut Map<String, Value>) -> Map<String, Value> {
    let mut cloudtrail = Map::with_capacity(24);
    move_keys(record, &mut cloudtrail, &CLOUDTRAIL);
    put(&mut cloudtrail, "management_event", record.remove("managementEvent").as_ref().map(as_text));
    let mut addendum = Map::new();
    move_keys(&mut take_object(record, "addendum"), &mut addendum, &ADDENDUM);
    put_object(&mut cloudtrail, "addendum", addendum);
    let spelled = [record.remove("sharedEventID"), record.remove("sharedEventId")];
    put(&mut cloudtrail, "shared_event_id", spelled.into_iter().flatten().next());
    cloudtrail
}

/// `event`, without what is said of the mapping itself.
pub(super) fn event(
    record: &mut Map<String, Value>,
    cloudtrail: &Map<String, Value>,
    name: Option<&str>,
    errors: &mut Vec<String>,
) -> Map<String, Value> {
    let answer = record.get("responseElements").and_then(|response| response.get("ConsoleLogin"));
    if name == Some("ConsoleLogin") && answer.is_some_and(|answer| !answer.is_string()) {
        errors.push("`responseElements.ConsoleLogin` should be text".to_owned());
    }
    let (code, message) = (cloudtrail.contains_key("error_code"), cloudtrail.contains_key("error_message"));
    let outcome = outcome(code, message, name, answer.and_then(Value::as_str));

    let mut event = Map::with_capacity(12);
    put(&mut event, "kind", Some("event"));
    put(&mut event, "action", name);
    let known = name.and_then(category);
    put(&mut event, "category", known.map(|Category { category, .. }| vec![category]));
    put(&mut event, "type", Some(known.map_or(DEFAULT_TYPES, |Category { types, .. }| types)));
    put(&mut event, "outcome", Some(Cow::into_owned(outcome)));
    put(&mut event, "id", record.remove("eventID"));
    put(&mut event, "provider", record.get("eventSource").cloned());
    event
}

/// `cloud`. The account is that of the caller, else of the recipient, else of a digest.
pub(super) fn cloud(
    record: &mut Map<String, Value>,
    caller_account: Option<Value>,
    cloudtrail: &Map<String, Value>,
) -> Map<String, Value> {
    const AWS: &str = ".amazonaws.com";
    let mut cloud = Map::new();
    put(&mut cloud, "provider", Some("aws"));
    put(&mut cloud, "region", record.remove("awsRegion"));
    let recipient = || cloudtrail.get("recipient_account_id").cloned();
    let account = caller_account.or_else(recipient).or_else(|| record.remove("awsAccountId"));
    put_object(&mut cloud, "account", super::only("id", account));
    let source = record.get("eventSource").and_then(Value::as_str).filter(|source| source.ends_with(AWS));
    let service = source.and_then(|source| source.split(AWS).next()).filter(|service| !service.is_empty());
    put_object(&mut cloud, "service", super::only("name", service));
    cloud
}

/// `source`: the address as it is, as an IP when it is the literal of one, and where that lies.
pub(super) fn source(address: Option<Value>) -> Map<String, Value> {
    let mut source = Map::new();
    let Some(address) = address else { return source };
    if as_ip(&address).is_some() {
        put(&mut source, "ip", Some(address.clone()));
    }
    put(&mut source, "address", Some(address));
    source
}

/// `user_agent`.
pub(super) fn user_agent(agent: Option<Value>, errors: &mut Vec<String>) -> Map<String, Value> {
    match agent {
        Some(Value::String(agent)) => super::only("original", Some(agent)),
        Some(_) => {
            errors.push("`userAgent` should be text".to_owned());
            Map::new()
        }
        None => Map::new(),
    }
}

/// The group that a call is about.
pub(super) fn group(record: &Map<String, Value>) -> Map<String, Value> {
    let mut group = Map::new();
    let id = record.get("responseElements").and_then(|response| response.get("group")?.get("groupId"));
    put(&mut group, "id", id.cloned());
    let name = record.get("requestParameters").and_then(|request| request.get("groupName"));
    put(&mut group, "name", name.cloned());
    group
}
