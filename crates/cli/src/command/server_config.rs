//! The configuration that `serve` and its companions read, and where secrets come from.

use std::path::PathBuf;

use anyhow::Context as _;
use notify::{Secret, SecretError, SecretRef, Secrets};
use server::settings::{Settings, SourceKind, SourceSettings};
use state::Store;

/// Where the configuration is.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration file (TOML); see deploy/bartizan.toml for all settings
    #[arg(long, value_name = "FILE", env = "BARTIZAN_CONFIG")]
    config: Option<PathBuf>,
    /// Keep state and lake below this folder, whatever the file says
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Watch this file or folder for logs, beside the sources of the file
    #[arg(long, value_name = "PATH")]
    watch: Vec<PathBuf>,
    /// Rules beside those of the file: a file or folder
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Listen here instead, for example 127.0.0.1:8585
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
}

impl ConfigFile {
    /// The settings of the file, with what was typed in their place.
    pub(crate) fn read(&self) -> anyhow::Result<Settings> {
        let mut settings = match &self.config {
            None => Settings::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
                toml::from_str(&text).with_context(|| format!("the configuration {}", path.display()))?
            }
        };
        if let Some(data) = &self.data {
            settings.state.sqlite = data.join("state.sqlite");
            settings.lake.folder = data.join("lake");
        }
        if !self.watch.is_empty() {
            let kind = SourceKind::Folder { paths: self.watch.clone() };
            settings.source.push(SourceSettings { name: "watch".to_owned(), kind });
        }
        settings.rules.paths.extend(self.rules.iter().cloned());
        if let Some(listen) = self.listen {
            settings.server.address = listen;
        }
        let mut names: Vec<&str> = settings.source.iter().map(|source| source.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            anyhow::bail!("two sources have the name `{}`: checkpoints are kept by name", twice[0]);
        }
        Ok(settings)
    }
}

/// The state that a configuration names.
pub(crate) async fn open_state(settings: &Settings) -> anyhow::Result<std::sync::Arc<dyn Store>> {
    Ok(server::server::open_state(settings, &ProcessSecrets).await?)
}

/// Secrets from the environment of this process, and from files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessSecrets;

impl Secrets for ProcessSecrets {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        match reference {
            SecretRef::Env(name) => match std::env::var(name) {
                Ok(value) => Secret::new(&value, reference),
                Err(_) => Err(SecretError::NoVariable { name: name.clone() }),
            },
            SecretRef::File(path) => match std::fs::read_to_string(path) {
                Ok(value) => Secret::new(&value, reference),
                Err(source) => Err(SecretError::File { path: path.clone(), source }),
            },
        }
    }
}
