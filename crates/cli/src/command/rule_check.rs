//! `bartizan rule check`: everything wrong with rule files, each finding at its place.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ecs::{Catalog, FieldTable, Timestamp};
use engine::{NotRunReason, Plan, RuleOutcome, RuleStatus};
use matcher::Resolver;
use query::{Diagnostic, Severity, Span};
use rule::library::source_text;
use rule::{ExceptionItem, Rule, RuleLibrary, StringLiteral, ValueList};
use serde_json::{Value, json};

use super::{Context, ListFormat};
use crate::diagnostic::{Source, render};
use crate::exit_status::ExitStatus;
use crate::printer::{Output, count, thousands};
use crate::rule_selection;

const EXAMPLES: &str = "\
Examples:
  bartizan rule check ./my-rules
  bartizan rule check ./my_rule.toml --format json";

/// Arguments of `bartizan rule check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Rule files, or folders with such files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The format of the findings
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
    /// Exit with 2 also when a rule is of a type that cannot be run yet
    #[arg(long)]
    strict: bool,
}

/// The findings about one file, with the text that their spans count in.
struct CheckedFile {
    path: PathBuf,
    text: String,
    rules: usize,
    failed: usize,
    findings: Vec<Finding>,
}

struct Finding {
    rule_id: Option<String>,
    diagnostic: Diagnostic,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let mut library = RuleLibrary::default();
    for path in once_each(&args.paths) {
        library.load(path).context("cannot check rules")?;
    }
    let catalog = Catalog::builtin();
    // Of the rules that could be read; the others are in the library's own account.
    let mut rules = library.rules.clone();
    let outcomes_of = |rules: Vec<Rule>| {
        Plan::new(&rule_selection::of_rules(rules, &library), &catalog, context.now).outcomes
    };
    let mut outcomes = outcomes_of(rules.clone());
    // A plan has one rule of each id: those that gave way to a later one need plans of their own.
    let mut replaced = replaced_rules(&library);
    while !replaced.is_empty() {
        let mut ids = BTreeSet::new();
        let (now, later): (Vec<Rule>, Vec<Rule>) =
            replaced.into_iter().partition(|rule| ids.insert(rule.rule_id.clone()));
        outcomes.extend(outcomes_of(now.clone()));
        rules.extend(now);
        replaced = later;
    }
    let files = check(&library, &rules, &outcomes, &catalog, context.now);
    let tally = Tally::of(&library, &outcomes, &files);

    let mut out = context.printer.stdout();
    match args.format {
        ListFormat::Text => write_text(&mut out, &files, &tally)?,
        ListFormat::Json => write_json(&mut out, &files, &tally)?,
    }
    out.flush()?;
    let incomplete = tally.cannot_run > 0 || tally.errors > 0 || (args.strict && tally.not_yet > 0);
    Ok(if incomplete { ExitStatus::CouldNotRun } else { ExitStatus::Done })
}

/// The paths without those that lead to what another one leads to as well: the same file or folder, or something in a
/// folder that is given too.
fn once_each(paths: &[PathBuf]) -> Vec<&Path> {
    // What is not there, and a pipe, has no other name.
    let real: Vec<PathBuf> =
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    let is_new = |at: usize| {
        let path = &real[at];
        // From a folder only files with the names of rule files are read.
        let read_from_folder = path.is_dir() || has_name_of_rule_file(path);
        let lies_below = |other: &PathBuf| other != path && other.is_dir() && path.starts_with(other);
        let is_known = real[..at].contains(path) || (read_from_folder && real.iter().any(lies_below));
        !is_known
    };
    paths.iter().enumerate().filter(|(at, _)| is_new(*at)).map(|(_, path)| path.as_path()).collect()
}

fn has_name_of_rule_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["toml", "ndjson", "json", "jsonl"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        || ValueList::named_by(path).is_some()
}

/// The rules that gave way to a later one of the same id, read again: a file's faults do not depend on the files beside
/// it.
fn replaced_rules(library: &RuleLibrary) -> Vec<Rule> {
    let mut files: BTreeMap<&Path, Vec<Rule>> = BTreeMap::new();
    library
        .replaced
        .iter()
        // A file that was given twice replaces itself.
        .filter(|replaced| replaced.origin != replaced.by)
        .filter_map(|replaced| {
            let path = replaced.origin.path.as_path();
            let rules = files.entry(path).or_insert_with(|| {
                source_text(path).map(|text| rule::library::read(&text, path).rules).unwrap_or_default()
            });
            rules.iter().find(|rule| rule.origin == replaced.origin).cloned()
        })
        .collect()
}

