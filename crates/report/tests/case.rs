//! A case folder on disk: read back, checked with `sha256sum`, and guarded against overwriting.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bartizan_report::CaseError;
use bartizan_report::case::{CaseSummary, OCSF_VERSION, RawRecord, wanted_records, write_case};
use bartizan_report::html::PageLimits;
use serde_json::Value;

/// Writes the sample's case; every seventh record can't be had.
fn write(folder: &Path, reversed: bool) -> Result<CaseSummary, CaseError> {
    let mut report = sample::hunt();
    let mut wanted = wanted_records(&report);
    if reversed {
        report.findings.reverse();
        wanted.reverse();
    }
    let records = wanted.into_iter().map(|wanted| {
        let missing = wanted.event_id.as_deref().is_some_and(|id| id.starts_with("00000007"));
        let bytes = if missing {
            Err("the input is gone".to_owned())
        } else {
            Ok(format!("{{\"eventID\":{:?}, \"odd\":\"\u{fffd}\"}}", wanted.event_id).into_bytes())
        };
        RawRecord { wanted, bytes }
    });
    // Findings are written in the order that they have: reversed ones are sorted back by the caller.
    report.findings.sort_by(|a, b| a.alert.uuid.cmp(&b.alert.uuid));
    write_case(folder, &report, records, PageLimits::default())
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder_name in ["", "records/"] {
        let Ok(entries) = fs::read_dir(folder.join(folder_name)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let name = format!("{folder_name}{}", entry.file_name().to_string_lossy());
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

fn lines(content: &[u8]) -> Vec<Value> {
    std::str::from_utf8(content).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_case_holds_what_its_readme_says_and_the_manifest_covers_all() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(folder.path(), false).unwrap();
    let files = files(folder.path());
    let readme = String::from_utf8(files["README.txt"].clone()).unwrap();
    for name in [
        "report.html",
        "report.json",
        "alerts.ndjson",
        "ocsf.ndjson",
        "timeline.csv",
        "navigator.json",
        "records/index.csv",
        "manifest.sha256",
    ] {
        assert!(files.contains_key(name) && readme.contains(name), "{name}");
    }
    assert!(readme.contains("Alerts: 30, 3 of them investigated") && readme.contains(OCSF_VERSION));
    let manifest = String::from_utf8(files["manifest.sha256"].clone()).unwrap();
    let named: Vec<&str> = manifest.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    let there: Vec<&str> =
        files.keys().map(String::as_str).filter(|name| *name != "manifest.sha256").collect();
    assert_eq!(named, there);
    assert_eq!(summary.files, there);

    match Command::new("sha256sum")
        .args(["--strict", "-c", "manifest.sha256"])
        .current_dir(folder.path())
        .output()
    {
        Ok(checked) => {
            assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
            fs::write(folder.path().join("timeline.csv"), "changed").unwrap();
            let changed = Command::new("sha256sum")
                .args(["-c", "manifest.sha256"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(!changed.status.success(), "a change must show");
        }
        Err(error) => println!("not checked with sha256sum, which can't be run here: {error}"),
    }
}

#[test]
fn alerts_and_reports_read_back() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), false).unwrap();
    let files = files(folder.path());
    let alerts = lines(&files["alerts.ndjson"]);
    assert_eq!(alerts.len(), 30);
    assert_eq!(alerts[2]["kibana.alert.rule.name"], sample::HOSTILE);
    let report: Value = serde_json::from_slice(&files["report.json"]).unwrap();
    assert_eq!(report["findings"][0]["investigation"]["done"]["verdict"]["level"], "malicious_looking");
    assert_eq!(report["coverage"]["not_fully_read"][0]["offset"], 182_344);
    let layer: Value = serde_json::from_slice(&files["navigator.json"]).unwrap();
    assert_eq!(layer["versions"]["layer"], "4.5");
    let technique =
        layer["techniques"].as_array().unwrap().iter().find(|one| one["techniqueID"] == "T1562.008").unwrap();
    assert_eq!(
        (technique["tactic"].as_str(), technique["score"].as_u64()),
        (Some("defense-evasion"), Some(9))
    );
}

#[test]
fn detection_findings_have_what_the_schema_requires() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), false).unwrap();
    let findings = lines(&files(folder.path())["ocsf.ndjson"]);
    assert_eq!(findings.len(), 30);
    for finding in &findings {
        for (name, value) in
            [("activity_id", 1), ("category_uid", 2), ("class_uid", 2004), ("type_uid", 200_401)]
        {
            assert_eq!(finding[name], value, "{name}");
        }
        assert_eq!(finding["time"], 1_773_563_400_000_u64);
        assert_eq!(finding["metadata"]["version"], OCSF_VERSION);
        assert_eq!(finding["metadata"]["product"]["vendor_name"], "Bartizan");
        assert!(finding["severity_id"].as_u64().is_some_and(|id| (2..=5).contains(&id)));
        assert!(finding["finding_info"]["uid"].is_string() && finding["finding_info"]["title"].is_string());
        assert_eq!(finding["finding_info"]["analytic"]["type_id"], 1);
        // Of the profile `cloud`, which is declared.
        assert_eq!(finding["metadata"]["profiles"][0], "cloud");
        assert_eq!(finding["cloud"]["provider"], "AWS");
        assert!(finding["evidences"][0]["api"]["operation"].is_string());
    }
    let first = &findings[0];
    assert_eq!(first["severity_id"], 5);
    assert_eq!(first["finding_info"]["attacks"][0]["technique"]["uid"], "T1485");
    assert_eq!(first["enrichments"][0]["data"]["level"], "malicious_looking");
    assert_eq!(first["resources"][0]["type"], "AWS::KMS::Key");
    assert!(first["remediation"]["desc"].as_str().unwrap().starts_with("Cancel the key's deletion; "));
}

