//! What is told of alerts, from the run that made them to the file that they are written to.

use std::path::PathBuf;

use serde_json::{Value, json};
use state::{
    ActionDraft, ActionFrequency, Actor, CONNECTOR_SWITCHED_OFF, ConnectorDraft, ExecutionFilter,
    Notification, NotificationState,
};

use crate::rules::rule;
use crate::scene::{Scene, at, call};

const DISABLED: &str = "00000000-0000-4000-8000-000000000001";
const SCHEDULED: &str = "00000000-0000-4000-8000-000000000002";

/// A scene with three rules, and folders for them and for what is told.
struct Told {
    scene: Scene,
    folder: tempfile::TempDir,
}

impl Told {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules");
        std::fs::create_dir(&rules).unwrap();
        let more = "from = \"now-10m\"\ninterval = \"5m\"\ntimestamp_override = \"event.ingested\"";
        for (number, call) in
            [(1, "DisableKey"), (2, "ScheduleKeyDeletion"), (3, "DeleteImportedKeyMaterial")]
        {
            let text = rule(number, call, &format!("event.action: {call}"), more);
            std::fs::write(rules.join(format!("{number}.toml")), text).unwrap();
        }
        let scene = Scene::with_rules("2026-03-01T12:00:30Z", vec![rules], false).await;
        Self { scene, folder }
    }

    fn file(&self, connector: &str) -> PathBuf {
        self.folder.path().join(format!("{connector}.ndjson"))
    }

    async fn connect(&self, id: &str) {
        let connector = ConnectorDraft {
            id: id.to_owned(),
            name: id.to_owned(),
            enabled: None,
            connector_type: "file".to_owned(),
            config: json!({ "path": self.file(id) }),
        };
        self.scene.server.store.put_connector(connector, None, &someone(), now()).await.unwrap();
    }

    /// An action, named as its connector, in force.
    async fn act(&self, connector: &str, rules: &[&str], throttle_seconds: Option<i64>) {
        self.connect(connector).await;
        let action = ActionDraft {
            id: connector.to_owned(),
            rule_ids: rules.iter().map(|id| (*id).to_owned()).collect(),
            connector_id: connector.to_owned(),
            frequency: ActionFrequency::Summary,
            throttle_seconds,
            filter: None,
            params: json!({}),
        };
        self.scene.server.store.put_action(action, None, &someone(), now()).await.unwrap();
        self.scene.server.reload().await.unwrap();
    }

    async fn switch(&self, connector: &str, enabled: bool) {
        self.scene.server.store.set_connector_enabled(connector, enabled, &someone(), now()).await.unwrap();
        self.scene.server.reload().await.unwrap();
    }

    /// Runs what is due then, and sends what is due.
    async fn pass(&self, now: &str) {
        let round = self.scene.pass(now).await;
        assert_eq!(round.failed, 0, "{round:?}");
        while self.scene.server.courier.turn().await.unwrap() > 0 {}
    }

    /// The calls that the connector's file tells of, in its order.
    fn lines(&self, connector: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.file(connector)).unwrap_or_default();
        let told = text.lines().map(|line| {
            let alert: Value = serde_json::from_str(line).unwrap();
            let id = alert.pointer("/event/id").or_else(|| alert.get("event.id")).unwrap().as_str().unwrap();
            id.trim_start_matches("00000000-0000-4000-8000-").trim_start_matches('0').to_owned()
        });
        told.collect()
    }

    async fn in_state(&self, state: NotificationState) -> Vec<Notification> {
        self.scene.server.store.notifications(state, None, 100).await.unwrap().items
    }
}

fn someone() -> Actor {
    Actor::token("someone")
}

fn now() -> ecs::Timestamp {
    at("2026-03-01T12:00:30Z")
}

#[tokio::test]
async fn an_action_tells_of_the_rules_that_it_names() {
    let mut told = Told::new().await;
    told.act("two", &[DISABLED, SCHEDULED], None).await;
    told.act("one", &[SCHEDULED], None).await;
    told.act("every", &[], None).await;
    told.act("none", &["not there"], None).await;
    let calls = ["DisableKey", "ScheduleKeyDeletion", "DeleteImportedKeyMaterial"];
    let records: Vec<Value> =
        (1..).zip(calls).map(|(id, name)| call(id, "2026-03-01T12:00:01Z", name)).collect();
    told.scene.deliver(&records).await;
    told.pass("2026-03-01T12:05:10Z").await;
    told.pass("2026-03-01T12:10:10Z").await;
    for (connector, expected) in
        [("two", vec!["1", "2"]), ("one", vec!["2"]), ("every", vec!["1", "2", "3"]), ("none", vec![])]
    {
        let mut lines = told.lines(connector);
        lines.sort();
        assert_eq!(lines, expected, "{connector}");
    }
    assert_eq!(told.in_state(NotificationState::Sent).await.len(), 6);
}

