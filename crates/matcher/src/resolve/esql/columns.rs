//! Which columns of a query, at some place in it, are fields of the events still.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use query::Spanned;
use query::esql::ast::{Command, Expr, Field, NamePattern, Renaming, Stats};

use super::pattern_names::{dissect_names, grok_names};

/// How many definitions may lead to one another; of a longer chain the end is a column of which nothing is known.
const DEEPEST: usize = 16;

/// How many nodes a definition may have when those that it names are put in their places.
const LARGEST: usize = 2000;

/// What a column is.
#[derive(Debug, Clone)]
pub(super) enum Column {
    /// All values of this field.
    Field(String),
    /// One of the values of this field.
    Element(String),
    /// Made by the query, in a way that can be told.
    Computed(Rc<Definition>),
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
            Self::Computed(_) | Self::Made => None,
        }
    }
}

/// How `EVAL` makes a column.
#[derive(Debug)]
pub(super) struct Definition {
    /// What is computed.
    pub(super) value: Spanned<Expr>,
    /// The columns that it names, as they were.
    pub(super) columns: Columns,
    depth: usize,
    size: usize,
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

    /// How the column of a name is made, when that is known.
    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        match self.own.get(name) {
            Some(Some(Column::Computed(definition))) => Some(definition),
            _ => None,
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
                Some(Column::Computed(_) | Column::Either(_)) => self.make([name.value.clone()]),
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
            _ => self.define(&field.value).map(|definition| Column::Computed(Rc::new(definition))),
        };
        self.own.insert(field.column_name(source).to_owned(), Some(column.unwrap_or(Column::Made)));
    }

    fn define(&self, value: &Spanned<Expr>) -> Option<Definition> {
        let (mut depth, mut size, mut columns) = (1, 0usize, Self::default());
        each_part(value, &mut |part| {
            size = size.saturating_add(1);
            if let Expr::Column(name) | Expr::Match { field: Spanned { value: name, .. }, .. } = part {
                let column = self.get(name);
                if let Some(Column::Computed(definition)) = &column {
                    depth = depth.max(definition.depth + 1);
                    size = size.saturating_add(definition.size);
                }
                columns.own.insert(name.clone(), column);
            }
        });
        (depth <= DEEPEST && size <= LARGEST).then(|| Definition {
            value: value.clone(),
            columns,
            depth,
            size,
        })
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

    /// Of names that are both old and new, as in `a AS b, b AS c`, nothing is known.
    fn rename(&mut self, renamings: &[Renaming]) {
        let old: BTreeSet<&str> = renamings.iter().map(|renaming| renaming.old.value.as_str()).collect();
        let new: BTreeSet<&str> = renamings.iter().map(|renaming| renaming.new.value.as_str()).collect();
        let is_plain = old.is_disjoint(&new) && new.len() == renamings.len();
        let columns: Vec<Option<Column>> =
            renamings.iter().map(|renaming| self.get(&renaming.old.value).filter(|_| is_plain)).collect();
        for name in old {
            self.own.insert(name.to_owned(), None);
        }
        for (name, column) in renamings.iter().map(|renaming| &renaming.new.value).zip(columns) {
            self.own.insert(name.clone(), Some(column.unwrap_or(Column::Made)));
        }
    }

    fn blur(&mut self) {
        for column in self.own.values_mut() {
            *column = match column.take() {
                Some(Column::Field(name)) => Some(Column::Either(name)),
                Some(Column::Computed(_)) | None => Some(Column::Made),
                other => other,
            };
        }
        self.blurred = true;
    }
}

fn fits(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// Visits an expression and all its parts.
pub(super) fn each_part(expr: &Spanned<Expr>, visit: &mut dyn FnMut(&Expr)) {
    visit(&expr.value);
    match &expr.value {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| each_part(part, visit)),
        Expr::Not(part) | Expr::Negate(part) => each_part(part, visit),
        Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => {
            each_part(left, visit);
            each_part(right, visit);
        }
        Expr::Like { value, .. } | Expr::IsNull { value, .. } | Expr::Cast { value, .. } => {
            each_part(value, visit);
        }
        Expr::In { value, list, .. } => {
            each_part(value, visit);
            list.iter().for_each(|one| each_part(one, visit));
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| each_part(arg, visit)),
        Expr::Match { .. }
        | Expr::Column(_)
        | Expr::Literal(_)
        | Expr::Parameter(_)
        | Expr::Star
        | Expr::Invalid => {}
    }
}
