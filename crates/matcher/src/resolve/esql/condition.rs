//! Conditions to predicates that are true of every event for which the condition is true, or for which it is false.
//!
//! Logic is three-valued, and what is null is neither: `NOT f == "x"` is true only where `f` has a value. A part that
//! cannot be told is true of every event, on either side of a `NOT`.

use query::Spanned;
use query::esql::ast::{CompareOp, Expr, LikeOp, Literal};

use super::columns::Column;
use super::placed::Placed;
use crate::glob::{Fold, Glob, Piece};
use crate::predicate::Predicate;
use crate::resolve::Resolver;

/// Functions that are null where their first argument is.
const NULL_FOR_NULL: [&str; 69] = [
    "abs",
    "acos",
    "asin",
    "atan",
    "bit_length",
    "byte_length",
    "cbrt",
    "ceil",
    "cidr_match",
    "contains",
    "cos",
    "ends_with",
    "exp",
    "floor",
    "from_base64",
    "ip_prefix",
    "json_extract",
    "left",
    "length",
    "ltrim",
    "log10",
    "md5",
    "mv_avg",
    "mv_concat",
    "mv_count",
    "mv_dedupe",
    "mv_first",
    "mv_last",
    "mv_max",
    "mv_median",
    "mv_min",
    "mv_slice",
    "mv_sort",
    "mv_sum",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sha1",
    "sha256",
    "signum",
    "sin",
    "split",
    "sqrt",
    "starts_with",
    "substring",
    "tan",
    "to_base64",
    "to_boolean",
    "to_date_nanos",
    "to_datetime",
    "to_double",
    "to_integer",
    "to_ip",
    "to_long",
    "to_lower",
    "to_string",
    "to_unsigned_long",
    "to_upper",
    "to_version",
    "trim",
    "url_decode",
    "url_encode",
    "url_encode_component",
    "to_str",
    "to_int",
    "to_dt",
    "to_dbl",
];

/// Functions that are null where any of their arguments is.
const NULL_FOR_ANY_NULL: [&str; 6] = ["concat", "date_diff", "date_trunc", "hash", "locate", "pow"];