#[tokio::test]
async fn a_connector_that_is_off_sends_nothing_and_no_flood_when_it_is_on_again() {
    let mut told = Told::new().await;
    told.act("off", &[], None).await;
    told.act("on", &[], None).await;
    told.switch("off", false).await;
    for number in 1..=3 {
        let time = format!("2026-03-01T12:{:02}:31Z", 5 * (number - 1));
        told.scene.clock.set(at(&time));
        told.scene.deliver(&[call(number, &time, "DisableKey")]).await;
        told.pass(&format!("2026-03-01T12:{:02}:10Z", 5 * number)).await;
    }
    assert_eq!((told.lines("off").len(), told.lines("on").len()), (0, 3));
    let skipped = told.in_state(NotificationState::Skipped).await;
    assert_eq!(skipped.len(), 3);
    for notification in &skipped {
        assert_eq!(notification.draft.connector_id, "off");
        assert_eq!(notification.last_error.as_deref(), Some(CONNECTOR_SWITCHED_OFF));
        assert_eq!(notification.attempts, 0);
        assert!(notification.ended.is_some());
    }

    // It stays off over a restart; on again, only what is new is sent.
    told.scene = told.scene.restart().await;
    told.pass("2026-03-01T12:20:10Z").await;
    told.switch("off", true).await;
    told.pass("2026-03-01T12:25:10Z").await;
    assert!(told.lines("off").is_empty());
    told.scene.deliver(&[call(4, "2026-03-01T12:25:11Z", "DisableKey")]).await;
    told.pass("2026-03-01T12:30:10Z").await;
    assert_eq!(told.lines("off"), ["4"]);
    assert_eq!(told.in_state(NotificationState::Skipped).await.len(), 3);

    // By hand each is sent, once.
    let ids: Vec<i64> = skipped.iter().map(|notification| notification.id).collect();
    let store = told.scene.server.store.clone();
    assert_eq!(store.send_again(&ids[2..], &someone(), now()).await.unwrap(), 1);
    told.pass("2026-03-01T12:35:10Z").await;
    assert_eq!(told.lines("off"), ["4", "1"]);
    assert_eq!(told.in_state(NotificationState::Dead).await.len(), 0);
}

#[tokio::test]
async fn what_waits_when_the_connector_is_switched_off_is_skipped() {
    let mut told = Told::new().await;
    told.act("file", &[], None).await;
    told.scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    told.scene.pass("2026-03-01T12:05:10Z").await;
    assert_eq!(told.in_state(NotificationState::Pending).await.len(), 1);
    told.switch("file", false).await;
    assert_eq!(told.scene.server.courier.turn().await.unwrap(), 0, "nothing is due");
    assert_eq!(told.in_state(NotificationState::Skipped).await.len(), 1);
    assert!(told.lines("file").is_empty());
}

/// What a throttle holds back is told whole, and told of: in the account of the execution until then.
#[tokio::test]
async fn a_throttled_summary_tells_what_came_in_between_and_in_gaps() {
    let mut told = Told::new().await;
    told.act("file", &[DISABLED], Some(2 * 24 * 3600)).await;
    told.scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    told.pass("2026-03-01T12:05:10Z").await;
    told.scene.deliver(&[call(2, "2026-03-01T12:05:11Z", "DisableKey")]).await;
    told.pass("2026-03-01T12:10:10Z").await;
    assert_eq!(told.lines("file"), ["1"]);
    let filter = ExecutionFilter { rule_ids: vec![DISABLED.to_owned()], ..ExecutionFilter::default() };
    let newest = told.scene.server.store.executions(&filter, None, 1).await.unwrap().items.remove(0);
    assert_eq!(
        newest.metrics["not_told"],
        json!([{ "action": "file", "reason": "throttled", "alerts": 1 }]),
        "{}",
        newest.metrics
    );

    // A day of no runs: what fills its gap waits with the other.
    told.scene.deliver(&[call(3, "2026-03-01T12:10:11Z", "DisableKey")]).await;
    for minute in ["00", "05", "10", "15", "20", "25", "30"] {
        told.pass(&format!("2026-03-02T12:{minute}:10Z")).await;
    }
    assert_eq!(told.scene.alerts().await.len(), 3);
    assert_eq!(told.lines("file"), ["1"]);
    told.pass("2026-03-03T12:06:10Z").await;
    let mut rest = told.lines("file").split_off(1);
    rest.sort();
    assert_eq!(rest, ["2", "3"]);

    // What is due while the connector is off is skipped, and not kept for later.
    told.scene.deliver(&[call(4, "2026-03-03T12:06:11Z", "DisableKey")]).await;
    told.pass("2026-03-03T12:11:10Z").await;
    told.switch("file", false).await;
    told.pass("2026-03-05T12:11:10Z").await;
    let skipped = told.in_state(NotificationState::Skipped).await;
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].draft.payload["alert_ids"].as_array().unwrap().len(), 1);
    told.switch("file", true).await;
    told.pass("2026-03-08T12:11:10Z").await;
    assert_eq!(told.lines("file").len(), 3);
}
