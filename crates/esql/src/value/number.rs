//! Numbers from and to texts and other types: `TO_INTEGER`, `TO_LONG`, `TO_UNSIGNED_LONG`, `TO_DOUBLE`, `TO_BOOLEAN`,
//! `TO_STRING`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/type/
//! EsqlDataTypeConverter.java; x-pack/plugin/esql-core/src/main/java/org/elasticsearch/xpack/esql/core/
//! {type/DataTypeConverter,util/StringUtils}.java; `java.lang.Double.toString`.

use super::{Outcome, Refusal};

/// A text that is no number.
pub const NOT_A_NUMBER: Refusal = Refusal("text is no number");
/// A number that is no `integer`.
pub const NOT_AN_INTEGER: Refusal = Refusal("number is out of the range of [integer]");
/// A number that is no `long`.
pub const NOT_A_LONG: Refusal = Refusal("number is out of the range of [long]");
/// A number that is no `unsigned_long`.
pub const NOT_AN_UNSIGNED_LONG: Refusal = Refusal("number is out of the range of [unsigned_long]");
/// A number that is no `double`.
pub const NOT_A_DOUBLE: Refusal = Refusal("number is out of the range of [double]");

/// 2^63 and 2^64: the first numbers beyond `long` and `unsigned_long`.
const LONG_END: f64 = 9_223_372_036_854_775_808.0;
const UNSIGNED_LONG_END: f64 = 18_446_744_073_709_551_616.0;

/// An `integer` from text: digits with a sign, or any number as [`text_to_double`] reads it, rounded.
pub fn text_to_integer(text: &str) -> Outcome<i32> {
    match text.parse() {
        Ok(number) => Ok(number),
        Err(_) => double_to_integer(text_to_double(text)?),
    }
}

/// A `long` from text: digits with a sign, or any number as [`text_to_double`] reads it, rounded.
pub fn text_to_long(text: &str) -> Outcome<i64> {
    match text.parse() {
        Ok(number) => Ok(number),
        Err(_) => double_to_long(text_to_double(text)?),
    }
}

/// An `unsigned_long` from text: a decimal number, exactly, what is after its point cut off.
pub fn text_to_unsigned_long(text: &str) -> Outcome<u64> {
    let decimal = Decimal::parse(text).ok_or(NOT_A_NUMBER)?;
    match decimal.whole() {
        Some(0) => Ok(0),
        Some(whole) if !decimal.negative => u64::try_from(whole).map_err(|_| NOT_AN_UNSIGNED_LONG),
        _ => Err(NOT_AN_UNSIGNED_LONG),
    }
}

/// A `double` from text, as Java reads it: `1`, `-1.5`, `.5`, `1e3`; blanks around it and a letter `f` or `d` after it
/// do not matter. Numbers in hexadecimal are not read.
pub fn text_to_double(text: &str) -> Outcome<f64> {
    let text = text.trim_matches(|letter: char| letter <= ' ');
    let text = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    Decimal::parse(text).ok_or(NOT_A_NUMBER)?;
    let number: f64 = text.parse().map_err(|_| NOT_A_NUMBER)?;
    if number.is_finite() { Ok(number) } else { Err(NOT_A_DOUBLE) }
}

/// `TO_BOOLEAN`: true for `true` in any case, false for every other text.
pub fn text_to_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

/// An `integer` from a `double`, rounded: a half goes up.
pub fn double_to_integer(number: f64) -> Outcome<i32> {
    if number > f64::from(i32::MAX) || number < f64::from(i32::MIN) {
        return Err(NOT_AN_INTEGER);
    }
    // In range after the check; not a number becomes 0, as in Java.
    Ok(round_half_up(number) as i32)
}

/// A `long` from a `double`, rounded: a half goes up.
pub fn double_to_long(number: f64) -> Outcome<i64> {
    if !(-LONG_END..=LONG_END).contains(&number) && !number.is_nan() {
        return Err(NOT_A_LONG);
    }
    // Saturating, as in Java.
    Ok(round_half_up(number) as i64)
}

/// An `unsigned_long` from a `double`, cut off after the point.
pub fn double_to_unsigned_long(number: f64) -> Outcome<u64> {
    if (0.0..UNSIGNED_LONG_END).contains(&number) { Ok(number as u64) } else { Err(NOT_AN_UNSIGNED_LONG) }
}

