//! Who acted, how they were authenticated, and what of it is unusual for them.

use ecs::Timestamp;
use serde::Serialize;

use crate::activity::{Activity, Alike, Seen};
use crate::answer::Evidence;
use crate::event::{Event, Origin};
use crate::identity::Identity;
use crate::sessions::SessionStart;

/// Who acted. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Actor {
    /// The role behind a session, else the identity's ARN or id.
    pub principal: Option<String>,
    /// `userIdentity.type`.
    pub kind: Option<String>,
    /// The identity's own ARN.
    pub arn: Option<String>,
    /// The name of the session.
    pub session_name: Option<String>,
    /// The human or machine at the start of the chain, where the logs show it: an ARN or a name.
    pub origin_principal: Option<String>,
    /// How that is known, or why it is not: a whole sentence.
    pub origin_because: Option<String>,
    /// The calls that began the session and those before it, the latest first.
    pub chain: Vec<Evidence>,
    /// Was there a second factor?
    pub mfa: Option<bool>,
    /// Did the session come from the console?
    pub console: Option<bool>,
    /// `accessKeyId`.
    pub access_key: Option<String>,
    /// When that key was first seen in the logs at hand.
    pub access_key_first_seen: Option<String>,
    /// `sourceIPAddress`.
    pub address: Option<String>,
    /// Where the address lies, when databases were given.
    pub origin: Option<Origin>,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// What normal rests on.
    pub baseline: Baseline,
    /// What was new, rare or usual in the alert's event.
    pub traits: Vec<Trait>,
    /// Events of the principal by hour of the day, UTC; 24 counts.
    pub hours: Vec<u64>,
}

/// What normal rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Baseline {
    /// The first event of the data at hand.
    pub from: Option<String>,
    /// The alert's event.
    pub to: Option<String>,
    /// Events of the principal before the alert's.
    pub events: u64,
    /// The principal's first.
    pub first_seen: Option<String>,
    /// The principal's last before the alert's.
    pub last_seen: Option<String>,
    /// Days on which the principal was seen before.
    pub days: u64,
    /// Do the logs reach back [`MIN_DATA_DAYS`] and hold everything since?
    pub reaches_back: bool,
    /// Is it long enough to call something unusual? By [`MIN_DATA_DAYS`], [`MIN_DAYS`] and [`MIN_EVENTS`].
    pub long_enough: bool,
    /// The same as a whole sentence.
    pub says: String,
}

/// One property of the alert's event against what was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trait {
    /// Which property.
    pub kind: TraitKind,
    /// Its value.
    pub value: String,
    /// Events of the principal before with the same value.
    pub before: u64,
    /// The first of them.
    pub first_seen: Option<String>,
    /// How unusual.
    pub novelty: Novelty,
    /// A whole sentence.
    pub says: String,
}

/// A property that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraitKind {
    /// The call itself.
    Action,
    /// Where it came from.
    Address,
    /// The country of the address.
    Country,
    /// The network of the address.
    Network,
    /// The client.
    UserAgent,
    /// The Region.
    Region,
    /// The hour of the day, UTC.
    Hour,
    /// The access key.
    AccessKey,
}

/// How unusual something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Novelty {
    /// Not before the last 24 hours, and the baseline is long enough to say so.
    New,
    /// Before the last 24 hours, but on one day only or less than [`USUAL_EVENTS`] times.
    Rare,
    /// On several days before.
    Usual,
    /// The baseline is too short to say.
    Unknown,
}

/// Days that the data at hand has to reach back before an alert, for anything to be called new or rare.
pub const MIN_DATA_DAYS: i64 = 7;
/// Days on which the principal has to be seen more than 24 hours before the alert.
pub const MIN_DAYS: u64 = 3;
/// Events of the principal that have to lie more than 24 hours before the alert.
pub const MIN_EVENTS: u64 = 20;
/// Events with a value, more than 24 hours before the alert, from which on it is usual, if they lie on at least
/// [`USUAL_DAYS`] days.
pub const USUAL_EVENTS: u64 = 3;
/// See [`USUAL_EVENTS`].
pub const USUAL_DAYS: u64 = 2;

/// Looks up where an address lies.
pub type OriginOf<'a> = &'a (dyn Fn(&str) -> Option<Origin> + Sync);

