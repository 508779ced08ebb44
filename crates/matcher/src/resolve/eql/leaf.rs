//! Conditions on a bare field: any value passes, a missing field does not.
//!
//! EQL compares whole values. Analysed text too is compared by its whole value, for which mappings keep a keyword
//! beside it.

use ecs::FieldType;
use query::eql::ast::{CompareOp, Function};
use query::kql::ast::RangeOp;
use query::{Diagnostic, Span};

use super::expression::pieces;
use crate::computed::expression::Node;
use crate::computed::{Expression, FieldRead, Value};
use crate::function::Kind;
use crate::glob::{Fold, Glob, Piece};
use crate::predicate::{FieldTest, Predicate};
use crate::resolve::Resolver;
use crate::resolve::field::Words;
use crate::value::{Dynamic, Ends, ValueTest, network};

impl Resolver<'_> {
    /// The predicate of a condition that is about one bare field; `None` for others.
    pub(super) fn eql_leaf(&mut self, node: &Node) -> Option<Predicate> {
        Some(match &node.value {
            Expression::Field(read) => {
                self.want_field(node, Kind::Truth, "a condition");
                self.eql_equals(&read.name, &Value::Bool(true), Fold::None, node.span)
            }
            Expression::IsNull(part) => {
                let read = as_field(part)?;
                Predicate::not(self.exists(&read.name))
            }
            Expression::Compare { op, left, right, .. } => {
                let (read, Expression::Constant(value)) = (as_field(left)?, &right.value) else {
                    return None;
                };
                match op {
                    CompareOp::Eq => self.eql_equals(&read.name, value, Fold::None, right.span),
                    CompareOp::Ne => {
                        Predicate::not(self.eql_equals(&read.name, value, Fold::None, right.span))
                    }
                    CompareOp::Lt => self.eql_order(&read.name, RangeOp::Lt, value, right.span),
                    CompareOp::Lte => self.eql_order(&read.name, RangeOp::Lte, value, right.span),
                    CompareOp::Gt => self.eql_order(&read.name, RangeOp::Gt, value, right.span),
                    CompareOp::Gte => self.eql_order(&read.name, RangeOp::Gte, value, right.span),
                }
            }
            Expression::EqualsFolded { left, right } => {
                let read = as_field(left)?;
                self.eql_equals(&read.name, &right.value, Fold::Ascii, right.span)
            }
            Expression::In { value, list } => {
                let read = as_field(value)?;
                let any: Vec<Predicate> = list
                    .iter()
                    .map(|one| self.eql_equals(&read.name, &one.value, Fold::None, one.span))
                    .collect();
                Predicate::or(any)
            }
            Expression::Like { value, glob, written } => {
                let read = as_field(value)?;
                let fold = if glob.fold() == Fold::None { Fold::None } else { Fold::Ascii };
                self.eql_matches(&read.name, &pieces(&written.value), fold, written.span)
            }
            Expression::Regex { value, pattern } => {
                let read = as_field(value)?;
                let test = ValueTest::Regex {
                    regex: pattern.regex.clone(),
                    source: pattern.source.clone(),
                    analysed: false,
                };
                self.eql_text_only(read, test, &pattern.source, node.span)
            }
            Expression::Call { function, fold, args } => self.eql_call(*function, *fold, args)?,
            _ => return None,
        })
    }

    /// Functions that an index answers when all but the field are constants.
    fn eql_call(&mut self, function: Function, fold: bool, args: &[Node]) -> Option<Predicate> {
        let (field, constants) = args.split_first()?;
        let read = as_field(field)?;
        let mut texts = Vec::with_capacity(constants.len());
        for constant in constants {
            match &constant.value {
                Expression::Constant(Value::Text(text)) => texts.push((text.as_ref(), constant.span)),
                _ => return None,
            }
        }
        let (text, span) = *texts.first()?;
        let fold = if fold { Fold::Ascii } else { Fold::None };
        // The constant of these two is read as a wildcard pattern, as it is.
        let wildcard = |pattern: &str| Glob::from_wildcard(pattern, Fold::None).pieces().to_vec();
        let pieces = match function {
            Function::StartsWith => vec![Piece::Text(text.to_owned()), Piece::Any],
            Function::EndsWith => wildcard(&format!("*{text}")),
            Function::StringContains => wildcard(&format!("*{text}*")),
            Function::CidrMatch => {
                let mut any = Vec::with_capacity(texts.len());
                for (text, _) in texts {
                    let test = network(text).map_or(ValueTest::Never, ValueTest::Network);
                    any.push(self.leaf(&read.name, FieldTest::Any(test)));
                }
                return Some(Predicate::or(any));
            }
            _ => return None,
        };
        Some(self.eql_matches(&read.name, &pieces, fold, span))
    }

    /// The field equals the constant, which is not null.
    pub(super) fn eql_equals(&mut self, name: &str, value: &Value<'_>, fold: Fold, span: Span) -> Predicate {
        let (field_type, own_fold) = self.type_of(name);
        let fold = if own_fold == Fold::None { fold } else { own_fold };
        let text = value.to_text().unwrap_or_default();
        let test = match field_type {
            Some(
                FieldType::Keyword
                | FieldType::Wildcard
                | FieldType::Flattened
                | FieldType::Version
                | FieldType::Text
                | FieldType::MatchOnlyText,
            ) => ValueTest::text_folded(&text, fold),
            None => match value {
                Value::Int(_) | Value::Float(_) => number_test(value, &text),
                // The field may hold addresses.
                _ if text.contains('/') && network(&text).is_some() => {
                    ValueTest::Dynamic(Dynamic::new(&text))
                }
                _ => ValueTest::text_folded(&text, fold),
            },
            Some(FieldType::Long | FieldType::Double) if matches!(value, Value::Int(_) | Value::Float(_)) => {
                number_test(value, &text)
            }
            Some(_) => return self.equals_folded(name, &text, Words::Any, fold, Some(span)),
        };
        self.leaf(name, FieldTest::Any(test))
    }

    /// The field lies on one side of the constant.
    fn eql_order(&mut self, name: &str, op: RangeOp, value: &Value<'_>, span: Span) -> Predicate {
        let (field_type, _) = self.type_of(name);
        let text = value.to_text().unwrap_or_default();
        let number = match value {
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        };
        let test = match (field_type, number) {
            (Some(FieldType::Date | FieldType::Ip | FieldType::Boolean), _) => {
                return self.compare(name, op, &text, Some(span));
            }
            // A value of unknown type that is a number compares as one, also when it is written as text.
            (Some(FieldType::Long | FieldType::Double) | None, Some(number)) => {
                ValueTest::Number(ends(op, number))
            }
            (Some(FieldType::Nested | FieldType::Object | FieldType::GeoPoint), _) => ValueTest::Never,
            (Some(_), _) => {
                if number.is_some() {
                    self.text_order(name, &text, span);
                }
                match field_type {
                    Some(FieldType::Text | FieldType::MatchOnlyText) => {
                        ValueTest::TextRange(ends(op, text.as_ref().into()))
                    }
                    _ => return self.compare(name, op, &text, Some(span)),
                }
            }
            _ => return self.compare(name, op, &text, Some(span)),
        };
        self.leaf(name, FieldTest::Any(test))
    }

    /// An index knows a field of text as text alone: `"10"` comes before `"9"`.
    fn text_order(&mut self, name: &str, number: &str, span: Span) {
        let message = format!("`{name}` holds text, whose order with `{number}` is that of characters");
        self.diagnostics.push(
            Diagnostic::warning("eql::text-order", message)
                .at(span)
                .help(format!("write `number({name})` to compare with a number")),
        );
    }

    /// The field matches a wildcard pattern.
    fn eql_matches(&mut self, name: &str, pieces: &[Piece], fold: Fold, span: Span) -> Predicate {
        let (field_type, own_fold) = self.type_of(name);
        let fold = if own_fold == Fold::None { fold } else { own_fold };
        match field_type {
            Some(FieldType::Text | FieldType::MatchOnlyText) => {
                let test = ValueTest::Glob(Glob::new(pieces.iter().cloned(), fold));
                self.leaf(name, FieldTest::Any(test))
            }
            _ => self.matches(name, pieces, fold, Some(span)),
        }
    }

    /// A test on text; nothing passes it on a field that holds none.
    fn eql_text_only(&mut self, read: &FieldRead, test: ValueTest, source: &str, span: Span) -> Predicate {
        let test = match read.field_type {
            Some(FieldType::Ip) => self.unreadable(Some(span), source, &read.name, "addresses"),
            Some(FieldType::Date) => self.unreadable(Some(span), source, &read.name, "dates"),
            Some(FieldType::Long | FieldType::Double) => {
                self.unreadable(Some(span), source, &read.name, "numbers")
            }
            Some(FieldType::Boolean) => self.unreadable(Some(span), source, &read.name, "true or false"),
            Some(FieldType::Nested | FieldType::Object | FieldType::GeoPoint) => ValueTest::Never,
            _ => test,
        };
        self.leaf(&read.name, FieldTest::Any(test))
    }
}

fn as_field(node: &Node) -> Option<&FieldRead> {
    match &node.value {
        Expression::Field(read) => Some(read),
        _ => None,
    }
}

fn number_test(value: &Value<'_>, text: &str) -> ValueTest {
    match value {
        Value::Int(i) => ValueTest::Number(Ends::only(*i as f64)),
        Value::Float(f) => ValueTest::Number(Ends::only(*f)),
        _ => ValueTest::text(text),
    }
}

fn ends<T>(op: RangeOp, bound: T) -> Ends<T> {
    match op {
        RangeOp::Gt => Ends { lower: Some((bound, false)), upper: None },
        RangeOp::Gte => Ends { lower: Some((bound, true)), upper: None },
        RangeOp::Lt => Ends { lower: None, upper: Some((bound, false)) },
        RangeOp::Lte => Ends { lower: None, upper: Some((bound, true)) },
    }
}
