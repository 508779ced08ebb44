//! CloudTrail records and the documents that they become: the cases beside this file, and what holds for every record.
//!
//! A case is `normalize/NAME.json`: what it shows, a record, settings that differ from the usual, and the document.
//! `UPDATE_CASES=1` writes the documents anew; read the difference before you keep it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

use std::path::{Path, PathBuf};

use bartizan_ingest::enrich::Enrichment;
use bartizan_ingest::integration::aws_cloudtrail::{NormalizeContext, Retain, normalize};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

#[test]
fn every_case_gives_its_document() {
    let mut cases = 0;
    for path in case_files() {
        let mut case: Map<String, Value> =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let got = document(&case);
        if std::env::var_os("UPDATE_CASES").is_some() {
            case.insert("document".to_owned(), got);
            std::fs::write(&path, serde_json::to_string_pretty(&case).unwrap() + "\n").unwrap();
        } else {
            assert_eq!(got, case["document"], "{}", path.display());
        }
        cases += 1;
    }
    assert!(cases > 0, "no cases were found");
}

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/normalize");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn document(case: &Map<String, Value>) -> Value {
    let stream = ecs::DataStream::logs("aws.cloudtrail");
    let setting = |name: &str| case.get("settings").and_then(|settings| settings.get(name));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/maxmind-test-data");
    let (city, asn) = (data.join("GeoLite2-City-Test.mmdb"), data.join("GeoLite2-ASN-Test.mmdb"));
    let enrich = Enrichment::open(Some(&city), Some(&asn)).unwrap();
    let tags: Vec<String> =
        setting("tags").map(|tags| serde_json::from_value(tags.clone()).unwrap()).unwrap_or_default();
    let usual = NormalizeContext::new("2026-01-02T03:04:05.678Z".parse().unwrap(), &stream);
    let context = NormalizeContext {
        original: setting("original").and_then(Value::as_str),
        enrich: Some(&enrich),
        tags: &tags,
        actor_target_mapping: setting("actor_target_mapping") != Some(&json!(false)),
        retain: match setting("retain").and_then(Value::as_str) {
            Some("keyword") => Retain::Keyword,
            Some("flattened") => Retain::Flattened,
            Some("minimal") => Retain::Minimal,
            Some("none") => Retain::None,
            _ => Retain::All,
        },
        ..usual
    };
    Value::Object(normalize(case["record"].as_object().unwrap().clone(), &context).into_map())
}

/// Any JSON, under the keys that the mapping reads: every place gets values of every type.
fn any_record() -> impl Strategy<Value = Map<String, Value>> {
    let text = prop_oneof![
        Just(String::new()),
        Just("-".to_owned()),
        Just("none".to_owned()),
        Just("arn:aws:sts::111122223333:assumed-role/ops/ada@example.org".to_owned()),
        Just("arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789".to_owned()),
        Just("AssumedRole".to_owned()),
        Just("ec2.amazonaws.com".to_owned()),
        Just("2024-05-06T07:08:09Z".to_owned()),
        Just("192.0.2.1".to_owned()),
        "\\PC{0,12}",
    ];
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let key = proptest::sample::select(KEYS);
    let value = scalar.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let named = proptest::sample::select(
        &[
            ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress"),
            ("ssm.amazonaws.com", "SendCommand"),
            ("signin.amazonaws.com", "ConsoleLogin"),
            ("signin.amazonaws.com", "UserAuthentication"),
            ("sts.amazonaws.com", "AssumeRole"),
            ("iam.amazonaws.com", "CreateAccessKey"),
        ][..],
    );
    (
        proptest::collection::hash_map(proptest::sample::select(KEYS).prop_map(str::to_owned), value, 0..14),
        proptest::option::of(named),
    )
        .prop_map(|(map, named)| {
            let mut record: Map<String, Value> = map.into_iter().collect();
            if let Some((source, name)) = named {
                record.insert("eventSource".to_owned(), source.into());
                record.insert("eventName".to_owned(), name.into());
            }
            record
        })
}

const KEYS: &[&str] = &[
    "eventTime",
    "eventName",
    "eventSource",
    "userIdentity",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "serviceEventDetails",
    "resources",
    "tlsDetails",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "managementEvent",
    "addendum",
    "digestEndTime",
    "logFiles",
    "insightDetails",
    "type",
    "arn",
    "ARN",
    "accountId",
    "principalId",
    "userName",
    "UserName",
    "invokedBy",
    "sessionContext",
    "sessionIssuer",
    "attributes",
    "creationDate",
    "onBehalfOf",
    "userId",
    "items",
    "groupSet",
    "instancesSet",
    "instanceIds",
    "targets",
    "values",
    "securityGroupRuleSet",
    "tlsVersion",
    "ConsoleLogin",
    "user",
    "group",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// No record panics; and what is absent in the record is absent in the document.
    #[test]
    fn a_document_holds_no_empty_values(record in any_record()) {
        fn empty(value: &Value) -> bool {
            match value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty() || items.iter().any(empty),
                Value::Object(map) => map.is_empty() || map.values().any(empty),
                _ => false,
            }
        }
        let stream = ecs::DataStream::logs("aws.cloudtrail");
        let context = NormalizeContext::new("2026-01-02T03:04:05Z".parse().unwrap(), &stream);
        let document = normalize(record.clone(), &context);
        prop_assert!(!empty(&Value::Object(document.as_map().clone())), "{:?}", document);
        // What failed is said, and said to be an error.
        let failed = document.first("error.message").is_some();
        prop_assert_eq!(document.text("event.kind"), Some(if failed { "pipeline_error" } else { "event" }));
        prop_assert_eq!(normalize(record, &context), document);
    }
}
