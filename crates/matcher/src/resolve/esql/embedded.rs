//! Where the characters of a text stand in the query that holds it as a literal.

use query::Span;

/// A text literal of a query, to place findings about the text in the query.
#[derive(Debug)]
pub(super) struct Embedded {
    whole: Span,
    /// Where each byte of the text begins, and the end; `None` when the literal is not found where it is said to be.
    places: Option<Vec<usize>>,
}

impl Embedded {
    /// `span` is where the literal, with its quotation marks, stands in `source`.
    pub(super) fn new(source: &str, span: Span, text: &str) -> Self {
        let literal = source.get(span.start..span.end).unwrap_or_default();
        Self {
            whole: span,
            places: raw(literal, text)
                .or_else(|| escaped(literal, text))
                .map(|places| places.into_iter().map(|place| place + span.start).collect()),
        }
    }

    /// The place in the query of a place in the text; the whole literal when there is none.
    pub(super) fn place(&self, span: Option<Span>) -> Span {
        let found = self
            .places
            .as_ref()
            .zip(span)
            .and_then(|(places, span)| Some(Span::new(*places.get(span.start)?, *places.get(span.end)?)));
        found.unwrap_or(self.whole)
    }
}

/// `"""text"""`
fn raw(literal: &str, text: &str) -> Option<Vec<usize>> {
    let inside = literal.strip_prefix("\"\"\"")?;
    inside.starts_with(text).then(|| (3..=3 + text.len()).collect())
}

/// `"te\"xt"`
fn escaped(literal: &str, text: &str) -> Option<Vec<usize>> {
    let mut rest = literal.strip_prefix('"')?;
    let mut places = Vec::with_capacity(text.len() + 1);
    let at = |rest: &str| literal.len() - rest.len();
    for character in text.chars() {
        places.extend(std::iter::repeat_n(at(rest), character.len_utf8()));
        let escape = match character {
            '\t' => Some("\\t"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            _ => None,
        };
        rest = match escape.and_then(|escape| rest.strip_prefix(escape)) {
            Some(after) => after,
            None => rest.strip_prefix(character)?,
        };
    }
    places.push(at(rest));
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_text_is_a_place_in_the_query() {
        for (source, text, inner, expected) in [
            (r#"f("""a:b""")"#, "a:b", Some(Span::new(2, 3)), "b"),
            (r#"f("a:\"é\" x")"#, "a:\"é\" x", Some(Span::new(2, 6)), r#"\"é\""#),
            (r#"f("a:\"é\" x")"#, "a:\"é\" x", Some(Span::new(7, 8)), "x"),
            (r#"f("a")"#, "a", None, r#""a""#),
            (r#"f("a")"#, "b", Some(Span::new(0, 1)), r#""a""#),
        ] {
            let literal = Span::new(2, source.len() - 1);
            let found = Embedded::new(source, literal, text).place(inner);
            assert_eq!(&source[found.start..found.end], expected, "{source}");
        }
    }
}
