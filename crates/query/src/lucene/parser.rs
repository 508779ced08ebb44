//! Lucene tokens to a tree: which clause must, may or must not match, by the classic rules.

use super::ast::{Bound, Clause, FieldPattern, Occur, Query, Term, WildcardPart};
use super::lexer::{RangeItem, RangeToken, Token, TokenKind, tokenise};
use crate::faults::Faults;
use crate::tokens::Tokens;
use crate::{Diagnostic, Parsed, Span, Spanned};

/// How deeply parentheses may nest.
pub const MAX_DEPTH: usize = 200;

/// Reads a Lucene query string as Elasticsearch's `query_string` does, with OR as the default operator.
///
/// Operators mark clauses and have no precedence: `a AND b` makes both `Must`, `OR` changes nothing, `NOT`, `!` and
/// `-` make the next clause `MustNot`, `+` makes it `Must`. Words next to each other are one [`Term::Word`] with single
/// spaces in it, because Elasticsearch hands them to the analyser together: on a keyword field `f:(foo bar)` asks
/// for the one value `foo bar`. A word that is followed by `AND`, `OR`, `~` or `^` stays out of that.
///
/// Sources: apache/lucene, queryparser/classic/QueryParser.jj and QueryParserBase.java; elastic/elasticsearch,
/// index/search/QueryStringQueryParser.java. Deliberately stricter, because the reading they give is hardly ever
/// meant: a sign before white space, edits other than 0, 1 and 2, and a comparison among plain words are errors.
pub fn parse(text: &str) -> Parsed<Query> {
    let mut diagnostics = Vec::new();
    let tokens = Tokens::new(tokenise(text, &mut diagnostics), text);
    let mut parser = Parser { source: text, tokens, depth: 0, faults: Faults::new(diagnostics) };
    let tree = parser.query(Around::Nothing);
    Parsed { tree, diagnostics: parser.faults.in_order() }
}

/// The field that a clause without one of its own belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    Nothing,
    /// `*`
    Everything,
    Field,
    /// `_exists_`: the words are fields.
    Exists,
}

/// A clause before its operators are known.
struct Found {
    /// Only for what stands in `_exists_:(…)`.
    field: Option<Spanned<FieldPattern>>,
    term: Spanned<Term>,
    boost: Option<f64>,
}

const EXISTS: &str = "_exists_";

struct Parser<'a> {
    source: &'a str,
    tokens: Tokens<TokenKind>,
    depth: usize,
    faults: Faults,
}

