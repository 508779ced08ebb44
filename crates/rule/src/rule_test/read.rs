//! Reads a file with tests of a rule; all faults are reported at once, each with its place.

use ecs::Timestamp;
use query::{Diagnostic, Span, Spanned};
use serde_json::{Map, Value};
use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue};

use super::{EventKind, GivenEvents, GivenExceptions, GivenValueList, RuleTest, RuleTestFile};

mod expected;
mod given;

const FILE_KEYS: [&str; 9] =
    ["rule", "now", "kind", "exceptions", "value_lists", "indicators", "indicator_files", "defaults", "test"];
const TEST_KEYS: [&str; 12] = [
    "name",
    "now",
    "kind",
    "exceptions",
    "value_lists",
    "indicators",
    "indicator_files",
    "events",
    "files",
    "history",
    "history_files",
    "alerts",
];

/// Reads the text of a file with tests.
///
/// # Errors
/// Everything wrong with it, codes `test::…`; spans are places in `text`.
pub fn read(text: &str) -> Result<RuleTestFile, Vec<Diagnostic>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let fault = |error: &toml::de::Error| {
            let found =
                Diagnostic::error("test::toml-syntax", format!("this is no TOML: {}", error.message()));
            Diagnostic { span: error.span().map(|range| Span::new(range.start, range.end)), ..found }
        };
        return Err(errors.iter().map(fault).collect());
    }
    let mut reader = Reader { faults: Vec::new() };
    let file = reader.file(document.get_ref(), text);
    if reader.faults.is_empty() { Ok(file) } else { Err(reader.faults) }
}

type Item<'t> = TomlSpanned<DeValue<'t>>;

struct Reader {
    faults: Vec<Diagnostic>,
}

/// What stands before the tests of a file and holds for each of them.
struct Shared {
    now: Option<Timestamp>,
    kind: Option<EventKind>,
    exceptions: Vec<GivenExceptions>,
    value_lists: Vec<GivenValueList>,
    indicators: Vec<GivenEvents>,
    defaults: Map<String, Value>,
}

fn span<T>(item: &TomlSpanned<T>) -> Span {
    Span::new(item.span().start, item.span().end)
}

/// The first line of a place: a whole table would be too much to mark.
fn first_line(text: &str, place: Span) -> Span {
    let end =
        text.get(place.start..place.end).and_then(|t| t.find('\n')).map_or(place.end, |at| place.start + at);
    Span::new(place.start, end)
}

impl Reader {
    fn fault(&mut self, code: &'static str, place: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.faults.push(Diagnostic::error(code, message).at(place));
        let last = self.faults.len() - 1;
        &mut self.faults[last]
    }

    fn wrong_type(&mut self, place: Span, key: &str, expected: &str) {
        self.fault("test::wrong-type", place, format!("`{key}` must be {expected}"));
    }

