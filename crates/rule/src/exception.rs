//! Exception lists: known good, as entries that take events out of a rule's reach.
//!
//! The entries of an item must all hold; any item of any list that applies takes the event out.
//! Source: elastic/kibana kbn-securitysolution-exceptions-common/api, docs "Add and manage exceptions".

use ecs::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::format::Written;
use crate::origin::Origin;
use crate::rule::Rule;

/// In [`ExceptionList::rules`], stands for every rule.
pub const EVERY_RULE: &str = "*";

/// A rule's use of an exception list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionListRef {
    /// The id under which an installation keeps the list.
    pub id: String,
    /// The stable name of the list.
    pub list_id: String,
    /// For example `detection`, `rule_default` or `endpoint`.
    #[serde(rename = "type")]
    pub list_type: String,
    /// In which spaces it is known.
    pub namespace_type: NamespaceType,
}

/// In which spaces a list is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceType {
    /// In its own space.
    #[default]
    Single,
    /// In all.
    Agnostic,
}

/// An exception list, without its items.
#[derive(Debug, Clone, PartialEq)]
pub struct ExceptionList {
    /// The id under which an installation keeps it.
    pub id: Option<String>,
    /// Its stable name.
    pub list_id: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// For example `detection`, `rule_default` or `endpoint`.
    pub list_type: String,
    /// In which spaces it is known.
    pub namespace_type: NamespaceType,
    /// The operating systems that it is about; empty for all.
    pub os_types: Vec<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Ids or names of rules that it applies to although they do not refer to it; [`EVERY_RULE`] for all. Only in
    /// our own TOML files.
    pub rules: Vec<String>,
    /// Every other key, as written.
    pub extra: Map<String, Value>,
    /// Where it was read.
    pub origin: Origin,
    /// What was written there, so that writing back changes only what was changed.
    pub written: Written,
}

/// One item of an exception list: an event that meets all entries is excepted.
#[derive(Debug, Clone, PartialEq)]
pub struct ExceptionItem {
    /// The id under which an installation keeps it.
    pub id: Option<String>,
    /// The list it belongs to.
    pub list_id: String,
    /// Its stable name.
    pub item_id: Option<String>,
    /// What people call it.
    pub name: String,
    /// Why it is there.
    pub description: String,
    /// In which spaces it is known.
    pub namespace_type: NamespaceType,
    /// All must hold; at least one.
    pub entries: Vec<Entry>,
    /// When not empty, the event's host must also run one of these (`host.os.type`, or `host.os.name.caseless`).
    pub os_types: Vec<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// What people wrote about it, as Kibana writes it.
    pub comments: Vec<Value>,
    /// The last instant at which it has an effect; `None` for no end.
    pub expire_time: Option<Timestamp>,
    /// Every other key, as written.
    pub extra: Map<String, Value>,
    /// Where it was read.
    pub origin: Origin,
    /// What was written there, so that writing back changes only what was changed.
    pub written: Written,
}

/// Whether an entry asks that something is so, or that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// It is so.
    Included,
    /// It is not so; also true of events that lack the field.
    Excluded,
}

/// One condition of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The field has the value.
    Match {
        /// Dotted name; within [`Nested`](Self::Nested) relative to its path.
        field: String,
        /// Is it so, or not?
        operator: Operator,
        /// Exact and case-sensitive on keywords, a phrase on analysed text.
        value: String,
    },
    /// The field has one of the values.
    MatchAny {
        /// Dotted name.
        field: String,
        /// Is it so, or not?
        operator: Operator,
        /// At least one.
        values: Vec<String>,
    },
    /// The field has a value at all.
    Exists {
        /// Dotted name.
        field: String,
        /// Is it so, or not?
        operator: Operator,
    },
    /// The field matches a pattern.
    Wildcard {
        /// Dotted name.
        field: String,
        /// Is it so, or not?
        operator: Operator,
        /// `*` any run of characters, `?` one, `\` takes their meaning; case-sensitive. Kibana's pages call it *matches*.
        value: String,
    },
    /// The field has a value that a value list holds.
    List {
        /// Dotted name.
        field: String,
        /// Is it so, or not?
        operator: Operator,
        /// The value list.
        list_id: String,
        /// The type of its values, for example `keyword`, `ip`, `ip_range`; empty when the entry does not say.
        list_type: String,
    },
    /// One element of a nested field meets all of the entries.
    Nested {
        /// The path of the nested field.
        field: String,
        /// `Match`, `MatchAny` or `Exists`, with fields relative to the path.
        entries: Vec<Entry>,
    },
}

impl Entry {
    /// The field as written.
    pub fn field(&self) -> &str {
        match self {
            Self::Match { field, .. }
            | Self::MatchAny { field, .. }
            | Self::Exists { field, .. }
            | Self::Wildcard { field, .. }
            | Self::List { field, .. }
            | Self::Nested { field, .. } => field,
        }
    }
}

impl ExceptionList {
    /// True when it names the rule itself, by its id or its name.
    pub fn names(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|name| *name == rule.rule_id || *name == rule.name || name == EVERY_RULE)
    }
}

impl ExceptionListRef {
    /// Does it lead to this list? Lists of one name in different kinds of spaces are different lists.
    pub fn leads_to(&self, list: &ExceptionList) -> bool {
        list.list_id == self.list_id && list.namespace_type == self.namespace_type
    }
}

impl ExceptionItem {
    /// True when it has no effect any more in a run that starts at `at`.
    pub fn is_expired(&self, at: Timestamp) -> bool {
        self.expire_time.is_some_and(|expiry| expiry < at)
    }
}
