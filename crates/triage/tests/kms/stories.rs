//! What became of a key: the stories that alerts about KMS tell, each with the answers that are due.

use crate::made_log::{Log, about, arn, by_kms, key, on, time, used, with};
use bartizan_triage::kms::blast_radius::Grade;
use bartizan_triage::kms::clock::ClockKind;
use bartizan_triage::kms::coverage::Coverage;
use bartizan_triage::kms::key_report::{KeyReport, Risk};
use bartizan_triage::kms::reimport::ReimportVerdict;
use bartizan_triage::kms::state::{Certainty, KeyState};
use serde_json::json;

const DAY: i64 = 86_400;

fn report(log: &Log, id: &str, at: &str) -> KeyReport {
    log.history().sorted().report(&key(id), time(at)).unwrap_or_else(|| panic!("{id} is not known"))
}

fn clocks(report: &KeyReport) -> Vec<(ClockKind, Option<i64>)> {
    report.clocks.iter().map(|clock| (clock.kind, clock.seconds_left)).collect()
}

fn material(id: &str, material: &str) -> serde_json::Value {
    with(on(id), json!({ "responseElements": { "keyId": arn(id), "keyMaterialId": material } }))
}

#[test]
fn ransom_by_deleted_material() {
    let mut log = Log::default();
    let bucket = json!({ "aws:s3:arn": "arn:aws:s3:::ledger/2026/03.csv" });
    let table = json!({ "aws:dynamodb:tableName": "orders", "aws:dynamodb:subscriberId": "111122223333" });
    log.kms("2026-03-01T08:00:00Z", "ImportKeyMaterial", material("k", "m1"))
        .kms(
            "2026-03-13T08:00:00Z",
            "GenerateDataKey",
            with(
                used("k", "s3.amazonaws.com", bucket.clone()),
                json!({ "additionalEventData": { "keyMaterialId": "m1" } }),
            ),
        )
        .kms("2026-03-13T09:00:00Z", "Decrypt", used("k", "dynamodb.amazonaws.com", table))
        .kms("2026-03-14T10:00:00Z", "DeleteImportedKeyMaterial", material("k", "m1"))
        .kms(
            "2026-03-14T10:05:00Z",
            "Decrypt",
            with(
                used("k", "s3.amazonaws.com", bucket),
                json!({
            "errorCode": "KMSInvalidStateException", "errorMessage": "the key is pending import." }),
            ),
        );
    let (history, event, end) = (log.history(), time("2026-03-14T10:00:00Z"), time("2026-03-15T10:00:00Z"));
    let keys = history.sorted();
    let report = report(&log, "k", "2026-03-15T10:00:00Z");
    assert_eq!(
        (report.state, report.certainty, report.risk),
        (KeyState::PendingImport, Certainty::Recorded, Risk::Critical)
    );
    assert_eq!(report.since.as_deref(), Some("2026-03-14T10:00:00Z"));
    assert_eq!(report.origin.as_deref(), Some("EXTERNAL"));
    assert_eq!((report.uses, report.failed_uses), (2, 1));
    // DynamoDB gives up seven days after the deletion; one has passed.
    assert_eq!(clocks(&report), [(ClockKind::DependentService, Some(6 * DAY))]);

    let radius = keys.blast_radius(
        &key("k"),
        event,
        &Coverage { to: Some(end), from: Some(event), ..Coverage::default() },
    );
    let found: Vec<_> = radius
        .dependents
        .iter()
        .map(|of| (of.grade, of.service.as_deref(), of.resource.as_deref(), of.count))
        .collect();
    let s3 = (Some("s3.amazonaws.com"), Some("arn:aws:s3:::ledger"));
    assert_eq!(
        found,
        [
            (Grade::BrokenNow, s3.0, s3.1, 1),
            (Grade::ObservedUse, Some("dynamodb.amazonaws.com"), Some("orders"), 1),
            (Grade::ObservedUse, s3.0, s3.1, 1),
        ]
    );
    assert_eq!(radius.dependents[0].principals, ["arn:aws:iam::111122223333:role/app"]);
    assert_eq!((radius.materials[0].material.as_str(), radius.materials[0].uses), ("m1", 1));
    assert!(
        radius.unknown_because.iter().any(|why| why.contains("bucket key")),
        "{:?}",
        radius.unknown_because
    );

    let back = keys.reimport(&key("k"), None, end).unwrap();
    assert_eq!((back.verdict, back.gap_seconds), (ReimportVerdict::NotReimported, Some(DAY)));
    assert!(back.says[0].contains("reach to 2026-03-15T10:00:00Z"), "{:?}", back.says);
}

