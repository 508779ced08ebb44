//! What is wrong with an EQL query that the grammar allows, as far as that shows without knowing any field.
//!
//! Follows Elasticsearch's LogicalPlanBuilder, Verifier and the argument types of its functions
//! (elastic/elasticsearch, x-pack/plugin/eql).

use super::ast::{
    Body, Category, EventFilter, Expr, FieldRef, Literal, Pipe, Query, Sample, Sequence, Stage,
};
use super::function::{ResultKind, signature};
use crate::nearest::nearest;
use crate::{Diagnostic, Span, Spanned};

/// The most stages that Elasticsearch allows in a sample.
const MAX_SAMPLE_STAGES: usize = 5;

/// Values of `event.category` in ECS, and those of `event.type` and `event.outcome`, which a rule can use in its place.
const CATEGORIES: &[&str] = &[
    "access",
    "admin",
    "alert",
    "allowed",
    "any",
    "api",
    "authentication",
    "change",
    "configuration",
    "connection",
    "creation",
    "database",
    "deletion",
    "denied",
    "device",
    "driver",
    "email",
    "end",
    "error",
    "failure",
    "file",
    "group",
    "host",
    "iam",
    "indicator",
    "info",
    "installation",
    "intrusion_detection",
    "library",
    "malware",
    "network",
    "package",
    "process",
    "protocol",
    "registry",
    "session",
    "start",
    "success",
    "threat",
    "user",
    "vulnerability",
    "web",
];

pub(super) fn verify(query: &Query, diagnostics: &mut Vec<Diagnostic>) {
    match &query.body {
        Body::Event(filter) => verify_filter(filter, diagnostics),
        Body::Sequence(sequence) => verify_sequence(sequence, diagnostics),
        Body::Sample(sample) => verify_sample(sample, &query.pipes, diagnostics),
        Body::Invalid => {}
    }
}

fn verify_sequence(sequence: &Sequence, diagnostics: &mut Vec<Diagnostic>) {
    let until = sequence.until.as_deref();
    for stage in sequence.stages.iter().chain(until) {
        verify_filter(&stage.filter, diagnostics);
    }
    verify_key_counts(&sequence.by, sequence.stages.iter().chain(until), diagnostics);
    let runs: u64 = sequence.stages.iter().map(|stage| u64::from(stage.runs.value)).sum();
    if let ([only], true) = (sequence.stages.as_slice(), runs < 2) {
        diagnostics.push(
            Diagnostic::error("eql::single-stage", "a sequence needs two events at least")
                .at(only.span)
                .label("the only stage")
                .help(
                    "add a stage, or `with runs=2`; for single events leave out `sequence` and the brackets",
                ),
        );
    }
    if let Some(stage) = sequence.stages.iter().find(|stage| stage.missing) {
        if sequence.maxspan.is_none() {
            diagnostics.push(
                Diagnostic::error("eql::missing-event-without-maxspan", "a missing event needs a maxspan")
                    .at(opening(stage))
                    .label("missing for how long?")
                    .help("write `sequence … with maxspan=5m …`"),
            );
        }
        if sequence.stages.iter().all(|stage| stage.missing) {
            diagnostics.push(
                Diagnostic::error("eql::only-missing-events", "one stage at least must not be missing")
                    .at(opening(stage))
                    .label("nothing but missing events")
                    .help("add a stage without `!`"),
            );
        }
    }
    if let Some(until) = until {
        if until.missing {
            diagnostics.push(
                Diagnostic::error("eql::missing-until", "`until` cannot wait for a missing event")
                    .at(opening(until))
                    .label("missing event")
                    .help("take the `!` out"),
            );
        }
        if until.runs.value != 1 {
            diagnostics.push(
                Diagnostic::error("eql::repeated-until", "`until` does not repeat")
                    .at(until.runs.span)
                    .label("repeats")
                    .help("take `with runs` out: the first such event ends the sequence"),
            );
        }
    }
}

fn verify_sample(sample: &Sample, pipes: &[Spanned<Pipe>], diagnostics: &mut Vec<Diagnostic>) {
    for stage in &sample.stages {
        verify_filter(&stage.filter, diagnostics);
    }
    verify_key_counts(&sample.by, sample.stages.iter(), diagnostics);
    if let [only] = sample.stages.as_slice() {
        diagnostics.push(
            Diagnostic::error("eql::single-stage", "a sample needs two stages at least")
                .at(only.span)
                .label("the only stage")
                .help("add a stage; for single events leave out `sample` and the brackets"),
        );
    }
    if let Some(first) = sample.stages.first().filter(|first| sample.by.is_empty() && first.by.is_empty()) {
        diagnostics.push(
            Diagnostic::error("eql::sample-without-keys", "a sample needs a join key")
                .at(first.span)
                .label("joined by what?")
                .help("write `sample by field`, or `by field` after every stage"),
        );
    }
    if let Some(stage) = sample.stages.get(MAX_SAMPLE_STAGES) {
        diagnostics.push(
            Diagnostic::warning(
                "eql::long-sample",
                format!("Elasticsearch allows {MAX_SAMPLE_STAGES} stages in a sample"),
            )
            .at(stage.span)
            .label("one too many for Elasticsearch")
            .help("join conditions of several stages with `or` where the rule must run there too"),
        );
    }
    if let Some(pipe) = pipes.first() {
        diagnostics.push(
            Diagnostic::warning("eql::sample-pipe", "Elasticsearch allows no pipe after a sample")
                .at(pipe.span)
                .label("refused by Elasticsearch")
                .help("take it out where the rule must run there too"),
        );
    }
}

