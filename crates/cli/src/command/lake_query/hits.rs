//! KQL and EQL: the events of a lake that meet a condition, in order of time.

use ecs::{Catalog, Document, FieldTable, Known, Scalar};
use lake::StoredEvent;
use matcher::{Predicate, Resolver, Schema};
use query::Diagnostic;
use query::eql::ast::Body;
use serde_json::{Value, json};

use super::rows::{Row, RowWriter};
use super::{Asked, Asking, Unshown, tell};
use crate::reporter::table::{what, who};

/// The columns where no fields are named; the last of them before the id are what the reports of hunts show.
const COLUMNS: [&str; 6] = ["@timestamp", "data stream", "who", "from", "what", "_id"];

pub(super) fn kql(asked: &Asked<'_>, rows: &mut RowWriter) -> anyhow::Result<Asking> {
    let (catalog, mut table) = (Catalog::builtin(), FieldTable::new());
    let parsed = query::kql::parse(asked.text);
    let resolved = Resolver::new(&catalog, &mut table, asked.context.now).kql(&parsed.tree);
    let mut diagnostics = parsed.diagnostics;
    diagnostics.extend(resolved.diagnostics);
    if tell(&diagnostics, asked.text, &asked.context.printer) {
        return Ok(Asking::Refused);
    }
    write_hits(asked, &resolved.predicate, &table, rows)
}

pub(super) fn eql(asked: &Asked<'_>, rows: &mut RowWriter) -> anyhow::Result<Asking> {
    let (catalog, mut table) = (Catalog::builtin(), FieldTable::new());
    let parsed = query::eql::parse(asked.text);
    let mut diagnostics = parsed.diagnostics;
    let mut predicate = Predicate::Const(false);
    match &parsed.tree.body {
        Body::Event(filter) => {
            let mut resolver = Resolver::new(&catalog, &mut table, asked.context.now);
            let resolved = resolver.eql_filter(filter, "event.category", Schema::Open);
            diagnostics.extend(resolved.diagnostics);
            predicate = resolved.predicate;
        }
        Body::Sequence(_) | Body::Sample(_) => {
            let found = Diagnostic::error(
                "lake::several-events",
                "only conditions on single events can be asked here",
            );
            diagnostics
                .push(found.help("a rule of type eql finds sequences and samples: see `bartizan hunt`"));
        }
        Body::Invalid => {}
    }
    if let Some(pipe) = parsed.tree.pipes.first() {
        let found = Diagnostic::error("lake::pipes", "pipes are not run here").at(pipe.span);
        diagnostics.push(found.help("--limit says how many events are shown, the oldest first"));
    }
    if tell(&diagnostics, asked.text, &asked.context.printer) {
        return Ok(Asking::Refused);
    }
    write_hits(asked, &predicate, &table, rows)
}

/// A slip in a field's name would look like events that are not there.
fn warn_of_unknown_fields(asked: &Asked<'_>, table: &FieldTable) {
    let catalog = Catalog::builtin();
    let columns = asked.snapshot.unified_columns(&asked.request.streams);
    for (_, entry) in table.entries().filter(|(_, entry)| entry.field_type.is_none()) {
        let name = &*entry.name;
        let is_it = |other: &str| {
            other.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if catalog.names().any(is_it) || columns.iter().any(|column| is_it(column.name())) {
            continue;
        }
        let near = catalog.nearest(name).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        asked.context.printer.warn(format!("no event of the lake has a field `{name}`{near}"));
    }
}

fn write_hits(
    asked: &Asked<'_>,
    predicate: &Predicate,
    table: &FieldTable,
    rows: &mut RowWriter,
) -> anyhow::Result<Asking> {
    warn_of_unknown_fields(asked, table);
    let fields = asked.fields;
    let columns = if fields.is_empty() { COLUMNS.map(str::to_owned).to_vec() } else { fields.to_vec() };
    rows.columns(columns)?;
    let mut found = 0;
    for event in asked.snapshot.documents_in_order(&asked.request) {
        let event = event?;
        if predicate.eval(&event.document.view(table)) != Known::Yes {
            continue;
        }
        if asked.limit == Some(found) {
            return Ok(Asking::Answered(Unshown::Some));
        }
        found += 1;
        let row = if fields.is_empty() {
            Row { whole: Some(hit(&event)), values: summary(&event) }
        } else {
            Row { whole: None, values: fields.iter().map(|field| value(&event, field)).collect() }
        };
        rows.row(row)?;
    }
    Ok(Asking::Answered(Unshown::None))
}

/// The event as searches in Elasticsearch give it, which other commands read as well.
fn hit(event: &StoredEvent) -> Value {
    let source = Value::Object(event.document.as_map().clone());
    json!({ "_index": event.data_stream.name(), "_id": event.id, "_source": source })
}

fn summary(event: &StoredEvent) -> Vec<Value> {
    let document = &event.document;
    let text = |field: &str| document.first(field).map(|value| value.text().into_owned());
    let from = text("source.ip").or_else(|| text("source.address")).unwrap_or_default();
    let time = text("@timestamp").unwrap_or_default();
    let cells = [time, event.data_stream.name(), who(document), from, what(document), event.id.clone()];
    cells.into_iter().map(Value::from).collect()
}

fn value(event: &StoredEvent, field: &str) -> Value {
    match field {
        "_id" => event.id.as_str().into(),
        "_index" => event.data_stream.name().into(),
        _ => value_of(&event.document, field),
    }
}

/// Null, the value, or the list of values; of a field that has fields below it, all of it.
fn value_of(document: &Document, field: &str) -> Value {
    let mut values: Vec<Value> = document.values(field).into_iter().map(json_of).collect();
    if values.is_empty() {
        values = document.nodes(field).into_iter().filter(|node| !node.is_null()).cloned().collect();
    }
    match values.len() {
        0 => Value::Null,
        1 => values.swap_remove(0),
        _ => Value::Array(values),
    }
}

fn json_of(scalar: Scalar<'_>) -> Value {
    match scalar {
        Scalar::Str(text) => text.into(),
        Scalar::Int(number) => number.into(),
        Scalar::Float(number) => number.into(),
        Scalar::Bool(value) => value.into(),
    }
}
