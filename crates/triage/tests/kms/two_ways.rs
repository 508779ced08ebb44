//! Uses read as whole events and uses read the light way give the same history, in whatever order and batches they come.

use bartizan_triage::event::Event;
use bartizan_triage::kms::coverage::Coverage;
use bartizan_triage::kms::key_history::KeyHistory;
use bartizan_triage::kms::key_use::{KeyUse, KeyUseBatch, KeyUseReader};
use bartizan_triage::kms::sorted_keys::SortedKeys;
use bartizan_triage::kms::written_uses::WrittenUses;
use bartizan_triage::place::Place;
use ecs::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::made_log::{ACCOUNT, arn};

/// A batch of the uses among records, row by row, and how many there were.
pub(crate) fn members_of(records: &[Value]) -> (KeyUseBatch, usize) {
    let mut reader = KeyUseReader::default();
    let pushed = push_all(&mut |key_use| reader.push(key_use), records, 0);
    (reader.batch("made.json"), pushed)
}

/// The uses among records as they are written.
fn written_uses(records: &[Value]) -> WrittenUses {
    let mut written = WrittenUses::default();
    let mut push = |key_use: &KeyUse<'_>| {
        let is_use = key_use.event_name.is_some_and(KeyUseReader::takes);
        if is_use {
            written.push(key_use);
        }
        is_use
    };
    push_all(&mut push, records, 0);
    written.take("made.json")
}

/// The records have the rows from `first` on.
fn push_all(push: &mut dyn FnMut(&KeyUse<'_>) -> bool, records: &[Value], first: usize) -> usize {
    let mut pushed = 0;
    for (row, record) in (first..).zip(records) {
        let text = |name: &str| record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let written = |name: &str| record.get(name).map(Value::to_string);
        let identity = written("userIdentity");
        let resources = written("resources");
        let request = written("requestParameters");
        let response = written("responseElements");
        let additional = written("additionalEventData");
        pushed += usize::from(push(&KeyUse {
            row,
            offset: row as u64,
            event_time: text("eventTime").and_then(|at| at.parse().ok()),
            event_name: text("eventName"),
            event_id: text("eventID"),
            shared_event_id: text("sharedEventID"),
            aws_region: text("awsRegion"),
            recipient_account_id: text("recipientAccountId"),
            source_ip_address: text("sourceIPAddress"),
            user_identity: identity.as_deref(),
            error_code: text("errorCode"),
            error_message: text("errorMessage"),
            resources: resources.as_deref(),
            request_parameters: request.as_deref(),
            response_elements: response.as_deref(),
            additional_event_data: additional.as_deref(),
        }));
    }
    pushed
}

pub(crate) fn event(number: usize, record: &Value) -> Event {
    let place = Place::File { name: "made.json".into(), offset: number as u64 };
    Event::of_record(record.as_object().unwrap(), place).unwrap()
}

/// All that can be asked of a history, as text.
pub(crate) fn told(history: &KeyHistory) -> String {
    let moments = ["2026-03-14T00:10:00Z", "2026-03-14T00:30:00Z", "2026-05-01T00:00:00Z"];
    let keys = history.sorted();
    let mut told = String::new();
    for at in moments.map(|at| at.parse::<Timestamp>().unwrap()) {
        told += &serde_json::to_string_pretty(&keys.reports(at)).unwrap();
        for key in keys.keys() {
            let radius = keys.blast_radius(key, at, &Coverage::default());
            let back = keys.reimport(key, None, at);
            told += &serde_json::to_string_pretty(&(radius, back)).unwrap();
        }
    }
    format!("{told}{:?}", keys.unresolved_aliases())
}

fn identity() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": ACCOUNT })),
        Just(json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" })),
        Just(
            json!({ "type": "AssumedRole", "principalId": "AROA:x\u{e4}\"", "arn": "", "accountId": "444455556666",
            "invokedBy": "s3.amazonaws.com", "sessionContext": { "attributes": {}, "sessionIssuer": { "arn": "arn:aws:iam::444455556666:role/r" } } })
        ),
        Just(json!({ "principalId": "AIDA\u{1}", "sessionContext": [1, 2] })),
        Just(json!("nobody")),
        Just(Value::Null),
    ]
}

fn context() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "aws:s3:arn": "arn:aws:s3:::ledger/a\"b" })),
        Just(json!({ "aws:s3:arn": "arn:aws:s3:::ledger", "Department": "x" })),
        Just(json!({ "aws:ebs:id": "vol-1", "n": 3, "deep": { "a": [] } })),
        Just(json!({ "SecretARN": "arn:aws:secretsmanager:eu-west-1:1:secret:s", "aws:x:y": "z" })),
        Just(json!({ "aws:lambda:FunctionArn": "" })),
        Just(json!(["no"])),
        Just(Value::Null),
    ]
}

