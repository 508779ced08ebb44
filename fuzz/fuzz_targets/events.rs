//! Reads any bytes as an input, to its events; every record is accounted for.

#![no_main]

use std::sync::LazyLock;

use ingest::enrich::Enrichment;
use ingest::source::Input;
use ingest::source::http_events::{body_limits, events_answer};
use ingest::{Buffers, EventContext, events_of};

static ENRICHMENT: LazyLock<Enrichment> = LazyLock::new(Enrichment::default);

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let input = Input { name: "body".to_owned(), bytes: body.to_vec(), modified: None };
    let limits = body_limits(1 << 20);
    let context = EventContext::new(jiff::Timestamp::UNIX_EPOCH, &ENRICHMENT, &limits);
    let decoded = events_of(&input, &context, &mut Buffers::new());
    let counts = &decoded.account.counts;
    assert!(counts.balanced());
    assert_eq!(counts.events, decoded.events.len() as u64);
    assert!(matches!(events_answer(&decoded.account).status, 200 | 400 | 413));
});
