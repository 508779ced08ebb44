//! The exceptions and value lists of a test, beside its rule.

use std::path::Path;
use std::sync::Arc;

use engine::Plan;
use query::Diagnostic;
use rule::rule_test::{GivenExceptions, RuleTest};
use rule::{Format, Origin, RuleLibrary, ValueList};

use super::test_run::{Subject, faults_of_last_file};
use crate::reporter::rule_tests::Fault;

/// The rule with the exception lists, and their value lists, of the test.
pub(super) fn with_exceptions(
    subject: &Subject<'_>,
    test: &RuleTest,
    folder: &Path,
) -> Result<RuleLibrary, Vec<Fault>> {
    let mut library = subject.library.clone();
    let mut faults = Vec::new();
    let fault =
        |message: String, place| subject.fault(Diagnostic::error("test::exceptions", message).at(place));
    let at = |diagnostic: Diagnostic, place| Fault {
        path: subject.test_file.to_owned(),
        text: subject.test_text.to_owned(),
        diagnostic: Diagnostic { span: Some(place), ..diagnostic },
    };
    for given in &test.value_lists {
        let text = given.values.join("\n");
        let (list, found) = ValueList::read(&given.id.value, given.list_type, &text, subject.test_file);
        library.add_value_list(Arc::new(list));
        faults.extend(found.into_iter().map(|diagnostic| at(diagnostic, given.id.span)));
    }
    for (number, given) in (1..).zip(&test.exceptions) {
        let file = match given {
            GivenExceptions::File(file) => file,
            GivenExceptions::Item(item) => {
                let path = subject.test_file.to_owned();
                let origin = Origin { path, format: Format::Toml, span: item.span, line: 1 };
                let rule_id = library.rules.first().map_or("", |rule| rule.rule_id.as_str());
                let list_id = format!("exception {number} of the test");
                let loaded = rule::format::exception_of_rule(&item.value, &list_id, rule_id, &origin);
                let errors = loaded.diagnostics.iter().filter(|d| d.is_error());
                faults.extend(errors.map(|error| at(error.clone(), item.span)));
                library.add(subject.test_file.to_owned(), loaded);
                continue;
            }
        };
        library.load_file(&folder.join(&file.value));
        let errors = faults_of_last_file(&library);
        let is_empty = library.outcomes.last().is_some_and(|o| o.exceptions + o.value_lists == 0);
        if errors.is_empty() && is_empty {
            faults.push(fault("the file holds no exception list and no value list".to_owned(), file.span));
        }
        faults.extend(errors);
    }
    let applies = library.rules.iter().any(|rule| !library.exceptions(rule).0.is_empty());
    let first = test.exceptions.iter().find_map(|given| match given {
        GivenExceptions::File(file) => Some(file),
        GivenExceptions::Item(_) => None,
    });
    if let (Some(file), true, false) = (first, faults.is_empty(), applies) {
        let lists: Vec<&str> = library.exception_lists.iter().map(|list| list.list_id.as_str()).collect();
        let message =
            format!("none of these exceptions is about the rule; the lists are {}", lists.join(", "));
        let mut fault = fault(message, file.span);
        fault.diagnostic.help = Some("the rule names its lists, or a list its rules".into());
        faults.push(fault);
    }
    if faults.is_empty() { Ok(library) } else { Err(faults) }
}

/// Exceptions of the test that the engine cannot apply.
pub(super) fn exceptions_not_applied(plan: &Plan<'_>, test: &RuleTest) -> Vec<Diagnostic> {
    let warnings = plan.outcomes.iter().flat_map(|outcome| &outcome.warnings);
    warnings
        .filter(|warning| !test.exceptions.is_empty() && warning.code == "rule::exception-not-applied")
        .map(|warning| Diagnostic::error("test::exceptions", warning.message.as_str()).at(test.name.span))
        .collect()
}
