//! Tactics and techniques of MITRE ATT&CK that the rules of the run watch, and those that alerted.

use maud::{Markup, html};

use super::words::{count, thousands, value};
use crate::attack_coverage::attack_coverage;
use crate::rule_line::RuleLine;

/// A card a tactic.
pub(super) fn section(rules: &[RuleLine]) -> Markup {
    let (tactics, without) = attack_coverage(rules);
    html! {
        @if !rules.is_empty() {
            section #attack aria-labelledby="attack-heading" {
                h2 #attack-heading { "ATT&CK coverage" }
                p.soft {
                    "Of the rules that ran: which tactics and techniques of MITRE ATT&CK they name, and where they alerted. "
                    "A technique that is named is not therefore covered."
                    @if without > 0 { " " (count(without, "rule that ran names", "rules that ran name")) " none." }
                }
                ul.tactics {
                    @for tactic in &tactics {
                        li {
                            h3 { (tactic.name) " " span.soft.small { (tactic.id) } }
                            p.soft.small { (count(tactic.rules, "rule", "rules")) ", " (count(tactic.alerts, "alert", "alerts")) }
                            ul {
                                @for (id, technique) in &tactic.techniques {
                                    li {
                                        (value(&technique.name)) " " span.soft { (id) } br;
                                        @if technique.alerts > 0 { span.alerted { (count(technique.alerts, "alert", "alerts")) } ", " }
                                        span.soft { (thousands(technique.rules)) (if technique.rules == 1 { " rule" } else { " rules" }) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
