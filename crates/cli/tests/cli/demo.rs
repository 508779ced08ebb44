//! The demonstration: founding alerts and coverage without any data of one's own.

use crate::sandbox::Sandbox;

#[test]
fn the_demonstration_shows_the_founding_alerts_and_the_coverage() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["demo"]);
    assert_eq!((run.stderr.as_str(), run.status), ("", 0));
    assert!(run.stdout.starts_with("Coverage\n"), "{}", run.stdout);
    assert!(run.stdout.contains("3 alerts: 3 medium"), "{}", run.stdout);
    assert!(run.account("inputs").ends_with("1 partly read, 1 skipped"), "{}", run.stdout);
    assert!(run.account("records").contains("148 events"), "{}", run.stdout);
    for action in ["DeleteImportedKeyMaterial key/", "ScheduleKeyDeletion key/", "DisableKey key/"] {
        assert_eq!(run.stdout.matches(action).count(), 1, "{action}");
    }
    assert!(run.stdout.contains("Next: `bartizan hunt PATH`"), "{}", run.stdout);
    assert_eq!(std::fs::read_dir(sandbox.path()).unwrap().count(), 0);
}

#[test]
fn the_logs_of_the_demonstration_can_be_kept() {
    let sandbox = Sandbox::new();
    let demo = sandbox.run(&["demo", "--dir", "kept", "--format", "ndjson"]);
    assert_eq!((demo.alerts().len(), demo.status), (3, 0));
    let hunt = sandbox.run(&["hunt", "kept/AWSLogs/111122223333", "--format", "ndjson"]);
    assert_eq!(hunt.stdout, demo.stdout);
}
