//! What a scan sees of every event for investigations: acts of principals, uses of keys, and the few events that count whole.
//!
//! Each input has [`Sightings`] of its own, made by the [`SightingReader`] of the thread that reads it. They become
//! [`Evidence`] in the order of the inputs, without the duplicates.

use std::sync::Arc;

use ecs::{Document, Timestamp};
use ingest::decode::RawRecord;
use ingest::duplicate::{EventKey, SeenEvents};
use ingest::integration::aws_cloudtrail::{SkimmedRecord, WrittenMember};
use serde_json::{Map, Value};
use triage::act::{Act, reads_by_name};
use triage::activity::{About, ActBatch, ActReader, WhoNumber};
use triage::event::Event;
use triage::evidence::{Evidence, Wants};
use triage::identity::principal;
use triage::kms::declared::may_name_key;
use triage::kms::key_use::{KeyUse, KeyUseBatch, KeyUseReader};
use triage::kms::written_uses::WrittenUses;
use triage::place::Place;
use triage::sessions::{SessionCall, WrittenCall};

/// Sees one input after the other. Every thread has one: most texts come again from input to input.
#[derive(Debug, Default)]
pub(crate) struct SightingReader {
    input: Option<Arc<str>>,
    acts: ActReader,
    /// The row of each act: an event without a time is none.
    act_rows: Vec<u32>,
    uses: KeyUseReader,
    written: WrittenUses,
    /// How many of all inputs are kept as written.
    kept_written: usize,
    /// With their rows.
    sessions: Vec<(u32, SessionCall)>,
    /// With their rows.
    events: Vec<(u32, Event)>,
    outside: Vec<(u32, EventKey)>,
    rows: u32,
}

/// So many uses of keys a thread keeps as they are written: few keys are asked about. More are read by the threads, and
/// added up, so that they do not all wait for the end.
const MOST_WRITTEN: usize = 100_000;

/// What was seen in one input.
#[derive(Debug)]
pub(crate) struct Sightings {
    acts: ActBatch,
    /// The row of each act.
    act_rows: Vec<u32>,
    uses: KeyUseBatch,
    written: WrittenUses,
    /// With their rows.
    sessions: Vec<(u32, SessionCall)>,
    /// With their rows.
    events: Vec<(u32, Event)>,
    /// Rows of events outside of the range that rules look at, which the account does not know one by one.
    outside: Vec<(u32, EventKey)>,
    /// As many as records that gave an event.
    rows: u32,
}

impl SightingReader {
    /// Begins an input that the ledger calls so.
    pub(crate) fn begin(&mut self, input: &str) {
        if self.input.is_some() {
            // The last one could not be read to its end.
            self.acts.forget_rows();
            self.uses.forget_rows();
            self.written = WrittenUses::default();
            self.act_rows.clear();
            self.sessions.clear();
            self.events.clear();
            self.outside.clear();
            self.rows = 0;
        }
        self.input = Some(input.into());
    }

    /// What was seen since the input began; `None` when none did.
    pub(crate) fn end(&mut self) -> Option<Sightings> {
        let input = self.input.take()?;
        Some(Sightings {
            acts: self.acts.batch(Place::File { name: Arc::clone(&input), offset: 0 }),
            act_rows: std::mem::take(&mut self.act_rows),
            uses: self.uses.batch(Arc::clone(&input)),
            written: self.written.take(input),
            sessions: std::mem::take(&mut self.sessions),
            events: std::mem::take(&mut self.events),
            outside: std::mem::take(&mut self.outside),
            rows: std::mem::take(&mut self.rows),
        })
    }

    /// Ends the row of an event.
    pub(crate) fn end_row(&mut self, key: &EventKey, in_range: bool) {
        if !in_range {
            self.outside.push((self.rows, *key));
        }
        self.rows += 1;
    }

    /// Sees a record that was skimmed. False when the document has to be made for it.
    pub(crate) fn skimmed(
        &mut self,
        record: &RawRecord<'_>,
        skimmed: &SkimmedRecord<'_>,
        time: Option<Timestamp>,
    ) -> bool {
        let Some(time) = time else { return true };
        let identity = skimmed.written(WrittenMember::UserIdentity);
        let Some(who) = self.acts.known(identity).or_else(|| self.learn(skimmed)) else { return false };
        let action = skimmed.event_name().unwrap_or_default();
        let act = Act {
            time,
            id: skimmed.event_id().unwrap_or_default(),
            provider: skimmed.event_source().unwrap_or_default(),
            action,
            principal: "",
            arn: "",
            access_key: "",
            address: skimmed.source_ip_address().unwrap_or_default(),
            user_agent: skimmed.user_agent().unwrap_or_default(),
            region: skimmed.region().unwrap_or_default(),
            account: skimmed.recipient_account_id().unwrap_or_default(),
            error: skimmed.error_code().unwrap_or_default(),
            read_only: skimmed.read_only().unwrap_or_else(|| reads_by_name(action)),
        };
        let about = About::Written {
            resources: skimmed.written(WrittenMember::Resources),
            parameters: skimmed.written(WrittenMember::RequestParameters),
        };
        let wants = self.acts.push_by(who, &act, record.offset, about);
        self.act_rows.push(self.rows);
        match wants {
            Wants::Nothing => true,
            Wants::Whole => false,
            Wants::Declared => {
                let members = [WrittenMember::RequestParameters, WrittenMember::ResponseElements];
                !members.into_iter().filter_map(|member| skimmed.written(member)).any(may_name_key)
            }
            Wants::Session => self.session(record, skimmed, &act),
            Wants::KeyUse => {
                self.key_use(record, skimmed, &act);
                true
            }
        }
    }

