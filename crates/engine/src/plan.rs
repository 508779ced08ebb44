//! Which rules run, and what each looks for in an event.

use std::borrow::Cow;
use std::ops::Range;

use ecs::{Catalog, FieldTable, IndexPatterns, TimeRange, Timestamp};
use jiff::SignedDuration;
use matcher::{Predicate, Resolver};
use query::Diagnostic;
use rule::rule_type::{EqlRule, EsqlRule, Language, RuleType};
use rule::{Rule, RuleLibrary};

use crate::detect::suppression_history;
use crate::finisher::{Finisher, InOrder};
use crate::index_selection;
use crate::indicators::IndicatorFile;
use crate::outcome::{ExceptedHits, NotRunReason, RuleOutcome, RuleStatus};
use crate::rule_type;
use crate::windows::Windows;

/// The rules of a run, resolved.
#[derive(Debug)]
pub struct Plan<'r> {
    /// The rules that run, in the order of the library.
    pub rules: Vec<PlannedRule<'r>>,
    /// What they look for, rule after rule. A filter's position is its number in the shared scan.
    pub filters: Vec<PlannedFilter>,
    /// An account for every rule of the library, those that could not be read first; of those that run it is empty.
    pub outcomes: Vec<RuleOutcome>,
    /// The fields that the rules read.
    pub table: FieldTable,
    /// Indicators beside those among the events.
    pub indicators: Vec<IndicatorFile>,
    /// For which moments it holds: exceptions expire, and dates in queries may count from the moment of the plan. Empty
    /// when it holds for that moment alone.
    pub holds: TimeRange,
}

/// A rule that runs.
#[derive(Debug)]
pub struct PlannedRule<'r> {
    /// The rule.
    pub rule: Cow<'r, Rule>,
    /// Its position in [`Plan::outcomes`].
    pub outcome: usize,
    /// Which events it reads.
    pub patterns: IndexPatterns,
    /// Positions of its filters in [`Plan::filters`]; at least one.
    pub filters: Range<usize>,
    /// The events that its exceptions take out of those, whatever filter they pass.
    pub exceptions: Vec<PlannedException>,
    /// What is done with the events that are left.
    pub finisher: Finisher,
    /// For which moments it holds, as [`Plan::holds`].
    pub holds: TimeRange,
}

/// An exception of a rule, in force.
#[derive(Debug)]
pub struct PlannedException {
    /// What people call it.
    pub name: String,
    /// The list that it stands in.
    pub list_id: String,
    /// The events that it takes out.
    pub predicate: Predicate,
}

impl PlannedRule<'_> {
    /// True when what it finds depends on the windows in which it is run.
    pub fn depends_on_windows(&self) -> bool {
        let by_type = match &self.finisher {
            Finisher::EachEvent | Finisher::InOrder(_) | Finisher::ThreatMatch(_) => false,
            Finisher::NewTerms(_) | Finisher::Threshold(_) => true,
            Finisher::Esql(plan) => plan.depends_on_window,
        };
        by_type || self.rule.rule_type.suppression().is_some()
    }

    /// From when on events count that lie before the range of a hunt: as history, for sequences and windows that reach
    /// back, and for alerts that take later hits in. `None` when none do.
    pub fn history_from(&self, windows: Windows, range_from: Timestamp) -> Option<Timestamp> {
        let of_suppression = suppression_history(&self.rule, windows, range_from);
        // What they find depends on the whole range.
        if matches!(&self.finisher, Finisher::InOrder(in_order) if in_order.depends_on_range()) {
            return None;
        }
        // What was found before the range takes part in suppression, and has to be found as the range would have found it.
        let range_from = of_suppression.unwrap_or(range_from).min(range_from);
        self.history_of_type(windows, range_from).into_iter().chain(of_suppression).min()
    }

    /// The same as far as hits within the range depend on it, whatever may be folded into what.
    pub(crate) fn history_of_type(&self, windows: Windows, range_from: Timestamp) -> Option<Timestamp> {
        match &self.finisher {
            Finisher::InOrder(in_order) if in_order.depends_on_range() => None,
            Finisher::InOrder(in_order) => in_order.history_from(&self.rule, windows, range_from),
            finisher => finisher.history_from(windows, range_from),
        }
    }

    /// Until when events count that lie after the range of a hunt: the last run of the range sees them, and might find
    /// something else without. `None` when none do.
    pub fn seen_until(&self, windows: Windows, range_to: Timestamp) -> Option<Timestamp> {
        match &self.finisher {
            Finisher::Esql(plan) => plan.seen_until(windows, range_to),
            Finisher::NewTerms(plan) if self.rule.rule_type.suppression().is_some() => {
                plan.seen_until(windows, range_to)
            }
            _ => None,
        }
    }
}