impl Actor {
    /// Who is behind an event, and what of it is unusual for them, by what they did before it. `None` when the event
    /// names nobody.
    ///
    /// What was first seen within the 24 hours before the event counts as new: an intruder's own first steps must not
    /// make the rest of the intrusion look usual.
    pub fn of(event: &Event, activity: &Activity, origin_of: Option<OriginOf<'_>>) -> Option<Self> {
        let identity = &event.identity;
        let principal = identity.principal()?;
        let history = activity.history(&principal, event.time);
        let baseline = baseline_of(activity, &history.all, event.time);
        let origin = event.origin.clone().or_else(|| origin_of?(event.address.as_deref()?));
        let chain = activity.sessions().proven_chain_of(identity, event.time);
        let (origin_principal, origin_because) = beginning_of(identity, &chain);
        let key = event.identity.access_key.as_deref();
        let first_of_key = key.map(|key| activity.seen(&principal, event.time, Alike::AccessKey(key)));
        let mut traits = Traits {
            activity,
            principal: &principal,
            event,
            long_enough: baseline.long_enough,
            found: Vec::new(),
        };
        traits.compare(origin.as_ref(), origin_of);
        let traits = traits.found;
        Some(Self {
            kind: identity.kind.clone(),
            arn: identity.arn.clone(),
            session_name: identity.session_name().map(str::to_owned),
            origin_principal,
            origin_because,
            chain: chain.iter().map(|start| start.evidence()).collect(),
            mfa: identity.mfa,
            console: console_of(event),
            access_key: identity.access_key.clone(),
            access_key_first_seen: first_of_key.and_then(|seen| seen.first).map(|first| first.to_string()),
            address: event.address.clone(),
            origin,
            user_agent: event.user_agent.clone(),
            baseline,
            traits,
            hours: history.hours.to_vec(),
            principal: Some(principal),
        })
    }

    /// The trait of one kind.
    pub fn trait_of(&self, kind: TraitKind) -> Option<&Trait> {
        self.traits.iter().find(|found| found.kind == kind)
    }
}

/// The name of a client without its version: `aws-cli` of `aws-cli/2.27.0 …`. Updates make no new client.
pub fn client_of(user_agent: &str) -> &str {
    let end = user_agent.find(['/', ' ']).unwrap_or(user_agent.len());
    user_agent.get(..end).unwrap_or(user_agent)
}

fn baseline_of(activity: &Activity, all: &Seen, before: Timestamp) -> Baseline {
    let from = activity.span().map(|(from, _)| from).filter(|from| *from < before);
    let hours = from.map_or(0, |from| before.duration_since(from).as_hours());
    let lost = activity.left_out().first.is_some_and(|first| first < before);
    let reaches_back = activity.reaches_back(before);
    let enough = all.earlier_days >= MIN_DAYS && all.earlier_events >= MIN_EVENTS;
    let span = match hours {
        0 => "less than an hour".to_owned(),
        1..48 => plural(hours.unsigned_abs(), "hour"),
        _ => plural(hours.unsigned_abs() / 24, "day"),
    };
    let seen = match all.events {
        0 => "This principal is not seen in them before the event".to_owned(),
        events => format!(
            "This principal is seen in {} on {} before the event",
            plural(events, "event"),
            plural(all.days, "day")
        ),
    };
    let verdict = if lost {
        "Not everything fitted into memory, so nothing is called new or rare.".to_owned()
    } else if !reaches_back {
        format!("That is less than {MIN_DATA_DAYS} days of logs, too short to call anything new or rare.")
    } else if !enough {
        format!(
            "Fewer than {MIN_EVENTS} events on {MIN_DAYS} days lie more than 24 hours back: too few to call anything new or rare for this principal."
        )
    } else {
        "That is long enough to compare.".to_owned()
    };
    Baseline {
        from: from.map(|from| from.to_string()),
        to: Some(before.to_string()),
        events: all.events,
        first_seen: all.first.map(|first| first.to_string()),
        last_seen: all.last.map(|last| last.to_string()),
        days: all.days,
        reaches_back,
        long_enough: reaches_back && enough,
        says: format!("The logs at hand reach back {span} before the event. {seen}. {verdict}"),
    }
}

