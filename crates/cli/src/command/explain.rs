//! `bartizan explain`: which clause of a rule an event fails, with the values seen.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use ecs::{Catalog, DataStream, Document, EventView, Known, Timestamp};
use engine::finisher::{EsqlPlan, Finisher};
use engine::plan::{PlannedException, PlannedFilter, PlannedRule};
use engine::{Plan, RuleStatus};
use ingest::decode::{Buffers, Item, Limits, Outcome, RawRecord, RecordKind, decode};
use ingest::enrich::Enrichment;
use ingest::integration::aws_cloudtrail::{NormalizeContext, normalize};
use ingest::integration::ecs::read_ecs;
use ingest::source::{directory, stdin};
use matcher::Explanation;
use query::Diagnostic;
use serde_json::Value;

use super::Context;
use crate::exit_status::ExitStatus;
use crate::printer::{Output, Paint, count, thousands, visible, visible_lines};
use crate::rule_selection::{self, RuleSource};

const EXAMPLES: &str = "\
Examples:
  bartizan explain 'AWS KMS Imported Key Material Deleted' event.json
  bartizan explain ./my_rule.toml ./AWSLogs/one_file.json.gz --event-id 6a3f5a0e-3c6f-4b59-9d68-1a2b3c4d5e6f";

/// How many events are explained when none is named.
const SHOWN: usize = 20;

/// Arguments of `bartizan explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The rule: its id, its name, a pattern with `*` for one of these, or its file
    rule: String,
    /// A file with events in any form that `hunt` reads; `-` for standard input
    #[arg(value_name = "EVENT-FILE")]
    file: PathBuf,
    /// Only the event with this event.id (CloudTrail's eventID)
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    #[command(flatten)]
    source: RuleSource,
}

/// An event as the rules see it.
pub(super) struct Event {
    pub(super) document: Document,
    pub(super) stream: DataStream,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let mut library = args.source.load()?;
    rule_selection::load_if_file(&args.rule, &mut library);
    rule_selection::warn_of_exceptions(&library, &context.printer);
    let rule = rule_selection::one_rule(&args.rule, &library)?.clone();
    let one = rule_selection::of_rules(vec![rule], &library);
    let catalog = Catalog::builtin();
    let plan = Plan::new(&one, &catalog, context.now);
    let mut out = context.printer.stdout();
    let Some(planned) = plan.rules.first() else {
        for outcome in &plan.outcomes {
            if let RuleStatus::NotRun(reason) = &outcome.status {
                writeln!(out, "{} does not run: {}", visible(&outcome.name), visible(&reason.to_string()))?;
            }
        }
        out.flush()?;
        return Ok(ExitStatus::CouldNotRun);
    };
    let mut warnings: Vec<&Diagnostic> = plan.outcomes.iter().flat_map(|outcome| &outcome.warnings).collect();
    warnings.dedup();
    for warning in warnings {
        context.printer.warn(format!("{}: {}", planned.rule.name, warning.message));
    }

    let (events, faults) = read_events(args, context)?;
    if faults > 0 {
        context.printer.warn(format!("{} in the file could not be read", count(faults, "place", "places")));
    }
    let wanted: Vec<&Event> = events
        .iter()
        .filter(|event| args.event_id.as_deref().is_none_or(|id| event.document.text("event.id") == Some(id)))
        .collect();
    if wanted.is_empty() {
        match &args.event_id {
            Some(id) => {
                bail!("no event with the id {id} among {}", count(events.len() as u64, "event", "events"))
            }
            None => bail!("no event in {}", args.file.display()),
        }
    }
    for event in wanted.iter().take(SHOWN) {
        explain(&mut out, &plan, planned, event)?;
    }
    if wanted.len() > SHOWN {
        let more = thousands((wanted.len() - SHOWN) as u64);
        writeln!(out, "and {more} more events; name the one you mean by --event-id")?;
    }
    out.flush()?;
    Ok(ExitStatus::Done)
}

