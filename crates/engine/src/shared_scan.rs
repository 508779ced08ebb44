//! Shared scan: one pass over the events serves all rules.
//!
//! A raw CloudTrail record is only skimmed at first. Most records are settled by that: no filter wants them. For
//! the few that a filter passes, or may pass, the full document is made, and decides.
//!
//! [`SharedScan`] is shared by all threads; each has a [`Scanner`] of its own.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use ecs::{Catalog, DataStream, Document, FieldId, TimeRange, Timestamp};
use foldhash::{HashMap, HashMapExt};
use ingest::decode::{FaultReason, RawRecord, RecordKind};
use ingest::duplicate::{EventKey, document_id};
use ingest::enrich::Enrichment;
use ingest::integration::aws_cloudtrail::{
    NormalizeContext, SkimPlan, SkimmedRecord, event_time, normalize, skim,
};
use ingest::integration::ecs::{EcsEvent, read_ecs};
use matcher::matcher::Memo;
use matcher::value::date_of;
use matcher::{FilterId, Matcher, Predicate, StreamMatcher};
use serde_json::{Map, Value};

use crate::execute::MadeEvent;
use crate::name_table::NameTable;
use crate::offered_event::KnownFields;
use crate::plan::{Plan, PlannedRule};
use crate::sightings::{SightingReader, Sightings};
use crate::windows::Windows;

/// What all threads of a scan share.
#[derive(Debug)]
pub struct SharedScan<'p> {
    plan: &'p Plan<'p>,
    matcher: Matcher,
    settings: ScanSettings<'p>,
    cloudtrail: DataStream,
    /// Where events belong that do not say it.
    fallback: DataStream,
    skim_plan: SkimPlan,
    cloudtrail_matcher: StreamMatcher,
    /// Whether rules can be decided only with enriched documents.
    reads_enrichment: bool,
    /// For events before and after the range.
    around: Option<AroundScan>,
    /// Of each rule: is it left out? Empty when none is.
    left_out: Vec<bool>,
    /// For events outside of the range, where some rule looks for indicators: their times do not count.
    cloudtrail_indicators: Option<StreamMatcher>,
    /// Other data streams, as they turn up.
    others: Mutex<HashMap<(Place, DataStream), Arc<StreamMatcher>>>,
}

/// What is looked for around the range: only what is history for some rule, or what the last run of one sees.
#[derive(Debug)]
struct AroundScan {
    /// From when on before the range; `None` when nothing there counts.
    from: Option<Timestamp>,
    /// Until when after the range; `None` when nothing there counts.
    until: Option<Timestamp>,
    /// Of each rule: may an event there count for it?
    rules: Vec<bool>,
    cloudtrail_matcher: StreamMatcher,
}

/// Where an event lies, by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    InRange,
    /// Before or after the range, and yet some rule looks at it.
    Around,
    Outside,
}

/// What a scan needs beside the rules.
#[derive(Debug, Clone, Copy)]
pub struct ScanSettings<'p> {
    /// Only events whose `@timestamp` lies in it are looked at.
    pub range: TimeRange,
    /// Stands in for the time of records that have none.
    pub now: Timestamp,
    /// Databases for addresses, and user agents.
    pub enrichment: &'p Enrichment,
    /// What is known of fields.
    pub catalog: &'p Catalog,
}

/// The scan of one thread.
#[derive(Debug)]
pub struct Scanner<'s> {
    scan: &'s SharedScan<'s>,
    memo: Memo,
    around_memo: Option<Memo>,
    indicators_memo: Option<Memo>,
    others: HashMap<(Place, DataStream), (Arc<StreamMatcher>, Memo)>,
    /// The same for what is known of events before they are made.
    glimpses: HashMap<(Place, DataStream), (StreamMatcher, Memo)>,
    /// What investigations see of the input at hand; `None` when there will be none.
    sightings: Option<SightingReader>,
}

/// What is known of a record after it was looked at.
#[derive(Debug)]
pub struct ScannedRecord {
    /// Tells deliveries of the same event from other events.
    pub key: EventKey,
    /// When it happened; `None` when the record does not say.
    pub time: Option<Timestamp>,
    /// The account that it is counted under: a number of [`EventNames::accounts`].
    pub account: Option<NonZeroU32>,
    /// Its region: a number of [`EventNames::regions`].
    pub region: Option<NonZeroU32>,
    /// False when its time lies outside of the range that was asked for; then no rule saw it but as history or as an
    /// indicator.
    pub in_range: bool,
    /// Set when it passes at least one filter; outside of the range, one of a rule for which it is history, or one
    /// that looks for indicators.
    pub found: Option<Box<FoundEvent>>,
}

