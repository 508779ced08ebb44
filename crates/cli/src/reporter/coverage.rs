//! The account that every hunt ends with: what was read, what was lost and why, which rules ran and which did not.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use ecs::TimeRange;
use engine::outcome::ExceptedHits;
use engine::{HuntSummary, IndicatorAccount, NotRunReason, RuleOutcome, RuleStatus, Windows};
use ingest::RecordKind;
use ingest::decode::Outcome;
use ingest::ledger::{DropReason, InputAccount, Ledger, Tally};
use query::Diagnostic;
use report::DigestVerdict;
use rule::library::Replaced;
use rule::{Origin, RuleLibrary, Severity};

use super::removed_values::RemovedValues;
use crate::exit_status::ExitStatus;
use crate::printer::{Output, Paint, count, thousands, visible};

/// How many entries of one kind the text names; it says how many more there are. JSON has all of them.
const NAMED: usize = 20;

/// The account of a run.
#[derive(Debug)]
pub(crate) struct Coverage {
    pub(crate) range: TimeRange,
    /// How rules were run whose meaning depends on their window; `None` when there were none.
    pub(crate) windows: Option<Windows>,
    pub(crate) ledger: Ledger,
    /// The files of indicators.
    pub(crate) indicators: Vec<IndicatorAccount>,
    pub(crate) rules: Vec<RuleAccount>,
    /// Rules that the user's filters left out.
    pub(crate) not_selected: usize,
    /// Rules, and whole rule files, that could not be read.
    pub(crate) unreadable_rules: Vec<UnreadableRule>,
    /// Rules that gave way to others of the same id.
    pub(crate) replaced: Vec<Replaced>,
    /// The file that keeps what could not be read, and how many entries it has.
    pub(crate) dead_letter: Option<(PathBuf, u64)>,
    /// The exception lists that were loaded, with the number of their items, and the value lists with that of their
    /// values.
    pub(crate) exceptions: Vec<(String, u64)>,
    pub(crate) value_lists: Vec<(String, u64)>,
    /// Values that alerts do not have because they clash with ECS.
    pub(crate) removed_values: RemovedValues,
    /// Files under the given paths that this run itself writes to.
    pub(crate) own_files: Vec<PathBuf>,
    /// Case folders of earlier hunts below the given paths: they hold alerts and copies of records.
    pub(crate) case_folders: Vec<PathBuf>,
    /// Whether the files are as CloudTrail delivered them; `None` when that was not asked.
    pub(crate) verification: Option<(DigestVerdict, Vec<String>)>,
}

/// One rule in a run.
#[derive(Debug)]
pub(crate) struct RuleAccount {
    pub(crate) outcome: RuleOutcome,
    pub(crate) severity: Severity,
    pub(crate) version: u32,
    pub(crate) origin: Origin,
}

/// A rule, or a file of rules, that could not be read.
#[derive(Debug)]
pub(crate) struct UnreadableRule {
    /// File, and line where known.
    pub(crate) place: String,
    /// Id or name, where they could be read.
    pub(crate) rule: Option<String>,
    pub(crate) reason: String,
}

impl Coverage {
    /// Joins what a hunt says with what is known of its rules. `loaded` is everything that was read, `selected` the
    /// library that the plan was made of.
    pub(crate) fn new(
        range: TimeRange,
        summary: HuntSummary,
        selected: &RuleLibrary,
        loaded: &RuleLibrary,
    ) -> Self {
        let rules = summary.rules.into_iter().zip(&selected.rules);
        Self {
            range,
            windows: None,
            ledger: summary.ledger,
            indicators: summary.indicators,
            rules: rules
                .map(|(outcome, rule)| RuleAccount {
                    outcome,
                    severity: rule.severity,
                    version: rule.version,
                    origin: rule.origin.clone(),
                })
                .collect(),
            not_selected: loaded.rules.len() - selected.rules.len(),
            unreadable_rules: unreadable_rules(loaded),
            replaced: loaded.replaced.clone(),
            exceptions: exceptions_of(loaded),
            value_lists: loaded.value_lists.iter().map(|list| (list.id.clone(), list.len() as u64)).collect(),
            dead_letter: None,
            removed_values: RemovedValues::default(),
            own_files: Vec::new(),
            case_folders: Vec::new(),
            verification: None,
        }
    }