#[test]
fn disabled_then_scheduled_with_the_shortest_window() {
    let mut log = Log::default();
    log.kms("2026-03-14T10:00:00Z", "DisableKey", on("k")).kms(
        "2026-03-14T10:01:00Z",
        "ScheduleKeyDeletion",
        with(
            on("k"),
            json!({
        "requestParameters": { "keyId": arn("k"), "pendingWindowInDays": 7 },
        "responseElements": { "keyId": arn("k"), "keyState": "PendingDeletion", "pendingWindowInDays": 7,
            "deletionDate": "Mar 21, 2026, 10:01:00 AM" } }),
        ),
    );
    let now = report(&log, "k", "2026-03-15T10:01:00Z");
    assert_eq!(
        (now.state, now.certainty, now.risk),
        (KeyState::PendingDeletion, Certainty::Recorded, Risk::Critical)
    );
    assert_eq!(clocks(&now), [(ClockKind::Deletion, Some(6 * DAY))]);
    assert_eq!(now.clocks[0].certainty, Certainty::Recorded);
    assert!(now.clocks[0].says.contains("24 hours"));
    let steps: Vec<_> =
        now.timeline.iter().map(|entry| (entry.action.as_str(), entry.before, entry.after)).collect();
    assert_eq!(
        steps,
        [
            ("DisableKey", Some(KeyState::Unknown), Some(KeyState::Disabled)),
            ("ScheduleKeyDeletion", Some(KeyState::Disabled), Some(KeyState::PendingDeletion)),
        ]
    );
    // A moment in between knows nothing of what came later.
    assert_eq!(report(&log, "k", "2026-03-14T10:00:30Z").state, KeyState::Disabled);
    // KMS may take a day longer; after that nobody who is not told so can hope.
    assert_eq!(report(&log, "k", "2026-03-22T10:00:00Z").state, KeyState::PendingDeletion);
    let gone = report(&log, "k", "2026-03-23T10:00:00Z");
    assert_eq!((gone.state, gone.certainty, gone.risk), (KeyState::Deleted, Certainty::Inferred, Risk::Lost));
}

#[test]
fn a_planned_rotation_with_a_reimport() {
    let mut log = Log::default();
    let import = |id: &str| {
        with(
            material("k", id),
            json!({ "requestParameters": { "keyId": arn("k"),
        "expirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE" } }),
        )
    };
    log.kms("2026-03-14T10:00:00Z", "DeleteImportedKeyMaterial", material("k", "m1"))
        .kms("2026-03-14T10:00:30Z", "GetParametersForImport", with(on("k"), json!({ "readOnly": true })))
        .kms("2026-03-14T10:02:00Z", "ImportKeyMaterial", import("m1"))
        .kms(
            "2026-03-14T11:00:00Z",
            "Decrypt",
            with(
                used("k", "s3.amazonaws.com", json!({})),
                json!({ "additionalEventData": { "keyMaterialId": "m1" } }),
            ),
        );
    let report = report(&log, "k", "2026-03-15T00:00:00Z");
    assert_eq!(
        (report.state, report.certainty, report.risk),
        (KeyState::Enabled, Certainty::Recorded, Risk::None)
    );
    assert!(report.clocks.is_empty());
    let history = log.history();
    let back = history.sorted().reimport(&key("k"), None, time("2026-03-15T00:00:00Z")).unwrap();
    assert_eq!(
        (back.verdict, back.gap_seconds, back.expires),
        (ReimportVerdict::SameMaterial, Some(120), None)
    );
    assert_eq!(back.evidence.len(), 3, "the deletion, the import and the use");
}