/// What is known of an event that was given as a document.
#[derive(Debug)]
pub(crate) enum Looked {
    /// It lies in the range. Set when it passes at least one filter.
    InRange(Option<Box<FoundEvent>>),
    /// It lies outside. Set when it passes a filter of a rule for which it counts all the same.
    Around(Option<Box<FoundEvent>>),
}

/// The names that events share, each kept once.
#[derive(Debug, Default)]
pub struct EventNames {
    /// Accounts.
    pub accounts: NameTable,
    /// Regions.
    pub regions: NameTable,
}

/// An event that passes filters.
#[derive(Debug)]
pub struct FoundEvent {
    /// The filters that it passes: positions in [`Plan::filters`], in order.
    pub filters: Vec<FilterId>,
    /// The whole event.
    pub document: Document,
    /// Tells the event from all others of its data stream.
    pub document_id: String,
    /// Where the event belongs.
    pub stream: DataStream,
}

impl<'p> SharedScan<'p> {
    /// Prepares the scan for the rules of a plan.
    pub fn new(plan: &'p Plan<'p>, settings: ScanSettings<'p>) -> Self {
        let predicates: Vec<Predicate> = plan.filters.iter().map(|f| f.predicate.clone()).collect();
        let matcher = Matcher::new(predicates);
        let cloudtrail = DataStream::logs("aws.cloudtrail");
        let skim_plan = SkimPlan::new(&plan.table, cloudtrail.clone());
        let reads = |id: FilterId| reads(plan, id, &cloudtrail);
        let cloudtrail_matcher = matcher.for_stream(&plan.table, reads, |field| skim_plan.knows(field));
        let cloudtrail_indicators = plan.looks_for_indicators().then(|| {
            let reads = |id: FilterId| is_of_indicators(plan, id) && reads(id);
            matcher.for_stream(&plan.table, reads, |field| skim_plan.knows(field))
        });
        Self {
            plan,
            matcher,
            settings,
            cloudtrail,
            fallback: DataStream::logs("generic"),
            skim_plan,
            cloudtrail_matcher,
            reads_enrichment: reads_enrichment(plan),
            around: None,
            left_out: Vec::new(),
            cloudtrail_indicators,
            others: Mutex::default(),
        }
    }

    /// The same, where events around the range are looked at too: history for the rules that have one, and what the last
    /// run of a rule sees.
    pub fn with_history(self, windows: Windows) -> Self {
        let range = self.settings.range;
        self.looking_around(|rule| {
            let from = range.from.and_then(|from| rule.history_from(windows, from));
            (from, range.to.and_then(|to| rule.seen_until(windows, to)))
        })
    }

    /// The same, where it is said of each rule from when on before the range and until when after it events count.
    pub(crate) fn looking_around(
        mut self,
        of_rule: impl Fn(&PlannedRule<'_>) -> (Option<Timestamp>, Option<Timestamp>),
    ) -> Self {
        let of_rules: Vec<_> = self.plan.rules.iter().map(of_rule).collect();
        let from = of_rules.iter().filter_map(|(from, _)| *from).min();
        let until = of_rules.iter().filter_map(|(_, until)| *until).max();
        self.around = (from.is_some() || until.is_some()).then(|| {
            let rules: Vec<bool> =
                of_rules.iter().map(|(from, until)| from.is_some() || until.is_some()).collect();
            let reads =
                |id: FilterId| looks_around(self.plan, id, &rules) && reads(self.plan, id, &self.cloudtrail);
            let knows = |field| self.skim_plan.knows(field);
            let cloudtrail_matcher = self.matcher.for_stream(&self.plan.table, reads, knows);
            AroundScan { from, until, rules, cloudtrail_matcher }
        });
        self
    }

    /// The same for some of the rules, over events that were made before.
    pub(crate) fn only(mut self, rules: impl Fn(&PlannedRule<'_>) -> bool) -> Self {
        self.left_out = self.plan.rules.iter().map(|rule| !rules(rule)).collect();
        self
    }

    /// A scanner for one thread.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner {
            scan: self,
            memo: self.cloudtrail_matcher.memo(),
            around_memo: self.around.as_ref().map(|around| around.cloudtrail_matcher.memo()),
            indicators_memo: self.cloudtrail_indicators.as_ref().map(StreamMatcher::memo),
            others: HashMap::new(),
            glimpses: HashMap::new(),
            sightings: None,
        }
    }

