//! What shippers and client libraries ask of Elasticsearch before they send: which product it is, and whether what
//! they would set up is there.
//!
//! Nothing is set up here. Templates, policies and data streams are said to exist, since events need none of them;
//! what is put anyway is acknowledged and forgotten. Pipelines are not run: see
//! [`super::elasticsearch_bulk::Bulk::pipelines`].
//!
//! Source: Elasticsearch API reference, the pages of the paths below; the clients' check of the product asks for the
//! header on every answer.

use serde_json::{Value, json};

use super::elasticsearch_bulk::error_answer;
use super::http_events::HttpAnswer;

/// The header, with its value, that every answer to a shipper must have.
pub const PRODUCT_HEADER: (&str, &str) = ("X-Elastic-Product", "Elasticsearch");

/// The version of Elasticsearch that is spoken: shippers refuse one that is older than themselves.
pub const VERSION: &str = "8.19.0";

/// What is said of the one who answers.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// A name for people.
    pub name: &'a str,
    /// A UUID that stays the same, so that shippers know that it is still the same place.
    pub uuid: &'a str,
    /// The version that is claimed, such as [`VERSION`]; a newer one for shippers that are newer.
    pub version: &'a str,
}

/// The answer to a request that is no `_bulk`; `path` is without its query. `None` for what is not known: answer it
/// with [`unknown_answer`].
pub fn handshake_answer(method: &str, path: &str, node: &Node<'_>) -> Option<HttpAnswer> {
    let reads = matches!(method, "GET" | "HEAD");
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let body = match segments[..] {
        [] if reads => root(node),
        ["_license"] if reads => json!({"license": license(node)}),
        ["_xpack"] if reads => json!({
            "build": {},
            "license": {"uid": node.uuid, "type": "basic", "mode": "basic", "status": "active"},
            "features": {
                "ilm": {"available": true, "enabled": true},
                "security": {"available": true, "enabled": true},
            },
        }),
        ["_cluster", "health", ..] if reads => health(node),
        ["_cat", "health"] if reads => json!([{"cluster": node.name, "status": "green"}]),
        ["_nodes", "http"] | ["_nodes", "_all", "http"] if reads => {
            json!({"cluster_name": node.name, "nodes": {}})
        }
        ["_ilm", "status"] if reads => json!({"operation_mode": "STOPPED"}),
        ["_ilm", "policy", name] if reads => named(name, json!({"version": 1, "policy": {"phases": {}}})),
        ["_index_template", name] if reads => json!({
            "index_templates": [{"name": name, "index_template": {"index_patterns": [name], "data_stream": {}}}],
        }),
        ["_component_template", name] if reads => json!({
            "component_templates": [{"name": name, "component_template": {"template": {}}}],
        }),
        ["_template", name] if reads => named(name, json!({"index_patterns": [name]})),
        ["_ingest", "pipeline"] if reads => json!({}),
        ["_ingest", "pipeline", name] if reads => named(name, json!({"processors": []})),
        ["_data_stream", name] if reads => json!({
            "data_streams": [{
                "name": name,
                "timestamp_field": {"name": "@timestamp"},
                "indices": [],
                "generation": 1,
                "status": "GREEN",
                "template": name,
            }],
        }),
        ["_ilm", "policy", _]
        | ["_index_template", _]
        | ["_component_template", _]
        | ["_template", _]
        | ["_ingest", "pipeline", _]
        | ["_data_stream", _]
            if matches!(method, "PUT" | "POST") =>
        {
            json!({"acknowledged": true})
        }
        [name] if !name.starts_with('_') && method == "HEAD" => json!({}),
        [name] if !name.starts_with('_') && method == "PUT" => {
            json!({"acknowledged": true, "shards_acknowledged": true, "index": name})
        }
        _ => return None,
    };
    Some(HttpAnswer::ok(body))
}

/// 404 in the shape of Elasticsearch.
pub fn unknown_answer(method: &str, path: &str) -> HttpAnswer {
    error_answer(404, "illegal_argument_exception", &format!("{method} {path} is not answered here"))
}

