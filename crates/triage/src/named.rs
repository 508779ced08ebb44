//! Answers to what a question names: fields, parameters of the call, and other calls.

use ecs::Timestamp;
use serde_json::Value;

use crate::activity::CallsSeen;
use crate::actor::plural;
use crate::findings::{Findings, Part, quoted, shortened};
use crate::kms::key_report::TimelineEntry;
use crate::question::{Aspect, Question};
use crate::report::Topic;

const KMS: &str = "kms.amazonaws.com";

/// Calls that use a key.
const USES: [&str; 14] = [
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "VerifyMac",
    "Sign",
    "Verify",
    "DeriveSharedSecret",
    "GetPublicKey",
    "GenerateRandom",
];

impl Findings<'_> {
    /// Values of the fields that the question names, but for those that other parts have already told.
    pub(crate) fn fields(&self, question: &Question) -> Part {
        let told = |field: &str| {
            let starts: &[(Aspect, &[&str])] = &[
                (
                    Aspect::Who,
                    &["aws.cloudtrail.user_identity", "user.", "source.ip", "source.address", "user_agent."],
                ),
                (Aspect::Which, &["aws.cloudtrail.resources"]),
                (Aspect::Request, &["aws.cloudtrail.request_parameters"]),
            ];
            starts.iter().any(|(aspect, starts)| {
                question.aspects.contains(aspect) && starts.iter().any(|start| field.starts_with(start))
            })
        };
        let mut part = Part::default();
        for field in question.fields.iter().filter(|field| !told(field)) {
            let values: Vec<String> =
                self.document.values(field).iter().map(|value| shortened(&value.text())).collect();
            if values.is_empty() {
                part.missing.push(format!("The alert has no `{field}`."));
            } else {
                let shown = values.len().min(5);
                part.text.push(format!("`{field}` is {}.", quoted(values.get(..shown).unwrap_or_default())));
            }
        }
        part
    }

    pub(crate) fn parameters(&self, question: &Question) -> Part {
        let mut part = Part::default();
        for name in &question.parameters {
            if name == "keyId" && !self.keys.is_empty() {
                continue;
            }
            let mut values: Vec<String> = Vec::new();
            for event in self.events {
                for tree in [&event.request, &event.response, &event.additional, &event.service_details] {
                    gather(tree, name, &mut values);
                }
            }
            values.dedup();
            if values.is_empty() {
                let is_surely = name.starts_with(|c: char| c.is_ascii_lowercase());
                part.missing.extend(is_surely.then(|| format!("The record has no `{name}`.")));
            } else {
                let shown = values.len().min(5);
                part.text.push(format!("`{name}` is {}.", quoted(values.get(..shown).unwrap_or_default())));
            }
        }
        part
    }

    /// Whether the calls that the question names are in the logs: on the keys at any time, by the principal in the
    /// window, and, for questions about a state, by anybody after the alert.
    pub(crate) fn calls(&self, question: &Question) -> Part {
        let mut part = Part::default();
        let own: Vec<&str> = self.events.iter().map(|event| event.action.as_str()).collect();
        let first = self.events.iter().map(|event| event.time).min();
        let mut none: Vec<String> = Vec::new();
        let everybody = matches!(question.topic, Topic::State | Topic::Target);
        let (_, end) = self.activity.span().unzip();
        for call in question
            .calls
            .iter()
            .filter(|call| !own.contains(&call.as_str()) || question.topic == Topic::State)
            // Uses of keys are answered with what depends on them.
            .filter(|call| self.keys.is_empty() || !everybody || !USES.contains(&call.as_str()))
        {
            let mut found = false;
            for key in self.keys {
                let entries: Vec<&TimelineEntry> =
                    key.timeline.iter().filter(|entry| entry.action == *call).collect();
                // The last ones tell most.
                for entry in entries.iter().rev().take(3).rev() {
                    found = true;
                    let who = entry.principal.as_deref().unwrap_or("a service of AWS");
                    let how = entry
                        .error
                        .as_deref()
                        .map(|error| format!(", and failed with {error}"))
                        .unwrap_or_default();
                    part.text
                        .push(format!("`{call}` on the key was called at {} by `{who}`{how}.", entry.time));
                    part.evidence.push(entry.evidence.clone());
                }
            }
            if found {
                continue;
            }
            let principal = self.actor.and_then(|actor| actor.principal.as_deref());
            let seen = match (everybody, principal, self.window) {
                (true, _, _) => {
                    let since = (first.unwrap_or(Timestamp::MIN), Timestamp::MAX);
                    // What was done to these keys is in their timelines; other keys are not asked for.
                    let leave_out = (!self.keys.is_empty()).then_some(KMS);
                    self.activity.calls_seen(call, None, since, leave_out)
                }
                (false, Some(principal), Some(window)) => {
                    self.activity.calls_seen(call, Some(principal), window, None)
                }
                _ => None,
            };
            match seen {
                Some(CallsSeen { count, failed, first, last }) => {
                    let failed =
                        if failed > 0 { format!(", of which {failed} failed") } else { String::new() };
                    let who = if everybody {
                        "by anybody in the logs since the alert's hour"
                    } else {
                        "by the same principal near the alert"
                    };
                    part.text.push(format!(
                        "`{call}` was called {} {who}{failed}: between {first} and {last}.",
                        plural(count, "time")
                    ));
                }
                _ => none.push(call.clone()),
            }
        }
        if let (false, Some(end)) = (none.is_empty(), end) {
            let whose = match (everybody, self.keys.is_empty()) {
                (true, false) => "on the key",
                (true, true) => "since the alert",
                (false, _) => "from the same principal near the alert",
            };
            let calls = quoted(&none);
            part.text.push(format!("Not seen {whose}, in the logs at hand, which end at {end}: {calls}."));
        } else if !none.is_empty() {
            part.missing.push(format!("There are no logs at hand to look for {} in.", quoted(&none)));
        }
        part
    }
}

fn gather(tree: &Value, name: &str, found: &mut Vec<String>) {
    match tree {
        Value::Object(map) => {
            for (key, value) in map {
                if key == name && !value.is_null() {
                    found.push(match value {
                        Value::String(text) => shortened(text),
                        other => shortened(&other.to_string()),
                    });
                } else {
                    gather(value, name, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, name, found)),
        _ => {}
    }
}
