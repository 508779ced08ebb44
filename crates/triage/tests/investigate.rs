//! Whole investigations of made-up alerts: the answers, the verdict and the plan.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bartizan_triage::act::Act;
use bartizan_triage::activity::{About, ActReader, Activity};
use bartizan_triage::answer::{Answered, Evidence};
use bartizan_triage::event::Event;
use bartizan_triage::investigate::{AtHand, KeyFindings, Subject, investigate};
use bartizan_triage::investigate_query::{Query, QueryAnswer};
use bartizan_triage::kms::blast_radius::{BlastRadius, Dependent, Grade};
use bartizan_triage::kms::clock::{Clock, ClockKind};
use bartizan_triage::kms::coverage::Coverage;
use bartizan_triage::kms::key_history::KeyHistory;
use bartizan_triage::kms::key_report::{KeyReport, Risk, TimelineEntry};
use bartizan_triage::kms::reimport::{Reimport, ReimportVerdict};
use bartizan_triage::kms::state::{Certainty, KeyState};
use bartizan_triage::place::Place;
use bartizan_triage::question::ReadQuestions;
use bartizan_triage::report::{AlertSummary, Topic, TriageReport};
use bartizan_triage::response::ResponseAction;
use bartizan_triage::surroundings::{KnownAlert, Window};
use bartizan_triage::verdict::{VerdictLevel, count_hidden};
use ecs::{Document, Timestamp};
use rule::guide::Guide;
use serde_json::json;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000001";
const ROLE: &str = "arn:aws:iam::111122223333:role/KeyAdmin";

struct Call<'a> {
    time: &'a str,
    provider: &'a str,
    action: &'a str,
    address: &'a str,
    request: serde_json::Value,
    error: &'a str,
}

fn call<'a>(time: &'a str, action: &'a str) -> Call<'a> {
    Call {
        time,
        provider: "kms.amazonaws.com",
        action,
        address: "192.0.2.1",
        request: json!({ "keyId": KEY }),
        error: "",
    }
}

fn event(call: &Call<'_>) -> Event {
    let record = json!({
        "eventTime": call.time, "eventID": format!("{} {}", call.time, call.action), "eventSource": call.provider,
        "eventName": call.action, "awsRegion": "eu-west-1", "sourceIPAddress": call.address,
        "userAgent": "aws-cli/2.27.0", "recipientAccountId": "111122223333",
        "userIdentity": { "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/KeyAdmin/ana",
            "accessKeyId": "ASIAEXAMPLE", "accountId": "111122223333",
            "sessionContext": { "sessionIssuer": { "arn": ROLE }, "attributes": { "mfaAuthenticated": "true" } } },
        "requestParameters": call.request, "errorCode": call.error,
        "resources": [{ "ARN": KEY, "type": "AWS::KMS::Key" }],
    });
    Event::of_record(record.as_object().unwrap(), Place::File { name: "a.json.gz".into(), offset: 7 })
        .unwrap()
}

/// Ten calls a day for nine days, from home.
fn routine() -> Vec<Event> {
    (1..=9)
        .flat_map(|day| (0..10).map(move |minute| format!("2026-03-0{day}T09:{minute:02}:00Z")))
        .map(|time| event(&call(&time, "DeleteImportedKeyMaterial")))
        .collect()
}

fn activity_of(events: &[Event]) -> Activity {
    let mut reader = ActReader::default();
    let mut activity = Activity::default();
    for event in events {
        let principal = event.identity.principal().unwrap_or_default();
        reader.push(&Act::of(event, &principal), 7, About::Event(event));
        activity.observe(event);
    }
    activity.take(reader.batch(Place::File { name: "a.json.gz".into(), offset: 0 }), |_| true);
    activity
}

