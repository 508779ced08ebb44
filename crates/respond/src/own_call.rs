//! Which calls in CloudTrail are our own: our response must not look like an attacker's act, nor an attacker like us.

use jiff::Timestamp;

use crate::{KeyArn, RoleTemplate};

/// The name that our calls carry in their user agent, as `app/bartizan-respond`.
pub const USER_AGENT_NAME: &str = "bartizan-respond";

/// A call as CloudTrail tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCall {
    /// `eventTime`.
    pub time: Timestamp,
    /// `eventID`.
    pub event_id: Option<String>,
    /// `eventSource`.
    pub provider: String,
    /// `eventName`.
    pub name: String,
    /// The keys that it names, as ARNs.
    pub keys: Vec<KeyArn>,
    /// `errorCode`; `None` for a success.
    pub error: Option<String>,
    /// `requestID`.
    pub request_id: Option<String>,
    /// The role behind a session: `userIdentity.sessionContext.sessionIssuer.arn`.
    pub role: Option<String>,
    /// `userAgent`.
    pub user_agent: Option<String>,
}

/// Whose act a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Ours: by our role, with our name.
    Ours,
    /// It carries our name and was not made by our role. A user agent is easily copied: look at it.
    BearsOurName,
    /// It was made by our role without our name: somebody else uses the role. Look at it.
    UsesOurRole,
    /// Somebody else's.
    Others,
}

/// Whose act a call on a key is. `role` is the role that is assumed for writing; without one no call can be told to be ours
/// by who made it (a response then knows its own by the request's id).
pub fn whose(call: &SeenCall, key: &KeyArn, role: Option<&RoleTemplate>) -> Whose {
    let name = format!("app/{USER_AGENT_NAME}");
    let bears_name = call
        .user_agent
        .as_deref()
        .is_some_and(|agent| agent.split([' ', '[', ']', ',']).any(|part| part == name));
    let is_role = role.is_some_and(|role| call.role.as_deref() == Some(&*role.role_for(key)));
    match (is_role, bears_name) {
        (true, true) => Whose::Ours,
        (false, true) => Whose::BearsOurName,
        (true, false) => Whose::UsesOurRole,
        (false, false) => Whose::Others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_what_our_role_does_under_our_name() {
        let key: KeyArn = "arn:aws:kms:eu-west-1:111122223333:key/a".parse().unwrap();
        let template: RoleTemplate = "arn:{partition}:iam::{account}:role/bartizan-respond".parse().unwrap();
        let (ours, other) =
            ("arn:aws:iam::111122223333:role/bartizan-respond", "arn:aws:iam::111122223333:role/x");
        let agent = "aws-sdk-rust/1.3.15 os/linux lang/rust/1.95.0 app/bartizan-respond";
        for (role, agent, template, expected) in [
            (ours, agent, Some(&template), Whose::Ours),
            (other, agent, Some(&template), Whose::BearsOurName),
            (ours, "aws-cli/2", Some(&template), Whose::UsesOurRole),
            (ours, "app/bartizan-responder", Some(&template), Whose::UsesOurRole),
            (other, "aws-cli/2", Some(&template), Whose::Others),
            ("arn:aws:iam::444455556666:role/bartizan-respond", agent, Some(&template), Whose::BearsOurName),
            (ours, agent, None, Whose::BearsOurName),
        ] {
            let call = SeenCall {
                time: Timestamp::UNIX_EPOCH,
                event_id: None,
                provider: String::new(),
                name: String::new(),
                keys: Vec::new(),
                error: None,
                request_id: None,
                role: Some(role.to_owned()),
                user_agent: Some(agent.to_owned()),
            };
            assert_eq!(whose(&call, &key, template), expected, "{role} {agent}");
        }
    }
}
