//! The account of a run as JSON: every number of the text, and all names that the text leaves out.

use std::collections::BTreeMap;

use engine::outcome::ExceptedHits;
use engine::{IndicatorAccount, RuleOutcome, RuleStatus};
use ingest::decode::Outcome;
use ingest::ledger::{DropReason, Tally};
use serde_json::{Value, json};

use super::coverage::{Coverage, RuleAccount, not_read_whole, windows_name};

/// Members of the account that a run without rules has.
const OF_READING: [&str; 10] = [
    "inputs",
    "bytes",
    "records",
    "digests",
    "dead_letter",
    "events_without_time",
    "first_event",
    "last_event",
    "accounts",
    "regions",
];

impl Coverage {
    /// The rules as JSON.
    pub(crate) fn rules_json(&self) -> Value {
        let rules = self.rules.iter().map(|rule| {
            let RuleAccount { outcome, severity, version, origin } = rule;
            let mut object = json!({
                "rule_id": outcome.rule_id,
                "name": outcome.name,
                "type": outcome.rule_type,
                "severity": severity.name(),
                "version": version,
                "file": origin.path.to_string_lossy(),
                "line": origin.line,
                "status": "ran",
                "hits": outcome.hits,
                "alerts": outcome.alerts,
                "building_blocks": outcome.building_blocks,
                "without_time": outcome.without_time,
                "beyond_data": outcome.beyond_data,
                "suppressed": outcome.suppressed,
                "excepted": excepted_json(outcome),
                "cut": outcome.cut,
                "own_alerts": outcome.own_alerts,
                "indicators": outcome.indicators,
                "warnings": outcome.warnings.iter().map(|w| w.message.as_str()).collect::<Vec<_>>(),
            });
            if let RuleStatus::NotRun(reason) = &outcome.status {
                object["status"] = "not_run".into();
                object["reason"] = reason.to_string().into();
                object["reason_kind"] = reason.kind().into();
            }
            object
        });
        let unreadable = self.unreadable_rules.iter().map(|rule| {
            json!({"name": rule.rule, "file": rule.place, "status": "not_run", "reason": rule.reason, "reason_kind": "unreadable"})
        });
        rules.chain(unreadable).collect()
    }

    /// The account as JSON.
    pub(crate) fn json(&self) -> Value {
        let (ledger, counts, coverage) = (&self.ledger, self.ledger.counts(), self.ledger.coverage());
        let outside = counts.drops.get(&DropReason::OutsideOfRange).copied().unwrap_or_default();
        let not_fully_read: Vec<Value> = ledger
            .not_fully_read()
            .into_iter()
            .map(|input| {
                let (offset, outcome) = match &input.outcome {
                    Outcome::Read => (None, "read"),
                    Outcome::PartlyRead { offset, .. } => (Some(*offset), "partly_read"),
                    Outcome::Skipped(_) => (None, "skipped"),
                };
                let (_, reason) = not_read_whole(input);
                json!({
                    "name": input.name, "outcome": outcome, "reason": reason, "offset": offset,
                    "records_in": input.counts.records_in, "events": input.counts.events,
                    "duplicates": input.counts.duplicates, "dropped": input.counts.dropped(),
                })
            })
            .collect();
        let drops = counts.drops.iter().filter(|(reason, _)| **reason != DropReason::OutsideOfRange);
        let mut drops: BTreeMap<String, u64> =
            drops.map(|(reason, number)| (reason.to_string(), *number)).collect();
        if counts.other_drops > 0 {
            drops.insert("other reasons".to_owned(), counts.other_drops);
        }
        let shapes: BTreeMap<String, u64> =
            ledger.shapes().iter().map(|(shape, n)| (shape.to_string(), *n)).collect();
        json!({
            "inputs": {
                "total": ledger.inputs(), "read": ledger.read(), "partly_read": ledger.partly_read(),
                "skipped": ledger.skipped(), "shapes": shapes, "not_fully_read": not_fully_read,
                "not_named": ledger.unnamed_partly_read() + ledger.unnamed_skipped(),
                "left_out": self.own_files.iter().chain(&self.case_folders).map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            },
            "indicators": self.indicators_json(),
            "bytes": { "stored": counts.bytes_in, "decompressed": counts.bytes_decompressed },
            "records": {
                "in": counts.records_in, "events": counts.events, "duplicates": counts.duplicates,
                "dropped": counts.dropped() - outside, "outside_of_range": outside, "drop_reasons": drops,
                "notes": {
                    "repaired_surrogates": counts.notes.repaired_surrogates,
                    "replaced_units": counts.notes.replaced_units,
                    "control_messages": counts.notes.control_messages,
                    "empty_arrays": counts.notes.empty_arrays,
                },
            },
            "digests": self.digests(),
            "verification": self.verification.as_ref().map(|(verdict, says)| json!({"verdict": verdict, "says": says})),
            "dead_letter": self.dead_letter.as_ref().map(|(path, n)| json!({"file": path.to_string_lossy(), "entries": n})),
            "range": { "from": self.range.from.map(|at| at.to_string()), "to": self.range.to.map(|at| at.to_string()) },
            "events_without_time": coverage.without_time(),
            "first_event": coverage.first_event().map(|at| at.to_string()),
            "last_event": coverage.last_event().map(|at| at.to_string()),
            "accounts": tally_json(coverage.accounts()),
            "regions": tally_json(coverage.regions()),
            "rules": {
                "run": self.ran(), "windows": self.windows.map(windows_name), "not_run": self.not_run_kinds(), "not_selected": self.not_selected,
                "exception_lists": by_name(&self.exceptions),
                "value_lists": by_name(&self.value_lists),
                "replaced": self.replaced.iter().map(|old| json!({
                    "rule_id": old.rule_id, "name": old.name, "version": old.version, "file": old.origin.path.to_string_lossy(),
                    "by_version": old.by_version, "by_file": old.by.path.to_string_lossy(),
                })).collect::<Vec<_>>(),
            },
            "removed_values": self.removed_values.total(),
            "removed_values_by_field": self.removed_values.json(),
        })
    }

    /// What was read, as JSON.
    pub(crate) fn reading_json(&self) -> Value {
        let mut account = self.json();
        if let Some(members) = account.as_object_mut() {
            members.retain(|name, _| OF_READING.contains(&name.as_str()));
        }
        account
    }

    fn indicators_json(&self) -> Value {
        let file = |file: &IndicatorAccount| {
            let dropped: BTreeMap<String, u64> =
                file.dropped.iter().map(|(fault, number)| (fault.to_string(), *number)).collect();
            json!({
                "name": file.name, "unreadable": file.unreadable, "records": file.records,
                "indicators": file.indicators, "wanted": file.wanted, "duplicates": file.duplicates,
                "drop_reasons": dropped, "ignored_columns": file.ignored_columns,
            })
        };
        self.indicators.iter().map(file).collect()
    }
}

fn by_name(lists: &[(String, u64)]) -> Vec<Value> {
    lists.iter().map(|(name, number)| json!({"list_id": name, "entries": number})).collect()
}

fn tally_json(tally: &Tally) -> Value {
    let counts: BTreeMap<&str, u64> = tally.sorted().into_iter().collect();
    json!({ "events": counts, "other": tally.other() })
}

fn excepted_json(outcome: &RuleOutcome) -> Value {
    let entry =
        |item: &ExceptedHits| json!({"name": item.name, "list_id": item.list_id, "events": item.events});
    outcome.excepted.iter().map(entry).collect()
}
