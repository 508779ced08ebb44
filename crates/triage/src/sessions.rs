//! Who took which role session: from the calls of STS that made them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use ecs::Timestamp;
use foldhash::HashMap;
use jiff::SignedDuration;
use serde_json::Value;

use crate::answer::Evidence;
use crate::event::{Event, identity_of_record};
use crate::identity::Identity;
use crate::kms::record_member::{Object, StsMember, read};
use crate::place::Place;

/// Starts that are kept; further ones are counted.
const MOST_STARTS: usize = 100_000;

/// Longer chains than this are not followed; it also ends circles.
const LONGEST_CHAIN: usize = 10;

/// A session says when it began in whole seconds, and not by the clock that stamps the call.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(5);

/// Who took which role session.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    starts: Vec<SessionStart>,
    by_access_key: HashMap<String, usize>,
    by_arn: HashMap<String, Vec<usize>>,
    /// By the caller's access key, or where it has none its ARN or principal id; without the calls of services.
    by_caller: HashMap<String, Vec<usize>>,
    left_out: u64,
}

/// A call of STS that gave out temporary credentials.
#[derive(Debug, Clone)]
pub struct SessionStart {
    /// When; for calls of a service that are counted together, the first.
    pub time: Timestamp,
    /// `AssumeRole`, `AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`, `GetFederationToken`, `GetSessionToken`, …
    pub action: String,
    /// The address of the caller.
    pub address: Option<String>,
    /// The access key that was given out, where it was not a service that called.
    pub issued: Option<String>,
    names_caller: bool,
    caller: Caller,
    invoked_by: Option<String>,
    id: Option<String>,
    place: Place,
}

/// Who called: read when somebody asks, since few are asked for.
#[derive(Debug, Clone)]
struct Caller {
    /// `userIdentity` as JSON text; empty where it is read already.
    written: Box<str>,
    read: OnceLock<Box<Identity>>,
}

/// A call of STS that gave out temporary credentials, as it was read on its way in.
#[derive(Debug, Clone)]
pub struct SessionCall {
    start: SessionStart,
    is_service: bool,
    arn: Option<String>,
    access_key: Option<String>,
    /// The caller's access key, or where it has none its ARN or principal id.
    caller: Option<String>,
    /// Does the record say more of the caller than an id? Where another account's role is taken, only the caller's own
    /// account is told who called.
    names_caller: bool,
}

/// A successful call of STS, as a record has it: texts plain, objects as their JSON text.
#[derive(Debug, Clone, Copy)]
pub struct WrittenCall<'a> {
    /// `eventTime`.
    pub time: Timestamp,
    /// `eventName`.
    pub action: &'a str,
    /// `eventID`.
    pub id: Option<&'a str>,
    /// `sourceIPAddress`.
    pub address: Option<&'a str>,
    /// `userIdentity.invokedBy`.
    pub invoked_by: Option<&'a str>,
    /// `userIdentity.type`.
    pub kind: Option<&'a str>,
    /// `userIdentity.accessKeyId`.
    pub access_key: Option<&'a str>,
    /// `userIdentity.arn`.
    pub arn: Option<&'a str>,
    /// `userIdentity.principalId`.
    pub principal_id: Option<&'a str>,
    /// `userIdentity`.
    pub identity: Option<&'a str>,
    /// `responseElements`.
    pub response: Option<&'a str>,
}

/// The `eventSource` of STS.
pub(crate) const STS: &str = "sts.amazonaws.com";

/// Calls of services have this type.
const SERVICE: &str = "AWSService";

impl SessionStart {
    /// Who called.
    pub fn caller(&self) -> &Identity {
        self.caller.read.get_or_init(|| {
            let written = serde_json::from_str::<Value>(&self.caller.written);
            Box::new(written.map(|written| identity_of_record(&written)).unwrap_or_default())
        })
    }

    /// Of two records of one call, or of two calls that may have begun a session: is this the one to go by?
    fn tells_more_than(&self, other: &Self) -> bool {
        let rank = |start: &Self| (!start.names_caller, start.time, start.id.clone());
        rank(self) < rank(other)
    }

    /// The call.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            time: self.time.to_string(),
            event_id: self.id.clone(),
            provider: STS.to_owned(),
            action: self.action.clone(),
            shows: "the session begins".to_owned(),
            place: self.place.clone(),
        }
    }
}

