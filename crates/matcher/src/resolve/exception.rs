//! Exception items to predicates: true of the events that an item takes out of a rule's reach.
//!
//! Source: elastic/kibana lists/server/services/exception_lists/build_exception_filter.ts.

use std::sync::Arc;

use query::Diagnostic;
use rule::exception::{Entry, ExceptionItem, Operator};
use rule::{ValueList, ValueListType};

use super::field::{MISFIT, Words};
use super::{Resolved, Resolver};
use crate::glob::{Fold, Glob};
use crate::predicate::{FieldTest, Predicate};
use crate::value::ValueTest;
use crate::value_list::Listed;

/// The code of a value list that cannot be applied.
const VALUE_LIST: &str = "rule::value-list";

impl Resolver<'_> {
    /// Resolves one item: all entries have to hold, on a host of one of its operating systems if it names any.
    ///
    /// An item with an entry that cannot be applied must take no event out, and that is an error to report: above all
    /// a comparison that no value can pass, since its opposite would take out every event.
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
        let before = self.diagnostics.len();
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
            Entry::Wildcard { value, operator, .. } => (self.wildcard(&name, value), *operator),
            Entry::List { list_id, list_type, operator, .. } => {
                match self.listed(&name, list_id, list_type) {
                    Ok(predicate) => (predicate, *operator),
                    Err(message) => {
                        self.diagnostics.push(Diagnostic::error(VALUE_LIST, message));
                        return Predicate::Const(false);
                    }
                }
            }
            Entry::Nested { entries, .. } => {
                let inner = |resolver: &mut Self| {
                    let parts: Vec<Predicate> = entries.iter().map(|e| resolver.entry(e, &name)).collect();
                    Predicate::and(parts)
                };
                return self.within(&name, inner);
            }
        };
        if matches!(predicate, Predicate::Const(false)) {
            for found in self.diagnostics[before..].iter_mut().filter(|found| found.code == MISFIT) {
                found.severity = query::Severity::Error;
            }
        }
        match operator {
            Operator::Included => predicate,
            Operator::Excluded => Predicate::not(predicate),
        }
    }

    /// On analysed text the whole pattern has to fit one word as it is indexed, which is in lower case.
    fn wildcard(&mut self, name: &str, pattern: &str) -> Predicate {
        let glob = Glob::from_wildcard(pattern, Fold::None);
        if self.type_of(name).0.is_some_and(ecs::FieldType::is_analysed) {
            return self.leaf(name, FieldTest::Any(ValueTest::TokenGlob(glob)));
        }
        let pieces = glob.pieces().to_vec();
        self.matches(name, &pieces, Fold::None, None)
    }

    /// The field has a value of a value list, or why that cannot be told. `entry_type` is what the entry says of the
    /// list; empty for nothing.
    fn listed(&mut self, name: &str, list_id: &str, entry_type: &str) -> Result<Predicate, String> {
        let list = self.value_lists.iter().find(|list| list.id == list_id);
        let list: Arc<ValueList> =
            Arc::clone(list.ok_or_else(|| format!("the value list `{list_id}` was not loaded"))?);
        // An empty list would take out nothing or, in an entry that excludes its values, everything.
        if list.is_empty() {
            return Err(format!("the value list `{list_id}` holds no value"));
        }
        let said = match entry_type {
            "" => None,
            text => match text.parse::<ValueListType>() {
                Ok(said) => Some(said),
                Err(_) if list.list_type.is_some() => None,
                Err(error) => return Err(format!("the value list `{list_id}`: {error}")),
            },
        };
        let values = match (list.list_type, said) {
            (Some(own), Some(said)) if own != said && !(own.is_of_addresses() && said.is_of_addresses()) => {
                return Err(format!(
                    "the value list `{list_id}` is of type {}, and the entry takes it to be of type {}",
                    own.name(),
                    said.name()
                ));
            }
            (Some(known), _) | (None, Some(known)) => known,
            (None, None) if list.not_addresses() == 0 => ValueListType::IpRange,
            (None, None) => ValueListType::Keyword,
        };
        let (field_type, fold) = self.type_of(name);
        let Some(listed) = Listed::new(&list, values, field_type, fold) else {
            let field_type = field_type.map_or("unknown", ecs::FieldType::name);
            return Err(format!(
                "the value list `{list_id}` of type {} can hold no value of `{name}`, which is of type {field_type}",
                values.name()
            ));
        };
        let addresses = values.is_of_addresses() || field_type == Some(ecs::FieldType::Ip);
        if addresses && values != ValueListType::Text && list.not_addresses() > 0 {
            let message = format!(
                "{} of {} values of the value list `{list_id}` are no addresses",
                list.not_addresses(),
                list.len()
            );
            if list.not_addresses() == list.len() {
                return Err(message);
            }
            self.diagnostics.push(Diagnostic::warning(VALUE_LIST, message));
        }
        Ok(self.leaf(name, FieldTest::Any(ValueTest::Listed(listed))))
    }
}
