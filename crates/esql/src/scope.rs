//! Which columns there are at a place in the query, by name and in order.

use datafusion::common::Column as PlanColumn;
use datafusion::logical_expr::Expr;
use query::esql::ast::NamePattern;

use crate::DataType;
use crate::operand::Operand;

/// A column of the query. Its values stand in the plan under a name of their own, so that no two columns that share a
/// name, at different places of the query, are ever confused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name that the query knows.
    pub(crate) name: String,
    /// The name within the plan.
    pub(crate) id: String,
    /// Its type.
    pub(crate) data_type: DataType,
    /// True when a row may have several values.
    pub(crate) many: bool,
    /// True when it is a field of the source, untouched.
    pub(crate) is_source: bool,
    /// True when it holds a field whose type is not known; see [`Operand::is_untyped`].
    pub(crate) is_untyped: bool,
}

impl Column {
    /// A column that the query makes.
    pub(crate) fn made(name: String, id: String, value: &Operand) -> Self {
        let Operand { data_type, many, is_untyped, .. } = *value;
        Self { name, id, data_type, many, is_source: false, is_untyped }
    }

    /// Reads it.
    pub(crate) fn expr(&self) -> Expr {
        Expr::Column(PlanColumn::new_unqualified(&self.id))
    }
}

/// The columns at one place, in their order; no two share a name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    columns: Vec<Column>,
}

impl Scope {
    /// Of these columns; of two with the same name the later one stays.
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let mut scope = Self::default();
        for column in columns {
            scope.put(column);
        }
        scope
    }

    /// In order.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Adds a column at the end; one of the same name goes.
    pub(crate) fn put(&mut self, column: Column) {
        self.remove(&column.name);
        self.columns.push(column);
    }

    /// Takes a column away.
    pub(crate) fn remove(&mut self, name: &str) {
        self.columns.retain(|column| column.name != name);
    }

    /// Gives a column another name, at the place where it stands; another column of that name goes.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        self.remove(new);
        if let Some(column) = self.columns.iter_mut().find(|column| column.name == old) {
            column.name = new.to_owned();
            column.is_source = false;
        }
    }

    /// Says that a column holds at most one value a row from here on.
    pub(crate) fn set_single(&mut self, name: &str) {
        if let Some(column) = self.columns.iter_mut().find(|column| column.name == name) {
            column.many = false;
            column.is_source = false;
        }
    }

    /// Names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// What `KEEP` leaves. A column stands where the most exact pattern that fits it stands, a name before a pattern
    /// with a `*`, and `*` last; of patterns that are equally exact the rightmost counts.
    pub(crate) fn keep(&self, patterns: &[NamePattern]) -> Self {
        let mut places: Vec<(usize, usize, &Column)> = Vec::new();
        for (order, column) in self.columns.iter().enumerate() {
            let best = patterns
                .iter()
                .enumerate()
                .filter(|(_, pattern)| pattern.matches(&column.name))
                .max_by_key(|(place, pattern)| (exactness(pattern), *place));
            if let Some((place, _)) = best {
                places.push((place, order, column));
            }
        }
        places.sort_by_key(|(place, order, _)| (*place, *order));
        Self { columns: places.into_iter().map(|(_, _, column)| column.clone()).collect() }
    }

    /// What `DROP` leaves.
    pub(crate) fn drop_matching(&mut self, patterns: &[NamePattern]) {
        self.columns.retain(|column| !patterns.iter().any(|pattern| pattern.matches(&column.name)));
    }
}

fn exactness(pattern: &NamePattern) -> u8 {
    match (pattern.name(), pattern.is_everything()) {
        (Some(_), _) => 2,
        (None, false) => 1,
        (None, true) => 0,
    }
}
