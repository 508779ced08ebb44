//! The OpenAPI document: every route stands in it, and what it refers to is there.

use serde_json::Value;

use crate::roles::operations;
use crate::world::world;

#[tokio::test]
async fn the_document_lists_every_route() {
    // Routes are added in one way only, which adds them to the document too; the source tells how many there are.
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api");
    let mut written = 0;
    for entry in std::fs::read_dir(sources).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().map(str::trim) {
            written += if line.starts_with("//") { 0 } else { line.matches("routes!(").count() };
            let is_by_hand = line.contains(".route(\"") && !line.contains("\"/openapi.json\"");
            assert!(!is_by_hand, "a route that the document does not list: {line}");
        }
    }
    let world = world().await;
    let listed = operations(&world).await;
    // `_bulk` is one function for two methods, on two paths.
    assert_eq!(listed.len(), written + 2);
    for (method, path, _) in listed {
        let answer = world.as_admin(&method, &path, "").await;
        let text = &answer.text;
        assert!(
            answer.status.as_u16() != 405 && !text.contains("there is no route"),
            "{method} {path}: {text}"
        );
    }
}

#[tokio::test]
async fn the_document_is_whole() {
    let answer = world().await.ask("GET", "/openapi.json", None, "").await;
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
            assert!(responses.contains_key("400"), "{method} {path}");
            assert!(
                operation["summary"].is_string() || operation["description"].is_string(),
                "{method} {path}"
            );
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{method} {path} {parameter}");
            }
        }
    }
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| collect(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}
