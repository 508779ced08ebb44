//! Implicit conversions: numbers widen, constants of text are read as what stands beside them, null becomes any type.
//!
//! Source: elastic/elasticsearch docs/reference/query-languages/esql/esql-implicit-casting.md.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{cast, lit};
use query::Diagnostic;
use query::esql::ast::Literal;

use super::{Lowering, Refused};
use crate::DataType;
use crate::operand::{Operand, null_of};
use crate::value;

impl Lowering<'_> {
    /// The operand as a value of the given type, when it may stand for one; else the operand as it was.
    pub(crate) fn coerce(&mut self, operand: Operand, data_type: DataType) -> Result<Operand, Box<Operand>> {
        if operand.data_type == data_type {
            return Ok(operand);
        }
        if operand.is_null() {
            let expr = null_of(data_type, operand.many);
            return Ok(Operand { expr, data_type, ..operand });
        }
        if operand.data_type.is_text() && data_type.is_text() {
            return Ok(Operand { data_type, ..operand });
        }
        if operand.is_untyped {
            // The texts are those of whatever the events hold; a whole number may be a long one.
            let target = if data_type == DataType::Integer { DataType::Long } else { data_type };
            let untyped = Operand { is_untyped: false, ..operand.clone() };
            let span = untyped.span;
            return self.convert(untyped, target, span).map_err(|Refused| Box::new(operand));
        }
        if let Some(Literal::Text(text)) = &operand.literal {
            return match text_as(text, data_type) {
                Some(value) => Ok(Operand { expr: lit(value), data_type, ..operand }),
                None => Err(Box::new(operand)),
            };
        }
        if operand.data_type.common(data_type) == Some(data_type) {
            let expr = cast(operand.expr, data_type.arrow_column(operand.many));
            return Ok(Operand { expr, data_type, ..operand });
        }
        Err(Box::new(operand))
    }

    /// The operands in one type and one form, with that type and whether they are lists. `what` names them in the
    /// diagnostic that says that there is no such type.
    pub(crate) fn unify(
        &mut self,
        operands: Vec<Operand>,
        what: &str,
    ) -> Result<(Vec<Operand>, DataType, bool), Refused> {
        let many = operands.iter().any(|operand| operand.many);
        let adapts =
            |operand: &Operand| operand.is_untyped || matches!(operand.literal, Some(Literal::Text(_)));
        // Constants of text and fields of unknown type take the type of the others, if these have one.
        let mut data_type = DataType::Null;
        for operand in operands.iter().filter(|operand| !adapts(operand)) {
            let Some(common) = data_type.common(operand.data_type) else {
                return self.no_common_type(what, data_type, operand);
            };
            data_type = common;
        }
        if data_type == DataType::Null && operands.iter().any(adapts) {
            data_type = DataType::Keyword;
        }
        if data_type == DataType::Integer && operands.iter().any(|operand| operand.is_untyped) {
            data_type = DataType::Long;
        }
        let mut unified = Vec::with_capacity(operands.len());
        for operand in operands {
            let operand = match self.coerce(operand, data_type) {
                Ok(operand) => operand,
                Err(operand) => return self.no_common_type(what, data_type, &operand),
            };
            unified.push(if many { self.listed(operand) } else { operand });
        }
        Ok((unified, data_type, many))
    }

    fn no_common_type<T>(
        &mut self,
        what: &str,
        data_type: DataType,
        operand: &Operand,
    ) -> Result<T, Refused> {
        if let Some(text) = operand.literal_text() {
            let message = format!("\"{text}\" cannot be read as {}", data_type.name());
            return self.refuse(Diagnostic::error("esql::literal-type", message).at(operand.span));
        }
        let message = format!(
            "{what} needs values of one type, not {} and {}",
            data_type.name(),
            operand.data_type.name()
        );
        let help = format!("convert it with ::{} or ::keyword", data_type.name());
        self.refuse(Diagnostic::error("esql::mixed-types", message).at(operand.span).help(help))
    }
}

/// A constant text as a value of another type.
fn text_as(text: &str, data_type: DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Some(ScalarValue::Boolean(Some(true))),
            "false" => Some(ScalarValue::Boolean(Some(false))),
            _ => None,
        },
        DataType::Ip => {
            value::ip::parse(text).ok().map(|address| ScalarValue::Binary(Some(address.to_vec())))
        }
        DataType::Version => Some(ScalarValue::Binary(Some(value::version::encode(text)))),
        DataType::Date => {
            let millis = value::date::parse_millis(text).ok()?;
            Some(ScalarValue::TimestampMillisecond(Some(millis), None))
        }
        DataType::DateNanos => {
            let nanos = value::date::parse_nanos(text).ok()?;
            Some(ScalarValue::TimestampNanosecond(Some(nanos), None))
        }
        _ => None,
    }
}
