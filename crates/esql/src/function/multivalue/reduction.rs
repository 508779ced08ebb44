//! Functions that make one number of several: MV_SUM, MV_AVG, MV_MEDIAN, MV_PERCENTILE and so on.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, PrimitiveArray};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type, UInt64Type};
use datafusion::common::Result as PlanResult;
use datafusion::logical_expr::Expr;
use query::esql::ast::Literal;

use super::super::kind::{Double, Kind, Number, as_kind, as_lists, get};
use super::super::{Answer, Call, Function};
use super::places;
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::arithmetic::{INTEGER_OVERFLOW, LONG_OVERFLOW, UNSIGNED_LONG_OVERFLOW};
use crate::value::mathematics::finite;
use crate::value::{Refusal, percentile};

/// A percentile of less than 0 or more than 100.
const NO_PERCENTILE: Refusal = Refusal("a percentile lies between 0 and 100");

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["mv_avg"], check: avg },
    Function { names: &["mv_median"], check: median },
    Function { names: &["mv_median_absolute_deviation"], check: deviation },
    Function { names: &["mv_percentile"], check: percentile },
    Function { names: &["mv_pseries_weighted_sum"], check: pseries_weighted_sum },
    Function { names: &["mv_sum"], check: sum },
];

/// The sum, in the type of the values; null with a warning when it is out of range.
fn sum(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let values = numbers(call)?;
    Ok(match values.data_type {
        DataType::Integer => reduce::<Int32Type, Int32Type>(call, values, |numbers| {
            let sum: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
            i32::try_from(sum).map(Some).map_err(|_| INTEGER_OVERFLOW)
        }),
        DataType::Long => reduce::<Int64Type, Int64Type>(call, values, |numbers| {
            let sum: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
            i64::try_from(sum).map(Some).map_err(|_| LONG_OVERFLOW)
        }),
        DataType::UnsignedLong => reduce::<UInt64Type, UInt64Type>(call, values, |numbers| {
            let sum: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
            u64::try_from(sum).map(Some).map_err(|_| UNSIGNED_LONG_OVERFLOW)
        }),
        _ => reduce::<Float64Type, Float64Type>(call, values, |numbers| {
            finite(exact_sum(numbers.iter().copied())).map(Some)
        }),
    })
}

/// The mean, a `double`.
fn avg(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let values = numbers(call)?;
    let mean = |sum: f64, count: usize| finite(sum / count as f64).map(Some);
    Ok(match values.data_type {
        DataType::Integer => reduce_to::<Int32Type, Double>(call, values, DataType::Double, move |numbers| {
            mean(numbers.iter().map(|number| i128::from(*number)).sum::<i128>() as f64, numbers.len())
        }),
        DataType::Long => reduce_to::<Int64Type, Double>(call, values, DataType::Double, move |numbers| {
            mean(numbers.iter().map(|number| i128::from(*number)).sum::<i128>() as f64, numbers.len())
        }),
        DataType::UnsignedLong => {
            reduce_to::<UInt64Type, Double>(call, values, DataType::Double, move |numbers| {
                mean(numbers.iter().map(|number| i128::from(*number)).sum::<i128>() as f64, numbers.len())
            })
        }
        _ => reduce_to::<Float64Type, Double>(call, values, DataType::Double, move |numbers| {
            mean(exact_sum(numbers.iter().copied()), numbers.len())
        }),
    })
}

/// The value in the middle, or between the two in the middle: for whole numbers rounded down.
fn median(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let values = numbers(call)?;
    Ok(match values.data_type {
        DataType::Integer => reduce::<Int32Type, Int32Type>(call, values, |numbers| {
            Ok(median_of(numbers.to_vec(), |a, b| (a & b) + ((a ^ b) >> 1)))
        }),
        DataType::Long => reduce::<Int64Type, Int64Type>(call, values, |numbers| {
            Ok(median_of(numbers.to_vec(), |a, b| (a & b) + ((a ^ b) >> 1)))
        }),
        DataType::UnsignedLong => reduce::<UInt64Type, UInt64Type>(call, values, |numbers| {
            Ok(median_of(numbers.to_vec(), |a, b| (a & b) + ((a ^ b) >> 1)))
        }),
        _ => reduce::<Float64Type, Float64Type>(call, values, |numbers| {
            Ok(median_of(numbers.to_vec(), between))
        }),
    })
}

