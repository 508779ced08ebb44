//! `bartizan respond`: what could be done to the key of an alert, and the steps of two people towards doing it.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use respond::{
    Action, AwsKeyServices, DisableAnswer, DisableStatement, Judgement, KeyArn, PolicyScope, assume_policy,
    reading_policy, trust_policy, writing_policy,
};
use serde_json::{Value, json};
use server::responder::log_evidence::LakeEvidence;
use server::responder::{Ask, DryRun, Person, Responder};
use server::settings::Settings;
use server::{Clock, ServerError, SystemClock};
use state::{Actor, ResponseFilter, ResponseRecord, ResponseStatus, Role, Store};

use super::server_config::{ConfigFile, open_state};
use super::{Context, ListFormat};
use crate::exit_status::ExitStatus;

const EXAMPLES: &str = "\
Without --request, --approve, --refuse or --execute nothing is changed anywhere. What these do, they do to the state that
--config or --data names, in the name of a token: --token-file, or the variable BARTIZAN_TOKEN. See docs/respond.md.

Examples:
  bartizan respond ALERT --config /etc/bartizan/bartizan.toml
  bartizan respond ALERT --policy --server-role arn:aws:iam::111122223333:role/bartizan
  bartizan respond ALERT --request --reason 'ransom note found' --token-file alice.token
  bartizan respond ALERT --action enable --request --reason 'deletion cancelled' \\
    --disabled-by-defender no --said-by 'Alice Example' --token-file alice.token
  bartizan respond --list
  bartizan respond --approve ID --token-file bob.token
  bartizan respond --execute ID --token-file bob.token";

/// Arguments of `bartizan respond`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = EXAMPLES,
    group = clap::ArgGroup::new("what").required(true).args(["alert", "list", "approve", "refuse", "execute"])
)]
pub(crate) struct Args {
    /// The id of an alert (`kibana.alert.uuid`): a dry run over its keys
    alert: Option<String>,
    /// The ARN of the key, instead of those of the alert
    #[arg(long, value_name = "ARN", requires = "alert")]
    key: Option<KeyArn>,
    /// What to do: cancel-deletion or enable; without it, what the key's state suggests
    #[arg(long, requires = "alert")]
    action: Option<Action>,
    /// Print the least-privilege policies for these keys
    #[arg(long, requires = "alert", conflicts_with = "request")]
    policy: bool,
    /// With --policy: who runs the server and assumes the roles, for the trust policy
    #[arg(long, value_name = "ARN", requires = "policy")]
    server_role: Option<String>,
    /// Ask for it, with --reason; somebody else must approve it
    #[arg(long, requires = "alert", requires = "reason")]
    request: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// For `--action enable`: has a defender disabled the key? no, yes or unknown; only a `no` is taken
    #[arg(long, value_name = "ANSWER", requires = "said_by", requires = "request")]
    disabled_by_defender: Option<DisableAnswer>,
    /// Who says so
    #[arg(long, value_name = "NAME", requires = "disabled_by_defender")]
    said_by: Option<String>,
    /// List responses, the newest first
    #[arg(long)]
    list: bool,
    /// With --list: how to print them
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
    /// Agree to a response that somebody else has asked for
    #[arg(long, value_name = "ID")]
    approve: Option<String>,
    /// Say no to a response, with --reason
    #[arg(long, value_name = "ID", requires = "reason")]
    refuse: Option<String>,
    /// Carry out a response that was approved
    #[arg(long, value_name = "ID")]
    execute: Option<String>,
    /// A file with the token in whose name this is done; without it the variable BARTIZAN_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let settings = args.config.read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let store = open_state(&settings).await?;
        let clock: Arc<dyn Clock> = match context.now_is_given {
            true => Arc::new(server::clock::SetClock::at(context.now)),
            false => Arc::new(SystemClock),
        };
        let at_work = AtWork { args, context, responder: responder(&settings, store, clock).await? };
        at_work.run().await
    })
}

async fn responder(
    settings: &Settings,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Responder> {
    let lake = server::server::read_lake(settings, &clock).await.context("the events cannot be read")?;
    let services = AwsKeyServices::new(settings.respond.aws());
    let evidence = LakeEvidence::Read(lake);
    Ok(Responder::new(store, Arc::new(services), Arc::new(evidence), settings.respond.clone(), clock))
}

struct AtWork<'a> {
    args: &'a Args,
    context: Context,
    responder: Responder,
}

