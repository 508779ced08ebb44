//! Reads any bytes as a bulk request; every action is an event, a duplicate or a drop, and is answered.

#![no_main]

use ecs::DataStream;
use ingest::source::elasticsearch_bulk::{BulkRequest, read_bulk};
use ingest::source::http_events::body_limits;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let (fallback, limits) = (DataStream::logs("generic"), body_limits(1 << 20));
    let request = BulkRequest { name: "bulk", index: None, fallback: &fallback, limits: &limits };
    match read_bulk(body, &request, &mut ingest::Buffers::new()) {
        Ok(bulk) => {
            let counts = &bulk.account.counts;
            assert!(counts.balanced());
            assert_eq!(counts.records_in, bulk.items.len() as u64);
            assert_eq!(counts.events, bulk.events.len() as u64);
            assert_eq!(counts.dropped(), bulk.faults.len() as u64);
            assert_eq!(bulk.answer(0).body["items"].as_array().map(Vec::len), Some(bulk.items.len()));
        }
        Err(malformed) => assert!(matches!(malformed.answer().status, 400 | 413)),
    }
});
