//! Which rules a command works on: where they are read, and which of them are wanted.

use std::path::{Path, PathBuf};

use anyhow::Context;
use matcher::{Fold, Glob};
use rule::format::Loaded;
use rule::{Rule, RuleLibrary, Severity, ValueList, ValueListType};

use crate::args;
use crate::printer::Printer;

/// Where rules are read.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct RuleSource {
    /// Rules to add: a folder, or a file (.toml of detection-rules, .ndjson or .json of a Kibana export). A rule
    /// replaces an earlier one of the same id, built-in ones included
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// Leave out the rules that come with the program
    #[arg(long)]
    pub(crate) no_builtin_rules: bool,
    /// Take rules that their files disable as if they were enabled
    #[arg(long)]
    pub(crate) include_disabled: bool,
    /// Exception lists to add: a file (our TOML form, or .ndjson of a Kibana export), or a folder with such files and
    /// with value lists named as offices.ip_range.txt
    #[arg(long, value_name = "PATH")]
    pub(crate) exceptions: Vec<PathBuf>,
    /// A value list for exceptions: a file with one value a line. TYPE is keyword, ip, ip_range or text
    #[arg(long, value_name = "[ID[:TYPE]=]FILE", value_parser = value_list_source)]
    pub(crate) value_list: Vec<ValueListSource>,
}

/// A file with a value list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueListSource {
    id: String,
    /// `None` when the exceptions that use it say so.
    list_type: Option<ValueListType>,
    path: PathBuf,
}

/// Reads `ID:TYPE=FILE`, `ID=FILE`, or a file alone, whose name then gives the id: all of it, as in Kibana, or the
/// first part of a name such as `offices.ip_range.txt`.
fn value_list_source(text: &str) -> Result<ValueListSource, String> {
    let Some((name, path)) = text.split_once('=') else {
        let path = PathBuf::from(text);
        let (id, list_type) = match ValueList::named_by(&path) {
            Some((id, list_type)) => (id.to_owned(), Some(list_type)),
            None => {
                let name = path.file_name().ok_or("no file, and no id of a value list either")?;
                (name.to_string_lossy().into_owned(), None)
            }
        };
        return Ok(ValueListSource { id, list_type, path });
    };
    let (id, list_type) = match name.rsplit_once(':') {
        Some((id, list_type)) => (id, Some(list_type.parse()?)),
        None => (name, None),
    };
    if id.is_empty() || path.is_empty() {
        return Err("a value list is given as ID=FILE or ID:TYPE=FILE".to_owned());
    }
    Ok(ValueListSource { id: id.to_owned(), list_type, path: PathBuf::from(path) })
}

/// Which rules are wanted.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct RuleFilter {
    /// Only rules of at least this severity
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity())]
    pub(crate) severity: Option<Severity>,
    /// Only rules with this tag; `*` stands for any text. Of several one is enough
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Only rules with this id or name; `*` stands for any text. Of several one is enough
    #[arg(long, value_name = "ID-OR-NAME")]
    pub(crate) rule: Vec<String>,
}

impl RuleSource {
    /// Reads the rules. Rules and files that cannot be read are in the library's account.
    pub(crate) fn load(&self) -> anyhow::Result<RuleLibrary> {
        let mut library = if self.no_builtin_rules { RuleLibrary::default() } else { RuleLibrary::builtin() };
        for path in &self.rules {
            library.load(path).context("cannot load rules")?;
        }
        for path in &self.exceptions {
            library.load_exceptions(path).context("cannot load exceptions")?;
        }
        for list in &self.value_list {
            let path = &list.path;
            let kind = std::fs::metadata(path)
                .with_context(|| format!("cannot read the value list {}", path.display()))?;
            if kind.is_dir() {
                anyhow::bail!(
                    "--value-list {}: a folder; --exceptions reads value lists in folders",
                    path.display()
                );
            }
            library.load_value_list(&list.id, list.list_type, path);
        }
        if self.include_disabled {
            library.rules.iter_mut().for_each(|rule| rule.enabled = true);
        }
        Ok(library)
    }
}

/// Says what is odd about the exceptions that were loaded, where no rule's account does.
pub(crate) fn warn_of_exceptions(library: &RuleLibrary, printer: &Printer) {
    for outcome in library.outcomes.iter().filter(|o| o.rules + o.failed == 0) {
        for found in outcome.diagnostics.iter().filter(|found| !found.is_error()) {
            printer.warn(format!("{}: {}", outcome.path.display(), found.message));
        }
    }
    for (list, name) in library.rules_not_found() {
        let list = &list.list_id;
        printer.warn(format!(
            "the exception list `{list}` names the rule `{name}`, and no rule of this id or name is loaded"
        ));
    }
}

impl RuleFilter {
    /// Is the rule wanted?
    pub(crate) fn wants(&self, rule: &Rule) -> bool {
        self.severity.is_none_or(|least| rule.severity >= least)
            && (self.tag.is_empty() || self.tag.iter().any(|tag| rule.tags.iter().any(|own| like(tag, own))))
            && (self.rule.is_empty()
                || self.rule.iter().any(|name| like(name, &rule.rule_id) || like(name, &rule.name)))
    }

