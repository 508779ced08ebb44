//! Alert suppression: which alerts are folded into one, for how long.

use ecs::Interval;

/// Alerts with the same values in `group_by` become one alert with a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSuppression {
    /// The fields whose values make the group. Empty for threshold rules, which group by their own fields.
    pub group_by: Vec<String>,
    /// How long an alert takes others in; `None` within one execution only.
    pub duration: Option<Interval>,
    /// What happens to events that lack one of the fields.
    pub missing_fields: MissingFields,
}

/// What suppression does with events that lack a field of `group_by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingFields {
    /// They form a group of their own (`suppress`).
    #[default]
    Suppress,
    /// Each gives its own alert (`doNotSuppress`).
    DoNotSuppress,
}

impl MissingFields {
    /// The name that rules use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Suppress => "suppress",
            Self::DoNotSuppress => "doNotSuppress",
        }
    }
}
