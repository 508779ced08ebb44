//! Two nodes on one database with a lake in a bucket: the active one is killed, the other takes over, and nothing is lost or
//! doubled.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::aws_emulator::AwsEmulator;
use crate::cloudtrail::{DELETED, DISABLED, event_id, kms_call, log_file, log_key};
use crate::node::{Node, wait_for};
use crate::postgres_server::PostgresServer;

/// Two nodes on one database, with logs and lake in one bucket. The first is the active one.
struct TwoNodes {
    first: Node,
    second: Node,
    aws: AwsEmulator,
    _postgres: PostgresServer,
}

impl TwoNodes {
    /// `None` where PostgreSQL or the emulator of AWS is not installed.
    fn start() -> Option<Self> {
        let postgres = PostgresServer::start()?;
        let aws = AwsEmulator::start()?;
        aws.make_bucket("events");
        let (mut first, mut second) =
            (Node::shared(&aws, &postgres.url()), Node::shared(&aws, &postgres.url()));
        first.start();
        first.wait_until_ready();
        wait_for("the lease", Duration::from_secs(20), || first.has_said("this is the active node"));
        second.start();
        second.wait_until_ready();
        Some(Self { first, second, aws, _postgres: postgres })
    }
}

#[test]
fn when_one_is_killed_the_other_takes_over() {
    let Some(TwoNodes { _postgres, aws, mut first, mut second }) = TwoNodes::start() else { return };

    // Both founding rules, over files that come one after the other; the kill hits somewhere between.
    let put = |number: u32| {
        let calls = ["DisableKey", "DeleteImportedKeyMaterial", "ListKeys"];
        let records: Vec<_> =
            (number * 3..).zip(calls).map(|(number, action)| kms_call(action, number)).collect();
        aws.put(&log_key(number), &log_file(&records));
    };
    for number in 0..6 {
        put(number);
        std::thread::sleep(Duration::from_millis(700));
    }
    wait_for("events", Duration::from_secs(30), || first.metric("bartizan_events_total") >= 3.0);
    assert!(!second.has_said("this is the active node"));
    put(6);
    first.kill();
    for number in 7..10 {
        put(number);
    }
    let taken =
        wait_for("the takeover", Duration::from_secs(90), || second.has_said("this is the active node"));
    println!("taken over {taken:?} after the kill");
    let all_found = || {
        let alerts = second.alerts();
        [DISABLED, DELETED].iter().all(|rule| alerts.get(*rule).is_some_and(|ids| ids.len() == 10))
    };
    let taken = wait_for("all alerts", Duration::from_secs(60), all_found);
    println!("all alerts {taken:?} after the takeover");

    // The one that was killed comes back with its log, stands by, and takes over again.
    first.start();
    first.wait_until_ready();
    put(10);
    wait_for("the next alerts", Duration::from_secs(40), || second.alerts()[DISABLED].len() == 11);
    let (status, _) = second.stop();
    assert_eq!(status.code(), Some(0));
    put(11);
    wait_for("the alerts after", Duration::from_secs(40), || first.alerts()[DELETED].len() == 12);
    std::thread::sleep(Duration::from_secs(12));
    let alerts = first.alerts();
    assert_eq!((alerts[DISABLED].len(), alerts[DELETED].len()), (12, 12));
    let (status, _) = first.stop();
    assert_eq!(status.code(), Some(0));

    let query = [
        "lake",
        "query",
        "SELECT \"event.id\" AS id FROM \"logs-aws.cloudtrail-default\"",
        "--language",
        "sql",
    ];
    let text = first
        .run(&[&query[..], &["--lake", "s3://events/lake", "--format", "ndjson", "--limit", "0"]].concat());
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: BTreeSet<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..36).map(event_id).collect());
    assert_eq!(rows.len(), 36, "an event is there twice");
    let info = first.run(&["lake", "info", "--lake", "s3://events/lake", "--format", "json"]);
    let info: Value = serde_json::from_str(&info).unwrap();
    let events = |stream: &Value| {
        (stream["data_stream"] == "logs-aws.cloudtrail-default").then(|| stream["events"].clone())
    };
    let streams = info["data_streams"].as_array().unwrap();
    assert_eq!(streams.iter().find_map(events), Some(36.into()));
}

/// A node that is frozen in the midst of its work, and goes on when another has long taken over, loses nothing and doubles
/// nothing.
#[test]
fn when_one_is_frozen_and_wakes_up_nothing_is_lost() {
    let Some(TwoNodes { _postgres, aws, mut first, mut second }) = TwoNodes::start() else { return };
    let mut number = 0;
    let mut put = || {
        let calls = ["DisableKey", "DeleteImportedKeyMaterial", "ListKeys"];
        let records: Vec<_> =
            (number * 3..).zip(calls).map(|(number, action)| kms_call(action, number)).collect();
        aws.put(&log_key(number), &log_file(&records));
        number += 1;
    };
    put();
    wait_for("events", Duration::from_secs(30), || first.metric("bartizan_events_total") >= 3.0);
    for _ in 0..5 {
        put();
    }
    std::thread::sleep(Duration::from_millis(300));
    first.signal("STOP");
    put();
    wait_for("the takeover", Duration::from_secs(90), || second.has_said("this is the active node"));
    put();
    let found = |node: &Node, count: usize| {
        let alerts = node.alerts();
        [DISABLED, DELETED].iter().all(|rule| alerts.get(*rule).is_some_and(|ids| ids.len() == count))
    };
    first.signal("CONT");
    // A message that the first had got before it was frozen comes back after a minute.
    wait_for("all alerts", Duration::from_secs(150), || found(&second, 8));
    // Whatever it held back comes in when it is the active one again, and nothing of it is told twice.
    let (status, _) = second.stop();
    assert_eq!(status.code(), Some(0));
    put();
    wait_for("the alerts after", Duration::from_secs(60), || found(&first, 9));
    std::thread::sleep(Duration::from_secs(12));
    assert!(found(&first, 9), "{:?}", first.alerts());
    let (status, _) = first.stop();
    assert_eq!(status.code(), Some(0));
    let info = first.run(&["lake", "info", "--lake", "s3://events/lake", "--format", "json"]);
    let info: Value = serde_json::from_str(&info).unwrap();
    let events = |stream: &Value| {
        (stream["data_stream"] == "logs-aws.cloudtrail-default").then(|| stream["events"].clone())
    };
    assert_eq!(info["data_streams"].as_array().unwrap().iter().find_map(events), Some(27.into()));
}
