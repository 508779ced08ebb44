//! What an investigation found, and the answers to the parts of a question that it gives.

use std::collections::BTreeMap;

use ecs::{Document, Timestamp};
use serde_json::Value;

use crate::activity::Activity;
use crate::actor::{Actor, Novelty, plural};
use crate::answer::{Answer, Answered, Evidence};
use crate::event::Event;
use crate::key_policy::policy_sentences;
use crate::kms::blast_radius::{BlastRadius, Grade};
use crate::kms::key_report::{KeyReport, TimelineEntry};
use crate::kms::reimport::Reimport;
use crate::kms::state::{Certainty, KeyState};
use crate::question::{Aspect, Question};
use crate::surroundings::{Gravity, Surroundings};

/// Sentences of one kind that an answer shows; further ones are counted.
const MOST_SENTENCES: usize = 12;

/// Events that an answer rests on, at most.
const MOST_EVIDENCE: usize = 20;

/// What an investigation found.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) events: &'a [Event],
    pub(crate) document: &'a Document,
    pub(crate) activity: &'a Activity,
    pub(crate) actor: Option<&'a Actor>,
    pub(crate) cause: Option<&'a TimelineEntry>,
    pub(crate) keys: &'a [KeyReport],
    pub(crate) blast_radius: &'a [BlastRadius],
    pub(crate) reimport: Option<&'a Reimport>,
    pub(crate) surroundings: &'a Surroundings,
    /// Set where the one who brought it about is somebody else.
    pub(crate) around_cause: Option<&'a Surroundings>,
    /// From where to where was looked.
    pub(crate) window: Option<(Timestamp, Timestamp)>,
}

/// The answer to a part of a question.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) text: Vec<String>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) missing: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Part {
    fn says(text: impl Into<String>) -> Self {
        Self { text: vec![text.into()], ..Self::default() }
    }

    fn lacks(why: impl Into<String>) -> Self {
        Self { missing: vec![why.into()], ..Self::default() }
    }

    fn absorb(&mut self, other: Self) {
        let add = |to: &mut Vec<String>, from: Vec<String>| {
            for text in from {
                if !to.contains(&text) {
                    to.push(text);
                }
            }
        };
        add(&mut self.text, other.text);
        add(&mut self.missing, other.missing);
        add(&mut self.warnings, other.warnings);
        for evidence in other.evidence {
            if !self.evidence.contains(&evidence) {
                self.evidence.push(evidence);
            }
        }
    }

    fn answer(mut self) -> Answer {
        self.evidence.sort_by(|a, b| (&a.time, &a.event_id).cmp(&(&b.time, &b.event_id)));
        self.evidence.truncate(MOST_EVIDENCE);
        let answered = match (self.text.is_empty(), self.missing.is_empty()) {
            (false, true) => Answered::Yes,
            (false, false) => Answered::Partly,
            (true, _) => Answered::No,
        };
        let why = match (answered, self.missing.is_empty()) {
            (Answered::Yes, _) => None,
            (_, true) => Some("Nothing in the logs at hand speaks to this.".to_owned()),
            (_, false) => Some(self.missing.join(" ")),
        };
        Answer {
            answered,
            text: self.text,
            evidence: self.evidence,
            why_not_whole: why,
            warnings: self.warnings,
        }
    }
}

/// Which question told an aspect first.
pub(crate) type Told = BTreeMap<Aspect, usize>;

/// The long parts, as the beginning of a sentence.
fn subject_of(aspect: Aspect) -> Option<&'static str> {
    match aspect {
        Aspect::Who => Some("Who acted"),
        Aspect::Usual => Some("How usual it is for the principal"),
        Aspect::Which => Some("What the alert is about"),
        Aspect::Dependents => Some("What depends on the key"),
        Aspect::Request => Some("What the call asked for"),
        Aspect::Around => Some("What else the same principal did"),
        Aspect::Alerts => Some("Whether there are other alerts"),
        _ => None,
    }
}