impl SessionCall {
    /// Reads a call; `None` when it gives out no credentials. `place` is where its record lies.
    pub fn of(call: &WrittenCall<'_>, place: impl FnOnce() -> Place) -> Option<Self> {
        let mut spare = String::new();
        let Object(response) = read::<Object<StsMember<'_>>>(call.response, &mut spare);
        let response = response.unwrap_or_default();
        let [role, user] =
            [response.assumed_role_user, response.federated_user].map(|member| member.0.unwrap_or_default());
        let credentials = response.credentials.0.unwrap_or_default();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let arn = owned(role.arn.get().or(user.arn.get()));
        let access_key = owned(credentials.access_key_id.get());
        if arn.is_none() && access_key.is_none() {
            return None;
        }
        let start = SessionStart {
            time: call.time,
            action: call.action.to_owned(),
            address: owned(call.address),
            issued: None,
            names_caller: false,
            caller: Caller { written: call.identity.unwrap_or("null").into(), read: OnceLock::new() },
            invoked_by: owned(call.invoked_by),
            id: owned(call.id),
            place: place(),
        };
        let caller = owned(call.access_key.or(call.arn).or(call.principal_id));
        let names_caller = call.access_key.or(call.arn).is_some();
        Some(Self { start, is_service: call.kind == Some(SERVICE), arn, access_key, caller, names_caller })
    }

    fn of_event(event: &Event) -> Option<Self> {
        if event.provider != STS || !event.succeeded() {
            return None;
        }
        let text = |pointer: &str| event.response.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let arn = text("/assumedRoleUser/arn").or_else(|| text("/federatedUser/arn"));
        let access_key = text("/credentials/accessKeyId");
        if arn.is_none() && access_key.is_none() {
            return None;
        }
        let start = SessionStart {
            time: event.time,
            action: event.action.clone(),
            address: event.address.clone(),
            issued: None,
            names_caller: false,
            caller: Caller { written: "".into(), read: OnceLock::from(Box::new(event.identity.clone())) },
            invoked_by: event.identity.invoked_by.clone(),
            id: event.id.clone(),
            place: event.place.clone(),
        };
        let identity = &event.identity;
        let names_caller = identity.access_key.is_some() || identity.arn.is_some();
        let is_service = identity.kind.as_deref() == Some(SERVICE);
        Some(Self { start, is_service, arn, access_key, caller: caller_of(identity).cloned(), names_caller })
    }
}

impl Sessions {
    /// Reads an event; anything but a successful call of STS that gives out credentials is passed over.
    pub fn observe(&mut self, event: &Event) {
        if let Some(call) = SessionCall::of_event(event) {
            self.take(call);
        }
    }

    /// Takes in a call.
    pub fn take(&mut self, call: SessionCall) {
        let SessionCall { mut start, is_service, arn, access_key, caller, names_caller } = call;
        start.names_caller = names_caller;
        if let Some(known) = arn.as_ref().filter(|_| is_service).and_then(|arn| self.by_arn.get(arn)) {
            // A service takes the same session again and again.
            let same = known
                .iter()
                .filter_map(|&known| self.starts.get(known))
                .any(|known| known.invoked_by == start.invoked_by && known.time <= start.time);
            if same {
                return;
            }
        }
        if self.starts.len() >= MOST_STARTS {
            self.left_out += 1;
            return;
        }
        let number = self.starts.len();
        if let Some(access_key) = access_key.filter(|_| !is_service) {
            let known = self.by_access_key.get(&access_key).and_then(|&known| self.starts.get(known));
            // Both accounts may have told of it.
            if known.is_none_or(|known| start.tells_more_than(known)) {
                self.by_access_key.insert(access_key.clone(), number);
            }
            if let Some(caller) = caller {
                self.by_caller.entry(caller).or_default().push(number);
            }
            start.issued = Some(access_key);
        }
        self.starts.push(start);
        if let Some(arn) = arn {
            self.by_arn.entry(arn).or_default().push(number);
        }
    }

    /// Starts that did not fit.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The start of an identity's session: by its access key, else the last one of the same ARN up to a moment.
    pub fn start_of(&self, identity: &Identity, until: Timestamp) -> Option<&SessionStart> {
        let by_key = identity.access_key.as_ref().and_then(|key| self.by_access_key.get(key));
        if let Some(start) = by_key.and_then(|&number| self.starts.get(number)) {
            return Some(start);
        }
        let starts = self.by_arn.get(identity.arn.as_ref()?)?;
        let before = starts.iter().filter_map(|&number| self.starts.get(number));
        let before = before.filter(|start| start.time <= until);
        before.max_by_key(|start| (start.time, start.names_caller, &start.id))
    }

