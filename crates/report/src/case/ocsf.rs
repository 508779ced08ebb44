//! An alert as an OCSF Detection Finding, class 2004.
//!
//! | OCSF | Of |
//! |---|---|
//! | `time` | when the report was made; where that is no time, the event's time |
//! | `start_time`, `finding_info.first_seen_time` | the event's time |
//! | `severity_id` | low 2, medium 3, high 4, critical 5; else 0 |
//! | `finding_info.uid`, `.title`, `.desc` | the alert's uuid, the rule's name, the reason |
//! | `finding_info.analytic` | the rule: `type_id` 1, its id, name and version |
//! | `finding_info.attacks` | the rule's tactics, techniques and sub-techniques of ATT&CK, one entry each |
//! | `finding_info.related_events` | the `eventID`s of the alert |
//! | `evidences` | the call: operation, service, actor, address |
//! | `resources` | keys of the investigation, else the alert's resources |
//! | `enrichments` | the investigation's verdict with its reasons |
//! | `remediation.desc` | the steps of the response plan |
//! | `cloud` | profile `cloud`: provider, account, Region |
//!
//! Source: ocsf/ocsf-schema, events/findings/detection_finding.json and the objects that it names.

use rule::threat::ThreatEntry;
use serde_json::{Map, Value, json};

use crate::finding::Finding;
use crate::hunt_report::HuntReport;
use crate::time::parsed;

/// The version of the schema that [`write_case`](super::write_case) writes for.
pub const OCSF_VERSION: &str = "1.5.0";

/// One finding.
pub(super) fn detection_finding(finding: &Finding, report: &HuntReport) -> Value {
    let alert = &finding.alert;
    let event_time = parsed(&alert.time).map(|time| time.as_millisecond());
    let made = parsed(&report.made_at).map(|time| time.as_millisecond());
    let (severity_id, severity) = severity(&alert.severity);
    let mut event = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200_401,
        "type_name": "Detection Finding: Create",
        "time": made.or(event_time).unwrap_or_default(),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "is_alert": true,
        "message": alert.reason,
        "risk_score": alert.risk_score.round() as i64,
        "metadata": metadata(report),
        "finding_info": finding_info(finding, report, event_time),
    });
    if let Some(time) = event_time {
        event["start_time"] = time.into();
    }
    if let Some(cloud) = cloud(finding) {
        event["cloud"] = cloud;
        event["metadata"]["profiles"] = json!(["cloud"]);
    }
    if let Some(evidence) = evidence(finding) {
        event["evidences"] = json!([evidence]);
    }
    let resources = resources(finding);
    if !resources.is_empty() {
        event["resources"] = resources.into();
    }
    if let Some(triage) = finding.triage() {
        let verdict = serde_json::to_value(&triage.verdict).unwrap_or_default();
        event["enrichments"] = json!([{
            "name": "finding_info.uid", "value": alert.uuid, "type": "verdict", "provider": "Bartizan",
            "data": verdict,
        }]);
        let steps: Vec<&str> = triage.response.steps.iter().map(|step| step.title.as_str()).collect();
        if !steps.is_empty() {
            event["remediation"] = json!({ "desc": steps.join("; ") });
        }
    }
    event
}

fn severity(severity: &str) -> (u8, &'static str) {
    match severity {
        "low" => (2, "Low"),
        "medium" => (3, "Medium"),
        "high" => (4, "High"),
        "critical" => (5, "Critical"),
        _ => (0, "Unknown"),
    }
}

fn metadata(report: &HuntReport) -> Value {
    let version = report.versions.iter().find(|one| one.name.eq_ignore_ascii_case("bartizan"));
    let mut product = json!({ "name": "Bartizan", "vendor_name": "Bartizan" });
    if let Some(version) = version {
        product["version"] = version.version.clone().into();
    }
    json!({ "version": OCSF_VERSION, "product": product })
}

