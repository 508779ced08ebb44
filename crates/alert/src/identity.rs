//! Which alert it is: ids that depend on rule, space and evidence, and on nothing else.
//!
//! Finding the same event again, in an overlapping window or years later, gives the same id, and with it the same alert.

use std::fmt;

use ecs::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ancestors::Ancestors;
use crate::candidate::SuppressionTerm;
use crate::object_hash::{HashValue, object_hash};

/// The version of a document as Kibana's ids have it. Searches do not ask for versions, so JavaScript writes this word.
const NO_VERSION: &str = "undefined";

/// The id of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertUuid(String);

impl AlertUuid {
    /// An id that an alert carries.
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id as alerts carry it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AlertUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The id of an alert about one event: 64 lower-case hexadecimal digits.
///
/// `rule_uuid` is the id under which an installation keeps the rule, not its `rule_id`. The id is that of Kibana, byte
/// for byte, where index and document id are those of Elasticsearch.
/// Source: elastic/kibana rule_types/factories/wrap_hits.ts.
pub fn event_alert_uuid(index: &str, document_id: &str, space: &str, rule_uuid: &str) -> AlertUuid {
    let mut sha256 = Sha256::new();
    for part in [index, document_id, NO_VERSION, space, ":", rule_uuid] {
        sha256.update(part.as_bytes());
    }
    AlertUuid(hex(&sha256.finalize()))
}

/// The id of an alert about new values: 40 lower-case hexadecimal digits.
///
/// `values` are in the order of the rule's fields. The id is that of Kibana, byte for byte, where index and document id
/// are those of Elasticsearch.
/// Source: elastic/kibana rule_types/new_terms/wrap_new_terms_alerts.ts.
pub fn new_terms_alert_uuid(
    index: &str,
    document_id: &str,
    values: &[Value],
    space: &str,
    rule_uuid: &str,
) -> AlertUuid {
    let evidence = [index, document_id, NO_VERSION, &format!("{space}:{rule_uuid}")].map(HashValue::from);
    let values = HashValue::Array(values.iter().map(HashValue::from).collect());
    AlertUuid(object_hash(&HashValue::Array(evidence.into_iter().chain([values]).collect())))
}

/// The id of an alert of a query rule that stands for the events of a group, of which `index` and `document_id` name the
/// oldest, and `start` and `end` are the oldest and newest time: 40 lower-case hexadecimal digits, those of Kibana.
///
/// Source: elastic/kibana rule_types/query/alert_suppression/wrap_suppressed_alerts.ts.
pub fn query_suppression_uuid(
    (index, document_id): (&str, &str),
    terms: &[SuppressionTerm],
    (start, end): (Timestamp, Timestamp),
    space: &str,
    rule_uuid: &str,
) -> AlertUuid {
    let evidence = [index, document_id, NO_VERSION, &format!("{space}:{rule_uuid}")].map(HashValue::from);
    let group = [terms_value(terms), start.into(), end.into()];
    AlertUuid(object_hash(&HashValue::Array(evidence.into_iter().chain(group).collect())))
}

/// The id of an alert of a threshold rule with suppression, of the id of what stands for the group: 40 lower-case
/// hexadecimal digits, those of Kibana.
///
/// Source: elastic/kibana rule_types/threshold/wrap_suppressed_threshold_alerts.ts.
pub fn threshold_suppression_uuid(index: &str, stand_in_id: &str, space: &str, rule_uuid: &str) -> AlertUuid {
    let evidence = [index, stand_in_id, &format!("{space}:{rule_uuid}")].map(HashValue::from);
    AlertUuid(object_hash(&HashValue::Array(evidence.into())))
}

/// The id of an alert of an ES|QL rule about one event: 40 lower-case hexadecimal digits. `expanded` are the values that
/// the row has of fields whose values were expanded to a row each.
///
/// The id is that of Kibana, byte for byte, where index and document id are those of Elasticsearch.
/// Source: elastic/kibana rule_types/esql/utils/generate_alert_id.ts.
pub fn esql_event_alert_uuid(
    index: &str,
    document_id: &str,
    expanded: &[Value],
    space: &str,
    rule_uuid: &str,
) -> AlertUuid {
    let evidence = [
        document_id.into(),
        HashValue::Undefined,
        index.into(),
        format!("{space}:{rule_uuid}").as_str().into(),
    ];
    AlertUuid(object_hash(&HashValue::Array(
        evidence.into_iter().chain(expanded.iter().map(exact)).collect(),
    )))
}

/// The id of an alert of an ES|QL rule about a group of events: 40 lower-case hexadecimal digits. It depends on the values
/// of the group, and on the span of the schedule in which its newest event lies, by its start. `ordinal` tells rows apart
/// that are equal in both.
///
/// Kibana has the window and the number of the row here, so that there each look at the same group is an alert.
pub fn esql_group_alert_uuid(
    identity: &[Value],
    ordinal: u64,
    tile: Timestamp,
    space: &str,
    rule_uuid: &str,
) -> AlertUuid {
    let mut parts = vec![
        format!("{space}:{rule_uuid}").as_str().into(),
        HashValue::Array(identity.iter().map(exact).collect()),
        tile.into(),
    ];
    if ordinal > 0 {
        parts.push(HashValue::Number(ordinal as f64));
    }
    AlertUuid(object_hash(&HashValue::Array(parts)))
}

/// A value for an id. JavaScript cannot tell whole numbers beyond 2^53 from their neighbours; as texts they differ.
fn exact(value: &Value) -> HashValue {
    match value {
        Value::Array(items) => HashValue::Array(items.iter().map(exact).collect()),
        Value::Number(number) if !number.is_f64() => match number.as_f64() {
            Some(float) if float.abs() <= MOST_EXACT => HashValue::Number(float),
            _ => HashValue::Text(number.to_string()),
        },
        other => other.into(),
    }
}

/// Up to here JavaScript has every whole number.
const MOST_EXACT: f64 = 9_007_199_254_740_991.0;

/// What alerts with the same terms share, so that they are folded into one: 40 lower-case hexadecimal digits, those of
/// Kibana.
///
/// Source: elastic/kibana rule_types/utils/wrap_suppressed_alerts.ts.
pub fn instance_id(terms: &[SuppressionTerm], space: &str, rule_uuid: &str) -> String {
    object_hash(&HashValue::Array(vec![terms_value(terms), rule_uuid.into(), space.into()]))
}

/// What alerts of a threshold rule about the same group share. The values count in their order, the fields do not;
/// Kibana sorts the values.
///
/// Source: elastic/kibana rule_types/threshold/wrap_suppressed_threshold_alerts.ts.
pub fn threshold_instance_id(sorted_values: &[Value], space: &str, rule_uuid: &str) -> String {
    let values = HashValue::Array(sorted_values.iter().map(HashValue::from).collect());
    object_hash(&HashValue::Array(vec![values, rule_uuid.into(), space.into()]))
}

fn terms_value(terms: &[SuppressionTerm]) -> HashValue {
    let term = |term: &SuppressionTerm| {
        let entries = [("field", term.field.as_str().into()), ("value", HashValue::from(&term.value))];
        HashValue::Object(entries.map(|(key, value)| (key.to_owned(), value)).into())
    };
    HashValue::Array(terms.iter().map(term).collect())
}

/// The ids of the building blocks of a sequence: that of the block about event `i` is at `i`.
///
/// Each depends on what all blocks were made of, so that an event which takes part in several sequences has a block in
/// each. The space has no part in it. The ids are those of Kibana, byte for byte.
/// Source: elastic/kibana rule_types/factories/utils/generate_building_block_ids.ts.
pub fn block_alert_uuids(blocks: &[Ancestors], rule_uuid: &str) -> Vec<AlertUuid> {
    let mut all_blocks = Sha256::new();
    for block in blocks {
        update_with_ancestors(&mut all_blocks, block);
        all_blocks.update(rule_uuid.as_bytes());
    }
    let uuid = |index: usize| {
        let sha256 = all_blocks.clone().chain_update(index.to_string().as_bytes());
        AlertUuid(hex(&sha256.finalize()))
    };
    (0..blocks.len()).map(uuid).collect()
}

/// The id of the shell of a sequence, of its ancestors: the blocks and what they were made of.
///
/// The space has no part in it. The id is that of Kibana, byte for byte.
/// Source: elastic/kibana rule_types/factories/utils/build_alert.ts, generateAlertId.
pub fn shell_alert_uuid(ancestors: &Ancestors, rule_uuid: &str) -> AlertUuid {
    let mut sha256 = Sha256::new();
    update_with_ancestors(&mut sha256, ancestors);
    sha256.update(rule_uuid.as_bytes());
    AlertUuid(hex(&sha256.finalize()))
}

fn update_with_ancestors(sha256: &mut Sha256, ancestors: &Ancestors) {
    for ancestor in &ancestors.ancestors {
        for part in [&ancestor["id"], &ancestor["index"]] {
            match part {
                Value::String(text) => sha256.update(text.as_bytes()),
                // JavaScript writes this word for what an ancestor of some foreign alert lacks.
                Value::Null => sha256.update(b"undefined"),
                other => sha256.update(other.to_string().as_bytes()),
            }
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::ancestors::of_blocks;

    #[test]
    fn the_id_of_an_event_alert_is_that_of_kibana() {
        let uuid = event_alert_uuid("logs-a", "doc1", "default", "rule-1");
        assert_eq!(uuid.as_str(), "15e6d64924d9f3287dfb6b166148deb26d1e78b38fb6eb8e403dbe0acb50c3bc");
    }

    #[test]
    fn the_id_of_a_new_terms_alert_is_that_of_kibana() {
        for (values, expected) in [
            (json!(["alice"]), "2624a9311bb1e16bf8c3e365c52ed6d5e20ab71a"),
            (json!(["alice", 42]), "1e4fc1338d69145c99dbc187553abde81f2556a1"),
        ] {
            let values = values.as_array().unwrap();
            assert_eq!(
                new_terms_alert_uuid("logs-a", "doc1", values, "default", "rule-1").as_str(),
                expected
            );
        }
    }

    #[test]
    fn the_id_of_an_esql_alert_about_an_event_is_that_of_kibana() {
        let id = |expanded: &[Value]| esql_event_alert_uuid("logs-a", "doc1", expanded, "default", "rule-1");
        assert_eq!(id(&[]).as_str(), "f1b1a6b342e043d1f720123a948aa37e6ac0c073");
        let ids = [
            id(&[]),
            id(&[json!("a")]),
            id(&[json!("a"), json!(1)]),
            id(&[json!(["a", 1])]),
            id(&[Value::Null]),
        ];
        let different: std::collections::BTreeSet<&AlertUuid> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }

    #[test]
    fn neighbours_among_large_numbers_are_different_groups() {
        let tile = Timestamp::UNIX_EPOCH;
        let id =
            |value: i64, ordinal| esql_group_alert_uuid(&[json!(value)], ordinal, tile, "default", "rule-1");
        assert_ne!(id(9_007_199_254_740_992, 0), id(9_007_199_254_740_993, 0));
        assert_ne!(id(7, 0), id(7, 1));
        assert_ne!(id(7, 0), esql_group_alert_uuid(&[json!(7)], 0, tile, "other", "rule-1"));
    }

    fn term(field: &str, value: Value) -> SuppressionTerm {
        SuppressionTerm { field: field.to_owned(), value }
    }

    #[test]
    fn the_ids_of_suppression_are_those_of_kibana() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let uuid = query_suppression_uuid(
            ("logs-a", "doc1"),
            &[term("host.name", json!("host-1"))],
            (at("2024-01-01T00:00:00Z"), at("2024-01-01T00:05:00Z")),
            "default",
            "rule-1",
        );
        assert_eq!(uuid.as_str(), "dd1d2109887249ca7153162c21845c9f8156cc1d");

        let mut terms = vec![term("host.name", json!(["host-1"]))];
        let expected = "aaa6538b74aed866a4ee98ebe9a5e49fed2a5f3f";
        assert_eq!(instance_id(&terms, "default", "rule-1"), expected);
        terms.push(term("user.name", Value::Null));
        assert_eq!(instance_id(&terms, "default", "rule-1"), "aca1f94c3df584ea5c27cd9b6cc7e1674a6d79e7");
        let expected = "a962587757366a17c29ba2744e217d9d97a72796";
        assert_eq!(threshold_instance_id(&[json!("alice"), json!("host-1")], "default", "rule-1"), expected);
        // SHA-1 of `array:3:string:6:logs-astring:2:idstring:14:default:rule-1`.
        let expected = "e36e59213673d2eba09cce67af02146b254f0c1f";
        assert_eq!(threshold_suppression_uuid("logs-a", "id", "default", "rule-1").as_str(), expected);
    }

    #[test]
    fn every_part_of_the_evidence_counts() {
        let base = event_alert_uuid("index", "document", "space", "rule");
        for other in [
            event_alert_uuid("index2", "document", "space", "rule"),
            event_alert_uuid("index", "document2", "space", "rule"),
            event_alert_uuid("index", "document", "space2", "rule"),
            event_alert_uuid("index", "document", "space", "rule2"),
        ] {
            assert_ne!(base, other);
        }
    }

    fn event_block(id: &str, index: &str) -> Ancestors {
        let parent = json!({"id": id, "index": index, "type": "event", "depth": 0});
        Ancestors { ancestors: vec![parent], depth: 1 }
    }

    /// From Python: `hashlib.sha256(text.encode()).hexdigest()`, where text is
    /// - block 0: `doc1logs-arule-1doc2logs-brule-10`
    /// - block 1: `doc1logs-arule-1doc2logs-brule-11`
    /// - shell: `doc1logs-a` + id of block 0 + `doc2logs-b` + id of block 1 + `rule-1`
    #[test]
    fn the_ids_of_a_sequence_are_those_of_kibana() {
        let blocks = [event_block("doc1", "logs-a"), event_block("doc2", "logs-b")];
        let uuids = block_alert_uuids(&blocks, "rule-1");
        let texts: Vec<&str> = uuids.iter().map(AlertUuid::as_str).collect();
        assert_eq!(
            texts,
            [
                "c5b122ab8ec54dfeed35e0c4e3b8ce43f0f43037b74d3829e885363ac5b63931",
                "21ba626e2226f1dc28c90dfc790a2b99efac0a19e43a543fdbcef24df8906314",
            ]
        );
        let shell = shell_alert_uuid(&of_blocks(&uuids, &blocks, "rule-1"), "rule-1");
        assert_eq!(shell.as_str(), "3dfae405860e383bfd9e9c581a3426bd29444f2d3c47c510a280f2e4c2407519");
    }

    #[test]
    fn every_event_its_place_and_the_rule_count_for_a_sequence() {
        let ids = |blocks: &[Ancestors], rule: &str| {
            let mut uuids = block_alert_uuids(blocks, rule);
            uuids.push(shell_alert_uuid(&of_blocks(&uuids, blocks, rule), rule));
            uuids
        };
        let (one, two) = (event_block("1", "i"), event_block("2", "i"));
        let mut seen: Vec<AlertUuid> = Vec::new();
        for uuids in [
            ids(&[one.clone(), two.clone()], "r"),
            ids(&[two.clone(), one.clone()], "r"),
            ids(&[one.clone(), two.clone()], "s"),
            ids(&[one.clone(), event_block("2", "j")], "r"),
            ids(&[one.clone(), two, one.clone()], "r"),
            ids(&[one], "r"),
        ] {
            for uuid in uuids {
                assert!(!seen.contains(&uuid), "{uuid}");
                seen.push(uuid);
            }
        }
    }

    /// From Python, with the text `undefinedi7undefinedr0`.
    #[test]
    fn what_the_ancestor_of_a_foreign_alert_lacks_is_told_as_javascript_does() {
        let ancestors = vec![json!({"index": "i"}), json!({"id": 7})];
        let uuids = block_alert_uuids(&[Ancestors { ancestors, depth: 2 }], "r");
        assert_eq!(uuids[0].as_str(), "aaf46d6a6f4f2a62621ddeb7ec9b0b50fff07bb96adc150de0cd90b772ea4926");
    }
}
