//! Whether deleted key material was imported again, and what proves it.

use serde::Serialize;

use crate::answer::Evidence;

/// What came of deleted material.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reimport {
    /// In short.
    pub verdict: ReimportVerdict,
    /// Whole sentences: the proof, the gap without material, a new expiry, how far the logs reach.
    pub says: Vec<String>,
    /// Seconds without material, as far as known.
    pub gap_seconds: Option<i64>,
    /// `validTo` of the new import. RFC 3339, UTC.
    pub expires: Option<String>,
    /// The deletion, the import, and a later use with the same material.
    pub evidence: Vec<Evidence>,
}

/// What came of deleted material, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReimportVerdict {
    /// The same material is back: the records name the same id.
    SameMaterial,
    /// Material is back, and the records don't name it; KMS takes only the same for an existing material.
    EnforcedByKms,
    /// Other material was imported, and the deleted one is still missing.
    OtherMaterial,
    /// It is not back, as far as the logs reach.
    NotReimported,
}
