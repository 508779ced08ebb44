//! An act: what is known of an event after a quick look. Every event is one; what is normal is made of them.

use ecs::Timestamp;

use crate::event::Event;

/// What a quick look at an event gives. Texts that a record does not have are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act<'a> {
    /// When it happened.
    pub time: Timestamp,
    /// `eventID`.
    pub id: &'a str,
    /// `eventSource`.
    pub provider: &'a str,
    /// `eventName`.
    pub action: &'a str,
    /// As [`Identity::principal`](crate::identity::Identity::principal) tells principals apart.
    pub principal: &'a str,
    /// The ARN of the identity itself: for a session, with its name.
    pub arn: &'a str,
    /// `accessKeyId`.
    pub access_key: &'a str,
    /// `sourceIPAddress`: an address or the name of a service.
    pub address: &'a str,
    /// `userAgent`.
    pub user_agent: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// The account that it is counted under: the recipient's, else the caller's.
    pub account: &'a str,
    /// `errorCode`; empty for a success.
    pub error: &'a str,
    /// `readOnly`; where a record does not say it, whether the name begins with Get, List, Describe, Head, Lookup, Search,
    /// BatchGet or Select.
    pub read_only: bool,
}

impl<'a> Act<'a> {
    /// The act of an event. `principal` is [`Identity::principal`](crate::identity::Identity::principal) of it.
    pub fn of(event: &'a Event, principal: &'a str) -> Self {
        fn text(value: Option<&String>) -> &str {
            value.map_or("", String::as_str)
        }
        Self {
            time: event.time,
            id: text(event.id.as_ref()),
            provider: &event.provider,
            action: &event.action,
            principal,
            arn: text(event.identity.arn.as_ref()),
            access_key: text(event.identity.access_key.as_ref()),
            address: text(event.address.as_ref()),
            user_agent: text(event.user_agent.as_ref()),
            region: text(event.region.as_ref()),
            account: text(event.account.as_ref()),
            error: text(event.error.as_ref()),
            read_only: event.read_only,
        }
    }
}

/// Whether a call only reads, by its name.
pub fn reads_by_name(action: &str) -> bool {
    const READS: [&str; 8] = ["Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Select"];
    READS.iter().any(|start| action.starts_with(start))
}
