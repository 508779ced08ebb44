//! Patterns that ES|QL takes texts apart with: DISSECT, GROK and the regular expressions of Java.

mod dissect;
mod grok;
mod java_regex;
mod regular_expression;

pub use self::{
    dissect::Dissect,
    grok::{Grok, GrokFailure, GrokFault, GrokField, GrokKind, GrokValue},
    java_regex::{JavaRegex, ReplaceFailure},
    regular_expression::MatchFailure,
};
