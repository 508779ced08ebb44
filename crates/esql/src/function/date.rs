//! Dates: arithmetic with lengths of time, and the functions over dates.

use query::Span;
use query::esql::ast::ArithmeticOp;

use crate::lower::{Lowering, Refused};
use crate::operand::Operand;

impl Lowering<'_> {
    /// A date plus or minus a length of time, or lengths of time added.
    pub(crate) fn date_arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: Operand,
        right: Operand,
        span: Span,
    ) -> Result<Operand, Refused> {
        let what = format!("{} {op} {}", left.data_type.name(), right.data_type.name());
        self.unsupported(&what, "dates take lengths of time only", span)
    }
}
