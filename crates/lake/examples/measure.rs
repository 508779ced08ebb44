//! Measures a lake: `measure FOLDER [EVENTS]` appends, flushes, compacts and scans events of the size of CloudTrail's.

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use bartizan_lake::{Condition, Event, Lake, ScanRequest, Settings, Store};
use ecs::{DataStream, Document, IndexPatterns, TimeRange, Timestamp};
use serde_json::{Value, json};

/// Events of one append, as of one file that CloudTrail delivers.
const APPEND: usize = 500;
const START: i64 = 1_773_446_400_000;

fn event(number: usize) -> Event {
    let actions =
        ["DescribeInstances", "GetObject", "AssumeRole", "Decrypt", "GenerateDataKey", "ListBuckets"];
    let action =
        if number % 100_000 == 77 { "DeleteImportedKeyMaterial" } else { actions[number % actions.len()] };
    let user = format!("user-{}", number % 300);
    let time =
        Timestamp::from_millisecond(START + number as i64 * 40).map(|at| at.to_string()).unwrap_or_default();
    let address = format!("198.51.{}.{}", number / 256 % 256, number % 256);
    let raw = json!({
        "eventVersion": "1.11", "eventTime": time, "eventSource": "kms.amazonaws.com", "eventName": action,
        "awsRegion": "eu-central-1", "sourceIPAddress": address, "userAgent": "aws-cli/2.17.1 md/Botocore#1.34",
        "userIdentity": {"type": "AssumedRole", "arn": format!("arn:aws:sts::123456789012:assumed-role/role/{user}")},
        "requestParameters": {"keyId": format!("key-{}", number % 50)}, "eventID": format!("id-{number}"),
        "requestID": format!("request-{number}"), "readOnly": number.is_multiple_of(3), "recipientAccountId": "123456789012",
    });
    let document = json!({
        "@timestamp": time,
        "ecs": {"version": "8.17.0"},
        "event": {
            "action": action, "provider": "kms.amazonaws.com", "outcome": "success", "kind": "event",
            "category": ["iam"], "type": ["access"], "id": format!("id-{number}"), "dataset": "aws.cloudtrail",
            "module": "aws", "created": time,
        },
        "cloud": {"account": {"id": "123456789012"}, "region": "eu-central-1", "provider": "aws"},
        "source": {"ip": address, "address": address, "geo": {"country_iso_code": "DE"}},
        "user": {"name": user, "id": format!("AROA{}", number % 300)},
        "user_agent": {"original": "aws-cli/2.17.1 md/Botocore#1.34", "name": "aws-cli", "version": "2.17.1"},
        "related": {"user": [user], "ip": [address]},
        "data_stream": {"type": "logs", "dataset": "aws.cloudtrail", "namespace": "default"},
        "aws": {"cloudtrail": {
            "event_version": "1.11", "event_type": "AwsApiCall", "request_id": format!("request-{number}"),
            "recipient_account_id": "123456789012", "read_only": number.is_multiple_of(3), "management_event": true,
            "event_category": "Management",
            "user_identity": {"type": "AssumedRole", "arn": format!("arn:aws:sts::123456789012:assumed-role/role/{user}")},
            "flattened": {"request_parameters": {"keyId": format!("key-{}", number % 50)}},
        }},
        "tags": ["forwarded", "preserve_original_event"],
    });
    let Value::Object(map) = document else {
        return Event { id: String::new(), document: Document::new(), raw: None };
    };
    Event { id: format!("id-{number}"), document: Document::from_map(map), raw: Some(raw.to_string()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("measure FOLDER [EVENTS]")?);
    let count: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let stream = DataStream::logs("aws.cloudtrail");
    let settings = Settings { known_ids: 10_000_000, ..Settings::default() };
    let at = |number: usize| Timestamp::from_millisecond(START + number as i64 * 40 + 60_000);
    let timed = |what: &str, rows: usize, started: Instant| {
        let seconds = started.elapsed().as_secs_f64();
        println!("{what}: {seconds:.2} s, {:.0} events/s", rows as f64 / seconds);
    };

    let lake = Lake::open(Store::folder(&folder), &folder.join("log"), settings.clone())?;
    let (mut raw, mut waited, mut flushing) = (0, Vec::new(), 0.0);
    let started = Instant::now();
    let mut making = 0.0;
    for first in (0..count).step_by(APPEND) {
        let made = Instant::now();
        let events: Vec<Event> = (first..count.min(first + APPEND)).map(event).collect();
        raw += events.iter().filter_map(|event| Some(event.raw.as_ref()?.len())).sum::<usize>();
        making += made.elapsed().as_secs_f64();
        let one = Instant::now();
        lake.append(&stream, events, at(first)?)?;
        waited.push(one.elapsed().as_secs_f64() * 1e3);
        if lake.is_flush_due()? {
            let one = Instant::now();
            lake.flush()?;
            flushing += one.elapsed().as_secs_f64();
        }
    }
    lake.flush()?;
    let seconds = started.elapsed().as_secs_f64() - making;
    println!(
        "append and flush: {seconds:.2} s, {:.0} events/s, flush {flushing:.2} s of it",
        count as f64 / seconds
    );
    waited.sort_by(f64::total_cmp);
    println!(
        "one append of {APPEND}: median {:.1} ms, 99 % {:.1} ms",
        waited[waited.len() / 2],
        waited[waited.len() * 99 / 100]
    );
    let started = Instant::now();
    let compacted = lake.compact(at(count)?)?;
    timed(&format!("compact {} files to {}", compacted.replaced, compacted.files), count, started);
    let info = &lake.snapshot()?.info()[0];
    println!(
        "raw {raw} bytes, files {} bytes in {} files, {} columns",
        info.bytes,
        info.files,
        info.columns.len()
    );

    let everything = ScanRequest { streams: IndexPatterns::new(["logs-*"]), ..ScanRequest::default() };
    let snapshot = lake.snapshot()?;
    let scan = |what: &str, request: &ScanRequest| -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        let mut scan = snapshot.scan(request);
        let mut rows = 0;
        for batch in scan.by_ref() {
            rows += batch?.batch.num_rows();
        }
        timed(&format!("scan {what} ({rows} rows, {:?})", scan.account()), rows.max(1), started);
        Ok(())
    };
    scan("all columns", &everything)?;
    let eight = [
        "@timestamp",
        "_id",
        "event.action",
        "event.provider",
        "event.outcome",
        "user.name",
        "source.ip",
        "related.user",
    ];
    scan("8 columns", &ScanRequest { columns: Some(eight.map(str::to_owned).into()), ..everything.clone() })?;
    let time = TimeRange { from: Some(at(count / 2)?), to: Some(at(count / 2 + 9_000)?) };
    scan("6 minutes", &ScanRequest { time, ..everything.clone() })?;
    let condition =
        Condition::AnyOf { field: "event.action".to_owned(), values: vec!["DisableKey".to_owned()] };
    scan("an action that is nowhere", &ScanRequest { conditions: vec![condition], ..everything.clone() })?;
    let started = Instant::now();
    let found = snapshot.documents(&everything).count();
    timed("documents", found, started);
    let started = Instant::now();
    let receipt = lake.append(&stream, (0..count.min(50_000)).map(event).collect(), at(count)?)?;
    timed(&format!("delivered again, {} duplicates", receipt.duplicates), count.min(50_000), started);
    drop((snapshot, lake));
    let started = Instant::now();
    let lake = Lake::open(Store::folder(&folder), &folder.join("log"), settings)?;
    timed(&format!("open, {:?}", lake.recovery()), 1, started);
    Ok(())
}
