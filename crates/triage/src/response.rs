//! What to do about an alert: steps and commands to copy. Nothing here does any of it.

use serde::Serialize;

use crate::actor::Actor;
use crate::kms::clock::ClockKind;
use crate::kms::key_report::KeyReport;
use crate::kms::reimport::{Reimport, ReimportVerdict};
use crate::kms::state::KeyState;
use crate::surroundings::LinkedSummary;
use crate::verdict::VerdictLevel;

/// What to do, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ResponsePlan {
    /// The steps.
    pub steps: Vec<ResponseStep>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResponseStep {
    /// What to do.
    pub title: String,
    /// Why, and what to mind: whole sentences.
    pub why: Vec<String>,
    /// Commands of the AWS CLI, or policies, to copy.
    pub commands: Vec<String>,
    /// What `bartizan respond` can do, with its guards; `None` when only people should.
    pub action: Option<ResponseAction>,
    /// Set when somebody has to decide something first.
    pub ask: Option<String>,
}

/// What Bartizan can do itself, once two people agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum ResponseAction {
    /// Stops a scheduled deletion; leaves the key disabled.
    CancelKeyDeletion,
    /// Switches a key on.
    EnableKey,
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The keys that the alert is about, as they are now.
    pub keys: &'a [KeyReport],
    /// What came of deleted material.
    pub reimport: Option<&'a Reimport>,
    /// Who acted.
    pub actor: Option<&'a Actor>,
    /// Sessions that hang together with the actor's.
    pub linked: &'a [LinkedSummary],
    /// What the evidence amounts to.
    pub level: VerdictLevel,
}

impl ResponsePlan {
    /// The steps for a situation: first what stops a clock, then what restores use, then the actor, then prevention.
    ///
    /// A key is never to be enabled without asking: a defender may have disabled it on purpose.
    pub fn of(situation: &Situation<'_>) -> Self {
        let mut steps = Vec::new();
        for key in situation.keys {
            steps_for_key(key, situation, &mut steps);
        }
        if let Some(actor) = situation.actor {
            contain(actor, situation.level, &mut steps);
            steps.extend(contain_linked(situation.linked));
        }
        if !situation.keys.is_empty() {
            steps.push(prevention(situation.keys));
        }
        Self { steps }
    }
}

fn steps_for_key(key: &KeyReport, situation: &Situation<'_>, steps: &mut Vec<ResponseStep>) {
    match key.state {
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => {
            steps.push(cancel(key));
            steps.push(read_state(key, "See in which state the cancelled deletion left the key."));
            if situation.reimport.is_some_and(|reimport| reimport.verdict == ReimportVerdict::NotReimported) {
                steps.extend(import_again(key));
            }
            steps.push(enable(key, situation));
        }
        KeyState::Disabled => {
            steps.push(read_state(key, "Make sure that the key is still disabled."));
            steps.push(enable(key, situation));
        }
        KeyState::PendingImport => steps.extend(import_again(key)),
        KeyState::Unavailable => steps.push(connect(key)),
        KeyState::Deleted => steps.push(ResponseStep {
            title: "Treat data under the key as lost".to_owned(),
            why: vec![
                format!("The key `{}` is deleted, and nothing brings it back.", key.key),
                "Look for copies and backups that are encrypted under another key, and bring in the owners of the data.".to_owned(),
            ],
            commands: Vec::new(),
            action: None,
            ask: None,
        }),
        KeyState::Enabled | KeyState::Creating | KeyState::Updating | KeyState::Unknown => {
            steps.push(read_state(key, "The logs show no state that has to be put right; ask KMS to be sure."));
        }
    }
}

fn cancel(key: &KeyReport) -> ResponseStep {
    let deletion = key
        .clocks
        .iter()
        .find(|clock| matches!(clock.kind, ClockKind::Deletion | ClockKind::ReplicaDeletion));
    let mut why: Vec<String> = deletion.map(|clock| clock.says.clone()).into_iter().collect();
    why.push(
        "Cancelling stops the clock and leaves the key disabled; it does not make it usable yet.".to_owned(),
    );
    why.push("It has to be done in the account and the Region of the key.".to_owned());
    ResponseStep {
        title: "Cancel the deletion of the key".to_owned(),
        why,
        commands: vec![kms("cancel-key-deletion", key)],
        action: Some(ResponseAction::CancelKeyDeletion),
        ask: Some("Does the owner of the key know of the deletion and want it? Cancelling can be undone by scheduling it again.".to_owned()),
    }
}

fn read_state(key: &KeyReport, why: &str) -> ResponseStep {
    ResponseStep {
        title: "Read the state of the key from KMS".to_owned(),
        why: vec![
            why.to_owned(),
            "`KeyState`, `Enabled` and `DeletionDate` of the answer count, not what the logs lead to."
                .to_owned(),
        ],
        commands: vec![kms("describe-key", key)],
        action: None,
        ask: None,
    }
}

