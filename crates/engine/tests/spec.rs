//! Runs the literate specification in `tests/spec`: Markdown pages whose code blocks are inputs and expectations.
//!
//! A heading of the second level starts a case; the blocks above the first case of a page belong to all of its cases.
//! Inputs:
//!
//! | block | is |
//! |---|---|
//! | `events` | ECS documents, one a line; `_index` names the data stream, else it is `logs-generic-default` |
//! | `records` | raw CloudTrail records, one a line; they become events |
//! | `input` | a file as delivered, any shape |
//! | `kql`, `lucene`, `filter`, `eql`, `esql` | what is asked of the events |
//! | `rule` | a rule file in TOML, or the path of one below the repository |
//! | `exceptions` | exception lists for the rules below, as an export or in our own TOML |
//! | `value-list ID`, `value-list ID TYPE` | a value list for these exceptions, one value a line |
//! | `indicators` | a file of indicators, any form |
//! | `max-signals` | how many hits of a rule give alerts; all without it |
//!
//! Expectations, each about the inputs above it in its case. With `UPDATE_SPEC=1` they are rewritten:
//!
//! | block | is |
//! |---|---|
//! | `hits` | the `event.id` of each event that passes, in order; of each sequence, sample or group, those of its events in one line |
//! | `diagnostics` | code, place in bytes, the text there, and message of each fault of the query |
//! | `fields` | lines `field: values as JSON` of each event (of each alert, after a rule), for the fields named there |
//! | `account` | shape, outcome, records and faults of the input; its records become the events |
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in tests a failure may panic")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use alert::{Alert, AlertContext, EventHit, ExecutionType};
use bartizan_engine::finisher::Finisher;
use bartizan_engine::indicators::{IndicatorFile, IndicatorReader};
use bartizan_engine::shared_scan::FoundEvent;
use bartizan_engine::{AlertSink, Detection, NotRunReason, Plan, RuleOutcome, RuleStatus};
use ecs::{Catalog, DataStream, Document, FieldTable, Known};
use ingest::decode::{Buffers, Item, Limits, Outcome, decode};
use ingest::enrich::Enrichment;
use ingest::integration::aws_cloudtrail::{NormalizeContext, normalize};
use ingest::integration::ecs::read_ecs;
use matcher::{FilterId, Matcher, Predicate, Resolved, Resolver};
use rule::{RuleLibrary, ValueList};
use serde_json::Value;

/// When every page plays.
const NOW: &str = "2024-05-15T12:00:00Z";

#[test]
fn the_specification_holds() {
    let root = repository().join("tests/spec");
    let update = std::env::var_os("UPDATE_SPEC").is_some();
    let mut pages = Vec::new();
    find_pages(&root, &mut pages);
    pages.sort();
    let (mut checked, mut wrong) = (0, String::new());
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let outcome = run_page(&text);
        checked += outcome.checked;
        if outcome.text != text {
            if update {
                std::fs::write(&page, &outcome.text).unwrap();
            }
            let name = page.strip_prefix(&root).unwrap_or(&page).display();
            writeln!(wrong, "\n{name}\n{}", difference(&text, &outcome.text)).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "UPDATE_SPEC=1 rewrites what differs:{wrong}");
    assert!(checked > 1500, "only {checked} expectations were found");
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn find_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_pages(&path, pages);
        } else if path.extension().is_some_and(|e| e == "md")
            && path.file_name().is_some_and(|n| n != "README.md")
        {
            pages.push(path);
        }
    }
}

fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let heading = old[..start].iter().rev().find(|l| l.starts_with('#')).copied().unwrap_or_default();
    let show = |lines: &[&str], mark| {
        lines.iter().skip(start).take(8).map(|l| format!("  {mark} {l}\n")).collect::<String>()
    };
    format!("  line {}: {heading}\n{}{}", start + 1, show(&old, '-'), show(&new, '+'))
}

struct PageOutcome {
    /// The page with the expectations that really hold.
    text: String,
    checked: usize,
}

/// What the blocks of a case have given so far.
#[derive(Clone, Default)]
struct Case {
    events: Vec<EventHit>,
    /// The query asked last: text and language.
    query: Option<(String, String)>,
    rule: Option<String>,
    max_signals: Option<u32>,
    exceptions: Vec<String>,
    value_lists: Vec<ValueList>,
    input: Option<String>,
    indicators: Option<String>,
}

