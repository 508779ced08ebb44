//! What a management call of KMS changes: read from one event, kept small.

use std::sync::Arc;

use ecs::Timestamp;
use serde_json::Value;

use super::key_id::{AliasId, KeyId, KeyRef, keys_of, partition_of, text};

use super::sighting::Sighting;
use super::state::KeyState;
use super::use_facts::is_service;
use super::written_date;
use crate::event::Event;

/// A management call of KMS, whether it succeeded or not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LifecycleEvent {
    pub(crate) sighting: Sighting,
    pub(crate) keys: Vec<KeyRef>,
    pub(crate) principal: Option<Arc<str>>,
    pub(crate) error: Option<Box<str>>,
    pub(crate) change: Change,
}

/// What it changes, if it succeeds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Created {
        origin: Option<String>,
        state: Option<KeyState>,
        store: Option<Store>,
    },
    Enabled,
    Disabled,
    /// `days` of the request or response, `date` of the response, which is missing where the clock does not run yet.
    DeletionScheduled {
        days: Option<i64>,
        date: Option<Timestamp>,
        state: Option<KeyState>,
    },
    DeletionCancelled,
    Deleted,
    /// `new`: as a further material for a rotation.
    MaterialImported {
        material: Option<String>,
        valid_to: Option<Timestamp>,
        expires: Option<bool>,
        new: bool,
    },
    /// By a call, or by its expiry.
    MaterialDeleted {
        material: Option<String>,
        expired: bool,
    },
    /// GetParametersForImport: only keys of origin EXTERNAL take material.
    ImportPrepared,
    Rotated {
        material: Option<String>,
        origin: Option<String>,
    },
    PolicyPut {
        bypasses_check: bool,
        keeps_root: Option<bool>,
    },
    Granted(Box<Grant>),
    GrantEnded {
        id: Option<String>,
    },
    /// `target` is `None` for a deletion.
    AliasPointed {
        alias: Option<AliasId>,
        target: Option<KeyRef>,
    },
    Replicated {
        replica: Option<KeyId>,
        state: Option<KeyState>,
    },
    PrimaryMoved {
        region: Option<String>,
    },
    Synchronized,
    StoreChanged {
        store: Option<Store>,
        does: StoreAct,
    },
    /// Something else, such as a tag or a description.
    Other,
}

/// A custom key store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Store {
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    /// `customKeyStoreId`.
    pub(crate) id: String,
}

/// What is done to a custom key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreAct {
    Connect,
    Disconnect,
    Delete,
    Other,
}

/// A grant, as its call made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) id: Option<String>,
    pub(crate) grantee: Option<String>,
    pub(crate) operations: Vec<String>,
    pub(crate) service: Option<String>,
    pub(crate) resource: Option<String>,
}

impl LifecycleEvent {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            sighting: Sighting::of(event),
            keys: keys_of(event),
            principal: event.identity.principal().map(Arc::from),
            error: event.error.as_deref().map(Box::from),
            change: Change::of(event),
        }
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.error.is_none()
    }
}

