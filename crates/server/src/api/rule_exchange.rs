//! Routes that take rules in from files and exports, and give them out as Kibana's NDJSON.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ecs::Timestamp;
use rule::{ExceptionItem, ExceptionList, Loaded, Rule};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::{Actor, RuleDraft, RuleFormat};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::problem::{Finding, Problem};
use super::request::{AnyBody, InQuery};
use super::rule_text::{TextFormat, findings, read};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.admin(routes!(import)).viewer(routes!(export))
}

/// How to import.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// True: what is there is replaced. False, as when missing: it stays, and is reported as `exists`.
    #[serde(default)]
    pub overwrite: bool,
}

/// Which rules to export.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// These; all when missing.
    #[serde(default)]
    pub rule_id: Vec<String>,
}

/// What became of everything in a body.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// One for each rule, in the order of the text; those that could not be read come last.
    pub rules: Vec<Imported>,
    /// One for each exception list.
    pub exception_lists: Vec<Imported>,
    /// One for each item of an exception list, as `list/item`.
    pub exception_items: Vec<Imported>,
    /// Connectors that were left out: exports hold no secrets, so they must be made anew.
    pub connectors_left_out: Vec<String>,
    /// What belongs to no one rule.
    pub findings: Vec<Finding>,
}

/// What became of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// Its id; missing when it has none that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What became of it.
    pub status: ImportStatus,
    /// Why not; missing unless it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is wrong with it, or worth knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// What became of one thing that was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportStatus {
    /// It is new.
    Created,
    /// It took the place of another text.
    Updated,
    /// It was there as it is.
    Unchanged,
    /// Another text of this id is there, and stays.
    Exists,
    /// It was not taken.
    Failed,
}

impl Imported {
    fn failed(id: Option<String>, name: Option<String>, reason: impl Into<String>) -> Self {
        Self { id, name, status: ImportStatus::Failed, reason: Some(reason.into()), findings: Vec::new() }
    }
}

/// Takes in rules, and exception lists with their items: Kibana's NDJSON (`application/x-ndjson`, `application/json`), or a
/// TOML file (`application/toml`). Each thing has its own outcome; what fails stops nothing else.
#[utoipa::path(
    post, path = "/api/v1/rules/import", tag = "rules", operation_id = "import_rules", params(ImportQuery),
    request_body(content((String = "application/x-ndjson"), (String = "application/toml"), (Value = "application/json"))),
    responses((status = 200, description = "What became of each.", body = ImportReport))
)]
async fn import(
    State(state): State<AppState>,
    caller: Caller,
    InQuery(query): InQuery<ImportQuery>,
    body: AnyBody,
) -> Result<Json<ImportReport>, Problem> {
    let format = match body.content_type.as_str() {
        "application/toml" => TextFormat::Toml,
        "application/x-ndjson" | "application/ndjson" | "application/json" => TextFormat::Json,
        _ => {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send Kibana's export as application/x-ndjson, or a rule file as application/toml",
            ));
        }
    };
    let text = String::from_utf8(body.bytes.to_vec())
        .map_err(|_| Problem::bad_request("the body is no UTF-8; save the file as UTF-8"))?;
    let catalog = Arc::clone(&state.catalog);
    // A whole pack takes a while; others are served meanwhile.
    let reading = tokio::task::spawn_blocking(move || {
        let loaded = read(&text, format);
        let found: Vec<_> = loaded.rules.iter().map(|rule| findings(rule, &text, &catalog)).collect();
        (text, loaded, found)
    });
    let stopped =
        |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the body could not be read; send it again");
    let (text, loaded, mut found) = reading.await.map_err(stopped)?;
    let text = text.as_str();
    let import = Import {
        state: &state,
        by: &caller.actor,
        now: state.clock.now(),
        overwrite: query.overwrite,
        text,
        format,
    };
    let mut report = ImportReport::default();
    for list in &loaded.exception_lists {
        report.exception_lists.push(import.list(list).await?);
    }
    for (position, item) in loaded.exception_items.iter().enumerate() {
        report.exception_items.push(import.item(item, position).await?);
    }
    for (rule, found) in loaded.rules.iter().zip(&mut found) {
        report.rules.push(import.rule(rule, std::mem::take(found)).await?);
    }
    for failed in &loaded.failed {
        let (id, name) = (failed.rule_id.clone(), failed.name.clone());
        report.rules.push(Imported::failed(id, name, &failed.reason));
    }
    let name = |connector: &Value| {
        let text = |key| connector.get(key).and_then(Value::as_str);
        text("name").or_else(|| text("id")).unwrap_or("without a name").to_owned()
    };
    report.connectors_left_out = loaded.connectors.iter().map(name).collect();
    report.findings = loaded.diagnostics.iter().map(|found| Finding::of(found, text)).collect();
    let nothing = report.rules.is_empty()
        && report.exception_lists.is_empty()
        && report.exception_items.is_empty()
        && report.connectors_left_out.is_empty();
    if nothing {
        let detail = "the body holds no rule, exception list, item or connector";
        return Err(Problem::bad_request(detail).with_findings(report.findings));
    }
    Ok(Json(report))
}

