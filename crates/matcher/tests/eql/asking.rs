//! A condition asked of a document, and what is found wrong with it.

pub(crate) use bartizan_matcher as matcher;
pub(crate) use ecs::{Catalog, Document, FieldTable, Known, Timestamp};
pub(crate) use matcher::join_key::{KeyNumber, KeyValue};
pub(crate) use matcher::{Predicate, Resolved, Resolver, Schema};
pub(crate) use query::eql::ast::{Body, EventFilter, FieldRef};
pub(crate) use query::{Severity, Span, Spanned};

/// One field of every type, each also as a list.
pub(crate) const FIELDS: &str = "
-  keyword         kw kws*
-  wildcard        wild
-  text            text
-  match_only_text note
-  ip              addr addrs*
-  date            at
-  long            num nums*
-  double          real
-  boolean         flag
-  version         ver
-  flattened       flat
-  nested          nest
nest keyword       inner
event keyword      category*
";

pub(crate) fn catalog() -> Catalog {
    Catalog::parse([FIELDS]).unwrap()
}

pub(crate) fn document(json: &str) -> Document {
    match serde_json::from_str(json).unwrap() {
        serde_json::Value::Object(map) => Document::from_map(map),
        other => panic!("not an object: {other}"),
    }
}

pub(crate) fn filter(query: &str) -> EventFilter {
    let parsed = query::eql::parse(query);
    assert!(parsed.is_ok(), "{query}: {:?}", parsed.diagnostics);
    match parsed.tree.body {
        Body::Event(filter) => filter,
        other => panic!("{query}: {other:?}"),
    }
}

pub(crate) fn resolve(query: &str, schema: Schema, table: &mut FieldTable) -> Resolved {
    let catalog = catalog();
    Resolver::new(&catalog, table, Timestamp::UNIX_EPOCH).eql_filter(&filter(query), "event.category", schema)
}

pub(crate) fn passes(condition: &str, schema: Schema, json: &str) -> bool {
    let mut table = FieldTable::new();
    let resolved = resolve(&format!("any where {condition}"), schema, &mut table);
    assert!(resolved.is_ok(), "{condition}: {:?}", resolved.diagnostics);
    let known = resolved.predicate.eval(&document(json).view(&table));
    assert_ne!(known, Known::Unknown, "{condition} {json}");
    known == Known::Yes
}

pub(crate) fn check(schema: Schema, rows: &[(&str, &str, bool)]) {
    for (condition, json, expected) in rows {
        assert_eq!(passes(condition, schema, json), *expected, "{condition}   {json}");
    }
}

pub(crate) fn check_open(rows: &[(&str, &str, bool)]) {
    check(Schema::Open, rows);
}

pub(crate) fn codes(condition: &str, schema: Schema) -> Vec<(&'static str, Severity)> {
    let resolved = resolve(&format!("any where {condition}"), schema, &mut FieldTable::new());
    resolved.diagnostics.iter().map(|d| (d.code, d.severity)).collect()
}
