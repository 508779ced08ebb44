//! What a report file needs of a hunt: the account, the rules and the findings, as the report takes them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ecs::Timestamp;
use engine::{RuleOutcome, RuleStatus};
use ingest::decode::Outcome;
use ingest::ledger::{DropReason, InputAccount, Tally};
use report::{
    Count, Coverage as ReportCoverage, DeadLetter, DigestCheck, Finding, HourRow, Hours, HuntReport,
    InputLine, InputOutcome, RuleLine, Version,
};
use rule::RuleLibrary;
use rule::threat::Threat;
use triage::evidence::Evidence;

use super::coverage::{Coverage, RuleAccount, not_read_whole};
use crate::printer::{count, thousands};

/// Hours that are drawn one by one at most; longer spans are counted by day elsewhere.
const MOST_HOURS: i64 = 24 * 366;

/// Everything a report says, but for the findings' raw records.
pub(crate) fn hunt_report(
    coverage: &Coverage,
    rules: &RuleLibrary,
    hours: Option<Hours>,
    findings: Vec<Finding>,
    not_kept: u64,
    made_at: Timestamp,
) -> HuntReport {
    let threats: BTreeMap<&str, &Vec<Threat>> =
        rules.rules.iter().map(|rule| (rule.rule_id.as_str(), &rule.threat)).collect();
    let line = |account: &RuleAccount| {
        let threat = threats.get(account.outcome.rule_id.as_str()).map(|threat| (*threat).clone());
        rule_line(account, threat.unwrap_or_default())
    };
    let unreadable = coverage.unreadable_rules.iter().map(|unreadable| RuleLine {
        rule_id: String::new(),
        name: unreadable.rule.clone().unwrap_or_else(|| unreadable.place.clone()),
        rule_type: "unknown".to_owned(),
        severity: String::new(),
        version: None,
        file: unreadable.place.clone(),
        status: report::RuleStatus::NotRun {
            kind: "could not be read".to_owned(),
            reason: unreadable.reason.clone(),
        },
        hits: 0,
        alerts: 0,
        suppressed: 0,
        cut: 0,
        excepted: 0,
        notes: Vec::new(),
        threat: Vec::new(),
    });
    HuntReport {
        title: "Hunt through CloudTrail logs".to_owned(),
        made_at: made_at.to_string(),
        command: None,
        versions: vec![Version {
            name: "Bartizan".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }],
        coverage: coverage_of(coverage, hours),
        rules: coverage.rules.iter().map(line).chain(unreadable).collect(),
        findings,
        not_kept,
        rest_is: (not_kept > 0).then(|| "in the output of `--format ndjson`".to_owned()),
    }
}

/// Events by hour, a row an account and Region; `None` without events, or with more hours than can be drawn.
pub(crate) fn hours_of(evidence: &Evidence) -> Option<Hours> {
    const HOUR: i64 = 3600;
    let (first, last) = evidence.activity.span()?;
    let first = first.as_second().div_euclid(HOUR);
    let hours = last.as_second().div_euclid(HOUR) - first + 1;
    if hours > MOST_HOURS {
        return None;
    }
    let mut rows: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (account, region, hour, events) in evidence.activity.events_by_hour() {
        let row = rows.entry(format!("{account} {region}")).or_default();
        row.resize(usize::try_from(hours).ok()?, 0);
        if let Some(cell) = usize::try_from(hour - first).ok().and_then(|at| row.get_mut(at)) {
            *cell += events;
        }
    }
    let rows = rows.into_iter().map(|(name, counts)| HourRow { name, counts }).collect();
    Some(Hours { first: Timestamp::from_second(first * HOUR).ok()?.to_string(), rows })
}

fn rule_line(account: &RuleAccount, threat: Vec<Threat>) -> RuleLine {
    let RuleOutcome { rule_id, name, rule_type, status, hits, alerts, suppressed, cut, .. } =
        &account.outcome;
    let status = match status {
        RuleStatus::Ran => report::RuleStatus::Ran,
        RuleStatus::NotRun(reason) => {
            report::RuleStatus::NotRun { kind: reason.kind(), reason: reason.to_string() }
        }
    };
    RuleLine {
        rule_id: rule_id.clone(),
        name: name.clone(),
        rule_type: (*rule_type).to_owned(),
        severity: account.severity.name().to_owned(),
        version: Some(account.version),
        file: account.origin.path.display().to_string(),
        status,
        hits: *hits,
        alerts: *alerts,
        suppressed: *suppressed,
        cut: *cut,
        excepted: account.outcome.excepted.iter().map(|excepted| excepted.events).sum(),
        notes: account.outcome.warnings.iter().map(|warning| warning.message.clone()).collect(),
        threat,
    }
}

