//! `bartizan serve`: the server, until it is told to stop.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use server::api::{self, AppState, AuthSettings, NotifySender};
use server::log::Log;
use server::settings::Auth;
use server::{Clock, Server, SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Context;
use super::server_config::{ConfigFile, ProcessSecrets};
use crate::exit_status::ExitStatus;

const EXAMPLES: &str = "\
Examples:
  bartizan serve --config /etc/bartizan/bartizan.toml
  bartizan serve --watch ./AWSLogs --data ./bartizan-data --rules ./my-rules";

/// Arguments of `bartizan serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let settings = args.config.read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let auth = match settings.server.auth {
            Auth::Token => AuthSettings::Tokens { ingest_tokens: Vec::new() },
            Auth::None => AuthSettings::None,
        };
        api::check_bind(settings.server.address, &auth).map_err(anyhow::Error::msg)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let printer = context.printer;
        // A log that nobody can take any more is no reason to stop watching.
        let print = move |line: &str| drop(writeln!(printer.stdout(), "{line}"));
        let log = Log::new(Arc::clone(&clock), Arc::new(print));
        let secrets = Arc::new(ProcessSecrets);
        let server = Server::open(settings, secrets.clone(), Arc::clone(&clock), log)
            .await
            .context("the server cannot be started")?;
        let sender = NotifySender { secrets, transports: (*server.courier.transports).clone() };
        let store = Arc::clone(&server.store);
        let mut state = AppState::new(store, Arc::new(server.clone()), clock, auth, Arc::new(sender));
        state.responder = server.responder.clone();
        state.enrichment = Arc::clone(&server.intake.enrichment);
        let (stop, stopped) = watch::channel(false);
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stop.send_replace(true);
        });
        server.run(stopped, api::router(state)).await.context("the server had to stop")?;
        Ok(ExitStatus::Done)
    })
}
