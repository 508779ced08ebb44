//! Reads any records, one a line, as evidence, and any text as a guide: every key gets a report at every moment.

#![no_main]

use ecs::Timestamp;
use serde_json::{Map, Value};
use triage::event::Event;
use triage::evidence::Evidence;
use triage::investigate_query::queries_of;
use triage::place::Place;
use triage::question::read_question;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut evidence = Evidence::default();
    for line in text.lines() {
        let Ok(record) = serde_json::from_str::<Map<String, Value>>(line) else { continue };
        if let Some(event) = Event::of_record(&record, Place::Unknown) {
            evidence.observe(&event);
        }
    }
    for at in [Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let keys = evidence.keys.sorted();
        let coverage = evidence.coverage();
        for report in keys.reports(at) {
            for key in keys.find(&report.key, at) {
                let _ = (keys.blast_radius(&key, at, &coverage), keys.reimport(&key, None, at));
            }
        }
    }
    let _ = (queries_of(text), read_question(text));
});
