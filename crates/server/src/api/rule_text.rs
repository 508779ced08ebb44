//! The text of a rule as the API reads it: what it says in short, what is wrong with it, and the rule itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ecs::Catalog;
use rule::{Loaded, Rule};
use serde::{Deserialize, Serialize};
use state::RuleFormat;
use utoipa::ToSchema;

use super::problem::{Finding, Problem};

/// How the text of a rule is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TextFormat {
    /// A file of the public rule repository's shape, or of ours.
    Toml,
    /// A JSON object as Kibana's API and exports write it.
    Json,
}

/// What a rule says, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleText {
    /// For example `query`, `eql`, `esql`, `threshold`, `new_terms`.
    #[serde(rename = "type")]
    pub rule_type: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// 0 to 100.
    pub risk_score: u8,
    /// Of the content.
    pub version: u32,
    /// How often it runs, for example `5m`.
    pub interval: String,
    /// Where a run's search begins, for example `now-6m`.
    pub from: String,
    /// The most alerts of one run.
    pub max_signals: u32,
    /// Free labels.
    pub tags: Vec<String>,
    /// What it detects.
    pub description: String,
    /// The index patterns that it reads; empty when the query says it.
    pub index: Vec<String>,
    /// The language of the query; missing for rules without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The query; missing for rules without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The ids of the exception lists that apply.
    pub exception_lists: Vec<String>,
}

/// Summaries by the hash of the rule's text; `None` for a text that cannot be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct SummaryCache {
    summaries: Arc<Mutex<BTreeMap<String, Option<Arc<RuleText>>>>>,
}

impl SummaryCache {
    const MOST: usize = 20_000;

    pub(crate) fn of(&self, stored: &state::StoredRule) -> Option<Arc<RuleText>> {
        let lock = || self.summaries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&stored.content_hash) {
            return known.clone();
        }
        let loaded = read(&stored.source, stored.format.into());
        let summary = loaded.rules.first().map(|rule| Arc::new(RuleText::of(rule)));
        let mut summaries = lock();
        if summaries.len() >= Self::MOST {
            summaries.clear();
        }
        summaries.insert(stored.content_hash.clone(), summary.clone());
        summary
    }
}

impl From<TextFormat> for RuleFormat {
    fn from(format: TextFormat) -> Self {
        match format {
            TextFormat::Toml => Self::Toml,
            TextFormat::Json => Self::Json,
        }
    }
}

impl From<RuleFormat> for TextFormat {
    fn from(format: RuleFormat) -> Self {
        match format {
            RuleFormat::Toml => Self::Toml,
            RuleFormat::Json => Self::Json,
        }
    }
}

impl RuleText {
    fn of(rule: &Rule) -> Self {
        let query = rule.rule_type.query();
        let index = rule.rule_type.source().and_then(|source| source.index.clone()).unwrap_or_default();
        Self {
            rule_type: rule.rule_type.name().to_owned(),
            severity: rule.severity.name().to_owned(),
            risk_score: rule.risk_score,
            version: rule.version,
            interval: rule.interval.to_string(),
            from: rule.from.to_string(),
            max_signals: rule.max_signals,
            tags: rule.tags.clone(),
            description: rule.description.clone(),
            index,
            language: query.map(|(_, language)| language.name().to_owned()),
            query: query.map(|(query, _)| query.to_owned()),
            exception_lists: rule.exceptions_list.iter().map(|list| list.list_id.clone()).collect(),
        }
    }
}

/// Reads a text of either format.
pub(crate) fn read(text: &str, format: TextFormat) -> Loaded {
    match format {
        TextFormat::Toml => rule::format::toml::read(text, Path::new("rule.toml")),
        TextFormat::Json => rule::format::ndjson::read(text, Path::new("rule.ndjson")),
    }
}

/// Everything found about a rule of a text.
pub(crate) fn findings(rule: &Rule, text: &str, catalog: &Catalog) -> Vec<Finding> {
    rule::check::check(rule, text, catalog).iter().map(|found| Finding::of(found, text)).collect()
}

/// The one rule that a text holds, with what is worth knowing about it.
///
/// # Errors
/// 400 with what was found, when it holds none, more than one, or one that cannot run.
pub(crate) fn one_rule(
    text: &str,
    format: TextFormat,
    catalog: &Catalog,
) -> Result<(Rule, Vec<Finding>), Problem> {
    let mut loaded = read(text, format);
    let mut found: Vec<Finding> = loaded.diagnostics.iter().map(|found| Finding::of(found, text)).collect();
    if !loaded.failed.is_empty() {
        return Err(Problem::bad_request("the rule cannot be read; see `findings`").with_findings(found));
    }
    let holds = loaded.rules.len();
    let Some(rule) = loaded.rules.pop().filter(|_| holds == 1) else {
        let detail = format!("`source` must hold one rule; it holds {holds}");
        return Err(Problem::bad_request(detail).with_findings(found));
    };
    found.extend(findings(&rule, text, catalog));
    if found.iter().any(|finding| finding.severity == "error") {
        let detail = "the rule would not run as it is meant; see `findings`";
        return Err(Problem::bad_request(detail).with_findings(found));
    }
    Ok((rule, found))
}
