//! Rules of type `query`: every event that passes the query is a hit.

use matcher::{Predicate, Resolved, Resolver};
use query::Diagnostic;
use rule::rule_type::{EventSource, Language};

/// The events that a KQL or Lucene query and the filters beside it let through.
///
/// Diagnostics have spans into the query's text.
pub fn filter(text: &str, language: Language, source: &EventSource, resolver: &mut Resolver<'_>) -> Resolved {
    let (query, mut diagnostics) = match language {
        Language::Kuery => {
            let parsed = query::kql::parse(text);
            (resolver.kql(&parsed.tree), parsed.diagnostics)
        }
        Language::Lucene => {
            let parsed = query::lucene::parse(text);
            (resolver.lucene(&parsed.tree), parsed.diagnostics)
        }
        // Rules of this type have no other language: reading them refuses it.
        Language::Eql | Language::Esql => {
            let error =
                Diagnostic::error("rule::language", format!("a `query` rule is not written in {language}"));
            return Resolved { predicate: Predicate::Const(false), diagnostics: vec![error] };
        }
    };
    let filters = resolver.filters(&source.filters);
    // A tree that is partial was reported by the parser, with the place.
    diagnostics.extend(query.diagnostics.into_iter().filter(|d| d.code != "query::partial"));
    diagnostics.extend(filters.diagnostics);
    Resolved { predicate: Predicate::and([query.predicate, filters.predicate]), diagnostics }
}
