//! What an alert says of itself, whatever kind of evidence it is about: which alert, made of what.
//!
//! Source: elastic/kibana rule_types/factories/utils/build_alert.ts.

use serde_json::{Map, Value};

use crate::ancestors::Ancestors;
use crate::context::{AlertContext, iso};
use crate::fields;
use crate::identity::AlertUuid;
use crate::overrides::Overrides;
use crate::rule_fields::AlertRule;

/// What differs between the alerts of one rule and run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OwnFields {
    pub(crate) uuid: AlertUuid,
    pub(crate) ancestors: Ancestors,
    pub(crate) overridden: Overrides,
    pub(crate) reason: String,
    /// As [`iso`] writes it.
    pub(crate) original_time: Option<String>,
}

impl OwnFields {
    /// Puts all of them into an alert's own fields, flat; of the rule those that its alerts do not share.
    pub(crate) fn put_into(
        self,
        alert: &mut Map<String, Value>,
        rule: &AlertRule<'_>,
        context: &AlertContext,
    ) {
        let mut put = |name: &str, value: Value| {
            alert.insert(name.to_owned(), value);
        };
        put(fields::RULE_NAME, self.overridden.rule_name.into());
        put(fields::UUID, self.uuid.as_str().into());
        if let Some(base) = &context.base_url {
            put(fields::URL, url(base, &self.uuid, &context.space, &iso(context.detected_at)).into());
        }
        put(fields::ANCESTORS, Value::Array(self.ancestors.ancestors));
        put(fields::DEPTH, self.ancestors.depth.into());
        put(fields::REASON, self.reason.into());
        put(fields::SEVERITY, self.overridden.severity.name().into());
        put(fields::RISK_SCORE, number(self.overridden.risk_score));
        if let Some(at) = self.original_time {
            put(fields::ORIGINAL_TIME, at.into());
        }
        if rule.rule.building_block {
            put(fields::BUILDING_BLOCK_TYPE, fields::BUILDING_BLOCK.into());
        }
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
