//! What an alert says of itself, whatever kind of evidence it is about: which alert, made of what, in which run.
//!
//! Source: elastic/kibana rule_types/factories/utils/build_alert.ts.

use ecs::Timestamp;
use serde_json::{Map, Value};

use crate::ancestors::Ancestors;
use crate::context::{AlertContext, iso};
use crate::fields;
use crate::identity::AlertUuid;
use crate::overrides::Overrides;
use crate::rule_fields::{self, AlertRule};

/// What differs between the alerts of one rule and run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OwnFields {
    pub(crate) uuid: AlertUuid,
    pub(crate) ancestors: Ancestors,
    pub(crate) overridden: Overrides,
    pub(crate) reason: String,
    pub(crate) original_time: Option<Timestamp>,
}

impl OwnFields {
    /// Puts all of them into an alert, flat: `kibana.*`, `@timestamp` and `event.kind`; of the rule those that its
    /// alerts do not share.
    pub(crate) fn put_into(
        self,
        alert: &mut Map<String, Value>,
        rule: &AlertRule<'_>,
        context: &AlertContext,
    ) {
        let mut put = |name: &str, value: Value| {
            alert.insert(name.to_owned(), value);
        };
        rule_fields::put_own(&mut put, &self.overridden.rule_name, context);
        put_run_fields(&mut put, &self.uuid, context);
        put(fields::EVENT_KIND, "signal".into());
        put(fields::STATUS, "active".into());
        put(fields::WORKFLOW_STATUS, "open".into());
        put(fields::WORKFLOW_TAGS, Value::Array(Vec::new()));
        put(fields::WORKFLOW_ASSIGNEE_IDS, Value::Array(Vec::new()));
        put(fields::ANCESTORS, Value::Array(self.ancestors.ancestors));
        put(fields::DEPTH, self.ancestors.depth.into());
        put(fields::REASON, self.reason.into());
        put(fields::SEVERITY, self.overridden.severity.name().into());
        put(fields::RISK_SCORE, number(self.overridden.risk_score));
        if let Some(at) = self.original_time {
            put(fields::ORIGINAL_TIME, iso(at).into());
        }
        if rule.rule.building_block {
            put(fields::BUILDING_BLOCK_TYPE, fields::BUILDING_BLOCK.into());
        }
    }
}

/// What the alert says about itself and the run that made it.
fn put_run_fields(put: &mut impl FnMut(&str, Value), uuid: &AlertUuid, context: &AlertContext) {
    let now = iso(context.detected_at);
    let intended: Timestamp = context.intended_timestamp.unwrap_or(context.detected_at);
    put(fields::UUID, uuid.as_str().into());
    put(fields::TIMESTAMP, now.as_str().into());
    put(fields::START, now.as_str().into());
    put(fields::LAST_DETECTED, now.as_str().into());
    put(fields::INTENDED_TIMESTAMP, iso(intended).into());
    put(fields::SPACE_IDS, vec![context.space.as_str()].into());
    put(fields::VERSION, context.version.as_str().into());
    if let Some(base) = &context.base_url {
        put(fields::URL, url(base, uuid, &context.space, &now).into());
    }
}

/// Where Kibana shows an alert. The default space has no part in the path.
fn url(base: &str, uuid: &AlertUuid, space: &str, timestamp: &str) -> String {
    let base = base.trim_end_matches('/');
    let space_path = if space == "default" { String::new() } else { format!("/s/{space}") };
    format!(
        "{base}{space_path}/app/security/alerts/redirect/{uuid}\
         ?index=.alerts-security.alerts-{space}&timestamp={timestamp}"
    )
}

/// A score as JSON: without a fraction when it has none.
fn number(score: f64) -> Value {
    if score.fract() == 0.0 { Value::from(score as i64) } else { Value::from(score) }
}
