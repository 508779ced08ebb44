//! A rule as an object of Kibana's API, to a [`Rule`] or everything that is wrong with it.

use ecs::{DateMath, Interval};
use query::Diagnostic;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Written;
use super::fields::{Fields, OneOrMany};
use super::type_object;
use crate::origin::Origin;
use crate::places::Places;
use crate::rule::{Maturity, Rule, TomlMetadata};

/// `investigation_fields`: an object in Kibana; old exports have a list.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an object with `field_names`")]
enum InvestigationFields {
    Object { field_names: Vec<String> },
    List(Vec<String>),
}

/// Keys of Kibana's answers that say nothing about what the rule does.
const RESPONSE_ONLY: [&str; 5] =
    ["execution_summary", "outcome", "alias_target_id", "alias_purpose", "output_index"];

/// Reads a rule. The diagnostics hold an error exactly when there is no rule.
pub(super) fn read(
    object: &Map<String, Value>,
    places: &Places,
    origin: Origin,
    metadata: Option<TomlMetadata>,
    written: Written,
) -> (Option<Rule>, Vec<Diagnostic>) {
    let mut fields = Fields::new(object, places, "");
    let rule_type = type_object::read(&mut fields);
    let rule = read_fields(&mut fields, origin, metadata, written, rule_type);
    let (owner, unused): (String, Vec<&str>) = match object.get("type").and_then(Value::as_str) {
        Some(name) => (format!("rules of type {name}"), type_object::ALL_KEYS.to_vec()),
        None => ("rules".to_owned(), Vec::new()),
    };
    let (extra, diagnostics) = fields.finish(&RESPONSE_ONLY, &unused, &owner);
    let passed = !diagnostics.iter().any(Diagnostic::is_error);
    (rule.filter(|_| passed).map(|rule| Rule { extra, ..rule }), diagnostics)
}

