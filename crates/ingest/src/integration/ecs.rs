//! Events that are ECS documents already: what agents and Beats ship, and search hits exported from Elasticsearch.

use ecs::{DataStream, Document};
use serde_json::{Map, Value};

/// An event that needs no mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct EcsEvent {
    /// The document, with `data_stream.*` and `event.dataset` filled in from where it came.
    pub document: Document,
    /// Where it belongs.
    pub data_stream: DataStream,
    /// The `_id` that it had in Elasticsearch.
    pub id: Option<Box<str>>,
}

/// Reads a document or a search hit.
///
/// A search hit has the document in `_source`, or, when that was switched off, as dotted names with lists of values
/// in `fields`; it also has `_id` and `_index`. Beats have the id in `@metadata._id`.
///
/// An alert (`kibana.alert.uuid`) belongs to the alerts of its space, under its own id.
/// The data stream of anything else is, in this order: `data_stream.*`; the index, when it is one of a data stream (backing indices,
/// indices of searchable snapshots and of other clusters included); `logs-` and the `event.dataset`, else the
/// `event.module`; `fallback`.
pub fn read_ecs(mut object: Map<String, Value>, fallback: &DataStream) -> EcsEvent {
    let take_text = |object: &mut Map<String, Value>, key: &str| match object.remove(key) {
        Some(Value::String(text)) => Some(text),
        Some(other) => {
            object.insert(key.to_owned(), other);
            None
        }
        None => None,
    };
    let is_hit = ["_source", "fields"].iter().any(|key| object.get(*key).is_some_and(Value::is_object))
        && (object.contains_key("_source") || object.contains_key("_index"));
    let mut id = take_text(&mut object, "_id");
    let index = take_text(&mut object, "_index");
    if is_hit {
        let source = object.remove("_source").filter(Value::is_object);
        if let Some(Value::Object(inner)) = source.or_else(|| object.remove("fields")) {
            object = inner;
        }
    } else if id.is_none() {
        id = object.get("@metadata").and_then(|metadata| metadata.get("_id")?.as_str()).map(str::to_owned);
    }
    let mut document = Document::from_map(object);
    if let Some(uuid) = document.text("kibana.alert.uuid").map(Box::from) {
        // The copied fields are those of the event that it was made of, data stream and id included.
        return EcsEvent { data_stream: alerts_of(&document), id: Some(uuid), document };
    }
    let data_stream = data_stream(&document, index.as_deref(), fallback);
    for (field, value) in [
        ("data_stream.type", &data_stream.kind),
        ("data_stream.dataset", &data_stream.dataset),
        ("data_stream.namespace", &data_stream.namespace),
        ("event.dataset", &data_stream.dataset),
    ] {
        set_if_missing(&mut document, field, value);
    }
    EcsEvent { document, data_stream, id: id.map(Into::into) }
}

fn data_stream(document: &Document, index: Option<&str>, fallback: &DataStream) -> DataStream {
    let text = |field| document.text(field).filter(|text| !text.is_empty());
    let own = text("data_stream.dataset");
    let of_index = index.and_then(stream_of_index);
    let mut stream = match (own, of_index) {
        (Some(dataset), of_index) => {
            DataStream { dataset: dataset.into(), ..of_index.unwrap_or_else(|| DataStream::logs(dataset)) }
        }
        (None, Some(of_index)) => of_index,
        (None, None) => match text("event.dataset").or_else(|| text("event.module")) {
            // The name of a data set holds no dash; Elasticsearch's reroute processor writes them so too.
            Some(dataset) => DataStream::logs(&dataset.replace('-', "_")),
            None => fallback.clone(),
        },
    };
    if let Some(kind) = text("data_stream.type") {
        stream.kind = kind.into();
    }
    if let Some(namespace) = text("data_stream.namespace") {
        stream.namespace = namespace.into();
    }
    stream
}

/// Where the alerts of a document's space lie: `.alerts-security.alerts-<space>`.
fn alerts_of(document: &Document) -> DataStream {
    let space = document.text("kibana.space_ids").unwrap_or("default");
    DataStream { kind: ".alerts".into(), dataset: "security.alerts".into(), namespace: space.into() }
}

/// The data stream that an index belongs to; `None` for indices of other kinds, such as those of Beats.
fn stream_of_index(index: &str) -> Option<DataStream> {
    let index = index.rsplit_once(':').map_or(index, |(_, local)| local);
    let index =
        ["partial-", "restored-"].iter().find_map(|prefix| index.strip_prefix(prefix)).unwrap_or(index);
    let kinds = ["logs", "metrics", "traces", "synthetics", "profiling"];
    DataStream::parse(index).filter(|stream| kinds.contains(&&*stream.kind))
}