/// A test on single events that a rule needs: its whole query, or one stage of a sequence.
#[derive(Debug)]
pub struct PlannedFilter {
    /// Position in [`Plan::rules`].
    pub rule: usize,
    /// Which events pass: query and filters. Exceptions count later, so that it is known what they took out.
    pub predicate: Predicate,
    /// What the filter is to its rule, for people: empty when it is all that the rule asks.
    pub name: String,
    /// Where the indicators lie that it looks for; `None` when it looks for events. The time of an indicator does not
    /// count.
    pub indicators: Option<IndexPatterns>,
}

/// What a rule looks for in single events, and what is done with those that pass.
pub(crate) struct Sought {
    /// Name and predicate of each filter, at least one.
    pub(crate) filters: Vec<(String, Predicate)>,
    pub(crate) exceptions: Vec<PlannedException>,
    pub(crate) finisher: Finisher,
    pub(crate) warnings: Vec<Diagnostic>,
    /// Where indicators lie and which they are, for a rule that looks for them.
    pub(crate) indicators: Option<(IndexPatterns, Predicate)>,
    /// Do dates in it count from the moment of the plan?
    pub(crate) reads_now: bool,
}

impl<'r> Plan<'r> {
    /// Resolves every rule of a library. Date math counts from `now`, which is also when exceptions expire.
    pub fn new(library: &'r RuleLibrary, catalog: &Catalog, now: Timestamp) -> Self {
        let mut plan = Self {
            rules: Vec::new(),
            filters: Vec::new(),
            outcomes: Vec::new(),
            table: FieldTable::new(),
            indicators: Vec::new(),
            holds: TimeRange::default(),
        };
        plan.outcomes.extend(library.failed.iter().map(RuleOutcome::of_failed));
        for rule in &library.rules {
            let mut outcome = RuleOutcome::of_rule(rule);
            let mut holds = holds_while_exceptions_do(rule, library, now);
            plan.hold_for(holds);
            match resolve(rule, library, catalog, &mut plan.table, now) {
                Ok((patterns, sought)) => {
                    if sought.reads_now {
                        holds = TimeRange { from: Some(now), to: Some(now) };
                        plan.holds = holds;
                    }
                    outcome.warnings = sought.warnings;
                    outcome.excepted = sought.exceptions.iter().map(ExceptedHits::none).collect();
                    let first = plan.filters.len();
                    let number = plan.rules.len();
                    plan.filters.extend(sought.filters.into_iter().map(|(name, predicate)| PlannedFilter {
                        rule: number,
                        predicate,
                        name,
                        indicators: None,
                    }));
                    plan.filters.extend(sought.indicators.map(|(patterns, predicate)| PlannedFilter {
                        rule: number,
                        predicate,
                        name: "threat_query".to_owned(),
                        indicators: Some(patterns),
                    }));
                    plan.rules.push(PlannedRule {
                        rule: Cow::Borrowed(rule),
                        outcome: plan.outcomes.len(),
                        patterns,
                        filters: first..plan.filters.len(),
                        exceptions: sought.exceptions,
                        finisher: sought.finisher,
                        holds,
                    });
                }
                Err(reason) => outcome.status = RuleStatus::NotRun(reason),
            }
            plan.outcomes.push(outcome);
        }
        plan
    }

