//! Rules of type `eql`: single events, sequences and samples.

use matcher::{Predicate, Resolver, Schema};
use query::Diagnostic;
use query::Spanned;
use query::eql::ast::{Body, EventFilter, FieldRef, Query, Stage};
use rule::rule_type::EqlRule;

use crate::event_order::EventOrder;
use crate::finisher::{Finisher, InOrder, Join, Part};
use crate::index_selection;
use crate::plan::Sought;
use crate::sample::SamplePlan;
use crate::sequence::{Role, SequencePlan, StageKind};

/// The field that holds an event's category unless the rule says otherwise.
const CATEGORY: &str = "event.category";
/// The field that puts events in order unless the rule says otherwise.
const TIMESTAMP: &str = "@timestamp";

/// What an EQL rule looks for. Diagnostics have spans into the query's text.
pub(crate) fn sought(rule: &EqlRule, resolver: &mut Resolver<'_>) -> Result<Sought, Vec<Diagnostic>> {
    let parsed = query::eql::parse(&rule.query);
    let schema = index_selection::schema(&rule.source);
    let category = non_empty(rule.event_category_override.as_deref());
    let timestamp = non_empty(rule.timestamp_field.as_deref());
    let tiebreaker = non_empty(rule.tiebreaker_field.as_deref());
    let of_rule = [
        ("event_category_override", category),
        ("timestamp_field", timestamp),
        ("tiebreaker_field", tiebreaker),
    ];
    let mut diagnostics = parsed.diagnostics;
    diagnostics
        .extend(of_rule.into_iter().filter_map(|(key, name)| resolver.eql_field_of_rule(key, name?, schema)));
    let mut lowering = Lowering {
        resolver,
        schema,
        category: category.unwrap_or(CATEGORY),
        filters: Vec::new(),
        parts: Vec::new(),
        diagnostics,
    };
    let Query { body, pipes } = parsed.tree;
    let join = lowering.body(&body);
    let Lowering { filters, parts, mut diagnostics, .. } = lowering;
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let finisher = match join {
        Join::Events if pipes.is_empty() => Finisher::EachEvent,
        join => Finisher::InOrder(Box::new(InOrder {
            order: EventOrder {
                timestamp_field: timestamp.unwrap_or(TIMESTAMP).to_owned(),
                tiebreaker_field: tiebreaker.map(str::to_owned),
            },
            join,
            parts,
            pipes: pipes.into_iter().map(|pipe| pipe.value).collect(),
        })),
    };
    Ok(Sought {
        filters,
        exceptions: Vec::new(),
        finisher,
        warnings: diagnostics,
        indicators: None,
        reads_now: false,
    })
}

fn non_empty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

struct Lowering<'l, 'r> {
    resolver: &'l mut Resolver<'r>,
    schema: Schema,
    category: &'l str,
    filters: Vec<(String, Predicate)>,
    /// One for each filter.
    parts: Vec<Part>,
    diagnostics: Vec<Diagnostic>,
}

impl Lowering<'_, '_> {
    fn body(&mut self, body: &Body) -> Join {
        match body {
            Body::Event(filter) => {
                self.part(String::new(), filter, Vec::new(), &[]);
                Join::Events
            }
            Body::Sequence(sequence) => {
                let mut stages = Vec::new();
                for (at, stage) in sequence.stages.iter().enumerate() {
                    let kind = if stage.missing { StageKind::Missing } else { StageKind::Event };
                    let first = stages.len() as u16;
                    stages.extend(std::iter::repeat_n(kind, stage.runs.value as usize));
                    let roles = (first..stages.len() as u16).map(Role::Stage).collect();
                    self.stage(stage_name(at, stage), stage, roles, &sequence.by);
                }
                self.empty_missing_stages(&sequence.stages);
                if let Some(until) = &sequence.until {
                    self.stage("until".to_owned(), until, vec![Role::Until], &sequence.by);
                }
                Join::Sequence(SequencePlan {
                    stages,
                    maxspan: sequence.maxspan.as_ref().map(|span| span.value.milliseconds()),
                    until: sequence.until.is_some(),
                })
            }
            Body::Sample(sample) => {
                for (at, stage) in sample.stages.iter().enumerate() {
                    self.stage(stage_name(at, stage), stage, vec![Role::Stage(at as u16)], &sample.by);
                }
                Join::Sample(SamplePlan { stages: sample.stages.len() })
            }
            // What could not be parsed was reported.
            Body::Invalid => Join::Events,
        }
    }

    /// A missing stage that is constantly empty empties the sequence: Elasticsearch leaves a join out that has a stage
    /// without events, be it a missing one.
    ///
    /// Source: elastic/elasticsearch x-pack/plugin/eql `optimizer/Optimizer`, `SkipEmptyJoin`.
    fn empty_missing_stages(&mut self, stages: &[Stage]) {
        let schema = self.schema;
        let empty = |stage: &&Stage| stage.missing && self.resolver.eql_is_never(&stage.filter, schema);
        let Some(stage) = stages.iter().find(empty) else { return };
        let message = "no event can be the one that must be missing, and so Elasticsearch finds no sequence";
        self.diagnostics.push(
            Diagnostic::warning("eql::empty-missing-event", message)
                .at(stage.span)
                .label("never happens")
                .help("take this stage out"),
        );
        for (_, predicate) in &mut self.filters {
            *predicate = Predicate::Const(false);
        }
    }

    fn stage(&mut self, name: String, stage: &Stage, roles: Vec<Role>, by: &[Spanned<FieldRef>]) {
        let keys: Vec<&Spanned<FieldRef>> = by.iter().chain(&stage.by).collect();
        self.part(name, &stage.filter, roles, &keys);
    }

    fn part(&mut self, name: String, filter: &EventFilter, roles: Vec<Role>, keys: &[&Spanned<FieldRef>]) {
        let resolved = self.resolver.eql_filter(filter, self.category, self.schema);
        // A tree that is partial was reported by the parser, with the place.
        self.diagnostics.extend(resolved.diagnostics.into_iter().filter(|d| d.code != "query::partial"));
        let mut join_keys = Vec::with_capacity(keys.len());
        for key in keys {
            let resolved = self.resolver.join_key(key, self.schema);
            // The keys of the whole are resolved once a stage.
            let new = resolved.diagnostics.into_iter().filter(|d| !self.diagnostics.contains(d));
            self.diagnostics.extend(new.collect::<Vec<_>>());
            let first = self.parts.first().and_then(|part| part.keys.get(join_keys.len()));
            if first.is_some_and(|first| !first.can_equal(&resolved.key)) {
                let message =
                    "this key is of another type than that of the first stage: they are never equal";
                let warning = Diagnostic::warning("eql::key-type", message).at(key.span);
                self.diagnostics.push(warning.help("Elasticsearch refuses it; join by fields of one type"));
            }
            join_keys.push(resolved.key);
        }
        self.filters.push((name, resolved.predicate));
        self.parts.push(Part { roles, keys: join_keys });
    }
}

fn stage_name(at: usize, stage: &Stage) -> String {
    let kind = if stage.missing { "missing stage" } else { "stage" };
    match stage.runs.value {
        1 => format!("{kind} {}", at + 1),
        runs => format!("{kind} {} ({runs} runs)", at + 1),
    }
}
