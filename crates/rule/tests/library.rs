//! The rule library: what becomes of every file and rule.

use bartizan_rule as rule;
use std::fs;
use std::path::Path;

use ecs::Catalog;
use rule::check::check;
use rule::guide::SectionKind;
use rule::library::source_text;
use rule::rule_test::{self, is_test_file};
use rule::{Guide, RuleLibrary, RuleType, Severity};

const A: &str = "f6fee40d-8a5e-4cc8-9f73-8688419c6d68";
const B: &str = "6951f15e-533c-4a60-8014-a3c3ab851a1b";

#[test]
fn the_founding_rules_are_what_they_should_be() {
    let library = RuleLibrary::builtin();
    assert!(library.outcomes.iter().all(|outcome| outcome.diagnostics.is_empty()), "{:?}", library.outcomes);
    let a = library.rule(A).unwrap();
    assert_eq!(a.name, "AWS KMS Imported Key Material Deleted");
    assert_eq!((a.version, a.severity, a.risk_score, a.max_signals), (1, Severity::Medium, 47, 100));
    assert_eq!((a.interval.to_string(), a.from.to_string()), ("5m".to_owned(), "now-6m".to_owned()));
    assert_eq!((a.primary_timestamp(), a.fallback_timestamp()), ("event.ingested", Some("@timestamp")));
    assert_eq!(a.tags.len(), 7);
    assert_eq!(a.threat[0].technique[0].subtechnique[0].id, "T1485.001");
    assert_eq!((a.investigation_fields.len(), a.references.len()), (15, 2));
    let b = library.rule(B).unwrap();
    assert_eq!(b.name, "AWS KMS Customer Managed Key Disabled or Scheduled for Deletion");
    assert_eq!((b.interval.as_seconds(), b.from.to_string()), (600, "now-60m".to_owned()));
    assert_eq!(
        b.tags,
        ["Elastic", "Cloud", "AWS", "Continuous Monitoring", "SecOps", "Log Auditing", "Impact"]
    );
    assert_eq!((b.timestamp_override.as_deref(), b.threat[0].technique[0].subtechnique.len()), (None, 0));
    for (rule, patterns) in [(a, &["logs-aws.cloudtrail-*"][..]), (b, &["filebeat-*", "logs-aws*"])] {
        assert!(matches!(rule.rule_type, RuleType::Query(_)));
        assert_eq!(rule.rule_type.source().unwrap().index.as_ref().unwrap(), patterns);
        assert_eq!(rule.license.as_deref(), Some("Apache-2.0"));
        let text = source_text(&rule.origin.path).unwrap();
        assert_eq!(check(rule, &text, &Catalog::builtin()), []);
        let guide = Guide::of(rule);
        assert_eq!(guide.items(SectionKind::Investigation).count(), 4);
        assert!(guide.items(SectionKind::FalsePositives).count() >= 3);
        assert!(guide.items(SectionKind::Response).count() >= 4);
    }
}

/// What each rule of the pack must have: texts that can be worked with, and nothing that its check finds.
#[test]
fn every_rule_of_the_pack_is_finished() {
    let library = RuleLibrary::builtin();
    assert_eq!(library.rules.len(), rule::builtin::FILES.len());
    for rule in &library.rules {
        let text = source_text(&rule.origin.path).unwrap();
        assert_eq!(check(rule, &text, &Catalog::builtin()), [], "{}", rule.name);
        assert_eq!(rule.license.as_deref(), Some("Apache-2.0"), "{}", rule.name);
        let guide = Guide::of(rule);
        assert_eq!(guide.items(SectionKind::Investigation).count(), 4, "{}", rule.name);
        assert!(guide.items(SectionKind::FalsePositives).count() >= 3, "{}", rule.name);
        assert!(guide.items(SectionKind::Response).count() >= 4, "{}", rule.name);
        assert!(!rule.false_positives.is_empty() && !rule.references.is_empty(), "{}", rule.name);
        assert!(
            !rule.threat.is_empty() && !rule.investigation_fields.is_empty() || rule.rule_id == B,
            "{}",
            rule.name
        );
        let score = match rule.severity {
            Severity::Low => 21,
            Severity::Medium => 47,
            Severity::High => 73,
            Severity::Critical => 99,
        };
        assert_eq!(rule.risk_score, score, "{}", rule.name);
    }
}

/// Each rule of the pack has tests beside it, of what it finds and of what it does not.
#[test]
fn every_rule_of_the_pack_has_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    for (name, _) in rule::builtin::FILES {
        let path = folder.join(name).with_extension("test.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = rule_test::read(&text).unwrap_or_else(|found| panic!("{}: {found:?}", path.display()));
        let finding = file.tests.iter().filter(|test| !test.alerts.is_empty()).count();
        assert!(finding >= 1 && file.tests.len() - finding >= 3, "{name}");
    }
}

/// Every file of the folder `rules/` is part of the program.
#[test]
fn the_pack_is_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml") && !is_test_file(Path::new(name)))
        .collect();
    names.sort();
    assert_eq!(names, rule::builtin::FILES.map(|(name, _)| name));
}

fn minimal(rule_id: &str, name: &str, version: u32) -> String {
    format!(
        "[metadata]\ncreation_date = ''\nupdated_date = ''\n[rule]\nrule_id = '{rule_id}'\nname = '{name}'\nversion = {version}\n\
         description = ''\nseverity = 'low'\nrisk_score = 1\ntype = 'query'\nquery = 'user.name: x'\n"
    )
}