#[test]
fn a_multi_region_primary_waits_for_its_replicas() {
    let id = "mrk-0000000000000000000000000000000a";
    let replica = format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
    let mut log = Log::default();
    log.kms("2026-03-01T10:00:00Z", "ReplicateKey", with(on(id), json!({
            "requestParameters": { "keyId": arn(id), "replicaRegion": "us-east-1" },
            "responseElements": { "replicaKeyMetadata": { "arn": replica, "keyState": "Creating" } } })))
        .kms("2026-03-14T10:00:00Z", "ScheduleKeyDeletion", with(on(id), json!({
            "requestParameters": { "keyId": arn(id), "pendingWindowInDays": 7 },
            "responseElements": { "keyId": arn(id), "keyState": "PendingReplicaDeletion", "pendingWindowInDays": 7 } })));
    let waits = report(&log, id, "2026-03-15T10:00:00Z");
    assert_eq!((waits.state, waits.certainty), (KeyState::PendingReplicaDeletion, Certainty::Recorded));
    assert_eq!(clocks(&waits), [(ClockKind::ReplicaDeletion, None)]);
    assert_eq!(waits.related, [replica.as_str()]);
    log.kms(
        "2026-03-20T10:00:00Z",
        "DeleteKey",
        with(
            by_kms(id, json!(null)),
            json!({
        "resources": [{ "ARN": replica }], "awsRegion": "us-east-1" }),
        ),
    );
    let runs = report(&log, id, "2026-03-21T10:00:00Z");
    assert_eq!((runs.state, runs.certainty), (KeyState::PendingDeletion, Certainty::Inferred));
    assert_eq!(clocks(&runs), [(ClockKind::Deletion, Some(6 * DAY))]);
}

#[test]
fn a_cancelled_deletion() {
    let mut log = Log::default();
    log.kms("2026-03-14T10:00:00Z", "ScheduleKeyDeletion", on("k")).kms(
        "2026-03-14T12:00:00Z",
        "CancelKeyDeletion",
        on("k"),
    );
    let pending = report(&log, "k", "2026-03-14T11:00:00Z");
    assert_eq!(
        clocks(&pending),
        [(ClockKind::Deletion, Some(30 * DAY - 3_600))],
        "30 days when none are named"
    );
    assert_eq!(pending.clocks[0].certainty, Certainty::Inferred);
    let cancelled = report(&log, "k", "2026-03-14T13:00:00Z");
    assert_eq!((cancelled.state, cancelled.certainty), (KeyState::Disabled, Certainty::Recorded));
    assert!(cancelled.clocks.is_empty());
    log.kms("2026-03-14T12:01:00Z", "EnableKey", on("k"));
    let whole = report(&log, "k", "2026-03-14T13:00:00Z");
    assert_eq!((whole.state, whole.risk), (KeyState::Enabled, Risk::None));
}

#[test]
fn a_defenders_disable() {
    let mut log = Log::default();
    log.kms(
        "2026-03-13T10:00:00Z",
        "Decrypt",
        used("k", "rds.amazonaws.com", json!({ "aws:rds:db-id": "db-ABC" })),
    )
    .kms(
        "2026-03-14T10:00:00Z",
        "DisableKey",
        with(on("k"), json!({ "userIdentity": { "arn": "arn:aws:iam::111122223333:role/responder" } })),
    );
    let report = report(&log, "k", "2026-03-14T11:00:00Z");
    assert_eq!((report.state, report.risk), (KeyState::Disabled, Risk::High));
    assert_eq!(report.timeline[0].principal.as_deref(), Some("arn:aws:iam::111122223333:role/responder"));
    // How long RDS waits is not confirmed, so no time is stated.
    assert_eq!(clocks(&report), [(ClockKind::DependentService, None)]);
    assert_eq!(report.clocks[0].certainty, Certainty::Unknown);
    assert!(!report.clocks[0].says.contains('7'), "{}", report.clocks[0].says);
}

