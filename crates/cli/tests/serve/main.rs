//! `bartizan serve` as the program that people run, between an emulated AWS, a webhook and shippers.
//!
//! What these tests need beside the program they look for, start themselves and stop again: `moto_server`, the Python client
//! of Elasticsearch, `rsyslogd`, PostgreSQL. What is missing is said, and its test does not run.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot be set up has failed; what did not run, and what was measured, is said"
)]

mod aws_emulator;
mod bucket_lake;
mod cloudtrail;
mod founding;
mod http;
mod kills;
mod node;
mod outage;
mod postgres_server;
mod shippers;
mod switched_off;
mod tls;
mod two_nodes;
mod webhook_sink;
mod wrapped;
