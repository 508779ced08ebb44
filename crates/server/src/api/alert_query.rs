//! Which alerts are asked for: what the state can tell by its columns, and KQL over whole documents.

use ecs::{Catalog, Document, FieldTable, Known, TimeRange, Timestamp};
use matcher::{Predicate, Resolver};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use state::{AlertFilter, AlertPosition, StoredAlert, TimeSpan, Workflow};

use super::AppState;
use super::problem::{Finding, Problem};

/// How many alerts are read from the state at a time.
const BATCH: u32 = 500;

/// A query that was understood.
#[derive(Debug)]
pub(crate) struct AlertSearch {
    pub(crate) filter: AlertFilter,
    kql: Option<AlertKql>,
}

#[derive(Debug)]
struct AlertKql {
    predicate: Predicate,
    table: FieldTable,
}

/// A place in the list of alerts, as callers hand it back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AlertPlace(i64, String);

/// What a walk over alerts found.
pub(crate) struct Walked {
    /// Newest first.
    pub(crate) alerts: Vec<StoredAlert>,
    /// Where to go on; `None` at the end.
    pub(crate) next: Option<AlertPlace>,
}

impl AlertSearch {
    /// # Errors
    /// 400 with what is wrong with the KQL.
    pub(crate) fn new(
        filter: AlertFilter,
        kql: Option<&str>,
        catalog: &Catalog,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let kql = match kql.filter(|kql| !kql.trim().is_empty()) {
            None => None,
            Some(text) => Some(AlertKql::read(text, catalog, now)?),
        };
        Ok(Self { filter, kql })
    }

    pub(crate) fn has_kql(&self) -> bool {
        self.kql.is_some()
    }

    fn passes(&self, stored: &StoredAlert) -> bool {
        let Some(kql) = &self.kql else { return true };
        let Value::Object(object) = document(stored) else { return false };
        let document = Document::from_map(object);
        kql.predicate.eval(&document.view(&kql.table)) == Known::Yes
    }

    /// The first `limit` alerts after a place; stops earlier once `most` were looked at.
    pub(crate) async fn walk(
        &self,
        state: &AppState,
        after: Option<AlertPlace>,
        limit: usize,
        most: usize,
    ) -> Result<Walked, Problem> {
        let mut alerts = Vec::new();
        let mut at = after.map(AlertPlace::position).transpose()?;
        let mut seen = 0;
        let batch = if self.has_kql() { BATCH } else { u32::try_from(limit).unwrap_or(BATCH).min(BATCH) };
        loop {
            let page = state.store.alerts(&self.filter, at.as_ref(), batch).await?;
            let whole = page.items.len();
            for (position, stored) in page.items.into_iter().enumerate() {
                seen += 1;
                let place = AlertPlace::of(&stored);
                if self.passes(&stored) {
                    alerts.push(stored);
                }
                if alerts.len() >= limit || seen >= most {
                    let is_last = position + 1 == whole && page.next.is_none();
                    return Ok(Walked { alerts, next: (!is_last).then_some(place) });
                }
            }
            match page.next {
                Some(next) => at = Some(next),
                None => return Ok(Walked { alerts, next: None }),
            }
        }
    }
}

impl AlertKql {
    fn read(text: &str, catalog: &Catalog, now: Timestamp) -> Result<Self, Problem> {
        let parsed = query::kql::parse(text);
        let mut found = parsed.diagnostics;
        let mut table = FieldTable::new();
        let resolved = Resolver::new(catalog, &mut table, now).kql(&parsed.tree);
        found.extend(resolved.diagnostics);
        if let Some(fault) = found.iter().find(|found| found.is_error()) {
            let detail = format!("`query` is no KQL that can be answered: {}", fault.message);
            let findings = found.iter().map(|found| Finding::of(found, text)).collect();
            return Err(Problem::bad_request(detail).with_findings(findings));
        }
        Ok(Self { predicate: resolved.predicate, table })
    }
}

impl AlertPlace {
    fn of(stored: &StoredAlert) -> Self {
        Self(stored.alert.timestamp.as_millisecond(), stored.alert.id.clone())
    }

    fn position(self) -> Result<AlertPosition, Problem> {
        let timestamp = Timestamp::from_millisecond(self.0)
            .map_err(|_| Problem::bad_request("query: `after` must be the `next` of an earlier page"))?;
        Ok(AlertPosition { timestamp, id: self.1 })
    }
}

/// A span of time from its ends.
///
/// # Errors
/// 400 when it ends before it begins.
pub(crate) fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<TimeSpan, Problem> {
    let range = TimeRange { from, to };
    match (range.from, range.to) {
        (Some(from), Some(to)) if to < from => {
            Err(Problem::bad_request("`to` lies before `from`; exchange them"))
        }
        (from, to) => Ok(TimeSpan { from, to }),
    }
}

/// The document of an alert as it is now: the workflow fields are those that people have set.
pub(crate) fn document(stored: &StoredAlert) -> Value {
    let Value::Object(mut object) = stored.alert.document.clone() else {
        return stored.alert.document.clone();
    };
    let Workflow { status, reason, assignees, tags, updated_at, updated_by, .. } = &stored.workflow;
    let mut fields = vec![
        ("workflow_status", Value::from(status.as_str())),
        ("workflow_assignee_ids", Value::from(assignees.clone())),
        ("workflow_tags", Value::from(tags.clone())),
    ];
    if let Some(reason) = reason {
        fields.push(("workflow_reason", Value::from(reason.clone())));
    }
    if updated_by.is_some() {
        fields.push(("workflow_status_updated_at", Value::from(updated_at.to_string())));
    }
    for (name, value) in fields {
        forget_nested(&mut object, name);
        object.insert(format!("kibana.alert.{name}"), value);
    }
    Value::Object(object)
}

/// Alerts from elsewhere may hold the fields as objects.
fn forget_nested(object: &mut Map<String, Value>, name: &str) {
    let alert = object.get_mut("kibana").and_then(|kibana| kibana.get_mut("alert"));
    if let Some(alert) = alert.and_then(Value::as_object_mut) {
        alert.shift_remove(name);
    }
}
