//! A quick look at a raw record: the fields that most rules ask for, without making the document.
//!
//! A [`SkimmedRecord`] gives for each field that it knows exactly the values that the document made by
//! [`normalize`](super::normalize) would have, and says [`Known::Unknown`] for all others. A test holds the two together.
//! Whatever is out of the ordinary (a key twice, a number where text belongs) makes [`skim`] return `None`: then the
//! document has to decide.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::net::IpAddr;

use ecs::{DataStream, EventView, FieldId, FieldTable, Known, Scalar};
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Visitor};
use sonic_rs::LazyValue;

use super::instant::read_timestamp;

/// What a quick look at a record found.
#[derive(Debug)]
pub struct SkimmedRecord<'a> {
    head: Head<'a>,
    /// The text of `userIdentity`, read when a rule asks for it.
    identity_text: Option<&'a str>,
    identity: OnceCell<Option<Identity<'a>>>,
}

/// The keys at the top of a record.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default, rename = "eventID")]
    event_id: Text<'a>,
    #[serde(borrow, default)]
    event_time: Text<'a>,
    #[serde(borrow, default)]
    event_name: Text<'a>,
    #[serde(borrow, default)]
    event_source: Text<'a>,
    #[serde(borrow, default)]
    aws_region: Text<'a>,
    #[serde(borrow, default)]
    recipient_account_id: Text<'a>,
    #[serde(borrow, default, rename = "sourceIPAddress")]
    source_ip_address: Text<'a>,
    #[serde(borrow, default)]
    user_agent: Text<'a>,
    #[serde(borrow, default)]
    error_code: Text<'a>,
    #[serde(borrow, default)]
    error_message: Text<'a>,
    #[serde(borrow, default)]
    user_identity: Option<LazyValue<'a>>,
}

/// The parts of `userIdentity` that rules ask for.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow, default, rename = "type")]
    identity_type: Text<'a>,
    #[serde(borrow, default)]
    arn: Text<'a>,
    #[serde(borrow, default)]
    account_id: Text<'a>,
    #[serde(borrow, default)]
    access_key_id: Text<'a>,
    #[serde(borrow, default)]
    invoked_by: Text<'a>,
    #[serde(borrow, default)]
    session_context: Option<SessionContext<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    #[serde(borrow, default)]
    session_issuer: Option<SessionIssuer<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer<'a> {
    #[serde(borrow, default, rename = "type")]
    issuer_type: Text<'a>,
    #[serde(borrow, default)]
    arn: Text<'a>,
    #[serde(borrow, default)]
    account_id: Text<'a>,
    #[serde(borrow, default)]
    principal_id: Text<'a>,
}

/// Text that is not one of those the integration drops: null, empty, `-` and `none`.
#[derive(Debug, Default)]
struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or null")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(is_kept(text).then_some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(is_kept(text).then(|| Cow::Owned(text.to_owned()))))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

fn is_kept(text: &str) -> bool {
    !matches!(text, "" | "-" | "none")
}

/// Looks at a record, which must be one JSON object. `None` when the document has to decide.
///
/// The whole text is checked to be JSON on the way.
pub fn skim(text: &str) -> Option<SkimmedRecord<'_>> {
    let mut head: Head<'_> = sonic_rs::from_str(text).ok()?;
    let identity_text = match head.user_identity.take() {
        None => None,
        Some(lazy) => {
            // The lazy value lends its text for its own life only; the same text is a part of ours.
            let raw = lazy.as_raw_str();
            let start = (raw.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
            Some(text.get(start..start + raw.len())?)
        }
    };
    Some(SkimmedRecord { head, identity_text, identity: OnceCell::new() })
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
        SkimView { record: self, plan }
    }

    /// `None` when the identity is out of the ordinary.
    fn identity(&self) -> Option<&Identity<'a>> {
        let read = || match self.identity_text {
            None => Some(Identity::default()),
            Some(text) => sonic_rs::from_str(text).ok(),
        };
        self.identity.get_or_init(read).as_ref()
    }
}

