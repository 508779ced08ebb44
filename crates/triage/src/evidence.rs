//! What the logs at hand say beyond an alert: every principal's acts, every key's life.

use crate::act::Act;
use crate::activity::{About, ActReader, Activity};
use crate::event::Event;
use crate::kms::coverage::Coverage;

use crate::kms::declared::{changes_trail, declares};
use crate::kms::key_history::KeyHistory;
use crate::kms::key_use::KeyUseReader;
use crate::kms::sighting::KMS;
use crate::place::Place;
use crate::sessions::STS;

/// Services that encrypt what they keep with KMS keys.
const ENCRYPTS: [&str; 12] = [
    "backup.amazonaws.com",
    "dynamodb.amazonaws.com",
    "ec2.amazonaws.com",
    "elasticfilesystem.amazonaws.com",
    "kinesis.amazonaws.com",
    "lambda.amazonaws.com",
    "rds.amazonaws.com",
    "redshift.amazonaws.com",
    "s3.amazonaws.com",
    "secretsmanager.amazonaws.com",
    "sqs.amazonaws.com",
    "ssm.amazonaws.com",
];

/// What the logs at hand say.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What every principal does.
    pub activity: Activity,
    /// What happened to every key.
    pub keys: KeyHistory,
    /// Of events that come one by one.
    reader: ActReader,
}

impl Evidence {
    /// Takes in one event, whole. Duplicates are the caller's to leave out.
    pub fn observe(&mut self, event: &Event) {
        let principal = event.identity.principal().unwrap_or_default();
        let offset = match event.place {
            Place::File { offset, .. } => offset,
            Place::Lake | Place::Unknown => 0,
        };
        self.reader.push(&Act::of(event, &principal), offset, About::Event(event));
        self.activity.take(self.reader.batch(event.place.clone()), |_| true);
        self.observe_whole(event);
    }

    /// Takes in an event that counts whole, and whose act was taken in by a batch.
    pub fn observe_whole(&mut self, event: &Event) {
        self.activity.observe(event);
        self.keys.observe(event);
    }

    /// How far the data reaches.
    pub fn coverage(&self) -> Coverage {
        let span = self.activity.span();
        Coverage {
            from: span.map(|(from, _)| from),
            to: span.map(|(_, to)| to),
            regions: self.activity.regions(),
            accounts: self.activity.accounts(),
            hours_without_events: self.activity.hours_without_events(),
            services: {
                let mut services = self.activity.services();
                services.retain(|service| ENCRYPTS.contains(&service.as_str()));
                services
            },
        }
    }
}

/// What an event is wanted for beside its act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// It may begin a session: [`Activity::take_session`], or [`Evidence::observe_whole`].
    Session,
    /// It is a call of KMS that [`KeyUseReader::takes`], or [`Evidence::observe_whole`].
    KeyUse,
    /// It may name a key for a resource: [`Evidence::observe_whole`], where [`may_name_key`](crate::kms::declared::may_name_key) holds for its
    /// `requestParameters` or its `responseElements`.
    Declared,
    /// All that it says: [`Evidence::observe_whole`].
    Whole,
}

impl Wants {
    /// By `eventSource`, `eventName` and `errorCode`, which is empty for a success.
    pub fn of(provider: &str, action: &str, error: &str) -> Self {
        if provider == KMS && KeyUseReader::takes(action) {
            Self::KeyUse
        } else if provider == KMS || changes_trail(provider, action) || KeyHistory::wants_error(error) {
            Self::Whole
        } else if declares(provider, action) {
            if error.is_empty() { Self::Declared } else { Self::Nothing }
        } else if provider == STS && error.is_empty() {
            Self::Session
        } else {
            Self::Nothing
        }
    }
}
