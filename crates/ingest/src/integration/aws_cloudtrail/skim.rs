//! A quick look at a raw record: the fields that most rules ask for, without making the document.
//!
//! A [`SkimmedRecord`] gives for each field that it knows exactly the values that the document made by
//! [`normalize`](super::normalize) would have, and says [`Known::Unknown`] for all others. A test holds the two together.
//! Whatever is out of the ordinary (a key twice, an escape in a key, a number where text belongs) makes [`skim`] return
//! `None`: then the document has to decide.
//!
//! Only the outline of the record is checked on the way. What no rule wants is not read any further, so that a
//! fault deep within such a record goes unnoticed; it could have hidden no hit.

use std::borrow::Cow;
use std::cell::OnceCell;

use ecs::Document;
use jiff::Timestamp;

use super::instant::read_timestamp;
use super::request_look::request_document;
use super::skim_view::{SkimPlan, SkimView};
use crate::decode::RawRecord;
use crate::decode::members::{Written, members};

/// What a quick look at a record found.
#[derive(Debug)]
pub struct SkimmedRecord<'a> {
    pub(super) head: Head<'a>,
    identity: OnceCell<Option<Identity<'a>>>,
    request: OnceCell<Option<Box<Document>>>,
}

/// A member that a quick look leaves as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrittenMember {
    /// `userIdentity`.
    UserIdentity,
    /// `requestParameters`.
    RequestParameters,
    /// `responseElements`.
    ResponseElements,
    /// `additionalEventData`.
    AdditionalEventData,
    /// `resources`.
    Resources,
}

/// Who acted, of the members of `userIdentity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who<'r> {
    /// `type`.
    pub kind: Option<&'r str>,
    /// `arn`.
    pub arn: Option<&'r str>,
    /// `principalId`.
    pub principal_id: Option<&'r str>,
    /// `accountId`.
    pub account: Option<&'r str>,
    /// `accessKeyId`.
    pub access_key: Option<&'r str>,
    /// `invokedBy`.
    pub invoked_by: Option<&'r str>,
    /// `sessionContext.sessionIssuer.arn`.
    pub issuer_arn: Option<&'r str>,
}

/// The keys at the top of a record.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    pub(super) event_id: Text<'a>,
    pub(super) event_time: Text<'a>,
    pub(super) event_name: Text<'a>,
    pub(super) event_source: Text<'a>,
    pub(super) event_type: Text<'a>,
    pub(super) event_category: Text<'a>,
    pub(super) aws_region: Text<'a>,
    pub(super) recipient_account_id: Text<'a>,
    pub(super) source_ip_address: Text<'a>,
    pub(super) user_agent: Text<'a>,
    pub(super) error_code: Text<'a>,
    pub(super) error_message: Text<'a>,
    shared_event_id: Text<'a>,
    /// Read when a rule asks for it.
    pub(super) user_identity: Option<&'a str>,
    /// The same.
    pub(super) request_parameters: Option<&'a str>,
    /// Read when an investigation asks for it.
    response_elements: Option<&'a str>,
    /// The same.
    additional_event_data: Option<&'a str>,
    /// The same.
    resources: Option<&'a str>,
    /// As written.
    read_only: Option<&'a str>,
}

/// The parts of `userIdentity` that rules ask for.
#[derive(Debug, Default)]
pub(super) struct Identity<'a> {
    pub(super) kind: Text<'a>,
    pub(super) arn: Text<'a>,
    pub(super) user_name: Text<'a>,
    pub(super) principal_id: Text<'a>,
    pub(super) account_id: Text<'a>,
    pub(super) access_key_id: Text<'a>,
    pub(super) invoked_by: Text<'a>,
    pub(super) issuer: Issuer<'a>,
}

/// The parts of `userIdentity.sessionContext.sessionIssuer` that rules ask for.
#[derive(Debug, Default)]
pub(super) struct Issuer<'a> {
    pub(super) kind: Text<'a>,
    pub(super) arn: Text<'a>,
    pub(super) user_name: Text<'a>,
    pub(super) account_id: Text<'a>,
    pub(super) principal_id: Text<'a>,
}

