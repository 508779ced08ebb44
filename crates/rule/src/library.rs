//! A set of rules from files, folders and the built-in pack, and an account of every file and rule in it.
//!
//! ```text
//!   built-in pack, then files and folders in the order given ──▶ RuleLibrary { rules, failed, replaced, outcomes }
//! ```
//!
//! Invariant: every file ends as one [`FileOutcome`]; every rule in it ends in `rules`, in `failed` or in `replaced`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use query::{Diagnostic, Span};

use crate::builtin;
use crate::error::Error;
use crate::exception::{EVERY_RULE, ExceptionItem, ExceptionList, NamespaceType};
use crate::format::{self, FailedRule, Loaded};
use crate::origin::{Format, Origin};
use crate::rule::Rule;
use crate::rule_test::is_test_file;
use crate::value_list::{ValueList, ValueListType};

/// The largest rule file that is read: 256 MiB. The whole public corpus as one export is about 20 MiB.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Rules with exception lists, and what became of each file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleLibrary {
    /// The rules in force, one for each `rule_id`, in the order in which they were first read.
    pub rules: Vec<Rule>,
    /// Exception lists, one for each `list_id` in each kind of spaces.
    pub exception_lists: Vec<ExceptionList>,
    /// Items of exception lists.
    pub exception_items: Vec<ExceptionItem>,
    /// Value lists, one for each id.
    pub value_lists: Vec<Arc<ValueList>>,
    /// Rules that could not be read.
    pub failed: Vec<FailedRule>,
    /// Rules that gave way to a later one of the same `rule_id`.
    pub replaced: Vec<Replaced>,
    /// What became of each file, in the order of reading.
    pub outcomes: Vec<FileOutcome>,
    /// Where each rule stands in `rules`.
    places: BTreeMap<String, usize>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileOutcome {
    /// The file, or `built-in/<name>`.
    pub path: PathBuf,
    /// How many rules passed.
    pub rules: usize,
    /// How many rules did not.
    pub failed: usize,
    /// How many exception lists and items passed.
    pub exceptions: usize,
    /// How many value lists it is: one or none.
    pub value_lists: usize,
    /// Everything found wrong; spans are places in the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// A rule that gave way to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Of both.
    pub rule_id: String,
    /// Of the rule that gave way.
    pub name: String,
    /// Of the rule that gave way.
    pub version: u32,
    /// Where the rule that gave way was read.
    pub origin: Origin,
    /// The version in force.
    pub by_version: u32,
    /// Where the rule in force was read.
    pub by: Origin,
}

impl Replaced {
    /// True when a user's rule stands for a shipped one, which is as it should be.
    pub fn was_builtin(&self) -> bool {
        self.origin.path.starts_with(builtin::FOLDER)
    }
}

impl RuleLibrary {
    /// The rule pack that comes with the program.
    pub fn builtin() -> Self {
        let mut library = Self::default();
        for (name, text) in builtin::FILES {
            let path = Path::new(builtin::FOLDER).join(name);
            let loaded = format::toml::read(text, &path);
            library.add(path, loaded);
        }
        library
    }

