//! What the evidence amounts to, by written rules: no model, and every reason listed.

use ecs::{Document, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use crate::actor::{Actor, Novelty, TraitKind, plural};
use crate::event::Event;
use crate::kms::blast_radius::{BlastRadius, Grade};
use crate::kms::key_report::KeyReport;
use crate::kms::reimport::{Reimport, ReimportVerdict};
use crate::kms::state::KeyState;
use crate::report::AlertSummary;
use crate::surroundings::{Gravity, KnownAlert, Surroundings};

/// The rules of the verdict; a new number whenever the same evidence may be judged otherwise.
pub const VERDICT_VERSION: u32 = 1;

/// What the evidence amounts to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// In short.
    pub level: VerdictLevel,
    /// Which rules judged.
    pub version: u32,
    /// What speaks for an attack.
    pub for_attack: Vec<Reason>,
    /// What speaks against it.
    pub against_attack: Vec<Reason>,
    /// Exceptions that the evidence suggests. Nothing is ever applied by itself.
    pub exceptions: Vec<ProposedException>,
}

/// What the evidence amounts to, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictLevel {
    /// It looks like an attack.
    MaliciousLooking,
    /// A human has to decide.
    NeedsHuman,
    /// It looks like planned work.
    Expected,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// A stable name, such as `shortest_window`.
    pub name: String,
    /// How much it counts, 1 to 10.
    pub weight: u8,
    /// A whole sentence.
    pub says: String,
}

/// An exception item that would have kept the alert away.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposedException {
    /// What to call it.
    pub name: String,
    /// Entries as in an exception item: field, operator and value; all must hold.
    pub entries: Vec<ProposedEntry>,
    /// Alerts of the same rule in the data at hand that it would have hidden, this one included.
    pub hides: u64,
    /// Of those, alerts that are not judged as expected: a reason not to take it.
    pub hides_suspicious: u64,
    /// A whole sentence.
    pub says: String,
}

/// An entry of a proposed exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposedEntry {
    /// The field.
    pub field: String,
    /// The value that it has to have.
    pub value: String,
}

/// From this weight for an attack on it looks like one, if the weight against is less than half of it.
pub const MALICIOUS_FROM: u32 = 10;
/// From this weight against an attack on it looks like planned work, if the weight for is at most [`EXPECTED_FOR`].
pub const EXPECTED_FROM: u32 = 8;
/// See [`EXPECTED_FROM`].
pub const EXPECTED_FOR: u32 = 2;

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The alert.
    pub alert: &'a AlertSummary,
    /// Its events, oldest first.
    pub events: &'a [Event],
    /// Who acted.
    pub actor: Option<&'a Actor>,
    /// The keys that it is about.
    pub keys: &'a [KeyReport],
    /// What depends on them.
    pub blast_radius: &'a [BlastRadius],
    /// Set when imported material was deleted.
    pub reimport: Option<&'a Reimport>,
    /// What else happened.
    pub surroundings: &'a Surroundings,
}

/// Judges by the written rules of `docs/triage.md`. Exceptions are left empty: see [`propose_exceptions`].
///
/// Without a baseline that is long enough nothing is expected: too little is known of what is normal.
pub fn judge(facts: &Facts<'_>) -> Verdict {
    let mut reasons = Reasons::default();
    of_request(facts, &mut reasons);
    of_keys(facts, &mut reasons);
    of_reimport(facts, &mut reasons);
    of_actor(facts, &mut reasons);
    of_surroundings(facts, &mut reasons);
    let weight = |reasons: &[Reason]| reasons.iter().map(|reason| u32::from(reason.weight)).sum::<u32>();
    let (attack, planned) = (weight(&reasons.attack), weight(&reasons.planned));
    let knows_normal = facts.actor.is_some_and(|actor| actor.baseline.long_enough);
    let lost = facts.keys.iter().any(|key| key.state == KeyState::Deleted);
    let level = if attack >= MALICIOUS_FROM && planned * 2 < attack {
        VerdictLevel::MaliciousLooking
    } else if planned >= EXPECTED_FROM && attack <= EXPECTED_FOR && knows_normal && !lost {
        VerdictLevel::Expected
    } else {
        VerdictLevel::NeedsHuman
    };
    for list in [&mut reasons.attack, &mut reasons.planned] {
        list.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
    }
    Verdict {
        level,
        version: VERDICT_VERSION,
        for_attack: reasons.attack,
        against_attack: reasons.planned,
        exceptions: Vec::new(),
    }
}