/// The human or machine at the start, and how that is known.
fn beginning_of(identity: &Identity, chain: &[&SessionStart]) -> (Option<String>, Option<String>) {
    let told = |who: &str, because: String| (Some(who.to_owned()), Some(because));
    if let Some(source) = &identity.source_identity {
        return told(
            source,
            format!(
                "The session carries the source identity `{source}`, which was set when its first role was taken and cannot be changed."
            ),
        );
    }
    if let Some(first) = chain.last() {
        let caller = first.caller();
        let how = format!(
            "`{}` at {} began {}",
            first.action,
            first.time,
            if chain.len() == 1 {
                "this session".to_owned()
            } else {
                format!("a chain of {} sessions that leads to this one", chain.len())
            }
        );
        let named = caller.source_identity.as_deref().or(match caller.kind.as_deref() {
            Some("SAMLUser" | "WebIdentityUser") => caller.user_name.as_deref(),
            _ => None,
        });
        let who = named
            .or(caller.arn.as_deref())
            .or(caller.principal_id.as_deref())
            .or(caller.invoked_by.as_deref());
        if let Some(who) = who {
            return told(who, format!("{how}, and its caller was `{who}`."));
        }
    }
    match (identity.kind.as_deref(), identity.session_name()) {
        (Some("IAMUser" | "Root"), _) => match identity.arn.as_deref() {
            Some(arn) => told(
                arn,
                "The call was made with credentials of this identity itself, not through a role.".to_owned(),
            ),
            None => (None, None),
        },
        (_, Some(session)) if is_identity_center(identity) => told(
            session,
            "The role is one of IAM Identity Center, which names each session after the user that signed in."
                .to_owned(),
        ),
        (_, Some(session)) => (
            None,
            Some(format!(
                "No call that began this session is in the logs at hand. Its name is `{session}`; whoever takes a role may choose that name, so it proves nothing."
            )),
        ),
        _ => (None, None),
    }
}

/// Roles of IAM Identity Center begin so. Source: IAM Identity Center user guide, "Referencing permission sets".
fn is_identity_center(identity: &Identity) -> bool {
    let names = [identity.issuer_arn.as_deref(), identity.arn.as_deref()];
    names.into_iter().flatten().any(|name| name.contains("AWSReservedSSO_"))
}

/// `None` where the record has nothing to tell by.
fn console_of(event: &Event) -> Option<bool> {
    let marks = ["signin.amazonaws.com", "console.amazonaws.com", "console.aws.amazon.com", "Mozilla/"];
    if event.from_console == Some(true) || event.provider == "signin.amazonaws.com" {
        return Some(true);
    }
    let agent = event.user_agent.as_deref().filter(|agent| *agent != "AWS Internal")?;
    Some(marks.iter().any(|mark| agent.contains(mark)))
}

struct Traits<'a> {
    activity: &'a Activity,
    principal: &'a str,
    event: &'a Event,
    long_enough: bool,
    found: Vec<Trait>,
}

