//! Acts read by one thread: every text is kept once for all inputs, and the rows of each input leave as a batch.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::target::{target_of, target_of_texts};
use super::texts::{NewTexts, Texts, hash_of};
use crate::act::Act;
use crate::event::Event;
use crate::evidence::Wants;
use crate::gravity::{gravity_of, gravity_of_failed};
use crate::place::Place;
use crate::surroundings::Gravity;

/// Reads acts of one input after the other.
///
/// Most texts come again in the next input, so they have the same numbers in all batches of a reader; each batch brings
/// those that are new.
#[derive(Debug)]
pub struct ActReader {
    id: u64,
    texts: Texts,
    identities: Identities,
    whos: Vec<Who>,
    who_table: HashTable<u32>,
    sites: Vec<Site>,
    last_site: Option<u32>,
    calls: Vec<Call>,
    call_table: HashTable<u32>,
    /// Of each call.
    wants: Vec<Wants>,
    told: Told,
    /// Until they are a batch, `address` and `user_agent` are the lengths of texts that wait for their numbers.
    rows: Vec<BatchRow>,
    /// The texts of the rows one after the other. They are looked up together: one now and then costs twice as much, as
    /// what was looked up before is not in the processor's cache any more.
    waiting: String,
    notable: Vec<Notable>,
    abouts: String,
    hasher: RandomState,
}

/// How many of each are in the batches so far.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    texts: usize,
    whos: usize,
    sites: usize,
    calls: usize,
}

/// The acts of one input, or of a part of one, in the order of the rows.
///
/// Batches of one reader have to be taken in the order in which they were made; what is left away is missing to the
/// later ones.
#[derive(Debug, Clone)]
pub struct ActBatch {
    pub(super) reader: u64,
    pub(super) place: Place,
    pub(super) texts: NewTexts,
    pub(super) whos: New<Who>,
    pub(super) sites: New<Site>,
    pub(super) calls: New<Call>,
    pub(super) rows: Vec<BatchRow>,
    pub(super) notable: Vec<Notable>,
    /// Of notable rows, what they were about.
    pub(super) abouts: String,
}

/// What a reader met for the first time.
#[derive(Debug, Clone)]
pub(super) struct New<T> {
    /// The number of the first of them.
    pub(super) first: usize,
    pub(super) all: Vec<T>,
}

impl<T: Clone> New<T> {
    fn since(told: &mut usize, all: &[T]) -> Self {
        let first = std::mem::replace(told, all.len());
        Self { first, all: all.get(first..).unwrap_or_default().to_vec() }
    }
}

/// Who acted, as an [`ActReader`] numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhoNumber(u32);

/// Who acted: numbers of texts, and the access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Who {
    pub(super) principal: u32,
    pub(super) arn: u32,
    pub(super) access_key: AccessKey<u32>,
    /// The caller's own.
    pub(super) account: u32,
}

/// An access key. Those of sessions hardly ever come again, so keys as AWS makes them are no texts with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessKey<T> {
    /// One of twenty bytes, all ASCII.
    Usual([u8; 20]),
    /// Any other text.
    Other(T),
}

impl AccessKey<&str> {
    /// Its text; empty where there is none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Usual(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            Self::Other(text) => text,
        }
    }
}

impl<'a> AccessKey<&'a str> {
    /// The access key of a text.
    pub fn of(text: &'a str) -> Self {
        match <[u8; 20]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.is_ascii() => Self::Usual(bytes),
            _ => Self::Other(text),
        }
    }
}

impl<T> AccessKey<T> {
    /// The same, with something else for the text.
    pub(super) fn map<U>(self, other: impl FnOnce(T) -> Option<U>) -> Option<AccessKey<U>> {
        Some(match self {
            Self::Usual(bytes) => AccessKey::Usual(bytes),
            Self::Other(text) => AccessKey::Other(other(text)?),
        })
    }
}

/// Where something was called: numbers of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Site {
    pub(super) region: u32,
    /// The account that it is counted under.
    pub(super) account: u32,
}

