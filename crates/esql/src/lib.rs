//! ES|QL queries checked against columns, planned on DataFusion and run over rows.
//!
//! ```text
//!   text ──query::esql──▶ Query ──lower──▶ LogicalPlan ──DataFusion──▶ Plan ──run(events, now)──▶ Answer
//!                                (names, types: Operand)              (again and again)   (rows, evidence, warnings)
//! ```
//!
//! Start at [`Plan::of`]. The rules that everything here keeps, `Single3` in the words of the design:
//!
//! - A field may have several values. A function that needs one gives null for several, and counts a warning.
//! - Null is not false: a comparison with null is null, and `WHERE` keeps what is true.
//! - Columns are Arrow arrays: of single values where there is one at most, of lists otherwise; null is "no value", and
//!   no list is empty.
//! - A row knows the numbers of the events that it was made from, through every grouping.
//!
//! Invariant: nothing here knows rules, files or the clock.

mod aggregate;
mod columns;
mod data_type;
pub mod error;
mod function;
mod loaded;
mod lower;
mod operand;
pub mod pattern;
mod plan;
mod rows;
mod scope;
mod search;
mod source;
mod table;
pub mod value;
mod warning;

pub use columns::{Clash, Event};
pub use data_type::DataType;
pub use error::EsqlError;
pub use loaded::LoadedEvents;
pub use plan::{Answer, Plan, Planned};
pub use search::Search;
pub use source::Fields;
pub use table::{ResultColumn, ResultRow, Table, Value};
pub use warning::Warning;
