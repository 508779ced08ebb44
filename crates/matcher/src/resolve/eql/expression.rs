//! The syntax tree to an expression: fields looked up, constants computed, types checked.
//!
//! What is wrong whatever the fields are, such as a text for a condition or a missing argument, the parser has said.

use query::eql::ast::{ArithmeticOp, CompareOp, Expr, Function, Literal, MatchOp};
use query::{Diagnostic, Span, Spanned};

use super::Schema;
use crate::computed::expression::{Node, RegexPattern};
use crate::computed::{Expression, Value};
use crate::function::{Kind, signature};
use crate::glob::{Fold, Glob, Piece};
use crate::lucene_regex;
use crate::resolve::Resolver;
use crate::value::network;

/// The code of a value where one of another type is wanted.
const TYPE: &str = "eql::type";

impl Resolver<'_> {
    /// Resolves an expression; one without fields becomes a constant.
    pub(super) fn eql_expression(&mut self, expr: &Spanned<Expr>, schema: Schema) -> Node {
        let span = expr.span;
        let mut many =
            |parts: &[Spanned<Expr>]| parts.iter().map(|part| self.eql_expression(part, schema)).collect();
        let expression = match &expr.value {
            Expr::And(parts) => {
                let parts: Vec<Node> = many(parts);
                Expression::And(parts)
            }
            Expr::Or(parts) => {
                let parts: Vec<Node> = many(parts);
                Expression::Or(parts)
            }
            Expr::Not(part) => {
                let part = self.eql_expression(part, schema);
                Expression::Not(Box::new(part))
            }
            Expr::Compare { op, left, right } => {
                self.check_left(left, Some(&right.value));
                let (left, right) = (self.eql_expression(left, schema), self.eql_expression(right, schema));
                self.check_wildcard(&left, &right, *op);
                self.eql_comparison(*op, left, right, span)
            }
            Expr::Match { op, value, patterns } => {
                self.check_left(value, None);
                let value = self.eql_expression(value, schema);
                let parts = patterns.iter().map(|pattern| self.eql_pattern(*op, &value, pattern)).collect();
                one_of(parts, span)
            }
            Expr::In { value, list, fold, negated } => {
                self.check_left(value, None);
                let value = self.eql_expression(value, schema);
                let list: Vec<Node> = list.iter().map(|one| self.eql_expression(one, schema)).collect();
                list.iter().for_each(|one| self.check_wildcard(&value, one, CompareOp::Eq));
                let found = self.eql_in(value, list, *fold, span);
                if *negated { Expression::Not(Box::new(Spanned::new(found, span))) } else { found }
            }
            Expr::Arithmetic { op, left, right } => {
                let (left, right) = (self.eql_expression(left, schema), self.eql_expression(right, schema));
                self.want_field(&left, Kind::Number, "arithmetic");
                self.want_field(&right, Kind::Number, "arithmetic");
                Expression::Arithmetic { op: *op, left: Box::new(left), right: Box::new(right) }
            }
            Expr::Negate(part) => {
                let part = self.eql_expression(part, schema);
                self.want_field(&part, Kind::Number, "`-`");
                Expression::Negate(Box::new(part))
            }
            Expr::Call { function, fold, args } => {
                let args: Vec<Node> = args.iter().map(|arg| self.eql_expression(arg, schema)).collect();
                self.check_arguments(function, &args);
                call(function.value, *fold, args)
            }
            Expr::Field(field) => match self.eql_field(field, span, schema) {
                Some(read) => Expression::Field(read),
                None => Expression::Constant(Value::Null),
            },
            Expr::Literal(literal) => Expression::Constant(literal.into()),
            Expr::Invalid => {
                let error = Diagnostic::error("query::partial", "the query could not be parsed as a whole");
                self.diagnostics.push(error.at(span));
                Expression::Constant(Value::Null)
            }
        };
        let constant = !matches!(expression, Expression::Constant(_)) && expression.is_constant();
        if !constant {
            return Spanned::new(expression, span);
        }
        let value = expression.constant_value();
        self.check_arithmetic(&expression, &value, span);
        Spanned::new(Expression::Constant(value), span)
    }

    /// Of constants no result is a mistake, where of fields it is null.
    fn check_arithmetic(&mut self, expression: &Expression, value: &Value<'_>, span: Span) {
        let Expression::Arithmetic { left, right, .. } = expression else { return };
        let (Expression::Constant(left), Expression::Constant(right)) = (&left.value, &right.value) else {
            return;
        };
        let message = match (left, right, value) {
            (Value::Int(_), Value::Int(_), Value::Float(_)) => "this is past the largest whole number",
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_), Value::Null) => {
                "nothing can be divided by zero"
            }
            (_, _, Value::Float(number)) if !number.is_finite() => "this is past the largest number",
            _ => return,
        };
        self.diagnostics.push(Diagnostic::error("eql::arithmetic", message).at(span));
    }

    /// Constants go to the right; a comparison with null asks whether there is a value.
    fn eql_comparison(&mut self, op: CompareOp, left: Node, right: Node, span: Span) -> Expression {
        let (op, left, right) = match (&left.value, &right.value) {
            (Expression::Constant(_), Expression::Constant(_)) => (op, left, right),
            (Expression::Constant(_), _) => (turned(op), right, left),
            _ => (op, left, right),
        };
        let (op, left, right) = without_arithmetic(op, left, right);
        match (op, &right.value) {
            (CompareOp::Eq, Expression::Constant(Value::Null)) => return Expression::IsNull(Box::new(left)),
            (CompareOp::Ne, Expression::Constant(Value::Null)) => {
                let missing = Spanned::new(Expression::IsNull(Box::new(left)), span);
                return Expression::Not(Box::new(missing));
            }
            (_, Expression::Constant(Value::Null)) => return Expression::Constant(Value::Null),
            _ => {}
        }
        // Of two constants only the left one may be null here: it equals nothing but null.
        if let (CompareOp::Eq | CompareOp::Ne, Expression::Constant(Value::Null), Expression::Constant(_)) =
            (op, &left.value, &right.value)
        {
            return Expression::Constant(Value::Bool(op == CompareOp::Ne));
        }
        let mut nulls_equal = false;
        if !matches!(right.value, Expression::Constant(_)) {
            match (&left.value, &right.value) {
                (Expression::Field(a), Expression::Field(b)) if a.optional || b.optional => {
                    nulls_equal = a.optional && b.optional;
                }
                (a, b) if a.mentions_optional() || b.mentions_optional() => {}
                _ => self.field_comparison(right.span),
            }
        }
        // A field whose type does not fit the constant is told apart later: the rule still runs.
        let (a, b) = (kind(&left.value), kind(&right.value));
        if !matches!(left.value, Expression::Field(_))
            && !matches!(right.value, Expression::Field(_))
            && !a.fits(b)
        {
            self.type_error(right.span, &format!("{} is compared with {}", a.words(), b.words()));
        }
        Expression::Compare { op, left: Box::new(left), right: Box::new(right), nulls_equal }
    }

    /// A text where a field belongs is hardly meant: nothing depends on the event then.
    fn check_left(&mut self, left: &Spanned<Expr>, right: Option<&Expr>) {
        let is_text = matches!(left.value, Expr::Literal(Literal::Text(_)));
        if is_text && right.is_none_or(|right| matches!(right, Expr::Literal(_))) {
            let warning = Diagnostic::warning("eql::constant-comparison", "a text is compared, not a field");
            self.diagnostics.push(
                warning.at(left.span).help("the name of a field stands without quotes, or in backquotes"),
            );
        }
    }

    /// `field == "a*"` asks for a star.
    fn check_wildcard(&mut self, left: &Node, right: &Node, op: CompareOp) {
        let (Expression::Field(_), Expression::Constant(Value::Text(text))) = (&left.value, &right.value)
        else {
            return;
        };
        if matches!(op, CompareOp::Eq | CompareOp::Ne) && text.contains('*') {
            let message = "`*` is a character like others here";
            let warning = Diagnostic::warning("eql::literal-wildcard", message).at(right.span);
            self.diagnostics.push(warning.help("write `field : \"a*\"`, or `like` where case counts"));
        }
    }

    fn field_comparison(&mut self, span: Span) {
        let error = Diagnostic::error("eql::field-comparison", "fields cannot be compared with one another");
        self.diagnostics.push(error.at(span).help("compare with a constant; a text stands in double quotes"));
    }

    fn eql_pattern(&mut self, op: MatchOp, value: &Node, pattern: &Spanned<Literal>) -> Node {
        let span = value.span.to(pattern.span);
        let constant = || Expression::Constant(Value::Null);
        let folded = matches!(op, MatchOp::Colon | MatchOp::LikeFold | MatchOp::RegexFold);
        let expression = match (op, &pattern.value) {
            // What is no text the parser has reported.
            (_, Literal::Null) => constant(),
            (MatchOp::Colon, literal) | (MatchOp::LikeFold, literal @ Literal::Text(_))
                if !is_wildcard(literal) =>
            {
                let right = Value::from(literal);
                if !matches!(value.value, Expression::Field(_)) && !kind(&value.value).fits(kind_of(&right)) {
                    let (a, b) = (kind(&value.value).words(), kind_of(&right).words());
                    self.type_error(pattern.span, &format!("{a} is compared with {b}"));
                }
                Expression::EqualsFolded {
                    left: Box::new(value.clone()),
                    right: Spanned::new(right, pattern.span),
                }
            }
            (MatchOp::Like, Literal::Text(_)) if !is_wildcard(&pattern.value) => {
                let right = Spanned::new(Expression::Constant((&pattern.value).into()), pattern.span);
                Expression::Compare {
                    op: CompareOp::Eq,
                    left: Box::new(value.clone()),
                    right: Box::new(right),
                    nulls_equal: false,
                }
            }
            // What matches everything asks whether there is a value, also of what is computed.
            (MatchOp::Colon | MatchOp::Like | MatchOp::LikeFold, Literal::Text(text))
                if text.bytes().all(|b| b == b'*') =>
            {
                has_value(value, span)
            }
            (MatchOp::Regex | MatchOp::RegexFold, Literal::Text(text)) if text == ".*" => {
                has_value(value, span)
            }
            (MatchOp::Colon | MatchOp::Like | MatchOp::LikeFold, Literal::Text(text)) => {
                let fold = if folded { Fold::Lower } else { Fold::None };
                let written = Spanned::new(text.as_str().into(), pattern.span);
                Expression::Like {
                    value: Box::new(value.clone()),
                    glob: Glob::new(pieces(text), fold),
                    written,
                }
            }
            (MatchOp::Regex | MatchOp::RegexFold, Literal::Text(text)) => {
                self.check_anchors(text, pattern.span);
                match lucene_regex::compile(text, folded) {
                    Ok(regex) => Expression::Regex {
                        value: Box::new(value.clone()),
                        pattern: RegexPattern { regex, source: text.as_str().into(), fold: folded },
                    },
                    Err(error) => {
                        self.diagnostics
                            .push(Diagnostic::error("query::regex", error.to_string()).at(pattern.span));
                        constant()
                    }
                }
            }
            _ => constant(),
        };
        Spanned::new(expression, span)
    }

    /// Lucene knows no anchors: `^` and `$` are characters like others.
    fn check_anchors(&mut self, pattern: &str, span: Span) {
        if pattern.starts_with('^') || pattern.ends_with('$') && !pattern.ends_with("\\$") {
            let message = "`^` and `$` are characters like others here";
            let warning = Diagnostic::warning("eql::anchor", message).at(span);
            self.diagnostics.push(warning.help("take them out: the whole value has to match"));
        }
    }

    /// `in` looks at exact values; nulls in the list do not count.
    fn eql_in(&mut self, value: Node, list: Vec<Node>, fold: bool, span: Span) -> Expression {
        let mut constants: Vec<Spanned<Value<'static>>> = Vec::with_capacity(list.len());
        for one in list {
            match one.value {
                Expression::Constant(Value::Null) => {}
                Expression::Constant(constant) => {
                    let (a, b) = (kind(&value.value), kind_of(&constant));
                    if !matches!(value.value, Expression::Field(_)) && !a.fits(b) {
                        self.type_error(one.span, &format!("{} is compared with {}", a.words(), b.words()));
                    }
                    constants.push(Spanned::new(constant, one.span));
                }
                _ => self.field_comparison(one.span),
            }
        }
        match (constants.len(), fold) {
            (0, _) => Expression::Constant(Value::Bool(false)),
            (1, false) => {
                let one = constants.remove(0);
                Expression::Compare {
                    op: CompareOp::Eq,
                    left: Box::new(value),
                    right: Box::new(Spanned::new(Expression::Constant(one.value), one.span)),
                    nulls_equal: false,
                }
            }
            (_, false) => Expression::In { value: Box::new(value), list: constants },
            (_, true) => {
                let equal = |right: Spanned<Value<'static>>| {
                    let at = right.span;
                    Spanned::new(Expression::EqualsFolded { left: Box::new(value.clone()), right }, at)
                };
                one_of(constants.into_iter().map(equal).collect(), span)
            }
        }
    }

    fn check_arguments(&mut self, function: &Spanned<Function>, args: &[Node]) {
        let signature = signature(function.value);
        let name = function.value.to_string();
        for (position, arg) in args.iter().enumerate() {
            if let Some(wanted) = signature.args.get(position).or(signature.args.last()) {
                self.want(arg, *wanted, &format!("argument {} of `{name}`", position + 1));
            }
            if function.value != Function::CidrMatch || position == 0 {
                continue;
            }
            match &arg.value {
                Expression::Constant(Value::Text(text)) if network(text).is_none() => {
                    let error = Diagnostic::error("eql::cidr", format!("`{text}` is no network"));
                    self.diagnostics
                        .push(error.at(arg.span).help("write it like `10.0.0.0/8` or `fe80::/10`"));
                }
                Expression::Constant(_) => {}
                _ => self.type_error(arg.span, "the networks of `cidrMatch` have to be constants"),
            }
        }
    }

    /// Checks the kind of an argument, as far as it is known.
    fn want(&mut self, node: &Node, wanted: Kind, place: &str) {
        let found = kind(&node.value);
        if matches!(node.value, Expression::Field(_)) {
            self.want_field(node, wanted, place);
        } else if found != wanted && found != Kind::Any && wanted != Kind::Any {
            self.type_error(node.span, &format!("{place} takes {}, not {}", wanted.words(), found.words()));
        }
    }

    /// Checks the kind of a field, if it is one. What the catalogue takes for something else may still be what the rule
    /// says where its events come from: that is a warning, and at worst no event passes.
    pub(super) fn want_field(&mut self, node: &Node, wanted: Kind, place: &str) {
        let found = kind(&node.value);
        let Expression::Field(read) = &node.value else { return };
        if found == wanted || found == Kind::Any || wanted == Kind::Any {
            return;
        }
        let message = format!("`{}` holds {}; {place} takes {}", read.name, found.words(), wanted.words());
        let warning = Diagnostic::warning(TYPE, message).at(node.span);
        self.diagnostics.push(warning.help("the result is null where the value is of another type"));
    }

    fn type_error(&mut self, span: Span, message: &str) {
        self.diagnostics.push(Diagnostic::error(TYPE, message).at(span));
    }
}