    fn place(&self, time: Option<Timestamp>) -> Place {
        // An event without a time is looked at whatever the range: it may lie inside.
        let Some(time) = time else { return Place::InRange };
        let range = self.settings.range;
        if range.contains(time) {
            return Place::InRange;
        }
        let is_looked_at = self.around.as_ref().is_some_and(|around| {
            let is_before = range.from.is_some_and(|from| time < from);
            if is_before {
                around.from.is_some_and(|from| from <= time)
            } else {
                around.until.is_some_and(|until| time < until)
            }
        });
        if is_looked_at { Place::Around } else { Place::Outside }
    }

    fn stream_matcher(&self, place: Place, stream: &DataStream) -> Arc<StreamMatcher> {
        // A poisoned lock only means that another thread panicked; the map itself is whole.
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(self.matcher_for(place, stream, |_| true));
        others.entry((place, stream.clone())).or_insert_with(make).clone()
    }

    /// What judges events of a data stream by the fields of which something is known.
    fn matcher_for(
        &self,
        place: Place,
        stream: &DataStream,
        knows: impl Fn(FieldId) -> bool,
    ) -> StreamMatcher {
        let around = self.around.as_ref().map(|around| &around.rules);
        let is_left_out =
            |id: FilterId| self.left_out.get(self.plan.filters[id.index()].rule).copied().unwrap_or_default();
        let reads = |id: FilterId| {
            let looks = match place {
                Place::InRange => true,
                Place::Around => around.is_none_or(|rules| looks_around(self.plan, id, rules)),
                Place::Outside => is_of_indicators(self.plan, id),
            };
            looks && !is_left_out(id) && reads(self.plan, id, stream)
        };
        self.matcher.for_stream(&self.plan.table, reads, knows)
    }
}

impl<'s> Scanner<'s> {
    /// Looks at one record.
    ///
    /// # Errors
    /// When its text is no JSON object after all.
    pub fn scan(
        &mut self,
        record: &RawRecord<'_>,
        names: &mut EventNames,
    ) -> Result<ScannedRecord, FaultReason> {
        let scanned = match record.kind {
            RecordKind::CloudTrail | RecordKind::CloudTrailInsight => match skim(record) {
                Some(skimmed) => self.scan_skimmed(record, &skimmed, names),
                None => self.scan_cloudtrail_document(record, names),
            },
            RecordKind::CloudTrailDigest => self.scan_cloudtrail_document(record, names),
            RecordKind::Ecs => self.scan_ecs(record, names),
        }?;
        if let Some(sightings) = &mut self.sightings {
            sightings.end_row(&scanned.key, scanned.in_range);
        }
        Ok(scanned)
    }

    /// Begins an input whose events are to be seen for investigations too.
    pub(crate) fn begin_sightings(&mut self, input: &str) {
        self.sightings.get_or_insert_default().begin(input);
    }

    /// What was seen since they began; `None` when they did not.
    pub(crate) fn end_sightings(&mut self) -> Option<Sightings> {
        self.sightings.as_mut()?.end()
    }

    /// Can an event be told to be none that any rule wants, by what is known of it before it is made?
    pub(crate) fn may_want(
        &mut self,
        time: Option<Timestamp>,
        stream: &DataStream,
        known: &impl KnownFields,
    ) -> bool {
        let scan = self.scan;
        let place = scan.place(time);
        if place == Place::Outside && scan.cloudtrail_indicators.is_none() {
            return false;
        }
        let (matcher, memo) = self.glimpses.entry((place, stream.clone())).or_insert_with(|| {
            let matcher = scan.matcher_for(place, stream, |field| known.knows(field));
            let memo = matcher.memo();
            (matcher, memo)
        });
        !matcher.look(known, memo).is_empty()
    }

    /// Is an event in the range?
    pub(crate) fn is_in_range(&self, time: Option<Timestamp>) -> bool {
        self.scan.place(time) == Place::InRange
    }

