//! What came of tests of rules as SARIF 2.1.0: a result for each failed test and each fault, at its line.
//!
//! Source: OASIS sarif-v2.1.0.

use std::io::{self, Write};
use std::path::Path;

use query::Span;
use serde_json::{Value, json};

use super::rule_tests::{Failure, Fault, TestReport, Verdict};
use crate::diagnostic::Source;
use crate::exit_status::ExitStatus;
use crate::printer::Output;

const TEST_FAILED: &str = "test::failed";
const NO_TEST: &str = "test::no-test";

/// Writes the report. A rule without tests is an error when tests are required, else a note.
pub(crate) fn write(out: &mut Output, report: &TestReport) -> io::Result<()> {
    let mut results = Vec::new();
    for file in &report.files {
        results.extend(file.faults.iter().map(of_fault));
        let source = Source::new(&file.text);
        for test in &file.tests {
            match &test.verdict {
                Verdict::Passed => {}
                Verdict::Failed(failures) => {
                    let text: Vec<String> = failures.iter().map(Failure::text).collect();
                    let message = format!("{}\n{}", test.name, text.join("\n"));
                    let place = Some((&source, test.span));
                    results.push(result(TEST_FAILED, "error", &message, &file.path, place));
                }
                Verdict::NotRun(faults) => results.extend(faults.iter().map(of_fault)),
            }
        }
    }
    let level = if report.require_tests { "error" } else { "note" };
    for rule in &report.untested {
        let message = format!("the rule `{}` has no test", rule.name);
        results.push(result(NO_TEST, level, &message, &rule.path, None));
    }
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Bartizan", "version": env!("CARGO_PKG_VERSION"),
                "rules": [
                    {"id": TEST_FAILED, "shortDescription": {"text": "A test of a detection rule failed"}},
                    {"id": NO_TEST, "shortDescription": {"text": "A detection rule has no test"}},
                ],
            }},
            "invocations": [{"executionSuccessful": report.status() != ExitStatus::CouldNotRun}],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn of_fault(fault: &Fault) -> Value {
    let diagnostic = &fault.diagnostic;
    let message = match &diagnostic.help {
        Some(help) => format!("{}; {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let source = Source::new(&fault.text);
    result(diagnostic.code, "error", &message, &fault.path, diagnostic.span.map(|span| (&source, span)))
}

fn result(code: &str, level: &str, message: &str, path: &Path, place: Option<(&Source<'_>, Span)>) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(path)}});
    if let Some((source, span)) = place {
        let ((line, column), (end_line, end_column)) =
            (source.position(span.start), source.position(span.end));
        location["region"] =
            json!({"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column});
    }
    json!({
        "ruleId": code, "level": level, "message": {"text": message},
        "locations": [{"physicalLocation": location}],
    })
}

/// A path as a reference that may stand in a URI: relative paths stay relative.
fn uri(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = text.strip_prefix("./").unwrap_or(&text);
    let mut uri = String::from(if text.starts_with('/') { "file://" } else { "" });
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(byte as char)
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        for (path, expected) in [
            ("./rules/a b.test.toml", "rules/a%20b.test.toml"),
            ("rules/é.toml", "rules/%C3%A9.toml"),
            ("/x/y", "file:///x/y"),
        ] {
            assert_eq!(uri(Path::new(path)), expected);
        }
    }
}
