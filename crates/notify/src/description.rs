//! An alert in a few words: who did what, when and where. The default messages are made of it.

use ecs::{Document, Scalar};

use crate::message::shortened;

/// The longest value that is shown.
const MAX_VALUE: usize = 300;
/// So many values of a field are shown.
const MAX_VALUES: usize = 5;

/// What people want to know first, as labels and values; what an alert does not have is left out.
pub(crate) fn description(alert: &Document) -> Vec<(&'static str, String)> {
    let first = |names: &[&str]| names.iter().find_map(|name| shown(alert, name));
    let both = |left: Option<String>, between: &str, right: Option<String>| match (left, right) {
        (Some(left), Some(right)) => Some(format!("{left}{between}{right}")),
        (left, right) => left.or(right),
    };
    let who = both(
        first(&["user.name", "aws.cloudtrail.user_identity.arn", "user.id"]),
        " from ",
        first(&["source.ip", "source.address"]),
    );
    let action = both(
        first(&["event.action", "kibana.alert.original_event.action"]),
        " in ",
        first(&["event.provider", "kibana.alert.original_event.provider"]),
    );
    let outcome = first(&["event.outcome", "kibana.alert.original_event.outcome"])
        .map(|outcome| format!("({outcome})"));
    let lines = [
        ("Severity", both(first(&["kibana.alert.severity"]), ", risk ", first(&["kibana.alert.risk_score"]))),
        ("Who", who),
        ("What", both(action, " ", outcome)),
        ("When", first(&["kibana.alert.original_time", "@timestamp"])),
        ("Account", first(&["cloud.account.id"])),
        ("Region", first(&["cloud.region"])),
        ("Host", first(&["host.name"])),
        ("Reason", first(&["kibana.alert.reason"])),
        ("Events", first(&["event.id", "bartizan.evidence.event_ids", "kibana.alert.ancestors.id"])),
        ("Alert", first(&["kibana.alert.uuid"])),
        ("Link", first(&["kibana.alert.url"])),
    ];
    lines.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

/// Who did what, in one line.
pub(crate) fn short_description(alert: &Document) -> String {
    let lines = description(alert);
    let value =
        |label: &str| lines.iter().find(|(known, _)| *known == label).map(|(_, value)| value.as_str());
    let parts: Vec<&str> = ["What", "Who", "Account", "Region"].into_iter().filter_map(value).collect();
    parts.join(", ")
}

/// The values of a field, with commas between; `None` when there are none.
pub(crate) fn shown(alert: &Document, name: &str) -> Option<String> {
    let values = alert.values(name);
    let texts: Vec<String> =
        values.iter().take(MAX_VALUES).map(|value: &Scalar<'_>| value.text().into_owned()).collect();
    let more = values.len().saturating_sub(MAX_VALUES);
    let mut text = shortened(&texts.join(", "), MAX_VALUE);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    (!text.is_empty()).then_some(text)
}
