//! One event as an ECS document: nested JSON, read and written by dotted names.

use serde_json::{Map, Value};

use crate::{EventView, FieldId, FieldTable, FieldType, Known, Scalar};

/// An ECS document.
///
/// Keys may be nested (`{"event":{"action":…}}`), dotted (`{"event.action":…}`) or any mix; a dotted name finds
/// the value in every one of these forms. Null and `[]` are the same as absence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    root: Map<String, Value>,
}

impl Document {
    /// An empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a JSON object as it is.
    pub fn from_map(root: Map<String, Value>) -> Self {
        Self { root }
    }

    /// The JSON object.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.root
    }

    /// The JSON object, to change in place.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.root
    }

    /// Gives up the JSON object.
    pub fn into_map(self) -> Map<String, Value> {
        self.root
    }

    /// Sets a field, making the objects on the way; a value in the way that is no object is replaced.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let mut at = &mut self.root;
        let mut rest = name;
        while let Some((head, tail)) = rest.split_once('.') {
            let slot = at.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            let Value::Object(inner) = slot else { return };
            at = inner;
            rest = tail;
        }
        at.insert(rest.to_owned(), value.into());
    }

    /// Every JSON node that a dotted name reaches, in document order; arrays of objects on the way are walked through.
    pub fn nodes<'a>(&'a self, name: &str) -> Vec<&'a Value> {
        let segments: Vec<&str> = name.split('.').collect();
        let mut found = Vec::new();
        visit_nodes(&self.root, &segments, &mut |v| {
            found.push(v);
            false
        });
        found
    }

    /// The scalar values of a field in document order; for an object, none.
    pub fn values<'a>(&'a self, name: &str) -> Vec<Scalar<'a>> {
        let mut found = Vec::new();
        for node in self.nodes(name) {
            visit_scalars(node, false, &mut |s| {
                found.push(s);
                false
            });
        }
        found
    }

    /// The first scalar value of a field.
    pub fn first<'a>(&'a self, name: &str) -> Option<Scalar<'a>> {
        let segments: Vec<&str> = name.split('.').collect();
        let mut found = None;
        visit_nodes(&self.root, &segments, &mut |node| {
            visit_scalars(node, false, &mut |scalar| {
                found = Some(scalar);
                true
            })
        });
        found
    }

    /// The first value of a field when it is text.
    pub fn text<'a>(&'a self, name: &str) -> Option<&'a str> {
        match self.first(name)? {
            Scalar::Str(s) => Some(s),
            _ => None,
        }
    }

    /// Every leaf as (dotted name, scalar), in document order; several values of one field come one by one.
    pub fn leaves(&self) -> Vec<(String, Scalar<'_>)> {
        let mut out = Vec::new();
        visit_leaves("", &self.root, &mut |name, scalar| {
            out.push((name.to_owned(), scalar));
            false
        });
        out
    }

    /// This document as the fields of `table`.
    pub fn view<'a>(&'a self, table: &'a FieldTable) -> DocumentView<'a> {
        DocumentView { root: &self.root, table, base: "" }
    }
}

/// A [`Document`] (or one element of a nested field) seen through a [`FieldTable`].
#[derive(Debug, Clone, Copy)]
pub struct DocumentView<'a> {
    root: &'a Map<String, Value>,
    table: &'a FieldTable,
    /// Dotted name of the nested field that `root` is an element of; empty for a whole document.
    base: &'a str,
}

impl DocumentView<'_> {
    fn visit(&self, field: FieldId, visit: &mut dyn FnMut(&Value) -> bool) -> bool {
        let entry = self.table.entry(field);
        let skip = if self.base.is_empty() {
            0
        } else if entry.name.strip_prefix(self.base).is_some_and(|rest| rest.starts_with('.')) {
            self.base.split('.').count()
        } else {
            return false;
        };
        visit_nodes(self.root, &entry.segments[skip..], visit)
    }
}