#[test]
fn an_import_that_expires_soon_is_no_recovery() {
    let mut log = Log::default();
    log.kms("2026-03-14T10:00:00Z", "DeleteImportedKeyMaterial", on("k"))
        .kms("2026-03-14T10:10:00Z", "ImportKeyMaterial", with(on("k"), json!({ "requestParameters": {
            "keyId": arn("k"), "validTo": "Mar 15, 2026 10:10:00 PM", "expirationModel": "KEY_MATERIAL_EXPIRES" } })));
    let now = report(&log, "k", "2026-03-14T22:10:00Z");
    assert_eq!(
        (now.state, now.certainty, now.risk),
        (KeyState::Enabled, Certainty::Inferred, Risk::Critical)
    );
    assert_eq!(clocks(&now), [(ClockKind::MaterialExpiry, Some(DAY))]);
    let history = log.history();
    let back = history.sorted().reimport(&key("k"), None, time("2026-03-14T22:10:00Z")).unwrap();
    assert_eq!(back.verdict, ReimportVerdict::EnforcedByKms);
    assert_eq!(back.expires.as_deref(), Some("2026-03-15T22:10:00Z"));
    assert!(back.says.iter().any(|says| says.contains("no lasting recovery")));
    // Nobody has to say so: the date has come.
    let silent = report(&log, "k", "2026-03-16T00:00:00Z");
    assert_eq!(
        (silent.state, silent.certainty, silent.risk),
        (KeyState::PendingImport, Certainty::Inferred, Risk::Critical)
    );
    log.kms(
        "2026-03-15T22:11:00Z",
        "DeleteExpiredKeyMaterial",
        by_kms("k", json!({ "keyId": "k", "keyMaterialId": "m1" })),
    );
    let expired = report(&log, "k", "2026-03-16T00:00:00Z");
    assert_eq!(
        (expired.state, expired.certainty, expired.risk),
        (KeyState::PendingImport, Certainty::Recorded, Risk::Critical)
    );
    assert_eq!(expired.timeline.last().and_then(|entry| entry.principal.as_deref()), Some("AWS Internal"));
}

