//! The keys that an alert is about: state, clocks, life, and whether deleted material is back.

use maud::{Markup, html};
use triage::kms::clock::{Clock, ClockKind};
use triage::kms::key_report::{KeyReport, Risk};
use triage::kms::reimport::{Reimport, ReimportVerdict};
use triage::kms::state::Certainty;

use super::table::{self, Row, call, table, text};
use super::words::{code, moment, prose, sentences, thousands, value};
use super::{PageLimits, evidence, key_timeline};
use crate::time;

/// One key.
pub(super) fn section(key: &KeyReport, limits: PageLimits) -> Markup {
    html! {
        h5 { "Key " span.mono { (key.key) } }
        div.p { (value(&key.because)) }
        (clocks(&key.clocks))
        (key_timeline::picture(key))
        dl.facts {
            dt { "State" } dd { (key_timeline::state_name(key.state)) ", " (certainty(key.certainty))
                @if let Some(since) = &key.since { ", since " (moment(since)) } }
            dt { "Risk" } dd { (risk(key.risk)) ". " (value(&key.risk_because)) }
            @if !key.aliases.is_empty() { dt { "Aliases" } dd { (code(&key.aliases.join(", "))) } }
            @if let Some(origin) = &key.origin { dt { "Origin" } dd { (code(origin)) } }
            @if !key.related.is_empty() {
                dt { "In other Regions" } dd { @for other in &key.related { div { (code(other)) } } }
            }
            dt { "Cryptographic use" }
            dd {
                (thousands(key.uses)) " succeeded, " (thousands(key.failed_uses)) " failed"
                @if let Some(last) = &key.last_use { "; the last that succeeded " (moment(last)) }
            }
            @if let (Some(first), Some(last)) = (&key.first_seen, &key.last_seen) {
                dt { "Seen in the logs" } dd { (moment(first)) " to " (moment(last)) }
            }
        }
        (life(key, limits))
    }
}

fn clocks(clocks: &[Clock]) -> Markup {
    html! {
        @if !clocks.is_empty() {
            ul.clocks {
                @for clock in clocks {
                    @let runs = clock.seconds_left.is_some_and(|left| left > 0);
                    li.runs[runs] {
                        span.soft.small { (clock_name(clock.kind)) }
                        strong {
                            @match clock.seconds_left {
                                Some(left) if left > 0 => { (time::span(left)) " left" }
                                Some(left) => { "ended " (time::span(left.saturating_neg())) " ago" }
                                None => { "no date yet" }
                            }
                        }
                        @if let Some(ends) = &clock.ends { span.small { (moment(ends)) ", " (certainty(clock.certainty)) } br; }
                        div.small { (prose(&clock.says)) }
                    }
                }
            }
        }
    }
}

/// The words for a clock.
pub(super) fn clock_name(kind: ClockKind) -> &'static str {
    match kind {
        ClockKind::Deletion => "Earliest deletion of the key",
        ClockKind::ReplicaDeletion => "Deletion after the replicas are gone",
        ClockKind::MaterialExpiry => "Expiry of the imported material",
        ClockKind::DependentService => "First dependent service gives up",
    }
}

fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Recorded => "as recorded",
        Certainty::Inferred => "inferred",
        Certainty::Unknown => "not certain",
    }
}

fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::None => "None",
        Risk::Low => "Low",
        Risk::High => "High",
        Risk::Critical => "Critical",
        Risk::Lost => "Lost",
    }
}

fn life(key: &KeyReport, limits: PageLimits) -> Markup {
    let columns = [table::time("Time"), call("Event"), text("Who"), text("What happened"), text("Record")];
    let shown = key.timeline.len().min(limits.rows);
    html! {
        @if !key.timeline.is_empty() {
            details {
                summary { "The key's life in " (thousands(key.timeline.len() as u64)) " events" }
                (table("The key's life", &columns, key.timeline.iter().take(shown).map(|entry| Row::new(vec![
                    moment(&entry.time),
                    html! { div { (code(&entry.action)) @if let Some(error) = &entry.error { br; span.soft.small { "failed: " (value(error)) } } } },
                    match &entry.principal {
                        Some(principal) => code(principal),
                        None => html! { span.soft { "the record names nobody" } },
                    },
                    html! {
                        div {
                            (prose(&entry.says))
                            @if let (Some(before), Some(after)) = (entry.before, entry.after) {
                                br; span.soft.small { (key_timeline::state_name(before)) " → " (key_timeline::state_name(after)) }
                            }
                        }
                    },
                    evidence::record(&entry.evidence),
                ]))))
                (super::words::and_more(key.timeline.len() - shown, "events", "report.json of the case folder has all"))
            }
        }
    }
}

/// What came of deleted material.
pub(super) fn reimport(reimport: &Reimport) -> Markup {
    let verdict = match reimport.verdict {
        ReimportVerdict::SameMaterial => "The same material is back: the records name the same id.",
        ReimportVerdict::EnforcedByKms => {
            "Material is back. The records don't name it; KMS takes only the same for an existing material."
        }
        ReimportVerdict::OtherMaterial => {
            "Other material was imported, and the deleted one is still missing."
        }
        ReimportVerdict::NotReimported => "The material is not back, as far as the logs reach.",
    };
    html! {
        p { b { (verdict) } }
        (sentences(&reimport.says))
        dl.facts {
            @if let Some(gap) = reimport.gap_seconds { dt { "Time without material" } dd { (time::span(gap)) } }
            @if let Some(expires) = &reimport.expires { dt { "The new import expires" } dd { (moment(expires)) } }
        }
        (evidence::list(&reimport.evidence))
    }
}
