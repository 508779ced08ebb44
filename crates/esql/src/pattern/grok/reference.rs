//! Reads `%{SYNTAX:name:type}` and puts the named pattern in its place.

use query::Diagnostic;

use super::library;
use crate::pattern::regular_expression::{Node, Parser};

/// References in one pattern, those in named patterns included.
const MOST: usize = 2_000;

/// Reads a reference that stands at the parser's place.
pub(super) fn read(parser: &mut Parser<'_, '_>) -> Result<Node, Diagnostic> {
    let start = parser.position;
    let malformed = |parser: &Parser<'_, '_>, end| {
        parser.fault("esql::grok-reference", "this does not refer to a pattern", start, end).help(
            "write `%{SYNTAX}`, `%{SYNTAX:name}` or `%{SYNTAX:name:int}`; `%\\{` for the signs themselves",
        )
    };
    let Some((inside, _)) = parser.rest().strip_prefix("%{").and_then(|rest| rest.split_once('}')) else {
        return Err(malformed(parser, start + "%{".len()));
    };
    let end = start + "%{}".len() + inside.len();
    parser.position = end;
    let (syntax, name) = inside.split_once(':').map_or((inside, None), |(syntax, name)| (syntax, Some(name)));
    let fits = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '@' | '[' | ']' | '_' | ':' | '.' | '-'))
    };
    if syntax.is_empty()
        || !syntax.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        || name.is_some_and(|name| !fits(name) || name.starts_with(':'))
    {
        return Err(malformed(parser, end));
    }
    let Some(pattern) = library::find(syntax) else {
        let fault = parser.fault(
            "esql::grok-unknown-pattern",
            format!("there is no pattern named `{syntax}`"),
            start,
            end,
        );
        return Err(match near(syntax) {
            Some(name) => fault.help(format!("did you mean `%{{{name}}}`?")),
            None => fault.help("write `(?<name>…)` with a regular expression of your own"),
        });
    };
    if parser.shared.references.iter().any(|open| open == syntax) {
        let message = format!("the pattern `{syntax}` refers to itself");
        return Err(parser.fault("esql::grok-circular", message, start, end));
    }
    parser.shared.resolved += 1;
    if parser.shared.resolved > MOST {
        return Err(parser.fault("esql::grok-size", "too many patterns are referred to", start, end));
    }
    if name.is_some() {
        parser.shared.groups.push(Some(inside.to_owned()));
    }
    parser.shared.references.push(syntax.to_owned());
    let span = parser.span(start, end);
    let node = parser.inside(pattern, span).parse()?;
    parser.shared.references.pop();
    Ok(if name.is_some() { Node::Capture(Box::new(node)) } else { node })
}

/// A name that differs in case or by a sign.
fn near(syntax: &str) -> Option<&'static str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_uppercase();
    let wanted = plain(syntax);
    library::names().find(|name| plain(name) == wanted)
}
