//! CloudTrail records become ECS documents, as Elastic's AWS integration 8.9.0 makes them.
//!
//! ```text
//!   record ─▶ payloads as Java text ─▶ absent values dropped ─▶ entities ─▶ fields moved ─▶ categorised ─▶ document
//!             request_parameters        absence                 entity       user_identity   category
//!             java_string                                                    tls, resources  outcome
//! ```
//!
//! Invariant: the same record gives the same document, whatever else runs. What goes wrong on the way is said in the
//! document's `error.message`; the rest of the record is still mapped.
//!
//! Source of the behaviour: elastic/integrations, `packages/aws/data_stream/cloudtrail`, version 8.9.0.

use ecs::{DataStream, Document};
use jiff::Timestamp;
use serde_json::{Map, Value};

mod absence;
mod category;
mod console_login;
mod digest;
mod entity;
mod entity_kind;
mod entity_services;
mod instant;
pub mod java_string;
mod moves;
mod outcome;
mod record_fields;
mod record_path;
mod related;
mod request_look;
mod request_parameters;
mod resources;
mod skim;
mod skim_view;
mod tls;
mod user_identity;

pub use category::{Category, DEFAULT_TYPES, category};
pub use outcome::outcome;
pub use request_parameters::Retain;
pub use skim::{SkimmedRecord, Who, WrittenMember, skim};
pub use skim_view::{SkimPlan, SkimView};

use crate::enrich::Enrichment;
use absence::drop_absent;
use moves::{put, put_object};
use related::Related;
use request_parameters::PayloadTexts;

/// The data set of the documents: `event.dataset` and `data_stream.dataset`.
pub const DATASET: &str = "aws.cloudtrail";

const ECS_VERSION: &str = "8.11.0";
const PRESERVE_ORIGINAL: &str = "preserve_original_event";
const ACTOR_TARGET_MAPPING: &str = "actor_target_mapping";

/// What a document depends on beside its record.
#[derive(Debug, Clone, Copy)]
pub struct NormalizeContext<'a> {
    /// Becomes `event.created`, and `@timestamp` of a record without a time of its own.
    pub ingested_at: Timestamp,
    /// The record as the source wrote it; becomes `event.original`, with the tag `preserve_original_event`.
    pub original: Option<&'a str>,
    /// Databases and parsers for `source.geo`, `source.as` and `user_agent`; without them only
    /// `user_agent.original` is known.
    pub enrich: Option<&'a Enrichment>,
    /// Where the event will lie.
    pub data_stream: &'a DataStream,
    /// The user's own tags, behind the ones that the settings here add.
    pub tags: &'a [String],
    /// Fill the actor, target and `related.entity` fields, and say so with the tag `actor_target_mapping`.
    pub actor_target_mapping: bool,
    /// Which forms of the payloads to keep.
    pub retain: Retain,
}

impl<'a> NormalizeContext<'a> {
    /// The usual: everything kept, entities mapped, no original, no enrichment, no tags of one's own.
    pub fn new(ingested_at: Timestamp, data_stream: &'a DataStream) -> Self {
        Self {
            ingested_at,
            original: None,
            enrich: None,
            data_stream,
            tags: &[],
            actor_target_mapping: true,
            retain: Retain::All,
        }
    }
}

/// When the event of a record happened; `None` when the record does not say, or in a form that is no date. The document
/// then has the time at which it was made.
pub fn event_time(record: &Map<String, Value>) -> Option<Timestamp> {
    instant::read_timestamp(record.get("eventTime")?.as_str()?)
}

/// A record as the document that rules see: what [`map_record`] makes of it and the fields that are the same for every
/// event of the data stream (`data_stream.*`, `event.dataset`, `event.module`).
pub fn normalize(record: Map<String, Value>, context: &NormalizeContext<'_>) -> Document {
    let mut document = map_record(record, context);
    add_constant_fields(&mut document, context.data_stream);
    document
}

/// Sets the fields that every event of the data stream shares. Elasticsearch has them in the index, not in the
/// document.
pub fn add_constant_fields(document: &mut Document, stream: &DataStream) {
    let mut fields = Map::new();
    fields.insert("type".to_owned(), Value::from(&*stream.kind));
    fields.insert("dataset".to_owned(), Value::from(&*stream.dataset));
    fields.insert("namespace".to_owned(), Value::from(&*stream.namespace));
    document.set("data_stream", fields);
    document.set("event.dataset", &*stream.dataset);
    document.set("event.module", "aws");
}

