//! Which names a query mentions, and which it makes: what of the events it may read.

use std::collections::BTreeSet;

use query::Spanned;
use query::esql::ast::{Aggregate, Command, Expr, Field, Query, Stats};

/// The names of columns that a query mentions anywhere, made by itself or not.
pub(crate) fn mentioned(query: &Query) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for command in &query.commands {
        match &command.value {
            Command::Where(condition) => expression(condition, &mut names),
            Command::Eval(fields) => fields.iter().for_each(|field| expression(&field.value, &mut names)),
            Command::Stats(stats) | Command::InlineStats(stats) => grouping(stats, &mut names),
            Command::Keep(patterns) => {
                names.extend(patterns.iter().filter_map(|pattern| pattern.value.name()))
            }
            Command::Rename(renamings) => {
                names.extend(renamings.iter().map(|renaming| renaming.old.value.as_str()))
            }
            Command::Sort(keys) => keys.iter().for_each(|key| expression(&key.value, &mut names)),
            Command::Dissect { input, .. } | Command::Grok { input, .. } => expression(input, &mut names),
            Command::MvExpand(name) => {
                names.insert(&name.value);
            }
            // Not run, so nothing of theirs is read. What `DROP` names goes anyhow.
            _ => {}
        }
    }
    names
}

fn grouping<'q>(stats: &'q Stats, names: &mut BTreeSet<&'q str>) {
    for Aggregate { field, filter } in &stats.aggregates {
        expression(&field.value, names);
        if let Some(filter) = filter {
            expression(filter, names);
        }
    }
    stats.by.iter().for_each(|Field { value, .. }| expression(value, names));
}

fn expression<'q>(expr: &'q Spanned<Expr>, names: &mut BTreeSet<&'q str>) {
    match &expr.value {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| expression(part, names)),
        Expr::Not(value) | Expr::Negate(value) => expression(value, names),
        Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => {
            expression(left, names);
            expression(right, names);
        }
        Expr::Like { value, .. } | Expr::IsNull { value, .. } | Expr::Cast { value, .. } => {
            expression(value, names)
        }
        Expr::In { value, list, .. } => {
            expression(value, names);
            list.iter().for_each(|item| expression(item, names));
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| expression(arg, names)),
        Expr::Column(name) => {
            names.insert(name);
        }
        // The field of a search is read by the search.
        Expr::Match { .. } | Expr::Literal(_) | Expr::Parameter(_) | Expr::Star | Expr::Invalid => {}
    }
}

/// The names that commands of the query give to columns. Those of DISSECT and GROK are in their patterns, and are not
/// among them.
pub(crate) fn made(query: &Query) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for command in &query.commands {
        match &command.value {
            Command::Eval(fields) => names.extend(fields.iter().filter_map(name)),
            Command::Stats(stats) | Command::InlineStats(stats) => {
                names.extend(stats.aggregates.iter().filter_map(|aggregate| name(&aggregate.field)));
                names.extend(stats.by.iter().filter_map(name));
            }
            Command::Rename(renamings) => {
                names.extend(renamings.iter().map(|renaming| renaming.new.value.as_str()))
            }
            _ => {}
        }
    }
    names
}

fn name(field: &Field) -> Option<&str> {
    field.name.as_ref().map(|name| name.value.as_str())
}
