//! What came of checking files against digests: for people, and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ingest::digest::{
    FileKind, Finding, Gap, GapKind, Trail, TrailSummary, Verdict, VerdictCounts, Verification,
};
use report::DigestVerdict;
use serde_json::{Value, json};

use super::table::{keep_whole, new_table, write_table};
use crate::printer::{Output, Paint, count, thousands, visible};

/// What files were checked with.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) public_keys: usize,
    pub(crate) signatures: usize,
}

/// Writes sums by trail, gaps, and the files that are not valid; of each kind `rows`, 0 for all.
pub(crate) fn write_text(
    out: &mut Output,
    verification: &Verification,
    given: &Given,
    rows: usize,
) -> io::Result<()> {
    let Verification { findings, gaps, trails, unused_signatures } = verification;
    writeln!(out, "{}", out.paint(Paint::Heading, "Verification"))?;
    let keys = count(given.public_keys as u64, "public key", "public keys");
    let checked = match given.public_keys {
        0 => out.paint(
            Paint::Caution,
            "not checked, for no --public-keys are given: hashes alone were held against each other",
        ),
        _ => format!("checked with {keys}"),
    };
    writeln!(out, "  signatures  {checked}")?;
    if given.signatures > 0 {
        let beside = count(given.signatures as u64, "digest", "digests");
        writeln!(out, "  given       the signatures of {beside}")?;
    }
    let rows = if rows == 0 { usize::MAX } else { rows };
    if !unused_signatures.is_empty() {
        let names: Vec<String> = unused_signatures.iter().take(rows).map(|name| visible(name)).collect();
        let line =
            format!("for {}, not there: {}", thousands(unused_signatures.len() as u64), names.join(", "));
        writeln!(out, "  unused      {}", out.paint(Paint::Caution, line))?;
    }
    for (label, kind) in [("digests", FileKind::Digest), ("log files", FileKind::Log)] {
        writeln!(out, "  {label:10}  {}", of_kind(findings, kind))?;
    }
    if !findings.iter().any(|finding| finding.kind == FileKind::Digest) {
        let line = "no digest is among the files; they lie in AWSLogs/ACCOUNT/CloudTrail-Digest/, if the trail has log \
                    file validation";
        writeln!(out, "              {}", out.paint(Paint::Caution, line))?;
    }
    if !trails.is_empty() {
        writeln!(out)?;
        write_trails(out, trails)?;
    }
    write_invalid(out, findings, rows)?;
    write_gaps(out, gaps)?;
    write_doubtful(out, findings, rows)?;
    out.flush()
}

/// A check in a few sentences, and whether anything was changed or is missing, or nothing is left open.
pub(crate) fn summary(verification: &Verification, given: &Given) -> (DigestVerdict, Vec<String>) {
    let any = |of: fn(&Verdict) -> bool| verification.findings.iter().any(|finding| of(&finding.verdict));
    let verdict = if any(|verdict| matches!(verdict, Verdict::Invalid(_))) {
        DigestVerdict::Broken
    } else if verification.gaps.is_empty() && !any(|verdict| *verdict != Verdict::Valid) {
        DigestVerdict::Intact
    } else {
        DigestVerdict::Incomplete
    };
    let mut says = vec![
        format!("Digests: {}.", of_kind(&verification.findings, FileKind::Digest)),
        format!("Log files: {}.", of_kind(&verification.findings, FileKind::Log)),
    ];
    if given.public_keys == 0 {
        says.push("No public keys were given, so hashes alone were held against each other.".to_owned());
    }
    if !verification.gaps.is_empty() {
        let gaps = count(verification.gaps.len() as u64, "gap", "gaps");
        says.push(format!("The chains of digests have {gaps}: `bartizan verify` names them."));
    }
    (verdict, says)
}

fn of_kind(findings: &[Finding], kind: FileKind) -> String {
    let mut by_name: BTreeMap<usize, (&str, u64)> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.kind == kind) {
        let name = finding.verdict.name();
        let place = NAMES.iter().position(|known| *known == name).unwrap_or(NAMES.len());
        by_name.entry(place).or_insert((name, 0)).1 += 1;
    }
    joined(by_name.into_values())
}

/// In the order in which they are shown.
const NAMES: [&str; 5] = ["valid", "consistent", "missing", "invalid", "unverifiable"];

fn joined<'n>(counts: impl Iterator<Item = (&'n str, u64)>) -> String {
    let parts: Vec<String> = counts
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| format!("{} {name}", thousands(number)))
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn counts_of(counts: &VerdictCounts) -> [(&'static str, u64); 5] {
    let VerdictCounts { valid, consistent, missing, invalid, unverifiable } = *counts;
    let [a, b, c, d, e] = NAMES;
    [(a, valid), (b, consistent), (c, missing), (d, invalid), (e, unverifiable)]
}

fn write_trails(out: &mut Output, trails: &[TrailSummary]) -> io::Result<()> {
    let mut table = new_table(out);
    table.set_header(["account", "region", "trail", "from", "to", "digests", "log files"]);
    let known = |text: &str| if text.is_empty() { "-".to_owned() } else { visible(text) };
    for TrailSummary { trail, from, to, digests, logs } in trails {
        table.add_row([
            known(&trail.account),
            known(&trail.region),
            known(&trail.name),
            from.map_or("-".to_owned(), |at| at.to_string()),
            to.map_or("-".to_owned(), |at| at.to_string()),
            joined(counts_of(digests).into_iter()),
            joined(counts_of(logs).into_iter()),
        ]);
    }
    keep_whole(&mut table, out, &[0], &[3, 4]);
    write_table(out, table)
}

fn name_of(finding: &Finding) -> String {
    visible(finding.path.as_deref().unwrap_or(&finding.object))
}

fn write_invalid(out: &mut Output, findings: &[Finding], rows: usize) -> io::Result<()> {
    let invalid: Vec<&Finding> =
        findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Invalid(_))).collect();
    if invalid.is_empty() {
        return Ok(());
    }
    let heading = count(
        invalid.len() as u64,
        "file is not as it was delivered",
        "files are not as they were delivered",
    );
    writeln!(out, "\n{}", out.paint(Paint::Alarm, heading))?;
    for finding in invalid.iter().take(rows) {
        let label = out.paint(Paint::Alarm, format!("{:8}", finding.verdict.name()));
        writeln!(out, "  {label} {}", name_of(finding))?;
        writeln!(out, "           {}", visible(&finding.verdict.reason().unwrap_or_default()))?;
    }
    and_more(out, invalid.len().saturating_sub(rows))
}

