//! Acts read by one thread: every text is kept once for all inputs, and the rows of each input leave as a batch.

use std::sync::atomic::{AtomicU64, Ordering};

use super::target::{target_of, target_of_texts};
use super::texts::Texts;
use crate::act::Act;
use crate::event::Event;
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
    calls: Vec<Call>,
    /// One text for each call, made of all of its parts.
    call_keys: Texts,
    told_texts: usize,
    told_calls: usize,
    rows: Vec<BatchRow>,
    notable: Vec<Notable>,
    scratch: String,
}

/// The acts of one input, or of a part of one, in the order of the rows.
///
/// Batches of one reader have to be taken in the order in which they were made; what is left away is missing to the
/// later ones.
#[derive(Debug, Clone)]
pub struct ActBatch {
    pub(super) reader: u64,
    pub(super) place: Place,
    pub(super) first_text: usize,
    pub(super) texts: Vec<Box<str>>,
    pub(super) first_call: usize,
    pub(super) calls: Vec<Call>,
    pub(super) rows: Vec<BatchRow>,
    pub(super) notable: Vec<Notable>,
}

/// Who, from where, with what: numbers of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Profile {
    pub(super) principal: u32,
    pub(super) arn: u32,
    pub(super) access_key: u32,
    pub(super) address: u32,
    pub(super) user_agent: u32,
    pub(super) region: u32,
    pub(super) account: u32,
}

impl Profile {
    /// The same with other numbers; `None` when one of them has none.
    pub(super) fn renumbered(self, number: impl Fn(u32) -> Option<u32>) -> Option<Self> {
        Some(Self {
            principal: number(self.principal)?,
            arn: number(self.arn)?,
            access_key: number(self.access_key)?,
            address: number(self.address)?,
            user_agent: number(self.user_agent)?,
            region: number(self.region)?,
            account: number(self.account)?,
        })
    }
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
    pub(super) profile: Profile,
    pub(super) call: u32,
}

/// A row that does not only read, or was refused.
#[derive(Debug, Clone)]
pub(super) struct Notable {
    pub(super) row: u32,
    pub(super) id: EventId,
    pub(super) offset: u64,
    pub(super) about: Option<KeptAbout>,
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
            calls: Vec::new(),
            call_keys: Texts::default(),
            told_texts: 0,
            told_calls: 0,
            rows: Vec::new(),
            notable: Vec::new(),
            scratch: String::new(),
        }
    }
}

impl ActReader {
    /// Adds an act as the next row. `offset` is that of its record in a file; elsewhere it is not looked at. `about`
    /// is looked at where the tables grade the call.
    pub fn push(&mut self, act: &Act<'_>, offset: u64, about: About<'_>) {
        let call = self.call(act);
        let texts = &mut self.texts;
        let profile = Profile {
            principal: texts.intern(act.principal),
            arn: texts.intern(act.arn),
            access_key: texts.intern(act.access_key),
            address: texts.intern(act.address),
            user_agent: texts.intern(act.user_agent),
            region: texts.intern(act.region),
            account: texts.intern(act.account),
        };
        let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(BatchRow { time: act.time.as_millisecond(), profile, call });
        if !act.read_only || !act.error.is_empty() {
            let id = match (uuid_of(act.id), act.id) {
                (Some(uuid), _) => EventId::Uuid(uuid),
                (None, "") => EventId::None,
                (None, id) => EventId::Text(self.texts.intern(id)),
            };
            let is_graded = self.calls.get(call as usize).is_some_and(|call| call.gravity.is_some());
            let about = if is_graded && act.error.is_empty() { KeptAbout::of(about) } else { None };
            self.notable.push(Notable { row, id, offset, about });
        }
    }

