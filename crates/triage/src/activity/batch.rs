//! A batch of acts, made beside others by a worker and then taken into the whole.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::texts::Texts;
use crate::act::Act;
use crate::gravity::{gravity_of, gravity_of_failed};
use crate::place::Place;
use crate::surroundings::Gravity;

/// The acts of one input, or of a part of one, in the order of the rows.
#[derive(Debug, Clone)]
pub struct ActBatch {
    pub(super) place: Place,
    pub(super) texts: Texts,
    pub(super) profiles: Vec<Profile>,
    pub(super) calls: Vec<Call>,
    pub(super) cells: Vec<CellKey>,
    pub(super) rows: Vec<Row>,
    pub(super) notable: Vec<Notable>,
    /// One text for each profile and call, made of all of its parts: looked up at once, which is what a row costs most.
    profile_keys: Texts,
    call_keys: Texts,
    cell_table: HashTable<u32>,
    hasher: RandomState,
    scratch: String,
}

/// Who, from where, with what: numbers of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    pub(super) fn parts(self) -> [u32; 7] {
        [self.principal, self.arn, self.access_key, self.address, self.user_agent, self.region, self.account]
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

/// One profile's calls of one kind within one hour since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellKey {
    pub(super) profile: u32,
    pub(super) call: u32,
    pub(super) hour: i32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) cell: u32,
    /// Milliseconds since 1970.
    pub(super) time: i64,
}

/// A row that does not only read, or was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notable {
    pub(super) row: u32,
    pub(super) id: EventId,
    pub(super) offset: u64,
}

/// An event id: 16 bytes where it is a UUID in its usual form, else the number of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventId {
    Uuid([u8; 16]),
    Text(u32),
    None,
}

impl ActBatch {
    /// An empty batch. `place` is where its records lie; the offset of a file is given with each act.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            texts: Texts::default(),
            profiles: Vec::new(),
            calls: Vec::new(),
            cells: Vec::new(),
            rows: Vec::new(),
            notable: Vec::new(),
            profile_keys: Texts::default(),
            call_keys: Texts::default(),
            cell_table: HashTable::new(),
            hasher: RandomState::default(),
            scratch: String::new(),
        }
    }

    /// Adds an act as the next row. `offset` is that of its record in a file; elsewhere it is not looked at.
    pub fn push(&mut self, act: &Act<'_>, offset: u64) {
        let profile = self.profile(act);
        let call = self.call(act);
        let time = act.time.as_millisecond();
        let hour = i32::try_from(time.div_euclid(3_600_000)).unwrap_or(i32::MAX);
        let cell = self.cell(CellKey { profile, call, hour });
        let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(Row { cell, time });
        if !act.read_only || !act.error.is_empty() {
            let id = match (uuid_of(act.id), act.id) {
                (Some(uuid), _) => EventId::Uuid(uuid),
                (None, "") => EventId::None,
                (None, id) => EventId::Text(self.texts.intern(id)),
            };
            self.notable.push(Notable { row, id, offset });
        }
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is it without rows?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn profile(&mut self, act: &Act<'_>) -> u32 {
        let parts =
            [act.principal, act.arn, act.access_key, act.address, act.user_agent, act.region, act.account];
        write_key(&mut self.scratch, &parts);
        let number = self.profile_keys.intern(&self.scratch);
        if number as usize == self.profiles.len() {
            let texts = &mut self.texts;
            let [principal, arn, access_key, address, user_agent, region, account] =
                parts.map(|text| texts.intern(text));
            self.profiles.push(Profile { principal, arn, access_key, address, user_agent, region, account });
        }
        number
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

    fn cell(&mut self, key: CellKey) -> u32 {
        let Self { cells, cell_table, hasher, .. } = self;
        let hash = hash_of_cell(hasher, key);
        if let Some(&known) = cell_table.find(hash, |&at| cells.get(at as usize) == Some(&key)) {
            return known;
        }
        let number = u32::try_from(cells.len()).unwrap_or(u32::MAX);
        cells.push(key);
        cell_table.insert_unique(hash, number, |&at| {
            cells.get(at as usize).map_or(0, |&key| hash_of_cell(hasher, key))
        });
        number
    }
}

pub(super) fn hash_of_cell(hasher: &RandomState, key: CellKey) -> u64 {
    let mut state = hasher.build_hasher();
    state.write_u64((u64::from(key.profile) << 32) | u64::from(key.call));
    state.write_i32(key.hour);
    state.finish()
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
fn uuid_of(text: &str) -> Option<[u8; 16]> {
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