    /// Of a run that reads, and runs no rules.
    pub(crate) fn of_reading(ledger: Ledger) -> Self {
        let summary = HuntSummary { ledger, rules: Vec::new(), indicators: Vec::new(), evidence: None };
        let none = RuleLibrary::default();
        Self::new(TimeRange::default(), summary, &none, &none)
    }

    /// What the run's account makes of its exit status.
    pub(crate) fn status(&self, strict: bool) -> ExitStatus {
        let failed =
            self.not_run().any(|(_, reason)| reason.is_failure()) || !self.unreadable_rules.is_empty();
        let incomplete = self.not_run().any(|(_, reason)| matches!(reason, NotRunReason::RuleType(_)))
            || self.ledger.read() < self.ledger.inputs()
            || self.indicators.iter().any(|file| file.unreadable.is_some());
        if failed || (strict && incomplete) { ExitStatus::CouldNotRun } else { ExitStatus::Done }
    }

    fn not_run(&self) -> impl Iterator<Item = (&RuleAccount, &NotRunReason)> {
        self.rules.iter().filter_map(|rule| match &rule.outcome.status {
            RuleStatus::NotRun(reason) => Some((rule, reason)),
            RuleStatus::Ran => None,
        })
    }

    /// Digests among the records: they hold no events, but what they say of log files can be checked.
    pub(crate) fn digests(&self) -> u64 {
        let digest = DropReason::NotAnEvent(RecordKind::CloudTrailDigest);
        self.ledger.counts().drops.get(&digest).copied().unwrap_or_default()
    }

    pub(super) fn ran(&self) -> usize {
        self.rules.iter().filter(|rule| rule.outcome.status == RuleStatus::Ran).count()
    }

    /// Why rules did not run, with their number.
    pub(super) fn not_run_kinds(&self) -> BTreeMap<String, u64> {
        let mut kinds = BTreeMap::new();
        for (_, reason) in self.not_run() {
            *kinds.entry(reason.kind()).or_default() += 1;
        }
        if !self.unreadable_rules.is_empty() {
            kinds.insert("unreadable".to_owned(), self.unreadable_rules.len() as u64);
        }
        kinds
    }

    /// What was read, as text for people.
    pub(crate) fn write_reading(&self, out: &mut Output) -> io::Result<()> {
        let heading = out.paint(Paint::Heading, "Coverage");
        writeln!(out, "{heading}")?;
        self.write_inputs(out)?;
        self.write_records(out)?;
        self.write_events(out)
    }

    /// The account as text for people.
    pub(crate) fn write_text(&self, out: &mut Output) -> io::Result<()> {
        self.write_reading(out)?;
        self.write_indicators(out)?;
        self.write_rules(out)
    }

    fn write_inputs(&self, out: &mut Output) -> io::Result<()> {
        let ledger = &self.ledger;
        let line = format!(
            "{}: {} read, {} partly read, {} skipped",
            count(ledger.inputs(), "file", "files"),
            thousands(ledger.read()),
            thousands(ledger.partly_read()),
            thousands(ledger.skipped())
        );
        item(out, "inputs", &line)?;
        let kept = ledger.not_fully_read();
        for input in kept.iter().take(NAMED) {
            let (what, why) = not_read_whole(input);
            detail(out, Paint::Caution, &format!("{what}  {}: {why}", visible(&input.name)))?;
        }
        let more =
            kept.len().saturating_sub(NAMED) as u64 + ledger.unnamed_partly_read() + ledger.unnamed_skipped();
        and_more(out, more, "not fully read")?;
        for path in &self.own_files {
            let path = visible(&path.display().to_string());
            detail(out, Paint::Caution, &format!("left out     {path}: this run writes to it"))?;
        }
        for path in &self.case_folders {
            let path = visible(&path.display().to_string());
            detail(out, Paint::Caution, &format!("left out     {path}: the case folder of an earlier hunt"))?;
        }
        Ok(())
    }

