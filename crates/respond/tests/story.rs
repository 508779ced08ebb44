//! A response from request to confirmation, on a KMS in memory: what may happen, and what may not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use bartizan_respond as respond;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use respond::{
    Action, Carried, DisableAnswer, DisableStatement, FakeKeyService, Judgement, KeyArn, KeyState,
    NewRequest, Place, Plan, RespondError, Response, RoleTemplate, SeenCall, ServiceFault, Status, carry_out,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const REREADS: [Duration; 3] = [Duration::ZERO; 3];

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + minutes * 60).unwrap()
}

fn key() -> KeyArn {
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap()
}

fn request(action: Action) -> NewRequest {
    NewRequest {
        id: "0f1e".to_owned(),
        alert_id: "alert-1".to_owned(),
        key: key(),
        action,
        reason: "ransom note found".to_owned(),
        by: "token:alice".to_owned(),
        statement: (action == Action::EnableKey)
            .then(|| DisableStatement { answer: DisableAnswer::No, said_by: "Alice".to_owned() }),
    }
}

fn approved(action: Action) -> Response {
    let requested = Response::request(request(action), HOUR, at(0)).unwrap();
    requested.approve("token:bob", HOUR, at(5)).unwrap()
}

async fn executed(response: &Response, kms: &FakeKeyService) -> Response {
    let begun = response.begin("token:alice", at(6)).unwrap();
    let carried = carry_out(response.request.action, &response.request.key, kms, &REREADS).await;
    begun.finish(&carried, at(7)).unwrap()
}

fn event(name: &str, minutes: i64) -> SeenCall {
    SeenCall {
        time: at(minutes),
        event_id: Some("event-1".to_owned()),
        provider: "kms.amazonaws.com".to_owned(),
        name: name.to_owned(),
        keys: vec![key()],
        error: None,
        request_id: None,
        role: Some("arn:aws:iam::111122223333:role/bartizan-respond".to_owned()),
        user_agent: Some("aws-sdk-rust/1 app/bartizan-respond".to_owned()),
    }
}

fn role() -> RoleTemplate {
    "arn:{partition}:iam::{account}:role/bartizan-respond".parse().unwrap()
}

#[tokio::test]
async fn two_people_one_call_and_two_confirmations() {
    let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
    let done = executed(&approved(Action::CancelKeyDeletion), &kms).await;
    assert_eq!(done.status, Status::Confirmed);
    assert_eq!(done.confirmed_at, Some(at(7)));
    assert_eq!(kms.writes(), ["CancelKeyDeletion 1234abcd-12ab-34cd-56ef-1234567890ab"]);
    assert!(done.outcome.as_deref().unwrap().contains("next: the key is disabled"), "{:?}", done.outcome);

    let mut call = event("CancelKeyDeletion", 6);
    call.request_id = done.request_id.clone();
    let logged = done.seen_in_log(&call, None).unwrap();
    assert_eq!((logged.status, logged.event_id.as_deref()), (Status::Logged, Some("event-1")));
    assert_eq!(logged.seen_in_log(&call, None), None);

    // The next step is a response of its own.
    let enabled = executed(&approved(Action::EnableKey), &kms).await;
    assert_eq!(enabled.status, Status::Confirmed);
    assert_eq!(kms.writes().len(), 2);
}

#[tokio::test]
async fn events_of_others_confirm_nothing() {
    let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
    let mut done = executed(&approved(Action::CancelKeyDeletion), &kms).await;
    let ours = event("CancelKeyDeletion", 6);
    let changed = |change: fn(&mut SeenCall)| {
        let mut call = ours.clone();
        change(&mut call);
        call
    };
    let cases = [
        changed(|call| call.name = "EnableKey".to_owned()),
        changed(|call| call.provider = "s3.amazonaws.com".to_owned()),
        changed(|call| call.keys.clear()),
        changed(|call| call.error = Some("AccessDenied".to_owned())),
        changed(|call| call.time = at(5)),
        changed(|call| call.request_id = Some("another".to_owned())),
    ];
    for call in cases {
        assert_eq!(done.seen_in_log(&call, Some(&role())), None, "{call:?}");
    }
    // Where no id of the request is known, role and name decide.
    done.request_id = None;
    assert_eq!(done.seen_in_log(&ours, None), None);
    assert_eq!(done.seen_in_log(&changed(|call| call.user_agent = None), Some(&role())), None);
    assert_eq!(done.seen_in_log(&changed(|call| call.role = None), Some(&role())), None);
    assert!(done.seen_in_log(&ours, Some(&role())).is_some());
}

