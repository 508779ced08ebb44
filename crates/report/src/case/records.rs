//! The raw records of the evidence: which are wanted, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use triage::place::Place;

use super::csv_table::Table;
use super::folder::{Folder, RECORDS};
use super::manifest::hex;
use crate::error::CaseError;
use crate::finding::evidence;
use crate::hunt_report::HuntReport;

/// An event whose raw record belongs into the case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedRecord {
    /// `eventID`; `None` for a record that has none.
    pub event_id: Option<String>,
    /// The input and the offset in it, as decompressed, where the report knows them.
    pub file: Option<(String, u64)>,
}

/// A raw record, or the reason why it could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Which one.
    pub wanted: WantedRecord,
    /// The bytes as the source wrote them; else why there are none: part of a sentence that begins with "not kept:".
    pub bytes: Result<Vec<u8>, String>,
}

/// What became of the wanted records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) written: u64,
    pub(super) missing: u64,
}

/// The events that reports rest on, each once.
pub(super) fn wanted(report: &HuntReport) -> Vec<WantedRecord> {
    let mut placed = BTreeSet::new();
    let mut bare = BTreeSet::new();
    for finding in &report.findings {
        match finding.own_record() {
            Some(record) => {
                placed.insert(record);
            }
            None => bare.extend(finding.alert.event_ids.iter().cloned()),
        }
        for evidence in finding.triage().into_iter().flat_map(evidence) {
            let file = match &evidence.place {
                Place::File { name, offset } => Some((name.to_string(), *offset)),
                Place::Lake | Place::Unknown => None,
            };
            match (&evidence.event_id, file) {
                (Some(id), None) => {
                    bare.insert(id.clone());
                }
                (None, None) => {}
                (id, file) => {
                    placed.insert(WantedRecord { event_id: id.clone(), file });
                }
            }
        }
    }
    // An event that is known with its place is not wanted a second time without it.
    let known: BTreeSet<&String> = placed.iter().filter_map(|one| one.event_id.as_ref()).collect();
    let bare: Vec<WantedRecord> = bare
        .iter()
        .filter(|id| !known.contains(id))
        .map(|id| WantedRecord { event_id: Some(id.clone()), file: None })
        .collect();
    drop(known);
    placed.extend(bare);
    placed.into_iter().collect()
}

/// Writes `records/` and its index. A wanted record that was not given has a row that says so.
pub(super) fn write(
    folder: &mut Folder,
    report: &HuntReport,
    records: impl IntoIterator<Item = RawRecord>,
) -> Result<Kept, CaseError> {
    // One row a record, in the order of ids and places, whatever the order in which they came.
    let mut rows: BTreeMap<WantedRecord, Option<RowOf>> =
        wanted(report).into_iter().map(|one| (one, None)).collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for record in records {
        let row = match record.bytes {
            Err(reason) => RowOf::Missing(reason),
            Ok(bytes) => {
                let hash = hex(&Sha256::digest(&bytes));
                // The name is made of the id and the content, so that it never depends on the order.
                let name =
                    format!("{RECORDS}/{}-{}.json", safe(record.wanted.event_id.as_deref()), &hash[..12]);
                if names.insert(name.clone()) {
                    folder.write(&name, &bytes)?;
                }
                RowOf::Kept { name, hash, bytes: bytes.len() }
            }
        };
        rows.insert(record.wanted, Some(row));
    }
    let written = rows.values().filter(|row| matches!(row, Some(RowOf::Kept { .. }))).count() as u64;
    folder.write(&format!("{RECORDS}/index.csv"), &index(&rows))?;
    Ok(Kept { written, missing: rows.len() as u64 - written })
}

enum RowOf {
    Kept { name: String, hash: String, bytes: usize },
    Missing(String),
}

fn index(rows: &BTreeMap<WantedRecord, Option<RowOf>>) -> Vec<u8> {
    let mut table =
        Table::new(["event_id", "input", "offset", "record", "sha256", "bytes", "not_kept_because"]);
    for (wanted, row) in rows {
        let (input, offset) = match &wanted.file {
            Some((input, offset)) => (input.as_str(), offset.to_string()),
            None => ("", String::new()),
        };
        let (record, hash, bytes, reason) = match row {
            Some(RowOf::Kept { name, hash, bytes }) => (name.as_str(), hash.as_str(), bytes.to_string(), ""),
            Some(RowOf::Missing(reason)) => ("", "", String::new(), reason.as_str()),
            None => ("", "", String::new(), "its raw record was not looked up"),
        };
        table.row([
            wanted.event_id.as_deref().unwrap_or_default(),
            input,
            &offset,
            record,
            hash,
            &bytes,
            reason,
        ]);
    }
    table.into_bytes()
}

/// An event id as part of a file name: its letters, digits and hyphens, at most 64.
fn safe(event_id: Option<&str>) -> String {
    let name: String = event_id
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(64)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "record".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_names_no_other_file() {
        for (id, name) in [
            (Some("0a1b-2c"), "0a1b-2c"),
            (Some("../../etc/passwd"), "etcpasswd"),
            (Some("--"), "record"),
            (Some("\0\n"), "record"),
            (None, "record"),
        ] {
            assert_eq!(safe(id), name);
        }
    }
}