    /// Does it say at `at` what it said at the moment that it was made for?
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.holds.contains(at)
    }

    /// The same with rules of its own, to be kept.
    pub fn into_owned(self) -> Plan<'static> {
        let Self { rules, filters, outcomes, table, indicators, holds } = self;
        let owned = |planned: PlannedRule<'_>| PlannedRule {
            rule: Cow::Owned(planned.rule.into_owned()),
            outcome: planned.outcome,
            patterns: planned.patterns,
            filters: planned.filters,
            exceptions: planned.exceptions,
            finisher: planned.finisher,
            holds: planned.holds,
        };
        let rules = rules.into_iter().map(owned).collect();
        Plan { rules, filters, outcomes, table, indicators, holds }
    }

    fn hold_for(&mut self, of_rule: TimeRange) {
        self.holds.from = self.holds.from.max(of_rule.from);
        self.holds.to = self.holds.to.into_iter().chain(of_rule.to).min();
    }

    /// The same with indicators from files, which rules that look for indicators have beside those among the events,
    /// whatever their index patterns.
    pub fn with_indicators(mut self, files: Vec<IndicatorFile>) -> Self {
        self.indicators = files;
        self
    }

    /// True when some rule looks for indicators.
    pub fn looks_for_indicators(&self) -> bool {
        self.filters.iter().any(|filter| filter.indicators.is_some())
    }

    /// The filters of a rule.
    pub fn filters_of(&self, rule: &PlannedRule<'_>) -> &[PlannedFilter] {
        &self.filters[rule.filters.clone()]
    }
}

/// For how long the exceptions of a rule are in force that are so now: one that expires holds to its last moment, that included.
fn holds_while_exceptions_do(rule: &Rule, library: &RuleLibrary, now: Timestamp) -> TimeRange {
    let mut holds = TimeRange::default();
    for expiry in library.exceptions(rule).0.into_iter().filter_map(|item| item.expire_time) {
        let Ok(end) = expiry.checked_add(SignedDuration::from_nanos(1)) else { continue };
        if end <= now {
            holds.from = holds.from.max(Some(end));
        } else {
            holds.to = Some(holds.to.map_or(end, |to| to.min(end)));
        }
    }
    holds
}

