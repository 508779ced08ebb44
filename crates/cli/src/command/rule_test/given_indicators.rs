//! The indicators of a test, beside those among its events.

use std::path::Path;

use engine::{IndicatorAccount, IndicatorFile, Plan};
use query::{Diagnostic, Span};
use rule::rule_test::{GivenEvents, RuleTest};
use serde_json::Value;

/// Indicators as files that a hunt reads.
pub(super) fn given_indicators(
    test: &RuleTest,
    folder: &Path,
) -> Result<Vec<IndicatorFile>, Vec<Diagnostic>> {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for given in &test.indicators {
        let bytes = match given {
            GivenEvents::Table(document) => Value::Object(document.value.clone()).to_string().into_bytes(),
            GivenEvents::Text(text) => text.value.trim_start().as_bytes().to_vec(),
            GivenEvents::File(file) => match std::fs::read(folder.join(&file.value)) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let path = folder.join(&file.value);
                    let message = format!("cannot read {}: {error}", path.display());
                    faults.push(Diagnostic::error("test::unreadable-indicators", message).at(file.span));
                    continue;
                }
            },
        };
        // Accounts come in the order of the files.
        files.push(IndicatorFile::Memory { name: "indicators".to_owned(), bytes });
    }
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

fn place_of(given: &GivenEvents) -> Span {
    match given {
        GivenEvents::Table(table) => table.span,
        GivenEvents::Text(text) | GivenEvents::File(text) => text.span,
    }
}

/// Indicators that were not read would be missed in silence.
pub(super) fn unread_indicators(test: &RuleTest, accounts: &[IndicatorAccount]) -> Vec<Diagnostic> {
    let fault = |(given, account): (&GivenEvents, &IndicatorAccount)| {
        let dropped = account.dropped.iter().next().map(|(reason, _)| reason.to_string());
        let reason = account.unreadable.clone().or(dropped)?;
        let message = format!("these indicators cannot be read: {reason}");
        Some(Diagnostic::error("test::unreadable-indicators", message).at(place_of(given)))
    };
    test.indicators.iter().zip(accounts).filter_map(fault).collect()
}

/// Indicators for a rule that looks for none.
pub(super) fn indicators_not_wanted(plan: &Plan<'_>, test: &RuleTest) -> Vec<Diagnostic> {
    let first = test.indicators.first().filter(|_| !plan.looks_for_indicators());
    let message = "the rule looks for no indicators: it is not of the type threat_match";
    first
        .map(|given| Diagnostic::error("test::indicators", message).at(place_of(given)))
        .into_iter()
        .collect()
}
