//! Killed and stopped at random moments while files keep coming: nothing is lost, nothing is doubled.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::aws_emulator::AwsEmulator;
use crate::cloudtrail::{DELETED, DISABLED, event_id, kms_call, log_file, log_key};
use crate::node::{Node, wait_for};
use crate::webhook_sink::WebhookSink;

const CALLS: [&str; 5] = ["DisableKey", "ListKeys", "DeleteImportedKeyMaterial", "Encrypt", "DescribeKey"];

/// SplitMix64, by Sebastiano Vigna: enough to choose moments by a seed that can be given again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

/// `BARTIZAN_KILL_SEED` chooses the moments again that a failed run printed.
fn seed() -> u64 {
    let given = std::env::var("BARTIZAN_KILL_SEED").ok();
    let random = || std::hash::RandomState::new().build_hasher().finish();
    given.map_or_else(random, |text| text.parse().unwrap())
}

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// kill -9
    Killed,
    /// SIGTERM
    Stopped,
}

#[test]
fn fifty_kills_lose_and_double_nothing() {
    run(50, End::Killed, 5, Duration::ZERO);
}

#[test]
fn stops_lose_and_double_nothing() {
    run(6, End::Stopped, 1, Duration::ZERO);
}

/// With rules that run every second, kills hit executions; with a slow webhook, they hit messages that are being sent.
#[test]
#[ignore = "takes minutes: a message that was being sent is sent again two minutes later"]
fn two_hundred_kills_with_a_slow_webhook() {
    run(200, End::Killed, 1, Duration::from_millis(300));
}

fn run(ends: u32, by: End, interval: u32, webhook_delay: Duration) {
    let Some(aws) = AwsEmulator::start() else { return };
    let sink = WebhookSink::slow(webhook_delay);
    let mut node = Node::with_schedule(Some(&aws), interval);
    node.start();
    let usual = node.wait_until_ready();
    node.tell(&sink);
    node.kill();
    let seed = seed();
    println!("BARTIZAN_KILL_SEED={seed}, ready after {usual:?}");
    let mut random = Random(seed);
    let began = Instant::now();

    // Files come at their own pace, some of them told of twice.
    let (is_over, mut files) = (AtomicBool::new(false), 0);
    let (mut ready, mut slowest) = (0, Duration::ZERO);
    std::thread::scope(|threads| {
        let mut pace = Random(seed ^ 1);
        let feeder = threads.spawn({
            let (aws, is_over) = (&aws, &is_over);
            move || {
                let mut files = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let numbers = files * 5..;
                    let records: Vec<_> =
                        numbers.zip(CALLS).map(|(number, action)| kms_call(action, number)).collect();
                    aws.put(&log_key(files), &log_file(&records));
                    if files.is_multiple_of(5) {
                        aws.tell_again(&log_key(files));
                    }
                    files += 1;
                    std::thread::sleep(Duration::from_millis(500 + pace.below(1000)));
                }
                files
            }
        });
        for _ in 0..ends {
            let moment = Duration::from_millis(random.below(millis(usual) + 1500));
            node.start();
            std::thread::sleep(moment);
            if by == End::Stopped {
                node.wait_until_ready();
            }
            ready += u32::from(node.is_ready());
            match by {
                End::Killed => node.kill(),
                End::Stopped => slowest = slowest.max(stopped(&mut node)),
            }
        }
        is_over.store(true, Ordering::Relaxed);
        files = feeder.join().unwrap();
    });
    println!("{by:?} {ends} times in {:?}, {ready} of a ready server; {files} files", began.elapsed());
    if by == End::Stopped {
        println!("the slowest stop took {slowest:?}");
    }
    assert!(ready > ends / 10, "hardly a server was at work");

    node.start();
    node.wait_until_ready();
    let expected = usize::try_from(files).unwrap();
    let count = |node: &Node| node.alerts().values().map(Vec::len).sum::<usize>();
    let before = count(&node);
    let taken = wait_for("all alerts", Duration::from_secs(90), || {
        aws.messages() == 0 && count(&node) >= 2 * expected
    });
    println!("{before} alerts were there already; all of them {taken:?} after the last start");
    let delivered = |sink: &WebhookSink| {
        sink.received().into_iter().flat_map(|message| message.alerts).collect::<BTreeSet<String>>().len()
    };
    // A message that was being sent is claimed for two minutes.
    let taken = wait_for("all messages", Duration::from_secs(150), || delivered(&sink) >= 2 * expected);
    println!("all told {taken:?} later");
    std::thread::sleep(Duration::from_secs(8));

    let alerts = node.alerts();
    for name in [DISABLED, DELETED] {
        assert_eq!(alerts[name].len(), expected, "{name}");
    }
    let ids: BTreeSet<String> = alerts.into_values().flatten().collect();
    assert_eq!(ids.len(), 2 * expected);
    let mut deliveries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let received = sink.received();
    for message in &received {
        for alert in &message.alerts {
            deliveries.entry(alert.clone()).or_default().insert(message.delivery.clone());
        }
    }
    assert_eq!(deliveries.keys().cloned().collect::<BTreeSet<_>>(), ids);
    assert!(deliveries.values().all(|keys| keys.len() == 1), "{deliveries:#?}");
    println!("{} messages for {} alerts", received.len(), ids.len());
    let gaps = node.all("/api/v1/gaps");
    println!("{} gaps: {:?}", gaps.len(), gaps.iter().map(|gap| &gap["state"]).collect::<Vec<_>>());

    stopped(&mut node);
    let rows = node.sql(
        "SELECT \"event.id\" AS id, count(*) AS n FROM \"logs-aws.cloudtrail-default\" GROUP BY 1 ORDER BY 1",
    );
    let found: Vec<(String, u64)> =
        rows.iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap())).collect();
    let wanted: Vec<(String, u64)> = (0..files * 5).map(|number| (event_id(number), 1)).collect();
    assert_eq!(found, wanted);
    println!("{} events, each once; {:?} in all", found.len(), began.elapsed());
}

/// SIGTERM, which ends a server within seconds, and well.
#[track_caller]
fn stopped(node: &mut Node) -> Duration {
    let (status, taken) = node.stop();
    assert_eq!(status.code(), Some(0));
    assert!(taken < Duration::from_secs(12), "{taken:?}");
    taken
}
