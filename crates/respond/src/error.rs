//! Why a response does not go on.

use jiff::Timestamp;

use crate::action::Action;
use crate::response::Status;

/// Why a step of a response was refused. Nothing has been called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// A key that is not given as its whole ARN, or by an alias.
    #[error("`{text}` is no ARN of a KMS key: {reason}; write arn:PARTITION:kms:REGION:ACCOUNT:key/ID")]
    NoKeyArn {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A role that is no ARN of a role.
    #[error("`{text}` is no ARN of a role; write arn:{{partition}}:iam::{{account}}:role/NAME")]
    NoRoleArn {
        /// What was given.
        text: String,
    },
    /// A word that is none of those known.
    #[error("`{word}` is no {what}; it is one of {known}")]
    UnknownWord {
        /// What it should be.
        what: &'static str,
        /// What was given.
        word: String,
        /// Those that are known.
        known: String,
    },
    /// Somebody must be able to read later why it was done.
    #[error("a reason is needed: say why this is to be done")]
    NoReason,
    /// A response that could never be approved.
    #[error("it would be valid for no time at all")]
    NoTime,
    /// The one who has requested it.
    #[error("{who} has requested this; somebody else must approve it")]
    SelfApproval {
        /// Who.
        who: String,
    },
    /// It is not at the step before.
    #[error("this response is {is}; {needed}")]
    WrongStatus {
        /// Where it is.
        is: Status,
        /// What would have to be so.
        needed: &'static str,
    },
    /// Too late.
    #[error("this response expired at {at}; request it again")]
    Expired {
        /// From then on.
        at: Timestamp,
    },
    /// Nobody said who disabled the key.
    #[error(
        "nobody has said whether a defender has disabled this key: EnableKey needs disabled_by_defender = no, and who \
         says so"
    )]
    DisableUnanswered,
    /// Somebody said that it was the defender.
    #[error(
        "{said_by} says that a defender has disabled this key, or that it is not known: it stays disabled"
    )]
    DisabledByDefender {
        /// Who says so.
        said_by: String,
    },
    /// The logs say that it was a defender.
    #[error(
        "the logs show that {principal}, who is one of the defenders, has disabled this key at {time}: it stays disabled"
    )]
    LogsShowDefender {
        /// Who.
        principal: String,
        /// When.
        time: Timestamp,
    },
    /// The key was disabled again since the question was answered.
    #[error(
        "this key was disabled by {principal} at {time}, after the question was answered at {answered}: request it again, \
         with an answer about that"
    )]
    DisabledSinceAnswer {
        /// Who.
        principal: String,
        /// When.
        time: Timestamp,
        /// When the question was answered.
        answered: Timestamp,
    },
    /// Two different actions.
    #[error("an answer about who disabled the key belongs to EnableKey, not to {action}")]
    AnswerNotAsked {
        /// The action.
        action: Action,
    },
}
