//! The report for people: coverage first, then the alerts by severity and time, then counts by rule.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use alert::Alert;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use ecs::Document;
use engine::AlertSink;
use rule::Severity;
use triage::report::TriageReport;

use super::coverage::Coverage;
use super::{Reporter, investigations};
use crate::printer::{Output, Paint, count, thousands, visible};

/// How many alerts the table shows unless told otherwise.
pub(crate) const DEFAULT_ROWS: usize = 200;

/// Keeps the first rows of the table, by severity and time; counts the others.
#[derive(Debug)]
pub(crate) struct TableReporter {
    output: Output,
    rows: BTreeMap<RowKey, Row>,
    /// 0 for all.
    shown: usize,
    by_severity: BTreeMap<Reverse<Severity>, u64>,
    alerts: u64,
    /// The last alert about several events: alerts about each of these follow it, and are shown in its row.
    group: Option<(String, RowKey)>,
    investigations: Vec<TriageReport>,
}

/// Highest severity first, then by time, rule and id. Alerts about copies of an event in several accounts share an id: the
/// order of arrival makes the order total, so that none hides another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    severity: Reverse<Severity>,
    time: String,
    rule: String,
    uuid: String,
    arrival: u64,
}

/// What one line of the table says.
#[derive(Debug)]
struct Row {
    time: String,
    severity: Severity,
    rule: String,
    who: String,
    source: String,
    what: String,
    event_id: String,
}

impl TableReporter {
    pub(crate) fn new(output: Output, shown: usize) -> Self {
        Self {
            output,
            rows: BTreeMap::new(),
            shown,
            by_severity: BTreeMap::new(),
            alerts: 0,
            group: None,
            investigations: Vec::new(),
        }
    }
}

impl TableReporter {
    /// Shows one event of a sequence in the row of the sequence: what happened, in order, and who and where from if
    /// the events have that in common or this is the first.
    fn show_in_group(&mut self, block: &Alert) {
        let Some((group, key)) = &self.group else { return };
        let Some(row) = self.rows.get_mut(key).filter(|_| block.group_id() == Some(group)) else { return };
        let document = block.document();
        let what = visible(&what(document));
        if block.group_index() == Some(0) {
            row.what = what;
        } else {
            row.what = format!("{} > {what}", row.what);
        }
        let text = |value: Option<&str>| value.map(visible).unwrap_or_default();
        if row.who.is_empty() {
            row.who = visible(&who(document));
        }
        if row.source.is_empty() {
            row.source = text(block.source_ip());
        }
        if row.event_id.is_empty() {
            row.event_id = text(block.event_id());
        }
    }
}

impl AlertSink for TableReporter {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        if alert.group_index().is_some() {
            self.show_in_group(&alert);
            return Ok(());
        }
        let severity = severity_of(&alert);
        self.alerts += 1;
        *self.by_severity.entry(Reverse(severity)).or_default() += 1;
        let text = |value: Option<&str>| value.map(visible).unwrap_or_default();
        let time = text(alert.original_time());
        let key = RowKey {
            severity: Reverse(severity),
            time: time.clone(),
            rule: text(alert.rule_name()),
            uuid: text(alert.uuid()),
            arrival: self.alerts,
        };
        let row = Row {
            // Most sources know no fractions of a second.
            time: time.replace(".000Z", "Z"),
            severity,
            rule: text(alert.rule_name()),
            who: visible(&who(alert.document())),
            source: text(alert.source_ip().or(alert.document().text("source.address"))),
            what: visible(&what(alert.document())),
            event_id: text(alert.event_id()) + &evidence(alert.document()),
        };
        self.group = alert.group_id().map(|id| (id.to_owned(), key.clone()));
        self.rows.insert(key, row);
        if self.shown > 0 && self.rows.len() > self.shown {
            self.rows.pop_last();
        }
        Ok(())
    }
}

