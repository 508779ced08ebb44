//! Tables that become cards on a narrow screen and stay tables for a screen reader.

use maud::{Markup, html};

/// A column: its heading, and the class that says what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    class: &'static str,
}

/// A column of text.
pub(super) const fn text(name: &'static str) -> Column {
    Column { name, class: "text" }
}

/// A column of numbers.
pub(super) const fn number(name: &'static str) -> Column {
    Column { name, class: "number" }
}

/// A column of moments, which stay on one line where there is room.
pub(super) const fn time(name: &'static str) -> Column {
    Column { name, class: "time" }
}

/// A column of names of calls, which are long words.
pub(super) const fn call(name: &'static str) -> Column {
    Column { name, class: "call" }
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
        table.stacks[columns.len() > 2] role="table" {
            caption.unseen { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th class=(column.class) role="columnheader" scope="col" { (column.name) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr.subject[row.is_subject] role="row" {
                        @for (column, cell) in columns.iter().zip(row.cells) {
                            @let void = cell.0.is_empty();
                            td class={ (column.class) @if void { " void" } } role="cell" data-label=(column.name) { (cell) }
                        }
                    }
                }
            }
        }
    }
}
