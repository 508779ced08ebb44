//! What a message says when nobody wrote a template: which rule, how bad, who, what, when, where, and a link.

use ecs::{Document, Timestamp};
use rule::Severity;
use serde_json::{Value, json};

use crate::context::{Execution, RuleFacts};
use crate::description::{description, short_description, shown};
use crate::message::shortened;
use crate::template::Escape;

/// What a message is about.
pub(crate) struct Occurrence<'a> {
    pub(crate) rule: &'a RuleFacts,
    pub(crate) execution: &'a Execution,
    /// Those whose documents are at hand.
    pub(crate) alerts: &'a [&'a Document],
    /// How many alerts there are.
    pub(crate) count: usize,
    /// The id of the one alert that it is about.
    pub(crate) single: Option<&'a str>,
    pub(crate) key: &'a str,
    pub(crate) now: Timestamp,
}

/// So many alerts are described in a text that people read.
const MAX_DESCRIBED: usize = 10;
/// A webhook's body holds alert documents up to here, in bytes.
const MAX_BODY: usize = 1024 * 1024;

impl Occurrence<'_> {
    fn severity(&self) -> Severity {
        let severities =
            self.alerts.iter().filter_map(|alert| alert.text("kibana.alert.severity")?.parse().ok());
        severities.max().unwrap_or(self.rule.severity)
    }

    fn link(&self) -> Option<String> {
        let own = match (self.single, self.alerts) {
            (Some(_), [alert]) => alert.text("kibana.alert.url").map(str::to_owned),
            _ => None,
        };
        own.or_else(|| self.execution.results_link.clone())
    }

    fn rule_name(&self) -> &str {
        match (self.single, self.alerts) {
            (Some(_), [alert]) => alert.text("kibana.alert.rule.name").unwrap_or(&self.rule.name),
            _ => &self.rule.name,
        }
    }

    fn not_described(&self) -> usize {
        self.count - self.alerts.len().min(MAX_DESCRIBED)
    }
}

/// `[HIGH] Rule: who did what`, or `[HIGH] Rule: 3 alerts`.
pub(crate) fn title(occurrence: &Occurrence<'_>) -> String {
    let severity = occurrence.severity().name().to_uppercase();
    let about = match occurrence.alerts {
        [alert] if occurrence.count == 1 => short_description(alert),
        _ => format!("{} alerts", occurrence.count),
    };
    let name = occurrence.rule_name();
    if about.is_empty() { format!("[{severity}] {name}") } else { format!("[{severity}] {name}: {about}") }
}

/// Plain text.
pub(crate) fn text(occurrence: &Occurrence<'_>) -> String {
    let mut text = format!("{}\n", title(occurrence));
    for alert in occurrence.alerts.iter().take(MAX_DESCRIBED) {
        text.push('\n');
        for (label, value) in description(alert) {
            text.push_str(&format!("{label}: {}\n", value.replace('\n', "\n  ")));
        }
    }
    if occurrence.not_described() > 0 {
        text.push_str(&format!("\nand {} more alerts\n", occurrence.not_described()));
    }
    text.push_str(&format!("\nRule: {} ({})\n", occurrence.rule.name, occurrence.rule.rule_id));
    if let Some(link) = occurrence.link() {
        text.push_str(&format!("All alerts: {link}\n"));
    }
    text
}

/// The same as HTML.
pub(crate) fn email_html(occurrence: &Occurrence<'_>) -> String {
    let e = |text: &str| Escape::Html.escape(text).into_owned();
    let link = |url: &str| match url.starts_with("https://") || url.starts_with("http://") {
        true => format!("<a href=\"{0}\">{0}</a>", e(url)),
        false => e(url),
    };
    let mut html = format!("<h2>{}</h2>\n", e(&title(occurrence)));
    for alert in occurrence.alerts.iter().take(MAX_DESCRIBED) {
        html.push_str("<table>\n");
        for (label, value) in description(alert) {
            let value = if label == "Link" { link(&value) } else { e(&value) };
            html.push_str(&format!("<tr><th align=\"left\">{label}</th><td>{value}</td></tr>\n"));
        }
        html.push_str("</table>\n<hr>\n");
    }
    if occurrence.not_described() > 0 {
        html.push_str(&format!("<p>and {} more alerts</p>\n", occurrence.not_described()));
    }
    html.push_str(&format!("<p>Rule: {} ({})</p>\n", e(&occurrence.rule.name), e(&occurrence.rule.rule_id)));
    if let Some(url) = occurrence.link() {
        html.push_str(&format!("<p>All alerts: {}</p>\n", link(&url)));
    }
    html
}

