//! Which fields of the events a query reads.

use std::collections::BTreeSet;

use query::Spanned;
use query::esql::ast::{Command, Expr, FromItem, NamePattern, Query, Source, Stats};

use super::columns::{Columns, each_part};

/// The fields of the events that a query reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldsRead {
    /// Those that it names before it makes a column of that name. Metadata such as `_id` that `FROM` asks for is not
    /// among them, nor are fields inside the text of `KQL("…")` and `QSTR("…")`.
    pub names: BTreeSet<String>,
    /// Names with wildcards of `KEEP`: each field that fits is read.
    pub patterns: Vec<NamePattern>,
    /// True when every field is: columns that were never left out are columns of the result.
    pub everything: bool,
}

/// Which fields of the events a query reads, wherever in it. `source` is the text that was parsed. Of parts that we do
/// not know better, more is said to be read than is.
pub fn fields_read(query: &Query, source: &str) -> FieldsRead {
    let mut reader = Reader { read: FieldsRead::default(), source };
    reader.query(query);
    reader.read
}

struct Reader<'s> {
    read: FieldsRead,
    source: &'s str,
}

impl Reader<'_> {
    fn query(&mut self, query: &Query) {
        let mut columns = match &query.source.value {
            Source::From(from) | Source::TimeSeries(from) => {
                for item in &from.items {
                    if let FromItem::Subquery(inner) = &item.value {
                        self.query(inner);
                    }
                }
                Columns::of_events(&from.metadata)
            }
            // These have rows of their own.
            Source::Row(_) | Source::Show(_) => return,
            Source::Other(_) | Source::Invalid => Columns::default(),
        };
        self.commands(&query.commands, &mut columns);
        self.read.everything |= columns.is_open();
    }

    fn commands(&mut self, commands: &[Spanned<Command>], columns: &mut Columns) {
        for command in commands {
            self.command(&command.value, columns);
        }
    }

    fn command(&mut self, command: &Command, columns: &mut Columns) {
        match command {
            Command::Where(condition) => self.expr(condition, columns),
            // A later field may read an earlier one.
            Command::Eval(fields) => {
                for field in fields {
                    self.expr(&field.value, columns);
                    columns.evaluate(field, self.source);
                }
                return;
            }
            Command::Stats(stats) | Command::InlineStats(stats) => self.stats(stats, columns),
            Command::Keep(patterns) => patterns.iter().for_each(|pattern| self.kept(&pattern.value, columns)),
            Command::Rename(renamings) => {
                renamings.iter().for_each(|renaming| self.name(&renaming.old.value, columns));
            }
            Command::Sort(keys) => keys.iter().for_each(|key| self.expr(&key.value, columns)),
            Command::Dissect { input, .. } | Command::Grok { input, .. } => self.expr(input, columns),
            Command::MvExpand(name) => self.name(&name.value, columns),
            Command::Enrich { on, .. } => on.iter().for_each(|name| self.name(&name.value, columns)),
            Command::LookupJoin { on, .. } => on.iter().for_each(|expr| self.expr(expr, columns)),
            Command::ChangePoint { value, on, .. } => {
                self.name(&value.value, columns);
                self.name(on.as_ref().map_or("@timestamp", |name| &name.value), columns);
            }
            Command::Completion { prompt, .. } => self.expr(prompt, columns),
            Command::Rerank { on, .. } => on.iter().for_each(|field| self.expr(&field.value, columns)),
            Command::Fork(branches) => {
                for branch in branches {
                    let mut columns = columns.clone();
                    self.commands(branch, &mut columns);
                    self.read.everything |= columns.is_open();
                }
            }
            Command::Fuse { .. } | Command::Other(_) | Command::Invalid => self.read.everything = true,
            Command::Drop(_) | Command::Limit(_) | Command::Sample(_) => {}
        }
        columns.after(command, self.source);
    }

    /// Aggregates may name a key that is computed beside them.
    fn stats(&mut self, stats: &Stats, columns: &Columns) {
        let mut beside = columns.clone();
        for key in &stats.by {
            self.expr(&key.value, columns);
            if key.name.is_some() {
                beside.evaluate(key, self.source);
            }
        }
        for aggregate in &stats.aggregates {
            self.expr(&aggregate.field.value, &beside);
            aggregate.filter.iter().for_each(|filter| self.expr(filter, &beside));
        }
    }

    fn kept(&mut self, pattern: &NamePattern, columns: &Columns) {
        if let Some(name) = pattern.name() {
            self.name(name, columns);
        } else if columns.is_open() {
            self.read.everything |= pattern.is_everything();
            if !self.read.patterns.contains(pattern) {
                self.read.patterns.push(pattern.clone());
            }
        }
    }

    fn name(&mut self, name: &str, columns: &Columns) {
        if let Some(field) = columns.get(name).as_ref().and_then(|column| column.field()) {
            self.read.names.insert(field.to_owned());
        }
    }

    fn expr(&mut self, expr: &Spanned<Expr>, columns: &Columns) {
        each_part(expr, &mut |part| {
            if let Expr::Column(name) | Expr::Match { field: Spanned { value: name, .. }, .. } = part {
                self.name(name, columns);
            }
        });
    }
}
