//! `bartizan rule list`: the rules that are loaded, and whether they run.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ecs::Catalog;
use engine::{Plan, RuleOutcome, RuleStatus};
use rule::{Rule, RuleLibrary};
use serde_json::json;

use super::{Context, ListFormat};
use crate::exit_status::ExitStatus;
use crate::printer::{Output, count, thousands, visible};
use crate::reporter::coverage::{UnreadableRule, place, unreadable_rules};
use crate::reporter::table::{keep_whole, new_table, write_table};
use crate::rule_selection::{self, RuleFilter, RuleSource};

const EXAMPLES: &str = "\
Examples:
  bartizan rule list
  bartizan rule list --rules ./my-rules --severity high --tag 'Data Source: AWS*'";

/// Arguments of `bartizan rule list`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    source: RuleSource,
    #[command(flatten)]
    filter: RuleFilter,
    /// The format of the list
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let loaded = args.source.load()?;
    rule_selection::warn_of_exceptions(&loaded, &context.printer);
    let selected = args.filter.select(&loaded)?;
    let plan = Plan::new(&selected, &Catalog::builtin(), context.now);
    let unreadable = unreadable_rules(&loaded);
    let rules: Vec<(&Rule, &RuleOutcome)> = selected.rules.iter().zip(&plan.outcomes).collect();
    let mut out = context.printer.stdout();
    match args.format {
        ListFormat::Text => write_text(&mut out, &rules, &loaded)?,
        ListFormat::Json => write_json(&mut out, &rules, &unreadable)?,
    }
    out.flush()?;
    for UnreadableRule { place, rule, reason } in &unreadable {
        let rule = rule.as_deref().unwrap_or("a rule");
        context.printer.warn(format!("{rule} ({place}) could not be read: {reason}"));
    }
    let failed =
        rules.iter().any(|(_, o)| matches!(&o.status, RuleStatus::NotRun(reason) if reason.is_failure()));
    Ok(if failed || !unreadable.is_empty() { ExitStatus::CouldNotRun } else { ExitStatus::Done })
}

fn write_text(out: &mut Output, rules: &[(&Rule, &RuleOutcome)], loaded: &RuleLibrary) -> io::Result<()> {
    let mut table = new_table(out);
    table.set_header(["severity", "type", "runs", "version", "rule id", "rule", "file"]);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for (rule, outcome) in rules {
        let runs = match &outcome.status {
            RuleStatus::Ran => "yes".to_owned(),
            RuleStatus::NotRun(reason) => format!("no: {}", reason.kind()),
        };
        if let RuleStatus::NotRun(reason) = &outcome.status {
            *kinds.entry(reason.kind()).or_default() += 1;
        }
        table.add_row([
            rule.severity.name().to_owned(),
            rule.rule_type.name().to_owned(),
            runs,
            rule.version.to_string(),
            visible(&rule.rule_id),
            visible(&rule.name),
            visible(&place(&rule.origin)),
        ]);
    }
    keep_whole(&mut table, out, &[0, 1, 2], &[4]);
    write_table(out, table)?;
    let not_run: u64 = kinds.values().sum();
    let mut line = format!(
        "{}, {} run",
        count(rules.len() as u64, "rule", "rules"),
        thousands(rules.len() as u64 - not_run)
    );
    if not_run > 0 {
        let kinds: Vec<String> =
            kinds.iter().map(|(kind, number)| format!("{kind} {}", thousands(*number))).collect();
        line.push_str(&format!(", {} not run: {}", thousands(not_run), kinds.join(", ")));
    }
    if loaded.rules.len() > rules.len() {
        line.push_str(&format!("; {} not selected", thousands((loaded.rules.len() - rules.len()) as u64)));
    }
    writeln!(out, "\n{line}")?;
    for old in &loaded.replaced {
        let line = format!(
            "replaced: {} version {} ({}) by version {} ({})",
            old.name,
            old.version,
            place(&old.origin),
            old.by_version,
            place(&old.by)
        );
        writeln!(out, "{}", visible(&line))?;
    }
    Ok(())
}

fn write_json(
    out: &mut Output,
    rules: &[(&Rule, &RuleOutcome)],
    unreadable: &[UnreadableRule],
) -> io::Result<()> {
    let rules: Vec<_> = rules
        .iter()
        .map(|(rule, outcome)| {
            let (runs, reason) = match &outcome.status {
                RuleStatus::Ran => (true, None),
                RuleStatus::NotRun(reason) => (false, Some(reason.to_string())),
            };
            json!({
                "rule_id": rule.rule_id, "name": rule.name, "version": rule.version, "type": rule.rule_type.name(),
                "severity": rule.severity.name(), "risk_score": rule.risk_score, "tags": rule.tags,
                "file": rule.origin.path.to_string_lossy(), "line": rule.origin.line, "runs": runs, "reason": reason,
            })
        })
        .collect();
    let unreadable: Vec<_> = unreadable
        .iter()
        .map(|rule| json!({"name": rule.rule, "file": rule.place, "reason": rule.reason}))
        .collect();
    serde_json::to_writer_pretty(&mut *out, &json!({"rules": rules, "unreadable": unreadable}))?;
    writeln!(out)
}
