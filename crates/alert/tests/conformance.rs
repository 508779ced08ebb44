//! Alerts from foreign events and rules, which are not part of the project: the folder that `BARTIZAN_SHARED` names.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests, which fail by panicking and say when they did not run"
)]

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_alert::{Alert, AlertContext, AlertRule, BuildOutcome, EventHit, ExecutionType, Hit, build};
use ecs::Document;
use rule::Rule;
use serde_json::Value;

/// The folder, or `None` after saying that nothing was tested.
fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("BARTIZAN_SHARED").map(PathBuf::from);
    if folder.is_none() {
        println!("not run: BARTIZAN_SHARED names no folder with conformance data");
    }
    folder
}

fn context() -> AlertContext {
    AlertContext {
        space: "default".to_owned(),
        detected_at: "2026-01-01T00:00:00Z".parse().expect("an instant"),
        execution_uuid: "execution-1".to_owned(),
        execution_type: ExecutionType::Scheduled,
        intended_timestamp: None,
        base_url: None,
        version: "0.1.0".to_owned(),
    }
}

fn alert_of(document: Document, rule: &Rule) -> Alert {
    let hit = EventHit { document, id: "1".to_owned(), index: "logs-aws.cloudtrail-default".to_owned() };
    match build(&Hit::Event(hit), &AlertRule::new(rule), &context()) {
        BuildOutcome::Alert(alert) => *alert,
        BuildOutcome::Group(_) => panic!("an event is no sequence"),
        BuildOutcome::SelfFeeding => panic!("an event is nobody's alert"),
    }
}

fn files_below(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files_below(&path, suffix, found);
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
}

fn rules(shared: &Path) -> Vec<Rule> {
    let mut files = Vec::new();
    files_below(&shared.join("data/rules"), ".toml", &mut files);
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a text");
        rule::format::toml::read(&text, path).rules
    };
    files.iter().flat_map(read).collect()
}

fn documents(shared: &Path) -> Vec<Document> {
    let mut files = Vec::new();
    files_below(&shared.join("data/cloudtrail-ecs"), ".expected.json", &mut files);
    let mut found = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("a text");
        let Ok(Value::Object(mut file)) = serde_json::from_str(&text) else { panic!("{}", path.display()) };
        let Some(Value::Array(documents)) = file.remove("expected") else { panic!("{}", path.display()) };
        found.extend(documents.into_iter().filter_map(|document| match document {
            Value::Object(map) => Some(Document::from_map(map)),
            _ => None,
        }));
    }
    found
}

#[test]
fn events_that_comply_with_ecs_are_on_their_alerts_whole() {
    let Some(shared) = shared() else { return };
    let (rules, documents) = (rules(&shared), documents(&shared));
    let rule = rules.first().expect("a rule");
    assert!(!documents.is_empty());
    for document in documents {
        let own = |name: &str| name == "event.kind" || name == "@timestamp" || name.starts_with("kibana.");
        let leaves = |document: &Document| {
            let leaves = document.leaves();
            let of_event = leaves.into_iter().filter(|(name, _)| !own(name));
            let mut texts: Vec<String> =
                of_event.map(|(name, value)| format!("{name} = {value:?}")).collect();
            texts.sort();
            texts
        };
        let alert = alert_of(document.clone(), rule);
        assert_eq!(alert.warnings(), []);
        assert_eq!(leaves(alert.document()), leaves(&document));
        assert!(alert.original_time().is_some());
    }
}

#[test]
fn every_rule_can_be_told_on_an_alert() {
    let Some(shared) = shared() else { return };
    let (rules, documents) = (rules(&shared), documents(&shared));
    let document = documents.first().expect("a document");
    assert!(!rules.is_empty());
    for rule in &rules {
        let alert = alert_of(document.clone(), rule);
        assert_eq!(alert.rule_id(), Some(rule.rule_id.as_str()));
        assert_eq!(alert.guide(), rule.note.as_deref());
        let parameters = &alert.document().as_map()["kibana.alert.rule.parameters"];
        assert_eq!(parameters["type"], rule.rule_type.name());
        if let Some((query, _)) = rule.rule_type.query() {
            assert_eq!(parameters["query"], query);
        }
    }
    println!("{} rules", rules.len());
}