    /// The rows since the last batch, as a batch. `place` is where the records lie.
    pub fn batch(&mut self, place: Place) -> ActBatch {
        let (first_text, first_call) = (self.told_texts, self.told_calls);
        let texts = (first_text..self.texts.len()).map(|at| self.texts.get(at as u32).into()).collect();
        let calls = self.calls.get(first_call..).unwrap_or_default().to_vec();
        (self.told_texts, self.told_calls) = (self.texts.len(), self.calls.len());
        let room = self.rows.len();
        let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(room));
        let notable = std::mem::take(&mut self.notable);
        let batch = ActBatch { reader: self.id, place, first_text, texts, first_call, calls, rows, notable };
        if self.texts.size() > MOST_TEXT_BYTES {
            *self = Self::default();
        }
        batch
    }

    /// Leaves out the rows since the last batch.
    pub fn forget_rows(&mut self) {
        self.rows.clear();
        self.notable.clear();
    }

    fn call(&mut self, act: &Act<'_>) -> u32 {
        let parts = [act.provider, act.action, act.error];
        write_key(&mut self.scratch, &parts);
        self.scratch.push(if act.read_only { 'r' } else { 'w' });
        let number = self.call_keys.intern(&self.scratch);
        if number as usize == self.calls.len() {
            let gravity = if act.error.is_empty() {
                gravity_of(act.provider, act.action)
            } else {
                gravity_of_failed(act.provider, act.action, act.error, act.read_only)
            };
            let [provider, action, error] = parts.map(|text| self.texts.intern(text));
            self.calls.push(Call { provider, action, error, read_only: act.read_only, gravity });
        }
        number
    }
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

/// The same, kept.
#[derive(Debug, Clone)]
pub(super) enum KeptAbout {
    /// Both JSON texts. They are read when somebody asks: few are asked for.
    Written(Box<str>),
    Target(Box<str>),
}

/// Longer JSON texts are not kept: no name of what a call was about is worth them.
const MOST_ABOUT: usize = 2_048;

/// Stands between two JSON texts: no JSON text has it.
const BETWEEN: char = '\0';

impl KeptAbout {
    fn of(about: About<'_>) -> Option<Self> {
        let short = |text: &&str| text.len() <= MOST_ABOUT && *text != "null";
        match about {
            About::Nothing => None,
            About::Event(event) => target_of(event).map(|target| Self::Target(target.into())),
            About::Written { resources, parameters } => {
                let (resources, parameters) = (resources.filter(short), parameters.filter(short));
                let any = resources.is_some() || parameters.is_some();
                let (resources, parameters) = (resources.unwrap_or_default(), parameters.unwrap_or_default());
                any.then(|| Self::Written(format!("{resources}{BETWEEN}{parameters}").into()))
            }
        }
    }

    /// An ARN, an id or a name.
    pub(super) fn target(&self) -> Option<String> {
        match self {
            Self::Target(target) => Some(target.to_string()),
            Self::Written(texts) => {
                let (resources, parameters) = texts.split_once(BETWEEN)?;
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

/// One text of several: each after its length, so that `ab`, `c` is not `a`, `bc`.
fn write_key(key: &mut String, parts: &[&str]) {
    // Every number below it is a letter.
    const LETTERS: usize = 0xd800;
    key.clear();
    for part in parts {
        for digit in [part.len() % LETTERS, part.len() / LETTERS] {
            let digit = u32::try_from(digit).unwrap_or(u32::MAX);
            key.push(char::from_u32(digit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        key.push_str(part);
    }
}

/// The bytes of a UUID written in lower case with four hyphens; only then does [`uuid_text`] give the same text back.
pub(super) fn uuid_of(text: &str) -> Option<[u8; 16]> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let digit = |at: usize| -> Option<u8> {
        match bytes.get(at)? {
            digit @ b'0'..=b'9' => Some(digit - b'0'),
            digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        }
    };
    let mut out = [0; 16];
    let mut at = 0;
    for byte in &mut out {
        if matches!(at, 8 | 13 | 18 | 23) {
            if bytes.get(at) != Some(&b'-') {
                return None;
            }
            at += 1;
        }
        *byte = (digit(at)? << 4) | digit(at + 1)?;
        at += 2;
    }
    Some(out)
}

pub(super) fn uuid_text(bytes: &[u8; 16]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

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
