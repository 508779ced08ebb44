//! Who acted, how they were authenticated, and what of it is unusual for them.

use serde::Serialize;

use crate::event::Origin;

/// Who acted. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Actor {
    /// The role behind a session, else the identity's ARN or id.
    pub principal: Option<String>,
    /// `userIdentity.type`.
    pub kind: Option<String>,
    /// The identity's own ARN.
    pub arn: Option<String>,
    /// The name of the session.
    pub session_name: Option<String>,
    /// The human or machine at the start of the chain, where the logs show it: an ARN or a name.
    pub origin_principal: Option<String>,
    /// How that is known: a whole sentence.
    pub origin_because: Option<String>,
    /// Was there a second factor?
    pub mfa: Option<bool>,
    /// Did the session come from the console?
    pub console: Option<bool>,
    /// `accessKeyId`.
    pub access_key: Option<String>,
    /// When that key was first seen in the logs at hand.
    pub access_key_first_seen: Option<String>,
    /// `sourceIPAddress`.
    pub address: Option<String>,
    /// Where the address lies, when databases were given.
    pub origin: Option<Origin>,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// What normal rests on.
    pub baseline: Baseline,
    /// What was new, rare or usual in the alert's event.
    pub traits: Vec<Trait>,
    /// Events of the principal by hour of the day, UTC; 24 counts.
    pub hours: Vec<u64>,
}

/// What normal rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Baseline {
    /// The first event of the data at hand.
    pub from: Option<String>,
    /// The alert's event.
    pub to: Option<String>,
    /// Events of the principal before the alert's.
    pub events: u64,
    /// The principal's first.
    pub first_seen: Option<String>,
    /// The principal's last before the alert's.
    pub last_seen: Option<String>,
    /// Days on which the principal was seen before.
    pub days: u64,
    /// Is it long enough to call something unusual? A whole sentence.
    pub says: String,
}

/// One property of the alert's event against what was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trait {
    /// Which property.
    pub kind: TraitKind,
    /// Its value.
    pub value: String,
    /// Events of the principal before with the same value.
    pub before: u64,
    /// The first of them.
    pub first_seen: Option<String>,
    /// How unusual.
    pub novelty: Novelty,
    /// A whole sentence.
    pub says: String,
}

/// A property that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraitKind {
    /// The call itself.
    Action,
    /// Where it came from.
    Address,
    /// The country of the address.
    Country,
    /// The network of the address.
    Network,
    /// The client.
    UserAgent,
    /// The Region.
    Region,
    /// The hour of the day, UTC.
    Hour,
    /// The access key.
    AccessKey,
}

/// How unusual something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Novelty {
    /// Never before, and the baseline is long enough to say so.
    New,
    /// Seldom before.
    Rare,
    /// As before.
    Usual,
    /// The baseline is too short to say.
    Unknown,
}