/// The median of the distances to the median, in the type of the values; between whole numbers rounded towards 0.
fn deviation(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let values = numbers(call)?;
    let between_whole = |a: i128, b: i128| (a + b) / 2;
    let whole = move |numbers: Vec<i128>| {
        let median = median_of(numbers.clone(), between_whole)?;
        median_of(numbers.into_iter().map(|number| (number - median).abs()).collect(), between_whole)
    };
    Ok(match values.data_type {
        DataType::Integer => reduce::<Int32Type, Int32Type>(call, values, move |numbers| {
            let deviation = whole(numbers.iter().map(|number| i128::from(*number)).collect());
            deviation.map(i32::try_from).transpose().map_err(|_| INTEGER_OVERFLOW)
        }),
        DataType::Long => reduce::<Int64Type, Int64Type>(call, values, move |numbers| {
            let deviation = whole(numbers.iter().map(|number| i128::from(*number)).collect());
            deviation.map(i64::try_from).transpose().map_err(|_| LONG_OVERFLOW)
        }),
        DataType::UnsignedLong => reduce::<UInt64Type, UInt64Type>(call, values, move |numbers| {
            let deviation = whole(numbers.iter().map(|number| i128::from(*number)).collect());
            deviation.map(u64::try_from).transpose().map_err(|_| UNSIGNED_LONG_OVERFLOW)
        }),
        _ => reduce::<Float64Type, Float64Type>(call, values, |numbers| {
            let Some(median) = median_of(numbers.to_vec(), between) else { return Ok(None) };
            let distances = numbers.iter().map(|number| (number - median).abs()).collect();
            median_of(distances, between).map(finite).transpose()
        }),
    })
}

/// `MV_PERCENTILE(values, percent)`, in the type of the values: between whole numbers rounded towards the lower one.
fn percentile(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let values = numbers(call)?;
    let percent = call.typed(1, DataType::Double)?;
    Ok(match values.data_type {
        DataType::Integer => percentiles::<Int32Type>(call, values, percent, |low, high, weight| {
            low.wrapping_add((weight * (i64::from(high) - i64::from(low)) as f64) as i32)
        }),
        DataType::Long => percentiles::<Int64Type>(call, values, percent, |low, high, weight| {
            (i128::from(low) + (weight * (i128::from(high) - i128::from(low)) as f64) as i128) as i64
        }),
        DataType::UnsignedLong => percentiles::<UInt64Type>(call, values, percent, |low, high, weight| {
            low.wrapping_add((weight * high.wrapping_sub(low) as f64) as u64)
        }),
        _ => percentiles::<Float64Type>(call, values, percent, |low, high, weight| {
            percentile::percentile_of_sorted(&[low, high], weight * 100.0).unwrap_or(low)
        }),
    })
}

fn percentiles<T: ArrowPrimitiveType>(
    call: &mut Call<'_, '_>,
    values: Operand,
    percent: Expr,
    between: impl Fn(T::Native, T::Native, f64) -> T::Native + Send + Sync + 'static,
) -> Operand {
    let counter = call.lowering.warnings.counter(call.span);
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let lists = as_lists(&args[0])?;
        let numbers = as_kind::<Number<T>>(lists.values())?;
        let percents = as_kind::<Double>(&args[1])?;
        let percentile = |row: usize| {
            let percent = get::<Double>(percents, row)?;
            let mut sorted = numbers.values()[places(lists, row)].to_vec();
            let last = sorted.len().checked_sub(1)?;
            if !(0.0..=100.0).contains(&percent) {
                counter.add(NO_PERCENTILE.reason(), 1);
                return None;
            }
            sorted.sort_unstable_by(|a, b| a.compare(*b));
            let rank = percent / 100.0 * last as f64;
            let below = (rank as usize).min(last);
            let weight = rank - below as f64;
            Some(if weight == 0.0 {
                sorted[below]
            } else {
                between(sorted[below], sorted[(below + 1).min(last)], weight)
            })
        };
        Ok(Number::<T>::collect((0..rows).map(percentile)))
    };
    let data_type = values.data_type;
    call.compute(vec![values.expr, percent], data_type, false, Arc::new(body))
}

