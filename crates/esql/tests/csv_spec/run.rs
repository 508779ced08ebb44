//! Runs a case over tables of events and judges what it gave.

use std::collections::BTreeMap;

use bartizan_esql::{Event, Fields, Plan, Warning};
use ecs::IndexPatterns;
use ecs::time::Timestamp;
use query::Diagnostic;
use query::esql::ast::{Command, FromItem, Source};

use super::compare::{self, Answer};
use super::index::Index;
use super::spec_file::{Case, Expected, ExpectedWarning};
use super::value::Value;

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Right,
    /// It cannot be judged, and why.
    Skipped(String),
    /// What differs.
    Wrong(String),
    /// The query was refused, and the case expects a table.
    Refused(Vec<Diagnostic>),
}

/// What `NOW()` gives.
const NOW: &str = "2026-06-01T12:00:00Z";

/// Runs a case over those of the tables that it reads.
pub(crate) fn judge(case: &Case, tables: &[Index]) -> Verdict {
    if case.is_disabled() {
        return Verdict::Skipped("switched off in the file".to_owned());
    }
    if let Expected::Unreadable(why) = &case.expected {
        return Verdict::Wrong(format!("the file has {why}"));
    }
    let read = match tables_read(&case.query, tables) {
        Ok(read) => read,
        Err(why) => return Verdict::Skipped(why),
    };
    if let Some((index, why)) = read.iter().find_map(|index| Some((&index.name, index.fault.as_ref()?))) {
        return Verdict::Wrong(format!("table {index}: {why}"));
    }
    if let Some(why) = beyond_types(case, &read) {
        return Verdict::Skipped(why);
    }
    let mut fields = BTreeMap::new();
    for (name, data_type) in read.iter().flat_map(|index| &index.fields) {
        if fields.insert(name.clone(), *data_type).is_some_and(|other| other != *data_type) {
            return Verdict::Skipped(format!("{name} has two types"));
        }
    }

    let planned = Plan::of(&case.query, &Fields::Exactly(&fields));
    let Some(mut plan) = planned.plan else { return refused(case, planned.diagnostics) };
    let Expected::Table { columns, rows } = &case.expected else {
        return Verdict::Wrong("was not refused".to_owned());
    };
    let events: Vec<Event<'_>> = read
        .iter()
        .flat_map(|index| {
            index.events.iter().zip(&index.ids).map(move |(document, id)| (document, id, index))
        })
        .zip(0..)
        .map(|((document, id, index), number)| Event { number, document, id, index: &index.name })
        .collect();
    let now: Timestamp = NOW.parse().unwrap();
    let given = match plan.run(&events, now) {
        Ok(given) => given,
        Err(error) => {
            return Verdict::Wrong(format!("did not run: {error}: {:?}", std::error::Error::source(&error)));
        }
    };
    let answer = match answer(&given.table) {
        Ok(answer) => answer,
        Err(fault) => return Verdict::Wrong(format!("the answer has {fault}")),
    };
    let in_order = !case.ignore_order && has_order(&case.query);
    let difference = compare::difference(columns, rows, &answer, in_order);
    let difference = difference.or_else(|| warnings_differ(case, &given.warnings));
    match difference
        .or_else(|| given.clashes.first().map(|clash| format!("values of another type: {clash:?}")))
    {
        Some(difference) => Verdict::Wrong(difference),
        None => Verdict::Right,
    }
}

/// The tables that `FROM` names, each once; the error says which is not there.
fn tables_read<'a>(query: &str, tables: &'a [Index]) -> Result<Vec<&'a Index>, String> {
    let Source::From(from) = query::esql::parse(query).tree.source.value else { return Ok(Vec::new()) };
    let mut patterns = Vec::new();
    for item in &from.items {
        let FromItem::Pattern(pattern) = &item.value else { continue };
        let is_there = |table: &Index| IndexPatterns::new([&pattern.index]).matches_name(&table.name);
        if pattern.cluster.is_some() || !(pattern.index.starts_with('-') || tables.iter().any(is_there)) {
            return Err(format!("no table for {}", pattern.index));
        }
        patterns.push(&pattern.index);
    }
    let pattern = IndexPatterns::new(patterns);
    Ok(tables.iter().filter(|table| pattern.matches_name(&table.name)).collect())
}

/// False when the rows are groups that nothing sorts: the language gives these no order.
fn has_order(query: &str) -> bool {
    let commands = query::esql::parse(query).tree.commands;
    let last = commands.iter().rev().find_map(|command| match &command.value {
        Command::Sort(_) => Some(true),
        Command::Stats(stats) => Some(stats.by.is_empty()),
        _ => None,
    });
    last.unwrap_or(true)
}

