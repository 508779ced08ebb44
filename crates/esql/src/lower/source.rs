//! FROM: the fields of events as columns.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use query::Diagnostic;
use query::esql::ast::{From, FromItem, Query};

use super::search::{count_searches, search_id};
use super::{EVENTS, Lowering, Piped, Refused};
use crate::DataType;
use crate::rows::RowsTable;
use crate::scope::{Column, Scope};
use crate::source::{Fields, METADATA};

/// Columns that rules give to what they compute begin so, and no event has them.
const COMPUTED: [&str; 2] = ["Esql.", "Esql_priv."];

impl Lowering<'_> {
    /// The rows that events are, with the fields that the query may read.
    pub(crate) fn from(&mut self, from: &From, query: &Query) -> Result<Piped, Refused> {
        for item in &from.items {
            if let FromItem::Subquery(_) = &item.value {
                return self.unsupported("a query within FROM", "write it as a rule of its own", item.span);
            }
        }
        let mut scope = Scope::default();
        for name in self.source_names(query) {
            let Some(data_type) = self.fields.data_type(&name) else { continue };
            let id = self.next_id();
            let many = name != "@timestamp";
            let is_untyped = self.fields.is_untyped(&name);
            scope.put(Column { name, id, data_type, many, is_source: true, is_untyped });
        }
        for name in &from.metadata {
            let Some((_, data_type)) = METADATA.iter().find(|(known, _)| *known == name.value) else {
                let message = format!("there is no metadata field {}", name.value);
                return self.refuse(Diagnostic::error("esql::unknown-metadata", message).at(name.span));
            };
            let id = self.next_id();
            scope.put(Column {
                name: name.value.clone(),
                id,
                data_type: *data_type,
                many: false,
                is_source: true,
                is_untyped: false,
            });
        }
        let searches: Vec<String> = (0..count_searches(query)).map(search_id).collect();
        let mut fields: Vec<Field> = scope
            .columns()
            .iter()
            .map(|column| Field::new(&column.id, column.data_type.arrow_column(column.many), true))
            .collect();
        fields.extend(searches.iter().map(|id| Field::new(id, DataType::Boolean.arrow(), true)));
        fields.push(Field::new(EVENTS, DataType::UnsignedLong.arrow(), false));
        let table = Arc::new(RowsTable::new(Arc::new(Schema::new(fields)), Arc::clone(&self.input)));
        let plan = LogicalPlanBuilder::scan("rows", provider_as_source(table), None);
        let plan = self.planned(plan, query.source.span)?;
        self.source = scope.clone();
        self.rows_are_events = true;
        Ok(Piped { plan, scope, searches, is_grouped: false, identity: Vec::new() })
    }

    /// Fields that the query can see, sorted. With a catalogue these are the ones that it names: nothing is lost, for
    /// whoever wants the others has the events.
    fn source_names(&self, query: &Query) -> Vec<String> {
        let Fields::Catalog { catalog, .. } = self.fields else {
            return self.fields.names().into_iter().map(str::to_owned).collect();
        };
        let is_metadata = |name: &str| METADATA.iter().any(|(known, _)| *known == name);
        let is_computed = |name: &str| COMPUTED.iter().any(|prefix| name.starts_with(prefix));
        let read = matcher::resolve::fields_read(query, self.text);
        let may_be_read =
            |name: &String| !is_metadata(name) && (!is_computed(name) || catalog.field(name).is_some());
        read.names.into_iter().filter(may_be_read).collect()
    }
}
