//! Leases: who may do what alone, and tokens by which the late are refused.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::StateError;

/// The right to do something alone, until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is the right to, for example `scheduler`.
    pub name: String,
    /// Who has it.
    pub holder: String,
    /// Larger than that of every earlier lease of this name. Writers show it.
    pub token: i64,
    /// From then on others may take it. Until they do, its writes are still taken: nobody else's are in their way.
    pub expires: Timestamp,
}

/// Leases. The nodes' clocks should agree to much better than a lease's length; if they do not, leases change hands early,
/// which costs work but no consistency: the token decides.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes a lease that is free, expired, or this holder's own (whose earlier token is then lost). `None` when somebody
    /// else has it. A holder's name belongs to one process.
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Lease>, StateError>;

    /// Makes a lease last until `now + ttl`. [`StateError::LeaseLost`] when somebody else has taken it, or it was released.
    async fn renew_lease(
        &self,
        lease: &Lease,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Lease, StateError>;

    /// Gives a lease up. Nothing happens when it is lost already.
    async fn release_lease(&self, lease: &Lease) -> Result<(), StateError>;

    /// All leases that are held, expired or not, by name.
    async fn leases(&self) -> Result<Vec<Lease>, StateError>;
}