/// What was called, and what came of it: numbers of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) provider: u32,
    pub(super) action: u32,
    pub(super) error: u32,
    pub(super) read_only: bool,
    pub(super) gravity: Option<Gravity>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct BatchRow {
    /// Milliseconds since 1970.
    pub(super) time: i64,
    pub(super) who: u32,
    pub(super) site: u32,
    /// The number of a text.
    pub(super) address: u32,
    /// The number of a text.
    pub(super) user_agent: u32,
    pub(super) call: u32,
}

/// A row that does not only read, or was refused.
#[derive(Debug, Clone)]
pub(super) struct Notable {
    pub(super) row: u32,
    pub(super) id: EventId,
    pub(super) offset: u64,
    pub(super) about: KeptAbout,
}

/// An event id: 16 bytes where it is a UUID in its usual form, else the number of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventId {
    Uuid([u8; 16]),
    Text(u32),
    None,
}

/// A reader whose texts take more begins anew, so that threads do not keep for ever what is kept elsewhere too.
const MOST_TEXT_BYTES: usize = 64 << 20;

impl Default for ActReader {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            texts: Texts::default(),
            identities: Identities::default(),
            whos: Vec::new(),
            who_table: HashTable::new(),
            sites: Vec::new(),
            last_site: None,
            calls: Vec::new(),
            call_table: HashTable::new(),
            wants: Vec::new(),
            told: Told::default(),
            rows: Vec::new(),
            waiting: String::new(),
            notable: Vec::new(),
            abouts: String::new(),
            hasher: RandomState::default(),
        }
    }
}

impl ActReader {
    /// Adds an act as the next row. `offset` is that of its record in a file; elsewhere it is not looked at. `about`
    /// is looked at where the tables grade the call.
    pub fn push(&mut self, act: &Act<'_>, offset: u64, about: About<'_>) {
        let who = self.who(act.principal, act.arn, act.access_key, "");
        self.push_by(who, act, offset, about);
    }

    /// The same, of somebody whose number is known: `principal`, `arn` and `access_key` of the act are not looked at, and
    /// where it has no account, the caller's own stands in. Says what else the event is wanted for.
    pub fn push_by(&mut self, who: WhoNumber, act: &Act<'_>, offset: u64, about: About<'_>) -> Wants {
        let call = self.call(act);
        let WhoNumber(who) = who;
        let site = self.site(act, who);
        let [address, user_agent] = [act.address, act.user_agent].map(|text| {
            self.waiting.push_str(text);
            u32::try_from(text.len()).unwrap_or(u32::MAX)
        });
        let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(BatchRow { time: act.time.as_millisecond(), who, site, address, user_agent, call });
        if !act.read_only || !act.error.is_empty() {
            let id = match (uuid_of(act.id), act.id) {
                (Some(uuid), _) => EventId::Uuid(uuid),
                (None, "") => EventId::None,
                (None, id) => EventId::Text(self.texts.intern(id)),
            };
            let is_graded = self.calls.get(call as usize).is_some_and(|call| call.gravity.is_some());
            let is_kept = is_graded && act.error.is_empty();
            let about = if is_kept { KeptAbout::of(about, &mut self.abouts) } else { KeptAbout::Nothing };
            self.notable.push(Notable { row, id, offset, about });
        }
        self.wants.get(call as usize).copied().unwrap_or(Wants::Whole)
    }

    /// The number of somebody whose `userIdentity` was met before, as written.
    pub fn known(&self, identity: Option<&str>) -> Option<WhoNumber> {
        self.identities.get(identity.unwrap_or_default(), &self.hasher).map(WhoNumber)
    }

    /// The number of somebody, and remembers their `userIdentity` as written.
    pub fn learn(
        &mut self,
        identity: Option<&str>,
        principal: &str,
        arn: &str,
        access_key: &str,
        account: &str,
    ) -> WhoNumber {
        // To look whether somebody with another identity is the same costs more than to have them twice.
        let who = self.new_who(principal, arn, access_key, account);
        let number = u32::try_from(self.whos.len()).unwrap_or(u32::MAX);
        self.whos.push(who);
        self.identities.keep(identity.unwrap_or_default(), number, &self.hasher);
        WhoNumber(number)
    }