fn run_page(text: &str) -> PageOutcome {
    let mut out = String::with_capacity(text.len());
    let (mut shared, mut case, mut in_case) = (Case::default(), Case::default(), false);
    let mut checked = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        if line.starts_with("## ") {
            if !in_case {
                shared = case.clone();
                in_case = true;
            }
            case = shared.clone();
        }
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let mut body = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            writeln!(body, "{line}").unwrap();
        }
        let expected = match kind {
            "hits" => Some(hits(&case)),
            "diagnostics" => Some(diagnostics(&case)),
            "fields" => Some(fields(&case, &body)),
            "account" => Some(account(&mut case)),
            _ => {
                case.give(kind, &body);
                None
            }
        };
        checked += usize::from(expected.is_some());
        out.push_str(expected.as_ref().unwrap_or(&body));
        out.push_str("```\n");
    }
    PageOutcome { text: out, checked }
}

impl Case {
    fn give(&mut self, kind: &str, body: &str) {
        let lines = || body.lines().filter(|line| !line.trim().is_empty());
        match kind {
            "events" => self.events = lines().map(ecs_event).collect(),
            "records" => self.events = lines().map(cloudtrail_event).collect(),
            "input" => self.input = Some(body.to_owned()),
            "indicators" => self.indicators = Some(body.to_owned()),
            "max-signals" => self.max_signals = Some(body.trim().parse().unwrap()),
            "kql" | "lucene" | "filter" => {
                self.query = Some((body.trim_end().to_owned(), kind.to_owned()));
                self.rule = None;
            }
            "eql" => {
                self.query = Some((body.trim_end().to_owned(), kind.to_owned()));
                self.rule = Some(eql_rule(body.trim_end()));
            }
            "esql" => {
                self.query = Some((body.trim_end().to_owned(), kind.to_owned()));
                self.rule = Some(esql_rule(body.trim_end()));
            }
            "rule" => {
                let text = match body.lines().count() {
                    1 => std::fs::read_to_string(repository().join(body.trim())).unwrap(),
                    _ => body.to_owned(),
                };
                let table: toml::Table = text.parse().unwrap();
                self.query = table["rule"].get("query").and_then(toml::Value::as_str).map(|query| {
                    (query.to_owned(), table["rule"]["language"].as_str().unwrap_or_default().to_owned())
                });
                self.rule = Some(text);
            }
            "exceptions" => self.exceptions.push(body.to_owned()),
            "text" | "sh" => {}
            other => match other.strip_prefix("value-list ") {
                Some(named) => self.value_lists.push(value_list(named, body)),
                None => panic!("unknown block {other}"),
            },
        }
    }
}

fn value_list(named: &str, body: &str) -> ValueList {
    let (id, list_type) = match named.split_once(' ') {
        Some((id, list_type)) => (id, Some(list_type.parse().unwrap())),
        None => (named, None),
    };
    let (list, found) = ValueList::read(id, list_type, body, Path::new("values.txt"));
    assert!(found.iter().all(|found| !found.is_error()), "{found:?}");
    list
}

fn object(text: &str) -> serde_json::Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => map,
        other => panic!("{other:?} in {text}"),
    }
}

fn ecs_event(line: &str) -> EventHit {
    let event = read_ecs(object(line), &DataStream::logs("generic"));
    let id = event.document.text("event.id").unwrap_or("?").to_owned();
    EventHit { document: event.document, id, index: event.data_stream.name() }
}

fn cloudtrail_event(line: &str) -> EventHit {
    let stream = DataStream::logs("aws.cloudtrail");
    let enrichment = Enrichment::default();
    let mut context = NormalizeContext::new(NOW.parse().unwrap(), &stream);
    context.enrich = Some(&enrichment);
    let document = normalize(object(line), &context);
    let id = document.text("event.id").unwrap_or("?").to_owned();
    EventHit { document, id, index: stream.name() }
}

fn resolve(case: &Case, table: &mut FieldTable) -> Resolved {
    let (text, language) = case.query.as_ref().expect("a query before its expectation");
    let catalog = Catalog::builtin();
    let mut resolver = Resolver::new(&catalog, table, NOW.parse().unwrap());
    let (mut faults, resolved) = match language.as_str() {
        "kql" => {
            let parsed = query::kql::parse(text);
            (parsed.diagnostics, resolver.kql(&parsed.tree))
        }
        "lucene" => {
            let parsed = query::lucene::parse(text);
            (parsed.diagnostics, resolver.lucene(&parsed.tree))
        }
        _ => {
            let filter = rule::Filter::read(&Value::Object(object(text)));
            (Vec::new(), resolver.filters(&[filter]))
        }
    };
    faults.extend(resolved.diagnostics.into_iter().filter(|d| d.code != "query::partial"));
    Resolved { predicate: resolved.predicate, diagnostics: faults }
}

