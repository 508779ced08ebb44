//! What a literal means on a field, by the field's type.
//!
//! Sources: elastic/kibana kbn-es-query/src/kuery/functions/{is,range}.ts; Elasticsearch docs, the query pages of
//! "Query DSL" and the field types of "Mapping".

use ecs::FieldType;
use ecs::time::{DateMath, Rounding};
use query::kql::ast::RangeOp;
use query::{Diagnostic, Span};

use super::Resolver;
use crate::analysis;
use crate::glob::{Fold, Glob, Piece};
use crate::lucene_regex;
use crate::predicate::{Anywhere, FieldTest, Leaf, Predicate};
use crate::value::{Dynamic, Ends, ValueTest, network};
use crate::version::Version;

/// The code of a literal that is no value of its field's type.
pub(super) const MISFIT: &str = "query::literal";

/// How words of a literal are looked for in analysed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// Any of them.
    Any,
    /// All of them, anywhere.
    All,
    /// All of them in order, with at most so many positions between.
    Phrase(u32),
}

impl Resolver<'_> {
    /// A test on a field, taking care of nested fields: outside of `path: { … }` they have no values to give, save in
    /// EQL.
    pub(super) fn leaf(&mut self, name: &str, test: FieldTest) -> Predicate {
        let outside = match self.catalog.nested_parent(name) {
            Some(path) => path != name && !self.nested.starts_with(path) && !self.reads_nested,
            None => false,
        };
        if outside || matches!(test, FieldTest::Any(ValueTest::Never)) {
            return Predicate::Const(false);
        }
        Predicate::Leaf(Leaf { field: self.intern(name), test })
    }

    /// The field has a value of its type: one that cannot be read as an address, a date or a number is not indexed,
    /// and an object below a flattened field is no value of its own.
    ///
    /// Source: Elasticsearch docs, "Exists query" and "Flattened field type".
    pub(super) fn exists(&mut self, name: &str) -> Predicate {
        fn open<T>() -> Ends<T> {
            Ends { lower: None, upper: None }
        }
        let test = match self.type_of(name).0 {
            Some(FieldType::Ip) => FieldTest::Any(ValueTest::IpRange(open())),
            Some(FieldType::Date) => FieldTest::Any(ValueTest::Date(open())),
            Some(FieldType::Long | FieldType::Double) => FieldTest::Any(ValueTest::Number(open())),
            Some(FieldType::Boolean) => {
                let either = [true, false].map(|b| self.leaf(name, FieldTest::Any(ValueTest::Bool(b))));
                return Predicate::or(either);
            }
            _ if self.catalog.flattened_parent(name).is_some() => {
                FieldTest::Any(ValueTest::TextRange(open()))
            }
            _ => FieldTest::Exists,
        };
        self.leaf(name, test)
    }

    /// The type of a field, and how case counts in it of itself.
    pub(super) fn type_of(&mut self, name: &str) -> (Option<FieldType>, Fold) {
        let id = self.intern(name);
        let entry = self.table.entry(id);
        (entry.field_type, if entry.caseless { Fold::Lower } else { Fold::None })
    }

    /// Warns that no value of the field equals the literal; the test that nothing passes.
    pub(super) fn unreadable(
        &mut self,
        span: Option<Span>,
        text: &str,
        name: &str,
        expected: &'static str,
    ) -> ValueTest {
        let diagnostic = Diagnostic::warning(
            MISFIT,
            format!("`{text}` can be no value of `{name}`, which holds {expected}"),
        )
        .help("no event passes this comparison");
        self.diagnostics.push(match span {
            Some(span) => diagnostic.at(span),
            None => diagnostic,
        });
        ValueTest::Never
    }

    /// Of several fields some may well be of a type that the literal does not fit: that is worth a word only when none
    /// can hold it. `before` is how many diagnostics there were before these fields.
    pub(super) fn forgive_misfits(&mut self, before: usize, any: &Predicate) {
        let mut wanted = usize::from(matches!(any, Predicate::Const(false)));
        let new = self.diagnostics.split_off(before);
        self.diagnostics.extend(new.into_iter().filter(|diagnostic| {
            let is_misfit = diagnostic.code == MISFIT;
            let keep = !is_misfit || wanted > 0;
            wanted -= usize::from(is_misfit && keep);
            keep
        }));
    }

    /// The field equals the literal.
    pub(super) fn equals(&mut self, name: &str, text: &str, words: Words, span: Option<Span>) -> Predicate {
        self.equals_folded(name, text, words, Fold::None, span)
    }

    /// The field equals the literal, with case folded where the query asks for it.
    pub(super) fn equals_folded(
        &mut self,
        name: &str,
        text: &str,
        words: Words,
        fold: Fold,
        span: Option<Span>,
    ) -> Predicate {
        let (field_type, own_fold) = self.type_of(name);
        let fold = if own_fold == Fold::None { fold } else { own_fold };
        let test = match field_type {
            Some(FieldType::Keyword | FieldType::Wildcard | FieldType::Flattened | FieldType::Version) => {
                ValueTest::text_folded(text, fold)
            }
            Some(FieldType::Text | FieldType::MatchOnlyText) => {
                let tokens = analysis::tokens(text);
                match words {
                    _ if tokens.is_empty() => ValueTest::Never,
                    Words::Any => ValueTest::AnyToken(tokens),
                    Words::Phrase(slop) => ValueTest::Phrase { tokens, slop },
                    Words::All => {
                        let parts: Vec<_> = tokens
                            .into_iter()
                            .map(|token| self.leaf(name, FieldTest::Any(ValueTest::AnyToken(vec![token]))))
                            .collect();
                        return Predicate::and(parts);
                    }
                }
            }
            Some(FieldType::Ip) => match network(text) {
                Some(net) => ValueTest::Network(net),
                None => self.unreadable(span, text, name, "addresses"),
            },
            Some(FieldType::Date) => {
                match self.instant(text, Rounding::Down).zip(self.instant(text, Rounding::Up)) {
                    Some((first, last)) => {
                        ValueTest::Date(Ends { lower: Some((first, true)), upper: Some((last, true)) })
                    }
                    None => self.unreadable(span, text, name, "dates"),
                }
            }
            Some(FieldType::Long | FieldType::Double) => match text.trim().parse::<f64>() {
                Ok(number) => ValueTest::Number(Ends::only(number)),
                Err(_) => self.unreadable(span, text, name, "numbers"),
            },
            Some(FieldType::Boolean) => match text {
                "true" => ValueTest::Bool(true),
                "false" | "" => ValueTest::Bool(false),
                _ => self.unreadable(span, text, name, "true or false"),
            },
            Some(FieldType::Nested | FieldType::Object | FieldType::GeoPoint) => ValueTest::Never,
            None if fold != Fold::None => ValueTest::text_folded(text, fold),
            None => ValueTest::Dynamic(Dynamic::new(text)),
        };
        self.leaf(name, FieldTest::Any(test))
    }

    /// The field matches a wildcard pattern.
    pub(super) fn matches(
        &mut self,
        name: &str,
        pieces: &[Piece],
        fold: Fold,
        span: Option<Span>,
    ) -> Predicate {
        let (field_type, own_fold) = self.type_of(name);
        let fold = if own_fold == Fold::None { fold } else { own_fold };
        let glob = Glob::new(pieces.iter().cloned(), fold);
        let test = match field_type {
            Some(FieldType::Keyword | FieldType::Wildcard | FieldType::Flattened | FieldType::Version)
            | None => ValueTest::Glob(glob),
            Some(FieldType::Text | FieldType::MatchOnlyText) => return self.matches_words(name, pieces),
            Some(FieldType::Nested | FieldType::Object | FieldType::GeoPoint) => ValueTest::Never,
            Some(other) => {
                let expected = match other {
                    FieldType::Ip => "addresses and takes no wildcards",
                    FieldType::Date => "dates and takes no wildcards",
                    FieldType::Boolean => "true or false and takes no wildcards",
                    _ => "numbers and takes no wildcards",
                };
                self.unreadable(span, &glob.to_string(), name, expected)
            }
        };
        self.leaf(name, FieldTest::Any(test))
    }

    /// On analysed text each word of the pattern is looked for by itself, and any of them will do.
    fn matches_words(&mut self, name: &str, pieces: &[Piece]) -> Predicate {
        let mut words: Vec<Vec<Piece>> = vec![Vec::new()];
        for piece in pieces {
            let Piece::Text(text) = piece else {
                if let Some(word) = words.last_mut() {
                    word.push(piece.clone());
                }
                continue;
            };
            for (i, part) in text.split(char::is_whitespace).enumerate() {
                if i > 0 {
                    words.push(Vec::new());
                }
                if let (false, Some(word)) = (part.is_empty(), words.last_mut()) {
                    word.push(Piece::Text(part.to_owned()));
                }
            }
        }
        let alternatives: Vec<Predicate> = words
            .into_iter()
            .filter(|word| !word.is_empty())
            .map(|word| match word.as_slice() {
                [Piece::Text(text)] => self.equals(name, text, Words::Any, None),
                [Piece::Any] => self.exists(name),
                _ => self.leaf(name, FieldTest::Any(ValueTest::TokenGlob(Glob::new(word, Fold::Lower)))),
            })
            .collect();
        Predicate::or(alternatives)
    }

    /// The field matches a Lucene regular expression.
    pub(super) fn matches_regex(
        &mut self,
        name: &str,
        pattern: &str,
        caseless: bool,
        span: Option<Span>,
    ) -> Predicate {
        match lucene_regex::compile(pattern, caseless) {
            Ok(regex) => {
                let analysed = self.type_of(name).0.is_some_and(FieldType::is_analysed);
                self.leaf(name, FieldTest::Any(ValueTest::Regex { regex, source: pattern.into(), analysed }))
            }
            Err(error) => {
                let diagnostic = Diagnostic::error("query::regex", error.to_string());
                self.diagnostics.push(match span {
                    Some(span) => diagnostic.at(span),
                    None => diagnostic,
                });
                Predicate::Const(false)
            }
        }
    }

    /// The field is near the text in spelling.
    pub(super) fn near(&mut self, name: &str, text: &str, edits: Option<u8>) -> Predicate {
        let edits = edits.unwrap_or_else(|| usual_edits(text));
        let analysed = self.type_of(name).0.is_some_and(FieldType::is_analysed);
        let text = if analysed { text.to_lowercase() } else { text.to_owned() };
        self.leaf(name, FieldTest::Any(ValueTest::Fuzzy { text: text.into(), edits, analysed }))
    }

    /// The field lies on one side of a bound.
    pub(super) fn compare(&mut self, name: &str, op: RangeOp, bound: &str, span: Option<Span>) -> Predicate {
        let (mut lower, mut upper) = (None, None);
        match op {
            RangeOp::Gt => lower = Some((bound, false)),
            RangeOp::Gte => lower = Some((bound, true)),
            RangeOp::Lt => upper = Some((bound, false)),
            RangeOp::Lte => upper = Some((bound, true)),
        }
        self.range(name, lower, upper, span)
    }

    /// Some value of the field lies between the bounds; each says whether it is inside itself.
    pub(super) fn range(
        &mut self,
        name: &str,
        lower: Option<(&str, bool)>,
        upper: Option<(&str, bool)>,
        span: Option<Span>,
    ) -> Predicate {
        if lower.is_none() && upper.is_none() {
            return self.exists(name);
        }
        let given = lower.or(upper).map_or("", |(text, _)| text);
        let test = match self.type_of(name).0 {
            Some(FieldType::Long | FieldType::Double) => {
                read_ends(lower, upper, |text, _| text.trim().parse().ok())
                    .map_or_else(|| self.unreadable(span, given, name, "numbers"), ValueTest::Number)
            }
            Some(FieldType::Ip) => read_ends(lower, upper, |text, _| text.parse().ok())
                .map_or_else(|| self.unreadable(span, given, name, "addresses"), ValueTest::IpRange),
            // `> 2024-05` is after all of May, `<= 2024-05` up to its last millisecond.
            Some(FieldType::Date) => read_ends(lower, upper, |text, rounding| self.instant(text, rounding))
                .map_or_else(|| self.unreadable(span, given, name, "dates"), ValueTest::Date),
            Some(FieldType::Nested | FieldType::Object | FieldType::GeoPoint | FieldType::Boolean) => {
                ValueTest::Never
            }
            Some(FieldType::Text | FieldType::MatchOnlyText) => ValueTest::TokenRange(texts(lower, upper)),
            Some(FieldType::Keyword | FieldType::Wildcard | FieldType::Flattened) => {
                ValueTest::TextRange(texts(lower, upper))
            }
            Some(FieldType::Version) => {
                let end =
                    |bound: Option<(&str, bool)>| bound.map(|(text, inside)| (Version::new(text), inside));
                ValueTest::Version(Ends { lower: end(lower), upper: end(upper) })
            }
            None => self.dynamic_range(lower, upper),
        };
        self.leaf(name, FieldTest::Any(test))
    }

    /// A range over a field of unknown type.
    pub(super) fn dynamic_range(
        &self,
        lower: Option<(&str, bool)>,
        upper: Option<(&str, bool)>,
    ) -> ValueTest {
        let dates = read_ends(lower, upper, |text, rounding| self.instant(text, rounding));
        ValueTest::DynamicRange { texts: texts(lower, upper), dates }
    }

    fn instant(&self, text: &str, rounding: Rounding) -> Option<i64> {
        let math: DateMath = text.parse().ok()?;
        self.reads_now.set(self.reads_now.get() || math.is_relative());
        Some(math.resolve(self.now, rounding).ok()?.as_millisecond())
    }

    /// A literal in any field.
    pub(super) fn anywhere(&mut self, text: &str, words: Words) -> Predicate {
        let tokens = analysis::tokens(text);
        Predicate::Anywhere(Box::new(Anywhere {
            exact: ValueTest::Dynamic(Dynamic::new(text)),
            analysed: match words {
                _ if tokens.is_empty() => ValueTest::Never,
                Words::Phrase(slop) => ValueTest::Phrase { tokens, slop },
                Words::Any | Words::All => ValueTest::AnyToken(tokens),
            },
            ip: network(text).map(ValueTest::Network),
            number: text.trim().parse().ok().map(|n| ValueTest::Number(Ends::only(n))),
            catalog: self.catalog.clone(),
        }))
    }

    /// A test on text in any field that holds text.
    pub(super) fn anywhere_text(&mut self, exact: ValueTest, analysed: ValueTest) -> Predicate {
        Predicate::Anywhere(Box::new(Anywhere {
            exact,
            analysed,
            ip: None,
            number: None,
            catalog: self.catalog.clone(),
        }))
    }

    /// The fields that a name with wildcards stands for, those below nested fields with the path to look in.
    pub(super) fn expand(&mut self, parts: &[String]) -> Vec<String> {
        let glob = Glob::from_parts(parts, Fold::None);
        self.catalog
            .names()
            .filter(|name| glob.matches(name))
            .filter(|name| {
                !matches!(self.catalog.field_type(name), Some(FieldType::Object | FieldType::Nested))
            })
            .map(str::to_owned)
            .collect()
    }
}

