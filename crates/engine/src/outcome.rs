//! What came of a rule: it ran, or why not. Every loaded rule ends in one of these.

use std::fmt;

use jiff::SignedDuration;
use query::Diagnostic;
use rule::{FailedRule, Rule};

use crate::plan::PlannedException;

/// The account of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleOutcome {
    /// The rule's stable name.
    pub rule_id: String,
    /// What people call it.
    pub name: String,
    /// For example `query` or `eql`; `unknown` when the rule could not be read.
    pub rule_type: &'static str,
    /// Did it run?
    pub status: RuleStatus,
    /// Events, sequences and samples that were found, before the cap.
    pub hits: u64,
    /// Alerts that were made.
    pub alerts: u64,
    /// Alerts about the single events of a sequence or sample, beside its own.
    pub building_blocks: u64,
    /// Events that passed and could take no part in a sequence, because nothing says when they happened.
    pub without_time: u64,
    /// Sequences that rest on a missing event whose time reaches beyond the first or the last event of the data: what
    /// lies there might have forbidden them.
    pub beyond_data: u64,
    /// What the rule's exceptions took out of its events, one entry an exception that is in force.
    pub excepted: Vec<ExceptedHits>,
    /// Hits that the rule's suppression folded into the alert of another, or that such an alert covers.
    pub suppressed: u64,
    /// Hits without an alert because of the cap on alerts per run.
    pub cut: u64,
    /// Indicators that were found for a rule that looks for them; `None` for any other.
    pub indicators: Option<u64>,
    /// Hits without an alert because they are alerts of this rule itself: it would feed on them for ever.
    pub own_alerts: u64,
    /// What did not stop it from running and is worth knowing.
    pub warnings: Vec<Diagnostic>,
}

/// What one exception took out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptedHits {
    /// The exception's name.
    pub name: String,
    /// The list that it stands in.
    pub list_id: String,
    /// Events that pass the query, or a stage of it, and that it took out. Of several exceptions the first counts.
    pub events: u64,
}

impl ExceptedHits {
    /// Nothing yet.
    pub(crate) fn none(exception: &PlannedException) -> Self {
        Self { name: exception.name.clone(), list_id: exception.list_id.clone(), events: 0 }
    }
}

impl RuleOutcome {
    /// Of a rule that runs, before it ran.
    pub fn of_rule(rule: &Rule) -> Self {
        Self {
            rule_id: rule.rule_id.clone(),
            name: rule.name.clone(),
            rule_type: rule.rule_type.name(),
            status: RuleStatus::Ran,
            hits: 0,
            alerts: 0,
            building_blocks: 0,
            without_time: 0,
            beyond_data: 0,
            excepted: Vec::new(),
            suppressed: 0,
            cut: 0,
            indicators: None,
            own_alerts: 0,
            warnings: Vec::new(),
        }
    }

    /// Of a rule that could not be read from its file.
    pub fn of_failed(failed: &FailedRule) -> Self {
        let place = || format!("{}:{}", failed.origin.path.display(), failed.origin.line);
        Self {
            rule_id: failed.rule_id.clone().unwrap_or_default(),
            name: failed.name.clone().unwrap_or_else(place),
            rule_type: "unknown",
            status: RuleStatus::NotRun(NotRunReason::Unreadable(failed.reason.clone())),
            hits: 0,
            alerts: 0,
            building_blocks: 0,
            without_time: 0,
            beyond_data: 0,
            excepted: Vec::new(),
            suppressed: 0,
            cut: 0,
            indicators: None,
            own_alerts: 0,
            warnings: Vec::new(),
        }
    }
}

/// Did the rule run?
#[derive(Debug, Clone, PartialEq)]
pub enum RuleStatus {
    /// It ran over every event that its index patterns reach.
    Ran,
    /// It did not.
    NotRun(NotRunReason),
}

/// Why a rule did not run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NotRunReason {
    /// Rules of its type cannot be run yet.
    RuleType(&'static str),
    /// It could not be read from its file: the first fault.
    Unreadable(String),
    /// The rule has errors.
    Errors(Vec<Diagnostic>),
    /// It reads a Kibana data view that is not known here, and names no index patterns.
    DataView(String),
    /// Its author gave it up.
    Deprecated,
    /// Its file says `enabled = false`.
    Disabled,
    /// More of its events waited to be decided than one rule may have: so many.
    TooManyEvents(u64),
    /// It was at work for longer than one rule may be: so long.
    TooLong(SignedDuration),
}

impl NotRunReason {
    /// True when something is wrong with the rule, so that a run without it is not a whole one; false for what is
    /// known not to be run.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Unreadable(_)
                | Self::Errors(_)
                | Self::DataView(_)
                | Self::TooManyEvents(_)
                | Self::TooLong(_)
        )
    }

    /// A short name for counting, the same for all rules with the same reason.
    pub fn kind(&self) -> String {
        match self {
            Self::RuleType(name) => (*name).to_owned(),
            Self::Unreadable(_) => "could not be read".to_owned(),
            Self::Errors(_) => "errors in the rule".to_owned(),
            Self::DataView(_) => "unknown data view".to_owned(),
            Self::Deprecated => "deprecated".to_owned(),
            Self::Disabled => "disabled".to_owned(),
            Self::TooManyEvents(_) => "too many events".to_owned(),
            Self::TooLong(_) => "too long at work".to_owned(),
        }
    }
}

impl fmt::Display for NotRunReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuleType(name) => write!(f, "rules of type {name} cannot be run yet"),
            Self::Unreadable(reason) => write!(f, "it could not be read: {reason}"),
            Self::Errors(diagnostics) => {
                let mut messages = diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.as_str());
                f.write_str(messages.next().unwrap_or("the rule has errors"))?;
                match messages.count() {
                    0 => Ok(()),
                    more => write!(f, " (and {more} more)"),
                }
            }
            Self::DataView(id) => {
                write!(f, "the data view `{id}` is not known here, and the rule names no index patterns")
            }
            Self::Deprecated => f.write_str("its author gave it up"),
            Self::Disabled => {
                f.write_str("its file says that it is disabled (`--include-disabled` runs it all the same)")
            }
            Self::TooManyEvents(most) => write!(
                f,
                "more than {most} of its events waited to be decided, which is the limit for one rule: narrow its query or shorten its look-back"
            ),
            Self::TooLong(most) => write!(
                f,
                "it was at work for more than {most:#}, which is the limit for one rule: narrow its query or shorten its look-back"
            ),
        }
    }
}
