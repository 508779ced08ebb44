//! Responses with their guards: requested by one person, approved by another, carried out once, followed until CloudTrail
//! has recorded them. See the crate `respond`.

mod kept;
pub mod log_evidence;
pub mod settings;

use std::sync::Arc;
use std::time::Duration;

use ecs::Document;
use jiff::SignedDuration;
use respond::{
    Action, Carried, DisableStatement, KeyArn, KeyServices, LastDisable, NewRequest, Plan, RespondError,
    Response, Status, carry_out, check_enable,
};
use serde_json::Value;
use state::{Actor, ResponseFilter, ResponseRecord, ResponseStatus, StateError, Store};

use crate::clock::Clock;
use crate::error::ServerError;
use kept::{draft_of, progress_of, response_of};
use log_evidence::{LogEvidence, keys_of_alert};
use settings::RespondSettings;

/// For how long the event of a call is waited for.
const EVENT_WITHIN: SignedDuration = SignedDuration::from_hours(48);

/// Asks, agrees, carries out, follows. Cheap to clone.
#[derive(Clone)]
pub struct Responder {
    /// Where responses and their audit trail are kept.
    pub store: Arc<dyn Store>,
    /// AWS.
    pub services: Arc<dyn KeyServices>,
    /// The events at hand.
    pub evidence: Arc<dyn LogEvidence>,
    /// Whether and how.
    pub settings: Arc<RespondSettings>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// When a key is read again after a call.
    pub rereads: Arc<[Duration]>,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The alert.
    pub alert_id: String,
    /// The key; when it is missing, the alert's, if it has just one.
    pub key: Option<KeyArn>,
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// For `EnableKey`.
    pub statement: Option<DisableStatement>,
}

/// Somebody who acts: two people are told apart by the names of their tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As the audit trail names them.
    pub actor: Actor,
    /// When their token was made; `None` when they have shown none.
    pub since: Option<jiff::Timestamp>,
}

/// What would be done to one key, and what the logs say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// The plan.
    pub plan: Plan,
    /// Who disabled it last, as far as the events at hand tell.
    pub last_disable: Option<LastDisable>,
    /// Why it will not be enabled whatever people say; `None` when nothing is known against it, or it is not about enabling.
    pub refusal: Option<String>,
}

impl Responder {
    /// With the usual times at which a key is read again.
    pub fn new(
        store: Arc<dyn Store>,
        services: Arc<dyn KeyServices>,
        evidence: Arc<dyn LogEvidence>,
        settings: RespondSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let rereads = [200, 800, 2_000, 3_000, 5_000].map(Duration::from_millis).into();
        Self { store, services, evidence, settings: Arc::new(settings), clock, rereads }
    }

    /// The keys of an alert.
    ///
    /// # Errors
    /// [`ServerError::NotFound`] for an unknown alert.
    pub async fn keys(&self, alert_id: &str) -> Result<Vec<KeyArn>, ServerError> {
        let alert = self.store.alert(alert_id).await?;
        let alert = alert.ok_or_else(|| ServerError::NotFound { kind: "alert", id: alert_id.to_owned() })?;
        let Value::Object(map) = alert.alert.document else { return Ok(Vec::new()) };
        Ok(keys_of_alert(&Document::from_map(map)))
    }

    /// What would be done; nothing is changed. Without a key, all keys of the alert.
    ///
    /// # Errors
    /// [`ServerError::NotFound`] for an unknown alert; when the events cannot be read. A key that cannot be read is no error.
    pub async fn plan(
        &self,
        alert_id: &str,
        key: Option<&KeyArn>,
        action: Option<Action>,
    ) -> Result<Vec<DryRun>, ServerError> {
        let keys = self.keys(alert_id).await?;
        let keys = key.map_or(keys, |key| vec![key.clone()]);
        let mut runs = Vec::new();
        for key in &keys {
            let plan = Plan::make(key, action, &*self.services).await;
            let last_disable = self.evidence.last_disable(key, self.clock.now()).await?;
            let refusal = match plan.action {
                Some(Action::EnableKey) => self.known_against(last_disable.as_ref()),
                _ => None,
            };
            runs.push(DryRun { plan, last_disable, refusal });
        }
        Ok(runs)
    }

    /// Keeps a request.
    ///
    /// # Errors
    /// [`ServerError::Response`] when a guard refuses it, [`ServerError::NotFound`] for an unknown alert, [`StateError::InUse`]
    /// when the same is requested already.
    pub async fn request(&self, ask: Ask, by: &Person) -> Result<ResponseRecord, ServerError> {
        needs_token(by)?;
        let now = self.clock.now();
        let keys = self.keys(&ask.alert_id).await?;
        let key = match (ask.key, &keys[..]) {
            (Some(key), _) => key,
            (None, [key]) => key.clone(),
            (None, keys) => {
                let named: Vec<&str> = keys.iter().map(KeyArn::as_str).collect();
                return Err(ServerError::BadRequest(match named[..] {
                    [] => "this alert names no key: give one as its ARN".to_owned(),
                    _ => format!("this alert names several keys, say which: {}", named.join(", ")),
                }));
            }
        };
        if ask.action == Action::EnableKey {
            let last = self.evidence.last_disable(&key, now).await?;
            check_enable(ask.statement.as_ref(), now, last.as_ref(), &self.settings.defenders)?;
        }
        self.age_those_of(&key).await?;
        let request = NewRequest {
            id: new_id()?,
            alert_id: ask.alert_id,
            key,
            action: ask.action,
            reason: ask.reason,
            by: by.actor.name().to_owned(),
            statement: ask.statement,
        };
        let response = Response::request(request, self.settings.request_valid()?, now)?;
        Ok(self.store.add_response(draft_of(&response), progress_of(&response)?, &by.actor, now).await?)
    }

