//! Which rules run, and what each looks for in an event.

use ecs::{Catalog, FieldTable, IndexPatterns, Timestamp};
use matcher::{Predicate, Resolver};
use query::Diagnostic;
use rule::rule_type::{EventSource, Language, RuleType};
use rule::{Rule, RuleLibrary};

use crate::index_selection;
use crate::outcome::{NotRunReason, RuleOutcome, RuleStatus};
use crate::rule_type;

/// The rules of a run, resolved.
#[derive(Debug)]
pub struct Plan<'r> {
    /// The rules that run, in the order of the library.
    pub rules: Vec<PlannedRule<'r>>,
    /// An account for every rule of the library, those that could not be read first; of those that run it is empty.
    pub outcomes: Vec<RuleOutcome>,
    /// The fields that the rules read.
    pub table: FieldTable,
}

/// A rule that runs.
#[derive(Debug)]
pub struct PlannedRule<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// Its position in [`Plan::outcomes`].
    pub outcome: usize,
    /// Which events it reads.
    pub patterns: IndexPatterns,
    /// Which of them are hits: query and filters, and not excepted.
    pub predicate: Predicate,
}

impl<'r> Plan<'r> {
    /// Resolves every rule of a library. Date math counts from `now`, which is also when exceptions expire.
    pub fn new(library: &'r RuleLibrary, catalog: &Catalog, now: Timestamp) -> Self {
        let mut plan = Self { rules: Vec::new(), outcomes: Vec::new(), table: FieldTable::new() };
        plan.outcomes.extend(library.failed.iter().map(RuleOutcome::of_failed));
        for rule in &library.rules {
            let mut outcome = RuleOutcome::of_rule(rule);
            match resolve(rule, library, catalog, &mut plan.table, now) {
                Ok((patterns, predicate, warnings)) => {
                    outcome.warnings = warnings;
                    plan.rules.push(PlannedRule { rule, outcome: plan.outcomes.len(), patterns, predicate });
                }
                Err(reason) => outcome.status = RuleStatus::NotRun(reason),
            }
            plan.outcomes.push(outcome);
        }
        plan
    }
}

/// What a rule looks for, or why it does not run.
fn resolve(
    rule: &Rule,
    library: &RuleLibrary,
    catalog: &Catalog,
    table: &mut FieldTable,
    now: Timestamp,
) -> Result<(IndexPatterns, Predicate, Vec<Diagnostic>), NotRunReason> {
    if rule.is_deprecated() {
        return Err(NotRunReason::Deprecated);
    }
    if !rule.enabled {
        return Err(NotRunReason::Disabled);
    }
    let (text, language, source) = event_filter(rule)?;
    let patterns = index_selection::patterns(source)?;
    let mut resolver = Resolver::new(catalog, table, now);
    let resolved = rule_type::query::filter(text, language, source, &mut resolver);
    if !resolved.is_ok() {
        return Err(NotRunReason::Errors(resolved.diagnostics));
    }
    let mut warnings = resolved.diagnostics;
    if rule.rule_type.suppression().is_some() {
        let message = "alert suppression is not applied yet: each hit becomes an alert of its own";
        warnings.push(Diagnostic::warning("rule::suppression-not-applied", message));
    }
    let (items, missing) = library.exceptions(rule);
    warnings.extend(missing.into_iter().map(|list_id| {
        let message =
            format!("the exception list `{list_id}` was not loaded, so its exceptions do not apply");
        Diagnostic::warning("rule::missing-exception-list", message)
    }));
    let mut excepted = Vec::new();
    for item in items.into_iter().filter(|item| !item.is_expired(now)) {
        let exception = resolver.exception(item);
        if exception.is_ok() {
            excepted.push(exception.predicate);
        } else {
            let reason = exception.diagnostics.iter().find(|d| d.is_error()).map_or("", |d| &d.message);
            let message = format!("the exception `{}` does not apply: {reason}", item.name);
            warnings.push(Diagnostic::warning("rule::exception-not-applied", message));
        }
    }
    let predicate = Predicate::and([resolved.predicate, Predicate::not(Predicate::or(excepted))]);
    Ok((patterns, predicate, warnings))
}

/// The query of a rule whose every passing event is a hit.
fn event_filter(rule: &Rule) -> Result<(&str, Language, &EventSource), NotRunReason> {
    match &rule.rule_type {
        RuleType::Query(query) => Ok((&query.query, query.language, &query.source)),
        RuleType::SavedQuery(saved) => match &saved.query {
            // The saved query itself lies in Kibana; rules carry a copy for when it is gone.
            Some(text) => Ok((text, saved.language, &saved.source)),
            None => Err(NotRunReason::RuleType(rule.rule_type.name())),
        },
        RuleType::Eql(_)
        | RuleType::Esql(_)
        | RuleType::Threshold(_)
        | RuleType::ThreatMatch(_)
        | RuleType::MachineLearning(_)
        | RuleType::NewTerms(_) => Err(NotRunReason::RuleType(rule.rule_type.name())),
    }
}