fn key(state: KeyState) -> KeyReport {
    KeyReport {
        key: KEY.to_owned(),
        aliases: vec!["alias/payroll".to_owned()],
        account: Some("111122223333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        related: Vec::new(),
        origin: Some("EXTERNAL".to_owned()),
        state,
        certainty: Certainty::Recorded,
        since: Some("2026-03-10T09:30:00Z".to_owned()),
        because: "The record says so.".to_owned(),
        cause: None,
        clocks: Vec::new(),
        timeline: Vec::new(),
        first_seen: None,
        last_seen: None,
        last_use: None,
        uses: 0,
        failed_uses: 0,
        risk: Risk::High,
        risk_because: String::new(),
    }
}

fn entry(event: &Event) -> TimelineEntry {
    TimelineEntry {
        time: event.time.to_string(),
        action: event.action.clone(),
        principal: event.identity.principal(),
        error: event.error.clone(),
        before: None,
        after: None,
        says: String::new(),
        evidence: Evidence::of(event, "the call"),
    }
}

fn summary(event: &Event) -> AlertSummary {
    AlertSummary {
        uuid: "own".to_owned(),
        rule_id: "rule".to_owned(),
        rule_name: "Rule".to_owned(),
        severity: "medium".to_owned(),
        risk_score: 47.0,
        time: event.time.to_string(),
        reason: String::new(),
        event_ids: event.id.iter().cloned().collect(),
    }
}

fn document_of(event: &Event) -> Document {
    let mut document = Document::new();
    document.set("event.action", event.action.as_str());
    document.set("source.address", event.address.as_deref());
    document.set("aws.cloudtrail.user_identity.arn", event.identity.arn.as_deref());
    document.set("cloud.region", "eu-west-1");
    document
}

struct Case<'a> {
    guide: &'a str,
    logs: &'a [Event],
    subject: &'a [Event],
    keys: KeyFindings,
}

fn run(case: &Case<'_>) -> TriageReport {
    let guide = Guide::parse(case.guide);
    let alert = case.subject.last().map(summary).unwrap_or_default();
    let document = case.subject.last().map(document_of).unwrap_or_default();
    let subject = Subject { alert: &alert, document: &document, events: case.subject, guide: &guide };
    let activity = activity_of(case.logs);
    let time = case.subject.last().map_or(Timestamp::UNIX_EPOCH, |event| event.time);
    let alerts = [KnownAlert {
        uuid: "own",
        rule_id: "rule",
        rule_name: "Rule",
        severity: "medium",
        time,
        principal: ROLE,
        document: &document,
        level: None,
    }];
    let at_hand = AtHand {
        at: "2026-03-14T12:00:00Z".parse().unwrap(),
        activity: &activity,
        keys: &case.keys,
        alerts: &alerts,
        window: Window::default(),
        origin_of: None,
        coverage: &[],
        questions: &ReadQuestions::default(),
    };
    let ask = |query: &Query| match query.label.as_str() {
        "fails" => Err("It cannot be asked.".to_owned()),
        _ => Ok(QueryAnswer { count: 3, ..QueryAnswer::default() }),
    };
    let first = investigate(&subject, &at_hand, &ask);
    assert_eq!(first, investigate(&subject, &at_hand, &ask), "the same evidence gives the same report");
    for answered in &first.questions {
        let answer = &answered.answer;
        assert_eq!(answer.answered == Answered::Yes, answer.why_not_whole.is_none(), "{answered:?}");
        assert!(answer.answered == Answered::No || !answer.text.is_empty(), "{answered:?}");
        let sentences = answer.text.iter().chain(&answer.why_not_whole).chain(&answer.warnings);
        for sentence in sentences {
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
        }
    }
    first
}

fn names(reasons: &[bartizan_triage::verdict::Reason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.name.as_str()).collect()
}

