//! What a record is: told by the keys at its top level.

use std::fmt;

/// What a record is, told by the keys at its top level and never by the file's name.
///
/// `eventVersion` with `userIdentity` is CloudTrail; else `@timestamp` is ECS; else `digestS3Object` is a digest;
/// else any of `eventVersion`, `eventName`, `eventSource`, `eventID` is CloudTrail, or an insight if
/// `insightDetails` stands beside it. A search hit (`_source`, or `_index` with `fields`) is ECS, whole: its index and
/// its id are told outside of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A CloudTrail management, data or network activity event.
    CloudTrail,
    /// A CloudTrail digest: the list of delivered log files with their hashes. It holds no events.
    CloudTrailDigest,
    /// A CloudTrail Insights event.
    CloudTrailInsight,
    /// A document that is normalised already: it has ECS fields.
    Ecs,
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloudTrail => "CloudTrail record",
            Self::CloudTrailDigest => "CloudTrail digest",
            Self::CloudTrailInsight => "CloudTrail insight",
            Self::Ecs => "ECS document",
        })
    }
}

/// The keys seen at an object's top level.
#[derive(Clone, Copy, Default)]
pub(super) struct Keys(u16);

impl Keys {
    const EVENT_VERSION: u16 = 1;
    const USER_IDENTITY: u16 = 1 << 1;
    const OTHER_CLOUDTRAIL: u16 = 1 << 2;
    const INSIGHT: u16 = 1 << 3;
    const TIMESTAMP: u16 = 1 << 4;
    const DIGEST: u16 = 1 << 5;
    /// What only search hits have.
    pub(super) const SOURCE: u16 = 1 << 9;
    const INDEX: u16 = 1 << 7;
    const FIELDS: u16 = 1 << 8;
    /// Not a key: `messageType` says `CONTROL_MESSAGE`.
    const CONTROL: u16 = 1 << 6;
    const CLOUDTRAIL: u16 = Self::EVENT_VERSION | Self::OTHER_CLOUDTRAIL;
    /// Keys that only records have at their top level.
    pub(super) const RECORD: u16 =
        Self::CLOUDTRAIL | Self::INSIGHT | Self::TIMESTAMP | Self::DIGEST | Self::SOURCE;

    pub(super) fn is_control_message(self) -> bool {
        self.any(Self::CONTROL)
    }

    pub(super) fn set_control_message(&mut self) {
        self.0 |= Self::CONTROL;
    }

    pub(super) fn any(self, of: u16) -> bool {
        self.0 & of != 0
    }

    pub(super) fn add(&mut self, key: &[u8]) {
        self.0 |= match key {
            b"eventVersion" => Self::EVENT_VERSION,
            b"userIdentity" => Self::USER_IDENTITY,
            b"eventName" | b"eventSource" | b"eventID" => Self::OTHER_CLOUDTRAIL,
            b"insightDetails" => Self::INSIGHT,
            b"@timestamp" => Self::TIMESTAMP,
            b"digestS3Object" => Self::DIGEST,
            b"_source" => Self::SOURCE,
            b"_index" => Self::INDEX,
            b"fields" => Self::FIELDS,
            _ => 0,
        };
    }

    /// What an object with these keys is; `None` when it is no record.
    pub(super) fn kind(self) -> Option<RecordKind> {
        let is_hit = self.any(Self::SOURCE) || (self.any(Self::INDEX) && self.any(Self::FIELDS));
        if is_hit {
            Some(RecordKind::Ecs)
        } else if self.any(Self::EVENT_VERSION) && self.any(Self::USER_IDENTITY) {
            Some(RecordKind::CloudTrail)
        } else if self.any(Self::TIMESTAMP) {
            Some(RecordKind::Ecs)
        } else if self.any(Self::DIGEST) {
            Some(RecordKind::CloudTrailDigest)
        } else if self.any(Self::INSIGHT) {
            Some(RecordKind::CloudTrailInsight)
        } else if self.any(Self::CLOUDTRAIL) {
            Some(RecordKind::CloudTrail)
        } else {
            None
        }
    }
}

/// How CloudTrail itself writes a record: `{"eventVersion":"1.08","userIdentity":…`. Those two keys decide its kind.
pub(super) fn is_canonical(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(br#"{"eventVersion":""#) else { return false };
    let digits = rest.iter().take(8).position(|byte| !(byte.is_ascii_digit() || *byte == b'.'));
    digits.is_some_and(|end| rest[end..].starts_with(br#"","userIdentity":"#))
}
