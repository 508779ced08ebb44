//! Alerts about keys leave an execution with their investigation: what the lake says of the key and of who acted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alert::fields;
use ecs::{Document, Timestamp};
use jiff::SignedDuration;
use rule::Rule;
use rule::guide::{Guide, Section};
use serde_json::Value;
use state::{AlertDraft, AlertFilter, StoredAlert, TimeSpan};
use triage::asked_queries::AskedQueries;
use triage::investigate::AskQuery;
use triage::investigate_query::{Query, carries_query};
use triage::investigator::{AlertAtHand, Setting, investigate_alerts, is_about_keys};
use triage::place::Place;
use triage::report::TriageReport;
use triage::surroundings::Window;

use crate::error::ServerError;
use crate::guide_queries::{self, QueryBounds};
use crate::kept_evidence::GatheredEvidence;
use crate::scheduler::{Scheduler, with_causes};

/// The alert's field that holds its investigation.
pub const FIELD: &str = "bartizan.investigation";
/// The alert's field that says why it has none.
pub const WHY_NOT: &str = "bartizan.investigation_error";

/// How much of the lake an investigation rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvestigationLimits {
    /// How far back it looks.
    pub look_back: SignedDuration,
    /// The most events that are read for it, the newest first. 0 for no investigations.
    pub events: u64,
    /// The most alerts of one execution that are investigated; the others say so.
    pub alerts: usize,
}

impl Default for InvestigationLimits {
    fn default() -> Self {
        Self { look_back: SignedDuration::from_hours(30 * 24), events: 300_000, alerts: 50 }
    }
}

/// Alerts of the same server that are at most so long ago may have to do with a new one.
const KNOWN: SignedDuration = SignedDuration::from_hours(24);
/// So many of them are looked at.
const MOST_KNOWN: u32 = 500;
/// Alerts that the queries of guides about alerts are shown.
const MOST_ASKED: usize = 20_000;

/// Alerts that are investigated together.
#[derive(Debug)]
struct Wanted {
    /// With those about single events of sequences.
    documents: Vec<Document>,
    /// Others of the same server, which are named where they matter.
    known: Vec<Document>,
    guide: Guide,
    /// The moment that states and clocks are told for.
    at: Timestamp,
}

impl Wanted {
    /// Reports by the alert's id.
    fn investigate(&self, gathered: &GatheredEvidence, ask: AskQuery<'_>) -> BTreeMap<String, TriageReport> {
        let no_guide = Guide::default();
        let is_block = |document: &&Document| document.text(fields::BUILDING_BLOCK_TYPE).is_some();
        let wanted = self.documents.iter().filter(|document| !is_block(document)).map(|document| {
            let group = document.text(fields::GROUP_ID);
            let is_of_group = |block: &&Document| group.is_some() && block.text(fields::GROUP_ID) == group;
            let blocks = self.documents.iter().filter(is_block).filter(is_of_group).collect();
            AlertAtHand { document, blocks, guide: &self.guide, is_wanted: true }
        });
        let others = self.known.iter().map(|document| AlertAtHand {
            document,
            blocks: Vec::new(),
            guide: &no_guide,
            is_wanted: false,
        });
        let alerts: Vec<AlertAtHand<'_>> = wanted.chain(others).collect();
        let setting = Setting {
            at: self.at,
            window: Window::default(),
            origin_of: None,
            place: &Place::Lake,
            coverage: &gathered.coverage,
            // Others are at work beside.
            threads: 1,
        };
        let reports = investigate_alerts(&gathered.evidence, &alerts, &setting, ask);
        reports.into_iter().flatten().map(|report| (report.alert.uuid.clone(), report)).collect()
    }

    fn carries_queries(&self) -> bool {
        let carries = |section: &Section| {
            carries_query(&section.text) || section.items.iter().any(|item| carries_query(item))
        };
        self.guide.sections.iter().any(carries)
    }

