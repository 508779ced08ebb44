//! Fields of EQL, known and unknown.

use query::eql::ast::FieldRef;
use query::{Diagnostic, Span};

use super::Schema;
use crate::computed::FieldRead;
use crate::resolve::Resolver;
use crate::value::within_edits;

/// The code of a field that the catalogue does not know.
const UNKNOWN: &str = "eql::unknown-field";

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

    /// The known field that was probably meant.
    fn likely_meant(&self, name: &str) -> Option<String> {
        // One of three pieces survives two mistakes, save for two swaps across their borders: most names are ruled
        // out without counting edits.
        let limit = if name.len() < LONG { 1 } else { LIKELY };
        let piece = name.len() / 3;
        let pieces = (name.get(..piece)?, name.get(piece..2 * piece)?, name.get(2 * piece..)?);
        let mut near = self
            .catalog
            .names()
            .filter(|known| known.len().abs_diff(name.len()) <= usize::from(limit))
            .filter(|known| {
                known.starts_with(pieces.0) || known.ends_with(pieces.2) || known.contains(pieces.1)
            });
        near.find(|known| within_edits(known, name, limit)).map(str::to_owned)
    }
}
