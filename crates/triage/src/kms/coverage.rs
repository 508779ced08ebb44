//! How far the data reaches in which answers are looked for.

use ecs::Timestamp;

/// How far the data reaches. The default says that nothing is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// The first event of the data, of whatever service.
    pub from: Option<Timestamp>,
    /// The last event of the data, of whatever service.
    pub to: Option<Timestamp>,
    /// `awsRegion`s that events were read of; empty when nobody counted.
    pub regions: Vec<String>,
    /// Accounts that events were read of; empty when nobody counted.
    pub accounts: Vec<String>,
    /// Hours between the first and the last event in which there is none.
    pub hours_without_events: u64,
    /// Services, as `eventSource`, that events were read of and that use KMS for their own encryption; empty when nobody
    /// counted.
    pub services: Vec<String>,
}
