//! What somebody did around an alert: the acts that matter, graded, and the session step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ecs::Timestamp;

use super::linked::LinkedSession;
use super::{Gravity, SessionStep, SurroundingAct};
use crate::activity::{Activity, HourCount, Kept};
use crate::actor::plural;
use crate::answer::Evidence;
use crate::event::Event;
use crate::gravity::{consequence_of, is_denial};

/// Steps of a session that are shown, those nearest to the alert; further ones are counted.
const MOST_STEPS: usize = 100;

/// What tells the session of the alert from others of the same principal.
pub(super) struct Session {
    arn: Option<String>,
    access_key: Option<String>,
}

impl Session {
    pub(super) fn of(own: Option<&Event>) -> Self {
        let identity = own.map(|event| &event.identity);
        Self {
            arn: identity.and_then(|identity| identity.arn.clone()),
            access_key: identity.and_then(|identity| identity.access_key.clone()),
        }
    }

    /// Without an identity of its own to go by, everything of the principal is the session.
    pub(super) fn holds(&self, arn: &str, access_key: &str) -> bool {
        match (&self.arn, &self.access_key) {
            (None, None) => true,
            (own_arn, own_key) => {
                own_arn.as_deref().is_some_and(|own| own == arn)
                    || own_key.as_deref().is_some_and(|own| own == access_key)
            }
        }
    }
}

#[derive(Default)]
struct Group<'a> {
    count: u64,
    in_session: u64,
    span: Option<(Timestamp, Timestamp)>,
    /// The first and the last that was kept, where there are several.
    ends: Option<(&'a Kept<'a>, Option<&'a Kept<'a>>)>,
    targets: BTreeSet<Arc<str>>,
}

impl Group<'_> {
    fn add(&mut self, first: Timestamp, last: Timestamp, count: u64, in_session: bool) {
        self.count += count;
        self.in_session += if in_session { count } else { 0 };
        let (from, to) = self.span.unwrap_or((first, last));
        self.span = Some((from.min(first), to.max(last)));
    }

    fn evidence(&self, shows: &str) -> Vec<Evidence> {
        let ends = self.ends.into_iter().flat_map(|(first, last)| [Some(first), last]);
        ends.flatten().map(|act| act.evidence(shows)).collect()
    }
}

/// What a principal did around an alert.
pub(super) struct Did<'a> {
    pub(super) activity: &'a Activity,
    pub(super) principal: &'a str,
    pub(super) acts: Vec<Kept<'a>>,
    pub(super) reads: Vec<HourCount<'a>>,
    pub(super) session: Session,
    /// How the session hangs together with that of the alert, where it is another.
    pub(super) link: Option<&'a LinkedSession<'a>>,
    /// Those of the alert.
    pub(super) events: &'a [Event],
}

impl<'a> Did<'a> {
    fn is_own(&self, act: &Kept<'_>) -> bool {
        self.events.iter().filter_map(|event| event.id.as_deref()).any(|id| act.has_id(id))
    }

    /// Acts that matter with how grave they are and when they began, in no order; adds to those that were denied.
    pub(super) fn graded(
        &self,
        around: Timestamp,
        set_right: &[&str],
        denied: &mut u64,
    ) -> Vec<(Gravity, Timestamp, SurroundingAct)> {
        let (activity, session) = (self.activity, &self.session);
        // Ordered by gravity, so that the gravest come first.
        let mut groups: BTreeMap<(Gravity, &str, &str, &str), Group<'_>> = BTreeMap::new();
        for act in &self.acts {
            let Some(gravity) = act.gravity else { continue };
            if self.is_own(act) || set_right.iter().any(|id| act.has_id(id)) {
                continue;
            }
            let group = groups.entry((gravity, act.provider, act.action, act.error)).or_default();
            group.add(act.time, act.time, 1, session.holds(act.arn, act.access_key.as_str()));
            group.targets.extend(act.target());
            group.ends = Some(group.ends.map_or((act, None), |(first, _)| (first, Some(act))));
        }
        for hour in &self.reads {
            let Some(gravity) = hour.gravity else { continue };
            let group = groups.entry((gravity, hour.provider, hour.action, hour.error)).or_default();
            let in_session = session.holds(hour.arn, hour.access_key.as_str());
            group.add(hour.first, hour.last, hour.count, in_session);
        }
        let refused = groups.iter().filter(|((gravity, ..), _)| *gravity == Gravity::Denied);
        *denied += refused.map(|(_, group)| group.count).sum::<u64>();
        let long = activity.reaches_back(around);
        let calls: Vec<(&str, &str)> =
            groups.keys().map(|(_, provider, action, _)| (*provider, *action)).collect();
        // Only then can something be usual.
        let seen = if long { activity.seen_calls(self.principal, around, &calls) } else { Vec::new() };
        let seen = seen.into_iter().map(Some).chain(std::iter::repeat(None));
        let shows = match self.link {
            None => "the principal did it near the alert",
            Some(_) => "a session that hangs together with the alert's did it",
        };
        groups
            .into_iter()
            .zip(seen)
            .filter_map(|(((gravity, provider, action, error), group), seen)| {
                let (first, last) = group.span?;
                let usual = seen.filter(|seen| gravity != Gravity::Denied && seen.is_usual());
                let whose = self.whose(&group);
                let mut says = sentence(provider, action, error, &group, &whose, first, last);
                if let Some(seen) = &usual {
                    let days = plural(seen.earlier_days, "day");
                    let who = if self.link.is_some() { "That" } else { "The" };
                    says += &format!(" {who} principal did the same on {days} before.");
                }
                let (count, usual, linked) = (group.count, usual.is_some(), self.link.is_some());
                let evidence = group.evidence(shows);
                Some((gravity, first, SurroundingAct { gravity, count, usual, linked, says, evidence }))
            })
            .collect()
    }

