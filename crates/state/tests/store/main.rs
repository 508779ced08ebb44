//! One suite for every back end: SQLite in memory and in a file, and PostgreSQL, which the suite starts itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod alerts;
mod audit;
mod commits;
mod connectors;
mod crash;
mod dumps;
mod gap_model;
mod gaps;
mod leases;
mod lists;
mod outbox;
mod postgres_server;
mod responses;
mod rules;
mod sample;
mod schema;
mod sources;
mod tokens;
mod two_nodes;
mod version_2;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bartizan_state::{SqlStore, Store};
use postgres_server::PostgresServer;

type Suite = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! suites {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |store| Box::pin($module::$name(store)))),+]
    };
}

/// Each gets an empty store of its own.
const SUITES: &[(&str, Suite)] = suites![
    rules::are_kept_with_a_revision_for_each_change,
    rules::a_fault_leaves_the_former_version_running,
    rules::deleting_leaves_alerts_and_executions,
    lists::exception_lists_and_items,
    lists::value_lists,
    connectors::and_actions,
    connectors::that_are_switched_off_skip_what_they_would_send,
    alerts::are_kept_once_and_never_lose_their_workflow,
    alerts::are_found_page_by_page,
    alerts::are_counted,
    alerts::workflow_changes_all_or_none,
    alerts::notes,
    commits::do_everything_at_once,
    commits::repeated_change_nothing,
    commits::refused_leave_nothing,
    commits::rules_begin_once,
    commits::several_are_one,
    commits::executions_are_found_page_by_page,
    leases::exclude_each_other,
    leases::tokens_only_rise,
    gaps::merge,
    gaps::are_taken_oldest_first,
    gaps::are_filled_in_parts,
    outbox::is_claimed_sent_and_given_up,
    outbox::throttles_can_ask,
    responses::go_step_by_step,
    responses::are_found_page_by_page,
    sources::checkpoints,
    sources::poison,
    tokens::are_found_by_hash,
    audit::tells_who_did_what,
    sample::strange_texts_are_kept_or_refused,
];

#[test]
fn sqlite_in_memory() {
    run(async {
        for (name, suite) in SUITES {
            println!("{name}");
            suite(Arc::new(SqlStore::open_sqlite_in_memory().await.unwrap())).await;
        }
    });
}

#[test]
fn sqlite_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        for (number, (name, suite)) in SUITES.iter().enumerate() {
            println!("{name}");
            // A name that a URL would have to escape.
            let file = folder.path().join(format!("state {number}% #?.db"));
            suite(Arc::new(SqlStore::open_sqlite(&file).await.unwrap())).await;
            assert!(file.exists());
        }
    });
}

#[test]
fn postgres() {
    let Some(server) = PostgresServer::start() else { return };
    run(async {
        for (name, suite) in SUITES {
            println!("{name}");
            let url = server.new_database().await;
            suite(Arc::new(SqlStore::open_postgres(&url, 3).await.unwrap())).await;
        }
        two_nodes::leases_and_commits(&server.new_database().await).await;
        two_nodes::claims_and_gaps(&server.new_database().await).await;
        two_nodes::changes_keep_the_audit_trail_whole(&server.new_database().await).await;
        responses::of_two_nodes(&server.new_database().await).await;
        two_nodes::migrate_at_once(&server.new_database().await).await;
        dumps::from_sqlite_to_postgres_and_back(&server.new_database().await).await;
        version_2::is_migrated_by_postgres(&server.new_database().await).await;
        two_nodes::switched_off_while_executions_commit(&server.new_database().await).await;
        schema::newer_is_refused_by_postgres(&server.new_database().await).await;
    });
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
