//! Alerts that there should be against alerts that there are.

use ecs::{Catalog, Document};
use query::Span;
use rule::rule_test::{ExpectedAlert, ExpectedField, FieldExpectation};
use serde_json::Value;

use crate::reporter::rule_tests::Failure;

/// An alert that a rule made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundAlert {
    /// The ids of the events that it is about, as the test has them; none for an alert about a number of events.
    pub(super) events: Vec<String>,
    pub(super) document: Document,
    /// Its building blocks, in the order of the sequence.
    pub(super) blocks: Vec<Document>,
    pub(super) reason: String,
}

/// What is wrong with the alerts; nothing when they are as expected. The order of alerts does not count.
///
/// An expected alert that names its events stands for an alert about just these; of the others each stands for an alert
/// whose fields are as it says, else for any that is left.
pub(super) fn compare(
    expected: &[ExpectedAlert],
    found: &[FoundAlert],
    place: Span,
    catalog: &Catalog,
    why_missing: &dyn Fn(&ExpectedAlert) -> Vec<String>,
) -> Vec<Failure> {
    let pairs = pair(expected, found);
    let mut failures = Vec::new();
    for (wanted, at) in expected.iter().zip(&pairs) {
        let Some(alert) = at.map(|at| &found[at]) else {
            let (span, message) = (wanted.span, format!("missing: {}", wanted_name(wanted)));
            failures.push(Failure { span, message, details: why_missing(wanted) });
            continue;
        };
        let wrong: Vec<&ExpectedField> =
            wanted.fields.iter().filter(|field| !holds(field, &alert.document)).collect();
        if let Some(first) = wrong.first() {
            failures.push(Failure {
                span: first.span,
                message: format!("other fields: {}", name(alert)),
                details: wrong.iter().flat_map(|field| difference(field, &alert.document, catalog)).collect(),
            });
        }
        failures.extend(wrong_blocks(wanted, alert, catalog));
    }
    for (at, alert) in found.iter().enumerate() {
        if !pairs.contains(&Some(at)) {
            let message = format!("unexpected: {}", name(alert));
            failures.push(Failure { span: place, message, details: vec![alert.reason.clone()] });
        }
    }
    failures
}

type Fits<'f> = &'f dyn Fn(&ExpectedAlert, &FoundAlert) -> bool;

/// For each expected alert the position of the one that it stands for.
fn pair(expected: &[ExpectedAlert], found: &[FoundAlert]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; expected.len()];
    let mut taken = vec![false; found.len()];
    // Who asks for more chooses first.
    let mut order: Vec<usize> = (0..expected.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(expected[*at].fields.len()));
    let passes: [Fits<'_>; 4] = [
        &|wanted, alert| is_about(wanted, alert) == Some(true) && all_hold(wanted, alert),
        &|wanted, alert| is_about(wanted, alert) == Some(true),
        &|wanted, alert| is_about(wanted, alert).is_none() && all_hold(wanted, alert),
        &|wanted, alert| is_about(wanted, alert).is_none(),
    ];
    for fits in passes {
        for wanted in order.iter().copied() {
            if pairs[wanted].is_none() {
                pairs[wanted] =
                    (0..found.len()).find(|at| !taken[*at] && fits(&expected[wanted], &found[*at]));
                if let Some(at) = pairs[wanted] {
                    taken[at] = true;
                }
            }
        }
    }
    pairs
}

/// Is the alert about the expected events? `None` when the test does not say which.
fn is_about(wanted: &ExpectedAlert, alert: &FoundAlert) -> Option<bool> {
    let ids = wanted.events.as_ref()?;
    Some(ids.iter().map(|id| &id.value).eq(&alert.events))
}

fn all_hold(wanted: &ExpectedAlert, alert: &FoundAlert) -> bool {
    let hold =
        |fields: &[ExpectedField], document: &Document| fields.iter().all(|field| holds(field, document));
    let blocks_hold = |blocks: &Vec<Vec<ExpectedField>>| {
        blocks.len() == alert.blocks.len()
            && blocks.iter().zip(&alert.blocks).all(|(fields, block)| hold(fields, block))
    };
    hold(&wanted.fields, &alert.document) && wanted.blocks.as_ref().is_none_or(blocks_hold)
}

