//! Made-up CloudTrail records, for tests: a log that is written line by line.

use bartizan_triage::event::Event;
use bartizan_triage::kms::key_history::KeyHistory;
use bartizan_triage::kms::key_id::KeyId;
use bartizan_triage::place::Place;
use ecs::Timestamp;
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";

/// Records, oldest first or not.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<Value>,
}

impl Log {
    /// Adds a call of KMS in eu-west-1 by the user `mallory`; `members` replace those of the record.
    pub(crate) fn kms(&mut self, time: &str, action: &str, members: Value) -> &mut Self {
        self.add("kms.amazonaws.com", time, action, members)
    }

    /// As [`Log::kms`], of another service.
    pub(crate) fn add(&mut self, provider: &str, time: &str, action: &str, members: Value) -> &mut Self {
        let number = self.records.len();
        let mut record = json!({
            "eventVersion": "1.11", "eventTime": time, "eventSource": provider, "eventName": action,
            "eventID": format!("00000000-0000-4000-8000-{number:012}"), "awsRegion": "eu-west-1",
            "eventType": "AwsApiCall", "recipientAccountId": ACCOUNT, "sourceIPAddress": "198.51.100.7",
            "userIdentity": { "type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/mallory"), "accountId": ACCOUNT },
            "requestParameters": null, "responseElements": null,
        });
        let (Some(object), Value::Object(members)) = (record.as_object_mut(), members) else {
            panic!("an object")
        };
        object.extend(members);
        self.records.push(record);
        self
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        let place = |number: usize| Place::File { name: "made.json".into(), offset: number as u64 };
        let event = |(number, record): (usize, &Value)| {
            Event::of_record(record.as_object().unwrap(), place(number)).unwrap()
        };
        self.records.iter().enumerate().map(event).collect()
    }

    pub(crate) fn history(&self) -> KeyHistory {
        let mut history = KeyHistory::new();
        self.events().iter().for_each(|event| history.observe(event));
        history
    }
}

pub(crate) fn arn(id: &str) -> String {
    format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{id}")
}

pub(crate) fn key(id: &str) -> KeyId {
    KeyId::parse_arn(&arn(id)).unwrap()
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `resources` of a record about a key.
pub(crate) fn about(id: &str) -> Value {
    json!([{ "accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(id) }])
}

/// Members of a call that names a key.
pub(crate) fn on(id: &str) -> Value {
    json!({ "requestParameters": { "keyId": arn(id) }, "resources": about(id) })
}

/// Members of a use by a service, for a resource.
pub(crate) fn used(id: &str, service: &str, context: Value) -> Value {
    json!({
        "requestParameters": { "keyId": arn(id), "encryptionContext": context }, "resources": about(id),
        "userIdentity": { "type": "AssumedRole", "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/app/i-1"),
            "invokedBy": service, "sessionContext": { "sessionIssuer": { "arn": format!("arn:aws:iam::{ACCOUNT}:role/app") } } },
        "readOnly": true,
    })
}

/// Members of a service event, as KMS writes it: nobody acts.
pub(crate) fn by_kms(id: &str, details: Value) -> Value {
    json!({
        "eventType": "AwsServiceEvent", "sourceIPAddress": "AWS Internal", "resources": about(id),
        "userIdentity": { "accountId": ACCOUNT, "invokedBy": "AWS Internal" }, "serviceEventDetails": details,
    })
}

/// One set of members over another.
pub(crate) fn with(mut members: Value, more: Value) -> Value {
    let (Some(object), Value::Object(more)) = (members.as_object_mut(), more) else { panic!("objects") };
    object.extend(more);
    members
}
