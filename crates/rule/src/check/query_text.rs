//! The queries of a rule: parsed, and what is found moved to its place in the rule's file.

use ecs::{DateMath, FieldType};
use query::kql::ast::{Expr, Literal, Pattern, Values};
use query::{Diagnostic, Span, Spanned, eql, kql, lucene};

use super::Check;
use crate::rule_type::{Language, RuleType};
use crate::string_literal::StringLiteral;

impl Check<'_> {
    pub(super) fn queries(&mut self) {
        let rule = self.rule;
        if let Some((text, language)) = rule.rule_type.query() {
            self.query("query", text, language);
        }
        if let RuleType::ThreatMatch(threat_match) = &rule.rule_type {
            self.query("threat_query", &threat_match.threat_query, threat_match.threat_language);
        }
    }

    fn query(&mut self, key: &str, text: &str, language: Language) {
        let mut found = Vec::new();
        match language {
            Language::Kuery => {
                let parsed = kql::parse(text);
                found.extend(parsed.diagnostics);
                self.kql_fields(&parsed.tree, "", &mut found);
            }
            Language::Lucene => {
                let parsed = lucene::parse(text);
                found.extend(parsed.diagnostics);
                self.lucene_fields(&parsed.tree, &mut found);
            }
            // Its fields are looked up when it is made ready to run, which knows the index patterns.
            Language::Eql => found.extend(eql::parse(text).diagnostics),
            Language::Esql => {}
        }
        if found.is_empty() {
            return;
        }
        let place = self.places.value(key);
        // The literal must mean the text that was parsed; where it does not, the whole literal is the place.
        let literal = place.and_then(|span| StringLiteral::read(self.file, span)).filter(|l| l.text == text);
        for mut diagnostic in found {
            diagnostic.span = match (&literal, diagnostic.span) {
                (Some(literal), Some(span)) => Some(literal.in_file(span)),
                _ => place,
            };
            self.note(key, diagnostic);
        }
    }

    /// `path` is put before the fields of nested queries; it ends in a dot or is empty.
    fn kql_fields(&self, expr: &Expr, path: &str, found: &mut Vec<Diagnostic>) {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => {
                parts.iter().for_each(|part| self.kql_fields(part, path, found))
            }
            Expr::Not(part) => self.kql_fields(part, path, found),
            Expr::Is { field, values } => {
                self.kql_field(field, path, found);
                if self.is_date(&field.value, path) {
                    kql_dates(values, found);
                }
            }
            Expr::Range { field, bound, .. } => {
                self.kql_field(field, path, found);
                if self.is_date(&field.value, path) {
                    date(bound, found);
                }
            }
            Expr::Nested { path: inner, query } => {
                if let Some(name) = inner.value.as_literal() {
                    self.kql_fields(query, &format!("{path}{name}."), found);
                }
            }
            Expr::All | Expr::Bare(_) | Expr::Invalid => {}
        }
    }

    fn kql_field(&self, field: &Spanned<Pattern>, path: &str, found: &mut Vec<Diagnostic>) {
        if let Some(name) = field.value.as_literal() {
            self.query_field(&format!("{path}{name}"), field.span, found);
        }
    }

    fn is_date(&self, field: &Pattern, path: &str) -> bool {
        let name = field.as_literal().map(|name| format!("{path}{name}"));
        name.and_then(|name| self.catalog.field_type(&name)) == Some(FieldType::Date)
    }

    fn lucene_fields(&self, query: &lucene::Query, found: &mut Vec<Diagnostic>) {
        for clause in &query.clauses {
            if let Some(field) = &clause.field
                && let [name] = field.value.parts.as_slice()
            {
                self.query_field(name, field.span, found);
            }
            if let lucene::ast::Term::Group(inner) = &clause.term.value {
                self.lucene_fields(inner, found);
            }
        }
    }

    fn query_field(&self, name: &str, span: Span, found: &mut Vec<Diagnostic>) {
        if let Some(diagnostic) = super::unknown_field(name, self.catalog) {
            let label = diagnostic.help.clone().unwrap_or_default();
            found.push(diagnostic.at(span).label(label));
        }
    }
}

fn kql_dates(values: &Values, found: &mut Vec<Diagnostic>) {
    match values {
        Values::One(literal) => date(literal, found),
        Values::And(parts) | Values::Or(parts) => parts.iter().for_each(|part| kql_dates(part, found)),
        Values::Not(part) => kql_dates(part, found),
        Values::Invalid => {}
    }
}

fn date(literal: &Spanned<Literal>, found: &mut Vec<Diagnostic>) {
    let (Literal::Quoted(text) | Literal::Unquoted(text)) = &literal.value else { return };
    if let Err(error) = text.parse::<DateMath>() {
        let diagnostic = Diagnostic::error("rule::bad-date", error.to_string());
        found.push(
            diagnostic.at(literal.span).help("for example `now-6m`, `2024-05-01` or `2024-05-01T12:00:00Z`"),
        );
    }
}