impl Parser<'_> {
    /// Clauses up to the end, or to the parenthesis that closes a group.
    fn query(&mut self, around: Around) -> Query {
        let mut clauses: Vec<Clause> = Vec::new();
        while let Some(token) = self.tokens.peek() {
            let span = token.span;
            match token.kind {
                TokenKind::RightParenthesis if self.depth > 0 => break,
                TokenKind::RightParenthesis => {
                    self.tokens.skip(1);
                    self.faults.report(
                        Diagnostic::error("lucene::unopened-parenthesis", "this parenthesis closes nothing")
                            .at(span)
                            .label("never opened")
                            .help("take it out, or add the opening one; for a plain one write `\\)`"),
                    );
                    continue;
                }
                _ => {}
            }
            let is_and = self.conjunction(clauses.is_empty());
            let modifier = self.modifier();
            if self.at_end() {
                if is_and.is_some() || modifier.is_some() {
                    let operator = self.tokens.previous_span();
                    self.faults.report(
                        Diagnostic::error("lucene::missing-clause", "nothing follows this operator")
                            .at(operator)
                            .label("needs a clause after it")
                            .help("complete the query, or take the operator out; for the plain sign write a backslash before it"),
                    );
                }
                continue;
            }
            let is_and = is_and.map(|(_, is_and)| is_and);
            let may_join = is_and.is_none() && modifier.is_none();
            if is_and == Some(true)
                && let Some(last) = clauses.last_mut().filter(|last| last.occur == Occur::Should)
            {
                last.occur = Occur::Must;
            }
            let occur = match modifier {
                Some(occur) => occur,
                None if is_and == Some(true) => Occur::Must,
                None => Occur::Should,
            };
            if let Some(clause) = self.clause(around, occur, may_join) {
                clauses.push(clause);
            }
        }
        Query { clauses }
    }

    /// `AND` (true) or `OR` (false) before a clause.
    fn conjunction(&mut self, is_first: bool) -> Option<(Span, bool)> {
        let mut found = None;
        while let Some(token) =
            self.tokens.peek().filter(|token| matches!(token.kind, TokenKind::And | TokenKind::Or))
        {
            let here = (token.span, token.kind == TokenKind::And);
            self.tokens.skip(1);
            if is_first || found.is_some() {
                self.faults.report(
                    Diagnostic::error("lucene::stray-operator", "this operator has no clause before it")
                        .at(here.0)
                        .label("joins nothing")
                        .help("take it out, or complete the query; to search for the word, quote it"),
                );
            }
            found = found.or(Some(here));
        }
        found
    }

    fn modifier(&mut self) -> Option<Occur> {
        let mut found = None;
        while let Some(token) = self.tokens.peek() {
            let occur = match token.kind {
                TokenKind::Plus => Occur::Must,
                TokenKind::Minus | TokenKind::Not => Occur::MustNot,
                _ => break,
            };
            let span = token.span;
            self.tokens.skip(1);
            if found.is_some() {
                self.faults.report(
                    Diagnostic::error(
                        "lucene::stacked-operators",
                        "a clause takes only one of `+`, `-`, `!` and `NOT`",
                    )
                    .at(span)
                    .label("one too many")
                    .help("keep one of them; to search for the sign, write a backslash before it"),
                );
            }
            found = found.or(Some(occur));
        }
        found
    }

    fn clause(&mut self, around: Around, occur: Occur, may_join: bool) -> Option<Clause> {
        let field = self.field();
        let Some((name, span)) = field else {
            let Found { field, term, boost } = self.term(around, may_join)?;
            return Some(Clause { occur, field, term, boost });
        };
        let inner = match name.as_str() {
            EXISTS => Around::Exists,
            "*" => Around::Everything,
            _ => Around::Field,
        };
        self.value_follows(span);
        let found = if self.at_value() { self.term(inner, false) } else { None };
        let Found { field, term, boost } =
            found.unwrap_or(Found { field: None, term: Spanned::new(Term::Invalid, span), boost: None });
        let field = match term.value {
            // `*:*`
            Term::All => None,
            _ if inner == Around::Exists => field,
            _ => Some(Spanned::new(field_pattern(&name), span)),
        };
        Some(Clause { occur, field, term, boost })
    }

    /// Takes `name:`; the name with its escapes undone, stars among its characters being wildcards.
    fn field(&mut self) -> Option<(String, Span)> {
        let token = self.tokens.peek()?;
        let span = token.span;
        if self.tokens.peek_at(1)?.kind != TokenKind::Colon {
            return None;
        }
        let mut fault = None;
        let name = match &token.kind {
            TokenKind::Word(parts) => {
                if parts.len() > 1 || matches!(parts.as_slice(), [WildcardPart::One]) {
                    fault = Some((
                        "lucene::wildcard-in-field",
                        "a wildcard in a field name is written `\\*`",
                        "write a backslash before the star; `?` is no wildcard in field names",
                    ));
                }
                parts
                    .iter()
                    .map(|part| match part {
                        WildcardPart::Text(text) => text.as_str(),
                        WildcardPart::Any => "*",
                        WildcardPart::One => "?",
                    })
                    .collect()
            }
            TokenKind::Quoted(text) => {
                fault = Some((
                    "lucene::quoted-field",
                    "a field name cannot be quoted",
                    "write it without quotes, with a backslash before special characters and spaces",
                ));
                text.clone()
            }
            _ => return None,
        };
        self.tokens.skip(2);
        if let Some((code, message, help)) = fault {
            self.faults.report(Diagnostic::error(code, message).at(span).label("in a field name").help(help));
        }
        Some((name, span))
    }

    /// Reports what cannot stand after `field:`.
    fn value_follows(&mut self, field: Span) {
        let colon = self.tokens.previous_span();
        let sign = self
            .tokens
            .peek()
            .filter(|token| matches!(token.kind, TokenKind::Plus | TokenKind::Minus))
            .map(|token| token.span);
        if let Some(span) = sign {
            self.tokens.skip(1);
            self.faults.report(
                Diagnostic::error(
                    "lucene::sign-before-value",
                    "a sign cannot stand between the colon and the value",
                )
                .at(span)
                .label("after the colon")
                .help("for a negative number write `\\-`; an operator goes before the field"),
            );
        }
        if !self.at_value() {
            self.faults.report(
                Diagnostic::error("lucene::missing-value", "a value is missing here")
                    .at(field.to(colon))
                    .label("looks for nothing")
                    .help("write a value; `field:*` asks whether the field has any"),
            );
        }
    }

    fn at_value(&self) -> bool {
        self.tokens.peek().is_some_and(|token| {
            matches!(
                token.kind,
                TokenKind::Word(_)
                    | TokenKind::Quoted(_)
                    | TokenKind::Regex(_)
                    | TokenKind::Range(_)
                    | TokenKind::LeftParenthesis
            )
        })
    }

    /// A term and what hangs on it. `None`, with a diagnostic, when there is no term.
    fn term(&mut self, around: Around, may_join: bool) -> Option<Found> {
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

    /// Reports a token that cannot stand where it does, and skips what a stray colon would introduce.
    fn unexpected(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("lucene::unescaped-special", "this cannot stand here unescaped")
                .at(span)
                .label("belongs to nothing")
                .help("write a backslash before it, or quote the whole value"),
        );
        let is_colon = self.source[span.start..span.end] == *":";
        if is_colon
            && self
                .tokens
                .peek()
                .is_some_and(|token| matches!(token.kind, TokenKind::Word(_) | TokenKind::Quoted(_)))
        {
            self.tokens.skip(1);
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

    fn at_end(&self) -> bool {
        self.tokens.peek().is_none_or(|token| token.kind == TokenKind::RightParenthesis)
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

/// Elasticsearch undoes the escapes of a field name first and then takes every star for a wildcard.
fn field_pattern(name: &str) -> FieldPattern {
    FieldPattern { parts: name.split('*').map(str::to_owned).collect() }
}