fn enable(key: &KeyReport, situation: &Situation<'_>) -> ResponseStep {
    let disabled =
        key.timeline.iter().rev().find(|entry| entry.action == "DisableKey" && entry.error.is_none());
    let actor = situation.actor.and_then(|actor| actor.principal.as_deref());
    let ask = match disabled {
        Some(entry) => {
            let who = entry.principal.as_deref().unwrap_or("Somebody");
            let other = if entry.principal.as_deref() == actor {
                ""
            } else {
                ", and not the principal of this alert,"
            };
            format!(
                "`{who}`{other} disabled the key at {}. Was that a defender who wanted it out of use? Then leave it disabled.",
                entry.time
            )
        }
        None => "Did a defender want the key out of use? Then leave it disabled.".to_owned(),
    };
    ResponseStep {
        title: "Enable the key".to_owned(),
        why: vec![
            "Only a key in the state Disabled can be enabled: cancel a scheduled deletion first.".to_owned(),
            "An intruder who can still use the key can use it again from then on: contain the actor first, if you can.".to_owned(),
        ],
        commands: vec![kms("enable-key", key)],
        action: Some(ResponseAction::EnableKey),
        ask: Some(ask),
    }
}

fn import_again(key: &KeyReport) -> Vec<ResponseStep> {
    let id = shell(&key.key);
    let region = region_option(key);
    vec![
        ResponseStep {
            title: "Find the original key material".to_owned(),
            why: vec![
                format!("The key `{}` waits for its material. KMS keeps no copy, and takes only exactly the same bytes.", key.key),
                "If nobody has it, the data under the key may be lost: bring in incident response and the owners of the data, and secure backups that are encrypted under another key.".to_owned(),
            ],
            commands: Vec::new(),
            action: None,
            ask: Some("Who keeps the original material, and is it the same that was imported first?".to_owned()),
        },
        ResponseStep {
            title: "Import the original material again".to_owned(),
            why: vec![
                "Get a fresh wrapping key and import token, wrap the material with that key outside of AWS, then import it within 24 hours.".to_owned(),
                "People do this, never a program: the material must not leave their hands.".to_owned(),
                "Import without an expiry date unless the key is meant to have one.".to_owned(),
            ],
            commands: vec![
                format!("aws kms get-parameters-for-import --key-id {id}{region} --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096 > import-parameters.json"),
                "jq -r .PublicKey import-parameters.json | base64 -d > wrapping-key.der".to_owned(),
                "jq -r .ImportToken import-parameters.json | base64 -d > import-token.bin".to_owned(),
                "openssl pkeyutl -encrypt -in key-material.bin -out wrapped-material.bin -inkey wrapping-key.der -keyform DER -pubin -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256".to_owned(),
                format!("aws kms import-key-material --key-id {id}{region} --encrypted-key-material fileb://wrapped-material.bin --import-token fileb://import-token.bin --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE"),
            ],
            action: None,
            ask: None,
        },
        read_state(key, "The state has to be Enabled after the import."),
    ]
}

fn connect(key: &KeyReport) -> ResponseStep {
    ResponseStep {
        title: "Connect the custom key store again".to_owned(),
        why: vec!["Every key of the store is out of use until the store is connected. Find out first why it was disconnected.".to_owned()],
        commands: vec![
            format!("aws kms describe-custom-key-stores{}", region_option(key)),
            format!("aws kms connect-custom-key-store{} --custom-key-store-id STORE_ID", region_option(key)),
        ],
        action: None,
        ask: Some("Was the store disconnected on purpose?".to_owned()),
    }
}

fn contain(actor: &Actor, level: VerdictLevel, steps: &mut Vec<ResponseStep>) {
    let mut commands = Vec::new();
    let arn = actor.arn.as_deref().unwrap_or_default();
    let name_after = |part: &str| {
        [actor.principal.as_deref(), Some(arn)].into_iter().flatten().find_map(|arn| last_after(arn, part))
    };
    if let Some(role) = name_after(":role/") {
        commands.push(revoke_sessions_of_role(role));
    } else if let Some(user) = name_after(":user/") {
        let user = shell(user);
        if let Some(key) = actor.access_key.as_deref().filter(|key| key.starts_with("AKIA")) {
            commands.push(format!(
                "aws iam update-access-key --user-name {user} --access-key-id {} --status Inactive",
                shell(key)
            ));
        }
        commands.push(format!("aws iam list-access-keys --user-name {user}"));
        commands.push(format!("aws iam put-user-policy --user-name {user} --policy-name RevokeOlderSessions --policy-document {REVOKE}"));
    }
    let who = actor.principal.as_deref().unwrap_or("the principal");
    let mut why = vec![
        format!("`{who}` acted. Save its CloudTrail records first; what is revoked cannot be watched any more."),
        "Denying sessions that were issued before now ends them, and new ones can still be opened: change the credentials or the trust behind them too.".to_owned(),
    ];
    if let Some(origin) = actor
        .origin_principal
        .as_deref()
        .filter(|origin| Some(*origin) != actor.principal.as_deref() && Some(*origin) != actor.arn.as_deref())
    {
        why.push(format!("`{origin}` is behind the session: contain that identity as well."));
    }
    if actor.arn.as_deref().is_some_and(|arn| arn.ends_with(":root")) || actor.kind.as_deref() == Some("Root")
    {
        commands.clear();
        why.push(
            "For the root user: change its password, remove its access keys and check its second factor."
                .to_owned(),
        );
    }
    if arn.contains("AWSReservedSSO_") || who.contains("AWSReservedSSO_") {
        commands.clear();
        why.push(
            "The role is managed by IAM Identity Center: end the user's sessions and disable the user there."
                .to_owned(),
        );
    }
    let ask = match level {
        VerdictLevel::MaliciousLooking => {
            "Does somebody rely on this principal right now? Containing it stops that work too."
        }
        VerdictLevel::NeedsHuman | VerdictLevel::Expected => {
            "Ask the owner of the principal, by another way than the account itself, before you contain it: the evidence does not show an attack by itself."
        }
    };
    steps.push(ResponseStep {
        title: "Contain who acted".to_owned(),
        why,
        commands,
        action: None,
        ask: Some(ask.to_owned()),
    });
}