fn key_name() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("aaaaaaaa-0000-4000-8000-000000000001")),
        Just(json!(arn("bbbbbbbb-0000-4000-8000-000000000002"))),
        Just(json!("alias/payments")),
        Just(json!("")),
        Just(json!(7)),
        Just(Value::Null),
    ]
}

fn resources() -> impl Strategy<Value = Value> {
    let one = || {
        prop_oneof![
            Just(arn("aaaaaaaa-0000-4000-8000-000000000001")),
            Just(arn("mrk-1")),
            Just("arn:aws:kms:eu-west-1:1:alias/x".to_owned())
        ]
    };
    prop_oneof![
        Just(Value::Null),
        Just(json!("none")),
        Just(json!([1, { "type": "AWS::KMS::Key" }, { "arn": arn("mrk-1") }])),
        one().prop_map(|arn| json!([{ "ARN": arn, "accountId": ACCOUNT }])),
        (one(), one()).prop_map(|(first, second)| json!([{ "ARN": first }, { "ARN": second }])),
    ]
}

prop_compose! {
    fn a_use()(
        action in prop::sample::select(vec!["Decrypt", "GenerateDataKey", "ReEncrypt", "GetPublicKey", "Sign", "DescribeKey"]),
        minute in prop::sample::select(vec![0_u32, 5, 20, 39]), id in prop_oneof![Just(None), (0..40_u32).prop_map(Some)],
        uuid in any::<bool>(), identity in identity(), resources in resources(),
        key in key_name(), source in key_name(), destination in key_name(), from in context(), to in context(), plain in context(),
        error in prop::sample::select(vec![None, Some("DisabledException"), Some("AccessDenied"), Some("")]),
        message in prop::sample::select(vec!["k is disabled.", "k is pending deletion.", "no"]),
        material in prop::sample::select(vec![json!({ "keyMaterialId": "m1" }), json!({ "keyMaterialId": 1 }), json!({}), Value::Null]),
        address in prop::sample::select(vec!["198.51.100.7", "dynamodb.amazonaws.com", "AWS Internal"]),
        account in prop::sample::select(vec![Some(ACCOUNT), None]),
    ) -> Value {
        let mut record = json!({
            "eventTime": format!("2026-03-14T00:{minute:02}:00Z"),
            "eventSource": "kms.amazonaws.com", "eventName": action, "awsRegion": "eu-west-1", "sourceIPAddress": address,
            "userIdentity": identity, "resources": resources, "additionalEventData": material, "readOnly": true,
            "requestParameters": { "keyId": key, "sourceKeyId": source, "destinationKeyId": destination,
                "sourceEncryptionContext": from, "destinationEncryptionContext": to, "encryptionContext": plain },
            "errorMessage": message,
        });
        if let Some(number) = id {
            record["eventID"] = json!(if uuid { format!("0000000a-0000-4000-8000-{number:012}") } else { format!("Id \"{number}") });
        }
        if let Some(error) = error {
            record["errorCode"] = json!(error);
        }
        if let Some(account) = account {
            record["recipientAccountId"] = json!(account);
        }
        record
    }
}

