//! Who disabled the key? A key that a defender has disabled on purpose is never enabled here.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::{Action, RespondError};

/// Has a defender disabled the key, to stop an attacker?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisableAnswer {
    /// No: it may be enabled.
    No,
    /// Yes: it stays disabled.
    Yes,
    /// Not known: it stays disabled.
    Unknown,
}

impl DisableAnswer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::No, Self::Yes, Self::Unknown];

    /// `no`, `yes` or `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::Unknown => "unknown",
        }
    }
}

impl FromStr for DisableAnswer {
    type Err = RespondError;

    fn from_str(text: &str) -> Result<Self, RespondError> {
        Self::ALL.into_iter().find(|answer| answer.word() == text).ok_or_else(|| RespondError::UnknownWord {
            what: "answer to whether a defender has disabled the key",
            word: text.to_owned(),
            known: Self::ALL.map(Self::word).join(", "),
        })
    }
}

impl fmt::Display for DisableAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The answer, and who gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisableStatement {
    /// The answer.
    pub answer: DisableAnswer,
    /// Who says so: a person, as colleagues know them.
    pub said_by: String,
}

/// The newest successful `DisableKey` of the key that the logs hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDisable {
    /// `eventTime`.
    pub time: Timestamp,
    /// `eventID`.
    pub event_id: Option<String>,
    /// The role behind a session, else the ARN of the identity; empty when the record names nobody.
    pub principal: String,
}

/// May a key be enabled? `answered` is when the statement was made; `last` what the logs show; `defenders` patterns of
/// principals, in which `*` stands for anything.
///
/// # Errors
/// [`RespondError::DisableUnanswered`], [`RespondError::DisabledByDefender`], [`RespondError::LogsShowDefender`],
/// [`RespondError::DisabledSinceAnswer`].
pub fn check_enable(
    statement: Option<&DisableStatement>,
    answered: Timestamp,
    last: Option<&LastDisable>,
    defenders: &[String],
) -> Result<(), RespondError> {
    let Some(statement) = statement.filter(|statement| !statement.said_by.trim().is_empty()) else {
        return Err(RespondError::DisableUnanswered);
    };
    if statement.answer != DisableAnswer::No {
        return Err(RespondError::DisabledByDefender { said_by: statement.said_by.clone() });
    }
    let Some(last) = last else { return Ok(()) };
    if defenders.iter().any(|pattern| is_like(&last.principal, pattern)) {
        return Err(RespondError::LogsShowDefender { principal: last.principal.clone(), time: last.time });
    }
    if last.time > answered {
        let principal = last.principal.clone();
        return Err(RespondError::DisabledSinceAnswer { principal, time: last.time, answered });
    }
    Ok(())
}

/// The answer that a request for this action needs.
pub(crate) fn check_statement(
    action: Action,
    statement: Option<&DisableStatement>,
    now: Timestamp,
) -> Result<(), RespondError> {
    match (action, statement) {
        (Action::EnableKey, statement) => check_enable(statement, now, None, &[]),
        (Action::CancelKeyDeletion, None) => Ok(()),
        (Action::CancelKeyDeletion, Some(_)) => Err(RespondError::AnswerNotAsked { action }),
    }
}

/// Is the text like the pattern, in which `*` stands for any text?
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(text) = text.strip_prefix(first) else { return false };
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| is_like(&text[at..], rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_is_enabled_only_when_it_is_known_that_no_defender_disabled_it() {
        let says = |answer, by: &str| Some(DisableStatement { answer, said_by: by.to_owned() });
        let disabled =
            |by: &str, time| Some(LastDisable { time: at(time), event_id: None, principal: by.to_owned() });
        let defenders = ["arn:aws:iam::*:role/incident-*".to_owned()];
        let answered = at("2026-03-14T10:00:00Z");
        let (early, late) = ("2026-03-14T10:00:00Z", "2026-03-14T10:00:00.001Z");
        let attacker = "arn:aws:iam::111122223333:role/deploy";
        let defender = "arn:aws:iam::111122223333:role/incident-lead";
        for (statement, last, allowed) in [
            (None, None, false),
            (says(DisableAnswer::No, " "), None, false),
            (says(DisableAnswer::Unknown, "alice"), None, false),
            (says(DisableAnswer::Yes, "alice"), None, false),
            (says(DisableAnswer::No, "alice"), None, true),
            (says(DisableAnswer::No, "alice"), disabled(attacker, early), true),
            (says(DisableAnswer::No, "alice"), disabled(attacker, late), false),
            (says(DisableAnswer::No, "alice"), disabled(defender, early), false),
        ] {
            let found = check_enable(statement.as_ref(), answered, last.as_ref(), &defenders);
            assert_eq!(found.is_ok(), allowed, "{statement:?} {last:?}");
        }
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, is) in [
            ("abcab", true),
            ("a*b", true),
            ("*", true),
            ("a*c*b", true),
            ("abc", false),
            ("*x*", false),
            ("b*", false),
            ("", false),
            ("abcab*", true),
            ("*ab*ab*", true),
            ("*ab*ab*ab", false),
        ] {
            assert_eq!(is_like("abcab", pattern), is, "{pattern}");
        }
    }
}
