//! The functions of ES|QL: which there are, and how a call of one is checked and becomes an expression over columns.
//!
//! ```text
//!   Call (checked arguments) ──the function's check──▶ Operand (an expression over Arrow arrays)
//! ```
//!
//! A function is an entry in the table of its family (`conditional::FUNCTIONS` and the like): its names and a `check`.
//! The check asks the call for its arguments in the form it needs ([`Call::text`], [`Call::number`],
//! [`Call::constant_text`] …), which refuses wrong types with a diagnostic, and says what is computed, with
//! [`Call::map1`] and its kin for single values, or [`Call::compute`] for anything over arrays. Arguments that may have
//! several values are made single by these (several values give null, with a warning) unless the check takes
//! `call.args[i]` as it is.
//!
//! To add one: an entry, a check, a row in its family's table of tests.

mod answer;
mod argument;
mod array_function;
mod bucket;
mod call;
mod conditional;
mod convert;
mod date;
mod extreme;
mod geography;
mod hash;
mod ip;
mod json;
pub(crate) mod kind;
mod mathematics;
mod multivalue;
mod not_supported;
mod operator;
mod single;
mod text;
mod text_encoding;

pub(crate) use answer::{Answer, Refusal};
pub(crate) use array_function::ArrayFunction;
pub(crate) use call::Call;

use crate::lower::Refused;
use crate::operand::Operand;

/// A function that queries can call.
pub(crate) struct Function {
    /// In lower case; the first is the one that messages use.
    pub(crate) names: &'static [&'static str],
    /// Checks a call, and says what computes it.
    pub(crate) check: fn(&mut Call<'_, '_>) -> Result<Operand, Refused>,
}

const FAMILIES: &[&[Function]] = &[
    bucket::FUNCTIONS,
    conditional::FUNCTIONS,
    convert::FUNCTIONS,
    date::FUNCTIONS,
    geography::FUNCTIONS,
    hash::FUNCTIONS,
    ip::FUNCTIONS,
    json::FUNCTIONS,
    mathematics::FUNCTIONS,
    multivalue::choice::FUNCTIONS,
    multivalue::reduction::FUNCTIONS,
    multivalue::set::FUNCTIONS,
    multivalue::text::FUNCTIONS,
    not_supported::FUNCTIONS,
    text::FUNCTIONS,
    text_encoding::FUNCTIONS,
];

/// The function of that name, in any case.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let name = name.to_ascii_lowercase();
    FAMILIES.iter().flat_map(|family| family.iter()).find(|function| function.names.contains(&name.as_str()))
}

/// All names, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.iter()).flat_map(|function| function.names.iter().copied())
}
