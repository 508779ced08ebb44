//! `BUCKET`: dates and numbers rounded down to groups of one size.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! grouping/Bucket.java.

use query::esql::ast::Literal;

use super::date::{length_of, round_date, round_date_by};
use super::kind::Double;
use super::{Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::date_rounding::DateRounding;
use crate::value::{date, number_rounding};

pub(crate) const FUNCTIONS: &[Function] = &[Function { names: &["bucket", "bin"], check: bucket }];

/// A date and a length of time, a number and a size, or either with a number of groups and the constant ends of a range,
/// which the size is chosen for.
fn bucket(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=4)?;
    if call.args.len() == 3 {
        return call.refuse(2, "esql::argument-count", "bucket takes 2 or 4 arguments, not 3".to_owned());
    }
    if call.args[0].data_type.is_number() {
        return bucket_of_number(call);
    }
    let date = call.date(0)?;
    if !call.has(2) {
        return match length_of(&call.args[1]) {
            Some(length) => round_date(call, 1, date, length),
            None => {
                let operand = call.args[1].clone();
                call.wrong_type(1, &operand, "a constant length of time, for example 5 minutes")
            }
        };
    }
    let buckets = call.constant_integer(1)?;
    let (from, to) = (instant(call, 2)?, instant(call, 3)?);
    match DateRounding::for_buckets(buckets, from, to) {
        Ok(rounding) => Ok(round_date_by(call, date, rounding)),
        Err(refusal) => call.refuse(2, "esql::constant", refusal.reason().to_owned()),
    }
}

/// The constant end of a range of dates.
fn instant(call: &mut Call<'_, '_>, index: usize) -> Result<i64, Refused> {
    if let Literal::Integer(millis) = call.constant(index)? {
        return Ok(millis);
    }
    match call.read_constant(index, date::parse_millis)? {
        Some(millis) => Ok(millis),
        None => {
            let operand = call.args[index].clone();
            call.wrong_type(index, &operand, "a constant date")
        }
    }
}

fn bucket_of_number(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    let mut constants = Vec::new();
    for index in 1..call.args.len() {
        constants.push(match call.constant(index)? {
            Literal::Integer(number) => number as f64,
            Literal::UnsignedLong(number) => number as f64,
            Literal::Double(number) => number,
            _ => {
                let operand = call.args[index].clone();
                return call.wrong_type(index, &operand, "a constant number");
            }
        });
    }
    let size = match constants.as_slice() {
        [buckets, from, to] => number_rounding::bucket_size(*buckets, *from, *to),
        [size, ..] => *size,
        [] => return Err(Refused),
    };
    if size.is_nan() || size <= 0.0 {
        return call.refuse(1, "esql::constant", "the size of a bucket must be more than nothing".to_owned());
    }
    let number = call.typed(0, DataType::Double)?;
    Ok(call.map1::<Double, Double>(number, DataType::Double, move |number| {
        Ok(Some(number_rounding::round_to_multiple(number, size)))
    }))
}
