//! `bartizan rule show`: everything about one rule, and which version of it is in force.

use std::io::{self, Write};

use ecs::{Catalog, Timestamp};
use engine::{Plan, RuleOutcome, RuleStatus};
use jiff::SignedDuration;
use rule::rule_type::RuleType;
use rule::schedule::Schedule;
use rule::{Rule, RuleLibrary};

use super::{Context, ListFormat};
use crate::exit_status::ExitStatus;
use crate::printer::{Output, Paint, count, visible, visible_lines};
use crate::reporter::coverage::place;
use crate::rule_selection::{self, RuleSource};

const EXAMPLES: &str = "\
Examples:
  bartizan rule show 'AWS KMS Imported Key Material Deleted'
  bartizan rule show 6951f15e-533c-4a60-8014-a3c3ab851a1b --rules ./my-rules";

/// Arguments of `bartizan rule show`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The rule: its id, its name, a pattern with `*` for one of these, or its file
    rule: String,
    #[command(flatten)]
    source: RuleSource,
    /// As text, or as the object that Kibana's API has for it
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let mut library = args.source.load()?;
    rule_selection::load_if_file(&args.rule, &mut library);
    let rule = rule_selection::one_rule(&args.rule, &library)?;
    let one = rule_selection::of_rules(vec![rule.clone()], &library);
    let plan = Plan::new(&one, &Catalog::builtin(), context.now);
    let mut out = context.printer.stdout();
    match args.format {
        ListFormat::Text => {
            Page { out: &mut out, rule, library: &library }.write(plan.outcomes.first(), context.now)?
        }
        ListFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &rule::format::rule_object(rule))?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(ExitStatus::Done)
}

/// The page about a rule.
struct Page<'p> {
    out: &'p mut Output,
    rule: &'p Rule,
    library: &'p RuleLibrary,
}

