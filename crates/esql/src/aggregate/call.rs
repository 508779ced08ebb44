//! A call of an aggregate whose arguments have been checked, and what an aggregate may ask of them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::logical_expr::{AggregateUDF, Expr};
use query::esql::ast::Literal;
use query::{Diagnostic, Span};

use super::array_aggregate::{ArrayAggregate, Start};
use crate::DataType;
use crate::lower::{Lowering, Refused};
use crate::operand::Operand;

/// A call.
pub(crate) struct AggregateCall<'a, 'q> {
    /// Where diagnostics and counters go.
    pub(crate) lowering: &'a mut Lowering<'q>,
    /// The aggregate's name, in lower case.
    pub(crate) name: &'static str,
    /// In order, as they are; `COUNT(*)` has none.
    pub(crate) args: Vec<Operand>,
    /// The whole call.
    pub(crate) span: Span,
}

/// What is computed of a group.
pub(crate) struct Aggregated {
    /// The aggregate.
    pub(crate) function: Arc<AggregateUDF>,
    /// What it is given of each row.
    pub(crate) args: Vec<Expr>,
    /// Type of the result.
    pub(crate) data_type: DataType,
    /// True when the result may have several values.
    pub(crate) many: bool,
    /// True when the result is values of a field whose type is not known.
    pub(crate) is_untyped: bool,
}

impl AggregateCall<'_, '_> {
    /// Refuses any other number of arguments.
    pub(crate) fn arity(&mut self, allowed: RangeInclusive<usize>) -> Result<(), Refused> {
        if allowed.contains(&self.args.len()) {
            return Ok(());
        }
        let name = self.name.to_ascii_uppercase();
        let expected = match (*allowed.start(), *allowed.end()) {
            (1, 1) => "one argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let message = format!("{name} takes {expected}, not {}", self.args.len());
        self.lowering.refuse(Diagnostic::error("esql::argument-count", message).at(self.span))
    }

    /// Says that an argument has the wrong type.
    pub(crate) fn wrong_type<T>(&mut self, operand: &Operand, expected: &str) -> Result<T, Refused> {
        let name = self.name.to_ascii_uppercase();
        let message = format!("{name} takes {expected}, and this is {}", operand.data_type.name());
        let diagnostic = Diagnostic::error("esql::argument-type", message);
        self.lowering.refuse(diagnostic.at(operand.span).label(expected.to_owned()))
    }

    /// The type of the result when an argument, of any type, is given back: texts are keywords.
    pub(crate) fn any_value(&mut self, index: usize) -> Result<DataType, Refused> {
        let operand = self.args[index].clone();
        match operand.data_type {
            DataType::Text => Ok(DataType::Keyword),
            data_type if data_type.is_time_span() => self.wrong_type(&operand, "values of a column"),
            data_type => Ok(data_type),
        }
    }

    /// As [`any_value`](Self::any_value), of an argument whose values have an order.
    pub(crate) fn ordered_value(&mut self, index: usize) -> Result<DataType, Refused> {
        match self.any_value(index)? {
            DataType::GeoPoint => {
                let operand = self.args[index].clone();
                self.wrong_type(&operand, "values that have an order")
            }
            data_type => Ok(data_type),
        }
    }

    /// An argument of numbers as a wider type of numbers; the null literal is null of it.
    pub(crate) fn number(&mut self, index: usize, data_type: DataType) -> Result<Operand, Refused> {
        let operand = self.args[index].clone();
        if !(operand.data_type.is_number() || operand.is_null() || operand.is_untyped) {
            return self.wrong_type(&operand, "numbers");
        }
        match self.lowering.coerce(operand, data_type) {
            Ok(operand) => Ok(operand),
            Err(operand) => self.wrong_type(&operand, data_type.name()),
        }
    }

    /// True when an argument does not depend on rows and is not null.
    pub(crate) fn is_constant(&self, index: usize) -> bool {
        let operand = &self.args[index];
        !operand.is_null() && !operand.expr.any_column_refs()
    }

    /// The constant of an argument.
    pub(crate) fn constant(&mut self, index: usize) -> Result<Literal, Refused> {
        match self.args[index].literal.clone() {
            Some(literal) => Ok(literal),
            None => {
                let operand = self.args[index].clone();
                self.wrong_type(&operand, "a constant here")
            }
        }
    }

    /// The constant whole number of an argument.
    pub(crate) fn constant_integer(&mut self, index: usize) -> Result<i64, Refused> {
        match self.constant(index)? {
            Literal::Integer(number) => Ok(number),
            _ => {
                let operand = self.args[index].clone();
                self.wrong_type(&operand, "a constant whole number")
            }
        }
    }

    /// A result computed by accumulators; `state` are the types of their state.
    pub(crate) fn compute(
        &mut self,
        args: Vec<Expr>,
        data_type: DataType,
        many: bool,
        state: Vec<ArrowType>,
        start: Start,
    ) -> Aggregated {
        let number = self.lowering.next_number();
        let returns = data_type.arrow_column(many);
        let function = ArrayAggregate::make(self.name, number, args.len(), returns, state, start);
        Aggregated { function, args, data_type, many, is_untyped: false }
    }
}
