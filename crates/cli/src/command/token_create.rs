//! `bartizan token create`: a token for the API, shown once.

use std::io::Write;

use state::{Actor, Role};

use super::Context;
use super::server_config::{ConfigFile, open_state};
use crate::exit_status::ExitStatus;

const EXAMPLES: &str = "\
Examples:
  bartizan token create me --role admin --config /etc/bartizan/bartizan.toml
  bartizan token create dashboard --role viewer --expires 2027-01-01T00:00:00Z --data ./bartizan-data";

/// Arguments of `bartizan token create`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Names the token in the audit trail
    name: String,
    /// What its holder may do: viewer, analyst or admin
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    role: Role,
    /// From then on it is refused, in RFC 3339
    #[arg(long, value_name = "TIME")]
    expires: Option<ecs::Timestamp>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let settings = args.config.read()?;
    let (token, draft) = server::api::new_token(&args.name, args.role, args.expires)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = open_state(&settings).await?;
        store.add_token(draft, &Actor::command_line(), context.now).await?;
        anyhow::Ok(())
    })?;
    writeln!(context.printer.stdout(), "{token}")?;
    Ok(ExitStatus::Done)
}
