//! Reads any bytes as an input; the account adds up, and every record is one JSON object that stands where it is said to.

#![no_main]

use ingest::{Buffers, Item, Limits, decode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
    let (mut records, mut faults) = (0, 0);
    let decoded = decode(bytes, &limits, &mut Buffers::new(), &mut |item| match item {
        Item::Record(record) => {
            records += 1;
            let value: serde_json::Value = serde_json::from_str(record.text).expect("a record is JSON");
            assert!(value.is_object(), "{}", record.text);
        }
        Item::Fault(_) => faults += 1,
    });
    assert_eq!((decoded.records, decoded.faults), (records, faults));
});