    /// Remembers who acted; `None` when the identity is out of the ordinary.
    fn learn(&mut self, skimmed: &SkimmedRecord<'_>) -> Option<WhoNumber> {
        let who = skimmed.who()?;
        // Not `principal`, which makes a text of its own.
        let named = who.issuer_arn.or(who.arn).or(who.principal_id).or(who.invoked_by);
        let of_account = if named.is_none() { principal(None, None, None, None, who.account) } else { None };
        Some(self.acts.learn(
            skimmed.written(WrittenMember::UserIdentity),
            named.or(of_account.as_deref()).unwrap_or_default(),
            who.arn.unwrap_or_default(),
            who.access_key.unwrap_or_default(),
            who.account.unwrap_or_default(),
        ))
    }

    /// False when the document has to be made for it.
    fn session(&mut self, record: &RawRecord<'_>, skimmed: &SkimmedRecord<'_>, act: &Act<'_>) -> bool {
        let Some(who) = skimmed.who() else { return false };
        let call = WrittenCall {
            time: act.time,
            action: act.action,
            id: skimmed.event_id(),
            address: skimmed.source_ip_address(),
            invoked_by: who.invoked_by,
            kind: who.kind,
            access_key: who.access_key,
            arn: who.arn,
            principal_id: who.principal_id,
            identity: skimmed.written(WrittenMember::UserIdentity),
            response: skimmed.written(WrittenMember::ResponseElements),
        };
        let call = SessionCall::of(&call, || self.place(record.offset));
        self.sessions.extend(call.map(|call| (self.rows, call)));
        true
    }

    fn key_use(&mut self, record: &RawRecord<'_>, skimmed: &SkimmedRecord<'_>, act: &Act<'_>) {
        let key_use = KeyUse {
            row: self.rows as usize,
            offset: record.offset,
            event_time: Some(act.time),
            event_name: Some(act.action),
            event_id: skimmed.event_id(),
            shared_event_id: skimmed.shared_event_id(),
            aws_region: skimmed.region(),
            recipient_account_id: skimmed.recipient_account_id(),
            source_ip_address: skimmed.source_ip_address(),
            user_identity: skimmed.written(WrittenMember::UserIdentity),
            error_code: skimmed.error_code(),
            error_message: skimmed.error_message(),
            resources: skimmed.written(WrittenMember::Resources),
            request_parameters: skimmed.written(WrittenMember::RequestParameters),
            response_elements: skimmed.written(WrittenMember::ResponseElements),
            additional_event_data: skimmed.written(WrittenMember::AdditionalEventData),
        };
        if self.kept_written < MOST_WRITTEN {
            self.kept_written += 1;
            self.written.push(&key_use);
        } else {
            self.uses.push(&key_use);
        }
    }

    /// Sees a record whole, whose act was seen or could not be.
    pub(crate) fn record(&mut self, record: &Map<String, Value>, offset: u64) {
        self.whole(Event::of_record(record, self.place(offset)), offset);
    }

    /// As [`SightingReader::record`], where the record is not needed any more.
    pub(crate) fn record_for_good(&mut self, record: Map<String, Value>, offset: u64) {
        self.whole(Event::of_owned_record(record, self.place(offset)), offset);
    }

    /// Sees an ECS document.
    pub(crate) fn document(&mut self, document: &Document, offset: u64) {
        self.whole(Event::of_document(document, self.place(offset)), offset);
    }

    fn whole(&mut self, event: Option<Event>, offset: u64) {
        let Some(event) = event else { return };
        let principal = event.identity.principal().unwrap_or_default();
        let act = Act::of(&event, &principal);
        if self.act_rows.last() != Some(&self.rows) {
            self.acts.push(&act, offset, About::Event(&event));
            self.act_rows.push(self.rows);
        }
        if Wants::of(act.provider, act.action, act.error) != Wants::Nothing {
            self.events.push((self.rows, event));
        }
    }

    fn place(&self, offset: u64) -> Place {
        match &self.input {
            Some(input) => Place::File { name: Arc::clone(input), offset },
            None => Place::Unknown,
        }
    }
}

impl Sightings {
    /// Adds all that is no duplicate. `is_new` goes with the rows that lie in the range, in order.
    pub(crate) fn give_to(self, evidence: &mut Evidence, is_new: &[bool], seen_outside: &mut SeenEvents) {
        let mut keep = Vec::with_capacity(self.rows as usize);
        let mut outside = self.outside.into_iter().peekable();
        let mut in_range = is_new.iter().copied();
        for row in 0..self.rows {
            keep.push(match outside.next_if(|(at, _)| *at == row) {
                Some((_, key)) => seen_outside.insert(key),
                None => in_range.next().unwrap_or(false),
            });
        }
        let keeps = |row: u32| keep.get(row as usize).copied().unwrap_or(false);
        evidence.activity.take(self.acts, |at| self.act_rows.get(at).is_some_and(|row| keeps(*row)));
        let keeps_use = |row: usize| keep.get(row).copied().unwrap_or(false);
        evidence.keys.take(&self.uses, keeps_use);
        evidence.keys.take_written(self.written, keeps_use);
        for (row, call) in self.sessions {
            if keeps(row) {
                evidence.activity.take_session(call);
            }
        }
        for (row, event) in &self.events {
            if keeps(*row) {
                evidence.observe_whole(event);
            }
        }
    }
}