#[test]
fn nobody_approves_alone_late_or_twice() {
    let requested = Response::request(request(Action::CancelKeyDeletion), HOUR, at(0)).unwrap();
    let alone = requested.approve("token:alice", HOUR, at(1));
    assert_eq!(alone, Err(RespondError::SelfApproval { who: "token:alice".to_owned() }));
    assert!(requested.approve("token:bob", HOUR, at(59)).is_ok());
    assert_eq!(requested.approve("token:bob", HOUR, at(60)), Err(RespondError::Expired { at: at(60) }));
    assert!(matches!(requested.begin("token:bob", at(1)), Err(RespondError::WrongStatus { .. })));

    let approved = requested.approve("token:bob", HOUR, at(30)).unwrap();
    assert_eq!(approved.expires_at, at(90));
    assert!(approved.begin("token:alice", at(89)).is_ok());
    assert_eq!(approved.begin("token:alice", at(90)), Err(RespondError::Expired { at: at(90) }));
    assert!(matches!(approved.approve("token:carol", HOUR, at(31)), Err(RespondError::WrongStatus { .. })));

    assert_eq!((requested.aged(at(59)), approved.aged(at(89))), (None, None));
    for expired in [requested.aged(at(60)).unwrap(), approved.aged(at(90)).unwrap()] {
        assert_eq!(expired.status, Status::Expired);
        assert!(matches!(expired.begin("token:alice", at(31)), Err(RespondError::WrongStatus { .. })));
        assert!(expired.refuse("token:bob", "no", at(31)).is_err());
    }
    let refused = approved.refuse("token:alice", "a false alarm", at(40)).unwrap();
    assert_eq!(
        (refused.status, refused.outcome.as_deref()),
        (Status::Refused, Some("refused: a false alarm"))
    );
    assert_eq!(approved.refuse("token:alice", " ", at(40)), Err(RespondError::NoReason));
}

#[test]
fn a_request_says_why_and_who_disabled_the_key() {
    let ask = |request: NewRequest| Response::request(request, HOUR, at(0));
    let no_reason = NewRequest { reason: " ".to_owned(), ..request(Action::CancelKeyDeletion) };
    assert_eq!(ask(no_reason), Err(RespondError::NoReason));
    let unanswered = NewRequest { statement: None, ..request(Action::EnableKey) };
    assert_eq!(ask(unanswered), Err(RespondError::DisableUnanswered));
    let said_by = "Alice".to_owned();
    for answer in [DisableAnswer::Yes, DisableAnswer::Unknown] {
        let statement = Some(DisableStatement { answer, said_by: said_by.clone() });
        let answered = NewRequest { statement, ..request(Action::EnableKey) };
        assert_eq!(ask(answered), Err(RespondError::DisabledByDefender { said_by: said_by.clone() }));
    }
    let statement = request(Action::EnableKey).statement;
    let needless = NewRequest { statement, ..request(Action::CancelKeyDeletion) };
    assert!(matches!(ask(needless), Err(RespondError::AnswerNotAsked { .. })));
    let forever = Response::request(request(Action::EnableKey), SignedDuration::MAX, at(0));
    assert_eq!(forever, Err(RespondError::NoTime));
}

#[tokio::test]
async fn nothing_is_called_where_it_is_not_needed_or_not_allowed() {
    for (action, state, status) in [
        (Action::CancelKeyDeletion, KeyState::Disabled, Status::Unneeded),
        (Action::CancelKeyDeletion, KeyState::Enabled, Status::Unneeded),
        (Action::CancelKeyDeletion, KeyState::Creating, Status::Failed),
        (Action::EnableKey, KeyState::Enabled, Status::Unneeded),
        (Action::EnableKey, KeyState::PendingDeletion, Status::Failed),
        (Action::EnableKey, KeyState::PendingImport, Status::Failed),
        (Action::EnableKey, KeyState::Other("Melted".to_owned()), Status::Failed),
    ] {
        let kms = FakeKeyService::with_key(&key(), state.clone());
        let done = executed(&approved(action), &kms).await;
        assert_eq!(done.status, status, "{action} {state}");
        assert!(done.outcome.unwrap().contains(state.as_str()));
        assert!(kms.writes().is_empty(), "{action} {state}");
    }
    for (account, region) in [("444455556666", "eu-west-1"), ("111122223333", "eu-central-1")] {
        let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
        kms.set_place(Place { account: account.to_owned(), region: region.to_owned() });
        let done = executed(&approved(Action::CancelKeyDeletion), &kms).await;
        assert_eq!(done.status, Status::Failed);
        assert!(kms.calls().is_empty(), "not even read");
        let plan = Plan::make(&key(), None, &kms).await;
        assert!(plan.hindrance.is_some() && plan.live.is_err() && plan.action.is_none());
    }
    let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
    kms.fail_next("DescribeKey", ServiceFault::Denied);
    let done = executed(&approved(Action::CancelKeyDeletion), &kms).await;
    assert!(done.status == Status::Failed && kms.writes().is_empty());
}

