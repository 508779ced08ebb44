//! Findings by severity and by rule, and the alerts that are not shown in full.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};
use triage::verdict::VerdictLevel;

use super::PageLimits;
use super::picture::chip;
use super::table::{Row, number, table, text, time};
use super::verdict::level_chip;
use super::words::{code, count, moment, thousands, value};
use crate::finding::{Finding, Investigation};
use crate::hunt_report::HuntReport;

/// The findings in the order of the page.
pub(super) struct Order<'a> {
    /// Investigations in full, the gravest first.
    pub(super) full: Vec<&'a Finding>,
    /// The other alerts, by rule: the gravest rule first; within a rule the oldest first.
    pub(super) others: Vec<(&'a str, Vec<&'a Finding>)>,
    /// Investigations that are among the others because there were too many.
    pub(super) beyond: usize,
}

/// What orders findings: the gravest first, then the oldest; ties by id, so that the order is always the same.
fn rank(finding: &Finding) -> (Reverse<u8>, VerdictLevel, &str, &str) {
    let level = finding.triage().map_or(VerdictLevel::NeedsHuman, |triage| triage.verdict.level);
    (Reverse(severity_rank(&finding.alert.severity)), level, &finding.alert.time, &finding.alert.uuid)
}

impl<'a> Order<'a> {
    pub(super) fn of(report: &'a HuntReport, limits: PageLimits) -> Self {
        let mut all: Vec<&Finding> = report.findings.iter().collect();
        all.sort_by(|a, b| rank(a).cmp(&rank(b)));
        let (mut full, not_done): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|finding| finding.triage().is_some());
        let beyond = full.split_off(full.len().min(limits.investigations));
        let mut others: Vec<(&str, Vec<&Finding>)> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let beyond_count = beyond.len();
        let mut rest: Vec<&Finding> = beyond.into_iter().chain(not_done).collect();
        rest.sort_by(|a, b| rank(a).cmp(&rank(b)));
        for finding in rest {
            let place = *places.entry(&finding.alert.rule_id).or_insert_with(|| {
                others.push((&finding.alert.rule_name, Vec::new()));
                others.len() - 1
            });
            others[place].1.push(finding);
        }
        for (_, alerts) in &mut others {
            alerts.sort_by(|a, b| (&a.alert.time, &a.alert.uuid).cmp(&(&b.alert.time, &b.alert.uuid)));
        }
        Self { full, others, beyond: beyond_count }
    }
}

/// The severities, the gravest first.
const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

fn severity_rank(severity: &str) -> u8 {
    SEVERITIES.iter().rev().position(|known| *known == severity).map_or(0, |rank| rank as u8 + 1)
}

/// A severity with its shape and colour; one that is not known as it stands.
pub(super) fn severity(severity: &str) -> Markup {
    match severity {
        "critical" => chip("critical", "Critical"),
        "high" => chip("high", "High"),
        "medium" => chip("medium", "Medium"),
        "low" => chip("low", "Low"),
        "" => chip("no", "No severity"),
        other => chip("no", other),
    }
}

fn of_severity(report: &HuntReport, severity: &str) -> u64 {
    report.findings.iter().filter(|finding| finding.alert.severity == severity).count() as u64
}

/// Alerts by severity, in large figures.
pub(super) fn tiles(report: &HuntReport) -> Markup {
    html! {
        ul.tiles aria-label="Alerts by severity" {
            @for name in SEVERITIES {
                li class=(name) { strong { (thousands(of_severity(report, name))) } span { (name) } }
            }
        }
    }
}

/// Counts by severity and verdict, and a table by rule.
pub(super) fn section(report: &HuntReport, order: &Order<'_>) -> Markup {
    let done = report.findings.iter().filter_map(Finding::triage);
    let mut levels: BTreeMap<VerdictLevel, u64> = BTreeMap::new();
    done.for_each(|triage| *levels.entry(triage.verdict.level).or_default() += 1);
    let investigated: u64 = levels.values().sum();
    let total = report.findings.len() as u64;
    html! {
        section #findings aria-labelledby="findings-heading" {
            h2 #findings-heading { "Findings" }
            div.sheet {
                p {
                    (count(total + report.not_kept, "alert", "alerts")) " of " (count(by_rule(report).len() as u64, "rule", "rules")) ", "
                    (thousands(investigated)) " investigated."
                }
                @if !levels.is_empty() {
                    ul.legend aria-label="Investigated alerts by verdict" {
                        @for (level, number) in &levels { li { (level_chip(*level)) (thousands(*number)) } }
                    }
                }
                @if report.not_kept > 0 {
                    div.warning {
                        b { (count(report.not_kept, "alert is", "alerts are")) " counted here and not on this page." }
                        @if let Some(rest) = &report.rest_is { " All alerts are " (value(rest)) "." }
                    }
                }
                @if report.findings.is_empty() {
                    p { "No rule found anything. What was read, and which rules ran, stands above and in the appendix." }
                } @else { (rules(report, order)) }
            }
        }
    }
}

