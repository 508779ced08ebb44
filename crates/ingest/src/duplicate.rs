//! Tells events that were delivered before: S3 and CloudTrail deliver at least once, and folders overlap.

use std::collections::HashSet;

use ecs::Document;
use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

/// What makes a record the same record: 128 bits, so that no two records of any data set meet by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventKey(u128);

impl EventKey {
    /// For a CloudTrail event: its `eventID` and `recipientAccountId`. One call across accounts is logged in each
    /// under one id: these are two events. Case counts.
    ///
    /// With the usual id (a lower-case UUID) and account (digits) the key is the UUID's own bits and the account's
    /// number, mixed; anything else is hashed with SHA-256.
    pub fn of_event(event_id: &str, recipient_account: Option<&str>) -> Self {
        match (uuid_bits(event_id), account_number(recipient_account)) {
            // An odd factor keeps accounts apart; it spreads them over all bits, the random ones of the UUID included.
            (Some(id), Some(account)) => {
                Self(id ^ u128::from(account).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
            }
            _ => {
                let mut hash = Sha256::new();
                hash.update([0]);
                hash.update((event_id.len() as u64).to_le_bytes());
                hash.update(event_id);
                hash.update([u8::from(recipient_account.is_some())]);
                hash.update(recipient_account.unwrap_or_default());
                Self::first_half(hash)
            }
        }
    }

    /// For a record without an id (a digest, an insight, an ECS document without `event.id`): all its bytes. Only a
    /// byte-for-byte copy is the same record.
    pub fn of_bytes(record: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update([1]);
        hash.update(record);
        Self::first_half(hash)
    }

    /// For a record as the integration or the shipper makes a document of it: by its event id and the account that
    /// received it, else by its bytes.
    pub fn of_document(document: &Document, record: &str) -> Self {
        match document.text("event.id") {
            Some(id) => Self::of_event(id, document.text("aws.cloudtrail.recipient_account_id")),
            None => Self::of_bytes(record.as_bytes()),
        }
    }

    fn first_half(hash: Sha256) -> Self {
        let digest: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(u128::from_le_bytes(half))
    }
}

/// What tells an event from all others of its data stream: its id, and the account that received it, since one call
/// across accounts is an event in each under the same id. An event without an id has its key.
pub fn document_id(document: &Document, key: &EventKey) -> String {
    match (document.text("event.id"), document.text("aws.cloudtrail.recipient_account_id")) {
        (Some(id), Some(account)) => format!("{id}@{account}"),
        (Some(id), None) => id.to_owned(),
        (None, _) => key.to_string(),
    }
}

impl std::fmt::Display for EventKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The bits of a lower-case UUID with its dashes.
fn uuid_bits(id: &str) -> Option<u128> {
    let bytes: &[u8; 36] = id.as_bytes().try_into().ok()?;
    if [bytes[8], bytes[13], bytes[18], bytes[23]] != [b'-'; 4] {
        return None;
    }
    let mut bits = 0u128;
    // Digits are below 16, so one bad character anywhere shows in the union of all.
    let mut union = 0u8;
    for range in [0..8, 9..13, 14..18, 19..23, 24..36] {
        let mut part = 0u64;
        for byte in &bytes[range.clone()] {
            let digit = HEX_DIGITS[usize::from(*byte)];
            union |= digit;
            part = part << 4 | u64::from(digit);
        }
        bits = bits << (4 * range.len()) | u128::from(part);
    }
    (union < 16).then_some(bits)
}

/// The value of each lower-case hexadecimal digit; 255 for every other byte.
const HEX_DIGITS: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

/// No account is 0, and `000000000000` is 1, and so on; `None` for what is not twelve digits.
fn account_number(account: Option<&str>) -> Option<u64> {
    match account {
        None => Some(0),
        Some(digits) if digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse::<u64>().ok().map(|number| number + 1)
        }
        Some(_) => None,
    }
}

/// The events seen so far in a run.
///
/// Takes 17 bytes a slot and keeps between 7/16 and 7/8 of its slots filled: 20 to 39 bytes an event, so about 40 MB
/// for a million events at worst, and half as much again while it grows. It is the one part of ingest that grows with
/// the number of events.
#[derive(Debug)]
pub struct SeenEvents {
    keys: HashSet<u128, RandomState>,
}

impl SeenEvents {
    /// Nothing seen.
    pub fn new() -> Self {
        Self { keys: HashSet::default() }
    }

    /// Makes room for so many more events at once: growing step by step moves all that is there again and again.
    pub fn reserve(&mut self, events: usize) {
        self.keys.reserve(events);
    }

    /// How many more events there is room for without growing.
    pub fn room(&self) -> usize {
        self.keys.capacity() - self.keys.len()
    }

    /// Whether the event is new; from now on it is not.
    pub fn insert(&mut self, EventKey(key): EventKey) -> bool {
        self.keys.insert(key)
    }

    /// How many different events were seen.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none was seen.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Default for SeenEvents {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "6d4e1f6a-9ad1-4a56-8f8c-1f0a2d3c4b5e";

    #[test]
    fn the_same_id_in_another_account_is_another_event() {
        let mut seen = SeenEvents::new();
        for (id, account, new) in [
            (ID, Some("111111111111"), true),
            (ID, Some("111111111111"), false),
            (ID, Some("222222222222"), true),
            (ID, Some("000000000000"), true),
            (ID, None, true),
            (ID, None, false),
            (ID, Some(""), true),
            ("", None, true),
            ("6D4E1F6A-9AD1-4A56-8F8C-1F0A2D3C4B5E", None, true),
            ("request-1", Some("1"), true),
            ("request-1", Some("1"), false),
            ("request-11", None, true),
        ] {
            assert_eq!(seen.insert(EventKey::of_event(id, account)), new, "{id} {account:?}");
        }
        assert!(seen.insert(EventKey::of_bytes(ID.as_bytes())));
        assert!(!seen.insert(EventKey::of_bytes(ID.as_bytes())));
        assert_eq!(seen.len(), 10);
    }

    proptest! {
        #[test]
        fn keys_are_equal_only_for_equal_ids_and_accounts(
            ids in prop::array::uniform2("[0-3a]{8}-0000-4000-8000-00000000000[01]"),
            accounts in prop::array::uniform2(prop::option::of("[01]{12}")),
        ) {
            let key = |at: usize| EventKey::of_event(&ids[at], accounts[at].as_deref());
            prop_assert_eq!(key(0) == key(1), ids[0] == ids[1] && accounts[0] == accounts[1]);
        }
    }
}