    fn write_records(&self, out: &mut Output) -> io::Result<()> {
        let counts = self.ledger.counts();
        let outside = counts.drops.get(&DropReason::OutsideOfRange).copied().unwrap_or_default();
        let dropped = counts.dropped() - outside;
        let mut line = format!(
            "{} in = {} + {} + {} dropped",
            thousands(counts.records_in),
            count(counts.events, "event", "events"),
            count(counts.duplicates, "duplicate", "duplicates"),
            thousands(dropped)
        );
        if self.range != TimeRange::default() || outside > 0 {
            line.push_str(&format!(" + {} outside of the time range", thousands(outside)));
        }
        item(out, "records", &line)?;
        for (reason, number) in
            counts.drops.iter().filter(|(reason, _)| **reason != DropReason::OutsideOfRange)
        {
            detail(
                out,
                Paint::Caution,
                &format!("dropped  {}: {}", thousands(*number), visible(&reason.to_string())),
            )?;
        }
        if counts.other_drops > 0 {
            detail(
                out,
                Paint::Caution,
                &format!("dropped  {}: other reasons", thousands(counts.other_drops)),
            )?;
        }
        let notes = &counts.notes;
        for (number, what) in [
            (notes.repaired_surrogates, "records had half a character, which became U+FFFD"),
            (notes.replaced_units, "UTF-16 units without their other half became U+FFFD"),
            (notes.control_messages, "CloudWatch control messages, which hold no records"),
            (notes.empty_arrays, "empty lists ([]), which hold no records"),
        ] {
            if number > 0 {
                detail(out, Paint::Faint, &format!("noted    {}: {what}", thousands(number)))?;
            }
        }
        if let Some((path, entries)) = &self.dead_letter {
            let path = visible(&path.display().to_string());
            let kept = format!(
                "kept     {} of what could not be read, in {path}",
                count(*entries, "entry", "entries")
            );
            detail(out, Paint::Faint, &kept)?;
        }
        if let Some((verdict, says)) = &self.verification {
            let (word, paint) = match verdict {
                DigestVerdict::Intact => ("as CloudTrail delivered them", Paint::Faint),
                DigestVerdict::Incomplete => ("not everything could be checked", Paint::Caution),
                DigestVerdict::Broken => ("something was changed or is missing", Paint::Alarm),
            };
            item(out, "verified", &out.paint(paint, word))?;
            for sentence in says {
                detail(out, paint, &visible(sentence))?;
            }
        } else if self.digests() > 0 {
            let line = format!(
                "{}; `bartizan verify PATH` checks them, and the log files that they name",
                count(self.digests(), "CloudTrail digest", "CloudTrail digests")
            );
            item(out, "digests", &line)?;
        }
        Ok(())
    }

    fn write_events(&self, out: &mut Output) -> io::Result<()> {
        let TimeRange { from, to } = self.range;
        if self.range != TimeRange::default() {
            let from = from.map_or("the beginning".to_owned(), |at| at.to_string());
            let to = to.map_or("the end".to_owned(), |at| format!("before {at}"));
            item(out, "range", &format!("from {from} to {to}"))?;
        }
        let coverage = self.ledger.coverage();
        let times = match (coverage.first_event(), coverage.last_event()) {
            (Some(first), Some(last)) => format!("first {first}, last {last}"),
            _ => "none with a time".to_owned(),
        };
        let without = match coverage.without_time() {
            0 => String::new(),
            number => format!(
                "; {} without a readable time, looked at whatever the range",
                count(number, "event", "events")
            ),
        };
        item(out, "events", &format!("{times}{without}"))?;
        item(out, "accounts", &tally(coverage.accounts()))?;
        item(out, "regions", &tally(coverage.regions()))
    }

