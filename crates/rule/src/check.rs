//! What is wrong with a rule that could be read: its queries, its fields, and values that do not go together.
//!
//! Reading (see [`crate::format`]) finds values of a wrong form; here is what needs the whole rule, the
//! query languages or the field catalogue. ES|QL queries are not looked into yet.

use ecs::time::Rounding;
use ecs::{Catalog, DataStream, DateMath, IndexPatterns, Timestamp};
use query::{Diagnostic, Severity};

use crate::filter::Filter;
use crate::format;
use crate::origin::Format;
use crate::places::Places;
use crate::rule::{Maturity, Rule};
use crate::rule_type::{EventSource, NewTermsRule, RuleType, ThreatMatchRule, ThresholdRule};

mod exception;
mod query_text;
mod sequence_window;

pub use exception::check_exception;

/// Every finding about a rule, in order of their places. Spans are places in `file`, the text that the rule was read
/// from. Errors mean that the rule cannot run as it is meant.
pub fn check(rule: &Rule, file: &str, catalog: &Catalog) -> Vec<Diagnostic> {
    let places = format::places(file, rule.origin.format, rule.origin.span);
    let mut check = Check { rule, file, places, catalog, found: Vec::new() };
    check.schedule();
    check.standing();
    if let Some(source) = rule.rule_type.source() {
        check.source(source);
    }
    match &rule.rule_type {
        RuleType::Threshold(threshold) => check.threshold(threshold),
        RuleType::ThreatMatch(threat_match) => check.threat_match(threat_match),
        RuleType::NewTerms(new_terms) => check.new_terms(new_terms),
        RuleType::Query(query) if query.query.trim().is_empty() && query.source.filters.is_empty() => {
            check.warn("query", "rule::no-query", "the rule has no query: it finds every event", None);
        }
        RuleType::SavedQuery(saved) if saved.query.is_none() => {
            let message =
                format!("the saved query `{}` is not here, and the rule holds no copy of it", saved.saved_id);
            check.note(
                "saved_id",
                Diagnostic::error("rule::saved-query", message).help("put the query into `query`"),
            );
        }
        _ => {}
    }
    check.queries();
    check.sequence_window();
    check.fields();
    let mut found = check.found;
    found.sort_by_key(|found| found.span.map(|span| (span.start, span.end)));
    found
}

/// A warning when the rule's index patterns reach none of the data streams.
pub fn unreached(rule: &Rule, streams: &[DataStream]) -> Option<Diagnostic> {
    let patterns = rule.rule_type.source()?.index.as_ref()?;
    let reach = IndexPatterns::new(patterns);
    if streams.iter().any(|stream| reach.matches(stream)) {
        return None;
    }
    let message = format!("no data stream answers to {}", patterns.join(", "));
    Some(Diagnostic::warning("rule::no-data-stream", message))
}

struct Check<'a> {
    rule: &'a Rule,
    file: &'a str,
    places: Places,
    catalog: &'a Catalog,
    found: Vec<Diagnostic>,
}

