//! The verdict with the reasons for and against, and the exceptions that it suggests.

use maud::{Markup, html};
use triage::verdict::{ProposedException, Reason, Verdict, VerdictLevel};

use super::picture::{chip, icon};
use super::table::{Row, table, text};
use super::words::{code, count, prose, thousands};

/// What it amounts to, for and against.
pub(super) fn section(verdict: &Verdict) -> Markup {
    let (class, name) = level(verdict.level);
    let says = match verdict.level {
        VerdictLevel::MaliciousLooking => {
            "The evidence looks like an attack. Act on the response plan first, then read on."
        }
        VerdictLevel::NeedsHuman => {
            "The evidence points both ways, or there is too little of it: somebody has to decide."
        }
        VerdictLevel::Expected => {
            "The evidence looks like planned work. Nothing was suppressed because of it."
        }
    };
    html! {
        div class={ "verdict " (class) } {
            p.level { (icon(class)) (name) }
            p.soft { (says) " Judged by written rules, version " (verdict.version) "; no model took part." }
            div.sides {
                (side("Speaks for an attack", &verdict.for_attack))
                (side("Speaks against an attack", &verdict.against_attack))
            }
        }
    }
}

/// The class and the words of a level.
pub(super) fn level(level: VerdictLevel) -> (&'static str, &'static str) {
    match level {
        VerdictLevel::MaliciousLooking => ("malicious_looking", "Looks malicious"),
        VerdictLevel::NeedsHuman => ("needs_human", "Needs a human"),
        VerdictLevel::Expected => ("expected", "Expected"),
    }
}

/// A level as a chip.
pub(super) fn level_chip(of: VerdictLevel) -> Markup {
    let (class, name) = level(of);
    chip(class, name)
}

fn side(heading: &str, reasons: &[Reason]) -> Markup {
    html! {
        div {
            h5 { (heading) }
            @if reasons.is_empty() { p.soft { "Nothing that the rules know of." } }
            @else {
                ul {
                    @for reason in reasons {
                        li {
                            (prose(&reason.says))
                            div.weight {
                                (meter(reason.weight))
                                span { "weight " (reason.weight) " of 10" }
                                span.mono { (reason.name) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn meter(weight: u8) -> Markup {
    let width = u32::from(weight.min(10)) * 6;
    html! {
        svg width="60" height="6" viewBox="0 0 60 6" aria-hidden="true" {
            rect.axis x="0" y="2.5" width="60" height="1" {}
            rect.seen x="0" y="1" width=(width) height="4" {}
        }
    }
}

/// Exceptions that would have kept the alert away.
pub(super) fn exceptions(proposed: &[ProposedException]) -> Markup {
    let columns = [text("Field"), text("Value")];
    html! {
        @for one in proposed {
            h5 { (one.name) }
            div.p { (prose(&one.says)) }
            (table("Entries, all of which must hold", &columns, one.entries.iter().map(|entry| {
                Row::new(vec![code(&entry.field), code(&entry.value)])
            })))
            div class=(if one.hides_suspicious > 0 { "warning" } else { "why" }) {
                "It would have hidden " (count(one.hides, "alert", "alerts")) " of this rule in this data; "
                @if one.hides_suspicious > 0 {
                    b { (thousands(one.hides_suspicious)) " of them " (if one.hides_suspicious == 1 { "is" } else { "are" }) " not judged as expected: don't take it as it is." }
                } @else { "all of them are judged as expected." }
            }
        }
    }
}
