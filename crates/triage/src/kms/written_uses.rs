//! Uses of keys kept as they are written, until somebody asks about their keys: most are never asked about.

use std::sync::Arc;

use ecs::Timestamp;

use super::key_use::KeyUse;
use super::use_facts::shared_hash;

/// Uses of one input, unread.
#[derive(Debug, Clone, Default)]
pub struct WrittenUses {
    pub(crate) input: Arc<str>,
    uses: Vec<WrittenUse>,
    /// The members of each use in a row.
    text: String,
}

/// How many members a use has that are kept as text.
const MEMBERS: usize = 12;

#[derive(Debug, Clone, Copy)]
struct WrittenUse {
    row: usize,
    offset: u64,
    time: Timestamp,
    /// A hash of `sharedEventID`; 0 for none.
    shared: u64,
    begin: usize,
    /// 0 for what is missing.
    lengths: [u32; MEMBERS],
}

/// The key that a use names, where nothing in the record leaves a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PlainKey<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) id: &'a str,
}

impl WrittenUses {
    /// Adds a use; one without a time is none.
    pub fn push(&mut self, key_use: &KeyUse<'_>) {
        let Some(time) = key_use.event_time else { return };
        let begin = self.text.len();
        let lengths = members_of(key_use).map(|member| {
            let member = member.unwrap_or_default();
            self.text.push_str(member);
            u32::try_from(member.len()).unwrap_or(u32::MAX)
        });
        let shared = key_use.shared_event_id.map_or(0, shared_hash);
        let (row, offset) = (key_use.row, key_use.offset);
        self.uses.push(WrittenUse { row, offset, time, shared, begin, lengths });
    }

    /// The uses since the last time. `input` is what the ledger calls the input.
    pub fn take(&mut self, input: impl Into<Arc<str>>) -> Self {
        // The next input is likely to be as long.
        let (uses, text) = (Vec::with_capacity(self.uses.len()), String::with_capacity(self.text.len()));
        let (uses, text) = (std::mem::replace(&mut self.uses, uses), std::mem::replace(&mut self.text, text));
        Self { input: input.into(), uses, text }
    }

    /// How many uses there are.
    pub fn len(&self) -> usize {
        self.uses.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }

    /// How much they take, about.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.uses.len() * size_of::<WrittenUse>()
    }

    /// Leaves out those that `keep` says no to, by row and hash of `sharedEventID`.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize, u64) -> bool) {
        self.uses.retain(|written| keep(written.row, written.shared));
    }

    /// All of them; their `sharedEventID` is gone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = KeyUse<'_>> {
        self.uses.iter().map(|written| self.read(written))
    }

    fn read(&self, written: &WrittenUse) -> KeyUse<'_> {
        let mut at = written.begin;
        let members = written.lengths.map(|length| {
            let begin = at;
            at += length as usize;
            self.text.get(begin..at).filter(|text| !text.is_empty())
        });
        let [
            event_name,
            event_id,
            aws_region,
            recipient_account_id,
            source_ip_address,
            user_identity,
            error_code,
            error_message,
            resources,
            request_parameters,
            response_elements,
            additional_event_data,
        ] = members;
        KeyUse {
            row: written.row,
            offset: written.offset,
            event_time: Some(written.time),
            shared_event_id: None,
            event_name,
            event_id,
            aws_region,
            recipient_account_id,
            source_ip_address,
            user_identity,
            error_code,
            error_message,
            resources,
            request_parameters,
            response_elements,
            additional_event_data,
        }
    }
}

fn members_of<'a>(key_use: &KeyUse<'a>) -> [Option<&'a str>; MEMBERS] {
    [
        key_use.event_name,
        key_use.event_id,
        key_use.aws_region,
        key_use.recipient_account_id,
        key_use.source_ip_address,
        key_use.user_identity,
        key_use.error_code,
        key_use.error_message,
        key_use.resources,
        key_use.request_parameters,
        key_use.response_elements,
        key_use.additional_event_data,
    ]
}

/// The one key of a use: that of the only ARN among its `resources`, which goes before all else that names keys. `None`
/// where the record has to be read to know.
pub(crate) fn plain_key<'a>(key_use: &KeyUse<'a>) -> Option<PlainKey<'a>> {
    const BEGINS: &str = "\"arn:";
    // It has two, and the record says which is which in ways of its own.
    if key_use.event_name == Some("ReEncrypt") {
        return None;
    }
    let resources = key_use.resources?;
    let (before, rest) = resources.split_once(BEGINS)?;
    let (arn, after) = rest.split_once('"')?;
    let member = before.trim_end().strip_suffix(':')?.trim_end();
    let is_arn = member.ends_with("\"ARN\"") || member.ends_with("\"arn\"");
    if !is_arn || after.contains(BEGINS) || resources.contains('\\') {
        return None;
    }
    let mut parts = arn.splitn(5, ':');
    let (_, service, region, account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let id = parts.next()?.strip_prefix("key/")?;
    let is_id = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (service == "kms" && is_id && !id.is_empty()).then_some(PlainKey { account, region, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_plain_only_when_nothing_else_can_be_meant() {
        const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1";
        let plain = Some(("111122223333", "eu-west-1", "mrk-1"));
        for (action, resources, expected) in [
            ("Decrypt", format!(r#"[{{"accountId":"1","type":"AWS::KMS::Key","ARN":"{ARN}"}}]"#), plain),
            ("Decrypt", format!(r#"[{{ "arn" : "{ARN}" }}]"#), plain),
            ("ReEncrypt", format!(r#"[{{"ARN":"{ARN}"}}]"#), None),
            ("Decrypt", format!(r#"[{{"ARN":"{ARN}"}},{{"ARN":"{ARN}"}}]"#), None),
            ("Decrypt", format!(r#"[{{"type":"{ARN}"}}]"#), None),
            ("Decrypt", format!(r#"[{{"ARN":"{ARN}","x":"\"arn:"}}]"#), None),
            ("Decrypt", r#"[{"ARN":"arn:aws:kms:eu-west-1:111122223333:alias/a"}]"#.to_owned(), None),
            ("Decrypt", r#"[{"ARN":"arn:aws:s3:::bucket"}]"#.to_owned(), None),
            ("Decrypt", "null".to_owned(), None),
        ] {
            let key_use =
                KeyUse { event_name: Some(action), resources: Some(&resources), ..KeyUse::default() };
            let found = plain_key(&key_use).map(|key| (key.account, key.region, key.id));
            assert_eq!(found, expected, "{action} {resources}");
        }
    }

    #[test]
    fn what_is_kept_is_what_was_pushed() {
        let time = Some(Timestamp::UNIX_EPOCH);
        let whole = KeyUse {
            row: 3,
            offset: 9,
            event_time: time,
            event_name: Some("Decrypt"),
            resources: Some("[]"),
            additional_event_data: Some("{}"),
            ..KeyUse::default()
        };
        let mut reader = WrittenUses::default();
        reader.push(&whole);
        reader.push(&KeyUse { row: 4, event_time: time, ..KeyUse::default() });
        reader.push(&KeyUse::default());
        let mut uses = reader.take("a.json");
        assert_eq!((uses.len(), reader.len()), (2, 0));
        assert_eq!(format!("{:?}", uses.iter().next()), format!("{:?}", Some(whole)));
        uses.retain(|row, _| row == 4);
        assert_eq!(uses.iter().map(|key_use| key_use.row).collect::<Vec<_>>(), [4]);
    }
}