#[derive(Default)]
struct Reasons {
    attack: Vec<Reason>,
    planned: Vec<Reason>,
}

impl Reasons {
    fn attack(&mut self, name: &str, weight: u8, says: impl Into<String>) {
        self.attack.push(Reason { name: name.to_owned(), weight, says: says.into() });
    }

    fn planned(&mut self, name: &str, weight: u8, says: impl Into<String>) {
        self.planned.push(Reason { name: name.to_owned(), weight, says: says.into() });
    }
}

fn of_request(facts: &Facts<'_>, reasons: &mut Reasons) {
    let days = facts
        .events
        .iter()
        .filter(|event| event.action == "ScheduleKeyDeletion" && event.succeeded())
        .filter_map(|event| event.request.get("pendingWindowInDays").and_then(serde_json::Value::as_i64));
    if days.min() == Some(7) {
        reasons.attack(
            "shortest_window",
            4,
            "The deletion was scheduled with 7 days, the shortest waiting period that KMS allows.",
        );
    }
    let bypass = facts.events.iter().any(|event| {
        event.request.get("bypassPolicyLockoutSafetyCheck").and_then(serde_json::Value::as_bool) == Some(true)
    });
    if bypass {
        reasons.attack(
            "lockout_check_bypassed",
            4,
            "The check that keeps the account from locking itself out of the key was switched off.",
        );
    }
    let expiry = facts.events.iter().any(|event| {
        event.action == "ImportKeyMaterial"
            && event.succeeded()
            && event.request.get("validTo").is_some_and(|to| !to.is_null())
    });
    if expiry {
        reasons.attack(
            "material_expires",
            2,
            "The imported material has an expiry date, after which the key stops working by itself.",
        );
    }
    match facts.alert.severity.as_str() {
        "critical" => reasons.attack("severity", 3, "The rule's severity is critical."),
        "high" => reasons.attack("severity", 2, "The rule's severity is high."),
        _ => {}
    }
}

fn of_keys(facts: &Facts<'_>, reasons: &mut Reasons) {
    let principal = facts.actor.and_then(|actor| actor.principal.as_deref());
    let first = facts.events.iter().map(|event| event.time).min();
    if facts.keys.len() >= 3 {
        reasons.attack("many_keys", 5, format!("The alert is about {} keys at once.", facts.keys.len()));
    }
    let in_a_day = |a: &str, b: &str| -> bool {
        let (Ok(a), Ok(b)) = (a.parse::<Timestamp>(), b.parse::<Timestamp>()) else { return false };
        a <= b && b.duration_since(a) <= SignedDuration::from_hours(24)
    };
    for key in facts.keys {
        let done = |action: &'static str| {
            key.timeline.iter().filter(move |entry| entry.action == action && entry.error.is_none())
        };
        let both = done("DisableKey").any(|disabled| {
            done("ScheduleKeyDeletion").any(|scheduled| {
                in_a_day(&disabled.time, &scheduled.time) && disabled.principal == scheduled.principal
            })
        });
        if both {
            reasons.attack(
                "disabled_then_scheduled",
                4,
                format!(
                    "The same principal disabled the key `{}` and scheduled its deletion within a day.",
                    key.key
                ),
            );
        }
        if key.state == KeyState::Deleted {
            reasons.attack("key_lost", 3, format!("The key `{}` is gone for ever.", key.key));
        }
        let undone = key.state == KeyState::Enabled
            && key.timeline.iter().any(|entry| {
                let later = match (entry.time.parse::<Timestamp>(), first) {
                    (Ok(at), Some(first)) => at > first,
                    _ => false,
                };
                let takes_back =
                    ["CancelKeyDeletion", "EnableKey", "ImportKeyMaterial"].contains(&entry.action.as_str());
                later
                    && takes_back
                    && entry.error.is_none()
                    && entry.principal.is_some()
                    && entry.principal.as_deref() == principal
            });
        if undone && facts.reimport.is_none() {
            reasons.planned(
                "undone_by_same",
                4,
                format!("The same principal took it back, and the key `{}` is enabled again.", key.key),
            );
        }
    }
    let known = |grade: Grade| {
        facts
            .blast_radius
            .iter()
            .flat_map(|radius| &radius.dependents)
            .filter(|one| one.grade == grade)
            .count() as u64
    };
    let broken = known(Grade::BrokenNow);
    if broken > 0 {
        reasons.attack(
            "broken_now",
            5,
            format!("Calls of {} already fail because of the state of the key.", plural(broken, "dependent")),
        );
    }
    // What was put right since takes nothing away.
    let out_of_use = facts.keys.iter().filter(|key| key.state != KeyState::Enabled);
    let recent = out_of_use.into_iter().find(|key| {
        let parsed = |time: &Option<String>| time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
        // Uses go on for a moment after a key went out of use.
        let within = SignedDuration::from_mins(-10)..=SignedDuration::from_hours(24);
        let Some(used) = parsed(&key.last_use) else { return false };
        let moments = [first, parsed(&key.since)];
        moments.into_iter().flatten().any(|moment| within.contains(&moment.duration_since(used)))
    });
    if let Some(key) = recent {
        let last = key.last_use.as_deref().unwrap_or_default();
        reasons.attack(
            "key_in_use",
            4,
            format!(
                "The key `{}` was in use until {last}: a key in daily use is not being retired.",
                key.key
            ),
        );
    }
    let long_enough = facts.actor.is_some_and(|actor| actor.baseline.long_enough);
    let unused = !facts.keys.is_empty()
        && facts.keys.iter().all(|key| key.uses == 0 && key.failed_uses == 0)
        && facts
            .blast_radius
            .iter()
            .all(|radius| radius.dependents.is_empty() && radius.unknown_because.is_empty());
    if unused && long_enough && facts.blast_radius.len() == facts.keys.len() {
        reasons.planned(
            "key_unused",
            3,
            "Nothing in the logs at hand used the key or was made to depend on it.",
        );
    }
}