    /// Somebody else agrees. Their token must have been there before the request, so that nobody makes a second person for it.
    ///
    /// # Errors
    /// [`ServerError::Response`] and [`ServerError::NotAllowed`] when a guard refuses it.
    pub async fn approve(&self, id: &str, by: &Person) -> Result<ResponseRecord, ServerError> {
        let (record, response) = self.fresh(id).await?;
        needs_token(by)?;
        if by.since.is_none_or(|since| since > response.requested_at) {
            let text = "this token was made after the request: who approves must have had theirs before";
            return Err(ServerError::NotAllowed(text.to_owned()));
        }
        let next = response.approve(by.actor.name(), self.settings.approval_valid()?, self.clock.now())?;
        self.step(&record, "approve", &next, &by.actor).await
    }

    /// Somebody says no.
    ///
    /// # Errors
    /// [`ServerError::Response`] when there is nothing left to refuse.
    pub async fn refuse(&self, id: &str, reason: &str, by: &Person) -> Result<ResponseRecord, ServerError> {
        let (record, response) = self.fresh(id).await?;
        let next = response.refuse(by.actor.name(), reason, self.clock.now())?;
        self.step(&record, "refuse", &next, &by.actor).await
    }

    /// Carries out what was approved, and gives what came of it. One that was carried out already is given as it is, and nothing
    /// is called.
    ///
    /// # Errors
    /// [`ServerError::NotAllowed`] unless `respond.enabled` is set, [`ServerError::Response`] when a guard refuses it.
    pub async fn execute(&self, id: &str, by: &Person) -> Result<ResponseRecord, ServerError> {
        let (record, response) = self.fresh(id).await?;
        needs_token(by)?;
        if matches!(response.status, Status::Executed | Status::Confirmed | Status::Logged | Status::Unneeded)
        {
            return Ok(record);
        }
        if !self.settings.enabled {
            let text =
                "responses are not carried out here: set `enabled = true` in [respond] of the configuration";
            return Err(ServerError::NotAllowed(text.to_owned()));
        }
        let begun = response.begin(by.actor.name(), self.clock.now())?;
        let record = self.step(&record, "execute", &begun, &by.actor).await?;
        // Whoever asked may hang up: what has begun comes to an end.
        let (this, actor) = (self.clone(), by.actor.clone());
        let work = tokio::spawn(async move {
            let carried = this.carried_out(&begun).await;
            let next = begun.finish(&carried, this.clock.now())?;
            this.step(&record, "finish", &next, &actor).await
        });
        work.await.map_err(|error| ServerError::Defect(error.to_string()))?
    }

    /// Looks after all responses that are not at their end: lets those expire whose time is over, reads keys again that did not
    /// show the effect, and finds the events of calls. A sentence for each that has changed.
    ///
    /// # Errors
    /// When the state or the events cannot be read.
    pub async fn look(&self) -> Result<Vec<String>, ServerError> {
        let (now, by) = (self.clock.now(), Actor::system("responder"));
        let mut changed = Vec::new();
        let mut waiting = Vec::new();
        for record in self.unfinished().await? {
            let response = response_of(&record)?;
            let mut next = response.aged(now).map(|next| ("expire", next));
            if next.is_none() && response.status == Status::Executed && self.settings.enabled {
                next = self.reread(&response).await.map(|next| ("confirm", next));
            }
            match next {
                Some((step, next)) => changed.extend(self.quiet_step(&record, step, &next, &by).await?),
                None => waiting.push((record, response)),
            }
        }
        waiting.retain(|(_, response)| {
            let is_recent = |at| now.duration_since(at) < EVENT_WITHIN;
            response.status.awaits_event() && response.executed_at.is_some_and(is_recent)
        });
        let Some(from) = waiting.iter().filter_map(|(_, response)| response.executed_at).min() else {
            return Ok(changed);
        };
        // CloudTrail has whole seconds.
        let from = from.checked_sub(SignedDuration::from_secs(1)).unwrap_or(from);
        let calls = self.evidence.calls(from).await?;
        for (record, response) in waiting {
            let role = self.settings.role_arn.as_ref();
            if let Some(next) = calls.iter().find_map(|call| response.seen_in_log(call, role)) {
                changed.extend(self.quiet_step(&record, "log", &next, &by).await?);
            }
        }
        Ok(changed)
    }