impl AtWork<'_> {
    async fn run(&self) -> anyhow::Result<ExitStatus> {
        let args = self.args;
        if args.list {
            return self.list().await;
        }
        let reason = args.reason.as_deref().unwrap_or_default();
        let done = match (&args.alert, &args.approve, &args.refuse, &args.execute) {
            (Some(alert), ..) if args.request => self.request(alert, reason, &self.person().await?).await,
            (Some(alert), ..) if args.policy => return self.policies(alert).await,
            (Some(alert), ..) => return self.dry_run(alert).await,
            (_, Some(id), ..) => self.responder.approve(id, &self.person().await?).await,
            (_, _, Some(id), _) => self.responder.refuse(id, reason, &self.person().await?).await,
            (_, _, _, Some(id)) => self.responder.execute(id, &self.person().await?).await,
            _ => bail!("say what to do: ALERT, --list, --approve, --refuse or --execute"),
        };
        match done {
            Ok(record) => {
                self.show(&record)?;
                let is_failed = record.progress.status == ResponseStatus::Failed;
                Ok(if is_failed { ExitStatus::RESPONSE_NOT_DONE } else { ExitStatus::Done })
            }
            // A guard has refused it: nothing was called, and nothing is wrong with what was typed.
            Err(error @ (ServerError::Response(_) | ServerError::NotAllowed(_))) => {
                self.context.printer.error(&anyhow::Error::new(error));
                Ok(ExitStatus::RESPONSE_NOT_DONE)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Who shows the token.
    async fn person(&self) -> anyhow::Result<Person> {
        let text = match &self.args.token_file {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("the token in {} cannot be read", path.display()))?,
            None => std::env::var("BARTIZAN_TOKEN").map_err(|_| {
                anyhow::anyhow!("show who you are: --token-file, or a token in the variable BARTIZAN_TOKEN")
            })?,
        };
        let found = self.responder.store.token_by_hash(&server::api::token_hash(text.trim())).await?;
        let Some(token) = found.filter(|token| token.is_valid(self.responder.clock.now())) else {
            bail!("the token is unknown, expired or revoked");
        };
        if token.role < Role::Analyst {
            bail!("this needs a token of the role analyst; `{}` is of the role {}", token.name, token.role);
        }
        Ok(Person { actor: Actor::token(&token.name), since: Some(token.created) })
    }

    async fn request(&self, alert: &str, reason: &str, by: &Person) -> Result<ResponseRecord, ServerError> {
        let args = self.args;
        let action = match args.action {
            Some(action) => action,
            None => {
                let runs = self.responder.plan(alert, args.key.as_ref(), None).await?;
                let suggested = runs.iter().filter_map(|run| run.plan.action).collect::<Vec<_>>();
                let [action] = suggested[..] else {
                    let text = "the state of the key suggests no one action: give --action, and --key if there are several";
                    return Err(ServerError::BadRequest(text.to_owned()));
                };
                action
            }
        };
        let statement = args
            .disabled_by_defender
            .map(|answer| DisableStatement { answer, said_by: args.said_by.clone().unwrap_or_default() });
        let ask = Ask {
            alert_id: alert.to_owned(),
            key: args.key.clone(),
            action,
            reason: reason.to_owned(),
            statement,
        };
        self.responder.request(ask, by).await
    }

    async fn dry_run(&self, alert: &str) -> anyhow::Result<ExitStatus> {
        let runs = self.responder.plan(alert, self.args.key.as_ref(), self.args.action).await?;
        let mut out = self.context.printer.stdout();
        if runs.is_empty() {
            writeln!(out, "Alert {alert} names no key: give one by --key")?;
            return Ok(ExitStatus::Done);
        }
        let mut could_call = false;
        for run in &runs {
            could_call |= write_run(&mut out, run)?;
        }
        let enabled = self.responder.settings.enabled;
        writeln!(out, "Dry run: nothing was called.")?;
        if could_call {
            writeln!(
                out,
                "To ask for it: bartizan respond {alert} --request --reason TEXT; then somebody else approves it."
            )?;
            if !enabled {
                writeln!(out, "What is approved is not carried out here: [respond] enabled is not set.")?;
            }
        }
        Ok(ExitStatus::Done)
    }

    async fn policies(&self, alert: &str) -> anyhow::Result<ExitStatus> {
        let keys = match &self.args.key {
            Some(key) => vec![key.clone()],
            None => self.responder.keys(alert).await?,
        };
        if keys.is_empty() {
            bail!("alert {alert} names no key: give one by --key");
        }
        let settings = &self.responder.settings;
        let scope = PolicyScope::Keys(&keys);
        let mut files = vec![
            ("bartizan-respond-read.json", reading_policy(scope)),
            ("bartizan-respond.json", writing_policy(scope)),
        ];
        let templates = [&settings.role_arn, &settings.read_role_arn];
        let roles: Vec<String> = templates
            .into_iter()
            .flatten()
            .flat_map(|template| keys.iter().map(move |key| template.role_for(key)))
            .collect();
        if !roles.is_empty() {
            files.push(("bartizan-assume.json", assume_policy(&roles)));
        }
        if let Some(principal) = &self.args.server_role {
            files.push(("bartizan-respond-trust.json", trust_policy(principal)));
        }
        let mut out = self.context.printer.stdout();
        for (name, policy) in files {
            writeln!(out, "# ==== {name} ====\n{policy:#}")?;
        }
        Ok(ExitStatus::Done)
    }

    async fn list(&self) -> anyhow::Result<ExitStatus> {
        let mut out = self.context.printer.stdout();
        let mut after = None;
        loop {
            let page =
                self.responder.store.responses(&ResponseFilter::default(), after.as_ref(), 500).await?;
            for record in &page.items {
                match self.args.format {
                    ListFormat::Text => write_record(&mut out, record)?,
                    ListFormat::Json => writeln!(out, "{}", as_json(record))?,
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(ExitStatus::Done);
            }
        }
    }

    fn show(&self, record: &ResponseRecord) -> anyhow::Result<()> {
        let mut out = self.context.printer.stdout();
        write_record(&mut out, record)?;
        if record.progress.status == ResponseStatus::Requested {
            let id = &record.draft.id;
            writeln!(out, "  Somebody else, with a token of their own: bartizan respond --approve {id}")?;
        }
        if record.progress.status == ResponseStatus::Approved {
            writeln!(out, "  To carry it out: bartizan respond --execute {}", record.draft.id)?;
        }
        Ok(())
    }
}

/// Writes one plan; whether its call would be made.
fn write_run(out: &mut impl Write, run: &DryRun) -> std::io::Result<bool> {
    let plan = &run.plan;
    writeln!(out, "Key {}", plan.key)?;
    match &plan.live {
        Ok(live) => {
            write!(out, "  state        {}", live.state)?;
            match (live.deletion_date, live.pending_window_days) {
                (Some(date), _) => writeln!(out, ", will be deleted at {date} or up to a day later")?,
                (None, Some(days)) => writeln!(out, ", {days} days after its last replica is gone")?,
                (None, None) => writeln!(out)?,
            }
        }
        Err(why) => writeln!(out, "  state        not known: {why}")?,
    }
    if let Some(last) = &run.last_disable {
        writeln!(out, "  disabled     by {} at {}", last.principal, last.time)?;
    }
    let would_call =
        plan.judgement == Some(Judgement::Call) && run.refusal.is_none() && plan.hindrance.is_none();
    match (&plan.judgement, plan.action) {
        (Some(Judgement::Call), Some(action)) if would_call => writeln!(out, "  would call   {action}")?,
        (Some(Judgement::Unneeded(why) | Judgement::Forbidden(why)), _) => {
            writeln!(out, "  no call      {why}")?
        }
        (_, Some(action)) if run.refusal.is_none() => writeln!(out, "  asked for    {action}")?,
        (None, None) => {
            writeln!(out, "  no call      neither CancelKeyDeletion nor EnableKey is known to be needed")?
        }
        _ => {}
    }
    if let Some(why) = &run.refusal {
        writeln!(out, "  refused      {why}")?;
    }
    if let Some(command) = plan.command().filter(|_| would_call) {
        writeln!(out, "  by hand      {command}")?;
    }
    Ok(would_call)
}

fn write_record(out: &mut impl Write, record: &ResponseRecord) -> std::io::Result<()> {
    let (draft, progress) = (&record.draft, &record.progress);
    writeln!(out, "{}  {}  {} on {}", draft.id, progress.status, draft.action, draft.key_arn)?;
    writeln!(out, "  asked by {} at {}: {}", draft.requested_by, draft.requested_at, draft.reason)?;
    match progress.status {
        ResponseStatus::Requested | ResponseStatus::Approved => {
            writeln!(out, "  valid until {}", progress.expires_at)?;
        }
        _ => {}
    }
    if let (Some(by), Some(at)) = (&progress.decided_by, progress.decided_at) {
        let word = if progress.status == ResponseStatus::Refused { "refused" } else { "approved" };
        writeln!(out, "  {word} by {by} at {at}")?;
    }
    if let (Some(by), Some(at)) = (&progress.executed_by, progress.executed_at) {
        writeln!(out, "  carried out by {by} at {at}")?;
    }
    match &progress.outcome {
        Some(outcome) => writeln!(out, "  {outcome}"),
        None => Ok(()),
    }
}

fn as_json(record: &ResponseRecord) -> Value {
    let (draft, progress) = (&record.draft, &record.progress);
    let time = |at: Option<ecs::Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": draft.id, "alert_id": draft.alert_id, "key": draft.key_arn, "action": draft.action,
        "reason": draft.reason, "status": progress.status.as_str(), "outcome": progress.outcome,
        "requested_by": draft.requested_by, "requested_at": draft.requested_at.to_string(),
        "disabled_by_defender": draft.disabled_by_defender, "disabled_said_by": draft.disabled_said_by,
        "expires_at": progress.expires_at.to_string(),
        "decided_by": progress.decided_by, "decided_at": time(progress.decided_at),
        "executed_by": progress.executed_by, "executed_at": time(progress.executed_at),
        "request_id": progress.request_id, "confirmed_at": time(progress.confirmed_at),
        "event_id": progress.event_id,
    })
}
