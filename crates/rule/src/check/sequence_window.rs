//! Whether the window that a rule searches can hold the sequences that it looks for.

use query::Diagnostic;
use query::eql;
use query::eql::ast::{Body, Sequence};

use super::{Check, at_epoch};
use crate::rule_type::{EqlRule, RuleType};

impl Check<'_> {
    /// A sequence is found only when all of its events lie in one window.
    pub(super) fn sequence_window(&mut self) {
        let RuleType::Eql(EqlRule { query, .. }) = &self.rule.rule_type else { return };
        let Body::Sequence(Sequence { maxspan: Some(maxspan), .. }) = eql::parse(query).tree.body else {
            return;
        };
        let rule = self.rule;
        if !rule.from.is_relative() || !rule.to.is_relative() {
            return;
        }
        let (Some(from), Some(to)) = (at_epoch(&rule.from), at_epoch(&rule.to)) else { return };
        let window = u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0);
        let span = maxspan.value.milliseconds();
        let interval = rule.interval.as_seconds().unsigned_abs().saturating_mul(1_000);
        if window < span {
            let message = format!(
                "the rule looks back from {} to {}, which is shorter than `maxspan`: longer sequences are never found",
                rule.from, rule.to
            );
            self.warn(
                "from",
                "rule::look-back-too-short",
                message,
                Some("look back for `maxspan` and the interval".to_owned()),
            );
        } else if window < span.saturating_add(interval) {
            let message = "a sequence that begins before one window and ends after the next one begins is not found on schedule";
            let found = Diagnostic::note("rule::sequence-between-windows", message);
            self.note(
                "from",
                found.help("look back for `maxspan` and the interval; a hunt looks at the whole range"),
            );
        }
    }
}