    fn new_who(&mut self, principal: &str, arn: &str, access_key: &str, account: &str) -> Who {
        Who {
            principal: self.texts.intern(principal),
            arn: self.texts.intern(arn),
            access_key: match AccessKey::of(access_key) {
                AccessKey::Usual(bytes) => AccessKey::Usual(bytes),
                AccessKey::Other(text) => AccessKey::Other(self.texts.intern(text)),
            },
            account: self.texts.intern(account),
        }
    }

    fn who(&mut self, principal: &str, arn: &str, access_key: &str, account: &str) -> WhoNumber {
        let who = self.new_who(principal, arn, access_key, account);
        let Self { whos, who_table, hasher, .. } = self;
        let hash = hasher.hash_one(who);
        if let Some(&known) = who_table.find(hash, |&at| whos.get(at as usize) == Some(&who)) {
            return WhoNumber(known);
        }
        let number = u32::try_from(whos.len()).unwrap_or(u32::MAX);
        whos.push(who);
        who_table
            .insert_unique(hash, number, |&at| whos.get(at as usize).map_or(0, |who| hasher.hash_one(who)));
        WhoNumber(number)
    }

    fn site(&mut self, act: &Act<'_>, who: u32) -> u32 {
        // Neighbours in a file mostly share theirs.
        let last = self.last_site.and_then(|last| self.sites.get(last as usize).map(|site| (last, *site)));
        if let Some((last, site)) = last
            && !act.account.is_empty()
            && self.texts.get(site.account) == act.account
            && self.texts.get(site.region) == act.region
        {
            return last;
        }
        let account = match act.account {
            "" => self.whos.get(who as usize).map_or_else(|| self.texts.intern(""), |who| who.account),
            account => self.texts.intern(account),
        };
        let site = Site { region: self.texts.intern(act.region), account };
        // There are few.
        let known = self.sites.iter().rposition(|known| *known == site);
        let number = known.unwrap_or_else(|| {
            self.sites.push(site);
            self.sites.len() - 1
        });
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.last_site = Some(number);
        number
    }

    /// The rows since the last batch, as a batch. `place` is where the records lie.
    pub fn batch(&mut self, place: Place) -> ActBatch {
        self.number_waiting();
        let told = &mut self.told;
        // The next input is likely to be as long.
        let (rows, notable, abouts) = (self.rows.len(), self.notable.len(), self.abouts.len());
        let batch = ActBatch {
            reader: self.id,
            place,
            texts: self.texts.since(&mut told.texts),
            whos: New::since(&mut told.whos, &self.whos),
            sites: New::since(&mut told.sites, &self.sites),
            calls: New::since(&mut told.calls, &self.calls),
            rows: std::mem::replace(&mut self.rows, Vec::with_capacity(rows)),
            notable: std::mem::replace(&mut self.notable, Vec::with_capacity(notable)),
            abouts: std::mem::replace(&mut self.abouts, String::with_capacity(abouts)),
        };
        if self.texts.size() + self.whos.len() * size_of::<Who>() > MOST_TEXT_BYTES {
            *self = Self::default();
        }
        batch
    }

    /// Leaves out the rows since the last batch.
    pub fn forget_rows(&mut self) {
        self.rows.clear();
        self.waiting.clear();
        self.notable.clear();
        self.abouts.clear();
    }

    fn number_waiting(&mut self) {
        let Self { rows, waiting, texts, .. } = self;
        let mut rest = waiting.as_str();
        let mut number = |length: u32| {
            let (text, after) = rest.split_at_checked(length as usize).unwrap_or_default();
            rest = after;
            texts.intern(text)
        };
        for row in rows {
            row.address = number(row.address);
            row.user_agent = number(row.user_agent);
        }
        waiting.clear();
    }

