//! Everything in the state as NDJSON, which either back end writes and reads: backup, restore, and moving house.

use std::path::Path;

use async_trait::async_trait;

use crate::StateError;

/// What a dump held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DumpSummary {
    /// Rows by table, in the order of the dump.
    pub rows: Vec<(String, u64)>,
}

/// Backup and restore.
///
/// A dump is one JSON object a line: first a header with the schema's version, then one row a line, last a line that counts
/// the rows, so that a dump that was cut short is refused. Times are milliseconds since 1970, bytes are base64.
#[async_trait]
pub trait DumpStore: Send + Sync {
    /// Writes everything, as it was at one instant; readers and writers go on meanwhile.
    async fn export(&self, writer: &mut (dyn std::io::Write + Send)) -> Result<DumpSummary, StateError>;

    /// Reads a dump into an empty state ([`StateError::NotEmpty`]), all of it or, when it is refused
    /// ([`StateError::Dump`]), nothing.
    async fn import(&self, reader: &mut (dyn std::io::BufRead + Send)) -> Result<DumpSummary, StateError>;

    /// Writes a copy of the database into a new file, as it was at one instant. SQLite only; of PostgreSQL ask `pg_dump` or
    /// [`DumpStore::export`] ([`StateError::Invalid`]).
    async fn copy_to(&self, file: &Path) -> Result<(), StateError>;
}