impl EventView for DocumentView<'_> {
    fn any_value(&self, field: FieldId, test: &mut dyn FnMut(Scalar<'_>) -> bool) -> Known {
        let leaves = self.table.entry(field).field_type == Some(FieldType::Flattened);
        self.visit(field, &mut |node| visit_scalars(node, leaves, test)).into()
    }

    fn exists(&self, field: FieldId) -> Known {
        self.visit(field, &mut |node| visit_scalars(node, true, &mut |_| true)).into()
    }

    fn any_leaf(&self, test: &mut dyn FnMut(&str, Scalar<'_>) -> bool) -> Known {
        visit_leaves(self.base, self.root, &mut |name, scalar| test(name, scalar)).into()
    }

    fn any_nested(&self, field: FieldId, test: &mut dyn FnMut(&dyn EventView) -> Known) -> Known {
        fn each(node: &Value, f: &mut dyn FnMut(&Map<String, Value>) -> bool) -> bool {
            match node {
                Value::Object(map) => f(map),
                Value::Array(items) => items.iter().any(|item| each(item, f)),
                _ => false,
            }
        }
        let mut unknown = false;
        let table = self.table;
        let base = &*table.entry(field).name;
        let found = self.visit(field, &mut |node| {
            each(node, &mut |root| match test(&DocumentView { root, table, base }) {
                Known::Yes => true,
                Known::No => false,
                Known::Unknown => {
                    unknown = true;
                    false
                }
            })
        });
        match (found, unknown) {
            (true, _) => Known::Yes,
            (false, true) => Known::Unknown,
            (false, false) => Known::No,
        }
    }
}

/// Visits the nodes at a path, trying every way in which the segments may be joined into keys; stops at the first true.
fn visit_nodes<'a, S: AsRef<str>>(
    map: &'a Map<String, Value>,
    segments: &[S],
    visit: &mut dyn FnMut(&'a Value) -> bool,
) -> bool {
    fn descend<'a, S: AsRef<str>>(
        value: &'a Value,
        rest: &[S],
        visit: &mut dyn FnMut(&'a Value) -> bool,
    ) -> bool {
        if rest.is_empty() {
            return visit(value);
        }
        match value {
            Value::Object(map) => visit_nodes(map, rest, visit),
            Value::Array(items) => items.iter().any(|item| descend(item, rest, visit)),
            _ => false,
        }
    }
    let Some(first) = segments.first() else { return false };
    if let Some(value) = map.get(first.as_ref())
        && descend(value, &segments[1..], visit)
    {
        return true;
    }
    // Dotted keys are rare: join segments only when some key has a dot at all.
    if segments.len() > 1 && map.keys().any(|k| k.contains('.')) {
        let mut key = first.as_ref().to_owned();
        for (i, segment) in segments.iter().enumerate().skip(1) {
            key.push('.');
            key.push_str(segment.as_ref());
            if let Some(value) = map.get(&key)
                && descend(value, &segments[i + 1..], visit)
            {
                return true;
            }
        }
    }
    false
}

/// Visits every leaf below a map with its dotted name; stops at the first true.
fn visit_leaves<'a>(
    prefix: &str,
    map: &'a Map<String, Value>,
    visit: &mut dyn FnMut(&str, Scalar<'a>) -> bool,
) -> bool {
    fn descend<'a>(name: &str, value: &'a Value, visit: &mut dyn FnMut(&str, Scalar<'a>) -> bool) -> bool {
        match value {
            Value::Object(map) => visit_leaves(name, map, visit),
            Value::Array(items) => items.iter().any(|item| descend(name, item, visit)),
            scalar => Scalar::from_json(scalar).is_some_and(|s| visit(name, s)),
        }
    }
    map.iter().any(|(key, value)| match prefix {
        "" => descend(key, value, visit),
        prefix => descend(&format!("{prefix}.{key}"), value, visit),
    })
}

/// Visits the scalars of a node, through arrays, and through objects too when `leaves`; stops at the first true.
fn visit_scalars<'a>(node: &'a Value, leaves: bool, visit: &mut dyn FnMut(Scalar<'a>) -> bool) -> bool {
    match node {
        Value::Array(items) => items.iter().any(|item| visit_scalars(item, leaves, visit)),
        Value::Object(map) if leaves => map.values().any(|value| visit_scalars(value, true, visit)),
        scalar => Scalar::from_json(scalar).is_some_and(visit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    fn document(text: &str) -> Document {
        match serde_json::from_str(text).unwrap() {
            Value::Object(map) => Document::from_map(map),
            _ => panic!("not an object"),
        }
    }

    #[test]
    fn a_dotted_name_finds_nested_dotted_and_mixed_keys() {
        for text in [
            r#"{"a":{"b":{"c":1}}}"#,
            r#"{"a.b.c":1}"#,
            r#"{"a.b":{"c":1}}"#,
            r#"{"a":{"b.c":1}}"#,
            r#"{"a":[{"b":{"c":[1]}}]}"#,
        ] {
            assert_eq!(document(text).values("a.b.c"), [Scalar::Int(1)], "{text}");
        }
    }

    #[test]
    fn values_are_gathered_from_every_form_at_once() {
        assert_eq!(document(r#"{"a":{"b":1},"a.b":[2,null,[3]]}"#).values("a.b"), [1, 2, 3].map(Scalar::Int));
    }

    #[test]
    fn set_makes_the_objects_on_the_way() {
        let mut d = Document::new();
        d.set("event.action", "DisableKey");
        d.set("event.outcome", "success");
        assert_eq!(d, document(r#"{"event":{"action":"DisableKey","outcome":"success"}}"#));
    }

    #[test]
    fn existence_needs_a_leaf() {
        let catalog = Catalog::builtin();
        let mut table = FieldTable::new();
        let a = table.intern("a", &catalog);
        for (text, expected) in [
            (r#"{"a":{"b":1}}"#, Known::Yes),
            (r#"{"a":""}"#, Known::Yes),
            (r#"{"a":null}"#, Known::No),
            (r#"{"a":[]}"#, Known::No),
            (r#"{"a":{"b":[null]}}"#, Known::No),
            (r#"{"b":1}"#, Known::No),
        ] {
            assert_eq!(document(text).view(&table).exists(a), expected, "{text}");
        }
    }

    #[test]
    fn a_nested_element_is_seen_alone() {
        let catalog = Catalog::builtin();
        let mut table = FieldTable::new();
        let a = table.intern("x.a", &catalog);
        let (b, c) = (table.intern("x.a.b", &catalog), table.intern("x.a.c", &catalog));
        let d = document(r#"{"x":{"a":[{"b":1,"c":2},{"b":3,"c":4}]}}"#);
        let both = |want_b: i64, want_c: i64| {
            d.view(&table).any_nested(a, &mut |e| {
                let b = e.any_value(b, &mut |s| s == Scalar::Int(want_b));
                let c = e.any_value(c, &mut |s| s == Scalar::Int(want_c));
                (b == Known::Yes && c == Known::Yes).into()
            })
        };
        assert_eq!(both(1, 2), Known::Yes);
        assert_eq!(both(1, 4), Known::No);
    }
}