    /// Which exception lists and value lists were loaded; nothing when there are none.
    fn write_exceptions(&self, out: &mut Output) -> io::Result<()> {
        let named =
            |list: &(String, u64), one, many| format!("{} ({})", visible(&list.0), count(list.1, one, many));
        let lists =
            self.exceptions.iter().map(|list| format!("list     {}", named(list, "exception", "exceptions")));
        let values =
            self.value_lists.iter().map(|list| format!("list     {}", named(list, "value", "values")));
        list(out, Paint::Faint, &lists.chain(values).collect::<Vec<_>>(), "lists")
    }

    /// What the files of indicators gave; nothing when there are none.
    fn write_indicators(&self, out: &mut Output) -> io::Result<()> {
        if self.indicators.is_empty() {
            return Ok(());
        }
        let sum = |of: fn(&IndicatorAccount) -> u64| self.indicators.iter().map(of).sum::<u64>();
        let line = format!(
            "{}: {} in = {} + {} + {} dropped; {} wanted by rules",
            count(self.indicators.len() as u64, "file of indicators", "files of indicators"),
            thousands(sum(|file| file.records)),
            count(sum(|file| file.indicators), "indicator", "indicators"),
            count(sum(|file| file.duplicates), "duplicate", "duplicates"),
            thousands(sum(IndicatorAccount::dropped)),
            thousands(sum(|file| file.wanted)),
        );
        item(out, "feeds", &line)?;
        let mut lines = Vec::new();
        for file in &self.indicators {
            let name = &file.name;
            lines.extend(file.unreadable.iter().map(|reason| format!("not read whole  {name}: {reason}")));
            lines.extend(
                file.dropped
                    .iter()
                    .map(|(fault, n)| format!("dropped  {} of {name}: {fault}", thousands(*n))),
            );
            if !file.ignored_columns.is_empty() {
                lines.push(format!(
                    "noted    {name}: no field has the name of: {}",
                    file.ignored_columns.join(", ")
                ));
            }
        }
        list(out, Paint::Caution, &lines, "about indicators")
    }

