//! Investigated alerts in full, the gravest first.

use maud::{Markup, html};
use triage::report::TriageReport;

use super::findings::{Order, fields, severity};
use super::words::{code, count, moment, sentences, value};
use super::{PageLimits, actor, blast_radius, evidence, guide, keys, response, surroundings, verdict};
use crate::finding::Finding;
use crate::hunt_report::HuntReport;

/// The investigations that the page has room for.
pub(super) fn section(report: &HuntReport, order: &Order<'_>, limits: PageLimits) -> Markup {
    html! {
        @if !order.full.is_empty() {
            section #investigations aria-labelledby="investigations-heading" {
                h2 #investigations-heading { "Investigations" }
                @if order.beyond > 0 {
                    div.warning {
                        b { (count(order.beyond as u64, "investigation is", "investigations are")) " not shown in full. " }
                        "The gravest " (order.full.len()) " are; the others stand in the tables of "
                        a href="#others" { "other alerts" } " with their verdicts, and whole in report.json of a case folder."
                        @if let Some(rest) = &report.rest_is { " As alerts, they are " (value(rest)) "." }
                    }
                }
                @for (index, finding) in order.full.iter().enumerate() {
                    @if let Some(triage) = finding.triage() { (article(index + 1, finding, triage, limits)) }
                }
            }
        }
    }
}

fn article(number: usize, finding: &Finding, triage: &TriageReport, limits: PageLimits) -> Markup {
    let alert = &finding.alert;
    let id = format!("alert-{number}");
    let heading = format!("{id}-heading");
    html! {
        article.sheet id=(id) aria-labelledby=(heading) {
            header {
                p.above {
                    (severity(&alert.severity)) (verdict::level_chip(triage.verdict.level))
                    span { "risk score " (alert.risk_score) } span { (moment(&alert.time)) }
                }
                h3 id=(heading) { (number) ". " (alert.rule_name) }
                div.p { (value(&alert.reason)) }
                nav aria-label=(format!("Within alert {number}")) {
                    ul.within {
                        @for (part, name) in parts(triage) { li { a href=(format!("#{id}-{part}")) { (name) } } }
                    }
                }
            }
            h4 id=(format!("{id}-verdict")) { "Verdict" }
            (verdict::section(&triage.verdict))
            h4 id=(format!("{id}-questions")) { "Questions of the guide" }
            (guide::section(&triage.questions))
            @if !triage.keys.is_empty() {
                h4 id=(format!("{id}-state")) { "State and clocks" }
                p.soft { "As of " (moment(&triage.at)) "." }
                @for key in &triage.keys { (keys::section(key, limits)) }
            }
            @if let Some(reimport) = &triage.reimport {
                h4 id=(format!("{id}-material")) { "Deleted key material" }
                (keys::reimport(reimport))
            }
            @if !triage.blast_radius.is_empty() {
                h4 id=(format!("{id}-radius")) { "Blast radius" }
                @for radius in &triage.blast_radius { (blast_radius::section(radius, limits)) }
            }
            h4 id=(format!("{id}-actor")) { "Actor" }
            @match &triage.actor {
                Some(known) => { (actor::section(known)) }
                None => { p { "The alert names nobody." } }
            }
            h4 id=(format!("{id}-surroundings")) { "Surroundings" }
            (surroundings::section(&triage.surroundings, limits))
            h4 id=(format!("{id}-response")) { "Response plan" }
            (response::section(&triage.response))
            @if !triage.verdict.exceptions.is_empty() {
                h4 id=(format!("{id}-exceptions")) { "Proposed exceptions" }
                p.soft { "Proposals only: nothing is applied by itself." }
                (verdict::exceptions(&triage.verdict.exceptions))
            }
            h4 id=(format!("{id}-alert")) { "The alert, and how far the logs reach" }
            (sentences(&triage.coverage))
            dl.facts {
                dt { "Alert" } dd { (code(&alert.uuid)) }
                dt { "Rule" } dd { (code(&alert.rule_id)) }
                dt { "Events" } dd { @for event in &alert.event_ids { div { (code(event)) } } }
            }
            (evidence::files(crate::finding::evidence(triage)))
            (fields(finding))
        }
    }
}

/// The parts that an investigation has, for links.
fn parts(triage: &TriageReport) -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        ("response", "Response plan", true),
        ("questions", "Questions", true),
        ("state", "State and clocks", !triage.keys.is_empty()),
        ("material", "Deleted material", triage.reimport.is_some()),
        ("radius", "Blast radius", !triage.blast_radius.is_empty()),
        ("actor", "Actor", true),
        ("surroundings", "Surroundings", true),
        ("exceptions", "Proposed exceptions", !triage.verdict.exceptions.is_empty()),
        ("alert", "Alert and coverage", true),
    ]
    .into_iter()
    .filter_map(|(part, name, is_there)| is_there.then_some((part, name)))
}