    /// Looks at an event that was made before.
    pub(crate) fn look(&mut self, event: &MadeEvent) -> Looked {
        let MadeEvent { document, id, stream, time } = event;
        let place = self.scan.place(*time);
        let mut found = None;
        if place != Place::Outside || self.scan.cloudtrail_indicators.is_some() {
            let passed = self.passed(place, stream, document);
            found = (!passed.is_empty()).then(|| {
                Box::new(FoundEvent {
                    filters: passed,
                    document: document.clone(),
                    document_id: id.clone(),
                    stream: stream.clone(),
                })
            });
        }
        if place == Place::InRange { Looked::InRange(found) } else { Looked::Around(found) }
    }

    /// Which filters a whole document passes.
    fn passed(&mut self, place: Place, stream: &DataStream, document: &Document) -> Vec<FilterId> {
        let scan = self.scan;
        let (matcher, memo) = self.others.entry((place, stream.clone())).or_insert_with(|| {
            let matcher = scan.stream_matcher(place, stream);
            let memo = matcher.memo();
            (matcher, memo)
        });
        let view = document.view(&scan.plan.table);
        let verdict = matcher.look(&view, memo);
        matcher.settle(verdict, &view)
    }

    fn scan_skimmed(
        &mut self,
        record: &RawRecord<'_>,
        skimmed: &SkimmedRecord<'_>,
        names: &mut EventNames,
    ) -> Result<ScannedRecord, FaultReason> {
        let time = skimmed.time();
        let is_seen =
            self.sightings.as_mut().is_none_or(|sightings| sightings.skimmed(record, skimmed, time));
        if !is_seen {
            let object = object(record.text)?;
            if let Some(sightings) = &mut self.sightings {
                sightings.record_for_good(object, record.offset);
            }
        }
        let place = self.scan.place(time);
        let mut scanned = ScannedRecord {
            key: event_key(skimmed.event_id(), skimmed.recipient_account_id(), record),
            time,
            account: skimmed.account_id().map(|name| names.accounts.number(name)),
            region: skimmed.region().map(|name| names.regions.number(name)),
            in_range: place == Place::InRange,
            found: None,
        };
        let scan = self.scan;
        let Some((matcher, memo)) = self.cloudtrail_matcher(place) else { return Ok(scanned) };
        let verdict = matcher.look(&skimmed.view(&scan.skim_plan), memo);
        if verdict.is_empty() {
            return Ok(scanned);
        }
        let document = self.document(object(record.text)?);
        let passed = matcher.settle(verdict, &document.view(&self.scan.plan.table));
        scanned.found = self.found_cloudtrail(passed, document, &scanned.key);
        Ok(scanned)
    }

    /// For records that a quick look cannot judge.
    fn scan_cloudtrail_document(
        &mut self,
        record: &RawRecord<'_>,
        names: &mut EventNames,
    ) -> Result<ScannedRecord, FaultReason> {
        let object = object(record.text)?;
        if let Some(sightings) = &mut self.sightings {
            sightings.record(&object, record.offset);
        }
        let time = event_time(&object);
        let document = self.document(object);
        let mut scanned = self.scanned(record, &document, None, time, names);
        let scan = self.scan;
        if let Some((matcher, memo)) = self.cloudtrail_matcher(scan.place(time)) {
            let view = document.view(&scan.plan.table);
            let verdict = matcher.look(&view, memo);
            let passed = matcher.settle(verdict, &view);
            scanned.found = self.found_cloudtrail(passed, document, &scanned.key);
        }
        Ok(scanned)
    }

    fn scan_ecs(
        &mut self,
        record: &RawRecord<'_>,
        names: &mut EventNames,
    ) -> Result<ScannedRecord, FaultReason> {
        let event = read_ecs(object(record.text)?, &self.scan.fallback);
        let EcsEvent { document, data_stream: stream, id } = event;
        if let Some(sightings) = &mut self.sightings {
            sightings.document(&document, record.offset);
        }
        let time = document.first("@timestamp").and_then(date_of);
        let time = time.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let key = id.as_ref().map(|id| EventKey::of_event(id, Some(&stream.name())));
        let mut scanned = self.scanned(record, &document, key, time, names);
        let place = self.scan.place(time);
        if place != Place::Outside || self.scan.cloudtrail_indicators.is_some() {
            let passed = self.passed(place, &stream, &document);
            scanned.found = found(passed, document, &scanned.key, stream);
            if let (Some(found), Some(id)) = (&mut scanned.found, id) {
                found.document_id = id.into();
            }
        }
        Ok(scanned)
    }