/// An `integer` from a `long`.
pub fn long_to_integer(number: i64) -> Outcome<i32> {
    i32::try_from(number).map_err(|_| NOT_AN_INTEGER)
}

/// An `integer` from an `unsigned_long`.
pub fn unsigned_long_to_integer(number: u64) -> Outcome<i32> {
    i32::try_from(number).map_err(|_| NOT_AN_INTEGER)
}

/// A `long` from an `unsigned_long`.
pub fn unsigned_long_to_long(number: u64) -> Outcome<i64> {
    i64::try_from(number).map_err(|_| NOT_A_LONG)
}

/// An `unsigned_long` from a `long`.
pub fn long_to_unsigned_long(number: i64) -> Outcome<u64> {
    u64::try_from(number).map_err(|_| NOT_AN_UNSIGNED_LONG)
}

/// The nearest whole number; of two, the greater one, as Java's `Math.round`.
pub(super) fn round_half_up(number: f64) -> f64 {
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// A `double` as Java prints it: `1.0`, `0.001`, `1.0E7`, `1.5E-5`, with as few digits as tell it from its neighbours.
pub fn double_to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let mut text = format!("{number:e}");
    if !text.contains('.') {
        // Of the numbers with two digits that mean the same, Java takes the nearest: 4.9E-324.
        let two = format!("{number:.1e}");
        text = if two.parse() == Ok(number) { two } else { text.replacen('e', ".0e", 1) };
    }
    text.replacen('e', "E", 1)
}

