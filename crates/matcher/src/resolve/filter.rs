//! Kibana filter objects to predicates.
//!
//! Source: elastic/kibana kbn-es-query/src/es_query/from_filters.ts; Elasticsearch docs, "Query DSL".

use query::Diagnostic;
use rule::filter::{BoolClause, Filter, FilterClause, Relation};
use serde_json::Value;

use super::field::Words;
use super::{Resolved, Resolver};
use crate::glob::{Fold, Glob, Piece};
use crate::predicate::Predicate;

impl Resolver<'_> {
    /// Resolves the filters of a rule: all have to hold, disabled ones do not count.
    ///
    /// A filter that cannot be applied is an error: without it the rule would find something else.
    pub fn filters(&mut self, filters: &[Filter]) -> Resolved {
        let parts: Vec<Predicate> = filters.iter().filter(|f| !f.disabled).map(|f| self.filter(f)).collect();
        self.finish(Predicate::and(parts))
    }

    fn filter(&mut self, filter: &Filter) -> Predicate {
        let predicate = self.clause(&filter.clause);
        if filter.negate { Predicate::not(predicate) } else { predicate }
    }

    fn clause(&mut self, clause: &FilterClause) -> Predicate {
        match clause {
            FilterClause::MatchPhrase { field, value } => {
                self.equals(field, &text(value), Words::Phrase(0), None)
            }
            FilterClause::Match { field, value, all_words } => {
                self.equals(field, &text(value), if *all_words { Words::All } else { Words::Any }, None)
            }
            FilterClause::Term { field, value, case_insensitive } => {
                self.equals_folded(field, &text(value), Words::Any, fold(*case_insensitive), None)
            }
            FilterClause::Terms { field, values } => {
                let parts: Vec<Predicate> =
                    values.iter().map(|value| self.equals(field, &text(value), Words::Any, None)).collect();
                Predicate::or(parts)
            }
            FilterClause::Exists { field } => self.exists(field),
            FilterClause::Range { field, gt, gte, lt, lte, format } => {
                if let Some(format) = format.as_deref().filter(|format| !is_usual(format)) {
                    return self
                        .cannot(&format!("`range` with dates in the format `{format}` is not supported"));
                }
                let bound = |open: &Option<Value>, closed: &Option<Value>| match (open, closed) {
                    (_, Some(value)) => Some((text(value), true)),
                    (Some(value), None) => Some((text(value), false)),
                    (None, None) => None,
                };
                let (lower, upper) = (bound(gt, gte), bound(lt, lte));
                let lower = lower.as_ref().map(|(text, inside)| (text.as_str(), *inside));
                let upper = upper.as_ref().map(|(text, inside)| (text.as_str(), *inside));
                self.range(field, lower, upper, None)
            }
            FilterClause::Wildcard { field, pattern, case_insensitive } => {
                let pieces = Glob::from_wildcard(pattern, Fold::None).pieces().to_vec();
                self.matches(field, &pieces, fold(*case_insensitive), None)
            }
            FilterClause::Prefix { field, value, case_insensitive } => {
                let pieces = [Piece::Text(value.clone()), Piece::Any];
                self.matches(field, &pieces, fold(*case_insensitive), None)
            }
            FilterClause::Regexp { field, pattern, case_insensitive } => {
                self.matches_regex(field, pattern, *case_insensitive, None)
            }
            FilterClause::QueryString { query, fields, all_terms } => {
                let parsed = query::lucene::parse(query);
                self.diagnostics.extend(parsed.diagnostics);
                let mut tree = parsed.tree;
                if *all_terms {
                    require_all(&mut tree);
                }
                self.lucene_top(&tree, fields)
            }
            FilterClause::Bool(clause) => self.bool_clause(clause),
            FilterClause::Nested { path, clause } => {
                let path = path.clone();
                self.within(&path, |resolver| resolver.clause(clause))
            }
            FilterClause::MatchAll => Predicate::Const(true),
            FilterClause::MatchNone => Predicate::Const(false),
            FilterClause::Combined { relation, filters } => {
                let parts: Vec<Predicate> =
                    filters.iter().filter(|f| !f.disabled).map(|f| self.filter(f)).collect();
                match relation {
                    Relation::And => Predicate::and(parts),
                    Relation::Or => Predicate::or(parts),
                }
            }
            FilterClause::Unsupported { reason } => self.cannot(reason),
        }
    }

    fn bool_clause(&mut self, clause: &BoolClause) -> Predicate {
        let mut parts = Vec::new();
        for required in clause.must.iter().chain(&clause.filter) {
            parts.push(self.clause(required));
        }
        for forbidden in &clause.must_not {
            parts.push(Predicate::not(self.clause(forbidden)));
        }
        let optional: Vec<Predicate> = clause.should.iter().map(|c| self.clause(c)).collect();
        parts.push(at_least(clause.minimum_should_match, &optional));
        Predicate::and(parts)
    }

    fn cannot(&mut self, reason: &str) -> Predicate {
        self.diagnostics
            .push(Diagnostic::error("rule::filter", format!("a filter cannot be applied: {reason}")));
        Predicate::Const(false)
    }
}

/// At least so many of the parts hold.
fn at_least(wanted: usize, parts: &[Predicate]) -> Predicate {
    match wanted {
        0 => Predicate::Const(true),
        1 => Predicate::or(parts.to_vec()),
        _ if wanted > parts.len() => Predicate::Const(false),
        _ => {
            // Either the first holds and one less is wanted of the rest, or the rest has to do it alone.
            let with = Predicate::and([parts[0].clone(), at_least(wanted - 1, &parts[1..])]);
            Predicate::or([with, at_least(wanted, &parts[1..])])
        }
    }
}

/// `default_operator: AND`: terms that only may match have to.
pub(super) fn require_all(query: &mut query::lucene::Query) {
    use query::lucene::ast::{Occur, Term};
    for clause in &mut query.clauses {
        if clause.occur == Occur::Should {
            clause.occur = Occur::Must;
        }
        if let Term::Group(inner) = &mut clause.term.value {
            require_all(inner);
        }
    }
}

/// Does the format, as Kibana writes it beside dates, only name forms that we read anyway?
fn is_usual(format: &str) -> bool {
    format.split("||").all(|one| {
        matches!(
            one,
            "strict_date_optional_time" | "date_optional_time" | "strict_date_time" | "epoch_millis"
        )
    })
}

fn fold(case_insensitive: bool) -> Fold {
    if case_insensitive { Fold::Ascii } else { Fold::None }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