    /// What is known of a record whose document was made; without a key of its own it has that of its event.
    fn scanned(
        &self,
        record: &RawRecord<'_>,
        document: &Document,
        key: Option<EventKey>,
        time: Option<Timestamp>,
        names: &mut EventNames,
    ) -> ScannedRecord {
        let text = |name| document.text(name);
        let of_event = || EventKey::of_document(document, record.text);
        ScannedRecord {
            key: key.unwrap_or_else(of_event),
            time,
            account: account_of(document).map(|name| names.accounts.number(name)),
            region: text("cloud.region").map(|name| names.regions.number(name)),
            in_range: self.scan.place(time) == Place::InRange,
            found: None,
        }
    }

    fn document(&self, record: Map<String, Value>) -> Document {
        let settings = &self.scan.settings;
        let mut context = NormalizeContext::new(settings.now, &self.scan.cloudtrail);
        context.enrich = self.scan.reads_enrichment.then_some(settings.enrichment);
        normalize(record, &context)
    }

    /// A hit has its document enriched; the others never needed it.
    fn found_cloudtrail(
        &self,
        passed: Vec<FilterId>,
        mut document: Document,
        key: &EventKey,
    ) -> Option<Box<FoundEvent>> {
        if !passed.is_empty() && !self.scan.reads_enrichment {
            self.scan.settings.enrichment.enrich(&mut document);
        }
        found(passed, document, key, self.scan.cloudtrail.clone())
    }

    /// What judges CloudTrail records of a place; `None` where nothing is looked for.
    fn cloudtrail_matcher(&mut self, place: Place) -> Option<(&'s StreamMatcher, &mut Memo)> {
        match place {
            Place::InRange => Some((&self.scan.cloudtrail_matcher, &mut self.memo)),
            Place::Around => {
                Some((&self.scan.around.as_ref()?.cloudtrail_matcher, self.around_memo.as_mut()?))
            }
            Place::Outside => {
                Some((self.scan.cloudtrail_indicators.as_ref()?, self.indicators_memo.as_mut()?))
            }
        }
    }
}

fn event_key(event_id: Option<&str>, account: Option<&str>, record: &RawRecord<'_>) -> EventKey {
    match event_id {
        Some(id) => EventKey::of_event(id, account),
        None => EventKey::of_bytes(record.text.as_bytes()),
    }
}

/// The account that an event is counted under: the recipient's, else the caller's.
fn account_of(document: &Document) -> Option<&str> {
    document.text("aws.cloudtrail.recipient_account_id").or_else(|| document.text("cloud.account.id"))
}

/// Does a filter look for indicators?
fn is_of_indicators(plan: &Plan<'_>, filter: FilterId) -> bool {
    plan.filters[filter.index()].indicators.is_some()
}

/// Does the rule of a filter read a data stream?
fn reads(plan: &Plan<'_>, filter: FilterId, stream: &DataStream) -> bool {
    let filter = &plan.filters[filter.index()];
    filter.indicators.as_ref().unwrap_or(&plan.rules[filter.rule].patterns).matches(stream)
}

/// May an event around the range count for the rule of a filter, or be an indicator?
fn looks_around(plan: &Plan<'_>, filter: FilterId, rules: &[bool]) -> bool {
    let rule = plan.filters[filter.index()].rule;
    rules.get(rule).copied().unwrap_or_default() || is_of_indicators(plan, filter)
}

/// True when some rule asks for what only databases or patterns can tell of an event.
fn reads_enrichment(plan: &Plan<'_>) -> bool {
    let enriched = |name: &str| {
        name.starts_with("source.geo.")
            || name.starts_with("source.as.")
            || (name.starts_with("user_agent.") && name != "user_agent.original")
    };
    plan.table.entries().any(|(_, entry)| enriched(&entry.name))
        || plan.filters.iter().any(|filter| filter.predicate.reads_every_field())
        || plan.rules.iter().flat_map(|rule| &rule.exceptions).any(|item| item.predicate.reads_every_field())
}

fn object(text: &str) -> Result<Map<String, Value>, FaultReason> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(FaultReason::InvalidJson),
    }
}

fn found(
    passed: Vec<FilterId>,
    document: Document,
    key: &EventKey,
    stream: DataStream,
) -> Option<Box<FoundEvent>> {
    (!passed.is_empty()).then(|| {
        let document_id = document_id(&document, key);
        Box::new(FoundEvent { filters: passed, document, document_id, stream })
    })
}