fn read_fields(
    fields: &mut Fields<'_>,
    origin: Origin,
    metadata: Option<TomlMetadata>,
    written: Written,
    rule_type: Option<crate::RuleType>,
) -> Option<Rule> {
    let rule_id: Option<String> = fields.require("rule_id");
    let uuid: Option<String> = fields.take("id");
    let name: Option<String> = fields.require("name");
    for (key, value) in [("rule_id", &rule_id), ("name", &name)] {
        if value.as_ref().is_some_and(|text| text.trim().is_empty()) {
            fields.fault(key, "rule::bad-value", format!("`{key}` is empty"));
        }
    }
    let description: Option<String> = fields.require("description");
    let severity = match fields.raw("severity") {
        Some(_) => fields.parse("severity"),
        None => fields.require("severity"),
    };
    let risk_score = fields.require::<i64>("risk_score").and_then(|score| {
        let score = u8::try_from(score).ok().filter(|score| *score <= 100);
        if score.is_none() {
            fields.fault("risk_score", "rule::bad-value", "`risk_score` is from 0 to 100".to_owned());
        }
        score
    });
    let max_signals = fields.take_or("max_signals", 100);
    if max_signals == 0 {
        fields.fault("max_signals", "rule::bad-value", "`max_signals` is at least 1".to_owned());
    }
    let interval: Option<Interval> = fields.parse_or("interval", "5m");
    let from: Option<DateMath> = fields.parse_or("from", "now-6m");
    let to: Option<DateMath> = fields.parse_or("to", "now");
    let building_block = match fields.take::<String>("building_block_type").as_deref() {
        None => false,
        Some("default") => true,
        Some(other) => {
            let message = format!("`building_block_type` is `default` or absent, not `{other}`");
            fields.fault("building_block_type", "rule::bad-value", message);
            true
        }
    };
    let investigation_fields = match fields.take("investigation_fields") {
        Some(InvestigationFields::Object { field_names } | InvestigationFields::List(field_names)) => {
            field_names
        }
        None => Vec::new(),
    };
    let rule = Rule {
        rule_id: rule_id.clone().unwrap_or_default(),
        uuid: uuid.or(rule_id).unwrap_or_default(),
        name: name.unwrap_or_default(),
        description: description.unwrap_or_default(),
        severity: severity.unwrap_or(crate::Severity::Low),
        risk_score: risk_score.unwrap_or_default(),
        version: fields.take_or("version", 1),
        revision: fields.take_or("revision", 0),
        enabled: fields.take_or("enabled", true),
        interval: interval.unwrap_or(Interval::from_seconds(300)),
        from: from.or_else(|| "now-6m".parse().ok())?,
        to: to.or_else(|| "now".parse().ok())?,
        max_signals,
        timestamp_override: fields.take("timestamp_override").filter(|field: &String| !field.is_empty()),
        timestamp_override_fallback_disabled: fields.take_or("timestamp_override_fallback_disabled", false),
        rule_name_override: fields.take("rule_name_override").filter(|field: &String| !field.is_empty()),
        building_block,
        author: fields.take_or("author", Vec::new()),
        license: fields.take("license"),
        tags: fields.take_or("tags", Vec::new()),
        references: fields.take_or("references", Vec::new()),
        false_positives: fields.take_or("false_positives", Vec::new()),
        note: fields.take("note"),
        setup: fields.take_or("setup", String::new()),
        threat: fields.take_or("threat", Vec::new()),
        severity_mapping: fields.take_or("severity_mapping", Vec::new()),
        risk_score_mapping: fields.take_or("risk_score_mapping", Vec::new()),
        investigation_fields,
        timeline_id: fields.take("timeline_id"),
        timeline_title: fields.take("timeline_title"),
        exceptions_list: fields.take_or("exceptions_list", Vec::new()),
        related_integrations: fields.take_or("related_integrations", Vec::new()),
        required_fields: fields.take_or("required_fields", Vec::new()),
        actions: fields.take_or("actions", Vec::new()),
        response_actions: fields.take_or("response_actions", Vec::new()),
        meta: fields.take("meta"),
        namespace: fields.take("namespace"),
        throttle: fields.take("throttle"),
        created_at: fields.take("created_at"),
        created_by: fields.take("created_by"),
        updated_at: fields.take("updated_at"),
        updated_by: fields.take("updated_by"),
        immutable: fields.take_or("immutable", false),
        rule_source: fields.take("rule_source"),
        metadata,
        rule_type: rule_type?,
        extra: Map::new(),
        origin,
        written,
    };
    Some(rule)
}

/// Reads the `[metadata]` of a TOML file. Nothing in it can stop a rule; what is wrong becomes a warning.
pub(super) fn read_metadata(object: &Map<String, Value>, places: &Places) -> (TomlMetadata, Vec<Diagnostic>) {
    let mut fields = Fields::new(object, places, "metadata.");
    let maturity = fields.take::<String>("maturity").and_then(|name| {
        let known = Maturity::ALL.into_iter().find(|m| m.name() == name);
        if known.is_none() {
            let message = format!(
                "`{name}` is no maturity: expected development, experimental, beta, production or deprecated"
            );
            fields.fault("maturity", "rule::bad-value", message);
        }
        known
    });
    let metadata = TomlMetadata {
        creation_date: fields.require("creation_date").unwrap_or_default(),
        updated_date: fields.require("updated_date").unwrap_or_default(),
        deprecation_date: fields.take("deprecation_date"),
        maturity,
        integration: fields.take("integration").map_or_else(Vec::new, OneOrMany::into_vec),
        min_stack_version: fields.take("min_stack_version"),
        min_stack_comments: fields.take("min_stack_comments"),
        promotion: fields.take_or("promotion", false),
        bypass_bbr_timing: fields.take_or("bypass_bbr_timing", false),
        extra: Map::new(),
    };
    let known = ["os_type_list", "query_schema_validation", "comments", "related_endpoint_rules", "extended"];
    let (extra, mut diagnostics) = fields.finish(&known, &[], "the metadata");
    for diagnostic in &mut diagnostics {
        diagnostic.severity = query::Severity::Warning;
    }
    (TomlMetadata { extra, ..metadata }, diagnostics)
}
