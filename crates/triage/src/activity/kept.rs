//! What an activity answers with: acts as they were kept, how often something was called in an hour, which calls were seen.

use std::sync::Arc;

use ecs::Timestamp;

use super::index::Index;
use super::reader::{AccessKey, KeptAbout, uuid_of, uuid_text};
use crate::answer::Evidence;
use crate::place::Place;
use crate::surroundings::Gravity;

/// An act that was kept: it did not only read, or was refused. Texts that its record does not have are empty.
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// When.
    pub time: Timestamp,
    /// `eventID`, when it is a UUID in its usual form.
    pub(super) uuid: Option<[u8; 16]>,
    /// `eventID`, when it is another text; else empty.
    pub(super) other_id: &'a str,
    /// `eventSource`.
    pub provider: &'a str,
    /// `eventName`.
    pub action: &'a str,
    /// `errorCode`.
    pub error: &'a str,
    /// The principal.
    pub principal: &'a str,
    /// The ARN of the identity.
    pub arn: &'a str,
    /// `accessKeyId`.
    pub access_key: AccessKey<&'a str>,
    /// `sourceIPAddress`.
    pub address: &'a str,
    /// `userAgent`.
    pub user_agent: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// The account that it is counted under.
    pub account: &'a str,
    /// How grave, by the tables.
    pub gravity: Option<Gravity>,
    pub(super) about: KeptAbout,
    pub(super) abouts: &'a str,
    /// Which `abouts`.
    pub(super) batch: u32,
    pub(super) index: &'a Index,
    pub(super) place: Option<&'a Place>,
    pub(super) offset: u64,
}

impl Kept<'_> {
    /// `eventID`.
    pub fn id(&self) -> Option<String> {
        let other = || (!self.other_id.is_empty()).then(|| self.other_id.to_owned());
        self.uuid.as_ref().map(uuid_text).or_else(other)
    }

    /// Is that its `eventID`?
    pub fn has_id(&self, id: &str) -> bool {
        match self.uuid {
            Some(uuid) => uuid_of(id) == Some(uuid),
            None => !id.is_empty() && self.other_id == id,
        }
    }

    /// Where the record lies.
    pub fn place(&self) -> Place {
        match self.place {
            Some(Place::File { name, .. }) => Place::File { name: name.clone(), offset: self.offset },
            other => other.cloned().unwrap_or_default(),
        }
    }

    /// What it was about, where that is graded and the record says it: an ARN, an id or a name.
    pub fn target(&self) -> Option<Arc<str>> {
        let begin = self.about.begin()?;
        self.index.target((self.batch, begin), || self.about.target(self.abouts))
    }

    /// The act as evidence for something.
    pub fn evidence(&self, shows: impl Into<String>) -> Evidence {
        Evidence {
            time: self.time.to_string(),
            event_id: self.id(),
            provider: self.provider.to_owned(),
            action: self.action.to_owned(),
            shows: shows.into(),
            place: self.place(),
        }
    }
}

/// Calls of one kind, from one profile, within one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount<'a> {
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// How many.
    pub count: u64,
    /// `eventSource`.
    pub provider: &'a str,
    /// `eventName`.
    pub action: &'a str,
    /// `errorCode`; empty for a success.
    pub error: &'a str,
    /// Do they only read?
    pub read_only: bool,
    /// The principal.
    pub principal: &'a str,
    /// The ARN of the identity.
    pub arn: &'a str,
    /// `accessKeyId`.
    pub access_key: AccessKey<&'a str>,
    /// `sourceIPAddress`.
    pub address: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// How grave, by the tables.
    pub gravity: Option<Gravity>,
}

/// How often a call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallsSeen {
    /// How often.
    pub count: u64,
    /// How often without success.
    pub failed: u64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
}
