//! Rules of type `esql`: each row of the query is a hit.

use std::sync::Mutex;

use ecs::Catalog;
use esql::Fields;
use matcher::{Resolver, Schema};
use query::Diagnostic;
use query::esql::ast::{Command, FromItem, Query, Source};
use rule::Rule;
use rule::rule_type::EsqlRule;
use rule::schedule::Schedule;

use crate::event_time::EventTime;
use crate::finisher::{EsqlPlan, Finisher};
use crate::plan::Sought;
use crate::windows::ScheduledRuns;

/// What an ES|QL rule looks for. Diagnostics have spans into the query's text.
pub(crate) fn sought(
    rule: &Rule,
    own: &EsqlRule,
    schema: Schema,
    catalog: &Catalog,
    resolver: &mut Resolver<'_>,
) -> Result<Sought, Vec<Diagnostic>> {
    let text = own.query.as_str();
    let fields = Fields::Catalog { catalog, closed: schema == Schema::Closed };
    let planned = esql::Plan::of(text, &fields);
    let mut diagnostics = planned.diagnostics;
    let parsed = query::esql::parse(text);
    if parsed.is_ok() {
        diagnostics.extend(source_faults(&parsed.tree));
    }
    let Some(query) = planned.plan.filter(|_| !diagnostics.iter().any(Diagnostic::is_error)) else {
        return Err(diagnostics);
    };
    let reads_now = calls(text, "now") || calls(text, "trange");
    let plan = EsqlPlan {
        time: EventTime::of_rule(rule),
        runs: ScheduledRuns::new(&Schedule::of(rule), None),
        depends_on_window: reads_now
            || query.is_aggregating()
            || !parsed.tree.commands.iter().all(takes_rows_alone),
        reads_now,
        groups_events: query.is_aggregating(),
        query: Mutex::new(query),
    };
    Ok(Sought {
        filters: vec![(String::new(), resolver.esql_necessary_condition(&parsed.tree, text))],
        exceptions: Vec::new(),
        finisher: Finisher::Esql(Box::new(plan)),
        warnings: diagnostics,
        indicators: None,
        reads_now: false,
    })
}

fn source_faults(query: &Query) -> Vec<Diagnostic> {
    let Source::From(from) = &query.source.value else {
        let message = "a rule reads events, and this query reads none";
        let found = Diagnostic::error("esql::no-events", message).at(query.source.span);
        return vec![found.help("begin with FROM and the index patterns")];
    };
    let patterns = || {
        from.items.iter().filter_map(|item| match &item.value {
            FromItem::Pattern(pattern) => Some(pattern),
            FromItem::Subquery(_) => None,
        })
    };
    let mut found = Vec::new();
    if patterns().next().is_some() && patterns().all(|pattern| pattern.cluster.is_some()) {
        let message = "the query reads other clusters alone, and none is reached from here";
        found.push(Diagnostic::warning("esql::other-clusters", message).at(query.source.span));
    }
    found
}

/// Does a command make of each row what it does, whatever other rows there are?
fn takes_rows_alone(command: &query::Spanned<Command>) -> bool {
    match &command.value {
        Command::Where(_)
        | Command::Eval(_)
        | Command::Keep(_)
        | Command::Drop(_)
        | Command::Rename(_)
        // The order alone changes no row.
        | Command::Sort(_)
        | Command::Dissect { .. }
        | Command::Grok { .. }
        | Command::MvExpand(_) => true,
        _ => false,
    }
}

/// Does the text call a function of that name? A call within a text or a comment counts too, which costs time alone.
fn calls(text: &str, function: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    text.match_indices(function).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + function.len()..]);
        !before.ends_with(is_name) && after.trim_start().starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_from_a_name() {
        for (text, expected) in [
            ("WHERE a > NOW() - 1h", true),
            ("WHERE a > now ()", true),
            ("EVAL Esql.now = 1, known = now", false),
            ("EVAL x = Esql.now (", false),
            ("WHERE unknow(1)", false),
        ] {
            assert_eq!(calls(text, "now"), expected, "{text}");
        }
    }
}
