//! MV_CONCAT and MV_ZIP: texts joined.

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result as PlanResult;
use datafusion::logical_expr::lit;

use super::super::kind::{Kind, Text, as_kind, as_lists, collect_lists, get, list_values};
use super::super::{Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;

pub(crate) const FUNCTIONS: &[Function] =
    &[Function { names: &["mv_concat"], check: concat }, Function { names: &["mv_zip"], check: zip }];

/// `MV_CONCAT(texts, delimiter)`
fn concat(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let texts = call.values(0, DataType::Keyword)?;
    let delimiter = call.text(1)?;
    let body = |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let lists = as_lists(&args[0])?;
        let (texts, delimiters) = (as_kind::<Text>(lists.values())?, as_kind::<Text>(&args[1])?);
        let joined = |row: usize| {
            let delimiter = get::<Text>(delimiters, row)?;
            let texts: Vec<&str> = list_values::<Text>(lists, texts, row).collect();
            (!texts.is_empty()).then(|| texts.join(delimiter))
        };
        Ok(Text::collect((0..rows).map(joined)))
    };
    Ok(call.compute(vec![texts, delimiter], DataType::Keyword, false, Arc::new(body)))
}

/// `MV_ZIP(left, right, delimiter)`: the first of one with the first of the other, and so on; what has no partner stays
/// as it is. Without a delimiter it is a comma.
fn zip(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=3)?;
    let left = call.values(0, DataType::Keyword)?;
    let right = call.values(1, DataType::Keyword)?;
    let delimiter = if call.has(2) { call.text(2)? } else { lit(",") };
    let body = |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let (left, right) = (as_lists(&args[0])?, as_lists(&args[1])?);
        let (left_texts, right_texts) = (as_kind::<Text>(left.values())?, as_kind::<Text>(right.values())?);
        let delimiters = as_kind::<Text>(&args[2])?;
        let zipped = |row: usize| {
            let Some(delimiter) = get::<Text>(delimiters, row) else { return Vec::new() };
            let mut left = list_values::<Text>(left, left_texts, row);
            let mut right = list_values::<Text>(right, right_texts, row);
            let next = || match (left.next(), right.next()) {
                (Some(left), Some(right)) => Some(format!("{left}{delimiter}{right}")),
                (Some(text), None) | (None, Some(text)) => Some(text.to_owned()),
                (None, None) => None,
            };
            std::iter::from_fn(next).collect()
        };
        Ok(collect_lists::<Text>((0..rows).map(zipped)))
    };
    Ok(call.compute(vec![left, right, delimiter], DataType::Keyword, true, Arc::new(body)))
}