impl Reporter for TableReporter {
    fn finish(mut self: Box<Self>, coverage: &Coverage) -> io::Result<()> {
        let out = &mut self.output;
        coverage.write_text(out)?;
        writeln!(out)?;
        if self.alerts == 0 {
            let heading = out.paint(Paint::Heading, "No alerts");
            writeln!(out, "{heading}")?;
            return out.flush();
        }
        let by_severity: Vec<String> = self
            .by_severity
            .iter()
            .map(|(Reverse(severity), n)| format!("{} {severity}", thousands(*n)))
            .collect();
        let heading = out.paint(Paint::Heading, count(self.alerts, "alert", "alerts"));
        writeln!(out, "{heading}: {}", by_severity.join(", "))?;
        writeln!(out)?;
        write_rows(out, self.rows.values())?;
        let hidden = self.alerts - self.rows.len() as u64;
        if hidden > 0 {
            let line = format!(
                "{} shown, {} more are not: --rows 0 shows all, --format ndjson, json and csv have all",
                thousands(self.rows.len() as u64),
                thousands(hidden)
            );
            writeln!(out, "{}", out.paint(Paint::Caution, line))?;
        }
        investigations::write(out, &mut self.investigations)?;
        writeln!(out)?;
        write_rule_counts(out, coverage)?;
        out.flush()
    }

    fn writes_attached(&self) -> bool {
        false
    }

    fn investigated(&mut self, report: TriageReport) {
        self.investigations.push(report);
    }
}

fn write_rows<'r>(out: &mut Output, rows: impl Iterator<Item = &'r Row>) -> io::Result<()> {
    let mut table = new_table(out);
    table.set_header(["time", "severity", "rule", "who", "from", "what", "event id"]);
    for row in rows {
        let Row { time, severity, rule, who, source, what, event_id } = row;
        table.add_row([time, severity.name(), rule, who, source, what, event_id]);
    }
    keep_whole(&mut table, out, &[0, 1, 4], &[6]);
    write_table(out, table)
}

fn write_rule_counts(out: &mut Output, coverage: &Coverage) -> io::Result<()> {
    let mut table = new_table(out);
    table.set_header(["alerts", "severity", "rule", "rule id"]);
    for rule in coverage.alerts_by_rule() {
        let outcome = &rule.outcome;
        let mut alerts = thousands(outcome.alerts);
        if outcome.building_blocks > 0 {
            alerts.push_str(&format!(" (of {})", count(outcome.building_blocks, "event", "events")));
        }
        if outcome.cut > 0 {
            alerts.push_str(&format!(" (+{} cut)", thousands(outcome.cut)));
        }
        table.add_row([
            alerts,
            rule.severity.name().to_owned(),
            visible(&outcome.name),
            visible(&outcome.rule_id),
        ]);
    }
    write_table(out, table)
}

