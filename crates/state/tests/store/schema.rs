//! The schema: opened twice it stays, a newer one is refused, and a dump forgets no column of it.

use bartizan_state::{RuleStore, SqlStore, StateError};
use sqlx::Connection;

use crate::sample::{at, rule, someone};

async fn pretend_newer(url: &str) {
    let mut connection = sqlx::AnyConnection::connect(url).await.unwrap();
    sqlx::query("INSERT INTO state_schema (version) VALUES (4711)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[test]
fn newer_is_refused_by_sqlite_and_the_same_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    crate::run(async {
        let store = SqlStore::open_sqlite(&file).await.unwrap();
        store.put_rule(rule("r", "x"), &someone(), at(0)).await.unwrap();
        store.close().await;
        let store = SqlStore::open_sqlite(&file).await.unwrap();
        assert_eq!(store.rules().await.unwrap().len(), 1);
        store.close().await;
        pretend_newer(&format!("sqlite://{}", file.display())).await;
        let refused = SqlStore::open_sqlite(&file).await.unwrap_err();
        assert!(matches!(refused, StateError::NewerSchema { found: 4711, .. }), "{refused}");
    });
}

pub(crate) async fn newer_is_refused_by_postgres(url: &str) {
    SqlStore::open_postgres(url, 1).await.unwrap().close().await;
    SqlStore::open_postgres(url, 1).await.unwrap().close().await;
    pretend_newer(url).await;
    let refused = SqlStore::open_postgres(url, 1).await.unwrap_err();
    assert!(matches!(refused, StateError::NewerSchema { found: 4711, .. }), "{refused}");
}

#[test]
fn what_cannot_be_opened_is_said_without_passwords() {
    crate::run(async {
        for url in ["mysql://user:secret@localhost/x", "postgres://user:secret@[/x"] {
            let refused = SqlStore::open_postgres(url, 1).await.unwrap_err();
            assert!(matches!(refused, StateError::Open { .. }), "{refused:?}");
            assert!(!format!("{refused} {refused:?}").contains("secret"));
        }
        let folder = tempfile::tempdir().unwrap();
        let missing = SqlStore::open_sqlite(&folder.path().join("no/such/state.db")).await.unwrap_err();
        assert!(matches!(missing, StateError::File { .. }), "{missing:?}");
        let file = folder.path().join("text.db");
        std::fs::write(&file, "this is no database, and long enough to be looked at as one ".repeat(50))
            .unwrap();
        assert!(SqlStore::open_sqlite(&file).await.is_err());
    });
}
