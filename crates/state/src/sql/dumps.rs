//! Dumps in SQL: every table, row by row, with the types that its columns have.

use std::io::{BufRead, Write as IoWrite};
use std::path::Path;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Arguments, AssertSqlSafe};

use super::dialect::Dialect;
use super::row::Fields;
use super::write::Write;
use super::{SCHEMA_VERSION, SqlStore};
use crate::{DumpStore, DumpSummary, StateError};

#[derive(Clone, Copy, PartialEq)]
enum ColumnType {
    Text,
    Integer,
    Real,
    Bytes,
}

/// A table with its columns: `name` is text, `name:int`, `name:real` and `name:bytes` are what they say. Rows are written in
/// the order of the first columns, up to `key`; a table comes after those that it refers to.
struct Table {
    name: &'static str,
    key: usize,
    columns: &'static str,
    counts_ids: bool,
}

impl Table {
    const fn new(name: &'static str, key: usize, columns: &'static str) -> Self {
        Self { name, key, columns, counts_ids: false }
    }

    const fn counting(name: &'static str, columns: &'static str) -> Self {
        Self { name, key: 1, columns, counts_ids: true }
    }

    fn columns(&self) -> Vec<(&'static str, ColumnType)> {
        let column = |text: &'static str| match text.split_once(':') {
            Some((name, "int")) => (name, ColumnType::Integer),
            Some((name, "real")) => (name, ColumnType::Real),
            Some((name, _)) => (name, ColumnType::Bytes),
            None => (text, ColumnType::Text),
        };
        self.columns.split_whitespace().map(column).collect()
    }

    fn select(&self) -> String {
        let names: Vec<&str> = self.columns().iter().map(|(name, _)| *name).collect();
        format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), self.name, names[..self.key].join(", "))
    }

    fn insert(&self) -> String {
        let names: Vec<&str> = self.columns().iter().map(|(name, _)| *name).collect();
        let parameters: Vec<String> = (1..=names.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, names.join(", "), parameters.join(", "))
    }
}

const TABLES: &[Table] = &[
    Table::new(
        "rules",
        1,
        "rule_id name enabled:int source format origin revision:int content_hash updated_at:int updated_by fault",
    ),
    Table::new("documents", 3, "kind list_id id document revision:int updated_at:int updated_by"),
    Table::new("value_list_values", 2, "list_id value"),
    Table::new("connectors", 1, "id name enabled:int connector_type config revision:int updated_at:int updated_by"),
    Table::new(
        "actions",
        1,
        "id rule_ids connector_id frequency throttle_seconds:int filter params revision:int updated_at:int updated_by",
    ),
    Table::new(
        "alerts",
        1,
        "id rule_id rule_uuid severity risk_score:real timestamp:int original_time:int execution_id document status
         reason assignees tags revision:int updated_at:int updated_by",
    ),
    Table::counting("alert_notes", "id:int alert_id author time:int text"),
    Table::new(
        "executions",
        1,
        "id rule_id kind tick:int window_from:int window_to:int started:int ended:int status message metrics",
    ),
    Table::new("cursors", 1, "rule_id tick:int rule_state:bytes"),
    Table::counting(
        "gaps",
        "id:int rule_id gap_from:int gap_to:int reason state attempts:int filled_until:int not_before:int",
    ),
    Table::new("leases", 1, "name holder token:int expires:int"),
    Table::counting(
        "notifications",
        "id:int dedupe_key connector_id action_id rule_id about_alert payload not_before:int state attempts:int
         last_error created:int ended:int",
    ),
    Table::new(
        "responses",
        1,
        "id alert_id key_arn action reason requested_by requested_at:int disabled_by_defender disabled_said_by status
         expires_at:int decided_by decided_at:int executed_by executed_at:int request_id confirmed_at:int event_id outcome
         revision:int updated_at:int",
    ),
    Table::new("source_checkpoints", 2, "source key value:bytes updated_at:int"),
    Table::new("poison_deliveries", 2, "source id reason body_excerpt time:int"),
    Table::new("api_tokens", 1, "id name role hash created:int expires:int revoked:int"),
    Table::new(
        "audit",
        1,
        "id:int time:int actor action object_kind object_id before_change after_change hash",
    ),
];