/// What is wrong with the building blocks of an alert.
fn wrong_blocks(wanted: &ExpectedAlert, alert: &FoundAlert, catalog: &Catalog) -> Option<Failure> {
    let blocks = wanted.blocks.as_ref()?;
    let mut span = wanted.span;
    let mut details = Vec::new();
    if blocks.len() != alert.blocks.len() {
        details.push(format!("expected  {}", blocks.len()));
        details.push(format!("got       {}", alert.blocks.len()));
    }
    for (number, (fields, block)) in (1..).zip(blocks.iter().zip(&alert.blocks)) {
        let wrong: Vec<&ExpectedField> = fields.iter().filter(|field| !holds(field, block)).collect();
        let Some(first) = wrong.first() else { continue };
        if details.is_empty() {
            span = first.span;
        }
        details.push(format!("block {number}"));
        let lines = wrong.iter().flat_map(|field| difference(field, block, catalog));
        details.extend(lines.map(|line| format!("  {line}")));
    }
    let message = format!("other building blocks: {}", name(alert));
    (!details.is_empty()).then_some(Failure { span, message, details })
}

/// The values of a field, lists taken apart.
fn values<'d>(document: &'d Document, name: &str) -> Vec<&'d Value> {
    fn flatten<'d>(node: &'d Value, values: &mut Vec<&'d Value>) {
        match node {
            Value::Array(nodes) => nodes.iter().for_each(|node| flatten(node, values)),
            Value::Null => {}
            node => values.push(node),
        }
    }
    let mut values = Vec::new();
    document.nodes(name).into_iter().for_each(|node| flatten(node, &mut values));
    values
}

