//! What came of tests of rules, as text for people and as JSON.

use std::io::{self, Write};
use std::path::PathBuf;

use query::{Diagnostic, Span};
use serde_json::{Value, json};

use crate::diagnostic::{Source, render};
use crate::exit_status::ExitStatus;
use crate::printer::{Output, Paint, count, thousands, visible, visible_lines};

/// The account of a run of tests.
#[derive(Debug, Default)]
pub(crate) struct TestReport {
    pub(crate) files: Vec<TestedFile>,
    /// Rules that have no test.
    pub(crate) untested: Vec<UntestedRule>,
    /// Is a rule without tests a failure?
    pub(crate) require_tests: bool,
}

/// A file with tests.
#[derive(Debug)]
pub(crate) struct TestedFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// Id and name of the rule, where it could be read.
    pub(crate) rule: Option<(String, String)>,
    /// What keeps all of its tests from running.
    pub(crate) faults: Vec<Fault>,
    pub(crate) tests: Vec<TestOutcome>,
}

/// Something wrong with a file with tests, or with a file that it needs.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    /// What the place counts in.
    pub(crate) text: String,
    pub(crate) diagnostic: Diagnostic,
}

/// What came of a test.
#[derive(Debug)]
pub(crate) struct TestOutcome {
    pub(crate) name: String,
    /// Where it stands in its file.
    pub(crate) span: Span,
    pub(crate) verdict: Verdict,
}

#[derive(Debug)]
pub(crate) enum Verdict {
    Passed,
    Failed(Vec<Failure>),
    /// Neither: something is wrong with the rule, the test or a file that it names.
    NotRun(Vec<Fault>),
}

/// Something that is not as a test expects it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The place of the expectation in the test's file.
    pub(crate) span: Span,
    pub(crate) message: String,
    /// Lines beneath it.
    pub(crate) details: Vec<String>,
}

/// A rule that no test is about.
#[derive(Debug)]
pub(crate) struct UntestedRule {
    pub(crate) path: PathBuf,
    pub(crate) rule_id: String,
    pub(crate) name: String,
}

impl Failure {
    /// The message, with its details on lines of their own.
    pub(crate) fn text(&self) -> String {
        let details = self.details.iter().map(|line| format!("\n  {line}"));
        format!("{}{}", self.message, details.collect::<String>())
    }
}

impl TestedFile {
    /// How many tests passed, failed, and were not run.
    fn counts(&self) -> (u64, u64, u64) {
        self.tests.iter().fold((0, 0, 0), |(passed, failed, not_run), test| match test.verdict {
            Verdict::Passed => (passed + 1, failed, not_run),
            Verdict::Failed(_) => (passed, failed + 1, not_run),
            Verdict::NotRun(_) => (passed, failed, not_run + 1),
        })
    }

    fn is_faulty(&self) -> bool {
        !self.faults.is_empty() || self.counts().2 > 0
    }
}

impl TestReport {
    /// What the process tells its caller.
    pub(crate) fn status(&self) -> ExitStatus {
        let failed = self.files.iter().any(|file| file.counts().1 > 0)
            || (self.require_tests && !self.untested.is_empty());
        if self.files.iter().any(TestedFile::is_faulty) {
            ExitStatus::CouldNotRun
        } else if failed {
            ExitStatus::TESTS_FAILED
        } else {
            ExitStatus::Done
        }
    }

    /// For people: a line for each file, and what is wrong beneath it.
    pub(crate) fn write_text(&self, out: &mut Output) -> io::Result<()> {
        for file in &self.files {
            write_file(out, file)?;
        }
        for rule in &self.untested {
            let label = match self.require_tests {
                true => out.paint(Paint::Alarm, "no test"),
                false => out.paint(Paint::Faint, "no test"),
            };
            writeln!(out, "{label}  {}  {}", visible(&rule.path.display().to_string()), visible(&rule.name))?;
        }
        let counts = self.files.iter().map(TestedFile::counts);
        let (passed, failed, not_run) =
            counts.fold((0, 0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1, sum.2 + file.2));
        let faulty = self.files.iter().filter(|file| !file.faults.is_empty()).count() as u64;
        let mut line = format!(
            "{} in {}: {} passed, {} failed",
            count(passed + failed + not_run, "test", "tests"),
            count(self.files.len() as u64, "file", "files"),
            thousands(passed),
            thousands(failed)
        );
        if not_run > 0 {
            line.push_str(&format!(", {} could not run", thousands(not_run)));
        }
        if faulty > 0 {
            line.push_str(&format!("; {}", count(faulty, "faulty file", "faulty files")));
        }
        if !self.untested.is_empty() {
            line.push_str(&format!(
                "; {}",
                count(self.untested.len() as u64, "rule has no test", "rules have no test")
            ));
        }
        writeln!(out, "{line}")
    }

