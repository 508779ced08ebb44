//! Backup and restore.

use std::sync::Arc;

use bartizan_state::{
    ActionDraft, ActionFrequency, AlertStatus, ConnectorDraft, CursorMove, PoisonDelivery, ResponseStatus,
    SqlStore, StateError, Store, WorkflowChange,
};
use serde_json::{Value, json};

use crate::responses;
use crate::sample::{
    MINUTE, alert, at, commit, connector, execution, gap, lease, notification, rule, someone, token,
};

/// A store with something of everything.
async fn full() -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(SqlStore::open_sqlite_in_memory().await.unwrap());
    let by = someone();
    store.put_rule(rule("r1", "text \u{1F980}"), &by, at(0)).await.unwrap();
    store.set_rule_fault("r1", Some("bad"), &by, at(0)).await.unwrap();
    store.put_exception_list("l", json!({"z": 1, "a": [1.5, null]}), None, &by, at(1)).await.unwrap();
    store.put_exception_item("l", "i", json!({}), None, &by, at(1)).await.unwrap();
    store.put_value_list("v", json!({}), None, &by, at(1)).await.unwrap();
    store.add_values("v", &["10.0.0.1".to_owned()], &by, at(1)).await.unwrap();
    store.put_connector(connector("hook"), None, &by, at(2)).await.unwrap();
    let off = ConnectorDraft { enabled: Some(false), ..connector("quiet") };
    store.put_connector(off, None, &by, at(2)).await.unwrap();
    let action = ActionDraft {
        id: "action".to_owned(),
        rule_ids: vec!["r1".to_owned(), "r2".to_owned()],
        connector_id: "hook".to_owned(),
        frequency: ActionFrequency::PerAlert,
        throttle_seconds: None,
        filter: None,
        params: json!({}),
    };
    store.put_action(action, None, &by, at(2)).await.unwrap();
    let lease = lease(&store, "one", 0).await.unwrap();
    let mut run = commit(&lease, execution("e1", "r1", 300));
    run.alerts = vec![alert("a1", "r1", 0), alert("a2", "r1", 1)];
    run.alerts[1].risk_score = 0.1;
    run.alerts[1].original_time = None;
    run.cursor = Some(CursorMove { expected: None, to: at(300) });
    run.rule_state = Some((0..=255).collect());
    run.gaps = vec![gap("r1", 0, 60), gap("r1", 100, 160)];
    run.notifications = vec![notification("n1", Some("a1")), notification("n2", None)];
    store.commit_execution(&run, at(302)).await.unwrap();
    store.claim_due(at(303), 1, MINUTE).await.unwrap();
    let change = WorkflowChange {
        status: Some((AlertStatus::Closed, Some("tested".to_owned()))),
        add_tags: vec!["t".to_owned()],
        ..WorkflowChange::default()
    };
    store.change_workflow(&["a1".to_owned()], &change, &by, at(304)).await.unwrap();
    store.add_note("a1", "note", &by, at(305)).await.unwrap();
    store.put_checkpoint("s", "k", &[0, 255], at(306)).await.unwrap();
    let poison = PoisonDelivery {
        source: "s".to_owned(),
        id: "m".to_owned(),
        reason: "why".to_owned(),
        body_excerpt: "{".to_owned(),
        time: at(307),
    };
    store.add_poison(poison).await.unwrap();
    let (draft, requested) =
        (responses::draft("r1", "k1", 308), responses::progress(ResponseStatus::Requested));
    store.add_response(draft, requested, &by, at(308)).await.unwrap();
    store.add_token(token("t1", 'a'), &by, at(308)).await.unwrap();
    store
}

