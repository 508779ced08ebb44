//! Typed values out of an object, one at a time, noting every fault with its place.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use query::Diagnostic;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::places::Places;

/// An object of a file while it is read. An absent key and `null` are the same.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    places: &'a Places,
    /// Put before paths, for example `metadata.`.
    prefix: &'static str,
    taken: BTreeSet<&'static str>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>, places: &'a Places, prefix: &'static str) -> Self {
        Self { object, places, prefix, taken: BTreeSet::new(), diagnostics: Vec::new() }
    }

    /// The value as it stands.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Value> {
        self.taken.insert(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// The value as a `T`; a fault, and `None`, when it is something else.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let value = self.raw(key)?;
        match serde_path_to_error::deserialize(value) {
            Ok(value) => Some(value),
            Err(error) => {
                let inner = error.path().to_string();
                let path = match inner.as_str() {
                    "." => key.to_owned(),
                    inner if inner.starts_with('[') => format!("{key}{inner}"),
                    inner => format!("{key}.{inner}"),
                };
                self.fault(
                    &path,
                    "rule::wrong-type",
                    format!("`{path}` cannot be read: {}", plain(error.inner())),
                );
                None
            }
        }
    }

    /// As [`take`](Self::take), and a fault when there is none.
    pub(super) fn require<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        if self.raw(key).is_none() {
            self.missing(key);
        }
        self.take(key)
    }

    /// The value as a `T`, or what stands for no value.
    pub(super) fn take_or<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        self.take(key).unwrap_or(default)
    }

    /// The text as a `T`.
    pub(super) fn parse<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        let text: String = self.take(key)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(key, "rule::bad-value", format!("`{key}` cannot be read: {error}"));
                None
            }
        }
    }

    /// As [`parse`](Self::parse), with `default` when there is none.
    pub(super) fn parse_or<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        default: &str,
    ) -> Option<T> {
        if self.raw(key).is_none() { default.parse().ok() } else { self.parse(key) }
    }

    /// Notes that there has to be a value.
    pub(super) fn missing(&mut self, key: &'static str) {
        self.fault(key, "rule::missing-field", format!("`{}{key}` is missing", self.prefix));
    }

    /// Notes an error about the value at `path`.
    pub(super) fn fault(&mut self, path: &str, code: &'static str, message: String) {
        self.note(path, Diagnostic::error(code, message));
    }

    /// Notes a finding about the value at `path`.
    pub(super) fn note(&mut self, path: &str, mut diagnostic: Diagnostic) {
        diagnostic.span = self.places.nearest(&format!("{}{path}", self.prefix));
        self.diagnostics.push(diagnostic);
    }

    /// Every key that was not taken, and all that was noted. `known` keys are kept without a remark; of those in
    /// `without_effect` and of unknown ones the author is told.
    pub(super) fn finish(
        mut self,
        known: &[&str],
        without_effect: &[&str],
        owner: &str,
    ) -> (Map<String, Value>, Vec<Diagnostic>) {
        let mut rest = Map::new();
        for (key, value) in self.object {
            if self.taken.contains(key.as_str()) {
                continue;
            }
            rest.insert(key.clone(), value.clone());
            let shown = format!("{}{key}", self.prefix);
            let diagnostic = if known.contains(&key.as_str()) {
                continue;
            } else if without_effect.contains(&key.as_str()) {
                Diagnostic::warning("rule::key-without-effect", format!("`{shown}` has no effect on {owner}"))
            } else {
                let found =
                    Diagnostic::warning("rule::unknown-key", format!("`{shown}` is no key of {owner}"));
                match nearest_key(key, self.taken.iter().copied()) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help("the key is kept and has no effect"),
                }
            };
            let span = self.places.key(&shown).or_else(|| self.places.nearest(&shown));
            self.diagnostics.push(Diagnostic { span, ..diagnostic });
        }
        (rest, self.diagnostics)
    }
}

/// An error of deserialising in the words that authors of rules use for values.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let Some((found, expected)) = text.rsplit_once(", expected ") else { return text };
    let expected = match expected {
        "u8" | "u32" | "u64" | "usize" | "i64" => "a whole number",
        "f64" => "a number",
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "a table",
        other => other,
    };
    format!("{found}, expected {expected}")
}

/// One text or a list of texts.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// As a list; an empty text is none.
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) if text.is_empty() => Vec::new(),
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// The key that differs from `name` in at most a third of its letters' pairs, most alike first.
fn nearest_key<'a>(name: &str, keys: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |key: &str| {
        let pairs = |text: &str| text.as_bytes().windows(2).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (ours, theirs) = (pairs(name), pairs(key));
        let shared = ours.iter().filter(|pair| theirs.contains(pair)).count();
        200 * shared / (ours.len() + theirs.len()).max(1)
    };
    keys.map(|key| (alike(key), key)).max().filter(|(alike, _)| *alike >= 66).map(|(_, key)| key)
}