struct Import<'a> {
    state: &'a AppState,
    by: &'a Actor,
    now: Timestamp,
    overwrite: bool,
    text: &'a str,
    format: TextFormat,
}

impl Import<'_> {
    async fn rule(&self, rule: &Rule, found: Vec<Finding>) -> Result<Imported, Problem> {
        let (id, name) = (Some(rule.rule_id.clone()), Some(rule.name.clone()));
        if found.iter().any(|finding| finding.severity == "error") {
            let reason = "the rule would not run as it is meant";
            return Ok(Imported { findings: found, ..Imported::failed(id, name, reason) });
        }
        let source = match self.format {
            TextFormat::Toml => self.text,
            TextFormat::Json => {
                self.text.get(rule.origin.span.start..rule.origin.span.end).unwrap_or(self.text).trim()
            }
        };
        let before = self.state.store.rule(&rule.rule_id).await?;
        let status = match &before {
            None => ImportStatus::Created,
            Some(before) if before.source == source => ImportStatus::Unchanged,
            Some(_) if !self.overwrite => ImportStatus::Exists,
            Some(_) => ImportStatus::Updated,
        };
        let mut imported = Imported { id, name, status, reason: None, findings: found };
        if matches!(status, ImportStatus::Created | ImportStatus::Updated) {
            let draft = RuleDraft {
                rule_id: rule.rule_id.clone(),
                name: rule.name.clone(),
                source: source.to_owned(),
                format: self.format.into(),
                origin: "import".to_owned(),
                enabled: if before.is_none() { Some(rule.enabled) } else { None },
            };
            imported = settled(imported, self.state.store.put_rule(draft, self.by, self.now).await)?;
        }
        Ok(imported)
    }

    async fn list(&self, list: &ExceptionList) -> Result<Imported, Problem> {
        let written = Loaded { exception_lists: vec![list.clone()], ..Loaded::default() };
        let document = only_object(&written);
        let before = self.state.store.exception_list(&list.list_id).await?;
        let status = self.status(before.map(|before| before.document), &document);
        let (id, name) = (Some(list.list_id.clone()), Some(list.name.clone()));
        let imported = Imported { id, name, status, reason: None, findings: Vec::new() };
        if !matches!(status, ImportStatus::Created | ImportStatus::Updated) {
            return Ok(imported);
        }
        let store = &self.state.store;
        settled(imported, store.put_exception_list(&list.list_id, document, None, self.by, self.now).await)
    }

    async fn item(&self, item: &ExceptionItem, position: usize) -> Result<Imported, Problem> {
        let written = Loaded { exception_items: vec![item.clone()], ..Loaded::default() };
        let document = only_object(&written);
        let item_id =
            item.item_id.clone().or_else(|| item.id.clone()).unwrap_or_else(|| format!("item-{position}"));
        let store = &self.state.store;
        let before = store.exception_item(&item.list_id, &item_id).await?;
        let status = self.status(before.map(|before| before.document), &document);
        let (id, name) = (Some(format!("{}/{item_id}", item.list_id)), Some(item.name.clone()));
        let found = rule::check::check_exception(item, self.text, &self.state.catalog);
        let findings = found.iter().map(|found| Finding::of(found, self.text)).collect();
        let imported = Imported { id, name, status, reason: None, findings };
        if !matches!(status, ImportStatus::Created | ImportStatus::Updated) {
            return Ok(imported);
        }
        let put = store.put_exception_item(&item.list_id, &item_id, document, None, self.by, self.now).await;
        settled(imported, put)
    }

    fn status(&self, before: Option<Value>, document: &Value) -> ImportStatus {
        match before {
            None => ImportStatus::Created,
            Some(before) if before == *document => ImportStatus::Unchanged,
            Some(_) if !self.overwrite => ImportStatus::Exists,
            Some(_) => ImportStatus::Updated,
        }
    }
}