#[test]
fn a_planned_rotation_is_expected_and_an_exception_is_proposed() {
    let mut logs = routine();
    let subject = event(&call("2026-03-10T09:05:00Z", "DeleteImportedKeyMaterial"));
    let import = event(&call("2026-03-10T09:10:00Z", "ImportKeyMaterial"));
    let later =
        event(&Call { provider: "sts.amazonaws.com", ..call("2026-03-10T18:00:00Z", "GetCallerIdentity") });
    logs.extend([subject.clone(), import.clone(), later]);
    let reimport = Reimport {
        verdict: ReimportVerdict::SameMaterial,
        says: vec!["The same material was imported again after 5 minutes.".to_owned()],
        gap_seconds: Some(300),
        expires: None,
        evidence: vec![Evidence::of(&import, "the material is back")],
    };
    let radius = BlastRadius { key: KEY.to_owned(), ..BlastRadius::default() };
    let keys = KeyFindings {
        keys: vec![key(KeyState::Enabled)],
        blast_radius: vec![radius],
        reimport: Some(reimport),
    };
    let report = run(&Case { guide: "", logs: &logs, subject: &[subject], keys });

    assert_eq!(report.verdict.level, VerdictLevel::Expected, "{:?}", report.verdict);
    assert!(
        report.verdict.for_attack.is_empty(),
        "the import sets it right: {:?}",
        report.verdict.for_attack
    );
    let planned = names(&report.verdict.against_attack);
    for reason in [
        "same_material_back",
        "usual_action",
        "usual_address",
        "usual_client",
        "usual_hour",
        "usual_region",
        "mfa",
        "key_unused",
    ] {
        assert!(planned.contains(&reason), "{planned:?}");
    }
    assert_eq!(
        report.questions.iter().map(|one| one.topic).collect::<Vec<_>>(),
        [Topic::Actor, Topic::Target, Topic::State, Topic::Surroundings]
    );
    let answers: Vec<Answered> = report.questions.iter().map(|one| one.answer.answered).collect();
    assert_eq!(answers, [Answered::Yes; 4], "{:#?}", report.questions);
    assert_eq!(report.verdict.exceptions.len(), 2);
    assert_eq!((report.verdict.exceptions[0].hides, report.verdict.exceptions[0].hides_suspicious), (1, 1));
    assert_eq!(report.response.steps.iter().filter(|step| step.action.is_some()).count(), 0);
}

#[test]
fn ransom_by_deleted_material_looks_malicious() {
    let mut logs = routine();
    let subject =
        event(&Call { address: "198.51.100.9", ..call("2026-03-10T22:30:00Z", "DeleteImportedKeyMaterial") });
    logs.push(subject.clone());
    logs.push(event(&Call {
        provider: "ec2.amazonaws.com",
        address: "198.51.100.9",
        ..call("2026-03-10T22:40:00Z", "DeleteSnapshot")
    }));
    logs.push(event(&Call {
        address: "198.51.100.9",
        error: "AccessDeniedException",
        ..call("2026-03-10T22:45:00Z", "PutKeyPolicy")
    }));
    let dependent = Dependent {
        grade: Grade::BrokenNow,
        service: Some("s3.amazonaws.com".to_owned()),
        resource: None,
        principals: Vec::new(),
        count: 4,
        first: String::new(),
        last: String::new(),
        says: "S3 could not read `bucket` 4 times.".to_owned(),
        evidence: Vec::new(),
    };
    let keys = KeyFindings {
        keys: vec![key(KeyState::PendingImport)],
        blast_radius: vec![BlastRadius {
            key: KEY.to_owned(),
            dependents: vec![dependent],
            ..BlastRadius::default()
        }],
        reimport: Some(Reimport {
            verdict: ReimportVerdict::NotReimported,
            says: vec!["No import is seen.".to_owned()],
            gap_seconds: None,
            expires: None,
            evidence: Vec::new(),
        }),
    };
    let guide = "## Questions\n1. Who acted, and how? Is the network new?\n2. Which key lost its material, and what depends on it?\n\
        3. Was the same material imported again? Look for ImportKeyMaterial.\n4. What else did the same principal do around that time? Look for CreateUser.\n";
    let report = run(&Case { guide, logs: &logs, subject: &[subject], keys });
    assert_eq!(report.verdict.level, VerdictLevel::MaliciousLooking);
    let attack = names(&report.verdict.for_attack);
    assert_eq!(attack[..3], ["destructive_around", "broken_now", "not_reimported"]);
    assert!(
        attack.contains(&"new_address") && attack.contains(&"new_hour") && attack.contains(&"denied_around"),
        "{attack:?}"
    );
    assert!(report.verdict.exceptions.is_empty(), "none for what looks like an attack");
    let texts: Vec<String> = report.questions.iter().map(|one| one.answer.text.join(" ")).collect();
    assert!(
        texts[0].starts_with(&format!("`{ROLE}` (AssumedRole) acted, in the session `ana`.")),
        "{}",
        texts[0]
    );
    assert!(texts[0].contains("The address `198.51.100.9` is new for this principal: it is not in this principal's earlier events."), "{}", texts[0]);
    assert!(texts[1].contains("S3 could not read `bucket` 4 times."));
    assert!(
        texts[2].contains("No import is seen.")
            && texts[2].contains(
                "Not seen on the key, in the logs at hand, which end at 2026-03-10T22:45:00Z: `ImportKeyMaterial`."
            ),
        "{}",
        texts[2]
    );
    assert!(
        texts[3].contains("`DeleteSnapshot` of ec2.amazonaws.com was called 1 time")
            && texts[3].contains("was refused 1 time"),
        "{}",
        texts[3]
    );
    // The logs end before the window does: that is a part of the answer.
    assert_eq!(report.questions[3].answer.answered, Answered::Partly);
    let titles: Vec<&str> = report.response.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(titles[..2], ["Find the original key material", "Import the original material again"]);
    assert!(report.response.steps.iter().all(|step| step.action.is_none()), "people import material");
}