    fn write_rules(&self, out: &mut Output) -> io::Result<()> {
        let mut line = format!("{} run", thousands(self.ran() as u64));
        let kinds = self.not_run_kinds();
        line.push_str(&format!(", {} not run", thousands(kinds.values().sum())));
        if !kinds.is_empty() {
            let kinds: Vec<String> =
                kinds.iter().map(|(kind, number)| format!("{kind} {}", thousands(*number))).collect();
            line.push_str(&format!(": {}", kinds.join(", ")));
        }
        if self.not_selected > 0 {
            line.push_str(&format!("; {} not selected", thousands(self.not_selected as u64)));
        }
        item(out, "rules", &line)?;
        if let Some(windows) = self.windows {
            let line = match windows {
                Windows::AsScheduled => {
                    "as scheduled: new_terms, threshold and ES|QL rules, and suppression, in the windows of their runs"
                }
                Windows::WholeRange => {
                    "whole range:  new_terms, threshold and ES|QL rules, and suppression, once each, in one window"
                }
            };
            detail(out, Paint::Faint, line)?;
        }

        self.write_exceptions(out)?;

        let mut failures = Vec::new();
        for UnreadableRule { place, rule, reason } in &self.unreadable_rules {
            let rule = rule.as_ref().map(|rule| format!("{rule} ")).unwrap_or_default();
            failures.push(format!("not run  {rule}({place}): {reason}"));
        }
        for (rule, reason) in self.not_run().filter(|(_, reason)| reason.is_failure()) {
            failures.push(format!("not run  {} ({}): {reason}", rule.outcome.name, place(&rule.origin)));
        }
        list(out, Paint::Alarm, &failures, "not run")?;

        let replaced: Vec<String> = self
            .replaced
            .iter()
            .map(|old| {
                format!(
                    "replaced {} version {} ({}) by version {} ({})",
                    old.name,
                    old.version,
                    place(&old.origin),
                    old.by_version,
                    place(&old.by)
                )
            })
            .collect();
        list(out, Paint::Faint, &replaced, "replaced")?;

        let mut warnings: Vec<String> = Vec::new();
        for rule in &self.rules {
            warnings.extend(
                rule.outcome
                    .warnings
                    .iter()
                    .map(|w| format!("warning  {}: {}", rule.outcome.name, w.message)),
            );
        }
        warnings.dedup();
        list(out, Paint::Caution, &warnings, "warnings")?;
        if !warnings.is_empty() || !failures.is_empty() {
            detail(
                out,
                Paint::Faint,
                "`bartizan rule check FILE` shows the places of what is wrong with a rule",
            )?;
        }

        let cut: Vec<String> = self
            .rules
            .iter()
            .filter(|rule| rule.outcome.cut > 0)
            .map(|rule| {
                let RuleOutcome { name, hits, alerts, cut, .. } = &rule.outcome;
                format!(
                    "cut      {name}: {} of {} became alerts, {} by --max-signals",
                    thousands(*alerts),
                    count(*hits, "hit", "hits"),
                    count(*cut, "was cut", "were cut")
                )
            })
            .collect();
        list(out, Paint::Caution, &cut, "cut")?;
        let beyond_data: Vec<String> = self
            .rules
            .iter()
            .filter(|rule| rule.outcome.beyond_data > 0)
            .map(|rule| {
                let sequences = count(rule.outcome.beyond_data, "sequence rests", "sequences rest");
                format!(
                    "noted    {}: {sequences} on a missing event for which the data ends too early or begins too late",
                    rule.outcome.name
                )
            })
            .collect();
        list(out, Paint::Caution, &beyond_data, "rules with missing events beyond the data")?;
        let excepted: Vec<String> = self
            .rules
            .iter()
            .flat_map(|rule| rule.outcome.excepted.iter().map(move |item| (rule, item)))
            .filter(|(_, item)| item.events > 0)
            .map(|(rule, item)| {
                let events = count(item.events, "event", "events");
                let ExceptedHits { name, list_id, .. } = item;
                format!("excepted {}: {events} by `{name}` of the list `{list_id}`", rule.outcome.name)
            })
            .collect();
        list(out, Paint::Faint, &excepted, "exceptions that took events out")?;
        let suppressed: Vec<String> = self
            .rules
            .iter()
            .filter(|rule| rule.outcome.suppressed > 0)
            .map(|rule| {
                let hits = count(rule.outcome.suppressed, "hit was", "hits were");
                format!("noted    {}: {hits} folded into other alerts by its suppression", rule.outcome.name)
            })
            .collect();
        list(out, Paint::Faint, &suppressed, "rules with folded hits")?;
        let own: Vec<String> = self
            .rules
            .iter()
            .filter(|rule| rule.outcome.own_alerts > 0)
            .map(|rule| {
                let hits = count(rule.outcome.own_alerts, "hit is an alert", "hits are alerts");
                format!("noted    {}: {hits} of this rule itself, and made no alert", rule.outcome.name)
            })
            .collect();
        list(out, Paint::Faint, &own, "rules with hits among their own alerts")?;
        let without_time: Vec<String> = self
            .rules
            .iter()
            .filter(|rule| rule.outcome.without_time > 0)
            .map(|rule| {
                let events = count(rule.outcome.without_time, "event has", "events have");
                format!("noted    {}: {events} no time, and could take no part", rule.outcome.name)
            })
            .collect();
        list(out, Paint::Caution, &without_time, "rules with events without a time")?;
        if let Some(line) = self.removed_values.line() {
            detail(out, Paint::Caution, &format!("noted    {line}"))?;
        }
        Ok(())
    }

    /// Alerts per rule, most first: name, alerts, hits that were cut.
    pub(crate) fn alerts_by_rule(&self) -> Vec<&RuleAccount> {
        let mut rules: Vec<&RuleAccount> = self.rules.iter().filter(|rule| rule.outcome.hits > 0).collect();
        rules.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.outcome.hits.cmp(&a.outcome.hits)));
        rules
    }
}

