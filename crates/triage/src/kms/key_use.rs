//! Cryptographic uses of keys by the hundred thousand: a light way to read them from raw records, and to keep them in rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use ecs::Timestamp;
use foldhash::fast::FixedState;

use super::encryption_context::{Spoken, spoken_of};
use super::key_id::{KeyRef, Named};
use super::record_member::{
    AdditionalMember, IdentityMember, Object, Objects, RequestMember, ResourceMember, ResponseMember, read,
};
use super::sighting::{KMS, Sighting, Tally};
use super::state::KeyState;
use super::use_groups::{UseGroup, UseKind};
use crate::event::Event;
use crate::identity::principal;
use crate::place::Place;

/// The calls of KMS that use a key, or hand out its public half; the frequent ones first.
pub(crate) const USES: [&str; 13] = [
    "Decrypt",
    "GenerateDataKey",
    "Encrypt",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncrypt",
    "Sign",
    "Verify",
    "GenerateMac",
    "VerifyMac",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "DeriveSharedSecret",
    PUBLIC_KEY,
];

const PUBLIC_KEY: &str = "GetPublicKey";

/// Is it a call of KMS that uses a key? `action` is `eventName`.
pub fn is_key_use(action: &str) -> bool {
    USES.contains(&action)
}

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

/// Uses of one input, read by one thread, to be merged by [`KeyHistory::take`](super::key_history::KeyHistory::take).
#[derive(Debug)]
pub struct KeyUseBatch {
    input: Arc<str>,
    rows: Vec<KeyUseRow>,
    groups: Vec<BatchGroup>,
    memo: Memo,
}

/// One use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyUseRow {
    row: usize,
    offset: u64,
    time: Timestamp,
    /// A hash of `sharedEventID`; 0 for none.
    pub(crate) shared: u64,
    id: RowId,
    pub(crate) group: u32,
    action: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowId {
    None,
    Uuid([u8; 16]),
    Text(u32),
}

/// What the rows of a group have in common: each key that they use, and how.
pub(crate) type BatchGroup = Vec<(KeyRef, UseGroup)>;

/// A text of the batch; 0 is none.
type Symbol = u32;

/// What was read before is not read again: slices repeat.
#[derive(Debug, Default)]
struct Memo {
    texts: Vec<Arc<str>>,
    symbols: Table<Arc<str>, Symbol>,
    identities: Table<Box<str>, IdentityFacts>,
    resources: Table<Box<str>, Symbol>,
    requests: Table<Box<str>, RequestFacts>,
    responses: Table<Box<str>, Symbol>,
    materials: Table<Box<str>, Symbol>,
    groups: Table<GroupFacts, Option<u32>>,
}

type Table<K, V> = HashMap<K, V, FixedState>;

/// Beyond this, slices don't repeat enough to remember them.
const MOST_REMEMBERED: usize = 16_384;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum ActionKind {
    Use,
    ReEncrypt,
    PublicKey,
}

impl KeyUseBatch {
    /// An empty batch. `input` is what the ledger calls the input.
    pub fn new(input: impl Into<Arc<str>>) -> Self {
        Self { input: input.into(), rows: Vec::new(), groups: Vec::new(), memo: Memo::default() }
    }

    /// Adds a use. False, and nothing is added, for a call that uses no key, names none, or has no time that can be read.
    pub fn push(&mut self, key_use: &KeyUse<'_>) -> bool {
        let Some(action) = key_use.event_name else { return false };
        let Some(action) = USES.iter().position(|name| *name == action) else { return false };
        let (Some(time), Ok(action)) = (key_use.event_time, u8::try_from(action)) else {
            return false;
        };
        let Some(group) = self.group(key_use, action) else { return false };
        let id = match key_use.event_id {
            None => RowId::None,
            Some(id) => match uuid_of(id) {
                Some(uuid) => RowId::Uuid(uuid),
                None => RowId::Text(self.memo.symbol(Some(id))),
            },
        };
        let shared = key_use.shared_event_id.map_or(0, shared_hash);
        let (row, offset) = (key_use.row, key_use.offset);
        self.rows.push(KeyUseRow { row, offset, time, shared, id, group, action });
        true
    }

    /// How many uses there are.
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
        self.groups.iter().zip(tallies).filter_map(|(group, found)| Some((group, tally(found?)))).collect()
    }

    fn sighting(&self, row: &KeyUseRow) -> Sighting {
        Sighting {
            time: row.time,
            id: match row.id {
                RowId::None => None,
                RowId::Uuid(uuid) => Some(text_of_uuid(uuid).into()),
                RowId::Text(symbol) => self.memo.text(symbol).map(|text| Box::from(&*text)),
            },
            provider: Cow::Borrowed(KMS),
            action: Cow::Borrowed(USES.get(usize::from(row.action)).copied().unwrap_or_default()),
            place: Place::File { name: Arc::clone(&self.input), offset: row.offset },
        }
    }

    fn group(&mut self, key_use: &KeyUse<'_>, action: u8) -> Option<u32> {
        let memo = &mut self.memo;
        let action = USES.get(usize::from(action)).copied().unwrap_or_default();
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
            kind: kind_of(action),
        };
        if let Some(known) = memo.groups.get(&facts) {
            return *known;
        }
        let group = memo.facts(&facts).groups();
        let number = u32::try_from(self.groups.len()).ok().filter(|_| !group.is_empty());
        if number.is_some() {
            self.groups.push(group);
        }
        memo.groups.insert(facts, number);
        number
    }
}