/// Why a case needs types of fields that rules cannot read, when it does.
fn beyond_types(case: &Case, read: &[&Index]) -> Option<String> {
    if let Expected::Table { columns, .. } = &case.expected
        && let Some((name, data_type)) = columns.iter().find(|(_, kind)| compare::column_type(kind).is_none())
    {
        return Some(format!("{name} is a {data_type}"));
    }
    let is_part = |character: char| character.is_alphanumeric() || "_.@".contains(character);
    let mut words = case.query.split(|character| !is_part(character));
    words
        .find(|word| read.iter().any(|index| index.left_out.contains(*word)))
        .map(|word| format!("type of {word}"))
}

fn refused(case: &Case, diagnostics: Vec<Diagnostic>) -> Verdict {
    let Expected::Refusal(parts) = &case.expected else { return Verdict::Refused(diagnostics) };
    let said: Vec<String> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .map(|diagnostic| {
            let place = diagnostic.span.and_then(|span| case.query.get(span.start..span.end));
            format!("{} {} ({})", diagnostic.code, diagnostic.message, place.unwrap_or_default())
        })
        .collect();
    match parts.iter().find(|part| !said.iter().any(|said| said.contains(part.as_str()))) {
        Some(part) => Verdict::Wrong(format!("was refused, but without `{part}`: {said:?}")),
        None => Verdict::Right,
    }
}

/// Each warning of the case must have been given: when it begins with `Line 1:2:`, at or within the expression there; for a
/// reason that has its text otherwise; of patterns only that there was any. Whether it was the only one is not asked, since
/// upstream counts some that depend on how it runs the query.
fn warnings_differ(case: &Case, given: &[Warning]) -> Option<String> {
    let is_given = |expected: &ExpectedWarning| match expected {
        ExpectedWarning::Exact(text) => match offset(text, &case.query) {
            Some(at) => {
                let end = at + expression_length(at, case);
                given.iter().any(|warning| warning.span.start < end && at < warning.span.end)
            }
            None => given.iter().any(|warning| warning.reason.contains(text.as_str())),
        },
        ExpectedWarning::Pattern(_) => !given.is_empty(),
    };
    let missing = case.warnings.iter().find(|expected| !is_given(expected))?;
    let given: Vec<String> = given
        .iter()
        .map(|warning| {
            let place = case.query.get(warning.span.start..warning.span.end).unwrap_or_default();
            format!("{}: {} ({})", warning.reason, place, warning.count)
        })
        .collect();
    Some(format!("warnings\n  expected {missing:?}\n  got      {given:?}"))
}

/// Where in the query a warning that begins with `Line 1:2:` is about.
fn offset(warning: &str, query: &str) -> Option<usize> {
    let (line, rest) = warning.strip_prefix("Line ")?.split_once(':')?;
    let (column, _) = rest.split_once(':')?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let before: usize = query.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let characters = query.get(before..)?.char_indices().map(|(at, _)| before + at);
    characters.take(column).last()
}

/// How long the expression is that a warning there names, as `evaluation of [expression] failed`; at least 1.
fn expression_length(at: usize, case: &Case) -> usize {
    let lengths = case.warnings.iter().filter_map(|warning| match warning {
        ExpectedWarning::Exact(text) if offset(text, &case.query) == Some(at) => {
            let (_, named) = text.split_once("evaluation of [")?;
            Some(named.rsplit_once("] failed")?.0.len())
        }
        _ => None,
    });
    lengths.max().unwrap_or(1)
}

fn answer(table: &bartizan_esql::Table) -> Result<Answer, String> {
    let columns = table.columns.iter().map(|column| (column.name.clone(), column.data_type)).collect();
    let mut rows = Vec::new();
    for row in &table.rows {
        let mut cells = Vec::new();
        for (values, column) in row.values.iter().zip(&table.columns) {
            let read = |value: &bartizan_esql::Value| match value {
                bartizan_esql::Value::Boolean(value) => Ok(Value::Boolean(*value)),
                bartizan_esql::Value::Long(number) => Ok(Value::Whole((*number).into())),
                bartizan_esql::Value::UnsignedLong(number) => Ok(Value::Whole((*number).into())),
                bartizan_esql::Value::Double(number) => Ok(Value::Double(*number)),
                bartizan_esql::Value::Text(text) => Value::read(text, column.data_type),
            };
            cells.push(values.iter().map(read).collect::<Result<Vec<_>, _>>()?);
        }
        rows.push(cells);
    }
    Ok(Answer { columns, rows })
}