#[test]
fn a_scheduled_deletion_is_cancelled_first_and_enabled_only_after_asking() {
    let disable = event(&call("2026-03-10T09:20:00Z", "DisableKey"));
    let schedule = event(&Call {
        request: json!({ "keyId": KEY, "pendingWindowInDays": 7 }),
        ..call("2026-03-10T09:30:00Z", "ScheduleKeyDeletion")
    });
    let mut report = key(KeyState::PendingDeletion);
    report.timeline = vec![entry(&disable), entry(&schedule)];
    report.clocks = vec![Clock {
        kind: ClockKind::Deletion,
        ends: None,
        seconds_left: None,
        certainty: Certainty::Recorded,
        says: "Six days are left.".to_owned(),
    }];
    let keys = KeyFindings { keys: vec![report], ..KeyFindings::default() };
    let logs = [disable, schedule.clone()];
    let report = run(&Case { guide: "", logs: &logs, subject: &[schedule], keys });
    let actions: Vec<_> = report.response.steps.iter().filter_map(|step| step.action).collect();
    assert_eq!(actions, [ResponseAction::CancelKeyDeletion, ResponseAction::EnableKey]);
    let enable =
        report.response.steps.iter().find(|step| step.action == Some(ResponseAction::EnableKey)).unwrap();
    assert!(enable.ask.as_deref().unwrap().contains("Was that a defender"), "{enable:?}");
    assert_eq!(
        report.response.steps[0].commands,
        [format!("aws kms cancel-key-deletion --key-id {KEY} --region eu-west-1")]
    );
    let attack = names(&report.verdict.for_attack);
    assert!(attack.contains(&"shortest_window") && attack.contains(&"disabled_then_scheduled"), "{attack:?}");
    assert!(
        !attack.iter().any(|name| name.starts_with("new_")),
        "the data starts minutes before: {attack:?}"
    );
    assert!(
        report.questions[0]
            .answer
            .why_not_whole
            .as_deref()
            .unwrap()
            .contains("too short to call anything new")
    );
    assert!(report.questions[2].answer.text.contains(&"Six days are left.".to_owned()));
}

