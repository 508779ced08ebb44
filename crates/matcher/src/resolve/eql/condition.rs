//! Expressions to predicates: what an index can answer of a bare field, and what has to be computed.

use query::eql::ast::CompareOp;
use query::{Span, Spanned};

use crate::computed::expression::Node;
use crate::computed::{Computed, Expression, Value};
use crate::predicate::Predicate;
use crate::resolve::Resolver;

/// What a condition is of an event.
pub(super) enum Condition {
    /// Of every event, or of none.
    Constant(bool),
    /// True of these, false of all others.
    Of(Predicate),
    /// True where this one thing that is computed is; its negation is computed too.
    Computed(Expression),
    /// Null, whatever the event.
    Null,
}

impl Condition {
    /// The events that pass.
    pub(super) fn into_predicate(self) -> Predicate {
        match self {
            Self::Constant(b) => Predicate::Const(b),
            Self::Of(predicate) => predicate,
            Self::Computed(expression) => Predicate::Computed(Box::new(Computed::new(expression))),
            Self::Null => Predicate::Const(false),
        }
    }

    fn not(self, span: Span) -> Self {
        match self {
            Self::Constant(b) => Self::Constant(!b),
            Self::Of(predicate) => Self::Of(Predicate::not(predicate)),
            Self::Computed(Expression::Not(inner)) => Self::Computed(inner.value),
            Self::Computed(expression) => {
                Self::Computed(Expression::Not(Box::new(Spanned::new(expression, span))))
            }
            Self::Null => Self::Null,
        }
    }

    /// All of them; null where a part is, save for another that is false of every event. What is true of every event
    /// does not count, so that one thing beside it stays that one thing.
    fn all(mut parts: Vec<Self>) -> Self {
        parts.retain(|part| !matches!(part, Self::Constant(true)));
        if parts.iter().any(|part| matches!(part, Self::Constant(false))) {
            return Self::Constant(false);
        }
        match parts.is_empty() {
            true => Self::Constant(true),
            false if parts.iter().any(|part| matches!(part, Self::Null)) => Self::Null,
            false => Self::group(parts, Predicate::and),
        }
    }

    /// Any of them; nulls, and what is false of every event, do not count beside others.
    fn any(mut parts: Vec<Self>) -> Self {
        if parts.iter().any(|part| matches!(part, Self::Constant(true))) {
            return Self::Constant(true);
        }
        let null = parts.iter().any(|part| matches!(part, Self::Null));
        parts.retain(|part| !matches!(part, Self::Null | Self::Constant(false)));
        match parts.is_empty() {
            true if null => Self::Null,
            true => Self::Constant(false),
            false => Self::group(parts, Predicate::or),
        }
    }

    /// A group of one is that one; others are two-valued.
    fn group(mut parts: Vec<Self>, join: impl Fn(Vec<Predicate>) -> Predicate) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => only,
            (last, _) => Self::Of(join(parts.into_iter().chain(last).map(Self::into_predicate).collect())),
        }
    }
}

impl Resolver<'_> {
    /// What the expression is as a condition of an event.
    ///
    /// Constants are simplified as Elasticsearch does it, which is not three-valued logic throughout: a constant null in
    /// a disjunction is left out, and makes a conjunction null even of events of which another part is false.
    /// What is written twice is there once, which matters where it is computed: that is one leaf and not two.
    /// Source: elastic/elasticsearch x-pack/plugin/ql `optimizer/OptimizerRules`, `PruneFilters` and
    /// `BooleanSimplification`.
    pub(super) fn eql_condition(&mut self, node: &Node) -> Condition {
        match &node.value {
            Expression::Constant(Value::Bool(b)) => Condition::Constant(*b),
            Expression::Constant(Value::Null) => Condition::Null,
            Expression::And(parts) => match all_the_same(parts, conjuncts, disjuncts) {
                Some(one) => self.eql_condition(one),
                None => Condition::all(parts.iter().map(|part| self.eql_condition(part)).collect()),
            },
            Expression::Or(parts) => match all_the_same(parts, disjuncts, conjuncts) {
                Some(one) => self.eql_condition(one),
                None => {
                    let parts = equal_to_any(parts);
                    Condition::any(parts.iter().map(|part| self.eql_condition(part)).collect())
                }
            },
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
                Some(predicate) => Condition::Of(predicate),
                None => match &node.value {
                    Expression::Constant(_) => Condition::Null,
                    other => Condition::Computed(other.clone()),
                },
            },
        }
    }
}

fn is_truth(expression: &Expression) -> bool {
    matches!(expression, Expression::Constant(Value::Bool(_)))
}

/// The part that all others are: `a` of `a and a`, and of `a and (a or b)`. `same` takes apart groups of the kind that
/// the parts make, `other` those of the other kind.
fn all_the_same<'n>(
    parts: &'n [Node],
    same: fn(&'n Node) -> &'n [Node],
    other: fn(&'n Node) -> &'n [Node],
) -> Option<&'n Node> {
    let mut flat: Vec<&Node> = Vec::with_capacity(parts.len());
    for part in parts {
        flatten(part, same, &mut flat);
    }
    let includes = |group: &'n Node, part: &Node| group == part || other(group).contains(part);
    // Most groups have nothing twice: the first two tell.
    let (first, second) = (*flat.first()?, *flat.get(1)?);
    let one = if includes(second, first) { first } else { second };
    flat.iter().all(|group| includes(group, one)).then_some(one)
}

fn flatten<'n>(node: &'n Node, split: fn(&'n Node) -> &'n [Node], into: &mut Vec<&'n Node>) {
    match split(node) {
        [] => into.push(node),
        parts => parts.iter().for_each(|part| flatten(part, split, into)),
    }
}

fn conjuncts(node: &Node) -> &[Node] {
    match &node.value {
        Expression::And(parts) => parts,
        _ => &[],
    }
}

fn disjuncts(node: &Node) -> &[Node] {
    match &node.value {
        Expression::Or(parts) => parts,
        _ => &[],
    }
}

/// `x == 1 or x == 2` is `x in (1, 2)`, which matters where `x` is computed: that is one leaf and not two.
fn equal_to_any(parts: &[Node]) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::with_capacity(parts.len());
    for part in parts {
        let (value, list) = match &part.value {
            Expression::Compare { op: CompareOp::Eq, left, right, .. } => match &right.value {
                // A comparison with true or false is what it compares.
                Expression::Constant(constant)
                    if !matches!(left.value, Expression::Field(_)) && !is_truth(&right.value) =>
                {
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