/// A member that may have been met.
#[derive(Debug, Default)]
pub(super) enum Text<'a> {
    /// It was not.
    #[default]
    Missing,
    /// It was, and is one of those that the integration drops: null, empty, `-` and `none`.
    Dropped,
    /// It was.
    Given(Cow<'a, str>),
}

impl<'a> Text<'a> {
    pub(super) fn get(&self) -> Option<&str> {
        match self {
            Self::Given(text) => Some(text),
            Self::Missing | Self::Dropped => None,
        }
    }

    /// Takes a value as written, with escapes or without; `None` when it is no text, or the second one.
    fn give(&mut self, raw: &'a str, escapes: bool) -> Option<()> {
        if !matches!(self, Self::Missing) {
            return None;
        }
        let text: Cow<'a, str> = match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !escapes => Cow::Borrowed(plain),
            Some(_) => Cow::Owned(serde_json::from_str(raw).ok()?),
            None if raw == "null" => Cow::Borrowed(""),
            None => return None,
        };
        *self = if matches!(&*text, "" | "-" | "none") { Self::Dropped } else { Self::Given(text) };
        Some(())
    }
}

/// Looks at a record. `None` when the document has to decide.
pub fn skim<'a>(record: &RawRecord<'a>) -> Option<SkimmedRecord<'a>> {
    let mut skimmed =
        SkimmedRecord { head: Head::default(), identity: OnceCell::new(), request: OnceCell::new() };
    match record.members {
        Some(known) => {
            for member in known {
                skimmed.head.take(member.of(record.text)?)?;
            }
        }
        None => members(record.text, |member| skimmed.head.take(member))?,
    }
    Some(skimmed)
}

impl<'a> Head<'a> {
    /// `None` when the member is out of the ordinary.
    fn take(&mut self, (key, value, escapes): Written<'a>) -> Option<()> {
        // By length first: most members are none of these, and comparing texts costs more than numbers.
        let text = match key.len() {
            7 if key == "eventID" => &mut self.event_id,
            9 => match key {
                "eventTime" => &mut self.event_time,
                "eventName" => &mut self.event_name,
                "eventType" => &mut self.event_type,
                "awsRegion" => &mut self.aws_region,
                "userAgent" => &mut self.user_agent,
                "errorCode" => &mut self.error_code,
                "resources" => return once(&mut self.resources, value),
                _ => return Some(()),
            },
            8 if key == "readOnly" => return once(&mut self.read_only, value),
            11 if key == "eventSource" => &mut self.event_source,
            12 if key == "errorMessage" => &mut self.error_message,
            12 if key == "userIdentity" => return once(&mut self.user_identity, value),
            13 if key == "sharedEventID" => &mut self.shared_event_id,
            13 if key == "eventCategory" => &mut self.event_category,
            15 if key == "sourceIPAddress" => &mut self.source_ip_address,
            16 if key == "responseElements" => return once(&mut self.response_elements, value),
            17 if key == "requestParameters" => return once(&mut self.request_parameters, value),
            19 if key == "additionalEventData" => return once(&mut self.additional_event_data, value),
            18 if key == "recipientAccountId" => &mut self.recipient_account_id,
            _ => return Some(()),
        };
        text.give(value, escapes)
    }
}

/// Keeps a value as written; `None` when it is the second one.
fn once<'a>(place: &mut Option<&'a str>, value: &'a str) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// `None` when it is out of the ordinary.
fn read_identity(text: &str) -> Option<Identity<'_>> {
    let mut identity = Identity::default();
    if text == "null" {
        return Some(identity);
    }
    let mut context = None;
    members(text, |(key, value, escapes)| match key {
        "type" => identity.kind.give(value, escapes),
        "arn" => identity.arn.give(value, escapes),
        "userName" => identity.user_name.give(value, escapes),
        "principalId" => identity.principal_id.give(value, escapes),
        "accountId" => identity.account_id.give(value, escapes),
        "accessKeyId" => identity.access_key_id.give(value, escapes),
        "invokedBy" => identity.invoked_by.give(value, escapes),
        "sessionContext" => context.replace(value).is_none().then_some(()),
        _ => Some(()),
    })?;
    if let Some(context) = context.filter(|context| *context != "null") {
        identity.issuer = read_issuer(context)?;
    }
    Some(identity)
}

