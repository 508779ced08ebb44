//! Which tactics and techniques of MITRE ATT&CK the rules of a run watch, and which of them alerted.

use std::collections::BTreeMap;

use rule::threat::{Threat, ThreatEntry};

use crate::rule_line::{RuleLine, RuleStatus};

/// One tactic.
#[derive(Debug, Default)]
pub(crate) struct TacticCoverage {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Rules that ran and name the tactic.
    pub(crate) rules: u64,
    /// Alerts of those.
    pub(crate) alerts: u64,
    /// By id; sub-techniques stand beside techniques.
    pub(crate) techniques: BTreeMap<String, TechniqueCoverage>,
}

/// One technique or sub-technique under a tactic.
#[derive(Debug, Default)]
pub(crate) struct TechniqueCoverage {
    pub(crate) name: String,
    /// Rules that ran and name it.
    pub(crate) rules: u64,
    /// Alerts of those.
    pub(crate) alerts: u64,
}

/// Whether an entry is of ATT&CK, and not of another framework.
fn is_attack(threat: &Threat) -> bool {
    threat.framework.to_ascii_uppercase().contains("ATT&CK")
}

/// The tactics of the rules that ran, in order of their ids; and how many rules that ran name none.
pub(crate) fn attack_coverage(rules: &[RuleLine]) -> (Vec<TacticCoverage>, u64) {
    let mut tactics: BTreeMap<&str, TacticCoverage> = BTreeMap::new();
    let mut without = 0;
    for rule in rules.iter().filter(|rule| rule.status == RuleStatus::Ran) {
        let mut entries = rule.threat.iter().filter(|threat| is_attack(threat)).peekable();
        if entries.peek().is_none() {
            without += 1;
        }
        for threat in entries {
            let tactic = tactics.entry(&threat.tactic.id).or_default();
            tactic.id.clone_from(&threat.tactic.id);
            tactic.name.clone_from(&threat.tactic.name);
            tactic.rules += 1;
            tactic.alerts += rule.alerts;
            for entry in techniques(threat) {
                let technique = tactic.techniques.entry(entry.id.clone()).or_default();
                technique.name.clone_from(&entry.name);
                technique.rules += 1;
                technique.alerts += rule.alerts;
            }
        }
    }
    (tactics.into_values().collect(), without)
}

/// The techniques and sub-techniques of an entry.
pub(crate) fn techniques(threat: &Threat) -> impl Iterator<Item = &ThreatEntry> {
    threat.technique.iter().flat_map(|one| std::iter::once(&one.entry).chain(&one.subtechnique))
}
