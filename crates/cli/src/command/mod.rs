//! The commands: one file each, with what may be typed (`Args`) and what is done (`run`).

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod hunt;
pub(crate) mod init_aws;
pub(crate) mod keys;
pub(crate) mod lake_compact;
mod lake_folder;
pub(crate) mod lake_info;
pub(crate) mod lake_ingest;
pub(crate) mod lake_query;
mod raw_records;
pub(crate) mod respond;
pub(crate) mod rule_check;
pub(crate) mod rule_list;
pub(crate) mod rule_show;
pub(crate) mod rule_test;
pub(crate) mod serve;
mod server_config;
pub(crate) mod state_backup;
mod survey;
pub(crate) mod token_create;
pub(crate) mod verify;

use ecs::Timestamp;

use crate::printer::Printer;

/// What every command is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// Where output goes.
    pub(crate) printer: Printer,
    /// The time that counts as now.
    pub(crate) now: Timestamp,
    /// True when the user gave that time: then nothing else may differ between two runs either.
    pub(crate) now_is_given: bool,
}

/// The formats of commands that show no alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Text,
    /// For programs
    Json,
}
