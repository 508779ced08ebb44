//! Queries resolved to predicates, and which of thousands of filters an event passes.
//!
//! ```text
//!   KQL, Lucene, EQL,  ──resolve──▶ Predicate ──┬─▶ eval: does this event pass?
//!   filters            (fields, types)          ├─▶ Matcher: which of all filters does this event pass?
//!   (trees of `query`, `rule`)                  └─▶ explain: which clause said no, and what it saw
//! ```
//!
//! Start at [`Predicate`]. Its leaves follow one of two policies:
//!
//! - `Any2`, [`Leaf`]: any value of the field may pass, a missing field does not, and negation is two-valued, so
//!   `not f:x` holds where `f` is missing. All of KQL, Lucene and the filters, and what EQL asks of a bare field.
//! - `Script3`, [`Computed`]: a value is computed from those of the event, a missing field is null, and null is no
//!   match, nor is its direct negation. What EQL asks of a function or of arithmetic. Groups of such leaves are
//!   two-valued again.
//!
//! EQL's sequences and samples are joined by [`JoinKey`]s. An ES|QL query is run over columns, not here; what it asks of
//! single events is a predicate too ([`Resolver::esql_necessary_condition`]), and so are the searches in it.
//!
//! Invariant: nothing here knows where events come from or what is done with those that pass.

pub mod analysis;
pub mod computed;
pub mod error;
pub mod explain;
pub mod function;
pub mod glob;
pub mod join_key;
pub mod lucene_regex;
pub mod matcher;
pub mod predicate;
pub mod resolve;
pub mod value;
pub mod value_list;
pub mod version;

pub use computed::Computed;
pub use error::ResolveError;
pub use explain::{Explanation, explain};
pub use glob::{Fold, Glob};
pub use join_key::{JoinKey, KeyValue};
pub use matcher::{FilterId, Matcher, StreamMatcher};
pub use predicate::{Leaf, Predicate};
pub use resolve::{Resolved, ResolvedKey, Resolver, Schema};
pub use value::ValueTest;
pub use value_list::Listed;