    /// Names the keys that mean nothing, with what was most likely meant.
    fn unknown_keys(&mut self, table: &DeTable<'_>, known: &[&'static str], owner: &str) {
        for (key, _) in table.iter().filter(|(key, _)| !known.contains(&&**key.get_ref())) {
            let name = key.get_ref();
            let help = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{owner} has the keys {}", known.join(", ")),
            };
            let fault = self.fault("test::unknown-key", span(key), format!("`{name}` is no key of {owner}"));
            fault.help = Some(help.into());
        }
    }

    fn file(&mut self, table: &DeTable<'_>, text: &str) -> RuleTestFile {
        self.unknown_keys(table, &FILE_KEYS, "a file with tests");
        let rule = table.get("rule").and_then(|item| self.text("rule", item));
        let shared = Shared {
            now: table.get("now").and_then(|item| self.time(item)),
            kind: table.get("kind").and_then(|item| self.kind(item)),
            exceptions: self.exceptions(table).unwrap_or_default(),
            value_lists: self.value_lists(table).unwrap_or_default(),
            indicators: self.indicators(table).unwrap_or_default(),
            defaults: table
                .get("defaults")
                .and_then(|item| self.object("defaults", item))
                .unwrap_or_default(),
        };
        let start = Span::new(0, text.len().min(1));
        let mut tests: Vec<RuleTest> = Vec::new();
        match table.get("test").map(|item| (item, item.get_ref())) {
            Some((_, DeValue::Array(items))) if !items.is_empty() => {
                for item in items.iter() {
                    let place = first_line(text, span(item));
                    let DeValue::Table(table) = item.get_ref() else {
                        self.wrong_type(span(item), "test", "a list of tables: `[[test]]`");
                        continue;
                    };
                    if let Some(test) = self.test(table, place, &shared) {
                        let same = tests.iter().any(|other| other.name == test.name);
                        if same {
                            let message = format!("another test is called `{}` too", test.name.value);
                            self.fault("test::duplicate-name", test.name.span, message);
                        }
                        tests.push(test);
                    }
                }
            }
            Some((item, DeValue::Table(_))) => {
                self.wrong_type(span(item), "test", "a list of tables: `[[test]]`")
            }
            Some((item, _)) => {
                self.wrong_type(span(item), "test", "a list of at least one table: `[[test]]`")
            }
            None => {
                self.fault("test::no-tests", start, "the file has no table `[[test]]`");
            }
        }
        RuleTestFile { rule, tests }
    }

    fn test(&mut self, table: &DeTable<'_>, place: Span, shared: &Shared) -> Option<RuleTest> {
        self.unknown_keys(table, &TEST_KEYS, "a test");
        let name = match table.get("name") {
            Some(item) => self.text("name", item),
            None => {
                let fault = self.fault("test::missing-key", place, "the test has no `name`");
                fault.help = Some("say in a sentence what it shows".into());
                None
            }
        };
        let mut events = self.events("events", table, &shared.defaults);
        events.extend(self.files("files", table));
        if events.is_empty() && !table.contains_key("events") && !table.contains_key("files") {
            let fault = self.fault("test::missing-key", place, "the test has no `events`");
            fault.help = Some("events = [{ … }] or files = [\"events.json\"]".into());
        }
        let mut history = self.events("history", table, &shared.defaults);
        history.extend(self.files("history_files", table));
        let (alerts, alerts_span) = match table.get("alerts") {
            Some(item) => (self.alerts(item), span(item)),
            None => {
                let fault =
                    self.fault("test::missing-key", place, "the test does not say which `alerts` it expects");
                fault.help = Some(
                    "alerts = [\"ID\"] for an alert about the event with this id, alerts = [] for none"
                        .into(),
                );
                (Vec::new(), place)
            }
        };
        Some(RuleTest {
            now: match table.get("now") {
                Some(item) => self.time(item),
                None => shared.now,
            },
            kind: match table.get("kind") {
                Some(item) => self.kind(item),
                None => shared.kind,
            },
            exceptions: self.exceptions(table).unwrap_or_else(|| shared.exceptions.clone()),
            value_lists: self.value_lists(table).unwrap_or_else(|| shared.value_lists.clone()),
            indicators: self.indicators(table).unwrap_or_else(|| shared.indicators.clone()),
            name: name?,
            events,
            history,
            alerts,
            alerts_span,
        })
    }

    fn text(&mut self, key: &str, item: &Item<'_>) -> Option<Spanned<String>> {
        match item.get_ref() {
            DeValue::String(text) => Some(Spanned::new(text.to_string(), span(item))),
            _ => {
                self.wrong_type(span(item), key, "a text");
                None
            }
        }
    }

    /// One text, or a list of them.
    fn texts(&mut self, key: &str, item: &Item<'_>) -> Vec<Spanned<String>> {
        match item.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| self.text(key, item)).collect(),
            DeValue::String(text) => vec![Spanned::new(text.to_string(), span(item))],
            _ => {
                self.wrong_type(span(item), key, "a text, or a list of texts");
                Vec::new()
            }
        }
    }

    /// A time in RFC 3339, as text or as TOML's own.
    fn time(&mut self, item: &Item<'_>) -> Option<Timestamp> {
        let text = match item.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            _ => String::new(),
        };
        let time = text.parse().ok();
        if time.is_none() {
            self.wrong_type(span(item), "now", "a time in RFC 3339, such as \"2026-01-15T12:00:00Z\"");
        }
        time
    }

    fn kind(&mut self, item: &Item<'_>) -> Option<EventKind> {
        match item.get_ref() {
            DeValue::String(text) if text == "cloudtrail" => Some(EventKind::CloudTrail),
            DeValue::String(text) if text == "ecs" => Some(EventKind::Ecs),
            _ => {
                self.wrong_type(span(item), "kind", "\"cloudtrail\" or \"ecs\"");
                None
            }
        }
    }

    fn object(&mut self, key: &str, item: &Item<'_>) -> Option<Map<String, Value>> {
        match item.get_ref() {
            DeValue::Table(table) => Some(self.map(key, table)),
            _ => {
                self.wrong_type(
                    span(item),
                    key,
                    if key == "defaults" { "a table" } else { "a list of tables" },
                );
                None
            }
        }
    }

    fn map(&mut self, key: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let values = table
            .iter()
            .filter_map(|(name, item)| Some((name.get_ref().to_string(), self.value(key, item)?)));
        values.collect()
    }

    /// A value as JSON has it; times become text.
    fn value(&mut self, key: &str, item: &Item<'_>) -> Option<Value> {
        let number = match item.get_ref() {
            DeValue::String(text) => return Some(Value::from(&**text)),
            DeValue::Boolean(value) => return Some(Value::from(*value)),
            DeValue::Datetime(time) => return Some(Value::from(time.to_string())),
            DeValue::Array(items) => {
                return Some(Value::Array(items.iter().filter_map(|item| self.value(key, item)).collect()));
            }
            DeValue::Table(table) => return Some(Value::Object(self.map(key, table))),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::from)
            }
            DeValue::Float(number) => {
                number.as_str().parse().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
            }
        };
        if number.is_none() {
            self.fault("test::wrong-type", span(item), format!("a number in `{key}` has no form in JSON"));
        }
        number
    }
}