/// Rules that failed to load, and files in which something failed that is no rule.
pub(crate) fn unreadable_rules(library: &RuleLibrary) -> Vec<UnreadableRule> {
    let mut found: Vec<UnreadableRule> = library
        .failed
        .iter()
        .map(|rule| UnreadableRule {
            place: place(&rule.origin),
            rule: rule.name.clone().or_else(|| rule.rule_id.clone()),
            reason: rule.reason.clone(),
        })
        .collect();
    for file in &library.outcomes {
        if file.failed == 0
            && let Some(fault) = file.diagnostics.iter().find(|found| found.is_error())
        {
            let Diagnostic { message, .. } = fault;
            let place = file.path.display().to_string();
            found.push(UnreadableRule { place, rule: None, reason: message.clone() });
        }
    }
    found
}

/// The exception lists of a library, with the number of their items; those of which only items are here, too.
fn exceptions_of(library: &RuleLibrary) -> Vec<(String, u64)> {
    let lists = library.exception_lists.iter().map(|list| (&list.list_id, list.namespace_type));
    let items = library.exception_items.iter().map(|item| (&item.list_id, item.namespace_type));
    let mut known = Vec::new();
    for key in lists.chain(items.clone()) {
        if !known.contains(&key) {
            known.push(key);
        }
    }
    let of_list = |key| items.clone().filter(|item| *item == key).count() as u64;
    known.into_iter().map(|key| (key.0.clone(), of_list(key))).collect()
}

/// A file, and the line in it where a rule does not start at its first.
pub(crate) fn place(origin: &Origin) -> String {
    match origin.line {
        1 => origin.path.display().to_string(),
        line => format!("{}:{line}", origin.path.display()),
    }
}

pub(super) fn windows_name(windows: Windows) -> &'static str {
    match windows {
        Windows::AsScheduled => "as_scheduled",
        Windows::WholeRange => "whole_range",
    }
}

/// What became of an input that was not read whole, and why.
pub(crate) fn not_read_whole(input: &InputAccount) -> (&'static str, String) {
    match &input.outcome {
        Outcome::Read => ("read", String::new()),
        Outcome::PartlyRead { offset, reason } => ("partly read", format!("{reason}, at byte {offset}")),
        Outcome::Skipped(reason) => ("skipped    ", visible(&reason.to_string())),
    }
}

fn tally(tally: &Tally) -> String {
    let mut counts = tally.sorted();
    if counts.is_empty() && tally.other() == 0 {
        return "none named".to_owned();
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let shown: Vec<String> = counts
        .iter()
        .take(NAMED)
        .map(|(name, number)| format!("{} ({})", visible(name), thousands(*number)))
        .collect();
    let more = counts.len().saturating_sub(NAMED);
    let mut line = shown.join(", ");
    if more > 0 {
        line.push_str(&format!(" and {} more (--format json has all)", thousands(more as u64)));
    }
    if tally.other() > 0 {
        line.push_str(&format!(", and others ({})", thousands(tally.other())));
    }
    line
}

/// Columns before a value.
const LABEL: usize = 10;

fn item(out: &mut Output, label: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {label:LABEL$}{value}")
}

fn detail(out: &mut Output, paint: Paint, line: &str) -> io::Result<()> {
    let line = out.paint(paint, line);
    writeln!(out, "  {:LABEL$}{line}", "")
}

fn list(out: &mut Output, paint: Paint, lines: &[String], what: &str) -> io::Result<()> {
    for line in lines.iter().take(NAMED) {
        detail(out, paint, &visible(line))?;
    }
    and_more(out, lines.len().saturating_sub(NAMED) as u64, what)
}

fn and_more(out: &mut Output, more: u64, what: &str) -> io::Result<()> {
    if more == 0 {
        return Ok(());
    }
    detail(out, Paint::Faint, &format!("and {} more {what}; --format json names all", thousands(more)))
}