/// A decimal number as written.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent),
            None => (unsigned, "0"),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if power.is_empty() || !is_number(power) {
            return None;
        }
        // An exponent beyond any number is as good as a large one.
        let power: i32 = power.parse().unwrap_or(i32::MAX / 2).min(i32::MAX / 2);
        let exponent = if exponent.starts_with('-') { -power } else { power };
        Some(Self { negative: text.starts_with('-'), whole, fraction, exponent })
    }

    /// What stands before the point once the exponent is applied; `None` when it is too large for any type.
    fn whole(&self) -> Option<u128> {
        let digits = self.whole.bytes().chain(self.fraction.bytes()).skip_while(|digit| *digit == b'0');
        let leading = self.whole.len() + self.fraction.len() - digits.clone().count();
        let before =
            i64::try_from(self.whole.len()).ok()? - i64::try_from(leading).ok()? + i64::from(self.exponent);
        let Ok(before) = usize::try_from(before) else { return Some(0) };
        let mut digits = digits.peekable();
        if digits.peek().is_none() {
            return Some(0);
        }
        if before > 30 {
            return None;
        }
        let digits = digits.chain(std::iter::repeat(b'0')).take(before);
        Some(digits.fold(0, |sum, digit| sum * 10 + u128::from(digit - b'0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_are_read() {
        let table: [(&str, Outcome<i32>, Outcome<i64>); 15] = [
            ("12", Ok(12), Ok(12)),
            ("-12", Ok(-12), Ok(-12)),
            ("+12", Ok(12), Ok(12)),
            ("12.5", Ok(13), Ok(13)),
            ("-12.5", Ok(-12), Ok(-12)),
            (" 12.4 ", Ok(12), Ok(12)),
            ("1e3", Ok(1000), Ok(1000)),
            ("7d", Ok(7), Ok(7)),
            ("2147483648", Err(NOT_AN_INTEGER), Ok(2_147_483_648)),
            ("9223372036854775807", Err(NOT_AN_INTEGER), Ok(i64::MAX)),
            ("9300000000000000000", Err(NOT_AN_INTEGER), Err(NOT_A_LONG)),
            ("", Err(NOT_A_NUMBER), Err(NOT_A_NUMBER)),
            ("twelve", Err(NOT_A_NUMBER), Err(NOT_A_NUMBER)),
            ("0x10", Err(NOT_A_NUMBER), Err(NOT_A_NUMBER)),
            ("1e400", Err(NOT_A_DOUBLE), Err(NOT_A_DOUBLE)),
        ];
        for (text, integer, long) in table {
            assert_eq!(text_to_integer(text), integer, "{text}");
            assert_eq!(text_to_long(text), long, "{text}");
        }
    }

    #[test]
    fn unsigned_numbers_are_read() {
        let table = [
            ("18446744073709551615", Ok(u64::MAX)),
            ("18446744073709551615.9", Ok(u64::MAX)),
            ("18446744073709551616", Err(NOT_AN_UNSIGNED_LONG)),
            ("1.8446744073709551615e19", Ok(u64::MAX)),
            ("1e19", Ok(10_000_000_000_000_000_000)),
            ("1e20", Err(NOT_AN_UNSIGNED_LONG)),
            ("1e999999999999", Err(NOT_AN_UNSIGNED_LONG)),
            ("0e999999999999", Ok(0)),
            ("1e-999999999999", Ok(0)),
            ("00012.7", Ok(12)),
            ("0.0012e3", Ok(1)),
            ("-0.5", Ok(0)),
            ("-1", Err(NOT_AN_UNSIGNED_LONG)),
            (" 1", Err(NOT_A_NUMBER)),
            ("1d", Err(NOT_A_NUMBER)),
        ];
        for (text, number) in table {
            assert_eq!(text_to_unsigned_long(text), number, "{text}");
        }
    }

    #[test]
    fn doubles_are_read() {
        let table = [
            ("1", Ok(1.0)),
            ("1.", Ok(1.0)),
            (".5", Ok(0.5)),
            ("-1.5E-3", Ok(-0.0015)),
            ("\t1.5f\n", Ok(1.5)),
            ("NaN", Err(NOT_A_NUMBER)),
            ("inf", Err(NOT_A_NUMBER)),
            ("Infinity", Err(NOT_A_NUMBER)),
            (".", Err(NOT_A_NUMBER)),
            ("e5", Err(NOT_A_NUMBER)),
            ("1e", Err(NOT_A_NUMBER)),
            ("1 2", Err(NOT_A_NUMBER)),
            ("1_000", Err(NOT_A_NUMBER)),
        ];
        for (text, number) in table {
            assert_eq!(text_to_double(text), number, "{text}");
        }
        for (text, value) in
            [("true", true), ("TRUE", true), ("false", false), ("1", false), ("", false), (" true", false)]
        {
            assert_eq!(text_to_boolean(text), value, "{text}");
        }
    }

    #[test]
    fn numbers_change_types() {
        assert_eq!(double_to_integer(2_147_483_647.0), Ok(i32::MAX));
        assert_eq!(double_to_integer(2_147_483_647.2), Err(NOT_AN_INTEGER));
        assert_eq!(double_to_integer(-2.5), Ok(-2));
        assert_eq!(double_to_long(2.5), Ok(3));
        assert_eq!(double_to_long(0.499_999_999_999_999_94), Ok(0));
        assert_eq!(double_to_long(1e19), Err(NOT_A_LONG));
        assert_eq!(double_to_long(LONG_END), Ok(i64::MAX));
        assert_eq!(double_to_unsigned_long(1.9), Ok(1));
        assert_eq!(double_to_unsigned_long(-0.1), Err(NOT_AN_UNSIGNED_LONG));
        assert_eq!(double_to_unsigned_long(UNSIGNED_LONG_END), Err(NOT_AN_UNSIGNED_LONG));
        assert_eq!(long_to_integer(1 << 31), Err(NOT_AN_INTEGER));
        assert_eq!(unsigned_long_to_integer(7), Ok(7));
        assert_eq!(unsigned_long_to_long(1 << 63), Err(NOT_A_LONG));
        assert_eq!(long_to_unsigned_long(-1), Err(NOT_AN_UNSIGNED_LONG));
    }

    #[test]
    fn doubles_are_printed() {
        let table = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.000_999, "9.99E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (123_456_789.0, "1.23456789E8"),
            (1e23, "1.0E23"),
            (2e-5, "2.0E-5"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::from_bits(2), "9.9E-324"),
            (-1.5e10, "-1.5E10"),
        ];
        for (number, text) in table {
            assert_eq!(double_to_text(number), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
            prop_assert_eq!(text_to_double(&double_to_text(number)), Ok(number));
        }

        #[test]
        fn whole_texts_are_exact(number: u64) {
            prop_assert_eq!(text_to_unsigned_long(&number.to_string()), Ok(number));
            prop_assert_eq!(text_to_unsigned_long(&format!("{number}00e-2")), Ok(number));
        }

        #[test]
        fn any_text_is_answered(text in "[-+.0-9eEdx ]{0,12}") {
            let _ = (text_to_integer(&text), text_to_unsigned_long(&text));
        }
    }
}