/// A table without lines; it wraps to the terminal, and is as wide as its content elsewhere.
pub(crate) fn new_table(out: &Output) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match out.width() {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// Below so many columns of the terminal ids are wrapped like other text.
const WIDE: u16 = 140;

/// Keeps columns from being wrapped, so that what is in them can be copied: some always, some in a wide terminal.
pub(crate) fn keep_whole(table: &mut Table, out: &Output, always: &[usize], when_wide: &[usize]) {
    let wide = out.width().is_some_and(|width| width >= WIDE);
    for column in always.iter().chain(when_wide.iter().filter(|_| wide)) {
        if let Some(column) = table.column_mut(*column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// Writes a table, the column `severity` in colours.
pub(crate) fn write_table(out: &mut Output, mut table: Table) -> io::Result<()> {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    let text = table.trim_fmt();
    let mut lines = text.lines();
    let Some(header) = lines.next() else { return Ok(()) };
    let column = header.find("severity");
    writeln!(out, "{}", out.paint(Paint::Heading, header))?;
    for line in lines {
        writeln!(out, "{}", paint_severity(out, line, column))?;
    }
    Ok(())
}

fn paint_severity(out: &Output, line: &str, column: Option<usize>) -> String {
    let (Some(before), Some(rest)) =
        (column.and_then(|at| line.get(..at)), column.and_then(|at| line.get(at..)))
    else {
        return line.to_owned();
    };
    for (severity, paint) in [("critical", Paint::Alarm), ("high", Paint::Alarm), ("medium", Paint::Caution)]
    {
        if let Some(after) = rest.strip_prefix(severity) {
            return format!("{before}{}{after}", out.paint(paint, severity));
        }
    }
    line.to_owned()
}

/// The alert's severity; an alert always has one.
pub(crate) fn severity_of(alert: &Alert) -> Severity {
    alert.severity().and_then(|text| text.parse().ok()).unwrap_or(Severity::Low)
}

/// Who acted: the identity's ARN without its partition and service, else the user, else the host.
pub(crate) fn who(document: &Document) -> String {
    match document.text("aws.cloudtrail.user_identity.arn") {
        Some(arn) => {
            let mut parts = arn.splitn(6, ':');
            match (parts.nth(4), parts.next()) {
                (Some(account), Some(identity)) => format!("{account}:{identity}"),
                _ => arn.to_owned(),
            }
        }
        None => ["user.name", "user.id", "user.email", "host.name"]
            .into_iter()
            .find_map(|field| document.first(field))
            .map(|value| value.text().into_owned())
            .unwrap_or_default(),
    }
}

/// What happened: the action, to which resource, and that it failed; of an event without an action the process or file
/// that it is about, or its category.
pub(crate) fn what(document: &Document) -> String {
    if document.first(EVENT_COUNT).is_some() {
        return columns(document).take(COLUMNS).collect::<Vec<_>>().join(" ");
    }
    let about = ["event.action", "process.name", "file.path", "event.category"];
    let mut what = about.into_iter().find_map(|field| document.text(field)).unwrap_or_default().to_owned();
    if let Some(resource) = document.text("aws.cloudtrail.resources.arn") {
        let short = resource.splitn(6, ':').nth(5).unwrap_or(resource);
        what.push(' ');
        what.push_str(short);
    }
    if !what.is_empty() && document.text("event.outcome") == Some("failure") {
        what.push_str(" (failed)");
    }
    what
}

/// How many events an alert about a group has.
const EVENT_COUNT: &str = "bartizan.evidence.event_count";
/// So many columns of a row about a group are shown.
const COLUMNS: usize = 8;
/// So many characters of a column are shown.
const COLUMN_WIDTH: usize = 60;

/// What a row about a group of events says, beside who and where from: `name=value`.
fn columns(document: &Document) -> impl Iterator<Item = String> + '_ {
    row_columns(document).filter(|(name, _)| !["user.name", "source.ip"].contains(&name.as_str())).map(
        |(name, value)| {
            let column = format!("{}={value}", name.strip_prefix("Esql.").unwrap_or(&name));
            match column.char_indices().nth(COLUMN_WIDTH) {
                Some((end, _)) => format!("{}…", &column[..end]),
                None => column,
            }
        },
    )
}

/// The columns of a row about a group of events, with their values, several joined by `,`.
pub(super) fn row_columns(document: &Document) -> impl Iterator<Item = (String, String)> + '_ {
    let is_own = |name: &str| {
        name == "@timestamp"
            || name == "event.kind"
            || name.starts_with("kibana.")
            || name.starts_with("bartizan.")
    };
    let names = document.as_map().keys().filter(move |name| !is_own(name));
    names.map(|name| {
        let values: Vec<_> = document.values(name).into_iter().map(|value| value.text()).collect();
        (name.clone(), values.join(","))
    })
}

/// The first event of a group, and how many more there are; nothing for an alert about one event.
fn evidence(document: &Document) -> String {
    let Some(ecs::Scalar::Int(events)) = document.first(EVENT_COUNT) else { return String::new() };
    let first = document.text("bartizan.evidence.event_ids").map(visible).unwrap_or_default();
    match events {
        ..=1 => first,
        more => format!("{first} (+{})", thousands(more as u64 - 1)),
    }
}
