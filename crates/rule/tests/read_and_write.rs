//! Rule files: read with every fault, and written back without loss.

use bartizan_rule as rule;
use std::path::Path;

use proptest::prelude::*;
use query::{Diagnostic, Span};
use rule::rule_type::Language;
use rule::{
    Entry, FilterClause, Loaded, MissingFields, NamespaceType, Operator, Rule, RuleType, Severity, Written,
    format,
};
use serde_json::{Value, json};

fn toml(text: &str) -> Loaded {
    format::toml::read(text, Path::new("test.toml"))
}

fn ndjson(text: &str) -> Loaded {
    format::ndjson::read(text, Path::new("test.ndjson"))
}

/// The rule without what says where and how it was written.
fn meaning(rule: &Rule) -> Rule {
    let origin = rule::Origin::whole("", rule::Format::Json, "");
    Rule { origin, written: Written::Nothing, ..rule.clone() }
}

/// `code | what stands at the place | message`
fn shown(text: &str, diagnostics: &[Diagnostic]) -> Vec<String> {
    let place = |span: Option<Span>| span.map_or("", |span| &text[span.start..span.end]);
    diagnostics.iter().map(|d| format!("{} | {} | {}", d.code, place(d.span), d.message)).collect()
}

const NEW_TERMS: &str = include_str!("fixtures/new_terms.toml");
const FAULTS: &str = include_str!("fixtures/faults.toml");
const EXPORT: &str = include_str!("fixtures/export.ndjson");

#[test]
fn a_toml_rule_is_read() {
    let loaded = toml(NEW_TERMS);
    let [rule] = loaded.rules.as_slice() else { panic!("{:?}", loaded.diagnostics) };
    let RuleType::NewTerms(new_terms) = &rule.rule_type else { panic!("{:?}", rule.rule_type) };
    assert_eq!(new_terms.new_terms_fields, ["user.name", "cloud.account.id"]);
    assert_eq!(new_terms.history_window_start.to_string(), "now-7d");
    assert_eq!(new_terms.query, "event.action: \"GetSecretValue\" and user.name: *");
    assert_eq!(new_terms.language, Language::Kuery);
    let suppression = new_terms.suppression.as_ref().unwrap();
    assert_eq!(suppression.duration.unwrap().as_seconds(), 5_400);
    assert_eq!(suppression.missing_fields, MissingFields::DoNotSuppress);
    assert_eq!((rule.interval.as_seconds(), rule.enabled, rule.version), (3_600, false, 1));
    assert_eq!(rule.uuid, rule.rule_id);
    assert_eq!(rule.severity_mapping[0].severity, Severity::Critical);
    assert_eq!(rule.exceptions_list[0].list_id, "known-roles");
    assert_eq!(rule.extra["house_rule"], json!([1.5, true, "x"]));
    let metadata = rule.metadata.as_ref().unwrap();
    assert_eq!(metadata.integration, ["aws"]);
    assert_eq!(metadata.extra["house_key"], json!({"kept": "1979-05-27"}));
    let note = rule.note.as_ref().unwrap();
    let osquery = r#"Who? !{osquery{"label":"Who is logged in","query":"SELECT * FROM logged_in_users"}}"#;
    assert!(note.contains(osquery) && note.contains("$5, and $osquery_7 is"), "{note}");
    let codes: Vec<_> = loaded.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["rule::unknown-key", "rule::unknown-placeholder", "rule::unknown-key"]);
}