    /// For programs.
    pub(crate) fn write_json(&self, out: &mut Output) -> io::Result<()> {
        let files: Vec<Value> = self.files.iter().map(file_json).collect();
        let untested: Vec<Value> = self
            .untested
            .iter()
            .map(|rule| json!({"file": rule.path.to_string_lossy(), "rule_id": rule.rule_id, "name": rule.name}))
            .collect();
        let sum = |of: fn(&TestedFile) -> u64| self.files.iter().map(of).sum::<u64>();
        let summary = json!({
            "passed": sum(|file| file.counts().0), "failed": sum(|file| file.counts().1),
            "not_run": sum(|file| file.counts().2), "without_test": self.untested.len(),
        });
        let report = json!({"files": files, "without_test": untested, "summary": summary});
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)
    }
}

fn write_file(out: &mut Output, file: &TestedFile) -> io::Result<()> {
    let (passed, failed, not_run) = file.counts();
    let label = match (file.is_faulty(), failed) {
        (true, _) => out.paint(Paint::Alarm, "faulty "),
        (false, 0) => "ok     ".to_owned(),
        (false, _) => out.paint(Paint::Alarm, "failed "),
    };
    let path = visible(&file.path.display().to_string());
    let tests = match (failed + not_run, passed) {
        (0, 0) => String::new(),
        (0, passed) => format!("  {}", count(passed, "test", "tests")),
        (wrong, passed) => format!("  {} of {}", thousands(wrong), count(wrong + passed, "test", "tests")),
    };
    writeln!(out, "{label}  {path}{tests}")?;
    for fault in &file.faults {
        write_fault(out, fault)?;
    }
    let source = Source::new(&file.text);
    for test in &file.tests {
        match &test.verdict {
            Verdict::Passed => {}
            Verdict::Failed(failures) => {
                let (line, _) = source.position(test.span.start);
                let name = out.paint(Paint::Heading, visible(&test.name));
                writeln!(out, "\n  {name}  ({path}:{line})")?;
                for failure in failures {
                    for line in visible_lines(&failure.text()).lines() {
                        writeln!(out, "    {line}")?;
                    }
                }
            }
            Verdict::NotRun(faults) => {
                for fault in faults {
                    write_fault(out, fault)?;
                }
            }
        }
    }
    // After what is wrong a line is free.
    if file.is_faulty() || failed > 0 { writeln!(out) } else { Ok(()) }
}

fn write_fault(out: &mut Output, fault: &Fault) -> io::Result<()> {
    let color = out.is_colored();
    let source = Source::new(&fault.text);
    writeln!(out, "\n{}", render(&fault.diagnostic, &fault.path, &source, color))
}

fn file_json(file: &TestedFile) -> Value {
    let source = Source::new(&file.text);
    let place = |span: Span| source.position(span.start).0;
    let tests: Vec<Value> = file
        .tests
        .iter()
        .map(|test| {
            let (verdict, failures, faults) = match &test.verdict {
                Verdict::Passed => ("passed", &[][..], &[][..]),
                Verdict::Failed(failures) => ("failed", &failures[..], &[][..]),
                Verdict::NotRun(faults) => ("not_run", &[][..], &faults[..]),
            };
            let failures = failures.iter().map(|failure| {
                json!({"line": place(failure.span), "message": failure.message, "details": failure.details})
            });
            json!({
                "name": test.name, "line": place(test.span), "verdict": verdict,
                "failures": failures.collect::<Vec<_>>(),
                "faults": faults.iter().map(fault_json).collect::<Vec<_>>(),
            })
        })
        .collect();
    let rule = file.rule.as_ref().map(|(rule_id, name)| json!({"rule_id": rule_id, "name": name}));
    let faults: Vec<Value> = file.faults.iter().map(fault_json).collect();
    json!({"file": file.path.to_string_lossy(), "rule": rule, "faults": faults, "tests": tests})
}

fn fault_json(fault: &Fault) -> Value {
    let Diagnostic { code, message, help, span, .. } = &fault.diagnostic;
    let line = span.map(|span| Source::new(&fault.text).position(span.start).0);
    json!({"file": fault.path.to_string_lossy(), "line": line, "code": code, "message": message, "help": help})
}
