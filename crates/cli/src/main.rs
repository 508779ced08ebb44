//! The `bartizan` command: arguments in, exit status out. Only here the process ends.
//!
//! ```text
//!   args ──▶ command/<name>.rs ──▶ engine, rule, … ──▶ reporter/<format>.rs ──▶ stdout (data), stderr (everything else)
//! ```
//!
//! Invariant: commands return an [`ExitStatus`] or an error; neither they nor anything below
//! them exits, prints past [`printer`], or asks for the time past [`clock`].

mod args;
mod clock;
mod command;
mod diagnostic;
mod earlier_output;
mod exit_status;
mod guide_queries;
mod investigation;
mod printer;
mod reporter;
mod rule_selection;
mod time_bound;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, GlobalArgs, InitCommand, LakeCommand, RuleCommand, StateCommand, TokenCommand};
use command::{
    Context, completions, demo, explain, hunt, init_aws, keys, lake_compact, lake_info, lake_ingest,
    lake_query, respond, rule_check, rule_list, rule_show, rule_test, serve, state_backup, token_create,
    verify,
};
use exit_status::ExitStatus;
use printer::Printer;

/// Making documents is mostly allocation; this allocator took a fifth off the time of a hunt with many hits.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap too, and go to stdout; that nobody reads them is no failure.
            let _nobody_listens = error.print();
            return if error.use_stderr() { ExitStatus::Usage.into() } else { ExitStatus::Done.into() };
        }
    };
    let GlobalArgs { color, no_progress, now } = cli.global;
    let printer = Printer::new(color, !no_progress);
    let context = Context { printer, now: clock::now(now), now_is_given: now.is_some() };
    match run(cli.command, context) {
        Ok(status) => status.into(),
        Err(error) if printer::is_closed_pipe(&error) => ExitStatus::Done.into(),
        Err(error) => {
            printer.error(&error);
            ExitStatus::Usage.into()
        }
    }
}

fn run(command: Command, context: Context) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Hunt(args) => hunt::run(&args, context),
        Command::Keys(args) => keys::run(&args, context),
        Command::Rule(RuleCommand::List(args)) => rule_list::run(&args, context),
        Command::Rule(RuleCommand::Show(args)) => rule_show::run(&args, context),
        Command::Rule(RuleCommand::Check(args)) => rule_check::run(&args, context),
        Command::Rule(RuleCommand::Test(args)) => rule_test::run(&args, context),
        Command::Lake(LakeCommand::Ingest(args)) => lake_ingest::run(&args, context),
        Command::Lake(LakeCommand::Info(args)) => lake_info::run(&args, context),
        Command::Lake(LakeCommand::Compact(args)) => lake_compact::run(&args, context),
        Command::Lake(LakeCommand::Query(args)) => lake_query::run(&args, context),
        Command::Serve(args) => serve::run(&args, context),
        Command::Token(TokenCommand::Create(args)) => token_create::run(&args, context),
        Command::State(StateCommand::Backup(args)) => state_backup::backup(&args, context),
        Command::State(StateCommand::Restore(args)) => state_backup::restore(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Respond(args) => respond::run(&args, context),
        Command::Explain(args) => explain::run(&args, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Init(InitCommand::Aws(args)) => init_aws::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
    }
}
