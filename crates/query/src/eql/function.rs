//! The functions of EQL: their names, how many arguments they take, and which of them can ignore case.

use std::fmt::{Display, Formatter, Result};

use super::ast::Function;
use crate::nearest::nearest;

/// What is known of a function without looking at its arguments.
pub(super) struct Signature {
    pub(super) function: Function,
    pub(super) name: &'static str,
    pub(super) least_arguments: usize,
    /// `None`: any number.
    pub(super) most_arguments: Option<usize>,
    /// Has a `~` form.
    pub(super) folds: bool,
    pub(super) result: ResultKind,
}

/// What a function returns, unless null.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultKind {
    Bool,
    Number,
    Text,
}

const fn entry(
    function: Function,
    name: &'static str,
    least_arguments: usize,
    most_arguments: Option<usize>,
    folds: bool,
    result: ResultKind,
) -> Signature {
    Signature { function, name, least_arguments, most_arguments, folds, result }
}

/// Source: Elastic's EQL function reference, and elastic/elasticsearch, EqlFunctionRegistry.
pub(super) const FUNCTIONS: &[Signature] = &[
    entry(Function::Add, "add", 2, Some(2), false, ResultKind::Number),
    entry(Function::Between, "between", 3, Some(4), true, ResultKind::Text),
    entry(Function::CidrMatch, "cidrMatch", 2, None, false, ResultKind::Bool),
    entry(Function::Concat, "concat", 1, None, false, ResultKind::Text),
    entry(Function::Divide, "divide", 2, Some(2), false, ResultKind::Number),
    entry(Function::EndsWith, "endsWith", 2, Some(2), true, ResultKind::Bool),
    entry(Function::IndexOf, "indexOf", 2, Some(3), true, ResultKind::Number),
    entry(Function::Length, "length", 1, Some(1), false, ResultKind::Number),
    entry(Function::Modulo, "modulo", 2, Some(2), false, ResultKind::Number),
    entry(Function::Multiply, "multiply", 2, Some(2), false, ResultKind::Number),
    entry(Function::Number, "number", 1, Some(2), false, ResultKind::Number),
    entry(Function::StartsWith, "startsWith", 2, Some(2), true, ResultKind::Bool),
    entry(Function::String, "string", 1, Some(1), false, ResultKind::Text),
    entry(Function::StringContains, "stringContains", 2, Some(2), true, ResultKind::Bool),
    entry(Function::Substring, "substring", 2, Some(3), false, ResultKind::Text),
    entry(Function::Subtract, "subtract", 2, Some(2), false, ResultKind::Number),
];

/// The function of this name; case does not count.
pub(super) fn named(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|signature| signature.name.eq_ignore_ascii_case(name))
}

pub(super) fn signature(function: Function) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|signature| signature.function == function)
}

/// What to write in place of a function that EQL does not have.
pub(super) fn substitute(name: &str) -> String {
    const FOREIGN: &[(&str, &str)] = &[
        ("wildcard", "write `field : (\"a*\", \"b*\")`, or `like~`"),
        ("match", "write `field regex \"…\"`"),
        ("matchLite", "write `field regex \"…\"`"),
        ("arrayContains", "write `field == value`: any value of an array will do"),
        ("arraySearch", "write a condition on the field: any value of an array will do"),
        ("lower", "compare with `:` or `in~`, which ignore case"),
        ("upper", "compare with `:` or `in~`, which ignore case"),
        ("contains", "write `stringContains(text, part)`"),
    ];
    if let Some((_, help)) = FOREIGN.iter().find(|(foreign, _)| foreign.eq_ignore_ascii_case(name)) {
        return (*help).to_owned();
    }
    let names: Vec<&str> = FUNCTIONS.iter().map(|signature| signature.name).collect();
    match nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("EQL has {}", names.join(", ")),
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(signature(*self).map_or("", |signature| signature.name))
    }
}
