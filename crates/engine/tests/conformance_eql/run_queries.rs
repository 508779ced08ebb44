//! Runs queries as rules, all in one hunt over a data set written to disk.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;

use alert::{Alert, AlertContext, ExecutionType};
use bartizan_engine::{
    AlertSink, HuntInput, HuntOptions, HuntOutput, NotRunReason, Plan, RuleStatus, ScanSettings, Windows,
    hunt,
};
use ecs::{TimeRange, Timestamp};
use ingest::decode::Limits;
use ingest::enrich::Enrichment;
use ingest::source;
use rule::RuleLibrary;
use serde_json::json;
use toml::{Table, Value};

use crate::data_set::DataSet;

/// What came of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// The positions of the documents of each hit: one for an event, those of its events for a sequence. Events are in
    /// their order, sequences in that in which they were found.
    Found(Vec<Vec<usize>>),
    /// It does not run.
    Refused(String),
}

/// What is known of the fields of documents.
#[derive(Clone, Copy)]
pub(crate) enum Fields {
    /// All: a query that names another is in error.
    Mapped,
    /// Not all: a field that nobody told of has no value.
    Unmapped,
}

impl Fields {
    /// A data set of which the engine knows every field, and one of which it does not.
    fn data_set(self) -> &'static str {
        match self {
            Self::Mapped => "aws.cloudtrail",
            Self::Unmapped => "test.events",
        }
    }
}

/// The answer to each query.
pub(crate) fn answers(queries: &[&str], data: &DataSet, fields: Fields) -> Vec<Answer> {
    let folder = tempfile::tempdir().unwrap();
    write(data, fields, folder.path());
    let mut library = RuleLibrary::default();
    for (number, query) in queries.iter().enumerate() {
        let text = rule_file(number, query, data, fields);
        let path = Path::new("rule.toml");
        library.add(format!("{number}.toml").into(), rule::format::toml::read(&text, path));
    }
    let enrichment = Enrichment::default();
    let plan = Plan::new(&library, &data.catalog, Timestamp::UNIX_EPOCH);
    let found = source::find(&[folder.path().to_owned()]).unwrap();
    let inputs: Vec<HuntInput> = found.files.into_iter().map(HuntInput::File).collect();
    let options = HuntOptions {
        investigates: false,
        scan: ScanSettings {
            range: TimeRange::default(),
            now: Timestamp::UNIX_EPOCH,
            enrichment: &enrichment,
            catalog: &data.catalog,
        },
        jobs: NonZeroUsize::new(2).unwrap(),
        limits: Limits::default(),
        max_signals: None,
        windows: Windows::default(),
        alerts: AlertContext {
            space: "default".into(),
            detected_at: Timestamp::UNIX_EPOCH,
            execution_uuid: "00000000-0000-0000-0000-000000000000".into(),
            execution_type: ExecutionType::Manual,
            intended_timestamp: None,
            base_url: None,
            version: "test".into(),
        },
    };
    let mut hits = Hits(vec![Vec::new(); queries.len()]);
    let output = HuntOutput { alerts: &mut hits, dead_letter: None, progress: &mut |_| {} };
    let summary = hunt(&plan, &inputs, options, output).unwrap();
    let counts = summary.ledger.counts();
    assert_eq!(counts.events, data.documents.len() as u64, "not every document became an event: {counts:?}");

    let mut answers: Vec<Option<Answer>> = vec![None; queries.len()];
    for outcome in &summary.rules {
        let number = number_of(&outcome.rule_id);
        answers[number] = Some(match &outcome.status {
            RuleStatus::Ran => Answer::Found(hits.of(number, data)),
            RuleStatus::NotRun(NotRunReason::Errors(diagnostics)) => {
                let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
                Answer::Refused(errors.map(|error| error.message.clone()).collect::<Vec<_>>().join("; "))
            }
            RuleStatus::NotRun(reason) => Answer::Refused(reason.to_string()),
        });
    }
    answers.into_iter().map(|answer| answer.expect("a rule is in the account")).collect()
}