fn of_reimport(facts: &Facts<'_>, reasons: &mut Reasons) {
    let Some(reimport) = facts.reimport else { return };
    match reimport.verdict {
        ReimportVerdict::SameMaterial => {
            reasons.planned("same_material_back", 6, "The same key material was imported again.");
        }
        ReimportVerdict::EnforcedByKms => {
            reasons.planned(
                "material_back",
                5,
                "Key material was imported again, and KMS takes only the same material.",
            );
        }
        ReimportVerdict::OtherMaterial => {
            reasons.attack(
                "other_material",
                6,
                "Other key material was imported, and the deleted material is still missing.",
            );
        }
        // A use that succeeded has shown that some is back.
        ReimportVerdict::NotReimported if facts.keys.iter().any(|key| key.state == KeyState::Enabled) => {}
        ReimportVerdict::NotReimported => {
            reasons.attack(
                "not_reimported",
                5,
                "The deleted key material is not back, as far as the logs reach.",
            );
        }
    }
    if let Some(expires) = &reimport.expires {
        reasons.attack(
            "material_back_with_expiry",
            3,
            format!("The material came back with an expiry date, {expires}."),
        );
    }
}

fn of_actor(facts: &Facts<'_>, reasons: &mut Reasons) {
    let Some(actor) = facts.actor else { return };
    if actor.kind.as_deref() == Some("Root") {
        reasons.attack("root", 3, "The account's root user acted, who is not for daily work.");
    }
    if actor.kind.as_deref() == Some("IAMUser") && actor.mfa == Some(false) {
        reasons.attack("without_mfa", 1, "The user signed in without a second factor.");
    }
    if actor.mfa == Some(true) {
        reasons.planned("mfa", 1, "The session was opened with a second factor.");
    }
    if actor.baseline.events == 0 && actor.baseline.reaches_back {
        reasons.attack(
            "new_principal",
            3,
            "The principal is not in the logs before this event, and they reach back at least a week.",
        );
    }
    for (kind, weight_new, weight_usual) in [
        (TraitKind::Action, 3, 3),
        (TraitKind::Country, 4, 1),
        (TraitKind::Address, 2, 2),
        (TraitKind::Network, 2, 1),
        (TraitKind::UserAgent, 2, 1),
        (TraitKind::Region, 2, 1),
        (TraitKind::Hour, 1, 1),
        (TraitKind::AccessKey, 2, 1),
    ] {
        let Some(found) = actor.trait_of(kind) else { continue };
        let name = trait_name(kind);
        match found.novelty {
            Novelty::New => reasons.attack(&format!("new_{name}"), weight_new, found.says.clone()),
            Novelty::Rare => reasons.attack(&format!("rare_{name}"), 1, found.says.clone()),
            Novelty::Usual => reasons.planned(&format!("usual_{name}"), weight_usual, found.says.clone()),
            Novelty::Unknown => {}
        }
    }
}

