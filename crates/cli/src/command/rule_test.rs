//! `bartizan rule test`: the tests in the files beside rules.

mod comparison;
mod given_events;
mod given_exceptions;
mod given_indicators;
mod test_run;
mod why_missing;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ecs::Catalog;
use engine::Plan;
use ingest::enrich::Enrichment;
use query::{Diagnostic, Span};
use rule::rule_test::{self, FILE_ENDING, is_test_file};
use rule::{Rule, RuleLibrary};

use super::Context;
use crate::exit_status::ExitStatus;
use crate::reporter::rule_tests::{Fault, TestOutcome, TestReport, TestedFile, UntestedRule, Verdict};
use crate::reporter::{junit, sarif};
use crate::rule_selection::RuleFilter;
use test_run::{Bench, Subject, faults_of_last_file, reasons_not_to_run, run_test};

const EXAMPLES: &str = "\
Examples:
  bartizan rule test rules/
  bartizan rule test my_rule.test.toml
  bartizan rule test rules/ --require-tests --format junit --output tests.xml

The tests of NAME.toml are in NAME.test.toml beside it: events, and the alerts that the rule must make of them.";

/// Arguments of `bartizan rule test`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files with tests, rules that have such a file beside them, or folders
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    filter: RuleFilter,
    /// Exit with 1 also when a rule has no test
    #[arg(long)]
    require_tests: bool,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the result to this file instead of stdout; what stood there is replaced
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The formats of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// XML for systems that run and show tests
    Junit,
    /// SARIF 2.1.0, for systems that show findings in code
    Sarif,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let found = find(&args.paths)?;
    if let Some(output) = &args.output
        && [&found.tests, &found.rules].into_iter().flatten().any(|path| real(path) == real(output))
    {
        anyhow::bail!("{} is to be read, so it cannot be written to", output.display());
    }
    let enrichment = Enrichment::open(None, None).context("cannot set up enrichment")?;
    let catalog = Catalog::builtin();
    let bench = Bench { catalog: &catalog, enrichment: &enrichment, context };
    let mut report = TestReport { require_tests: args.require_tests, ..TestReport::default() };
    let mut tested: BTreeSet<PathBuf> = BTreeSet::new();
    for path in &found.tests {
        if let Some(file) = run_file(&bench, path, &args.filter, &mut tested)? {
            report.files.push(file);
        }
    }
    for path in found.rules.iter().filter(|path| !tested.contains(&real(path))) {
        let untested = rules_of(path).into_iter().filter(|rule| args.filter.wants(rule));
        report.untested.extend(untested.map(|rule| UntestedRule {
            path: path.clone(),
            rule_id: rule.rule_id,
            name: rule.name,
        }));
    }
    if report.files.is_empty() && report.untested.is_empty() {
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        anyhow::bail!("no tests (files *{FILE_ENDING}) of such rules below {}", paths.join(", "));
    }
    let mut out = context.printer.output(args.output.as_deref())?;
    match args.format {
        Format::Text => report.write_text(&mut out)?,
        Format::Json => report.write_json(&mut out)?,
        Format::Junit => junit::write(&mut out, &report)?,
        Format::Sarif => sarif::write(&mut out, &report)?,
    }
    out.flush()?;
    Ok(report.status())
}