fn verify_key_counts<'a>(
    by: &[Spanned<FieldRef>],
    stages: impl Iterator<Item = &'a Stage>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut expected = None;
    for stage in stages {
        let found = stage.by.len();
        let expected = *expected.get_or_insert(found);
        if found != expected {
            let span = match (stage.by.first(), stage.by.last()) {
                (Some(first), Some(last)) => first.span.to(last.span),
                _ => stage.span,
            };
            let common = match by.len() {
                0 => String::new(),
                count => format!(" besides the {count} of the whole"),
            };
            diagnostics.push(
                Diagnostic::error("eql::key-count", "all stages need the same number of join keys")
                    .at(span)
                    .label(format!("{found} here, {expected} at the first stage{common}"))
                    .help("write as many fields after every `by`; keys that all stages share can stand before the first"),
            );
        }
    }
}

fn verify_filter(filter: &EventFilter, diagnostics: &mut Vec<Diagnostic>) {
    verify_category(&filter.category, diagnostics);
    verify_condition(&filter.condition, diagnostics);
}

/// Any category is legal, but one that is nearly a usual one is hardly meant.
fn verify_category(category: &Spanned<Category>, diagnostics: &mut Vec<Diagnostic>) {
    let Category::Named(name) = &category.value else { return };
    if CATEGORIES.contains(&name.as_str()) {
        return;
    }
    let Some(near) = nearest(name, CATEGORIES) else { return };
    diagnostics.push(
        Diagnostic::warning("eql::unknown-category", format!("`{name}` is no usual category"))
            .at(category.span)
            .label("case counts")
            .help(format!("did you mean `{near}`?")),
    );
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Number,
    Text,
    /// A field, null, or what could not be parsed.
    Open,
}

fn kind(node: &Expr) -> Kind {
    match node {
        Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_)
        | Expr::Compare { .. }
        | Expr::Match { .. }
        | Expr::In { .. } => Kind::Bool,
        Expr::Arithmetic { .. } | Expr::Negate(_) => Kind::Number,
        Expr::Call { function, .. } => match signature(function.value).map(|signature| signature.result) {
            Some(ResultKind::Bool) => Kind::Bool,
            Some(ResultKind::Number) => Kind::Number,
            Some(ResultKind::Text) => Kind::Text,
            None => Kind::Open,
        },
        Expr::Literal(Literal::Bool(_)) => Kind::Bool,
        Expr::Literal(Literal::Int(_) | Literal::Float(_)) => Kind::Number,
        Expr::Literal(Literal::Text(_)) => Kind::Text,
        Expr::Literal(Literal::Null) | Expr::Field(_) | Expr::Invalid => Kind::Open,
    }
}

fn verify_condition(node: &Spanned<Expr>, diagnostics: &mut Vec<Diagnostic>) {
    if matches!(kind(&node.value), Kind::Number | Kind::Text) {
        diagnostics.push(
            Diagnostic::error("eql::not-a-condition", "a condition must be true or false")
                .at(node.span)
                .label("a value, not a condition")
                .help("compare it with something; several values for one field stand in a list: `field : (\"a\", \"b\")`"),
        );
    }
    match &node.value {
        Expr::And(nodes) | Expr::Or(nodes) => {
            nodes.iter().for_each(|node| verify_condition(node, diagnostics))
        }
        Expr::Not(inner) => verify_condition(inner, diagnostics),
        _ => verify_value(node, diagnostics),
    }
}

/// What a value is made of; what it is itself is up to whoever uses it.
fn verify_value(node: &Spanned<Expr>, diagnostics: &mut Vec<Diagnostic>) {
    match &node.value {
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) => verify_condition(node, diagnostics),
        Expr::Compare { left, right, .. } => {
            verify_value(left, diagnostics);
            verify_value(right, diagnostics);
        }
        Expr::Arithmetic { left, right, .. } => {
            verify_number(left, diagnostics);
            verify_number(right, diagnostics);
        }
        Expr::Negate(inner) => verify_number(inner, diagnostics),
        Expr::Match { op, value, .. } => {
            if matches!(kind(&value.value), Kind::Bool | Kind::Number) {
                diagnostics.push(not_a(
                    value.span,
                    "eql::not-a-text",
                    format!("`{op}` needs a text on its left"),
                    "not a text",
                    "compare with `==`, or make a text of it with `string(…)`",
                ));
            }
            verify_value(value, diagnostics);
        }
        Expr::In { value, list, .. } => {
            verify_value(value, diagnostics);
            list.iter().for_each(|item| verify_value(item, diagnostics));
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| verify_value(arg, diagnostics)),
        Expr::Field(_) | Expr::Literal(_) | Expr::Invalid => {}
    }
}

fn verify_number(node: &Spanned<Expr>, diagnostics: &mut Vec<Diagnostic>) {
    if matches!(kind(&node.value), Kind::Bool | Kind::Text) {
        diagnostics.push(not_a(
            node.span,
            "eql::not-a-number",
            "only numbers can be computed with".to_owned(),
            "not a number",
            "join texts with `concat(…)`, read a number from one with `number(…)`; comparisons need parentheses around their sides only",
        ));
    }
    verify_value(node, diagnostics);
}

fn not_a(
    span: Span,
    code: &'static str,
    message: String,
    label: &'static str,
    help: &'static str,
) -> Diagnostic {
    Diagnostic::error(code, message).at(span).label(label).help(help)
}

/// The bracket that opens a stage.
fn opening(stage: &Stage) -> Span {
    let length = if stage.missing { 2 } else { 1 };
    Span::new(stage.span.start, stage.span.start + length)
}
