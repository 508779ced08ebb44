//! The names of the fields that alerts add to their events.
//!
//! Source: elastic/kibana packages/kbn-rule-data-utils and security_solution common/field_maps/field_names.ts.

/// When the alert was made.
pub const TIMESTAMP: &str = "@timestamp";
/// `signal` on every alert.
pub const EVENT_KIND: &str = "event.kind";
/// The spaces in which the alert is seen.
pub const SPACE_IDS: &str = "kibana.space_ids";
/// The version of what made the alert.
pub const VERSION: &str = "kibana.version";

/// The alert's id.
pub const UUID: &str = "kibana.alert.uuid";
/// The `@timestamp` of the event; of the first event, for the shell of a sequence.
pub const ORIGINAL_TIME: &str = "kibana.alert.original_time";
/// Above the copies of the event's own `event.*`.
pub const ORIGINAL_EVENT: &str = "kibana.alert.original_event";
/// Above the copies of the event's own `data_stream.*`.
pub const ORIGINAL_DATA_STREAM: &str = "kibana.alert.original_data_stream";
/// What the alert was made of.
pub const ANCESTORS: &str = "kibana.alert.ancestors";
/// How many generations lie between the alert and an event; 1 for an alert about an event.
pub const DEPTH: &str = "kibana.alert.depth";
/// `active` on every new alert.
pub const STATUS: &str = "kibana.alert.status";
/// `open`, `acknowledged` or `closed`.
pub const WORKFLOW_STATUS: &str = "kibana.alert.workflow_status";
/// Labels that people put on the alert.
pub const WORKFLOW_TAGS: &str = "kibana.alert.workflow_tags";
/// Who works on the alert.
pub const WORKFLOW_ASSIGNEE_IDS: &str = "kibana.alert.workflow_assignee_ids";
/// One sentence: what happened, and which rule says so.
pub const REASON: &str = "kibana.alert.reason";
/// The severity, after overrides.
pub const SEVERITY: &str = "kibana.alert.severity";
/// The risk score, after overrides.
pub const RISK_SCORE: &str = "kibana.alert.risk_score";
/// `default` on an alert that is kept from view.
pub const BUILDING_BLOCK_TYPE: &str = "kibana.alert.building_block_type";
/// The value of [`BUILDING_BLOCK_TYPE`]; there is no other.
pub const BUILDING_BLOCK: &str = "default";
/// What the alerts of one sequence or sample share: the id of the shell.
pub const GROUP_ID: &str = "kibana.alert.group.id";
/// Which event of its sequence a building block is about, from 0; the shell has none.
pub const GROUP_INDEX: &str = "kibana.alert.group.index";
/// The values that were not there before, in the order of the rule's fields.
pub const NEW_TERMS: &str = "kibana.alert.new_terms";
/// What a group of events has in common, and how many events it has: `terms`, `count`, `from`, and `cardinality` where
/// the rule asks for it.
pub const THRESHOLD_RESULT: &str = "kibana.alert.threshold_result";
/// Which alerts are folded into one: those with the same value here.
pub const INSTANCE_ID: &str = "kibana.alert.instance.id";
/// What the alerts that were folded into this one have in common: a list of `field` and `value`.
pub const SUPPRESSION_TERMS: &str = "kibana.alert.suppression.terms";
/// The time of the oldest alert that was folded into this one, or of this one.
pub const SUPPRESSION_START: &str = "kibana.alert.suppression.start";
/// The time of the newest.
pub const SUPPRESSION_END: &str = "kibana.alert.suppression.end";
/// How many alerts were folded into this one; itself not counted.
pub const SUPPRESSION_DOCS_COUNT: &str = "kibana.alert.suppression.docs_count";
/// Where people look at the alert.
pub const URL: &str = "kibana.alert.url";
/// When the alert began.
pub const START: &str = "kibana.alert.start";
/// When it was last found.
pub const LAST_DETECTED: &str = "kibana.alert.last_detected";
/// When the rule would have run by its schedule.
pub const INTENDED_TIMESTAMP: &str = "kibana.alert.intended_timestamp";

/// Ids of events that an alert about a group is made of, at most 100 of them. The names below `bartizan` are ours and not
/// Kibana's, whose alerts about groups do not say.
pub const EVIDENCE_EVENT_IDS: &str = "bartizan.evidence.event_ids";
/// How many events the group has that an alert of an ES|QL rule is about.
pub const EVIDENCE_EVENT_COUNT: &str = "bartizan.evidence.event_count";

/// Above every field of the rule; `<prefix>.<name>`.
pub const RULE: &str = "kibana.alert.rule";
/// The id under which an installation keeps the rule.
pub const RULE_UUID: &str = "kibana.alert.rule.uuid";
/// The stable name of the rule.
pub const RULE_ID: &str = "kibana.alert.rule.rule_id";
/// The name of the rule, after overrides.
pub const RULE_NAME: &str = "kibana.alert.rule.name";
/// The investigation guide.
pub const RULE_NOTE: &str = "kibana.alert.rule.note";
/// The rule's type as people read it.
pub const RULE_CATEGORY: &str = "kibana.alert.rule.category";
/// `siem`
pub const RULE_CONSUMER: &str = "kibana.alert.rule.consumer";
/// `siem`
pub const RULE_PRODUCER: &str = "kibana.alert.rule.producer";
/// The rule's type as Kibana's alerting framework names it.
pub const RULE_TYPE_ID: &str = "kibana.alert.rule.rule_type_id";
/// The index patterns that the rule reads.
pub const RULE_INDICES: &str = "kibana.alert.rule.indices";
/// Who created the rule.
pub const RULE_CREATED_BY: &str = "kibana.alert.rule.created_by";
/// Who last changed it.
pub const RULE_UPDATED_BY: &str = "kibana.alert.rule.updated_by";
/// Above the rule's own free fields.
pub const RULE_META: &str = "kibana.alert.rule.meta";
/// Everything that the rule does, as one object.
pub const RULE_PARAMETERS: &str = "kibana.alert.rule.parameters";
/// The id of the execution.
pub const RULE_EXECUTION_UUID: &str = "kibana.alert.rule.execution.uuid";
/// When the execution wrote the alert.
pub const RULE_EXECUTION_TIMESTAMP: &str = "kibana.alert.rule.execution.timestamp";
/// `scheduled` or `manual`.
pub const RULE_EXECUTION_TYPE: &str = "kibana.alert.rule.execution.type";
