//! What holds of a lake on every store: a folder, a bucket in memory, and S3 as `moto` plays it.
//!
//! The last runs with `--features s3` and `moto_server` (PyPI, `moto[server]`) on the path or named by `MOTO_SERVER`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::path::Path;
use std::sync::Arc;

use bartizan_lake::{Lake, ScanRequest, Settings, Snapshot, Store};
use ecs::TimeRange;
use jiff::SignedDuration;
use object_store::memory::InMemory;
use sample::{at, event, everything, ids, ids_of, once, small, stream};

/// Everything that a store must give. `prefix` keeps runs on one bucket apart.
fn conforms(store: &(dyn Fn() -> Store + Sync)) {
    let logs = tempfile::tempdir().unwrap();
    let settings = Settings {
        retention: Some(SignedDuration::from_hours(1)),
        grace: SignedDuration::from_secs(60),
        ..small()
    };
    let open = |log: &str| Lake::open(store(), &logs.path().join(log), settings.clone()).unwrap();
    let hour = 3_600_000;

    // Empty; then in memory; then in files; then both.
    let lake = open("a");
    assert!(lake.snapshot().unwrap().info().is_empty());
    assert_eq!(lake.flush().unwrap().files, 0);
    lake.append(&stream(), (0..10).map(event).collect(), at(0)).unwrap();
    assert_eq!(lake.flush().unwrap().files, 1);
    lake.append(&stream(), (5..20).map(event).collect(), at(0)).unwrap();
    assert_eq!(ids(&lake.snapshot().unwrap()), once(0..20));

    // Others read what is flushed; with the log, what is acknowledged.
    assert_eq!(ids(&Snapshot::read(store(), None, &settings).unwrap()), once(0..10));
    let log = logs.path().join("a");
    assert_eq!(ids(&Snapshot::read(store(), Some(&log), &settings).unwrap()), once(0..20));

    // A second writer, at the same time: conflicts are found and resolved.
    let other = open("b");
    other.append(&stream(), (15..30).map(event).collect(), at(1)).unwrap();
    other.flush().unwrap();
    lake.flush().unwrap();
    assert_eq!(ids(&lake.snapshot().unwrap()), once(0..30));
    other.refresh().unwrap();
    assert_eq!(ids(&other.snapshot().unwrap()), once(0..30));

    // Opened again, nothing is lost; pruned by time; compacted while a reader holds on.
    drop(lake);
    let lake = open("a");
    let before = lake.snapshot().unwrap();
    let request =
        ScanRequest { time: TimeRange { from: Some(at(25_000)), to: Some(at(28_000)) }, ..everything() };
    let mut scan = before.documents(&request);
    assert_eq!(scan.by_ref().count(), 3);
    assert_eq!(scan.account().files_opened, 1);
    assert_eq!(lake.compact(at(0)).unwrap().replaced, 3);
    assert_eq!(ids_of(&before, &everything()), once(0..30));
    assert_eq!(ids(&lake.snapshot().unwrap()), once(0..30));
    assert_eq!(lake.retain(at(59_000)).unwrap().deleted, 0);
    assert_eq!(lake.retain(at(60_000)).unwrap().deleted, 3);
    // A writer that does not know of the deletion looks again.
    assert_eq!(other.append(&stream(), vec![event(3)], at(60_000)).unwrap().duplicates, 1);

    // Retention.
    lake.append(&stream(), vec![event(50)], at(hour)).unwrap();
    lake.flush().unwrap();
    assert_eq!(lake.retain(at(hour + 2)).unwrap().events, 30);
    assert_eq!(ids(&lake.snapshot().unwrap()), once([50]));

    // Many versions: old manifests go, and a writer far behind comes along.
    for number in 100..180 {
        lake.append(&stream(), vec![event(number)], at(hour)).unwrap();
        lake.flush().unwrap();
        if number % 10 == 0 {
            lake.compact(at(hour)).unwrap();
        }
    }
    other.append(&stream(), (95..105).map(event).collect(), at(hour)).unwrap();
    assert_eq!(other.flush().unwrap().duplicates, 5);
    assert_eq!(ids(&other.snapshot().unwrap()), once([50].into_iter().chain(95..180)));
    assert_eq!(ids(&Snapshot::read(store(), None, &settings).unwrap()).len(), 86);

    // Writers at once.
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let open = &open;
            scope.spawn(move || {
                let lake = open(&format!("race-{writer}"));
                for round in 0..5 {
                    let first = 1_000 + writer * 100 + round * 10;
                    let events = (first..first + 10).chain(2_000..2_010).map(event).collect();
                    lake.append(&stream(), events, at(hour)).unwrap();
                    lake.flush().unwrap();
                }
            });
        }
    });
    lake.refresh().unwrap();
    let raced = (0..3).flat_map(|writer| 1_000 + writer * 100..1_050 + writer * 100).chain(2_000..2_010);
    assert_eq!(ids(&lake.snapshot().unwrap()), once([50].into_iter().chain(95..180).chain(raced)));
}

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = folder.path();
    conforms(&|| Store::folder(path));
}

#[test]
fn a_bucket_in_memory() {
    let bucket = Arc::new(InMemory::new());
    conforms(&|| Store::bucket(bucket.clone(), "").unwrap());
    let bucket = Arc::new(InMemory::new());
    conforms(&|| Store::bucket(bucket.clone(), "some/prefix/").unwrap());
}

#[cfg(not(feature = "s3"))]
#[test]
fn s3_as_moto_plays_it() {
    println!("did not run: the lake was built without the feature s3");
}

#[cfg(feature = "s3")]
#[test]
fn s3_as_moto_plays_it() {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    let program = std::env::var("MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = Command::new(&program)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut server = match started {
        Ok(server) => server,
        Err(e) => {
            return println!("did not run: {program} cannot be started ({e}); pip install 'moto[server]'");
        }
    };
    let ready = (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        let request =
            "PUT /lake HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        connection.write_all(request.as_bytes()).is_ok()
            && connection.read_to_string(&mut answer).is_ok()
            && answer.contains(" 200 ")
    });
    let endpoint = format!("http://127.0.0.1:{port}");
    let ran = std::panic::catch_unwind(|| {
        assert!(ready, "moto does not answer");
        conforms(&|| {
            let settings = [
                ("aws_endpoint", &*endpoint),
                ("aws_region", "us-east-1"),
                ("aws_access_key_id", "test"),
                ("aws_secret_access_key", "test"),
                ("aws_allow_http", "true"),
            ];
            Store::s3("lake", "security", settings).unwrap()
        });
    });
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(ran.is_ok());
}
