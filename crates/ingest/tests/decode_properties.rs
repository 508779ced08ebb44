//! What holds of the decoder on any input whatever.

#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

use std::io::Write as _;

use bartizan_ingest as ingest;
use ingest::decode::{
    Check, Compression, Outcome, Shape, SkipReason, StreamBuffers, Streamed, decode_stream,
};
use ingest::{Buffers, Decoded, FaultReason, Item, Limits, RecordKind, decode};
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Record(RecordKind, String, u64),
    Fault(u64, FaultReason, Vec<u8>),
}

fn read_with(limits: &Limits, input: &[u8], buffers: &mut Buffers) -> (Vec<Seen>, Decoded) {
    let mut seen = Vec::new();
    let decoded = decode(input, limits, buffers, &mut |item| {
        seen.push(match item {
            Item::Record(record) => Seen::Record(record.kind, record.text.to_owned(), record.offset),
            Item::Fault(fault) => Seen::Fault(fault.offset, fault.reason, fault.bytes.to_owned()),
        });
    });
    (seen, decoded)
}

/// Hands out a few bytes at a time, and an error at the end if there is to be one.
struct Dripping<'a> {
    bytes: &'a [u8],
    fails: bool,
}

impl std::io::Read for Dripping<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        if self.bytes.is_empty() && self.fails {
            return Err(std::io::Error::other("gone"));
        }
        let length = self.bytes.len().min(to.len()).min(7);
        let (now, later) = self.bytes.split_at(length);
        to[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

fn stream_with(limits: &Limits, input: &[u8], fails: bool) -> (Vec<Seen>, Streamed) {
    let mut seen = Vec::new();
    let stream = Dripping { bytes: input, fails };
    let streamed = decode_stream(stream, limits, &mut StreamBuffers::default(), &mut |item| {
        seen.push(match item {
            Item::Record(record) => Seen::Record(record.kind, record.text.to_owned(), record.offset),
            Item::Fault(fault) => Seen::Fault(fault.offset, fault.reason, fault.bytes.to_owned()),
        });
    });
    (seen, streamed)
}

/// Everything that must hold, checked on one input.
fn check(input: &[u8], buffers: &mut Buffers) -> Vec<Seen> {
    let limits =
        Limits { decompressed_bytes: 1 << 20, record_bytes: 1 << 12, nesting_depth: 20, ..Limits::default() };
    let (seen, decoded) = read_with(&limits, input, buffers);
    let (again, decoded_again) = read_with(&limits, input, &mut Buffers::new());
    assert_eq!((&seen, &decoded), (&again, &decoded_again), "the same bytes, the same account");

    let (mut records, mut faults, mut last) = (0, 0, 0);
    for item in &seen {
        let offset = match item {
            Seen::Record(_, text, offset) => {
                records += 1;
                let value: Result<serde_json::Value, _> = serde_json::from_str(text);
                match value {
                    Ok(value) => assert!(value.is_object(), "{text}"),
                    // Grammar allows numbers that no 64 bits hold; that is for the reader to say.
                    Err(error) => {
                        assert!(error.to_string().contains("number out of range"), "{error}: {text}")
                    }
                }
                assert!(text.starts_with('{') && text.ends_with('}'));
                assert!(text.len() <= limits.record_bytes);
                *offset
            }
            Seen::Fault(offset, _, bytes) => {
                faults += 1;
                assert!(offset + bytes.len() as u64 <= decoded.bytes_decompressed * 2);
                *offset
            }
        };
        assert!(offset >= last, "in the order of the input: {seen:?}");
        last = offset;
    }
    assert_eq!((records, faults), (decoded.records, decoded.faults));
    match decoded.outcome {
        Outcome::Read => assert_eq!(faults, 0),
        Outcome::PartlyRead { offset, reason } => {
            let first = seen.iter().find_map(|item| match item {
                Seen::Fault(offset, reason, _) => Some((*offset, reason.clone())),
                Seen::Record(..) => None,
            });
            assert_eq!(first, Some((offset, reason)));
        }
        Outcome::Skipped(_) => assert_eq!((records, faults), (0, 0)),
    }
    seen
}

fn record(n: usize) -> String {
    match n % 3 {
        0 => format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::1:user/u"}},"eventName":"PutKeyPolicy","requestParameters":{{"policy":"{{\"Statement\":[{{\"Effect\":\"Allow\"}}]}}","n":[1,2.5e3,null,{{"a":true}}]}},"eventID":"{n}"}}"#
        ),
        1 => format!(
            r#"{{"eventVersion":"1.05","eventID":"{n}","resources":[{{"ARN":"x"}},{{"ARN":"y"}}],"x":"\ud83d\ude00\\"}}"#
        ),
        _ => format!(r#"{{"@timestamp":"2026-01-02T03:04:05Z","event":{{"id":"{n}"}},"tags":["a","b"]}}"#),
    }
}