/// What else an intruder holds who went from role to role.
fn contain_linked(linked: &[LinkedSummary]) -> Option<ResponseStep> {
    let acted: Vec<&LinkedSummary> = linked.iter().filter(|link| link.acts > 0).collect();
    if acted.is_empty() {
        return None;
    }
    let mut commands: Vec<String> = Vec::new();
    for link in &acted {
        if let Some(role) = last_after(&link.principal, ":role/") {
            commands.push(revoke_sessions_of_role(role));
        } else if let Some(user) = last_after(&link.principal, ":user/") {
            commands.push(format!("aws iam list-access-keys --user-name {}", shell(user)));
        }
    }
    commands.dedup();
    let mut why: Vec<String> = acted.iter().map(|link| link.says.clone()).collect();
    why.push(
        "What these sessions did is listed with what else happened. Of a user, set the access keys inactive that began them."
            .to_owned(),
    );
    Some(ResponseStep {
        title: "Contain the sessions that hang together with it".to_owned(),
        why,
        commands,
        action: None,
        ask: Some(
            "Does other work run in sessions of these roles? To revoke older sessions ends all of them."
                .to_owned(),
        ),
    })
}

/// Roles and users may stand in a path; their name is the last part.
fn last_after<'a>(arn: &'a str, part: &str) -> Option<&'a str> {
    let (_, path) = arn.split_once(part)?;
    path.rsplit('/').next().filter(|name| !name.is_empty())
}

fn revoke_sessions_of_role(role: &str) -> String {
    format!(
        "aws iam put-role-policy --role-name {} --policy-name RevokeOlderSessions --policy-document {REVOKE}",
        shell(role)
    )
}

/// Denies sessions that were issued before the command runs.
const REVOKE: &str = r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'"}}}]}'"#;

/// Service control policy: AWS Organizations user guide; condition key: KMS developer guide, conditions-kms.
fn prevention(keys: &[KeyReport]) -> ResponseStep {
    let partition = keys
        .first()
        .and_then(|key| key.key.split(':').nth(1))
        .filter(|part| part.starts_with("aws"))
        .unwrap_or("aws");
    let deny = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"OnlyKeyAdministrators","Effect":"Deny","Action":["kms:ScheduleKeyDeletion","kms:DisableKey","kms:DeleteImportedKeyMaterial","kms:DeleteCustomKeyStore","kms:DisconnectCustomKeyStore"],"Resource":"*","Condition":{{"ArnNotLike":{{"aws:PrincipalArn":"arn:{partition}:iam::*:role/KEY_ADMINISTRATOR_ROLE"}}}}}},{{"Sid":"LongestWait","Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*","Condition":{{"NumericLessThan":{{"kms:ScheduleKeyDeletionPendingWindowInDays":"30"}}}}}}]}}"#
    );
    ResponseStep {
        title: "Keep it from happening again".to_owned(),
        why: vec![
            "A service control policy of the organization can leave these calls to one role, and enforce the longest waiting period.".to_owned(),
            "The same statements, with a `Principal`, can stand in the policy of a single key. Put the name of your own role in, and try it outside of production first.".to_owned(),
        ],
        commands: vec![deny],
        action: None,
        ask: None,
    }
}

fn kms(call: &str, key: &KeyReport) -> String {
    format!("aws kms {call} --key-id {}{}", shell(&key.key), region_option(key))
}

fn region_option(key: &KeyReport) -> String {
    key.region.as_deref().map(|region| format!(" --region {}", shell(region))).unwrap_or_default()
}

/// A word for a shell of the POSIX kind. Names come from logs, and must not become commands.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@=+,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
