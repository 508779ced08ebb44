//! Queries resolved to predicates, and which of thousands of filters an event passes.
//!
//! ```text
//!   KQL, Lucene, filters ──resolve──▶ Predicate ──┬─▶ eval: does this event pass?
//!   (trees of `query`, `rule`)   (fields, types)  ├─▶ Matcher: which of all filters does this event pass?
//!                                                 └─▶ explain: which clause said no, and what it saw
//! ```
//!
//! Start at [`Predicate`]. Every leaf follows the policy that the architecture calls `Any2`: any value of the
//! field may pass, a missing field does not, and negation is two-valued, so `not f:x` holds where `f` is missing.
//!
//! Invariant: nothing here knows where events come from or what is done with those that pass.

pub mod analysis;
pub mod error;
pub mod explain;
pub mod glob;
pub mod lucene_regex;
pub mod matcher;
pub mod predicate;
pub mod resolve;
pub mod value;

pub use error::ResolveError;
pub use explain::{Explanation, explain};
pub use glob::{Fold, Glob};
pub use matcher::{FilterId, Matcher, StreamMatcher};
pub use predicate::{Leaf, Predicate};
pub use resolve::{Resolved, Resolver};
pub use value::ValueTest;