    /// In which session, as a part of a sentence.
    fn whose(&self, group: &Group<'_>) -> String {
        let told = match (self.link, group.in_session) {
            (Some(LinkedSession { principal, begun: Some(begun), .. }), _) => {
                return format!(", in the session of `{principal}` that was begun at {}", begun.time);
            }
            (Some(LinkedSession { principal, .. }), _) => {
                return format!(", by `{principal}`, from which this session came");
            }
            (None, 0) => ", in another session of the same principal",
            (None, same) if same == group.count => ", in the same session",
            (None, _) => ", in this session and in others",
        };
        told.to_owned()
    }

    pub(super) fn steps(&self, missing: &mut Vec<String>) -> Vec<SessionStep> {
        let mut all: Vec<Step<'a>> = Vec::new();
        for act in &self.acts {
            if self.session.holds(act.arn, act.access_key.as_str()) {
                all.push(Step {
                    first: act.time,
                    last: act.time,
                    call: [act.provider, act.action, act.error, act.region],
                    count: 1,
                    is_subject: self.is_own(act),
                });
            }
        }
        for hour in &self.reads {
            if self.session.holds(hour.arn, hour.access_key.as_str()) {
                // A read can be the alert's event too.
                let is_subject = self.events.iter().any(|event| {
                    event.provider == hour.provider
                        && event.action == hour.action
                        && hour.first <= event.time
                        && event.time <= hour.last
                        && event.read_only
                        && event.succeeded()
                });
                all.push(Step {
                    first: hour.first,
                    last: hour.last,
                    call: [hour.provider, hour.action, "", hour.region],
                    count: hour.count,
                    is_subject,
                });
            }
        }
        all.sort_by_key(|step| (step.first, step.last));
        all.dedup_by(|step, known| {
            let same = step.call == known.call && !known.is_subject && !step.is_subject;
            if same {
                known.count += step.count;
                known.last = known.last.max(step.last);
            }
            same
        });
        let mut shown = all.as_slice();
        if all.len() > MOST_STEPS {
            missing.push(format!(
                "The session has {} steps around the alert; the {MOST_STEPS} nearest to it are shown.",
                all.len()
            ));
            let subject = all.iter().position(|step| step.is_subject).unwrap_or(0);
            let first = subject.saturating_sub(MOST_STEPS / 2).min(all.len() - MOST_STEPS);
            shown = all.get(first..first + MOST_STEPS).unwrap_or_default();
        }
        shown.iter().map(Step::shown).collect()
    }
}

/// Acts of one kind in a row.
struct Step<'a> {
    first: Timestamp,
    last: Timestamp,
    /// `eventSource`, `eventName`, `errorCode`, `awsRegion`.
    call: [&'a str; 4],
    count: u64,
    is_subject: bool,
}

impl Step<'_> {
    fn shown(&self) -> SessionStep {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let [provider, action, error, region] = self.call;
        SessionStep {
            first: self.first.to_string(),
            last: self.last.to_string(),
            provider: provider.to_owned(),
            action: action.to_owned(),
            error: text(error),
            region: text(region),
            count: self.count,
            is_subject: self.is_subject,
        }
    }
}

fn sentence(
    provider: &str,
    action: &str,
    error: &str,
    group: &Group<'_>,
    session: &str,
    first: Timestamp,
    last: Timestamp,
) -> String {
    let times = plural(group.count, "time");
    let when = if first == last { format!("at {first}") } else { format!("between {first} and {last}") };
    let call = format!("`{action}` of {provider}");
    let on = targets_of(&group.targets);
    if !error.is_empty() {
        let how = if is_denial(error) { "was refused" } else { "failed" };
        return format!("{call} {how} {times} with {error}, {when}{session}{on}.");
    }
    let does = consequence_of(provider, action).unwrap_or("is in the tables of grave calls");
    format!("{call} was called {times}, {when}{session}{on}. This {does}.")
}

/// `, on …` for what is known of the targets.
fn targets_of(targets: &BTreeSet<Arc<str>>) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = targets.iter().take(SHOWN).map(|target| format!("`{target}`")).collect();
    match targets.len().checked_sub(SHOWN) {
        _ if shown.is_empty() => String::new(),
        None | Some(0) => format!(", on {}", shown.join(", ")),
        Some(more) => format!(", on {} and {more} more", shown.join(", ")),
    }
}