    /// Adds a file, or every `.toml`, `.ndjson` and `.json` file of a folder and the folders in it, in the order of
    /// their names; tests of rules are left out. Links to folders are not followed. A file that is named itself is read
    /// whatever it is called, pipes included.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when `path` itself is not there, [`Error::NoRuleFiles`] when it is a folder without rule
    /// files: both are most likely a slip. What goes wrong within a folder ends in the outcomes.
    pub fn load(&mut self, path: &Path) -> Result<(), Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
            self.load_file(path);
            return Ok(());
        }
        let before = self.outcomes.len();
        for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => {
                    let path = entry.path();
                    let wanted = format_by_name(path).is_some() && !is_test_file(path);
                    if wanted || ValueList::named_by(path).is_some() {
                        self.load_file(path);
                    }
                }
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    self.add(at, failed(Diagnostic::error("rule::unreadable", error.to_string())));
                }
            }
        }
        if self.outcomes.len() == before {
            return Err(Error::NoRuleFiles { path: path.to_owned() });
        }
        Ok(())
    }

    /// Adds the exception lists and value lists of a file or folder, as [`load`](Self::load) does, without the rules
    /// beside them: that those are left out is a warning in the outcome of their file.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`Error::NoExceptions`] when there is nothing but rules.
    pub fn load_exceptions(&mut self, path: &Path) -> Result<(), Error> {
        let mut read = Self::default();
        read.load(path)?;
        let nothing = read.outcomes.iter().all(|outcome| outcome.exceptions + outcome.value_lists == 0);
        let faults = || read.outcomes.iter().flat_map(|outcome| &outcome.diagnostics);
        if nothing && (!read.rules.is_empty() || !faults().any(Diagnostic::is_error)) {
            return Err(Error::NoExceptions { path: path.to_owned() });
        }
        for list in read.exception_lists {
            let path = list.origin.path.clone();
            let found = self.add_exception_list(list);
            note(&mut read.outcomes, &path, found);
        }
        for item in read.exception_items {
            let path = item.origin.path.clone();
            let found = self.add_exception_item(item);
            note(&mut read.outcomes, &path, found);
        }
        for list in read.value_lists {
            let path = list.path.clone();
            let found = self.add_value_list(list);
            note(&mut read.outcomes, &path, found);
        }
        for mut outcome in read.outcomes {
            let left_out = std::mem::take(&mut outcome.rules) + std::mem::take(&mut outcome.failed);
            if left_out > 0 {
                // What is wrong with them does not matter here.
                outcome.diagnostics.clear();
                let rules = if left_out == 1 { "rule is" } else { "rules are" };
                let message =
                    format!("{left_out} {rules} left out: only exceptions are taken from this file");
                outcome.diagnostics.push(Diagnostic::warning("rule::rules-left-out", message));
            }
            self.outcomes.push(outcome);
        }
        Ok(())
    }

    /// Adds a file; that it cannot be read is an outcome too.
    pub fn load_file(&mut self, path: &Path) {
        if let Some((id, list_type)) = ValueList::named_by(path) {
            self.load_value_list(id, Some(list_type), path);
            return;
        }
        let loaded = match read_text(path) {
            Ok(text) => read(&text, path),
            Err(diagnostic) => failed(diagnostic),
        };
        self.add(path.to_owned(), loaded);
    }

    /// Adds a file with one value a line as a value list; that it cannot be read is an outcome too. Without a type, the
    /// exceptions that use it say what its values are.
    pub fn load_value_list(&mut self, id: &str, list_type: Option<ValueListType>, path: &Path) {
        let (list, diagnostics) = match read_text(path) {
            Ok(text) => {
                let (list, diagnostics) = ValueList::read(id, list_type, &text, path);
                (Some(list), diagnostics)
            }
            Err(diagnostic) => (None, vec![diagnostic]),
        };
        let mut outcome = FileOutcome {
            path: path.to_owned(),
            rules: 0,
            failed: 0,
            exceptions: 0,
            value_lists: usize::from(list.is_some()),
            diagnostics,
        };
        outcome.diagnostics.extend(list.and_then(|list| self.add_value_list(Arc::new(list))));
        self.outcomes.push(outcome);
    }

    /// Adds a value list in place of an earlier one of the same id, of which the diagnostic tells.
    pub fn add_value_list(&mut self, list: Arc<ValueList>) -> Option<Diagnostic> {
        let Some(old) = self.value_lists.iter_mut().find(|old| old.id == list.id) else {
            self.value_lists.push(list);
            return None;
        };
        let old = std::mem::replace(old, list);
        let (id, path) = (&old.id, old.path.display());
        let message = format!("the value list `{id}` was read before, from {path}: this one counts");
        Some(Diagnostic::warning("rule::duplicate-list-id", message))
    }

    /// Adds what was read from a file.
    pub fn add(&mut self, path: PathBuf, mut loaded: Loaded) {
        let outcome = FileOutcome {
            path,
            rules: loaded.rules.len(),
            failed: loaded.failed.len(),
            exceptions: loaded.exception_lists.len() + loaded.exception_items.len(),
            value_lists: 0,
            diagnostics: Vec::new(),
        };
        for rule in loaded.rules {
            loaded.diagnostics.extend(self.add_rule(rule));
        }
        for list in loaded.exception_lists {
            loaded.diagnostics.extend(self.add_exception_list(list));
        }
        for item in loaded.exception_items {
            loaded.diagnostics.extend(self.add_exception_item(item));
        }
        self.failed.extend(loaded.failed);
        self.outcomes.push(FileOutcome { diagnostics: loaded.diagnostics, ..outcome });
    }

    /// The rule in force under this id.
    pub fn rule(&self, rule_id: &str) -> Option<&Rule> {
        self.places.get(rule_id).map(|at| &self.rules[*at])
    }

    /// The items of the lists that apply to a rule, expired ones included, and the lists that it refers to and that are
    /// not here. A list applies to the rules that refer to it, and to those that it names itself.
    pub fn exceptions<'a>(&'a self, rule: &'a Rule) -> (Vec<&'a ExceptionItem>, Vec<&'a str>) {
        let mut wanted: Vec<(&str, NamespaceType)> = Vec::new();
        let references = rule.exceptions_list.iter().map(|r| (r.list_id.as_str(), r.namespace_type));
        let naming = self.exception_lists.iter().filter(|list| list.names(rule));
        for list in references.chain(naming.map(|list| (list.list_id.as_str(), list.namespace_type))) {
            if !wanted.contains(&list) {
                wanted.push(list);
            }
        }
        let (mut items, mut missing) = (Vec::new(), Vec::new());
        for (list_id, namespace) in wanted {
            let is_here = |id: &str, its: NamespaceType| id == list_id && its == namespace;
            let known = self.exception_lists.iter().any(|list| is_here(&list.list_id, list.namespace_type));
            let before = items.len();
            items.extend(
                self.exception_items.iter().filter(|item| is_here(&item.list_id, item.namespace_type)),
            );
            if !known && items.len() == before {
                missing.push(list_id);
            }
        }
        (items, missing)
    }

    /// The value list of this id.
    pub fn value_list(&self, id: &str) -> Option<&Arc<ValueList>> {
        self.value_lists.iter().find(|list| list.id == id)
    }

    /// Names in [`ExceptionList::rules`] that are no rule's: most likely they are misspelt.
    pub fn rules_not_found(&self) -> Vec<(&ExceptionList, &str)> {
        let mut not_found = Vec::new();
        for list in &self.exception_lists {
            for name in list.rules.iter().map(String::as_str).filter(|name| *name != EVERY_RULE) {
                if !self.rules.iter().any(|rule| rule.rule_id == name || rule.name == name) {
                    not_found.push((list, name));
                }
            }
        }
        not_found
    }

    /// The later list wins and items of both are kept; the user is told, unless it is the same one read again.
    fn add_exception_list(&mut self, list: ExceptionList) -> Option<Diagnostic> {
        let same =
            |l: &&mut ExceptionList| l.list_id == list.list_id && l.namespace_type == list.namespace_type;
        let Some(old) = self.exception_lists.iter_mut().find(same) else {
            self.exception_lists.push(list);
            return None;
        };
        let old = std::mem::replace(old, list.clone());
        if old.origin == list.origin {
            return None;
        }
        let message = format!(
            "the exception list `{}` was read before, from {}: this one counts, with the items of both",
            list.list_id,
            place(&old.origin)
        );
        Some(Diagnostic::warning("rule::duplicate-list-id", message).at(start(&list.origin)))
    }

    fn add_exception_item(&mut self, item: ExceptionItem) -> Option<Diagnostic> {
        let same = |i: &&mut ExceptionItem| {
            let is_named_alike = i.item_id.is_some() && i.item_id == item.item_id;
            let is_read_again = i.origin == item.origin && i.name == item.name;
            i.list_id == item.list_id
                && i.namespace_type == item.namespace_type
                && (is_named_alike || is_read_again)
        };
        let Some(old) = self.exception_items.iter_mut().find(same) else {
            self.exception_items.push(item);
            return None;
        };
        let old = std::mem::replace(old, item.clone());
        if old.origin == item.origin || old.entries == item.entries {
            return None;
        }
        let message = format!(
            "the exception `{}` was read before, from {}: this one counts",
            item.item_id.as_deref().unwrap_or(&item.name),
            place(&old.origin)
        );
        Some(Diagnostic::warning("rule::duplicate-item-id", message).at(start(&item.origin)))
    }

    /// The later rule wins; the user is told, unless it replaces a shipped one.
    fn add_rule(&mut self, rule: Rule) -> Option<Diagnostic> {
        let Some(at) = self.places.get(&rule.rule_id).copied() else {
            self.places.insert(rule.rule_id.clone(), self.rules.len());
            self.rules.push(rule);
            return None;
        };
        let old = std::mem::replace(&mut self.rules[at], rule);
        let new = &self.rules[at];
        let replaced = Replaced {
            rule_id: old.rule_id,
            name: old.name,
            version: old.version,
            origin: old.origin,
            by_version: new.version,
            by: new.origin.clone(),
        };
        let diagnostic = (!replaced.was_builtin()).then(|| {
            let message = format!(
                "rule {} was read before, from {}: this one counts",
                replaced.rule_id,
                place(&replaced.origin)
            );
            Diagnostic::warning("rule::duplicate-rule-id", message).at(start(&new.origin))
        });
        self.replaced.push(replaced);
        diagnostic
    }
}