#[async_trait]
impl DumpStore for SqlStore {
    async fn export(&self, writer: &mut (dyn IoWrite + Send)) -> Result<DumpSummary, StateError> {
        let mut snapshot = self.pool.begin_with(self.dialect.begin_snapshot()).await?;
        put_line(writer, &json!({ "bartizan_state": 1, "schema": SCHEMA_VERSION }))?;
        let mut summary = DumpSummary::default();
        for table in TABLES {
            let columns = table.columns();
            let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut *snapshot);
            let mut count = 0;
            while let Some(row) = rows.try_next().await? {
                put_line(writer, &json!({ "table": table.name, "row": exported(&row, &columns)? }))?;
                count += 1;
            }
            drop(rows);
            summary.rows.push((table.name.to_owned(), count));
        }
        snapshot.rollback().await?;
        let total: u64 = summary.rows.iter().map(|(_, count)| count).sum();
        put_line(writer, &json!({ "rows": total }))?;
        writer.flush().map_err(unwritten)?;
        Ok(summary)
    }

    async fn import(&self, reader: &mut (dyn BufRead + Send)) -> Result<DumpSummary, StateError> {
        let mut write = self.change().await?;
        for table in TABLES {
            let select = format!("SELECT 1 AS one FROM {} LIMIT 1", table.name);
            if sqlx::query(AssertSqlSafe(select)).fetch_optional(&mut *write).await?.is_some() {
                return Err(StateError::NotEmpty { table: table.name });
            }
        }
        let mut lines = DumpLines { reader, line: 0 };
        let header = lines.next()?.ok_or_else(|| refused(1, "is missing: the dump is empty"))?;
        let version = checked_version(&header)?;
        let mut counts = vec![0_u64; TABLES.len()];
        loop {
            let Some(value) = lines.next()? else {
                return Err(refused(lines.line, "is missing: the dump was cut short"));
            };
            if let Some(total) = value.get("rows") {
                if total.as_u64() != Some(counts.iter().sum()) {
                    return Err(refused(lines.line, "counts other rows than there are"));
                }
                break;
            }
            let place = TABLES
                .iter()
                .position(|table| value.get("table").and_then(Value::as_str) == Some(table.name))
                .ok_or_else(|| refused(lines.line, "names no table of the state"))?;
            let row = value
                .get("row")
                .and_then(Value::as_object)
                .ok_or_else(|| refused(lines.line, "has no row"))?;
            let row = as_today(&TABLES[place], row.clone(), version);
            import_row(&mut write, &TABLES[place], &row, lines.line).await?;
            counts[place] += 1;
        }
        if lines.next()?.is_some() {
            return Err(refused(lines.line, "follows after the end"));
        }
        continue_ids(&mut write).await?;
        write.commit().await?;
        let rows = TABLES.iter().zip(counts).map(|(table, count)| (table.name.to_owned(), count)).collect();
        Ok(DumpSummary { rows })
    }

    async fn copy_to(&self, file: &Path) -> Result<(), StateError> {
        if self.dialect == Dialect::Postgres {
            let reason = "PostgreSQL's own tool does this, pg_dump; or export".to_owned();
            return Err(StateError::Invalid { what: "copy of the database", reason });
        }
        let text = file.to_str().ok_or_else(|| StateError::Invalid {
            what: "path of the copy",
            reason: "is not UTF-8".to_owned(),
        })?;
        sqlx::query("VACUUM INTO $1").bind(text.to_owned()).execute(&mut *self.read().await?).await?;
        // SQLite does not synchronise what it copies into.
        let synchronised = std::fs::File::open(file).and_then(|copy| copy.sync_all());
        synchronised.map_err(|source| StateError::File {
            action: format!("cannot synchronise {}", file.display()),
            source,
        })
    }
}

fn put_line(writer: &mut (dyn IoWrite + Send), value: &Value) -> Result<(), StateError> {
    writeln!(writer, "{value}").map_err(unwritten)
}

fn unwritten(source: std::io::Error) -> StateError {
    StateError::File { action: "cannot write the dump".to_owned(), source }
}

