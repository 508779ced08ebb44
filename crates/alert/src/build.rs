//! From a hit to its alert.
//!
//! Source: elastic/kibana rule_types/factories/utils/{transform_hit_to_alert,build_alert}.ts, rule_registry
//! create_persistence_rule_type_wrapper.ts.

use ecs::{Document, Timestamp};
use serde_json::{Map, Value};

use crate::ancestors::{self, Ancestors};
use crate::context::{AlertContext, iso};
use crate::document::Alert;
use crate::esql;
use crate::event_text::EventText;
use crate::fields;
use crate::group::{AlertGroup, build_group};
use crate::hit::{EventHit, Hit, NewTermsHit};
use crate::identity::{AlertUuid, event_alert_uuid, new_terms_alert_uuid};
use crate::overrides::{self, Overrides};
use crate::own_fields::OwnFields;
use crate::reason::{reason, reason_of};
use crate::rule_fields::AlertRule;
use crate::source::{copy_source, original_time};
use crate::suppress::{NewAlert, Suppression};
use crate::threat::enriched;
use crate::threshold::{MAX_EVIDENCE, stand_in, threshold_fields};

/// What comes of a hit.
#[derive(Debug, Clone, PartialEq)]
pub enum BuildOutcome {
    /// An alert.
    Alert(Box<Alert>),
    /// The alerts of a sequence or sample.
    Group(Box<AlertGroup>),
    /// None: the hit is an alert that this rule itself made, or that was made of one, or a sequence with such an event.
    /// Else the rule would feed on its own alerts for ever.
    SelfFeeding,
}

/// Makes the alert of a hit, or the alerts of a sequence.
///
/// The alert's id depends on the rule, the space and the evidence only; everything that tells of the run comes from
/// `context`. Values of the event that do not fit ECS are left out and listed by [`Alert::warnings`].
pub fn build(hit: &Hit, rule: &AlertRule<'_>, context: &AlertContext) -> BuildOutcome {
    build_owned(hit.clone(), rule, context)
}

/// As [`build()`], of a hit that nobody needs any more: the fields of its event move into the alert.
pub fn build_owned(hit: Hit, rule: &AlertRule<'_>, context: &AlertContext) -> BuildOutcome {
    build_as(hit, None, Map::new(), rule, context)
}

/// As [`build()`] of a [`NewTermsHit`], of an event that is there as text, for a rule that
/// [has no overrides](AlertRule::has_overrides).
pub fn build_new_terms(
    event: EventText,
    values: Vec<Value>,
    alert_rule: &AlertRule<'_>,
    context: &AlertContext,
) -> BuildOutcome {
    let rule = alert_rule.rule;
    let uuid = new_terms_alert_uuid(event.index(), event.id(), &values, &context.space, &rule.uuid);
    let overridden = Overrides::none(rule);
    let own = OwnFields {
        uuid,
        ancestors: ancestors::of_plain_event(event.id(), event.index()),
        reason: reason_of(event.what_happened(), &overridden.rule_name, overridden.severity),
        overridden,
        original_time: event.original_time().map(str::to_owned),
    };
    let mut fields = Map::with_capacity(ROOM_FOR_OWN);
    own.put_into(&mut fields, alert_rule, context);
    fields.insert(fields::NEW_TERMS.to_owned(), Value::Array(values));
    let alert = Alert::of_text(event, fields, alert_rule.shared(context));
    BuildOutcome::Alert(Box::new(alert))
}

/// About how many fields of its own an alert has beside those of its event and those that it shares.
const ROOM_FOR_OWN: usize = 14;

/// Makes the alert of the hit that stands for others, and says so on it. Of a sequence the shell says it; its building
/// blocks are as they are without suppression.
///
/// `hit` is the one that [`suppress`](crate::suppress()) chose. Without suppression, as of an event that lacks a field,
/// this is [`build`].
pub fn build_suppressed<T>(
    hit: &Hit,
    new: &NewAlert<T>,
    rule: &AlertRule<'_>,
    context: &AlertContext,
) -> BuildOutcome {
    let found = new.suppression.as_ref().map(Suppression::fields).unwrap_or_default();
    build_as(hit.clone(), Some(new.uuid.clone()), found, rule, context)
}

