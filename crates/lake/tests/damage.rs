//! Faults at every byte: a torn tail of the log is cut and counted, damage is an error, and nothing is lost in silence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_lake::{Lake, LakeError, Snapshot, Store};
use sample::{at, copy, event, everything, ids, once, open, small, stream};

/// A lake with one file, and three appends of two events in its log.
fn prepared(folder: &Path) -> PathBuf {
    let lake = open(folder);
    lake.append(&stream(), (0..4).map(event).collect(), at(0)).unwrap();
    lake.flush().unwrap();
    for first in [4, 6, 8] {
        lake.append(&stream(), (first..first + 2).map(event).collect(), at(0)).unwrap();
    }
    drop(lake);
    let mut logs: Vec<PathBuf> = fs::read_dir(folder.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    logs.pop().unwrap()
}

/// Where the entries of a segment begin, and its end.
fn entries(bytes: &[u8]) -> Vec<usize> {
    let magic = b"\x89BZENTRY";
    let mut starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(magic)).collect();
    starts.push(bytes.len());
    starts
}

#[test]
fn a_log_that_ends_at_any_byte_loses_only_what_was_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let segment = prepared(folder.path());
    let bytes = fs::read(&segment).unwrap();
    let starts = entries(&bytes);
    assert_eq!(starts.len(), 4);
    let trial = tempfile::tempdir().unwrap();
    for end in 0..bytes.len() {
        let lake = trial.path().join(end.to_string());
        copy(folder.path(), &lake);
        let cut = lake.join("log").join(segment.file_name().unwrap());
        fs::write(&cut, &bytes[..end]).unwrap();
        let whole = starts.iter().skip(1).filter(|start| **start <= end).count();
        let begins = if end < starts[0] { 0 } else { starts[whole] };
        let opened = open(&lake);
        assert_eq!(opened.recovery().torn_bytes, (end - begins) as u64, "cut at {end}");
        assert_eq!(ids(&opened.snapshot().unwrap()), once(0..4 + 2 * whole as i64), "cut at {end}");
        if end % 8 == 0 {
            // And it goes on: what was cut off is delivered again.
            let receipt = opened.append(&stream(), (0..12).map(event).collect(), at(1)).unwrap();
            assert_eq!(receipt.appended, 8 - 2 * whole as u64);
            if end % 16 == 0 {
                opened.flush().unwrap();
            }
            drop(opened);
            assert_eq!(ids(&open(&lake).snapshot().unwrap()), once(0..12), "cut at {end}");
        }
        if end > begins {
            let kept = fs::read(cut.with_extension("torn")).unwrap();
            assert_eq!(kept, bytes[begins..end]);
        }
        fs::remove_dir_all(&lake).unwrap();
    }
}

#[test]
fn a_changed_byte_of_an_acknowledged_entry_is_an_error_and_of_the_last_one_a_counted_tail() {
    let folder = tempfile::tempdir().unwrap();
    let segment = prepared(folder.path());
    let bytes = fs::read(&segment).unwrap();
    let starts = entries(&bytes);
    let trial = tempfile::tempdir().unwrap();
    let lake = trial.path().join("lake");
    for at in 0..bytes.len() {
        copy(folder.path(), &lake);
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        let path = lake.join("log").join(segment.file_name().unwrap());
        fs::write(&path, &changed).unwrap();
        let opened = Lake::open(Store::folder(&lake), &lake.join("log"), small());
        // Each entry says how far the disk had acknowledged when it was written: everything before the entry.
        if at < starts[2] {
            let Err(LakeError::DamagedLog { .. }) = opened else { panic!("byte {at}: {opened:?}") };
            assert_eq!(fs::read(&path).unwrap(), changed, "nothing is changed");
        } else {
            let opened = opened.unwrap();
            assert_eq!(opened.recovery().torn_bytes, (bytes.len() - starts[2]) as u64, "byte {at}");
            assert_eq!(ids(&opened.snapshot().unwrap()), once(0..8), "byte {at}");
        }
        fs::remove_dir_all(&lake).unwrap();
    }
}

#[test]
fn garbage_behind_the_log_is_a_counted_tail() {
    let folder = tempfile::tempdir().unwrap();
    let segment = prepared(folder.path());
    let mut bytes = fs::read(&segment).unwrap();
    let length = bytes.len() as u64;
    bytes.extend([0; 5_000]);
    bytes.extend(b"\x89BZENTRY and then something that is no entry");
    fs::write(&segment, &bytes).unwrap();
    let lake = open(folder.path());
    assert_eq!(lake.recovery().torn_bytes, bytes.len() as u64 - length);
    assert_eq!(ids(&lake.snapshot().unwrap()), once(0..10));
}

#[test]
fn a_missing_segment_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for first in [0, 2, 4] {
        let lake = open(folder.path());
        lake.append(&stream(), (first..first + 2).map(event).collect(), at(0)).unwrap();
    }
    fs::remove_file(folder.path().join("log/00000000000000000002.log")).unwrap();
    let opened = Lake::open(Store::folder(folder.path()), &folder.path().join("log"), small());
    assert!(matches!(opened, Err(LakeError::DamagedLog { .. })), "{opened:?}");
}

#[test]
fn a_manifest_with_any_byte_changed_or_missing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path());
    for number in 0..2 {
        lake.append(&stream(), vec![event(number)], at(0)).unwrap();
        lake.flush().unwrap();
    }
    drop(lake);
    let path = folder.path().join("streams/logs-aws.cloudtrail-default/manifest/00000000000000000002.json");
    let bytes = fs::read(&path).unwrap();
    let read = || Snapshot::read(Store::folder(folder.path()), None, &small());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x01;
        fs::write(&path, &changed).unwrap();
        assert!(matches!(read(), Err(LakeError::DamagedManifest { .. })), "byte {at} changed");
        fs::write(&path, &bytes[..at]).unwrap();
        assert!(matches!(read(), Err(LakeError::DamagedManifest { .. })), "cut at {at}");
    }
    fs::write(&path, &bytes).unwrap();
    assert_eq!(ids(&read().unwrap()), once(0..2));
}

#[test]
fn a_data_file_that_is_cut_or_missing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path());
    lake.append(&stream(), vec![event(1)], at(0)).unwrap();
    lake.flush().unwrap();
    let files = folder.path().join("streams/logs-aws.cloudtrail-default/files");
    let path = fs::read_dir(files).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&path).unwrap();
    let first = || lake.snapshot().unwrap().documents(&everything()).next();
    for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..end]).unwrap();
        assert!(matches!(first(), Some(Err(LakeError::DamagedFile { .. }))));
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(first(), Some(Err(LakeError::DamagedFile { .. }))));
}