/// The key that was most likely meant; none when nothing is near.
fn nearest<'k>(name: &str, keys: &[&'k str]) -> Option<&'k str> {
    let allowed = if name.len() < 5 { 1 } else { 2 };
    keys.iter()
        .map(|key| (strsim::osa_distance(name, key), *key))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rule_test::{FieldExpectation, is_test_file};
    use crate::value_list::ValueListType;
    use serde_json::json;

    fn faults(text: &str) -> String {
        let found = read(text).err().unwrap_or_default();
        let show = |d: &Diagnostic| {
            let place = d.span.map_or("", |s| &text[s.start..s.end]);
            let help = d.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
            format!("{} `{place}`: {}{help}\n", d.code, d.message)
        };
        found.iter().map(show).collect()
    }

    fn one(text: &str) -> RuleTest {
        let mut file = read(text).unwrap_or_else(|_| panic!("{}", faults(text)));
        assert_eq!(file.tests.len(), 1);
        file.tests.remove(0)
    }

    #[test]
    fn a_test_is_read_whole() {
        let file = read(
            r#"
rule = "other.toml"
now = 2026-01-15T12:00:00Z
kind = "cloudtrail"
[defaults]
eventSource = "kms.amazonaws.com"
userIdentity = { type = "IAMUser", userName = "ann" }
[[test]]
name = "found"
events = [{ eventID = "e1", userIdentity.userName = "bob" }]
history = '{"@timestamp":"2026-01-01T00:00:00Z"}'
history_files = "old.json"
exceptions = ["known.toml", { entries = [{ field = "user.name", list = "staff" }] }]
value_lists = { staff = ["ann"], nets = { type = "ip_range", values = ["10.0.0.0/8"] } }
indicators = [{ threat.indicator.ip = "192.0.2.1" }]
indicator_files = "feed.csv"
[[test.alerts]]
events = ["e1"]
fields = { "kibana.alert.severity" = "high", user.name = { contains = "bo" }, n = [1, 2.5], x = { exists = false } }
blocks = [{ event.id = "e1" }, {}]
[[test]]
name = "not found"
now = "2026-01-15T13:00:00+01:00"
kind = "ecs"
events = []
files = ["a.json", "b.json"]
alerts = []
"#,
        )
        .unwrap();
        assert_eq!(file.rule_path(Path::new("rules/mine.test.toml")), Path::new("rules/other.toml"));
        let [first, second] = &file.tests[..] else { panic!("two tests") };
        assert_eq!(first.now, second.now);
        assert_eq!((first.kind, second.kind), (Some(EventKind::CloudTrail), Some(EventKind::Ecs)));
        let GivenEvents::Table(event) = &first.events[0] else { panic!("a table") };
        assert_eq!(
            Value::Object(event.value.clone()),
            json!({
                "eventSource": "kms.amazonaws.com", "eventID": "e1",
                "userIdentity": {"type": "IAMUser", "userName": "bob"},
            })
        );
        assert!(matches!(&first.history[..], [GivenEvents::Text(_), GivenEvents::File(_)]));
        let [GivenExceptions::File(known), GivenExceptions::Item(item)] = &first.exceptions[..] else {
            panic!("a file and an item")
        };
        assert_eq!(known.value, "known.toml");
        assert_eq!(
            Value::Object(item.value.clone()),
            json!({"entries": [{"field": "user.name", "list": "staff"}]})
        );
        let lists: Vec<_> =
            first.value_lists.iter().map(|l| (&*l.id.value, l.list_type, &*l.values)).collect();
        let (staff, nets) = (["ann".to_owned()], ["10.0.0.0/8".to_owned()]);
        assert_eq!(lists, [("staff", None, &staff[..]), ("nets", Some(ValueListType::IpRange), &nets[..])]);
        assert!(matches!(&first.indicators[..], [GivenEvents::Table(_), GivenEvents::File(_)]));
        assert_eq!(
            first.alerts[0].blocks.as_ref().map(|blocks| [blocks.len(), blocks[0].len()]),
            Some([2, 1])
        );
        let fields: Vec<(&str, &FieldExpectation)> =
            first.alerts[0].fields.iter().map(|field| (field.name.as_str(), &field.expectation)).collect();
        for expected in [
            ("kibana.alert.severity", FieldExpectation::Equals(vec![json!("high")])),
            ("user.name", FieldExpectation::Contains(vec!["bo".to_owned()])),
            ("n", FieldExpectation::Equals(vec![json!(1), json!(2.5)])),
            ("x", FieldExpectation::Exists(false)),
        ] {
            assert!(fields.contains(&(expected.0, &expected.1)), "{expected:?} in {fields:?}");
        }
        assert_eq!(second.events.len(), 2);
        assert!(second.alerts.is_empty());
    }

    #[test]
    fn the_rule_is_the_file_of_the_same_name() {
        let file = RuleTestFile::default();
        for (test, rule) in [("a/b.test.toml", "a/b.toml"), ("b.c.test.toml", "b.c.toml")] {
            assert!(is_test_file(Path::new(test)));
            assert_eq!(file.rule_path(Path::new(test)), Path::new(rule));
        }
        for other in [".test.toml", "test.toml", "a.toml", "a.test.json"] {
            assert!(!is_test_file(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn an_id_stands_for_an_alert_about_its_event() {
        let test = one("[[test]]\nname = \"a\"\nevents = []\nalerts = [\"e1\"]");
        let ids: Vec<&str> = test.alerts[0].events.iter().flatten().map(|id| id.value.as_str()).collect();
        assert_eq!(ids, ["e1"]);
    }

    #[test]
    fn faults_have_their_places() {
        let found = faults(
            r#"
rul = "x"
now = "yesterday"
[[test]]
nmae = "a"
events = 7
alerts = [1, { blocks = {}, evnts = [] , fields = { a = { contians = "x" }, b = [], c = { exists = "yes" } } }]
[[test]]
name = "b"
[[test]]
name = "b"
kind = "syslog"
exceptions = [1, { name = 1.5 }]
value_lists = { a = "b", c = { typ = "ip", values = [1] } }
indicators = 5
events = [{ x = nan }, "{}"]
alerts = []
"#,
        );
        let expected = "\
test::unknown-key `rul`: `rul` is no key of a file with tests; did you mean `rule`?
test::wrong-type `\"yesterday\"`: `now` must be a time in RFC 3339, such as \"2026-01-15T12:00:00Z\"
test::unknown-key `nmae`: `nmae` is no key of a test; did you mean `name`?
test::missing-key `[[test]]`: the test has no `name`; say in a sentence what it shows
test::wrong-type `7`: `events` must be a list of events, or a text of JSON
test::wrong-type `1`: `alerts` must be a list of tables, or of ids of events
test::unknown-key `evnts`: `evnts` is no key of an expected alert; did you mean `events`?
test::unknown-key `contians`: `contians` is no key of a condition; did you mean `contains`?
test::wrong-type `[]`: `b` has no values to compare with; { exists = false } says that the field has no value
test::wrong-type `\"yes\"`: `exists` must be true or false
test::wrong-type `{}`: `blocks` must be a list of tables, one for each building block
test::missing-key `[[test]]`: the test has no `events`; events = [{ … }] or files = [\"events.json\"]
test::missing-key `[[test]]`: the test does not say which `alerts` it expects; alerts = [\"ID\"] for an alert about the event with this id, alerts = [] for none
test::wrong-type `nan`: a number in `events` has no form in JSON
test::wrong-type `\"{}\"`: `events` must be a list of tables
test::wrong-type `\"syslog\"`: `kind` must be \"cloudtrail\" or \"ecs\"
test::wrong-type `1`: `exceptions` must be a list of files and of tables with `entries`
test::wrong-type `\"b\"`: `a` must be a list of values, or a table with `values`
test::unknown-key `typ`: `typ` is no key of a value list; did you mean `type`?
test::wrong-type `1`: `values` must be a text
test::wrong-type `5`: `indicators` must be a list of documents, or a text of JSON or CSV
test::duplicate-name `\"b\"`: another test is called `b` too
";
        assert_eq!(found, expected);
        assert_eq!(faults("rule = \"x\""), "test::no-tests `r`: the file has no table `[[test]]`\n");
        assert!(faults("[[test]\n").starts_with("test::toml-syntax"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[\\[\\]{}\"=,. a-zé\\n0-9]{0,60}") {
            let _ = read(&text);
            let _ = read(&format!("[[test]]\nname = \"a\"\nevents = {text}\nalerts = [{{ fields = {text} }}]"));
        }
    }
}
