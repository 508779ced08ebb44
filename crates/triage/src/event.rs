//! An event as investigations read it: of a raw CloudTrail record, or of an ECS document that came of one.

use ecs::{Document, Timestamp};
use serde_json::{Map, Value};

use crate::act::reads_by_name;
use crate::identity::Identity;
use crate::place::Place;

/// An event. Texts that the record leaves out, or has as null or empty, are `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// `eventTime`.
    pub time: Timestamp,
    /// `eventID`.
    pub id: Option<String>,
    /// `sharedEventID`: the same event as another account sees it.
    pub shared_id: Option<String>,
    /// `eventSource`; empty when missing.
    pub provider: String,
    /// `eventName`; empty when missing.
    pub action: String,
    /// `eventType`: `AwsApiCall`, `AwsServiceEvent`, …
    pub event_type: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// `recipientAccountId`, else the caller's account.
    pub account: Option<String>,
    /// Who acted.
    pub identity: Identity,
    /// `sourceIPAddress`: an address or the name of a service.
    pub address: Option<String>,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// `errorCode`; `None` for a success.
    pub error: Option<String>,
    /// `errorMessage`.
    pub error_message: Option<String>,
    /// `readOnly`, else by the name of the call.
    pub read_only: bool,
    /// `sessionCredentialFromConsole`.
    pub from_console: Option<bool>,
    /// `requestParameters`; null when missing.
    pub request: Value,
    /// `responseElements`; null when missing.
    pub response: Value,
    /// `additionalEventData`; null when missing.
    pub additional: Value,
    /// `serviceEventDetails`; null when missing.
    pub service_details: Value,
    /// `resources`.
    pub resources: Vec<Resource>,
    /// `source.geo.country_iso_code`, `source.as.number` and `.organization.name`, where the events were enriched.
    pub origin: Option<Origin>,
    /// Where the record lies.
    pub place: Place,
}

/// An entry of `resources`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// `ARN`.
    pub arn: Option<String>,
    /// `type`.
    pub kind: Option<String>,
    /// `accountId`.
    pub account: Option<String>,
}

/// Where an address lies.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Origin {
    /// ISO 3166-1, two letters.
    pub country: Option<String>,
    /// Number of the autonomous system.
    pub as_number: Option<u64>,
    /// Its organization.
    pub as_organization: Option<String>,
}

impl Event {
    /// Reads the members of a raw CloudTrail record. `None` when it has no readable `eventTime`.
    pub fn of_record(record: &Map<String, Value>, place: Place) -> Option<Self> {
        Self::of_members(record, place, &mut |name| record.get(name).cloned().unwrap_or_default())
    }

    /// As [`Event::of_record`], of a record that is not needed any more.
    pub fn of_owned_record(mut record: Map<String, Value>, place: Place) -> Option<Self> {
        let members = ["requestParameters", "responseElements", "additionalEventData", "serviceEventDetails"];
        let mut values = members.map(|name| record.get_mut(name).map(Value::take).unwrap_or_default());
        Self::of_members(&record, place, &mut |name| {
            let value = members.iter().zip(&mut values).find(|(member, _)| **member == name);
            value.map(|(_, value)| value.take()).unwrap_or_default()
        })
    }

    fn of_members(
        record: &Map<String, Value>,
        place: Place,
        whole: &mut dyn FnMut(&str) -> Value,
    ) -> Option<Self> {
        let text = |name: &str| text_of(record.get(name));
        let identity = record.get("userIdentity").map(identity_of_record).unwrap_or_default();
        let action = text("eventName").unwrap_or_default();
        Some(Self {
            time: text("eventTime")?.parse().ok()?,
            id: text("eventID"),
            shared_id: text("sharedEventID"),
            provider: text("eventSource").unwrap_or_default(),
            event_type: text("eventType"),
            region: text("awsRegion"),
            account: text("recipientAccountId").or_else(|| identity.account.clone()),
            address: text("sourceIPAddress"),
            user_agent: text("userAgent"),
            error: text("errorCode"),
            error_message: text("errorMessage"),
            read_only: flag_of(record.get("readOnly")).unwrap_or_else(|| reads_by_name(&action)),
            from_console: flag_of(record.get("sessionCredentialFromConsole")),
            request: whole("requestParameters"),
            response: whole("responseElements"),
            additional: whole("additionalEventData"),
            service_details: whole("serviceEventDetails"),
            resources: record.get("resources").map(resources_of_record).unwrap_or_default(),
            origin: None,
            identity,
            action,
            place,
        })
    }

