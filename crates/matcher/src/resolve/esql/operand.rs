//! A field of the events in a comparison, and what its values are compared with.
//!
//! In ES|QL a comparison with several values at once is null, so no event with several passes. A predicate that any of
//! them passes is true of more events, never of fewer, and that is what is wanted here.

use std::net::IpAddr;

use ecs::FieldType;
use ipnet::IpNet;
use query::Spanned;
use query::esql::ast::{CompareOp, Expr, Literal};

use super::columns::Column;
use super::placed::Placed;
use crate::glob::{Fold, Glob, Piece};
use crate::predicate::{FieldTest, Predicate};
use crate::resolve::Resolver;
use crate::value::{Ends, ValueTest};

/// From here on not every whole number has a floating-point number of its own.
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// A field, as a comparison reads it.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) name: String,
    kind: Kind,
    /// True when one of its values is compared in each row, and not all of them in one row.
    is_element: bool,
}

/// What the values of an operand are, as far as it matters to tests on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text as it stands in the event.
    Text,
    /// Text in lower case.
    Lowered,
    /// Addresses, or text that is read as such.
    Address,
    /// Whole numbers: others are rounded when they are read.
    Whole,
    /// Any numbers.
    Number,
    /// True or false.
    Truth,
    /// Anything else; only whether there is a value can be told.
    Other,
}

/// The values that pass a comparison.
struct Passing {
    /// Every value that passes it passes this.
    at_least: ValueTest,
    /// Every value that passes this passes it; `None` when there is no such test.
    at_most: Option<ValueTest>,
}

impl Passing {
    fn exactly(test: ValueTest) -> Self {
        Self { at_most: Some(test.clone()), at_least: test }
    }
}