impl Traits<'_> {
    fn compare(&mut self, origin: Option<&Origin>, origin_of: Option<OriginOf<'_>>) {
        let event = self.event;
        self.add(TraitKind::Action, &event.action, Alike::Call(&event.provider, &event.action));
        if let Some(address) = event.address.as_deref() {
            self.add(TraitKind::Address, address, Alike::Address(address));
        }
        if let (Some(origin), Some(origin_of)) = (origin, origin_of) {
            if let Some(country) = origin.country.as_deref() {
                let same = |address: &str| {
                    origin_of(address).and_then(|origin| origin.country).as_deref() == Some(country)
                };
                self.add(TraitKind::Country, country, Alike::AddressThat(&same));
            }
            if let Some(number) = origin.as_number {
                let name = origin.as_organization.as_deref().unwrap_or_default();
                let value = format!("AS{number} {name}");
                let same =
                    |address: &str| origin_of(address).and_then(|origin| origin.as_number) == Some(number);
                self.add(TraitKind::Network, value.trim_end(), Alike::AddressThat(&same));
            }
        }
        if let Some(agent) = event.user_agent.as_deref() {
            let client = client_of(agent);
            let same = |agent: &str| client_of(agent) == client;
            self.add(TraitKind::UserAgent, client, Alike::UserAgentThat(&same));
        }
        if let Some(region) = event.region.as_deref() {
            self.add(TraitKind::Region, region, Alike::Region(region));
        }
        let hour = u8::try_from(event.time.as_second().div_euclid(3_600).rem_euclid(24)).unwrap_or(0);
        self.add(TraitKind::Hour, &format!("{hour:02}:00 to {hour:02}:59 UTC"), Alike::Hour(hour));
        // Keys of sessions (ASIA…) are new with every session: only long-term keys say something.
        if let Some(key) = event.identity.access_key.as_deref().filter(|key| key.starts_with("AKIA")) {
            self.add(TraitKind::AccessKey, key, Alike::AccessKey(key));
        }
    }

    fn add(&mut self, kind: TraitKind, value: &str, alike: Alike<'_>) {
        let seen = self.activity.seen(self.principal, self.event.time, alike);
        let novelty = if !self.long_enough {
            Novelty::Unknown
        } else if seen.earlier_events == 0 {
            Novelty::New
        } else if !seen.is_usual() {
            Novelty::Rare
        } else {
            Novelty::Usual
        };
        self.found.push(Trait {
            kind,
            value: value.to_owned(),
            before: seen.events,
            first_seen: seen.first.map(|first| first.to_string()),
            novelty,
            says: sentence(kind, value, &seen, novelty),
        });
    }
}

fn sentence(kind: TraitKind, value: &str, seen: &Seen, novelty: Novelty) -> String {
    let what = match kind {
        TraitKind::Action => "The call",
        TraitKind::Address => "The address",
        TraitKind::Country => "The country",
        TraitKind::Network => "The network",
        TraitKind::UserAgent => "The client",
        TraitKind::Region => "The Region",
        TraitKind::Hour => "The hour",
        TraitKind::AccessKey => "The access key",
    };
    let count = match (seen.events, seen.first) {
        (0, _) | (_, None) => "it is not in this principal's earlier events".to_owned(),
        (events, Some(first)) => format!(
            "it is in {} of this principal on {}, first at {first}",
            plural(events, "earlier event"),
            plural(seen.days, "day")
        ),
    };
    let judged = match novelty {
        Novelty::New => "is new for this principal",
        Novelty::Rare => "is rare for this principal",
        Novelty::Usual => "is usual for this principal",
        Novelty::Unknown => "cannot be judged",
    };
    format!("{what} `{value}` {judged}: {count}.")
}