fn write_gaps(out: &mut Output, gaps: &[Gap]) -> io::Result<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", out.paint(Paint::Caution, "Where digests do not follow each other"))?;
    for Gap { trail, kind, from, to, before } in gaps {
        let time = |at: &Option<_>| at.map_or("?".to_owned(), |at: ecs::Timestamp| at.to_string());
        let when = match kind {
            GapKind::BeginsEarlier => format!("before {}", time(to)),
            _ => format!("{} to {}", time(from), time(to)),
        };
        let Trail { account, region, name, .. } = trail;
        writeln!(out, "  {} {} {}: {when}: {kind}", visible(account), visible(region), visible(name))?;
        writeln!(out, "    {}", out.paint(Paint::Faint, visible(before)))?;
    }
    Ok(())
}

/// What is neither valid nor invalid, by reason. What is consistent is not named: it is what most files are without keys.
fn write_doubtful(out: &mut Output, findings: &[Finding], rows: usize) -> io::Result<()> {
    let mut by_reason: BTreeMap<(&str, FileKind, String), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        if let (Verdict::Consistent(_) | Verdict::Unverifiable(_), Some(reason)) =
            (&finding.verdict, finding.verdict.reason())
        {
            by_reason.entry((finding.verdict.name(), finding.kind, reason)).or_default().push(finding);
        }
    }
    if by_reason.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", out.paint(Paint::Caution, "Not proved by a signature"))?;
    for ((name, kind, reason), found) in by_reason {
        let (one, many) = match kind {
            FileKind::Digest => ("digest", "digests"),
            FileKind::Log => ("log file", "log files"),
        };
        writeln!(out, "  {name} {}: {}", count(found.len() as u64, one, many), visible(&reason))?;
        if name == "consistent" {
            continue;
        }
        for finding in found.iter().take(rows) {
            writeln!(out, "    {}", out.paint(Paint::Faint, name_of(finding)))?;
        }
        and_more(out, found.len().saturating_sub(rows))?;
    }
    Ok(())
}

fn and_more(out: &mut Output, more: usize) -> io::Result<()> {
    if more == 0 {
        return Ok(());
    }
    let line = format!("and {} more; --rows 0 and --format json name all", thousands(more as u64));
    writeln!(out, "    {}", out.paint(Paint::Faint, line))
}

/// Writes everything as one object.
pub(crate) fn write_json(out: &mut Output, verification: &Verification, given: &Given) -> io::Result<()> {
    let Verification { findings, gaps, trails, unused_signatures } = verification;
    let answer = json!({
        "public_keys": given.public_keys,
        "signatures": given.signatures,
        "unused_signatures": unused_signatures,
        "trails": trails.iter().map(summary_json).collect::<Vec<_>>(),
        "gaps": gaps.iter().map(gap_json).collect::<Vec<_>>(),
        "files": findings.iter().map(finding_json).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &answer)?;
    writeln!(out)?;
    out.flush()
}

fn summary_json(summary: &TrailSummary) -> Value {
    let counts = |counts: &VerdictCounts| -> serde_json::Map<String, Value> {
        counts_of(counts).into_iter().map(|(name, number)| (name.to_owned(), number.into())).collect()
    };
    with_trail(
        &summary.trail,
        json!({
            "from": summary.from.map(|at| at.to_string()),
            "to": summary.to.map(|at| at.to_string()),
            "digests": counts(&summary.digests),
            "log_files": counts(&summary.logs),
        }),
    )
}

fn gap_json(gap: &Gap) -> Value {
    let kind = match gap.kind {
        GapKind::BeginsEarlier => "begins_earlier",
        GapKind::Restarted => "restarted",
        GapKind::DigestsMissing => "digests_missing",
        GapKind::NotAdjacent => "not_adjacent",
    };
    with_trail(
        &gap.trail,
        json!({
            "kind": kind,
            "from": gap.from.map(|at| at.to_string()),
            "to": gap.to.map(|at| at.to_string()),
            "before": gap.before,
            "reason": gap.kind.to_string(),
        }),
    )
}

fn finding_json(finding: &Finding) -> Value {
    let kind = match finding.kind {
        FileKind::Digest => "digest",
        FileKind::Log => "log_file",
    };
    with_trail(
        &finding.trail,
        json!({
            "kind": kind,
            "object": finding.object,
            "path": finding.path,
            "digest": finding.digest,
            "status": finding.verdict.name(),
            "reason": finding.verdict.reason(),
        }),
    )
}

/// The trail's members first; `null` for what is not known of it.
fn with_trail(trail: &Trail, rest: Value) -> Value {
    let known = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let mut object = json!({
        "account": known(&trail.account), "region": known(&trail.region), "trail": known(&trail.name),
        "home_region": known(&trail.home_region),
    });
    if let (Value::Object(object), Value::Object(rest)) = (&mut object, rest) {
        object.extend(rest);
    }
    object
}
