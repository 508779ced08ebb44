//! The demonstration: founding alerts and coverage without any data of one's own.

use crate::sandbox::Sandbox;

#[test]
fn the_demonstration_shows_the_founding_alerts_and_the_coverage() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["demo"]);
    assert_eq!((run.stderr.as_str(), run.status), ("", 0));
    assert!(run.stdout.starts_with("Coverage\n"), "{}", run.stdout);
    assert!(run.account("inputs").ends_with("1 partly read, 1 skipped"), "{}", run.stdout);
    assert!(run.account("records").contains("148 events"), "{}", run.stdout);
    let rows = |rule: &str, action: &str| {
        run.stdout.lines().filter(|line| line.contains(rule) && line.contains(action)).count()
    };
    for (rule, action) in [
        ("AWS KMS Imported Key Material Deleted  ", "DeleteImportedKeyMaterial key/"),
        ("AWS KMS Customer Managed Key Disabled or Scheduled for Deletion", "ScheduleKeyDeletion key/"),
        ("AWS KMS Customer Managed Key Disabled or Scheduled for Deletion", "DisableKey key/"),
    ] {
        assert_eq!(rows(rule, action), 1, "{rule}, {action}: {}", run.stdout);
    }
    assert!(run.stdout.contains("Next: `bartizan hunt PATH`"), "{}", run.stdout);
    assert_eq!(std::fs::read_dir(sandbox.path()).unwrap().count(), 0);
}

#[test]
fn the_logs_of_the_demonstration_can_be_kept() {
    let sandbox = Sandbox::new();
    let demo = sandbox.run(&["demo", "--dir", "kept", "--format", "ndjson"]);
    let founding = ["f6fee40d-8a5e-4cc8-9f73-8688419c6d68", "6951f15e-533c-4a60-8014-a3c3ab851a1b"];
    let found = demo
        .alerts()
        .iter()
        .filter(|alert| founding.iter().any(|id| alert["kibana.alert.rule.rule_id"] == *id))
        .count();
    assert_eq!((found, demo.status), (3, 0));
    let hunt = sandbox.run(&["hunt", "kept/AWSLogs/111122223333", "--format", "ndjson"]);
    assert_eq!(hunt.stdout, demo.stdout);
}