    fn call(&mut self, act: &Act<'_>) -> u32 {
        let Self { texts, calls, call_table, hasher, .. } = self;
        let hash = hash_of_call(hasher, act.provider, act.action, act.error, act.read_only);
        let is_same = |call: &Call| {
            call.read_only == act.read_only
                && texts.get(call.action) == act.action
                && texts.get(call.error) == act.error
                && texts.get(call.provider) == act.provider
        };
        if let Some(&known) = call_table.find(hash, |&at| calls.get(at as usize).is_some_and(is_same)) {
            return known;
        }
        let gravity = if act.error.is_empty() {
            gravity_of(act.provider, act.action)
        } else {
            gravity_of_failed(act.provider, act.action, act.error, act.read_only)
        };
        let [provider, action, error] = [act.provider, act.action, act.error].map(|text| texts.intern(text));
        let number = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        calls.push(Call { provider, action, error, read_only: act.read_only, gravity });
        self.wants.push(Wants::of(act.provider, act.action, act.error));
        call_table.insert_unique(hash, number, |&at| {
            calls.get(at as usize).map_or(0, |call| {
                let text = |number| texts.get(number);
                hash_of_call(hasher, text(call.provider), text(call.action), text(call.error), call.read_only)
            })
        });
        number
    }
}

fn hash_of_call(hasher: &RandomState, provider: &str, action: &str, error: &str, read_only: bool) -> u64 {
    let mut state = hasher.build_hasher();
    // What is told apart by more than the parts in a row is compared anyway.
    state.write(provider.as_bytes());
    state.write(action.as_bytes());
    state.write(error.as_bytes());
    state.write_u8(u8::from(read_only));
    state.finish()
}

/// The last identities as they are written, so that most are not read: they come again within a few thousand events, or
/// not at all.
#[derive(Debug, Default)]
struct Identities {
    /// Each has two places that it may be in. Made for the first of them.
    places: Vec<Identity>,
}

#[derive(Debug, Clone, Default)]
struct Identity {
    hash: u64,
    who: u32,
    is_known: bool,
    written: String,
}

/// An even number of places.
const IDENTITIES: usize = 8_192;

/// Longer ones are read each time.
const LONGEST_IDENTITY: usize = 4_096;

impl Identities {
    fn get(&self, written: &str, hasher: &RandomState) -> Option<u32> {
        let hash = hash_of(hasher, written);
        let [first, second] = places_of(hash);
        let is_same = |known: &&Identity| known.hash == hash && known.is_known && known.written == written;
        let found = |place: usize| self.places.get(place).filter(is_same);
        found(first).or_else(|| found(second)).map(|known| known.who)
    }

    fn keep(&mut self, written: &str, who: u32, hasher: &RandomState) {
        if written.len() > LONGEST_IDENTITY {
            return;
        }
        let hash = hash_of(hasher, written);
        let [first, second] = places_of(hash);
        if self.places.is_empty() {
            self.places.resize_with(IDENTITIES, Identity::default);
        }
        // The older of both goes.
        self.places.swap(first, second);
        if let Some(place) = self.places.get_mut(first) {
            (place.hash, place.who, place.is_known) = (hash, who, true);
            place.written.clear();
            place.written.push_str(written);
        }
    }
}

fn places_of(hash: u64) -> [usize; 2] {
    let first = hash as usize % IDENTITIES;
    [first, first ^ 1]
}

/// What a call was about, as far as a record is read on its way in.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// Nothing is known.
    Nothing,
    /// The record's `resources` and `requestParameters`, as their JSON texts.
    Written {
        /// `resources`.
        resources: Option<&'a str>,
        /// `requestParameters`.
        parameters: Option<&'a str>,
    },
    /// The whole event.
    Event(&'a Event),
}

/// The same, kept: where it stands among what the acts of a batch were about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeptAbout {
    Nothing,
    /// Both JSON texts. They are read when somebody asks: few are asked for.
    Written(u32, u32),
    Target(u32, u32),
}

/// Longer JSON texts are not kept: no name of what a call was about is worth them.
const MOST_ABOUT: usize = 2_048;

/// Stands between two JSON texts: no JSON text has it.
const BETWEEN: char = '\0';

