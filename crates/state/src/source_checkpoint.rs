//! How far sources have read, and deliveries that could not be read.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Page, StateError};

/// A delivery that could not be read and was set aside, so that it neither blocks the queue nor is lost in silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoisonDelivery {
    /// The source's name.
    pub source: String,
    /// The delivery's id at the source.
    pub id: String,
    /// Why it could not be read.
    pub reason: String,
    /// The beginning of its body.
    pub body_excerpt: String,
    /// When it was set aside.
    pub time: Timestamp,
}

/// What sources must not forget.
#[async_trait]
pub trait SourceStore: Send + Sync {
    /// Keeps how far a source has read; what it means only the source knows.
    async fn put_checkpoint(
        &self,
        source: &str,
        key: &str,
        value: &[u8],
        now: Timestamp,
    ) -> Result<(), StateError>;

    /// How far a source has read.
    async fn checkpoint(&self, source: &str, key: &str) -> Result<Option<Vec<u8>>, StateError>;

    /// All of a source's checkpoints by key.
    async fn checkpoints(&self, source: &str) -> Result<Vec<(String, Vec<u8>)>, StateError>;

    /// Forgets a checkpoint. False when there was none.
    async fn delete_checkpoint(&self, source: &str, key: &str) -> Result<bool, StateError>;

    /// Sets a delivery aside. True when it is new; the first reason stays.
    async fn add_poison(&self, delivery: PoisonDelivery) -> Result<bool, StateError>;

    /// Deliveries that were set aside, of one source or all, by source and id; `limit` at a time. A place is (source, id).
    async fn poison(
        &self,
        source: Option<&str>,
        after: Option<&(String, String)>,
        limit: u32,
    ) -> Result<Page<PoisonDelivery, (String, String)>, StateError>;

    /// Forgets a delivery that was set aside. False when there was none.
    async fn delete_poison(&self, source: &str, id: &str) -> Result<bool, StateError>;
}
