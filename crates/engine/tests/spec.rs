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
//! | `kql`, `lucene`, `filter` | what is asked of the events |
//! | `rule` | a rule file in TOML, or the path of one below the repository |
//!
//! Expectations, each about the inputs above it in its case. With `UPDATE_SPEC=1` they are rewritten:
//!
//! | block | is |
//! |---|---|
//! | `hits` | the `event.id` of each event that passes, in order |
//! | `diagnostics` | code, place in bytes, the text there, and message of each fault of the query |
//! | `fields` | lines `field: values as JSON` of each event (of each alert, after a rule), for the fields named there |
//! | `account` | shape, outcome, records and faults of the input; its records become the events |
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in tests a failure may panic")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use alert::{AlertContext, AlertRule, BuildOutcome, EventHit, ExecutionType, Hit};
use bartizan_engine::Plan;
use ecs::{Catalog, DataStream, Document, FieldTable, Known};
use ingest::decode::{Buffers, Item, Limits, Outcome, decode};
use ingest::enrich::Enrichment;
use ingest::integration::aws_cloudtrail::{NormalizeContext, normalize};
use ingest::integration::ecs::read_ecs;
use matcher::{Resolved, Resolver};
use rule::RuleLibrary;
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
    assert!(checked > 700, "only {checked} expectations were found");
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
    input: Option<String>,
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
            "kql" | "lucene" | "filter" => self.query = Some((body.trim_end().to_owned(), kind.to_owned())),
            "rule" if body.lines().count() == 1 => {
                self.rule = Some(std::fs::read_to_string(repository().join(body.trim())).unwrap());
            }
            "rule" => self.rule = Some(body.to_owned()),
            "text" | "sh" => {}
            other => panic!("unknown block {other}"),
        }
    }
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
        let library = library(rule);
        let plan = plan(&library);
        return found_by(&plan, case).iter().map(|hit| format!("{}\n", hit.id)).collect();
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
    resolve(case, &mut FieldTable::new()).diagnostics.iter().map(show).collect()
}

fn library(rule: &str) -> RuleLibrary {
    let mut library = RuleLibrary::default();
    library.add("rule.toml".into(), rule::format::toml::read(rule, Path::new("rule.toml")));
    assert!(library.failed.is_empty(), "{:?}", library.outcomes);
    library
}

fn plan(library: &RuleLibrary) -> Plan<'_> {
    Plan::new(library, &Catalog::builtin(), NOW.parse().unwrap())
}

fn found_by<'c>(plan: &Plan<'_>, case: &'c Case) -> Vec<&'c EventHit> {
    let planned = plan.rules.first().unwrap_or_else(|| panic!("the rule does not run: {:?}", plan.outcomes));
    let reads = |event: &&EventHit| {
        DataStream::parse(&event.index).is_some_and(|stream| planned.patterns.matches(&stream))
    };
    let passes = |event: &&EventHit| planned.predicate.eval(&event.document.view(&plan.table)) == Known::Yes;
    case.events.iter().filter(reads).filter(passes).collect()
}

fn fields(case: &Case, wanted: &str) -> String {
    let documents: Vec<Document> = match &case.rule {
        None => case.events.iter().map(|event| event.document.clone()).collect(),
        Some(rule) => alerts(case, rule),
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

fn alerts(case: &Case, rule: &str) -> Vec<Document> {
    let library = library(rule);
    let plan = plan(&library);
    let context = AlertContext {
        space: "default".into(),
        detected_at: NOW.parse().unwrap(),
        execution_uuid: "00000000-0000-0000-0000-000000000000".into(),
        execution_type: ExecutionType::Manual,
        intended_timestamp: None,
        base_url: None,
        version: "test".into(),
    };
    let rule = AlertRule::new(&library.rules[0]);
    let build = |hit: &EventHit| match alert::build(&Hit::Event(hit.clone()), &rule, &context) {
        BuildOutcome::Alert(alert) => Some(alert.into_document()),
        BuildOutcome::SelfFeeding => None,
    };
    found_by(&plan, case).into_iter().filter_map(build).collect()
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
