//! Expressions: names to columns, operators and calls to what computes them.

use datafusion::logical_expr::{Expr as PlanExpr, Operator, binary_expr};
use query::esql::ast::Expr;
use query::{Diagnostic, Span, Spanned};

use super::{Lowering, Refused};
use crate::function::{self, Call};
use crate::operand::Operand;
use crate::scope::Scope;
use crate::source::{Fields, METADATA};
use crate::{DataType, aggregate};

impl Lowering<'_> {
    /// Checks an expression over the columns of a scope.
    pub(crate) fn expression(&mut self, expr: &Spanned<Expr>, scope: &Scope) -> Result<Operand, Refused> {
        let span = expr.span;
        match &expr.value {
            Expr::And(parts) => self.logic(Operator::And, parts, scope, span),
            Expr::Or(parts) => self.logic(Operator::Or, parts, scope, span),
            Expr::Not(part) => {
                let part = self.expression(part, scope)?;
                let part = self.condition(part)?;
                Ok(Operand::single(PlanExpr::Not(Box::new(part.expr)), DataType::Boolean, span))
            }
            Expr::Compare { op, left, right } => {
                let left = self.expression(left, scope);
                let right = self.expression(right, scope);
                self.compare(*op, left?, right?, span)
            }
            Expr::Like { op, value, patterns, negated } => {
                let value = self.expression(value, scope)?;
                self.like(*op, value, patterns, *negated, span)
            }
            Expr::In { value, list, negated } => {
                let value = self.expression(value, scope);
                let list: Vec<_> = list.iter().map(|item| self.expression(item, scope)).collect();
                let list = list.into_iter().collect::<Result<Vec<_>, _>>();
                self.is_in(value?, list?, *negated, span)
            }
            Expr::IsNull { value, negated } => {
                let value = self.expression(value, scope)?;
                let expr = if *negated { value.expr.is_not_null() } else { value.expr.is_null() };
                Ok(Operand::single(expr, DataType::Boolean, span))
            }
            Expr::Arithmetic { op, left, right } => {
                let left = self.expression(left, scope);
                let right = self.expression(right, scope);
                self.arithmetic(*op, left?, right?, span)
            }
            Expr::Negate(value) => {
                let value = self.expression(value, scope)?;
                self.negate(value, span)
            }
            Expr::Cast { value, to } => {
                let value = self.expression(value, scope)?;
                let Some(data_type) = DataType::parse(&to.value) else {
                    let message = format!("there is no type {}", to.value);
                    return self.refuse(Diagnostic::error("esql::unknown-type", message).at(to.span));
                };
                self.convert(value, data_type, span)
            }
            Expr::Match { .. } => self.search(expr, scope),
            Expr::Call { function, args, options } => {
                let name = function.value.to_ascii_lowercase();
                if super::is_search(&name) {
                    return self.search(expr, scope);
                }
                if let Some(found) = aggregate::find(&name) {
                    return self.aggregate_call(found, args, span);
                }
                let Some(found) = function::find(&name) else {
                    return self.unknown_function(&function.value, function.span);
                };
                let args: Vec<_> = args.iter().map(|arg| self.expression(arg, scope)).collect();
                let args = args.into_iter().collect::<Result<Vec<_>, _>>()?;
                let mut call =
                    Call { lowering: self, name: found.names[0], args, options: options.as_deref(), span };
                (found.check)(&mut call)
            }
            Expr::Column(name) => self.column(name, scope, span),
            Expr::Literal(literal) => self.literal(literal, span),
            Expr::Parameter(name) => {
                let message = format!("no value is given for the parameter ?{name}");
                self.refuse(Diagnostic::error("esql::parameter", message).at(span))
            }
            Expr::Star => self.refuse(Diagnostic::error("esql::star", "* stands for no value here").at(span)),
            Expr::Invalid => Err(Refused),
        }
    }

    /// Reads a column.
    pub(crate) fn column(&mut self, name: &str, scope: &Scope, span: Span) -> Result<Operand, Refused> {
        let Some(column) = scope.get(name) else { return self.unknown_column(name, scope, span) };
        let mut operand = Operand::new(column.expr(), column.data_type, column.many, span);
        operand.is_untyped = column.is_untyped;
        if column.is_source {
            self.doubt_unknown_field(name, span);
        }
        Ok(operand)
    }

    /// A field that the catalogue does not know is one that events may bring along; it may also be misspelt.
    fn doubt_unknown_field(&mut self, name: &str, span: Span) {
        let Fields::Catalog { catalog, .. } = self.fields else { return };
        if catalog.field_type(name).is_some() || METADATA.iter().any(|(known, _)| *known == name) {
            return;
        }
        if let Some(near) = catalog.nearest(name) {
            let message = format!("no known field is called {name}: it is null where events do not have it");
            let diagnostic = Diagnostic::warning("esql::unknown-field", message).at(span);
            self.diagnostics.push(diagnostic.help(format!("did you mean {near}?")));
        }
    }

    /// Says that there is no such column here.
    pub(crate) fn unknown_column<T>(&mut self, name: &str, scope: &Scope, span: Span) -> Result<T, Refused> {
        let mut diagnostic =
            Diagnostic::error("esql::unknown-column", format!("there is no column {name} here")).at(span);
        if let Some(near) = query::nearest(name, &scope.names().collect::<Vec<_>>()) {
            diagnostic = diagnostic.help(format!("did you mean {near}?"));
        }
        self.refuse(diagnostic)
    }

    fn unknown_function<T>(&mut self, name: &str, span: Span) -> Result<T, Refused> {
        let mut diagnostic =
            Diagnostic::error("esql::unknown-function", format!("there is no function {name}")).at(span);
        let known: Vec<&str> = function::names().chain(aggregate::names()).collect();
        if let Some(near) = query::nearest(&name.to_ascii_lowercase(), &known) {
            diagnostic = diagnostic.help(format!("did you mean {}?", near.to_ascii_uppercase()));
        }
        self.refuse(diagnostic)
    }

    fn logic(
        &mut self,
        operator: Operator,
        parts: &[Spanned<Expr>],
        scope: &Scope,
        span: Span,
    ) -> Result<Operand, Refused> {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                let part = self.expression(part, scope)?;
                self.condition(part)
            })
            .collect();
        let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
        let exprs: Vec<PlanExpr> = parts.into_iter().map(|part| part.expr).collect();
        Ok(Operand::single(balanced(operator, exprs), DataType::Boolean, span))
    }
}

/// The parts joined by an operator, as a tree of little depth: a chain of thousands would be as deep as it is long.
pub(crate) fn balanced(operator: Operator, mut parts: Vec<PlanExpr>) -> PlanExpr {
    while parts.len() > 1 {
        let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            joined.push(match rest.next() {
                Some(right) => binary_expr(left, operator, right),
                None => left,
            });
        }
        parts = joined;
    }
    parts.pop().unwrap_or_else(|| datafusion::logical_expr::lit(operator == Operator::And))
}
