//! Terms of a Lucene query, and the `~` and `^` that hang on them.

use super::ast::{Bound, FieldPattern, Term, WildcardPart};
use super::lexer::{RangeItem, RangeToken, Token, TokenKind};
use super::parser::{Around, Found, MAX_DEPTH, Parser, field_pattern};
use crate::{Diagnostic, Span, Spanned};

impl Parser<'_> {
    /// A term and what hangs on it. `None`, with a diagnostic, when there is no term.
    pub(super) fn term(&mut self, around: Around, may_join: bool) -> Option<Found> {
        let token = self.tokens.peek()?.clone();
        let mut span = token.span;
        let mut term = match token.kind {
            TokenKind::Word(parts) => {
                self.tokens.skip(1);
                match parts.as_slice() {
                    [WildcardPart::Text(first)] => {
                        let (text, end) = self.joined(first, span, may_join, around);
                        span = span.to(end);
                        Term::Word(text)
                    }
                    [WildcardPart::Any] if matches!(around, Around::Nothing | Around::Everything) => {
                        Term::All
                    }
                    [WildcardPart::Any] if around == Around::Field => Term::Exists,
                    _ => Term::Wildcard(parts),
                }
            }
            TokenKind::Quoted(text) => {
                self.tokens.skip(1);
                Term::Phrase { text, slop: 0 }
            }
            TokenKind::Regex(text) => {
                self.tokens.skip(1);
                Term::Regex(text)
            }
            TokenKind::Range(range) => {
                self.tokens.skip(1);
                self.range(range, span)
            }
            TokenKind::LeftParenthesis => {
                let group = self.group(around);
                span = span.to(self.tokens.previous_span());
                group
            }
            _ => {
                self.tokens.skip(1);
                self.unexpected(span);
                return None;
            }
        };
        let boost = self.suffixes(&mut term);
        if let Term::Word(text) = &term
            && around != Around::Exists
            && let Some(range) = self.comparison(text, span, around)
        {
            term = range;
        }
        let mut field = None;
        if around == Around::Exists {
            (field, term) = self.existing_field(term, span);
        }
        Some(Found { field, term: Spanned::new(term, span), boost })
    }

    /// Words that go to the analyser together.
    fn joined(&mut self, first: &str, span: Span, may_join: bool, around: Around) -> (String, Span) {
        let mut text = first.to_owned();
        let mut end = span;
        if may_join {
            self.check_lower_case_operator(span);
        }
        while may_join
            && let Some(Token { kind: TokenKind::Word(parts), span: next }) = self.tokens.peek().cloned()
            && let [WildcardPart::Text(word)] = parts.as_slice()
            && !self.tokens.peek_at(1).is_some_and(|after| keeps_word_apart(&after.kind))
        {
            self.tokens.skip(1);
            self.check_lower_case_operator(next);
            for (word, place) in [(first, span), (word.as_str(), next)] {
                let is_told = end != span && place == span;
                if around != Around::Nothing && !is_told && word.starts_with(['<', '>']) {
                    self.faults.report(
                        Diagnostic::error(
                            "lucene::comparison-among-words",
                            "a comparison next to plain words is read as one text with them",
                        )
                        .at(place)
                        .label("not a clause of its own")
                        .help("put `AND`, `OR` or `+` between the two"),
                    );
                }
            }
            text.push(' ');
            text.push_str(word);
            end = next;
        }
        (text, end)
    }

    /// `>a`, `>=a`, `<a`, `<=a`; without a field they are plain text.
    fn comparison(&mut self, text: &str, span: Span, around: Around) -> Option<Term> {
        let (sign, rest) = text.split_at_checked(1)?;
        if sign != "<" && sign != ">" {
            return None;
        }
        if around == Around::Nothing {
            self.faults.report(
                Diagnostic::warning(
                    "lucene::comparison-without-field",
                    "without a field this is a text to search for",
                )
                .at(span)
                .label("not a comparison")
                .help("write `field:>10`"),
            );
            return None;
        }
        let (inclusive, bound) = rest.strip_prefix('=').map_or((false, rest), |bound| (true, bound));
        if bound.is_empty() {
            self.faults.report(
                Diagnostic::error("lucene::missing-bound", "there is nothing to compare with")
                    .at(span)
                    .label("no bound directly after it")
                    .help("write the bound without a space: `field:>=10`"),
            );
            return Some(Term::Invalid);
        }
        let bound = (bound != "*").then(|| Bound { text: bound.to_owned(), inclusive });
        Some(if sign == ">" {
            Term::Range { lower: bound, upper: None }
        } else {
            Term::Range { lower: None, upper: bound }
        })
    }

    fn range(&mut self, range: RangeToken, span: Span) -> Term {
        let Some(upper_inclusive) = range.close else {
            self.faults.report(
                Diagnostic::error("lucene::unclosed-range", "this range is never closed")
                    .at(Span::new(span.start, span.start + 1))
                    .label("opened here")
                    .help("write `[from TO to]`, with `{` and `}` for ends that are not inside"),
            );
            return Term::Invalid;
        };
        let bound = |item: &RangeItem, inclusive| {
            (item.text != "*").then(|| Bound { text: item.text.clone(), inclusive })
        };
        if let [lower, middle, upper] = range.items.as_slice()
            && middle.text == "TO"
            && !middle.is_quoted
        {
            let empty = [lower, upper].into_iter().find(|item| item.text.is_empty());
            if let Some(item) = empty {
                self.faults.report(
                    Diagnostic::error("lucene::bad-range", "this end of the range is empty")
                        .at(item.span)
                        .label("no bound")
                        .help("write `*` for an open end"),
                );
                return Term::Invalid;
            }
            return Term::Range {
                lower: bound(lower, range.lower_inclusive),
                upper: bound(upper, upper_inclusive),
            };
        }
        self.faults.report(
            Diagnostic::error("lucene::bad-range", "a range has two ends with `TO` between them")
                .at(span)
                .label("not a range")
                .help("write `[from TO to]` with `TO` in capitals; quote an end that has spaces in it"),
        );
        Term::Invalid
    }

    /// `( … )`, at the opening parenthesis.
    fn group(&mut self, around: Around) -> Term {
        let open = self.tokens.peek().map_or(Span::default(), |token| token.span);
        self.tokens.skip(1);
        if self.depth == MAX_DEPTH {
            self.faults.report(
                Diagnostic::error(
                    "lucene::too-deep",
                    format!("the query nests more than {MAX_DEPTH} levels deep"),
                )
                .at(open)
                .label("one level too many")
                .help("take out needless parentheses, or split the rule"),
            );
            self.faults.give_up();
            self.tokens.skip_all();
            return Term::Invalid;
        }
        let first = self.tokens.position();
        self.depth += 1;
        let query = self.query(around);
        self.depth -= 1;
        let is_empty = self.tokens.position() == first;
        if self.tokens.is_at(&TokenKind::RightParenthesis) {
            self.tokens.skip(1);
            if is_empty {
                self.faults.report(
                    Diagnostic::error("lucene::empty-group", "there is nothing inside")
                        .at(open.to(self.tokens.previous_span()))
                        .label("empty")
                        .help("write a query here, or take it out"),
                );
            }
        } else {
            self.faults.report(
                Diagnostic::error("lucene::unclosed-parenthesis", "this parenthesis is never closed")
                    .at(open)
                    .label("opened here")
                    .help("add the closing `)`; for a plain one write `\\(`"),
            );
        }
        if query.clauses.is_empty() { Term::Invalid } else { Term::Group(query) }
    }

    /// `~`, `~n` and `^n`, each at most once, in either order.
    fn suffixes(&mut self, term: &mut Term) -> Option<f64> {
        let mut boost = None;
        let (mut has_tilde, mut has_boost) = (false, false);
        while let Some(token) = self.tokens.peek().cloned() {
            match token.kind {
                TokenKind::Tilde(text) if !has_tilde => {
                    has_tilde = true;
                    self.tokens.skip(1);
                    self.tilde(term, &text, token.span);
                }
                TokenKind::Boost(number) if !has_boost => {
                    has_boost = true;
                    self.tokens.skip(1);
                    boost = number;
                }
                _ => break,
            }
        }
        boost
    }

    fn tilde(&mut self, term: &mut Term, text: &str, span: Span) {
        match term {
            Term::Phrase { slop, .. } => match text.parse() {
                Ok(number) => *slop = number,
                Err(_) if text.is_empty() => {}
                Err(_) => self.faults.report(
                    Diagnostic::error("lucene::bad-slop", "after a phrase `~` takes a whole number")
                        .at(span)
                        .label("not a whole number")
                        .help("write `\"…\"~2`: how many positions the words may be apart"),
                ),
            },
            Term::Word(word) => {
                let edits = match text {
                    "" | "AUTO" => None,
                    "0" => Some(0),
                    "1" => Some(1),
                    "2" => Some(2),
                    _ => {
                        self.faults.report(
                            Diagnostic::error("lucene::bad-fuzziness", "a fuzzy word allows 0, 1 or 2 edits")
                                .at(span)
                                .label("not 0, 1 or 2")
                                .help("write `word~`, `word~1` or `word~2`"),
                        );
                        None
                    }
                };
                *term = Term::Fuzzy { text: std::mem::take(word), edits };
            }
            Term::Wildcard(_) | Term::Regex(_) | Term::All | Term::Exists => self.faults.report(
                Diagnostic::warning(
                    "lucene::pattern-not-fuzzy",
                    "a wildcard or a regular expression cannot be fuzzy",
                )
                .at(span)
                .label("changes nothing")
                .help("take it out"),
            ),
            Term::Invalid => {}
            Term::Range { .. } | Term::Group(_) | Term::Fuzzy { .. } => self.unexpected(span),
        }
    }

    /// What `_exists_:` asks for.
    fn existing_field(&mut self, term: Term, span: Span) -> (Option<Spanned<FieldPattern>>, Term) {
        match term {
            Term::Word(name) | Term::Phrase { text: name, slop: 0 } if !name.is_empty() => {
                (Some(Spanned::new(field_pattern(&name), span)), Term::Exists)
            }
            Term::Group(_) | Term::Invalid => (None, term),
            _ => {
                self.faults.report(
                    Diagnostic::error("lucene::bad-exists", "`_exists_:` takes the name of a field")
                        .at(span)
                        .label("not a field name")
                        .help("write `_exists_:field`; a wildcard in it is written `\\*`"),
                );
                (None, Term::Invalid)
            }
        }
    }

    fn check_lower_case_operator(&mut self, span: Span) {
        if matches!(&self.source[span.start..span.end], "and" | "or" | "not") {
            self.faults.report(
                Diagnostic::warning(
                    "lucene::lower-case-operator",
                    "this is a word to search for, not an operator",
                )
                .at(span)
                .label("operators are in capitals")
                .help("write it in capitals, or quote it if the word is meant"),
            );
        }
    }
}

/// A word before one of these is a clause of its own.
fn keeps_word_apart(next: &TokenKind) -> bool {
    match next {
        TokenKind::Colon | TokenKind::Tilde(_) | TokenKind::Boost(_) | TokenKind::And | TokenKind::Or => true,
        TokenKind::Word(parts) => matches!(parts.as_slice(), [WildcardPart::Any]),
        _ => false,
    }
}
