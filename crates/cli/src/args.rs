//! What may be typed: the commands and the options that all of them have.

use bytesize::ByteSize;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, Parser, Subcommand};
use ecs::Timestamp;
use rule::Severity;

use crate::command::{
    completions, demo, explain, hunt, init_aws, keys, lake_compact, lake_info, lake_ingest, lake_query,
    respond, rule_check, rule_list, rule_show, rule_test, serve, state_backup, token_create, verify,
};

/// Runs Elastic's detection rules over logs, without an Elastic stack, and loses nothing in silence.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version, after_help = EXIT_STATUS, propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  alerts at or above the severity given by --fail-on; a test of a rule failed; a file was changed or is missing
  2  a rule could not run, or nothing could be verified; with --strict also rules of types that cannot be run yet,
     inputs not read whole, and files that no signature proves; a response was refused or failed
  3  a wrong argument or setting, or something in the surroundings (a missing path, a full disk)";

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GlobalArgs {
    /// When to use colour; the variable NO_COLOR turns it off too
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    /// Draw no progress bar (without a terminal none is drawn anyway)
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// The time that counts as now, in RFC 3339, so that a run can be repeated exactly
    #[arg(long, global = true, value_name = "TIME", env = "BARTIZAN_NOW", hide = true)]
    pub(crate) now: Option<Timestamp>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hunt through logs: every rule over every event, with an account of everything read
    Hunt(Box<hunt::Args>),
    /// List every KMS key that the logs name: its state, its clocks, what is at stake
    Keys(Box<keys::Args>),
    /// List, show, check and test rules
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Keep events in a lake, and ask it questions
    #[command(subcommand)]
    Lake(LakeCommand),
    /// Run rules on their schedule over events as they come in: sources, alerts, notifications, API
    Serve(Box<serve::Args>),
    /// Make tokens for the API
    #[command(subcommand)]
    Token(TokenCommand),
    /// Back up and restore what a server must not forget (events are in the lake's files)
    #[command(subcommand)]
    State(StateCommand),
    /// Check downloaded CloudTrail files against the digests that AWS signed: what was changed, removed or added
    Verify(verify::Args),
    /// Plan, request, approve and carry out what can be done to the key of an alert: two people, one call
    Respond(Box<respond::Args>),
    /// Say which clause of a rule an event fails, with the values seen
    Explain(explain::Args),
    /// Hunt through a small CloudTrail data set with a KMS attack in it; needs no AWS account
    Demo(demo::Args),
    /// Make what `bartizan serve` needs elsewhere before it can start
    #[command(subcommand)]
    Init(InitCommand),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// The commands about tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is shown once
    Create(token_create::Args),
}

/// The commands about the state.
#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Write everything into a new file
    Backup(state_backup::Args),
    /// Read a backup into an empty state
    Restore(state_backup::Args),
}

/// The commands about rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// List rules, with whether and why not they run
    List(rule_list::Args),
    /// Show everything about a rule
    Show(rule_show::Args),
    /// Check rule files: every finding with its place
    Check(rule_check::Args),
    /// Run the tests in the files beside rules
    Test(rule_test::Args),
}

/// The commands about the lake.
#[derive(Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Take logs in: each event once, with an account of everything read
    Ingest(lake_ingest::Args),
    /// Show what each data stream holds
    Info(lake_info::Args),
    /// Make few large files of many small ones, and drop what is too old
    Compact(lake_compact::Args),
    /// Ask for events in KQL, EQL, ES|QL or SQL
    Query(Box<lake_query::Args>),
}

/// The commands that prepare the surroundings.
#[derive(Debug, Subcommand)]
pub(crate) enum InitCommand {
    /// For a CloudTrail bucket: a least-privilege policy, Terraform for the queue, and a configuration file
    Aws(Box<init_aws::Args>),
}

/// Reads a severity.
pub(crate) fn severity() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::ALL.map(Severity::name)).try_map(|text| text.parse::<Severity>())
}

/// Reads a number of bytes that is not zero: `1048576`, `512MiB`, `2GiB`, `1.5GB`.
pub(crate) fn byte_size(text: &str) -> Result<usize, String> {
    let ByteSize(bytes) =
        text.parse().map_err(|_| "no size: a number of bytes, or such as 512MiB or 2GiB")?;
    match usize::try_from(bytes) {
        Ok(0) => Err("with no byte to read, nothing could be read".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err("more than this machine can address".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        for (text, bytes) in [
            ("1", Some(1)),
            ("1048576", Some(1 << 20)),
            ("512MiB", Some(512 << 20)),
            ("2 GiB", Some(2 << 30)),
            ("1.5kB", Some(1_500)),
            ("0", None),
            ("0.2", None),
            ("-1", None),
            ("", None),
            ("many", None),
            ("NaN", None),
            ("1 GiBit", None),
        ] {
            assert_eq!(byte_size(text).ok(), bytes, "{text}");
        }
    }

    #[test]
    fn the_default_of_the_size_is_the_one_of_the_decoder() {
        let default = ingest::decode::Limits::default().decompressed_bytes;
        let command = Cli::command();
        let hunt = command.find_subcommand("hunt").unwrap();
        let argument = hunt.get_arguments().find(|a| a.get_id() == "max_input_bytes").unwrap();
        let text = argument.get_default_values()[0].to_str().unwrap();
        assert_eq!(byte_size(text), Ok(default));
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            if command.get_subcommands().next().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(&format!("{} ", path.trim())), "{path} has no example");
            }
            command.get_subcommands().for_each(|inner| check(inner, &path));
        }
        check(&Cli::command(), "");
    }
}
