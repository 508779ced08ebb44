//! Routes for rules: list, look, put, switch on and off, delete, read the folder again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use state::{RuleDraft, StoredRule};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::page::{Limit, List, page_of};
use super::problem::{Finding, Problem};
use super::request::{Id, InBody, InPath, InQuery};
use super::rule_text::{RuleText, TextFormat, findings, one_rule, read};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .viewer(routes!(list))
        .viewer(routes!(get))
        .admin(routes!(put))
        .admin(routes!(delete))
        .admin(routes!(enable))
        .admin(routes!(disable))
        .admin(routes!(reload))
}

/// A rule in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleSummary {
    /// The rule's signature id.
    pub rule_id: String,
    /// What people call it.
    pub name: String,
    /// Does it run?
    pub enabled: bool,
    /// Where it came from: a path in the rules folder, or `import`, `api`.
    pub origin: String,
    /// One more at each change.
    pub revision: i64,
    /// Of the newest change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who made it.
    pub updated_by: String,
    /// Why a newer text was not taken, while this one keeps running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What its text says; missing when it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleText>,
}

/// A rule with its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleDetail {
    /// The rule.
    pub summary: RuleSummary,
    /// Its text.
    pub source: String,
    /// How the text is written.
    pub format: TextFormat,
    /// What is wrong with it, or worth knowing.
    pub findings: Vec<Finding>,
}

/// A rule to keep.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulePut {
    /// Its text; the `rule_id` in it must be that of the path.
    #[schema(min_length = 1)]
    pub source: String,
    /// How the text is written.
    pub format: TextFormat,
    /// Missing: a rule that is known stays as it is, a new one runs unless its text says otherwise.
    pub enabled: Option<bool>,
}

/// Which rules.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RuleQuery {
    /// Those that run, or those that do not.
    pub enabled: Option<bool>,
    /// With one of these severities.
    #[serde(default)]
    #[param(inline)]
    pub severity: Vec<SeverityName>,
    /// Of one of these types, for example `eql`.
    #[serde(default, rename = "type")]
    #[param(rename = "type")]
    pub rule_type: Vec<String>,
    /// With all of these tags.
    #[serde(default)]
    pub tag: Vec<String>,
    /// With this in the name, whatever the case.
    pub name: Option<String>,
    /// Those with a newer text that was not taken, or those without.
    pub fault: Option<bool>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// A severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeverityName {
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `critical`
    Critical,
}

/// A rule's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RulePath {
    /// The rule's signature id.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub rule_id: Id,
}

impl SeverityName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

fn summary(stored: &StoredRule, rule: Option<Arc<RuleText>>) -> RuleSummary {
    RuleSummary {
        rule_id: stored.rule_id.clone(),
        name: stored.name.clone(),
        enabled: stored.enabled,
        origin: stored.origin.clone(),
        revision: stored.revision,
        updated_at: stored.updated_at.to_string(),
        updated_by: stored.updated_by.clone(),
        fault: stored.fault.clone(),
        rule: rule.map(|rule| (*rule).clone()),
    }
}

fn detail(state: &AppState, stored: StoredRule) -> RuleDetail {
    let format = TextFormat::from(stored.format);
    let loaded = read(&stored.source, format);
    let mut found: Vec<Finding> =
        loaded.diagnostics.iter().map(|found| Finding::of(found, &stored.source)).collect();
    for rule in &loaded.rules {
        found.extend(findings(rule, &stored.source, &state.catalog));
    }
    let summary = summary(&stored, state.summaries.of(&stored));
    RuleDetail { summary, source: stored.source, format, findings: found }
}