/// Adds a finding to the outcome of a file.
fn note(outcomes: &mut [FileOutcome], path: &Path, found: Option<Diagnostic>) {
    if let Some(outcome) = outcomes.iter_mut().find(|outcome| outcome.path == path) {
        outcome.diagnostics.extend(found);
    }
}

/// Where something was read, in words.
fn place(origin: &Origin) -> String {
    format!("{} line {}", origin.path.display(), origin.line)
}

/// The first byte of what was read, to point at.
fn start(origin: &Origin) -> Span {
    Span::new(origin.span.start, (origin.span.start + 1).min(origin.span.end))
}

/// Reads the text of a rule file in the format that its name or, for other names, its content tells.
pub fn read(text: &str, path: &Path) -> Loaded {
    match format_by_name(path).unwrap_or_else(|| format_by_content(text)) {
        Format::Toml => format::toml::read(text, path),
        Format::Json => format::ndjson::read(text, path),
    }
}

/// The text of the file that a rule was read from, to show findings in; built-in files are found by their path.
///
/// # Errors
/// [`Error::Unreadable`] when the file is not there any more, or is no UTF-8.
pub fn source_text(path: &Path) -> Result<Cow<'static, str>, Error> {
    if let Some(text) = builtin::text(path) {
        return Ok(Cow::Borrowed(text));
    }
    let text = std::fs::read_to_string(path);
    text.map(Cow::Owned).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

fn read_text(path: &Path) -> Result<String, Diagnostic> {
    let unreadable =
        |error: io::Error| Diagnostic::error("rule::unreadable", format!("cannot read the file: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_FILE_BYTES / 1024 / 1024);
        return Err(Diagnostic::error("rule::too-large", message).help("split it"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Diagnostic::error("rule::not-utf8", format!("the file is no UTF-8 text: byte {at} is wrong"))
    })
}

fn failed(diagnostic: Diagnostic) -> Loaded {
    Loaded { diagnostics: vec![diagnostic], ..Loaded::default() }
}

fn format_by_name(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "toml" => Some(Format::Toml),
        "ndjson" | "json" | "jsonl" => Some(Format::Json),
        _ => None,
    }
}

fn format_by_content(text: &str) -> Format {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    // TOML may start with `[table]` too, JSON with `[{`.
    let array = start.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', ']']));
    if start.starts_with('{') || array { Format::Json } else { Format::Toml }
}
