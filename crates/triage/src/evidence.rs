//! What the logs at hand say beyond an alert: every principal's acts, every key's life.

use crate::activity::Activity;
use crate::event::Event;

/// What the logs at hand say.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What every principal does.
    pub activity: Activity,
}

impl Evidence {
    /// Takes in an event that counts whole, and whose act was taken in by a batch.
    pub fn observe_whole(&mut self, event: &Event) {
        self.activity.observe(event);
    }
}

/// Does an event have to be given whole?
pub fn wants_whole(provider: &str, action: &str) -> bool {
    provider == "kms.amazonaws.com" || provider == "sts.amazonaws.com" && action.starts_with("AssumeRole")
}