/// Sets a field that has no value; what stands in its way is left and a dotted name is used instead.
fn set_if_missing(document: &mut Document, field: &str, value: &str) {
    if document.first(field).is_some() {
        return;
    }
    let parent = field.split('.').next().and_then(|head| document.as_map().get(head));
    if parent.is_none_or(Value::is_object) {
        document.set(field, value);
    } else {
        document.as_map_mut().insert(field.to_owned(), Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> EcsEvent {
        let Value::Object(map) = value else { panic!("not an object") };
        read_ecs(map, &DataStream::logs("fallback"))
    }

    #[test]
    fn an_alert_is_no_event_of_the_stream_that_it_tells_of() {
        let event = read(json!({
            "kibana.alert.uuid": "a1", "kibana.space_ids": ["red"], "event": {"id": "e1"},
            "data_stream": {"type": "logs", "dataset": "aws.cloudtrail", "namespace": "default"},
        }));
        assert_eq!(event.data_stream.name(), ".alerts-security.alerts-red");
        assert_eq!(event.id.as_deref(), Some("a1"));
        assert_eq!(event.document.text("data_stream.dataset"), Some("aws.cloudtrail"));
    }

    #[test]
    fn the_data_stream_is_found_in_every_place() {
        for (event, expected) in [
            (
                json!({"data_stream": {"type": "logs", "dataset": "aws.cloudtrail", "namespace": "prod"}}),
                "logs-aws.cloudtrail-prod",
            ),
            (json!({"data_stream.dataset": "okta.system"}), "logs-okta.system-default"),
            (
                json!({"data_stream": {"dataset": "a"}, "_index": ".ds-metrics-b-prod-2026.03.14-000001", "_source": {}}),
                "metrics-b-prod",
            ),
            (
                json!({"_index": ".ds-logs-aws.cloudtrail-eu-prod-2026.03.14-000001", "_source": {"a": 1}}),
                "logs-aws.cloudtrail-eu-prod",
            ),
            (
                json!({"_index": "berlin:partial-.ds-logs-o365.audit-default-2026.03.14-000001", "_source": {"a": 1}}),
                "logs-o365.audit-default",
            ),
            (
                json!({"_index": "filebeat-8.13.0-2026.03.14-000001", "_source": {"event": {"dataset": "aws.cloudtrail"}}}),
                "logs-aws.cloudtrail-default",
            ),
            (
                json!({"_index": ".ds-filebeat-8.13.0-2026.03.14-000001", "_source": {"event": {"module": "okta"}}}),
                "logs-okta-default",
            ),
            (json!({"event.dataset": "my-app.audit"}), "logs-my_app.audit-default"),
            (json!({"event": {"dataset": ["x.y"]}}), "logs-x.y-default"),
            (json!({"message": "hello"}), "logs-fallback-default"),
            (json!({"_index": "hits-of-my-own", "_source": {"a": 1}}), "logs-fallback-default"),
        ] {
            assert_eq!(read(event.clone()).data_stream.name(), expected, "{event}");
        }
    }

    #[test]
    fn a_hit_gives_its_document_and_its_id() {
        let event = read(json!({
            "_index": "logs-a.b-default", "_id": "x1", "_score": 1.0, "_source": {"event": {"action": "DisableKey"}}
        }));
        assert_eq!(event.id.as_deref(), Some("x1"));
        assert_eq!(
            Value::Object(event.document.into_map()),
            json!({
                "event": {"action": "DisableKey", "dataset": "a.b"},
                "data_stream": {"type": "logs", "dataset": "a.b", "namespace": "default"}
            })
        );
        let event = read(
            json!({"_index": "logs-a.b-default", "_id": "x2", "fields": {"event.action": ["DisableKey"]}}),
        );
        assert_eq!(
            (event.document.text("event.action"), event.id.as_deref()),
            (Some("DisableKey"), Some("x2"))
        );
    }

    #[test]
    fn a_document_stays_as_it_is() {
        let event = read(json!({
            "@metadata": {"_id": "m1"}, "fields": {"team": "blue"}, "event.dataset": "a.b", "data_stream": {"dataset": "c.d"}
        }));
        assert_eq!(event.id.as_deref(), Some("m1"));
        assert_eq!(event.document.text("event.dataset"), Some("a.b"));
        assert_eq!(event.document.text("data_stream.dataset"), Some("c.d"));
        assert_eq!(event.document.text("fields.team"), Some("blue"));
    }

    #[test]
    fn nothing_is_overwritten_to_make_room() {
        let event = read(json!({"event": "a line of text", "data_stream.dataset": "a.b"}));
        assert_eq!(event.document.as_map().get("event"), Some(&json!("a line of text")));
        assert_eq!(event.document.text("event.dataset"), Some("a.b"));
    }
}
