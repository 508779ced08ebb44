//! A detection rule: everything about it that does not depend on its type.

use ecs::{DateMath, Interval};
use serde_json::{Map, Value};

use crate::exception::ExceptionListRef;
use crate::format::Written;
use crate::mapping::{RiskScoreMapping, Severity, SeverityMapping};
use crate::origin::Origin;
use crate::rule_type::RuleType;
use crate::threat::Threat;

/// A rule that passed: every field is of its type, and defaults are filled in.
///
/// Field names and defaults are those of Kibana's detection engine API
/// (elastic/kibana common/api/detection_engine/model/rule_schema), except where a field says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The stable name of the rule, mostly a UUID; the same in every installation and version.
    pub rule_id: String,
    /// The id under which an installation keeps the rule (`id` in Kibana's API); [`rule_id`](Self::rule_id) when
    /// the file has none.
    pub uuid: String,
    /// What people call it.
    pub name: String,
    /// What it detects.
    pub description: String,
    /// Of its alerts, before the mapping.
    pub severity: Severity,
    /// 0 to 100, of its alerts, before the mapping.
    pub risk_score: u8,
    /// The version of the content; 1 when the file has none.
    pub version: u32,
    /// How often it was edited in its installation.
    pub revision: u32,
    /// False only where the file says so: to give us a rule is to want it run. (Kibana creates rules disabled.)
    pub enabled: bool,
    /// How often it runs; default 5m.
    pub interval: Interval,
    /// Where a run's search starts, relative to the run's start; default now-6m. Rounds down.
    pub from: DateMath,
    /// Where a run's search ends; default now. Rounds down.
    pub to: DateMath,
    /// The most alerts one run may make; default 100.
    pub max_signals: u32,
    /// The field that is the event's time; `@timestamp` when `None`.
    pub timestamp_override: Option<String>,
    /// When true, events without the override field are not found by their `@timestamp`.
    pub timestamp_override_fallback_disabled: bool,
    /// The event's field whose text replaces the rule's name on the alert.
    pub rule_name_override: Option<String>,
    /// True when its alerts are kept from view and serve other rules.
    pub building_block: bool,
    /// Who wrote it.
    pub author: Vec<String>,
    /// Under which licence.
    pub license: Option<String>,
    /// Free labels, mostly `Kind: value`.
    pub tags: Vec<String>,
    /// Addresses of further reading.
    pub references: Vec<String>,
    /// Known causes that are no attack.
    pub false_positives: Vec<String>,
    /// The investigation guide, in Markdown; the placeholders of a TOML file's `[transform]` are filled in.
    pub note: Option<String>,
    /// What has to be set up before the rule can find anything, in Markdown; empty when nothing is said.
    pub setup: String,
    /// What the attacker does, in the words of a framework.
    pub threat: Vec<Threat>,
    /// Overrides of the severity.
    pub severity_mapping: Vec<SeverityMapping>,
    /// Overrides of the risk score.
    pub risk_score_mapping: Vec<RiskScoreMapping>,
    /// The fields to be shown first on its alerts.
    pub investigation_fields: Vec<String>,
    /// A Kibana timeline template.
    pub timeline_id: Option<String>,
    /// The title of that template.
    pub timeline_title: Option<String>,
    /// The exception lists that apply.
    pub exceptions_list: Vec<ExceptionListRef>,
    /// Integrations that deliver the events; for information.
    pub related_integrations: Vec<RelatedIntegration>,
    /// Fields that the rule reads; for information.
    pub required_fields: Vec<RequiredField>,
    /// Who is told about an alert, as Kibana writes it.
    pub actions: Vec<Value>,
    /// What is done on the host, as Kibana writes it.
    pub response_actions: Vec<Value>,
    /// Free.
    pub meta: Option<Map<String, Value>>,
    /// Without effect.
    pub namespace: Option<String>,
    /// Legacy, without effect here.
    pub throttle: Option<String>,
    /// When it was created, as written.
    pub created_at: Option<String>,
    /// By whom.
    pub created_by: Option<String>,
    /// When it was last changed, as written.
    pub updated_at: Option<String>,
    /// By whom.
    pub updated_by: Option<String>,
    /// True for rules that a vendor ships and users do not edit; a mirror of `rule_source`.
    pub immutable: bool,
    /// Whether it is the vendor's or the user's own, as Kibana writes it.
    pub rule_source: Option<Value>,
    /// The `[metadata]` of a TOML file.
    pub metadata: Option<TomlMetadata>,
    /// What it looks for, and how.
    pub rule_type: RuleType,
    /// Keys that we do not know, or that have no meaning here, as written.
    pub extra: Map<String, Value>,
    /// Where it was read.
    pub origin: Origin,
    /// What was written there, so that writing back changes only what was changed.
    pub written: Written,
}

/// The `[metadata]` table of a detection-rules file. Dates are `YYYY/MM/DD`, as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TomlMetadata {
    /// When the rule was written.
    pub creation_date: String,
    /// When it was last changed.
    pub updated_date: String,
    /// When it was given up.
    pub deprecation_date: Option<String>,
    /// How far the rule has come.
    pub maturity: Option<Maturity>,
    /// The integrations whose events it reads.
    pub integration: Vec<String>,
    /// The oldest stack that can run it, for example `8.14.0`.
    pub min_stack_version: Option<String>,
    /// Why.
    pub min_stack_comments: Option<String>,
    /// True for rules that pass on the alerts of other products.
    pub promotion: bool,
    /// True when the limits on the schedule of building blocks do not apply.
    pub bypass_bbr_timing: bool,
    /// Every other key, as written.
    pub extra: Map<String, Value>,
}

/// How far a rule has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Maturity {
    /// `development`
    Development,
    /// `experimental`
    Experimental,
    /// `beta`
    Beta,
    /// `production`
    Production,
    /// `deprecated`: given up; loaded, and flagged.
    Deprecated,
}

/// An integration that delivers the events of a rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RelatedIntegration {
    /// For example `aws`.
    pub package: String,
    /// A range of versions, for example `^2.0.0`.
    #[serde(default)]
    pub version: String,
    /// For example `cloudtrail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<String>,
}

/// A field that a rule reads.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RequiredField {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub field_type: String,
}

impl Rule {
    /// True when its `[metadata]` says that it was given up.
    pub fn is_deprecated(&self) -> bool {
        self.metadata.as_ref().is_some_and(|m| m.maturity == Some(Maturity::Deprecated))
    }

    /// The field that is the event's time: the override, else `@timestamp`.
    pub fn primary_timestamp(&self) -> &str {
        self.timestamp_override.as_deref().unwrap_or("@timestamp")
    }

    /// The field that is the time of events which lack the primary one: `@timestamp`, unless that is the
    /// primary one or the rule forbids it.
    pub fn fallback_timestamp(&self) -> Option<&str> {
        let falls_back =
            self.primary_timestamp() != "@timestamp" && !self.timestamp_override_fallback_disabled;
        falls_back.then_some("@timestamp")
    }
}

impl Maturity {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Development, Self::Experimental, Self::Beta, Self::Production, Self::Deprecated];

    /// The name that rule files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Experimental => "experimental",
            Self::Beta => "beta",
            Self::Production => "production",
            Self::Deprecated => "deprecated",
        }
    }
}