#[test]
fn an_event_without_an_identity_is_followed_to_the_call_that_led_to_it() {
    let schedule = event(&call("2026-03-01T09:30:00Z", "ScheduleKeyDeletion"));
    let other = event(&Call {
        request: json!({ "keyId": "other" }),
        ..call("2026-03-01T09:40:00Z", "ScheduleKeyDeletion")
    });
    let record = json!({
        "eventTime": "2026-03-09T09:30:00Z", "eventID": "gone", "eventSource": "kms.amazonaws.com", "eventName": "DeleteKey",
        "eventType": "AwsServiceEvent", "userIdentity": { "accountId": "111122223333", "invokedBy": "AWS Internal" },
    });
    let deleted = Event::of_record(record.as_object().unwrap(), Place::Unknown).unwrap();
    let mut report = key(KeyState::Deleted);
    report.timeline = vec![entry(&schedule), entry(&deleted)];
    let keys = KeyFindings { keys: vec![report], ..KeyFindings::default() };
    let logs = [schedule, other, deleted.clone()];
    let guide = "## Questions\n1. Who scheduled the deletion? This event has no identity.\n4. What else did the principal of question 1 do?\n";
    let report = run(&Case { guide, logs: &logs, subject: &[deleted], keys });
    let actor = report.actor.as_ref().unwrap();
    assert_eq!((actor.principal.as_deref(), actor.address.as_deref()), (Some(ROLE), Some("192.0.2.1")));
    assert!(report.questions[0].answer.text[0].starts_with(
        "The event itself names nobody; `ScheduleKeyDeletion` at 2026-03-01T09:30:00Z led to it."
    ));
    assert!(
        report.questions[1].answer.text[0].contains(
            "`ScheduleKeyDeletion` of kms.amazonaws.com was called 1 time, at 2026-03-01T09:40:00Z, in the same session, on `"
        ),
        "{:?}",
        report.questions[1]
    );
    assert_eq!(report.response.steps[0].title, "Treat data under the key as lost");
    assert_ne!(report.verdict.level, VerdictLevel::Expected);
}

#[test]
fn an_alert_of_another_rule_gets_its_guide_answered_as_far_as_the_logs_go() {
    let subject = event(&Call {
        provider: "iam.amazonaws.com",
        request: json!({ "userName": "eve" }),
        ..call("2026-03-10T09:30:00Z", "CreateAccessKey")
    });
    let guide = concat!(
        "## Triage and analysis\n### Possible investigation steps\n",
        "- Review `aws.cloudtrail.user_identity.arn` to see who did it.\n",
        "- Check `cloud.region` and `aws.cloudtrail.nothing_like_it`.\n",
        "- See the affected user in `userName`.\n",
        "- Contact the account owner.\n",
        "- !{investigate{\"label\":\"Calls of the same ARN\",\"providers\":[[{\"field\":\"aws.cloudtrail.user_identity.arn\",\"queryType\":\"phrase\",\"value\":\"{{aws.cloudtrail.user_identity.arn}}\"}]]}}\n",
        "- !{investigate{\"label\":\"fails\",\"providers\":[[{\"field\":\"a\",\"queryType\":\"exists\"}]]}}\n",
        "- !{investigate{\"label\":\"Without a value\",\"providers\":[[{\"field\":\"a\",\"queryType\":\"phrase\",\"value\":\"{{host.id}}\"}]]}}\n",
        "- !{osquery{\"label\":\"On the machine\"}}\n",
    );
    let report = run(&Case {
        guide,
        logs: std::slice::from_ref(&subject),
        subject: std::slice::from_ref(&subject),
        keys: KeyFindings::default(),
    });
    let seen: Vec<_> = report.questions.iter().map(|one| (one.topic, one.answer.answered)).collect();
    use Answered::{No, Partly, Yes};
    assert_eq!(
        seen,
        [
            (Topic::Actor, Yes),
            (Topic::Target, Partly),
            (Topic::Actor, Yes),
            (Topic::Other, No),
            (Topic::Query, Yes),
            (Topic::Query, No),
            (Topic::Query, No),
            (Topic::Query, No),
        ],
        "{:#?}",
        report.questions
    );
    assert!(report.questions[1].answer.text.contains(&"`cloud.region` is `eu-west-1`.".to_owned()));
    assert!(report.questions[2].answer.text.contains(&"`userName` is `eve`.".to_owned()));
    assert!(
        report.questions[4].answer.text[0].starts_with("3 events with aws.cloudtrail.user_identity.arn: ")
    );
    assert_eq!(
        report.questions[6].answer.why_not_whole.as_deref(),
        Some("The query needs `host.id`, which the alert does not have.")
    );
    let contain = report.response.steps.iter().find(|step| step.title == "Contain who acted").unwrap();
    assert!(
        contain.commands[0].starts_with("aws iam put-role-policy --role-name KeyAdmin "),
        "{:?}",
        contain.commands
    );
}

