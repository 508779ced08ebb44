//! Alerts held back until all logs are read, so that each leaves with its investigation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use alert::Alert;
use anyhow::Context as _;
use ecs::{Document, Timestamp};
use ingest::enrich::Enrichment;
use rule::RuleLibrary;
use rule::guide::Guide;
use triage::event::Origin;
use triage::evidence::Evidence;
use triage::investigate::AskQuery;
use triage::investigate_query::Query;
use triage::investigator::{AlertAtHand, Setting, investigate_alerts, is_of_kms, says_keys};
use triage::place::Place;
use triage::report::TriageReport;
use triage::side_by_side::side_by_side;
use triage::surroundings::Window;

/// The alert's field that holds its investigation.
pub(crate) const FIELD: &str = "bartizan.investigation";

/// Of other alerts so many wait too, so that all leave in the order in which they came; more leave at once.
const MOST_WAITING: usize = 20_000;

/// Of those that left, so many are remembered, to be named where they have to do with an investigated one.
const MOST_KNOWN: usize = 20_000;

/// What an alert that is not investigated is known by.
const KNOWN_FIELDS: [&str; 16] = [
    "kibana.alert.uuid",
    "kibana.alert.rule.rule_id",
    "kibana.alert.rule.name",
    "kibana.alert.severity",
    "kibana.alert.original_time",
    "@timestamp",
    "event.id",
    "event.action",
    "event.provider",
    "user.id",
    "cloud.account.id",
    "aws.cloudtrail.user_identity.arn",
    "aws.cloudtrail.user_identity.type",
    "aws.cloudtrail.user_identity.invoked_by",
    "aws.cloudtrail.user_identity.access_key_id",
    "aws.cloudtrail.user_identity.session_context.session_issuer.arn",
];

/// Which alerts are investigated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scope {
    /// Those that have to do with KMS keys
    Kms,
    /// All
    All,
    /// None; this also saves the time of looking at every event for it
    None,
}

/// Alerts that wait for their investigation.
#[derive(Debug)]
pub(crate) struct HeldAlerts {
    scope: Scope,
    most: usize,
    /// In the order in which they came.
    held: Vec<Group>,
    wanted: usize,
    /// An alert about several events whose own alerts are still to come.
    open: Option<Group>,
    known: Vec<Document>,
    left_out: u64,
}

/// An alert, and those about its single events.
#[derive(Debug)]
struct Group {
    alert: Alert,
    blocks: Vec<Alert>,
    is_wanted: bool,
}

/// What came of the investigations.
#[derive(Debug, Default)]
pub(crate) struct Investigated {
    /// The alerts; [`Investigated::leave`] makes their reports a part of them.
    alerts: Vec<Leaving>,
    /// Alerts within the scope that were too many to hold.
    pub(crate) left_out: u64,
}

impl HeldAlerts {
    /// None yet; `most` are held.
    pub(crate) fn new(scope: Scope, most: usize) -> Self {
        Self { scope, most, held: Vec::new(), wanted: 0, open: None, known: Vec::new(), left_out: 0 }
    }

    /// Takes an alert. What needs no investigation is handed on at once.
    pub(crate) fn take(
        &mut self,
        alert: Alert,
        hand_on: &mut dyn FnMut(Alert) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.scope == Scope::None {
            return hand_on(alert);
        }
        if let Some(open) = &mut self.open {
            if alert.group_index().is_some() && alert.group_id() == open.alert.group_id() {
                open.blocks.push(alert);
                return Ok(());
            }
            self.close(hand_on)?;
        }
        let group = Group { alert, blocks: Vec::new(), is_wanted: false };
        if group.alert.group_id().is_some() && group.alert.group_index().is_none() {
            self.open = Some(group);
            return Ok(());
        }
        self.settle(group, hand_on)
    }

    fn close(&mut self, hand_on: &mut dyn FnMut(Alert) -> io::Result<()>) -> io::Result<()> {
        match self.open.take() {
            Some(group) => self.settle(group, hand_on),
            None => Ok(()),
        }
    }

    fn settle(
        &mut self,
        mut group: Group,
        hand_on: &mut dyn FnMut(Alert) -> io::Result<()>,
    ) -> io::Result<()> {
        let is_within = self.is_within(&group);
        group.is_wanted = is_within && self.wanted < self.most;
        self.left_out += u64::from(is_within && !group.is_wanted);
        if group.is_wanted || self.held.len() < MOST_WAITING {
            self.wanted += usize::from(group.is_wanted);
            self.held.push(group);
            return Ok(());
        }
        if self.known.len() < MOST_KNOWN {
            self.known.push(known(&group.alert.brief_document()));
        }
        hand_on(group.alert)?;
        group.blocks.into_iter().try_for_each(hand_on)
    }

    fn is_within(&self, group: &Group) -> bool {
        self.scope == Scope::All || {
            let is_of_kms = |block: &Alert| is_of_kms(|name| block.values(name));
            says_keys(|name| group.alert.values(name)) || group.blocks.iter().any(is_of_kms)
        }
    }

    /// Nothing more is to come.
    pub(crate) fn end(&mut self) {
        if let Some(mut group) = self.open.take() {
            group.is_wanted = self.is_within(&group) && self.wanted < self.most;
            self.held.push(group);
        }
    }

