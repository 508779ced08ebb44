//! The rules in force: rule files brought into the state, and the state's enabled rules made ready to run.
//!
//! A file that no longer passes keeps its former version running, with the fault noted at the rule. A file that is gone
//! takes its rules with it. Rules that came by the API stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ecs::{Catalog, Timestamp};
use engine::{Plan, RuleStatus};
use rule::format::Loaded;
use rule::origin::Format;
use rule::{Rule, RuleLibrary};
use state::{Actor, RuleDraft, RuleFormat, Store, StoredRule};

use crate::error::ServerError;

/// What the API notes as the origin of rules: they are in no file.
const OTHER_ORIGINS: [&str; 2] = ["api", "import"];

/// Where rules come from that are kept as files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleFiles {
    /// Files and folders: rules, exception lists, value lists.
    pub paths: Vec<PathBuf>,
    /// The pack that comes with the program as well.
    pub builtin: bool,
}

/// Which files there are, and when each was changed last.
pub type FileVersions = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

impl RuleFiles {
    /// The versions of all files, also of those below folders. What cannot be looked at is left out.
    pub fn versions(&self) -> FileVersions {
        let mut versions = FileVersions::new();
        let mut waiting = self.paths.clone();
        while let Some(path) = waiting.pop() {
            let Ok(known) = std::fs::metadata(&path) else { continue };
            if known.is_dir() {
                let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
                // A link to a folder could lead back to it; rules are not read through it either.
                let followed = entries.filter(|entry| {
                    !entry.path().is_dir() || entry.file_type().is_ok_and(|kind| kind.is_dir())
                });
                waiting.extend(followed.map(|entry| entry.path()));
            }
            versions.insert(path, (known.len(), known.modified().ok()));
        }
        versions
    }
}

/// The rules in force.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// Enabled rules, and all exception and value lists.
    pub library: Arc<RuleLibrary>,
    /// What is wrong with files and stored texts, a sentence each.
    pub faults: Vec<String>,
    /// Enabled rules that cannot be run, by id, and why.
    pub not_run: BTreeMap<String, String>,
}