impl Resolver<'_> {
    /// The field that an expression reads, directly or through a conversion that can be looked through.
    pub(super) fn esql_operand(&mut self, expr: Placed<'_>) -> Option<Operand> {
        let expr = expr.defined();
        match &expr.node.value {
            Expr::Column(name) => {
                let (name, is_element) = match expr.columns.get(name)? {
                    Column::Field(name) => (name, false),
                    Column::Element(name) => (name, true),
                    Column::Computed(_) | Column::Made | Column::Either(_) => return None,
                };
                let kind = self.esql_kind(&name);
                Some(Operand { name, kind, is_element })
            }
            Expr::Call { function, args, options: None } => match args.as_slice() {
                [arg] => self.esql_converted(&function.value, expr.part(arg)),
                _ => None,
            },
            Expr::Cast { value, to } => self.esql_converted(&format!("to_{}", to.value), expr.part(value)),
            _ => None,
        }
    }

    fn esql_converted(&mut self, function: &str, arg: Placed<'_>) -> Option<Operand> {
        let operand = self.esql_operand(arg)?;
        let kind = match (function.to_ascii_lowercase().as_str(), operand.kind) {
            ("to_string" | "to_str" | "to_keyword" | "to_text", kind @ (Kind::Text | Kind::Lowered)) => kind,
            ("to_lower", Kind::Text | Kind::Lowered) => Kind::Lowered,
            ("to_ip", Kind::Text | Kind::Address) => Kind::Address,
            ("to_boolean" | "to_bool", Kind::Truth) => Kind::Truth,
            _ => return None,
        };
        Some(Operand { kind, ..operand })
    }

    fn esql_kind(&mut self, name: &str) -> Kind {
        let (field_type, own_fold) = self.type_of(name);
        match field_type {
            // What is indexed is not what stands in the event.
            _ if own_fold != Fold::None => Kind::Other,
            // A field that the catalogue does not know is a keyword.
            Some(FieldType::Keyword | FieldType::Wildcard | FieldType::Text | FieldType::MatchOnlyText)
            | None => Kind::Text,
            Some(FieldType::Ip) => Kind::Address,
            Some(FieldType::Long) => Kind::Whole,
            Some(FieldType::Double) => Kind::Number,
            Some(FieldType::Boolean) => Kind::Truth,
            Some(
                FieldType::Date
                | FieldType::Flattened
                | FieldType::Nested
                | FieldType::Object
                | FieldType::GeoPoint
                | FieldType::Version,
            ) => Kind::Other,
        }
    }

    /// The field has a value of some kind; it may be one that cannot be read.
    pub(super) fn esql_has_value(&mut self, operand: &Operand) -> Predicate {
        self.leaf(&operand.name, FieldTest::Exists)
    }

    /// True of every event for which the field is null.
    pub(super) fn esql_is_missing(&mut self, operand: &Operand) -> Predicate {
        let id = self.intern(&operand.name);
        let is_multi_field = self.table.entry(id).segments.join(".") != operand.name;
        let is_inner = self.catalog.nested_parent(&operand.name).is_some()
            || self.catalog.flattened_parent(&operand.name).is_some();
        // Of other types a value that cannot be read is null.
        if operand.kind != Kind::Text || is_multi_field || is_inner {
            return Predicate::Const(true);
        }
        let any_text = ValueTest::TextRange(Ends { lower: None, upper: None });
        Predicate::not(self.leaf(&operand.name, FieldTest::Any(any_text)))
    }

    /// `operand` as a condition by itself.
    pub(super) fn esql_is_truth(&mut self, operand: &Operand, wanted: bool) -> Predicate {
        match operand.kind {
            Kind::Truth => self.leaf(&operand.name, FieldTest::Any(ValueTest::Bool(wanted))),
            _ => self.esql_has_value(operand),
        }
    }

    /// `operand IN (literals)`, or the opposite.
    pub(super) fn esql_is_any_of(
        &mut self,
        operand: &Operand,
        literals: &[&Literal],
        wanted: bool,
    ) -> Predicate {
        let has_null = literals.contains(&&Literal::Null);
        if has_null && !wanted {
            return Predicate::Const(false);
        }
        let passing: Vec<Option<Passing>> = literals
            .iter()
            .filter(|literal| ***literal != Literal::Null)
            .map(|literal| equal(operand.kind, literal))
            .collect();
        self.esql_passes_any(operand, passing, wanted)
    }

    /// `operand < literal` and the like. `op` is an order.
    pub(super) fn esql_in_order(&mut self, operand: &Operand, op: CompareOp, literal: &Literal) -> Predicate {
        if *literal == Literal::Null {
            return Predicate::Const(false);
        }
        match in_order(operand.kind, op, literal) {
            Some(test) => self.leaf(&operand.name, FieldTest::Any(test)),
            None => self.esql_has_value(operand),
        }
    }

    /// `operand LIKE (patterns)`, or the opposite.
    pub(super) fn esql_is_like(
        &mut self,
        operand: &Operand,
        patterns: Vec<Vec<Piece>>,
        wanted: bool,
    ) -> Predicate {
        // `NOT LIKE "*"` is `IS NULL`, against the rule.
        if patterns.iter().any(|pieces| matches!(pieces.as_slice(), [Piece::Any])) && !wanted {
            return Predicate::Const(true);
        }
        let passing: Vec<Option<Passing>> =
            patterns.into_iter().map(|pieces| like(operand.kind, pieces)).collect();
        self.esql_passes_any(operand, passing, wanted)
    }

    /// `operand RLIKE (patterns)`, or the opposite.
    pub(super) fn esql_fits_regex(
        &mut self,
        operand: &Operand,
        patterns: &[Spanned<String>],
        wanted: bool,
    ) -> Predicate {
        let mut passing = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let compiled = crate::lucene_regex::compile(&pattern.value, false).ok();
            // A pattern that all texts fit is likely to be planned like `LIKE "*"`.
            let is_total = |regex: &crate::lucene_regex::LuceneRegex| {
                regex.is_match("") && regex.is_match("\u{1}\n\u{fffd}~")
            };
            if !wanted && compiled.as_ref().is_none_or(is_total) {
                return Predicate::Const(true);
            }
            passing.push(compiled.filter(|_| operand.kind == Kind::Text).map(|regex| {
                let source = pattern.value.as_str().into();
                Passing::exactly(ValueTest::Regex { regex, source, analysed: false })
            }));
        }
        self.esql_passes_any(operand, passing, wanted)
    }

    /// `CIDR_MATCH(operand, networks)`, or the opposite.
    pub(super) fn esql_in_networks(
        &mut self,
        operand: &Operand,
        networks: &[&str],
        wanted: bool,
    ) -> Predicate {
        let passing = networks.iter().map(|text| {
            let network = text.parse::<IpNet>().ok().filter(|_| operand.kind == Kind::Address)?;
            Some(Passing::exactly(ValueTest::Network(network.trunc())))
        });
        self.esql_passes_any(operand, passing.collect(), wanted)
    }

    /// The one value passes any of these, or none; `None` stands for a comparison of which nothing is known.
    fn esql_passes_any(
        &mut self,
        operand: &Operand,
        passing: Vec<Option<Passing>>,
        wanted: bool,
    ) -> Predicate {
        let name = &operand.name;
        if wanted {
            if passing.iter().any(Option::is_none) {
                return self.esql_has_value(operand);
            }
            let tests = passing.into_iter().flatten().map(|passing| passing.at_least);
            let leaves: Vec<Predicate> = tests.map(|test| self.leaf(name, FieldTest::Any(test))).collect();
            return Predicate::or(leaves);
        }
        let exists = self.esql_has_value(operand);
        if operand.is_element {
            return exists;
        }
        let tests = passing.into_iter().flatten().filter_map(|passing| passing.at_most);
        let leaves: Vec<Predicate> = tests.map(|test| self.leaf(name, FieldTest::Any(test))).collect();
        Predicate::and([exists, Predicate::not(Predicate::or(leaves))])
    }
}