fn explain(out: &mut Output, plan: &Plan<'_>, planned: &PlannedRule<'_>, event: &Event) -> io::Result<()> {
    let Event { document, stream } = event;
    let table = &plan.table;
    let view = document.view(table);
    let filters = plan.filters_of(planned);
    let explanations: Vec<(&PlannedFilter, Explanation)> =
        filters.iter().map(|filter| (filter, matcher::explain(&filter.predicate, &view, table))).collect();
    let excepted: Vec<&PlannedException> =
        planned.exceptions.iter().filter(|item| item.predicate.eval(&view) == Known::Yes).collect();
    let passed = explanations.iter().any(|(_, explanation)| explanation.passed);
    let reached = planned.patterns.matches(stream);
    let text = |field: &str| visible(document.text(field).unwrap_or("-"));
    let heading = out.paint(Paint::Heading, format!("event {}", text("event.id")));
    writeln!(out, "{heading}  {}  {}  {}", text("@timestamp"), text("event.provider"), text("event.action"))?;
    let name = visible(&planned.rule.name);
    let passes = |filter: usize| explanations[filter].1.passed;
    // A query whose rows stand for themselves can be asked about one event.
    let gives_row = match &planned.finisher {
        Finisher::Esql(query) if passed && !query.depends_on_window => gives_row(query, event),
        _ => None,
    };
    let (is, is_none) = match &planned.finisher {
        Finisher::EachEvent => ("is a hit of", "is no hit of"),
        Finisher::InOrder(in_order) if !(0..filters.len()).any(|f| passes(f) && in_order.takes_in(f)) => {
            ("can only end or forbid a hit of", "can take no part in a hit of")
        }
        Finisher::Esql(query) if !query.depends_on_window => ("is a hit of", "is no hit of"),
        _ => ("may take part in a hit of", "can take no part in a hit of"),
    };
    match (reached && excepted.is_empty(), passed) {
        (true, true) if gives_row == Some(false) => writeln!(
            out,
            "is no hit of {name}: it passes the conditions below, and the rest of the query gives no row for it"
        )?,
        (true, true) => writeln!(out, "{is} {name}")?,
        (true, false) => writeln!(out, "{is_none} {name}, because of:")?,
        (false, true) => writeln!(out, "{is_none} {name}, although it passes the query, because of:")?,
        (false, false) => writeln!(out, "{is_none} {name}, because of:")?,
    }
    if !reached {
        let source = engine::index_selection::source(&planned.rule.rule_type);
        let patterns = source
            .and_then(|source| source.into_owned().index)
            .map_or("the default patterns".to_owned(), |p| p.join(", "));
        writeln!(
            out,
            "  the index patterns ({}) do not reach its data stream, {stream}",
            visible(&patterns)
        )?;
    }
    for PlannedException { name, list_id, predicate } in excepted {
        let why = in_one_line(&matcher::explain(predicate, &view, table));
        let line = format!("the exception `{name}` of the list `{list_id}` takes it out: {why}");
        writeln!(out, "  {}", visible_lines(&line))?;
    }
    for (at, (filter, explanation)) in explanations.iter().enumerate() {
        let indent = if filter.name.is_empty() { "" } else { "  " };
        if !filter.name.is_empty() {
            let verdict = if explanation.passed { "passes" } else { "does not pass, because of:" };
            writeln!(out, "  {}: {verdict}{}", filter.name, keys(planned, at, explanation, &view))?;
        }
        for clause in explanation.blame() {
            writeln!(out, "{indent}  {}", visible_lines(&in_one_line(clause)))?;
        }
    }
    if let Finisher::Esql(query) = &planned.finisher {
        let rest = if query.groups_events {
            "what the query makes of groups of such events is not explained"
        } else if query.depends_on_window {
            "which of such events the query keeps depends on the others of a window, or on the time, and is not explained"
        } else {
            "conditions on what the query computes are not explained one by one"
        };
        writeln!(
            out,
            "conditions of the query on single events, before it makes other rows of them; {rest}"
        )?;
    }
    for (filter, explanation) in &explanations {
        match filter.name.as_str() {
            "" => writeln!(out, "clause by clause:")?,
            name => writeln!(out, "{name}, clause by clause:")?,
        }
        for line in explanation.to_string().lines() {
            writeln!(out, "  {}", visible(line))?;
        }
    }
    writeln!(out)
}