#[test]
fn an_alert_without_events_still_gets_reasons() {
    let report = run(&Case { guide: "", logs: &[], subject: &[], keys: KeyFindings::default() });
    assert_eq!(report.questions.len(), 3);
    assert!(
        report.questions.iter().all(|one| one.answer.answered == Answered::No),
        "{:#?}",
        report.questions
    );
    assert_eq!((report.actor, report.verdict.level), (None, VerdictLevel::NeedsHuman));
}

/// The guide of a rule that is shipped.
fn shipped_guide(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.split("note = \"\"\"").nth(1).unwrap().split("\"\"\"").next().unwrap().to_owned()
}

fn keys_of(logs: &[Event], subject: &[Event], end: &str) -> KeyFindings {
    let mut history = KeyHistory::new();
    logs.iter().for_each(|event| history.observe(event));
    let end: Timestamp = end.parse().unwrap();
    let coverage =
        Coverage { from: logs.first().map(|event| event.time), to: Some(end), ..Coverage::default() };
    KeyFindings::of(&history.sorted(), subject, end, &coverage)
}

#[test]
fn the_guide_of_the_deleted_material_is_answered_whole() {
    let guide = shipped_guide("aws_kms_imported_key_material_deleted.toml");
    let mut logs = routine();
    let decrypt = Call {
        request: json!({ "keyId": KEY, "encryptionContext": { "aws:s3:arn": "arn:aws:s3:::ledger/2026.csv" } }),
        ..call("2026-03-10T08:00:00Z", "Decrypt")
    };
    logs.push(event(&decrypt));
    let subject =
        event(&Call { address: "198.51.100.9", ..call("2026-03-10T22:30:00Z", "DeleteImportedKeyMaterial") });
    logs.push(subject.clone());
    logs.push(event(&Call { error: "KMSInvalidStateException", time: "2026-03-10T22:35:00Z", ..decrypt }));
    logs.push(event(&Call {
        provider: "sts.amazonaws.com",
        ..call("2026-03-11T09:00:00Z", "GetCallerIdentity")
    }));
    let subject = [subject];
    let keys = keys_of(&logs, &subject, "2026-03-11T09:00:00Z");
    let report = run(&Case { guide: &guide, logs: &logs, subject: &subject, keys });
    assert_eq!((report.keys.len(), report.keys[0].state), (1, KeyState::PendingImport));
    assert_eq!(report.reimport.as_ref().unwrap().verdict, ReimportVerdict::NotReimported);
    let answers: Vec<Answered> = report.questions.iter().map(|one| one.answer.answered).collect();
    assert_eq!(answers, [Answered::Yes; 4], "{:#?}", report.questions);
    assert!(
        report
            .questions
            .iter()
            .all(|one| !one.answer.evidence.is_empty() || one.topic == Topic::Surroundings)
    );
    assert_eq!(report.verdict.level, VerdictLevel::MaliciousLooking, "{:?}", report.verdict);
}

#[test]
fn the_guide_of_the_scheduled_deletion_is_answered_whole() {
    let guide = shipped_guide("aws_kms_customer_managed_key_disabled_or_scheduled_for_deletion.toml");
    let response = json!({ "keyId": KEY, "keyState": "PendingDeletion", "deletionDate": "Mar 17, 2026, 22:30:00 PM", "pendingWindowInDays": 7 });
    let mut logs = routine();
    logs.push(event(&call("2026-03-10T22:20:00Z", "DisableKey")));
    let mut subject = event(&Call {
        request: json!({ "keyId": KEY, "pendingWindowInDays": 7 }),
        ..call("2026-03-10T22:30:00Z", "ScheduleKeyDeletion")
    });
    subject.response = response;
    logs.push(subject.clone());
    logs.push(event(&Call {
        provider: "sts.amazonaws.com",
        ..call("2026-03-11T09:00:00Z", "GetCallerIdentity")
    }));
    let subject = [subject];
    let keys = keys_of(&logs, &subject, "2026-03-11T09:00:00Z");
    let report = run(&Case { guide: &guide, logs: &logs, subject: &subject, keys });
    assert_eq!(report.keys[0].state, KeyState::PendingDeletion);
    let answers: Vec<Answered> = report.questions.iter().map(|one| one.answer.answered).collect();
    assert_eq!(
        (answers[0], answers[2], answers[3]),
        (Answered::Yes, Answered::Yes, Answered::Yes),
        "{:#?}",
        report.questions
    );
    let state = report.questions[2].answer.text.join(" ");
    assert!(state.contains("is in the state PendingDeletion since 2026-03-10T22:30:00Z"), "{state}");
    assert!(state.contains("2026-03-17"), "the deletion date is told: {state}");
    assert!(state.contains("Not seen on the key, in the logs at hand, which end at 2026-03-11T09:00:00Z: `CancelKeyDeletion` and `EnableKey`."), "{state}");
    let around = report.questions[3].answer.text.join(" ");
    assert!(around.contains("`DisableKey` of kms.amazonaws.com was called 1 time, at 2026-03-10T22:20:00Z, in the same session, on `arn:aws:kms:"), "{around}");
    let attack = names(&report.verdict.for_attack);
    assert!(attack.contains(&"shortest_window") && attack.contains(&"disabled_then_scheduled"), "{attack:?}");
    assert_eq!(report.verdict.level, VerdictLevel::MaliciousLooking);
}