    async fn carried_out(&self, begun: &Response) -> Carried {
        let request = &begun.request;
        if request.action == Action::EnableKey {
            let last = match self.evidence.last_disable(&request.key, self.clock.now()).await {
                Ok(last) => last,
                Err(error) => {
                    return Carried::NotCalled {
                        why: format!("the logs could not be asked ({error}): nothing was called"),
                    };
                }
            };
            let checked = check_enable(
                request.statement.as_ref(),
                begun.requested_at,
                last.as_ref(),
                &self.settings.defenders,
            );
            if let Err(refused) = checked {
                return Carried::NotCalled { why: refused.to_string() };
            }
        }
        match self.services.of(&request.key, &format!("bartizan-respond-{}", request.id)).await {
            Ok(service) => carry_out(request.action, &request.key, &*service, &self.rereads).await,
            Err(error) => Carried::NotCalled { why: format!("{error}: nothing was called") },
        }
    }

    async fn reread(&self, response: &Response) -> Option<Response> {
        let key = &response.request.key;
        let service =
            self.services.of(key, &format!("bartizan-respond-{}", response.request.id)).await.ok()?;
        let live = service.describe(key).await.ok()?;
        response.reread(&live.state, self.clock.now())
    }

    /// What the logs alone say against enabling.
    fn known_against(&self, last: Option<&LastDisable>) -> Option<String> {
        let statement = DisableStatement { answer: respond::DisableAnswer::No, said_by: "?".to_owned() };
        let answered = last.map_or(jiff::Timestamp::MAX, |last| last.time);
        check_enable(Some(&statement), answered, last, &self.settings.defenders)
            .err()
            .map(|error| error.to_string())
    }

    /// The response as time has left it.
    async fn fresh(&self, id: &str) -> Result<(ResponseRecord, Response), ServerError> {
        let record = self.store.response(id).await?;
        let record = record.ok_or_else(|| ServerError::NotFound { kind: "response", id: id.to_owned() })?;
        let response = response_of(&record)?;
        match response.aged(self.clock.now()) {
            None => Ok((record, response)),
            Some(next) => {
                let record = self.step(&record, "expire", &next, &Actor::system("responder")).await?;
                Ok((record, next))
            }
        }
    }

    async fn step(
        &self,
        record: &ResponseRecord,
        step: &str,
        next: &Response,
        by: &Actor,
    ) -> Result<ResponseRecord, ServerError> {
        let (id, now) = (&record.draft.id, self.clock.now());
        match self.store.step_response(id, record.revision, step, progress_of(next)?, by, now).await {
            Err(StateError::RevisionConflict { .. }) => {
                let there = self.store.response(id).await?;
                let is = there.map_or(Ok(Status::Failed), |there| there.progress.status.as_str().parse())?;
                Err(RespondError::WrongStatus { is, needed: "somebody else was quicker" }.into())
            }
            other => Ok(other?),
        }
    }

    /// A step that nobody waits for: that somebody else was quicker is no fault.
    async fn quiet_step(
        &self,
        record: &ResponseRecord,
        step: &str,
        next: &Response,
        by: &Actor,
    ) -> Result<Option<String>, ServerError> {
        match self.step(record, step, next, by).await {
            Ok(_) => Ok(Some(format!(
                "response {} ({} on {}) is {}: {}",
                record.draft.id,
                next.request.action,
                next.request.key,
                next.status,
                next.outcome.as_deref().unwrap_or_default()
            ))),
            Err(ServerError::Response(RespondError::WrongStatus { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn unfinished(&self) -> Result<Vec<ResponseRecord>, ServerError> {
        use ResponseStatus::{Approved, Confirmed, Executed, Executing, Requested};
        let statuses = vec![Requested, Approved, Executing, Executed, Confirmed];
        self.all(&ResponseFilter { statuses, ..ResponseFilter::default() }).await
    }

    async fn age_those_of(&self, key: &KeyArn) -> Result<(), ServerError> {
        let filter = ResponseFilter { key_arn: Some(key.to_string()), ..ResponseFilter::default() };
        for record in self.all(&filter).await? {
            if let Some(next) = response_of(&record)?.aged(self.clock.now()) {
                self.quiet_step(&record, "expire", &next, &Actor::system("responder")).await?;
            }
        }
        Ok(())
    }

    async fn all(&self, filter: &ResponseFilter) -> Result<Vec<ResponseRecord>, ServerError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.responses(filter, after.as_ref(), 500).await?;
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}

fn needs_token(by: &Person) -> Result<(), ServerError> {
    match by.since {
        Some(_) => Ok(()),
        None => Err(ServerError::NotAllowed(
            "people are told apart by their tokens here: show one, and turn tokens on where they are off"
                .to_owned(),
        )),
    }
}

fn new_id() -> Result<String, ServerError> {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits)
        .map_err(|error| ServerError::Defect(format!("the system has no randomness to give: {error}")))?;
    Ok(bits.iter().map(|byte| format!("{byte:02x}")).collect())
}
