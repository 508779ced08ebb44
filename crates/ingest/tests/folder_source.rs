//! A watched folder delivers each state of each file once it is settled, and again until it is acknowledged.

#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bartizan_ingest::IngestError;
use bartizan_ingest::source::{Delivery, FolderSettings, FolderSource, LiveSource};
use ecs::Timestamp;

/// The time of the tests; files are dated relative to it.
const NOW: i64 = 1_770_000_000;

fn now(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn write(path: &Path, text: &str, seconds: i64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs((NOW + seconds).try_into().unwrap());
    File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(at)).unwrap();
}

fn watch(folder: &Path, checkpoint: Option<&[u8]>) -> FolderSource {
    FolderSource::new(FolderSettings::new("logs", vec![folder.to_owned()]), checkpoint).unwrap()
}

/// All that is there at a time, without acknowledging it.
fn all(source: &mut FolderSource, at: i64) -> Vec<Delivery> {
    std::iter::from_fn(|| run(source.next(now(at))).unwrap()).collect()
}

fn texts(deliveries: &[Delivery]) -> Vec<String> {
    let inputs = deliveries.iter().flat_map(|delivery| &delivery.inputs);
    inputs.map(|input| String::from_utf8(input.bytes.clone()).unwrap()).collect()
}

fn done(source: &mut FolderSource, deliveries: &[Delivery]) {
    for delivery in deliveries {
        run(source.done(delivery.receipt)).unwrap();
    }
}

#[test]
fn a_file_is_taken_when_nobody_writes_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2026/03/a.json");
    let mut source = watch(folder.path(), None);
    write(&path, "1", 0);
    assert_eq!(texts(&all(&mut source, 1)), [""; 0], "it was just written");
    write(&path, "12", 2);
    assert_eq!(texts(&all(&mut source, 3)), [""; 0], "it grows");
    let deliveries = all(&mut source, 4);
    assert_eq!(texts(&deliveries), ["12"]);
    let input = &deliveries[0].inputs[0];
    assert_eq!((input.name.as_str(), input.modified), (path.to_str().unwrap(), Some(now(2))));
    assert_eq!(texts(&all(&mut source, 5)), [""; 0], "it is under way");
    done(&mut source, &deliveries);
    assert_eq!(texts(&all(&mut source, 6)), [""; 0], "it is known");
}

#[test]
fn what_was_moved_in_is_taken_at_once_in_the_order_of_the_paths() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b", "a", "c/d"] {
        write(&folder.path().join(name), name, -11);
    }
    write(&folder.path().join("e"), "e", -9);
    let mut source = watch(folder.path(), None);
    assert_eq!(texts(&all(&mut source, 0)), ["a", "b", "c/d"]);
    assert_eq!(texts(&all(&mut source, 1)), ["e"]);
}

#[test]
fn a_changed_file_comes_again_and_a_failed_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, "1", -60);
    let mut source = watch(folder.path(), None);
    let first = all(&mut source, 0);
    write(&path, "12", -30);
    assert_eq!(texts(&all(&mut source, 1)), [""; 0], "one state of a file at a time");
    done(&mut source, &first);
    let second = all(&mut source, 2);
    assert_eq!(texts(&second), ["12"]);
    run(source.failed(second[0].receipt, "the disk is full")).unwrap();
    let third = all(&mut source, 3);
    assert_eq!(texts(&third), ["12"]);
    done(&mut source, &third);
    // A receipt that is not under way changes nothing.
    run(source.failed(third[0].receipt, "late")).unwrap();
    assert_eq!(texts(&all(&mut source, 4)), [""; 0]);
    // Same size, other time.
    write(&path, "21", -20);
    assert_eq!(texts(&all(&mut source, 5)), ["21"]);
}

#[test]
fn a_restart_continues_behind_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        write(&folder.path().join(name), name, -60);
    }
    let mut source = watch(folder.path(), None);
    let deliveries = all(&mut source, 0);
    done(&mut source, &deliveries[..2]);
    let checkpoint = source.checkpoint().unwrap();
    write(&folder.path().join("a"), "A", -50);
    fs::remove_file(folder.path().join("b")).unwrap();
    let mut source = watch(folder.path(), Some(&checkpoint));
    assert_eq!(texts(&all(&mut source, 0)), ["A", "c"]);
    // A file that is gone is forgotten: the checkpoint does not grow for ever.
    assert!(!String::from_utf8(source.checkpoint().unwrap()).unwrap().contains("/b\""));
}

#[test]
fn a_checkpoint_of_something_else_is_an_error() {
    for bytes in [&b"not JSON"[..], br#"{"version":2,"files":[]}"#, b"{}"] {
        let error = FolderSource::new(FolderSettings::new("logs", Vec::new()), Some(bytes)).unwrap_err();
        assert!(matches!(error, IngestError::Checkpoint { .. }), "{error}");
    }
}

#[test]
fn a_folder_that_is_gone_is_an_error_and_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs");
    write(&path.join("a"), "a", -60);
    let mut source = watch(&path, None);
    let deliveries = all(&mut source, 0);
    done(&mut source, &deliveries);
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    assert!(matches!(run(source.next(now(1))), Err(IngestError::NoSuchPath { .. })));
    fs::rename(&away, &path).unwrap();
    assert_eq!(texts(&all(&mut source, 2)), [""; 0]);
}

#[test]
fn what_is_too_large_is_skipped_once_and_again_when_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, "123456", -60);
    let settings = FolderSettings { most_bytes: 5, ..FolderSettings::new("logs", vec![path.clone()]) };
    let mut source = FolderSource::new(settings, None).unwrap();
    let skipped = all(&mut source, 0);
    let [delivery] = &skipped[..] else { panic!("{skipped:?}") };
    assert_eq!(delivery.inputs, []);
    assert_eq!(delivery.skipped.len(), 1);
    assert_eq!(delivery.skipped[0].name, path.to_str().unwrap());
    done(&mut source, &skipped);
    assert_eq!(all(&mut source, 1), []);
    write(&path, "12345", -50);
    assert_eq!(texts(&all(&mut source, 2)), ["12345"]);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_said_once_and_again_when_that_was_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.path().join("nowhere"), folder.path().join("dangling")).unwrap();
    let mut source = watch(folder.path(), None);
    let first = all(&mut source, 0);
    assert_eq!(first.iter().map(|delivery| delivery.skipped.len()).sum::<usize>(), 1);
    run(source.failed(first[0].receipt, "the disk is full")).unwrap();
    let second = all(&mut source, 1);
    assert_eq!(second.iter().map(|delivery| delivery.skipped.len()).sum::<usize>(), 1);
    done(&mut source, &second);
    assert_eq!(all(&mut source, 2), []);
}

#[test]
fn a_file_of_the_future_is_taken_when_it_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a"), "a", 3600);
    let mut source = watch(folder.path(), None);
    assert_eq!(texts(&all(&mut source, 0)), [""; 0]);
    assert_eq!(texts(&all(&mut source, 1)), ["a"]);
}
