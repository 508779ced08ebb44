//! A response as the state keeps it, and as it is worked on.

use respond::{DisableStatement, NewRequest, RespondError, Response};
use state::{ResponseDraft, ResponseProgress, ResponseRecord, StateError};

/// What the state is to keep of what never changes.
pub(super) fn draft_of(response: &Response) -> ResponseDraft {
    let request = &response.request;
    ResponseDraft {
        id: request.id.clone(),
        alert_id: request.alert_id.clone(),
        key_arn: request.key.to_string(),
        action: request.action.call().to_owned(),
        reason: request.reason.clone(),
        requested_by: request.by.clone(),
        requested_at: response.requested_at,
        disabled_by_defender: request.statement.as_ref().map(|said| said.answer.word().to_owned()),
        disabled_said_by: request.statement.as_ref().map(|said| said.said_by.clone()),
    }
}

/// What the state is to keep of how far it is.
pub(super) fn progress_of(response: &Response) -> Result<ResponseProgress, StateError> {
    Ok(ResponseProgress {
        status: response.status.word().parse()?,
        expires_at: response.expires_at,
        decided_by: response.decided_by.clone(),
        decided_at: response.decided_at,
        executed_by: response.executed_by.clone(),
        executed_at: response.executed_at,
        request_id: response.request_id.clone(),
        confirmed_at: response.confirmed_at,
        event_id: response.event_id.clone(),
        outcome: response.outcome.clone(),
    })
}

/// The response that the state has kept.
pub(super) fn response_of(record: &ResponseRecord) -> Result<Response, RespondError> {
    let (draft, progress) = (&record.draft, &record.progress);
    let statement = match (&draft.disabled_by_defender, &draft.disabled_said_by) {
        (Some(answer), Some(said_by)) => {
            Some(DisableStatement { answer: answer.parse()?, said_by: said_by.clone() })
        }
        _ => None,
    };
    Ok(Response {
        request: NewRequest {
            id: draft.id.clone(),
            alert_id: draft.alert_id.clone(),
            key: draft.key_arn.parse()?,
            action: draft.action.parse()?,
            reason: draft.reason.clone(),
            by: draft.requested_by.clone(),
            statement,
        },
        requested_at: draft.requested_at,
        status: progress.status.as_str().parse()?,
        expires_at: progress.expires_at,
        decided_by: progress.decided_by.clone(),
        decided_at: progress.decided_at,
        executed_by: progress.executed_by.clone(),
        executed_at: progress.executed_at,
        request_id: progress.request_id.clone(),
        confirmed_at: progress.confirmed_at,
        event_id: progress.event_id.clone(),
        outcome: progress.outcome.clone(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_know_the_same_words() {
        for status in respond::Status::ALL {
            assert!(status.word().parse::<state::ResponseStatus>().is_ok(), "{status}");
        }
        assert_eq!(respond::Status::ALL.len(), state::ResponseStatus::ALL.len());
    }
}
