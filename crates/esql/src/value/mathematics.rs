//! Functions of mathematics. A result that is not finite, and an argument that has no result, are refused.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/math/*.java.

use super::arithmetic::{INTEGER_OVERFLOW, LONG_OVERFLOW};
use super::{Outcome, Refusal};

/// A result that is infinite or no number.
pub const NOT_FINITE: Refusal = Refusal("not a finite number");
/// A square root of a negative number.
pub const ROOT_OF_NEGATIVE: Refusal = Refusal("square root of a negative number");
/// A logarithm of zero or less.
pub const LOG_OF_NON_POSITIVE: Refusal = Refusal("logarithm of a number that is not positive");
/// A logarithm to base 1.
pub const LOG_OF_BASE_ONE: Refusal = Refusal("logarithm to base 1");
/// An argument outside of the domain of an inverse function.
pub const OUT_OF_DOMAIN: Refusal = Refusal("argument is out of the domain of the function");

/// The value when it is finite.
pub fn finite(value: f64) -> Outcome<f64> {
    if value.is_finite() { Ok(value) } else { Err(NOT_FINITE) }
}

/// `ABS` of an `integer`.
pub fn abs_integer(value: i32) -> Outcome<i32> {
    value.checked_abs().ok_or(INTEGER_OVERFLOW)
}

/// `ABS` of a `long`.
pub fn abs_long(value: i64) -> Outcome<i64> {
    value.checked_abs().ok_or(LONG_OVERFLOW)
}

/// `SQRT`
pub fn sqrt(value: f64) -> Outcome<f64> {
    if value < 0.0 { Err(ROOT_OF_NEGATIVE) } else { Ok(value.sqrt()) }
}

/// `LOG`, the natural logarithm.
pub fn log(value: f64) -> Outcome<f64> {
    if value <= 0.0 { Err(LOG_OF_NON_POSITIVE) } else { Ok(value.ln()) }
}

/// `LOG10`
pub fn log10(value: f64) -> Outcome<f64> {
    if value <= 0.0 { Err(LOG_OF_NON_POSITIVE) } else { Ok(value.log10()) }
}

/// `LOG` to a base, the first argument.
pub fn log_to_base(base: f64, value: f64) -> Outcome<f64> {
    match (log10(base)?, log10(value)?) {
        (0.0, _) => Err(LOG_OF_BASE_ONE),
        (base, value) => Ok(value / base),
    }
}

/// `POW`
pub fn pow(base: f64, exponent: f64) -> Outcome<f64> {
    finite(base.powf(exponent))
}

/// `EXP`
pub fn exp(value: f64) -> Outcome<f64> {
    finite(value.exp())
}

/// `SIGNUM`: -1, 0 or 1.
pub fn signum(value: f64) -> f64 {
    if value == 0.0 { value } else { value.signum() }
}

/// `SCALB`: the value times 2 to the power of the scale.
pub fn scalb(value: f64, scale: i32) -> Outcome<f64> {
    // In steps, so that a power of two is never out of range where the result is not.
    let scale = scale.clamp(-2200, 2200);
    let step = scale / 3;
    let steps = [step, step, scale - 2 * step];
    finite(steps.iter().fold(value, |value, step| value * 2_f64.powi(*step)))
}

/// `ACOS`
pub fn acos(value: f64) -> Outcome<f64> {
    within_one(value).map(f64::acos)
}

/// `ASIN`
pub fn asin(value: f64) -> Outcome<f64> {
    within_one(value).map(f64::asin)
}

/// `ACOSH`
pub fn acosh(value: f64) -> Outcome<f64> {
    if value < 1.0 { Err(OUT_OF_DOMAIN) } else { Ok(value.acosh()) }
}

/// `ATANH`
pub fn atanh(value: f64) -> Outcome<f64> {
    if value.abs() >= 1.0 { Err(OUT_OF_DOMAIN) } else { Ok(value.atanh()) }
}

fn within_one(value: f64) -> Outcome<f64> {
    if value.abs() > 1.0 { Err(OUT_OF_DOMAIN) } else { Ok(value) }
}

/// `TO_RADIANS`
pub fn to_radians(value: f64) -> f64 {
    value.to_radians()
}

/// `TO_DEGREES`
pub fn to_degrees(value: f64) -> Outcome<f64> {
    finite(value.to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_domains() {
        let table: [(&str, Outcome<f64>, Outcome<f64>); 20] = [
            ("sqrt 9", sqrt(9.0), Ok(3.0)),
            ("sqrt -1", sqrt(-1.0), Err(ROOT_OF_NEGATIVE)),
            ("sqrt -0", sqrt(-0.0), Ok(-0.0)),
            ("log 1", log(1.0), Ok(0.0)),
            ("log 0", log(0.0), Err(LOG_OF_NON_POSITIVE)),
            ("log10 1000", log10(1000.0), Ok(3.0)),
            ("log10 -1", log10(-1.0), Err(LOG_OF_NON_POSITIVE)),
            (
                "log 2 8",
                log_to_base(2.0, 8.0),
                Ok(1000_f64.log10() / 1000_f64.log10() * (8_f64.log10() / 2_f64.log10())),
            ),
            ("log 1 8", log_to_base(1.0, 8.0), Err(LOG_OF_BASE_ONE)),
            ("log 0 8", log_to_base(0.0, 8.0), Err(LOG_OF_NON_POSITIVE)),
            ("pow 2 10", pow(2.0, 10.0), Ok(1024.0)),
            ("pow -1 0.5", pow(-1.0, 0.5), Err(NOT_FINITE)),
            ("pow 10 400", pow(10.0, 400.0), Err(NOT_FINITE)),
            ("exp 1000", exp(1000.0), Err(NOT_FINITE)),
            ("acos 2", acos(2.0), Err(OUT_OF_DOMAIN)),
            ("asin 0", asin(0.0), Ok(0.0)),
            ("acosh 0.5", acosh(0.5), Err(OUT_OF_DOMAIN)),
            ("atanh 1", atanh(1.0), Err(OUT_OF_DOMAIN)),
            ("scalb 3 2", scalb(3.0, 2), Ok(12.0)),
            ("degrees max", to_degrees(f64::MAX), Err(NOT_FINITE)),
        ];
        for (name, result, expected) in table {
            assert_eq!(result, expected, "{name}");
        }
        assert_eq!(
            scalb(f64::from_bits(1), 2097),
            Ok(f64::from_bits(1) * 2_f64.powi(1000) * 2_f64.powi(1097 - 100) * 2_f64.powi(100))
        );
        assert_eq!(scalb(1.0, i32::MAX), Err(NOT_FINITE));
        assert_eq!([signum(-2.5), signum(0.0), signum(7.0)], [-1.0, 0.0, 1.0]);
        assert_eq!((abs_integer(i32::MIN), abs_long(i64::MIN)), (Err(INTEGER_OVERFLOW), Err(LONG_OVERFLOW)));
        assert_eq!((abs_integer(-3), abs_long(3)), (Ok(3), Ok(3)));
        assert_eq!(to_radians(180.0), std::f64::consts::PI);
    }
}
