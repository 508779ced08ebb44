//! A layer for ATT&CK Navigator: which techniques the rules that ran name, and which of them alerted.
//!
//! Source of the format: mitre-attack/attack-navigator, layers/LAYERFORMATv4_5.md.

use serde_json::{Value, json};

use crate::attack_coverage::attack_coverage;
use crate::hunt_report::HuntReport;

/// The layer. Scores are numbers of alerts; 0 is a technique that rules name and that did not alert.
pub(super) fn layer(report: &HuntReport) -> Value {
    let (tactics, _) = attack_coverage(&report.rules);
    let mut techniques = Vec::new();
    let mut most = 1;
    for tactic in &tactics {
        // Navigator names tactics as ATT&CK's short names do.
        let short_name = tactic.name.to_lowercase().replace(' ', "-");
        for (id, technique) in &tactic.techniques {
            most = most.max(technique.alerts);
            techniques.push(json!({
                "techniqueID": id,
                "tactic": short_name,
                "score": technique.alerts,
                "comment": format!("{} rules ran, {} alerts", technique.rules, technique.alerts),
                "enabled": true,
            }));
        }
    }
    json!({
        "name": report.title,
        "versions": { "navigator": "4.9.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": format!("Rules that ran, and alerts. Made by Bartizan, {}.", report.made_at),
        "sorting": 3,
        "techniques": techniques,
        "gradient": { "colors": ["#dbe7f3", "#b3261e"], "minValue": 0, "maxValue": most },
        "legendItems": [
            { "label": "named by a rule that ran", "color": "#dbe7f3" },
            { "label": "alerted", "color": "#b3261e" },
        ],
    })
}
