//! What a sequence finds depends on when events happened, not on how they are delivered.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hunting::{SEQUENCES, run};
use crate::records::{record, shuffled, write};

/// Records that happen at different seconds, each with an id of its own.
fn records() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec((record(), 1..12u32), 0..24).prop_map(|records| {
        let mut second = 0;
        let records = records.into_iter().enumerate().map(|(at, (mut record, later))| {
            second += later;
            record["eventTime"] = format!("2024-05-06T07:{:02}:{:02}Z", second / 60, second % 60).into();
            record["eventID"] = format!("00000000-0000-4000-8000-{at:012}").into();
            record
        });
        records.collect()
    })
}

/// The rules above are no use to the test below if they find nothing.
#[test]
fn every_rule_finds_something() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["ListKeys", "DisableKey", "DeleteAlias", "DisableKey", "ListKeys", "DisableKey"];
    let records = names.iter().enumerate().map(|(at, name)| {
        json!({
            "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "userName": "ana"}, "eventName": name,
            "eventTime": format!("2024-05-06T07:08:{:02}Z", at), "eventSource": "kms.amazonaws.com",
            "eventID": format!("00000000-0000-4000-8000-{at:012}"), "awsRegion": "eu-west-1",
        })
    });
    write(folder.path(), &[(records.collect(), false, false)]);
    let (_, summary) = run(folder.path(), &SEQUENCES, 1, None);
    for rule in &summary.rules {
        assert!(rule.hits > 0, "{}", rule.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn splitting_and_shuffling_the_input_changes_nothing(
        records in records(),
        cuts in proptest::collection::vec(0..24usize, 0..5),
        places in proptest::collection::vec(any::<u16>(), 24),
    ) {
        let whole = tempfile::tempdir().unwrap();
        write(whole.path(), &[(records.clone(), false, false)]);
        let (mut alerts, summary) = run(whole.path(), &SEQUENCES, 1, None);

        let parts = tempfile::tempdir().unwrap();
        write(parts.path(), &shuffled(records, &places, &cuts));
        let (mut again, split) = run(parts.path(), &SEQUENCES, 3, None);
        prop_assert_eq!(&split.rules, &summary.rules);
        alerts.sort();
        again.sort();
        prop_assert_eq!(again, alerts);
    }
}
