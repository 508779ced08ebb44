//! ES|QL: a pipe over the events of a lake. What the query does not read of an event is not kept.

use ecs::{Catalog, FieldTable, IndexPatterns, Known};
use esql::{Fields, LoadedEvents, Plan};
use lake::{ScanRequest, StoredEvent};
use matcher::Resolver;
use query::Diagnostic;
use query::esql::ast::{FromItem, Source};
use serde_json::Value;

use super::rows::{Row, RowWriter};
use super::{Asked, Asking, Unshown, known, tell};
use crate::printer::count;

/// Events whose columns are made at once.
const LOADED_EVENTS: usize = 4_096;

pub(super) fn run(asked: &Asked<'_>, rows: &mut RowWriter) -> anyhow::Result<Asking> {
    let (catalog, mut table) = (Catalog::builtin(), FieldTable::new());
    let planned = Plan::of(asked.text, &Fields::Catalog { catalog: &catalog, closed: false });
    if tell(&planned.diagnostics, asked.text, &asked.context.printer) {
        return Ok(Asking::Refused);
    }
    let Some(mut plan) = planned.plan else { return Ok(Asking::Refused) };
    let parsed = query::esql::parse(asked.text);
    let condition = Resolver::new(&catalog, &mut table, asked.context.now)
        .esql_necessary_condition(&parsed.tree, asked.text);
    let mut loaded = Loading { plan: &plan, loaded: Vec::new(), waiting: Vec::new(), number: 0 };
    if let Source::From(from) = &parsed.tree.source.value {
        let patterns: Vec<&str> = from
            .items
            .iter()
            .filter_map(|item| match &item.value {
                // Other clusters and the failures of data streams are not in a lake.
                FromItem::Pattern(pattern) if pattern.cluster.is_some() || pattern.selector.is_some() => None,
                FromItem::Pattern(pattern) => Some(&*pattern.index),
                FromItem::Subquery(_) => None,
            })
            .collect();
        let streams = IndexPatterns::new(&patterns);
        if !asked.snapshot.info().iter().any(|info| streams.matches(&info.data_stream)) {
            let (printer, known) = (&asked.context.printer, known(&asked.snapshot));
            printer.warn(format!("FROM {} reaches no data stream of the lake: {known}", patterns.join(", ")));
        }
        let request = ScanRequest { streams, ..asked.request.clone() };
        for event in asked.snapshot.documents_in_order(&request) {
            let event = event?;
            if condition.eval(&event.document.view(&table)) == Known::Yes {
                loaded.event(event)?;
            }
        }
    }
    let loaded = loaded.finish()?;
    let mut clashes: Vec<_> = loaded.iter().flat_map(|part| part.clashes.clone()).collect();
    clashes.sort_by(|a, b| a.field.cmp(&b.field));
    let answer = plan.run_loaded(loaded, asked.context.now)?;
    for part in clashes.chunk_by(|a, b| a.field == b.field) {
        let values = count(part.iter().map(|clash| clash.count).sum(), "value of", "values of");
        let field = &part[0].field;
        asked
            .context
            .printer
            .warn(format!("{values} {field} became null, being of another type than the field"));
    }
    let nulls: Vec<Diagnostic> = answer
        .warnings
        .iter()
        .map(|warning| {
            let values = count(warning.count, "value", "values");
            let message = format!("{values} became null: {}", warning.reason);
            Diagnostic::note("esql::became-null", message).at(warning.span)
        })
        .collect();
    tell(&nulls, asked.text, &asked.context.printer);
    rows.columns(answer.table.columns.iter().map(|column| column.name.clone()).collect())?;
    let all = answer.table.rows.len();
    let shown = asked.limit.map_or(all, |limit| limit.min(all));
    for row in answer.table.rows.into_iter().take(shown) {
        rows.row(Row { whole: None, values: row.values.iter().map(|values| cell(values)).collect() })?;
    }
    Ok(Asking::Answered(match (all - shown) as u64 {
        0 => Unshown::None,
        more => Unshown::Rows(more),
    }))
}

fn cell(values: &[esql::Value]) -> Value {
    match values {
        [] => Value::Null,
        [value] => value.json(),
        values => values.iter().map(esql::Value::json).collect(),
    }
}

/// Events on their way into columns.
struct Loading<'p> {
    plan: &'p Plan,
    loaded: Vec<LoadedEvents>,
    waiting: Vec<StoredEvent>,
    number: u64,
}

impl Loading<'_> {
    fn event(&mut self, event: StoredEvent) -> anyhow::Result<()> {
        self.waiting.push(event);
        if self.waiting.len() >= LOADED_EVENTS { self.load() } else { Ok(()) }
    }

    fn load(&mut self) -> anyhow::Result<()> {
        let indices: Vec<String> = self.waiting.iter().map(|event| event.data_stream.name()).collect();
        let events: Vec<esql::Event<'_>> = self
            .waiting
            .iter()
            .zip(&indices)
            .zip(self.number..)
            .map(|((event, index), number)| esql::Event {
                number,
                document: &event.document,
                id: &event.id,
                index,
            })
            .collect();
        self.loaded.push(self.plan.load(&events)?);
        self.number += events.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Vec<LoadedEvents>> {
        if !self.waiting.is_empty() || self.loaded.is_empty() {
            self.load()?;
        }
        Ok(self.loaded)
    }
}
