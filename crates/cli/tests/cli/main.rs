//! The command line as its callers see it: stdout, stderr, exit status.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod demo;
mod exceptions;
mod hunt;
mod indicators;
mod inputs;
mod keys;
mod lake;
mod output;
mod rule_test;
mod rules;
mod sandbox;
mod sequences;
mod verify;
mod windows;
