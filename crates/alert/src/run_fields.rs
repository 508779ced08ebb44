//! What all alerts say of the run that made them, and of what becomes of them.
//!
//! Source: elastic/kibana rule_types/factories/utils/build_alert.ts.

use serde_json::Value;

use crate::context::{AlertContext, iso};
use crate::fields;

/// Puts all of them, flat: of the run its time, id and place, and how every alert begins.
pub(crate) fn put_run_fields(put: &mut impl FnMut(&str, Value), context: &AlertContext) {
    let now = iso(context.detected_at);
    let intended = context.intended_timestamp.unwrap_or(context.detected_at);
    for name in [fields::TIMESTAMP, fields::START, fields::LAST_DETECTED, fields::RULE_EXECUTION_TIMESTAMP] {
        put(name, now.as_str().into());
    }
    put(fields::INTENDED_TIMESTAMP, iso(intended).into());
    put(fields::RULE_EXECUTION_UUID, context.execution_uuid.as_str().into());
    put(fields::RULE_EXECUTION_TYPE, context.execution_type.name().into());
    put(fields::SPACE_IDS, vec![context.space.as_str()].into());
    put(fields::VERSION, context.version.as_str().into());
    put(fields::EVENT_KIND, "signal".into());
    put(fields::STATUS, "active".into());
    put(fields::WORKFLOW_STATUS, "open".into());
    put(fields::WORKFLOW_TAGS, Value::Array(Vec::new()));
    put(fields::WORKFLOW_ASSIGNEE_IDS, Value::Array(Vec::new()));
}