#[test]
fn a_trail_without_events_of_kms() {
    let mut log = Log::default();
    log.add("cloudtrail.amazonaws.com", "2026-03-01T10:00:00Z", "PutEventSelectors", json!({ "requestParameters": {
            "trailName": "main", "eventSelectors": [{ "excludeManagementEventSources": ["kms.amazonaws.com"] }] } }))
        .add("s3.amazonaws.com", "2026-03-02T10:00:00Z", "PutBucketEncryption", json!({ "requestParameters": { "bucketName": "ledger",
            "ServerSideEncryptionConfiguration": { "Rule": { "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn("k") } } } } }))
        .kms("2026-03-14T10:00:00Z", "DisableKey", on("k"));
    let history = log.history();
    let radius = history.sorted().blast_radius(&key("k"), time("2026-03-14T10:00:00Z"), &Coverage::default());
    assert_eq!(radius.dependents.len(), 1);
    assert_eq!(
        (radius.dependents[0].grade, radius.dependents[0].resource.as_deref()),
        (Grade::Declared, Some("ledger"))
    );
    let why = |part: &str| {
        assert!(
            radius.unknown_because.iter().any(|why| why.contains(part)),
            "{part}: {:?}",
            radius.unknown_because
        )
    };
    why("The trail main leaves events of KMS out since 2026-03-01T10:00:00Z");
    why("no use in the logs does not mean no use");
    why("How far the data reaches is not known");
    // Once it takes them in again that reason is gone.
    log.add(
        "cloudtrail.amazonaws.com",
        "2026-03-03T10:00:00Z",
        "PutEventSelectors",
        json!({ "requestParameters": {
        "trailName": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "eventSelectors": [{}] } }),
    );
    let history = log.history();
    let radius = history.sorted().blast_radius(&key("k"), time("2026-03-14T10:00:00Z"), &Coverage::default());
    assert!(
        !radius.unknown_because.iter().any(|why| why.contains("leaves events")),
        "{:?}",
        radius.unknown_because
    );
}

#[test]
fn other_material_does_not_bring_the_old_one_back() {
    let mut log = Log::default();
    log.kms("2026-03-14T10:00:00Z", "DeleteImportedKeyMaterial", material("k", "m1")).kms(
        "2026-03-14T11:00:00Z",
        "ImportKeyMaterial",
        material("k", "m2"),
    );
    let report = report(&log, "k", "2026-03-14T12:00:00Z");
    assert_eq!((report.state, report.risk), (KeyState::PendingImport, Risk::Critical));
    let history = log.history();
    let back = history.sorted().reimport(&key("k"), None, time("2026-03-14T12:00:00Z")).unwrap();
    assert_eq!((back.verdict, back.gap_seconds), (ReimportVerdict::OtherMaterial, Some(7_200)));
}

#[test]
fn a_later_use_proves_which_material_an_older_record_imported() {
    let mut log = Log::default();
    log.kms("2026-03-14T10:00:00Z", "DeleteImportedKeyMaterial", material("k", "m1")).kms(
        "2026-03-14T11:00:00Z",
        "ImportKeyMaterial",
        on("k"),
    );
    let verdict = |log: &Log| {
        log.history().sorted().reimport(&key("k"), None, time("2026-03-14T13:00:00Z")).unwrap().verdict
    };
    assert_eq!(verdict(&log), ReimportVerdict::EnforcedByKms);
    log.kms(
        "2026-03-14T12:00:00Z",
        "Decrypt",
        with(on("k"), json!({ "additionalEventData": { "keyMaterialId": "m1" } })),
    );
    assert_eq!(verdict(&log), ReimportVerdict::SameMaterial);
}

#[test]
fn material_deleted_while_the_deletion_is_pending() {
    let mut log = Log::default();
    log.kms("2026-03-14T10:00:00Z", "ScheduleKeyDeletion", on("k")).kms(
        "2026-03-14T11:00:00Z",
        "DeleteImportedKeyMaterial",
        on("k"),
    );
    assert_eq!(report(&log, "k", "2026-03-14T11:30:00Z").state, KeyState::PendingDeletion);
    log.kms("2026-03-14T12:00:00Z", "CancelKeyDeletion", on("k"));
    let after = report(&log, "k", "2026-03-14T13:00:00Z");
    assert_eq!(
        (after.state, after.certainty, after.risk),
        (KeyState::Disabled, Certainty::Inferred, Risk::Critical)
    );
    assert!(
        after.because.contains("not confirmed") && after.because.contains("DescribeKey"),
        "{}",
        after.because
    );
}

#[test]
fn a_key_store_takes_all_its_keys_down() {
    let store = "cks-0001";
    let made = |id: &str| {
        json!({ "responseElements": { "keyMetadata": { "arn": arn(id), "keyState": "Enabled",
        "origin": "AWS_CLOUDHSM", "customKeyStoreId": store } }, "resources": about(id) })
    };
    let of_store = json!({ "requestParameters": { "customKeyStoreId": store } });
    let mut log = Log::default();
    log.kms("2026-03-01T10:00:00Z", "CreateKey", made("a"))
        .kms("2026-03-01T10:00:00Z", "CreateKey", made("b"))
        .kms("2026-03-13T10:00:00Z", "ScheduleKeyDeletion", on("b"))
        .kms("2026-03-14T10:00:00Z", "DisconnectCustomKeyStore", of_store.clone())
        .kms("2026-03-14T11:00:00Z", "DisableKey", on("a"));
    let down = report(&log, "a", "2026-03-14T12:00:00Z");
    assert_eq!((down.state, down.origin.as_deref()), (KeyState::Unavailable, Some("AWS_CLOUDHSM")));
    assert_eq!(
        report(&log, "b", "2026-03-14T12:00:00Z").state,
        KeyState::PendingDeletion,
        "so that it can be cancelled"
    );
    log.kms("2026-03-14T13:00:00Z", "ConnectCustomKeyStore", of_store);
    assert_eq!(
        report(&log, "a", "2026-03-14T14:00:00Z").state,
        KeyState::Disabled,
        "the call shows once the store is back"
    );
}

#[test]
fn keys_that_are_first_seen_midway() {
    use Certainty::{Inferred, Recorded, Unknown};
    let failed =
        |says: &str| with(on("k"), json!({ "errorCode": "KMSInvalidStateException", "errorMessage": says }));
    let denied = with(on("k"), json!({ "errorCode": "AccessDenied" }));
    let table = [
        ("DescribeKey", with(on("k"), json!({ "readOnly": true })), KeyState::Unknown, Unknown),
        ("PutKeyPolicy", on("k"), KeyState::Unknown, Unknown),
        ("DisableKey", denied.clone(), KeyState::Unknown, Unknown),
        ("Decrypt", denied, KeyState::Unknown, Unknown),
        ("Decrypt", on("k"), KeyState::Enabled, Inferred),
        ("GetPublicKey", on("k"), KeyState::Unknown, Unknown),
        ("Decrypt", failed("k is pending deletion."), KeyState::PendingDeletion, Inferred),
        ("Decrypt", failed("k is pending import."), KeyState::PendingImport, Inferred),
        ("Decrypt", failed("something else"), KeyState::Unknown, Unknown),
        ("CancelKeyDeletion", on("k"), KeyState::Disabled, Recorded),
        ("ImportKeyMaterial", on("k"), KeyState::Enabled, Recorded),
        ("DeleteKey", by_kms("k", json!(null)), KeyState::Deleted, Recorded),
        (
            "CreateKey",
            with(on("k"), json!({ "requestParameters": { "origin": "EXTERNAL" } })),
            KeyState::PendingImport,
            Inferred,
        ),
    ];
    for (action, members, state, certainty) in table {
        let mut log = Log::default();
        log.kms("2026-03-14T10:00:00Z", action, members);
        let report = report(&log, "k", "2026-03-14T11:00:00Z");
        assert_eq!((report.state, report.certainty), (state, certainty), "{action}: {}", report.because);
    }
}

#[test]
fn calls_of_one_second_are_taken_as_kms_would_have_allowed_them() {
    let table: &[(&[&str], KeyState)] = &[
        (&["ScheduleKeyDeletion", "DisableKey"], KeyState::PendingDeletion),
        (&["EnableKey", "CancelKeyDeletion", "ScheduleKeyDeletion"], KeyState::Enabled),
        (&["ImportKeyMaterial", "DeleteImportedKeyMaterial"], KeyState::Enabled),
    ];
    for (actions, state) in table {
        let mut log = Log::default();
        log.kms("2026-03-14T09:00:00Z", "EnableKey", on("k"));
        for action in *actions {
            log.kms("2026-03-14T10:00:00Z", action, on("k"));
        }
        assert_eq!(report(&log, "k", "2026-03-14T11:00:00Z").state, *state, "{actions:?}");
    }
}

#[test]
fn a_use_shows_that_the_logs_lack_a_call() {
    let mut log = Log::default();
    log.kms("2026-03-14T10:00:00Z", "DisableKey", on("k")).kms("2026-03-14T10:00:30Z", "Decrypt", on("k"));
    assert_eq!(report(&log, "k", "2026-03-14T11:00:00Z").state, KeyState::Disabled, "KMS takes a while");
    log.kms("2026-03-14T12:00:00Z", "Decrypt", on("k"));
    let report = report(&log, "k", "2026-03-14T13:00:00Z");
    assert_eq!((report.state, report.certainty), (KeyState::Enabled, Certainty::Inferred));
    assert!(report.because.contains("the logs lack the call"));
}

#[test]
fn grants_live_until_they_are_revoked_or_retired() {
    let granted = |id: &str, volume: &str| {
        with(
            on("k"),
            json!({
        "requestParameters": { "keyId": arn("k"), "granteePrincipal": "arn:aws:iam::111122223333:role/fleet",
            "constraints": { "encryptionContextSubset": { "aws:ebs:id": volume } }, "operations": ["Decrypt"] },
        "responseElements": { "grantId": id } }),
        )
    };
    let mut log = Log::default();
    log.kms("2026-03-01T10:00:00Z", "CreateGrant", granted("g1", "vol-1"))
        .kms("2026-03-01T10:00:01Z", "CreateGrant", granted("g2", "vol-2"))
        .kms("2026-03-01T10:00:02Z", "CreateGrant", granted("g3", "vol-3"))
        .kms(
            "2026-03-02T10:00:00Z",
            "RevokeGrant",
            with(on("k"), json!({ "requestParameters": { "keyId": arn("k"), "grantId": "g1" } })),
        )
        .kms(
            "2026-03-02T10:00:00Z",
            "RetireGrant",
            json!({ "resources": about("k"), "additionalEventData": { "grantId": "g2" } }),
        );
    let history = log.history();
    let radius = history.sorted().blast_radius(&key("k"), time("2026-03-14T10:00:00Z"), &Coverage::default());
    let found: Vec<_> = radius.dependents.iter().map(|of| (of.grade, of.resource.as_deref())).collect();
    assert_eq!(found, [(Grade::Granted, Some("vol-3"))]);
}

#[test]
fn an_alias_is_the_key_that_it_was_then() {
    let pointed =
        |id: &str| json!({ "requestParameters": { "aliasName": "alias/payments", "targetKeyId": id } });
    let by_alias = json!({ "requestParameters": { "keyId": "alias/payments" } });
    let mut log = Log::default();
    log.kms("2026-03-01T10:00:00Z", "CreateAlias", pointed("a"))
        .kms("2026-03-02T10:00:00Z", "Decrypt", by_alias.clone())
        .kms("2026-03-03T10:00:00Z", "UpdateAlias", pointed("b"));
    let of = |id: &str| report(&log, id, "2026-03-04T10:00:00Z");
    assert_eq!((of("a").uses, of("b").uses), (1, 0));
    assert_eq!((of("a").aliases, of("b").aliases), (vec![], vec!["alias/payments".to_owned()]));
    // Nobody said which key `alias/other` was.
    log.kms("2026-03-04T09:00:00Z", "Decrypt", json!({ "requestParameters": { "keyId": "alias/other" } }));
    assert_eq!(log.history().sorted().unresolved_aliases().len(), 1);
}

#[test]
fn what_comes_twice_counts_once() {
    let mut log = Log::default();
    let shared = json!({ "sharedEventID": "s-1" });
    log.kms("2026-03-14T10:00:00Z", "DisableKey", on("k"))
        .kms("2026-03-14T10:01:00Z", "RevokeGrant", with(on("k"), shared.clone()))
        .kms(
            "2026-03-14T10:01:00Z",
            "RevokeGrant",
            with(with(on("k"), shared.clone()), json!({ "recipientAccountId": "444455556666" })),
        )
        .kms("2026-03-14T10:02:00Z", "Encrypt", with(on("k"), json!({ "sharedEventID": "s-2" })))
        .kms("2026-03-14T10:02:00Z", "Encrypt", with(on("k"), json!({ "sharedEventID": "s-2" })));
    let mut again = log.records[0].clone();
    again["eventName"] = json!("DisableKey");
    log.records.push(again);
    let report = report(&log, "k", "2026-03-14T11:00:00Z");
    assert_eq!((report.timeline.len(), report.uses), (2, 1));
    assert_eq!(log.history().duplicates(), 3);
}

#[test]
fn other_services_name_keys_and_fail_for_them() {
    let volume = json!({ "requestParameters": { "kmsKeyId": "k1234567-not-an-id", "size": "8" },
        "responseElements": { "volumeId": "vol-1", "kmsKeyId": arn("k") } });
    let queue = json!({ "requestParameters": { "queueUrl": "https://sqs/q", "attributes": { "KmsMasterKeyId": "alias/queues" } } });
    let secret = json!({ "requestParameters": { "name": "db", "kmsKeyId": "alias/queues" },
        "responseElements": { "aRN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db" } });
    let denied = json!({ "requestParameters": { "bucketName": "ledger" }, "errorCode": "KMS.DisabledException",
        "errorMessage": format!("{} is disabled.", arn("k")) });
    let mut log = Log::default();
    log.kms(
        "2026-03-01T10:00:00Z",
        "CreateAlias",
        json!({ "requestParameters": { "aliasName": "alias/queues", "targetKeyId": arn("k") } }),
    )
    .add("ec2.amazonaws.com", "2026-03-02T10:00:00Z", "CreateVolume", volume)
    .add("sqs.amazonaws.com", "2026-03-02T10:00:00Z", "SetQueueAttributes", queue)
    .add("secretsmanager.amazonaws.com", "2026-03-02T10:00:00Z", "CreateSecret", secret)
    .add("s3.amazonaws.com", "2026-03-14T10:01:00Z", "GetObject", denied)
    .kms("2026-03-14T10:00:00Z", "DisableKey", on("k"));
    let history = log.history();
    let radius = history.sorted().blast_radius(&key("k"), time("2026-03-14T10:00:00Z"), &Coverage::default());
    let found: Vec<_> =
        radius.dependents.iter().map(|of| (of.grade, of.resource.as_deref().unwrap_or_default())).collect();
    assert_eq!(
        found,
        [
            (Grade::BrokenNow, "ledger"),
            (Grade::Declared, "vol-1"),
            (Grade::Declared, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"),
            (Grade::Declared, "https://sqs/q"),
        ]
    );
    assert!(radius.dependents[0].says.contains("KMS.DisabledException"));
}

#[test]
fn advanced_selectors_can_leave_kms_out() {
    let selector = |field: serde_json::Value| {
        json!({ "requestParameters": { "trailName": "main",
        "advancedEventSelectors": [{ "fieldSelectors": [{ "field": "eventCategory", "equals": ["Management"] }, field] }] } })
    };
    for (field, left_out) in [
        (
            json!({ "field": "eventSource", "notEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"] }),
            true,
        ),
        (json!({ "field": "eventSource", "notEquals": ["rdsdata.amazonaws.com"] }), false),
        (json!({ "field": "eventSource", "equals": ["iam.amazonaws.com"] }), true),
        (json!({ "field": "readOnly", "equals": ["true"] }), false),
    ] {
        let mut log = Log::default();
        log.add(
            "cloudtrail.amazonaws.com",
            "2026-03-01T10:00:00Z",
            "PutEventSelectors",
            selector(field.clone()),
        )
        .kms("2026-03-14T10:00:00Z", "DisableKey", on("k"));
        let history = log.history();
        let radius =
            history.sorted().blast_radius(&key("k"), time("2026-03-14T10:00:00Z"), &Coverage::default());
        assert_eq!(
            radius.unknown_because.iter().any(|why| why.contains("leaves events of KMS out")),
            left_out,
            "{field}"
        );
    }
}
