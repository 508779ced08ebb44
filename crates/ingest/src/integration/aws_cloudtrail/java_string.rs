//! Objects as Java prints them: `{k=v, k=v}` with the keys in the order of a `java.util.HashMap`.
//!
//! Elasticsearch parses a record into HashMaps and stores `requestParameters.toString()`; rules match on that text,
//! so the order of the keys is part of an event's content. The rules of the order are public: OpenJDK,
//! `java.util.HashMap` (`hash`, `resize`, `treeifyBin`) and `String.hashCode`.
//!
//! Two things are out of reach: a bucket of nine or more keys in a table of 64 or more turns into a tree, which may
//! move one key to the bucket's front (here: insertion order); and an integer beyond 64 bits has already become a
//! floating-point number when it gets here, so it is printed as one.

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use super::absence::is_absent;

/// The text of a parsed value; entries that count as absent are not printed, but they count for the table's size.
pub fn java_string(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// The text of an object from which one key was taken out after it had been parsed.
pub(super) fn java_string_without(map: &Map<String, Value>, key: &str) -> String {
    let mut out = String::new();
    write_map(&mut out, map, Some(key));
    out
}

/// The length that Java gives a text: its UTF-16 units.
pub(super) fn java_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// The order in which a `HashMap` that took these distinct keys one by one gives them back, as indices.
pub fn hash_map_order<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let hashes: Vec<u32> = keys.map(spread_hash).collect();
    let mask = table_size(&hashes) - 1;
    let mut order: Vec<usize> = (0..hashes.len()).collect();
    // Stable: inside a bucket the order of insertion stays.
    order.sort_by_key(|&i| hashes[i] as usize & mask);
    order
}

/// Text that sorts as Java's `String.compareTo` does, by UTF-16 unit.
///
/// It differs from the order of code points only between characters beyond U+FFFF and those from U+E000 to U+FFFF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utf16Ordered<'a>(pub(super) &'a str);

impl Ord for Utf16Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        let Some((&x, &y)) = a.iter().zip(b).find(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
        // First bytes of four-byte characters (surrogates in UTF-16) and of U+E000..U+FFFF.
        let (beyond, high) = (0xF0..=0xFF, 0xEE..=0xEF);
        if beyond.contains(&x) && high.contains(&y) {
            Ordering::Less
        } else if high.contains(&x) && beyond.contains(&y) {
            Ordering::Greater
        } else {
            x.cmp(&y)
        }
    }
}

impl PartialOrd for Utf16Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => write_number(out, n),
        Value::String(s) => out.push_str(s),
        Value::Array(items) => {
            out.push('[');
            let mut first = true;
            for item in items.iter().filter(|item| !is_absent(item)) {
                if !std::mem::take(&mut first) {
                    out.push_str(", ");
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => write_map(out, map, None),
    }
}

fn write_map(out: &mut String, map: &Map<String, Value>, without: Option<&str>) {
    let entries: Vec<(&String, &Value)> = map.iter().collect();
    out.push('{');
    let mut first = true;
    for i in hash_map_order(map.keys().map(String::as_str)) {
        let (key, value) = entries[i];
        if is_absent(value) || without.is_some_and(|without| without == key) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push_str(", ");
        }
        out.push_str(key);
        out.push('=');
        write_value(out, value);
    }
    out.push('}');
}

fn write_number(out: &mut String, number: &Number) {
    if let Some(n) = number.as_i64() {
        _ = write!(out, "{n}");
    } else if let Some(n) = number.as_u64() {
        _ = write!(out, "{n}");
    } else if let Some(n) = number.as_f64() {
        write_double(out, n);
    }
}