impl Findings<'_> {
    /// Answers a question part by part. `number` is the question's, from 1 on; what an earlier one has told at length
    /// is told again by its number, with the same evidence.
    pub(crate) fn answer(&self, question: &Question, number: usize, told: &mut Told) -> Answer {
        let mut whole = Part::default();
        for aspect in &question.aspects {
            let mut part = match aspect {
                Aspect::Who => self.who(),
                Aspect::Cause => self.brought_about(),
                Aspect::Usual => self.usual(),
                Aspect::Which => self.which(),
                Aspect::Dependents => self.dependents(),
                Aspect::Failing => self.failing(),
                Aspect::State => self.state(),
                Aspect::Reimport => self.reimport(),
                Aspect::Access => self.access(),
                Aspect::Request => self.request(),
                Aspect::Around => around(self.surroundings),
                Aspect::AroundCause => around(self.around_cause.unwrap_or(self.surroundings)),
                Aspect::Alerts => self.alerts(),
            };
            if let (Some(what), false) = (subject_of(*aspect), part.text.is_empty()) {
                let earlier = *told.entry(*aspect).or_insert(number);
                if earlier != number {
                    part.text = vec![format!("{what} is in the answer to question {earlier}.")];
                }
            }
            whole.absorb(part);
        }
        whole.absorb(self.fields(question));
        whole.absorb(self.parameters(question));
        whole.absorb(self.calls(question));
        whole.absorb(Part { missing: question.beyond_logs.clone(), ..Part::default() });
        whole.answer()
    }

    fn who(&self) -> Part {
        let Some(actor) = self.actor else {
            let mut part = Part::lacks(
                "The event names nobody, and no earlier call in the logs at hand shows who is behind it.",
            );
            part.evidence = self.own("the event of the alert");
            return part;
        };
        let mut part = Part::default();
        let principal = actor.principal.as_deref().unwrap_or("somebody without a name");
        let kind = actor.kind.as_deref().map(|kind| format!(" ({kind})")).unwrap_or_default();
        let session = actor
            .session_name
            .as_deref()
            .map(|name| format!(", in the session `{name}`"))
            .unwrap_or_default();
        part.text.push(format!("`{principal}`{kind} acted{session}."));
        let key = actor.access_key.as_deref().map_or("The record names no access key".to_owned(), |key| {
            format!("The call was signed with the access key `{key}`")
        });
        let factor = match actor.mfa {
            Some(true) => "with a second factor",
            Some(false) => "without a second factor",
            None => "and the record does not say whether there was a second factor",
        };
        let console = match actor.console {
            Some(true) => " It came from the console.",
            Some(false) => " It did not come from the console.",
            None => "",
        };
        part.text.push(format!("{key}, {factor}.{console}"));
        part.text.push(from_where(actor));
        part.text.extend(actor.origin_because.clone());
        if let (None, Some(cause)) =
            (self.events.iter().find_map(|event| event.identity.arn.as_ref()), self.cause)
        {
            part.text.insert(
                0,
                format!("The event itself names nobody; `{}` at {} led to it.", cause.action, cause.time),
            );
            part.evidence.push(cause.evidence.clone());
        }
        part.evidence.extend(self.own("the event of the alert"));
        part.evidence.extend(actor.chain.iter().cloned());
        part
    }

    fn brought_about(&self) -> Part {
        let Some(cause) = self.cause else {
            return Part::lacks("No earlier call that led to this is in the logs at hand.");
        };
        let who = cause.principal.as_deref().unwrap_or("a service of AWS");
        Part {
            text: vec![format!("`{}` by `{who}` at {} led to it.", cause.action, cause.time)],
            evidence: vec![cause.evidence.clone()],
            ..Part::default()
        }
    }

    fn usual(&self) -> Part {
        let Some(actor) = self.actor else {
            return Part::lacks("Without a principal nothing can be compared.");
        };
        let mut part = Part::default();
        for wanted in [Novelty::New, Novelty::Rare, Novelty::Usual, Novelty::Unknown] {
            let of_kind = actor.traits.iter().filter(|found| found.novelty == wanted);
            part.text.extend(of_kind.map(|found| found.says.clone()));
        }
        if actor.baseline.long_enough {
            part.text.push(actor.baseline.says.clone());
        } else {
            part.missing.push(actor.baseline.says.clone());
        }
        part
    }

    fn which(&self) -> Part {
        let mut part = Part::default();
        for event in self.events.iter().take(3) {
            let outcome =
                event.error.as_deref().map_or("succeeded".to_owned(), |error| format!("failed with {error}"));
            let place = event.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
            let account = event
                .account
                .as_deref()
                .map(|account| format!(" of the account {account}"))
                .unwrap_or_default();
            part.text.push(format!(
                "`{}` of {} was called at {}{place}{account}, and {outcome}.",
                event.action, event.provider, event.time
            ));
        }
        let calls = part.text.len();
        for key in self.keys {
            let aliases = if key.aliases.is_empty() {
                String::new()
            } else {
                format!(", known as {}", quoted(&key.aliases))
            };
            let origin = match key.origin.as_deref() {
                Some("EXTERNAL") => " Its material was imported.".to_owned(),
                Some("AWS_KMS") => " Its material was made by KMS.".to_owned(),
                Some(other) => format!(" Its origin is {other}."),
                None => String::new(),
            };
            part.text.push(format!("The alert is about the key `{}`{aliases}.{origin}", key.key));
            if !key.related.is_empty() {
                part.text.push(format!(
                    "It is a multi-Region key; in other Regions it is {}.",
                    quoted(&key.related)
                ));
            }
        }
        let mut arns: Vec<String> = self
            .events
            .iter()
            .flat_map(|event| &event.resources)
            .filter_map(|resource| resource.arn.clone())
            .collect();
        arns.sort();
        arns.dedup();
        arns.retain(|arn| !self.keys.iter().any(|key| key.key == *arn));
        if !arns.is_empty() {
            let shown = arns.len().min(MOST_SENTENCES);
            part.text.push(format!("The record names {}.", quoted(arns.get(..shown).unwrap_or_default())));
        }
        if part.text.len() == calls {
            let request = self.request();
            part.absorb(request);
            part.missing.push("The record names no resource; what it is about stands in the parameters of the call at best.".to_owned());
        }
        part.evidence = self.own("the event of the alert");
        part
    }

    fn dependents(&self) -> Part {
        if self.keys.is_empty() {
            return Part::lacks("The alert names no key, so what depends on it cannot be looked up.");
        }
        if self.blast_radius.is_empty() {
            return Part::lacks("What depends on the key was not looked up.");
        }
        let mut part = Part::default();
        for radius in self.blast_radius {
            if radius.dependents.is_empty() {
                part.text.push(format!(
                    "In the logs at hand nothing is seen to depend on the key `{}`.",
                    radius.key
                ));
            }
            for dependent in radius.dependents.iter().take(MOST_SENTENCES) {
                part.text.push(dependent.says.clone());
                part.evidence.extend(dependent.evidence.iter().cloned());
            }
            if let Some(more) = radius.dependents.len().checked_sub(MOST_SENTENCES).filter(|more| *more > 0) {
                part.text.push(format!(
                    "{} more depend on it.",
                    plural(more as u64, "service, resource or principal")
                ));
            }
            if radius.dependents.is_empty() {
                part.missing.extend(radius.unknown_because.iter().cloned());
            } else {
                part.warnings.extend(radius.unknown_because.iter().cloned());
            }
        }
        part
    }

    fn failing(&self) -> Part {
        if self.keys.is_empty() {
            return Part::default();
        }
        let mut part = Part::default();
        let broken = self
            .blast_radius
            .iter()
            .flat_map(|radius| &radius.dependents)
            .filter(|one| one.grade == Grade::BrokenNow);
        for dependent in broken.take(MOST_SENTENCES) {
            part.text.push(dependent.says.clone());
            part.evidence.extend(dependent.evidence.iter().cloned());
        }
        for key in self.keys.iter().filter(|key| key.failed_uses > 0) {
            part.text.push(format!("{} of the key `{}` failed.", plural(key.failed_uses, "use"), key.key));
        }
        if part.text.is_empty() {
            let until = self
                .activity
                .span()
                .map(|(_, end)| format!(" up to {end}, the end of the logs at hand"))
                .unwrap_or_default();
            part.text.push(format!("No use of the key is seen to fail{until}."));
            part.warnings.push("No failing call is no proof that nothing is broken: cached data keys and S3 bucket keys hide the loss for a while.".to_owned());
        }
        part
    }

    fn state(&self) -> Part {
        if self.keys.is_empty() {
            return Part::lacks("The alert names no key, so no state of a key can be given.");
        }
        let mut part = Part::default();
        for key in self.keys {
            if key.state == KeyState::Unknown || key.certainty == Certainty::Unknown {
                part.missing.push(format!(
                    "The state of the key `{}` does not follow from the logs at hand. {}",
                    key.key, key.because
                ));
            } else {
                let since = key.since.as_deref().map(|since| format!(" since {since}")).unwrap_or_default();
                let inferred = if key.certainty == Certainty::Inferred {
                    " This is inferred, not recorded."
                } else {
                    ""
                };
                part.text.push(format!(
                    "The key `{}` is in the state {:?}{since}. {}{inferred}",
                    key.key, key.state, key.because
                ));
            }
            part.text.extend(key.clocks.iter().map(|clock| clock.says.clone()));
            part.evidence.extend(key.cause.iter().cloned());
        }
        if let Some((_, end)) = self.activity.span() {
            part.warnings.push(format!(
                "This is what the logs at hand show up to {end}; only KMS itself knows the state now."
            ));
        }
        part
    }

    fn reimport(&self) -> Part {
        match self.reimport {
            Some(reimport) => {
                Part { text: reimport.says.clone(), evidence: reimport.evidence.clone(), ..Part::default() }
            }
            None if self.keys.is_empty() => {
                Part::lacks("The alert names no key, so imports cannot be looked up.")
            }
            None => Part::says(
                "The logs at hand show no deletion of imported material after which it would still be missing.",
            ),
        }
    }

    fn access(&self) -> Part {
        let mut part = Part::default();
        for event in self.events {
            let policy = event.request.get("policy").and_then(Value::as_str);
            if let Some(policy) = policy {
                match serde_json::from_str::<Value>(policy) {
                    Ok(policy) => part.text.extend(policy_sentences(&policy, event.account.as_deref())),
                    Err(_) => part
                        .missing
                        .push(format!("The policy in the request of `{}` cannot be read.", event.action)),
                }
            }
            if let Some(grantee) = event.request.get("granteePrincipal").and_then(Value::as_str) {
                let operations: Vec<String> = event
                    .request
                    .get("operations")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
                part.text.push(format!("The grant lets `{grantee}` call {}.", quoted(&operations)));
            }
            if !part.text.is_empty() {
                part.evidence.push(Evidence::of(event, "who is let in"));
            }
        }
        let changes = ["PutKeyPolicy", "CreateGrant", "RevokeGrant", "RetireGrant"];
        let own: Vec<&String> = self.events.iter().filter_map(|event| event.id.as_ref()).collect();
        for key in self.keys {
            let others: Vec<&TimelineEntry> = key
                .timeline
                .iter()
                .filter(|entry| changes.contains(&entry.action.as_str()) && entry.error.is_none())
                .filter(|entry| entry.evidence.event_id.as_ref().is_none_or(|id| !own.contains(&id)))
                .collect();
            if others.is_empty() {
                part.text.push(format!(
                    "The logs at hand show no other change of the policy or the grants of the key `{}`.",
                    key.key
                ));
            }
            for entry in others.iter().rev().take(MOST_SENTENCES).rev() {
                let who = entry.principal.as_deref().unwrap_or("a service of AWS");
                part.text.push(format!(
                    "`{}` by `{who}` at {} changed who can use the key as well.",
                    entry.action, entry.time
                ));
                part.evidence.push(entry.evidence.clone());
            }
        }
        if part.text.is_empty() && !self.keys.is_empty() {
            part.missing
                .push("The event holds no policy and no grant, and the logs at hand show none.".to_owned());
        }
        part
    }

    fn request(&self) -> Part {
        let mut part = Part::default();
        for event in self.events.iter().take(MOST_SENTENCES) {
            if !event.request.is_null() {
                part.text.push(format!(
                    "The parameters of `{}` were `{}`.",
                    event.action,
                    shortened(&event.request.to_string())
                ));
                part.evidence.push(Evidence::of(event, "the parameters of the call"));
            }
        }
        if part.text.is_empty() {
            part.missing.push("The record holds no parameters of the call.".to_owned());
        }
        part
    }

    fn alerts(&self) -> Part {
        if self.actor.is_none() {
            return Part::default();
        }
        let alerts = &self.surroundings.alerts;
        if alerts.is_empty() {
            return Part::says("No other alert on the same principal lies within 24 hours.");
        }
        let mut part = Part::says(format!(
            "{} on the same principal{} lie within 24 hours.",
            plural(alerts.len() as u64, "other alert"),
            if alerts.iter().any(|alert| alert.linked) {
                ", or on sessions that hang together with this one,"
            } else {
                ""
            }
        ));
        for alert in alerts.iter().take(MOST_SENTENCES) {
            part.text.push(format!("\"{}\" ({}) at {}.", alert.rule_name, alert.severity, alert.time));
        }
        part
    }

    fn own(&self, shows: &str) -> Vec<Evidence> {
        self.events.iter().map(|event| Evidence::of(event, shows)).collect()
    }
}

