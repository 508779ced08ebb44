//! Queries resolved to predicates, and which of thousands of filters an event passes.
