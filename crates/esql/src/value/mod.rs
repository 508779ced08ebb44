//! What functions of ES|QL do with single values, apart from columns.
//!
//! A function that can refuse its arguments gives an [`Outcome`]: the value, or the [`Refusal`] that makes it null with
//! a warning. Where null without a warning is possible too, the value is an `Option`. Constants such as units, patterns
//! and paths are read once into a type of their own (`Unit`, `DateFormat`, `JsonPath`, …); a refusal of a constant is
//! an error of the query, the same refusal of a value in a column is a warning.

pub mod arithmetic;
pub mod base64_text;
pub mod date;
pub mod date_difference;
pub mod date_field;
pub mod date_format;
pub mod date_pattern;
pub mod date_rounding;
pub mod date_shift;
pub mod geo_point;
pub mod hash;
pub mod ip;
pub mod json_path;
pub mod mathematics;
pub mod number;
pub mod number_rounding;
pub mod percentile;
mod refusal;
pub mod text;
pub mod time_span;
pub mod url_text;
pub mod version;

pub use refusal::{Outcome, Refusal};