/// A record as the document that the integration's pipeline writes.
///
/// An empty record gives a document with times and constants only. Integers beyond 64 bits have been turned into
/// floating-point numbers by the JSON parser; of two equal keys in an object the last one counts.
pub fn map_record(mut record: Map<String, Value>, context: &NormalizeContext<'_>) -> Document {
    let mut errors = Vec::new();
    let event_time = record_fields::event_time(&mut record, &mut errors);
    let mut payload_texts = PayloadTexts::read(&record);
    drop_absent(&mut record);
    let entities = entities(&record, context, &mut errors);

    let event_name = record.get("eventName").map(record_fields::as_text);
    let event_name = event_name.as_deref();
    let mut identity = user_identity::identity(&mut record, &mut errors);
    if user_identity::take_authenticated_name(event_name, &mut record, &mut identity.user) {
        payload_texts.user_name_was_taken();
    }
    let mut cloudtrail = record_fields::cloudtrail(&mut record);
    put(&mut cloudtrail, "resources", record.remove("resources").and_then(resources::resources));
    let login = if event_name == Some("ConsoleLogin") {
        console_login::console_login(record.get("additionalEventData"))
    } else {
        Map::new()
    };
    put_object(&mut cloudtrail, "console_login", login);
    let (tls, tls_details) = tls::tls(&mut record);
    put_object(&mut cloudtrail, "tls_details", tls_details);
    let digest = digest::digest(&mut record, &mut errors);
    let event = record_fields::event(&mut record, &cloudtrail, event_name, &mut errors);
    let group = record_fields::group(&record);
    let user = user_identity::user(std::mem::take(&mut identity.user), &record);
    let related = related::related(&Related {
        session_name: identity.session_name.as_deref(),
        user: &user,
        on_behalf_of: identity.on_behalf_of_user_id(),
        source_address: record.get("sourceIPAddress"),
        server_name: tls.get("client").and_then(|client| client.get("server_name")),
        resources: cloudtrail.get("resources"),
        request: record.get("requestParameters"),
        response: record.get("responseElements"),
        service_event: record.get("serviceEventDetails"),
        digest_hash: digest.get("previous_hash_value"),
    });
    let digest_time = digest.get("end_time").and_then(Value::as_str).map(str::to_owned);

    let mut flattened = Map::new();
    let payloads = (&mut cloudtrail, &mut flattened);
    request_parameters::move_payloads(&mut record, payload_texts, context.retain, payloads);
    put_object(&mut flattened, "digest", digest);
    put(&mut flattened, "insight_details", record.remove("insightDetails"));
    put_object(&mut cloudtrail, "flattened", flattened);
    let cloud = record_fields::cloud(&mut record, identity.account_id, &cloudtrail);
    put_object(&mut cloudtrail, "user_identity", identity.user_identity);

    let mut document = Document::new();
    let root = document.as_map_mut();
    let timestamp = digest_time.or(event_time);
    put(root, "@timestamp", Some(timestamp.unwrap_or_else(|| instant::format_instant(context.ingested_at))));
    put_object(root, "event", event);
    put_object(root, "cloud", cloud);
    put_object(root, "user", user);
    put_object(root, "service", only("name", identity.service_name));
    put_object(root, "source", record_fields::source(record.remove("sourceIPAddress")));
    let agent = record_fields::user_agent(record.remove("userAgent"), &mut errors);
    put_object(root, "user_agent", agent);
    put_object(root, "tls", tls);
    put_object(root, "group", group);
    put_object(root, "file", only("path", record.remove("digestS3Object")));
    put_object(root, "related", related);
    put_object(root, "aws", only("cloudtrail", (!cloudtrail.is_empty()).then_some(cloudtrail)));
    put_object(root, "ecs", only("version", Some(ECS_VERSION)));
    for (field, value) in entities {
        document.set(field, value);
    }
    if let Some(enrich) = context.enrich {
        enrich.enrich(&mut document);
    }
    add_account(&mut document, context, errors);
    document
}

fn entities(
    record: &Map<String, Value>,
    context: &NormalizeContext<'_>,
    errors: &mut Vec<String>,
) -> Vec<(&'static str, Value)> {
    if !context.actor_target_mapping || !record.contains_key("eventName") {
        return Vec::new();
    }
    entity::entity_fields(record).unwrap_or_else(|error| {
        errors.push(format!("the entities of the record could not be told: {error}"));
        Vec::new()
    })
}

/// What is said of the mapping itself: when it ran, from what, with which settings, and what went wrong.
fn add_account(document: &mut Document, context: &NormalizeContext<'_>, errors: Vec<String>) {
    document.set("event.created", instant::format_instant(context.ingested_at));
    if let Some(original) = context.original.filter(|text| !text.is_empty()) {
        document.set("event.original", original);
    }
    let preserve = context.original.map(|_| PRESERVE_ORIGINAL);
    let mapping = context.actor_target_mapping.then_some(ACTOR_TARGET_MAPPING);
    let own = context.tags.iter().map(String::as_str);
    let mut tags: Vec<&str> = preserve.into_iter().chain(mapping).chain(own).collect();
    if !errors.is_empty() && !tags.contains(&PRESERVE_ORIGINAL) {
        tags.push(PRESERVE_ORIGINAL);
    }
    if !tags.is_empty() {
        document.set("tags", tags);
    }
    if !errors.is_empty() {
        document.set("error.message", errors);
        document.set("event.kind", "pipeline_error");
    }
}

/// An object with one field, or none when it has no value.
fn only(field: &str, value: Option<impl Into<Value>>) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, field, value);
    map
}
