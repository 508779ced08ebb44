//! Uses of keys by the hundred thousand: a light way to read them from raw records, and to keep them in rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use ecs::Timestamp;
use foldhash::fast::FixedState;

use super::encryption_context::{Spoken, spoken_of};
use super::event_uuid::{text_of_uuid, uuid_of};
use super::key_id::Named;
use super::record_member::{
    AdditionalMember, IdentityMember, Object, Objects, RequestMember, ResourceMember, ResponseMember, read,
};
use super::sighting::{KMS, Sighting, Tally};
use super::state::KeyState;
use super::use_facts::{
    ActionKind, BatchGroup, ServiceAndResource, UseFacts, is_service, kind_of, shared_hash, state_said,
    use_named,
};
use crate::identity::principal;
use crate::place::Place;

/// A use of a key, as its record has it: texts plain, objects and arrays as their JSON text; what is missing, null or an empty
/// text is `None`. The record's `eventSource` has to be `kms.amazonaws.com`.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyUse<'a> {
    /// What [`KeyHistory::take`](super::key_history::KeyHistory::take) asks by whether to keep it.
    pub row: usize,
    /// Bytes before the record, in the input as decompressed.
    pub offset: u64,
    /// `eventTime`.
    pub event_time: Option<Timestamp>,
    /// `eventName`.
    pub event_name: Option<&'a str>,
    /// `eventID`.
    pub event_id: Option<&'a str>,
    /// `sharedEventID`.
    pub shared_event_id: Option<&'a str>,
    /// `awsRegion`.
    pub aws_region: Option<&'a str>,
    /// `recipientAccountId`.
    pub recipient_account_id: Option<&'a str>,
    /// `sourceIPAddress`.
    pub source_ip_address: Option<&'a str>,
    /// `userIdentity`.
    pub user_identity: Option<&'a str>,
    /// `errorCode`.
    pub error_code: Option<&'a str>,
    /// `errorMessage`.
    pub error_message: Option<&'a str>,
    /// `resources`.
    pub resources: Option<&'a str>,
    /// `requestParameters`.
    pub request_parameters: Option<&'a str>,
    /// `responseElements`.
    pub response_elements: Option<&'a str>,
    /// `additionalEventData`.
    pub additional_event_data: Option<&'a str>,
}

/// Reads uses of one input after the other, in one thread.
#[derive(Debug, Default)]
pub struct KeyUseReader {
    memo: Memo,
    batch: KeyUseBatch,
}