/// `Double.toString` of Java 19 and later: the fewest digits that tell the number from its neighbours.
fn write_double(out: &mut String, number: f64) {
    let scientific = format!("{:e}", number.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        // JSON has no infinity and no NaN.
        out.push_str(&scientific);
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if number.is_sign_negative() {
        out.push('-');
    }
    match exponent {
        // 0.001 up to 1: zeros first.
        -3..=-1 => {
            out.push_str("0.");
            out.extend((1..-exponent).map(|_| '0'));
            out.push_str(&digits);
        }
        // Up to ten million: the point after `exponent + 1` digits, and a digit on each side of it.
        0..=6 => {
            let whole = exponent as usize + 1;
            if digits.len() > whole {
                out.push_str(&digits[..whole]);
                out.push('.');
                out.push_str(&digits[whole..]);
            } else {
                out.push_str(&digits);
                out.extend((digits.len()..whole).map(|_| '0'));
                out.push_str(".0");
            }
        }
        _ => {
            let (head, tail) = digits.split_at(1);
            let tail = if tail.is_empty() { "0" } else { tail };
            _ = write!(out, "{head}.{tail}E{exponent}");
        }
    }
}

/// `HashMap.hash`: `String.hashCode` with its upper half folded into the lower.
fn spread_hash(key: &str) -> u32 {
    let step = |h: u32, unit: u32| h.wrapping_mul(31).wrapping_add(unit);
    let hash = if key.is_ascii() {
        key.bytes().fold(0, |h, byte| step(h, u32::from(byte)))
    } else {
        key.encode_utf16().fold(0, |h, unit| step(h, u32::from(unit)))
    };
    hash ^ (hash >> 16)
}

/// Buckets of the table after keys with these hashes went in one by one: it doubles when more than three quarters
/// are used, and, while smaller than 64, when a ninth key falls into one bucket.
fn table_size(hashes: &[u32]) -> usize {
    let mut size = 16;
    if hashes.len() < 9 {
        return size;
    }
    let mut used = [0u16; 64];
    for (i, &hash) in hashes.iter().enumerate() {
        let double = |size: &mut usize, used: &mut [u16; 64]| {
            *size *= 2;
            if *size < 64 {
                *used = [0; 64];
                for &earlier in &hashes[..=i] {
                    used[earlier as usize & (*size - 1)] += 1;
                }
            }
        };
        if size < 64 {
            let bucket = hash as usize & (size - 1);
            used[bucket] += 1;
            if used[bucket] > 8 {
                double(&mut size, &mut used);
            }
        }
        if (i + 1) * 4 > size * 3 {
            double(&mut size, &mut used);
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(json: &str) -> String {
        java_string(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn values_are_printed_without_quotes() {
        for (json, expected) in [
            (r#"{"a":"x","b":[1,true,{"c":"d, e"}]}"#, "{a=x, b=[1, true, {c=d, e}]}"),
            (r#"{"b":1,"a":2}"#, "{a=2, b=1}"),
            (
                r#"{"a":9223372036854775807,"b":18446744073709551615}"#,
                "{a=9223372036854775807, b=18446744073709551615}",
            ),
            (r#"{"a":"line\nbreak","b":"{\"k\":1}"}"#, "{a=line\nbreak, b={\"k\":1}}"),
            (r#""plain""#, "plain"),
            (r#"["a",["b"]]"#, "[a, [b]]"),
            ("7", "7"),
        ] {
            assert_eq!(text(json), expected, "{json}");
        }
    }

    #[test]
    fn what_counts_as_absent_is_left_out_at_every_depth() {
        assert_eq!(
            text(r#"{"a":null,"b":"","c":"-","d":"none","e":[],"f":{"g":[{}]},"h":[null,"-",1],"i":false}"#),
            "{h=[1], i=false}"
        );
    }

    #[test]
    fn keys_come_in_the_order_of_their_hashes() {
        // Strings of one letter hash to their code; 16 buckets: 'a' is 97 = bucket 1, 'p' is 112 = bucket 0.
        assert_eq!(text(r#"{"a":1,"p":2,"q":3}"#), "{p=2, a=1, q=3}");
        // "Aa" and "BB" have one hash: insertion order.
        assert_eq!(text(r#"{"BB":1,"Aa":2}"#), "{BB=1, Aa=2}");
        assert_eq!(text(r#"{"Aa":1,"BB":2}"#), "{Aa=1, BB=2}");
    }

    /// With twelve keys the table has 16 buckets, with thirteen 32: then 'p' (112 = 16 mod 32) comes behind 'a' (1).
    #[test]
    fn absent_entries_count_for_the_size_of_the_table() {
        let object = |fillers: usize| {
            let fillers: String =
                (0..fillers).map(|i| format!(r#","{}":null"#, (b'A' + i as u8) as char)).collect();
            text(&format!(r#"{{"p":1,"a":2{fillers}}}"#))
        };
        assert_eq!(object(10), "{p=1, a=2}");
        assert_eq!(object(11), "{a=2, p=1}");
    }

    #[test]
    fn a_crowded_bucket_doubles_a_small_table() {
        // Nine keys of one hash: 16 buckets become 32, which leaves them together; 'p' shows which size it is.
        let same_hash = [
            "AaAaAaAa", "AaAaAaBB", "AaAaBBAa", "AaAaBBBB", "AaBBAaAa", "AaBBAaBB", "AaBBBBAa", "AaBBBBBB",
            "BBAaAaAa",
        ];
        let size = |n: usize| table_size(&same_hash[..n].iter().map(|k| spread_hash(k)).collect::<Vec<_>>());
        assert_eq!(size(8), 16);
        assert_eq!(size(9), 32);
    }

    #[test]
    fn doubles_are_printed_as_java_prints_them() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (2.0, "2.0"),
            (0.1, "0.1"),
            (-0.001, "-0.001"),
            (0.0012345, "0.0012345"),
            (1e-4, "1.0E-4"),
            (1.25e-7, "1.25E-7"),
            (100.0, "100.0"),
            (1234567.0, "1234567.0"),
            (9999999.5, "9999999.5"),
            (1e7, "1.0E7"),
            (12345678.9, "1.23456789E7"),
            (1e10, "1.0E10"),
            (1.7976931348623157e308, "1.7976931348623157E308"),
        ] {
            let mut out = String::new();
            write_double(&mut out, number);
            assert_eq!(out, expected, "{number:e}");
        }
    }

    #[test]
    fn lengths_are_those_of_utf16() {
        assert_eq!([java_length("abc"), java_length("ä"), java_length("😀")], [3, 1, 2]);
    }

    proptest! {
        #[test]
        fn every_key_comes_back_once(keys in proptest::collection::hash_set(".{0,8}", 0..80)) {
            let keys: Vec<String> = keys.into_iter().collect();
            let mut order = hash_map_order(keys.iter().map(String::as_str));
            order.sort_unstable();
            prop_assert_eq!(order, (0..keys.len()).collect::<Vec<_>>());
        }

        #[test]
        fn the_table_is_never_more_than_three_quarters_full(hashes in proptest::collection::vec(any::<u32>(), 0..300)) {
            let size = table_size(&hashes);
            prop_assert!(size.is_power_of_two() && hashes.len() * 4 <= size * 3);
        }

        #[test]
        fn text_sorts_as_in_utf16(a in ".{0,6}", b in ".{0,6}") {
            let expected = a.encode_utf16().collect::<Vec<_>>().cmp(&b.encode_utf16().collect::<Vec<_>>());
            prop_assert_eq!(Utf16Ordered(&a).cmp(&Utf16Ordered(&b)), expected);
        }

        #[test]
        fn a_printed_double_reads_back_as_itself(number in any::<f64>().prop_filter("JSON has no others", |n| n.is_finite())) {
            let mut out = String::new();
            write_double(&mut out, number);
            prop_assert_eq!(out.parse::<f64>().map(f64::to_bits), Ok(number.to_bits()));
        }
    }
}
