//! Numbers as JavaScript reads and writes them: the ids and overrides of Kibana's alerts depend on it.

/// The largest integer up to which every integer is exact in JavaScript.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The text that JavaScript gives a number: the fewest digits that name it, with an exponent from 1e21 on and below 1e-6.
///
/// Source: ECMA-262, Number::toString.
pub(crate) fn to_text(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if !number.is_finite() {
        return match number {
            n if n.is_nan() => "NaN".to_owned(),
            n if n > 0.0 => "Infinity".to_owned(),
            _ => "-Infinity".to_owned(),
        };
    }
    // Rust's `{:e}` also gives the fewest digits; only the layout differs.
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // Where the point stands: so many digits are before it.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let text = if (count..=21).contains(&point) {
        format!("{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = digits.split_at(1);
        let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
        format!("{first}{fraction}e{:+}", point - 1)
    };
    if number < 0.0 { format!("-{text}") } else { text }
}

/// The number that a text names, or none. A blank text names none (JavaScript's `Number` makes it 0, which would let
/// an empty field set a risk score to zero).
pub(crate) fn from_text(text: &str) -> Option<f64> {
    let text = text.trim();
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let plain = digits.bytes().all(|b| b.is_ascii_alphanumeric());
            return if plain { u64::from_str_radix(digits, radix).ok().map(|n| n as f64) } else { None };
        }
    }
    // Rust reads `inf` and `nan` as numbers; JavaScript reads neither.
    if text.contains(['n', 'N']) {
        return None;
    }
    text.parse().ok()
}

/// The number as an integer, when JavaScript can tell it from its neighbours.
pub(crate) fn safe_integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (42.0, "42"),
            (-7.5, "-7.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (100.0, "100"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000_001, "0.000001"),
            (0.000_001_5, "0.0000015"),
            (0.000_000_1, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (12.34, "12.34"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(to_text(number), expected);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_reads_them() {
        for (text, expected) in [
            ("42", Some(42.0)),
            (" 42.5 ", Some(42.5)),
            ("-1", Some(-1.0)),
            ("1e2", Some(100.0)),
            (".5", Some(0.5)),
            ("0x1F", Some(31.0)),
            ("0b101", Some(5.0)),
            ("", None),
            ("  ", None),
            ("12a", None),
            ("0x", None),
            ("0x+1", None),
            ("inf", None),
            ("nan", None),
            ("high", None),
        ] {
            assert_eq!(from_text(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_exact_integers_are_safe() {
        assert_eq!(safe_integer(21.0), Some(21));
        assert_eq!(safe_integer(21.5), None);
        assert_eq!(safe_integer(9_007_199_254_740_992.0), None);
    }
}
