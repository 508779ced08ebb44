//! Patterns of dates as Java has them (`yyyy-MM-dd'T'HH:mm`): printed and read, in English.
//!
//! Supported letters: `G u y Y M L Q q w d D E e F a h H k K m s S A n N V z Z X x`, quotes, and `[ ]` for parts that may
//! be missing. Dates are checked strictly: 30 February is refused.
//! Source: the documentation of `java.time.format.DateTimeFormatter`; elastic/elasticsearch server/src/main/java/org/
//! elasticsearch/common/time/DateFormatters.java (`forPattern`, `from`).

mod found;

use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::DateTime;

use self::found::Found;
use super::date::{NOT_A_DATE, read_zone};
use super::{Outcome, Refusal};

/// A pattern that is none, or one with a letter that is not supported.
pub const BAD_PATTERN: Refusal = Refusal("text is no pattern of dates");

/// How many parts that may be missing may lie within each other.
const DEEPEST: usize = 16;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A pattern, read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DatePattern(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Item {
    Literal(char),
    /// A number; `reserved` digits belong to the numbers that follow without anything between.
    Number {
        field: Field,
        least: usize,
        most: usize,
        sign: Sign,
        reserved: usize,
    },
    /// The last two digits of a year of the years 2000 to 2099.
    ShortYear(Field),
    /// Decimals of a second.
    Fraction(usize),
    Text(TextField, Style),
    Offset(OffsetStyle),
    /// `[…]`
    Optional(Vec<Item>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sign {
    /// Only a minus.
    Normal,
    /// No sign.
    Never,
    /// A plus where there are more digits than the least.
    WhenLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Style {
    Short,
    Full,
    Narrow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum TextField {
    Era,
    Month,
    Quarter,
    Weekday,
    HalfOfDay,
}

/// How an offset is written: with minutes always or when they matter, with a colon, with seconds when they matter, and
/// what stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct OffsetStyle {
    minutes_always: bool,
    seconds: bool,
    colon: bool,
    none: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Field {
    Year,
    YearOfEra,
    WeekYear,
    Month,
    Quarter,
    Week,
    Day,
    DayOfYear,
    Weekday,
    WeekOfMonth,
    Hour,
    ClockHour,
    HalfDayHour,
    ClockHalfDayHour,
    Minute,
    Second,
    NanoOfSecond,
    MilliOfDay,
    NanoOfDay,
}

impl DatePattern {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Outcome<Self> {
        let mut letters = pattern.chars().peekable();
        let mut open: Vec<Vec<Item>> = Vec::new();
        let mut items = Vec::new();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => read_quoted(&mut letters, &mut items)?,
                '[' if open.len() < DEEPEST => open.push(std::mem::take(&mut items)),
                '[' => return Err(BAD_PATTERN),
                ']' => {
                    let outer = open.pop().ok_or(BAD_PATTERN)?;
                    let inner = std::mem::replace(&mut items, outer);
                    items.push(Item::Optional(inner));
                }
                '{' | '}' | '#' => return Err(BAD_PATTERN),
                'a'..='z' | 'A'..='Z' => {
                    let mut count = 1;
                    while letters.next_if_eq(&letter).is_some() {
                        count += 1;
                    }
                    items.push(item(letter, count).ok_or(BAD_PATTERN)?);
                }
                literal => items.push(Item::Literal(literal)),
            }
        }
        // An optional part may stay open until the end.
        while let Some(outer) = open.pop() {
            let inner = std::mem::replace(&mut items, outer);
            items.push(Item::Optional(inner));
        }
        reserve_digits(&mut items);
        Ok(Self(items))
    }

    /// The text of a date and time in UTC.
    pub fn print(&self, at: DateTime) -> String {
        let mut text = String::new();
        print_items(&self.0, at, &mut text);
        text
    }

    /// Reads the whole of a text. What is missing is taken from 1 January 1970, midnight, UTC; a month or day that is
    /// missing after a year is the first.
    pub fn read(&self, text: &str) -> Outcome<Timestamp> {
        let mut found = Found::default();
        let rest = read_items(&self.0, text, &mut found).ok_or(NOT_A_DATE)?;
        if !rest.is_empty() {
            return Err(NOT_A_DATE);
        }
        found.instant()
    }
}

/// `'…'`, and `''` for one quote.
fn read_quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, items: &mut Vec<Item>) -> Outcome<()> {
    if letters.next_if_eq(&'\'').is_some() {
        items.push(Item::Literal('\''));
        return Ok(());
    }
    loop {
        match letters.next().ok_or(BAD_PATTERN)? {
            '\'' if letters.next_if_eq(&'\'').is_some() => items.push(Item::Literal('\'')),
            '\'' => return Ok(()),
            literal => items.push(Item::Literal(literal)),
        }
    }
}

fn item(letter: char, count: usize) -> Option<Item> {
    let number = |field, least, most, sign| Item::Number { field, least, most, sign, reserved: 0 };
    let one_or_two = |field| match count {
        1 => Some(number(field, 1, 18, Sign::Normal)),
        2 => Some(number(field, 2, 2, Sign::Never)),
        _ => None,
    };
    let style = |count| match count {
        3 => Some(Style::Short),
        4 => Some(Style::Full),
        5 => Some(Style::Narrow),
        _ => None,
    };
    let text = |field| style(count).map(|style| Item::Text(field, style));
    match letter {
        'u' | 'y' | 'Y' => {
            let field = match letter {
                'u' => Field::Year,
                'y' => Field::YearOfEra,
                _ => Field::WeekYear,
            };
            Some(match count {
                2 => Item::ShortYear(field),
                1 | 3 => number(field, count, 18, Sign::Normal),
                4..=18 => number(field, count, 18, Sign::WhenLong),
                _ => return None,
            })
        }
        'G' => style(count.max(3)).map(|style| Item::Text(TextField::Era, style)),
        'M' | 'L' => one_or_two(Field::Month).or_else(|| text(TextField::Month)),
        'Q' | 'q' => one_or_two(Field::Quarter).or_else(|| text(TextField::Quarter)),
        'E' => style(count.max(3)).map(|style| Item::Text(TextField::Weekday, style)),
        'e' => one_or_two(Field::Weekday).or_else(|| text(TextField::Weekday)),
        'a' if count == 1 => Some(Item::Text(TextField::HalfOfDay, Style::Short)),
        'w' => one_or_two(Field::Week),
        'd' => one_or_two(Field::Day),
        'D' if count <= 3 => Some(match count {
            1 => number(Field::DayOfYear, 1, 18, Sign::Normal),
            _ => number(Field::DayOfYear, count, 3, Sign::Never),
        }),
        'F' if count == 1 => Some(number(Field::WeekOfMonth, 1, 18, Sign::Normal)),
        'H' => one_or_two(Field::Hour),
        'k' => one_or_two(Field::ClockHour),
        'K' => one_or_two(Field::HalfDayHour),
        'h' => one_or_two(Field::ClockHalfDayHour),
        'm' => one_or_two(Field::Minute),
        's' => one_or_two(Field::Second),
        'S' if count <= 9 => Some(Item::Fraction(count)),
        'n' if count <= 18 => Some(number(Field::NanoOfSecond, count, 18, Sign::Never)),
        'A' if count <= 18 => Some(number(Field::MilliOfDay, count, 18, Sign::Never)),
        'N' if count <= 18 => Some(number(Field::NanoOfDay, count, 18, Sign::Never)),
        'V' if count == 2 => {
            Some(Item::Offset(OffsetStyle { minutes_always: true, seconds: true, colon: true, none: "Z" }))
        }
        'z' if count <= 4 => {
            Some(Item::Offset(OffsetStyle { minutes_always: true, seconds: true, colon: true, none: "Z" }))
        }
        'Z' if count <= 3 => Some(Item::Offset(OffsetStyle {
            minutes_always: true,
            seconds: false,
            colon: false,
            none: "+0000",
        })),
        'Z' if count == 5 => {
            Some(Item::Offset(OffsetStyle { minutes_always: true, seconds: true, colon: true, none: "Z" }))
        }
        'X' | 'x' if count <= 5 => {
            let none = match (letter, count) {
                ('X', _) => "Z",
                (_, 1) => "+00",
                (_, 3 | 5) => "+00:00",
                _ => "+0000",
            };
            let style = OffsetStyle {
                minutes_always: count > 1,
                seconds: count > 3,
                colon: count % 2 == 1 && count > 1,
                none,
            };
            Some(Item::Offset(style))
        }
        _ => None,
    }
}

/// A number of free width leaves the digits of fixed width that follow it directly: `yyyyMMdd`.
fn reserve_digits(items: &mut [Item]) {
    let mut following = 0;
    for item in items.iter_mut().rev() {
        match item {
            Item::Number { least, most, sign: Sign::Never, .. } if least == most => following += *most,
            Item::Number { reserved, .. } => {
                *reserved = following;
                following = 0;
            }
            Item::Fraction(digits) => following += *digits,
            Item::ShortYear(_) => following += 2,
            Item::Optional(inner) => {
                reserve_digits(inner);
                following = 0;
            }
            Item::Literal(_) | Item::Text(..) | Item::Offset(_) => following = 0,
        }
    }
}

fn print_items(items: &[Item], at: DateTime, text: &mut String) {
    for item in items {
        match item {
            Item::Literal(literal) => text.push(*literal),
            Item::Number { field, least, sign, .. } => {
                let number = field.of(at);
                let digits = number.unsigned_abs().to_string();
                if number < 0 {
                    text.push('-');
                } else if *sign == Sign::WhenLong && digits.len() > *least {
                    text.push('+');
                }
                // Writing into a String cannot fail.
                let _ = write!(text, "{digits:0>least$}");
            }
            Item::ShortYear(field) => {
                let _ = write!(text, "{:02}", field.of(at).rem_euclid(100));
            }
            Item::Fraction(digits) => text.push_str(&format!("{:09}", at.subsec_nanosecond())[..*digits]),
            Item::Text(field, style) => text.push_str(&field.name(field.of(at), *style)),
            Item::Offset(style) => text.push_str(style.none),
            Item::Optional(inner) => print_items(inner, at, text),
        }
    }
}

/// Reads what the items ask for from the beginning of a text; gives the rest of it.
fn read_items<'a>(items: &[Item], mut text: &'a str, found: &mut Found) -> Option<&'a str> {
    for item in items {
        text = match item {
            Item::Literal(literal) => text.strip_prefix(*literal)?,
            Item::Number { field, least, most, sign, reserved } => {
                let (number, rest) = read_number(text, *least, *most, *sign, *reserved)?;
                found.set(*field, number)?;
                rest
            }
            Item::ShortYear(field) => {
                let (number, rest) = read_number(text, 2, 2, Sign::Never, 0)?;
                found.set(*field, 2000 + number)?;
                rest
            }
            Item::Fraction(digits) => {
                let (number, rest) = read_number(text, *digits, *digits, Sign::Never, 0)?;
                found.set(Field::NanoOfSecond, number * 10_i64.pow(9 - u32::try_from(*digits).ok()?))?;
                rest
            }
            Item::Text(field, style) => {
                let named = (0..12).rev().filter_map(|value| {
                    let name = field.name_if_any(value, *style)?;
                    Some((value, text.strip_prefix(name.as_str())?))
                });
                // The longest name that fits, so that `1st` is not taken for the name of something shorter.
                let (value, rest) = named.min_by_key(|(_, rest)| rest.len())?;
                found.set_text(*field, value)?;
                rest
            }
            Item::Offset(_) => {
                let length = text
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "+-:".contains(c)))
                    .unwrap_or(text.len());
                let (zone, rest) = text.split_at(length);
                found.offset = Some(read_zone(zone)?);
                rest
            }
            Item::Optional(inner) => {
                let mut with = found.clone();
                match read_items(inner, text, &mut with) {
                    Some(rest) => {
                        *found = with;
                        rest
                    }
                    None => text,
                }
            }
        };
    }
    Some(text)
}