/// What kind of value an expression yields, as far as it is known.
pub(super) fn kind(expression: &Expression) -> Kind {
    use ecs::FieldType;
    match expression {
        Expression::Constant(value) => kind_of(value),
        Expression::Field(read) => match read.field_type {
            Some(FieldType::Long | FieldType::Double) => Kind::Number,
            Some(FieldType::Boolean) => Kind::Truth,
            Some(FieldType::Date) => Kind::Date,
            Some(FieldType::Object | FieldType::Nested | FieldType::GeoPoint) | None => Kind::Any,
            Some(_) => Kind::Text,
        },
        Expression::Arithmetic { .. } | Expression::Negate(_) => Kind::Number,
        Expression::Call { function, .. } => signature(*function).result,
        _ => Kind::Truth,
    }
}

fn kind_of(value: &Value<'_>) -> Kind {
    match value {
        Value::Null => Kind::Any,
        Value::Bool(_) => Kind::Truth,
        Value::Int(_) | Value::Float(_) => Kind::Number,
        Value::Date(_) => Kind::Date,
        Value::Text(_) => Kind::Text,
    }
}

/// The five functions that have an operator are that operator, and `string` of what is text is that text.
fn call(function: Function, fold: bool, mut args: Vec<Node>) -> Expression {
    let op = match function {
        Function::String if args.len() == 1 && is_exact_text(&args[0].value) => {
            return args.remove(0).value;
        }
        Function::Add => ArithmeticOp::Add,
        Function::Subtract => ArithmeticOp::Subtract,
        Function::Multiply => ArithmeticOp::Multiply,
        Function::Divide => ArithmeticOp::Divide,
        Function::Modulo => ArithmeticOp::Modulo,
        _ => return Expression::Call { function, fold, args },
    };
    match <[Node; 2]>::try_from(args) {
        Ok([left, right]) => Expression::Arithmetic { op, left: Box::new(left), right: Box::new(right) },
        Err(args) => Expression::Call { function, fold, args },
    }
}

