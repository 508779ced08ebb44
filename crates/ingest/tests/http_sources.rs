//! What shippers send over HTTP: bodies of records, and `_bulk` requests, each with its answer.

#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

use std::io::Write as _;

use bartizan_ingest as ingest;
use ecs::DataStream;
use ingest::decode::Outcome;
use ingest::enrich::Enrichment;
use ingest::source::Input;
use ingest::source::elasticsearch_bulk::{Bulk, BulkRequest, MalformedBulk, busy_answer, read_bulk};
use ingest::source::http_events::{body_limits, events_answer, unavailable_answer};
use ingest::{Buffers, EventContext, Limits, events_of};
use proptest::prelude::*;
use serde_json::{Value, json};

fn bulk_with(body: &[u8], index: Option<&str>, limits: &Limits) -> Result<Bulk, Box<MalformedBulk>> {
    let fallback = DataStream::logs("generic");
    let request = BulkRequest { name: "POST /_bulk", index, fallback: &fallback, limits };
    read_bulk(body, &request, &mut Buffers::new())
}

fn bulk(lines: &[&str]) -> Bulk {
    bulk_with((lines.join("\n") + "\n").as_bytes(), None, &Limits::default()).unwrap()
}

/// Data stream, id and time of each event.
fn seen(bulk: &Bulk) -> Vec<String> {
    let say = |event: &ingest::DecodedEvent| {
        format!(
            "{} {} {}",
            event.data_stream,
            event.id,
            event.time.map_or_else(String::new, |t| t.to_string())
        )
    };
    bulk.events.iter().map(say).collect()
}

const AT: &str = r#""@timestamp":"2026-03-14T12:00:00Z""#;

