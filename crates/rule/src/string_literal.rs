//! Offsets in a text that stands in a file as a TOML or JSON string literal: from the text to the file.

use query::Span;

/// A string literal of a file, and where each of its characters stands there.
///
/// A query is parsed as the text that the literal means; this moves the parser's spans to the file,
/// across escapes and the line breaks that TOML swallows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringLiteral {
    /// The text that is meant.
    pub text: String,
    /// Where runs of characters that stand for themselves, and escapes, start: (offset in the text, offset in the file).
    runs: Vec<(usize, usize)>,
    /// The literal in the file, quotes included.
    span: Span,
}

impl StringLiteral {
    /// Reads the literal at `span` of `file`: JSON's and TOML's basic strings (`"…"`), TOML's literal strings (`'…'`),
    /// and both with three quotes. `None` when there is no such literal.
    pub fn read(file: &str, span: Span) -> Option<Self> {
        let source = file.get(span.start..span.end)?;
        let (quote, escapes) = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|q| source.len() >= 2 * q.len() && source.starts_with(q) && source.ends_with(q))
            .map(|q| (q, q.starts_with('"')))?;
        let mut body = quote.len();
        let end = source.len() - quote.len();
        if quote.len() == 3 {
            // The line break right after three quotes does not count.
            let rest = &source[body..end];
            body += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        let mut literal = Self { text: String::new(), runs: vec![(0, span.start + body)], span };
        let mut at = body;
        while at < end {
            let rest = &source[at..end];
            let plain = if escapes { rest.find('\\').unwrap_or(rest.len()) } else { rest.len() };
            literal.text.push_str(&rest[..plain]);
            at += plain;
            if at < end {
                literal.runs.push((literal.text.len(), span.start + at));
                let (meant, length) = unescape(&source[at..end])?;
                literal.text.extend(meant);
                at += length;
                literal.runs.push((literal.text.len(), span.start + at));
            }
        }
        literal.runs.push((literal.text.len(), span.start + end));
        Some(literal)
    }

    /// The place in the file of a place in the text. What lies beyond the text is the whole literal.
    pub fn in_file(&self, span: Span) -> Span {
        if span.start > span.end || span.end > self.text.len() {
            return self.span;
        }
        let start = self.offset(span.start);
        let end = if span.start == span.end { start } else { self.offset_of_end(span.end) };
        Span::new(start, end.max(start))
    }

    /// Where the character at `offset` starts.
    fn offset(&self, offset: usize) -> usize {
        let next = self.runs.partition_point(|(text, _)| *text <= offset);
        let (text, file) = self.runs[next.saturating_sub(1)];
        let limit = self.runs.get(next).map_or(usize::MAX, |(_, file)| *file);
        // Within a character that is written as an escape, this is the escape's start.
        let within = file + (offset - text);
        if within < limit { within } else { file }
    }

    /// Where the character before `offset` ends.
    fn offset_of_end(&self, offset: usize) -> usize {
        let next = self.runs.partition_point(|(text, _)| *text < offset);
        let (text, file) = self.runs[next.saturating_sub(1)];
        match self.runs.get(next) {
            // The run, or the escape, ends here.
            Some((end, file_end)) if *end == offset => *file_end,
            _ => file + (offset - text),
        }
    }
}

/// What the escape at the start of `source` means (nothing, for a swallowed line break), and its length.
fn unescape(source: &str) -> Option<(Option<char>, usize)> {
    let kind = source[1..].chars().next()?;
    let simple = |meant| Some((Some(meant), 2));
    match kind {
        'b' => simple('\u{8}'),
        't' => simple('\t'),
        'n' => simple('\n'),
        'f' => simple('\u{c}'),
        'r' => simple('\r'),
        'e' => simple('\u{1b}'),
        '"' | '\\' | '/' => simple(kind),
        'x' => hex(source, 2).and_then(|code| Some((Some(char::from_u32(code)?), 4))),
        'U' => hex(source, 8).and_then(|code| Some((Some(char::from_u32(code)?), 10))),
        'u' => match hex(source, 4)? {
            high @ 0xd800..=0xdbff => {
                // JSON writes characters beyond U+FFFF as two escapes.
                let low =
                    source.get(6..).filter(|rest| rest.starts_with("\\u")).and_then(|rest| hex(rest, 4))?;
                let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                Some((Some(char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?), 12))
            }
            code => Some((Some(char::from_u32(code)?), 6)),
        },
        _ if kind.is_ascii_whitespace() => {
            let rest = &source[1..];
            Some((None, 1 + rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()))
        }
        _ => None,
    }
}

