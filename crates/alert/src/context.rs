//! What an alert says about the run that made it: when, in which space, by which execution.

use std::fmt;

use ecs::Timestamp;

/// The run in which hits become alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertContext {
    /// The space in which the rule ran, for example `default`.
    pub space: String,
    /// When the alert is made; its `@timestamp`.
    pub detected_at: Timestamp,
    /// The id of the execution.
    pub execution_uuid: String,
    /// By schedule or by hand.
    pub execution_type: ExecutionType,
    /// For a run over a past window: the time at which the rule would have run. `None` stands for `detected_at`.
    pub intended_timestamp: Option<Timestamp>,
    /// The address under which people reach the alerts, for example `https://example.org`. Without it alerts have no URL.
    pub base_url: Option<String>,
    /// The version that the alert names as `kibana.version`.
    pub version: String,
}

/// What started an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutionType {
    /// The rule's own schedule.
    Scheduled,
    /// Someone asked for it.
    Manual,
}

impl ExecutionType {
    /// The name that alerts use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for ExecutionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An instant as alerts write it: UTC with milliseconds, cut and not rounded, as JavaScript's `toISOString` does.
pub(crate) fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_milliseconds() {
        for (text, expected) in [
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000Z"),
            ("2024-01-01T02:00:00.1+02:00", "2024-01-01T00:00:00.100Z"),
            ("2024-01-01T00:00:00.999999999Z", "2024-01-01T00:00:00.999Z"),
        ] {
            assert_eq!(iso(text.parse().unwrap()), expected);
        }
    }
}
