//! A call of an aggregate whose arguments have been checked, and what an aggregate may ask of them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::logical_expr::{AggregateUDF, Expr};
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
}

impl AggregateCall<'_, '_> {
    /// Refuses any other number of arguments.
    pub(crate) fn arity(&mut self, allowed: RangeInclusive<usize>) -> Result<(), Refused> {
        if allowed.contains(&self.args.len()) {
            return Ok(());
        }
        let message = format!(
            "{} takes {} to {} arguments, not {}",
            self.name.to_ascii_uppercase(),
            allowed.start(),
            allowed.end(),
            self.args.len()
        );
        self.lowering.refuse(Diagnostic::error("esql::argument-count", message).at(self.span))
    }

    /// Says that an argument has the wrong type.
    pub(crate) fn wrong_type<T>(&mut self, operand: &Operand, expected: &str) -> Result<T, Refused> {
        let name = self.name.to_ascii_uppercase();
        let message = format!("{name} takes {expected}, and this is {}", operand.data_type.name());
        let diagnostic = Diagnostic::error("esql::argument-type", message);
        self.lowering.refuse(diagnostic.at(operand.span).label(expected.to_owned()))
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
        Aggregated { function, args, data_type, many }
    }
}
