//! Template text to nodes.

use super::Node;
use crate::error::{TemplateError, TemplateFault};

/// Sections within sections.
const MAX_DEPTH: usize = 32;
/// Functions of Kibana's templates that we do not have.
const UNSUPPORTED: [&str; 3] = ["EvalMath", "ParseHjson", "FormatNumber"];

/// A section that is open: its name and path, whether it is inverted, where it opens, what lay before it.
struct Open {
    name: String,
    inverted: bool,
    at: usize,
    before: Vec<Node>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Node>, TemplateError> {
    let fault = |at: usize, fault: TemplateFault| {
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        TemplateError { line, column: text[line_start..at].chars().count() + 1, fault }
    };
    let (mut opening, mut closing) = ("{{".to_owned(), "}}".to_owned());
    let mut stack: Vec<Open> = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(&opening).map(|offset| from + offset) {
        let mut inside = at + opening.len();
        let sigil = text[inside..].chars().next().filter(|c| "#^/!&>={".contains(*c));
        // `{{{` belongs to the usual delimiters alone.
        let sigil = sigil.filter(|&c| c != '{' || opening == "{{");
        inside += sigil.map_or(0, char::len_utf8);
        let end = match sigil {
            Some('{') => format!("}}{closing}"),
            Some('=') => format!("={closing}"),
            _ => closing.clone(),
        };
        let Some(length) = text[inside..].find(&end) else {
            return Err(fault(at, TemplateFault::UnclosedTag));
        };
        let name = text[inside..inside + length].trim();
        let mut after = inside + length + end.len();
        let mut before = at;
        if matches!(sigil, Some('#' | '^' | '/' | '!' | '=' | '>'))
            && let Some((line_start, next_line)) = own_line(text, from, at, after)
        {
            (before, after) = (line_start, next_line);
        }
        if before > from {
            nodes.push(Node::Text(text[from..before].to_owned()));
        }
        from = after;
        if name.is_empty() && sigil != Some('!') {
            return Err(fault(at, TemplateFault::EmptyTag));
        }
        match sigil {
            None => nodes.push(Node::Value { path: path(name), escaped: true }),
            Some('{' | '&') => nodes.push(Node::Value { path: path(name), escaped: false }),
            Some('#' | '^') => {
                if UNSUPPORTED.contains(&name) {
                    return Err(fault(at, TemplateFault::Function(name.to_owned())));
                }
                if stack.len() == MAX_DEPTH {
                    return Err(fault(at, TemplateFault::TooDeep(MAX_DEPTH)));
                }
                let before = std::mem::take(&mut nodes);
                stack.push(Open { name: name.to_owned(), inverted: sigil == Some('^'), at, before });
            }
            Some('/') => {
                let Some(open) = stack.pop_if(|open| open.name == name) else {
                    return Err(fault(at, TemplateFault::StrayClose(name.to_owned())));
                };
                let inner = std::mem::replace(&mut nodes, open.before);
                nodes.push(match name {
                    "FormatDate" if !open.inverted => Node::FormatDate(inner),
                    name => Node::Section { path: path(name), inverted: open.inverted, nodes: inner },
                });
            }
            Some('=') => {
                let mut new = name.split_whitespace();
                match (new.next(), new.next(), new.next()) {
                    (Some(left), Some(right), None) if !name.contains('=') => {
                        (opening, closing) = (left.to_owned(), right.to_owned());
                    }
                    _ => return Err(fault(at, TemplateFault::Delimiters)),
                }
            }
            Some('>') => return Err(fault(at, TemplateFault::Partial(name.to_owned()))),
            Some(_) => {}
        }
    }
    if from < text.len() {
        nodes.push(Node::Text(text[from..].to_owned()));
    }
    match stack.pop() {
        Some(open) => Err(fault(open.at, TemplateFault::UnclosedSection(open.name))),
        None => Ok(nodes),
    }
}

/// A tag that prints nothing and stands alone on its line takes the line with it: the start of its line and of the next.
fn own_line(text: &str, from: usize, at: usize, after: usize) -> Option<(usize, usize)> {
    let blank = |text: &str| text.chars().all(|c| c == ' ' || c == '\t');
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    // Something of the line was read before: a tag.
    if line_start < from || !blank(&text[line_start..at]) {
        return None;
    }
    let next_line = text[after..].find('\n').map_or(text.len(), |newline| after + newline + 1);
    blank(text[after..next_line].trim_end_matches(['\n', '\r'])).then_some((line_start, next_line))
}

fn path(name: &str) -> Vec<String> {
    if name == "." { Vec::new() } else { name.split('.').map(|segment| segment.trim().to_owned()).collect() }
}