impl KeptAbout {
    fn of(about: About<'_>, kept: &mut String) -> Self {
        let short = |text: &&str| text.len() <= MOST_ABOUT && *text != "null";
        let begin = kept.len();
        let is_written = match about {
            About::Nothing => return Self::Nothing,
            About::Event(event) => {
                let Some(target) = target_of(event) else { return Self::Nothing };
                kept.push_str(&target);
                false
            }
            About::Written { resources, parameters } => {
                let (resources, parameters) = (resources.filter(short), parameters.filter(short));
                if resources.is_none() && parameters.is_none() {
                    return Self::Nothing;
                }
                kept.push_str(resources.unwrap_or_default());
                kept.push(BETWEEN);
                kept.push_str(parameters.unwrap_or_default());
                true
            }
        };
        let (Ok(from), Ok(to)) = (u32::try_from(begin), u32::try_from(kept.len())) else {
            kept.truncate(begin);
            return Self::Nothing;
        };
        if is_written { Self::Written(from, to) } else { Self::Target(from, to) }
    }

    pub(super) fn begin(self) -> Option<u32> {
        match self {
            Self::Nothing => None,
            Self::Written(from, _) | Self::Target(from, _) => Some(from),
        }
    }

    /// An ARN, an id or a name, of what the acts of its batch were about.
    pub(super) fn target(self, kept: &str) -> Option<String> {
        let text = |from: u32, to: u32| kept.get(from as usize..to as usize);
        match self {
            Self::Nothing => None,
            Self::Target(from, to) => text(from, to).map(str::to_owned),
            Self::Written(from, to) => {
                let (resources, parameters) = text(from, to)?.split_once(BETWEEN)?;
                target_of_texts(resources, parameters)
            }
        }
    }
}

impl ActBatch {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is it without rows?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The bytes of a UUID written in lower case with four hyphens; only then does [`uuid_text`] give the same text back.
pub(super) fn uuid_of(text: &str) -> Option<[u8; 16]> {
    /// Where the two digits of each byte begin.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut wrong = 0;
    for hyphen in [8, 13, 18, 23] {
        wrong |= bytes[hyphen] ^ b'-';
    }
    let mut out = [0; 16];
    for (byte, at) in out.iter_mut().zip(PLACES) {
        let [high, low] = [bytes[at], bytes[at + 1]].map(|letter| VALUES[usize::from(letter)]);
        wrong |= (high | low) & NO_DIGIT;
        *byte = (high << 4) | low;
    }
    (wrong == 0).then_some(out)
}

/// Set in the value of what is no digit.
const NO_DIGIT: u8 = 0xf0;

/// The value of each letter as a digit, in lower case.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

pub(super) fn uuid_text(bytes: &[u8; 16]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_known_again_as_long_as_it_has_a_place() {
        let mut reader = ActReader::default();
        assert_eq!(reader.known(Some("{}")), None);
        let written = |number: usize| format!("{{\"accessKeyId\":\"{number}\"}}");
        for number in 0..3 * IDENTITIES {
            let identity = written(number);
            let who = reader.learn(Some(&identity), "role", "role/session", &number.to_string(), "1");
            assert_eq!(reader.known(Some(&identity)), Some(who), "{number}");
        }
        let known =
            (0..3 * IDENTITIES).filter(|number| reader.known(Some(&written(*number))).is_some()).count();
        assert!((IDENTITIES / 2..=IDENTITIES).contains(&known), "{known}");
        let long = "x".repeat(LONGEST_IDENTITY + 1);
        reader.learn(Some(&long), "role", "", "", "");
        assert_eq!(reader.known(Some(&long)), None);
    }

    #[test]
    fn only_what_comes_back_the_same_is_kept_as_bytes() {
        let id = "0a1b2c3d-0000-4000-8000-00000000000f";
        assert_eq!(uuid_of(id).map(|bytes| uuid_text(&bytes)).as_deref(), Some(id));
        for other in
            ["0A1B2C3D-0000-4000-8000-00000000000f", "", "e1", "0a1b2c3d00004000800000000000000f----"]
        {
            assert_eq!(uuid_of(other), None, "{other}");
        }
    }
}
