//! Which columns of a query, at some place in it, are fields of the events still.

use std::collections::{BTreeMap, BTreeSet};

use query::Spanned;
use query::esql::ast::{Command, Expr, Field, NamePattern, Renaming, Stats};

use super::pattern_names::{dissect_names, grok_names};

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    /// All values of this field.
    Field(String),
    /// One of the values of this field.
    Element(String),
    /// Made by the query.
    Made,
    /// Made by the query, or else all values of this field.
    Either(String),
}

impl Column {
    /// The field that it reads, if any.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::Field(name) | Self::Element(name) | Self::Either(name) => Some(name),
            Self::Made => None,
        }
    }
}

/// The columns at some place in a query.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// Those that are not simply the field of their name; `None` when there is no such column any more.
    own: BTreeMap<String, Option<Column>>,
    /// Which fields were taken away.
    hidden: Vec<Hidden>,
    /// True when a command may have made columns of any name.
    blurred: bool,
}

#[derive(Debug, Clone)]
enum Hidden {
    /// Those of such names.
    These(Vec<NamePattern>),
    /// All but those of such names.
    AllBut(Vec<NamePattern>),
}

impl Columns {
    /// Those of `FROM`: every field, and metadata.
    pub(super) fn of_events(metadata: &[Spanned<String>]) -> Self {
        let mut columns = Self::default();
        columns.make(metadata.iter().map(|name| name.value.clone()));
        columns
    }

    /// The column of a name; `None` when it was taken away.
    pub(super) fn get(&self, name: &str) -> Option<Column> {
        if let Some(own) = self.own.get(name) {
            return own.clone();
        }
        let hides = |hidden: &Hidden| match hidden {
            Hidden::These(patterns) => fits(patterns, name),
            Hidden::AllBut(patterns) => !fits(patterns, name),
        };
        if self.hidden.iter().any(hides) {
            None
        } else if self.blurred {
            Some(Column::Either(name.to_owned()))
        } else {
            Some(Column::Field(name.to_owned()))
        }
    }

    /// True while fields that the query does not name are columns too.
    pub(super) fn is_open(&self) -> bool {
        !self.hidden.iter().any(|hidden| matches!(hidden, Hidden::AllBut(_)))
    }

    /// What a command leaves. `source` is the text that was parsed.
    pub(super) fn after(&mut self, command: &Command, source: &str) {
        match command {
            Command::Eval(fields) => fields.iter().for_each(|field| self.evaluate(field, source)),
            Command::Keep(patterns) => self.keep(patterns.iter().map(|p| p.value.clone()).collect()),
            Command::Drop(patterns) => self.drop(patterns.iter().map(|p| p.value.clone()).collect()),
            Command::Rename(renamings) => self.rename(renamings),
            Command::Dissect { pattern, .. } => self.make(dissect_names(&pattern.value)),
            Command::Grok { patterns, .. } => {
                for pattern in patterns {
                    match grok_names(&pattern.value) {
                        Some(names) => self.make(names),
                        None => self.blur(),
                    }
                }
            }
            Command::MvExpand(name) => match self.get(&name.value) {
                Some(Column::Field(field)) => {
                    self.own.insert(name.value.clone(), Some(Column::Element(field)));
                }
                Some(Column::Either(_)) => self.make([name.value.clone()]),
                Some(Column::Element(_) | Column::Made) | None => {}
            },
            Command::Stats(stats) => {
                self.keep(Vec::new());
                self.aggregate(stats, source);
            }
            Command::InlineStats(stats) => self.aggregate(stats, source),
            Command::Enrich { with, .. } => {
                if with.is_empty() {
                    self.blur();
                }
                let name = |field: &query::esql::ast::EnrichField| {
                    field.name.as_ref().unwrap_or(&field.field).value.clone()
                };
                self.make(with.iter().map(name));
            }
            Command::ChangePoint { outputs, .. } => match outputs {
                Some((kind, p_value)) => self.make([kind.value.clone(), p_value.value.clone()]),
                None => self.make(["type".to_owned(), "pvalue".to_owned()]),
            },
            Command::Completion { target, .. } => {
                self.make([target.as_ref().map_or("completion", |name| &name.value).to_owned()]);
            }
            Command::Rerank { target, .. } => {
                self.make([target.as_ref().map_or("_score", |name| &name.value).to_owned()]);
            }
            Command::Where(_) | Command::Sort(_) | Command::Limit(_) | Command::Sample(_) => {}
            Command::Fork(_)
            | Command::Fuse { .. }
            | Command::LookupJoin { .. }
            | Command::Other(_)
            | Command::Invalid => self.blur(),
        }
    }

    /// `name = value`; the next one of the same command sees it.
    pub(super) fn evaluate(&mut self, field: &Field, source: &str) {
        let column = match &field.value.value {
            Expr::Column(name) => self.get(name),
            _ => None,
        };
        self.own.insert(field.column_name(source).to_owned(), Some(column.unwrap_or(Column::Made)));
    }

    fn make(&mut self, names: impl IntoIterator<Item = String>) {
        self.own.extend(names.into_iter().map(|name| (name, Some(Column::Made))));
    }

    fn aggregate(&mut self, stats: &Stats, source: &str) {
        self.make(stats.aggregates.iter().map(|aggregate| aggregate.column_name(source).to_owned()));
        self.make(stats.by.iter().map(|key| key.column_name(source).to_owned()));
    }

    fn keep(&mut self, patterns: Vec<NamePattern>) {
        for (name, column) in &mut self.own {
            if !fits(&patterns, name) {
                *column = None;
            }
        }
        if !patterns.iter().any(NamePattern::is_everything) {
            self.hidden.push(Hidden::AllBut(patterns));
        }
    }

    fn drop(&mut self, patterns: Vec<NamePattern>) {
        for (name, column) in &mut self.own {
            if fits(&patterns, name) {
                *column = None;
            }
        }
        self.hidden.push(Hidden::These(patterns));
    }

    /// Of names that go around, as in `a AS b, b AS a`, nothing is known.
    fn rename(&mut self, renamings: &[Renaming]) {
        let old: BTreeSet<&str> = renamings.iter().map(|renaming| renaming.old.value.as_str()).collect();
        let found: Vec<(&Renaming, Option<Column>)> =
            renamings.iter().map(|renaming| (renaming, self.get(&renaming.old.value))).collect();
        for name in &old {
            self.own.insert((*name).to_owned(), None);
        }
        for (renaming, column) in found {
            let new = renaming.new.value.as_str();
            let again =
                old.contains(new) || renamings.iter().filter(|other| other.new.value == new).count() > 1;
            let column = if again { Some(Column::Made) } else { column.or(Some(Column::Made)) };
            self.own.insert(new.to_owned(), column);
        }
    }

    fn blur(&mut self) {
        for column in self.own.values_mut() {
            *column = match column.take() {
                Some(Column::Field(name)) => Some(Column::Either(name)),
                other => Some(other.unwrap_or(Column::Made)),
            };
        }
        self.blurred = true;
    }
}

fn fits(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}