/// Runs the tests of a file. `None` when they are about a rule that is not wanted.
fn run_file(
    bench: &Bench<'_>,
    path: &Path,
    filter: &RuleFilter,
    tested: &mut BTreeSet<PathBuf>,
) -> anyhow::Result<Option<TestedFile>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (text, not_utf8) = match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => (String::new(), Some(error.utf8_error())),
    };
    let mut file =
        TestedFile { path: path.to_owned(), text, rule: None, faults: Vec::new(), tests: Vec::new() };
    let own = |diagnostic, text: &str| Fault { path: path.to_owned(), text: text.to_owned(), diagnostic };
    let read = match not_utf8 {
        None => rule_test::read(&file.text),
        Some(error) => {
            Err(vec![Diagnostic::error("test::not-utf8", format!("the file is no text: {error}"))])
        }
    };
    let tests = match read {
        Ok(tests) => tests,
        Err(faults) => {
            // Its rule has a test, if a faulty one.
            tested.insert(real(&rule_test::RuleTestFile::default().rule_path(path)));
            file.faults = faults.into_iter().map(|fault| own(fault, &file.text)).collect();
            return Ok(Some(file));
        }
    };
    let rule_path = tests.rule_path(path);
    tested.insert(real(&rule_path));
    let mut library = RuleLibrary::default();
    if rule_path.is_file() {
        library.load_file(&rule_path);
        // Whether a rule is switched on says nothing about what it finds.
        library.rules.iter_mut().for_each(|rule| rule.enabled = true);
        if !library.failed.is_empty() || library.rules.is_empty() {
            file.faults = faults_of_last_file(&library);
        }
    }
    if file.faults.is_empty() && library.rules.len() != 1 {
        let message = match library.rules.len() {
            0 => format!("there is no rule in {}", rule_path.display()),
            many => format!("there are {many} rules in {}, and tests are of one", rule_path.display()),
        };
        let place = tests.rule.as_ref().map_or(Span::new(0, file.text.len().min(1)), |rule| rule.span);
        file.faults = vec![own(Diagnostic::error("test::no-rule", message).at(place), &file.text)];
    }
    let Some(rule) = library.rules.first().filter(|_| file.faults.is_empty()) else { return Ok(Some(file)) };
    if !filter.wants(rule) {
        return Ok(None);
    }
    file.rule = Some((rule.rule_id.clone(), rule.name.clone()));
    let subject = Subject { test_file: path, test_text: &file.text, library: &library };
    file.faults = reasons_not_to_run(&Plan::new(&library, bench.catalog, bench.context.now), &subject);
    for test in &tests.tests {
        if !file.faults.is_empty() {
            // Said once of all of them.
            let (name, span) = (test.name.value.clone(), test.name.span);
            file.tests.push(TestOutcome { name, span, verdict: Verdict::NotRun(Vec::new()) });
            continue;
        }
        let verdict = run_test(bench, &subject, test)
            .with_context(|| format!("the test `{}` in {} cannot go on", test.name.value, path.display()))?;
        file.tests.push(TestOutcome { name: test.name.value.clone(), span: test.name.span, verdict });
    }
    Ok(Some(file))
}

/// The files below the given paths, each once, in the order of their names.
#[derive(Debug, Default)]
struct Found {
    tests: Vec<PathBuf>,
    /// TOML files that may hold rules.
    rules: Vec<PathBuf>,
}

fn find(paths: &[PathBuf]) -> anyhow::Result<Found> {
    let (mut found, mut known) = (Found::default(), BTreeSet::new());
    let mut add = |path: PathBuf, found: &mut Found| {
        if known.insert(real(&path)) {
            let is_test = is_test_file(&path);
            if is_test { found.tests.push(path) } else { found.rules.push(path) }
        }
    };
    for path in paths {
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
            let entries = walkdir::WalkDir::new(path).sort_by_file_name().into_iter();
            for entry in entries.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
                let entry =
                    entry.with_context(|| format!("cannot look for tests below {}", path.display()))?;
                let is_toml = entry.path().extension().is_some_and(|ending| ending == "toml");
                if is_toml && !entry.file_type().is_dir() {
                    add(entry.into_path(), &mut found);
                }
            }
            continue;
        }
        let beside = path.with_extension(FILE_ENDING.trim_start_matches('.'));
        if !is_test_file(path) && beside.is_file() {
            add(beside, &mut found);
        }
        add(path.clone(), &mut found);
    }
    Ok(found)
}

/// The rules of a file that has any.
fn rules_of(path: &Path) -> Vec<Rule> {
    let mut library = RuleLibrary::default();
    library.load_file(path);
    library.rules
}

/// The name by which a file is known, however it was reached.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
