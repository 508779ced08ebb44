//! What it means that a value list holds a value of a field, by the types of both.
//!
//! Sources: elastic/kibana lists/server/services/exception_lists/build_exception_filter.ts (lists of keywords and
//! addresses become `terms` queries), lists/server/services/utils/get_query_filter_from_type_value.ts (texts).

use std::fmt;
use std::sync::Arc;

use ecs::{FieldType, Scalar};
use foldhash::{HashMap, HashSet};
use rule::{ValueList, ValueListType};

use crate::analysis;
use crate::glob::Fold;

/// The test that a value list holds a value. Clones share the list.
#[derive(Debug, Clone)]
pub struct Listed {
    list: Arc<ValueList>,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    /// The value's text is in the list.
    Text,
    /// The same with case folded: the folded values.
    Folded(Arc<HashSet<Box<str>>>, Fold),
    /// A word of analysed text is in the list, as it stands there.
    Token,
    /// The value is an address in one of the list's ranges.
    Address,
    /// The value is one of the list's numbers: their bits.
    Number(Arc<HashSet<u64>>),
    /// All words of the value are in one text of the list.
    Words(Arc<Texts>),
}

/// The texts of a list by their words.
#[derive(Debug, Default)]
struct Texts {
    /// The numbers of the texts with a word, ascending.
    with_word: HashMap<String, Vec<u32>>,
}

impl Listed {
    /// The test for a field of this type, whose case counts so. `None` when values of the field are nothing that the
    /// list could hold: dates and objects, truth values but in lists of keywords, numbers in lists of addresses.
    pub fn new(
        list: &Arc<ValueList>,
        values: ValueListType,
        field: Option<FieldType>,
        fold: Fold,
    ) -> Option<Self> {
        let way = match (field, values) {
            (Some(FieldType::Date | FieldType::Nested | FieldType::Object | FieldType::GeoPoint), _) => {
                return None;
            }
            (Some(FieldType::Ip), ValueListType::Keyword) => Way::Address,
            (
                None
                | Some(
                    FieldType::Ip
                    | FieldType::Keyword
                    | FieldType::Wildcard
                    | FieldType::Flattened
                    | FieldType::Version
                    | FieldType::Text
                    | FieldType::MatchOnlyText,
                ),
                ValueListType::Ip | ValueListType::IpRange,
            ) => Way::Address,
            (Some(FieldType::Long | FieldType::Double), ValueListType::Keyword) => {
                let numbers = list.values().filter_map(|value| value.parse().ok());
                Way::Number(Arc::new(numbers.map(number_bits).collect()))
            }
            (Some(FieldType::Text | FieldType::MatchOnlyText), ValueListType::Keyword) => Way::Token,
            (_, ValueListType::Keyword) if fold == Fold::None => Way::Text,
            (_, ValueListType::Keyword) => {
                let folded = list.values().map(|value| Box::from(&*fold.apply(value)));
                Way::Folded(Arc::new(folded.collect()), fold)
            }
            (
                Some(FieldType::Long | FieldType::Double | FieldType::Boolean),
                ValueListType::Ip | ValueListType::IpRange | ValueListType::Text,
            ) => return None,
            (_, ValueListType::Text) => Way::Words(Arc::new(Texts::of(list))),
        };
        Some(Self { list: Arc::clone(list), way })
    }

    /// Does the list hold the value?
    pub fn passes(&self, value: Scalar<'_>) -> bool {
        match &self.way {
            Way::Text => match value {
                Scalar::Str(text) => self.list.holds_text(text),
                other => self.list.holds_text(&other.text()),
            },
            Way::Folded(values, fold) => values.contains(&*fold.apply(&value.text())),
            Way::Token => analysis::tokens(&value.text()).iter().any(|token| self.list.holds_text(token)),
            Way::Address => match value {
                Scalar::Str(text) => text.parse().is_ok_and(|address| self.list.holds_address(address)),
                Scalar::Int(_) | Scalar::Float(_) | Scalar::Bool(_) => false,
            },
            Way::Number(numbers) => {
                let number = match value {
                    Scalar::Int(number) => Some(number as f64),
                    Scalar::Float(number) => Some(number),
                    Scalar::Str(text) => text.trim().parse().ok(),
                    Scalar::Bool(_) => None,
                };
                number.is_some_and(|number| numbers.contains(&number_bits(number)))
            }
            Way::Words(texts) => texts.hold(&analysis::tokens(&value.text())),
        }
    }

    /// True when the same text always gets the same answer, whatever the type of the value.
    pub(crate) fn reads_text(&self) -> bool {
        !matches!(self.way, Way::Number(_))
    }
}

/// Equal numbers have equal bits.
fn number_bits(number: f64) -> u64 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

