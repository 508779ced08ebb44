//! A response as it goes from a request to its confirmation: a state machine without I/O.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::disable_question::check_statement;
use crate::{Action, Carried, DisableStatement, KeyArn, RespondError, RoleTemplate, SeenCall, Whose, whose};

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// Unique; letters, digits and `-`, at most 40: sessions of roles are named by it.
    pub id: String,
    /// `kibana.alert.uuid` of the alert that it answers.
    pub alert_id: String,
    /// The key.
    pub key: KeyArn,
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub by: String,
    /// For `EnableKey`: has a defender disabled the key?
    pub statement: Option<DisableStatement>,
}

/// How far a response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Somebody asks for it.
    Requested,
    /// Somebody else has agreed.
    Approved,
    /// Somebody carries it out now.
    Executing,
    /// It was called and AWS took it; the key does not show the effect yet.
    Executed,
    /// The key, read again, shows the effect.
    Confirmed,
    /// CloudTrail has the event of the call.
    Logged,
    /// The key was so already; nothing was called.
    Unneeded,
    /// Somebody said no.
    Refused,
    /// Nobody agreed, or nobody carried it out, in time.
    Expired,
    /// It could not be done; the outcome says why.
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Requested,
        Self::Approved,
        Self::Executing,
        Self::Executed,
        Self::Confirmed,
        Self::Logged,
        Self::Unneeded,
        Self::Refused,
        Self::Expired,
        Self::Failed,
    ];

    /// `requested`, `approved`, …
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Executing => "executing",
            Self::Executed => "executed",
            Self::Confirmed => "confirmed",
            Self::Logged => "logged",
            Self::Unneeded => "unneeded",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    /// Does CloudTrail still owe its event?
    pub fn awaits_event(self) -> bool {
        matches!(self, Self::Executing | Self::Executed | Self::Confirmed)
    }
}

impl FromStr for Status {
    type Err = RespondError;