fn finding_info(finding: &Finding, report: &HuntReport, event_time: Option<i64>) -> Value {
    let alert = &finding.alert;
    let rule = report.rules.iter().find(|rule| rule.rule_id == alert.rule_id);
    let mut analytic = json!({ "type_id": 1, "type": "Rule", "name": alert.rule_name, "uid": alert.rule_id });
    if let Some(version) = rule.and_then(|rule| rule.version) {
        analytic["version"] = version.to_string().into();
    }
    let mut info = json!({
        "uid": alert.uuid,
        "title": alert.rule_name,
        "desc": alert.reason,
        "analytic": analytic,
        "data_sources": ["AWS CloudTrail"],
    });
    if let Some(time) = event_time {
        info["first_seen_time"] = time.into();
    }
    let events: Vec<Value> = alert.event_ids.iter().map(|id| json!({ "uid": id })).collect();
    if !events.is_empty() {
        info["related_events"] = events.into();
    }
    let attacks = attacks(finding, report);
    if !attacks.is_empty() {
        info["attacks"] = attacks.into();
    }
    info
}

fn attacks(finding: &Finding, report: &HuntReport) -> Vec<Value> {
    fn entry(of: &ThreatEntry) -> Value {
        json!({ "uid": of.id, "name": of.name })
    }
    let rule = report.rules.iter().find(|rule| rule.rule_id == finding.alert.rule_id);
    let mut attacks = Vec::new();
    for threat in rule.iter().flat_map(|rule| &rule.threat) {
        let tactic = entry(&threat.tactic);
        if threat.technique.is_empty() {
            attacks.push(json!({ "tactic": tactic }));
        }
        for technique in &threat.technique {
            if technique.subtechnique.is_empty() {
                attacks.push(json!({ "tactic": tactic, "technique": entry(&technique.entry) }));
            }
            for sub in &technique.subtechnique {
                attacks.push(json!({ "tactic": tactic, "technique": entry(&technique.entry), "sub_technique": entry(sub) }));
            }
        }
    }
    attacks
}

fn cloud(finding: &Finding) -> Option<Value> {
    let (account, region) = (finding.field("cloud.account.id"), finding.field("cloud.region"));
    if account.is_none() && region.is_none() {
        return None;
    }
    let mut cloud = json!({ "provider": "AWS" });
    if let Some(account) = account {
        cloud["account"] = json!({ "uid": account, "type_id": 10, "type": "AWS Account" });
    }
    if let Some(region) = region {
        cloud["region"] = region.into();
    }
    Some(cloud)
}

fn evidence(finding: &Finding) -> Option<Value> {
    let mut evidence = Map::new();
    if let Some(operation) = finding.field("event.action") {
        let mut api = json!({ "operation": operation });
        if let Some(service) = finding.field("event.provider") {
            api["service"] = json!({ "name": service });
        }
        if let Some(error) = finding.field("aws.cloudtrail.error_code") {
            api["response"] = json!({ "error": error });
        }
        evidence.insert("api".to_owned(), api);
    }
    let mut user = Map::new();
    for (name, field) in [("uid", "aws.cloudtrail.user_identity.arn"), ("name", "user.name")] {
        if let Some(text) = finding.field(field) {
            user.insert(name.to_owned(), text.into());
        }
    }
    if !user.is_empty() {
        evidence.insert("actor".to_owned(), json!({ "user": user }));
    }
    if let Some(address) = finding.field("source.ip") {
        evidence.insert("src_endpoint".to_owned(), json!({ "ip": address }));
    }
    (!evidence.is_empty()).then(|| evidence.into())
}

fn resources(finding: &Finding) -> Vec<Value> {
    if let Some(triage) = finding.triage().filter(|triage| !triage.keys.is_empty()) {
        let key = |key: &triage::kms::key_report::KeyReport| {
            let mut resource = json!({ "uid": key.key, "type": "AWS::KMS::Key" });
            if let Some(region) = &key.region {
                resource["region"] = region.clone().into();
            }
            resource
        };
        return triage.keys.iter().map(key).collect();
    }
    let resources = finding.fields.iter().find(|field| field.name == "aws.cloudtrail.resources.arn");
    resources.iter().flat_map(|field| &field.values).map(|arn| json!({ "uid": arn })).collect()
}
