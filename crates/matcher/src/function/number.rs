//! Arithmetic, and numbers read from text.

use query::eql::ast::ArithmeticOp;

use crate::computed::Value;

/// One number from two. Two whole numbers give a whole number, division cutting off what is left and the remainder
/// having the sign of the dividend, as in Java; with a float on either side all is float.
///
/// A division by zero is null. A whole number past 64 bits goes on as a float; Elasticsearch fails the search.
pub fn arithmetic<'a>(op: ArithmeticOp, left: &Value<'_>, right: &Value<'_>) -> Value<'a> {
    let (a, b) = match (left, right) {
        (Value::Int(a), Value::Int(b)) => {
            let whole = match op {
                ArithmeticOp::Add => a.checked_add(*b),
                ArithmeticOp::Subtract => a.checked_sub(*b),
                ArithmeticOp::Multiply => a.checked_mul(*b),
                ArithmeticOp::Divide | ArithmeticOp::Modulo if *b == 0 => return Value::Null,
                ArithmeticOp::Divide => a.checked_div(*b),
                ArithmeticOp::Modulo => Some(a.wrapping_rem(*b)),
            };
            match whole {
                Some(whole) => return Value::Int(whole),
                None => (*a as f64, *b as f64),
            }
        }
        _ => match (float(left), float(right)) {
            (Some(a), Some(b)) => (a, b),
            _ => return Value::Null,
        },
    };
    Value::Float(match op {
        ArithmeticOp::Add => a + b,
        ArithmeticOp::Subtract => a - b,
        ArithmeticOp::Multiply => a * b,
        ArithmeticOp::Divide | ArithmeticOp::Modulo if b == 0.0 => return Value::Null,
        ArithmeticOp::Divide => a / b,
        ArithmeticOp::Modulo => a % b,
    })
}

/// The number of the other sign.
pub fn negate<'a>(value: &Value<'_>) -> Value<'a> {
    match value {
        Value::Int(i) => i.checked_neg().map_or(Value::Float(-(*i as f64)), Value::Int),
        Value::Float(f) => Value::Float(-f),
        _ => Value::Null,
    }
}

fn float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// Reads a number: decimal unless a base from 2 to 36 is given or the text begins with `0x`; without a base other than
/// ten it may have a point and an exponent. Null where the text is no number.
pub(super) fn number(source: &Value<'_>, base: Option<&Value<'_>>) -> Option<Value<'static>> {
    let text = source.as_text()?;
    let hex = text.strip_prefix("0x");
    let radix = match base {
        None | Some(Value::Null) => {
            if hex.is_some() {
                16
            } else {
                10
            }
        }
        Some(Value::Int(base @ 2..=36)) => *base as u32,
        Some(_) => return None,
    };
    let digits = hex.filter(|_| radix == 16).unwrap_or(text);
    match i64::from_str_radix(digits, radix) {
        Ok(whole) => Some(Value::Int(whole)),
        Err(_) if radix == 10 => decimal(digits).map(Value::Float),
        Err(_) => None,
    }
}

/// Reads a decimal with a point or an exponent; spaces around it do not count.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    // `inf` and `nan` are words, no numbers.
    let usual = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if usual { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_that_of_java() {
        use ArithmeticOp::{Add, Divide, Modulo, Multiply, Subtract};
        use Value::{Float, Int, Null};
        let text = Value::Text("1".into());
        for (left, op, right, expected) in [
            (Int(5), Add, Int(2), Int(7)),
            (Int(5), Subtract, Float(0.5), Float(4.5)),
            (Int(5), Multiply, Int(-2), Int(-10)),
            (Int(5), Divide, Int(2), Int(2)),
            (Int(-5), Divide, Int(2), Int(-2)),
            (Int(5), Divide, Float(2.0), Float(2.5)),
            (Int(-5), Modulo, Int(3), Int(-2)),
            (Int(5), Modulo, Int(-3), Int(2)),
            (Float(5.5), Modulo, Int(2), Float(1.5)),
            (Int(5), Divide, Int(0), Null),
            (Int(5), Modulo, Int(0), Null),
            (Float(5.0), Divide, Int(0), Null),
            (Int(i64::MAX), Add, Int(1), Float(9_223_372_036_854_775_807_i64 as f64)),
            (Int(i64::MIN), Divide, Int(-1), Float(9_223_372_036_854_775_807_i64 as f64)),
            (Int(i64::MIN), Modulo, Int(-1), Int(0)),
            (Null, Add, Int(1), Null),
            (Int(1), Add, Null, Null),
            (text, Add, Int(1), Null),
        ] {
            assert_eq!(arithmetic(op, &left, &right), expected, "{left} {op:?} {right}");
        }
    }

    #[test]
    fn numbers_are_read_in_any_base() {
        let text = |t: &str| Value::Text(t.to_owned().into());
        for (source, base, expected) in [
            ("12", None, Value::Int(12)),
            ("+12", None, Value::Int(12)),
            ("-12", None, Value::Int(-12)),
            ("1.5", None, Value::Float(1.5)),
            ("1e3", None, Value::Float(1000.0)),
            (" 12 ", None, Value::Float(12.0)),
            ("99999999999999999999", None, Value::Float(1e20)),
            ("0x1F", None, Value::Int(31)),
            ("0x1f", Some(Value::Int(16)), Value::Int(31)),
            ("1f", Some(Value::Int(16)), Value::Int(31)),
            ("z", Some(Value::Int(36)), Value::Int(35)),
            ("101", Some(Value::Int(2)), Value::Int(5)),
            ("102", Some(Value::Int(2)), Value::Null),
            ("0x1f", Some(Value::Int(10)), Value::Null),
            ("12", Some(Value::Null), Value::Int(12)),
            ("12", Some(Value::Int(0)), Value::Null),
            ("12", Some(Value::Int(37)), Value::Null),
            ("12", Some(text("10")), Value::Null),
            ("", None, Value::Null),
            ("nan", None, Value::Null),
            ("inf", None, Value::Null),
            ("1 2", None, Value::Null),
        ] {
            let found = number(&text(source), base.as_ref()).unwrap_or(Value::Null);
            assert_eq!(found, expected, "{source:?} {base:?}");
        }
        assert_eq!(number(&Value::Null, None), None);
        assert_eq!(number(&Value::Int(5), None), None);
    }
}
