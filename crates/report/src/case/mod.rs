//! A case folder: evidence that can be handed over, with a manifest of hashes that is written last.

mod csv_table;
mod folder;
mod manifest;
mod navigator;
mod ocsf;
mod readme;
mod records;
mod timeline;

use std::path::Path;

use serde::Serialize;

pub use self::ocsf::OCSF_VERSION;
pub use self::records::{RawRecord, WantedRecord};
use crate::error::CaseError;
use crate::html::{PageLimits, page};
use crate::hunt_report::HuntReport;
use folder::Folder;

/// What a case came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSummary {
    /// Its files, in byte order, `manifest.sha256` left out: names relative to the folder, with `/`.
    pub files: Vec<String>,
    /// Raw records that were kept.
    pub records: u64,
    /// Events that the reports name and whose raw records the caller did not give; `records/index.csv` says why.
    pub missing_records: u64,
}

/// The events that the reports of a run rest on, each once, in order of event id and place. Look their records up and
/// give them to [`write_case`].
pub fn wanted_records(report: &HuntReport) -> Vec<WantedRecord> {
    records::wanted(report)
}

/// Is this folder a case, as far as its `README.txt` says?
pub fn is_case_folder(folder: &Path) -> bool {
    let mut first = vec![0; readme::FIRST_LINE.len()];
    let read = std::fs::File::open(folder.join("README.txt"))
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut first));
    read.is_ok() && first == readme::FIRST_LINE.as_bytes()
}

/// Writes the case folder: `report.html`, `report.json`, `alerts.ndjson`, `ocsf.ndjson`, `timeline.csv`,
/// `navigator.json`, `records/`, `README.txt` and at last `manifest.sha256`, in the format of `sha256sum -c`.
///
/// The folder is made when it is missing. `records` gives what could be found of [`wanted_records`], in any order; a
/// record that nobody asked for is kept all the same. The same input gives the same bytes.
///
/// # Errors
/// [`CaseError::NotEmpty`] when the folder holds something that is no case, [`CaseError::NotOurs`] when it holds an
/// earlier case with files that were added or changed since: nothing is touched then. [`CaseError::Write`] when the
/// file system refuses; a folder without `manifest.sha256` is not whole.
pub fn write_case(
    folder: &Path,
    report: &HuntReport,
    records: impl IntoIterator<Item = RawRecord>,
    limits: PageLimits,
) -> Result<CaseSummary, CaseError> {
    let mut folder = Folder::open(folder)?;
    let kept = records::write(&mut folder, report, records)?;
    folder.write("report.html", page(report, limits).as_bytes())?;
    folder.write("report.json", &json("report.json", report)?)?;
    let mut alerts = folder.create("alerts.ndjson")?;
    for finding in &report.findings {
        alerts.line(finding.document.as_bytes())?;
    }
    alerts.close()?;
    let mut findings = folder.create("ocsf.ndjson")?;
    for finding in &report.findings {
        findings.line(ocsf::detection_finding(finding, report).to_string().as_bytes())?;
    }
    findings.close()?;
    folder.write("timeline.csv", &timeline::csv(report))?;
    folder.write("navigator.json", &json("navigator.json", &navigator::layer(report))?)?;
    folder.write("README.txt", readme::text(report, &kept).as_bytes())?;
    let files = folder.seal()?;
    Ok(CaseSummary { files, records: kept.written, missing_records: kept.missing })
}

fn json(file: &'static str, value: &impl Serialize) -> Result<Vec<u8>, CaseError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|source| CaseError::Json { file, source })?;
    text.push(b'\n');
    Ok(text)
}