#[test]
fn a_user_s_rule_replaces_a_shipped_one_and_every_file_has_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    fs::write(at("b.toml"), minimal("own", "Own, first", 1)).unwrap();
    fs::write(at("sub/c.toml"), minimal("own", "Own, second", 2)).unwrap();
    fs::write(at("a.toml"), minimal(A, "Mine", 7)).unwrap();
    fs::write(at("broken.toml"), "[rule]\nname = ").unwrap();
    fs::write(at("latin.json"), b"{\"name\": \"\xe9\"}").unwrap();
    fs::write(at("README.md"), "no rule").unwrap();
    let mut library = RuleLibrary::builtin();
    library.load(folder.path()).unwrap();

    assert_eq!(library.rule(A).unwrap().name, "Mine");
    assert_eq!(library.rule("own").unwrap().name, "Own, second");
    assert_eq!(library.rules.len(), rule::builtin::FILES.len() + 1);
    let replaced: Vec<_> = library
        .replaced
        .iter()
        .map(|r| (r.rule_id.as_str(), r.version, r.by_version, r.was_builtin()))
        .collect();
    assert_eq!(replaced, [(A, 1, 7, true), ("own", 1, 2, false)]);
    let outcomes: Vec<_> = library.outcomes[rule::builtin::FILES.len()..]
        .iter()
        .map(|o| {
            let path = o.path.strip_prefix(folder.path()).unwrap().to_str().unwrap();
            (path, o.rules, o.failed, o.diagnostics.first().map(|d| d.code))
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("a.toml", 1, 0, None),
            ("b.toml", 1, 0, None),
            ("broken.toml", 0, 1, Some("rule::toml-syntax")),
            ("latin.json", 0, 0, Some("rule::not-utf8")),
            ("sub/c.toml", 1, 0, Some("rule::duplicate-rule-id")),
        ]
    );
    assert!(library.load(&at("missing")).is_err());
}

#[test]
fn a_file_without_a_telling_name_is_read_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.txt");
    for text in [
        minimal("x", "X", 1),
        r#"[{"rule_id":"x","name":"X","description":"","type":"query","risk_score":1,"severity":"low"}]"#
            .to_owned(),
        r#"{"rule_id":"x","name":"X","description":"","type":"query","risk_score":1,"severity":"low"}"#
            .to_owned(),
    ] {
        fs::write(&path, text).unwrap();
        let mut library = RuleLibrary::default();
        library.load(&path).unwrap();
        assert_eq!(library.rules.len(), 1, "{:?}", library.outcomes);
    }
}

#[test]
fn exceptions_of_a_rule_are_found_and_missing_lists_named() {
    let mut library = RuleLibrary::default();
    let text = include_str!("fixtures/export.ndjson");
    library.add("e".into(), rule::format::ndjson::read(text, Path::new("e")));
    // The same export again: nothing is there twice.
    library.add("e".into(), rule::format::ndjson::read(text, Path::new("e")));
    assert_eq!(
        (library.rules.len(), library.exception_lists.len(), library.exception_items.len()),
        (3, 1, 1)
    );
    let mut rule = library.rule("house-query").unwrap().clone();
    let (items, missing) = library.exceptions(&rule);
    assert_eq!((items.len(), missing.len()), (1, 0));
    rule.exceptions_list[0].list_id = "gone".to_owned();
    assert_eq!(library.exceptions(&rule), (vec![], vec!["gone"]));
}

fn exceptions_of(library: &RuleLibrary, rule_id: &str) -> Vec<String> {
    let Some(rule) = library.rule(rule_id) else { panic!("no rule {rule_id}") };
    library.exceptions(rule).0.into_iter().map(|item| item.name.clone()).collect()
}

#[test]
fn lists_that_are_read_twice_are_told_of() {
    let list = |item: &str, value: &str| {
        format!(
            "[[exception_list]]\nlist_id = \"l\"\nrules = [\"x\"]\n[[exception_list.item]]\nname = \"{item}\"\n\
             item_id = \"{item}\"\nentries = [{{ field = \"a\", value = \"{value}\" }}]\n"
        )
    };
    let mut library = RuleLibrary::default();
    let mut add = |name: &str, text: &str| {
        library.add(name.into(), rule::library::read(text, Path::new(name)));
        library.outcomes.last().unwrap().diagnostics.iter().map(|d| d.code).collect::<Vec<_>>()
    };
    assert!(add("x.toml", &minimal("x", "X", 1)).is_empty());
    assert!(add("a.toml", &list("one", "1")).is_empty());
    assert!(add("a.toml", &list("one", "1")).is_empty(), "the same file again");
    assert_eq!(add("b.toml", &list("two", "1")), ["rule::duplicate-list-id"], "items of both are kept");
    assert_eq!(add("c.toml", &list("one", "2")), ["rule::duplicate-list-id", "rule::duplicate-item-id"]);
    assert_eq!(exceptions_of(&library, "x"), ["one", "two"]);
    assert_eq!(library.exception_lists.len(), 1);
    assert!(library.rules_not_found().is_empty());
}

#[test]
fn items_without_ids_stay_apart() {
    let item = "[[exception_list.item]]\nname = \"i\"\nentries = [{ field = \"a\", value = \"x\" }]\n";
    let text = format!("[[exception_list]]\nlist_id = \"l\"\nrules = [\"*\", \"gone\"]\n{item}{item}");
    let mut library = RuleLibrary::default();
    library.add("x.toml".into(), rule::library::read(&minimal("x", "X", 1), Path::new("x.toml")));
    library.add("a.toml".into(), rule::library::read(&text, Path::new("a.toml")));
    library.add("a.toml".into(), rule::library::read(&text, Path::new("a.toml")));
    assert_eq!(exceptions_of(&library, "x"), ["i", "i"]);
    let not_found: Vec<&str> = library.rules_not_found().into_iter().map(|(_, name)| name).collect();
    assert_eq!(not_found, ["gone"]);
}