impl Texts {
    fn of(list: &ValueList) -> Self {
        let mut texts = Self::default();
        for (number, value) in (0_u32..).zip(list.values()) {
            for word in analysis::tokens(value) {
                let numbers = texts.with_word.entry(word).or_default();
                if numbers.last() != Some(&number) {
                    numbers.push(number);
                }
            }
        }
        texts
    }

    /// Is there a text with all the words, and a word at all?
    fn hold(&self, words: &[String]) -> bool {
        let found: Option<Vec<&Vec<u32>>> = words.iter().map(|word| self.with_word.get(word)).collect();
        let Some(found) = found else { return false };
        let Some(rarest) = found.iter().min_by_key(|numbers| numbers.len()) else { return false };
        rarest.iter().any(|number| found.iter().all(|numbers| numbers.binary_search(number).is_ok()))
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.list.len();
        let values = if number == 1 { "value" } else { "values" };
        write!(f, "is in the value list {:?} ({number} {values})", self.list.id)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn listed(
        text: &str,
        values: ValueListType,
        field: impl Into<Option<FieldType>>,
        fold: Fold,
    ) -> Option<Listed> {
        let (list, _) = ValueList::read("l", None, text, Path::new("l.txt"));
        Listed::new(&Arc::new(list), values, field.into(), fold)
    }

    #[test]
    fn a_value_is_compared_as_its_field_has_it() {
        use FieldType::{Boolean, Ip, Keyword as Exact, Long, Text as Analysed};
        use ValueListType::{IpRange, Keyword, Text};
        let s = Scalar::Str;
        for (text, values, field, fold, value, expected) in [
            ("Alice\nbob", Keyword, Some(Exact), Fold::None, s("Alice"), true),
            ("Alice\nbob", Keyword, Some(Exact), Fold::None, s("alice"), false),
            ("Alice\nbob", Keyword, Some(Exact), Fold::Lower, s("aLICE"), true),
            ("443", Keyword, Some(Exact), Fold::None, Scalar::Int(443), true),
            ("443\nx", Keyword, Some(Long), Fold::None, Scalar::Int(443), true),
            ("443.0\n-0", Keyword, Some(Long), Fold::None, Scalar::Float(443.0), true),
            ("-0", Keyword, Some(Long), Fold::None, Scalar::Int(0), true),
            ("443", Keyword, Some(Long), Fold::None, s("443"), true),
            ("443", Keyword, Some(Long), Fold::None, Scalar::Int(44), false),
            ("true", Keyword, Some(Boolean), Fold::None, Scalar::Bool(true), true),
            ("10.0.0.1", Keyword, Some(Ip), Fold::None, s("10.0.0.1"), true),
            ("10.0.0.0/24", Keyword, Some(Ip), Fold::None, s("10.0.0.9"), true),
            ("10.0.0.0/24", Keyword, Some(Exact), Fold::None, s("10.0.0.9"), false),
            ("10.0.0.0/24", IpRange, Some(Exact), Fold::None, s("10.0.0.9"), true),
            ("10.0.0.0/24", IpRange, None, Fold::None, s("10.0.0.9"), true),
            ("10.0.0.0/24", IpRange, Some(Ip), Fold::None, s("AWS Internal"), false),
            ("word\nOther", Keyword, Some(Analysed), Fold::None, s("a Word here"), true),
            ("word\nOther", Keyword, Some(Analysed), Fold::None, s("Other"), false),
            ("the quick brown fox\nlazy dog", Text, Some(Exact), Fold::None, s("Brown FOX"), true),
            ("the quick brown fox\nlazy dog", Text, Some(Analysed), Fold::None, s("lazy fox"), false),
            ("the quick brown fox\nlazy dog", Text, None, Fold::None, s("fox that runs"), false),
            ("the quick brown fox\nlazy dog", Text, None, Fold::None, s("…"), false),
        ] {
            let test = listed(text, values, field, fold).unwrap();
            assert_eq!(test.passes(value), expected, "{text:?} {values:?} {field:?} {fold:?} {value:?}");
        }
    }

    #[test]
    fn what_a_list_cannot_hold_has_no_test() {
        use FieldType::{Boolean, Date, Long, Nested};
        use ValueListType::{Ip, Keyword, Text};
        for (values, field) in
            [(Keyword, Date), (Keyword, Nested), (Ip, Long), (Text, Long), (Ip, Boolean), (Text, Date)]
        {
            assert!(listed("1", values, field, Fold::None).is_none(), "{values:?} {field:?}");
        }
    }

    #[test]
    fn a_list_is_named_not_shown() {
        let two = listed("a\nb", ValueListType::Keyword, None, Fold::None).unwrap();
        assert_eq!(two.to_string(), r#"is in the value list "l" (2 values)"#);
    }
}
