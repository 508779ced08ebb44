//! A process that is killed while it commits: every commit it has acknowledged is there, and each is whole.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bartizan_state::{
    AlertFilter, CursorMove, ExecutionCommit, ExecutionFilter, Lease, NotificationState, SqlStore, Store,
};

use crate::sample::{MINUTE, alert, at, commit, execution, notification, rule, someone};

const FILE: &str = "BARTIZAN_STATE_CRASH_FILE";
const ROUNDS: u64 = 25;
const ALERTS: i64 = 4;

fn run_of(number: i64, lease: &Lease) -> ExecutionCommit {
    let mut run = commit(lease, execution(&format!("e{number:06}"), "r", number));
    run.alerts = (0..ALERTS).map(|part| alert(&format!("a{number}-{part}"), "r", number)).collect();
    run.notifications = vec![notification(&format!("n{number}"), Some(&format!("a{number}-0")))];
    run.cursor = Some(CursorMove { expected: (number > 1).then(|| at(number - 1)), to: at(number) });
    run.rule_state = Some(number.to_string().into_bytes());
    run
}

/// The child: commits one after the other, and says each number once the store has acknowledged it. Does nothing unless a
/// parent has named a file.
#[test]
fn commits_until_it_is_killed() {
    let Some(file) = std::env::var_os(FILE) else { return };
    crate::run(async {
        let store: Arc<dyn Store> = Arc::new(SqlStore::open_sqlite(Path::new(&file)).await.unwrap());
        let lease = store.acquire_lease("scheduler", "child", MINUTE, at(0)).await.unwrap().unwrap();
        let done = store.cursor("r").await.unwrap().and_then(|cursor| cursor.tick);
        let first = done.map_or(1, |tick| tick.as_second() - at(0).as_second() + 1);
        for number in first.. {
            let outcome = store.commit_execution(&run_of(number, &lease), at(number)).await.unwrap();
            assert_eq!((outcome.new_alerts.len() as i64, outcome.repeated), (ALERTS, false));
            store.put_rule(rule("r", &number.to_string()), &someone(), at(number)).await.unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "\nacknowledged {number}").unwrap();
            out.flush().unwrap();
        }
    });
}

#[test]
fn every_acknowledged_commit_survives_a_kill_and_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        acknowledged = acknowledged.max(commit_and_kill(&file, Duration::from_millis(3 + (round * 7) % 61)));
        let done = crate::run(check(&file, acknowledged));
        assert!(done == acknowledged || done == acknowledged + 1, "{done} of {acknowledged} acknowledged");
    }
    assert!(acknowledged > ROUNDS as i64, "the child did commit: {acknowledged}");
}

/// Lets a child commit for so long after its first acknowledgement, kills it (SIGKILL), and says what it acknowledged last.
fn commit_and_kill(file: &Path, after: Duration) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::commits_until_it_is_killed", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let number =
        |line: String| line.strip_prefix("acknowledged ").and_then(|number| number.parse::<i64>().ok());
    let mut last = loop {
        let line = lines.next().expect("the child ended by itself").unwrap();
        if let Some(number) = number(line) {
            break number;
        }
    };
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines {
        last = line.ok().and_then(number).unwrap_or(last);
    }
    last
}

/// Holds the file against what was acknowledged; says up to where it goes.
async fn check(file: &Path, acknowledged: i64) -> i64 {
    let store: Arc<dyn Store> = Arc::new(SqlStore::open_sqlite(file).await.unwrap());
    let cursor = store.cursor("r").await.unwrap().unwrap();
    let done = cursor.tick.unwrap().as_second() - at(0).as_second();
    assert_eq!(cursor.rule_state, Some(done.to_string().into_bytes()));
    let executions = store.executions(&ExecutionFilter::default(), None, 1_000_000).await.unwrap().items;
    let numbers: Vec<i64> =
        executions.iter().rev().map(|execution| execution.tick.as_second() - at(0).as_second()).collect();
    assert_eq!(numbers, (1..=done).collect::<Vec<_>>());
    assert!(done >= acknowledged);
    let alerts = store.alerts(&AlertFilter::default(), None, 1_000_000).await.unwrap().items;
    assert_eq!(alerts.len() as i64, done * ALERTS, "each commit is whole or not there");
    let pending = store.notifications(NotificationState::Pending, None, 1_000_000).await.unwrap().items;
    assert_eq!(pending.len() as i64, done);
    assert_eq!(store.verify_audit().await.unwrap(), None);

    // The scheduler that does not know whether its last commit was acknowledged repeats it.
    let stale = Lease { name: "scheduler".to_owned(), holder: "child".to_owned(), token: 1, expires: at(0) };
    assert!(store.commit_execution(&run_of(done, &stale), at(0)).await.unwrap().repeated);
    done
}