fn is_exact_text(expression: &Expression) -> bool {
    use ecs::FieldType;
    match expression {
        Expression::Field(read) => matches!(read.field_type, Some(FieldType::Keyword | FieldType::Wildcard)),
        Expression::Call { function, .. } => signature(*function).result == Kind::Text,
        _ => false,
    }
}

fn has_value(value: &Node, span: Span) -> Expression {
    let missing = Spanned::new(Expression::IsNull(Box::new(value.clone())), span);
    Expression::Not(Box::new(missing))
}

/// Moves whole constants of sums, differences and products to the right, so that `x + 1 == 3` becomes `x == 2`, of
/// which an index knows. That counts where `x` is missing: `x + 1 != 3` is true then.
///
/// Only for fields of whole numbers, and where nothing overflows and nothing is left over.
/// Source: elastic/elasticsearch x-pack/plugin/ql `optimizer/OptimizerRules`, `SimplifyComparisonsArithmetics`.
fn without_arithmetic(mut op: CompareOp, mut left: Node, mut right: Node) -> (CompareOp, Node, Node) {
    while let (true, Expression::Constant(Value::Int(bound))) = (is_whole(&left.value), &right.value) {
        let step = match &left.value {
            Expression::Negate(inner) => bound.checked_neg().map(|bound| (inner, bound, true)),
            Expression::Arithmetic { op, left: a, right: b } => match (op, whole(a), whole(b)) {
                (ArithmeticOp::Add, None, Some(k)) => bound.checked_sub(k).map(|bound| (a, bound, false)),
                (ArithmeticOp::Add, Some(k), None) => bound.checked_sub(k).map(|bound| (b, bound, false)),
                (ArithmeticOp::Subtract, None, Some(k)) => {
                    bound.checked_add(k).map(|bound| (a, bound, false))
                }
                (ArithmeticOp::Subtract, Some(k), None) => {
                    k.checked_sub(*bound).map(|bound| (b, bound, true))
                }
                (ArithmeticOp::Multiply, None, Some(k)) => quotient(*bound, k).map(|bound| (a, bound, k < 0)),
                (ArithmeticOp::Multiply, Some(k), None) => quotient(*bound, k).map(|bound| (b, bound, k < 0)),
                _ => None,
            },
            _ => None,
        };
        let Some((inner, bound, turn)) = step else { break };
        left = (**inner).clone();
        right.value = Expression::Constant(Value::Int(bound));
        if turn {
            op = turned(op);
        }
    }
    (op, left, right)
}