fn trait_name(kind: TraitKind) -> &'static str {
    match kind {
        TraitKind::Action => "action",
        TraitKind::Address => "address",
        TraitKind::Country => "country",
        TraitKind::Network => "network",
        TraitKind::UserAgent => "client",
        TraitKind::Region => "region",
        TraitKind::Hour => "hour",
        TraitKind::AccessKey => "access_key",
    }
}

fn of_surroundings(facts: &Facts<'_>, reasons: &mut Reasons) {
    let around = facts.surroundings;
    for (gravity, name, weight, what) in [
        (Gravity::Destructive, "destructive_around", 6, "destroys data or what protects it"),
        (Gravity::Blinding, "blinding_around", 6, "blinds logging or detection"),
        (Gravity::Access, "access_around", 3, "makes or changes credentials, policies or trust"),
    ] {
        // What the principal does on other days too is no sign of an attack.
        let count = around.unusual_of(gravity);
        if count > 0 {
            let calls = plural(count, "other call");
            let who = who_did(around, gravity);
            let says = format!("{who} made {calls} near the alert of a kind that {what}.");
            reasons.attack(name, weight, says);
        }
    }
    if around.denied > 0 {
        let weight = if around.denied >= 3 { 3 } else { 1 };
        let calls = plural(around.denied, "call");
        reasons.attack(
            "denied_around",
            weight,
            format!(
                "{} had {calls} near the alert that failed or were refused.",
                who_did(around, Gravity::Denied)
            ),
        );
    }
    if around.unusual_of(Gravity::Discovery) >= 5 {
        let who = who_did(around, Gravity::Discovery);
        reasons.attack("discovery_around", 1, format!("{who} looked around near the alert."));
    }
    let others = around.alerts.iter().filter(|alert| alert.rule_name != facts.alert.rule_name);
    let worst =
        others.map(|alert| if ["high", "critical"].contains(&alert.severity.as_str()) { 4 } else { 2 }).max();
    if let Some(weight) = worst {
        let who = if around.alerts.iter().any(|alert| alert.linked) {
            "the same principal, or on sessions that hang together with this one,"
        } else {
            "the same principal"
        };
        reasons.attack("other_alerts", weight, format!("Other rules alerted on {who} within 24 hours."));
    }
    if around.acts.iter().all(|act| act.usual) && around.alerts.is_empty() && around.missing.is_empty() {
        reasons.planned(
            "quiet_around",
            2,
            "The same principal did nothing else near the alert that is in the tables of grave calls and not usual for it.",
        );
    }
}

/// Whose acts of a gravity they are, at the beginning of a sentence.
fn who_did(around: &Surroundings, gravity: Gravity) -> &'static str {
    let mut of_gravity = around.acts.iter().filter(|act| act.gravity == gravity && !act.usual);
    if of_gravity.any(|act| act.linked) {
        "The same principal, or a session that hangs together with this one,"
    } else {
        "The same principal"
    }
}