/// What a rule looks for, or why it does not run.
fn resolve(
    rule: &Rule,
    library: &RuleLibrary,
    catalog: &Catalog,
    table: &mut FieldTable,
    now: Timestamp,
) -> Result<(IndexPatterns, Sought), NotRunReason> {
    if rule.is_deprecated() {
        return Err(NotRunReason::Deprecated);
    }
    if !rule.enabled {
        return Err(NotRunReason::Disabled);
    }
    let not_run = || NotRunReason::RuleType(rule.rule_type.name());
    let of_query;
    let (source, query) = match &rule.rule_type {
        RuleType::Query(query) => (&query.source, Query::Text(&query.query, query.language)),
        // The saved query itself lies in Kibana; rules carry a copy for when it is gone.
        RuleType::SavedQuery(saved) => {
            let text = saved.query.as_deref().ok_or_else(not_run)?;
            (&saved.source, Query::Text(text, saved.language))
        }
        RuleType::NewTerms(own) => (&own.source, Query::Text(&own.query, own.language)),
        RuleType::Threshold(own) => (&own.source, Query::Text(&own.query, own.language)),
        RuleType::ThreatMatch(own) => (&own.source, Query::Text(&own.query, own.language)),
        RuleType::Eql(eql) => (&eql.source, Query::Eql(eql)),
        RuleType::Esql(own) => {
            of_query = index_selection::source(&rule.rule_type).unwrap_or_default();
            (&*of_query, Query::Esql(own))
        }
        RuleType::MachineLearning(_) => return Err(not_run()),
    };
    let patterns = index_selection::patterns(source)?;
    let mut resolver = Resolver::new(catalog, table, now).with_value_lists(&library.value_lists);
    let mut sought = match query {
        Query::Text(text, language) => rule_type::query::sought(text, language, &mut resolver),
        Query::Eql(eql) => rule_type::eql::sought(eql, &mut resolver),
        Query::Esql(own) => {
            let schema = index_selection::schema(source);
            rule_type::esql::sought(rule, own, schema, catalog, &mut resolver)
        }
    }
    .map_err(NotRunReason::Errors)?;
    let filters = resolver.filters(&source.filters);
    if !filters.is_ok() {
        return Err(NotRunReason::Errors(filters.diagnostics));
    }
    sought.warnings.extend(filters.diagnostics);
    sought.exceptions = exceptions(rule, library, &mut resolver, now, &mut sought.warnings);
    if let RuleType::ThreatMatch(own) = &rule.rule_type {
        let indicators = rule_type::threat_match::indicators(own, &mut resolver, &mut sought.warnings)
            .map_err(NotRunReason::Errors)?;
        sought.indicators = Some((IndexPatterns::new(&own.threat_index), indicators));
    }
    sought.reads_now = resolver.reads_now();
    for (_, predicate) in &mut sought.filters {
        let query = std::mem::replace(predicate, Predicate::Const(true));
        *predicate = Predicate::and([query, filters.predicate.clone()]);
    }
    match &rule.rule_type {
        RuleType::NewTerms(own) => {
            sought.finisher = rule_type::new_terms::finisher(rule, own, catalog, table);
        }
        RuleType::Threshold(own) => {
            sought.finisher = rule_type::threshold::finisher(rule, own, catalog, table);
        }
        RuleType::ThreatMatch(own) => {
            let (finisher, events, indicators) = rule_type::threat_match::finisher(rule, own, catalog, table);
            sought.finisher = finisher;
            for (name, predicate) in &mut sought.filters {
                "query".clone_into(name);
                *predicate =
                    Predicate::and([std::mem::replace(predicate, Predicate::Const(true)), events.clone()]);
            }
            if let Some((_, predicate)) = &mut sought.indicators {
                *predicate =
                    Predicate::and([std::mem::replace(predicate, Predicate::Const(true)), indicators]);
            }
        }
        // Hits that may be folded into one have to be put in order.
        _ if rule.rule_type.suppression().is_some() && matches!(sought.finisher, Finisher::EachEvent) => {
            sought.finisher = Finisher::InOrder(Box::new(InOrder::single_events(rule)));
        }
        _ => {}
    }
    Ok((patterns, sought))
}

/// The query of a rule that looks at events.
enum Query<'r> {
    Text(&'r str, Language),
    Eql(&'r EqlRule),
    Esql(&'r EsqlRule),
}

/// The events that a rule's exceptions take out. What keeps one from doing so is a warning.
fn exceptions(
    rule: &Rule,
    library: &RuleLibrary,
    resolver: &mut Resolver<'_>,
    now: Timestamp,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<PlannedException> {
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
            warnings.extend(exception.diagnostics.into_iter().map(|found| {
                Diagnostic::warning(found.code, format!("the exception `{}`: {}", item.name, found.message))
            }));
            excepted.push(PlannedException {
                name: item.name.clone(),
                list_id: item.list_id.clone(),
                predicate: exception.predicate,
            });
        } else {
            let reason = exception.diagnostics.iter().find(|d| d.is_error()).map_or("", |d| &d.message);
            let message = format!("the exception `{}` does not apply: {reason}", item.name);
            warnings.push(Diagnostic::warning("rule::exception-not-applied", message));
        }
    }
    excepted
}