#[test]
fn every_question_of_every_shipped_guide_ends_in_an_answer_or_a_reason() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let subject = [event(&call("2026-03-10T22:30:00Z", "ScheduleKeyDeletion"))];
    let mut guides = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".toml") || name.ends_with(".test.toml") {
            continue;
        }
        guides += 1;
        let guide = shipped_guide(&name);
        let keys = keys_of(&subject, &subject, "2026-03-10T22:30:00Z");
        // `run` asserts the form of each answer.
        let report = run(&Case { guide: &guide, logs: &subject, subject: &subject, keys });
        assert!(report.questions.len() >= 3, "{name}");
        assert!(report.questions.iter().all(|one| one.topic != Topic::Other), "{name}");
    }
    assert!(guides >= 18, "{guides}");
}

#[test]
fn names_from_logs_do_not_become_commands() {
    let mut bad = key(KeyState::Disabled);
    bad.key = "arn:aws:kms:eu-west-1:1:key/'; rm -rf ~ #".to_owned();
    let subject = event(&call("2026-03-10T09:30:00Z", "DisableKey"));
    let keys = KeyFindings { keys: vec![bad], ..KeyFindings::default() };
    let report = run(&Case { guide: "", logs: &[], subject: &[subject], keys });
    assert_eq!(
        report.response.steps[0].commands,
        [r"aws kms describe-key --key-id 'arn:aws:kms:eu-west-1:1:key/'\''; rm -rf ~ #' --region eu-west-1"]
    );
}

#[test]
fn what_an_exception_hides_is_counted_again_once_all_alerts_are_judged() {
    let mut logs = routine();
    let subject = event(&call("2026-03-10T09:05:00Z", "DeleteImportedKeyMaterial"));
    logs.push(subject.clone());
    let keys = KeyFindings { keys: vec![key(KeyState::Enabled)], ..KeyFindings::default() };
    let report = run(&Case { guide: "", logs: &logs, subject: std::slice::from_ref(&subject), keys });
    let mut exceptions = report.verdict.exceptions;
    let mine = document_of(&subject);
    let elsewhere = document_of(&event(&Call {
        address: "198.51.100.9",
        ..call("2026-03-10T09:06:00Z", "DeleteImportedKeyMaterial")
    }));
    let alert = |document, level| KnownAlert {
        uuid: "",
        rule_id: "rule",
        rule_name: "",
        severity: "",
        time: subject.time,
        principal: ROLE,
        document,
        level,
    };
    let alerts =
        [alert(&mine, Some(VerdictLevel::Expected)), alert(&elsewhere, Some(VerdictLevel::MaliciousLooking))];
    count_hidden(&mut exceptions, "rule", &alerts);
    let counts: Vec<_> =
        exceptions.iter().map(|one| (one.entries.len(), one.hides, one.hides_suspicious)).collect();
    assert_eq!(counts, [(3, 1, 0), (2, 2, 1)], "the narrow one first");
    count_hidden(&mut exceptions, "another rule", &alerts);
    assert_eq!(exceptions[1].hides, 0);
}
