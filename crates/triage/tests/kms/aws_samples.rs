//! AWS's sample records of KMS and real records, where they are at hand: `BARTIZAN_SHARED` names the folder with them.

use std::env;
use std::fs;
use std::path::Path;

use bartizan_triage::event::Event;
use bartizan_triage::kms::key_history::KeyHistory;
use bartizan_triage::kms::key_id::{KeyRef, keys_of};
use bartizan_triage::kms::key_use::KeyUseReader;
use bartizan_triage::place::Place;
use serde_json::Value;

use crate::made_log::time;
use crate::two_ways::{event, members_of, told};

/// Calls of the samples that are about no key.
const ABOUT_NO_KEY: [&str; 5] =
    ["CreateCustomKeyStore", "DeleteCustomKeyStore", "CreateVolume", "RunInstances", "ListAliases"];

#[test]
fn every_sample_names_its_keys() {
    let Ok(shared) = env::var("BARTIZAN_SHARED") else {
        eprintln!("did not run: BARTIZAN_SHARED does not name the folder of the samples");
        return;
    };
    let path = Path::new(&shared).join("data/detections/data/awsdocs_kms.ndjson");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("did not run: {} is missing", path.display());
        return;
    };
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 38);
    let mut history = KeyHistory::new();
    for record in &records {
        let event = Event::of_record(record.as_object().unwrap(), Place::Unknown).unwrap();
        let keys = keys_of(&event);
        let expected = match event.action.as_str() {
            "ReEncrypt" => 2,
            action if ABOUT_NO_KEY.contains(&action) => 0,
            _ => 1,
        };
        assert_eq!(keys.len(), expected, "{} of {}", event.action, event.time);
        // The ARN in `resources` is the key's whatever else the record says.
        let named = record["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|resource| resource["ARN"].as_str().unwrap());
        let named: Vec<&str> = named.filter(|arn| arn.contains(":key/")).collect();
        for (key, arn) in keys.iter().zip(named) {
            assert!(matches!(key, KeyRef::Key(key) if key.to_string() == arn), "{arn}: {key:?}");
        }
        history.observe(&event);
    }
    let reports = history.reports(time("2026-01-01T00:00:00Z"));
    let text = serde_json::to_string(&reports).unwrap();
    assert!(reports.len() >= 3 && text.contains("\"Deleted\""), "{text}");
    assert!(members_of(&records).1 > 10, "uses can be read the light way");
}

#[test]
fn real_records_give_the_same_history_both_ways() {
    let Ok(shared) = env::var("BARTIZAN_SHARED") else {
        eprintln!("did not run: BARTIZAN_SHARED does not name the folder of the records");
        return;
    };
    for name in ["invictus", "stratus", "awsdocs_kms"] {
        let path = Path::new(&shared).join(format!("data/detections/data/{name}.ndjson"));
        let Ok(text) = fs::read_to_string(&path) else {
            eprintln!("did not run: {} is missing", path.display());
            continue;
        };
        let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let records: Vec<Value> =
            records.into_iter().filter(|record| record["eventTime"].is_string()).collect();
        let (mut whole, mut light) = (KeyHistory::new(), KeyHistory::new());
        let of_kms: Vec<Value> =
            records.iter().filter(|record| record["eventSource"] == "kms.amazonaws.com").cloned().collect();
        for (row, record) in of_kms.iter().enumerate() {
            let event = event(row, record);
            whole.observe(&event);
            if !KeyUseReader::takes(&event.action) {
                light.observe(&event);
            }
        }
        let (batch, pushed) = members_of(&of_kms);
        light.take(&batch, |_| true);
        assert_eq!(told(&whole), told(&light), "{name}");
        let keys = whole.sorted().keys().count();
        eprintln!("{name}: {} records of KMS, {pushed} the light way, {keys} keys", of_kms.len());
    }
}