/// How many edits a fuzzy word allows when it does not say: Elasticsearch's `AUTO`.
pub(super) fn usual_edits(text: &str) -> u8 {
    match text.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

fn texts(lower: Option<(&str, bool)>, upper: Option<(&str, bool)>) -> Ends<Box<str>> {
    let end = |bound: Option<(&str, bool)>| bound.map(|(text, inside)| (Box::from(text), inside));
    Ends { lower: end(lower), upper: end(upper) }
}

/// Reads both ends; `None` when one is given and cannot be read. The end's own side decides how a date is rounded.
fn read_ends<T>(
    lower: Option<(&str, bool)>,
    upper: Option<(&str, bool)>,
    read: impl Fn(&str, Rounding) -> Option<T>,
) -> Option<Ends<T>> {
    let end = |bound: Option<(&str, bool)>, rounding| match bound {
        None => Some(None),
        Some((text, inside)) => read(text, rounding).map(|value| Some((value, inside))),
    };
    let lower =
        end(lower, if lower.is_some_and(|(_, inside)| !inside) { Rounding::Up } else { Rounding::Down })?;
    let upper =
        end(upper, if upper.is_some_and(|(_, inside)| inside) { Rounding::Up } else { Rounding::Down })?;
    Some(Ends { lower, upper })
}
