//! Expressions to predicates: what an index can answer of a bare field, and what has to be computed.

use query::Spanned;
use query::eql::ast::CompareOp;

use crate::computed::expression::Node;
use crate::computed::{Computed, Expression, Value};
use crate::predicate::Predicate;
use crate::resolve::Resolver;

/// When a condition is true, and when it is false: for a null it is neither.
pub(super) struct Condition {
    /// The events for which it is true.
    pub(super) truth: Predicate,
    falsity: Falsity,
}

/// When a condition is false.
enum Falsity {
    /// Whenever it is not true.
    Otherwise,
    /// When the negation of the one thing that it computes is true.
    Computed(Expression),
    /// For these events: a constant null has a part in it.
    For(Predicate),
}

impl Condition {
    fn two_valued(truth: Predicate) -> Self {
        Self { truth, falsity: Falsity::Otherwise }
    }

    fn null() -> Self {
        Self { truth: Predicate::Const(false), falsity: Falsity::For(Predicate::Const(false)) }
    }

    fn computed(expression: Expression) -> Self {
        let truth = Predicate::Computed(Box::new(Computed::new(expression.clone())));
        Self { truth, falsity: Falsity::Computed(expression) }
    }

    fn not(self, span: query::Span) -> Self {
        match self.falsity {
            Falsity::Otherwise => Self::two_valued(Predicate::not(self.truth)),
            Falsity::For(falsity) => Self { truth: falsity, falsity: Falsity::For(self.truth) },
            Falsity::Computed(Expression::Not(inner)) => Self::computed(inner.value),
            Falsity::Computed(expression) => {
                Self::computed(Expression::Not(Box::new(Spanned::new(expression, span))))
            }
        }
    }

    /// When the condition, as part of a group, is false.
    fn false_in_group(&self) -> Predicate {
        match &self.falsity {
            Falsity::For(falsity) => falsity.clone(),
            Falsity::Otherwise | Falsity::Computed(_) => Predicate::not(self.truth.clone()),
        }
    }

    /// All of them; the group is two-valued unless a constant null has a part in it.
    fn all(parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            return parts.into_iter().next().unwrap_or_else(Self::null);
        }
        let null = parts.iter().any(|part| matches!(part.falsity, Falsity::For(_)));
        let falsity = if null {
            Falsity::For(Predicate::or(parts.iter().map(Self::false_in_group).collect::<Vec<_>>()))
        } else {
            Falsity::Otherwise
        };
        Self { truth: Predicate::and(parts.into_iter().map(|part| part.truth)), falsity }
    }

    /// Any of them.
    fn any(parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            return parts.into_iter().next().unwrap_or_else(Self::null);
        }
        let null = parts.iter().any(|part| matches!(part.falsity, Falsity::For(_)));
        let falsity = if null {
            Falsity::For(Predicate::and(parts.iter().map(Self::false_in_group).collect::<Vec<_>>()))
        } else {
            Falsity::Otherwise
        };
        Self { truth: Predicate::or(parts.into_iter().map(|part| part.truth)), falsity }
    }
}

impl Resolver<'_> {
    /// When the expression is true, and when it is false.
    pub(super) fn eql_condition(&mut self, node: &Node) -> Condition {
        match &node.value {
            Expression::Constant(Value::Bool(b)) => Condition::two_valued(Predicate::Const(*b)),
            Expression::Constant(Value::Null) => Condition::null(),
            Expression::And(parts) => {
                Condition::all(parts.iter().map(|part| self.eql_condition(part)).collect())
            }
            Expression::Or(parts) => {
                let parts = equal_to_any(parts);
                Condition::any(parts.iter().map(|part| self.eql_condition(part)).collect())
            }
            Expression::Not(part) => self.eql_condition(part).not(node.span),
            // A condition compared with true or false is itself, or its negation.
            Expression::Compare { op: op @ (CompareOp::Eq | CompareOp::Ne), left, right, .. }
                if !matches!(left.value, Expression::Field(_)) && is_truth(&right.value) =>
            {
                let itself =
                    (*op == CompareOp::Eq) == (right.value == Expression::Constant(Value::Bool(true)));
                let condition = self.eql_condition(left);
                if itself { condition } else { condition.not(node.span) }
            }
            _ => match self.eql_leaf(node) {
                Some(predicate) => Condition::two_valued(predicate),
                None => match &node.value {
                    Expression::Constant(_) => Condition::null(),
                    other => Condition::computed(other.clone()),
                },
            },
        }
    }
}

fn is_truth(expression: &Expression) -> bool {
    matches!(expression, Expression::Constant(Value::Bool(_)))
}

/// `x == 1 or x == 2` is `x in (1, 2)`, which matters where `x` is computed: that is one leaf and not two.
fn equal_to_any(parts: &[Node]) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::with_capacity(parts.len());
    for part in parts {
        let (value, list) = match &part.value {
            Expression::Compare { op: CompareOp::Eq, left, right, .. } => match &right.value {
                Expression::Constant(constant) if !matches!(left.value, Expression::Field(_)) => {
                    (left, vec![Spanned::new(constant.clone(), right.span)])
                }
                _ => {
                    out.push(part.clone());
                    continue;
                }
            },
            Expression::In { value, list } if !matches!(value.value, Expression::Field(_)) => {
                (value, list.clone())
            }
            _ => {
                out.push(part.clone());
                continue;
            }
        };
        let earlier = out.iter_mut().find_map(|node| match &mut node.value {
            Expression::In { value: other, list } if other.value == value.value => Some(list),
            _ => None,
        });
        match earlier {
            Some(into) => into.extend(list),
            None => out.push(Spanned::new(Expression::In { value: value.clone(), list }, part.span)),
        }
    }
    out
}
