//! Templates: what each tag makes, what is refused and where, and what holds of every text.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bartizan_notify as notify;
use notify::error::TemplateFault;
use notify::template::{Escape, MAX_OUTPUT, Template};
use proptest::prelude::*;
use serde_json::{Value, json};

fn render(template: &str, variables: &Value) -> String {
    Template::parse(template).unwrap().render(variables, Escape::None).text
}

#[test]
fn each_tag_makes_what_the_manual_says() {
    let variables = json!({
        "name": "<b>", "n": 3, "zero": 0, "yes": true, "no": false, "none": null, "empty": "",
        "list": ["a", "b", {"c": 1}], "nothing": [],
        "rule": {"name": "R", "tags": ["x", "y"]},
        "context": {"alerts": [
            {"kibana.alert.uuid": "1", "user": {"name": "ann"}, "threat": [{"t": {"id": "T1"}}, {"t": {"id": "T2"}}]},
            {"kibana.alert.uuid": "2", "user.name": "bob"},
        ]},
    });
    for (template, expected) in [
        ("", ""),
        ("plain } { text", "plain } { text"),
        ("{{name}}", "<b>"),
        ("{{{name}}}{{&name}}{{& name }}", "<b><b><b>"),
        ("{{missing}}{{none}}{{rule.missing.deep}}", ""),
        ("{{n}} {{yes}} {{no}}", "3 true false"),
        ("{{list}}", r#"a,b,{"c":1}"#),
        ("{{list.asJSON}} {{rule.asJSON}}", r#"["a","b",{"c":1}] {"name":"R","tags":["x","y"]}"#),
        ("{{list.length}} {{list.1}} {{list.9}}", "3 b "),
        (
            "{{#yes}}y{{/yes}}{{#no}}n{{/no}}{{#zero}}z{{/zero}}{{#empty}}e{{/empty}}{{#nothing}}l{{/nothing}}",
            "y",
        ),
        ("{{^yes}}y{{/yes}}{{^no}}n{{/no}}{{^nothing}}l{{/nothing}}{{^missing}}m{{/missing}}", "nlm"),
        ("{{#rule}}{{name}}/{{n}}{{/rule}}", "R/3"),
        ("{{#rule.tags}}[{{.}}]{{/rule.tags}}", "[x][y]"),
        ("{{#context.alerts}}{{kibana.alert.uuid}}={{user.name}};{{/context.alerts}}", "1=ann;2=bob;"),
        ("{{context.alerts.0.user.name}} {{context.alerts.user.name}}", "ann ann,bob"),
        ("{{context.alerts.threat.t.id}}", "T1,T2"),
        ("a{{! a remark }}b", "ab"),
        ("{{=<% %>=}}<% n %>{{n}}<%={{ }}=%>{{n}}", "3{{n}}3"),
        ("a\n{{#yes}}\nb\n{{/yes}}\nc", "a\nb\nc"),
        ("a\r\n  {{! alone }}  \r\nb", "a\r\nb"),
        ("a {{#yes}} b {{/yes}} c", "a  b  c"),
        ("{{#yes}}{{n}}{{/yes}}\n", "3\n"),
        ("{{#FormatDate}}2026-01-02T03:04:05Z; UTC; D MMM{{/FormatDate}}", "2 Jan"),
    ] {
        assert_eq!(render(template, &variables), expected, "{template}");
    }
}

#[test]
fn values_are_escaped_for_where_they_go() {
    let variables = json!({"v": "a\"b <c> & *d*\n"});
    for (escape, expected) in [
        (Escape::None, "a\"b <c> & *d*\n"),
        (Escape::Json, r#"a\"b <c> & *d*\n"#),
        (Escape::Slack, "a\"b &lt;c&gt; &amp; *d*\n"),
        (Escape::Html, "a&quot;b &lt;c&gt; &amp; *d*\n"),
        (Escape::Markdown, r#"a\"b \<c\> \& \*d\* "#),
    ] {
        let rendered = Template::parse("{{v}}|{{{v}}}").unwrap().render(&variables, escape).text;
        assert_eq!(rendered, format!("{expected}|{}", "a\"b <c> & *d*\n"), "{escape:?}");
    }
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_place() {
    for (template, place, fault) in [
        ("ab\ncd {{x", (2, 4), TemplateFault::UnclosedTag),
        ("{{{x}}", (1, 1), TemplateFault::UnclosedTag),
        ("é{{}}", (1, 2), TemplateFault::EmptyTag),
        ("{{#}}", (1, 1), TemplateFault::EmptyTag),
        ("{{#a}}{{#b}}{{/b}}", (1, 1), TemplateFault::UnclosedSection("a".into())),
        ("{{#a}}{{/b}}", (1, 7), TemplateFault::StrayClose("b".into())),
        ("{{/a}}", (1, 1), TemplateFault::StrayClose("a".into())),
        ("{{=a=}}", (1, 1), TemplateFault::Delimiters),
        ("{{> other}}", (1, 1), TemplateFault::Partial("other".into())),
        ("{{#EvalMath}}1+1{{/EvalMath}}", (1, 1), TemplateFault::Function("EvalMath".into())),
    ] {
        let error = Template::parse(template).unwrap_err();
        assert_eq!(((error.line, error.column), error.fault), (place, fault), "{template}");
    }
    assert!(matches!(Template::parse(&"{{#a}}".repeat(100)).unwrap_err().fault, TemplateFault::TooDeep(_)));
}

#[test]
fn a_text_that_would_never_end_is_cut_and_says_so() {
    let many: Vec<u32> = (1..2000).collect();
    for inner in ["x", ""] {
        let template = format!("{}{inner}{}", "{{#a}}".repeat(8), "{{/a}}".repeat(8));
        let rendered = Template::parse(&template).unwrap().render(&json!({"a": many}), Escape::None);
        assert!(rendered.is_cut && rendered.text.len() <= MAX_OUTPUT);
    }
}

fn variables() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[ab.]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn text_without_tags_stays_as_it_is(text in any::<String>(), variables in variables()) {
        prop_assume!(!text.contains("{{"));
        for escape in [Escape::None, Escape::Json, Escape::Slack, Escape::Markdown, Escape::Html] {
            prop_assert_eq!(&Template::parse(&text).unwrap().render(&variables, escape).text, &text);
        }
    }

    #[test]
    fn every_text_is_rendered_or_refused(
        parts in prop::collection::vec(prop_oneof![
            Just("{{".to_owned()), Just("}}".to_owned()), Just("{{{".to_owned()), Just("{{#a}}".to_owned()),
            Just("{{/a}}".to_owned()), Just("{{^b}}".to_owned()), Just("{{/b}}".to_owned()), Just("{{a.b}}".to_owned()),
            Just("{{=| |=}}".to_owned()), Just("{{#FormatDate}}".to_owned()), Just("{{/FormatDate}}".to_owned()),
            Just("\n".to_owned()), "[ a|é]{0,3}", any::<String>(),
        ], 0..12),
        variables in variables(),
    ) {
        match Template::parse(&parts.concat()) {
            Ok(template) => { template.render(&variables, Escape::Json); }
            Err(error) => prop_assert!(error.line >= 1 && error.column >= 1),
        }
    }

    #[test]
    fn text_around_tags_is_kept(before in "[^{]{0,9}", after in "[^{]{0,9}", value in any::<String>()) {
        let rendered = render(&format!("{before}{{{{v}}}}{after}"), &json!({"v": value}));
        prop_assert_eq!(rendered, format!("{before}{value}{after}"));
    }
}
