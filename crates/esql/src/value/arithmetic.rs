//! Sums, differences, products, quotients and remainders.
//!
//! What a type cannot hold is refused, and so is division by zero. Whole numbers are divided towards zero; the smallest
//! one divided by -1 stays what it is, as in Java.
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/predicate/
//! operator/arithmetic/{Add,Sub,Mul,Div,Mod,Neg}.java.

use query::esql::ast::ArithmeticOp;

use super::mathematics::finite;
use super::{Outcome, Refusal};

/// A division by zero.
pub const DIVISION_BY_ZERO: Refusal = Refusal("division by zero");
/// A result that is no `integer`.
pub const INTEGER_OVERFLOW: Refusal = Refusal("integer overflow");
/// A result that is no `long`.
pub const LONG_OVERFLOW: Refusal = Refusal("long overflow");
/// A result that is no `unsigned_long`.
pub const UNSIGNED_LONG_OVERFLOW: Refusal = Refusal("unsigned_long overflow");

/// Two values of `integer`.
pub fn integers(op: ArithmeticOp, left: i32, right: i32) -> Outcome<i32> {
    match op {
        ArithmeticOp::Divide | ArithmeticOp::Modulo if right == 0 => Err(DIVISION_BY_ZERO),
        ArithmeticOp::Divide => Ok(left.wrapping_div(right)),
        ArithmeticOp::Modulo => Ok(left.wrapping_rem(right)),
        ArithmeticOp::Add => left.checked_add(right).ok_or(INTEGER_OVERFLOW),
        ArithmeticOp::Subtract => left.checked_sub(right).ok_or(INTEGER_OVERFLOW),
        ArithmeticOp::Multiply => left.checked_mul(right).ok_or(INTEGER_OVERFLOW),
    }
}

/// Two values of `long`.
pub fn longs(op: ArithmeticOp, left: i64, right: i64) -> Outcome<i64> {
    match op {
        ArithmeticOp::Divide | ArithmeticOp::Modulo if right == 0 => Err(DIVISION_BY_ZERO),
        ArithmeticOp::Divide => Ok(left.wrapping_div(right)),
        ArithmeticOp::Modulo => Ok(left.wrapping_rem(right)),
        ArithmeticOp::Add => left.checked_add(right).ok_or(LONG_OVERFLOW),
        ArithmeticOp::Subtract => left.checked_sub(right).ok_or(LONG_OVERFLOW),
        ArithmeticOp::Multiply => left.checked_mul(right).ok_or(LONG_OVERFLOW),
    }
}

/// Two values of `unsigned_long`.
pub fn unsigned_longs(op: ArithmeticOp, left: u64, right: u64) -> Outcome<u64> {
    match op {
        ArithmeticOp::Divide => left.checked_div(right).ok_or(DIVISION_BY_ZERO),
        ArithmeticOp::Modulo => left.checked_rem(right).ok_or(DIVISION_BY_ZERO),
        ArithmeticOp::Add => left.checked_add(right).ok_or(UNSIGNED_LONG_OVERFLOW),
        ArithmeticOp::Subtract => left.checked_sub(right).ok_or(UNSIGNED_LONG_OVERFLOW),
        ArithmeticOp::Multiply => left.checked_mul(right).ok_or(UNSIGNED_LONG_OVERFLOW),
    }
}

/// Two values of `double`.
pub fn doubles(op: ArithmeticOp, left: f64, right: f64) -> Outcome<f64> {
    match op {
        ArithmeticOp::Divide | ArithmeticOp::Modulo if right == 0.0 => Err(DIVISION_BY_ZERO),
        ArithmeticOp::Divide => finite(left / right),
        ArithmeticOp::Modulo => finite(left % right),
        ArithmeticOp::Add => finite(left + right),
        ArithmeticOp::Subtract => finite(left - right),
        ArithmeticOp::Multiply => finite(left * right),
    }
}

/// `-value` of an `integer`.
pub fn negate_integer(value: i32) -> Outcome<i32> {
    value.checked_neg().ok_or(INTEGER_OVERFLOW)
}

/// `-value` of a `long`.
pub fn negate_long(value: i64) -> Outcome<i64> {
    value.checked_neg().ok_or(LONG_OVERFLOW)
}

#[cfg(test)]
mod tests {
    use super::super::mathematics::NOT_FINITE;
    use super::*;
    use ArithmeticOp::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers() {
        let table = [
            (Add, 2, 3, Ok(5)),
            (Subtract, 2, 3, Ok(-1)),
            (Multiply, 2, 3, Ok(6)),
            (Divide, 5, 2, Ok(2)),
            (Divide, -5, 2, Ok(-2)),
            (Modulo, -5, 2, Ok(-1)),
            (Divide, 5, 0, Err(DIVISION_BY_ZERO)),
            (Modulo, 5, 0, Err(DIVISION_BY_ZERO)),
            (Divide, i32::MIN, -1, Ok(i32::MIN)),
            (Modulo, i32::MIN, -1, Ok(0)),
            (Add, i32::MAX, 1, Err(INTEGER_OVERFLOW)),
            (Subtract, i32::MIN, 1, Err(INTEGER_OVERFLOW)),
            (Multiply, i32::MAX, 2, Err(INTEGER_OVERFLOW)),
        ];
        for (op, left, right, result) in table {
            assert_eq!(integers(op, left, right), result, "{left} {op:?} {right}");
        }
        assert_eq!(longs(Add, i64::MAX, 1), Err(LONG_OVERFLOW));
        assert_eq!(longs(Divide, 7, 0), Err(DIVISION_BY_ZERO));
        assert_eq!(longs(Divide, i64::MIN, -1), Ok(i64::MIN));
        assert_eq!(unsigned_longs(Subtract, 1, 2), Err(UNSIGNED_LONG_OVERFLOW));
        assert_eq!(unsigned_longs(Modulo, 1, 0), Err(DIVISION_BY_ZERO));
        assert_eq!(
            (negate_integer(i32::MIN), negate_long(i64::MIN)),
            (Err(INTEGER_OVERFLOW), Err(LONG_OVERFLOW))
        );
    }

    #[test]
    fn doubles_stay_finite() {
        assert_eq!(doubles(Divide, 5.0, 2.0), Ok(2.5));
        assert_eq!(doubles(Divide, 5.0, 0.0), Err(DIVISION_BY_ZERO));
        assert_eq!(doubles(Modulo, 5.5, -0.0), Err(DIVISION_BY_ZERO));
        assert_eq!(doubles(Modulo, -5.5, 2.0), Ok(-1.5));
        assert_eq!(doubles(Multiply, f64::MAX, 2.0), Err(NOT_FINITE));
        assert_eq!(doubles(Add, f64::MAX, f64::MAX), Err(NOT_FINITE));
    }

    proptest! {
        #[test]
        fn long_and_integer_agree_within_integer(
            op in prop::sample::select(vec![Add, Subtract, Multiply, Divide, Modulo]),
            left: i32,
            right: i32,
        ) {
            if let Ok(result) = integers(op, left, right) {
                prop_assume!(!(op == Divide && left == i32::MIN && right == -1));
                prop_assert_eq!(longs(op, left.into(), right.into()), Ok(i64::from(result)));
            }
        }
    }
}
