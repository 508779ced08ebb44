//! Searches: `KQL("…")`, `QSTR("…")`, `MATCH(field, …)`, `MATCH_PHRASE(field, …)` and `field : "…"`.
//!
//! They are asked of the event and not of columns: any value of a field will do, and they are true or false, never
//! null. Source: Elasticsearch docs, "ES|QL search functions", "Match query" and "Query string query".

use query::esql::ast::{Expr, Literal, OptionEntry, OptionValue};
use query::{Diagnostic, Span, Spanned};

use super::embedded::Embedded;
use crate::analysis;
use crate::predicate::Predicate;
use crate::resolve::field::{Words, usual_edits};
use crate::resolve::filter::require_all;
use crate::resolve::{Resolved, Resolver};

/// The code of an argument that cannot be searched with.
const ARGUMENT: &str = "esql::search-argument";

/// The code of an option that cannot be applied.
const OPTION: &str = "esql::search-option";

/// Options that change how a search is carried out or ranked, not what it finds.
const WITHOUT_EFFECT: [&str; 11] = [
    "allow_leading_wildcard",
    "allow_wildcard",
    "analyze_wildcard",
    "auto_generate_synonyms_phrase_query",
    "boost",
    "fuzzy_max_expansions",
    "fuzzy_rewrite",
    "lenient",
    "max_determinized_states",
    "max_expansions",
    "rewrite",
];

/// Options of a search on a field.
#[derive(Debug, Default)]
struct FieldOptions {
    all_words: bool,
    fuzziness: Option<Fuzziness>,
    slop: u32,
    /// A text without words finds everything.
    zero_words_find_all: bool,
}

#[derive(Debug, Clone, Copy)]
enum Fuzziness {
    /// As many edits as are usual for the length of a word.
    Usual,
    Edits(u8),
}

