//! A statement whose conditions depend on a filter. Texts come from the code, values only ever as parameters.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe};

use super::dialect::Dialect;
use super::row::milliseconds;
use crate::{StateError, TimeSpan};

pub(crate) struct Statement {
    sql: String,
    arguments: AnyArguments,
    dialect: Dialect,
    has_condition: bool,
}

impl Statement {
    /// Begins with a text that has neither conditions nor parameters.
    pub(crate) fn new(dialect: Dialect, sql: &str) -> Self {
        Self { sql: sql.to_owned(), arguments: AnyArguments::default(), dialect, has_condition: false }
    }

    /// Goes on with a text, for example an `ORDER BY`.
    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    pub(crate) fn integer(&mut self, value: i64) -> Result<String, StateError> {
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        Ok(format!("${}", self.arguments.len()))
    }

    pub(crate) fn text(&mut self, value: &str) -> Result<String, StateError> {
        self.arguments.add(value.to_owned()).map_err(sqlx::Error::Encode)?;
        Ok(format!("${}", self.arguments.len()))
    }

    /// One condition more, which must hold with all others.
    pub(crate) fn and(&mut self, condition: &str) {
        self.sql.push_str(if self.has_condition { " AND " } else { " WHERE " });
        self.has_condition = true;
        self.sql.push_str(condition);
    }

    /// The column is one of these texts; no texts are no condition.
    pub(crate) fn and_one_of<T: AsRef<str>>(&mut self, column: &str, values: &[T]) -> Result<(), StateError> {
        if values.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        self.text(&serde_json::Value::from(texts).to_string())?;
        let condition = self.dialect.one_of(column, self.arguments.len());
        self.and(&condition);
        Ok(())
    }

    /// The column is this text; `None` is no condition.
    pub(crate) fn and_equals(&mut self, column: &str, value: Option<&str>) -> Result<(), StateError> {
        if let Some(value) = value {
            let parameter = self.text(value)?;
            self.and(&format!("{column} = {parameter}"));
        }
        Ok(())
    }

    /// The column is a time in the span.
    pub(crate) fn and_within(&mut self, column: &str, span: TimeSpan) -> Result<(), StateError> {
        for (operator, end) in [(">=", span.from), ("<", span.to)] {
            if let Some(end) = end {
                let parameter = self.integer(milliseconds(end))?;
                self.and(&format!("{column} {operator} {parameter}"));
            }
        }
        Ok(())
    }

    pub(crate) async fn fetch_all(self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, StateError> {
        Ok(sqlx::query_with(AssertSqlSafe(self.sql), self.arguments).fetch_all(connection).await?)
    }
}