/// The fields that a quick look knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skimmed {
    Action,
    Provider,
    EventId,
    Region,
    AccountId,
    RecipientAccountId,
    Outcome,
    ErrorCode,
    ErrorMessage,
    SourceAddress,
    SourceIp,
    UserAgent,
    IdentityType,
    IdentityArn,
    AccessKeyId,
    InvokedBy,
    IssuerType,
    IssuerArn,
    IssuerAccountId,
    IssuerPrincipalId,
    /// The same text for every event of the stream.
    Constant(Constant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Constant {
    Dataset,
    Kind,
    Namespace,
    Aws,
}

impl Skimmed {
    fn of(field: &str) -> Option<Self> {
        Some(match field {
            "event.action" => Self::Action,
            "event.provider" => Self::Provider,
            "event.id" => Self::EventId,
            "cloud.region" => Self::Region,
            "cloud.account.id" => Self::AccountId,
            "aws.cloudtrail.recipient_account_id" => Self::RecipientAccountId,
            "event.outcome" => Self::Outcome,
            "aws.cloudtrail.error_code" => Self::ErrorCode,
            "aws.cloudtrail.error_message" => Self::ErrorMessage,
            "source.address" => Self::SourceAddress,
            "source.ip" => Self::SourceIp,
            "user_agent.original" => Self::UserAgent,
            "aws.cloudtrail.user_identity.type" => Self::IdentityType,
            "aws.cloudtrail.user_identity.arn" => Self::IdentityArn,
            "aws.cloudtrail.user_identity.access_key_id" => Self::AccessKeyId,
            "aws.cloudtrail.user_identity.invoked_by" => Self::InvokedBy,
            "aws.cloudtrail.user_identity.session_context.session_issuer.type" => Self::IssuerType,
            "aws.cloudtrail.user_identity.session_context.session_issuer.arn" => Self::IssuerArn,
            "aws.cloudtrail.user_identity.session_context.session_issuer.account_id" => Self::IssuerAccountId,
            "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id" => {
                Self::IssuerPrincipalId
            }
            "event.dataset" | "data_stream.dataset" => Self::Constant(Constant::Dataset),
            "data_stream.type" => Self::Constant(Constant::Kind),
            "data_stream.namespace" => Self::Constant(Constant::Namespace),
            "event.module" | "cloud.provider" => Self::Constant(Constant::Aws),
            _ => return None,
        })
    }
}

/// Which fields of a table a quick look knows.
#[derive(Debug, Clone)]
pub struct SkimPlan {
    fields: Vec<Option<Skimmed>>,
    stream: DataStream,
}

impl SkimPlan {
    /// A plan for the fields of `table`, and for records that go into `stream`.
    pub fn new(table: &FieldTable, stream: DataStream) -> Self {
        Self { fields: table.entries().map(|(_, entry)| Skimmed::of(&entry.name)).collect(), stream }
    }

    /// True for a field that a quick look knows, but for rare events.
    pub fn knows(&self, field: FieldId) -> bool {
        self.fields.get(field.index()).is_some_and(Option::is_some)
    }
}

/// A [`SkimmedRecord`] seen through a [`SkimPlan`].
#[derive(Debug, Clone, Copy)]
pub struct SkimView<'v, 'a> {
    record: &'v SkimmedRecord<'a>,
    plan: &'v SkimPlan,
}

impl SkimView<'_, '_> {
    /// The one value of a field that is known: `None` inside when the field is missing.
    fn value(&self, field: FieldId) -> Option<Option<&str>> {
        let record = self.record;
        let head = &record.head;
        let issuer = || {
            let context = record.identity()?.session_context.as_ref();
            Some(context.and_then(|c| c.session_issuer.as_ref()))
        };
        Some(match self.plan.fields.get(field.index()).copied().flatten()? {
            Skimmed::Action => head.event_name.get(),
            Skimmed::Provider => head.event_source.get(),
            Skimmed::EventId => head.event_id.get(),
            Skimmed::Region => head.aws_region.get(),
            Skimmed::RecipientAccountId => head.recipient_account_id.get(),
            Skimmed::AccountId => record.identity()?.account_id.get().or(head.recipient_account_id.get()),
            // A console login says in its response how it went.
            Skimmed::Outcome if head.event_name.get() == Some("ConsoleLogin") => return None,
            Skimmed::Outcome if head.error_code.get().or(head.error_message.get()).is_some() => {
                Some("failure")
            }
            Skimmed::Outcome => Some("success"),
            Skimmed::ErrorCode => head.error_code.get(),
            Skimmed::ErrorMessage => head.error_message.get(),
            Skimmed::SourceAddress => head.source_ip_address.get(),
            Skimmed::SourceIp => head.source_ip_address.get().filter(|text| text.parse::<IpAddr>().is_ok()),
            Skimmed::UserAgent => head.user_agent.get(),
            Skimmed::IdentityType => record.identity()?.identity_type.get(),
            Skimmed::IdentityArn => record.identity()?.arn.get(),
            Skimmed::AccessKeyId => record.identity()?.access_key_id.get(),
            Skimmed::InvokedBy => record.identity()?.invoked_by.get(),
            Skimmed::IssuerType => issuer()?.and_then(|i| i.issuer_type.get()),
            Skimmed::IssuerArn => issuer()?.and_then(|i| i.arn.get()),
            Skimmed::IssuerAccountId => issuer()?.and_then(|i| i.account_id.get()),
            Skimmed::IssuerPrincipalId => issuer()?.and_then(|i| i.principal_id.get()),
            Skimmed::Constant(Constant::Dataset) => Some(&self.plan.stream.dataset),
            Skimmed::Constant(Constant::Kind) => Some(&self.plan.stream.kind),
            Skimmed::Constant(Constant::Namespace) => Some(&self.plan.stream.namespace),
            Skimmed::Constant(Constant::Aws) => Some("aws"),
        })
    }
}

impl EventView for SkimView<'_, '_> {
    fn any_value(&self, field: FieldId, test: &mut dyn FnMut(Scalar<'_>) -> bool) -> Known {
        match self.value(field) {
            None => Known::Unknown,
            Some(value) => value.is_some_and(|text| test(Scalar::Str(text))).into(),
        }
    }

    fn exists(&self, field: FieldId) -> Known {
        self.value(field).map_or(Known::Unknown, |value| value.is_some().into())
    }

    fn any_leaf(&self, _: &mut dyn FnMut(&str, Scalar<'_>) -> bool) -> Known {
        Known::Unknown
    }

    fn any_nested(&self, _: FieldId, _: &mut dyn FnMut(&dyn EventView) -> Known) -> Known {
        Known::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integration::aws_cloudtrail::{NormalizeContext, normalize};
    use ecs::Catalog;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const FIELDS: [&str; 26] = [
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
    ];

    /// Holds every field that the quick look knows against the document; says how many it knew.
    fn compare(text: &str) -> usize {
        let catalog = Catalog::builtin();
        let mut table = FieldTable::new();
        let ids: Vec<FieldId> = FIELDS.iter().map(|field| table.intern(field, &catalog)).collect();
        let stream = DataStream::logs("aws.cloudtrail");
        let Value::Object(record) = serde_json::from_str(text).unwrap() else { panic!("not an object") };
        let document = normalize(record, &NormalizeContext::new(Timestamp::UNIX_EPOCH, &stream));
        let plan = SkimPlan::new(&table, stream);
        let Some(skimmed) = skim(text) else { return 0 };
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
            r#"{"eventName":"A"} x"#,
            r#"{"eventName":"A""#,
        ] {
            assert!(skim(text).is_none(), "{text}");
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
                (prop_oneof![Just("type"), Just("arn"), Just("accountId"), Just("accessKeyId"), Just("invokedBy")], text()), 0..4)),
            issuer in proptest::option::of(proptest::collection::vec(
                (prop_oneof![Just("type"), Just("arn"), Just("accountId"), Just("principalId")], text()), 0..3)),
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
            compare(&record.to_string());
        }
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
            Just(json!("a\"b\\c\u{e9}")),
            "[a-z]{1,6}".prop_map(Value::from),
        ]
    }
}
