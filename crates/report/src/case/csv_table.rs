//! Rows of cells as CSV that a spreadsheet can open without computing anything.

use crate::visible::csv_cell;

/// A table that is being written; RFC 4180, lines end with a line feed.
#[derive(Debug)]
pub(super) struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    /// A table with its head.
    pub(super) fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut table = Self { writer: csv::Writer::from_writer(Vec::new()) };
        table.row(columns);
        table
    }

    /// One row, with as many cells as the head.
    pub(super) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        // Rows of one length into memory: nothing can fail.
        let _infallible = self.writer.write_record(cells.map(csv_cell));
    }

    /// The text.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_default()
    }
}
