//! From a sequence or sample to its alert group: a building block for each event, and the shell that people work on.
//!
//! Source: elastic/kibana rule_types/eql/build_alert_group_from_sequence.ts.

use ecs::Document;
use serde_json::{Map, Value};

use crate::ancestors::{self, Ancestors};
use crate::build::BuildOutcome;
use crate::context::{AlertContext, iso};
use crate::document::Alert;
use crate::fields;
use crate::hit::SequenceHit;
use crate::identity::{AlertUuid, block_alert_uuids, shell_alert_uuid};
use crate::intersection::intersection;
use crate::overrides::Overrides;
use crate::own_fields::OwnFields;
use crate::reason::reason;
use crate::rule_fields::AlertRule;
use crate::source::{SourceCopy, copy_source, original_time};

/// The alerts of a sequence or sample. All have the same `kibana.alert.group.id`: the id of the shell.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertGroup {
    /// What the events have in common. Its depth is one more than that of the blocks, which are its ancestors.
    pub shell: Alert,
    /// One alert for each event, in the order of the events; `kibana.alert.group.index` counts them from 0. They are
    /// building blocks: kept from view, and of no effect on actions.
    pub blocks: Vec<Alert>,
}

impl AlertGroup {
    /// Every alert, in the order in which Kibana writes them: the shell, then the blocks.
    pub fn into_alerts(self) -> impl Iterator<Item = Alert> {
        std::iter::once(self.shell).chain(self.blocks)
    }
}

/// Makes the alerts of a sequence or sample. None has overrides: severity, risk score and name are the rule's. `found`
/// are further fields of the shell's own.
pub(crate) fn build_group(
    hit: &SequenceHit,
    found: Map<String, Value>,
    rule: &AlertRule<'_>,
    context: &AlertContext,
) -> BuildOutcome {
    let rule_uuid = &rule.rule.uuid;
    let ancestors: Vec<Ancestors> = hit.events.iter().map(ancestors::of_event).collect();
    if ancestors.iter().any(|ancestors| ancestors.include_rule(rule_uuid)) {
        return BuildOutcome::SelfFeeding;
    }
    let block_uuids = block_alert_uuids(&ancestors, rule_uuid);
    let shell_ancestors = ancestors::of_blocks(&block_uuids, &ancestors, rule_uuid);
    let shell_uuid = shell_alert_uuid(&shell_ancestors, rule_uuid);
    let copies: Vec<SourceCopy> =
        hit.events.iter().map(|event| copy_source(event.document.clone())).collect();
    let shell =
        ShellParts { hit, copies: &copies, uuid: shell_uuid.clone(), ancestors: shell_ancestors, found };
    let shell = build_shell(shell, rule, context);

    let own = block_uuids.into_iter().zip(ancestors);
    let evidence = hit.events.iter().zip(copies);
    let blocks = evidence.zip(own).enumerate().map(|(index, ((event, copy), (uuid, ancestors)))| {
        let own = own_fields(uuid, ancestors, &event.document, &event.document, rule);
        let mut alert = copy.originals;
        own.put_into(&mut alert, rule, context);
        let mut put = |name: &str, value: Value| alert.insert(name.to_owned(), value);
        put(fields::BUILDING_BLOCK_TYPE, fields::BUILDING_BLOCK.into());
        put(fields::GROUP_ID, shell_uuid.as_str().into());
        put(fields::GROUP_INDEX, index.into());
        Alert::new(copy.fields, alert, rule.shared(context), copy.removed)
    });
    BuildOutcome::Group(Box::new(AlertGroup { blocks: blocks.collect(), shell }))
}

/// What a shell is made of.
struct ShellParts<'a> {
    hit: &'a SequenceHit,
    copies: &'a [SourceCopy],
    uuid: AlertUuid,
    ancestors: Ancestors,
    /// Further fields of its own.
    found: Map<String, Value>,
}