impl Check<'_> {
    /// Notes a finding about the value at `path`.
    fn note(&mut self, path: &str, mut diagnostic: Diagnostic) {
        diagnostic.span = diagnostic.span.or_else(|| self.places.nearest(path));
        self.found.push(diagnostic);
    }

    fn warn(&mut self, path: &str, code: &'static str, message: impl Into<String>, help: Option<String>) {
        let found = Diagnostic::warning(code, message);
        self.note(path, Diagnostic { help: help.map(Into::into), ..found });
    }

    fn fail(&mut self, path: &str, code: &'static str, message: impl Into<String>) {
        self.note(path, Diagnostic::error(code, message));
    }

    fn schedule(&mut self) {
        let rule = self.rule;
        if rule.interval.as_seconds() == 0 {
            self.fail(
                "interval",
                "rule::bad-value",
                "the interval is zero: the rule would never stop running",
            );
        }
        let (Some(from), Some(to)) = (at_epoch(&rule.from), at_epoch(&rule.to)) else {
            self.fail("from", "rule::bad-value", "the window lies outside of the years -9999 to 9999");
            return;
        };
        if from >= to {
            self.fail(
                "from",
                "rule::empty-window",
                format!("`{}` is not before `{}`: no event is searched", rule.from, rule.to),
            );
        } else if rule.from.is_relative()
            && rule.to.is_relative()
            && to.duration_since(from) < rule.interval.as_duration()
        {
            let message = format!(
                "the rule runs every {} but looks back only from {} to {}: events in between are never searched",
                rule.interval, rule.from, rule.to
            );
            let help =
                format!("search from now-{} or earlier, with a minute or more to spare", rule.interval);
            self.warn("from", "rule::look-back-too-short", message, Some(help));
        }
        let bound_by_limits = rule.metadata.as_ref().is_some_and(|m| !m.bypass_bbr_timing);
        if rule.building_block && bound_by_limits && rule.origin.format == Format::Toml {
            let wide_enough = Timestamp::UNIX_EPOCH.duration_since(from).as_mins() >= 119;
            if !wide_enough || rule.interval.as_seconds() < 3_600 {
                let message = "building blocks run every 60m or more rarely, from now-119m or earlier";
                let help = "or set `bypass_bbr_timing = true` in `[metadata]`".to_owned();
                self.warn("from", "rule::building-block-schedule", message, Some(help));
            }
        }
    }

    fn standing(&mut self) {
        let rule = self.rule;
        match rule.metadata.as_ref().and_then(|metadata| metadata.maturity) {
            Some(Maturity::Deprecated) => {
                self.warn(
                    "metadata.maturity",
                    "rule::deprecated",
                    "the rule was given up by its authors",
                    None,
                );
            }
            Some(Maturity::Development) => {
                let found = Diagnostic::note("rule::in-development", "the rule is still being developed");
                self.note("metadata.maturity", found);
            }
            _ => {}
        }
        if rule.timeline_id.is_some() != rule.timeline_title.is_some() {
            let path = if rule.timeline_id.is_some() { "timeline_id" } else { "timeline_title" };
            self.warn(path, "rule::timeline", "`timeline_id` and `timeline_title` go together", None);
        }
        if rule.throttle.as_deref().is_some_and(|throttle| throttle != "no_actions") {
            let message = "`throttle` on a rule is no longer used: actions have a frequency of their own";
            self.warn("throttle", "rule::throttle", message, None);
        }
        let uuid = |id: &str| {
            id.len() == 36
                && id.bytes().enumerate().all(|(at, byte)| match at {
                    8 | 13 | 18 | 23 => byte == b'-',
                    _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                })
        };
        if rule.origin.format == Format::Toml && !uuid(&rule.rule_id) {
            let found = Diagnostic::note("rule::rule-id", "in rule files a `rule_id` is a lower-case UUID");
            self.note("rule_id", found);
        }
    }

    fn source(&mut self, source: &EventSource) {
        let patterns = source.index.as_deref().unwrap_or_default();
        match (&source.data_view_id, patterns.is_empty()) {
            (Some(view), true) => {
                let message =
                    format!("the data view `{view}` is not here, so the rule's events are not known");
                let found = Diagnostic::error("rule::data-view", message);
                self.note("data_view_id", found.help("name the index patterns in `index`"));
            }
            (Some(_), false) => {
                let message = "the rule names a data view and index patterns: the data view is not here, the patterns count";
                self.warn("data_view_id", "rule::data-view", message, None);
            }
            (None, true) => {
                let help = "name the index patterns in `index`".to_owned();
                let message =
                    "the rule names no index pattern: it reads what the installation reads by default";
                self.warn("index", "rule::no-index-pattern", message, Some(help));
            }
            (None, false) => {
                let mut items = patterns.iter().flat_map(|p| p.split(',')).map(str::trim);
                if items.all(|item| item.is_empty() || item.starts_with('-')) {
                    self.warn(
                        "index",
                        "rule::no-index-pattern",
                        "the index patterns only exclude: they match nothing",
                        None,
                    );
                }
            }
        }
        self.filters("filters", &source.filters);
    }

    fn filters(&mut self, key: &str, filters: &[Filter]) {
        for (index, filter) in filters.iter().enumerate() {
            for reason in filter.unsupported() {
                self.fail(&format!("{key}[{index}]"), "rule::unsupported-filter", reason);
            }
        }
    }

    fn threshold(&mut self, rule: &ThresholdRule) {
        let threshold = &rule.threshold;
        if threshold.field.len() > 5 {
            let message =
                format!("a threshold groups by at most five fields, not by {}", threshold.field.len());
            self.fail("threshold.field", "rule::bad-value", message);
        }
        for (index, cardinality) in threshold.cardinality.iter().enumerate() {
            let path = format!("threshold.cardinality[{index}]");
            if threshold.field.contains(&cardinality.field) {
                let message = format!(
                    "every group has just one `{}`: it is one of the group's fields",
                    cardinality.field
                );
                self.fail(&path, "rule::cardinality", message);
            }
            if index > 0 {
                self.warn(&path, "rule::cardinality", "only the first cardinality has an effect", None);
            }
        }
    }

    fn threat_match(&mut self, rule: &ThreatMatchRule) {
        self.filters("threat_filters", &rule.threat_filters);
        if rule.concurrent_searches.is_some() != rule.items_per_search.is_some() {
            let message = "`concurrent_searches` and `items_per_search` go together";
            self.warn("concurrent_searches", "rule::searches", message, None);
        }
        if rule.threat_mapping.is_empty() {
            self.fail("threat_mapping", "rule::bad-value", "`threat_mapping` needs at least one group");
        }
        for (index, group) in rule.threat_mapping.iter().enumerate() {
            let path = format!("threat_mapping[{index}].entries");
            if group.entries.iter().all(|entry| entry.negate) {
                let message = "a group needs at least one entry that is not negated";
                self.fail(&path, "rule::threat-mapping", message);
            }
            let negated = group.entries.iter().filter(|entry| entry.negate);
            for entry in negated {
                let same = |e: &&crate::rule_type::ThreatMappingEntry| {
                    !e.negate && e.field == entry.field && e.value == entry.value
                };
                if group.entries.iter().any(|e| same(&e)) {
                    let message = format!("`{}` both equals `{}` and does not", entry.field, entry.value);
                    self.fail(&path, "rule::threat-mapping", message);
                }
            }
        }
    }

    fn new_terms(&mut self, rule: &NewTermsRule) {
        let start = at_epoch(&rule.history_window_start);
        if let (Some(start), Some(from)) = (start, at_epoch(&self.rule.from))
            && start >= from
        {
            let message = format!(
                "the history starts at {}, which is not before the window's start, {}: every value would be new",
                rule.history_window_start, self.rule.from
            );
            self.fail("history_window_start", "rule::no-history", message);
        }
    }

    /// Fields that stand outside of queries.
    fn fields(&mut self) {
        let rule = self.rule;
        let mut named: Vec<(String, &str)> = Vec::new();
        let list = |path: &str, fields: &[String]| -> Vec<String> {
            (0..fields.len()).map(|index| format!("{path}[{index}]")).collect()
        };
        match &rule.rule_type {
            RuleType::NewTerms(r) => {
                let paths = list("new_terms_fields", &r.new_terms_fields);
                named.extend(paths.into_iter().zip(r.new_terms_fields.iter().map(String::as_str)));
            }
            RuleType::Threshold(r) => {
                let paths = list("threshold.field", &r.threshold.field);
                named.extend(paths.into_iter().zip(r.threshold.field.iter().map(String::as_str)));
            }
            RuleType::ThreatMatch(r) => {
                for (group, mapping) in r.threat_mapping.iter().enumerate() {
                    let path = |entry: usize| format!("threat_mapping[{group}].entries[{entry}].field");
                    named.extend(
                        mapping.entries.iter().enumerate().map(|(at, e)| (path(at), e.field.as_str())),
                    );
                }
            }
            // The groups of ES|QL may be columns that the query makes.
            RuleType::Esql(_)
            | RuleType::Query(_)
            | RuleType::SavedQuery(_)
            | RuleType::Eql(_)
            | RuleType::MachineLearning(_) => {}
        }
        if let Some(suppression) = rule.rule_type.suppression()
            && !matches!(rule.rule_type, RuleType::Esql(_))
        {
            let paths = list("alert_suppression.group_by", &suppression.group_by);
            named.extend(paths.into_iter().zip(suppression.group_by.iter().map(String::as_str)));
        }
        if let Some(source) = rule.rule_type.source() {
            for (index, filter) in source.filters.iter().enumerate() {
                named.extend(
                    filter.clause.fields().into_iter().map(|field| (format!("filters[{index}]"), field)),
                );
            }
        }
        named.extend(rule.timestamp_override.iter().map(|f| ("timestamp_override".to_owned(), f.as_str())));
        named.extend(rule.rule_name_override.iter().map(|f| ("rule_name_override".to_owned(), f.as_str())));
        let mappings = rule.severity_mapping.iter().enumerate();
        named.extend(mappings.map(|(at, m)| (format!("severity_mapping[{at}].field"), m.field.as_str())));
        for (path, field) in named {
            if let Some(found) = unknown_field(field, self.catalog) {
                self.note(&path, found);
            }
        }
    }
}

/// A warning when the field looks like a misspelt one. Fields of data sets that the catalogue does not know are
/// no fault, so a name that is like no known one is left alone.
fn unknown_field(field: &str, catalog: &Catalog) -> Option<Diagnostic> {
    if field.contains('*') || catalog.field_type(field).is_some() {
        return None;
    }
    let near = catalog.nearest(field)?;
    let found = Diagnostic::warning("rule::unknown-field", format!("no field is named `{field}`"));
    Some(found.help(format!("did you mean `{near}`?")))
}

/// Relative times with the epoch as now: enough to compare them with each other.
fn at_epoch(time: &DateMath) -> Option<Timestamp> {
    time.resolve(Timestamp::UNIX_EPOCH, Rounding::Down).ok()
}

/// True when one of the findings is an error.
pub fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|found| found.severity == Severity::Error)
}
