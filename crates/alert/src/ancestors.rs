//! What an alert was made of: the event or alert below it, and everything below that.
//!
//! Source: elastic/kibana rule_types/factories/utils/build_alert.ts.

use ecs::{Document, Scalar};
use serde_json::{Value, json};

use crate::fields;
use crate::hit::EventHit;
use crate::identity::AlertUuid;

/// The ancestors of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Ancestors {
    /// `{id, type, index, depth}`, and `rule` for an alert; oldest first, the hit itself last.
    pub ancestors: Vec<Value>,
    /// The depth of the new alert: one more than that of the deepest of what it is made of; an event's is 0.
    pub depth: u64,
}

/// The ancestors of an alert about one event, or about one alert.
pub fn of_event(hit: &EventHit) -> Ancestors {
    let mut ancestors = Vec::new();
    let mut parent = json!({ "id": hit.id, "type": "event", "index": hit.index, "depth": 0 });
    let mut depth = 0;
    if let Some(names) = AlertFields::of(&hit.document) {
        ancestors = objects(&hit.document, names.ancestors);
        depth = whole_number(&hit.document, names.depth).unwrap_or(1);
        parent["type"] = "signal".into();
        parent["depth"] = depth.into();
        if let Some(rule) = hit.document.text(names.rule) {
            parent["rule"] = rule.into();
        }
    }
    ancestors.push(parent);
    Ancestors { ancestors, depth: depth.saturating_add(1) }
}

/// The ancestors of an alert about one event that is no alert.
pub(crate) fn of_plain_event(id: &str, index: &str) -> Ancestors {
    Ancestors { ancestors: vec![json!({ "id": id, "type": "event", "index": index, "depth": 0 })], depth: 1 }
}

/// Is it an alert?
pub(crate) fn is_alert(document: &Document) -> bool {
    AlertFields::of(document).is_some()
}

/// The ancestors of the shell of a sequence: of each building block what it was made of, then the block itself.
///
/// `uuids` and `blocks` go together one by one. The blocks' `index` is empty: they are not written yet.
pub fn of_blocks(uuids: &[AlertUuid], blocks: &[Ancestors], rule_uuid: &str) -> Ancestors {
    let mut ancestors = Vec::new();
    let mut depth = 0;
    for (uuid, block) in uuids.iter().zip(blocks) {
        ancestors.extend(block.ancestors.iter().cloned());
        let uuid = uuid.as_str();
        ancestors.push(
            json!({ "id": uuid, "type": "signal", "index": "", "depth": block.depth, "rule": rule_uuid }),
        );
        depth = depth.max(block.depth);
    }
    Ancestors { ancestors, depth: depth.saturating_add(1) }
}

/// The ancestors of an alert about a group of events: those of each event, in order.
pub fn of_group(events: &[EventHit]) -> Ancestors {
    let mut group = Ancestors { ancestors: Vec::new(), depth: 1 };
    for Ancestors { ancestors, depth } in events.iter().map(of_event) {
        group.ancestors.extend(ancestors);
        group.depth = group.depth.max(depth);
    }
    group
}

impl Ancestors {
    /// Is one of them an alert of this rule?
    pub fn include_rule(&self, rule_uuid: &str) -> bool {
        self.ancestors.iter().any(|ancestor| ancestor["rule"] == rule_uuid)
    }
}

/// Where an alert says what it is.
struct AlertFields {
    depth: &'static str,
    rule: &'static str,
    ancestors: &'static str,
}

impl AlertFields {
    /// `None` for an event. Alerts from before Kibana 8 have everything below `signal`.
    fn of(document: &Document) -> Option<Self> {
        if document.first(fields::UUID).is_some() {
            Some(Self { depth: fields::DEPTH, rule: fields::RULE_UUID, ancestors: fields::ANCESTORS })
        } else if document.as_map().get("signal").is_some_and(|signal| !signal.is_null()) {
            Some(Self { depth: "signal.depth", rule: "signal.rule.id", ancestors: "signal.ancestors" })
        } else {
            None
        }
    }
}

fn objects(document: &Document, name: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for node in document.nodes(name) {
        match node {
            Value::Array(items) => found.extend(items.iter().filter(|item| item.is_object()).cloned()),
            Value::Object(_) => found.push(node.clone()),
            _ => {}
        }
    }
    found
}

fn whole_number(document: &Document, name: &str) -> Option<u64> {
    match document.first(name)? {
        Scalar::Int(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ancestors_of(source: Value) -> Ancestors {
        let Value::Object(map) = source else { panic!("not an object") };
        of_event(&EventHit { document: Document::from_map(map), id: "d".to_owned(), index: "i".to_owned() })
    }

    #[test]
    fn an_event_is_the_only_ancestor_of_its_alert() {
        let found = ancestors_of(json!({"event": {"kind": "event"}}));
        let parent = json!({"id": "d", "type": "event", "index": "i", "depth": 0});
        assert_eq!(found, Ancestors { ancestors: vec![parent], depth: 1 });
        assert!(!found.include_rule("r"));
    }

    #[test]
    fn an_alert_brings_its_ancestors_along() {
        let event = json!({"id": "e", "type": "event", "index": "logs", "depth": 0});
        let parent = json!({"id": "d", "type": "signal", "index": "i", "depth": 1, "rule": "r"});
        for source in [
            json!({
                "kibana.alert.uuid": "d", "kibana.alert.depth": 1, "kibana.alert.rule.uuid": "r",
                "kibana.alert.ancestors": [event]
            }),
            json!({"kibana": {"alert": {"uuid": "d", "depth": 1, "rule": {"uuid": "r"}, "ancestors": [event]}}}),
            json!({"signal": {"depth": 1, "rule": {"id": "r"}, "ancestors": [event]}}),
            json!({"signal": {"rule": {"id": "r"}, "ancestors": event}}),
        ] {
            let found = ancestors_of(source.clone());
            assert_eq!(
                found,
                Ancestors { ancestors: vec![event.clone(), parent.clone()], depth: 2 },
                "{source}"
            );
            assert!(found.include_rule("r"));
            assert!(!found.include_rule("s"));
        }
    }

    #[test]
    fn a_shell_is_made_of_the_blocks_and_of_what_they_are_made_of() {
        let event = |id: &str| json!({"id": id, "type": "event", "index": "i", "depth": 0});
        let alert = json!({"id": "a", "type": "signal", "index": "alerts", "depth": 1, "rule": "s"});
        let blocks = [
            Ancestors { ancestors: vec![event("1"), alert.clone()], depth: 2 },
            Ancestors { ancestors: vec![event("2")], depth: 1 },
        ];
        let uuids = crate::identity::block_alert_uuids(&blocks, "r");
        let block = |index: usize, depth: u64| json!({"id": uuids[index].as_str(), "type": "signal", "index": "", "depth": depth, "rule": "r"});
        let found = of_blocks(&uuids, &blocks, "r");
        assert_eq!(found.ancestors, [event("1"), alert, block(0, 2), event("2"), block(1, 1)]);
        assert_eq!(found.depth, 3);
        assert!(found.include_rule("r"));
    }
}
