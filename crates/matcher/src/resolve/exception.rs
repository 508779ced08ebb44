//! Exception items to predicates: true of the events that an item takes out of a rule's reach.
//!
//! Source: elastic/kibana lists/server/services/exception_lists/build_exception_filter.ts.

use query::Diagnostic;
use rule::exception::{Entry, ExceptionItem, Operator};

use super::field::Words;
use super::{Resolved, Resolver};
use crate::glob::{Fold, Glob};
use crate::predicate::Predicate;

impl Resolver<'_> {
    /// Resolves one item: all entries have to hold, on a host of one of its operating systems if it names any.
    ///
    /// An item with an entry that cannot be applied takes no event out, and that is an error to report.
    pub fn exception(&mut self, item: &ExceptionItem) -> Resolved {
        let mut parts = Vec::with_capacity(item.entries.len() + 1);
        if !item.os_types.is_empty() {
            let mut systems = Vec::new();
            for os in &item.os_types {
                systems.push(self.equals("host.os.type", os, Words::Any, None));
                systems.push(self.equals("host.os.name.caseless", os, Words::Any, None));
            }
            parts.push(Predicate::or(systems));
        }
        for entry in &item.entries {
            parts.push(self.entry(entry, ""));
        }
        let predicate = if item.entries.is_empty() { Predicate::Const(false) } else { Predicate::and(parts) };
        self.finish(predicate)
    }

    fn entry(&mut self, entry: &Entry, base: &str) -> Predicate {
        let name =
            if base.is_empty() { entry.field().to_owned() } else { format!("{base}.{}", entry.field()) };
        let (predicate, operator) = match entry {
            Entry::Match { value, operator, .. } => {
                (self.equals(&name, value, Words::Phrase(0), None), *operator)
            }
            Entry::MatchAny { values, operator, .. } => {
                let any: Vec<Predicate> =
                    values.iter().map(|value| self.equals(&name, value, Words::Phrase(0), None)).collect();
                (Predicate::or(any), *operator)
            }
            Entry::Exists { operator, .. } => (self.exists(&name), *operator),
            Entry::Wildcard { value, operator, .. } => {
                let pieces = Glob::from_wildcard(value, Fold::None).pieces().to_vec();
                (self.matches(&name, &pieces, Fold::None, None), *operator)
            }
            Entry::List { list_id, .. } => {
                let message =
                    format!("the value list `{list_id}` is not available: value lists are not read yet");
                self.diagnostics.push(Diagnostic::error("rule::value-list", message));
                return Predicate::Const(false);
            }
            Entry::Nested { entries, .. } => {
                let inner = |resolver: &mut Self| {
                    let parts: Vec<Predicate> = entries.iter().map(|e| resolver.entry(e, &name)).collect();
                    Predicate::and(parts)
                };
                return self.within(&name, inner);
            }
        };
        match operator {
            Operator::Included => predicate,
            Operator::Excluded => Predicate::not(predicate),
        }
    }
}