    /// The start of an identity's session where records prove it: by its access key, else by the moment at which the session
    /// says that it began, where no other of the same ARN began then.
    fn proven_start_of(&self, identity: &Identity) -> Option<&SessionStart> {
        let by_key = identity.access_key.as_ref().and_then(|key| self.by_access_key.get(key));
        if let Some(start) = by_key.and_then(|&number| self.starts.get(number)) {
            return Some(start);
        }
        let created: Timestamp = identity.session_created.as_ref()?.parse().ok()?;
        let starts =
            self.by_arn.get(identity.arn.as_ref()?)?.iter().filter_map(|&number| self.starts.get(number));
        let began_then = |start: &&SessionStart| start.time.duration_since(created).abs() <= SAME_MOMENT;
        let then: Vec<&SessionStart> = starts.filter(began_then).collect();
        let issued: BTreeSet<&Option<String>> = then.iter().map(|start| &start.issued).collect();
        if issued.len() > 1 {
            return None;
        }
        then.into_iter().reduce(|one, other| if other.tells_more_than(one) { other } else { one })
    }

    /// The sessions that an identity began with its own credentials, in `[from, to)`; those of services are not known.
    pub fn begun_by(
        &self,
        identity: &Identity,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = &SessionStart> {
        let numbers =
            caller_of(identity).and_then(|caller| self.by_caller.get(caller)).map_or(&[][..], Vec::as_slice);
        let starts = numbers.iter().filter_map(|&number| self.starts.get(number));
        starts.filter(move |start| from <= start.time && start.time < to)
    }

    /// The starts from an identity back to the first one that the data shows.
    pub fn chain_of(&self, identity: &Identity, until: Timestamp) -> Vec<&SessionStart> {
        self.chain(identity, until, |identity, until| self.start_of(identity, until))
    }

    /// The same, as far as records prove that one began the other.
    pub fn proven_chain_of(&self, identity: &Identity, until: Timestamp) -> Vec<&SessionStart> {
        self.chain(identity, until, |identity, _| self.proven_start_of(identity))
    }

    fn chain<'a>(
        &'a self,
        identity: &Identity,
        until: Timestamp,
        start_of: impl Fn(&Identity, Timestamp) -> Option<&'a SessionStart>,
    ) -> Vec<&'a SessionStart> {
        let mut chain: Vec<&SessionStart> = Vec::new();
        let (mut identity, mut until) = (identity, until);
        while chain.len() < LONGEST_CHAIN {
            let Some(start) = start_of(identity, until) else { break };
            if chain.iter().any(|known| std::ptr::eq(*known, start)) {
                break;
            }
            chain.push(start);
            (identity, until) = (start.caller(), start.time);
        }
        chain
    }
}

/// What tells callers apart: an access key where there is one, else whatever names them.
fn caller_of(identity: &Identity) -> Option<&String> {
    identity.access_key.as_ref().or(identity.arn.as_ref()).or(identity.principal_id.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assume(time: &str, caller: serde_json::Value, arn: &str, key: &str) -> Event {
        let record = serde_json::json!({
            "eventTime": time, "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "userIdentity": caller,
            "responseElements": { "assumedRoleUser": { "arn": arn }, "credentials": { "accessKeyId": key } },
        });
        Event::of_record(record.as_object().unwrap(), Place::Unknown).unwrap()
    }

    #[test]
    fn a_chain_is_followed_to_the_human_and_circles_end() {
        let mut sessions = Sessions::default();
        let first = "arn:aws:sts::111122223333:assumed-role/Ops/ana";
        let second = "arn:aws:sts::444455556666:assumed-role/KeyAdmin/ops";
        let user = serde_json::json!({ "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ana", "accessKeyId": "AKIA1" });
        sessions.observe(&assume("2026-03-02T08:00:00Z", user, first, "ASIA1"));
        let ops = serde_json::json!({ "type": "AssumedRole", "arn": first, "accessKeyId": "ASIA1" });
        sessions.observe(&assume("2026-03-02T08:05:00Z", ops, second, "ASIA2"));
        let identity =
            Identity { arn: Some(second.into()), access_key: Some("ASIA2".into()), ..Identity::default() };
        let at: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let chain = sessions.chain_of(&identity, at);
        assert_eq!(chain.len(), 2);
        assert_eq!(chain[1].caller().arn.as_deref(), Some("arn:aws:iam::111122223333:user/ana"));

        let itself = serde_json::json!({ "type": "AssumedRole", "arn": first, "accessKeyId": "ASIA9" });
        sessions.observe(&assume("2026-03-02T08:10:00Z", itself, first, "ASIA9"));
        let identity =
            Identity { arn: Some(first.into()), access_key: Some("ASIA9".into()), ..Identity::default() };
        assert_eq!(sessions.chain_of(&identity, at).len(), 1);
        let early: Timestamp = "2026-03-02T07:00:00Z".parse().unwrap();
        let by_name = Identity { arn: Some(first.into()), ..Identity::default() };
        assert!(sessions.start_of(&by_name, early).is_none());
    }
}