/// A payload with `text` for notifications and `blocks` for the channel.
///
/// Limits: a header has 150 characters, a section 3000. Source: <https://api.slack.com/reference/block-kit/blocks>
pub(crate) fn slack_payload(occurrence: &Occurrence<'_>) -> Value {
    let e = |text: &str| Escape::Slack.escape(text).into_owned();
    let section = |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    let title = title(occurrence);
    let mut blocks = vec![json!({
        "type": "header", "text": { "type": "plain_text", "text": shortened(&title, 150) },
    })];
    for alert in occurrence.alerts.iter().take(MAX_DESCRIBED) {
        // Cut before it is escaped, so that no escape is cut in half; an escape makes five characters of one at most.
        let lines: Vec<String> = description(alert)
            .into_iter()
            .map(|(label, value)| format!("*{label}:* {}", e(&value)))
            .collect();
        let mut text = String::new();
        for line in lines {
            if text.chars().count() + line.chars().count() < 2990 {
                text.push_str(&line);
                text.push('\n');
            }
        }
        blocks.push(section(text.trim_end()));
    }
    let mut last = format!("Rule: {} (`{}`)", e(&occurrence.rule.name), e(&occurrence.rule.rule_id));
    if occurrence.not_described() > 0 {
        last = format!("and {} more alerts\n{last}", occurrence.not_described());
    }
    if let Some(link) = occurrence.link() {
        last = format!("{last}\n<{}|All alerts>", e(&link.replace('|', "%7C")));
    }
    blocks.push(section(&last));
    json!({ "text": e(&shortened(&title, 1000)), "blocks": blocks })
}

/// An event of the Events API v2 without its routing key. About one alert its `dedup_key` is the alert's id.
pub(crate) fn pagerduty_event(occurrence: &Occurrence<'_>) -> Value {
    let first = occurrence.alerts.first();
    let field = |names: &[&str]| names.iter().find_map(|name| shown(first?, name));
    let source =
        field(&["cloud.account.id", "host.name", "source.ip"]).unwrap_or_else(|| "bartizan".to_owned());
    let details: Vec<Value> = occurrence
        .alerts
        .iter()
        .take(MAX_DESCRIBED)
        .map(|alert| {
            description(alert)
                .into_iter()
                .map(|(label, value)| (label.to_lowercase(), Value::from(value)))
                .collect()
        })
        .collect();
    let severity = match occurrence.severity() {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "info",
    };
    let mut event = json!({
        "event_action": "trigger",
        "dedup_key": occurrence.single.unwrap_or(occurrence.key),
        "client": "Bartizan",
        "payload": {
            "summary": shortened(&title(occurrence), 1024),
            "severity": severity,
            "source": source,
            "timestamp": field(&["kibana.alert.original_time", "@timestamp"]).unwrap_or_else(|| format!("{:.3}", occurrence.now)),
            "class": occurrence.rule.name,
            "custom_details": {
                "rule_id": occurrence.rule.rule_id,
                "rule_name": occurrence.rule.name,
                "alerts_count": occurrence.count,
                "alerts": details,
            },
        },
    });
    if let Some(link) = occurrence.link() {
        event["client_url"] = json!(link);
        event["links"] = json!([{ "href": link, "text": "Alerts" }]);
    }
    event
}

/// One JSON object: the rule, the execution, and the alert documents.
pub(crate) fn webhook_body(occurrence: &Occurrence<'_>, notes: &mut Vec<String>) -> String {
    let mut size = 0;
    let mut alerts = Vec::new();
    for alert in occurrence.alerts {
        let document = Value::Object(alert.as_map().clone());
        size += document.to_string().len();
        if size > MAX_BODY && !alerts.is_empty() {
            break;
        }
        alerts.push(document);
    }
    let omitted = occurrence.count - alerts.len();
    if omitted > 0 {
        notes.push(format!("{omitted} of {} alert documents are not in the body", occurrence.count));
    }
    let rule = occurrence.rule;
    json!({
        "key": occurrence.key,
        "kind": if occurrence.single.is_some() { "alert" } else { "summary" },
        "date": format!("{:.3}", occurrence.now),
        "title": title(occurrence),
        "severity": occurrence.severity().name(),
        "rule": { "id": rule.rule_id, "name": rule.name, "tags": rule.tags },
        "execution_id": occurrence.execution.id,
        "link": occurrence.link(),
        "alerts_count": occurrence.count,
        "alerts_omitted": omitted,
        "alerts": alerts,
    })
    .to_string()
}