/// `uuid` replaces the id of an alert about events; that of a sequence stays. `found` are further fields of its own.
fn build_as(
    hit: Hit,
    uuid: Option<AlertUuid>,
    mut found: Map<String, Value>,
    rule: &AlertRule<'_>,
    context: &AlertContext,
) -> BuildOutcome {
    let (space, rule_uuid) = (&context.space, &rule.rule.uuid);
    match hit {
        Hit::Event(event) => {
            let uuid = uuid.unwrap_or_else(|| event_alert_uuid(&event.index, &event.id, space, rule_uuid));
            build_event_alert(event, uuid, found, rule, context)
        }
        Hit::Sequence(sequence) => build_group(&sequence, found, rule, context),
        Hit::NewTerms(NewTermsHit { event, values }) => {
            let uuid = uuid
                .unwrap_or_else(|| new_terms_alert_uuid(&event.index, &event.id, &values, space, rule_uuid));
            found.insert(fields::NEW_TERMS.to_owned(), Value::Array(values));
            build_event_alert(event, uuid, found, rule, context)
        }
        Hit::Threshold(group) => {
            let event = stand_in(&group, &rule.rule.rule_id);
            let uuid = uuid.unwrap_or_else(|| event_alert_uuid(&event.index, &event.id, space, rule_uuid));
            found.extend(threshold_fields(&group));
            build_event_alert(event, uuid, found, rule, context)
        }
        Hit::Threat(threat) => {
            let event = enriched(&threat, rule);
            let uuid = uuid.unwrap_or_else(|| event_alert_uuid(&event.index, &event.id, space, rule_uuid));
            build_event_alert(event, uuid, found, rule, context)
        }
        Hit::EsqlRow(row) => {
            let uuid = uuid.unwrap_or_else(|| esql::row_uuid(&row, space, rule_uuid));
            build_event_alert(esql::with_columns(row), uuid, found, rule, context)
        }
        Hit::EsqlGroup(group) => {
            let uuid = uuid.unwrap_or_else(|| esql::group_uuid(&group, space, rule_uuid));
            found.extend(esql::evidence_fields(&group));
            let source = Evidence {
                ancestors: ancestors::of_group(&group.events[..group.events.len().min(MAX_EVIDENCE)]),
                time: group.last,
                document: esql::stand_in(&group.columns),
            };
            build_alert(source, uuid, found, rule, context)
        }
    }
}

/// What an alert is built from.
struct Evidence {
    document: Document,
    ancestors: Ancestors,
    /// When it happened, where the document does not say.
    time: Option<Timestamp>,
}

/// Makes the alert of one event. `found` are the alert's own fields that only some alerts have.
fn build_event_alert(
    hit: EventHit,
    uuid: AlertUuid,
    found: Map<String, Value>,
    rule: &AlertRule<'_>,
    context: &AlertContext,
) -> BuildOutcome {
    let ancestors = ancestors::of_event(&hit);
    build_alert(Evidence { document: hit.document, ancestors, time: None }, uuid, found, rule, context)
}

