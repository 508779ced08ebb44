//! What came of tests of rules as JUnit XML: a suite for each file, a case for each test.
//!
//! Source of the schema: testmoapp/junitxml README.md.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::rule_tests::{Fault, TestReport, TestedFile, Verdict};
use crate::diagnostic::{Source, render};
use crate::printer::Output;

/// Writes the report. A rule without tests is a failed case when tests are required, else a skipped one.
pub(crate) fn write(out: &mut Output, report: &TestReport) -> io::Result<()> {
    let mut suites: Vec<Suite> = report.files.iter().map(suite).collect();
    if !report.untested.is_empty() {
        let mut suite = Suite { name: "rules without tests".to_owned(), ..Suite::default() };
        for rule in &report.untested {
            let case = Case {
                name: rule.name.clone(),
                class: rule.path.to_string_lossy().into_owned(),
                outcome: Some((
                    if report.require_tests { "failure" } else { "skipped" },
                    "the rule has no test".to_owned(),
                    String::new(),
                )),
                ..Case::default()
            };
            suite.cases.push(case);
        }
        suites.push(suite);
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = |outcome| suites.iter().map(|suite| suite.number(outcome)).sum::<usize>();
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let (failures, errors, skipped) = (total("failure"), total("error"), total("skipped"));
    let _infallible = writeln!(
        xml,
        "<testsuites name=\"bartizan rule test\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">"
    );
    suites.iter().for_each(|suite| suite.write(&mut xml));
    xml.push_str("</testsuites>\n");
    out.write_all(xml.as_bytes())
}

#[derive(Default)]
struct Suite {
    name: String,
    file: Option<String>,
    cases: Vec<Case>,
}

#[derive(Default)]
struct Case {
    name: String,
    class: String,
    /// File and line.
    place: Option<(String, usize)>,
    /// Element, message and text.
    outcome: Option<(&'static str, String, String)>,
}

fn suite(file: &TestedFile) -> Suite {
    let path = file.path.to_string_lossy().into_owned();
    let class = file.rule.as_ref().map_or(&path, |(_, name)| name).clone();
    let source = Source::new(&file.text);
    let mut cases: Vec<Case> = file
        .tests
        .iter()
        .map(|test| {
            let outcome = match &test.verdict {
                Verdict::Passed => None,
                Verdict::Failed(failures) => {
                    let message = failures.first().map(|failure| failure.message.clone()).unwrap_or_default();
                    let text: Vec<String> = failures.iter().map(super::rule_tests::Failure::text).collect();
                    Some(("failure", message, text.join("\n")))
                }
                Verdict::NotRun(faults) => Some(error(faults)),
            };
            let place = Some((path.clone(), source.position(test.span.start).0));
            Case { name: test.name.clone(), class: class.clone(), place, outcome }
        })
        .collect();
    if !file.faults.is_empty() {
        let outcome = Some(error(&file.faults));
        cases.push(Case { name: "the file can be run".to_owned(), class, outcome, ..Case::default() });
    }
    Suite { name: path.clone(), file: Some(path), cases }
}

fn error(faults: &[Fault]) -> (&'static str, String, String) {
    let message = faults.first().map(|fault| fault.diagnostic.message.as_str());
    let message = message.unwrap_or("the tests of the file cannot run").to_owned();
    let show = |fault: &Fault| render(&fault.diagnostic, &fault.path, &Source::new(&fault.text), false);
    ("error", message, faults.iter().map(show).collect::<Vec<_>>().join("\n"))
}

impl Suite {
    fn number(&self, element: &str) -> usize {
        let is = |case: &&Case| case.outcome.as_ref().is_some_and(|(of, ..)| *of == element);
        self.cases.iter().filter(is).count()
    }

    fn write(&self, xml: &mut String) {
        let (tests, failures, errors, skipped) =
            (self.cases.len(), self.number("failure"), self.number("error"), self.number("skipped"));
        let file = self.file.as_ref().map(|file| format!(" file=\"{}\"", escaped(file))).unwrap_or_default();
        let _infallible = writeln!(
            xml,
            "  <testsuite name=\"{}\"{file} tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">",
            escaped(&self.name)
        );
        self.cases.iter().for_each(|case| case.write(xml));
        xml.push_str("  </testsuite>\n");
    }
}

impl Case {
    fn write(&self, xml: &mut String) {
        let place =
            self.place.as_ref().map(|(file, line)| format!(" file=\"{}\" line=\"{line}\"", escaped(file)));
        let _infallible = write!(
            xml,
            "    <testcase name=\"{}\" classname=\"{}\"{}",
            escaped(&self.name),
            escaped(&self.class),
            place.unwrap_or_default()
        );
        let Some((element, message, text)) = &self.outcome else {
            xml.push_str("/>\n");
            return;
        };
        let _infallible = writeln!(
            xml,
            ">\n      <{element} message=\"{}\">{}</{element}>\n    </testcase>",
            escaped(message),
            escaped(text)
        );
    }
}

/// Text as XML 1.0 may hold it, in an element or an attribute; characters that it may not hold become U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push('\t'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_safe_in_xml() {
        assert_eq!(
            escaped("a<b> & \"c\"\n\u{1b}\u{ffff}é"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;\u{fffd}\u{fffd}é"
        );
    }
}