fn equal(kind: Kind, literal: &Literal) -> Option<Passing> {
    Some(match (kind, literal) {
        (Kind::Text, Literal::Text(text)) => Passing::exactly(ValueTest::text(text)),
        (Kind::Lowered, Literal::Text(text)) => {
            let test = ValueTest::text_folded(text, Fold::Lower);
            Passing { at_most: is_lower(text).then(|| test.clone()), at_least: test }
        }
        (Kind::Address, Literal::Text(text)) => {
            let address: IpAddr = text.parse().ok()?;
            Passing::exactly(ValueTest::Network(address.into()))
        }
        (Kind::Whole, literal) => {
            let number = number(literal)?;
            Passing {
                at_least: ValueTest::Number(around(number)),
                at_most: Some(ValueTest::Number(Ends::only(number))),
            }
        }
        (Kind::Number, literal) => Passing::exactly(ValueTest::Number(Ends::only(number(literal)?))),
        (Kind::Truth, Literal::Bool(b)) => Passing::exactly(ValueTest::Bool(*b)),
        (Kind::Truth, Literal::Text(text)) => {
            let wanted = match text.as_str() {
                "true" => true,
                "false" => false,
                _ => return None,
            };
            Passing::exactly(ValueTest::Bool(wanted))
        }
        _ => return None,
    })
}

/// Every value that passes passes the test.
fn in_order(kind: Kind, op: CompareOp, literal: &Literal) -> Option<ValueTest> {
    match (kind, literal) {
        (Kind::Text, Literal::Text(text)) => Some(ValueTest::TextRange(ends(op, Box::from(text.as_str()))?)),
        (Kind::Whole, literal) => {
            let bound = number(literal)?;
            let Ends { lower, upper } = ends(op, bound)?;
            let wider = around(bound);
            Some(ValueTest::Number(Ends { lower: lower.and(wider.lower), upper: upper.and(wider.upper) }))
        }
        (Kind::Number, literal) => Some(ValueTest::Number(ends(op, number(literal)?)?)),
        _ => None,
    }
}

fn like(kind: Kind, pieces: Vec<Piece>) -> Option<Passing> {
    match kind {
        Kind::Text => Some(Passing::exactly(ValueTest::Glob(Glob::new(pieces, Fold::None)))),
        Kind::Lowered => {
            let lower = pieces.iter().all(|piece| match piece {
                Piece::Text(text) => is_lower(text),
                Piece::Any | Piece::One => true,
            });
            let test = ValueTest::Glob(Glob::new(pieces, Fold::Lower));
            Some(Passing { at_most: lower.then(|| test.clone()), at_least: test })
        }
        _ => None,
    }
}

fn is_lower(text: &str) -> bool {
    text.to_lowercase() == text
}

/// Room for the rounding of values to whole numbers, whichever way.
fn around(number: f64) -> Ends<f64> {
    Ends { lower: Some((number - 1.0, false)), upper: Some((number + 1.0, false)) }
}

fn ends<T>(op: CompareOp, bound: T) -> Option<Ends<T>> {
    Some(match op {
        CompareOp::Gt => Ends { lower: Some((bound, false)), upper: None },
        CompareOp::Gte => Ends { lower: Some((bound, true)), upper: None },
        CompareOp::Lt => Ends { lower: None, upper: Some((bound, false)) },
        CompareOp::Lte => Ends { lower: None, upper: Some((bound, true)) },
        CompareOp::Eq | CompareOp::Ne => return None,
    })
}

/// A number that compares with others the same whether they are whole or not.
fn number(literal: &Literal) -> Option<f64> {
    let number = match literal {
        Literal::Integer(i) => *i as f64,
        Literal::UnsignedLong(u) => *u as f64,
        Literal::Double(f) => *f,
        _ => return None,
    };
    (number.abs() < INEXACT).then_some(number)
}
