//! Where each value of a rule stands in its file, so that a finding about a value can point at it.

use std::collections::BTreeMap;

use query::Span;

/// The places of keys and values, by path: `rule.query`, `threat[2].tactic.id`.
///
/// Start at [`format::places`](crate::format::places). For a TOML file the paths of the rule's own keys carry no
/// `rule.` in front, so that they are the same as in Kibana's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    entries: BTreeMap<String, Place>,
    /// The place of what has no place of its own.
    whole: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    key: Option<Span>,
    value: Span,
}

impl Places {
    /// Places of an object that stands at `whole`.
    pub(crate) fn new(whole: Span) -> Self {
        Self { entries: BTreeMap::new(), whole: Some(whole) }
    }

    /// Notes a value, and its key unless it is an element of a list. False when the path was noted before.
    pub(crate) fn note(&mut self, path: &str, key: Option<Span>, value: Span) -> bool {
        self.entries.insert(path.to_owned(), Place { key, value }).is_none()
    }

    /// Lets `alias` stand for everything at and under `path`; an empty alias for the whole.
    pub(crate) fn alias(&mut self, path: &str, alias: &str) {
        let moved: Vec<(String, Place)> = self
            .entries
            .range(path.to_owned()..)
            .take_while(|(at, _)| at.starts_with(path))
            .filter(|(at, _)| matches!(at.as_bytes().get(path.len()), None | Some(b'.' | b'[')))
            .map(|(at, place)| {
                let rest = &at[path.len()..];
                let rest = if alias.is_empty() { rest.trim_start_matches('.') } else { rest };
                (format!("{alias}{rest}"), *place)
            })
            .collect();
        self.entries.extend(moved);
    }

    /// The places at and under `path` alone, with that path as the whole.
    pub(crate) fn under(&self, path: &str) -> Self {
        let inner = self
            .entries
            .range(path.to_owned()..)
            .take_while(|(at, _)| at.starts_with(path))
            .filter(|(at, _)| matches!(at.as_bytes().get(path.len()), None | Some(b'.' | b'[')))
            .map(|(at, place)| (at[path.len()..].trim_start_matches('.').to_owned(), *place));
        Self { entries: inner.collect(), whole: self.nearest(path) }
    }

    /// The path of the value that stands there; of a list of tables and its first table, which stand at one place, the
    /// table's.
    pub(crate) fn path_of(&self, span: Span) -> Option<String> {
        let there = self.entries.iter().filter(|(_, place)| place.value == span);
        there.map(|(path, _)| path).max_by_key(|path| path.len()).cloned()
    }

    /// The value at exactly this path.
    pub fn value(&self, path: &str) -> Option<Span> {
        self.entries.get(path).map(|place| place.value)
    }

    /// The key at exactly this path.
    pub fn key(&self, path: &str) -> Option<Span> {
        self.entries.get(path).and_then(|place| place.key)
    }

    /// The value at this path or, if it has no place, of the nearest thing around it.
    pub fn nearest(&self, path: &str) -> Option<Span> {
        let mut path = path;
        loop {
            if let Some(span) = self.value(path) {
                return Some(span);
            }
            match path.rfind(['.', '[']) {
                Some(at) => path = &path[..at],
                None => return self.value("").or(self.whole),
            }
        }
    }
}

/// The places in a JSON object or array that starts at or after byte `start` of `text`, and the paths of keys that
/// are written twice. The text is taken to be JSON; where it is not, the places end.
pub(crate) fn of_json(text: &str, span: Span) -> (Places, Vec<String>) {
    let mut scan = JsonScan { text, at: span.start, places: Places::new(span), repeated: Vec::new() };
    scan.value(&mut String::new(), 0);
    (scan.places, scan.repeated)
}

/// The elements of a JSON array in `text`, which is taken to be one.
pub(crate) fn json_elements(text: &str) -> Vec<Span> {
    let start = text.find('[').unwrap_or(text.len());
    let (places, _) = of_json(text, Span::new(start, text.len()));
    (0..).map_while(|index| places.value(&format!("[{index}]"))).collect()
}

