//! Which alerts an action tells: KQL and filter objects over the alert document.

use ecs::{Catalog, Document, FieldTable, Known, Timestamp};
use matcher::{Predicate, Resolver};
use query::Diagnostic;
use query::kql::Expr;
use rule::Filter;

/// A filter of alerts; without conditions every alert passes.
#[derive(Debug, Clone)]
pub(crate) struct AlertFilter {
    kql: Option<Expr>,
    filters: Vec<Filter>,
}

impl AlertFilter {
    /// # Errors
    /// What cannot be understood, in one sentence.
    pub(crate) fn read(
        kql: Option<&str>,
        filters: &[serde_json::Value],
        catalog: &Catalog,
    ) -> Result<Self, String> {
        let parsed = kql.map(query::kql::parse);
        if let Some(fault) = parsed.iter().flat_map(|parsed| &parsed.diagnostics).find(|d| d.is_error()) {
            return Err(fault.message.clone());
        }
        let filter = Self {
            kql: parsed.map(|parsed| parsed.tree),
            filters: filters.iter().map(Filter::read).collect(),
        };
        // What cannot be resolved cannot be so at any time.
        filter.resolve(&mut FieldTable::new(), catalog, Timestamp::UNIX_EPOCH)?;
        Ok(filter)
    }

    fn resolve(
        &self,
        table: &mut FieldTable,
        catalog: &Catalog,
        now: Timestamp,
    ) -> Result<Predicate, String> {
        let mut resolver = Resolver::new(catalog, table, now);
        let mut parts = vec![resolver.filters(&self.filters)];
        parts.extend(self.kql.as_ref().map(|expr| resolver.kql(expr)));
        let fault: Option<&Diagnostic> =
            parts.iter().flat_map(|part| &part.diagnostics).find(|d| d.is_error());
        match fault {
            Some(fault) => Err(fault.message.clone()),
            None => Ok(Predicate::and(parts.into_iter().map(|part| part.predicate))),
        }
    }

    /// Which of the alerts pass, in their order; dates count from `now`.
    pub(crate) fn passes(&self, alerts: &[&Document], catalog: &Catalog, now: Timestamp) -> Vec<bool> {
        let mut table = FieldTable::new();
        match self.resolve(&mut table, catalog, now) {
            // Better one message too many than one too few.
            Ok(predicate) => {
                alerts.iter().map(|alert| predicate.eval(&alert.view(&table)) != Known::No).collect()
            }
            Err(_) => vec![true; alerts.len()],
        }
    }
}
