//! What AWS says of a key now.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::KeyArn;

/// `KeyMetadata` of `DescribeKey`, as far as a response needs it.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveKey {
    /// `Arn`.
    pub arn: KeyArn,
    /// `KeyState`.
    pub state: KeyState,
    /// `DeletionDate`; `None` unless the deletion is scheduled and its clock runs.
    pub deletion_date: Option<Timestamp>,
    /// `PendingDeletionWindowInDays`: of a multi-Region primary that waits for its replicas.
    pub pending_window_days: Option<i32>,
    /// `Origin`: `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM`, `EXTERNAL_KEY_STORE`.
    pub origin: Option<String>,
    /// `KeyManager` is `AWS`: nobody but AWS may change it.
    pub is_managed_by_aws: bool,
}

/// Where a key is in its life.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// A replica is being made.
    Creating,
    /// It works.
    Enabled,
    /// Switched off.
    Disabled,
    /// It has no key material.
    PendingImport,
    /// It will be deleted at the deletion date.
    PendingDeletion,
    /// A multi-Region primary whose deletion waits for that of its replicas.
    PendingReplicaDeletion,
    /// Its key store cannot be reached.
    Unavailable,
    /// Its primary Region is being changed.
    Updating,
    /// A state that AWS has added since.
    Other(String),
}

impl KeyState {
    /// The name that AWS uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Creating => "Creating",
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingImport => "PendingImport",
            Self::PendingDeletion => "PendingDeletion",
            Self::PendingReplicaDeletion => "PendingReplicaDeletion",
            Self::Unavailable => "Unavailable",
            Self::Updating => "Updating",
            Self::Other(name) => name,
        }
    }

    /// Is its deletion scheduled?
    pub fn is_pending_deletion(&self) -> bool {
        matches!(self, Self::PendingDeletion | Self::PendingReplicaDeletion)
    }
}

impl FromStr for KeyState {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = [
            Self::Creating,
            Self::Enabled,
            Self::Disabled,
            Self::PendingImport,
            Self::PendingDeletion,
            Self::PendingReplicaDeletion,
            Self::Unavailable,
            Self::Updating,
        ];
        Ok(known
            .into_iter()
            .find(|state| state.as_str() == name)
            .unwrap_or_else(|| Self::Other(name.to_owned())))
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