/// Findings by rule, the gravest first.
fn by_rule(report: &HuntReport) -> Vec<Vec<&Finding>> {
    let mut rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        rules.entry(&finding.alert.rule_id).or_default().push(finding);
    }
    let mut rules: Vec<Vec<&Finding>> = rules.into_values().collect();
    for alerts in &mut rules {
        alerts.sort_by(|a, b| rank(a).cmp(&rank(b)));
    }
    rules.sort_by(|a, b| {
        let first = |alerts: &[&Finding]| alerts.first().map(|one| severity_rank(&one.alert.severity));
        (first(b), b.len()).cmp(&(first(a), a.len()))
    });
    rules
}

fn rules(report: &HuntReport, order: &Order<'_>) -> Markup {
    let columns = [
        text("Severity"),
        text("Rule"),
        number("Alerts"),
        text("Verdicts"),
        time("First and last"),
        text("In full"),
    ];
    table(
        "Findings by rule",
        &columns,
        by_rule(report).into_iter().filter_map(|alerts| {
            let first = *alerts.first()?;
            let times = alerts.iter().map(|finding| finding.alert.time.as_str());
            let (oldest, newest) = (times.clone().min()?, times.max()?);
            let mut levels: BTreeMap<VerdictLevel, u64> = BTreeMap::new();
            let done = alerts.iter().filter_map(|finding| finding.triage());
            done.for_each(|triage| *levels.entry(triage.verdict.level).or_default() += 1);
            let full = order.full.iter().enumerate().filter(|(_, other)| other.alert.rule_id == first.alert.rule_id);
            let full: Vec<usize> = full.map(|(index, _)| index + 1).collect();
            Some(Row::new(vec![
                severity(&first.alert.severity),
                html! { div { (value(&first.alert.rule_name)) } },
                html! { (thousands(alerts.len() as u64)) },
                html! {
                    @if levels.is_empty() { span.soft { "not investigated" } }
                    @else { div { @for (level, number) in &levels { div { (level_chip(*level)) " " (thousands(*number)) } } } }
                },
                html! { div { (moment(oldest)) @if oldest != newest { br; (moment(newest)) } } },
                html! {
                    div {
                        @for index in full.iter().take(5) { a href=(format!("#alert-{index}")) { "No. " (index) } " " }
                        @if full.len() > 5 { "and " (full.len() - 5) " more" }
                        @if full.len() < alerts.len() { a href="#others" { "other alerts" } }
                    }
                },
            ]))
        }),
    )
}

/// Alerts that are not shown in full, by rule.
pub(super) fn others(report: &HuntReport, order: &Order<'_>, limits: PageLimits) -> Markup {
    let columns = [time("Time"), text("What happened"), text("Who and from where"), text("Investigation")];
    html! {
        @if !order.others.is_empty() {
            section #others aria-labelledby="others-heading" {
                h2 #others-heading { "Other alerts" }
                @for (name, alerts) in &order.others {
                    div.sheet {
                        h3 { (name) }
                        @if let Some(first) = alerts.first() {
                            p.above { (severity(&first.alert.severity)) span { (count(alerts.len() as u64, "alert", "alerts")) } }
                        }
                        (table("Alerts of the rule", &columns, alerts.iter().take(limits.rows).map(|finding| Row::new(vec![
                            moment(&finding.alert.time),
                            html! { div { (value(&finding.alert.reason)) br; span.soft.small { "alert " (code(&finding.alert.uuid)) } } },
                            html! { div {
                                @for name in ["aws.cloudtrail.user_identity.arn", "user.name", "source.ip"] {
                                    @if let Some(text) = finding.field(name) { div { (code(&text)) } }
                                }
                            } },
                            html! { @match &finding.investigation {
                                Investigation::Done(triage) => { (level_chip(triage.verdict.level)) }
                                Investigation::NotDone { reason } => { div.soft { (value(reason)) } }
                            } },
                        ]))))
                        @if alerts.len() > limits.rows {
                            div.warning {
                                b { (count((alerts.len() - limits.rows) as u64, "alert", "alerts")) " of this rule are not on this page." }
                                " They are in alerts.ndjson of a case folder."
                                @if let Some(rest) = &report.rest_is { " All alerts are " (value(rest)) "." }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What an alert says, field by field, folded.
pub(super) fn fields(finding: &Finding) -> Markup {
    html! {
        @if !finding.fields.is_empty() {
            details {
                summary { "Fields of the alert" }
                dl.facts {
                    @for field in &finding.fields {
                        dt { (field.name) } dd { @for text in &field.values { div { (code(text)) } } }
                    }
                }
            }
        }
    }
}