prop_compose! {
    fn a_call()(
        action in prop::sample::select(vec!["CreateKey", "DisableKey", "EnableKey", "ScheduleKeyDeletion", "CancelKeyDeletion",
            "ImportKeyMaterial", "DeleteImportedKeyMaterial", "DeleteKey", "CreateAlias", "DeleteAlias", "CreateGrant",
            "RetireGrant", "PutKeyPolicy", "DescribeKey", "ReplicateKey", "DisconnectCustomKeyStore"]),
        minute in prop::sample::select(vec![0_u32, 5, 20, 39]), number in 100..140_u32, resources in resources(), key in key_name(), failed in prop::bool::weighted(0.1),
    ) -> Value {
        let mut record = json!({
            "eventTime": format!("2026-03-14T00:{minute:02}:00Z"),
            "eventSource": "kms.amazonaws.com", "eventName": action, "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
            "eventID": format!("c{number}"), "resources": resources,
            "requestParameters": { "keyId": key, "aliasName": "alias/payments", "targetKeyId": key, "grantId": "g", "replicaRegion": "us-east-1" },
            "responseElements": { "grantId": "g" },
        });
        if failed {
            record["errorCode"] = json!("AccessDenied");
        }
        record
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_light_way_gives_the_same_history(
        kinds in prop::collection::vec(a_use(), 1..12), drop in 0..7_usize,
        // Of few kinds many, so that there is something to add up.
        uses in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u32, 0..40_u32), 0..60),
    ) {
        let a_use = |(kind, minute, number): &(prop::sample::Index, u32, u32)| {
            let mut record = kind.get(&kinds).clone();
            record["eventTime"] = json!(format!("2026-03-{:02}T23:{:02}:59Z", 14 + minute % 2, minute * 10));
            let uuid = format!("0000000a-0000-4000-8000-{number:012}");
            record["eventID"] = if number % 3 == 0 { json!(format!("z{number}")) } else { json!(uuid) };
            record
        };
        let records: Vec<Value> = uses.iter().map(a_use).collect();
        let kept = |row: usize| row % 7 != drop;
        let mut whole = KeyHistory::new();
        for (row, record) in records.iter().enumerate().filter(|(row, _)| kept(*row)) {
            whole.observe(&event(row, record));
        }
        let mut light = KeyHistory::new();
        light.take(&members_of(&records).0, kept);
        prop_assert_eq!(told(&whole), told(&light));
    }

    #[test]
    fn neither_order_nor_batches_matter(
        records in prop::collection::vec(prop_oneof![a_use(), a_call()], 0..60),
        order in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
    ) {
        let events: Vec<Event> = records.iter().enumerate().map(|(number, record)| event(number, record)).collect();
        let mut straight = KeyHistory::new();
        events.iter().for_each(|event| straight.observe(event));
        // Turned and backwards.
        let mut turned = events.clone();
        turned.rotate_left(order.index(events.len().max(1)));
        turned.reverse();
        let mut backwards = KeyHistory::new();
        turned.iter().for_each(|event| backwards.observe(event));
        prop_assert_eq!(told(&straight), told(&backwards));

        // Uses in two batches, the later one first; calls as events.
        let cut = cut.index(records.len() + 1);
        let is_use = |row: usize| KeyUseReader::takes(&events[row].action);
        let whole = members_of(&records).0;
        let mut batched = KeyHistory::new();
        batched.take(&whole, |row| row >= cut);
        (0..events.len()).filter(|row| !is_use(*row)).for_each(|row| batched.observe(&events[row]));
        batched.take(&whole, |row| row < cut);
        prop_assert_eq!(told(&straight), told(&batched));

        // Two batches of one reader.
        let mut reader = KeyUseReader::default();
        let mut read = KeyHistory::new();
        for (first, records) in [(0, &records[..cut]), (cut, &records[cut..])] {
            push_all(&mut |key_use| reader.push(key_use), records, first);
            read.take(&reader.batch("made.json"), |_| true);
        }
        (0..events.len()).filter(|row| !is_use(*row)).for_each(|row| read.observe(&events[row]));
        prop_assert_eq!(told(&straight), told(&read));

        // As they are written: of all keys, and of each alone.
        let mut unread = KeyHistory::new();
        (0..events.len()).filter(|row| !is_use(*row)).for_each(|row| unread.observe(&events[row]));
        for rows in [0..cut, cut..records.len()] {
            unread.take_written(written_uses(&records), |row| rows.contains(&row));
        }
        prop_assert_eq!(told(&straight), told(&unread));
        let (all, at) = (straight.sorted(), "2026-03-14T00:30:00Z".parse().unwrap());
        for key in all.keys() {
            let uses = unread.uses_of(&[key.id.clone()].into(), 1 + cut % 3);
            let alone = unread.sorted_with(&uses);
            prop_assert_eq!(all.report(key, at), alone.report(key, at));
            let radius = |keys: &SortedKeys<'_>| keys.blast_radius(key, at, &Coverage::default());
            prop_assert_eq!(radius(&all), radius(&alone));
        }
    }
}

#[test]
fn a_member_said_twice_counts_as_its_last() {
    let text = r#"{"eventTime":"2026-03-14T00:00:00Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","requestParameters":{"keyId":"a","keyId":"b"},"recipientAccountId":"1","awsRegion":"eu-west-1"}"#;
    let record: Value = serde_json::from_str(text).unwrap();
    let mut whole = KeyHistory::new();
    whole.observe(&event(0, &record));
    let mut reader = KeyUseReader::default();
    let twice = KeyUse {
        event_time: "2026-03-14T00:00:00Z".parse().ok(),
        event_name: Some("Decrypt"),
        request_parameters: Some(r#"{"keyId":"a","keyId":"b"}"#),
        recipient_account_id: Some("1"),
        aws_region: Some("eu-west-1"),
        ..KeyUse::default()
    };
    assert!(reader.push(&twice));
    let mut light = KeyHistory::new();
    let batch = reader.batch("made.json");
    light.take(&batch, |_| true);
    assert_eq!(told(&whole), told(&light));
    assert!(!reader.push(&KeyUse { event_time: None, ..twice }), "no time");
    assert!(!reader.push(&KeyUse { event_name: Some("DisableKey"), ..twice }), "not a use");
    assert!(!reader.push(&KeyUse { request_parameters: Some("{}"), ..twice }), "no key");
    assert_eq!((batch.len(), reader.batch("made.json").len()), (1, 0));
}
