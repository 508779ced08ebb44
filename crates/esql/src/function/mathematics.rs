//! Functions over numbers.

use datafusion::logical_expr::lit;
use query::esql::ast::Literal;

use super::kind::{Double, Integer, Long, Millis, Nanos, Unsigned};
use super::{Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::mathematics as maths;
use crate::value::{Outcome, date, number, number_rounding};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["abs"], check: abs },
    Function { names: &["acos"], check: |call| of_double(call, maths::acos) },
    Function { names: &["acosh"], check: |call| of_double(call, maths::acosh) },
    Function { names: &["asin"], check: |call| of_double(call, maths::asin) },
    Function { names: &["asinh"], check: |call| of_double(call, |x| Ok(x.asinh())) },
    Function { names: &["atan"], check: |call| of_double(call, |x| Ok(x.atan())) },
    Function { names: &["atan2"], check: |call| of_doubles(call, |y, x| Ok(y.atan2(x))) },
    Function { names: &["atanh"], check: |call| of_double(call, maths::atanh) },
    Function { names: &["cbrt"], check: |call| of_double(call, |x| Ok(x.cbrt())) },
    Function { names: &["ceil"], check: |call| whole(call, f64::ceil) },
    Function { names: &["copy_sign"], check: |call| of_doubles(call, |x, sign| Ok(x.copysign(sign))) },
    Function { names: &["cos"], check: |call| of_double(call, |x| Ok(x.cos())) },
    Function { names: &["cosh"], check: |call| of_double(call, |x| maths::finite(x.cosh())) },
    Function { names: &["e"], check: |call| constant(call, std::f64::consts::E) },
    Function { names: &["exp"], check: |call| of_double(call, maths::exp) },
    Function { names: &["floor"], check: |call| whole(call, f64::floor) },
    Function { names: &["hypot"], check: |call| of_doubles(call, |x, y| maths::finite(x.hypot(y))) },
    Function { names: &["log"], check: log },
    Function { names: &["log10"], check: |call| of_double(call, maths::log10) },
    Function { names: &["pi"], check: |call| constant(call, std::f64::consts::PI) },
    Function { names: &["pow"], check: |call| of_doubles(call, maths::pow) },
    Function { names: &["round"], check: round },
    Function { names: &["round_to"], check: round_to },
    Function { names: &["scalb"], check: scalb },
    Function { names: &["signum"], check: |call| of_double(call, |x| Ok(maths::signum(x))) },
    Function { names: &["sin"], check: |call| of_double(call, |x| Ok(x.sin())) },
    Function { names: &["sinh"], check: |call| of_double(call, |x| maths::finite(x.sinh())) },
    Function { names: &["sqrt"], check: |call| of_double(call, maths::sqrt) },
    Function { names: &["tan"], check: |call| of_double(call, |x| Ok(x.tan())) },
    Function { names: &["tanh"], check: |call| of_double(call, |x| Ok(x.tanh())) },
    Function { names: &["tau"], check: |call| constant(call, std::f64::consts::TAU) },
    Function { names: &["to_degrees"], check: |call| of_each_double(call, maths::to_degrees) },
    Function { names: &["to_radians"], check: |call| of_each_double(call, |x| Ok(maths::to_radians(x))) },
];

fn constant(call: &mut Call<'_, '_>, value: f64) -> Result<Operand, Refused> {
    call.arity(0..=0)?;
    Ok(Operand::single(lit(value), DataType::Double, call.span))
}

fn of_double(call: &mut Call<'_, '_>, f: fn(f64) -> Outcome<f64>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.typed(0, DataType::Double)?;
    Ok(call.map1::<Double, Double>(arg, DataType::Double, move |x| f(x).map(Some)))
}

fn of_each_double(call: &mut Call<'_, '_>, f: fn(f64) -> Outcome<f64>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.all(0, DataType::Double)?;
    Ok(call.map_each::<Double, Double>(arg, DataType::Double, move |x| f(x).map(Some)))
}

fn of_doubles(call: &mut Call<'_, '_>, f: fn(f64, f64) -> Outcome<f64>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.typed(0, DataType::Double)?, call.typed(1, DataType::Double)?];
    Ok(call.map2::<Double, Double, Double>(args, DataType::Double, move |x, y| f(x, y).map(Some)))
}

/// A number, or a base and a number.
fn log(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=2)?;
    if call.has(1) { of_doubles(call, maths::log_to_base) } else { of_double(call, maths::log) }
}