#[tokio::test]
async fn kms_may_show_the_effect_late_and_answers_may_be_lost() {
    let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
    kms.set_stale_reads(2);
    assert_eq!(executed(&approved(Action::CancelKeyDeletion), &kms).await.status, Status::Confirmed);

    let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
    kms.set_stale_reads(3);
    let done = executed(&approved(Action::CancelKeyDeletion), &kms).await;
    assert_eq!((done.status, done.confirmed_at), (Status::Executed, None));
    assert_eq!(done.reread(&KeyState::PendingDeletion, at(8)), None);
    let confirmed = done.reread(&KeyState::Disabled, at(8)).unwrap();
    assert_eq!((confirmed.status, confirmed.confirmed_at), (Status::Confirmed, Some(at(8))));
    // The log may be quicker than the key.
    assert!(
        done.seen_in_log(
            &SeenCall { request_id: done.request_id.clone(), ..event("CancelKeyDeletion", 6) },
            None
        )
        .is_some()
    );

    let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
    kms.fail_next("CancelKeyDeletion", ServiceFault::NotReached);
    let carried = carry_out(Action::CancelKeyDeletion, &key(), &kms, &REREADS).await;
    assert!(matches!(&carried, Carried::NotCalled { .. } | Carried::Failed { .. }), "{carried:?}");
}

#[tokio::test]
async fn doing_it_twice_does_nothing_twice() {
    let kms = FakeKeyService::with_key(&key(), KeyState::PendingDeletion);
    let response = approved(Action::CancelKeyDeletion);
    let done = executed(&response, &kms).await;
    assert!(matches!(done.begin("token:bob", at(8)), Err(RespondError::WrongStatus { .. })));
    let again = carry_out(Action::CancelKeyDeletion, &key(), &kms, &REREADS).await;
    assert!(matches!(again, Carried::Unneeded { .. }), "{again:?}");
    assert_eq!(kms.writes().len(), 1);

    // Who carried it out died before saying what came of it: somebody may go on, and the key says that it is done.
    let begun = response.begin("token:alice", at(6)).unwrap();
    assert!(begun.begin("token:bob", at(15)).is_err());
    let taken = begun.begin("token:bob", at(16)).unwrap();
    assert_eq!(taken.executed_by.as_deref(), Some("token:bob"));
    assert_eq!(begun.aged(at(64)), None);
    assert_eq!(begun.aged(at(65)).unwrap().status, Status::Failed);
}

#[tokio::test]
async fn a_plan_suggests_what_the_state_allows() {
    for (state, action) in [
        (KeyState::PendingDeletion, Some(Action::CancelKeyDeletion)),
        (KeyState::Disabled, Some(Action::EnableKey)),
        (KeyState::Enabled, None),
    ] {
        let kms = FakeKeyService::with_key(&key(), state);
        let plan = Plan::make(&key(), None, &kms).await;
        assert_eq!(plan.action, action);
        assert_eq!(plan.judgement, action.map(|_| Judgement::Call));
        assert!(kms.writes().is_empty());
    }
    let plan = Plan::make(&key(), Some(Action::EnableKey), &respond::NoKeyServices).await;
    assert!(plan.live.is_err() && plan.judgement.is_none());
    assert_eq!(plan.command().unwrap(), format!("aws kms enable-key --key-id {} --region eu-west-1", key()));
}

proptest! {
    /// However steps follow on each other: nothing is begun without an approval by another person that is still valid, and what
    /// has ended stays so.
    #[test]
    fn no_way_leads_around_the_second_person(steps in proptest::collection::vec((0_u8..7, 0_i64..3, 0_i64..40), 0..30)) {
        let people = ["token:alice", "token:bob", "token:carol"];
        let mut now = 0;
        let mut response = Response::request(request(Action::CancelKeyDeletion), HOUR, at(0)).unwrap();
        for (step, who, minutes) in steps {
            now += minutes;
            let (by, before) = (people[usize::try_from(who).unwrap()], response.clone());
            let done = Carried::Failed { why: "x".to_owned() };
            let next = match step {
                0 => response.approve(by, HOUR, at(now)).ok(),
                1 => response.refuse(by, "no", at(now)).ok(),
                2 => response.begin(by, at(now)).ok(),
                3 => response.finish(&done, at(now)).ok(),
                4 => response.aged(at(now)),
                5 => response.reread(&KeyState::Disabled, at(now)),
                _ => response.seen_in_log(&event("CancelKeyDeletion", now), Some(&role())),
            };
            let Some(next) = next else { continue };
            prop_assert!(!matches!(before.status, Status::Refused | Status::Expired | Status::Failed | Status::Logged));
            if next.status == Status::Executing {
                prop_assert!(next.decided_by.is_some() && next.decided_by.as_deref() != Some("token:alice"));
                prop_assert!(at(now) < before.expires_at);
                prop_assert!(next.decided_at.unwrap() < at(60));
            }
            prop_assert_eq!(&next.request, &before.request);
            response = next;
        }
    }
}
