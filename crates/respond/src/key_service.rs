//! AWS KMS as a response needs it: read a key, and the two calls.

use async_trait::async_trait;

use crate::{KeyArn, LiveKey};

/// KMS, as one account in one Region sees it.
#[async_trait]
pub trait KeyService: Send + Sync {
    /// In which account and Region the calls would be made.
    async fn place(&self) -> Result<Place, ServiceError>;

    /// `DescribeKey`.
    async fn describe(&self, key: &KeyArn) -> Result<LiveKey, ServiceError>;

    /// `CancelKeyDeletion`.
    async fn cancel_deletion(&self, key: &KeyArn) -> Result<CallReceipt, ServiceError>;

    /// `EnableKey`.
    async fn enable(&self, key: &KeyArn) -> Result<CallReceipt, ServiceError>;
}

/// Finds the service for a key.
#[async_trait]
pub trait KeyServices: Send + Sync {
    /// KMS in the Region of the key, with the credentials for its account. Nothing is called yet. `session` names the session
    /// of a role that is assumed, so that CloudTrail shows it: letters, digits and `-`.
    async fn of(&self, key: &KeyArn, session: &str) -> Result<std::sync::Arc<dyn KeyService>, ServiceError>;
}

/// No credentials: a plan can be made without the live state, and nothing can be called.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeyServices;

#[async_trait]
impl KeyServices for NoKeyServices {
    async fn of(&self, _: &KeyArn, _: &str) -> Result<std::sync::Arc<dyn KeyService>, ServiceError> {
        let message = "no credentials for AWS are configured here".to_owned();
        Err(ServiceError { fault: ServiceFault::NotReached, call: "DescribeKey", message })
    }
}

/// An account and a Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
}

impl Place {
    /// Where a key lies.
    pub fn of(key: &KeyArn) -> Self {
        Self { account: key.account().to_owned(), region: key.region().to_owned() }
    }
}

/// What AWS answered to a call that it took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallReceipt {
    /// The request's id, which CloudTrail records as `requestID`.
    pub request_id: Option<String>,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {message}")]
pub struct ServiceError {
    /// In short.
    pub fault: ServiceFault,
    /// The call.
    pub call: &'static str,
    /// What AWS, or the way to it, said. No secrets.
    pub message: String,
}

/// Why a call failed, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceFault {
    /// The credentials may not do this.
    Denied,
    /// There is no such key.
    NotFound,
    /// The key's state does not allow it.
    WrongState,
    /// No credentials, no way there, no answer in time: whether a call was carried out is not known.
    NotReached,
    /// AWS refused for another reason.
    Refused,
}
