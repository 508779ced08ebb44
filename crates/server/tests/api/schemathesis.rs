//! Schemathesis asks every operation of the document with values that it makes up: nothing may be a server error.

use std::process::Command;

use crate::world::world;

/// Not `positive_data_acceptance`: a schema cannot say that a range must not end before it begins.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,allow_header_conformance,ignored_auth";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_server_error() {
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    if Command::new(&program).arg("--version").output().is_err() {
        eprintln!(
            "not run: `{program}` is not installed (pip install schemathesis, or set SCHEMATHESIS to its path)"
        );
        return;
    }
    let world = world().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, world.router).await });
    let folder = tempfile::tempdir().unwrap();
    let examples = std::env::var("SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| "10".to_owned());
    let output = tokio::task::spawn_blocking(move || {
        Command::new(program)
            .args(["run", &format!("http://{address}/openapi.json"), "--seed", "5", "--no-color"])
            .args([
                "--max-examples",
                &examples,
                "--checks",
                CHECKS,
                "--continue-on-failure",
                "--phases",
                "examples,coverage,fuzzing",
            ])
            .args(["-H", "Authorization: Bearer admin-token"])
            .current_dir(folder.path())
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    server.abort();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}