fn holds(field: &ExpectedField, document: &Document) -> bool {
    let mut values = values(document, &field.name);
    match &field.expectation {
        FieldExpectation::Exists(exists) => values.is_empty() != *exists,
        FieldExpectation::Contains(texts) => {
            texts.iter().all(|text| values.iter().any(|value| as_text(value).contains(text)))
        }
        FieldExpectation::Equals(expected) => {
            expected.iter().all(|wanted| {
                let at = values.iter().position(|value| is_same(wanted, value));
                at.map(|at| values.swap_remove(at)).is_some()
            }) && values.is_empty()
        }
    }
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn difference(field: &ExpectedField, document: &Document, catalog: &Catalog) -> Vec<String> {
    let values = values(document, &field.name);
    let got = match values.is_empty() {
        false => list(values.into_iter().map(Value::to_string)),
        true => {
            let near = catalog.field(&field.name).is_none().then(|| catalog.nearest(&field.name)).flatten();
            near.map_or("no value".to_owned(), |near| format!("no value; did you mean `{near}`?"))
        }
    };
    vec![
        field.name.clone(),
        format!("  expected  {}", condition(&field.expectation)),
        format!("  got       {got}"),
    ]
}

/// What is expected of the values of a field.
fn condition(expectation: &FieldExpectation) -> String {
    match expectation {
        FieldExpectation::Exists(true) => "some value".to_owned(),
        FieldExpectation::Exists(false) => "no value".to_owned(),
        FieldExpectation::Contains(texts) => {
            format!("a value with {}", list(texts.iter().map(|text| Value::from(text.as_str()).to_string())))
        }
        FieldExpectation::Equals(values) => list(values.iter().map(Value::to_string)),
    }
}

fn list(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// What the test says of an expected alert: its events, else its fields.
fn wanted_name(wanted: &ExpectedAlert) -> String {
    match &wanted.events {
        Some(ids) => about(Some(ids.iter().map(|id| id.value.as_str()).collect())),
        None if wanted.fields.is_empty() => about(None),
        None => {
            let fields = wanted.fields.iter().map(|f| format!("{}: {}", f.name, condition(&f.expectation)));
            format!("an alert with {}", list(fields))
        }
    }
}

fn name(alert: &FoundAlert) -> String {
    let ids: Vec<&str> = alert.events.iter().map(String::as_str).collect();
    about((!ids.is_empty()).then_some(ids))
}

fn about(ids: Option<Vec<&str>>) -> String {
    match ids.as_deref() {
        None => "an alert".to_owned(),
        Some([]) => "an alert about no single event".to_owned(),
        Some(ids) => format!("an alert about {}", ids.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(events: &[&str], document: Value) -> FoundAlert {
        let Value::Object(map) = document else { panic!("no object") };
        let events = events.iter().map(|id| (*id).to_owned()).collect();
        let reason = "because".to_owned();
        FoundAlert { events, document: Document::from_map(map), blocks: Vec::new(), reason }
    }

    fn failures(expected: &str, found: &[FoundAlert]) -> String {
        let text = format!("[[test]]\nname = \"a\"\nevents = []\nalerts = {expected}");
        let file = rule::rule_test::read(&text).unwrap();
        let test = &file.tests[0];
        let why = |_: &ExpectedAlert| vec!["why".to_owned()];
        let failures = compare(&test.alerts, found, test.alerts_span, &Catalog::builtin(), &why);
        let show = |f: &Failure| format!("{} [{}]", f.message, f.details.join("|"));
        failures.iter().map(show).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn alerts_are_told_apart_by_their_events() {
        let (a, b) = (found(&["a"], json!({})), found(&["b"], json!({})));
        let sequence = found(&["a", "b"], json!({}));
        for (expected, alerts, wrong) in [
            (r#"["b", "a"]"#, vec![a.clone(), b.clone()], ""),
            ("[]", vec![a.clone()], "unexpected: an alert about a [because]"),
            (r#"["a"]"#, vec![], "missing: an alert about a [why]"),
            (r#"["a", "a"]"#, vec![a.clone()], "missing: an alert about a [why]"),
            (r#"[{ events = ["a", "b"] }]"#, vec![sequence.clone()], ""),
            (
                r#"[{ events = ["b", "a"] }]"#,
                vec![sequence],
                "missing: an alert about b, a [why]; unexpected: an alert about a, b [because]",
            ),
            ("[{}, {}]", vec![a.clone(), b.clone()], ""),
            (r#"[{}, "a"]"#, vec![a.clone(), b], ""),
            (r#"[{}, "a"]"#, vec![a], "missing: an alert [why]"),
        ] {
            assert_eq!(failures(expected, &alerts), wrong, "{expected}");
        }
    }

    #[test]
    fn fields_are_compared_by_their_values() {
        let alert = found(
            &["a"],
            json!({"n": 47.0, "user": {"name": ["ann", "bob"]}, "user.id": "7", "empty": [], "flag": true}),
        );
        for (fields, holds) in [
            ("n = 47", true),
            ("n = 48", false),
            ("n = '47.0'", false),
            ("user.name = ['bob', 'ann']", true),
            ("user.name = 'ann'", false),
            ("user.name = ['bob', 'ann', 'ann']", false),
            ("user.name = { contains = 'nn' }", true),
            ("user.name = { contains = ['nn', 'zz'] }", false),
            ("'user.id' = '7', flag = true", true),
            ("flag = { exists = true }, empty = { exists = false }", true),
            ("flag = { exists = false }", false),
            ("nothing = { exists = true }", false),
        ] {
            let wrong = failures(
                &format!("[{{ events = 'a', fields = {{ {fields} }} }}]"),
                std::slice::from_ref(&alert),
            );
            assert_eq!(wrong.is_empty(), holds, "{fields}: {wrong}");
        }
        assert_eq!(
            failures(r#"[{ fields = { user.name = "eve", user.nmae = "x" } }]"#, &[alert]),
            "other fields: an alert about a [user.name|  expected  \"eve\"|  got       \"ann\", \"bob\"\
             |user.nmae|  expected  \"x\"|  got       no value; did you mean `user.name`?]"
        );
    }

    #[test]
    fn building_blocks_are_compared_one_by_one() {
        let mut alert = found(&["a", "b"], json!({}));
        alert.blocks =
            vec![found(&[], json!({"k": "x"})).document, found(&[], json!({"k": "y", "n": 1})).document];
        for (blocks, wrong) in [
            ("[{ k = 'x' }, { k = 'y' }]", ""),
            ("[{}, {}]", ""),
            ("[{}]", "other building blocks: an alert about a, b [expected  1|got       2]"),
            (
                "[{ k = 'y' }, { k = 'y', n = 2 }]",
                "other building blocks: an alert about a, b [block 1|  k|    expected  \"y\"|    got       \"x\"\
                 |block 2|  n|    expected  2|    got       1]",
            ),
        ] {
            let wanted = format!("[{{ events = ['a', 'b'], blocks = {blocks} }}]");
            assert_eq!(failures(&wanted, std::slice::from_ref(&alert)), wrong, "{blocks}");
        }
    }

    #[test]
    fn an_alert_that_fits_wholly_is_not_given_to_another() {
        let (x, y) = (found(&["a"], json!({"k": "x"})), found(&["a"], json!({"k": "y"})));
        for expected in [
            r#"[{ events = "a" }, { events = "a", fields = { k = "x" } }]"#,
            r#"[{}, { fields = { k = "x" } }]"#,
        ] {
            assert_eq!(failures(expected, &[x.clone(), y.clone()]), "");
        }
        assert_eq!(
            failures(r#"[{}, {}, { fields = { k = ["x", 1] } }]"#, &[x, y]),
            "missing: an alert with k: \"x\", 1 [why]"
        );
    }
}