/// What is known of a use, whichever way it was read.
#[derive(Debug)]
struct UseFacts<'a> {
    named: Named<'a>,
    principal: Option<Arc<str>>,
    /// Of the identity and the address.
    service: Option<Arc<str>>,
    /// Service and resource of the context, then of that of ReEncrypt's destination.
    spoken: [(Option<Arc<str>>, Option<Arc<str>>); 2],
    material: Option<Arc<str>>,
    error: Option<Arc<str>>,
    state: Option<KeyState>,
    kind: ActionKind,
}

impl UseFacts<'_> {
    fn groups(&self) -> BatchGroup {
        let mut keys = self.named.keys();
        if self.kind == ActionKind::ReEncrypt && keys.first() == keys.get(1) {
            keys.truncate(1);
        }
        let group = |number: usize| {
            let (service, resource) =
                &self.spoken[usize::from(number == 1 && self.kind == ActionKind::ReEncrypt)];
            UseGroup {
                kind: if self.kind == ActionKind::PublicKey { UseKind::PublicKey } else { UseKind::Use },
                service: self.service.clone().or_else(|| service.clone()),
                resource: resource.clone(),
                principal: self.principal.clone(),
                material: self.material.clone(),
                error: self.error.clone(),
                state: self.state,
            }
        };
        keys.into_iter().enumerate().map(|(number, key)| (key, group(number))).collect()
    }
}

/// The keys and groups of a use that was read as a whole event.
pub(crate) fn groups_of(event: &Event) -> BatchGroup {
    let resources: Vec<&str> =
        event.resources.iter().filter_map(|resource| resource.arn.as_deref()).collect();
    let context = |name: &str| -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let texts = event.request.get(name).and_then(|context| context.as_object());
        let text = |(key, value): (&'_ String, &'_ serde_json::Value)| {
            let value = value.as_str().filter(|value| !value.is_empty())?;
            Some((Cow::Owned(key.clone()), Cow::Owned(value.to_owned())))
        };
        texts.map(|texts| texts.iter().filter_map(text).collect()).unwrap_or_default()
    };
    let spoken = |name: &str| {
        let context = context(name);
        let spoken = spoken_of(&context);
        (spoken.service.as_deref().map(Arc::from), spoken.resource.as_deref().map(Arc::from))
    };
    let kind = kind_of(&event.action);
    let source = spoken("sourceEncryptionContext");
    let source = if source == (None, None) { spoken("encryptionContext") } else { source };
    let identity = &event.identity;
    let service = identity.invoked_by.as_deref().filter(|by| is_service(by));
    let text = super::key_id::text;
    UseFacts {
        named: Named {
            resources: &resources,
            response: super::key_id::key_of_response(&event.response),
            request: text(&event.request, "keyId"),
            both: (kind == ActionKind::ReEncrypt)
                .then(|| ["sourceKeyId", "destinationKeyId"].map(|name| text(&event.request, name))),
            details: None,
            account: event.account.as_deref(),
            region: event.region.as_deref(),
        },
        principal: identity.principal().map(Arc::from),
        service: service.or(event.address.as_deref().filter(|address| is_service(address))).map(Arc::from),
        spoken: [source, spoken("destinationEncryptionContext")],
        material: text(&event.additional, "keyMaterialId").map(Arc::from),
        error: event.error.as_deref().map(Arc::from),
        state: event.error.as_ref().and(event.error_message.as_deref()).and_then(state_said),
        kind,
    }
    .groups()
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
        remember(&mut self.requests, raw, facts);
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
    spoken: [(Option<Arc<str>>, Option<Arc<str>>); 2],
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

fn kind_of(action: &str) -> ActionKind {
    match action {
        "ReEncrypt" => ActionKind::ReEncrypt,
        PUBLIC_KEY => ActionKind::PublicKey,
        _ => ActionKind::Use,
    }
}

/// The name of a service, such as `s3.amazonaws.com`; not `AWS Internal`, and not an address.
pub(crate) fn is_service(text: &str) -> bool {
    text.ends_with(".amazonaws.com")
}

/// The state that the message of an error speaks of. Source: AWS KMS developer guide, key-state.html.
pub(crate) fn state_said(message: &str) -> Option<KeyState> {
    const SAID: [(&str, KeyState); 6] = [
        ("is pending replica deletion", KeyState::PendingReplicaDeletion),
        ("is pending deletion", KeyState::PendingDeletion),
        ("is pending import", KeyState::PendingImport),
        ("is disabled", KeyState::Disabled),
        ("is unavailable", KeyState::Unavailable),
        ("is creating", KeyState::Creating),
    ];
    SAID.iter().find(|(says, _)| message.contains(says)).map(|(_, state)| *state)
}

/// What two accounts' records of one event have in common.
pub(crate) fn shared_hash(id: &str) -> u64 {
    use std::hash::BuildHasher;
    const SEED: u64 = 0x7368_6172_6564;
    FixedState::with_seed(SEED).hash_one(id).max(1)
}

/// Of a UUID as CloudTrail writes it: small letters, with hyphens.
fn uuid_of(text: &str) -> Option<[u8; 16]> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut uuid = [0; 16];
    let mut digits = 0;
    for (place, byte) in bytes.iter().enumerate() {
        let digit = match (place, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        uuid[digits / 2] = uuid[digits / 2] << 4 | digit;
        digits += 1;
    }
    Some(uuid)
}

fn text_of_uuid(uuid: [u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (place, byte) in uuid.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}
