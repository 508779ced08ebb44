//! The two actions, and what a key's live state says to each.

use std::fmt;
use std::str::FromStr;

use crate::{KeyState, LiveKey, RespondError};

/// What can be done. There is nothing else, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Stops a scheduled deletion. The key is disabled afterwards; to enable it is a response of its own.
    CancelKeyDeletion,
    /// Switches a disabled key on.
    EnableKey,
}

/// What the live state says to an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Call it.
    Call,
    /// It is so already, and nothing is to be called; a sentence.
    Unneeded(String),
    /// It must not or cannot be called; a sentence.
    Forbidden(String),
}

impl Action {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CancelKeyDeletion, Self::EnableKey];

    /// The name of the call, which is also CloudTrail's `eventName`.
    pub fn call(self) -> &'static str {
        match self {
            Self::CancelKeyDeletion => "CancelKeyDeletion",
            Self::EnableKey => "EnableKey",
        }
    }

    /// What people type: `cancel-deletion`, `enable`.
    pub fn word(self) -> &'static str {
        match self {
            Self::CancelKeyDeletion => "cancel-deletion",
            Self::EnableKey => "enable",
        }
    }

    /// Does this state show that the call has had its effect?
    pub fn has_effect(self, state: &KeyState) -> bool {
        match self {
            Self::CancelKeyDeletion => !state.is_pending_deletion(),
            Self::EnableKey => *state == KeyState::Enabled,
        }
    }

    /// What is to be done by people, or by another response, once the key is in this state; `None` for nothing.
    pub fn next_step(self, state: &KeyState) -> Option<&'static str> {
        match (self, state) {
            (Self::CancelKeyDeletion, KeyState::Disabled) => {
                Some("the key is disabled: to use it again, request EnableKey, and answer who disabled it")
            }
            (Self::CancelKeyDeletion, KeyState::PendingImport) => Some(
                "the key has no key material: import the same material again, which only its owner can do",
            ),
            _ => None,
        }
    }
}

impl FromStr for Action {
    type Err = RespondError;

    fn from_str(text: &str) -> Result<Self, RespondError> {
        let found = Self::ALL.into_iter().find(|action| [action.call(), action.word()].contains(&text));
        found.ok_or_else(|| RespondError::UnknownWord {
            what: "action",
            word: text.to_owned(),
            known: Self::ALL.map(Self::word).join(", "),
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.call())
    }
}

/// Does the live state allow the action?
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
pub fn judge(action: Action, live: &LiveKey) -> Judgement {
    let (state, call) = (&live.state, action.call());
    if live.is_managed_by_aws {
        return Judgement::Forbidden("AWS manages this key: nobody else can change it".to_owned());
    }
    let forbidden = |why: &str| Judgement::Forbidden(format!("the key is {state}: {why}"));
    match (action, state) {
        (_, KeyState::Creating | KeyState::Updating) => {
            forbidden("AWS is changing it; try again in a minute")
        }
        (_, KeyState::Other(_)) => forbidden("this state is not known here, so nothing is called"),
        (Action::CancelKeyDeletion, state) if state.is_pending_deletion() => Judgement::Call,
        (Action::CancelKeyDeletion, _) => Judgement::Unneeded(format!(
            "no deletion is scheduled, the key is {state}: {call} was not called"
        )),
        (Action::EnableKey, KeyState::Disabled) => Judgement::Call,
        (Action::EnableKey, KeyState::Enabled) => {
            Judgement::Unneeded(format!("the key is Enabled already: {call} was not called"))
        }
        (Action::EnableKey, KeyState::PendingImport) => {
            forbidden("it has no key material, and is enabled once the material is imported again")
        }
        (Action::EnableKey, KeyState::Unavailable) => forbidden("its key store must be connected first"),
        (Action::EnableKey, _) => forbidden("cancel its deletion first, which is a response of its own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_states_lead_to_a_call() {
        use Action::{CancelKeyDeletion as Cancel, EnableKey as Enable};
        for (state, cancel, enable) in [
            ("Creating", "forbidden", "forbidden"),
            ("Enabled", "unneeded", "unneeded"),
            ("Disabled", "unneeded", "call"),
            ("PendingImport", "unneeded", "forbidden"),
            ("PendingDeletion", "call", "forbidden"),
            ("PendingReplicaDeletion", "call", "forbidden"),
            ("Unavailable", "unneeded", "forbidden"),
            ("Updating", "forbidden", "forbidden"),
            ("Melted", "forbidden", "forbidden"),
        ] {
            let Ok(state) = state.parse::<KeyState>();
            for (action, expected) in [(Cancel, cancel), (Enable, enable)] {
                for is_managed_by_aws in [false, true] {
                    let live = LiveKey {
                        arn: "arn:aws:kms:eu-west-1:111122223333:key/a".parse().unwrap(),
                        state: state.clone(),
                        deletion_date: None,
                        pending_window_days: None,
                        origin: None,
                        is_managed_by_aws,
                    };
                    let judged = match judge(action, &live) {
                        Judgement::Call => "call",
                        Judgement::Unneeded(_) => "unneeded",
                        Judgement::Forbidden(_) => "forbidden",
                    };
                    let expected = if is_managed_by_aws { "forbidden" } else { expected };
                    assert_eq!(judged, expected, "{action} in {state}");
                }
                // What is judged unneeded has its effect, and what is to be called has not.
                assert_eq!(
                    expected == "call",
                    expected != "forbidden" && !action.has_effect(&state),
                    "{state}"
                );
            }
        }
    }

    #[test]
    fn actions_are_read_by_both_names() {
        for action in Action::ALL {
            assert_eq!(action.call().parse(), Ok(action));
            assert_eq!(action.word().parse(), Ok(action));
        }
        assert!("ScheduleKeyDeletion".parse::<Action>().is_err());
    }
}
