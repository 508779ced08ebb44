//! The page of a case folder that says what is what.

use super::ocsf::OCSF_VERSION;
use super::records::Kept;
use crate::hunt_report::HuntReport;
use crate::visible::visible;

/// The first line; by it an earlier case is known.
pub(super) const FIRST_LINE: &str = "Bartizan case folder\n";

/// The page.
pub(super) fn text(report: &HuntReport, kept: &Kept) -> String {
    let title = visible(report.title.replace('\n', " "));
    let made_at = visible(report.made_at.clone());
    let findings = report.findings.len();
    let investigated = report.findings.iter().filter(|finding| finding.triage().is_some()).count();
    let mut text = format!(
        "{FIRST_LINE}{title}
Made: {made_at} (all times are UTC)
Alerts: {findings}, {investigated} of them investigated

report.html       The report, for people. It loads nothing and sends nothing.
report.json       The same, for programs: coverage, rules, alerts, investigations.
alerts.ndjson     The alerts as whole documents, one a line.
ocsf.ndjson       The alerts as OCSF Detection Findings (class 2004), schema {OCSF_VERSION}, one a line.
timeline.csv      Alerts, evidence, the lives of keys and sessions, in order of time.
navigator.json    A layer for ATT&CK Navigator: techniques of the rules that ran, and alerts.
records/          The raw records of the evidence, byte for byte as they were read: {} kept.
records/index.csv Which record lies where, where it was read, and why one is missing: {} missing.
manifest.sha256   The hashes of all these files. Check them with: sha256sum -c manifest.sha256

The manifest shows whether a file was changed since the case was written. It is not signed: keep a copy
of it, or of its hash, apart from the folder.
In tables, text that a spreadsheet would compute has a quote in front, and control characters are written
as escapes.
",
        kept.written, kept.missing
    );
    if report.not_kept > 0 {
        text.push_str(&format!("\n{} more alerts were made and are not in this folder", report.not_kept));
        if let Some(rest) = &report.rest_is {
            text.push_str(&format!("; all alerts are {}", visible(rest.replace('\n', " "))));
        }
        text.push_str(".\n");
    }
    text
}