fn quotient(bound: i64, k: i64) -> Option<i64> {
    if k != 0 && bound.checked_rem(k)? == 0 { bound.checked_div(k) } else { None }
}

fn whole(node: &Node) -> Option<i64> {
    match node.value {
        Expression::Constant(Value::Int(i)) => Some(i),
        _ => None,
    }
}

/// Is it made of fields of whole numbers and of whole constants?
fn is_whole(expression: &Expression) -> bool {
    match expression {
        Expression::Field(read) => read.field_type == Some(ecs::FieldType::Long),
        Expression::Constant(value) => matches!(value, Value::Int(_)),
        Expression::Negate(inner) => is_whole(&inner.value),
        Expression::Arithmetic { left, right, .. } => is_whole(&left.value) && is_whole(&right.value),
        _ => false,
    }
}

fn one_of(mut parts: Vec<Node>, span: Span) -> Expression {
    match parts.len() {
        1 => parts.remove(0).value,
        _ => Expression::Or(
            parts.into_iter().map(|part| Spanned::new(part.value, part.span.to(span))).collect(),
        ),
    }
}

fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq | CompareOp::Ne => op,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Lte => CompareOp::Gte,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Gte => CompareOp::Lte,
    }
}

fn is_wildcard(literal: &Literal) -> bool {
    matches!(literal, Literal::Text(text) if text.contains(['*', '?']))
}

/// A pattern of `:` and `like`: a backslash is a character like others.
pub(super) fn pieces(pattern: &str) -> Vec<Piece> {
    let piece = |c| match c {
        '*' => Piece::Any,
        '?' => Piece::One,
        c => Piece::Text(c.to_string()),
    };
    pattern.chars().map(piece).collect()
}