/// Uses of one input, to be merged by [`KeyHistory::take`](super::key_history::KeyHistory::take).
#[derive(Debug, Default)]
pub struct KeyUseBatch {
    input: Arc<str>,
    rows: Vec<KeyUseRow>,
    groups: Vec<Arc<BatchGroup>>,
    actions: Vec<(Symbol, Cow<'static, str>)>,
    ids: Vec<Box<str>>,
}

/// One use.
#[derive(Debug, Clone, Copy)]
struct KeyUseRow {
    row: usize,
    offset: u64,
    time: Timestamp,
    /// A hash of `sharedEventID`; 0 for none.
    shared: u64,
    id: RowId,
    /// Position in the batch.
    group: u32,
    /// Position in the batch.
    action: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowId {
    None,
    Uuid([u8; 16]),
    /// Position in the batch.
    Text(u32),
}

/// A text of the reader; 0 is none.
type Symbol = u32;

/// What was read before is not read again: slices repeat.
#[derive(Debug, Default)]
struct Memo {
    texts: Vec<Arc<str>>,
    symbols: Table<Arc<str>, Symbol>,
    identities: Table<Box<str>, IdentityFacts>,
    resources: Table<Box<str>, Symbol>,
    requests: Table<Box<str>, RequestFacts>,
    request_hits: usize,
    /// Encryption contexts that name single objects hardly ever come again: to remember them costs more than to read them.
    requests_differ: bool,
    responses: Table<Box<str>, Symbol>,
    materials: Table<Box<str>, Symbol>,
    groups: Table<GroupFacts, Option<KnownGroup>>,
    /// Counts batches.
    batch: u64,
}

/// What a group of facts says, and where it is in the batch that it was last seen in.
#[derive(Debug)]
struct KnownGroup {
    group: Arc<BatchGroup>,
    batch: u64,
    position: u32,
}

type Table<K, V> = HashMap<K, V, FixedState>;

/// Beyond this, slices don't repeat enough to remember them.
const MOST_REMEMBERED: usize = 4_096;

/// With more texts or groups than these a reader begins anew.
const MOST_TEXTS: usize = 200_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct IdentityFacts {
    principal: Symbol,
    service: Symbol,
    account: Symbol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct RequestFacts {
    key: Symbol,
    source: Symbol,
    destination: Symbol,
    /// What the context speaks of, then what that of ReEncrypt's destination does.
    service: [Symbol; 2],
    resource: [Symbol; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct GroupFacts {
    identity: IdentityFacts,
    request: RequestFacts,
    resources: Symbol,
    response: Symbol,
    material: Symbol,
    account: Symbol,
    region: Symbol,
    address: Symbol,
    error: Symbol,
    state: Option<KeyState>,
    kind: ActionKind,
}

impl KeyUseReader {
    /// Whether a call of KMS can be read the light way: one that uses a key, or that only reads about it. `action` is
    /// `eventName`, without quotes. All others have to be observed as whole events.
    pub fn takes(action: &str) -> bool {
        kind_of(action).is_some()
    }

    /// Adds a call to the batch. False, and nothing is added, for one that [`KeyUseReader::takes`] not, that names no key, or
    /// that has no time that can be read.
    pub fn push(&mut self, key_use: &KeyUse<'_>) -> bool {
        let Some(action) = key_use.event_name else { return false };
        let (Some(kind), Some(time)) = (kind_of(action), key_use.event_time) else {
            return false;
        };
        let Some(group) = self.group(key_use, kind) else { return false };
        let action = self.action(action);
        let id = match key_use.event_id {
            None => RowId::None,
            Some(id) => match uuid_of(id) {
                Some(uuid) => RowId::Uuid(uuid),
                None => {
                    self.batch.ids.push(id.into());
                    RowId::Text(u32::try_from(self.batch.ids.len() - 1).unwrap_or(u32::MAX))
                }
            },
        };
        let shared = key_use.shared_event_id.map_or(0, shared_hash);
        let (row, offset) = (key_use.row, key_use.offset);
        self.batch.rows.push(KeyUseRow { row, offset, time, shared, id, group, action });
        true
    }

    /// The uses since the last batch, as a batch. `input` is what the ledger calls the input.
    pub fn batch(&mut self, input: impl Into<Arc<str>>) -> KeyUseBatch {
        let memo = &mut self.memo;
        memo.batch += 1;
        if memo.texts.len() > MOST_TEXTS || memo.groups.len() > MOST_TEXTS {
            *memo = Memo { batch: memo.batch, ..Memo::default() };
        }
        KeyUseBatch { input: input.into(), ..std::mem::take(&mut self.batch) }
    }

    /// Leaves out the uses since the last batch.
    pub fn forget_rows(&mut self) {
        self.batch("");
    }

    fn action(&mut self, action: &str) -> u32 {
        let symbol = self.memo.symbol(Some(action));
        let actions = &mut self.batch.actions;
        let position = actions.iter().position(|(known, _)| *known == symbol).unwrap_or_else(|| {
            let name = use_named(action).map_or_else(|| Cow::Owned(action.to_owned()), Cow::Borrowed);
            actions.push((symbol, name));
            actions.len() - 1
        });
        u32::try_from(position).unwrap_or(u32::MAX)
    }

    fn group(&mut self, key_use: &KeyUse<'_>, kind: ActionKind) -> Option<u32> {
        let Self { memo, batch } = self;
        let error = key_use.error_code;
        let address = key_use.source_ip_address.filter(|address| is_service(address));
        let facts = GroupFacts {
            identity: memo.identity(key_use.user_identity),
            request: memo.request(key_use.request_parameters),
            resources: memo.resources(key_use.resources),
            response: memo.response(key_use.response_elements),
            material: memo.material(key_use.additional_event_data),
            account: memo.symbol(key_use.recipient_account_id),
            region: memo.symbol(key_use.aws_region),
            address: memo.symbol(address),
            state: error.is_some().then_some(key_use.error_message).flatten().and_then(state_said),
            error: memo.symbol(error),
            kind,
        };
        if !memo.groups.contains_key(&facts) {
            let group = memo.facts(&facts).groups();
            let known = (!group.is_empty()).then(|| KnownGroup {
                group: Arc::new(group),
                batch: u64::MAX,
                position: 0,
            });
            memo.groups.insert(facts, known);
        }
        let number = memo.batch;
        let known = memo.groups.get_mut(&facts)?.as_mut()?;
        if known.batch != number {
            known.batch = number;
            known.position = u32::try_from(batch.groups.len()).ok()?;
            batch.groups.push(Arc::clone(&known.group));
        }
        Some(known.position)
    }
}

impl KeyUseBatch {
    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The tally of each group, of the rows that are kept.
    pub(crate) fn tallies(&self, mut keep: impl FnMut(usize, u64) -> bool) -> Vec<(&BatchGroup, Tally)> {
        let mut tallies: Vec<Option<(u64, &KeyUseRow, &KeyUseRow)>> = vec![None; self.groups.len()];
        for row in &self.rows {
            if !keep(row.row, row.shared) {
                continue;
            }
            let Some(tally) = tallies.get_mut(row.group as usize) else { continue };
            match tally {
                None => *tally = Some((1, row, row)),
                Some((count, first, last)) => {
                    *count += 1;
                    if row.time < first.time
                        || row.time == first.time && self.sighting(row) < self.sighting(first)
                    {
                        *first = row;
                    }
                    if row.time > last.time
                        || row.time == last.time && self.sighting(row) > self.sighting(last)
                    {
                        *last = row;
                    }
                }
            }
        }
        let tally = |(count, first, last): (u64, &KeyUseRow, &KeyUseRow)| Tally {
            count,
            first: self.sighting(first),
            last: self.sighting(last),
        };
        self.groups.iter().zip(tallies).filter_map(|(group, found)| Some((&**group, tally(found?)))).collect()
    }

    fn sighting(&self, row: &KeyUseRow) -> Sighting {
        Sighting {
            time: row.time,
            id: match row.id {
                RowId::None => None,
                RowId::Uuid(uuid) => Some(text_of_uuid(uuid).into()),
                RowId::Text(at) => self.ids.get(at as usize).cloned(),
            },
            provider: Cow::Borrowed(KMS),
            action: self.actions.get(row.action as usize).map(|(_, name)| name.clone()).unwrap_or_default(),
            place: Place::File { name: Arc::clone(&self.input), offset: row.offset },
        }
    }
}

impl Memo {
    fn symbol(&mut self, text: Option<&str>) -> Symbol {
        let Some(text) = text else { return 0 };
        if let Some(symbol) = self.symbols.get(text) {
            return *symbol;
        }
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        let symbol = Symbol::try_from(self.texts.len()).unwrap_or(0);
        self.symbols.insert(text, symbol);
        symbol
    }

    fn text(&self, symbol: Symbol) -> Option<Arc<str>> {
        self.texts.get((symbol as usize).checked_sub(1)?).cloned()
    }

    fn facts(&self, facts: &GroupFacts) -> OwnedFacts {
        let text = |symbol| self.text(symbol);
        let request = facts.request;
        OwnedFacts {
            resources: text(facts.resources),
            response: text(facts.response),
            request: text(request.key),
            both: [text(request.source), text(request.destination)],
            account: text(facts.account).or_else(|| text(facts.identity.account)),
            region: text(facts.region),
            principal: text(facts.identity.principal),
            service: text(facts.identity.service).or_else(|| text(facts.address)),
            spoken: [0, 1].map(|side| (text(request.service[side]), text(request.resource[side]))),
            material: text(facts.material),
            error: text(facts.error),
            state: facts.state,
            kind: facts.kind,
        }
    }

    fn identity(&mut self, raw: Option<&str>) -> IdentityFacts {
        let Some(raw) = raw else { return IdentityFacts::default() };
        if let Some(known) = self.identities.get(raw) {
            return *known;
        }
        let mut spare = String::new();
        let Object(identity) = read::<Object<IdentityMember<'_>>>(Some(raw), &mut spare);
        let identity = identity.unwrap_or_default();
        let session = identity.session_context.0.unwrap_or_default();
        let issuer = session.session_issuer.0.unwrap_or_default();
        let by = identity.invoked_by.get();
        let account = identity.account_id.get();
        let named = principal(issuer.arn.get(), identity.arn.get(), identity.principal_id.get(), by, account);
        let facts = IdentityFacts {
            principal: self.symbol(named.as_deref()),
            service: self.symbol(by.filter(|by| is_service(by))),
            account: self.symbol(account),
        };
        remember(&mut self.identities, raw, facts);
        facts
    }

    fn resources(&mut self, raw: Option<&str>) -> Symbol {
        let Some(raw) = raw else { return 0 };
        if let Some(known) = self.resources.get(raw) {
            return *known;
        }
        let mut spare = String::new();
        let Objects(resources) = read::<Objects<ResourceMember<'_>>>(Some(raw), &mut spare);
        let arns: Vec<&str> = resources.iter().filter_map(ResourceMember::arn).collect();
        let symbol = self.symbol(Some(&arns.join("\n")));
        remember(&mut self.resources, raw, symbol);
        symbol
    }

    fn request(&mut self, raw: Option<&str>) -> RequestFacts {
        let Some(raw) = raw else { return RequestFacts::default() };
        if let Some(known) = self.requests.get(raw) {
            self.request_hits += 1;
            return *known;
        }
        let mut spare = String::new();
        let Object(request) = read::<Object<RequestMember<'_>>>(Some(raw), &mut spare);
        let request = request.unwrap_or_default();
        let mut facts = RequestFacts {
            key: self.symbol(request.key_id.get()),
            source: self.symbol(request.source_key_id.get()),
            destination: self.symbol(request.destination_key_id.get()),
            ..RequestFacts::default()
        };
        // No call has both: ReEncrypt names its two contexts otherwise than the rest name their one.
        let source = if spoken_of(&request.source_encryption_context.0) == Spoken::default() {
            &request.encryption_context
        } else {
            &request.source_encryption_context
        };
        for (side, context) in [source, &request.destination_encryption_context].into_iter().enumerate() {
            let spoken = spoken_of(&context.0);
            facts.service[side] = self.symbol(spoken.service.as_deref());
            facts.resource[side] = self.symbol(spoken.resource.as_deref());
        }
        if self.requests.len() >= MOST_REMEMBERED {
            self.requests_differ |= self.request_hits < MOST_REMEMBERED;
            self.request_hits = 0;
            self.requests.clear();
        }
        if !self.requests_differ {
            self.requests.insert(Box::from(raw), facts);
        }
        facts
    }

    fn response(&mut self, raw: Option<&str>) -> Symbol {
        let Some(raw) = raw.filter(|raw| *raw != "null") else { return 0 };
        if let Some(known) = self.responses.get(raw) {
            return *known;
        }
        let mut spare = String::new();
        let Object(response) = read::<Object<ResponseMember<'_>>>(Some(raw), &mut spare);
        let response = response.unwrap_or_default();
        let metadata = response.key_metadata.0.unwrap_or_default();
        let key = response.key_id.get().or_else(|| metadata.arn.get()).or_else(|| metadata.key_id.get());
        let symbol = self.symbol(key);
        remember(&mut self.responses, raw, symbol);
        symbol
    }

    fn material(&mut self, raw: Option<&str>) -> Symbol {
        let Some(raw) = raw.filter(|raw| *raw != "null") else { return 0 };
        if let Some(known) = self.materials.get(raw) {
            return *known;
        }
        let mut spare = String::new();
        let Object(additional) = read::<Object<AdditionalMember<'_>>>(Some(raw), &mut spare);
        let symbol = self.symbol(additional.unwrap_or_default().key_material_id.get());
        remember(&mut self.materials, raw, symbol);
        symbol
    }
}

/// As [`UseFacts`], of the texts of a batch.
struct OwnedFacts {
    /// Line by line.
    resources: Option<Arc<str>>,
    response: Option<Arc<str>>,
    request: Option<Arc<str>>,
    both: [Option<Arc<str>>; 2],
    account: Option<Arc<str>>,
    region: Option<Arc<str>>,
    principal: Option<Arc<str>>,
    service: Option<Arc<str>>,
    spoken: [ServiceAndResource; 2],
    material: Option<Arc<str>>,
    error: Option<Arc<str>>,
    state: Option<KeyState>,
    kind: ActionKind,
}

impl OwnedFacts {
    fn groups(self) -> BatchGroup {
        let resources: Vec<&str> = self.resources.as_deref().unwrap_or_default().lines().collect();
        let [source, destination] = &self.both;
        UseFacts {
            named: Named {
                resources: &resources,
                response: self.response.as_deref(),
                request: self.request.as_deref(),
                both: (self.kind == ActionKind::ReEncrypt)
                    .then_some([source.as_deref(), destination.as_deref()]),
                details: None,
                account: self.account.as_deref(),
                region: self.region.as_deref(),
            },
            principal: self.principal,
            service: self.service,
            spoken: self.spoken,
            material: self.material,
            error: self.error,
            state: self.state,
            kind: self.kind,
        }
        .groups()
    }
}

fn remember<V>(table: &mut Table<Box<str>, V>, raw: &str, value: V) {
    if table.len() >= MOST_REMEMBERED {
        table.clear();
    }
    table.insert(Box::from(raw), value);
}
