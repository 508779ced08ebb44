//! Reads any text as a template; what parses must render, and text without tags must stay as it is.

#![no_main]

use notify::template::{Escape, Template};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let variables = serde_json::json!({
        "a": {"b": [1, "x", {"c": null}], "b.c": true}, "n": 0, "list": [{"a": 1}, {"a": [2, 3]}], "date": "2026-01-02T03:04:05Z",
    });
    match Template::parse(text) {
        Ok(template) => {
            for escape in [Escape::None, Escape::Json, Escape::Slack, Escape::Markdown, Escape::Html] {
                let rendered = template.render(&variables, escape);
                if !text.contains("{{") {
                    assert_eq!(rendered.text, text);
                }
            }
        }
        Err(error) => assert!(text.contains("{{") && error.line >= 1 && error.column >= 1),
    }
});