/// `MV_PSERIES_WEIGHTED_SUM(values, p)`: the first value, plus the second by 2 to the power of p, and so on.
fn pseries_weighted_sum(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let values = numbers(call)?;
    if !matches!(values.data_type, DataType::Double) && !call.args[0].is_null() {
        return call.wrong_type(0, &values, "double");
    }
    let power = match call.constant(1)? {
        Literal::Double(power) => power,
        Literal::Integer(power) => power as f64,
        Literal::Null => return Ok(Operand::null(DataType::Double, call.span)),
        _ => {
            let operand = call.args[1].clone();
            return call.wrong_type(1, &operand, "a constant number");
        }
    };
    let Ok(values) = call.lowering.coerce(values, DataType::Double) else { return Err(Refused) };
    Ok(reduce::<Float64Type, Float64Type>(call, values, move |numbers| {
        let weighted = numbers.iter().enumerate().map(|(at, number)| number / ((at + 1) as f64).powf(power));
        finite(exact_sum(weighted)).map(Some)
    }))
}

/// All numbers of the first argument, as lists; the null literal is null integers, a field of unknown type numbers of
/// any kind.
fn numbers(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    let operand = call.args[0].clone();
    let target = if operand.is_untyped { DataType::Double } else { DataType::Integer };
    let operand = if operand.is_null() || operand.is_untyped {
        call.lowering.coerce(operand, target).unwrap_or_else(|operand| *operand)
    } else {
        operand
    };
    if !operand.data_type.is_number() {
        return call.wrong_type(0, &operand, "numbers");
    }
    Ok(call.lowering.listed(operand))
}

/// A result in the type of the values.
fn reduce<A: ArrowPrimitiveType, R: ArrowPrimitiveType>(
    call: &mut Call<'_, '_>,
    values: Operand,
    f: impl Fn(&[A::Native]) -> Answer<R::Native> + Send + Sync + 'static,
) -> Operand {
    let data_type = values.data_type;
    reduce_to::<A, Number<R>>(call, values, data_type, f)
}

/// A result computed from the numbers of each row that has some.
fn reduce_to<A: ArrowPrimitiveType, R: Kind>(
    call: &mut Call<'_, '_>,
    values: Operand,
    data_type: DataType,
    f: impl Fn(&[A::Native]) -> Answer<R::Owned> + Send + Sync + 'static,
) -> Operand {
    let counter = call.lowering.warnings.counter(call.span);
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let lists = as_lists(&args[0])?;
        let numbers: &PrimitiveArray<A> = as_kind::<Number<A>>(lists.values())?;
        let reduced = |row: usize| {
            let numbers = &numbers.values()[places(lists, row)];
            if numbers.is_empty() {
                return None;
            }
            f(numbers).unwrap_or_else(|refusal| {
                counter.add(refusal.reason(), 1);
                None
            })
        };
        Ok(R::collect((0..rows).map(reduced)))
    };
    call.compute(vec![values.expr], data_type, false, Arc::new(body))
}

/// The number in the middle.
fn median_of<T: Copy + PartialOrd>(mut numbers: Vec<T>, between: impl Fn(T, T) -> T) -> Option<T> {
    numbers.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    Some(if numbers.len() % 2 == 1 { upper } else { between(numbers[middle - 1], upper) })
}

fn between(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if sum.is_finite() { sum / 2.0 } else { a / 2.0 + b / 2.0 }
}

/// The sum with what rounding loses added at the end.
fn exact_sum(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for number in numbers {
        let next = sum + number;
        lost += if sum.abs() >= number.abs() { (sum - next) + number } else { (number - next) + sum };
        sum = next;
    }
    if lost.is_finite() { sum + lost } else { sum }
}
