//! Fields of EQL, known and unknown.

use std::cmp::Reverse;

use query::eql::ast::FieldRef;
use query::{Diagnostic, Span};

use super::Schema;
use crate::computed::FieldRead;
use crate::resolve::Resolver;
use crate::value::edits;

/// The code of a field that the catalogue does not know.
const UNKNOWN: &str = "eql::unknown-field";

/// The code of a name that is no field, but has some below it.
const OBJECT: &str = "eql::object-field";

/// So many edits make a typing mistake of a known field likely, where unknown fields are nothing unusual.
const LIKELY: u8 = 2;

/// Shorter names are only one edit away from what they may be taken for.
const LONG: usize = 8;

impl Resolver<'_> {
    /// Looks up a field; `None` when it does not exist and is null for every event.
    pub(super) fn eql_field(&mut self, field: &FieldRef, span: Span, schema: Schema) -> Option<FieldRead> {
        let id = self.intern(&field.name);
        let field_type = self.table.entry(id).field_type;
        let read = FieldRead::new(id, &field.name, field_type, field.optional);
        if field_type.is_some() {
            self.nested_field(&field.name, span);
            return Some(read);
        }
        if self.is_object(&field.name) {
            let message = format!("`{}` is no field, but an object with fields of its own", field.name);
            let found = match schema {
                Schema::Open => Diagnostic::warning(OBJECT, message),
                Schema::Closed => Diagnostic::error(OBJECT, message),
            };
            self.diagnostics.push(found.at(span).help("Elasticsearch refuses it; name one of its fields"));
            return Some(read);
        }
        match (schema, field.optional) {
            (Schema::Closed, true) => None,
            (Schema::Closed, false) => {
                let optional = format!("write `?{}` if events may lack it", field.name);
                let help = match self.catalog.nearest(&field.name) {
                    Some(near) => format!("did you mean `{near}`? If not, {optional}"),
                    None => optional,
                };
                let message = format!("no event has a field `{}`", field.name);
                self.diagnostics.push(Diagnostic::error(UNKNOWN, message).at(span).help(help));
                None
            }
            (Schema::Open, true) => Some(read),
            (Schema::Open, false) => {
                if let Some(near) = self.likely_meant(&field.name) {
                    let message = format!("`{}` is not known, but `{near}` is", field.name);
                    let warning = Diagnostic::warning(UNKNOWN, message).at(span);
                    self.diagnostics.push(warning.help(format!("did you mean `{near}`?")));
                }
                Some(read)
            }
        }
    }

    /// What is doubtful about a field that a rule names beside its query, under `key`. The finding has no place.
    pub fn eql_field_of_rule(&mut self, key: &str, name: &str, schema: Schema) -> Option<Diagnostic> {
        if self.catalog.field_type(name).is_some() {
            return None;
        }
        match schema {
            Schema::Closed => {
                let message = format!("`{key}` names `{name}`, a field that no event has");
                let help = match self.catalog.nearest(name) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("leave `{key}` out, or name a field that events have"),
                };
                Some(Diagnostic::error(UNKNOWN, message).help(help))
            }
            Schema::Open => {
                let near = self.likely_meant(name)?;
                let message = format!("`{key}` names `{name}`, which is not known, but `{near}` is");
                Some(Diagnostic::warning(UNKNOWN, message).help(format!("did you mean `{near}`?")))
            }
        }
    }

    /// Elasticsearch's EQL has no nested fields; here they are fields like others, of which any value will do.
    fn nested_field(&mut self, name: &str, span: Span) {
        let Some(path) = self.catalog.nested_parent(name) else { return };
        let message = match path == name {
            true => format!("`{name}` is nested"),
            false => format!("`{name}` is part of `{path}`, which is nested"),
        };
        self.diagnostics.push(
            Diagnostic::warning("eql::nested-field", message)
                .at(span)
                .help("Elasticsearch refuses it in EQL; here a value in any element will do"),
        );
    }

    /// Has it sub-fields, and no value of its own?
    fn is_object(&self, name: &str) -> bool {
        self.catalog.names().any(|known| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The known field that was probably meant: the nearest, and of those the one that begins most like it.
    fn likely_meant(&self, name: &str) -> Option<String> {
        // One of three pieces survives two mistakes, save for two swaps across their borders: most names are ruled
        // out without counting edits.
        let limit = if name.len() < LONG { 1 } else { LIKELY };
        let piece = name.len() / 3;
        let pieces = (name.get(..piece)?, name.get(piece..2 * piece)?, name.get(2 * piece..)?);
        self.catalog
            .names()
            .filter(|known| known.len().abs_diff(name.len()) <= usize::from(limit))
            .filter(|known| {
                known.starts_with(pieces.0) || known.ends_with(pieces.2) || known.contains(pieces.1)
            })
            .filter_map(|known| Some((edits(known, name, limit)?, known)))
            .min_by_key(|(edits, known)| (*edits, Reverse(common_beginning(known, name))))
            .map(|(_, known)| known.to_owned())
    }
}

fn common_beginning(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}