/// Writes one file for each namespace, in the shape of search hits: they carry index and id.
fn write(data: &DataSet, fields: Fields, folder: &Path) {
    let open = |namespace: &str| {
        let path = folder.join(format!("{namespace}.ndjson"));
        std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
    };
    for (position, indexed) in data.documents.iter().enumerate() {
        let namespace = indexed.namespace.replace('-', "_");
        let index = format!("logs-{}-{namespace}", fields.data_set());
        let hit = json!({"_index": index, "_id": position.to_string(), "_source": indexed.document.as_map()});
        writeln!(open(&namespace), "{hit}").unwrap();
    }
}

fn rule_file(number: usize, query: &str, data: &DataSet, fields: Fields) -> String {
    let text = |text: &str| Value::String(text.to_owned());
    let mut rule = Table::new();
    let mut put = |key: &str, value: Value| rule.insert(key.to_owned(), value);
    put("name", text("A query"));
    put("description", text("A query."));
    put("risk_score", Value::Integer(47));
    put("severity", text("medium"));
    put("type", text("eql"));
    put("language", text("eql"));
    put("rule_id", text(&format!("00000000-0000-4000-8000-{number:012}")));
    put("index", Value::Array(vec![text(&format!("logs-{}-*", fields.data_set()))]));
    put("query", text(query));
    if let Some(field) = &data.tiebreaker {
        put("tiebreaker_field", text(field));
    }
    if data.catalog.field("event.category").is_none() {
        put("event_category_override", text("event_type"));
    }
    let mut metadata = Table::new();
    metadata.insert("creation_date".to_owned(), text("2024/01/01"));
    metadata.insert("updated_date".to_owned(), text("2024/01/01"));
    let file = Table::from_iter(
        [("metadata", metadata), ("rule", rule)].map(|(k, t)| (k.to_owned(), Value::Table(t))),
    );
    toml::to_string(&file).unwrap()
}

fn number_of(rule_id: &str) -> usize {
    rule_id.rsplit('-').next().unwrap().parse().unwrap()
}

/// The hits of each rule, by its number, as its alerts tell of them.
struct Hits(Vec<Vec<HitOfAlerts>>);

/// A hit: the documents of its events.
#[derive(Debug, Clone, Default)]
struct HitOfAlerts {
    /// The group, for a sequence.
    group: Option<String>,
    documents: Vec<usize>,
}

impl AlertSink for Hits {
    fn alert(&mut self, alert: Alert) -> std::io::Result<()> {
        let hits = &mut self.0[number_of(alert.rule_id().unwrap())];
        let group = alert.group_id().map(str::to_owned);
        let Some(index) = alert.group_index() else {
            // An alert about an event; or a shell, whose building blocks follow.
            let documents = if group.is_some() { Vec::new() } else { vec![document_of(&alert)] };
            hits.push(HitOfAlerts { group, documents });
            return Ok(());
        };
        let sequence = hits.last_mut().expect("a shell comes before its building blocks");
        assert_eq!(sequence.group, group, "a building block follows the shell of another group");
        assert_eq!(sequence.documents.len() as u64, index, "building blocks come in their order");
        sequence.documents.push(document_of(&alert));
        Ok(())
    }
}

impl Hits {
    fn of(&self, number: usize, data: &DataSet) -> Vec<Vec<usize>> {
        let hits = &self.0[number];
        let mut found: Vec<Vec<usize>> = hits.iter().map(|hit| hit.documents.clone()).collect();
        if hits.iter().all(|hit| hit.group.is_none()) {
            found.sort_by_key(|documents| data.place_of(documents[0]));
        }
        found
    }
}

/// The position of the document that an alert was made of: the alert knows it by its id.
fn document_of(alert: &Alert) -> usize {
    let ancestors = alert.document().as_map()["kibana.alert.ancestors"].as_array().unwrap();
    ancestors.last().unwrap()["id"].as_str().unwrap().parse().unwrap()
}