    /// The queries that the guides of held alerts carry, filled in.
    pub(crate) fn queries(&self, on: &RestsOn<'_>) -> Vec<Query> {
        let carries = |group: &Group| {
            let rule = group.alert.rule_id().and_then(|id| on.rules.rule(id));
            rule.and_then(|rule| rule.note.as_deref()).is_some_and(|note| note.contains("!{investigate"))
        };
        let queries = Mutex::new(Vec::new());
        if self.held.iter().filter(|group| group.is_wanted).any(carries) {
            self.reports(on, &|query| {
                queries.lock().unwrap_or_else(PoisonError::into_inner).push(query.clone());
                Err(String::new())
            });
        }
        queries.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The documents of the alerts at hand.
    pub(crate) fn documents(&self) -> Vec<&Document> {
        let held = self.held.iter().map(|group| group.alert.document());
        held.chain(&self.known).collect()
    }

    /// Investigates what is held, and hands it on with its reports.
    pub(crate) fn investigate(self, on: &RestsOn<'_>, ask: AskQuery<'_>) -> Investigated {
        let reports = self.reports(on, ask);
        let with_report =
            |(group, report): (Group, Option<TriageReport>)| (group.alert, group.blocks, report);
        let alerts = self.held.into_iter().zip(reports).map(with_report).collect();
        Investigated { alerts, left_out: self.left_out }
    }

    fn reports(&self, on: &RestsOn<'_>, ask: AskQuery<'_>) -> Vec<Option<TriageReport>> {
        let no_guide = Guide::default();
        let guides: BTreeMap<&str, Guide> =
            on.rules.rules.iter().map(|rule| (rule.rule_id.as_str(), Guide::of(rule))).collect();
        let guide_of = |alert: &Alert| alert.rule_id().and_then(|id| guides.get(id)).unwrap_or(&no_guide);
        // What investigations ask of an alert is none of its rule's long texts, unless the guide names one.
        let asks_for_rule = |alert: &Alert| {
            let rule = alert.rule_id().and_then(|id| on.rules.rule(id));
            rule.and_then(|rule| rule.note.as_deref()).is_some_and(|note| note.contains("kibana.alert.rule."))
        };
        let document_of = |alert: &Alert| {
            if asks_for_rule(alert) { alert.document().clone() } else { alert.brief_document() }
        };
        let documents: Vec<(Document, Vec<Document>)> = side_by_side(&self.held, on.threads, |group| {
            (document_of(&group.alert), group.blocks.iter().map(document_of).collect())
        });
        let held = self.held.iter().zip(&documents).map(|(group, (document, blocks))| AlertAtHand {
            document,
            blocks: blocks.iter().collect(),
            guide: guide_of(&group.alert),
            is_wanted: group.is_wanted,
        });
        let known = self.known.iter().map(|document| AlertAtHand {
            document,
            blocks: Vec::new(),
            guide: &no_guide,
            is_wanted: false,
        });
        let alerts: Vec<AlertAtHand<'_>> = held.chain(known).collect();
        let origin_of = |address: &str| origin_of(on.enrichment, address);
        let setting = Setting {
            at: on.at,
            window: Window::default(),
            origin_of: Some(&origin_of),
            place: &Place::Unknown,
            coverage: on.coverage,
            threads: on.threads,
        };
        investigate_alerts(on.evidence, &alerts, &setting, ask)
    }
}

/// What investigations rest on.
pub(crate) struct RestsOn<'a> {
    /// What the logs say beyond the alerts.
    pub(crate) evidence: &'a Evidence,
    /// Whose guides are answered.
    pub(crate) rules: &'a RuleLibrary,
    /// Says where addresses are.
    pub(crate) enrichment: &'a Enrichment,
    /// What the logs lack: whole sentences.
    pub(crate) coverage: &'a [String],
    /// The moment that states and clocks are told for.
    pub(crate) at: Timestamp,
    /// Threads that investigate at once.
    pub(crate) threads: usize,
}

/// An investigated alert with those about its single events.
type Leaving = (Alert, Vec<Alert>, Option<TriageReport>);

/// So many alerts get the texts of their investigations together.
const TOGETHER: usize = 64;

impl Investigated {
    /// Gives each alert on, oldest first, its investigation a part of it where `attaches` says so. The texts of all at once
    /// would take much memory: they are made shortly before their alerts leave, by so many threads.
    pub(crate) fn leave(
        self,
        attaches: bool,
        threads: usize,
        mut give: impl FnMut(Leaving) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut alerts = self.alerts.into_iter();
        loop {
            let mut some: Vec<Leaving> = alerts.by_ref().take(TOGETHER).collect();
            if some.is_empty() {
                return Ok(());
            }
            if attaches {
                let reports: Vec<Option<&TriageReport>> =
                    some.iter().map(|(.., report)| report.as_ref()).collect();
                let texts =
                    side_by_side(&reports, threads, |report| report.map(serde_json::to_vec).transpose());
                for ((alert, ..), text) in some.iter_mut().zip(texts) {
                    if let Some(text) = text.context("cannot write an investigation")? {
                        alert.attach(FIELD, &text)?;
                    }
                }
            }
            some.into_iter().try_for_each(&mut give)?;
        }
    }
}

fn known(document: &Document) -> Document {
    let mut known = Document::new();
    for field in KNOWN_FIELDS {
        if let Some(value) = document.nodes(field).first() {
            known.set(field, (*value).clone());
        }
    }
    known
}

/// Where an address lies, as far as databases were given.
fn origin_of(enrichment: &Enrichment, address: &str) -> Option<Origin> {
    let mut document = Document::new();
    document.set("source.ip", address);
    enrichment.enrich(&mut document);
    let text = |name: &str| document.text(name).map(str::to_owned);
    let origin = Origin {
        country: text("source.geo.country_iso_code"),
        as_number: document.nodes("source.as.number").first().and_then(|number| number.as_u64()),
        as_organization: text("source.as.organization.name"),
    };
    (origin != Origin::default()).then_some(origin)
}