/// Lists rules by rule id.
#[utoipa::path(
    get, path = "/api/v1/rules", tag = "rules", operation_id = "list_rules", params(RuleQuery),
    responses((status = 200, description = "A page of rules.", body = List<RuleSummary>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<RuleQuery>,
) -> Result<Json<List<RuleSummary>>, Problem> {
    let mut rules = state.store.rules().await?;
    rules.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
    let name = query.name.as_ref().map(|name| name.to_lowercase());
    rules.retain(|rule| {
        let plain = query.enabled.is_none_or(|enabled| rule.enabled == enabled)
            && query.fault.is_none_or(|fault| rule.fault.is_some() == fault)
            && name.as_ref().is_none_or(|name| rule.name.to_lowercase().contains(name));
        let asks_text = !(query.severity.is_empty() && query.rule_type.is_empty() && query.tag.is_empty());
        plain
            && (!asks_text
                || state.summaries.of(rule).is_some_and(|text| {
                    let severity = &query.severity;
                    (severity.is_empty() || severity.iter().any(|wanted| wanted.as_str() == text.severity))
                        && (query.rule_type.is_empty() || query.rule_type.contains(&text.rule_type))
                        && query.tag.iter().all(|tag| text.tags.contains(tag))
                }))
    });
    let key = |rule: &StoredRule| rule.rule_id.clone();
    let shown = |rule: StoredRule| summary(&rule, state.summaries.of(&rule));
    Ok(Json(page_of(rules, query.limit, query.after.as_deref(), key, shown)?))
}

/// One rule with its text and what is to be said about it.
#[utoipa::path(
    get, path = "/api/v1/rules/{rule_id}", tag = "rules", operation_id = "get_rule", params(RulePath),
    responses((status = 200, description = "The rule.", body = RuleDetail))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<RulePath>,
) -> Result<Json<RuleDetail>, Problem> {
    let stored = state.store.rule(&path.rule_id).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("rule", &path.rule_id))?;
    Ok(Json(detail(&state, stored)))
}

/// Keeps a rule, in place of the one with this id. A rule that cannot run is refused, and the one that is there stays.
#[utoipa::path(
    put, path = "/api/v1/rules/{rule_id}", tag = "rules", operation_id = "put_rule", params(RulePath),
    request_body = RulePut,
    responses((status = 200, description = "The rule as it is now.", body = RuleDetail))
)]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<RulePath>,
    InBody(body): InBody<RulePut>,
) -> Result<Json<RuleDetail>, Problem> {
    let (rule, _) = one_rule(&body.source, body.format, &state.catalog)?;
    if rule.rule_id != *path.rule_id {
        let detail =
            format!("the text is of the rule `{}`; put it there, or change its rule_id", rule.rule_id);
        return Err(Problem::bad_request(detail));
    }
    let is_known = state.store.rule(&rule.rule_id).await?.is_some();
    let draft = RuleDraft {
        rule_id: rule.rule_id,
        name: rule.name,
        source: body.source,
        format: body.format.into(),
        origin: "api".to_owned(),
        enabled: body.enabled.or(if is_known { None } else { Some(rule.enabled) }),
    };
    let stored = state.store.put_rule(draft, &caller.actor, state.clock.now()).await?;
    Ok(Json(detail(&state, stored)))
}

/// Forgets a rule with its cursor and open gaps; its alerts and executions stay. One that stands in the rules folder
/// comes back when the folder is read again.
#[utoipa::path(
    delete, path = "/api/v1/rules/{rule_id}", tag = "rules", operation_id = "delete_rule", params(RulePath),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<RulePath>,
) -> Result<StatusCode, Problem> {
    if state.store.delete_rule(&path.rule_id, &caller.actor, state.clock.now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("rule", &path.rule_id))
}

/// Lets a rule run.
#[utoipa::path(
    post, path = "/api/v1/rules/{rule_id}/enable", tag = "rules", operation_id = "enable_rule", params(RulePath),
    responses((status = 200, description = "The rule as it is now.", body = RuleSummary))
)]
async fn enable(
    state: State<AppState>,
    caller: Caller,
    path: InPath<RulePath>,
) -> Result<Json<RuleSummary>, Problem> {
    switch(state, caller, path, true).await
}

/// Stops a rule from running.
#[utoipa::path(
    post, path = "/api/v1/rules/{rule_id}/disable", tag = "rules", operation_id = "disable_rule", params(RulePath),
    responses((status = 200, description = "The rule as it is now.", body = RuleSummary))
)]
async fn disable(
    state: State<AppState>,
    caller: Caller,
    path: InPath<RulePath>,
) -> Result<Json<RuleSummary>, Problem> {
    switch(state, caller, path, false).await
}

async fn switch(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<RulePath>,
    enabled: bool,
) -> Result<Json<RuleSummary>, Problem> {
    let now = state.clock.now();
    let stored = state.store.set_rule_enabled(&path.rule_id, enabled, &caller.actor, now).await?;
    Ok(Json(summary(&stored, state.summaries.of(&stored))))
}

/// Reads the rules folder again, now.
#[utoipa::path(
    post, path = "/api/v1/rules/reload", tag = "rules", operation_id = "reload_rules",
    responses((status = 204, description = "It was read; faults stand at the rules."))
)]
async fn reload(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, Problem> {
    state.control.reload_rules(&caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
