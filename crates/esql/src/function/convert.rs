//! Conversions: `::` and the functions `TO_…`.

use query::Span;

use crate::DataType;
use crate::lower::{Lowering, Refused};
use crate::operand::Operand;

impl Lowering<'_> {
    /// The value as another type: each value by itself, null with a warning where it has no such value.
    pub(crate) fn convert(&mut self, value: Operand, data_type: DataType, span: Span) -> Result<Operand, Refused> {
        match self.coerce(value, data_type) {
            Ok(value) => Ok(Operand { span, literal: None, ..value }),
            Err(value) => {
                let what = format!("a conversion from {} to {}", value.data_type.name(), data_type.name());
                self.unsupported(&what, "there is no such conversion", span)
            }
        }
    }
}
