//! Rounding numbers: `ROUND`, `ROUND_TO`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql-core/src/main/java/org/elasticsearch/xpack/esql/core/expression/
//! predicate/operator/math/Maths.java; x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/
//! function/scalar/math/{Round,RoundTo}.java.

use super::Outcome;
use super::arithmetic::{INTEGER_OVERFLOW, LONG_OVERFLOW, UNSIGNED_LONG_OVERFLOW};

/// `ROUND` of a `double` to so many decimals, or when negative to so many digits before the point. A half goes away
/// from zero.
pub fn round_double(number: f64, decimals: i64) -> f64 {
    let scale = 10_f64.powf(decimals as f64);
    if number.is_nan() || number == 0.0 || scale == 0.0 {
        return 0.0;
    }
    let scaled = number * scale;
    if scaled.is_infinite() {
        return number;
    }
    let rounded = scaled.abs().round() / scale;
    if scaled < 0.0 { -rounded } else { rounded }
}

/// `ROUND` of an `integer`.
pub fn round_integer(number: i32, decimals: i64) -> Outcome<i32> {
    let rounded = round_long(number.into(), decimals).map_err(|_| INTEGER_OVERFLOW)?;
    i32::try_from(rounded).map_err(|_| INTEGER_OVERFLOW)
}

/// `ROUND` of a `long`. With no more digits than are rounded off it is 0: 99 to hundreds.
pub fn round_long(number: i64, decimals: i64) -> Outcome<i64> {
    let Some(unit) = unit(number.unsigned_abs(), decimals, true) else {
        return Ok(if decimals >= 0 { number } else { 0 });
    };
    let rounded = round_size(number.unsigned_abs(), unit);
    let rounded = if number < 0 { -rounded } else { rounded };
    i64::try_from(rounded).map_err(|_| LONG_OVERFLOW)
}

/// `ROUND` of an `unsigned_long`.
pub fn round_unsigned_long(number: u64, decimals: i64) -> Outcome<u64> {
    // Upstream looks at the number of digits only of what fits a `long`.
    let Some(unit) = unit(number, decimals, i64::try_from(number).is_ok()) else {
        return Ok(if decimals >= 0 { number } else { 0 });
    };
    u64::try_from(round_size(number, unit)).map_err(|_| UNSIGNED_LONG_OVERFLOW)
}

/// 10 to the number of digits that are rounded off; `None` when nothing is, or nothing remains.
fn unit(size: u64, decimals: i64, by_digits: bool) -> Option<i128> {
    let off = u32::try_from(decimals.checked_neg()?).ok().filter(|off| (1..=20).contains(off))?;
    if by_digits && size.checked_ilog10().is_none_or(|digits| digits < off) {
        return None;
    }
    Some(10_i128.pow(off))
}

/// The nearest multiple of the unit; a half goes up.
fn round_size(size: u64, unit: i128) -> i128 {
    (i128::from(size) + unit / 2) / unit * unit
}

/// `ROUND_TO`: the greatest of the points that is not above the value, or the least of all; `None` without points.
/// The points are in ascending order.
pub fn round_to<T: PartialOrd + Copy>(value: T, points: &[T]) -> Option<T> {
    let above = points.partition_point(|point| *point <= value);
    points.get(above.saturating_sub(1)).copied()
}

/// `BUCKET`: the greatest multiple of a size that is not above the number.
pub fn round_to_multiple(number: f64, size: f64) -> f64 {
    (number / size).floor() * size
}

/// The least of the sizes 1, 5, 10, 50 and so on, and their decimal parts, with which no more than so many buckets cover
/// a range.
pub fn bucket_size(buckets: f64, from: f64, to: f64) -> f64 {
    let precise = (to - from) / buckets;
    let power = 10_f64.powf(precise.log10().ceil());
    if precise < power / 2.0 { power / 2.0 } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles() {
        let table = [
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (2.345, 2, 2.35),
            (0.1 + 0.2, 2, 0.3),
            (1234.5, -2, 1200.0),
            (-1250.0, -2, -1300.0),
            (49.0, -2, 0.0),
            (1e300, 10, 1e300),
            (1e300, 400, 1e300),
            (1e17 + 2.0, 2, 1e17 + 2.0),
            (0.5, -400, 0.0),
            (f64::NAN, 0, 0.0),
            (0.499_999_999_999_999_94, 0, 0.0),
        ];
        for (number, decimals, rounded) in table {
            assert_eq!(round_double(number, decimals), rounded, "{number} {decimals}");
        }
    }

    #[test]
    fn whole_numbers() {
        let table = [
            (1234, 2, Ok(1234)),
            (1234, 0, Ok(1234)),
            (1234, -1, Ok(1230)),
            (1235, -1, Ok(1240)),
            (-1235, -1, Ok(-1240)),
            (1234, -3, Ok(1000)),
            (150, -2, Ok(200)),
            (99, -2, Ok(0)),
            (9999, -4, Ok(0)),
            (5, -1, Ok(0)),
            (1, -30, Ok(0)),
            (0, -1, Ok(0)),
            (1, i64::MIN, Ok(1)),
            (i64::MAX, -1, Ok(9_223_372_036_854_775_810_i128)),
        ];
        for (number, decimals, rounded) in table {
            let rounded = rounded.and_then(|rounded| i64::try_from(rounded).map_err(|_| LONG_OVERFLOW));
            if decimals != i64::MIN {
                assert_eq!(round_long(number, decimals), rounded, "{number} {decimals}");
            }
        }
        assert_eq!(round_integer(i32::MAX, -1), Err(INTEGER_OVERFLOW));
        assert_eq!(round_integer(-1250, -2), Ok(-1300));
        assert_eq!(round_unsigned_long(u64::MAX, -1), Err(UNSIGNED_LONG_OVERFLOW));
        assert_eq!(round_unsigned_long(u64::MAX - 5, -1), Ok(u64::MAX - 5));
        assert_eq!(round_unsigned_long(99, -2), Ok(0));
    }

    #[test]
    fn buckets() {
        for (number, size, bucket) in
            [(149.0, 50.0, 100.0), (-1.0, 50.0, -50.0), (0.0, 50.0, 0.0), (1.4, 0.5, 1.0)]
        {
            assert_eq!(round_to_multiple(number, size), bucket);
        }
        for (buckets, from, to, size) in
            [(20.0, 0.0, 1000.0, 100.0), (25.0, 0.0, 1000.0, 50.0), (5.0, 0.0, 1.0, 0.5)]
        {
            assert_eq!(bucket_size(buckets, from, to), size);
        }
    }

    #[test]
    fn points() {
        let points = [0, 10, 100];
        for (value, rounded) in [(-5, 0), (0, 0), (9, 0), (10, 10), (99, 10), (1000, 100)] {
            assert_eq!(round_to(value, &points), Some(rounded), "{value}");
        }
        assert_eq!(round_to(1, &[]), None);
    }

    proptest! {
        #[test]
        fn rounding_moves_by_half_a_unit_at_most(number in -1_000_000_000_i64..1_000_000_000, digits in 1_u32..6) {
            let unit = 10_i64.pow(digits);
            let rounded = round_long(number, -i64::from(digits)).unwrap();
            prop_assert_eq!(rounded % unit, 0);
            prop_assert!(rounded == 0 || (rounded - number).abs() * 2 <= unit);
        }
    }
}