fn coverage_of(coverage: &Coverage, hours: Option<Hours>) -> ReportCoverage {
    let (ledger, counts) = (&coverage.ledger, coverage.ledger.counts());
    let seen = ledger.coverage();
    let outside = counts.drops.get(&DropReason::OutsideOfRange).copied().unwrap_or_default();
    let drops = counts.drops.iter().filter(|(reason, _)| **reason != DropReason::OutsideOfRange);
    let mut drop_reasons: Vec<Count> =
        drops.map(|(reason, number)| Count::new(reason.to_string(), *number)).collect();
    if counts.other_drops > 0 {
        drop_reasons.push(Count::new("other reasons", counts.other_drops));
    }
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let tally = |tally: &Tally| -> Vec<Count> {
        tally.sorted().into_iter().map(|(name, number)| Count::new(name, number)).collect()
    };
    let mut notes: Vec<String> = coverage
        .own_files
        .iter()
        .map(|path| format!("{} was left out: the hunt writes to it.", path.display()))
        .collect();
    let of_case =
        |path: &PathBuf| format!("{} was left out: the case folder of an earlier hunt.", path.display());
    notes.extend(coverage.case_folders.iter().map(of_case));
    let digests = coverage.digests();
    if digests > 0 && coverage.verification.is_none() {
        notes.push(format!(
            "{} among the files, not checked here: `bartizan verify` does that.",
            count(digests, "CloudTrail digest is", "CloudTrail digests are")
        ));
    }
    if coverage.not_selected > 0 {
        let rules = thousands(coverage.not_selected as u64);
        notes.push(format!("{rules} loaded rules were left out by the filters of the command."));
    }
    ReportCoverage {
        inputs: ledger.inputs(),
        read: ledger.read(),
        partly_read: ledger.partly_read(),
        skipped: ledger.skipped(),
        not_fully_read: ledger.not_fully_read().into_iter().map(input_line).collect(),
        not_named: ledger.unnamed_partly_read() + ledger.unnamed_skipped(),
        shapes: ledger
            .shapes()
            .iter()
            .map(|(shape, number)| Count::new(shape.to_string(), *number))
            .collect(),
        bytes_stored: counts.bytes_in,
        bytes_decompressed: counts.bytes_decompressed,
        records: counts.records_in,
        events: counts.events,
        duplicates: counts.duplicates,
        dropped: counts.dropped() - outside,
        outside_of_range: outside,
        drop_reasons,
        without_time: seen.without_time(),
        range_from: text(coverage.range.from),
        range_to: text(coverage.range.to),
        first_event: text(seen.first_event()),
        last_event: text(seen.last_event()),
        accounts: tally(seen.accounts()),
        other_accounts: seen.accounts().other(),
        regions: tally(seen.regions()),
        other_regions: seen.regions().other(),
        hours,
        digests: coverage
            .verification
            .as_ref()
            .map(|(verdict, says)| DigestCheck { verdict: *verdict, says: says.clone() }),
        dead_letter: coverage
            .dead_letter
            .as_ref()
            .map(|(path, entries)| DeadLetter { file: path.display().to_string(), entries: *entries }),
        notes,
    }
}

fn input_line(input: &InputAccount) -> InputLine {
    let (outcome, offset) = match &input.outcome {
        Outcome::PartlyRead { offset, .. } => (InputOutcome::PartlyRead, Some(*offset)),
        Outcome::Read | Outcome::Skipped(_) => (InputOutcome::Skipped, None),
    };
    InputLine {
        name: input.name.clone(),
        outcome,
        reason: not_read_whole(input).1,
        offset,
        records: input.counts.records_in,
        events: input.counts.events,
        duplicates: input.counts.duplicates,
        dropped: input.counts.dropped(),
    }
}
