//! Every shape, every way of being bad, and what the decoder makes of them.

#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

use std::io::Write as _;

use bartizan_ingest as ingest;
use ingest::decode::{Compression, Decoded, Encoding, Outcome, Shape, SkipReason};
use ingest::{Buffers, FaultReason, Item, Limits, RecordKind, decode};

/// A record in the order of keys that CloudTrail writes.
fn record(n: u32) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","userName":"u{n}"}},"eventTime":"2026-01-02T03:04:05Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","requestParameters":{{"note":"[}}\"\\"}},"eventID":"{n}"}}"#
    )
}

/// The same kind of record with its keys sorted, as tools write it.
fn sorted_record(n: u32) -> String {
    format!(r#"{{"awsRegion":"eu-west-1","eventID":"{n}","eventName":"Decrypt","eventVersion":"1.11"}}"#)
}

fn ecs_document(n: u32) -> String {
    format!(r#"{{"@timestamp":"2026-01-02T03:04:05Z","event":{{"action":"Decrypt","id":"{n}"}}}}"#)
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn pretty(text: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

#[derive(Debug)]
struct Got {
    records: Vec<(RecordKind, String, u64)>,
    faults: Vec<(u64, FaultReason, Vec<u8>)>,
    decoded: Decoded,
}

fn read_with(limits: &Limits, input: &[u8]) -> Got {
    let (mut records, mut faults) = (Vec::new(), Vec::new());
    let decoded = decode(input, limits, &mut Buffers::new(), &mut |item| match item {
        Item::Record(record) => records.push((record.kind, record.text.to_owned(), record.offset)),
        Item::Fault(fault) => faults.push((fault.offset, fault.reason, fault.bytes.to_owned())),
    });
    assert_eq!((decoded.records, decoded.faults), (records.len() as u64, faults.len() as u64));
    Got { records, faults, decoded }
}

fn read(input: impl AsRef<[u8]>) -> Got {
    read_with(&Limits::default(), input.as_ref())
}

#[test]
fn one_record_per_shape() {
    let (a, b) = (record(1), record(2));
    let ecs = ecs_document(1);
    let envelope = |inner: &str| {
        format!(
            r#"{{"version":"0","id":"x","detail-type":"AWS API Call via CloudTrail","source":"aws.kms","detail":{inner}}}"#
        )
    };
    let log_event = |inner: &str| format!(r#"{{"id":"3","timestamp":1,"message":{}}}"#, json_string(inner));
    let hit = |inner: &str| format!(r#"{{"_index":"logs","_id":"1","_source":{inner}}}"#);
    let cases: Vec<(String, Shape)> = vec![
        (format!(r#"{{"Records":[{a},{b}]}}"#), Shape::LogFile),
        (format!("{{ \"Records\" : [\n {} ,\n {} ] }}\n", pretty(&a), pretty(&b)), Shape::LogFile),
        (format!("{{\"Records\":[{a}]}}\n{{\"Records\":[{b}]}}\n"), Shape::LogFile),
        (format!("[{a},\n{b}]"), Shape::Array),
        (pretty(&format!("[{a},{b}]")), Shape::Array),
        (format!("{a}\n{b}\n"), Shape::Lines),
        (format!("{a}\r\n\r\n{b}"), Shape::Lines),
        (format!("{}{}", pretty(&a), pretty(&b)), Shape::Concatenated),
        (format!("{a}{b}"), Shape::Concatenated),
        (format!("\u{1e}{a}\n\u{1e}{b}\n"), Shape::Lines),
        (
            format!(
                r#"{{"NextToken":"t","Events":[{{"EventId":"1","CloudTrailEvent":{}}},{{"CloudTrailEvent":{},"Resources":[{{}}]}}]}}"#,
                json_string(&a),
                json_string(&b)
            ),
            Shape::LookupEvents,
        ),
        (format!("{}\n{}\n", envelope(&a), envelope(&b)), Shape::EventBridge),
        (format!("[{},{}]", envelope(&a), envelope(&b)), Shape::EventBridge),
        (format!("2026-01-02T03:04:05.678Z {a}\n2026-01-02T03:04:05.679Z {b}\n"), Shape::CloudWatchExport),
        (
            format!(
                r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logEvents":[{},{}]}}"#,
                log_event(&a),
                log_event(&b)
            ),
            Shape::CloudWatchSubscription,
        ),
        (
            format!(r#"{{"events":[{},{}],"searchedLogStreams":[]}}"#, log_event(&a), log_event(&b)),
            Shape::CloudWatchEvents,
        ),
    ];
    for (input, shape) in cases {
        let got = read(&input);
        assert_eq!(got.decoded.shape, Some(shape), "{input}");
        assert_eq!(got.decoded.outcome, Outcome::Read, "{input}");
        let ids: Vec<_> = got
            .records
            .iter()
            .map(|(kind, text, _)| {
                assert_eq!(*kind, RecordKind::CloudTrail);
                serde_json::from_str::<serde_json::Value>(text).unwrap()["eventID"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(ids, ["1", "2"], "{input}");
    }
    let ecs_cases = [
        (ecs.clone(), Shape::Single),
        (format!("{ecs}\n{ecs}\n"), Shape::Lines),
        (format!("[{ecs}]"), Shape::Array),
        (format!("{}\n", hit(&ecs)), Shape::SearchHits),
        (
            format!(r#"{{"took":1,"hits":{{"total":{{"value":1}},"hits":[{}]}}}}"#, hit(&ecs)),
            Shape::SearchHits,
        ),
        (hit(r#"{"event.action":"x"}"#), Shape::SearchHits),
    ];
    for (input, shape) in ecs_cases {
        let got = read(&input);
        assert_eq!((got.decoded.shape, &got.decoded.outcome), (Some(shape), &Outcome::Read), "{input}");
        assert!(!got.records.is_empty(), "{input}");
        assert!(got.records.iter().all(|(kind, ..)| *kind == RecordKind::Ecs), "{input}");
    }
}

#[test]
fn kinds_are_told_by_their_keys() {
    use RecordKind::*;
    for (input, kind) in [
        (record(1), CloudTrail),
        (sorted_record(1), CloudTrail),
        (r#"{"event\u0049D":"1"}"#.to_owned(), CloudTrail),
        (r#"{"awsAccountId":"1","digestS3Bucket":"b","digestS3Object":"o","logFiles":[{"s3Object":"x"}]}"#.to_owned(), CloudTrailDigest),
        (
            r#"{"eventVersion":"1.07","eventTime":"t","eventType":"AwsCloudTrailInsight","insightDetails":{"eventName":"x"}}"#
                .to_owned(),
            CloudTrailInsight,
        ),
        (ecs_document(1), Ecs),
        (r#"{"@timestamp":"t","eventName":"x","Records":[1]}"#.to_owned(), Ecs),
    ] {
        let got = read(&input);
        assert_eq!(got.records, [(kind, input.clone(), 0)]);
        assert_eq!(got.decoded.shape, Some(Shape::Single));
    }
}

#[test]
fn records_are_slices_with_their_offsets() {
    let (a, b) = (record(1), sorted_record(2));
    let got = read(format!("\u{feff}{{\"Records\": [{a}, {b}]}}"));
    let second = 3 + 13 + a.len() as u64 + 2;
    assert_eq!(got.records, [(RecordKind::CloudTrail, a, 16), (RecordKind::CloudTrail, b, second)]);
    assert_eq!(got.decoded.encoding, Encoding::Utf8);
}

#[test]
fn compression_is_told_by_content() {
    use Compression::*;
    let (a, b) = (record(1), record(2));
    let file = format!("{a}\n{b}\n").into_bytes();
    let (first, second) = file.split_at(file.len() / 2);
    let padded = [gzip(&file), vec![0; 512]].concat();
    let mut named = flate2::GzBuilder::new()
        .filename("a.json")
        .comment("c")
        .extra(vec![1, 2, 3])
        .write(Vec::new(), flate2::Compression::fast());
    named.write_all(&file).unwrap();
    for (input, compression) in [
        (file.clone(), vec![]),
        (gzip(&file), vec![Gzip]),
        (named.finish().unwrap(), vec![Gzip]),
        ([gzip(first), gzip(second)].concat(), vec![Gzip]),
        ([gzip(first), gzip(b""), gzip(second)].concat(), vec![Gzip]),
        (padded, vec![Gzip]),
        (zstd(&file), vec![Zstd]),
        ([zstd(first), zstd(second)].concat(), vec![Zstd]),
        ([vec![0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9], zstd(&file)].concat(), vec![Zstd]),
        (gzip(&zstd(&gzip(&file))), vec![Gzip, Zstd, Gzip]),
        (gzip(&[gzip(first), gzip(second)].concat()), vec![Gzip, Gzip]),
    ] {
        let got = read(&input);
        assert_eq!(got.decoded.compression, compression);
        assert_eq!(got.decoded.outcome, Outcome::Read);
        assert_eq!(got.decoded.bytes_decompressed, file.len() as u64);
        assert_eq!(got.records.len(), 2);
    }
    // Twice the same member is twice the records: telling duplicates is not the decoder's work.
    assert_eq!(read([gzip(&file), gzip(&file)].concat()).records.len(), 4);
}

#[test]
fn a_large_file_grows_the_buffer_and_a_small_one_uses_it_again() {
    let large: String = (0..20_000).map(|n| record(n) + "\n").collect();
    let mut buffers = Buffers::new();
    let limits = Limits::default();
    for (input, records) in
        [(gzip(large.as_bytes()), 20_000), (gzip(record(1).as_bytes()), 1), (zstd(large.as_bytes()), 20_000)]
    {
        let decoded = decode(&input, &limits, &mut buffers, &mut |_| {});
        assert_eq!((decoded.records, decoded.outcome), (records, Outcome::Read));
    }
}

#[test]
fn utf16_is_transcoded() {
    let text = format!("{}\n{}\n", record(1), r#"{"eventID":"ä€😀"}"#);
    let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (input, encoding) in [
        ([b"\xff\xfe".to_vec(), le.clone()].concat(), Encoding::Utf16Le),
        ([b"\xfe\xff".to_vec(), be.clone()].concat(), Encoding::Utf16Be),
        (le.clone(), Encoding::Utf16Le),
        (be, Encoding::Utf16Be),
        (gzip(&le), Encoding::Utf16Le),
    ] {
        let got = read(input);
        assert_eq!((got.decoded.encoding, &got.decoded.outcome), (encoding, &Outcome::Read));
        assert_eq!(got.records[1].1, r#"{"eventID":"ä€😀"}"#);
    }
    let got = read(&le[..le.len() - 1]);
    assert_eq!(got.records.len(), 2);
    assert_eq!(got.faults, [(text.len() as u64 - 1, FaultReason::OddLength, vec![])]);
    let lone = [vec![b'{', 0, b'"', 0], b"e\0v\0e\0n\0t\0I\0D\0\"\0:\0\"\0\x00\xd8\"\0}\0".to_vec()].concat();
    let got = read(lone);
    assert_eq!(got.records[0].1, "{\"eventID\":\"\u{fffd}\"}");
    assert_eq!(got.decoded.notes.replaced_units, 1);
}

#[test]
fn lone_surrogate_escapes_are_repaired_and_noted() {
    for (written, repaired, notes) in [
        (r#"{"eventID":"\ud800"}"#, r#"{"eventID":"\ufffd"}"#, 1),
        (r#"{"eventID":"\uDC00\ud83d\ude00\ud83dx"}"#, r#"{"eventID":"\ufffd\ud83d\ude00\ufffdx"}"#, 1),
        (r#"{"eventID":"\ud83d\ude00"}"#, r#"{"eventID":"\ud83d\ude00"}"#, 0),
        (r#"{"eventID":"\\ud800"}"#, r#"{"eventID":"\\ud800"}"#, 0),
    ] {
        let got = read(written);
        assert_eq!(got.records[0].1, repaired);
        assert_eq!(got.decoded.notes.repaired_surrogates, notes);
        assert_eq!(got.decoded.outcome, Outcome::Read);
    }
    let inside =
        format!(r#"{{"Events":[{{"CloudTrailEvent":{}}}]}}"#, json_string(r#"{"eventID":"\ud800"}"#));
    assert_eq!(read(inside).records[0].1, r#"{"eventID":"\ufffd"}"#);
}

/// Inputs that are no logs have no records to lose: they are skipped, with a reason.
#[test]
fn what_is_no_log_is_skipped() {
    let cases: Vec<(Vec<u8>, SkipReason)> = vec![
        (b"".to_vec(), SkipReason::Empty),
        (b" \n\n".to_vec(), SkipReason::Empty),
        (b"\xef\xbb\xbf".to_vec(), SkipReason::Empty),
        (gzip(b""), SkipReason::Empty),
        (zstd(b""), SkipReason::Empty),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR{\"".to_vec(), SkipReason::OtherFormat("a PNG image")),
        (gzip(b"PK\x03\x04abc"), SkipReason::OtherFormat("a zip archive")),
        (b"\0\0\0\x01Bud1".to_vec(), SkipReason::OtherFormat("a macOS folder file")),
        (b"# Read me\nSome text.\n".to_vec(), SkipReason::NotJson),
        (b"[package]\nname = \"x\"\n".to_vec(), SkipReason::NotJson),
        (b"fn main() { \"{\"; }".to_vec(), SkipReason::NotJson),
        (br#"{"name":"x","version":"1"}"#.to_vec(), SkipReason::NoRecords),
        (b"[1,2,3]".to_vec(), SkipReason::NoRecords),
        (b"{}".to_vec(), SkipReason::NoRecords),
        (b"[]".to_vec(), SkipReason::NoRecords),
        (b"null\n42\n\"str\"\n".to_vec(), SkipReason::NoRecords),
        (b"[".repeat(200_000), SkipReason::Fault(FaultReason::NestedTooDeep { limit: 120 })),
        (
            [b"[".repeat(200_000), b"]".repeat(200_000)].concat(),
            SkipReason::Fault(FaultReason::NestedTooDeep { limit: 120 }),
        ),
        (br#"{"a":"#.repeat(200_000), SkipReason::Fault(FaultReason::NestedTooDeep { limit: 120 })),
        (br#"{"detail-type":"GuardDuty Finding","detail":{"severity":8}}"#.to_vec(), SkipReason::NoRecords),
        (br#"{"name":"#.to_vec(), SkipReason::Fault(FaultReason::Truncated)),
        (b"\x1f\x8b".to_vec(), SkipReason::Fault(FaultReason::TruncatedStream(Compression::Gzip))),
        (
            b"\x1f\x8b\x09abcdefghijklmnop".to_vec(),
            SkipReason::Fault(FaultReason::CorruptStream(Compression::Gzip)),
        ),
        (b"\x28\xb5\x2f\xfd".to_vec(), SkipReason::Fault(FaultReason::TruncatedStream(Compression::Zstd))),
    ];
    for (input, reason) in cases {
        let got = read(&input);
        let shown = String::from_utf8_lossy(&input).into_owned();
        assert_eq!(got.decoded.outcome, Outcome::Skipped(reason), "{shown}");
        assert_eq!((got.decoded.records, got.decoded.faults), (0, 0), "{shown}");
    }
}

/// Few faults of an input that is no log are none; when they are many, each counts.
#[test]
fn what_is_no_log_and_large_is_counted_whole() {
    for (count, faults) in [(100_000, 0), (100_001, 100_001), (250_000, 250_000)] {
        let got = read("{}".repeat(count));
        assert_eq!(got.decoded.outcome, Outcome::Skipped(SkipReason::NoRecords));
        assert_eq!((got.decoded.records, got.faults.len()), (0, faults));
        let offsets = got.faults.iter().map(|(offset, ..)| *offset);
        assert!(offsets.eq((0..faults as u64).map(|n| 2 * n)), "each once, in order");
    }
    // What is recognised late loses nothing either.
    let got = read(format!("{}{}", "{}".repeat(150_000), record(1)));
    assert_eq!((got.records.len(), got.faults.len()), (1, 150_000));
    assert!(matches!(got.decoded.outcome, Outcome::PartlyRead { offset: 0, .. }));
}

#[test]
fn empty_arrays_are_said_to_be_empty() {
    let got = read("[]");
    assert_eq!(got.decoded.notes.empty_arrays, 1);
    let got = read(format!("{}\n[]\n[ ]\n[{}]\n", record(1), record(2)));
    assert_eq!((got.records.len(), got.faults.len(), got.decoded.notes.empty_arrays), (2, 0, 2));
}

#[test]
fn a_log_without_records_is_read() {
    let control =
        r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE: a test"}]}"#;
    for (input, notes) in [(r#"{"Records":[]}"#, 0), (r#"{"Events":[]}"#, 0), (control, 1)] {
        let got = read(input);
        assert_eq!(got.decoded.outcome, Outcome::Read, "{input}");
        assert_eq!((got.decoded.records, got.decoded.faults), (0, 0), "{input}");
        assert_eq!(got.decoded.notes.control_messages, notes);
    }
}

/// Records 1 and 3 are good, what stands between them is not: the good ones count, the fault has its place.
#[test]
fn a_fault_costs_itself_and_nothing_else() {
    use FaultReason::*;
    let (a, c) = (record(1), record(3));
    let deep = format!(r#"{{"eventID":"2","x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let long = format!(r#"{{"eventID":"2","x":"{}"}}"#, "x".repeat(2000));
    let limits = Limits { record_bytes: 1000, ..Limits::default() };
    let middles: Vec<(Vec<u8>, FaultReason)> = vec![
        (br#"{"eventID":"2","x":}"#.to_vec(), InvalidJson),
        (br#"{"eventVersion":"1.08","userIdentity":{},"x":tru}"#.to_vec(), InvalidJson),
        (br#"{"eventVersion":"1.08","userIdentity":{},"x":[1}}"#.to_vec(), InvalidJson),
        (br#"{"eventID":"2" "eventName":"x"}"#.to_vec(), InvalidJson),
        (b"{\"eventID\":\"2\x01\"}".to_vec(), InvalidJson),
        (b"{\"eventID\":\"2\xff\"}".to_vec(), InvalidUtf8),
        (br#"{"foo":"bar"}"#.to_vec(), NotARecord),
        (br#"{"detail":{"foo":"bar"}}"#.to_vec(), NotARecord),
        (b"17".to_vec(), NotAnObject),
        (br#""text""#.to_vec(), NotAnObject),
        (b"-1.5e3".to_vec(), NotAnObject),
        (b"[[]]".to_vec(), NotAnObject),
        (format!("[{}{}]", "[".repeat(200), "]".repeat(200)).into_bytes(), NestedTooDeep { limit: 120 }),
        (
            format!(r#"{{"x":{}{}}}"#, "[".repeat(200), "]".repeat(200)).into_bytes(),
            NestedTooDeep { limit: 120 },
        ),
        (b"null".to_vec(), NotAnObject),
        (deep.into_bytes(), NestedTooDeep { limit: 120 }),
        (long.into_bytes(), TooLong { limit: 1000 }),
        // Brackets that do not balance, so that the next record must be searched for.
        (br#"{"eventVersion":"1.08","userIdentity":{"type":"Root","x":1}"#.to_vec(), InvalidJson),
        (br#"{"eventID":"2","x":{"y":1}"#.to_vec(), InvalidJson),
        (br#"{"eventID":"2","x":["y"}"#.to_vec(), InvalidJson),
        (br#"}"#.to_vec(), InvalidJson),
        (br#"]}"#.to_vec(), InvalidJson),
    ];
    for (middle, reason) in middles {
        for (before, between, after) in [("{\"Records\":[", ",", "]}"), ("[", ",", "]"), ("", "\n", "\n")] {
            let shown = format!("{before}…{between}{}{between}…{after}", String::from_utf8_lossy(&middle));
            if middle == b"]}" && !before.is_empty() {
                continue;
            }
            let input = [
                before.as_bytes(),
                a.as_bytes(),
                between.as_bytes(),
                &middle,
                between.as_bytes(),
                c.as_bytes(),
                after.as_bytes(),
            ]
            .concat();
            let got = read_with(&limits, &input);
            let records: Vec<_> = got.records.iter().map(|(_, text, _)| text).collect();
            assert_eq!(records, [&a, &c], "{shown}");
            let [(offset, why, bytes)] = &got.faults[..] else { panic!("{shown} {:?}", got.faults) };
            // Between lines, the rest of a torn wrapper is a line of its own and may say so in other words.
            if !before.is_empty() || matches!(reason, NotAnObject | NestedTooDeep { .. }) {
                assert_eq!(why, &reason, "{shown}");
            }
            let at = *offset as usize;
            assert_eq!(&input[at..at + bytes.len()], &bytes[..], "{shown}");
            let place = before.len() + a.len() + between.len();
            assert!((place..place + middle.len()).contains(&at), "{shown} {at}");
            assert_eq!(got.decoded.outcome, Outcome::PartlyRead { offset: *offset, reason: why.clone() });
        }
    }
}

#[test]
fn a_missing_quote_costs_its_record_and_the_search_finds_the_next() {
    let bad = r#"{"eventVersion":"1.08","userIdentity":{"type":"Root},"eventID":"2"}"#;
    let records: Vec<_> = (0..5).map(record).collect();
    let input = format!(r#"{{"Records":[{},{bad},{}]}}"#, records[0], records[1..].join(","));
    let got = read(input);
    let texts: Vec<_> = got.records.into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(texts, records);
    assert_eq!(got.faults.len(), 1);
}

#[test]
fn a_cut_gives_the_records_before_it_and_one_fault() {
    let records: Vec<_> = (0..3).map(record).collect();
    for input in [format!(r#"{{"Records":[{}]}}"#, records.join(",")), format!("[{}]", records.join(", "))] {
        for cut in input.find(':').unwrap() + 30..input.len() {
            let whole = records.iter().filter(|record| input[..cut].contains(*record)).count();
            let got = read(&input[..cut]);
            assert_eq!(got.records.len(), whole, "{}", &input[..cut]);
            let [(_, FaultReason::Truncated, _)] = &got.faults[..] else { panic!("{cut} {:?}", got.faults) };
        }
    }
    let lines = records.join("\n");
    for cut in records[0].len() + 1..lines.len() {
        let got = read(&lines[..cut]);
        let whole = records.iter().filter(|record| lines[..cut].contains(*record)).count();
        let rest = lines[..cut].len() > records[..whole].join("\n").len() + 1;
        assert_eq!((got.records.len(), got.faults.len()), (whole, usize::from(rest)), "{}", &lines[..cut]);
    }
}

#[test]
fn a_cut_or_damaged_stream_gives_what_came_before_and_one_fault() {
    let text: String = (0..3000).map(|n| record(n) + "\n").collect();
    for (packed, compression) in
        [(gzip(text.as_bytes()), Compression::Gzip), (zstd(text.as_bytes()), Compression::Zstd)]
    {
        for part in [2, 3, 4, 5] {
            let cut = packed.len() * (part - 1) / part;
            let got = read(&packed[..cut]);
            assert!(!got.records.is_empty(), "{compression} {part}");
            assert!(got.records.iter().zip(text.lines()).all(|(got, line)| got.1 == line));
            let [(offset, reason, _)] = &got.faults[..] else { panic!("{:?}", got.faults) };
            assert_eq!(*reason, FaultReason::TruncatedStream(compression));
            assert!(*offset <= got.decoded.bytes_decompressed);
        }
        let got = read(&packed[..packed.len() - 1]);
        let [(_, FaultReason::TruncatedStream(_), _)] = &got.faults[..] else { panic!("{:?}", got.faults) };
    }
    let mut damaged = gzip(text.as_bytes());
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40].fill(0xff);
    let got = read(&damaged);
    assert!(got.records.len() > 500, "{}", got.records.len());
    assert!(got.faults.iter().any(|(_, reason, _)| *reason == FaultReason::CorruptStream(Compression::Gzip)));

    let mut wrong_sum = gzip(text.as_bytes());
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let got = read(&wrong_sum);
    assert_eq!(got.records.len(), 3000);
    let end = text.len() as u64;
    assert_eq!(got.faults, [(end, FaultReason::CorruptStream(Compression::Gzip), vec![])]);

    let got = read([gzip(text.as_bytes()), b"garbage".to_vec()].concat());
    assert_eq!(got.records.len(), 3000);
    assert_eq!(got.faults, [(end, FaultReason::TrailingBytes(Compression::Gzip), vec![])]);
}

#[test]
fn caps_are_reported() {
    let text: String = (0..100).map(|n| record(n) + "\n").collect();
    let cap = 10_000;
    let limits = Limits { decompressed_bytes: cap, ..Limits::default() };
    let over = FaultReason::OverSize { limit: cap };
    for input in [text.clone().into_bytes(), gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let got = read_with(&limits, &input);
        assert_eq!(got.records.len(), text[..cap].lines().count() - 1);
        let [(_, reason, _)] = &got.faults[..] else { panic!("{:?}", got.faults) };
        assert_eq!(*reason, over);
    }
    let exact = Limits { decompressed_bytes: text.len(), ..Limits::default() };
    for input in [text.clone().into_bytes(), gzip(text.as_bytes()), zstd(text.as_bytes())] {
        assert_eq!(read_with(&exact, &input).decoded.outcome, Outcome::Read);
    }
    let bomb = gzip(&vec![b' '; 4 << 20]);
    assert_eq!(read_with(&limits, &bomb).decoded.outcome, Outcome::Skipped(SkipReason::Fault(over)));
    let often = gzip(&gzip(&gzip(&gzip(text.as_bytes()))));
    let reason = FaultReason::CompressedTooOften { limit: 3 };
    assert_eq!(read(often).decoded.outcome, Outcome::Skipped(SkipReason::Fault(reason)));
    let wrapped = format!("{}{}{}", r#"{"Records":["#.repeat(50), record(1), "]}".repeat(50));
    let got = read(wrapped);
    assert_eq!(got.records[0].1, record(1));
    assert_eq!(got.faults[0].1, FaultReason::NotARecord);
}

#[test]
fn mixed_inputs_are_read_whole() {
    let input = format!(
        "{}\n{{\"Records\":[{},{}]}}\n{}\n{}\n{{\"x\":1}}\n{}\n",
        record(1),
        sorted_record(2),
        r#"{"digestS3Object":"x"}"#,
        ecs_document(4),
        r#"{"insightDetails":{}}"#,
        format_args!(r#"{{"eventID":"a","eventID":"b","x":{{"Records":[1]}}}}"#),
    );
    let got = read(input);
    use RecordKind::*;
    let kinds: Vec<_> = got.records.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, [CloudTrail, CloudTrail, CloudTrailDigest, Ecs, CloudTrailInsight, CloudTrail]);
    assert_eq!(got.faults.len(), 1);
    assert_eq!(got.faults[0].1, FaultReason::NotARecord);
}

#[test]
fn the_cap_on_depth_is_exact_in_either_order_of_keys() {
    for start in [r#"{"eventVersion":"1.08","userIdentity":{},"#, r#"{"eventID":"1","#] {
        for (depth, whole) in [(120, true), (121, false)] {
            let input = format!("{start}\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
            assert_eq!(read(input).decoded.outcome == Outcome::Read, whole, "{start} {depth}");
        }
    }
}

#[test]
fn records_in_a_wrapper_that_we_do_not_know_are_found() {
    let got = read(format!(r#"{{"data":{{"items":[{},{}]}}}}"#, record(1), sorted_record(2)));
    let texts: Vec<_> = got.records.iter().map(|(_, text, _)| text.clone()).collect();
    assert_eq!(texts, [record(1), sorted_record(2)]);
    assert!(matches!(
        got.decoded.outcome,
        Outcome::PartlyRead { offset: 0, reason: FaultReason::NotARecord }
    ));
}

#[test]
fn the_outline_check_leaves_grammar_to_the_reader() {
    let input = format!(r#"[{},{{"eventID":"2","x":[tru]}}]"#, record(1));
    let limits = Limits { check: ingest::decode::Check::Outline, ..Limits::default() };
    assert_eq!(read_with(&limits, input.as_bytes()).records.len(), 2);
    assert_eq!(read(input).records.len(), 1);
}