    /// Reads an ECS document of the CloudTrail integration, or an alert about one. `None` when it has no time.
    ///
    /// An alert's own `@timestamp` is when it was made: its `kibana.alert.original_time` goes first.
    pub fn of_document(document: &Document, place: Place) -> Option<Self> {
        let text = |name: &str| document.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let trail = |name: &str| text(&format!("aws.cloudtrail.{name}"));
        let user = |name: &str| trail(&format!("user_identity.{name}"));
        let node = |name: &str| {
            let nodes = document.nodes(&format!("aws.cloudtrail.flattened.{name}"));
            nodes.first().copied().cloned().unwrap_or_default()
        };
        let identity = Identity {
            kind: user("type"),
            arn: user("arn"),
            principal_id: user("principal_id").or_else(|| text("user.id")),
            account: user("account_id").or_else(|| text("cloud.account.id")),
            access_key: user("access_key_id"),
            user_name: text("user.name"),
            invoked_by: user("invoked_by"),
            issuer_arn: user("session_context.session_issuer.arn"),
            issuer_kind: user("session_context.session_issuer.type"),
            issuer_name: user("session_context.session_issuer.user_name"),
            source_identity: user("session_context.source_identity"),
            mfa: flag_of(
                document
                    .nodes("aws.cloudtrail.user_identity.session_context.mfa_authenticated")
                    .first()
                    .copied(),
            ),
            session_created: user("session_context.creation_date"),
        };
        let action = text("event.action").unwrap_or_default();
        let resource = |entry: &Value| Resource {
            arn: text_of(entry.get("arn")),
            kind: text_of(entry.get("type")),
            account: text_of(entry.get("account_id")),
        };
        let mut resources: Vec<Resource> = Vec::new();
        for node in document.nodes("aws.cloudtrail.resources") {
            match node {
                Value::Array(entries) => resources.extend(entries.iter().map(resource)),
                entry => resources.push(resource(entry)),
            }
        }
        let origin = Origin {
            country: text("source.geo.country_iso_code"),
            as_number: document.nodes("source.as.number").first().and_then(|number| number.as_u64()),
            as_organization: text("source.as.organization.name"),
        };
        let time = text("kibana.alert.original_time").or_else(|| text("@timestamp"))?;
        Some(Self {
            time: time.parse().ok()?,
            id: text("event.id"),
            shared_id: trail("shared_event_id"),
            provider: text("event.provider").unwrap_or_default(),
            event_type: trail("event_type"),
            region: text("cloud.region"),
            account: trail("recipient_account_id").or_else(|| text("cloud.account.id")),
            address: text("source.address").or_else(|| text("source.ip")),
            user_agent: text("user_agent.original"),
            error: trail("error_code"),
            error_message: trail("error_message"),
            read_only: flag_of(document.nodes("aws.cloudtrail.read_only").first().copied())
                .unwrap_or_else(|| reads_by_name(&action)),
            from_console: flag_of(
                document.nodes("aws.cloudtrail.session_credential_from_console").first().copied(),
            ),
            request: node("request_parameters"),
            response: node("response_elements"),
            additional: node("additional_eventdata"),
            service_details: node("service_event_details"),
            resources,
            origin: (origin != Origin::default()).then_some(origin),
            identity,
            action,
            place,
        })
    }

    /// Did the call succeed?
    pub fn succeeded(&self) -> bool {
        self.error.is_none()
    }
}

/// The entries of a record's `resources`.
pub(crate) fn resources_of_record(value: &Value) -> Vec<Resource> {
    let resource = |entry: &Value| Resource {
        // CloudTrail writes `ARN`; older records have `arn`.
        arn: text_of(entry.get("ARN").or_else(|| entry.get("arn"))),
        kind: text_of(entry.get("type")),
        account: text_of(entry.get("accountId")),
    };
    value.as_array().map(|all| all.iter().map(resource).collect()).unwrap_or_default()
}

/// A record's `userIdentity`.
pub(crate) fn identity_of_record(value: &Value) -> Identity {
    let text = |name: &str| text_of(value.get(name));
    let context = value.get("sessionContext");
    let of_context = |name: &str| context.and_then(|context| context.get(name));
    let issuer = |name: &str| text_of(of_context("sessionIssuer").and_then(|issuer| issuer.get(name)));
    let attribute = |name: &str| of_context("attributes").and_then(|attributes| attributes.get(name));
    Identity {
        kind: text("type"),
        arn: text("arn"),
        principal_id: text("principalId"),
        account: text("accountId"),
        access_key: text("accessKeyId"),
        user_name: text("userName"),
        invoked_by: text("invokedBy"),
        issuer_arn: issuer("arn"),
        issuer_kind: issuer("type"),
        issuer_name: issuer("userName"),
        source_identity: text_of(of_context("sourceIdentity")),
        mfa: flag_of(attribute("mfaAuthenticated")),
        session_created: text_of(attribute("creationDate")),
    }
}

fn text_of(value: Option<&Value>) -> Option<String> {
    value?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// CloudTrail writes truth as a boolean or as text.
fn flag_of(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_and_its_null_parts() {
        let record = serde_json::json!({
            "eventTime": "2026-03-14T10:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "ScheduleKeyDeletion",
            "userIdentity": { "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Admin/a",
                "sessionContext": { "attributes": { "mfaAuthenticated": "true" },
                    "sessionIssuer": { "arn": "arn:aws:iam::111122223333:role/Admin" } } },
            "requestParameters": { "keyId": "k" }, "responseElements": null, "errorCode": "",
            "resources": [{ "ARN": "arn:aws:kms:eu-west-1:111122223333:key/k", "accountId": "111122223333" }],
            "recipientAccountId": "111122223333",
        });
        let Some(record) = record.as_object() else { panic!("an object") };
        let Some(event) = Event::of_record(record, Place::Unknown) else { panic!("an event") };
        assert_eq!(event.identity.principal().as_deref(), Some("arn:aws:iam::111122223333:role/Admin"));
        assert_eq!(event.identity.mfa, Some(true));
        assert!(event.succeeded() && !event.read_only && event.response.is_null());
        assert_eq!(event.resources[0].kind, None);
    }
}