/// Does the query give a row for an event alone? `None` when it cannot be run.
fn gives_row(plan: &EsqlPlan, event: &Event) -> Option<bool> {
    let index = event.stream.name();
    let id = event.document.text("event.id").unwrap_or_default();
    let event = esql::Event { number: 0, document: &event.document, id, index: &index };
    let mut query = plan.query.lock().ok()?;
    Some(!query.run(&[event], Timestamp::UNIX_EPOCH).ok()?.table.rows.is_empty())
}

/// The values by which an event that passes a stage is joined to others.
fn keys(planned: &PlannedRule<'_>, at: usize, explanation: &Explanation, view: &dyn EventView) -> String {
    let Finisher::InOrder(in_order) = &planned.finisher else { return String::new() };
    let keys = in_order.parts.get(at).map_or(&[][..], |part| &part.keys);
    if !explanation.passed || keys.is_empty() {
        return String::new();
    }
    let values = keys.iter().map(|key| {
        let values: Vec<String> = key.values(view).iter().map(ToString::to_string).collect();
        if values.is_empty() { "nothing".to_owned() } else { values.join(" and ") }
    });
    format!(", joined by {}", visible(&values.collect::<Vec<_>>().join(", ")))
}

/// A clause that decides, with what it saw; of several parts, those that decide.
pub(super) fn in_one_line(clause: &Explanation) -> String {
    match (&clause.seen, clause.parts.first()) {
        (Some(values), _) if values.is_empty() => format!("{} (the field is missing)", clause.clause),
        (Some(values), _) => format!("{} (seen: {})", clause.clause, values.join(", ")),
        (None, Some(part)) if clause.clause == "not" => format!("not: {}", in_one_line(part)),
        (None, Some(_)) => {
            // Of what passed, the parts that made it pass.
            let parts = clause.parts.iter().filter(|part| part.passed == clause.passed);
            let word = if clause.clause == "all of" { " and " } else { " or " };
            let parts = parts.map(in_one_line).collect::<Vec<_>>().join(word);
            if matches!(clause.clause.as_str(), "all of" | "any of") {
                parts
            } else {
                format!("{}: {parts}", clause.clause)
            }
        }
        (None, _) => clause.clause.clone(),
    }
}

/// All events of the file, and how many places could not be read.
fn read_events(args: &Args, context: Context) -> anyhow::Result<(Vec<Event>, u64)> {
    let limits = Limits::default();
    let mut bytes = Vec::new();
    let read = if directory::is_stdin(&args.file) {
        stdin::read(io::stdin().lock(), &limits, &mut bytes)
    } else {
        let file = File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
        stdin::read(file, &limits, &mut bytes)
    };
    read.with_context(|| format!("cannot read {}", args.file.display()))?;
    let (mut events, mut faults) = (Vec::new(), 0);
    let enrichment = Enrichment::open(None, None)?;
    let decoded = decode(&bytes, &limits, &mut Buffers::new(), &mut |item| match item {
        Item::Record(record) => match event_of(&record, &enrichment, context) {
            Some(event) => events.push(event),
            None => faults += 1,
        },
        Item::Fault(_) => faults += 1,
    });
    if let Outcome::Skipped(reason) = decoded.outcome {
        return Err(reason).with_context(|| format!("cannot read events from {}", args.file.display()));
    }
    Ok((events, faults))
}

/// The document that rules see, as in a hunt.
pub(super) fn event_of(record: &RawRecord<'_>, enrichment: &Enrichment, context: Context) -> Option<Event> {
    let Ok(Value::Object(object)) = serde_json::from_str(record.text) else { return None };
    match record.kind {
        RecordKind::Ecs => {
            let event = read_ecs(object, &DataStream::logs("generic"));
            Some(Event { document: event.document, stream: event.data_stream })
        }
        RecordKind::CloudTrailDigest => None,
        RecordKind::CloudTrail | RecordKind::CloudTrailInsight => {
            let stream = DataStream::logs("aws.cloudtrail");
            let normalize_context =
                NormalizeContext { enrich: Some(enrichment), ..NormalizeContext::new(context.now, &stream) };
            let document = normalize(object, &normalize_context);
            Some(Event { document, stream })
        }
    }
}
