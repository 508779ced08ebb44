//! `bartizan completions`: a script that completes commands and options in a shell.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Context;
use crate::args::Cli;
use crate::exit_status::ExitStatus;

const EXAMPLE: &str = "\
Example:
  bartizan completions bash > ~/.local/share/bash-completion/completions/bartizan";

/// Arguments of `bartizan completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bartizan", &mut script);
    let mut out = context.printer.stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitStatus::Done)
}