/// The shell has no warnings: the blocks name what they leave out.
///
/// Its original time is that of the first event. Kibana takes it from the first block, whose `@timestamp` is that of
/// detection: the time would tell of the run and not of the evidence.
fn build_shell(parts: ShellParts<'_>, rule: &AlertRule<'_>, context: &AlertContext) -> Alert {
    let ShellParts { hit, copies, uuid, ancestors, found } = parts;
    let shared = |part: fn(&SourceCopy) -> &Map<String, Value>| {
        intersection(&copies.iter().map(part).collect::<Vec<_>>())
    };
    let source = Document::from_map(shared(|copy| &copy.fields));
    let nothing = Document::new();
    let first = hit.events.first().map_or(&nothing, |event| &event.document);
    let group_id = Value::from(uuid.as_str());
    let own = own_fields(uuid, ancestors, &source, first, rule);
    let mut alert = shared(|copy| &copy.originals);
    own.put_into(&mut alert, rule, context);
    alert.insert(fields::GROUP_ID.to_owned(), group_id);
    alert.extend(found);
    Alert::new(source.into_map(), alert, rule.shared(context), Vec::new())
}

/// `told` is what the reason tells of, `timed` the event whose time the alert names.
fn own_fields(
    uuid: AlertUuid,
    ancestors: Ancestors,
    told: &Document,
    timed: &Document,
    rule: &AlertRule<'_>,
) -> OwnFields {
    let overridden = Overrides::none(rule.rule);
    let reason = reason(told, &overridden.rule_name, overridden.severity);
    OwnFields { uuid, ancestors, overridden, reason, original_time: original_time(timed).map(iso) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use ecs::Timestamp;
    use proptest::prelude::*;
    use rule::Rule;
    use serde_json::json;

    use crate::build::build;
    use crate::context::ExecutionType;
    use crate::hit::{EventHit, Hit};
    use crate::rule_fields::tests::{context, rule};
    use crate::source::tests::any_source;

    /// A sequence of these events; the documents are `doc0` of `logs-0` and so on.
    fn hit(sources: impl IntoIterator<Item = Value>) -> Hit {
        let event = |(i, source)| {
            let Value::Object(map) = source else { panic!("not an object") };
            EventHit { document: Document::from_map(map), id: format!("doc{i}"), index: format!("logs-{i}") }
        };
        Hit::Sequence(SequenceHit { events: sources.into_iter().enumerate().map(event).collect() })
    }

    fn built(hit: &Hit, rule: &Rule, context: &AlertContext) -> AlertGroup {
        match build(hit, &AlertRule::new(rule), context) {
            BuildOutcome::Group(group) => *group,
            other => panic!("no group: {other:?}"),
        }
    }

    fn own(alert: &Alert) -> Value {
        let mut map = alert.document().as_map().clone();
        map.retain(|name, _| !name.starts_with("kibana.alert.rule."));
        Value::Object(map)
    }

    /// A login, then an upload by the same user on the same host.
    fn events() -> [Value; 2] {
        [
            json!({
                "@timestamp": "2024-01-01T00:03:00Z",
                "event": {"kind": "event", "action": "login", "category": ["authentication", "session"], "id": "1"},
                "data_stream": {"dataset": "system.auth", "namespace": "default"},
                "user": {"name": "ann"}, "host": {"name": "h1"}, "source": {"port": "https"}
            }),
            json!({
                "@timestamp": "2024-01-01T00:04:00Z",
                "event": {"kind": "event", "action": "upload", "category": ["file", "session"], "id": "2"},
                "data_stream": {"dataset": "system.files", "namespace": "default"},
                "user.name": "ann", "host": {"name": "h1"}, "file": {"name": "x"}
            }),
        ]
    }

    // By the recipes that the tests of `identity` state, for doc0 of logs-0 and doc1 of logs-1.
    const BLOCK_0: &str = "7715d79ad3d6b953b3a1924a26477f6904dcfef6fb485c5d74d242b152860160";
    const BLOCK_1: &str = "5e7800d1b2b3d369b8d021ef66d2b6a09c81bbb45e81a94a3bc279abae65df1a";
    const SHELL: &str = "213187c03c1f73e7760f43cfb86704fd9582fbd2826dadf51c47b96839cc965e";

    #[test]
    fn the_shell_says_what_the_events_have_in_common() {
        let rule = rule(json!({"severity": "high", "risk_score": 73}));
        let AlertGroup { shell, blocks } = built(&hit(events()), &rule, &context());
        let expected = json!({
            "@timestamp": "2024-01-01T00:05:00.000Z",
            "data_stream": {"namespace": "default"},
            "event": {"category": ["session"]},
            "event.kind": "signal",
            "host": {"name": "h1"},
            "kibana.alert.ancestors": [
                {"depth": 0, "id": "doc0", "index": "logs-0", "type": "event"},
                {"depth": 1, "id": BLOCK_0, "index": "", "rule": "rule-1", "type": "signal"},
                {"depth": 0, "id": "doc1", "index": "logs-1", "type": "event"},
                {"depth": 1, "id": BLOCK_1, "index": "", "rule": "rule-1", "type": "signal"}
            ],
            "kibana.alert.depth": 2,
            "kibana.alert.group.id": SHELL,
            "kibana.alert.intended_timestamp": "2024-01-01T00:05:00.000Z",
            "kibana.alert.last_detected": "2024-01-01T00:05:00.000Z",
            "kibana.alert.original_data_stream.namespace": "default",
            "kibana.alert.original_event.category": ["session"],
            "kibana.alert.original_event.kind": "event",
            "kibana.alert.original_time": "2024-01-01T00:03:00.000Z",
            "kibana.alert.reason": "session event by ann on h1 created high alert My rule.",
            "kibana.alert.risk_score": 73,
            "kibana.alert.severity": "high",
            "kibana.alert.start": "2024-01-01T00:05:00.000Z",
            "kibana.alert.status": "active",
            "kibana.alert.uuid": SHELL,
            "kibana.alert.workflow_assignee_ids": [],
            "kibana.alert.workflow_status": "open",
            "kibana.alert.workflow_tags": [],
            "kibana.space_ids": ["default"],
            "kibana.version": "0.1.0",
            "user": {"name": "ann"}
        });
        assert_eq!(own(&shell), expected);
        assert_eq!((shell.group_id(), shell.group_index()), (Some(SHELL), None));
        assert!(!shell.is_building_block());
        assert_eq!(shell.warnings(), []);
        assert_eq!(blocks.len(), 2);
    }

    #[test]
    fn a_block_is_the_alert_of_its_event_within_the_group() {
        let rule = rule(json!({}));
        let group = built(&hit(events()), &rule, &context());
        for (i, (event, uuid)) in events().into_iter().zip([BLOCK_0, BLOCK_1]).enumerate() {
            let Hit::Sequence(SequenceHit { mut events }) = hit([json!({}), json!({})]) else {
                panic!("one")
            };
            let mut alone = events.swap_remove(i);
            let Value::Object(map) = event else { panic!("not an object") };
            alone.document = Document::from_map(map);
            let BuildOutcome::Alert(alone) = build(&Hit::Event(alone), &AlertRule::new(&rule), &context())
            else {
                panic!("no alert")
            };
            let block = &group.blocks[i];
            assert_eq!(block.warnings(), alone.warnings());
            let mut expected = alone.into_document().into_map();
            expected.extend(map_of(json!({
                "kibana.alert.uuid": uuid, "kibana.alert.building_block_type": "default",
                "kibana.alert.group.id": SHELL, "kibana.alert.group.index": i
            })));
            assert_eq!(block.document().as_map(), &expected);
            assert_eq!(block.document().as_map()["kibana.alert.depth"], 1);
            assert_eq!((block.group_id(), block.group_index()), (Some(SHELL), Some(i as u64)));
            assert!(block.is_building_block());
        }
        let order: Vec<Option<u64>> = group.into_alerts().map(|alert| alert.group_index()).collect();
        assert_eq!(order, [None, Some(0), Some(1)]);
    }

    fn map_of(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("not an object") };
        map
    }

    #[test]
    fn a_group_takes_no_overrides() {
        let rule = rule(json!({
            "rule_name_override": "host.name",
            "severity_mapping": [{"field": "user.name", "operator": "equals", "value": "ann", "severity": "critical"}],
            "risk_score_mapping": [{"field": "x.score", "operator": "equals", "value": ""}]
        }));
        let events = events().map(|mut event| {
            event["x"] = json!({"score": 99});
            event
        });
        for alert in built(&hit(events), &rule, &context()).into_alerts() {
            assert_eq!((alert.rule_name(), alert.severity()), (Some("My rule"), Some("low")));
            assert_eq!(alert.risk_score(), Some(21.0));
            assert!(alert.reason().is_some_and(|reason| reason.ends_with("created low alert My rule.")));
        }
    }

    #[test]
    fn only_a_building_block_rule_keeps_the_shell_from_view() {
        for (own, of_rule) in [(json!({}), false), (json!({"building_block_type": "default"}), true)] {
            let group = built(&hit(events()), &rule(own), &context());
            assert_eq!(group.shell.is_building_block(), of_rule);
            for alert in group.into_alerts() {
                let field = alert.document().text("kibana.alert.rule.building_block_type");
                assert_eq!(field, of_rule.then_some("default"));
            }
        }
    }

    #[test]
    fn every_alert_of_a_group_has_its_own_url() {
        let context = AlertContext { base_url: Some("https://example.org".to_owned()), ..context() };
        for alert in built(&hit(events()), &rule(json!({})), &context).into_alerts() {
            let path = format!("/redirect/{}?", alert.uuid().unwrap());
            assert!(alert.document().text("kibana.alert.url").is_some_and(|url| url.contains(&path)));
        }
    }

    #[test]
    fn a_sequence_with_an_alert_of_the_same_rule_makes_nothing() {
        let sequence = rule(json!({}));
        let [first, second] = events();
        for alert in built(&hit(events()), &sequence, &context()).into_alerts() {
            let own = Value::Object(alert.into_document().into_map());
            let fed = [first.clone(), own.clone(), second.clone()];
            assert_eq!(build(&hit(fed), &AlertRule::new(&sequence), &context()), BuildOutcome::SelfFeeding);

            // Another rule may, and its alerts are as deep as the deepest event says.
            let other = rule(json!({"id": "rule-2", "rule_id": "other"}));
            let depth = own["kibana.alert.depth"].as_u64().unwrap();
            let group = built(&hit([first.clone(), own]), &other, &context());
            let depths: Vec<u64> = group
                .into_alerts()
                .map(|alert| {
                    let own = Value::Object(alert.into_document().into_map());
                    let again = hit([first.clone(), own.clone()]);
                    let outcome = build(&again, &AlertRule::new(&sequence), &context());
                    // The block about the plain event stems from no alert of the rule.
                    let stems = own["kibana.alert.ancestors"].as_array().unwrap().len() > 1;
                    assert_eq!(outcome == BuildOutcome::SelfFeeding, stems);
                    own["kibana.alert.depth"].as_u64().unwrap()
                })
                .collect();
            assert_eq!(depths, [depth + 2, 1, depth + 1]);
        }
    }

    #[test]
    fn the_time_of_a_sequence_is_that_of_its_first_event() {
        for (times, expected) in [
            (
                [json!("2024-01-01T00:00:02Z"), json!("2024-01-01T00:00:01Z")],
                Some("2024-01-01T00:00:02.000Z"),
            ),
            ([json!(null), json!("2024-01-01T00:00:01Z")], None),
        ] {
            let group =
                built(&hit(times.map(|time| json!({"@timestamp": time}))), &rule(json!({})), &context());
            assert_eq!(group.shell.original_time(), expected);
        }
    }

    #[test]
    fn a_sequence_of_one_event_or_of_none_has_its_shell_too() {
        let [event, _] = events();
        let AlertGroup { shell, blocks } = built(&hit([event]), &rule(json!({})), &context());
        assert_eq!(blocks.len(), 1);
        assert_eq!(shell.event_id(), Some("1"));
        assert_eq!(shell.document().as_map()["kibana.alert.depth"], 2);

        let AlertGroup { shell, blocks } = built(&hit([]), &rule(json!({})), &context());
        assert_eq!(blocks, []);
        assert_eq!(shell.group_id(), shell.uuid());
        assert_eq!(shell.document().as_map()["kibana.alert.ancestors"], json!([]));
    }

    /// Events with something in common: each has the fields of the first argument, as far as it has none of its own.
    fn any_events() -> impl Strategy<Value = Vec<Value>> {
        (any_source(), prop::collection::vec(any_source(), 1..4)).prop_map(|(common, sources)| {
            let merge = |source| {
                let mut merged = map_of(common.clone());
                merged.extend(map_of(source));
                Value::Object(merged)
            };
            sources.into_iter().map(merge).collect()
        })
    }

    /// What an alert has from its events: name and value of every leaf.
    fn of_events(alert: &Alert) -> BTreeSet<String> {
        let of_event = |name: &str| {
            let original = [fields::ORIGINAL_EVENT, fields::ORIGINAL_DATA_STREAM];
            if name.starts_with("kibana.") {
                original.iter().any(|prefix| name.starts_with(&format!("{prefix}.")))
            } else {
                name != fields::TIMESTAMP && name != fields::EVENT_KIND
            }
        };
        let leaves = alert.document().leaves();
        let leaves = leaves.into_iter().filter(|(name, _)| of_event(name));
        leaves.map(|(name, scalar)| format!("{name} = {scalar:?}")).collect()
    }

    proptest! {
        #[test]
        fn a_shell_has_no_value_that_one_of_its_events_lacks(events in any_events()) {
            let AlertGroup { shell, blocks } = built(&hit(events), &rule(json!({})), &context());
            let shared = of_events(&shell);
            for block in &blocks {
                prop_assert!(shared.is_subset(&of_events(block)), "{:?}", shared);
            }
            if let [only] = &blocks[..] {
                prop_assert_eq!(shared, of_events(only));
            }
        }

        #[test]
        fn a_group_belongs_together(events in any_events()) {
            let count = events.len();
            let AlertGroup { shell, blocks } = built(&hit(events), &rule(json!({})), &context());
            prop_assert_eq!(shell.group_id(), shell.uuid());
            prop_assert_eq!(shell.group_index(), None);
            prop_assert_eq!(blocks.len(), count);
            let mut uuids = BTreeSet::from([shell.uuid()]);
            for (i, block) in blocks.iter().enumerate() {
                prop_assert_eq!(block.group_id(), shell.uuid());
                prop_assert_eq!(block.group_index(), Some(i as u64));
                prop_assert!(block.is_building_block());
                prop_assert!(uuids.insert(block.uuid()));
            }
        }

        #[test]
        fn the_same_sequence_gives_the_same_group_whenever_it_is_found(
            events in any_events(),
            milliseconds in 0i64..4_000_000_000_000,
        ) {
            let (rule, hit) = (rule(json!({})), hit(events));
            let here = built(&hit, &rule, &context());
            prop_assert_eq!(&here, &built(&hit, &rule, &context()));

            let at = Timestamp::from_millisecond(milliseconds).unwrap();
            let later = AlertContext {
                detected_at: at,
                execution_uuid: "execution-2".to_owned(),
                execution_type: ExecutionType::Manual,
                intended_timestamp: Some(at),
                ..context()
            };
            let there = built(&hit, &rule, &later);
            for (one, other) in here.into_alerts().zip(there.into_alerts()) {
                prop_assert_eq!(one.uuid(), other.uuid());
                prop_assert_eq!(one.group_id(), other.group_id());
                prop_assert_eq!(one.original_time(), other.original_time());
                prop_assert_eq!(one.reason(), other.reason());
                let ancestors = |alert: &Alert| alert.document().as_map()[fields::ANCESTORS].clone();
                prop_assert_eq!(ancestors(&one), ancestors(&other));
                prop_assert_eq!(of_events(&one), of_events(&other));
            }
        }
    }
}
