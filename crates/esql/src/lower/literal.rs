//! Constants as operands.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use query::Span;
use query::esql::ast::{Literal, TimeUnit};

use super::{Lowering, Refused};
use crate::DataType;
use crate::operand::Operand;

impl Lowering<'_> {
    /// A constant. Several values make a column of lists.
    pub(crate) fn literal(&mut self, literal: &Literal, span: Span) -> Result<Operand, Refused> {
        let data_type = type_of(literal);
        let mut operand = match literal {
            Literal::Null => Operand::null(DataType::Null, span),
            Literal::TimeSpan(_) => Operand::null(data_type, span),
            Literal::List(items) => {
                let parts: Vec<Operand> = items
                    .iter()
                    .map(|item| self.literal(&item.value, item.span))
                    .collect::<Result<_, _>>()?;
                let values: Vec<ScalarValue> = parts
                    .iter()
                    .filter_map(|part| match &part.expr {
                        Expr::Literal(value, _) if !value.is_null() => Some(value.clone()),
                        _ => None,
                    })
                    .collect();
                let (_, data_type, _) = self.unify(parts, "a list of constants")?;
                // Whole numbers of different sizes, and fractions beside them, meet in one type.
                let widened = values.iter().map(|value| value.cast_to(&data_type.arrow())).collect();
                let values: Vec<ScalarValue> = self.planned(widened, span)?;
                let list = ScalarValue::List(ScalarValue::new_list(&values, &data_type.arrow(), true));
                Operand::many(lit(list), data_type, span)
            }
            other => Operand::single(lit(scalar(other)), data_type, span),
        };
        operand.literal = Some(literal.clone());
        Ok(operand)
    }
}

fn type_of(literal: &Literal) -> DataType {
    match literal {
        Literal::Null | Literal::List(_) => DataType::Null,
        Literal::Bool(_) => DataType::Boolean,
        Literal::Integer(number) if i32::try_from(*number).is_ok() => DataType::Integer,
        Literal::Integer(_) => DataType::Long,
        Literal::UnsignedLong(_) => DataType::UnsignedLong,
        Literal::Double(_) => DataType::Double,
        Literal::Text(_) => DataType::Keyword,
        Literal::TimeSpan(span) if span.unit < TimeUnit::Day => DataType::TimeDuration,
        Literal::TimeSpan(_) => DataType::DatePeriod,
    }
}

fn scalar(literal: &Literal) -> ScalarValue {
    match literal {
        Literal::Bool(value) => ScalarValue::Boolean(Some(*value)),
        Literal::Integer(number) => match i32::try_from(*number) {
            Ok(small) => ScalarValue::Int32(Some(small)),
            Err(_) => ScalarValue::Int64(Some(*number)),
        },
        Literal::UnsignedLong(number) => ScalarValue::UInt64(Some(*number)),
        Literal::Double(number) => ScalarValue::Float64(Some(*number)),
        Literal::Text(text) => ScalarValue::Utf8(Some(text.clone())),
        Literal::Null | Literal::TimeSpan(_) | Literal::List(_) => ScalarValue::Null,
    }
}