#[test]
fn all_faults_of_a_file_are_reported_at_once() {
    let loaded = toml(FAULTS);
    assert_eq!(loaded.rules, []);
    assert_eq!(loaded.failed.len(), 1);
    let shown = shown(FAULTS, &loaded.diagnostics);
    for expected in [
        "rule::bad-value | \"splendid\" | `splendid` is no maturity",
        "rule::wrong-type | \"Fixture\" | `author` cannot be read",
        "rule::bad-value | \"yesterday\" | `from` cannot be read",
        "rule::wrong-type | 7 | `index[1]` cannot be read",
        "rule::bad-value | \"5 minutes\" | `interval` cannot be read",
        "rule::bad-value | \"\" | `name` is empty",
        "rule::bad-value | 470 | `risk_score` is from 0 to 100",
        "rule::missing-field | [rule] | `rule_id` is missing",
        "rule::missing-field | [rule] | `query` is missing",
        "rule::bad-value | \"dreadful\" | `severity` cannot be read",
        "rule::bad-value | 0 | `threshold.value` is at least 1",
        "rule::unknown-key | querry | `querry` is no key",
    ] {
        assert!(shown.iter().any(|line| line.starts_with(expected)), "{expected} is not in {shown:#?}");
    }
    assert_eq!(shown.len(), 12, "{shown:#?}");
    let help = loaded.diagnostics.iter().find(|d| d.message.contains("querry")).unwrap().help.clone();
    assert_eq!(help.as_deref(), Some("did you mean `query`?"));
}

#[test]
fn a_file_that_is_no_toml_names_its_rule_and_every_fault() {
    let text = "[rule]\nrule_id = \"r\"\nname = \"N\"\na = \nb = 'x\nc = 1\nc = 2\n";
    let loaded = toml(text);
    assert_eq!(
        (loaded.failed[0].rule_id.as_deref(), loaded.failed[0].name.as_deref()),
        (Some("r"), Some("N"))
    );
    assert!(loaded.diagnostics.len() >= 3, "{:?}", loaded.diagnostics);
    assert!(loaded.diagnostics.iter().all(|d| d.code == "rule::toml-syntax" && d.span.is_some()));
}

#[test]
fn toml_is_written_back_without_loss() {
    let rule = &toml(NEW_TERMS).rules[0];
    let text = format::toml::write(rule).unwrap();
    let again = &toml(&text).rules[0];
    assert_eq!(meaning(again), meaning(rule));
    assert_eq!(again.written, rule.written, "unknown keys, placeholders and the shape of values stay");
}