fn read_issuer(session_context: &str) -> Option<Issuer<'_>> {
    let mut issuer = Issuer::default();
    let mut issuer_text = None;
    members(session_context, |(key, value, _)| {
        (key != "sessionIssuer" || issuer_text.replace(value).is_none()).then_some(())
    })?;
    let Some(text) = issuer_text.filter(|text| *text != "null") else { return Some(issuer) };
    members(text, |(key, value, escapes)| match key {
        "type" => issuer.kind.give(value, escapes),
        "arn" => issuer.arn.give(value, escapes),
        "userName" => issuer.user_name.give(value, escapes),
        "accountId" => issuer.account_id.give(value, escapes),
        "principalId" => issuer.principal_id.give(value, escapes),
        _ => Some(()),
    })?;
    Some(issuer)
}

impl<'a> SkimmedRecord<'a> {
    /// `eventID`.
    pub fn event_id(&self) -> Option<&str> {
        self.head.event_id.get()
    }

    /// `eventTime`; `None` when it is missing or no date.
    pub fn time(&self) -> Option<Timestamp> {
        read_timestamp(self.head.event_time.get()?)
    }

    /// `eventName`.
    pub fn event_name(&self) -> Option<&str> {
        self.head.event_name.get()
    }

    /// `eventSource`.
    pub fn event_source(&self) -> Option<&str> {
        self.head.event_source.get()
    }

    /// `sourceIPAddress`.
    pub fn source_ip_address(&self) -> Option<&str> {
        self.head.source_ip_address.get()
    }

    /// `userAgent`.
    pub fn user_agent(&self) -> Option<&str> {
        self.head.user_agent.get()
    }

    /// `errorCode`.
    pub fn error_code(&self) -> Option<&str> {
        self.head.error_code.get()
    }

    /// `errorMessage`.
    pub fn error_message(&self) -> Option<&str> {
        self.head.error_message.get()
    }

    /// `sharedEventID`.
    pub fn shared_event_id(&self) -> Option<&str> {
        self.head.shared_event_id.get()
    }

    /// `readOnly`; `None` when the record does not say it as truth or as text.
    pub fn read_only(&self) -> Option<bool> {
        self.head.read_only?.trim_matches('"').parse().ok()
    }