/// Exceptions that would have kept the alert away: none for an alert that looks like an attack, or for a principal
/// whose call is not usual. `count_hidden` has to be called for the counts.
pub fn propose_exceptions(
    level: VerdictLevel,
    actor: Option<&Actor>,
    events: &[Event],
    document: &Document,
) -> Vec<ProposedException> {
    let usual = actor
        .and_then(|actor| actor.trait_of(TraitKind::Action))
        .is_some_and(|found| found.novelty == Novelty::Usual);
    let (Some(actor), Some(event), true) =
        (actor, events.last(), usual && level != VerdictLevel::MaliciousLooking)
    else {
        return Vec::new();
    };
    let role = "aws.cloudtrail.user_identity.session_context.session_issuer.arn";
    let fields = [
        (role, event.identity.issuer_arn.as_deref()),
        ("aws.cloudtrail.user_identity.arn", actor.arn.as_deref()),
    ];
    let who = fields.into_iter().find(|(field, value)| value.is_some() && document.text(field) == *value);
    let Some((field, Some(value))) = who else { return Vec::new() };
    let entry = |field: &str, value: &str| ProposedEntry { field: field.to_owned(), value: value.to_owned() };
    let mut entries = vec![entry(field, value)];
    if document.text("event.action") == Some(event.action.as_str()) {
        entries.push(entry("event.action", &event.action));
    }
    let short = value.rsplit('/').next().unwrap_or(value);
    let mut proposed = vec![ProposedException {
        name: format!("{} by {short}", event.action),
        entries: entries.clone(),
        hides: 0,
        hides_suspicious: 0,
        says: String::new(),
    }];
    let usual_address = actor.trait_of(TraitKind::Address).filter(|found| found.novelty == Novelty::Usual);
    if let Some(address) =
        usual_address.filter(|found| document.text("source.address") == Some(found.value.as_str()))
    {
        entries.push(entry("source.address", &address.value));
        // The narrower one first.
        proposed.insert(
            0,
            ProposedException {
                name: format!("{} by {short} from {}", event.action, address.value),
                entries,
                hides: 0,
                hides_suspicious: 0,
                says: String::new(),
            },
        );
    }
    proposed
}

/// Counts, over all alerts of a rule in the data at hand, what each exception would have hidden. An alert that was not
/// judged yet counts as suspicious. Call it again once all alerts are judged.
pub fn count_hidden(exceptions: &mut [ProposedException], rule_id: &str, alerts: &[KnownAlert<'_>]) {
    for exception in exceptions {
        let hidden = alerts
            .iter()
            .filter(|alert| alert.rule_id == rule_id && exception.hides_document(alert.document));
        let (mut hides, mut suspicious) = (0, 0);
        for alert in hidden {
            hides += 1;
            suspicious += u64::from(alert.level != Some(VerdictLevel::Expected));
        }
        exception.hides = hides;
        exception.hides_suspicious = suspicious;
        let entries: Vec<String> =
            exception.entries.iter().map(|entry| format!("`{}` is `{}`", entry.field, entry.value)).collect();
        let warns = match suspicious {
            0 => "All of them are judged as expected.".to_owned(),
            _ => {
                format!("Of those, {suspicious} are not judged as expected: look at them before you take it.")
            }
        };
        exception.says = format!(
            "An exception where {} would have hidden {} of this rule in the logs at hand. {warns}",
            entries.join(" and "),
            plural(hides, "alert")
        );
    }
}

impl ProposedException {
    /// Would it have hidden an alert with this document?
    pub fn hides_document(&self, document: &Document) -> bool {
        self.entries
            .iter()
            .all(|entry| document.values(&entry.field).iter().any(|value| value.text() == entry.value))
    }
}

#[cfg(test)]
mod tests {
    /// The page is where people read the rules: each reason that the code can give has to stand there.
    #[test]
    fn every_reason_is_written_down() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(folder.join("../../docs/triage.md")).unwrap();
        let code = std::fs::read_to_string(folder.join("src/verdict.rs")).unwrap();
        let code = code.split("mod tests").next().unwrap();
        let mut names: Vec<String> = Vec::new();
        for start in ["reasons.attack(", "reasons.planned("] {
            for (at, _) in code.match_indices(start) {
                let rest = code[at + start.len()..].trim_start();
                if let Some(rest) = rest.strip_prefix('"') {
                    names.push(rest.split('"').next().unwrap().to_owned());
                }
            }
        }
        for kind in ["action", "address", "country", "network", "client", "region", "hour", "access_key"] {
            names.extend([format!("new_{kind}"), format!("usual_{kind}")]);
        }
        names.extend(["destructive_around", "blinding_around", "access_around"].map(str::to_owned));
        assert!(names.len() >= 35, "{names:?}");
        for name in names {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
        assert!(page.contains(&format!("Version {} of the rules", super::VERDICT_VERSION)));
    }
}
