//! Tables that become cards on a narrow screen and stay tables for a screen reader.

use maud::{Markup, html};

/// A column: its heading, and whether it holds numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    is_number: bool,
}

/// A column of text.
pub(super) const fn text(name: &'static str) -> Column {
    Column { name, is_number: false }
}

/// A column of numbers.
pub(super) const fn number(name: &'static str) -> Column {
    Column { name, is_number: true }
}

/// A row, possibly the one that the report is about.
#[derive(Debug)]
pub(super) struct Row {
    cells: Vec<Markup>,
    is_subject: bool,
}

impl Row {
    /// A row of as many cells as there are columns.
    pub(super) fn new(cells: Vec<Markup>) -> Self {
        Self { cells, is_subject: false }
    }

    /// The row that the report is about.
    pub(super) fn subject(self, is_subject: bool) -> Self {
        Self { is_subject, ..self }
    }
}

/// A table; `caption` is for those who can't see what stands above it.
pub(super) fn table(caption: &str, columns: &[Column], rows: impl IntoIterator<Item = Row>) -> Markup {
    html! {
        table.stacks role="table" {
            caption.unseen { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th.number[column.is_number] role="columnheader" scope="col" { (column.name) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr.subject[row.is_subject] role="row" {
                        @for (column, cell) in columns.iter().zip(row.cells) {
                            @let void = cell.0.is_empty();
                            td.number[column.is_number].void[void] role="cell" data-label=(column.name) { (cell) }
                        }
                    }
                }
            }
        }
    }
}