pub(crate) async fn dump(store: &Arc<dyn Store>) -> String {
    let mut bytes = Vec::new();
    store.export(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(crate) async fn filled(store: SqlStore, dump: &str) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(store);
    store.import(&mut dump.as_bytes()).await.unwrap();
    store
}

/// What is written after a restore gets ids of its own, and the audit trail goes on.
pub(crate) async fn goes_on(store: &Arc<dyn Store>) {
    store.add_note("a1", "after", &someone(), at(400)).await.unwrap();
    assert!(store.add_notification(notification("n9", None), at(400)).await.unwrap());
    store.add_gap(gap("r2", 0, 1)).await.unwrap();
    assert_eq!(lease(store, "two", 9999).await.unwrap().token, 2);
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

pub(crate) async fn from_sqlite_to_postgres_and_back(url: &str) {
    let first = dump(&full().await).await;
    let postgres = filled(SqlStore::open_postgres(url, 2).await.unwrap(), &first).await;
    let second = dump(&postgres).await;
    assert_eq!(first, second);
    let sqlite = filled(SqlStore::open_sqlite_in_memory().await.unwrap(), &second).await;
    assert_eq!(dump(&sqlite).await, first);
    goes_on(&postgres).await;
    goes_on(&sqlite).await;
    assert_eq!(dump(&postgres).await, dump(&sqlite).await, "and both go on alike");
}

#[test]
fn every_table_is_in_a_dump_with_something_in_it() {
    crate::run(async {
        let store = full().await;
        let mut bytes = Vec::new();
        let summary = store.export(&mut bytes).await.unwrap();
        assert!(summary.rows.iter().all(|(_, rows)| *rows > 0), "{summary:?}");
        assert_eq!(
            filled(SqlStore::open_sqlite_in_memory().await.unwrap(), &dump(&store).await)
                .await
                .rules()
                .await
                .unwrap(),
            store.rules().await.unwrap()
        );
    });
}

/// Who adds a table or column and forgets the dump is told here.
#[test]
fn every_column_of_the_schema_is_in_a_dump() {
    use sqlx::{Connection, Row};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    crate::run(async {
        let source = dump(&full().await).await;
        filled(SqlStore::open_sqlite(&file).await.unwrap(), &source).await;
        let mut connection =
            sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let rows = sqlx::query(
            "SELECT tables.name AS table_name, columns.name AS column_name
             FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%' AND tables.name <> 'state_schema'",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        assert!(rows.len() > 100);
        let lines: Vec<Value> = source.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for row in rows {
            let (table, column): (String, String) = (row.get("table_name"), row.get("column_name"));
            let line = lines.iter().find(|line| line["table"] == table.as_str());
            let row = line.unwrap_or_else(|| panic!("{table} is not dumped"));
            assert!(row["row"].get(&column).is_some(), "{table}.{column} is not dumped");
        }
    });
}

#[test]
fn a_dump_that_is_not_whole_is_refused_and_leaves_nothing() {
    crate::run(async {
        let whole = dump(&full().await).await;
        let store: Arc<dyn Store> = Arc::new(SqlStore::open_sqlite_in_memory().await.unwrap());
        let lines: Vec<&str> = whole.lines().collect();
        let mut cases: Vec<String> = vec![String::new(), "{}\n".to_owned(), format!("{whole}{{}}\n")];
        // Cut at each line, and in the middle of the last.
        cases.extend((1..lines.len()).map(|end| lines[..end].join("\n") + "\n"));
        cases.push(whole[..whole.len() - 4].to_owned());
        // A line that is missing, twice there, of an unknown table, of an unknown column, of another type.
        cases.push([&lines[..5], &lines[6..]].concat().join("\n"));
        cases.push([&lines[..5], &lines[4..]].concat().join("\n"));
        cases.push(whole.replacen("\"table\":\"rules\"", "\"table\":\"state_schema\"", 1));
        cases.push(whole.replacen("\"source\":", "\"no_such\":1,\"source\":", 1));
        cases.push(whole.replacen("\"enabled\":1", "\"enabled\":\"yes\"", 1));
        cases.push(whole.replacen("\"name\":\"Rule r1\"", "\"name\":null", 1));
        for case in &cases {
            let refused = store.import(&mut case.as_bytes()).await.unwrap_err();
            assert!(matches!(refused, StateError::Dump { .. }), "{refused}");
            assert!(store.rules().await.unwrap().is_empty());
        }
        let newer = whole.replacen("\"schema\":3", "\"schema\":4711", 1);
        let refused = store.import(&mut newer.as_bytes()).await;
        assert!(matches!(refused, Err(StateError::NewerSchema { found: 4711, .. })));
        store.import(&mut whole.as_bytes()).await.unwrap();
        let refused = store.import(&mut whole.as_bytes()).await;
        assert!(matches!(refused, Err(StateError::NotEmpty { .. })), "{refused:?}");
    });
}

#[test]
fn a_copy_of_a_file_in_use_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    crate::run(async {
        let source = dump(&full().await).await;
        let store =
            filled(SqlStore::open_sqlite(&folder.path().join("state.db")).await.unwrap(), &source).await;
        let copy = folder.path().join("copy of it.db");
        store.copy_to(&copy).await.unwrap();
        assert!(store.copy_to(&copy).await.is_err(), "nothing is overwritten");
        let copied: Arc<dyn Store> = Arc::new(SqlStore::open_sqlite(&copy).await.unwrap());
        assert_eq!(dump(&copied).await, source);
        goes_on(&copied).await;
    });
}