    /// A member as written, unread.
    pub fn written(&self, member: WrittenMember) -> Option<&'a str> {
        match member {
            WrittenMember::UserIdentity => self.head.user_identity,
            WrittenMember::RequestParameters => self.head.request_parameters,
            WrittenMember::ResponseElements => self.head.response_elements,
            WrittenMember::AdditionalEventData => self.head.additional_event_data,
            WrittenMember::Resources => self.head.resources,
        }
    }

    /// Who acted. `None` when the identity is out of the ordinary.
    pub fn who(&self) -> Option<Who<'_>> {
        let identity = self.identity()?;
        Some(Who {
            kind: identity.kind.get(),
            arn: identity.arn.get(),
            principal_id: identity.principal_id.get(),
            account: identity.account_id.get(),
            access_key: identity.access_key_id.get(),
            invoked_by: identity.invoked_by.get(),
            issuer_arn: identity.issuer.arn.get(),
        })
    }

    /// `awsRegion`.
    pub fn region(&self) -> Option<&str> {
        self.head.aws_region.get()
    }

    /// `recipientAccountId`.
    pub fn recipient_account_id(&self) -> Option<&str> {
        self.head.recipient_account_id.get()
    }

    /// The account that the event is counted under: the recipient's, else the caller's.
    pub fn account_id(&self) -> Option<&str> {
        self.head.recipient_account_id.get().or_else(|| self.identity()?.account_id.get())
    }

    /// This record as the fields of a plan's table.
    pub fn view<'v>(&'v self, plan: &'v SkimPlan) -> SkimView<'v, 'a> {
        SkimView::new(self, plan)
    }

    /// `None` when the identity is out of the ordinary.
    pub(super) fn identity(&self) -> Option<&Identity<'a>> {
        let read = || match self.head.user_identity {
            None => Some(Identity::default()),
            Some(text) => read_identity(text),
        };
        self.identity.get_or_init(read).as_ref()
    }

    /// `None` when what was asked for cannot be read.
    pub(super) fn request(&self) -> Option<&Document> {
        let read = || request_document(self.head.request_parameters.unwrap_or("null")).map(Box::new);
        self.request.get_or_init(read).as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::RecordKind;
    use crate::integration::aws_cloudtrail::{NormalizeContext, normalize};
    use ecs::Catalog;
    use ecs::{DataStream, EventView, FieldId, FieldTable, Known};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const FIELDS: [&str; 36] = [
        "user.name",
        "user.id",
        "event.type",
        "event.category",
        "aws.cloudtrail.event_type",
        "aws.cloudtrail.event_category",
        "event.action",
        "event.provider",
        "event.id",
        "event.outcome",
        "event.dataset",
        "event.module",
        "data_stream.dataset",
        "data_stream.type",
        "data_stream.namespace",
        "cloud.provider",
        "cloud.region",
        "cloud.account.id",
        "aws.cloudtrail.recipient_account_id",
        "aws.cloudtrail.error_code",
        "aws.cloudtrail.error_message",
        "source.address",
        "source.ip",
        "user_agent.original",
        "aws.cloudtrail.user_identity.type",
        "aws.cloudtrail.user_identity.arn",
        "aws.cloudtrail.user_identity.access_key_id",
        "aws.cloudtrail.user_identity.invoked_by",
        "aws.cloudtrail.user_identity.session_context.session_issuer.type",
        "aws.cloudtrail.user_identity.session_context.session_issuer.arn",
        "aws.cloudtrail.user_identity.session_context.session_issuer.account_id",
        "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id",
        "aws.cloudtrail.request_parameters",
        "aws.cloudtrail.flattened.request_parameters",
        "aws.cloudtrail.flattened.request_parameters.key",
        "aws.cloudtrail.flattened.request_parameters.items.key",
    ];

    fn raw(text: &str) -> RawRecord<'_> {
        RawRecord::new(RecordKind::CloudTrail, text, 0)
    }

    /// Holds every field that the quick look knows against the document; says how many it knew.
    fn compare(text: &str) -> usize {
        let catalog = Catalog::builtin();
        let mut table = FieldTable::new();
        let ids: Vec<FieldId> = FIELDS.iter().map(|field| table.intern(field, &catalog)).collect();
        let stream = DataStream::logs("aws.cloudtrail");
        let Value::Object(record) = serde_json::from_str(text).unwrap() else { panic!("not an object") };
        let document = normalize(record, &NormalizeContext::new(Timestamp::UNIX_EPOCH, &stream));
        let plan = SkimPlan::new(&table, stream);
        let Some(skimmed) = skim(&raw(text)) else { return 0 };
        let quick = skimmed.view(&plan);
        let full = document.view(&table);
        let values = |view: &dyn EventView, id| {
            let mut seen = Vec::new();
            let known = view.any_value(id, &mut |value| {
                seen.push(value.text().into_owned());
                false
            });
            (known, seen, view.exists(id))
        };
        let mut known = 0;
        for (id, field) in ids.into_iter().zip(FIELDS) {
            let (answer, quick_values, quick_exists) = values(&quick, id);
            if answer != Known::Unknown {
                known += 1;
                let (_, full_values, full_exists) = values(&full, id);
                assert_eq!((quick_values, quick_exists), (full_values, full_exists), "{field} of {text}");
            }
        }
        let written = document.text("@timestamp").and_then(|at| at.parse().ok());
        let time = skimmed.time().map(|at| Timestamp::from_millisecond(at.as_millisecond()).unwrap());
        assert_eq!(time.or(Some(Timestamp::UNIX_EPOCH)), written, "time of {text}");
        known
    }

    #[test]
    fn ordinary_records_are_known_but_for_console_logins() {
        let record = json!({
            "eventVersion": "1.11", "eventID": "6b0d5cb4-5f0d-4be7-a60e-0a5a1c6f0001", "eventTime": "2024-05-06T07:08:09Z",
            "eventName": "DisableKey", "eventSource": "kms.amazonaws.com", "awsRegion": "eu-west-1",
            "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2.15", "recipientAccountId": "111122223333",
            "requestParameters": {"key": "a/b", "items": [{"key": 1}, {"key": "none"}], "empty": ""},
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/ops/me",
                "accountId": "444455556666", "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "ops"}}},
        });
        assert_eq!(compare(&record.to_string()), FIELDS.len());
        let mut login = record.clone();
        login["eventName"] = json!("ConsoleLogin");
        login["responseElements"] = json!({"ConsoleLogin": "Failure"});
        assert_eq!(compare(&login.to_string()), FIELDS.len() - 1);
    }

    #[test]
    fn what_is_out_of_the_ordinary_is_left_to_the_document() {
        for text in [
            r#"{"eventName":"A","eventName":"B"}"#,
            r#"{"eventName":7}"#,
            r#"{"eventName":["A"]}"#,
            r#"{"requestParameters":{},"requestParameters":null}"#,
            r#"{"eventName":"A"} x"#,
            r#"{"eventName":"A""#,
        ] {
            assert!(skim(&raw(text)).is_none(), "{text}");
        }
        let odd_identity = r#"{"eventName":"A","userIdentity":{"type":"Root","type":"IAMUser"}}"#;
        assert!(compare(odd_identity) < FIELDS.len());
    }

    proptest! {
        #[test]
        fn a_quick_look_sees_what_the_document_has(
            top in proptest::collection::vec(
                (prop_oneof![
                    Just("eventID"), Just("eventName"), Just("eventSource"), Just("awsRegion"), Just("sourceIPAddress"),
                    Just("userAgent"), Just("errorCode"), Just("errorMessage"), Just("recipientAccountId"), Just("eventTime"),
                ], text()), 0..8),
            identity in proptest::option::of(proptest::collection::vec(
                (prop_oneof![Just("type"), Just("arn"), Just("accountId"), Just("accessKeyId"), Just("invokedBy"), Just("userName"), Just("principalId")], text()), 0..4)),
            issuer in proptest::option::of(proptest::collection::vec(
                (prop_oneof![Just("type"), Just("arn"), Just("accountId"), Just("principalId"), Just("userName")], text()), 0..3)),
            request in proptest::option::of(request()),
        ) {
            let object = |pairs: Vec<(&'static str, Value)>| -> Value {
                Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            };
            let mut record = object(top);
            if let Some(identity) = identity {
                record["userIdentity"] = object(identity);
                if let Some(issuer) = issuer {
                    record["userIdentity"]["sessionContext"] = json!({"sessionIssuer": object(issuer)});
                }
            }
            if let Some(request) = request {
                record["requestParameters"] = request;
            }
            compare(&record.to_string());
        }
    }

    fn request() -> impl Strategy<Value = Value> {
        text().prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                proptest::collection::vec(
                    (prop_oneof![Just("key"), Just("items"), Just("a.b")], inner),
                    0..4
                )
                .prop_map(|pairs| pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()),
            ]
        })
    }

    fn text() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            Just(json!("")),
            Just(json!("-")),
            Just(json!("none")),
            Just(json!("None")),
            Just(json!("192.0.2.1")),
            Just(json!("2001:db8::1")),
            Just(json!("kms.amazonaws.com")),
            Just(json!("AWSService")),
            Just(json!("2024-05-06T07:08:09Z")),
            Just(json!("20240506T070809Z")),
            Just(json!({})),
            Just(json!(5)),
            Just(json!("ConsoleLogin")),
            Just(json!("UserAuthentication")),
            Just(json!("AssumedRole")),
            Just(json!("FederatedUser")),
            Just(json!("IdentityCenterUser")),
            Just(json!("arn:aws:iam::1:role/aws-service-role/x.amazonaws.com/R")),
            Just(json!("CreateUser")),
            Just(json!("a\"b\\c\u{e9}")),
            "[a-z]{1,6}".prop_map(Value::from),
        ]
    }
}
