//! Sends what is in the outbox: tried again with growing waits, and set aside in sight when it is of no use.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use notify::{Connector, Message, RetryPolicy, Secrets, Transports};
use state::{Notification, Store, StoredConnector};
use tokio::sync::watch;

use crate::actions::connector_json;
use crate::clock::Clock;
use crate::error::ServerError;
use crate::log::Log;
use crate::scheduler::with_causes;

/// Who takes a notification has it for so long; then somebody else may send it.
const CLAIM: SignedDuration = SignedDuration::from_mins(2);

/// Sends notifications.
#[derive(Clone)]
pub struct Courier {
    /// Where they wait.
    pub store: Arc<dyn Store>,
    /// Looks up secrets while a message is sent.
    pub secrets: Arc<dyn Secrets>,
    /// Clients.
    pub transports: Arc<Transports>,
    /// How often and how long a message is tried.
    pub retry: RetryPolicy,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where what happens is written.
    pub log: Log,
}

impl Courier {
    /// Sends what is due, again and again, until told to stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.turn().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => self.log.error("courier", "outbox", &with_causes(&error)),
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Sends what is due now; how many were taken.
    ///
    /// # Errors
    /// When the state fails. What was taken is due again later.
    pub async fn turn(&self) -> Result<usize, ServerError> {
        let due = self.store.claim_due(self.clock.now(), 16, CLAIM).await?;
        let sending = due.iter().map(|notification| self.deliver(notification));
        for result in futures::future::join_all(sending).await {
            result?;
        }
        Ok(due.len())
    }

    async fn deliver(&self, notification: &Notification) -> Result<(), ServerError> {
        let id = notification.id;
        let stored = self.store.connector(&notification.draft.connector_id).await?;
        if stored.as_ref().is_some_and(|stored| !stored.enabled) {
            return Ok(self.store.mark_skipped(id, self.clock.now()).await?);
        }
        let prepared = prepared(stored, notification);
        let (connector, message) = match prepared {
            Ok(prepared) => prepared,
            Err(reason) => {
                self.log.error("courier", &notification.draft.connector_id, &reason);
                return Ok(self.store.mark_dead(id, &reason, self.clock.now()).await?);
            }
        };
        let sent =
            notify::send(&connector, &message, &*self.secrets, &self.transports, self.clock.now()).await;
        let now = self.clock.now();
        let Err(error) = sent else { return Ok(self.store.mark_sent(id, now).await?) };
        let reason = error.full_text();
        self.log.error("courier", &connector.id, &reason);
        let attempts = u32::try_from(notification.attempts).unwrap_or(u32::MAX);
        let seed = id.unsigned_abs();
        let next = self.retry.next_attempt(attempts, error.retry_after(), now, seed);
        match next.filter(|_| error.is_retryable()) {
            Some(next) => self.store.mark_failed(id, &reason, next).await?,
            None => self.store.mark_dead(id, &reason, now).await?,
        }
        Ok(())
    }
}

/// Connector and message, or why it can never be sent.
fn prepared(
    stored: Option<StoredConnector>,
    notification: &Notification,
) -> Result<(Connector, Message), String> {
    let draft = &notification.draft;
    let stored = stored.ok_or_else(|| format!("there is no connector `{}` any more", draft.connector_id))?;
    let connector = Connector::from_json(&connector_json(&stored)).map_err(|error| error.to_string())?;
    let message = serde_json::from_value(draft.payload.clone())
        .map_err(|error| format!("the stored message cannot be read: {error}"))?;
    Ok((connector, message))
}
