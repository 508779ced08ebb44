//! A writer killed at random moments: what it had been told is durable is there afterwards, once.
//!
//! `LAKE_KILLS` says how often (10 when it is not set).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bartizan_lake::Settings;
use sample::{at, event, ids, open_with, small, stream};

const FOLDER: &str = "LAKE_CHILD_FOLDER";
/// Events of one append.
const BATCH: i64 = 5;

fn settings() -> Settings {
    Settings { compact_from_files: 3, ..small() }
}

/// Appends from the number that is next, each time with the last few delivered again, until it is killed.
#[test]
#[ignore = "the other test starts it in a process of its own"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let lake = open_with(Path::new(&folder), settings());
    let there = ids(&lake.snapshot().unwrap());
    let mut next = there.len() as i64;
    println!("opened {next} torn {}", lake.recovery().torn_bytes);
    let flusher = lake.clone();
    std::thread::spawn(move || {
        for round in 1.. {
            std::thread::sleep(Duration::from_millis(4));
            flusher.flush().unwrap();
            if round % 3 == 0 {
                flusher.compact(at(round * 1_000)).unwrap();
                // The grace passes quickly here.
                flusher.retain(at(round * 10_000_000)).unwrap();
            }
        }
    });
    loop {
        let events = ((next - 7).max(0)..next + BATCH).map(event).collect();
        let receipt = lake.append(&stream(), events, at(next)).unwrap();
        assert_eq!(receipt.appended, BATCH as u64);
        next += BATCH;
        println!("acknowledged {next}");
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kill_minus_nine() {
    let kills: u64 = std::env::var("LAKE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    // Moments spread over opening, appending and flushing; any sequence of numbers does.
    let mut random = 0x2545_f491_4f6c_dd1du64;
    for kill in 0..kills {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            let mut last = None;
            for line in output.lines().map_while(Result::ok) {
                if let Some(number) = line.strip_prefix("acknowledged ") {
                    last = number.parse::<i64>().ok().or(last);
                }
            }
            last
        });
        std::thread::sleep(Duration::from_millis(20 + random % 400));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(status.code().is_none(), "the child ended by itself: {status}");
        if let Some(last) = reader.join().unwrap() {
            assert!(last > acknowledged);
            acknowledged = last;
        }
        let lake = open_with(folder.path(), settings());
        let there = ids(&lake.snapshot().unwrap());
        // An append that was on its way may be there as well, whole.
        let count = there.len() as i64;
        assert!(
            count == acknowledged || count == acknowledged + BATCH,
            "kill {kill}: {count}, {acknowledged}"
        );
        let expected: BTreeMap<String, u64> = sample::once(0..count);
        assert_eq!(there, expected, "kill {kill}");
        acknowledged = count;
    }
    println!("{kills} kills, {acknowledged} events");
    assert!(acknowledged > 0);
}