fn check(
    library: &RuleLibrary,
    rules: &[Rule],
    outcomes: &[RuleOutcome],
    catalog: &Catalog,
    now: Timestamp,
) -> Vec<CheckedFile> {
    let mut by_file: BTreeMap<&Path, Vec<(&Rule, &RuleOutcome)>> = BTreeMap::new();
    for (rule, outcome) in rules.iter().zip(outcomes) {
        by_file.entry(&rule.origin.path).or_default().push((rule, outcome));
    }
    let mut files = Vec::new();
    for outcome in &library.outcomes {
        // A file that cannot be read has a finding that says so, and no text to show it in.
        let text = source_text(&outcome.path).map(|text| text.into_owned()).unwrap_or_default();
        let mut findings: Vec<Finding> = outcome
            .diagnostics
            .iter()
            .map(|diagnostic| Finding { rule_id: None, diagnostic: diagnostic.clone() })
            .collect();
        for (rule, rule_outcome) in by_file.get(outcome.path.as_path()).into_iter().flatten().copied() {
            let mut found = rule::check::check(rule, &text, catalog);
            for diagnostic in resolving(rule_outcome) {
                if !found
                    .iter()
                    .any(|known| known.code == diagnostic.code && known.message == diagnostic.message)
                {
                    found.push(in_file(diagnostic, rule, &text));
                }
            }
            findings.extend(
                found
                    .into_iter()
                    .map(|diagnostic| Finding { rule_id: Some(rule.rule_id.clone()), diagnostic }),
            );
        }
        for item in library.exception_items.iter().filter(|item| item.origin.path == outcome.path) {
            let found = rule::check::check_exception(item, &text, catalog).into_iter();
            let found = found.chain(not_applied(item, library, catalog, now));
            findings.extend(found.map(|diagnostic| Finding { rule_id: None, diagnostic }));
        }
        findings.sort_by_key(|finding| finding.diagnostic.span.map(|span| (span.start, span.end)));
        let (path, rules, failed) = (outcome.path.clone(), outcome.rules, outcome.failed);
        files.push(CheckedFile { path, text, rules, failed, findings });
    }
    files
}

/// What keeps an exception from being applied, at the place where it starts.
fn not_applied(
    item: &ExceptionItem,
    library: &RuleLibrary,
    catalog: &Catalog,
    now: Timestamp,
) -> Vec<Diagnostic> {
    let mut table = FieldTable::new();
    let mut resolver = Resolver::new(catalog, &mut table, now).with_value_lists(&library.value_lists);
    let resolved = resolver.exception(item);
    let how = if resolved.is_ok() { "" } else { " does not apply" };
    let start = item.origin.span.start;
    let place = Span::new(start, (start + 1).min(item.origin.span.end));
    let mut found = resolved.diagnostics;
    for diagnostic in &mut found {
        diagnostic.message = format!("the exception `{}`{how}: {}", item.name, diagnostic.message);
        diagnostic.span = Some(place);
        // Value lists are files of their own, which need not be checked along.
        if diagnostic.code == "rule::value-list" {
            diagnostic.severity = Severity::Warning;
        }
    }
    found
}

/// What was found when the rule was made ready to run; spans are places in its query.
fn resolving(outcome: &RuleOutcome) -> &[Diagnostic] {
    match &outcome.status {
        RuleStatus::NotRun(NotRunReason::Errors(found)) => found,
        _ => &outcome.warnings,
    }
}

/// A finding about a query as one about the file that the query stands in.
pub(super) fn in_file(diagnostic: &Diagnostic, rule: &Rule, text: &str) -> Diagnostic {
    let places = rule::format::places(text, rule.origin.format, rule.origin.span);
    let query = places.value("query");
    let literal = query.and_then(|span| StringLiteral::read(text, span));
    let span: Option<Span> = match (diagnostic.span, literal) {
        (Some(span), Some(literal)) => Some(literal.in_file(span)),
        _ => query.or_else(|| places.nearest("name")),
    };
    Diagnostic { span, ..diagnostic.clone() }
}

/// What the findings sum up to.
struct Tally {
    rules: usize,
    /// Rules by type, those that could not be read left out.
    types: BTreeMap<&'static str, u64>,
    run: u64,
    /// Rules that cannot run because something is wrong with them, unreadable ones included.
    cannot_run: u64,
    /// Rules that are not run for another reason, by reason.
    not_run: BTreeMap<String, u64>,
    /// Of these, rules of types that cannot be run yet.
    not_yet: u64,
    replaced: usize,
    /// Exception lists, their items, and value lists.
    exceptions: [u64; 3],
    errors: u64,
    warnings: u64,
    notes: u64,
}

