//! Conditions to predicates that are true of every event for which the condition is true, or for which it is false.
//!
//! Logic is three-valued, and what is null is neither: `NOT f == "x"` is true only where `f` has a value. A part that
//! cannot be told is true of every event, on either side of a `NOT`.

use query::Spanned;
use query::esql::ast::{CompareOp, Expr, LikeOp, Literal};

use super::columns::{Column, Columns};
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
    /// True of every event for which the condition is `wanted`. `source` is the text that was parsed.
    pub(super) fn esql_may_be(
        &mut self,
        condition: &Spanned<Expr>,
        wanted: bool,
        columns: &Columns,
        source: &str,
    ) -> Predicate {
        match &condition.value {
            Expr::And(parts) | Expr::Or(parts) => {
                let parts: Vec<Predicate> =
                    parts.iter().map(|part| self.esql_may_be(part, wanted, columns, source)).collect();
                match matches!(condition.value, Expr::And(_)) == wanted {
                    true => Predicate::and(parts),
                    false => Predicate::or(parts),
                }
            }
            Expr::Not(part) => self.esql_may_be(part, !wanted, columns, source),
            Expr::Literal(Literal::Bool(b)) => Predicate::Const(*b == wanted),
            Expr::Literal(Literal::Null) => Predicate::Const(false),
            Expr::Compare { op, left, right } => {
                let op = if wanted { *op } else { opposite(*op) };
                self.esql_compared(op, left, right, columns, source)
            }
            Expr::Like { op, value, patterns, negated } => {
                let wanted = wanted != *negated;
                match (self.esql_operand(&value.value, columns), op) {
                    (Some(operand), LikeOp::Like) => {
                        let patterns = patterns.iter().map(|p| pieces(&p.value)).collect();
                        self.esql_is_like(&operand, patterns, wanted)
                    }
                    (Some(operand), LikeOp::Rlike) => self.esql_fits_regex(&operand, patterns, wanted),
                    // The opposite of a pattern that everything fits is `IS NULL`.
                    (None, _) if !wanted => Predicate::Const(true),
                    (None, _) => self.esql_not_null(value, columns),
                }
            }
            Expr::In { value, list, negated } => {
                self.esql_in(value, list, wanted != *negated, columns, source)
            }
            Expr::IsNull { value, negated } if *negated == wanted => self.esql_not_null(value, columns),
            Expr::IsNull { value, .. } => match &value.value {
                Expr::Column(_) => match self.esql_operand(&value.value, columns) {
                    Some(operand) => self.esql_is_missing(&operand),
                    None => Predicate::Const(true),
                },
                Expr::Literal(literal) => Predicate::Const(*literal == Literal::Null),
                _ => Predicate::Const(true),
            },
            Expr::Column(_) | Expr::Cast { .. } => match self.esql_operand(&condition.value, columns) {
                Some(operand) => self.esql_is_truth(&operand, wanted),
                None => self.esql_not_null(condition, columns),
            },
            Expr::Match { .. } | Expr::Call { .. } => {
                match self.esql_searched(condition, wanted, columns, source) {
                    Some(predicate) => predicate,
                    None => self
                        .esql_called(&condition.value, wanted, columns)
                        .unwrap_or_else(|| self.esql_not_null(condition, columns)),
                }
            }
            _ => Predicate::Const(true),
        }
    }

    fn esql_searched(
        &mut self,
        condition: &Spanned<Expr>,
        wanted: bool,
        columns: &Columns,
        source: &str,
    ) -> Option<Predicate> {
        let field_of = |name: &str| match columns.get(name) {
            Some(Column::Field(name)) => Some(name),
            _ => None,
        };
        let reported = self.diagnostics.len();
        let reads_nested = std::mem::replace(&mut self.reads_nested, false);
        let found = self.esql_search_predicate(condition, source, &field_of);
        self.reads_nested = reads_nested;
        let failed = self.diagnostics.drain(reported..).any(|diagnostic| diagnostic.is_error());
        Some(match found? {
            _ if failed => Predicate::Const(true),
            predicate if wanted => predicate,
            predicate => Predicate::not(predicate),
        })
    }

    fn esql_compared(
        &mut self,
        op: CompareOp,
        left: &Spanned<Expr>,
        right: &Spanned<Expr>,
        columns: &Columns,
        source: &str,
    ) -> Predicate {
        if let Expr::Literal(_) = &left.value
            && !matches!(right.value, Expr::Literal(_))
        {
            return self.esql_compared(turned(op), right, left, columns, source);
        }
        let operand = self.esql_operand(&left.value, columns);
        match (operand, &right.value, op) {
            (_, Expr::Literal(Literal::Null), _) => Predicate::Const(false),
            (Some(operand), Expr::Literal(literal), CompareOp::Eq | CompareOp::Ne) => {
                self.esql_is_any_of(&operand, &[literal], op == CompareOp::Eq)
            }
            (Some(operand), Expr::Literal(literal), _) => self.esql_in_order(&operand, op, literal),
            // A condition compared with true or false is itself, or its negation.
            (None, Expr::Literal(Literal::Bool(b)), CompareOp::Eq | CompareOp::Ne) => {
                self.esql_may_be(left, *b == (op == CompareOp::Eq), columns, source)
            }
            _ => {
                let parts = [self.esql_not_null(left, columns), self.esql_not_null(right, columns)];
                Predicate::and(parts)
            }
        }
    }

    fn esql_in(
        &mut self,
        value: &Spanned<Expr>,
        list: &[Spanned<Expr>],
        wanted: bool,
        columns: &Columns,
        source: &str,
    ) -> Predicate {
        let literals: Option<Vec<&Literal>> = list.iter().map(|one| literal(&one.value)).collect();
        if let Some((operand, literals)) = self.esql_operand(&value.value, columns).zip(literals) {
            return self.esql_is_any_of(&operand, &literals, wanted);
        }
        let op = if wanted { CompareOp::Eq } else { CompareOp::Ne };
        let parts: Vec<Predicate> =
            list.iter().map(|one| self.esql_compared(op, value, one, columns, source)).collect();
        if wanted { Predicate::or(parts) } else { Predicate::and(parts) }
    }

    /// A function that is true or false; `None` when nothing is known of it.
    fn esql_called(&mut self, call: &Expr, wanted: bool, columns: &Columns) -> Option<Predicate> {
        let Expr::Call { function, args, options: None } = call else { return None };
        let (value, rest) = args.split_first()?;
        let name = function.value.to_ascii_lowercase();
        let operand = self.esql_operand(&value.value, columns)?;
        let literals: Vec<&Literal> = rest.iter().map(|arg| literal(&arg.value)).collect::<Option<_>>()?;
        match (name.as_str(), literals.as_slice()) {
            ("starts_with" | "ends_with" | "contains", [Literal::Text(text)]) => {
                let text = Piece::Text(text.clone());
                let pieces = match name.as_str() {
                    "starts_with" => vec![text, Piece::Any],
                    "ends_with" => vec![Piece::Any, text],
                    _ => vec![Piece::Any, text, Piece::Any],
                };
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

    /// True of every event for which the expression is not null.
    fn esql_not_null(&mut self, expr: &Spanned<Expr>, columns: &Columns) -> Predicate {
        match &expr.value {
            Expr::Column(_) => match self.esql_operand(&expr.value, columns) {
                Some(operand) => self.esql_has_value(&operand),
                None => Predicate::Const(true),
            },
            Expr::Literal(Literal::Null) => Predicate::Const(false),
            Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => {
                let parts = [self.esql_not_null(left, columns), self.esql_not_null(right, columns)];
                Predicate::and(parts)
            }
            Expr::Not(inner) | Expr::Negate(inner) => self.esql_not_null(inner, columns),
            Expr::Cast { value, .. } | Expr::In { value, .. } => self.esql_not_null(value, columns),
            Expr::Call { function, args, .. } => {
                let name = function.value.to_ascii_lowercase();
                let counting = match name.as_str() {
                    name if NULL_FOR_ANY_NULL.contains(&name) => args.len(),
                    name if NULL_FOR_NULL.contains(&name) => 1,
                    _ => 0,
                };
                let parts: Vec<Predicate> =
                    args.iter().take(counting).map(|arg| self.esql_not_null(arg, columns)).collect();
                Predicate::and(parts)
            }
            _ => Predicate::Const(true),
        }
    }
}

fn literal(expr: &Expr) -> Option<&Literal> {
    match expr {
        Expr::Literal(literal) => Some(literal),
        _ => None,
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
