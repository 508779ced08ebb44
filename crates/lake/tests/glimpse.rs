//! What columns tell of an event is what its document tells, or nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use bartizan_lake::{Event, Settings};
use ecs::{Catalog, EventView, FieldId, FieldTable, Known, Scalar};
use proptest::prelude::*;
use sample::{at, document, everything, open_with, small, stream};
use serde_json::{Map, Value, json};

/// Text, address, number, date and flag; list, text with a multi-field, an object, a flattened one and a key of it, what the
/// catalogue does not know, fixed columns, and what no event has.
const FIELDS: [&str; 18] = [
    "event.action",
    "event.category",
    "event.outcome",
    "source.ip",
    "process.command_line",
    "process.command_line.text",
    "host.os.name.caseless",
    "event.severity",
    "event.created",
    "process.thread.capabilities.effective",
    "event",
    "aws.cloudtrail.flattened.request_parameters",
    "aws.cloudtrail.flattened.request_parameters.keyId",
    "sample.number",
    "@timestamp",
    "event.ingested",
    "user.name",
    "related.user",
];

fn value() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        prop::sample::select(vec!["a", "b", "192.0.2.1", "2001:DB8::1", "7", "", "2026-03-14", "true"])
            .prop_map(Value::from),
        prop::sample::select(vec![json!(7), json!(1.5), json!(true), json!(null), json!([]), json!({})]),
        Just(json!({"below": "a"})),
    ];
    prop_oneof![4 => one.clone(), 1 => prop::collection::vec(one, 0..3).prop_map(Value::from)]
}

/// Some fields of an event, nested or with dotted names.
fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let field = (prop::sample::select(FIELDS.to_vec()), value(), any::<bool>());
    prop::collection::vec(field, 0..6).prop_map(|fields| {
        let mut made = document(json!({"@timestamp": at(0).to_string()}));
        for (name, value, dotted) in fields {
            if dotted {
                made.as_map_mut().insert(name.to_owned(), value);
            } else {
                made.set(name, value);
            }
        }
        made.into_map()
    })
}

/// Both views asked the same; how often the columns knew.
fn compared(fields: &[FieldId], known: &dyn EventView, whole: &dyn EventView) -> usize {
    let mut told = 0;
    let mut same = |known: Known, whole: Known, what: &str| {
        assert!(known == Known::Unknown || known == whole, "{what}: {known:?}, and {whole:?}");
        told += usize::from(known != Known::Unknown);
    };
    for field in fields {
        same(known.exists(*field), whole.exists(*field), &format!("{field:?} exists"));
        for text in ["a", "b", "192.0.2.1", "2001:DB8::1", "7", "", "true"] {
            let mut is = |value: Scalar<'_>| value.text() == text;
            let (by_columns, by_document) =
                (known.any_value(*field, &mut is), whole.any_value(*field, &mut is));
            same(by_columns, by_document, &format!("{field:?} is {text:?}"));
        }
        same(known.any_value(*field, &mut |_| true), whole.any_value(*field, &mut |_| true), "any");
    }
    told
}

fn check(events: Vec<Map<String, Value>>, max_columns: usize, flushes: u8) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let lake = open_with(folder.path(), Settings { max_columns, ..small() });
    for (number, map) in events.into_iter().enumerate() {
        let event = Event { id: number.to_string(), document: document(Value::Object(map)), raw: None };
        lake.append(&stream(), vec![event], at(number as i64)).unwrap();
        if number as u8 == flushes {
            lake.flush().unwrap();
        }
    }
    let catalog = Catalog::builtin();
    let mut tables = [FieldTable::new(), FieldTable::new()];
    let other: Vec<FieldId> = FIELDS.iter().rev().map(|name| tables[0].intern(name, &catalog)).collect();
    let fields: Vec<FieldId> = FIELDS.iter().map(|name| tables[1].intern(name, &catalog)).collect();
    let snapshot = lake.snapshot().unwrap();
    let mut documents = snapshot.documents(&everything());
    let mut told = 0;
    for glimpse in snapshot.glimpses(&everything(), &[&tables[0], &tables[1]]) {
        let glimpse = glimpse.unwrap();
        let event = glimpse.event().unwrap();
        assert_eq!(Some(&event), documents.next().map(Result::unwrap).as_ref());
        assert_eq!(glimpse.ingested(), Some(at(event.id.parse().unwrap())));
        for (table, fields) in [(0, &other), (1, &fields)] {
            let view = glimpse.view(table);
            told += compared(fields, &view, &event.document.view(&tables[table]));
            for field in fields {
                let is_known = view.any_value(*field, &mut |_| false) != Known::Unknown;
                assert_eq!(view.knows(*field), is_known);
            }
        }
    }
    assert!(documents.next().is_none());
    told
}

#[test]
fn columns_tell_of_texts_addresses_and_of_what_is_not_there() {
    let map = json!({
        "@timestamp": at(0).to_string(), "source": {"ip": "192.0.2.1"},
        "event": {"action": "a", "category": ["a", "b"]}, "process": {"command_line": "a b"},
    });
    let Value::Object(map) = map else { panic!("an object") };
    // Of each of the eight fields that are text or addresses and of those missing, nine answers by each table.
    assert!(check(vec![map], 1_000, 0) > 2 * 9 * 7);
}

/// Such a field has no column of its own, and is there all the same.
#[test]
fn a_field_below_a_text_may_lie_beyond_the_limit_of_columns() {
    let event = |fields: Value| match fields {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    };
    let events = vec![
        event(json!({"@timestamp": at(0).to_string(), "user": {"name": "a"}, "event": {"action": "a"}})),
        event(json!({"@timestamp": at(0).to_string(), "user": {"name": {"below": "a"}}})),
    ];
    assert!(check(events, 2, 0) > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn columns_tell_nothing_else_than_documents(
        events in prop::collection::vec(fields(), 1..8),
        max_columns in prop::sample::select(vec![2usize, 5, 1_000]),
        flushes in 0u8..8,
    ) {
        check(events, max_columns, flushes);
    }
}
