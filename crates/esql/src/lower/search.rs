//! Searches in the index, `KQL("…")`, `MATCH`, `:` and the like: columns of booleans, filled by who has the events.

use ecs::{Catalog, FieldTable, Timestamp};
use matcher::Resolver;
use query::esql::ast::{Command, Expr, Query};
use query::{Diagnostic, Spanned};

use super::{Lowering, Refused};
use crate::DataType;
use crate::lower::by_id;
use crate::operand::Operand;
use crate::scope::Scope;
use crate::search::Search;
use crate::source::Fields;

/// True for functions that search the index. The name is in lower case.
pub(crate) fn is_search(name: &str) -> bool {
    matches!(name, "kql" | "match" | "match_phrase" | "qstr")
}

/// How many searches the commands of a query can make.
pub(crate) fn count_searches(query: &Query) -> usize {
    let count = |command: &Spanned<Command>| match &command.value {
        Command::Where(condition) => searches_in(condition),
        Command::Eval(fields) => fields.iter().map(|field| searches_in(&field.value)).sum(),
        Command::Stats(stats) | Command::InlineStats(stats) => {
            let filters = stats.aggregates.iter().filter_map(|aggregate| aggregate.filter.as_ref());
            let values = stats.aggregates.iter().map(|aggregate| &aggregate.field).chain(&stats.by);
            filters.map(searches_in).sum::<usize>()
                + values.map(|field| searches_in(&field.value)).sum::<usize>()
        }
        _ => 0,
    };
    query.commands.iter().map(count).sum()
}

fn searches_in(expr: &Spanned<Expr>) -> usize {
    let all = |parts: &[Spanned<Expr>]| parts.iter().map(searches_in).sum();
    match &expr.value {
        Expr::Match { .. } => 1,
        Expr::Call { function, .. } if is_search(&function.value.to_ascii_lowercase()) => 1,
        Expr::Call { args, .. } => all(args),
        Expr::And(parts) | Expr::Or(parts) => all(parts),
        Expr::Not(value) | Expr::Negate(value) => searches_in(value),
        Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => {
            searches_in(left) + searches_in(right)
        }
        Expr::Like { value, .. } | Expr::IsNull { value, .. } | Expr::Cast { value, .. } => {
            searches_in(value)
        }
        Expr::In { value, list, .. } => searches_in(value) + all(list),
        Expr::Column(_) | Expr::Literal(_) | Expr::Parameter(_) | Expr::Star | Expr::Invalid => 0,
    }
}

/// The name in the plan of the column of a search, by the number of the search.
pub(crate) fn search_id(number: usize) -> String {
    format!("search{number}")
}

impl Lowering<'_> {
    /// Reads the column of a search. Searches look into events: there must still be some.
    pub(crate) fn search(&mut self, expr: &Spanned<Expr>, scope: &Scope) -> Result<Operand, Refused> {
        if !self.rows_are_events {
            let diagnostic =
                Diagnostic::error("esql::search-too-late", "a search looks into events, and these are none")
                    .at(expr.span)
                    .help("put it into a WHERE before STATS, LIMIT and the like");
            return self.refuse(diagnostic);
        }
        let own;
        let catalog = match self.fields {
            Fields::Catalog { catalog, .. } => *catalog,
            Fields::Exactly(fields) => {
                let of_index =
                    fields.iter().filter(|(_, data_type)| ecs::FieldType::parse(data_type.name()).is_some());
                let rows: String =
                    of_index.map(|(name, data_type)| format!("- {} {name}\n", data_type.name())).collect();
                own = self.planned(
                    Catalog::parse([rows.as_str()])
                        .map_err(|error| datafusion::common::DataFusionError::External(Box::new(error))),
                    expr.span,
                )?;
                &own
            }
        };
        let source = &self.source;
        let field_of = |name: &str| {
            let id = &scope.get(name)?.id;
            source.columns().iter().find(|column| column.id == *id).map(|column| column.name.clone())
        };
        let mut table = FieldTable::new();
        let mut resolver = Resolver::new(catalog, &mut table, Timestamp::UNIX_EPOCH);
        let Some(resolved) = resolver.esql_search(expr, self.text, &field_of) else { return Err(Refused) };
        let is_ok = resolved.is_ok();
        self.diagnostics.extend(resolved.diagnostics);
        if !is_ok {
            return Err(Refused);
        }
        let id = search_id(self.searches.len());
        let operand = Operand::single(by_id(&id), DataType::Boolean, expr.span);
        self.searches.push(Search { id, predicate: resolved.predicate, table });
        Ok(operand)
    }
}