fn scalb(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.typed(0, DataType::Double)?, call.typed(1, DataType::Long)?];
    Ok(call.map2::<Double, Long, Double>(args, DataType::Double, |x, scale| {
        // Beyond these the result is what it is at them.
        let scale = scale.clamp(i32::MIN.into(), i32::MAX.into());
        maths::scalb(x, i32::try_from(scale).unwrap_or(i32::MAX)).map(Some)
    }))
}

/// A number of the same type; whole numbers are what they are.
fn whole(call: &mut Call<'_, '_>, f: fn(f64) -> f64) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let number = call.number(0)?;
    if number.data_type != DataType::Double {
        return Ok(Operand { span: call.span, literal: None, ..number });
    }
    Ok(call.map1::<Double, Double>(number.expr, DataType::Double, move |x| Ok(Some(f(x)))))
}

fn abs(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let Operand { expr, data_type, .. } = call.number(0)?;
    Ok(match data_type {
        DataType::Integer => {
            call.map1::<Integer, Integer>(expr, data_type, |x| maths::abs_integer(x).map(Some))
        }
        DataType::Long => call.map1::<Long, Long>(expr, data_type, |x| maths::abs_long(x).map(Some)),
        DataType::Double => call.map1::<Double, Double>(expr, data_type, |x| Ok(Some(x.abs()))),
        _ => Operand::single(expr, data_type, call.span),
    })
}

/// A number, and to how many decimals; to a whole number when these are left away. The type stays.
fn round(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    use number_rounding::{round_double, round_integer, round_long, round_unsigned_long};
    call.arity(1..=2)?;
    let Operand { expr, data_type, .. } = call.number(0)?;
    let decimals = if call.has(1) { call.typed(1, DataType::Long)? } else { lit(0_i64) };
    let args = [expr, decimals];
    Ok(match data_type {
        DataType::Integer => call.map2::<Integer, Long, Integer>(args, data_type, |x, decimals| {
            round_integer(x, decimals).map(Some)
        }),
        DataType::Long => {
            call.map2::<Long, Long, Long>(args, data_type, |x, decimals| round_long(x, decimals).map(Some))
        }
        DataType::UnsignedLong => call.map2::<Unsigned, Long, Unsigned>(args, data_type, |x, decimals| {
            round_unsigned_long(x, decimals).map(Some)
        }),
        _ => call
            .map2::<Double, Long, Double>(args, data_type, |x, decimals| Ok(Some(round_double(x, decimals)))),
    })
}

/// A number or date, and constant points in any order: the greatest point that is not above it, or else the least.
fn round_to(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=usize::MAX)?;
    let constants = (1..call.args.len()).map(|index| call.constant(index)).collect::<Result<Vec<_>, _>>()?;
    let args = call.args.clone();
    let (mut args, data_type, _) = call.lowering.unify(args, call.name)?;
    let value = args.swap_remove(0);
    let value = call.lowering.single(value).expr;
    let of_type = |read: fn(&str) -> Outcome<i64>| {
        let whole = |constant: &Literal| match constant {
            Literal::Integer(number) => Some(*number),
            Literal::Text(text) => read(text).ok(),
            _ => None,
        };
        let mut points: Vec<i64> = constants.iter().filter_map(whole).collect();
        points.sort_unstable();
        points
    };
    Ok(match data_type {
        DataType::Integer => {
            let points = of_type(number::text_to_long);
            call.map1::<Integer, Integer>(value, data_type, move |x| {
                let point = number_rounding::round_to(x.into(), &points);
                point.map(number::long_to_integer).transpose()
            })
        }
        DataType::Long => {
            let points = of_type(number::text_to_long);
            call.map1::<Long, Long>(value, data_type, move |x| Ok(number_rounding::round_to(x, &points)))
        }
        DataType::Date => {
            let points = of_type(date::parse_millis);
            call.map1::<Millis, Millis>(value, data_type, move |x| Ok(number_rounding::round_to(x, &points)))
        }
        DataType::DateNanos => {
            let points = of_type(date::parse_nanos);
            call.map1::<Nanos, Nanos>(value, data_type, move |x| Ok(number_rounding::round_to(x, &points)))
        }
        DataType::Double => {
            let number = |constant: &Literal| match constant {
                Literal::Integer(number) => Some(*number as f64),
                Literal::UnsignedLong(number) => Some(*number as f64),
                Literal::Double(number) => Some(*number),
                _ => None,
            };
            let mut points: Vec<f64> = constants.iter().filter_map(number).collect();
            points.sort_unstable_by(f64::total_cmp);
            call.map1::<Double, Double>(value, data_type, move |x| Ok(number_rounding::round_to(x, &points)))
        }
        DataType::Null => Operand::null(DataType::Null, call.span),
        _ => {
            let operand = call.args[0].clone();
            return call.wrong_type(0, &operand, "a number or a date");
        }
    })
}
