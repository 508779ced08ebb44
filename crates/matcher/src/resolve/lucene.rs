//! Lucene query strings to predicates.
//!
//! Source: Elasticsearch docs, "Query string query".

use query::lucene::ast::{Bound, Clause, FieldPattern, Occur, Query, Term, WildcardPart};
use query::{Diagnostic, Span};

use super::field::{Words, usual_edits};
use super::{Resolved, Resolver};
use crate::glob::{Fold, Glob, Piece};
use crate::lucene_regex;
use crate::predicate::Predicate;
use crate::value::ValueTest;

/// Which fields a clause is about.
#[derive(Debug, Clone)]
enum Fields {
    /// Those that a query without a field name looks in: all.
    Default,
    /// One or more, any of which will do.
    Named(Vec<String>),
}

impl Resolver<'_> {
    /// Resolves a Lucene tree. Parts that could not be parsed match nothing, and are errors.
    pub fn lucene(&mut self, query: &Query) -> Resolved {
        let predicate = self.lucene_top(query, &[]);
        self.finish(predicate)
    }

    /// A whole query; terms without a field look in `default_fields`, in every field when there are none.
    pub(super) fn lucene_top(&mut self, query: &Query, default_fields: &[String]) -> Predicate {
        if query.clauses.is_empty() {
            return Predicate::Const(true);
        }
        let fields = match default_fields {
            [] => Fields::Default,
            names => Fields::Named(names.to_vec()),
        };
        self.lucene_query(query, &fields)
    }

    fn lucene_query(&mut self, query: &Query, fields: &Fields) -> Predicate {
        let (mut must, mut should) = (Vec::new(), Vec::new());
        let mut wanted = false;
        for clause in &query.clauses {
            let predicate = self.lucene_clause(clause, fields);
            match clause.occur {
                Occur::Must => {
                    wanted = true;
                    must.push(predicate);
                }
                Occur::MustNot => must.push(Predicate::not(predicate)),
                Occur::Should => should.push(predicate),
            }
        }
        match (query.clauses.is_empty(), should.is_empty(), wanted) {
            (true, ..) => Predicate::Const(false),
            // Without a clause that must match, one of those that may has to; with one, they only rank.
            (_, false, false) => {
                must.push(Predicate::or(should));
                Predicate::and(must)
            }
            _ => Predicate::and(must),
        }
    }

    fn lucene_clause(&mut self, clause: &Clause, around: &Fields) -> Predicate {
        let span = clause.term.span;
        let fields = match &clause.field {
            None => around.clone(),
            Some(field) => self.lucene_fields(&field.value, field.span),
        };
        if let Term::Group(query) = &clause.term.value {
            return self.lucene_query(query, &fields);
        }
        match fields {
            Fields::Default => self.lucene_anywhere(&clause.term.value, span),
            Fields::Named(names) => {
                let before = self.diagnostics.len();
                let alternatives: Vec<Predicate> =
                    names.iter().map(|name| self.lucene_term(name, &clause.term.value, span)).collect();
                let any = Predicate::or(alternatives);
                self.forgive_misfits(before, &any);
                any
            }
        }
    }

    fn lucene_fields(&mut self, field: &FieldPattern, span: Span) -> Fields {
        match field.parts.as_slice() {
            [name] => Fields::Named(vec![name.clone()]),
            parts if parts.iter().all(String::is_empty) => Fields::Default,
            parts => {
                let names = self.expand(parts);
                if names.is_empty() {
                    let warning =
                        Diagnostic::warning("lucene::no-such-field", "no known field has a name like this");
                    self.diagnostics.push(warning.at(span).help("no event passes this clause"));
                }
                Fields::Named(names)
            }
        }
    }

    fn lucene_term(&mut self, name: &str, term: &Term, span: Span) -> Predicate {
        let at = Some(span);
        match term {
            Term::Word(text) => self.equals(name, text, Words::Any, at),
            Term::Phrase { text, slop } => self.equals(name, text, Words::Phrase(*slop), at),
            Term::Wildcard(parts) => {
                let pieces = pieces(parts);
                match pieces.as_slice() {
                    [Piece::Any] => self.exists(name),
                    _ => self.matches(name, &pieces, Fold::None, at),
                }
            }
            Term::Fuzzy { text, edits } => self.near(name, text, *edits),
            Term::Regex(pattern) => self.matches_regex(name, pattern, false, at),
            Term::Range { lower, upper } => {
                self.range(name, lower.as_ref().map(end), upper.as_ref().map(end), at)
            }
            Term::Exists => self.exists(name),
            Term::All => Predicate::Const(true),
            Term::Group(query) => self.lucene_query(query, &Fields::Named(vec![name.to_owned()])),
            Term::Invalid => self.lucene_invalid(span),
        }
    }

    fn lucene_anywhere(&mut self, term: &Term, span: Span) -> Predicate {
        match term {
            Term::Word(text) => self.anywhere(text, Words::Any),
            Term::Phrase { text, slop } => self.anywhere(text, Words::Phrase(*slop)),
            Term::Wildcard(parts) => {
                let glob = |fold| Glob::new(pieces(parts), fold);
                self.anywhere_text(ValueTest::Glob(glob(Fold::None)), ValueTest::TokenGlob(glob(Fold::Lower)))
            }
            Term::Fuzzy { text, edits } => {
                let edits = edits.unwrap_or_else(|| usual_edits(text));
                let test = |text: &str, analysed| ValueTest::Fuzzy { text: text.into(), edits, analysed };
                self.anywhere_text(test(text, false), test(&text.to_lowercase(), true))
            }
            Term::Regex(pattern) => match lucene_regex::compile(pattern, false) {
                Ok(regex) => {
                    let test = |analysed| ValueTest::Regex {
                        regex: regex.clone(),
                        source: pattern.as_str().into(),
                        analysed,
                    };
                    self.anywhere_text(test(false), test(true))
                }
                Err(error) => {
                    self.diagnostics.push(Diagnostic::error("query::regex", error.to_string()).at(span));
                    Predicate::Const(false)
                }
            },
            Term::Range { lower, upper } => {
                let exact = self.dynamic_range(lower.as_ref().map(end), upper.as_ref().map(end));
                self.anywhere_text(exact, ValueTest::Never)
            }
            Term::Exists | Term::All => Predicate::Const(true),
            Term::Group(query) => self.lucene_query(query, &Fields::Default),
            Term::Invalid => self.lucene_invalid(span),
        }
    }

    fn lucene_invalid(&mut self, span: Span) -> Predicate {
        let error = Diagnostic::error("query::partial", "the query could not be parsed as a whole");
        self.diagnostics.push(error.at(span));
        Predicate::Const(false)
    }
}

fn end(bound: &Bound) -> (&str, bool) {
    (&bound.text, bound.inclusive)
}

fn pieces(parts: &[WildcardPart]) -> Vec<Piece> {
    let piece = |part: &WildcardPart| match part {
        WildcardPart::Text(text) => Piece::Text(text.clone()),
        WildcardPart::Any => Piece::Any,
        WildcardPart::One => Piece::One,
    };
    // Neighbouring pieces are joined, so that `**` is seen as `*`.
    Glob::new(parts.iter().map(piece), Fold::None).pieces().to_vec()
}