impl Change {
    fn of(event: &Event) -> Self {
        let (request, response) = (&event.request, &event.response);
        let owned = |value: &Value, name: &str| text(value, name).map(str::to_owned);
        let material = |value: &Value| owned(value, "keyMaterialId");
        let metadata = |name: &str| response.get(name).unwrap_or(&Value::Null);
        match event.action.as_str() {
            "CreateKey" => {
                let made = metadata("keyMetadata");
                Self::Created {
                    origin: owned(made, "origin").or_else(|| owned(request, "origin")),
                    state: text(made, "keyState").and_then(state_of),
                    store: store_of(event, &[made, request]),
                }
            }
            "EnableKey" => Self::Enabled,
            "DisableKey" => Self::Disabled,
            "ScheduleKeyDeletion" => {
                let days = |value: &Value| whole_number(value.get("pendingWindowInDays")?);
                Self::DeletionScheduled {
                    days: days(response).or_else(|| days(request)),
                    date: response.get("deletionDate").and_then(written_date::read),
                    state: text(response, "keyState").and_then(state_of),
                }
            }
            "CancelKeyDeletion" => Self::DeletionCancelled,
            "DeleteKey" => Self::Deleted,
            "ImportKeyMaterial" => Self::MaterialImported {
                material: material(response).or_else(|| material(request)),
                valid_to: request.get("validTo").and_then(written_date::read),
                expires: match text(request, "expirationModel") {
                    Some("KEY_MATERIAL_EXPIRES") => Some(true),
                    Some("KEY_MATERIAL_DOES_NOT_EXPIRE") => Some(false),
                    _ => None,
                },
                new: text(request, "importType") == Some("NEW_KEY_MATERIAL"),
            },
            "DeleteImportedKeyMaterial" => Self::MaterialDeleted {
                material: material(response).or_else(|| material(request)),
                expired: false,
            },
            "DeleteExpiredKeyMaterial" => {
                Self::MaterialDeleted { material: material(&event.service_details), expired: true }
            }
            "GetParametersForImport" => Self::ImportPrepared,
            "RotateKeyOnDemand" => Self::Rotated { material: None, origin: None },
            "RotateKey" => Self::Rotated {
                material: owned(&event.service_details, "currentKeyMaterialId"),
                origin: owned(&event.service_details, "keyOrigin"),
            },
            "PutKeyPolicy" => Self::PolicyPut {
                bypasses_check: request.get("bypassPolicyLockoutSafetyCheck").is_some_and(is_true),
                keeps_root: text(request, "policy").map(|policy| policy.contains(":root")),
            },
            "CreateGrant" => Self::Granted(Box::new(grant_of(event))),
            "RevokeGrant" | "RetireGrant" => Self::GrantEnded {
                id: owned(request, "grantId").or_else(|| owned(&event.additional, "grantId")),
            },
            "CreateAlias" | "UpdateAlias" => Self::AliasPointed {
                alias: alias_of(event),
                // The key's ARN in `resources` first, as everywhere.
                target: keys_of(event).into_iter().next(),
            },
            "DeleteAlias" => Self::AliasPointed { alias: alias_of(event), target: None },
            "ReplicateKey" => {
                let made = metadata("replicaKeyMetadata");
                let asked = text(request, "replicaRegion");
                let source = keys_of(event).into_iter().find_map(|key| match key {
                    KeyRef::Key(key) => Some(key),
                    KeyRef::Alias(_) => None,
                });
                let by_request = || Some(KeyId { region: Some(asked?.to_owned()), ..source? });
                Self::Replicated {
                    replica: text(made, "arn").and_then(KeyId::parse_arn).or_else(by_request),
                    state: text(made, "keyState").and_then(state_of),
                }
            }
            "UpdatePrimaryRegion" => Self::PrimaryMoved { region: owned(request, "primaryRegion") },
            "SynchronizeMultiRegionKey" => Self::Synchronized,
            "CreateCustomKeyStore"
            | "UpdateCustomKeyStore"
            | "ConnectCustomKeyStore"
            | "DisconnectCustomKeyStore"
            | "DeleteCustomKeyStore" => Self::StoreChanged {
                store: store_of(event, &[request, response]),
                does: match event.action.as_str() {
                    "ConnectCustomKeyStore" => StoreAct::Connect,
                    "DisconnectCustomKeyStore" => StoreAct::Disconnect,
                    "DeleteCustomKeyStore" => StoreAct::Delete,
                    _ => StoreAct::Other,
                },
            },
            _ => Self::Other,
        }
    }
}

/// A state by its name in records.
pub(crate) fn state_of(name: &str) -> Option<KeyState> {
    Some(match name {
        "Creating" => KeyState::Creating,
        "Enabled" => KeyState::Enabled,
        "Disabled" => KeyState::Disabled,
        "PendingImport" => KeyState::PendingImport,
        "PendingDeletion" => KeyState::PendingDeletion,
        "PendingReplicaDeletion" => KeyState::PendingReplicaDeletion,
        "Unavailable" => KeyState::Unavailable,
        "Updating" => KeyState::Updating,
        _ => return None,
    })
}

fn store_of(event: &Event, members: &[&Value]) -> Option<Store> {
    let id = members.iter().find_map(|value| text(value, "customKeyStoreId"))?.to_owned();
    Some(Store { account: event.account.clone(), region: event.region.clone(), id })
}

fn alias_of(event: &Event) -> Option<AliasId> {
    let arns = event.resources.iter().filter_map(|resource| resource.arn.as_deref());
    let of_arn = arns.filter_map(KeyRef::parse_arn).find_map(|named| match named {
        KeyRef::Alias(alias) => Some(alias),
        KeyRef::Key(_) => None,
    });
    of_arn.or_else(|| {
        Some(AliasId {
            partition: partition_of(event.region.as_deref()).to_owned(),
            account: event.account.clone(),
            region: event.region.clone(),
            name: text(&event.request, "aliasName")?.to_owned(),
        })
    })
}

fn grant_of(event: &Event) -> Grant {
    let constraints = event.request.get("constraints").unwrap_or(&Value::Null);
    let context = ["encryptionContextSubset", "encryptionContextEquals"]
        .iter()
        .find_map(|name| constraints.get(name)?.as_object())
        .map(|context| {
            let text = |(key, value): (&String, &Value)| {
                Some((key.clone().into(), value.as_str()?.to_owned().into()))
            };
            context.iter().filter_map(text).collect::<Vec<_>>()
        })
        .unwrap_or_default();
    let spoken = super::encryption_context::spoken_of(&context);
    let grantee = text(&event.request, "granteePrincipal").map(str::to_owned);
    let invoked_by = event.identity.invoked_by.as_deref();
    let by_name = grantee.as_deref().into_iter().chain(invoked_by).chain(event.address.as_deref());
    let service = by_name.into_iter().find(|name| is_service(name)).map(str::to_owned);
    Grant {
        id: text(&event.response, "grantId").map(str::to_owned),
        operations: match event.request.get("operations").and_then(Value::as_array) {
            Some(all) => all.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            None => Vec::new(),
        },
        service: service.or_else(|| spoken.service.as_deref().map(str::to_owned)),
        resource: spoken.resource.as_deref().map(str::to_owned),
        grantee,
    }
}

fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}
