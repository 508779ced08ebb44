//! Rules of type `query`: every event that passes the query is a hit.

use matcher::{Resolved, Resolver};
use query::Diagnostic;
use rule::rule_type::Language;

use crate::finisher::Finisher;
use crate::plan::Sought;

/// The events that a KQL or Lucene query lets through. Diagnostics have spans into its text.
pub(crate) fn sought(
    text: &str,
    language: Language,
    resolver: &mut Resolver<'_>,
) -> Result<Sought, Vec<Diagnostic>> {
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
            let message = format!("a `query` rule is not written in {language}");
            return Err(vec![Diagnostic::error("rule::language", message)]);
        }
    };
    // A tree that is partial was reported by the parser, with the place.
    diagnostics.extend(query.diagnostics.into_iter().filter(|d| d.code != "query::partial"));
    let resolved = Resolved { predicate: query.predicate, diagnostics };
    if !resolved.is_ok() {
        return Err(resolved.diagnostics);
    }
    Ok(Sought {
        filters: vec![(String::new(), resolved.predicate)],
        exceptions: Vec::new(),
        finisher: Finisher::EachEvent,
        warnings: resolved.diagnostics,
        indicators: None,
        reads_now: false,
    })
}