fn exported(row: &AnyRow, columns: &[(&'static str, ColumnType)]) -> Result<Value, StateError> {
    let mut values = Map::new();
    for (name, column_type) in columns {
        let value = match column_type {
            ColumnType::Text => row.optional_text(name)?.map(Value::from),
            ColumnType::Integer => row.optional_integer(name)?.map(Value::from),
            ColumnType::Real => Some(Value::from(row.real(name)?)),
            ColumnType::Bytes => row.optional_bytes(name)?.map(|bytes| Value::from(STANDARD.encode(bytes))),
        };
        values.insert((*name).to_owned(), value.unwrap_or(Value::Null));
    }
    Ok(Value::Object(values))
}

struct DumpLines<'a> {
    reader: &'a mut (dyn BufRead + Send),
    line: u64,
}

impl DumpLines<'_> {
    fn next(&mut self) -> Result<Option<Value>, StateError> {
        let mut text = String::new();
        let read = self
            .reader
            .read_line(&mut text)
            .map_err(|source| StateError::File { action: "cannot read the dump".to_owned(), source })?;
        self.line += 1;
        if read == 0 {
            return Ok(None);
        }
        serde_json::from_str(&text).map(Some).map_err(|error| refused(self.line, &error.to_string()))
    }
}

fn refused(line: u64, reason: &str) -> StateError {
    StateError::Dump { line, reason: reason.to_owned() }
}

/// The version of the schema that the dump was written with.
fn checked_version(header: &Value) -> Result<i64, StateError> {
    if header.get("bartizan_state").and_then(Value::as_i64) != Some(1) {
        return Err(refused(1, "is no header of a dump of the state"));
    }
    let found = header.get("schema").and_then(Value::as_i64).unwrap_or(0);
    if found > SCHEMA_VERSION {
        return Err(StateError::NewerSchema { found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// A row of an older dump as its table has it now, as the migrations have done it with the rows of databases.
fn as_today(table: &Table, mut row: Map<String, Value>, version: i64) -> Map<String, Value> {
    if version < 3 && table.name == "connectors" {
        row.insert("enabled".to_owned(), 1.into());
    }
    if version < 3 && table.name == "actions" {
        let rule_id = row.remove("rule_id").filter(|rule_id| !rule_id.is_null());
        let rule_ids: Vec<Value> = rule_id.into_iter().collect();
        row.insert("rule_ids".to_owned(), Value::from(rule_ids).to_string().into());
    }
    row
}

/// A column that an older dump does not have is null, where the table allows that.
async fn import_row(
    write: &mut Write,
    table: &Table,
    row: &Map<String, Value>,
    line: u64,
) -> Result<(), StateError> {
    let columns = table.columns();
    if let Some(unknown) = row.keys().find(|key| !columns.iter().any(|(name, _)| name == key)) {
        return Err(refused(line, &format!("{} has no column {unknown}", table.name)));
    }
    let mut arguments = AnyArguments::default();
    for (name, column_type) in columns {
        let value = row.get(name).filter(|value| !value.is_null());
        let wrong = || refused(line, &format!("{}.{name} has a value of another type", table.name));
        let added = match column_type {
            ColumnType::Text => arguments
                .add(value.map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).transpose()?),
            ColumnType::Integer => {
                arguments.add(value.map(|value| value.as_i64().ok_or_else(wrong)).transpose()?)
            }
            ColumnType::Real => {
                arguments.add(value.map(|value| value.as_f64().ok_or_else(wrong)).transpose()?)
            }
            ColumnType::Bytes => {
                let decode = |value: &Value| {
                    let text = value.as_str().ok_or_else(wrong)?;
                    STANDARD.decode(text).map_err(|_| wrong())
                };
                arguments.add(value.map(decode).transpose()?)
            }
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    sqlx::query_with(AssertSqlSafe(table.insert()), arguments)
        .execute(&mut **write)
        .await
        .map_err(|error| refused(line, &error.to_string()))?;
    Ok(())
}

/// New rows get ids after the imported ones. SQLite sees to that itself.
async fn continue_ids(write: &mut Write) -> Result<(), StateError> {
    if write.dialect == Dialect::Sqlite {
        return Ok(());
    }
    for table in TABLES.iter().filter(|table| table.counts_ids) {
        let statement = format!(
            "SELECT setval(pg_get_serial_sequence('{name}', 'id'), COALESCE((SELECT MAX(id) FROM {name}), 0) + 1, false)",
            name = table.name
        );
        sqlx::query(AssertSqlSafe(statement)).execute(&mut **write).await?;
    }
    Ok(())
}
