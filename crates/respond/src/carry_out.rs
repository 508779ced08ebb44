//! One action on one key: read, judge, call once, read again.

use std::time::Duration;

use crate::{Action, CallReceipt, Judgement, KeyArn, KeyService, KeyState, Place, ServiceError, judge};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// Nothing was called, since nothing had to be.
    Unneeded {
        /// The key's state.
        state: KeyState,
        /// A sentence.
        why: String,
    },
    /// Nothing was called, since it must not or could not be; a sentence.
    NotCalled {
        /// A sentence.
        why: String,
    },
    /// It was called. Read again, the key shows the effect.
    Confirmed {
        /// The key's state before.
        before: KeyState,
        /// And after.
        after: KeyState,
        /// What AWS answered; `None` when its answer was lost.
        receipt: Option<CallReceipt>,
    },
    /// It was called and AWS took it; none of the reads has shown the effect yet.
    Called {
        /// The key's state before.
        before: KeyState,
        /// What the last read said; `None` when none succeeded.
        after: Option<KeyState>,
        /// What AWS answered.
        receipt: CallReceipt,
    },
    /// It was called, and failed; the key does not show the effect. A sentence.
    Failed {
        /// A sentence.
        why: String,
    },
}

/// Does it. KMS is eventually consistent, so the key is read again after each of the `rereads` until it shows the effect.
///
/// Doing it again after it has succeeded calls nothing: the key's state says that it is done.
pub async fn carry_out(
    action: Action,
    key: &KeyArn,
    service: &dyn KeyService,
    rereads: &[Duration],
) -> Carried {
    let not_called = |why: String| Carried::NotCalled { why };
    match service.place().await {
        Err(error) => {
            return not_called(format!(
                "whose credentials these are is not known ({error}): nothing was called"
            ));
        }
        Ok(place) => {
            if let Some(why) = misplaced(key, &place) {
                return not_called(why);
            }
        }
    }
    let before = match service.describe(key).await {
        Err(error) => return not_called(format!("the key could not be read ({error}): nothing was called")),
        Ok(live) if live.arn != *key => {
            return not_called(format!("AWS answered about another key, {}: nothing was called", live.arn));
        }
        Ok(live) => live,
    };
    match judge(action, &before) {
        Judgement::Unneeded(why) => return Carried::Unneeded { state: before.state, why },
        Judgement::Forbidden(why) => return not_called(why),
        Judgement::Call => {}
    }
    let called = match action {
        Action::CancelKeyDeletion => service.cancel_deletion(key).await,
        Action::EnableKey => service.enable(key).await,
    };
    let after = read_until_effect(action, key, service, rereads).await;
    settled(action, before.state, after, called)
}

/// Is the client elsewhere than the key? Then a sentence that says so. These calls work in the key's own account and Region only.
pub(crate) fn misplaced(key: &KeyArn, place: &Place) -> Option<String> {
    if place.account != key.account() {
        return Some(format!(
            "the key belongs to account {} and the credentials to {}: nothing was called, since KMS takes this call from the \
             key's own account only",
            key.account(),
            place.account
        ));
    }
    (place.region != key.region()).then(|| {
        format!("the key lies in {} and the client in {}: nothing was called", key.region(), place.region)
    })
}

async fn read_until_effect(
    action: Action,
    key: &KeyArn,
    service: &dyn KeyService,
    rereads: &[Duration],
) -> Option<KeyState> {
    let mut last = None;
    for delay in rereads {
        tokio::time::sleep(*delay).await;
        // A read that fails says nothing; the next one may.
        let Ok(live) = service.describe(key).await else { continue };
        let is_done = action.has_effect(&live.state);
        last = Some(live.state);
        if is_done {
            break;
        }
    }
    last
}

fn settled(
    action: Action,
    before: KeyState,
    after: Option<KeyState>,
    called: Result<CallReceipt, ServiceError>,
) -> Carried {
    match (called, after) {
        (Ok(receipt), Some(after)) if action.has_effect(&after) => {
            Carried::Confirmed { before, after, receipt: Some(receipt) }
        }
        (Ok(receipt), after) => Carried::Called { before, after, receipt },
        (Err(_), Some(after)) if action.has_effect(&after) => {
            Carried::Confirmed { before, after, receipt: None }
        }
        (Err(error), Some(after)) => Carried::Failed { why: format!("{error}; the key is {after}") },
        (Err(error), None) => {
            Carried::Failed { why: format!("{error}; and the key could not be read again: look at it") }
        }
    }
}
