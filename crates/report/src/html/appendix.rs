//! The appendix: inputs that were not read whole, what came of every rule, versions.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::PageLimits;
use super::findings::severity;
use super::table::{Row, number, table, text};
use super::words::{and_more, code, count, thousands, value};
use crate::coverage::InputOutcome;
use crate::hunt_report::HuntReport;
use crate::rule_line::{RuleLine, RuleStatus};

/// Everything that a reader may want to check.
pub(super) fn section(report: &HuntReport, limits: PageLimits) -> Markup {
    html! {
        section #appendix aria-labelledby="appendix-heading" {
            h2 #appendix-heading { "Appendix" }
            div.sheet { h3 { "Ledger of inputs" } (ledger(report, limits)) }
            div.sheet { h3 { "Rules" } (rules(report, limits)) }
            div.sheet { h3 { "Versions and command" } (versions(report)) }
        }
    }
}

fn ledger(report: &HuntReport, limits: PageLimits) -> Markup {
    let coverage = &report.coverage;
    let columns = [
        text("Input"),
        text("Outcome"),
        text("Why"),
        number("Records"),
        number("Events"),
        number("Duplicates"),
        number("Dropped"),
    ];
    let shown = coverage.not_fully_read.len().min(limits.rows);
    html! {
        p {
            (count(coverage.inputs, "input", "inputs")) ": " (thousands(coverage.read)) " read whole, "
            (thousands(coverage.partly_read)) " in part, " (thousands(coverage.skipped)) " skipped."
            @if !coverage.shapes.is_empty() {
                " Shapes: "
                @for (index, shape) in coverage.shapes.iter().enumerate() {
                    @if index > 0 { ", " } (value(&shape.name)) " " (thousands(shape.count))
                }
                "."
            }
        }
        @if shown > 0 {
            (table("Inputs that were not read whole", &columns, coverage.not_fully_read.iter().take(shown).map(|input| Row::new(vec![
                code(&input.name),
                html! { (match input.outcome { InputOutcome::PartlyRead => "read in part", InputOutcome::Skipped => "skipped" }) },
                html! { div { (value(&input.reason)) @if let Some(offset) = input.offset { ", at byte " (thousands(offset)) } } },
                html! { (thousands(input.records)) },
                html! { (thousands(input.events)) },
                html! { (thousands(input.duplicates)) },
                html! { (thousands(input.dropped)) },
            ]))))
        }
        (and_more(coverage.not_fully_read.len() - shown, "inputs that were not read whole", "report.json of the case folder has them"))
        @if coverage.not_named > 0 {
            div.warning { (count(coverage.not_named, "further input was", "further inputs were")) " not read whole and are not named: too many to keep." }
        }
    }
}

fn rules(report: &HuntReport, limits: PageLimits) -> Markup {
    let (ran, not_run): (Vec<&RuleLine>, Vec<&RuleLine>) =
        report.rules.iter().partition(|rule| rule.status == RuleStatus::Ran);
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for rule in &not_run {
        if let RuleStatus::NotRun { kind, .. } = &rule.status {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    html! {
        p {
            (count(ran.len() as u64, "rule", "rules")) " ran, " (thousands(not_run.len() as u64)) " did not"
            @for (index, (kind, number)) in kinds.iter().enumerate() { (if index == 0 { ": " } else { ", " }) (value(kind)) " " (thousands(*number)) }
            "."
        }
        @if !not_run.is_empty() {
            h4 { "Not run" }
            (not_run_table(&not_run, limits))
            (and_more(not_run.len().saturating_sub(limits.rows), "rules that did not run", "report.json of the case folder has them"))
        }
        @if !ran.is_empty() {
            h4 { "Run" }
            details {
                summary { (count(ran.len() as u64, "rule", "rules")) " with hits, alerts and what was cut" }
                (ran_table(&ran, limits))
                (and_more(ran.len().saturating_sub(limits.rows.max(2000)), "rules that ran", "report.json of the case folder has them"))
            }
        }
    }
}

fn not_run_table(rules: &[&RuleLine], limits: PageLimits) -> Markup {
    let columns = [text("Rule"), text("Type"), text("Why not"), text("File")];
    table(
        "Rules that did not run",
        &columns,
        rules.iter().take(limits.rows).map(|rule| {
            Row::new(vec![
                html! { div { (value(&rule.name)) } },
                value(&rule.rule_type),
                html! { div { @if let RuleStatus::NotRun { reason, .. } = &rule.status { (value(reason)) } } },
                code(&rule.file),
            ])
        }),
    )
}

fn ran_table(rules: &[&RuleLine], limits: PageLimits) -> Markup {
    let columns = [
        text("Severity"),
        text("Rule"),
        text("Type"),
        number("Hits"),
        number("Alerts"),
        number("Excepted"),
        number("Suppressed"),
        number("Cut"),
    ];
    let mut sorted = rules.to_vec();
    sorted.sort_by(|a, b| b.alerts.cmp(&a.alerts).then_with(|| a.name.cmp(&b.name)));
    table(
        "Rules that ran",
        &columns,
        sorted.into_iter().take(limits.rows.max(2000)).map(|rule| {
            Row::new(vec![
                severity(&rule.severity),
                html! {
                    div {
                        (value(&rule.name))
                        @if let Some(version) = rule.version { span.soft.small { " version " (version) } }
                        @for note in &rule.notes { div.soft.small { (value(note)) } }
                    }
                },
                value(&rule.rule_type),
                html! { (thousands(rule.hits)) },
                html! { (thousands(rule.alerts)) },
                html! { (thousands(rule.excepted)) },
                html! { (thousands(rule.suppressed)) },
                html! { (thousands(rule.cut)) },
            ])
        }),
    )
}

fn versions(report: &HuntReport) -> Markup {
    html! {
        dl.facts {
            @for one in &report.versions { dt { (value(&one.name)) } dd { (code(&one.version)) } }
            @if let Some(command) = &report.command { dt { "Command" } dd { (code(command)) } }
        }
    }
}