impl Resolver<'_> {
    /// Resolves a search; `None` when the expression is none. `source` is the text that was parsed.
    ///
    /// `field_of` tells which field of the events a column is, and `None` for one that the query made: searches look
    /// into events alone. The predicate decides the search exactly. Findings have their places in `source`, also those
    /// about the text of `KQL("…")` and `QSTR("…")`.
    pub fn esql_search(
        &mut self,
        expr: &Spanned<Expr>,
        source: &str,
        field_of: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Resolved> {
        let predicate = self.esql_search_predicate(expr, source, field_of)?;
        Some(self.finish(predicate))
    }

    pub(super) fn esql_search_predicate(
        &mut self,
        expr: &Spanned<Expr>,
        source: &str,
        field_of: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Predicate> {
        match &expr.value {
            Expr::Match { field, query, .. } => {
                let found = self.esql_search_field(&field.value, field.span, field_of).and_then(|name| {
                    let text = self.esql_search_text(&query.value, query.span)?;
                    Some(self.esql_match(&name, &text, &FieldOptions::default(), query.span))
                });
                Some(found.unwrap_or(Predicate::Const(false)))
            }
            Expr::Call { function, args, options } => {
                let options = options.as_deref().unwrap_or_default();
                let name = function.value.to_ascii_lowercase();
                let found = match name.as_str() {
                    "kql" => self.esql_kql(args, options, expr.span, source),
                    "qstr" => self.esql_query_string(args, options, expr.span, source),
                    "match" => self.esql_match_call(args, options, expr.span, field_of, false),
                    "match_phrase" => self.esql_match_call(args, options, expr.span, field_of, true),
                    _ => return None,
                };
                Some(found.unwrap_or(Predicate::Const(false)))
            }
            _ => None,
        }
    }

    fn esql_kql(
        &mut self,
        args: &[Spanned<Expr>],
        options: &[OptionEntry],
        span: Span,
        source: &str,
    ) -> Option<Predicate> {
        let (text, span) = self.esql_only_text(args, span)?;
        for option in options {
            let value = option_text(option);
            let is_fine = match option.key.value.as_str() {
                "case_insensitive" => value == "false",
                "time_zone" => is_utc(&value),
                name => WITHOUT_EFFECT.contains(&name),
            };
            if !is_fine {
                self.esql_option(option);
            }
        }
        let parsed = query::kql::parse(text);
        self.esql_embedded(text, span, source, parsed.diagnostics, |resolver| resolver.kql_expr(&parsed.tree))
    }

    fn esql_query_string(
        &mut self,
        args: &[Spanned<Expr>],
        options: &[OptionEntry],
        span: Span,
        source: &str,
    ) -> Option<Predicate> {
        let (text, span) = self.esql_only_text(args, span)?;
        let mut parsed = query::lucene::parse(text);
        let mut fields = Vec::new();
        for option in options {
            let value = option_text(option);
            match option.key.value.as_str() {
                "default_operator" if value.eq_ignore_ascii_case("and") => require_all(&mut parsed.tree),
                "default_operator" if value.eq_ignore_ascii_case("or") => {}
                "default_field" if value == "*" => {}
                "default_field" if !value.contains('*') => fields = vec![value],
                "time_zone" if is_utc(&value) => {}
                name if WITHOUT_EFFECT.contains(&name) => {}
                _ => self.esql_option(option),
            }
        }
        self.esql_embedded(text, span, source, parsed.diagnostics, |resolver| {
            resolver.lucene_top(&parsed.tree, &fields)
        })
    }

    /// Resolves the text of a literal, and places what is found wrong with it in the query.
    fn esql_embedded(
        &mut self,
        text: &str,
        span: Span,
        source: &str,
        parsing: Vec<Diagnostic>,
        resolve: impl FnOnce(&mut Self) -> Predicate,
    ) -> Option<Predicate> {
        let embedded = Embedded::new(source, span, text);
        let before = self.diagnostics.len();
        self.diagnostics.extend(parsing);
        let predicate = resolve(self);
        for diagnostic in &mut self.diagnostics[before..] {
            diagnostic.span = Some(embedded.place(diagnostic.span));
        }
        Some(predicate)
    }

    fn esql_match_call(
        &mut self,
        args: &[Spanned<Expr>],
        options: &[OptionEntry],
        span: Span,
        field_of: &dyn Fn(&str) -> Option<String>,
        is_phrase: bool,
    ) -> Option<Predicate> {
        let [field, query] = args else {
            let error = Diagnostic::error(ARGUMENT, "this search takes a field and what to look for");
            self.diagnostics.push(error.at(span).help("write `MATCH(field, \"text\")`"));
            return None;
        };
        let column = match &field.value {
            Expr::Cast { value, .. } => &value.value,
            other => other,
        };
        let Expr::Column(name) = column else {
            let error = Diagnostic::error(ARGUMENT, "a search looks into a field");
            self.diagnostics.push(error.at(field.span).label("not the name of a field"));
            return None;
        };
        let name = self.esql_search_field(name, field.span, field_of)?;
        let Expr::Literal(literal) = &query.value else {
            self.esql_not_constant(query.span);
            return None;
        };
        let text = self.esql_search_text(literal, query.span)?;
        let options = self.esql_field_options(options, is_phrase);
        Some(match is_phrase {
            true if self.esql_finds_all(&name, &text, &options) => Predicate::Const(true),
            true => self.equals(&name, &text, Words::Phrase(options.slop), Some(query.span)),
            false => self.esql_match(&name, &text, &options, query.span),
        })
    }

    fn esql_match(&mut self, name: &str, text: &str, options: &FieldOptions, span: Span) -> Predicate {
        if self.esql_finds_all(name, text, options) {
            return Predicate::Const(true);
        }
        let words = if options.all_words { Words::All } else { Words::Any };
        let field_type = self.type_of(name).0;
        let is_text = field_type.is_none_or(|field_type| {
            use ecs::FieldType::{Flattened, Keyword, MatchOnlyText, Text, Wildcard};
            matches!(field_type, Flattened | Keyword | MatchOnlyText | Text | Wildcard)
        });
        let Some(fuzziness) = options.fuzziness.filter(|_| is_text) else {
            return self.equals(name, text, words, Some(span));
        };
        let edits = |word: &str| match fuzziness {
            Fuzziness::Usual => usual_edits(word),
            Fuzziness::Edits(edits) => edits,
        };
        if !field_type.is_some_and(ecs::FieldType::is_analysed) {
            return self.near(name, text, Some(edits(text)));
        }
        let near: Vec<Predicate> =
            analysis::tokens(text).iter().map(|word| self.near(name, word, Some(edits(word)))).collect();
        if options.all_words && !near.is_empty() { Predicate::and(near) } else { Predicate::or(near) }
    }

    fn esql_finds_all(&mut self, name: &str, text: &str, options: &FieldOptions) -> bool {
        options.zero_words_find_all
            && self.type_of(name).0.is_some_and(ecs::FieldType::is_analysed)
            && analysis::tokens(text).is_empty()
    }

    fn esql_field_options(&mut self, options: &[OptionEntry], is_phrase: bool) -> FieldOptions {
        let mut read = FieldOptions::default();
        for option in options {
            let value = option_text(option);
            match option.key.value.as_str() {
                "operator" if !is_phrase && value.eq_ignore_ascii_case("and") => read.all_words = true,
                "operator" if !is_phrase && value.eq_ignore_ascii_case("or") => read.all_words = false,
                "fuzziness" if !is_phrase => match value.as_str() {
                    _ if value.eq_ignore_ascii_case("auto") => read.fuzziness = Some(Fuzziness::Usual),
                    "0" => read.fuzziness = None,
                    "1" => read.fuzziness = Some(Fuzziness::Edits(1)),
                    "2" => read.fuzziness = Some(Fuzziness::Edits(2)),
                    _ => self.esql_option(option),
                },
                "slop" if is_phrase => match value.parse() {
                    Ok(slop) => read.slop = slop,
                    Err(_) => self.esql_option(option),
                },
                "zero_terms_query" if value.eq_ignore_ascii_case("none") => {}
                "zero_terms_query" if value.eq_ignore_ascii_case("all") => read.zero_words_find_all = true,
                "prefix_length" if value == "0" => {}
                "fuzzy_transpositions" if value == "true" => {}
                "analyzer" if value == "standard" => {}
                name if WITHOUT_EFFECT.contains(&name) => {}
                _ => self.esql_option(option),
            }
        }
        read
    }

    fn esql_search_field(
        &mut self,
        name: &str,
        span: Span,
        field_of: &dyn Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let field = field_of(name);
        if field.is_none() {
            let message = format!("`{name}` is no field of the events, and searches look into events alone");
            self.diagnostics.push(
                Diagnostic::error("esql::search-column", message)
                    .at(span)
                    .label("made by the query")
                    .help("compare it with `==`, `LIKE` or `RLIKE`"),
            );
        }
        field
    }

    /// The one text that is the argument, and its place.
    fn esql_only_text<'e>(&mut self, args: &'e [Spanned<Expr>], span: Span) -> Option<(&'e str, Span)> {
        match args {
            [Spanned { value: Expr::Literal(Literal::Text(text)), span }] => Some((text, *span)),
            [other] => {
                self.esql_not_constant(other.span);
                None
            }
            _ => {
                self.esql_not_constant(span);
                None
            }
        }
    }

    fn esql_search_text(&mut self, literal: &Literal, span: Span) -> Option<String> {
        let text = match literal {
            Literal::Text(text) => text.clone(),
            Literal::Bool(b) => b.to_string(),
            Literal::Integer(i) => i.to_string(),
            Literal::UnsignedLong(u) => u.to_string(),
            Literal::Double(f) => f.to_string(),
            Literal::Null | Literal::TimeSpan(_) | Literal::List(_) => {
                self.esql_not_constant(span);
                return None;
            }
        };
        Some(text)
    }

    fn esql_not_constant(&mut self, span: Span) {
        let error = Diagnostic::error(ARGUMENT, "what a search looks for is one constant");
        self.diagnostics.push(error.at(span).help("write a text in double quotes"));
    }

    fn esql_option(&mut self, option: &OptionEntry) {
        let message = format!("the option `{}` is not supported with this value", option.key.value);
        let error = Diagnostic::error(OPTION, message).at(option.key.span.to(option.value.span));
        self.diagnostics
            .push(error.help("without it the search would find something else, so it is not run"));
    }
}

/// The value of an option as text; empty for what has none.
fn option_text(option: &OptionEntry) -> String {
    match &option.value.value {
        OptionValue::Literal(Literal::Text(text)) => text.clone(),
        OptionValue::Literal(Literal::Bool(b)) => b.to_string(),
        OptionValue::Literal(Literal::Integer(i)) => i.to_string(),
        OptionValue::Literal(Literal::Double(f)) => f.to_string(),
        OptionValue::Literal(_) | OptionValue::Map(_) => String::new(),
    }
}

fn is_utc(time_zone: &str) -> bool {
    ["UTC", "Z", "+00:00", "GMT"].contains(&time_zone)
}
