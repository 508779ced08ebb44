//! An alert in a report: what it says, and its investigation or the reason for none.

use alert::Alert;
use serde::Serialize;
use triage::answer::Evidence;
use triage::report::{AlertSummary, TriageReport};

use crate::case::WantedRecord;

/// An alert in a report.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Which alert.
    pub alert: AlertSummary,
    /// What a reader looks for first.
    pub fields: Vec<AlertField>,
    /// The investigation, or the reason for none.
    pub investigation: Investigation,
    /// The whole alert document as one line of JSON, without the line's end. The report of triage leaves it out: it is
    /// in `alerts.ndjson`.
    #[serde(skip)]
    pub document: String,
}

/// One field of an alert, with its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertField {
    /// Its name in ECS.
    pub name: String,
    /// Its values as text, at least one.
    pub values: Vec<String>,
}

/// What an investigation gave.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Investigation {
    /// The alert was investigated.
    Done(Box<TriageReport>),
    /// It was not.
    NotDone {
        /// Why: a whole sentence.
        reason: String,
    },
}

/// Fields that are shown of each alert, where it has them.
const FIELDS: [&str; 19] = [
    "event.action",
    "event.provider",
    "event.outcome",
    "event.id",
    "user.name",
    "aws.cloudtrail.user_identity.type",
    "aws.cloudtrail.user_identity.arn",
    "aws.cloudtrail.user_identity.access_key_id",
    "source.ip",
    "source.geo.country_iso_code",
    "source.as.organization.name",
    "user_agent.original",
    "cloud.account.id",
    "cloud.region",
    "aws.cloudtrail.resources.arn",
    "aws.cloudtrail.error_code",
    "log.file.path",
    "log.offset",
    "bartizan.evidence.event_count",
];

impl Finding {
    /// An alert as a report shows it. `event_ids` are those of the events that it was made of; its own is taken when
    /// there are none.
    pub fn of_alert(alert: &Alert, event_ids: Vec<String>, investigation: Investigation) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let event_ids = if event_ids.is_empty() {
            alert.event_id().map(str::to_owned).into_iter().collect()
        } else {
            event_ids
        };
        let summary = AlertSummary {
            uuid: text(alert.uuid()),
            rule_id: text(alert.rule_id()),
            rule_name: text(alert.rule_name()),
            severity: text(alert.severity()),
            risk_score: alert.risk_score().unwrap_or_default(),
            time: text(alert.original_time()),
            reason: text(alert.reason()),
            event_ids,
        };
        let fields = FIELDS.iter().filter_map(|name| {
            let values: Vec<String> = alert.values(name).into_iter().map(|v| v.text().into_owned()).collect();
            (!values.is_empty()).then(|| AlertField { name: (*name).to_owned(), values })
        });
        let fields = fields.collect();
        let mut document = Vec::new();
        // An alert can't make a writer into memory fail; were it so, an empty line says that it is missing.
        let document = match alert.write_json(&mut document) {
            Ok(()) => String::from_utf8_lossy(&document).into_owned(),
            Err(_) => String::new(),
        };
        Self { alert: summary, fields, investigation, document }
    }

    /// Where the record of the event lies that the alert is about, as it says itself; `None` for one about several events.
    pub(crate) fn own_record(&self) -> Option<WantedRecord> {
        let [event_id] = &self.alert.event_ids[..] else { return None };
        let (name, offset) = (self.field("log.file.path")?, self.field("log.offset")?.parse().ok()?);
        Some(WantedRecord { event_id: Some(event_id.clone()), file: Some((name, offset)) })
    }

    /// The investigation, where there is one.
    pub fn triage(&self) -> Option<&TriageReport> {
        match &self.investigation {
            Investigation::Done(report) => Some(report),
            Investigation::NotDone { .. } => None,
        }
    }

    /// The values of a shown field, joined; `None` without it.
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.values.join(", "))
    }
}

/// All evidence of an investigation; the same event may come more than once.
pub(crate) fn evidence(triage: &TriageReport) -> impl Iterator<Item = &Evidence> {
    let answers = triage.questions.iter().flat_map(|asked| &asked.answer.evidence);
    let keys = triage
        .keys
        .iter()
        .flat_map(|key| key.cause.iter().chain(key.timeline.iter().map(|entry| &entry.evidence)));
    let dependents =
        triage.blast_radius.iter().flat_map(|radius| radius.dependents.iter().flat_map(|one| &one.evidence));
    let material = triage.reimport.iter().flat_map(|reimport| &reimport.evidence);
    let around = &triage.surroundings;
    let began = around.linked.iter().filter_map(|link| link.began.as_ref());
    let around = around.acts.iter().flat_map(|act| &act.evidence).chain(began);
    answers.chain(keys).chain(dependents).chain(material).chain(around)
}
