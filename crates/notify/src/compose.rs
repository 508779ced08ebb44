//! The words of a message: an action's templates filled in, or the default where it has none.

use ecs::Document;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::connector::email::check_mailbox;
use crate::connector::{ConnectorType, read};
use crate::default_content::{
    Occurrence, email_html, pagerduty_event, slack_payload, text, title, webhook_body,
};
use crate::error::ConfigError;
use crate::message::{Content, Email, shortened};
use crate::template::{Escape, Template};

/// An action's params, read for the type of its connector.
#[derive(Debug, Clone)]
pub(crate) enum Composer {
    Webhook {
        body: Option<Template>,
    },
    Slack {
        message: Option<Template>,
    },
    PagerDuty(Box<PagerDutyComposer>),
    Email {
        to: Vec<String>,
        cc: Vec<String>,
        bcc: Vec<String>,
        subject: Option<Template>,
        message: Option<Template>,
    },
    Sns {
        subject: Option<Template>,
        message: Option<Template>,
    },
    File,
}

/// Each part replaces that of the default event.
#[derive(Debug, Clone)]
pub(crate) struct PagerDutyComposer {
    event_action: Option<String>,
    dedup_key: Option<Template>,
    links: Option<JsonTemplate>,
    /// Of the payload.
    parts: Vec<(&'static str, JsonTemplate)>,
}

/// JSON in which every text is a template.
#[derive(Debug, Clone)]
enum JsonTemplate {
    Text(Template),
    Array(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
    Other(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookParams {
    body: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlackParams {
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PagerDutyParams {
    #[serde(alias = "eventAction")]
    event_action: Option<String>,
    #[serde(alias = "dedupKey")]
    dedup_key: Option<String>,
    summary: Option<String>,
    severity: Option<String>,
    source: Option<String>,
    component: Option<String>,
    group: Option<String>,
    class: Option<String>,
    timestamp: Option<String>,
    #[serde(alias = "customDetails")]
    custom_details: Option<Value>,
    links: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailParams {
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    cc: Vec<String>,
    #[serde(default)]
    bcc: Vec<String>,
    subject: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SnsParams {
    subject: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParams {}

/// SNS's limit is 256 KiB with all that belongs to the message. Source: docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MAX_SNS_TEXT: usize = 250 * 1024;
/// Slack cuts longer texts. Source: <https://api.slack.com/changelog/2018-04-truncating-really-long-messages>
const MAX_SLACK_TEXT: usize = 40_000;

impl Composer {
    pub(crate) fn read(
        connector_type: ConnectorType,
        params: &Value,
        what: &str,
    ) -> Result<Self, ConfigError> {
        let parse = |name: &str, text: &str| {
            Template::parse(text)
                .map_err(|source| ConfigError::Template { what: format!("{what}: params.{name}"), source })
        };
        let template = |name: &str, text: Option<String>| text.map(|text| parse(name, &text)).transpose();
        Ok(match connector_type {
            ConnectorType::Webhook => {
                let params: WebhookParams = read(params, what, "params")?;
                Self::Webhook { body: template("body", params.body)? }
            }
            ConnectorType::Slack => {
                let params: SlackParams = read(params, what, "params")?;
                Self::Slack { message: template("message", params.message)? }
            }
            ConnectorType::PagerDuty => {
                let params: PagerDutyParams = read(params, what, "params")?;
                Self::PagerDuty(Box::new(PagerDutyComposer::new(params, what, &parse)?))
            }
            ConnectorType::Email => {
                let params: EmailParams = read(params, what, "params")?;
                for address in params.to.iter().chain(&params.cc).chain(&params.bcc) {
                    check_mailbox(address)
                        .map_err(|reason| ConfigError::value(format!("{what}: params.to"), reason))?;
                }
                Self::Email {
                    to: params.to,
                    cc: params.cc,
                    bcc: params.bcc,
                    subject: template("subject", params.subject)?,
                    message: template("message", params.message)?,
                }
            }
            ConnectorType::Sns => {
                let params: SnsParams = read(params, what, "params")?;
                Self::Sns {
                    subject: template("subject", params.subject)?,
                    message: template("message", params.message)?,
                }
            }
            ConnectorType::File => {
                let NoParams {} = read(params, what, "params")?;
                Self::File
            }
        })
    }

    /// The content of a message, and what a reader of the outbox should know about it.
    pub(crate) fn compose(&self, occurrence: &Occurrence<'_>, variables: &Value) -> (Content, Vec<String>) {
        let mut notes = Vec::new();
        let mut fill = |template: &Option<Template>, escape: Escape| {
            let rendered = template.as_ref()?.render(variables, escape);
            if rendered.is_cut {
                notes.push("a template made a text that is too long; it was cut".to_owned());
            }
            Some(rendered)
        };
        let content = match self {
            Self::Webhook { body } => {
                // Half a body is none.
                let own = fill(body, Escape::Json).filter(|rendered| !rendered.is_cut);
                let body = own.map(|rendered| rendered.text);
                if body
                    .as_ref()
                    .is_some_and(|body| serde_json::from_str::<serde::de::IgnoredAny>(body).is_err())
                {
                    notes.push("the template of the body does not make JSON".to_owned());
                }
                Content::Webhook { body: body.unwrap_or_else(|| webhook_body(occurrence, &mut notes)) }
            }
            Self::Slack { message } => {
                let payload = match fill(message, Escape::Slack) {
                    Some(rendered) => json!({ "text": shortened(&rendered.text, MAX_SLACK_TEXT) }),
                    None => slack_payload(occurrence),
                };
                Content::Slack { payload }
            }
            Self::PagerDuty(composer) => {
                let mut event = pagerduty_event(occurrence);
                composer.replace(&mut event, variables);
                Content::PagerDuty { event }
            }
            Self::Email { to, cc, bcc, subject, message } => {
                let subject =
                    fill(subject, Escape::None).map_or_else(|| title(occurrence), |rendered| rendered.text);
                let own = fill(message, Escape::None).map(|rendered| rendered.text);
                let (text, html) = match (own, message) {
                    (Some(text), Some(message)) => {
                        (text, markdown_to_html(&message.render(variables, Escape::Markdown).text))
                    }
                    _ => (text(occurrence), email_html(occurrence)),
                };
                let subject = shortened(&subject.split_whitespace().collect::<Vec<_>>().join(" "), 200);
                let (to, cc, bcc) = (to.clone(), cc.clone(), bcc.clone());
                Content::Email(Email { to, cc, bcc, subject, text, html: Some(html) })
            }
            Self::Sns { subject, message } => {
                let subject =
                    fill(subject, Escape::None).map_or_else(|| title(occurrence), |rendered| rendered.text);
                let mut text =
                    fill(message, Escape::None).map_or_else(|| text(occurrence), |rendered| rendered.text);
                if text.len() > MAX_SNS_TEXT {
                    text.truncate(text.floor_char_boundary(MAX_SNS_TEXT));
                    text.push_str(" [cut]");
                    notes.push("the text was cut to what SNS takes".to_owned());
                }
                Content::Sns { subject: sns_subject(&subject), text }
            }
            Self::File => Content::File {
                documents: occurrence
                    .alerts
                    .iter()
                    .map(|alert: &&Document| Value::Object(alert.as_map().clone()))
                    .collect(),
            },
        };
        (content, notes)
    }
}

/// ASCII, one line, begins with a letter, digit or mark, at most 100 characters.
fn sns_subject(text: &str) -> String {
    let ascii: String = text
        .chars()
        .map(|c| match c {
            c if c.is_ascii_graphic() => c,
            c if c.is_whitespace() => ' ',
            _ => '?',
        })
        .collect();
    let words = ascii.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject: String = words.chars().take(100).collect();
    if subject.is_empty() { "Alert".to_owned() } else { subject.trim_end().to_owned() }
}

fn markdown_to_html(markdown: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(markdown));
    html
}

impl PagerDutyComposer {
    fn new(
        params: PagerDutyParams,
        what: &str,
        parse: &impl Fn(&str, &str) -> Result<Template, ConfigError>,
    ) -> Result<Self, ConfigError> {
        if params.event_action.as_deref().is_some_and(|action| action != "trigger") {
            return Err(ConfigError::value(
                format!("{what}: params.event_action"),
                "must be `trigger`: alerts of rules do not resolve by themselves",
            ));
        }
        let known = ["critical", "error", "warning", "info"];
        let bad = |severity: &String| !known.contains(&severity.as_str()) && !severity.contains("{{");
        if params.severity.as_ref().is_some_and(bad) {
            return Err(ConfigError::value(
                format!("{what}: params.severity"),
                "must be critical, error, warning or info, or be left out for that of the alert",
            ));
        }
        let mut parts = Vec::new();
        for (name, text) in [
            ("summary", params.summary),
            ("severity", params.severity),
            ("source", params.source),
            ("component", params.component),
            ("group", params.group),
            ("class", params.class),
            ("timestamp", params.timestamp),
        ] {
            if let Some(text) = text {
                parts.push((name, JsonTemplate::Text(parse(name, &text)?)));
            }
        }
        if let Some(details) = &params.custom_details {
            parts.push(("custom_details", JsonTemplate::read(details, "custom_details", parse)?));
        }
        Ok(Self {
            event_action: params.event_action,
            dedup_key: params.dedup_key.map(|text| parse("dedup_key", &text)).transpose()?,
            links: params.links.map(|links| JsonTemplate::read(&links, "links", parse)).transpose()?,
            parts,
        })
    }

    fn replace(&self, event: &mut Value, variables: &Value) {
        if let Some(action) = &self.event_action {
            event["event_action"] = json!(action);
        }
        if let Some(template) = &self.dedup_key {
            let key = template.render(variables, Escape::None).text;
            if !key.trim().is_empty() {
                event["dedup_key"] = json!(shortened(key.trim(), 255));
            }
        }
        if let Some(links) = &self.links {
            event["links"] = links.render(variables);
        }
        for (name, part) in &self.parts {
            let mut value = part.render(variables);
            match *name {
                "summary" => value = json!(shortened(value.as_str().unwrap_or_default(), 1024)),
                // One that PagerDuty does not know would lose the event.
                "severity"
                    if !["critical", "error", "warning", "info"].iter().any(|known| value == *known) =>
                {
                    continue;
                }
                _ => {}
            }
            if value != "" {
                event["payload"][*name] = value;
            }
        }
    }
}

impl JsonTemplate {
    fn read(
        value: &Value,
        name: &str,
        parse: &impl Fn(&str, &str) -> Result<Template, ConfigError>,
    ) -> Result<Self, ConfigError> {
        Ok(match value {
            Value::String(text) => Self::Text(parse(name, text)?),
            Value::Array(items) => {
                Self::Array(items.iter().map(|item| Self::read(item, name, parse)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Self::Object(
                map.iter()
                    .map(|(key, value)| {
                        Ok((key.clone(), Self::read(value, &format!("{name}.{key}"), parse)?))
                    })
                    .collect::<Result<_, ConfigError>>()?,
            ),
            other => Self::Other(other.clone()),
        })
    }

    fn render(&self, variables: &Value) -> Value {
        match self {
            Self::Text(template) => Value::from(template.render(variables, Escape::None).text),
            Self::Array(items) => items.iter().map(|item| item.render(variables)).collect(),
            Self::Object(entries) => {
                let map: Map<String, Value> =
                    entries.iter().map(|(key, value)| (key.clone(), value.render(variables))).collect();
                Value::Object(map)
            }
            Self::Other(value) => value.clone(),
        }
    }
}