fn hits(case: &Case) -> String {
    if let Some(rule) = &case.rule {
        let library = library(case, rule);
        let plan = plan(&library);
        if plan.rules.is_empty() {
            return "the query has errors\n".to_owned();
        }
        if matches!(plan.rules[0].finisher, Finisher::EachEvent) {
            return passing(case, &plan).map(|event| format!("{}\n", event.id)).collect();
        }
        let id = |alert: &Alert| match alert.document().values("bartizan.evidence.event_ids") {
            ids if ids.is_empty() => alert.event_id().unwrap_or("?").to_owned(),
            ids => ids.iter().map(|id| id.text()).collect::<Vec<_>>().join(" "),
        };
        let mut hits: Vec<String> = Vec::new();
        for alert in alerts(case, &plan) {
            match (alert.group_index(), hits.last_mut()) {
                (Some(0), Some(hit)) => *hit = id(&alert),
                (Some(_), Some(hit)) => write!(hit, " {}", id(&alert)).unwrap(),
                _ => hits.push(id(&alert)),
            }
        }
        return hits.iter().map(|hit| format!("{hit}\n")).collect();
    }
    let mut table = FieldTable::new();
    let resolved = resolve(case, &mut table);
    if resolved.diagnostics.iter().any(query::Diagnostic::is_error) {
        return "the query has errors\n".to_owned();
    }
    let passes = |event: &&EventHit| resolved.predicate.eval(&event.document.view(&table)) == Known::Yes;
    case.events.iter().filter(passes).map(|event| format!("{}\n", event.id)).collect()
}

fn diagnostics(case: &Case) -> String {
    let (text, _) = case.query.as_ref().expect("a query before its diagnostics");
    let show = |d: &query::Diagnostic| {
        let place = d
            .span
            .map_or(String::new(), |s| format!(" at {}..{} `{}`", s.start, s.end, &text[s.start..s.end]));
        format!("{}{place}: {}\n", d.code, d.message)
    };
    if let Some(rule) = &case.rule {
        let library = library(case, rule);
        return match &plan(&library).outcomes[0] {
            RuleOutcome { status: RuleStatus::NotRun(NotRunReason::Errors(found)), .. } => {
                found.iter().map(show).collect()
            }
            RuleOutcome { status: RuleStatus::Ran, warnings, .. } => warnings.iter().map(show).collect(),
            other => panic!("{other:?}"),
        };
    }
    resolve(case, &mut FieldTable::new()).diagnostics.iter().map(show).collect()
}

fn library(case: &Case, rule: &str) -> RuleLibrary {
    let mut library = RuleLibrary::default();
    library.add("rule.toml".into(), rule::format::toml::read(rule, Path::new("rule.toml")));
    assert!(library.failed.is_empty(), "{:?}", library.outcomes);
    for (number, text) in case.exceptions.iter().enumerate() {
        // The name tells nothing, so that the text does.
        let path = PathBuf::from(format!("exceptions {number}"));
        let loaded = rule::library::read(text, &path);
        assert!(loaded.is_ok(), "{:?}", loaded.diagnostics);
        library.add(path, loaded);
    }
    for list in &case.value_lists {
        library.add_value_list(list.clone().into());
    }
    library
}

fn plan(library: &RuleLibrary) -> Plan<'_> {
    Plan::new(library, &Catalog::builtin(), NOW.parse().unwrap())
}

/// The rule that an EQL query alone is.
fn eql_rule(query: &str) -> String {
    format!(
        "[metadata]\ncreation_date = \"2024/01/01\"\nupdated_date = \"2024/01/01\"\n[rule]\nname = \"Query\"\n\
         description = \"A query.\"\nrisk_score = 47\nseverity = \"medium\"\ntype = \"eql\"\nlanguage = \"eql\"\n\
         rule_id = \"00000000-0000-4000-8000-000000000000\"\nindex = [\"logs-*\"]\nquery = '''\n{query}'''\n"
    )
}

/// The rule that an ES|QL query alone is.
fn esql_rule(query: &str) -> String {
    format!(
        "[metadata]\ncreation_date = \"2024/01/01\"\nupdated_date = \"2024/01/01\"\n[rule]\nname = \"Query\"\n\
         description = \"A query.\"\nrisk_score = 47\nseverity = \"medium\"\ntype = \"esql\"\nlanguage = \"esql\"\n\
         rule_id = \"00000000-0000-4000-8000-000000000000\"\ninterval = \"5m\"\nfrom = \"now-6m\"\n\
         query = '''\n{query}'''\n"
    )
}