struct JsonScan<'a> {
    text: &'a str,
    at: usize,
    places: Places,
    repeated: Vec<String>,
}

/// As deep as serde_json reads.
const MAX_DEPTH: usize = 128;

impl JsonScan<'_> {
    fn value(&mut self, path: &mut String, depth: usize) -> Option<Span> {
        self.skip_space();
        let start = self.at;
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => self.object(path, depth)?,
            b'[' if depth < MAX_DEPTH => self.array(path, depth)?,
            b'"' => self.string()?,
            b'{' | b'[' | b'}' | b']' | b',' | b':' => return None,
            _ => {
                let rest = &self.text[self.at..];
                self.at += rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
            }
        }
        Some(Span::new(start, self.at))
    }

    fn object(&mut self, path: &mut String, depth: usize) -> Option<()> {
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                _ => {
                    let key_start = self.at;
                    self.string()?;
                    let key = Span::new(key_start, self.at);
                    self.skip_space();
                    (self.peek()? == b':').then_some(())?;
                    self.at += 1;
                    let outer = path.len();
                    let name: String = serde_json::from_str(&self.text[key.start..key.end]).ok()?;
                    if outer > 0 {
                        path.push('.');
                    }
                    path.push_str(&name);
                    let value = self.value(path, depth + 1)?;
                    if !self.places.note(path, Some(key), value) {
                        self.repeated.push(path.clone());
                    }
                    path.truncate(outer);
                }
            }
        }
    }

    fn array(&mut self, path: &mut String, depth: usize) -> Option<()> {
        self.at += 1;
        let mut index = 0;
        loop {
            self.skip_space();
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                _ => {
                    let outer = path.len();
                    path.push_str(&format!("[{index}]"));
                    let value = self.value(path, depth + 1)?;
                    self.places.note(path, None, value);
                    path.truncate(outer);
                    index += 1;
                }
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        (self.peek()? == b'"').then_some(())?;
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            self.at += rest.find(['"', '\\'])?;
            let escaped = self.peek()? == b'\\';
            self.at += 1;
            if !escaped {
                return Some(());
            }
            self.at += self.text[self.at..].chars().next()?.len_utf8();
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_an_object_are_found() {
        let text = r#"  {"a": "x\"y", "b" : [1, {"c d": null}], "a.b": -1.5e3}"#;
        let (places, repeated) = of_json(text, Span::new(0, text.len()));
        let at = |path: &str| places.value(path).map(|s| &text[s.start..s.end]);
        assert_eq!(at("a"), Some(r#""x\"y""#));
        assert_eq!(at("b[1]"), Some(r#"{"c d": null}"#));
        assert_eq!(at("b[1].c d"), Some("null"));
        assert_eq!(at("a.b"), Some("-1.5e3"));
        assert_eq!(places.key("b").map(|s| &text[s.start..s.end]), Some("\"b\""));
        assert_eq!(places.nearest("b[1].x.y[3]"), places.value("b[1]"));
        assert_eq!(repeated, [""; 0]);
    }

    #[test]
    fn a_key_written_twice_is_noticed() {
        let text = r#"{"a": {"b": 1, "b": 2}}"#;
        assert_eq!(of_json(text, Span::new(0, text.len())).1, ["a.b"]);
    }

    #[test]
    fn an_alias_covers_what_lies_under_its_path() {
        let mut places = Places::new(Span::new(0, 9));
        places.note("n.value", None, Span::new(1, 2));
        places.note("n.value[0]", None, Span::new(3, 4));
        places.note("n.value2", None, Span::new(5, 6));
        places.alias("n.value", "m");
        assert_eq!(places.value("m"), Some(Span::new(1, 2)));
        assert_eq!(places.value("m[0]"), Some(Span::new(3, 4)));
        assert_eq!(places.value("m2"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned_without_panic(text in "[\\[\\]{}\",:\\\\ a1é]{0,40}") {
            let _ = of_json(&text, Span::new(0, text.len()));
            let _ = json_elements(&text);
        }
    }
}