impl Page<'_> {
    fn write(mut self, outcome: Option<&RuleOutcome>, now: Timestamp) -> io::Result<()> {
        let rule = self.rule;
        let name = self.out.paint(Paint::Heading, visible(&rule.name));
        writeln!(self.out, "{name}")?;
        self.item("rule id", &rule.rule_id)?;
        self.item("version", &format!("{}, from {}", rule.version, place(&rule.origin)))?;
        for old in self.library.replaced.iter().filter(|old| old.rule_id == rule.rule_id) {
            self.item("replaces", &format!("version {}, from {}", old.version, place(&old.origin)))?;
        }
        self.item("type", rule.rule_type.display_name())?;
        self.item("severity", &format!("{}, risk score {}", rule.severity, rule.risk_score))?;
        for mapping in &rule.severity_mapping {
            self.item("", &format!("{} when {} is {}", mapping.severity, mapping.field, mapping.value))?;
        }
        for mapping in &rule.risk_score_mapping {
            self.item("", &format!("risk score from {}", mapping.field))?;
        }
        self.item("runs", &runs(outcome))?;
        for warning in outcome.iter().flat_map(|outcome| &outcome.warnings) {
            self.item("", &format!("warning: {}", warning.message))?;
        }
        self.schedule(now)?;
        self.standing()?;
        self.query()?;
        self.about()
    }

    /// The schedule in words.
    fn schedule(&mut self, now: Timestamp) -> io::Result<()> {
        let schedule = Schedule::of(self.rule);
        let Schedule { interval, from, to } = &schedule;
        let window =
            schedule.window(now).ok().and_then(|window| Some(window.to?.duration_since(window.from?)));
        let window = window.map_or_else(String::new, |window| format!(", {} long", in_words(window)));
        let mut line =
            format!("every {}, over a window from {from} to {to}{window}", in_words(interval.as_duration()));
        match schedule.look_back(now) {
            Ok(look_back) if look_back.is_negative() => {
                line.push_str(&format!(": {} between two runs are never searched", in_words(-look_back)));
            }
            Ok(look_back) if look_back.is_zero() => line.push_str(", with no additional look-back"),
            Ok(look_back) => line.push_str(&format!(", so {} of additional look-back", in_words(look_back))),
            Err(_) => {}
        }
        self.item("schedule", &line)?;
        let time = match self.rule.fallback_timestamp() {
            Some(fallback) => format!("{}, else {fallback}", self.rule.primary_timestamp()),
            None => self.rule.primary_timestamp().to_owned(),
        };
        self.item("time field", &time)?;
        self.item(
            "alerts",
            &format!(
                "at most {} a run (`hunt` has no cap unless given --max-signals)",
                self.rule.max_signals
            ),
        )
    }

    fn standing(&mut self) -> io::Result<()> {
        let rule = self.rule;
        self.list("author", &rule.author)?;
        self.text_item("licence", rule.license.as_deref())?;
        if let Some(metadata) = &rule.metadata {
            let dates = [("written", &metadata.creation_date), ("changed", &metadata.updated_date)];
            let dates: Vec<String> =
                dates.iter().filter(|(_, d)| !d.is_empty()).map(|(w, d)| format!("{w} {d}")).collect();
            self.list("dates", &dates)?;
            self.text_item("maturity", metadata.maturity.map(|maturity| maturity.name()))?;
        }
        if rule.building_block {
            self.item("kind", "building block: its alerts are kept from view and serve other rules")?;
        }
        self.list("tags", &rule.tags)?;
        for threat in &rule.threat {
            let tactic = format!("{}: {} {}", threat.framework, threat.tactic.name, threat.tactic.id);
            if threat.technique.is_empty() {
                self.item("threat", &tactic)?;
            }
            for technique in &threat.technique {
                let mut line = format!("{tactic} › {} {}", technique.entry.name, technique.entry.id);
                for sub in &technique.subtechnique {
                    line.push_str(&format!(" › {} {}", sub.name, sub.id));
                }
                self.item("threat", &line)?;
            }
        }
        Ok(())
    }

    /// What it looks for.
    fn query(&mut self) -> io::Result<()> {
        let rule = self.rule;
        if let Some(source) = engine::index_selection::source(&rule.rule_type) {
            match (&source.index, &source.data_view_id) {
                (Some(index), _) => self.list("reads", index)?,
                (None, Some(id)) => self.item("reads", &format!("the data view {id}"))?,
                (None, None) => {
                    self.list("reads", &engine::index_selection::DEFAULT_PATTERNS.map(str::to_owned))?
                }
            }
            if !source.filters.is_empty() {
                let filters = source.filters.len();
                self.item("filters", &format!("{filters} beside the query; --format json shows them"))?;
            }
        }
        let naming = self.library.exception_lists.iter().filter(|list| {
            list.names(rule) && !rule.exceptions_list.iter().any(|reference| reference.leads_to(list))
        });
        let referred = rule.exceptions_list.iter().map(|r| (r.list_id.as_str(), r.namespace_type, ""));
        let lists =
            referred.chain(naming.map(|l| (l.list_id.as_str(), l.namespace_type, ", names the rule")));
        for (list_id, namespace, how) in lists {
            let is_it = |id: &str, its| id == list_id && its == namespace;
            let items = self.library.exception_items.iter();
            let items = items.filter(|item| is_it(&item.list_id, item.namespace_type)).count();
            let known = self.library.exception_lists.iter().any(|l| is_it(&l.list_id, l.namespace_type));
            let state = if known || items > 0 {
                count(items as u64, "item", "items")
            } else {
                "not loaded: does not apply".to_owned()
            };
            self.item("exceptions", &format!("list {list_id} ({state}{how})"))?;
        }
        match &rule.rule_type {
            RuleType::Threshold(own) => {
                let threshold = &own.threshold;
                self.item(
                    "threshold",
                    &format!("at least {} events by ({})", threshold.value, threshold.field.join(", ")),
                )?;
                for cardinality in &threshold.cardinality {
                    self.item(
                        "",
                        &format!("and at least {} values of {}", cardinality.value, cardinality.field),
                    )?;
                }
            }
            RuleType::NewTerms(own) => {
                let fields = own.new_terms_fields.join(", ");
                self.item(
                    "new terms",
                    &format!("of ({fields}), not seen since {}", own.history_window_start),
                )?;
            }
            RuleType::ThreatMatch(own) => self
                .item("indicators", &format!("{} where {}", own.threat_index.join(", "), own.threat_query))?,
            RuleType::MachineLearning(own) => {
                let jobs = own.machine_learning_job_id.join(", ");
                self.item(
                    "anomalies",
                    &format!("of {jobs} with a score of at least {}", own.anomaly_threshold),
                )?;
            }
            RuleType::Query(_) | RuleType::SavedQuery(_) | RuleType::Eql(_) | RuleType::Esql(_) => {}
        }
        if let Some(suppression) = rule.rule_type.suppression() {
            let span = suppression
                .duration
                .map_or("one run".to_owned(), |duration| in_words(duration.as_duration()));
            let by = suppression.group_by.join(", ");
            self.item(
                "suppression",
                &format!(
                    "alerts of {span} with the same ({by}) are one; missing fields: {}",
                    suppression.missing_fields.name()
                ),
            )?;
        }
        if let Some((query, language)) = rule.rule_type.query() {
            self.section(&format!("Query ({language})"), query)?;
        }
        Ok(())
    }

    /// What people should know.
    fn about(&mut self) -> io::Result<()> {
        let rule = self.rule;
        self.section("Description", &rule.description)?;
        self.section("Set-up", &rule.setup)?;
        self.section("Known causes that are no attack", &bullets(&rule.false_positives))?;
        self.section("Investigation fields", &bullets(&rule.investigation_fields))?;
        self.section("Investigation guide", rule.note.as_deref().unwrap_or_default())?;
        self.section("References", &bullets(&rule.references))
    }

    fn item(&mut self, label: &str, value: &str) -> io::Result<()> {
        writeln!(self.out, "  {label:13}{}", visible(value))
    }

    fn text_item(&mut self, label: &str, value: Option<&str>) -> io::Result<()> {
        value.map_or(Ok(()), |value| self.item(label, value))
    }

    fn list(&mut self, label: &str, values: &[String]) -> io::Result<()> {
        if values.is_empty() { Ok(()) } else { self.item(label, &values.join(", ")) }
    }

    fn section(&mut self, title: &str, text: &str) -> io::Result<()> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let title = self.out.paint(Paint::Heading, title);
        writeln!(self.out, "\n{title}")?;
        for line in visible_lines(text.trim()).lines() {
            let line = if line.is_empty() { String::new() } else { format!("  {line}") };
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}

fn runs(outcome: Option<&RuleOutcome>) -> String {
    match outcome.map(|outcome| &outcome.status) {
        Some(RuleStatus::Ran) => "yes".to_owned(),
        Some(RuleStatus::NotRun(reason)) => format!("no: {reason}"),
        None => "no".to_owned(),
    }
}

fn bullets(texts: &[String]) -> String {
    texts.iter().map(|text| format!("- {text}\n")).collect()
}

/// A duration in the largest units that say it exactly: `1 hour 30 minutes`.
fn in_words(duration: SignedDuration) -> String {
    let mut seconds = duration.as_secs();
    let mut words = Vec::new();
    for (unit, length) in [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)] {
        let number = seconds / length;
        seconds %= length;
        if number != 0 {
            words.push(format!("{number} {unit}{}", if number == 1 { "" } else { "s" }));
        }
    }
    if words.is_empty() { "0 seconds".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_words() {
        for (seconds, words) in [
            (300, "5 minutes"),
            (60, "1 minute"),
            (5_400, "1 hour 30 minutes"),
            (90_061, "1 day 1 hour 1 minute 1 second"),
            (0, "0 seconds"),
        ] {
            assert_eq!(in_words(SignedDuration::from_secs(seconds)), words);
        }
    }
}