#[test]
fn each_document_finds_its_data_stream_its_id_and_its_time() {
    for (action, source, index, expected) in [
        (
            r#"{"create":{"_index":"logs-a-b","_id":"1"}}"#,
            format!("{{{AT}}}"),
            None,
            "logs-a-b 1 2026-03-14T12:00:00Z",
        ),
        (r#"{"index":{"_id":1}}"#, format!("{{{AT}}}"), Some("logs-u-v"), "logs-u-v 1 2026-03-14T12:00:00Z"),
        (
            r#"{"create":{"_index":"filebeat-8.19.0","_id":"1"}}"#,
            format!(r#"{{{AT},"event.dataset":"okta.system"}}"#),
            None,
            "logs-okta.system-default 1 2026-03-14T12:00:00Z",
        ),
        (
            r#"{"create":{"_id":"1"}}"#,
            format!(r#"{{{AT},"data_stream":{{"dataset":"d"}}}}"#),
            None,
            "logs-d-default 1 2026-03-14T12:00:00Z",
        ),
        (
            r#"{"create":{"_id":"1"}}"#,
            format!("{{{AT}}}"),
            None,
            "logs-generic-default 1 2026-03-14T12:00:00Z",
        ),
        (
            r#"{"create":{}}"#,
            format!(r#"{{{AT},"event":{{"id":"e"}}}}"#),
            None,
            "logs-generic-default e 2026-03-14T12:00:00Z",
        ),
        (
            r#"{"create":{"_id":"1"}}"#,
            r#"{"@timestamp":1773489600123}"#.to_owned(),
            None,
            "logs-generic-default 1 2026-03-14T12:00:00.123Z",
        ),
        (
            r#"{"create":{"_id":"1"}}"#,
            r#"{"@timestamp":"1773489600123"}"#.to_owned(),
            None,
            "logs-generic-default 1 2026-03-14T12:00:00.123Z",
        ),
        (
            r#"{"create":{"_id":"1"}}"#,
            r#"{"@timestamp":1773489600123.0}"#.to_owned(),
            None,
            "logs-generic-default 1 2026-03-14T12:00:00.123Z",
        ),
        (
            r#"{"create":{"_id":"1"}}"#,
            r#"{"@timestamp":"2026-03-14T13:00:00.5+01:00"}"#.to_owned(),
            None,
            "logs-generic-default 1 2026-03-14T12:00:00.5Z",
        ),
    ] {
        let body = format!("{action}\n{source}\n");
        let bulk = bulk_with(body.as_bytes(), index, &Limits::default()).unwrap();
        assert_eq!(seen(&bulk), [expected], "{body}");
        assert_eq!(bulk.account.outcome, Outcome::Read);
        assert_eq!(bulk.faults, []);
        // Fields stay as the shipper wrote them, dotted or nested.
        let sent: Value = serde_json::from_str(&source).unwrap();
        let kept = &bulk.events[0].document;
        assert!(sent.as_object().unwrap().keys().all(|key| kept.as_map().contains_key(key)), "{body}");
    }
}

#[test]
fn each_action_is_answered_by_itself() {
    let good = format!("{{{AT}}}");
    let bulk = bulk(&[
        r#"{"create":{"_index":"logs-a-b","_id":"1","pipeline":"p"}}"#,
        &good,
        r#"{"index":{"_index":"logs-a-b","_id":"1","pipeline":"_none"}}"#,
        &good,
        "",
        r#"{"delete":{"_index":"logs-a-b","_id":"2"}}"#,
        r#"{"update":{"_id":"3"}}"#,
        r#"{"doc":{"a":1}}"#,
        r#"{"create":{}}"#,
        r#"{"a":1}"#,
        r#"{"create":{"_id":"5"}}"#,
        r#"{"@timestamp":"yesterday"}"#,
        r#"{"create":{"_id":"6"}}"#,
        r#"{"a":"#,
        r#"{"create":{"_id":"7"}}"#,
        "[1]",
        r#"{"create":{}}"#,
        &good,
        r#"{"create":{"_id":"9"}}"#,
    ]);
    let answer = bulk.answer(7);
    assert_eq!((answer.status, &answer.body["took"], &answer.body["errors"]), (200, &json!(7), &json!(true)));
    let items: Vec<String> = answer.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let (action, item) = item.as_object().unwrap().iter().next().unwrap();
            let reason = item.pointer("/error/reason").and_then(Value::as_str).unwrap_or_default();
            format!(
                "{action} {} {} {} {reason}",
                item["_index"].as_str().unwrap(),
                item["_id"],
                item["status"]
            )
        })
        .collect();
    let own = &bulk.events[1].id;
    assert_eq!(
        items,
        [
            r#"create logs-a-b "1" 201 "#.to_owned(),
            r#"index logs-a-b "1" 201 "#.to_owned(),
            r#"delete logs-a-b "2" 400 refused: events are added, never changed or removed"#.to_owned(),
            r#"update logs-generic-default "3" 400 refused: events are added, never changed or removed"#
                .to_owned(),
            "create logs-generic-default null 400 refused: no @timestamp".to_owned(),
            r#"create logs-generic-default "5" 400 refused: @timestamp is no date"#.to_owned(),
            r#"create logs-generic-default "6" 400 not valid JSON"#.to_owned(),
            r#"create logs-generic-default "7" 400 not a JSON object"#.to_owned(),
            format!(r#"create logs-generic-default "{own}" 201 "#),
            r#"create logs-generic-default "9" 400 refused: an action without its document"#.to_owned(),
        ]
    );
    let counts = &bulk.account.counts;
    assert_eq!((counts.records_in, counts.events, counts.duplicates, counts.dropped()), (10, 2, 1, 7));
    assert_eq!(bulk.faults.len(), 7);
    assert_eq!(bulk.faults[0].bytes, br#"{"delete":{"_index":"logs-a-b","_id":"2"}}"#);
    assert_eq!(bulk.faults[2].bytes, br#"{"a":1}"#);
    assert!(matches!(bulk.account.outcome, Outcome::PartlyRead { .. }));
    assert_eq!(bulk.pipelines.into_iter().collect::<Vec<_>>(), ["p"]);
}

#[test]
fn a_body_that_cannot_be_told_apart_is_refused_whole() {
    let small = body_limits(64);
    let long = format!("{}\n{{{AT}}}\n", r#"{"create":{"_index":"logs-some.where-default"}}"#);
    let good = format!("{{\"create\":{{}}}}\n{{{AT}}}\n");
    for (body, limits, status, reason) in [
        (b"".as_slice(), &Limits::default(), 400, "line 1: no action"),
        (b"\n \n", &Limits::default(), 400, "line 1: no action"),
        (b"{\"a\":1}\n", &Limits::default(), 400, "line 1: not an action with its metadata"),
        (
            b"{\"create\":{},\"index\":{}}\n{}\n",
            &Limits::default(),
            400,
            "line 1: not an action with its metadata",
        ),
        (
            format!("{good}nonsense\n").as_bytes(),
            &Limits::default(),
            400,
            "line 3: not an action with its metadata",
        ),
        (&gzip(long.as_bytes()), &small, 413, "line 1: more than 64 bytes after decompression"),
        (&gzip(good.as_bytes())[..20], &Limits::default(), 400, "line 1: the gzip stream ends too early"),
    ] {
        let malformed = bulk_with(body, None, limits).unwrap_err();
        let answer = malformed.answer();
        assert_eq!((answer.status, answer.body["error"]["reason"].as_str()), (status, Some(reason)));
        assert_eq!(answer.body["status"], json!(status));
        assert!(matches!(malformed.account.outcome, Outcome::Skipped(_)));
    }
    assert_eq!(busy_answer().status, 429);
}

#[test]
fn a_compressed_body_is_read_and_a_long_document_refused() {
    let body =
        format!("{{\"create\":{{}}}}\n{{{AT}}}\n{{\"create\":{{}}}}\n{{{AT},\"m\":\"{}\"}}", "x".repeat(100));
    let limits = Limits { record_bytes: 100, ..Limits::default() };
    let bulk = bulk_with(&gzip(body.as_bytes()), None, &limits).unwrap();
    assert_eq!((bulk.events.len(), bulk.faults.len()), (1, 1));
    assert_eq!(bulk.items[1].refused.as_ref().unwrap().to_string(), "no end of the record within 100 bytes");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bodies_of_records_are_read_in_every_form() {
    let record = |id: u8| {
        format!(
            r#"{{"eventVersion":"1.08","userIdentity":{{}},"eventID":"e{id}","eventTime":"2026-01-05T01:02:03Z"}}"#
        )
    };
    let envelope = |id: u8| {
        format!(
            r#"{{"version":"0","id":"x","detail-type":"AWS API Call via CloudTrail","source":"aws.kms","detail":{}}}"#,
            record(id)
        )
    };
    let array = format!("[{},{}]", envelope(1), envelope(2));
    let lines = format!("{}\n{}\n{}\n", envelope(1), envelope(1), record(2));
    let half = format!("{}\n{{\"a\":", envelope(1));
    for (body, status, answer) in [
        (envelope(1).into_bytes(), 200, json!({"records": 1, "events": 1, "duplicates": 0, "dropped": 0})),
        (record(1).into_bytes(), 200, json!({"records": 1, "events": 1, "duplicates": 0, "dropped": 0})),
        (gzip(array.as_bytes()), 200, json!({"records": 2, "events": 2, "duplicates": 0, "dropped": 0})),
        (lines.into_bytes(), 200, json!({"records": 3, "events": 2, "duplicates": 1, "dropped": 0})),
        (
            half.into_bytes(),
            200,
            json!({"records": 2, "events": 1, "duplicates": 0, "dropped": 1, "error": "the input ends in the middle of a value"}),
        ),
        (
            b"hello".to_vec(),
            400,
            json!({"records": 0, "events": 0, "duplicates": 0, "dropped": 0, "error": "not JSON"}),
        ),
        (
            b"".to_vec(),
            400,
            json!({"records": 0, "events": 0, "duplicates": 0, "dropped": 0, "error": "empty"}),
        ),
    ] {
        let input = Input { name: "POST /v1/events".to_owned(), bytes: body, modified: None };
        let (enrichment, limits) = (Enrichment::default(), body_limits(1 << 20));
        let context = EventContext::new("2026-02-02T00:00:00Z".parse().unwrap(), &enrichment, &limits);
        let got = events_answer(&events_of(&input, &context, &mut Buffers::new()).account);
        assert_eq!((got.status, got.body), (status, answer));
    }
    assert_eq!(unavailable_answer().status, 503);
}

proptest! {
    #[test]
    fn every_action_is_an_event_a_duplicate_or_a_drop(
        actions in prop::collection::vec(
            (
                prop::sample::select(vec!["index", "create", "update", "delete"]),
                prop::option::of(0..3u8),
                prop_oneof![
                    Just(format!("{{{AT}}}")),
                    Just(format!(r#"{{{AT},"event":{{"id":"e"}}}}"#)),
                    Just("{}".to_owned()),
                    "[ -~]{0,12}",
                ],
            ),
            1..20,
        ),
    ) {
        let mut body = String::new();
        for (action, id, source) in &actions {
            let id = id.map_or_else(String::new, |id| format!(r#""_id":"{id}""#));
            body += &format!("{{\"{action}\":{{{id}}}}}\n");
            if *action != "delete" {
                body += &format!("{source}\n");
            }
        }
        let bulk = bulk_with(body.as_bytes(), None, &Limits::default()).unwrap();
        let counts = &bulk.account.counts;
        prop_assert!(counts.balanced());
        prop_assert_eq!(counts.records_in, actions.len() as u64);
        prop_assert_eq!(bulk.items.len(), actions.len());
        prop_assert_eq!(counts.events, bulk.events.len() as u64);
        prop_assert_eq!(counts.dropped(), bulk.faults.len() as u64);
        let refused = bulk.items.iter().filter(|item| item.refused.is_some()).count();
        prop_assert_eq!(refused, bulk.faults.len());
    }

    #[test]
    fn any_body_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        match bulk_with(&body, Some("logs-a-b"), &Limits::default()) {
            Ok(bulk) => prop_assert!(bulk.account.counts.balanced()),
            Err(malformed) => prop_assert!(malformed.answer().status == 400),
        }
    }
}
