//! What is wrong with an item of an exception list that could be read.

use ecs::Catalog;
use query::Diagnostic;

use super::unknown_field;
use crate::exception::{Entry, ExceptionItem};
use crate::format;

/// Every finding about an item, with places in `file`, the text that it was read from. What keeps an entry from being
/// applied needs the matcher, and is not looked for here.
pub fn check_exception(item: &ExceptionItem, file: &str, catalog: &Catalog) -> Vec<Diagnostic> {
    let places = format::exception_places(file, &item.origin);
    let mut found = Vec::new();
    named_fields(&item.entries, "", "entries", &mut |field, path| {
        if let Some(unknown) = unknown_field(field, catalog) {
            found.push(Diagnostic { span: places.nearest(&path), ..unknown });
        }
    });
    found
}

/// Calls for each field that holds values, with its full name and the path at which it is written.
fn named_fields(entries: &[Entry], base: &str, path: &str, call: &mut dyn FnMut(&str, String)) {
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = format!("{base}{}", entry.field());
        match entry {
            Entry::Nested { entries, .. } => {
                named_fields(entries, &format!("{name}."), &format!("{path}.entries"), call);
            }
            Entry::Match { .. }
            | Entry::MatchAny { .. }
            | Entry::Exists { .. }
            | Entry::Wildcard { .. }
            | Entry::List { .. } => call(&name, format!("{path}.field")),
        }
    }
}
