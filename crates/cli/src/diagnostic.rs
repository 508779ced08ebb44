//! Shows findings about rules and queries with file, line, column and the text that they are about.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use query::{Diagnostic, Severity, Span};

use crate::printer::{visible, visible_lines};

/// The content of a file, with the places of its lines: exports of rules run to many megabytes and may have a finding in
/// each line, so that these must not be counted anew each time.
pub(crate) struct Source<'t> {
    text: &'t str,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, lines: std::iter::once(0).chain(after).collect() }
    }

    /// Line and column of a place, both from one; columns count characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = floor_char_boundary(self.text, offset);
        let (line, start) = self.line(offset);
        (line, self.text[start..offset].chars().count() + 1)
    }

    /// The number of the line in which a place is, from one, and where it starts.
    fn line(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset);
        (line, self.lines[line.saturating_sub(1)])
    }
}

/// A finding as text of several lines, without a line break at its end. `source` is what the finding's span counts in:
/// the content of `file`.
pub(crate) fn render(diagnostic: &Diagnostic, file: &Path, source: &Source<'_>, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let path = visible(&file.display().to_string());
    let message = visible(&diagnostic.message);
    let title = level.primary_title(&*message).id(diagnostic.code);
    let excerpt = diagnostic.span.map(|span| Excerpt::around(source, span));
    let label = diagnostic.label.as_deref().map(visible);
    let mut group = match &excerpt {
        Some(excerpt) => {
            let annotation = AnnotationKind::Primary.span(excerpt.start..excerpt.end).label(label.as_deref());
            let snippet = Snippet::source(&*excerpt.text).line_start(excerpt.line).path(&*path);
            title.element(snippet.annotation(annotation))
        }
        None => Group::with_title(title).element(annotate_snippets::Origin::path(&*path)),
    };
    // Where the place itself says what to do, once is enough.
    let help = diagnostic
        .help
        .as_deref()
        .filter(|help| diagnostic.label.as_deref() != Some(help))
        .map(visible_lines);
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(&**help));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// The lines that a span touches. Rule exports run to many megabytes; the renderer need not look at all of them.
struct Excerpt {
    text: String,
    line: usize,
    start: usize,
    end: usize,
}

/// Longer spans are marked at their beginning only.
const MARKED_BYTES: usize = 2_000;

impl Excerpt {
    fn around(source: &Source<'_>, span: Span) -> Self {
        let text = source.text;
        let start = floor_char_boundary(text, span.start);
        let mut end = floor_char_boundary(text, span.end.max(start));
        if end - start > MARKED_BYTES {
            let first_line = text[start..end].find('\n').unwrap_or(MARKED_BYTES);
            end = floor_char_boundary(text, start + first_line.min(MARKED_BYTES));
        }
        let (line, first) = source.line(start);
        let last = text[end..].find('\n').map_or(text.len(), |at| end + at);
        Self { text: text[first..last].to_owned(), line, start: start - first, end: end - first }
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_its_place() {
        let text = "[rule]\nquery = 'user.nmae : \"root\"'\n";
        let at = text.find("user.nmae").unwrap();
        let diagnostic = Diagnostic::warning("rule::unknown-field", "no field named `user.nmae`")
            .at(Span::new(at, at + 9))
            .label("did you mean `user.name`?")
            .help("or add the field to the catalogue");
        let shown = render(&diagnostic, Path::new("rules/a.toml"), &Source::new(text), false);
        let expected = "\
warning[rule::unknown-field]: no field named `user.nmae`
 --> rules/a.toml:2:10
  |
2 | query = 'user.nmae : \"root\"'
  |          ^^^^^^^^^ did you mean `user.name`?
  |
  = help: or add the field to the catalogue";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_finding_about_a_whole_file_names_it() {
        let diagnostic = Diagnostic::error("rule::unreadable", "cannot read the file");
        let shown = render(&diagnostic, Path::new("a.toml"), &Source::new(""), false);
        assert_eq!(shown, "error[rule::unreadable]: cannot read the file\n--> a.toml");
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let source = Source::new("aé\nb\n");
        for (offset, expected) in [(0, (1, 1)), (3, (1, 3)), (4, (2, 1)), (99, (3, 1)), (2, (1, 2))] {
            assert_eq!(source.position(offset), expected, "{offset}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_span_can_be_shown(text in "[a-cé\n\r\t\u{1b}]{0,30}", start in 0usize..40, end in 0usize..40) {
            let diagnostic = Diagnostic::error("a::b", "wrong").at(Span { start, end });
            let shown = render(&diagnostic, Path::new("f"), &Source::new(&text), false);
            proptest::prop_assert!(shown.contains("error[a::b]: wrong"));
        }
    }
}