fn hex(source: &str, digits: usize) -> Option<u32> {
    let digits = source.get(2..2 + digits)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the literal, and says what of the file stands for `part` of its text.
    fn in_file(file: &str, part: &str) -> String {
        let literal = StringLiteral::read(file, Span::new(0, file.len())).unwrap();
        let start = literal.text.find(part).unwrap();
        let span = literal.in_file(Span::new(start, start + part.len()));
        file[span.start..span.end].to_owned()
    }

    #[test]
    fn parts_are_found_in_every_kind_of_literal() {
        for (file, part, expected) in [
            (r#""a b c""#, "b", "b"),
            (r#""a \"b\" c""#, "\"b\"", r#"\"b\""#),
            (r#""a \"b\" c""#, "b", "b"),
            (r#""a \"b\" c""#, " c", " c"),
            (r#""\u00e9\ud83d\ude00x""#, "x", "x"),
            (r#""\u00e9\ud83d\ude00x""#, "😀", r"\ud83d\ude00"),
            (r#""\U0001F600x""#, "😀", r"\U0001F600"),
            ("'a \\b c'", "\\b", "\\b"),
            ("'''\nuser.nmae: x\n'''", "user.nmae", "user.nmae"),
            ("\"\"\"\r\nuser.nmae: x\n\"\"\"", "user.nmae", "user.nmae"),
            ("\"\"\"a \\\n   b\\\\c\"\"\"", "b", "b"),
            ("\"\"\"a \\\n   b\\\\c\"\"\"", "b\\c", "b\\\\c"),
        ] {
            assert_eq!(in_file(file, part), expected, "{part} in {file}");
        }
    }

    #[test]
    fn an_empty_place_stays_empty() {
        let file = r#""\"a""#;
        let literal = StringLiteral::read(file, Span::new(0, file.len())).unwrap();
        assert_eq!(literal.in_file(Span::new(1, 1)), Span::new(3, 3));
        assert_eq!(literal.in_file(Span::new(2, 2)), Span::new(4, 4));
        assert_eq!(literal.in_file(Span::new(2, 9)), Span::new(0, file.len()));
    }

    proptest::proptest! {
        #[test]
        fn json_literals_mean_what_serde_json_says(text in "[ab\"\\\\\n\té😀*:()]{0,30}") {
            let file = serde_json::to_string(&text).unwrap();
            let literal = StringLiteral::read(&file, Span::new(0, file.len())).unwrap();
            proptest::prop_assert_eq!(&literal.text, &text);
            // Every single character is found, and the places follow each other without gap.
            let mut end = 1;
            for (at, c) in text.char_indices() {
                let span = literal.in_file(Span::new(at, at + c.len_utf8()));
                proptest::prop_assert_eq!(span.start, end);
                end = span.end;
            }
            proptest::prop_assert_eq!(end, file.len() - 1);
        }

        #[test]
        fn toml_literals_mean_what_the_toml_crate_says(text in "[ab\"'\\\\\n\té😀*:()]{0,30}") {
            let table: toml::Table = [("q".to_owned(), toml::Value::String(text.clone()))].into_iter().collect();
            let file = toml::to_string_pretty(&table).unwrap();
            let span = crate::format::places(&file, crate::Format::Toml, Span::new(0, file.len()));
            let span = span.value("q").unwrap();
            proptest::prop_assert_eq!(StringLiteral::read(&file, span).unwrap().text, text);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[\"'\\\\uxU0dné\n ]{0,30}", start in 0usize..30) {
            if let Some(literal) = StringLiteral::read(&text, Span::new(0, text.len())) {
                let _ = literal.in_file(Span::new(start, start + 1));
            }
        }
    }
}