    fn from_str(text: &str) -> Result<Self, RespondError> {
        Self::ALL.into_iter().find(|status| status.word() == text).ok_or_else(|| RespondError::UnknownWord {
            what: "status of a response",
            word: text.to_owned(),
            known: Self::ALL.map(Self::word).join(", "),
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// After this long a carrying out that gave no result is taken to have died with its process, and may be begun again.
pub const LOST_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A response. Each step gives a new one, or says why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// What was asked for.
    pub request: NewRequest,
    /// When; also when the question about the disabling was answered.
    pub requested_at: Timestamp,
    /// How far it is.
    pub status: Status,
    /// The first instant at which it is no longer valid: of the request until it is approved, of the approval from then on.
    pub expires_at: Timestamp,
    /// Who agreed, or refused.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Who had it carried out.
    pub executed_by: Option<String>,
    /// When that began.
    pub executed_at: Option<Timestamp>,
    /// AWS's id of the call, if it was made and answered.
    pub request_id: Option<String>,
    /// When the key showed the effect.
    pub confirmed_at: Option<Timestamp>,
    /// `eventID` of the call in CloudTrail.
    pub event_id: Option<String>,
    /// What came of it: sentences.
    pub outcome: Option<String>,
}

impl Response {
    /// A request, valid in `[now, now + valid_for)`.
    ///
    /// # Errors
    /// [`RespondError::NoReason`], and for `EnableKey` those of [`check_enable`](crate::check_enable).
    pub fn request(
        request: NewRequest,
        valid_for: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, RespondError> {
        if request.reason.trim().is_empty() {
            return Err(RespondError::NoReason);
        }
        check_statement(request.action, request.statement.as_ref(), now)?;
        Ok(Self {
            request,
            requested_at: now,
            status: Status::Requested,
            expires_at: end_of(valid_for, now)?,
            decided_by: None,
            decided_at: None,
            executed_by: None,
            executed_at: None,
            request_id: None,
            confirmed_at: None,
            event_id: None,
            outcome: None,
        })
    }

    /// Somebody else agrees; valid in `[now, now + valid_for)`.
    ///
    /// # Errors
    /// [`RespondError::SelfApproval`], [`RespondError::Expired`], [`RespondError::WrongStatus`].
    pub fn approve(&self, by: &str, valid_for: SignedDuration, now: Timestamp) -> Result<Self, RespondError> {
        self.needs(Status::Requested, "only a request that waits can be approved")?;
        if by == self.request.by {
            return Err(RespondError::SelfApproval { who: by.to_owned() });
        }
        self.in_time(now)?;
        let mut next = self.clone();
        next.status = Status::Approved;
        next.expires_at = end_of(valid_for, now)?;
        next.decided_by = Some(by.to_owned());
        next.decided_at = Some(now);
        Ok(next)
    }

    /// Somebody says no, to a request or to an approval that was not carried out yet. The requester may, too.
    ///
    /// # Errors
    /// [`RespondError::NoReason`], [`RespondError::WrongStatus`].
    pub fn refuse(&self, by: &str, reason: &str, now: Timestamp) -> Result<Self, RespondError> {
        if !matches!(self.status, Status::Requested | Status::Approved) {
            self.needs(Status::Requested, "only one that was not carried out yet can be refused")?;
        }
        if reason.trim().is_empty() {
            return Err(RespondError::NoReason);
        }
        let mut next = self.clone();
        next.status = Status::Refused;
        next.decided_by = Some(by.to_owned());
        next.decided_at = Some(now);
        next.outcome = Some(format!("refused: {}", reason.trim()));
        Ok(next)
    }

    /// Takes it to be carried out. Who has stored this, and nobody else, goes on with [`carry_out`](crate::carry_out()).
    ///
    /// # Errors
    /// [`RespondError::Expired`], [`RespondError::WrongStatus`].
    pub fn begin(&self, by: &str, now: Timestamp) -> Result<Self, RespondError> {
        if !self.is_lost(now) {
            self.needs(Status::Approved, "only one that was approved can be carried out")?;
        }
        self.in_time(now)?;
        let mut next = self.clone();
        next.status = Status::Executing;
        next.executed_by = Some(by.to_owned());
        next.executed_at = Some(now);
        Ok(next)
    }

    /// Notes what came of [`carry_out`](crate::carry_out()).
    ///
    /// # Errors
    /// [`RespondError::WrongStatus`] unless it is being carried out.
    pub fn finish(&self, carried: &Carried, now: Timestamp) -> Result<Self, RespondError> {
        self.needs(Status::Executing, "only what is being carried out can come to an end")?;
        let mut next = self.clone();
        let call = self.request.action.call();
        let (status, outcome) = match carried {
            Carried::Unneeded { why, .. } => (Status::Unneeded, why.clone()),
            Carried::NotCalled { why } | Carried::Failed { why } => (Status::Failed, why.clone()),
            Carried::Called { before, after, .. } => {
                let since = match after {
                    Some(after) => format!("the key is {after} still"),
                    None => "the key could not be read since".to_owned(),
                };
                let text = format!("{call} was called on a key that was {before}, and AWS took it; {since}");
                (Status::Executed, text)
            }
            Carried::Confirmed { before, after, receipt } => {
                let lost =
                    if receipt.is_none() { ", although AWS's answer was an error or lost" } else { "" };
                let mut text = format!("{call} was called{lost}: the key was {before} and is {after}");
                if let Some(step) = self.request.action.next_step(after) {
                    text.push_str("; next: ");
                    text.push_str(step);
                }
                (Status::Confirmed, text)
            }
        };
        next.request_id = match carried {
            Carried::Confirmed { receipt, .. } => receipt.clone().and_then(|receipt| receipt.request_id),
            Carried::Called { receipt, .. } => receipt.request_id.clone(),
            _ => None,
        };
        next.confirmed_at = (status == Status::Confirmed).then_some(now);
        next.status = status;
        next.outcome = Some(outcome);
        Ok(next)
    }

    /// The key was read again later. `None` when that changes nothing.
    pub fn reread(&self, state: &crate::KeyState, now: Timestamp) -> Option<Self> {
        if self.status != Status::Executed || !self.request.action.has_effect(state) {
            return None;
        }
        let mut next = self.clone();
        next.status = Status::Confirmed;
        next.confirmed_at = Some(now);
        let step =
            self.request.action.next_step(state).map(|step| format!("; next: {step}")).unwrap_or_default();
        next.outcome = Some(format!("{} was called: the key is {state}{step}", self.request.action));
        Some(next)
    }

    /// What its time has made of it: expired, or failed when it was being carried out and gave no result. `None` when nothing.
    pub fn aged(&self, now: Timestamp) -> Option<Self> {
        let is_over = now >= self.expires_at;
        let (status, outcome) = match self.status {
            Status::Requested if is_over => {
                (Status::Expired, "nobody approved it in time; nothing was called")
            }
            Status::Approved if is_over => {
                (Status::Expired, "nobody carried it out in time; nothing was called")
            }
            Status::Executing if is_over && self.is_lost(now) => (
                Status::Failed,
                "who carried it out ended before saying what came of it: look at the key, it may have been called",
            ),
            _ => return None,
        };
        let mut next = self.clone();
        next.status = status;
        next.outcome = Some(outcome.to_owned());
        Some(next)
    }

    /// CloudTrail tells of a call: is it the one of this response? Then it is confirmed in the log. `None` when it is not.
    ///
    /// It is, when it is the same call on the same key, a success, no earlier than it was carried out (CloudTrail has whole
    /// seconds), and has the id of our request; where one of the ids is not known, when our role made it under our name.
    pub fn seen_in_log(&self, call: &SeenCall, role: Option<&RoleTemplate>) -> Option<Self> {
        let executed_at = self.executed_at?;
        let request = &self.request;
        let is_same = self.status.awaits_event()
            && call.provider == "kms.amazonaws.com"
            && call.name == request.action.call()
            && call.error.is_none()
            && call.time.as_second() >= executed_at.as_second()
            && call.keys.contains(&request.key);
        let is_ours = || match (&self.request_id, &call.request_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => whose(call, &request.key, role) == Whose::Ours,
        };
        if !is_same || !is_ours() {
            return None;
        }
        let mut next = self.clone();
        next.status = Status::Logged;
        next.event_id.clone_from(&call.event_id);
        let event = call.event_id.as_deref().unwrap_or("without an id");
        let text = next.outcome.take().unwrap_or_else(|| format!("{} was called", request.action));
        next.outcome = Some(format!("{text}; CloudTrail recorded it at {} (event {event})", call.time));
        Some(next)
    }

    fn is_lost(&self, now: Timestamp) -> bool {
        let lost = |at: Timestamp| now.duration_since(at) >= LOST_AFTER;
        self.status == Status::Executing && self.executed_at.is_some_and(lost)
    }

    fn needs(&self, status: Status, needed: &'static str) -> Result<(), RespondError> {
        if self.status == status {
            Ok(())
        } else {
            Err(RespondError::WrongStatus { is: self.status, needed })
        }
    }

    fn in_time(&self, now: Timestamp) -> Result<(), RespondError> {
        if now < self.expires_at { Ok(()) } else { Err(RespondError::Expired { at: self.expires_at }) }
    }
}

fn end_of(valid_for: SignedDuration, now: Timestamp) -> Result<Timestamp, RespondError> {
    let end = now.checked_add(valid_for).map_err(|_| RespondError::NoTime)?;
    if end > now { Ok(end) } else { Err(RespondError::NoTime) }
}