    /// The queries that the guide carries, filled in for each alert.
    fn queries(&self, gathered: &GatheredEvidence) -> Vec<Query> {
        let queries = Mutex::new(Vec::new());
        self.investigate(gathered, &|query| {
            queries.lock().unwrap_or_else(PoisonError::into_inner).push(query.clone());
            Err(String::new())
        });
        queries.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scheduler {
    /// Attaches investigations to new alerts about keys, in the drafts and in what notifications are made of. That one
    /// fails costs no alert: it says why in the field [`WHY_NOT`].
    pub(crate) async fn attach_investigations(
        &self,
        rule: &Rule,
        drafts: &mut [AlertDraft],
        documents: &mut [Document],
    ) {
        let limits = self.settings.investigation;
        let is_wanted = limits.events > 0 && documents.iter().any(|document| is_about_keys(document, &[]));
        if !is_wanted {
            return;
        }
        let made = self.investigations(rule, documents).await;
        // An alert about one event of a sequence is investigated with its sequence.
        let alone = documents.iter().filter(|document| document.text(fields::BUILDING_BLOCK_TYPE).is_none());
        let ids: Vec<String> =
            alone.filter_map(|document| document.text(fields::UUID).map(str::to_owned)).collect();
        let mut attach = |id: &str, field: &str, value: Value| {
            for draft in drafts.iter_mut().filter(|draft| draft.id == id) {
                draft.document[field] = value.clone();
            }
            let of_id = |document: &&mut Document| document.text(fields::UUID) == Some(id);
            if let Some(document) = documents.iter_mut().find(of_id) {
                document.as_map_mut().insert(field.to_owned(), value);
            }
        };
        match made {
            Ok(reports) => {
                for id in &ids {
                    match reports.get(id).map(serde_json::to_value) {
                        Some(Ok(value)) => attach(id, FIELD, value),
                        Some(Err(error)) => attach(id, WHY_NOT, error.to_string().into()),
                        None => attach(id, WHY_NOT, too_many(limits.alerts).into()),
                    }
                }
            }
            Err(error) => {
                let why = with_causes(&error);
                for id in &ids {
                    attach(id, WHY_NOT, why.as_str().into());
                }
            }
        }
    }

    async fn investigations(
        &self,
        rule: &Rule,
        documents: &[Document],
    ) -> Result<BTreeMap<String, TriageReport>, ServerError> {
        let now = self.clock.now();
        let limits = self.settings.investigation;
        let mut alone = 0;
        let mut is_wanted = |document: &&Document| {
            let is_block = document.text(fields::BUILDING_BLOCK_TYPE).is_some();
            alone += usize::from(!is_block);
            is_block || alone <= limits.alerts
        };
        let wanted = documents.iter().filter(|document| is_wanted(document)).cloned().collect();
        self.investigate_documents(wanted, Guide::of(rule), now, now).await
    }

    /// Investigates an alert that is there already, with what the lake holds now. Gives the moment that it is about, too.
    ///
    /// # Errors
    /// When lake or state cannot be read.
    pub async fn investigate_again(&self, alert: StoredAlert) -> Result<(Timestamp, Value), ServerError> {
        let now = self.clock.now();
        let id = alert.alert.id.clone();
        let made = alert.alert.timestamp;
        let mut documents: Vec<Document> = document_of(alert.alert.document).into_iter().collect();
        let guide = documents.first().and_then(|document| document.text("kibana.alert.rule.note"));
        let guide = Guide::parse(guide.unwrap_or_default());
        let blocks = blocks_of(documents.first());
        if !blocks.is_empty() {
            let filter = AlertFilter { ids: blocks, ..AlertFilter::default() };
            let page = self.store.alerts(&filter, None, MOST_KNOWN).await?;
            documents.extend(page.items.into_iter().filter_map(|stored| document_of(stored.alert.document)));
        }
        let mut reports = self.investigate_documents(documents, guide, made, now).await?;
        let report = reports.remove(&id);
        let report = report.map(serde_json::to_value).transpose();
        let report = report.map_err(|error| ServerError::Defect(error.to_string()))?;
        report.map(|report| (now, report)).ok_or(ServerError::NotFound { kind: "alert", id })
    }

    async fn investigate_documents(
        &self,
        wanted: Vec<Document>,
        guide: Guide,
        made: Timestamp,
        now: Timestamp,
    ) -> Result<BTreeMap<String, TriageReport>, ServerError> {
        let filter = AlertFilter {
            time: TimeSpan { from: made.checked_sub(KNOWN).ok(), to: made.checked_add(KNOWN).ok() },
            ..AlertFilter::default()
        };
        let page = self.store.alerts(&filter, None, MOST_KNOWN).await?;
        let is_wanted = |document: &Document| {
            wanted.iter().any(|wanted| wanted.text(fields::UUID) == document.text(fields::UUID))
        };
        let known: Vec<Document> = page
            .items
            .into_iter()
            .filter_map(|stored| document_of(stored.alert.document))
            .filter(|document| !is_wanted(document))
            .collect();
        let wanted = Arc::new(Wanted { documents: wanted, known, guide, at: now });
        let asked = match wanted.carries_queries() {
            true => self.ask_queries(&wanted, now).await?,
            false => AskedQueries::default(),
        };
        // Meanwhile others may have had read what came in later.
        let now = self.clock.now().max(now);
        self.with_evidence(now, move |gathered| wanted.investigate(gathered, &|query| asked.answer(query)))
            .await
    }

    /// Asks what is known beyond alerts, off the runtime's threads.
    async fn with_evidence<T: Send + 'static>(
        &self,
        now: Timestamp,
        ask: impl FnOnce(&GatheredEvidence) -> T + Send + 'static,
    ) -> Result<T, ServerError> {
        let (lake, evidence) = (self.lake.clone(), Arc::clone(&self.evidence));
        let limits = self.settings.investigation;
        let done = tokio::task::spawn_blocking(move || evidence.with(&lake, now, limits, ask));
        done.await.unwrap_or_else(|error| Err(ServerError::Defect(error.to_string())))
    }

    /// Asks the queries that the guide carries: of the alerts that are kept, and of the lake.
    async fn ask_queries(&self, wanted: &Arc<Wanted>, now: Timestamp) -> Result<AskedQueries, ServerError> {
        let asking = Arc::clone(wanted);
        let queries = self.with_evidence(now, move |gathered| asking.queries(gathered)).await?;
        let mut asked = AskedQueries::new(queries);
        self.ask_alerts(wanted, &mut asked).await?;
        let (this, limits) = (self.clone(), self.settings.investigation);
        let done = tokio::task::spawn_blocking(move || {
            let began = this.clock.now();
            let is_over = || {
                if this.is_stopping() {
                    return Some("The server was asked to end.".to_owned());
                }
                let longest = this.settings.limits.rule_time;
                let is_late = this.clock.now().duration_since(began) > longest;
                is_late.then(|| format!("It would have taken longer than {} seconds.", longest.as_secs()))
            };
            let (look_back, events) = (limits.look_back, limits.events);
            let bounds = QueryBounds { now, look_back, events, is_over: &is_over };
            guide_queries::ask(&mut asked, &this.lake.snapshot_through(now)?, &this.catalog, &bounds)?;
            Ok(asked)
        });
        done.await.unwrap_or_else(|error| Err(ServerError::Defect(error.to_string())))
    }

    /// Shows alerts to the queries about alerts. Those about single events of sequences do not count.
    async fn ask_alerts(&self, wanted: &Wanted, asked: &mut AskedQueries) -> Result<(), ServerError> {
        let Some(from) = asked.of_alerts().map(|query| query.range.from).min() else { return Ok(()) };
        let is_block = |document: &Document| document.text(fields::BUILDING_BLOCK_TYPE).is_some();
        let own: Vec<&Document> = wanted.documents.iter().filter(|document| !is_block(document)).collect();
        let ids: Vec<Option<&str>> = own.iter().map(|document| document.text(fields::UUID)).collect();
        own.iter().for_each(|document| asked.see_alert(document));
        // An alert is made after its event.
        let filter = AlertFilter { time: TimeSpan { from, to: None }, ..AlertFilter::default() };
        let (mut after, mut seen) = (None, 0);
        loop {
            let page = self.store.alerts(&filter, after.as_ref(), MOST_KNOWN).await?;
            seen += page.items.len();
            for document in page.items.into_iter().filter_map(|stored| document_of(stored.alert.document)) {
                if !is_block(&document) && !ids.contains(&document.text(fields::UUID)) {
                    asked.see_alert(&document);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
            if seen >= MOST_ASKED {
                let why = format!(
                    "There are more than {MOST_ASKED} alerts within its time, which are too many to look at here."
                );
                asked.give_up(&why, Query::asks_for_alerts);
                return Ok(());
            }
        }
    }
}

fn too_many(most: usize) -> String {
    format!(
        "Of one execution {most} alerts are investigated at most; ask for this one's investigation by itself."
    )
}

/// The ids of the alerts about single events that an alert was made of.
fn blocks_of(document: Option<&Document>) -> Vec<String> {
    let nodes = document.map(|document| document.nodes("kibana.alert.ancestors")).unwrap_or_default();
    let entries = nodes.into_iter().flat_map(|node| match node {
        Value::Array(entries) => entries.iter().collect::<Vec<_>>(),
        entry => vec![entry],
    });
    let of_signal = entries.filter(|entry| entry.get("type").and_then(Value::as_str) == Some("signal"));
    of_signal.filter_map(|entry| entry.get("id")?.as_str().map(str::to_owned)).collect()
}

/// An alert's stored document; `None` when it is no object.
pub(crate) fn document_of(document: Value) -> Option<Document> {
    match document {
        Value::Object(map) => Some(Document::from_map(map)),
        _ => None,
    }
}
