//! Rules of type `threat_match`: an event that matches an indicator is a hit.

use ecs::{Catalog, FieldTable, FieldType};
use matcher::predicate::FieldTest;
use matcher::{JoinKey, Leaf, Predicate, Resolver};
use query::Diagnostic;
use rule::Rule;
use rule::rule_type::{ThreatMappingEntry, ThreatMatchRule};

use super::query as query_rule;
use crate::event_time::EventTime;
use crate::finisher::Finisher;
use crate::threat_match::Pair;
use crate::waiting_threats::{MappedPair, ReadField, ThreatPlan};

/// Which documents are indicators of the rule, before its exceptions.
pub(crate) fn indicators(
    own: &ThreatMatchRule,
    resolver: &mut Resolver<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Predicate, Vec<Diagnostic>> {
    // Places in this text are not places in the rule's query, which is what diagnostics are shown beside.
    let of_threat_query = |found: Vec<Diagnostic>| {
        found.into_iter().map(|mut diagnostic| {
            diagnostic.span = None;
            diagnostic.message = format!("threat_query: {}", diagnostic.message);
            diagnostic
        })
    };
    let sought = query_rule::sought(&own.threat_query, own.threat_language, resolver)
        .map_err(|errors| of_threat_query(errors).collect::<Vec<_>>())?;
    warnings.extend(of_threat_query(sought.warnings));
    let filters = resolver.filters(&own.threat_filters);
    if !filters.is_ok() {
        return Err(filters.diagnostics);
    }
    warnings.extend(filters.diagnostics);
    let query = sought.filters.into_iter().map(|(_, predicate)| predicate);
    Ok(Predicate::and(query.chain([filters.predicate])))
}

/// What is done with events and indicators; and what events, and what indicators, must have to take part at all.
pub(crate) fn finisher(
    rule: &Rule,
    own: &ThreatMatchRule,
    catalog: &Catalog,
    table: &mut FieldTable,
) -> (Finisher, Predicate, Predicate) {
    let mut fields: Vec<ReadField> = Vec::new();
    let (mut of_events, mut of_indicators) = (Vec::new(), Vec::new());
    let mut groups = Vec::new();
    for group in &own.threat_mapping {
        let equal = |entry: &&ThreatMappingEntry| !entry.negate;
        let exist = |names: Vec<&str>, table: &mut FieldTable| {
            Predicate::and(names.into_iter().map(|name| {
                Predicate::Leaf(Leaf { field: table.intern(name, catalog), test: FieldTest::Exists })
            }))
        };
        if group.entries.iter().any(|entry| !entry.negate) {
            let entries = || group.entries.iter().filter(equal);
            of_events.push(exist(entries().map(|entry| entry.field.as_str()).collect(), table));
            of_indicators.push(exist(entries().map(|entry| entry.value.as_str()).collect(), table));
        }
        let pair = |entry: &ThreatMappingEntry| {
            let event = match fields.iter().position(|field| *field.name == entry.field) {
                Some(known) => known,
                None => {
                    fields.push(read_field(&entry.field, catalog, table));
                    fields.len() - 1
                }
            };
            let pair = if entry.negate { Pair::NotEqual } else { Pair::Equal };
            MappedPair { pair, event, indicator: table.intern(&entry.value, catalog) }
        };
        groups.push(group.entries.iter().map(pair).collect());
    }
    let plan = ThreatPlan { time: EventTime::of_rule(rule), fields, groups };
    (Finisher::ThreatMatch(Box::new(plan)), Predicate::or(of_events), Predicate::or(of_indicators))
}

/// A field of events. Where nothing is known of it, values are compared as text.
fn read_field(name: &str, catalog: &Catalog, table: &mut FieldTable) -> ReadField {
    let id = table.intern(name, catalog);
    let entry = table.entry(id);
    let field_type = entry.field_type.or(Some(FieldType::Keyword));
    ReadField {
        name: name.into(),
        key: JoinKey { field: Some(id), field_type, optional: false },
        caseless: entry.caseless,
    }
}
