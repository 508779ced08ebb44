//! Where a record lies, so that a reader can open it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Where an event was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In an input of a hunt.
    File {
        /// What the ledger calls the input.
        #[serde(serialize_with = "text")]
        name: Arc<str>,
        /// Bytes before the record, in the input as decompressed.
        offset: u64,
    },
    /// In the lake.
    Lake,
    /// Nobody said.
    #[default]
    Unknown,
}

// Serde's own way needs a feature that everything that uses serde would be built again for.
fn text<S: Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}
