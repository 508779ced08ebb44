//! Sessions that hang together with an alert's: those that led to it, and those that were begun from any of them.

use std::collections::{BTreeSet, VecDeque};

use ecs::Timestamp;
use jiff::SignedDuration;

use crate::activity::Activity;
use crate::identity::Identity;
use crate::sessions::SessionStart;

/// Where more than this many sessions acted around an alert that one identity began, and the alert's is one of them, they are
/// none of one person: sessions are handed out to many.
const MOST_BEGUN: usize = 20;

/// Of more sessions than this is not looked which of them acted.
const MOST_LOOKED_AT: usize = 500;

/// Sessions that are followed.
const MOST_FOLLOWED: usize = 50;

/// A session, or somebody with long-term credentials.
#[derive(Debug, Clone)]
pub(super) struct LinkedSession<'a> {
    /// As [`Identity::principal`] names it.
    pub(super) principal: String,
    /// Its access key, where it is a session; somebody with long-term credentials is known by the principal alone.
    pub(super) access_key: Option<String>,
    /// The call that began it; `None` for one that led to the alert's.
    pub(super) begun: Option<&'a SessionStart>,
}

/// What hangs together with a session, and what was not followed: whole sentences.
#[derive(Debug, Clone, Default)]
pub(super) struct Linked<'a> {
    pub(super) sessions: Vec<LinkedSession<'a>>,
    pub(super) missing: Vec<String>,
}

/// Somebody whose sessions are still to be looked for.
struct Open {
    principal: String,
    identity: Identity,
    /// Did it lead to the alert's session? Then not all that it began need be of the same person.
    led: bool,
}

/// No session lasts longer.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(36);

/// How long a session lasts at most, by the call that began it (AWS STS API reference, `DurationSeconds`).
fn longest(start: &SessionStart) -> SignedDuration {
    match start.action.as_str() {
        "GetSessionToken" | "GetFederationToken" => LONGEST_SESSION,
        _ => SignedDuration::from_hours(12),
    }
}

impl LinkedSession<'_> {
    /// Was something done in this session?
    pub(super) fn holds(&self, access_key: &str) -> bool {
        self.access_key.as_deref().is_none_or(|own| own == access_key)
    }
}

impl<'a> Linked<'a> {
    /// Follows the session of an identity that acted at `at` back to where it began, and from there and from itself on to what
    /// was begun before `to` and could still act at `from`.
    ///
    /// Only what records prove: by the access keys that STS gave out, or by the moment at which a session says that it began.
    pub(super) fn of(
        identity: &Identity,
        at: Timestamp,
        (from, to): (Timestamp, Timestamp),
        activity: &'a Activity,
    ) -> Self {
        let known = activity.sessions();
        let own = identity.principal().unwrap_or_default();
        let mut linked = Self::default();
        let mut seen: BTreeSet<String> = identity.access_key.iter().cloned().collect();
        let mut open: VecDeque<Open> =
            VecDeque::from([Open { principal: own.clone(), identity: identity.clone(), led: false }]);
        for start in known.proven_chain_of(identity, at) {
            let caller = start.caller();
            seen.extend(start.issued.clone());
            let Some(principal) = caller.principal().filter(|_| caller.invoked_by.is_none()) else {
                continue;
            };
            let access_key = if is_session(caller) { caller.access_key.clone() } else { None };
            linked.add(&own, LinkedSession { principal: principal.clone(), access_key, begun: None });
            open.push_back(Open { principal, identity: caller.clone(), led: true });
        }
        while let Some(Open { principal: who, identity, led }) = open.pop_front() {
            let earliest = from.checked_sub(LONGEST_SESSION).unwrap_or(Timestamp::MIN);
            let mut begun: Vec<&SessionStart> = known.begun_by(&identity, earliest, to).collect();
            begun.retain(|start| from.duration_since(start.time) < longest(start));
            let many = begun.len();
            let acted = |start: &&'a SessionStart| {
                let issued = start.issued.as_deref().filter(|issued| !seen.contains(*issued))?;
                // Whoever did nothing has nothing to be shown.
                let principal = activity.principal_of_key(issued)?;
                let did = activity.acted(principal, issued, (start.time.max(from), to));
                did.then_some((*start, issued, principal))
            };
            let mut acted: Vec<_> = match led && many > MOST_LOOKED_AT {
                true => Vec::new(),
                false => begun.iter().filter_map(acted).collect(),
            };
            if led && (many > MOST_LOOKED_AT || acted.len() > MOST_BEGUN) {
                linked.missing.push(format!(
                    "`{who}`, from which this session came, began {many} sessions around the alert, as one does who hands them \
                     out to many: the others are not followed."
                ));
                continue;
            }
            // The nearest first; which came in first depends on who read what.
            acted
                .sort_by_key(|(start, issued, _)| (start.time.duration_since(at).abs(), start.time, *issued));
            for (start, issued, principal) in acted {
                if linked.sessions.len() >= MOST_FOLLOWED {
                    linked.missing.push(format!(
                        "More than {MOST_FOLLOWED} sessions hang together with this one: only those were followed that began \
                         nearest to the alert."
                    ));
                    return linked;
                }
                seen.insert(issued.to_owned());
                let (principal, access_key) = (principal.to_owned(), Some(issued.to_owned()));
                let identity = Identity { access_key: access_key.clone(), ..Identity::default() };
                open.push_back(Open { principal: principal.clone(), identity, led: false });
                linked.add(&own, LinkedSession { principal, access_key, begun: Some(start) });
            }
        }
        linked
    }

    /// Adds a session, unless its acts are among those of another, or of the alert's principal itself.
    fn add(&mut self, own: &str, session: LinkedSession<'a>) {
        let holds_it = |known: &LinkedSession<'_>| {
            known.principal == session.principal
                && (known.access_key.is_none() || known.access_key == session.access_key)
        };
        if session.principal == own || self.sessions.iter().any(holds_it) {
            return;
        }
        if session.access_key.is_none() {
            self.sessions.retain(|known| known.principal != session.principal);
        }
        self.sessions.push(session);
    }
}

/// Is it one session of many that may share all but the access key? Not so for users and the root of an account.
fn is_session(identity: &Identity) -> bool {
    let arn = identity.arn.as_deref().unwrap_or_default();
    arn.contains(":assumed-role/") || arn.contains(":federated-user/")
}