#[test]
fn a_change_is_written_and_the_rest_stays() {
    let mut rule = toml(NEW_TERMS).rules.remove(0);
    rule.risk_score = 99;
    rule.tags.push("New".to_owned());
    rule.metadata.as_mut().unwrap().updated_date = "2026/02/02".to_owned();
    if let RuleType::NewTerms(new_terms) = &mut rule.rule_type {
        new_terms.history_window_start = "now-14d".parse().unwrap();
    }
    let text = format::toml::write(&rule).unwrap();
    assert_eq!(meaning(&toml(&text).rules[0]), meaning(&rule));
    for kept in ["interval = \"60m\"", "$osquery_0", "house_rule", "1979-05-27"] {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
}

#[test]
fn toml_becomes_an_export_and_comes_back() {
    let rule = &toml(NEW_TERMS).rules[0];
    let line = Value::Object(format::ndjson::write_rule(rule)).to_string();
    assert!(line.contains("!{osquery"), "an export has no [transform], so the guide is filled in");
    let exported = &ndjson(&line).rules[0];
    assert_eq!(Rule { metadata: rule.metadata.clone(), ..meaning(exported) }, meaning(rule));
    let back = format::toml::write(exported).unwrap();
    assert_eq!(meaning(&toml(&back).rules[0]), meaning(exported));
}

#[test]
fn an_export_is_read() {
    let loaded = ndjson(EXPORT);
    let names: Vec<_> = loaded.rules.iter().map(|rule| (rule.rule_id.as_str(), rule.origin.line)).collect();
    assert_eq!(names, [("house-query", 1), ("house-ml", 2), ("house-threshold", 4)]);
    let [query, ml, threshold] = loaded.rules.as_slice() else { panic!() };
    assert_eq!(query.uuid, "11111111-1111-4111-8111-111111111111");
    let RuleType::Query(query_rule) = &query.rule_type else { panic!() };
    assert_eq!(query_rule.language, Language::Lucene);
    let filter = &query_rule.source.filters[0];
    let phrase = FilterClause::MatchPhrase { field: "user.name".to_owned(), value: json!("ci") };
    assert_eq!((filter.negate, &filter.clause), (true, &phrase));
    let RuleType::MachineLearning(ml) = &ml.rule_type else { panic!() };
    assert_eq!(ml.machine_learning_job_id, ["rare_region"]);
    let RuleType::Threshold(threshold) = &threshold.rule_type else { panic!() };
    assert_eq!((threshold.threshold.field.len(), threshold.threshold.cardinality[0].value), (1, 3));
    assert_eq!(loaded.exception_lists[0].list_id, "known-good");
    let [item] = loaded.exception_items.as_slice() else { panic!("{:?}", loaded.exception_items) };
    assert_eq!(item.entries.len(), 3);
    assert!(
        matches!(&item.entries[1], Entry::List { operator: Operator::Excluded, list_id, .. } if list_id == "offices")
    );
    assert!(matches!(&item.entries[2], Entry::Nested { entries, .. } if entries.len() == 1));
    assert!(item.is_expired("2026-06-02T00:00:00Z".parse().unwrap()));
    assert!(!item.is_expired("2026-05-31T00:00:00Z".parse().unwrap()));
    assert_eq!(loaded.connectors.len(), 1);
    assert!(loaded.details.is_some());
    let failed: Vec<_> = loaded.failed.iter().map(|failed| failed.rule_id.as_deref()).collect();
    assert_eq!(failed, [Some("broken")]);
    let shown = shown(EXPORT, &loaded.diagnostics);
    for expected in [
        "rule::wrong-type | \"high\" | `risk_score` cannot be read: invalid type: string \"high\", expected a whole number",
        "rule::json-syntax | ",
        "rule::bad-value | [] | an exception item without entries",
        "rule::count-differs |  | the export says that it holds 5 rules, but 4 were found",
    ] {
        assert!(shown.iter().any(|line| line.starts_with(expected)), "{expected} is not in {shown:#?}");
    }
    assert_eq!(shown.len(), 4, "{shown:#?}");
}

#[test]
fn an_export_is_written_back_as_it_was() {
    let loaded = ndjson(EXPORT);
    let written: Vec<Value> =
        format::ndjson::write(&loaded).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<Value> = EXPORT
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|value| value["rule_id"] != "broken" && value["item_id"] != "none")
        .collect();
    assert_eq!(written, expected);
}

#[test]
fn one_object_and_an_array_of_them_are_read_too() {
    let line = EXPORT.lines().next().unwrap();
    let value: Value = serde_json::from_str(line).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let array = format!("\u{feff}[{pretty},\n {line}]");
    let of = |text: &str| ndjson(text).rules.iter().map(meaning).collect::<Vec<_>>();
    let one = of(line);
    assert_eq!(of(&pretty), one);
    assert_eq!(of(&array), [one[0].clone(), one[0].clone()]);
    let cut = ndjson(&pretty[..pretty.len() - 1]);
    assert_eq!((cut.rules.len(), cut.diagnostics.len()), (0, 1), "{:?}", cut.diagnostics);
    assert_eq!(ndjson(" \n").diagnostics[0].code, "rule::no-rule");
    assert_eq!(ndjson("7\n8").diagnostics.len(), 2);
}

#[test]
fn keys_of_other_types_are_kept_and_remarked() {
    let text = r#"{"rule_id":"e","name":"E","description":"","type":"esql","language":"esql","query":"FROM x","index":["a"],"risk_score":1,"severity":"low"}"#;
    let loaded = ndjson(text);
    assert_eq!(
        shown(text, &loaded.diagnostics),
        ["rule::key-without-effect | \"index\" | `index` has no effect on rules of type esql"]
    );
    assert_eq!(loaded.rules[0].extra["index"], json!(["a"]));
}