fn fields(case: &Case, wanted: &str) -> String {
    let documents: Vec<Document> = match &case.rule {
        None => case.events.iter().map(|event| event.document.clone()).collect(),
        Some(rule) => {
            let library = library(case, rule);
            let alerts = alerts(case, &plan(&library));
            alerts.into_iter().map(Alert::into_document).collect()
        }
    };
    let mut seen = HashSet::new();
    let names = wanted.lines().filter(|line| *line != "---" && !line.is_empty());
    let names = names.map(|line| line.split_once(':').map_or(line, |(name, _)| name));
    let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
    let mut out = String::new();
    for (at, document) in documents.iter().enumerate() {
        if at > 0 {
            out.push_str("---\n");
        }
        for name in &names {
            let found: Vec<String> = document.nodes(name).into_iter().map(Value::to_string).collect();
            writeln!(out, "{}", format!("{name}: {}", found.join(" ")).trim_end()).unwrap();
        }
    }
    out
}

/// The events that pass the only filter of the rule of a plan.
fn passing<'c>(case: &'c Case, plan: &'c Plan<'_>) -> impl Iterator<Item = &'c EventHit> {
    let planned = &plan.rules[0];
    case.events.iter().filter(|event| {
        let view = event.document.view(&plan.table);
        let passes = |predicate: &Predicate| predicate.eval(&view) == Known::Yes;
        DataStream::parse(&event.index).is_some_and(|stream| planned.patterns.matches(&stream))
            && passes(&plan.filters[0].predicate)
            && !planned.exceptions.iter().any(|exception| passes(&exception.predicate))
    })
}

/// The alerts that the rule of a plan makes of the events.
fn alerts(case: &Case, plan: &Plan<'_>) -> Vec<Alert> {
    let planned = plan.rules.first().unwrap_or_else(|| panic!("the rule does not run: {:?}", plan.outcomes));
    let context = AlertContext {
        space: "default".into(),
        detected_at: NOW.parse().unwrap(),
        execution_uuid: "00000000-0000-0000-0000-000000000000".into(),
        execution_type: ExecutionType::Manual,
        intended_timestamp: None,
        base_url: None,
        version: "test".into(),
    };
    let matcher = Matcher::new(plan.filters.iter().map(|f| f.predicate.clone()).collect::<Vec<_>>());
    let mut collected = Collected(Vec::new());
    let mut detection = Detection::new(plan, context, case.max_signals);
    if let Some(text) = &case.indicators {
        let file = IndicatorFile::Memory { name: "indicators".to_owned(), bytes: text.clone().into_bytes() };
        let mut take = |indicator: EventHit| detection.indicator(&indicator);
        IndicatorReader::new(NOW.parse().unwrap()).read(&file, &mut take).unwrap();
    }
    for event in &case.events {
        let Some(stream) = DataStream::parse(&event.index) else { continue };
        let reads = |filter: &FilterId| {
            let patterns = plan.filters[filter.index()].indicators.as_ref();
            patterns.unwrap_or(&planned.patterns).matches(&stream)
        };
        let stream_matcher = matcher.for_stream(&plan.table, |_| true, |_| true);
        let view = event.document.view(&plan.table);
        let verdict = stream_matcher.look(&view, &mut stream_matcher.memo());
        let filters: Vec<FilterId> =
            stream_matcher.settle(verdict, &view).into_iter().filter(reads).collect();
        if filters.is_empty() {
            continue;
        }
        let found =
            FoundEvent { filters, document: event.document.clone(), document_id: event.id.clone(), stream };
        let time = event.document.text("@timestamp").and_then(|time| time.parse().ok());
        detection.event(found, time, &mut collected).unwrap();
    }
    detection.finish(None, &mut collected).unwrap();
    collected.0
}

struct Collected(Vec<Alert>);

impl AlertSink for Collected {
    fn alert(&mut self, alert: Alert) -> std::io::Result<()> {
        self.0.push(alert);
        Ok(())
    }
}

/// Reads the input, and makes events of its records for what follows.
fn account(case: &mut Case) -> String {
    let input = case.input.clone().expect("an input before its account");
    let mut out = String::new();
    let mut events = Vec::new();
    let decoded = decode(input.as_bytes(), &Limits::default(), &mut Buffers::new(), &mut |item| match item {
        Item::Record(record) => {
            writeln!(out, "{} at {}", record.kind, record.offset).unwrap();
            events.push(match record.kind {
                ingest::RecordKind::Ecs => ecs_event(record.text),
                _ => cloudtrail_event(record.text),
            });
        }
        Item::Fault(fault) => writeln!(out, "fault at {}: {}", fault.offset, fault.reason).unwrap(),
    });
    case.events = events;
    let shape = decoded.shape.map_or("nothing known".to_owned(), |shape| shape.to_string());
    let outcome = match decoded.outcome {
        Outcome::Read => "read".to_owned(),
        Outcome::PartlyRead { .. } => "partly read".to_owned(),
        Outcome::Skipped(reason) => format!("skipped: {reason}"),
    };
    format!("{shape}, {outcome}\n{out}")
}
