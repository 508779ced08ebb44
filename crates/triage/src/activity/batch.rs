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
    profile_table: HashTable<u32>,
    call_table: HashTable<u32>,
    cell_table: HashTable<u32>,
    hasher: RandomState,
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
            profile_table: HashTable::new(),
            call_table: HashTable::new(),
            cell_table: HashTable::new(),
            hasher: RandomState::default(),
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
        let wanted =
            [act.principal, act.arn, act.access_key, act.address, act.user_agent, act.region, act.account];
        let hash = hash_of(&self.hasher, &wanted, false);
        let Self { texts, profiles, profile_table, hasher, .. } = self;
        let is_it = |texts: &Texts, profile: &Profile| {
            profile.parts().iter().zip(wanted).all(|(&part, text)| texts.get(part) == text)
        };
        let known = profile_table
            .find(hash, |&at| profiles.get(at as usize).is_some_and(|profile| is_it(texts, profile)));
        if let Some(&known) = known {
            return known;
        }
        let [principal, arn, access_key, address, user_agent, region, account] =
            wanted.map(|text| texts.intern(text));
        let number = u32::try_from(profiles.len()).unwrap_or(u32::MAX);
        profiles.push(Profile { principal, arn, access_key, address, user_agent, region, account });
        profile_table.insert_unique(hash, number, |&at| {
            let parts = profiles.get(at as usize).map(|p| p.parts().map(|part| texts.get(part)));
            hash_of(hasher, &parts.unwrap_or_default(), false)
        });
        number
    }

    fn call(&mut self, act: &Act<'_>) -> u32 {
        let wanted = [act.provider, act.action, act.error];
        let hash = hash_of(&self.hasher, &wanted, act.read_only);
        let Self { texts, calls, call_table, hasher, .. } = self;
        let texts_of = |texts: &Texts, call: &Call| -> bool {
            [call.provider, call.action, call.error]
                .iter()
                .zip(wanted)
                .all(|(&part, text)| texts.get(part) == text)
        };
        let known = call_table.find(hash, |&at| {
            calls
                .get(at as usize)
                .is_some_and(|call| call.read_only == act.read_only && texts_of(texts, call))
        });
        if let Some(&known) = known {
            return known;
        }
        let gravity = if act.error.is_empty() {
            gravity_of(act.provider, act.action)
        } else {
            gravity_of_failed(act.provider, act.action, act.error, act.read_only)
        };
        let [provider, action, error] = wanted.map(|text| texts.intern(text));
        let number = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        calls.push(Call { provider, action, error, read_only: act.read_only, gravity });
        call_table.insert_unique(hash, number, |&at| {
            calls.get(at as usize).map_or(0, |call| {
                let parts = [call.provider, call.action, call.error].map(|part| texts.get(part));
                hash_of(hasher, &parts, call.read_only)
            })
        });
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

fn hash_of(hasher: &RandomState, texts: &[&str], flag: bool) -> u64 {
    let mut state = hasher.build_hasher();
    for text in texts {
        state.write(text.as_bytes());
        // Keeps `ab`, `c` apart from `a`, `bc`.
        state.write_u8(0xff);
    }
    state.write_u8(u8::from(flag));
    state.finish()
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