/// What the store refuses fails by itself; that it cannot be reached fails the whole.
fn settled<T>(imported: Imported, put: Result<T, state::StateError>) -> Result<Imported, Problem> {
    match put {
        Ok(_) => Ok(imported),
        Err(error @ (state::StateError::Invalid { .. } | state::StateError::NotFound { .. })) => {
            Ok(Imported { status: ImportStatus::Failed, reason: Some(error.to_string()), ..imported })
        }
        Err(error) => Err(error.into()),
    }
}

/// The object of what holds one thing.
fn only_object(loaded: &Loaded) -> Value {
    let text = rule::format::ndjson::write(loaded);
    serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap_or_default()
}

/// Gives rules as Kibana's NDJSON, with the exception lists that they name, and a last line that counts them. A rule
/// that was written as JSON comes out as it came in, one of TOML as its object.
#[utoipa::path(
    get, path = "/api/v1/rules/export", tag = "rules", operation_id = "export_rules", params(ExportQuery),
    responses((status = 200, description = "One object a line.", body = String, content_type = "application/x-ndjson"))
)]
async fn export(
    State(state): State<AppState>,
    InQuery(query): InQuery<ExportQuery>,
) -> Result<impl IntoResponse, Problem> {
    let mut out = Loaded::default();
    let mut missing: Vec<&String> = query.rule_id.iter().collect();
    for stored in state.store.rules().await? {
        if !query.rule_id.is_empty() && !query.rule_id.contains(&stored.rule_id) {
            continue;
        }
        let text = stored.source.as_str();
        let mut loaded = read(text, stored.format.into());
        let Some(mut rule) = loaded.rules.pop() else { continue };
        missing.retain(|id| **id != stored.rule_id);
        rule.enabled = stored.enabled;
        out.rules.push(rule);
        if stored.format == RuleFormat::Toml {
            out.exception_lists.append(&mut loaded.exception_lists);
            out.exception_items.append(&mut loaded.exception_items);
        }
    }
    add_exceptions(&state, &mut out).await?;
    let missing: Vec<Value> = missing.iter().map(|id| json!({"rule_id": id})).collect();
    out.details = Some(details(&out, missing));
    let text = rule::format::ndjson::write(&out);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text))
}

async fn add_exceptions(state: &AppState, out: &mut Loaded) -> Result<(), Problem> {
    let mut wanted: Vec<String> =
        out.rules.iter().flat_map(|rule| &rule.exceptions_list).map(|list| list.list_id.clone()).collect();
    wanted.sort();
    wanted.dedup();
    wanted.retain(|id| out.exception_lists.iter().all(|list| list.list_id != *id));
    for list_id in wanted {
        let Some(list) = state.store.exception_list(&list_id).await? else { continue };
        let mut text = list.document.to_string();
        for item in state.store.exception_items(&list_id).await? {
            text.push('\n');
            text.push_str(&item.document.to_string());
        }
        let mut loaded = rule::format::ndjson::read(&text, Path::new("state"));
        out.exception_lists.append(&mut loaded.exception_lists);
        out.exception_items.append(&mut loaded.exception_items);
    }
    Ok(())
}

fn details(out: &Loaded, missing: Vec<Value>) -> Map<String, Value> {
    let (rules, lists, items) = (out.rules.len(), out.exception_lists.len(), out.exception_items.len());
    let object = json!({
        "exported_count": rules + lists + items,
        "exported_rules_count": rules,
        "missing_rules_count": missing.len(),
        "missing_rules": missing,
        "exported_exception_list_count": lists,
        "exported_exception_list_item_count": items,
        "exported_action_connector_count": 0,
    });
    match object {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