impl Resolver<'_> {
    /// True of every event for which the condition is `wanted`.
    pub(super) fn esql_may_be(&mut self, condition: Placed<'_>, wanted: bool) -> Predicate {
        let condition = condition.defined();
        match &condition.node.value {
            Expr::And(parts) | Expr::Or(parts) => {
                let all = parts.iter().map(|part| self.esql_may_be(condition.part(part), wanted));
                let all: Vec<Predicate> = all.collect();
                match matches!(condition.node.value, Expr::And(_)) == wanted {
                    true => Predicate::and(all),
                    false => Predicate::or(all),
                }
            }
            Expr::Not(part) => self.esql_may_be(condition.part(part), !wanted),
            Expr::Literal(Literal::Bool(b)) => Predicate::Const(*b == wanted),
            Expr::Literal(Literal::Null) => Predicate::Const(false),
            Expr::Compare { op, left, right } => {
                let op = if wanted { *op } else { opposite(*op) };
                self.esql_compared(op, condition.part(left), condition.part(right))
            }
            Expr::Like { op, value, patterns, negated } => {
                self.esql_like(*op, condition.part(value), patterns, wanted != *negated)
            }
            Expr::In { value, list, negated } => self.esql_in(condition, value, list, wanted != *negated),
            Expr::IsNull { value, negated } if *negated == wanted => {
                self.esql_not_null(condition.part(value))
            }
            Expr::IsNull { value, .. } => self.esql_null(condition.part(value)),
            Expr::Column(_) | Expr::Cast { .. } => match self.esql_operand(condition) {
                Some(operand) => self.esql_is_truth(&operand, wanted),
                None => self.esql_not_null(condition),
            },
            Expr::Match { .. } | Expr::Call { .. } => {
                if let Some(found) = self.esql_searched(condition, wanted) {
                    return found;
                }
                if let Some(found) = self.esql_any_value(condition, |r, value| r.esql_may_be(value, wanted)) {
                    return found;
                }
                let found = self.esql_called(condition, wanted);
                found.unwrap_or_else(|| self.esql_not_null(condition))
            }
            _ => Predicate::Const(true),
        }
    }

    /// What is true of one of the values that an expression may have; `None` where these are not known.
    fn esql_any_value(
        &mut self,
        expr: Placed<'_>,
        mut test: impl FnMut(&mut Self, Placed<'_>) -> Predicate,
    ) -> Option<Predicate> {
        let mut any = Vec::new();
        for alternative in expr.alternatives()? {
            let chosen = match alternative.condition {
                Some(condition) => self.esql_may_be(condition, true),
                None => Predicate::Const(true),
            };
            any.push(Predicate::and([chosen, test(self, alternative.value())]));
        }
        Some(Predicate::or(any))
    }

    fn esql_searched(&mut self, condition: Placed<'_>, wanted: bool) -> Option<Predicate> {
        let field_of = |name: &str| match condition.columns.get(name) {
            Some(Column::Field(name)) => Some(name),
            _ => None,
        };
        let reported = self.diagnostics.len();
        let reads_nested = std::mem::replace(&mut self.reads_nested, false);
        let found = self.esql_search_predicate(condition.node, condition.source, &field_of);
        self.reads_nested = reads_nested;
        let failed = self.diagnostics.drain(reported..).any(|diagnostic| diagnostic.is_error());
        Some(match found? {
            _ if failed => Predicate::Const(true),
            predicate if wanted => predicate,
            predicate => Predicate::not(predicate),
        })
    }

    fn esql_compared(&mut self, op: CompareOp, left: Placed<'_>, right: Placed<'_>) -> Predicate {
        let (left, right) = (left.defined(), right.defined());
        let (left_literal, right_literal) = (literal(left), literal(right));
        match (left_literal, right_literal) {
            (Some(Literal::Null), _) | (_, Some(Literal::Null)) => return Predicate::Const(false),
            (Some(left), Some(right)) => return Predicate::Const(may_compare(op, left, right)),
            (Some(_), None) => return self.esql_compared(turned(op), right, left),
            (None, _) => {}
        }
        let Some(constant) = right_literal else {
            let both = [self.esql_not_null(left), self.esql_not_null(right)];
            return Predicate::and(both);
        };
        let is_equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
        if let Some(operand) = self.esql_operand(left) {
            return match is_equality {
                true => self.esql_is_any_of(&operand, &[constant], op == CompareOp::Eq),
                false => self.esql_in_order(&operand, op, constant),
            };
        }
        match constant {
            // A condition compared with true or false is itself, or its negation.
            Literal::Bool(b) if is_equality => self.esql_may_be(left, *b == (op == CompareOp::Eq)),
            _ => {
                let any = self.esql_any_value(left, |r, value| r.esql_compared(op, value, right));
                any.unwrap_or_else(|| self.esql_not_null(left))
            }
        }
    }

    fn esql_like(
        &mut self,
        op: LikeOp,
        value: Placed<'_>,
        patterns: &[Spanned<String>],
        wanted: bool,
    ) -> Predicate {
        match (self.esql_operand(value), op) {
            (Some(operand), LikeOp::Like) => {
                let patterns = patterns.iter().map(|pattern| pieces(&pattern.value)).collect();
                self.esql_is_like(&operand, patterns, wanted)
            }
            (Some(operand), LikeOp::Rlike) => self.esql_fits_regex(&operand, patterns, wanted),
            // The opposite of a pattern that everything fits is `IS NULL`.
            (None, _) if !wanted => Predicate::Const(true),
            (None, _) => {
                let any = self.esql_any_value(value, |r, value| match literal(value) {
                    Some(literal) => Predicate::Const(*literal != Literal::Null),
                    None => r.esql_like(op, value, patterns, true),
                });
                any.unwrap_or_else(|| self.esql_not_null(value))
            }
        }
    }

    fn esql_in(
        &mut self,
        condition: Placed<'_>,
        value: &Spanned<Expr>,
        list: &[Spanned<Expr>],
        wanted: bool,
    ) -> Predicate {
        let value = condition.part(value);
        let literals: Option<Vec<&Literal>> =
            list.iter().map(|one| literal(condition.part(one).defined())).collect();
        if let Some((operand, literals)) = self.esql_operand(value).zip(literals) {
            return self.esql_is_any_of(&operand, &literals, wanted);
        }
        let op = if wanted { CompareOp::Eq } else { CompareOp::Ne };
        let parts: Vec<Predicate> =
            list.iter().map(|one| self.esql_compared(op, value, condition.part(one))).collect();
        if wanted { Predicate::or(parts) } else { Predicate::and(parts) }
    }

    /// A function that is true or false; `None` when nothing is known of it.
    fn esql_called(&mut self, call: Placed<'_>, wanted: bool) -> Option<Predicate> {
        let Expr::Call { function, args, options: None } = &call.node.value else { return None };
        let (value, rest) = args.split_first()?;
        let name = function.value.to_ascii_lowercase();
        let operand = self.esql_operand(call.part(value))?;
        let literals: Vec<&Literal> =
            rest.iter().map(|arg| literal(call.part(arg).defined())).collect::<Option<_>>()?;
        match (name.as_str(), literals.as_slice()) {
            ("starts_with" | "ends_with" | "contains", [Literal::Text(text)]) => {
                let text = Piece::Text(text.clone());
                let pieces = match name.as_str() {
                    "starts_with" => vec![text, Piece::Any],
                    "ends_with" => vec![Piece::Any, text],
                    _ => vec![Piece::Any, text, Piece::Any],
                };
                let pieces = Glob::new(pieces, Fold::None).pieces().to_vec();
                Some(self.esql_is_like(&operand, vec![pieces], wanted))
            }
            ("cidr_match", blocks) if !blocks.is_empty() => {
                let mut networks = Vec::new();
                for block in blocks {
                    match block {
                        Literal::Text(text) => networks.push(text.as_str()),
                        Literal::List(several) => {
                            for one in several {
                                let Literal::Text(text) = &one.value else { return None };
                                networks.push(text);
                            }
                        }
                        _ => return None,
                    }
                }
                Some(self.esql_in_networks(&operand, &networks, wanted))
            }
            _ => None,
        }
    }

    /// True of every event for which the expression is null.
    fn esql_null(&mut self, expr: Placed<'_>) -> Predicate {
        let expr = expr.defined();
        match &expr.node.value {
            Expr::Column(_) => match self.esql_operand(expr) {
                Some(operand) => self.esql_is_missing(&operand),
                None => Predicate::Const(true),
            },
            Expr::Literal(literal) => Predicate::Const(*literal == Literal::Null),
            _ => Predicate::Const(true),
        }
    }

    /// True of every event for which the expression is not null.
    fn esql_not_null(&mut self, expr: Placed<'_>) -> Predicate {
        let expr = expr.defined();
        match &expr.node.value {
            Expr::Column(_) => match self.esql_operand(expr) {
                Some(operand) => self.esql_has_value(&operand),
                None => Predicate::Const(true),
            },
            Expr::Literal(Literal::Null) => Predicate::Const(false),
            Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => {
                let both = [self.esql_not_null(expr.part(left)), self.esql_not_null(expr.part(right))];
                Predicate::and(both)
            }
            Expr::Not(inner) | Expr::Negate(inner) => self.esql_not_null(expr.part(inner)),
            Expr::Cast { value, .. } | Expr::In { value, .. } => self.esql_not_null(expr.part(value)),
            Expr::Call { function, args, .. } => {
                if let Some(found) = self.esql_any_value(expr, Self::esql_not_null) {
                    return found;
                }
                let name = function.value.to_ascii_lowercase();
                let counting = match name.as_str() {
                    name if NULL_FOR_ANY_NULL.contains(&name) => args.len(),
                    name if NULL_FOR_NULL.contains(&name) => 1,
                    _ => 0,
                };
                let parts = args.iter().take(counting).map(|arg| self.esql_not_null(expr.part(arg)));
                Predicate::and(parts.collect::<Vec<_>>())
            }
            _ => Predicate::Const(true),
        }
    }
}

fn literal(expr: Placed<'_>) -> Option<&Literal> {
    match &expr.node.value {
        Expr::Literal(literal) => Some(literal),
        _ => None,
    }
}

/// May the comparison of two constants be true?
fn may_compare(op: CompareOp, left: &Literal, right: &Literal) -> bool {
    match (left, right) {
        (Literal::Text(left), Literal::Text(right)) => match op {
            CompareOp::Eq => left == right,
            CompareOp::Ne => left != right,
            _ => true,
        },
        (Literal::Integer(left), Literal::Integer(right)) => match op {
            CompareOp::Eq => left == right,
            CompareOp::Ne => left != right,
            CompareOp::Lt => left < right,
            CompareOp::Lte => left <= right,
            CompareOp::Gt => left > right,
            CompareOp::Gte => left >= right,
        },
        _ => true,
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    Glob::from_wildcard(pattern, Fold::None).pieces().to_vec()
}

/// What is true where a comparison is false.
fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Gte,
        CompareOp::Lte => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Lte,
        CompareOp::Gte => CompareOp::Lt,
    }
}

/// The comparison with its sides changed over.
fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Lte => CompareOp::Gte,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Gte => CompareOp::Lte,
        equality => equality,
    }
}
