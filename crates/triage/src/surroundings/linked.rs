//! Sessions that hang together with an alert's: those that led to it, and those that were begun from any of them.

use std::collections::{BTreeSet, VecDeque};

use ecs::Timestamp;
use jiff::SignedDuration;

use crate::activity::Activity;
use crate::identity::Identity;
use crate::sessions::SessionStart;

/// Of what one identity began around an alert, more than this many sessions are none of one person: it hands out sessions for
/// many.
const MOST_BEGUN: usize = 20;

/// Sessions that are followed.
const MOST_FOLLOWED: usize = 50;

/// A session of a role lasts so long at most.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(12);

/// A session, or somebody with long-term credentials.
#[derive(Debug, Clone)]
pub(super) struct LinkedSession<'a> {
    /// As [`Identity::principal`] names it.
    pub(super) principal: String,
    /// The ARN of the identity, where it is known.
    pub(super) arn: Option<String>,
    /// Its access key, where it has one.
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

impl<'a> Linked<'a> {
    /// Follows the session of an identity that acted at `at` back to where it began, and from there and from itself on to what
    /// was begun before `to` and could still act at `from`.
    pub(super) fn of(
        identity: &Identity,
        at: Timestamp,
        (from, to): (Timestamp, Timestamp),
        activity: &'a Activity,
    ) -> Self {
        let (known, own) = (activity.sessions(), identity.principal());
        let from = from.checked_sub(LONGEST_SESSION).unwrap_or(Timestamp::MIN);
        let mut linked = Self::default();
        let mut seen: BTreeSet<String> = identity.access_key.iter().cloned().collect();
        let mut open: VecDeque<Identity> = VecDeque::from([identity.clone()]);
        for start in known.chain_of(identity, at) {
            let caller = start.caller();
            let Some(principal) = caller.principal().filter(|_| caller.invoked_by.is_none()) else {
                continue;
            };
            seen.extend(start.issued.clone());
            if own.as_ref() != Some(&principal) {
                let (arn, access_key) = (caller.arn.clone(), caller.access_key.clone());
                linked.sessions.push(LinkedSession { principal, arn, access_key, begun: None });
            }
            open.push_back(caller.clone());
        }
        while let Some(identity) = open.pop_front() {
            let mut begun: Vec<&SessionStart> = known.begun_by(&identity, from, to).collect();
            // Which came in first depends on who read what.
            begun.sort_by_key(|start| (start.time, &start.issued));
            if begun.len() > MOST_BEGUN {
                linked.missing.push(format!(
                    "`{}` began {} sessions around the alert: others than this one are not followed.",
                    identity.arn.as_deref().unwrap_or_default(),
                    begun.len()
                ));
                continue;
            }
            for start in begun {
                let Some(issued) = start.issued.as_ref().filter(|issued| seen.insert((*issued).clone()))
                else {
                    continue;
                };
                // Whoever never acted has nothing to be shown.
                let Some(principal) = activity.principal_of_key(issued) else { continue };
                if linked.sessions.len() >= MOST_FOLLOWED {
                    let most = MOST_FOLLOWED;
                    linked.missing.push(format!(
                        "More than {most} sessions hang together with this one: only so many were followed."
                    ));
                    return linked;
                }
                open.push_back(Identity { access_key: Some(issued.clone()), ..Identity::default() });
                if own.as_deref() != Some(principal) {
                    linked.sessions.push(LinkedSession {
                        principal: principal.to_owned(),
                        arn: None,
                        access_key: Some(issued.clone()),
                        begun: Some(start),
                    });
                }
            }
        }
        linked
    }
}