fn build_alert(
    evidence: Evidence,
    uuid: AlertUuid,
    found: Map<String, Value>,
    alert_rule: &AlertRule<'_>,
    context: &AlertContext,
) -> BuildOutcome {
    let rule = alert_rule.rule;
    let Evidence { document, ancestors, time } = evidence;
    if ancestors.include_rule(&rule.uuid) {
        return BuildOutcome::SelfFeeding;
    }
    let overridden = overrides::apply(rule, &document);
    let reason = reason(&document, &overridden.rule_name, overridden.severity);
    let original_time = original_time(&document).or(time).map(iso);
    let own = OwnFields { uuid, ancestors, overridden, reason, original_time };
    let copy = copy_source(document);

    let mut fields = copy.originals;
    own.put_into(&mut fields, alert_rule, context);
    fields.extend(found);
    let alert = Alert::new(copy.fields, fields, alert_rule.shared(context), copy.removed);
    BuildOutcome::Alert(Box::new(alert))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rule::Rule;
    use serde_json::json;

    use crate::context::ExecutionType;
    use crate::rule_fields::tests::{all_fields, context, rule};
    use crate::source::tests::any_source;

    fn hit(source: Value) -> Hit {
        let Value::Object(map) = source else { panic!("not an object") };
        Hit::Event(EventHit {
            document: Document::from_map(map),
            id: "doc1".to_owned(),
            index: "logs-a".to_owned(),
        })
    }

    fn built(hit: &Hit, rule: &Rule, context: &AlertContext) -> Alert {
        match build(hit, &AlertRule::new(rule), context) {
            BuildOutcome::Alert(alert) => *alert,
            BuildOutcome::Group(_) | BuildOutcome::SelfFeeding => panic!("no alert"),
        }
    }

    fn event() -> Value {
        json!({
            "@timestamp": "2024-01-01T00:03:00.123456Z",
            "event": {"kind": "event", "action": "DisableKey", "id": "e-1", "category": ["iam"]},
            "data_stream": {"dataset": "aws.cloudtrail"},
            "user": {"name": "ann"},
            "source": {"ip": "10.0.0.1", "port": "https"},
            "cloud": {"account": {"id": "123456789012"}, "region": "eu-west-1"},
            "aws": {"cloudtrail": {"event_type": "AwsApiCall"}}
        })
    }

    #[test]
    fn the_document_holds_the_event_and_the_alert() {
        let rule = rule(json!({"note": "## Look first"}));
        let alert = built(&hit(event()), &rule, &context());
        let (of_rule, own): (Map<String, Value>, Map<String, Value>) = alert
            .document()
            .as_map()
            .clone()
            .into_iter()
            .partition(|(name, _)| name.starts_with("kibana.alert.rule."));
        assert_eq!(of_rule, { all_fields(&rule, "My rule") });
        let uuid = "15e6d64924d9f3287dfb6b166148deb26d1e78b38fb6eb8e403dbe0acb50c3bc";
        let expected = json!({
            "@timestamp": "2024-01-01T00:05:00.000Z",
            "aws": {"cloudtrail": {"event_type": "AwsApiCall"}},
            "cloud": {"account": {"id": "123456789012"}, "region": "eu-west-1"},
            "data_stream": {"dataset": "aws.cloudtrail"},
            "event": {"action": "DisableKey", "category": ["iam"], "id": "e-1"},
            "event.kind": "signal",
            "kibana.alert.ancestors": [{"depth": 0, "id": "doc1", "index": "logs-a", "type": "event"}],
            "kibana.alert.depth": 1,
            "kibana.alert.intended_timestamp": "2024-01-01T00:05:00.000Z",
            "kibana.alert.last_detected": "2024-01-01T00:05:00.000Z",
            "kibana.alert.original_data_stream.dataset": "aws.cloudtrail",
            "kibana.alert.original_event.action": "DisableKey",
            "kibana.alert.original_event.category": ["iam"],
            "kibana.alert.original_event.id": "e-1",
            "kibana.alert.original_event.kind": "event",
            "kibana.alert.original_time": "2024-01-01T00:03:00.123Z",
            "kibana.alert.reason":
                "iam event with source 10.0.0.1:https, by ann created low alert My rule.",
            "kibana.alert.risk_score": 21,
            "kibana.alert.severity": "low",
            "kibana.alert.start": "2024-01-01T00:05:00.000Z",
            "kibana.alert.status": "active",
            "kibana.alert.uuid": uuid,
            "kibana.alert.workflow_assignee_ids": [],
            "kibana.alert.workflow_status": "open",
            "kibana.alert.workflow_tags": [],
            "kibana.space_ids": ["default"],
            "kibana.version": "0.1.0",
            "source": {"ip": "10.0.0.1"},
            "user": {"name": "ann"}
        });
        assert_eq!(Value::Object(own), expected);
        let removed: Vec<&str> = alert.warnings().iter().map(|w| w.path.as_str()).collect();
        assert_eq!(removed, ["source.port"]);

        assert_eq!(alert.uuid(), Some(uuid));
        assert_eq!(alert.rule_id(), Some("my-rule"));
        assert_eq!(alert.rule_name(), Some("My rule"));
        assert_eq!(alert.severity(), Some("low"));
        assert_eq!(alert.risk_score(), Some(21.0));
        assert_eq!(alert.original_time(), Some("2024-01-01T00:03:00.123Z"));
        assert!(alert.reason().is_some_and(|reason| reason.starts_with("iam event")));
        assert_eq!(alert.guide(), Some("## Look first"));
        assert_eq!(alert.event_id(), Some("e-1"));
        assert_eq!(alert.user_name(), Some("ann"));
        assert_eq!(alert.source_ip(), Some("10.0.0.1"));
        assert_eq!(alert.account(), Some("123456789012"));
        assert_eq!(alert.region(), Some("eu-west-1"));
    }

    #[test]
    fn what_an_event_lacks_its_alert_lacks() {
        let alert = built(&hit(json!({"@timestamp": "some day"})), &rule(json!({})), &context());
        assert_eq!(alert.original_time(), None);
        assert_eq!(alert.guide(), None);
        assert_eq!(alert.event_id(), None);
        assert_eq!(alert.document().text("kibana.alert.building_block_type"), None);
        assert_eq!(alert.document().text("kibana.alert.url"), None);
        assert_eq!(alert.warnings()[0].path, "@timestamp");
    }

    #[test]
    fn overrides_are_seen_on_the_alert_but_not_on_its_rule() {
        let rule = rule(json!({
            "rule_name_override": "event.action",
            "severity_mapping": [{"field": "user.name", "operator": "equals", "value": "ann", "severity": "high"}],
            "risk_score_mapping": [{"field": "x.score", "operator": "equals", "value": ""}]
        }));
        let mut source = event();
        source["x"] = json!({"score": 73.5});
        let alert = built(&hit(source), &rule, &context());
        assert_eq!((alert.rule_name(), alert.severity()), (Some("DisableKey"), Some("high")));
        assert_eq!(alert.risk_score(), Some(73.5));
        assert!(alert.reason().is_some_and(|reason| reason.ends_with("created high alert DisableKey.")));
        let document = alert.document().as_map();
        assert_eq!(document["kibana.alert.rule.severity"], "low");
        assert_eq!(document["kibana.alert.rule.risk_score"], 21);
        assert_eq!(document["kibana.alert.rule.parameters"]["severity"], "low");
    }

    #[test]
    fn a_building_block_says_so() {
        let alert = built(&hit(event()), &rule(json!({"building_block_type": "default"})), &context());
        for name in ["kibana.alert.building_block_type", "kibana.alert.rule.building_block_type"] {
            assert_eq!(alert.document().text(name), Some("default"), "{name}");
        }
    }

    #[test]
    fn a_manual_run_tells_the_time_it_stands_for() {
        let context = AlertContext {
            execution_type: ExecutionType::Manual,
            intended_timestamp: "2023-12-01T00:00:00Z".parse().ok(),
            ..context()
        };
        let alert = built(&hit(event()), &rule(json!({})), &context);
        let text = |name| alert.document().text(name);
        assert_eq!(text("kibana.alert.intended_timestamp"), Some("2023-12-01T00:00:00.000Z"));
        assert_eq!(text("@timestamp"), Some("2024-01-01T00:05:00.000Z"));
        assert_eq!(text("kibana.alert.rule.execution.type"), Some("manual"));
    }

    #[test]
    fn the_url_names_space_index_and_time() {
        let tail = |space: &str| {
            let uuid = event_alert_uuid("logs-a", "doc1", space, "rule-1");
            format!(
                "/app/security/alerts/redirect/{uuid}?index=.alerts-security.alerts-{space}\
                 &timestamp=2024-01-01T00:05:00.000Z"
            )
        };
        for (space, base, expected) in [
            ("default", "https://example.org", format!("https://example.org{}", tail("default"))),
            ("soc", "https://example.org/kb/", format!("https://example.org/kb/s/soc{}", tail("soc"))),
        ] {
            let context =
                AlertContext { space: space.to_owned(), base_url: Some(base.to_owned()), ..context() };
            let alert = built(&hit(event()), &rule(json!({})), &context);
            assert_eq!(alert.document().text("kibana.alert.url"), Some(expected.as_str()));
        }
    }

    #[test]
    fn a_rule_makes_no_alerts_of_its_own_alerts() {
        let alert = built(&hit(event()), &rule(json!({})), &context());
        let first = hit(Value::Object(alert.into_document().into_map()));
        assert_eq!(build(&first, &AlertRule::new(&rule(json!({}))), &context()), BuildOutcome::SelfFeeding);

        // Another rule may; its alert says where it comes from, and the first rule stays out of the loop.
        let other = rule(json!({"id": "rule-2", "rule_id": "other"}));
        let alert = built(&first, &other, &context());
        let document = alert.document().as_map();
        assert_eq!(document["kibana.alert.depth"], 2);
        assert_eq!(
            document["kibana.alert.ancestors"],
            json!([
                {"depth": 0, "id": "doc1", "index": "logs-a", "type": "event"},
                {"depth": 1, "id": "doc1", "index": "logs-a", "rule": "rule-1", "type": "signal"}
            ])
        );
        assert_eq!(document["kibana.alert.rule.uuid"], "rule-2");
        assert_eq!(document["kibana.alert.original_event.kind"], "signal");
        let second = hit(Value::Object(alert.into_document().into_map()));
        assert_eq!(build(&second, &AlertRule::new(&rule(json!({}))), &context()), BuildOutcome::SelfFeeding);
    }

    #[test]
    fn the_order_of_the_events_keys_does_not_show() {
        let text = |source: Value| {
            let alert = built(&hit(source), &rule(json!({"meta": {"b": 1, "a": 2}})), &context());
            serde_json::to_string(alert.document().as_map()).unwrap()
        };
        let one = text(json!({"b": {"y": [{"q": 1, "p": 2}], "x": 1}, "event": {"b": 1, "a": 2}}));
        let other = text(json!({"event": {"a": 2, "b": 1}, "b": {"x": 1, "y": [{"p": 2, "q": 1}]}}));
        assert_eq!(one, other);
    }

    /// Where two alerts of the same evidence may differ.
    const OF_THE_RUN: [&str; 8] = [
        fields::TIMESTAMP,
        fields::START,
        fields::LAST_DETECTED,
        fields::INTENDED_TIMESTAMP,
        fields::URL,
        fields::RULE_EXECUTION_UUID,
        fields::RULE_EXECUTION_TIMESTAMP,
        fields::RULE_EXECUTION_TYPE,
    ];

    proptest! {
        #[test]
        fn the_same_evidence_gives_the_same_alert_whenever_it_is_found(
            source in any_source(),
            milliseconds in 0i64..4_000_000_000_000,
            manual in any::<bool>(),
        ) {
            let at = Timestamp::from_millisecond(milliseconds).unwrap();
            let here = AlertContext { base_url: Some("https://example.org".to_owned()), ..context() };
            let there = AlertContext {
                detected_at: at,
                execution_uuid: "execution-2".to_owned(),
                execution_type: if manual { ExecutionType::Manual } else { ExecutionType::Scheduled },
                intended_timestamp: manual.then_some(at),
                ..here.clone()
            };
            let rule = rule(json!({
                "rule_name_override": "user.name",
                "risk_score_mapping": [{"field": "source.port", "operator": "equals", "value": ""}]
            }));
            let hit = hit(source);
            let (first, second) = (built(&hit, &rule, &here), built(&hit, &rule, &there));
            prop_assert_eq!(first.uuid(), second.uuid());
            prop_assert_eq!(first.warnings(), second.warnings());
            let evidence = |alert: &Alert| {
                let mut map = alert.document().as_map().clone();
                map.retain(|name, _| !OF_THE_RUN.contains(&name.as_str()));
                map
            };
            prop_assert_eq!(evidence(&first), evidence(&second));
        }
    }
}