#[test]
fn the_timeline_is_in_order_and_computes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), false).unwrap();
    let files = files(folder.path());
    let mut reader = csv::Reader::from_reader(files["timeline.csv"].as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let times: Vec<jiff::Timestamp> = rows.iter().filter_map(|row| row[0].parse().ok()).collect();
    assert!(times.len() > 60 && times.is_sorted());
    let kinds: Vec<usize> = ["alert", "evidence", "key", "session"]
        .map(|kind| rows.iter().filter(|row| &row[1] == kind).count())
        .to_vec();
    assert!(kinds[0] == 30 && kinds.iter().all(|count| *count > 0), "{kinds:?}");
    for name in ["timeline.csv", "records/index.csv"] {
        let mut reader = csv::Reader::from_reader(files[name].as_slice());
        for row in reader.records().map(Result::unwrap) {
            assert!(!row.iter().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
            assert!(!row.iter().any(|cell| cell.chars().any(char::is_control)), "{row:?}");
        }
    }
}

#[test]
fn raw_records_are_kept_or_their_absence_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(folder.path(), false).unwrap();
    let files = files(folder.path());
    let mut reader = csv::Reader::from_reader(files["records/index.csv"].as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let (kept, missing): (Vec<_>, Vec<_>) = rows.iter().partition(|row| !row[3].is_empty());
    assert_eq!((kept.len() as u64, missing.len() as u64), (summary.records, summary.missing_records));
    assert!(!kept.is_empty() && !missing.is_empty());
    for row in kept {
        assert_eq!(files[&row[3]].len().to_string(), row[5]);
    }
    assert!(missing.iter().all(|row| &row[6] == "the input is gone"));
    let wanted = wanted_records(&sample::hunt());
    assert_eq!(rows.len(), wanted.len());
    assert!(wanted.iter().any(|one| one.event_id.as_deref() == Some("../../../etc/passwd")));
    assert!(files.keys().any(|name| name.starts_with("records/etcpasswd-")));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(first.path(), false).unwrap();
    write(second.path(), true).unwrap();
    assert!(files(first.path()) == files(second.path()));
}

#[test]
fn only_an_earlier_case_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/on/the/way");
    write(&path, false).unwrap();
    let once = files(&path);
    write(&path, false).unwrap();
    assert!(once == files(&path));

    fs::write(path.join("notes.txt"), "mine").unwrap();
    let error = write(&path, false).unwrap_err();
    assert!(error.to_string().ends_with("notes.txt was added since; name another one"), "{error}");
    fs::remove_file(path.join("notes.txt")).unwrap();
    fs::write(path.join("timeline.csv"), "mine").unwrap();
    let error = write(&path, false).unwrap_err();
    assert!(error.to_string().contains("timeline.csv was changed since"), "{error}");
    assert_eq!(fs::read(path.join("timeline.csv")).unwrap(), b"mine");
    assert!(path.join("manifest.sha256").exists(), "nothing was touched");

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("thesis.txt"), "mine").unwrap();
    let error = write(other.path(), false).unwrap_err();
    assert!(matches!(error, CaseError::NotEmpty(_)), "{error}");
    assert_eq!(files(other.path()).len(), 1);
}