fn read_number(text: &str, least: usize, most: usize, sign: Sign, reserved: usize) -> Option<(i64, &str)> {
    let (negative, plus, unsigned) = match (sign, text.as_bytes().first()) {
        (Sign::Normal | Sign::WhenLong, Some(b'-')) => (true, false, &text[1..]),
        (Sign::WhenLong, Some(b'+')) => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let available = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let length = available.saturating_sub(reserved).max(least).min(most);
    if available < length {
        return None;
    }
    // A long year has a plus, and only a long one.
    if sign == Sign::WhenLong && !negative && plus != (length > least) {
        return None;
    }
    let (digits, rest) = unsigned.split_at(length);
    let number: i64 = digits.parse().ok()?;
    Some((if negative { -number } else { number }, rest))
}

impl Field {
    fn of(self, at: DateTime) -> i64 {
        let hour = i64::from(at.hour());
        let second_of_day = (hour * 60 + i64::from(at.minute())) * 60 + i64::from(at.second());
        let nano = i64::from(at.subsec_nanosecond());
        let year = i64::from(at.year());
        match self {
            Self::Year => year,
            Self::YearOfEra => {
                if year >= 1 {
                    year
                } else {
                    1 - year
                }
            }
            Self::WeekYear => at.date().iso_week_date().year().into(),
            Self::Month => at.month().into(),
            Self::Quarter => (i64::from(at.month()) + 2) / 3,
            Self::Week => at.date().iso_week_date().week().into(),
            Self::Day => at.day().into(),
            Self::DayOfYear => at.day_of_year().into(),
            Self::Weekday => at.weekday().to_monday_one_offset().into(),
            Self::WeekOfMonth => (i64::from(at.day()) - 1) / 7 + 1,
            Self::Hour => hour,
            Self::ClockHour => (hour + 23) % 24 + 1,
            Self::HalfDayHour => hour % 12,
            Self::ClockHalfDayHour => (hour + 11) % 12 + 1,
            Self::Minute => at.minute().into(),
            Self::Second => at.second().into(),
            Self::NanoOfSecond => nano,
            Self::MilliOfDay => second_of_day * 1000 + nano / 1_000_000,
            Self::NanoOfDay => second_of_day * 1_000_000_000 + nano,
        }
    }
}

impl TextField {
    /// Counted from zero.
    fn of(self, at: DateTime) -> usize {
        let number = match self {
            Self::Era => i64::from(at.year() >= 1),
            Self::Month => i64::from(at.month()) - 1,
            Self::Quarter => (i64::from(at.month()) - 1) / 3,
            Self::Weekday => at.weekday().to_monday_zero_offset().into(),
            Self::HalfOfDay => i64::from(at.hour() >= 12),
        };
        usize::try_from(number).unwrap_or_default()
    }

    fn name(self, value: usize, style: Style) -> String {
        self.name_if_any(value, style).unwrap_or_default()
    }

    fn name_if_any(self, value: usize, style: Style) -> Option<String> {
        let full = match self {
            Self::Month => *MONTHS.get(value)?,
            Self::Weekday => WEEKDAYS.get(value)?,
            Self::HalfOfDay => ["AM", "PM"].get(value)?,
            Self::Era => match style {
                Style::Full => ["Before Christ", "Anno Domini"].get(value)?,
                Style::Short => ["BC", "AD"].get(value)?,
                Style::Narrow => ["B", "A"].get(value)?,
            },
            Self::Quarter => match style {
                Style::Full => ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"].get(value)?,
                Style::Short => ["Q1", "Q2", "Q3", "Q4"].get(value)?,
                Style::Narrow => ["1", "2", "3", "4"].get(value)?,
            },
        };
        let cut = match (self, style) {
            (Self::Month | Self::Weekday, Style::Short) => 3,
            (Self::Month | Self::Weekday, Style::Narrow) => 1,
            _ => full.len(),
        };
        Some(full[..cut].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::date::{civil_of_millis, floor_millis, millis_to_text, parse_millis};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_printed() {
        let table = [
            ("yyyy-MM-dd", "2024-02-09"),
            ("uuuu/M/d", "2024/2/9"),
            ("yy", "24"),
            ("yyyyy", "02024"),
            ("yyyyMMddHHmmssSSS", "20240209150405678"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-09T15:04:05.678Z"),
            ("HH 'o''clock'", "15 o'clock"),
            ("EEE, d MMM yyyy HH:mm:ss Z", "Fri, 9 Feb 2024 15:04:05 +0000"),
            ("EEEE d MMMM", "Friday 9 February"),
            ("MMMMM EEEEE", "F F"),
            ("h:mm a", "3:04 PM"),
            ("hh K kk", "03 3 15"),
            ("D DDD", "40 040"),
            ("QQ QQQ QQQQ", "01 Q1 1st quarter"),
            ("YYYY-'W'ww-e", "2024-W06-5"),
            ("G GGGG", "AD Anno Domini"),
            ("S SS SSSSSSSSS", "6 67 678000000"),
            ("A n N", "54245678 678000000 54245678000000"),
            ("x xx xxx X", "+00 +0000 +00:00 Z"),
            ("yyyy[-MM[-dd]]", "2024-02-09"),
            ("", ""),
        ];
        let at = civil_of_millis(parse_millis("2024-02-09T15:04:05.678Z").unwrap()).unwrap();
        for (pattern, text) in table {
            assert_eq!(DatePattern::new(pattern).unwrap().print(at), text, "{pattern}");
        }
    }

    #[test]
    fn dates_are_read() {
        let table = [
            ("yyyy-MM-dd", "2024-02-09", "2024-02-09T00:00:00.000Z"),
            ("dd/MM/yy", "09/02/24", "2024-02-09T00:00:00.000Z"),
            ("d/M/y", "9/2/2024", "2024-02-09T00:00:00.000Z"),
            ("yyyyMMdd", "20240209", "2024-02-09T00:00:00.000Z"),
            ("yyyyMMddHHmmssSSS", "20240209150405678", "2024-02-09T15:04:05.678Z"),
            ("yyyy", "2024", "2024-01-01T00:00:00.000Z"),
            ("yyyy-MM", "2024-02", "2024-02-01T00:00:00.000Z"),
            ("HH:mm", "15:04", "1970-01-01T15:04:00.000Z"),
            ("yyyy-MM-dd HH:mm:ss.SSS", "2024-02-09 15:04:05.678", "2024-02-09T15:04:05.678Z"),
            ("yyyy-MM-dd'T'HH:mm:ssXXX", "2024-02-09T15:04:05+02:00", "2024-02-09T13:04:05.000Z"),
            ("yyyy-MM-dd'T'HH:mm:ssZ", "2024-02-09T15:04:05-0130", "2024-02-09T16:34:05.000Z"),
            ("EEE, d MMM yyyy HH:mm:ss Z", "Fri, 9 Feb 2024 15:04:05 +0000", "2024-02-09T15:04:05.000Z"),
            ("MMMM d, yyyy h:mm a", "June 1, 2024 12:30 AM", "2024-06-01T00:30:00.000Z"),
            ("d MMM yyyy", "1 May 2024", "2024-05-01T00:00:00.000Z"),
            ("yyyy[-MM[-dd]]", "2024", "2024-01-01T00:00:00.000Z"),
            ("yyyy[-MM[-dd]]", "2024-02-09", "2024-02-09T00:00:00.000Z"),
            ("yyyy-DDD", "2024-060", "2024-02-29T00:00:00.000Z"),
            ("YYYY-'W'ww-e", "2024-W06-5", "2024-02-09T00:00:00.000Z"),
            ("yyyy 'at' HH", "2024 at 07", "2024-01-01T07:00:00.000Z"),
        ];
        for (pattern, text, date) in table {
            let millis = DatePattern::new(pattern).unwrap().read(text).map(floor_millis);
            assert_eq!(millis.and_then(millis_to_text).as_deref(), Ok(date), "{pattern} {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let table = [
            ("yyyy-MM-dd", "2024-2-9"),
            ("yyyy-MM-dd", "2024-02-30"),
            ("yyyy-MM-dd", "2024-02-09T"),
            ("yyyy-MM-dd", "12024-02-09"),
            ("yyyy-MM-dd", " 2024-02-09"),
            ("yyyy-DDD", "2023-366"),
            ("EEE yyyy-MM-dd", "Mon 2024-02-09"),
            ("hh:mm", "03:04"),
            ("MMM", "feb"),
            ("HH", "24"),
            ("yyyy yyyy", "2024 2025"),
        ];
        for (pattern, text) in table {
            assert_eq!(DatePattern::new(pattern).unwrap().read(text), Err(NOT_A_DATE), "{pattern} {text}");
        }
        for pattern in ["b", "yyyy-MM-dd'T", "ddd", "HHH", "]", "{", "SSSSSSSSSS", "MMMMMM"] {
            assert_eq!(DatePattern::new(pattern), Err(BAD_PATTERN), "{pattern}");
        }
        assert_eq!(DatePattern::new(&"[".repeat(100_000)), Err(BAD_PATTERN));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(
            millis in 0_i64..253_000_000_000_000,
            pattern in prop::sample::select(vec![
                "yyyy-MM-dd'T'HH:mm:ss.SSSX", "uuuuMMddHHmmssSSS", "EEE d MMM y hh:mm:ss.SSS a", "YYYY-ww-e N",
                "D y A", "MMMM dd uuuu kk:mm:ss n",
            ]),
        ) {
            let pattern = DatePattern::new(pattern).unwrap();
            let text = pattern.print(civil_of_millis(millis).unwrap());
            prop_assert_eq!(pattern.read(&text).map(floor_millis), Ok(millis), "{}", text);
        }

        #[test]
        fn any_pattern_and_text_are_answered(pattern in "[a-zA-Z'\\[\\] -]{0,8}", text in "[0-9A-Za-z :+-]{0,16}") {
            if let Ok(pattern) = DatePattern::new(&pattern) {
                let _ = pattern.read(&text);
            }
        }
    }
}
