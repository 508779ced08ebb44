//! A compiled expression: in linear time where it can be, by trying where it must be, with a limit to the trying.

use query::{Diagnostic, Span};
use regex::{Regex, RegexBuilder};

use super::{
    tree::{LINE_BREAKS, Node},
    writer::{Target, has_final_line_end, write},
};

/// Memory that one compiled expression may take.
const SIZE_LIMIT: usize = 8 << 20;

/// Steps back in one search; a fraction of a second.
const BACKTRACK_LIMIT: usize = 2_000_000;

/// Instructions of an expression that is tried.
const PROGRAM_LIMIT: usize = 200_000;

/// A search was given up: whether the text matches is not known. Callers count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a regular expression took too many steps on a text")]
pub struct MatchFailure;

/// Where the whole match is, then where each group is; a group that took no part has no place.
pub(in crate::pattern) type Groups = Vec<Option<(usize, usize)>>;

#[derive(Debug, Clone)]
pub(in crate::pattern) struct Engine {
    linear: Option<Regex>,
    /// Set when `linear` is wrong for a text that ends in a line break.
    wrong_before_final_break: bool,
    backtracking: Option<Backtracking>,
}

#[derive(Debug, Clone)]
struct Backtracking {
    /// Finds quickly that there is no match, or before which place there is none.
    relaxed: Option<Regex>,
    regex: fancy_regex::Regex,
}

impl Engine {
    /// Compiles a tree that was read from `length` bytes of text.
    pub(in crate::pattern) fn new(node: &Node, length: usize) -> Result<Self, Diagnostic> {
        let refuse = |reason: String| {
            Diagnostic::error("esql::regex-size", reason)
                .at(Span::new(0, length))
                .help("repeat less, or repeat something shorter")
        };
        let linear = match write(node, Target::Linear) {
            Some(expression) => Some(build(&expression).map_err(|error| refuse(reason(&error)))?),
            None => None,
        };
        let wrong_before_final_break = has_final_line_end(node);
        let backtracking = if linear.is_none() || wrong_before_final_break {
            let expression = write(node, Target::Backtracking).unwrap_or_default();
            let regex = fancy_regex::RegexBuilder::new(&expression)
                .backtrack_limit(BACKTRACK_LIMIT)
                .delegate_size_limit(SIZE_LIMIT)
                .max_prog_size(PROGRAM_LIMIT)
                // Its rewrites have been unsound more than once; the relaxed expression is our prefilter.
                .optimize(false)
                .build()
                .map_err(|error| refuse(format!("this regular expression cannot be compiled: {error}")))?;
            let relaxed = write(node, Target::Relaxed).and_then(|expression| build(&expression).ok());
            Some(Backtracking { relaxed, regex })
        } else {
            None
        };
        Ok(Self { linear, wrong_before_final_break, backtracking })
    }

    /// The leftmost match that begins at `start` or later; what is before `start` is still looked at.
    pub(in crate::pattern) fn captures_at(
        &self,
        text: &str,
        start: usize,
    ) -> Result<Option<Groups>, MatchFailure> {
        if let Some(linear) = &self.linear
            && !(self.wrong_before_final_break && text.ends_with(LINE_BREAKS))
        {
            return Ok(linear.captures_at(text, start).map(|captures| {
                captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()
            }));
        }
        let Some(backtracking) = &self.backtracking else { return Ok(None) };
        let start = match &backtracking.relaxed {
            Some(relaxed) => match relaxed.find_at(text, start) {
                Some(found) => found.start(),
                None => return Ok(None),
            },
            None => start,
        };
        match backtracking.regex.captures_from_pos(text, start) {
            Ok(captures) => Ok(captures.map(|captures| {
                captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()
            })),
            Err(_) => Err(MatchFailure),
        }
    }

    #[cfg(test)]
    pub(in crate::pattern) fn is_linear(&self) -> bool {
        self.linear.is_some()
    }
}

fn build(expression: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression).size_limit(SIZE_LIMIT).build()
}

fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this regular expression is too large when compiled".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("this regular expression cannot be compiled: {}", last.trim())
        }
    }
}
