//! One key of a DISSECT pattern, the text between `%{` and `}`: a name and what is done with what it takes.

use query::{Diagnostic, Span};

/// What becomes of the text that a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is the value; the last key of a name wins.
    Value,
    /// It is joined to that of the other keys of this name, in the order of the pattern.
    Append,
    /// It is joined by rising numbers, after those without one.
    AppendAt(u16),
    /// It is dropped.
    Skip,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Empty only when skipped.
    pub(super) name: String,
    pub(super) action: Use,
    /// Whether further delimiters right behind the value are skipped (`->`).
    pub(super) pads_right: bool,
}

/// Reads the text between `%{` and `}`, which stands at `span`.
///
/// As upstream, a modifier may stand inside; what is before it does not count. That makes `%{{?name}` a key that is
/// skipped.
pub(super) fn parse(text: &str, span: Span) -> Result<Key, Diagnostic> {
    const HELP: &str = "a key is `name`, `+name`, `+name/2`, `?name` or nothing, and may end in `->`";
    let (body, pads_right) = text.strip_suffix("->").map_or((text, false), |body| (body, true));
    let modifiers: Vec<(usize, char)> =
        text.char_indices().filter(|(_, c)| matches!(c, '/' | '+' | '*' | '&' | '?')).collect();
    let (name, action) = match modifiers[..] {
        [] if body.is_empty() => (body, Use::Skip),
        [] => (body, Use::Value),
        [(_, '*' | '&'), ..] => {
            return Err(Diagnostic::error(
                "esql::dissect-reference-key",
                "`DISSECT` in ES|QL has no reference keys (`*` and `&`)",
            )
            .at(span)
            .label("the names of columns must be known before the query runs")
            .help("give the key a name of its own, or skip it with `?`"));
        }
        [(at, '?')] => (body.get(at + 1..).unwrap_or_default(), Use::Skip),
        [(at, '+')] => (body.get(at + 1..).unwrap_or_default(), Use::Append),
        [(plus, '+'), (slash, '/')] => {
            let number = body.get(slash + 1..).unwrap_or_default();
            let order = number.parse().ok().filter(|order| {
                *order <= i16::MAX.unsigned_abs() && number.bytes().all(|byte| byte.is_ascii_digit())
            });
            let Some(order) = order else {
                return Err(Diagnostic::error(
                    "esql::dissect-append-order",
                    "after the `/` of an appended key there must be a number up to 32767",
                )
                .at(span)
                .help("write `%{+name/1}`"));
            };
            (&body[plus + 1..slash], Use::AppendAt(order))
        }
        [(_, '/')] => {
            return Err(Diagnostic::error("esql::dissect-append-order", "only an appended key has an order")
                .at(span)
                .help("write `%{+name/1}`"));
        }
        _ => {
            return Err(Diagnostic::error("esql::dissect-key", "a key has one modifier at most")
                .at(span)
                .help(HELP));
        }
    };
    if name.is_empty() && action != Use::Skip {
        return Err(Diagnostic::error("esql::dissect-key", "this key has no name").at(span).help(HELP));
    }
    Ok(Key { name: name.to_owned(), action, pads_right })
}
