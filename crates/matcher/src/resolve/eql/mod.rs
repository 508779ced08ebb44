//! EQL event filters to predicates, and the fields that events are joined by.
//!
//! ```text
//!   tree ──expression──▶ Expression ──condition──▶ Predicate
//!          (fields, constants, types)  (index leaf or computed leaf)
//! ```
//!
//! Sources: Elasticsearch docs, "EQL syntax reference"; elastic/elasticsearch x-pack/plugin/eql
//! `planner/QueryTranslator`, `optimizer/Optimizer`, and x-pack/plugin/ql `optimizer/OptimizerRules`.

mod condition;
mod expression;
mod field_name;
mod leaf;

use query::eql::ast::{Category, EventFilter, FieldRef};
use query::{Diagnostic, Spanned};

use self::condition::Condition;
use super::{Resolved, Resolver};
use crate::computed::Value;
use crate::glob::Fold;
use crate::join_key::JoinKey;
use crate::predicate::Predicate;

/// Whether every field of the events is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Events may have fields that the catalogue does not know: these are fields like others.
    Open,
    /// They have not, as where an index is mapped strictly: an unknown field is a mistake, and always null when it is
    /// optional.
    Closed,
}

/// A join key, and what is worth saying about how it came to be.
#[derive(Debug, Clone)]
pub struct ResolvedKey {
    /// Has a meaning even when a diagnostic is an error; then it must not be used.
    pub key: JoinKey,
    /// With spans into the text that was parsed.
    pub diagnostics: Vec<Diagnostic>,
}

impl Resolver<'_> {
    /// Resolves one event filter: the event is of the category and meets the condition.
    ///
    /// `category_field` is `event.category` unless the rule says otherwise. Case counts in it, and any of its values
    /// will do; `any` asks nothing of it. A filter that folds to nothing is `Predicate::Const(false)`.
    pub fn eql_filter(&mut self, filter: &EventFilter, category_field: &str, schema: Schema) -> Resolved {
        let category = match &filter.category.value {
            Category::Any => Predicate::Const(true),
            Category::Named(name) => {
                let name = Value::Text(name.as_str().into());
                self.eql_equals(category_field, &name, Fold::None, filter.category.span)
            }
        };
        self.reads_nested = true;
        let condition = self.eql_expression(&filter.condition, schema);
        let condition = self.eql_condition(&condition).into_predicate();
        self.reads_nested = false;
        self.finish(Predicate::and([category, condition]))
    }

    /// True when the condition is false or null of every event, whatever its fields: `where false`, or a field that is
    /// known not to exist.
    pub fn eql_is_never(&mut self, filter: &EventFilter, schema: Schema) -> bool {
        let condition = self.eql_expression(&filter.condition, schema);
        let condition = self.eql_condition(&condition);
        self.diagnostics.clear();
        matches!(condition, Condition::Constant(false) | Condition::Null)
    }

    /// Resolves one field that events are joined by.
    pub fn join_key(&mut self, field: &Spanned<FieldRef>, schema: Schema) -> ResolvedKey {
        let read = self.eql_field(&field.value, field.span, schema);
        let key = JoinKey {
            field: read.as_ref().map(|read| read.field),
            field_type: read.and_then(|read| read.field_type),
            optional: field.value.optional,
        };
        ResolvedKey { key, diagnostics: std::mem::take(&mut self.diagnostics) }
    }
}
