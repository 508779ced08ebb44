//! Everything that has a time, in one table: alerts, evidence, the lives of keys, sessions.

use std::collections::BTreeSet;

use jiff::Timestamp;
use triage::answer::Evidence;
use triage::place::Place;

use super::csv_table::Table;
use crate::finding::evidence;
use crate::hunt_report::HuntReport;
use crate::time::parsed;

/// One row; the order of the members is the order of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// Rows without a readable time come last.
    has_no_time: bool,
    at: Option<Timestamp>,
    time: String,
    kind: &'static str,
    alert: String,
    rule: String,
    event_id: String,
    provider: String,
    action: String,
    error: String,
    region: String,
    principal: String,
    count: u64,
    last: String,
    shows: String,
    input: String,
    offset: String,
}

/// The rows in order of time; a row that several parts of a report have stands once.
pub(super) fn csv(report: &HuntReport) -> Vec<u8> {
    let mut table = Table::new([
        "time",
        "kind",
        "event_id",
        "provider",
        "action",
        "error",
        "region",
        "principal",
        "count",
        "last",
        "shows",
        "rule",
        "alert",
        "input",
        "offset",
    ]);
    for row in rows(report) {
        let count = row.count.to_string();
        table.row([
            &row.time,
            row.kind,
            &row.event_id,
            &row.provider,
            &row.action,
            &row.error,
            &row.region,
            &row.principal,
            &count,
            &row.last,
            &row.shows,
            &row.rule,
            &row.alert,
            &row.input,
            &row.offset,
        ]);
    }
    table.into_bytes()
}

fn rows(report: &HuntReport) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for finding in &report.findings {
        let alert = &finding.alert;
        let row = |kind, time: &str| {
            let at = parsed(time);
            Row {
                has_no_time: at.is_none(),
                at,
                time: time.to_owned(),
                kind,
                alert: alert.uuid.clone(),
                rule: alert.rule_name.clone(),
                count: 1,
                ..Row::default()
            }
        };
        let field = |name| finding.field(name).unwrap_or_default();
        rows.insert(Row {
            event_id: alert.event_ids.join(" "),
            provider: field("event.provider"),
            action: field("event.action"),
            region: field("cloud.region"),
            principal: field("aws.cloudtrail.user_identity.arn"),
            shows: alert.reason.clone(),
            input: field("log.file.path"),
            offset: field("log.offset"),
            ..row("alert", &alert.time)
        });
        let Some(triage) = finding.triage() else { continue };
        rows.extend(evidence(triage).map(|one| placed(one, row("evidence", &one.time))));
        for key in &triage.keys {
            for entry in &key.timeline {
                let of_key = Row {
                    error: entry.error.clone().unwrap_or_default(),
                    principal: entry.principal.clone().unwrap_or_default(),
                    region: key.region.clone().unwrap_or_default(),
                    ..placed(&entry.evidence, row("key", &entry.time))
                };
                rows.insert(Row { shows: format!("{}: {}", key.key, entry.says), ..of_key });
            }
        }
        let actor = triage.actor.as_ref().and_then(|actor| actor.principal.clone()).unwrap_or_default();
        for step in &triage.surroundings.session {
            rows.insert(Row {
                provider: step.provider.clone(),
                action: step.action.clone(),
                error: step.error.clone().unwrap_or_default(),
                region: step.region.clone().unwrap_or_default(),
                principal: actor.clone(),
                count: step.count,
                last: step.last.clone(),
                shows: if step.is_subject { "the event of the alert".to_owned() } else { String::new() },
                ..row("session", &step.first)
            });
        }
    }
    rows
}

fn placed(evidence: &Evidence, row: Row) -> Row {
    let (input, offset) = match &evidence.place {
        Place::File { name, offset } => (name.to_string(), offset.to_string()),
        Place::Lake => ("lake".to_owned(), String::new()),
        Place::Unknown => (String::new(), String::new()),
    };
    Row {
        event_id: evidence.event_id.clone().unwrap_or_default(),
        provider: evidence.provider.clone(),
        action: evidence.action.clone(),
        shows: evidence.shows.clone(),
        input,
        offset,
        ..row
    }
}
