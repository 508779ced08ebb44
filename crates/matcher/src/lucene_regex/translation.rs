//! The same regular expression in the syntax of the `regex` crate, which knows neither intersection nor complement.

use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::ClassUnicode;

use super::syntax::Tree;

/// Builds what matches the same whole texts; `None` for a tree with an intersection or a complement.
///
/// # Errors
/// When it would be too large.
pub(super) fn translate(tree: &Tree) -> Option<Result<Regex, regex::Error>> {
    let mut out = String::from(r"\A");
    push(tree, &mut out)?;
    out.push_str(r"\z");
    // The tree is not deep, but each of its levels is several of theirs.
    Some(RegexBuilder::new(&out).size_limit(8 << 20).nest_limit(1_000).build())
}

fn push(tree: &Tree, out: &mut String) -> Option<()> {
    match tree {
        Tree::Nothing => out.push_str(r"[^\x00-\x{10FFFF}]"),
        Tree::Empty => out.push_str("(?:)"),
        Tree::Class(class) => push_class(class, out),
        Tree::Concat(parts) => {
            out.push_str("(?:");
            parts.iter().try_for_each(|part| push(part, out))?;
            out.push(')');
        }
        Tree::Union(branches) => {
            for (index, branch) in branches.iter().enumerate() {
                out.push_str(if index == 0 { "(?:" } else { "|" });
                push(branch, out)?;
            }
            out.push(')');
        }
        Tree::Repeat { of, min, max } => {
            out.push_str("(?:");
            push(of, out)?;
            out.push(')');
            let _ = match (min, max) {
                (0, None) => out.write_char('*'),
                (1, None) => out.write_char('+'),
                (0, Some(1)) => out.write_char('?'),
                (min, None) => write!(out, "{{{min},}}"),
                (min, Some(max)) => write!(out, "{{{min},{max}}}"),
            };
        }
        Tree::Inter(_) | Tree::Not(_) => return None,
    }
    Some(())
}

fn push_class(class: &ClassUnicode, out: &mut String) {
    if let [range] = class.ranges()
        && range.start() == range.end()
    {
        out.push_str(&regex::escape(range.start().encode_utf8(&mut [0; 4])));
        return;
    }
    out.push('[');
    for range in class.ranges() {
        let _ = write!(out, r"\x{{{:X}}}-\x{{{:X}}}", u32::from(range.start()), u32::from(range.end()));
    }
    out.push(']');
}