impl Tally {
    fn of(library: &RuleLibrary, outcomes: &[RuleOutcome], files: &[CheckedFile]) -> Self {
        let findings = || files.iter().flat_map(|file| &file.findings);
        let of_severity = |severity| findings().filter(|f| f.diagnostic.severity == severity).count() as u64;
        let mut tally = Self {
            rules: outcomes.len() + library.failed.len(),
            types: BTreeMap::new(),
            run: 0,
            cannot_run: library.failed.len() as u64,
            not_run: BTreeMap::new(),
            not_yet: 0,
            replaced: library.replaced.len(),
            exceptions: [
                library.exception_lists.len() as u64,
                library.exception_items.len() as u64,
                library.value_lists.len() as u64,
            ],
            errors: of_severity(Severity::Error),
            warnings: of_severity(Severity::Warning),
            notes: of_severity(Severity::Note),
        };
        for outcome in outcomes {
            *tally.types.entry(outcome.rule_type).or_default() += 1;
            match &outcome.status {
                RuleStatus::Ran => tally.run += 1,
                RuleStatus::NotRun(reason) if reason.is_failure() => tally.cannot_run += 1,
                RuleStatus::NotRun(reason) => {
                    *tally.not_run.entry(reason.kind()).or_default() += 1;
                    tally.not_yet += u64::from(matches!(reason, NotRunReason::RuleType(_)));
                }
            }
        }
        tally
    }
}

fn write_text(out: &mut Output, files: &[CheckedFile], tally: &Tally) -> io::Result<()> {
    let color = out.is_colored();
    for file in files.iter().filter(|file| !file.findings.is_empty()) {
        let source = Source::new(&file.text);
        for finding in &file.findings {
            writeln!(out, "{}\n", render(&finding.diagnostic, &file.path, &source, color))?;
        }
    }
    let counts = |counts: &mut dyn Iterator<Item = (&str, u64)>| {
        counts.map(|(name, number)| format!("{name} {}", thousands(number))).collect::<Vec<_>>().join(", ")
    };
    let rules = count(tally.rules as u64, "rule", "rules");
    let types = match tally.types.is_empty() {
        true => String::new(),
        false => format!(": {}", counts(&mut tally.types.iter().map(|(t, n)| (*t, *n)))),
    };
    writeln!(out, "{rules} in {}{types}", count(files.len() as u64, "file", "files"))?;
    if tally.exceptions != [0; 3] {
        let [lists, items, value_lists] = tally.exceptions;
        let lists = count(lists, "exception list", "exception lists");
        let items = count(items, "item", "items");
        writeln!(out, "{lists} with {items}, {}", count(value_lists, "value list", "value lists"))?;
    }
    write!(out, "{} can run, {} cannot run", thousands(tally.run), thousands(tally.cannot_run))?;
    if !tally.not_run.is_empty() {
        let not_run = counts(&mut tally.not_run.iter().map(|(reason, n)| (reason.as_str(), *n)));
        write!(out, ", {} not run: {not_run}", thousands(tally.not_run.values().sum()))?;
    }
    writeln!(out)?;
    if tally.replaced > 0 {
        let replaced = count(tally.replaced as u64, "rule gives", "rules give");
        writeln!(out, "{replaced} way to a later one of the same id")?;
    }
    writeln!(
        out,
        "{}, {}, {}",
        count(tally.errors, "error", "errors"),
        count(tally.warnings, "warning", "warnings"),
        count(tally.notes, "note", "notes")
    )
}

fn write_json(out: &mut Output, files: &[CheckedFile], tally: &Tally) -> io::Result<()> {
    let files: Vec<Value> = files
        .iter()
        .map(|file| {
            let source = Source::new(&file.text);
            let findings: Vec<Value> = file.findings.iter().map(|finding| finding_json(finding, &source)).collect();
            json!({"file": file.path.to_string_lossy(), "rules": file.rules, "failed": file.failed, "findings": findings})
        })
        .collect();
    let summary = json!({
        "rules": tally.rules, "types": tally.types, "can_run": tally.run, "cannot_run": tally.cannot_run,
        "not_run": tally.not_run, "replaced": tally.replaced,
        "exception_lists": tally.exceptions[0], "exceptions": tally.exceptions[1], "value_lists": tally.exceptions[2],
        "errors": tally.errors, "warnings": tally.warnings, "notes": tally.notes,
    });
    serde_json::to_writer_pretty(&mut *out, &json!({"files": files, "summary": summary}))?;
    writeln!(out)
}

fn finding_json(Finding { rule_id, diagnostic }: &Finding, source: &Source<'_>) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut object = json!({
        "code": diagnostic.code, "severity": severity, "message": diagnostic.message, "rule_id": rule_id,
        "label": diagnostic.label, "help": diagnostic.help,
    });
    if let Some(span) = diagnostic.span {
        let ((line, column), (end_line, end_column)) =
            (source.position(span.start), source.position(span.end));
        object["place"] =
            json!({"line": line, "column": column, "end_line": end_line, "end_column": end_column});
    }
    object
}
