//! What one use of a key says: which keys, for which service and resource, by whom, and how it ended.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::encryption_context::spoken_of;
use super::key_id::{KeyRef, Named, key_of_response, text};
use super::state::KeyState;
use super::use_groups::{UseGroup, UseKind};
use crate::act::reads_by_name;
use crate::event::Event;

/// The calls of KMS that use a key, or hand out its public half; the frequent ones first.
const USES: [&str; 13] = [
    "Decrypt",
    "GenerateDataKey",
    "Encrypt",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncrypt",
    "Sign",
    "Verify",
    "GenerateMac",
    "VerifyMac",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "DeriveSharedSecret",
    PUBLIC_KEY,
];

const PUBLIC_KEY: &str = "GetPublicKey";

/// Is it a call of KMS that uses a key? `action` is `eventName`.
pub(crate) fn is_key_use(action: &str) -> bool {
    USES.contains(&action)
}

/// The name of a call that uses a key, as it is written here.
pub(crate) fn use_named(action: &str) -> Option<&'static str> {
    USES.iter().copied().find(|name| *name == action)
}

/// What the rows of a group have in common: each key that they use, and how.
pub(crate) type BatchGroup = Vec<(KeyRef, UseGroup)>;

/// Such as `s3.amazonaws.com`, and an ARN or id.
pub(crate) type ServiceAndResource = (Option<Arc<str>>, Option<Arc<str>>);

/// What sort of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ActionKind {
    Use,
    ReEncrypt,
    PublicKey,
    Read,
}

/// What is known of a use, whichever way it was read.
#[derive(Debug)]
pub(crate) struct UseFacts<'a> {
    pub(crate) named: Named<'a>,
    pub(crate) principal: Option<Arc<str>>,
    /// Of the identity and the address.
    pub(crate) service: Option<Arc<str>>,
    /// Service and resource of the context, then of that of ReEncrypt's destination.
    pub(crate) spoken: [ServiceAndResource; 2],
    pub(crate) material: Option<Arc<str>>,
    pub(crate) error: Option<Arc<str>>,
    pub(crate) state: Option<KeyState>,
    pub(crate) kind: ActionKind,
}

impl UseFacts<'_> {
    pub(crate) fn groups(&self) -> BatchGroup {
        let mut keys = self.named.keys();
        if self.kind == ActionKind::ReEncrypt && keys.first() == keys.get(1) {
            keys.truncate(1);
        }
        let group = |number: usize| {
            let side = usize::from(number == 1 && self.kind == ActionKind::ReEncrypt);
            let (service, resource) = &self.spoken[side];
            let kind = match self.kind {
                ActionKind::Use | ActionKind::ReEncrypt => UseKind::Use,
                ActionKind::PublicKey => UseKind::PublicKey,
                ActionKind::Read => {
                    let (error, state) = (self.error.clone(), self.state);
                    return UseGroup { error, state, ..UseGroup::nothing_but(UseKind::Read) };
                }
            };
            UseGroup {
                kind,
                service: self.service.clone().or_else(|| service.clone()),
                resource: resource.clone(),
                principal: self.principal.clone(),
                material: self.material.clone(),
                error: self.error.clone(),
                state: self.state,
            }
        };
        keys.into_iter().enumerate().map(|(number, key)| (key, group(number))).collect()
    }
}

/// The keys and groups of a use that was read as a whole event.
pub(crate) fn groups_of(event: &Event, kind: ActionKind) -> BatchGroup {
    let resources: Vec<&str> =
        event.resources.iter().filter_map(|resource| resource.arn.as_deref()).collect();
    let context = |name: &str| -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let texts = event.request.get(name).and_then(|context| context.as_object());
        let text = |(key, value): (&'_ String, &'_ serde_json::Value)| {
            let value = value.as_str().filter(|value| !value.is_empty())?;
            Some((Cow::Owned(key.clone()), Cow::Owned(value.to_owned())))
        };
        texts.map(|texts| texts.iter().filter_map(text).collect()).unwrap_or_default()
    };
    let spoken = |name: &str| {
        let context = context(name);
        let spoken = spoken_of(&context);
        (spoken.service.as_deref().map(Arc::from), spoken.resource.as_deref().map(Arc::from))
    };
    let source = spoken("sourceEncryptionContext");
    let source = if source == (None, None) { spoken("encryptionContext") } else { source };
    let identity = &event.identity;
    let service = identity.invoked_by.as_deref().filter(|by| is_service(by));
    UseFacts {
        named: Named {
            resources: &resources,
            response: key_of_response(&event.response),
            request: text(&event.request, "keyId"),
            both: (kind == ActionKind::ReEncrypt)
                .then(|| ["sourceKeyId", "destinationKeyId"].map(|name| text(&event.request, name))),
            details: None,
            account: event.account.as_deref(),
            region: event.region.as_deref(),
        },
        principal: identity.principal().map(Arc::from),
        service: service.or(event.address.as_deref().filter(|address| is_service(address))).map(Arc::from),
        spoken: [source, spoken("destinationEncryptionContext")],
        material: text(&event.additional, "keyMaterialId").map(Arc::from),
        error: event.error.as_deref().map(Arc::from),
        state: event.error.as_ref().and(event.error_message.as_deref()).and_then(state_said),
        kind,
    }
    .groups()
}

/// The sort of a call of KMS; `None` for one that changes something, or prepares it.
pub(crate) fn kind_of(action: &str) -> Option<ActionKind> {
    match action {
        "ReEncrypt" => Some(ActionKind::ReEncrypt),
        PUBLIC_KEY => Some(ActionKind::PublicKey),
        _ if is_key_use(action) => Some(ActionKind::Use),
        // It shows that the key takes imported material, and belongs into its timeline.
        "GetParametersForImport" => None,
        _ => reads_by_name(action).then_some(ActionKind::Read),
    }
}

/// The name of a service, such as `s3.amazonaws.com`; not `AWS Internal`, and not an address.
pub(crate) fn is_service(text: &str) -> bool {
    text.ends_with(".amazonaws.com")
}

/// The state that the message of an error speaks of. Source: AWS KMS developer guide, key-state.html.
pub(crate) fn state_said(message: &str) -> Option<KeyState> {
    const SAID: [(&str, KeyState); 6] = [
        ("is pending replica deletion", KeyState::PendingReplicaDeletion),
        ("is pending deletion", KeyState::PendingDeletion),
        ("is pending import", KeyState::PendingImport),
        ("is disabled", KeyState::Disabled),
        ("is unavailable", KeyState::Unavailable),
        ("is creating", KeyState::Creating),
    ];
    SAID.iter().find(|(says, _)| message.contains(says)).map(|(_, state)| *state)
}

/// What two accounts' records of one event have in common.
pub(crate) fn shared_hash(id: &str) -> u64 {
    use std::hash::BuildHasher;
    const SEED: u64 = 0x7368_6172_6564;
    FixedState::with_seed(SEED).hash_one(id).max(1)
}