/// Reads the files again, brings the state up to date with them, and gives what is to be run from now on.
///
/// # Errors
/// When the state cannot be read or written. What is wrong with files is in [`RuleSet::faults`].
pub async fn load_rules(
    files: &RuleFiles,
    store: &dyn Store,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<RuleSet, ServerError> {
    let by = Actor::system("rules-folder");
    let (mut from_files, mut faults) = read_files(files);
    let stored: BTreeMap<String, StoredRule> =
        store.rules().await?.into_iter().map(|rule| (rule.rule_id.clone(), rule)).collect();
    let mut seen = BTreeSet::new();
    let (of_files, for_plan) = (from_files.clone(), catalog.clone());
    let faulty = tokio::task::spawn_blocking(move || faulty_rules(&of_files, &for_plan, now));
    let faulty = faulty.await.map_err(|error| ServerError::Defect(error.to_string()))?;
    for rule in &from_files.rules {
        seen.insert(rule.rule_id.clone());
        if let Some(reason) = faulty.get(&rule.rule_id)
            && stored.contains_key(&rule.rule_id)
        {
            let reason = format!("{}: {reason}", rule.origin.path.display());
            store.set_rule_fault(&rule.rule_id, Some(&reason), &by, now).await?;
            faults.push(reason);
            continue;
        }
        let Some((source, format)) = source_of(rule) else {
            faults.push(format!("{}: the rule's text can no longer be read", rule.origin.path.display()));
            continue;
        };
        let is_new = !stored.contains_key(&rule.rule_id);
        let draft = RuleDraft {
            rule_id: rule.rule_id.clone(),
            name: rule.name.clone(),
            source,
            format,
            origin: rule.origin.path.display().to_string(),
            enabled: is_new.then_some(rule.enabled),
        };
        store.put_rule(draft, &by, now).await?;
    }
    for failed in &from_files.failed {
        let path = failed.origin.path.display().to_string();
        let of_file = |rule: &&StoredRule| {
            failed.rule_id.as_ref().map_or(rule.origin == path, |id| *id == rule.rule_id)
        };
        let reason = format!("{path}:{}: {}", failed.origin.line, failed.reason);
        for rule in stored.values().filter(of_file) {
            seen.insert(rule.rule_id.clone());
            store.set_rule_fault(&rule.rule_id, Some(&reason), &by, now).await?;
        }
        faults.push(reason);
    }
    for (path, reason) in unreadable_files(&from_files) {
        for rule in stored.values().filter(|rule| rule.origin == path) {
            if seen.insert(rule.rule_id.clone()) {
                store.set_rule_fault(&rule.rule_id, Some(&reason), &by, now).await?;
            }
        }
        faults.push(reason);
    }
    for rule in stored.values() {
        let is_from_file = !OTHER_ORIGINS.contains(&rule.origin.as_str());
        if is_from_file && !seen.contains(&rule.rule_id) {
            store.delete_rule(&rule.rule_id, &by, now).await?;
        }
    }
    let mut library = RuleLibrary::default();
    for rule in store.rules().await?.into_iter().filter(|rule| rule.enabled) {
        let path = PathBuf::from(&rule.origin);
        let loaded = parse(&rule.source, rule.format, &path);
        if loaded.rules.is_empty() {
            faults.push(format!("rule {}: its stored text cannot be read", rule.rule_id));
        }
        library.add(path, Loaded { rules: loaded.rules, ..Loaded::default() });
    }
    library.exception_lists = std::mem::take(&mut from_files.exception_lists);
    library.exception_items = std::mem::take(&mut from_files.exception_items);
    library.value_lists = std::mem::take(&mut from_files.value_lists);
    add_stored_lists(store, &mut library, &mut faults).await?;
    let catalog = catalog.clone();
    // Queries are planned on a runtime of their own.
    let sorted = tokio::task::spawn_blocking(move || without_those_that_do_not_run(library, &catalog, now));
    let (library, not_run) = sorted.await.map_err(|error| ServerError::Defect(error.to_string()))?;
    Ok(RuleSet { library: Arc::new(library), faults, not_run })
}

/// Rules that can be read but not planned, and why: their queries have errors.
fn faulty_rules(library: &RuleLibrary, catalog: &Catalog, now: Timestamp) -> BTreeMap<String, String> {
    let outcomes = Plan::new(library, catalog, now).outcomes.into_iter();
    let faulty = outcomes.filter_map(|outcome| match outcome.status {
        RuleStatus::NotRun(reason) if reason.is_failure() => Some((outcome.rule_id, reason.to_string())),
        _ => None,
    });
    faulty.collect()
}

fn without_those_that_do_not_run(
    library: RuleLibrary,
    catalog: &Catalog,
    now: Timestamp,
) -> (RuleLibrary, BTreeMap<String, String>) {
    let mut not_run = BTreeMap::new();
    for outcome in Plan::new(&library, catalog, now).outcomes {
        if let RuleStatus::NotRun(reason) = outcome.status {
            not_run.insert(outcome.rule_id, reason.to_string());
        }
    }
    if not_run.is_empty() {
        return (library, not_run);
    }
    (part_of(&library, |rule| !not_run.contains_key(&rule.rule_id)), not_run)
}

/// Some rules of a library, with all its lists.
pub(crate) fn part_of(library: &RuleLibrary, wanted: impl Fn(&Rule) -> bool) -> RuleLibrary {
    let mut part = RuleLibrary::default();
    let rules = library.rules.iter().filter(|rule| wanted(rule)).cloned().collect();
    part.add(PathBuf::new(), Loaded { rules, ..Loaded::default() });
    part.exception_lists = library.exception_lists.clone();
    part.exception_items = library.exception_items.clone();
    part.value_lists = library.value_lists.clone();
    part
}

fn parse(source: &str, format: RuleFormat, path: &Path) -> Loaded {
    match format {
        RuleFormat::Toml => rule::format::toml::read(source, path),
        RuleFormat::Json => rule::format::ndjson::read(source, path),
    }
}

fn read_files(files: &RuleFiles) -> (RuleLibrary, Vec<String>) {
    let mut library = if files.builtin { RuleLibrary::builtin() } else { RuleLibrary::default() };
    let mut faults = Vec::new();
    for path in &files.paths {
        if let Err(error) = library.load(path) {
            let reason =
                std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
            faults.push(format!("{error}{reason}"));
        }
    }
    (library, faults)
}

/// Files in which nothing could be read as a rule, with the first reason.
fn unreadable_files(library: &RuleLibrary) -> Vec<(String, String)> {
    let mut unreadable = Vec::new();
    for outcome in &library.outcomes {
        let first = outcome.diagnostics.iter().find(|found| found.is_error());
        if let Some(first) = first.filter(|_| outcome.rules + outcome.failed == 0) {
            let path = outcome.path.display().to_string();
            unreadable.push((path.clone(), format!("{path}: {}", first.message)));
        }
    }
    unreadable
}

/// The text of one rule, cut out of its file.
fn source_of(rule: &Rule) -> Option<(String, RuleFormat)> {
    let text = rule::library::source_text(&rule.origin.path).ok()?;
    let source = text.get(rule.origin.span.start..rule.origin.span.end)?.to_owned();
    let format = match rule.origin.format {
        Format::Toml => RuleFormat::Toml,
        Format::Json => RuleFormat::Json,
    };
    Some((source, format))
}

/// Lists that came by the API count beside those of files; of the same id, they come first.
async fn add_stored_lists(
    store: &dyn Store,
    library: &mut RuleLibrary,
    faults: &mut Vec<String>,
) -> Result<(), ServerError> {
    let mut text = String::new();
    for list in store.exception_lists().await? {
        library.exception_lists.retain(|other| other.list_id != list.id);
        library.exception_items.retain(|item| item.list_id != list.id);
        text.push_str(&format!("{}\n", list.document));
        for item in store.exception_items(&list.id).await? {
            text.push_str(&format!("{}\n", item.document));
        }
    }
    let loaded = match text.as_str() {
        "" => Loaded::default(),
        text => rule::format::ndjson::read(text, Path::new("api/exceptions")),
    };
    let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
    faults.extend(errors.map(|found| format!("a stored exception: {}", found.message)));
    library.exception_lists.extend(loaded.exception_lists);
    library.exception_items.extend(loaded.exception_items);
    for list in store.value_lists().await? {
        let list_type = list.document.get("type").and_then(|name| name.as_str()).and_then(value_list_type);
        let (mut values, mut after) = (String::new(), None::<String>);
        loop {
            let page = store.values(&list.id, after.as_deref(), 10_000).await?;
            for value in &page.items {
                values.push_str(value);
                values.push('\n');
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let (read, diagnostics) =
            rule::ValueList::read(&list.id, list_type, &values, Path::new("api/value-lists"));
        let errors = diagnostics.iter().filter(|found| found.is_error());
        faults.extend(errors.map(|found| format!("value list {}: {}", list.id, found.message)));
        library.add_value_list(Arc::new(read));
    }
    Ok(())
}

fn value_list_type(name: &str) -> Option<rule::ValueListType> {
    name.parse().ok()
}