    /// The wanted rules of a library, with its exception lists.
    ///
    /// # Errors
    /// When a given tag or name fits no rule at all: most likely it is misspelt.
    pub(crate) fn select(&self, library: &RuleLibrary) -> anyhow::Result<RuleLibrary> {
        for name in &self.rule {
            if !library.rules.iter().any(|rule| like(name, &rule.rule_id) || like(name, &rule.name)) {
                anyhow::bail!("--rule {name}: no rule has this id or name ({} loaded)", library.rules.len());
            }
        }
        for tag in &self.tag {
            if !library.rules.iter().any(|rule| rule.tags.iter().any(|own| like(tag, own))) {
                anyhow::bail!("--tag {tag}: no rule has this tag ({} loaded)", library.rules.len());
            }
        }
        let wanted = library.rules.iter().filter(|rule| self.wants(rule)).cloned().collect();
        Ok(of_rules(wanted, library))
    }
}

/// A library of some rules of another one, with its exception lists and value lists.
pub(crate) fn of_rules(rules: Vec<Rule>, library: &RuleLibrary) -> RuleLibrary {
    let loaded = Loaded {
        rules,
        exception_lists: library.exception_lists.clone(),
        exception_items: library.exception_items.clone(),
        ..Loaded::default()
    };
    let mut selected = RuleLibrary::default();
    selected.add(PathBuf::new(), loaded);
    selected.value_lists.clone_from(&library.value_lists);
    selected
}

/// The one rule that a user names: by its id, its name, a pattern for one of these, or the path of its file.
pub(crate) fn one_rule<'l>(name: &str, library: &'l RuleLibrary) -> anyhow::Result<&'l Rule> {
    let by_file = |rule: &&Rule| rule.origin.path == Path::new(name);
    let exact: Vec<&Rule> =
        library.rules.iter().filter(|r| r.rule_id == name || r.name == name || by_file(r)).collect();
    let found = match exact.is_empty() {
        true => {
            library.rules.iter().filter(|rule| like(name, &rule.rule_id) || like(name, &rule.name)).collect()
        }
        false => exact,
    };
    match found[..] {
        [] => anyhow::bail!(
            "no rule has the id, name or file `{name}`; `bartizan rule list` shows those that are loaded"
        ),
        [rule] => Ok(rule),
        [..] => {
            let names: Vec<String> =
                found.iter().take(10).map(|r| format!("{} ({})", r.rule_id, r.name)).collect();
            let more = found.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            anyhow::bail!("`{name}` fits {} rules: {}{more}", found.len(), names.join(", "))
        }
    }
}

/// Reads a rule that is named by its file beside those that are loaded.
pub(crate) fn load_if_file(name: &str, library: &mut RuleLibrary) {
    if Path::new(name).is_file() {
        library.load_file(Path::new(name));
    }
}

/// Case does not count; `*` stands for any text and `?` for one character.
fn like(pattern: &str, text: &str) -> bool {
    Glob::from_wildcard(pattern, Fold::Lower).matches(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(severity: Option<Severity>, tag: &[&str], rule: &[&str]) -> RuleFilter {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        RuleFilter { severity, tag: own(tag), rule: own(rule) }
    }

    #[test]
    fn value_lists_are_given_by_id_type_and_file() {
        let source = |id: &str, list_type, path: &str| {
            Some(ValueListSource { id: id.to_owned(), list_type, path: PathBuf::from(path) })
        };
        for (text, expected) in [
            ("ours=x/y.txt", source("ours", None, "x/y.txt")),
            ("ours:ip=y", source("ours", Some(ValueListType::Ip), "y")),
            ("a:b:text=y=z", source("a:b", Some(ValueListType::Text), "y=z")),
            (
                "x/offices.ip_range.txt",
                source("offices", Some(ValueListType::IpRange), "x/offices.ip_range.txt"),
            ),
            ("x/offices.txt", source("offices.txt", None, "x/offices.txt")),
            ("ours:ips=y", None),
            ("=y", None),
            (":ip=y", None),
            ("ours=", None),
            ("..", None),
        ] {
            assert_eq!(value_list_source(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn rules_are_selected_by_severity_tag_and_name() {
        let library = RuleLibrary::builtin();
        let all = library.rules.len();
        for (filter, expected) in [
            (filter(None, &[], &[]), all),
            (filter(Some(Severity::Low), &[], &[]), all),
            (filter(Some(Severity::Critical), &[], &[]), 0),
            (filter(None, &[], &["f6fee40d-8a5e-4cc8-9f73-8688419c6d68"]), 1),
            (filter(None, &[], &["aws kms imported key material deleted", "6951f15e-*"]), 2),
            (filter(None, &["data source: aws kms"], &[]), all - 1),
        ] {
            assert_eq!(filter.select(&library).unwrap().rules.len(), expected, "{filter:?}");
        }
        assert!(filter(None, &["No such tag"], &[]).select(&library).is_err());
        assert!(filter(None, &[], &["no such rule"]).select(&library).is_err());
    }

    #[test]
    fn one_rule_is_named_by_id_name_or_pattern() {
        let library = RuleLibrary::builtin();
        let id = "f6fee40d-8a5e-4cc8-9f73-8688419c6d68";
        for name in [
            id,
            "AWS KMS Imported Key Material Deleted",
            "*imported key material deleted",
            "built-in/aws_kms_imported_key_material_deleted.toml",
        ] {
            assert_eq!(one_rule(name, &library).unwrap().rule_id, id, "{name}");
        }
        assert!(one_rule("*", &library).unwrap_err().to_string().contains("fits"));
        assert!(one_rule("nothing", &library).is_err());
    }
}