/// 401 in the shape of Elasticsearch, with nothing said of why.
pub fn unauthorised_answer() -> HttpAnswer {
    error_answer(401, "security_exception", "missing or wrong credentials")
}

fn root(node: &Node<'_>) -> Value {
    json!({
        "name": node.name,
        "cluster_name": node.name,
        "cluster_uuid": node.uuid,
        "version": {
            "number": node.version,
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": "unknown",
            "build_date": "1970-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        // Clients of version 7.14 and before tell the product by it.
        "tagline": "You Know, for Search",
    })
}

fn license(node: &Node<'_>) -> Value {
    json!({
        "status": "active",
        "uid": node.uuid,
        "type": "basic",
        "issue_date": "1970-01-01T00:00:00.000Z",
        "issue_date_in_millis": 0,
        "max_nodes": 1,
        "issued_to": node.name,
        "issuer": "none",
        "start_date_in_millis": -1,
    })
}

fn health(node: &Node<'_>) -> Value {
    json!({
        "cluster_name": node.name,
        "status": "green",
        "timed_out": false,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "active_primary_shards": 0,
        "active_shards": 0,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    })
}

fn named(name: &str, value: Value) -> Value {
    let mut object = serde_json::Map::new();
    object.insert(name.to_owned(), value);
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Node<'static> = Node { name: "bartizan", uuid: "6d4e1f6a9ad1", version: VERSION };

    #[test]
    fn what_is_asked_before_sending_is_answered() {
        for (method, path, pointer, expected) in [
            ("GET", "/", "/version/number", json!("8.19.0")),
            ("GET", "/", "/version/build_flavor", json!("default")),
            ("HEAD", "/", "/cluster_uuid", json!("6d4e1f6a9ad1")),
            ("GET", "/_license", "/license/status", json!("active")),
            ("GET", "/_license", "/license/type", json!("basic")),
            ("GET", "/_xpack", "/features/ilm/enabled", json!(true)),
            ("GET", "/_cluster/health", "/status", json!("green")),
            ("GET", "/_cluster/health/logs-a-b", "/timed_out", json!(false)),
            ("HEAD", "/_cat/health", "/0/status", json!("green")),
            ("GET", "/_ilm/policy/filebeat", "/filebeat/version", json!(1)),
            ("PUT", "/_ilm/policy/filebeat", "/acknowledged", json!(true)),
            ("HEAD", "/_index_template/filebeat-8.19.0", "/index_templates/0/name", json!("filebeat-8.19.0")),
            ("PUT", "/_index_template/filebeat-8.19.0", "/acknowledged", json!(true)),
            ("GET", "/_template/t", "/t/index_patterns/0", json!("t")),
            ("GET", "/_ingest/pipeline/p", "/p/processors", json!([])),
            ("PUT", "/_ingest/pipeline/p", "/acknowledged", json!(true)),
            ("GET", "/_data_stream/logs-a-b", "/data_streams/0/timestamp_field/name", json!("@timestamp")),
            ("PUT", "/_data_stream/logs-a-b", "/acknowledged", json!(true)),
            ("PUT", "/vector-2026.03.14", "/index", json!("vector-2026.03.14")),
        ] {
            let answer = handshake_answer(method, path, &NODE).unwrap();
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body.pointer(pointer), Some(&expected), "{method} {path}");
        }
    }

    #[test]
    fn anything_else_is_not_answered() {
        for (method, path) in [
            ("DELETE", "/logs-a-b"),
            ("GET", "/logs-a-b"),
            ("POST", "/logs-a-b/_search"),
            ("GET", "/_search"),
            ("PUT", "/_cluster/settings"),
            ("DELETE", "/_index_template/t"),
        ] {
            assert_eq!(handshake_answer(method, path, &NODE), None, "{method} {path}");
            assert_eq!(unknown_answer(method, path).status, 404);
        }
    }
}