fn files() -> impl Strategy<Value = Vec<u8>> {
    let string = |text: &str| serde_json::to_string(text).unwrap_or_default();
    (0usize..8, 1usize..6, 0u8..4).prop_map(move |(shape, count, packing)| {
        let records: Vec<_> = (0..count).map(record).collect();
        let strings = |key: &str| -> Vec<_> {
            records.iter().map(|record| format!(r#"{{"id":1,"{key}":{}}}"#, string(record))).collect()
        };
        let wrapped =
            |key: &str| -> Vec<_> { records.iter().map(|r| format!(r#"{{"id":1,"{key}":{r}}}"#)).collect() };
        let text = match shape {
            0 => format!(r#"{{"Records":[{}]}}"#, records.join(",")),
            1 => format!("[{}]", records.join(" , ")),
            2 => records.join("\n"),
            3 => format!(r#"{{"Events":[{}]}}"#, strings("CloudTrailEvent").join(",")),
            4 => wrapped("detail").join("\n"),
            5 => {
                format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{}]}}"#, strings("message").join(","))
            }
            6 => format!(r#"{{"hits":{{"hits":[{}]}}}}"#, wrapped("_source").join(",")),
            _ => format!("2026-01-02T03:04:05Z {}", records.join("\n2026-01-02T03:04:05Z ")),
        };
        match packing {
            0 | 1 => text.into_bytes(),
            2 => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            _ => zstd::stream::encode_all(text.as_bytes(), 1).unwrap(),
        }
    })
}

#[derive(Debug, Clone)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Cut(Index),
    Repeat(Index, usize),
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let grammar = prop::sample::select(br#"{}[]":,\u0n"#.to_vec());
    let byte = prop_oneof![grammar, any::<u8>()];
    let one = prop_oneof![
        4 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        3 => (any::<Index>(), prop::collection::vec(byte, 1..4)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        3 => (any::<Index>(), 1usize..40).prop_map(|(at, length)| Mutation::Remove(at, length)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => (any::<Index>(), 1usize..200).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ];
    prop::collection::vec(one, 1..5)
}

fn mutate(bytes: &mut Vec<u8>, mutations: &[Mutation]) {
    for mutation in mutations {
        if bytes.is_empty() {
            return;
        }
        match mutation {
            Mutation::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Mutation::Insert(at, new) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
            Mutation::Remove(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Mutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Mutation::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let again = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
}

/// `PROPTEST_CASES` sets how many, thrice.
fn config() -> ProptestConfig {
    let standard = ProptestConfig::default();
    ProptestConfig { cases: standard.cases.saturating_mul(3), failure_persistence: None, ..standard }
}

/// Lines of every kind that may meet in one input, good and bad.
fn line() -> impl Strategy<Value = String> {
    let string = |text: &str| serde_json::to_string(text).unwrap_or_default();
    prop_oneof![
        6 => (0usize..9).prop_map(record),
        2 => (0usize..9).prop_map(|n| format!(r#"{{"id":1,"detail-type":"x","detail":{}}}"#, record(n))),
        2 => (0usize..9).prop_map(|n| format!("2026-01-02T03:04:05Z {}", record(n))),
        1 => (0usize..9).prop_map(|n| format!(r#"{{"Records":[{},{{"x":1}},{}]}}"#, record(n), record(n + 1))),
        1 => (0usize..9).prop_map(move |n| format!(r#"{{"Events":[{{"CloudTrailEvent":{}}}]}}"#, string(&record(n)))),
        1 => (0usize..9, any::<Index>()).prop_map(|(n, at)| {
            let text = record(n);
            text[..at.index(text.len())].to_owned()
        }),
        2 => prop::sample::select(vec![
            "", " ", "null", "42", "\"str\"", "[]", "[1]", "{}", "x", "{", "}", "]", "\"", "{\"eventID\":\"\\ud800\"}", "\r",
        ]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_gives_what_its_bytes_give(
        lines in prop::collection::vec(line(), 0..12),
        starts_well in prop::bool::weighted(0.8),
        ends in prop::bool::ANY,
        mutations in prop::option::of(mutations()),
        chunk_bytes in prop_oneof![1usize..40, 40usize..3000],
        check in prop::sample::select(vec![Check::Whole, Check::Outline]),
    ) {
        let mut text = lines.join("\n").into_bytes();
        if let Some(mutations) = mutations {
            mutate(&mut text, &mutations);
        }
        if starts_well {
            text = [record(0).as_bytes(), b"\n", &text].concat();
        }
        if ends {
            text.push(b'\n');
        }
        let limits = Limits { chunk_bytes, check, record_bytes: 1 << 10, nesting_depth: 20, ..Limits::default() };
        let (whole, decoded) = read_with(&limits, &text, &mut Buffers::new());
        for fails in [false, true] {
            let (seen, streamed) = stream_with(&limits, &text, fails);
            prop_assert_eq!(&seen, &whole);
            prop_assert_eq!(&streamed.decoded, &decoded);
            prop_assert_eq!(streamed.bytes_in, text.len() as u64);
            prop_assert_eq!(streamed.stopped.is_some(), fails);
        }
    }

    #[test]
    fn a_stream_of_any_file_gives_what_its_bytes_give(
        file in files(),
        mutations in prop::option::of(mutations()),
        chunk_bytes in 1usize..2000,
    ) {
        let mut file = file;
        if let Some(mutations) = mutations {
            mutate(&mut file, &mutations);
        }
        let limits = Limits { chunk_bytes, decompressed_bytes: 1 << 20, ..Limits::default() };
        let (whole, decoded) = read_with(&limits, &file, &mut Buffers::new());
        let (seen, streamed) = stream_with(&limits, &file, false);
        prop_assert_eq!(seen, whole);
        prop_assert_eq!(streamed.decoded, decoded);
    }

    #[test]
    fn any_bytes(input in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&input, &mut Buffers::new());
    }

    #[test]
    fn any_compressed_bytes(mut input in prop::collection::vec(any::<u8>(), 12..300), zstd in any::<bool>()) {
        let magic: &[u8] = if zstd { b"\x28\xb5\x2f\xfd" } else { b"\x1f\x8b\x08\x00" };
        input[..4].copy_from_slice(magic);
        check(&input, &mut Buffers::new());
    }

    #[test]
    fn any_grammar(input in r#"([{}\[\]:, \n\\]|"|"eventID"|"eventVersion":"1"|"Records":\[|"hits":\{|"detail":\{|"message":"|1|true|\\ud800){0,60}"#) {
        check(input.as_bytes(), &mut Buffers::new());
    }

    #[test]
    fn mutated_files(file in files(), mutations in mutations()) {
        let mut buffers = Buffers::new();
        let whole = check(&file, &mut buffers);
        prop_assert!(whole.iter().all(|item| matches!(item, Seen::Record(..))), "{:?}", whole);
        let mut file = file;
        mutate(&mut file, &mutations);
        check(&file, &mut buffers);
    }

    /// Damage inside one record costs that record at most: in a log file, an array and lines.
    #[test]
    fn damage_stays_where_it_is(
        shape in 0usize..3,
        victim in 0usize..5,
        mutations in mutations(),
    ) {
        let mut records: Vec<_> = (0..5).map(|n| record(n).into_bytes()).collect();
        mutate(&mut records[victim], &mutations);
        let (before, between, after) = [("{\"Records\":[", ",", "]}"), ("[", ",\n", "]"), ("", "\n", "\n")][shape];
        let file = [before.as_bytes(), &records.join(between.as_bytes()), after.as_bytes()].concat();
        let seen = check(&file, &mut Buffers::new());
        for n in (0..5).filter(|n| *n != victim) {
            let text = record(n);
            // Torn in the right place, a record is valid JSON that holds the next ones: then it says so itself.
            let found = seen.iter().any(|item| matches!(item, Seen::Record(_, found, _) if found.contains(&text)));
            prop_assert!(found, "record {} of {}\n{:#?}", n, String::from_utf8_lossy(&file), seen);
        }
    }

    #[test]
    fn a_cut_loses_only_what_is_cut(file in files(), at in any::<Index>()) {
        let mut buffers = Buffers::new();
        let whole = check(&file, &mut buffers);
        let cut = check(&file[..at.index(file.len())], &mut buffers);
        let faults = cut.iter().filter(|item| matches!(item, Seen::Fault(..))).count();
        let records: Vec<_> = cut.into_iter().filter(|item| matches!(item, Seen::Record(..))).collect();
        prop_assert_eq!(&records[..], &whole[..records.len()]);
        prop_assert!(faults <= 1);
    }
}

#[test]
fn an_input_full_of_faults_takes_linear_time() {
    let limits = Limits::default();
    let mut buffers = Buffers::new();
    for unit in [
        r#"{"eventVersion":1,"#,
        r#"{"a":[{"#,
        "[",
        r#"{"Records":["#,
        r#"{"@timestamp":"x","#,
        "}",
        "\"",
        "1,",
        "a\n{\"",
        "\\\"",
    ] {
        let input = ["[", &unit.repeat((1 << 20) / unit.len())].concat();
        let started = std::time::Instant::now();
        let (_, decoded) = read_with(&limits, input.as_bytes(), &mut buffers);
        assert!(!matches!(decoded.outcome, Outcome::Read | Outcome::Skipped(SkipReason::Empty)), "{unit}");
        // Quadratic work would take hours here.
        assert!(started.elapsed().as_secs() < 60, "{unit}: {:?}", started.elapsed());
    }
}

/// An endless supply of lines, so many bytes of them.
struct Lines {
    line: Vec<u8>,
    at: usize,
    left: usize,
}

impl std::io::Read for Lines {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.line[self.at..];
        let length = rest.len().min(to.len()).min(self.left);
        to[..length].copy_from_slice(&rest[..length]);
        self.at = (self.at + length) % self.line.len();
        self.left -= length;
        Ok(length)
    }
}

/// The cap is on what is held: lines are not, so that they may go on for ever.
#[test]
fn lines_are_read_beyond_the_cap_and_other_shapes_up_to_it() {
    let limits = Limits { decompressed_bytes: 10_000, chunk_bytes: 4_000, ..Limits::default() };
    let line = [record(0).as_bytes(), b"\n"].concat();
    let count = 5_000;
    let left = line.len() * count;
    let (mut next, mut last) = (0, 0);
    let length = line.len() as u64;
    let stream = Lines { line, at: 0, left };
    let streamed = decode_stream(stream, &limits, &mut StreamBuffers::default(), &mut |item| match item {
        Item::Record(record) => {
            assert_eq!(record.offset, next);
            next += length;
            last = record.offset;
        }
        Item::Fault(fault) => panic!("{fault:?}"),
    });
    assert_eq!(last, length * (count as u64 - 1));
    assert_eq!((streamed.decoded.records, streamed.bytes_in), (count as u64, left as u64));
    assert_eq!((streamed.decoded.shape, streamed.decoded.outcome), (Some(Shape::Lines), Outcome::Read));

    let over = FaultReason::OverSize { limit: 10_000 };
    let array = format!("[{}]", vec![record(0); 100].join(","));
    let zipped = zstd::stream::encode_all(vec![record(0); 100].join("\n").as_bytes(), 1).unwrap();
    for (input, compression) in [(array.into_bytes(), vec![]), (zipped, vec![Compression::Zstd])] {
        let (seen, streamed) = stream_with(&limits, &input, false);
        assert!(seen.len() > 10, "{}", seen.len());
        assert!(
            matches!(seen.last(), Some(Seen::Fault(_, reason, _)) if *reason == over),
            "{:?}",
            seen.last()
        );
        assert_eq!(streamed.decoded.compression, compression);
    }
}

#[test]
fn a_line_too_long_to_be_held_is_one_fault() {
    let limits = Limits { decompressed_bytes: 2_000, chunk_bytes: 700, ..Limits::default() };
    let good = record(0);
    for length in [1_000, 2_000, 2_001, 2_002, 5_000, 20_000] {
        for after in [format!("\n{good}\n"), format!("\n{good}"), String::new()] {
            let long = "x".repeat(length);
            let (seen, streamed) = stream_with(&limits, format!("{good}\n{long}{after}").as_bytes(), false);
            let place = good.len() as u64 + 1;
            let Seen::Fault(offset, reason, bytes) = &seen[1] else { panic!("{seen:?}") };
            assert_eq!(*offset, place);
            match length {
                2_002.. => {
                    assert_eq!(
                        (reason, bytes.len()),
                        (&FaultReason::TooLong { limit: 2_000 }, 0),
                        "{length}"
                    );
                }
                ..=2_000 => assert_eq!((reason, bytes.len()), (&FaultReason::InvalidJson, length)),
                _ => {}
            }
            if !after.is_empty() {
                let offset = place + length as u64 + 1;
                assert_eq!(seen[2], Seen::Record(RecordKind::CloudTrail, good.clone(), offset), "{length}");
            }
            assert_eq!(seen.len(), if after.is_empty() { 2 } else { 3 });
            assert_eq!(streamed.bytes_in, (good.len() + 1 + length + after.len()) as u64);
        }
    }
}