fn around(surroundings: &Surroundings) -> Part {
    let mut part = Part { missing: surroundings.missing.clone(), ..Part::default() };
    let (Some(from), Some(to)) = (&surroundings.from, &surroundings.to) else { return part };
    for link in surroundings.linked.iter().filter(|link| link.acts > 0).take(MOST_SENTENCES) {
        part.text.push(link.says.clone());
        part.evidence.extend(link.began.clone());
    }
    let telling: Vec<_> = surroundings.acts.iter().filter(|act| act.gravity != Gravity::Discovery).collect();
    for act in telling.iter().take(MOST_SENTENCES) {
        part.text.push(act.says.clone());
        part.evidence.extend(act.evidence.iter().cloned());
    }
    if let Some(more) = telling.len().checked_sub(MOST_SENTENCES).filter(|more| *more > 0) {
        part.text.push(format!("The surroundings list more: {}.", plural(more as u64, "other sort")));
    }
    let looked: u64 = surroundings.count_of(Gravity::Discovery);
    if looked > 0 {
        part.text.push(format!("It also looked around with {}.", plural(looked, "reading call")));
    }
    // Nothing found where nothing could be looked through says nothing.
    let blind = surroundings
        .missing
        .iter()
        .any(|why| why.contains("no logs at hand") || why.contains("names nobody"));
    if part.text.is_empty() && !blind {
        let linked = match surroundings.linked.len() as u64 {
            0 => String::new(),
            count => format!(", nor did {} that hang together with this one", plural(count, "session")),
        };
        part.text.push(format!(
            "From {from} to {to} the same principal made no other call that is in the tables of grave calls{linked}."
        ));
    }
    part
}

fn from_where(actor: &Actor) -> String {
    let address = actor
        .address
        .as_deref()
        .map_or("an address that the record does not name".to_owned(), |address| format!("`{address}`"));
    let origin = actor.origin.as_ref().map(|origin| {
        let network = match (origin.as_number, origin.as_organization.as_deref()) {
            (Some(number), Some(name)) => format!("network AS{number} {name}"),
            (Some(number), None) => format!("network AS{number}"),
            (None, Some(name)) => format!("network {name}"),
            (None, None) => String::new(),
        };
        let country =
            origin.country.as_deref().map(|country| format!("country {country}")).unwrap_or_default();
        let parts: Vec<String> = [country, network].into_iter().filter(|part| !part.is_empty()).collect();
        format!(" ({})", parts.join(", "))
    });
    let client =
        actor.user_agent.as_deref().map_or("a client that the record does not name".to_owned(), |agent| {
            format!("the client `{}`", shortened(agent))
        });
    format!("It came from {address}{} with {client}.", origin.unwrap_or_default())
}

pub(crate) fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 500;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
