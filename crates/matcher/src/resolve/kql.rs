//! KQL to predicates.
//!
//! Source: elastic/kibana kbn-es-query/src/kuery/functions/{is,range,nested,exists}.ts.

use query::kql::ast::{Expr, Literal, Pattern, Values};
use query::{Diagnostic, Spanned};

use super::field::Words;
use super::{Resolved, Resolver};
use crate::glob::{Fold, Glob, Piece};
use crate::predicate::Predicate;
use crate::value::ValueTest;

impl Resolver<'_> {
    /// Resolves a KQL tree. Parts that could not be parsed match nothing, and are errors.
    pub fn kql(&mut self, expr: &Expr) -> Resolved {
        let predicate = self.kql_expr(expr);
        self.finish(predicate)
    }

    pub(super) fn kql_expr(&mut self, expr: &Expr) -> Predicate {
        match expr {
            Expr::All => Predicate::Const(true),
            Expr::And(parts) => Predicate::and(parts.iter().map(|p| self.kql_expr(p)).collect::<Vec<_>>()),
            Expr::Or(parts) => Predicate::or(parts.iter().map(|p| self.kql_expr(p)).collect::<Vec<_>>()),
            Expr::Not(part) => Predicate::not(self.kql_expr(part)),
            Expr::Is { field, values } => self.kql_values(field, values),
            Expr::Range { field, op, bound } => {
                let text = literal_text(&bound.value);
                self.kql_fields(field, |resolver, name| resolver.compare(name, *op, &text, Some(bound.span)))
            }
            Expr::Nested { path, query } => self.kql_nested(path, query),
            Expr::Bare(literal) => self.kql_bare(literal),
            Expr::Invalid => self.invalid(),
        }
    }

    fn invalid(&mut self) -> Predicate {
        self.diagnostics
            .push(Diagnostic::error("query::partial", "the query could not be parsed as a whole"));
        Predicate::Const(false)
    }

    /// `field : (a and (b or not c))` is the same as `field:a and (field:b or not field:c)`.
    fn kql_values(&mut self, field: &Spanned<Pattern>, values: &Values) -> Predicate {
        match values {
            Values::One(literal) => self.kql_is(field, literal),
            Values::And(parts) => {
                Predicate::and(parts.iter().map(|p| self.kql_values(field, p)).collect::<Vec<_>>())
            }
            Values::Or(parts) => {
                Predicate::or(parts.iter().map(|p| self.kql_values(field, p)).collect::<Vec<_>>())
            }
            Values::Not(part) => Predicate::not(self.kql_values(field, part)),
            Values::Invalid => self.invalid(),
        }
    }

    fn kql_is(&mut self, field: &Spanned<Pattern>, literal: &Spanned<Literal>) -> Predicate {
        let span = Some(literal.span);
        if field.value.is_any() && self.nested.is_empty() {
            return self.kql_bare(literal);
        }
        self.kql_fields(field, |resolver, name| match &literal.value {
            Literal::Wildcard(pattern) if pattern.is_any() => resolver.exists(name),
            Literal::Wildcard(pattern) => resolver.matches(name, &pieces(pattern), Fold::None, span),
            Literal::Quoted(text) => resolver.equals(name, text, Words::Phrase(0), span),
            other => resolver.equals(name, &literal_text(other), Words::Any, span),
        })
    }

    /// Applies a test to the field, or to each field that a name with wildcards stands for.
    fn kql_fields(
        &mut self,
        field: &Spanned<Pattern>,
        mut test: impl FnMut(&mut Self, &str) -> Predicate,
    ) -> Predicate {
        let inside =
            |name: &str, base: &str| if base.is_empty() { name.to_owned() } else { format!("{base}.{name}") };
        if let Some(name) = field.value.as_literal() {
            let name = inside(name, &self.nested);
            return test(self, &name);
        }
        let mut parts = field.value.parts.clone();
        if let Some(first) = parts.first_mut() {
            *first = inside(first, &self.nested);
        }
        let names = self.expand(&parts);
        if names.is_empty() {
            let warning = Diagnostic::warning("kql::no-such-field", "no known field has a name like this");
            self.diagnostics.push(warning.at(field.span).help("no event passes this comparison"));
        }
        let mut alternatives = Vec::with_capacity(names.len());
        let before = self.diagnostics.len();
        for name in names {
            // A name with wildcards may reach into nested fields without naming their path.
            let path =
                self.catalog.nested_parent(&name).filter(|_| self.nested.is_empty()).map(str::to_owned);
            alternatives.push(match path {
                Some(path) => self.within(&path, |resolver| test(resolver, &name)),
                None => test(self, &name),
            });
        }
        let any = Predicate::or(alternatives);
        self.forgive_misfits(before, &any);
        any
    }

    /// Resolves what must hold within one element of a nested field.
    pub(super) fn within(&mut self, path: &str, resolve: impl FnOnce(&mut Self) -> Predicate) -> Predicate {
        let outer = std::mem::replace(&mut self.nested, path.to_owned());
        let inner = resolve(self);
        self.nested = outer;
        match inner {
            Predicate::Const(false) => inner,
            inner => Predicate::Nested { path: self.intern(path), inner: Box::new(inner) },
        }
    }

    fn kql_nested(&mut self, path: &Spanned<Pattern>, query: &Expr) -> Predicate {
        let Some(name) = path.value.as_literal() else {
            let error =
                Diagnostic::error("kql::nested-wildcard", "the path of a nested query takes no wildcards");
            self.diagnostics.push(error.at(path.span));
            return Predicate::Const(false);
        };
        let name = if self.nested.is_empty() { name.to_owned() } else { format!("{}.{name}", self.nested) };
        match self.catalog.field_type(&name) {
            // An unknown field may well be nested where it comes from; one with known fields below it is an object.
            Some(ecs::FieldType::Nested) => self.within(&name, |resolver| resolver.kql_expr(query)),
            None if !self.is_known_object(&name) => self.within(&name, |resolver| resolver.kql_expr(query)),
            _ => {
                let warning = Diagnostic::warning("kql::not-nested", format!("`{name}` is no nested field"));
                self.diagnostics.push(warning.at(path.span).help("no event passes this condition"));
                Predicate::Const(false)
            }
        }
    }

    fn is_known_object(&self, name: &str) -> bool {
        self.catalog.names().any(|known| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    fn kql_bare(&mut self, literal: &Spanned<Literal>) -> Predicate {
        match &literal.value {
            Literal::Wildcard(pattern) if pattern.is_any() => Predicate::Const(true),
            Literal::Wildcard(pattern) => {
                let glob = |fold| Glob::new(pieces(pattern), fold);
                self.anywhere_text(ValueTest::Glob(glob(Fold::None)), ValueTest::TokenGlob(glob(Fold::Lower)))
            }
            Literal::Quoted(text) => self.anywhere(text, Words::Phrase(0)),
            other => self.anywhere(&literal_text(other), Words::Any),
        }
    }
}

fn pieces(pattern: &Pattern) -> Vec<Piece> {
    let mut out = Vec::with_capacity(pattern.parts.len() * 2);
    for (i, part) in pattern.parts.iter().enumerate() {
        if i > 0 {
            out.push(Piece::Any);
        }
        out.push(Piece::Text(part.clone()));
    }
    out
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Quoted(text) | Literal::Unquoted(text) => text.clone(),
        Literal::Wildcard(pattern) => pattern.parts.join("*"),
        Literal::Bool(true) => "true".to_owned(),
        Literal::Bool(false) => "false".to_owned(),
        Literal::Null => "null".to_owned(),
    }
}