/// A number with its noun.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::Act;
    use crate::activity::{About, ActReader};
    use crate::place::Place;

    const ANA: &str = "arn:aws:iam::111122223333:user/ana";

    fn event(time: &str, address: &str, agent: &str) -> Event {
        let record = serde_json::json!({
            "eventTime": time, "eventSource": "kms.amazonaws.com", "eventName": "DisableKey", "awsRegion": "eu-west-1",
            "sourceIPAddress": address, "userAgent": agent,
            "userIdentity": { "type": "IAMUser", "arn": ANA, "accessKeyId": "AKIAEXAMPLEANA", "userName": "ana" },
        });
        Event::of_record(record.as_object().unwrap(), Place::Unknown).unwrap()
    }

    /// Ten events a day, each with one address, at nine.
    fn activity(days: &[(&str, &str)]) -> Activity {
        let mut reader = ActReader::default();
        for (day, address) in days {
            for minute in 0..10 {
                let event = event(&format!("{day}T09:{minute:02}:00Z"), address, "aws-cli/2.27.0 x");
                reader.push(&Act::of(&event, ANA), 0, About::Nothing);
            }
        }
        let mut activity = Activity::default();
        activity.take(reader.batch(Place::Unknown), |_| true);
        activity
    }

    fn novelty(actor: &Actor, kind: TraitKind) -> Novelty {
        actor.trait_of(kind).unwrap().novelty
    }

    #[test]
    fn what_is_new_rare_and_usual() {
        let home = "192.0.2.1";
        let activity = activity(&[
            ("2026-03-01", home),
            ("2026-03-02", home),
            ("2026-03-03", home),
            ("2026-03-04", "192.0.2.2"),
            ("2026-03-10", "192.0.2.3"),
        ]);
        for (address, time, expected) in [
            (home, "2026-03-10T09:30:00Z", Novelty::Usual),
            ("192.0.2.2", "2026-03-10T09:30:00Z", Novelty::Rare),
            // Seen ten times before, but all of it this morning.
            ("192.0.2.3", "2026-03-10T09:30:00Z", Novelty::New),
            ("192.0.2.9", "2026-03-10T09:30:00Z", Novelty::New),
            // Six days of data are too short for any of it.
            ("192.0.2.9", "2026-03-07T09:00:00Z", Novelty::Unknown),
            (home, "2026-03-07T09:00:00Z", Novelty::Unknown),
        ] {
            let actor = Actor::of(&event(time, address, "aws-cli/2.99.1 y"), &activity, None).unwrap();
            assert_eq!(novelty(&actor, TraitKind::Address), expected, "{address} {time}");
            if expected != Novelty::Unknown {
                assert_eq!(
                    novelty(&actor, TraitKind::UserAgent),
                    Novelty::Usual,
                    "a new version is no new client"
                );
                assert_eq!(novelty(&actor, TraitKind::Hour), Novelty::Usual);
            }
        }
    }

    #[test]
    fn data_that_starts_minutes_before_calls_nothing_new() {
        let activity = activity(&[("2026-03-10", "192.0.2.1")]);
        let actor =
            Actor::of(&event("2026-03-10T09:20:00Z", "192.0.2.9", "curl/8"), &activity, None).unwrap();
        assert!(!actor.baseline.long_enough);
        assert!(actor.traits.iter().all(|found| found.novelty == Novelty::Unknown), "{:?}", actor.traits);
        assert!(actor.baseline.says.contains("less than 7 days"), "{}", actor.baseline.says);
        assert_eq!(actor.hours[9], 10);
        assert_eq!(actor.origin_principal.as_deref(), Some(ANA));
    }

    #[test]
    fn the_event_itself_and_what_came_after_are_not_before() {
        let activity = activity(&[("2026-03-10", "192.0.2.1")]);
        let actor =
            Actor::of(&event("2026-03-10T09:00:00Z", "192.0.2.1", "aws-cli/2"), &activity, None).unwrap();
        assert_eq!((actor.baseline.events, actor.trait_of(TraitKind::Address).unwrap().before), (0, 0));
    }

    #[test]
    fn the_country_is_compared_where_addresses_can_be_looked_up() {
        let days = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"].map(|day| (day, "192.0.2.1"));
        let activity = activity(&days);
        let lookup = |address: &str| {
            let country = if address.starts_with("192.0.2.") { "DE" } else { "XX" };
            Some(Origin { country: Some(country.to_owned()), ..Origin::default() })
        };
        for (address, expected) in [("192.0.2.77", Novelty::Usual), ("198.51.100.1", Novelty::New)] {
            let actor =
                Actor::of(&event("2026-03-10T09:00:00Z", address, "aws-cli/2"), &activity, Some(&lookup))
                    .unwrap();
            assert_eq!(novelty(&actor, TraitKind::Country), expected);
            assert_eq!(novelty(&actor, TraitKind::Address), Novelty::New);
        }
    }

    #[test]
    fn a_session_without_a_start_has_a_name_that_proves_nothing() {
        let mut event = event("2026-03-10T09:00:00Z", "192.0.2.1", "aws-cli/2");
        event.identity = Identity {
            kind: Some("AssumedRole".to_owned()),
            arn: Some("arn:aws:sts::111122223333:assumed-role/Admin/somebody".to_owned()),
            issuer_arn: Some("arn:aws:iam::111122223333:role/Admin".to_owned()),
            ..Identity::default()
        };
        let actor = Actor::of(&event, &Activity::default(), None).unwrap();
        assert_eq!(actor.origin_principal, None);
        assert!(actor.origin_because.unwrap().contains("proves nothing"));
        event.identity.issuer_arn = Some(
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0".to_owned(),
        );
        assert_eq!(
            Actor::of(&event, &Activity::default(), None).unwrap().origin_principal.as_deref(),
            Some("somebody")
        );
    }
}
