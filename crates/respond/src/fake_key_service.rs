//! KMS in memory, for tests: keys with states, and a note of every call.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::{
    Action, CallReceipt, KeyArn, KeyService, KeyServices, KeyState, LiveKey, Place, ServiceError,
    ServiceFault,
};

/// KMS in memory. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct FakeKeyService {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    place: Option<Place>,
    keys: BTreeMap<KeyArn, LiveKey>,
    stale_reads: usize,
    before: BTreeMap<KeyArn, KeyState>,
    faults: VecDeque<(&'static str, ServiceError)>,
    calls: Vec<String>,
}

impl FakeKeyService {
    /// With one key.
    pub fn with_key(key: &KeyArn, state: KeyState) -> Self {
        let this = Self::default();
        this.set_state(key, state);
        this
    }

    /// Puts a key into a state.
    pub fn set_state(&self, key: &KeyArn, state: KeyState) {
        let live = LiveKey {
            arn: key.clone(),
            state,
            deletion_date: None,
            pending_window_days: None,
            origin: Some("AWS_KMS".to_owned()),
            is_managed_by_aws: false,
        };
        self.lock().keys.insert(key.clone(), live);
    }

    /// The client is in this place, whatever key is asked for.
    pub fn set_place(&self, place: Place) {
        self.lock().place = Some(place);
    }

    /// After the next call so many reads still give the state before it, as KMS may do.
    pub fn set_stale_reads(&self, reads: usize) {
        self.lock().stale_reads = reads;
    }

    /// The next use of this call fails.
    pub fn fail_next(&self, call: &'static str, fault: ServiceFault) {
        let error = ServiceError { fault, call, message: format!("{fault:?}, as the test wants it") };
        self.lock().faults.push_back((call, error));
    }

    /// Every call so far, as `CALL KEY-ID`.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// Those of [`FakeKeyService::calls`] that change something.
    pub fn writes(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| !call.starts_with("DescribeKey")).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, action: Action, key: &KeyArn) -> Result<CallReceipt, ServiceError> {
        let mut inner = self.lock();
        inner.note(action.call(), key)?;
        let number = inner.calls.len();
        let live = inner.keys.get_mut(key).ok_or_else(|| missing(action.call()))?;
        let (allowed, after) = match action {
            Action::CancelKeyDeletion => (live.state.is_pending_deletion(), KeyState::Disabled),
            Action::EnableKey => {
                (matches!(live.state, KeyState::Disabled | KeyState::Enabled), KeyState::Enabled)
            }
        };
        if !allowed {
            let message = format!("{key} is {}", live.state);
            return Err(ServiceError { fault: ServiceFault::WrongState, call: action.call(), message });
        }
        let before = std::mem::replace(&mut live.state, after);
        if inner.stale_reads > 0 {
            inner.before.insert(key.clone(), before);
        }
        Ok(CallReceipt { request_id: Some(format!("request-{number}")) })
    }
}

impl Inner {
    fn note(&mut self, call: &'static str, key: &KeyArn) -> Result<(), ServiceError> {
        self.calls.push(format!("{call} {}", key.id()));
        match self.faults.front() {
            Some((name, _)) if *name == call => match self.faults.pop_front() {
                Some((_, error)) => Err(error),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn missing(call: &'static str) -> ServiceError {
    ServiceError { fault: ServiceFault::NotFound, call, message: "there is no such key".to_owned() }
}

#[async_trait]
impl KeyService for FakeKeyService {
    async fn place(&self) -> Result<Place, ServiceError> {
        let inner = self.lock();
        let of_key = || inner.keys.keys().next().map(Place::of);
        inner.place.clone().or_else(of_key).ok_or_else(|| missing("GetCallerIdentity"))
    }

    async fn describe(&self, key: &KeyArn) -> Result<LiveKey, ServiceError> {
        let mut inner = self.lock();
        inner.note("DescribeKey", key)?;
        let mut live = inner.keys.get(key).cloned().ok_or_else(|| missing("DescribeKey"))?;
        if inner.stale_reads > 0
            && let Some(before) = inner.before.get(key).cloned()
        {
            inner.stale_reads -= 1;
            live.state = before;
        }
        Ok(live)
    }

    async fn cancel_deletion(&self, key: &KeyArn) -> Result<CallReceipt, ServiceError> {
        self.change(Action::CancelKeyDeletion, key)
    }

    async fn enable(&self, key: &KeyArn) -> Result<CallReceipt, ServiceError> {
        self.change(Action::EnableKey, key)
    }
}

#[async_trait]
impl KeyServices for FakeKeyService {
    async fn of(&self, _: &KeyArn, _: &str) -> Result<Arc<dyn KeyService>, ServiceError> {
        Ok(Arc::new(self.clone()))
    }
}