#[test]
fn exceptions_and_connectors_in_toml_are_read() {
    let text = r#"
[metadata]
creation_date = "2026/01/05"
list_name = "Known good"

[[exceptions]]
[exceptions.container]
description = "d"
list_id = "known-good"
name = "Known good"
namespace_type = "single"
type = "detection"

[[exceptions.items]]
description = "d"
item_id = "ci"
list_id = "known-good"
name = "CI"
namespace_type = "single"
type = "simple"
[[exceptions.items.entries]]
field = "user.name"
operator = "excluded"
type = "match_any"
value = ["a", "b"]

[[action_connectors]]
id = "c1"
type = "action"
[action_connectors.attributes]
actionTypeId = ".slack"
"#;
    let loaded = toml(text);
    assert_eq!(loaded.diagnostics, []);
    assert_eq!((loaded.exception_lists.len(), loaded.connectors.len()), (1, 1));
    assert_eq!(
        loaded.exception_items[0].entries[0],
        Entry::MatchAny {
            field: "user.name".to_owned(),
            operator: Operator::Excluded,
            values: vec!["a".to_owned(), "b".to_owned()],
        }
    );
}

/// A rule object with any values in the places where they differ most.
fn any_rule() -> impl Strategy<Value = Value> {
    let text = "[a-zé\"'\\\\$\n\t {}]{0,12}";
    let extra = prop::collection::btree_map(
        "x_[a-z]{1,3}",
        prop_oneof![
            text.prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            prop::collection::vec(any::<i32>(), 0..3).prop_map(Value::from),
        ],
        0..3,
    );
    (text, text, text, 0u8..=100, 1u64..5_000, prop::option::of(prop::collection::vec("[a-z*-]{1,9}", 0..3)), extra)
        .prop_map(|(query, note, setup, risk, minutes, index, extra)| {
            let mut rule = json!({
                "rule_id": "r", "name": "n", "description": note, "type": "query", "query": query, "note": note,
                "setup": setup, "risk_score": risk, "severity": "low", "interval": format!("{minutes}m"),
                "from": format!("now-{minutes}m"),
            });
            if let Some(index) = index {
                rule["index"] = json!(index);
            }
            for (key, value) in extra {
                rule[key] = value;
            }
            rule
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_survive_both_formats(object in any_rule()) {
        let line = object.to_string();
        let loaded = ndjson(&line);
        prop_assert_eq!(loaded.rules.len(), 1, "{:?}", loaded.diagnostics);
        let rule = &loaded.rules[0];
        prop_assert_eq!(Value::Object(format::ndjson::write_rule(rule)), object);
        let unread = Rule { written: Written::Nothing, ..rule.clone() };
        let text = format::toml::write(&unread).unwrap();
        let from_toml = toml(&text);
        prop_assert_eq!(from_toml.rules.len(), 1, "{:?}", from_toml.diagnostics);
        prop_assert_eq!(meaning(&from_toml.rules[0]), meaning(rule));
        let again = toml(&format::toml::write(&from_toml.rules[0]).unwrap());
        prop_assert_eq!(&again.rules[0].written, &from_toml.rules[0].written);
    }

    #[test]
    fn damaged_files_never_panic_and_never_pass_in_silence(cut in 0usize..4_000, byte in "[\\[\\]{}\"'=\n,é#]") {
        for (text, read) in [(NEW_TERMS, toml as fn(&str) -> Loaded), (FAULTS, toml), (EXPORT, ndjson)] {
            let at = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            let whole = format!("{}{byte}{}", &text[..at], &text[at..]);
            let loaded = read(&whole);
            prop_assert!(!loaded.rules.is_empty() || loaded.diagnostics.iter().any(Diagnostic::is_error));
            for found in &loaded.diagnostics {
                if let Some(span) = found.span {
                    prop_assert!(whole.get(span.start..span.end).is_some(), "{:?}", found);
                }
            }
        }
    }
}

#[test]
fn tables_of_the_wrong_shape_are_not_passed_over() {
    for (text, expected) in [
        ("exceptions = 1\n", "rule::wrong-type | 1 | `exceptions` is not a list of tables"),
        ("transform = 1\n", "rule::wrong-type | 1 | `transform` is not a table"),
        ("rule = 1\n", "rule::wrong-type | 1 | `rule` is no table"),
        ("[[exceptions]]\nitems = [7]\n", "rule::wrong-type | 7 | `items[0]` is no table"),
        (
            "[[exceptions]]\nitems = [7]\n",
            "rule::missing-field | [[exceptions]] | the exception list has no table",
        ),
        ("[house]\n", "rule::unknown-key | house | `house` is no table"),
        (
            "[rule]\ntype = 'new_terms'\n[rule.new_terms]\nvalue = ['a']\nhistory_window_start = [{value = 'now-1d'}, {value = 'now-2d'}]\n",
            "rule::missing-field | ['a'] | `new_terms_fields` is missing",
        ),
    ] {
        let loaded = toml(text);
        let shown = shown(text, &loaded.diagnostics);
        assert!(shown.iter().any(|line| line.starts_with(expected)), "{expected} is not in {shown:#?}");
    }
}

#[test]
fn exception_lists_of_our_own_form_are_read() {
    let text = r#"
[[exception_list]]
list_id = "known-good"
rules = ["A rule"]
os_types = ["linux"]

[[exception_list.item]]
name = "Everything said"
item_id = "one"
description = "why"
os_types = ["windows"]
tags = ["t"]
expire_time = 2026-06-01T00:00:00Z
entries = [
  { type = "match", field = "a", operator = "excluded", value = "x" },
  { type = "list", field = "b", operator = "included", list = { id = "l", type = "ip" } },
]

[[exception_list.item]]
name = "The least"
entries = [
  { field = "a", value = 443 },
  { field = "a", value = ["x", true] },
  { field = "a", type = "matches", value = "x*" },
  { field = "a", type = "exists", operator = "excluded" },
  { field = "a", list = "l" },
  { field = "n", entries = [{ field = "m", value = "x" }] },
]

[[exception_list]]
list_id = "endpoint_list"
name = "Endpoint"
type = "endpoint"
"#;
    let loaded = toml(text);
    assert_eq!(loaded.diagnostics, []);
    let [list, endpoint] = loaded.exception_lists.as_slice() else { panic!("{:?}", loaded.exception_lists) };
    assert_eq!((list.name.as_str(), list.rules.as_slice()), ("known-good", &["A rule".to_owned()][..]));
    assert_eq!(list.namespace_type, NamespaceType::Single);
    assert_eq!((endpoint.name.as_str(), endpoint.namespace_type), ("Endpoint", NamespaceType::Agnostic));
    let [said, least] = loaded.exception_items.as_slice() else { panic!("{:?}", loaded.exception_items) };
    assert_eq!((said.os_types.as_slice(), said.origin.line), (&["windows".to_owned()][..], 7));
    assert!(said.is_expired("2026-06-01T00:00:01Z".parse().unwrap()));
    assert!(!said.is_expired("2026-06-01T00:00:00Z".parse().unwrap()), "its last instant is within");
    assert_eq!(
        (least.os_types.as_slice(), least.list_id.as_str()),
        (&["linux".to_owned()][..], "known-good")
    );
    let field = || "a".to_owned();
    let (included, excluded) = (Operator::Included, Operator::Excluded);
    let expected = [
        Entry::Match { field: field(), operator: included, value: "443".to_owned() },
        Entry::MatchAny {
            field: field(),
            operator: included,
            values: vec!["x".to_owned(), "true".to_owned()],
        },
        Entry::Wildcard { field: field(), operator: included, value: "x*".to_owned() },
        Entry::Exists { field: field(), operator: excluded },
        Entry::List { field: field(), operator: included, list_id: "l".to_owned(), list_type: String::new() },
        Entry::Nested {
            field: "n".to_owned(),
            entries: vec![Entry::Match { field: "m".to_owned(), operator: included, value: "x".to_owned() }],
        },
    ];
    assert_eq!(least.entries, expected);
}

#[test]
fn faults_of_exceptions_have_their_places() {
    let one = |entries: &str| {
        format!(
            "[[exception_list]]\nlist_id = \"l\"\n[[exception_list.item]]\nname = \"i\"\nentries = {entries}\n"
        )
    };
    for (text, expected) in [
        (
            "exception_list = 1\n[[exceptions]]\ncontainer = { list_id = 'l', name = 'l', type = 'detection' }\n".to_owned(),
            "rule::wrong-type | 1 | `exception_list` is not a list of tables",
        ),
        ("exception_list = [1]\n".to_owned(), "rule::wrong-type | 1 | `exception_list[0]` is no table"),
        (
            "[[exception_list]]\nname = \"x\"\n".to_owned(),
            "rule::missing-field | [[exception_list]] | `list_id` is missing",
        ),
        (
            "[[exception_list]]\nlist_id = \"l\"\nitem = 1\n".to_owned(),
            "rule::wrong-type | 1 | `item` is not a list of tables",
        ),
        (
            "[[exception_list]]\nlist_id = \"l\"\nrule = [\"x\"]\n".to_owned(),
            "rule::unknown-key | rule | `rule` is no key of exception lists",
        ),
        (one("1"), "rule::wrong-type | 1 | `entries` is no list of tables"),
        (
            one("[]"),
            "rule::bad-value | [] | an exception item without entries would except nothing or everything",
        ),
        (one("[1]"), "rule::wrong-type | 1 | `entries[0]` is no table"),
        (one("[{ value = 1 }]"), "rule::missing-field | { value = 1 } | `entries[0].field` is missing"),
        (
            one("[{ field = 1, value = 1 }]"),
            "rule::wrong-type | 1 | `entries[0].field` is no name of a field",
        ),
        (one("[{ field = 'a' }]"), "rule::missing-field | { field = 'a' } | `entries[0].value` is missing"),
        (one("[{ field = 'a', value = {} }]"), "rule::wrong-type | {} | `entries[0].value` is no text"),
        (
            one("[{ field = 'a', value = [] }]"),
            "rule::bad-value | { field = 'a', value = [] } | `match_any` needs at least one value",
        ),
        (
            one("[{ field = 'a', value = [[]] }]"),
            "rule::wrong-type | [[]] | `entries[0].value` is no list of texts",
        ),
        (
            one("[{ field = 'a', value = 'x', operator = 'not' }]"),
            "rule::bad-value | 'not' | `entries[0].operator` is neither `included` nor `excluded`",
        ),
        (
            one("[{ field = 'a', value = 'x', type = 'like' }]"),
            "rule::bad-value | 'like' | `like` is no type of an entry: match, match_any, wildcard, exists, list and nested are",
        ),
        (
            one("[{ field = 'a', list = 1 }]"),
            "rule::bad-value | 1 | `entries[0].list` does not name a value list by `id` and `type`",
        ),
        (
            one("[{ field = 'a', entries = [] }]"),
            "rule::bad-value | [] | a nested entry needs at least one entry in it",
        ),
        (
            one("[{ field = 'a', entries = [{ field = 'b', list = 'l' }] }]"),
            "rule::bad-value | { field = 'b', list = 'l' } | within a nested entry only match, match_any and exists may stand",
        ),
        (
            one("[{ field = 'a', value = 'x', operater = 'excluded' }]"),
            "rule::unknown-key | 'excluded' | `operater` is no key of an entry of type match",
        ),
        (
            one("[{ field = 'a', value = 'x*' }]"),
            "rule::literal-wildcard | 'x*' | a star in `match` is a star",
        ),
    ] {
        let found = shown(&text, &toml(&text).diagnostics);
        assert_eq!(found, [expected], "{text}");
    }
    let kibana = r#"{"list_id":"l","item_id":"i","name":"i","type":"simple","entries":[{"field":"a","type":"match","value":"x"},{"field":"a","operator":"included","value":"x"}]}"#;
    let found = shown(kibana, &ndjson(kibana).diagnostics);
    assert_eq!(
        found[0],
        r#"rule::missing-field | {"field":"a","type":"match","value":"x"} | `entries[0].operator` is missing"#
    );
    assert!(found[1].ends_with("`entries[1].type` is missing"), "{found:?}");
}
